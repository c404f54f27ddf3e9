/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The monitor's side of a load: opens the sources, runs a loader, takes what it made.
 */
#ifndef SENSOR_LOADING_H
#define SENSOR_LOADING_H

#include <stdbool.h>
#include <stdint.h>

struct files;
struct options;

/** A loaded set. */
struct loaded {
    int image;          /* sealed; -1: none */
    int report;         /* JSON lines of verdicts */
    uint64_t counts[2]; /* rules loaded, refused */
    uint64_t took_ns, peak_kib;
};

/**
 * Load all rules that `o` names and the bundles that stand in the state folder. Runs a loader
 * process and waits for it (300 s at most). What memory it will take is said first; with `again`
 * (a set is in force) nothing is begun when the machine does not have that. 0, or ABENG_ERR after a
 * log line. Descriptors in `out` are the caller's.
 */
int loading_run(const struct options *o, struct files *files, bool again, struct loaded *out);

#endif
