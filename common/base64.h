/* SPDX-License-Identifier: Apache-2.0 */
/** Base64's digits (RFC 4648 section 4), for decoders that take text piece by piece. */
#ifndef COMMON_BASE64_H
#define COMMON_BASE64_H

#include <stdint.h>

/** What digit `c` stands for, 0 to 63, or -1 when it is none (the padding is none, too). */
static inline int base64_digit(uint8_t c)
{
    /* from the blank on; which range a digit is of can't be foreseen, so no branch asks */
    static const int8_t digits[96] = {
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, -1, -1, 63,
        52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
        -1,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
        15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1,
        -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
        41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
    };
    return c >= 32 && c < 128 ? digits[c - 32] : -1;
}

#endif
