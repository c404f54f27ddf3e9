/* SPDX-License-Identifier: Apache-2.0 */
/* Link layers, tags and labels: everything between the frame's first byte and IP. */
#include "config.h"

#include <stddef.h>

#include "sensor/decode/internal.h"

/* Link types as tcpdump.org numbers them. */
enum link_type {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_PPP = 9,
    LINK_RAW_BSD = 12,
    LINK_RAW_OPENBSD = 14,
    LINK_PPP_HDLC = 50,
    LINK_PPP_ETHER = 51,
    LINK_RAW = 101,
    LINK_CHDLC = 104,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,
};

enum ether_type {
    ETHER_IPV4 = 0x0800,
    ETHER_BRIDGE = 0x6558,
    ETHER_VLAN = 0x8100,
    ETHER_IPV6 = 0x86dd,
    ETHER_MPLS = 0x8847,
    ETHER_MPLS_MULTICAST = 0x8848,
    ETHER_PPPOE_DISCOVERY = 0x8863,
    ETHER_PPPOE_SESSION = 0x8864,
    ETHER_QINQ = 0x88a8,
    ETHER_8021AH = 0x88e7,
    ETHER_DCE = 0x8903,
    ETHER_VNTAG = 0x8926,
    ETHER_NSH = 0x894f,
    ETHER_QINQ_OLD = 0x9100,
};

/* Address families that the null link writes, in the byte order of the host that captured. */
#define AF_ANY_INET      2
#define AF_NETBSD_INET6  24
#define AF_FREEBSD_INET6 28
#define AF_DARWIN_INET6  30

#define VLAN_LAYERS_MAX  3

static void decode_vlan(struct decoder *d, struct packet *p, struct cursor c)
{
    uint16_t tci = cursor_be16(&c);
    uint16_t type = cursor_be16(&c);
    if (c.bad) {
        decode_event_set(d, p, DECODE_EVENT_VLAN_HEADER_TOO_SMALL);
        return;
    }
    if (p->vlan_count == VLAN_LAYERS_MAX) {
        decode_event_set(d, p, DECODE_EVENT_VLAN_TOO_MANY_LAYERS);
        return;
    }
    p->vlan[p->vlan_count++] = tci & 0xfff;
    if (!decode_ethertype(d, p, type, c))
        decode_event_set(d, p, DECODE_EVENT_VLAN_UNKNOWN_TYPE);
}

/* MPLS (RFC 3032): labels to the bottom of the stack; what follows says by its first bits what it
 * is. */
static void decode_mpls(struct decoder *d, struct packet *p, struct cursor c)
{
    uint32_t entry;
    do {
        entry = cursor_be32(&c);
        if (c.bad) {
            decode_event_set(d, p, DECODE_EVENT_MPLS_HEADER_TOO_SMALL);
            return;
        }
    } while (!(entry & 0x100));
    uint32_t label = entry >> 12;
    if (cursor_left(&c) < 4) {
        decode_event_set(d, p, DECODE_EVENT_MPLS_PKT_TOO_SMALL);
        return;
    }
    if (label == 1)
        decode_event_set(d, p, DECODE_EVENT_MPLS_BAD_LABEL_ROUTER_ALERT);
    else if (label == 3)
        decode_event_set(d, p, DECODE_EVENT_MPLS_BAD_LABEL_IMPLICIT_NULL);
    else if (label >= 4 && label <= 15)
        decode_event_set(d, p, DECODE_EVENT_MPLS_BAD_LABEL_RESERVED);
    else if (label == 0)
        decode_ipv4(d, p, c);
    else if (label == 2)
        decode_ipv6(d, p, c);
    else if (c.at[0] >> 4 == 4)
        decode_ipv4(d, p, c);
    else if (c.at[0] >> 4 == 6)
        decode_ipv6(d, p, c);
    else if (c.at[0] >> 4 == 0) {
        cursor_skip(&c, 4); /* pseudo-wire control word */
        decode_ethernet(d, p, c);
    } else
        decode_event_set(d, p, DECODE_EVENT_MPLS_UNKNOWN_PAYLOAD_TYPE);
}

static void decode_8021ah(struct decoder *d, struct packet *p, struct cursor c)
{
    cursor_skip(&c, 16);
    uint16_t type = cursor_be16(&c);
    if (c.bad)
        decode_event_set(d, p, DECODE_EVENT_IEEE8021AH_HEADER_TOO_SMALL);
    else
        decode_ethertype(d, p, type, c);
}

static void decode_vntag(struct decoder *d, struct packet *p, struct cursor c)
{
    cursor_skip(&c, 4);
    uint16_t type = cursor_be16(&c);
    if (c.bad)
        decode_event_set(d, p, DECODE_EVENT_VNTAG_HEADER_TOO_SMALL);
    else if (!decode_ethertype(d, p, type, c))
        decode_event_set(d, p, DECODE_EVENT_VNTAG_UNKNOWN_TYPE);
}

static void decode_dce(struct decoder *d, struct packet *p, struct cursor c)
{
    cursor_skip(&c, 2);
    if (cursor_left(&c) < 14)
        decode_event_set(d, p, DECODE_EVENT_DCE_PKT_TOO_SMALL);
    else
        decode_ethernet(d, p, c);
}

/* What an NSH header (RFC 8300, section 2.2) carries, by its number. */
static decode_layer *nsh_layer(uint8_t next)
{
    static decode_layer *const layers[] = {
        [1] = decode_ipv4, [2] = decode_ipv6, [3] = decode_ethernet, [5] = decode_mpls
    };
    return next < sizeof(layers) / sizeof(layers[0]) ? layers[next] : NULL;
}

static bool nsh_next_known(uint8_t next)
{
    return next == 4 || next == 0xfe || next == 0xff; /* NSH, and two for experiments */
}

/* Network service header: base and service path header, then `kind` of metadata by its length. */
static void decode_nsh(struct decoder *d, struct packet *p, struct cursor c)
{
    if (cursor_left(&c) < 8) {
        decode_event_set(d, p, DECODE_EVENT_NSH_HEADER_TOO_SMALL);
        return;
    }
    struct cursor h = c;
    uint16_t base = cursor_be16(&h);
    uint8_t kind = cursor_u8(&h) & 15, next = cursor_u8(&h);
    uint32_t len = (base & 63u) * 4;
    decode_layer *layer = nsh_layer(next);
    if (base >> 14)
        decode_event_set(d, p, DECODE_EVENT_NSH_UNSUPPORTED_VERSION);
    else if (len >= cursor_left(&c) || (kind == 1 && len != 24) || (kind == 2 && len < 8))
        decode_event_set(d, p, DECODE_EVENT_NSH_BAD_HEADER_LENGTH);
    else if (kind == 0 || kind == 15)
        decode_event_set(d, p, DECODE_EVENT_NSH_RESERVED_TYPE);
    else if (kind > 2)
        decode_event_set(d, p, DECODE_EVENT_NSH_UNSUPPORTED_TYPE);
    else if (layer) {
        cursor_skip(&c, len);
        layer(d, p, c);
    } else if (nsh_next_known(next))
        decode_event_set(d, p, DECODE_EVENT_NSH_UNSUPPORTED_TYPE);
    else
        decode_event_set(d, p, DECODE_EVENT_NSH_UNKNOWN_PAYLOAD);
}

bool decode_ethertype(struct decoder *d, struct packet *p, uint16_t type, struct cursor c)
{
    static const struct {
        uint16_t type;
        decode_layer *layer;
    } layers[] = {
        {ETHER_IPV4,             decode_ipv4           },
        { ETHER_IPV6,            decode_ipv6           },
        { ETHER_VLAN,            decode_vlan           },
        { ETHER_QINQ,            decode_vlan           },
        { ETHER_QINQ_OLD,        decode_vlan           },
        { ETHER_MPLS,            decode_mpls           },
        { ETHER_MPLS_MULTICAST,  decode_mpls           },
        { ETHER_PPPOE_DISCOVERY, decode_pppoe_discovery},
        { ETHER_PPPOE_SESSION,   decode_pppoe_session  },
        { ETHER_BRIDGE,          decode_ethernet       },
        { ETHER_8021AH,          decode_8021ah         },
        { ETHER_VNTAG,           decode_vntag          },
        { ETHER_DCE,             decode_dce            },
        { ETHER_NSH,             decode_nsh            },
    };
    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        if (layers[i].type != type)
            continue;
        if (decode_layer_enter(d, p))
            layers[i].layer(d, p, c);
        return true;
    }
    return false;
}

void decode_ethernet(struct decoder *d, struct packet *p, struct cursor c)
{
    cursor_skip(&c, 12);
    uint16_t type = cursor_be16(&c);
    if (c.bad)
        decode_event_set(d, p, DECODE_EVENT_ETHERNET_PKT_TOO_SMALL);
    else
        decode_ethertype(d, p, type, c);
}

void decode_ip_any(struct decoder *d, struct packet *p, struct cursor c)
{
    uint8_t version = cursor_left(&c) ? c.at[0] >> 4 : 0;
    if (version == 4)
        decode_ipv4(d, p, c);
    else if (version == 6)
        decode_ipv6(d, p, c);
    else
        decode_event_set(d, p, DECODE_EVENT_IPRAW_INVALID_IP_VERSION);
}

static void decode_null(struct decoder *d, struct packet *p, struct cursor c)
{
    uint32_t family = cursor_be32(&c);
    if (c.bad) {
        decode_event_set(d, p, DECODE_EVENT_LTNULL_PKT_TOO_SMALL);
        return;
    }
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    if (family == AF_ANY_INET)
        decode_ipv4(d, p, c);
    else if (family == AF_NETBSD_INET6 || family == AF_FREEBSD_INET6 || family == AF_DARWIN_INET6)
        decode_ipv6(d, p, c);
    else
        decode_event_set(d, p, DECODE_EVENT_LTNULL_UNSUPPORTED_TYPE);
}

static void decode_sll(struct decoder *d, struct packet *p, struct cursor c)
{
    cursor_skip(&c, 14);
    uint16_t type = cursor_be16(&c);
    if (c.bad)
        decode_event_set(d, p, DECODE_EVENT_SLL_PKT_TOO_SMALL);
    else
        decode_ethertype(d, p, type, c);
}

static void decode_sll2(struct decoder *d, struct packet *p, struct cursor c)
{
    uint16_t type = cursor_be16(&c);
    cursor_skip(&c, 18);
    if (c.bad)
        decode_event_set(d, p, DECODE_EVENT_SLL2_PKT_TOO_SMALL);
    else
        decode_ethertype(d, p, type, c);
}

static void decode_chdlc(struct decoder *d, struct packet *p, struct cursor c)
{
    cursor_skip(&c, 2);
    uint16_t type = cursor_be16(&c);
    if (c.bad)
        decode_event_set(d, p, DECODE_EVENT_CHDLC_PKT_TOO_SMALL);
    else
        decode_ethertype(d, p, type, c);
}

void decode_link(struct decoder *d, struct packet *p, uint32_t link, struct cursor c)
{
    static const struct {
        uint32_t link;
        decode_layer *layer;
    } layers[] = {
        {LINK_ETHERNET,     decode_ethernet     },
        { LINK_RAW,         decode_ip_any       },
        { LINK_RAW_BSD,     decode_ip_any       },
        { LINK_RAW_OPENBSD, decode_ip_any       },
        { LINK_IPV4,        decode_ip_any       },
        { LINK_IPV6,        decode_ip_any       },
        { LINK_SLL,         decode_sll          },
        { LINK_SLL2,        decode_sll2         },
        { LINK_PPP,         decode_ppp_framed   },
        { LINK_PPP_HDLC,    decode_ppp_framed   },
        { LINK_PPP_ETHER,   decode_pppoe_session},
        { LINK_CHDLC,       decode_chdlc        },
        { LINK_NULL,        decode_null         },
        { LINK_LOOP,        decode_null         },
    };
    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        if (layers[i].link == link) {
            layers[i].layer(d, p, c);
            return;
        }
    }
    decode_count(d, DECODE_COUNT_UNKNOWN_LINK);
}
