/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Brotli (RFC 7932) in the packet path's memory: libbrotlidec decodes, and what it asks for comes
 * from the worker's slab, or, where that is more than a slab's block, from a few slots of address
 * space that the worker reserves once. A slot holds the longest window there is; of it only what
 * has been decoded takes memory, since a stream is left when its body's limit is reached.
 */
#ifndef SENSOR_APP_UNBROTLI_H
#define SENSOR_APP_UNBROTLI_H

#include <stddef.h>
#include <stdint.h>

struct slab;
struct unbrotli;
struct unbrotli_slots;

/** Windows and tables beyond a slab's block that a worker holds at a time. */
#define UNBROTLI_SLOTS 8u

enum unbrotli_status {
    UNBROTLI_MORE,    /* all input is taken, and all that it gives is out */
    UNBROTLI_FULL,    /* the output is full, and there is more */
    UNBROTLI_END,     /* the stream is whole */
    UNBROTLI_BROKEN,  /* not brotli */
    UNBROTLI_NO_ROOM, /* the slab is at its cap, or all slots are taken */
};

/** One call's bytes; what is used up is taken off. */
struct unbrotli_io {
    const uint8_t *in;
    size_t in_left;
    uint8_t *out;
    size_t out_left;
};

/** Reserve a worker's slots. Dies when the system refuses. */
struct unbrotli_slots *unbrotli_slots_create(void);

/** Give them back; no decoder may live. NULL is allowed. */
void unbrotli_slots_free(struct unbrotli_slots *slots);

/** A decoder; NULL when memory is out. Both outlive it. */
struct unbrotli *unbrotli_open(struct slab *slab, struct unbrotli_slots *slots);

/**
 * Decode the stream's next bytes. After END, BROKEN and NO_ROOM the decoder may only be freed; the
 * input that follows a stream's end is not touched.
 */
enum unbrotli_status unbrotli_next(struct unbrotli *u, struct unbrotli_io *io);

/** Free. NULL is allowed. */
void unbrotli_free(struct unbrotli *u);

#endif
