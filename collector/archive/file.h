/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Writing one member state's archive. One thread uses a writer. What was appended is safe after
 * archive_file_sync; a kill before leaves a torn tail, which the next open cuts off and says so.
 * What is there already (by sensor, epoch, lane and number) is not written again.
 */
#ifndef COLLECTOR_ARCHIVE_FILE_H
#define COLLECTOR_ARCHIVE_FILE_H

#include <stdint.h>

struct archive_file;
struct record_batch;

/** A file is closed at this size. */
#define ARCHIVE_FILE_BYTES (64ull << 20)

/** Lanes that were last seen so long ago are not asked after any more. */
#define ARCHIVE_DEDUP_DAYS 14u

/**
 * Open: cut a torn tail, close what an earlier day left open, learn which numbers are there. NULL
 * after a log line. `file_bytes` 0: ARCHIVE_FILE_BYTES.
 */
struct archive_file *archive_file_open(const char *dir, const char *state, uint64_t now_ns,
                                       uint64_t file_bytes);

/**
 * Append a batch that is open; what is there already is left out. How many records were new, or
 * ABENG_EFORMAT (the batch is not whole).
 */
int64_t archive_file_append(struct archive_file *f, const struct record_batch *b);

/**
 * Bring all to the disk; then close the file when it is full or its day is over. 0 or ABENG_EIO
 * with errno: nothing since the last sync counts as there, append it again.
 */
int archive_file_sync(struct archive_file *f);

/** Bytes written since open. */
uint64_t archive_file_written(const struct archive_file *f);

/** Last number of a lane that is safe, 0: none. */
uint64_t archive_file_last(const struct archive_file *f, const char *sensor, const char *epoch,
                           const char *lane);

/** Free; what was not synced is dropped. NULL is allowed. */
void archive_file_close(struct archive_file *f);

#endif
