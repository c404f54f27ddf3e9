/* SPDX-License-Identifier: Apache-2.0 */
/* threshold.config on the rules of a set, as Suricata 7.0.10 lays it on them. */
#include "config.h"

#include <string.h>

#include "common/arena.h"
#include "signatures/parser.h"
#include "signatures/policy.h"

/* Suppressions of one rule; further ones are left out. */
#define SUPPRESS_MAX 256

static bool concerns(const struct policy_threshold *t, const struct sig *r)
{
    return (!t->gid || t->gid == r->gid) && (!t->sid || t->sid == r->sid);
}

/* What is said about one rule goes before what it says itself, and that before what is said about
 * all. A rate_filter gives way to whatever is there. */
static void threshold_set(struct sig *r, const struct policy_threshold *t)
{
    bool yields = !t->sid || t->type == SIG_THRESHOLD_RATE;
    if (yields && (r->threshold.type || r->filter.type))
        return;
    r->filter = (struct sig_threshold){ 0 };
    r->threshold = (struct sig_threshold){ .type = t->type,
                                           .track = t->track,
                                           .action = t->action,
                                           .count = t->count,
                                           .seconds = t->seconds,
                                           .timeout = t->timeout };
}

static void rule_apply(struct sig_parser *p, struct sig *r, const struct policy_threshold *all,
                       const struct sig_suppress *lowered, uint32_t count)
{
    const struct sig_suppress *found[SUPPRESS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!concerns(&all[i], r))
            continue;
        if (all[i].type != SIG_THRESHOLD_SUPPRESS)
            threshold_set(r, &all[i]);
        else if (all[i].track == SIG_TRACK_NONE)
            r->noalert = true;
        else if (n < SUPPRESS_MAX)
            found[n++] = &lowered[i];
    }
    if (n) {
        r->suppress = arena_memdup(p->set->arena, found, n * sizeof(found[0]));
        r->suppress_count = n;
    }
}

void parser_thresholds_apply(struct sig_parser *p)
{
    uint32_t count = 0;
    const struct policy_threshold *all = p->policy ? policy_thresholds(p->policy, &count) : NULL;
    if (!count)
        return;
    struct sig_suppress *lowered = arena_alloc(p->set->arena, count * sizeof(*lowered));
    memset(lowered, 0, count * sizeof(*lowered));
    for (uint32_t i = 0; i < count; i++) {
        char reason[DRAFT_REASON_MAX];
        lowered[i].track = all[i].track;
        if (*all[i].addresses) /* sig_parser_use_policy has seen that it can be read */
            (void)parser_addresses(p, text_of(all[i].addresses), &lowered[i].addrs, reason,
                                   sizeof(reason));
    }
    for (uint32_t i = 0; i < p->set->rule_count; i++)
        rule_apply(p, &p->set->rules[i], all, lowered, count);
}
