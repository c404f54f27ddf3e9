/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Capture files for all workers, read once.
 *
 * ```
 *   file ► piece ► piece ► piece          who has nothing to do next reads the next piece
 *            ▲       ▲       ▲
 *         worker 1  worker 0 read ahead
 * ```
 * A piece is a window of a file with its frames, their numbers and their times, sorted by the
 * worker that each belongs to (decode_steer). There is no reader: a worker that begins with a piece
 * and finds no further one reads that first, unless another worker is at it, so that nobody waits
 * for a piece and the one that has less to do reads more. Pieces stay until all workers are through
 * with them; a worker may be as many ahead of the slowest as there are. The lock is taken once a
 * piece and worker, and never held while something is read. With one worker a piece is a burst of
 * the file's own window.
 */
#ifndef SENSOR_FEED_H
#define SENSOR_FEED_H

#include <stdbool.h>
#include <stdint.h>

struct capture_counts;
struct channel_message;
struct feed;
struct frame;

/** Pieces that there are. */
#define FEED_PIECES 8

/** Most frames of a piece; a window of smaller ones becomes several pieces. */
#define FEED_FRAMES_MAX 4096

/** Frames for one worker, in order. Valid until its next feed_next. */
struct feed_burst {
    const struct frame *frames;
    const uint64_t *numbers, *nows; /* of each frame: its place among all, its time (stamp.h) */
    unsigned count;                 /* 0 to CAPTURE_BURST_MAX */
    uint64_t now_ns;                /* of the last frame before the next burst, whosever it is */
};

/** Asks the monitor, as channel_ask with `m` and `fd`. */
typedef int feed_ask(void *arg, struct channel_message *m, int *fd);

/** A feed for `readers` workers; `ask` is called by one of them at a time. */
struct feed *feed_create(unsigned readers, feed_ask *ask, void *arg);

/**
 * The next frames of worker `reader`: a burst, perhaps of none, that time may pass. False after the
 * last file. May read, and waits while it has FEED_PIECES pieces that another is not through with.
 * A file that is no capture is passed over with a log line, which is an error when it was named
 * itself. That worker's thread.
 */
bool feed_next(struct feed *f, unsigned reader, struct feed_burst *out);

/** Worker `reader` takes no more: nobody waits for it. Once, that worker's thread. */
void feed_leave(struct feed *f, unsigned reader);

/** Sums of all files that were read. After all have left. */
void feed_counts(const struct feed *f, struct capture_counts *out);

/** Whether a file that was named itself could not be read. After all have left. */
bool feed_failed(const struct feed *f);

/** Free. NULL is allowed. */
void feed_free(struct feed *f);

#endif
