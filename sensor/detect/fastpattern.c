/* SPDX-License-Identifier: Apache-2.0 */
/* Weighing the contents of a rule by how rare their bytes are. */
#include "config.h"

#include "sensor/detect/fastpattern.h"
#include "sensor/detect/sieve.h"

#include <ctype.h>
#include <string.h>

/* A longer literal is cut: what it says beyond this is confirmed anyway. */
#define PATTERN_LEN_MAX 96
/* Bytes that count: Hyperscan looks at the last eight first. */
#define WEIGHED_BYTES 12
#define SHORT_PATTERN 4
/* A writer's choice that no sieve can hold (sieve.h) weighs no more than others. */
#define CHOSEN_WEIGHT 1000

bool fastpattern_named(enum sig_buffer buffer)
{
    switch (buffer) {
    case SIG_BUF_DNS_QUERY:
    case SIG_BUF_TLS_SNI:
    case SIG_BUF_QUIC_SNI:
    case SIG_BUF_HTTP_HOST:
    case SIG_BUF_HTTP_HOST_RAW:
    case SIG_BUF_JA3_HASH:
    case SIG_BUF_JA3S_HASH:
    case SIG_BUF_TLS_CERT_FINGERPRINT:
    case SIG_BUF_TLS_CERT_SERIAL:
        return true;
    default:
        return false;
    }
}

/* Buffers that hold one of few values: nearly every rule of the protocol would be a candidate. */
static bool poor_buffer(enum sig_buffer buffer)
{
    return buffer == SIG_BUF_HTTP_METHOD || buffer == SIG_BUF_HTTP_STAT_CODE ||
           buffer == SIG_BUF_HTTP_STAT_MSG || buffer == SIG_BUF_HTTP_PROTOCOL ||
           buffer == SIG_BUF_TLS_VERSION || buffer == SIG_BUF_HTTP_HEADER_NAMES;
}

unsigned fastpattern_byte_weight(uint8_t c)
{
    if (c == 0 || c == 0xff || c == ' ')
        return 1;
    if (strchr("etaoinshr/.:=\r\n", c))
        return 2;
    if (isalnum(c) || ispunct(c))
        return 3;
    return c < 0x10 ? 3 : 5;
}

/* Shorter patterns have no gram in the sieve of such a buffer. */
static uint32_t gram_len(enum sig_buffer buffer)
{
    return sig_buffer_def(buffer)->flags & SIG_BUFFER_BODY ? SIEVE_LONG : SIEVE_GRAM;
}

static unsigned pattern_weight(const struct fastpattern *p, enum sig_buffer buffer)
{
    unsigned weight = 0, distinct = 0;
    bool seen[256] = { false };
    for (uint32_t i = 0; i < p->len && i < WEIGHED_BYTES; i++) {
        uint8_t c = p->bytes[p->len - 1 - i];
        weight += fastpattern_byte_weight(c);
        distinct += !seen[c];
        seen[c] = true;
    }
    if (distinct == 1)
        weight = 2; /* runs of one byte are everywhere */
    if (p->len < SHORT_PATTERN)
        weight /= 2;
    if (p->len < gram_len(buffer) && p->to > SIEVE_HEAD)
        weight /= 2;
    if (poor_buffer(buffer))
        weight /= 4;
    if (p->suffix && fastpattern_named(buffer) && p->len >= SHORT_PATTERN)
        weight += 20;
    return weight + 1;
}

static bool is_exact(const struct sig_op *ops, uint32_t count, uint32_t len)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ops[i].kind == SIG_OP_BSIZE && ops[i].u.number.compare == SIG_CMP_EQ &&
            ops[i].u.number.a == len && !(ops[i].flags & SIG_F_NEGATED))
            return true;
    }
    return false;
}

/* Where in the buffer the content has to lie; anywhere when that depends on other matches. */
static void window_of(const struct sig_op *op, struct fastpattern *p)
{
    int64_t from = op->flags & SIG_F_OFFSET ? op->u.content.offset : 0, to = -1;
    p->from = 0;
    p->to = UINT32_MAX;
    if (op->flags & (SIG_F_DISTANCE | SIG_F_WITHIN | SIG_VAR_OFFSET | SIG_VAR_DEPTH))
        return;
    if (op->flags & SIG_F_STARTSWITH) {
        from = 0;
        to = op->u.content.bytes.len;
    } else if (op->flags & SIG_F_DEPTH) {
        to = from + op->u.content.depth;
    }
    if (from < 0 || to < from)
        return;
    p->from = (uint32_t)from;
    p->to = (uint32_t)to;
}

static struct fastpattern pattern_of(const struct sig_ruleset *set, const struct sig_list *list,
                                     const struct sig_op *op)
{
    struct fastpattern p = {
        .spec = list->spec,
        .bytes = set->blob + op->u.content.bytes.at,
        .len = op->u.content.bytes.len,
        .nocase = op->flags & SIG_F_NOCASE,
    };
    uint32_t whole = p.len;
    if (op->flags & SIG_F_FP_CHOP && op->u.content.fp_len &&
        (uint32_t)op->u.content.fp_offset + op->u.content.fp_len <= p.len) {
        p.bytes += op->u.content.fp_offset;
        p.len = op->u.content.fp_len;
    }
    if (p.len > PATTERN_LEN_MAX) {
        p.bytes += p.len - PATTERN_LEN_MAX;
        p.len = PATTERN_LEN_MAX;
    }
    bool exact = is_exact(set->ops + list->first, list->count, whole);
    bool ends = op->flags & SIG_F_ENDSWITH || exact;
    window_of(op, &p);
    if (exact && p.from == 0 && p.to > whole)
        p.to = whole;
    p.suffix = ends && p.bytes + p.len == set->blob + op->u.content.bytes.at + whole;
    return p;
}

static bool list_counts(const struct sig_ruleset *set, const struct sig *sig,
                        const struct sig_list *list, unsigned dir)
{
    enum sig_buffer buffer = set->specs[list->spec].buffer;
    if (!(list->dirs & 1u << dir))
        return false;
    if (sig->kind == SIG_KIND_APP_TX)
        return !(sig_buffer_def(buffer)->flags & SIG_BUFFER_PACKET);
    return buffer == SIG_BUF_PAYLOAD && set->specs[list->spec].transform_count == 0;
}

bool fastpattern_choose(const struct sig_ruleset *set, const struct sig *sig, unsigned dir,
                        struct fastpattern *out)
{
    unsigned best = 0;
    for (uint32_t l = 0; l < sig->list_count; l++) {
        const struct sig_list *list = &sig->lists[l];
        const struct sig_op *op = set->ops + list->first, *end = op + list->count;
        if (!list_counts(set, sig, list, dir))
            continue;
        for (; op < end && op->kind != SIG_OP_BASE64_DATA; op++) {
            if (op->kind != SIG_OP_CONTENT || op->flags & SIG_F_NEGATED ||
                op->u.content.bytes.len == 0)
                continue;
            struct fastpattern p = pattern_of(set, list, op);
            enum sig_buffer buffer = set->specs[list->spec].buffer;
            unsigned weight = pattern_weight(&p, buffer);
            if (op->flags & SIG_F_FAST_PATTERN && (p.len >= gram_len(buffer) || p.to != UINT32_MAX))
                weight += CHOSEN_WEIGHT;
            if (weight > best) {
                best = weight;
                *out = p;
            }
        }
    }
    return best > 0;
}
