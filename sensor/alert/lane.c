/* SPDX-License-Identifier: Apache-2.0 */
/* Prefixes in a binary trie, IPv4 under a root of its own; and the choice of the victim. */
#include "config.h"
#include "sensor/alert/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/state.h"
#include "common/xalloc.h"
#include "sensor/alert/alert.h"
#include "sensor/detect/detect.h"

#define V4_BITS         96 /* of the mapped prefix, which the IPv4 root stands behind */
#define SEVERITY_URGENT 1

/* Index 0 and 1 are the roots; a child of 0 is none. */
struct node {
    uint32_t child[2];
    int state; /* index of common/state, -1: none */
};

struct lane_table {
    struct node *nodes;
    uint32_t count, cap;
    int home;
};

static uint32_t node_new(struct lane_table *t)
{
    if (t->count == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 256;
        t->nodes = xreallocarray(t->nodes, t->cap, sizeof(*t->nodes));
    }
    t->nodes[t->count] = (struct node){ .state = -1 };
    return t->count++;
}

struct lane_table *lane_table_create(const char *home)
{
    int state = state_find(home, strlen(home));
    if (state < 0)
        return NULL;
    struct lane_table *t = xcalloc(1, sizeof(*t));
    t->home = state;
    node_new(t);
    node_new(t);
    return t;
}

static unsigned bit_at(const struct addr *a, unsigned i)
{
    return a->bytes[i / 8] >> (7 - i % 8) & 1;
}

int lane_table_add(struct lane_table *t, const char *prefix, const char *state)
{
    struct addr net;
    unsigned bits;
    int index = state_find(state, strlen(state));
    if (addr_parse_prefix(prefix, &net, &bits) < 0)
        return ABENG_EFORMAT;
    if (index < 0)
        return ABENG_ENOENT;
    bool four = addr_is_v4(&net) && bits >= V4_BITS;
    uint32_t at = four;
    for (unsigned i = four ? V4_BITS : 0; i < bits; i++) {
        unsigned b = bit_at(&net, i);
        if (!t->nodes[at].child[b]) {
            uint32_t child = node_new(t);
            t->nodes[at].child[b] = child;
        }
        at = t->nodes[at].child[b];
    }
    t->nodes[at].state = index;
    return ABENG_OK;
}

const char *lane_table_find(const struct lane_table *t, const struct addr *a)
{
    bool four = addr_is_v4(a);
    uint32_t at = four;
    int best = t->nodes[at].state;
    for (unsigned i = four ? V4_BITS : 0; i < 128; i++) {
        at = t->nodes[at].child[bit_at(a, i)];
        if (!at)
            break;
        if (t->nodes[at].state >= 0)
            best = t->nodes[at].state;
    }
    return best < 0 ? NULL : state_at((unsigned)best)->code;
}

/* The producer's word first; else the side that is ours; of two, the one that was sent to. */
static const char *victim_state(const struct lane_table *t, const struct addr *from,
                                const struct addr *to, int target)
{
    const char *src = from ? lane_table_find(t, from) : NULL;
    const char *dst = to ? lane_table_find(t, to) : NULL;
    if (target == SIG_TARGET_SRC && src)
        return src;
    if (target == SIG_TARGET_DEST && dst)
        return dst;
    return dst ? dst : src;
}

void lane_of(const struct lane_table *t, const struct addr *src, const struct addr *dst, int target,
             bool urgent, struct lane *out)
{
    const char *state = victim_state(t, src, dst, target);
    out->state = state ? state : state_at((unsigned)t->home)->code;
    snprintf(out->name, sizeof(out->name), "%s.%s", out->state, urgent ? "urgent" : "bulk");
}

void lane_choose(const struct lane_table *t, const struct alert_record *r,
                 const struct detect_rule *rule, struct lane *out)
{
    bool there = r->ip_version != 0;
    lane_of(t, there ? &r->src : NULL, there ? &r->dst : NULL, rule->target,
            rule->priority <= SEVERITY_URGENT, out);
}

void lane_table_free(struct lane_table *t)
{
    if (!t)
        return;
    free(t->nodes);
    free(t);
}
