/* SPDX-License-Identifier: Apache-2.0 */
/* Timing one candidate in so many. */
#include "config.h"
#include "sensor/detect/profile.h"

#include <stdlib.h>

#include "common/ticks.h"
#include "common/xalloc.h"
#include "sensor/detect/state.h"

/* Longer than any rule may take within its limits: another process ran meanwhile. It counts as so
 * many. */
#define TICKS_MOST (1u << 21)

/* 1 to 2 × DETECT_PROFILE_EVERY - 1, evenly (xorshift32). */
static uint32_t distance(struct detect_profile *p)
{
    p->seed ^= p->seed << 13;
    p->seed ^= p->seed >> 17;
    p->seed ^= p->seed << 5;
    return 1 + p->seed % (2 * DETECT_PROFILE_EVERY - 1);
}

void detect_profile_begin(struct detect_profile *p, struct detect_ruleset *set)
{
    struct detect_cost *fresh = xcalloc(set->rule_count + 1u, sizeof(*fresh));
    unsigned n = __atomic_fetch_add(&set->profile_count, 1, __ATOMIC_ACQ_REL);
    if (n >= DETECT_PROFILE_WORKERS) {
        free(fresh);
        n = DETECT_PROFILE_WORKERS - 1;
        fresh = __atomic_load_n(&set->profiles[n], __ATOMIC_ACQUIRE);
    }
    __atomic_store_n(&set->profiles[n], fresh, __ATOMIC_RELEASE);
    p->costs = fresh;
    p->seed = p->seed ? p->seed : 2463534242u + n;
    p->left = distance(p);
}

void detect_profile_free(struct detect_ruleset *set)
{
    for (unsigned i = 0; i < DETECT_PROFILE_WORKERS; i++)
        free(set->profiles[i]);
}

void detect_profile_sample(struct detect_job *job, uint32_t rule,
                           void (*run)(struct detect_job *job, uint32_t rule))
{
    struct detect_cost *c = &job->t->profile.costs[rule];
    uint64_t began = ticks_now();
    run(job, rule);
    uint64_t took = ticks_now() - began;
    __atomic_store_n(&c->ticks, c->ticks + (took < TICKS_MOST ? took : TICKS_MOST),
                     __ATOMIC_RELAXED);
    __atomic_store_n(&c->samples, c->samples + 1, __ATOMIC_RELAXED);
    job->t->profile.left = distance(&job->t->profile);
}

void detect_rule_cost(const struct detect_ruleset *set, uint32_t rule, struct detect_rule_cost *out)
{
    *out = (struct detect_rule_cost){ 0 };
    for (unsigned i = 0; i < DETECT_PROFILE_WORKERS; i++) {
        const struct detect_cost *costs = __atomic_load_n(&set->profiles[i], __ATOMIC_ACQUIRE);
        if (!costs)
            continue;
        out->checks += (uint64_t)__atomic_load_n(&costs[rule].samples, __ATOMIC_RELAXED) *
                       DETECT_PROFILE_EVERY;
        out->ticks +=
            __atomic_load_n(&costs[rule].ticks, __ATOMIC_RELAXED) * DETECT_PROFILE_EVERY;
        out->matches += __atomic_load_n(&costs[rule].matches, __ATOMIC_RELAXED);
    }
}
