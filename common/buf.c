/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer. */
#include "config.h"
#include "common/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define FIRST_CAP 256

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf) { .max = max };
}

void buf_init_fixed(struct buf *b, void *memory, size_t cap)
{
    *b = (struct buf) { .data = memory, .cap = cap, .max = cap, .fixed = true };
}

void buf_free(struct buf *b)
{
    if (!b->fixed)
        free(b->data);
    *b = (struct buf) { .max = b->max };
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->bad = false;
}

/* Out of line: seldom needed, and then it is the allocation that takes time. */
static __attribute__((noinline)) uint8_t *grow(struct buf *b, size_t len)
{
    if (b->bad || len > b->max - b->len) {
        b->bad = true;
        return NULL;
    }
    size_t first = b->max < FIRST_CAP ? b->max : FIRST_CAP, cap = b->cap ? b->cap : first;
    while (cap - b->len < len)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    b->data = xreallocarray(b->data, cap, 1);
    b->cap = cap;
    return b->data + b->len;
}

uint8_t *buf_room(struct buf *b, size_t len)
{
    return !b->bad && len <= b->cap - b->len ? b->data + b->len : grow(b, len);
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    uint8_t *to = len ? buf_room(b, len) : NULL;
    if (to) {
        memcpy(to, bytes, len);
        b->len += len;
    }
}

void buf_decimal(struct buf *b, uint64_t value)
{
    char text[20], *at = text + sizeof(text);
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    buf_add(b, at, (size_t)(text + sizeof(text) - at));
}

void buf_text(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    char small[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->bad = true;
    } else if ((size_t)n < sizeof(small)) {
        buf_add(b, small, (size_t)n);
    } else {
        /* vsnprintf wants room for the NUL, which is not counted in the content. */
        uint8_t *to = buf_room(b, (size_t)n + 1);
        if (!to)
            return;
        va_start(ap, fmt);
        vsnprintf((char *)to, (size_t)n + 1, fmt, ap);
        va_end(ap);
        b->len += (size_t)n;
    }
}

void buf_be16(struct buf *b, uint16_t v)
{
    uint8_t bytes[2] = { (uint8_t)(v >> 8), (uint8_t)v };
    buf_add(b, bytes, sizeof(bytes));
}

void buf_be32(struct buf *b, uint32_t v)
{
    uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
    buf_add(b, bytes, sizeof(bytes));
}

void buf_be64(struct buf *b, uint64_t v)
{
    buf_be32(b, (uint32_t)(v >> 32));
    buf_be32(b, (uint32_t)v);
}

void buf_le32(struct buf *b, uint32_t v)
{
    uint8_t bytes[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };
    buf_add(b, bytes, sizeof(bytes));
}

void buf_le64(struct buf *b, uint64_t v)
{
    buf_le32(b, (uint32_t)v);
    buf_le32(b, (uint32_t)(v >> 32));
}

const char *buf_str(struct buf *b)
{
    bool was_bad = b->bad;
    b->bad = false;
    uint8_t *end = buf_room(b, 1);
    b->bad = was_bad;
    if (!end) {
        if (!b->cap)
            return "";
        end = b->data + b->cap - 1; /* full: the last byte gives way to the NUL */
    }
    *end = 0;
    return (const char *)b->data;
}
