/* SPDX-License-Identifier: Apache-2.0 */
/* The work queue, its threads, and requests that wait for something to happen. */
#include "config.h"
#include "collector/http/internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/arena.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/xalloc.h"

/* How exact deadlines of parked requests are. */
#define KEEPER_TICK_MS 100

static void enqueue(struct http_server *s, struct http_request *req)
{
    req->next = NULL;
    *s->queue_tail = req;
    s->queue_tail = &req->next;
    s->queued++;
    pthread_cond_signal(&s->more);
}

bool http_work_push(struct http_request *req)
{
    struct http_server *s = req->site->server;

    pthread_mutex_lock(&s->lock);
    bool room = s->queued < HTTP_QUEUE_MAX && !s->stopping;
    if (room)
        enqueue(s, req);
    pthread_mutex_unlock(&s->lock);
    return room;
}

static struct http_request *dequeue(struct http_server *s)
{
    struct http_request *req;

    pthread_mutex_lock(&s->lock);
    while (!s->queue_head && !s->stopping)
        pthread_cond_wait(&s->more, &s->lock);
    req = s->queue_head;
    if (req) {
        s->queue_head = req->next;
        if (!s->queue_head)
            s->queue_tail = &s->queue_head;
        s->queued--;
        req->wakes_seen = s->wakes;
    }
    pthread_mutex_unlock(&s->lock);
    return req;
}

/* Hand the request back to its event thread. After this it is not ours. */
static void finish(struct http_request *req)
{
    req->state = REQUEST_READY;
    MHD_resume_connection(req->conn);
}

/*
 * Put on the parked list, unless something was woken while the handler ran: what it looked for may
 * have come just after it looked, so it looks again.
 */
static void park(struct http_server *s, struct http_request *req)
{
    req->timed_out = false;
    req->deadline = clock_mono_ns() + req->park_ms * NS_PER_MS;
    pthread_mutex_lock(&s->lock);
    bool refuse = s->stopping || s->parked_count >= HTTP_PARKED_MAX;
    if (!refuse && s->wakes != req->wakes_seen)
        enqueue(s, req);
    else if (!refuse) {
        req->next = s->parked;
        s->parked = req;
        s->parked_count++;
    }
    pthread_mutex_unlock(&s->lock);
    if (refuse) {
        http_problem(req, 503, NULL, "the collector is stopping or has too many waiting requests");
        finish(req);
    }
}

static void run(struct http_server *s, struct http_request *req)
{
    const struct http_listener *conf = req->site->conf;
    enum http_done done = HTTP_DONE;

    if (!conf->admit || conf->admit(conf->admit_arg, req, req->route) >= 0)
        done = conf->around ? conf->around(conf->around_arg, req, req->route, req->app)
                            : req->route->handle(req, req->app);
    if (done == HTTP_PARKED)
        park(s, req);
    else
        finish(req);
}

static void *work(void *arg)
{
    struct http_server *s = arg;
    struct http_request *req;

    pthread_setname_np(pthread_self(), "requests");
    while ((req = dequeue(s)) != NULL)
        run(s, req);
    return NULL;
}

/* Take parked requests that `want` picks and put them on the queue. With s->lock held. */
static unsigned unpark(struct http_server *s, bool (*want)(struct http_request *, const void *),
                       const void *arg)
{
    unsigned count = 0;

    for (struct http_request **at = &s->parked; *at;) {
        struct http_request *req = *at;
        if (!want(req, arg)) {
            at = &req->next;
            continue;
        }
        *at = req->next;
        s->parked_count--;
        count++;
        enqueue(s, req);
    }
    return count;
}

static bool want_topic(struct http_request *req, const void *topic)
{
    return strcmp(req->topic, topic) == 0;
}

static bool want_late(struct http_request *req, const void *now)
{
    if (req->deadline > *(const uint64_t *)now)
        return false;
    req->timed_out = true;
    return true;
}

/* The admit hook runs again before the handler and refuses who was revoked meanwhile. */
static bool want_link(struct http_request *req, const void *link)
{
    return req->link == link;
}

void http_server_wake(struct http_server *s, const char *topic)
{
    pthread_mutex_lock(&s->lock);
    s->wakes++;
    unpark(s, want_topic, topic);
    pthread_mutex_unlock(&s->lock);
}

void http_work_refuse_link(struct http_server *s, const struct http_link *link)
{
    pthread_mutex_lock(&s->lock);
    unpark(s, want_link, link);
    pthread_mutex_unlock(&s->lock);
}

static void *keep(void *arg)
{
    struct http_server *s = arg;
    struct timespec tick = { .tv_nsec = KEEPER_TICK_MS * 1000000L };
    uint64_t pinged = clock_mono_ns();

    for (;;) {
        nanosleep(&tick, NULL);
        uint64_t now = clock_mono_ns();
        pthread_mutex_lock(&s->lock);
        bool stop = s->stopping;
        if (!stop)
            unpark(s, want_late, &now);
        pthread_mutex_unlock(&s->lock);
        if (stop)
            return NULL;
        if (now - pinged >= HTTP_PING_NS) {
            http_stream_ping_all(s, now);
            pinged = now;
        }
    }
}

int http_work_start(struct http_server *s, unsigned threads)
{
    s->workers = xcalloc(threads, sizeof(*s->workers));
    for (; s->worker_count < threads; s->worker_count++) {
        if (pthread_create(&s->workers[s->worker_count], NULL, work, s) != 0)
            return ABENG_EIO;
    }
    s->keeper_runs = pthread_create(&s->keeper, NULL, keep, s) == 0;
    return s->keeper_runs ? ABENG_OK : ABENG_EIO;
}

void http_work_stop(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    struct http_request *parked = s->parked;
    s->parked = NULL;
    s->parked_count = 0;
    pthread_cond_broadcast(&s->more);
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < s->worker_count; i++)
        pthread_join(s->workers[i], NULL);
    if (s->keeper_runs)
        pthread_join(s->keeper, NULL);
    while (parked) {
        struct http_request *next = parked->next;
        http_problem(parked, 503, NULL, "the collector is stopping; come back");
        finish(parked);
        parked = next;
    }
    http_stream_end_all(s);
    free(s->workers);
}
