/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules by port. Where the ranges of a class's rules begin and end the set of rules that apply
 * changes: an edge. Each edge has the rules without pattern that name its ports, and engines for
 * the patterns of those that do; most edges share them, so that there are few.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "sensor/detect/builder.h"
#include "sensor/detect/lanes.h"

/* A protocol's patterns that may stand anywhere are so few that each port's engine takes them along
 * and they need no look of their own. */
#define SPREAD_MAX 8u

const struct sig_ports *builder_ports(const struct build_rule *r, unsigned dir)
{
    bool dst = (dir == SIG_DIR_TOSERVER) != r->reversed;
    return dst ? &r->sig->dports : &r->sig->sports;
}

static bool ports_hold(const struct sig_ports *ports, uint32_t port)
{
    for (uint32_t i = 0; !ports->any && i < ports->count; i++) {
        if (port >= ports->ranges[i].low && port <= ports->ranges[i].high)
            return true;
    }
    return ports->any;
}

static bool wants_raw_stream(const struct builder *b, const struct sig *sig)
{
    if (builder_is_packet_kind(sig))
        return sig->requires_stream;
    for (uint32_t i = 0; sig->kind == SIG_KIND_APP_TX && i < sig->list_count; i++) {
        if (b->set->specs[sig->lists[i].spec].buffer == SIG_BUF_PAYLOAD)
            return true;
    }
    return false;
}

/* Rules of a class and direction: who needs its port looked at, and who is always a candidate. */
struct port_rules {
    struct numbers all; /* rules with named ports */
    struct numbers any; /* without pattern, for any port */
    uint32_t any_flags; /* IMAGE_PORT_* of rules for any port */
};

/* A rule that wants the stream is one of packets where there is none: `dns` is TCP and UDP. */
static uint32_t rule_port_flags(const struct builder *b, const struct build_rule *r,
                                enum image_class cls, unsigned dir)
{
    const struct sig *sig = r->sig;
    uint32_t flags = wants_raw_stream(b, sig) ? IMAGE_PORT_STREAM : 0;
    if (r->scanned[dir] && builder_is_packet_kind(sig) &&
        builder_payloads(sig, cls) >> IMAGE_PAYLOAD_PACKET & 1)
        flags |= IMAGE_PORT_PACKET;
    return flags;
}

static void port_rules_collect(struct builder *b, enum image_class cls, unsigned dir,
                               struct port_rules *out)
{
    for (uint32_t i = 0; i < b->rule_count; i++) {
        const struct build_rule *r = &b->rules[i];
        if (!(r->sig->dirs & 1u << dir) || !builder_in_class(b, r->sig, cls))
            continue;
        if (!builder_is_packet_kind(r->sig) && !wants_raw_stream(b, r->sig))
            continue;
        if (!builder_ports(r, dir)->any && builder_has_ports(cls)) {
            numbers_add(&out->all, i);
            continue;
        }
        out->any_flags |= rule_port_flags(b, r, cls, dir);
        if (builder_is_packet_kind(r->sig) && !r->scanned[dir])
            numbers_add(&out->any, i);
    }
}

static void port_rules_free(struct port_rules *pr)
{
    free(pr->all.all);
    free(pr->any.all);
}

/* ---- engines --------------------------------------------------------------------------------- */

/* Where the ranges of the named ports begin and end. */
static void edges_find(const struct builder *b, const struct port_rules *pr, unsigned dir,
                       struct build_ports *out)
{
    struct numbers edges = { 0 };
    numbers_add(&edges, 0);
    for (uint32_t i = 0; i < pr->all.count; i++) {
        const struct sig_ports *ports = builder_ports(&b->rules[pr->all.all[i]], dir);
        for (uint32_t k = 0; k < ports->count; k++) {
            numbers_add(&edges, ports->ranges[k].low);
            numbers_add(&edges, ports->ranges[k].high + 1u);
        }
    }
    numbers_sort(&edges);
    out->edges = edges.all;
    out->count = edges.count;
    out->slots = xcalloc(edges.count, sizeof(*out->slots));
}

/* A class's direction and what of it patterns are looked for in. */
struct scope {
    enum image_class cls;
    unsigned dir;
    enum image_payload payload;
};

/* The engine of rules that name no port, of protocol `app` (SIG_APP_UNKNOWN: nor a protocol). */
static struct build_engine *portless(const struct builder *b, struct scope s, enum sig_app app)
{
    uint32_t slot = builder_slot_payload(s.cls, s.dir, s.payload, app);
    return slot < b->engine_count ? b->engines[slot] : NULL;
}

/* Where most of a protocol's flows are, which has more patterns than each port could take along. */
static const struct {
    uint16_t port;
    enum sig_app app;
} usual[] = {
    { 80, SIG_APP_HTTP1 },
    { 3128, SIG_APP_HTTP1 },
    { 8000, SIG_APP_HTTP1 },
    { 8080, SIG_APP_HTTP1 },
};

/* The protocol that a port's engine takes along whatever it has. */
static enum sig_app usual_app(struct scope s, uint32_t port)
{
    for (size_t i = 0; s.cls == IMAGE_CLASS_TCP && i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (usual[i].port == port)
            return usual[i].app;
    }
    return SIG_APP_UNKNOWN;
}

/* Give a port's engine what those of rules without ports look for anywhere: of any protocol, of the
 * small ones and of the one that is usual there. */
static void engine_widen(struct builder *b, struct build_engine *e, struct scope s,
                         enum sig_app usually)
{
    const struct build_engine *any = portless(b, s, SIG_APP_UNKNOWN);
    e->whole = any && builder_engine_complete(e, any);
    for (unsigned app = SIG_APP_UNKNOWN + 1; app < SIG_APP_COUNT; app++) {
        const struct build_engine *from = portless(b, s, (enum sig_app)app);
        if (from && (app == usually || builder_engine_is_small(from, SPREAD_MAX)) &&
            builder_engine_take(b, e, from))
            e->taken |= 1ull << app;
    }
}

/* The engine for the patterns of these rules, which begin with a word that tells the scope and what
 * is usual. Equal lists share it. */
static uint32_t set_slot(struct builder *b, const struct numbers *set, struct scope s,
                         enum sig_app usually)
{
    struct fastpattern p;
    if (set->count < 2)
        return IMAGE_NONE;
    uint32_t known = b->port_sets.count;
    uint32_t number =
        intern_add(&b->port_sets, &b->port_set_bytes, set->all, set->count * sizeof(*set->all));
    uint32_t slot = BUILD_SLOT_PORTS + number;
    if (number < known)
        return slot;
    for (uint32_t i = 1; i < set->count; i++) {
        if (fastpattern_choose(b->set, b->rules[set->all[i]].sig, s.dir, &p))
            builder_engine_add(builder_engine_open(b, slot, p.spec, s.dir), &p, false, set->all[i]);
    }
    if (slot < b->engine_count && b->engines[slot])
        engine_widen(b, b->engines[slot], s, usually);
    return slot;
}

static uint32_t edge_slot(struct builder *b, const struct port_rules *pr, struct scope s,
                          uint32_t port)
{
    struct numbers set = { 0 };
    enum sig_app usually = usual_app(s, port);
    uint32_t scope = ((uint32_t)s.cls * 2 + s.dir) * IMAGE_PAYLOADS + s.payload;
    numbers_add(&set, scope * SIG_APP_COUNT + usually);
    for (uint32_t i = 0; i < pr->all.count; i++) {
        const struct build_rule *r = &b->rules[pr->all.all[i]];
        if (r->scanned[s.dir] && builder_is_packet_kind(r->sig) &&
            r->sig->app == SIG_APP_UNKNOWN && builder_payloads(r->sig, s.cls) >> s.payload & 1 &&
            ports_hold(builder_ports(r, s.dir), port))
            numbers_add(&set, pr->all.all[i]);
    }
    uint32_t slot = set_slot(b, &set, s, usually);
    free(set.all);
    return slot;
}

void builder_port_patterns(struct builder *b)
{
    for (unsigned at = 0; at < IMAGE_CLASSES * 2; at++) {
        enum image_class cls = (enum image_class)(at / 2);
        struct build_ports *ports = &b->ports[cls][at % 2];
        struct port_rules pr = { 0 };
        port_rules_collect(b, cls, at % 2, &pr);
        edges_find(b, &pr, at % 2, ports);
        for (uint32_t i = 0; i < ports->count; i++) {
            for (unsigned k = 0; k < IMAGE_PAYLOADS; k++) {
                struct scope s = { cls, at % 2, (enum image_payload)k };
                ports->slots[i][k] = edge_slot(b, &pr, s, ports->edges[i]);
            }
        }
        port_rules_free(&pr);
    }
}

/* ---- into the image -------------------------------------------------------------------------- */

static struct image_port_edge edge_make(struct builder *b, const struct port_rules *pr,
                                        const struct build_ports *ports, uint32_t at,
                                        enum image_class cls, unsigned dir)
{
    struct image_port_edge edge = { .low = ports->edges[at], .flags = pr->any_flags };
    struct numbers always = { 0 };
    for (uint32_t i = 0; i < pr->all.count; i++) {
        const struct build_rule *r = &b->rules[pr->all.all[i]];
        if (!ports_hold(builder_ports(r, dir), edge.low))
            continue;
        edge.flags |= rule_port_flags(b, r, cls, dir);
        if (builder_is_packet_kind(r->sig) && !r->scanned[dir])
            numbers_add(&always, pr->all.all[i]);
    }
    edge.always = builder_members(b, always.all, always.count);
    free(always.all);
    for (unsigned k = 0; k < IMAGE_PAYLOADS; k++) {
        uint32_t slot = ports->slots[at][k];
        edge.engines[k] = slot == IMAGE_NONE ? IMAGE_NONE : b->engine_index[slot];
    }
    return edge;
}

static void map_engines(const struct builder *b, enum image_class cls, unsigned dir,
                        struct image_portmap *map)
{
    for (unsigned k = 0; k < IMAGE_PAYLOADS; k++) {
        enum image_payload payload = (enum image_payload)k;
        map->engines[k] = b->engine_index[builder_slot_payload(cls, dir, payload, SIG_APP_UNKNOWN)];
        map->apps[k][SIG_APP_UNKNOWN] = IMAGE_NONE;
        for (unsigned app = SIG_APP_UNKNOWN + 1; app < SIG_APP_COUNT; app++)
            map->apps[k][app] =
                b->engine_index[builder_slot_payload(cls, dir, payload, (enum sig_app)app)];
    }
}

static struct image_span halves_build(struct builder *b, const struct build_ports *ports)
{
    uint32_t halves[IMAGE_PORT_HALVES], below = 0;
    for (uint32_t half = 0; half < IMAGE_PORT_HALVES; half++) {
        while (below < ports->count && ports->edges[below] < half << 8)
            below++;
        halves[half] = below;
    }
    return builder_members(b, halves, IMAGE_PORT_HALVES);
}

static void portmap_build(struct builder *b, enum image_class cls, unsigned dir)
{
    const struct build_ports *ports = &b->ports[cls][dir];
    struct port_rules pr = { 0 };
    struct image_portmap map = { 0 };
    port_rules_collect(b, cls, dir, &pr);
    map.always = builder_members(b, pr.any.all, pr.any.count);
    map_engines(b, cls, dir, &map);
    for (uint32_t i = 0; i < ports->count; i++) {
        struct image_port_edge edge = edge_make(b, &pr, ports, i, cls, dir);
        uint32_t at = builder_put(b, IMAGE_PORT_EDGES, &edge, 1);
        if (i == 0)
            map.edges.first = at;
    }
    map.edges.count = ports->count;
    map.halves = halves_build(b, ports);
    builder_put(b, IMAGE_PORTMAPS, &map, 1);
    port_rules_free(&pr);
}

void builder_portmaps(struct builder *b)
{
    for (unsigned cls = 0; cls < IMAGE_CLASSES; cls++) {
        portmap_build(b, (enum image_class)cls, SIG_DIR_TOSERVER);
        portmap_build(b, (enum image_class)cls, SIG_DIR_TOCLIENT);
    }
}
