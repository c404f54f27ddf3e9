/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 buffers for rules, made when first asked for, and EVE's "http". */
#include "config.h"
#include "sensor/app/http.h"
#include "sensor/app/files.h"

#include <strings.h>

#include "common/json.h"

static bool slice_view(const struct app_bytes *b, struct http_slice s, struct app_view *out)
{
    return s.len > 0 && app_view_set(out, b->data + s.at, s.len);
}

static bool header_view(const struct http_side *side, const char *name, struct app_view *out)
{
    const struct http_header *h = http_header_find(side, name);
    return h && app_view_set(out, http_header_value(side, h), h->value.len);
}

/* ---- made buffers -------------------------------------------------------------------------- */

static bool add_field(struct slab *slab, struct app_bytes *to, const struct http_side *side,
                      const struct http_header *h, const char *end)
{
    uint32_t need = h->name.len + 2 + h->value.len + (uint32_t)strlen(end);
    if (!app_bytes_reserve(slab, to, need))
        return false;
    (void)app_bytes_add(slab, to, side->raw.data + h->name.at, h->name.len);
    (void)app_bytes_add(slab, to, ": ", 2);
    (void)app_bytes_add(slab, to, http_header_value(side, h), h->value.len);
    (void)app_bytes_text(slab, to, end);
    return true;
}

static bool is_cookie(const struct http_side *side, const struct http_header *h, unsigned dir)
{
    const char *name = dir == SIG_DIR_TOSERVER ? "Cookie" : "Set-Cookie";
    return h->name.len == strlen(name) &&
           strncasecmp((const char *)side->raw.data + h->name.at, name, h->name.len) == 0;
}

/** http.header: all but cookies. */
static void make_header(struct slab *slab, struct http_side *side, unsigned dir,
                        struct app_bytes *to)
{
    const struct http_header *h;
    for (uint32_t i = 0; (h = http_header_at(side, i)); i++)
        if (!is_cookie(side, h, dir) && !add_field(slab, to, side, h, "\r\n"))
            return;
}

/** http.header_names: CR LF, then each name with CR LF, then CR LF. */
static void make_names(struct slab *slab, struct http_side *side, struct app_bytes *to)
{
    const struct http_header *h;
    (void)app_bytes_text(slab, to, "\r\n");
    for (uint32_t i = 0; (h = http_header_at(side, i)); i++) {
        if (!app_bytes_add(slab, to, side->raw.data + h->name.at, h->name.len))
            return;
        (void)app_bytes_text(slab, to, "\r\n");
    }
    (void)app_bytes_text(slab, to, "\r\n");
}

/** http.start: first line and all fields. */
static void make_start(struct slab *slab, struct http_side *side, struct app_bytes *to)
{
    const struct http_header *h;
    (void)app_bytes_add(slab, to, side->line.data, side->line.len);
    (void)app_bytes_text(slab, to, "\r\n");
    for (uint32_t i = 0; (h = http_header_at(side, i)); i++)
        if (!add_field(slab, to, side, h, "\r\n"))
            return;
    (void)app_bytes_text(slab, to, "\r\n");
}

/** http.request_header and .response_header: all `Name: value`, one behind the other. */
static void make_each(struct slab *slab, struct http_side *side, struct app_bytes *to)
{
    const struct http_header *h;
    for (uint32_t i = 0; (h = http_header_at(side, i)); i++)
        if (!add_field(slab, to, side, h, ""))
            return;
}

static struct app_bytes *made(struct app_ctx *ctx, struct http_tx *t, unsigned dir,
                              enum http_made which)
{
    struct http_side *side = &t->side[dir];
    struct app_bytes *to = &side->made[which];
    if (side->is_made[which])
        return to;
    side->is_made[which] = true;
    /* What is made of a head is little longer than it, so that it seldom grows. */
    (void)app_bytes_reserve(ctx->slab, to, side->line.len + side->raw.len + 8);
    switch (which) {
    case HTTP_MADE_HEADER:
        make_header(ctx->slab, side, dir, to);
        break;
    case HTTP_MADE_NAMES:
        make_names(ctx->slab, side, to);
        break;
    case HTTP_MADE_START:
        make_start(ctx->slab, side, to);
        break;
    default:
        make_each(ctx->slab, side, to);
        break;
    }
    return to;
}

static bool made_view(struct app_ctx *ctx, struct http_tx *t, unsigned dir, enum http_made which,
                      struct app_view *out)
{
    if (t->side[dir].headers.len == 0)
        return false;
    const struct app_bytes *b = made(ctx, t, dir, which);
    return b->len > 0 && app_view_set(out, b->data, b->len);
}

static bool each_view(struct app_ctx *ctx, struct http_tx *t, unsigned dir, uint32_t index,
                      struct app_view *out)
{
    struct http_side *side = &t->side[dir];
    if (!http_header_at(side, index))
        return false;
    const struct app_bytes *b = made(ctx, t, dir, HTTP_MADE_EACH);
    uint32_t at = 0;
    for (uint32_t i = 0;; i++) {
        const struct http_header *h = http_header_at(side, i);
        uint32_t n = h->name.len + 2 + h->value.len;
        if (n > b->len - at)
            return false;
        if (i == index)
            return app_view_set(out, b->data + at, n);
        at += n;
    }
}

/* ---- URI and host -------------------------------------------------------------------------- */

static void path_make(struct app_ctx *ctx, struct http_tx *t)
{
    if (t->path_made || !t->has_uri)
        return;
    t->path_made = true;
    const uint8_t *uri = t->side[SIG_DIR_TOSERVER].line.data + t->uri.at;
    if (!http_uri_normalise(ctx->slab, uri, t->uri.len, &t->path))
        app_count(ctx, APP_COUNT_NO_MEMORY);
}

/** The host as sent, with a port if there was one in the header: the URI's wins. */
static bool host_raw(const struct http_tx *t, struct app_view *out)
{
    const struct http_side *side = &t->side[SIG_DIR_TOSERVER];
    if (t->uri_host.len > 0)
        return app_view_set(out, side->line.data + t->uri.at + t->uri_host.at, t->uri_host.len);
    return header_view(side, "Host", out);
}

/** Dots at the end are taken off a host in the URI, not one in the header, as libhtp does. */
static uint32_t host_without_port(const uint8_t *d, uint32_t len, bool in_uri)
{
    bool bracket = len > 0 && d[0] == '[';
    uint32_t n = 0;
    while (n < len && (bracket || d[n] != ':')) {
        bracket = bracket && d[n] != ']';
        n++;
    }
    while (n > 0 && ((in_uri && d[n - 1] == '.') || d[n - 1] == ' ' || d[n - 1] == '\t'))
        n--;
    return n;
}

static bool host_view(struct app_ctx *ctx, struct http_tx *t, struct app_view *out)
{
    if (!t->host_made) {
        struct app_view raw;
        if (!host_raw(t, &raw))
            return false;
        t->host_made = true;
        uint32_t n = host_without_port(raw.data, raw.len, t->uri_host.len > 0);
        if (!app_bytes_add(ctx->slab, &t->host, raw.data, n))
            return false;
        for (uint32_t i = 0; i < n; i++)
            if (t->host.data[i] >= 'A' && t->host.data[i] <= 'Z')
                t->host.data[i] |= 0x20;
    }
    return t->host.len > 0 && app_view_set(out, t->host.data, t->host.len);
}

/* ---- buffers ------------------------------------------------------------------------------- */

/** Buffers that are the value of one header. */
static const char *header_of(enum sig_buffer buffer, unsigned dir)
{
    bool request = dir == SIG_DIR_TOSERVER;
    switch (buffer) {
    case SIG_BUF_HTTP_USER_AGENT:
        return request ? "User-Agent" : NULL;
    case SIG_BUF_HTTP_REFERER:
        return request ? "Referer" : NULL;
    case SIG_BUF_HTTP_COOKIE:
        return request ? "Cookie" : "Set-Cookie";
    case SIG_BUF_HTTP_ACCEPT:
        return request ? "Accept" : NULL;
    case SIG_BUF_HTTP_ACCEPT_LANG:
        return request ? "Accept-Language" : NULL;
    case SIG_BUF_HTTP_ACCEPT_ENC:
        return request ? "Accept-Encoding" : NULL;
    case SIG_BUF_HTTP_CONNECTION:
        return "Connection";
    case SIG_BUF_HTTP_CONTENT_TYPE:
        return "Content-Type";
    case SIG_BUF_HTTP_CONTENT_LEN:
        return "Content-Length";
    case SIG_BUF_HTTP_SERVER:
        return request ? NULL : "Server";
    case SIG_BUF_HTTP_LOCATION:
        return request ? NULL : "Location";
    default:
        return NULL;
    }
}

static bool request_buffer(struct app_ctx *ctx, struct http_tx *t, enum sig_buffer buffer,
                           struct app_view *out)
{
    const struct http_side *side = &t->side[SIG_DIR_TOSERVER];
    switch (buffer) {
    case SIG_BUF_HTTP_METHOD:
        return slice_view(&side->line, t->method, out);
    case SIG_BUF_HTTP_URI:
        path_make(ctx, t);
        return t->path.len > 0 && !t->unseen && app_view_set(out, t->path.data, t->path.len);
    case SIG_BUF_HTTP_URI_RAW:
        return slice_view(&side->line, t->uri, out);
    case SIG_BUF_HTTP_HOST:
        return host_view(ctx, t, out);
    case SIG_BUF_HTTP_HOST_RAW:
        return host_raw(t, out);
    case SIG_BUF_HTTP_PROTOCOL:
        return slice_view(&side->line, t->protocol, out);
    case SIG_BUF_HTTP_REQUEST_LINE:
        return side->line.len > 0 && !t->unseen &&
               app_view_set(out, side->line.data, side->line.len);
    default:
        return false;
    }
}

static bool response_buffer(const struct http_tx *t, enum sig_buffer buffer, struct app_view *out)
{
    const struct http_side *side = &t->side[SIG_DIR_TOCLIENT];
    switch (buffer) {
    case SIG_BUF_HTTP_PROTOCOL:
        return slice_view(&side->line, t->protocol_response, out);
    case SIG_BUF_HTTP_RESPONSE_LINE:
        return side->line.len > 0 && app_view_set(out, side->line.data, side->line.len);
    case SIG_BUF_HTTP_STAT_CODE:
        return slice_view(&side->line, t->status, out);
    case SIG_BUF_HTTP_STAT_MSG:
        return slice_view(&side->line, t->reason, out);
    default:
        return false;
    }
}

static bool is_body(enum sig_buffer buffer, unsigned dir)
{
    return (buffer == SIG_BUF_HTTP_REQUEST_BODY && dir == SIG_DIR_TOSERVER) ||
           (buffer == SIG_BUF_HTTP_RESPONSE_BODY && dir == SIG_DIR_TOCLIENT);
}

bool http_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                 enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)af;
    struct http_tx *t = (struct http_tx *)tx;
    struct http_side *side = &t->side[dir];
    bool request = dir == SIG_DIR_TOSERVER;
    if (buffer == (request ? SIG_BUF_HTTP_REQUEST_HEADER : SIG_BUF_HTTP_RESPONSE_HEADER))
        return each_view(ctx, t, dir, index, out);
    if (sig_buffer_def(buffer)->flags & SIG_BUFFER_FILE)
        return http_files_buffer(ctx, t, dir, buffer, index, out);
    if (is_body(buffer, dir))
        return http_reading_view(ctx, t, dir, buffer, index, out);
    if (index > 0)
        return false;
    const char *header = header_of(buffer, dir);
    if (header)
        return header_view(side, header, out);
    switch (buffer) {
    case SIG_BUF_HTTP_HEADER:
        return made_view(ctx, t, dir, HTTP_MADE_HEADER, out);
    case SIG_BUF_HTTP_HEADER_RAW:
        return side->raw.len > 0 && app_view_set(out, side->raw.data, side->raw.len);
    case SIG_BUF_HTTP_HEADER_NAMES:
        return made_view(ctx, t, dir, HTTP_MADE_NAMES, out);
    case SIG_BUF_HTTP_START:
        return made_view(ctx, t, dir, HTTP_MADE_START, out);
    default:
        return request ? request_buffer(ctx, t, buffer, out) : response_buffer(t, buffer, out);
    }
}

bool http_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                 uint64_t *out)
{
    (void)af;
    const struct http_tx *t = (const struct http_tx *)tx;
    if (dir == SIG_DIR_TOCLIENT && strcmp(name, "http.stat_code") == 0 && t->status_number) {
        *out = t->status_number;
        return true;
    }
    return false;
}

/* ---- EVE ----------------------------------------------------------------------------------- */

static void describe_header(const struct http_side *side, const char *name, const char *key,
                            struct json *out)
{
    const struct http_header *h = http_header_find(side, name);
    if (h)
        json_strn(out, key, http_header_value(side, h), h->value.len);
}

static void describe_host(const struct http_tx *t, struct json *out)
{
    const struct http_side *side = &t->side[SIG_DIR_TOSERVER];
    const struct http_header *h = http_header_find(side, "Host");
    const uint8_t *host = h ? http_header_value(side, h) : NULL;
    uint32_t len = h ? h->value.len : 0;
    if (t->uri_host.len > 0) {
        host = side->line.data + t->uri.at + t->uri_host.at;
        len = t->uri_host.len;
    }
    char lower[256];
    uint32_t n = host ? host_without_port(host, len, t->uri_host.len > 0) : 0;
    if (n == 0)
        return;
    if (n > sizeof(lower)) {
        json_strn(out, "hostname", host, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        lower[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] | 0x20 : host[i]);
    json_strn(out, "hostname", lower, n);
}

static void describe_type(const struct http_side *side, struct json *out)
{
    const struct http_header *h = http_header_find(side, "Content-Type");
    if (!h)
        return;
    const uint8_t *v = http_header_value(side, h);
    const uint8_t *end = h->value.len > 0 ? memchr(v, ';', h->value.len) : NULL;
    json_strn(out, "http_content_type", v, end ? (size_t)(end - v) : h->value.len);
}

void http_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct http_tx *t = (const struct http_tx *)tx;
    const struct http_side *request = &t->side[SIG_DIR_TOSERVER];
    const struct http_side *response = &t->side[SIG_DIR_TOCLIENT];
    json_open(out, "http");
    describe_host(t, out);
    if (t->uri.len > 0)
        json_strn(out, "url", request->line.data + t->uri.at, t->uri.len);
    describe_header(request, "User-Agent", "http_user_agent", out);
    describe_type(response, out);
    describe_header(request, "Referer", "http_refer", out);
    if (t->method.len > 0)
        json_strn(out, "http_method", request->line.data + t->method.at, t->method.len);
    if (t->protocol.len > 0)
        json_strn(out, "protocol", request->line.data + t->protocol.at, t->protocol.len);
    if (t->status_number > 0)
        json_u64(out, "status", t->status_number);
    if (t->status_number / 100 == 3)
        describe_header(response, "Location", "redirect", out);
    json_u64(out, "length", response->body.wire);
    json_close(out);
}
