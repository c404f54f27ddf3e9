/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /stream: changes as server-sent events, each watcher those of its states; a short memory
 * lets a lost one resume.
 */
#include "config.h"
#include "collector/api/internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/triage/model.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/state.h"
#include "common/xalloc.h"

/** Events that a watcher who was away may still get. */
#define KEPT_EVENTS 1024

/** Longest event. */
#define EVENT_MAX 256

struct event {
    uint64_t sequence; /* 0: none */
    unsigned state;
    char data[EVENT_MAX];
};

struct watcher {
    struct stream *of;
    struct http_stream *out;
    unsigned scope;
    bool listed, closed;
    struct watcher *next, **prev;
};

struct stream {
    pthread_mutex_t lock;
    uint64_t run; /* of this process: ids of an earlier one are not ours */
    uint64_t sequence;
    struct event kept[KEPT_EVENTS];
    struct watcher *watchers;
};

static void send(const struct stream *s, const struct watcher *w, const struct event *e)
{
    char id[48];
    snprintf(id, sizeof id, "%llx-%llu", (unsigned long long)s->run,
             (unsigned long long)e->sequence);
    http_stream_send(w->out, id, "incident", e->data, strlen(e->data));
}

/* They read everything anew; nothing of it is kept. */
static void reset_all(struct stream *s)
{
    pthread_mutex_lock(&s->lock);
    for (const struct watcher *w = s->watchers; w; w = w->next)
        http_stream_send(w->out, NULL, "reset", "{}", 2);
    pthread_mutex_unlock(&s->lock);
}

static void on_change(void *arg, const struct model_event *change)
{
    if (!change->id) {
        reset_all(arg);
        return;
    }
    struct stream *s = arg;
    struct buf b;
    struct json j;
    int state = state_find(change->state, 2);
    pthread_mutex_lock(&s->lock);
    struct event *e = &s->kept[++s->sequence % KEPT_EVENTS];
    e->sequence = s->sequence;
    e->state = state < 0 ? STATE_REGION : (unsigned)state;
    buf_init_fixed(&b, e->data, sizeof e->data - 1);
    json_begin(&j, &b);
    json_open(&j, NULL);
    json_str(&j, "id", change->id);
    json_u64(&j, "version", change->version);
    json_str(&j, "state", change->state);
    json_u64(&j, "tier", change->tier);
    json_str(&j, "status", status_word(change->status));
    json_close(&j);
    e->data[b.len] = '\0';
    for (const struct watcher *w = s->watchers; w; w = w->next)
        if (w->scope & 1u << e->state)
            send(s, w, e);
    pthread_mutex_unlock(&s->lock);
}

struct stream *stream_create(struct model *model)
{
    struct stream *s = xcalloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    s->run = clock_now(clock_system());
    model_watch(model, on_change, s);
    return s;
}

void stream_free(struct stream *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void on_closed(void *arg)
{
    struct watcher *w = arg;
    struct stream *s = w->of;
    pthread_mutex_lock(&s->lock);
    w->closed = true;
    bool listed = w->listed;
    if (listed) {
        *w->prev = w->next;
        if (w->next)
            w->next->prev = w->prev;
    }
    pthread_mutex_unlock(&s->lock);
    if (listed)
        free(w);
}

/* Send what came after `last`, or a reset when we can't know. The lock is held. */
static void catch_up(const struct stream *s, const struct watcher *w, const char *last)
{
    unsigned long long run, sequence;
    if (!last)
        return;
    bool ours = sscanf(last, "%llx-%llu", &run, &sequence) == 2 && run == s->run &&
                sequence <= s->sequence && s->sequence - sequence < KEPT_EVENTS;
    if (!ours) {
        http_stream_send(w->out, NULL, "reset", "{}", 2);
        return;
    }
    for (uint64_t n = sequence + 1; n <= s->sequence; n++) {
        const struct event *e = &s->kept[n % KEPT_EVENTS];
        if (w->scope & 1u << e->state)
            send(s, w, e);
    }
}

static enum http_done stream(struct http_request *req, void *app)
{
    struct api *a = app;
    struct stream *s = a->stream;
    struct watcher *w = xcalloc(1, sizeof *w);
    const char *header = http_header(req, "Last-Event-ID");
    char *last = header ? xstrdup(header) : NULL;
    w->of = s;
    w->scope = api_session(req)->scope;
    enum http_done done = http_reply_stream(req, &w->out, on_closed, w);
    pthread_mutex_lock(&s->lock);
    bool gone = w->closed || !w->out;
    if (!gone) {
        w->next = s->watchers;
        w->prev = &s->watchers;
        if (w->next)
            w->next->prev = &w->next;
        s->watchers = w;
        w->listed = true;
        catch_up(s, w, last);
    }
    pthread_mutex_unlock(&s->lock);
    if (gone)
        free(w);
    free(last);
    return done;
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/stream", ROLE_VIEWERS | SCOPE_LIST, 0, stream },
};

const struct routes api_stream_routes = { routes, sizeof routes / sizeof *routes };
