/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A segment: one append-only file of the spool.
 *
 *     0     header, SEGMENT_HEADER bytes, little-endian
 *           0 magic "ABENGSPL"  8 version  12 lanes  16 epoch  32 serial  40 created, ns
 *           64 lanes: name (24 bytes, NUL-ended) and the number its next record will get
 *           4072 CRC-32C of all before
 *           4080 end of what is fsynced, written after each fsync  4088 CRC-32C of it
 *     4096  records: magic, length of the payload, kind, length of the lane's name, two zeros,
 *           number, CRC-32C of header without it, name and payload; then name and payload
 *
 * Urgent and bulk lanes have segments of their own, so that shedding bulk ones spares the others;
 * serials count over both. The lanes in a header say what came before the segment, so that nobody
 * has to read a closed one to know which numbers it holds.
 */
#ifndef SENSOR_SPOOL_SEGMENT_H
#define SENSOR_SPOOL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensor/spool/spool.h"

struct buf;

#define SEGMENT_HEADER        4096
#define SEGMENT_LANES_MAX     64
#define SEGMENT_NAME_MAX      40
#define SEGMENT_RECORD_HEADER 24

enum segment_class { SEGMENT_URGENT, SEGMENT_BULK, SEGMENT_CLASSES };

struct segment_lane {
    char name[SPOOL_LANE_MAX];
    uint64_t next; /* number of its next record when the segment began */
};

struct segment_header {
    uint8_t epoch[SPOOL_EPOCH_BYTES];
    uint64_t serial;
    uint64_t created_ns;
    uint32_t lane_count;
    struct segment_lane lanes[SEGMENT_LANES_MAX];
};

/** A record where it stands; name and bytes are the walk's, valid until its next step. */
struct segment_record {
    enum spool_kind kind;
    char lane[SPOOL_LANE_MAX];
    uint64_t number;
    const uint8_t *bytes;
    uint32_t len;
};

/** Going through the records of a segment. What is damaged is stepped over and counted. */
struct segment_walk {
    int fd;            /* the caller's */
    uint64_t at, end;  /* the next record; where to stop (may be moved on) */
    uint64_t good_end; /* end of the last good record */
    uint64_t damaged;  /* bytes stepped over */
    uint8_t *window;   /* bytes of the file from `from` */
    uint64_t from;
    size_t have;
};

/** The class that a lane's records go to: urgent when its name ends so. */
enum segment_class segment_class_of(const char *lane);

/** File name of a segment. */
void segment_name(enum segment_class class, uint64_t serial, char out[SEGMENT_NAME_MAX]);

/** Whether `name` is a segment's, and whose. */
bool segment_name_parse(const char *name, enum segment_class *class, uint64_t *serial);

/** An epoch as 32 hexadecimal digits. */
void segment_epoch_text(const uint8_t epoch[SPOOL_EPOCH_BYTES],
                        char out[2 * SPOOL_EPOCH_BYTES + 1]);

/** Write a header, with nothing fsynced, into the empty file; 0 or ABENG_EIO. */
int segment_header_write(int fd, const struct segment_header *h);

/** Read and check a header; 0, ABENG_EIO or ABENG_EFORMAT. */
int segment_header_read(int fd, struct segment_header *out);

/** Say that all before `end` is fsynced; 0 or ABENG_EIO. */
int segment_mark_write(int fd, uint64_t end);

/** What is fsynced; SEGMENT_HEADER when the mark can't be read. */
uint64_t segment_mark_read(int fd);

/** The lane's number in the header, 1 when it is not there. */
uint64_t segment_lane_next(const struct segment_header *h, const char *lane);

/** Append a record's bytes to `out`. */
void segment_record_encode(struct buf *out, const struct segment_record *r);

/** Start a walk from `at` (0: the first record) to `end`. Free with segment_walk_free. */
void segment_walk_begin(struct segment_walk *w, int fd, uint64_t at, uint64_t end);

/** Next good record before `end`: 1, 0 at the end, or ABENG_EIO. */
int segment_walk_next(struct segment_walk *w, struct segment_record *out);

/** Free the window; the descriptor stays open. */
void segment_walk_free(struct segment_walk *w);

#endif
