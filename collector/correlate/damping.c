/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that take likelihood away. */
#include "config.h"
#include "collector/correlate/damping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/classify.h"
#include "collector/correlate/indicator.h"
#include "collector/correlate/lines.h"
#include "collector/correlate/signal.h"
#include "common/addr.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/state.h"
#include "common/xalloc.h"

/** Longest table. */
#define TABLE_MAX (1u << 20)

static const struct {
    const char *word;
    double share;
} lists[DAMPING_LISTS] = {
    [DAMPING_SCANNER] = { "scanner", .2 },
    [DAMPING_MAINTENANCE] = { "maintenance", .3 },
    [DAMPING_HONEYPOT] = { "honeypot", .5 },
    [DAMPING_WARNING] = { "warninglist", .3 },
};

struct entry {
    enum damping_list list;
    char match[DAMPING_MATCH_MAX];
    bool is_net;
    struct addr net;
    unsigned bits;
    char state[4];     /* "" all */
    uint64_t until_ms; /* 0: for ever */
};

struct damping {
    struct entry *entries;
    size_t count;
};

const char *damping_word(enum damping_list list)
{
    return lists[list].word;
}

double damping_share(enum damping_list list)
{
    return lists[list].share;
}

int damping_list_find(const char *word)
{
    for (int i = 0; i < DAMPING_LISTS; i++)
        if (!strcmp(lists[i].word, word))
            return i;
    return ABENG_ENOENT;
}

/* A name with at least one letter, so that a mistyped address does not pass for one. */
static bool valid_name(const char *match)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char others[] = "0123456789-._*";
    bool letter = false;
    for (const char *c = match; *c; c++) {
        letter |= strchr(letters, *c) != NULL;
        if (!strchr(letters, *c) && !strchr(others, *c))
            return false;
    }
    return letter;
}

bool damping_match_valid(const char *match)
{
    struct addr net;
    unsigned bits;
    return *match && strlen(match) < DAMPING_MATCH_MAX &&
           (!addr_parse_prefix(match, &net, &bits) || valid_name(match));
}

struct damping *damping_create(void)
{
    return xcalloc(1, sizeof(struct damping));
}

void damping_free(struct damping *d)
{
    if (!d)
        return;
    free(d->entries);
    free(d);
}

int damping_add(struct damping *d, const char *list, const char *match, const char *state,
                uint64_t until_ms)
{
    struct entry e = { .until_ms = until_ms };
    int which = damping_list_find(list);
    if (which < 0 || !damping_match_valid(match) || (state && state_find(state, strlen(state)) < 0))
        return ABENG_EINVAL;
    if (d->count == DAMPING_MAX)
        return ABENG_ELIMIT;
    e.list = (enum damping_list)which;
    snprintf(e.match, sizeof e.match, "%s", match);
    snprintf(e.state, sizeof e.state, "%s", state ? state : "");
    e.is_net = !addr_parse_prefix(match, &e.net, &e.bits);
    d->entries = xreallocarray(d->entries, d->count + 1, sizeof *d->entries);
    d->entries[d->count++] = e;
    return 0;
}

/* ---- the installed table --------------------------------------------------------------------- */

/* Reads one line; returns what is wrong, or NULL. */
static const char *read_line(void *arg, char *line)
{
    struct damping *d = arg;
    char *column[5] = { NULL }, *save = NULL;
    unsigned n = 0;
    uint64_t until_ns = 0;
    for (char *word = strtok_r(line, "\t", &save); word && n < 5;
         word = strtok_r(NULL, "\t", &save))
        column[n++] = word;
    if (n < 4)
        return "needs list, match, state or -, end or -, separated by tabs";
    if (damping_list_find(column[0]) < 0)
        return "the list is not scanner, maintenance, honeypot or warninglist";
    if (!damping_match_valid(column[1]))
        return "the match is no address, ADDRESS/BITS or name";
    if (strcmp(column[3], "-") != 0 && clock_parse(column[3], strlen(column[3]), &until_ns))
        return "the end is not - or a time in RFC 3339";
    int err = damping_add(d, column[0], column[1], strcmp(column[2], "-") ? column[2] : NULL,
                          until_ns / NS_PER_MS);
    return err == ABENG_ELIMIT ? "there are more than 2000 entries"
           : err               ? "the state is not the code of a member"
                               : NULL;
}

int damping_read(struct damping *d, const char *path, char *why, size_t why_len)
{
    return lines_read(path, TABLE_MAX, read_line, d, why, why_len) ? ABENG_EFORMAT : 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool holds(const struct entry *e, const char *state, uint64_t at_ms)
{
    return (!*e->state || !strcmp(e->state, state)) && (!e->until_ms || at_ms < e->until_ms);
}

static bool holds_addr(const struct entry *e, const struct addr *a)
{
    return e->is_net && addr_in_prefix(a, &e->net, e->bits);
}

static bool holds_name(const struct entry *e, const struct signal *s)
{
    for (unsigned i = 0; i < s->called.count && !e->is_net; i++)
        if (classify_glob(e->match, s->called.name[i], strlen(s->called.name[i])))
            return true;
    return false;
}

static bool holds_signal(const struct entry *e, const struct signal *s)
{
    switch (e->list) {
    case DAMPING_SCANNER:
        return holds_addr(e, &s->peer);
    case DAMPING_MAINTENANCE:
    case DAMPING_HONEYPOT:
        return holds_addr(e, &s->victim);
    case DAMPING_WARNING:
    case DAMPING_LISTS:
        break;
    }
    /* Behind a name that is on no list may stand an address that serves everybody. */
    return s->called.count ? holds_name(e, s) : holds_addr(e, &s->peer);
}

const char *damping_find(const struct damping *d, enum damping_list list, const char *state,
                         const struct signal *s)
{
    for (size_t i = 0; d && i < d->count; i++) {
        const struct entry *e = &d->entries[i];
        if (e->list == list && holds(e, state, s->last_ms) && holds_signal(e, s))
            return e->match;
    }
    return NULL;
}

bool damping_warns(const struct damping *d, const char *state, const struct indicator *i,
                   uint64_t now_ms)
{
    struct addr a;
    bool is_addr = i->type == INDICATOR_IP && !addr_parse(i->value, &a);
    for (size_t k = 0; d && k < d->count; k++) {
        const struct entry *e = &d->entries[k];
        if (e->list != DAMPING_WARNING || !holds(e, state, now_ms))
            continue;
        if (is_addr ? holds_addr(e, &a)
                    : !e->is_net && classify_glob(e->match, i->value, strlen(i->value)))
            return true;
    }
    return false;
}
