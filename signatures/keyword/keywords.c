/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all keyword tables, finding a name in it, and what many keywords share. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/xalloc.h"
#include "signatures/keywords.h"
#include "signatures/parser.h"

/* clang-format off */
const struct sig_keyword *const sig_keyword_tables[] = {
    keywords_app,
    keywords_asn1,
    keywords_base64,
    keywords_bits,
    keywords_bytes,
    keywords_content,
    keywords_csum,
    keywords_dataset,
    keywords_dcerpc,
    keywords_file,
    keywords_flow,
    keywords_frame,
    keywords_header,
    keywords_http2,
    keywords_meta,
    keywords_mqtt,
    keywords_dhcp,
    keywords_directory,
    keywords_ike,
    keywords_iprep,
    keywords_pcre,
    keywords_rfb,
    keywords_rpc,
    keywords_size,
    keywords_ssh,
    keywords_threshold,
    keywords_tls,
    keywords_transform,
    keywords_var,
    keywords_requires,
    keywords_refused,
    NULL,
};
/* clang-format on */

/* What a name stands for. */
struct meaning {
    const struct sig_keyword *keyword; /* NULL: a buffer */
    enum sig_buffer buffer;
    bool modifier;
};

struct keyword_index {
    struct arena *arena;
    struct names *names;
    struct meaning *meanings; /* by id */
    uint32_t cap;
};

static void add(struct keyword_index *x, const char *name, struct meaning m)
{
    if (!name || !*name)
        return;
    uint32_t id = names_id(x->names, text_of(name));
    if (id >= x->cap) {
        x->cap = (id + 1) * 2;
        x->meanings = xreallocarray(x->meanings, x->cap, sizeof(*x->meanings));
    }
    x->meanings[id] = m;
}

struct keyword_index *keyword_index_create(void)
{
    struct keyword_index *x = xcalloc(1, sizeof(*x));
    x->arena = arena_create(0);
    x->names = names_create(x->arena);
    for (unsigned i = 0; i < SIG_BUF_COUNT; i++) {
        const struct sig_buffer_def *def = sig_buffer_def((enum sig_buffer)i);
        add(x, def->name, (struct meaning){ NULL, (enum sig_buffer)i, false });
        add(x, def->aliases, (struct meaning){ NULL, (enum sig_buffer)i, false });
        add(x, def->modifier, (struct meaning){ NULL, (enum sig_buffer)i, true });
    }
    for (size_t t = 0; sig_keyword_tables[t]; t++) {
        for (const struct sig_keyword *k = sig_keyword_tables[t]; k->name; k++)
            add(x, k->name, (struct meaning){ k, SIG_BUF_COUNT, false });
    }
    return x;
}

void keyword_index_free(struct keyword_index *x)
{
    if (!x)
        return;
    names_free(x->names);
    arena_free(x->arena);
    free(x->meanings);
    free(x);
}

/* http_uri; and its like: the last content looks into that buffer instead. */
static int run_modifier(struct draft *d, enum sig_buffer buffer, const char *name)
{
    uint32_t list;
    struct draft_op *content = draft_op_last(d, SIG_OP_CONTENT);
    if (d->said & DRAFT_STICKY)
        return draft_refuse(d, "%s: a sticky buffer is still set; write pkt_data before it", name);
    if (!content || content->list != DRAFT_PAYLOAD)
        return draft_refuse(d, "%s: there is no content before it to be moved", name);
    if (content->op.flags & SIG_F_RAWBYTES)
        return draft_refuse(d, "%s can't be used with rawbytes", name);
    int rc = draft_buffer_find(d, buffer, &list);
    if (!rc)
        draft_op_move(d, content, list);
    return rc;
}

static int strip_quotes(struct draft *d, const struct sig_keyword *k, struct text *value)
{
    bool quoted = value->len >= 2 && value->at[0] == '"' && value->at[value->len - 1] == '"';
    bool any = value->len && value->at[0] == '"';
    if ((k->flags & KEYWORD_QUOTED) && !quoted)
        return draft_refuse(d, "%s: its value stands in double quotes", k->name);
    if (any && !(k->flags & (KEYWORD_QUOTED | KEYWORD_MAY_QUOTE)))
        return draft_refuse(d, "%s: its value stands without quotes", k->name);
    if (any && !quoted)
        return draft_refuse(d, "%s: a quote without its other one", k->name);
    if (quoted)
        *value = (struct text){ value->at + 1, value->len - 2 };
    d->quoted = quoted;
    return 0;
}

static int not_there(struct draft *d, struct text name)
{
    return draft_refuse(d, "%.*s: Suricata 7.0.10 has no such keyword; the profile abeng reads it",
                        (int)name.len, name.at);
}

static int run_keyword(struct draft *d, const struct sig_keyword *k, struct text value)
{
    if (!k->parse)
        return draft_refuse(d, "%s: %s", k->name, k->why);
    bool given = value.at && value.len;
    if (given && (k->flags & KEYWORD_NO_VALUE))
        return draft_refuse(d, "%s takes no value", k->name);
    if (!given && !(k->flags & (KEYWORD_NO_VALUE | KEYWORD_OPTIONAL)))
        return draft_refuse(d, "%s needs a value", k->name);
    d->negated = false;
    if (given && (k->flags & KEYWORD_NEGATABLE) && value.at[0] == '!') {
        d->negated = true;
        value = text_trim((struct text){ value.at + 1, value.len - 1 });
    }
    int rc = given ? strip_quotes(d, k, &value) : 0;
    if (rc)
        return rc;
    if (k->flags & KEYWORD_PACKET)
        d->said |= DRAFT_PACKET_ONLY;
    uint32_t ops = d->op_count, matched = d->said & DRAFT_FLOW_MATCH;
    rc = k->parse(d, value);
    if (d->op_count > ops || matched != (d->said & DRAFT_FLOW_MATCH)) {
        d->last_test = k->name;
        d->last_prefilters = k->flags & KEYWORD_PREFILTER;
    }
    return rc;
}

int keyword_index_run(const struct keyword_index *x, struct draft *d, struct text name,
                      struct text value)
{
    uint32_t id = names_find(x->names, name);
    if (id == UINT32_MAX)
        return draft_refuse(d, "unknown keyword '%.*s'", (int)(name.len < 40 ? name.len : 40),
                            name.at);
    const struct meaning *m = &x->meanings[id];
    bool beyond = m->keyword ? m->keyword->flags & KEYWORD_BEYOND
                             : sig_buffer_def(m->buffer)->flags & SIG_BUFFER_BEYOND;
    if (beyond && !d->parser->beyond)
        return not_there(d, name);
    if (m->keyword)
        return run_keyword(d, m->keyword, value);
    if (value.at && value.len)
        return draft_refuse(d, "%.*s takes no value", (int)name.len, name.at);
    const struct sig_buffer_def *def = sig_buffer_def(m->buffer);
    if (m->modifier)
        return run_modifier(d, m->buffer, def->modifier);
    return m->buffer == SIG_BUF_PAYLOAD ? draft_buffer_reset(d) : draft_buffer_open(d, m->buffer);
}

/* Decimal digits alone. */
static bool read_decimal(struct text t, uint64_t max, uint64_t *out)
{
    t = text_trim(t);
    return text_digits(t).len == t.len && text_u64(t, max, out) == 0;
}

/* "a<>b" and, for numbers without sign, "a-b": between, both ends excluded. */
static bool read_range(struct text v, uint64_t max, struct sig_op *op)
{
    for (size_t i = 1; i < v.len; i++) {
        size_t sep =
            v.at[i] == '-' ? 1 : (v.at[i] == '<' && i + 1 < v.len && v.at[i + 1] == '>') * 2u;
        if (!sep)
            continue;
        struct text low = { v.at, i }, high = { v.at + i + sep, v.len - i - sep };
        op->u.number.compare = SIG_CMP_RANGE;
        return read_decimal(low, max, &op->u.number.a) &&
               read_decimal(high, max, &op->u.number.b) && op->u.number.a < op->u.number.b &&
               op->u.number.b - op->u.number.a > 1;
    }
    return false;
}

/* "2kb": a number without sign may have a unit. */
static bool read_sized(struct text t, uint64_t max, uint64_t *out)
{
    static const char *const units[] = { "kb", "mb", "gb" };
    struct text digits = text_digits(t), unit = { t.at + digits.len, t.len - digits.len };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!text_is_nocase(unit, units[i]))
            continue;
        size_t shift = 10 * (i + 1);
        bool ok = read_decimal(digits, max >> shift, out);
        *out <<= shift;
        return ok;
    }
    return false;
}

/* What can't be, and what must be, is no test. */
static bool is_test(const struct sig_op *op, uint64_t max)
{
    uint8_t compare = op->u.number.compare;
    bool low = compare == SIG_CMP_LT || compare == SIG_CMP_GE;
    bool high = compare == SIG_CMP_GT || compare == SIG_CMP_LE;
    return !(low && op->u.number.a == 0) && !(high && op->u.number.a == max);
}

/* What may stand before a number; the longer ones first. */
static const struct {
    const char *sign;
    enum sig_compare compare;
} signs[] = {
    { "<=", SIG_CMP_LE }, { ">=", SIG_CMP_GE }, { "!=", SIG_CMP_NE }, { "<", SIG_CMP_LT },
    { ">", SIG_CMP_GT },  { "=", SIG_CMP_EQ },  { "!", SIG_CMP_NE },
};

int keyword_number(struct draft *d, const char *keyword, struct text value, uint64_t max,
                   struct sig_op *op)
{
    struct text v = text_trim(value);
    op->u.number.compare = SIG_CMP_EQ;
    if (read_range(v, max, op))
        return 0;
    op->u.number.compare = SIG_CMP_EQ;
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (text_skip(&v, signs[i].sign)) {
            op->u.number.compare = (uint8_t)signs[i].compare;
            break;
        }
    }
    bool ok = read_decimal(v, max, &op->u.number.a) ||
              (v.at == text_trim(value).at && read_sized(v, max, &op->u.number.a));
    if (!ok || !is_test(op, max))
        return draft_refuse(
            d, "%s: '%.*s' is no number up to %llu with =, !=, <, <=, >, >= or a range a<>b",
            keyword, (int)(value.len < 60 ? value.len : 60), value.at, (unsigned long long)max);
    return 0;
}

bool keyword_sign(struct text sign, uint8_t *compare)
{
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (text_is(sign, signs[i].sign)) {
            *compare = (uint8_t)signs[i].compare;
            return true;
        }
    }
    return false;
}

int keyword_plain_op(struct draft *d, const char *keyword, struct text value, uint64_t max,
                     enum sig_op_kind kind)
{
    struct sig_op *op = draft_op_add(d, DRAFT_PACKET, kind);
    if (!op)
        return ABENG_EFORMAT;
    op->u.number.compare = SIG_CMP_EQ;
    if (!read_decimal(value, max, &op->u.number.a))
        return draft_refuse(d, "%s: '%.*s' is no number up to %llu", keyword,
                            (int)(value.len < 60 ? value.len : 60), value.at,
                            (unsigned long long)max);
    return 0;
}

int keyword_number_op(struct draft *d, const char *keyword, struct text value, uint64_t max,
                      uint32_t list, enum sig_op_kind kind)
{
    struct sig_op *op = draft_op_add(d, list, kind);
    return op ? keyword_number(d, keyword, value, max, op) : ABENG_EFORMAT;
}

int keyword_app_number(struct draft *d, const char *field, struct text value, uint64_t max)
{
    struct sig_bytes name = draft_blob_add(d, field, strlen(field));
    struct sig_op *op = draft_op_add(d, DRAFT_PACKET, SIG_OP_APP_UINT);
    if (!op || !name.len)
        return draft_refuse(d, "%s: no room for it in the rule set", field);
    op->u.number.text = name;
    d->said |= DRAFT_APP_OPS;
    return keyword_number(d, field, value, max, op);
}

int keyword_field_open(struct draft *d, enum sig_buffer buffer, uint32_t *list)
{
    return draft_list_add(d, buffer, list);
}

struct sig_op *keyword_field_test(struct draft *d, struct keyword_field field, uint8_t compare,
                                  uint64_t value)
{
    uint32_t said = d->said;
    struct sig_op *op = draft_op_add(d, field.list, SIG_OP_BYTE_TEST);
    d->said = said; /* it says nothing about the sticky buffer in force */
    if (!op)
        return NULL;
    op->u.byte_test.offset = field.offset;
    op->u.byte_test.nbytes = field.nbytes;
    op->u.byte_test.compare = compare;
    op->u.byte_test.value = value;
    return op;
}

int keyword_field_compare(struct draft *d, const char *keyword, struct keyword_field field,
                          struct text value, uint64_t max)
{
    struct sig_op number = { 0 };
    int rc = keyword_number(d, keyword, value, max, &number);
    if (rc)
        return rc;
    uint64_t a = number.u.number.a, b = number.u.number.b;
    bool range = number.u.number.compare == SIG_CMP_RANGE;
    bool ok = range ? keyword_field_test(d, field, SIG_CMP_GT, a) &&
                          keyword_field_test(d, field, SIG_CMP_LT, b)
                    : keyword_field_test(d, field, number.u.number.compare, a) != NULL;
    return ok ? 0 : ABENG_EFORMAT;
}

int keyword_field_number(struct draft *d, const char *keyword, enum sig_buffer buffer,
                         struct text value, uint64_t max, uint8_t nbytes)
{
    struct keyword_field field = { .nbytes = nbytes };
    int rc = keyword_field_open(d, buffer, &field.list);
    return rc ? rc : keyword_field_compare(d, keyword, field, value, max);
}
