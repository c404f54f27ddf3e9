/* SPDX-License-Identifier: Apache-2.0 */
/**
 * /api/v1: what analysts, the console and abengctl ask (docs/API.md, docs/openapi.yaml). One file
 * per resource, each with a const table of routes; a handler reads the request, asks model, verbs,
 * auth or the register of sensors, and writes JSON. Who may see what comes from the session alone.
 * Handlers run on work threads and wait (bounded) for the store.
 */
#ifndef API_API_H
#define API_API_H

#include <stddef.h>

#include "collector/http/http.h"

struct api;
struct alarms;
struct archive;
struct auth;
struct clock;
struct feeds;
struct ingest;
struct model;
struct notify;
struct packets;
struct sensors;
struct store;
struct worker;

/** All are borrowed and live longer; `clock` NULL: the system's. */
struct api_conf {
    struct store *store;
    struct model *model;
    struct auth *auth;
    struct sensors *sensors;
    struct feeds *feeds;
    struct worker *worker;
    struct packets *packets;
    const struct alarms *alarms; /* for /metrics; may be NULL */
    struct archive *archive;     /* NULL: none; its routes answer 404 */
    const struct ingest *ingest; /* for /metrics; may be NULL */
    const struct clock *clock;
    struct notify *notify;   /* NULL: no notices are sent */
    const char *retired_dir; /* of what ended long ago (triage/retire.h); NULL: none */
};

/** Most tables of api_tables. */
#define API_TABLES 32

/** Make it; it watches the model from now on. */
struct api *api_create(const struct api_conf *conf);

/** The route tables, to be served with auth_admit; returns how many of API_TABLES. */
size_t api_tables(struct api *a, struct http_table out[API_TABLES]);

/** Stands around the handlers of that listener: a POST with an Idempotency-Key is done once. */
enum http_done api_once(void *arg, struct http_request *req, const struct http_route *route,
                        void *app);

/** The server that serves them, for its numbers. */
void api_attach(struct api *a, struct http_server *server);

/** Free, after the server and the model were stopped. NULL is allowed. */
void api_free(struct api *a);

#endif
