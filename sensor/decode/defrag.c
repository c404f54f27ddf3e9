/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fragments wait here until their datagram is whole, their bytes in blocks of the datagram that are
 * taken as fragments reach into them: what a fragment costs goes by its length, not by the offset
 * that it claims. Who wins where fragments overlap is the target's policy (target.h). Memory is
 * bounded by the number of datagrams that may wait; the oldest is given up first.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/decode/internal.h"
#include "sensor/decode/target.h"

#define BUCKETS 16384 /* a power of two */

/** Largest datagram (IPv4's total length, IPv6's payload length). */
#define DATAGRAM_MAX 65535

/** A datagram's bytes are kept by blocks of so many. */
#define BLOCK  2048u
#define BLOCKS ((DATAGRAM_MAX + BLOCK - 1) / BLOCK)

/** Most fragments of one datagram; 64 KiB in the least fragments that carry something are 8,192. */
#define PIECES_MAX 8192

struct tracker_key {
    struct addr src, dst;
    uint32_t id;
    uint16_t vlan[3];
    uint8_t proto, version, depth, pad[3];
};

struct tracker {
    struct tracker *next;          /* in the bucket */
    struct tracker *newer, *older; /* in the order of their first fragments */
    struct tracker_key key;
    enum target_os os; /* of the destination */
    uint64_t first_ns;
    uint8_t *blocks[BLOCKS];     /* NULL: no fragment reached into it */
    uint32_t data_end;
    struct target_range *ranges; /* fragments by start */
    uint32_t range_count, range_cap;
    uint32_t headers_len, next_header_at;
    uint8_t next_header;
    bool have_first, have_last;
    uint8_t headers[DECODE_HEADERS_MAX];
};

struct defrag {
    struct decoder *d;
    struct hash_key key;
    struct tracker *oldest, *newest;
    uint32_t count;
    struct tracker *buckets[BUCKETS];
};

struct defrag *defrag_create(struct decoder *d)
{
    struct defrag *g = xcalloc(1, sizeof(*g));
    g->d = d;
    hash_key_random(&g->key);
    return g;
}

static struct tracker **bucket_of(struct defrag *g, const struct tracker_key *key)
{
    return &g->buckets[hash_bytes(&g->key, key, sizeof(*key)) & (BUCKETS - 1)];
}

static void tracker_free(struct defrag *g, struct tracker *t)
{
    struct tracker **at = bucket_of(g, &t->key);
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    *(t->older ? &t->older->newer : &g->oldest) = t->newer;
    *(t->newer ? &t->newer->older : &g->newest) = t->older;
    for (unsigned i = 0; i < BLOCKS; i++)
        slab_free(g->d->slab, t->blocks[i], BLOCK);
    slab_free(g->d->slab, t->ranges, t->range_cap * sizeof(struct target_range));
    slab_free(g->d->slab, t, sizeof(*t));
    g->count--;
}

void defrag_free(struct defrag *g)
{
    if (!g)
        return;
    while (g->oldest)
        tracker_free(g, g->oldest);
    free(g);
}

static void expire(struct defrag *g, uint64_t now_ns)
{
    while (g->oldest && now_ns > g->oldest->first_ns &&
           now_ns - g->oldest->first_ns > g->d->conf.defrag_timeout_ns) {
        decode_count(g->d, DECODE_COUNT_DEFRAG_TIMEOUT);
        tracker_free(g, g->oldest);
    }
    while (g->count >= g->d->conf.defrag_trackers_max) {
        decode_count(g->d, DECODE_COUNT_DEFRAG_FULL);
        tracker_free(g, g->oldest);
    }
}

static struct tracker *tracker_get(struct defrag *g, const struct packet *p)
{
    struct tracker_key key = { 0 };
    key.src = p->src;
    key.dst = p->dst;
    key.id = p->ip_id;
    memcpy(key.vlan, p->vlan, sizeof(key.vlan));
    key.proto = p->ip_version == 4 ? p->proto : 0; /* RFC 8200, section 4.5: not part of the key */
    key.version = p->ip_version;
    key.depth = p->tunnel_depth;
    expire(g, p->now_ns);
    struct tracker **bucket = bucket_of(g, &key);
    for (struct tracker *t = *bucket; t; t = t->next) {
        if (memcmp(&t->key, &key, sizeof(key)) == 0)
            return t;
    }
    struct tracker *t = slab_try_zalloc(g->d->slab, sizeof(*t));
    if (!t)
        return NULL;
    t->key = key;
    t->os = targets_find(g->d->conf.targets, &p->dst);
    t->first_ns = p->now_ns;
    t->next = *bucket;
    *bucket = t;
    t->older = g->newest;
    *(g->newest ? &g->newest->newer : &g->oldest) = t;
    g->newest = t;
    g->count++;
    return t;
}

/* Room for the bytes of `in` and one more range. */
static bool tracker_reserve(struct slab *slab, struct tracker *t, const struct target_range *in)
{
    for (uint32_t i = in->start / BLOCK; i <= (in->end - 1) / BLOCK; i++) {
        if (!t->blocks[i] && !(t->blocks[i] = slab_try_alloc(slab, BLOCK)))
            return false;
    }
    if (t->range_count == t->range_cap) {
        uint32_t cap = t->range_cap ? t->range_cap * 2 : 8;
        struct target_range *ranges =
            t->ranges ? slab_try_realloc(slab, t->ranges, t->range_cap * sizeof(*ranges),
                                         cap * sizeof(*ranges))
                      : slab_try_alloc(slab, cap * sizeof(*ranges));
        if (!ranges)
            return false;
        t->ranges = ranges;
        t->range_cap = cap;
    }
    return true;
}

/* As tracker_reserve, giving up the oldest datagrams when memory is out. */
static bool tracker_room(struct defrag *g, struct tracker *t, const struct target_range *in)
{
    while (!tracker_reserve(g->d->slab, t, in)) {
        if (g->oldest == t)
            return false;
        decode_count(g->d, DECODE_COUNT_DEFRAG_FULL);
        tracker_free(g, g->oldest);
    }
    return true;
}

/* The bytes of the datagram from `from` to `to`. */
static void put(struct tracker *t, uint32_t from, uint32_t to, const uint8_t *data)
{
    for (uint32_t len; from < to; from += len, data += len) {
        uint32_t at = from % BLOCK;
        len = to - from < BLOCK - at ? to - from : BLOCK - at;
        memcpy(t->blocks[from / BLOCK] + at, data, len);
    }
}

/* Lay the new fragment's bytes where no older fragment keeps its own. Whether it overlapped any. */
static bool lay(struct tracker *t, const struct target_range *in, const uint8_t *data)
{
    uint32_t at = in->start;
    bool overlap = false;
    for (uint32_t i = 0; i < t->range_count && t->ranges[i].start < in->end; i++) {
        const struct target_range *old = &t->ranges[i];
        if (old->end <= in->start)
            continue;
        overlap = true;
        if (!target_fragment_stays(t->os, *old, *in))
            continue;
        if (old->start > at)
            put(t, at, old->start, data + (at - in->start));
        if (old->end > at)
            at = old->end;
    }
    if (at < in->end)
        put(t, at, in->end, data + (at - in->start));
    return overlap;
}

static void range_insert(struct tracker *t, const struct target_range *in)
{
    uint32_t i = t->range_count++;
    for (; i > 0 && t->ranges[i - 1].start > in->start; i--)
        t->ranges[i] = t->ranges[i - 1];
    t->ranges[i] = *in;
    if (in->end > t->data_end)
        t->data_end = in->end;
}

static bool whole(const struct tracker *t)
{
    uint32_t end = 0;
    if (!t->have_first || !t->have_last)
        return false;
    for (uint32_t i = 0; i < t->range_count; i++) {
        if (t->ranges[i].start > end)
            return false;
        if (t->ranges[i].end > end)
            end = t->ranges[i].end;
    }
    return true;
}

static void headers_keep(struct tracker *t, const struct defrag_piece *piece)
{
    if (piece->headers_len > sizeof(t->headers) || piece->next_header_at >= piece->headers_len)
        return;
    memcpy(t->headers, piece->headers, piece->headers_len);
    t->headers_len = piece->headers_len;
    t->next_header_at = piece->next_header_at;
    t->next_header = piece->next_header;
    t->have_first = true;
}

static void ipv4_checksum_set(uint8_t *h, uint32_t len)
{
    uint32_t sum = 0;
    h[10] = h[11] = 0;
    for (uint32_t i = 0; i + 2 <= len; i += 2)
        sum += decode_be16(h + i);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16));
    h[10] = (uint8_t)(sum >> 8);
    h[11] = (uint8_t)sum;
}

/* Write the datagram; its length, or 0 when it would be longer than one can be. */
static uint32_t rebuild(const struct tracker *t, uint8_t *out)
{
    bool v4 = t->key.version == 4;
    uint32_t len = t->headers_len + t->data_end;
    uint32_t field = v4 ? len : len - 40;
    if (field > DATAGRAM_MAX)
        return 0;
    memcpy(out, t->headers, t->headers_len);
    for (uint32_t at = 0; at < t->data_end; at += BLOCK)
        memcpy(out + t->headers_len + at, t->blocks[at / BLOCK],
               t->data_end - at < BLOCK ? t->data_end - at : BLOCK);
    out[v4 ? 2 : 4] = (uint8_t)(field >> 8);
    out[v4 ? 3 : 5] = (uint8_t)field;
    if (v4) {
        out[6] &= 0xc0; /* neither more fragments nor an offset */
        out[7] = 0;
        ipv4_checksum_set(out, t->headers_len);
    } else {
        out[t->next_header_at] = t->next_header;
    }
    return len;
}

uint32_t defrag_add(struct defrag *g, struct packet *p, const struct defrag_piece *piece,
                    uint8_t *out)
{
    bool v4 = p->ip_version == 4;
    struct target_range in = { p->frag_offset, p->frag_offset + piece->data_len };
    if (in.end + (v4 ? piece->headers_len : 0) > DATAGRAM_MAX) {
        decode_event_set(g->d, p,
                         v4 ? DECODE_EVENT_IPV4_FRAG_PKT_TOO_LARGE
                            : DECODE_EVENT_IPV6_FRAG_PKT_TOO_LARGE);
        return 0;
    }
    if (piece->data_len == 0)
        return 0;
    struct tracker *t = tracker_get(g, p);
    if (!t || t->range_count == PIECES_MAX || !tracker_room(g, t, &in)) {
        decode_count(g->d, DECODE_COUNT_DEFRAG_NO_MEMORY);
        decode_event_set(g->d, p,
                         v4 ? DECODE_EVENT_IPV4_FRAG_IGNORED : DECODE_EVENT_IPV6_FRAG_IGNORED);
        return 0;
    }
    if (lay(t, &in, piece->data))
        decode_event_set(g->d, p,
                         v4 ? DECODE_EVENT_IPV4_FRAG_OVERLAP : DECODE_EVENT_IPV6_FRAG_OVERLAP);
    range_insert(t, &in);
    if (in.start == 0 && !t->have_first)
        headers_keep(t, piece);
    t->have_last |= !p->more_fragments;
    if (!whole(t))
        return 0;
    uint32_t len = rebuild(t, out);
    tracker_free(g, t);
    return len;
}

void decode_fragment(struct decoder *d, struct packet *p, const struct defrag_piece *piece)
{
    p->flags |= PACKET_F_FRAGMENT | (p->frag_offset ? 0 : PACKET_F_FIRST_FRAGMENT);
    decode_count(d, DECODE_COUNT_FRAGMENTS);
    if (d->rebuilt_used == DECODE_REBUILT_MAX || d->count == DECODE_PACKETS_MAX) {
        decode_count(d, DECODE_COUNT_TOO_DEEP);
        return;
    }
    uint8_t *buffer = d->rebuilt[d->turn][d->rebuilt_used];
    uint32_t len = defrag_add(d->defrag, p, piece, buffer);
    if (!len)
        return;
    struct packet *made = &d->out[d->count++];
    memset(made, 0, sizeof(*made));
    made->ts_ns = p->ts_ns;
    made->now_ns = p->now_ns;
    made->number = p->number;
    made->data = p->data;
    made->len = p->len;
    made->wire_len = p->wire_len;
    memcpy(made->vlan, p->vlan, sizeof(made->vlan));
    made->vlan_count = p->vlan_count;
    made->tunnel = p->tunnel;
    made->tunnel_depth = p->tunnel_depth;
    made->flags = PACKET_F_NO_PORTS | PACKET_F_REASSEMBLED | (p->flags & PACKET_F_TUNNELED);
    d->rebuilt_used++;
    decode_count(d, DECODE_COUNT_REASSEMBLED);
    decode_ip_any(d, made, cursor_make(buffer, len));
}
