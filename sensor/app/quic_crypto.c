/* SPDX-License-Identifier: Apache-2.0 */
/* Protection of QUIC's Initial packets (RFC 9001 5), with AES and GCM from nettle. */
#include "config.h"
#include "sensor/app/quic.h"

#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>

#include "signatures/buffer.h"

#define SALT_LEN   20u
#define SECRET_LEN 32u
#define SAMPLE_LEN 16u
#define LABEL_MAX  32u

/** Salts of the versions (RFC 9001 5.2, RFC 9369 3.3.1, and the drafts'). */
static const struct {
    uint32_t first, last;
    uint8_t salt[SALT_LEN];
} salts[] = {
    { 0x00000001, 0x00000001, { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                                0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a } },
    { QUIC_V2, QUIC_V2, { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                          0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 } },
    { 0xff000021,
      0xff000022, /* drafts 33 and 34 have version 1's */
      { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
        0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a } },
    { 0xff00001d,
      0xff000020, /* drafts 29 to 32 */
      { 0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
        0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99 } },
    { 0xff000017,
      0xff00001c, /* drafts 23 to 28 */
      { 0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
        0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02 } },
    { 0x51303530,
      0x51303530, /* Google's Q050 */
      { 0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94,
        0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45 } },
};

/** HKDF-Expand-Label (RFC 8446 7.1) without context. */
static void expand_label(const uint8_t secret[SECRET_LEN], const char *label, uint8_t *out,
                         size_t len)
{
    struct hmac_sha256_ctx hmac;
    uint8_t info[4 + 6 + LABEL_MAX];
    size_t n = strlen(label) < LABEL_MAX ? strlen(label) : LABEL_MAX;
    info[0] = (uint8_t)(len >> 8);
    info[1] = (uint8_t)len;
    info[2] = (uint8_t)(6 + n);
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, n);
    info[9 + n] = 0;
    hmac_sha256_set_key(&hmac, SECRET_LEN, secret);
    hkdf_expand(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
                (nettle_hash_digest_func *)hmac_sha256_digest, SECRET_LEN, 10 + n, info, len, out);
}

static void keys_expand(const uint8_t secret[SECRET_LEN], bool v2, struct quic_keys *out)
{
    expand_label(secret, v2 ? "quicv2 key" : "quic key", out->payload, sizeof(out->payload));
    expand_label(secret, v2 ? "quicv2 hp" : "quic hp", out->header, sizeof(out->header));
    expand_label(secret, v2 ? "quicv2 iv" : "quic iv", out->iv, sizeof(out->iv));
}

bool quic_keys_make(uint32_t version, const uint8_t *id, uint32_t id_len, struct quic_keys keys[2])
{
    const uint8_t *salt = NULL;
    for (unsigned i = 0; i < sizeof(salts) / sizeof(salts[0]); i++)
        if (version >= salts[i].first && version <= salts[i].last)
            salt = salts[i].salt;
    if (!salt)
        return false;
    struct hmac_sha256_ctx hmac;
    uint8_t initial[SECRET_LEN], secret[SECRET_LEN];
    hmac_sha256_set_key(&hmac, SALT_LEN, salt);
    hkdf_extract(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
                 (nettle_hash_digest_func *)hmac_sha256_digest, SECRET_LEN, id_len, id, initial);
    expand_label(initial, "client in", secret, sizeof(secret));
    keys_expand(secret, version == QUIC_V2, &keys[SIG_DIR_TOSERVER]);
    expand_label(initial, "server in", secret, sizeof(secret));
    keys_expand(secret, version == QUIC_V2, &keys[SIG_DIR_TOCLIENT]);
    return true;
}

/* The mask of a packet's header, from the sample of its payload (RFC 9001 5.4). */
static void header_mask(const struct quic_keys *keys, const uint8_t *sample,
                        uint8_t mask[SAMPLE_LEN])
{
    struct aes128_ctx cipher;
    aes128_set_encrypt_key(&cipher, keys->header);
    aes128_encrypt(&cipher, SAMPLE_LEN, mask, sample);
}

/* Decrypt `payload` bytes behind `head` in place; whether `want` is their tag (RFC 9001 5.3). */
static bool payload_open(const struct quic_keys *keys, const uint8_t nonce[QUIC_IV_LEN],
                         uint8_t *packet, uint32_t head, uint32_t payload, const uint8_t *want)
{
    struct gcm_aes128_ctx cipher;
    uint8_t tag[QUIC_TAG_LEN];
    gcm_aes128_set_key(&cipher, keys->payload);
    gcm_aes128_set_iv(&cipher, QUIC_IV_LEN, nonce);
    gcm_aes128_update(&cipher, head, packet);
    gcm_aes128_decrypt(&cipher, payload, packet + head, packet + head);
    gcm_aes128_digest(&cipher, sizeof(tag), tag);
    return memeql_sec(tag, want, sizeof(tag));
}

uint32_t quic_unprotect(const struct quic_keys *keys, struct slab *slab, const uint8_t *packet,
                        uint32_t head, uint32_t len, struct app_bytes *out)
{
    uint8_t mask[SAMPLE_LEN], nonce[QUIC_IV_LEN];
    if (head == 0 || len < 4 + SAMPLE_LEN)
        return 0;
    header_mask(keys, packet + head + 4, mask);
    uint8_t first = packet[0] ^ (mask[0] & (packet[0] & 0x80 ? 0x0f : 0x1f));
    uint32_t number_len = (first & 3u) + 1, payload = len - number_len - QUIC_TAG_LEN;
    out->len = 0;
    if (!app_bytes_add(slab, out, packet, head + len - QUIC_TAG_LEN))
        return 0;
    out->data[0] = first;
    memcpy(nonce, keys->iv, sizeof(nonce));
    for (uint32_t i = 0; i < number_len; i++) {
        out->data[head + i] ^= mask[1 + i];
        nonce[QUIC_IV_LEN - number_len + i] ^= out->data[head + i];
    }
    bool whole = payload_open(keys, nonce, out->data, head + number_len, payload,
                              packet + head + len - QUIC_TAG_LEN);
    return whole ? head + number_len : 0;
}
