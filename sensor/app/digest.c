/* SPDX-License-Identifier: Apache-2.0 */
/* MD5, SHA-1 and SHA-256. */
#include "config.h"
#include "sensor/app/digest.h"

#include <string.h>

void app_digest_begin(struct app_digest *d, enum app_digest_kind kind)
{
    d->kind = (uint8_t)kind;
    if (kind == APP_DIGEST_MD5)
        md5_init(&d->state.md5);
    else if (kind == APP_DIGEST_SHA1)
        sha1_init(&d->state.sha1);
    else
        sha256_init(&d->state.sha256);
}

void app_digest_add(struct app_digest *d, const void *bytes, size_t len)
{
    if (d->kind == APP_DIGEST_MD5)
        md5_update(&d->state.md5, len, bytes);
    else if (d->kind == APP_DIGEST_SHA1)
        sha1_update(&d->state.sha1, len, bytes);
    else
        sha256_update(&d->state.sha256, len, bytes);
}

uint32_t app_digest_end(const struct app_digest *d, uint8_t out[APP_DIGEST_MAX])
{
    struct app_digest end = *d;
    if (d->kind == APP_DIGEST_MD5) {
        md5_digest(&end.state.md5, MD5_DIGEST_SIZE, out);
        return MD5_DIGEST_SIZE;
    }
    if (d->kind == APP_DIGEST_SHA1) {
        sha1_digest(&end.state.sha1, SHA1_DIGEST_SIZE, out);
        return SHA1_DIGEST_SIZE;
    }
    sha256_digest(&end.state.sha256, SHA256_DIGEST_SIZE, out);
    return SHA256_DIGEST_SIZE;
}

void app_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = 0;
}

static void digest_whole(enum app_digest_kind kind, const void *bytes, size_t len, uint8_t *out)
{
    struct app_digest d;
    uint8_t sum[APP_DIGEST_MAX];
    app_digest_begin(&d, kind);
    app_digest_add(&d, bytes, len);
    uint32_t n = app_digest_end(&d, sum);
    memcpy(out, sum, n);
}

void app_md5(const void *bytes, size_t len, uint8_t out[16])
{
    digest_whole(APP_DIGEST_MD5, bytes, len, out);
}

void app_md5_hex(const void *bytes, size_t len, char out[33])
{
    uint8_t sum[16];
    app_md5(bytes, len, sum);
    app_hex(sum, sizeof(sum), out);
}

void app_sha1(const void *bytes, size_t len, uint8_t out[20])
{
    digest_whole(APP_DIGEST_SHA1, bytes, len, out);
}

void app_sha256(const void *bytes, size_t len, uint8_t out[32])
{
    digest_whole(APP_DIGEST_SHA256, bytes, len, out);
}
