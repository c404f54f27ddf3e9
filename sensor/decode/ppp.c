/* SPDX-License-Identifier: Apache-2.0 */
/* PPP (RFC 1661, 1662) and PPPoE (RFC 2516). */
#include "config.h"

#include "sensor/decode/internal.h"

enum ppp_protocol {
    PPP_IP = 0x0021,
    PPP_VJ_UNCOMPRESSED = 0x002f,
    PPP_IPV6 = 0x0057,
};

/* Protocols that are assigned and not looked into. */
static bool ppp_assigned(uint16_t protocol)
{
    static const uint16_t known[] = { 0x0023, 0x0025, 0x0027, 0x0029, 0x002b, 0x002d, 0x0031,
                                      0x0033, 0x0035, 0x003d, 0x003f, 0x0041, 0x0043, 0x0045,
                                      0x0047, 0x004d, 0x0281, 0x0283, 0x8021, 0x8023, 0x8025,
                                      0x8027, 0x8029, 0x802b, 0x802d, 0x8031, 0x8033, 0x803d,
                                      0x803f, 0x8041, 0x8057, 0x8281, 0x8283, 0xc021, 0xc023,
                                      0xc025, 0xc223 };
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i] == protocol)
            return true;
    }
    return false;
}

/* A protocol number of one byte is odd (RFC 1661, section 2). */
static uint16_t ppp_number(struct cursor *c)
{
    uint16_t number = cursor_u8(c);
    if (number & 1)
        return number;
    return (uint16_t)(number << 8 | cursor_u8(c));
}

/* What follows a protocol number, which took `width` bytes. */
static void decode_ppp(struct decoder *d, struct packet *p, struct cursor c, uint16_t protocol,
                       size_t width)
{
    size_t left = cursor_left(&c);
    switch (protocol) {
    case PPP_IP:
        if (left < 20)
            decode_event_set(d, p, DECODE_EVENT_PPP_IP4_PKT_TOO_SMALL);
        else
            decode_ipv4(d, p, c);
        break;
    case PPP_VJ_UNCOMPRESSED:
        if (left < 20)
            decode_event_set(d, p, DECODE_EVENT_PPP_VJU_PKT_TOO_SMALL);
        else if (c.at[0] >> 4 == 4)
            decode_ipv4(d, p, c);
        break;
    case PPP_IPV6:
        if (left < 40)
            decode_event_set(d, p, DECODE_EVENT_PPP_IP6_PKT_TOO_SMALL);
        else
            decode_ipv6(d, p, c);
        break;
    default:
        decode_event_set(d, p,
                         width == 1 || ppp_assigned(protocol) ? DECODE_EVENT_PPP_UNSUP_PROTO
                                                              : DECODE_EVENT_PPP_WRONG_TYPE);
    }
}

void decode_ppp_framed(struct decoder *d, struct packet *p, struct cursor c)
{
    if (cursor_left(&c) >= 2 && c.at[0] == 0xff && c.at[1] == 0x03)
        cursor_skip(&c, 2);
    struct cursor number = c;
    uint16_t protocol = ppp_number(&c);
    if (c.bad)
        decode_event_set(d, p, DECODE_EVENT_PPP_PKT_TOO_SMALL);
    else
        decode_ppp(d, p, c, protocol, cursor_left(&number) - cursor_left(&c));
}

static void pppoe_tags(struct decoder *d, struct packet *p, struct cursor c)
{
    while (cursor_left(&c) >= 4) {
        cursor_skip(&c, 2);
        uint16_t len = cursor_be16(&c);
        cursor_skip(&c, len);
    }
    if (c.bad)
        decode_event_set(d, p, DECODE_EVENT_PPPOE_MALFORMED_TAGS);
}

void decode_pppoe_discovery(struct decoder *d, struct packet *p, struct cursor c)
{
    cursor_skip(&c, 1);
    uint8_t code = cursor_u8(&c);
    cursor_skip(&c, 2);
    uint16_t len = cursor_be16(&c);
    if (c.bad) {
        decode_event_set(d, p, DECODE_EVENT_PPPOE_PKT_TOO_SMALL);
        return;
    }
    if (code != 0x09 && code != 0x07 && code != 0x19 && code != 0x65 && code != 0xa7) {
        decode_event_set(d, p, DECODE_EVENT_PPPOE_WRONG_CODE);
        return;
    }
    struct cursor tags = cursor_sub(&c, len);
    if (tags.bad)
        decode_event_set(d, p, DECODE_EVENT_PPPOE_MALFORMED_TAGS);
    else
        pppoe_tags(d, p, tags);
}

void decode_pppoe_session(struct decoder *d, struct packet *p, struct cursor c)
{
    cursor_skip(&c, 4);
    uint16_t len = cursor_be16(&c);
    if (c.bad || cursor_left(&c) < 1) {
        decode_event_set(d, p, DECODE_EVENT_PPPOE_PKT_TOO_SMALL);
        return;
    }
    if (len == 0)
        return;
    struct cursor number = c;
    uint16_t protocol = ppp_number(&c);
    if (c.bad)
        decode_event_set(d, p, DECODE_EVENT_PPPOE_PKT_TOO_SMALL);
    else
        decode_ppp(d, p, c, protocol, cursor_left(&number) - cursor_left(&c));
}
