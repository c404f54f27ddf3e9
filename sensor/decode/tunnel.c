/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels: packets within packets. The outer one stays as it is; the inner one is a packet of its
 * own behind it. */
#include "config.h"

#include <string.h>

#include "sensor/decode/internal.h"

#define PORT_GTPU    2152
#define PORT_TEREDO  3544
#define PORT_VXLAN   4789
#define PORT_GENEVE  6081

#define GRE_CHECKSUM 0x8000u
#define GRE_ROUTING  0x4000u
#define GRE_KEY      0x2000u
#define GRE_SEQUENCE 0x1000u
#define GRE_STRICT   0x0800u
#define GRE_RECUR    0x0700u
#define GRE_ACK      0x0080u
#define GRE_FLAGS_V0 0x00f8u
#define GRE_FLAGS_V1 0x0078u
#define GRE_VERSION  0x0007u

enum gre_protocol {
    GRE_PPP = 0x880b,
    GRE_ERSPAN = 0x88be,
    GRE_ERSPAN_3 = 0x22eb,
};

bool decode_inner(struct decoder *d, struct packet *outer, enum decode_tunnel kind,
                  decode_layer *layer, struct cursor c)
{
    if (d->count == DECODE_PACKETS_MAX) {
        decode_count(d, DECODE_COUNT_TOO_DEEP);
        return false;
    }
    unsigned at = d->count++;
    struct packet *p = &d->out[at];
    memset(p, 0, sizeof(*p));
    p->ts_ns = outer->ts_ns;
    p->now_ns = outer->now_ns;
    p->number = outer->number;
    p->data = outer->data;
    p->len = outer->len;
    p->wire_len = outer->wire_len;
    p->flags = PACKET_F_NO_PORTS | PACKET_F_TUNNELED;
    p->tunnel = (uint8_t)kind;
    p->tunnel_depth = (uint8_t)(outer->tunnel_depth + 1);
    layer(d, p, c);
    if (!p->ip_version) {
        d->count = at; /* without IP nothing can stand behind it */
        return false;
    }
    outer->flags |= PACKET_F_OUTER;
    bool four = kind == DECODE_TUNNEL_IP && outer->ip_version == 4 && p->ip_version == 4;
    if (outer->flags & PACKET_F_BEYOND || kind == DECODE_TUNNEL_GTPU || four)
        p->flags |= PACKET_F_BEYOND;
    decode_count(d, DECODE_COUNT_TUNNELS);
    return true;
}

/* What is wrong with the header that IPv6 says it carries. */
static int in_ipv6_check(bool six, const struct cursor *c)
{
    if (cursor_left(c) < (six ? 40 : 20))
        return six ? DECODE_EVENT_IPV6_IPV6_IN_IPV6_TOO_SMALL
                   : DECODE_EVENT_IPV6_IPV4_IN_IPV6_TOO_SMALL;
    if (c->at[0] >> 4 == (six ? 6 : 4))
        return -1;
    return six ? DECODE_EVENT_IPV6_IPV6_IN_IPV6_WRONG_VERSION
               : DECODE_EVENT_IPV6_IPV4_IN_IPV6_WRONG_VERSION;
}

void decode_ip_in_ip(struct decoder *d, struct packet *p, struct cursor c)
{
    bool six = p->proto == PACKET_PROTO_IPV6;
    int bad = p->ip_version == 6 ? in_ipv6_check(six, &c) : -1;
    if (bad >= 0) {
        p->flags |= PACKET_F_L4_BAD;
        decode_event_set(d, p, (enum decode_event)bad);
    } else if (six || p->ip_version == 6 || d->conf.tunnels_more) {
        decode_inner(d, p, DECODE_TUNNEL_IP, six ? decode_ipv6 : decode_ipv4, c);
    }
}

/* The ERSPAN header's version tells type II (1) and III (2). */
static void decode_erspan(struct decoder *d, struct packet *p, struct cursor c)
{
    uint16_t word = cursor_be16(&c);
    unsigned version = word >> 12;
    if (version == 1) {
        cursor_skip(&c, 6);
    } else if (version == 2) {
        cursor_skip(&c, 9);
        if (cursor_u8(&c) & 1)
            cursor_skip(&c, 8); /* platform part */
    } else if (!c.bad) {
        decode_event_set(d, p, DECODE_EVENT_ERSPAN_UNSUPPORTED_VERSION);
        return;
    }
    if (c.bad) {
        decode_event_set(d, p, DECODE_EVENT_ERSPAN_HEADER_TOO_SMALL);
        return;
    }
    if ((word & 0xfff) > 0 && p->vlan_count < 3)
        p->vlan[p->vlan_count++] = word & 0xfff;
    decode_ethernet(d, p, c);
}

static void decode_gre_payload(struct decoder *d, struct packet *p, uint16_t protocol,
                               bool sequence, struct cursor c)
{
    if (protocol == GRE_PPP) {
        decode_inner(d, p, DECODE_TUNNEL_GRE, decode_ppp_framed, c);
        return;
    }
    if (protocol == GRE_ERSPAN_3 || (protocol == GRE_ERSPAN && sequence)) {
        decode_inner(d, p, DECODE_TUNNEL_ERSPAN, decode_erspan, c);
        return;
    }
    if (protocol == GRE_ERSPAN) {
        decode_inner(d, p, DECODE_TUNNEL_ERSPAN, decode_ethernet, c); /* type I has no header */
        return;
    }
    switch (protocol) {
    case 0x0800:
        decode_inner(d, p, DECODE_TUNNEL_GRE, decode_ipv4, c);
        break;
    case 0x86dd:
        decode_inner(d, p, DECODE_TUNNEL_GRE, decode_ipv6, c);
        break;
    case 0x6558:
        decode_inner(d, p, DECODE_TUNNEL_GRE, decode_ethernet, c);
        break;
    default:
        break;
    }
}

/* Source route entries of version 0 (RFC 1701): family, offset, length; an empty one ends them. */
static bool gre_routes(struct cursor *c)
{
    for (;;) {
        uint16_t family = cursor_be16(c);
        cursor_skip(c, 1);
        uint8_t len = cursor_u8(c);
        if (c->bad)
            return false;
        if (family == 0 && len == 0)
            return true;
        cursor_skip(c, len);
    }
}

static int gre_check_v0(uint16_t flags)
{
    if (flags & GRE_RECUR)
        return DECODE_EVENT_GRE_VERSION0_RECUR;
    return flags & GRE_FLAGS_V0 ? DECODE_EVENT_GRE_VERSION0_FLAGS : -1;
}

static int gre_check_v1(uint16_t flags, uint16_t protocol)
{
    if (flags & GRE_CHECKSUM)
        return DECODE_EVENT_GRE_VERSION1_CHKSUM;
    if (flags & GRE_ROUTING)
        return DECODE_EVENT_GRE_VERSION1_ROUTE;
    if (flags & GRE_STRICT)
        return DECODE_EVENT_GRE_VERSION1_SSR;
    if (flags & GRE_RECUR)
        return DECODE_EVENT_GRE_VERSION1_RECUR;
    if (flags & GRE_FLAGS_V1)
        return DECODE_EVENT_GRE_VERSION1_FLAGS;
    if (protocol != GRE_PPP)
        return DECODE_EVENT_GRE_VERSION1_WRONG_PROTOCOL;
    return flags & GRE_KEY ? -1 : DECODE_EVENT_GRE_VERSION1_NO_KEY;
}

void decode_gre(struct decoder *d, struct packet *p, struct cursor c)
{
    uint16_t flags = cursor_be16(&c), protocol = cursor_be16(&c);
    if (c.bad) {
        decode_event_set(d, p, DECODE_EVENT_GRE_PKT_TOO_SMALL);
        return;
    }
    unsigned version = flags & GRE_VERSION;
    int bad = version == 0   ? gre_check_v0(flags)
              : version == 1 ? gre_check_v1(flags, protocol)
                             : DECODE_EVENT_GRE_WRONG_VERSION;
    if (bad >= 0) {
        decode_event_set(d, p, (enum decode_event)bad);
        return;
    }
    if (flags & (GRE_CHECKSUM | GRE_ROUTING))
        cursor_skip(&c, 4);
    if (flags & GRE_KEY)
        cursor_skip(&c, 4);
    if (flags & GRE_SEQUENCE)
        cursor_skip(&c, 4);
    if (version == 1 && flags & GRE_ACK)
        cursor_skip(&c, 4);
    if (flags & GRE_ROUTING && !gre_routes(&c)) {
        decode_event_set(d, p, DECODE_EVENT_GRE_VERSION0_MALFORMED_SRE_HDR);
        return;
    }
    if (c.bad)
        decode_event_set(d, p,
                         version ? DECODE_EVENT_GRE_VERSION1_HDR_TOO_BIG
                                 : DECODE_EVENT_GRE_VERSION0_HDR_TOO_BIG);
    else
        decode_gre_payload(d, p, protocol, flags & GRE_SEQUENCE, c);
}

/* VXLAN (RFC 7348): eight bytes, then Ethernet. */
static void udp_vxlan(struct decoder *d, struct packet *p, struct cursor c)
{
    uint8_t flags = cursor_u8(&c);
    cursor_skip(&c, 6);
    uint8_t reserved = cursor_u8(&c);
    if (c.bad || !(flags & 8) || reserved)
        return;
    decode_inner(d, p, DECODE_TUNNEL_VXLAN, decode_ethernet, c);
}

/* Geneve (RFC 8926): options by length, payload by EtherType. */
static void udp_geneve(struct decoder *d, struct packet *p, struct cursor c)
{
    uint8_t first = cursor_u8(&c);
    cursor_skip(&c, 1);
    uint16_t type = cursor_be16(&c);
    cursor_skip(&c, 3);
    uint8_t reserved = cursor_u8(&c);
    if (c.bad || first >> 6 || reserved)
        return;
    cursor_skip(&c, (first & 63u) * 4);
    if (c.bad)
        return;
    if (type == 0x6558)
        decode_inner(d, p, DECODE_TUNNEL_GENEVE, decode_ethernet, c);
    else if (type == 0x0800)
        decode_inner(d, p, DECODE_TUNNEL_GENEVE, decode_ipv4, c);
    else if (type == 0x86dd)
        decode_inner(d, p, DECODE_TUNNEL_GENEVE, decode_ipv6, c);
    else
        decode_event_set(d, p, DECODE_EVENT_GENEVE_UNKNOWN_PAYLOAD_TYPE);
}

/* Teredo (RFC 4380): IPv6, perhaps behind an origin block; the lengths must agree. A packet with an
 * authentication block sets the tunnel up and is no traffic of its user: not read, as Suricata. */
static void udp_teredo(struct decoder *d, struct packet *p, struct cursor c)
{
    if (cursor_left(&c) >= 8 && c.at[0] == 0 && c.at[1] == 0)
        cursor_skip(&c, 8);
    size_t left = cursor_left(&c);
    if (left < 40 || c.at[0] >> 4 != 6 || left != 40u + decode_be16(c.at + 4))
        return;
    decode_inner(d, p, DECODE_TUNNEL_TEREDO, decode_ipv6, c);
}

/* GTP-U (3GPP TS 29.281): a user packet is message 255. */
static void udp_gtpu(struct decoder *d, struct packet *p, struct cursor c)
{
    uint8_t flags = cursor_u8(&c), type = cursor_u8(&c);
    cursor_skip(&c, 6);
    if (c.bad || flags >> 5 != 1 || !(flags & 0x10) || type != 255)
        return;
    uint8_t next = 0;
    if (flags & 7) {
        cursor_skip(&c, 3);
        next = cursor_u8(&c);
    }
    while (next && flags & 4 && !c.bad) {
        unsigned len = cursor_u8(&c) * 4u;
        if (len < 4)
            return;
        cursor_skip(&c, len - 2);
        next = cursor_u8(&c);
    }
    if (cursor_left(&c) >= 20)
        decode_inner(d, p, DECODE_TUNNEL_GTPU, decode_ip_any, c);
}

void decode_udp_tunnel(struct decoder *d, struct packet *p)
{
    struct cursor c = cursor_make(p->payload, p->payload_len);
    if (p->dport == PORT_VXLAN)
        udp_vxlan(d, p, c);
    else if (p->dport == PORT_GENEVE || p->sport == PORT_GENEVE)
        udp_geneve(d, p, c);
    else if (p->dport == PORT_TEREDO || p->sport == PORT_TEREDO)
        udp_teredo(d, p, c);
    else if (d->conf.tunnels_more && (p->dport == PORT_GTPU || p->sport == PORT_GTPU))
        udp_gtpu(d, p, c);
}
