/* SPDX-License-Identifier: Apache-2.0 */
/* An open-addressing table of names. */
#include "config.h"
#include "signatures/names.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/xalloc.h"

#define FIRST_SLOTS 64u

struct names {
    struct arena *arena;
    const char **list;
    uint64_t *hashes;
    uint32_t count, cap;
    uint32_t *slots; /* id + 1 */
    uint32_t mask;
};

/* FNV-1a: a rule file can slow its own loading, no more; its size is limited. */
static uint64_t hash(struct text t)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < t.len; i++)
        h = (h ^ (uint8_t)t.at[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

struct names *names_create(struct arena *arena)
{
    struct names *n = xcalloc(1, sizeof(*n));
    n->arena = arena;
    n->slots = xcalloc(FIRST_SLOTS, sizeof(*n->slots));
    n->mask = FIRST_SLOTS - 1;
    return n;
}

static void put(struct names *n, uint64_t h, uint32_t id)
{
    uint32_t i = (uint32_t)h & n->mask;
    while (n->slots[i])
        i = (i + 1) & n->mask;
    n->slots[i] = id + 1;
}

static void grow(struct names *n)
{
    uint32_t slots = (n->mask + 1) * 2;
    free(n->slots);
    n->slots = xcalloc(slots, sizeof(*n->slots));
    n->mask = slots - 1;
    for (uint32_t id = 0; id < n->count; id++)
        put(n, n->hashes[id], id);
}

static uint32_t find(const struct names *n, struct text name, uint64_t h)
{
    for (uint32_t i = (uint32_t)h & n->mask; n->slots[i]; i = (i + 1) & n->mask) {
        uint32_t id = n->slots[i] - 1;
        if (n->hashes[id] == h && text_is(name, n->list[id]))
            return id;
    }
    return UINT32_MAX;
}

uint32_t names_find(const struct names *n, struct text name)
{
    return find(n, name, hash(name));
}

uint32_t names_id(struct names *n, struct text name)
{
    uint64_t h = hash(name);
    uint32_t id = find(n, name, h);
    if (id != UINT32_MAX)
        return id;
    if (n->count == n->cap) {
        n->cap = n->cap ? n->cap * 2 : FIRST_SLOTS;
        n->list = xreallocarray(n->list, n->cap, sizeof(*n->list));
        n->hashes = xreallocarray(n->hashes, n->cap, sizeof(*n->hashes));
    }
    id = n->count++;
    n->list[id] = arena_strndup(n->arena, name.at, name.len);
    n->hashes[id] = h;
    if (n->count * 2 > n->mask)
        grow(n);
    else
        put(n, h, id);
    return id;
}

const char *const *names_list(const struct names *n, uint32_t *count)
{
    *count = n->count;
    return n->list;
}

void names_free(struct names *n)
{
    if (!n)
        return;
    free(n->list);
    free(n->hashes);
    free(n->slots);
    free(n);
}
