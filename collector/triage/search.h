/* SPDX-License-Identifier: Apache-2.0 */
/* Search words, read once per list and asked of every incident. */
#ifndef TRIAGE_SEARCH_H
#define TRIAGE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/triage/machine.h"

/** Words of one query. */
#define SEARCH_WORDS_MAX 16

struct search;

/** What a word is asked of. All texts are lower case. */
struct search_subject {
    const struct head *head;
    const char *state;
    const char *text;    /* everything that free words look in */
    const char *rules;   /* names of rules */
    const char *sids;    /* " 1:2000015 " */
    const char *hosts;   /* addresses, blank-separated with blanks around */
    const char *sensors; /* names, likewise */
};

/**
 * Read a query: `is:WORD state:JM tier:1 sid:N ip:A host:H rule:words sensor:S age:>2h`
 * and free words; a dash before a word negates it; quotes hold words together. Ages are judged at
 * `now_ms`. NULL with one line in `why`.
 */
struct search *search_read(const char *query, const char *who, uint64_t now_ms, char *why,
                           size_t why_len);

/** Whether every word holds. */
bool search_holds(const struct search *s, const struct search_subject *of);

/** Whether a word asks for a status itself, so that the default (open ones) does not apply. */
bool search_names_status(const struct search *s);

/** Free. NULL is allowed. */
void search_free(struct search *s);

#endif
