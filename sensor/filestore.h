/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Files on their way to the disk. A worker lays what is kept of a file into a ring of its own when
 * the file's transaction is over; the writer takes it from there, names it by the SHA-256 of these
 * bytes and writes it through the monitor. Nobody waits: what finds the ring full is counted and
 * left.
 */
#ifndef SENSOR_FILESTORE_H
#define SENSOR_FILESTORE_H

#include "common/counter.h"

struct alert_ring;
struct channel_message;
struct filestore;

/** Bytes of a worker's ring: some hundred files of the size that is kept of each. */
#define FILESTORE_RING_BYTES (16u << 20)

/** Counter names, ended by a NULL name. */
extern const struct counter_def filestore_counters[];

/** Ask the monitor, as writer_ask. */
typedef int filestore_ask(void *arg, struct channel_message *m, int *fd);

/** Over the workers' rings, which stay the caller's. */
struct filestore *filestore_create(struct alert_ring *const *rings, unsigned count,
                                   filestore_ask *ask, void *arg, struct counter_block *counters);

/** Write some of the files that wait; how many. Writer only. */
unsigned filestore_run(struct filestore *s);

/** Free. NULL is allowed. */
void filestore_free(struct filestore *s);

#endif
