/* SPDX-License-Identifier: Apache-2.0 */
/**
 * stats.json: what was received, processed and dropped, by stage and reason.
 */
#ifndef SENSOR_STATSFILE_H
#define SENSOR_STATSFILE_H

#include <stdint.h>

#include "sensor/capture/capture.h"

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
    const struct live_board *live; /* NULL: files */
};

/** The sums that live.h judges by; of `s` the workers alone are read. */
void statsfile_flows(const struct statsfile *s, struct live_flows *out);

/** Write one JSON object and a newline to `fd`. 0 or ABENG_EIO. */
int statsfile_write(const struct statsfile *s, int fd);

#endif
