/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of decode/: the decoder, and how its layers call each other. A layer takes the packet it
 * describes and a cursor over what is left of it, sets its view, and hands the rest on.
 * `p->ip_version` tells whether IP was found. */
#ifndef SENSOR_DECODE_INTERNAL_H
#define SENSOR_DECODE_INTERNAL_H

#include "common/cursor.h"
#include "sensor/decode/decode.h"

/** Most headers of one frame, so that no nesting can run away (Suricata's limit). */
#define DECODE_LAYERS_MAX 16

/** Datagrams rebuilt from fragments within one frame: fragments in fragments in a tunnel. */
#define DECODE_REBUILT_MAX 2

/** Room for a rebuilt datagram: headers kept from the first fragment, then up to 64 KiB. */
#define DECODE_HEADERS_MAX 256
#define DECODE_REBUILT_LEN (DECODE_HEADERS_MAX + 65536)

enum decode_count {
    DECODE_COUNT_FRAMES,
    DECODE_COUNT_BYTES,
    DECODE_COUNT_PACKETS,
    DECODE_COUNT_IPV4,
    DECODE_COUNT_IPV6,
    DECODE_COUNT_TCP,
    DECODE_COUNT_UDP,
    DECODE_COUNT_ICMP,
    DECODE_COUNT_SCTP,
    DECODE_COUNT_TUNNELS,
    DECODE_COUNT_NOT_IP,
    DECODE_COUNT_UNKNOWN_LINK,
    DECODE_COUNT_FRAGMENTS,
    DECODE_COUNT_REASSEMBLED,
    DECODE_COUNT_DEFRAG_FULL,
    DECODE_COUNT_DEFRAG_TIMEOUT,
    DECODE_COUNT_DEFRAG_NO_MEMORY,
    DECODE_COUNT_BAD_CHECKSUM,
    DECODE_COUNT_TOO_DEEP,
    DECODE_COUNT_EVENTS,
    DECODE_COUNTERS = DECODE_COUNT_EVENTS + DECODE_EVENTS
};

struct defrag;

struct decoder {
    struct decode_conf conf;
    struct slab *slab;
    struct counter_block *counters;
    struct defrag *defrag;
    struct packet *out; /* of the frame in hand */
    unsigned count;     /* packets in `out` */
    unsigned layers;
    unsigned turn; /* whose buffers the frame in hand may use */
    unsigned rebuilt_used;
    uint8_t *rebuilt[DECODE_AHEAD][DECODE_REBUILT_MAX];
};

/** What the defragmenter is told of one fragment. */
struct defrag_piece {
    const uint8_t *headers; /* from the IP header to where the fragment's data starts */
    uint32_t headers_len;
    const uint8_t *data;
    uint32_t data_len;
    uint32_t next_header_at; /* IPv6: where in `headers` the number of the fragment header stands */
    uint8_t next_header;     /* IPv6: what the fragment header says comes next */
};

/** Of a header whose bytes are known to be there: two and four of them, big-endian. */
static inline uint16_t decode_be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t decode_be32(const uint8_t *at)
{
    return (uint32_t)decode_be16(at) << 16 | decode_be16(at + 2);
}

/** Count. */
static inline void decode_count(struct decoder *d, enum decode_count what)
{
    counter_add(d->counters, what, 1);
}

/** Note an event on `p` and count it. Seldom: what leads to it stands apart from the code of sound
 * packets, which has to share the nearest cache. */
void decode_event_set(struct decoder *d, struct packet *p, enum decode_event e)
    __attribute__((cold));

/** Whether one more header may be read; notes the event when not. */
bool decode_layer_enter(struct decoder *d, struct packet *p);

/** Link layers (link.c). */
void decode_link(struct decoder *d, struct packet *p, uint32_t link, struct cursor c);

/** An Ethernet header and what follows. */
void decode_ethernet(struct decoder *d, struct packet *p, struct cursor c);

/** What follows an EtherType (link.c); false when the type is not known. */
bool decode_ethertype(struct decoder *d, struct packet *p, uint16_t type, struct cursor c);

/** PPP with address and control bytes, or without (RFC 1662) (ppp.c). */
void decode_ppp_framed(struct decoder *d, struct packet *p, struct cursor c);

/** PPPoE discovery (RFC 2516, section 5) (ppp.c). */
void decode_pppoe_discovery(struct decoder *d, struct packet *p, struct cursor c);

/** PPPoE session: what it carries is PPP without framing (RFC 2516, section 6) (ppp.c). */
void decode_pppoe_session(struct decoder *d, struct packet *p, struct cursor c);

/** IPv4 (RFC 791). */
void decode_ipv4(struct decoder *d, struct packet *p, struct cursor c);

/** IPv6 (RFC 8200) with its extension headers. */
void decode_ipv6(struct decoder *d, struct packet *p, struct cursor c);

/** Either, by the version in the first byte. */
void decode_ip_any(struct decoder *d, struct packet *p, struct cursor c);

/** The transport header (transport.c): `c` is what IP carries; `p->proto` is set. */
void decode_transport(struct decoder *d, struct packet *p, struct cursor c);

/** ICMP (RFC 792) (icmp.c). */
void decode_icmp4(struct decoder *d, struct packet *p, struct cursor c);

/** ICMPv6 (RFC 4443) (icmp.c). */
void decode_icmp6(struct decoder *d, struct packet *p, struct cursor c);

/** The ways an inner packet can be carried. */
typedef void decode_layer(struct decoder *, struct packet *, struct cursor);

/**
 * Begin an inner packet of `outer` and decode it with `layer`. When it holds no IP it is dropped
 * and false is returned, as if it were no tunnel (tunnel.c).
 */
bool decode_inner(struct decoder *d, struct packet *outer, enum decode_tunnel kind,
                  decode_layer *layer, struct cursor c);

/** IP in IP (RFC 2003, 2473, 4213): `p->proto` tells the inner version (tunnel.c). */
void decode_ip_in_ip(struct decoder *d, struct packet *p, struct cursor c);

/** GRE (RFC 2784, 2890, 2637) and what it carries (tunnel.c). */
void decode_gre(struct decoder *d, struct packet *p, struct cursor c);

/** Tunnels in UDP by port; `p`'s UDP header has been read (tunnel.c). */
void decode_udp_tunnel(struct decoder *d, struct packet *p);

/** The TCP checksum of `p` over its pseudo header, 0 when right (checksum.c). */
uint16_t decode_checksum(const struct packet *p);

/** Defragmenter of one worker. */
struct defrag *defrag_create(struct decoder *d);

/**
 * Take a fragment `p` (ip_id, frag_offset, more_fragments set). When its datagram is whole now, its
 * bytes (headers with lengths corrected, then the data) are put into `out` (DECODE_REBUILT_LEN) and
 * their number is returned, else 0.
 */
uint32_t defrag_add(struct defrag *g, struct packet *p, const struct defrag_piece *piece,
                    uint8_t *out);

/** Free what waits. NULL is allowed. */
void defrag_free(struct defrag *g);

/** Take the datagram that `p`'s fragment completed, if it did, and decode it as a packet of its own
 * (defrag.c). */
void decode_fragment(struct decoder *d, struct packet *p, const struct defrag_piece *piece);

#endif
