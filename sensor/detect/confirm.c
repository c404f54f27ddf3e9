/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter: contents with their windows and second tries, regexes, lengths. */
#include "sensor/detect/confirm.h"

#include <string.h>

#include "sensor/detect/confirm_bytes.h"
#include "sensor/detect/regex.h"
#include "sensor/detect/search.h"

/* A variable this large in isdataat is taken as garbage. */
#define ISDATAAT_VAR_MAX 100000000u

struct op_span {
    const struct sig_op *at, *end;
};

static bool run_span(struct confirm_run_state *r, struct op_span ops);

/* ---- preparation ----------------------------------------------------------------------------- */

static bool moves_base(uint16_t kind)
{
    return kind == SIG_OP_CONTENT || kind == SIG_OP_PCRE || kind == SIG_OP_BYTE_JUMP ||
           kind == SIG_OP_BYTE_EXTRACT || kind == SIG_OP_BYTE_MATH;
}

/* A plain distance gains nothing from a later start: the first hit leaves the most room. */
static bool worth_retry(const struct sig_op *op)
{
    if (op->kind == SIG_OP_CONTENT)
        return op->flags & SIG_F_WITHIN ||
               (op->flags & SIG_F_DISTANCE && op->flags & SIG_F_NEGATED);
    return (op->flags & SIG_F_RELATIVE) != 0;
}

static bool followed_by_dependant(const struct sig_op *op, const struct sig_op *end)
{
    for (op++; op < end; op++) {
        if (worth_retry(op))
            return true;
        if (moves_base(op->kind))
            return false;
    }
    return false;
}

void confirm_prepare(struct sig_op *ops, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ops[i].flags &= ~SIG_F_RELATIVE_NEXT;
        if (ops[i].kind != SIG_OP_CONTENT && ops[i].kind != SIG_OP_PCRE)
            continue;
        if (followed_by_dependant(&ops[i], ops + count))
            ops[i].flags |= SIG_F_RELATIVE_NEXT;
    }
}

/* ---- content --------------------------------------------------------------------------------- */

/* Where a content may be, in 32-bit arithmetic that wraps where the reference's wraps. */
struct window {
    uint32_t from, to;
};

static uint32_t content_number(const struct confirm_run_state *r, const struct sig_op *op,
                               uint32_t var, int32_t number)
{
    if (op->flags & var)
        return (uint32_t)r->c->vars[(uint32_t)number % CONFIRM_VARS_MAX];
    return (uint32_t)number;
}

/* `depth` as the rule writes it counts from `offset`; the reference keeps the sum. */
static uint32_t content_depth(const struct confirm_run_state *r, const struct sig_op *op)
{
    uint32_t depth = content_number(r, op, SIG_VAR_DEPTH, op->u.content.depth);
    if (op->flags & SIG_VAR_DEPTH)
        return depth;
    if (op->flags & SIG_F_OFFSET && !(op->flags & SIG_VAR_OFFSET))
        depth += (uint32_t)op->u.content.offset;
    return depth;
}

/* In a later window of a growing buffer, depth counts from the buffer's start. False: wholly past
 * it. */
static bool window_clip(const struct confirm_run_state *r, uint32_t *depth)
{
    if (r->start == 0)
        return true;
    if (*depth <= r->start)
        return false;
    if (*depth < r->start + r->len)
        *depth -= (uint32_t)r->start;
    return true;
}

static bool window_relative(const struct confirm_run_state *r, const struct sig_op *op,
                            uint32_t base, struct window *w)
{
    int32_t distance = 0;
    w->from = base;
    w->to = r->len;
    if (op->flags & SIG_F_DISTANCE) {
        distance = (int32_t)content_number(r, op, SIG_VAR_DISTANCE, op->u.content.distance);
        int64_t from = (int64_t)base + distance;
        w->from = from < 0 ? 0 : (uint32_t)from;
    }
    if (op->flags & SIG_F_WITHIN) {
        uint32_t to =
            base + content_number(r, op, SIG_VAR_WITHIN, op->u.content.within) + (uint32_t)distance;
        if ((int32_t)w->to > (int32_t)to)
            w->to = to;
    }
    if (base == 0 && !window_clip(r, &w->to))
        return false;
    if (op->flags & SIG_F_DEPTH) {
        uint32_t to = base + content_depth(r, op);
        if (to < w->to)
            w->to = to;
    }
    if (op->flags & SIG_F_OFFSET) {
        uint32_t from = content_number(r, op, SIG_VAR_OFFSET, op->u.content.offset);
        if (from > w->from)
            w->from = from;
    }
    return true;
}

static bool window_absolute(const struct confirm_run_state *r, const struct sig_op *op,
                            struct window *w)
{
    w->from = 0;
    w->to = r->len;
    if (op->flags & SIG_F_STARTSWITH)
        w->to = op->u.content.bytes.len;
    else if (op->flags & SIG_F_DEPTH)
        w->to = content_depth(r, op);
    if (op->flags & (SIG_F_DEPTH | SIG_F_STARTSWITH) && !window_clip(r, &w->to))
        return false;
    if (op->flags & SIG_F_OFFSET && !(op->flags & SIG_F_STARTSWITH))
        w->from = content_number(r, op, SIG_VAR_OFFSET, op->u.content.offset);
    return true;
}

/* False: no match, negated or not. */
static bool content_window(const struct confirm_run_state *r, const struct sig_op *op,
                           uint32_t base, uint32_t again, struct window *w)
{
    bool relative = op->flags & (SIG_F_DISTANCE | SIG_F_WITHIN);
    if (!(relative ? window_relative(r, op, base, w) : window_absolute(r, op, w)))
        return false;
    if (op->flags & (SIG_VAR_DISTANCE | SIG_VAR_OFFSET | SIG_VAR_DEPTH))
        w->to += w->from;
    if (again)
        w->from = again;
    if (w->to > r->len)
        w->to = r->len;
    return true;
}

static const uint8_t *content_find(const struct confirm_run_state *r, const struct sig_op *op,
                                   const struct window *w)
{
    const uint8_t *bytes = r->c->blob + op->u.content.bytes.at;
    uint32_t len = op->u.content.bytes.len;
    bool nocase = op->flags & SIG_F_NOCASE;
    if (w->from > w->to || w->to == 0 || len > w->to - w->from)
        return NULL;
    if (!(op->flags & SIG_F_ENDSWITH))
        return search_find(r->data + w->from, w->to - w->from, bytes, len, nocase);
    if (w->to < r->len)
        return NULL;
    if (op->flags & SIG_F_NEGATED)
        return search_find(r->data + w->from, w->to - w->from, bytes, len, nocase);
    const uint8_t *tail = r->data + r->len - len;
    return search_equal(tail, bytes, len, nocase) ? tail : NULL;
}

/* A negated content: true when it lets the list go on. */
static bool content_absent(struct confirm_run_state *r, const struct sig_op *op)
{
    struct window w;
    if (!content_window(r, op, r->at, 0, &w))
        return false;
    const uint8_t *found = content_find(r, op, &w);
    if (!found)
        return true;
    uint32_t end = (uint32_t)(found - r->data) + op->u.content.bytes.len;
    if (op->flags & SIG_F_ENDSWITH && end != w.to - w.from)
        return true; /* the reference compares with the window's length */
    if (!(op->flags &
          (SIG_F_DISTANCE | SIG_F_WITHIN | SIG_F_OFFSET | SIG_F_DEPTH | SIG_F_STARTSWITH)))
        r->stop = true;
    return false;
}

/* One place of a positive content, from `again` on when not 0. */
static bool content_next(struct confirm_run_state *r, const struct sig_op *op, uint32_t base,
                         uint32_t again)
{
    struct window w;
    if (!content_window(r, op, base, again, &w))
        return false;
    const uint8_t *found = content_find(r, op, &w);
    if (found) {
        r->at = (uint32_t)(found - r->data) + op->u.content.bytes.len;
        return true;
    }
    if (!(op->flags & (SIG_F_DISTANCE | SIG_F_WITHIN)))
        r->stop = true; /* its place hangs on nothing that could be tried again */
    return false;
}

/* A content whose followers hang on its place: each place is tried until the rest matches. */
static bool content_retry(struct confirm_run_state *r, struct op_span ops)
{
    uint32_t base = r->at, again = 0;
    while (content_next(r, ops.at, base, again)) {
        uint32_t found = r->at - ops.at->u.content.bytes.len;
        if (run_span(r, (struct op_span){ ops.at + 1, ops.end }))
            return true;
        if (r->stop)
            return false;
        again = found + 1;
    }
    return false;
}

/* ---- pcre ------------------------------------------------------------------------------------ */

/* Keep what its groups captured, until the rule's fate is known. */
static void pcre_capture(struct confirm_run_state *r, const struct sig_op *op, const uint8_t *data)
{
    struct confirm *c = r->c;
    for (unsigned i = 0; i < op->u.pcre.captures && c->capture_count < CONFIRM_CAPTURES_MAX; i++) {
        uint32_t from, to;
        if (!regex_group(c->regexes, op->u.pcre.group[i] & ~SIG_CAPTURE_PACKET, &from, &to))
            continue;
        struct confirm_capture *one = &c->captures[c->capture_count++];
        one->name = op->u.pcre.name[i];
        one->packet = op->u.pcre.group[i] & SIG_CAPTURE_PACKET;
        one->len = (uint8_t)(to - from < SIG_VAR_BYTES ? to - from : SIG_VAR_BYTES);
        memcpy(one->bytes, data + from, one->len);
    }
}

/* Search from `*again` on; moves `at`, and `*again` to one past the match's start. */
static bool pcre_next(struct confirm_run_state *r, const struct sig_op *op, uint32_t *again)
{
    uint32_t base = op->flags & SIG_F_RELATIVE ? r->at : 0, from = 0, to = 0;
    uint32_t start = *again > base ? *again - base : 0;
    enum regex_verdict got =
        regex_search(r->c->regexes, op->u.pcre.regex, r->data + base, r->len - base, start,
                     op->u.pcre.match_limit_off, &from, &to);
    if (got == REGEX_ERROR)
        return false;
    if (op->flags & SIG_F_NEGATED)
        return got == REGEX_NONE;
    if (got == REGEX_NONE)
        return false;
    if (op->u.pcre.captures)
        pcre_capture(r, op, r->data + base);
    r->at = base + to;
    *again = base + from + 1;
    return true;
}

static bool pcre_retry(struct confirm_run_state *r, struct op_span ops)
{
    uint32_t base = r->at, again = 0;
    while (pcre_next(r, ops.at, &again)) {
        if (run_span(r, (struct op_span){ ops.at + 1, ops.end }))
            return true;
        if (r->stop || ops.at->flags & SIG_F_NEGATED || ++r->c->steps >= CONFIRM_STEPS_MAX)
            return false;
        r->at = base;
    }
    return false;
}

/* ---- lengths --------------------------------------------------------------------------------- */

bool confirm_number(const struct sig_op *op, uint64_t value)
{
    uint64_t a = op->u.number.a, b = op->u.number.b;
    bool is = false;
    switch (op->u.number.compare) {
    case SIG_CMP_EQ:
        is = value == a;
        break;
    case SIG_CMP_NE:
        is = value != a;
        break;
    case SIG_CMP_LT:
        is = value < a;
        break;
    case SIG_CMP_LE:
        is = value <= a;
        break;
    case SIG_CMP_GT:
        is = value > a;
        break;
    case SIG_CMP_GE:
        is = value >= a;
        break;
    case SIG_CMP_RANGE:
        is = value > a && value < b;
        break;
    case SIG_CMP_RANGE_INCL:
        is = value >= a && value <= b;
        break;
    case SIG_CMP_ANY_BIT:
        is = (value & a) != 0;
        break;
    case SIG_CMP_NO_BIT_EQ:
        is = (value ^ a) != 0;
        break;
    case SIG_CMP_MASKED_NE:
        is = (value & a) != b;
        break;
    }
    return is != ((op->flags & SIG_F_NEGATED) != 0);
}

/* Whether a buffer that only grows from `size` on is past what the test allows. */
static bool bsize_passed(const struct sig_op *op, uint64_t size)
{
    uint64_t a = op->u.number.a, b = op->u.number.b;
    switch (op->u.number.compare) {
    case SIG_CMP_EQ:
    case SIG_CMP_LE:
        return size > a;
    case SIG_CMP_LT:
        return size >= a;
    case SIG_CMP_RANGE:
        return size >= b;
    case SIG_CMP_RANGE_INCL:
        return size > b;
    default:
        return false;
    }
}

static bool bsize_run(struct confirm_run_state *r, const struct sig_op *op)
{
    uint64_t size = r->start + r->len;
    uint8_t how = op->u.number.compare;
    bool open = how == SIG_CMP_GT || how == SIG_CMP_GE;
    if (confirm_number(op, size) && (r->end || open))
        return true;
    r->never = r->end || bsize_passed(op, size);
    r->stop = r->stop || r->never;
    return false;
}

static bool isdataat_run(const struct confirm_run_state *r, const struct sig_op *op)
{
    bool negated = op->flags & SIG_F_NEGATED, there;
    int64_t number = op->u.isdataat.offset;
    if (op->flags & SIG_VAR_OFFSET) {
        uint64_t var = r->c->vars[(uint32_t)op->u.isdataat.offset % CONFIRM_VARS_MAX];
        if (var > ISDATAAT_VAR_MAX)
            return negated;
        number = (int64_t)var;
    }
    if (op->flags & SIG_F_RELATIVE)
        there = (int64_t)r->at + number <= (int64_t)r->len;
    else
        there = number < (int64_t)r->len;
    return there != negated;
}

/* Of an open file only that it is there can be said, of a cut one that it is larger. */
static bool file_size_run(const struct confirm_run_state *r, const struct sig_op *op)
{
    struct app_file_size file;
    if (r->len != sizeof(file))
        return false;
    memcpy(&file, r->data, sizeof(file));
    bool more = op->u.number.compare == SIG_CMP_GT || op->u.number.compare == SIG_CMP_GE;
    if (!op->u.number.field && (!r->end || (file.truncated && !more)))
        return false;
    return confirm_number(op, file.size);
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* The rest of the list, over what base64_decode gave. */
static bool decoded_run(struct confirm_run_state *r, struct op_span ops)
{
    struct confirm_run_state inner = {
        .c = r->c, .data = r->c->decoded, .len = r->decoded, .end = true
    };
    return r->decoded && run_span(&inner, ops);
}

/* One instruction that has no second try. */
static bool op_run(struct confirm_run_state *r, const struct sig_op *op)
{
    uint32_t again = 0;
    switch (op->kind) {
    case SIG_OP_CONTENT:
        return op->flags & SIG_F_NEGATED ? content_absent(r, op) : content_next(r, op, r->at, 0);
    case SIG_OP_PCRE:
        return pcre_next(r, op, &again);
    case SIG_OP_BYTE_TEST:
        return confirm_byte_test(r, op);
    case SIG_OP_BYTE_JUMP:
        return confirm_byte_jump(r, op);
    case SIG_OP_BYTE_EXTRACT:
        return confirm_byte_extract(r, op);
    case SIG_OP_BYTE_MATH:
        return confirm_byte_math(r, op);
    case SIG_OP_ISDATAAT:
        return isdataat_run(r, op);
    case SIG_OP_BSIZE:
        return bsize_run(r, op);
    case SIG_OP_URILEN:
        return confirm_number(op, r->len);
    case SIG_OP_ASN1:
        return confirm_asn1(r, op);
    case SIG_OP_DATASET:
        return confirm_dataset(r, op);
    case SIG_OP_FILE_SIZE:
        return file_size_run(r, op);
    case SIG_OP_BASE64_DECODE:
        r->decoded = confirm_base64_decode(r, op);
        return r->decoded > 0;
    default:
        return false;
    }
}

/* Kinds that run the rest of the list themselves. */
static bool takes_rest(const struct sig_op *op)
{
    if (op->kind == SIG_OP_BASE64_DATA)
        return true;
    return op->flags & SIG_F_RELATIVE_NEXT &&
           (op->kind == SIG_OP_PCRE ||
            (op->kind == SIG_OP_CONTENT && !(op->flags & SIG_F_NEGATED)));
}

static bool rest_run(struct confirm_run_state *r, struct op_span ops)
{
    switch (ops.at->kind) {
    case SIG_OP_CONTENT:
        return content_retry(r, ops);
    case SIG_OP_PCRE:
        return pcre_retry(r, ops);
    default:
        return decoded_run(r, (struct op_span){ ops.at + 1, ops.end });
    }
}

static bool run_span(struct confirm_run_state *r, struct op_span ops)
{
    bool fixed =
        false; /* a content without dependants has matched: a failure behind it is the list's */
    bool ok = true;
    for (; ok && ops.at < ops.end; ops.at++) {
        if (++r->c->steps >= CONFIRM_STEPS_MAX) {
            r->stop = true;
            return false;
        }
        if (takes_rest(ops.at)) {
            ok = rest_run(r, ops);
            break;
        }
        ok = op_run(r, ops.at);
        fixed = fixed || (ok && ops.at->kind == SIG_OP_CONTENT && !(ops.at->flags & SIG_F_NEGATED));
    }
    r->stop = r->stop || (!ok && fixed);
    return ok;
}

enum confirm_verdict confirm_run(struct confirm *c, const struct sig_op *ops, uint32_t count,
                                 const struct app_view *view)
{
    struct confirm_run_state r = {
        .c = c,
        .data = view->len ? view->data : (const uint8_t *)"",
        .len = view->len,
        .start = view->offset,
        .end = view->end,
    };
    c->steps = 0;
    if (run_span(&r, (struct op_span){ ops, ops + count }))
        return CONFIRM_YES;
    return r.never ? CONFIRM_NEVER : CONFIRM_NO;
}
