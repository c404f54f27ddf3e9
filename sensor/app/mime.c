/* SPDX-License-Identifier: Apache-2.0 */
/* MIME, line by line. */
#include "config.h"
#include "sensor/app/mime.h"

#include <strings.h>

#include "common/base64.h"

/** Longest unfolded field that is read; what is beyond is left out. */
#define FIELD_MAX 8192u
/** Longest boundary that is compared, as in Suricata (RFC 2046 5.1.1 says 70). */
#define BOUNDARY_MAX   254u
#define NAME_MAX_BYTES 1024u
/** A longer one is said to be, as in the reference. */
#define NAME_SAID_BYTES 255u
/** Decoded bytes that are written at a time. */
#define DECODE_STEP 1024u

/* ---- fields -------------------------------------------------------------------------------- */

/** A parameter of a structured field: `; name="value"` or `; name=value`. */
static bool parameter(const uint8_t *d, uint32_t len, const char *name, const uint8_t **value,
                      uint32_t *n)
{
    uint32_t want = (uint32_t)strlen(name);
    for (uint32_t i = 1; i + want < len; i++) {
        bool edge = d[i - 1] == ';' || d[i - 1] == ' ' || d[i - 1] == '\t';
        if (!edge || strncasecmp((const char *)d + i, name, want) != 0)
            continue;
        uint32_t at = i + want;
        if (at < len && d[at] == '*')
            at++;
        if (at >= len || d[at] != '=')
            continue;
        at++;
        bool quoted = at < len && d[at] == '"';
        at += quoted;
        uint32_t end = at;
        while (end < len &&
               (quoted ? d[end] != '"' : d[end] != ';' && d[end] != ' ' && d[end] != '\t'))
            end++;
        *value = d + at;
        *n = end - at;
        return end > at;
    }
    return false;
}

/** Whether the field is `name`; its value then. */
static bool field_is(const struct app_bytes *f, const char *name, const uint8_t **value,
                     uint32_t *len)
{
    uint32_t n = (uint32_t)strlen(name);
    if (f->len <= n || f->data[n] != ':' || strncasecmp((const char *)f->data, name, n) != 0)
        return false;
    for (n++; n < f->len && (f->data[n] == ' ' || f->data[n] == '\t'); n++)
        ;
    *value = f->data + n;
    *len = f->len - n;
    return true;
}

static bool value_starts(const uint8_t *value, uint32_t len, const char *with)
{
    size_t n = strlen(with);
    return len >= n && strncasecmp((const char *)value, with, n) == 0;
}

static void keep(struct app_ctx *ctx, struct app_bytes *to, const uint8_t *value, uint32_t len,
                 uint32_t max)
{
    to->len = 0;
    (void)app_bytes_add(ctx->slab, to, value, len < max ? len : max);
}

static void content_type(struct app_ctx *ctx, struct mime *m, const uint8_t *value, uint32_t len)
{
    const uint8_t *p;
    uint32_t n;
    if (value_starts(value, len, "message/rfc822"))
        m->nested = true;
    bool bounded = parameter(value, len, "boundary", &p, &n);
    m->long_boundary |= bounded && n > BOUNDARY_MAX;
    if (value_starts(value, len, "multipart/") && bounded && n <= BOUNDARY_MAX &&
        m->depth < MIME_DEPTH_MAX && !m->multipart) {
        keep(ctx, &m->boundary[m->depth++], p, n, BOUNDARY_MAX);
        m->multipart = true;
    }
    if (m->name.len == 0 && parameter(value, len, "name", &p, &n)) {
        keep(ctx, &m->name, p, n, NAME_MAX_BYTES);
        m->attached = true;
    }
}

static void field_take(struct app_ctx *ctx, struct mime *m)
{
    const uint8_t *value, *p;
    uint32_t len, n;
    if (field_is(&m->field, "Content-Type", &value, &len)) {
        content_type(ctx, m, value, len);
    } else if (field_is(&m->field, "Content-Disposition", &value, &len)) {
        m->attached |= value_starts(value, len, "attachment");
        if (parameter(value, len, "filename", &p, &n)) {
            keep(ctx, &m->name, p, n, NAME_MAX_BYTES);
            m->long_name |= n > NAME_SAID_BYTES;
            m->attached = true;
        }
    } else if (field_is(&m->field, "Content-Transfer-Encoding", &value, &len)) {
        m->encoding = value_starts(value, len, "base64")             ? MIME_BASE64
                      : value_starts(value, len, "quoted-printable") ? MIME_QUOTED
                                                                     : MIME_PLAIN;
    } else if (m->parts == 0 && field_is(&m->field, "From", &value, &len)) {
        keep(ctx, &m->from, value, len, NAME_MAX_BYTES);
    } else if (m->parts == 0 && field_is(&m->field, "To", &value, &len)) {
        keep(ctx, &m->to, value, len, NAME_MAX_BYTES);
    } else if (m->parts == 0 && field_is(&m->field, "Subject", &value, &len)) {
        keep(ctx, &m->subject, value, len, NAME_MAX_BYTES);
    }
    m->field.len = 0;
}

/* ---- parts --------------------------------------------------------------------------------- */

static void part_close(struct mime *m)
{
    if (m->file)
        m->file->done = true;
    m->file = NULL;
    m->quads = 0;
    m->line_end_len = 0;
}

static void part_open(struct mime *m)
{
    m->in_body = m->attached = m->nested = m->multipart = false;
    m->encoding = MIME_PLAIN;
    m->name.len = 0;
    m->parts++;
}

static void header_done(struct app_ctx *ctx, struct mime *m, struct app_files *files)
{
    m->in_body = true;
    if (m->nested && !m->attached)
        part_open(m);
    else if (m->attached && !m->multipart)
        m->file = app_file_open(ctx, files, m->name.data, m->name.len);
}

/** A boundary line closes what is open; true when the line was one. */
static bool boundary_line(struct mime *m, const uint8_t *line, uint32_t len)
{
    if (len < 3 || line[0] != '-' || line[1] != '-')
        return false;
    for (unsigned i = m->depth; i-- > 0;) {
        const struct app_bytes *b = &m->boundary[i];
        if (b->len == 0 || len - 2 < b->len || memcmp(line + 2, b->data, b->len) != 0)
            continue;
        bool last = len - 2 - b->len >= 2 && memcmp(line + 2 + b->len, "--", 2) == 0;
        part_close(m);
        part_open(m);
        m->depth = last ? i : i + 1;
        m->in_body = last;
        return true;
    }
    return false;
}

/* ---- bodies -------------------------------------------------------------------------------- */

/** Decode the digits there are: two give a byte, three two, four three. */
static uint32_t quad_flush(struct mime *m, uint8_t out[3])
{
    uint32_t n = m->quads > 1 ? m->quads - 1 : 0;
    for (unsigned i = m->quads; i < 4; i++)
        m->quad[i] = 0;
    out[0] = (uint8_t)(m->quad[0] << 2 | m->quad[1] >> 4);
    out[1] = (uint8_t)(m->quad[1] << 4 | m->quad[2] >> 2);
    out[2] = (uint8_t)(m->quad[2] << 6 | m->quad[3]);
    m->quads = 0;
    return n;
}

/* Decode fours of digits that stand together at the line's start; how many digits these are. Three
 * bytes come of each. */
static uint32_t fours_decode(const uint8_t *line, uint32_t len, uint8_t *out)
{
    uint32_t i = 0;
    for (; i + 4 <= len; i += 4, out += 3) {
        int a = base64_digit(line[i]), b = base64_digit(line[i + 1]);
        int c = base64_digit(line[i + 2]), d = base64_digit(line[i + 3]);
        if ((a | b | c | d) < 0)
            break;
        out[0] = (uint8_t)(a << 2 | b >> 4);
        out[1] = (uint8_t)(b << 4 | c >> 2);
        out[2] = (uint8_t)(c << 6 | d);
    }
    return i;
}

static void base64_line(struct app_ctx *ctx, struct mime *m, const uint8_t *line, uint32_t len)
{
    uint8_t out[DECODE_STEP];
    uint32_t whole = 0;
    if (m->quads == 0)
        whole = fours_decode(line, len < DECODE_STEP ? len : DECODE_STEP, out);
    uint32_t n = whole / 4 * 3;
    for (uint32_t i = whole; i < len; i++) {
        int v = base64_digit(line[i]);
        if (v >= 0)
            m->quad[m->quads++] = (uint8_t)v;
        if (m->quads == 4 || line[i] == '=')
            n += quad_flush(m, out + n);
        if (n > DECODE_STEP - 3) {
            app_file_add(ctx, m->file, out, n);
            n = 0;
        }
    }
    app_file_add(ctx, m->file, out, n);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/**
 * RFC 2045 6.7; a `=` at the line's end takes the line break away. Returns whether it was there.
 */
static bool quoted_line(struct app_ctx *ctx, struct mime *m, const uint8_t *line, uint32_t len)
{
    uint8_t out[DECODE_STEP];
    uint32_t n = 0;
    bool soft = len > 0 && line[len - 1] == '=';
    len -= soft;
    for (uint32_t i = 0; i < len; i++) {
        int high = line[i] == '=' && len - i > 2 ? hex_digit(line[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(line[i + 2]) : -1;
        out[n++] = low >= 0 ? (uint8_t)(high << 4 | low) : line[i];
        i += low >= 0 ? 2 : 0;
        if (n == DECODE_STEP) {
            app_file_add(ctx, m->file, out, n);
            n = 0;
        }
    }
    app_file_add(ctx, m->file, out, n);
    return soft;
}

/**
 * The line end before a boundary belongs to it (RFC 2046 5.1.1), others are as they were sent; of
 * quoted lines each has one, the last too, as in the reference.
 */
static void body_line(struct app_ctx *ctx, struct mime *m, const uint8_t *line, uint32_t len)
{
    uint32_t text = app_line_chomp(line, len);
    bool ended = text < len;
    if (!m->file)
        return;
    if (m->encoding == MIME_BASE64) {
        base64_line(ctx, m, line, text);
        return;
    }
    if (m->encoding == MIME_QUOTED) {
        ended &= !quoted_line(ctx, m, line, text);
        app_file_add(ctx, m->file, "\r\n", ended ? 2 : 0);
        return;
    }
    app_file_add(ctx, m->file, m->line_end, m->line_end_len);
    app_file_add(ctx, m->file, line, text);
    m->line_end_len = (uint8_t)(len - text < 2 ? len - text : 2);
    memcpy(m->line_end, line + len - m->line_end_len, m->line_end_len);
}

/** `goes_on`: the line's begin was taken before. */
static void header_line(struct app_ctx *ctx, struct mime *m, struct app_files *files,
                        const uint8_t *line, uint32_t len, bool goes_on)
{
    uint32_t text = app_line_chomp(line, len);
    bool folded = goes_on || (text > 0 && (line[0] == ' ' || line[0] == '\t'));
    if (!folded && m->field.len > 0)
        field_take(ctx, m);
    if (text == 0 && !goes_on) {
        header_done(ctx, m, files);
        return;
    }
    uint32_t room = FIELD_MAX - m->field.len;
    (void)app_bytes_add(ctx->slab, &m->field, line, text < room ? text : room);
}

void mime_line(struct app_ctx *ctx, struct mime *m, struct app_files *files, const uint8_t *line,
               uint32_t len)
{
    bool goes_on = m->piece;
    m->piece = len == 0 || line[len - 1] != '\n';
    if (m->depth > 0 && !goes_on && boundary_line(m, line, app_line_chomp(line, len))) {
        m->field.len = 0;
        return;
    }
    if (m->in_body)
        body_line(ctx, m, line, len);
    else
        header_line(ctx, m, files, line, len, goes_on);
}

void mime_end(struct app_ctx *ctx, struct mime *m)
{
    uint8_t out[3];
    if (m->file && m->quads > 0)
        app_file_add(ctx, m->file, out, quad_flush(m, out));
    part_close(m);
}

void mime_free(struct app_ctx *ctx, struct mime *m)
{
    app_bytes_free(ctx->slab, &m->field);
    for (unsigned i = 0; i < MIME_DEPTH_MAX; i++)
        app_bytes_free(ctx->slab, &m->boundary[i]);
    app_bytes_free(ctx->slab, &m->name);
    app_bytes_free(ctx->slab, &m->from);
    app_bytes_free(ctx->slab, &m->to);
    app_bytes_free(ctx->slab, &m->subject);
}
