/* SPDX-License-Identifier: Apache-2.0 */
/* Reputation lists become tables. */
#include "config.h"
#include "signatures/reputation.h"

#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "signatures/parse.h"
#include "signatures/parser.h"

struct parser_reputation {
    struct addr addr;
    uint32_t seq;
    uint8_t bits, category, score;
};

/* ---- reading --------------------------------------------------------------------------------- */

static unsigned each_line(const char *text, size_t len, bool (*take)(void *arg, struct text line),
                          void *arg)
{
    struct text rest = { text, len }, line;
    unsigned bad = 0;
    while (rest.len) {
        const char *end = memchr(rest.at, '\n', rest.len);
        size_t n = end ? (size_t)(end - rest.at) : rest.len;
        line = text_trim((struct text){ rest.at, n });
        rest = (struct text){ rest.at + n + (end != NULL), rest.len - n - (end != NULL) };
        if (line.len && line.at[0] != '#' && !take(arg, line))
            bad++;
    }
    return bad;
}

static bool take_category(void *arg, struct text line)
{
    struct sig_parser *p = arg;
    struct text number, name;
    uint64_t n;
    if (!text_cut(&line, ',', &number) || !text_cut(&line, ',', &name) ||
        text_u64(number, REPUTATION_CATEGORIES - 1, &n) || n == 0 || !name.len)
        return false;
    p->categories[n] = arena_strndup(p->scratch, name.at, name.len);
    return true;
}

unsigned sig_parser_read_categories(struct sig_parser *p, const char *text, size_t len)
{
    return each_line(text, len, take_category, p);
}

static bool read_address(struct text t, struct parser_reputation *out)
{
    char text[64];
    unsigned bits;
    if (t.len >= sizeof(text))
        return false;
    memcpy(text, t.at, t.len);
    text[t.len] = 0;
    if (addr_parse_prefix(text, &out->addr, &bits))
        return false;
    out->bits = (uint8_t)(strchr(text, '/') ? bits : REPUTATION_HOST);
    for (unsigned i = bits; i < 128; i++)
        out->addr.bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
    return true;
}

static bool take_reputation(void *arg, struct text line)
{
    struct sig_parser *p = arg;
    struct parser_reputation r = { .seq = p->reputation_count };
    struct text address, category, score;
    uint64_t c, s;
    if (!text_cut(&line, ',', &address) || !text_cut(&line, ',', &category) ||
        !text_cut(&line, ',', &score) || text_u64(category, REPUTATION_CATEGORIES - 1, &c) ||
        c == 0 || text_u64(score, REPUTATION_SCORE_MAX, &s) || !read_address(address, &r))
        return false;
    if (p->reputation_count == REPUTATION_ENTRIES_MAX)
        return false;
    r.category = (uint8_t)c;
    r.score = (uint8_t)s;
    PARSER_ROOM(p->reputations, p->reputation_count, p->reputation_cap);
    p->reputations[p->reputation_count++] = r;
    return true;
}

unsigned sig_parser_read_reputation(struct sig_parser *p, const char *text, size_t len)
{
    return each_line(text, len, take_reputation, p);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Longest first, then by address, and of the same the later line last. */
static int compare(const void *left, const void *right)
{
    const struct parser_reputation *a = left, *b = right;
    int c = (b->bits > a->bits) - (b->bits < a->bits);
    if (!c)
        c = addr_compare(&a->addr, &b->addr);
    return c ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

static bool same_place(const struct parser_reputation *a, const struct parser_reputation *b)
{
    return a->bits == b->bits && addr_compare(&a->addr, &b->addr) == 0;
}

/* Those of a category, each place once, and every address that stands by itself: it hides the
 * networks around it, with score 0 where its lines say nothing of the category. */
static uint32_t choose(const struct sig_parser *p, uint8_t category, struct parser_reputation *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->reputation_count; i++) {
        struct parser_reputation r = p->reputations[i];
        bool mine = r.category == category;
        if (!mine && r.bits != REPUTATION_HOST)
            continue;
        bool known = count && same_place(&out[count - 1], &r);
        if (!known)
            out[count++] = r;
        if (mine)
            out[count - 1].score = r.score;
        else if (!known)
            out[count - 1].score = 0;
    }
    return count;
}

static void write_table(const struct parser_reputation *all, uint32_t count, struct buf *out)
{
    uint32_t groups = 0;
    for (uint32_t i = 0; i < count; i++)
        groups += i == 0 || all[i].bits != all[i - 1].bits;
    buf_add(out, &groups, sizeof(groups));
    for (uint32_t i = 0, first = 0; i < count; i++) {
        if (i + 1 < count && all[i + 1].bits == all[i].bits)
            continue;
        uint32_t group[2] = { all[i].bits, i + 1 - first };
        buf_add(out, group, sizeof(group));
        first = i + 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        buf_add(out, all[i].addr.bytes, sizeof(all[i].addr.bytes));
        buf_byte(out, all[i].score);
    }
}

static uint8_t find_category(const struct sig_parser *p, struct text name)
{
    for (unsigned i = 1; i < REPUTATION_CATEGORIES; i++) {
        if (p->categories[i] && text_is(name, p->categories[i]))
            return (uint8_t)i;
    }
    return 0;
}

int reputation_table(struct draft *d, struct text category, struct sig_bytes *out)
{
    struct sig_parser *p = d->parser;
    uint8_t number = find_category(p, category);
    if (!number)
        return draft_refuse(d,
                            "iprep: no category %.*s: name it in reputation-categories-file, or in "
                            "the bundle's categories.txt",
                            (int)(category.len < 60 ? category.len : 60), category.at);
    *out = p->reputation_tables[number];
    if (out->len)
        return 0;
    if (p->reputation_count)
        qsort(p->reputations, p->reputation_count, sizeof(*p->reputations), compare);
    struct parser_reputation *chosen = xcalloc(p->reputation_count + 1, sizeof(*chosen));
    struct buf table;
    buf_init(&table, PARSER_BLOB_MAX);
    write_table(chosen, choose(p, number, chosen), &table);
    free(chosen);
    *out = table.bad ? (struct sig_bytes){ 0, 0 } : draft_blob_add(d, table.data, table.len);
    buf_free(&table);
    if (!out->len)
        return draft_refuse(d, "iprep: the lists of category %.*s do not fit", (int)category.len,
                            category.at);
    p->reputation_tables[number] = *out;
    p->blob_kept = p->set->blob_len; /* it stays, also when this rule is refused */
    return 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static uint32_t number_at(const uint8_t *table, size_t i)
{
    uint32_t n;
    memcpy(&n, table + i * sizeof(n), sizeof(n));
    return n;
}

bool reputation_ok(const uint8_t *table, uint32_t len)
{
    uint32_t groups = len >= 4 ? number_at(table, 0) : UINT32_MAX;
    if (groups > REPUTATION_HOST + 1 || len < 4 + 8 * groups)
        return false;
    uint64_t entries = 0;
    for (uint32_t i = 0; i < groups; i++) {
        if (number_at(table, 1 + 2 * i) > REPUTATION_HOST)
            return false;
        entries += number_at(table, 2 + 2 * i);
    }
    return entries * REPUTATION_ENTRY == len - 4 - 8 * groups;
}

/* Among the `count` sorted entries of a group; -1: not there. */
static int group_score(const uint8_t *entries, uint32_t count, const struct addr *a)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint8_t *e = entries + (size_t)middle * REPUTATION_ENTRY;
        int c = memcmp(e, a->bytes, sizeof(a->bytes));
        if (c == 0)
            return e[sizeof(a->bytes)];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

int reputation_score(const uint8_t *table, const struct addr *a)
{
    uint32_t groups = number_at(table, 0);
    const uint8_t *entries = table + 4 + 8 * (size_t)groups;
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t bits = number_at(table, 1 + 2 * i), count = number_at(table, 2 + 2 * i);
        struct addr net = *a;
        for (unsigned k = bits / 8; bits < 128 && k < sizeof(net.bytes); k++)
            net.bytes[k] &= k == bits / 8 ? (uint8_t) ~(0xffu >> bits % 8) : 0;
        int score = group_score(entries, count, &net);
        if (score >= 0)
            return score;
        entries += (size_t)count * REPUTATION_ENTRY;
    }
    return -1;
}
