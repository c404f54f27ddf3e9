/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What analysts say about what belongs together: incidents merged and taken apart, signals put
 * elsewhere, dismissed or suppressed. Each is one function in the state's own keys
 * (store/lua/links.lua); the state's worker hears of it and counts evidence anew. A merge is a
 * pointer: signals and history stay where they are, so taking apart loses nothing.
 *
 * All return 0, ABENG_ENOENT, ABENG_ECONFLICT or ABENG_EINVAL with `why` (as verbs.h), or
 * ABENG_EAGAIN.
 */
#ifndef TRIAGE_LINKS_H
#define TRIAGE_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/triage/machine.h"

struct model;
struct store;

/** A dismissal holds this long; a suppression at most as long. */
#define LINKS_DISMISS_MS  (30ull * 86400000)
#define LINKS_SUPPRESS_MS (90ull * 86400000)

/** Who says it, when, and why (NULL: not given). */
struct links_word {
    const char *who, *reason;
    uint64_t now_ms;
};

/** Merge incident `id` into `into`, both of one state and in `scope`; `if_match` as verbs_apply. */
int links_merge(struct store *store, struct model *m, unsigned scope, const char *id,
                const char *into, uint64_t if_match, const struct links_word *by,
                struct refusal *why);

/** Take a merged incident out again: it gets its status, clock and claim back. */
int links_unmerge(struct store *store, struct model *m, unsigned scope, const char *id,
                  uint64_t if_match, const struct links_word *by, struct refusal *why);

/** A signal: state's code, number, the incident it is known to belong to ("" none). */
struct links_signal {
    const char *state;
    uint64_t number;
    const char *incident;
};

/** Put a signal into incident `to` of its state, or take it out of its own ("" ). */
int links_attach(struct store *store, struct model *m, unsigned scope, const struct links_signal *s,
                 const char *to, const struct links_word *by, struct refusal *why);

/** Dismiss (`until_ms` 0) or suppress until then what a waiting signal stands for. */
int links_mute(struct store *store, const struct links_signal *s, uint64_t until_ms,
               const struct links_word *by, struct refusal *why);

/** Claim a signal; `steal` takes it from another. */
int links_claim(struct store *store, const struct links_signal *s, bool steal,
                const struct links_word *by, struct refusal *why);

#endif
