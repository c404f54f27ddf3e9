/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A strict pull reader for one line of JSON (RFC 8259) that came from outside: bounded, allocates
 * nothing, checks UTF-8, names the byte where it stopped. It never reads past `end`. The caller
 * walks the structure and says what it wants next; json_scan_value passes over what it does not.
 * After a refusal `err` is set and every further call fails. Any thread; one scan, one thread.
 */
#ifndef COMMON_JSON_SCAN_H
#define COMMON_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct json_scan {
    const char *start, *at, *end; /* the line, and the byte at hand */
    unsigned depth_max;           /* deepest nesting of objects and arrays */
    int err;                      /* 0, ABENG_EFORMAT or ABENG_ELIMIT */
    char *reason;                 /* why, one line, once `err` is set */
    size_t reason_len;
};

/** A string's bytes between its quotes, still escaped, as offsets into the line. */
struct json_scan_span {
    uint32_t at, len;
    bool escaped; /* holds a backslash */
    bool nul;     /* holds \u0000 */
};

/** Start on `len` bytes; `reason` may be NULL when `reason_len` is 0. */
void json_scan_begin(struct json_scan *s, const char *line, size_t len, unsigned depth_max,
                     char *reason, size_t reason_len);

/** Refuse the line with a reason (the first one stays); always false. */
bool json_scan_refuse(struct json_scan *s, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** The byte at hand; NUL at the end, where no value can begin. */
static inline char json_scan_peek(const struct json_scan *s)
{
    return s->at < s->end ? *s->at : '\0';
}

/** Pass over blanks; newlines are none, a line has no second. */
static inline void json_scan_space(struct json_scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

/** Take the byte `c`, or refuse. */
bool json_scan_expect(struct json_scan *s, char c);

/** Take a string. */
bool json_scan_string(struct json_scan *s, struct json_scan_span *out);

/** Take a number: `whole` when it is an integer from 0 to 2^63-1, then `*value` is it. */
bool json_scan_number(struct json_scan *s, bool *whole, uint64_t *value);

/** Go into the object or array at hand, which stands at `depth`; `*empty`: over at once. */
bool json_scan_enter(struct json_scan *s, char close, unsigned depth, bool *empty);

/** After a member or element: pass over a comma with `*more`, or over `close` without. */
static inline bool json_scan_next(struct json_scan *s, char close, bool *more)
{
    json_scan_space(s);
    *more = json_scan_peek(s) == ',';
    if (!*more)
        return json_scan_expect(s, close);
    s->at++;
    json_scan_space(s);
    return true;
}

/** Take a member's name and its colon. */
bool json_scan_key(struct json_scan *s, struct json_scan_span *out);

/** Pass over one value of any kind at `depth`. */
bool json_scan_value(struct json_scan *s, unsigned depth);

/** Append a span's bytes unescaped; 0, or ABENG_EFORMAT for bytes that no scan has taken. */
int json_scan_unescape(struct buf *out, const char *text, size_t len);

#endif
