/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The folder of stored files (filestore): each is known by its SHA-256, is there once, and goes
 * when all take too much room or it is too old. The engine writes a file under a name of its own,
 * and only when it is whole is it put in its place.
 */
#ifndef SENSOR_MONITOR_KEEP_H
#define SENSOR_MONITOR_KEEP_H

#include <stdint.h>

struct channel_message;
struct keep;

/** Use `dir` (made when it is not there, 0700). NULL after a log line. */
struct keep *keep_open(const char *dir, uint64_t bytes, uint64_t age_ns);

/**
 * Answer CHANNEL_FILE: a descriptor to write to, or -1 with the status: 0 done, or the file is
 * there already.
 */
int keep_answer(struct keep *k, struct channel_message *m);

/** Close. NULL is allowed. */
void keep_close(struct keep *k);

#endif
