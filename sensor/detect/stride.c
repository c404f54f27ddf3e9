/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen grams at a time where the processor can gather. */
#include "config.h"

#include "sensor/detect/stride.h"

#include <string.h>

#define FOLD 0x20202020u

static uint16_t mark_bytes(const struct stride_filter *f, const uint8_t *data)
{
    uint32_t mark = 0;
    for (unsigned n = 0; n < STRIDE_SPAN / STRIDE; n++) {
        uint32_t gram;
        memcpy(&gram, data + STRIDE * n, sizeof(gram));
        mark |= (uint32_t)stride_has(f, gram | FOLD) << n;
    }
    return (uint16_t)mark;
}

static void marks_bytes(const struct stride_filter *f, const uint8_t *data, uint32_t count,
                        uint16_t *marks)
{
    for (uint32_t i = 0; i < count; i++)
        marks[i] = mark_bytes(f, data + STRIDE_SPAN * i);
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define HALF   32u
#define AVX2   __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f")))

AVX2 static inline uint32_t mark_half(const struct stride_filter *f, const uint8_t *data)
{
    const __m256i one = _mm256_set1_epi32(1), low = _mm256_set1_epi32(31);
    __m256i gram = _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(const void *)data),
                                   _mm256_set1_epi32((int)FOLD));
    __m256i bit = _mm256_srl_epi32(_mm256_mullo_epi32(gram, _mm256_set1_epi32((int)STRIDE_FIRST)),
                                   _mm_cvtsi32_si128((int)f->shift));
    __m256i second = _mm256_srli_epi32(
        _mm256_mullo_epi32(gram, _mm256_set1_epi32((int)STRIDE_SECOND)), 27);
    __m256i want = _mm256_or_si256(_mm256_sllv_epi32(one, _mm256_and_si256(bit, low)),
                                   _mm256_sllv_epi32(one, second));
    __m256i words =
        _mm256_i32gather_epi32((const int *)f->bits, _mm256_srli_epi32(bit, 5), sizeof(uint32_t));
    __m256i has = _mm256_cmpeq_epi32(_mm256_and_si256(words, want), want);
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(has));
}

AVX2 static void marks_halves(const struct stride_filter *f, const uint8_t *data, uint32_t count,
                              uint16_t *marks)
{
    for (uint32_t i = 0; i < count; i++, data += STRIDE_SPAN)
        marks[i] = (uint16_t)(mark_half(f, data) | mark_half(f, data + HALF) << 8);
}

AVX512 static inline uint16_t mark_whole(const struct stride_filter *f, const uint8_t *data)
{
    const __m512i one = _mm512_set1_epi32(1);
    __m512i gram = _mm512_or_si512(_mm512_loadu_si512(data), _mm512_set1_epi32((int)FOLD));
    __m512i bit = _mm512_srl_epi32(_mm512_mullo_epi32(gram, _mm512_set1_epi32((int)STRIDE_FIRST)),
                                   _mm_cvtsi32_si128((int)f->shift));
    __m512i second = _mm512_srli_epi32(
        _mm512_mullo_epi32(gram, _mm512_set1_epi32((int)STRIDE_SECOND)), 27);
    /* a rotation counts modulo 32 */
    __m512i want = _mm512_or_si512(_mm512_rolv_epi32(one, bit), _mm512_rolv_epi32(one, second));
    __m512i words = _mm512_i32gather_epi32(_mm512_srli_epi32(bit, 5), f->bits, sizeof(uint32_t));
    return _mm512_cmpeq_epi32_mask(_mm512_and_si512(words, want), want);
}

AVX512 static void marks_whole(const struct stride_filter *f, const uint8_t *data, uint32_t count,
                               uint16_t *marks)
{
    for (uint32_t i = 0; i < count; i++)
        marks[i] = mark_whole(f, data + STRIDE_SPAN * i);
}

#else

static void marks_halves(const struct stride_filter *f, const uint8_t *data, uint32_t count,
                         uint16_t *marks)
{
    marks_bytes(f, data, count, marks);
}

static void marks_whole(const struct stride_filter *f, const uint8_t *data, uint32_t count,
                        uint16_t *marks)
{
    marks_bytes(f, data, count, marks);
}

#endif

void stride_mark_as(enum lanes_way way, const struct stride_filter *f, const uint8_t *data,
                    uint32_t count, uint16_t *marks)
{
    if (way == LANES_WHOLE)
        marks_whole(f, data, count, marks);
    else if (way == LANES_HALVES)
        marks_halves(f, data, count, marks);
    else
        marks_bytes(f, data, count, marks);
}

void stride_mark(const struct stride_filter *f, const uint8_t *data, uint32_t count,
                 uint16_t *marks)
{
    stride_mark_as(lanes_best(), f, data, count, marks);
}
