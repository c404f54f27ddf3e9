/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor, over made-up hosts: each trouble is named, with what to type. */
#include "config.h"
#include "sensor/doctor/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "common/file.h"

struct bench {
    char root[64];
    struct doctor doctor;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    snprintf(b->root, sizeof(b->root), "/tmp/abeng-doctor-XXXXXX");
    *state = b;
    return mkdtemp(b->root) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    char command[96];
    snprintf(command, sizeof(command), "rm -r %s", b->root);
    int status = system(command);
    free(b);
    return status;
}

static void put(struct bench *b, const char *path, const char *text)
{
    char full[256], *slash;
    snprintf(full, sizeof(full), "%s%s", b->root, path);
    slash = strrchr(full, '/');
    *slash = 0;
    assert_int_equal(file_make_dirs(full, 0755), 0);
    *slash = '/';
    assert_int_equal(file_replace(full, text, strlen(text), 0644), 0);
}

static void run(struct bench *b, const char *interface)
{
    const char *const names[] = { interface };
    struct doctor_conf conf = { .root = b->root,
                                .interfaces = names,
                                .interface_count = interface ? 1 : 0,
                                .workers = 1,
                                .worker_bytes = 1 << 20,
                                .ring_bytes = 64 << 20,
                                .state_dir = b->root };
    doctor_run(&b->doctor, &conf);
}

/* The finding about `about` that has `text` in it; NULL when there is none. */
static const struct doctor_finding *finding(struct bench *b, const char *about, const char *text)
{
    for (unsigned i = 0; i < b->doctor.count; i++) {
        const struct doctor_finding *f = &b->doctor.findings[i];
        if (strcmp(f->about, about) == 0 && strstr(f->found, text))
            return f;
    }
    return NULL;
}

static void an_old_kernel_is_named(void **state)
{
    struct bench *b = *state;
    put(b, "/proc/sys/kernel/osrelease", "5.10.0-28-amd64\n");
    run(b, NULL);
    const struct doctor_finding *f = finding(b, "kernel", "Landlock");
    assert_non_null(f);
    assert_int_equal(f->level, DOCTOR_WARNING);
    assert_non_null(strstr(f->remedy, "linux-image"));
    put(b, "/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    run(b, NULL);
    assert_null(finding(b, "kernel", "Landlock"));
}

static void what_the_processor_lacks_is_named(void **state)
{
    struct bench *b = *state;
    put(b, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu ssse3 avx2 avx512f avx512vbmi\n");
    run(b, NULL);
    assert_int_equal(finding(b, "processor", "AVX-512")->level, DOCTOR_GOOD);
    put(b, "/proc/cpuinfo", "flags\t\t: fpu ssse3 avx\n");
    run(b, NULL);
    assert_int_equal(finding(b, "processor", "AVX2")->level, DOCTOR_WARNING);
    put(b, "/proc/cpuinfo", "flags\t\t: fpu sse2\n");
    run(b, NULL);
    assert_int_equal(finding(b, "processor", "SSSE3")->level, DOCTOR_WRONG);
    assert_false(doctor_print(&b->doctor, true));
}

static void an_interface_that_is_down_is_wrong(void **state)
{
    struct bench *b = *state;
    put(b, "/sys/class/net/eth7/operstate", "down\n");
    put(b, "/sys/class/net/eth7/mtu", "1400\n");
    put(b, "/sys/class/net/eth7/statistics/rx_missed_errors", "12\n");
    run(b, "eth7");
    const struct doctor_finding *f = finding(b, "eth7", "link is down");
    assert_int_equal(f->level, DOCTOR_WRONG);
    assert_string_equal(f->remedy, "ip link set eth7 up");
    assert_int_equal(finding(b, "eth7", "MTU 1400")->level, DOCTOR_WARNING);
    assert_non_null(finding(b, "eth7", "rx_missed_errors 12"));
    run(b, "eth8");
    assert_int_equal(finding(b, "eth8", "no such interface")->level, DOCTOR_WRONG);
}

static void interrupts_of_another_node_are_named(void **state)
{
    struct bench *b = *state;
    put(b, "/sys/class/net/eth7/operstate", "up\n");
    put(b, "/sys/class/net/eth7/device/numa_node", "1\n");
    put(b, "/sys/class/net/eth7/device/msi_irqs/44", "msix\n");
    put(b, "/sys/class/net/eth7/device/msi_irqs/45", "msix\n");
    put(b, "/sys/devices/system/node/node1/cpulist", "8-15\n");
    put(b, "/proc/irq/44/node", "0\n");
    put(b, "/proc/irq/45/node", "1\n");
    run(b, "eth7");
    const struct doctor_finding *f = finding(b, "eth7", "interrupt 44");
    assert_non_null(f);
    assert_string_equal(f->remedy, "echo 8-15 >/proc/irq/44/smp_affinity_list");
    assert_null(finding(b, "eth7", "interrupt 45"));
}

static void interrupts_on_one_processor_are_named(void **state)
{
    struct bench *b = *state;
    put(b, "/sys/class/net/eth7/operstate", "up\n");
    put(b, "/sys/class/net/eth7/device/msi_irqs/44", "msix\n");
    put(b, "/sys/class/net/eth7/device/msi_irqs/45", "msix\n");
    put(b, "/proc/irq/44/smp_affinity_list", "0\n");
    put(b, "/proc/irq/45/smp_affinity_list", "0\n");
    run(b, "eth7");
    assert_int_equal(finding(b, "eth7", "all 2 interrupts go to processor 0")->level,
                     DOCTOR_WARNING);
    put(b, "/proc/irq/45/smp_affinity_list", "1\n");
    run(b, "eth7");
    assert_null(finding(b, "eth7", "interrupts go to"));
    put(b, "/proc/irq/44/smp_affinity_list", "0-7\n");
    put(b, "/proc/irq/45/smp_affinity_list", "0-7\n");
    run(b, "eth7");
    assert_null(finding(b, "eth7", "interrupts go to"));
}

static void what_the_kernel_drops_is_named(void **state)
{
    struct bench *b = *state;
    put(b, "/proc/sys/net/core/netdev_max_backlog", "1000\n");
    put(b, "/proc/net/softnet_stat", "00000005 00000000 00000000\n00000007 0000000b 00000000\n");
    put(b, "/proc/sys/net/core/bpf_jit_enable", "0\n");
    run(b, NULL);
    const struct doctor_finding *f = finding(b, "kernel", "11 packets dropped");
    assert_int_equal(f->level, DOCTOR_WARNING);
    assert_string_equal(f->remedy, "sysctl -w net.core.netdev_max_backlog=16000");
    f = finding(b, "kernel", "BPF is interpreted");
    assert_string_equal(f->remedy, "sysctl -w net.core.bpf_jit_enable=1");
    put(b, "/proc/net/softnet_stat", "00000005 00000000 00000000\n");
    put(b, "/proc/sys/net/core/bpf_jit_enable", "1\n");
    run(b, NULL);
    assert_int_equal(finding(b, "kernel", "0 packets dropped")->level, DOCTOR_GOOD);
    assert_int_equal(finding(b, "kernel", "BPF is compiled")->level, DOCTOR_GOOD);
}

static void rings_too_large_and_nodes_are_named(void **state)
{
    struct bench *b = *state;
    put(b, "/proc/meminfo", "MemTotal:         131072 kB\n");
    put(b, "/sys/devices/system/node/online", "0-1\n");
    put(b, "/sys/devices/system/node/node1/cpulist", "8-15\n");
    put(b, "/sys/class/net/eth7/operstate", "up\n");
    put(b, "/sys/class/net/eth7/device/numa_node", "1\n");
    run(b, "eth7");
    assert_int_equal(finding(b, "rings", "64 MiB")->level, DOCTOR_WARNING);
    const struct doctor_finding *f = finding(b, "eth7", "keep the workers there");
    assert_non_null(strstr(f->remedy, "CPUAffinity=8-15"));
    put(b, "/proc/meminfo", "MemTotal:         1310720 kB\n");
    put(b, "/sys/devices/system/node/online", "0\n");
    run(b, "eth7");
    assert_int_equal(finding(b, "rings", "64 MiB")->level, DOCTOR_GOOD);
    assert_null(finding(b, "eth7", "keep the workers there"));
}

static void a_host_that_says_nothing_is_no_trouble(void **state)
{
    struct bench *b = *state;
    run(b, NULL);
    assert_true(doctor_print(&b->doctor, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_old_kernel_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_processor_lacks_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_interface_that_is_down_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interrupts_of_another_node_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interrupts_on_one_processor_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_kernel_drops_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rings_too_large_and_nodes_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_host_that_says_nothing_is_no_trouble, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
