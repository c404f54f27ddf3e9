/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NFS versions 2 and 3 (RFC 1094, 1813) over ONC RPC (RFC 5531), by TCP's record marks or in
 * datagrams. A call and its reply are a transaction; a file that is read or written is one of its
 * own, as in Suricata 7.0.10, which also takes version 2's procedures by version 3's numbers. Of
 * version 4 the framing alone is followed.
 */
#include "config.h"
#include "sensor/app/parsers.h"

#include <string.h>

#include "common/cursor.h"
#include "common/json.h"
#include "sensor/app/transfer.h"

/** File handles: version 2 has 32 bytes, version 3 up to 64. */
#define NFS_HANDLE_MAX 64u
#define NFS2_HANDLE    32u
/** Longest name that is kept. */
#define NFS_NAME_MAX 1024u
/** Calls and names of a flow that are remembered; the oldest are forgotten. */
#define NFS_ENTRIES_MAX 512u
/** Longest credentials and verifiers (Suricata's limit). */
#define RPC_AUTH_MAX 4096u
/** Least bytes of a record, and of one that is taken before it is whole. */
#define RPC_RECORD_MIN  24u
#define RPC_PARTIAL_MIN 512u
#define RPC_CALL_HEAD   44u
#define RPC_REPLY_HEAD  128u
#define NFS3_ATTRIBUTES 84u
#define NFS2_ATTRIBUTES 68u
/** Version 3's "stable" of a write that needs no commit. */
#define FILE_SYNC 2u

enum nfs_procedure {
    NFS_LOOKUP = 3,
    NFS_READ = 6,
    NFS_WRITE = 7,
    NFS_CREATE = 8,
    NFS_READDIRPLUS = 17,
    NFS_COMMIT = 21,
};

enum nfs_event {
    NFS_MALFORMED_DATA,
    NFS_NONEXISTING_VERSION,
    NFS_UNSUPPORTED_VERSION,
    NFS_TOO_MANY_TRANSACTIONS,
};

static const char *const nfs_events[] = { "malformed_data", "nonexisting_version",
                                          "unsupported_version", "too_many_transactions", NULL };

struct nfs_handle {
    uint8_t len;
    uint8_t bytes[NFS_HANDLE_MAX];
};

/** A call that waits for its reply (by xid), or a file's name (by handle). */
struct nfs_entry {
    struct nfs_entry *next;
    uint32_t xid, procedure, version;
    struct nfs_handle handle;
    struct app_bytes name;
    uint64_t offset;
};

struct nfs_list {
    struct nfs_entry *first;
    uint32_t count;
};

struct nfs_tx {
    struct app_tx tx;
    uint32_t xid, procedure, version, status;
    bool file, replied;
    uint8_t dir;
    struct nfs_handle handle;
    struct app_bytes name;
    struct app_transfer transfer;
};

struct nfs_state {
    struct nfs_list calls, names;
    uint32_t left[2]; /* bytes of a read or write that is going on, and its file */
    struct nfs_handle left_handle[2];
    uint32_t skip[2]; /* bytes of a record that nobody wants */
    bool lost[2];     /* after a gap: search for a record */
};

/** One call or reply, as far as its bytes are there. */
struct rpc {
    uint32_t xid, version, procedure, state;
    struct cursor body;
};

/* ---- memory -------------------------------------------------------------------------------- */

static bool handles_equal(const struct nfs_handle *a, const struct nfs_handle *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static void entry_free(struct app_ctx *ctx, struct nfs_entry *entry)
{
    app_bytes_free(ctx->slab, &entry->name);
    slab_free(ctx->slab, entry, sizeof(*entry));
}

/** Take the entry out of its list, and forget it. */
static void entry_drop(struct app_ctx *ctx, struct nfs_list *list, struct nfs_entry *entry)
{
    struct nfs_entry **at = &list->first;
    while (*at && *at != entry)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = entry->next;
    list->count--;
    entry_free(ctx, entry);
}

static struct nfs_entry *entry_add(struct app_ctx *ctx, struct nfs_list *list)
{
    if (list->count >= NFS_ENTRIES_MAX) {
        struct nfs_entry *last = list->first;
        while (last->next)
            last = last->next;
        app_count(ctx, APP_COUNT_NFS_LIMIT);
        entry_drop(ctx, list, last);
    }
    struct nfs_entry *entry = slab_try_zalloc(ctx->slab, sizeof(*entry));
    if (!entry) {
        app_count(ctx, APP_COUNT_NO_MEMORY);
        return NULL;
    }
    entry->next = list->first;
    list->first = entry;
    list->count++;
    return entry;
}

static struct nfs_entry *call_find(struct nfs_state *s, uint32_t xid)
{
    struct nfs_entry *entry = s->calls.first;
    while (entry && entry->xid != xid)
        entry = entry->next;
    return entry;
}

static struct nfs_entry *name_find(struct nfs_state *s, const struct nfs_handle *handle)
{
    struct nfs_entry *entry = s->names.first;
    while (entry && !handles_equal(&entry->handle, handle))
        entry = entry->next;
    return entry;
}

static void text_add(struct app_ctx *ctx, struct app_bytes *out, const void *text, uint32_t len)
{
    if (len > NFS_NAME_MAX)
        app_count(ctx, APP_COUNT_NFS_LIMIT);
    else if (len > 0 && !app_bytes_add(ctx->slab, out, text, len))
        app_count(ctx, APP_COUNT_NO_MEMORY);
}

/** Remember what a handle is called. */
static void name_put(struct app_ctx *ctx, struct nfs_state *s, const struct nfs_handle *handle,
                     const void *name, uint32_t len)
{
    if (handle->len == 0)
        return;
    struct nfs_entry *known = name_find(s, handle);
    if (known)
        entry_drop(ctx, &s->names, known);
    struct nfs_entry *entry = entry_add(ctx, &s->names);
    if (!entry)
        return;
    entry->handle = *handle;
    text_add(ctx, &entry->name, name, len);
}

/* ---- transactions -------------------------------------------------------------------------- */

static void both_updated(struct app_tx *tx)
{
    tx->updated[0] = tx->updated[1] = true;
}

static struct nfs_tx *tx_make(struct app_io *io, const struct nfs_entry *call)
{
    struct nfs_tx *t = (struct nfs_tx *)app_tx_new(io);
    if (!t)
        return NULL;
    t->xid = call->xid;
    t->procedure = call->procedure;
    t->version = call->version;
    t->handle = call->handle;
    text_add(io->ctx, &t->name, call->name.data, call->name.len);
    return t;
}

static struct nfs_tx *file_find(struct app_io *io, const struct nfs_handle *handle, unsigned dir)
{
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct nfs_tx *t = (struct nfs_tx *)tx;
        if (t->file && t->dir == dir && handles_equal(&t->handle, handle) &&
            tx->progress[dir] != SIG_PROGRESS_DONE)
            return t;
    }
    return NULL;
}

/** The file's transaction in this direction, a new one when there is none. */
static struct nfs_tx *file_get(struct app_io *io, const struct nfs_entry *call, unsigned dir)
{
    struct nfs_tx *t = file_find(io, &call->handle, dir);
    if (t || !(t = tx_make(io, call)))
        return t;
    t->file = true;
    t->dir = (uint8_t)dir;
    return t;
}

static void malformed(struct app_io *io)
{
    app_tx_event(io->af->last, SIG_DIR_TOSERVER, NFS_MALFORMED_DATA);
    app_tx_event(io->af->last, SIG_DIR_TOCLIENT, NFS_MALFORMED_DATA);
}

/* ---- pieces of files ----------------------------------------------------------------------- */

/** A piece as a write call or read reply has it. */
struct piece {
    uint64_t offset;
    uint32_t size;
    bool last;
    const uint8_t *data;
    uint32_t len; /* what is there, padding included */
};

static uint32_t padding(uint32_t len)
{
    return (4 - len % 4) % 4;
}

static void piece_take(struct app_io *io, struct nfs_tx *t, const struct piece *p)
{
    struct nfs_state *s = io->af->state;
    const struct app_transfer_start start = { t->name.data, t->name.len,      p->offset,
                                              p->size,      padding(p->size), p->last };
    uint32_t taken = app_transfer_begin(io->ctx, &t->transfer, &start, p->data, p->len);
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_BODY);
    s->left[io->dir] = p->size + padding(p->size) - taken;
    s->left_handle[io->dir] = t->handle;
    both_updated(&t->tx);
}

/** A piece that is its file's last is whole. */
static void piece_last(struct nfs_tx *t)
{
    app_tx_progress(&t->tx, SIG_DIR_TOSERVER, SIG_PROGRESS_DONE);
    if (t->dir == SIG_DIR_TOCLIENT)
        app_tx_progress(&t->tx, SIG_DIR_TOCLIENT, SIG_PROGRESS_DONE);
}

/** More bytes of the piece at hand; returns how many were taken. */
static uint32_t piece_more(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct nfs_state *s = io->af->state;
    uint32_t n = s->left[io->dir] < len ? s->left[io->dir] : len;
    struct nfs_tx *t = file_find(io, &s->left_handle[io->dir], io->dir);
    s->left[io->dir] -= n;
    if (!t)
        return n;
    (void)app_transfer_add(io->ctx, &t->transfer, data, n);
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_BODY);
    if (!t->transfer.file && s->left[io->dir] == 0)
        piece_last(t);
    return n;
}

/* ---- calls --------------------------------------------------------------------------------- */

static bool handle_read(struct cursor *c, uint32_t version, struct nfs_handle *out)
{
    uint32_t len = version == 2 ? NFS2_HANDLE : cursor_be32(c);
    const uint8_t *bytes = len <= NFS_HANDLE_MAX ? cursor_take(c, len) : NULL;
    if (!bytes)
        return false;
    out->len = (uint8_t)len;
    memcpy(out->bytes, bytes, len);
    cursor_skip(c, padding(len));
    return !c->bad;
}

static bool name_read(struct app_ctx *ctx, struct cursor *c, struct app_bytes *out)
{
    uint32_t len = cursor_be32(c);
    const uint8_t *text = cursor_take(c, len);
    if (!text)
        return false;
    text_add(ctx, out, text, len);
    return true;
}

static void name_known(struct app_io *io, struct nfs_entry *call)
{
    const struct nfs_entry *name = name_find(io->af->state, &call->handle);
    if (name)
        text_add(io->ctx, &call->name, name->name.data, name->name.len);
}

/** WRITE: a piece of a file, whole or not. */
static void write_take(struct app_io *io, const struct rpc *r, struct nfs_entry *call)
{
    struct cursor c = r->body;
    struct piece p = { .size = 0 };
    bool ok = handle_read(&c, r->version, &call->handle);
    p.offset = cursor_be64(&c);
    uint32_t count = cursor_be32(&c), stable = cursor_be32(&c);
    p.size = cursor_be32(&c);
    p.last = stable == FILE_SYNC;
    p.data = c.at;
    p.len = (uint32_t)cursor_left(&c);
    if (!ok || c.bad || stable > FILE_SYNC || p.size > count) {
        malformed(io);
        return;
    }
    name_known(io, call);
    struct nfs_tx *t = file_get(io, call, SIG_DIR_TOSERVER);
    if (!t)
        return;
    piece_take(io, t, &p);
    if (p.last && !t->transfer.file)
        piece_last(t);
}

/** COMMIT: the file is written. Rules on this procedure see it in the file's transaction. */
static void commit_take(struct app_io *io, struct nfs_entry *call)
{
    struct nfs_tx *t = file_find(io, &call->handle, SIG_DIR_TOSERVER);
    if (!t)
        return;
    t->procedure = NFS_COMMIT;
    app_transfer_close(io->ctx, &t->transfer);
    app_tx_progress(&t->tx, SIG_DIR_TOSERVER, SIG_PROGRESS_DONE);
}

/** What a procedure of version 3 is about: a handle, a name in it, an offset. */
static bool arguments3_read(struct app_io *io, const struct rpc *r, struct nfs_entry *call)
{
    struct cursor c = r->body;
    struct nfs_handle folder;
    switch (r->procedure) {
    case NFS_LOOKUP:
        return handle_read(&c, 3, &folder) && name_read(io->ctx, &c, &call->name);
    case NFS_CREATE:
    case 9:  /* MKDIR */
    case 12: /* REMOVE */
    case 13: /* RMDIR */
    case 14: /* RENAME */
        return handle_read(&c, 3, &call->handle) && name_read(io->ctx, &c, &call->name);
    case 1: /* GETATTR */
    case 4: /* ACCESS */
    case NFS_READ:
    case NFS_READDIRPLUS:
    case NFS_COMMIT:
        if (!handle_read(&c, 3, &call->handle))
            return false;
        name_known(io, call);
        call->offset = r->procedure == NFS_READ ? cursor_be64(&c) : 0;
        return !c.bad;
    default:
        return true;
    }
}

static bool arguments2_read(struct app_io *io, const struct rpc *r, struct nfs_entry *call)
{
    struct cursor c = r->body;
    if (r->procedure != NFS_LOOKUP && r->procedure != NFS_READ)
        return true;
    if (!handle_read(&c, 2, &call->handle))
        return false;
    name_known(io, call);
    call->offset = r->procedure == NFS_READ ? cursor_be32(&c) : 0;
    return !c.bad;
}

static void call_take(struct app_io *io, const struct rpc *r)
{
    struct nfs_state *s = io->af->state;
    bool known = r->version == 2 || r->version == 3;
    struct nfs_entry *call = known ? entry_add(io->ctx, &s->calls) : NULL;
    if (!call)
        return;
    call->xid = r->xid;
    call->version = r->version;
    call->procedure = r->procedure;
    if (r->version == 3 && r->procedure == NFS_WRITE) {
        write_take(io, r, call);
        return;
    }
    if (!(r->version == 3 ? arguments3_read(io, r, call) : arguments2_read(io, r, call)))
        malformed(io);
    else if (r->version == 3 && r->procedure == NFS_COMMIT)
        commit_take(io, call);
    if (r->procedure == NFS_READ && r->version == 3)
        (void)file_get(io, call, SIG_DIR_TOCLIENT);
    if (r->procedure == NFS_READ || r->procedure == NFS_WRITE || r->procedure == NFS_COMMIT)
        return;
    struct nfs_tx *t = tx_make(io, call);
    if (t)
        app_tx_progress(&t->tx, SIG_DIR_TOSERVER, SIG_PROGRESS_DONE);
}

/* ---- replies ------------------------------------------------------------------------------- */

/** READ's reply: a piece of the file, whole or not. */
static void read_take(struct app_io *io, const struct rpc *r, const struct nfs_entry *call)
{
    struct cursor c = r->body;
    struct piece p = { .offset = call->offset };
    uint32_t status = cursor_be32(&c);
    if (call->version == 2) {
        cursor_skip(&c, 20);
        uint32_t size = cursor_be32(&c); /* of the whole file */
        cursor_skip(&c, NFS2_ATTRIBUTES - 24);
        p.size = cursor_be32(&c);
        p.last = size == p.offset + p.size;
    } else {
        bool follows = cursor_be32(&c);
        cursor_skip(&c, follows ? NFS3_ATTRIBUTES : 0);
        uint32_t count = status == 0 ? cursor_be32(&c) : 0;
        p.last = status == 0 && cursor_be32(&c);
        p.size = status == 0 ? cursor_be32(&c) : 0;
        if (p.size > count)
            c.bad = true;
    }
    if (c.bad) {
        malformed(io);
        return;
    }
    p.data = c.at;
    p.len = (uint32_t)cursor_left(&c);
    bool made = !file_find(io, &call->handle, SIG_DIR_TOCLIENT);
    struct nfs_tx *t = status == 0 ? file_get(io, call, SIG_DIR_TOCLIENT) : NULL;
    if (!t)
        return;
    if (made)
        t->version = 0; /* rules on the version don't match it in Suricata */
    t->replied = true;
    piece_take(io, t, &p);
    if (p.last && !t->transfer.file)
        piece_last(t);
}

/** Names and handles of a folder's entries (RFC 1813 3.3.17). */
static void folder_take(struct app_io *io, struct cursor c)
{
    (void)cursor_be32(&c); /* status */
    bool follows = cursor_be32(&c);
    cursor_skip(&c, (follows ? NFS3_ATTRIBUTES : 0) + 8u);
    while (cursor_be32(&c) == 1 && !c.bad) {
        struct nfs_handle handle = { .len = 0 };
        cursor_skip(&c, 8);
        uint32_t len = cursor_be32(&c);
        const uint8_t *name = cursor_take(&c, len);
        cursor_skip(&c, padding(len) + 8u);
        cursor_skip(&c, cursor_be32(&c) ? NFS3_ATTRIBUTES : 0);
        if (cursor_be32(&c) && !handle_read(&c, 3, &handle))
            break;
        if (!c.bad)
            name_put(io->ctx, io->af->state, &handle, name, len);
    }
    if (c.bad)
        malformed(io);
}

/** LOOKUP and CREATE tell the handle of a name. */
static void handle_take(struct app_io *io, struct cursor c, const struct nfs_entry *call)
{
    struct nfs_handle handle = { .len = 0 };
    uint32_t status = cursor_be32(&c);
    bool follows = call->procedure == NFS_LOOKUP || cursor_be32(&c);
    if (status != 0 || !follows || call->version != 3)
        return;
    if (handle_read(&c, 3, &handle))
        name_put(io->ctx, io->af->state, &handle, call->name.data, call->name.len);
    else
        malformed(io);
}

static void reply_take(struct app_io *io, const struct rpc *r)
{
    struct nfs_state *s = io->af->state;
    struct nfs_entry *call = call_find(s, r->xid);
    if (!call)
        return;
    struct cursor c = r->body;
    if (call->procedure == NFS_READ)
        read_take(io, r, call);
    else if (call->procedure == NFS_LOOKUP || call->procedure == NFS_CREATE)
        handle_take(io, c, call);
    else if (call->procedure == NFS_READDIRPLUS && call->version == 3)
        folder_take(io, c);
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct nfs_tx *t = (struct nfs_tx *)tx;
        if (t->file || t->xid != r->xid)
            continue;
        t->replied = true;
        t->status = cursor_be32(&c);
        app_tx_progress(tx, SIG_DIR_TOCLIENT, SIG_PROGRESS_DONE);
        break;
    }
    entry_drop(io->ctx, &s->calls, call);
}

/* ---- RPC ----------------------------------------------------------------------------------- */

/** Skip credentials or a verifier: kind, length, bytes. */
static bool auth_skip(struct cursor *c)
{
    cursor_skip(c, 4);
    uint32_t len = cursor_be32(c);
    if (len >= RPC_AUTH_MAX)
        return false;
    cursor_skip(c, len);
    return !c->bad;
}

/** A message without its record mark; false when it can't be read. */
static bool rpc_read(struct cursor c, bool reply, struct rpc *out)
{
    *out = (struct rpc){ .xid = cursor_be32(&c) };
    if (cursor_be32(&c) != reply)
        return false;
    if (reply) {
        out->state = cursor_be32(&c);
        if (!auth_skip(&c))
            return false;
        cursor_skip(&c, 4);
    } else {
        cursor_skip(&c, 8); /* RPC's version, program */
        out->version = cursor_be32(&c);
        out->procedure = cursor_be32(&c);
        if (!auth_skip(&c) || !auth_skip(&c))
            return false;
    }
    out->body = c;
    return !c.bad;
}

static void rpc_take(struct app_io *io, const struct rpc *r)
{
    if (io->dir == SIG_DIR_TOSERVER)
        call_take(io, r);
    else
        reply_take(io, r);
}

static void nfs_datagram(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct nfs_state *s = io->af->state;
    struct rpc r;
    if (rpc_read(cursor_make(data, len), io->dir == SIG_DIR_TOCLIENT, &r))
        rpc_take(io, &r);
    s->left[io->dir] = 0; /* a datagram stands alone */
}

/** The beginning of a large read or write: the rest will follow as the file's bytes. */
static bool partial_take(struct app_io *io, struct cursor c)
{
    struct nfs_state *s = io->af->state;
    bool reply = io->dir == SIG_DIR_TOCLIENT;
    struct rpc r;
    if (cursor_left(&c) + 4 < (reply ? RPC_REPLY_HEAD : RPC_CALL_HEAD) || !rpc_read(c, reply, &r))
        return false;
    const struct nfs_entry *call = reply ? call_find(s, r.xid) : NULL;
    struct cursor piece = r.body;
    if (reply && (!call || call->procedure != NFS_READ || call->version != 3))
        return false;
    if (!reply && (r.procedure != NFS_WRITE || r.version != 3))
        return false;
    cursor_skip(&piece, reply ? 8 + NFS3_ATTRIBUTES + 12 : 4 + NFS_HANDLE_MAX + 20);
    if (piece.bad)
        return false; /* not all of its head is there */
    rpc_take(io, &r);
    return true;
}

static uint32_t ongoing_take(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct nfs_state *s = io->af->state;
    uint32_t used = s->skip[io->dir] < len ? s->skip[io->dir] : len;
    s->skip[io->dir] -= used;
    if (s->left[io->dir] > 0 && used < len)
        used += piece_more(io, data + used, len - used);
    return used;
}

/** After a gap: bytes up to what looks like a record. */
static uint32_t record_search(struct nfs_state *s, unsigned dir, const uint8_t *data, uint32_t len)
{
    for (uint32_t at = 0; at + 20 <= len; at++) {
        struct cursor c = cursor_make(data + at, 20);
        bool last = cursor_be32(&c) >> 31;
        cursor_skip(&c, 4);
        uint32_t type = cursor_be32(&c), version = cursor_be32(&c), program = cursor_be32(&c);
        bool call = type == 0 && version == 2 && program == 100003;
        bool reply = type == 1 && version <= 1 && program == 0;
        if (last && (dir == SIG_DIR_TOSERVER ? call : reply)) {
            s->lost[dir] = false;
            return at;
        }
    }
    return len >= 20 ? len - 19 : 0;
}

/** What to do with a record that is not whole: how many of the `there` bytes behind the mark. */
static uint32_t partial_record(struct app_io *io, const uint8_t *data, uint32_t there,
                               uint32_t size)
{
    struct nfs_state *s = io->af->state;
    if (size + 4 >= RPC_PARTIAL_MIN && partial_take(io, cursor_make(data, there)))
        return 4 + there;
    if (size <= APP_CARRY_MAX - 4) {
        io->want = size + 4 < RPC_PARTIAL_MIN ? size + 4 : 0;
        return 0;
    }
    if (there < RPC_PARTIAL_MIN)
        return 0;
    app_count(io->ctx, APP_COUNT_CARRY_LIMIT);
    s->skip[io->dir] = size - there;
    return 4 + there;
}

static uint32_t nfs_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    (void)old;
    struct nfs_state *s = io->af->state;
    uint32_t used = ongoing_take(io, data, len);
    if (s->lost[io->dir])
        used += record_search(s, io->dir, data + used, len - used);
    while (!s->lost[io->dir] && len - used >= 4) {
        struct cursor c = cursor_make(data + used, 4);
        uint32_t size = cursor_be32(&c) & 0x7fffffff, there = len - used - 4;
        struct rpc r;
        if (size < RPC_RECORD_MIN) {
            malformed(io);
            return APP_GIVE_UP;
        }
        if (there < size)
            return used + partial_record(io, data + used + 4, there, size);
        if (rpc_read(cursor_make(data + used + 4, size), io->dir == SIG_DIR_TOCLIENT, &r)) {
            rpc_take(io, &r);
            s->left[io->dir] = 0;
        } else {
            malformed(io);
        }
        used += 4 + size;
    }
    return used;
}

static bool nfs_gap(struct app_io *io, uint32_t len)
{
    struct nfs_state *s = io->af->state;
    struct nfs_tx *t = file_find(io, &s->left_handle[io->dir], io->dir);
    uint32_t skipped = s->skip[io->dir] < len ? s->skip[io->dir] : len;
    s->skip[io->dir] -= skipped;
    if (s->left[io->dir] > 0 && len > skipped) {
        if (t)
            app_transfer_cut(io->ctx, &t->transfer);
        s->left[io->dir] -= s->left[io->dir] < len - skipped ? s->left[io->dir] : len - skipped;
    }
    s->lost[io->dir] = s->skip[io->dir] == 0 && s->left[io->dir] == 0;
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        if (((struct nfs_tx *)tx)->file)
            continue; /* goes on behind the gap */
        app_tx_progress(tx, SIG_DIR_TOSERVER, SIG_PROGRESS_DONE);
        if (io->dir == SIG_DIR_TOCLIENT)
            app_tx_progress(tx, SIG_DIR_TOCLIENT, SIG_PROGRESS_DONE);
    }
    return true;
}

static void nfs_end(struct app_io *io, const uint8_t *data, uint32_t len)
{
    (void)data;
    (void)len;
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct nfs_tx *t = (struct nfs_tx *)tx;
        if (t->file && t->dir == io->dir)
            app_transfer_cut(io->ctx, &t->transfer);
    }
}

/* ---- what rules see ------------------------------------------------------------------------ */

static bool nfs_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                       enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)af;
    struct nfs_tx *t = (struct nfs_tx *)tx;
    return t->file && t->dir == dir &&
           app_files_buffer(ctx, &t->transfer.files, buffer, index, out);
}

static void nfs_advance(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir)
{
    (void)ctx;
    (void)af;
    struct nfs_tx *t = (struct nfs_tx *)tx;
    if (t->file && t->dir == dir)
        app_files_advance(&t->transfer.files);
}

static bool nfs_file(struct app_ctx *ctx, struct app_tx *tx, unsigned dir, uint32_t index,
                     struct app_file_view *out)
{
    const struct nfs_tx *t = (const struct nfs_tx *)tx;
    return t->file && t->dir == dir && app_files_get(ctx, &t->transfer.files, index, out);
}

static bool nfs_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                       uint64_t *out)
{
    (void)af;
    const struct nfs_tx *t = (const struct nfs_tx *)tx;
    if (dir != SIG_DIR_TOSERVER)
        return false;
    if (strcmp(name, "nfs_procedure") == 0)
        *out = t->procedure;
    else if (strcmp(name, "nfs.version") == 0)
        *out = t->version;
    else
        return false;
    return true;
}

static void nfs_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct nfs_tx *t = (struct nfs_tx *)tx;
    app_bytes_free(ctx->slab, &t->name);
    app_transfer_free(ctx, &t->transfer);
}

static void nfs_state_clear(struct app_ctx *ctx, void *state)
{
    struct nfs_state *s = state;
    while (s->calls.first)
        entry_drop(ctx, &s->calls, s->calls.first);
    while (s->names.first)
        entry_drop(ctx, &s->names, s->names.first);
}

static void nfs_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    static const char *const procedures[] = {
        "NULL",    "GETATTR",     "SETATTR", "LOOKUP", "ACCESS",   "READLINK", "READ",   "WRITE",
        "CREATE",  "MKDIR",       "SYMLINK", "MKNOD",  "REMOVE",   "RMDIR",    "RENAME", "LINK",
        "READDIR", "READDIRPLUS", "FSSTAT",  "FSINFO", "PATHCONF", "COMMIT",
    };
    (void)af;
    const struct nfs_tx *t = (const struct nfs_tx *)tx;
    bool named = t->procedure < sizeof(procedures) / sizeof(procedures[0]);
    json_open(out, "rpc");
    json_u64(out, "xid", t->xid);
    json_close(out);
    json_open(out, "nfs");
    json_u64(out, "version", t->version);
    json_str(out, "procedure", named ? procedures[t->procedure] : "UNKNOWN");
    json_strn(out, "filename", t->name.data ? (const char *)t->name.data : "", t->name.len);
    json_u64(out, "id", t->tx.id + 1);
    json_bool(out, "file_tx", t->file);
    json_str(out, "type", t->replied ? "response" : "request");
    if (t->replied && t->status == 0)
        json_str(out, "status", "OK");
    json_close(out);
}

const struct app_parser app_parser_nfs = {
    .app = SIG_APP_NFS,
    .state_size = sizeof(struct nfs_state),
    .stream = nfs_stream,
    .gap = nfs_gap,
    .end = nfs_end,
    .datagram = nfs_datagram,
    .buffer = nfs_buffer,
    .body_advance = nfs_advance,
    .number = nfs_number,
    .file = nfs_file,
    .tx_clear = nfs_clear,
    .state_clear = nfs_state_clear,
    .describe = nfs_describe,
    .tx_size = sizeof(struct nfs_tx),
    .events = nfs_events,
};
