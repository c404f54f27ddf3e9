/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of Content-Encoding: zlib's memory, gzip's header, one step of decoding. */
#include "config.h"
#include "sensor/app/http_layer.h"

#include "common/cursor.h"
#include "sensor/app/unbrotli.h"

/**
 * First bytes that are gathered to find a layer's start (a gzip header with its name and comment).
 */
#define HEAD_MAX 4096u

/* ---- zlib's memory ------------------------------------------------------------------------- */

static void *zlib_alloc(void *slab, unsigned items, unsigned size)
{
    return slab_try_sized(slab, (size_t)items * size);
}

static void zlib_free(void *slab, void *block)
{
    slab_free_sized(slab, block);
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
    if (layer->started && layer->coding != HTTP_BROTLI)
        (void)inflateEnd(&layer->z);
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
 * none. By hand, because zlib refuses reserved flags and a wrong header checksum, and browsers
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

/** RFC 1950 2.2: a zlib header, else "deflate" is raw (RFC 1951). */
static bool is_zlib_header(const uint8_t *data, uint32_t len)
{
    return len >= 2 && (data[0] & 0x0f) == 8 && ((unsigned)data[0] << 8 | data[1]) % 31 == 0;
}

static bool brotli_open(struct http_layer *layer)
{
    layer->brotli = unbrotli_open(layer->ctx->slab, layer->ctx->unbrotli);
    if (!layer->brotli)
        app_count(layer->ctx, APP_COUNT_NO_MEMORY);
    return layer->brotli;
}

static bool zlib_open(struct http_layer *layer, int bits)
{
    layer->z.zalloc = zlib_alloc;
    layer->z.zfree = zlib_free;
    layer->z.opaque = layer->ctx->slab;
    return inflateInit2(&layer->z, bits) == Z_OK;
}

int64_t http_layer_start(struct http_layer *layer, const uint8_t *data, uint32_t len)
{
    int64_t skip = layer->coding == HTTP_GZIP                 ? gzip_header(data, len)
                   : layer->coding == HTTP_DEFLATE && len < 2 ? -2
                                                              : 0;
    if (skip == -2)
        return len < HEAD_MAX ? -2 : -1;
    if (skip < 0)
        return -1;
    bool zlib = layer->coding == HTTP_DEFLATE && is_zlib_header(data, len);
    layer->started = layer->coding == HTTP_BROTLI
                         ? brotli_open(layer)
                         : zlib_open(layer, zlib ? MAX_WBITS : -MAX_WBITS);
    return layer->started ? skip : -1;
}

/* ---- decoding ------------------------------------------------------------------------------ */

void http_layer_give(struct http_layer *layer, const uint8_t *data, uint32_t len)
{
    layer->z.next_in = (Bytef *)(uintptr_t)data;
    layer->z.avail_in = len;
}

static enum http_layer_result inflate_step(struct http_layer *layer)
{
    uInt room = layer->z.avail_out;
    int rc = inflate(&layer->z, Z_SYNC_FLUSH);
    layer->done = rc == Z_STREAM_END;
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return HTTP_LAYER_BROKEN;
    bool more = rc == Z_OK && layer->z.avail_out < room;
    return more ? HTTP_LAYER_MORE : HTTP_LAYER_IDLE;
}

static enum http_layer_result brotli_step(struct http_layer *layer)
{
    struct unbrotli_io io = { layer->z.next_in, layer->z.avail_in, layer->z.next_out,
                              layer->z.avail_out };
    enum unbrotli_status status = unbrotli_next(layer->brotli, &io);
    http_layer_give(layer, io.in, (uint32_t)io.in_left);
    layer->z.avail_out = (uInt)io.out_left;
    layer->done = status == UNBROTLI_END;
    if (status == UNBROTLI_NO_ROOM)
        app_count(layer->ctx, APP_COUNT_DECOMPRESS_LIMIT);
    if (status == UNBROTLI_NO_ROOM || status == UNBROTLI_BROKEN)
        return HTTP_LAYER_BROKEN;
    return status == UNBROTLI_FULL ? HTTP_LAYER_MORE : HTTP_LAYER_IDLE;
}

enum http_layer_result http_layer_step(struct http_layer *layer, uint8_t *step, uint32_t *made)
{
    layer->z.next_out = step;
    layer->z.avail_out = HTTP_LAYER_STEP;
    enum http_layer_result result =
        layer->coding == HTTP_BROTLI ? brotli_step(layer) : inflate_step(layer);
    *made = HTTP_LAYER_STEP - layer->z.avail_out;
    layer->gave |= *made > 0;
    return result;
}
