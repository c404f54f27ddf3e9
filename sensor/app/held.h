/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Packets that were seen a moment ago: a ring of bytes, one per worker. What is put in stays until
 * as many bytes have come behind it, then it is gone; a place from before says so by itself. Each
 * packet names the one before it of the same flow, so that a flow keeps one number.
 */
#ifndef SENSOR_HELD_H
#define SENSOR_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct held;

/** A packet of the ring. */
struct held_packet {
    const uint8_t *l3; /* valid until the next held_put */
    uint16_t len;
    uint64_t now_ns; /* as it was put */
    uint64_t before; /* place of the flow's packet before; 0: none */
};

/** A ring of `bytes`, a power of two. Ends the process when memory is out. */
struct held *held_create(size_t bytes);

/** Copy `len` bytes in. Returns the place; 0 when they are more than a quarter of the ring. */
uint64_t held_put(struct held *h, const uint8_t *l3, uint16_t len, uint64_t now_ns,
                  uint64_t before);

/** The packet at `place`, as held_put returned it; false when others lie there by now. */
bool held_get(const struct held *h, uint64_t place, struct held_packet *out);

/** Free. NULL is allowed. */
void held_free(struct held *h);

#endif
