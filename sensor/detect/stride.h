/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A filter of grams, asked at one place or at sixteen neighbouring fourth places at a time.
 *
 * A gram has two bits of one word, chosen by two hashes; both have to be set. Filters have a few
 * times as many words as grams, so that one place in a thousand passes by chance. With AVX-512 or
 * AVX2 the words of many grams are gathered at once, elsewhere they are asked for in turn.
 */
#ifndef SENSOR_DETECT_STRIDE_H
#define SENSOR_DETECT_STRIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "sensor/detect/lanes.h"

/** From one place to the next; a gram has as many bytes. */
#define STRIDE 4u
/** Bytes that one mark tells of: a bit each for its fourth places. */
#define STRIDE_SPAN  64u
#define STRIDE_MARKS 64u

#define STRIDE_FIRST  0x9E3779B1u
#define STRIDE_SECOND 0x85EBCA6Bu

/** `bits`: a power of two, 2 at least, of words. */
struct stride_filter {
    const uint32_t *bits;
    unsigned shift; /* stride_shift of how many words there are */
};

/** How far the first hash is shifted to be a bit of `words` words. */
static inline unsigned stride_shift(uint32_t words)
{
    return 27 - (unsigned)__builtin_ctz(words);
}

static inline uint32_t stride_word(uint32_t gram, unsigned shift)
{
    return gram * STRIDE_FIRST >> shift >> 5;
}

/** A gram's two bits of its word. */
static inline uint32_t stride_bits(uint32_t gram, unsigned shift)
{
    uint32_t first = gram * STRIDE_FIRST >> shift & 31, second = gram * STRIDE_SECOND >> 27;
    return 1u << first | 1u << second;
}

static inline bool stride_has(const struct stride_filter *f, uint32_t gram)
{
    uint32_t bits = stride_bits(gram, f->shift);
    return (f->bits[stride_word(gram, f->shift)] & bits) == bits;
}

/**
 * Ask for the folded grams at every fourth place of `count` (to STRIDE_MARKS) times STRIDE_SPAN
 * bytes: bit n of marks[k] means that the filter has the one at STRIDE_SPAN k + STRIDE n. Any
 * thread.
 */
void stride_mark(const struct stride_filter *f, const uint8_t *data, uint32_t count,
                 uint16_t *marks);

/** The same by a way that this machine has to have. */
void stride_mark_as(enum lanes_way way, const struct stride_filter *f, const uint8_t *data,
                    uint32_t count, uint16_t *marks);

#endif
