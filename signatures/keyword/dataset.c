/* SPDX-License-Identifier: Apache-2.0 */
/* dataset, datarep: whether the buffer at hand is a value of a list, and what the list says of it.
 * filemd5 and its like: whether a file's digest is. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <string.h>

#include "common/err.h"
#include "signatures/lists.h"

/* What the options of either keyword say. */
struct options {
    struct text name, file;
    enum list_kind kind;
};

static int option(struct draft *d, struct text t, struct options *o)
{
    struct text ignored;
    if (text_skip(&t, "type ")) {
        o->kind = lists_kind_find(text_trim(t));
        return o->kind == LIST_KINDS || o->kind == LIST_SHA1
                   ? draft_refuse(d, "dataset: type string, md5, sha256, ipv4 or ip")
                   : 0;
    }
    if (text_skip(&t, "load ")) {
        o->file = text_trim(t);
        return 0;
    }
    if (text_skip(&t, "state ") || text_skip(&t, "save "))
        return draft_refuse(d, "dataset: rules do not write lists on a sensor; use load");
    ignored = t; /* memory is the loader's business */
    if (text_skip(&ignored, "memcap ") || text_skip(&ignored, "hashsize "))
        return 0;
    return draft_refuse(d, "dataset: '%.*s' is not understood", (int)(t.len < 40 ? t.len : 40),
                        t.at);
}

/* The table that the options name; one that names no file is that of an earlier rule. */
static int find_table(struct draft *d, struct text value, struct options *o, enum list_lines lines,
                      struct sig_bytes *out)
{
    struct text t;
    o->kind = LIST_KINDS;
    o->file = (struct text){ NULL, 0 };
    while (text_cut(&value, ',', &t)) {
        if (option(d, t, o))
            return ABENG_EFORMAT;
    }
    if (o->kind == LIST_KINDS || !o->file.len)
        return draft_refuse(d, "dataset: type and load are both needed");
    return lists_table(d, o->file, o->kind, lines, out);
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

static int parse_dataset(struct draft *d, struct text value)
{
    struct text all = value, command;
    struct options o;
    struct sig_bytes table;
    if (!(d->said & DRAFT_STICKY))
        return draft_refuse(d, "dataset: there is no sticky buffer before it");
    if (!text_cut(&value, ',', &command) || !text_cut(&value, ',', &o.name))
        return draft_refuse(d, "dataset: isset or isnotset, name, type, load");
    bool isnot = text_is(command, "isnotset");
    if (text_is(command, "set") || text_is(command, "unset"))
        return draft_refuse(d, "dataset: rules do not write lists on a sensor; isset and isnotset "
                               "alone");
    if (!isnot && !text_is(command, "isset"))
        return draft_refuse(d, "dataset: isset or isnotset");
    if (find_table(d, value, &o, LIST_KEYS, &table))
        return ABENG_EFORMAT;
    struct sig_op *op = set_op(d, all, table, o.kind);
    if (!op)
        return ABENG_EFORMAT;
    op->flags = isnot ? SIG_F_NEGATED : 0;
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
    struct options o;
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
    if (find_table(d, value, &o, LIST_VALUES, &table))
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
