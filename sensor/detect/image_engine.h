/* SPDX-License-Identifier: Apache-2.0 */
/** What an image holds to scan one buffer with (image.h has the whole). */
#ifndef SENSOR_DETECT_IMAGE_ENGINE_H
#define SENSOR_DETECT_IMAGE_ENGINE_H

#include <stdint.h>

struct image_span {
    uint32_t first, count;
};

/** Four bytes to be found in a buffer, and up to eight around them (sieve.h). */
struct image_gram {
    uint64_t want, mask;     /* folded; the bytes that count */
    uint32_t gram;           /* folded; the first of them is at `want`'s byte -at. Of a pattern
                              * that the step of four finds its run (sieve_run), there likewise */
    int8_t at;               /* where `want` begins, from the gram: -4 to 0 */
    uint8_t nocase;          /* of the pattern: its bytes are lower case */
    uint16_t back;           /* from the gram to the pattern's start */
    uint32_t pattern;        /* in the engine's patterns */
    struct image_span bytes; /* the whole pattern, in IMAGE_BLOB */
    uint16_t place;          /* of a pattern with fixed places: where the gram stands */
    uint16_t width;          /* bytes of the gram that count: 1 to 4 */
};

/**
 * A slot of a table of grams: what rules out most that do not stand there, so that the gram itself
 * need not be fetched. Four to a cache line.
 */
struct image_gram_slot {
    _Alignas(16) uint64_t want; /* of the gram */
    uint32_t gram;              /* in IMAGE_GRAMS + 1; 0: free */
    uint16_t tag;               /* sieve_tag of what the slot was found by */
    uint8_t back;               /* from the gram to `want`: 0 to 4 */
    uint8_t width;              /* bytes of `want` that count: 1 to 8 */
};

/** One place where patterns stand that a buffer can hold at few places only. */
struct image_place {
    _Alignas(64) uint32_t want; /* folded, what all grams there have alike */
    uint32_t mask;          /* in these bits */
    uint64_t pairs;         /* bits sieve_pair of what patterns of two bytes or more begin with */
    uint64_t firsts[2];     /* bits sieve_one of theirs */
    uint64_t ones[2];       /* of patterns of one byte */
    struct image_span bits; /* filter of what is sought there, in IMAGE_SIEVE_BITS */
    uint8_t at;
    uint8_t widths; /* bits 1 << w: grams of which w bytes count, 1 to 4, stand there */
    uint8_t unused[6];
};

/**
 * Filter and table of grams. `bits`: a power of two (2 to 2^21) of 32-bit words; `slots`: a power
 * of two of slots in IMAGE_GRAM_SLOTS. No bits: nothing is in it. With the step of four the table
 * is one of runs, and they have a filter of their own, `runs`.
 */
struct image_sieve {
    struct image_span bits, runs, slots;
};

/** At which places of a buffer the table of an engine's many patterns is asked. */
enum image_step {
    IMAGE_STEP_NONE, /* there are not many: lanes find all */
    IMAGE_STEP_ONE,  /* every one: short buffers */
    IMAGE_STEP_FOUR, /* every fourth: long buffers */
};

/** A serialised Hyperscan database in IMAGE_DATABASES; `len` 0: none. */
struct image_database {
    uint64_t at;
    uint32_t len, reserved;
};

/** Databases of an engine. */
enum image_tier {
    IMAGE_TIER_SHORT, /* patterns that no gram fits into: always scanned */
    IMAGE_TIER_LONG,  /* scanned when the sieve lets the buffer through */
    IMAGE_TIERS
};

/**
 * What is scanned of a buffer: patterns that stand at fixed places, Hyperscan databases and a table
 * of name endings, each may be missing.
 */
struct image_engine {
    uint16_t spec;     /* in IMAGE_SPECS */
    uint8_t dir;       /* enum sig_dir */
    uint8_t step;      /* enum image_step, of `many` */
    uint8_t whole;     /* of a port: it has the body patterns of any port too */
    uint8_t databases; /* bits 1 << enum image_tier: there is one */
    uint8_t unused[2];
    uint32_t within;          /* of bodies: an engine that has its patterns that may stand
                               * anywhere, of a buffer that mostly shows the same bytes;
                               * IMAGE_NONE: none */
    uint32_t short_count;     /* patterns shorter than a gram, few, from `shorts` on */
    uint32_t shorts;          /* in IMAGE_GRAMS */
    uint32_t lanes;           /* in IMAGE_LANES, when there are `few` or shorts */
    uint64_t taken;           /* of a port: protocols whose body patterns it has */
    uint64_t short_pairs;     /* bits sieve_pair of what shorts begin with */
    struct image_sieve few;   /* patterns that lanes find */
    struct image_span places; /* where patterns with fixed places stand */
    struct image_span names;
    uint32_t pattern_first, pattern_count; /* in IMAGE_PATTERNS */
    uint32_t longest;                      /* bytes of the longest of them */
    struct image_sieve many;               /* patterns that `step` finds */
    struct image_span head;                /* slots of grams of patterns with fixed places */
    struct image_span slots;               /* of names: a power of two */
    struct image_span name_bits;           /* of names: their filter (image_name_word) */
    struct image_database tiers[IMAGE_TIERS];
};

/** Bits of a filter of name endings for each of them, at least. */
#define IMAGE_NAME_BITS 16u

/**
 * An ending's place in its engine's filter, which tells before tables are asked that lie further
 * away: a word of `words`, a power of two, in IMAGE_SIEVE_BITS. What has to be the whole buffer
 * stands there by its hash's complement.
 */
static inline uint32_t image_name_word(uint64_t hash, uint32_t words)
{
    return (uint32_t)(hash >> 32) & (words - 1);
}

/** Its bits in that word. */
static inline uint32_t image_name_mask(uint64_t hash)
{
    return 1u << (hash >> 54 & 31) | 1u << (hash >> 59);
}

#endif
