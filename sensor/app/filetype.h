/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The kind of a file by its first bytes: the buffer file.magic. Nothing is allocated and at most
 * APP_FILETYPE_LOOK bytes are read, so that it may run on the packet path, where libmagic may not.
 */
#ifndef SENSOR_APP_FILETYPE_H
#define SENSOR_APP_FILETYPE_H

#include <stdint.h>

/** Bytes of a file that tell its kind; with so many it is asked for before the file's end. */
#define APP_FILETYPE_LEAST 512u
/** Bytes that are looked at. */
#define APP_FILETYPE_LOOK 4096u

/**
 * Write the kind of a file that begins with these bytes into `out` (`size` bytes, with a NUL), as
 * libmagic calls it (signatures/filetype.h); returns its length.
 */
uint32_t app_filetype(const uint8_t *data, uint32_t len, char *out, uint32_t size);

#endif
