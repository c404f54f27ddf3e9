/* SPDX-License-Identifier: Apache-2.0 */
/* Files in pieces. */
#include "config.h"
#include "sensor/app/transfer.h"

struct app_transfer_piece {
    struct app_transfer_piece *next;
    uint64_t offset;
    struct app_bytes data;
};

static void piece_free(struct app_ctx *ctx, struct app_transfer_piece *piece)
{
    app_bytes_free(ctx->slab, &piece->data);
    slab_free(ctx->slab, piece, sizeof(*piece));
}

static void file_finish(struct app_transfer *t)
{
    if (t->file)
        t->file->done = true;
}

void app_transfer_cut(struct app_ctx *ctx, struct app_transfer *t)
{
    if (t->cut || !t->file)
        return;
    (void)ctx;
    file_finish(t);
    t->file->truncated = true;
    t->cut = true;
}

void app_transfer_close(struct app_ctx *ctx, struct app_transfer *t)
{
    (void)ctx;
    if (!t->cut)
        file_finish(t);
    t->file = NULL;
    t->tracked = 0;
    t->cut = false;
}

static void append(struct app_ctx *ctx, struct app_transfer *t, const uint8_t *data, uint32_t len)
{
    if (!t->cut && t->file)
        app_file_add(ctx, t->file, data, len);
    t->tracked += len;
}

/** Put aside bytes of a piece that does not join on. */
static void put_aside(struct app_ctx *ctx, struct app_transfer *t, const uint8_t *data,
                      uint32_t len)
{
    struct app_transfer_piece *piece = t->waiting;
    while (piece && piece->offset != t->offset)
        piece = piece->next;
    bool full = len > APP_TRANSFER_BYTES_MAX - t->waiting_bytes ||
                (!piece && t->waiting_count >= APP_TRANSFER_WAITING_MAX);
    if (!piece && !full && (piece = slab_try_zalloc(ctx->slab, sizeof(*piece)))) {
        piece->offset = t->offset;
        piece->next = t->waiting;
        t->waiting = piece;
        t->waiting_count++;
    }
    if (full || !piece || !app_bytes_add(ctx->slab, &piece->data, data, len)) {
        app_count(ctx, full ? APP_COUNT_TRANSFER_LIMIT : APP_COUNT_NO_MEMORY);
        app_transfer_cut(ctx, t);
        return;
    }
    t->waiting_bytes += len;
}

/** Append what waited for the place that is reached now. */
static void take_waiting(struct app_ctx *ctx, struct app_transfer *t)
{
    struct app_transfer_piece **at = &t->waiting;
    while (*at) {
        struct app_transfer_piece *piece = *at;
        if (piece->offset != t->tracked) {
            at = &piece->next;
            continue;
        }
        *at = piece->next;
        t->waiting_count--;
        t->waiting_bytes -= piece->data.len;
        append(ctx, t, piece->data.data, piece->data.len);
        piece_free(ctx, piece);
        at = &t->waiting;
    }
}

static uint32_t skip_fill(struct app_transfer *t, uint32_t len)
{
    uint32_t n = t->fill < len ? t->fill : len;
    t->fill -= n;
    return n;
}

static void piece_end(struct app_ctx *ctx, struct app_transfer *t)
{
    if (!t->early)
        take_waiting(ctx, t);
    t->early = false;
    if (t->last)
        app_transfer_close(ctx, t);
    t->last = false;
}

uint32_t app_transfer_add(struct app_ctx *ctx, struct app_transfer *t, const uint8_t *data,
                          uint32_t len)
{
    uint32_t n = t->left < len ? t->left : len;
    if (t->left == 0) {
        if (t->fill == 0 && t->last)
            piece_end(ctx, t);
        return skip_fill(t, len);
    }
    if (n > 0 && t->early)
        put_aside(ctx, t, data, n);
    else if (n > 0)
        append(ctx, t, data, n);
    t->left -= n;
    if (t->left > 0)
        return n;
    piece_end(ctx, t);
    return n + skip_fill(t, len - n);
}

uint32_t app_transfer_begin(struct app_ctx *ctx, struct app_transfer *t,
                            const struct app_transfer_start *start, const uint8_t *data,
                            uint32_t len)
{
    if (t->left > 0 || t->fill > 0)
        app_transfer_cut(ctx, t);
    t->early = start->offset != t->tracked;
    if (t->early && start->last)
        app_transfer_cut(ctx, t);
    t->offset = start->offset;
    t->left = start->size;
    t->fill = start->fill;
    t->last = start->last;
    if (!t->file)
        t->file = app_file_open(ctx, &t->files, start->name, start->name_len);
    return app_transfer_add(ctx, t, data, len);
}

void app_transfer_free(struct app_ctx *ctx, struct app_transfer *t)
{
    while (t->waiting) {
        struct app_transfer_piece *piece = t->waiting;
        t->waiting = piece->next;
        piece_free(ctx, piece);
    }
    app_files_free(ctx, &t->files);
    *t = (struct app_transfer){ 0 };
}
