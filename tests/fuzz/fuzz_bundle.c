/* SPDX-License-Identifier: Apache-2.0 */
/* What comes as a bundle: any bytes as the packed file, as its signature, and, rightly signed, as
 * the archive inside. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/sign.h"
#include "common/zst.h"
#include "signatures/bundle.h"

#define UNPACKED_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_signed(const uint8_t *data, size_t size)
{
    struct sign_secret key;
    struct buf packed;
    char public_text[256], signature[SIGN_FILE_MAX], reason[256];
    buf_init(&packed, BUNDLE_PACKED_MAX);
    sign_key_create(&key); /* the signature is not what is tested behind it */
    if (sign_public_format(&key.public_key, public_text, sizeof(public_text)) == 0 &&
        zst_compress(data, size, 1, &packed) == 0 &&
        sign_make(&key, packed.data, packed.len, "x", signature, sizeof(signature)) == 0)
        bundle_free(bundle_open(packed.data, packed.len, signature, strlen(signature), public_text,
                                reason, sizeof(reason)));
    buf_free(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sign_public public;
    struct sign_secret secret;
    char comment[SIGN_COMMENT_MAX + 1];
    struct buf out;
    if (sign_init())
        abort();
    buf_init(&out, UNPACKED_MAX);
    zst_decompress(data, size, &out);
    buf_free(&out);
    sign_public_parse((const char *)data, size, &public);
    sign_secret_parse((const char *)data, size, NULL, &secret);
    memset(&public, 0, sizeof(public));
    sign_check(&public, (const char *)data, size, data, size, comment);
    open_signed(data, size);
    return 0;
}
