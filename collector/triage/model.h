/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The read model: all incidents of all states in memory, in the order of the queue, fed by each
 * state's change stream on one thread. Lists and searches are answered from here and never scan the
 * store. A lock guards it: readers hold it for one list, the feeding thread for one change.
 */
#ifndef TRIAGE_MODEL_H
#define TRIAGE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/triage/machine.h"

struct clock;
struct json;
struct model;
struct store;

/** Longest id and query, NUL included. */
#define MODEL_ID_MAX    32
#define MODEL_QUERY_MAX 512

/** Minutes of the activity plot. */
#define MODEL_MINUTES 60

/**
 * A change, as watchers get it. Called on the feeding thread; must not call back into the
 * model.
 */
struct model_event {
    const char *id, *state; /* NULL id: a reset, read everything anew */
    uint64_t version;
    enum status status;
    unsigned tier;
    uint64_t sequence; /* of this process, rises */
};
typedef void model_watch_fn(void *arg, const struct model_event *event);

/**
 * Start: loads all, then follows. `clock` NULL: the system's. NULL and a log line when there
 * is no thread to be had.
 */
struct model *model_start(struct store *store, const struct clock *clock);

/** The one watcher; before any request is served. */
void model_watch(struct model *m, model_watch_fn *fn, void *arg);

/** Whether all states have been loaded. Any thread. */
bool model_ready(const struct model *m);

/** End the thread, free. NULL is allowed. */
void model_stop(struct model *m);

/** What a list shows. */
struct model_query {
    unsigned scope;    /* set of 1 << state index that may be seen */
    unsigned statuses; /* set of 1 << status; 0: the open ones */
    unsigned tiers;    /* set of 1 << tier; 0: all */
    const char *text;  /* search words (docs/API.md), or NULL */
    const char *who;   /* for is:mine */
    const char *after; /* cursor, or NULL */
    unsigned limit;
};

/**
 * Write {"items":[…],"next":…,"total":…}. 0, or ABENG_EFORMAT with one line in `why` when the text
 * or the cursor can't be understood.
 */
int model_list(struct model *m, const struct model_query *q, struct json *out, char *why,
               size_t why_len);

/** The head and state index of incident `id`, when the scope may see it: 0 or ABENG_ENOENT. */
int model_head(struct model *m, unsigned scope, const char *id, struct head *out);

/**
 * Write the members of one incident's row into the open object: 0 or ABENG_ENOENT. `detail`
 * adds factors and outcome.
 */
int model_write_row(struct model *m, unsigned scope, const char *id, bool detail, struct json *out);

/** Numbers of the signals of `id`, at most `max`; how many there are, or ABENG_ENOENT. */
int model_signals(struct model *m, unsigned scope, const char *id, uint64_t *out, size_t max);

/**
 * Numbers of a state's incidents that ended before `bound_ms`, those merged into them before them;
 * at most `max`. How many.
 */
size_t model_ended(struct model *m, unsigned state, uint64_t bound_ms, uint64_t *out, size_t max);

/**
 * Read one incident anew at once (after a write by this thread), so that the writer sees its
 * own change.
 */
int model_refresh(struct model *m, const char *id);

/** Write the members of /stats into the open object. */
void model_write_stats(struct model *m, unsigned scope, struct json *out);

/** State index and number of an id ("jm-12"): 0 or ABENG_EFORMAT. */
int model_parse_id(const char *id, unsigned *state, uint64_t *number);

#endif
