/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A filter that looks at 64 places of a buffer at a time.
 *
 * Of each pattern it knows five neighbouring bytes: a gram of four and one behind it. Two
 * neighbouring bytes make an index of seven bits; four tables, for the pairs that begin at the
 * first to the fourth byte, say in which of sixteen buckets such a pair stands. A place at which
 * some bucket has all four pairs may be a gram's: a table of grams knows (sieve.h). The tables take
 * 1 KiB, so that a filter is never far, and with AVX-512's byte permutations 64 places cost some
 * forty instructions. With AVX2 an index is looked up by its halves, which lets a few places more
 * through. Elsewhere the tables are read a byte at a time.
 */
#ifndef SENSOR_DETECT_LANES_H
#define SENSOR_DETECT_LANES_H

#include <stdbool.h>
#include <stdint.h>

/** Pairs of neighbouring bytes that a place is told by. */
#define LANES_PAIRS 4
/** Values of an index, and buckets: a byte's bits in each of two planes. */
#define LANES_INDEXES 128
#define LANES_PLANES  2
#define LANES_BUCKETS 16
/** Most grams that a filter holds: more, and most places pass. */
#define LANES_GRAMS_MAX 448
/** Bytes that tell places: letters of both cases are one. */
#define LANES_FOLD 0x20u

struct image_lanes {
    uint8_t tables[LANES_PAIRS][LANES_PLANES][LANES_INDEXES];
    /* buckets of all indexes that have these upper, these lower four bits: lanes_fold */
    uint8_t upper[LANES_PAIRS][LANES_PLANES][16], lower[LANES_PAIRS][LANES_PLANES][16];
};

/** How tables are read. */
enum lanes_way {
    LANES_BYTES,  /* one place at a time: any machine */
    LANES_HALVES, /* 32 places, AVX2: what passes includes all that pass otherwise */
    LANES_WHOLE,  /* 64 places, AVX-512 with VBMI and GFNI */
};

/** Index of two neighbouring bytes, folded. The bit that folding sets in `a` is turned out. */
static inline uint8_t lanes_index(uint8_t a, uint8_t b)
{
    a |= LANES_FOLD;
    b |= LANES_FOLD;
    return (uint8_t)((a << 2 | a >> 6) ^ b) & (LANES_INDEXES - 1);
}

/** Make `upper` and `lower` from the tables. */
void lanes_fold(struct image_lanes *l);

/** The best way of this machine. */
enum lanes_way lanes_best(void);

/** Marks of one look; each tells of 64 places. */
#define LANES_MARKS 64
#define LANES_SPAN  (64u * LANES_MARKS)

/**
 * Look at the LANES_SPAN places of `data` from `at` (below `len`) on, or those there are: bit n of
 * marks[k] means that the place at + 64 k + n passed. How many marks were written. Bytes behind
 * the end of `data` count as LANES_FOLD. Any thread.
 */
uint32_t lanes_mark(const struct image_lanes *l, const uint8_t *data, uint32_t len, uint32_t at,
                    uint64_t marks[LANES_MARKS]);

/** The same by a way that this machine has to have. */
uint32_t lanes_mark_as(enum lanes_way way, const struct image_lanes *l, const uint8_t *data,
                       uint32_t len, uint32_t at, uint64_t marks[LANES_MARKS]);

#endif
