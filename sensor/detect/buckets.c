/* SPDX-License-Identifier: Apache-2.0 */
/* Each item goes where it costs least; then again, with all others in place, until none moves. */
#include "config.h"
#include "sensor/detect/buckets.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/* Costs fall with each move; most have settled after this many looks at all items. */
#define ROUNDS_MAX 8

/* Of one key in one bucket: which values there are, how often, and what they weigh. */
struct key_values {
    uint32_t weight, any;
    uint16_t times[BUCKETS_VALUES_MAX];
};

struct bucket {
    double cost; /* the share of places that it lets through */
    struct key_values keys[BUCKETS_KEYS_MAX];
};

static uint32_t weight_of(const struct key_values *k)
{
    return k->any ? BUCKETS_WHOLE : k->weight;
}

/* What its keys have become. */
static void cost_set(const struct buckets_model *m, struct bucket *b)
{
    b->cost = 1;
    for (unsigned k = 0; k < m->keys; k++)
        b->cost *= (double)weight_of(&b->keys[k]) / BUCKETS_WHOLE;
}

/* What it would let through with the item in it. */
static double cost_with(const struct buckets_model *m, const struct bucket *b,
                        const struct buckets_item *item)
{
    double share = 1;
    for (unsigned k = 0; k < m->keys; k++) {
        uint8_t value = item->value[k];
        uint32_t weight = weight_of(&b->keys[k]);
        if (value == BUCKETS_ANY)
            weight = BUCKETS_WHOLE;
        else if (!b->keys[k].any && !b->keys[k].times[value])
            weight += m->weights[k][value];
        share *= (double)weight / BUCKETS_WHOLE;
    }
    return share;
}

static void put(const struct buckets_model *m, struct bucket *b, const struct buckets_item *item)
{
    for (unsigned k = 0; k < m->keys; k++) {
        uint8_t value = item->value[k];
        if (value == BUCKETS_ANY)
            b->keys[k].any++;
        else if (b->keys[k].times[value]++ == 0)
            b->keys[k].weight += m->weights[k][value];
    }
    cost_set(m, b);
}

static void take(const struct buckets_model *m, struct bucket *b, const struct buckets_item *item)
{
    for (unsigned k = 0; k < m->keys; k++) {
        uint8_t value = item->value[k];
        if (value == BUCKETS_ANY)
            b->keys[k].any--;
        else if (--b->keys[k].times[value] == 0)
            b->keys[k].weight -= m->weights[k][value];
    }
    cost_set(m, b);
}

/* Where the item costs least. */
static uint8_t cheapest(const struct buckets_model *m, const struct bucket *all, unsigned buckets,
                        const struct buckets_item *item)
{
    double least = 2;
    uint8_t best = 0;
    for (unsigned i = 0; i < buckets; i++) {
        double more = cost_with(m, &all[i], item) - all[i].cost;
        if (more >= least)
            continue;
        least = more;
        best = (uint8_t)i;
    }
    return best;
}

static bool move_all(const struct buckets_model *m, const struct buckets_item *items,
                     uint32_t count, struct bucket *all, unsigned buckets, uint8_t *out)
{
    bool moved = false;
    for (uint32_t i = 0; i < count; i++) {
        take(m, &all[out[i]], &items[i]);
        uint8_t to = cheapest(m, all, buckets, &items[i]);
        moved |= to != out[i];
        out[i] = to;
        put(m, &all[to], &items[i]);
    }
    return moved;
}

double buckets_spread(const struct buckets_model *m, const struct buckets_item *items,
                      uint32_t count, unsigned buckets, uint8_t *out)
{
    struct bucket *all = xcalloc(buckets, sizeof(*all));
    double share = 0;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = cheapest(m, all, buckets, &items[i]);
        put(m, &all[out[i]], &items[i]);
    }
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        if (!move_all(m, items, count, all, buckets, out))
            break;
    }
    for (unsigned i = 0; i < buckets; i++)
        share += all[i].cost;
    free(all);
    return share;
}
