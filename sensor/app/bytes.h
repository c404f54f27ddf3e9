/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Growing bytes from the worker's slab: what parsers keep of headers, bodies and unfinished
 * messages. Never longer than one slab block; growing beyond, or beyond the slab's cap, fails and
 * leaves what is there.
 */
#ifndef SENSOR_APP_BYTES_H
#define SENSOR_APP_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/slab.h"

struct app_bytes {
    uint8_t *data;
    uint32_t len, cap;
};

/**
 * Make room for `more` bytes behind what is there; false when memory or the block size does not
 * allow it.
 */
bool app_bytes_reserve(struct slab *slab, struct app_bytes *b, uint32_t more);

/** Append; all or nothing. */
bool app_bytes_add(struct slab *slab, struct app_bytes *b, const void *bytes, uint32_t len);

/** Append a NUL-ended text without its NUL; all or nothing. */
bool app_bytes_text(struct slab *slab, struct app_bytes *b, const char *text);

/** Drop the first `len` bytes (at most all). */
void app_bytes_shift(struct app_bytes *b, uint32_t len);

/**
 * When rules look at something that grows (anchors 2.8): not before `first` bytes, then with
 * `window` bytes of what was seen before, and at most `limit` bytes in all.
 */
struct app_window {
    uint32_t limit, first, window;
};

/**
 * Where the part of `have` bytes begins that is to be looked at now, when `inspected` of them were
 * before; false when it is not yet time, or nothing is new. `done`: nothing will follow.
 */
bool app_window_next(const struct app_window *w, uint32_t have, uint32_t inspected, bool done,
                     uint32_t *offset);

/** Give the memory back; it is empty then and may be used again. */
void app_bytes_free(struct slab *slab, struct app_bytes *b);

#endif
