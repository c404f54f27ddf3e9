/* SPDX-License-Identifier: Apache-2.0 */
/* Keyed hashing by libsodium. */
#include "config.h"
#include "common/hash.h"

#include <sodium.h>
#include <string.h>

void hash_key_random(struct hash_key *out)
{
    randombytes_buf(out->bytes, sizeof(out->bytes));
}

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t value;
    crypto_shorthash(out, bytes, len, key->bytes);
    memcpy(&value, out, sizeof(value));
    return value;
}
