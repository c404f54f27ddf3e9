/* SPDX-License-Identifier: Apache-2.0 */
/* Sixty-four places at a time where the processor can, else one by one. */
#include "config.h"

#include "sensor/detect/lanes.h"

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
static uint64_t places_narrow(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                              uint32_t at, uint32_t end)
{
    uint64_t places = 0;
    uint8_t third = byte_at(data, len, at + 2);
    uint8_t first = lanes_index(data[at], byte_at(data, len, at + 1));
    uint8_t second = lanes_index(byte_at(data, len, at + 1), third);
    for (uint32_t i = at; i < end; i++) {
        uint8_t fourth = byte_at(data, len, i + 3), last = lanes_index(third, fourth);
        if (buckets_of(l, 0, first) & buckets_of(l, 1, second) & buckets_of(l, 2, last))
            places |= 1ull << (i - at);
        first = second;
        second = last;
        third = fourth;
    }
    return places;
}

void lanes_run_narrow(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                      const struct lanes_sink *sink)
{
    for (uint32_t at = 0; at < len; at += PLACES) {
        uint32_t end = len - at < PLACES ? len : at + PLACES;
        uint64_t places = places_narrow(l, data, len, at, end);
        if (places)
            sink->found(sink->arg, at, places);
    }
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,gfni")))

/* gf2p8affineqb's matrix for a rotation by two: bit i of the result is bit i - 2, the row of bit 0
 * stands in the highest byte. */
#define TURN_BY_TWO 0x4080010204081020ull

bool lanes_are_wide(void)
{
    return __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("gfni");
}

/* The filter's tables in registers, two to a plane. */
struct wide {
    __m512i low[LANES_PAIRS][LANES_PLANES], high[LANES_PAIRS][LANES_PLANES];
};

/* The 64 bytes at `at`, folded; those behind the end count as 0 before that. */
WIDE static inline __m512i load(const uint8_t *data, uint32_t len, uint32_t at)
{
    __m512i fold = _mm512_set1_epi8((char)LANES_FOLD);
    if (len - at >= PLACES && at < len)
        return _mm512_or_si512(_mm512_loadu_si512(data + at), fold);
    uint32_t left = at < len ? len - at : 0;
    __mmask64 there = left ? ~0ull >> (PLACES - left) : 0;
    return _mm512_or_si512(_mm512_maskz_loadu_epi8(there, data + (left ? at : 0)), fold);
}

WIDE static inline __m512i turn(__m512i v)
{
    return _mm512_gf2p8affine_epi64_epi8(v, _mm512_set1_epi64((long long)TURN_BY_TWO), 0);
}

WIDE static inline __m512i look(const struct wide *w, unsigned pair, unsigned plane, __m512i index)
{
    return _mm512_permutex2var_epi8(w->low[pair][plane], index, w->high[pair][plane]);
}

WIDE static inline uint64_t places_wide(const struct wide *w, const uint8_t *data, uint32_t len,
                                        uint32_t at)
{
    __m512i a = load(data, len, at), b = load(data, len, at + 1);
    __m512i c = load(data, len, at + 2), d = load(data, len, at + 3);
    __m512i first = _mm512_xor_si512(turn(a), b), second = _mm512_xor_si512(turn(b), c);
    __m512i last = _mm512_xor_si512(turn(c), d);
    __m512i even = _mm512_and_si512(look(w, 0, 0, first), look(w, 1, 0, second));
    __m512i odd = _mm512_and_si512(look(w, 0, 1, first), look(w, 1, 1, second));
    even = _mm512_and_si512(even, look(w, 2, 0, last));
    odd = _mm512_and_si512(odd, look(w, 2, 1, last));
    __m512i any = _mm512_or_si512(even, odd);
    return _mm512_test_epi8_mask(any, any);
}

WIDE static void run_wide(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                          const struct lanes_sink *sink)
{
    struct wide w;
    for (unsigned pair = 0; pair < LANES_PAIRS; pair++) {
        for (unsigned plane = 0; plane < LANES_PLANES; plane++) {
            const uint8_t *table = l->tables[pair][plane];
            w.low[pair][plane] = _mm512_loadu_si512(table);
            w.high[pair][plane] = _mm512_loadu_si512(table + PLACES);
        }
    }
    for (uint32_t at = 0; at < len; at += PLACES) {
        uint64_t places = places_wide(&w, data, len, at);
        if (len - at < PLACES)
            places &= ~0ull >> (PLACES - (len - at));
        if (places)
            sink->found(sink->arg, at, places);
    }
}

#else

bool lanes_are_wide(void)
{
    return false;
}

static void run_wide(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                     const struct lanes_sink *sink)
{
    lanes_run_narrow(l, data, len, sink);
}

#endif

void lanes_run(const struct image_lanes *l, const uint8_t *data, uint32_t len,
               const struct lanes_sink *sink)
{
    if (lanes_are_wide())
        run_wide(l, data, len, sink);
    else
        lanes_run_narrow(l, data, len, sink);
}
