/* SPDX-License-Identifier: Apache-2.0 */
/* asn1: known overflows in BER (X.690) somewhere in the payload. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

/* "relative_offset -1", "oversize_length 2048": a word, blanks, a number. */
static int option_number(struct draft *d, struct text t, const char *word, uint64_t max,
                         int64_t *out)
{
    if (text_i64(text_trim(t), max, out))
        return draft_refuse(d, "asn1: %s wants a number up to %llu", word, (unsigned long long)max);
    return 0;
}

static int option(struct draft *d, struct text t, struct sig_op *op)
{
    int64_t n = 0;
    int rc = 0;
    if (text_is(t, "bitstring_overflow")) {
        op->u.asn1.checks |= SIG_ASN1_BITSTRING;
    } else if (text_is(t, "double_overflow")) {
        op->u.asn1.checks |= SIG_ASN1_DOUBLE;
    } else if (text_skip(&t, "oversize_length")) {
        rc = option_number(d, t, "oversize_length", INT32_MAX, &n);
        rc = rc || n >= 0 ? rc : draft_refuse(d, "asn1: oversize_length is not negative");
        op->u.asn1.checks |= SIG_ASN1_OVERSIZE;
        op->u.asn1.oversize = (uint32_t)n;
    } else if (text_skip(&t, "absolute_offset")) {
        rc = option_number(d, t, "absolute_offset", UINT16_MAX, &n);
        rc = rc || n >= 0 ? rc : draft_refuse(d, "asn1: absolute_offset is not negative");
        op->u.asn1.offset = (int32_t)n;
    } else if (text_skip(&t, "relative_offset")) {
        rc = option_number(d, t, "relative_offset", UINT16_MAX, &n);
        op->u.asn1.checks |= SIG_ASN1_RELATIVE;
        op->u.asn1.offset = (int32_t)n;
    } else {
        rc = draft_refuse(d, "asn1: bitstring_overflow, double_overflow, oversize_length N, "
                             "absolute_offset N, relative_offset N");
    }
    return rc;
}

static int parse_asn1(struct draft *d, struct text value)
{
    struct sig_op made = { .kind = SIG_OP_ASN1 };
    struct text t;
    while (text_cut(&value, ',', &t)) {
        if (option(d, t, &made))
            return ABENG_EFORMAT;
    }
    struct sig_op *op = draft_op_add(d, DRAFT_PAYLOAD, SIG_OP_ASN1);
    if (!op)
        return ABENG_EFORMAT;
    *op = made;
    return 0;
}

const struct sig_keyword keywords_asn1[] = {
    { "asn1", parse_asn1, KEYWORD_MAY_QUOTE, NULL },
    { NULL, NULL, 0, NULL },
};
