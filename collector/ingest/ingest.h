/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The collector's end of the link: what sensors may ask (docs/PROTOCOL-uplink.md).
 *
 * A batch's way: the sensor listener verifies the client certificate, the lane's state must be
 * among the certificate's; the frame is decompressed within a bound, each line scanned
 * (common/event), one fixed record written per line (record.h), and one call appends the entry and
 * moves the lane's position, or tells where the lane stands. The answer's `committed` is on disk:
 * the call returns after the store's fsync. Then fold and archive of this process get the batch in
 * memory (fresh.h). Nothing of a bad batch is stored. Handlers run on work threads and wait
 * (bounded) for the store.
 */
#ifndef COLLECTOR_INGEST_INGEST_H
#define COLLECTOR_INGEST_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/http/http.h"

struct buf;
struct clock;
struct fresh;
struct packets;
struct record;
struct sensors;
struct store;

/** Limits of one batch: bytes of the frame, bytes and records in it. */
#define INGEST_FRAME_MAX (4u << 20)
#define INGEST_RAW_MAX   (16u << 20)
#define INGEST_COUNT_MAX 16384u

/**
 * Above this share of the store's memory batches are refused with 429, so that decisions never
 * fail.
 */
#define INGEST_MEMORY_PERMILLE 700u

struct ingest {
    struct store *store;
    struct sensors *sensors;
    struct packets *packets;
    struct fresh *fresh; /* NULL: readers have the stream alone */
    const struct clock *clock;
    uint64_t batches, records, refused, self_tests; /* atomic; for /metrics */
};

/** The routes of the link, to be served with sensors_admit; `in` lives as long as the server. */
struct http_table ingest_table(struct ingest *in);

/** A batch that was accepted before, as the archive has it. */
struct ingest_past {
    const char *sensor, *site, *epoch, *lane;
    uint64_t first, count, received_ns;
    const void *frame;
    size_t frame_len;
};

/**
 * Put a batch whose records unpacked are `raw` of `len` bytes back into a store that is older than
 * it; what the store has by position is left out. `*stored` is how many records went in. 0,
 * ABENG_EFORMAT, ABENG_EAGAIN, ABENG_ENOMEM.
 */
int ingest_again(struct ingest *in, const struct ingest_past *p, const void *raw, size_t len,
                 uint64_t *stored);

/** What the lines of a batch come to. */
struct ingest_tally {
    uint64_t late;          /* alerts older than ten minutes */
    uint64_t lost;          /* named by gap records, never numbered */
    uint64_t shed;          /* numbers that gap records say were given up when the spool was full */
    uint64_t gaps;          /* gap records */
    bool self_test;         /* a sensor's self-test is among them (common/selftest.h) */
    char previous[33];      /* of an epoch record: the epoch before, or "" */
    uint64_t previous_last; /* and its last number */
};

/**
 * Scan `raw`: NDJSON of exactly `count` lines; write one record per line to `list`, which has place
 * for them. 0, or ABENG_EFORMAT with a reason that names the line.
 */
int ingest_scan(const void *raw, size_t len, uint64_t count, struct record *list, char *reason,
                size_t reason_len);

/** Count `count` records of a scanned batch. */
void ingest_count(const struct record *list, uint64_t count, const void *raw, uint64_t now_ns,
                  struct ingest_tally *out);

/** Whether `lane` is STATE.urgent or STATE.bulk of a known state; copies the state's code. */
int ingest_lane_state(const char *lane, char state[3]);

#endif
