/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of SMB version 1 ([MS-CIFS] 2.2.4). */
#include "config.h"
#include "sensor/app/smb_ops.h"

#include <string.h>

#define ANSWER_FLAG  0x80u
#define UNICODE_FLAG 0x8000u
#define NTSTATUS     0x4000u
/** Commands of one record: each stands behind the one before it. */
#define CHAIN_MAX 32

bool smb1_header_read(struct cursor *c, struct smb_record *out)
{
    cursor_skip(c, 4);
    *out = (struct smb_record){ .version = 1, .command = cursor_u8(c) };
    out->status = cursor_le32(c);
    out->answer = cursor_u8(c) & ANSWER_FLAG;
    uint16_t flags = cursor_le16(c);
    out->unicode = flags & UNICODE_FLAG;
    out->dos = !(flags & NTSTATUS);
    cursor_skip(c, 12); /* process id's upper half, signature, reserved */
    out->tree = cursor_le16(c);
    cursor_skip(c, 2);
    out->session = cursor_le16(c);
    out->message = cursor_le16(c);
    out->data = c->at;
    out->len = (uint32_t)cursor_left(c);
    return !c->bad;
}

/** The parameters of the command at `at` behind the header. */
static struct cursor body(const struct smb_record *r, uint32_t at)
{
    return at <= r->len ? cursor_make(r->data + at, r->len - at)
                        : (struct cursor){ NULL, NULL, true };
}

/**
 * A NUL-ended name, two bytes a character when the record says so (of which the lower is kept);
 * `at`: where `c` stands, to know about padding. False when it does not end.
 */
static bool name_read(struct app_ctx *ctx, const struct smb_record *r, struct cursor *c, size_t at,
                      struct app_bytes *out)
{
    uint8_t text[SMB_NAME_MAX];
    uint32_t n = 0;
    if (r->unicode && at % 2 == 1)
        cursor_skip(c, 1);
    for (;;) {
        uint8_t low = cursor_u8(c);
        uint8_t high = r->unicode && (low != 0 || cursor_left(c) > 0) ? cursor_u8(c) : 0;
        if (c->bad)
            return false;
        if (low == 0 && high == 0)
            break;
        if (n < sizeof(text))
            text[n++] = low;
    }
    if (n > 0 && !app_bytes_add(ctx->slab, out, text, n))
        app_count(ctx, APP_COUNT_NO_MEMORY);
    return true;
}

/** A NUL-ended text of one byte a character. */
static bool text_read(struct cursor *c, const uint8_t **text, uint32_t *len)
{
    *text = c->at;
    for (*len = 0; cursor_u8(c) != 0; (*len)++)
        ;
    return !c->bad;
}

/* ---- files --------------------------------------------------------------------------------- */

/** Where the bytes of a read or write begin: as the record says, else behind its parameters. */
static void piece_data(const struct smb_record *r, struct cursor c, uint32_t size, uint32_t offset,
                       struct smb_piece *out)
{
    uint16_t count = cursor_le16(&c);
    if (offset >= SMB1_HEADER && offset - SMB1_HEADER <= r->len &&
        r->data + (offset - SMB1_HEADER) >= c.at)
        c = cursor_make(r->data + (offset - SMB1_HEADER), r->len - (offset - SMB1_HEADER));
    else if (count > (uint16_t)size)
        cursor_skip(&c, count - (uint16_t)size);
    out->data = c.at;
    out->len = (uint32_t)cursor_left(&c);
    out->size = size;
}

static bool write_andx_read(const struct smb_record *r, uint32_t at, struct smb_piece *out)
{
    struct cursor c = body(r, at);
    uint8_t words = cursor_u8(&c);
    cursor_skip(&c, 4);
    const uint8_t *fid = cursor_take(&c, 2);
    out->offset = cursor_le32(&c);
    cursor_skip(&c, 8); /* timeout, mode, remaining */
    uint32_t size = (uint32_t)cursor_le16(&c) << 16;
    size |= cursor_le16(&c);
    uint16_t data = cursor_le16(&c);
    if (words == 14)
        out->offset |= (uint64_t)cursor_le32(&c) << 32;
    if (!cursor_need(&c, 2))
        return false;
    if (out->offset == UINT64_MAX)
        out->offset = 0; /* append, [MS-CIFS] 2.2.4.43.1 */
    out->handle = smb_handle_make(r, fid);
    piece_data(r, c, size, data, out);
    return true;
}

static bool write_read(const struct smb_record *r, struct smb_piece *out)
{
    struct cursor c = body(r, 0);
    cursor_skip(&c, 1);
    const uint8_t *fid = cursor_take(&c, 2);
    cursor_skip(&c, 2);
    out->offset = cursor_le32(&c);
    cursor_skip(&c, 5); /* remaining, count of bytes, buffer's format */
    out->size = out->len = cursor_le16(&c);
    out->data = cursor_take(&c, out->len);
    if (!out->data)
        return false;
    out->handle = smb_handle_make(r, fid);
    return true;
}

static bool write_and_close_read(const struct smb_record *r, struct smb_piece *out)
{
    struct cursor c = body(r, 0);
    cursor_skip(&c, 1);
    const uint8_t *fid = cursor_take(&c, 2);
    out->size = out->len = cursor_le16(&c);
    out->offset = cursor_le32(&c);
    cursor_skip(&c, 4);
    uint16_t count = cursor_le16(&c);
    if (count > out->size)
        cursor_skip(&c, count - out->size);
    out->data = cursor_take(&c, out->len);
    if (!out->data)
        return false;
    out->handle = smb_handle_make(r, fid);
    return true;
}

static bool is_pipe(struct app_io *io, const struct smb_record *r)
{
    struct smb_id id = smb_id_tree(r);
    const struct smb_entry *tree = smb_entry_find(io->af->state, SMB_ENTRY_TREE, &id);
    return tree && tree->pipe;
}

/** The events of a record that has no other transaction go with one of its own. */
static void malformed(struct app_io *io, const struct smb_record *r)
{
    struct smb_tx *t = r->answer ? smb_tx_of_command(io, r, SMB_KEY_COMMAND) : NULL;
    if (!t && !(t = smb_tx_make(io, r, SMB_TX_GENERIC, SMB_KEY_COMMAND)))
        return;
    if (r->answer)
        smb_tx_answered(t, r);
    smb_event(io, t, SMB_MALFORMED_DATA);
}

void smb1_write_take(struct app_io *io, const struct smb_record *r, uint32_t at, uint8_t command)
{
    struct smb_piece piece = { .size = 0 };
    bool ok = command == SMB1_WRITE_ANDX ? write_andx_read(r, at, &piece)
              : command == SMB1_WRITE    ? write_read(r, &piece)
                                         : write_and_close_read(r, &piece);
    if (!ok) {
        malformed(io, r);
        return;
    }
    struct smb_tx *t = smb_file_find(io, &piece.handle, SIG_DIR_TOSERVER);
    if (!t && is_pipe(io, r))
        smb_pipe_write(io, r, piece.data, piece.len);
    else
        smb_file_piece(io, r, t, &piece, "<unknown>");
    if (command == SMB1_WRITE_AND_CLOSE)
        smb_file_close(io, &piece.handle, SIG_DIR_TOSERVER);
    if (command != SMB1_WRITE_ANDX)
        (void)smb_tx_make(io, r, SMB_TX_GENERIC, SMB_KEY_COMMAND);
}

static void read_request(struct app_io *io, const struct smb_record *r, uint32_t at)
{
    struct cursor c = body(r, at);
    uint8_t words = cursor_u8(&c);
    cursor_skip(&c, 4);
    const uint8_t *fid = cursor_take(&c, 2);
    uint64_t offset = cursor_le32(&c);
    cursor_skip(&c, 10); /* most, least, timeout, remaining */
    if (words == 12)
        offset |= (uint64_t)cursor_le32(&c) << 32;
    else
        offset = 0; /* as Suricata has it */
    if (c.bad)
        return;
    struct smb_id id = smb_id_of(r);
    struct smb_entry *entry = smb_entry_put(io->ctx, io->af->state, SMB_ENTRY_READ, &id, NULL, 0);
    if (entry) {
        entry->handle = smb_handle_make(r, fid);
        entry->offset = offset;
    }
}

static bool read_answer_read(const struct smb_record *r, uint32_t at, struct smb_piece *out)
{
    struct cursor c = body(r, at);
    cursor_skip(&c, 11);
    uint32_t size = cursor_le16(&c);
    uint16_t data = cursor_le16(&c);
    size |= cursor_le32(&c) << 16;
    cursor_skip(&c, 6);
    if (!cursor_need(&c, 2))
        return false;
    piece_data(r, c, size, data, out);
    return true;
}

/** The generic transaction of a command, if it has one, is answered. */
static void generic_answered(struct app_io *io, const struct smb_record *r)
{
    struct smb_tx *t = smb_tx_of_command(io, r, SMB_KEY_COMMAND);
    if (!t)
        return;
    smb_tx_done(t, SIG_DIR_TOSERVER);
    smb_tx_answered(t, r);
}

void smb1_read_take(struct app_io *io, const struct smb_record *r, uint32_t at)
{
    struct smb_state *s = io->af->state;
    struct smb_piece piece = { .size = 0 };
    if (r->status != SMB_STATUS_SUCCESS) {
        generic_answered(io, r);
        return;
    }
    if (!read_answer_read(r, at, &piece)) {
        malformed(io, r);
        return;
    }
    struct smb_id id = smb_id_of(r);
    struct smb_entry *request = smb_entry_find(s, SMB_ENTRY_READ, &id);
    if (!request) {
        s->skip[io->dir] = piece.size > piece.len ? piece.size - piece.len : 0;
        return;
    }
    piece.handle = request->handle;
    piece.offset = request->offset;
    smb_entry_drop(io->ctx, s, SMB_ENTRY_READ, request);
    if (is_pipe(io, r))
        smb_pipe_read(io, r, &piece.handle, piece.data, piece.len);
    else
        smb_file_piece(io, r, smb_file_find(io, &piece.handle, SIG_DIR_TOCLIENT), &piece, "");
}

/* ---- requests ------------------------------------------------------------------------------ */

static bool negotiate_request(struct app_io *io, const struct smb_record *r)
{
    struct smb_state *s = io->af->state;
    struct cursor c = body(r, 0);
    bool bad = false;
    unsigned count = 0;
    cursor_skip(&c, 3);
    const uint8_t *first = c.at;
    for (size_t left = cursor_left(&c); left > 0; left = cursor_left(&c)) {
        const uint8_t *text;
        uint32_t len;
        if (!text_read(&c, &text, &len))
            break;
        bad |= len <= 1;
        first = c.at;
        count++;
    }
    if (count == 0)
        return false;
    struct smb_tx *t = NULL;
    for (struct app_tx *tx = io->af->first; tx && !t; tx = tx->next)
        if (((struct smb_tx *)tx)->kind == SMB_TX_NEGOTIATE && ((struct smb_tx *)tx)->version == 1)
            t = (struct smb_tx *)tx;
    if (t) {
        smb_event(io, t, SMB_DUPLICATE_NEGOTIATE);
        return true;
    }
    t = smb_tx_make(io, r, SMB_TX_NEGOTIATE, SMB_KEY_NONE);
    if (t && bad)
        smb_event(io, t, SMB_NEGOTIATE_MALFORMED_DIALECTS);
    app_bytes_free(io->ctx->slab, &s->dialects);
    uint32_t len = (uint32_t)(first - r->data) - 3;
    if (len <= SMB_NAME_MAX && !app_bytes_add(io->ctx->slab, &s->dialects, r->data + 3, len))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
    s->dialect_count = (uint8_t)(count < UINT8_MAX ? count : UINT8_MAX);
    return true;
}

static bool create_request(struct app_io *io, const struct smb_record *r, uint32_t at)
{
    struct cursor c = body(r, at);
    struct app_bytes name = { NULL, 0, 0 };
    cursor_skip(&c, 6);
    uint16_t name_len = cursor_le16(&c);
    cursor_skip(&c, 28);
    uint32_t disposition = cursor_le32(&c), options = cursor_le32(&c);
    cursor_skip(&c, 5);
    uint16_t count = cursor_le16(&c);
    if (c.bad ||
        (count >= name_len && !name_read(io->ctx, r, &c, (size_t)(count - name_len), &name))) {
        app_bytes_free(io->ctx->slab, &name);
        return false;
    }
    struct smb_id id = smb_id_of(r);
    (void)smb_entry_put(io->ctx, io->af->state, SMB_ENTRY_CREATE, &id, name.data, name.len);
    struct smb_tx *t = smb_tx_make(io, r, SMB_TX_CREATE, SMB_KEY_COMMAND);
    if (!t) {
        app_bytes_free(io->ctx->slab, &name);
        return true;
    }
    t->command = SMB1_NT_CREATE_ANDX;
    t->name = name;
    t->disposition = disposition;
    t->options = options;
    return true;
}

static bool session_request(struct app_io *io, const struct smb_record *r, uint32_t at)
{
    struct cursor c = body(r, at);
    cursor_skip(&c, 15);
    uint16_t len = cursor_le16(&c);
    cursor_skip(&c, 10); /* reserved, capabilities, count of bytes */
    const uint8_t *blob = cursor_take(&c, len);
    struct smb_tx *t = blob ? smb_tx_make(io, r, SMB_TX_SESSION, SMB_KEY_HEADER) : NULL;
    if (t)
        smb_session_read(io, t, blob, len);
    return true;
}

static bool tree_request(struct app_io *io, const struct smb_record *r, uint32_t at)
{
    struct cursor c = body(r, at);
    struct app_bytes path = { NULL, 0, 0 };
    const uint8_t *service;
    uint32_t len;
    cursor_skip(&c, 7);
    uint16_t password = cursor_le16(&c);
    cursor_skip(&c, 2u + password);
    bool ok =
        !c.bad && name_read(io->ctx, r, &c, 11u + password, &path) && text_read(&c, &service, &len);
    struct smb_tx *t = ok ? smb_tx_make(io, r, SMB_TX_TREE, SMB_KEY_TREE) : NULL;
    if (!t) {
        app_bytes_free(io->ctx->slab, &path);
        return ok;
    }
    if (path.len > 1) /* without its first backslash, as Suricata has it */
        app_bytes_shift(&path, 1);
    t->command = SMB1_TREE_CONNECT_ANDX;
    t->name = path;
    if (len > 0 && len <= SMB_NAME_MAX && !app_bytes_add(io->ctx->slab, &t->more, service, len))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
    return true;
}

static void close_request(struct app_io *io, const struct smb_record *r)
{
    struct cursor c = body(r, 0);
    cursor_skip(&c, 1);
    const uint8_t *fid = cursor_take(&c, 2);
    if (!fid)
        return;
    struct smb_handle handle = smb_handle_make(r, fid);
    struct smb_id id = smb_id_of(r);
    struct smb_entry *entry = smb_entry_put(io->ctx, io->af->state, SMB_ENTRY_HANDLE, &id, NULL, 0);
    if (entry)
        entry->handle = handle;
    smb_file_close(io, &handle, SIG_DIR_TOSERVER);
}

/**
 * TRANS: a message into a pipe and the answer in one ([MS-CIFS] 2.2.4.33). `pipe` receives the
 * handle, `data` and `len` what is written; `pipe->len` 0: not of a pipe.
 */
static bool trans_read(struct app_ctx *ctx, const struct smb_record *r, struct smb_handle *pipe,
                       const uint8_t **data, uint32_t *len)
{
    struct cursor c = body(r, 0);
    struct app_bytes name = { NULL, 0, 0 };
    uint8_t words = cursor_u8(&c);
    cursor_skip(&c, 18); /* totals, most, flags, timeout, reserved */
    uint16_t params = cursor_le16(&c), params_at = cursor_le16(&c);
    *len = cursor_le16(&c);
    uint16_t data_at = cursor_le16(&c);
    uint8_t setup = cursor_u8(&c);
    cursor_skip(&c, 1);
    pipe->len = 0;
    if (words == 16 && setup == 2 && *len > 0) {
        cursor_skip(&c, 2);
        const uint8_t *fid = cursor_take(&c, 2);
        if (fid)
            *pipe = smb_handle_make(r, fid);
    }
    cursor_skip(&c, 2);
    size_t at = SMB1_HEADER + (size_t)(c.at - r->data);
    bool ok = !c.bad && name_read(ctx, r, &c, at, &name);
    app_bytes_free(ctx->slab, &name);
    if (!ok)
        return false;
    *data = c.at;
    if (*len == 0)
        return true;
    at = SMB1_HEADER + (size_t)(c.at - r->data);
    if (at != params_at && at != data_at) {
        cursor_skip(&c, at % 4);
        at += at % 4;
    }
    cursor_skip(&c, params);
    at += params;
    if (at != data_at)
        cursor_skip(&c, at % 4);
    *data = cursor_take(&c, *len);
    return *data != NULL;
}

static void trans_request(struct app_io *io, const struct smb_record *r)
{
    struct smb_handle pipe;
    const uint8_t *data;
    uint32_t len;
    if (!trans_read(io->ctx, r, &pipe, &data, &len)) {
        malformed(io, r);
        return;
    }
    if (pipe.len == 0)
        return;
    struct smb_id id = smb_id_of(r);
    struct smb_entry *entry = smb_entry_put(io->ctx, io->af->state, SMB_ENTRY_HANDLE, &id, NULL, 0);
    if (entry)
        entry->handle = pipe;
    if (smb_pipe_is_service(io->af->state, &pipe))
        smb_pipe_write(io, r, data, len);
}

/** One command of a request. */
static void request_one(struct app_io *io, const struct smb_record *r, uint8_t command, uint32_t at)
{
    struct smb_id id = smb_id_tree(r);
    bool made = false, ok = true, alone = false;
    switch (command) {
    case SMB1_READ_ANDX:
        read_request(io, r, at);
        return;
    case SMB1_WRITE:
    case SMB1_WRITE_ANDX:
    case SMB1_WRITE_AND_CLOSE:
        smb1_write_take(io, r, at, command);
        return;
    case SMB1_TRANS:
        trans_request(io, r);
        return;
    case SMB1_TRANS2:
        return;
    case SMB1_NEGOTIATE:
        made = ok = negotiate_request(io, r);
        break;
    case SMB1_NT_CREATE_ANDX:
        made = ok = create_request(io, r, at);
        break;
    case SMB1_SESSION_SETUP_ANDX:
        made = session_request(io, r, at);
        break;
    case SMB1_TREE_CONNECT_ANDX:
        made = ok = tree_request(io, r, at);
        break;
    case SMB1_TREE_DISCONNECT:
        smb_entry_drop(io->ctx, io->af->state, SMB_ENTRY_TREE,
                       smb_entry_find(io->af->state, SMB_ENTRY_TREE, &id));
        break;
    case SMB1_CLOSE:
        close_request(io, r);
        break;
    case SMB1_NT_CANCEL:
    case SMB1_TRANS2_SECONDARY:
    case SMB1_LOCKING_ANDX:
        alone = true;
        break;
    default:
        break;
    }
    struct smb_tx *t = made ? NULL : smb_tx_make(io, r, SMB_TX_GENERIC, SMB_KEY_COMMAND);
    if (!t)
        return;
    t->command = command;
    if (!ok)
        smb_event(io, t, SMB_MALFORMED_DATA);
    if (alone)
        smb_tx_done(t, SIG_DIR_TOCLIENT);
}

/* ---- answers ------------------------------------------------------------------------------- */

static bool negotiate_answer(struct app_io *io, const struct smb_record *r)
{
    struct smb_state *s = io->af->state;
    struct cursor c = body(r, 0);
    uint8_t words = cursor_u8(&c);
    uint16_t index = words ? cursor_le16(&c) : 0;
    cursor_skip(&c, words ? 34 : 2);
    struct smb_tx *t = NULL;
    if (c.bad)
        return false;
    for (struct app_tx *tx = io->af->first; tx && !t; tx = tx->next)
        if (((struct smb_tx *)tx)->kind == SMB_TX_NEGOTIATE && ((struct smb_tx *)tx)->version == 1)
            t = (struct smb_tx *)tx;
    if (!t)
        return false;
    smb_tx_answered(t, r);
    struct cursor names = cursor_make(s->dialects.data, s->dialects.len);
    const uint8_t *text = NULL;
    uint32_t len = 0;
    for (unsigned i = 0; i <= index && i < s->dialect_count; i++)
        if (!text_read(&names, &text, &len))
            break;
    if (index >= s->dialect_count)
        smb_event(io, t, SMB_NEGOTIATE_MALFORMED_DIALECTS);
    else if (text && len > 1 && s->dialect_v1.len == 0)
        (void)app_bytes_add(io->ctx->slab, &s->dialect_v1, text + 1, len - 1);
    return true;
}

static void tree_answer(struct app_io *io, const struct smb_record *r, uint32_t at)
{
    struct cursor c = body(r, at);
    const uint8_t *service, *system;
    uint32_t len, system_len;
    struct smb_tx *t = smb_tx_find(io, r, SMB_TX_TREE, SMB_KEY_TREE);
    uint8_t words = cursor_u8(&c);
    cursor_skip(&c, 4);
    cursor_skip(&c, words >= 3 ? 2 : 0);
    cursor_skip(&c, words == 7 ? 8 : 0);
    cursor_skip(&c, 2);
    if (!t)
        return;
    t->tree = r->tree;
    smb_tx_answered(t, r);
    if (r->status != SMB_STATUS_SUCCESS)
        return;
    if (!text_read(&c, &service, &len) || !text_read(&c, &system, &system_len)) {
        smb_event(io, t, SMB_MALFORMED_DATA);
        return;
    }
    t->key = SMB_KEY_HEADER;
    t->pipe = len == 3 && memcmp(service, "IPC", 3) == 0;
    struct smb_id id = smb_id_tree(r);
    struct smb_entry *tree =
        smb_entry_put(io->ctx, io->af->state, SMB_ENTRY_TREE, &id, t->name.data, t->name.len);
    if (tree)
        tree->pipe = t->pipe;
}

static bool create_answer(struct app_io *io, const struct smb_record *r, uint32_t at)
{
    struct smb_state *s = io->af->state;
    struct cursor c = body(r, at);
    cursor_skip(&c, 6);
    const uint8_t *fid = cursor_take(&c, 2);
    cursor_skip(&c, 40); /* action, times, attributes */
    uint64_t size = cursor_le64(&c);
    if (c.bad)
        return false;
    struct smb_id id = smb_id_of(r);
    struct smb_handle handle = smb_handle_make(r, fid);
    struct smb_entry *name = smb_entry_find(s, SMB_ENTRY_CREATE, &id);
    if (name) {
        struct smb_id by_handle = smb_id_handle(&handle);
        (void)smb_entry_put(io->ctx, s, SMB_ENTRY_NAME, &by_handle, name->text.data,
                            name->text.len);
        smb_entry_drop(io->ctx, s, SMB_ENTRY_CREATE, name);
    }
    struct smb_tx *t = smb_tx_find(io, r, SMB_TX_CREATE, SMB_KEY_COMMAND);
    if (t) {
        t->handle = handle;
        t->size = size;
        smb_tx_answered(t, r);
    }
    return true;
}

static void session_answer(struct app_io *io, const struct smb_record *r)
{
    struct smb_record first = *r;
    struct smb_tx *t = r->session ? smb_tx_find(io, r, SMB_TX_SESSION, SMB_KEY_HEADER) : NULL;
    first.session = 0; /* the client did not know its session yet */
    if (!t && !(t = smb_tx_find(io, &first, SMB_TX_SESSION, SMB_KEY_HEADER)))
        return;
    t->session = r->session;
    t->tree = r->tree;
    smb_tx_answered(t, r);
}

static void trans_answer(struct app_io *io, const struct smb_record *r)
{
    struct smb_state *s = io->af->state;
    struct cursor c = body(r, 0);
    struct smb_handle handle = { .len = 0 };
    const uint8_t *data = NULL;
    uint32_t len = 0;
    uint8_t words = cursor_u8(&c);
    if (words > 0) {
        cursor_skip(&c, 12);
        len = cursor_le16(&c);
        uint16_t data_at = cursor_le16(&c);
        cursor_skip(&c, 7); /* displacement, setup, count of bytes, padding */
        if (data_at > 36 + 2 * words)
            cursor_skip(&c, data_at - (36u + 2u * words));
        data = cursor_take(&c, len);
    }
    struct smb_id id = smb_id_of(r);
    struct smb_entry *request = smb_entry_find(s, SMB_ENTRY_HANDLE, &id);
    if (request) {
        handle = request->handle;
        smb_entry_drop(io->ctx, s, SMB_ENTRY_HANDLE, request);
    }
    if (c.bad) {
        malformed(io, r);
        return;
    }
    struct smb_id part = smb_id_tree(r);
    part.handle = handle;
    if (r->status == SMB_STATUS_BUFFER_OVERFLOW)
        (void)smb_entry_put(io->ctx, s, SMB_ENTRY_PART, &part, data, len);
    else if (data && smb_pipe_is_service(s, &handle))
        smb_pipe_read(io, r, &handle, data, len);
    generic_answered(io, r);
}

static void close_answer(struct app_io *io, const struct smb_record *r)
{
    struct smb_id id = smb_id_of(r);
    struct smb_entry *request = smb_entry_find(io->af->state, SMB_ENTRY_HANDLE, &id);
    if (!request)
        return;
    struct smb_handle handle = request->handle;
    smb_entry_drop(io->ctx, io->af->state, SMB_ENTRY_HANDLE, request);
    smb_file_close(io, &handle, SIG_DIR_TOCLIENT);
}

/** One command of an answer. */
static void answer_one(struct app_io *io, const struct smb_record *r, uint8_t command, uint32_t at)
{
    bool have = false, ok = true;
    switch (command) {
    case SMB1_READ_ANDX:
        smb1_read_take(io, r, at);
        return;
    case SMB1_TRANS:
        trans_answer(io, r);
        return;
    case SMB1_SESSION_SETUP_ANDX:
        session_answer(io, r);
        return;
    case SMB1_TREE_CONNECT_ANDX:
        tree_answer(io, r, at);
        return;
    case SMB1_WRITE_ANDX:
        return;
    case SMB1_NEGOTIATE:
        have = negotiate_answer(io, r);
        break;
    case SMB1_NT_CREATE_ANDX:
        have = ok = r->status != SMB_STATUS_SUCCESS || create_answer(io, r, at);
        have = have && r->status == SMB_STATUS_SUCCESS;
        break;
    case SMB1_CLOSE:
        close_answer(io, r);
        break;
    default:
        break;
    }
    struct smb_record one = *r;
    one.command = command;
    struct smb_tx *t = have ? NULL : smb_tx_of_command(io, &one, SMB_KEY_COMMAND);
    if (!t)
        return;
    smb_tx_answered(t, r);
    if (!ok)
        smb_event(io, t, SMB_MALFORMED_DATA);
}

/* ---- records ------------------------------------------------------------------------------- */

static bool is_andx(uint8_t command)
{
    switch (command) {
    case SMB1_LOCKING_ANDX:
    case SMB1_OPEN_ANDX:
    case SMB1_READ_ANDX:
    case SMB1_WRITE_ANDX:
    case SMB1_SESSION_SETUP_ANDX:
    case SMB1_LOGOFF_ANDX:
    case SMB1_TREE_CONNECT_ANDX:
    case SMB1_NT_CREATE_ANDX:
        return true;
    default:
        return false;
    }
}

/** The command behind this one; false when it is the last. */
static bool next_command(const struct smb_record *r, uint8_t *command, uint32_t *at)
{
    struct cursor c = body(r, *at);
    cursor_skip(&c, 1);
    uint8_t next = cursor_u8(&c);
    cursor_skip(&c, 1);
    uint32_t offset = cursor_le16(&c);
    if (!is_andx(*command) || c.bad || next == SMB1_NONE || offset <= *at + SMB1_HEADER ||
        offset - SMB1_HEADER >= r->len)
        return false;
    *command = next;
    *at = offset - SMB1_HEADER;
    return true;
}

bool smb1_record_take(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    struct smb_record r;
    if (!smb1_header_read(&c, &r))
        return false;
    r.whole = true;
    if (r.answer != (io->dir == SIG_DIR_TOCLIENT)) {
        smb_event(io, NULL, r.answer ? SMB_RESPONSE_TO_SERVER : SMB_REQUEST_TO_CLIENT);
        return true;
    }
    uint8_t command = (uint8_t)r.command;
    uint32_t at = 0;
    for (unsigned i = 0; i < CHAIN_MAX; i++) {
        if (r.answer)
            answer_one(io, &r, command, at);
        else
            request_one(io, &r, command, at);
        if (!next_command(&r, &command, &at))
            break;
    }
    return true;
}
