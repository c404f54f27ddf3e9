/* SPDX-License-Identifier: Apache-2.0 */
/* What detection keeps on a flow: its port group, rules that need no pattern, flowbits and
 * flowints. */
#include "config.h"

#include <string.h>

#include "common/slab.h"
#include "sensor/detect/state.h"
#include "sensor/detect/tag.h"
#include "sensor/detect/vars.h"

const struct detect_flow *detect_flow_get(const struct flow *f)
{
    static const struct detect_flow nothing;
    return f->slot[FLOW_SLOT_DETECT] ? f->slot[FLOW_SLOT_DETECT] : &nothing;
}

struct detect_flow *detect_flow_make(struct detect_job *job)
{
    struct flow *f = job->in->flow;
    if (!f)
        return NULL;
    if (!f->slot[FLOW_SLOT_DETECT]) {
        f->slot[FLOW_SLOT_DETECT] = slab_try_zalloc(job->t->slab, sizeof(struct detect_flow));
        counter_add(job->t->counters, DETECT_COUNT_NO_MEMORY, !f->slot[FLOW_SLOT_DETECT]);
        job->flow = detect_flow_get(f);
    }
    return f->slot[FLOW_SLOT_DETECT];
}

static void always_drop(struct detect_thread *t, struct detect_flow *d)
{
    for (unsigned dir = 0; dir < 2; dir++) {
        if (d->always_count[dir] > DETECT_ALWAYS_FEW)
            slab_free(t->slab, d->always[dir].many, d->always_count[dir] * sizeof(uint32_t));
        d->always_count[dir] = 0;
        d->resolved[dir] = false;
    }
}

void detect_flow_free(struct detect_thread *t, struct flow *f)
{
    struct detect_flow *d = f->slot[FLOW_SLOT_DETECT];
    if (!d)
        return;
    always_drop(t, d);
    detect_seam_free(t, d);
    detect_vars_free(t, d);
    detect_tags_free(t, d);
    slab_free(t->slab, d->bits, d->bit_cap * sizeof(*d->bits));
    slab_free(t->slab, d->ints, d->int_cap * sizeof(*d->ints));
    slab_free(t->slab, d, sizeof(*d));
    f->slot[FLOW_SLOT_DETECT] = NULL;
}

/* ---- groups ---------------------------------------------------------------------------------- */

const struct image_port_edge *detect_edge_find(const struct detect_job *job)
{
    const struct packet *p = job->in->packet;
    const struct image_portmap *map = &job->set->portmaps[job->cls * 2u + job->in->dir];
    const struct image_port_edge *edges = job->set->port_edges + map->edges.first;
    uint16_t port = job->in->dir == SIG_DIR_TOSERVER ? p->dport : p->sport;
    const uint32_t *halves = job->set->members + map->halves.first + (port >> 8);
    uint32_t low = halves[0] ? halves[0] - 1 : 0, high = halves[1];
    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;
        if (edges[middle].low <= port)
            low = middle;
        else
            high = middle;
    }
    return &edges[low];
}

/* Rules of a list that this packet's header fulfils, added to `count` there are: those that fit are
 * kept in `out`. Returns how many there are then. */
static uint32_t always_filter(const struct detect_job *job, struct image_span span, uint32_t *out,
                              uint32_t room, uint32_t count)
{
    for (uint32_t i = 0; i < span.count; i++) {
        uint32_t rule = job->set->members[span.first + i];
        if (!detect_header_match_static(job, &job->set->rules[rule]))
            continue;
        if (count < room)
            out[count] = rule;
        count++;
    }
    return count;
}

/* Both lists of a direction. */
static uint32_t always_find(const struct detect_job *job, unsigned dir, uint32_t *out,
                            uint32_t room)
{
    const struct image_portmap *map = &job->set->portmaps[job->cls * 2u + dir];
    uint32_t count = always_filter(job, map->always, out, room, 0);
    return always_filter(job, job->flow->edge[dir]->always, out, room, count);
}

bool detect_flow_resolve(struct detect_job *job, unsigned dir)
{
    struct detect_thread *t = job->t;
    if (detect_flow_is_resolved(t, job->flow, dir))
        return true;
    struct detect_flow *d = job->in->flow->packets[dir] > 1 ? detect_flow_make(job) : NULL;
    if (!d)
        return false;
    if (d->generation != t->generation) {
        always_drop(t, d);
        d->generation = t->generation;
    }
    d->edge[dir] = detect_edge_find(job);
    uint32_t count = always_find(job, dir, d->always[dir].few, DETECT_ALWAYS_FEW);
    if (count > DETECT_ALWAYS_FEW) {
        uint32_t *many = NULL;
        if (count * sizeof(*many) <= SLAB_BLOCK_MAX)
            many = slab_try_alloc(t->slab, count * sizeof(*many));
        if (!many) {
            counter_add(t->counters, DETECT_COUNT_NO_MEMORY, 1);
            return false;
        }
        always_find(job, dir, many, count);
        d->always[dir].many = many;
    }
    d->always_count[dir] = count;
    d->resolved[dir] = true;
    return true;
}

/* ---- flowbits and flowints ------------------------------------------------------------------- */

/* Grow one of the two lists; false when it is full or memory is out. */
static bool list_room(struct detect_thread *t, void **list, uint16_t count, uint16_t *cap,
                      size_t size)
{
    uint16_t want = *cap ? (uint16_t)(*cap * 2) : 4;
    if (count < *cap)
        return true;
    if (want > DETECT_BITS_MAX) {
        counter_add(t->counters, DETECT_COUNT_BITS_FULL, 1);
        return false;
    }
    void *grown = *list ? slab_try_realloc(t->slab, *list, *cap * size, want * size)
                        : slab_try_alloc(t->slab, want * size);
    if (!grown) {
        counter_add(t->counters, DETECT_COUNT_NO_MEMORY, 1);
        return false;
    }
    *list = grown;
    *cap = want;
    return true;
}

static uint64_t *bit_find(const struct detect_flow *f, uint64_t name)
{
    for (uint32_t i = 0; i < f->bit_count; i++) {
        if (f->bits[i] == name)
            return &f->bits[i];
    }
    return NULL;
}

static bool bit_isset(const struct detect_flow *f, uint64_t name)
{
    return bit_find(f, name) != NULL;
}

static void bit_set(struct detect_thread *t, struct detect_flow *f, uint64_t name)
{
    void *list = f->bits;
    if (bit_find(f, name) || !list_room(t, &list, f->bit_count, &f->bit_cap, sizeof(*f->bits)))
        return;
    f->bits = list;
    f->bits[f->bit_count++] = name;
}

static void bit_clear(struct detect_flow *f, uint64_t name)
{
    uint64_t *bit = bit_find(f, name);
    if (bit)
        *bit = f->bits[--f->bit_count];
}

static struct detect_int *int_find(const struct detect_flow *f, uint64_t name)
{
    for (uint32_t i = 0; i < f->int_count; i++) {
        if (f->ints[i].name == name)
            return &f->ints[i];
    }
    return NULL;
}

static struct detect_int *int_make(struct detect_thread *t, struct detect_flow *f, uint64_t name)
{
    struct detect_int *i = int_find(f, name);
    void *list = f->ints;
    if (i || !list_room(t, &list, f->int_count, &f->int_cap, sizeof(*f->ints)))
        return i;
    f->ints = list;
    i = &f->ints[f->int_count++];
    *i = (struct detect_int){ name, 0 };
    return i;
}

/* Names of flowints stand behind those of flowbits. */
static uint64_t int_name(const struct detect_job *job, uint32_t id)
{
    return job->set->bits[job->set->image.header->flowbits + id];
}

static bool int_operand(const struct detect_job *job, const struct sig_op *op, uint32_t *out)
{
    *out = op->u.bit.value;
    if (!(op->flags & SIG_VAR_VALUE))
        return true;
    const struct detect_int *other = int_find(job->flow, int_name(job, op->u.bit.value));
    if (other)
        *out = other->value;
    return other != NULL;
}

static void int_change(struct detect_job *job, struct detect_flow *f, const struct sig_op *op)
{
    uint32_t with;
    if (!int_operand(job, op, &with))
        return;
    struct detect_int *i = int_make(job->t, f, int_name(job, op->u.bit.id[0]));
    if (!i)
        return;
    switch (op->u.bit.command) {
    case SIG_INT_ADD:
        i->value += with;
        break;
    case SIG_INT_SUB:
        i->value -= with;
        break;
    default:
        i->value = with;
    }
}

static bool int_compare(uint8_t command, uint32_t value, uint32_t with)
{
    switch (command) {
    case SIG_INT_LT:
        return value < with;
    case SIG_INT_LE:
        return value <= with;
    case SIG_INT_EQ:
        return value == with;
    case SIG_INT_NE:
        return value != with;
    case SIG_INT_GE:
        return value >= with;
    case SIG_INT_GT:
        return value > with;
    default:
        return false;
    }
}

static bool int_test(const struct detect_job *job, const struct sig_op *op)
{
    uint32_t with;
    const struct detect_int *i = int_find(job->flow, int_name(job, op->u.bit.id[0]));
    if (op->u.bit.command == SIG_INT_ISSET || op->u.bit.command == SIG_INT_ISNOTSET)
        return (i != NULL) == (op->u.bit.command == SIG_INT_ISSET);
    return i && int_operand(job, op, &with) && int_compare(op->u.bit.command, i->value, with);
}

static void bits_change(struct detect_job *job, struct detect_flow *f, const struct sig_op *op)
{
    for (unsigned i = 0; i < op->u.bit.count; i++) {
        uint64_t name = job->set->bits[op->u.bit.id[i]];
        bool set = op->u.bit.command == SIG_BIT_SET ||
                   (op->u.bit.command == SIG_BIT_TOGGLE && !bit_isset(f, name));
        if (set)
            bit_set(job->t, f, name);
        else
            bit_clear(f, name);
    }
}

void detect_bit_change(struct detect_job *job, const struct sig_op *op)
{
    struct detect_flow *f = detect_flow_make(job);
    if (!f)
        return;
    if (op->kind == SIG_OP_FLOWINT)
        int_change(job, f, op);
    else
        bits_change(job, f, op);
}

bool detect_bit_test(const struct detect_job *job, const struct sig_op *op)
{
    if (!job->flow)
        return false;
    if (op->kind == SIG_OP_FLOWINT)
        return int_test(job, op);
    bool want = op->u.bit.command == SIG_BIT_ISSET;
    for (unsigned i = 0; i < op->u.bit.count; i++) {
        if (bit_isset(job->flow, job->set->bits[op->u.bit.id[i]]) == want)
            return true;
    }
    return false;
}
