/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From frame to packets.
 *
 * The way of a frame: its link layer is taken off (Ethernet, cooked, PPP …), then tags and labels
 * (VLAN, QinQ, MPLS, PPPoE), then IP with its extension headers; fragments wait in the defragmenter
 * until their datagram is whole; the transport header is read; tunnels give an outer packet and go
 * round again with the inner bytes. Each layer counts, checks what is left, sets its view and hands
 * on. A frame that is not what it claims is counted by its reason and skipped, never fatal.
 */
#ifndef SENSOR_DECODE_H
#define SENSOR_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counter.h"
#include "sensor/decode/event.h"
#include "sensor/decode/packet.h"
#include "signatures/program.h"

struct frame;
struct slab;
struct decoder;

/** Most packets one frame can give: the outer ones and the innermost. */
#define DECODE_PACKETS_MAX 8

/** So many frames may be decoded before the packets of the first are done with. */
#define DECODE_AHEAD 4

/** The layer an inner packet was found in. */
enum decode_tunnel {
    DECODE_TUNNEL_NONE,
    DECODE_TUNNEL_IP, /* IPv4 or IPv6 in IPv4 or IPv6 */
    DECODE_TUNNEL_GRE,
    DECODE_TUNNEL_ERSPAN,
    DECODE_TUNNEL_VXLAN,
    DECODE_TUNNEL_GENEVE,
    DECODE_TUNNEL_TEREDO,
    DECODE_TUNNEL_GTPU,
};

/** IPv4 options seen: bits of packet.ip_options. */
enum decode_ipopt {
    DECODE_IPOPT_EOL = 1u << 0,
    DECODE_IPOPT_NOP = 1u << 1,
    DECODE_IPOPT_RR = 1u << 2,
    DECODE_IPOPT_TS = 1u << 3,
    DECODE_IPOPT_SEC = 1u << 4,
    DECODE_IPOPT_LSRR = 1u << 5,
    DECODE_IPOPT_ESEC = 1u << 6,
    DECODE_IPOPT_SATID = 1u << 7,
    DECODE_IPOPT_SSRR = 1u << 8,
    DECODE_IPOPT_ROUTER_ALERT = 1u << 9,
    DECODE_IPOPT_OTHER = 1u << 10,
    DECODE_IPOPT_CIPSO = 1u << 11,
};

struct decode_conf {
    bool check_checksums;         /* -k all */
    bool tunnels_more;            /* profile abeng: GTP-U, and IPv4 in IPv4 */
    uint64_t defrag_timeout_ns;   /* 0: 60 s */
    uint32_t defrag_trackers_max; /* 0: 65,536 */
    const struct targets *targets; /* who runs what; NULL: Windows over IPv4, BSD over IPv6 */
};

/** Counter names of this stage, ended by a NULL name. */
extern const struct counter_def decode_counters[];

/** A decoder for one worker; its memory (defragmentation) comes from `slab`, its counts go to
 * `counters`. */
struct decoder *decode_create(const struct decode_conf *conf, struct slab *slab,
                              struct counter_block *counters);

/**
 * Decode one frame into `out`. Returns the number of packets, 0 when nothing is to be inspected (a
 * fragment that waits is returned as a packet with PACKET_F_FRAGMENT; the whole datagram comes,
 * with PACKET_F_REASSEMBLED, after the last one). `number` and `now_ns` are set by the caller's
 * arguments. Views are valid for DECODE_AHEAD - 1 calls more.
 */
int decode_frame(struct decoder *d, const struct frame *f, uint64_t number, uint64_t now_ns,
                 struct packet out[DECODE_PACKETS_MAX]);

/**
 * Which worker of `workers` a frame belongs to: symmetric hash of the IP pair (inner pair in
 * tunnels, embedded pair in ICMP errors), so that fragments, both directions and a host pair's
 * flows stay together. Pure; frames without IP go to 0.
 */
unsigned decode_steer(const struct frame *f, unsigned workers);

/**
 * Whether a checksum of the packet is right: 1, 0 when it is wrong, -1 when it has none of this
 * kind. Computed over what was captured.
 */
int decode_checksum_check(const struct packet *p, enum sig_csum which);

/** Free. NULL is allowed. */
void decode_free(struct decoder *d);

/** Number of the decoder event that rules call `name` ("ipv4.pkt_too_small"), or -1. */
int decode_event_find(const char *name);

#endif
