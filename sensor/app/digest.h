/* SPDX-License-Identifier: Apache-2.0 */
/**
 * MD5 (RFC 1321) and SHA-1 (RFC 3174) of bytes in memory: names for things (JA3, HASSH, certificate
 * fingerprints), never protection. Our own because they run on the packet path, where a library's
 * contexts would be mallocs.
 */
#ifndef SENSOR_APP_DIGEST_H
#define SENSOR_APP_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/** MD5 of `len` bytes. */
void app_md5(const void *bytes, size_t len, uint8_t out[16]);

/** MD5 as 32 lower-case hexadecimal digits and a NUL. */
void app_md5_hex(const void *bytes, size_t len, char out[33]);

/** SHA-1 of `len` bytes. */
void app_sha1(const void *bytes, size_t len, uint8_t out[20]);

#endif
