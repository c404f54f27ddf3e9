/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What can be said of a buffer before Hyperscan is asked.
 *
 * Of each pattern the sieve knows a gram of four bytes, the rarest it has, and a table with up to
 * eight bytes around each gram, and then the whole pattern, says what stands at a place. Which
 * places the table is asked at depends on how many patterns there are and how long the buffers.
 * Few, up to some hundred: those that pass lanes (lanes.h), and Hyperscan is not needed. Many:
 * every place whose gram is in a filter of bits or, where buffers are long, every fourth; then a
 * pattern is known by a run of seven bytes: one of the four grams in it begins at a multiple of
 * four wherever it stands, and where there is such a gram, four runs may be there. Shorter ones are
 * few again. There a buffer with more than a few patterns goes to Hyperscan whole, whose time per
 * byte has a bound. A pattern that can stand at few places only is
 * looked up there and never searched. All bytes are folded (| 0x20), which makes letters of both
 * cases one: a few places more, never one less.
 */
#ifndef SENSOR_DETECT_SIEVE_H
#define SENSOR_DETECT_SIEVE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sensor/detect/image.h"
#include "sensor/detect/stride.h"

struct app_view;
struct detect_thread;
struct window;

#define SIEVE_FOLD 0x2020202020202020ull
/** Bytes of a gram, and of what is compared around it. */
#define SIEVE_GRAM  4
#define SIEVE_WIDTH 8
/** Bytes of a run. Shorter patterns have no gram at every place of a stride: with IMAGE_STEP_FOUR
 * the many have none of them. */
#define SIEVE_LONG (SIEVE_GRAM + STRIDE - 1)
/** Most words of a filter. */
#define SIEVE_WORDS_MAX (1u << 21)
/** Grams that a buffer may hold before Hyperscan is asked. */
#define SIEVE_FOUND_MAX 24
/** A pattern has fixed places when it has to end within these first bytes, at so few places. */
#define SIEVE_HEAD       64
#define SIEVE_PLACES_MAX 4

/** Eight folded bytes at `at` of `len`; those beyond the end are 0x20. */
static inline uint64_t sieve_load(const uint8_t *data, uint32_t len, uint32_t at)
{
    uint64_t v = 0;
    if (at + SIEVE_WIDTH <= len)
        memcpy(&v, data + at, SIEVE_WIDTH);
    else if (at < len)
        memcpy(&v, data + at, len - at);
    return v | SIEVE_FOLD;
}

/** The mask of the first `width` of a value's bytes as they stand in memory. */
static inline uint64_t sieve_mask(uint32_t width)
{
    uint32_t bytes = width < SIEVE_WIDTH ? width : SIEVE_WIDTH;
    uint64_t low = bytes ? UINT64_MAX >> (64 - 8 * bytes) : 0;
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? low : __builtin_bswap64(low);
}

/** Which of 64 bits the first two of a folded value's bytes have. */
static inline unsigned sieve_pair(uint64_t v)
{
    uint16_t pair;
    memcpy(&pair, &v, sizeof(pair));
    return (uint32_t)pair * 0x9E3779B1u >> 26;
}

/** Which of 128 bits the first of a folded value's bytes has: folding leaves seven of its bits. */
static inline unsigned sieve_one(uint64_t v)
{
    uint8_t first;
    memcpy(&first, &v, sizeof(first));
    return (first >> 1 & 0x60u) | (first & 0x1fu);
}

/** A value without its first byte; of what stands behind the others nothing is said. */
static inline uint64_t sieve_next(uint64_t v)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v >> 8 : v << 8;
}

/** What a folded value's first bytes are as a run: as good as a gram to filters and tables. */
static inline uint32_t sieve_run(uint64_t v)
{
    return (uint32_t)((v & sieve_mask(SIEVE_LONG)) * 0x9E3779B97F4A7C15ull >> 32);
}

/** Where a gram's probe of a table with `mask` + 1 slots begins. */
static inline uint32_t sieve_slot(uint32_t gram, uint32_t mask)
{
    return (uint32_t)(gram * 0x9E3779B97F4A7C15ull >> 40) & mask;
}

/** A gram with the place where it has to stand and how many of its bytes count, as one. */
static inline uint32_t sieve_placed(uint32_t gram, uint32_t at, uint32_t width)
{
    return gram ^ (at << 3 | width) * 0x85EBCA6Bu;
}

/** What a slot tells of a gram that may stand anywhere, and of one that has a place. */
static inline uint16_t sieve_tag(uint32_t gram)
{
    return (uint16_t)(gram * 0x85EBCA6Bu >> 16);
}

static inline uint16_t sieve_tag_placed(uint32_t at, uint32_t width)
{
    return (uint16_t)(at << 3 | width);
}

/** Bytes of a buffer without which none of a place's patterns stands there. */
static inline uint32_t sieve_need(const struct image_place *p)
{
    return p->at + (uint32_t)__builtin_ctz(p->widths);
}

/** Whether a pattern with places from `from` on that ends before `to` is looked up there. */
static inline bool sieve_is_head(uint32_t from, uint32_t to, uint32_t len)
{
    return to <= SIEVE_HEAD && to >= len && to - len >= from && to - len - from < SIEVE_PLACES_MAX;
}

/**
 * Make candidates of the rules whose patterns lanes find. `w`, here and below: of a body that
 * grows, told where they stand; else NULL.
 */
void sieve_few(struct detect_thread *t, const struct image_engine *e, const struct app_view *view,
               struct window *w);

/**
 * Make candidates of the rules whose patterns are of the many. False when the view seems to hold
 * too many: all of it has to be scanned.
 */
bool sieve_many(struct detect_thread *t, const struct image_engine *e, const struct app_view *view,
                struct window *w);

/** Make candidates of the rules whose patterns stand at their places. */
void sieve_head(struct detect_thread *t, const struct image_engine *e, const struct app_view *view);

#endif
