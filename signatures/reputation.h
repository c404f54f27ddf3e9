/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reputation of addresses, as Suricata's: categories (`1,BadHosts,description` a line, numbers 1 to
 * 59) and lists (`ADDRESS[/BITS],CATEGORY,SCORE` a line, scores 0 to 127), which the keyword iprep
 * asks.
 *
 * A table is made for each category that some rule names: REPUTATION_HEAD numbers, then entries of
 * 16 bytes of address (IPv4 as ::ffff:a.b.c.d) and one byte of score, in groups: first the
 * addresses that stand by themselves in any category, then the networks by length, longest first,
 * each group sorted. The head is the number of groups, then of each its bits and its entries, in
 * native order. Loader only, but for reputation_ok and reputation_score.
 */
#ifndef SIGNATURES_REPUTATION_H
#define SIGNATURES_REPUTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signatures/draft.h"

struct addr;

#define REPUTATION_CATEGORIES 60 /* numbers are below */
#define REPUTATION_SCORE_MAX  127
/** Entries of all lists together. */
#define REPUTATION_ENTRIES_MAX (4u << 20)
/** Bytes of an entry; of the bits of an address that stands by itself. */
#define REPUTATION_ENTRY 17u
#define REPUTATION_HOST  129u

/** The table of a category; 0, or refused: there is no such category, or no room. */
int reputation_table(struct draft *d, struct text category, struct sig_bytes *out);

/** Whether `len` bytes at `table` are such a table; they may be anything. */
bool reputation_ok(const uint8_t *table, uint32_t len);

/** The score of an address in a table that is one; -1: the table says nothing of it. */
int reputation_score(const uint8_t *table, const struct addr *a);

#endif
