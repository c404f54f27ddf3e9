/* SPDX-License-Identifier: Apache-2.0 */
/* Duplicates, and the load-time order (anchors 2.11). */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/xalloc.h"
#include "signatures/parser.h"

/* How a rule uses one kind of state: those that set run before those that read. */
enum { USE_SET, USE_SET_READ, USE_READ, USE_NONE };

struct place {
    uint32_t rule, priority;
    uint8_t action, flowbits, flowints, hostbits, xbits;
};

static uint8_t use_of(const struct sig_ruleset *set, const struct sig *r, enum sig_op_kind kind)
{
    bool reads = false, sets = false;
    for (uint32_t i = 0; i < r->packet_count; i++)
        reads |= set->ops[r->packet_first + i].kind == kind;
    for (uint32_t i = 0; i < r->post_count; i++)
        sets |= set->ops[r->post_first + i].kind == kind;
    if (sets)
        return reads ? USE_SET_READ : USE_SET;
    return reads ? USE_READ : USE_NONE;
}

#define COMPARE(field)                                                                             \
    if (x->field != y->field)                                                                      \
    return x->field < y->field ? -1 : 1

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    COMPARE(action);
    COMPARE(flowbits);
    COMPARE(flowints);
    COMPARE(hostbits);
    COMPARE(xbits);
    COMPARE(priority);
    COMPARE(rule);
    return 0;
}

static void set_order(struct sig_ruleset *set)
{
    struct place *places = xcalloc(set->rule_count, sizeof(*places));
    for (uint32_t i = 0; i < set->rule_count; i++) {
        const struct sig *r = &set->rules[i];
        places[i] = (struct place){
            .rule = i,
            .action = r->action,
            .flowbits = use_of(set, r, SIG_OP_FLOWBIT),
            .flowints = use_of(set, r, SIG_OP_FLOWINT),
            .hostbits = use_of(set, r, SIG_OP_HOSTBIT),
            .xbits = use_of(set, r, SIG_OP_XBIT),
            .priority = r->priority,
        };
    }
    qsort(places, set->rule_count, sizeof(*places), compare_places);
    for (uint32_t i = 0; i < set->rule_count; i++)
        set->rules[places[i].rule].order = i;
    free(places);
}

/* By gid and sid; the highest revision first, and of equal ones the one read first. */
static int compare_ids(const void *a, const void *b)
{
    const struct sig *const *px = a, *const *py = b;
    const struct sig *x = *px, *y = *py;
    COMPARE(gid);
    COMPARE(sid);
    if (x->rev != y->rev)
        return x->rev > y->rev ? -1 : 1;
    return x < y ? -1 : 1;
}

static void turn_verdict(struct sig_ruleset *set, uint32_t verdict, const struct sig *winner)
{
    set->verdicts[verdict].loaded = false;
    set->verdicts[verdict].reason = arena_printf(
        set->arena,
        "a rule with the same sid stands at %s:%u (rev %u); the higher rev, or the first of equal "
        "ones, is kept",
        winner->file, winner->line, winner->rev);
}

/* Rules were appended in the order of the verdicts that say loaded. */
static uint32_t *verdict_places(const struct sig_ruleset *set)
{
    uint32_t *places = xcalloc(set->rule_count, sizeof(*places)), n = 0;
    for (uint32_t i = 0; i < set->verdict_count; i++) {
        if (set->verdicts[i].loaded)
            places[n++] = i;
    }
    return places;
}

static void drop_duplicates(struct sig_ruleset *set)
{
    struct sig **by_id = xcalloc(set->rule_count, sizeof(*by_id));
    uint32_t *verdicts = verdict_places(set);
    for (uint32_t i = 0; i < set->rule_count; i++)
        by_id[i] = &set->rules[i];
    qsort(by_id, set->rule_count, sizeof(*by_id), compare_ids);
    const struct sig *kept = NULL;
    for (uint32_t i = 0; i < set->rule_count; i++) {
        struct sig *r = by_id[i];
        if (kept && kept->sid == r->sid && kept->gid == r->gid) {
            turn_verdict(set, verdicts[r - set->rules], kept);
            r->text = NULL; /* marks it */
        } else {
            kept = r;
        }
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < set->rule_count; i++) {
        if (set->rules[i].text)
            set->rules[n++] = set->rules[i];
    }
    set->rule_count = n;
    free(verdicts);
    free(by_id);
}

void parser_rules_order(struct sig_parser *p)
{
    if (!p->set->rule_count)
        return;
    drop_duplicates(p->set);
    set_order(p->set);
}
