/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces: link, offloads, rings, queues, and where their interrupts go. */
#include "config.h"

#include <dirent.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sensor/doctor/doctor.h"

#define RSS_KEY_MAX   256
#define RSS_TABLE_MAX 4096
#define IRQS_MAX      256

/* Ask the driver; `what` begins with the command. False when it does not answer. */
static bool ask(const struct doctor *d, const char *interface, void *what)
{
    struct ifreq r = { 0 };
    if (d->conf->root[0]) /* a test's folder has no drivers */
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", interface);
    r.ifr_data = what;
    bool done = fd >= 0 && ioctl(fd, SIOCETHTOOL, &r) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

static bool there(const struct doctor *d, const char *interface)
{
    char state[32];
    return doctor_read(d, state, sizeof(state), "/sys/class/net/%s/operstate", interface);
}

static void check_link(struct doctor *d, const char *interface)
{
    char state[32], remedy[128];
    long mtu;
    if (!doctor_read(d, state, sizeof(state), "/sys/class/net/%s/operstate", interface)) {
        doctor_add(d, DOCTOR_WRONG, interface, "ip link", "there is no such interface");
        return;
    }
    snprintf(remedy, sizeof(remedy), "ip link set %s up", interface);
    bool down = strcmp(state, "down") == 0;
    doctor_add(d, down ? DOCTOR_WRONG : DOCTOR_GOOD, interface, down ? remedy : NULL, "link is %s",
               state);
    if (!doctor_number(d, &mtu, "/sys/class/net/%s/mtu", interface) || mtu >= 1500)
        return;
    snprintf(remedy, sizeof(remedy), "ip link set %s mtu 1522", interface);
    doctor_add(d, DOCTOR_WARNING, interface, remedy,
               "MTU %ld: longer frames of the mirror do not come", mtu);
}

/* Offloads that change what was on the wire before we see it. */
static void check_offloads(struct doctor *d, const char *interface)
{
    static const struct {
        uint32_t get;
        const char *name, *word;
    } offloads[] = {
        { ETHTOOL_GGRO, "GRO", "gro" },
        { ETHTOOL_GGSO, "GSO", "gso" },
        { ETHTOOL_GTSO, "TSO", "tso" },
    };
    for (unsigned i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++) {
        struct ethtool_value v = { .cmd = offloads[i].get };
        char remedy[128];
        if (!ask(d, interface, &v) || !v.data)
            continue;
        snprintf(remedy, sizeof(remedy), "ethtool -K %s %s off  (package ethtool)", interface,
                 offloads[i].word);
        doctor_add(d, i == 0 ? DOCTOR_WARNING : DOCTOR_HINT, interface, remedy,
                   "%s is on: packets are joined before they are inspected", offloads[i].name);
    }
    struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };
    if (ask(d, interface, &flags) && flags.data & ETH_FLAG_LRO) {
        char remedy[128];
        snprintf(remedy, sizeof(remedy), "ethtool -K %s lro off  (package ethtool)", interface);
        doctor_add(d, DOCTOR_WRONG, interface, remedy,
                   "LRO is on: packets are joined by the card, and their headers are lost");
    }
}

static void check_ring(struct doctor *d, const char *interface)
{
    struct ethtool_ringparam r = { .cmd = ETHTOOL_GRINGPARAM };
    char remedy[128];
    if (!ask(d, interface, &r) || !r.rx_max_pending)
        return;
    bool small = r.rx_pending < r.rx_max_pending / 2;
    snprintf(remedy, sizeof(remedy), "ethtool -G %s rx %u  (package ethtool)", interface,
             r.rx_max_pending);
    doctor_add(d, small ? DOCTOR_HINT : DOCTOR_GOOD, interface, small ? remedy : NULL,
               "receive ring: %u of at most %u frames", r.rx_pending, r.rx_max_pending);
}

static unsigned queues_of(const struct doctor *d, const char *interface)
{
    struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
    return ask(d, interface, &c) ? c.rx_count + c.combined_count : 0;
}

/* A key of one repeated pair of bytes gives both directions of a flow the same queue. */
static bool is_symmetric(const uint8_t *key, uint32_t len)
{
    for (uint32_t i = 2; i < len; i++) {
        if (key[i] != key[i - 2])
            return false;
    }
    return len >= 4;
}

static void check_steering(struct doctor *d, const char *interface)
{
    struct {
        struct ethtool_rxfh head;
        uint8_t rest[RSS_TABLE_MAX + RSS_KEY_MAX];
    } rss = { .head = { .cmd = ETHTOOL_GRSSH } };
    char remedy[160];
    if (queues_of(d, interface) < 2 || !ask(d, interface, &rss.head))
        return;
    uint32_t table = rss.head.indir_size * 4, key = rss.head.key_size;
    if (!key || table + key > sizeof(rss.rest))
        return;
    rss.head.cmd = ETHTOOL_GRSSH;
    if (!ask(d, interface, &rss.head) || is_symmetric(rss.rest + table, key))
        return;
    snprintf(remedy, sizeof(remedy), "ethtool -L %s combined 1  (package ethtool)", interface);
    doctor_add(d, DOCTOR_HINT, interface, remedy,
               "the card's hash is not symmetric: harmless here, the ring steers by pairs itself, "
               "but one queue saves the way between caches");
}

static void check_drops(struct doctor *d, const char *interface)
{
    static const char *const names[] = { "rx_dropped", "rx_missed_errors", "rx_fifo_errors",
                                         "rx_crc_errors" };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        long n;
        if (doctor_number(d, &n, "/sys/class/net/%s/statistics/%s", interface, names[i]) && n > 0)
            doctor_add(d, DOCTOR_WARNING, interface, NULL, "%s %ld since the interface came up",
                       names[i], n);
    }
}

/* Interrupts of the card on processors of another node pay for each packet. */
static void check_node(struct doctor *d, const char *interface)
{
    char cpus[128], path[256], remedy[200];
    long node, irq;
    unsigned seen = 0;
    if (!there(d, interface) ||
        !doctor_number(d, &node, "/sys/class/net/%s/device/numa_node", interface) || node < 0 ||
        !doctor_read(d, cpus, sizeof(cpus), "/sys/devices/system/node/node%ld/cpulist", node))
        return;
    snprintf(path, sizeof(path), "%s/sys/class/net/%s/device/msi_irqs", d->conf->root, interface);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && seen < IRQS_MAX && (e = readdir(dir));) {
        char at[128];
        irq = strtol(e->d_name, NULL, 10);
        if (irq <= 0 || !doctor_read(d, at, sizeof(at), "/proc/irq/%ld/node", irq))
            continue;
        seen++;
        if (strtol(at, NULL, 10) == node)
            continue;
        snprintf(remedy, sizeof(remedy), "echo %s >/proc/irq/%ld/smp_affinity_list", cpus, irq);
        doctor_add(d, DOCTOR_HINT, interface, remedy,
                   "interrupt %ld is on node %s, the card on node %ld", irq, at, node);
    }
    if (dir)
        closedir(dir);
}

/* All interrupts of a card with several queues on one processor make it one queue. */
static void check_spread(struct doctor *d, const char *interface)
{
    char path[256], first[64] = "", at[64], remedy[128];
    unsigned count = 0;
    bool same = true;
    snprintf(path, sizeof(path), "%s/sys/class/net/%s/device/msi_irqs", d->conf->root, interface);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && count < IRQS_MAX && (e = readdir(dir));) {
        long irq = strtol(e->d_name, NULL, 10);
        if (irq <= 0 || !doctor_read(d, at, sizeof(at), "/proc/irq/%ld/smp_affinity_list", irq))
            continue;
        if (count++ == 0)
            snprintf(first, sizeof(first), "%s", at);
        same &= strcmp(first, at) == 0;
    }
    if (dir)
        closedir(dir);
    if (count < 2 || !same || strpbrk(first, ",-"))
        return;
    snprintf(remedy, sizeof(remedy), "apt-get install irqbalance, or ethtool -L %s combined 1",
             interface);
    doctor_add(d, DOCTOR_WARNING, interface, remedy,
               "all %u interrupts go to processor %s: it takes packets for all workers", count,
               first);
}

/* An interrupt a packet is what a card does that does not wait a little. */
static void check_coalescing(struct doctor *d, const char *interface)
{
    struct ethtool_coalesce c = { .cmd = ETHTOOL_GCOALESCE };
    char remedy[128];
    if (!ask(d, interface, &c) || c.use_adaptive_rx_coalesce || c.rx_coalesce_usecs ||
        c.rx_max_coalesced_frames > 1)
        return;
    snprintf(remedy, sizeof(remedy), "ethtool -C %s adaptive-rx on  (or rx-usecs 50)", interface);
    doctor_add(d, DOCTOR_HINT, interface, remedy, "the card interrupts for each packet");
}

/* A sensor must never slow down who mirrors to it. */
static void check_pause(struct doctor *d, const char *interface)
{
    struct ethtool_pauseparam p = { .cmd = ETHTOOL_GPAUSEPARAM };
    char remedy[128];
    if (!ask(d, interface, &p) || !(p.tx_pause || p.rx_pause))
        return;
    snprintf(remedy, sizeof(remedy), "ethtool -A %s autoneg off rx off tx off", interface);
    doctor_add(d, DOCTOR_HINT, interface, remedy,
               "pause frames are on: a full ring would stop the mirror's port");
}

doctor_nic_check *const doctor_nic_checks[] = {
    check_link, check_offloads, check_ring,       check_steering, check_drops,
    check_node, check_spread,   check_coalescing, check_pause,    NULL,
};
