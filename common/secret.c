/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and passwords by libsodium. */
#include "config.h"
#include "common/secret.h"

#include <sodium.h>
#include <string.h>

#include "common/err.h"

void secret_token(char out[SECRET_TOKEN_TEXT])
{
    unsigned char bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(out, SECRET_TOKEN_TEXT, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}

void secret_password(char out[24])
{
    /* Without what is read wrong: 0 O 1 l I. */
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    for (int i = 0; i < 23; i++)
        out[i] = i % 6 == 5 ? '-' : letters[randombytes_uniform(sizeof letters - 1)];
    out[23] = '\0';
}

int secret_hash(const char *password, char out[SECRET_HASH_TEXT])
{
    _Static_assert(SECRET_HASH_TEXT >= crypto_pwhash_STRBYTES, "a hash does not fit");
    return crypto_pwhash_str(out, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                             crypto_pwhash_MEMLIMIT_INTERACTIVE)
               ? ABENG_ENOMEM
               : 0;
}

bool secret_verify(const char *hash, const char *password)
{
    return !crypto_pwhash_str_verify(hash, password, strlen(password));
}

bool secret_equal(const char *a, const char *b)
{
    size_t n = strlen(a);
    return n == strlen(b) && !sodium_memcmp(a, b, n);
}

int secret_unbase64(const char *text, void *out, size_t max, size_t *len)
{
    int bad = sodium_base642bin(out, max, text, strlen(text), NULL, len, NULL,
                                sodium_base64_VARIANT_ORIGINAL);
    return bad ? ABENG_EFORMAT : 0;
}
