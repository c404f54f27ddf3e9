/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a rule: message, numbers, class, references, metadata. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <ctype.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "signatures/classification.h"
#include "signatures/parser.h"

/* Longest message. */
#define MSG_MAX 1024

/* Priority of a class that is not in the table. */
#define PRIORITY_UNKNOWN 3

static int once(struct draft *d, uint32_t what, const char *keyword)
{
    if (d->said & what)
        return draft_refuse(d, "%s twice in one rule", keyword);
    d->said |= what;
    return 0;
}

static int parse_msg(struct draft *d, struct text value)
{
    char text[MSG_MAX];
    size_t n = 0;
    if (once(d, DRAFT_MSG, "msg"))
        return ABENG_EFORMAT;
    if (!value.len)
        return draft_refuse(d, "msg: an empty message");
    if (value.len >= sizeof(text))
        return draft_refuse(d, "msg: longer than %d characters", MSG_MAX - 1);
    for (size_t i = 0; i < value.len; i++) {
        bool escape = value.at[i] == '\\' && i + 1 < value.len &&
                      (value.at[i + 1] == ';' || value.at[i + 1] == '"' ||
                       value.at[i + 1] == '\\' || value.at[i + 1] == ':');
        i += escape;
        text[n++] = value.at[i];
    }
    d->rule.msg = arena_strndup(d->set->arena, text, n);
    return 0;
}

static int parse_number(struct draft *d, struct text value, uint32_t what, const char *keyword,
                        uint32_t least, uint32_t most, uint32_t *out)
{
    uint64_t n;
    if (once(d, what, keyword))
        return ABENG_EFORMAT;
    if (text_u64(value, most, &n) || n < least)
        return draft_refuse(d, "%s: a number from %u to %u", keyword, least, most);
    *out = (uint32_t)n;
    return 0;
}

static int parse_sid(struct draft *d, struct text value)
{
    return parse_number(d, value, DRAFT_SID, "sid", 1, UINT32_MAX, &d->rule.sid);
}

static int parse_gid(struct draft *d, struct text value)
{
    d->said &= ~DRAFT_GID; /* the last one counts */
    return parse_number(d, value, DRAFT_GID, "gid", 0, UINT32_MAX - 1, &d->rule.gid);
}

static int parse_rev(struct draft *d, struct text value)
{
    return parse_number(d, value, DRAFT_REV, "rev", 1, UINT32_MAX - 1, &d->rule.rev);
}

static bool is_digits(struct text t)
{
    t = text_trim(t);
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] < '0' || t.at[i] > '9')
            return false;
    }
    return t.len > 0;
}

static int parse_priority(struct draft *d, struct text value)
{
    d->said &= ~DRAFT_PRIORITY; /* the last one counts */
    if (!is_digits(value))
        return draft_refuse(d, "priority: a number");
    return parse_number(d, value, DRAFT_PRIORITY, "priority", 0, UINT32_MAX, &d->rule.priority);
}

/* A letter, then letters, digits, - and _. */
static bool is_class(struct text t)
{
    bool ok = t.len && isalpha((unsigned char)t.at[0]);
    for (size_t i = 1; ok && i < t.len; i++)
        ok = isalnum((unsigned char)t.at[i]) || t.at[i] == '-' || t.at[i] == '_';
    return ok;
}

/* An unknown class is no reason to lose a rule: it gets the lowest of the usual priorities, as in
 * the reference. */
static int parse_classtype(struct draft *d, struct text value)
{
    const struct classification *c = classifications_find(d->parser->classes, value);
    if (!is_class(value))
        return draft_refuse(d, "classtype: a name of letters, digits, - and _");
    if (d->said & DRAFT_CLASSTYPE && d->rule.priority <= (c ? c->priority : PRIORITY_UNKNOWN))
        return 0; /* of several the most urgent one counts */
    d->said |= DRAFT_CLASSTYPE;
    d->rule.classtype = c ? c->name : arena_strndup(d->set->arena, value.at, value.len);
    d->rule.category = arena_strdup(d->set->arena, c ? c->description : "Unknown Classtype");
    if (c)
        d->rule.classtype = arena_strdup(d->set->arena, c->name);
    if (!(d->said & DRAFT_PRIORITY))
        d->rule.priority = c ? c->priority : PRIORITY_UNKNOWN;
    return 0;
}

static int parse_reference(struct draft *d, struct text value)
{
    struct text system;
    if (!text_cut(&value, ',', &system) || !system.len || !value.len)
        return draft_refuse(d, "reference: system,id");
    if (system.at[0] == '!')
        return draft_refuse(d, "reference: system,id");
    const char *prefix = classification_reference(system);
    struct text id = text_trim(value);
    struct buf *out = d->references;
    struct buf whole;
    struct json j;
    buf_init(&whole, out->max);
    buf_text(&whole, prefix ? prefix : "");
    buf_add(&whole, id.at, id.len);
    buf_byte(out, out->len ? ',' : '[');
    json_begin(&j, out);
    json_strn(&j, NULL, whole.data, whole.len);
    buf_free(&whole);
    return out->bad ? draft_refuse(d, "reference: too many") : 0;
}

static int parse_metadata(struct draft *d, struct text value)
{
    if (d->metadata->len)
        buf_byte(d->metadata, ',');
    buf_add(d->metadata, value.at, value.len);
    return d->metadata->bad ? draft_refuse(d, "metadata: too long") : 0;
}

static int parse_target(struct draft *d, struct text value)
{
    uint8_t target = text_is(value, "src_ip")    ? SIG_TARGET_SRC
                     : text_is(value, "dest_ip") ? SIG_TARGET_DEST
                                                 : SIG_TARGET_NONE;
    if (!target)
        return draft_refuse(d, "target: src_ip or dest_ip");
    if (d->rule.target && d->rule.target != target)
        return draft_refuse(d, "target: src_ip and dest_ip in one rule");
    d->rule.target = target;
    return 0;
}

static int parse_noalert(struct draft *d, struct text value)
{
    (void)value;
    d->rule.noalert = true;
    return 0;
}

/* Passes are silent (header.c) unless they say this. */
static int parse_alert(struct draft *d, struct text value)
{
    (void)value;
    d->rule.noalert = false;
    return 0;
}

/* Bypass and tag act on packets that we do not keep. */
/* No more of the flow is looked at, by any rule: the reference's local bypass. */
static int parse_bypass(struct draft *d, struct text value)
{
    (void)value;
    d->rule.bypass = true;
    return 0;
}

static int parse_prefilter(struct draft *d, struct text value)
{
    (void)value;
    if (!d->last_test)
        return draft_refuse(d, "prefilter: there is no keyword before it");
    if (d->said & DRAFT_PREFILTER)
        return draft_refuse(d, "prefilter twice in one rule");
    if (!d->last_prefilters)
        return draft_refuse(d, "prefilter: not behind %s", d->last_test);
    const struct sig_op *op = &d->ops[d->op_count ? d->op_count - 1 : 0].op;
    bool icmp = d->op_count && (op->kind == SIG_OP_ITYPE || op->kind == SIG_OP_ICODE);
    if (icmp && op->u.number.compare != SIG_CMP_EQ && op->u.number.compare != SIG_CMP_LT &&
        op->u.number.compare != SIG_CMP_GT && op->u.number.compare != SIG_CMP_RANGE)
        return draft_refuse(d, "prefilter: behind %s it works for N, <N, >N and a<>b alone; this "
                               "rule would never match in the reference",
                            d->last_test);
    d->rule.packet_prefilter = !d->op_count || op->kind != SIG_OP_CONTENT;
    d->said |= DRAFT_PREFILTER;
    return 0;
}

/* config:SUBSYSTEM disable,type tx|flow,scope tx|flow: what it turns off is not written here. */
static int parse_config(struct draft *d, struct text value)
{
    static const char *const forms[][2] = { { "type tx", "scope tx" },
                                            { "type tx", "scope flow" },
                                            { "type flow", "scope flow" } };
    struct text what, type = { "", 0 }, scope = { "", 0 };
    text_cut(&value, ',', &what);
    text_cut(&value, ',', &type);
    text_cut(&value, ',', &scope);
    for (size_t i = 0;
         text_is(what, "logging disable") && !value.len && i < sizeof(forms) / sizeof(forms[0]);
         i++) {
        if (text_is(type, forms[i][0]) && text_is(scope, forms[i][1]))
            return 0;
    }
    return draft_refuse(d, "config: logging disable,type tx,scope tx or flow");
}

/* nfq_set_mark:value/mask, for engines that stand in the way. */
static int parse_mark(struct draft *d, struct text value)
{
    struct text mark, mask;
    uint64_t n;
    if (!text_cut(&value, '/', &mark) || !text_cut(&value, '/', &mask) || value.len ||
        text_u64(mark, UINT32_MAX, &n) || text_u64(mask, UINT32_MAX, &n))
        return draft_refuse(d, "nfq_set_mark: value/mask");
    return 0;
}

/* As Suricata: 256 packets are the most, and what is meant when nothing is said. */
#define TAG_PACKETS_MAX 256u

static bool tag_metric(struct text unit, uint8_t *out)
{
    *out = text_is(unit, "packets")   ? SIG_TAG_PACKETS
           : text_is(unit, "bytes")   ? SIG_TAG_BYTES
           : text_is(unit, "seconds") ? SIG_TAG_SECONDS
                                      : UINT8_MAX;
    return *out != UINT8_MAX;
}

/* "session|host[,count,packets|bytes|seconds[,src|dst]]"; a host is the destination unless said. */
static int parse_tag(struct draft *d, struct text value)
{
    struct text scope, count, unit, side = { "dst", 3 };
    uint64_t n = TAG_PACKETS_MAX;
    uint8_t metric = SIG_TAG_PACKETS;
    if (!text_cut(&value, ',', &scope) || (!text_is(scope, "session") && !text_is(scope, "host")))
        return draft_refuse(d, "tag: session or host");
    if (text_cut(&value, ',', &count)) {
        bool known = text_cut(&value, ',', &unit) && tag_metric(unit, &metric);
        text_cut(&value, ',', &side);
        if (text_u64(count, UINT32_MAX, &n) || !known ||
            (!text_is(side, "src") && !text_is(side, "dst")))
            return draft_refuse(d, "tag: session|host,count,packets|seconds|bytes[,src|dst]");
    }
    struct sig_op *op = draft_op_add(d, DRAFT_POST, SIG_OP_TAG);
    if (!op)
        return ABENG_EFORMAT;
    bool packets = metric == SIG_TAG_PACKETS;
    op->u.tag.count = (uint32_t)(packets && n > TAG_PACKETS_MAX ? TAG_PACKETS_MAX : n);
    op->u.tag.metric = metric;
    op->u.tag.of = text_is(scope, "session") ? SIG_TAG_SESSION
                   : text_is(side, "src")    ? SIG_TAG_SRC
                                             : SIG_TAG_DST;
    return 0;
}

const struct sig_keyword keywords_meta[] = {
    { "msg", parse_msg, KEYWORD_QUOTED, NULL },
    { "sid", parse_sid, KEYWORD_MAY_QUOTE, NULL },
    { "gid", parse_gid, 0, NULL },
    { "rev", parse_rev, 0, NULL },
    { "priority", parse_priority, 0, NULL },
    { "classtype", parse_classtype, 0, NULL },
    { "reference", parse_reference, 0, NULL },
    { "metadata", parse_metadata, 0, NULL },
    { "target", parse_target, 0, NULL },
    { "noalert", parse_noalert, KEYWORD_NO_VALUE, NULL },
    { "alert", parse_alert, KEYWORD_NO_VALUE, NULL },
    { "bypass", parse_bypass, KEYWORD_NO_VALUE, NULL },
    { "tag", parse_tag, 0, NULL },
    { "config", parse_config, 0, NULL },
    { "nfq_set_mark", parse_mark, 0, NULL },
    { "prefilter", parse_prefilter, KEYWORD_NO_VALUE, NULL },
    { NULL, NULL, 0, NULL },
};
