/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Small files, whole: read with a limit, replaced in one step and fsynced. For configuration, keys
 * and state; not for captures or segments.
 */
#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;

/**
 * Append the whole of `path` to `out`; ABENG_EIO (errno says why), or ABENG_ELIMIT when longer than
 * its `max`.
 */
int file_read(const char *path, struct buf *out);

/** As file_read from a descriptor at its current offset, to the end; the descriptor stays open. */
int file_read_fd(int fd, struct buf *out);

/**
 * Put `len` bytes in place of `path`: written to a neighbour with `mode`, fsynced, renamed over it,
 * folder fsynced. A crash leaves the old or the new file. 0 or ABENG_EIO.
 */
int file_replace(const char *path, const void *bytes, size_t len, mode_t mode);

/** Write all `len` bytes to `fd`; 0 or ABENG_EIO. */
int file_write_all(int fd, const void *bytes, size_t len);

/** Make a folder and its parents with `mode`; an existing one is left as it is. 0 or ABENG_EIO. */
int file_make_dirs(const char *path, mode_t mode);

#endif
