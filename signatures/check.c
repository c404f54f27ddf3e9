/* SPDX-License-Identifier: Apache-2.0 */
/* A whole rule: refused as the reference would, given its directions and kind, put into the set. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/xalloc.h"
#include "signatures/filetype.h"
#include "signatures/parser.h"

/* Priority without a class. */
#define PRIORITY_DEFAULT 3

/* Length of an MD5 in hex, and of a SHA-1 with colons. */
#define HASH_TEXT_LEN        32
#define FINGERPRINT_TEXT_LEN 59

#define TCP_SYN              0x02

static const uint8_t *content_bytes(const struct draft *d, const struct sig_op *op)
{
    return d->set->blob + op->u.content.bytes.at;
}

/* Change a content's bytes to one case, as the reference does for buffers that have only one. */
static void set_case(struct draft *d, const struct sig_op *op, int (*to)(int))
{
    uint8_t *p = d->set->blob + op->u.content.bytes.at;
    for (uint32_t i = 0; i < op->u.content.bytes.len; i++)
        p[i] = (uint8_t)to(p[i]);
}

static bool has_upper(const struct draft *d, const struct sig_op *op)
{
    const uint8_t *p = content_bytes(d, op);
    for (uint32_t i = 0; i < op->u.content.bytes.len; i++) {
        if (isupper(p[i]))
            return true;
    }
    return false;
}

static int check_lower(struct draft *d, const struct sig_op *op, const char *name)
{
    if (op->flags & SIG_F_NOCASE)
        return draft_refuse(d, "%s is lower case already: take nocase away", name);
    if (has_upper(d, op))
        return draft_refuse(d,
                            "%s is lower case: this content can never match, write it in lower "
                            "case",
                            name);
    return 0;
}

static int check_hash(struct draft *d, const struct sig_op *op, const char *name, uint32_t len)
{
    if (op->u.content.bytes.len != len)
        return draft_refuse(d, "%s: a value has %u characters, this content %u", name, len,
                            op->u.content.bytes.len);
    set_case(d, op, tolower);
    return 0;
}

static int check_method(struct draft *d, const struct sig_op *op)
{
    const uint8_t *p = content_bytes(d, op);
    uint32_t n = op->u.content.bytes.len;
    if (p[0] == ' ' || p[0] == '\t' || p[n - 1] == ' ' || p[n - 1] == '\t')
        return draft_refuse(d, "http.method holds no blanks at its ends: this can never match");
    return 0;
}

/* A kind of files that is not told apart would never match, or its negation always. */
static int check_filetype(struct draft *d, const struct sig_op *op)
{
    struct text t = { (const char *)content_bytes(d, op), op->u.content.bytes.len };
    if (sig_filetype_says(t))
        return 0;
    return draft_refuse(d, "file.magic: '%.*s' is in no name of a kind of files that the sensor "
                           "tells apart (docs/RULES.md)",
                        (int)(t.len < 60 ? t.len : 60), t.at);
}

/* What single buffers demand of contents. */
static int check_content_for(struct draft *d, const struct sig_op *op, enum sig_buffer buffer)
{
    const struct sig_buffer_def *def = sig_buffer_def(buffer);
    if (def->flags & SIG_BUFFER_LOWER)
        return check_lower(d, op, def->name);
    if (def->flags & SIG_BUFFER_HASH)
        return check_hash(d, op, def->name, HASH_TEXT_LEN);
    if (buffer == SIG_BUF_TLS_CERT_FINGERPRINT)
        return check_hash(d, op, def->name, FINGERPRINT_TEXT_LEN);
    if (buffer == SIG_BUF_TLS_CERT_SERIAL)
        set_case(d, op, toupper);
    if (buffer == SIG_BUF_HTTP_METHOD)
        return check_method(d, op);
    if (buffer == SIG_BUF_FILE_MAGIC)
        return check_filetype(d, op);
    return 0;
}

static int check_content(struct draft *d, const struct sig_op *op)
{
    int32_t len = (int32_t)op->u.content.bytes.len;
    uint32_t f = op->flags;
    if ((f & SIG_F_DEPTH) && !(f & SIG_VAR_DEPTH) && op->u.content.depth < len)
        return draft_refuse(d, "depth %d is shorter than its content of %d bytes",
                            op->u.content.depth, len);
    if ((f & SIG_F_WITHIN) && !(f & SIG_VAR_WITHIN) && op->u.content.within < len)
        return draft_refuse(d, "within %d is shorter than its content of %d bytes",
                            op->u.content.within, len);
    return 0;
}

/* Largest value a comparison allows, UINT64_MAX without a bound. */
static uint64_t upper_bound(const struct sig_op *op)
{
    if (op->flags & SIG_F_NEGATED)
        return UINT64_MAX;
    switch (op->u.number.compare) {
    case SIG_CMP_EQ:
    case SIG_CMP_LE:
        return op->u.number.a;
    case SIG_CMP_LT:
        return op->u.number.a - (op->u.number.a > 0);
    case SIG_CMP_RANGE:
        return op->u.number.b - (op->u.number.b > 0);
    case SIG_CMP_RANGE_INCL:
        return op->u.number.b;
    default:
        return UINT64_MAX;
    }
}

static int check_fits(struct draft *d, uint32_t list, uint64_t most, const char *what)
{
    for (uint32_t i = 0; i < d->op_count; i++) {
        const struct draft_op *o = &d->ops[i];
        if (o->list != list || o->op.kind != SIG_OP_CONTENT || (o->op.flags & SIG_F_NEGATED))
            continue;
        if (o->op.u.content.bytes.len > most)
            return draft_refuse(d, "can never match: a content of %u bytes where %s allows %llu",
                                o->op.u.content.bytes.len, what, (unsigned long long)most);
    }
    return 0;
}

static int check_lengths(struct draft *d)
{
    int rc = 0;
    for (uint32_t i = 0; i < d->op_count && !rc; i++) {
        const struct draft_op *o = &d->ops[i];
        if (o->op.kind == SIG_OP_BSIZE || o->op.kind == SIG_OP_URILEN)
            rc = check_fits(d, o->list, upper_bound(&o->op),
                            o->op.kind == SIG_OP_BSIZE ? "bsize" : "urilen");
        else if (o->op.kind == SIG_OP_DSIZE)
            rc = check_fits(d, DRAFT_PAYLOAD, upper_bound(&o->op), "dsize");
    }
    return rc;
}

/* Contents one by one, and which instruction a later one counts from. */
static int check_ops(struct draft *d)
{
    int32_t anchor[DRAFT_LISTS_MAX];
    memset(anchor, -1, sizeof(anchor));
    for (uint32_t i = 0; i < d->op_count; i++) {
        struct draft_op *o = &d->ops[i];
        if (o->list >= d->list_count)
            continue;
        bool content = o->op.kind == SIG_OP_CONTENT;
        int rc = content ? check_content(d, &o->op) : 0;
        if (!rc && content)
            rc = check_content_for(d, &o->op, d->lists[o->list].buffer);
        if (rc)
            return rc;
        if (o->op.kind == SIG_OP_BASE64_DATA)
            anchor[o->list] = -1;
        if ((o->op.flags & SIG_F_RELATIVE) && anchor[o->list] >= 0) {
            struct sig_op *from = &d->ops[anchor[o->list]].op;
            if (from->flags & SIG_F_FP_ONLY)
                return draft_refuse(
                    d, "a relative keyword can't count from a content with fast_pattern:only");
            from->flags |= SIG_F_RELATIVE_NEXT;
        }
        if (content || o->op.kind == SIG_OP_PCRE)
            anchor[o->list] = (int32_t)i;
    }
    return 0;
}

static bool is_app_buffer(enum sig_buffer b)
{
    return b != SIG_BUF_PAYLOAD && !(sig_buffer_def(b)->flags & SIG_BUFFER_PACKET);
}

/* Directions in which the rule's protocol has this buffer. */
static uint8_t list_dirs(const struct draft *d, const struct draft_list *l)
{
    if ((sig_buffer_def(l->buffer)->flags & SIG_BUFFER_FILE) && d->rule.app == SIG_APP_SMTP)
        return SIG_DIRS_TOSERVER;
    return sig_buffer_def(l->buffer)->dirs;
}

static int check_directions(struct draft *d)
{
    struct sig *r = &d->rule;
    uint8_t given = (r->flow & SIG_FLOW_TOSERVER ? SIG_DIRS_TOSERVER : 0) |
                    (r->flow & SIG_FLOW_TOCLIENT ? SIG_DIRS_TOCLIENT : 0);
    uint8_t only = SIG_DIRS_BOTH;
    for (uint32_t i = 1; i < d->list_count; i++) {
        if (is_app_buffer(d->lists[i].buffer))
            only &= list_dirs(d, &d->lists[i]);
    }
    r->dirs = given ? given : SIG_DIRS_BOTH;
    if (!only)
        return draft_refuse(d, "buffers of the request and of the response in one rule");
    if (!(r->dirs & only))
        return draft_refuse(d, "flow asks for the other direction than the rule's buffers");
    r->dirs &= only;
    return 0;
}

static bool over_tcp(const struct sig *r)
{
    switch (r->proto) {
    case SIG_PROTO_IP:
    case SIG_PROTO_IPV4:
    case SIG_PROTO_IPV6:
    case SIG_PROTO_TCP:
    case SIG_PROTO_TCP_PKT:
    case SIG_PROTO_TCP_STREAM:
        return true;
    default:
        return false;
    }
}

/* Anchors 2.4, point 1. */
static void set_payload_way(struct draft *d)
{
    struct sig *r = &d->rule;
    r->requires_packet = d->said & DRAFT_PACKET_ONLY;
    r->requires_stream = d->said & DRAFT_STREAM_ONLY;
    if (!d->lists[DRAFT_PAYLOAD].count || r->requires_packet || r->requires_stream)
        return;
    if (!over_tcp(r)) {
        r->requires_packet = true;
        return;
    }
    r->requires_stream = true;
    for (uint32_t i = 0; i < d->op_count; i++) {
        const struct draft_op *o = &d->ops[i];
        if (o->list == DRAFT_PAYLOAD && o->op.kind == SIG_OP_CONTENT &&
            (o->op.flags & (SIG_F_DEPTH | SIG_F_OFFSET | SIG_F_STARTSWITH)))
            r->requires_packet = true;
        if (o->op.kind == SIG_OP_STREAM_SIZE)
            r->requires_packet = true;
    }
}

static bool is_frame(enum sig_buffer b)
{
    return sig_buffer_def(b)->flags & SIG_BUFFER_FRAME;
}

/* Frames stand apart from transactions and from packets. */
static int check_frames(struct draft *d)
{
    bool frame = false, other = d->said & DRAFT_APP_OPS;
    for (uint32_t i = 1; i < d->list_count; i++) {
        frame |= is_frame(d->lists[i].buffer);
        other |= !is_frame(d->lists[i].buffer);
    }
    if (frame && other)
        return draft_refuse(d, "frame can't be mixed with other buffers or events");
    if (frame && d->lists[DRAFT_PAYLOAD].count)
        return draft_refuse(d, "frame can't be mixed with contents of the payload");
    return 0;
}

/* The bytes of headers are one thing of requests and another of responses: which of both is meant
 * must be said, as in the reference. */
static int check_header_bytes(struct draft *d)
{
    if (d->rule.flow & (SIG_FLOW_TOSERVER | SIG_FLOW_TOCLIENT))
        return 0;
    for (uint32_t i = 1; i < d->list_count; i++)
        if (d->lists[i].buffer == SIG_BUF_HTTP_HEADER_RAW)
            return draft_refuse(d, "http.header.raw: say flow:to_server or flow:to_client");
    return 0;
}

static int check_mixture(struct draft *d)
{
    const struct draft_list *last = &d->lists[d->current];
    bool app = d->said & DRAFT_APP_OPS;
    if (check_frames(d) || check_header_bytes(d))
        return ABENG_EFORMAT;
    if (d->current != DRAFT_PAYLOAD && !last->count)
        return draft_refuse(d, "nothing is asked of buffer %s", sig_buffer_def(last->buffer)->name);
    for (uint32_t i = 1; i < d->list_count; i++)
        app |= is_app_buffer(d->lists[i].buffer);
    if ((d->said & DRAFT_PACKET_ONLY) && (d->said & DRAFT_STREAM_ONLY))
        return draft_refuse(d,
                            "packet keywords can't be mixed with tcp-stream or flow:only_stream");
    if ((d->said & DRAFT_PACKET_ONLY) && app)
        return draft_refuse(d, "keywords of single packets (dsize, flags, tcp-pkt …) can't be "
                               "mixed with buffers of an application");
    if (d->rule.threshold.type && d->rule.filter.type)
        return draft_refuse(d, "threshold and detection_filter in one rule");
    return 0;
}

/* Whether an instruction may stand in an IP-only rule (anchors 2.3); `ip_proto` narrows its
 * protocol there. */
static bool ip_compatible(const struct sig_op *op)
{
    return op->kind == SIG_OP_IP_PROTO || op->kind == SIG_OP_XBIT || op->kind == SIG_OP_HOSTBIT ||
           op->kind == SIG_OP_IPREP ||
           (op->kind == SIG_OP_FLOWBIT && op->u.bit.command == SIG_BIT_SET);
}

struct kinds {
    bool match, ip_only, pd_only, event, event_only, app, packet_buffer, frame;
};

static struct kinds look(const struct draft *d)
{
    struct kinds k = { .ip_only = true, .event_only = true, .app = d->said & DRAFT_APP_OPS };
    bool proto = false;
    k.pd_only = !(d->rule.flow & ~(SIG_FLOW_TOSERVER | SIG_FLOW_TOCLIENT));
    for (uint32_t i = 0; i < d->op_count; i++) {
        const struct draft_op *o = &d->ops[i];
        if ((o->list != DRAFT_PACKET && o->list != DRAFT_POST) || o->op.kind == SIG_OP_TAG)
            continue;
        if (o->list == DRAFT_PACKET) {
            k.match = true;
            proto |= o->op.kind == SIG_OP_APP_PROTO;
            k.pd_only &= o->op.kind == SIG_OP_APP_PROTO || ip_compatible(&o->op);
            k.event |= o->op.kind == SIG_OP_EVENT;
            k.event_only &= o->op.kind == SIG_OP_EVENT && o->op.u.name.command == SIG_EVENT_DECODE;
        }
        k.ip_only &= ip_compatible(&o->op);
    }
    if (d->said & DRAFT_FLOW_MATCH) {
        k.match = true;
        k.ip_only = k.event_only = false;
    }
    k.pd_only &= proto;
    k.event_only &= k.event;
    for (uint32_t i = 1; i < d->list_count; i++) {
        k.frame |= is_frame(d->lists[i].buffer);
        k.app |= is_app_buffer(d->lists[i].buffer);
        k.packet_buffer |= !is_app_buffer(d->lists[i].buffer);
    }
    return k;
}

static enum sig_kind content_kind(const struct draft *d)
{
    const struct sig *r = &d->rule;
    if (!r->requires_stream)
        return SIG_KIND_PKT;
    return r->requires_packet ? SIG_KIND_PKT_STREAM : SIG_KIND_STREAM;
}

static enum sig_kind find_kind(const struct draft *d)
{
    const struct sig *r = &d->rule;
    struct kinds k = look(d);
    bool bare =
        r->app == SIG_APP_UNKNOWN && !d->lists[DRAFT_PAYLOAD].count && !k.app && !k.packet_buffer;
    if (bare && k.pd_only)
        return SIG_KIND_PD_ONLY;
    if (bare && k.ip_only && r->dirs == SIG_DIRS_BOTH)
        return r->src.negated || r->dst.negated ? SIG_KIND_LIKE_IP_ONLY : SIG_KIND_IP_ONLY;
    if (bare && k.event_only)
        return SIG_KIND_DE_ONLY;
    if (k.frame)
        return SIG_KIND_FRAME;
    if (k.app)
        return SIG_KIND_APP_TX;
    if (k.packet_buffer)
        return SIG_KIND_PKT;
    if (d->lists[DRAFT_PAYLOAD].count)
        return content_kind(d);
    return k.match || r->app == SIG_APP_UNKNOWN ? SIG_KIND_PKT : SIG_KIND_APPLAYER;
}

/* A rule about SYNs to certain ports that names no direction is not for answers (anchors 2.3). */
static void narrow_syn(struct draft *d)
{
    struct sig *r = &d->rule;
    if (r->kind != SIG_KIND_PKT || r->dirs != SIG_DIRS_BOTH || r->dports.any ||
        (r->proto != SIG_PROTO_TCP && r->proto != SIG_PROTO_TCP_PKT))
        return;
    for (uint32_t i = 0; i < d->op_count; i++) {
        const struct sig_op *op = &d->ops[i].op;
        if (op->kind == SIG_OP_TCP_FLAGS && op->u.bits.mode != '!' && op->u.bits.set == TCP_SYN)
            r->dirs = SIG_DIRS_TOSERVER;
    }
}

/* The reference sorts rules without a pattern by whether their flags name SYN: those that do never
 * see a packet without it. */
static void mark_syn(struct draft *d)
{
    for (uint32_t i = 0; i < d->op_count; i++) {
        if (d->ops[i].op.kind == SIG_OP_CONTENT)
            return;
    }
    for (uint32_t i = 0; i < d->op_count && !(d->said & DRAFT_PREFILTER); i++) {
        struct sig_op *op = &d->ops[i].op;
        if (op->kind == SIG_OP_TCP_FLAGS)
            op->u.bits.syn = op->u.bits.mode != '!' && op->u.bits.set & TCP_SYN;
    }
}

static bool same_spec(const struct sig_ruleset *set, const struct sig_bufspec *s,
                      const struct draft_list *l)
{
    if (s->buffer != l->buffer || s->frame != l->frame ||
        s->transform_count != l->transform_count ||
        memcmp(s->transforms, l->transforms, l->transform_count) != 0)
        return false;
    for (unsigned i = 0; i < l->transform_count; i++) {
        struct sig_bytes a = s->arguments[i], b = l->arguments[i];
        if (a.len != b.len || memcmp(set->blob + a.at, set->blob + b.at, a.len) != 0)
            return false;
    }
    return true;
}

uint16_t parser_spec_intern(struct sig_parser *p, const struct draft_list *l)
{
    struct sig_ruleset *set = p->set;
    bool plain = !l->transform_count && l->buffer != SIG_BUF_FRAME;
    if (plain && p->plain_specs[l->buffer])
        return (uint16_t)(p->plain_specs[l->buffer] - 1);
    for (uint32_t i = 0; i < set->spec_count && !plain; i++) {
        if (same_spec(set, &set->specs[i], l))
            return (uint16_t)i;
    }
    PARSER_ROOM(set->specs, set->spec_count, p->spec_cap);
    struct sig_bufspec *s = &set->specs[set->spec_count];
    memset(s, 0, sizeof(*s));
    s->buffer = l->buffer;
    s->frame = l->frame;
    s->transform_count = l->transform_count;
    memcpy(s->transforms, l->transforms, sizeof(s->transforms));
    if (!plain)
        memcpy(s->arguments, l->arguments, l->transform_count * sizeof(*l->arguments));
    if (plain)
        p->plain_specs[l->buffer] = set->spec_count + 1;
    return (uint16_t)set->spec_count++;
}

/* Copy the instructions of one list to the set; returns how many. */
static uint32_t flush(struct draft *d, uint32_t list, uint32_t *first)
{
    struct sig_ruleset *set = d->set;
    *first = set->op_count;
    for (uint32_t i = 0; i < d->op_count; i++) {
        if (d->ops[i].list != list)
            continue;
        PARSER_ROOM(set->ops, set->op_count, d->parser->op_cap);
        set->ops[set->op_count++] = d->ops[i].op;
    }
    return set->op_count - *first;
}

static void flush_lists(struct draft *d)
{
    struct sig *r = &d->rule;
    struct sig_list *lists = arena_alloc(d->set->arena, d->list_count * sizeof(*lists));
    for (uint32_t i = 0; i < d->list_count; i++) {
        if (!d->lists[i].count)
            continue;
        struct sig_list *l = &lists[r->list_count++];
        l->spec = parser_spec_intern(d->parser, &d->lists[i]);
        l->dirs = list_dirs(d, &d->lists[i]) & r->dirs;
        l->count = flush(d, i, &l->first);
    }
    r->lists = lists;
    r->packet_count = flush(d, DRAFT_PACKET, &r->packet_first);
    r->post_count = flush(d, DRAFT_POST, &r->post_first);
}

/* The key of "key value", and its value. */
static struct text metadata_key(struct text pair, struct text *value)
{
    const char *blank = memchr(pair.at, ' ', pair.len);
    size_t n = blank ? (size_t)(blank - pair.at) : pair.len;
    *value = text_trim((struct text){ pair.at + n, pair.len - n });
    return (struct text){ pair.at, n };
}

/* {"key":["value",…],…}, keys in the order of their first use: what EVE's alert.metadata is. */
static void metadata_write(struct text all, struct json *j)
{
    struct text rest = all, pair, value, other;
    while (text_cut(&rest, ',', &pair)) {
        struct text key = metadata_key(pair, &value), before = all;
        bool seen = false;
        for (before.len = (size_t)(pair.at - all.at); text_cut(&before, ',', &other);)
            seen |= text_same(metadata_key(other, &value), key);
        if (seen || !key.len)
            continue;
        char name[256];
        size_t n = key.len < sizeof(name) - 1 ? key.len : sizeof(name) - 1;
        memcpy(name, key.at, n);
        name[n] = 0;
        json_open_array(j, name);
        for (struct text from = { pair.at, (size_t)(all.at + all.len - pair.at) };
             text_cut(&from, ',', &other);) {
            if (text_same(metadata_key(other, &value), key))
                json_strn(j, NULL, value.at, value.len);
        }
        json_close_array(j);
    }
}

static void set_texts(struct draft *d)
{
    struct sig *r = &d->rule;
    if (d->metadata->len) {
        struct buf out;
        struct json j;
        buf_init(&out, d->metadata->max * 2);
        json_begin(&j, &out);
        json_open(&j, NULL);
        metadata_write((struct text){ (const char *)d->metadata->data, d->metadata->len }, &j);
        json_close(&j);
        r->metadata = arena_strndup(d->set->arena, (const char *)out.data, out.len);
        buf_free(&out);
    }
    if (d->references->len) {
        buf_byte(d->references, ']');
        r->references =
            arena_strndup(d->set->arena, (const char *)d->references->data, d->references->len);
    }
    if (!(d->said & (DRAFT_PRIORITY | DRAFT_CLASSTYPE)))
        r->priority = PRIORITY_DEFAULT;
    r->prefilter = d->said & DRAFT_PREFILTER;
}

static int check_app_buffers(struct draft *d)
{
    uint64_t have = d->rule.app == SIG_APP_ANY_HTTP
                        ? UINT64_C(1) << SIG_APP_HTTP1 | UINT64_C(1) << SIG_APP_HTTP2
                        : UINT64_C(1) << d->rule.app;
    for (uint32_t i = 1; i < d->list_count; i++) {
        const struct sig_buffer_def *def = sig_buffer_def(d->lists[i].buffer);
        if (d->rule.app != SIG_APP_UNKNOWN && def->apps &&
            !sig_app_parsed((enum sig_app)d->rule.app))
            return draft_refuse(d, "%s: the sensor has no parser for %s yet", def->name,
                                sig_app_name((enum sig_app)d->rule.app));
        if (d->rule.app != SIG_APP_UNKNOWN && def->apps && !(def->apps & have))
            return draft_refuse(d, "%s is no buffer of protocol %s", def->name,
                                sig_app_name((enum sig_app)d->rule.app));
    }
    return 0;
}

int draft_finish(struct draft *d)
{
    if (!(d->said & DRAFT_SID))
        return draft_refuse(d, "no sid");
    int rc = check_mixture(d);
    if (!rc)
        rc = check_ops(d);
    if (!rc)
        rc = check_lengths(d);
    if (!rc)
        rc = check_app_buffers(d);
    if (!rc)
        rc = check_directions(d);
    if (rc)
        return rc;
    set_payload_way(d);
    d->rule.kind = (uint8_t)find_kind(d);
    narrow_syn(d);
    mark_syn(d);
    flush_lists(d);
    set_texts(d);
    PARSER_ROOM(d->set->rules, d->set->rule_count, d->parser->rule_cap);
    d->set->rules[d->set->rule_count++] = d->rule;
    return 0;
}
