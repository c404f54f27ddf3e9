/* SPDX-License-Identifier: Apache-2.0 */
/* Grams and short patterns into lanes: their pairs' indexes, and which of them share a bucket. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "sensor/detect/buckets.h"
#include "sensor/detect/builder.h"
#include "sensor/detect/rarity.h"
#include "sensor/detect/sieve.h"

/* A place that passes costs as much as looking at so many in one plane more: of halves, of whole
 * indexes, of which 64 are looked up at once. */
#define PASS_COST       64.0
#define PASS_COST_WHOLE 320.0

/* A gram or short pattern: the indexes and mixes of its pairs. */
struct laned {
    uint8_t index[LANES_PAIRS], mix[LANES_PAIRS];
    uint8_t pairs; /* those that lie within the pattern */
};

/* ---- what traffic's pairs are like ----------------------------------------------------------- */

struct build_lanes {
    struct buckets_model whole, halves;
};

static void model_add(struct buckets_model *m, unsigned key, uint8_t value, double share)
{
    m->weights[key][value] += (uint32_t)(share * BUCKETS_WHOLE);
}

/* All pairs of a place are alike. */
struct build_lanes *build_lanes_create(const struct rarity *r)
{
    struct build_lanes *l = xcalloc(1, sizeof(*l));
    double indexes[LANES_INDEXES] = { 0 }, mixes[LANES_MIXES] = { 0 };
    for (unsigned i = 0; i < 256 * 256; i++) {
        uint8_t a = (uint8_t)(i / 256), b = (uint8_t)i;
        if (!(a & b & LANES_FOLD))
            continue;
        indexes[lanes_index(a, b)] += rarity_share(r, a, b);
        mixes[lanes_mix(a, b)] += rarity_share(r, a, b);
    }
    l->whole.keys = LANES_PAIRS;
    l->whole.values = LANES_INDEXES;
    l->halves.keys = 2 * LANES_PAIRS;
    l->halves.values = LANES_HALF;
    for (unsigned pair = 0; pair < LANES_PAIRS; pair++) {
        for (unsigned index = 0; index < LANES_INDEXES; index++)
            model_add(&l->whole, pair, (uint8_t)index, indexes[index]);
        for (unsigned mix = 0; mix < LANES_MIXES; mix++) {
            model_add(&l->halves, 2 * pair, lanes_upper((uint8_t)mix), mixes[mix]);
            model_add(&l->halves, 2 * pair + 1, lanes_lower((uint8_t)mix), mixes[mix]);
        }
    }
    return l;
}

void build_lanes_free(struct build_lanes *l)
{
    free(l);
}

/* ---- indexes --------------------------------------------------------------------------------- */

static struct laned laned_of(const struct builder *b, const struct image_gram *g)
{
    const uint8_t *bytes = b->sections[IMAGE_BLOB].data + g->bytes.first + g->back;
    uint32_t len = g->bytes.count - g->back;
    struct laned l = { .pairs = (uint8_t)(len > LANES_PAIRS ? LANES_PAIRS : len - 1) };
    for (unsigned i = 0; i < l.pairs; i++) {
        l.index[i] = lanes_index(bytes[i], bytes[i + 1]);
        l.mix[i] = lanes_mix(bytes[i], bytes[i + 1]);
    }
    return l;
}

/* Those that say least stand first (buckets_spread); a start that is alike stands together. */
static int laned_order(const void *left, const void *right)
{
    const struct laned *a = left, *b = right;
    if (a->pairs != b->pairs)
        return a->pairs < b->pairs ? -1 : 1;
    int order = memcmp(a->index, b->index, sizeof(a->index));
    return order ? order : memcmp(a->mix, b->mix, sizeof(a->mix));
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Of a pair that lies behind the pattern's end every value will do. */
static void table_put(uint8_t *table, uint32_t size, uint8_t value, uint8_t bit)
{
    if (value != BUCKETS_ANY)
        table[value] |= bit;
    for (uint32_t i = 0; value == BUCKETS_ANY && i < size; i++)
        table[i] |= bit;
}

static void whole_emit(const struct build_lanes *l, const struct laned *all, uint32_t count,
                       struct buckets_item *items, uint8_t *bucket, struct image_lanes *out)
{
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned pair = 0; pair < LANES_PAIRS; pair++)
            items[i].value[pair] = pair < all[i].pairs ? all[i].index[pair] : BUCKETS_ANY;
    }
    out->planes = 1;
    if (buckets_spread(&l->whole, items, count, 8, bucket) * PASS_COST_WHOLE > 1) {
        out->planes = LANES_PLANES;
        buckets_spread(&l->whole, items, count, LANES_BUCKETS, bucket);
    }
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned pair = 0; pair < LANES_PAIRS; pair++)
            table_put(out->tables[pair][bucket[i] / 8], LANES_INDEXES, items[i].value[pair],
                      (uint8_t)(1u << bucket[i] % 8));
    }
}

/* How many planes are worth their time; the buckets in them. */
static uint32_t planes_choose(const struct build_lanes *l, const struct buckets_item *items,
                              uint32_t count, uint8_t *bucket)
{
    uint32_t planes = 1;
    double pass = buckets_spread(&l->halves, items, count, 8, bucket);
    while (planes < LANES_HALF_PLANES_MAX && pass * PASS_COST > planes) {
        planes *= 2;
        pass = buckets_spread(&l->halves, items, count, planes * 8, bucket);
    }
    return planes;
}

static void halves_emit(const struct build_lanes *l, const struct laned *all, uint32_t count,
                        struct buckets_item *items, uint8_t *bucket, struct image_lanes *out)
{
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned pair = 0; pair < LANES_PAIRS; pair++) {
            bool within = pair < all[i].pairs;
            uint8_t mix = all[i].mix[pair];
            items[i].value[2 * pair] = within ? lanes_upper(mix) : BUCKETS_ANY;
            items[i].value[2 * pair + 1] = within ? lanes_lower(mix) : BUCKETS_ANY;
        }
    }
    out->half_planes = planes_choose(l, items, count, bucket);
    for (uint32_t i = 0; i < count; i++) {
        unsigned plane = bucket[i] / 8;
        uint8_t bit = (uint8_t)(1u << bucket[i] % 8);
        for (unsigned pair = 0; pair < LANES_PAIRS; pair++) {
            table_put(out->upper[plane][pair], LANES_HALF, items[i].value[2 * pair], bit);
            table_put(out->lower[plane][pair], LANES_HALF, items[i].value[2 * pair + 1], bit);
        }
    }
}

/* Two bytes are looked for as they are, as long as there is room. Whether it was one of them. */
static bool two_emit(const struct builder *b, const struct image_gram *g, struct image_lanes *out)
{
    const uint8_t *bytes = b->sections[IMAGE_BLOB].data + g->bytes.first;
    if (g->bytes.count != 2 || out->two_count == LANES_TWOS)
        return false;
    for (unsigned i = 0; i < 2; i++)
        out->twos[out->two_count][i] = bytes[i] | LANES_FOLD;
    out->two_count++;
    return true;
}

uint32_t builder_lanes(struct builder *b, const struct image_gram *grams, uint32_t count,
                       const struct image_gram *shorts, uint32_t short_count)
{
    struct image_lanes l;
    uint32_t all_count = 0;
    struct laned *all = xcalloc(count + short_count, sizeof(*all));
    struct buckets_item *items = xcalloc(count + short_count, sizeof(*items));
    uint8_t *bucket = xcalloc(count + short_count, sizeof(*bucket));
    memset(&l, 0, sizeof(l)); /* padding too */
    for (uint32_t i = 0; i < count; i++)
        all[all_count++] = laned_of(b, &grams[i]);
    for (uint32_t i = 0; i < short_count; i++) {
        if (!two_emit(b, &shorts[i], &l))
            all[all_count++] = laned_of(b, &shorts[i]);
    }
    qsort(all, all_count, sizeof(*all), laned_order);
    whole_emit(b->lanes, all, all_count, items, bucket, &l);
    halves_emit(b->lanes, all, all_count, items, bucket, &l);
    free(bucket);
    free(items);
    free(all);
    return builder_put(b, IMAGE_LANES, &l, 1);
}
