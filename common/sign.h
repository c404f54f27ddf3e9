/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Signatures as minisign makes them (Ed25519 over the BLAKE2b-512 of the file, with a signed
 * comment), and key files of the same format, so that minisign itself can check what we sign and
 * we what it signs. libsodium stays behind this header. Any thread may call after sign_init.
 */
#ifndef COMMON_SIGN_H
#define COMMON_SIGN_H

#include <stddef.h>
#include <stdint.h>

/** Bytes of a BLAKE2b-256 digest, and of its lower case hex text with NUL. */
#define SIGN_DIGEST_LEN  32
#define SIGN_DIGEST_TEXT 65

/** Longest trusted comment that is accepted. */
#define SIGN_COMMENT_MAX 512

/** Longest key or signature file that is read. */
#define SIGN_FILE_MAX 4096

/** A public key. The id is how a signature names its key. */
struct sign_public {
    uint8_t id[8];
    uint8_t key[32];
};

/** A secret key with its public half. Wipe with sign_secret_wipe. */
struct sign_secret {
    struct sign_public public_key;
    uint8_t secret[64];
};

/**
 * Prepare libsodium. Call once before anything here and before hash_key_random; ABENG_ERR when it
 * can't start.
 */
int sign_init(void);

/** BLAKE2b-256 of `len` bytes. */
void sign_digest(const void *bytes, size_t len, uint8_t out[SIGN_DIGEST_LEN]);

/** The same as lower case hex text. */
void sign_digest_text(const void *bytes, size_t len, char out[SIGN_DIGEST_TEXT]);

/** Make a new key pair. */
void sign_key_create(struct sign_secret *out);

/**
 * Read a public key: the text of a minisign .pub file, or its base64 line alone. ABENG_EFORMAT
 * otherwise.
 */
int sign_public_parse(const char *text, size_t len, struct sign_public *out);

/**
 * Write the .pub file's text (two lines) to `out` (≤ `cap` bytes with NUL; 160 is enough). 0 or
 * ABENG_ELIMIT.
 */
int sign_public_format(const struct sign_public *key, char *out, size_t cap);

/**
 * Read a secret key file's text. `password` NULL for a key without one. ABENG_EFORMAT when it is
 * no such file, ABENG_EAUTH when the password does not open it, ABENG_EUNSUPPORTED when it needs
 * more memory or work than a key file may ask.
 */
int sign_secret_parse(const char *text, size_t len, const char *password, struct sign_secret *out);

/**
 * Write a secret key file's text, not encrypted (the file's mode protects it). 0 or ABENG_ELIMIT
 * (300 is enough).
 */
int sign_secret_format(const struct sign_secret *key, char *out, size_t cap);

/** Overwrite a secret key in memory. */
void sign_secret_wipe(struct sign_secret *key);

/**
 * Sign `len` bytes: the text of a .minisig file with `comment` (one line, ≤ SIGN_COMMENT_MAX) as
 * the trusted comment. 0, ABENG_EINVAL for a comment with line ends, ABENG_ELIMIT when `cap` is
 * too small (SIGN_FILE_MAX is enough).
 */
int sign_make(const struct sign_secret *key, const void *bytes, size_t len, const char *comment,
              char *out, size_t cap);

/** A public key as PEM (RFC 8410, for openssl and everything else), NUL included. */
#define SIGN_PEM_TEXT 128

/** Write `key` as PEM. */
void sign_public_pem(const struct sign_public *key, char out[SIGN_PEM_TEXT]);

/** Bytes of a plain Ed25519 signature (RFC 8032). */
#define SIGN_RAW_LEN 64

/** Sign the bytes themselves, for who knows Ed25519 and not minisign. */
void sign_raw(const struct sign_secret *key, const void *bytes, size_t len,
              uint8_t out[SIGN_RAW_LEN]);

/**
 * Check a .minisig text over `len` bytes with one public key. `comment` (≥ SIGN_COMMENT_MAX + 1
 * bytes, or NULL) receives the trusted comment, which is signed too. 0; ABENG_EFORMAT when the
 * text is no signature; ABENG_ENOENT when it was made with another key; ABENG_EAUTH when it does
 * not fit the bytes or the comment.
 */
int sign_check(const struct sign_public *key, const char *sig, size_t sig_len, const void *bytes,
               size_t len, char *comment);

#endif
