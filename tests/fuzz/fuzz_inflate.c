/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: deflate, zlib and gzip in pieces, beside zlib, which is another hand's. What zlib
 * decodes comes first in what we hand on, and a stream that it finds whole is the same to its end.
 * The first byte says how long pieces are, the second which coding.
 */
#include "config.h"
#include "sensor/app/http_layer.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/app/app.h"

#define SLAB_BYTES (8u << 20)
/** As much as a body is decoded. */
#define OUT_MAX 102400u
/** Symbols that ISA-L keeps back at the end of the bytes it has, since it looks them up together. */
#define KEPT_BACK 2u

struct decoded {
    uint8_t bytes[OUT_MAX + HTTP_LAYER_STEP];
    size_t len;
    bool whole;
};

/** libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool what)
{
    if (!what)
        abort();
}

/** One piece; false when nothing more is to come. */
static bool layer_piece(struct http_layer *layer, const uint8_t *data, uint32_t len,
                        struct decoded *out)
{
    enum http_layer_result result = HTTP_LAYER_MORE;
    uint8_t *copy = xmemdup(data, len);
    http_layer_give(layer, copy, len);
    while (result == HTTP_LAYER_MORE && out->len < OUT_MAX) {
        uint32_t made;
        result = http_layer_step(layer, out->bytes + out->len, &made);
        expect(made <= HTTP_LAYER_STEP);
        out->len += made;
    }
    free(copy);
    out->whole = layer->done;
    return result == HTTP_LAYER_IDLE && !layer->done;
}

/** By the layer, behind its header, which came whole. Returns the header's length, -1: none. */
static int64_t by_layer(struct http_layer *layer, const uint8_t *data, uint32_t len, uint32_t step,
                        struct decoded *out)
{
    int64_t skip = http_layer_start(layer, data, len);
    bool more = skip >= 0;
    for (uint32_t at = (uint32_t)skip; more && at < len; at += step)
        more = layer_piece(layer, data + at, step < len - at ? step : len - at, out);
    return skip < 0 ? -1 : skip;
}

/** By zlib, all at once. */
static void by_zlib(const uint8_t *data, size_t len, struct decoded *out)
{
    z_stream z = { 0 };
    expect(inflateInit2(&z, -MAX_WBITS) == Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)len;
    z.next_out = out->bytes;
    z.avail_out = OUT_MAX;
    out->whole = inflate(&z, Z_SYNC_FLUSH) == Z_STREAM_END;
    out->len = OUT_MAX - z.avail_out;
    (void)inflateEnd(&z);
}

/** Nothing of the layer is left in the slab. */
static void expect_empty(const struct slab *slab)
{
    struct slab_stats stats;
    slab_stats(slab, &stats);
    expect(stats.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum http_coding codings[] = { HTTP_RAW_DEFLATE, HTTP_DEFLATE, HTTP_GZIP };
    static struct decoded ours, theirs;
    static uint64_t counts[APP_COUNT_FLOWS + SIG_APP_COUNT];
    static struct counter_block counters = { counts };
    static const struct app_conf conf = { 0 };
    static struct slab *slab; /* one for all inputs, as a worker's is for all bodies */
    static struct app_ctx *app;
    if (size < 2)
        return 0;
    if (!app) {
        slab = slab_create(SLAB_BYTES);
        app = app_create(&conf, slab, &counters);
    }
    struct http_layer *layer = http_layer_open(app, codings[data[1] % 3]);
    ours = (struct decoded){ .len = 0 };
    int64_t skip = by_layer(layer, data + 2, (uint32_t)size - 2, data[0] + 1u, &ours);
    if (skip >= 0) {
        by_zlib(data + 2 + skip, size - 2 - (size_t)skip, &theirs);
        expect(ours.len + KEPT_BACK >= theirs.len);
        expect(memcmp(ours.bytes, theirs.bytes, ours.len < theirs.len ? ours.len : theirs.len) ==
               0);
        expect(!theirs.whole || ours.len == theirs.len);
    }
    http_layer_free(layer);
    if (data[0] & 1) { /* after others the inflater is used again */
        http_layer_forget(app);
        expect_empty(slab);
    }
    return 0;
}
