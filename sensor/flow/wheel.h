/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of flow/: flows by deadline.
 *
 * A wheel of seconds: a flow is filed under the second of its deadline, in a list, and costs
 * nothing until that second comes. Then the flows of the second are put in order once (`due`);
 * those that are filed under a second that has come already wait in a heap beside it (`late`). It
 * is lazy: a packet only moves its flow's true deadline, which grows; the flow stays where it is
 * filed until that comes up, and is filed again then. So flows leave in exact order, by deadline
 * and then by id, which does not depend on the number of workers.
 */
#ifndef SENSOR_FLOW_WHEEL_H
#define SENSOR_FLOW_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

struct flow;

/** Seconds that the wheel reaches ahead; what is due later is filed under the last, and again. */
#define FLOW_WHEEL_SLOTS 1024

/** A flow in order: deadline and id stand here, so that ordering touches no flow. */
struct flow_due {
    uint64_t deadline, id;
    struct flow *flow; /* NULL: it was taken out meanwhile */
};

/** Flows of one second, in the order in which they were filed. */
struct flow_slot_list {
    struct flow *first, *last;
};

struct flow_wheel {
    struct flow_slot_list slots[FLOW_WHEEL_SLOTS]; /* by second modulo their number */
    uint64_t busy[FLOW_WHEEL_SLOTS / 64]; /* bits: the list is not empty */
    uint64_t second;                      /* flows of this second and before are in due and late */
    uint64_t next_ns;                     /* no flow is due before */
    struct flow_due *due, *late;
    uint32_t due_at, due_count, late_count; /* due: [due_at, due_count) */
    uint32_t count, cap;
    /** The true deadline of a flow. */
    uint64_t (*deadline)(const void *arg, const struct flow *f);
    const void *arg;
};

/** Room for `cap` flows. Dies when memory is out. */
void flow_wheel_init(struct flow_wheel *w, uint32_t cap,
                     uint64_t (*deadline)(const void *arg, const struct flow *f), const void *arg);

/** Free. */
void flow_wheel_clear(struct flow_wheel *w);

/** File `f` under its deadline; false when the wheel is full. */
bool flow_wheel_add(struct flow_wheel *w, struct flow *f);

/** The deadline of `f` has come nearer: file it anew. */
void flow_wheel_move(struct flow_wheel *w, struct flow *f);

/** Take `f` out. */
void flow_wheel_remove(struct flow_wheel *w, struct flow *f);

/**
 * The flow with the first deadline, which stands in `*deadline`, when that may be at or before
 * `now_ns`; NULL when none is due by then. It stays in.
 */
struct flow *flow_wheel_first(struct flow_wheel *w, uint64_t now_ns, uint64_t *deadline);

/** A flow of the first second that any is due in, of those the one filed first; NULL when there is
 * none. It stays in. */
struct flow *flow_wheel_oldest(struct flow_wheel *w);

/** The flow that was filed next in the second of `f`, or NULL. */
struct flow *flow_wheel_behind(const struct flow *f);

#endif
