/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of headers: ipv4-csum:valid and its like. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

static int csum(struct draft *d, const char *keyword, struct text value, enum sig_csum which)
{
    bool invalid = text_is_nocase(value, "invalid");
    if (!invalid && !text_is_nocase(value, "valid"))
        return draft_refuse(d, "%s: valid or invalid", keyword);
    struct sig_op *op = draft_op_add(d, DRAFT_PACKET, SIG_OP_CSUM);
    if (!op)
        return ABENG_EFORMAT;
    op->u.number.field = (uint8_t)which;
    op->flags = invalid ? SIG_F_NEGATED : 0;
    return 0;
}

static int parse_ipv4(struct draft *d, struct text value)
{
    return csum(d, "ipv4-csum", value, SIG_CSUM_IPV4);
}

static int parse_tcpv4(struct draft *d, struct text value)
{
    return csum(d, "tcpv4-csum", value, SIG_CSUM_TCPV4);
}

static int parse_tcpv6(struct draft *d, struct text value)
{
    return csum(d, "tcpv6-csum", value, SIG_CSUM_TCPV6);
}

static int parse_udpv4(struct draft *d, struct text value)
{
    return csum(d, "udpv4-csum", value, SIG_CSUM_UDPV4);
}

static int parse_udpv6(struct draft *d, struct text value)
{
    return csum(d, "udpv6-csum", value, SIG_CSUM_UDPV6);
}

static int parse_icmpv4(struct draft *d, struct text value)
{
    return csum(d, "icmpv4-csum", value, SIG_CSUM_ICMPV4);
}

static int parse_icmpv6(struct draft *d, struct text value)
{
    return csum(d, "icmpv6-csum", value, SIG_CSUM_ICMPV6);
}

const struct sig_keyword keywords_csum[] = {
    { "ipv4-csum", parse_ipv4, 0, NULL },     { "tcpv4-csum", parse_tcpv4, 0, NULL },
    { "tcpv6-csum", parse_tcpv6, 0, NULL },   { "udpv4-csum", parse_udpv4, 0, NULL },
    { "udpv6-csum", parse_udpv6, 0, NULL },   { "icmpv4-csum", parse_icmpv4, 0, NULL },
    { "icmpv6-csum", parse_icmpv6, 0, NULL }, { NULL, NULL, 0, NULL },
};
