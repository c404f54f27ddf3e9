/* SPDX-License-Identifier: Apache-2.0 */
/* The steering hash, small enough for classic BPF: the fanout program and decode_steer compute the
 * same. */
#ifndef SENSOR_CAPTURE_STEER_H
#define SENSOR_CAPTURE_STEER_H

#include <stdint.h>

#define STEER_MULTIPLIER 0x9E3779B1u
#define STEER_SHIFT      16

/** Hash of an address pair folded to the XOR of its 32-bit words, so both directions give the same.
 */
static inline uint32_t steer_hash(uint32_t folded)
{
    return (folded * STEER_MULTIPLIER) >> STEER_SHIFT;
}

#endif
