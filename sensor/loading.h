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

/** A load beside an engine at work, which may want something of the monitor: a writer that waits
 * for a file would lose records. */
struct loading_again {
    int fd; /* the engine asks here; -1: nobody */
    void (*answer)(void *arg);
    void *arg;
};

/**
 * Load all rules that `o` names and the bundles that stand in the state folder. Runs a loader
 * process and waits for it (300 s at most). What memory it will take is said first; with `again`
 * (a set is in force) nothing is begun when the machine does not have that, and whoever asks
 * meanwhile is answered. 0, or ABENG_ERR after a log line. Descriptors in `out` are the caller's.
 */
int loading_run(const struct options *o, struct files *files, const struct loading_again *again,
                struct loaded *out);

#endif
