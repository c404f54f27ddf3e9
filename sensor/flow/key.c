/* SPDX-License-Identifier: Apache-2.0 */
/* Tuples: which packets have a flow, how ICMP messages pair, and the keyed hash. */
#include "config.h"

#include "sensor/flow/key.h"

#include <string.h>

#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"

#define PROTO_ESP         50

#define ICMP4_UNREACHABLE 3

/* Types that answer each other (RFC 792, 950, 1256, 4443, 4861, 4620). */
static const uint8_t icmp4_pairs[][2] = { { 8, 0 }, { 13, 14 }, { 15, 16 }, { 17, 18 }, { 10, 9 } };
static const uint8_t icmp6_pairs[][2] = {
    { 128, 129 }, { 133, 134 }, { 135, 136 }, { 139, 140 }, { 144, 145 }
};

static uint8_t counterpart_in(const uint8_t pairs[][2], unsigned count, uint8_t type)
{
    for (unsigned i = 0; i < count; i++) {
        if (pairs[i][0] == type)
            return pairs[i][1];
        if (pairs[i][1] == type)
            return pairs[i][0];
    }
    return 0;
}

static uint8_t counterpart(uint8_t proto, uint8_t type)
{
    if (proto == PACKET_PROTO_ICMP)
        return counterpart_in(icmp4_pairs, sizeof(icmp4_pairs) / sizeof(icmp4_pairs[0]), type);
    return counterpart_in(icmp6_pairs, sizeof(icmp6_pairs) / sizeof(icmp6_pairs[0]), type);
}

static bool is_icmp(uint8_t proto)
{
    return proto == PACKET_PROTO_ICMP || proto == PACKET_PROTO_ICMPV6;
}

bool flow_key_is_error(const struct packet *p)
{
    if (p->proto != PACKET_PROTO_ICMP || p->ip_version != 4)
        return false;
    uint8_t t = p->icmp_type;
    return t == 3 || t == 4 || t == 5 || t == 11 || t == 12;
}

static bool has_flow(const struct packet *p)
{
    if (!p->ip_version || p->flags & (PACKET_F_FRAGMENT | PACKET_F_L4_BAD) || !p->l4)
        return false;
    switch (p->proto) {
    case PACKET_PROTO_TCP:
    case PACKET_PROTO_UDP:
    case PACKET_PROTO_ICMP:
    case PACKET_PROTO_ICMPV6:
    case PACKET_PROTO_SCTP:
    case PACKET_PROTO_IPV6:
    case PROTO_ESP:
        return true;
    default:
        return false;
    }
}

static void key_common(const struct packet *p, struct flow_key *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->vlan, p->vlan, sizeof(out->vlan));
    out->ip_version = p->ip_version;
    out->depth = p->tunnel_depth;
}

bool flow_key_of(const struct packet *p, struct flow_key *out)
{
    if (!has_flow(p))
        return false;
    key_common(p, out);
    out->src = p->src;
    out->dst = p->dst;
    out->proto = p->proto;
    if (is_icmp(p->proto)) {
        out->sport = p->icmp_type;
        out->dport = counterpart(p->proto, p->icmp_type);
    } else if (!(p->flags & PACKET_F_NO_PORTS)) {
        out->sport = p->sport;
        out->dport = p->dport;
    }
    return true;
}

bool flow_key_quoted(const struct packet *p, struct flow_key *out)
{
    uint8_t proto = p->quoted.proto;
    if (p->proto != PACKET_PROTO_ICMP || p->icmp_type != ICMP4_UNREACHABLE ||
        !p->quoted.ip_version || (proto != PACKET_PROTO_TCP && proto != PACKET_PROTO_UDP))
        return false;
    key_common(p, out);
    out->src = p->quoted.src;
    out->dst = p->quoted.dst;
    out->sport = p->quoted.sport;
    out->dport = p->quoted.dport;
    out->proto = proto;
    return true;
}

void flow_key_secret_init(struct flow_key_secret *s, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++) {
        seed += 0x9E3779B97F4A7C15ull;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ z >> 27) * 0x94D049BB133111EBull;
        s->words[i] = z ^ z >> 31;
    }
}

/* The 128-bit product folded: unlike a product of 64 bits, no difference of its inputs survives
 * without the secret. */
static uint64_t mum(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_words(const struct flow_key_secret *s, const struct addr *a,
                           const struct addr *b, uint16_t pa, uint16_t pb, const struct flow_key *k)
{
    uint64_t w[6];
    memcpy(w, a->bytes, 16);
    memcpy(w + 2, b->bytes, 16);
    w[4] = (uint64_t)pa << 48 | (uint64_t)pb << 32 | (uint64_t)k->proto << 24 |
           (uint64_t)k->ip_version << 16 | k->depth;
    w[5] = (uint64_t)k->vlan[0] << 32 | (uint64_t)k->vlan[1] << 16 | k->vlan[2];
    uint64_t h = mum(w[0] ^ s->words[0], w[1] ^ s->words[1]);
    h = mum(w[2] ^ s->words[2] ^ h, w[3] ^ s->words[3]);
    h = mum(w[4] ^ s->words[1] ^ h, w[5] ^ s->words[0]);
    return mum(h ^ s->words[3], s->words[2] | 1);
}

/* Both directions have one hash: its ends come in an order of their own. Any order does, so
 * addresses are compared as words. */
static bool in_order(const struct flow_key *k)
{
    uint64_t src[2], dst[2];
    memcpy(src, k->src.bytes, sizeof(src));
    memcpy(dst, k->dst.bytes, sizeof(dst));
    if (src[1] != dst[1])
        return src[1] < dst[1];
    return src[0] != dst[0] ? src[0] < dst[0] : k->sport <= k->dport;
}

uint64_t flow_key_hash(const struct flow_key_secret *s, const struct flow_key *k)
{
    if (in_order(k))
        return hash_words(s, &k->src, &k->dst, k->sport, k->dport, k);
    return hash_words(s, &k->dst, &k->src, k->dport, k->sport, k);
}

uint64_t flow_key_id(const struct flow_key *k, uint64_t first_ts_ns)
{
    struct flow_key_secret fixed;
    flow_key_secret_init(&fixed, first_ts_ns);
    uint64_t id = hash_words(&fixed, &k->src, &k->dst, k->sport, k->dport, k);
    id &= (1ull << FLOW_KEY_ID_BITS) - 1;
    return id ? id : 1;
}

static bool same(const struct addr *a, const struct addr *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

int flow_key_direction(const struct flow_key *k, const struct flow *f)
{
    if (k->proto != f->proto || k->ip_version != f->ip_version || k->depth != f->tunnel_depth ||
        memcmp(k->vlan, f->vlan, sizeof(k->vlan)) != 0)
        return -1;
    uint16_t client = f->client_port, server = f->server_port;
    if (is_icmp(f->proto))
        server = counterpart(f->proto, (uint8_t)client);
    if (k->sport == client && k->dport == server && same(&k->src, &f->client) &&
        same(&k->dst, &f->server))
        return 0;
    if (k->sport == server && k->dport == client && same(&k->src, &f->server) &&
        same(&k->dst, &f->client))
        return 1;
    return -1;
}
