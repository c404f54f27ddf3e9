/* SPDX-License-Identifier: Apache-2.0 */
/* What the resources that are records share: lists, one, versions. */
#ifndef API_RECORDS_H
#define API_RECORDS_H

#include "collector/api/internal.h"
#include "collector/triage/record.h"

/** Writes what a kind shows besides its document (allowed verbs), or NULL. */
typedef void records_more_fn(const struct record_doc *r, const struct session *s, struct json *out);

/** The connection for a state, as the session may have it. */
struct store_conn *records_conn(const struct api *a, const struct http_request *req,
                                unsigned state);

/**
 * Load the record that {id} names; the gate has let it through. 0, or below 0 after a 404 or 503
 * problem. Free with record_clear.
 */
int records_find(const struct api *a, struct http_request *req, enum record_kind_of kind,
                 struct record_doc *out);

/** Reply with one record and its ETag. */
enum http_done records_reply(struct http_request *req, const struct record_doc *r, unsigned status,
                             records_more_fn *more);

/**
 * Whether If-Match, when given, names the record's version: 0, or below 0 after a 400 or 412
 * problem.
 */
int records_match(struct http_request *req, const struct record_doc *r);

/**
 * Save and reply; `change` gets time and who. What goes wrong becomes a problem.
 */
enum http_done records_save(const struct api *a, struct http_request *req, enum record_kind_of kind,
                            struct record_doc *r, struct record_change *change, unsigned status,
                            records_more_fn *more);

/**
 * Reply with a list: state=, limit=, after=, and each of `filters` (NULL-ended names of text
 * members) when the query has it.
 */
enum http_done records_list(const struct api *a, struct http_request *req, enum record_kind_of kind,
                            const char *const *filters, records_more_fn *more);

/** The state that a body's "state" names and the session may write to: index, or ABENG_EINVAL. */
int records_state(const struct http_request *req, const json_t *body);

#endif
