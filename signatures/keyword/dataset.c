/* SPDX-License-Identifier: Apache-2.0 */
/* dataset, datarep: whether the buffer at hand is a value of a list, and what the list says of it.
 * filemd5 and its like: whether a file's digest is. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <stdio.h>
#include <string.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/xalloc.h"
#include "signatures/lists.h"
#include "signatures/parser.h"

/* Longest name of a dataset, as in the reference. */
#define NAME_MAX_LEN 63
/* Datasets of all rules together. */
#define DATASETS_MAX 4096
/* Of a channel's name, and of a file's: together a name that the monitor takes. */
#define SOURCE_MAX_LEN 40
#define NAME_FILE_MAX  80

/* What the options of either keyword say; texts without `at` were not there. */
struct options {
    struct text name, load, state, save;
    enum list_kind kind;
    uint64_t memory;
};

/* "10mb", as the reference writes sizes. */
static bool read_size(struct text t, uint64_t *out)
{
    static const char *const units[] = { "b", "kb", "mb", "gb" };
    struct text digits = text_digits(t), unit = { t.at + digits.len, t.len - digits.len };
    unit = text_trim(unit);
    if (text_u64(digits, UINT32_MAX, out))
        return false;
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        /* b, kb and so on, and kib */
        bool is = text_is_nocase(unit, units[i]) ||
                  (i > 0 && unit.len == 3 && (unit.at[1] == 'i' || unit.at[1] == 'I') &&
                   (unit.at[0] | 0x20) == units[i][0]);
        if (is)
            *out <<= 10 * i;
        if (is)
            return true;
    }
    return unit.len == 0;
}

static int option(struct draft *d, struct text t, struct options *o)
{
    uint64_t n;
    if (text_skip(&t, "type ")) {
        o->kind = text_is(text_trim(t), "ipv6") ? LIST_IP : lists_kind_find(text_trim(t));
        return o->kind == LIST_KINDS || o->kind == LIST_SHA1
                   ? draft_refuse(d, "dataset: type string, md5, sha256, ipv4 or ip")
                   : 0;
    }
    if (text_skip(&t, "load "))
        o->load = text_trim(t);
    else if (text_skip(&t, "state "))
        o->state = text_trim(t);
    else if (text_skip(&t, "save "))
        o->save = text_trim(t);
    else if (text_skip(&t, "memcap ") && read_size(text_trim(t), &o->memory))
        return 0;
    else if (text_skip(&t, "hashsize ") && read_size(text_trim(t), &n))
        return 0; /* the table has as many places as its memory has room for */
    else
        return draft_refuse(d, "dataset: '%.*s' is not understood", (int)(t.len < 40 ? t.len : 40),
                            t.at);
    return 0;
}

static int options(struct draft *d, struct text value, struct options *o)
{
    struct text t;
    while (text_cut(&value, ',', &t)) {
        if (option(d, t, o))
            return ABENG_EFORMAT;
    }
    if (o->state.len && (o->load.len || o->save.len))
        return draft_refuse(d, "dataset: state is load and save in one; they don't stand with it");
    return 0;
}

/* A channel's datasets and their files have its name before theirs. */
static const char *own_name(struct draft *d, const char *between, struct text name)
{
    char text[SOURCE_MAX_LEN + NAME_FILE_MAX + 2];
    const char *source = d->parser->source;
    if (!source || !name.len)
        return arena_strndup(d->set->arena, name.len ? name.at : "", name.len);
    snprintf(text, sizeof(text), "%.*s%s%.*s", SOURCE_MAX_LEN, source, between,
             (int)(name.len < NAME_FILE_MAX ? name.len : NAME_FILE_MAX), name.at);
    return arena_strdup(d->set->arena, text);
}

/* What a file is known by: folders don't matter. */
static const char *file_name(struct draft *d, struct text path)
{
    const char *slash = path.len ? memrchr(path.at, '/', path.len) : NULL;
    if (slash)
        path = (struct text){ slash + 1, path.len - (size_t)(slash + 1 - path.at) };
    return own_name(d, "-", path);
}

static struct sig_dataset *known(struct draft *d, struct text name)
{
    const char *own = own_name(d, ":", name);
    for (uint32_t i = 0; i < d->set->dataset_count; i++) {
        if (strcmp(own, d->set->datasets[i].name) == 0)
            return &d->set->datasets[i];
    }
    return NULL;
}

/* A later rule need not say the files again, and may not say others. */
static int agree(struct draft *d, const struct sig_dataset *s, const struct options *o)
{
    const char *load = file_name(d, o->state.len ? o->state : o->load);
    const char *save = file_name(d, o->state.len ? o->state : o->save);
    if (o->kind != LIST_KINDS && o->kind != s->kind)
        return draft_refuse(d, "dataset %s is of another type in an earlier rule", s->name);
    if ((*load || *save) && (strcmp(load, s->load) != 0 || strcmp(save, s->save) != 0))
        return draft_refuse(d, "dataset %s has other files in an earlier rule", s->name);
    return 0;
}

static int define(struct draft *d, const struct options *o)
{
    struct sig_dataset s = { .kind = (uint8_t)o->kind, .memory = o->memory };
    if (o->kind == LIST_KINDS)
        return draft_refuse(d, "dataset %.*s is not known from an earlier rule: type is needed",
                            (int)o->name.len, o->name.at);
    if (!o->name.len || o->name.len > NAME_MAX_LEN)
        return draft_refuse(d, "dataset: a name has 1 to %d characters", NAME_MAX_LEN);
    if (d->set->dataset_count >= DATASETS_MAX)
        return draft_refuse(d, "dataset: the rules have more than %d of them", DATASETS_MAX);
    if (o->load.len && lists_table(d, o->load, o->kind, LIST_KEYS, &s.table))
        return ABENG_EFORMAT;
    s.name = own_name(d, ":", o->name);
    s.load = file_name(d, o->state.len ? o->state : o->load);
    s.save = file_name(d, o->state.len ? o->state : o->save);
    s.has_state = o->state.len > 0;
    s.key_len = (uint8_t)lists_key_len(o->kind);
    s.changes = *s.save != 0;
    PARSER_ROOM(d->set->datasets, d->set->dataset_count, d->parser->dataset_cap);
    d->set->datasets[d->set->dataset_count++] = s;
    return 0;
}

static struct sig_op *set_op(struct draft *d, struct text argument, struct sig_bytes table,
                             enum list_kind kind)
{
    struct sig_bytes text = draft_blob_add(d, argument.at, argument.len);
    struct sig_op *op = text.len ? draft_op_add(d, d->current, SIG_OP_DATASET) : NULL;
    if (!op)
        return NULL;
    op->u.set.table = table;
    op->u.set.text = text;
    op->u.set.key_len = (uint8_t)lists_key_len(kind);
    return op;
}

static const struct {
    const char *word;
    enum sig_set_command command;
} commands[] = {
    { "isset", SIG_SET_HAS },
    { "isnotset", SIG_SET_HAS },
    { "set", SIG_SET_ADD },
    { "unset", SIG_SET_REMOVE },
};

static int parse_dataset(struct draft *d, struct text value)
{
    struct text all = value, command;
    struct options o = { .kind = LIST_KINDS };
    unsigned c = 0;
    if (!(d->said & DRAFT_STICKY))
        return draft_refuse(d, "dataset: there is no sticky buffer before it");
    if (!text_cut(&value, ',', &command) || !text_cut(&value, ',', &o.name))
        return draft_refuse(d, "dataset: isset, isnotset, set or unset, then a name");
    while (c < sizeof(commands) / sizeof(commands[0]) && !text_is(command, commands[c].word))
        c++;
    if (c == sizeof(commands) / sizeof(commands[0]))
        return draft_refuse(d, "dataset: isset, isnotset, set or unset");
    if (options(d, value, &o))
        return ABENG_EFORMAT;
    struct sig_dataset *s = known(d, o.name);
    if (s ? agree(d, s, &o) : define(d, &o))
        return ABENG_EFORMAT;
    s = known(d, o.name);
    struct sig_op *op = set_op(d, all, s->table, (enum list_kind)s->kind);
    if (!op)
        return ABENG_EFORMAT;
    op->u.set.dataset = (uint16_t)(s - d->set->datasets + 1);
    op->u.set.command = (uint8_t)commands[c].command;
    op->flags = text_is(command, "isnotset") ? SIG_F_NEGATED : 0;
    s->changes |= commands[c].command != SIG_SET_HAS;
    return 0;
}

static const struct {
    const char *sign;
    enum sig_compare compare;
} signs[] = {
    {">",   SIG_CMP_GT},
    { "<",  SIG_CMP_LT},
    { ">=", SIG_CMP_GE},
    { "<=", SIG_CMP_LE},
    { "==", SIG_CMP_EQ},
    { "!=", SIG_CMP_NE}
};

static int parse_datarep(struct draft *d, struct text value)
{
    struct text all = value, sign, number;
    struct options o = { .kind = LIST_KINDS };
    struct sig_bytes table;
    uint64_t n;
    uint8_t compare = 0;
    bool known = false;
    if (!(d->said & DRAFT_STICKY))
        return draft_refuse(d, "datarep: there is no sticky buffer before it");
    if (!text_cut(&value, ',', &o.name) || !text_cut(&value, ',', &sign) ||
        !text_cut(&value, ',', &number) || text_u64(number, UINT16_MAX, &n))
        return draft_refuse(d, "datarep: name, operator, number, load, type");
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (text_is(sign, signs[i].sign)) {
            compare = (uint8_t)signs[i].compare;
            known = true;
        }
    }
    if (!known)
        return draft_refuse(d, "datarep: the operator is >, <, >=, <=, == or !=");
    if (options(d, value, &o))
        return ABENG_EFORMAT;
    if (o.kind == LIST_KINDS || !o.load.len)
        return draft_refuse(d, "datarep: type and load are both needed");
    if (lists_table(d, o.load, o.kind, LIST_VALUES, &table))
        return ABENG_EFORMAT;
    struct sig_op *op = set_op(d, all, table, o.kind);
    if (!op)
        return ABENG_EFORMAT;
    op->u.set.by_value = 1;
    op->u.set.compare = compare;
    op->u.set.value = (uint16_t)n;
    return 0;
}

/* filemd5 and its like: [!]LIST, over the digest of a file that is whole. */
static int parse_digest(struct draft *d, struct text value, enum list_kind kind,
                        enum sig_buffer buffer)
{
    struct sig_bytes table;
    uint32_t list, was = d->current;
    if (lists_table(d, value, kind, LIST_SUMS, &table) || draft_buffer_find(d, buffer, &list))
        return ABENG_EFORMAT;
    if (!table.len)
        return draft_refuse(d, "list %.*s holds no digest of this kind", (int)value.len, value.at);
    d->current = list;
    struct sig_op *op = set_op(d, value, table, kind);
    d->current = was;
    if (!op)
        return ABENG_EFORMAT;
    op->flags = d->negated ? SIG_F_NEGATED : 0;
    return 0;
}

static int parse_filemd5(struct draft *d, struct text value)
{
    return parse_digest(d, value, LIST_MD5, SIG_BUF_FILE_MD5);
}

static int parse_filesha1(struct draft *d, struct text value)
{
    return parse_digest(d, value, LIST_SHA1, SIG_BUF_FILE_SHA1);
}

static int parse_filesha256(struct draft *d, struct text value)
{
    return parse_digest(d, value, LIST_SHA256, SIG_BUF_FILE_SHA256);
}

const struct sig_keyword keywords_dataset[] = {
    { "filemd5", parse_filemd5, KEYWORD_NEGATABLE | KEYWORD_MAY_QUOTE, NULL },
    { "filesha1", parse_filesha1, KEYWORD_NEGATABLE | KEYWORD_MAY_QUOTE, NULL },
    { "filesha256", parse_filesha256, KEYWORD_NEGATABLE | KEYWORD_MAY_QUOTE, NULL },
    { "dataset", parse_dataset, 0, NULL },
    { "datarep", parse_datarep, 0, NULL },
    { NULL, NULL, 0, NULL },
};
