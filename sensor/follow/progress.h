/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How far a follower came, across crashes: the stored place, before which every line is fsynced in
 * the spool or was none of ours, and what the spool's newest records say of the lines after it.
 * Lanes are fsynced apart, so after a power cut one lane may have lines that another has lost:
 * each lane is therefore taken up where its own last record ends.
 */
#ifndef SENSOR_FOLLOW_PROGRESS_H
#define SENSOR_FOLLOW_PROGRESS_H

#include <stdbool.h>

#include "sensor/follow/tail.h"

struct progress;
struct spool_files;

/**
 * Read what was stored at `path` and the spool's newest records. NULL with a log line when one of
 * them is there and can't be read. Before the spool's writer opens.
 */
struct progress *progress_open(const char *path, const struct spool_files *files);

/** Where to go on; an empty one at the first start. */
const struct tail_place *progress_place(const struct progress *p);

/**
 * Forget what the spool says of lines that can't come again: those before the stored place, and
 * those of files that are gone. Before the first progress_had.
 */
void progress_settle(struct progress *p, const struct tail *t);

/** Whether the spool has this line, which belongs to `lane`, already. For each line, in order. */
bool progress_had(struct progress *p, const struct tail_line *line, const char *lane);

/** Store a place before which all is fsynced, unless it is the stored one. 0 or ABENG_EIO. */
int progress_store(struct progress *p, const struct tail_place *place);

/** Free. NULL is allowed. */
void progress_close(struct progress *p);

#endif
