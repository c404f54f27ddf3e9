/* SPDX-License-Identifier: Apache-2.0 */
/* rpc: calls of ONC RPC (RFC 5531) by program, version and procedure. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

/* A number or *; false when it is neither. */
static bool part(struct text t, uint32_t *out, bool *given)
{
    uint64_t n = 0;
    *given = !text_is(t, "*");
    if (*given && (text_digits(t).len != t.len || text_u64(t, UINT32_MAX, &n)))
        return false;
    *out = (uint32_t)n;
    return true;
}

/* rpc:program[,version|*[,procedure|*]] */
static int parse_rpc(struct draft *d, struct text value)
{
    struct text program, other[2] = { { "*", 1 }, { "*", 1 } };
    uint32_t number[3];
    bool given[3];
    bool ok = text_cut(&value, ',', &program) && part(program, &number[0], &given[0]) && given[0];
    for (unsigned i = 0; ok && i < 2; i++) {
        text_cut(&value, ',', &other[i]);
        ok = part(other[i], &number[i + 1], &given[i + 1]);
    }
    if (!ok || value.len)
        return draft_refuse(d, "rpc: program,version,procedure, the last two a number or *");
    struct sig_op *op = draft_op_add(d, DRAFT_PACKET, SIG_OP_RPC);
    if (!op)
        return ABENG_EFORMAT;
    op->u.number.a = number[0];
    op->u.number.b = (uint64_t)number[1] << 32 | number[2];
    op->u.number.field =
        (uint8_t)((given[1] ? SIG_RPC_VERSION : 0) | (given[2] ? SIG_RPC_PROCEDURE : 0));
    return 0;
}

const struct sig_keyword keywords_rpc[] = {
    { "rpc", parse_rpc, KEYWORD_PACKET, NULL },
    { NULL, NULL, 0, NULL },
};
