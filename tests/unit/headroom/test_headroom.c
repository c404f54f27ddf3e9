/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for a load: what the machine has, or the control group leaves. */
#include "config.h"
#include "sensor/headroom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (1u << 20)

/* A root of its own; files are put below it. */
static int set_up(void **state)
{
    char name[] = "/tmp/abeng-headroom.XXXXXX";
    *state = mkdtemp(name) ? strdup(name) : NULL;
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -r '%s'", (char *)*state);
    int status = system(command);
    free(*state);
    return status;
}

static void put(const char *root, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_machine(void **state)
{
    const char *root = *state;
    uint64_t bytes;
    assert_false(headroom_free(root, &bytes));
    put(root, "/proc/meminfo", "MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable:   2048 kB\n");
    assert_true(headroom_free(root, &bytes));
    assert_int_equal(bytes, 2 * MIB);
}

static void test_unified_group(void **state)
{
    const char *root = *state;
    uint64_t bytes;
    put(root, "/proc/meminfo", "MemAvailable: 1048576 kB\n");
    put(root, "/proc/self/cgroup", "0::/system.slice/abeng.service\n");
    put(root, "/sys/fs/cgroup/system.slice/abeng.service/memory.max", "max\n");
    put(root, "/sys/fs/cgroup/system.slice/abeng.service/memory.current", "104857600\n");
    assert_true(headroom_free(root, &bytes));
    assert_int_equal(bytes, 1024ull * MIB);
    put(root, "/sys/fs/cgroup/system.slice/abeng.service/memory.max", "209715200\n");
    assert_true(headroom_free(root, &bytes));
    assert_int_equal(bytes, 100 * MIB);
    put(root, "/sys/fs/cgroup/system.slice/abeng.service/memory.stat",
        "anon 1\nactive_file 7\ninactive_file 10485760\n");
    assert_true(headroom_free(root, &bytes));
    assert_int_equal(bytes, 110 * MIB);
}

static void test_old_group(void **state)
{
    const char *root = *state;
    uint64_t bytes;
    put(root, "/proc/meminfo", "MemAvailable: 1048576 kB\n");
    put(root, "/proc/self/cgroup", "7:blkio:/\n4:memory:/abeng\n1:cpu:/\n0::/\n");
    put(root, "/sys/fs/cgroup/memory/abeng/memory.limit_in_bytes", "52428800\n");
    put(root, "/sys/fs/cgroup/memory/abeng/memory.usage_in_bytes", "73400320\n");
    assert_true(headroom_free(root, &bytes));
    assert_int_equal(bytes, 0);
    put(root, "/sys/fs/cgroup/memory/abeng/memory.stat",
        "inactive_file 5\ntotal_inactive_file 41943040\n");
    assert_true(headroom_free(root, &bytes));
    assert_int_equal(bytes, 20 * MIB);
}

static void test_need(void **state)
{
    struct headroom_sources none = { 0 }, s = { 0 };
    char path[512];
    snprintf(path, sizeof(path), "%s/rules", (char *)*state);
    put(*state, "/rules", "alert one\n# two\nthree\n");
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    headroom_weigh(&s, fileno(f), false);
    assert_int_equal(s.lines, 3);
    assert_int_equal(s.text, 22);
    headroom_weigh(&s, fileno(f), true);
    fclose(f);
    assert_int_equal(s.packed, 22);
    assert_true(headroom_need(&none).loader > 0 && headroom_need(&none).set > 0);
    /* as measured: loader's peak, image with regexes, in bytes */
    static const struct {
        struct headroom_sources of;
        uint64_t loader, set;
    } seen[] = {
        { { 16170784, 26214, 0 }, 141516u * 1024u, 27908u * 1024u },
        { { 20514778, 34020, 0 }, 216728u * 1024u, 0 },
        { { 2601117, 20000, 0 }, 88696u * 1024u, 33132u * 1024u },
        { { 1334297, 20000, 0 }, 132524u * 1024u, 0 },
    };
    for (unsigned i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        struct headroom_need need = headroom_need(&seen[i].of);
        assert_true(need.loader > seen[i].loader && need.set > seen[i].set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unified_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_need, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("headroom", tests, NULL, NULL);
}
