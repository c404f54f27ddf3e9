/* SPDX-License-Identifier: Apache-2.0 */
/* libzstd behind limits. */
#include "config.h"
#include "common/zst.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/xalloc.h"

/* How much is unpacked in one step. */
#define STEP (128u << 10)

struct zst_writer {
    ZSTD_CCtx *ctx;
};

struct zst_reader {
    ZSTD_DCtx *ctx;
    uint64_t left;
    bool whole;
    int err;
};

static ZSTD_CCtx *compressor(int level)
{
    if (level < 1 || level > ZSTD_maxCLevel())
        return NULL;
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    if (!ctx)
        abort();
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
    /* The highest levels would use windows that our own readers refuse. */
    if (level > 19)
        ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, ZST_WINDOW_LOG_MAX);
    return ctx;
}

int zst_compress(const void *bytes, size_t len, int level, struct buf *out)
{
    ZSTD_CCtx *ctx = compressor(level);
    if (!ctx)
        return ABENG_EINVAL;
    int rc = ABENG_ELIMIT;
    size_t bound = ZSTD_compressBound(len);
    uint8_t *packed = xmalloc(bound);
    size_t n = ZSTD_compress2(ctx, packed, bound, bytes, len);
    if (ZSTD_isError(n))
        goto out;
    buf_add(out, packed, n);
    rc = out->bad ? ABENG_ELIMIT : 0;
out:
    free(packed);
    ZSTD_freeCCtx(ctx);
    return rc;
}

/*
 * One frame that says how long it is goes straight to where it belongs, with no window between: 1;
 * 0 when it does not say, or more stands behind it; or an error.
 */
static int decompress_known(const void *bytes, size_t len, struct buf *out)
{
    unsigned long long size = ZSTD_getFrameContentSize(bytes, len);

    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size == 0 ||
        size > out->max - out->len || ZSTD_findFrameCompressedSize(bytes, len) != len)
        return 0;
    uint8_t *room = buf_room(out, (size_t)size);
    if (!room || ZSTD_decompress(room, (size_t)size, bytes, len) != size)
        return ABENG_EFORMAT;
    out->len += (size_t)size;
    return 1;
}

int zst_decompress(const void *bytes, size_t len, struct buf *out)
{
    int known = decompress_known(bytes, len, out);
    if (known)
        return known > 0 ? 0 : known;
    struct zst_reader *r = zst_reader_create(out->max - out->len);
    int rc = zst_reader_add(r, bytes, len, out);
    if (rc == 0 && !r->whole)
        rc = ABENG_EFORMAT;
    zst_reader_free(r);
    return rc;
}

struct zst_writer *zst_writer_create(int level)
{
    ZSTD_CCtx *ctx = compressor(level);
    if (!ctx)
        return NULL;
    struct zst_writer *w = xcalloc(1, sizeof(*w));
    w->ctx = ctx;
    return w;
}

static int pump(struct zst_writer *w, ZSTD_inBuffer *in, ZSTD_EndDirective how, struct buf *out)
{
    for (;;) {
        size_t room = ZSTD_CStreamOutSize();
        uint8_t piece[8192];
        ZSTD_outBuffer o = { piece, room < sizeof(piece) ? room : sizeof(piece), 0 };
        size_t left = ZSTD_compressStream2(w->ctx, &o, in, how);
        if (ZSTD_isError(left))
            return ABENG_ERR;
        buf_add(out, piece, o.pos);
        if (out->bad)
            return ABENG_ELIMIT;
        if (how == ZSTD_e_continue ? in->pos == in->size : left == 0)
            return 0;
    }
}

int zst_writer_add(struct zst_writer *w, const void *bytes, size_t len, struct buf *out)
{
    ZSTD_inBuffer in = { bytes, len, 0 };
    return pump(w, &in, ZSTD_e_continue, out);
}

int zst_writer_flush(struct zst_writer *w, struct buf *out)
{
    ZSTD_inBuffer in = { NULL, 0, 0 };
    return pump(w, &in, ZSTD_e_flush, out);
}

int zst_writer_end(struct zst_writer *w, struct buf *out)
{
    ZSTD_inBuffer in = { NULL, 0, 0 };
    return pump(w, &in, ZSTD_e_end, out);
}

void zst_writer_free(struct zst_writer *w)
{
    if (!w)
        return;
    ZSTD_freeCCtx(w->ctx);
    free(w);
}

struct zst_reader *zst_reader_create(uint64_t limit)
{
    struct zst_reader *r = xcalloc(1, sizeof(*r));
    r->ctx = ZSTD_createDCtx();
    if (!r->ctx)
        abort();
    ZSTD_DCtx_setParameter(r->ctx, ZSTD_d_windowLogMax, ZST_WINDOW_LOG_MAX);
    r->left = limit;
    r->whole = true;
    return r;
}

/* One step of output. Sets `more` while libzstd may still hold some back. */
static int unpack(struct zst_reader *r, ZSTD_inBuffer *in, struct buf *out, bool *more)
{
    size_t before = in->pos;
    uint64_t want = out->max - out->len < r->left ? out->max - out->len : r->left;
    /* One byte more than allowed tells a stream that ends at the limit from one that passes it. */
    uint8_t extra;
    size_t step = want < STEP ? (size_t)want : STEP;
    uint8_t *room = step ? buf_room(out, step) : &extra;
    if (!room)
        return ABENG_ELIMIT;
    ZSTD_outBuffer o = { room, step ? step : 1, 0 };
    size_t hint = ZSTD_decompressStream(r->ctx, &o, in);
    if (ZSTD_isError(hint))
        return ZSTD_getErrorCode(hint) == ZSTD_error_frameParameter_windowTooLarge ? ABENG_ELIMIT
                                                                                   : ABENG_EFORMAT;
    if (!step && o.pos)
        return ABENG_ELIMIT;
    out->len += o.pos;
    r->left -= o.pos;
    if (in->pos > before || o.pos)
        r->whole = hint == 0;
    *more = in->pos < in->size || o.pos == o.size;
    return 0;
}

int zst_reader_add(struct zst_reader *r, const void *bytes, size_t len, struct buf *out)
{
    ZSTD_inBuffer in = { bytes, len, 0 };
    for (bool more = len > 0; more && !r->err;)
        r->err = unpack(r, &in, out, &more);
    return r->err;
}

bool zst_reader_whole(const struct zst_reader *r)
{
    return r->whole && !r->err;
}

void zst_reader_free(struct zst_reader *r)
{
    if (!r)
        return;
    ZSTD_freeDCtx(r->ctx);
    free(r);
}
