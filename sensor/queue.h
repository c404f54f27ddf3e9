/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From the reader of a capture file to one worker: a ring of frames, one thread at each end,
 * without locks. Frames point into the capture's windows, which the reader keeps until every worker
 * has passed them. Ticks travel in the same order.
 */
#ifndef SENSOR_QUEUE_H
#define SENSOR_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "sensor/capture/capture.h"

struct queue;

/** One entry: a frame, or with `tick` only the engine time. */
struct queue_item {
    struct frame frame;
    uint64_t number, now_ns;
    bool tick;
};

/** A ring of 8,192 entries. */
struct queue *queue_create(void);

/** Put one; waits while the ring is full (file mode sheds nothing). Reader only. */
void queue_put(struct queue *q, const struct queue_item *item);

/** Make what was put visible to the worker; returns its place, for queue_wait. Reader only; after
 * each burst. */
uint64_t queue_publish(struct queue *q);

/** Wait until the worker has taken all that was put before `place`. Reader only. */
void queue_wait(struct queue *q, uint64_t place);

/** Nothing will come any more. Reader only. */
void queue_finish(struct queue *q);

/** Wait until the worker has taken all that was published. Reader only. */
void queue_drain(struct queue *q);

/**
 * Look at up to `max` entries without taking them: how many, 0 when none came for a moment,
 * ABENG_EOF after the last.
 */
int queue_peek(struct queue *q, const struct queue_item **items, unsigned max);

/** Done with `n` entries that queue_peek showed. Worker only. */
void queue_take(struct queue *q, unsigned n);

/** Free. NULL is allowed. */
void queue_free(struct queue *q);

#endif
