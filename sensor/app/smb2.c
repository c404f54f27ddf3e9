/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of SMB versions 2 and 3 ([MS-SMB2] 2.2). */
#include "config.h"
#include "sensor/app/smb_ops.h"

#include <string.h>

#define ANSWER_FLAG  0x1u
#define ASYNC_FLAG   0x2u
#define GUID_LEN     16
#define SHARE_PIPE   2
#define PIPE_CONTROL 0x0011c017u /* FSCTL_PIPE_TRANSCEIVE */

bool smb2_header_read(struct cursor *c, struct smb_record *out, uint32_t *next)
{
    cursor_skip(c, 4);
    uint16_t size = cursor_le16(c);
    cursor_skip(c, 2);
    *out = (struct smb_record){ .version = 2, .unicode = true, .status = cursor_le32(c) };
    out->command = cursor_le16(c);
    cursor_skip(c, 2);
    uint32_t flags = cursor_le32(c);
    *next = cursor_le32(c);
    out->message = cursor_le64(c);
    cursor_skip(c, 4);
    out->tree = cursor_le32(c); /* of an asynchronous answer: its id's other half */
    out->session = cursor_le64(c);
    cursor_skip(c, 16);
    out->answer = flags & ANSWER_FLAG;
    if (out->answer && flags & ASYNC_FLAG)
        out->tree = 0;
    if (!out->answer)
        out->status = 0;
    out->data = c->at;
    out->len = (uint32_t)cursor_left(c);
    return !c->bad && size >= SMB2_HEADER;
}

/** Id of a request whose answer may come without its tree: asynchronous ones do. */
static struct smb_id id_without_tree(const struct smb_record *r)
{
    struct smb_id id = smb_id_of(r);
    id.tree = 0;
    return id;
}

/** Whether a command has a transaction of its own. */
static bool has_transaction(uint16_t command)
{
    return command != SMB2_READ && command != SMB2_WRITE && command != SMB2_GET_INFO &&
           command != SMB2_SET_INFO;
}

/* ---- files --------------------------------------------------------------------------------- */

/** What a read or write goes to. */
enum target { TO_FILE, TO_PIPE, TO_NOTHING };

/**
 * A file, a pipe with DCE/RPC, or another pipe. Where the tree's connect was not seen, the first
 * bytes decide, and are remembered for the tree and the handle.
 */
static enum target target_of(struct app_io *io, const struct smb_record *r,
                             const struct smb_piece *piece)
{
    static const char guessed[] = "suricata::dcerpc";
    struct smb_state *s = io->af->state;
    struct smb_id by_tree = smb_id_tree(r), by_handle = smb_id_handle(&piece->handle);
    const struct smb_entry *tree = smb_entry_find(s, SMB_ENTRY_TREE, &by_tree);
    bool pipe = tree && tree->pipe, named = tree && tree->text.len > 0;
    if (pipe)
        return smb_pipe_is_service(s, &piece->handle) ? TO_PIPE : TO_NOTHING;
    if (named || !smb_pipe_probe(piece->data, piece->len))
        return TO_FILE;
    struct smb_entry *made =
        smb_entry_put(io->ctx, s, SMB_ENTRY_TREE, &by_tree, guessed, sizeof(guessed) - 1);
    if (made)
        made->pipe = true;
    if (!smb_pipe_is_service(s, &piece->handle))
        (void)smb_entry_put(io->ctx, s, SMB_ENTRY_NAME, &by_handle, guessed, sizeof(guessed) - 1);
    return TO_PIPE;
}

static void piece_take(struct app_io *io, const struct smb_record *r, const struct smb_piece *piece)
{
    struct smb_state *s = io->af->state;
    bool write = io->dir == SIG_DIR_TOSERVER;
    struct smb_tx *t = smb_file_find(io, &piece->handle, io->dir);
    enum target to = t ? TO_FILE : target_of(io, r, piece);
    if (to == TO_FILE)
        smb_file_piece(io, r, t, piece, write ? "" : "<unknown>");
    else if (to == TO_PIPE && write)
        smb_pipe_write(io, r, piece->data, piece->len);
    else if (to == TO_PIPE)
        smb_pipe_read(io, r, &piece->handle, piece->data, piece->len);
    if (to != TO_FILE)
        s->skip[io->dir] = piece->size > piece->len ? piece->size - piece->len : 0;
}

static bool is_too_large(uint32_t size, uint32_t agreed)
{
    return (agreed != 0 && size > agreed) || size > SMB_SIZE_MAX;
}

static void too_large(struct app_io *io, const struct smb_piece *piece, enum smb_event event)
{
    struct smb_state *s = io->af->state;
    smb_event(io, NULL, event);
    s->skip[io->dir] = piece->size > piece->len ? piece->size - piece->len : 0;
}

/** The piece's bytes: as many as it says, or what there is of them. */
static void piece_data(struct cursor *c, struct smb_piece *piece)
{
    uint32_t left = (uint32_t)cursor_left(c);
    piece->len = left < piece->size ? left : piece->size;
    piece->data = c->at;
}

void smb2_write_take(struct app_io *io, const struct smb_record *r)
{
    struct smb_state *s = io->af->state;
    struct cursor c = cursor_make(r->data, r->len);
    struct smb_piece piece = { .size = 0 };
    cursor_skip(&c, 4);
    piece.size = cursor_le32(&c);
    piece.offset = cursor_le64(&c);
    const uint8_t *guid = cursor_take(&c, GUID_LEN);
    cursor_skip(&c, 16);
    if (c.bad) {
        smb_event(io, NULL, SMB_MALFORMED_DATA);
        return;
    }
    piece.handle = smb_handle_make(r, guid);
    piece_data(&c, &piece);
    if (is_too_large(piece.size, s->max_write))
        too_large(io, &piece, SMB_WRITE_REQUEST_TOO_LARGE);
    else
        piece_take(io, r, &piece);
}

static void read_request(struct app_io *io, const struct smb_record *r)
{
    struct smb_state *s = io->af->state;
    struct cursor c = cursor_make(r->data, r->len);
    cursor_skip(&c, 4);
    uint32_t size = cursor_le32(&c);
    uint64_t offset = cursor_le64(&c);
    const uint8_t *guid = cursor_take(&c, GUID_LEN);
    cursor_skip(&c, 16);
    if (c.bad || is_too_large(size, s->max_read))
        return; /* no transaction that an event could go with */
    struct smb_id id = id_without_tree(r);
    struct smb_entry *entry = smb_entry_put(io->ctx, s, SMB_ENTRY_READ, &id, NULL, 0);
    if (entry) {
        entry->handle = smb_handle_make(r, guid);
        entry->offset = offset;
    }
}

void smb2_read_take(struct app_io *io, const struct smb_record *r)
{
    struct smb_state *s = io->af->state;
    struct cursor c = cursor_make(r->data, r->len);
    struct smb_piece piece = { .size = 0 };
    cursor_skip(&c, 4);
    piece.size = cursor_le32(&c);
    cursor_skip(&c, 8);
    if (c.bad) {
        smb_event(io, NULL, SMB_MALFORMED_DATA);
        return;
    }
    piece_data(&c, &piece);
    if (is_too_large(piece.size, s->max_read)) {
        too_large(io, &piece, SMB_READ_RESPONSE_TOO_LARGE);
        return;
    }
    struct smb_id id = id_without_tree(r);
    struct smb_entry *request = smb_entry_find(s, SMB_ENTRY_READ, &id);
    if (!request) {
        s->skip[io->dir] = piece.size - piece.len;
        return;
    }
    piece.handle = request->handle;
    piece.offset = request->offset;
    smb_entry_drop(io->ctx, s, SMB_ENTRY_READ, request);
    piece_take(io, r, &piece);
}

/** The end of the file was read: its transaction waits for the close. */
static void read_end(struct app_io *io, const struct smb_record *r)
{
    struct smb_state *s = io->af->state;
    struct smb_id id = id_without_tree(r);
    struct smb_entry *request = smb_entry_find(s, SMB_ENTRY_READ, &id);
    if (!request)
        return;
    struct smb_tx *t = smb_file_find(io, &request->handle, SIG_DIR_TOCLIENT);
    smb_entry_drop(io->ctx, s, SMB_ENTRY_READ, request);
    if (!t)
        return;
    t->has_status = true;
    t->status = r->status;
    if (t->tx.progress[SIG_DIR_TOSERVER] != SIG_PROGRESS_DONE)
        app_transfer_close(io->ctx, &t->transfer);
    smb_tx_done(t, SIG_DIR_TOSERVER);
}

static void close_request(struct app_io *io, const struct smb_record *r)
{
    struct cursor c = cursor_make(r->data, r->len);
    cursor_skip(&c, 8);
    const uint8_t *guid = cursor_take(&c, GUID_LEN);
    if (!guid)
        return;
    struct smb_handle handle = smb_handle_make(r, guid);
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct smb_tx *t = (struct smb_tx *)tx;
        if (t->kind != SMB_TX_FILE || memcmp(t->handle.bytes, handle.bytes, GUID_LEN) != 0)
            continue;
        if (t->transfer.file)
            app_transfer_close(io->ctx, &t->transfer);
        t->has_status = true;
        smb_tx_done(t, SIG_DIR_TOSERVER);
        smb_tx_done(t, SIG_DIR_TOCLIENT);
    }
}

/* ---- requests ------------------------------------------------------------------------------ */

static bool negotiate_request(struct app_io *io, const struct smb_record *r)
{
    struct cursor c = cursor_make(r->data, r->len);
    cursor_skip(&c, 2);
    uint16_t count = cursor_le16(&c);
    cursor_skip(&c, 32u + 2u * count);
    if (c.bad)
        return false;
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next)
        if (((struct smb_tx *)tx)->kind == SMB_TX_NEGOTIATE && ((struct smb_tx *)tx)->version == 2)
            return true;
    (void)smb_tx_make(io, r, SMB_TX_NEGOTIATE, SMB_KEY_NONE);
    return true;
}

static bool session_request(struct app_io *io, const struct smb_record *r)
{
    struct cursor c = cursor_make(r->data, r->len);
    cursor_skip(&c, 24);
    struct smb_tx *t = c.bad ? NULL : smb_tx_make(io, r, SMB_TX_SESSION, SMB_KEY_HEADER);
    if (t)
        smb_session_read(io, t, c.at, (uint32_t)cursor_left(&c));
    return true;
}

static bool tree_request(struct app_io *io, const struct smb_record *r)
{
    struct cursor c = cursor_make(r->data, r->len);
    cursor_skip(&c, 4);
    uint16_t at = cursor_le16(&c), len = cursor_le16(&c);
    if (c.bad)
        return false;
    struct smb_tx *t = smb_tx_make(io, r, SMB_TX_TREE, SMB_KEY_TREE);
    bool there =
        at >= SMB2_HEADER && at - SMB2_HEADER <= r->len && len <= r->len - (at - SMB2_HEADER);
    if (t && there)
        smb_name_add(io->ctx, &t->name, r->data + (at - SMB2_HEADER), len);
    return true;
}

static bool create_request(struct app_io *io, const struct smb_record *r)
{
    struct cursor c = cursor_make(r->data, r->len);
    cursor_skip(&c, 36);
    uint32_t disposition = cursor_le32(&c), options = cursor_le32(&c);
    cursor_skip(&c, 2);
    uint16_t len = cursor_le16(&c);
    cursor_skip(&c, 8);
    const uint8_t *name = cursor_take(&c, len);
    if (!name)
        return false;
    struct smb_tx *t = smb_tx_make(io, r, SMB_TX_CREATE, SMB_KEY_COMMAND);
    if (!t)
        return true;
    smb_name_add(io->ctx, &t->name, name, len);
    t->disposition = disposition;
    t->options = options;
    struct smb_id id = id_without_tree(r);
    (void)smb_entry_put(io->ctx, io->af->state, SMB_ENTRY_CREATE, &id, t->name.data, t->name.len);
    return true;
}

/** An IOCTL's function, handle and input (requests) or output (answers). */
struct control {
    uint32_t function;
    struct smb_handle handle;
    const uint8_t *data;
    uint32_t len;
};

static bool control_read(const struct smb_record *r, struct control *out)
{
    struct cursor c = cursor_make(r->data, r->len);
    cursor_skip(&c, 4);
    out->function = cursor_le32(&c);
    const uint8_t *guid = cursor_take(&c, GUID_LEN);
    cursor_skip(&c, 4);
    uint32_t in = cursor_le32(&c);
    cursor_skip(&c, r->answer ? 4 : 8);
    uint32_t second = cursor_le32(&c);
    cursor_skip(&c, r->answer ? 8 : 12);
    if (r->answer)
        cursor_skip(&c, in);
    out->len = r->answer ? second : in;
    out->data = cursor_take(&c, out->len);
    if (!out->data)
        return false;
    out->handle = smb_handle_make(r, guid);
    return true;
}

static bool is_pipe_control(struct app_io *io, const struct control *control)
{
    return control->function == PIPE_CONTROL &&
           smb_pipe_is_service(io->af->state, &control->handle);
}

static void control_request(struct app_io *io, const struct smb_record *r)
{
    struct control control;
    bool ok = control_read(r, &control);
    if (ok && is_pipe_control(io, &control)) {
        smb_pipe_write(io, r, control.data, control.len);
        return;
    }
    struct smb_tx *t = smb_tx_make(io, r, ok ? SMB_TX_IOCTL : SMB_TX_GENERIC, SMB_KEY_HEADER);
    if (t && ok)
        t->function = control.function;
    else if (t)
        smb_event(io, t, SMB_MALFORMED_DATA);
}

static void request_take(struct app_io *io, const struct smb_record *r)
{
    struct smb_id id = smb_id_tree(r);
    bool made = false, ok = true;
    switch (r->command) {
    case SMB2_NEGOTIATE:
        made = ok = negotiate_request(io, r);
        break;
    case SMB2_SESSION_SETUP:
        made = session_request(io, r);
        break;
    case SMB2_TREE_CONNECT:
        made = ok = tree_request(io, r);
        break;
    case SMB2_TREE_DISCONNECT:
        smb_entry_drop(io->ctx, io->af->state, SMB_ENTRY_TREE,
                       smb_entry_find(io->af->state, SMB_ENTRY_TREE, &id));
        break;
    case SMB2_CREATE:
        made = ok = create_request(io, r);
        break;
    case SMB2_CLOSE:
        close_request(io, r);
        break;
    case SMB2_READ:
        read_request(io, r);
        return;
    case SMB2_WRITE:
        smb2_write_take(io, r);
        return;
    case SMB2_IOCTL:
        control_request(io, r);
        return;
    default:
        break;
    }
    if (made || !has_transaction(r->command))
        return;
    struct smb_tx *t = smb_tx_make(io, r, SMB_TX_GENERIC, SMB_KEY_COMMAND);
    if (t && !ok)
        smb_event(io, t, SMB_MALFORMED_DATA);
}

/* ---- answers ------------------------------------------------------------------------------- */

static bool negotiate_answer(struct app_io *io, const struct smb_record *r)
{
    struct smb_state *s = io->af->state;
    struct cursor c = cursor_make(r->data, r->len);
    cursor_skip(&c, 4);
    if (r->status == SMB_STATUS_SUCCESS) {
        s->dialect = cursor_le16(&c);
        cursor_skip(&c, 2 + GUID_LEN + 8); /* contexts, server, capabilities, transactions */
        s->max_read = cursor_le32(&c);
        s->max_write = cursor_le32(&c);
    }
    if (c.bad)
        return false;
    if (s->max_read > SMB_SIZE_MAX)
        smb_event(io, NULL, SMB_NEGOTIATE_MAX_READ_SIZE_TOO_LARGE);
    if (s->max_write > SMB_SIZE_MAX)
        smb_event(io, NULL, SMB_NEGOTIATE_MAX_WRITE_SIZE_TOO_LARGE);
    struct smb_tx *found = NULL;
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct smb_tx *t = (struct smb_tx *)tx;
        /* a request of version 1 may be answered in version 2 */
        if (t->kind == SMB_TX_NEGOTIATE && (!found || (found->version == 1 && t->version == 2)))
            found = t;
    }
    if (found)
        smb_tx_answered(found, r);
    return found != NULL;
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
    smb_tx_done(t, SIG_DIR_TOCLIENT);
}

static bool tree_answer(struct app_io *io, const struct smb_record *r, bool *ok)
{
    struct cursor c = cursor_make(r->data, r->len);
    struct smb_tx *t = smb_tx_find(io, r, SMB_TX_TREE, SMB_KEY_TREE);
    cursor_skip(&c, 2);
    uint8_t type = cursor_u8(&c);
    cursor_skip(&c, 12);
    *ok = r->status != SMB_STATUS_SUCCESS || !c.bad;
    if (!*ok)
        return false;
    if (!t)
        return r->status == SMB_STATUS_SUCCESS;
    smb_tx_answered(t, r);
    smb_tx_done(t, SIG_DIR_TOCLIENT);
    if (r->status != SMB_STATUS_SUCCESS)
        return true;
    t->share_type = type;
    t->pipe = type == SHARE_PIPE;
    t->tree = r->tree;
    t->key = SMB_KEY_HEADER;
    struct smb_id id = smb_id_tree(r);
    struct smb_entry *tree =
        smb_entry_put(io->ctx, io->af->state, SMB_ENTRY_TREE, &id, t->name.data, t->name.len);
    if (tree)
        tree->pipe = t->pipe;
    return true;
}

static bool create_answer(struct app_io *io, const struct smb_record *r)
{
    struct smb_state *s = io->af->state;
    struct cursor c = cursor_make(r->data, r->len);
    cursor_skip(&c, 40); /* lock, action, times */
    cursor_skip(&c, 8);
    uint64_t size = cursor_le64(&c);
    cursor_skip(&c, 8);
    const uint8_t *guid = cursor_take(&c, GUID_LEN);
    if (!guid)
        return false;
    struct smb_handle handle = smb_handle_make(r, guid);
    struct smb_id id = id_without_tree(r), by_handle = smb_id_handle(&handle);
    struct smb_entry *name = smb_entry_find(s, SMB_ENTRY_CREATE, &id);
    if (name) {
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

static void control_answer(struct app_io *io, const struct smb_record *r)
{
    struct control control;
    const struct smb_handle none = { .len = 0 };
    bool ok = control_read(r, &control);
    if (ok && is_pipe_control(io, &control)) {
        smb_pipe_read(io, r, &none, control.data, control.len);
        return;
    }
    struct smb_tx *t = smb_tx_of_command(io, r, SMB_KEY_HEADER);
    if (!t)
        return;
    smb_tx_answered(t, r);
    if (!ok && r->status == SMB_STATUS_SUCCESS)
        smb_event(io, t, SMB_MALFORMED_DATA);
}

static void answer_take(struct app_io *io, const struct smb_record *r)
{
    bool have = false, ok = true;
    switch (r->command) {
    case SMB2_IOCTL:
        control_answer(io, r);
        return;
    case SMB2_SESSION_SETUP:
        session_answer(io, r);
        return;
    case SMB2_READ:
        if (r->status == SMB_STATUS_SUCCESS || r->status == SMB_STATUS_BUFFER_OVERFLOW)
            smb2_read_take(io, r);
        else if (r->status == SMB_STATUS_END_OF_FILE)
            read_end(io, r);
        return;
    case SMB2_CREATE:
        if (r->status == SMB_STATUS_SUCCESS)
            have = ok = create_answer(io, r);
        break;
    case SMB2_TREE_CONNECT:
        have = tree_answer(io, r, &ok);
        break;
    case SMB2_NEGOTIATE:
        have = negotiate_answer(io, r);
        break;
    default:
        break;
    }
    struct smb_tx *t = have ? NULL : smb_tx_of_command(io, r, SMB_KEY_COMMAND);
    if (!t)
        return;
    smb_tx_answered(t, r);
    if (!ok)
        smb_event(io, t, SMB_MALFORMED_DATA);
}

/* ---- records ------------------------------------------------------------------------------- */

bool smb2_records_take(struct app_io *io, const uint8_t *data, uint32_t len)
{
    while (len > 0) {
        struct cursor c = cursor_make(data, len);
        struct smb_record r;
        uint32_t next;
        if (len < 4 || memcmp(data, "\xfeSMB", 4) != 0 || !smb2_header_read(&c, &r, &next))
            return false;
        if (next > SMB2_HEADER && next > len)
            return false;
        uint32_t size = next > SMB2_HEADER ? next : len;
        r.len = size - SMB2_HEADER;
        r.whole = true;
        if (r.answer != (io->dir == SIG_DIR_TOCLIENT))
            smb_event(io, NULL, r.answer ? SMB_RESPONSE_TO_SERVER : SMB_REQUEST_TO_CLIENT);
        else if (r.answer)
            answer_take(io, &r);
        else
            request_take(io, &r);
        data += size;
        len -= size;
    }
    return true;
}
