/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asn1: objects of BER (X.690) one behind the other, and what some readers overflow on. An object
 * that is cut short ends the reading; what stood before it counts.
 */
#include "common/cursor.h"
#include "sensor/detect/confirm_bytes.h"

/* Objects in a row, and within each other (Suricata's asn1-max-frames). */
#define ASN1_FRAMES_MAX 256
#define ASN1_DEPTH_MAX  32

#define TAG_BIT_STRING  3
#define TAG_REAL        9
#define TAG_SEQUENCE    16
#define TAG_SET         17
/* Longest ASCII real that one well-known reader had room for. */
#define REAL_TEXT_MAX 256

struct ber {
    uint8_t cls; /* 0: universal */
    bool constructed;
    uint32_t tag;
    struct cursor content;
};

/* Identifier and length (X.690 8.1.2, 8.1.3); the indefinite form reads on to the end of what
 * there is. */
static bool ber_read(struct cursor *c, struct ber *out)
{
    uint8_t first = cursor_u8(c);
    out->cls = first >> 6;
    out->constructed = first >> 5 & 1;
    out->tag = first & 0x1f;
    if (out->tag == 0x1f) {
        uint8_t more = 0x80;
        out->tag = 0;
        for (unsigned i = 0; i < 4 && more & 0x80; i++) {
            more = cursor_u8(c);
            out->tag = out->tag << 7 | (more & 0x7f);
        }
        if (more & 0x80)
            return false;
    }
    uint64_t len = cursor_u8(c);
    if (len & 0x80) {
        unsigned n = len & 0x7f;
        if (n > 8)
            return false;
        len = n == 0 ? cursor_left(c) : 0;
        for (unsigned i = 0; i < n; i++)
            len = len << 8 | cursor_u8(c);
    }
    if (len > cursor_left(c))
        return false;
    out->content = cursor_sub(c, (size_t)len);
    return !c->bad;
}

static bool ber_overflows(const struct ber *b, const struct sig_op *op)
{
    struct cursor c = b->content;
    uint64_t len = cursor_left(&c);
    uint8_t checks = op->u.asn1.checks, first = len ? cursor_u8(&c) : 0;
    bool primitive = b->cls == 0 && !b->constructed && len > 0;
    if (checks & SIG_ASN1_OVERSIZE && len > op->u.asn1.oversize)
        return true;
    /* more bits to leave out than there are */
    if (checks & SIG_ASN1_BITSTRING && primitive && b->tag == TAG_BIT_STRING && first > len * 8)
        return true;
    return checks & SIG_ASN1_DOUBLE && primitive && b->tag == TAG_REAL && (first & 0xc0) == 0 &&
           len > REAL_TEXT_MAX;
}

/* All objects of one row, and of the rows in them. */
static bool row_overflows(struct cursor c, const struct sig_op *op, unsigned depth)
{
    struct ber b;
    for (unsigned n = 0; n < ASN1_FRAMES_MAX && cursor_left(&c) && ber_read(&c, &b); n++) {
        bool holds = b.cls == 0 && b.constructed && (b.tag == TAG_SEQUENCE || b.tag == TAG_SET);
        if (ber_overflows(&b, op) ||
            (holds && depth > 1 && row_overflows(b.content, op, depth - 1)))
            return true;
    }
    return false;
}

bool confirm_asn1(const struct confirm_run_state *r, const struct sig_op *op)
{
    int64_t at = op->u.asn1.offset;
    if (op->u.asn1.checks & SIG_ASN1_RELATIVE)
        at += r->at;
    if (at < 0 || at > UINT16_MAX || at >= (int64_t)r->len)
        return false;
    return row_overflows(cursor_make(r->data + at, r->len - (size_t)at), op, ASN1_DEPTH_MAX);
}
