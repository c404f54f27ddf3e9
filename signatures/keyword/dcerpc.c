/* SPDX-License-Identifier: Apache-2.0 */
/* DCE/RPC: the interface a call is bound to, and its operation. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

#define UUID_LEN 16

/* 8-4-4-4-12 hex digits, in the order of the text. */
static int read_uuid(struct draft *d, struct text t, uint8_t out[UUID_LEN])
{
    size_t n = 0;
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23))
            continue;
        int digit = text_hex_digit(t.at[i]);
        if (digit < 0 || n == 2 * UUID_LEN)
            return draft_refuse(d, "dcerpc.iface: '%.*s' is no UUID", (int)t.len, t.at);
        out[n / 2] = (uint8_t)(n % 2 ? out[n / 2] | digit : digit << 4);
        n++;
    }
    return n == 2 * UUID_LEN ? 0 : draft_refuse(d, "dcerpc.iface: a UUID has 32 hex digits");
}

/* A test of one of the numbers that stand behind the UUID in SIG_BUF_DCE_IFACE. */
static int test_add(struct draft *d, int32_t offset, uint8_t nbytes, enum sig_compare compare,
                    uint64_t value)
{
    struct sig_op *op = draft_op_add(d, d->current, SIG_OP_BYTE_TEST);
    if (!op)
        return ABENG_EFORMAT;
    op->u.byte_test.offset = offset;
    op->u.byte_test.nbytes = nbytes;
    op->u.byte_test.compare = (uint8_t)compare;
    op->u.byte_test.value = value;
    return 0;
}

static int version_add(struct draft *d, struct text t)
{
    struct sig_op number = { 0 };
    if (keyword_number(d, "dcerpc.iface", t, UINT16_MAX, &number))
        return ABENG_EFORMAT;
    enum sig_compare compare = (enum sig_compare)number.u.number.compare;
    if (compare != SIG_CMP_RANGE)
        return test_add(d, UUID_LEN, 2, compare, number.u.number.a);
    int rc = test_add(d, UUID_LEN, 2, SIG_CMP_GT, number.u.number.a);
    return rc ? rc : test_add(d, UUID_LEN, 2, SIG_CMP_LT, number.u.number.b);
}

/* The tests of one keyword, in a list of their own: another interface may fulfil the next one. */
static int iface_tests(struct draft *d, const uint8_t *uuid, struct text rest)
{
    struct text t;
    bool any_frag = false, version = false;
    if (!keyword_content_add(d, uuid, UUID_LEN, SIG_F_STARTSWITH))
        return ABENG_EFORMAT;
    while (text_cut(&rest, ',', &t)) {
        if (any_frag)
            return draft_refuse(d, "dcerpc.iface: any_frag stands last");
        any_frag = text_is(t, "any_frag");
        if (!any_frag && version)
            return draft_refuse(d, "dcerpc.iface: UUID, a version and any_frag");
        if (!any_frag && version_add(d, t))
            return ABENG_EFORMAT;
        version = true;
    }
    return any_frag ? 0 : test_add(d, UUID_LEN + 2, 1, SIG_CMP_EQ, 1);
}

static int parse_iface(struct draft *d, struct text value)
{
    struct text uuid = { "", 0 };
    uint8_t bytes[UUID_LEN];
    text_cut(&value, ',', &uuid);
    if (read_uuid(d, uuid, bytes) || draft_app_claim(d, SIG_APP_DCERPC))
        return ABENG_EFORMAT;
    uint32_t was = d->current, list;
    int rc = draft_buffer_find(d, SIG_BUF_DCE_IFACE, &list);
    if (!rc) {
        d->current = list;
        rc = d->lists[list].count ? draft_buffer_again(d) : 0;
    }
    if (!rc)
        rc = iface_tests(d, bytes, value);
    d->current = was;
    return rc;
}

/* "5", "5-8", or several of these: any of them. */
static int parse_opnum(struct draft *d, struct text value)
{
    struct text t;
    uint64_t a, b;
    if (draft_app_claim(d, SIG_APP_DCERPC))
        return ABENG_EFORMAT;
    while (text_cut(&value, ',', &t)) {
        struct text low = { "", 0 };
        bool range = text_cut(&t, '-', &low) && t.len;
        if (text_u64(low, UINT32_MAX, &a))
            return draft_refuse(d, "dcerpc.opnum: numbers and ranges like 5-8");
        b = a;
        if (range && (text_u64(t, UINT32_MAX, &b) || b < a))
            return draft_refuse(d, "dcerpc.opnum: a range ends with its greater number");
        if (keyword_app_number(d, "dcerpc.opnum", (struct text){ "0", 1 }, 0))
            return ABENG_EFORMAT;
        struct sig_op *op = &d->ops[d->op_count - 1].op;
        op->u.number.compare = range ? SIG_CMP_RANGE_INCL : SIG_CMP_EQ;
        op->u.number.a = a;
        op->u.number.b = b;
        op->flags |= value.len ? SIG_F_OR_NEXT : 0;
    }
    return 0;
}

const struct sig_keyword keywords_dcerpc[] = {
    { "dcerpc.iface", parse_iface, 0, NULL },
    { "dce_iface", parse_iface, 0, NULL },
    { "dcerpc.opnum", parse_opnum, 0, NULL },
    { "dce_opnum", parse_opnum, 0, NULL },
    { NULL, NULL, 0, NULL },
};
