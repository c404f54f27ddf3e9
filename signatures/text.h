/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Slices of a rule's text. They point into the line being read, own nothing, and need no NUL.
 */
#ifndef SIGNATURES_TEXT_H
#define SIGNATURES_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *at;
    size_t len;
};

/** A slice over a NUL-ended string. */
struct text text_of(const char *string);

/** Without white space at both ends. */
struct text text_trim(struct text t);

/** Whether it is exactly `word`. */
bool text_is(struct text t, const char *word);

/** Whether it is `word` in any case (ASCII). */
bool text_is_nocase(struct text t, const char *word);

/** Whether two slices hold the same bytes. */
bool text_same(struct text a, struct text b);

/**
 * Cut everything before the first `sep` off `rest` into `part`, trimmed; the last part ends
 * `rest`. False when nothing is left: then `part` is unchanged. An empty text has no parts.
 */
bool text_cut(struct text *rest, char sep, struct text *part);

/** Take a prefix off; false (and no change) when it is not there. */
bool text_skip(struct text *t, const char *prefix);

/** The decimal digits that it begins with. */
struct text text_digits(struct text t);

/**
 * Read an unsigned number (decimal or 0x…) that fills the whole slice and is at most `max`; 0 or
 * ABENG_EFORMAT.
 */
int text_u64(struct text t, uint64_t max, uint64_t *out);

/** Read a signed number between -`max` and `max`; 0 or ABENG_EFORMAT. */
int text_i64(struct text t, uint64_t max, int64_t *out);

/** Value of a hex digit, -1 for any other character. */
int text_hex_digit(char c);

#endif
