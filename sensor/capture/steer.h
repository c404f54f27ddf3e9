/* SPDX-License-Identifier: Apache-2.0 */
/* The steering hash, small enough for classic BPF: the fanout program and decode_steer compute the
 * same. */
#ifndef SENSOR_CAPTURE_STEER_H
#define SENSOR_CAPTURE_STEER_H

#include <stdint.h>

#define STEER_MULTIPLIER 0x9E3779B1u
#define STEER_SHIFT      16

/** One address of a pair, given as the XOR of its 32-bit words. */
static inline uint32_t steer_side(uint32_t folded)
{
    uint32_t x = folded * STEER_MULTIPLIER;
    return x ^ x >> STEER_SHIFT;
}

/**
 * Hash of an address pair: a sum, so both directions give the same, of sides that are mixed first.
 * With the XOR of both all pairs of two networks whose hosts are numbered alike would share one
 * worker.
 */
static inline uint32_t steer_hash(uint32_t src, uint32_t dst)
{
    return (steer_side(src) + steer_side(dst)) * STEER_MULTIPLIER >> STEER_SHIFT;
}

#endif
