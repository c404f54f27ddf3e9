/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing CSV. */
#include "config.h"
#include "common/csv.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/utf8.h"

struct line {
    struct buf bytes; /* fields one after another, each NUL-ended */
    size_t at[CSV_FIELDS_MAX];
    size_t count;
};

struct reader {
    const char *at, *end;
    size_t number; /* of the line that is read */
    char *why;
    size_t why_len;
};

static int refuse(struct reader *r, int err, const char *text)
{
    snprintf(r->why, r->why_len, "line %zu: %s", r->number, text);
    return err;
}

/* Take one character that is neither NUL nor broken UTF-8. */
static int take(struct reader *r, struct buf *out)
{
    size_t left = (size_t)(r->end - r->at);
    unsigned char c = (unsigned char)*r->at;
    unsigned n = c < 0x80 ? 1 : utf8_length((const uint8_t *)r->at, left);
    if (!c || !n)
        return refuse(r, ABENG_EFORMAT, "a byte that is no UTF-8 text");
    buf_add(out, r->at, n);
    r->at += n;
    return 0;
}

static int read_quoted(struct reader *r, struct buf *out)
{
    r->at++;
    while (r->at < r->end) {
        if (*r->at == '"' && (r->at + 1 == r->end || r->at[1] != '"')) {
            r->at++;
            return 0;
        }
        if (*r->at == '"')
            r->at++;
        int err = take(r, out);
        if (err)
            return err;
    }
    return refuse(r, ABENG_EFORMAT, "a quote does not end");
}

static int read_field(struct reader *r, struct line *l)
{
    size_t begin = l->bytes.len;
    int err = 0;
    if (l->count == CSV_FIELDS_MAX)
        return refuse(r, ABENG_ELIMIT, "more than 256 fields");
    l->at[l->count++] = begin;
    if (r->at < r->end && *r->at == '"')
        err = read_quoted(r, &l->bytes);
    while (!err && r->at < r->end && !strchr(",\r\n", *r->at))
        err = take(r, &l->bytes);
    if (!err && l->bytes.len - begin > CSV_FIELD_MAX)
        err = refuse(r, ABENG_ELIMIT, "a field is longer than 8 KiB");
    buf_byte(&l->bytes, '\0');
    return !err && l->bytes.bad ? refuse(r, ABENG_ELIMIT, "the line is too long") : err;
}

/* One line, its end included. */
static int read_line(struct reader *r, struct line *l)
{
    int err;
    buf_clear(&l->bytes);
    l->count = 0;
    for (;;) {
        err = read_field(r, l);
        if (err || r->at == r->end || *r->at != ',')
            break;
        r->at++;
    }
    if (!err && r->at < r->end && *r->at == '\r')
        r->at++;
    if (!err && r->at < r->end && *r->at == '\n')
        r->at++;
    return err;
}

static void point(const struct line *l, struct csv_fields *out)
{
    out->count = l->count;
    for (size_t i = 0; i < l->count; i++)
        out->text[i] = (const char *)l->bytes.data + l->at[i];
}

static int read_lines(struct reader *r, size_t lines_max, csv_line_fn *fn, void *arg,
                      struct line *head, struct line *line)
{
    struct csv_fields names, fields;
    int err = read_line(r, head);
    if (err)
        return err;
    point(head, &names);
    if (names.count == 1 && !*names.text[0])
        return refuse(r, ABENG_EFORMAT, "the first line must name the fields");
    while (r->at < r->end && !err) {
        if (++r->number > lines_max + 1)
            return refuse(r, ABENG_ELIMIT, "too many lines; split the file");
        err = read_line(r, line);
        point(line, &fields);
        if (err || (fields.count == 1 && !*fields.text[0]))
            continue;
        if (!fn(arg, r->number, &names, &fields))
            break;
    }
    return err;
}

int csv_read(const char *text, size_t len, size_t lines_max, csv_line_fn *fn, void *arg, char *why,
             size_t why_len)
{
    struct reader r = {
        .at = text, .end = text + len, .number = 1, .why = why, .why_len = why_len
    };
    struct line *lines = calloc(2, sizeof *lines);
    if (!lines)
        return refuse(&r, ABENG_ENOMEM, "out of memory");
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        r.at += 3;
    for (int i = 0; i < 2; i++)
        buf_init(&lines[i].bytes, (size_t)CSV_FIELDS_MAX * (CSV_FIELD_MAX / 8));
    int err = read_lines(&r, lines_max, fn, arg, &lines[0], &lines[1]);
    for (int i = 0; i < 2; i++)
        buf_free(&lines[i].bytes);
    free(lines);
    return err;
}

/* ---- writing --------------------------------------------------------------------------------- */

void csv_add(struct buf *out, const char *text, bool first)
{
    struct buf safe;
    bool formula = *text && strchr("=+-@\t\r", *text);
    buf_init(&safe, 8 * strlen(text) + 16);
    if (formula)
        buf_byte(&safe, '\'');
    utf8_safe(&safe, text, 0, false);
    const char *field = buf_str(&safe);
    bool quote = formula || field[strcspn(field, ",\"; ")] != '\0';
    if (!first)
        buf_byte(out, ',');
    if (quote)
        buf_byte(out, '"');
    for (; *field; field++) {
        if (*field == '"')
            buf_byte(out, '"');
        buf_byte(out, (uint8_t)*field);
    }
    if (quote)
        buf_byte(out, '"');
    buf_free(&safe);
}

void csv_end(struct buf *out)
{
    buf_text(out, "\r\n");
}
