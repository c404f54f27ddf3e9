/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which worker a frame belongs to: a light walk to the innermost IP pair, without state and without
 * counting. A fragment goes by the pair of the header that is fragmented, whatever it carries, so
 * that all fragments meet.
 */
#include "config.h"

#include "common/cursor.h"
#include "sensor/capture/capture.h"
#include "sensor/capture/steer.h"
#include "sensor/decode/internal.h"

/* Where the walk is. */
struct steer {
    struct cursor c;
    uint32_t src, dst; /* folded, of the innermost pair so far */
    unsigned left; /* headers that may still be read */
};

/* EtherType of Ethernet within something else. */
#define NEXT_ETHERNET 0x6558

static uint32_t fold(const uint8_t *p, unsigned words)
{
    uint32_t x = 0;
    for (unsigned i = 0; i < words; i++)
        x ^= decode_be32(p + i * 4);
    return x;
}

static uint16_t ethertype_skip_tags(struct cursor *c, uint16_t type)
{
    while (type == 0x8100 || type == 0x88a8 || type == 0x9100) {
        cursor_skip(c, 2);
        type = cursor_be16(c);
    }
    if (type == 0x8847 || type == 0x8848) {
        uint32_t label;
        do
            label = cursor_be32(c);
        while (!c->bad && !(label & 0x100));
        uint8_t version = cursor_left(c) ? c->at[0] >> 4 : 0;
        if (version == 0)
            cursor_skip(c, 4);
        return version == 4 ? 0x0800 : version == 6 ? 0x86dd : version == 0 ? NEXT_ETHERNET : 0;
    }
    if (type == 0x8864) {
        cursor_skip(c, 6);
        uint16_t protocol = cursor_be16(c);
        return protocol == 0x0021 ? 0x0800 : protocol == 0x0057 ? 0x86dd : 0;
    }
    return type;
}

/* Behind an NSH header of the right length: IPv4, IPv6 or a frame. */
static uint16_t nsh_type(struct cursor *c)
{
    uint16_t base = cursor_be16(c);
    cursor_skip(c, 1);
    uint8_t next = cursor_u8(c);
    uint32_t len = (base & 63u) * 4;
    cursor_skip(c, len > 4 ? len - 4 : 4);
    return next == 1 ? 0x0800 : next == 2 ? 0x86dd : next == 3 ? NEXT_ETHERNET : 0;
}

static uint16_t ethernet_type(struct cursor *c)
{
    uint16_t type = NEXT_ETHERNET;
    for (unsigned i = 0; i < DECODE_LAYERS_MAX && type == NEXT_ETHERNET; i++) {
        cursor_skip(c, 12);
        type = ethertype_skip_tags(c, cursor_be16(c));
        if (type == 0x894f)
            type = nsh_type(c);
    }
    return type;
}

/* EtherType behind the link layer; 1 for IP of any version. */
static uint16_t link_type(struct cursor *c, uint32_t link)
{
    switch (link) {
    case 1:
        return ethernet_type(c);
    case 113:
        cursor_skip(c, 14);
        return ethertype_skip_tags(c, cursor_be16(c));
    case 276: {
        uint16_t type = cursor_be16(c);
        cursor_skip(c, 18);
        return ethertype_skip_tags(c, type);
    }
    case 104:
        cursor_skip(c, 2);
        return ethertype_skip_tags(c, cursor_be16(c));
    case 0:
    case 108:
        cursor_skip(c, 4);
        return 1;
    case 9:
    case 50:
        if (cursor_left(c) > 2 && c->at[0] == 0xff)
            cursor_skip(c, 2);
        cursor_skip(c, cursor_left(c) && c->at[0] & 1 ? 1 : 2);
        return 1;
    default:
        return 1;
    }
}

static bool ether_next(struct cursor *c, uint16_t type)
{
    if (type == NEXT_ETHERNET)
        type = ethernet_type(c);
    return type == 0x0800 || type == 0x86dd;
}

static bool gre_next(struct cursor *c)
{
    uint16_t flags = cursor_be16(c), type = cursor_be16(c);
    if (flags & 0x4007 && (flags & 7) != 1)
        return false;
    cursor_skip(c, (flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0) +
                       ((flags & 0x87) == 0x81 ? 4 : 0));
    if (type == 0x88be || type == 0x22eb) {
        uint8_t version = type == 0x88be && !(flags & 0x1000) ? 0
                          : cursor_left(c)                    ? c->at[0] >> 4
                                                              : 0;
        if (version == 2)
            cursor_skip(c, 12 + (cursor_left(c) > 11 && c->at[11] & 1 ? 8 : 0));
        else if (version == 1)
            cursor_skip(c, 8);
        type = NEXT_ETHERNET;
    } else if (type == 0x880b) {
        (void)link_type(c, 9);
        type = cursor_left(c) ? 0x0800 : 0;
    }
    return ether_next(c, type);
}

static bool udp_next(struct cursor *c)
{
    uint16_t sport = cursor_be16(c), dport = cursor_be16(c);
    cursor_skip(c, 4);
    if (dport == 4789) {
        cursor_skip(c, 8);
        return ether_next(c, NEXT_ETHERNET);
    }
    if (dport == 6081 || sport == 6081) {
        uint8_t first = cursor_u8(c);
        cursor_skip(c, 1);
        uint16_t type = cursor_be16(c);
        cursor_skip(c, 4 + (first & 63u) * 4);
        return ether_next(c, type);
    }
    return (dport == 3544 || sport == 3544) && cursor_left(c) >= 40 && c->at[0] >> 4 == 6;
}

static bool transport_next(struct cursor *c, uint8_t proto)
{
    switch (proto) {
    case PACKET_PROTO_IPIP:
    case PACKET_PROTO_IPV6:
        return true;
    case PACKET_PROTO_GRE:
        return gre_next(c);
    case PACKET_PROTO_UDP:
        return udp_next(c);
    case PACKET_PROTO_ICMP: {
        uint8_t type = cursor_u8(c);
        cursor_skip(c, 7);
        return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    }
    case PACKET_PROTO_ICMPV6: {
        uint8_t type = cursor_u8(c);
        cursor_skip(c, 7);
        return type >= 1 && type <= 4;
    }
    default:
        return false;
    }
}

/* Take one IP header into the hash; whether another one stands at the cursor. */
static bool ip_step(struct steer *s)
{
    struct cursor c = s->c;
    uint8_t version = cursor_left(&c) ? c.at[0] >> 4 : 0, proto;
    if (version == 4) {
        const uint8_t *h = cursor_take(&c, 20);
        if (!h)
            return false;
        s->src = fold(h + 12, 1);
        s->dst = fold(h + 16, 1);
        cursor_skip(&c, (h[0] & 15u) > 5 ? (h[0] & 15u) * 4 - 20 : 0);
        if ((h[6] & 0x3f) || h[7])
            return false;
        proto = h[9];
    } else if (version == 6) {
        const uint8_t *h = cursor_take(&c, 40);
        if (!h)
            return false;
        s->src = fold(h + 8, 4);
        s->dst = fold(h + 24, 4);
        proto = h[6];
    } else {
        return false;
    }
    bool more = transport_next(&c, proto);
    s->c = c;
    return more && !c.bad;
}

unsigned decode_steer(const struct frame *f, unsigned workers)
{
    if (workers <= 1)
        return 0;
    struct steer s = { .c = cursor_make(f->data, f->len), .left = DECODE_LAYERS_MAX };
    uint16_t type = link_type(&s.c, f->link);
    if (type != 1 && type != 0x0800 && type != 0x86dd)
        return 0;
    while (s.left-- && ip_step(&s))
        continue;
    return steer_hash(s.src, s.dst) % workers;
}
