/* SPDX-License-Identifier: Apache-2.0 */
/** CRC-32C (Castagnoli, RFC 3720 B.4): finds torn and rotten records, proves nothing. */
#ifndef COMMON_CRC32C_H
#define COMMON_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Checksum of `len` bytes. */
uint32_t crc32c(const void *bytes, size_t len);

/** The same without the processor's instruction; for other machines and for the test of both. */
uint32_t crc32c_portable(const void *bytes, size_t len);

#endif
