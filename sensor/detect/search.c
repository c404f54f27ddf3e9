/* SPDX-License-Identifier: Apache-2.0 */
/* String search for confirmation: blocks of places at which a needle's first, middle and last bytes
 * stand; where the processor has no wide vectors, libc's search if case counts. */
#include "config.h"

#include "sensor/detect/search.h"

#include <string.h>

#include "sensor/detect/lanes.h"

/* What makes letters of both cases one, and a few others. */
#define FOLD 0x20u

bool search_equal(const uint8_t *a, const uint8_t *b, uint32_t len, bool nocase)
{
    if (!nocase)
        return memcmp(a, b, len) == 0;
    for (uint32_t i = 0; i < len; i++) {
        if (search_lower(a[i]) != b[i])
            return false;
    }
    return true;
}

/* Sixteen bytes at a time as the compiler's vectors: the same code serves SSE2 and NEON. */
struct block {
    uint8_t __attribute__((vector_size(16))) v;
};

static struct block block_lower(const uint8_t *at)
{
    struct block l;
    memcpy(&l.v, at, sizeof(l.v));
    l.v |= (l.v - 'A' < 26) & 0x20;
    return l;
}

/* Whether a lane of `a` is `x` where that of `b` is `y`. */
static bool block_any(struct block a, uint8_t x, struct block b, uint8_t y)
{
    struct block both;
    uint64_t halves[2];
    both.v = (a.v == x) & (b.v == y);
    memcpy(halves, &both.v, sizeof(halves));
    return (halves[0] | halves[1]) != 0;
}

/* The first match among the `count` starts at `at`, or NULL. */
static const uint8_t *find_from(const uint8_t *at, uint32_t count, const uint8_t *needle,
                                uint32_t needle_len)
{
    for (uint32_t i = 0; i < count; i++) {
        if (search_lower(at[i]) == needle[0] && search_equal(at + i, needle, needle_len, true))
            return at + i;
    }
    return NULL;
}

static const uint8_t *find_nocase(const uint8_t *hay, uint32_t len, const uint8_t *needle,
                                  uint32_t needle_len)
{
    uint32_t starts = len - needle_len + 1, i = 0;
    uint8_t first = needle[0], last = needle[needle_len - 1];
    for (; i + sizeof(struct block) <= starts; i += sizeof(struct block)) {
        if (!block_any(block_lower(hay + i), first, block_lower(hay + i + needle_len - 1), last))
            continue;
        const uint8_t *found = find_from(hay + i, sizeof(struct block), needle, needle_len);
        if (found)
            return found;
    }
    return find_from(hay + i, starts - i, needle, needle_len);
}

static const uint8_t *find_bytes(const uint8_t *hay, uint32_t len, const uint8_t *needle,
                                 uint32_t needle_len, bool nocase)
{
    if (!nocase)
        return memmem(hay, len, needle, needle_len);
    return find_nocase(hay, len, needle, needle_len);
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define HALF   32u
#define WHOLE  64u
#define AVX2   __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw")))

/* Three bytes of a needle, and how far the latter two are from the first. */
struct probe {
    uint8_t byte[3];
    uint32_t at[2];
};

static struct probe probe_of(const uint8_t *needle, uint32_t len, uint8_t fold)
{
    uint32_t middle = len / 2, last = len - 1;
    return (struct probe){ { needle[0] | fold, needle[middle] | fold, needle[last] | fold },
                           { middle, last } };
}

/* Of the places `at` + n, a bit each in `places`, the first one where the needle stands. */
static const uint8_t *first_of(const uint8_t *at, uint64_t places, const uint8_t *needle,
                               uint32_t len, bool nocase)
{
    for (; places; places &= places - 1) {
        const uint8_t *place = at + __builtin_ctzll(places);
        if (search_equal(place, needle, len, nocase))
            return place;
    }
    return NULL;
}

AVX2 static inline __m256i same_half(const uint8_t *at, uint8_t byte, __m256i fold)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)at);
    return _mm256_cmpeq_epi8(_mm256_or_si256(v, fold), _mm256_set1_epi8((char)byte));
}

/* Of 32 places those where the three bytes stand. */
AVX2 static inline uint32_t probed_half(const uint8_t *at, const struct probe *p, __m256i fold)
{
    __m256i all = _mm256_and_si256(same_half(at, p->byte[0], fold),
                                   same_half(at + p->at[1], p->byte[2], fold));
    all = _mm256_and_si256(all, same_half(at + p->at[0], p->byte[1], fold));
    return (uint32_t)_mm256_movemask_epi8(all);
}

/* The last places are looked at together with some before them. */
AVX2 static const uint8_t *find_halves(const uint8_t *hay, uint32_t len, const uint8_t *needle,
                                       uint32_t needle_len, bool nocase)
{
    uint32_t starts = len - needle_len + 1;
    const struct probe p = probe_of(needle, needle_len, nocase ? FOLD : 0);
    const __m256i fold = _mm256_set1_epi8(nocase ? FOLD : 0);
    if (starts < HALF)
        return find_bytes(hay, len, needle, needle_len, nocase);
    for (uint32_t i = 0; i < starts; i += HALF) {
        const uint8_t *at = hay + (starts - i < HALF ? starts - HALF : i);
        uint32_t places = probed_half(at, &p, fold);
        const uint8_t *found = places ? first_of(at, places, needle, needle_len, nocase) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

/* Which of the places in `some` have the byte; others are not read. */
AVX512 static inline uint64_t same_whole(const uint8_t *at, uint64_t some, uint8_t byte,
                                         __m512i fold)
{
    __m512i v = _mm512_or_si512(_mm512_maskz_loadu_epi8(some, at), fold);
    return _mm512_mask_cmpeq_epi8_mask(some, v, _mm512_set1_epi8((char)byte));
}

AVX512 static const uint8_t *find_wholes(const uint8_t *hay, uint32_t len, const uint8_t *needle,
                                         uint32_t needle_len, bool nocase)
{
    uint32_t starts = len - needle_len + 1;
    const struct probe p = probe_of(needle, needle_len, nocase ? FOLD : 0);
    const __m512i fold = _mm512_set1_epi8(nocase ? FOLD : 0);
    for (uint32_t i = 0; i < starts; i += WHOLE) {
        const uint8_t *at = hay + i;
        uint64_t some = starts - i < WHOLE ? ~(~0ull << (starts - i)) : ~0ull;
        uint64_t places = same_whole(at, some, p.byte[0], fold) &
                          same_whole(at + p.at[0], some, p.byte[1], fold) &
                          same_whole(at + p.at[1], some, p.byte[2], fold);
        const uint8_t *found = places ? first_of(at, places, needle, needle_len, nocase) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

#else

static const uint8_t *find_halves(const uint8_t *hay, uint32_t len, const uint8_t *needle,
                                  uint32_t needle_len, bool nocase)
{
    return find_bytes(hay, len, needle, needle_len, nocase);
}

static const uint8_t *find_wholes(const uint8_t *hay, uint32_t len, const uint8_t *needle,
                                  uint32_t needle_len, bool nocase)
{
    return find_bytes(hay, len, needle, needle_len, nocase);
}

#endif

const uint8_t *search_find_as(enum lanes_way way, const uint8_t *hay, uint32_t len,
                              const uint8_t *needle, uint32_t needle_len, bool nocase)
{
    if (needle_len == 0)
        return hay;
    if (needle_len > len)
        return NULL;
    if (way == LANES_WHOLE)
        return find_wholes(hay, len, needle, needle_len, nocase);
    if (way == LANES_HALVES)
        return find_halves(hay, len, needle, needle_len, nocase);
    return find_bytes(hay, len, needle, needle_len, nocase);
}

const uint8_t *search_find(const uint8_t *hay, uint32_t len, const uint8_t *needle,
                           uint32_t needle_len, bool nocase)
{
    return search_find_as(lanes_best(), hay, len, needle, needle_len, nocase);
}
