/* SPDX-License-Identifier: Apache-2.0 */
/* From instructions back to the rule language. */
#include "config.h"
#include "signatures/print.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "common/buf.h"
#include "signatures/ruleset.h"

struct printer {
    const struct sig_ruleset *set;
    struct buf *out;
    bool joined; /* alternatives: the next one follows its comma */
};

static const char *const action_names[] = { "pass", "drop", "reject", "alert" };

static const char *const proto_names[] = { "ip",   "tcp",  "tcp-pkt", "tcp-stream",
                                           "udp",  "icmp", "icmpv4",  "icmpv6",
                                           "sctp", "ipv4", "ipv6",    "pkthdr" };

/* ---- header ----------------------------------------------------------------------------- */

/* A range of addresses may reach over the end of the IPv4 ones, which text can't say: cut there. */
static void print_range(struct buf *out, struct addr low, struct addr high)
{
    static const struct addr v4_low = { { [10] = 0xff, [11] = 0xff } };
    static const struct addr v4_high = {
        { [10] = 0xff, [11] = 0xff, [12] = 0xff, [13] = 0xff, [14] = 0xff, [15] = 0xff }
    };
    static const struct addr below = {
        { [10] = 0xff, [11] = 0xfe, [12] = 0xff, [13] = 0xff, [14] = 0xff, [15] = 0xff }
    };
    static const struct addr above = { { [9] = 1 } };
    const struct sig_addr_range zones[] = { { { { 0 } }, below },
                                            { v4_low, v4_high },
                                            { above,
                                              { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                  0xff } } } };
    const char *comma = "";
    for (int i = 0; i < 3; i++) {
        struct addr a = addr_compare(&low, &zones[i].low) > 0 ? low : zones[i].low;
        struct addr b = addr_compare(&high, &zones[i].high) < 0 ? high : zones[i].high;
        char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
        if (addr_compare(&a, &b) > 0)
            continue;
        addr_format(&a, from);
        addr_format(&b, to);
        buf_printf(out, "%s%s-%s", comma, from, to);
        comma = ",";
    }
}

static bool next_addr(struct addr *a, int step)
{
    for (int i = 15; i >= 0; i--) {
        uint8_t was = a->bytes[i];
        a->bytes[i] = (uint8_t)(was + step);
        if (was != (step > 0 ? 0xff : 0))
            return true;
    }
    return false;
}

/* What the ranges leave out, behind one '!': so the reader knows that there was a negation. */
static void print_complement(struct buf *out, const struct sig_addrs *a)
{
    struct addr low = { { 0 } }, last;
    const char *comma = "";
    bool more = true;
    memset(&last, 0xff, sizeof(last));
    buf_text(out, "![");
    for (uint32_t i = 0; i < a->count && more; i++) {
        struct addr high = a->ranges[i].low;
        if (next_addr(&high, -1) && addr_compare(&low, &high) <= 0) {
            buf_text(out, comma);
            print_range(out, low, high);
            comma = ",";
        }
        low = a->ranges[i].high;
        more = next_addr(&low, 1);
    }
    if (more) {
        buf_text(out, comma);
        print_range(out, low, last);
    }
    buf_byte(out, ']');
}

static void print_addrs(struct buf *out, const struct sig_addrs *a)
{
    if (a->any) {
        buf_text(out, "any");
    } else if (a->negated) {
        print_complement(out, a);
    } else {
        for (uint32_t i = 0; i < a->count; i++) {
            buf_byte(out, i ? ',' : '[');
            print_range(out, a->ranges[i].low, a->ranges[i].high);
        }
        buf_byte(out, ']');
    }
}

static void print_ports(struct buf *out, const struct sig_ports *p)
{
    if (p->any)
        buf_text(out, "any");
    for (uint32_t i = 0; i < p->count; i++)
        buf_printf(out, "%c%u:%u", i ? ',' : '[', p->ranges[i].low, p->ranges[i].high);
    if (!p->any)
        buf_byte(out, ']');
}

static void print_header(struct printer *p, const struct sig *r)
{
    /* What carries a protocol by itself is not said (header.c, app_carrier). */
    bool by_app =
        r->app != SIG_APP_UNKNOWN &&
        (r->proto == SIG_PROTO_TCP ||
         (r->proto == SIG_PROTO_IP && (r->app == SIG_APP_DNS || r->app == SIG_APP_DCERPC)) ||
         (r->proto == SIG_PROTO_UDP && r->app != SIG_APP_DNS));
    if (r->proto == SIG_PROTO_TCP && r->app == SIG_APP_DNS)
        by_app = false;
    buf_printf(p->out, "%s %s ", action_names[r->action],
               by_app ? sig_app_name((enum sig_app)r->app) : proto_names[r->proto]);
    print_addrs(p->out, &r->src);
    buf_byte(p->out, ' ');
    print_ports(p->out, &r->sports);
    buf_text(p->out, r->bidirectional ? " <> " : " -> ");
    print_addrs(p->out, &r->dst);
    buf_byte(p->out, ' ');
    print_ports(p->out, &r->dports);
}

/* ---- instructions ----------------------------------------------------------------------- */

static void print_escaped(struct buf *out, const uint8_t *s, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (isalnum(s[i]) || (s[i] && strchr(" !#$%&'()*+,-./<=>?@[]^_`{}~", s[i])))
            buf_byte(out, s[i]);
        else
            buf_printf(out, "|%02x|", s[i]);
    }
}

static void print_value(struct buf *out, const struct sig_op *op, uint32_t var, int64_t value)
{
    if (op->flags & var)
        buf_printf(out, "v%lld", (long long)value);
    else
        buf_printf(out, "%lld", (long long)value);
}

static void print_place(struct printer *p, const struct sig_op *op, uint32_t flag, uint32_t var,
                        const char *name, int32_t value)
{
    if (!(op->flags & flag))
        return;
    buf_printf(p->out, "%s:", name);
    print_value(p->out, op, var, value);
    buf_text(p->out, "; ");
}

static void print_content(struct printer *p, const struct sig_op *op)
{
    struct buf *out = p->out;
    buf_text(out, op->flags & SIG_F_NEGATED ? "content:!\"" : "content:\"");
    print_escaped(out, p->set->blob + op->u.content.bytes.at, op->u.content.bytes.len);
    buf_text(out, "\"; ");
    if (op->flags & SIG_F_NOCASE)
        buf_text(out, "nocase; ");
    print_place(p, op, SIG_F_OFFSET, SIG_VAR_OFFSET, "offset", op->u.content.offset);
    print_place(p, op, SIG_F_DEPTH, SIG_VAR_DEPTH, "depth", op->u.content.depth);
    print_place(p, op, SIG_F_DISTANCE, SIG_VAR_DISTANCE, "distance", op->u.content.distance);
    print_place(p, op, SIG_F_WITHIN, SIG_VAR_WITHIN, "within", op->u.content.within);
    if (op->flags & SIG_F_STARTSWITH)
        buf_text(out, "startswith; ");
    if (op->flags & SIG_F_ENDSWITH)
        buf_text(out, "endswith; ");
    if (op->flags & SIG_F_RAWBYTES)
        buf_text(out, "rawbytes; ");
    if (op->flags & SIG_F_FP_ONLY)
        buf_text(out, "fast_pattern:only; ");
    else if (op->flags & SIG_F_FP_CHOP)
        buf_printf(out, "fast_pattern:%u,%u; ", op->u.content.fp_offset, op->u.content.fp_len);
    else if (op->flags & SIG_F_FAST_PATTERN)
        buf_text(out, "fast_pattern; ");
}

static void print_pcre(struct printer *p, const struct sig_op *op)
{
    static const struct {
        uint32_t option;
        char letter;
    } letters[] = { { PCRE2_CASELESS, 'i' }, { PCRE2_MULTILINE, 'm' },
                    { PCRE2_DOTALL, 's' },   { PCRE2_EXTENDED, 'x' },
                    { PCRE2_ANCHORED, 'A' }, { PCRE2_DOLLAR_ENDONLY, 'E' },
                    { PCRE2_UNGREEDY, 'G' } };
    struct buf *out = p->out;
    buf_text(out, op->flags & SIG_F_NEGATED ? "pcre:!\"/" : "pcre:\"/");
    buf_add(out, p->set->blob + op->u.pcre.pattern.at, op->u.pcre.pattern.len);
    buf_byte(out, '/');
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (op->u.pcre.options & letters[i].option)
            buf_byte(out, (uint8_t)letters[i].letter);
    }
    if (op->flags & SIG_F_RELATIVE)
        buf_byte(out, 'R');
    if (op->flags & SIG_F_RAWBYTES)
        buf_byte(out, 'B');
    if (op->u.pcre.match_limit_off)
        buf_byte(out, 'O');
    buf_add(out, p->set->blob + op->u.pcre.tail.at, op->u.pcre.tail.len);
    buf_text(out, "\"; ");
}

static void print_byte_options(struct buf *out, const struct sig_op *op, uint8_t base,
                               uint32_t mask)
{
    if (op->flags & SIG_F_RELATIVE)
        buf_text(out, ",relative");
    if (op->flags & SIG_F_LITTLE)
        buf_text(out, ",little");
    if (op->flags & SIG_F_DCE)
        buf_text(out, ",dce");
    if (op->flags & SIG_F_STRING)
        buf_text(out, ",string");
    if (base)
        buf_text(out, base == 16 ? ",hex" : base == 8 ? ",oct" : ",dec");
    if (mask)
        buf_printf(out, ",bitmask 0x%x", mask);
}

static const char *const compare_signs[] = {
    [SIG_CMP_EQ] = "=", [SIG_CMP_NE] = "!=", [SIG_CMP_LT] = "<",      [SIG_CMP_LE] = "<=",
    [SIG_CMP_GT] = ">", [SIG_CMP_GE] = ">=", [SIG_CMP_ANY_BIT] = "&", [SIG_CMP_NO_BIT_EQ] = "^",
};

static void print_byte_test(struct printer *p, const struct sig_op *op)
{
    struct buf *out = p->out;
    buf_text(out, "byte_test:");
    print_value(out, op, SIG_VAR_NBYTES, op->u.byte_test.nbytes);
    buf_printf(out, ",%s%s,", op->flags & SIG_F_NEGATED ? "!" : "",
               compare_signs[op->u.byte_test.compare]);
    buf_printf(out, op->flags & SIG_VAR_VALUE ? "v%llu," : "%llu,",
               (unsigned long long)op->u.byte_test.value);
    print_value(out, op, SIG_VAR_OFFSET, op->u.byte_test.offset);
    print_byte_options(out, op, op->u.byte_test.base, op->u.byte_test.bitmask);
    buf_text(out, "; ");
}

static void print_byte_jump(struct printer *p, const struct sig_op *op)
{
    struct buf *out = p->out;
    buf_text(out, "byte_jump:");
    print_value(out, op, SIG_VAR_NBYTES, op->u.byte_jump.nbytes);
    buf_byte(out, ',');
    print_value(out, op, SIG_VAR_OFFSET, op->u.byte_jump.offset);
    print_byte_options(out, op, op->u.byte_jump.base, op->u.byte_jump.bitmask);
    buf_printf(out, ",multiplier %u,post_offset %d%s%s%s; ", op->u.byte_jump.multiplier,
               op->u.byte_jump.post_offset, op->flags & SIG_F_ALIGN ? ",align" : "",
               op->flags & SIG_F_FROM_BEGINNING ? ",from_beginning" : "",
               op->flags & SIG_F_FROM_END ? ",from_end" : "");
}

static void print_byte_extract(struct printer *p, const struct sig_op *op)
{
    struct buf *out = p->out;
    buf_printf(out, "byte_extract:%u,%d,v%u", op->u.byte_extract.nbytes, op->u.byte_extract.offset,
               op->u.byte_extract.var);
    print_byte_options(out, op, op->u.byte_extract.base, op->u.byte_extract.bitmask);
    buf_printf(out, ",multiplier %u", op->u.byte_extract.multiplier);
    if (op->u.byte_extract.align)
        buf_printf(out, ",align %u", op->u.byte_extract.align);
    buf_text(out, "; ");
}

static void print_byte_math(struct printer *p, const struct sig_op *op)
{
    struct buf *out = p->out;
    buf_text(out, "byte_math:bytes ");
    print_value(out, op, SIG_VAR_NBYTES, op->u.byte_math.nbytes);
    buf_text(out, ",offset ");
    print_value(out, op, SIG_VAR_OFFSET, op->u.byte_math.offset);
    buf_printf(out, ",oper %c%s,rvalue ", op->u.byte_math.oper,
               op->u.byte_math.oper == '<'   ? "<"
               : op->u.byte_math.oper == '>' ? ">"
                                             : "");
    print_value(out, op, SIG_VAR_VALUE, (int64_t)op->u.byte_math.rvalue);
    buf_printf(out, ",result v%u", op->u.byte_math.var);
    print_byte_options(out, op, op->u.byte_math.base, op->u.byte_math.bitmask);
    buf_text(out, "; ");
}

static void print_isdataat(struct printer *p, const struct sig_op *op)
{
    buf_text(p->out, op->flags & SIG_F_NEGATED ? "isdataat:!" : "isdataat:");
    print_value(p->out, op, SIG_VAR_OFFSET, op->u.isdataat.offset);
    buf_text(p->out, op->flags & SIG_F_RELATIVE ? ",relative; " : "; ");
}

static void print_number(struct buf *out, const struct sig_op *op)
{
    unsigned long long a = op->u.number.a, b = op->u.number.b;
    if (op->u.number.compare == SIG_CMP_RANGE)
        buf_printf(out, "%llu<>%llu", a, b);
    else
        buf_printf(out, "%s%llu",
                   op->u.number.compare == SIG_CMP_EQ ? "" : compare_signs[op->u.number.compare],
                   a);
}

static void print_base64(struct printer *p, const struct sig_op *op)
{
    const char *colon = ":", *comma = "";
    buf_text(p->out, "base64_decode");
    if (op->u.base64.bytes) {
        buf_printf(p->out, "%s%sbytes %u", colon, comma, op->u.base64.bytes);
        colon = "", comma = ",";
    }
    if (op->u.base64.offset) {
        buf_printf(p->out, "%s%soffset %u", colon, comma, op->u.base64.offset);
        colon = "", comma = ",";
    }
    if (op->flags & SIG_F_RELATIVE)
        buf_printf(p->out, "%s%srelative", colon, comma);
    buf_text(p->out, "; ");
}

static void print_asn1(struct buf *out, const struct sig_op *op)
{
    uint8_t checks = op->u.asn1.checks;
    buf_printf(out, "asn1:%s_offset %d", checks & SIG_ASN1_RELATIVE ? "relative" : "absolute",
               op->u.asn1.offset);
    buf_text(out, checks & SIG_ASN1_BITSTRING ? ",bitstring_overflow" : "");
    buf_text(out, checks & SIG_ASN1_DOUBLE ? ",double_overflow" : "");
    if (checks & SIG_ASN1_OVERSIZE)
        buf_printf(out, ",oversize_length %u", op->u.asn1.oversize);
    buf_text(out, "; ");
}

static void print_set(struct printer *p, const struct sig_op *op, enum sig_buffer buffer)
{
    const char *name = buffer == SIG_BUF_FILE_MD5      ? "filemd5"
                       : buffer == SIG_BUF_FILE_SHA1   ? "filesha1"
                       : buffer == SIG_BUF_FILE_SHA256 ? "filesha256"
                                                       : NULL;
    const char *not = name && op->flags & SIG_F_NEGATED ? "!" : "";
    if (!name)
        name = op->u.set.by_value ? "datarep" : "dataset";
    buf_printf(p->out, "%s:%s%s; ", name, not, (const char *)p->set->blob + op->u.set.text.at);
}

static void print_list_op(struct printer *p, const struct sig_op *op, enum sig_buffer buffer)
{
    switch (op->kind) {
    case SIG_OP_CONTENT:
        print_content(p, op);
        break;
    case SIG_OP_PCRE:
        print_pcre(p, op);
        break;
    case SIG_OP_BYTE_TEST:
        print_byte_test(p, op);
        break;
    case SIG_OP_BYTE_JUMP:
        print_byte_jump(p, op);
        break;
    case SIG_OP_BYTE_EXTRACT:
        print_byte_extract(p, op);
        break;
    case SIG_OP_BYTE_MATH:
        print_byte_math(p, op);
        break;
    case SIG_OP_ISDATAAT:
        print_isdataat(p, op);
        break;
    case SIG_OP_BASE64_DECODE:
        print_base64(p, op);
        break;
    case SIG_OP_BASE64_DATA:
        buf_text(p->out, "base64_data; ");
        break;
    case SIG_OP_ASN1:
        print_asn1(p->out, op);
        break;
    case SIG_OP_FILE_SIZE:
        buf_text(p->out, op->u.number.field ? "filestore" : "filesize:");
        if (!op->u.number.field)
            print_number(p->out, op);
        buf_text(p->out, "; ");
        break;
    case SIG_OP_DATASET:
        print_set(p, op, buffer);
        break;
    default:
        buf_text(p->out, op->kind == SIG_OP_BSIZE ? "bsize:" : "urilen:");
        print_number(p->out, op);
        buf_text(p->out,
                 op->kind == SIG_OP_URILEN && buffer == SIG_BUF_HTTP_URI_RAW ? ",raw; " : "; ");
    }
}

static void print_transforms(struct printer *p, const struct sig_bufspec *s)
{
    static const char *const names[] = {
        [SIG_TR_TO_LOWERCASE] = "to_lowercase",
        [SIG_TR_TO_UPPERCASE] = "to_uppercase",
        [SIG_TR_COMPRESS_WHITESPACE] = "compress_whitespace",
        [SIG_TR_STRIP_WHITESPACE] = "strip_whitespace",
        [SIG_TR_DOTPREFIX] = "dotprefix",
        [SIG_TR_HEADER_LOWERCASE] = "header_lowercase",
        [SIG_TR_STRIP_PSEUDO_HEADERS] = "strip_pseudo_headers",
        [SIG_TR_TO_MD5] = "to_md5",
        [SIG_TR_TO_SHA1] = "to_sha1",
        [SIG_TR_TO_SHA256] = "to_sha256",
        [SIG_TR_URL_DECODE] = "url_decode",
        [SIG_TR_XOR] = "xor",
        [SIG_TR_PCREXFORM] = "pcrexform",
    };
    for (unsigned i = 0; i < s->transform_count; i++) {
        const uint8_t *argument = p->set->blob + s->arguments[i].at;
        buf_text(p->out, names[s->transforms[i]]);
        if (s->transforms[i] == SIG_TR_PCREXFORM)
            buf_printf(p->out, ":\"%.*s\"", (int)s->arguments[i].len, argument);
        if (s->transforms[i] == SIG_TR_XOR) {
            buf_text(p->out, ":\"");
            for (uint32_t k = 0; k < s->arguments[i].len; k++)
                buf_printf(p->out, "%02x", argument[k]);
            buf_byte(p->out, '"');
        }
        buf_text(p->out, "; ");
    }
}

static bool decodes_base64(const struct printer *p, const struct sig_list *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (p->set->ops[l->first + i].kind == SIG_OP_BASE64_DATA)
            return true;
    }
    return false;
}

/* The tests that dcerpc.iface is made of: UUID, version, whether a first fragment asked for it. */
static void print_iface(struct printer *p, const struct sig_list *l)
{
    const struct sig_op *op = &p->set->ops[l->first], *end = op + l->count;
    const uint8_t *uuid = p->set->blob + op->u.content.bytes.at;
    buf_text(p->out, "dcerpc.iface:");
    for (uint32_t i = 0; i < op->u.content.bytes.len; i++)
        buf_printf(p->out, "%s%02x", i >= 4 && i <= 10 && i % 2 == 0 ? "-" : "", uuid[i]);
    bool any_frag = true;
    for (op++; op < end; op++) {
        unsigned long long value = op->u.byte_test.value;
        if (op->u.byte_test.nbytes == 1)
            any_frag = false;
        else if (op + 1 < end && op[1].u.byte_test.nbytes == 2) /* both ends of a range */
            buf_printf(p->out, ",%llu<>%llu", value, (unsigned long long)op[1].u.byte_test.value),
                op++;
        else
            buf_printf(p->out, ",%s%llu", compare_signs[op->u.byte_test.compare], value);
    }
    buf_text(p->out, any_frag ? ",any_frag; " : "; ");
}

static void print_list(struct printer *p, const struct sig_list *l, bool reset)
{
    const struct sig_bufspec *s = &p->set->specs[l->spec];
    if (s->buffer == SIG_BUF_DCE_IFACE) {
        print_iface(p, l);
        return;
    }
    if ((s->buffer != SIG_BUF_PAYLOAD || reset) && *sig_buffer_def(s->buffer)->name)
        buf_printf(p->out, "%s; ", sig_buffer_def(s->buffer)->name);
    print_transforms(p, s);
    for (uint32_t i = 0; i < l->count; i++)
        print_list_op(p, &p->set->ops[l->first + i], s->buffer);
}

/* The list that ends in decoded bytes stands last: nothing may follow base64_data. */
static void print_lists(struct printer *p, const struct sig *r)
{
    bool any = false;
    for (int last = 0; last < 2; last++) {
        for (uint32_t i = 0; i < r->list_count; i++) {
            if (decodes_base64(p, &r->lists[i]) != (last != 0))
                continue;
            print_list(p, &r->lists[i], any);
            any = true;
        }
    }
}

/* ---- packet and state ------------------------------------------------------------------- */

static void print_bits(struct printer *p, const struct sig_op *op)
{
    static const char flags[] = "FSRPAUEC", frag[] = "MDR";
    bool tcp = op->kind == SIG_OP_TCP_FLAGS;
    const char *letters = tcp ? flags : frag;
    buf_text(p->out, tcp ? "flags:" : "fragbits:");
    if (op->u.bits.mode != '=')
        buf_byte(p->out, op->u.bits.mode);
    if (!op->u.bits.set)
        buf_byte(p->out, '0');
    for (unsigned i = 0; letters[i]; i++) {
        if (op->u.bits.set >> i & 1)
            buf_byte(p->out, (uint8_t)letters[i]);
    }
    if (op->u.bits.mask)
        buf_byte(p->out, ',');
    for (unsigned i = 0; letters[i]; i++) {
        if (op->u.bits.mask >> i & 1)
            buf_byte(p->out, (uint8_t)letters[i]);
    }
    buf_text(p->out, "; ");
}

static const char *const bit_words[] = {
    [SIG_BIT_SET] = "set",
    [SIG_BIT_UNSET] = "unset",
    [SIG_BIT_TOGGLE] = "toggle",
    [SIG_BIT_ISSET] = "isset",
    [SIG_BIT_ISNOTSET] = "isnotset",
    [SIG_INT_ADD] = "+",
    [SIG_INT_SUB] = "-",
    [SIG_INT_SET] = "=",
    [SIG_INT_LT] = "<",
    [SIG_INT_LE] = "<=",
    [SIG_INT_EQ] = "==",
    [SIG_INT_NE] = "!=",
    [SIG_INT_GE] = ">=",
    [SIG_INT_GT] = ">",
    [SIG_INT_ISSET] = "isset",
    [SIG_INT_ISNOTSET] = "isnotset",
};

static void print_flowbit(struct printer *p, const struct sig_op *op)
{
    bool joined = p->joined;
    if (!joined)
        buf_printf(p->out, "flowbits:%s", bit_words[op->u.bit.command]);
    for (unsigned i = 0; i < op->u.bit.count; i++)
        buf_printf(p->out, "%c%s", i || joined ? '|' : ',', p->set->flowbits[op->u.bit.id[i]]);
    p->joined = op->flags & SIG_F_OR_NEXT;
    if (!p->joined)
        buf_text(p->out, "; ");
}

static void print_tag(struct buf *out, const struct sig_op *op)
{
    static const char *const metrics[] = { "packets", "bytes", "seconds" };
    bool host = op->u.tag.of != SIG_TAG_SESSION;
    buf_printf(out, "tag:%s,%u,%s%s; ", host ? "host" : "session", op->u.tag.count,
               metrics[op->u.tag.metric],
               !host ? "" : op->u.tag.of == SIG_TAG_SRC ? ",src" : ",dst");
}

static void print_flowint(struct printer *p, const struct sig_op *op)
{
    buf_printf(p->out, "flowint:%s,%s", p->set->flowints[op->u.bit.id[0]],
               bit_words[op->u.bit.command]);
    if (op->u.bit.command == SIG_INT_ISSET || op->u.bit.command == SIG_INT_ISNOTSET)
        buf_text(p->out, "; ");
    else if (op->flags & SIG_VAR_VALUE)
        buf_printf(p->out, ",%s; ", p->set->flowints[op->u.bit.value]);
    else
        buf_printf(p->out, ",%u; ", op->u.bit.value);
}

static void print_host_state(struct printer *p, const struct sig_op *op)
{
    const char *word = bit_words[op->u.bit.command], *name = p->set->xbits[op->u.bit.id[0]];
    bool src = op->u.bit.track == SIG_TRACK_SRC, dst = op->u.bit.track == SIG_TRACK_DST;
    if (op->kind == SIG_OP_HOSTBIT)
        buf_printf(p->out, "hostbits:%s,%s,%s; ", word, name, src ? "src" : "dst");
    else
        buf_printf(p->out, "xbits:%s,%s,track %s,expire %u; ", word, name,
                   src   ? "ip_src"
                   : dst ? "ip_dst"
                         : "ip_pair",
                   op->u.bit.expire_s);
}

static void print_event(struct printer *p, const struct sig_op *op)
{
    static const char *const words[] = { "decode-event", "stream-event", "app-layer-event" };
    buf_printf(p->out, "%s:", words[op->u.name.command]);
    /* The first HTTP's events are written without its number. */
    enum sig_app app =
        op->u.name.id == SIG_APP_HTTP1 ? SIG_APP_ANY_HTTP : (enum sig_app)op->u.name.id;
    if (app != SIG_APP_UNKNOWN)
        buf_printf(p->out, "%s.", sig_app_name(app));
    buf_printf(p->out, "%s; ", (const char *)p->set->blob + op->u.name.text.at);
}

static void print_ssl_state(struct buf *out, const struct sig_op *op)
{
    static const char *const names[] = { "client_hello", "server_hello", "client_keyx",
                                         "server_keyx", "unknown" };
    const char *lead = "ssl_state:";
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!(op->u.number.a >> i & 1))
            continue;
        buf_printf(out, "%s%s%s", lead, op->u.number.b >> i & 1 ? "!" : "", names[i]);
        lead = ",";
    }
    buf_text(out, "; ");
}

static void print_csum(struct buf *out, const struct sig_op *op)
{
    static const char *const names[] = {
        [SIG_CSUM_IPV4] = "ipv4",     [SIG_CSUM_TCPV4] = "tcpv4", [SIG_CSUM_TCPV6] = "tcpv6",
        [SIG_CSUM_UDPV4] = "udpv4",   [SIG_CSUM_UDPV6] = "udpv6", [SIG_CSUM_ICMPV4] = "icmpv4",
        [SIG_CSUM_ICMPV6] = "icmpv6",
    };
    buf_printf(out, "%s-csum:%s; ", names[op->u.number.field],
               op->flags & SIG_F_NEGATED ? "invalid" : "valid");
}

/* One of several numbers or ranges, with commas between them. */
static void print_alternative(struct printer *p, const char *name, const struct sig_op *op)
{
    bool more = op->flags & SIG_F_OR_NEXT;
    if (!p->joined)
        buf_printf(p->out, "%s:", name);
    bool is_signed = name[0] == 'k'; /* ciphers of Kerberos may be below 0 */
    buf_printf(p->out, "%lld", is_signed ? (int32_t)op->u.number.a : (long long)op->u.number.a);
    if (op->u.number.compare == SIG_CMP_RANGE_INCL)
        buf_printf(p->out, "-%llu", (unsigned long long)op->u.number.b);
    buf_text(p->out, more ? "," : "; ");
    p->joined = more;
}

/* One version as a number, others by name, and all that may hold instead in one list. */
static void print_tls_version(struct printer *p, const struct sig_op *op)
{
    static const char *const ssl[] = { "sslv3", "tls1.0", "tls1.1", "tls1.2", "tls1.3" };
    uint64_t low = op->u.number.a, high = op->u.number.b;
    bool one = op->u.number.compare == SIG_CMP_EQ, more = op->flags & SIG_F_OR_NEXT;
    if (!one && low > high) { /* negated, which never matches */
        buf_text(p->out, "ssl_version:!sslv2; ");
        return;
    }
    if (one && !more && !p->joined) {
        buf_printf(p->out, "tls.version:0x%llx; ", (unsigned long long)low);
        return;
    }
    if (one)
        high = low;
    const char *lead = p->joined ? "" : "ssl_version:";
    if (low < 0x300) {
        buf_printf(p->out, "%ssslv2", lead);
        lead = ",";
    }
    for (uint64_t v = low < 0x300 ? 0x300 : low; v <= high && v <= 0x304; v++) {
        buf_printf(p->out, "%s%s", lead, ssl[v - 0x300]);
        lead = ",";
    }
    buf_text(p->out, more ? "," : "; ");
    p->joined = more;
}

static void print_date(struct buf *out, uint64_t seconds)
{
    char text[24];
    struct tm tm;
    time_t t = (time_t)seconds;
    if (seconds == 0)
        buf_text(out, "1970"); /* a year alone */
    else if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
        buf_text(out, text);
}

/* A certificate's date, or whether it was over. */
static void print_cert(struct buf *out, const char *name, const struct sig_op *op)
{
    uint8_t compare = op->u.number.compare;
    if (strcmp(name, "tls_cert_expired") == 0) {
        buf_text(out, op->u.number.a ? "tls_cert_expired; " : "tls_cert_valid; ");
        return;
    }
    buf_printf(out, "%s:%s", name, compare == SIG_CMP_LE ? "<" : compare == SIG_CMP_GE ? ">" : "");
    print_date(out, op->u.number.a);
    if (compare == SIG_CMP_RANGE_INCL) {
        buf_text(out, "<>");
        print_date(out, op->u.number.b);
    }
    buf_text(out, "; ");
}

static void print_app_number(struct printer *p, const struct sig_op *op)
{
    const char *name = (const char *)p->set->blob + op->u.number.text.at;
    if (op->u.number.compare == SIG_CMP_MASKED_NE) {
        print_ssl_state(p->out, op);
        return;
    }
    if (strcmp(name, "ftpbounce") == 0) {
        buf_text(p->out, "ftpbounce; ");
        return;
    }
    if (strcmp(name, "dcerpc.opnum") == 0 || strcmp(name, "krb5.ticket_encryption") == 0) {
        print_alternative(p, name, op);
        return;
    }
    if (strncmp(name, "nfs", 3) == 0 && op->u.number.compare == SIG_CMP_RANGE_INCL) {
        buf_printf(p->out, "%s:%llu<>%llu; ", name, (unsigned long long)op->u.number.a,
                   (unsigned long long)op->u.number.b);
        return;
    }
    if (strcmp(name, "krb5.ticket_weak") == 0) {
        buf_printf(p->out, "krb5.ticket_encryption:%sweak; ", op->u.number.a ? "" : "!");
        return;
    }
    if (strcmp(name, "tls.version") == 0) {
        print_tls_version(p, op);
        return;
    }
    if (strncmp(name, "tls_cert_", 9) == 0) {
        print_cert(p->out, name, op);
        return;
    }
    if (strcmp(name, "ssh.protoversion") == 0) {
        buf_text(p->out, "ssh.protoversion:2_compat; ");
        return;
    }
    buf_printf(p->out, "%s:", name);
    print_number(p->out, op);
    buf_text(p->out, "; ");
}

static void print_plain(struct printer *p, const struct sig_op *op)
{
    static const char *const names[] = {
        [SIG_OP_DSIZE] = "dsize",
        [SIG_OP_TCP_SEQ] = "seq",
        [SIG_OP_TCP_ACK] = "ack",
        [SIG_OP_TCP_WINDOW] = "window",
        [SIG_OP_TCP_MSS] = "tcp.mss",
        [SIG_OP_TTL] = "ttl",
        [SIG_OP_TOS] = "tos",
        [SIG_OP_IP_ID] = "id",
        [SIG_OP_IP_PROTO] = "ip_proto",
        [SIG_OP_IP_VERSION] = "l3_proto:ipv",
        [SIG_OP_FRAG_OFFSET] = "fragoffset",
        [SIG_OP_ITYPE] = "itype",
        [SIG_OP_ICODE] = "icode",
        [SIG_OP_ICMP_ID] = "icmp_id",
        [SIG_OP_ICMP_SEQ] = "icmp_seq",
        [SIG_OP_ICMPV6_MTU] = "icmpv6.mtu",
        [SIG_OP_FLOW_AGE] = "flow.age",
        [SIG_OP_APP_UINT] = NULL,
    };
    static const char *const counts[] = { "pkts_toclient", "pkts_toserver", "bytes_toclient",
                                          "bytes_toserver" };
    static const char *const sides[] = { "server", "client", "both", "either" };
    if (op->kind == SIG_OP_STREAM_SIZE)
        buf_printf(p->out, "stream_size:%s,%s,%llu", sides[op->u.number.field],
                   compare_signs[op->u.number.compare], (unsigned long long)op->u.number.a);
    else if (op->kind == SIG_OP_FLOW_COUNT)
        buf_printf(p->out, "flow.%s:", counts[op->u.number.field]);
    else
        buf_printf(p->out, "%s%s", names[op->kind], op->kind == SIG_OP_IP_VERSION ? "" : ":");
    if (op->kind != SIG_OP_STREAM_SIZE)
        print_number(p->out, op);
    buf_text(p->out, "; ");
}

static void print_rpc(struct buf *out, const struct sig_op *op)
{
    buf_printf(out, "rpc:%llu", (unsigned long long)op->u.number.a);
    if (op->u.number.field & SIG_RPC_VERSION)
        buf_printf(out, ",%llu", (unsigned long long)(op->u.number.b >> 32));
    else if (op->u.number.field)
        buf_text(out, ",*");
    if (op->u.number.field & SIG_RPC_PROCEDURE)
        buf_printf(out, ",%llu", (unsigned long long)(op->u.number.b & UINT32_MAX));
    buf_text(out, "; ");
}

static void print_packet_op(struct printer *p, const struct sig_op *op)
{
    switch (op->kind) {
    case SIG_OP_TCP_FLAGS:
    case SIG_OP_FRAG_BITS:
        print_bits(p, op);
        break;
    case SIG_OP_RPC:
        print_rpc(p->out, op);
        break;
    case SIG_OP_SAME_IP:
        buf_text(p->out, "sameip; ");
        break;
    case SIG_OP_IP_OPTS:
        buf_printf(p->out, "ipopts:%s; ", (const char *)p->set->blob + op->u.name.text.at);
        break;
    case SIG_OP_APP_PROTO:
        buf_printf(p->out, "app-layer-protocol:%s%s; ", op->flags & SIG_F_NEGATED ? "!" : "",
                   sig_app_name((enum sig_app)op->u.name.id));
        break;
    case SIG_OP_EVENT:
        print_event(p, op);
        break;
    case SIG_OP_FLOWBIT:
        print_flowbit(p, op);
        break;
    case SIG_OP_FLOWINT:
        print_flowint(p, op);
        break;
    case SIG_OP_TAG:
        print_tag(p->out, op);
        break;
    case SIG_OP_XBIT:
    case SIG_OP_HOSTBIT:
        print_host_state(p, op);
        break;
    case SIG_OP_APP_UINT:
        print_app_number(p, op);
        break;
    case SIG_OP_CSUM:
        print_csum(p->out, op);
        break;
    case SIG_OP_VAR:
        buf_printf(p->out, "%s:%s; ", op->u.var.packet ? "pktvar" : "flowvar",
                   (const char *)p->set->blob + op->u.var.text.at);
        break;
    case SIG_OP_IPREP:
        buf_printf(p->out, "iprep:%s; ", (const char *)p->set->blob + op->u.rep.text.at);
        break;
    default:
        print_plain(p, op);
    }
}

static void print_flow(struct printer *p, const struct sig *r)
{
    static const char *const words[] = { "to_server",       "to_client", "established",
                                         "not_established", "stateless", "only_stream",
                                         "no_stream",       "only_frag", "no_frag" };
    const char *lead = "flow:";
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (r->flow >> i & 1) {
            buf_printf(p->out, "%s%s", lead, words[i]);
            lead = ",";
        }
    }
    if (r->flow)
        buf_text(p->out, "; ");
}

static void print_threshold(struct printer *p, const struct sig_threshold *t)
{
    static const char *const types[] = { "", "limit", "threshold", "both" };
    static const char *const tracks[] = { "", "by_src", "by_dst", "by_both", "by_rule", "by_flow" };
    if (t->type == SIG_THRESHOLD_RATE)
        return; /* local policy's, no keyword */
    if (t->type == SIG_THRESHOLD_DETECTION_FILTER)
        buf_text(p->out, "detection_filter:");
    else if (t->type)
        buf_printf(p->out, "threshold:type %s,", types[t->type]);
    if (t->type)
        buf_printf(p->out, "track %s,count %u,seconds %u; ", tracks[t->track], t->count,
                   t->seconds);
}

static void print_meta(struct printer *p, const struct sig *r)
{
    static const char *const targets[] = { "", "target:src_ip; ", "target:dest_ip; " };
    if (r->bypass)
        buf_text(p->out, "bypass; ");
    if (r->noalert != (r->action == SIG_ACTION_PASS))
        buf_text(p->out, r->noalert ? "noalert; " : "alert; ");
    if (r->prefilter)
        buf_text(p->out, "prefilter; ");
    buf_text(p->out, targets[r->target]);
    if (r->classtype)
        buf_printf(p->out, "classtype:%s; ", r->classtype);
    buf_printf(p->out, "priority:%u; ", r->priority);
    if (r->gid != 1)
        buf_printf(p->out, "gid:%u; ", r->gid);
    buf_printf(p->out, "sid:%u;", r->sid);
    if (r->rev)
        buf_printf(p->out, " rev:%u;", r->rev);
    buf_byte(p->out, ')');
}

static void print_msg(struct buf *out, const char *msg)
{
    buf_text(out, *msg ? " (msg:\"" : " (");
    for (; *msg; msg++) {
        if (strchr(";\"\\", *msg))
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t)*msg);
        if (!msg[1])
            buf_text(out, "\"; ");
    }
}

/* Whether a list looks into a buffer that only keywords of its own reach, which are not printed. */
static bool has_hidden_buffer(const struct sig_ruleset *set, const struct sig *r)
{
    bool hidden = false;
    for (uint32_t i = 0; i < r->list_count; i++) {
        enum sig_buffer buffer = set->specs[r->lists[i].spec].buffer;
        hidden |= !*sig_buffer_def(buffer)->name && buffer != SIG_BUF_DCE_IFACE;
    }
    return hidden;
}

void sig_print(const struct sig_ruleset *set, const struct sig *r, struct buf *out)
{
    struct printer p = { set, out, false };
    if (has_hidden_buffer(set, r)) {
        buf_text(out, r->text);
        return;
    }
    print_header(&p, r);
    print_msg(out, r->msg);
    print_flow(&p, r);
    for (uint32_t i = 0; i < r->packet_count; i++)
        print_packet_op(&p, &set->ops[r->packet_first + i]);
    print_lists(&p, r);
    for (uint32_t i = 0; i < r->post_count; i++)
        print_packet_op(&p, &set->ops[r->post_first + i]);
    print_threshold(&p, &r->threshold);
    print_threshold(&p, &r->filter);
    print_meta(&p, r);
}
