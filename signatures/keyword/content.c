/* SPDX-License-Identifier: Apache-2.0 */
/* content and what modifies it. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <ctype.h>
#include <string.h>

#include "common/err.h"

/* Longest content, and largest offset, depth, distance and within: 16 bits, as the reference. */
#define CONTENT_MAX 65535u

/* Longest text of a content, hex and escapes included. */
#define TEXT_MAX 16384u

#define RELATIVE (SIG_F_DISTANCE | SIG_F_WITHIN)
#define ABSOLUTE (SIG_F_OFFSET | SIG_F_DEPTH)

/* State of reading "ab|20 21|c". */
struct unescape {
    bool hex, escape;
    int high; /* first digit of a byte, -1 */
};

static int unescape_hex(struct draft *d, struct unescape *u, char c, uint8_t **out)
{
    int digit = text_hex_digit(c);
    if (digit < 0)
        return c == ' ' || c == ',' ? 0 : draft_refuse(d, "'%c' is no hex digit", c);
    if (u->high < 0) {
        u->high = digit;
        return 0;
    }
    *(*out)++ = (uint8_t)(u->high << 4 | digit);
    u->high = -1;
    return 0;
}

static int unescape_char(struct draft *d, struct unescape *u, char c, uint8_t **out)
{
    if (c == '|') {
        u->hex = !u->hex;
        return 0;
    }
    if (c == '\\' && !u->escape) {
        u->escape = true;
        return 0;
    }
    if (u->hex)
        return unescape_hex(d, u, c, out);
    if (u->escape && !strchr(":;\\\"", c))
        return draft_refuse(d, "only : ; \\ and \" are escaped in a content, not '%c'", c);
    if (!u->escape && c == '"')
        return draft_refuse(d, "a double quote in a content is written \\\" or |22|");
    u->escape = false;
    *(*out)++ = (uint8_t)c;
    return 0;
}

long keyword_unescape(struct draft *d, struct text value, uint8_t *out)
{
    struct unescape u = { .high = -1 };
    uint8_t *to = out;
    for (size_t i = 0; i < value.len; i++) {
        if (unescape_char(d, &u, value.at[i], &to))
            return -1;
    }
    if (u.hex) {
        draft_refuse(d, "a | without its other one");
        return -1;
    }
    return to - out;
}

struct sig_op *keyword_content_add(struct draft *d, const void *bytes, size_t len, uint32_t flags)
{
    if (!len || len > CONTENT_MAX) {
        draft_refuse(d, "a content has 1 to %u bytes, not %zu", CONTENT_MAX, len);
        return NULL;
    }
    struct sig_bytes at = draft_blob_add(d, bytes, len);
    struct sig_op *op = at.len ? draft_op_add(d, d->current, SIG_OP_CONTENT) : NULL;
    if (op) {
        op->u.content.bytes = at;
        op->flags = flags;
    }
    return op;
}

static int parse_content(struct draft *d, struct text value)
{
    uint8_t bytes[TEXT_MAX];
    if (value.len > sizeof(bytes))
        return draft_refuse(d, "content: longer than %zu characters", sizeof(bytes));
    long n = keyword_unescape(d, value, bytes);
    if (n < 0)
        return ABENG_EFORMAT;
    uint32_t flags = d->negated ? SIG_F_NEGATED : 0;
    return keyword_content_add(d, bytes, (size_t)n, flags) ? 0 : ABENG_EFORMAT;
}

/* uricontent:"x" is content:"x"; http_uri; */
static int parse_uricontent(struct draft *d, struct text value)
{
    uint32_t list;
    if (d->said & DRAFT_STICKY)
        return draft_refuse(d, "uricontent: a sticky buffer is still set");
    int rc = parse_content(d, value);
    if (!rc)
        rc = draft_buffer_find(d, SIG_BUF_HTTP_URI, &list);
    if (!rc)
        draft_op_move(d, draft_op_last(d, SIG_OP_CONTENT), list);
    return rc;
}

/* The content that a modifier speaks of. */
static struct sig_op *last_content(struct draft *d, const char *keyword)
{
    struct draft_op *o = draft_op_last(d, SIG_OP_CONTENT);
    if (!o)
        draft_refuse(d, "%s: there is no content before it", keyword);
    return o ? &o->op : NULL;
}

static int parse_nocase(struct draft *d, struct text value)
{
    (void)value;
    struct sig_op *op = last_content(d, "nocase");
    if (!op)
        return ABENG_EFORMAT;
    if (op->flags & SIG_F_NOCASE)
        return draft_refuse(d, "nocase twice for one content");
    op->flags |= SIG_F_NOCASE;
    uint8_t *p = d->set->blob + op->u.content.bytes.at;
    for (uint32_t i = 0; i < op->u.content.bytes.len; i++)
        p[i] = (uint8_t)tolower(p[i]);
    return 0;
}

/* The checks that offset, depth, distance and within share, and the number itself. */
static int parse_place(struct draft *d, const char *keyword, struct text value, uint32_t flag,
                       uint32_t var_flag, int32_t *(*field)(struct sig_op *))
{
    struct sig_op *op = last_content(d, keyword);
    if (!op)
        return ABENG_EFORMAT;
    uint32_t rivals = flag & RELATIVE ? ABSOLUTE : RELATIVE;
    if (op->flags & flag)
        return draft_refuse(d, "%s twice for one content", keyword);
    if (op->flags & rivals)
        return draft_refuse(d, "%s: offset/depth and distance/within exclude each other", keyword);
    if (op->flags & SIG_F_STARTSWITH)
        return draft_refuse(d, "%s can't be used with startswith", keyword);
    if ((op->flags & SIG_F_NEGATED) && (op->flags & SIG_F_FAST_PATTERN))
        return draft_refuse(d, "%s can't be used with a negated fast_pattern", keyword);
    if (op->flags & SIG_F_FP_ONLY)
        return draft_refuse(d, "%s can't be used with fast_pattern:only", keyword);
    uint32_t flags = 0;
    int rc = draft_number_or_var(d, value, CONTENT_MAX, var_flag, &flags, field(op));
    op->flags |= flag | flags;
    if (!rc && !flags && !(flag & SIG_F_DISTANCE) && *field(op) < 0)
        return draft_refuse(d, "%s can't be negative", keyword);
    if (flag & RELATIVE)
        op->flags |= SIG_F_RELATIVE;
    return rc;
}

static int32_t *field_offset(struct sig_op *op)
{
    return &op->u.content.offset;
}

static int32_t *field_depth(struct sig_op *op)
{
    return &op->u.content.depth;
}

static int32_t *field_distance(struct sig_op *op)
{
    return &op->u.content.distance;
}

static int32_t *field_within(struct sig_op *op)
{
    return &op->u.content.within;
}

static int parse_offset(struct draft *d, struct text value)
{
    return parse_place(d, "offset", value, SIG_F_OFFSET, SIG_VAR_OFFSET, field_offset);
}

static int parse_depth(struct draft *d, struct text value)
{
    return parse_place(d, "depth", value, SIG_F_DEPTH, SIG_VAR_DEPTH, field_depth);
}

static int parse_distance(struct draft *d, struct text value)
{
    return parse_place(d, "distance", value, SIG_F_DISTANCE, SIG_VAR_DISTANCE, field_distance);
}

static int parse_within(struct draft *d, struct text value)
{
    return parse_place(d, "within", value, SIG_F_WITHIN, SIG_VAR_WITHIN, field_within);
}

static int parse_startswith(struct draft *d, struct text value)
{
    (void)value;
    struct sig_op *op = last_content(d, "startswith");
    if (!op)
        return ABENG_EFORMAT;
    if (op->flags & (RELATIVE | ABSOLUTE | SIG_F_STARTSWITH))
        return draft_refuse(
            d, "startswith can't be used with offset, depth, distance, within or itself");
    op->flags |= SIG_F_STARTSWITH;
    return 0;
}

static int parse_endswith(struct draft *d, struct text value)
{
    (void)value;
    struct sig_op *op = last_content(d, "endswith");
    if (!op)
        return ABENG_EFORMAT;
    op->flags |= SIG_F_ENDSWITH; /* said twice it says no more */
    return 0;
}

static int parse_rawbytes(struct draft *d, struct text value)
{
    (void)value;
    struct sig_op *op = last_content(d, "rawbytes");
    if (!op)
        return ABENG_EFORMAT;
    if (op->flags & SIG_F_RAWBYTES)
        return draft_refuse(d, "rawbytes twice for one content");
    if (d->said & DRAFT_STICKY)
        return draft_refuse(d, "rawbytes can't be used with sticky buffers");
    op->flags |= SIG_F_RAWBYTES;
    return 0;
}

static int parse_replace(struct draft *d, struct text value)
{
    (void)value;
    struct sig_op *op = last_content(d, "replace");
    if (!op)
        return ABENG_EFORMAT;
    op->flags |= SIG_F_REPLACE_IGNORED;
    return 0;
}

static int chop(struct draft *d, struct sig_op *op, struct text value)
{
    struct text part;
    uint64_t offset, len;
    if (!text_cut(&value, ',', &part) || text_u64(part, CONTENT_MAX, &offset) ||
        text_u64(value, CONTENT_MAX, &len))
        return draft_refuse(d, "fast_pattern: only, offset,length or nothing");
    if (op->flags & SIG_F_NEGATED)
        return draft_refuse(d, "fast_pattern:offset,length can't be used with a negated content");
    if (!len || offset + len > op->u.content.bytes.len)
        return draft_refuse(d, "fast_pattern: offset and length reach beyond the content");
    op->flags |= SIG_F_FP_CHOP;
    op->u.content.fp_offset = (uint16_t)offset;
    op->u.content.fp_len = (uint16_t)len;
    return 0;
}

static int parse_fast_pattern(struct draft *d, struct text value)
{
    struct sig_op *op = last_content(d, "fast_pattern");
    if (!op)
        return ABENG_EFORMAT;
    if (d->said & DRAFT_FAST_PATTERN)
        return draft_refuse(d, "fast_pattern twice in one rule");
    uint32_t bound = op->flags & (RELATIVE | ABSOLUTE);
    if ((op->flags & SIG_F_NEGATED) && bound)
        return draft_refuse(d,
                            "fast_pattern can't be used with a negated content that has a place");
    d->said |= DRAFT_FAST_PATTERN;
    op->flags |= SIG_F_FAST_PATTERN;
    if (!value.at || !value.len)
        return 0;
    if (!text_is(value, "only"))
        return chop(d, op, value);
    if ((op->flags & SIG_F_NEGATED) || bound)
        return draft_refuse(
            d, "fast_pattern:only can't be used with a negated content or one that has a place");
    op->flags |= SIG_F_FP_ONLY;
    return 0;
}

const struct sig_keyword keywords_content[] = {
    { "content", parse_content, KEYWORD_QUOTED | KEYWORD_NEGATABLE | KEYWORD_PREFILTER, NULL },
    { "uricontent", parse_uricontent, KEYWORD_QUOTED | KEYWORD_NEGATABLE, NULL },
    { "nocase", parse_nocase, KEYWORD_NO_VALUE, NULL },
    { "offset", parse_offset, KEYWORD_MAY_QUOTE, NULL },
    { "depth", parse_depth, KEYWORD_MAY_QUOTE, NULL },
    { "distance", parse_distance, KEYWORD_MAY_QUOTE, NULL },
    { "within", parse_within, KEYWORD_MAY_QUOTE, NULL },
    { "startswith", parse_startswith, KEYWORD_NO_VALUE, NULL },
    { "endswith", parse_endswith, KEYWORD_NO_VALUE, NULL },
    { "rawbytes", parse_rawbytes, KEYWORD_NO_VALUE, NULL },
    { "replace", parse_replace, KEYWORD_QUOTED, NULL },
    { "fast_pattern", parse_fast_pattern, KEYWORD_OPTIONAL, NULL },
    { NULL, NULL, 0, NULL },
};
