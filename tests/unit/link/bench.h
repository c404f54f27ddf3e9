/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A collector's link end in this process, on a free port, over real TLS and a real store; and
 * sensors to speak to it.
 */
#ifndef TESTS_UNIT_LINK_BENCH_H
#define TESTS_UNIT_LINK_BENCH_H

#include "collector/auth/ca.h"
#include "collector/http/http.h"
#include "collector/ingest/ingest.h"
#include "collector/ingest/packets.h"
#include "collector/ingest/sensors.h"
#include "common/buf.h"
#include "sensor/uplink/client.h"
#include "tests/unit/link/fixture.h"

struct bench {
    struct fixture *redis;
    struct ca *ca;
    struct sensors *sensors;
    struct packets *packets;
    struct ingest ingest;
    struct http_server *http;
    struct http_table table;
    struct http_listener listener;
    char address[64];
    const char *addresses[1];
    char *paths[96]; /* of the clients: libcurl reads the files at each handshake */
    size_t path_count;
};

/** Group set-up and tear-down; `*state` is a struct bench. */
int bench_setup(void **state);
/** The other one. */
int bench_teardown(void **state);

/**
 * Invite `name` for `states` and enrol it as the command does, into `dir`; returns the command's
 * exit status.
 */
int bench_enrol(struct bench *b, const char *name, const char *states, const char *dir);

/** A client with the identity in `dir` (NULL: without one). */
struct client *bench_client(struct bench *b, const char *dir);

/** Headers of a batch. */
struct bench_batch {
    const char *epoch;
    const char *lane;
    const char *first;
    const char *count;
    const char *oldest; /* NULL: not sent */
    const char *type;   /* NULL: the right one */
};

/** POST a batch of `raw` NDJSON; the status, and `committed` of the body (0 when there is none). */
long bench_post(struct client *c, const struct bench_batch *head, const void *raw, size_t len,
                uint64_t *committed, struct buf *body);

/** Append `count` alert lines with numbers from `first`. */
void bench_alerts(struct buf *out, const char *epoch, const char *lane, uint64_t first,
                  unsigned count);

/** DER of a PEM certificate; free it. */
uint8_t *bench_der(const struct buf *pem, size_t *len);

#endif
