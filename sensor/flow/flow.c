/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow table. A bucket is one cache line: five 16-bit tags of the hash, five flows, and a link
 * to an overflow bucket of the same shape; a lookup touches the line and, nearly always, one flow.
 * Flows leave the table by their deadline (wheel.h) or because the caller ends them; they wait on a
 * list, by the time of their end, for the caller to take them. What is shed when the table is full:
 * of the flows whose timeout would come in the first second the one that has waited longest.
 */
#include "config.h"

#include "sensor/flow/flow.h"

#include <stdlib.h>
#include <string.h>

#include "common/pages.h"
#include "common/prefetch.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/decode/packet.h"
#include "sensor/flow/key.h"
#include "sensor/flow/private.h"
#include "sensor/flow/wheel.h"

#define FLOWS_MAX    262144
#define BUCKET_FLOWS 5
#define SLOT_LINES   2 /* of what hangs on a flow, what every packet looks at */
#define BUCKET_BYTES CACHE_LINE

#define SECONDS(n)   ((uint64_t)(n)*1000000000ull)

enum flow_count {
    COUNT_CREATED,
    COUNT_TCP,
    COUNT_UDP,
    COUNT_ICMP,
    COUNT_TIMED_OUT,
    COUNT_REPLACED,
    COUNT_EVICTED,
    COUNT_NO_MEMORY,
    COUNTS
};

const struct counter_def flow_counters[] = {
    [COUNT_CREATED] = { "flow.created", "flows begun" },
    [COUNT_TCP] = { "flow.tcp", "TCP flows begun" },
    [COUNT_UDP] = { "flow.udp", "UDP flows begun" },
    [COUNT_ICMP] = { "flow.icmp", "ICMP and ICMPv6 flows begun" },
    [COUNT_TIMED_OUT] = { "flow.timed_out", "flows ended by their timeout" },
    [COUNT_REPLACED] = { "flow.replaced", "flows ended because their tuple was used again" },
    [COUNT_EVICTED] = { "flow.evicted", "flows ended early because the table was full" },
    [COUNT_NO_MEMORY] = { "flow.no_memory", "packets without a flow because memory was out" },
    [COUNTS] = { NULL, NULL },
};

struct bucket {
    uint16_t tags[BUCKET_FLOWS];
    uint8_t unused[6];
    struct flow *flows[BUCKET_FLOWS];
    struct bucket *more;
};

_Static_assert(sizeof(struct bucket) == BUCKET_BYTES, "a bucket is one cache line");

struct flow_table {
    struct flow_conf conf;
    struct slab *slab;
    struct counter_block *counters;
    struct flow_key_secret secret;
    struct flow_wheel wheel;
    struct bucket *buckets;
    uint64_t mask;
    struct flow *ended; /* by time of end */
};

static uint64_t timeout_of(const struct flow_conf *c, const struct flow *f)
{
    bool established = f->state != FLOW_STATE_NEW;
    if (f->proto == PACKET_PROTO_TCP) {
        if (f->state == FLOW_STATE_CLOSED)
            return c->tcp_closed_ns;
        return established ? c->tcp_established_ns : c->tcp_new_ns;
    }
    if (f->proto == PACKET_PROTO_UDP)
        return established ? c->udp_established_ns : c->udp_new_ns;
    return established ? c->other_established_ns : c->other_new_ns;
}

/* Suricata counts in whole seconds and waits for more than the timeout: the start of the second
 * behind. */
static uint64_t deadline_of(const void *conf, const struct flow *f)
{
    return f->last_ns - f->last_ns % SECONDS(1) + timeout_of(conf, f) + SECONDS(1);
}

static void set_default(uint64_t *value, uint64_t otherwise)
{
    if (!*value)
        *value = otherwise;
}

struct flow_table *flow_table_create(const struct flow_conf *conf, struct slab *slab, uint64_t seed,
                                     struct counter_block *counters)
{
    struct flow_table *t = xcalloc(1, sizeof(*t));
    t->conf = *conf;
    if (!t->conf.flows_max)
        t->conf.flows_max = FLOWS_MAX;
    set_default(&t->conf.tcp_new_ns, SECONDS(60));
    set_default(&t->conf.tcp_established_ns, SECONDS(600));
    set_default(&t->conf.tcp_closed_ns, SECONDS(60));
    set_default(&t->conf.udp_new_ns, SECONDS(30));
    set_default(&t->conf.udp_established_ns, SECONDS(300));
    set_default(&t->conf.other_new_ns, SECONDS(30));
    set_default(&t->conf.other_established_ns, SECONDS(300));
    t->slab = slab;
    t->counters = counters;
    flow_key_secret_init(&t->secret, seed);
    flow_wheel_init(&t->wheel, t->conf.flows_max, deadline_of, &t->conf);
    uint64_t buckets = 1;
    while (buckets < t->conf.flows_max / 2)
        buckets *= 2;
    t->mask = buckets - 1;
    t->buckets = pages_alloc(buckets * BUCKET_BYTES, "a table of flows");
    pages_warm(t->buckets, buckets * BUCKET_BYTES); /* the first flows already touch all of it */
    return t;
}

static void buckets_free(struct flow_table *t)
{
    for (uint64_t i = 0; i <= t->mask; i++) {
        struct bucket *more = t->buckets[i].more;
        while (more) {
            struct bucket *next = more->more;
            slab_free(t->slab, more, sizeof(*more));
            more = next;
        }
    }
}

void flow_table_free(struct flow_table *t)
{
    if (!t)
        return;
    buckets_free(t);
    flow_wheel_clear(&t->wheel);
    pages_free(t->buckets, (t->mask + 1) * BUCKET_BYTES);
    free(t);
}

uint32_t flow_table_count(const struct flow_table *t)
{
    return t->wheel.count;
}

void flow_table_touch(struct flow_table *t, struct flow *f)
{
    if (f->private_[FLOW_PRIVATE_ENDED])
        return;
    if (deadline_of(&t->conf, f) < f->private_[FLOW_PRIVATE_ARMED])
        flow_wheel_move(&t->wheel, f);
}

/* ---- buckets ---- */

static struct bucket *bucket_of(const struct flow_table *t, uint64_t hash)
{
    return &t->buckets[hash & t->mask];
}

/* The upper bits, never 0, which marks a free place. */
static uint16_t tag_of(uint64_t hash)
{
    return (uint16_t)(hash >> 48 | 1);
}

static struct flow *bucket_find(struct bucket *b, uint16_t tag, const struct flow_key *k,
                                unsigned *dir)
{
    for (; b; b = b->more) {
        for (unsigned i = 0; i < BUCKET_FLOWS; i++) {
            if (b->tags[i] != tag)
                continue;
            int d = flow_key_direction(k, b->flows[i]);
            if (d >= 0) {
                *dir = (unsigned)d;
                return b->flows[i];
            }
        }
    }
    return NULL;
}

static bool bucket_put(struct flow_table *t, struct bucket *b, uint16_t tag, struct flow *f)
{
    for (;; b = b->more) {
        for (unsigned i = 0; i < BUCKET_FLOWS; i++) {
            if (b->tags[i])
                continue;
            b->tags[i] = tag;
            b->flows[i] = f;
            return true;
        }
        if (!b->more && !(b->more = slab_try_zalloc(t->slab, sizeof(*b))))
            return false;
    }
}

static void bucket_take(struct bucket *b, const struct flow *f)
{
    for (; b; b = b->more) {
        for (unsigned i = 0; i < BUCKET_FLOWS; i++) {
            if (b->flows[i] == f) {
                b->tags[i] = 0;
                b->flows[i] = NULL;
                return;
            }
        }
    }
}

/* ---- ends ---- */

static struct flow *next_of(const struct flow *f)
{
    return (struct flow *)(uintptr_t)f->private_[FLOW_PRIVATE_NEXT];
}

static bool ends_before(const struct flow *a, const struct flow *b)
{
    uint64_t ea = a->private_[FLOW_PRIVATE_ENDED], eb = b->private_[FLOW_PRIVATE_ENDED];
    return ea != eb ? ea < eb : a->id < b->id;
}

/* Take a flow out of table and wheel, and file it on the ended list. */
static void end(struct flow_table *t, struct flow *f, uint64_t when)
{
    bucket_take(bucket_of(t, f->private_[FLOW_PRIVATE_HASH]), f);
    flow_wheel_remove(&t->wheel, f);
    f->private_[FLOW_PRIVATE_ENDED] = when ? when : 1;
    struct flow *before = NULL, *after = t->ended;
    while (after && !ends_before(f, after)) {
        before = after;
        after = next_of(after);
    }
    f->private_[FLOW_PRIVATE_NEXT] = (uintptr_t)after;
    if (before)
        before->private_[FLOW_PRIVATE_NEXT] = (uintptr_t)f;
    else
        t->ended = f;
}

void flow_table_end(struct flow_table *t, struct flow *f)
{
    if (f->private_[FLOW_PRIVATE_ENDED])
        return;
    counter_add(t->counters, COUNT_REPLACED, 1);
    end(t, f, f->last_ns);
}

static struct flow *take_ended(struct flow_table *t, uint64_t *ended_ns)
{
    struct flow *f = t->ended;
    if (f) {
        t->ended = next_of(f);
        *ended_ns = f->private_[FLOW_PRIVATE_ENDED];
    }
    return f;
}

bool flow_table_is_quiet(const struct flow_table *t, uint64_t now_ns)
{
    return !t->ended && t->wheel.next_ns > now_ns;
}

struct flow *flow_table_expire(struct flow_table *t, uint64_t now_ns, uint64_t *ended_ns)
{
    if (flow_table_is_quiet(t, now_ns))
        return NULL;
    uint64_t deadline;
    struct flow *f = flow_wheel_first(&t->wheel, now_ns, &deadline);
    if (t->ended && (!f || t->ended->private_[FLOW_PRIVATE_ENDED] <= deadline))
        return take_ended(t, ended_ns);
    if (!f)
        return NULL;
    counter_add(t->counters, COUNT_TIMED_OUT, 1);
    end(t, f, deadline);
    return take_ended(t, ended_ns);
}

struct flow *flow_table_flush(struct flow_table *t, uint64_t *ended_ns)
{
    uint64_t deadline;
    struct flow *f = flow_wheel_first(&t->wheel, UINT64_MAX, &deadline);
    if (f)
        end(t, f, deadline);
    return take_ended(t, ended_ns);
}

void flow_table_release(struct flow_table *t, struct flow *f)
{
    slab_free(t->slab, f, sizeof(*f));
}

/* ---- lookup ---- */

static void fetch_flow(const struct flow *f)
{
    prefetch(f, sizeof(*f));
}

/* What is shed has not been looked at for long. The next two are probably shed soon: of the nearer
 * one, which was asked for before, all that hangs on it is asked for now. */
static void fetch_behind(const struct flow_table *t, const struct flow *f)
{
    const struct flow *near = flow_wheel_behind(f);
    if (!near)
        return;
    __builtin_prefetch(bucket_of(t, near->private_[FLOW_PRIVATE_HASH]));
    for (unsigned s = 0; s < FLOW_SLOTS; s++)
        __builtin_prefetch(near->slot[s]);
    const struct flow *far = flow_wheel_behind(near);
    if (far)
        fetch_flow(far);
}

static void make_room(struct flow_table *t, uint64_t now_ns)
{
    if (t->wheel.count < t->conf.flows_max)
        return;
    struct flow *f = flow_wheel_oldest(&t->wheel);
    fetch_behind(t, f);
    counter_add(t->counters, COUNT_EVICTED, 1);
    end(t, f, now_ns);
}

static void count_made(struct flow_table *t, uint8_t proto)
{
    counter_add(t->counters, COUNT_CREATED, 1);
    if (proto == PACKET_PROTO_TCP)
        counter_add(t->counters, COUNT_TCP, 1);
    else if (proto == PACKET_PROTO_UDP)
        counter_add(t->counters, COUNT_UDP, 1);
    else if (proto == PACKET_PROTO_ICMP || proto == PACKET_PROTO_ICMPV6)
        counter_add(t->counters, COUNT_ICMP, 1);
}

static struct flow *make(struct flow_table *t, const struct packet *p, const struct flow_key *k,
                         uint64_t hash)
{
    make_room(t, p->now_ns);
    struct flow *f = slab_try_zalloc(t->slab, sizeof(*f));
    if (!f || !bucket_put(t, bucket_of(t, hash), tag_of(hash), f)) {
        slab_free(t->slab, f, sizeof(*f));
        counter_add(t->counters, COUNT_NO_MEMORY, 1);
        return NULL;
    }
    f->client = k->src;
    f->server = k->dst;
    f->client_port = p->flags & PACKET_F_NO_PORTS ? p->icmp_type : p->sport;
    f->server_port = p->flags & PACKET_F_NO_PORTS ? p->icmp_code : p->dport;
    memcpy(f->vlan, k->vlan, sizeof(f->vlan));
    f->proto = k->proto;
    f->ip_version = k->ip_version;
    f->tunnel_depth = k->depth;
    f->id = flow_key_id(k, p->ts_ns);
    f->first_ns = f->last_ns = p->now_ns;
    f->first_ts_ns = p->ts_ns;
    f->private_[FLOW_PRIVATE_HASH] = hash;
    flow_wheel_add(&t->wheel, f);
    count_made(t, f->proto);
    return f;
}

static void take_packet(struct flow *f, const struct packet *p, unsigned dir)
{
    f->last_ns = p->now_ns;
    f->packets[dir]++;
    f->bytes[dir] += p->wire_len;
    if (p->proto != f->proto) /* an ICMP error is no answer */
        return;
    f->flags |= dir ? FLOW_F_TOCLIENT_SEEN : FLOW_F_TOSERVER_SEEN;
    bool both = (f->flags & FLOW_F_TOCLIENT_SEEN) && (f->flags & FLOW_F_TOSERVER_SEEN);
    if (both && f->proto != PACKET_PROTO_TCP && f->state == FLOW_STATE_NEW)
        f->state = FLOW_STATE_ESTABLISHED;
}

/* The flow of a tuple; one whose time is over is ended and not returned. */
static struct flow *find(struct flow_table *t, const struct flow_key *k, uint64_t hash,
                         uint64_t now_ns, unsigned *dir)
{
    struct flow *f = bucket_find(bucket_of(t, hash), tag_of(hash), k, dir);
    if (!f)
        return NULL;
    uint64_t deadline = deadline_of(&t->conf, f);
    if (deadline > now_ns)
        return f;
    counter_add(t->counters, COUNT_TIMED_OUT, 1);
    end(t, f, deadline);
    return NULL;
}

uint64_t flow_table_ahead(const struct flow_table *t, const struct packet *p)
{
    struct flow_key k;
    if (!flow_key_of(p, &k))
        return 0;
    uint64_t hash = flow_key_hash(&t->secret, &k);
    __builtin_prefetch(bucket_of(t, hash));
    return hash;
}

/* The flow that a hash is most likely of, or NULL; it is not looked at. */
static const struct flow *likely(const struct flow_table *t, uint64_t ahead)
{
    const struct bucket *b = bucket_of(t, ahead);
    uint16_t tag = tag_of(ahead);
    for (unsigned i = 0; ahead && i < BUCKET_FLOWS; i++) {
        if (b->tags[i] == tag)
            return b->flows[i];
    }
    return NULL;
}

void flow_table_near(const struct flow_table *t, uint64_t ahead)
{
    const struct flow *f = likely(t, ahead);
    if (f)
        fetch_flow(f);
}

void flow_table_nearer(const struct flow_table *t, uint64_t ahead)
{
    const struct flow *f = likely(t, ahead);
    if (!f)
        return;
    unsigned slots = f->flags & FLOW_F_CLASSIFIED ? FLOW_SLOT_CLASSIFY : FLOW_SLOTS;
    for (unsigned s = 0; s < slots; s++)
        prefetch(f->slot[s], SLOT_LINES * CACHE_LINE);
}

struct flow *flow_table_lookup(struct flow_table *t, const struct packet *p, uint64_t ahead,
                               unsigned *dir, bool *fresh)
{
    struct flow_key k;
    *dir = 0;
    *fresh = false;
    if (!flow_key_of(p, &k))
        return NULL;
    struct flow *f;
    if (flow_key_is_error(p)) {
        if (!flow_key_quoted(p, &k))
            return NULL;
        f = find(t, &k, flow_key_hash(&t->secret, &k), p->now_ns, dir);
        if (!f)
            return NULL;
        /* What a router on the way says goes the client's way, as the reference sees it. */
        *dir = addr_compare(&p->src, &f->server) == 0 ? 1 : 0;
    } else {
        uint64_t hash = ahead ? ahead : flow_key_hash(&t->secret, &k);
        f = find(t, &k, hash, p->now_ns, dir);
        if (!f) {
            f = make(t, p, &k, hash);
            if (!f)
                return NULL;
            *fresh = true;
        }
    }
    take_packet(f, p, *dir);
    return f;
}
