/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Hashing: `hash_bytes` for tables that outsiders can aim at (SipHash-2-4 keyed once per process by
 * libsodium), `hash_mix` for words that are already keyed.
 */
#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint8_t bytes[16];
};

/** A fresh random key. libsodium must have been initialised (sign_init). */
void hash_key_random(struct hash_key *out);

/** SipHash-2-4 of `len` bytes. */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len);

/** Mix one 64-bit word into a running hash; fast, not keyed by itself. */
static inline uint64_t hash_mix(uint64_t h, uint64_t word)
{
    h ^= word;
    h *= 0x9E3779B97F4A7C15ull;
    return h ^ h >> 32;
}

#endif
