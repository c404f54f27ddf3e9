/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is odd about a message's head: events of libhtp 0.5.50 as Suricata 7.0.10 names them. Looked
 * at once, when the head is whole.
 */
#include "config.h"
#include "sensor/app/http.h"

#include <ctype.h>
#include <strings.h>

#include "common/cursor.h"

static bool text_is(const uint8_t *d, uint32_t len, const char *word)
{
    return strlen(word) == len && strncasecmp((const char *)d, word, len) == 0;
}

/** The same with NUL bytes passed over. */
static bool token_is(const uint8_t *d, uint32_t len, const char *word)
{
    for (; len > 0; d++, len--)
        if (*d != 0 && (!*word || tolower(*d) != *word++))
            return false;
    return !*word;
}

/** The same without white space before it. */
static bool trimmed_is(const uint8_t *d, uint32_t len, const char *word)
{
    while (len > 0 && isspace(*d)) {
        d++;
        len--;
    }
    return text_is(d, len, word);
}

static bool is_number(const uint8_t *d, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (!isdigit(d[i]))
            return false;
    return len > 0;
}

static bool is_version(const uint8_t *d, uint32_t len, char minor)
{
    return len == 8 && memcmp(d, "HTTP/1.", 7) == 0 && d[7] == (uint8_t)minor;
}

/** RFC 9112 2.3; 0.9 is what libhtp takes besides. */
static bool is_protocol(const uint8_t *d, uint32_t len)
{
    return is_version(d, len, '0') || is_version(d, len, '1') || text_is(d, len, "HTTP/0.9");
}

/** A host as libhtp allows it: labels of up to 63 letters, digits, "-" and "_"; or brackets. */
static bool is_host(const uint8_t *d, uint32_t len)
{
    uint32_t label = 0;
    if (len == 0 || len > 255)
        return false;
    if (d[0] == '[')
        return true;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t c = d[i], low = c | 0x20;
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
        if (++label > 63)
            return false;
    }
    return true;
}

/** Where a host ends and its port begins; `valid`: the port is a number up to 65,535. */
static uint32_t host_end(const uint8_t *d, uint32_t len, uint32_t *port, bool *valid)
{
    uint32_t end = 0;
    if (len && d[0] == '[') {
        while (end < len && d[end] != ']')
            end++;
        end += end < len;
    } else {
        while (end < len && d[end] != ':')
            end++;
    }
    *port = 0;
    *valid = true;
    for (uint32_t i = end + 1; i < len && *valid; i++) {
        *valid = d[i] >= '0' && d[i] <= '9' && *port <= UINT16_MAX;
        *port = *port * 10 + (d[i] & 0xfu);
    }
    if (end < len)
        *valid = *valid && *port > 0 && *port <= UINT16_MAX;
    return end;
}

static void raise_event(struct http_tx *t, unsigned dir, bool when, enum http_event event)
{
    if (when)
        app_tx_event(&t->tx, dir, event);
}

/** Whether what stands behind the URI's host is no port, or one of 1 to 65,535. */
static bool uri_port_ok(const struct http_tx *t, uint32_t *port)
{
    const uint8_t *line = t->side[SIG_DIR_TOSERVER].line.data;
    uint32_t at = t->uri.at + t->uri_host.at + t->uri_host.len, end = t->uri.at + t->uri.len;
    bool digits = true;
    *port = 0;
    if (at >= end || line[at] != ':')
        return true;
    for (at++; at < end && !memchr("/?#", line[at], 3); at++) {
        digits = digits && line[at] >= '0' && line[at] <= '9' && *port <= UINT16_MAX;
        *port = digits ? *port * 10 + (line[at] & 0xfu) : 0;
    }
    return digits && *port > 0 && *port <= UINT16_MAX;
}

/** CONNECT's URI is a host by itself (RFC 9112 3.2.3). */
static void check_authority(struct app_io *io, struct http_tx *t)
{
    const uint8_t *line = t->side[SIG_DIR_TOSERVER].line.data;
    uint32_t port;
    bool ok;
    if (t->method.len != 7 || memcmp(line + t->method.at, "CONNECT", 7) != 0)
        return;
    uint32_t len = host_end(line + t->uri.at, t->uri.len, &port, &ok);
    raise_event(t, io->dir, !ok || !is_host(line + t->uri.at, len), HTTP_URI_HOST_INVALID);
}

/** RFC 9112 3.2.2: the URI's host and the header's are to be the same. */
static void check_host(struct app_io *io, struct http_tx *t)
{
    const struct http_side *side = &t->side[SIG_DIR_TOSERVER];
    const struct http_header *h = http_header_find(side, "Host");
    const uint8_t *uri = side->line.data + t->uri.at + t->uri_host.at;
    const uint8_t *header = h ? http_header_value(side, h) : NULL;
    uint32_t uri_port = 0, header_port = 0, uri_len = 0, header_len = 0;
    bool uri_ok = true, header_ok = true;
    if (t->uri_host.len)
        uri_len = host_end(uri, t->uri_host.len, &uri_port, &uri_ok);
    if (t->uri_host.len && uri_len == t->uri_host.len)
        uri_ok = uri_port_ok(t, &uri_port);
    if (h)
        header_len = host_end(header, h->value.len, &header_port, &header_ok);
    if (t->uri_host.len)
        raise_event(t, io->dir, !uri_ok || !is_host(uri, uri_len), HTTP_URI_HOST_INVALID);
    if (!h)
        return;
    raise_event(t, io->dir, !header_ok || !is_host(header, header_len), HTTP_HEADER_HOST_INVALID);
    if (t->uri_host.len && header_ok && is_host(header, header_len))
        raise_event(t, io->dir,
                    uri_len != header_len ||
                        strncasecmp((const char *)uri, (const char *)header, uri_len) != 0 ||
                        (uri_port && header_port && uri_port != header_port),
                    HTTP_HOST_AMBIGUOUS);
}

static void check_authorization(struct app_io *io, struct http_tx *t)
{
    static const char *const known[] = { "basic", "digest", "bearer" };
    const struct http_side *side = &t->side[SIG_DIR_TOSERVER];
    const struct http_header *h = http_header_find(side, "Authorization");
    bool is_known = !h;
    for (unsigned i = 0; !is_known && i < 3; i++) {
        uint32_t n = (uint32_t)strlen(known[i]);
        is_known = h->value.len >= n && text_is(http_header_value(side, h), n, known[i]);
    }
    raise_event(t, io->dir, !is_known, HTTP_AUTH_UNRECOGNIZED);
}

void http_request_check(struct app_io *io, struct http_tx *t)
{
    const struct http_side *side = &t->side[SIG_DIR_TOSERVER];
    const struct http_header *te = http_header_find(side, "Transfer-Encoding");
    const uint8_t *protocol = side->line.data + t->protocol.at;
    bool old = !is_version(protocol, t->protocol.len, '1');
    raise_event(t, io->dir, te && (old || !http_value_has(side, te, "chunked")),
                HTTP_BAD_ENCODING_REQUEST);
    raise_event(t, io->dir, !old && !http_header_find(side, "Host"), HTTP_MISSING_HOST);
    check_host(io, t);
    check_authority(io, t);
    check_authorization(io, t);
}

/** Each encoding is to be named exactly; libhtp undoes also what only contains the name. */
static void check_encodings(struct app_io *io, struct http_tx *t)
{
    static const char *const known[] = {
        "gzip", "x-gzip", "deflate", "x-deflate", "lzma", "inflate"
    };
    const struct http_side *side = &t->side[io->dir];
    const struct http_header *h = http_header_find(side, "Content-Encoding");
    const uint8_t *v = h ? http_header_value(side, h) : NULL;
    for (uint32_t at = 0, end; h && at < h->value.len; at = end) {
        while (at < h->value.len && (v[at] == ',' || v[at] == ' '))
            at++;
        for (end = at; end < h->value.len && v[end] != ',' && v[end] != ' ';)
            end++;
        bool is_known = end == at;
        for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            is_known |= token_is(v + at, end - at, known[i]);
        raise_event(t, io->dir, !is_known, HTTP_ABNORMAL_ENCODING);
    }
}

void http_response_check(struct app_io *io, struct http_tx *t)
{
    const struct http_side *side = &t->side[SIG_DIR_TOCLIENT];
    const struct http_header *te = http_header_find(side, "Transfer-Encoding");
    const uint8_t *line = side->line.data;
    const uint8_t *protocol = line + t->protocol_response.at;
    bool chunked = te && http_value_has(side, te, "chunked");
    raise_event(t, io->dir, !is_protocol(protocol, t->protocol_response.len),
                HTTP_RESPONSE_PROTOCOL);
    raise_event(t, io->dir,
                t->status_number < 100 || t->status_number > 999 ||
                    !is_number(line + t->status.at, t->status.len),
                HTTP_RESPONSE_STATUS);
    raise_event(t, io->dir,
                chunked && !trimmed_is(http_header_value(side, te), te->value.len, "chunked"),
                HTTP_ABNORMAL_CHUNKED);
    raise_event(t, io->dir, chunked && !is_version(protocol, t->protocol_response.len, '1'),
                HTTP_OLD_CHUNKED);
    check_encodings(io, t);
}

/* ---- Content-Range ------------------------------------------------------------------------- */

/** Digits as a number; false without any, or with too many. */
static bool range_number(struct cursor *c, int64_t *out)
{
    const uint8_t *from = c->at;
    for (*out = 0; cursor_left(c) > 0 && *c->at >= '0' && *c->at <= '9'; cursor_skip(c, 1)) {
        int digit = *c->at - '0';
        if (*out > (INT64_MAX - digit) / 10)
            return false;
        *out = *out * 10 + digit;
    }
    return c->at > from;
}

static bool range_sign(struct cursor *c, char sign)
{
    return cursor_left(c) > 0 && cursor_u8(c) == (uint8_t)sign;
}

/**
 * "bytes 0-3/8", the whole or the range an asterisk (RFC 9110 14.4); what follows is not looked at.
 * Unknown numbers are 0.
 */
static bool range_read(struct cursor *c, int64_t *start, int64_t *end, int64_t *size)
{
    const uint8_t *unit = cursor_take(c, 6);
    *start = *end = *size = 0;
    if (!unit || memcmp(unit, "bytes ", 6) != 0)
        return false;
    while (cursor_left(c) > 0 && *c->at == ' ')
        cursor_skip(c, 1);
    if (cursor_left(c) > 0 && *c->at == '*')
        return range_sign(c, '*') && range_sign(c, '/') && range_number(c, size);
    if (!range_number(c, start) || !range_sign(c, '-') || !range_number(c, end) ||
        !range_sign(c, '/'))
        return false;
    return (cursor_left(c) > 0 && *c->at == '*') || range_number(c, size);
}

void http_range_check(struct app_io *io, struct http_tx *t)
{
    const struct http_side *side = &t->side[io->dir];
    const struct http_header *h = http_header_find(side, "Content-Range");
    int64_t start, end, size;
    if (!h)
        return;
    struct cursor c = cursor_make(http_header_value(side, h), h->value.len);
    bool sound = range_read(&c, &start, &end, &size);
    bool known = sound && end > 0 && size > 0;
    raise_event(t, io->dir, !sound || (known && (start > end || end > size - 1)),
                HTTP_RANGE_INVALID);
}
