/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 first lines and header fields. */
#include "config.h"
#include "sensor/app/http.h"

#include <ctype.h>
#include <strings.h>

#include "common/cursor.h"

/** Digits of a Content-Length; more is no number. */
#define LENGTH_DIGITS_MAX 18

/** Fields of a head, as most have at most. */
#define HEADERS_USUAL 8u

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_lws(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/** The next run of non-space bytes at or after `at`. */
static struct http_slice next_word(const uint8_t *d, uint32_t len, uint32_t at)
{
    while (at < len && is_space(d[at]))
        at++;
    struct http_slice word = { at, 0 };
    while (at < len && !is_space(d[at]))
        at++;
    word.len = at - word.at;
    return word;
}

/**
 * Where the URI ends: before the last space, so that spaces in it belong to it; other white space
 * counts when there is no space at all.
 */
static uint32_t uri_end(const uint8_t *d, uint32_t len, uint32_t start)
{
    uint32_t end = len;
    while (end > start && is_space(d[end - 1]))
        end--;
    uint32_t pos = end;
    while (pos > start && d[pos - 1] != ' ')
        pos--;
    if (pos == start) {
        pos = end;
        while (pos > start && !is_space(d[pos - 1]))
            pos--;
    }
    if (pos == start)
        return len;
    return pos - 1;
}

void http_request_line(struct app_io *io, struct http_tx *t)
{
    const uint8_t *d = t->side[SIG_DIR_TOSERVER].line.data;
    uint32_t len = t->side[SIG_DIR_TOSERVER].line.len;
    t->method = next_word(d, len, 0);
    if (t->method.at > 0)
        app_tx_event(&t->tx, io->dir, HTTP_LEADING_WHITESPACE);
    uint32_t start = t->method.at + t->method.len;
    bool odd = false;
    for (; start < len && is_space(d[start]); start++)
        odd |= d[start] != ' ';
    if (odd && start < len)
        app_tx_event(&t->tx, io->dir, HTTP_METHOD_DELIMITER);
    if (start == len) {
        t->no_protocol = true;
        return;
    }
    uint32_t end = uri_end(d, len, start);
    uint32_t at = end;
    while (at < len && is_space(d[at]))
        at++;
    while (end > start && is_space(d[end - 1]))
        end--;
    t->uri = (struct http_slice){ start, end - start };
    t->has_uri = true;
    t->uri_host = http_uri_host(d + start, end - start);
    for (uint32_t i = start; i < end; i++)
        if (d[i] != ' ' && is_space(d[i])) {
            app_tx_event(&t->tx, io->dir, HTTP_URI_DELIMITER);
            break;
        }
    if (at == len) {
        t->no_protocol = true;
        return;
    }
    t->protocol = (struct http_slice){ at, len - at };
    t->has_protocol = true;
}

void http_response_line(struct http_tx *t)
{
    const uint8_t *d = t->side[SIG_DIR_TOCLIENT].line.data;
    uint32_t len = t->side[SIG_DIR_TOCLIENT].line.len;
    t->protocol_response = next_word(d, len, 0);
    t->status = next_word(d, len, t->protocol_response.at + t->protocol_response.len);
    uint32_t at = t->status.at + t->status.len;
    while (at < len && is_space(d[at]))
        at++;
    t->reason = (struct http_slice){ at, len - at };
    t->status_number = 0;
    for (uint32_t i = 0; i < t->status.len && i < 4; i++) {
        uint8_t c = d[t->status.at + i];
        if (c < '0' || c > '9')
            break;
        t->status_number = (uint16_t)(t->status_number * 10 + (c - '0'));
    }
}

/* ---- fields -------------------------------------------------------------------------------- */

const struct http_header *http_header_at(const struct http_side *side, uint32_t i)
{
    if (i >= side->headers.len / sizeof(struct http_header))
        return NULL;
    return (const struct http_header *)side->headers.data + i;
}

const uint8_t *http_header_value(const struct http_side *side, const struct http_header *h)
{
    const struct app_bytes *b = h->in_joined ? &side->joined : &side->raw;
    return b->data ? b->data + h->value.at : (const uint8_t *)""; /* joined of nothing: no bytes */
}

/**
 * Of a name without case and NUL bytes, so that most others need not be compared: sums, in which no
 * byte waits for the one before.
 */
static uint32_t name_hash(const uint8_t *d, uint32_t len)
{
    uint32_t sum = 0, squares = 0;
    for (uint32_t i = 0; i < len; i++) {
        uint32_t c = d[i] ? d[i] | 0x20u : 0;
        sum += c;
        squares += c * c;
    }
    return squares * 0x9E3779B1u + sum;
}

/**
 * Whether `len` bytes are `want` without case and without NUL bytes, which servers and browsers
 * pass over.
 */
static bool same_name(const uint8_t *d, uint32_t len, const uint8_t *want, uint32_t want_len)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < len; i++) {
        if (d[i] == '\0')
            continue;
        if (n == want_len || tolower(d[i]) != tolower(want[n]))
            return false;
        n++;
    }
    return n == want_len;
}

/** `hash`: of the name. */
static struct http_header *find(const struct http_side *side, const uint8_t *name, uint32_t len,
                                uint32_t hash)
{
    struct http_header *all = (struct http_header *)side->headers.data;
    uint32_t count = side->headers.len / sizeof(*all);
    for (uint32_t i = 0; i < count; i++)
        if (all[i].hash == hash &&
            same_name(side->raw.data + all[i].name.at, all[i].name.len, name, len))
            return &all[i];
    return NULL;
}

const struct http_header *http_header_find(const struct http_side *side, const char *name)
{
    const uint8_t *bytes = (const uint8_t *)name;
    uint32_t len = (uint32_t)strlen(name);
    return find(side, bytes, len, name_hash(bytes, len));
}

bool http_text_has(const uint8_t *d, uint32_t len, const char *token)
{
    for (uint32_t i = 0; i < len; i++) {
        uint32_t at = i;
        const char *t = token;
        for (; *t && at < len; at++)
            if (d[at] != '\0' && tolower(d[at]) != *t)
                break;
            else
                t += d[at] != '\0';
        if (!*t)
            return true;
    }
    return false;
}

bool http_value_has(const struct http_side *side, const struct http_header *h, const char *token)
{
    return http_text_has(http_header_value(side, h), h->value.len, token);
}

int64_t http_length(const struct http_side *side, const struct http_header *h)
{
    const uint8_t *v = http_header_value(side, h);
    uint32_t at = 0, digits = 0;
    int64_t n = 0;
    while (at < h->value.len && (v[at] < '0' || v[at] > '9'))
        at++;
    for (; at < h->value.len && v[at] >= '0' && v[at] <= '9'; at++) {
        if (++digits > LENGTH_DIGITS_MAX)
            return -1;
        n = n * 10 + (v[at] - '0');
    }
    return digits > 0 ? n : -1;
}

/** One logical line: where its physical ones begin and end in `raw`. */
struct field {
    uint32_t at, end;   /* end: without the last line's CR LF */
    uint32_t first_end; /* of the first physical line, without CR LF */
    bool folded;
    bool unfolded; /* the next line begins as if it went on, and does not */
};

uint32_t http_response_line_end(const uint8_t *data, uint32_t len, uint32_t from, bool end)
{
    for (uint32_t i = from > 0 ? from - 1 : 0; i < len; i++) {
        if (data[i] > '\r') /* neither: most bytes */
            continue;
        bool bare_lf = data[i] == '\n' && (i == 0 || data[i - 1] != '\r');
        if (bare_lf && i + 1 < len && data[i + 1] == '\r' && !(i + 2 < len && data[i + 2] == '\n'))
            return i + 2;
        if (data[i] == '\n')
            return i + 1;
        if (data[i] != '\r')
            continue;
        if (i + 1 == len)
            return end ? len : 0;
        if (data[i + 1] != '\n' && data[i + 1] != '\r')
            return i + 1;
    }
    return 0;
}

/** End of the line at `at`, at most `len`. */
static uint32_t line_end(const struct app_io *io, const uint8_t *d, uint32_t len, uint32_t at)
{
    uint32_t n = io->dir == SIG_DIR_TOSERVER ? app_line_end(d + at, len - at, 0)
                                             : http_response_line_end(d + at, len - at, 0, true);
    return n > 0 ? at + n : len;
}

/** Whether a line that begins so may go on with the field before. */
static bool may_fold(uint8_t first)
{
    return is_lws(first) || first == '\0';
}

/**
 * Whether a line that may go on with the field before does: in an HTTP/1.1 response one with a
 * colon is a field of its own, as browsers read it, if the one before had its colon.
 */
static bool line_folds(const struct app_io *io, const struct http_tx *t, const struct field *f,
                       uint32_t at, uint32_t end)
{
    const struct http_side *side = &t->side[io->dir];
    const uint8_t *d = side->raw.data;
    bool request = io->dir == SIG_DIR_TOSERVER;
    if (request || t->protocol_response.len != 8 ||
        memcmp(side->line.data + t->protocol_response.at, "HTTP/1.1", 8) != 0)
        return true;
    return !memchr(d + at, ':', end - at) || !memchr(d + f->at, ':', f->end - f->at);
}

/** Take the next field from `*at` on; false at the end. */
static bool field_next(const struct app_io *io, const struct http_tx *t, uint32_t *at, uint32_t len,
                       struct field *f)
{
    const uint8_t *d = t->side[io->dir].raw.data;
    if (*at >= len)
        return false;
    uint32_t end = line_end(io, d, len, *at);
    f->at = *at;
    f->first_end = *at + app_line_chomp(d + *at, end - *at);
    f->end = f->first_end;
    f->folded = false;
    *at = end;
    while (*at < len && f->end > f->at && may_fold(d[*at])) {
        end = line_end(io, d, len, *at);
        if (!line_folds(io, t, f, *at, end))
            break;
        f->folded = true;
        f->end = *at + app_line_chomp(d + *at, end - *at);
        *at = end;
    }
    f->at += f->end > f->at && is_lws(d[f->at]);
    f->unfolded = *at < len && f->end > f->at && is_lws(d[*at]);
    return true;
}

/** Copy a folded field's value into `joined` without its line ends. */
static bool value_unfold(struct app_io *io, struct http_side *side, const struct field *f,
                         struct http_header *h)
{
    uint32_t at = side->joined.len;
    for (uint32_t i = h->value.at; i < f->end; i++) {
        uint8_t c = side->raw.data[i];
        if (c != '\r' && c != '\n' && !app_bytes_add(io->ctx->slab, &side->joined, &c, 1))
            return false;
    }
    h->value = (struct http_slice){ at, side->joined.len - at };
    h->in_joined = true;
    return true;
}

/** Whether no name has the byte: control, space, those above ASCII and "(),/:;<=>?@[\]{} (RFC 2616
 * 2.2's separators). */
static bool is_separator(uint8_t c)
{
    static const uint64_t bits[2] = { 0xfc009305ffffffffull, 0xa800000038000001ull };
    return c >= 0x80 || bits[c / 64] >> c % 64 & 1;
}

/** A token (RFC 2616 2.2), not empty. */
static bool is_name(const uint8_t *d, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (is_separator(d[i]))
            return false;
    return len > 0;
}

/** Split a field at its colon; without one the name is empty and the value is all of it. */
static void field_split(struct app_io *io, struct http_tx *t, const struct field *f,
                        struct http_header *h)
{
    struct http_side *side = &t->side[io->dir];
    const uint8_t *d = side->raw.data;
    bool request = io->dir == SIG_DIR_TOSERVER;
    uint32_t colon = f->at, end = f->folded ? f->end : f->first_end;
    while (colon < end && d[colon] != ':' && !(request && d[colon] == '\0'))
        colon++;
    uint32_t value = colon + 1, name_end = colon;
    if (colon >= end || d[colon] != ':') {
        /* told once in a transaction, as there */
        if (!(t->tx.events[!io->dir] >> HTTP_MISSING_COLON_REQUEST & 3))
            app_tx_event(&t->tx, io->dir,
                         request ? HTTP_MISSING_COLON_REQUEST : HTTP_MISSING_COLON_RESPONSE);
        name_end = f->at;
        value = f->at;
    } else if (!is_name(d + f->at, colon - f->at))
        app_tx_event(&t->tx, io->dir, request ? HTTP_NAME_REQUEST : HTTP_NAME_RESPONSE);
    while (name_end > f->at && is_space(d[name_end - 1]))
        name_end--;
    while (value < f->end && is_lws(d[value]))
        value++;
    h->name = (struct http_slice){ f->at, name_end - f->at };
    h->hash = name_hash(d + f->at, name_end - f->at);
    h->value = (struct http_slice){ value, f->end > value ? f->end - value : 0 };
}

/** Cut a value at its first NUL (requests only) and at trailing white space. */
static void value_trim(struct app_io *io, const struct http_side *side, struct http_header *h)
{
    const uint8_t *v = http_header_value(side, h);
    if (io->dir == SIG_DIR_TOSERVER && h->value.len > 0) {
        const uint8_t *nul = memchr(v, 0, h->value.len);
        if (nul)
            h->value.len = (uint32_t)(nul - v);
    }
    while (h->value.len > 0 && is_lws(v[h->value.len - 1]))
        h->value.len--;
}

/** A repeated field's value goes behind the first one's, as "first, second". */
static bool value_join(struct app_io *io, struct http_side *side, struct http_header *old,
                       const struct http_header *h)
{
    if (old->repeats >= HTTP_REPEAT_MAX)
        return true;
    old->repeats++;
    uint32_t at = side->joined.len;
    if (!app_bytes_reserve(io->ctx->slab, &side->joined, old->value.len + 2 + h->value.len))
        return false;
    (void)app_bytes_add(io->ctx->slab, &side->joined, http_header_value(side, old), old->value.len);
    (void)app_bytes_add(io->ctx->slab, &side->joined, ", ", 2);
    (void)app_bytes_add(io->ctx->slab, &side->joined, http_header_value(side, h), h->value.len);
    old->value = (struct http_slice){ at, side->joined.len - at };
    old->in_joined = true;
    return true;
}

static bool field_add(struct app_io *io, struct http_tx *t, const struct field *f)
{
    struct http_side *side = &t->side[io->dir];
    struct http_header h = { .in_joined = false };
    if (f->unfolded)
        app_tx_event(&t->tx, io->dir, HTTP_FOLDING_RESPONSE);
    field_split(io, t, f, &h);
    if (f->folded && !value_unfold(io, side, f, &h))
        return false;
    value_trim(io, side, &h);
    struct http_header *old = find(side, side->raw.data + h.name.at, h.name.len, h.hash);
    if (!old)
        return app_bytes_add(io->ctx->slab, &side->headers, &h, sizeof(h));
    bool request = io->dir == SIG_DIR_TOSERVER;
    static const char length_name[] = "Content-Length";
    bool length = same_name(side->raw.data + old->name.at, old->name.len,
                            (const uint8_t *)length_name, sizeof(length_name) - 1);
    if (length && http_length(side, old) != http_length(side, &h))
        app_tx_event(&t->tx, io->dir,
                     request ? HTTP_DUPLICATE_LENGTH_REQUEST : HTTP_DUPLICATE_LENGTH_RESPONSE);
    if (length && !request)
        return true;
    return value_join(io, side, old, &h);
}

bool http_headers_parse(struct app_io *io, struct http_tx *t, uint32_t blank)
{
    struct http_side *side = &t->side[io->dir];
    struct field f;
    for (unsigned i = 0; i < HTTP_MADE_COUNT; i++) {
        side->made[i].len = 0;
        side->is_made[i] = false;
    }
    uint32_t end = side->raw.len - blank;
    if (side->headers.len == 0)
        (void)app_bytes_reserve(io->ctx->slab, &side->headers,
                                HEADERS_USUAL * sizeof(struct http_header));
    if (side->parsed == 0 && end > 0 && is_lws(side->raw.data[0]))
        app_tx_event(&t->tx, io->dir,
                     io->dir == SIG_DIR_TOSERVER ? HTTP_FOLDING_REQUEST : HTTP_FOLDING_RESPONSE);
    while (field_next(io, t, &side->parsed, end, &f)) {
        if (side->headers.len / sizeof(struct http_header) >= HTTP_HEADERS_MAX) {
            app_count(io->ctx, APP_COUNT_HEADER_LIMIT);
            app_tx_event(&t->tx, io->dir,
                         io->dir == SIG_DIR_TOSERVER ? HTTP_TOO_MANY_REQUEST
                                                     : HTTP_TOO_MANY_RESPONSE);
            return false;
        }
        if (!field_add(io, t, &f)) {
            app_count(io->ctx, APP_COUNT_NO_MEMORY);
            return false;
        }
    }
    side->parsed = side->raw.len;
    return true;
}
