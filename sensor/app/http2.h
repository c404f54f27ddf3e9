/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HTTP/2 inside this stage (RFC 9113). The way of a frame: http2.c cuts the stream into frames,
 * finds the transaction of their stream and keeps of each what rules can ask; header blocks pass
 * through hpack.c, DATA through the body decoder of HTTP/1. Each frame on stream 0 is a transaction
 * of its own. Buffers are made when asked for (http2_view.c), as Suricata 7.0.10 makes them.
 */
#ifndef SENSOR_APP_HTTP2_H
#define SENSOR_APP_HTTP2_H

#include "sensor/app/http.h"

/** Header fields and their bytes that are kept of one direction of a stream. */
#define HTTP2_HEADERS_MAX       1024u
#define HTTP2_HEADERS_BYTES_MAX (128u * 1024)
/** Frames of one direction of a stream that rules can ask about. */
#define HTTP2_FRAMES_MAX 4096u
/** Bytes of a header block that comes in several frames (Suricata's default). */
#define HTTP2_BLOCK_MAX 102400u

/** RFC 9113 6. */
enum http2_type {
    HTTP2_DATA,
    HTTP2_HEADERS,
    HTTP2_PRIORITY,
    HTTP2_RST_STREAM,
    HTTP2_SETTINGS,
    HTTP2_PUSH_PROMISE,
    HTTP2_PING,
    HTTP2_GOAWAY,
    HTTP2_WINDOW_UPDATE,
    HTTP2_CONTINUATION,
};

/** How far a stream has come, in Suricata's order: DATA_CLIENT and more have a whole request. */
enum http2_progress {
    HTTP2_OPEN,
    HTTP2_RESERVED,
    HTTP2_DATA_CLIENT,
    HTTP2_HALF_CLOSED_CLIENT,
    HTTP2_DATA_SERVER,
    HTTP2_HALF_CLOSED_SERVER,
    HTTP2_CLOSED,
    HTTP2_GLOBAL, /* stream 0 */
};

/** A header field: where name and value stand in the side's text. */
struct http2_header {
    struct http_slice name, value;
    uint64_t size_update;
    bool is_update; /* no field but a change of the table's size */
};

enum http2_made {
    HTTP2_MADE_HEADER,
    HTTP2_MADE_HEADER_RAW,
    HTTP2_MADE_NAMES,
    HTTP2_MADE_LINE,
    HTTP2_MADE_HOST,
    HTTP2_MADE_EACH,
    HTTP2_MADE_VALUE, /* the first of those below: one for each buffer that is a header's value */
    HTTP2_MADE_COUNT = HTTP2_MADE_VALUE + 12
};

/** One direction of a stream. Numbers are kept as sent, big-endian, one instance behind another. */
struct http2_side {
    struct app_bytes headers; /* struct http2_header */
    struct app_bytes text;
    struct app_bytes types, codes, weights, windows, updates, settings;
    struct app_bytes made[HTTP2_MADE_COUNT];
    uint32_t made_of[HTTP2_MADE_COUNT]; /* headers there were when it was made, plus one */
    struct http_body body;
    bool has_body, has_coding; /* has_coding: a content-encoding has come, which alone counts */
};

struct http2_tx {
    struct app_tx tx;
    uint32_t stream;  /* 0: of the connection */
    uint32_t child;   /* stream that a PUSH_PROMISE without its end speaks of */
    uint8_t progress; /* enum http2_progress */
    struct http2_side side[2];
};

/** Header `i` of a side, NULL beyond the last. */
const struct http2_header *http2_header_at(const struct http2_side *side, uint32_t i);

/** app_parser's buffer and describe for HTTP/2. */
bool http2_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                  enum sig_buffer buffer, uint32_t index, struct app_view *out);
/** As app_parser.file, for HTTP/2. */
bool http2_file(struct app_ctx *ctx, struct app_tx *tx, unsigned dir, uint32_t index,
                struct app_file_view *out);
/** EVE's "http" object. */
void http2_describe(struct app_flow *af, struct app_tx *tx, struct json *out);

#endif
