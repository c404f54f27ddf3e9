/* SPDX-License-Identifier: Apache-2.0 */
/* Chained hash over a fixed array, with a list by last touch. Index 0 is no entry. */
#include "config.h"
#include "sensor/alert/track.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/xalloc.h"

_Static_assert(sizeof(struct track_key) == 48, "keys are hashed as bytes: no padding");

struct track_table {
    struct hash_key key;
    struct track_entry *entries; /* 1..max; 0 heads the list by touch */
    uint32_t *buckets;
    uint32_t mask, max, used, count, free;
};

struct track_table *track_create(uint32_t entries_max)
{
    struct track_table *t = xcalloc(1, sizeof(*t));
    uint32_t buckets = 16;
    while (buckets < entries_max && buckets < 1u << 30)
        buckets *= 2;
    hash_key_random(&t->key);
    t->max = entries_max;
    t->mask = buckets - 1;
    t->buckets = xcalloc(buckets, sizeof(*t->buckets));
    t->entries = xcalloc((size_t)entries_max + 1, sizeof(*t->entries));
    return t;
}

static uint32_t *bucket(const struct track_table *t, const struct track_key *key)
{
    return &t->buckets[hash_bytes(&t->key, key, sizeof(*key)) & t->mask];
}

static void unlink_touch(struct track_table *t, struct track_entry *e)
{
    t->entries[e->newer].older = e->older;
    t->entries[e->older].newer = e->newer;
}

static void link_newest(struct track_table *t, uint32_t at)
{
    struct track_entry *head = &t->entries[0], *e = &t->entries[at];
    e->newer = 0;
    e->older = head->older;
    t->entries[head->older].newer = at;
    head->older = at;
}

struct track_entry *track_find(struct track_table *t, const struct track_key *key)
{
    for (uint32_t i = *bucket(t, key); i; i = t->entries[i].next) {
        struct track_entry *e = &t->entries[i];
        if (memcmp(&e->key, key, sizeof(*key)) != 0)
            continue;
        unlink_touch(t, e);
        link_newest(t, i);
        return e;
    }
    return NULL;
}

void track_remove(struct track_table *t, struct track_entry *e)
{
    uint32_t at = (uint32_t)(e - t->entries);
    uint32_t *link = bucket(t, &e->key);
    while (*link != at)
        link = &t->entries[*link].next;
    *link = e->next;
    unlink_touch(t, e);
    e->next = t->free;
    t->free = at;
    t->count--;
}

struct track_entry *track_add(struct track_table *t, const struct track_key *key, uint64_t now_us,
                              bool *evicted)
{
    *evicted = false;
    if (!t->free && t->used == t->max) {
        struct track_entry *oldest = &t->entries[t->entries[0].newer];
        *evicted = oldest->expires_us >= now_us;
        track_remove(t, oldest);
    }
    uint32_t at = t->free ? t->free : ++t->used;
    struct track_entry *e = &t->entries[at];
    if (t->free)
        t->free = e->next;
    uint32_t *first = bucket(t, key);
    *e = (struct track_entry){ .key = *key, .next = *first };
    *first = at;
    link_newest(t, at);
    t->count++;
    return e;
}

uint32_t track_count(const struct track_table *t)
{
    return t->count;
}

void track_free(struct track_table *t)
{
    if (!t)
        return;
    free(t->entries);
    free(t->buckets);
    free(t);
}
