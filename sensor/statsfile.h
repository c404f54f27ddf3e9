/* SPDX-License-Identifier: Apache-2.0 */
/**
 * stats.json: what was received, processed and dropped, by stage and reason.
 */
#ifndef SENSOR_STATSFILE_H
#define SENSOR_STATSFILE_H

#include <stdint.h>

#include "sensor/capture/capture.h"

struct blackbox_sums;
struct buf;
struct live_board;
struct live_flows;
struct worker;
struct writer;

/** What the file says. Workers and writer are read while they run. */
struct statsfile {
    struct worker *const *workers;
    unsigned worker_count;
    const struct writer *writer;
    struct capture_counts captured;
    uint64_t rules_loaded, rules_refused;
    uint64_t load_ns, run_ns;
    uint64_t peak_kib; /* memory of the largest process at its peak */
    const char *ruleset;
    const struct live_board *live;      /* NULL: files */
    const struct blackbox_sums *before; /* of engines that died */
};

/** Where each packet that was received went. Sums over workers; files: all are received. */
struct statsfile_ledger {
    uint64_t received, processed, shed_elephants, shed_bulk;
    uint64_t shed;    /* those two, and what engines shed that died */
    uint64_t dropped; /* by the kernel, for the ring was full */
    uint64_t killed;  /* frames that an engine died of, left out by the next */
    uint64_t waiting; /* in the ring, not handed out yet */
};

/** Read the ledger: received = processed + shed + dropped + killed + waiting, each counted where it
 * happens, so that the sum is exact when workers rest. */
void statsfile_ledger(const struct statsfile *s, struct statsfile_ledger *out);

/** The sums that live.h judges by; of `s` the workers alone are read. */
void statsfile_flows(const struct statsfile *s, struct live_flows *out);

/** Write one JSON object and a newline to `fd`. 0 or ABENG_EIO. */
int statsfile_write(const struct statsfile *s, int fd);

/** Append the record of one line that EVE's readers know as `stats`, without a newline. */
void statsfile_event(const struct statsfile *s, struct buf *out);

#endif
