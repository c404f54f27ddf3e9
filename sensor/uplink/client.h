/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HTTPS to a collector: one connection kept alive, the CA pinned, the next address of the list when
 * one does not answer. libcurl is included by client.c only. A client belongs to one thread.
 */
#ifndef SENSOR_UPLINK_CLIENT_H
#define SENSOR_UPLINK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct client;

/** What one attempt of a call came to: bytes of HTTP, heads included, before TLS. */
struct client_traffic {
    const char *address; /* as configured */
    char ip[64];         /* "" when there was no connection */
    uint64_t out, in;
    bool failed; /* nobody answered */
};

/** All is borrowed. */
struct client_conf {
    const char *const *addresses; /* "HOST:PORT" or "https://HOST:PORT" */
    size_t address_count;
    /* NULL: the server is not verified (enrolment's first look, nothing secret said) */
    const char *ca_path;
    const char *cert_path; /* NULL: no client certificate */
    const char *key_path;
    const char *proxy; /* NULL: none, whatever the environment says */
    const int *stop;   /* when it becomes non-zero a call ends; may be NULL */
    /* NULL, or told of each attempt, in the caller's thread */
    void (*seen)(void *arg, const char *path, const struct client_traffic *t);
    void *seen_arg;
};

/** One header to send. */
struct client_header {
    const char *name;
    const char *value;
};

struct client_request {
    const char *path;
    const struct client_header *headers;
    size_t header_count;
    const void *body; /* NULL: GET, else POST */
    size_t body_len;
    unsigned timeout_ms;
    size_t reply_max;
};

/** Buffers are the client's, valid until its next call. */
struct client_reply {
    long status;
    struct buf *body;
    unsigned retry_after_s; /* 0: not said */
    const char *etag;       /* "" when absent; with its quotes */
    const char *signature;  /* header Abeng-Signature, "" when absent */
};

/** Make one; connects with the first call. */
struct client *client_create(const struct client_conf *conf);

/** Free. NULL is allowed. */
void client_free(struct client *c);

/**
 * Send and wait. 0 with any HTTP status; ABENG_EAGAIN when no collector of the list answers, with
 * one line in `why`.
 */
int client_call(struct client *c, const struct client_request *req, struct client_reply *out,
                char *why, size_t why_len);

/** Use new files of the identity from the next call on. */
void client_renew(struct client *c);

#endif
