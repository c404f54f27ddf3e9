/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 sequences. */
#include "config.h"
#include "common/utf8.h"

unsigned utf8_length(const uint8_t *s, size_t left)
{
    static const struct {
        uint8_t low, high, second_low, second_high, length;
    } forms[] = {
        {0xc2,  0xdf, 0x80, 0xbf, 2},
        { 0xe0, 0xe0, 0xa0, 0xbf, 3},
        { 0xe1, 0xec, 0x80, 0xbf, 3},
        { 0xed, 0xed, 0x80, 0x9f, 3},
        { 0xee, 0xef, 0x80, 0xbf, 3},
        { 0xf0, 0xf0, 0x90, 0xbf, 4},
        { 0xf1, 0xf3, 0x80, 0xbf, 4},
        { 0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (left < 2 || s[0] < forms[i].low || s[0] > forms[i].high)
            continue;
        if (left < forms[i].length || s[1] < forms[i].second_low || s[1] > forms[i].second_high)
            return 0;
        for (unsigned k = 2; k < forms[i].length; k++) {
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        }
        return forms[i].length;
    }
    return 0;
}
