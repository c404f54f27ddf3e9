/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP (RFC 792) and ICMPv6 (RFC 4443), with the packet that an error quotes. */
#include "config.h"

#include <string.h>

#include "sensor/decode/internal.h"

#define ICMP_HEADER_LEN 8

/* Highest code of each ICMP type that is known; -1: the type is not. */
static int icmp4_code_max(uint8_t type)
{
    static const int8_t max[] = {
        [0] = 0,  [1] = -1, [2] = -1, [3] = 15, [4] = 0,  [5] = 3,  [6] = 0,
        [7] = -1, [8] = 0,  [9] = 16, [10] = 0, [11] = 1, [12] = 2, [13] = 0,
        [14] = 0, [15] = 0, [16] = 0, [17] = 0, [18] = 0
    };
    if (type < sizeof(max))
        return max[type];
    return type >= 30 && type <= 39 ? 255 : -1;
}

static bool icmp4_is_error(uint8_t type)
{
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* Ports of a quoted TCP, UDP or SCTP header: its first four bytes are enough. */
static void quoted_ports(struct packet *p, struct cursor c)
{
    uint16_t sport = cursor_be16(&c), dport = cursor_be16(&c);
    uint8_t proto = p->quoted.proto;
    if (c.bad)
        return;
    if (proto == PACKET_PROTO_TCP || proto == PACKET_PROTO_UDP || proto == PACKET_PROTO_SCTP) {
        p->quoted.sport = sport;
        p->quoted.dport = dport;
    }
}

static void quoted_ipv4(struct decoder *d, struct packet *p, struct cursor c)
{
    const uint8_t *h = c.at;
    if (cursor_left(&c) < 20) {
        decode_event_set(d, p, DECODE_EVENT_ICMPV4_IPV4_TRUNC_PKT);
        return;
    }
    if (h[0] >> 4 != 4) {
        decode_event_set(d, p, DECODE_EVENT_ICMPV4_IPV4_UNKNOWN_VER);
        return;
    }
    p->quoted.ip_version = 4;
    p->quoted.proto = h[9];
    p->quoted.src = addr_from_v4(h + 12);
    p->quoted.dst = addr_from_v4(h + 16);
    cursor_skip(&c, (h[0] & 15u) * 4);
    quoted_ports(p, c);
}

static void quoted_ipv6(struct decoder *d, struct packet *p, struct cursor c)
{
    const uint8_t *h = c.at;
    if (cursor_left(&c) < 40) {
        decode_event_set(d, p, DECODE_EVENT_ICMPV6_IPV6_TRUNC_PKT);
        return;
    }
    if (h[0] >> 4 != 6) {
        decode_event_set(d, p, DECODE_EVENT_ICMPV6_IPV6_UNKNOWN_VERSION);
        return;
    }
    p->quoted.ip_version = 6;
    p->quoted.proto = h[6];
    memcpy(p->quoted.src.bytes, h + 8, 16);
    memcpy(p->quoted.dst.bytes, h + 24, 16);
    cursor_skip(&c, 40);
    quoted_ports(p, c);
}

/* What both versions have in common. False when the header is not there. */
static bool icmp_header(struct decoder *d, struct packet *p, struct cursor *c,
                        enum decode_event small)
{
    decode_count(d, DECODE_COUNT_ICMP);
    if (cursor_left(c) < ICMP_HEADER_LEN) {
        p->flags |= PACKET_F_L4_BAD;
        p->l4 = NULL;
        p->l4_len = 0;
        decode_event_set(d, p, small);
        return false;
    }
    p->icmp_type = cursor_u8(c);
    p->icmp_code = cursor_u8(c);
    cursor_skip(c, 2);
    p->icmp_id = cursor_be16(c);
    p->icmp_seq = cursor_be16(c);
    p->sport = p->icmp_type;
    p->dport = p->icmp_code;
    p->payload = c->at;
    p->payload_len = (uint32_t)cursor_left(c);
    return true;
}

void decode_icmp4(struct decoder *d, struct packet *p, struct cursor c)
{
    if (!icmp_header(d, p, &c, DECODE_EVENT_ICMPV4_PKT_TOO_SMALL))
        return;
    int max = icmp4_code_max(p->icmp_type);
    if (max < 0)
        decode_event_set(d, p, DECODE_EVENT_ICMPV4_UNKNOWN_TYPE);
    else if (p->icmp_code > max)
        decode_event_set(d, p, DECODE_EVENT_ICMPV4_UNKNOWN_CODE);
    else if (icmp4_is_error(p->icmp_type) && cursor_left(&c))
        quoted_ipv4(d, p, c);
}

/* Highest code of ICMPv6 errors (1 to 4) by type. */
static const uint8_t icmp6_error_codes[] = { 0, 7, 0, 1, 3 };

static void icmp6_message(struct decoder *d, struct packet *p)
{
    uint8_t type = p->icmp_type;
    if (type >= 130 && type <= 132 && p->ttl != 1)
        decode_event_set(d, p, DECODE_EVENT_ICMPV6_MLD_MESSAGE_WITH_INVALID_HL);
    if ((type >= 128 && type <= 137 && p->icmp_code != 0) ||
        (type == 138 && p->icmp_code > 1 && p->icmp_code != 255) ||
        ((type == 139 || type == 140) && p->icmp_code > 2))
        decode_event_set(d, p, DECODE_EVENT_ICMPV6_UNKNOWN_CODE);
    else if (type == 100 || type == 101 || type == 200 || type == 201)
        decode_event_set(d, p, DECODE_EVENT_ICMPV6_EXPERIMENTATION_TYPE);
    else if ((type >= 5 && type <= 99) || (type >= 102 && type <= 126) || type >= 162)
        decode_event_set(d, p, DECODE_EVENT_ICMPV6_UNASSIGNED_TYPE);
    else if (type == 0 || type == 127)
        decode_event_set(d, p, DECODE_EVENT_ICMPV6_UNKNOWN_TYPE);
}

void decode_icmp6(struct decoder *d, struct packet *p, struct cursor c)
{
    if (!icmp_header(d, p, &c, DECODE_EVENT_ICMPV6_PKT_TOO_SMALL))
        return;
    if (p->icmp_type < 1 || p->icmp_type > 4)
        icmp6_message(d, p);
    else if (p->icmp_code > icmp6_error_codes[p->icmp_type])
        decode_event_set(d, p, DECODE_EVENT_ICMPV6_UNKNOWN_CODE);
    else
        quoted_ipv6(d, p, c);
}
