/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a request and filling its reply. */
#include "config.h"
#include "collector/http/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/json.h"
#include "common/log.h"

struct arena *http_arena(struct http_request *req)
{
    return req->arena;
}

const char *http_path(const struct http_request *req)
{
    return req->path;
}

enum http_method http_method(const struct http_request *req)
{
    return req->method;
}

const char *http_param(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->params.count; i++) {
        if (strlen(name) == req->params.items[i].name_len &&
            memcmp(name, req->params.items[i].name, strlen(name)) == 0)
            return arena_strndup(req->arena, req->params.items[i].value,
                                 req->params.items[i].value_len);
    }
    return NULL;
}

const char *http_query(const struct http_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->conn, MHD_GET_ARGUMENT_KIND, name);
}

long http_query_number(struct http_request *req, const char *name, long low, long high,
                       long fallback)
{
    const char *text = http_query(req, name);
    char *end;

    if (!text)
        return fallback;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (!errno && end != text && !*end && n >= low && n <= high)
        return n;
    http_problem(req, 400, "query", "%s must be a number from %ld to %ld", name, low, high);
    return -1;
}

static enum MHD_Result add_argument(void *out, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    (void)kind;
    buf_printf(out, "%s=%s\n", name, value ? value : "");
    return MHD_YES;
}

void http_query_all(const struct http_request *req, struct buf *out)
{
    MHD_get_connection_values(req->conn, MHD_GET_ARGUMENT_KIND, add_argument, out);
}

const char *http_header(const struct http_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

const char *http_cookie(const struct http_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->conn, MHD_COOKIE_KIND, name);
}

const char *http_body(const struct http_request *req, size_t *len)
{
    *len = req->body.len;
    return req->body.len ? (const char *)req->body.data : "";
}

const char *http_client(const struct http_request *req)
{
    return req->client;
}

const uint8_t *http_client_cert(const struct http_request *req, size_t *len)
{
    *len = req->cert_len;
    return req->cert;
}

bool http_timed_out(const struct http_request *req)
{
    return req->timed_out;
}

void http_set_session(struct http_request *req, const void *session)
{
    req->session = session;
}

const void *http_session(const struct http_request *req)
{
    return req->session;
}

struct buf *http_out(struct http_request *req)
{
    return &req->out;
}

void http_reply_header(struct http_request *req, const char *name, const char *value)
{
    for (const char *p = value; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            log_warn("http", "reply header %s has a control byte; left out", name);
            return;
        }
    }
    struct http_reply_head *h = arena_alloc(req->arena, sizeof(*h));
    h->name = arena_strdup(req->arena, name);
    h->value = arena_strdup(req->arena, value);
    h->next = req->heads;
    req->heads = h;
}

void http_reply_etag(struct http_request *req, const char *text)
{
    http_reply_header(req, "ETag", arena_printf(req->arena, "\"%s\"", text));
}

unsigned http_replied_status(const struct http_request *req)
{
    return req->status;
}

const char *http_replied_type(const struct http_request *req)
{
    return req->type;
}

const char *http_replied_header(const struct http_request *req, const char *name)
{
    for (const struct http_reply_head *h = req->heads; h; h = h->next)
        if (!strcmp(h->name, name))
            return h->value;
    return NULL;
}

enum http_done http_reply(struct http_request *req, unsigned status, const char *type)
{
    if (req->out.bad)
        return http_problem(req, 500, "reply.size", "the reply would be larger than %u bytes",
                            HTTP_REPLY_MAX);
    req->status = status;
    req->type = type ? type : "application/json";
    return HTTP_DONE;
}

enum http_done http_reply_empty(struct http_request *req, unsigned status)
{
    buf_clear(&req->out);
    req->status = status;
    req->type = NULL;
    return HTTP_DONE;
}

static const char *title_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        { 400, "Bad request" },       { 401, "Not logged in" },      { 403, "Not allowed" },
        { 404, "Not found" },         { 405, "Method not allowed" }, { 406, "Not acceptable" },
        { 409, "Conflict" },          { 412, "Changed meanwhile" },  { 413, "Too large" },
        { 415, "Unsupported type" },  { 422, "Can't be done so" },   { 429, "Too many requests" },
        { 503, "Not available now" }, { 507, "Store full" },
    };
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        if (titles[i].status == status)
            return titles[i].title;
    }
    return "Error";
}

enum http_done http_problem(struct http_request *req, unsigned status, const char *rule,
                            const char *fmt, ...)
{
    struct json j;
    char detail[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(detail, sizeof(detail), fmt, args);
    va_end(args);
    buf_clear(&req->out);
    json_begin(&j, &req->out);
    json_open(&j, NULL);
    json_str(&j, "type", "about:blank");
    json_str(&j, "title", title_of(status));
    json_u64(&j, "status", status);
    json_str(&j, "detail", detail);
    if (rule)
        json_str(&j, "rule", rule);
    json_close(&j);
    req->status = status;
    req->type = "application/problem+json";
    return HTTP_DONE;
}

enum http_done http_reply_file(struct http_request *req, const char *path, const char *type)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return http_problem(req, 404, NULL, "not there");
    }
    req->file_fd = fd;
    req->status = 200;
    req->type = type;
    return HTTP_DONE;
}

enum http_done http_park(struct http_request *req, const char *topic, unsigned ms)
{
    req->topic = arena_strdup(req->arena, topic);
    req->park_ms = ms;
    return HTTP_PARKED;
}

static struct MHD_Response *file_response(struct http_request *req)
{
    struct stat st;
    int fd = req->file_fd;

    req->file_fd = -1;
    if (fstat(fd, &st) == 0)
        return MHD_create_response_from_fd64((uint64_t)st.st_size, fd);
    close(fd);
    return NULL;
}

/* What every reply says to a browser; a page of ours has its own policy (static.c). */
static void add_heads(const struct http_request *req, struct MHD_Response *r)
{
    bool policy = false, cache = false;

    for (const struct http_reply_head *h = req->heads; h; h = h->next) {
        MHD_add_response_header(r, h->name, h->value);
        policy |= strcmp(h->name, "Content-Security-Policy") == 0;
        cache |= strcmp(h->name, "Cache-Control") == 0;
    }
    if (req->type)
        MHD_add_response_header(r, "Content-Type", req->type);
    if (!policy)
        MHD_add_response_header(r, "Content-Security-Policy",
                                "default-src 'none'; frame-ancestors 'none'");
    if (!cache)
        MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    if (req->site->conf->cert_pem)
        MHD_add_response_header(r, "Strict-Transport-Security", "max-age=31536000");
}

enum MHD_Result http_reply_send(struct http_request *req)
{
    struct MHD_Response *r;

    if (req->stream)
        r = http_stream_response(req);
    else if (req->file_fd >= 0)
        r = file_response(req);
    else
        r = MHD_create_response_from_buffer(req->type ? req->out.len : 0, req->out.data,
                                            MHD_RESPMEM_PERSISTENT);
    if (!r)
        return MHD_NO;
    add_heads(req, r);
    enum MHD_Result result = MHD_queue_response(req->conn, req->status, r);
    MHD_destroy_response(r);
    req->state = REQUEST_SENT;
    return result;
}
