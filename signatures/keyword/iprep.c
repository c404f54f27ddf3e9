/* SPDX-License-Identifier: Apache-2.0 */
/* iprep: what reputation lists say of the packet's addresses. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"
#include "signatures/reputation.h"

static const struct {
    const char *word;
    enum sig_rep_side side;
} sides[] = {
    { "any", SIG_REP_ANY },
    { "src", SIG_REP_SRC },
    { "dst", SIG_REP_DST },
    { "both", SIG_REP_BOTH },
};

/* isset: any score. isnotset: none, and of one side's address also the score 0. */
static int read_compare(struct draft *d, struct text sign, struct text value, struct sig_op *op)
{
    uint64_t n = 0;
    bool isset = text_is(sign, "isset");
    op->u.rep.notset = text_is(sign, "isnotset");
    op->u.rep.compare = isset ? SIG_CMP_GE : SIG_CMP_EQ;
    if (isset || op->u.rep.notset)
        return value.at ? draft_refuse(d, "iprep: isset and isnotset take no score") : 0;
    if (!keyword_sign(sign, &op->u.rep.compare) || !value.len || text_u64(value, UINT8_MAX, &n))
        return draft_refuse(d, "iprep: an operator (<, <=, =, !=, >=, >) and a score up to 255");
    op->u.rep.value = (uint8_t)n;
    return 0;
}

/* SIDE,CATEGORY,OPERATOR,SCORE */
static int parse_iprep(struct draft *d, struct text value)
{
    struct text all = value, side, category, sign, score = { NULL, 0 };
    struct sig_bytes table;
    unsigned i = 0;
    if (!text_cut(&value, ',', &side) || !text_cut(&value, ',', &category) ||
        !text_cut(&value, ',', &sign) || (text_cut(&value, ',', &score) && value.len))
        return draft_refuse(d, "iprep: side, category, operator, score");
    while (i < sizeof(sides) / sizeof(sides[0]) && !text_is(side, sides[i].word))
        i++;
    if (i == sizeof(sides) / sizeof(sides[0]))
        return draft_refuse(d, "iprep: any, src, dst or both, not '%.*s'",
                            (int)(side.len < 20 ? side.len : 20), side.at);
    if (reputation_table(d, category, &table))
        return ABENG_EFORMAT;
    struct sig_bytes text = draft_blob_add(d, all.at, all.len);
    struct sig_op *op = text.len ? draft_op_add(d, DRAFT_PACKET, SIG_OP_IPREP) : NULL;
    if (!op)
        return ABENG_EFORMAT;
    op->u.rep.table = table;
    op->u.rep.text = text;
    op->u.rep.side = (uint8_t)sides[i].side;
    return read_compare(d, sign, score, op);
}

const struct sig_keyword keywords_iprep[] = {
    { "iprep", parse_iprep, 0, NULL },
    { NULL, NULL, 0, NULL },
};
