/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of http share. libmicrohttpd is seen in this folder only. */
#ifndef COLLECTOR_HTTP_INTERNAL_H
#define COLLECTOR_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "collector/http/http.h"
#include "common/buf.h"

/* Requests waiting for a work thread; beyond it 503. */
#define HTTP_QUEUE_MAX 1024u
/* Requests parked; one per sensor is the normal case. */
#define HTTP_PARKED_MAX 4096u
/* Placeholders of one pattern. */
#define HTTP_PARAMS_MAX 4
/* What a stream's client may be behind. */
#define HTTP_STREAM_MAX (256u << 10)
/*
 * A comment line keeps middle boxes from closing a quiet stream, and finds out that a client has
 * gone.
 */
#define HTTP_PING_NS (15 * 1000000000ull)
/* A refused body that is read to its end all the same. */
#define HTTP_DRAIN_MAX (16u << 20)
/* Largest reply made in memory. */
#define HTTP_REPLY_MAX (64u << 20)

/* One TCP connection; lives from accept to close. */
struct http_link {
    int fd;
    bool has_peer;
    uint8_t peer[32]; /* SHA-256 of the client certificate */
    struct http_link *next, **prev;
};

struct http_reply_head {
    const char *name;
    const char *value;
    struct http_reply_head *next;
};

enum request_state {
    REQUEST_READING, /* event thread */
    REQUEST_QUEUED,  /* work queue, running, or parked: the connection is suspended */
    REQUEST_READY,   /* event thread sends */
    REQUEST_SENT,
};

struct http_params {
    size_t count;
    struct {
        const char *name;
        size_t name_len;
        const char *value;
        size_t value_len;
    } items[HTTP_PARAMS_MAX];
};

struct http_site {
    struct http_server *server;
    const struct http_listener *conf;
    struct MHD_Daemon *daemon;
    unsigned port;
    pthread_mutex_t lock; /* of links */
    struct http_link *links;
};

struct http_request {
    struct http_site *site;
    struct MHD_Connection *conn;
    struct http_link *link;
    struct arena *arena;
    const struct http_route *route;
    void *app;
    enum http_method method;
    const char *path;
    struct http_params params;
    struct buf body;
    struct buf out;
    size_t drained;
    enum request_state state;
    unsigned status;
    const char *type; /* NULL: no body */
    int file_fd;      /* -1: none */
    struct http_reply_head *heads;
    struct http_stream *stream;
    const void *session;
    const uint8_t *cert;
    size_t cert_len;
    char client[64];
    /* the work queue's */
    struct http_request *next;
    const char *topic;
    uint64_t deadline; /* mono ns */
    unsigned park_ms;
    uint64_t wakes_seen;
    bool timed_out;
};

struct http_server {
    struct http_site *sites;
    size_t site_count;
    pthread_mutex_t lock; /* of queue, parked, streams */
    pthread_cond_t more;
    struct http_request *queue_head, **queue_tail;
    unsigned queued;
    struct http_request *parked;
    unsigned parked_count;
    struct http_stream *streams;
    unsigned stream_count;
    uint64_t wakes;
    bool stopping;
    pthread_t *workers;
    unsigned worker_count;
    pthread_t keeper;
    bool keeper_runs;
    uint64_t requests, refused_busy, refused_large; /* atomic */
};

/**
 * Find the route for a path; the tables in order. 0, ABENG_ENOENT, or ABENG_EDENIED (other methods
 * only).
 */
int http_route_find(const struct http_table *tables, size_t count, enum http_method method,
                    const char *path, const struct http_route **route, void **app,
                    struct http_params *params);

/** Whether `path` fits `pattern`; fills `params` with pointers into both. */
bool http_route_match(const char *pattern, const char *path, struct http_params *params);

/**
 * Queue a request whose connection is suspended already; false when the queue is full or the server
 * stops.
 */
bool http_work_push(struct http_request *req);

/** Start work threads and the keeper. 0 or ABENG_EIO. */
int http_work_start(struct http_server *s, unsigned threads);

/** Finish the queue, answer parked ones 503, end streams, join. */
void http_work_stop(struct http_server *s);

/** End parked requests of one connection with 403. */
void http_work_refuse_link(struct http_server *s, const struct http_link *link);

/** Send keep-alives to streams that were quiet; the keeper calls. */
void http_stream_ping_all(struct http_server *s, uint64_t now);

/** End all streams; the connections are resumed and closed. */
void http_stream_end_all(struct http_server *s);

/** Make the stream's response; event thread. */
struct MHD_Response *http_stream_response(struct http_request *req);

/** Free a stream whose response was never made. */
void http_stream_discard(struct http_stream *stream);

/**
 * Prepare the reply for a file below the listener's static_dir; false when there is none for this
 * path.
 */
bool http_static_reply(struct http_request *req);

/** Queue the request's reply with MHD; event thread. */
enum MHD_Result http_reply_send(struct http_request *req);

#endif
