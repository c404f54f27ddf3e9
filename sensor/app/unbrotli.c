/* SPDX-License-Identifier: Apache-2.0 */
/* libbrotlidec over the slab and a worker's slots. */
#include "config.h"
#include "sensor/app/unbrotli.h"

#include <stdbool.h>
#include <stdlib.h>

#include <brotli/decode.h>

#include "common/pages.h"
#include "common/slab.h"
#include "common/xalloc.h"

/**
 * The longest window (RFC 7932 9.1: 2^24 bytes) and what the decoder writes behind it, with a page
 * to spare.
 */
#define SLOT_BYTES (((size_t)16 << 20) + 8192)

struct unbrotli_slots {
    uint8_t *base;
    bool taken[UNBROTLI_SLOTS];
};

struct unbrotli {
    struct slab *slab;
    struct unbrotli_slots *slots;
    BrotliDecoderState *state;
};

/* ---- slots --------------------------------------------------------------------------------- */

struct unbrotli_slots *unbrotli_slots_create(void)
{
    struct unbrotli_slots *s = xcalloc(1, sizeof(*s));
    s->base = pages_alloc(SLOT_BYTES * UNBROTLI_SLOTS, "windows of brotli");
    return s;
}

void unbrotli_slots_free(struct unbrotli_slots *slots)
{
    if (!slots)
        return;
    pages_free(slots->base, SLOT_BYTES * UNBROTLI_SLOTS);
    free(slots);
}

static void *slot_take(struct unbrotli_slots *s, size_t size)
{
    for (unsigned i = 0; size <= SLOT_BYTES && i < UNBROTLI_SLOTS; i++) {
        if (s->taken[i])
            continue;
        s->taken[i] = true;
        return s->base + i * SLOT_BYTES;
    }
    return NULL;
}

static bool slot_give(struct unbrotli_slots *s, const void *block)
{
    uintptr_t at = (uintptr_t)block - (uintptr_t)s->base; /* wraps for what lies before */
    if (at >= SLOT_BYTES * UNBROTLI_SLOTS)
        return false;
    s->taken[at / SLOT_BYTES] = false;
    return true;
}

/* ---- the decoder's memory ------------------------------------------------------------------ */

static void *block_take(void *arg, size_t size)
{
    struct unbrotli *u = arg;
    return size > SLAB_SIZED_MAX ? slot_take(u->slots, size) : slab_try_sized(u->slab, size);
}

static void block_give(void *arg, void *block)
{
    struct unbrotli *u = arg;
    if (block && !slot_give(u->slots, block))
        slab_free_sized(u->slab, block);
}

struct unbrotli *unbrotli_open(struct slab *slab, struct unbrotli_slots *slots)
{
    struct unbrotli *u = slab_try_zalloc(slab, sizeof(*u));
    if (!u)
        return NULL;
    u->slab = slab;
    u->slots = slots;
    u->state = BrotliDecoderCreateInstance(block_take, block_give, u);
    if (!u->state) {
        slab_free(slab, u, sizeof(*u));
        return NULL;
    }
    return u;
}

void unbrotli_free(struct unbrotli *u)
{
    if (!u)
        return;
    BrotliDecoderDestroyInstance(u->state);
    slab_free(u->slab, u, sizeof(*u));
}

/* ---- bytes --------------------------------------------------------------------------------- */

static enum unbrotli_status failure(const struct unbrotli *u)
{
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(u->state);
    bool memory = code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                  code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
    return memory ? UNBROTLI_NO_ROOM : UNBROTLI_BROKEN;
}

enum unbrotli_status unbrotli_next(struct unbrotli *u, struct unbrotli_io *io)
{
    switch (BrotliDecoderDecompressStream(u->state, &io->in_left, &io->in, &io->out_left, &io->out,
                                          NULL)) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        return UNBROTLI_END;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
        return UNBROTLI_MORE;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
        return UNBROTLI_FULL;
    default:
        return failure(u);
    }
}
