/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The monitor: opens, starts, watches. It is the one process with privileges and the one that never
 * looks at a byte from a network or a partner. It keeps the capture sockets, so that a restarted
 * engine goes on at the oldest block.
 */
#ifndef SENSOR_SUPERVISE_H
#define SENSOR_SUPERVISE_H

struct options;

/**
 * Run the sensor as `o` says until the captures are read or a signal ends it. Returns the exit
 * status.
 */
int supervise(const struct options *o);

#endif
