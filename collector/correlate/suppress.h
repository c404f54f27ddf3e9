/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Suppressions: what analysts keep out of the queue for a while, by rule, victim and peer. Alerts
 * that one holds back fold into a signal of their own, which makes no incident, and are counted.
 * Time is that at which the collector received an alert, so a replay holds back the same ones.
 */
#ifndef CORRELATE_SUPPRESS_H
#define CORRELATE_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/correlate/key.h"
#include "common/addr.h"

struct suppressions;

/** Most that a state has at a time; each alert is compared with all. */
#define SUPPRESSIONS_MAX 200

/** Longest key of what one holds back, NUL included. */
#define SUPPRESS_KEY_MAX (KEY_MAX + 32)

struct suppression {
    uint64_t number;
    uint32_t sid; /* 0: any rule */
    bool has_victim, has_peer;
    struct addr victim, peer; /* networks */
    unsigned victim_bits, peer_bits;
    uint64_t from_ms, until_ms;
    uint64_t hits, last_ms; /* held back, and when last */
    bool dirty;             /* hits since the last commit */
};

/** An empty set. */
struct suppressions *suppressions_create(void);

/** Free. NULL is allowed. */
void suppressions_free(struct suppressions *set);

/** Put one in, or in place of that of its number, whose hits it keeps; too many are left out. */
void suppressions_put(struct suppressions *set, const struct suppression *s);

/** Take one out. */
void suppressions_remove(struct suppressions *set, uint64_t number);

/** Restore the hits of one. */
void suppressions_restore(struct suppressions *set, uint64_t number, uint64_t hits,
                          uint64_t last_ms);

/** The first that holds for an alert; NULL: none does. */
struct suppression *suppressions_find(struct suppressions *set, uint32_t sid,
                                      const struct addr *victim, const struct addr *peer,
                                      uint64_t received_ms);

/** A walk over those that are dirty: start with `*at` 0; NULL at the end. */
const struct suppression *suppressions_next_dirty(const struct suppressions *set, size_t *at);

/** The hits are in the store. */
void suppressions_committed(struct suppressions *set);

/** The key under which folds what suppression `number` holds back of K1 `key`. */
void suppress_key(const char *key, uint64_t number, char out[SUPPRESS_KEY_MAX]);

/** The number of the suppression that a signal's key is of; 0: of none. */
uint64_t suppress_of_key(const char *key);

#endif
