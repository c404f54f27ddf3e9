/* SPDX-License-Identifier: Apache-2.0 */
/* Whose prefix an address lies in; and the choice of the victim. */
#include "config.h"
#include "sensor/alert/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/prefixes.h"
#include "common/state.h"
#include "common/xalloc.h"
#include "sensor/alert/alert.h"
#include "sensor/detect/detect.h"

#define SEVERITY_URGENT 1

struct lane_table {
    struct prefixes *states; /* indexes of common/state */
    int home;
};

struct lane_table *lane_table_create(const char *home)
{
    int state = state_find(home, strlen(home));
    if (state < 0)
        return NULL;
    struct lane_table *t = xcalloc(1, sizeof(*t));
    t->home = state;
    t->states = prefixes_create();
    return t;
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
    prefixes_add(t->states, &net, bits, index);
    return ABENG_OK;
}

const char *lane_table_find(const struct lane_table *t, const struct addr *a)
{
    int state = prefixes_find(t->states, a);
    return state < 0 ? NULL : state_at((unsigned)state)->code;
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
    prefixes_free(t->states);
    free(t);
}
