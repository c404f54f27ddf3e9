/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The position file: up to where the collector has each lane on its disk. One line a lane,
 * `EPOCH LANE NUMBER SERIAL`, replaced as a whole; the reader writes it, the writer looks into it
 * before it sheds.
 */
#ifndef SENSOR_SPOOL_POSITION_H
#define SENSOR_SPOOL_POSITION_H

#include "sensor/spool/segment.h"

#define POSITION_FILE     "position"
#define POSITION_FILE_MAX 16384
#define POSITION_MAX      (2 * SEGMENT_LANES_MAX)

struct position {
    char epoch[2 * SPOOL_EPOCH_BYTES + 1];
    char lane[SPOOL_LANE_MAX];
    uint64_t number; /* the last committed one of lane and epoch */
    uint64_t serial; /* of the segment that held it */
};

/** Read lines from `text` (NUL-ended), at most POSITION_MAX; what is malformed is left out. */
unsigned position_parse(const char *text, struct position *out);

/** Append a line. */
void position_print(struct buf *out, const struct position *p);

#endif
