/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A packet: what decoding found in a frame, as views into the frame (or into the defragmenter's
 * buffer). No detection state, no ownership. One frame can give several packets, the outer one of a
 * tunnel first.
 */
#ifndef SENSOR_PACKET_H
#define SENSOR_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"

#define PACKET_PROTO_ICMP       1
#define PACKET_PROTO_IPIP       4
#define PACKET_PROTO_TCP        6
#define PACKET_PROTO_UDP        17
#define PACKET_PROTO_IPV6       41
#define PACKET_PROTO_GRE        47
#define PACKET_PROTO_ICMPV6     58
#define PACKET_PROTO_SCTP       132

#define PACKET_TCP_FIN          0x01
#define PACKET_TCP_SYN          0x02
#define PACKET_TCP_RST          0x04
#define PACKET_TCP_PSH          0x08
#define PACKET_TCP_ACK          0x10
#define PACKET_TCP_URG          0x20
#define PACKET_TCP_ECE          0x40
#define PACKET_TCP_CWR          0x80

#define PACKET_F_FRAGMENT       (1u << 0) /* an IP fragment, not reassembled */
#define PACKET_F_FIRST_FRAGMENT (1u << 1)
#define PACKET_F_REASSEMBLED    (1u << 2) /* made of fragments */
#define PACKET_F_TUNNELED       (1u << 3) /* inner packet */
#define PACKET_F_OUTER          (1u << 4) /* a tunnel whose inner packet follows */
#define PACKET_F_BAD_CHECKSUM   (1u << 5) /* with checksums validated: the TCP checksum is wrong */
#define PACKET_F_PSEUDO         (1u << 6) /* made by the engine at a flow's end; no bytes */
#define PACKET_F_NO_PORTS       (1u << 7) /* no l4 header (later fragment, other protocol) */
#define PACKET_F_FLUSH          (1u << 10) /* PSEUDO in the middle of a flow, see worker.c */
#define PACKET_F_BEYOND         (1u << 9) /* where the reference does not look */
#define PACKET_F_L4_BAD         (1u << 8) /* l4 header malformed: no flow, header rules only */

/** TCP options that later stages use. */
struct packet_tcp {
    uint32_t seq, ack;
    uint16_t window, mss; /* mss 0: not there */
    uint16_t urgent;
    uint8_t flags, wscale, header_len;
    bool has_wscale, sack_permitted, has_sack, has_timestamp, has_fastopen;
    uint32_t ts_value, ts_echo;
};

/** One decoded packet. */
struct packet {
    uint64_t ts_ns;      /* as captured */
    uint64_t now_ns;     /* engine time: never runs backwards */
    uint64_t number;     /* of its frame in the whole capture, from 1 */
    const uint8_t *data; /* the frame */
    uint32_t len, wire_len;
    const uint8_t *l3; /* IP header; NULL when there is none */
    uint32_t l3_len;   /* from l3 to the end of the datagram, captured part */
    const uint8_t *l4; /* transport header */
    uint32_t l4_len;   /* from l4 to the end, captured part */
    const uint8_t *payload;
    uint32_t payload_len;
    uint32_t flags; /* PACKET_F_* */
    struct addr src, dst;
    uint16_t sport, dport;          /* ICMP: type and code */
    uint16_t vlan[3];               /* ids, outermost first */
    uint8_t vlan_count, ip_version; /* 0, 4, 6 */
    uint8_t proto;                  /* transport, after IPv6 extension headers */
    uint8_t tunnel_depth;
    uint8_t tunnel; /* enum decode_tunnel of the layer this packet was found in */
    uint8_t ttl, tos;
    uint8_t icmp_type, icmp_code;
    uint16_t icmp_id, icmp_seq;
    uint32_t ip_id;       /* IPv4 id, or the IPv6 fragment header's */
    uint16_t frag_offset; /* in bytes */
    bool more_fragments, dont_fragment, reserved_bit;
    uint32_t ip_options; /* bits of the options seen, enum decode_ipopt */
    uint64_t events[4];  /* decoder events seen on it, bits of enum decode_event */
    struct packet_tcp tcp;
    /* Embedded packet of an ICMP error, for the flow it speaks of; ip_version 0 when there is none.
     */
    struct {
        struct addr src, dst;
        uint16_t sport, dport;
        uint8_t ip_version, proto;
    } quoted;
};

#endif
