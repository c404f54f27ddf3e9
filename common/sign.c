/* SPDX-License-Identifier: Apache-2.0 */
/* minisign's key and signature files over libsodium. */
#include "config.h"
#include "common/sign.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"

/* Layouts, as in minisign's own documentation; all numbers little-endian. */
#define PUBLIC_LEN      (2 + 8 + 32)
#define SIGNATURE_LEN   (2 + 8 + 64)
#define GLOBAL_LEN      64
#define SECRET_HEAD_LEN (2 + 2 + 2 + 32 + 8 + 8)
#define SECRET_BOX_LEN  (8 + 64 + 32)
#define SECRET_LEN      (SECRET_HEAD_LEN + SECRET_BOX_LEN)

#define UNTRUSTED       "untrusted comment: "
#define TRUSTED         "trusted comment: "

/* What opening a key file may cost: minisign's own "sensitive" parameters. */
#define KDF_MEMORY_MAX (UINT64_C(1) << 30)
#define KDF_WORK_MAX   (UINT64_C(1) << 25)

struct line {
    const char *at;
    size_t len;
};

/* Cut the next line off; false at the end of the text. */
static bool next_line(const char **at, const char *end, struct line *out)
{
    if (*at >= end)
        return false;
    const char *nl = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = nl ? nl : end;
    *out = (struct line){ *at, (size_t)(stop - *at) };
    if (out->len && out->at[out->len - 1] == '\r')
        out->len--;
    *at = nl ? nl + 1 : end;
    return true;
}

static bool starts(struct line l, const char *prefix)
{
    return l.len >= strlen(prefix) && memcmp(l.at, prefix, strlen(prefix)) == 0;
}

static bool decode(struct line l, uint8_t *out, size_t want)
{
    size_t got;
    return sodium_base642bin(out, want, l.at, l.len, NULL, &got, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           got == want;
}

static void encode(const uint8_t *bytes, size_t len, char *out, size_t cap)
{
    sodium_bin2base64(out, cap, bytes, len, sodium_base64_VARIANT_ORIGINAL);
}

static uint64_t le64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

int sign_init(void)
{
    return sodium_init() < 0 ? ABENG_ERR : 0;
}

void sign_digest(const void *bytes, size_t len, uint8_t out[SIGN_DIGEST_LEN])
{
    crypto_generichash(out, SIGN_DIGEST_LEN, bytes, len, NULL, 0);
}

void sign_digest_text(const void *bytes, size_t len, char out[SIGN_DIGEST_TEXT])
{
    uint8_t digest[SIGN_DIGEST_LEN];
    sign_digest(bytes, len, digest);
    sodium_bin2hex(out, SIGN_DIGEST_TEXT, digest, sizeof(digest));
}

void sign_key_create(struct sign_secret *out)
{
    randombytes_buf(out->public_key.id, sizeof(out->public_key.id));
    crypto_sign_keypair(out->public_key.key, out->secret);
}

int sign_public_parse(const char *text, size_t len, struct sign_public *out)
{
    const char *end = text + len;
    struct line l;
    if (len > SIGN_FILE_MAX || !next_line(&text, end, &l))
        return ABENG_EFORMAT;
    if (starts(l, UNTRUSTED) && !next_line(&text, end, &l))
        return ABENG_EFORMAT;
    uint8_t raw[PUBLIC_LEN];
    if (!decode(l, raw, sizeof(raw)) || memcmp(raw, "Ed", 2) != 0)
        return ABENG_EFORMAT;
    memcpy(out->id, raw + 2, sizeof(out->id));
    memcpy(out->key, raw + 10, sizeof(out->key));
    return 0;
}

int sign_public_format(const struct sign_public *key, char *out, size_t cap)
{
    uint8_t raw[PUBLIC_LEN] = "Ed";
    char text[sodium_base64_ENCODED_LEN(PUBLIC_LEN, sodium_base64_VARIANT_ORIGINAL)];
    memcpy(raw + 2, key->id, sizeof(key->id));
    memcpy(raw + 10, key->key, sizeof(key->key));
    encode(raw, sizeof(raw), text, sizeof(text));
    int n = snprintf(out, cap, UNTRUSTED "minisign public key %016llX\n%s\n",
                     (unsigned long long)le64(key->id), text);
    return n < 0 || (size_t)n >= cap ? ABENG_ELIMIT : 0;
}

static void secret_checksum(const uint8_t *id_and_secret, uint8_t out[32])
{
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, 32);
    crypto_generichash_update(&st, (const uint8_t *)"Ed", 2);
    crypto_generichash_update(&st, id_and_secret, 8 + 64);
    crypto_generichash_final(&st, out, 32);
}

/* Take the password's stream off the box. */
static int secret_open(const uint8_t *head, uint8_t *box, const char *password)
{
    uint64_t work = le64(head + 38), memory = le64(head + 46);
    uint8_t stream[SECRET_BOX_LEN];
    if (!password)
        return ABENG_EAUTH;
    if (work > KDF_WORK_MAX || memory > KDF_MEMORY_MAX)
        return ABENG_EUNSUPPORTED;
    if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof(stream), password, strlen(password),
                                           head + 6, work, (size_t)memory))
        return ABENG_EUNSUPPORTED;
    for (size_t i = 0; i < sizeof(stream); i++)
        box[i] ^= stream[i];
    sodium_memzero(stream, sizeof(stream));
    return 0;
}

static int secret_decode(uint8_t *raw, const char *password, struct sign_secret *out)
{
    uint8_t *box = raw + SECRET_HEAD_LEN, sum[32];
    if (memcmp(raw, "Ed", 2) != 0 || memcmp(raw + 4, "B2", 2) != 0)
        return ABENG_EFORMAT;
    bool locked = memcmp(raw + 2, "Sc", 2) == 0;
    if (!locked && memcmp(raw + 2, "\0\0", 2) != 0)
        return ABENG_EFORMAT;
    int rc = locked ? secret_open(raw, box, password) : 0;
    if (rc)
        return rc;
    secret_checksum(box, sum);
    /* A key without a password has no checksum to compare with in older files: all zero. */
    if (sodium_memcmp(sum, box + 72, sizeof(sum)) != 0 &&
        (locked || !sodium_is_zero(box + 72, sizeof(sum))))
        return locked ? ABENG_EAUTH : ABENG_EFORMAT;
    memcpy(out->public_key.id, box, 8);
    memcpy(out->secret, box + 8, sizeof(out->secret));
    memcpy(out->public_key.key, out->secret + 32, sizeof(out->public_key.key));
    return 0;
}

int sign_secret_parse(const char *text, size_t len, const char *password, struct sign_secret *out)
{
    const char *end = text + len;
    struct line l;
    uint8_t raw[SECRET_LEN];
    if (len > SIGN_FILE_MAX || !next_line(&text, end, &l))
        return ABENG_EFORMAT;
    if (starts(l, UNTRUSTED) && !next_line(&text, end, &l))
        return ABENG_EFORMAT;
    if (!decode(l, raw, sizeof(raw)))
        return ABENG_EFORMAT;
    int rc = secret_decode(raw, password, out);
    sodium_memzero(raw, sizeof(raw));
    return rc;
}

int sign_secret_format(const struct sign_secret *key, char *out, size_t cap)
{
    uint8_t raw[SECRET_LEN] = { 'E', 'd', 0, 0, 'B', '2' };
    uint8_t *box = raw + SECRET_HEAD_LEN;
    char text[sodium_base64_ENCODED_LEN(SECRET_LEN, sodium_base64_VARIANT_ORIGINAL)];
    memcpy(box, key->public_key.id, 8);
    memcpy(box + 8, key->secret, sizeof(key->secret));
    secret_checksum(box, box + 72);
    encode(raw, sizeof(raw), text, sizeof(text));
    int n = snprintf(out, cap, UNTRUSTED "minisign secret key, not encrypted\n%s\n", text);
    sodium_memzero(raw, sizeof(raw));
    sodium_memzero(text, sizeof(text));
    return n < 0 || (size_t)n >= cap ? ABENG_ELIMIT : 0;
}

void sign_secret_wipe(struct sign_secret *key)
{
    sodium_memzero(key, sizeof(*key));
}

static void global_message(const uint8_t *sig, const char *comment, size_t len, uint8_t *out)
{
    memcpy(out, sig, GLOBAL_LEN);
    memcpy(out + GLOBAL_LEN, comment, len);
}

int sign_make(const struct sign_secret *key, const void *bytes, size_t len, const char *comment,
              char *out, size_t cap)
{
    uint8_t hash[64], raw[SIGNATURE_LEN] = "ED", global[64], message[GLOBAL_LEN + SIGN_COMMENT_MAX];
    char sig_text[sodium_base64_ENCODED_LEN(SIGNATURE_LEN, sodium_base64_VARIANT_ORIGINAL)];
    char global_text[sodium_base64_ENCODED_LEN(GLOBAL_LEN, sodium_base64_VARIANT_ORIGINAL)];
    size_t comment_len = strlen(comment);
    if (comment_len > SIGN_COMMENT_MAX || strpbrk(comment, "\r\n"))
        return ABENG_EINVAL;
    crypto_generichash(hash, sizeof(hash), bytes, len, NULL, 0);
    memcpy(raw + 2, key->public_key.id, 8);
    crypto_sign_detached(raw + 10, NULL, hash, sizeof(hash), key->secret);
    global_message(raw + 10, comment, comment_len, message);
    crypto_sign_detached(global, NULL, message, GLOBAL_LEN + comment_len, key->secret);
    encode(raw, sizeof(raw), sig_text, sizeof(sig_text));
    encode(global, sizeof(global), global_text, sizeof(global_text));
    int n = snprintf(out, cap, UNTRUSTED "signature by an abeng key\n%s\n" TRUSTED "%s\n%s\n",
                     sig_text, comment, global_text);
    return n < 0 || (size_t)n >= cap ? ABENG_ELIMIT : 0;
}

static bool fits(const struct sign_public *key, const uint8_t *raw, const void *bytes, size_t len)
{
    uint8_t hash[64];
    if (raw[1] != 'D') /* "Ed": minisign's old form signs the bytes themselves */
        return crypto_sign_verify_detached(raw + 10, bytes, len, key->key) == 0;
    crypto_generichash(hash, sizeof(hash), bytes, len, NULL, 0);
    return crypto_sign_verify_detached(raw + 10, hash, sizeof(hash), key->key) == 0;
}

void sign_public_pem(const struct sign_public *key, char out[SIGN_PEM_TEXT])
{
    /* SubjectPublicKeyInfo of id-Ed25519; the key's 32 bytes are its end. */
    static const uint8_t head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
    uint8_t der[sizeof(head) + sizeof(key->key)];
    char text[sodium_base64_ENCODED_LEN(sizeof(der), sodium_base64_VARIANT_ORIGINAL)];

    memcpy(der, head, sizeof(head));
    memcpy(der + sizeof(head), key->key, sizeof(key->key));
    sodium_bin2base64(text, sizeof(text), der, sizeof(der), sodium_base64_VARIANT_ORIGINAL);
    snprintf(out, SIGN_PEM_TEXT, "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n",
             text);
}

void sign_raw(const struct sign_secret *key, const void *bytes, size_t len,
              uint8_t out[SIGN_RAW_LEN])
{
    crypto_sign_detached(out, NULL, bytes, len, key->secret);
}

int sign_check(const struct sign_public *key, const char *sig, size_t sig_len, const void *bytes,
               size_t len, char *comment)
{
    const char *end = sig + sig_len;
    struct line head, body, trusted, seal;
    uint8_t raw[SIGNATURE_LEN], global[GLOBAL_LEN], message[GLOBAL_LEN + SIGN_COMMENT_MAX];
    if (sig_len > SIGN_FILE_MAX || !next_line(&sig, end, &head) || !starts(head, UNTRUSTED) ||
        !next_line(&sig, end, &body) || !next_line(&sig, end, &trusted) ||
        !starts(trusted, TRUSTED) || !next_line(&sig, end, &seal))
        return ABENG_EFORMAT;
    trusted.at += strlen(TRUSTED);
    trusted.len -= strlen(TRUSTED);
    if (trusted.len > SIGN_COMMENT_MAX || memchr(trusted.at, 0, trusted.len) ||
        !decode(body, raw, sizeof(raw)) || !decode(seal, global, sizeof(global)) || raw[0] != 'E' ||
        (raw[1] != 'D' && raw[1] != 'd'))
        return ABENG_EFORMAT;
    if (memcmp(raw + 2, key->id, sizeof(key->id)) != 0)
        return ABENG_ENOENT;
    global_message(raw + 10, trusted.at, trusted.len, message);
    if (!fits(key, raw, bytes, len) ||
        crypto_sign_verify_detached(global, message, GLOBAL_LEN + trusted.len, key->key) != 0)
        return ABENG_EAUTH;
    if (comment) {
        memcpy(comment, trusted.at, trusted.len);
        comment[trusted.len] = 0;
    }
    return 0;
}
