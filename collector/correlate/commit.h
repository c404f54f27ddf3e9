/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A state's memory and the store: leases, loading, and learning what others decided. Writing is
 * frozen.h's.
 */
#ifndef CORRELATE_COMMIT_H
#define CORRELATE_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

struct assets;
struct damping;
struct fold;
struct store_conn;
struct store_reply;

/** Longest stream position: entry id, records done in it, NUL. */
#define COMMIT_POSITION_MAX 64

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

/**
 * Add analysts' damping entries to `into` when they are not of `*version` (-1 at first) any more: 0
 * and the new version, ABENG_ENOENT when nothing changed, ABENG_EAGAIN.
 */
int commit_damping(struct store_conn *c, struct damping *into, int64_t *version);

/** Add the networks of a state's constituents to `into`. 0 or ABENG_EAGAIN. */
int commit_constituents(struct store_conn *c, const char *state, struct assets *into);

/**
 * Ask (store_command_later) for what changed since `seen` (an id, kept by the caller, "0" at
 * first). 0 or ABENG_EAGAIN.
 */
int commit_decisions_ask(struct store_conn *c, const struct fold *f, const char *seen);

/**
 * Learn decisions from the answer, with nothing asked on `c` any more; `*constituents` becomes true
 * when those changed. 0 or ABENG_EAGAIN: what was learned is behind `seen` then.
 */
int commit_decisions_take(struct store_conn *c, struct fold *f, const struct store_reply *changes,
                          char seen[COMMIT_POSITION_MAX], bool *constituents);

#endif
