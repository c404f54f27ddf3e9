/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The checked cursor: the one way to read bytes that came from a network, a file or a partner.
 *
 * A cursor is a window with a sticky error. A read past its end sets `bad`, returns zero and moves
 * nothing; every later read returns zero too, so a parser reads its fields and asks once. Lengths
 * are compared with what is left, never added to a pointer first. Cursors own nothing and are
 * copied by value.
 */
#ifndef COMMON_CURSOR_H
#define COMMON_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *at;   /* next byte */
    const uint8_t *end;  /* one past the last */
    bool bad;            /* a read wanted more than was left */
};

/** A cursor over `len` bytes at `data` (may be NULL when `len` is 0). */
static inline struct cursor cursor_make(const void *data, size_t len)
{
    /* Nothing may be added to NULL, not even 0. */
    const uint8_t *p = data ? data : (const uint8_t *)"";
    return (struct cursor) { p, data ? p + len : p, false };
}

/** Bytes not read yet; 0 after an error. */
static inline size_t cursor_left(const struct cursor *c)
{
    return c->bad ? 0 : (size_t)(c->end - c->at);
}

/** Whether `n` more bytes can be read; sets the error when not. */
static inline bool cursor_need(struct cursor *c, size_t n)
{
    if (n > cursor_left(c))
        c->bad = true;
    return !c->bad;
}

/** Take `n` bytes and return where they are, or NULL (and the error) when fewer are left. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
    if (!cursor_need(c, n))
        return NULL;
    const uint8_t *p = c->at;
    c->at += n;
    return p;
}

/** Skip `n` bytes. */
static inline void cursor_skip(struct cursor *c, size_t n)
{
    (void)cursor_take(c, n);
}

/** A cursor over the next `n` bytes, which this one skips; a bad one when fewer are left. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
    const uint8_t *p = cursor_take(c, n);
    if (!p)
        return (struct cursor) { NULL, NULL, true };
    return cursor_make(p, n);
}

/** Next byte. */
static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 1);
    return p ? p[0] : 0;
}

/** Next two bytes, big-endian. */
static inline uint16_t cursor_be16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);
    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

/** Next three bytes, big-endian. */
static inline uint32_t cursor_be24(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 3);
    return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

/** Next four bytes, big-endian. */
static inline uint32_t cursor_be32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

/** Next eight bytes, big-endian. */
static inline uint64_t cursor_be64(struct cursor *c)
{
    uint64_t high = cursor_be32(c);
    return high << 32 | cursor_be32(c);
}

/** Next two bytes, little-endian. */
static inline uint16_t cursor_le16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);
    return p ? (uint16_t)(p[1] << 8 | p[0]) : 0;
}

/** Next four bytes, little-endian. */
static inline uint32_t cursor_le32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);
    return p ? (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0] : 0;
}

/** Next eight bytes, little-endian. */
static inline uint64_t cursor_le64(struct cursor *c)
{
    uint64_t low = cursor_le32(c);
    return low | (uint64_t)cursor_le32(c) << 32;
}

#endif
