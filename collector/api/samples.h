/* SPDX-License-Identifier: Apache-2.0 */
/** The sample alerts of an incident, as their sensors sent them. */
#ifndef API_SAMPLES_H
#define API_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct api;
struct http_request;
struct store_reply;

/** Signals of one incident that are looked into. */
#define SAMPLES_SIGNALS_MAX 200

/** One alert's line; valid until samples_free. */
struct sample {
    uint64_t at; /* ns, 0: not readable */
    const char *text;
    size_t len;
};

struct samples {
    struct sample *list; /* newest first */
    size_t count;
    struct store_reply *replies[SAMPLES_SIGNALS_MAX];
    int signals;
};

/**
 * Read the samples of the incident that the request's {id} names. 0, ABENG_ENOENT (none such in
 * the session's scope), ABENG_EAGAIN (the store). Free in every case.
 */
int samples_read(struct api *a, struct http_request *req, struct samples *out);

/** Free. */
void samples_free(struct samples *s);

#endif
