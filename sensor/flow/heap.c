/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of flows by deadline, four children to a node, so that few cache lines are touched on
 * the way down. Ties are broken by flow id, so the order doesn't depend on the
 * number of workers. */
#include "config.h"

#include "sensor/flow/heap.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "sensor/flow/flow.h"
#include "sensor/flow/private.h"

#define CHILDREN 4

static bool before(const struct flow_heap_entry *a, const struct flow_heap_entry *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->flow->id < b->flow->id;
}

static void put(struct flow_heap *h, uint32_t at, struct flow_heap_entry e)
{
    h->entries[at] = e;
    e.flow->private_[FLOW_PRIVATE_AT] = at;
}

static void rise(struct flow_heap *h, uint32_t at)
{
    struct flow_heap_entry e = h->entries[at];
    while (at > 0 && before(&e, &h->entries[(at - 1) / CHILDREN])) {
        put(h, at, h->entries[(at - 1) / CHILDREN]);
        at = (at - 1) / CHILDREN;
    }
    put(h, at, e);
}

/* The child of `at` that comes first; `at` itself without any. */
static uint32_t first_child(const struct flow_heap *h, uint32_t at)
{
    uint64_t first = (uint64_t)at * CHILDREN + 1;
    if (first >= h->count)
        return at;
    uint32_t best = (uint32_t)first;
    for (uint32_t i = best + 1; i < h->count && i < first + CHILDREN; i++) {
        if (before(&h->entries[i], &h->entries[best]))
            best = i;
    }
    return best;
}

static void sink(struct flow_heap *h, uint32_t at)
{
    struct flow_heap_entry e = h->entries[at];
    for (uint32_t child; (child = first_child(h, at)) != at && before(&h->entries[child], &e);) {
        put(h, at, h->entries[child]);
        at = child;
    }
    put(h, at, e);
}

void flow_heap_init(struct flow_heap *h, uint32_t cap)
{
    h->entries = xcalloc(cap, sizeof(*h->entries));
    h->cap = cap;
    h->count = 0;
}

void flow_heap_clear(struct flow_heap *h)
{
    free(h->entries);
    h->entries = NULL;
    h->count = h->cap = 0;
}

bool flow_heap_add(struct flow_heap *h, struct flow *f, uint64_t deadline)
{
    if (h->count == h->cap)
        return false;
    f->private_[FLOW_PRIVATE_ARMED] = deadline;
    put(h, h->count, (struct flow_heap_entry){ deadline, f });
    rise(h, h->count++);
    return true;
}

void flow_heap_move(struct flow_heap *h, struct flow *f, uint64_t deadline)
{
    uint32_t at = (uint32_t)f->private_[FLOW_PRIVATE_AT];
    bool earlier = deadline < f->private_[FLOW_PRIVATE_ARMED];
    f->private_[FLOW_PRIVATE_ARMED] = deadline;
    h->entries[at].deadline = deadline;
    if (earlier)
        rise(h, at);
    else
        sink(h, at);
}

void flow_heap_remove(struct flow_heap *h, struct flow *f)
{
    uint32_t at = (uint32_t)f->private_[FLOW_PRIVATE_AT];
    struct flow_heap_entry last = h->entries[--h->count];
    if (last.flow == f)
        return;
    put(h, at, last);
    rise(h, at);
    sink(h, (uint32_t)last.flow->private_[FLOW_PRIVATE_AT]);
}
