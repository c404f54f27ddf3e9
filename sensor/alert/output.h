/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A file of lines (eve.json): buffered, written out by bytes and time, never in the way: when the
 * system refuses a write the lines are counted as lost and said so once. One thread.
 */
#ifndef SENSOR_ALERT_OUTPUT_H
#define SENSOR_ALERT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"

struct output;

/** Counter names of outputs, ended by a NULL name. */
extern const struct counter_def output_counters[];

/** Lines to `fd`, which becomes the output's; `name` (copied) is for messages. */
struct output *output_create(int fd, const char *name, struct counter_block *counters);

/** Add a line; its newline is put in. */
void output_line(struct output *o, const void *line, size_t len);

/** Write out when something has waited for 200 ms, or at once with `now`. 0 or ABENG_EIO. */
int output_flush(struct output *o, bool now);

/** Write the rest out, close, and go on with `fd` (after the file was moved away). */
void output_reopen(struct output *o, int fd);

/** Write the rest out and close. NULL is allowed. */
void output_close(struct output *o);

#endif
