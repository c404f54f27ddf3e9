/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: a bounded buffer between any sender and one connection's event thread. */
#include "config.h"
#include "collector/http/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "common/clock.h"
#include "common/xalloc.h"

struct http_stream {
    struct http_server *server;
    struct MHD_Connection *conn;
    void (*closed)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    struct buf waiting;
    bool suspended;
    bool ended;
    uint64_t last; /* mono ns of the last bytes */
    struct http_stream *next, **prev;
};

static const char reset_event[] = "event: reset\ndata: {}\n\n";
static const char ping_line[] = ": alive\n\n";

/* With stream->lock held. */
static void wake_sender(struct http_stream *st)
{
    if (!st->suspended)
        return;
    st->suspended = false;
    MHD_resume_connection(st->conn);
}

static ssize_t read_stream(void *arg, uint64_t pos, char *to, size_t max)
{
    struct http_stream *st = arg;
    ssize_t got = 0;

    (void)pos;
    pthread_mutex_lock(&st->lock);
    if (st->waiting.len) {
        size_t n = st->waiting.len < max ? st->waiting.len : max;
        memcpy(to, st->waiting.data, n);
        memmove(st->waiting.data, st->waiting.data + n, st->waiting.len - n);
        st->waiting.len -= n;
        got = (ssize_t)n;
    } else if (st->ended) {
        got = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        st->suspended = true;
        MHD_suspend_connection(st->conn);
    }
    pthread_mutex_unlock(&st->lock);
    return got;
}

void http_stream_discard(struct http_stream *st)
{
    struct http_server *s = st->server;

    pthread_mutex_lock(&s->lock);
    *st->prev = st->next;
    if (st->next)
        st->next->prev = st->prev;
    s->stream_count--;
    pthread_mutex_unlock(&s->lock);
    st->closed(st->arg);
    pthread_mutex_destroy(&st->lock);
    buf_free(&st->waiting);
    free(st);
}

static void stream_gone(void *arg)
{
    http_stream_discard(arg);
}

enum http_done http_reply_stream(struct http_request *req, struct http_stream **out,
                                 void (*closed)(void *arg), void *arg)
{
    struct http_server *s = req->site->server;
    struct http_stream *st = xcalloc(1, sizeof(*st));

    st->server = s;
    st->conn = req->conn;
    st->closed = closed;
    st->arg = arg;
    st->last = clock_mono_ns();
    pthread_mutex_init(&st->lock, NULL);
    buf_init(&st->waiting, HTTP_STREAM_MAX);
    buf_text(&st->waiting, "retry: 2000\n\n");
    pthread_mutex_lock(&s->lock);
    st->ended = s->stopping;
    st->next = s->streams;
    st->prev = &s->streams;
    if (st->next)
        st->next->prev = &st->next;
    s->streams = st;
    s->stream_count++;
    pthread_mutex_unlock(&s->lock);
    *out = st;
    req->stream = st;
    req->status = 200;
    req->type = "text/event-stream";
    return HTTP_DONE;
}

struct MHD_Response *http_stream_response(struct http_request *req)
{
    struct http_stream *st = req->stream;
    req->stream = NULL; /* the response frees it from here on */
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_stream, st, stream_gone);
}

/* A line end in an id or a name would begin another field. */
static void add_field(struct buf *b, const char *name, const char *value)
{
    buf_text(b, name);
    for (; *value; value++) {
        if ((unsigned char)*value >= 0x20)
            buf_byte(b, (uint8_t)*value);
    }
    buf_byte(b, '\n');
}

static void add_data(struct buf *b, const char *data, size_t len)
{
    while (len) {
        const char *end = memchr(data, '\n', len);
        size_t n = end ? (size_t)(end - data) : len;
        buf_text(b, "data: ");
        buf_add(b, data, n);
        buf_byte(b, '\n');
        n += end ? 1 : 0;
        data += n;
        len -= n;
    }
}

void http_stream_send(struct http_stream *st, const char *id, const char *event, const char *data,
                      size_t len)
{
    pthread_mutex_lock(&st->lock);
    if (id)
        add_field(&st->waiting, "id: ", id);
    add_field(&st->waiting, "event: ", event);
    add_data(&st->waiting, data, len);
    buf_byte(&st->waiting, '\n');
    if (st->waiting.bad) {
        /* Half an event may be on its way already: the blank line ends it. */
        buf_clear(&st->waiting);
        buf_text(&st->waiting, "\n\n");
        buf_text(&st->waiting, reset_event);
    }
    st->last = clock_mono_ns();
    wake_sender(st);
    pthread_mutex_unlock(&st->lock);
}

void http_stream_ping_all(struct http_server *s, uint64_t now)
{
    pthread_mutex_lock(&s->lock);
    for (struct http_stream *st = s->streams; st; st = st->next) {
        pthread_mutex_lock(&st->lock);
        if (!st->waiting.len && now - st->last >= HTTP_PING_NS / 2) {
            buf_text(&st->waiting, ping_line);
            wake_sender(st);
        }
        pthread_mutex_unlock(&st->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

void http_stream_end_all(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    for (struct http_stream *st = s->streams; st; st = st->next) {
        pthread_mutex_lock(&st->lock);
        st->ended = true;
        wake_sender(st);
        pthread_mutex_unlock(&st->lock);
    }
    pthread_mutex_unlock(&s->lock);
}
