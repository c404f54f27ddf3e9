/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Capture files for all workers. Each worker reads every file by itself and keeps the frames that
 * are its own: reading and steering cost a worker a twentieth of what its frames do, handing frames
 * over from a reader cost more, and a pure steering function needs nobody to decide. The first
 * worker that comes to a file's turn asks the monitor for it, the others get copies of its
 * descriptor; files are read by place (pread), so that copies do not disturb each other.
 */
#ifndef SENSOR_FEED_H
#define SENSOR_FEED_H

#include <stdbool.h>

struct capture;
struct channel_message;
struct feed;

/** Files that a worker may be ahead of the slowest. */
#define FEED_AHEAD_MAX 8

/** Asks the monitor, as channel_ask with `m` and `fd`. */
typedef int feed_ask(void *arg, struct channel_message *m, int *fd);

/** A feed for `readers` workers; `ask` is called by one of them at a time. */
struct feed *feed_create(unsigned readers, feed_ask *ask, void *arg);

/**
 * The next file for worker `reader`, which closes it; its name in `*name`, valid until this
 * worker's next call. NULL after the last one. Waits while this worker is FEED_AHEAD_MAX files
 * ahead of another. A file that is no capture is passed over with a log line, which is an error
 * when it was named itself. That worker's thread.
 */
struct capture *feed_next(struct feed *f, unsigned reader, const char **name);

/** Worker `reader` takes no more files: nobody waits for it. Once, that worker's thread. */
void feed_leave(struct feed *f, unsigned reader);

/** Whether a file that was named itself could not be read. After all have left. */
bool feed_failed(const struct feed *f);

/** Free. NULL is allowed. */
void feed_free(struct feed *f);

#endif
