/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Digests of a file. They are worked out when somebody asks (a rule with filemd5 and its like, an
 * alert that describes the file), from the bytes that are kept. Only a file that outgrows what is
 * kept has its digests carried along, and only those that rules ask for.
 */
#ifndef SENSOR_APP_SUMS_H
#define SENSOR_APP_SUMS_H

#include "sensor/app/digest.h"
#include "sensor/app/parser.h"

/** Digests of one file; made when first needed. */
struct app_sums {
    struct app_digest running[APP_DIGEST_KINDS];
    uint8_t made[APP_DIGEST_KINDS][APP_DIGEST_MAX];
    uint8_t have; /* bits 1 << enum app_digest_kind of `made` */
    uint8_t runs; /* likewise of `running`: those that have had all bytes so far */
};

/** The digest that a buffer is (SIG_BUF_FILE_MD5, _SHA1, _SHA256); APP_DIGEST_KINDS: none. */
enum app_digest_kind app_sums_kind(enum sig_buffer buffer);

/**
 * The file outgrows `kept`, which is all of it so far: carry on those that rules ask for. `sums`
 * stays NULL when none is asked for or memory is out (counted).
 */
void app_sums_begin(struct app_ctx *ctx, struct app_sums **sums, const struct app_bytes *kept);

/** More bytes of a file that outgrew what is kept. NULL is allowed. */
void app_sums_add(struct app_sums *sums, const void *bytes, uint32_t len);

/**
 * A digest of a file that is whole; `kept` is all of it, or NULL when it outgrew that. False when
 * it was not carried along, or memory is out (counted). The view lives as long as `*sums`.
 */
bool app_sums_view(struct app_ctx *ctx, struct app_sums **sums, const struct app_bytes *kept,
                   enum app_digest_kind kind, struct app_view *out);

/** Free. NULL is allowed. */
void app_sums_free(struct app_ctx *ctx, struct app_sums *sums);

#endif
