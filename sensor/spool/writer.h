/* SPDX-License-Identifier: Apache-2.0 */
/** The writer's inside, shared by its two files: writer.c writes, keep.c minds what is on disk. */
#ifndef SENSOR_SPOOL_WRITER_H
#define SENSOR_SPOOL_WRITER_H

#include "common/buf.h"
#include "sensor/spool/segment.h"
#include "sensor/spool/spool.h"

enum spool_counter {
    SPOOL_APPENDED,
    SPOOL_BYTES,
    SPOOL_SYNCS,
    SPOOL_SYNC_FAILED,
    SPOOL_WRITE_FAILED,
    SPOOL_REFUSED,
    SPOOL_LOST,
    SPOOL_SHED_SEGMENTS,
    SPOOL_SHED_RECORDS,
    SPOOL_REPAIRED,
    SPOOL_COUNTERS,
};

struct writer_lane {
    char name[SPOOL_LANE_MAX];
    uint64_t next;
    uint64_t synced; /* its last number that is fsynced */
    uint64_t lost;   /* without a number, not yet told by a gap record */
    const char *why;
    char previous[2 * SPOOL_EPOCH_BYTES + 1]; /* the epoch before, "" none */
    uint64_t previous_last;
    bool begun; /* its epoch record is written */
};

/** The segment that a class's records go to now. */
struct writer_open {
    int fd; /* -1: none */
    uint64_t serial, size, synced;
    uint64_t dirty_since; /* monotonic; 0: all is fsynced */
};

/** A segment that stands on disk. */
struct writer_segment {
    enum segment_class class;
    uint64_t serial, bytes;
};

struct spool_writer {
    struct spool_conf conf;
    const struct spool_files *files;
    struct counter_block *counters;
    uint8_t epoch[SPOOL_EPOCH_BYTES];
    char epoch_text[2 * SPOOL_EPOCH_BYTES + 1];
    struct writer_lane lanes[SEGMENT_LANES_MAX];
    uint32_t lane_count;
    struct writer_open open[SEGMENT_CLASSES];
    struct writer_segment *segments; /* by serial */
    uint32_t segment_count, segment_cap;
    uint64_t total;  /* bytes of all segments */
    uint64_t serial; /* of the next segment */
    struct buf out, line;
    bool failing; /* the last write failed: logged once */
};

/** Look at what is on disk: repair tails, take up lanes and their last numbers. 0, or an error with
 * `reason`. */
int writer_keep_load(struct spool_writer *w, char *reason, size_t reason_len);

/** Shed whole segments until two more fit below the bound, with gap records; open ones stay. */
void writer_keep_room(struct spool_writer *w);

/** Note a segment that was made. */
void writer_keep_add(struct spool_writer *w, enum segment_class class, uint64_t serial,
                     uint64_t bytes);

/** The lane of that name, or NULL. */
struct writer_lane *writer_lane_find(struct spool_writer *w, const char *name);

/** The lane of that name, made when it is new; NULL when there are too many or the name is bad. */
struct writer_lane *writer_lane_get(struct spool_writer *w, const char *name);

/** Append a gap record for numbers of `epoch` that are gone from `lane`. */
void writer_gap(struct spool_writer *w, struct writer_lane *lane, const char *epoch, uint64_t first,
                uint64_t last, const char *why);

#endif
