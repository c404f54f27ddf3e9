/* SPDX-License-Identifier: Apache-2.0 */
/* byte_test, byte_jump, byte_extract, byte_math, isdataat: numbers in the data. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

/* Most bytes of a binary number, and of one in text (octal 64 bits). */
#define BINARY_MAX 8
#define STRING_MAX 23

/* Largest offset, either way, and largest multiplier. */
#define OFFSET_MAX     65535
#define MULTIPLIER_MAX 65535

/* The options that all of them know. */
struct common {
    uint32_t flags;
    uint8_t base;
    uint32_t bitmask;
};

uint32_t keyword_list_for(const struct draft *d, bool relative)
{
    if (!relative || (d->said & DRAFT_STICKY))
        return d->current;
    for (uint32_t i = d->op_count; i-- > 0;) {
        if (d->ops[i].list < d->list_count)
            return d->ops[i].list;
    }
    return d->current;
}

/* An option that all share; 1 when it was one, 0 when not. */
static int common_option(struct draft *d, struct text t, struct common *c)
{
    static const struct {
        const char *word;
        uint32_t flag;
        uint8_t base;
    } words[] = {
        {"relative",       SIG_F_RELATIVE, 0 },
        { "big",           0,              0 },
        { "little",        SIG_F_LITTLE,   0 },
        { "string",        SIG_F_STRING,   10},
        { "hex",           0,              16},
        { "dec",           0,              10},
        { "oct",           0,              8 },
        { "dce",           SIG_F_DCE,      0 },
        { "endian big",    0,              0 },
        { "endian little", SIG_F_LITTLE,   0 },
        { "endian dce",    SIG_F_DCE,      0 },
        { "string hex",    SIG_F_STRING,   16},
        { "string dec",    SIG_F_STRING,   10},
        { "string oct",    SIG_F_STRING,   8 }
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!text_is_nocase(t, words[i].word))
            continue;
        c->flags |= words[i].flag;
        if (words[i].base && !(words[i].flag && c->base))
            c->base = words[i].base;
        return words[i].flag & SIG_F_DCE && draft_app_claim(d, SIG_APP_DCERPC) ? ABENG_EFORMAT : 1;
    }
    uint64_t mask;
    if (!text_skip(&t, "bitmask"))
        return 0;
    if (text_u64(t, UINT32_MAX, &mask) || !mask)
        return draft_refuse(d, "bitmask: a number other than 0 with up to 32 bits");
    c->bitmask = (uint32_t)mask;
    return 1;
}

static int check_width(struct draft *d, const char *keyword, uint32_t flags, int32_t nbytes)
{
    int32_t most = flags & SIG_F_STRING ? STRING_MAX : BINARY_MAX;
    /* A string of 0 bytes is all the digits there are. */
    int32_t least = flags & SIG_F_STRING ? 0 : 1;
    if (!(flags & SIG_VAR_NBYTES) && (nbytes < least || nbytes > most))
        return draft_refuse(d, "%s: reads %d to %d bytes, not %d", keyword, least, most, nbytes);
    return 0;
}

static int unknown(struct draft *d, const char *keyword, struct text t)
{
    return draft_refuse(d, "%s: unknown option '%.*s'", keyword, (int)(t.len < 40 ? t.len : 40),
                        t.at);
}

static int missing(struct draft *d, const char *keyword, const char *form)
{
    return draft_refuse(d, "%s: written %s", keyword, form);
}

/* Make sure an instruction has its place; NULL leaves the reason. */
static struct sig_op *place(struct draft *d, enum sig_op_kind kind, uint32_t flags)
{
    struct sig_op *op = draft_op_add(d, keyword_list_for(d, flags & SIG_F_RELATIVE), kind);
    if (op)
        op->flags = flags;
    return op;
}

static int test_operator(struct draft *d, struct text t, uint32_t *flags, uint8_t *compare)
{
    static const struct {
        const char *sign;
        enum sig_compare compare;
    } signs[] = {
        {"",    SIG_CMP_EQ       },
        { "=",  SIG_CMP_EQ       },
        { "<",  SIG_CMP_LT       },
        { ">",  SIG_CMP_GT       },
        { "<=", SIG_CMP_LE       },
        { ">=", SIG_CMP_GE       },
        { "&",  SIG_CMP_ANY_BIT  },
        { "^",  SIG_CMP_NO_BIT_EQ}
    };
    struct text sign = t;
    if (text_skip(&sign, "!")) {
        *flags |= SIG_F_NEGATED;
        sign = text_trim(sign);
    }
    for (size_t i = sign.len == t.len; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (text_is(sign, signs[i].sign)) {
            *compare = (uint8_t)signs[i].compare;
            return 0;
        }
    }
    return draft_refuse(d, "byte_test: unknown operator '%.*s'", (int)t.len, t.at);
}

static int test_value(struct draft *d, struct text t, uint32_t *flags, uint64_t *value)
{
    if (text_u64(t, UINT64_MAX, value) == 0)
        return 0;
    int var = draft_var_find(d, t);
    if (var < 0)
        return draft_refuse(d, "byte_test: '%.*s' is neither a number nor a known variable",
                            (int)t.len, t.at);
    *flags |= SIG_VAR_VALUE;
    *value = (uint64_t)var;
    return 0;
}

static int parse_byte_test(struct draft *d, struct text value)
{
    struct text nbytes, sign, number, offset, t;
    struct common c = { 0 };
    int32_t width = 0, at = 0;
    uint64_t v = 0;
    uint8_t compare = 0;
    if (!text_cut(&value, ',', &nbytes) || !text_cut(&value, ',', &sign) ||
        !text_cut(&value, ',', &number) || !text_cut(&value, ',', &offset))
        return missing(d, "byte_test", "bytes,operator,value,offset[,options]");
    int rc = draft_number_or_var(d, nbytes, STRING_MAX, SIG_VAR_NBYTES, &c.flags, &width);
    if (!rc)
        rc = test_operator(d, sign, &c.flags, &compare);
    if (!rc)
        rc = test_value(d, number, &c.flags, &v);
    if (!rc)
        rc = draft_number_or_var(d, offset, OFFSET_MAX, SIG_VAR_OFFSET, &c.flags, &at);
    while (!rc && text_cut(&value, ',', &t)) {
        int known = common_option(d, t, &c);
        if (known <= 0)
            rc = known < 0 ? known : unknown(d, "byte_test", t);
    }
    if (!rc)
        rc = check_width(d, "byte_test", c.flags, width);
    struct sig_op *op = rc ? NULL : place(d, SIG_OP_BYTE_TEST, c.flags);
    if (!op)
        return ABENG_EFORMAT;
    op->u.byte_test.value = v;
    op->u.byte_test.offset = at;
    op->u.byte_test.bitmask = c.bitmask;
    op->u.byte_test.nbytes = (uint8_t)width;
    op->u.byte_test.base = c.base;
    op->u.byte_test.compare = compare;
    return 0;
}

/* multiplier, post_offset, align, from_beginning, from_end */
static int jump_option(struct draft *d, struct text t, struct common *c, uint64_t *multiplier,
                       int32_t *post_offset)
{
    int64_t n;
    if (text_is(t, "align"))
        c->flags |= SIG_F_ALIGN;
    else if (text_is(t, "from_beginning"))
        c->flags |= SIG_F_FROM_BEGINNING;
    else if (text_is(t, "from_end"))
        c->flags |= SIG_F_FROM_END;
    else if (text_skip(&t, "multiplier"))
        return text_u64(t, MULTIPLIER_MAX, multiplier) || !*multiplier
                   ? draft_refuse(d, "byte_jump: multiplier is 1 to %d", MULTIPLIER_MAX)
                   : 0;
    else if (text_skip(&t, "post_offset")) {
        if (text_i64(t, OFFSET_MAX, &n))
            return draft_refuse(d, "byte_jump: post_offset is a number (up to %d)", OFFSET_MAX);
        *post_offset = (int32_t)n;
    } else {
        return unknown(d, "byte_jump", t);
    }
    return 0;
}

static int parse_byte_jump(struct draft *d, struct text value)
{
    struct text nbytes, offset, t;
    struct common c = { 0 };
    int32_t width = 0, at = 0, post = 0;
    uint64_t multiplier = 1;
    if (!text_cut(&value, ',', &nbytes) || !text_cut(&value, ',', &offset))
        return missing(d, "byte_jump", "bytes,offset[,options]");
    int rc = draft_number_or_var(d, nbytes, STRING_MAX, SIG_VAR_NBYTES, &c.flags, &width);
    if (!rc)
        rc = draft_number_or_var(d, offset, OFFSET_MAX, SIG_VAR_OFFSET, &c.flags, &at);
    while (!rc && text_cut(&value, ',', &t)) {
        int known = common_option(d, t, &c);
        rc = known > 0 ? 0 : known < 0 ? known : jump_option(d, t, &c, &multiplier, &post);
    }
    bool from_end = c.flags & SIG_F_FROM_END;
    if (!rc && from_end && (c.flags & SIG_F_FROM_BEGINNING))
        rc = draft_refuse(d, "byte_jump: from_beginning and from_end exclude each other");
    /* Zero bytes jump by post_offset alone. */
    if (!rc && width)
        rc = check_width(d, "byte_jump", c.flags, width);
    struct sig_op *op = rc ? NULL : place(d, SIG_OP_BYTE_JUMP, c.flags);
    if (!op)
        return ABENG_EFORMAT;
    op->u.byte_jump.offset = at;
    op->u.byte_jump.post_offset = post;
    op->u.byte_jump.multiplier = (uint32_t)multiplier;
    op->u.byte_jump.bitmask = c.bitmask;
    op->u.byte_jump.nbytes = (uint8_t)width;
    op->u.byte_jump.base = c.base;
    return 0;
}

static int extract_option(struct draft *d, struct text t, uint64_t *multiplier, uint64_t *align)
{
    if (text_skip(&t, "multiplier"))
        return text_u64(t, MULTIPLIER_MAX, multiplier) || !*multiplier
                   ? draft_refuse(d, "byte_extract: multiplier is 1 to %d", MULTIPLIER_MAX)
                   : 0;
    if (text_skip(&t, "align"))
        return text_u64(t, 4, align) || (*align != 2 && *align != 4)
                   ? draft_refuse(d, "byte_extract: align is 2 or 4")
                   : 0;
    return unknown(d, "byte_extract", t);
}

static int parse_byte_extract(struct draft *d, struct text value)
{
    struct text nbytes, offset, name, t;
    struct common c = { 0 };
    int64_t at = 0;
    uint64_t width = 0, multiplier = 1, align = 0;
    if (!text_cut(&value, ',', &nbytes) || !text_cut(&value, ',', &offset) ||
        !text_cut(&value, ',', &name) || !name.len)
        return missing(d, "byte_extract", "bytes,offset,variable[,options]");
    if (text_u64(nbytes, STRING_MAX, &width) || text_i64(offset, OFFSET_MAX, &at))
        return draft_refuse(d, "byte_extract: bytes (up to 23) and offset are numbers");
    int rc = 0;
    while (!rc && text_cut(&value, ',', &t)) {
        int known = common_option(d, t, &c);
        rc = known > 0 ? 0 : known < 0 ? known : extract_option(d, t, &multiplier, &align);
    }
    if (!rc)
        rc = check_width(d, "byte_extract", c.flags, (int32_t)width);
    int var = rc ? -1 : draft_var_make(d, name);
    struct sig_op *op = var < 0 ? NULL : place(d, SIG_OP_BYTE_EXTRACT, c.flags);
    if (!op)
        return ABENG_EFORMAT;
    op->u.byte_extract.offset = (int32_t)at;
    op->u.byte_extract.multiplier = (uint32_t)multiplier;
    op->u.byte_extract.bitmask = c.bitmask;
    op->u.byte_extract.nbytes = (uint8_t)width;
    op->u.byte_extract.base = c.base;
    op->u.byte_extract.align = (uint8_t)align;
    op->u.byte_extract.var = (uint8_t)var;
    return 0;
}

struct math {
    int32_t width, offset;
    uint64_t rvalue;
    uint8_t oper;
    struct text result;
    unsigned seen; /* bits: bytes, offset, oper, rvalue, result */
};

static int math_operator(struct draft *d, struct text t, struct math *m)
{
    t = text_trim(t);
    if (t.len == 1 && (t.at[0] == '+' || t.at[0] == '-' || t.at[0] == '*' || t.at[0] == '/'))
        m->oper = (uint8_t)t.at[0];
    else if (text_is(t, "<<"))
        m->oper = '<';
    else if (text_is(t, ">>"))
        m->oper = '>';
    else
        return draft_refuse(d, "byte_math: oper is one of + - * / << >>");
    return 0;
}

static int math_option(struct draft *d, struct text t, struct common *c, struct math *m)
{
    int32_t rvalue = 0;
    if (text_skip(&t, "bytes ")) {
        m->seen |= 1;
        return draft_number_or_var(d, t, STRING_MAX, SIG_VAR_NBYTES, &c->flags, &m->width);
    }
    if (text_skip(&t, "offset ")) {
        m->seen |= 2;
        return draft_number_or_var(d, t, OFFSET_MAX, SIG_VAR_OFFSET, &c->flags, &m->offset);
    }
    if (text_skip(&t, "oper ")) {
        m->seen |= 4;
        return math_operator(d, t, m);
    }
    if (text_skip(&t, "rvalue ")) {
        m->seen |= 8;
        if (text_u64(t, UINT32_MAX, &m->rvalue) == 0)
            return 0;
        int rc = draft_number_or_var(d, t, 0, SIG_VAR_VALUE, &c->flags, &rvalue);
        m->rvalue = (uint64_t)rvalue;
        return rc;
    }
    if (text_skip(&t, "result ")) {
        m->seen |= 16;
        m->result = text_trim(t);
        return 0;
    }
    return unknown(d, "byte_math", t);
}

static int parse_byte_math(struct draft *d, struct text value)
{
    struct text t;
    struct common c = { 0 };
    struct math m = { 0 };
    int rc = 0;
    while (!rc && text_cut(&value, ',', &t)) {
        int known = common_option(d, t, &c);
        rc = known > 0 ? 0 : known < 0 ? known : math_option(d, t, &c, &m);
    }
    if (!rc && (m.seen != 31 || !m.result.len))
        rc = missing(d, "byte_math", "bytes N, offset N, oper X, rvalue N, result NAME[, options]");
    if (!rc && m.oper == '/' && !m.rvalue && !(c.flags & SIG_VAR_VALUE))
        rc = draft_refuse(d, "byte_math: a division by zero");
    if (!rc)
        rc = check_width(d, "byte_math", c.flags, m.width);
    int var = rc ? -1 : draft_var_make(d, m.result);
    struct sig_op *op = var < 0 ? NULL : place(d, SIG_OP_BYTE_MATH, c.flags);
    if (!op)
        return ABENG_EFORMAT;
    op->u.byte_math.offset = m.offset;
    op->u.byte_math.rvalue = m.rvalue;
    op->u.byte_math.bitmask = c.bitmask;
    op->u.byte_math.nbytes = (uint8_t)m.width;
    op->u.byte_math.base = c.base;
    op->u.byte_math.oper = m.oper;
    op->u.byte_math.var = (uint8_t)var;
    return 0;
}

static int parse_isdataat(struct draft *d, struct text value)
{
    struct text number, t;
    uint32_t flags = d->negated ? SIG_F_NEGATED : 0;
    int32_t at = 0;
    if (!text_cut(&value, ',', &number))
        return missing(d, "isdataat", "[!]number[,relative]");
    int rc = draft_number_or_var(d, number, OFFSET_MAX, SIG_VAR_OFFSET, &flags, &at);
    while (!rc && text_cut(&value, ',', &t)) {
        if (text_is(t, "relative"))
            flags |= SIG_F_RELATIVE;
        else if (text_is(t, "rawbytes"))
            flags |= SIG_F_RAWBYTES;
        else
            rc = unknown(d, "isdataat", t);
    }
    if (!rc && at < 0)
        rc = draft_refuse(d, "isdataat: can't be negative");
    struct sig_op *op = rc ? NULL : place(d, SIG_OP_ISDATAAT, flags);
    if (!op)
        return ABENG_EFORMAT;
    op->u.isdataat.offset = at;
    return 0;
}

const struct sig_keyword keywords_bytes[] = {
    {"byte_test",     parse_byte_test,    0,                                     NULL},
    { "byte_jump",    parse_byte_jump,    0,                                     NULL},
    { "byte_extract", parse_byte_extract, 0,                                     NULL},
    { "byte_math",    parse_byte_math,    0,                                     NULL},
    { "isdataat",     parse_isdataat,     KEYWORD_MAY_QUOTE | KEYWORD_NEGATABLE, NULL},
    { NULL,           NULL,               0,                                     NULL},
};
