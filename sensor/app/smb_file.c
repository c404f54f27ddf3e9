/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are read and written over SMB: each direction of a handle is a transaction. */
#include "config.h"
#include "sensor/app/smb_ops.h"

#include <string.h>

struct smb_tx *smb_file_find(struct app_io *io, const struct smb_handle *handle, unsigned dir)
{
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct smb_tx *t = (struct smb_tx *)tx;
        if (t->kind == SMB_TX_FILE && t->dir == dir && t->transfer.file &&
            t->handle.len == handle->len &&
            memcmp(t->handle.bytes, handle->bytes, handle->len) == 0)
            return t;
    }
    return NULL;
}

static struct smb_tx *file_make(struct app_io *io, const struct smb_record *r,
                                const struct smb_piece *piece, const char *unknown)
{
    struct smb_state *s = io->af->state;
    struct smb_id by_handle = smb_id_handle(&piece->handle), by_tree = smb_id_tree(r);
    struct smb_entry *name = smb_entry_find(s, SMB_ENTRY_NAME, &by_handle);
    struct smb_entry *tree = smb_entry_find(s, SMB_ENTRY_TREE, &by_tree);
    struct smb_tx *t = smb_tx_make(io, r, SMB_TX_FILE, SMB_KEY_NONE);
    if (!t)
        return NULL;
    t->handle = piece->handle;
    bool ok = name ? app_bytes_add(io->ctx->slab, &t->name, name->text.data, name->text.len)
                   : app_bytes_text(io->ctx->slab, &t->name, unknown);
    if (tree)
        ok = ok && app_bytes_add(io->ctx->slab, &t->more, tree->text.data, tree->text.len);
    if (!ok)
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
    return t;
}

/** Whether too many pieces wait already, of which rules can be told. */
static bool is_queue_full(struct app_io *io, const struct smb_tx *t)
{
    if (t->version == 1 || t->transfer.waiting_count < APP_TRANSFER_WAITING_MAX)
        return false;
    smb_event(io, NULL,
              io->dir == SIG_DIR_TOSERVER ? SMB_WRITE_QUEUE_CNT_EXCEEDED
                                          : SMB_READ_QUEUE_CNT_EXCEEDED);
    return true;
}

void smb_file_piece(struct app_io *io, const struct smb_record *r, struct smb_tx *t,
                    const struct smb_piece *piece, const char *unknown)
{
    struct smb_state *s = io->af->state;
    uint32_t left = piece->size > piece->len ? piece->size - piece->len : 0;
    if (!t && !(t = file_make(io, r, piece, unknown)))
        return;
    bool overlap = piece->offset < t->transfer.tracked;
    if (is_queue_full(io, t)) {
        s->skip[io->dir] = left;
        return;
    }
    const struct app_transfer_start start = { t->name.data, t->name.len, piece->offset,
                                              piece->size,  0,           false };
    (void)app_transfer_begin(io->ctx, &t->transfer, &start, piece->data, piece->len);
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_BODY);
    if (overlap)
        smb_event(io, NULL, SMB_FILE_OVERLAP);
    s->left[io->dir] = left;
    s->left_handle[io->dir] = piece->handle;
}

uint32_t smb_file_more(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct smb_state *s = io->af->state;
    uint32_t n = s->left[io->dir] < len ? s->left[io->dir] : len;
    struct smb_tx *t = smb_file_find(io, &s->left_handle[io->dir], io->dir);
    s->left[io->dir] -= n;
    if (t) {
        (void)app_transfer_add(io->ctx, &t->transfer, data, n);
        app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_BODY);
    }
    return n;
}

void smb_file_close(struct app_io *io, const struct smb_handle *handle, unsigned dir)
{
    struct smb_tx *t = smb_file_find(io, handle, dir);
    if (!t)
        return;
    app_transfer_close(io->ctx, &t->transfer);
    smb_tx_done(t, SIG_DIR_TOSERVER);
    smb_tx_done(t, SIG_DIR_TOCLIENT);
}
