/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader: strings eight bytes at a time, numbers as any reader will take them. */
#include "config.h"
#include "common/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/utf8.h"

/* What strtod makes of so many digits and such an exponent is always finite. */
#define NUMBER_TEXT_MAX 40
#define EXPONENT_MAX    250
/* So many always fit 63 bits. */
#define FEW_DIGITS 18

void json_scan_begin(struct json_scan *s, const char *line, size_t len, unsigned depth_max,
                     char *reason, size_t reason_len)
{
    *s = (struct json_scan){ line, line, line + len, depth_max, 0, reason, reason_len };
}

bool json_scan_refuse(struct json_scan *s, int err, const char *fmt, ...)
{
    char text[160];
    va_list ap;
    if (s->err)
        return false;
    s->err = err;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (s->reason_len)
        snprintf(s->reason, s->reason_len, "%s (byte %zu)", text, (size_t)(s->at - s->start));
    return false;
}

static size_t left(const struct json_scan *s)
{
    return (size_t)(s->end - s->at);
}

bool json_scan_expect(struct json_scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return json_scan_refuse(s, ABENG_EFORMAT, "not JSON: '%c' expected", c);
    s->at++;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits of \uXXXX at `p` (`n` bytes left), or -1. */
static int hex_four(const char *p, size_t n)
{
    int value = 0;
    if (n < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0)
            return -1;
        value = value << 4 | d;
    }
    return value;
}

static bool plain_escape(char c, uint32_t *code)
{
    static const char plain[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    const char *hit = c ? strchr(plain, c) : NULL;
    if (hit)
        *code = (uint32_t)meaning[hit - plain];
    return hit != NULL;
}

/* How long the escape at `p` (a backslash, `n` bytes left) is and what it means; 0: none. */
static unsigned escape_read(const char *p, size_t n, uint32_t *code)
{
    if (n < 2)
        return 0;
    if (p[1] != 'u')
        return plain_escape(p[1], code) ? 2 : 0;
    int high = hex_four(p + 2, n - 2);
    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
        return 0;
    *code = (uint32_t)high;
    if (high < 0xd800 || high > 0xdbff)
        return 6;
    int low = n >= 8 && p[6] == '\\' && p[7] == 'u' ? hex_four(p + 8, n - 8) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *code = 0x10000u + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
    return 12;
}

/* One byte, escape or sequence of a string. */
static bool string_step(struct json_scan *s, struct json_scan_span *out)
{
    uint8_t c = (uint8_t)*s->at;
    unsigned step = 1;
    if (c < 0x20)
        return json_scan_refuse(s, ABENG_EFORMAT, "not JSON: a control character in a string");
    if (c == '\\') {
        uint32_t code = 0;
        step = escape_read(s->at, left(s), &code);
        if (!step)
            return json_scan_refuse(s, ABENG_EFORMAT, "not JSON: a broken escape");
        out->escaped = true;
        out->nul |= !code;
    } else if (c >= 0x80) {
        step = utf8_length((const uint8_t *)s->at, left(s));
        if (!step)
            return json_scan_refuse(s, ABENG_EFORMAT, "not UTF-8");
    }
    s->at += step;
    return true;
}

bool json_scan_string(struct json_scan *s, struct json_scan_span *out)
{
    if (!json_scan_expect(s, '"'))
        return false;
    *out = (struct json_scan_span){ .at = (uint32_t)(s->at - s->start) };
    for (;;) {
        s->at += json_plain(s->at, left(s));
        if (s->at == s->end)
            return json_scan_refuse(s, ABENG_EFORMAT, "not JSON: the line ends in a string");
        if (*s->at == '"')
            break;
        if (!string_step(s, out))
            return false;
    }
    out->len = (uint32_t)(s->at - s->start) - out->at;
    s->at++;
    return true;
}

static size_t skip_digits(struct json_scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return (size_t)(s->at - from);
}

static bool scan_exponent(struct json_scan *s)
{
    int exponent = 0;
    s->at++;
    if (json_scan_peek(s) == '+' || json_scan_peek(s) == '-')
        s->at++;
    const char *digits = s->at;
    size_t count = skip_digits(s);
    for (size_t i = 0; i < count && exponent <= EXPONENT_MAX; i++)
        exponent = exponent * 10 + (digits[i] - '0');
    return count && exponent <= EXPONENT_MAX;
}

/* Fraction and exponent of a number whose integer part is behind; `*real` when there is one. */
static bool scan_real(struct json_scan *s, bool *real)
{
    *real = false;
    if (json_scan_peek(s) == '.') {
        *real = true;
        s->at++;
        if (!skip_digits(s))
            return false;
    }
    if (json_scan_peek(s) != 'e' && json_scan_peek(s) != 'E')
        return true;
    *real = true;
    return scan_exponent(s);
}

/* Most numbers: a few digits without a sign, a leading zero, a fraction or an exponent. */
static bool scan_few_digits(struct json_scan *s, uint64_t *value)
{
    const char *at = s->at, *most = s->end - at > FEW_DIGITS ? at + FEW_DIGITS : s->end;
    uint64_t n = 0;
    while (at < most && *at >= '0' && *at <= '9')
        n = n * 10 + (uint64_t)(*at++ - '0');
    char next = at < s->end ? *at : '\0';
    if (at == s->at || *s->at == '0' || (next != ',' && next != '}' && next != ']'))
        return false;
    s->at = at;
    *value = n;
    return true;
}

bool json_scan_number(struct json_scan *s, bool *whole, uint64_t *value)
{
    if (scan_few_digits(s, value)) {
        *whole = true;
        return true;
    }
    const char *from = s->at;
    bool real, negative = json_scan_peek(s) == '-';
    s->at += negative;
    const char *digits = s->at;
    size_t count = skip_digits(s);
    if (!count || (*digits == '0' && count > 1) || !scan_real(s, &real) ||
        s->at - from > NUMBER_TEXT_MAX)
        return json_scan_refuse(s, ABENG_EFORMAT, "not JSON: a value expected");
    *value = 0;
    for (size_t i = 0; i < count && !real; i++) {
        uint64_t d = (uint64_t)(digits[i] - '0');
        if (*value > ((uint64_t)INT64_MAX - d) / 10)
            return json_scan_refuse(s, ABENG_EFORMAT, "a number beyond 63 bits");
        *value = *value * 10 + d;
    }
    *whole = !real && !negative;
    return true;
}

bool json_scan_enter(struct json_scan *s, char close, unsigned depth, bool *empty)
{
    *empty = true;
    if (depth >= s->depth_max)
        return json_scan_refuse(s, ABENG_ELIMIT, "deeper than %u levels", s->depth_max);
    s->at++;
    json_scan_space(s);
    *empty = json_scan_peek(s) == close;
    s->at += *empty;
    return true;
}

bool json_scan_key(struct json_scan *s, struct json_scan_span *out)
{
    if (!json_scan_string(s, out))
        return false;
    if (out->nul)
        return json_scan_refuse(s, ABENG_EFORMAT, "a NUL in a field's name");
    json_scan_space(s);
    if (!json_scan_expect(s, ':'))
        return false;
    json_scan_space(s);
    return true;
}

static bool scan_word(struct json_scan *s, const char *word)
{
    size_t n = strlen(word);
    if (left(s) < n || memcmp(s->at, word, n) != 0)
        return json_scan_refuse(s, ABENG_EFORMAT, "not JSON: a value expected");
    s->at += n;
    return true;
}

static bool scan_container(struct json_scan *s, unsigned depth)
{
    struct json_scan_span key;
    bool object = *s->at == '{', empty, more;
    char close = object ? '}' : ']';
    if (!json_scan_enter(s, close, depth, &empty))
        return false;
    for (more = !empty; more;) {
        if ((object && !json_scan_key(s, &key)) || !json_scan_value(s, depth + 1) ||
            !json_scan_next(s, close, &more))
            return false;
    }
    return true;
}

bool json_scan_value(struct json_scan *s, unsigned depth)
{
    struct json_scan_span span;
    bool whole;
    uint64_t value;
    switch (json_scan_peek(s)) {
    case '"':
        return json_scan_string(s, &span);
    case '{':
    case '[':
        return scan_container(s, depth);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        return json_scan_number(s, &whole, &value);
    }
}

static void add_code(struct buf *out, uint32_t c)
{
    uint8_t b[4];
    if (c < 0x80) {
        buf_byte(out, (uint8_t)c);
    } else if (c < 0x800) {
        b[0] = (uint8_t)(0xc0 | c >> 6);
        b[1] = (uint8_t)(0x80 | (c & 63));
        buf_add(out, b, 2);
    } else if (c < 0x10000) {
        b[0] = (uint8_t)(0xe0 | c >> 12);
        b[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        b[2] = (uint8_t)(0x80 | (c & 63));
        buf_add(out, b, 3);
    } else {
        b[0] = (uint8_t)(0xf0 | c >> 18);
        b[1] = (uint8_t)(0x80 | (c >> 12 & 63));
        b[2] = (uint8_t)(0x80 | (c >> 6 & 63));
        b[3] = (uint8_t)(0x80 | (c & 63));
        buf_add(out, b, 4);
    }
}

int json_scan_unescape(struct buf *out, const char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        const char *slash = memchr(text + i, '\\', len - i);
        size_t run = slash ? (size_t)(slash - text) - i : len - i;
        uint32_t code = 0;
        buf_add(out, text + i, run);
        i += run;
        if (!slash)
            break;
        unsigned step = escape_read(text + i, len - i, &code);
        if (!step)
            return ABENG_EFORMAT;
        add_code(out, code);
        i += step;
    }
    return ABENG_OK;
}
