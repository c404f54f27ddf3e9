/* SPDX-License-Identifier: Apache-2.0 */
/* base64_decode and base64_data. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

/* Most bytes that may be asked to be decoded, and the largest offset. */
#define BYTES_MAX 65535

static int decode_option(struct draft *d, struct text t, struct sig_op *op)
{
    uint64_t n;
    if (text_is(t, "relative")) {
        op->flags |= SIG_F_RELATIVE;
        return 0;
    }
    bool bytes = text_skip(&t, "bytes "), offset = !bytes && text_skip(&t, "offset ");
    if ((!bytes && !offset) || text_u64(t, BYTES_MAX, &n) || (bytes && !n))
        return draft_refuse(d, "base64_decode: bytes N, offset N, relative");
    if (bytes)
        op->u.base64.bytes = (uint32_t)n;
    else
        op->u.base64.offset = (uint32_t)n;
    return 0;
}

static int parse_decode(struct draft *d, struct text value)
{
    struct sig_op made = { .kind = SIG_OP_BASE64_DECODE };
    struct text t;
    while (text_cut(&value, ',', &t)) {
        if (decode_option(d, t, &made))
            return ABENG_EFORMAT;
    }
    uint32_t list = keyword_list_for(d, made.flags & SIG_F_RELATIVE);
    struct sig_op *op = draft_op_add(d, list, SIG_OP_BASE64_DECODE);
    if (!op)
        return ABENG_EFORMAT;
    *op = made;
    return 0;
}

/* What follows looks into the decoded bytes: it goes to the list that decoded them. */
static int parse_data(struct draft *d, struct text value)
{
    (void)value;
    const struct draft_op *decode = draft_op_last(d, SIG_OP_BASE64_DECODE);
    if (!decode)
        return draft_refuse(d, "base64_data: there is no base64_decode before it");
    if (d->said & DRAFT_BASE64)
        return draft_refuse(d, "base64_data twice in one rule");
    d->current = decode->list;
    d->said |= DRAFT_BASE64 | DRAFT_STICKY;
    return draft_op_add(d, d->current, SIG_OP_BASE64_DATA) ? 0 : ABENG_EFORMAT;
}

const struct sig_keyword keywords_base64[] = {
    {"base64_decode", parse_decode, KEYWORD_OPTIONAL, NULL},
    { "base64_data",  parse_data,   KEYWORD_NO_VALUE, NULL},
    { NULL,           NULL,         0,                NULL},
};
