/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array. */
#include "config.h"
#include "collector/triage/order.h"

#include <stdlib.h>
#include <string.h>

#include "collector/triage/item.h"
#include "common/xalloc.h"

/* Where `it` stands, or would stand. */
static size_t place_of(const struct order *o, const struct item *it)
{
    size_t low = 0, high = o->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (item_compare(o->items[mid], it) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void make_room(struct order *o)
{
    if (o->count < o->room)
        return;
    o->room = o->room ? 2 * o->room : 1024;
    o->items = xreallocarray(o->items, o->room, sizeof *o->items);
}

void order_put(struct order *o, struct item *it)
{
    make_room(o);
    size_t at = place_of(o, it);
    memmove(o->items + at + 1, o->items + at, (o->count - at) * sizeof *o->items);
    o->items[at] = it;
    o->count++;
}

void order_take(struct order *o, const struct item *it)
{
    size_t at = place_of(o, it);
    o->count--;
    memmove(o->items + at, o->items + at + 1, (o->count - at) * sizeof *o->items);
}

void order_add(struct order *o, struct item *it)
{
    make_room(o);
    o->items[o->count++] = it;
}

static int compare(const void *a, const void *b)
{
    return item_compare(*(struct item *const *)a, *(struct item *const *)b);
}

void order_sort(struct order *o)
{
    if (o->count)
        qsort(o->items, o->count, sizeof *o->items, compare);
}

void order_free(struct order *o)
{
    free(o->items);
    *o = (struct order){ NULL, 0, 0 };
}

const struct item *order_next(struct order_walk *w)
{
    const struct item *a = w->one && w->at_one < w->one->count ? w->one->items[w->at_one] : NULL;
    const struct item *b =
        w->other && w->at_other < w->other->count ? w->other->items[w->at_other] : NULL;
    if (!b || (a && item_compare(a, b) < 0)) {
        w->at_one += a != NULL;
        return a;
    }
    w->at_other++;
    return b;
}
