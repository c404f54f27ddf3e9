/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of files. */
#include "config.h"
#include "sensor/app/sums.h"

static const uint8_t lengths[APP_DIGEST_KINDS] = { 16, 20, 32 };

enum app_digest_kind app_sums_kind(enum sig_buffer buffer)
{
    switch (buffer) {
    case SIG_BUF_FILE_MD5:
        return APP_DIGEST_MD5;
    case SIG_BUF_FILE_SHA1:
        return APP_DIGEST_SHA1;
    case SIG_BUF_FILE_SHA256:
        return APP_DIGEST_SHA256;
    default:
        return APP_DIGEST_KINDS;
    }
}

static struct app_sums *get(struct app_ctx *ctx, struct app_sums **sums)
{
    if (!*sums && !(*sums = slab_try_zalloc(ctx->slab, sizeof(**sums))))
        app_count(ctx, APP_COUNT_NO_MEMORY);
    return *sums;
}

void app_sums_begin(struct app_ctx *ctx, struct app_sums **sums, const struct app_bytes *kept)
{
    struct app_sums *s = ctx->sums ? get(ctx, sums) : NULL;
    if (!s)
        return;
    for (unsigned k = 0; k < APP_DIGEST_KINDS; k++)
        app_digest_begin(&s->running[k], (enum app_digest_kind)k);
    s->runs = ctx->sums;
    app_sums_add(s, kept->data, kept->len);
}

void app_sums_add(struct app_sums *sums, const void *bytes, uint32_t len)
{
    for (unsigned k = 0; sums && len && k < APP_DIGEST_KINDS; k++) {
        if (sums->runs >> k & 1)
            app_digest_add(&sums->running[k], bytes, len);
    }
}

bool app_sums_view(struct app_ctx *ctx, struct app_sums **sums, const struct app_bytes *kept,
                   enum app_digest_kind kind, struct app_view *out)
{
    bool carried = *sums && (*sums)->runs >> kind & 1;
    if (!kept && !carried)
        return false;
    struct app_sums *s = get(ctx, sums);
    if (!s)
        return false;
    if (!(s->have >> kind & 1)) {
        struct app_digest d;
        app_digest_begin(&d, kind);
        if (kept && kept->len)
            app_digest_add(&d, kept->data, kept->len);
        (void)app_digest_end(kept ? &d : &s->running[kind], s->made[kind]);
        s->have |= (uint8_t)(1u << kind);
    }
    return app_view_set(out, s->made[kind], lengths[kind]);
}

void app_sums_free(struct app_ctx *ctx, struct app_sums *sums)
{
    if (sums)
        slab_free(ctx->slab, sums, sizeof(*sums));
}
