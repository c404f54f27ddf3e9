/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 bodies as files (anchors 2.8): what POST and PUT send, what responses bring, and each file
 * of a form (multipart, RFC 7578) by itself. As in the reference a form is read as its bytes come:
 * a boundary is one wherever it stands, two bytes before it belong to it, a part without `filename`
 * is no file, and what could still become a boundary is held back, for good when nothing follows.
 */
#include "config.h"
#include "sensor/app/http.h"

#include <string.h>

/** Longest boundary that is followed, as in the reference; RFC 2046 5.1.1 allows 70. */
#define BOUNDARY_MAX 200u

/* ---- names --------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/** The value of a parameter that begins at `d`, without its quotes. */
static bool parameter(const uint8_t *d, uint32_t len, const char *name, struct app_view *out)
{
    uint32_t n = (uint32_t)strlen(name);
    if (len <= n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if ((d[i] | 0x20) != (uint8_t)(name[i] | 0x20))
            return false;
    if (d[n] == '"')
        n++;
    uint32_t end = len > n && d[len - 1] == '"' ? len - 1 : len;
    *out = (struct app_view){ d + n, end - n, 0, true };
    return true;
}

/** Find `name` ("filename=") among the parameters of a header's value. */
static bool find_parameter(const uint8_t *d, uint32_t len, const char *name, struct app_view *out)
{
    uint32_t from = 0;
    bool quoted = false;
    while (from < len && is_blank(d[from]))
        from++;
    for (uint32_t i = from; i < len; i++) {
        bool escaped = i > from && d[i - 1] == '\\';
        quoted ^= i > from && d[i] == '"' && !escaped;
        bool last = i + 1 == len, ends = i > from && !quoted && ((d[i] == ';' && !escaped) || last);
        if (!ends)
            continue;
        if (parameter(d + from, i - from + (last && d[i] != ';'), name, out))
            return true;
        from = i + 1;
        while (from < len && is_blank(d[from]))
            from++;
    }
    return false;
}

/** The path alone, normalised as http.uri is. */
static void path_name(struct app_ctx *ctx, struct http_tx *t, struct app_view *out)
{
    const uint8_t *uri = t->side[SIG_DIR_TOSERVER].line.data + t->uri.at;
    uint32_t len = 0;
    while (t->has_uri && len < t->uri.len && uri[len] != '?' && uri[len] != '#')
        len++;
    if (!t->file_path.len && len && !http_uri_normalise(ctx->slab, uri, len, &t->file_path))
        app_count(ctx, APP_COUNT_NO_MEMORY);
    *out = (struct app_view){ t->file_path.data, t->file_path.len, 0, true };
}

/** A response's own word for its file goes before the path. */
static void whole_name(struct app_ctx *ctx, struct http_tx *t, unsigned dir, struct app_view *out)
{
    const struct http_side *side = &t->side[dir];
    const struct http_header *h =
        dir == SIG_DIR_TOCLIENT ? http_header_find(side, "Content-Disposition") : NULL;
    if (!h || !find_parameter(http_header_value(side, h), h->value.len, "filename=", out))
        path_name(ctx, t, out);
}

/* ---- forms --------------------------------------------------------------------------------- */

static bool method_is(const struct http_tx *t, const char *method)
{
    const uint8_t *line = t->side[SIG_DIR_TOSERVER].line.data;
    return t->method.len == strlen(method) &&
           memcmp(line + t->method.at, method, t->method.len) == 0;
}

void http_files_open(struct app_io *io, struct http_tx *t)
{
    const struct http_side *side = &t->side[SIG_DIR_TOSERVER];
    struct app_view boundary;
    if (io->dir == SIG_DIR_TOCLIENT)
        return;
    t->form.kind = HTTP_FORM_WHOLE;
    if (!method_is(t, "POST")) {
        t->form.kind = method_is(t, "PUT") ? HTTP_FORM_WHOLE : HTTP_FORM_NONE;
        return;
    }
    const struct http_header *h = http_header_find(side, "Content-Type");
    if (!h || !find_parameter(http_header_value(side, h), h->value.len, "boundary=", &boundary) ||
        boundary.len == 0 || boundary.len >= BOUNDARY_MAX)
        return;
    t->form.kind = HTTP_FORM_PARTS;
    if (!app_bytes_text(io->ctx->slab, &t->form.boundary, "--") ||
        !app_bytes_add(io->ctx->slab, &t->form.boundary, boundary.data, boundary.len)) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        t->form.over = true;
    }
}

/** Where the boundary stands at or behind `from`; the body's length when it does not. */
static uint32_t find_boundary(const struct http_tx *t, uint32_t from)
{
    const struct app_bytes *b = &t->side[SIG_DIR_TOSERVER].body.data, *mark = &t->form.boundary;
    const uint8_t *at =
        from < b->len ? memmem(b->data + from, b->len - from, mark->data, mark->len) : NULL;
    return at ? (uint32_t)(at - b->data) : b->len;
}

/** The file name of a part's header; false when it is no file. `*bad`: a line is no field. */
static bool part_name(const uint8_t *d, uint32_t len, bool *bad, struct app_view *out)
{
    static const char field[] = "content-disposition:";
    const uint32_t n = sizeof(field) - 1;
    for (uint32_t from = 0, end; from < len; from = end) {
        end = app_line_end(d, len, from);
        if (!end)
            end = len;
        uint32_t i = 0, line = app_line_chomp(d + from, end - from);
        const uint8_t *colon = line ? memchr(d + from, ':', line) : NULL;
        *bad |= line && (!colon || colon == d + from + line - 1);
        while (i < n && i < line && (d[from + i] | 0x20) == (field[i] | 0x20))
            i++;
        if (i == n)
            return find_parameter(d + from + n, line - n, "filename=", out);
    }
    return false;
}

/** A part's header, from its boundary on; false while it is not whole, or there is none. */
static bool part_begin(struct app_io *io, struct http_tx *t)
{
    const struct app_bytes *b = &t->side[SIG_DIR_TOSERVER].body.data;
    uint32_t from = find_boundary(t, t->form.at), head = from + t->form.boundary.len;
    struct app_view name;
    if (from == b->len) {
        uint32_t held = t->form.boundary.len - 1; /* it may begin in the last bytes */
        if (b->len > held && b->len - held > t->form.at)
            t->form.at = b->len - held;
        return false;
    }
    t->form.at = from;
    const uint8_t *end = memmem(b->data + head, b->len - head, "\r\n\r\n", 4);
    if (b->len - head >= 2 && memcmp(b->data + head, "--", 2) == 0)
        t->form.over = true;
    if (!end || t->form.over)
        return false;
    t->form.at = (uint32_t)(end - b->data) + 4;
    t->form.in_part = t->form.fresh = true;
    /* a part without even the line end that belongs to the next boundary is passed over */
    uint32_t next = find_boundary(t, t->form.at), field = (uint32_t)(end - b->data) - head;
    bool bad = false, file = part_name(b->data + head, field, &bad, &name);
    if (bad)
        app_tx_event(&t->tx, io->dir, HTTP_FORM_BAD_HEADER);
    if (next < b->len && next < t->form.at + 2) {
        if (file && next == t->form.at)
            app_tx_event(&t->tx, io->dir, HTTP_FORM_EMPTY_FILE);
        return true;
    }
    if (file)
        t->form.file = app_file_open(io->ctx, &t->form.files, name.data, name.len);
    t->tx.files[SIG_DIR_TOSERVER] = (uint8_t)t->form.files.count;
    return true;
}

/** Bytes of the part at hand that can't belong to a boundary: up to a CR near the end. */
static uint32_t part_sure(const struct http_tx *t)
{
    const struct app_bytes *b = &t->side[SIG_DIR_TOSERVER].body.data;
    uint32_t margin = t->form.boundary.len + 1, len = b->len - t->form.at;
    if (len <= margin && t->form.fresh)
        return t->form.at;
    if (len < margin)
        margin = len;
    const uint8_t *cr = memchr(b->data + b->len - margin, '\r', margin);
    return cr ? (uint32_t)(cr - b->data) : b->len;
}

static void part_take(struct app_io *io, struct http_tx *t, uint32_t end)
{
    const struct app_bytes *b = &t->side[SIG_DIR_TOSERVER].body.data;
    if (end <= t->form.at)
        return;
    if (t->form.file)
        app_file_add(io->ctx, t->form.file, b->data + t->form.at, end - t->form.at);
    t->form.at = end;
    t->form.fresh = false;
}

/** More of the part at hand; true when it has ended. */
static bool part_more(struct app_io *io, struct http_tx *t)
{
    const struct app_bytes *b = &t->side[SIG_DIR_TOSERVER].body.data;
    uint32_t mark = find_boundary(t, t->form.at);
    if (mark == b->len) {
        part_take(io, t, part_sure(t));
        return false;
    }
    part_take(io, t, mark > 2 ? mark - 2 : 0);
    if (t->form.file)
        t->form.file->done = true;
    t->form.file = NULL;
    t->form.in_part = false;
    t->form.at = mark;
    return true;
}

void http_files_advance(struct app_io *io, struct http_tx *t)
{
    struct http_form *form = &t->form;
    if (io->dir != SIG_DIR_TOSERVER || form->kind != HTTP_FORM_PARTS)
        return;
    while (!form->over && (form->in_part ? part_more(io, t) : part_begin(io, t)))
        ;
    const struct http_body *b = &t->side[SIG_DIR_TOSERVER].body;
    if ((b->cut || b->gaps) && form->file) {
        form->file->done = form->file->truncated = true;
        form->file->gaps = b->gaps;
        form->file = NULL;
        form->over = true;
    }
}

void http_files_end(struct http_tx *t)
{
    if (t->form.file)
        t->form.file->done = true;
    t->form.file = NULL;
    t->form.over = true;
}

void http_files_free(struct app_ctx *ctx, struct http_tx *t)
{
    app_bytes_free(ctx->slab, &t->file_path);
    app_bytes_free(ctx->slab, &t->form.boundary);
    app_files_free(ctx, &t->form.files);
}

/* ---- what rules and EVE see ---------------------------------------------------------------- */

static bool body_buffer(struct app_ctx *ctx, struct http_body *b, bool done,
                        enum sig_buffer buffer, struct app_view *out)
{
    switch (buffer) {
    case SIG_BUF_HTTP_REQUEST_BODY:
    case SIG_BUF_HTTP_RESPONSE_BODY:
    case SIG_BUF_FILE_DATA:
        return http_body_window(b, done, out);
    case SIG_BUF_FILE_SIZE:
        return http_size_view(b, done, out);
    case SIG_BUF_FILE_MAGIC:
        return app_file_type(ctx, &b->data, done, &b->type, out);
    default:
        return http_sum_view(ctx, b, done, buffer, out);
    }
}

bool http_reading_view(struct app_ctx *ctx, struct http_tx *t, unsigned dir, enum sig_buffer buffer,
                       uint32_t index, struct app_view *out)
{
    bool beyond = index == APP_INDEX_BEYOND;
    struct http_body *b = http_body_reading(&t->side[dir].body, beyond ? 1 : 0);
    bool done = t->tx.progress[dir] > SIG_PROGRESS_BODY;
    return b && (beyond || index == 0) && body_buffer(ctx, b, done, buffer, out);
}

static bool name_buffer(struct app_ctx *ctx, struct http_tx *t, unsigned dir, struct app_view *out)
{
    if (t->side[dir].body.data.len == 0)
        return false;
    whole_name(ctx, t, dir, out);
    return out->len > 0;
}

bool http_files_buffer(struct app_ctx *ctx, struct http_tx *t, unsigned dir, enum sig_buffer buffer,
                       uint32_t index, struct app_view *out)
{
    if (dir == SIG_DIR_TOSERVER && t->form.kind == HTTP_FORM_NONE)
        return false;
    if (dir == SIG_DIR_TOSERVER && t->form.kind == HTTP_FORM_PARTS)
        return app_files_buffer(ctx, &t->form.files, buffer, index, out);
    if (buffer == SIG_BUF_FILE_NAME)
        return index == 0 && name_buffer(ctx, t, dir, out);
    return http_reading_view(ctx, t, dir, buffer, index, out);
}

bool http_file(struct app_ctx *ctx, struct app_tx *tx, unsigned dir, uint32_t index,
               struct app_file_view *out)
{
    struct http_tx *t = (struct http_tx *)tx;
    if (dir == SIG_DIR_TOSERVER && t->form.kind == HTTP_FORM_NONE)
        return false;
    if (dir == SIG_DIR_TOSERVER && t->form.kind == HTTP_FORM_PARTS)
        return app_files_get(ctx, &t->form.files, index, out);
    struct http_body *b = http_body_reading(&t->side[dir].body, index);
    if (!b || !http_body_file(ctx, b, tx->progress[dir] > SIG_PROGRESS_BODY, out))
        return false;
    whole_name(ctx, t, dir, &out->name);
    return true;
}
