/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring: one worker puts, one writer takes. Positions only grow and are taken modulo the size.
 * Order: the worker writes a record, then `head` with release; the writer loads `head` with acquire
 * and so sees the record. Room given back goes the same way through `tail`. `passed` is stored with
 * release after the records it speaks of and loaded with acquire before `head` is looked at.
 */
#include "config.h"
#include "sensor/alert/ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/pages.h"
#include "sensor/alert/alert.h"

#define LINE     64
#define RING_MIN (64u << 10) /* several of the longest records */
#define NEAR     (1u << 20)  /* as long as the writer keeps up, no more of the ring is used */
#define WRAP     UINT32_MAX  /* instead of a size: go on at the start */

/* Before each record. */
struct entry {
    uint32_t size; /* of all, this and padding included */
    uint32_t extra;
};

struct alert_ring {
    _Alignas(LINE) _Atomic uint64_t head; /* worker writes */
    _Atomic uint64_t passed;
    uint64_t tail_seen;                   /* worker's copy */
    _Alignas(LINE) _Atomic uint64_t tail; /* writer writes */
    uint64_t head_seen;                   /* writer's copy */
    _Alignas(LINE) uint64_t mask;
    uint8_t *bytes;
};

_Static_assert(sizeof(struct entry) % 8 == 0 && sizeof(struct alert_record) % 8 == 0,
               "records stay aligned in the ring");

struct alert_ring *alert_ring_create(size_t bytes)
{
    struct alert_ring *r = aligned_alloc(LINE, sizeof(*r));
    assert((bytes & (bytes - 1)) == 0 && bytes >= RING_MIN);
    if (!r)
        abort();
    memset(r, 0, sizeof(*r));
    r->mask = bytes - 1;
    r->bytes = pages_alloc(bytes, "a ring of records");
    return r;
}

static bool has_room(struct alert_ring *r, uint64_t head, uint64_t size)
{
    if (head + size - r->tail_seen <= r->mask + 1)
        return true;
    r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
    return head + size - r->tail_seen <= r->mask + 1;
}

/* How much of the ring is left out before a record of `size` bytes: what is too short for it at the
 * ring's end; behind its nearer part all the rest when nothing waits, so that memory that was
 * touched is used again before more is. */
static uint64_t to_skip(struct alert_ring *r, uint64_t head, uint32_t size)
{
    uint64_t to_end = r->mask + 1 - (head & r->mask);
    if (to_end < size)
        return to_end;
    if ((head & r->mask) < NEAR)
        return 0;
    r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
    return r->tail_seen == head ? to_end : 0;
}

bool alert_ring_put(struct alert_ring *r, const struct alert_record *record, const void *extra)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint32_t size =
        (uint32_t)(sizeof(struct entry) + sizeof(*record) + ((record->extra_len + 7u) & ~7u));
    uint64_t skip = to_skip(r, head, size);
    if (!has_room(r, head, skip + size))
        return false;
    if (skip) {
        ((struct entry *)(void *)(r->bytes + (head & r->mask)))->size = WRAP;
        head += skip;
    }
    uint8_t *at = r->bytes + (head & r->mask);
    *(struct entry *)(void *)at = (struct entry){ size, record->extra_len };
    memcpy(at + sizeof(struct entry), record, sizeof(*record));
    if (record->extra_len)
        memcpy(at + sizeof(struct entry) + sizeof(*record), extra, record->extra_len);
    atomic_store_explicit(&r->head, head + size, memory_order_release);
    return true;
}

void alert_ring_passed(struct alert_ring *r, uint64_t now_ns)
{
    atomic_store_explicit(&r->passed, now_ns, memory_order_release);
}

void alert_ring_finish(struct alert_ring *r)
{
    atomic_store_explicit(&r->passed, UINT64_MAX, memory_order_release);
}

uint64_t alert_ring_passed_ns(struct alert_ring *r)
{
    return atomic_load_explicit(&r->passed, memory_order_acquire);
}

/* Where the oldest entry stands, stepping over a wrap; NULL when there is none. */
static struct entry *oldest(struct alert_ring *r)
{
    for (;;) {
        uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
        if (tail == r->head_seen)
            r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
        if (tail == r->head_seen)
            return NULL;
        struct entry *e = (struct entry *)(void *)(r->bytes + (tail & r->mask));
        if (e->size != WRAP)
            return e;
        tail += r->mask + 1 - (tail & r->mask);
        atomic_store_explicit(&r->tail, tail, memory_order_release);
    }
}

const struct alert_record *alert_ring_peek(struct alert_ring *r, const void **extra)
{
    struct entry *e = oldest(r);
    if (!e)
        return NULL;
    const struct alert_record *record = (const struct alert_record *)(const void *)(e + 1);
    *extra = record + 1;
    return record;
}

void alert_ring_take(struct alert_ring *r)
{
    struct entry *e = oldest(r);
    if (!e)
        return;
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    atomic_store_explicit(&r->tail, tail + e->size, memory_order_release);
}

void alert_ring_free(struct alert_ring *r)
{
    if (!r)
        return;
    pages_free(r->bytes, r->mask + 1);
    free(r);
}
