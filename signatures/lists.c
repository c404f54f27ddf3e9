/* SPDX-License-Identifier: Apache-2.0 */
/* Lists become tables. */
#include "config.h"
#include "signatures/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/arena.h"
#include "common/base64.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/xalloc.h"
#include "signatures/parse.h"
#include "signatures/parser.h"
#include "signatures/reputation.h"

/* Longest value of a list of strings, before and after its base64 is undone. */
#define TEXT_MAX 65536u

static const struct {
    const char *word;
    uint32_t len;
} kinds[LIST_KINDS] = {
    [LIST_STRING] = { "string", 0 },  [LIST_MD5] = { "md5", 16 },  [LIST_SHA1] = { "sha1", 20 },
    [LIST_SHA256] = { "sha256", 32 }, [LIST_IPV4] = { "ipv4", 4 }, [LIST_IP] = { "ip", 16 },
};

struct entry {
    uint32_t at, len, value; /* key: in `keys` */
};

/* A table being made. */
struct table {
    struct draft *d;
    struct text file;
    enum list_kind kind;
    struct buf keys;
    struct entry *entries;
    uint32_t count, cap;
};

uint32_t lists_key_len(enum list_kind kind)
{
    return kinds[kind].len;
}

enum list_kind lists_kind_find(struct text word)
{
    unsigned k = 0;
    while (k < LIST_KINDS && !text_is(word, kinds[k].word))
        k++;
    return (enum list_kind)k;
}

void sig_parser_add_list(struct sig_parser *p, const char *name, const char *text, size_t len)
{
    PARSER_ROOM(p->lists, p->list_count, p->list_cap);
    p->lists[p->list_count++] = (struct parser_list){ arena_strdup(p->scratch, name),
                                                      arena_memdup(p->scratch, text, len), len };
}

void sig_parser_begin_source(struct sig_parser *p, const char *channel)
{
    p->source = arena_strdup(p->scratch, channel);
    memset(p->categories, 0, REPUTATION_CATEGORIES * sizeof(*p->categories));
    memset(p->reputation_tables, 0, REPUTATION_CATEGORIES * sizeof(*p->reputation_tables));
    p->reputation_count = 0;
    p->list_count = 0;
    p->table_count = 0;
}

static bool ends_name(char c)
{
    return c == ',' || c == ';' || c == ')' || c == '"' || c == ' ' || c == '\t' || c == '\n' ||
           c == '\r';
}

static const char *const leads[] = { "load ", "filemd5:", "filesha1:", "filesha256:", NULL };

/* `load` is an option behind a comma; the word alone stands in many messages. */
static bool is_lead(const char *text, const char *hit)
{
    const char *before = hit;
    if (*hit != 'l')
        return true;
    while (before > text && before[-1] == ' ')
        before--;
    return before > text && before[-1] == ',';
}

static struct text named_at(const char *at, const char *end)
{
    while (at < end && (*at == '!' || *at == ' ' || *at == '"'))
        at++;
    const char *from = at;
    for (; at < end && !ends_name(*at); at++) {
        if (*at == '/')
            from = at + 1;
    }
    return (struct text){ from, (size_t)(at - from) };
}

void lists_named(struct text all, void (*each)(void *arg, struct text name), void *arg)
{
    const char *end = all.at + all.len;
    for (unsigned i = 0; leads[i]; i++) {
        size_t len = strlen(leads[i]);
        const char *hit = all.at;
        while ((hit = memmem(hit, (size_t)(end - hit), leads[i], len))) {
            if (is_lead(all.at, hit))
                each(arg, named_at(hit + len, end));
            hit += len;
        }
    }
}

/* By the whole name, or by what stands behind the last slash of either. */
static uint32_t find(const struct sig_parser *p, struct text name)
{
    const char *slash = memrchr(name.at, '/', name.len);
    struct text base = name;
    if (slash)
        base = (struct text){ slash + 1, name.len - (size_t)(slash + 1 - name.at) };
    for (uint32_t i = 0; i < p->list_count; i++) {
        const char *end = strrchr(p->lists[i].name, '/');
        if (text_is(name, p->lists[i].name) || text_is(base, end ? end + 1 : p->lists[i].name))
            return i;
    }
    return UINT32_MAX;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool read_hex(struct text t, uint32_t len, struct buf *out)
{
    if (t.len != 2 * (size_t)len)
        return false;
    for (uint32_t i = 0; i < len; i++) {
        int high = text_hex_digit(t.at[2 * i]), low = text_hex_digit(t.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        buf_byte(out, (uint8_t)(high << 4 | low));
    }
    return true;
}

static bool read_base64(struct text t, struct buf *out)
{
    uint32_t bits = 0, have = 0;
    while (t.len && t.at[t.len - 1] == '=')
        t.len--;
    for (size_t i = 0; i < t.len; i++) {
        int v = base64_digit((uint8_t)t.at[i]);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_byte(out, (uint8_t)(bits >> have));
        }
    }
    return t.len > 0;
}

static bool read_address(struct text t, bool four, struct buf *out)
{
    char text[64];
    struct addr a;
    if (t.len >= sizeof(text))
        return false;
    memcpy(text, t.at, t.len);
    text[t.len] = 0;
    if (addr_parse(text, &a) || (four && !addr_is_v4(&a)))
        return false;
    buf_add(out, a.bytes + (four ? 12 : 0), four ? 4 : 16);
    return true;
}

bool lists_key_read(struct text t, enum list_kind kind, struct buf *out)
{
    switch (kind) {
    case LIST_STRING:
        return t.len <= TEXT_MAX && read_base64(t, out);
    case LIST_IPV4:
    case LIST_IP:
        return read_address(t, kind == LIST_IPV4, out);
    default:
        return read_hex(t, kinds[kind].len, out);
    }
}

static void write_base64(const uint8_t *key, uint32_t len, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (uint32_t i = 0; i < len; i += 3) {
        uint32_t left = len - i, v = (uint32_t)key[i] << 16;
        v |= left > 1 ? (uint32_t)key[i + 1] << 8 : 0;
        v |= left > 2 ? key[i + 2] : 0;
        buf_byte(out, (uint8_t)digits[v >> 18]);
        buf_byte(out, (uint8_t)digits[v >> 12 & 63]);
        buf_byte(out, (uint8_t)(left > 1 ? digits[v >> 6 & 63] : '='));
        buf_byte(out, (uint8_t)(left > 2 ? digits[v & 63] : '='));
    }
}

void lists_key_write(const void *key, uint32_t len, enum list_kind kind, struct buf *out)
{
    const uint8_t *bytes = key;
    struct addr a = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };
    char text[ADDR_TEXT_MAX];
    if (kind == LIST_STRING) {
        write_base64(bytes, len, out);
    } else if (kind == LIST_IPV4 || kind == LIST_IP) {
        memcpy(a.bytes + (kind == LIST_IPV4 ? 12 : 0), bytes, kind == LIST_IPV4 ? 4 : 16);
        addr_format(&a, text);
        buf_text(out, text);
    } else {
        for (uint32_t i = 0; i < len; i++)
            buf_printf(out, "%02x", bytes[i]);
    }
    buf_byte(out, '\n');
}

/* The hexadecimal digits that a line begins with. */
static struct text leading_hex(struct text line)
{
    size_t n = 0;
    while (n < line.len && text_hex_digit(line.at[n]) >= 0)
        n++;
    return (struct text){ line.at, n };
}

static int read_line(struct table *t, struct text line, uint32_t number, enum list_lines lines)
{
    struct text key = line;
    uint64_t value = 0;
    uint32_t at = (uint32_t)t->keys.len;
    bool ok = true, values = lines == LIST_VALUES;
    if (lines == LIST_SUMS) {
        key = leading_hex(line);
        if (key.len != 2 * (size_t)kinds[t->kind].len)
            return 0;
    }
    if (values)
        ok = text_cut(&line, ',', &key) && text_u64(text_trim(line), UINT16_MAX, &value) == 0;
    if (!ok || !lists_key_read(text_trim(key), t->kind, &t->keys))
        return draft_refuse(t->d, "list %.*s, line %u: no %s%s", (int)t->file.len, t->file.at,
                            number, kinds[t->kind].word, values ? ",VALUE" : "");
    if (t->count == LISTS_ENTRIES_MAX || t->keys.bad)
        return draft_refuse(t->d, "list %.*s has more than %u values", (int)t->file.len, t->file.at,
                            LISTS_ENTRIES_MAX);
    PARSER_ROOM(t->entries, t->count, t->cap);
    t->entries[t->count++] = (struct entry){ at, (uint32_t)t->keys.len - at, (uint32_t)value };
    return 0;
}

static int read_lines(struct table *t, const struct parser_list *list, enum list_lines lines)
{
    struct text rest = { list->text, list->len }, line;
    uint32_t number = 0;
    int rc = 0;
    while (!rc && rest.len) {
        const char *end = memchr(rest.at, '\n', rest.len);
        size_t n = end ? (size_t)(end - rest.at) : rest.len;
        line = text_trim((struct text){ rest.at, n });
        rest = (struct text){ rest.at + n + (end != NULL), rest.len - n - (end != NULL) };
        number++;
        if (line.len && line.at[0] != '#')
            rc = read_line(t, line, number, lines);
    }
    return rc;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right, void *arg)
{
    const struct table *t = arg;
    const struct entry *a = left, *b = right;
    uint32_t n = a->len < b->len ? a->len : b->len;
    int c = n ? memcmp(t->keys.data + a->at, t->keys.data + b->at, n) : 0;
    return c ? c : (a->len > b->len) - (a->len < b->len);
}

static int write_table(struct table *t, struct sig_bytes *out)
{
    struct buf table;
    struct sig_bytes keys = { 0, 0 };
    buf_init(&table, (size_t)LISTS_ENTRIES_MAX * 48);
    if (t->kind == LIST_STRING)
        keys = draft_blob_add(t->d, t->keys.data, t->keys.len);
    for (uint32_t i = 0; i < t->count; i++) {
        const struct entry *e = &t->entries[i];
        uint32_t place[2] = { keys.at + e->at, e->len };
        if (t->kind == LIST_STRING)
            buf_add(&table, place, sizeof(place));
        else
            buf_add(&table, t->keys.data + e->at, e->len);
        buf_add(&table, &e->value, sizeof(e->value));
    }
    *out = draft_blob_add(t->d, table.len ? (const void *)table.data : "", table.len);
    bool ok = !table.bad && t->d->reason[0] == 0;
    buf_free(&table);
    return ok ? 0 : draft_refuse(t->d, "list %.*s does not fit", (int)t->file.len, t->file.at);
}

int lists_table(struct draft *d, struct text file, enum list_kind kind, enum list_lines lines,
                struct sig_bytes *out)
{
    struct sig_parser *p = d->parser;
    uint32_t list = find(p, file);
    if (list == UINT32_MAX)
        return draft_refuse(d,
                            "no list %.*s: put it beside the rules file, name it in "
                            "list-files, or put it into the bundle",
                            (int)file.len, file.at);
    for (uint32_t i = 0; i < p->table_count; i++) {
        const struct parser_table *known = &p->tables[i];
        if (known->list == list && known->kind == kind && known->lines == lines) {
            *out = known->table;
            return 0;
        }
    }
    struct table t = { .d = d, .file = file, .kind = kind };
    buf_init(&t.keys, PARSER_BLOB_MAX);
    int rc = read_lines(&t, &p->lists[list], lines);
    if (!rc) {
        if (t.count)
            qsort_r(t.entries, t.count, sizeof(*t.entries), compare, &t);
        rc = write_table(&t, out);
    }
    if (!rc) {
        PARSER_ROOM(p->tables, p->table_count, p->table_cap);
        p->tables[p->table_count++] = (struct parser_table){ list, kind, lines, *out };
        p->blob_kept = p->set->blob_len; /* it stays, also when this rule is refused */
    }
    buf_free(&t.keys);
    free(t.entries);
    return rc;
}
