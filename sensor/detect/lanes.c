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

/* So many marks are made at a time: what is written down for them stays in the nearest cache. */
#define PIECE_MARKS  16u
#define PIECE_BLOCKS (PIECE_MARKS * PLACES / HALF + 1)

_Static_assert(LANES_MARKS % PIECE_MARKS == 0, "there is room for a piece's marks");

/* Halves of the mixes of the pairs that begin at each place of a piece. A place's further pairs are
 * the first pairs of the places behind it: they are read a byte, two and three further on. */
struct halves {
    _Alignas(HALF) uint8_t upper[PIECE_BLOCKS * HALF];
    _Alignas(HALF) uint8_t lower[PIECE_BLOCKS * HALF];
    _Alignas(HALF) uint8_t bytes[PIECE_BLOCKS * HALF]; /* folded */
};

AVX2 static inline __m256i folded(const uint8_t *at)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)at);
    return _mm256_or_si256(v, _mm256_set1_epi8((char)LANES_FOLD));
}

AVX2 static inline void block_store(uint8_t *to, uint32_t block, __m256i v)
{
    _mm256_store_si256((__m256i *)(void *)(to + block * HALF), v);
}

/* Of the 32 pairs that `a` and the bytes behind each, `b`, make. */
AVX2 static inline void block_put(struct halves *h, uint32_t block, __m256i a, __m256i b)
{
    const __m256i mask = _mm256_set1_epi8(LANES_HALF - 1);
    __m256i three = _mm256_add_epi8(_mm256_add_epi8(a, a), a);
    __m256i mix = _mm256_xor_si256(three, _mm256_add_epi8(b, b));
    block_store(h->upper, block, _mm256_and_si256(_mm256_srli_epi16(mix, 4), mask));
    block_store(h->lower, block, _mm256_and_si256(mix, mask));
    block_store(h->bytes, block, a);
}

/* What follows the last whole block: of `len` bytes the last `left`, no more than a block's, and
 * then none. Where there are as many as a block has, so many are copied: that takes no call. */
AVX2 static void blocks_end(struct halves *h, uint32_t block, uint32_t blocks, const uint8_t *data,
                            uint32_t len, uint32_t left)
{
    const __m256i none = _mm256_set1_epi8((char)LANES_FOLD);
    uint8_t room[3 * HALF], *first = room + HALF, *end = first + left;
    if (len >= HALF)
        _mm256_storeu_si256((__m256i *)(void *)(end - HALF), folded(data + len - HALF));
    else
        memcpy(first, data + len - left, left);
    _mm256_storeu_si256((__m256i *)(void *)end, none);
    block_put(h, block, folded(first), folded(first + 1));
    for (block++; block < blocks; block++)
        block_put(h, block, none, none);
}

/* Of the bytes from `at`, below `len`, on. */
AVX2 static void halves_fill(struct halves *h, uint32_t blocks, const uint8_t *data, uint32_t len,
                             uint32_t at)
{
    uint32_t left = len - at, whole = (left - 1) / HALF; /* that have a byte behind them */
    const uint8_t *from = data + at;
    if (whole > blocks)
        whole = blocks;
    for (uint32_t i = 0; i < whole; i++, from += HALF)
        block_put(h, i, folded(from), folded(from + 1));
    if (whole < blocks)
        blocks_end(h, whole, blocks, data, len, left - whole * HALF);
}

/* A pair's tables of one plane. */
struct nibbles {
    __m256i upper, lower;
};

AVX2 static inline __m256i table_load(const uint8_t table[LANES_HALF])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

AVX2 static inline struct nibbles nibbles_load(const struct image_lanes *l, unsigned pair,
                                               unsigned plane)
{
    return (struct nibbles){ table_load(l->upper[plane][pair]),
                             table_load(l->lower[plane][pair]) };
}

/* In which buckets the 32 pairs from `at` on are. */
AVX2 static inline __m256i pairs_look(struct nibbles n, const struct halves *h, uint32_t at)
{
    __m256i upper = _mm256_loadu_si256((const __m256i *)(const void *)(h->upper + at));
    __m256i lower = _mm256_loadu_si256((const __m256i *)(const void *)(h->lower + at));
    return _mm256_and_si256(_mm256_shuffle_epi8(n.upper, upper),
                            _mm256_shuffle_epi8(n.lower, lower));
}

/* Which of 32 bytes are not zero. */
AVX2 static inline uint32_t some_of(__m256i v)
{
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_setzero_si256()));
}

/* Which of the 32 places from `at` on have all pairs in one of a plane's buckets. */
AVX2 static inline uint32_t places_look(const struct nibbles n[LANES_PAIRS], const struct halves *h,
                                        uint32_t at)
{
    __m256i passed = _mm256_and_si256(pairs_look(n[0], h, at), pairs_look(n[1], h, at + 1));
    passed = _mm256_and_si256(passed, pairs_look(n[2], h, at + 2));
    return some_of(_mm256_and_si256(passed, pairs_look(n[3], h, at + 3)));
}

AVX2 static void mark_plane(const struct image_lanes *l, unsigned plane, const struct halves *h,
                            uint64_t *marks, uint32_t count)
{
    const struct nibbles n[LANES_PAIRS] = { nibbles_load(l, 0, plane), nibbles_load(l, 1, plane),
                                            nibbles_load(l, 2, plane), nibbles_load(l, 3, plane) };
    for (uint32_t i = 0; i < count; i++)
        marks[i] |= places_look(n, h, i * PLACES) |
                    (uint64_t)places_look(n, h, i * PLACES + HALF) << HALF;
}

/* Which of the 32 places from `at` on are a pair that is looked for as it is. */
AVX2 static inline uint32_t two_look(__m256i first, __m256i second, const struct halves *h,
                                     uint32_t at)
{
    __m256i one = _mm256_load_si256((const __m256i *)(const void *)(h->bytes + at));
    __m256i next = _mm256_loadu_si256((const __m256i *)(const void *)(h->bytes + at + 1));
    return (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(_mm256_cmpeq_epi8(one, first),
                                                           _mm256_cmpeq_epi8(next, second)));
}

AVX2 static void mark_two(const uint8_t two[2], const struct halves *h, uint64_t *marks,
                          uint32_t count)
{
    const __m256i first = _mm256_set1_epi8((char)two[0]), second = _mm256_set1_epi8((char)two[1]);
    for (uint32_t i = 0; i < count; i++)
        marks[i] |= two_look(first, second, h, i * PLACES) |
                    (uint64_t)two_look(first, second, h, i * PLACES + HALF) << HALF;
}

/* `count` marks of a piece, from the place `at` on; there is room for PIECE_MARKS. */
AVX2 static void mark_piece(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                            uint32_t at, uint64_t *marks, uint32_t count)
{
    struct halves h;
    memset(marks, 0, PIECE_MARKS * sizeof(*marks));
    halves_fill(&h, count * PLACES / HALF + 1, data, len, at);
    for (unsigned plane = 0; plane < l->half_planes; plane++)
        mark_plane(l, plane, &h, marks, count);
    for (uint32_t i = 0; i < l->two_count; i++)
        mark_two(l->twos[i], &h, marks, count);
}

AVX2 static void mark_halves(const struct image_lanes *l, const uint8_t *data, uint32_t len,
                             uint32_t at, uint64_t *marks, uint32_t count)
{
    for (uint32_t done = 0; done < count; done += PIECE_MARKS)
        mark_piece(l, data, len, at + done * PLACES, marks + done,
                   count - done < PIECE_MARKS ? count - done : PIECE_MARKS);
    if (count)
        marks[count - 1] &= places_of(len - at - (count - 1) * PLACES);
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
