/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP (RFC 3261) over UDP. As in Suricata 7 each message is a transaction of its own with one
 * direction, and one that does not read as a message is an event on the one before.
 */
#include "config.h"
#include "sensor/app/frames.h"
#include "sensor/app/parsers.h"

#include "common/json.h"

/** Header lines of a message that are read; one with more is broken. */
#define HEADERS_MAX 512u

enum sip_event { SIP_INCOMPLETE, SIP_INVALID };

static const char *const sip_events[] = { "incomplete_data", "invalid_data", NULL };

struct slice {
    uint32_t at, len;
};

struct sip_tx {
    struct app_tx tx;
    uint8_t dir;
    struct app_bytes line; /* the first line without its end */
    struct slice part[3];  /* request: method, URI, version; response: version, code, reason */
};

/** Where the parts of a message end: of a first line of `line` bytes, headers, body. */
struct shape {
    uint32_t line, headers, body;
};

/* RFC 3261 25.1, as the reference has it. */
static bool is_word(uint8_t c, const char *more)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr(more, c));
}

static bool method_char(uint8_t c)
{
    return is_word(c, "");
}

static bool uri_char(uint8_t c)
{
    return is_word(c, "!%'*+-._`~#@:;=?&$,/");
}

static bool version_char(uint8_t c)
{
    return is_word(c, "./");
}

static bool digit_char(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool reason_char(uint8_t c)
{
    return is_word(c, "!%'*+-._`~$&(),/:;=?@[\\]^ ");
}

/** A run of such characters from `*at` on, as `out`; `*at` moves behind it. False: none. */
static bool word_take(const uint8_t *data, uint32_t len, uint32_t *at, bool (*is)(uint8_t c),
                      struct slice *out)
{
    uint32_t from = *at;
    while (*at < len && is(data[*at]))
        ++*at;
    *out = (struct slice){ from, *at - from };
    return out->len > 0;
}

static bool space_take(const uint8_t *data, uint32_t len, uint32_t *at)
{
    if (*at >= len || data[*at] != ' ')
        return false;
    ++*at;
    return true;
}

/** CR LF at `at`. */
static bool crlf_at(const uint8_t *data, uint32_t len, uint32_t at)
{
    return at + 1 < len && data[at] == '\r' && data[at + 1] == '\n';
}

/** Split the first line; its length without end in `*end`. */
static bool line_read(const uint8_t *data, uint32_t len, bool request, struct slice part[3],
                      uint32_t *end)
{
    uint32_t at = 0;
    bool ok = word_take(data, len, &at, request ? method_char : version_char, &part[0]) &&
              space_take(data, len, &at) &&
              word_take(data, len, &at, request ? uri_char : digit_char, &part[1]) &&
              space_take(data, len, &at);
    bool last = ok && word_take(data, len, &at, request ? version_char : reason_char, &part[2]);
    *end = at;
    return ok && (last || !request) && crlf_at(data, len, at);
}

/** Header lines up to the blank one: names, colons and ends must be there. */
static bool headers_read(const uint8_t *data, uint32_t len, struct shape *s)
{
    uint32_t at = s->line, count = 0;
    while (!crlf_at(data, len, at)) {
        const uint8_t *colon = at < len ? memchr(data + at, ':', len - at) : NULL;
        uint32_t end = at;
        /* a line that begins with white space goes on with the one before */
        do {
            uint32_t next = app_line_end(data, len, end);
            if (next == 0 || next < 2 || data[next - 2] != '\r')
                return false;
            end = next;
        } while (end < len && (data[end] == ' ' || data[end] == '\t'));
        if (!colon || colon >= data + end || colon == data + at || ++count > HEADERS_MAX)
            return false;
        at = end;
    }
    s->headers = at;
    s->body = at + 2;
    return true;
}

static void frames_make(struct app_io *io, const uint8_t *data, uint32_t len, const struct shape *s)
{
    bool request = io->dir == SIG_DIR_TOSERVER;
    app_frame_open(io, request ? SIG_FRAME_SIP_REQUEST_LINE : SIG_FRAME_SIP_RESPONSE_LINE, data,
                   s->line);
    app_frame_open(io, request ? SIG_FRAME_SIP_REQUEST_HEADERS : SIG_FRAME_SIP_RESPONSE_HEADERS,
                   data + s->line, s->headers - s->line);
    app_frame_open(io, request ? SIG_FRAME_SIP_REQUEST_BODY : SIG_FRAME_SIP_RESPONSE_BODY,
                   data + s->body, len - s->body);
}

static void sip_datagram(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct slice part[3] = { { 0, 0 } };
    struct shape s = { 0, 0, 0 };
    uint32_t text;
    app_frame_open(io, SIG_FRAME_SIP_PDU, data, len);
    bool ok = line_read(data, len, io->dir == SIG_DIR_TOSERVER, part, &text);
    s.line = text + 2;
    if (!ok || !headers_read(data, len, &s)) {
        app_tx_event(io->af->last, io->dir, ok ? SIP_INCOMPLETE : SIP_INVALID);
        return;
    }
    frames_make(io, data, len, &s);
    struct sip_tx *t = (struct sip_tx *)app_tx_new(io);
    if (!t)
        return;
    t->dir = (uint8_t)io->dir;
    app_tx_one_way(&t->tx, io->dir);
    if (app_bytes_add(io->ctx->slab, &t->line, data, text))
        memcpy(t->part, part, sizeof(part));
    else
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_DONE);
}

/** Part of the line that a buffer is: 0 to 2; 3: all of it; -1: none. */
static int buffer_part(enum sig_buffer buffer, bool request)
{
    switch (buffer) {
    case SIG_BUF_SIP_METHOD:
        return request ? 0 : -1;
    case SIG_BUF_SIP_URI:
        return request ? 1 : -1;
    case SIG_BUF_SIP_REQUEST_LINE:
        return request ? 3 : -1;
    case SIG_BUF_SIP_PROTOCOL:
        return request ? 2 : 0;
    case SIG_BUF_SIP_STAT_CODE:
        return request ? -1 : 1;
    case SIG_BUF_SIP_STAT_MSG:
        return request ? -1 : 2;
    case SIG_BUF_SIP_RESPONSE_LINE:
        return request ? -1 : 3;
    default:
        return -1;
    }
}

static bool sip_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                       enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    (void)af;
    const struct sip_tx *t = (const struct sip_tx *)tx;
    int part = dir == t->dir ? buffer_part(buffer, dir == SIG_DIR_TOSERVER) : -1;
    if (part < 0 || index > 0 || t->line.len == 0)
        return false;
    struct slice s = part == 3 ? (struct slice){ 0, t->line.len } : t->part[part];
    return s.len > 0 && app_view_set(out, t->line.data + s.at, s.len);
}

static void sip_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    app_bytes_free(ctx->slab, &((struct sip_tx *)tx)->line);
}

static void describe_part(const struct sip_tx *t, unsigned part, const char *key, struct json *out)
{
    if (t->part[part].len > 0)
        json_strn(out, key, t->line.data + t->part[part].at, t->part[part].len);
}

static void sip_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct sip_tx *t = (const struct sip_tx *)tx;
    bool request = t->dir == SIG_DIR_TOSERVER;
    json_open(out, "sip");
    if (request) {
        describe_part(t, 0, "method", out);
        describe_part(t, 1, "uri", out);
        describe_part(t, 2, "version", out);
    } else {
        describe_part(t, 0, "version", out);
        describe_part(t, 1, "code", out);
        describe_part(t, 2, "reason", out);
    }
    if (t->line.len > 0)
        json_strn(out, request ? "request_line" : "response_line", t->line.data, t->line.len);
    json_close(out);
}

const struct app_parser app_parser_sip = {
    .app = SIG_APP_SIP,
    .datagram = sip_datagram,
    .buffer = sip_buffer,
    .tx_clear = sip_clear,
    .describe = sip_describe,
    .tx_size = sizeof(struct sip_tx),
    .events = sip_events,
};
