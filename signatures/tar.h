/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The small part of ustar (POSIX.1-1988, section 10.1.1) that bundles use: regular files with
 * short names, no owner, no time, so that the same files give the same bytes.
 */
#ifndef SIGNATURES_TAR_H
#define SIGNATURES_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"

struct buf;

/** Longest name, and largest file, that a header holds. */
#define TAR_NAME_MAX 99
#define TAR_SIZE_MAX (1u << 30)

/**
 * Append a file. 0; ABENG_EINVAL for a name that tar_name_ok refuses or a file above
 * TAR_SIZE_MAX; ABENG_ELIMIT when `out` is full.
 */
int tar_add(struct buf *out, const char *name, const void *bytes, size_t len);

/** Append the two empty blocks that end an archive. 0 or ABENG_ELIMIT. */
int tar_end(struct buf *out);

/**
 * Read the next file: `name` (≥ TAR_NAME_MAX + 1 bytes) and where its bytes stand in the archive.
 * 1 with a file, 0 at the end, ABENG_EFORMAT for anything but a regular file with a name that
 * tar_name_ok allows and a right checksum.
 */
int tar_next(struct cursor *c, char *name, const uint8_t **bytes, size_t *len);

/**
 * Whether a name is relative, without empty, "." or ".." parts, of letters, digits and . _ - /
 * alone.
 */
bool tar_name_ok(const char *name);

#endif
