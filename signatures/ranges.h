/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Address and port expressions: variables, groups and negation worked out into sorted, disjoint
 * ranges.
 *
 * An expression is flattened as the reference does it: every element counts as wanted or unwanted
 * by the parity of the negations around it, through groups and variables alike; the result is
 * what is wanted (all, where nothing is) less what is not.
 */
#ifndef SIGNATURES_RANGES_H
#define SIGNATURES_RANGES_H

#include "signatures/ruleset.h"
#include "signatures/text.h"

struct arena;

/** How deep groups and variables may stand in each other. */
#define RANGES_DEPTH_MAX 32

/** Elements of one expression after variables are put in. */
#define RANGES_MAX 65536

/** Variables by name: gives the text of `name` (without $) or false. */
struct range_vars {
    bool (*get)(void *arg, struct text name, struct text *value);
    void *arg;
    bool loose; /* a blank may stand behind a port: Suricata 7.0.10 refuses it */
};

/**
 * Lower an address expression into `arena`; 0, or ABENG_EFORMAT with `reason` (at most `cap`
 * bytes).
 */
int ranges_addresses(struct arena *arena, const struct range_vars *vars, struct text expression,
                     struct sig_addrs *out, char *reason, size_t cap);

/** Lower a port expression likewise. */
int ranges_ports(struct arena *arena, const struct range_vars *vars, struct text expression,
                 struct sig_ports *out, char *reason, size_t cap);

#endif
