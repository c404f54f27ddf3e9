/* SPDX-License-Identifier: Apache-2.0 */
/* Stored files: each once, whole or not at all, and never more than there is room for. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"
#include "sensor/monitor/channel.h"
#include "sensor/monitor/keep.h"

#define DAY_NS (86400ull * 1000000000ull)

static char folder[64];

static bool there(const char *name)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static int ask(struct keep *k, const char *name, enum channel_file what, int *fd)
{
    struct channel_message m = { .verb = CHANNEL_FILE, .arg = what };
    snprintf(m.name, sizeof(m.name), "%s", name);
    *fd = keep_answer(k, &m);
    return m.status;
}

static void put(struct keep *k, const char *name, size_t len)
{
    static const char bytes[4096];
    int fd, none;
    assert_int_equal(ask(k, name, CHANNEL_FILE_BEGIN, &fd), ABENG_OK);
    assert_true(fd >= 0);
    assert_false(there(name)); /* not before it is whole */
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
    assert_int_equal(ask(k, name, CHANNEL_FILE_FINISH, &none), ABENG_OK);
    assert_true(there(name));
}

static void test_once(void **state)
{
    (void)state;
    int fd;
    struct keep *k = keep_open(folder, 1u << 20, DAY_NS);
    assert_non_null(k);
    put(k, "aa", 10);
    assert_int_equal(ask(k, "aa", CHANNEL_FILE_BEGIN, &fd), ABENG_OK);
    assert_int_equal(fd, -1); /* it is there */
    assert_int_not_equal(ask(k, "../aa", CHANNEL_FILE_BEGIN, &fd), ABENG_OK);
    assert_int_equal(fd, -1);
    assert_int_not_equal(ask(k, ".part", CHANNEL_FILE_FINISH, &fd), ABENG_OK);
    assert_int_not_equal(ask(k, "bb", CHANNEL_FILE_FINISH, &fd), ABENG_OK); /* nothing was begun */
    keep_close(k);
}

/* The oldest go when there is no room, and what is too old at once. */
static void test_room(void **state)
{
    (void)state;
    char path[160], name[16];
    struct timespec old[2] = { { 1000000, 0 }, { 1000000, 0 } };
    struct keep *k = keep_open(folder, 64u << 10, DAY_NS);
    put(k, "old", 10);
    snprintf(path, sizeof(path), "%s/old", folder);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    keep_close(k);
    k = keep_open(folder, 64u << 10, DAY_NS);
    assert_false(there("old"));
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "f%02u", i);
        put(k, name, 4096);
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        struct timespec at[2] = { { time(NULL) - 1000 + i, 0 }, { time(NULL) - 1000 + i, 0 } };
        assert_int_equal(utimensat(AT_FDCWD, path, at, 0), 0);
    }
    unsigned left = 0;
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "f%02u", i);
        left += there(name);
    }
    assert_true(left >= 14 && left <= 17); /* 64 KiB are sixteen of them, and one more */
    assert_true(there("f39") && !there("f00"));
    keep_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_room),
    };
    snprintf(folder, sizeof(folder), "/tmp/abeng-keep.XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command) == 0 ? rc : 1;
}
