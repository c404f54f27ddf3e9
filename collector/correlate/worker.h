/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The worker: one thread that owns member states by lease and fencing number, reads each state's
 * stream from the stored position (what this process accepted: from memory, ingest/fresh.h), folds
 * (fold.h), and commits: what changed is frozen (frozen.h) and a second thread writes it
 * (committer.h) while the first goes on folding. A kill at any instant loses the memory only: what
 * was committed is read back, what was not is folded again and gives the same ids and counts.
 */
#ifndef CORRELATE_WORKER_H
#define CORRELATE_WORKER_H

#include <stdint.h>

struct clock;
struct fresh;
struct store;
struct worker;

struct worker_conf {
    struct store *store;
    struct fresh *fresh;       /* batches that this process accepts; NULL: the stream alone */
    const char *classify_path; /* the classification table */
    const char *assets_path;   /* NULL: no table of assets */
    const char *damping_path;  /* NULL: analysts' entries alone */
    const char *owner; /* who holds the leases; a restart under the same name takes over at once */
    const struct clock *clock; /* visible time; NULL: the system's */
};

struct worker_stats {
    uint64_t alerts; /* folded since start */
    uint64_t commits;
    uint64_t refused;   /* records or entries that could not be read */
    uint64_t signals;   /* in memory now, all states */
    uint64_t incidents; /* in memory now, all states */
    uint64_t lag_ms;    /* visible time minus arrival of the newest folded batch */
    unsigned states;    /* held now */
};

/** Read the tables and start the thread. NULL and a log line on failure. */
struct worker *worker_start(const struct worker_conf *conf);

/** Numbers now. Any thread. */
void worker_stats(const struct worker *w, struct worker_stats *out);

/** Commit what is folded, end the thread, free. NULL is allowed. */
void worker_stop(struct worker *w);

#endif
