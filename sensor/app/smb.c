/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMB: NetBIOS session messages (RFC 1002 4.3), each with one record of version 1 or some of
 * version 2, and what rules see of them. Reads and writes are taken as they come, other records
 * when they are whole.
 */
#include "config.h"
#include "sensor/app/frames.h"
#include "sensor/app/parsers.h"

#include <string.h>

#include "sensor/app/smb_ops.h"

#define FRAME_HEADER 4u
/** First and last type of a frame without a record (RFC 1002 4.3.1). */
#define NBSS_REQUEST    0x81
#define NBSS_KEEP_ALIVE 0x85
/** With fewer bytes of a record nothing is done (Suricata's limit). */
#define PARTIAL_MIN 512u

static const char *const smb_events[] = {
    [SMB_INTERNAL_ERROR] = "internal_error",
    [SMB_MALFORMED_DATA] = "malformed_data",
    [SMB_RECORD_OVERFLOW] = "record_overflow",
    [SMB_MALFORMED_NTLMSSP_REQUEST] = "malformed_ntlmssp_request",
    [SMB_MALFORMED_NTLMSSP_RESPONSE] = "malformed_ntlmssp_response",
    [SMB_DUPLICATE_NEGOTIATE] = "duplicate_negotiate",
    [SMB_NEGOTIATE_MALFORMED_DIALECTS] = "negotiate_malformed_dialects",
    [SMB_FILE_OVERLAP] = "file_overlap",
    [SMB_REQUEST_TO_CLIENT] = "request_to_client",
    [SMB_RESPONSE_TO_SERVER] = "response_to_server",
    [SMB_NEGOTIATE_MAX_READ_SIZE_TOO_LARGE] = "negotiate_max_read_size_too_large",
    [SMB_NEGOTIATE_MAX_WRITE_SIZE_TOO_LARGE] = "negotiate_max_write_size_too_large",
    [SMB_READ_REQUEST_TOO_LARGE] = "read_request_too_large",
    [SMB_READ_RESPONSE_TOO_LARGE] = "read_response_too_large",
    [SMB_READ_QUEUE_SIZE_EXCEEDED] = "read_queue_size_exceeded",
    [SMB_READ_QUEUE_CNT_EXCEEDED] = "read_queue_cnt_exceeded",
    [SMB_WRITE_REQUEST_TOO_LARGE] = "write_request_too_large",
    [SMB_WRITE_QUEUE_SIZE_EXCEEDED] = "write_queue_size_exceeded",
    [SMB_WRITE_QUEUE_CNT_EXCEEDED] = "write_queue_cnt_exceeded",
    [SMB_TOO_MANY_TRANSACTIONS] = "too_many_transactions",
    [SMB_TOO_MANY_TRANSACTIONS + 1] = NULL,
};

/* ---- framing ------------------------------------------------------------------------------- */

/** Version's first byte of a record (0xff, 0xfe, 0xfd), 0 when it is none. */
static uint8_t magic_of(const uint8_t *data, uint32_t len)
{
    return len >= 4 && data[0] >= 0xfd && memcmp(data + 1, "SMB", 3) == 0 ? data[0] : 0;
}

/** A whole message's content; false ends the parser. */
static bool message_take(struct app_io *io, const uint8_t *data, uint32_t len)
{
    bool ok = true;
    if (len < 4)
        ok = io->dir == SIG_DIR_TOCLIENT;
    else if (magic_of(data, len) == 0xff)
        ok = smb1_record_take(io, data, len);
    else if (magic_of(data, len) == 0xfe)
        ok = smb2_records_take(io, data, len);
    else /* version 3's transform: ciphertext */
        ok = magic_of(data, len) != 0;
    if (!ok)
        smb_event(io, NULL, SMB_MALFORMED_DATA);
    return ok;
}

static bool is_pipe_tree(struct app_io *io, const struct smb_record *r)
{
    struct smb_id id = smb_id_tree(r);
    const struct smb_entry *tree = smb_entry_find(io->af->state, SMB_ENTRY_TREE, &id);
    return tree && tree->pipe;
}

/**
 * The beginning of a record: that of a read or write of a file is taken, the rest will follow as
 * the file's bytes. True when it was.
 */
static bool partial_take(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    struct smb_record r;
    uint32_t next;
    bool request = io->dir == SIG_DIR_TOSERVER;
    if (magic_of(data, len) == 0xff) {
        uint16_t want = request ? SMB1_WRITE_ANDX : SMB1_READ_ANDX;
        if (!smb1_header_read(&c, &r) || r.command != want || r.answer == request ||
            is_pipe_tree(io, &r))
            return false;
        if (request)
            smb1_write_take(io, &r, 0, SMB1_WRITE_ANDX);
        else
            smb1_read_take(io, &r, 0);
        return true;
    }
    if (magic_of(data, len) != 0xfe || !smb2_header_read(&c, &r, &next) ||
        r.command != (request ? SMB2_WRITE : SMB2_READ) || r.answer == request ||
        next > SMB2_HEADER || is_pipe_tree(io, &r))
        return false;
    if (request)
        smb2_write_take(io, &r);
    else
        smb2_read_take(io, &r);
    return true;
}

/**
 * A message that is not whole yet: returns how many bytes of it were taken (0: wait), or
 * APP_GIVE_UP.
 */
static uint32_t partial_frame(struct app_io *io, uint8_t type, const uint8_t *data, uint32_t len,
                              uint32_t size)
{
    struct smb_state *s = io->af->state;
    bool wanted = type == 0 && size <= APP_CARRY_MAX - FRAME_HEADER;
    bool known = type == 0 ? len <= FRAME_HEADER || magic_of(data, len) != 0
                           : type >= NBSS_REQUEST && type <= NBSS_KEEP_ALIVE;
    if (!known)
        return APP_GIVE_UP;
    if (len + FRAME_HEADER < PARTIAL_MIN && size >= PARTIAL_MIN) {
        io->want = PARTIAL_MIN;
        return 0;
    }
    if (type == 0 && len + FRAME_HEADER >= PARTIAL_MIN && partial_take(io, data, len))
        return FRAME_HEADER + len;
    if (wanted) {
        io->want = size + FRAME_HEADER;
        return 0;
    }
    app_count(io->ctx, APP_COUNT_CARRY_LIMIT);
    s->skip[io->dir] = size - len;
    return FRAME_HEADER + len;
}

/** Bytes that belong to a record which is going on. */
static uint32_t ongoing_take(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct smb_state *s = io->af->state;
    uint32_t used = s->skip[io->dir] < len ? s->skip[io->dir] : len;
    s->skip[io->dir] -= used;
    if (s->left[io->dir] > 0 && used < len)
        used += smb_file_more(io, data + used, len - used);
    return used;
}

/** After a gap: bytes up to the next frame with a record. */
static uint32_t frame_search(struct smb_state *s, unsigned dir, const uint8_t *data, uint32_t len)
{
    for (uint32_t at = FRAME_HEADER; at + 4 <= len; at++)
        if (magic_of(data + at, len - at) && data[at - FRAME_HEADER] == 0) {
            s->lost[dir] = false;
            return at - FRAME_HEADER;
        }
    return len >= 8 ? len - 7 : 0;
}

/** The records of `size` bytes, of which `there` have come, as frames: all, header, rest. */
static void record_frames(struct app_io *io, const uint8_t *data, uint32_t there, uint32_t size)
{
    static const struct {
        enum sig_frame pdu, hdr, data;
        uint32_t header;
    } kinds[] = {
        {SIG_FRAME_SMB3_PDU,  SIG_FRAME_SMB3_HDR, SIG_FRAME_SMB3_DATA, 52         },
        { SIG_FRAME_SMB2_PDU, SIG_FRAME_SMB2_HDR, SIG_FRAME_SMB2_DATA, SMB2_HEADER},
        { SIG_FRAME_SMB1_PDU, SIG_FRAME_SMB1_HDR, SIG_FRAME_SMB1_DATA, 32         },
    };
    for (uint8_t magic; (magic = magic_of(data, there)) != 0;) {
        uint32_t header = kinds[magic - 0xfd].header, record = size;
        struct cursor c = cursor_make(data, there);
        cursor_skip(&c, 20);
        uint32_t next = cursor_le32(&c); /* version 2 alone: where the next record begins */
        if (header > size)
            return;
        if (magic == 0xfe && !c.bad && next > SMB2_HEADER && next < size)
            record = next;
        app_frame_open(io, kinds[magic - 0xfd].pdu, data, record);
        app_frame_open(io, kinds[magic - 0xfd].hdr, data, header);
        app_frame_open(io, kinds[magic - 0xfd].data, data + header, record - header);
        if (record >= there)
            return;
        data += record;
        there -= record;
        size -= record;
    }
}

/** What a message at `data`, with `there` bytes behind its NetBIOS header, is made of. */
static void message_frames(struct app_io *io, const uint8_t *data, uint32_t there, uint32_t size)
{
    if (io->ctx->frames == 0)
        return;
    app_frame_open(io, SIG_FRAME_SMB_NBSS_PDU, data, (uint64_t)FRAME_HEADER + size);
    app_frame_open(io, SIG_FRAME_SMB_NBSS_HDR, data, FRAME_HEADER);
    app_frame_open(io, SIG_FRAME_SMB_NBSS_DATA, data + FRAME_HEADER, size);
    if (data[0] == 0)
        record_frames(io, data + FRAME_HEADER, there, size);
}

static uint32_t smb_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    (void)old;
    struct smb_state *s = io->af->state;
    uint32_t used = ongoing_take(io, data, len);
    if (s->lost[io->dir])
        used += frame_search(s, io->dir, data + used, len - used);
    while (!s->lost[io->dir] && len - used >= FRAME_HEADER) {
        const uint8_t *at = data + used + FRAME_HEADER;
        struct cursor c = cursor_make(data + used, FRAME_HEADER);
        uint8_t type = cursor_u8(&c);
        uint32_t size = cursor_be24(&c), there = len - used - FRAME_HEADER;
        if (there < size) {
            uint32_t n = partial_frame(io, type, at, there, size);
            if (n > 0 && n != APP_GIVE_UP)
                message_frames(io, data + used, there, size);
            return n == APP_GIVE_UP ? n : used + n;
        }
        message_frames(io, data + used, size, size);
        if (type == 0 && !message_take(io, at, size))
            return APP_GIVE_UP;
        used += FRAME_HEADER + size;
        used += ongoing_take(io, data + used, len - used);
    }
    return used;
}

static bool smb_gap(struct app_io *io, uint32_t len)
{
    struct smb_state *s = io->af->state;
    struct smb_tx *t = smb_file_find(io, &s->left_handle[io->dir], io->dir);
    uint32_t skipped = s->skip[io->dir] < len ? s->skip[io->dir] : len;
    s->skip[io->dir] -= skipped;
    if (s->left[io->dir] > 0 && len > skipped) {
        if (t)
            app_transfer_cut(io->ctx, &t->transfer);
        s->left[io->dir] -= s->left[io->dir] < len - skipped ? s->left[io->dir] : len - skipped;
    }
    s->lost[io->dir] = s->skip[io->dir] == 0 && s->left[io->dir] == 0;
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        if (((struct smb_tx *)tx)->kind == SMB_TX_FILE)
            continue; /* goes on behind the gap */
        app_tx_progress(tx, SIG_DIR_TOSERVER, SIG_PROGRESS_DONE);
        if (io->dir == SIG_DIR_TOCLIENT)
            app_tx_progress(tx, SIG_DIR_TOCLIENT, SIG_PROGRESS_DONE);
    }
    return true;
}

static void smb_end(struct app_io *io, const uint8_t *data, uint32_t len)
{
    (void)data;
    (void)len;
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct smb_tx *t = (struct smb_tx *)tx;
        if (t->kind == SMB_TX_FILE && t->dir == io->dir)
            app_transfer_cut(io->ctx, &t->transfer);
    }
}

/* ---- what rules see ------------------------------------------------------------------------ */

static bool view_of(const struct app_bytes *bytes, struct app_view *out)
{
    return bytes->len > 0 && app_view_set(out, bytes->data, bytes->len);
}

static bool smb_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                       enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    const struct smb_state *s = af->state;
    struct smb_tx *t = (struct smb_tx *)tx;
    switch (buffer) {
    case SIG_BUF_SMB_SHARE:
        return index == 0 && t->kind == SMB_TX_TREE && !t->pipe && view_of(&t->name, out);
    case SIG_BUF_SMB_NAMED_PIPE:
        return index == 0 && t->kind == SMB_TX_TREE && t->pipe && view_of(&t->name, out);
    case SIG_BUF_SMB_NTLMSSP_USER:
        return index == 0 && t->ntlmssp && view_of(&t->name, out);
    case SIG_BUF_SMB_NTLMSSP_DOMAIN:
        return index == 0 && t->ntlmssp && view_of(&t->more, out);
    case SIG_BUF_DCE_STUB_DATA:
        return index == 0 && t->kind == SMB_TX_CALL && dce_stub_view(&t->stub[dir], out);
    case SIG_BUF_DCE_IFACE:
        return t->kind == SMB_TX_CALL && t->request == DCE_REQUEST &&
               dce_iface_view(&s->ifaces, -1, index, out);
    default:
        return t->kind == SMB_TX_FILE && t->dir == dir &&
               app_files_buffer(ctx, &t->transfer.files, buffer, index, out);
    }
}

static void smb_advance(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir)
{
    (void)ctx;
    (void)af;
    struct smb_tx *t = (struct smb_tx *)tx;
    if (t->kind == SMB_TX_FILE && t->dir == dir)
        app_files_advance(&t->transfer.files);
}

static bool smb_file(struct app_ctx *ctx, struct app_tx *tx, unsigned dir, uint32_t index,
                     struct app_file_view *out)
{
    const struct smb_tx *t = (const struct smb_tx *)tx;
    return t->kind == SMB_TX_FILE && t->dir == dir &&
           app_files_get(ctx, &t->transfer.files, index, out);
}

static bool smb_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                       uint64_t *out)
{
    (void)af;
    (void)dir;
    const struct smb_tx *t = (const struct smb_tx *)tx;
    if (t->kind != SMB_TX_CALL)
        return false;
    if (strcmp(name, APP_NUMBER_LITTLE_ENDIAN) == 0)
        *out = t->little;
    else if (strcmp(name, "dcerpc.opnum") == 0 && t->request == DCE_REQUEST)
        *out = t->opnum;
    else
        return false;
    return true;
}

static void smb_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct smb_tx *t = (struct smb_tx *)tx;
    app_bytes_free(ctx->slab, &t->name);
    app_bytes_free(ctx->slab, &t->more);
    app_bytes_free(ctx->slab, &t->host);
    app_bytes_free(ctx->slab, &t->stub[0].data);
    app_bytes_free(ctx->slab, &t->stub[1].data);
    app_transfer_free(ctx, &t->transfer);
}

static void smb_state_clear(struct app_ctx *ctx, void *state)
{
    struct smb_state *s = state;
    for (unsigned kind = 0; kind < SMB_ENTRY_KINDS; kind++)
        while (s->entries[kind])
            smb_entry_drop(ctx, s, (enum smb_entry_kind)kind, s->entries[kind]);
    dce_ifaces_free(ctx, &s->ifaces);
    app_bytes_free(ctx->slab, &s->dialects);
    app_bytes_free(ctx->slab, &s->dialect_v1);
}

const struct app_parser app_parser_smb = {
    .app = SIG_APP_SMB,
    .endless = true,
    .state_size = sizeof(struct smb_state),
    .stream = smb_stream,
    .gap = smb_gap,
    .end = smb_end,
    .buffer = smb_buffer,
    .body_advance = smb_advance,
    .number = smb_number,
    .file = smb_file,
    .tx_clear = smb_clear,
    .state_clear = smb_state_clear,
    .describe = smb_describe,
    .tx_size = sizeof(struct smb_tx),
    .tx_max = 2 * SMB_TX_OPEN_MAX,
    .events = smb_events,
};
