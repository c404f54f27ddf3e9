/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a buffer through a sieve. */
#include "config.h"

#include "sensor/detect/scan.h"
#include "sensor/detect/search.h"
#include "sensor/detect/sieve.h"
#include "sensor/detect/state.h"
#include "sensor/detect/window.h"

/* What is looked through for patterns that may stand anywhere. */
struct look {
    struct detect_thread *t;
    const struct image_engine *e;
    const struct app_view *view;
    struct window *window; /* or NULL */
};

/* A value's bytes as they stand in memory, from byte `n` on. */
static uint32_t gram_of(uint64_t v, unsigned n)
{
    uint32_t gram;
    memcpy(&gram, (const uint8_t *)&v + n, sizeof(gram));
    return gram;
}

static inline struct stride_filter filter_of(const struct detect_ruleset *set,
                                             struct image_span bits)
{
    return (struct stride_filter){ set->sieve_bits + bits.first, stride_shift(bits.count) };
}

/* The pattern whose gram is at `at` stands there whole. */
static bool pattern_stands(const struct detect_ruleset *set, const struct image_gram *g,
                           const struct app_view *view, uint32_t at)
{
    return at >= g->back && g->bytes.count <= view->len - (at - g->back) &&
           search_equal(view->data + (at - g->back), set->blob + g->bytes.first, g->bytes.count,
                        g->nocase);
}

/* Its rules are candidates; with a window, where it stands is kept for the next one. */
static void pattern_found(const struct look *l, const struct image_gram *g, uint32_t at)
{
    if (l->window && !window_take(l->window, g->pattern, l->view->offset + at - g->back,
                                  g->bytes.count))
        return;
    detect_candidates_add(l->t, l->t->set->patterns[l->e->pattern_first + g->pattern]);
}

/* The eight bytes around the gram at place `at` are those of the slot's, and then all others. */
static bool gram_stands(const struct detect_ruleset *set, const struct image_gram_slot *slot,
                        const struct app_view *view, uint32_t at)
{
    return at >= slot->back &&
           ((sieve_load(view->data, view->len, at - slot->back) ^ slot->want) &
            sieve_mask(slot->width)) == 0 &&
           pattern_stands(set, &set->grams[slot->gram - 1], view, at);
}

/* The filter said yes to what is at `at`, a gram or a run: ask the table; how many patterns stand
 * there. `*missed`: some that have it do not. */
static unsigned table_look(const struct look *l, const struct image_sieve *s, uint32_t gram,
                           uint32_t at, bool *missed)
{
    const struct detect_ruleset *set = l->t->set;
    const struct image_gram_slot *slots = set->gram_slots + s->slots.first;
    uint32_t mask = s->slots.count - 1;
    unsigned found = 0;
    *missed = false;
    for (uint32_t i = sieve_slot(gram, mask); slots[i].gram; i = (i + 1) & mask) {
        if (slots[i].tag != sieve_tag(gram))
            continue;
        if (gram_stands(set, &slots[i], l->view, at)) {
            pattern_found(l, &set->grams[slots[i].gram - 1], at);
            found++;
        } else {
            *missed = true;
        }
    }
    return found;
}

/* Patterns shorter than a gram that stand at `at`. */
static void shorts_look(const struct look *l, uint32_t at)
{
    const struct image_gram *g = l->t->set->grams + l->e->shorts;
    uint64_t v = sieve_load(l->view->data, l->view->len, at);
    if (!(l->e->short_pairs >> sieve_pair(v) & 1))
        return;
    for (uint32_t i = 0; i < l->e->short_count; i++, g++) {
        if (((v ^ g->want) & g->mask) == 0 && pattern_stands(l->t->set, g, l->view, at))
            pattern_found(l, g, at);
    }
}

/* Grams of the buffer that need no second look are remembered in so many slots. */
#define SETTLED_BITS 4

/* What is looked for at the places that lanes let through. */
struct lanes_look {
    struct look of;
    struct stride_filter filter;        /* of grams; no bits: there are none */
    uint32_t settled[1 << SETTLED_BITS]; /* all patterns of the gram were found; 0: none */
};

/* The gram at `at`. Most places that pass have none: that is told with one look at the filter. What
 * stands in a buffer once often stands there many times. */
static void few_look(struct lanes_look *l, uint32_t at)
{
    const struct look *of = &l->of;
    uint32_t gram = gram_of(sieve_load(of->view->data, of->view->len, at), 0);
    uint32_t *settled = &l->settled[gram * STRIDE_FIRST >> (32 - SETTLED_BITS)];
    bool missed;
    if (*settled == gram || !stride_has(&l->filter, gram))
        return;
    if (table_look(of, &of->e->few, gram, at, &missed) && !missed &&
        !of->window) /* which wants to know each place */
        *settled = gram;
}

/* Bit n of `places` is the place `at` + n. */
static void places_look(struct lanes_look *l, uint32_t at, uint64_t places)
{
    for (; places; places &= places - 1) {
        uint32_t place = at + (uint32_t)__builtin_ctzll(places);
        if (l->filter.bits)
            few_look(l, place);
        if (l->of.e->short_count)
            shorts_look(&l->of, place);
    }
}

void sieve_few(struct detect_thread *t, const struct image_engine *e, const struct app_view *view,
               struct window *w)
{
    struct lanes_look look = { { t, e, view, w }, { NULL, 0 }, { 0 } };
    const struct image_lanes *lanes = &t->set->lanes[e->lanes];
    uint64_t marks[LANES_MARKS];
    if (e->few.bits.count)
        look.filter = filter_of(t->set, e->few.bits);
    if (!e->few.bits.count && !e->short_count)
        return;
    for (uint32_t at = 0; at < view->len; at += LANES_SPAN) {
        uint32_t count = lanes_mark(lanes, view->data, view->len, at, marks);
        for (const uint64_t *mark = marks, *end = marks + count; mark < end; mark++) {
            if (*mark)
                places_look(&look, at + 64 * (uint32_t)(mark - marks), *mark);
        }
    }
}

/* Every place of the buffer; how many patterns stand there, not much more than are counted. */
static unsigned each_place(const struct look *l)
{
    const struct stride_filter filter = filter_of(l->t->set, l->e->many.bits);
    const struct app_view *view = l->view;
    unsigned found = 0;
    bool missed;
    for (uint32_t at = 0; at + SIEVE_GRAM <= view->len && found <= SIEVE_FOUND_MAX; at++) {
        uint32_t gram;
        memcpy(&gram, view->data + at, sizeof(gram));
        gram |= (uint32_t)SIEVE_FOLD;
        if (stride_has(&filter, gram))
            found += table_look(l, &l->e->many, gram, at, &missed);
    }
    return found;
}

/* What finds runs at every fourth place of a buffer. */
struct runs_look {
    const struct look *of;
    struct stride_filter grams, runs;
};

/* How many patterns stand at `at` whose run `v` begins with. */
static inline unsigned run_look(const struct runs_look *l, uint64_t v, uint32_t at)
{
    uint32_t run = sieve_run(v);
    bool missed;
    if (!stride_has(&l->runs, run))
        return 0;
    return table_look(l->of, &l->of->e->many, run, at, &missed);
}

/* A gram of the filter is at `at`, a multiple of four: of the runs that may have it there, how many
 * patterns stand. */
static unsigned runs_look(const struct runs_look *l, uint32_t at)
{
    const struct app_view *view = l->of->view;
    if (at == 0)
        return run_look(l, sieve_load(view->data, view->len, 0), 0);
    uint64_t early = sieve_load(view->data, view->len, at - 3);
    uint64_t late = sieve_load(view->data, view->len, at - 1);
    return run_look(l, early, at - 3) + run_look(l, sieve_next(early), at - 2) +
           run_look(l, late, at - 1) + run_look(l, sieve_next(late), at);
}

/* The fourth places of whole spans from `at` on, as many as there are marks for. */
static unsigned span_look(const struct runs_look *l, uint32_t at, uint32_t count)
{
    uint16_t marks[STRIDE_MARKS];
    unsigned found = 0;
    stride_mark(&l->grams, l->of->view->data + at, count, marks);
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned mark = marks[i]; mark; mark &= mark - 1)
            found += runs_look(l, at + STRIDE_SPAN * i + STRIDE * (uint32_t)__builtin_ctz(mark));
    }
    return found;
}

/* Every fourth place. */
static unsigned fourth_place(const struct look *l)
{
    const struct detect_ruleset *set = l->t->set;
    const struct app_view *view = l->view;
    const struct runs_look look = { l, filter_of(set, l->e->many.bits),
                                    filter_of(set, l->e->many.runs) };
    uint32_t at = 0, spans = view->len / STRIDE_SPAN;
    unsigned found = 0;
    while (spans > 0 && found <= SIEVE_FOUND_MAX) {
        uint32_t count = spans < STRIDE_MARKS ? spans : STRIDE_MARKS;
        found += span_look(&look, at, count);
        at += STRIDE_SPAN * count;
        spans -= count;
    }
    for (; at + SIEVE_GRAM <= view->len && found <= SIEVE_FOUND_MAX; at += STRIDE) {
        uint32_t gram;
        memcpy(&gram, view->data + at, sizeof(gram));
        if (stride_has(&look.grams, gram | (uint32_t)SIEVE_FOLD))
            found += runs_look(&look, at);
    }
    return found;
}

bool sieve_many(struct detect_thread *t, const struct image_engine *e, const struct app_view *view,
                struct window *w)
{
    const struct look look = { t, e, view, w };
    if (e->many.bits.count == 0 || view->len < SIEVE_GRAM)
        return true;
    if (e->step == IMAGE_STEP_ONE)
        return each_place(&look) <= SIEVE_FOUND_MAX;
    return view->len < SIEVE_LONG || fourth_place(&look) <= SIEVE_FOUND_MAX;
}

/* Patterns of whose gram `width` bytes count. `v`: the folded bytes at the place. */
static void width_look(struct detect_thread *t, const struct image_engine *e,
                       const struct app_view *view, const struct image_place *p, unsigned width,
                       uint64_t v)
{
    const struct detect_ruleset *set = t->set;
    uint32_t gram = gram_of(v & sieve_mask(width), 0);
    uint32_t placed = sieve_placed(gram, p->at, width), mask = e->head.count - 1;
    const struct stride_filter filter = filter_of(set, p->bits);
    if (!stride_has(&filter, placed))
        return;
    const struct image_gram_slot *slots = set->gram_slots + e->head.first;
    uint16_t tag = sieve_tag_placed(p->at, width);
    for (uint32_t i = sieve_slot(placed, mask); slots[i].gram; i = (i + 1) & mask) {
        const struct image_gram *g = &set->grams[slots[i].gram - 1];
        if (slots[i].tag == tag && ((v ^ slots[i].want) & sieve_mask(slots[i].width)) == 0 &&
            pattern_stands(set, g, view, p->at))
            detect_candidates_add(t, set->patterns[e->pattern_first + g->pattern]);
    }
}

static void place_look(struct detect_thread *t, const struct image_engine *e,
                       const struct app_view *view, const struct image_place *p, uint64_t v)
{
    for (unsigned width = 1; width <= SIEVE_GRAM && p->at + width <= view->len; width++) {
        if (p->widths >> width & 1)
            width_look(t, e, view, p, width, v);
    }
}

/* Whether one of a place's patterns may begin so. */
static inline bool place_may_be(const struct image_place *p, uint64_t v)
{
    unsigned one = sieve_one(v);
    uint64_t longer = p->firsts[one / 64] >> one % 64 & p->pairs >> sieve_pair(v);
    return (longer | p->ones[one / 64] >> one % 64) & 1;
}

/* In a later window of a growing buffer places are not the buffer's own: all are candidates. */
static void head_all(struct detect_thread *t, const struct image_engine *e)
{
    const struct detect_ruleset *set = t->set;
    for (uint32_t i = 0; i < e->head.count; i++) {
        uint32_t slot = set->gram_slots[e->head.first + i].gram;
        if (slot)
            detect_candidates_add(t,
                                  set->patterns[e->pattern_first + set->grams[slot - 1].pattern]);
    }
}

/* The first bytes of the view, or a copy of all with room behind it: eight can be read at any
 * place. */
static inline const uint8_t *head_bytes(const struct app_view *view,
                                        uint8_t room[SIEVE_HEAD + SIEVE_WIDTH])
{
    if (view->len >= SIEVE_HEAD + SIEVE_WIDTH)
        return view->data;
    memset(room, 0, SIEVE_HEAD + SIEVE_WIDTH);
    memcpy(room, view->data, view->len);
    return room;
}

void sieve_head(struct detect_thread *t, const struct image_engine *e, const struct app_view *view)
{
    const struct image_place *p = t->set->places + e->places.first;
    uint8_t room[SIEVE_HEAD + SIEVE_WIDTH];
    if (e->places.count == 0 || view->offset >= SIEVE_HEAD)
        return;
    if (view->offset > 0) {
        head_all(t, e);
        return;
    }
    const uint8_t *bytes = head_bytes(view, room);
    uint32_t count = e->places.count;
    while (count > 0 && sieve_need(&p[count - 1]) > view->len)
        count--; /* those that need least stand first */
    for (const struct image_place *end = p + count; p < end; p++) {
        uint64_t v;
        memcpy(&v, bytes + p->at, sizeof(v));
        v |= SIEVE_FOLD;
        if (((gram_of(v, 0) ^ p->want) & p->mask) == 0 && place_may_be(p, v))
            place_look(t, e, view, p, v);
    }
}
