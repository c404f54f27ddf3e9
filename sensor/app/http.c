/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 (RFC 9112): the two readers of a connection. Each direction is one small machine over
 * lines and body bytes; a response belongs to the oldest request that has none yet.
 */
#include "config.h"
#include "sensor/app/http.h"

#include <ctype.h>
#include <strings.h>

#include "sensor/app/frames.h"
#include "sensor/app/parsers.h"

/** Bytes behind a request line without protocol; with more it is no HTTP/0.9 (libhtp). */
#define JUNK_MAX 16u

/** Bytes of a head's fields, as most are at most. */
#define HEAD_USUAL 512u

enum http_step {
    STEP_LINE,
    STEP_HEADERS,
    STEP_BODY, /* `left` bytes */
    STEP_UNTIL_CLOSE,
    STEP_CHUNK_SIZE,
    STEP_CHUNK_DATA, /* `left` bytes */
    STEP_CHUNK_END,
    STEP_TRAILER,
    STEP_BARE, /* a response that has no body, unless what follows is no response */
    STEP_TAIL, /* a request is over, unless what follows in the same bytes is no request */
    STEP_WAIT, /* CONNECT or Upgrade: the answer says how it goes on */
};

struct http_reader {
    uint8_t step;
    bool framed, frame_done; /* a frame is open; the message has ended, and so has it */
    uint64_t left;
    struct http_tx *tx; /* NULL between messages */
};

struct http_state {
    struct http_reader reader[2];
};

static const char *const http_events[] = {
    [HTTP_MISSING_HOST] = "missing_host_header",
    [HTTP_MISSING_COLON_REQUEST] = "request_field_missing_colon",
    [HTTP_MISSING_COLON_RESPONSE] = "response_field_missing_colon",
    [HTTP_NAME_REQUEST] = "request_header_invalid",
    [HTTP_NAME_RESPONSE] = "response_header_invalid",
    /* Suricata 7.0.10 has names for these two and raises neither */
    [HTTP_REPETITION_REQUEST] = "request_header_repetition",
    [HTTP_REPETITION_RESPONSE] = "response_header_repetition",
    [HTTP_BAD_LENGTH_REQUEST] = "invalid_content_length_field_in_request",
    [HTTP_BAD_LENGTH_RESPONSE] = "invalid_content_length_field_in_response",
    [HTTP_BAD_CHUNK_REQUEST] = "invalid_request_chunk_len",
    [HTTP_BAD_CHUNK_RESPONSE] = "invalid_response_chunk_len",
    [HTTP_UNMATCHED_RESPONSE] = "unable_to_match_response_to_request",
    [HTTP_DECOMPRESSION_FAILED] = "gzip_decompression_failed",
    [HTTP_LEADING_WHITESPACE] = "request_line_leading_whitespace",
    [HTTP_URI_DELIMITER] = "uri_delim_non_compliant",
    [HTTP_BAD_ENCODING_REQUEST] = "invalid_transfer_encoding_value_in_request",
    [HTTP_HOST_AMBIGUOUS] = "host_header_ambiguous",
    [HTTP_URI_HOST_INVALID] = "request_uri_host_invalid",
    [HTTP_HEADER_HOST_INVALID] = "request_header_host_invalid",
    [HTTP_AUTH_UNRECOGNIZED] = "request_auth_unrecognized",
    [HTTP_DUPLICATE_LENGTH_REQUEST] = "duplicate_content_length_field_in_request",
    [HTTP_DUPLICATE_LENGTH_RESPONSE] = "duplicate_content_length_field_in_response",
    [HTTP_TOO_MANY_LAYERS] = "too_many_encoding_layers",
    [HTTP_ABNORMAL_ENCODING] = "abnormal_ce_header",
    [HTTP_ABNORMAL_CHUNKED] = "response_abnormal_transfer_encoding",
    [HTTP_OLD_CHUNKED] = "response_chunked_old_proto",
    [HTTP_RESPONSE_PROTOCOL] = "response_invalid_protocol",
    [HTTP_RESPONSE_STATUS] = "response_invalid_status",
    [HTTP_FOLDING_REQUEST] = "invalid_request_field_folding",
    [HTTP_FOLDING_RESPONSE] = "invalid_response_field_folding",
    [HTTP_TOO_MANY_REQUEST] = "request_too_many_headers",
    [HTTP_TOO_MANY_RESPONSE] = "response_too_many_headers",
    [HTTP_CONTINUE_AGAIN] = "100_continue_already_seen",
    [HTTP_METHOD_DELIMITER] = "method_delim_non_compliant",
    [HTTP_FIELD_TOO_LONG_REQUEST] = "request_field_too_long",
    [HTTP_FORM_EMPTY_FILE] = "multipart_no_filedata",
    [HTTP_FORM_BAD_HEADER] = "multipart_invalid_header",
    [HTTP_BODY_UNEXPECTED] = "request_body_unexpected",
    [HTTP_RANGE_INVALID] = "range_invalid",
    [HTTP_BROTLI_FAILED] = "brotli_decompression_failed",
    [HTTP_NEVER] = "invalid_transfer_encoding_value_in_response",
    [HTTP_NEVER + 1] = "double_encoded_uri",
    [HTTP_NEVER + 2] = "request_line_invalid",
    [HTTP_NEVER + 3] = "lzma_memlimit_reached",
    [HTTP_NEVER + 4] = "file_name_too_long",
    [HTTP_NEVER + 5] = "unknown_error",
    [HTTP_NEVER + 6] = "invalid_authority_port",
    [HTTP_NEVER + 7] = "request_server_port_tcp_port_mismatch",
    NULL,
};

static struct http_reader *reader_of(struct app_io *io)
{
    struct http_state *s = io->af->state;
    return &s->reader[io->dir];
}

static bool method_is(const struct http_tx *t, const char *name)
{
    size_t n = strlen(name);
    return t->method.len == n &&
           memcmp(t->side[SIG_DIR_TOSERVER].line.data + t->method.at, name, n) == 0;
}

/* ---- ends of messages ---------------------------------------------------------------------- */

/** A message begins at `at`. */
static void message_frame(struct app_io *io, const uint8_t *at)
{
    struct http_reader *r = reader_of(io);
    bool request = io->dir == SIG_DIR_TOSERVER;
    if (!r->framed)
        app_frame_open(io, request ? SIG_FRAME_HTTP1_REQUEST : SIG_FRAME_HTTP1_RESPONSE, at,
                       APP_FRAME_OPEN);
    r->framed = true;
}

/** The message ended with a step that took all before `end`. */
static void message_frame_end(struct app_io *io, const uint8_t *end)
{
    struct http_reader *r = reader_of(io);
    bool request = io->dir == SIG_DIR_TOSERVER;
    if (r->frame_done && r->framed)
        app_frame_close(io, request ? SIG_FRAME_HTTP1_REQUEST : SIG_FRAME_HTTP1_RESPONSE, end);
    r->framed = r->framed && !r->frame_done;
    r->frame_done = false;
}

static void message_done(struct app_io *io)
{
    struct http_reader *r = reader_of(io);
    r->frame_done = true;
    http_body_close(&r->tx->side[io->dir].body);
    if (io->dir == SIG_DIR_TOSERVER)
        http_files_end(r->tx);
    app_tx_progress(&r->tx->tx, io->dir, SIG_PROGRESS_DONE);
    io->out->raw_trigger[io->dir] = true;
    r->tx = NULL;
    r->step = STEP_LINE;
}

/** The message is over as soon as what stands behind it has been looked at. */
static void message_over(struct app_io *io)
{
    reader_of(io)->step = STEP_TAIL;
}

/** A 100 response is not the answer: forget it and wait for the next. */
static void response_again(struct app_io *io)
{
    struct http_reader *r = reader_of(io);
    struct http_side *side = &r->tx->side[SIG_DIR_TOCLIENT];
    side->line.len = side->raw.len = side->joined.len = side->headers.len = 0;
    side->parsed = 0;
    r->step = STEP_LINE;
}

/* ---- bodies -------------------------------------------------------------------------------- */

/**
 * How the body is framed, from the header: sets the reader's step. `none`: no framing means no
 * body.
 */
static void body_begin(struct app_io *io, bool none)
{
    struct http_reader *r = reader_of(io);
    struct http_side *side = &r->tx->side[io->dir];
    const struct http_header *te = http_header_find(side, "Transfer-Encoding");
    const struct http_header *cl = http_header_find(side, "Content-Length");
    http_body_open(io, r->tx);
    r->step = STEP_UNTIL_CLOSE;
    if (te && http_value_has(side, te, "chunked")) {
        r->step = STEP_CHUNK_SIZE;
    } else if (cl) {
        int64_t n = http_length(side, cl);
        r->step = STEP_BODY;
        r->left = n > 0 ? (uint64_t)n : 0;
        none = none || n == 0;
    }
    if ((none && r->step != STEP_CHUNK_SIZE && !(r->step == STEP_BODY && r->left > 0)))
        message_over(io);
    else
        app_tx_progress(&r->tx->tx, io->dir, SIG_PROGRESS_BODY);
}

/** A Content-Length that is no number ends the reading, as in libhtp. */
static bool length_sound(struct app_io *io)
{
    struct http_tx *t = reader_of(io)->tx;
    const struct http_side *side = &t->side[io->dir];
    const struct http_header *te = http_header_find(side, "Transfer-Encoding");
    const struct http_header *cl = http_header_find(side, "Content-Length");
    bool request = io->dir == SIG_DIR_TOSERVER;
    unsigned status = t->status_number;
    if (!cl || http_length(side, cl) >= 0 || (te && http_value_has(side, te, "chunked")))
        return true;
    if (!request && (status / 100 == 1 || status == 204 || status == 304 || method_is(t, "HEAD")))
        return true;
    app_tx_event(&t->tx, io->dir, request ? HTTP_BAD_LENGTH_REQUEST : HTTP_BAD_LENGTH_RESPONSE);
    return false;
}

static void request_headers_done(struct app_io *io)
{
    struct http_reader *r = reader_of(io);
    struct http_tx *t = r->tx;
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_HEADERS);
    http_request_check(io, t);
    if (method_is(t, "CONNECT")) {
        message_done(io);
        r->step = STEP_WAIT;
        return;
    }
    body_begin(io, true);
}

/** Append a name and its value as HTTP/2 takes them over: both lengths, both texts. */
static void handover_add(struct app_io *io, const void *name, uint32_t name_len, const void *value,
                         uint32_t len)
{
    const uint8_t head[8] = { (uint8_t)(name_len >> 24), (uint8_t)(name_len >> 16),
                              (uint8_t)(name_len >> 8),  (uint8_t)name_len,
                              (uint8_t)(len >> 24),      (uint8_t)(len >> 16),
                              (uint8_t)(len >> 8),       (uint8_t)len };
    struct app_bytes *to = &io->af->handover;
    if (!app_bytes_reserve(io->ctx->slab, to, (uint32_t)sizeof(head) + name_len + len)) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return;
    }
    (void)app_bytes_add(io->ctx->slab, to, head, sizeof(head));
    (void)app_bytes_add(io->ctx->slab, to, name, name_len);
    (void)app_bytes_add(io->ctx->slab, to, value, len);
}

/** A 101 to "Upgrade: h2c" (RFC 7540 3.2): the request goes on as HTTP/2's first stream. */
static void upgrade_to_http2(struct app_io *io, const struct http_tx *t)
{
    const struct http_side *request = &t->side[SIG_DIR_TOSERVER];
    const struct http_header *h = http_header_find(&t->side[SIG_DIR_TOCLIENT], "Upgrade");
    if (t->status_number != 101 || !h || h->value.len != 3 ||
        memcmp(http_header_value(&t->side[SIG_DIR_TOCLIENT], h), "h2c", 3) != 0)
        return;
    io->af->expected = SIG_APP_HTTP2;
    app_bytes_free(io->ctx->slab, &io->af->handover);
    handover_add(io, ":method", 7, request->line.data + t->method.at, t->method.len);
    handover_add(io, ":path", 5, request->line.data + t->uri.at, t->uri.len);
    for (uint32_t i = 0; (h = http_header_at(request, i)); i++)
        handover_add(io, request->raw.data + h->name.at, h->name.len,
                     http_header_value(request, h), h->value.len);
}

static void response_headers_done(struct app_io *io)
{
    struct http_state *s = io->af->state;
    struct http_reader *r = reader_of(io);
    struct http_tx *t = r->tx;
    unsigned status = t->status_number;
    const struct http_side *side = &t->side[SIG_DIR_TOCLIENT];
    bool framed =
        http_header_find(side, "Content-Length") || http_header_find(side, "Transfer-Encoding");
    if (status == 100 && !framed) {
        if (t->continued)
            app_tx_event(&t->tx, io->dir, HTTP_CONTINUE_AGAIN);
        t->continued = true;
        response_again(io);
        return;
    }
    http_response_check(io, t);
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_HEADERS);
    bool connect = method_is(t, "CONNECT");
    bool tunnel = status == 101 || (connect && status >= 200 && status < 300);
    bool bare =
        tunnel || method_is(t, "HEAD") || status == 204 || status == 304 || status / 100 == 1;
    if (connect && !tunnel && s->reader[SIG_DIR_TOSERVER].step == STEP_WAIT)
        s->reader[SIG_DIR_TOSERVER].step = STEP_LINE;
    if (!bare) {
        body_begin(io, false);
    } else if (!tunnel && framed && !method_is(t, "HEAD")) {
        r->step = STEP_BARE;
    } else if (!tunnel) {
        message_over(io);
    } else {
        message_done(io);
        upgrade_to_http2(io, t);
        app_change_protocol(io);
    }
}

/** Body bytes by length, chunk or until the close. */
static uint32_t body_take(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct http_reader *r = reader_of(io);
    if (r->step == STEP_UNTIL_CLOSE) {
        http_body_add(io, r->tx, data, len);
        return len;
    }
    uint32_t n = r->left < len ? (uint32_t)r->left : len;
    http_body_add(io, r->tx, data, n);
    r->left -= n;
    if (r->left > 0)
        return n;
    if (r->step == STEP_BODY)
        message_over(io);
    else
        r->step = STEP_CHUNK_END;
    return n;
}

/** Whether a line begins with a word that is no method which the reference knows. */
static bool is_stray(const uint8_t *d, uint32_t len)
{
    static const char methods[] = " HEAD GET PUT POST DELETE CONNECT OPTIONS TRACE PATCH PROPFIND "
                                  "PROPPATCH MKCOL COPY MOVE LOCK UNLOCK VERSION-CONTROL CHECKOUT "
                                  "UNCHECKOUT CHECKIN UPDATE LABEL REPORT MKWORKSPACE MKACTIVITY "
                                  "BASELINE-CONTROL MERGE INVALID ERROR ";
    char word[18] = " ";
    uint32_t at = 0, n = 0;
    while (at < len && isspace(d[at]))
        at++;
    while (at + n < len && !isspace(d[at + n]))
        n++;
    if (n == 0 || n > sizeof(word) - 3)
        return n > 0;
    memcpy(word + 1, d + at, n);
    memcpy(word + 1 + n, " ", 2);
    return memchr(d + at, 0, n) || !strstr(methods, word);
}

/** Whether bytes begin a status line: 1 yes, 0 no, -1 not yet known. */
static int response_looks(const uint8_t *data, uint32_t len)
{
    static const char want[] = "HTTP";
    uint32_t at = 0;
    while (at < len && (data[at] == ' ' || data[at] == 0 || (data[at] >= '\t' && data[at] <= '\r')))
        at++;
    for (uint32_t i = 0; i < 4; i++, at++) {
        if (at >= len)
            return -1;
        if ((data[at] | 0x20) != (want[i] | 0x20))
            return 0;
    }
    return 1;
}

static bool is_tail(const struct app_io *io, const uint8_t *data, uint32_t len)
{
    return io->dir == SIG_DIR_TOSERVER ? is_stray(data, len)
                                       : len > 0 && response_looks(data, len) != 1;
}

/** A line that nobody announced becomes body, whether one was begun or not. */
static void stray_add(struct app_io *io, struct http_tx *t, const uint8_t *data, uint32_t len)
{
    if (t->side[io->dir].body.window.limit == 0)
        http_body_open(io, t);
    http_body_add(io, t, data, len);
}

/** A line behind a message: more body, whatever the header said, or the next message's. */
static uint32_t tail_line(struct app_io *io, const uint8_t *data, uint32_t line)
{
    struct http_tx *t = reader_of(io)->tx;
    if (!is_tail(io, data, line)) {
        message_done(io);
        return 0;
    }
    if (io->dir == SIG_DIR_TOSERVER)
        app_tx_event(&t->tx, io->dir, HTTP_BODY_UNEXPECTED);
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_BODY);
    stray_add(io, t, data, line);
    return line;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/**
 * The size of a chunk line, -1 when it has none; leading white space and zeros are allowed, what
 * follows is not read.
 */
static int64_t chunk_size(const uint8_t *d, uint32_t len)
{
    uint32_t at = 0, digits = 0;
    int64_t n = 0;
    while (at < len && (d[at] == ' ' || d[at] == '\t' || d[at] == '\r' || d[at] == '\f' ||
                        d[at] == '\v' || d[at] == 0))
        at++;
    uint32_t start = at;
    for (int v; at < len && (v = hex_digit(d[at])) >= 0; at++) {
        digits += n > 0;
        if (digits > 7)
            return -1;
        n = n * 16 + v;
    }
    return at > start ? n : -1;
}

/** Whether bytes without a line end can be no chunk size any more. */
static bool chunk_hopeless(const uint8_t *d, uint32_t len)
{
    uint32_t at = 0;
    while (at < len && (d[at] <= ' '))
        at++;
    return at < len && hex_digit(d[at]) < 0;
}

static uint32_t chunk_line(struct app_io *io, const uint8_t *data, uint32_t line)
{
    struct http_reader *r = reader_of(io);
    r->tx->side[io->dir].body.wire += line;
    if (r->step == STEP_CHUNK_END) {
        r->step = STEP_CHUNK_SIZE;
        return line;
    }
    uint32_t text = app_line_chomp(data, line);
    if (text == 0)
        return line;
    int64_t n = chunk_size(data, text);
    if (n < 0) {
        bool request = io->dir == SIG_DIR_TOSERVER;
        app_tx_event(&r->tx->tx, io->dir,
                     request ? HTTP_BAD_CHUNK_REQUEST : HTTP_BAD_CHUNK_RESPONSE);
        if (request)
            return APP_GIVE_UP;
        r->tx->side[io->dir].body.wire -= line;
        r->step = STEP_UNTIL_CLOSE;
        return 0;
    }
    r->left = (uint64_t)n;
    r->step = n > 0 ? STEP_CHUNK_DATA : STEP_TRAILER;
    if (n == 0)
        app_tx_progress(&r->tx->tx, io->dir, SIG_PROGRESS_TRAILER);
    return line;
}

/* ---- heads --------------------------------------------------------------------------------- */

/**
 * Whether the blank line stands at `data`: CR LF, LF, or what browsers take for it in responses.
 */
static bool blank_line(struct app_io *io, const uint8_t *data, uint32_t line, uint32_t len)
{
    if (io->dir == SIG_DIR_TOSERVER)
        return app_line_chomp(data, line) == 0;
    if (line == 1 || (line == 2 && (data[1] == '\n' ? data[0] == '\r' : data[0] == '\n')))
        return true;
    bool space = line == 2 && (data[0] == ' ' || data[0] == '\t') && data[1] == '\n';
    return space && line < len && data[line] != '\n';
}

/**
 * Behind a field that LF CR ended, CR LF CR LF are one blank line, as browsers and libhtp take
 * them: how many bytes behind its first CR LF are of it.
 */
static uint32_t blank_rest(const struct http_side *side, const uint8_t *data, uint32_t line,
                           uint32_t len)
{
    const uint8_t *before = side->raw.data + side->raw.len - line; /* the blank line, taken */
    bool turned = side->raw.len - line >= 2 && before[-2] == '\n' && before[-1] == '\r';
    if (!turned || line != 2 || data[0] != '\r' || len - line < 1 || data[line] != '\r')
        return 0;
    return len - line > 1 && data[line + 1] == '\n' ? 2 : 1;
}

static uint32_t header_line(struct app_io *io, const uint8_t *data, uint32_t line, uint32_t len)
{
    struct http_reader *r = reader_of(io);
    struct http_side *side = &r->tx->side[io->dir];
    if (side->raw.len + line > HTTP_HEADERS_BYTES_MAX) {
        app_count(io->ctx, APP_COUNT_HEADER_LIMIT);
        return APP_GIVE_UP;
    }
    if (side->raw.len == 0) /* most heads need no more, and none of its lines is moved */
        (void)app_bytes_reserve(io->ctx->slab, &side->raw, HEAD_USUAL);
    if (!app_bytes_add(io->ctx->slab, &side->raw, data, line)) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return APP_GIVE_UP;
    }
    if (!blank_line(io, data, line, len))
        return line;
    if (!http_headers_parse(io, r->tx, line))
        return APP_GIVE_UP;
    if (r->step != STEP_TRAILER && !length_sound(io))
        return APP_GIVE_UP;
    if (r->step == STEP_TRAILER) {
        message_over(io);
        return line;
    }
    if (io->dir == SIG_DIR_TOSERVER) {
        request_headers_done(io);
        return line;
    }
    uint32_t rest = blank_rest(side, data, line, len);
    response_headers_done(io);
    return line + rest;
}

/**
 * Whether what follows a request line without protocol is a header line all the same: a name, then
 * a colon.
 */
static bool header_follows(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    while (i < len && data[i] > ' ' && data[i] != ':' && data[i] < 0x7f)
        i++;
    return i > 0 && i < len && data[i] == ':';
}

/** `rest` bytes follow the line. */
static uint32_t request_first(struct app_io *io, const uint8_t *data, uint32_t line, uint32_t rest)
{
    struct http_reader *r = reader_of(io);
    uint32_t text = app_line_chomp(data, line);
    if (text == 0)
        return line;
    struct http_tx *t = (struct http_tx *)app_tx_new(io);
    if (!t)
        return APP_GIVE_UP;
    message_frame(io, data);
    r->tx = t;
    struct http_side *side = &t->side[SIG_DIR_TOSERVER];
    if (!app_bytes_add(io->ctx->slab, &side->line, data, text)) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return APP_GIVE_UP;
    }
    http_request_line(io, t);
    app_tx_progress(&t->tx, SIG_DIR_TOSERVER, SIG_PROGRESS_LINE);
    if (t->no_protocol && (rest > JUNK_MAX || header_follows(data + line, rest)))
        t->no_protocol = false;
    if (t->no_protocol)
        message_done(io);
    else
        r->step = STEP_HEADERS;
    return line;
}

/**
 * The request that was not seen ends where the next may begin: with more bytes of the client, its
 * end, or one more response of the kind.
 */
static void request_unseen(struct app_io *io, struct http_tx *t)
{
    struct http_reader *r = &((struct http_state *)io->af->state)->reader[SIG_DIR_TOSERVER];
    io->dir = SIG_DIR_TOSERVER;
    if (r->step == STEP_TAIL && r->tx && r->tx->unseen)
        message_done(io);
    if (r->step == STEP_LINE && !r->tx) {
        r->tx = t;
        r->step = STEP_TAIL;
    } else {
        app_tx_progress(&t->tx, SIG_DIR_TOSERVER, SIG_PROGRESS_DONE);
    }
    io->dir = SIG_DIR_TOCLIENT;
}

/** The transaction that the response which begins now belongs to. */
static struct http_tx *response_tx(struct app_io *io)
{
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next)
        if (tx->progress[SIG_DIR_TOCLIENT] != SIG_PROGRESS_DONE)
            return (struct http_tx *)tx;
    struct http_tx *t = (struct http_tx *)app_tx_new(io);
    if (!t)
        return NULL;
    struct app_bytes *line = &t->side[SIG_DIR_TOSERVER].line;
    if (app_bytes_text(io->ctx->slab, line, HTTP_UNSEEN_URI))
        t->uri = (struct http_slice){ 0, line->len };
    t->has_uri = t->uri.len > 0;
    t->unseen = true;
    app_tx_event(&t->tx, SIG_DIR_TOCLIENT, HTTP_UNMATCHED_RESPONSE);
    request_unseen(io, t);
    return t;
}

/** All that comes is body: an HTTP/0.9 answer, or no status line. */
static void response_is_body(struct app_io *io)
{
    struct http_reader *r = reader_of(io);
    http_body_open(io, r->tx);
    r->step = STEP_UNTIL_CLOSE;
    app_tx_progress(&r->tx->tx, io->dir, SIG_PROGRESS_BODY);
}

/**
 * A line that is no status line: passed over when the next looks like one, else it is body, as
 * browsers show it. A response of such lines ends where nothing follows them yet.
 */
static uint32_t response_stray(struct app_io *io, const uint8_t *data, uint32_t line, uint32_t len)
{
    struct http_reader *r = reader_of(io);
    if (line < len && (data[line] == 'H' || line <= 2))
        return line;
    stray_add(io, r->tx, data, line);
    if (line == len)
        message_done(io);
    return line;
}

/** `line` 0: the line is not whole yet. */
static uint32_t response_first(struct app_io *io, const uint8_t *data, uint32_t line, uint32_t len)
{
    struct http_reader *r = reader_of(io);
    if (!r->tx && !(r->tx = response_tx(io)))
        return APP_GIVE_UP;
    if (line > 0 && app_line_chomp(data, line) == 0 && !r->tx->no_protocol)
        return line;
    message_frame(io, data);
    if (r->tx->no_protocol) {
        response_is_body(io);
        return 0;
    }
    if (line == 0)
        return 0;
    if (response_looks(data, line) != 1)
        return response_stray(io, data, line, len);
    struct http_side *side = &r->tx->side[SIG_DIR_TOCLIENT];
    if (!app_bytes_add(io->ctx->slab, &side->line, data, app_line_chomp(data, line))) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return APP_GIVE_UP;
    }
    http_response_line(r->tx);
    app_tx_progress(&r->tx->tx, SIG_DIR_TOCLIENT, SIG_PROGRESS_LINE);
    r->step = STEP_HEADERS;
    return line;
}

/* ---- driving ------------------------------------------------------------------------------- */

static uint32_t head_line_end(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    const struct http_reader *r = reader_of(io);
    bool head = r->step == STEP_LINE || r->step == STEP_HEADERS;
    if (io->dir == SIG_DIR_TOCLIENT && head)
        return http_response_line_end(data, len, old, false);
    return app_line_end(data, len, old);
}

/** One line of `line` bytes, of which `len - line` follow. */
static uint32_t line_take(struct app_io *io, const uint8_t *data, uint32_t line, uint32_t len)
{
    switch (reader_of(io)->step) {
    case STEP_LINE:
        return io->dir == SIG_DIR_TOSERVER ? request_first(io, data, line, len - line)
                                           : response_first(io, data, line, len);
    case STEP_TAIL:
        return tail_line(io, data, line);
    case STEP_HEADERS:
    case STEP_TRAILER:
        return header_line(io, data, line, len);
    default:
        return chunk_line(io, data, line);
    }
}

/** Take what can be taken now; 0 with the step unchanged: more bytes are needed. */
static uint32_t step_take(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    struct http_reader *r = reader_of(io);
    if (r->step == STEP_BODY || r->step == STEP_CHUNK_DATA || r->step == STEP_UNTIL_CLOSE)
        return body_take(io, data, len);
    if (r->step == STEP_WAIT)
        return 0;
    if (r->step == STEP_BARE) {
        if (response_looks(data, len) == 0)
            response_is_body(io);
        else
            message_done(io);
        return 0;
    }
    uint32_t line = head_line_end(io, data, len, old);
    if (line > 0)
        return line_take(io, data, line, len);
    if (len > HTTP_LINE_MAX) {
        app_count(io->ctx, APP_COUNT_HEADER_LIMIT);
        if (io->dir == SIG_DIR_TOSERVER && !r->tx)
            r->tx = (struct http_tx *)app_tx_new(io);
        if (io->dir == SIG_DIR_TOSERVER && r->tx)
            app_tx_event(&r->tx->tx, io->dir, HTTP_FIELD_TOO_LONG_REQUEST);
        return APP_GIVE_UP;
    }
    if (r->step == STEP_LINE && io->dir == SIG_DIR_TOCLIENT)
        return response_first(io, data, 0, len);
    if (r->step == STEP_CHUNK_SIZE && chunk_hopeless(data, len))
        return chunk_line(io, data, len);
    return 0;
}

static uint32_t http_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    uint32_t used = 0;
    while (used < len && io->af->change_packet == 0) {
        uint8_t step = reader_of(io)->step;
        uint32_t n = step_take(io, data + used, len - used, old > used ? old - used : 0);
        if (n == APP_GIVE_UP)
            return APP_GIVE_UP;
        message_frame_end(io, data + used + n);
        if (n == 0 && reader_of(io)->step == step)
            break;
        if (n == 0)
            old = used;
        used += n;
    }
    if (reader_of(io)->step == STEP_BARE)
        message_done(io);
    if (reader_of(io)->step == STEP_TAIL && used == len) {
        message_done(io);
        message_frame_end(io, data + used);
    }
    return used;
}

/**
 * The rest of a body is missing, and more: the message is over, and the next is looked for in what
 * follows.
 */
static bool gap_beyond(struct app_io *io)
{
    struct http_reader *r = reader_of(io);
    http_body_gap(io, r->tx, (uint32_t)r->left);
    r->left = 0;
    message_done(io);
    app_frame_lose(io, io->dir == SIG_DIR_TOSERVER ? SIG_FRAME_HTTP1_REQUEST
                                                   : SIG_FRAME_HTTP1_RESPONSE);
    r->framed = true; /* nor does the message behind it have one, as in the reference */
    r->frame_done = false;
    return true;
}

/** Only body bytes may be missing. */
static bool http_gap(struct app_io *io, uint32_t len)
{
    struct http_reader *r = reader_of(io);
    if (r->step == STEP_BODY && len > r->left)
        return gap_beyond(io);
    bool counted = (r->step == STEP_BODY || r->step == STEP_CHUNK_DATA) && len <= r->left;
    if (!counted && r->step != STEP_UNTIL_CLOSE)
        return false;
    http_body_gap(io, r->tx, len);
    if (r->step == STEP_UNTIL_CLOSE)
        return true;
    r->left -= len;
    if (r->left == 0 && r->step == STEP_BODY)
        message_done(io);
    else if (r->left == 0)
        r->step = STEP_CHUNK_END;
    return true;
}

/** The stream ends: a line without its end counts, and so does a header without its blank line. */
static void http_end(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct http_reader *r = reader_of(io);
    if (r->step == STEP_TAIL && is_tail(io, data, len))
        http_body_add(io, r->tx, data, len);
    else if (r->step == STEP_TAIL)
        message_done(io);
    bool line = r->step == STEP_LINE || r->step == STEP_HEADERS || r->step == STEP_TRAILER;
    uint32_t n = len > 0 && line ? line_take(io, data, len, len) : 0;
    if (n == APP_GIVE_UP)
        r->tx = NULL;
    else if (n == 0 && len > 0 && r->step == STEP_UNTIL_CLOSE)
        http_body_add(io, r->tx, data, len);
    if (r->tx && (r->step == STEP_HEADERS || r->step == STEP_TRAILER) &&
        http_headers_parse(io, r->tx, 0))
        app_tx_progress(&r->tx->tx, io->dir, SIG_PROGRESS_HEADERS);
    if (r->tx)
        message_done(io);
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next)
        if (tx->progress[io->dir] != SIG_PROGRESS_DONE)
            app_tx_progress(tx, io->dir, SIG_PROGRESS_DONE);
}

static void http_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct http_tx *t = (struct http_tx *)tx;
    for (unsigned d = 0; d < 2; d++) {
        struct http_side *side = &t->side[d];
        app_bytes_free(ctx->slab, &side->line);
        app_bytes_free(ctx->slab, &side->raw);
        app_bytes_free(ctx->slab, &side->joined);
        app_bytes_free(ctx->slab, &side->headers);
        for (unsigned i = 0; i < HTTP_MADE_COUNT; i++)
            app_bytes_free(ctx->slab, &side->made[i]);
        http_body_free(ctx, &side->body);
    }
    app_bytes_free(ctx->slab, &t->path);
    app_bytes_free(ctx->slab, &t->host);
    http_files_free(ctx, t);
}

static void http_body_advance(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx,
                              unsigned dir)
{
    (void)ctx;
    (void)af;
    struct http_tx *t = (struct http_tx *)tx;
    if (dir == SIG_DIR_TOSERVER)
        app_files_advance(&t->form.files);
    http_body_looked(&t->side[dir].body, tx->progress[dir] > SIG_PROGRESS_BODY);
}

const struct app_parser app_parser_http = {
    .app = SIG_APP_HTTP1,
    .state_size = sizeof(struct http_state),
    .stream = http_stream,
    .gap = http_gap,
    .end = http_end,
    .buffer = http_buffer,
    .body_advance = http_body_advance,
    .number = http_number,
    .tx_clear = http_clear,
    .file = http_file,
    .describe = http_describe,
    .tx_size = sizeof(struct http_tx),
    .events = http_events,
};
