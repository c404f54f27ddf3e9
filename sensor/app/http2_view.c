/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 buffers for rules, made when first asked for, and EVE's "http". */
#include "config.h"
#include "sensor/app/http2.h"
#include "sensor/app/files.h"

#include <stdio.h>
#include <strings.h>

#include "common/cursor.h"
#include "common/json.h"

/** Fields of a direction that EVE writes. */
#define DESCRIBE_MAX 64u

const struct http2_header *http2_header_at(const struct http2_side *side, uint32_t i)
{
    const struct http2_header *all = (const void *)side->headers.data;
    return i < side->headers.len / sizeof(*all) ? &all[i] : NULL;
}

static uint32_t header_count(const struct http2_side *side)
{
    return side->headers.len / (uint32_t)sizeof(struct http2_header);
}

static const uint8_t *text_at(const struct http2_side *side, struct http_slice s)
{
    return side->text.data ? side->text.data + s.at : (const uint8_t *)"";
}

/** Names are lower case in HTTP/2, but not those that an upgrade brought from HTTP/1. */
static bool name_is(const struct http2_side *side, const struct http2_header *h, const char *name)
{
    return h->name.len == strlen(name) && memcmp(text_at(side, h->name), name, h->name.len) == 0;
}

static const struct http2_header *header_find(const struct http2_side *side, const char *name)
{
    const struct http2_header *h;
    for (uint32_t i = 0; (h = http2_header_at(side, i)); i++)
        if (name_is(side, h, name))
            return h;
    return NULL;
}

static bool header_view(const struct http2_side *side, const char *name, struct app_view *out)
{
    const struct http2_header *h = header_find(side, name);
    return h && app_view_set(out, text_at(side, h->value), h->value.len);
}

/* ---- made buffers -------------------------------------------------------------------------- */

/** What a made buffer is made of; `name` for the values. */
struct making {
    struct slab *slab;
    const struct http2_side *side;
    unsigned dir;
    const char *name;
    struct app_bytes *to;
};

static void put(const struct making *m, const void *data, uint32_t len)
{
    (void)app_bytes_add(m->slab, m->to, data, len);
}

static void put_field(const struct making *m, const struct http2_header *h, bool trim,
                      const char *end)
{
    const uint8_t *value = text_at(m->side, h->value);
    uint32_t len = h->value.len;
    while (trim && len > 0 && (value[0] == ' ' || value[0] == '\t')) {
        value++;
        len--;
    }
    while (trim && len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;
    put(m, text_at(m->side, h->name), h->name.len);
    put(m, ": ", 2);
    put(m, value, len);
    put(m, end, (uint32_t)strlen(end));
}

static bool is_cookie(const struct making *m, const struct http2_header *h)
{
    const char *name = m->dir == SIG_DIR_TOSERVER ? "cookie" : "set-cookie";
    return h->name.len == strlen(name) &&
           strncasecmp((const char *)text_at(m->side, h->name), name, h->name.len) == 0;
}

static void make_headers(const struct making *m, enum http2_made which)
{
    const struct http2_header *h;
    for (uint32_t i = 0; (h = http2_header_at(m->side, i)); i++) {
        if (which == HTTP2_MADE_HEADER && is_cookie(m, h))
            continue;
        put_field(m, h, which == HTTP2_MADE_HEADER, which == HTTP2_MADE_EACH ? "" : "\r\n");
    }
}

static void make_names(const struct making *m)
{
    const struct http2_header *h;
    put(m, "\r\n", 2);
    for (uint32_t i = 0; (h = http2_header_at(m->side, i)); i++) {
        put(m, text_at(m->side, h->name), h->name.len);
        put(m, "\r\n", 2);
    }
    put(m, "\r\n", 2);
}

static void put_value(const struct making *m, const char *name)
{
    struct app_view v;
    if (header_view(m->side, name, &v))
        put(m, v.data, v.len);
}

/** What the first line would have been in HTTP/1, also where parts of it are missing. */
static void make_line(const struct making *m)
{
    if (m->dir == SIG_DIR_TOCLIENT) {
        put(m, "HTTP/2 ", 7);
        put_value(m, ":status");
    } else {
        put_value(m, ":method");
        put(m, " ", 1);
        put_value(m, ":path");
        put(m, " HTTP/2", 7);
    }
    put(m, "\r\n", 2);
}

/** All values of one name, joined. */
static void make_value(const struct making *m)
{
    const struct http2_header *h;
    bool more = false;
    for (uint32_t i = 0; (h = http2_header_at(m->side, i)); i++) {
        if (!name_is(m->side, h, m->name))
            continue;
        put(m, ", ", more ? 2 : 0);
        put(m, text_at(m->side, h->value), h->value.len);
        more = true;
    }
}

/** The authority without user and port, in lower case. */
static void make_host(const struct making *m)
{
    make_value(m);
    uint8_t *at = m->to->len > 0 ? memchr(m->to->data, '@', m->to->len) : NULL;
    if (at)
        app_bytes_shift(m->to, (uint32_t)(at + 1 - m->to->data));
    uint8_t *colon = m->to->len > 0 ? memchr(m->to->data, ':', m->to->len) : NULL;
    if (colon)
        m->to->len = (uint32_t)(colon - m->to->data);
    for (uint32_t i = 0; i < m->to->len; i++)
        if (m->to->data[i] >= 'A' && m->to->data[i] <= 'Z')
            m->to->data[i] |= 0x20;
}

/** Buffer `which` of a direction, made anew when headers were added since. */
static const struct app_bytes *made(struct app_ctx *ctx, struct http2_tx *t, unsigned dir,
                                    unsigned which, const char *name)
{
    struct http2_side *side = &t->side[dir];
    struct making m = { ctx->slab, side, dir, name, &side->made[which] };
    if (side->made_of[which] == header_count(side) + 1)
        return m.to;
    side->made_of[which] = header_count(side) + 1;
    m.to->len = 0;
    switch (which) {
    case HTTP2_MADE_HEADER:
    case HTTP2_MADE_HEADER_RAW:
    case HTTP2_MADE_EACH:
        make_headers(&m, (enum http2_made)which);
        break;
    case HTTP2_MADE_NAMES:
        make_names(&m);
        break;
    case HTTP2_MADE_LINE:
        make_line(&m);
        break;
    case HTTP2_MADE_HOST:
        make_host(&m);
        break;
    default:
        make_value(&m);
        break;
    }
    return m.to;
}

static bool made_view(struct app_ctx *ctx, struct http2_tx *t, unsigned dir, unsigned which,
                      const char *name, struct app_view *out)
{
    if (header_count(&t->side[dir]) == 0 && which != HTTP2_MADE_LINE)
        return false;
    const struct app_bytes *b = made(ctx, t, dir, which, name);
    return b->len > 0 && app_view_set(out, b->data, b->len);
}

/** The value of a header: where it stands, or joined when there are several. */
static bool value_view(struct app_ctx *ctx, struct http2_tx *t, unsigned dir, unsigned slot,
                       const char *name, struct app_view *out)
{
    const struct http2_side *side = &t->side[dir];
    const struct http2_header *h;
    uint32_t count = 0;
    for (uint32_t i = 0; (h = http2_header_at(side, i)); i++)
        count += name_is(side, h, name);
    if (count <= 1)
        return count == 1 && header_view(side, name, out);
    return made_view(ctx, t, dir, HTTP2_MADE_VALUE + slot, name, out);
}

/** Field `index` as "name: value". */
static bool each_view(struct app_ctx *ctx, struct http2_tx *t, unsigned dir, uint32_t index,
                      struct app_view *out)
{
    struct http2_side *side = &t->side[dir];
    const struct http2_header *h;
    if (!http2_header_at(side, index))
        return false;
    const struct app_bytes *b = made(ctx, t, dir, HTTP2_MADE_EACH, NULL);
    uint32_t at = 0, n = 0;
    for (uint32_t i = 0; (h = http2_header_at(side, i)); i++, at += n) {
        n = h->name.len + 2 + h->value.len;
        if (n > b->len - at)
            return false;
        if (i == index)
            return app_view_set(out, b->data + at, n);
    }
    return false;
}

/* ---- buffers ------------------------------------------------------------------------------- */

/** Buffers that are the value of one header, by direction. */
static const struct {
    enum sig_buffer buffer;
    const char *name[2];
} values[] = {
    { SIG_BUF_HTTP_USER_AGENT, { "user-agent", NULL } },
    { SIG_BUF_HTTP_REFERER, { "referer", NULL } },
    { SIG_BUF_HTTP_COOKIE, { "cookie", "set-cookie" } },
    { SIG_BUF_HTTP_ACCEPT, { "accept", NULL } },
    { SIG_BUF_HTTP_ACCEPT_LANG, { "accept-language", NULL } },
    { SIG_BUF_HTTP_ACCEPT_ENC, { "accept-encoding", NULL } },
    { SIG_BUF_HTTP_CONNECTION, { "connection", "connection" } },
    { SIG_BUF_HTTP_CONTENT_TYPE, { "content-type", "content-type" } },
    { SIG_BUF_HTTP_CONTENT_LEN, { "content-length", "content-length" } },
    { SIG_BUF_HTTP_SERVER, { NULL, "server" } },
    { SIG_BUF_HTTP_LOCATION, { NULL, "location" } },
    { SIG_BUF_HTTP_HOST_RAW, { ":authority", NULL } },
};

_Static_assert(sizeof(values) / sizeof(values[0]) == HTTP2_MADE_COUNT - HTTP2_MADE_VALUE,
               "a slot for each value");

/** Instance `index` of numbers of `size` bytes. */
static bool number_view(const struct app_bytes *b, uint32_t index, uint32_t size,
                        struct app_view *out)
{
    return index < b->len / size && app_view_set(out, b->data + index * size, size);
}

/** The buffers that HTTP/2 alone has; false in `*mine` for others. */
static bool own_buffer(const struct http2_side *side, enum sig_buffer buffer, uint32_t index,
                       struct app_view *out, bool *mine)
{
    const struct http2_header *h;
    *mine = true;
    switch (buffer) {
    case SIG_BUF_HTTP2_FRAMETYPE:
        return number_view(&side->types, index, 1, out);
    case SIG_BUF_HTTP2_ERRORCODE:
        return number_view(&side->codes, index, 4, out);
    case SIG_BUF_HTTP2_PRIORITY:
        return number_view(&side->weights, index, 1, out);
    case SIG_BUF_HTTP2_WINDOW:
        return number_view(&side->windows, index, 4, out);
    case SIG_BUF_HTTP2_SIZE_UPDATE:
        return number_view(&side->updates, index, 8, out);
    case SIG_BUF_HTTP2_SETTINGS:
        return number_view(&side->settings, index, 6, out);
    case SIG_BUF_HTTP2_HEADER_NAME:
        h = http2_header_at(side, index);
        return h && app_view_set(out, text_at(side, h->name), h->name.len);
    default:
        *mine = false;
        return false;
    }
}

static bool request_buffer(struct app_ctx *ctx, struct http2_tx *t, enum sig_buffer buffer,
                           struct app_view *out)
{
    const struct http2_side *side = &t->side[SIG_DIR_TOSERVER];
    switch (buffer) {
    case SIG_BUF_HTTP_METHOD:
        return header_view(side, ":method", out);
    case SIG_BUF_HTTP_URI:
    case SIG_BUF_HTTP_URI_RAW:
        return header_view(side, ":path", out);
    case SIG_BUF_HTTP_HOST:
        return made_view(ctx, t, SIG_DIR_TOSERVER, HTTP2_MADE_HOST, ":authority", out);
    case SIG_BUF_HTTP_REQUEST_LINE:
        return made_view(ctx, t, SIG_DIR_TOSERVER, HTTP2_MADE_LINE, NULL, out);
    default:
        return false;
    }
}

static bool response_buffer(struct app_ctx *ctx, struct http2_tx *t, enum sig_buffer buffer,
                            struct app_view *out)
{
    switch (buffer) {
    case SIG_BUF_HTTP_STAT_CODE:
        return header_view(&t->side[SIG_DIR_TOCLIENT], ":status", out);
    case SIG_BUF_HTTP_STAT_MSG: /* HTTP/2 has none: an empty one, as in the reference */
        return app_view_set(out, "", 0);
    case SIG_BUF_HTTP_RESPONSE_LINE:
        return made_view(ctx, t, SIG_DIR_TOCLIENT, HTTP2_MADE_LINE, NULL, out);
    default:
        return false;
    }
}

/** Buffers that both directions have. */
static bool common_buffer(struct app_ctx *ctx, struct http2_tx *t, unsigned dir,
                          enum sig_buffer buffer, struct app_view *out)
{
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (values[i].buffer == buffer)
            return values[i].name[dir] && value_view(ctx, t, dir, i, values[i].name[dir], out);
    switch (buffer) {
    case SIG_BUF_HTTP_HEADER:
        return made_view(ctx, t, dir, HTTP2_MADE_HEADER, NULL, out);
    case SIG_BUF_HTTP_HEADER_RAW:
        return made_view(ctx, t, dir, HTTP2_MADE_HEADER_RAW, NULL, out);
    case SIG_BUF_HTTP_HEADER_NAMES:
        return made_view(ctx, t, dir, HTTP2_MADE_NAMES, NULL, out);
    case SIG_BUF_HTTP_PROTOCOL:
        return app_view_set(out, "HTTP/2", 6);
    default:
        return dir == SIG_DIR_TOSERVER ? request_buffer(ctx, t, buffer, out)
                                       : response_buffer(ctx, t, buffer, out);
    }
}

bool http2_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                  enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)af;
    struct http2_tx *t = (struct http2_tx *)tx;
    struct http2_side *side = &t->side[dir];
    bool request = dir == SIG_DIR_TOSERVER, mine;
    bool found = own_buffer(side, buffer, index, out, &mine);
    if (mine)
        return found;
    if (buffer == (request ? SIG_BUF_HTTP_REQUEST_HEADER : SIG_BUF_HTTP_RESPONSE_HEADER))
        return each_view(ctx, t, dir, index, out);
    if (index > 0)
        return false;
    if (buffer == SIG_BUF_FILE_SIZE)
        return http_size_view(&side->body, tx->progress[dir] > SIG_PROGRESS_BODY, out);
    if (buffer == SIG_BUF_FILE_MAGIC)
        return app_file_type(ctx, &side->body.data, tx->progress[dir] > SIG_PROGRESS_BODY,
                             &side->body.type, out);
    if (app_sums_kind(buffer) != APP_DIGEST_KINDS)
        return http_sum_view(ctx, &side->body, tx->progress[dir] > SIG_PROGRESS_BODY, buffer, out);
    if (buffer == SIG_BUF_FILE_DATA ||
        buffer == (request ? SIG_BUF_HTTP_REQUEST_BODY : SIG_BUF_HTTP_RESPONSE_BODY))
        return http_body_window(&side->body, tx->progress[dir] > SIG_PROGRESS_BODY, out);
    return common_buffer(ctx, t, dir, buffer, out);
}

bool http2_file(struct app_ctx *ctx, struct app_tx *tx, unsigned dir, uint32_t index,
                struct app_file_view *out)
{
    struct http2_tx *t = (struct http2_tx *)tx;
    return index == 0 &&
           http_body_file(ctx, &t->side[dir].body, tx->progress[dir] > SIG_PROGRESS_BODY, out);
}

/* ---- EVE ----------------------------------------------------------------------------------- */

static void describe_headers(const struct http2_side *side, const char *key, struct json *out)
{
    const struct http2_header *h;
    if (header_count(side) == 0)
        return;
    json_open_array(out, key);
    for (uint32_t i = 0; i < DESCRIBE_MAX && (h = http2_header_at(side, i)); i++) {
        json_open(out, NULL);
        if (h->is_update) {
            json_u64(out, "table_size_update", h->size_update);
        } else {
            json_strn(out, "name", text_at(side, h->name), h->name.len);
            json_strn(out, "value", text_at(side, h->value), h->value.len);
        }
        json_close(out);
    }
    json_close_array(out);
}

static void describe_value(const struct http2_side *side, const char *name, const char *key,
                           struct json *out)
{
    struct app_view v;
    if (header_view(side, name, &v))
        json_strn(out, key, v.data, v.len);
}

static void describe_settings(const struct http2_side *side, struct json *out)
{
    static const char *const names[] = { NULL,
                                         "SETTINGSHEADERTABLESIZE",
                                         "SETTINGSENABLEPUSH",
                                         "SETTINGSMAXCONCURRENTSTREAMS",
                                         "SETTINGSINITIALWINDOWSIZE",
                                         "SETTINGSMAXFRAMESIZE",
                                         "SETTINGSMAXHEADERLISTSIZE" };
    struct cursor c = cursor_make(side->settings.data, side->settings.len);
    if (side->settings.len == 0)
        return;
    json_open_array(out, "settings");
    while (cursor_left(&c) > 0) {
        uint16_t id = cursor_be16(&c);
        uint32_t value = cursor_be32(&c);
        if (id == 0 || id >= sizeof(names) / sizeof(names[0]))
            continue;
        json_open(out, NULL);
        json_str(out, "settings_id", names[id]);
        json_u64(out, "settings_value", value);
        json_close(out);
    }
    json_close_array(out);
}

static void describe_code(const struct http2_side *side, struct json *out)
{
    char text[16];
    struct cursor c = cursor_make(side->codes.data, side->codes.len);
    if (side->codes.len == 0)
        return;
    snprintf(text, sizeof(text), "%u", cursor_be32(&c));
    json_str(out, "error_code", text);
}

static void describe_status(const struct http2_side *side, struct json *out)
{
    struct app_view v;
    uint64_t status = 0;
    if (!header_view(side, ":status", &v) || v.len == 0 || v.len > 3)
        return;
    for (uint32_t i = 0; i < v.len; i++) {
        if (v.data[i] < '0' || v.data[i] > '9')
            return;
        status = status * 10 + (v.data[i] - '0');
    }
    json_u64(out, "status", status);
}

void http2_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct http2_tx *t = (const struct http2_tx *)tx;
    const struct http2_side *request = &t->side[SIG_DIR_TOSERVER];
    const struct http2_side *response = &t->side[SIG_DIR_TOCLIENT];
    json_open(out, "http");
    json_str(out, "version", "2");
    describe_headers(request, "request_headers", out);
    describe_headers(response, "response_headers", out);
    describe_value(request, ":method", "http_method", out);
    describe_value(request, ":path", "url", out);
    describe_value(request, ":authority", "hostname", out);
    describe_value(request, "user-agent", "http_user_agent", out);
    describe_value(request, "referer", "http_refer", out);
    describe_status(response, out);
    if (response->has_body)
        json_u64(out, "length", response->body.wire);
    json_open(out, "http2");
    json_u64(out, "stream_id", t->stream);
    json_open(out, "request");
    describe_settings(request, out);
    describe_code(request, out);
    if (request->weights.len > 0)
        json_u64(out, "priority", request->weights.data[0]);
    json_close(out);
    json_open(out, "response");
    describe_settings(response, out);
    describe_code(response, out);
    json_close(out);
    json_close(out);
    json_close(out);
}
