/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What analysts and the system's timers do to incidents: decided by the machine, applied in
 * the store in one step.
 */
#ifndef TRIAGE_VERBS_H
#define TRIAGE_VERBS_H

#include <stdint.h>

#include "collector/triage/machine.h"

struct clock;
struct model;
struct retire_conf;
struct store;
struct verbs_clock;

/**
 * Do what `wish` says to incident `id`, if `scope` may see it and nobody decided since version
 * `if_match` (0: since we read it). 0 and the model has it; ABENG_ENOENT, ABENG_ECONFLICT with
 * why->status 409 (not from here) or 412 (decided since), ABENG_EINVAL (422), ABENG_EAGAIN (store
 * away).
 */
int verbs_apply(struct store *store, struct model *m, unsigned scope, const char *id,
                const struct wish *wish, uint64_t if_match, uint64_t now_ms, struct refusal *why);

/**
 * Start the thread that does what timers ask for: ends waiting, closes what is resolved and
 * quiet; and once an hour what days ask for (verbs_daily). `retire` is copied, its folder borrowed;
 * NULL: nothing leaves the store. NULL and a log line.
 */
struct verbs_clock *verbs_clock_start(struct store *store, struct model *m,
                                      const struct clock *clock, const struct retire_conf *retire);

/** Do all that is due now, on the calling thread; how many. For the thread and for tests. */
unsigned verbs_due(struct store *store, struct model *m, uint64_t now_ms);

/**
 * What days ask for: decisions of more than 90 days ago count no longer for rules and feeds, and
 * what ended long ago is retired; how many were.
 */
unsigned verbs_daily(struct store *store, struct model *m, const struct retire_conf *retire,
                     uint64_t now_ms);

/** End the thread. NULL is allowed. */
void verbs_clock_stop(struct verbs_clock *c);

#endif
