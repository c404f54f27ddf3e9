/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The enrolment token: one printable line that an operator carries from the collector to a sensor.
 *
 *   abeng1.BASE64URL( JSON { "id", "secret", "ca", "at": ["HOST:PORT", …] } )
 *
 * `ca` is the SHA-256 of the collector's CA certificate, so the sensor knows the right collector
 * before it says a word; `secret` is good once and for minutes.
 */
#ifndef COMMON_TOKEN_H
#define COMMON_TOKEN_H

#include <stddef.h>

#define TOKEN_ID_MAX      64
#define TOKEN_SECRET_TEXT 44 /* 32 bytes, base64url, NUL */
#define TOKEN_CA_TEXT     65 /* SHA-256, hex, NUL */
#define TOKEN_ADDRESSES   8
#define TOKEN_ADDRESS_MAX 262 /* a DNS name, ':', a port, NUL */
/** Longest token. */
#define TOKEN_MAX 4096

struct buf;

struct token {
    char id[TOKEN_ID_MAX];
    char secret[TOKEN_SECRET_TEXT];
    char ca[TOKEN_CA_TEXT];
    size_t address_count;
    char addresses[TOKEN_ADDRESSES][TOKEN_ADDRESS_MAX];
};

/** Fill `secret` with 32 fresh random bytes as text. libsodium must have been initialised. */
void token_make_secret(char secret[TOKEN_SECRET_TEXT]);

/** Append the token's text. */
void token_write(struct buf *out, const struct token *t);

/**
 * Read a token's text (blanks around it are allowed). 0, or ABENG_EFORMAT with one line in `why`
 * that says what is wrong with it.
 */
int token_read(const char *text, size_t len, struct token *out, char *why, size_t why_len);

#endif
