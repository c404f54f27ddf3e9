/* SPDX-License-Identifier: Apache-2.0 */
/* bsize, urilen, dsize, stream_size and the sizes and age of flows. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

static int parse_bsize(struct draft *d, struct text value)
{
    if (!(d->said & DRAFT_STICKY))
        return draft_refuse(d, "bsize: there is no sticky buffer before it");
    return keyword_number_op(d, "bsize", value, UINT64_MAX, d->current, SIG_OP_BSIZE);
}

static int parse_urilen(struct draft *d, struct text value)
{
    struct text number = value, which = { "norm", 4 };
    uint32_t list;
    if (!text_cut(&value, ',', &number))
        return draft_refuse(d, "urilen: a length is missing");
    text_cut(&value, ',', &which);
    bool raw = text_is_nocase(which, "raw");
    int rc = draft_buffer_find(d, raw ? SIG_BUF_HTTP_URI_RAW : SIG_BUF_HTTP_URI, &list);
    if (rc)
        return rc;
    /* A number is enough: what stands behind it is not read, as in the reference. */
    struct text digits = text_digits(number);
    struct sig_op probe;
    if (digits.len && keyword_number(d, "urilen", number, UINT16_MAX, &probe)) {
        d->reason[0] = 0;
        number = digits;
    }
    return keyword_number_op(d, "urilen", number, UINT16_MAX, list, SIG_OP_URILEN);
}

static int parse_dsize(struct draft *d, struct text value)
{
    if (d->said & DRAFT_DSIZE)
        return draft_refuse(d, "dsize twice in one rule");
    d->said |= DRAFT_DSIZE;
    return keyword_number_op(d, "dsize", value, UINT16_MAX, DRAFT_PACKET, SIG_OP_DSIZE);
}

static int parse_stream_size(struct draft *d, struct text value)
{
    static const char *const sides[] = { "server", "client", "both", "either" };
    struct text side, sign, number;
    if (!text_cut(&value, ',', &side) || !text_cut(&value, ',', &sign) ||
        !text_cut(&value, ',', &number))
        return draft_refuse(d, "stream_size: side,operator,number");
    uint8_t field = 0, compare;
    while (field < sizeof(sides) / sizeof(sides[0]) && !text_is(side, sides[field]))
        field++;
    if (field == sizeof(sides) / sizeof(sides[0]))
        return draft_refuse(d, "stream_size: the side is server, client, both or either");
    if (value.len || !keyword_sign(sign, &compare))
        return draft_refuse(d, "stream_size: side,operator,number");
    int rc = keyword_plain_op(d, "stream_size", number, UINT32_MAX, SIG_OP_STREAM_SIZE);
    if (rc)
        return rc;
    struct sig_op *op = &d->ops[d->op_count - 1].op;
    op->u.number.field = field;
    op->u.number.compare = compare;
    return 0;
}

static int flow_count(struct draft *d, const char *keyword, struct text value, uint8_t field)
{
    struct sig_op *op = draft_op_add(d, DRAFT_PACKET, SIG_OP_FLOW_COUNT);
    if (!op)
        return ABENG_EFORMAT;
    op->u.number.field = field;
    return keyword_number(d, keyword, value, UINT64_MAX, op);
}

static int parse_pkts_toclient(struct draft *d, struct text value)
{
    return flow_count(d, "flow.pkts_toclient", value, 0);
}

static int parse_pkts_toserver(struct draft *d, struct text value)
{
    return flow_count(d, "flow.pkts_toserver", value, 1);
}

static int parse_bytes_toclient(struct draft *d, struct text value)
{
    return flow_count(d, "flow.bytes_toclient", value, 2);
}

static int parse_bytes_toserver(struct draft *d, struct text value)
{
    return flow_count(d, "flow.bytes_toserver", value, 3);
}

static int parse_flow_age(struct draft *d, struct text value)
{
    return keyword_number_op(d, "flow.age", value, UINT32_MAX, DRAFT_PACKET, SIG_OP_FLOW_AGE);
}

const struct sig_keyword keywords_size[] = {
    { "bsize", parse_bsize, 0, NULL },
    { "urilen", parse_urilen, 0, NULL },
    { "dsize", parse_dsize, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "stream_size", parse_stream_size, KEYWORD_PREFILTER, NULL },
    { "flow.pkts_toclient", parse_pkts_toclient, KEYWORD_BEYOND, NULL },
    { "flow.pkts_toserver", parse_pkts_toserver, KEYWORD_BEYOND, NULL },
    { "flow.bytes_toclient", parse_bytes_toclient, KEYWORD_BEYOND, NULL },
    { "flow.bytes_toserver", parse_bytes_toserver, KEYWORD_BEYOND, NULL },
    { "flow.age", parse_flow_age, KEYWORD_PREFILTER, NULL },
    { NULL, NULL, 0, NULL },
};
