/* SPDX-License-Identifier: Apache-2.0 */
/* MD5 and SHA-1. */
#include "config.h"
#include "sensor/app/digest.h"

#include <string.h>

#define BLOCK 64

static uint32_t rotate(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

/** Run `step` over all whole blocks and the padding; the length goes in `big_endian` or little. */
static void digest_run(const uint8_t *p, size_t len, uint32_t *state,
                       void (*step)(uint32_t *state, const uint8_t *block), int big_endian)
{
    size_t whole = len / BLOCK;
    for (size_t i = 0; i < whole; i++)
        step(state, p + i * BLOCK);
    uint8_t tail[2 * BLOCK] = { 0 };
    size_t rest = len - whole * BLOCK;
    if (rest > 0)
        memcpy(tail, p + whole * BLOCK, rest);
    tail[rest] = 0x80;
    size_t total = rest + 9 > BLOCK ? 2 * BLOCK : BLOCK;
    uint64_t bits = (uint64_t)len * 8;
    for (unsigned i = 0; i < 8; i++)
        tail[total - 8 + i] = (uint8_t)(bits >> 8 * (big_endian ? 7 - i : i));
    step(state, tail);
    if (total > BLOCK)
        step(state, tail + BLOCK);
}

static const uint32_t md5_sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const uint8_t md5_turns[4][4] = {
    {7,  12, 17, 22},
    { 5, 9,  14, 20},
    { 4, 11, 16, 23},
    { 6, 10, 15, 21}
};
static const uint8_t md5_steps[4][2] = {
    {1,  0},
    { 5, 1},
    { 3, 5},
    { 7, 0}
};

static uint32_t md5_mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round) {
    case 0:
        return (b & c) | (~b & d);
    case 1:
        return (d & b) | (~d & c);
    case 2:
        return b ^ c ^ d;
    default:
        return c ^ (b | ~d);
    }
}

static void md5_block(uint32_t *state, const uint8_t *block)
{
    uint32_t w[16];
    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
               (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (unsigned i = 0; i < 64; i++) {
        unsigned round = i / 16;
        unsigned word = (md5_steps[round][0] * i + md5_steps[round][1]) % 16;
        uint32_t next = a + md5_mix(round, b, c, d) + md5_sines[i] + w[word];
        a = d;
        d = c;
        c = b;
        b += rotate(next, md5_turns[round][i % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void app_md5(const void *bytes, size_t len, uint8_t out[16])
{
    uint32_t state[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
    digest_run(bytes, len, state, md5_block, 0);
    for (unsigned i = 0; i < 16; i++)
        out[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
}

void app_md5_hex(const void *bytes, size_t len, char out[33])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[16];
    app_md5(bytes, len, sum);
    for (unsigned i = 0; i < 16; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[32] = '\0';
}

static uint32_t sha1_mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    static const uint32_t constant[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    uint32_t f = round == 0   ? ((b & c) | (~b & d))
                 : round == 2 ? ((b & c) | (b & d) | (c & d))
                              : b ^ c ^ d;
    return f + constant[round];
}

static void sha1_block(uint32_t *state, const uint8_t *block)
{
    uint32_t w[80];
    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < 80; i++) {
        uint32_t next = rotate(a, 5) + sha1_mix(i / 20, b, c, d) + e + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void app_sha1(const void *bytes, size_t len, uint8_t out[20])
{
    uint32_t state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    digest_run(bytes, len, state, sha1_block, 1);
    for (unsigned i = 0; i < 20; i++)
        out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}
