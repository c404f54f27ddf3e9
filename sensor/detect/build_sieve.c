/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns into sieves: which bytes of each stand for it, filter and table. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "sensor/detect/builder.h"
#include "sensor/detect/rarity.h"
#include "sensor/detect/sieve.h"

/* Bytes of a pattern. */
static const uint8_t *pattern_bytes(const struct build_engine *e, uint32_t pattern, uint32_t *len)
{
    *len = e->patterns.entries[pattern].len - 1;
    return e->pattern_bytes.data + e->patterns.entries[pattern].at + 1;
}

static uint32_t gram_value(uint64_t v)
{
    uint32_t gram;
    memcpy(&gram, &v, sizeof(gram));
    return gram;
}

/* ---- choosing bytes -------------------------------------------------------------------------- */

/* First of `run` neighbouring grams whose commonest one is rarest. One by itself leaves a byte
 * behind it, which lanes look at too. */
static uint32_t rarest(const struct rarity *r, const uint8_t *bytes, uint32_t len, unsigned run)
{
    if (run == 1 && len > SIEVE_GRAM)
        len--;
    uint32_t best = 0;
    unsigned most = 0;
    unsigned weights[STRIDE] = { 0 };
    for (uint32_t i = 0; i + SIEVE_GRAM <= len; i++) {
        weights[i % run] = rarity_of(r, bytes + i);
        unsigned least = UINT32_MAX;
        for (unsigned k = 0; k < run; k++)
            least = weights[k] < least ? weights[k] : least;
        if (least > most) {
            most = least;
            best = i + 1 - run;
        }
    }
    return best;
}

/* ---- grams ----------------------------------------------------------------------------------- */

/* Keys are what filters have: grams, runs, or grams with their places. */
static void key_add(struct buf *keys, uint32_t key)
{
    buf_add(keys, &key, sizeof(key));
}

/* A pattern without a gram: all of it, as if it were at fixed places. */
static void short_add(struct buf *grams, const uint8_t *bytes, uint32_t len, struct image_gram g)
{
    g.mask = sieve_mask(len);
    g.width = (uint16_t)len;
    g.want = sieve_load(bytes, len, 0) & g.mask;
    g.gram = gram_value(g.want);
    buf_add(grams, &g, sizeof(g));
}

/* What is at `at` of the pattern, `gram`, with up to eight bytes around it. */
static void around_add(struct buf *grams, const uint8_t *bytes, uint32_t len, uint32_t at,
                       uint32_t gram, struct image_gram g)
{
    uint32_t from = len < SIEVE_WIDTH ? 0 : at < len - SIEVE_WIDTH ? at : len - SIEVE_WIDTH;
    g.back = (uint16_t)at;
    g.at = (int8_t)((int32_t)from - (int32_t)at);
    g.mask = sieve_mask(len - from);
    g.width = SIEVE_GRAM;
    g.want = sieve_load(bytes, len, from) & g.mask;
    g.gram = gram;
    buf_add(grams, &g, sizeof(g));
}

/* The rarest gram of the pattern. */
static void gram_add(struct buf *grams, const struct rarity *r, const uint8_t *bytes, uint32_t len,
                     struct image_gram g)
{
    uint32_t at = rarest(r, bytes, len, 1);
    around_add(grams, bytes, len, at, gram_value(sieve_load(bytes, len, at)), g);
}

/* The run of the pattern whose grams are rarest, and those. */
static void run_add(struct buf *runs, struct buf *keys, const struct rarity *r,
                    const uint8_t *bytes, uint32_t len, struct image_gram g)
{
    uint32_t at = rarest(r, bytes, len, STRIDE);
    around_add(runs, bytes, len, at, sieve_run(sieve_load(bytes, len, at)), g);
    for (unsigned k = 0; k < STRIDE; k++)
        key_add(keys, gram_value(sieve_load(bytes, len, at + k)));
}

static void places_add(struct buf *grams, const uint8_t *bytes, uint32_t len,
                       const struct build_window *w, struct image_gram g)
{
    g.mask = sieve_mask(len);
    g.width = (uint16_t)(len < SIEVE_GRAM ? len : SIEVE_GRAM);
    for (uint32_t at = w->from; at + len <= w->to; at++) {
        g.place = (uint16_t)at;
        g.want = sieve_load(bytes, len, 0) & g.mask;
        g.gram = gram_value(g.want & sieve_mask(g.width));
        buf_add(grams, &g, sizeof(g));
    }
}

/* ---- into the image -------------------------------------------------------------------------- */

static uint32_t power_above(uint32_t n)
{
    uint32_t power = 1;
    while (power < n)
        power *= 2;
    return power;
}

static uint32_t gram_key(const struct image_gram *g, bool placed)
{
    return placed ? sieve_placed(g->gram, g->place, g->width) : g->gram;
}

/* A filter of keys: a few bits in a hundred are set. */
static struct image_span filter_emit(struct builder *b, const struct buf *keys)
{
    const uint32_t *all = (const uint32_t *)keys->data;
    uint32_t count = (uint32_t)(keys->len / sizeof(*all)), words = 2 * power_above(count);
    unsigned shift = stride_shift(words);
    uint32_t *bits = xcalloc(words, sizeof(*bits));
    for (uint32_t i = 0; i < count; i++)
        bits[stride_word(all[i], shift)] |= stride_bits(all[i], shift);
    struct image_span span = { builder_put(b, IMAGE_SIEVE_BITS, bits, words), words };
    free(bits);
    return span;
}

/* One of `count` grams. */
static struct image_span bits_emit(struct builder *b, const struct image_gram *grams,
                                   uint32_t count, bool placed)
{
    struct buf keys;
    buf_init(&keys, IMAGE_SIZE_MAX);
    for (uint32_t i = 0; i < count; i++)
        key_add(&keys, gram_key(&grams[i], placed));
    struct image_span span = filter_emit(b, &keys);
    buf_free(&keys);
    return span;
}

static struct image_gram_slot slot_of(const struct image_gram *g, uint32_t number, bool placed)
{
    struct image_gram_slot slot = { .want = g->want, .gram = number + 1 };
    slot.tag = placed ? sieve_tag_placed(g->place, g->width) : sieve_tag(g->gram);
    slot.back = (uint8_t)-g->at;
    while (slot.width < SIEVE_WIDTH && sieve_mask(slot.width) != g->mask)
        slot.width++;
    return slot;
}

static struct image_span slots_emit(struct builder *b, const struct image_gram *grams,
                                    uint32_t count, bool placed)
{
    uint32_t slot_count = power_above(count * 2 + 1);
    struct image_gram_slot *slots = xcalloc(slot_count, sizeof(*slots));
    uint32_t first = builder_put(b, IMAGE_GRAMS, grams, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = sieve_slot(gram_key(&grams[i], placed), slot_count - 1);
        while (slots[slot].gram)
            slot = (slot + 1) & (slot_count - 1);
        slots[slot] = slot_of(&grams[i], first + i, placed);
    }
    struct image_span span = { builder_put(b, IMAGE_GRAM_SLOTS, slots, slot_count), slot_count };
    free(slots);
    return span;
}

/* ---- places --------------------------------------------------------------------------------- */

static int place_order(const void *left, const void *right)
{
    const struct image_gram *a = left, *b = right;
    return a->place - b->place;
}

static int need_order(const void *left, const void *right)
{
    const struct image_place *a = left, *b = right;
    int ends = (int)sieve_need(a) - (int)sieve_need(b);
    return ends ? ends : a->at - b->at;
}

/* One more gram stands at the place. */
static void place_take(struct image_place *p, const struct image_gram *g)
{
    unsigned one = sieve_one(g->want);
    p->mask &= gram_value(sieve_mask(g->width)) & ~(p->want ^ g->gram);
    p->want &= p->mask;
    p->widths |= (uint8_t)(1u << g->width);
    (g->width == 1 ? p->ones : p->firsts)[one / 64] |= 1ull << one % 64;
    if (g->width > 1)
        p->pairs |= 1ull << sieve_pair(g->want);
}

/* The place of `count` grams. */
static struct image_place place_of(struct builder *b, const struct image_gram *grams,
                                   uint32_t count)
{
    struct image_place p = { .want = grams->gram,
                             .mask = UINT32_MAX,
                             .bits = bits_emit(b, grams, count, true),
                             .at = (uint8_t)grams->place };
    for (uint32_t i = 0; i < count; i++)
        place_take(&p, &grams[i]);
    return p;
}

/* The places of the grams, each once with a filter of its own, those that need least of the buffer
 * first. Sorts the grams. */
static struct image_span places_emit(struct builder *b, struct image_gram *grams, uint32_t count)
{
    struct image_place places[SIEVE_HEAD];
    uint32_t place_count = 0;
    qsort(grams, count, sizeof(*grams), place_order);
    for (uint32_t i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && place_order(&grams[i], &grams[i + n]) == 0;)
            n++;
        places[place_count++] = place_of(b, grams + i, n);
    }
    qsort(places, place_count, sizeof(places[0]), need_order);
    return (struct image_span){ builder_put(b, IMAGE_PLACES, places, place_count), place_count };
}

/* Grams of an engine's patterns, by way; with the step of four the runs of the many, and the keys
 * of their grams. */
struct sorted {
    struct buf few, shorts, many, many_keys, head;
};

static void pattern_sort(struct builder *b, const struct build_engine *e, uint32_t pattern,
                         struct sorted *out)
{
    const struct build_window *w = (const struct build_window *)e->windows.data + pattern;
    uint32_t len;
    const uint8_t *bytes = pattern_bytes(e, pattern, &len);
    struct image_gram g = { .pattern = pattern,
                            .nocase = bytes[-1],
                            .bytes = { builder_put(b, IMAGE_BLOB, bytes, len), len } };
    switch (builder_way(e, pattern)) {
    case BUILD_WAY_HEAD:
        places_add(&out->head, bytes, len, w, g);
        break;
    case BUILD_WAY_FEW:
        gram_add(&out->few, b->rarity, bytes, len, g);
        break;
    case BUILD_WAY_LISTED:
        short_add(&out->shorts, bytes, len, g);
        break;
    case BUILD_WAY_MANY:
        if (e->step == IMAGE_STEP_FOUR)
            run_add(&out->many, &out->many_keys, b->rarity, bytes, len, g);
        else
            gram_add(&out->many, b->rarity, bytes, len, g);
        break;
    case BUILD_WAY_SCANNED:
        break;
    }
}

static uint32_t gram_count(const struct buf *grams)
{
    return (uint32_t)(grams->len / sizeof(struct image_gram));
}

/* `keys`: what the first filter is of when grams are runs, which have the second; else empty. */
static void sieve_emit(struct builder *b, const struct buf *grams, struct buf *keys,
                       struct image_sieve *out)
{
    const struct image_gram *all = (const struct image_gram *)grams->data;
    if (gram_count(grams) == 0)
        return;
    struct image_span *filter = keys->len ? &out->runs : &out->bits;
    *filter = bits_emit(b, all, gram_count(grams), false);
    out->slots = slots_emit(b, all, gram_count(grams), false);
    if (keys->len)
        out->bits = filter_emit(b, keys);
}

static void sorted_emit(struct builder *b, struct sorted *s, struct image_engine *out)
{
    const struct image_gram *few = (const struct image_gram *)s->few.data;
    const struct image_gram *shorts = (const struct image_gram *)s->shorts.data;
    struct image_gram *head = (struct image_gram *)s->head.data;
    struct buf none = { 0 };
    if (gram_count(&s->few) + gram_count(&s->shorts))
        out->lanes = builder_lanes(b, few, gram_count(&s->few), shorts, gram_count(&s->shorts));
    sieve_emit(b, &s->few, &none, &out->few);
    sieve_emit(b, &s->many, &s->many_keys, &out->many);
    out->short_count = gram_count(&s->shorts);
    out->shorts = builder_put(b, IMAGE_GRAMS, shorts, out->short_count);
    for (uint32_t i = 0; i < out->short_count; i++)
        out->short_pairs |= 1ull << sieve_pair(shorts[i].want);
    if (gram_count(&s->head)) {
        out->places = places_emit(b, head, gram_count(&s->head));
        out->head = slots_emit(b, head, gram_count(&s->head), true);
    }
}

void builder_sieves(struct builder *b, const struct build_engine *e, struct image_engine *out)
{
    struct sorted s;
    struct buf *all[] = { &s.few, &s.shorts, &s.many, &s.many_keys, &s.head };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        buf_init(all[i], IMAGE_SIZE_MAX);
    for (uint32_t i = 0; i < e->patterns.count; i++)
        pattern_sort(b, e, i, &s);
    sorted_emit(b, &s, out);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        buf_free(all[i]);
}
