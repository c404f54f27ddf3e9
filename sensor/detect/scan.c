/* SPDX-License-Identifier: Apache-2.0 */
/* Scanning a buffer: Hyperscan and the table of name endings mark candidates. */
#include "config.h"

#include "sensor/detect/scan.h"

#include <hs.h>

#include "sensor/detect/search.h"
#include "sensor/detect/sieve.h"
#include "sensor/detect/state.h"

/* What the callback needs. */
struct scan_target {
    struct detect_thread *t;
    const struct image_span *patterns;
    uint32_t count; /* a database's numbers are not the image's word */
};

void detect_candidates_add(struct detect_thread *t, struct image_span members)
{
    const uint32_t *all = t->set->members + members.first;
    for (uint32_t i = 0; i < members.count; i++)
        candidates_add(&t->candidates, all[i]);
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *arg)
{
    struct scan_target *target = arg;
    (void)from;
    (void)to;
    (void)flags;
    if (id < target->count)
        detect_candidates_add(target->t, target->patterns[id]);
    return 0;
}

static bool name_may_be(const uint32_t *bits, uint32_t words, uint64_t hash)
{
    uint32_t mask = image_name_mask(hash);
    return (bits[image_name_word(hash, words)] & mask) == mask;
}

/* Walk the buffer from its end; where a name may begin, look the hash up. */
static void scan_names(struct detect_thread *t, const struct image_engine *e,
                       const struct app_view *view)
{
    const struct detect_ruleset *set = t->set;
    const uint32_t *slots = set->slots + e->slots.first;
    const uint32_t *bits = set->sieve_bits + e->name_bits.first;
    uint32_t mask = e->slots.count - 1;
    uint32_t longest = view->len < IMAGE_NAME_LEN_MAX ? view->len : IMAGE_NAME_LEN_MAX;
    uint64_t hash = 0;
    for (uint32_t len = 1; len <= longest; len++) {
        hash = image_suffix_step(hash, search_lower(view->data[view->len - len]));
        if (!name_may_be(bits, e->name_bits.count, hash) &&
            !(len == view->len && name_may_be(bits, e->name_bits.count, ~hash)))
            continue;
        for (uint32_t slot = (uint32_t)hash & mask; slots[slot]; slot = (slot + 1) & mask) {
            const struct image_name *name = &set->names[slots[slot] - 1];
            if (name->hash == hash && name->bytes.len == len) {
                detect_candidates_add(t, name->rules);
                break;
            }
        }
    }
}

static void scan_tier(struct detect_thread *t, uint32_t engine, enum image_tier tier,
                      const struct app_view *view)
{
    const struct image_engine *e = &t->set->engines[engine];
    struct scan_target target = { t, t->set->patterns + e->pattern_first, e->pattern_count };
    const struct hs_database *db = t->set->databases[engine * IMAGE_TIERS + tier];
    if (db)
        hs_scan(db, (const char *)view->data, view->len, 0, t->scratch, on_match, &target);
}

void detect_scan_heads(struct detect_thread *t, uint32_t engine, const struct app_view *view)
{
    if (view->len)
        sieve_head(t, &t->set->engines[engine], view);
}

/* In line: most buffers are short, and there are many. */
static inline bool scan_anywhere(struct detect_thread *t, uint32_t engine,
                                 const struct app_view *view, struct window *window)
{
    const struct image_engine *e = &t->set->engines[engine];
    bool sieved = true;
    counter_add(t->counters, DETECT_COUNT_SCANS, 1);
    counter_add(t->counters, DETECT_COUNT_SCAN_BYTES, view->len);
    sieve_few(t, e, view, window);
    if (e->databases & 1u << IMAGE_TIER_SHORT) {
        scan_tier(t, engine, IMAGE_TIER_SHORT, view);
        sieved = false;
    }
    if (e->step == IMAGE_STEP_NONE || sieve_many(t, e, view, window)) {
        counter_add(t->counters, DETECT_COUNT_SIEVED, 1);
        return sieved;
    }
    scan_tier(t, engine, IMAGE_TIER_LONG, view);
    return false;
}

bool detect_scan_window(struct detect_thread *t, uint32_t engine, const struct app_view *view,
                        struct window *window)
{
    return scan_anywhere(t, engine, view, window);
}

void detect_scan(struct detect_thread *t, uint32_t engine, const struct app_view *view)
{
    const struct image_engine *e = &t->set->engines[engine];
    if (view->len == 0)
        return;
    if (e->slots.count)
        scan_names(t, e, view);
    sieve_head(t, e, view);
    (void)scan_anywhere(t, engine, view, NULL);
}
