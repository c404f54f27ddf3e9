/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of Content-Encoding: where their data begin, one step of decoding. */
#include "config.h"
#include "sensor/app/http_layer.h"

#include <isa-l/igzip_lib.h>

#include "common/cursor.h"
#include "sensor/app/unbrotli.h"

/**
 * First bytes that are gathered to find a layer's start (a gzip header with its name and comment).
 */
#define HEAD_MAX 4096u

/* ---- what inflates ------------------------------------------------------------------------- */

/* Bytes that may be written behind those that were decoded: copies are made by whole vectors. */
#define INFLATE_BEYOND 512u

/*
 * A copy from before the start shows what the window holds: zeros where nothing was decoded, never
 * what another flow had. The window takes 64 KiB and most pages some ten; so one of which the used
 * part has been cleared is kept for the next body.
 */
static struct inflate_state *inflate_take(struct app_ctx *ctx)
{
    struct inflate_state *z = ctx->inflate;
    ctx->inflate = NULL;
    if (!z) {
        z = slab_try_alloc(ctx->slab, sizeof(*z));
        if (z)
            memset(z->tmp_out_buffer, 0, sizeof(z->tmp_out_buffer));
    }
    return z;
}

static void inflate_close(struct app_ctx *ctx, struct inflate_state *z)
{
    if (!z || ctx->inflate) {
        slab_free(ctx->slab, z, sizeof(*z));
        return;
    }
    size_t decoded = (size_t)z->total_out + (size_t)(z->tmp_out_valid - z->tmp_out_processed);
    size_t used = decoded + INFLATE_BEYOND, most = sizeof(z->tmp_out_buffer);
    memset(z->tmp_out_buffer, 0, used < most ? used : most);
    ctx->inflate = z;
}

void http_layer_forget(struct app_ctx *ctx)
{
    slab_free(ctx->slab, ctx->inflate, sizeof(*ctx->inflate));
    ctx->inflate = NULL;
}

/* ---- the layer ----------------------------------------------------------------------------- */

struct http_layer *http_layer_open(struct app_ctx *ctx, enum http_coding coding)
{
    struct http_layer *layer = slab_try_zalloc(ctx->slab, sizeof(*layer));
    if (!layer)
        return NULL;
    layer->ctx = ctx;
    layer->coding = (uint8_t)coding;
    return layer;
}

void http_layer_free(struct http_layer *layer)
{
    if (!layer)
        return;
    inflate_close(layer->ctx, layer->inflate);
    unbrotli_free(layer->brotli);
    app_bytes_free(layer->ctx->slab, &layer->head);
    slab_free(layer->ctx->slab, layer, sizeof(*layer));
}

/* ---- where the data begin ------------------------------------------------------------------ */

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
 * Length of the gzip header (RFC 1952 2.3) in `len` bytes, -2 while it is not whole, -1 when it is
 * none. By hand, because libraries refuse reserved flags and a wrong header checksum, and browsers
 * don't.
 */
static int64_t gzip_header(const uint8_t *data, uint32_t len)
{
    static const uint8_t magic[] = { 0x1f, 0x8b, 8 };
    if (memcmp(data, magic, len < sizeof(magic) ? len : sizeof(magic)) != 0)
        return -1;
    if (len < GZIP_FIXED)
        return -2;
    struct cursor c = cursor_make(data, len);
    cursor_skip(&c, GZIP_FIXED);
    if (data[3] & GZIP_FLAG_EXTRA) {
        uint16_t extra = cursor_le16(&c);
        cursor_skip(&c, extra);
    }
    if (data[3] & GZIP_FLAG_NAME && !skip_text(&c))
        return -2;
    if (data[3] & GZIP_FLAG_COMMENT && !skip_text(&c))
        return -2;
    cursor_skip(&c, data[3] & GZIP_FLAG_HCRC ? 2 : 0);
    return c.bad ? -2 : c.at - data;
}

#define ZLIB_HEADER     2
#define ZLIB_DICTIONARY 0x20 /* one that both sides know: nobody has it here */
#define ZLIB_WINDOW_MAX 7

/** RFC 1950 2.2: a zlib header, else "deflate" is raw (RFC 1951). */
static bool is_zlib_header(const uint8_t *data, uint32_t len)
{
    return len >= ZLIB_HEADER && (data[0] & 0x0f) == 8 &&
           ((unsigned)data[0] << 8 | data[1]) % 31 == 0;
}

/** Where the data of a "deflate" begin, as gzip_header. */
static int64_t deflate_header(const uint8_t *data, uint32_t len)
{
    if (len < ZLIB_HEADER)
        return -2;
    if (!is_zlib_header(data, len))
        return 0;
    return data[1] & ZLIB_DICTIONARY || data[0] >> 4 > ZLIB_WINDOW_MAX ? -1 : ZLIB_HEADER;
}

static bool brotli_open(struct http_layer *layer)
{
    layer->brotli = unbrotli_open(layer->ctx->slab, layer->ctx->unbrotli);
    if (!layer->brotli)
        app_count(layer->ctx, APP_COUNT_NO_MEMORY);
    return layer->brotli;
}

/** `sum`: Adler-32 follows the data and is to be right. */
static bool inflate_open(struct http_layer *layer, bool sum)
{
    struct inflate_state *z = inflate_take(layer->ctx);
    layer->inflate = z;
    if (!z) {
        app_count(layer->ctx, APP_COUNT_NO_MEMORY);
        return false;
    }
    isal_inflate_init(z);
    z->crc_flag = sum ? ISAL_ZLIB_NO_HDR_VER : ISAL_DEFLATE;
    return true;
}

int64_t http_layer_start(struct http_layer *layer, const uint8_t *data, uint32_t len)
{
    int64_t skip = layer->coding == HTTP_GZIP      ? gzip_header(data, len)
                   : layer->coding == HTTP_DEFLATE ? deflate_header(data, len)
                                                   : 0;
    if (skip == -2)
        return len < HEAD_MAX ? -2 : -1;
    if (skip < 0)
        return -1;
    layer->started = layer->coding == HTTP_BROTLI
                         ? brotli_open(layer)
                         : inflate_open(layer, layer->coding == HTTP_DEFLATE && skip > 0);
    return layer->started ? skip : -1;
}

/* ---- decoding ------------------------------------------------------------------------------ */

void http_layer_give(struct http_layer *layer, const uint8_t *data, uint32_t len)
{
    layer->in = data;
    layer->in_len = len;
}

/** What was decoded before an error and had no room in the step that met it. */
static enum http_layer_result inflate_rest(struct inflate_state *z, uint8_t *step, uint32_t *made)
{
    uint32_t left = (uint32_t)(z->tmp_out_valid - z->tmp_out_processed);
    uint32_t room = HTTP_LAYER_STEP - *made, n = left < room ? left : room;
    memcpy(step + *made, z->tmp_out_buffer + z->tmp_out_processed, n);
    z->tmp_out_processed += (int32_t)n;
    *made += n;
    return n < left ? HTTP_LAYER_MORE : HTTP_LAYER_BROKEN;
}

static enum http_layer_result inflate_step(struct http_layer *layer, uint8_t *step, uint32_t *made)
{
    struct inflate_state *z = layer->inflate;
    if (layer->broken)
        return inflate_rest(z, step, made);
    memset(step, 0, HTTP_LAYER_STEP); /* as the window */
    z->next_in = (uint8_t *)(uintptr_t)layer->in;
    z->avail_in = layer->in_len;
    z->next_out = step;
    z->avail_out = HTTP_LAYER_STEP;
    layer->broken = isal_inflate(z) < 0;
    http_layer_give(layer, z->next_in, z->avail_in);
    *made = HTTP_LAYER_STEP - z->avail_out;
    layer->done = z->block_state == ISAL_BLOCK_FINISH;
    if (layer->broken)
        return inflate_rest(z, step, made);
    return z->avail_out == 0 ? HTTP_LAYER_MORE : HTTP_LAYER_IDLE;
}

static enum http_layer_result brotli_step(struct http_layer *layer, uint8_t *step, uint32_t *made)
{
    struct unbrotli_io io = { layer->in, layer->in_len, step, HTTP_LAYER_STEP };
    enum unbrotli_status status = unbrotli_next(layer->brotli, &io);
    http_layer_give(layer, io.in, (uint32_t)io.in_left);
    *made = HTTP_LAYER_STEP - (uint32_t)io.out_left;
    layer->done = status == UNBROTLI_END;
    if (status == UNBROTLI_NO_ROOM)
        app_count(layer->ctx, APP_COUNT_DECOMPRESS_LIMIT);
    if (status == UNBROTLI_NO_ROOM || status == UNBROTLI_BROKEN)
        return HTTP_LAYER_BROKEN;
    return status == UNBROTLI_FULL ? HTTP_LAYER_MORE : HTTP_LAYER_IDLE;
}

enum http_layer_result http_layer_step(struct http_layer *layer, uint8_t *step, uint32_t *made)
{
    *made = 0;
    enum http_layer_result result = layer->coding == HTTP_BROTLI ? brotli_step(layer, step, made)
                                                                 : inflate_step(layer, step, made);
    layer->gave |= *made > 0;
    return result;
}
