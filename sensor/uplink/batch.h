/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Records of one lane on their way: taken from the spool in order, packed, posted, and what the
 * answer means. A batch never mixes epochs and has no holes; a hole in the numbers ends it, and the
 * next one says that nothing older is here.
 */
#ifndef SENSOR_UPLINK_BATCH_H
#define SENSOR_UPLINK_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "sensor/spool/spool.h"

/** Limits of one batch; the collector allows four times as much. */
#define BATCH_COUNT_MAX 4096u
#define BATCH_RAW_MAX   (3u << 20)

struct batch {
    char epoch[2 * SPOOL_EPOCH_BYTES + 1];
    char lane[SPOOL_LANE_MAX];
    uint64_t first;
    uint64_t count;
    bool after_hole;  /* what came just before `first` is gone from the spool */
    struct buf raw;   /* NDJSON */
    struct buf frame; /* the same, zstd */
};

/** An empty batch. */
void batch_init(struct batch *b);

/** Free. */
void batch_free(struct batch *b);

/**
 * Take up to `limit` records of `lane` and pack them. 1; 0 when there is none; or an error of the
 * spool. What was taken counts as handed out: commit it or rewind.
 */
int batch_take(struct batch *b, struct spool_reader *spool, const char *lane, unsigned limit);

/** Number of the last record. */
uint64_t batch_last(const struct batch *b);

/** What to do after an answer. */
enum batch_next {
    BATCH_COMMITTED, /* all is on the collector's disk */
    BATCH_REWIND,    /* send again from just after `committed` */
    BATCH_WAIT,      /* the collector is short or away: the same again later */
    BATCH_BAD,       /* a record in it is refused for good */
    BATCH_REFUSED,   /* we are refused (certificate, state) */
};

/** Read the answer; `*committed` is set for the first two. */
enum batch_next batch_judge(const struct batch *b, long status, const struct buf *body,
                            uint64_t *committed);

#endif
