/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers behind ingest_table; their `app` is the struct ingest. */
#ifndef COLLECTOR_INGEST_ROUTES_H
#define COLLECTOR_INGEST_ROUTES_H

#include "collector/http/http.h"

/** POST /v1/batches: one batch of one lane. */
enum http_done ingest_batch(struct http_request *req, void *app);
/** POST /v1/health: what a sensor says of itself. */
enum http_done ingest_health(struct http_request *req, void *app);
/** GET /v1/commands: long poll. */
enum http_done ingest_commands(struct http_request *req, void *app);
/** POST /v1/evidence/{id}: packets that were asked for. */
enum http_done ingest_evidence(struct http_request *req, void *app);
/** GET /v1/ca: the CA's certificate, for a sensor that knows its fingerprint and nothing else. */
enum http_done ingest_ca(struct http_request *req, void *app);
/** POST /v1/enrol: token and request; no certificate yet. */
enum http_done ingest_enrol(struct http_request *req, void *app);
/** POST /v1/renew: a new certificate for an old one. */
enum http_done ingest_renew(struct http_request *req, void *app);

#endif
