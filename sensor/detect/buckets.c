/* SPDX-License-Identifier: Apache-2.0 */
/* Each item goes where it costs least; then again, with all others in place, until none moves. */
#include "config.h"
#include "sensor/detect/buckets.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/xalloc.h"

/* Costs fall with each move; most have settled after this many looks at all items. */
#define ROUNDS_MAX 8

/* Buckets are weighed so many at a time, as vectors are; rows may be longer than what is used. */
#define BLOCK 8u

/* All rows are of one value for each bucket. What would become of all of them with an item in each
 * is asked for each move: it takes a row for each of the item's values, and no branch. */
struct spread {
    const struct buckets_model *m;
    unsigned buckets, row; /* how long a row is: whole blocks */
    float *cost;           /* the share of places that each lets through */
    float *share;          /* of each key: the share of values that it lets through */
    float *more;           /* of each key: 0 when all values will do already, else 1 */
    float *gain;           /* of each key's values: what each would add to that; none if it is in */
    uint32_t *weight;      /* of each key: of the values that are in */
    uint16_t *any;         /* of each key: items that all values will do for */
    uint16_t *times;       /* of each key's values: items that have it */
};

static size_t key_row(const struct spread *s, unsigned key)
{
    return (size_t)key * s->row;
}

static size_t value_row(const struct spread *s, unsigned key, unsigned value)
{
    return ((size_t)key * s->m->values + value) * s->row;
}

static float share_of(uint32_t weight)
{
    return (float)weight / (float)BUCKETS_WHOLE;
}

/* Nothing is in any bucket: their keys let nothing through, and each value would add its weight. */
static void spread_init(struct spread *s, const struct buckets_model *m, unsigned buckets)
{
    size_t row = (buckets + BLOCK - 1) / BLOCK * BLOCK, keys = row * m->keys;
    size_t values = keys * m->values;
    *s = (struct spread){ .m = m, .buckets = buckets, .row = (unsigned)row };
    s->cost = xcalloc(row, sizeof(*s->cost));
    s->share = xcalloc(keys, sizeof(*s->share));
    s->more = xcalloc(keys, sizeof(*s->more));
    s->gain = xcalloc(values, sizeof(*s->gain));
    s->weight = xcalloc(keys, sizeof(*s->weight));
    s->any = xcalloc(keys, sizeof(*s->any));
    s->times = xcalloc(values, sizeof(*s->times));
    for (size_t at = 0; at < keys; at++)
        s->more[at] = 1;
    for (unsigned key = 0; key < m->keys; key++) {
        for (unsigned value = 0; value < m->values; value++) {
            for (unsigned b = 0; b < row; b++)
                s->gain[value_row(s, key, value) + b] = share_of(m->weights[key][value]);
        }
    }
}

static void spread_fini(struct spread *s)
{
    free(s->times);
    free(s->any);
    free(s->weight);
    free(s->gain);
    free(s->more);
    free(s->share);
    free(s->cost);
}

/* Of one key in one bucket, as it has become. */
static void share_set(struct spread *s, unsigned key, unsigned b)
{
    size_t at = key_row(s, key) + b;
    s->share[at] = s->any[at] ? 1 : share_of(s->weight[at]);
    s->more[at] = s->any[at] ? 0 : 1;
}

/* `by` items more of the value in a bucket: one, or one less. */
static void value_add(struct spread *s, unsigned key, uint8_t value, unsigned b, int by)
{
    const uint32_t weight = s->m->weights[key][value];
    size_t at = value_row(s, key, value) + b, of_key = key_row(s, key) + b;
    bool was = s->times[at] > 0;
    s->times[at] = (uint16_t)(s->times[at] + by);
    bool is = s->times[at] > 0;
    if (was == is)
        return;
    s->weight[of_key] += is ? weight : -weight;
    s->gain[at] = is ? 0 : share_of(weight);
}

static void item_add(struct spread *s, const struct buckets_item *item, unsigned b, int by)
{
    float cost = 1;
    for (unsigned key = 0; key < s->m->keys; key++) {
        size_t at = key_row(s, key) + b;
        if (item->value[key] == BUCKETS_ANY)
            s->any[at] = (uint16_t)(s->any[at] + by);
        else
            value_add(s, key, item->value[key], b, by);
        share_set(s, key, b);
        cost *= s->share[at];
    }
    s->cost[b] = cost;
}

struct block {
    float of[BLOCK];
};

/* What each of a block's buckets would let through with the item in it. */
static inline struct block block_weigh(const struct spread *s, const struct buckets_item *item,
                                       unsigned from)
{
    struct block cost = { { 1, 1, 1, 1, 1, 1, 1, 1 } };
    for (unsigned key = 0; key < s->m->keys; key++) {
        if (item->value[key] == BUCKETS_ANY)
            continue;
        const float *share = s->share + key_row(s, key) + from;
        const float *more = s->more + key_row(s, key) + from;
        const float *gain = s->gain + value_row(s, key, item->value[key]) + from;
        for (unsigned i = 0; i < BLOCK; i++)
            cost.of[i] *= share[i] + more[i] * gain[i];
    }
    return cost;
}

/* Where the item adds least. */
static uint8_t cheapest(const struct spread *s, const struct buckets_item *item)
{
    float least = 2;
    unsigned best = 0;
    for (unsigned from = 0; from < s->buckets; from += BLOCK) {
        struct block cost = block_weigh(s, item, from);
        for (unsigned i = 0; i < BLOCK && from + i < s->buckets; i++) {
            float more = cost.of[i] - s->cost[from + i];
            if (more >= least)
                continue;
            least = more;
            best = from + i;
        }
    }
    return (uint8_t)best;
}

static bool move_all(struct spread *s, const struct buckets_item *items, uint32_t count,
                     uint8_t *out)
{
    bool moved = false;
    for (uint32_t i = 0; i < count; i++) {
        item_add(s, &items[i], out[i], -1);
        uint8_t to = cheapest(s, &items[i]);
        moved |= to != out[i];
        out[i] = to;
        item_add(s, &items[i], to, 1);
    }
    return moved;
}

/* Its cost as a double: shares are exact (they are weights by a power of two). */
static double passes(const struct spread *s, unsigned b)
{
    double share = 1;
    for (unsigned key = 0; key < s->m->keys; key++)
        share *= s->share[key_row(s, key) + b];
    return share;
}

double buckets_spread(const struct buckets_model *m, const struct buckets_item *items,
                      uint32_t count, unsigned buckets, uint8_t *out)
{
    struct spread s;
    double share = 0;
    spread_init(&s, m, buckets);
    for (uint32_t i = 0; i < count; i++) {
        out[i] = cheapest(&s, &items[i]);
        item_add(&s, &items[i], out[i], 1);
    }
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        if (!move_all(&s, items, count, out))
            break;
    }
    for (unsigned b = 0; b < buckets; b++)
        share += passes(&s, b);
    spread_fini(&s);
    return share;
}
