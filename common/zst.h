/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Zstandard with limits: nothing that comes from outside is unpacked further than the caller
 * allows, in bytes or in the window it may ask for. libzstd stays behind this header. Slow paths
 * only (writer, uplink, ingest): it allocates.
 */
#ifndef COMMON_ZST_H
#define COMMON_ZST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/**
 * Largest window a frame may ask for when unpacked: 8 MiB, what level 19 and RFC 8878 section
 * 3.1.1.1.2 recommend.
 */
#define ZST_WINDOW_LOG_MAX 23

/** Default level: cheap enough for the link, good enough for JSON. */
#define ZST_LEVEL_DEFAULT 3

/**
 * Append one frame with the compressed `len` bytes to `out`. The content size and a checksum
 * stand in the frame; the same bytes and level give the same frame. 0; ABENG_ELIMIT when `out`
 * would pass its max; ABENG_EINVAL for the level.
 */
int zst_compress(const void *bytes, size_t len, int level, struct buf *out);

/**
 * Append the content of all frames in `len` bytes to `out`. 0; ABENG_ELIMIT when it would pass
 * `out`'s max or a frame asks for a larger window; ABENG_EFORMAT for bytes that are no whole
 * frames. What was appended before an error stays.
 */
int zst_decompress(const void *bytes, size_t len, struct buf *out);

/** A stream being compressed piece by piece; one thread. */
struct zst_writer;

/** Start one. NULL for a level libzstd does not know; dies when memory is out. */
struct zst_writer *zst_writer_create(int level);

/** Compress `len` more bytes and append what came out to `out`. 0 or ABENG_ELIMIT. */
int zst_writer_add(struct zst_writer *w, const void *bytes, size_t len, struct buf *out);

/** Make all added so far readable (a block's end). 0 or ABENG_ELIMIT. */
int zst_writer_flush(struct zst_writer *w, struct buf *out);

/** End the frame; the writer may begin another with the next add. 0 or ABENG_ELIMIT. */
int zst_writer_end(struct zst_writer *w, struct buf *out);

/** Free. NULL is allowed. */
void zst_writer_free(struct zst_writer *w);

/** A stream being unpacked piece by piece; one thread. */
struct zst_reader;

/** Start one that gives at most `limit` bytes in all. */
struct zst_reader *zst_reader_create(uint64_t limit);

/**
 * Unpack `len` more bytes, appending to `out`. 0; ABENG_ELIMIT when the limit, `out`'s max or the
 * window is passed; ABENG_EFORMAT. After an error every call gives the same one.
 */
int zst_reader_add(struct zst_reader *r, const void *bytes, size_t len, struct buf *out);

/** Whether the bytes so far end at the end of a frame. */
bool zst_reader_whole(const struct zst_reader *r);

/** Free. NULL is allowed. */
void zst_reader_free(struct zst_reader *r);

#endif
