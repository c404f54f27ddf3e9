/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HTTP for analysts and sensors: everything of libmicrohttpd and TLS that the collector needs,
 * behind one opaque server.
 *
 * A request's way: an event thread (epoll) reads head and body, finds the route in the listener's
 * const tables, refuses what is too large or not there, then suspends the connection and puts the
 * request on a bounded work queue. A work thread asks the listener's `admit` hook who this is, and
 * calls the route's handler, which may wait (bounded) for the store, and fills the reply. The
 * connection is resumed, and the event thread sends. So no event thread ever waits, and a full
 * queue is a 503 at once. A handler may instead *park* the request (long poll): it is called again
 * when its topic is woken or the time is over. A *stream* (server-sent events) stays open and is
 * fed from any thread.
 */
#ifndef COLLECTOR_HTTP_HTTP_H
#define COLLECTOR_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct http_request;
struct http_server;
struct http_stream;

enum http_method {
    HTTP_GET, /* HEAD too */
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
};

/** What a handler returns. */
enum http_done {
    HTTP_DONE,   /* the reply is in the request */
    HTTP_PARKED, /* http_park was called */
};

/** One route; tables of them are const and live in the file that implements them. */
struct http_route {
    enum http_method method;
    const char *pattern; /* "/api/v1/incidents/{id}:claim"; {name}: 1+ bytes, no '/' nor ':' */
    uint32_t roles;      /* meaning is the admit hook's; 0: anybody, even unknown */
    size_t body_max;     /* longer bodies get 413; 0: a body is refused */
    enum http_done (*handle)(struct http_request *req, void *app);
};

/** A table and what its handlers get as `app`. */
struct http_table {
    const struct http_route *routes;
    size_t count;
    void *app;
};

/**
 * Who asks? Runs on a work thread before the handler. Sets http_set_session and returns 0, or fills
 * a problem reply (401, 403, 404) and returns below 0. Called for routes with `roles` 0 as well
 * (then it should not refuse).
 */
typedef int http_admit_fn(void *arg, struct http_request *req, const struct http_route *route);

/** One address to listen on. All is borrowed until http_server_stop. */
struct http_listener {
    const char *name;     /* for log lines: "analysts", "sensors" */
    const char *address;  /* "127.0.0.1:8443", "[::]:8443"; port 0 takes a free one */
    const char *cert_pem; /* chain, or NULL for plain HTTP (tests, behind a proxy) */
    const char *key_pem;
    const char *client_ca_pem; /* asks for client certificates; admit verifies them */
    const struct http_table *tables;
    size_t table_count;
    http_admit_fn *admit; /* may be NULL */
    void *admit_arg;
    /*
     * Stands between admit and the route's handler: calls the handler with `app` (once at most) and
     * returns what it returned, or fills the reply itself. NULL: the handler is called.
     */
    enum http_done (*around)(void *arg, struct http_request *req, const struct http_route *route,
                             void *app);
    void *around_arg;
    const char *static_dir; /* files for GET paths that no route takes; NULL: none */
};

struct http_conf {
    unsigned event_threads; /* per listener; 0: 2 */
    unsigned work_threads;  /* 0: 4 */
    unsigned connections;   /* per listener; 0: 1024 */
};

/**
 * Open all listeners and start. NULL when one can't be opened; a log line has said which and why.
 */
struct http_server *http_server_start(const struct http_conf *conf,
                                      const struct http_listener *listeners, size_t count);

/** The port listener `index` got. */
unsigned http_server_port(const struct http_server *s, size_t index);

/**
 * Stop listening, end parked requests with 503 and streams, finish what is in work, free. NULL is
 * allowed.
 */
void http_server_stop(struct http_server *s);

/** Wake the requests parked on `topic`. Any thread. */
void http_server_wake(struct http_server *s, const char *topic);

/**
 * Close each live connection whose client certificate has this SHA-256 fingerprint (32 bytes),
 * parked ones with 403. Any thread. Returns how many.
 */
unsigned http_server_drop_peer(struct http_server *s, const uint8_t fingerprint[32]);

/** Numbers for /metrics. */
struct http_stats {
    uint64_t requests;
    uint64_t refused_busy;  /* 503: queue full */
    uint64_t refused_large; /* 413 */
    uint64_t connections;   /* now */
    uint64_t streams;       /* now */
    uint64_t parked;        /* now */
};

/** Counters now. Any thread. */
void http_server_stats(const struct http_server *s, struct http_stats *out);

/* ---- reading a request: work threads, from admit and handler only ---------------------------- */

/** Memory that dies with the request. */
struct arena *http_arena(struct http_request *req);
/** The path as sent, decoded, without query. */
const char *http_path(const struct http_request *req);
/** The method that the route was found by. */
enum http_method http_method(const struct http_request *req);
/** What {name} of the pattern matched, percent-decoded; NULL when the pattern has none such. */
const char *http_param(const struct http_request *req, const char *name);
/** A query argument, decoded; NULL when absent. The first one when given twice. */
const char *http_query(const struct http_request *req, const char *name);
/**
 * A query argument as a number within [low, high]; `fallback` when absent; -1 and a 400 problem
 * otherwise.
 */
long http_query_number(struct http_request *req, const char *name, long low, long high,
                       long fallback);
/** Add all query arguments to `out`, a line "name=value" each, in the order they came. */
void http_query_all(const struct http_request *req, struct buf *out);
/** A header; NULL when absent. */
const char *http_header(const struct http_request *req, const char *name);
/** A cookie; NULL when absent. */
const char *http_cookie(const struct http_request *req, const char *name);
/** The whole body; `*len` may be 0. Also NUL-ended. */
const char *http_body(const struct http_request *req, size_t *len);
/** The client's address as text ("192.0.2.7"). */
const char *http_client(const struct http_request *req);
/** DER of the client's certificate, or NULL when none was sent. Not verified yet. */
const uint8_t *http_client_cert(const struct http_request *req, size_t *len);
/** Whether this call follows a park whose time ran out. */
bool http_timed_out(const struct http_request *req);
/** Keep who asks; `session` lives in the request's arena or longer. */
void http_set_session(struct http_request *req, const void *session);
/** What the admit hook kept; NULL when nobody. */
const void *http_session(const struct http_request *req);

/* ---- replying ----------------------------------------------------------------------------- */

/** The reply's body, empty at first; write JSON into it, then http_reply. */
struct buf *http_out(struct http_request *req);

/** Add a reply header; values with control bytes are refused (dropped and logged). */
void http_reply_header(struct http_request *req, const char *name, const char *value);

/** Set `ETag: "text"`. */
void http_reply_etag(struct http_request *req, const char *text);

/** Status that was replied; 0 before. */
unsigned http_replied_status(const struct http_request *req);

/** Type of the body that was replied; NULL: no body. */
const char *http_replied_type(const struct http_request *req);

/** A reply header that was added, by its name as it was written; NULL when it was not. */
const char *http_replied_header(const struct http_request *req, const char *name);

/**
 * Reply with what http_out holds. `type` NULL: application/json. Returns HTTP_DONE for the
 * handler's return.
 */
enum http_done http_reply(struct http_request *req, unsigned status, const char *type);

/** Reply with no body (204, 202, 304). */
enum http_done http_reply_empty(struct http_request *req, unsigned status);

/**
 * Reply with an RFC 9457 problem; `rule` names the rule that refused ("lane.state", may be NULL),
 * the text is the detail: one line, what and where and what to do. Forgets what http_out held.
 */
enum http_done http_problem(struct http_request *req, unsigned status, const char *rule,
                            const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** Reply with a file that stays on disk; 404 problem when it can't be opened. */
enum http_done http_reply_file(struct http_request *req, const char *path, const char *type);

/**
 * Park until `topic` is woken or `ms` passed; return what this returns. 503 when too many are
 * parked.
 */
enum http_done http_park(struct http_request *req, const char *topic, unsigned ms);

/* ---- server-sent events ------------------------------------------------------------------- */

/**
 * Reply with an event stream. `closed(arg)` is called once, on an event thread, when the client is
 * gone or the server stops; the stream is invalid after it returns, so senders and `closed` share
 * the caller's lock (which must not be held around http_reply_stream). `*out` is set before the
 * first `closed` can run; feed it only after that.
 */
enum http_done http_reply_stream(struct http_request *req, struct http_stream **out,
                                 void (*closed)(void *arg), void *arg);

/**
 * Send one event. `id` may be NULL. Never blocks: a client more than 256 KiB behind loses what
 * waits and gets one `event: reset` instead. Keep-alive comments are the server's business. Any
 * thread.
 */
void http_stream_send(struct http_stream *stream, const char *id, const char *event,
                      const char *data, size_t len);

#endif
