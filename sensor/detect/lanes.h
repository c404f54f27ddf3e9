/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A filter that looks at 64 places of a buffer at a time.
 *
 * Of each pattern it knows five neighbouring bytes: a gram of four and one behind it. Two
 * neighbouring bytes make an index of seven bits; four tables, for the pairs that begin at the
 * first to the fourth byte, say in which of sixteen buckets such a pair stands, or of eight, where
 * these do. A place at which some bucket has all four pairs may be a gram's: a table of grams knows
 * (sieve.h). The tables take 1 KiB, so that a filter is never far, and with AVX-512's byte
 * permutations 64 places cost some thirty to forty instructions. AVX2 looks up sixteen values at
 * most: there a pair is told by the upper and the lower four bits of a mix of its own, in as many
 * buckets as the patterns need. Elsewhere the tables are read a byte at a time. Of a pattern of two
 * bytes an index says too little: such bytes are compared.
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

/** Pairs of bytes that are looked for as they are, most. */
#define LANES_TWOS 4

/** Values of a mix and of its halves, and planes of eight buckets that these are looked up in. */
#define LANES_MIXES           256
#define LANES_HALF            16
#define LANES_HALF_PLANES_MAX 4

struct image_lanes {
    /* a cache line is a register of theirs */
    _Alignas(64) uint8_t tables[LANES_PAIRS][LANES_PLANES][LANES_INDEXES];
    /* for lanes_upper and lanes_lower of a mix; buckets of their own. Each plane has a cache line,
     * for most filters have one */
    uint8_t upper[LANES_HALF_PLANES_MAX][LANES_PAIRS][LANES_HALF];
    uint8_t lower[LANES_HALF_PLANES_MAX][LANES_PAIRS][LANES_HALF];
    uint32_t planes;      /* of `tables` that are in use: 1 or 2 */
    uint32_t half_planes; /* of the halves: 1, 2 or 4 */
    uint32_t two_count;
    uint8_t twos[LANES_TWOS][2]; /* folded */
};

/** How tables are read. */
enum lanes_way {
    LANES_BYTES,  /* one place at a time: any machine */
    LANES_HALVES, /* 32 places, AVX2, by halves of mixes */
    LANES_WHOLE,  /* 64 places, AVX-512 with VBMI and GFNI */
};

/** Index of two neighbouring bytes, folded. The bit that folding sets in `a` is turned out. */
static inline uint8_t lanes_index(uint8_t a, uint8_t b)
{
    a |= LANES_FOLD;
    b |= LANES_FOLD;
    return (uint8_t)((a << 2 | a >> 6) ^ b) & (LANES_INDEXES - 1);
}

/** Eight bits of two neighbouring bytes, folded, in few steps of AVX2. */
static inline uint8_t lanes_mix(uint8_t a, uint8_t b)
{
    a |= LANES_FOLD;
    b |= LANES_FOLD;
    return (uint8_t)(a * 3 ^ b * 2);
}

/** Halves of a mix. */
static inline uint8_t lanes_upper(uint8_t mix)
{
    return mix >> 4;
}

static inline uint8_t lanes_lower(uint8_t mix)
{
    return mix & (LANES_HALF - 1);
}

/** Whether `l` is what an image may hold. */
static inline bool lanes_ok(const struct image_lanes *l)
{
    bool halves = l->half_planes == 1 || l->half_planes == 2;
    return (l->planes == 1 || l->planes == LANES_PLANES) && l->two_count <= LANES_TWOS &&
           (halves || l->half_planes == LANES_HALF_PLANES_MAX);
}

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
