/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind an address: the operator's table of assets. */
#include "config.h"
#include "collector/correlate/score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/lines.h"
#include "common/addr.h"
#include "common/err.h"
#include "common/xalloc.h"

/** Longest table. */
#define ASSETS_MAX (1u << 20)

static const struct class {
    const char *word;
    unsigned points;
    const char *text;
} classes[] = {
    { "critical", 80, "critical infrastructure" },
    { "government-core", 70, "core of government" },
    { "network", 65, "core of a provider's network" },
    { "government", 50, "government" },
    { "business", 40, "business" },
    { "residential", 20, "residential" },
};

struct asset {
    struct addr net;
    unsigned bits;
    size_t line; /* a later one holds */
    const struct class *class;
    char *label;
};

/* From `start` to the next one's, all addresses have the same asset. */
struct stretch {
    struct addr start;
    const struct asset *asset; /* NULL: none */
};

struct assets {
    struct asset *items; /* prefixes, as read, then in order of address, wider first */
    size_t count;
    struct stretch *stretches; /* in order of address: found by halving */
    size_t stretch_count;
};

static const struct class *class_find(const char *word)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (!strcmp(classes[i].word, word))
            return &classes[i];
    return NULL;
}

int assets_add(struct assets *a, const char *prefix, const char *class, const char *label)
{
    struct asset asset = { .bits = 0 };
    asset.class = class_find(class);
    if (!asset.class || addr_parse_prefix(prefix, &asset.net, &asset.bits))
        return ABENG_EINVAL;
    asset.line = a->count;
    asset.label = xstrdup(label);
    a->items = xreallocarray(a->items, a->count + 1, sizeof *a->items);
    a->items[a->count++] = asset;
    return 0;
}

/* Reads one line; returns what is wrong, or NULL. */
static const char *read_line(void *arg, char *line)
{
    struct assets *a = arg;
    char *save = NULL;
    const char *prefix = strtok_r(line, "\t", &save);
    const char *class = strtok_r(NULL, "\t", &save);
    const char *label = strtok_r(NULL, "\t", &save);
    struct addr net;
    unsigned bits;
    if (!prefix || !class)
        return "needs a prefix and a class, separated by a tab";
    if (addr_parse_prefix(prefix, &net, &bits))
        return "the prefix is not an address or ADDRESS/BITS";
    if (assets_add(a, prefix, class, label ? label : ""))
        return "the class is not critical, government-core, network, government, business or "
               "residential";
    return NULL;
}

/* ---- finding --------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct asset *x = a, *y = b;
    int d = addr_compare(&x->net, &y->net);
    if (!d)
        d = (x->bits > y->bits) - (x->bits < y->bits);
    return d ? d : x->line > y->line ? 1 : -1;
}

/* The first address behind a prefix; false when there is none. */
static bool behind(const struct asset *a, struct addr *out)
{
    *out = a->net;
    if (!a->bits)
        return false;
    unsigned step = 1u << (7 - (a->bits - 1) % 8);
    for (int i = (int)(a->bits - 1) / 8; i >= 0; i--, step = 1) {
        unsigned sum = out->bytes[i] + step;
        out->bytes[i] = (uint8_t)sum;
        if (sum < 256)
            return true;
    }
    return false;
}

static void add_stretch(struct assets *a, const struct addr *start, const struct asset *asset)
{
    if (a->stretch_count && !addr_compare(&a->stretches[a->stretch_count - 1].start, start))
        a->stretch_count--;
    a->stretches[a->stretch_count++] = (struct stretch){ *start, asset };
}

/* Go back to what is around the innermost open prefix, at its end. */
static void close_prefix(struct assets *a, const struct asset *open[], unsigned *depth)
{
    struct addr end;
    const struct asset *closed = open[--*depth];
    if (behind(closed, &end))
        add_stretch(a, &end, *depth ? open[*depth - 1] : NULL);
}

/* Prefixes lie in each other or apart: one walk in their order makes the stretches. */
void assets_ready(struct assets *a)
{
    const struct asset *open[130];
    unsigned depth = 0;
    free(a->stretches);
    a->stretches = NULL;
    a->stretch_count = 0;
    if (!a->count)
        return;
    qsort(a->items, a->count, sizeof *a->items, by_place);
    a->stretches = xcalloc(2 * a->count, sizeof *a->stretches);
    for (size_t i = 0; i < a->count; i++) {
        const struct asset *it = &a->items[i];
        while (depth && !addr_in_prefix(&it->net, &open[depth - 1]->net, open[depth - 1]->bits))
            close_prefix(a, open, &depth);
        if (depth && open[depth - 1]->bits == it->bits)
            depth--; /* the same prefix once more: the later line holds */
        add_stretch(a, &it->net, it);
        open[depth++] = it;
    }
    while (depth)
        close_prefix(a, open, &depth);
}

static const struct asset *find(const struct assets *a, const struct addr *host)
{
    size_t low = 0, high = a ? a->stretch_count : 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (addr_compare(&a->stretches[mid].start, host) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? a->stretches[low - 1].asset : NULL;
}

bool assets_know(const struct assets *a, const struct addr *host)
{
    return find(a, host) != NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

struct assets *assets_open(const char *path, char *why, size_t why_len)
{
    struct assets *a = xcalloc(1, sizeof *a);
    if (lines_read(path, ASSETS_MAX, read_line, a, why, why_len)) {
        assets_close(a);
        return NULL;
    }
    assets_ready(a);
    return a;
}

struct assets *assets_copy(const struct assets *a)
{
    struct assets *out = xcalloc(1, sizeof *out);
    for (size_t i = 0; a && i < a->count; i++) {
        out->items = xreallocarray(out->items, out->count + 1, sizeof *out->items);
        out->items[out->count] = a->items[i];
        out->items[out->count++].label = xstrdup(a->items[i].label);
    }
    assets_ready(out);
    return out;
}

void assets_close(struct assets *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++)
        free(a->items[i].label);
    free(a->items);
    free(a->stretches);
    free(a);
}

unsigned assets_points(const struct assets *a, const struct addr *host, const char **class_,
                       const char **label)
{
    const struct asset *best = find(a, host);
    *class_ = best ? best->class->text : "asset not known, taken as business";
    *label = best ? best->label : "";
    return best ? best->class->points : 40;
}
