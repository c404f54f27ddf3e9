/* SPDX-License-Identifier: Apache-2.0 */
/* Checking an image: every index once, so that nothing later has to. */
#include "sensor/detect/image.h"

#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "sensor/detect/confirm.h"
#include "sensor/detect/sieve.h"
#include "signatures/reputation.h"

static const uint32_t element_sizes[IMAGE_SECTIONS] = {
    [IMAGE_RULES] = sizeof(struct image_rule),
    [IMAGE_LISTS] = sizeof(struct sig_list),
    [IMAGE_OPS] = sizeof(struct sig_op),
    [IMAGE_BLOB] = 1,
    [IMAGE_STRINGS] = 1,
    [IMAGE_SPECS] = sizeof(struct sig_bufspec),
    [IMAGE_SETS] = sizeof(struct image_span),
    [IMAGE_RANGES] = sizeof(struct sig_addr_range),
    [IMAGE_PORTS] = sizeof(struct sig_port_range),
    [IMAGE_MEMBERS] = sizeof(uint32_t),
    [IMAGE_ENGINES] = sizeof(struct image_engine),
    [IMAGE_PATTERNS] = sizeof(struct image_span),
    [IMAGE_NAMES] = sizeof(struct image_name),
    [IMAGE_SLOTS] = sizeof(uint32_t),
    [IMAGE_DATABASES] = 1,
    [IMAGE_PLANS] = sizeof(struct image_plan),
    [IMAGE_PORTMAPS] = sizeof(struct image_portmap),
    [IMAGE_PORT_EDGES] = sizeof(struct image_port_edge),
    [IMAGE_IPMAPS] = sizeof(struct image_ipmap),
    [IMAGE_IP_EDGES] = sizeof(struct image_ip_edge),
    [IMAGE_REGEXES] = sizeof(struct image_regex),
    [IMAGE_SUPPRESS] = sizeof(struct image_suppress),
    [IMAGE_BITS] = sizeof(uint64_t),
    [IMAGE_SIEVE_BITS] = sizeof(uint32_t),
    [IMAGE_GRAMS] = sizeof(struct image_gram),
    [IMAGE_GRAM_SLOTS] = sizeof(struct image_gram_slot),
    [IMAGE_PLACES] = sizeof(struct image_place),
    [IMAGE_LANES] = sizeof(struct image_lanes),
    [IMAGE_DATASETS] = sizeof(struct image_dataset),
};

size_t image_element_size(enum image_section s)
{
    return element_sizes[s];
}

uint64_t image_bit_hash(const char *name)
{
    uint64_t h = 0;
    for (; *name; name++)
        h = image_suffix_step(h, (uint8_t)*name);
    return h;
}

const void *image_section(const struct image *image, enum image_section s, uint32_t *count)
{
    const struct image_extent *e = &image->header->sections[s];
    if (count)
        *count = e->count;
    return image->bytes + e->at;
}

static uint32_t count_of(const struct image *image, enum image_section s)
{
    return image->header->sections[s].count;
}

static bool span_ok(const struct image *image, enum image_section s, struct image_span span)
{
    uint32_t count = count_of(image, s);
    return span.first <= count && span.count <= count - span.first;
}

static bool bytes_ok(const struct image *image, struct sig_bytes b)
{
    return span_ok(image, IMAGE_BLOB, (struct image_span){ b.at, b.len });
}

/* A span in IMAGE_MEMBERS whose elements are below `limit`. */
static bool members_ok(const struct image *image, struct image_span span, uint32_t limit)
{
    const uint32_t *all = image_section(image, IMAGE_MEMBERS, NULL);
    if (!span_ok(image, IMAGE_MEMBERS, span))
        return false;
    for (uint32_t i = 0; i < span.count; i++) {
        if (all[span.first + i] >= limit)
            return false;
    }
    return true;
}

static bool rules_ok(const struct image *image, struct image_span span)
{
    return members_ok(image, span, count_of(image, IMAGE_RULES));
}

static bool bit_ok(const struct image *image, const struct sig_op *op)
{
    bool is_int = op->kind == SIG_OP_FLOWINT;
    uint32_t limit = is_int ? image->header->flowints : image->header->flowbits;
    if (op->u.bit.count > 4 || (is_int && op->u.bit.count < 1))
        return false;
    for (unsigned i = 0; i < op->u.bit.count; i++) {
        if (op->u.bit.id[i] >= limit)
            return false;
    }
    return !is_int || !(op->flags & SIG_VAR_VALUE) || op->u.bit.value < limit;
}

/* A table's length, and of strings where each stands. */
static bool table_ok(const struct image *image, struct sig_bytes table, uint8_t key_len)
{
    uint32_t entry = key_len ? key_len + 4u : 12;
    if (!bytes_ok(image, table) || table.len % entry)
        return false;
    const uint8_t *blob = image_section(image, IMAGE_BLOB, NULL);
    for (uint32_t at = 0; !key_len && at < table.len; at += entry) {
        struct sig_bytes key;
        memcpy(&key, blob + table.at + at, sizeof(key));
        if (!bytes_ok(image, key))
            return false;
    }
    return true;
}

static bool dataset_ok(const struct image *image, const struct image_dataset *d)
{
    uint32_t strings = count_of(image, IMAGE_STRINGS);
    return d->name < strings && d->save < strings && table_ok(image, d->table, d->key_len);
}

static bool op_ok(const struct image *image, const struct sig_op *op)
{
    switch (op->kind) {
    case SIG_OP_CONTENT:
        return bytes_ok(image, op->u.content.bytes) && op->u.content.bytes.len > 0;
    case SIG_OP_DATASET:
        return table_ok(image, op->u.set.table, op->u.set.key_len) &&
               op->resolved <= count_of(image, IMAGE_DATASETS);
    case SIG_OP_VAR:
        return bytes_ok(image, op->u.var.bytes) && op->u.var.bytes.len > 0;
    case SIG_OP_IPREP:
        return bytes_ok(image, op->u.rep.table) &&
               reputation_ok((const uint8_t *)image_section(image, IMAGE_BLOB, NULL) +
                                 op->u.rep.table.at,
                             op->u.rep.table.len);
    case SIG_OP_PCRE:
        return op->u.pcre.regex < count_of(image, IMAGE_REGEXES) &&
               op->u.pcre.captures <= SIG_CAPTURES_MAX;
    case SIG_OP_FLOWBIT:
    case SIG_OP_FLOWINT:
        return bit_ok(image, op);
    case SIG_OP_APP_UINT:
        return op->u.number.text.at < count_of(image, IMAGE_STRINGS);
    default:
        return op->kind < SIG_OP_KINDS;
    }
}

static bool spec_ok(const struct image *image, const struct sig_bufspec *spec)
{
    if ((unsigned)spec->buffer >= SIG_BUF_COUNT || spec->transform_count > SIG_TRANSFORMS_MAX)
        return false;
    for (unsigned i = 0; i < spec->transform_count; i++) {
        if (spec->transforms[i] > SIG_TR_PCREXFORM)
            return false;
        if (spec->transforms[i] == SIG_TR_PCREXFORM
                ? spec->arguments[i].len || spec->arguments[i].at >= count_of(image, IMAGE_REGEXES)
                : !bytes_ok(image, spec->arguments[i]))
            return false;
    }
    return true;
}

static bool list_ok(const struct image *image, const struct sig_list *list)
{
    return list->spec < count_of(image, IMAGE_SPECS) && list->count <= CONFIRM_OPS_MAX &&
           span_ok(image, IMAGE_OPS, (struct image_span){ list->first, list->count });
}

static bool rule_ok(const struct image *image, const struct image_rule *rule)
{
    uint32_t sets = count_of(image, IMAGE_SETS), strings = count_of(image, IMAGE_STRINGS);
    return rule->app < SIG_APP_COUNT && rule->kind <= SIG_KIND_FRAME &&
           rule->vars <= CONFIRM_VARS_MAX && rule->src < sets && rule->dst < sets &&
           rule->sports < sets && rule->dports < sets &&
           span_ok(image, IMAGE_SUPPRESS, rule->suppress) && rule->lists.count <= IMAGE_LISTS_MAX &&
           span_ok(image, IMAGE_LISTS, rule->lists) && span_ok(image, IMAGE_OPS, rule->packet) &&
           span_ok(image, IMAGE_OPS, rule->post) && span_ok(image, IMAGE_OPS, rule->shared) &&
           rule->msg < strings && rule->category < strings && rule->metadata < strings &&
           rule->references < strings;
}

/* A set is of addresses for one rule and of ports for another: both readings have to be in
 * range. */
static bool rule_sets_ok(const struct image *image, const struct image_rule *rule)
{
    const struct image_span *sets = image_section(image, IMAGE_SETS, NULL);
    return span_ok(image, IMAGE_RANGES, sets[rule->src]) &&
           span_ok(image, IMAGE_RANGES, sets[rule->dst]) &&
           span_ok(image, IMAGE_PORTS, sets[rule->sports]) &&
           span_ok(image, IMAGE_PORTS, sets[rule->dports]);
}

/* Slots of a table with open addresses: each free or an index below `limit`, and one free, since a
 * probe has to end. */
static bool slots_ok(const struct image *image, struct image_span span, uint32_t limit)
{
    const uint32_t *slots = image_section(image, IMAGE_SLOTS, NULL);
    uint32_t used = 0;
    if (!span_ok(image, IMAGE_SLOTS, span) || span.count & (span.count - 1))
        return false;
    for (uint32_t i = 0; i < span.count; i++) {
        if (slots[span.first + i] > limit)
            return false;
        used += slots[span.first + i] != 0;
    }
    return used < span.count || span.count == 0;
}

/* Slots of grams whose patterns are below `patterns`. */
static bool gram_slots_ok(const struct image *image, struct image_span span, uint32_t patterns)
{
    const struct image_gram *grams = image_section(image, IMAGE_GRAMS, NULL);
    const struct image_gram_slot *slots = image_section(image, IMAGE_GRAM_SLOTS, NULL);
    uint32_t used = 0;
    if (!span_ok(image, IMAGE_GRAM_SLOTS, span) || span.count & (span.count - 1))
        return false;
    for (uint32_t i = 0; i < span.count; i++) {
        const struct image_gram_slot *slot = &slots[span.first + i];
        if (!slot->gram)
            continue;
        if (slot->gram > count_of(image, IMAGE_GRAMS) || slot->back > 4 || slot->width < 1 ||
            slot->width > 8 || grams[slot->gram - 1].pattern >= patterns)
            return false;
        used++;
    }
    return used < span.count || span.count == 0;
}

/* A filter: a power of two of words. */
static bool filter_ok(const struct image *image, struct image_span bits)
{
    return span_ok(image, IMAGE_SIEVE_BITS, bits) && bits.count > 0 &&
           bits.count <= SIEVE_WORDS_MAX && (bits.count & (bits.count - 1)) == 0;
}

static bool sieve_ok(const struct image *image, const struct image_sieve *s, uint32_t patterns)
{
    if (s->bits.count == 0)
        return s->slots.count == 0;
    return filter_ok(image, s->bits) && s->slots.count > 0 &&
           gram_slots_ok(image, s->slots, patterns);
}

static bool gram_ok(const struct image *image, const struct image_gram *g)
{
    return span_ok(image, IMAGE_BLOB, g->bytes) && g->at >= -4 && g->at <= 0 && g->width >= 1 &&
           g->width <= 4;
}

static bool database_ok(const struct image *image, const struct image_database *d)
{
    uint64_t bytes = count_of(image, IMAGE_DATABASES);
    return d->at <= bytes && d->len <= bytes - d->at;
}

static bool shorts_ok(const struct image *image, struct image_span span, uint32_t patterns)
{
    const struct image_gram *grams = image_section(image, IMAGE_GRAMS, NULL);
    if (!span_ok(image, IMAGE_GRAMS, span))
        return false;
    for (uint32_t i = 0; i < span.count; i++) {
        if (grams[span.first + i].pattern >= patterns)
            return false;
    }
    return true;
}

/* The filter of those that have grams or short patterns. */
static bool engine_lanes_ok(const struct image *image, const struct image_engine *e)
{
    const struct image_lanes *lanes = image_section(image, IMAGE_LANES, NULL);
    bool laned = e->few.bits.count > 0 || e->short_count > 0;
    return !laned || (e->lanes < count_of(image, IMAGE_LANES) && lanes_ok(&lanes[e->lanes]));
}

static bool engine_ok(const struct image *image, const struct image_engine *e)
{
    struct image_span shorts = { e->shorts, e->short_count };
    if (e->step > IMAGE_STEP_FOUR || !engine_lanes_ok(image, e) ||
        !shorts_ok(image, shorts, e->pattern_count))
        return false;
    if (e->within != IMAGE_NONE && e->within >= count_of(image, IMAGE_ENGINES))
        return false;
    return e->spec < count_of(image, IMAGE_SPECS) && e->dir <= SIG_DIR_TOCLIENT &&
           database_ok(image, &e->tiers[IMAGE_TIER_SHORT]) &&
           database_ok(image, &e->tiers[IMAGE_TIER_LONG]) &&
           span_ok(image, IMAGE_PATTERNS,
                   (struct image_span){ e->pattern_first, e->pattern_count }) &&
           span_ok(image, IMAGE_PLACES, e->places) && span_ok(image, IMAGE_NAMES, e->names) &&
           sieve_ok(image, &e->few, e->pattern_count) &&
           sieve_ok(image, &e->many, e->pattern_count) &&
           (e->step != IMAGE_STEP_FOUR || e->many.bits.count == 0 ||
            filter_ok(image, e->many.runs)) &&
           gram_slots_ok(image, e->head, e->pattern_count) &&
           (e->places.count == 0 || e->head.count > 0) &&
           slots_ok(image, e->slots, count_of(image, IMAGE_NAMES)) &&
           (e->slots.count == 0 || filter_ok(image, e->name_bits));
}

static bool payload_engines_ok(const struct image *image, const uint32_t *engines, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (engines[i] != IMAGE_NONE && engines[i] >= count_of(image, IMAGE_ENGINES))
            return false;
    }
    return true;
}

static bool portmap_ok(const struct image *image, const struct image_portmap *map)
{
    const struct image_port_edge *edges = image_section(image, IMAGE_PORT_EDGES, NULL);
    if (!span_ok(image, IMAGE_PORT_EDGES, map->edges) || map->edges.count == 0 ||
        map->halves.count != IMAGE_PORT_HALVES ||
        !members_ok(image, map->halves, map->edges.count + 1) || !rules_ok(image, map->always))
        return false;
    for (unsigned i = 0; i < IMAGE_PAYLOADS; i++) {
        if (!payload_engines_ok(image, &map->engines[i], 1) ||
            !payload_engines_ok(image, map->apps[i], SIG_APP_COUNT))
            return false;
    }
    for (uint32_t i = 0; i < map->edges.count; i++) {
        const struct image_port_edge *e = &edges[map->edges.first + i];
        if (!rules_ok(image, e->always) || (i == 0 && e->low != 0) ||
            !payload_engines_ok(image, e->engines, IMAGE_PAYLOADS))
            return false;
    }
    return true;
}

static bool suppress_ok(const struct image *image, const struct image_suppress *s)
{
    const struct image_span *sets = image_section(image, IMAGE_SETS, NULL);
    return s->addrs < count_of(image, IMAGE_SETS) && span_ok(image, IMAGE_RANGES, sets[s->addrs]);
}

/* The sections whose elements are checked one by one. */
struct element_check {
    enum image_section section;
    const char *what;
};

/* Of a gram one byte to all of it count. */
static bool place_ok(const struct image *image, const struct image_place *p)
{
    const unsigned known = (2u << SIEVE_GRAM) - 2;
    return p->at < SIEVE_HEAD && p->widths && !(p->widths & ~known) && filter_ok(image, p->bits);
}

static bool element_ok(const struct image *image, enum image_section s, const void *element)
{
    const struct image_span *span = element;
    const struct image_name *name = element;
    const struct image_plan *plan = element;
    const struct image_ip_edge *edge = element;
    const struct image_regex *regex = element;
    const struct image_ipmap *ipmap = element;
    switch (s) {
    case IMAGE_SPECS:
        return spec_ok(image, element);
    case IMAGE_OPS:
        return op_ok(image, element);
    case IMAGE_LISTS:
        return list_ok(image, element);
    case IMAGE_RULES:
        return rule_ok(image, element) && rule_sets_ok(image, element);
    case IMAGE_PATTERNS:
        return rules_ok(image, *span);
    case IMAGE_NAMES:
        return bytes_ok(image, name->bytes) && rules_ok(image, name->rules);
    case IMAGE_GRAMS:
        return gram_ok(image, element);
    case IMAGE_PLACES:
        return place_ok(image, element);
    case IMAGE_ENGINES:
        return engine_ok(image, element);
    case IMAGE_PLANS:
        return members_ok(image, plan->engines, count_of(image, IMAGE_ENGINES)) &&
               rules_ok(image, plan->always);
    case IMAGE_PORTMAPS:
        return portmap_ok(image, element);
    case IMAGE_IPMAPS:
        return span_ok(image, IMAGE_IP_EDGES, ipmap->edges) &&
               ipmap->halves.count == IMAGE_HALVES &&
               members_ok(image, ipmap->halves, ipmap->edges.count + 1) &&
               ipmap->some.count == IMAGE_SOME && span_ok(image, IMAGE_SIEVE_BITS, ipmap->some);
    case IMAGE_IP_EDGES:
        return rules_ok(image, edge->rules);
    case IMAGE_REGEXES:
        return bytes_ok(image, regex->pattern);
    case IMAGE_SUPPRESS:
        return suppress_ok(image, element);
    case IMAGE_DATASETS:
        return dataset_ok(image, element);
    default:
        return true;
    }
}

static const struct element_check element_checks[] = {
    { IMAGE_SPECS, "buffer" },     { IMAGE_OPS, "instruction" },   { IMAGE_LISTS, "list" },
    { IMAGE_RULES, "rule" },       { IMAGE_PATTERNS, "pattern" },  { IMAGE_NAMES, "name" },
    { IMAGE_GRAMS, "gram" },       { IMAGE_PLACES, "place" },      { IMAGE_ENGINES, "engine" },
    { IMAGE_PLANS, "plan" },       { IMAGE_PORTMAPS, "port map" }, { IMAGE_IPMAPS, "address map" },
    { IMAGE_IP_EDGES, "address" }, { IMAGE_REGEXES, "regex" },     { IMAGE_SUPPRESS, "silence" },
    { IMAGE_DATASETS, "dataset" },
};

static const char *extents_check(const struct image *image)
{
    for (unsigned s = 0; s < IMAGE_SECTIONS; s++) {
        const struct image_extent *e = &image->header->sections[s];
        if (e->size != element_sizes[s] || e->at % 64 || e->at > image->len ||
            e->count > (image->len - e->at) / e->size)
            return "a section lies outside of it";
    }
    uint32_t strings;
    const char *text = image_section(image, IMAGE_STRINGS, &strings);
    if (strings == 0 || text[0] != 0 || text[strings - 1] != 0)
        return "its texts have no end";
    if (count_of(image, IMAGE_RULES) > IMAGE_RULES_MAX ||
        count_of(image, IMAGE_SPECS) > IMAGE_SPECS_MAX || count_of(image, IMAGE_SPECS) == 0 ||
        count_of(image, IMAGE_SETS) == 0)
        return "a count is out of range";
    if (count_of(image, IMAGE_PLANS) != SIG_APP_COUNT * 2 ||
        count_of(image, IMAGE_PORTMAPS) != IMAGE_CLASSES * 2 || count_of(image, IMAGE_IPMAPS) != 2)
        return "a table is not whole";
    if ((uint64_t)image->header->flowbits + image->header->flowints != count_of(image, IMAGE_BITS))
        return "its bits don't add up";
    return NULL;
}

static const char *header_check(const struct image *image)
{
    const struct image_header *h = image->header;
    if (memcmp(h->magic, IMAGE_MAGIC, sizeof(h->magic)) != 0)
        return "it is no image of rules";
    if (h->version != IMAGE_VERSION)
        return "it was made by another version";
    if (h->len != image->len)
        return "it is not whole";
    if (h->name[IMAGE_NAME_MAX - 1] != 0)
        return "its name has no end";
    return extents_check(image);
}

int image_check(const void *bytes, size_t len, struct image *out, char *reason, size_t reason_len)
{
    *out = (struct image){ bytes, len, bytes };
    const char *why = len < sizeof(struct image_header) ? "it is too short" : header_check(out);
    if (why) {
        snprintf(reason, reason_len, "rule image: %s", why);
        return ABENG_EFORMAT;
    }
    for (size_t c = 0; c < sizeof(element_checks) / sizeof(element_checks[0]); c++) {
        uint32_t count;
        const uint8_t *at = image_section(out, element_checks[c].section, &count);
        for (uint32_t i = 0; i < count; i++) {
            if (element_ok(out, element_checks[c].section,
                           at + i * element_sizes[element_checks[c].section]))
                continue;
            snprintf(reason, reason_len, "rule image: %s %u points outside of it",
                     element_checks[c].what, i);
            return ABENG_EFORMAT;
        }
    }
    const struct image_header *h = out->header;
    if (rules_ok(out, (struct image_span){ h->de_first, h->de_count }) &&
        rules_ok(out, (struct image_span){ h->pd_first, h->pd_count }) &&
        rules_ok(out, (struct image_span){ h->fr_first, h->fr_count }) &&
        rules_ok(out, (struct image_span){ h->ip_first, h->ip_count }))
        return 0;
    snprintf(reason, reason_len, "rule image: a list of rules points outside of it");
    return ABENG_EFORMAT;
}
