/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What one live worker listens to: its ring on each interface, in turn.
 *
 * Rings belong to the monitor and were opened by it; an interface without a ring (libpcap) is read
 * by the first worker alone. All functions are the worker's thread's.
 */
#ifndef SENSOR_TAP_H
#define SENSOR_TAP_H

#include <stdbool.h>

struct engine_conf;
struct frame;
struct live_board;
struct tap;

/**
 * Take over the rings of worker `index`, where an engine that died left them by its slot of the
 * black box. What can't be had is logged and left out. Never NULL.
 */
struct tap *tap_open(const struct engine_conf *conf, unsigned index);

/**
 * Next burst of the interface whose turn it is, at most CAPTURE_BURST_MAX frames; when none has
 * any, 0 after about `wait_ms`. Earlier bursts of that interface are gone.
 */
int tap_next(struct tap *t, struct frame *out, unsigned wait_ms);

/** Interface of the newest burst. */
unsigned tap_interface(const struct tap *t);

/** How full its ring was, in thousandths (capture_fill). */
unsigned tap_fill(const struct tap *t);

/** The newest burst is through all stages. */
void tap_done(struct tap *t);

/** Publish the counters of all its captures on the board. */
void tap_publish(struct tap *t, struct live_board *board);

/** Close. The rings stay with the monitor. */
void tap_close(struct tap *t);

#endif
