/* SPDX-License-Identifier: Apache-2.0 */
/* flowvar and pktvar: what a pcre has captured holds a text. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <string.h>

#include "common/err.h"

/* Longest text: no longer one is captured. */
#define TEXT_MAX SIG_VAR_BYTES

uint32_t keyword_var_name(struct text name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (uint8_t)name.at[i]) * 16777619u;
    return h;
}

static int parse_var(struct draft *d, struct text value, bool packet)
{
    struct text all = value, name;
    uint8_t bytes[TEXT_MAX * 4];
    if (!text_cut(&value, ',', &name) || !name.len || !value.len)
        return draft_refuse(d, "%s: a name, then a text", packet ? "pktvar" : "flowvar");
    value = text_trim(value);
    if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
        value = (struct text){ value.at + 1, value.len - 2 };
    if (memchr(value.at, '"', value.len) || value.len > sizeof(bytes))
        return draft_refuse(d, "%s: the text is too long, or a quote stands within it",
                            packet ? "pktvar" : "flowvar");
    long n = keyword_unescape(d, value, bytes);
    if (n < 0)
        return ABENG_EFORMAT;
    if (n == 0 || n > TEXT_MAX)
        return draft_refuse(d, "%s: a text of 1 to %d bytes", packet ? "pktvar" : "flowvar",
                            TEXT_MAX);
    struct sig_bytes content = draft_blob_add(d, bytes, (size_t)n);
    struct sig_bytes text = draft_blob_add(d, all.at, all.len);
    struct sig_op *op = content.len && text.len ? draft_op_add(d, DRAFT_PACKET, SIG_OP_VAR) : NULL;
    if (!op)
        return ABENG_EFORMAT;
    op->u.var.bytes = content;
    op->u.var.text = text;
    op->u.var.name = keyword_var_name(name);
    op->u.var.packet = packet;
    return 0;
}

static int parse_flowvar(struct draft *d, struct text value)
{
    return parse_var(d, value, false);
}

static int parse_pktvar(struct draft *d, struct text value)
{
    return parse_var(d, value, true);
}

const struct sig_keyword keywords_var[] = {
    { "flowvar", parse_flowvar, 0, NULL },
    { "pktvar", parse_pktvar, 0, NULL },
    { NULL, NULL, 0, NULL },
};
