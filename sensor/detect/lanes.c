/* SPDX-License-Identifier: Apache-2.0 */
/* Many places at a time where the processor can, else one by one. */
#include "config.h"

#include "sensor/detect/lanes.h"

#include <string.h>

#define PLACES 64u

/* Buckets of a pair of bytes: those of both planes. */
static inline uint32_t buckets_of(const struct image_lanes *l, unsigned pair, uint8_t index)
{
    return l->tables[pair][0][index] | (uint32_t)l->tables[pair][1][index] << 8;
}

static inline uint8_t byte_at(const uint8_t *data, uint32_t len, uint32_t at)
{
    return at < len ? data[at] : LANES_FOLD;
}

/* The places of [at, end) that pass. */
static uint64_t places_bytes(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                             uint32_t at, uint32_t end)
{
    uint64_t places = 0;
    for (uint32_t i = at; i < end; i++) {
        uint32_t buckets = UINT16_MAX;
        for (unsigned pair = 0; pair < LANES_PAIRS && buckets; pair++)
            buckets &= buckets_of(
                l, pair,
                lanes_index(byte_at(data, len, i + pair), byte_at(data, len, i + pair + 1)));
        if (buckets)
            places |= 1ull << (i - at);
    }
    return places;
}

static void run_bytes(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                      const struct lanes_sink *sink)
{
    for (uint32_t at = 0; at < len; at += PLACES) {
        uint32_t end = len - at < PLACES ? len : at + PLACES;
        uint64_t places = places_bytes(l, data, len, at, end);
        if (places)
            sink->found(sink->arg, at, places);
    }
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define HALF   32u
#define AVX2   __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,gfni")))

/* gf2p8affineqb's matrix for a rotation by two: bit i of the result is bit i - 2, the row of bit 0
 * stands in the highest byte. */
#define TURN_BY_TWO 0x4080010204081020ull

enum lanes_way lanes_best(void)
{
    if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("gfni"))
        return LANES_WHOLE;
    return __builtin_cpu_supports("avx2") ? LANES_HALVES : LANES_BYTES;
}

/* ---- halves of indexes ----------------------------------------------------------------------- */

/* The tables of halves, once in each half of a register. */
struct halves {
    __m256i upper[LANES_PAIRS][LANES_PLANES], lower[LANES_PAIRS][LANES_PLANES];
};

AVX2 static inline __m256i table_twice(const uint8_t *table)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

AVX2 static inline __m256i folded(const uint8_t *at)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)at);
    return _mm256_or_si256(v, _mm256_set1_epi8((char)LANES_FOLD));
}

/* Indexes of the pairs of `a` and `b`: lanes_index. */
AVX2 static inline __m256i indexes(__m256i a, __m256i b)
{
    __m256i left = _mm256_and_si256(_mm256_slli_epi16(a, 2), _mm256_set1_epi8((char)0xfc));
    __m256i right = _mm256_and_si256(_mm256_srli_epi16(a, 6), _mm256_set1_epi8(3));
    __m256i index = _mm256_xor_si256(_mm256_or_si256(left, right), b);
    return _mm256_and_si256(index, _mm256_set1_epi8(LANES_INDEXES - 1));
}

AVX2 static inline __m256i half_look(const struct halves *h, unsigned pair, unsigned plane,
                                     __m256i upper, __m256i lower)
{
    return _mm256_and_si256(_mm256_shuffle_epi8(h->upper[pair][plane], upper),
                            _mm256_shuffle_epi8(h->lower[pair][plane], lower));
}

/* Which of the 32 places at `at` pass; 36 bytes are read. */
AVX2 static inline uint32_t places_halves(const struct halves *h, const uint8_t *at)
{
    __m256i even = _mm256_set1_epi8((char)0xff), odd = even, next = folded(at);
    for (unsigned pair = 0; pair < LANES_PAIRS; pair++) {
        __m256i one = next;
        next = folded(at + pair + 1);
        __m256i index = indexes(one, next), mask = _mm256_set1_epi8(15);
        __m256i upper = _mm256_and_si256(_mm256_srli_epi16(index, 4), mask);
        __m256i lower = _mm256_and_si256(index, mask);
        even = _mm256_and_si256(even, half_look(h, pair, 0, upper, lower));
        odd = _mm256_and_si256(odd, half_look(h, pair, 1, upper, lower));
    }
    __m256i none = _mm256_cmpeq_epi8(_mm256_or_si256(even, odd), _mm256_setzero_si256());
    return ~(uint32_t)_mm256_movemask_epi8(none);
}

/* The last places, from a copy with room behind it. */
AVX2 static void tail_halves(const struct halves *h, const uint8_t *data, uint32_t len, uint32_t at,
                             const struct lanes_sink *sink)
{
    uint8_t room[PLACES + HALF]; /* more than the places and LANES_PAIRS bytes */
    memset(room, LANES_FOLD, sizeof(room));
    memcpy(room, data + at, len - at);
    uint64_t places = places_halves(h, room) | (uint64_t)places_halves(h, room + HALF) << HALF;
    places &= ~0ull >> (PLACES - (len - at));
    if (places)
        sink->found(sink->arg, at, places);
}

AVX2 static void run_halves(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                            const struct lanes_sink *sink)
{
    struct halves h;
    uint32_t at = 0;
    for (unsigned pair = 0; pair < LANES_PAIRS; pair++) {
        for (unsigned plane = 0; plane < LANES_PLANES; plane++) {
            h.upper[pair][plane] = table_twice(l->upper[pair][plane]);
            h.lower[pair][plane] = table_twice(l->lower[pair][plane]);
        }
    }
    for (; len - at >= PLACES + LANES_PAIRS; at += PLACES) {
        uint64_t places =
            places_halves(&h, data + at) | (uint64_t)places_halves(&h, data + at + HALF) << HALF;
        if (places)
            sink->found(sink->arg, at, places);
    }
    for (; at < len; at += PLACES)
        tail_halves(&h, data, len - at < PLACES ? len : at + PLACES, at, sink);
}

/* ---- whole indexes --------------------------------------------------------------------------- */

/* The tables, two registers to a plane. */
struct whole {
    __m512i low[LANES_PAIRS][LANES_PLANES], high[LANES_PAIRS][LANES_PLANES];
};

/* The 64 bytes at `at`, folded; those behind the end count as 0 before that. */
AVX512 static inline __m512i load(const uint8_t *data, uint32_t len, uint32_t at)
{
    __m512i fold = _mm512_set1_epi8((char)LANES_FOLD);
    if (len - at >= PLACES && at < len)
        return _mm512_or_si512(_mm512_loadu_si512(data + at), fold);
    uint32_t left = at < len ? len - at : 0;
    __mmask64 there = left ? ~0ull >> (PLACES - left) : 0;
    return _mm512_or_si512(_mm512_maskz_loadu_epi8(there, data + (left ? at : 0)), fold);
}

AVX512 static inline __m512i turn(__m512i v)
{
    return _mm512_gf2p8affine_epi64_epi8(v, _mm512_set1_epi64((long long)TURN_BY_TWO), 0);
}

AVX512 static inline __m512i look(const struct whole *w, unsigned pair, unsigned plane,
                                  __m512i index)
{
    return _mm512_permutex2var_epi8(w->low[pair][plane], index, w->high[pair][plane]);
}

AVX512 static inline uint64_t places_whole(const struct whole *w, const uint8_t *data, uint32_t len,
                                           uint32_t at)
{
    __m512i even = _mm512_set1_epi8((char)0xff), odd = even, next = load(data, len, at);
    for (unsigned pair = 0; pair < LANES_PAIRS; pair++) {
        __m512i one = next;
        next = load(data, len, at + pair + 1);
        __m512i index = _mm512_xor_si512(turn(one), next);
        even = _mm512_and_si512(even, look(w, pair, 0, index));
        odd = _mm512_and_si512(odd, look(w, pair, 1, index));
    }
    __m512i any = _mm512_or_si512(even, odd);
    return _mm512_test_epi8_mask(any, any);
}

AVX512 static void run_whole(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                             const struct lanes_sink *sink)
{
    struct whole w;
    for (unsigned pair = 0; pair < LANES_PAIRS; pair++) {
        for (unsigned plane = 0; plane < LANES_PLANES; plane++) {
            const uint8_t *table = l->tables[pair][plane];
            w.low[pair][plane] = _mm512_loadu_si512(table);
            w.high[pair][plane] = _mm512_loadu_si512(table + PLACES);
        }
    }
    for (uint32_t at = 0; at < len; at += PLACES) {
        uint64_t places = places_whole(&w, data, len, at);
        if (len - at < PLACES)
            places &= ~0ull >> (PLACES - (len - at));
        if (places)
            sink->found(sink->arg, at, places);
    }
}

#else

enum lanes_way lanes_best(void)
{
    return LANES_BYTES;
}

static void run_halves(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                       const struct lanes_sink *sink)
{
    run_bytes(l, data, len, sink);
}

static void run_whole(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                      const struct lanes_sink *sink)
{
    run_bytes(l, data, len, sink);
}

#endif

void lanes_run_as(enum lanes_way way, const struct image_lanes *l, const uint8_t *data,
                  uint32_t len, const struct lanes_sink *sink)
{
    switch (way) {
    case LANES_WHOLE:
        run_whole(l, data, len, sink);
        break;
    case LANES_HALVES:
        run_halves(l, data, len, sink);
        break;
    default:
        run_bytes(l, data, len, sink);
    }
}

void lanes_run(const struct image_lanes *l, const uint8_t *data, uint32_t len,
               const struct lanes_sink *sink)
{
    lanes_run_as(lanes_best(), l, data, len, sink);
}

void lanes_fold(struct image_lanes *l)
{
    memset(l->upper, 0, sizeof(l->upper));
    memset(l->lower, 0, sizeof(l->lower));
    for (unsigned i = 0; i < LANES_PAIRS * LANES_PLANES; i++) {
        unsigned pair = i / LANES_PLANES, plane = i % LANES_PLANES;
        for (unsigned k = 0; k < LANES_INDEXES; k++) {
            l->upper[pair][plane][k / 16] |= l->tables[pair][plane][k];
            l->lower[pair][plane][k % 16] |= l->tables[pair][plane][k];
        }
    }
}
