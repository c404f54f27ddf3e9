/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing over 64-bit places, each free or the hash's upper half and where the entry
 * stands. An entry is written before its place is taken by compare-and-swap; entries never move and
 * never go, they are live or not. So a reader needs no more than the place it loaded.
 */
#include "config.h"
#include "sensor/detect/dataset.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/pages.h"
#include "common/xalloc.h"

/* Places that are looked at for a value; a table so full that there are more is full. */
#define PROBES_MAX 256
/* Memory for each place: values are short, and half the places stay free. */
#define MEMORY_PER_PLACE 64u
#define PLACES_LEAST     1024u
#define PLACES_MAX       (1u << 24)

struct entry {
    uint32_t len;
    _Atomic bool live;
    uint8_t value[];
};

struct dataset {
    int holds;
    char *name;
    uint8_t kind;
    struct hash_key key;
    uint64_t memory;
    uint32_t mask;            /* places - 1 */
    _Atomic uint64_t *places; /* upper half of the hash << 32 | entry / 8 + 1 */
    uint8_t *entries;
    _Atomic uint64_t used; /* bytes of entries */
    _Atomic uint64_t changes;
    uint64_t saved; /* `changes` when it was last asked */
    bool asked;
};

struct dataset *dataset_create(const char *name, uint8_t kind, uint64_t memory)
{
    struct dataset *d = xcalloc(1, sizeof(*d));
    uint32_t places = PLACES_LEAST;
    d->holds = 1;
    d->name = xstrdup(name);
    d->kind = kind;
    d->memory = memory ? memory : DATASET_MEMORY;
    if (d->memory > DATASET_MEMORY_MAX)
        d->memory = DATASET_MEMORY_MAX;
    while (places < PLACES_MAX && places < d->memory / MEMORY_PER_PLACE)
        places *= 2;
    d->mask = places - 1;
    d->places = pages_alloc(places * sizeof(*d->places), "a dataset");
    d->entries = pages_alloc(d->memory, "a dataset");
    hash_key_random(&d->key);
    return d;
}

const char *dataset_name(const struct dataset *d)
{
    return d->name;
}

uint8_t dataset_kind(const struct dataset *d)
{
    return d->kind;
}

struct dataset *dataset_hold(struct dataset *d)
{
    __atomic_add_fetch(&d->holds, 1, __ATOMIC_RELAXED);
    return d;
}

static struct entry *entry_of(const struct dataset *d, uint64_t place)
{
    return (struct entry *)(void *)(d->entries + ((place & UINT32_MAX) - 1) * 8);
}

static bool is(const struct entry *e, const void *value, uint32_t len)
{
    return e->len == len && memcmp(e->value, value, len) == 0;
}

/* The value's entry, live or not; else NULL, and `*free_at` the place for it, UINT32_MAX: none. */
static struct entry *look(const struct dataset *d, uint64_t hash, const void *value, uint32_t len,
                          uint32_t from, uint32_t *free_at)
{
    for (uint32_t i = from; i < PROBES_MAX; i++) {
        uint32_t at = (uint32_t)(hash + i) & d->mask;
        uint64_t place = atomic_load_explicit(&d->places[at], memory_order_acquire);
        *free_at = i;
        if (!place)
            return NULL;
        if (place >> 32 == hash >> 32 && is(entry_of(d, place), value, len))
            return entry_of(d, place);
    }
    *free_at = UINT32_MAX;
    return NULL;
}

/* Room for an entry, its place's lower half; 0: there is none. */
static uint64_t entry_make(struct dataset *d, const void *value, uint32_t len)
{
    uint64_t size = (sizeof(struct entry) + len + 7) & ~UINT64_C(7);
    uint64_t at = atomic_load(&d->used);
    do {
        if (size > d->memory - at)
            return 0;
    } while (!atomic_compare_exchange_weak(&d->used, &at, at + size));
    struct entry *e = (struct entry *)(void *)(d->entries + at);
    e->len = len;
    memcpy(e->value, value, len);
    atomic_store_explicit(&e->live, true, memory_order_relaxed);
    return at / 8 + 1;
}

static enum dataset_added revive(struct dataset *d, struct entry *e)
{
    bool dead = false;
    if (!atomic_compare_exchange_strong(&e->live, &dead, true))
        return DATASET_KNOWN;
    atomic_fetch_add_explicit(&d->changes, 1, memory_order_relaxed);
    return DATASET_NEW;
}

enum dataset_added dataset_add(struct dataset *d, const void *value, uint32_t len)
{
    uint64_t hash = hash_bytes(&d->key, value, len), made = 0;
    uint32_t i = 0;
    if (len == 0 || len > DATASET_VALUE_MAX)
        return DATASET_FULL;
    for (;;) {
        struct entry *e = look(d, hash, value, len, i, &i);
        if (e)
            return revive(d, e); /* what was made for it in vain stays unused */
        if (i == UINT32_MAX || (!made && !(made = entry_make(d, value, len))))
            return DATASET_FULL;
        uint64_t free_place = 0, place = hash >> 32 << 32 | made;
        if (atomic_compare_exchange_strong_explicit(&d->places[(uint32_t)(hash + i) & d->mask],
                                                    &free_place, place, memory_order_acq_rel,
                                                    memory_order_acquire))
            break; /* else somebody has just taken it: perhaps for this value */
    }
    atomic_fetch_add_explicit(&d->changes, 1, memory_order_relaxed);
    return DATASET_NEW;
}

bool dataset_remove(struct dataset *d, const void *value, uint32_t len)
{
    uint32_t i;
    bool live = true;
    struct entry *e = look(d, hash_bytes(&d->key, value, len), value, len, 0, &i);
    if (!e || !atomic_compare_exchange_strong(&e->live, &live, false))
        return false;
    atomic_fetch_add_explicit(&d->changes, 1, memory_order_relaxed);
    return true;
}

bool dataset_has(const struct dataset *d, const void *value, uint32_t len)
{
    uint32_t i;
    struct entry *e = look(d, hash_bytes(&d->key, value, len), value, len, 0, &i);
    return e && atomic_load_explicit(&e->live, memory_order_relaxed);
}

bool dataset_first(struct dataset *d)
{
    bool first = !d->asked;
    d->asked = true;
    return first;
}

bool dataset_changed(struct dataset *d)
{
    uint64_t now = atomic_load_explicit(&d->changes, memory_order_relaxed);
    bool changed = now != d->saved;
    d->saved = now;
    return changed;
}

static int by_entry(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

void dataset_each(const struct dataset *d, void (*each)(void *arg, const void *value, uint32_t len),
                  void *arg)
{
    uint32_t count = 0, cap = 0, *all = NULL;
    for (uint32_t at = 0; at <= d->mask; at++) {
        uint64_t place = atomic_load_explicit(&d->places[at], memory_order_acquire);
        if (!place || !atomic_load_explicit(&entry_of(d, place)->live, memory_order_relaxed))
            continue;
        if (count == cap)
            all = xreallocarray(all, cap = cap ? cap * 2 : 256, sizeof(*all));
        all[count++] = (uint32_t)place;
    }
    if (count)
        qsort(all, count, sizeof(*all), by_entry);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *e = entry_of(d, all[i]);
        each(arg, e->value, e->len);
    }
    free(all);
}

void dataset_drop(struct dataset *d)
{
    if (!d || __atomic_sub_fetch(&d->holds, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    pages_free((void *)d->places, ((size_t)d->mask + 1) * sizeof(*d->places));
    pages_free(d->entries, d->memory);
    free(d->name);
    free(d);
}
