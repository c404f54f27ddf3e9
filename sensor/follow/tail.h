/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A file of lines that somebody else writes, rotates, truncates and deletes, read to its last byte.
 *
 * A file is known by its first line, not by its name or inode: EVE lines begin with a time in
 * microseconds, so a renamed file, and a copy that logrotate's copytruncate made, keep their name
 * here. At the end of a file that was moved away, the next younger of its siblings (same folder,
 * same beginning of the name, not compressed) is read, and at last the one at the path.
 * Only whole lines are handed out while a file may still grow. One thread uses a tail.
 */
#ifndef SENSOR_FOLLOW_TAIL_H
#define SENSOR_FOLLOW_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Hexadecimal digits of a file's name here, and a NUL. */
#define TAIL_FILE_LEN 33

/** Longest line handed out; of a longer one only its place is. */
#define TAIL_LINE_MAX (256u << 10)

/** Siblings that are looked at; of more, the youngest. */
#define TAIL_SIBLINGS_MAX 256

struct tail;

/** The next byte to be read. With an empty `file`: the beginning of what is at the path. */
struct tail_place {
    char file[TAIL_FILE_LEN];
    uint64_t offset;
    uint64_t changed_ns; /* when the file was last written to, as far as it is known */
};

/** A line without its newline; valid until the next call. */
struct tail_line {
    const char *bytes;
    size_t len;
    const char *file; /* where it stands */
    uint64_t offset;
    bool too_long; /* longer than TAIL_LINE_MAX: `bytes` holds its beginning */
};

/** A tail of `path`, which need not be there yet; opens nothing. Never NULL. */
struct tail *tail_create(const char *path);

/**
 * Go on from `place`. 0; ABENG_ENOENT when its file is gone, together with what was not read of it:
 * then the oldest sibling that is younger is next. Before the first tail_next.
 */
int tail_resume(struct tail *t, const struct tail_place *place);

/**
 * Whether the file `file` is there now and comes after the one at `place`. Reads the first line of
 * each sibling.
 */
bool tail_is_after(const struct tail *t, const struct tail_place *place, const char *file);

/**
 * The next line: 1; 0 when there is none now; ABENG_EIO (errno says why) when it can't be read; or
 * ABENG_ENOENT, once, when a file was deleted or truncated before it was read to its end: lines may
 * be missing, the next call goes on with what is there.
 */
int tail_next(struct tail *t, struct tail_line *out);

/** The place after the last line handed out. */
void tail_place(const struct tail *t, struct tail_place *out);

/** Free. NULL is allowed. */
void tail_free(struct tail *t);

#endif
