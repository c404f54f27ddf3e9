/* SPDX-License-Identifier: Apache-2.0 */
/* State between rules. Conditions go to the packet list, changes to the post list. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <ctype.h>
#include <string.h>

#include "common/err.h"
#include "signatures/parser.h"

/* How long host state lasts by default, in seconds: as in the reference. */
#define XBIT_EXPIRE    30
#define HOSTBIT_EXPIRE 300

/* Digits of a flowint's number. */
#define INT_DIGITS 10

static int bit_command(struct draft *d, const char *keyword, struct text t)
{
    static const char *const words[] = {
        [SIG_BIT_SET] = "set",     [SIG_BIT_UNSET] = "unset",       [SIG_BIT_TOGGLE] = "toggle",
        [SIG_BIT_ISSET] = "isset", [SIG_BIT_ISNOTSET] = "isnotset",
    };
    for (int i = 0; i <= SIG_BIT_ISNOTSET; i++) {
        if (text_is(t, words[i]))
            return i;
    }
    return draft_refuse(d, "%s: set, unset, toggle, isset, isnotset or noalert, not '%.*s'",
                        keyword, (int)t.len, t.at);
}

static bool is_condition(int command)
{
    return command == SIG_BIT_ISSET || command == SIG_BIT_ISNOTSET;
}

static struct sig_op *bit_op(struct draft *d, enum sig_op_kind kind, int command)
{
    struct sig_op *op = draft_op_add(d, is_condition(command) ? DRAFT_PACKET : DRAFT_POST, kind);
    if (op)
        op->u.bit.command = (uint8_t)command;
    return op;
}

static bool has_blank(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] == ' ' || t.at[i] == '\t')
            return true;
    }
    return false;
}

/* a|b of isset and isnotset: it is enough when this one, or one of the next instruction, is so. */
static int flowbit_names(struct draft *d, struct text names, int command)
{
    const unsigned most = sizeof(((struct sig_op *)0)->u.bit.id) / sizeof(uint32_t);
    struct sig_op *op = NULL;
    struct text name;
    while (text_cut(&names, '|', &name)) {
        if (!name.len)
            continue;
        if (op && op->u.bit.count == most) {
            op->flags |= SIG_F_OR_NEXT;
            op = NULL;
        }
        if (!op && !(op = bit_op(d, SIG_OP_FLOWBIT, command)))
            return ABENG_EFORMAT;
        op->u.bit.id[op->u.bit.count++] = names_id(d->parser->flowbits, name);
    }
    return op ? 0 : draft_refuse(d, "flowbits: a name is missing");
}

static int parse_flowbits(struct draft *d, struct text value)
{
    struct text word;
    if (text_is(text_trim(value), "noalert")) {
        d->rule.noalert = true;
        return 0;
    }
    text_cut(&value, ',', &word);
    int command = bit_command(d, "flowbits", word);
    struct text rest = text_trim(value);
    if (command < 0)
        return command;
    if (!rest.len)
        return draft_refuse(d, "flowbits: a name is missing");
    if (has_blank(rest))
        return draft_refuse(d, "flowbits: a name holds no blanks");
    if (is_condition(command))
        return flowbit_names(d, rest, command);
    /* set,a|b is about one bit of that name, which no condition can ask for: as the reference */
    struct sig_op *op = bit_op(d, SIG_OP_FLOWBIT, command);
    if (!op)
        return ABENG_EFORMAT;
    op->u.bit.id[op->u.bit.count++] = names_id(d->parser->flowbits, rest);
    return 0;
}

static int int_command(struct draft *d, struct text t)
{
    static const struct {
        const char *word;
        enum sig_bit_command command;
    } words[] = {
        { "+", SIG_INT_ADD },       { "-", SIG_INT_SUB },           { "=", SIG_INT_SET },
        { "<", SIG_INT_LT },        { "<=", SIG_INT_LE },           { "==", SIG_INT_EQ },
        { "!=", SIG_INT_NE },       { ">=", SIG_INT_GE },           { ">", SIG_INT_GT },
        { "isset", SIG_INT_ISSET }, { "notset", SIG_INT_ISNOTSET }, { "isnotset", SIG_INT_ISNOTSET }
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text_is(t, words[i].word))
            return (int)words[i].command;
    }
    return draft_refuse(d, "flowint: unknown operator '%.*s'", (int)t.len, t.at);
}

/* A letter and at least one more of letters, digits and _ (of a flowint itself also . and /). */
static bool is_int_name(struct text t, const char *more)
{
    bool ok = t.len >= 2 && isalpha((unsigned char)t.at[0]);
    for (size_t i = 1; ok && i < t.len; i++)
        ok = isalnum((unsigned char)t.at[i]) || (t.at[i] && strchr(more, t.at[i]));
    return ok;
}

static int parse_flowint(struct draft *d, struct text value)
{
    struct text name = { NULL, 0 }, word = { "", 0 };
    text_cut(&value, ',', &name);
    text_cut(&value, ',', &word);
    int command = int_command(d, word);
    if (command < 0)
        return command;
    bool change = command == SIG_INT_ADD || command == SIG_INT_SUB || command == SIG_INT_SET;
    bool wants = command != SIG_INT_ISSET && command != SIG_INT_ISNOTSET;
    struct text number = text_trim(value);
    uint64_t n = 0;
    bool plain = number.len <= INT_DIGITS && text_u64(number, UINT32_MAX, &n) == 0;
    if (!is_int_name(name, "_./") || (wants && !number.len) ||
        (number.len && !plain && !is_int_name(number, "_")))
        return draft_refuse(d, "flowint: name,operator,value (isset and notset without value); "
                               "names have two characters or more");
    struct sig_op *op = draft_op_add(d, change ? DRAFT_POST : DRAFT_PACKET, SIG_OP_FLOWINT);
    if (!op)
        return ABENG_EFORMAT;
    op->u.bit.id[0] = names_id(d->parser->flowints, name);
    op->u.bit.count = 1;
    op->u.bit.command = (uint8_t)command;
    if (wants && !plain) {
        op->flags |= SIG_VAR_VALUE;
        n = names_id(d->parser->flowints, number);
    }
    op->u.bit.value = (uint32_t)n;
    return 0;
}

static int xbit_track(struct draft *d, struct text t, struct sig_op *op)
{
    static const struct {
        const char *word;
        enum sig_track track;
    } tracks[] = { { "ip_src", SIG_TRACK_SRC },
                   { "ip_dst", SIG_TRACK_DST },
                   { "ip_pair", SIG_TRACK_PAIR } };
    struct text word = t;
    bool track = text_skip(&word, "track ");
    word = text_trim(word);
    for (size_t i = 0; track && i < sizeof(tracks) / sizeof(tracks[0]); i++) {
        if (text_is(word, tracks[i].word)) {
            op->u.bit.track = (uint8_t)tracks[i].track;
            return 0;
        }
    }
    return draft_refuse(d, "xbits: track ip_src, ip_dst or ip_pair, not '%.*s'", (int)t.len, t.at);
}

/* What stands behind the time is not read, nor what stands in its place, as in the reference. */
static int xbit_expire(struct draft *d, struct text t, struct sig_op *op)
{
    uint64_t n;
    if (!text_skip(&t, "expire "))
        return 0;
    if (text_u64(t, UINT32_MAX, &n) || !n)
        return draft_refuse(d, "xbits: expire SECONDS, not '%.*s'", (int)t.len, t.at);
    op->u.bit.expire_s = (uint32_t)n;
    return 0;
}

static int parse_xbits(struct draft *d, struct text value)
{
    struct text word, name = { NULL, 0 }, track = { "", 0 }, expire;
    text_cut(&value, ',', &word);
    int command = bit_command(d, "xbits", word);
    if (command < 0)
        return command;
    if (!text_cut(&value, ',', &name) || !name.len)
        return draft_refuse(d, "xbits: a name is missing");
    struct sig_op *op = bit_op(d, SIG_OP_XBIT, command);
    if (!op)
        return ABENG_EFORMAT;
    op->u.bit.id[0] = names_id(d->parser->xbits, name);
    op->u.bit.count = 1;
    op->u.bit.expire_s = XBIT_EXPIRE;
    text_cut(&value, ',', &track);
    if (xbit_track(d, track, op))
        return ABENG_EFORMAT;
    return text_cut(&value, ',', &expire) ? xbit_expire(d, expire, op) : 0;
}

static int parse_hostbits(struct draft *d, struct text value)
{
    struct text word, name = { NULL, 0 }, side = { "src", 3 };
    if (text_is_nocase(text_trim(value), "noalert")) {
        d->rule.noalert = true;
        return 0;
    }
    text_cut(&value, ',', &word);
    int command = bit_command(d, "hostbits", word);
    if (command < 0)
        return command;
    if (!text_cut(&value, ',', &name) || !name.len)
        return draft_refuse(d, "hostbits: a name is missing");
    if (has_blank(name))
        return draft_refuse(d, "hostbits: a name holds no blanks");
    text_cut(&value, ',', &side);
    if ((!text_is(side, "src") && !text_is(side, "dst")) || value.len)
        return draft_refuse(d, "hostbits: src or dst, not '%.*s'", (int)side.len, side.at);
    struct sig_op *op = bit_op(d, SIG_OP_HOSTBIT, command);
    if (!op)
        return ABENG_EFORMAT;
    op->u.bit.id[0] = names_id(d->parser->xbits, name);
    op->u.bit.count = 1;
    op->u.bit.track = text_is(side, "src") ? SIG_TRACK_SRC : SIG_TRACK_DST;
    op->u.bit.expire_s = HOSTBIT_EXPIRE;
    return 0;
}

const struct sig_keyword keywords_bits[] = {
    { "flowbits", parse_flowbits, 0, NULL },
    { "flowint", parse_flowint, 0, NULL },
    { "xbits", parse_xbits, 0, NULL },
    { "hostbits", parse_hostbits, 0, NULL },
    { NULL, NULL, 0, NULL },
};
