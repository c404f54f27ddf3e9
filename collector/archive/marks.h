/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which numbers of which lanes are in the archive: for each sensor, epoch and lane the first and
 * the last. Numbers of a lane only rise, so a batch that came twice is known by the last one.
 */
#ifndef COLLECTOR_ARCHIVE_MARKS_H
#define COLLECTOR_ARCHIVE_MARKS_H

#include <jansson.h>
#include <stdint.h>

struct json;
struct block_head;

struct mark {
    char *sensor, *epoch, *lane;
    uint64_t first, last;
    uint64_t records; /* may be fewer than between the two: what was lost leaves a hole */
    struct mark *next;
};

struct marks {
    struct mark **slots;
    size_t count, slot_count;
};

/** Empty ones; all zero is empty too. */
void marks_init(struct marks *m);

/** Free all, leaving it empty. */
void marks_free(struct marks *m);

/** The mark of a lane, or NULL. */
struct mark *marks_find(const struct marks *m, const char *sensor, const char *epoch,
                        const char *lane);

/** Note that the records of a block are there. */
void marks_note(struct marks *m, const struct block_head *h);

/** Write them as the array "lanes". */
void marks_write(const struct marks *m, struct json *out);

/** Take in an array that marks_write wrote. 0, or ABENG_EFORMAT. */
int marks_read(struct marks *m, const json_t *lanes);

#endif
