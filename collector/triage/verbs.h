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
 * quiet. NULL and a log line.
 */
struct verbs_clock *verbs_clock_start(struct store *store, struct model *m,
                                      const struct clock *clock);

/** Do all that is due now, on the calling thread; how many. For the thread and for tests. */
unsigned verbs_due(struct store *store, struct model *m, uint64_t now_ms);

/** End the thread. NULL is allowed. */
void verbs_clock_stop(struct verbs_clock *c);

#endif
