/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HPACK (RFC 7541): the header compression of HTTP/2, decoding only. One table belongs to one
 * direction of a connection, and every header block of that direction has to pass through it, in
 * order, or what follows is read wrongly.
 */
#ifndef SENSOR_APP_HPACK_H
#define SENSOR_APP_HPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cursor.h"
#include "sensor/app/bytes.h"

/** Largest dynamic table, whatever the peers agree on (RFC 7541 4.1 counts 32 bytes an entry). */
#define HPACK_TABLE_MAX 65536u
/** The size both sides begin with (RFC 7540 6.5.2). */
#define HPACK_TABLE_DEFAULT 4096u

enum hpack_status {
    HPACK_FIELD,
    HPACK_SIZE_UPDATE,
    HPACK_BAD_INDEX, /* no such entry: name and value are empty */
    HPACK_OVERFLOW,  /* an integer beyond 64 bits: the rest of the block can't be read */
    HPACK_SHORT,     /* the block ends within a field */
};

/** One header field, or a change of the table's size. */
struct hpack_field {
    const uint8_t *name, *value; /* valid until the next call */
    uint32_t name_len, value_len;
    uint64_t size_update;
};

/** Decoding state of one direction. All zero but `max` at the start. */
struct hpack {
    struct app_bytes text;    /* names and values of the entries, the oldest first */
    struct app_bytes entries; /* where they are */
    struct app_bytes scratch; /* what Huffman codes became */
    uint32_t first, gone;     /* entries and bytes in front that were evicted */
    uint64_t base;            /* bytes that were dropped from the text's front */
    uint32_t size, max;       /* as RFC 7541 4.1 counts */
};

/** Set the largest size, from a SETTINGS frame; what no longer fits is evicted. */
void hpack_limit(struct hpack *h, uint64_t max);

/**
 * Read the next field of a header block; memory for it comes from `slab`. After HPACK_OVERFLOW and
 * HPACK_SHORT the rest of the block has no meaning. `c` must not be at its end.
 */
enum hpack_status hpack_next(struct hpack *h, struct slab *slab, struct cursor *c,
                             struct hpack_field *out);

/**
 * Append what `len` Huffman-coded bytes stand for (RFC 7541 5.2). Decoding ends at the padding or
 * at the first code there is not. False when memory is out.
 */
bool hpack_huffman(struct slab *slab, const uint8_t *data, uint32_t len, struct app_bytes *out);

/** Free what it holds. */
void hpack_free(struct hpack *h, struct slab *slab);

#endif
