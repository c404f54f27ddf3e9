/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP bodies: their layers of encoding undone one behind another; what is kept for rules; and
 * which part of it rules look at when. Nothing is decoded beyond the limit, so that a bomb costs no
 * more than its first bytes. Suricata 7.0.10 does not undo brotli over HTTP/1: there profile abeng
 * reads such a body twice, as that one does and in plain text.
 */
#include "config.h"
#include "sensor/app/http.h"

#include <strings.h>

/**
 * First look at a request's and a response's body, and later windows, as Suricata's default
 * configuration.
 */
#define REQUEST_FIRST   32768u
#define REQUEST_WINDOW  4096u
#define RESPONSE_FIRST  40960u
#define RESPONSE_WINDOW 16384u
void http_body_close(struct http_body *b)
{
    for (unsigned i = 0; i < HTTP_LAYERS_MAX; i++) {
        http_layer_free(b->layers[i]);
        b->layers[i] = NULL;
    }
    if (b->plain)
        http_body_close(b->plain);
}

void http_body_free(struct app_ctx *ctx, struct http_body *b)
{
    http_body_close(b);
    app_bytes_free(ctx->slab, &b->data);
    app_bytes_free(ctx->slab, &b->type);
    app_sums_free(ctx, b->sums);
    if (b->plain)
        http_body_free(ctx, b->plain);
    slab_free(ctx->slab, b->plain, sizeof(*b->plain));
    b->plain = NULL;
}

struct http_body *http_body_reading(struct http_body *b, uint32_t index)
{
    return index == 0 ? b : index == 1 ? b->plain : NULL;
}

/* ---- opening ------------------------------------------------------------------------------- */

/** False when there are too many. */
static bool layer_add(struct app_io *io, struct http_body *b, enum http_coding coding)
{
    /* The encoding named last was applied last and is undone first: shift the others behind it. */
    if (b->layers[HTTP_LAYERS_MAX - 1]) {
        app_count(io->ctx, APP_COUNT_DECOMPRESS_LIMIT);
        return false;
    }
    struct http_layer *layer = http_layer_open(io->ctx, coding);
    if (!layer) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return true;
    }
    for (unsigned i = HTTP_LAYERS_MAX - 1; i > 0; i--)
        b->layers[i] = b->layers[i - 1];
    b->layers[0] = layer;
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/** Brotli is what is named "br" and nothing else; zlib's two are wherever the name stands. */
static bool names_brotli(const uint8_t *v, uint32_t len)
{
    while (len > 0 && is_blank(v[0])) {
        v++;
        len--;
    }
    while (len > 0 && is_blank(v[len - 1]))
        len--;
    return len == 2 && strncasecmp((const char *)v, "br", 2) == 0;
}

/** The layers that a list of encodings names, brotli among them where `brotli` is not NULL. */
static bool layers_open(struct app_io *io, struct http_body *b, const uint8_t *v, uint32_t len,
                        bool *brotli)
{
    bool fits = true;
    for (uint32_t at = 0, end; at < len; at = end + 1) {
        end = at;
        while (end < len && v[end] != ',')
            end++;
        if (http_text_has(v + at, end - at, "gzip")) {
            fits &= layer_add(io, b, HTTP_GZIP);
        } else if (http_text_has(v + at, end - at, "deflate")) {
            fits &= layer_add(io, b, HTTP_DEFLATE);
        } else if (brotli && names_brotli(v + at, end - at)) {
            fits &= layer_add(io, b, HTTP_BROTLI);
            *brotli = true;
        }
    }
    return fits;
}

/** The second reading, when there is brotli to undo. */
static void plain_open(struct app_io *io, struct http_tx *t, const uint8_t *v, uint32_t len)
{
    struct http_body *b = &t->side[io->dir].body;
    struct http_body *plain = slab_try_zalloc(io->ctx->slab, sizeof(*plain));
    bool brotli = false;
    if (!plain) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return;
    }
    plain->window = b->window;
    if (!layers_open(io, plain, v, len, &brotli) && brotli)
        app_tx_event(&t->tx, io->dir, HTTP_BROTLI_FAILED);
    if (brotli) {
        b->plain = plain;
    } else {
        http_body_close(plain);
        slab_free(io->ctx->slab, plain, sizeof(*plain));
    }
}

/** What HTTP/2 has a decoder for, by name. */
static const struct {
    const char *name;
    enum http_coding coding;
} codings[] = {
    { "gzip", HTTP_GZIP },
    { "deflate", HTTP_RAW_DEFLATE },
    { "br", HTTP_BROTLI },
};

void http_body_coding(struct app_io *io, struct http_body *b, const uint8_t *v, uint32_t len)
{
    for (unsigned i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
        if (len == strlen(codings[i].name) && memcmp(v, codings[i].name, len) == 0)
            (void)layer_add(io, b, codings[i].coding);
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
    if (h && !layers_open(io, &side->body, http_header_value(side, h), h->value.len, NULL))
        app_tx_event(&t->tx, io->dir, HTTP_TOO_MANY_LAYERS);
    if (h && io->ctx->conf.beyond)
        plain_open(io, t, http_header_value(side, h), h->value.len);
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
    layer->done = layer->coding == HTTP_BROTLI; /* what it would pass is read elsewhere */
    layer->passes = !layer->done;
    if (layer->done)
        return;
    layer_decode(io, b, n + 1, layer->head.data, layer->head.len);
    app_bytes_free(io->ctx->slab, &layer->head);
}

/** Decode, handing on what comes out. False when the data are not of the layer's coding. */
static bool layer_run(struct app_io *io, struct http_body *b, unsigned n, const uint8_t *data,
                      uint32_t len)
{
    struct http_layer *layer = b->layers[n];
    enum http_layer_result result = HTTP_LAYER_MORE;
    uint8_t step[HTTP_LAYER_STEP];
    http_layer_give(layer, data, len);
    while (result == HTTP_LAYER_MORE && !b->limited) {
        uint32_t made;
        result = http_layer_step(layer, step, &made);
        layer_decode(io, b, n + 1, step, made);
    }
    return result != HTTP_LAYER_BROKEN;
}

/** Gather a layer's first bytes until it can start, or it is known that it can't. */
static void layer_begin(struct app_io *io, struct http_body *b, unsigned n, const uint8_t *data,
                        uint32_t len)
{
    struct http_layer *layer = b->layers[n];
    if (!app_bytes_add(io->ctx->slab, &layer->head, data, len)) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        layer->done = true;
        return;
    }
    int64_t skip = http_layer_start(layer, layer->head.data, layer->head.len);
    if (skip == -2)
        return;
    if (skip < 0) {
        body_failed(io, b);
        layer_pass(io, b, n);
        return;
    }
    struct app_bytes head = layer->head;
    layer->head = (struct app_bytes){ NULL, 0, 0 };
    bool sound = layer_run(io, b, n, head.data + skip, head.len - (uint32_t)skip);
    layer->head = head;
    if (sound) {
        app_bytes_free(io->ctx->slab, &layer->head);
        return;
    }
    body_failed(io, b);
    if (!layer->gave)
        layer_pass(io, b, n);
    layer->done = true;
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
        layer_begin(io, b, n, data, len);
    } else if (!layer_run(io, b, n, data, len)) {
        body_failed(io, b);
        layer->done = true;
    }
}

void http_body_take(struct app_io *io, struct http_body *b, const uint8_t *data, uint32_t len)
{
    b->wire += len;
    layer_decode(io, b, 0, data, len);
    if (b->plain)
        http_body_take(io, b->plain, data, len);
    if (b->limited && b->layers[0] && (!b->plain || b->plain->limited))
        http_body_close(b);
}

void http_body_cancel(struct http_body *b, uint32_t len, uint64_t size)
{
    b->data.len = len;
    b->size = size;
    http_body_close(b);
}

void http_body_add(struct app_io *io, struct http_tx *t, const uint8_t *data, uint32_t len)
{
    struct http_body *b = &t->side[io->dir].body;
    bool empty = b->size == 0;
    http_body_take(io, b, data, len);
    if (empty && b->size > 0 && io->dir == SIG_DIR_TOCLIENT)
        http_range_check(io, t);
    if (b->failed)
        app_tx_event(&t->tx, io->dir, HTTP_DECOMPRESSION_FAILED);
    if (b->plain && b->plain->failed)
        app_tx_event(&t->tx, io->dir, HTTP_BROTLI_FAILED);
    http_files_advance(io, t);
    t->tx.updated[io->dir] = true;
}

/** True when it can't be decoded any further. */
static bool body_gap(struct app_io *io, struct http_body *b, uint32_t len)
{
    b->wire += len;
    b->gaps = true;
    if (!b->layers[0])
        return false;
    body_failed(io, b);
    b->layers[0]->done = !b->layers[0]->passes;
    return true;
}

void http_body_gap(struct app_io *io, struct http_tx *t, uint32_t len)
{
    struct http_body *b = &t->side[io->dir].body;
    if (body_gap(io, b, len))
        app_tx_event(&t->tx, io->dir, HTTP_DECOMPRESSION_FAILED);
    if (b->plain && body_gap(io, b->plain, len))
        app_tx_event(&t->tx, io->dir, HTTP_BROTLI_FAILED);
    http_files_advance(io, t);
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

void http_body_looked(struct http_body *b, bool done)
{
    struct app_view view;
    if (http_body_window(b, done, &view))
        b->inspected = b->data.len;
    if (b->plain)
        http_body_looked(b->plain, done);
}
