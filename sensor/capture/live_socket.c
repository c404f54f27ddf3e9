/* SPDX-License-Identifier: Apache-2.0 */
/* Making an AF_PACKET socket with its ring, filter and fanout group: what needs privileges, and
 * nothing else. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "sensor/capture/capture.h"
#include "sensor/capture/ring.h"

#define RING_BYTES  (64u << 20)
#define RETIRE_MS   20
#define FRAME_BYTES 2048 /* only a unit for the kernel's own sums; frames of any size fit a block  \
                          */
#define SNAPLEN 262144

static uint32_t blocks_of(uint32_t ring_bytes)
{
    uint32_t bytes = ring_bytes ? ring_bytes : RING_BYTES;
    uint32_t blocks = bytes / RING_BLOCK_BYTES + (bytes % RING_BLOCK_BYTES ? 1 : 0);
    return blocks < RING_BLOCKS_MIN ? RING_BLOCKS_MIN : blocks;
}

static int failed(char *reason, size_t reason_len, const char *interface, const char *what)
{
    snprintf(reason, reason_len, "%s: %s: %s", interface, what, strerror(errno));
    return ABENG_EIO;
}

static int ring_make(int fd, const struct capture_live_conf *conf, char *reason, size_t reason_len)
{
    uint32_t blocks = blocks_of(conf->ring_bytes);
    int version = TPACKET_V3;
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) != 0)
        return failed(reason, reason_len, conf->interface, "the kernel has no TPACKET_V3");
    struct tpacket_req3 req = {
        .tp_block_size = RING_BLOCK_BYTES,
        .tp_block_nr = blocks,
        .tp_frame_size = FRAME_BYTES,
        .tp_frame_nr = RING_BLOCK_BYTES / FRAME_BYTES * blocks,
        .tp_retire_blk_tov = conf->retire_ms ? conf->retire_ms : RETIRE_MS,
    };
    if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) != 0)
        return failed(reason, reason_len, conf->interface,
                      "no memory for the ring; make it smaller");
    return ABENG_OK;
}

/* Compile with libpcap, attach to the socket: the instructions have the same shape. */
static int filter_attach(int fd, const struct capture_live_conf *conf, char *reason,
                         size_t reason_len)
{
    if (!conf->bpf || !*conf->bpf)
        return ABENG_OK;
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, SNAPLEN);
    struct bpf_program program;
    int r = ABENG_OK;
    if (!dead || pcap_compile(dead, &program, conf->bpf, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        snprintf(reason, reason_len, "%s: filter \"%s\": %s", conf->interface, conf->bpf,
                 dead ? pcap_geterr(dead) : "out of memory");
        r = ABENG_EINVAL;
    } else {
        struct sock_fprog kernel = { .len = (unsigned short)program.bf_len,
                                     .filter = (struct sock_filter *)program.bf_insns };
        if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &kernel, sizeof(kernel)) != 0)
            r = failed(reason, reason_len, conf->interface, "filter");
        pcap_freecode(&program);
    }
    if (dead)
        pcap_close(dead);
    return r;
}

static int interface_bind(int fd, const struct capture_live_conf *conf, char *reason,
                          size_t reason_len)
{
    struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
    address.sll_ifindex = (int)if_nametoindex(conf->interface);
    if (!address.sll_ifindex)
        return failed(reason, reason_len, conf->interface, "no such interface");
    struct packet_mreq promiscuous = { .mr_ifindex = address.sll_ifindex,
                                       .mr_type = PACKET_MR_PROMISC };
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) != 0)
        return failed(reason, reason_len, conf->interface, "promiscuous mode");
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        return failed(reason, reason_len, conf->interface, "bind");
    return ABENG_OK;
}

/* What a loopback sends it receives too: once is enough. Kernels before 4.20 do not know it, and
 * the reader leaves those frames out. */
static void outgoing_leave(int fd)
{
    struct sockaddr_ll address;
    socklen_t len = sizeof(address);
    int one = 1;
    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
        address.sll_hatype == ARPHRD_LOOPBACK)
        (void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
}

static int fanout_join(int fd, const struct capture_live_conf *conf, char *reason,
                       size_t reason_len)
{
    if (conf->fanout_members <= 1)
        return ABENG_OK;
    uint32_t how = conf->fanout_group | (uint32_t)PACKET_FANOUT_CBPF << 16;
    if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &how, sizeof(how)) != 0)
        return failed(reason, reason_len, conf->interface, "fanout group");
    struct sock_filter code[FANOUT_PROGRAM_MAX];
    struct sock_fprog program = { .len = (unsigned short)fanout_program(code), .filter = code };
    if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)) != 0)
        return failed(reason, reason_len, conf->interface, "fanout program");
    return ABENG_OK;
}

int capture_live_socket(const struct capture_live_conf *conf, char *reason, size_t reason_len)
{
    /* Protocol 0: nothing is delivered before ring, filter and interface are set. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failed(reason, reason_len, conf->interface, "AF_PACKET (needs CAP_NET_RAW)");
    int r = ring_make(fd, conf, reason, reason_len);
    if (r == ABENG_OK)
        r = filter_attach(fd, conf, reason, reason_len);
    if (r == ABENG_OK)
        r = interface_bind(fd, conf, reason, reason_len);
    if (r == ABENG_OK)
        outgoing_leave(fd);
    if (r == ABENG_OK)
        r = fanout_join(fd, conf, reason, reason_len);
    if (r == ABENG_OK)
        return fd;
    close(fd);
    return r;
}

int capture_live_probe(void)
{
    int version = TPACKET_V3;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ABENG_EIO;
    int err = setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version));
    close(fd);
    return err == 0 ? ABENG_OK : ABENG_EUNSUPPORTED;
}
