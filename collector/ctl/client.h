/* SPDX-License-Identifier: Apache-2.0 */
/* Where the collector is and who asks; one request at a time, by libcurl. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct client;

/** What the command line says; NULL where it says nothing. */
struct client_conf {
    const char *url;      /* "https://cert.example.org:8443" */
    const char *ca;       /* file with the CA certificate to trust */
    const char *token;    /* of a session */
    const char *data_dir; /* of a collector on this host */
    const char *once;     /* Idempotency-Key of what is sent; NULL: none */
    bool local;           /* be the administrator of the collector on this host */
};

/**
 * Find collector and session: the command line, then ABENG_URL, ABENG_CA and ABENG_TOKEN, then what
 * `login` has kept, then the collector on this host (its files `endpoints`, `admin.token`). Never
 * NULL; what is missing is said at the first request.
 */
struct client *client_open(const struct client_conf *conf);

/** Free. */
void client_close(struct client *c);

/** A reply. */
struct client_reply {
    long status;      /* of HTTP */
    struct buf *body; /* the caller's */
};

/**
 * Ask: `path` below the URL, `body` of `len` bytes or NULL, `header` one more line or NULL. 0, or
 * ABENG_EIO with one line in `why`: no answer, or nobody to ask.
 */
int client_ask(struct client *c, const char *method, const char *path, const void *body, size_t len,
               const char *header, struct client_reply *out, char *why, size_t why_len);

/** Be this session from now on, and keep it for later runs (0600): 0 or ABENG_EIO. */
int client_keep(struct client *c, const char *token);

/** Forget what was kept. */
void client_forget(struct client *c);

/** Escape one part of a path; the caller frees. */
char *client_escape(const struct client *c, const char *part);

#endif
