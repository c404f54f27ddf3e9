/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Finding one string in bytes: what remains to be searched once a candidate was named.
 */
#ifndef SENSOR_DETECT_SEARCH_H
#define SENSOR_DETECT_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "sensor/detect/lanes.h"

/** ASCII lower case of one byte; others stay. */
static inline uint8_t search_lower(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? c | 0x20 : c;
}

/**
 * Whether `len` bytes at `a` are those at `b`; with `nocase`, `b` is lower case and `a` is folded.
 */
bool search_equal(const uint8_t *a, const uint8_t *b, uint32_t len, bool nocase);

/**
 * First place of `needle` (lower case when `nocase`) in the `len` bytes at `hay`, or NULL. An empty
 * needle is at `hay`.
 */
const uint8_t *search_find(const uint8_t *hay, uint32_t len, const uint8_t *needle,
                           uint32_t needle_len, bool nocase);

/** The same by a way that this machine has to have. */
const uint8_t *search_find_as(enum lanes_way way, const uint8_t *hay, uint32_t len,
                              const uint8_t *needle, uint32_t needle_len, bool nocase);

#endif
