/* SPDX-License-Identifier: Apache-2.0 */
/* Slices of text. */
#include "config.h"
#include "signatures/text.h"

#include <string.h>
#include <strings.h>

#include "common/err.h"

struct text text_of(const char *string)
{
    return (struct text){ string, strlen(string) };
}

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trim(struct text t)
{
    while (t.len && blank(t.at[0])) {
        t.at++;
        t.len--;
    }
    while (t.len && blank(t.at[t.len - 1]))
        t.len--;
    return t;
}

bool text_is(struct text t, const char *word)
{
    return strlen(word) == t.len && memcmp(t.at, word, t.len) == 0;
}

bool text_is_nocase(struct text t, const char *word)
{
    return strncasecmp(t.at, word, t.len) == 0 && strlen(word) == t.len;
}

bool text_same(struct text a, struct text b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

bool text_cut(struct text *rest, char sep, struct text *part)
{
    if (!rest->at || !rest->len)
        return false;
    const char *p = memchr(rest->at, sep, rest->len);
    size_t n = p ? (size_t)(p - rest->at) : rest->len;
    *part = text_trim((struct text){ rest->at, n });
    size_t used = p ? n + 1 : n;
    rest->at += used;
    rest->len -= used;
    return true;
}

bool text_skip(struct text *t, const char *prefix)
{
    size_t n = strlen(prefix);
    if (t->len < n || memcmp(t->at, prefix, n) != 0)
        return false;
    t->at += n;
    t->len -= n;
    return true;
}

int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct text text_digits(struct text t)
{
    size_t n = 0;
    while (n < t.len && t.at[n] >= '0' && t.at[n] <= '9')
        n++;
    return (struct text){ t.at, n };
}

int text_u64(struct text t, uint64_t max, uint64_t *out)
{
    t = text_trim(t);
    unsigned base = text_skip(&t, "0x") || text_skip(&t, "0X") ? 16 : 10;
    uint64_t value = 0;
    if (!t.len)
        return ABENG_EFORMAT;
    for (size_t i = 0; i < t.len; i++) {
        int digit = text_hex_digit(t.at[i]);
        if (digit < 0 || (unsigned)digit >= base || value > (max - (unsigned)digit) / base)
            return ABENG_EFORMAT;
        value = value * base + (unsigned)digit;
    }
    *out = value;
    return 0;
}

int text_i64(struct text t, uint64_t max, int64_t *out)
{
    t = text_trim(t);
    bool minus = text_skip(&t, "-");
    if (!minus)
        text_skip(&t, "+");
    uint64_t value;
    if (text_u64(t, max, &value))
        return ABENG_EFORMAT;
    *out = minus ? -(int64_t)value : (int64_t)value;
    return 0;
}
