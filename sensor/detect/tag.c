/* SPDX-License-Identifier: Apache-2.0 */
/* Tagged sessions and hosts, as far as packets go. */
#include "config.h"
#include "sensor/detect/tag.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/detect/state.h"

/** Tags of hosts that a rule set keeps (power of two), and how far from its place one may be. */
#define HOST_TAGS  1024u
#define HOST_REACH 16u
/** A host that is not seen for so long is forgotten, as in Suricata. */
#define HOST_IDLE_S 600u
/** A flow's tags at first. */
#define FLOW_FIRST 4u

/* A tag of a flow, and what has passed since it began. */
struct detect_flow_tag {
    struct detect_tag tag;
    uint64_t used, from_s;
};

enum host_state { HOST_FREE, HOST_BUSY, HOST_KEPT };

/*
 * A tag of a host. Whoever takes it from FREE or KEPT to BUSY may write its name; all numbers are
 * atomic by themselves, since workers that look while it goes to another host lose nothing by it.
 */
struct host_tag {
    _Atomic uint32_t state; /* enum host_state */
    _Atomic uint32_t gid, sid, count;
    _Atomic uint64_t addr[2], used, from_s, last_s;
    _Atomic uint8_t metric;
};

struct tag_hosts {
    _Atomic uint32_t kept; /* 0: no packet need be looked up */
    struct host_tag tags[HOST_TAGS];
};

struct tag_hosts *tag_hosts_create(void)
{
    return xcalloc(1, sizeof(struct tag_hosts));
}

void tag_hosts_free(struct tag_hosts *hosts)
{
    free(hosts);
}

static uint64_t second_of(const struct detect_job *job)
{
    return job->in->packet->ts_ns / NS_PER_S;
}

static void output_add(struct detect_job *job, const struct detect_tag *tag)
{
    if (job->out->tag_count < DETECT_TAGS_MAX)
        job->out->tags[job->out->tag_count++] = *tag;
}

/* ---- sessions -------------------------------------------------------------------------------- */

static struct detect_flow_tag *flow_tag_find(struct detect_flow *f, uint32_t gid, uint32_t sid)
{
    for (uint32_t i = 0; i < f->tag_count; i++)
        if (f->tags[i].tag.gid == gid && f->tags[i].tag.sid == sid)
            return &f->tags[i];
    return NULL;
}

static struct detect_flow_tag *flow_tag_make(struct detect_thread *t, struct detect_flow *f)
{
    uint16_t want = f->tag_cap ? (uint16_t)(f->tag_cap * 2) : FLOW_FIRST;
    size_t size = sizeof(*f->tags);
    if (f->tag_count == DETECT_TAGS_MAX) {
        counter_add(t->counters, DETECT_COUNT_TAGS_FULL, 1);
        return NULL;
    }
    if (f->tag_count == f->tag_cap) {
        void *grown = f->tags ? slab_try_realloc(t->slab, f->tags, f->tag_cap * size, want * size)
                              : slab_try_alloc(t->slab, want * size);
        if (!grown) {
            counter_add(t->counters, DETECT_COUNT_NO_MEMORY, 1);
            return NULL;
        }
        f->tags = grown;
        f->tag_cap = want;
    }
    return &f->tags[f->tag_count++];
}

static void session_begin(struct detect_job *job, const struct detect_tag *tag)
{
    struct detect_flow *f = detect_flow_make(job);
    if (!f)
        return;
    struct detect_flow_tag *known = flow_tag_find(f, tag->gid, tag->sid);
    if (!known && (known = flow_tag_make(job->t, f)))
        known->tag = *tag;
    if (!known)
        return;
    known->used = 0;
    known->from_s = second_of(job);
}

static void session_run(struct detect_job *job, struct detect_flow *f)
{
    uint16_t kept = 0;
    for (uint32_t i = 0; i < f->tag_count; i++) {
        struct detect_flow_tag *t = &f->tags[i];
        t->used += detect_tag_use(t->tag.metric, job->in->packet->len);
        output_add(job, &t->tag); /* also the packet that ends it: there it ends too */
        if (!detect_tag_over(t->tag.metric, t->tag.count, t->used, t->from_s, second_of(job)))
            f->tags[kept++] = *t;
    }
    f->tag_count = kept;
}

void detect_tags_free(struct detect_thread *t, struct detect_flow *f)
{
    slab_free(t->slab, f->tags, f->tag_cap * sizeof(*f->tags));
    f->tags = NULL;
    f->tag_count = f->tag_cap = 0;
}

/* ---- hosts ----------------------------------------------------------------------------------- */

/* An address as it is kept, and where the search for its tags begins. */
struct host_key {
    uint64_t addr[2], hash;
};

static struct host_key host_key_of(const struct addr *a)
{
    struct host_key key;
    memcpy(key.addr, a->bytes, sizeof(a->bytes));
    key.hash = hash_mix(hash_mix(0, key.addr[0]), key.addr[1]);
    return key;
}

static struct host_tag *host_place(struct tag_hosts *hosts, const struct host_key *key, uint32_t i)
{
    return &hosts->tags[(key->hash + i) & (HOST_TAGS - 1)];
}

static bool is_of(const struct host_tag *t, const uint64_t addr[2])
{
    return atomic_load_explicit(&t->state, memory_order_acquire) == HOST_KEPT &&
           atomic_load_explicit(&t->addr[0], memory_order_relaxed) == addr[0] &&
           atomic_load_explicit(&t->addr[1], memory_order_relaxed) == addr[1];
}

/* To BUSY when it was `from`: the caller's alone until it says what it is. */
static bool host_seize(struct host_tag *t, uint32_t from)
{
    return atomic_compare_exchange_strong(&t->state, &from, HOST_BUSY);
}

static void host_restart(struct host_tag *t, uint64_t now_s)
{
    atomic_store_explicit(&t->used, 0, memory_order_relaxed);
    atomic_store_explicit(&t->from_s, now_s, memory_order_relaxed);
    atomic_store_explicit(&t->last_s, now_s, memory_order_relaxed);
}

static void host_write(struct host_tag *t, const uint64_t addr[2], const struct detect_tag *tag,
                       uint64_t now_s)
{
    atomic_store_explicit(&t->addr[0], addr[0], memory_order_relaxed);
    atomic_store_explicit(&t->addr[1], addr[1], memory_order_relaxed);
    atomic_store_explicit(&t->gid, tag->gid, memory_order_relaxed);
    atomic_store_explicit(&t->sid, tag->sid, memory_order_relaxed);
    atomic_store_explicit(&t->count, tag->count, memory_order_relaxed);
    atomic_store_explicit(&t->metric, tag->metric, memory_order_relaxed);
    host_restart(t, now_s);
    atomic_store_explicit(&t->state, HOST_KEPT, memory_order_release);
}

static void host_begin(struct detect_job *job, const struct addr *a, const struct detect_tag *tag)
{
    struct tag_hosts *hosts = job->set->hosts;
    struct host_key key = host_key_of(a);
    uint64_t now_s = second_of(job);
    for (uint32_t i = 0; i < HOST_REACH; i++) {
        struct host_tag *t = host_place(hosts, &key, i);
        if (is_of(t, key.addr) && t->gid == tag->gid && t->sid == tag->sid) {
            host_restart(t, now_s);
            return;
        }
    }
    for (uint32_t i = 0; i < HOST_REACH; i++) {
        struct host_tag *t = host_place(hosts, &key, i);
        bool idle = t->state == HOST_KEPT && now_s > t->last_s + HOST_IDLE_S;
        if (host_seize(t, HOST_FREE)) {
            atomic_fetch_add(&hosts->kept, 1);
        } else if (!idle || !host_seize(t, HOST_KEPT)) {
            continue;
        }
        host_write(t, key.addr, tag, now_s);
        return;
    }
    counter_add(job->t->counters, DETECT_COUNT_TAGS_FULL, 1);
}

/* One more packet of its host, perhaps the one that ends it; false when it ended long ago. */
static bool host_use(struct tag_hosts *hosts, struct host_tag *t, uint32_t len, uint64_t now_s)
{
    uint64_t add = detect_tag_use(t->metric, len), used = atomic_fetch_add(&t->used, add) + add;
    bool idle = now_s > t->last_s + HOST_IDLE_S;
    atomic_store_explicit(&t->last_s, now_s, memory_order_relaxed);
    if (!idle && !detect_tag_over(t->metric, t->count, used, t->from_s, now_s))
        return true;
    if (host_seize(t, HOST_KEPT)) {
        atomic_store_explicit(&t->state, HOST_FREE, memory_order_release);
        atomic_fetch_sub(&hosts->kept, 1);
    }
    return !idle;
}

static void host_run(struct detect_job *job, const struct addr *a, enum sig_tag_of of)
{
    struct tag_hosts *hosts = job->set->hosts;
    struct host_key key = host_key_of(a);
    for (uint32_t i = 0; i < HOST_REACH; i++) {
        struct host_tag *t = host_place(hosts, &key, i);
        if (!is_of(t, key.addr) || !host_use(hosts, t, job->in->packet->len, second_of(job)))
            continue;
        struct detect_tag tag = { t->gid, t->sid, t->count, (uint8_t)of, t->metric };
        output_add(job, &tag);
    }
}

/* ---- a packet -------------------------------------------------------------------------------- */

void detect_tag_begin(struct detect_job *job, uint32_t rule, const struct sig_op *op)
{
    const struct image_rule *r = &job->set->rules[rule];
    const struct packet *p = job->in->packet;
    struct detect_tag tag = { r->gid, r->sid, op->u.tag.count, op->u.tag.of, op->u.tag.metric };
    if (tag.of == SIG_TAG_SESSION)
        session_begin(job, &tag);
    else if (p->ip_version)
        host_begin(job, tag.of == SIG_TAG_SRC ? &p->src : &p->dst, &tag);
}

bool detect_hosts_tagged(const struct detect_thread *t)
{
    return atomic_load_explicit(&t->set->hosts->kept, memory_order_relaxed) > 0;
}

void detect_tags_run(struct detect_job *job)
{
    const struct packet *p = job->in->packet;
    if (p->flags & PACKET_F_PSEUDO)
        return;
    if (job->flow && job->flow->tag_count)
        session_run(job, detect_flow_make(job));
    if (p->ip_version && detect_hosts_tagged(job->t)) {
        host_run(job, &p->src, SIG_TAG_SRC);
        host_run(job, &p->dst, SIG_TAG_DST);
    }
}
