/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The files of the archive:
 *
 *   DIR/jm/2026-11-21.000017.ndjson.zst   blocks (block.h) of one member state and receive day
 *   DIR/jm/2026-11-21.000017.filter       what it may hold (filter.h)   } once it
 *   DIR/jm/2026-11-21.000017.json         what it does hold, its hash   } is closed
 *   DIR/jm/BLAKE2b                        hashes of all closed files: `b2sum -l 256 -c BLAKE2b`
 *
 * A day begins a new file, and so does a full one. The number rises and is never used again.
 */
#ifndef COLLECTOR_ARCHIVE_LIST_H
#define COLLECTOR_ARCHIVE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter;
struct marks;

/** Endings of the files, and the list of hashes. */
#define LIST_DATA   ".ndjson.zst"
#define LIST_FILTER ".filter"
#define LIST_ABOUT  ".json"
#define LIST_HASHES "BLAKE2b"

/** "2026-11-21" and NUL. */
#define LIST_DAY_TEXT 11

struct list_file {
    char day[LIST_DAY_TEXT];
    unsigned serial;
    bool closed; /* its .json is there */
};

/**
 * The files of `state` below `dir`, by rising number, and how many; `*out` is the caller's to free.
 * 0 also when there is no such folder yet, or ABENG_EIO.
 */
int list_files(const char *dir, const char *state, struct list_file **out, size_t *count);

/** The path of a file with an ending; free it. */
char *list_path(const char *dir, const char *state, const struct list_file *f, const char *ending);

/** What the .json of a closed file says. */
struct list_about {
    uint64_t bytes, records;
    uint64_t from_ms, to_ms; /* of the records' own times; both 0 when none has one */
    char blake2b[65];
};

/**
 * Read it; `lanes` may be NULL. 0, ABENG_EIO or ABENG_EFORMAT.
 */
int list_read_about(const char *path, struct list_about *out, struct marks *lanes);

/** Write it durably. 0 or ABENG_EIO. */
int list_write_about(const char *path, const char *state, const char *day,
                     const struct list_about *about, const struct marks *lanes);

/** Read a filter. 0, ABENG_EIO or ABENG_EFORMAT (another length). */
int list_read_filter(const char *path, struct filter *out);

/** A file's bytes, mapped. */
struct list_map {
    const uint8_t *bytes;
    size_t len;
};

/** Map a file for reading; an empty one gives len 0. 0 or ABENG_EIO. */
int list_map(const char *path, struct list_map *out);

/** Unmap. */
void list_unmap(struct list_map *m);

#endif
