/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A commit: what changed in a state's memory since the last one, frozen as the one function call
 * that writes it. The memory goes on folding meanwhile; a commit whose answer was lost is written
 * again as it was, byte by byte, which the store sees by its position.
 */
#ifndef CORRELATE_FROZEN_H
#define CORRELATE_FROZEN_H

#include <stdint.h>

struct commit_place;
struct fold;
struct frozen;
struct store_conn;

/**
 * Words of one commit that fit a call; freeze before another alert would not (32 is the most
 * one adds).
 */
#define FROZEN_WORDS_MAX 200000

/** Words that a commit now would have. */
unsigned frozen_words(const struct fold *f);

/**
 * Freeze what changed, from `before` to `after` (of the same fence), counting `alerts`; to the
 * fold it counts as committed from now on. NULL when it is larger than a call may be: the memory is
 * of no use then.
 */
struct frozen *frozen_make(struct fold *f, const struct commit_place *before,
                           const struct commit_place *after, uint64_t now_ms, uint64_t alerts);

/**
 * Write it. 0 (also when it was done already and its answer lost), ABENG_EDENIED or ABENG_ECONFLICT
 * when the state is another's now, ABENG_EAGAIN: write the same again before any other.
 */
int frozen_write(struct store_conn *c, const struct frozen *k);

/** Free. NULL is allowed. */
void frozen_free(struct frozen *k);

#endif
