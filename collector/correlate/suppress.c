/* SPDX-License-Identifier: Apache-2.0 */
/* A short array, looked through for each alert. */
#include "config.h"
#include "collector/correlate/suppress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"

/** Other keys begin with a class of the taxonomy, so no name that an attacker chose makes one. */
#define KEY_MARK "held:"

struct suppressions {
    struct suppression items[SUPPRESSIONS_MAX];
    size_t count;
};

struct suppressions *suppressions_create(void)
{
    return xcalloc(1, sizeof(struct suppressions));
}

void suppressions_free(struct suppressions *set)
{
    free(set);
}

static struct suppression *by_number(struct suppressions *set, uint64_t number)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].number == number)
            return &set->items[i];
    return NULL;
}

void suppressions_put(struct suppressions *set, const struct suppression *s)
{
    struct suppression *old = by_number(set, s->number);
    if (!old && set->count == SUPPRESSIONS_MAX) {
        log_warn("correlate", "suppression %llu is left out: there are %d already",
                 (unsigned long long)s->number, SUPPRESSIONS_MAX);
        return;
    }
    uint64_t hits = old ? old->hits : 0, last_ms = old ? old->last_ms : 0;
    bool dirty = old && old->dirty;
    old = old ? old : &set->items[set->count++];
    *old = *s;
    old->hits = hits;
    old->last_ms = last_ms;
    old->dirty = dirty;
}

void suppressions_remove(struct suppressions *set, uint64_t number)
{
    struct suppression *old = by_number(set, number);
    if (!old)
        return;
    size_t at = (size_t)(old - set->items);
    set->count--;
    memmove(old, old + 1, (set->count - at) * sizeof *old);
}

void suppressions_restore(struct suppressions *set, uint64_t number, uint64_t hits,
                          uint64_t last_ms)
{
    struct suppression *s = by_number(set, number);
    if (!s)
        return;
    s->hits = hits;
    s->last_ms = last_ms;
}

static bool holds(const struct suppression *s, uint32_t sid, const struct addr *victim,
                  const struct addr *peer, uint64_t received_ms)
{
    return received_ms >= s->from_ms && received_ms < s->until_ms && (!s->sid || s->sid == sid) &&
           (!s->has_victim || addr_in_prefix(victim, &s->victim, s->victim_bits)) &&
           (!s->has_peer || addr_in_prefix(peer, &s->peer, s->peer_bits));
}

struct suppression *suppressions_find(struct suppressions *set, uint32_t sid,
                                      const struct addr *victim, const struct addr *peer,
                                      uint64_t received_ms)
{
    for (size_t i = 0; i < set->count; i++)
        if (holds(&set->items[i], sid, victim, peer, received_ms))
            return &set->items[i];
    return NULL;
}

const struct suppression *suppressions_next_dirty(const struct suppressions *set, size_t *at)
{
    while (*at < set->count && !set->items[*at].dirty)
        ++*at;
    return *at < set->count ? &set->items[(*at)++] : NULL;
}

void suppressions_committed(struct suppressions *set)
{
    for (size_t i = 0; i < set->count; i++)
        set->items[i].dirty = false;
}

void suppress_key(const char *key, uint64_t number, char out[SUPPRESS_KEY_MAX])
{
    snprintf(out, SUPPRESS_KEY_MAX, KEY_MARK "%llu|%s", (unsigned long long)number, key);
}

uint64_t suppress_of_key(const char *key)
{
    size_t n = strlen(KEY_MARK);
    return strncmp(key, KEY_MARK, n) ? 0 : strtoull(key + n, NULL, 10);
}
