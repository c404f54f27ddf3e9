/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of flow/: flows by deadline. The heap is lazy: a packet only moves its flow's true
 * deadline, which grows; the entry keeps the older one until it comes to the top, and is filed
 * again then. What leaves the top has its true deadline there, so flows leave in exact order, and a
 * packet costs nothing.
 */
#ifndef SENSOR_FLOW_HEAP_H
#define SENSOR_FLOW_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct flow;

/** A flow and its deadline, kept here so that ordering touches no flow. */
struct flow_heap_entry {
    uint64_t deadline;
    struct flow *flow;
};

struct flow_heap {
    struct flow_heap_entry *entries;
    uint32_t count, cap;
};

/** Room for `cap` flows. Dies when memory is out. */
void flow_heap_init(struct flow_heap *h, uint32_t cap);

/** Free. */
void flow_heap_clear(struct flow_heap *h);

/** File `f` under `deadline`; false when the heap is full. */
bool flow_heap_add(struct flow_heap *h, struct flow *f, uint64_t deadline);

/** The entry of `f` moves to `deadline`. */
void flow_heap_move(struct flow_heap *h, struct flow *f, uint64_t deadline);

/** Take `f` out. */
void flow_heap_remove(struct flow_heap *h, struct flow *f);

#endif
