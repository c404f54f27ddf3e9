/* SPDX-License-Identifier: Apache-2.0 */
/* The streaming JSON writer. */
#include "config.h"
#include "common/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/cursor.h"
#include "common/utf8.h"

void json_begin(struct json *j, struct buf *out)
{
    *j = (struct json){ out, false };
}

static void write_special(struct buf *out, uint8_t c)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
    };
    if (c == '"' || c == '\\')
        buf_add(out, (char[]){ '\\', (char)c }, 2);
    else if (c < sizeof(letters) && letters[c])
        buf_add(out, (char[]){ '\\', letters[c] }, 2);
    else
        buf_printf(out, "\\u%04x", c);
}

/*
 * How many of eight bytes are plain, before one that ends, escapes, is a control character or not
 * ASCII. Borrows and carries run only towards later bytes, so the first hit is always a true one.
 */
static unsigned eight_plain(const uint8_t *at)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    struct cursor c = cursor_make(at, 8);
    uint64_t v = cursor_le64(&c);
    uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';
    uint64_t hits = v | (v + ones) | (v - ones * 0x20) | ((quote - ones) & ~quote) |
                    ((slash - ones) & ~slash);
    hits &= tops;
    return hits ? (unsigned)__builtin_ctzll(hits) / 8 : 8;
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

size_t json_plain(const void *bytes, size_t len)
{
    const uint8_t *s = bytes;
    size_t i = 0;
    while (len - i >= 8) {
        unsigned n = eight_plain(s + i);
        i += n;
        if (n < 8)
            return i;
    }
    while (i < len && is_plain(s[i]))
        i++;
    return i;
}

/* What is not plain: characters of several bytes as they are, others escaped. How many bytes. */
static size_t write_other(struct buf *out, const uint8_t *s, size_t len)
{
    unsigned step = s[0] >= 0x80 ? utf8_length(s, len) : 0;
    if (step)
        buf_add(out, s, step);
    else if (s[0] >= 0x80)
        buf_text(out, "\\ufffd");
    else
        write_special(out, s[0]);
    return step ? step : 1;
}

static void write_string(struct buf *out, const uint8_t *s, size_t len)
{
    buf_byte(out, '"');
    for (size_t i = 0, run; i < len; i += run) {
        run = json_plain(s + i, len - i);
        if (run)
            buf_add(out, s + i, run);
        else
            run = write_other(out, s + i, len - i);
    }
    buf_byte(out, '"');
}

/* Most keys are our own words; a list's may come from elsewhere (a MIME field, a metadata name). */
static void write_key(struct buf *out, const char *key)
{
    size_t len = strlen(key);
    uint8_t *to = json_plain(key, len) == len ? buf_room(out, len + 3) : NULL;

    if (!to) {
        write_string(out, (const uint8_t *)key, len);
        buf_byte(out, ':');
        return;
    }
    *to++ = '"';
    memcpy(to, key, len);
    memcpy(to + len, "\":", 2);
    out->len += len + 3;
}

static void lead(struct json *j, const char *key)
{
    if (j->comma)
        buf_byte(j->out, ',');
    j->comma = true;
    if (key)
        write_key(j->out, key);
}

static void open_with(struct json *j, const char *key, uint8_t bracket)
{
    lead(j, key);
    buf_byte(j->out, bracket);
    j->comma = false;
}

static void close_with(struct json *j, uint8_t bracket)
{
    buf_byte(j->out, bracket);
    j->comma = true;
}

void json_open(struct json *j, const char *key)
{
    open_with(j, key, '{');
}

void json_close(struct json *j)
{
    close_with(j, '}');
}

void json_open_array(struct json *j, const char *key)
{
    open_with(j, key, '[');
}

void json_close_array(struct json *j)
{
    close_with(j, ']');
}

void json_str(struct json *j, const char *key, const char *value)
{
    if (value)
        json_strn(j, key, value, strlen(value));
    else
        json_nil(j, key);
}

void json_strn(struct json *j, const char *key, const void *value, size_t len)
{
    lead(j, key);
    write_string(j->out, value, len);
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
    lead(j, key);
    buf_decimal(j->out, value);
}

void json_i64(struct json *j, const char *key, int64_t value)
{
    lead(j, key);
    if (value < 0)
        buf_byte(j->out, '-');
    buf_decimal(j->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_double(struct json *j, const char *key, double value)
{
    lead(j, key);
    if (isfinite(value))
        buf_printf(j->out, "%.6g", value);
    else
        buf_text(j->out, "null");
}

void json_bool(struct json *j, const char *key, bool value)
{
    lead(j, key);
    buf_text(j->out, value ? "true" : "false");
}

void json_nil(struct json *j, const char *key)
{
    lead(j, key);
    buf_text(j->out, "null");
}

void json_time_ms(struct json *j, const char *key, uint64_t ms)
{
    char text[CLOCK_TEXT_MAX];
    clock_format_rfc3339(ms * NS_PER_MS, text);
    json_str(j, key, ms ? text : NULL);
}

void json_raw(struct json *j, const char *key, const void *value, size_t len)
{
    lead(j, key);
    buf_add(j->out, value, len);
}

void json_base64(struct json *j, const char *key, const void *value, size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *s = value;
    lead(j, key);
    buf_byte(j->out, '"');
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v =
            (uint32_t)s[i] << 16 | (n > 1 ? (uint32_t)s[i + 1] << 8 : 0) | (n > 2 ? s[i + 2] : 0);
        char four[4] = { alphabet[v >> 18], alphabet[v >> 12 & 63], '=', '=' };
        if (n > 1)
            four[2] = alphabet[v >> 6 & 63];
        if (n > 2)
            four[3] = alphabet[v & 63];
        buf_add(j->out, four, 4);
    }
    buf_byte(j->out, '"');
}
