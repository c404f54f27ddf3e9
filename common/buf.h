/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A growing byte buffer with a hard maximum and a sticky error: writers append and ask once. Grows
 * by malloc, so it belongs to start-up, the writer thread and the collector, not to the packet
 * path.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data; /* owned unless `fixed` */
    size_t len;
    size_t cap;    /* up to `max` */
    size_t max;    /* never longer than this */
    bool fixed;    /* `data` is the caller's and never grows */
    bool bad;      /* something did not fit; what is there is a prefix */
};

/** An empty buffer that may grow to `max` bytes. */
void buf_init(struct buf *b, size_t max);

/** A buffer over the caller's `cap` bytes; never allocates, so the packet path may use it. */
void buf_init_fixed(struct buf *b, void *memory, size_t cap);

/** Free what it owns; the buffer is empty afterwards and may be used again. */
void buf_free(struct buf *b);

/** Forget content and error, keep the memory. */
void buf_clear(struct buf *b);

/** Append `len` bytes, all or none; none sets `bad`. */
void buf_add(struct buf *b, const void *bytes, size_t len);


/** Append a string without its NUL. */
void buf_text(struct buf *b, const char *text);

/** Append by printf. */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Append a number in decimal. */
void buf_decimal(struct buf *b, uint64_t value);

/** Append big-endian integers. */
void buf_be16(struct buf *b, uint16_t value);
/** Append four bytes, big-endian. */
void buf_be32(struct buf *b, uint32_t value);
/** Append eight bytes, big-endian. */
void buf_be64(struct buf *b, uint64_t value);
/** Append four bytes, little-endian. */
void buf_le32(struct buf *b, uint32_t value);
/** Append eight bytes, little-endian. */
void buf_le64(struct buf *b, uint64_t value);

/**
 * Make room for `len` more bytes and return where they go (then add to `len`), or NULL and `bad`.
 */
uint8_t *buf_room(struct buf *b, size_t len);

/** Append one byte. */
static inline void buf_byte(struct buf *b, uint8_t byte)
{
    uint8_t *to = b->len < b->cap && !b->bad ? b->data + b->len : buf_room(b, 1);
    if (to) {
        *to = byte;
        b->len++;
    }
}

/**
 * The content as a NUL-ended string, owned by the buffer, valid until the next change. Never NULL.
 */
const char *buf_str(struct buf *b);

#endif
