/* SPDX-License-Identifier: Apache-2.0 */
/**
 * MD5 (RFC 1321), SHA-1 and SHA-256 (FIPS 180-4) of libnettle: names for things (JA3, HASSH,
 * certificates, files), never protection. Nothing is allocated.
 */
#ifndef SENSOR_APP_DIGEST_H
#define SENSOR_APP_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

/** Longest digest. */
#define APP_DIGEST_MAX 32

enum app_digest_kind { APP_DIGEST_MD5, APP_DIGEST_SHA1, APP_DIGEST_SHA256, APP_DIGEST_KINDS };

/** A digest in the making; plain data, copied by value. */
struct app_digest {
    union {
        struct md5_ctx md5;
        struct sha1_ctx sha1;
        struct sha256_ctx sha256;
    } state;
    uint8_t kind; /* enum app_digest_kind */
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
