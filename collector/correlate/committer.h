/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A thread that takes commits to the store while the worker goes on folding: one of each state at a
 * time, in the order they are given. Calls come from the worker's thread.
 */
#ifndef CORRELATE_COMMITTER_H
#define CORRELATE_COMMITTER_H

#include <stdbool.h>
#include <stdint.h>

struct committer;
struct frozen;
struct store;

/** Start the thread. NULL and a log line on failure. */
struct committer *committer_start(struct store *store);

/** Write this one of row `state` (common/state.h), which has none here; takes it over. */
void committer_give(struct committer *c, unsigned state, struct frozen *k);

/** Write the one whose answer was lost again, as it was. */
void committer_again(struct committer *c, unsigned state);

/**
 * How the state's commit ended: 0, or what frozen_write returned; once. ABENG_EAGAIN: it stays here
 * for committer_again. ABENG_EEXIST: it is under way (never with `wait`); ABENG_ENOENT: there is
 * none. `*at_ns` becomes the monotonic time of the end, when there was one.
 */
int committer_ended(struct committer *c, unsigned state, bool wait, uint64_t *at_ns);

/** Forget the state's commit, once nothing is being written of it. */
void committer_drop(struct committer *c, unsigned state);

/** End the thread, forget all. NULL is allowed. */
void committer_stop(struct committer *c);

#endif
