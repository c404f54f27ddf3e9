/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The archive: every accepted batch of each member state, in files (list.h) below one folder.
 *
 * One thread reads each state's stream from where the archive stands (what this process accepted:
 * from memory, ingest/fresh.h), writes (file.h), and after
 * the fsync tells the store, which may then forget entries that the fold has passed too: streams
 * are trimmed below the slower of the two, never by length. What is written is known by sensor,
 * epoch, lane and number, so a kill at any instant, or a store that was put back from a backup,
 * writes nothing twice.
 */
#ifndef COLLECTOR_ARCHIVE_ARCHIVE_H
#define COLLECTOR_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

struct archive;
struct clock;
struct fresh;
struct store;

/** How long entries that fold and archive have passed stay in the store while it has room. */
#define ARCHIVE_STREAM_KEEP_MS (3600 * 1000ull)

/** Above this share of the store's memory they go at once. */
#define ARCHIVE_MEMORY_PERMILLE 400u

struct archive_conf {
    struct store *store;
    struct fresh *fresh; /* batches that this process accepts; NULL: the stream alone */
    const char *dir;           /* made when missing */
    const struct clock *clock; /* NULL: the system's */
    uint64_t file_bytes;       /* 0: ARCHIVE_FILE_BYTES */
};

struct archive_stats {
    uint64_t batches, records; /* written since start */
    uint64_t doubles;          /* records that were there already and were left out */
    uint64_t refused;          /* entries that can't be read */
    uint64_t bytes;            /* written since start */
    uint64_t failures;         /* writes that failed; tried again */
    bool failing;              /* the last write failed */
    uint64_t lag_ms;           /* age of the newest batch when it was written; 0: none waits */
};

/** Open all states' files and start the thread. NULL after a log line. */
struct archive *archive_start(const struct archive_conf *conf);

/** The folder. */
const char *archive_dir(const struct archive *a);

/** Numbers now. Any thread. */
void archive_stats(const struct archive *a, struct archive_stats *out);

/**
 * Begin or end a look into files by the caller; one at a time, so that the threads that take
 * batches are never all busy with it. False: another one is under way.
 */
bool archive_look_begin(struct archive *a);
/** The other one. */
void archive_look_end(struct archive *a);

/** Write what waits, end the thread, free. NULL is allowed. */
void archive_stop(struct archive *a);

#endif
