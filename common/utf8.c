/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 sequences. */
#include "config.h"
#include "common/utf8.h"

#include <string.h>

#include "common/buf.h"

unsigned utf8_length(const uint8_t *s, size_t left)
{
    static const struct {
        uint8_t low, high, second_low, second_high, length;
    } forms[] = {
        { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
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

/* Length of the valid UTF-8 sequence at `s`, and its character; 0 when there is none. */
static size_t character(const unsigned char *s, uint32_t *out)
{
    unsigned n = *s < 0x80 ? 1 : utf8_length(s, strlen((const char *)s));
    *out = n > 1 ? *s & (0xffu >> (n + 1)) : *s;
    for (unsigned i = 1; i < n; i++)
        *out = *out << 6 | (s[i] & 0x3f);
    return n;
}

/* Controls, and characters that are not seen or turn what is around them. */
static bool harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

void utf8_safe(struct buf *out, const char *text, size_t width, bool lines)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t shown = 0; *s; shown++) {
        uint32_t c = 0;
        size_t n = character(s, &c);
        if (width && shown + 1 == width && s[n ? n : 1]) {
            buf_text(out, "…");
            return;
        }
        if (!n)
            buf_printf(out, "\\x%02x", *s);
        else if (harmful(c) && !(lines && (c == '\n' || c == '\t')))
            buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
        else
            buf_add(out, s, n);
        s += n ? n : 1;
    }
}

static const char *reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void utf8_markup(struct buf *out, const char *text, bool lines)
{
    struct buf safe;
    buf_init(&safe, 8 * strlen(text) + 16);
    utf8_safe(&safe, text, 0, lines);
    for (const char *c = buf_str(&safe); *c; c++) {
        const char *as = reference(*c);
        if (as)
            buf_text(out, as);
        else
            buf_byte(out, (uint8_t)*c);
    }
    buf_free(&safe);
}
