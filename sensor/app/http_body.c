/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 bodies: decompression with zlib, whose memory is the slab's; what is kept for rules; and
 * which part of it rules look at when. Nothing is decoded beyond the limit, so that a bomb costs no
 * more than its first bytes.
 */
#include "config.h"
#include "sensor/app/http.h"

#include "common/cursor.h"

/**
 * First look at a request's and a response's body, and later windows, as Suricata's default
 * configuration.
 */
#define REQUEST_FIRST   32768u
#define REQUEST_WINDOW  4096u
#define RESPONSE_FIRST  40960u
#define RESPONSE_WINDOW 16384u
/** Decoded bytes that are handed on at a time. */
#define STEP 4096u

/* ---- zlib's memory ------------------------------------------------------------------------- */

/** In front of each block zlib gets, so that it can be given back without its size. */
struct zlib_head {
    size_t size;
    size_t pad;
};

static void *zlib_alloc(void *slab, unsigned items, unsigned size)
{
    size_t bytes = (size_t)items * size + sizeof(struct zlib_head);
    struct zlib_head *head = slab_try_alloc(slab, bytes);
    if (!head)
        return NULL;
    head->size = bytes;
    return head + 1;
}

static void zlib_free(void *slab, void *block)
{
    if (block) {
        struct zlib_head *head = (struct zlib_head *)block - 1;
        slab_free(slab, head, head->size);
    }
}

static void layer_free(struct http_layer *layer)
{
    if (!layer)
        return;
    if (layer->started)
        (void)inflateEnd(&layer->z);
    app_bytes_free(layer->slab, &layer->head);
    slab_free(layer->slab, layer, sizeof(*layer));
}

void http_body_close(struct app_ctx *ctx, struct http_body *b)
{
    (void)ctx;
    for (unsigned i = 0; i < HTTP_LAYERS_MAX; i++) {
        layer_free(b->layers[i]);
        b->layers[i] = NULL;
    }
}

/** RFC 1950 2.2: a zlib header, else "deflate" is raw (RFC 1951), as many servers send it. */
static bool zlib_header(const uint8_t *data, uint32_t len)
{
    if (len < 2)
        return len == 1 && (data[0] & 0x0f) == 8;
    return (data[0] & 0x0f) == 8 && ((unsigned)data[0] << 8 | data[1]) % 31 == 0;
}

static bool layer_start(struct http_layer *layer, const uint8_t *data, uint32_t len)
{
    layer->z.zalloc = zlib_alloc;
    layer->z.zfree = zlib_free;
    layer->z.opaque = layer->slab;
    int bits = !layer->gzip && zlib_header(data, len) ? MAX_WBITS : -MAX_WBITS;
    if (inflateInit2(&layer->z, bits) != Z_OK)
        return false;
    layer->started = true;
    return true;
}

#define GZIP_FIXED        10
#define GZIP_FLAG_HCRC    2
#define GZIP_FLAG_EXTRA   4
#define GZIP_FLAG_NAME    8
#define GZIP_FLAG_COMMENT 16

/** Read behind a NUL; false while it has not come. */
static bool skip_text(struct cursor *c)
{
    while (cursor_left(c) > 0)
        if (cursor_u8(c) == 0)
            return true;
    return false;
}

/**
 * Length of the gzip header (RFC 1952 2.3) in `len` bytes, 0 while it is not whole, -1 when it is
 * none. By hand, because zlib refuses reserved flags and a wrong header checksum, and browsers
 * don't.
 */
static int64_t gzip_header(const uint8_t *data, uint32_t len)
{
    static const uint8_t magic[] = { 0x1f, 0x8b, 8 };
    if (memcmp(data, magic, len < sizeof(magic) ? len : sizeof(magic)) != 0)
        return -1;
    if (len < GZIP_FIXED)
        return 0;
    struct cursor c = cursor_make(data, len);
    cursor_skip(&c, GZIP_FIXED);
    if (data[3] & GZIP_FLAG_EXTRA) {
        uint16_t extra = cursor_le16(&c);
        cursor_skip(&c, extra);
    }
    if (data[3] & GZIP_FLAG_NAME && !skip_text(&c))
        return 0;
    if (data[3] & GZIP_FLAG_COMMENT && !skip_text(&c))
        return 0;
    cursor_skip(&c, data[3] & GZIP_FLAG_HCRC ? 2 : 0);
    return c.bad ? 0 : c.at - data;
}

/* ---- opening ------------------------------------------------------------------------------- */

/** False when there are too many. */
static bool layer_add(struct app_io *io, struct http_body *b, bool gzip)
{
    /* The encoding named last was applied last and is undone first: shift the others behind it. */
    if (b->layers[HTTP_LAYERS_MAX - 1]) {
        app_count(io->ctx, APP_COUNT_DECOMPRESS_LIMIT);
        return false;
    }
    struct http_layer *layer = slab_try_zalloc(io->ctx->slab, sizeof(*layer));
    if (!layer) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return true;
    }
    layer->slab = io->ctx->slab;
    layer->gzip = gzip;
    for (unsigned i = HTTP_LAYERS_MAX - 1; i > 0; i--)
        b->layers[i] = b->layers[i - 1];
    b->layers[0] = layer;
    return true;
}

bool http_body_encoding(struct app_io *io, struct http_body *b, const uint8_t *v, uint32_t len)
{
    bool fits = true;
    for (uint32_t at = 0; at < len;) {
        uint32_t end = at;
        while (end < len && v[end] != ',')
            end++;
        if (http_text_has(v + at, end - at, "gzip"))
            fits &= layer_add(io, b, true);
        else if (http_text_has(v + at, end - at, "deflate"))
            fits &= layer_add(io, b, false);
        at = end + 1;
    }
    return fits;
}

void http_body_open(struct app_io *io, struct http_tx *t)
{
    struct http_side *side = &t->side[io->dir];
    bool request = io->dir == SIG_DIR_TOSERVER;
    side->body.window = request ? (struct app_window){ io->ctx->conf.http_body_request,
                                                       REQUEST_FIRST, REQUEST_WINDOW }
                                : (struct app_window){ io->ctx->conf.http_body_response,
                                                       RESPONSE_FIRST, RESPONSE_WINDOW };
    const struct http_header *h = http_header_find(side, "Content-Encoding");
    if (h && !http_body_encoding(io, &side->body, http_header_value(side, h), h->value.len))
        app_tx_event(&t->tx, io->dir, HTTP_TOO_MANY_LAYERS);
    http_files_open(io, t);
}

/* ---- bytes --------------------------------------------------------------------------------- */

/** A body goes beyond its limit; decoding ends there (http_body_take). */
static void body_outgrow(struct app_io *io, struct http_body *b, const uint8_t *data, uint32_t len)
{
    if (!b->limited) {
        app_count(io->ctx, APP_COUNT_BODY_LIMIT);
        b->cut = !b->endless || b->layers[0];
        if (!b->cut && b->size == b->data.len)
            app_sums_begin(io->ctx, &b->sums, &b->data);
    }
    b->limited = true;
    app_sums_add(b->sums, data, len);
}

/** Keep decoded bytes up to the limit. */
static void body_keep(struct app_io *io, struct http_body *b, const uint8_t *data, uint32_t len)
{
    uint32_t room = b->window.limit - b->data.len;
    if (len > room || b->limited)
        body_outgrow(io, b, data, len);
    b->size += len;
    if (len > room)
        len = room;
    if (len > 0 && !app_bytes_add(io->ctx->slab, &b->data, data, len)) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        b->limited = true;
        b->cut = true;
        b->window.limit = b->data.len;
    }
}

static void body_failed(struct app_io *io, struct http_body *b)
{
    app_count(io->ctx, APP_COUNT_DECOMPRESS_ERROR);
    b->failed = true;
}

static void layer_decode(struct app_io *io, struct http_body *b, unsigned n,
                         const uint8_t *data, uint32_t len);

/** A layer that its data turn out not to have: they pass as they are, with what was held back. */
static void layer_pass(struct app_io *io, struct http_body *b, unsigned n)
{
    struct http_layer *layer = b->layers[n];
    layer->passes = true;
    layer_decode(io, b, n + 1, layer->head.data, layer->head.len);
    app_bytes_free(io->ctx->slab, &layer->head);
}

/** Inflate, handing on what comes out. False when the data are no deflate. */
static bool layer_inflate(struct app_io *io, struct http_body *b, unsigned n,
                          const uint8_t *data, uint32_t len)
{
    struct http_layer *layer = b->layers[n];
    uint8_t step[STEP];
    layer->z.next_in = (Bytef *)(uintptr_t)data;
    layer->z.avail_in = len;
    while (!layer->done && !b->limited) {
        layer->z.next_out = step;
        layer->z.avail_out = STEP;
        int rc = inflate(&layer->z, Z_SYNC_FLUSH);
        uint32_t made = STEP - layer->z.avail_out;
        if (made > 0)
            layer_decode(io, b, n + 1, step, made);
        layer->done = rc == Z_STREAM_END;
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return false;
        if (made == 0 || rc == Z_BUF_ERROR)
            return true;
    }
    return true;
}

/** Gather a layer's first bytes until it can start. True when it has (or passes). */
static bool layer_begin(struct app_io *io, struct http_body *b, unsigned n,
                        const uint8_t *data, uint32_t len)
{
    struct http_layer *layer = b->layers[n];
    if (!app_bytes_add(io->ctx->slab, &layer->head, data, len)) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        layer->done = true;
        return false;
    }
    int64_t skip = layer->gzip ? gzip_header(layer->head.data, layer->head.len) : 0;
    bool more = layer->gzip ? skip == 0 : layer->head.len < 2;
    if (more && layer->head.len < HTTP_LAYER_HEAD_MAX)
        return false;
    if (skip < 0 || more || !layer_start(layer, layer->head.data, layer->head.len)) {
        body_failed(io, b);
        layer_pass(io, b, n);
        return true;
    }
    struct app_bytes head = layer->head;
    layer->head = (struct app_bytes){ NULL, 0, 0 };
    bool sound = layer_inflate(io, b, n, head.data + skip, head.len - (uint32_t)skip);
    layer->head = head;
    if (sound) {
        app_bytes_free(io->ctx->slab, &layer->head);
        return true;
    }
    body_failed(io, b);
    if (layer->z.total_out == 0)
        layer_pass(io, b, n);
    layer->done = true;
    return true;
}

/** Undo layer `n` and all behind it. */
static void layer_decode(struct app_io *io, struct http_body *b, unsigned n,
                         const uint8_t *data, uint32_t len)
{
    struct http_layer *layer = n < HTTP_LAYERS_MAX ? b->layers[n] : NULL;
    if (len == 0)
        return;
    if (!layer) {
        body_keep(io, b, data, len);
    } else if (layer->passes) {
        layer_decode(io, b, n + 1, data, len);
    } else if (layer->done || b->limited) {
        return;
    } else if (!layer->started) {
        (void)layer_begin(io, b, n, data, len);
    } else if (!layer_inflate(io, b, n, data, len)) {
        body_failed(io, b);
        layer->done = true;
    }
}

void http_body_take(struct app_io *io, struct http_body *b, const uint8_t *data, uint32_t len)
{
    b->wire += len;
    layer_decode(io, b, 0, data, len);
    if (b->limited && b->layers[0])
        http_body_close(io->ctx, b);
}

void http_body_add(struct app_io *io, struct http_tx *t, const uint8_t *data, uint32_t len)
{
    struct http_body *b = &t->side[io->dir].body;
    http_body_take(io, b, data, len);
    if (b->failed)
        app_tx_event(&t->tx, io->dir, HTTP_DECOMPRESSION_FAILED);
    http_files_advance(io, t);
    t->tx.updated[io->dir] = true;
}

void http_body_gap(struct app_io *io, struct http_tx *t, uint32_t len)
{
    struct http_body *b = &t->side[io->dir].body;
    b->wire += len;
    b->gaps = true;
    http_files_advance(io, t);
    if (!b->layers[0])
        return;
    body_failed(io, b);
    app_tx_event(&t->tx, io->dir, HTTP_DECOMPRESSION_FAILED);
    b->layers[0]->done = !b->layers[0]->passes;
}

/* ---- the body as a file -------------------------------------------------------------------- */

/* Of what goes beyond the limit nothing is known, as in the reference: it calls that truncated. */
static bool body_is_whole(const struct http_body *b, bool done)
{
    return done && !b->cut && !b->gaps;
}

/* All of it, or NULL. */
static const struct app_bytes *body_kept(const struct http_body *b)
{
    return b->data.len == b->size ? &b->data : NULL;
}

bool http_size_view(struct http_body *b, bool done, struct app_view *out)
{
    b->told = (struct app_file_size){ b->cut ? b->data.len : b->size, b->cut || b->gaps };
    app_view_set(out, &b->told, sizeof(b->told));
    out->end = done || b->cut;
    return b->size > 0;
}

bool http_sum_view(struct app_ctx *ctx, struct http_body *b, bool done, enum sig_buffer buffer,
                   struct app_view *out)
{
    return b->size > 0 && body_is_whole(b, done) &&
           app_sums_view(ctx, &b->sums, body_kept(b), app_sums_kind(buffer), out);
}

bool http_body_file(struct app_ctx *ctx, struct http_body *b, bool done, struct app_file_view *out)
{
    if (b->size == 0)
        return false;
    *out = (struct app_file_view){ .data = { b->data.data, b->data.len, 0, true },
                                   .type = { b->type.data, b->type.len, 0, true },
                                   .size = b->cut ? b->data.len : b->size,
                                   .closed = done || b->cut,
                                   .truncated = b->cut || b->gaps,
                                   .gaps = b->gaps };
    if (body_is_whole(b, done))
        app_file_sums_get(ctx, &b->sums, body_kept(b), out);
    return true;
}

/* ---- windows ------------------------------------------------------------------------------- */

bool http_body_window(const struct http_body *b, bool done, struct app_view *out)
{
    uint32_t offset;
    if (!app_window_next(&b->window, b->data.len, b->inspected, done, &offset))
        return false;
    *out = (struct app_view){ b->data.data + offset, b->data.len - offset, offset,
                              done || b->limited };
    return true;
}
