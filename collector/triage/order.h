/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Incidents in the order of the queue (item_compare). The read model keeps two, the open ones and
 * those that ended: a page of the queue walks what is open, however much has ended.
 */
#ifndef TRIAGE_ORDER_H
#define TRIAGE_ORDER_H

#include <stddef.h>

struct item;

/** Starts as zeros. Items are borrowed. */
struct order {
    struct item **items;
    size_t count, room;
};

/** Put one in its place. */
void order_put(struct order *o, struct item *it);

/** Take one out, which is there and as it was when it was put. */
void order_take(struct order *o, const struct item *it);

/** Put many behind the end, one by one; order_sort before anything else is asked. */
void order_add(struct order *o, struct item *it);

/** Put all in their places. */
void order_sort(struct order *o);

/** Free the array. */
void order_free(struct order *o);

/** A walk over one or two (NULL: none) as if they were one; starts with zeros behind them. */
struct order_walk {
    const struct order *one, *other;
    size_t at_one, at_other;
};

/** The next item, NULL at the end. */
const struct item *order_next(struct order_walk *w);

#endif
