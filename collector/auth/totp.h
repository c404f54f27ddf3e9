/* SPDX-License-Identifier: Apache-2.0 */
/** One-time codes by time (RFC 6238: SHA-1, six digits, thirty seconds), as phones make them. */
#ifndef AUTH_TOTP_H
#define AUTH_TOTP_H

#include <stdint.h>

/** A secret's text: 20 bytes in base32, NUL included. */
#define TOTP_SECRET_TEXT 33

/** A fresh secret. */
void totp_secret(char out[TOTP_SECRET_TEXT]);

/** The code of step `step` (seconds since 1970 / 30), or -1 when the secret is none. */
int totp_code(const char *secret, uint64_t step);

/**
 * The step that `code` (six digits) belongs to at `now_s`, one step of clock error allowed either
 * way; 0 when it belongs to none.
 */
uint64_t totp_step(const char *secret, const char *code, uint64_t now_s);

#endif
