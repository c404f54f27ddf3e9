/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of ASN.1's encodings. */
#include "config.h"
#include "sensor/app/der.h"

struct cursor der_next(struct cursor *c, uint8_t *tag)
{
    *tag = cursor_u8(c);
    uint32_t len = cursor_u8(c);
    if (len & 0x80) {
        unsigned n = len & 0x7f;
        len = 0;
        if (n == 0 || n > 4)
            c->bad = true;
        for (unsigned i = 0; i < n && !c->bad; i++)
            len = len << 8 | cursor_u8(c);
    }
    return cursor_sub(c, len);
}

struct cursor der_want(struct cursor *c, uint8_t tag)
{
    uint8_t got;
    struct cursor body = der_next(c, &got);
    if (got != tag)
        c->bad = body.bad = true;
    return body;
}

struct cursor der_optional(struct cursor *c, uint8_t tag)
{
    if (cursor_left(c) == 0 || *c->at != tag)
        return (struct cursor){ NULL, NULL, true };
    return der_want(c, tag);
}

int64_t der_integer(struct cursor *c)
{
    struct cursor body = der_want(c, DER_INTEGER);
    size_t len = cursor_left(&body);
    if (len == 0 || len > 8) {
        c->bad = true;
        return 0;
    }
    uint64_t value = *body.at & 0x80 ? UINT64_MAX : 0;
    while (cursor_left(&body) > 0)
        value = value << 8 | cursor_u8(&body);
    return (int64_t)value;
}
