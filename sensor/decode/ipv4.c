/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 (RFC 791). */
#include "config.h"

#include "sensor/decode/internal.h"

#define OPT_EOL 0
#define OPT_NOP 1

static const struct {
    uint8_t number;
    uint16_t bit;
    uint8_t len_min;
} options[] = {
    {7,    DECODE_IPOPT_RR,           3 },
    { 68,  DECODE_IPOPT_TS,           5 },
    { 130, DECODE_IPOPT_SEC,          11},
    { 131, DECODE_IPOPT_LSRR,         3 },
    { 133, DECODE_IPOPT_ESEC,         3 },
    { 134, DECODE_IPOPT_CIPSO,        10},
    { 136, DECODE_IPOPT_SATID,        4 },
    { 137, DECODE_IPOPT_SSRR,         3 },
    { 148, DECODE_IPOPT_ROUTER_ALERT, 4 },
};

#define OPT_RR   7
#define OPT_TS   68
#define OPT_LSRR 131
#define OPT_SSRR 137

/* Whether the pointer of a route or timestamp option (RFC 791, section 3.1) stands at one of its
 * slots, or right behind the last. `value` is what follows the length. */
static bool option_pointer_fits(uint8_t number, struct cursor value)
{
    size_t len = cursor_left(&value) + 2;
    uint8_t pointer = cursor_u8(&value);
    if (number == OPT_RR || number == OPT_LSRR || number == OPT_SSRR)
        return pointer >= 4 && pointer % 4 == 0 && pointer <= len + 1;
    unsigned slot = (cursor_u8(&value) & 15) == 0 ? 4 : 8;
    return number != OPT_TS || (pointer >= 5 && pointer <= len + 1 && (pointer - 5u) % slot == 0);
}

static void option_take(struct decoder *d, struct packet *p, uint8_t number, struct cursor value)
{
    size_t len = cursor_left(&value) + 2;
    for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (options[i].number != number)
            continue;
        if (len < options[i].len_min)
            decode_event_set(d, p, DECODE_EVENT_IPV4_OPT_INVALID_LEN);
        else if (p->ip_options & options[i].bit)
            decode_event_set(d, p, DECODE_EVENT_IPV4_OPT_DUPLICATE);
        else if (!option_pointer_fits(number, value))
            decode_event_set(d, p, DECODE_EVENT_IPV4_OPT_MALFORMED);
        else
            p->ip_options |= options[i].bit;
        return;
    }
    p->ip_options |= DECODE_IPOPT_OTHER;
    decode_event_set(d, p, DECODE_EVENT_IPV4_OPT_UNKNOWN);
}

/* Whether the options can be read to their end: a length that can't be right makes the whole header
 * worthless. */
static bool decode_options(struct decoder *d, struct packet *p, struct cursor c)
{
    if (cursor_left(&c) % 8)
        decode_event_set(d, p, DECODE_EVENT_IPV4_OPT_PAD_REQUIRED);
    while (cursor_left(&c)) {
        uint8_t number = cursor_u8(&c);
        if (number == OPT_EOL) {
            p->ip_options |= DECODE_IPOPT_EOL;
            return true;
        }
        if (number == OPT_NOP) {
            p->ip_options |= DECODE_IPOPT_NOP;
            continue;
        }
        if (!cursor_left(&c)) {
            decode_event_set(d, p, DECODE_EVENT_IPV4_OPT_EOL_REQUIRED);
            return true;
        }
        uint8_t len = cursor_u8(&c);
        if (len < 2 || (size_t)len - 2 > cursor_left(&c)) {
            decode_event_set(d, p, DECODE_EVENT_IPV4_OPT_INVALID_LEN);
            return false;
        }
        option_take(d, p, number, cursor_sub(&c, len - 2u));
    }
    return true;
}

/* Read and check the header; what it says is set on `p`. The cursor is left on the datagram's data.
 */
static bool decode_header(struct decoder *d, struct packet *p, struct cursor *c)
{
    size_t left = cursor_left(c);
    const uint8_t *h = c->at;
    enum decode_event bad;
    if (left < 20) {
        bad = DECODE_EVENT_IPV4_PKT_TOO_SMALL;
    } else if (h[0] >> 4 != 4) {
        bad = DECODE_EVENT_IPV4_WRONG_IP_VERSION;
    } else {
        uint32_t header = (h[0] & 15u) * 4, total = decode_be16(h + 2);
        if (header < 20)
            bad = DECODE_EVENT_IPV4_HLEN_TOO_SMALL;
        else if (total < header)
            bad = DECODE_EVENT_IPV4_IPLEN_SMALLER_THAN_HLEN;
        else if (left < total)
            bad = DECODE_EVENT_IPV4_TRUNC_PKT;
        else {
            /* What is behind the datagram is the link's padding. */
            struct cursor whole = cursor_make(h, total);
            p->l3 = h;
            p->l3_len = total;
            struct cursor head = cursor_sub(&whole, header);
            cursor_skip(&head, 20);
            *c = whole;
            return header == 20 || decode_options(d, p, head);
        }
    }
    decode_event_set(d, p, bad);
    return false;
}

static void fragment(struct decoder *d, struct packet *p, struct cursor c)
{
    struct defrag_piece piece = {
        .headers = p->l3,
        .headers_len = (uint32_t)(c.at - p->l3),
        .data = c.at,
        .data_len = (uint32_t)cursor_left(&c),
    };
    decode_fragment(d, p, &piece);
}

void decode_ipv4(struct decoder *d, struct packet *p, struct cursor c)
{
    if (!decode_layer_enter(d, p) || !decode_header(d, p, &c))
        return;
    const uint8_t *h = p->l3;
    uint16_t frag = decode_be16(h + 6);
    decode_count(d, DECODE_COUNT_IPV4);
    p->ip_version = 4;
    p->tos = h[1];
    p->ip_id = decode_be16(h + 4);
    p->reserved_bit = frag >> 15;
    p->dont_fragment = frag >> 14 & 1;
    p->more_fragments = frag >> 13 & 1;
    p->frag_offset = (uint16_t)((frag & 0x1fff) * 8);
    p->ttl = h[8];
    p->proto = h[9];
    p->src = addr_from_v4(h + 12);
    p->dst = addr_from_v4(h + 16);
    if (p->more_fragments || p->frag_offset)
        fragment(d, p, c);
    else if (p->proto == PACKET_PROTO_ICMPV6)
        decode_event_set(d, p, DECODE_EVENT_IPV4_ICMPV6);
    else
        decode_transport(d, p, c);
}
