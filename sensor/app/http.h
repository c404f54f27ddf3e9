/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HTTP/1 inside this stage. The way of a message: lines are gathered (http.c drives), the first
 * line is split (http_head.c), header lines are kept as they came and indexed at their end, the
 * body is unchunked by http.c and decompressed and kept up to its limit by http_body.c. Nothing is
 * built for rules before one asks (http_view.c); the reading is that of libhtp 0.5.50 with its IDS
 * personality, as Suricata 7 sets it (anchors 2.8).
 */
#ifndef SENSOR_APP_HTTP_H
#define SENSOR_APP_HTTP_H

#include "sensor/app/http_files.h"
#include "sensor/app/http_layer.h"
#include "sensor/app/parser.h"

/** Longest first line or header line; more ends the parser (libhtp's hard field limit). */
#define HTTP_LINE_MAX 18000u
/** All header lines of a message. */
#define HTTP_HEADERS_BYTES_MAX (128u * 1024)
#define HTTP_HEADERS_MAX       1024
/** Repetitions of a header that are joined to the first. */
#define HTTP_REPEAT_MAX 64
/** Layers of Content-Encoding that are undone. */
#define HTTP_LAYERS_MAX 2
/** What stands for the URI of a request that was not seen, as in libhtp. */
#define HTTP_UNSEEN_URI "/libhtp::request_uri_not_seen"

enum http_event {
    HTTP_MISSING_HOST,
    HTTP_MISSING_COLON_REQUEST,
    HTTP_MISSING_COLON_RESPONSE,
    HTTP_NAME_REQUEST,
    HTTP_NAME_RESPONSE,
    HTTP_REPETITION_REQUEST,
    HTTP_REPETITION_RESPONSE,
    HTTP_BAD_LENGTH_REQUEST,
    HTTP_BAD_LENGTH_RESPONSE,
    HTTP_BAD_CHUNK_REQUEST,
    HTTP_BAD_CHUNK_RESPONSE,
    HTTP_UNMATCHED_RESPONSE,
    HTTP_DECOMPRESSION_FAILED,
    HTTP_LEADING_WHITESPACE,
    HTTP_URI_DELIMITER,
    HTTP_BAD_ENCODING_REQUEST,
    HTTP_HOST_AMBIGUOUS,
    HTTP_URI_HOST_INVALID,
    HTTP_HEADER_HOST_INVALID,
    HTTP_AUTH_UNRECOGNIZED,
    HTTP_DUPLICATE_LENGTH_REQUEST,
    HTTP_DUPLICATE_LENGTH_RESPONSE,
    HTTP_TOO_MANY_LAYERS,
    HTTP_ABNORMAL_ENCODING,
    HTTP_ABNORMAL_CHUNKED,
    HTTP_OLD_CHUNKED,
    HTTP_RESPONSE_PROTOCOL,
    HTTP_RESPONSE_STATUS,
    HTTP_FOLDING_REQUEST,
    HTTP_FOLDING_RESPONSE,
    HTTP_TOO_MANY_REQUEST,
    HTTP_TOO_MANY_RESPONSE,
    HTTP_CONTINUE_AGAIN,
    HTTP_METHOD_DELIMITER,
    HTTP_FIELD_TOO_LONG_REQUEST,
    HTTP_FORM_EMPTY_FILE,
    HTTP_FORM_BAD_HEADER,
    HTTP_BODY_UNEXPECTED,
    HTTP_RANGE_INVALID,
    HTTP_BROTLI_FAILED, /* profile abeng alone */
    /* Suricata 7.0.10 has names for those that follow and raises none of them: its HTTP reader does
     * not say them, or (LZMA) is not asked to */
    HTTP_NEVER,
};

/** A run of bytes in one of a side's buffers. */
struct http_slice {
    uint32_t at, len;
};

struct http_header {
    struct http_slice name;  /* in `raw` */
    struct http_slice value; /* in `raw`, or in `joined` */
    uint32_t hash;           /* of the name, for http_header_find alone */
    bool in_joined;
    uint8_t repeats;
};

struct http_body {
    struct app_bytes data; /* decoded, from the body's start */
    struct app_bytes type; /* file.magic, once asked for */
    uint64_t wire;         /* bytes as sent, with chunk framing */
    uint64_t size;         /* bytes decoded, kept or not */
    struct app_window window;
    uint32_t inspected;
    struct http_layer *layers[HTTP_LAYERS_MAX]; /* [0] undoes the outermost encoding */
    bool limited;                               /* limit reached and counted */
    bool failed;                                /* some of it did not decompress */
    bool gaps;                                  /* bytes of it are missing */
    bool endless;                               /* HTTP/2: a file beyond the limit too */
    bool cut;              /* it goes beyond the limit, and what follows is not known */
    struct app_sums *sums; /* NULL until asked for */
    struct app_file_size told; /* as rules were told last */
    /* profile abeng: the same with its brotli undone, which the reference leaves; else NULL */
    struct http_body *plain;
};

enum http_made {
    HTTP_MADE_HEADER,
    HTTP_MADE_NAMES,
    HTTP_MADE_START,
    HTTP_MADE_EACH,
    HTTP_MADE_COUNT
};

/** One message. */
struct http_side {
    struct app_bytes line;    /* first line without its end */
    struct app_bytes raw;     /* header lines as sent, with the blank one */
    struct app_bytes joined;  /* values that were folded or repeated */
    struct app_bytes headers; /* struct http_header */
    struct app_bytes made[HTTP_MADE_COUNT];
    bool is_made[HTTP_MADE_COUNT];
    uint32_t parsed; /* bytes of `raw` that are in `headers` */
    struct http_body body;
};

struct http_tx {
    struct app_tx tx;
    struct http_side side[2];
    struct http_slice method, uri, protocol;             /* in the request line */
    struct http_slice protocol_response, status, reason; /* in the response line */
    struct http_slice uri_host;                          /* in the request line; len 0: none */
    struct app_bytes path;                               /* normalised URI */
    struct app_bytes host;                               /* lower case, no port */
    struct app_bytes file_path;                          /* normalised path alone */
    struct http_form form;
    uint16_t status_number;
    bool no_protocol; /* HTTP/0.9 */
    bool continued;   /* a 100 response has come */
    bool unseen;      /* made by a response that no request was seen for */
    bool has_protocol, has_uri, path_made, host_made;
};

/** The index of a header of `side` by name without case, NULL when there is none. */
const struct http_header *http_header_find(const struct http_side *side, const char *name);

/** Header `i` of a side, NULL beyond the last. */
const struct http_header *http_header_at(const struct http_side *side, uint32_t i);

/** Bytes of a header's value. */
const uint8_t *http_header_value(const struct http_side *side, const struct http_header *h);

/**
 * Index the header lines that came since the last call; the last `blank` bytes are the line that
 * ended them. False at a limit.
 */
bool http_headers_parse(struct app_io *io, struct http_tx *t, uint32_t blank);

/**
 * End of a response's head line as browsers see it: LF, CR LF, LF CR, or a CR that neither CR nor
 * LF follows. 0 when more bytes are needed; `end`: none will come.
 */
uint32_t http_response_line_end(const uint8_t *data, uint32_t len, uint32_t from, bool end);

/** The first number in a Content-Length value, -1 when there is none. */
int64_t http_length(const struct http_side *side, const struct http_header *h);

/** Split the request line into method, URI and protocol. */
void http_request_line(struct app_io *io, struct http_tx *t);

/** Split the response line into protocol, status and reason. */
void http_response_line(struct http_tx *t);

/**
 * Whether `token` (lower case) stands anywhere in a text, without case and with NUL bytes passed
 * over.
 */
bool http_text_has(const uint8_t *d, uint32_t len, const char *token);

/** Whether a header's value has `token` in its list, without case. */
bool http_value_has(const struct http_side *side, const struct http_header *h, const char *token);

/**
 * Append the normalised form of a request URI (anchors 2.8) to `out`: path, query and fragment.
 * False when memory is out.
 */
bool http_uri_normalise(struct slab *slab, const uint8_t *uri, uint32_t len, struct app_bytes *out);

/** Where an absolute URI's own host stands in it; len 0 when there is none. */
struct http_slice http_uri_host(const uint8_t *uri, uint32_t len);

/** Raise the events of a whole request head. */
void http_request_check(struct app_io *io, struct http_tx *t);

/** Raise those of a whole response head. */
void http_response_check(struct app_io *io, struct http_tx *t);

/** Raise that of a response with a body whose Content-Range is none. */
void http_range_check(struct app_io *io, struct http_tx *t);

/** Set up a body's limits and decoding after its headers. */
void http_body_open(struct app_io *io, struct http_tx *t);

/** Undo what HTTP/2's first content-encoding says: one of three names, as in the reference. */
void http_body_coding(struct app_io *io, struct http_body *b, const uint8_t *v, uint32_t len);

/** Take bytes of a body: decode them and keep them up to its limit; sets `failed`. */
void http_body_take(struct app_io *io, struct http_body *b, const uint8_t *data, uint32_t len);

/**
 * Nothing of what was taken last counts, back to `len` kept bytes of `size`, and what will come
 * passes as it is.
 */
void http_body_cancel(struct http_body *b, uint32_t len, uint64_t size);

/**
 * How rules may read a body: 0 as the reference does, 1 with its brotli undone; NULL where there is
 * no such reading.
 */
struct http_body *http_body_reading(struct http_body *b, uint32_t index);

/** Rules have looked at what is there. `done`: nothing will follow. */
void http_body_looked(struct http_body *b, bool done);

/** Take body bytes without chunk framing. */
void http_body_add(struct app_io *io, struct http_tx *t, const uint8_t *data, uint32_t len);

/** Bytes of the body are missing: what follows can't be decoded. */
void http_body_gap(struct app_io *io, struct http_tx *t, uint32_t len);

/**
 * The part of a body that is to be inspected now; false when it is not yet time, or nothing is new.
 */
bool http_body_window(const struct http_body *b, bool done, struct app_view *out);

/** Give back what decoding holds. */
void http_body_close(struct http_body *b);

/** Give back all that a body holds. */
void http_body_free(struct app_ctx *ctx, struct http_body *b);

/** app_parser's buffer, number, describe for HTTP. */
bool http_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                 enum sig_buffer buffer, uint32_t index, struct app_view *out);
/** Numbers: urilen's parts, status. */
bool http_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                 uint64_t *out);
/** EVE's "http" object. */
void http_describe(struct app_flow *af, struct app_tx *tx, struct json *out);

#endif
