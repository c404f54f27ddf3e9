/* SPDX-License-Identifier: Apache-2.0 */
/* Single producer, single consumer. Positions only grow; each side keeps its copy of the other's on
 * its own line. */
#include "config.h"
#include "sensor/queue.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "common/err.h"
#include "common/xalloc.h"

#define ITEMS    8192u
#define PAUSE_NS 50000

struct queue {
    _Alignas(64) _Atomic uint64_t head; /* published by the reader */
    _Atomic bool finished;
    _Alignas(64) _Atomic uint64_t tail; /* taken by the worker */
    _Alignas(64) uint64_t fill;         /* reader's own: put, perhaps not yet published */
    uint64_t seen_tail;
    struct queue_item items[ITEMS];
};

struct queue *queue_create(void)
{
    struct queue *q = NULL;
    if (posix_memalign((void **)&q, 64, sizeof(*q)) != 0)
        abort();
    q->fill = 0;
    q->seen_tail = 0;
    atomic_init(&q->head, 0);
    atomic_init(&q->tail, 0);
    atomic_init(&q->finished, false);
    return q;
}

/* One side is far ahead of the other: sleep, so that its core is another thread's. What is on its
 * way keeps the other busy for milliseconds. */
static void pause_a_moment(void)
{
    static const struct timespec moment = { .tv_nsec = PAUSE_NS };
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL); /* cut short, it is tried again */
}

void queue_put(struct queue *q, const struct queue_item *item)
{
    while (q->fill - q->seen_tail == ITEMS) {
        q->seen_tail = atomic_load_explicit(&q->tail, memory_order_acquire);
        if (q->fill - q->seen_tail < ITEMS)
            break;
        (void)queue_publish(q);
        pause_a_moment();
    }
    q->items[q->fill++ % ITEMS] = *item;
}

uint64_t queue_publish(struct queue *q)
{
    atomic_store_explicit(&q->head, q->fill, memory_order_release);
    return q->fill;
}

void queue_finish(struct queue *q)
{
    (void)queue_publish(q);
    atomic_store_explicit(&q->finished, true, memory_order_release);
}

void queue_wait(struct queue *q, uint64_t place)
{
    while (q->seen_tail < place) {
        q->seen_tail = atomic_load_explicit(&q->tail, memory_order_acquire);
        if (q->seen_tail < place)
            pause_a_moment();
    }
}

void queue_drain(struct queue *q)
{
    queue_wait(q, queue_publish(q));
}

int queue_peek(struct queue *q, const struct queue_item **items, unsigned max)
{
    bool finished = atomic_load_explicit(&q->finished, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&q->head, memory_order_acquire);
    uint64_t n = head - tail;
    unsigned at = (unsigned)(tail % ITEMS);
    if (!n && !finished)
        pause_a_moment();
    if (!n)
        return finished ? ABENG_EOF : 0;
    if (n > ITEMS - at)
        n = ITEMS - at;
    *items = &q->items[at];
    return (int)(n < max ? n : max);
}

void queue_take(struct queue *q, unsigned n)
{
    uint64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    atomic_store_explicit(&q->tail, tail + n, memory_order_release);
}

void queue_free(struct queue *q)
{
    free(q);
}
