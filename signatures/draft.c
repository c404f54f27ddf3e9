/* SPDX-License-Identifier: Apache-2.0 */
/* A rule being read. */
#include "config.h"
#include "signatures/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/xalloc.h"
#include "signatures/parser.h"

void draft_reset(struct draft *d)
{
    d->rule = (struct sig){ .gid = 1, .msg = "", .category = "" };
    d->said = 0;
    d->last_test = NULL;
    d->last_prefilters = false;
    d->op_count = 0;
    d->lists[0] = (struct draft_list){ .buffer = SIG_BUF_PAYLOAD };
    d->list_count = 1;
    d->current = DRAFT_PAYLOAD;
    d->reason[0] = 0;
    buf_clear(d->references);
    buf_clear(d->metadata);
}

int draft_refuse(struct draft *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(d->reason, sizeof(d->reason), fmt, ap);
    va_end(ap);
    return ABENG_EFORMAT;
}

struct sig_op *draft_op_add(struct draft *d, uint32_t list, enum sig_op_kind kind)
{
    if (d->op_count == DRAFT_OPS_MAX) {
        draft_refuse(d, "more than %d tests in one rule", DRAFT_OPS_MAX);
        return NULL;
    }
    PARSER_ROOM(d->ops, d->op_count, d->op_cap);
    struct draft_op *o = &d->ops[d->op_count++];
    memset(o, 0, sizeof(*o));
    o->op.kind = (uint16_t)kind;
    o->list = (uint16_t)list;
    if (list < d->list_count) {
        d->lists[list].count++;
        d->said &= ~DRAFT_OPENED;
    }
    return &o->op;
}

struct draft_op *draft_op_last(struct draft *d, enum sig_op_kind kind)
{
    for (uint32_t i = d->op_count; i-- > 0;) {
        if (d->ops[i].op.kind == kind)
            return &d->ops[i];
    }
    return NULL;
}

bool draft_has_op(const struct draft *d, uint32_t list, enum sig_op_kind kind)
{
    for (uint32_t i = 0; i < d->op_count; i++) {
        if (d->ops[i].list == list && d->ops[i].op.kind == kind)
            return true;
    }
    return false;
}

struct draft_op *draft_op_move(struct draft *d, struct draft_op *op, uint32_t list)
{
    struct draft_op moved = *op;
    uint32_t at = (uint32_t)(op - d->ops);
    d->lists[moved.list].count--;
    d->lists[list].count++;
    moved.list = (uint16_t)list;
    memmove(op, op + 1, (d->op_count - at - 1) * sizeof(*op));
    d->ops[d->op_count - 1] = moved;
    return &d->ops[d->op_count - 1];
}

/* The protocol that a buffer alone makes sure of, SIG_APP_UNKNOWN where several have it. */
static enum sig_app buffer_app(const struct sig_buffer_def *def)
{
    uint64_t http = UINT64_C(1) << SIG_APP_HTTP1 | UINT64_C(1) << SIG_APP_HTTP2;
    uint64_t dce = UINT64_C(1) << SIG_APP_DCERPC | UINT64_C(1) << SIG_APP_SMB;
    if (def->apps == http)
        return SIG_APP_ANY_HTTP;
    if (def->apps == dce)
        return SIG_APP_DCERPC;
    for (unsigned i = 0; i < SIG_APP_COUNT; i++) {
        if (def->apps == UINT64_C(1) << i)
            return (enum sig_app)i;
    }
    return SIG_APP_UNKNOWN;
}

static uint64_t app_mask(enum sig_app app)
{
    if (app == SIG_APP_ANY_HTTP)
        return UINT64_C(1) << SIG_APP_HTTP1 | UINT64_C(1) << SIG_APP_HTTP2;
    return UINT64_C(1) << app;
}

/* Whether the sensor has a parser that fills the buffer. */
static bool is_filled(const struct sig_buffer_def *def)
{
    bool filled = !def->apps;
    if (def->flags & SIG_BUFFER_EMPTY)
        return false;
    for (unsigned i = 0; i < SIG_APP_COUNT; i++)
        filled |= (def->apps >> i & 1) && sig_app_parsed((enum sig_app)i);
    return filled;
}

/* Refuse a buffer that the rule's protocol does not have; claim the one that it implies. */
static int claim_for(struct draft *d, const struct sig_buffer_def *def)
{
    enum sig_app have = (enum sig_app)d->rule.app, app = buffer_app(def);
    if (!is_filled(def))
        return draft_refuse(d, "%s: the sensor has no parser for it yet", def->name);
    if (!def->apps)
        return 0;
    if (app != SIG_APP_UNKNOWN)
        return draft_app_claim(d, app);
    if (have != SIG_APP_UNKNOWN && !(app_mask(have) & def->apps))
        return draft_refuse(d, "%s is no buffer of protocol %s", def->name, sig_app_name(have));
    return 0;
}

int draft_app_claim(struct draft *d, enum sig_app app)
{
    enum sig_app have = (enum sig_app)d->rule.app;
    bool both_http = app == SIG_APP_ANY_HTTP && (have == SIG_APP_HTTP1 || have == SIG_APP_HTTP2);
    bool over_smb = app == SIG_APP_DCERPC && have == SIG_APP_SMB;
    if (have == app || both_http || over_smb)
        return 0;
    bool narrower = have == SIG_APP_ANY_HTTP && (app == SIG_APP_HTTP1 || app == SIG_APP_HTTP2);
    if (have != SIG_APP_UNKNOWN && !narrower)
        return draft_refuse(d, "keywords of %s in a rule that is about %s", sig_app_name(app),
                            sig_app_name(have));
    d->rule.app = (uint8_t)app;
    return 0;
}

static int list_new(struct draft *d, enum sig_buffer buffer, uint32_t *out)
{
    if (d->list_count == DRAFT_LISTS_MAX)
        return draft_refuse(d, "more than %d buffers in one rule", DRAFT_LISTS_MAX);
    d->lists[d->list_count] = (struct draft_list){ .buffer = buffer };
    *out = d->list_count++;
    return 0;
}

/* A buffer may be left only when something was asked of it. */
static int leave(struct draft *d)
{
    const struct draft_list *l = &d->lists[d->current];
    if (d->said & DRAFT_BASE64)
        return draft_refuse(d, "no other buffer can follow base64_data");
    if (d->current != DRAFT_PAYLOAD && !l->count)
        return draft_refuse(d, "nothing is asked of buffer %s", sig_buffer_def(l->buffer)->name);
    return 0;
}

int draft_buffer_open(struct draft *d, enum sig_buffer buffer)
{
    const struct sig_buffer_def *def = sig_buffer_def(buffer);
    int rc = leave(d);
    if (!rc)
        rc = claim_for(d, def);
    if (rc)
        return rc;
    d->said |= DRAFT_STICKY | DRAFT_OPENED;
    for (uint32_t i = 1; i < d->list_count && !(def->flags & SIG_BUFFER_MULTI); i++) {
        if (d->lists[i].buffer == buffer && !d->lists[i].transform_count) {
            d->current = i;
            return 0;
        }
    }
    return list_new(d, buffer, &d->current);
}

int draft_buffer_again(struct draft *d)
{
    uint8_t frame = d->lists[d->current].frame;
    int rc = list_new(d, d->lists[d->current].buffer, &d->current);
    d->lists[d->current].frame = frame;
    return rc;
}

int draft_frame_open(struct draft *d, unsigned frame)
{
    int rc = leave(d);
    if (!rc)
        rc = list_new(d, SIG_BUF_FRAME, &d->current);
    if (rc)
        return rc;
    d->said |= DRAFT_STICKY | DRAFT_OPENED;
    d->lists[d->current].frame = (uint8_t)frame;
    return 0;
}

int draft_list_add(struct draft *d, enum sig_buffer buffer, uint32_t *list)
{
    int rc = claim_for(d, sig_buffer_def(buffer));
    return rc ? rc : list_new(d, buffer, list);
}

int draft_buffer_find(struct draft *d, enum sig_buffer buffer, uint32_t *list)
{
    int rc = claim_for(d, sig_buffer_def(buffer));
    if (rc)
        return rc;
    for (uint32_t i = 1; i < d->list_count; i++) {
        if (d->lists[i].buffer == buffer && !d->lists[i].transform_count) {
            *list = i;
            return 0;
        }
    }
    return list_new(d, buffer, list);
}

int draft_buffer_reset(struct draft *d)
{
    int rc = leave(d);
    d->current = DRAFT_PAYLOAD;
    d->said &= ~DRAFT_STICKY;
    return rc;
}

struct sig_bytes draft_blob_add(struct draft *d, const void *bytes, size_t len)
{
    struct sig_ruleset *set = d->set;
    struct sig_parser *p = d->parser;
    if (len >= PARSER_BLOB_MAX - set->blob_len) {
        draft_refuse(d, "the rule set's contents are longer than %u MiB together",
                     PARSER_BLOB_MAX >> 20);
        return (struct sig_bytes){ 0, 0 };
    }
    while (p->blob_cap - set->blob_len < len + 1) {
        p->blob_cap = p->blob_cap ? p->blob_cap * 2 : 64u << 10;
        set->blob = xreallocarray(set->blob, p->blob_cap, 1);
    }
    struct sig_bytes out = { set->blob_len, (uint32_t)len };
    if (len)
        memcpy(set->blob + out.at, bytes, len);
    set->blob[out.at + len] = 0;
    set->blob_len += (uint32_t)len + 1;
    return out;
}

int draft_var_find(struct draft *d, struct text name)
{
    for (int i = 0; i < d->rule.var_count; i++) {
        if (text_same(d->vars[i], name))
            return i;
    }
    return -1;
}

int draft_var_make(struct draft *d, struct text name)
{
    int i = draft_var_find(d, name);
    if (i >= 0)
        return i;
    if (d->rule.var_count == DRAFT_VARS_MAX) {
        draft_refuse(d, "more than %d byte variables in one rule", DRAFT_VARS_MAX);
        return -1;
    }
    d->vars[d->rule.var_count] = name;
    return d->rule.var_count++;
}

int draft_number_or_var(struct draft *d, struct text t, uint64_t max, uint32_t flag,
                        uint32_t *flags, int32_t *value)
{
    int64_t number;
    t = text_trim(t);
    if (text_i64(t, max, &number) == 0) {
        *value = (int32_t)number;
        return 0;
    }
    int var = draft_var_find(d, t);
    if (var < 0)
        return draft_refuse(
            d,
            "'%.*s' is neither a number up to %llu nor a variable made before by byte_extract or "
            "byte_math",
            (int)t.len, t.at, (unsigned long long)max);
    *flags |= flag;
    *value = var;
    return 0;
}
