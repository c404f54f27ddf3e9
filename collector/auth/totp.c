/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6238 over RFC 4226. */
#include "config.h"
#include "collector/auth/totp.h"

#include <gnutls/crypto.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/secret.h"

#define BYTES    20
#define STEP_S   30
#define SHA1_LEN 20

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void totp_secret(char out[TOTP_SECRET_TEXT])
{
    uint8_t bytes[BYTES];
    randombytes_buf(bytes, sizeof bytes);
    for (unsigned i = 0; i < TOTP_SECRET_TEXT - 1; i++) {
        unsigned bit = 5 * i, byte = bit / 8;
        unsigned two = (unsigned)bytes[byte] << 8 | (byte + 1 < BYTES ? bytes[byte + 1] : 0);
        out[i] = letters[two >> (11 - bit % 8) & 31];
    }
    out[TOTP_SECRET_TEXT - 1] = '\0';
    sodium_memzero(bytes, sizeof bytes);
}

/* 20 bytes of 32 letters; how many letters were right. */
static unsigned decode(const char *secret, uint8_t out[BYTES])
{
    unsigned i = 0, held = 0, bits = 0, n = 0;
    for (; secret[i] && n < BYTES; i++) {
        const char *at = strchr(letters, secret[i]);
        if (!at)
            return 0;
        held = (held << 5 | (unsigned)(at - letters)) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (uint8_t)(held >> bits);
        }
    }
    return n == BYTES && !secret[i] ? i : 0;
}

int totp_code(const char *secret, uint64_t step)
{
    uint8_t key[BYTES], counter[8], mac[SHA1_LEN];
    if (!decode(secret, key))
        return -1;
    for (int i = 0; i < 8; i++)
        counter[i] = (uint8_t)(step >> (56 - 8 * i));
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA1, key, sizeof key, counter, sizeof counter, mac) < 0)
        return -1;
    unsigned at = mac[SHA1_LEN - 1] & 15;
    uint32_t n = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 |
                 (uint32_t)mac[at + 2] << 8 | mac[at + 3];
    return (int)(n % 1000000);
}

uint64_t totp_step(const char *secret, const char *code, uint64_t now_s)
{
    char text[16];
    if (strlen(code) != 6)
        return 0;
    for (int d = -1; d <= 1; d++) {
        uint64_t step = now_s / STEP_S + (uint64_t)(int64_t)d;
        int n = totp_code(secret, step);
        if (n < 0)
            return 0;
        snprintf(text, sizeof text, "%06d", n);
        if (secret_equal(text, code))
            return step;
    }
    return 0;
}
