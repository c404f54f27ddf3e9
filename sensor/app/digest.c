/* SPDX-License-Identifier: Apache-2.0 */
/* MD5, SHA-1 and SHA-256. */
#include "config.h"
#include "sensor/app/digest.h"

#include <stdbool.h>
#include <string.h>

#define BLOCK 64

static uint32_t rotate(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
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

/* FIPS 180-4, section 4.2.2. */
static const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void sha256_schedule(const uint8_t *block, uint32_t w[64])
{
    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate(a, 25) ^ rotate(a, 14) ^ a >> 3) + w[i - 7] +
               (rotate(b, 15) ^ rotate(b, 13) ^ b >> 10);
    }
}

static void sha256_block(uint32_t *state, const uint8_t *block)
{
    uint32_t w[64], v[8];
    sha256_schedule(block, w);
    memcpy(v, state, sizeof(v));
    for (unsigned i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t one = v[7] + (rotate(e, 26) ^ rotate(e, 21) ^ rotate(e, 7)) +
                       ((e & v[5]) ^ (~e & v[6])) + sha256_constants[i] + w[i];
        uint32_t two = (rotate(a, 30) ^ rotate(a, 19) ^ rotate(a, 10)) +
                       ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += one;
        v[0] = one + two;
    }
    for (unsigned i = 0; i < 8; i++)
        state[i] += v[i];
}

/* What makes one digest another. */
static const struct {
    uint32_t start[8];
    void (*step)(uint32_t *state, const uint8_t *block);
    uint8_t len;
    bool big_endian;
} kinds[] = {
    [APP_DIGEST_MD5] = { { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 }, md5_block, 16, false },
    [APP_DIGEST_SHA1] = { { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 },
                          sha1_block,
                          20,
                          true },
    [APP_DIGEST_SHA256] = { { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                              0x9b05688c, 0x1f83d9ab, 0x5be0cd19 },
                            sha256_block,
                            32,
                            true },
};

void app_digest_begin(struct app_digest *d, enum app_digest_kind kind)
{
    d->kind = (uint8_t)kind;
    d->len = 0;
    memcpy(d->state, kinds[kind].start, sizeof(d->state));
}

void app_digest_add(struct app_digest *d, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    size_t have = d->len % BLOCK;
    d->len += len;
    if (have && len >= BLOCK - have) {
        memcpy(d->block + have, p, BLOCK - have);
        kinds[d->kind].step(d->state, d->block);
        p += BLOCK - have;
        len -= BLOCK - have;
        have = 0;
    }
    for (; have == 0 && len >= BLOCK; p += BLOCK, len -= BLOCK)
        kinds[d->kind].step(d->state, p);
    if (len > 0)
        memcpy(d->block + have, p, len);
}

uint32_t app_digest_end(const struct app_digest *d, uint8_t out[APP_DIGEST_MAX])
{
    struct app_digest end = *d;
    uint64_t bits = d->len * 8;
    uint8_t tail[2 * BLOCK] = { 0x80 };
    bool big = kinds[d->kind].big_endian;
    size_t pad = BLOCK - (d->len + 8) % BLOCK;
    for (unsigned i = 0; i < 8; i++)
        tail[pad + i] = (uint8_t)(bits >> 8 * (big ? 7 - i : i));
    app_digest_add(&end, tail, pad + 8);
    for (unsigned i = 0; i < kinds[d->kind].len; i++)
        out[i] = (uint8_t)(end.state[i / 4] >> 8 * (big ? 3 - i % 4 : i % 4));
    return kinds[d->kind].len;
}

void app_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = 0;
}

static void digest_whole(enum app_digest_kind kind, const void *bytes, size_t len, uint8_t *out)
{
    struct app_digest d;
    uint8_t sum[APP_DIGEST_MAX];
    app_digest_begin(&d, kind);
    app_digest_add(&d, bytes, len);
    uint32_t n = app_digest_end(&d, sum);
    memcpy(out, sum, n);
}

void app_md5(const void *bytes, size_t len, uint8_t out[16])
{
    digest_whole(APP_DIGEST_MD5, bytes, len, out);
}

void app_md5_hex(const void *bytes, size_t len, char out[33])
{
    uint8_t sum[16];
    app_md5(bytes, len, sum);
    app_hex(sum, sizeof(sum), out);
}

void app_sha1(const void *bytes, size_t len, uint8_t out[20])
{
    digest_whole(APP_DIGEST_SHA1, bytes, len, out);
}

void app_sha256(const void *bytes, size_t len, uint8_t out[32])
{
    digest_whole(APP_DIGEST_SHA256, bytes, len, out);
}
