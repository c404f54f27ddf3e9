/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random tokens and password hashes (argon2id). libsodium stays behind this header; any thread
 * may call after sign_init.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/** A token's text: 256 random bits in base64url without padding, NUL included. */
#define SECRET_TOKEN_TEXT 44

/** A password hash's text, NUL included. */
#define SECRET_HASH_TEXT 128

/** A fresh random token. */
void secret_token(char out[SECRET_TOKEN_TEXT]);

/** A password for people to copy once: four groups of five letters and digits, about 100 bits. */
void secret_password(char out[24]);

/**
 * Hash a password with argon2id (64 MiB, about a tenth of a second). 0 or ABENG_ENOMEM. Slow: not
 * on a thread that others wait for.
 */
int secret_hash(const char *password, char out[SECRET_HASH_TEXT]);

/**
 * Whether `password` is the one that `hash` was made of; false for what is no hash. As slow as
 * secret_hash.
 */
bool secret_verify(const char *hash, const char *password);

/** Whether two texts are equal, in a time that depends on their lengths only. */
bool secret_equal(const char *a, const char *b);

/**
 * Decode base64 (RFC 4648, with padding) into at most `max` bytes: 0 and `*len`, or
 * ABENG_EFORMAT.
 */
int secret_unbase64(const char *text, void *out, size_t max, size_t *len);

#endif
