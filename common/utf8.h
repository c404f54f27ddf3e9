/* SPDX-License-Identifier: Apache-2.0 */
/** UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/** How many bytes (2 to 4) the sequence at `s` has (`left` are there); 0: it is none. */
unsigned utf8_length(const uint8_t *s, size_t left);

/**
 * Append a NUL-ended text that came from anywhere so that it can't harm a terminal, a mail or a
 * page's order: control, invisible, direction-turning and invalid bytes as \xNN or \uNNNN; line
 * feeds and tabs stay when `lines`; cut with … beyond `width` characters (0: never).
 */
void utf8_safe(struct buf *out, const char *text, size_t width, bool lines);

/**
 * Append such a text for HTML or XML, as content or between quotes: made safe as above, and & < > "
 * ' as references that both have.
 */
void utf8_markup(struct buf *out, const char *text, bool lines);

#endif
