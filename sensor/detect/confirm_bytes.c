/* SPDX-License-Identifier: Apache-2.0 */
/* byte_test, byte_jump, byte_extract, byte_math, base64_decode: numbers and text read out of a
 * buffer. */
#include "sensor/detect/confirm_bytes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"

/* Digits that a number written as text may have (Suricata copies as many). */
#define STRING_DIGITS_MAX 23

/* A number found in a buffer. */
struct number {
    uint64_t value;
    int64_t at;    /* where it began */
    uint32_t size; /* bytes it took; in text, up to the last digit */
};

/* The fields that all byte_* instructions share. */
struct field {
    int64_t offset;
    uint32_t nbytes;
    uint8_t base;
    uint32_t bitmask;
};

static uint64_t var_or(const struct confirm_run_state *r, const struct sig_op *op, uint32_t flag,
                       uint64_t value)
{
    return op->flags & flag ? r->c->vars[value % CONFIRM_VARS_MAX] : value;
}

static bool read_text(const uint8_t *at, uint32_t size, int base, struct number *out)
{
    char text[STRING_DIGITS_MAX + 1];
    if (size > STRING_DIGITS_MAX)
        return false;
    memcpy(text, at, size);
    text[size] = 0;
    char *end;
    out->value = strtoull(text, &end, base);
    out->size = (uint32_t)(end - text);
    return out->size > 0;
}

static bool read_binary(const uint8_t *at, uint32_t size, bool little, struct number *out)
{
    if (size > 8)
        return false;
    out->value = 0;
    for (uint32_t i = 0; i < size; i++)
        out->value = out->value << 8 | at[little ? size - 1 - i : i];
    out->size = size;
    return true;
}

static uint64_t mask_apply(uint64_t value, uint32_t mask)
{
    if (mask == 0)
        return value;
    return (value & mask) >> __builtin_ctz(mask);
}

/* Find the field's place, read it, mask it. Zero bytes read nothing and are no failure (byte_jump
 * has such). */
static bool number_read(const struct confirm_run_state *r, const struct sig_op *op,
                        const struct field *f, struct number *out)
{
    int64_t base = op->flags & SIG_F_RELATIVE ? r->at : 0;
    out->at = base + f->offset;
    out->value = 0;
    out->size = 0;
    int64_t left = (int64_t)r->len - out->at;
    if (r->len == 0 || (left <= 0 && op->flags & SIG_F_RELATIVE))
        return false;
    if (f->nbytes == 0)
        return true;
    if (out->at < 0 || (int64_t)f->nbytes > left)
        return false;
    bool little = op->flags & SIG_F_DCE ? r->c->little_endian : (op->flags & SIG_F_LITTLE) != 0;
    bool ok = op->flags & SIG_F_STRING ? read_text(r->data + out->at, f->nbytes, f->base, out)
                                       : read_binary(r->data + out->at, f->nbytes, little, out);
    out->value = mask_apply(out->value, f->bitmask);
    return ok;
}

static bool compare(uint8_t how, uint64_t value, uint64_t with)
{
    switch (how) {
    case SIG_CMP_EQ:
        return value == with;
    case SIG_CMP_NE:
        return value != with;
    case SIG_CMP_LT:
        return value < with;
    case SIG_CMP_LE:
        return value <= with;
    case SIG_CMP_GT:
        return value > with;
    case SIG_CMP_GE:
        return value >= with;
    case SIG_CMP_ANY_BIT:
        return (value & with) != 0;
    case SIG_CMP_NO_BIT_EQ:
        return (value ^ with) != 0;
    default:
        return false;
    }
}

/* Bytes from a place on that a number in text may take. */
static uint32_t digits_left(const struct confirm_run_state *r, const struct sig_op *op,
                            int64_t offset)
{
    int64_t at = offset + (op->flags & SIG_F_RELATIVE ? r->at : 0);
    int64_t left = (int64_t)r->len - at;
    if (at < 0 || left <= 0)
        return 0;
    return left < STRING_DIGITS_MAX ? (uint32_t)left : STRING_DIGITS_MAX;
}

bool confirm_byte_test(const struct confirm_run_state *r, const struct sig_op *op)
{
    struct number n;
    struct field f = {
        .offset = op->flags & SIG_VAR_OFFSET
                      ? (int64_t)var_or(r, op, SIG_VAR_OFFSET, (uint32_t)op->u.byte_test.offset)
                      : op->u.byte_test.offset,
        .nbytes = (uint32_t)var_or(r, op, SIG_VAR_NBYTES, op->u.byte_test.nbytes),
        .base = op->u.byte_test.base,
        .bitmask = op->u.byte_test.bitmask,
    };
    if (f.nbytes == 0 && op->flags & SIG_F_STRING) /* all the digits that there are */
        f.nbytes = digits_left(r, op, f.offset);
    if (f.nbytes == 0 || !number_read(r, op, &f, &n))
        return false; /* out of the buffer is no match, negated or not */
    uint64_t with = var_or(r, op, SIG_VAR_VALUE, op->u.byte_test.value);
    return compare(op->u.byte_test.compare, n.value, with) != ((op->flags & SIG_F_NEGATED) != 0);
}

static uint64_t align_up(uint64_t value, uint64_t unit)
{
    return unit > 1 && value % unit ? value + (unit - value % unit) : value;
}

bool confirm_byte_jump(struct confirm_run_state *r, const struct sig_op *op)
{
    struct number n;
    struct field f = {
        .offset = op->flags & SIG_VAR_OFFSET
                      ? (int64_t)var_or(r, op, SIG_VAR_OFFSET, (uint32_t)op->u.byte_jump.offset)
                      : op->u.byte_jump.offset,
        .nbytes = (uint32_t)var_or(r, op, SIG_VAR_NBYTES, op->u.byte_jump.nbytes),
        .base = op->u.byte_jump.base,
        .bitmask = op->u.byte_jump.bitmask,
    };
    if (!number_read(r, op, &f, &n))
        return false;
    uint64_t jump = n.value * (op->u.byte_jump.multiplier ? op->u.byte_jump.multiplier : 1);
    if (op->flags & SIG_F_ALIGN)
        jump = align_up(jump, 4);
    int64_t to = (int64_t)(jump + (uint64_t)(int64_t)op->u.byte_jump.post_offset);
    int64_t from = n.at + n.size;
    if (op->flags & SIG_F_FROM_BEGINNING)
        from = 0;
    else if (op->flags & SIG_F_FROM_END)
        from = r->len;
    if (__builtin_add_overflow(from, to, &to) || to > (int64_t)r->len)
        return false;
    r->at = to < 0 ? 0 : (uint32_t)to;
    return true;
}

bool confirm_byte_extract(struct confirm_run_state *r, const struct sig_op *op)
{
    struct number n;
    struct field f = {
        .offset = op->flags & SIG_VAR_OFFSET
                      ? (int64_t)var_or(r, op, SIG_VAR_OFFSET, (uint32_t)op->u.byte_extract.offset)
                      : op->u.byte_extract.offset,
        .nbytes = op->u.byte_extract.nbytes,
        .base = op->u.byte_extract.base,
        .bitmask = op->u.byte_extract.bitmask,
    };
    if (f.nbytes == 0 || !number_read(r, op, &f, &n))
        return false;
    uint64_t value = n.value * (op->u.byte_extract.multiplier ? op->u.byte_extract.multiplier : 1);
    r->c->vars[op->u.byte_extract.var % CONFIRM_VARS_MAX] =
        align_up(value, op->u.byte_extract.align);
    r->at = (uint32_t)(n.at + n.size);
    return true;
}

static bool math_apply(uint8_t oper, uint64_t a, uint64_t b, uint64_t *out)
{
    switch (oper) {
    case '+':
        *out = a + b;
        return true;
    case '-':
        *out = a - b;
        return true;
    case '*':
        *out = a * b;
        return true;
    case '/':
        *out = b ? a / b : 0;
        return b != 0;
    case '<':
        *out = b < 64 ? a << b : 0;
        return true;
    case '>':
        *out = b < 64 ? a >> b : 0;
        return true;
    default:
        return false;
    }
}

bool confirm_byte_math(struct confirm_run_state *r, const struct sig_op *op)
{
    struct number n;
    struct field f = {
        .offset = op->flags & SIG_VAR_OFFSET
                      ? (int64_t)var_or(r, op, SIG_VAR_OFFSET, (uint32_t)op->u.byte_math.offset)
                      : op->u.byte_math.offset,
        .nbytes = (uint32_t)var_or(r, op, SIG_VAR_NBYTES, op->u.byte_math.nbytes),
        .base = op->u.byte_math.base,
    };
    uint64_t value;
    if (f.nbytes == 0 || !number_read(r, op, &f, &n))
        return false;
    if (!math_apply(op->u.byte_math.oper, n.value,
                    var_or(r, op, SIG_VAR_VALUE, op->u.byte_math.rvalue), &value))
        return false;
    r->c->vars[op->u.byte_math.var % CONFIRM_VARS_MAX] = mask_apply(value, op->u.byte_math.bitmask);
    r->at = (uint32_t)(n.at + n.size);
    return true;
}

/* RFC 2045 section 6.8: what is no digit ends it, white space is skipped. */
static uint32_t base64_decode(const uint8_t *at, uint32_t len, uint8_t *out)
{
    uint32_t bits = 0, have = 0, made = 0;
    for (uint32_t i = 0; i < len && made < CONFIRM_DECODED_MAX; i++) {
        if (isspace(at[i]))
            continue;
        int digit = base64_digit(at[i]);
        if (digit < 0)
            break;
        bits = bits << 6 | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[made++] = (uint8_t)(bits >> have);
        }
    }
    return made;
}

uint32_t confirm_base64_decode(const struct confirm_run_state *r, const struct sig_op *op)
{
    uint64_t from = op->u.base64.offset + (uint64_t)(op->flags & SIG_F_RELATIVE ? r->at : 0);
    if (from >= r->len || !r->c->decoded)
        return 0;
    uint32_t len = r->len - (uint32_t)from;
    if (op->u.base64.bytes && op->u.base64.bytes < len)
        len = op->u.base64.bytes;
    return base64_decode(r->data + from, len, r->c->decoded);
}
