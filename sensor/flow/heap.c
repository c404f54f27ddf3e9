/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of flows by deadline; ties are broken by flow id, so the order doesn't depend on the
 * number of workers. */
#include "config.h"

#include "sensor/flow/heap.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "sensor/flow/flow.h"
#include "sensor/flow/private.h"

static bool before(const struct flow *a, const struct flow *b)
{
    uint64_t da = a->private_[FLOW_PRIVATE_ARMED], db = b->private_[FLOW_PRIVATE_ARMED];
    return da != db ? da < db : a->id < b->id;
}

static void put(struct flow_heap *h, uint32_t at, struct flow *f)
{
    h->flows[at] = f;
    f->private_[FLOW_PRIVATE_AT] = at;
}

static void rise(struct flow_heap *h, uint32_t at)
{
    struct flow *f = h->flows[at];
    while (at > 0 && before(f, h->flows[(at - 1) / 2])) {
        put(h, at, h->flows[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(h, at, f);
}

static void sink(struct flow_heap *h, uint32_t at)
{
    struct flow *f = h->flows[at];
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && before(h->flows[child + 1], h->flows[child]))
            child++;
        if (!before(h->flows[child], f))
            break;
        put(h, at, h->flows[child]);
        at = child;
    }
    put(h, at, f);
}

void flow_heap_init(struct flow_heap *h, uint32_t cap)
{
    h->flows = xcalloc(cap, sizeof(struct flow *));
    h->cap = cap;
    h->count = 0;
}

void flow_heap_clear(struct flow_heap *h)
{
    free(h->flows);
    h->flows = NULL;
    h->count = h->cap = 0;
}

bool flow_heap_add(struct flow_heap *h, struct flow *f, uint64_t deadline)
{
    if (h->count == h->cap)
        return false;
    f->private_[FLOW_PRIVATE_ARMED] = deadline;
    put(h, h->count, f);
    rise(h, h->count++);
    return true;
}

void flow_heap_move(struct flow_heap *h, struct flow *f, uint64_t deadline)
{
    uint32_t at = (uint32_t)f->private_[FLOW_PRIVATE_AT];
    bool earlier = deadline < f->private_[FLOW_PRIVATE_ARMED];
    f->private_[FLOW_PRIVATE_ARMED] = deadline;
    if (earlier)
        rise(h, at);
    else
        sink(h, at);
}

void flow_heap_remove(struct flow_heap *h, struct flow *f)
{
    uint32_t at = (uint32_t)f->private_[FLOW_PRIVATE_AT];
    struct flow *last = h->flows[--h->count];
    if (last == f)
        return;
    put(h, at, last);
    rise(h, at);
    sink(h, (uint32_t)last->private_[FLOW_PRIVATE_AT]);
}
