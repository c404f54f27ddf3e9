/* SPDX-License-Identifier: Apache-2.0 */
/**
 * MD5 (RFC 1321), SHA-1 and SHA-256 (FIPS 180-4): names for things (JA3, HASSH, certificates,
 * files), never protection. Our own because they run on the packet path, where a library's contexts
 * would be mallocs.
 */
#ifndef SENSOR_APP_DIGEST_H
#define SENSOR_APP_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest digest. */
#define APP_DIGEST_MAX 32

enum app_digest_kind { APP_DIGEST_MD5, APP_DIGEST_SHA1, APP_DIGEST_SHA256, APP_DIGEST_KINDS };

/** A digest in the making; plain data, copied by value. */
struct app_digest {
    uint64_t len; /* bytes taken */
    uint32_t state[8];
    uint8_t block[64]; /* the bytes of an unfinished block */
    uint8_t kind;      /* enum app_digest_kind */
};

/** Begin. */
void app_digest_begin(struct app_digest *d, enum app_digest_kind kind);

/** Take bytes. */
void app_digest_add(struct app_digest *d, const void *bytes, size_t len);

/** The digest of all bytes so far; returns its length. More may be added afterwards. */
uint32_t app_digest_end(const struct app_digest *d, uint8_t out[APP_DIGEST_MAX]);

/** `len` bytes as 2 * len lower-case hexadecimal digits and a NUL. */
void app_hex(const uint8_t *bytes, size_t len, char *out);

/** MD5 of `len` bytes. */
void app_md5(const void *bytes, size_t len, uint8_t out[16]);

/** MD5 as 32 lower-case hexadecimal digits and a NUL. */
void app_md5_hex(const void *bytes, size_t len, char out[33]);

/** SHA-1 of `len` bytes. */
void app_sha1(const void *bytes, size_t len, uint8_t out[20]);

/** SHA-256 of `len` bytes. */
void app_sha256(const void *bytes, size_t len, uint8_t out[32]);

#endif
