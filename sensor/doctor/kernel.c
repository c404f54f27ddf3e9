/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel does with packets before the sensor sees them. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "sensor/capture/capture.h"
#include "sensor/doctor/doctor.h"

#define MIB             (1u << 20)
#define BACKLOG_AT_LEAST 4000

/* With several workers a program of classic BPF steers each packet. */
static void check_bpf(struct doctor *d)
{
    long jit;
    if (!doctor_number(d, &jit, "/proc/sys/net/core/bpf_jit_enable"))
        return;
    doctor_add(d, jit ? DOCTOR_GOOD : DOCTOR_WARNING, "kernel",
               jit ? NULL : "sysctl -w net.core.bpf_jit_enable=1", "BPF is %s",
               jit ? "compiled" : "interpreted: filters and steering cost more for each packet");
}

/* Column 2 of each processor's line, hexadecimal: dropped because its queue was full. */
static unsigned long backlog_drops(const struct doctor *d)
{
    char path[512], line[512];
    unsigned long all = 0, seen, dropped;
    snprintf(path, sizeof(path), "%s/proc/net/softnet_stat", d->conf->root);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%lx %lx", &seen, &dropped) == 2)
            all += dropped;
    }
    if (f)
        fclose(f);
    return all;
}

static void check_backlog(struct doctor *d)
{
    char remedy[128];
    long backlog;
    unsigned long dropped = backlog_drops(d);
    if (!doctor_number(d, &backlog, "/proc/sys/net/core/netdev_max_backlog"))
        return;
    snprintf(remedy, sizeof(remedy), "sysctl -w net.core.netdev_max_backlog=%ld",
             backlog < BACKLOG_AT_LEAST ? BACKLOG_AT_LEAST * 4L : backlog * 4);
    doctor_add(d, dropped ? DOCTOR_WARNING : DOCTOR_GOOD, "kernel", dropped ? remedy : NULL,
               "%lu packets dropped before any socket since the start (backlog %ld)", dropped,
               backlog);
}

static void check_ring_socket(struct doctor *d)
{
    if (d->conf->root[0] || geteuid() != 0 || !d->conf->interface_count)
        return;
    int err = capture_live_probe();
    if (err == ABENG_OK)
        doctor_add(d, DOCTOR_GOOD, "kernel", NULL, "packet rings (TPACKET_V3)");
    else if (err == ABENG_EUNSUPPORTED)
        doctor_add(d, DOCTOR_WRONG, "kernel", "set libpcap: yes for each of interfaces",
                   "no TPACKET_V3");
    else
        doctor_add(d, DOCTOR_WRONG, "kernel", "modprobe af_packet",
                   "no packet sockets: neither rings nor libpcap work");
}

static void check_ring_memory(struct doctor *d)
{
    char text[64];
    unsigned long long kib;
    uint64_t rings = d->conf->ring_bytes * d->conf->workers;
    if (!rings || !doctor_read(d, text, sizeof(text), "/proc/meminfo") ||
        sscanf(text, "MemTotal: %llu kB", &kib) != 1)
        return;
    bool enough = rings <= kib * 1024 / 4;
    doctor_add(d, enough ? DOCTOR_GOOD : DOCTOR_WARNING, "rings", NULL,
               "%llu MiB of kernel memory for the rings of %u workers%s",
               (unsigned long long)(rings / MIB), d->conf->workers,
               enough ? "" : ", more than a quarter of all: lower ring-mib, or workers");
}

/* Processors of several nodes: a worker pays for each packet of a card at another one. */
static void check_nodes(struct doctor *d)
{
    char online[64], remedy[200], cpus[100];
    long node;
    if (!doctor_read(d, online, sizeof(online), "/sys/devices/system/node/online") ||
        strcmp(online, "0") == 0)
        return;
    for (unsigned i = 0; i < d->conf->interface_count; i++) {
        const char *name = d->conf->interfaces[i];
        if (!doctor_number(d, &node, "/sys/class/net/%s/device/numa_node", name) || node < 0 ||
            !doctor_read(d, cpus, sizeof(cpus), "/sys/devices/system/node/node%ld/cpulist", node))
            continue;
        snprintf(remedy, sizeof(remedy),
                 "systemctl edit abeng-sensor: [Service] CPUAffinity=%s NUMAPolicy=bind "
                 "NUMAMask=%ld",
                 cpus, node);
        doctor_add(d, DOCTOR_HINT, name, remedy,
                   "the card is on node %ld of nodes %s: keep the workers there", node, online);
    }
}

doctor_host_check *const doctor_kernel_checks[] = {
    check_bpf, check_backlog, check_ring_socket, check_ring_memory, check_nodes, NULL,
};
