/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state's memory to and from the store: leases, loading, and the one function call of a
 * commit.
 */
#ifndef CORRELATE_COMMIT_H
#define CORRELATE_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

struct assets;
struct damping;
struct fold;
struct store_conn;

/** Longest stream position: entry id, records done in it, NUL. */
#define COMMIT_POSITION_MAX 64

/**
 * Words of one commit that fit a call; commit before another alert would not (32 is the most
 * one adds).
 */
#define COMMIT_WORDS_MAX 200000

/** How long a lease holds without renewal. */
#define COMMIT_LEASE_MS 4000

/** Where a state's worker stands. */
struct commit_place {
    char entry[COMMIT_POSITION_MAX]; /* id of the last entry looked at, "0-0" at first */
    uint64_t done;                   /* records of that entry folded; UINT64_MAX: all */
    uint64_t fence;
};

/** Take the lease: 0 and `fence`, ABENG_ECONFLICT while another owner holds it, ABENG_EAGAIN. */
int commit_lease(struct store_conn *c, const char *state, const char *owner, uint64_t now_ms,
                 uint64_t *fence);

/** Let it go at once, as its owner leaves or another has too few. 0 or ABENG_EAGAIN. */
int commit_release(struct store_conn *c, const char *state, uint64_t fence);

/**
 * Say that worker `owner` is there, and count who is: how many states are a fair share of `states`.
 * 0 or ABENG_EAGAIN.
 */
int commit_share(struct store_conn *c, const char *owner, uint64_t now_ms, unsigned states,
                 unsigned *share);

/** Say that worker `owner` leaves. */
void commit_leave(struct store_conn *c, const char *owner);

/** Renew it: 0, ABENG_EDENIED when it is another's, ABENG_EAGAIN. */
int commit_renew(struct store_conn *c, const char *state, uint64_t fence, uint64_t now_ms);

/** Fill an empty fold from the store, and where to go on. 0 or ABENG_EAGAIN. */
int commit_load(struct store_conn *c, struct fold *f, struct commit_place *place);

/** Words that a commit now would have. */
unsigned commit_words(const struct fold *f);

/**
 * Write what changed, from `before` to `after` (of the same fence), counting `alerts`. 0 (also
 * when this commit was done already and its answer lost), ABENG_EDENIED or ABENG_ECONFLICT when the
 * state is another's now, ABENG_EAGAIN: try the same again.
 */
int commit_write(struct store_conn *c, struct fold *f, const struct commit_place *before,
                 const struct commit_place *after, uint64_t now_ms, uint64_t alerts);

/**
 * Add analysts' damping entries to `into` when they are not of `*version` (-1 at first) any more: 0
 * and the new version, ABENG_ENOENT when nothing changed, ABENG_EAGAIN.
 */
int commit_damping(struct store_conn *c, struct damping *into, int64_t *version);

/** Add the networks of a state's constituents to `into`. 0 or ABENG_EAGAIN. */
int commit_constituents(struct store_conn *c, const char *state, struct assets *into);

/**
 * Learn decisions made since change `*seen` (an id, kept by the caller, "0" at first);
 * `*constituents` becomes true when those changed. 0 or ABENG_EAGAIN.
 */
int commit_decisions(struct store_conn *c, struct fold *f, char seen[COMMIT_POSITION_MAX],
                     bool *constituents);

#endif
