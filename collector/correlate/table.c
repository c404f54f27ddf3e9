/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing and backward-shift removal; grows at three quarters. */
#include "config.h"
#include "collector/correlate/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/xalloc.h"

struct slot {
    char *key; /* NULL: empty */
    uint64_t hash;
    void *value;
};

struct table {
    struct hash_key key;
    struct slot *slots;
    size_t size; /* a power of two */
    size_t count;
};

struct table *table_create(void)
{
    struct table *t = xcalloc(1, sizeof *t);
    hash_key_random(&t->key);
    t->size = 64;
    t->slots = xcalloc(t->size, sizeof *t->slots);
    return t;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->size; i++)
        free(t->slots[i].key);
    free(t->slots);
    free(t);
}

/* The slot that holds `key`, or the empty one where it would go. */
static struct slot *probe(const struct table *t, const char *key, uint64_t hash)
{
    size_t i = hash & (t->size - 1);
    while (t->slots[i].key && (t->slots[i].hash != hash || strcmp(t->slots[i].key, key) != 0))
        i = (i + 1) & (t->size - 1);
    return &t->slots[i];
}

static uint64_t hash_of(const struct table *t, const char *key)
{
    return hash_bytes(&t->key, key, strlen(key));
}

void *table_find(const struct table *t, const char *key)
{
    return probe(t, key, hash_of(t, key))->value;
}

static void grow(struct table *t)
{
    struct slot *old = t->slots;
    size_t old_size = t->size;
    t->size *= 2;
    t->slots = xcalloc(t->size, sizeof *t->slots);
    for (size_t i = 0; i < old_size; i++)
        if (old[i].key)
            *probe(t, old[i].key, old[i].hash) = old[i];
    free(old);
}

void *table_put(struct table *t, const char *key, void *value)
{
    if (t->count * 4 >= t->size * 3)
        grow(t);
    uint64_t hash = hash_of(t, key);
    struct slot *s = probe(t, key, hash);
    void *old = s->value;
    if (!s->key) {
        s->key = xstrdup(key);
        s->hash = hash;
        t->count++;
    }
    s->value = value;
    return old;
}

void *table_remove(struct table *t, const char *key)
{
    struct slot *s = probe(t, key, hash_of(t, key));
    void *old = s->value;
    if (!s->key)
        return NULL;
    free(s->key);
    t->count--;
    size_t mask = t->size - 1, hole = (size_t)(s - t->slots);
    for (size_t i = (hole + 1) & mask; t->slots[i].key; i = (i + 1) & mask) {
        size_t home = t->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        t->slots[hole] = t->slots[i];
        hole = i;
    }
    t->slots[hole] = (struct slot){ NULL, 0, NULL };
    return old;
}

size_t table_count(const struct table *t)
{
    return t->count;
}

void *table_next(const struct table *t, size_t *at)
{
    while (*at < t->size) {
        const struct slot *s = &t->slots[(*at)++];
        if (s->key)
            return s->value;
    }
    return NULL;
}
