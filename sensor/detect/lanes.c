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

/* Of `left` places from a mark's first on those there are. */
static inline uint64_t places_of(uint32_t left)
{
    return left < PLACES ? ~(~0ull << left) : ~0ull;
}

static bool is_two(const struct image_lanes *l, uint8_t a, uint8_t b)
{
    for (uint32_t i = 0; i < l->two_count; i++) {
        if ((a | LANES_FOLD) == l->twos[i][0] && (b | LANES_FOLD) == l->twos[i][1])
            return true;
    }
    return false;
}

static uint64_t places_bytes(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                             uint32_t at)
{
    uint64_t places = 0;
    for (uint32_t i = at; i < len && i < at + PLACES; i++) {
        uint32_t buckets = l->planes == 1 ? UINT8_MAX : UINT16_MAX;
        for (unsigned pair = 0; pair < LANES_PAIRS && buckets; pair++)
            buckets &= buckets_of(
                l, pair,
                lanes_index(byte_at(data, len, i + pair), byte_at(data, len, i + pair + 1)));
        if (buckets || is_two(l, data[i], byte_at(data, len, i + 1)))
            places |= 1ull << (i - at);
    }
    return places;
}

static void mark_bytes(const struct image_lanes *l, const uint8_t *data, uint32_t len, uint32_t at,
                       uint64_t *marks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        marks[i] = places_bytes(l, data, len, at + i * PLACES);
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define HALF   32u
#define AVX2   __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,gfni")))

/* gf2p8affineqb's matrix for a rotation by two: bit i of the result is bit i - 2, the row of bit 0
 * stands in the highest byte. */
#define TURN_BY_TWO 0x4080010204081020ull

/* vpternlog's tables for a ^ (b | c) and a & b & c. */
#define XOR_OF_OR  0x1e
#define AND_OF_ALL 0x80

enum lanes_way lanes_best(void)
{
    if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("gfni"))
        return LANES_WHOLE;
    return __builtin_cpu_supports("avx2") ? LANES_HALVES : LANES_BYTES;
}

/* ---- halves of mixes ------------------------------------------------------------------------- */

/* Halves of the mixes of the pairs that begin at 32 places. */
struct nibbles {
    __m256i upper, lower;
};

AVX2 static inline __m256i folded(const uint8_t *at)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)at);
    return _mm256_or_si256(v, _mm256_set1_epi8((char)LANES_FOLD));
}

/* Of the 32 pairs from `at` on; 33 bytes are read. */
AVX2 static inline struct nibbles nibbles_at(const uint8_t *at)
{
    const __m256i mask = _mm256_set1_epi8(LANES_HALF - 1);
    __m256i a = folded(at), b = folded(at + 1);
    __m256i three = _mm256_add_epi8(_mm256_add_epi8(a, a), a);
    __m256i mix = _mm256_xor_si256(three, _mm256_add_epi8(b, b));
    return (struct nibbles){ _mm256_and_si256(_mm256_srli_epi16(mix, 4), mask),
                             _mm256_and_si256(mix, mask) };
}

/* What stands `n` bytes behind `here`, which `next` follows. */
#define MOVED(here, next, n)                                                                       \
    _mm256_alignr_epi8(_mm256_permute2x128_si256(here, next, 0x21), here, n)
#define MOVED_BOTH(here, next, n)                                                                  \
    (struct nibbles)                                                                               \
    {                                                                                              \
        MOVED((here).upper, (next).upper, n), MOVED((here).lower, (next).lower, n)                 \
    }

/* The halves of 64 pairs. */
struct places {
    struct nibbles first, second;
};

/* The buckets of each plane that these places are in so far. */
struct passed {
    __m256i first[LANES_HALF_PLANES_MAX], second[LANES_HALF_PLANES_MAX];
};

/* A half's table of one pair and plane. */
AVX2 static inline __m256i table_load(const uint8_t table[LANES_HALF])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

/* In which buckets 32 pairs are. */
AVX2 static inline __m256i half_look(__m256i upper, __m256i lower, struct nibbles pairs)
{
    return _mm256_and_si256(_mm256_shuffle_epi8(upper, pairs.upper),
                            _mm256_shuffle_epi8(lower, pairs.lower));
}

/* Leave of each plane's buckets those that have pair number `pair`. Tables are loaded once for 64
 * places, and nothing but what is in registers is looked up in them. */
AVX2 static inline __attribute__((always_inline)) void pair_look(const struct image_lanes *l,
                                                                 unsigned planes, unsigned pair,
                                                                 struct places p,
                                                                 struct passed *passed)
{
#pragma GCC unroll 4
    for (unsigned plane = 0; plane < planes; plane++) {
        __m256i upper = table_load(l->upper[pair][plane]);
        __m256i lower = table_load(l->lower[pair][plane]);
        __m256i first = half_look(upper, lower, p.first);
        __m256i second = half_look(upper, lower, p.second);
        passed->first[plane] = pair ? _mm256_and_si256(passed->first[plane], first) : first;
        passed->second[plane] = pair ? _mm256_and_si256(passed->second[plane], second) : second;
    }
}

/* Which of 32 places are in some bucket. */
AVX2 static inline __attribute__((always_inline)) uint32_t some_of(unsigned planes,
                                                                   const __m256i *passed)
{
    __m256i any = passed[0];
#pragma GCC unroll 4
    for (unsigned plane = 1; plane < planes; plane++)
        any = _mm256_or_si256(any, passed[plane]);
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(any, _mm256_setzero_si256()));
}

/* Which of the 64 places of `here` and `mid` pass. A place's further pairs are the first pairs of
 * the places behind it: the same halves, moved by a byte, by two and three. */
AVX2 static inline __attribute__((always_inline)) uint64_t
places_look(const struct image_lanes *l, unsigned planes, struct nibbles here, struct nibbles mid,
            struct nibbles next)
{
    struct passed passed;
    pair_look(l, planes, 0, (struct places){ here, mid }, &passed);
    pair_look(l, planes, 1, (struct places){ MOVED_BOTH(here, mid, 1), MOVED_BOTH(mid, next, 1) },
              &passed);
    pair_look(l, planes, 2, (struct places){ MOVED_BOTH(here, mid, 2), MOVED_BOTH(mid, next, 2) },
              &passed);
    pair_look(l, planes, 3, (struct places){ MOVED_BOTH(here, mid, 3), MOVED_BOTH(mid, next, 3) },
              &passed);
    return some_of(planes, passed.first) | (uint64_t)some_of(planes, passed.second) << HALF;
}

/* Bytes that are read for a mark and the halves that follow its own. */
#define MARK_BYTES (PLACES + HALF + 1)

/* `count` marks from `bytes` on; MARK_BYTES are read for the last one. */
AVX2 static inline __attribute__((always_inline)) void mark_planes(const struct image_lanes *l,
                                                                   unsigned planes,
                                                                   const uint8_t *bytes,
                                                                   uint64_t *marks, uint32_t count)
{
    struct nibbles here = nibbles_at(bytes);
    for (uint32_t i = 0; i < count; i++) {
        struct nibbles mid = nibbles_at(bytes + HALF);
        bytes += PLACES;
        struct nibbles next = nibbles_at(bytes);
        marks[i] = places_look(l, planes, here, mid, next);
        here = next;
    }
}

/* Which of 32 pairs are those that are looked for as they are. */
AVX2 static inline uint32_t twos_half(const struct image_lanes *l, const uint8_t *at)
{
    __m256i one = folded(at), next = folded(at + 1), any = _mm256_setzero_si256();
    for (uint32_t i = 0; i < l->two_count; i++) {
        __m256i first = _mm256_cmpeq_epi8(one, _mm256_set1_epi8((char)l->twos[i][0]));
        __m256i second = _mm256_cmpeq_epi8(next, _mm256_set1_epi8((char)l->twos[i][1]));
        any = _mm256_or_si256(any, _mm256_and_si256(first, second));
    }
    return (uint32_t)_mm256_movemask_epi8(any);
}

/* Written out for each number of planes. */
AVX2 static void mark_readable(const struct image_lanes *l, const uint8_t *bytes, uint64_t *marks,
                               uint32_t count)
{
    if (l->half_planes == 1)
        mark_planes(l, 1, bytes, marks, count);
    else if (l->half_planes == 2)
        mark_planes(l, 2, bytes, marks, count);
    else
        mark_planes(l, LANES_HALF_PLANES_MAX, bytes, marks, count);
    if (l->two_count == 0)
        return;
    for (uint32_t i = 0; i < count; i++, bytes += PLACES)
        marks[i] |= twos_half(l, bytes) | (uint64_t)twos_half(l, bytes + HALF) << HALF;
}

/* Fewer bytes are left than a mark reads: two marks at most. They are copied with room behind. */
#define TAIL_BYTES (MARK_BYTES - 1)
#define TAIL_ROOM  ((PLACES + MARK_BYTES + HALF - 1) / HALF * HALF)

struct tail {
    uint8_t bytes[2 * TAIL_BYTES + TAIL_ROOM];
};

_Static_assert(TAIL_BYTES % HALF == 0 && TAIL_BYTES <= 2 * PLACES, "copied by halves");

/* The last `left` of `len` bytes; returns where they begin. Whole vectors are stored, since such
 * copies are too short to be worth a call; of a buffer that has so many TAIL_BYTES are copied. */
AVX2 static inline const uint8_t *tail_fill(struct tail *tail, const uint8_t *data, uint32_t len,
                                            uint32_t left)
{
    const __m256i none = _mm256_set1_epi8((char)LANES_FOLD);
    uint8_t *first = tail->bytes + TAIL_BYTES, *end = first + left;
    for (uint32_t i = 0; i < TAIL_ROOM; i += HALF)
        _mm256_storeu_si256((__m256i *)(void *)(end + i), none);
    if (len < TAIL_BYTES) {
        memcpy(first, data + (len - left), left);
        return first;
    }
    for (uint32_t i = HALF; i <= TAIL_BYTES; i += HALF)
        _mm256_storeu_si256((__m256i *)(void *)(end - i),
                            _mm256_loadu_si256((const __m256i *)(const void *)(data + (len - i))));
    return first;
}

AVX2 static void mark_halves(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                             uint32_t at, uint64_t *marks, uint32_t count)
{
    uint32_t left = len - at, whole = left < MARK_BYTES ? 0 : (left - MARK_BYTES) / PLACES + 1;
    if (whole >= count) {
        mark_readable(l, data + at, marks, count);
        return;
    }
    if (whole > 0)
        mark_readable(l, data + at, marks, whole);
    struct tail tail;
    const uint8_t *last = tail_fill(&tail, data, len, left - whole * PLACES);
    mark_readable(l, last, marks + whole, count - whole);
    marks[count - 1] &= places_of(left - (count - 1) * PLACES);
}

/* ---- whole indexes --------------------------------------------------------------------------- */

/* A pair's tables of one plane. */
struct whole {
    __m512i low, high;
};

AVX512 static inline struct whole whole_load(const struct image_lanes *l, unsigned pair,
                                             unsigned plane)
{
    const uint8_t *table = l->tables[pair][plane];
    return (struct whole){ _mm512_load_si512(table), _mm512_load_si512(table + PLACES) };
}

/* Those of all pairs. */
struct plane {
    struct whole pairs[LANES_PAIRS];
};

AVX512 static inline struct plane plane_load(const struct image_lanes *l, unsigned plane)
{
    return (struct plane){ { whole_load(l, 0, plane), whole_load(l, 1, plane),
                             whole_load(l, 2, plane), whole_load(l, 3, plane) } };
}

AVX512 static inline __m512i whole_look(const struct whole *w, __m512i index)
{
    return _mm512_permutex2var_epi8(w->low, index, w->high);
}

/* The 64 bytes from `at` on; what lies behind the end is not read. */
AVX512 static inline __m512i bytes_at(const uint8_t *data, uint32_t len, uint32_t at)
{
    uint32_t left = at < len ? len - at : 0;
    return _mm512_mask_loadu_epi8(_mm512_set1_epi8((char)LANES_FOLD), places_of(left),
                                  data + (len - left));
}

/* 64 bytes and those that follow each. */
struct neighbours {
    __m512i one, next;
};

AVX512 static inline struct neighbours neighbours_at(const uint8_t *data, uint32_t len, uint32_t at)
{
    if (__builtin_expect(at < len && len - at > PLACES, 1))
        return (struct neighbours){ _mm512_loadu_si512(data + at),
                                    _mm512_loadu_si512(data + at + 1) };
    return (struct neighbours){ bytes_at(data, len, at), bytes_at(data, len, at + 1) };
}

/* lanes_index of 64 pairs: what folding sets in the first byte is turned out of the index. */
AVX512 static inline __m512i indexes_of(const struct neighbours *n)
{
    __m512i turn = _mm512_set1_epi64((long long)TURN_BY_TWO);
    __m512i fold = _mm512_set1_epi8((char)LANES_FOLD);
    return _mm512_ternarylogic_epi32(_mm512_gf2p8affine_epi64_epi8(n->one, turn, 0), n->next, fold,
                                     XOR_OF_OR);
}

/* Which of 64 pairs are those that are looked for as they are. */
AVX512 static inline uint64_t twos_whole(const struct image_lanes *l, const struct neighbours *n)
{
    __m512i fold = _mm512_set1_epi8((char)LANES_FOLD);
    __m512i one = _mm512_or_si512(n->one, fold), next = _mm512_or_si512(n->next, fold);
    uint64_t any = 0;
    for (uint32_t i = 0; i < l->two_count; i++) {
        __m512i first = _mm512_set1_epi8((char)l->twos[i][0]);
        __m512i second = _mm512_set1_epi8((char)l->twos[i][1]);
        any |= _mm512_mask_cmpeq_epi8_mask(_mm512_cmpeq_epi8_mask(one, first), next, second);
    }
    return any;
}

/* The indexes of the pairs that begin at 64 places, and of their second to fourth pairs. */
struct indexes {
    __m512i of[LANES_PAIRS];
};

/* A place's further pairs are the first pairs of the places behind it: the same indexes, moved by a
 * byte, by two and three. `behind` has of each sixteen the next. */
AVX512 static inline struct indexes indexes_move(__m512i here, __m512i next)
{
    __m512i behind = _mm512_alignr_epi32(next, here, 4);
    return (struct indexes){ { here, _mm512_alignr_epi8(behind, here, 1),
                               _mm512_alignr_epi8(behind, here, 2),
                               _mm512_alignr_epi8(behind, here, 3) } };
}

/* In which of a plane's buckets all pairs of the places are. */
AVX512 static inline __m512i plane_look(const struct plane *p, const struct indexes *places)
{
    __m512i three = _mm512_ternarylogic_epi32(whole_look(&p->pairs[0], places->of[0]),
                                              whole_look(&p->pairs[1], places->of[1]),
                                              whole_look(&p->pairs[2], places->of[2]), AND_OF_ALL);
    return _mm512_and_si512(three, whole_look(&p->pairs[3], places->of[3]));
}

_Static_assert(LANES_PAIRS == 4 && LANES_PLANES == 2, "what is written out goes by these");

AVX512 static inline __attribute__((always_inline)) void
mark_indexes(const struct image_lanes *l, unsigned planes, bool twos, const uint8_t *data,
             uint32_t len, uint32_t at, uint64_t *marks, uint32_t count)
{
    const struct plane even = plane_load(l, 0), odd = plane_load(l, 1);
    struct neighbours bytes = neighbours_at(data, len, at);
    __m512i here = indexes_of(&bytes);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t known = twos ? twos_whole(l, &bytes) : 0;
        bytes = neighbours_at(data, len, at + (i + 1) * PLACES);
        __m512i next = indexes_of(&bytes);
        struct indexes places = indexes_move(here, next);
        __m512i any = plane_look(&even, &places);
        if (planes > 1)
            any = _mm512_or_si512(any, plane_look(&odd, &places));
        marks[i] = _mm512_test_epi8_mask(any, any) | known;
        here = next;
    }
    if (count)
        marks[count - 1] &= places_of(len - at - (count - 1) * PLACES);
}

/* Written out for each number of planes, with and without pairs that are looked for. */
AVX512 static void mark_whole(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                              uint32_t at, uint64_t *marks, uint32_t count)
{
    if (l->planes == 1 && !l->two_count)
        mark_indexes(l, 1, false, data, len, at, marks, count);
    else if (l->planes == 1)
        mark_indexes(l, 1, true, data, len, at, marks, count);
    else if (!l->two_count)
        mark_indexes(l, LANES_PLANES, false, data, len, at, marks, count);
    else
        mark_indexes(l, LANES_PLANES, true, data, len, at, marks, count);
}

#else

enum lanes_way lanes_best(void)
{
    return LANES_BYTES;
}

static void mark_halves(const struct image_lanes *l, const uint8_t *data, uint32_t len, uint32_t at,
                        uint64_t *marks, uint32_t count)
{
    mark_bytes(l, data, len, at, marks, count);
}

static void mark_whole(const struct image_lanes *l, const uint8_t *data, uint32_t len, uint32_t at,
                       uint64_t *marks, uint32_t count)
{
    mark_bytes(l, data, len, at, marks, count);
}

#endif

uint32_t lanes_mark_as(enum lanes_way way, const struct image_lanes *l, const uint8_t *data,
                       uint32_t len, uint32_t at, uint64_t marks[LANES_MARKS])
{
    uint32_t left = (len - at + PLACES - 1) / PLACES;
    uint32_t count = left < LANES_MARKS ? left : LANES_MARKS;
    if (way == LANES_WHOLE)
        mark_whole(l, data, len, at, marks, count);
    else if (way == LANES_HALVES)
        mark_halves(l, data, len, at, marks, count);
    else
        mark_bytes(l, data, len, at, marks, count);
    return count;
}

uint32_t lanes_mark(const struct image_lanes *l, const uint8_t *data, uint32_t len, uint32_t at,
                    uint64_t marks[LANES_MARKS])
{
    return lanes_mark_as(lanes_best(), l, data, len, at, marks);
}
