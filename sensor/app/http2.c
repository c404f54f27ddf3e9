/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 (RFC 9113): frames and streams, with prior knowledge or by upgrade from HTTP/1. States,
 * events and what makes a transaction are Suricata's.
 */
#include "config.h"
#include "sensor/app/http2.h"

#include <strings.h>

#include "common/base64.h"
#include "common/cursor.h"
#include "sensor/app/hpack.h"
#include "sensor/app/parsers.h"

#define FRAME_HEADER 9u
#define MAGIC        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define MAGIC_LEN    24u
/** Frames beyond this are not waited for: their first bytes are read … */
#define FRAME_MAX 65536u
/** … once so many are there, and the rest is passed over. */
#define FRAME_MIN        256u

#define FLAG_END_STREAM  0x01
#define FLAG_END_HEADERS 0x04
#define FLAG_PADDED      0x08
#define FLAG_PRIORITY    0x20

/** SETTINGS_HEADER_TABLE_SIZE (RFC 9113 6.5.2); a setting has six bytes. */
#define SETTING_TABLE_SIZE 1
#define SETTING_LEN        6u
/** Longest HTTP2-Settings header that is read at an upgrade (RFC 7540 3.2.1). */
#define UPGRADE_SETTINGS_MAX 1024u

/** What is inspected of files outside HTTP/1, as Suricata: see files.c. */
static const struct app_window body_window = { 100000, 32768, 4096 };

enum http2_event {
    HTTP2_INVALID_FRAME_HEADER,
    HTTP2_INVALID_CLIENT_MAGIC,
    HTTP2_INVALID_FRAME_DATA,
    HTTP2_INVALID_HEADER,
    HTTP2_INVALID_FRAME_LENGTH,
    HTTP2_EXTRA_HEADER_DATA,
    HTTP2_LONG_FRAME_DATA,
    HTTP2_STREAM_ID_REUSE,
    HTTP2_INVALID_HTTP1_SETTINGS,
    HTTP2_FAILED_DECOMPRESSION,
    HTTP2_INVALID_RANGE,
    HTTP2_HEADER_INTEGER_OVERFLOW,
    HTTP2_TOO_MANY_STREAMS,
    HTTP2_AUTHORITY_HOST_MISMATCH,
    HTTP2_USERINFO_IN_URI,
    HTTP2_REASSEMBLY_LIMIT_REACHED,
};

static const char *const http2_events[] = {
    [HTTP2_INVALID_FRAME_HEADER] = "invalid_frame_header",
    [HTTP2_INVALID_CLIENT_MAGIC] = "invalid_client_magic",
    [HTTP2_INVALID_FRAME_DATA] = "invalid_frame_data",
    [HTTP2_INVALID_HEADER] = "invalid_header",
    [HTTP2_INVALID_FRAME_LENGTH] = "invalid_frame_length",
    [HTTP2_EXTRA_HEADER_DATA] = "extra_header_data",
    [HTTP2_LONG_FRAME_DATA] = "long_frame_data",
    [HTTP2_STREAM_ID_REUSE] = "stream_id_reuse",
    [HTTP2_INVALID_HTTP1_SETTINGS] = "invalid_http1_settings",
    [HTTP2_FAILED_DECOMPRESSION] = "failed_decompression",
    [HTTP2_INVALID_RANGE] = "invalid_range",
    [HTTP2_HEADER_INTEGER_OVERFLOW] = "header_integer_overflow",
    [HTTP2_TOO_MANY_STREAMS] = "too_many_streams",
    [HTTP2_AUTHORITY_HOST_MISMATCH] = "authority_host_mismatch",
    [HTTP2_USERINFO_IN_URI] = "userinfo_in_uri",
    [HTTP2_REASSEMBLY_LIMIT_REACHED] = "reassembly_limit_reached",
    NULL,
};

struct http2_reader {
    struct hpack hpack;
    struct app_bytes block; /* a header block that is not whole yet */
    uint32_t block_stream;
    uint32_t skip; /* rest of a frame that is too long */
};

struct http2_state {
    struct http2_reader reader[2];
    bool begun, magic_done;
};

/** A frame as read. */
struct frame {
    uint32_t length, stream;
    uint8_t type, flags;
    const uint8_t *data;
    uint32_t len; /* of data: less than length when the frame is too long */
};

/** Raise an event on the newest transaction; without one it is lost, as in Suricata. */
static void event_raise(struct app_io *io, enum http2_event event)
{
    app_tx_event(io->af->last, io->dir, event);
}

static struct http2_reader *reader_of(struct app_io *io)
{
    struct http2_state *s = io->af->state;
    return &s->reader[io->dir];
}

/* ---- streams ------------------------------------------------------------------------------- */

static struct http2_tx *stream_find(struct app_io *io, uint32_t stream)
{
    struct http2_tx *found = NULL;
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next)
        if (((struct http2_tx *)tx)->stream == stream)
            found = (struct http2_tx *)tx;
    return found;
}

static struct http2_tx *stream_new(struct app_io *io, uint32_t stream)
{
    struct http2_tx *t = (struct http2_tx *)app_tx_new(io);
    if (!t) {
        event_raise(io, HTTP2_TOO_MANY_STREAMS);
        return NULL;
    }
    t->stream = stream;
    t->progress = stream ? HTTP2_OPEN : HTTP2_GLOBAL;
    for (unsigned d = 0; d < 2; d++) {
        t->side[d].body.window = body_window;
        t->side[d].body.endless = true;
    }
    return t;
}

/** The transaction of a frame; NULL at the limit. `promised` is a PUSH_PROMISE's stream. */
static struct http2_tx *frame_tx(struct app_io *io, const struct frame *f, uint32_t promised)
{
    uint32_t stream = f->stream;
    if (stream == 0)
        return stream_new(io, 0);
    if (f->type == HTTP2_PUSH_PROMISE)
        stream = promised;
    struct http2_tx *t = stream_find(io, stream);
    if (t && t->child && f->type == HTTP2_CONTINUATION && io->dir == SIG_DIR_TOCLIENT) {
        stream = t->child;
        t = stream_find(io, stream);
    }
    if (!t)
        return stream_new(io, stream);
    bool allowed =
        f->type == HTTP2_RST_STREAM || f->type == HTTP2_WINDOW_UPDATE || f->type == HTTP2_PRIORITY;
    if (t->progress == HTTP2_CLOSED && !allowed)
        event_raise(io, HTTP2_STREAM_ID_REUSE);
    return t;
}

/** What a stream's state means to rules: a request is whole once its side sends DATA or ends. */
static void tx_advance(struct http2_tx *t)
{
    static const uint8_t request[] = { SIG_PROGRESS_START, SIG_PROGRESS_START, SIG_PROGRESS_BODY,
                                       SIG_PROGRESS_BODY,  SIG_PROGRESS_BODY,  SIG_PROGRESS_BODY,
                                       SIG_PROGRESS_DONE,  SIG_PROGRESS_DONE };
    static const uint8_t response[] = { SIG_PROGRESS_START, SIG_PROGRESS_START, SIG_PROGRESS_START,
                                        SIG_PROGRESS_START, SIG_PROGRESS_BODY,  SIG_PROGRESS_BODY,
                                        SIG_PROGRESS_DONE,  SIG_PROGRESS_DONE };
    app_tx_progress(&t->tx, SIG_DIR_TOSERVER, (enum sig_progress)request[t->progress]);
    app_tx_progress(&t->tx, SIG_DIR_TOCLIENT, (enum sig_progress)response[t->progress]);
}

static void stream_end(struct http2_tx *t, unsigned dir)
{
    bool client = dir == SIG_DIR_TOSERVER;
    switch (t->progress) {
    case HTTP2_HALF_CLOSED_CLIENT:
    case HTTP2_DATA_SERVER:
        if (!client)
            t->progress = HTTP2_CLOSED;
        break;
    case HTTP2_HALF_CLOSED_SERVER:
        if (client)
            t->progress = HTTP2_CLOSED;
        break;
    case HTTP2_CLOSED:
    case HTTP2_GLOBAL:
        break;
    default:
        t->progress = client ? HTTP2_HALF_CLOSED_CLIENT : HTTP2_HALF_CLOSED_SERVER;
        break;
    }
}

/** A frame has come: the stream's next state. */
static void stream_step(struct app_io *io, struct http2_tx *t, const struct frame *f,
                        uint32_t promised)
{
    bool client = io->dir == SIG_DIR_TOSERVER;
    uint8_t data = client ? HTTP2_DATA_CLIENT : HTTP2_DATA_SERVER;
    switch (f->type) {
    case HTTP2_PUSH_PROMISE:
        if (!client) {
            t->child = f->flags & FLAG_END_HEADERS ? 0 : promised;
            t->progress = HTTP2_RESERVED;
        }
        break;
    case HTTP2_RST_STREAM:
        t->child = 0;
        if (t->progress < HTTP2_CLOSED)
            t->progress = HTTP2_CLOSED;
        break;
    case HTTP2_HEADERS:
    case HTTP2_DATA:
        if (f->flags & FLAG_END_STREAM)
            stream_end(t, io->dir);
        else if (f->type == HTTP2_DATA && t->progress < data)
            t->progress = data;
        break;
    default:
        break;
    }
}

/* ---- header blocks ------------------------------------------------------------------------- */

static struct http_slice text_keep(struct app_io *io, struct http2_side *side, const uint8_t *data,
                                   uint32_t len)
{
    struct http_slice s = { side->text.len, len };
    if (!app_bytes_add(io->ctx->slab, &side->text, data, len)) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        s.len = 0;
    }
    return s;
}

/** Keep a field for rules, while there is room. */
static void field_keep(struct app_io *io, struct http2_side *side, const struct hpack_field *f,
                       bool is_update)
{
    struct http2_header h = { .size_update = f->size_update, .is_update = is_update };
    if (side->headers.len / sizeof(h) >= HTTP2_HEADERS_MAX ||
        f->name_len + f->value_len > HTTP2_HEADERS_BYTES_MAX - side->text.len) {
        app_count(io->ctx, APP_COUNT_HEADER_LIMIT);
        return;
    }
    h.name = text_keep(io, side, f->name, f->name_len);
    h.value = text_keep(io, side, f->value, f->value_len);
    if (!app_bytes_add(io->ctx->slab, &side->headers, &h, sizeof(h)))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
}

static bool name_is(const struct http2_side *side, const struct http2_header *h, const char *name)
{
    return h->name.len == strlen(name) &&
           strncasecmp((const char *)side->text.data + h->name.at, name, h->name.len) == 0;
}

/** "bytes first-last/whole" (RFC 9110 14.4), with `*` for what is not known. */
static bool range_sound(const uint8_t *v, uint32_t len)
{
    struct cursor c = cursor_make(v, len);
    const uint8_t *unit = cursor_take(&c, 6);
    if (!unit || memcmp(unit, "bytes ", 6) != 0)
        return false;
    unsigned marks = 0;
    for (size_t n = cursor_left(&c); n > 0; n--) {
        uint8_t b = cursor_u8(&c);
        marks += b == '-' || b == '/';
        if ((b < '0' || b > '9') && b != '-' && b != '/' && b != '*')
            return false;
    }
    return marks == 1 || marks == 2;
}

/** What the fields from number `from` on say about the message. */
static void headers_read(struct app_io *io, struct http2_tx *t, uint32_t from)
{
    struct http2_side *side = &t->side[io->dir];
    const struct http2_header *h, *authority = NULL, *host = NULL;
    for (uint32_t i = from; (h = http2_header_at(side, i)); i++) {
        /* a table's size update has no text, and may stand alone */
        const uint8_t *value = h->value.len ? side->text.data + h->value.at : NULL;
        if (name_is(side, h, ":authority")) {
            authority = h;
            if (h->value.len > 0 && memchr(value, '@', h->value.len))
                app_tx_event(&t->tx, io->dir, HTTP2_USERINFO_IN_URI);
        } else if (name_is(side, h, "host")) {
            host = h;
        } else if (name_is(side, h, "content-encoding") && !side->has_coding) {
            side->has_coding = true;
            http_body_coding(io, &side->body, value, h->value.len);
        } else if (name_is(side, h, "content-range") && !range_sound(value, h->value.len)) {
            app_tx_event(&t->tx, io->dir, HTTP2_INVALID_RANGE);
        }
    }
    if (authority && host &&
        (authority->value.len != host->value.len ||
         strncasecmp((const char *)side->text.data + authority->value.at,
                     (const char *)side->text.data + host->value.at, host->value.len) != 0))
        app_tx_event(&t->tx, io->dir, HTTP2_AUTHORITY_HOST_MISMATCH);
}

/** Decode a whole header block into the transaction's side (NULL: for the table's sake alone). */
static void block_read(struct app_io *io, struct http2_tx *t, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    struct http2_side *side = t ? &t->side[io->dir] : NULL;
    uint32_t from = side ? side->headers.len / (uint32_t)sizeof(struct http2_header) : 0;
    struct hpack_field f;
    while (cursor_left(&c) > 0) {
        enum hpack_status status = hpack_next(&reader_of(io)->hpack, io->ctx->slab, &c, &f);
        if (status == HPACK_OVERFLOW)
            app_tx_event(t ? &t->tx : NULL, io->dir, HTTP2_HEADER_INTEGER_OVERFLOW);
        if (status == HPACK_SHORT)
            app_tx_event(t ? &t->tx : NULL, io->dir, HTTP2_INVALID_FRAME_DATA);
        if (status == HPACK_OVERFLOW || status == HPACK_SHORT)
            break;
        if (!side)
            continue;
        if (status == HPACK_BAD_INDEX)
            app_tx_event(&t->tx, io->dir, HTTP2_INVALID_HEADER);
        if (status == HPACK_SIZE_UPDATE) {
            uint8_t size[8];
            for (unsigned i = 0; i < 8; i++)
                size[i] = (uint8_t)(f.size_update >> (56 - 8 * i));
            if (side->updates.len < HTTP2_FRAMES_MAX * sizeof(size))
                (void)app_bytes_add(io->ctx->slab, &side->updates, size, sizeof(size));
        }
        field_keep(io, side, &f, status == HPACK_SIZE_UPDATE);
    }
    if (t)
        headers_read(io, t, from);
}

/** Begin or go on with a block in several frames; read it when it is whole. */
static void block_gather(struct app_io *io, struct http2_tx *t, const struct frame *f,
                         const uint8_t *data, uint32_t len)
{
    struct http2_reader *r = reader_of(io);
    bool more = f->type == HTTP2_CONTINUATION;
    bool whole = f->flags & FLAG_END_HEADERS;
    if (!more || r->block_stream != f->stream)
        r->block.len = 0;
    if (whole && r->block.len == 0) {
        block_read(io, t, data, len);
        return;
    }
    r->block_stream = f->stream;
    uint32_t room = HTTP2_BLOCK_MAX - r->block.len;
    if (len > room) {
        app_tx_event(t ? &t->tx : NULL, io->dir, HTTP2_REASSEMBLY_LIMIT_REACHED);
        len = room;
    }
    if (!app_bytes_add(io->ctx->slab, &r->block, data, len))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
    if (!whole)
        return;
    block_read(io, t, r->block.data, r->block.len);
    app_bytes_free(io->ctx->slab, &r->block);
    r->block_stream = 0;
}

/* ---- frames -------------------------------------------------------------------------------- */

static void number_keep(struct app_io *io, struct app_bytes *to, const uint8_t *data, uint32_t len)
{
    if (to->len < HTTP2_FRAMES_MAX * len && !app_bytes_add(io->ctx->slab, to, data, len))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
}

/** What padding leaves of a frame's data (RFC 9113 6.1). */
static struct cursor frame_content(const struct frame *f)
{
    struct cursor c = cursor_make(f->data, f->len);
    if (f->flags & FLAG_PADDED) {
        uint8_t padding = cursor_u8(&c);
        if (padding <= cursor_left(&c))
            c.end -= padding;
    }
    return c;
}

static void headers_take(struct app_io *io, struct http2_tx *t, const struct frame *f)
{
    struct cursor c =
        f->type == HTTP2_CONTINUATION ? cursor_make(f->data, f->len) : frame_content(f);
    if (f->type == HTTP2_HEADERS && f->flags & FLAG_PRIORITY) {
        cursor_skip(&c, 4);
        const uint8_t *weight = cursor_take(&c, 1);
        if (weight && t)
            number_keep(io, &t->side[io->dir].weights, weight, 1);
    }
    if (f->type == HTTP2_PUSH_PROMISE)
        cursor_skip(&c, 4);
    if (c.bad || f->len < f->length)
        app_tx_event(t ? &t->tx : NULL, io->dir, HTTP2_INVALID_FRAME_DATA);
    if (!c.bad)
        block_gather(io, t, f, c.at, (uint32_t)cursor_left(&c));
}

/** Settings of one side rule how the other may compress (RFC 7541 4.2). */
static void settings_take(struct app_io *io, struct http2_tx *t, const uint8_t *data, uint32_t len)
{
    struct http2_state *s = io->af->state;
    struct cursor c = cursor_make(data, len);
    while (cursor_left(&c) >= SETTING_LEN) {
        number_keep(io, &t->side[io->dir].settings, c.at, SETTING_LEN);
        uint16_t id = cursor_be16(&c);
        uint32_t value = cursor_be32(&c);
        if (id == SETTING_TABLE_SIZE)
            hpack_limit(&s->reader[!io->dir].hpack, value);
    }
}

static void data_take(struct app_io *io, struct http2_tx *t, const struct frame *f)
{
    struct http2_side *side = &t->side[io->dir];
    struct http_body *b = &side->body;
    struct cursor c = frame_content(f);
    uint32_t kept = b->data.len;
    uint64_t size = b->size;
    bool failed = b->failed;
    side->has_body = true;
    http_body_take(io, b, c.at, (uint32_t)cursor_left(&c));
    if (failed || !b->failed)
        return;
    app_tx_event(&t->tx, io->dir, HTTP2_FAILED_DECOMPRESSION);
    http_body_cancel(b, kept, size);
}

/** Keep a number of exactly `want` bytes (GOAWAY: at least), or say that the length is wrong. */
static void number_take(struct app_io *io, struct http2_tx *t, const struct frame *f)
{
    struct http2_side *side = &t->side[io->dir];
    uint32_t want = f->type == HTTP2_PRIORITY ? 5 : f->type == HTTP2_GOAWAY ? 8 : 4;
    if (f->type == HTTP2_GOAWAY ? f->len < 4 : f->len != want) {
        app_tx_event(&t->tx, io->dir, HTTP2_INVALID_FRAME_LENGTH);
        return;
    }
    uint8_t window[4];
    switch (f->type) {
    case HTTP2_PRIORITY:
        number_keep(io, &side->weights, f->data + 4, 1);
        break;
    case HTTP2_WINDOW_UPDATE:
        memcpy(window, f->data, sizeof(window));
        window[0] &= 0x7f;
        number_keep(io, &side->windows, window, sizeof(window));
        break;
    default: /* GOAWAY: the reference reads its first four bytes, the last stream's number */
        number_keep(io, &side->codes, f->data, 4);
        break;
    }
}

static void frame_take(struct app_io *io, const struct frame *f)
{
    uint32_t promised = 0;
    bool headers =
        f->type == HTTP2_HEADERS || f->type == HTTP2_PUSH_PROMISE || f->type == HTTP2_CONTINUATION;
    if (f->type == HTTP2_PUSH_PROMISE) {
        struct cursor c = frame_content(f);
        promised = cursor_be32(&c) & 0x7fffffff;
    }
    struct http2_tx *t = frame_tx(io, f, promised);
    if (headers)
        headers_take(io, t, f);
    if (!t)
        return;
    number_keep(io, &t->side[io->dir].types, &f->type, 1);
    if (f->type == HTTP2_SETTINGS)
        settings_take(io, t, f->data, f->len);
    else if (f->type == HTTP2_DATA)
        data_take(io, t, f);
    else if (!headers && f->type != HTTP2_PING && f->type < HTTP2_CONTINUATION)
        number_take(io, t, f);
    stream_step(io, t, f, promised);
    tx_advance(t);
    if (t->progress >= HTTP2_CLOSED)
        for (unsigned d = 0; d < 2; d++)
            http_body_close(&t->side[d].body);
}

/** Cut one frame from the front; 0: more bytes are needed. */
static uint32_t frame_next(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    struct frame f = { .length = cursor_be24(&c), .type = cursor_u8(&c), .flags = cursor_u8(&c) };
    f.stream = cursor_be32(&c) & 0x7fffffff;
    if (c.bad)
        return 0;
    uint32_t left = (uint32_t)cursor_left(&c);
    if (left < f.length && (f.length < FRAME_MAX || left < FRAME_MIN)) {
        io->want = FRAME_HEADER + (f.length < FRAME_MAX ? f.length : FRAME_MIN);
        return 0;
    }
    f.len = left < f.length ? left : f.length;
    f.data = cursor_take(&c, f.len);
    if (f.len < f.length) {
        event_raise(io, HTTP2_LONG_FRAME_DATA);
        reader_of(io)->skip = f.length - f.len;
    }
    if (f.length > 0 || f.type != HTTP2_SETTINGS)
        frame_take(io, &f);
    return FRAME_HEADER + f.len;
}

/* ---- the connection ------------------------------------------------------------------------ */

/** Base64 (RFC 4648 5, no padding) into `out`; the length, 0 when it is none or too long. */
static uint32_t settings_decode(const uint8_t *text, uint32_t len, uint8_t *out, uint32_t room)
{
    uint32_t bits = 0, n = 0;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t c = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
        int digit = base64_digit(c);
        if (digit < 0 || n == room)
            return 0;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 0)
            out[n++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return n;
}

/** HTTP2-Settings (RFC 7540 3.2.1): the client's first SETTINGS frame. */
static void upgrade_settings(struct app_io *io, struct http2_tx *t, const uint8_t *text,
                             uint32_t len)
{
    uint8_t bytes[UPGRADE_SETTINGS_MAX];
    uint32_t n = settings_decode(text, len, bytes, sizeof(bytes));
    struct http2_tx *global = n >= SETTING_LEN ? stream_new(io, 0) : NULL;
    if (n == 0 || n % SETTING_LEN != 0)
        app_tx_event(&t->tx, io->dir, HTTP2_INVALID_HTTP1_SETTINGS);
    if (!global)
        return;
    settings_take(io, global, bytes, n);
    number_keep(io, &global->side[io->dir].types, &(uint8_t){ HTTP2_SETTINGS }, 1);
    tx_advance(global);
}

/** A header of the HTTP/1 request that asked for the upgrade, as if it had come in HTTP/2. */
static void upgrade_header(struct app_io *io, struct http2_tx *t, struct hpack_field f)
{
    static const char settings[] = "HTTP2-Settings", authority[] = ":authority";
    if (f.name_len == sizeof(settings) - 1 && memcmp(f.name, settings, f.name_len) == 0) {
        upgrade_settings(io, t, f.value, f.value_len);
        return;
    }
    if (f.name_len == 4 && strncasecmp((const char *)f.name, "host", 4) == 0) {
        f.name = (const uint8_t *)authority;
        f.name_len = sizeof(authority) - 1;
    }
    field_keep(io, &t->side[io->dir], &f, false);
}

/** The request that HTTP/1 handed over is stream 1 (RFC 7540 3.2). */
static void upgrade_take(struct app_io *io)
{
    struct app_bytes *from = &io->af->handover;
    unsigned dir = io->dir;
    io->dir = SIG_DIR_TOSERVER;
    struct http2_tx *t = from->len > 0 ? stream_new(io, 1) : NULL;
    struct cursor c = cursor_make(from->data, t ? from->len : 0);
    while (cursor_left(&c) > 0) {
        struct hpack_field f = { .name_len = cursor_be32(&c), .value_len = cursor_be32(&c) };
        f.name = cursor_take(&c, f.name_len);
        f.value = cursor_take(&c, f.value_len);
        if (c.bad)
            break;
        upgrade_header(io, t, f);
    }
    if (t) {
        number_keep(io, &t->side[io->dir].types, &(uint8_t){ HTTP2_HEADERS }, 1);
        t->progress = HTTP2_HALF_CLOSED_CLIENT;
        tx_advance(t);
    }
    io->dir = dir;
    app_bytes_free(io->ctx->slab, from);
}

static void state_begin(struct app_io *io, struct http2_state *s)
{
    s->begun = true;
    for (unsigned d = 0; d < 2; d++)
        s->reader[d].hpack.max = HPACK_TABLE_DEFAULT;
    upgrade_take(io);
}

/** The client's first bytes; 0: not all there. */
static uint32_t magic_take(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct http2_state *s = io->af->state;
    if (len < MAGIC_LEN)
        return 0;
    s->magic_done = true;
    if (memcmp(data, MAGIC, MAGIC_LEN) == 0)
        return MAGIC_LEN;
    event_raise(io, HTTP2_INVALID_CLIENT_MAGIC);
    return 0;
}

static uint32_t http2_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    struct http2_state *s = io->af->state;
    struct http2_reader *r = reader_of(io);
    uint32_t used = 0;
    (void)old;
    if (!s->begun)
        state_begin(io, s);
    if (io->dir == SIG_DIR_TOSERVER && !s->magic_done) {
        used = magic_take(io, data, len);
        if (!s->magic_done)
            return 0;
    }
    while (used < len) {
        uint32_t n = r->skip < len - used ? r->skip : len - used;
        if (n > 0)
            r->skip -= n;
        else
            n = frame_next(io, data + used, len - used);
        if (n == 0)
            break;
        used += n;
    }
    return used;
}

static void http2_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct http2_tx *t = (struct http2_tx *)tx;
    for (unsigned d = 0; d < 2; d++) {
        struct http2_side *side = &t->side[d];
        struct app_bytes *all[] = { &side->headers, &side->text,     &side->types,
                                    &side->codes,   &side->weights,  &side->windows,
                                    &side->updates, &side->settings };
        for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
            app_bytes_free(ctx->slab, all[i]);
        for (unsigned i = 0; i < HTTP2_MADE_COUNT; i++)
            app_bytes_free(ctx->slab, &side->made[i]);
        http_body_free(ctx, &side->body);
    }
}

static void http2_state_clear(struct app_ctx *ctx, void *state)
{
    struct http2_state *s = state;
    for (unsigned d = 0; d < 2; d++) {
        hpack_free(&s->reader[d].hpack, ctx->slab);
        app_bytes_free(ctx->slab, &s->reader[d].block);
    }
}

static void http2_body_advance(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx,
                               unsigned dir)
{
    (void)ctx;
    (void)af;
    http_body_looked(&((struct http2_tx *)tx)->side[dir].body,
                     tx->progress[dir] > SIG_PROGRESS_BODY);
}

const struct app_parser app_parser_http2 = {
    .app = SIG_APP_HTTP2,
    .state_size = sizeof(struct http2_state),
    .stream = http2_stream,
    .buffer = http2_buffer,
    .body_advance = http2_body_advance,
    .tx_clear = http2_clear,
    .state_clear = http2_state_clear,
    .file = http2_file,
    .describe = http2_describe,
    .stay_open = true,
    .tx_size = sizeof(struct http2_tx),
    .events = http2_events,
};
