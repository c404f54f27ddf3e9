/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of IP, TCP and ICMP headers. All but ip_proto make a rule packet-only. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <string.h>

#include "common/err.h"

static int parse_flags(struct draft *d, struct text value)
{
    static const char letters[] = "FSRPAUEC"; /* bit 0 to 7 */
    struct text part = { "", 0 }, all = text_trim(value);
    uint8_t sets[2] = { 0, 0 }, mode = '=';
    for (int which = 0; which < 2 && text_cut(&value, ',', &part); which++) {
        for (size_t i = 0; i < part.len; i++) {
            char c = part.at[i];
            const char *p = memchr(letters, c, 8);
            if (c == '1' || c == '2') /* the reserved bits' old names */
                sets[which] |= c == '1' ? 0x80 : 0x40;
            else if (p)
                sets[which] |= (uint8_t)(1u << (p - letters));
            else if (which == 0 && strchr("+*!", c))
                mode = (uint8_t)c;
            else if (c != '0' && c != ' ')
                return draft_refuse(d, "flags: '%c' is none of F S R P A U E C 0 + * !", c);
        }
    }
    bool comma = all.len && all.at[all.len - 1] == ',';
    if (value.len || comma || (!sets[0] && !memchr(all.at, '0', all.len)))
        return draft_refuse(d, "flags: [+*!]FLAGS[,IGNORED]");
    struct sig_op *op = draft_op_add(d, DRAFT_PACKET, SIG_OP_TCP_FLAGS);
    if (!op)
        return ABENG_EFORMAT;
    op->u.bits.set = sets[0];
    op->u.bits.mask = sets[1];
    op->u.bits.mode = mode;
    return 0;
}

static int parse_fragbits(struct draft *d, struct text value)
{
    uint8_t set = 0, mode = '=';
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (strchr("+*!", c))
            mode = (uint8_t)c;
        else if (c == 'M' || c == 'D' || c == 'R')
            set |= c == 'M' ? 1 : c == 'D' ? 2 : 4;
        else if (c != ' ')
            return draft_refuse(d, "fragbits: '%c' is none of M D R + * !", c);
    }
    struct sig_op *op = set ? draft_op_add(d, DRAFT_PACKET, SIG_OP_FRAG_BITS) : NULL;
    if (!op)
        return draft_refuse(d, "fragbits: no bit named");
    op->u.bits.set = set;
    op->u.bits.mode = mode;
    return 0;
}

static int parse_ipopts(struct draft *d, struct text value)
{
    static const char *const names[] = { "nop",  "rr",    "ts",  "sec", "esec",  "lsrr",
                                         "ssrr", "satid", "any", "eol", "cipso", "rtralt" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!text_is_nocase(value, names[i]))
            continue;
        struct sig_bytes name = draft_blob_add(d, names[i], strlen(names[i]));
        struct sig_op *op = name.len ? draft_op_add(d, DRAFT_PACKET, SIG_OP_IP_OPTS) : NULL;
        if (op)
            op->u.name.text = name;
        return op ? 0 : ABENG_EFORMAT;
    }
    return draft_refuse(d, "ipopts: unknown option '%.*s'", (int)value.len, value.at);
}

/* Protocols by name (IANA's numbers). */
static const struct {
    const char *name, *number;
} protocols[] = {
    { "ip", "0" },
    { "icmp", "1" },
    { "igmp", "2" },
    { "ipip", "4" },
    { "ipencap", "4" },
    { "tcp", "6" },
    { "egp", "8" },
    { "igp", "9" },
    { "udp", "17" },
    { "ipv6", "41" },
    { "rsvp", "46" },
    { "gre", "47" },
    { "esp", "50" },
    { "ah", "51" },
    { "ipv6-icmp", "58" },
    { "icmp6", "58" },
    { "eigrp", "88" },
    { "ospf", "89" },
    { "pim", "103" },
    { "vrrp", "112" },
    { "l2tp", "115" },
    { "sctp", "132" },
};

static int parse_ip_proto(struct draft *d, struct text value)
{
    char text[8];
    size_t sign = value.len && strchr("!<>=", value.at[0]) ? 1 : 0;
    struct text name = text_trim((struct text){ value.at + sign, value.len - sign });
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        if (!text_is_nocase(name, protocols[i].name))
            continue;
        memcpy(text, value.at, sign);
        memcpy(text + sign, protocols[i].number, strlen(protocols[i].number));
        value = (struct text){ text, sign + strlen(protocols[i].number) };
        break;
    }
    bool any_ip = d->rule.proto == SIG_PROTO_IP || d->rule.proto == SIG_PROTO_IPV4 ||
                  d->rule.proto == SIG_PROTO_IPV6;
    if (!any_ip || d->rule.app != SIG_APP_UNKNOWN)
        return draft_refuse(d, "ip_proto: only in rules that begin with `alert ip`");
    bool plain = !sign && draft_has_op(d, DRAFT_PACKET, SIG_OP_IP_PROTO);
    if (plain || (d->said & DRAFT_IP_PROTO))
        return draft_refuse(d, "ip_proto: a protocol by itself and another ip_proto in one rule");
    d->said |= sign ? 0 : DRAFT_IP_PROTO;
    return keyword_number_op(d, "ip_proto", value, UINT8_MAX, DRAFT_PACKET, SIG_OP_IP_PROTO);
}

/* Of a rule on any IP it says the same as a header of that version. */
static int parse_l3_proto(struct draft *d, struct text value)
{
    bool four = text_is_nocase(value, "ip4") || text_is_nocase(value, "ipv4");
    if (!four && !text_is_nocase(value, "ip6") && !text_is_nocase(value, "ipv6"))
        return draft_refuse(d, "l3_proto: ipv4 or ipv6");
    if (d->rule.proto == SIG_PROTO_IP && d->rule.app == SIG_APP_UNKNOWN) {
        d->rule.proto = four ? SIG_PROTO_IPV4 : SIG_PROTO_IPV6;
        return 0;
    }
    return keyword_plain_op(d, "l3_proto", text_of(four ? "4" : "6"), 6, SIG_OP_IP_VERSION);
}

static int parse_sameip(struct draft *d, struct text value)
{
    (void)value;
    return draft_op_add(d, DRAFT_PACKET, SIG_OP_SAME_IP) ? 0 : ABENG_EFORMAT;
}

/* A number, or !number. */
static int not_op(struct draft *d, const char *keyword, struct text value, uint64_t max,
                  enum sig_op_kind kind)
{
    bool negated = text_skip(&value, "!");
    int rc = keyword_plain_op(d, keyword, text_trim(value), max, kind);
    if (!rc && negated)
        d->ops[d->op_count - 1].op.u.number.compare = SIG_CMP_NE;
    return rc;
}

static int parse_seq(struct draft *d, struct text value)
{
    return keyword_plain_op(d, "seq", value, UINT32_MAX, SIG_OP_TCP_SEQ);
}

static int parse_ack(struct draft *d, struct text value)
{
    return keyword_plain_op(d, "ack", value, UINT32_MAX, SIG_OP_TCP_ACK);
}

static int parse_window(struct draft *d, struct text value)
{
    return not_op(d, "window", value, UINT16_MAX, SIG_OP_TCP_WINDOW);
}

static int parse_mss(struct draft *d, struct text value)
{
    return keyword_number_op(d, "tcp.mss", value, UINT16_MAX, DRAFT_PACKET, SIG_OP_TCP_MSS);
}

static int parse_ttl(struct draft *d, struct text value)
{
    return keyword_number_op(d, "ttl", value, UINT8_MAX, DRAFT_PACKET, SIG_OP_TTL);
}

static int parse_tos(struct draft *d, struct text value)
{
    struct text hex = value;
    bool negated = text_skip(&hex, "!");
    uint64_t number = 0;
    if (!text_skip(&hex, "x"))
        return not_op(d, "tos", value, UINT8_MAX, SIG_OP_TOS);
    for (size_t i = 0; i < hex.len && number <= UINT8_MAX; i++) {
        int digit = text_hex_digit(hex.at[i]);
        number = digit < 0 ? UINT64_MAX : number << 4 | (unsigned)digit;
    }
    if (!hex.len || number > UINT8_MAX)
        return draft_refuse(d, "tos: a number up to 255, or x and a hexadecimal one");
    struct sig_op *op = draft_op_add(d, DRAFT_PACKET, SIG_OP_TOS);
    if (!op)
        return ABENG_EFORMAT;
    op->u.number.a = number;
    op->u.number.compare = negated ? SIG_CMP_NE : SIG_CMP_EQ;
    return 0;
}

static int parse_id(struct draft *d, struct text value)
{
    return keyword_plain_op(d, "id", value, UINT16_MAX, SIG_OP_IP_ID);
}

static int parse_fragoffset(struct draft *d, struct text value)
{
    struct text number = text_trim(value);
    uint8_t compare = text_skip(&number, "<") ? SIG_CMP_LT : SIG_CMP_EQ;
    if (compare == SIG_CMP_EQ && text_skip(&number, ">"))
        compare = SIG_CMP_GT;
    /* what stands behind the number is not read, as in the reference */
    number = text_digits(text_trim(number));
    int rc = keyword_plain_op(d, "fragoffset", number, UINT16_MAX, SIG_OP_FRAG_OFFSET);
    if (!rc)
        d->ops[d->op_count - 1].op.u.number.compare = compare;
    return rc;
}

static int parse_itype(struct draft *d, struct text value)
{
    return keyword_number_op(d, "itype", value, UINT8_MAX, DRAFT_PACKET, SIG_OP_ITYPE);
}

static int parse_icode(struct draft *d, struct text value)
{
    return keyword_number_op(d, "icode", value, UINT8_MAX, DRAFT_PACKET, SIG_OP_ICODE);
}

static int parse_icmp_id(struct draft *d, struct text value)
{
    return keyword_plain_op(d, "icmp_id", value, UINT16_MAX, SIG_OP_ICMP_ID);
}

static int parse_icmp_seq(struct draft *d, struct text value)
{
    return keyword_plain_op(d, "icmp_seq", value, UINT16_MAX, SIG_OP_ICMP_SEQ);
}

static int parse_mtu(struct draft *d, struct text value)
{
    return keyword_number_op(d, "icmpv6.mtu", value, UINT32_MAX, DRAFT_PACKET, SIG_OP_ICMPV6_MTU);
}

const struct sig_keyword keywords_header[] = {
    { "flags", parse_flags, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "tcp.flags", parse_flags, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "fragbits", parse_fragbits, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "fragoffset", parse_fragoffset, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "ipopts", parse_ipopts, KEYWORD_PACKET, NULL },
    { "ip_proto", parse_ip_proto, KEYWORD_MAY_QUOTE, NULL },
    { "l3_proto", parse_l3_proto, 0, NULL },
    { "sameip", parse_sameip, KEYWORD_PACKET | KEYWORD_NO_VALUE, NULL },
    { "seq", parse_seq, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "tcp.seq", parse_seq, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "ack", parse_ack, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "tcp.ack", parse_ack, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "window", parse_window, KEYWORD_PACKET, NULL },
    { "tcp.window", parse_window, KEYWORD_PACKET, NULL },
    { "tcp.mss", parse_mss, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "ttl", parse_ttl, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "tos", parse_tos, KEYWORD_PACKET | KEYWORD_MAY_QUOTE, NULL },
    { "id", parse_id, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "itype", parse_itype, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "icode", parse_icode, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "icmp_id", parse_icmp_id, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "icmp_seq", parse_icmp_seq, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { "icmpv6.mtu", parse_mtu, KEYWORD_PACKET | KEYWORD_PREFILTER, NULL },
    { NULL, NULL, 0, NULL },
};
