/* SPDX-License-Identifier: Apache-2.0 */
/** Base64's digits (RFC 4648 section 4), for decoders that take text piece by piece. */
#ifndef COMMON_BASE64_H
#define COMMON_BASE64_H

#include <stdint.h>

/** What digit `c` stands for, 0 to 63, or -1 when it is none (the padding is none, too). */
static inline int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

#endif
