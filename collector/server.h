/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The collector, put together: the one file (server.c) that names every stage.
 *
 * Start order: data folder, CA, store (own redis-server or an external one), register and feeds,
 * the workers that fold and correlate, then the listeners, sensors' last, so that nobody is let in
 * before all stands. Stop is the reverse: what is committed is on disk before the last listener is
 * gone.
 */
#ifndef COLLECTOR_SERVER_H
#define COLLECTOR_SERVER_H

struct collector;
struct collector_options;

/**
 * Start all; NULL after a log line that says what could not be done. `o` is borrowed until
 * collector_stop.
 */
struct collector *collector_start(const struct collector_options *o);

/** The analysts' port, and the sensors'. */
unsigned collector_port(const struct collector *c, int sensors);

/** Stop all in reverse order and free. NULL is allowed. */
void collector_stop(struct collector *c);

#endif
