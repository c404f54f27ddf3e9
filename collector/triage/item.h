/* SPDX-License-Identifier: Apache-2.0 */
/* One incident in memory: read from its hash, written as a row of the API. */
#ifndef TRIAGE_ITEM_H
#define TRIAGE_ITEM_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/triage/machine.h"
#include "collector/triage/search.h"

struct json;
struct store_reply;

struct item {
    unsigned state;
    uint64_t number;
    struct head head;
    char *evidence; /* JSON as the worker wrote it */
    char *reason, *last_note;
    char *text, *rules, *sids, *hosts, *sensors; /* what searches look in */
};

/** Make an item from a HGETALL of the incident's hash; NULL when it is not one. */
struct item *item_read(unsigned state, uint64_t number, const struct store_reply *fields);

/** Free. NULL is allowed. */
void item_free(struct item *it);

/** Order of the queue: tier, deadline (none last), state, number. Below, at or above 0. */
int item_compare(const struct item *a, const struct item *b);

/** What a search asks. */
struct search_subject item_subject(const struct item *it);

/**
 * Write the row's members into the open object; `detail` adds factors, formula, outcome,
 * reason, tlp.
 */
void item_write(const struct item *it, bool detail, struct json *out);

#endif
