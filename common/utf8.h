/* SPDX-License-Identifier: Apache-2.0 */
/** UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>
#include <stdint.h>

/** How many bytes (2 to 4) the sequence at `s` has (`left` are there); 0: it is none. */
unsigned utf8_length(const uint8_t *s, size_t left);

#endif
