/* SPDX-License-Identifier: Apache-2.0 */
/* Who is looked at when: plans of the protocols, IP-only rules by address, the rare kinds. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "sensor/detect/builder.h"

void numbers_add(struct numbers *n, uint32_t value)
{
    if (n->count == n->cap) {
        n->cap = n->cap ? n->cap * 2 : 64;
        n->all = xreallocarray(n->all, n->cap, sizeof(*n->all));
    }
    n->all[n->count++] = value;
}

static int number_order(const void *left, const void *right)
{
    uint32_t a, b;
    memcpy(&a, left, sizeof(a));
    memcpy(&b, right, sizeof(b));
    return a < b ? -1 : a > b;
}

void numbers_sort(struct numbers *n)
{
    uint32_t kept = 0;
    if (n->count)
        qsort(n->all, n->count, sizeof(*n->all), number_order);
    for (uint32_t i = 0; i < n->count; i++) {
        if (kept == 0 || n->all[i] != n->all[kept - 1])
            n->all[kept++] = n->all[i];
    }
    n->count = kept;
}

/* ---- plans ----------------------------------------------------------------------------------- */

static unsigned engine_progress(const struct builder *b, uint32_t index)
{
    const struct image_engine *e =
        (const struct image_engine *)b->sections[IMAGE_ENGINES].data + index;
    return sig_buffer_def(b->set->specs[e->spec].buffer)->progress[e->dir];
}

/* Engines of a protocol and direction, those whose buffers are whole first at the front. */
static struct image_span plan_engines(struct builder *b, enum sig_app app, unsigned dir)
{
    struct numbers engines = { 0 };
    for (unsigned progress = 0; progress <= SIG_PROGRESS_DONE; progress++) {
        for (uint32_t spec = 0; spec < b->set->spec_count; spec++) {
            uint32_t slot = builder_slot_tx((uint16_t)spec, dir), index = b->engine_index[slot];
            if (index == IMAGE_NONE || !(b->engines[slot]->apps & 1ull << app))
                continue;
            if (engine_progress(b, index) == progress)
                numbers_add(&engines, index);
        }
    }
    struct image_span span = builder_members(b, engines.all, engines.count);
    free(engines.all);
    return span;
}

/* Whether anything of the rule can be looked at in this direction of a transaction. */
static bool rule_in_dir(const struct builder *b, const struct build_rule *r, unsigned dir)
{
    const struct sig *sig = r->sig;
    uint32_t buffers = 0;
    if (!(sig->dirs & 1u << dir))
        return false;
    for (uint32_t i = 0; i < sig->list_count; i++) {
        if (sig_buffer_def(b->set->specs[sig->lists[i].spec].buffer)->flags & SIG_BUFFER_PACKET)
            continue;
        buffers++;
        if (sig->lists[i].dirs & 1u << dir)
            return true;
    }
    return buffers == 0;
}

static struct image_span plan_always(struct builder *b, enum sig_app app, unsigned dir)
{
    struct numbers rules = { 0 };
    for (uint32_t i = 0; i < b->rule_count; i++) {
        const struct build_rule *r = &b->rules[i];
        if (r->sig->kind == SIG_KIND_APP_TX && !r->scanned[dir] && r->apps & 1ull << app &&
            rule_in_dir(b, r, dir))
            numbers_add(&rules, i);
    }
    struct image_span span = builder_members(b, rules.all, rules.count);
    free(rules.all);
    return span;
}

static void plans_build(struct builder *b)
{
    for (unsigned app = 0; app < SIG_APP_COUNT; app++) {
        for (unsigned dir = 0; dir < 2; dir++) {
            struct image_plan plan = { plan_engines(b, app, dir), plan_always(b, app, dir) };
            builder_put(b, IMAGE_PLANS, &plan, 1);
        }
    }
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* A rule begins or ends to hold at an address. */
struct addr_event {
    struct addr at;
    uint32_t rule;
    bool begins;
};

static int event_order(const void *left, const void *right)
{
    const struct addr_event *a = left, *b = right;
    int order = addr_compare(&a->at, &b->at);
    if (order)
        return order;
    if (a->begins != b->begins)
        return a->begins ? 1 : -1;
    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

/* The address after `a`; false behind the last. */
static bool addr_next(struct addr *a)
{
    for (int i = 15; i >= 0; i--) {
        if (++a->bytes[i])
            return true;
    }
    return false;
}

static void events_add(struct buf *events, uint32_t rule, const struct sig_addrs *addrs)
{
    for (uint32_t i = 0; i < addrs->count; i++) {
        struct addr_event e = { addrs->ranges[i].low, rule, true };
        buf_add(events, &e, sizeof(e));
        e = (struct addr_event){ addrs->ranges[i].high, rule, false };
        if (addr_next(&e.at))
            buf_add(events, &e, sizeof(e));
    }
}

static void active_change(struct numbers *active, const struct addr_event *e)
{
    if (e->begins) {
        numbers_add(active, e->rule);
        return;
    }
    for (uint32_t i = 0; i < active->count; i++) {
        if (active->all[i] == e->rule) {
            active->all[i] = active->all[--active->count];
            return;
        }
    }
}

static struct image_span ip_edges_build(struct builder *b, struct buf *events)
{
    struct addr_event *all = (struct addr_event *)events->data;
    uint32_t count = (uint32_t)(events->len / sizeof(*all));
    struct numbers active = { 0 };
    struct image_span span = {
        (uint32_t)(b->sections[IMAGE_IP_EDGES].len / sizeof(struct image_ip_edge)), 0
    };
    if (count)
        qsort(all, count, sizeof(*all), event_order);
    for (uint32_t i = 0; i < count; i++) {
        active_change(&active, &all[i]);
        if (i + 1 < count && addr_compare(&all[i].at, &all[i + 1].at) == 0)
            continue;
        struct numbers sorted = { 0 };
        for (uint32_t k = 0; k < active.count; k++)
            numbers_add(&sorted, active.all[k]);
        numbers_sort(&sorted);
        struct image_ip_edge edge = { all[i].at, builder_members(b, sorted.all, sorted.count) };
        builder_put(b, IMAGE_IP_EDGES, &edge, 1);
        span.count++;
        free(sorted.all);
    }
    free(active.all);
    return span;
}

/* At which upper halves a rule holds: where an edge lies in, or the one before has rules. */
static struct image_span some_build(struct builder *b, const struct image_ip_edge *edges,
                                    const uint32_t *halves)
{
    uint32_t some[IMAGE_SOME] = { 0 };
    for (uint32_t half = 0; half < IMAGE_HALVES - 1; half++) {
        uint32_t below = halves[half];
        if (halves[half + 1] > below || (below > 0 && edges[below - 1].rules.count))
            some[half / 32] |= 1u << half % 32;
    }
    return (struct image_span){ builder_put(b, IMAGE_SIEVE_BITS, some, IMAGE_SOME), IMAGE_SOME };
}

/* How many of the edges begin below the addresses of each upper half, and below those behind the
 * last; and at which halves there is anything. */
static void halves_build(struct builder *b, struct image_ipmap *map)
{
    struct image_span edges = map->edges;
    const struct image_ip_edge *all =
        (const struct image_ip_edge *)b->sections[IMAGE_IP_EDGES].data;
    all = edges.count ? all + edges.first : NULL;
    uint32_t *halves = xcalloc(IMAGE_HALVES, sizeof(*halves));
    uint32_t below = 0;
    for (uint32_t half = 0; half < IMAGE_HALVES - 1; half++) {
        uint8_t four[4] = { (uint8_t)(half >> 8), (uint8_t)half };
        struct addr first = addr_from_v4(four);
        while (below < edges.count && addr_compare(&all[below].low, &first) < 0)
            below++;
        halves[half] = below;
    }
    uint8_t last[4] = { 255, 255, 255, 255 };
    struct addr end = addr_from_v4(last);
    while (below < edges.count && addr_compare(&all[below].low, &end) <= 0)
        below++;
    halves[IMAGE_HALVES - 1] = below;
    map->halves = builder_members(b, halves, IMAGE_HALVES);
    map->some = some_build(b, all, halves);
    free(halves);
}

/* IP-only rules stand in the source's map, or when any source will do in the destination's, or in a
 * list. */
static void ipmaps_build(struct builder *b)
{
    struct buf events[2];
    struct numbers any = { 0 };
    buf_init(&events[0], IMAGE_SIZE_MAX);
    buf_init(&events[1], IMAGE_SIZE_MAX);
    for (uint32_t i = 0; i < b->rule_count; i++) {
        const struct build_rule *r = &b->rules[i];
        if (r->sig->kind != SIG_KIND_IP_ONLY)
            continue;
        const struct sig_addrs *src = r->reversed ? &r->sig->dst : &r->sig->src;
        const struct sig_addrs *dst = r->reversed ? &r->sig->src : &r->sig->dst;
        if (!src->any)
            events_add(&events[0], i, src);
        else if (!dst->any)
            events_add(&events[1], i, dst);
        else
            numbers_add(&any, i);
    }
    for (unsigned m = 0; m < 2; m++) {
        struct image_ipmap map = { .edges = ip_edges_build(b, &events[m]) };
        halves_build(b, &map);
        builder_put(b, IMAGE_IPMAPS, &map, 1);
        buf_free(&events[m]);
    }
    struct image_span span = builder_members(b, any.all, any.count);
    b->header.ip_first = span.first;
    b->header.ip_count = span.count;
    free(any.all);
}

static struct image_span kind_list(struct builder *b, enum sig_kind kind)
{
    struct numbers rules = { 0 };
    for (uint32_t i = 0; i < b->rule_count; i++) {
        if (b->rules[i].sig->kind == kind)
            numbers_add(&rules, i);
    }
    struct image_span span = builder_members(b, rules.all, rules.count);
    free(rules.all);
    return span;
}

void builder_groups(struct builder *b)
{
    plans_build(b);
    ipmaps_build(b);
    struct image_span span = kind_list(b, SIG_KIND_DE_ONLY);
    b->header.de_first = span.first;
    b->header.de_count = span.count;
    span = kind_list(b, SIG_KIND_PD_ONLY);
    b->header.pd_first = span.first;
    b->header.pd_count = span.count;
    span = kind_list(b, SIG_KIND_FRAME);
    b->header.fr_first = span.first;
    b->header.fr_count = span.count;
}
