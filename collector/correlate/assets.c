/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind an address: the operator's table of assets. */
#include "config.h"
#include "collector/correlate/score.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/xalloc.h"

/** Longest table. */
#define ASSETS_MAX (1u << 20)

static const struct class {
    const char *word;
    unsigned points;
    const char *text;
} classes[] = {
    {"critical",         80, "critical infrastructure"     },
    { "government-core", 70, "core of government"          },
    { "network",         65, "core of a provider's network"},
    { "government",      50, "government"                  },
    { "business",        40, "business"                    },
    { "residential",     20, "residential"                 },
};

struct asset {
    struct addr net;
    unsigned bits;
    const struct class *class;
    char *label;
};

struct assets {
    struct asset *items;
    size_t count;
};

/* Reads one line; returns what is wrong, or NULL. */
static const char *read_line(struct assets *a, char *line)
{
    char *save = NULL;
    const char *prefix = strtok_r(line, "\t", &save);
    const char *class = strtok_r(NULL, "\t", &save);
    const char *label = strtok_r(NULL, "\t", &save);
    struct asset asset = { .bits = 0 };
    if (!prefix || !class)
        return "needs a prefix and a class, separated by a tab";
    if (addr_parse_prefix(prefix, &asset.net, &asset.bits))
        return "the prefix is not an address or ADDRESS/BITS";
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (!strcmp(classes[i].word, class))
            asset.class = &classes[i];
    if (!asset.class)
        return "the class is not critical, government-core, network, government, business or "
               "residential";
    asset.label = xstrdup(label ? label : "");
    a->items = xreallocarray(a->items, a->count + 1, sizeof *a->items);
    a->items[a->count++] = asset;
    return NULL;
}

struct assets *assets_open(const char *path, char *why, size_t why_len)
{
    struct assets *a = xcalloc(1, sizeof *a);
    struct buf file;
    unsigned number = 0;
    const char *wrong = NULL;
    buf_init(&file, ASSETS_MAX);
    int err = file_read(path, &file);
    if (err)
        snprintf(why, why_len, "%s: %s", path, err == ABENG_EIO ? strerror(errno) : err_text(err));
    (void)buf_str(&file);
    for (char *line = err ? NULL : (char *)file.data, *next; line && !wrong; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        number++;
        if (*line && *line != '#' && (wrong = read_line(a, line)))
            snprintf(why, why_len, "%s:%u: %s", path, number, wrong);
    }
    buf_free(&file);
    if (err || wrong) {
        assets_close(a);
        return NULL;
    }
    return a;
}

void assets_close(struct assets *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++)
        free(a->items[i].label);
    free(a->items);
    free(a);
}

unsigned assets_points(const struct assets *a, const struct addr *host, const char **class_,
                       const char **label)
{
    const struct asset *best = NULL;
    for (size_t i = 0; a && i < a->count; i++)
        if ((!best || a->items[i].bits > best->bits) &&
            addr_in_prefix(host, &a->items[i].net, a->items[i].bits))
            best = &a->items[i];
    *class_ = best ? best->class->text : "asset not known, taken as business";
    *label = best ? best->label : "";
    return best ? best->class->points : 40;
}
