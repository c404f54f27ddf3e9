/* SPDX-License-Identifier: Apache-2.0 */
/** The writer's end of a ring (alert.h has the worker's). One writer thread. */
#ifndef SENSOR_ALERT_RING_H
#define SENSOR_ALERT_RING_H

#include <stdbool.h>
#include <stdint.h>

struct alert_record;
struct alert_ring;

/** The oldest record and its fragments, valid until alert_ring_take; NULL when there is none. */
const struct alert_record *alert_ring_peek(struct alert_ring *r, const void **extra);

/** Give the oldest record's room back. */
void alert_ring_take(struct alert_ring *r);

/**
 * The time below which nothing more will come, UINT64_MAX once the worker has finished. Ask before
 * alert_ring_peek: an empty ring then holds nothing below that time.
 */
uint64_t alert_ring_passed_ns(struct alert_ring *r);

#endif
