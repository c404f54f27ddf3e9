/* SPDX-License-Identifier: Apache-2.0 */
/* Transport headers: TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260), ESP (RFC 4303); ICMP has its
 * own file. */
#include "config.h"

#include "sensor/decode/internal.h"

#define PROTO_ESP  50
#define TCP_HEADER 20u
#define UDP_HEADER 8u

enum tcp_option {
    TCP_OPT_EOL = 0,
    TCP_OPT_NOP = 1,
    TCP_OPT_MSS = 2,
    TCP_OPT_WSCALE = 3,
    TCP_OPT_SACK_OK = 4,
    TCP_OPT_SACK = 5,
    TCP_OPT_TIMESTAMP = 8,
    TCP_OPT_FASTOPEN = 34,
    TCP_OPT_EXPERIMENT_1 = 253,
    TCP_OPT_EXPERIMENT_2 = 254,
};

/* Fast open before it had a number of its own (RFC 7413, appendix). */
#define TCP_EXPERIMENT_FASTOPEN 0xf989

#define TCP_WSCALE_MAX          14

/* The header can't be read: the packet has no ports and no flow. */
__attribute__((cold)) static void header_bad(struct decoder *d, struct packet *p,
                                             enum decode_event e)
{
    p->flags |= PACKET_F_L4_BAD;
    p->l4 = NULL;
    p->l4_len = 0;
    decode_event_set(d, p, e);
}

static void payload_set(struct packet *p, const struct cursor *c)
{
    p->payload = c->at;
    p->payload_len = (uint32_t)cursor_left(c);
}

/* Take one option's value; whether its length is right. */
static bool tcp_option_take(struct packet_tcp *t, uint8_t kind, struct cursor *value)
{
    size_t len = cursor_left(value);
    switch (kind) {
    case TCP_OPT_MSS:
        if (!t->mss)
            t->mss = cursor_be16(value);
        return len == 2;
    case TCP_OPT_WSCALE:
        if (len == 1 && !t->has_wscale) {
            uint8_t shift = cursor_u8(value);
            t->wscale = shift > TCP_WSCALE_MAX ? 0 : shift;
            t->has_wscale = true;
        }
        return len == 1;
    case TCP_OPT_SACK_OK:
        t->sack_permitted |= len == 0;
        return len == 0;
    case TCP_OPT_SACK: /* one to four ranges (RFC 2018, section 3) */
        t->has_sack = len <= 32 && len % 8 == 0;
        return t->has_sack;
    case TCP_OPT_TIMESTAMP:
        if (len == 8 && !t->has_timestamp) {
            t->ts_value = cursor_be32(value);
            t->ts_echo = cursor_be32(value);
            t->has_timestamp = true;
        }
        return len == 8;
    case TCP_OPT_FASTOPEN:
        t->has_fastopen |= len == 0 || (len >= 4 && len <= 16 && len % 2 == 0);
        return t->has_fastopen;
    case TCP_OPT_EXPERIMENT_1:
    case TCP_OPT_EXPERIMENT_2:
        t->has_fastopen |= len <= 18 && cursor_be16(value) == TCP_EXPERIMENT_FASTOPEN;
        return true;
    default:
        return true;
    }
}

static bool tcp_option_seen(const struct packet_tcp *t, uint8_t kind)
{
    return (kind == TCP_OPT_MSS && t->mss) || (kind == TCP_OPT_WSCALE && t->has_wscale) ||
           (kind == TCP_OPT_SACK_OK && t->sack_permitted) ||
           (kind == TCP_OPT_SACK && t->has_sack) ||
           (kind == TCP_OPT_TIMESTAMP && t->has_timestamp) ||
           (kind == TCP_OPT_FASTOPEN && t->has_fastopen);
}

/* Options that are a timestamp behind two bytes of padding, as most are (RFC 7323, appendix A). */
#define TCP_STAMP_LEN  12
#define TCP_STAMP_LEAD (TCP_OPT_NOP << 24 | TCP_OPT_NOP << 16 | TCP_OPT_TIMESTAMP << 8 | 10u)

static void tcp_options(struct decoder *d, struct packet *p, struct cursor c)
{
    if (cursor_left(&c) == TCP_STAMP_LEN && decode_be32(c.at) == TCP_STAMP_LEAD) {
        p->tcp.ts_value = decode_be32(c.at + 4);
        p->tcp.ts_echo = decode_be32(c.at + 8);
        p->tcp.has_timestamp = true;
        return;
    }
    while (cursor_left(&c)) {
        uint8_t kind = cursor_u8(&c);
        if (kind == TCP_OPT_EOL)
            return;
        if (kind == TCP_OPT_NOP)
            continue;
        if (!cursor_left(&c))
            return;
        uint8_t len = cursor_u8(&c);
        struct cursor value = cursor_sub(&c, len < 2 ? SIZE_MAX : len - 2u);
        if (value.bad) {
            decode_event_set(d, p, DECODE_EVENT_TCP_OPT_INVALID_LEN);
            return;
        }
        if (tcp_option_seen(&p->tcp, kind))
            decode_event_set(d, p, DECODE_EVENT_TCP_OPT_DUPLICATE);
        else if (!tcp_option_take(&p->tcp, kind, &value))
            decode_event_set(d, p, DECODE_EVENT_TCP_OPT_INVALID_LEN);
    }
}

static void decode_tcp(struct decoder *d, struct packet *p, struct cursor c)
{
    struct packet_tcp *t = &p->tcp;
    decode_count(d, DECODE_COUNT_TCP);
    size_t len = cursor_left(&c);
    const uint8_t *h = cursor_take(&c, TCP_HEADER);
    if (!h) {
        header_bad(d, p, DECODE_EVENT_TCP_PKT_TOO_SMALL);
        return;
    }
    t->seq = decode_be32(h + 4);
    t->ack = decode_be32(h + 8);
    t->header_len = (uint8_t)((h[12] >> 4) * 4);
    t->flags = h[13];
    t->window = decode_be16(h + 14);
    t->urgent = decode_be16(h + 18);
    if (len < t->header_len) {
        header_bad(d, p, DECODE_EVENT_TCP_HLEN_TOO_SMALL);
        return;
    }
    if (t->header_len < TCP_HEADER) {
        header_bad(d, p, DECODE_EVENT_TCP_INVALID_OPTLEN);
        return;
    }
    p->sport = decode_be16(h);
    p->dport = decode_be16(h + 2);
    p->flags &= ~PACKET_F_NO_PORTS;
    if (t->header_len > TCP_HEADER)
        tcp_options(d, p, cursor_sub(&c, t->header_len - TCP_HEADER));
    payload_set(p, &c);
    if (d->conf.check_checksums && decode_checksum(p) != 0) {
        p->flags |= PACKET_F_BAD_CHECKSUM;
        decode_count(d, DECODE_COUNT_BAD_CHECKSUM);
    }
}

static void decode_udp(struct decoder *d, struct packet *p, struct cursor c)
{
    decode_count(d, DECODE_COUNT_UDP);
    const uint8_t *h = cursor_take(&c, UDP_HEADER);
    if (!h) {
        header_bad(d, p, DECODE_EVENT_UDP_PKT_TOO_SMALL);
        return;
    }
    uint16_t len = decode_be16(h + 4);
    if (len < UDP_HEADER) {
        header_bad(d, p, DECODE_EVENT_UDP_LEN_INVALID);
        return;
    }
    if (cursor_left(&c) < len - UDP_HEADER) {
        header_bad(d, p, DECODE_EVENT_UDP_PKT_TOO_SMALL);
        return;
    }
    p->sport = decode_be16(h);
    p->dport = decode_be16(h + 2);
    p->flags &= ~PACKET_F_NO_PORTS;
    p->payload = c.at;
    p->payload_len = len - UDP_HEADER; /* bytes behind the datagram are nobody's, and no fault */
    decode_udp_tunnel(d, p);
}

static void decode_sctp(struct decoder *d, struct packet *p, struct cursor c)
{
    decode_count(d, DECODE_COUNT_SCTP);
    if (cursor_left(&c) < 12) {
        header_bad(d, p, DECODE_EVENT_SCTP_PKT_TOO_SMALL);
        return;
    }
    p->sport = cursor_be16(&c);
    p->dport = cursor_be16(&c);
    p->flags &= ~PACKET_F_NO_PORTS;
    cursor_skip(&c, 8);
    payload_set(p, &c);
}

static void decode_esp(struct decoder *d, struct packet *p, struct cursor c)
{
    cursor_skip(&c, 8);
    if (c.bad)
        header_bad(d, p, DECODE_EVENT_ESP_PKT_TOO_SMALL);
    else
        payload_set(p, &c);
}

void decode_transport(struct decoder *d, struct packet *p, struct cursor c)
{
    p->l4 = c.at;
    p->l4_len = (uint32_t)cursor_left(&c);
    switch (p->proto) {
    case PACKET_PROTO_TCP:
        decode_tcp(d, p, c);
        break;
    case PACKET_PROTO_UDP:
        decode_udp(d, p, c);
        break;
    case PACKET_PROTO_ICMP:
        decode_icmp4(d, p, c);
        break;
    case PACKET_PROTO_ICMPV6:
        decode_icmp6(d, p, c);
        break;
    case PACKET_PROTO_SCTP:
        decode_sctp(d, p, c);
        break;
    case PROTO_ESP:
        decode_esp(d, p, c);
        break;
    case PACKET_PROTO_GRE:
        decode_gre(d, p, c);
        break;
    case PACKET_PROTO_IPIP:
    case PACKET_PROTO_IPV6:
        decode_ip_in_ip(d, p, c);
        break;
    default:
        if (p->ip_version == 6)
            decode_event_set(d, p, DECODE_EVENT_IPV6_UNKNOWN_NEXT_HEADER);
    }
}
