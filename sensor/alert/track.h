/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the sequencer remembers about addresses: counts of thresholds, xbits and hostbits. A bounded
 * hash table with a key from SipHash; at the bound the entry that was not touched for longest gives
 * way. Time is packet time in microseconds. One thread.
 */
#ifndef SENSOR_ALERT_TRACK_H
#define SENSOR_ALERT_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"

struct track_table;

enum track_kind { TRACK_THRESHOLD, TRACK_FILTER, TRACK_BIT, TRACK_TAG, TRACK_KINDS };

/** What an entry is about. Zeroed by the maker: it is hashed as bytes. */
struct track_key {
    uint32_t kind;    /* enum track_kind; plus TRACK_KINDS: of alerts beyond the reference */
    uint32_t gid;     /* threshold */
    uint64_t id;      /* threshold, tag: sid; bit: a number for its name */
    struct addr a, b; /* as the rule tracks; pairs sorted; of a tagged session its flow's id */
};

struct track_entry {
    struct track_key key;
    uint64_t start_us;   /* threshold: the window's begin; tag: its own */
    uint64_t expires_us; /* last moment at which it counts */
    uint64_t since_s;    /* rate_filter: when its action came into force; 0: it is not */
    uint32_t count;
    uint16_t restarts; /* tag: alerts behind the first */
    bool begun;        /* tag: its first packet has been counted */
    uint32_t next, newer, older; /* the table's own */
};

/** A table of at most `entries_max` entries. */
struct track_table *track_create(uint32_t entries_max);

/** The entry of `key`, or NULL. It is touched. */
struct track_entry *track_find(struct track_table *t, const struct track_key *key);

/** A new entry for `key`, which is not there; `*evicted`: one that still counted gave way. */
struct track_entry *track_add(struct track_table *t, const struct track_key *key, uint64_t now_us,
                              bool *evicted);

/** Forget an entry. */
void track_remove(struct track_table *t, struct track_entry *e);

/** Entries now. */
uint32_t track_count(const struct track_table *t);

/** Free. NULL is allowed. */
void track_free(struct track_table *t);

#endif
