/* SPDX-License-Identifier: Apache-2.0 */
/* What the resources share. */
#ifndef API_INTERNAL_H
#define API_INTERNAL_H

#include <jansson.h>

#include "collector/api/api.h"
#include "collector/auth/auth.h"

/** Limits of bodies, and of lists. */
#define API_BODY_MAX  (64u << 10)
#define API_LIST_MAX  500
#define API_LIST_SIZE 100

struct buf;
struct json;
struct stream;

struct api {
    struct api_conf conf;
    struct stream *stream;
    struct http_server *server;
};

/** Tables of the resources, one per file. */
struct routes {
    const struct http_route *routes;
    size_t count;
};
extern const struct routes api_session_routes, api_incident_routes, api_sensor_routes,
    api_feed_routes, api_user_routes, api_stat_routes, api_stream_routes, api_archive_routes,
    api_book_routes, api_notice_routes, api_sample_routes, api_evidence_routes,
    api_campaign_routes, api_damping_routes, api_link_routes, api_signal_routes,
    api_export_routes, api_taxii_routes,
    api_account_routes, api_report_routes, api_suppression_routes;

/** The session of a request that passed the gate with a role. */
const struct session *api_session(const struct http_request *req);

/**
 * Write "resources": the collections below /api/v1 that `role` may read, so that clients show no
 * page that would only be refused. A name can come twice.
 */
void api_write_resources(struct json *out, uint32_t role);

/** Milliseconds now. */
uint64_t api_now(const struct api *a);

/**
 * The body as a JSON object that dies with `json_decref`; NULL after a 400 problem. An empty
 * body is an empty object.
 */
json_t *api_body(struct http_request *req);

/**
 * A member of a body as text, NULL when absent or null; `*bad` becomes its name when it is not a
 * text (or has a NUL), for api_bad.
 */
const char *api_text(const json_t *body, const char *key, const char **bad);

/** 400: member `key` is of the wrong type. */
enum http_done api_bad(struct http_request *req, const char *key);

/** 200 with a JSON value, which is freed. */
enum http_done api_give_json(struct http_request *req, json_t *value);

/**
 * The version in If-Match, 0 when there is none; below 0 after a 400 problem when it is not one.
 */
int64_t api_if_match(struct http_request *req);

/** 404, the same for what is not there and what is not yours. */
enum http_done api_not_found(struct http_request *req);

/** 503: the store is away. */
enum http_done api_away(struct http_request *req);

/**
 * 200 with a whole list: `items`, a JSON array, its length as `total`, and no `next`. 503 when it
 * is no array (it outgrew its buffer).
 */
enum http_done api_reply_items(struct http_request *req, const struct buf *items);

/** Reply with a value that is JSON. */
enum http_done api_reply_json(struct http_request *req, unsigned status, const json_t *value);

/** An error of auth, sensors or feeds as a problem; `why` is the detail. */
enum http_done api_refuse(struct http_request *req, int err, const char *rule, const char *why);

/** Take "states": ["jm","bb"] of a body as "jm,bb": 0, or ABENG_EINVAL. */
int api_states(const json_t *body, char out[AUTH_STATES_MAX]);

/** Start and end of the stream's watchers. */
struct stream *stream_create(struct model *model);
/** Free. NULL is allowed. */
void stream_free(struct stream *s);

#endif
