/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The Reference Security Incident Taxonomy (RSIT, machine version 1003) as one const table, with
 * what each type means for us: the key that folds its alerts into signals, what its incidents are
 * about, and what it adds to the impact.
 */
#ifndef CORRELATE_RSIT_H
#define CORRELATE_RSIT_H

#include <stdbool.h>
#include <stddef.h>

/** Parts of a fold key, in the order they are written; the table gives a set of them. */
enum rsit_part {
    RSIT_VICTIM = 1 << 0,
    RSIT_ATTACKER = 1 << 1,
    RSIT_NAME = 1 << 2, /* malware family, else name asked for, else JA3, else the peer's address */
    RSIT_FLAW = 1 << 3, /* CVE of the rule, else its sid */
    RSIT_NET = 1 << 4,  /* /24 (IPv6 /48) of the victim */
    RSIT_PORT = 1 << 5, /* the victim's port */
    RSIT_DAY = 1 << 6,  /* UTC day of the event */
    RSIT_WEEK = 1 << 7, /* UTC week of the event */
    RSIT_SID = 1 << 8,
    RSIT_SENSOR = 1 << 9,
    RSIT_SWEEP =
        1 << 10, /* not of K1. K2: one attacker's tries are one incident, whoever the victims */
};

struct rsit {
    const char *class; /* "malicious-code" */
    const char *type;  /* "infected-system" */
    const char *label; /* the taxonomy's own words */
    unsigned fold;     /* K1: set of enum rsit_part */
    bool by_attacker;  /* incidents are about the attacker, not the victim */
    unsigned impact;   /* points added to the asset's */
};

/** Rows of the table. */
size_t rsit_count(void);

/** Row `index`; static. */
const struct rsit *rsit_at(size_t index);

/** Row for "class/type"; NULL when the taxonomy has no such type. */
const struct rsit *rsit_find(const char *class_and_type);

#endif
