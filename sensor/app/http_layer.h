/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One layer of Content-Encoding: its start is gathered and found, then it decodes, with ISA-L or
 * brotli, in memory of the worker. What comes out goes to the caller step by step.
 *
 * What stands before an error comes out whole, as it does for a browser. ISA-L may say a little
 * more than that (a copy from before the start, of at most 258 bytes, counts as written): zeros or
 * bytes of this body, the same in each run.
 */
#ifndef SENSOR_APP_HTTP_LAYER_H
#define SENSOR_APP_HTTP_LAYER_H

#include "sensor/app/parser.h"

struct inflate_state;
struct unbrotli;

/** Decoded bytes that are handed on at a time. */
#define HTTP_LAYER_STEP 4096u

enum http_coding {
    HTTP_GZIP,        /* RFC 1952 */
    HTTP_DEFLATE,     /* RFC 1950, or as many servers send it without its header */
    HTTP_RAW_DEFLATE, /* RFC 1951 */
    HTTP_BROTLI,
};

/** A layer, in the slab with all that it allocates. */
struct http_layer {
    struct inflate_state *inflate; /* of all but brotli, once it has started */
    struct unbrotli *brotli;
    struct app_ctx *ctx;
    const uint8_t *in; /* given, not decoded yet */
    uint32_t in_len;
    struct app_bytes head; /* first bytes, until the layer can start */
    uint8_t coding;        /* enum http_coding */
    bool started, done;
    bool broken; /* what was decoded before that is still to be handed on */
    bool passes; /* its data do not have it */
    bool gave;   /* something came out */
};

enum http_layer_result {
    HTTP_LAYER_MORE,   /* another step may give more */
    HTTP_LAYER_IDLE,   /* it has nothing more to give without input, or is done */
    HTTP_LAYER_BROKEN, /* the data are not of its coding, or memory is out (counted) */
};

/** A layer that undoes `coding`; NULL when memory is out. */
struct http_layer *http_layer_open(struct app_ctx *ctx, enum http_coding coding);

/**
 * Find where the layer's data begin in its first `len` bytes and start it: how many stand before
 * them, -1 when they are not of its coding, -2 while that can't be said.
 */
int64_t http_layer_start(struct http_layer *layer, const uint8_t *data, uint32_t len);

/** Bytes to decode now; they stay the caller's, until a step says IDLE. */
void http_layer_give(struct http_layer *layer, const uint8_t *data, uint32_t len);

/** Decode up to HTTP_LAYER_STEP bytes into `step`; `made`: how many came out, whatever is said. */
enum http_layer_result http_layer_step(struct http_layer *layer, uint8_t *step, uint32_t *made);

/** Free; the context may keep what decoded for the next layer. NULL is allowed. */
void http_layer_free(struct http_layer *layer);

/** Free what the context keeps. */
void http_layer_forget(struct app_ctx *ctx);

#endif
