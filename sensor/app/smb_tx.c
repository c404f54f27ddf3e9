/* SPDX-License-Identifier: Apache-2.0 */
/* SMB's transactions, and what is remembered between requests and answers. */
#include "config.h"
#include "sensor/app/smb_ops.h"

#include <string.h>

/* ---- transactions -------------------------------------------------------------------------- */

/** Room for new ones: the oldest that is open is ended, as Suricata ends it. */
static void oldest_end(struct app_io *io)
{
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct smb_tx *t = (struct smb_tx *)tx;
        if (tx->progress[0] == SIG_PROGRESS_DONE && tx->progress[1] == SIG_PROGRESS_DONE)
            continue;
        smb_event(io, t, SMB_TOO_MANY_TRANSACTIONS);
        smb_tx_done(t, 0);
        smb_tx_done(t, 1);
        return;
    }
}

struct smb_tx *smb_tx_make(struct app_io *io, const struct smb_record *r, enum smb_kind kind,
                           enum smb_key key)
{
    if (io->af->tx_live > SMB_TX_OPEN_MAX)
        oldest_end(io);
    struct smb_tx *t = (struct smb_tx *)app_tx_new(io);
    if (!t)
        return NULL;
    t->kind = (uint8_t)kind;
    t->key = (uint8_t)key;
    t->version = r->version;
    t->command = r->command;
    t->session = r->session;
    t->message = r->message;
    t->tree = key == SMB_KEY_TREE ? 0 : r->tree;
    t->dir = (uint8_t)io->dir;
    if (kind != SMB_TX_CALL && kind != SMB_TX_FILE)
        smb_tx_done(t, SIG_DIR_TOSERVER);
    return t;
}

static bool is_keyed(const struct smb_tx *t, const struct smb_record *r, enum smb_key key)
{
    return t->key == key && t->session == r->session && t->message == r->message;
}

struct smb_tx *smb_tx_find(struct app_io *io, const struct smb_record *r, enum smb_kind kind,
                           enum smb_key key)
{
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct smb_tx *t = (struct smb_tx *)tx;
        if (t->kind == kind && is_keyed(t, r, key))
            return t;
    }
    return NULL;
}

struct smb_tx *smb_tx_of_command(struct app_io *io, const struct smb_record *r, enum smb_key key)
{
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct smb_tx *t = (struct smb_tx *)tx;
        if (t->version == r->version && t->command == r->command && is_keyed(t, r, key))
            return t;
    }
    return NULL;
}

void smb_tx_done(struct smb_tx *t, unsigned dir)
{
    app_tx_progress(&t->tx, dir, SIG_PROGRESS_DONE);
    t->tx.updated[!dir] = true;
}

void smb_tx_answered(struct smb_tx *t, const struct smb_record *r)
{
    t->has_status = true;
    t->status = r->status;
    t->dos = r->dos;
    t->tx.updated[0] = t->tx.updated[1] = true;
    if (r->status != SMB_STATUS_PENDING || r->version == 1)
        smb_tx_done(t, SIG_DIR_TOCLIENT);
}

void smb_event(struct app_io *io, struct smb_tx *t, enum smb_event event)
{
    struct app_tx *tx = t ? &t->tx : io->af->last;
    app_tx_event(tx, SIG_DIR_TOSERVER, event);
    app_tx_event(tx, SIG_DIR_TOCLIENT, event);
}

/* ---- memory -------------------------------------------------------------------------------- */

struct smb_id smb_id_of(const struct smb_record *r)
{
    return (struct smb_id){ .session = r->session, .message = r->message, .tree = r->tree };
}

struct smb_id smb_id_tree(const struct smb_record *r)
{
    return (struct smb_id){ .session = r->session, .tree = r->tree };
}

struct smb_id smb_id_handle(const struct smb_handle *handle)
{
    return (struct smb_id){ .handle = *handle };
}

struct smb_handle smb_handle_make(const struct smb_record *r, const uint8_t *bytes)
{
    struct smb_handle h = { .len = r->version == 1 ? 6 : SMB_HANDLE_MAX };
    memcpy(h.bytes, bytes, r->version == 1 ? 2 : SMB_HANDLE_MAX);
    if (r->version == 1)
        for (unsigned i = 0; i < 4; i++)
            h.bytes[2 + i] = (uint8_t)(r->session >> (24 - 8 * i));
    return h;
}

static bool handles_equal(const struct smb_handle *a, const struct smb_handle *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool ids_equal(const struct smb_id *a, const struct smb_id *b)
{
    return a->session == b->session && a->message == b->message && a->tree == b->tree &&
           handles_equal(&a->handle, &b->handle);
}

static void entry_free(struct app_ctx *ctx, struct smb_entry *entry)
{
    app_bytes_free(ctx->slab, &entry->text);
    slab_free(ctx->slab, entry, sizeof(*entry));
}

struct smb_entry *smb_entry_find(struct smb_state *s, enum smb_entry_kind kind,
                                 const struct smb_id *id)
{
    for (struct smb_entry **at = &s->entries[kind]; *at; at = &(*at)->next) {
        struct smb_entry *entry = *at;
        if (!ids_equal(&entry->id, id))
            continue;
        *at = entry->next; /* to the front: what is used stays, and is found soon */
        entry->next = s->entries[kind];
        s->entries[kind] = entry;
        return entry;
    }
    return NULL;
}

void smb_entry_drop(struct app_ctx *ctx, struct smb_state *s, enum smb_entry_kind kind,
                    struct smb_entry *entry)
{
    struct smb_entry **at = &s->entries[kind];
    while (*at && *at != entry)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = entry->next;
    s->counts[kind]--;
    entry_free(ctx, entry);
}

/** Forget the one that was not used for longest. */
static void last_drop(struct app_ctx *ctx, struct smb_state *s, enum smb_entry_kind kind)
{
    struct smb_entry *entry = s->entries[kind];
    while (entry && entry->next)
        entry = entry->next;
    app_count(ctx, APP_COUNT_SMB_LIMIT);
    smb_entry_drop(ctx, s, kind, entry);
}

struct smb_entry *smb_entry_put(struct app_ctx *ctx, struct smb_state *s, enum smb_entry_kind kind,
                                const struct smb_id *id, const void *text, uint32_t len)
{
    uint32_t limit = kind == SMB_ENTRY_PART ? SMB_PART_MAX : SMB_NAME_MAX;
    smb_entry_drop(ctx, s, kind, smb_entry_find(s, kind, id));
    if (s->counts[kind] >= SMB_ENTRIES_MAX)
        last_drop(ctx, s, kind);
    struct smb_entry *entry = slab_try_zalloc(ctx->slab, sizeof(*entry));
    if (!entry) {
        app_count(ctx, APP_COUNT_NO_MEMORY);
        return NULL;
    }
    entry->id = *id;
    if (len > 0 && !app_bytes_add(ctx->slab, &entry->text, text, len < limit ? len : limit))
        app_count(ctx, APP_COUNT_NO_MEMORY);
    entry->next = s->entries[kind];
    s->entries[kind] = entry;
    s->counts[kind]++;
    return entry;
}

void smb_name_add(struct app_ctx *ctx, struct app_bytes *out, const uint8_t *wide, uint32_t len)
{
    uint8_t text[SMB_NAME_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < len && n < sizeof(text); i++)
        if (wide[i] != 0)
            text[n++] = wide[i];
    if (n > 0 && !app_bytes_add(ctx->slab, out, text, n))
        app_count(ctx, APP_COUNT_NO_MEMORY);
}
