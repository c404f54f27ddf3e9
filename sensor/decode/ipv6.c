/* SPDX-License-Identifier: Apache-2.0 */
/* IPv6 (RFC 8200) and its extension headers. */
#include "config.h"

#include <string.h>

#include "sensor/decode/internal.h"

enum next_header {
    NEXT_HOP_BY_HOP = 0,
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_ESP = 50,
    NEXT_AH = 51,
    NEXT_NONE = 59,
    NEXT_DESTINATION = 60,
    NEXT_MOBILITY = 135,
    NEXT_HIP = 139,
    NEXT_SHIM6 = 140,
};

#define SEEN_HOP      1u
#define SEEN_ROUTING  2u
#define SEEN_FRAGMENT 4u
#define SEEN_AH       8u
#define SEEN_DST      16u

/* How far the walk over the headers has come. */
struct walk {
    struct cursor c;
    uint32_t next_at; /* offset in l3 of the byte that says what stands at the cursor */
    uint8_t next;
    unsigned seen, destinations;
};

#define OPTION_PAD1         0
#define OPTION_PADN         1
#define OPTION_ROUTER_ALERT 5
#define OPTION_JUMBO        0xc2
#define OPTION_HOME_ADDRESS 0xc9

static void options(struct decoder *d, struct packet *p, struct cursor c, bool hop)
{
    unsigned padding = 0, other = 0;
    while (cursor_left(&c)) {
        uint8_t type = cursor_u8(&c);
        if (type == OPTION_PAD1) {
            padding++;
            continue;
        }
        uint8_t len = cursor_u8(&c);
        struct cursor value = cursor_sub(&c, len);
        if (value.bad) {
            decode_event_set(d, p, DECODE_EVENT_IPV6_EXTHDR_INVALID_OPTLEN);
            return;
        }
        if (type == OPTION_PADN) {
            padding++;
            if (len == 0)
                decode_event_set(d, p, DECODE_EVENT_IPV6_ZERO_LEN_PADN);
            continue;
        }
        other++;
        if (type != OPTION_ROUTER_ALERT && type != OPTION_JUMBO && type != OPTION_HOME_ADDRESS)
            decode_event_set(d, p,
                             hop ? DECODE_EVENT_IPV6_HOPOPTS_UNKNOWN_OPT
                                 : DECODE_EVENT_IPV6_DSTOPTS_UNKNOWN_OPT);
    }
    if (padding && !other)
        decode_event_set(d, p,
                         hop ? DECODE_EVENT_IPV6_HOPOPTS_ONLY_PADDING
                             : DECODE_EVENT_IPV6_DSTOPTS_ONLY_PADDING);
}

/* Take the header at the cursor; `len` bytes of it. Fills `body` behind its first two bytes. */
static bool header_take(struct decoder *d, struct packet *p, struct walk *w, size_t len,
                        struct cursor *body)
{
    uint32_t at = (uint32_t)(w->c.at - p->l3);
    *body = cursor_sub(&w->c, len);
    if (body->bad) {
        p->flags |= PACKET_F_L4_BAD;
        decode_event_set(d, p, DECODE_EVENT_IPV6_TRUNC_EXTHDR);
        return false;
    }
    w->next_at = at;
    w->next = cursor_u8(body);
    cursor_skip(body, 1);
    return true;
}

/* Length of a header that counts in units of `unit` bytes with `more` not counted. */
static size_t header_len(const struct walk *w, size_t unit, size_t more)
{
    return cursor_left(&w->c) >= 2 ? w->c.at[1] * unit + more : 8;
}

static bool header_options(struct decoder *d, struct packet *p, struct walk *w, bool hop)
{
    struct cursor body;
    if (!header_take(d, p, w, header_len(w, 8, 8), &body))
        return false;
    if (hop && w->seen & SEEN_HOP)
        decode_event_set(d, p, DECODE_EVENT_IPV6_EXTHDR_DUPL_HH);
    else if (!hop && ++w->destinations > 2)
        decode_event_set(d, p, DECODE_EVENT_IPV6_EXTHDR_DUPL_DH);
    else
        options(d, p, body, hop);
    w->seen |= hop ? SEEN_HOP : SEEN_DST;
    return true;
}

static bool header_routing(struct decoder *d, struct packet *p, struct walk *w)
{
    struct cursor body;
    if (!header_take(d, p, w, header_len(w, 8, 8), &body))
        return false;
    if (w->seen & SEEN_ROUTING)
        decode_event_set(d, p, DECODE_EVENT_IPV6_EXTHDR_DUPL_RH);
    else if (cursor_u8(&body) == 0)
        decode_event_set(d, p, DECODE_EVENT_IPV6_RH_TYPE_0);
    w->seen |= SEEN_ROUTING;
    return true;
}

static bool header_ah(struct decoder *d, struct packet *p, struct walk *w)
{
    struct cursor body;
    if (!header_take(d, p, w, header_len(w, 4, 8), &body))
        return false;
    if (w->seen & SEEN_AH)
        decode_event_set(d, p, DECODE_EVENT_IPV6_EXTHDR_DUPL_AH);
    else if (cursor_be16(&body) != 0)
        decode_event_set(d, p, DECODE_EVENT_IPV6_EXTHDR_AH_RES_NOT_NULL);
    w->seen |= SEEN_AH;
    return true;
}

/* The fragment header ends the walk, but for a whole datagram that carries a useless one (RFC
 * 6946). */
static bool header_fragment(struct decoder *d, struct packet *p, struct walk *w)
{
    uint32_t headers_len = (uint32_t)(w->c.at - p->l3), next_at = w->next_at;
    struct cursor body;
    if (!header_take(d, p, w, 8, &body))
        return false;
    if (w->seen & SEEN_FRAGMENT) {
        p->flags |= PACKET_F_L4_BAD;
        decode_event_set(d, p, DECODE_EVENT_IPV6_EXTHDR_DUPL_FH);
        return false;
    }
    w->seen |= SEEN_FRAGMENT;
    uint16_t field = cursor_be16(&body);
    p->frag_offset = field & 0xfff8;
    p->more_fragments = field & 1;
    p->ip_id = cursor_be32(&body);
    if (p->l3[headers_len + 1] || field & 6)
        decode_event_set(d, p, DECODE_EVENT_IPV6_FH_NON_ZERO_RESERVED_FIELD);
    if (!p->more_fragments && !p->frag_offset) {
        decode_event_set(d, p, DECODE_EVENT_IPV6_EXTHDR_USELESS_FH);
        return true;
    }
    p->proto = NEXT_FRAGMENT;
    if (p->more_fragments && cursor_left(&w->c) % 8) {
        decode_event_set(d, p, DECODE_EVENT_IPV6_FRAG_INVALID_LENGTH);
        p->flags |= PACKET_F_FRAGMENT;
        return false;
    }
    struct defrag_piece piece = {
        .headers = p->l3,
        .headers_len = headers_len,
        .data = w->c.at,
        .data_len = (uint32_t)cursor_left(&w->c),
        .next_header_at = next_at,
        .next_header = w->next,
    };
    decode_fragment(d, p, &piece);
    return false;
}

static bool header_plain(struct decoder *d, struct packet *p, struct walk *w)
{
    struct cursor body;
    return header_take(d, p, w, header_len(w, 8, 8), &body);
}

/* Whether the walk goes on to the next header. */
static bool header_step(struct decoder *d, struct packet *p, struct walk *w)
{
    /* Behind an extension header, less than the two bytes every header has. */
    if (w->seen && w->next != NEXT_NONE && cursor_left(&w->c) < 2) {
        p->flags |= PACKET_F_L4_BAD;
        decode_event_set(d, p, DECODE_EVENT_IPV6_TRUNC_EXTHDR);
        return false;
    }
    switch (w->next) {
    case NEXT_HOP_BY_HOP:
        return header_options(d, p, w, true);
    case NEXT_DESTINATION:
        return header_options(d, p, w, false);
    case NEXT_ROUTING:
        return header_routing(d, p, w);
    case NEXT_FRAGMENT:
        return header_fragment(d, p, w);
    case NEXT_AH:
        return header_ah(d, p, w);
    case NEXT_MOBILITY:
    case NEXT_HIP:
    case NEXT_SHIM6:
        return header_plain(d, p, w);
    case NEXT_NONE:
        p->proto = NEXT_NONE;
        if (cursor_left(&w->c))
            decode_event_set(d, p, DECODE_EVENT_IPV6_DATA_AFTER_NONE_HEADER);
        return false;
    case PACKET_PROTO_ICMP:
        p->proto = w->next;
        decode_event_set(d, p, DECODE_EVENT_IPV6_ICMPV4);
        return false;
    default:
        p->proto = w->next;
        decode_transport(d, p, w->c);
        return false;
    }
}

static bool decode_header(struct decoder *d, struct packet *p, struct cursor *c)
{
    const uint8_t *h = c->at;
    if (cursor_left(c) < 40) {
        decode_event_set(d, p, DECODE_EVENT_IPV6_PKT_TOO_SMALL);
        return false;
    }
    if (h[0] >> 4 != 6) {
        decode_event_set(d, p, DECODE_EVENT_IPV6_WRONG_IP_VERSION);
        return false;
    }
    uint32_t total = 40 + decode_be16(h + 4);
    if (cursor_left(c) < total) {
        decode_event_set(d, p, DECODE_EVENT_IPV6_TRUNC_PKT);
        return false;
    }
    p->l3 = h;
    p->l3_len = total;
    *c = cursor_make(h, total);
    cursor_skip(c, 40);
    return true;
}

void decode_ipv6(struct decoder *d, struct packet *p, struct cursor c)
{
    if (!decode_layer_enter(d, p) || !decode_header(d, p, &c))
        return;
    const uint8_t *h = p->l3;
    decode_count(d, DECODE_COUNT_IPV6);
    p->ip_version = 6;
    p->tos = (uint8_t)((h[0] & 15) << 4 | h[1] >> 4);
    p->ttl = h[7];
    p->proto = h[6];
    memcpy(p->src.bytes, h + 8, 16);
    memcpy(p->dst.bytes, h + 24, 16);
    struct walk w = { .c = c, .next = h[6], .next_at = 6 };
    while (header_step(d, p, &w))
        continue; /* every step takes at least eight bytes */
}
