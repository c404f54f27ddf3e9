/* SPDX-License-Identifier: Apache-2.0 */
/* DCE/RPC through named pipes: messages in write requests, read answers, TRANS and IOCTL. */
#include "config.h"
#include "sensor/app/smb_ops.h"

#include <string.h>

#define REQUEST_MIN (DCE_HEADER_LEN + DCE_REQUEST_LEN)

bool smb_pipe_is_service(struct smb_state *s, const struct smb_handle *handle)
{
    static const char *const services[] = { "svcctl", "srvsvc",  "atsvc",  "lsarpc",
                                            "samr",   "spoolss", "winreg", "suricata::dcerpc" };
    struct smb_id id = smb_id_handle(handle);
    const struct smb_entry *name = smb_entry_find(s, SMB_ENTRY_NAME, &id);
    if (!name)
        return false;
    const uint8_t *at = name->text.data;
    uint32_t len = name->text.len;
    if (len > 1 && at[0] == '\\') {
        at++;
        len--;
    }
    for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (len == strlen(services[i]) && memcmp(at, services[i], len) == 0)
            return true;
    return false;
}

bool smb_pipe_probe(const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    struct dce_header h;
    return dce_header_read(&c, &h) && h.type <= DCE_TYPE_LAST;
}

/** A call's transaction of this pipe; only the ids of IOCTLs tell one exchange from another. */
static struct smb_tx *call_find(struct app_io *io, const struct smb_record *r, uint32_t call_id)
{
    bool ioctl = r->version == 2 && r->command != SMB2_READ && r->command != SMB2_WRITE;
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct smb_tx *t = (struct smb_tx *)tx;
        if (t->kind == SMB_TX_CALL && t->call_id == call_id && t->session == r->session &&
            (!ioctl || t->message == r->message))
            return t;
    }
    return NULL;
}

static struct smb_tx *call_make(struct app_io *io, const struct smb_record *r,
                                const struct dce_header *h)
{
    struct smb_tx *t = smb_tx_make(io, r, SMB_TX_CALL, SMB_KEY_NONE);
    if (!t)
        return NULL;
    t->call_id = h->call_id;
    t->little = h->little;
    return t;
}

static void stub_take(struct app_io *io, struct smb_tx *t, unsigned dir, const uint8_t *data,
                      uint32_t len)
{
    dce_stub_add(io->ctx, &t->stub[dir], data, len);
    t->stub[dir].frags++;
    t->tx.updated[0] = t->tx.updated[1] = true;
}

/** Operation and stub data of a request; false when it is shorter than it says. */
static bool request_read(const struct dce_header *h, struct cursor c, struct smb_tx *out,
                         const uint8_t **stub)
{
    cursor_skip(&c, 4);
    out->context = dce_u16(&c, h->little);
    out->opnum = dce_u16(&c, h->little);
    *stub = h->frag_len >= REQUEST_MIN ? cursor_take(&c, h->frag_len - REQUEST_MIN) : NULL;
    return *stub != NULL;
}

/** Another fragment of a request: it belongs to a call that is known. */
static void fragment_take(struct app_io *io, const struct smb_record *r, const struct dce_header *h,
                          struct cursor c)
{
    struct smb_tx parsed = { .opnum = 0 };
    const uint8_t *stub;
    if (!request_read(h, c, &parsed, &stub)) {
        smb_event(io, NULL, SMB_MALFORMED_DATA);
        return;
    }
    struct smb_tx *t = call_find(io, r, h->call_id);
    if (!t)
        return;
    stub_take(io, t, SIG_DIR_TOSERVER, stub, h->frag_len - REQUEST_MIN);
    if (h->flags & DCE_LAST_FRAG)
        smb_tx_done(t, SIG_DIR_TOSERVER);
}

static void request_take(struct app_io *io, struct smb_tx *t, const struct dce_header *h,
                         struct cursor c)
{
    struct smb_tx parsed = { .opnum = 0 };
    const uint8_t *stub;
    bool ok = request_read(h, c, &parsed, &stub);
    if (ok) {
        t->opnum = parsed.opnum;
        t->context = parsed.context;
        stub_take(io, t, SIG_DIR_TOSERVER, stub, h->frag_len - REQUEST_MIN);
    } else {
        smb_event(io, t, SMB_MALFORMED_DATA);
    }
    if (!ok || h->flags & DCE_LAST_FRAG)
        smb_tx_done(t, SIG_DIR_TOSERVER);
}

void smb_pipe_write(struct app_io *io, const struct smb_record *r, const uint8_t *data,
                    uint32_t len)
{
    struct smb_state *s = io->af->state;
    struct cursor c = cursor_make(data, len);
    struct dce_header h;
    (void)dce_header_read(&c, &h);
    if (c.bad) {
        smb_event(io, NULL, SMB_MALFORMED_DATA);
        return;
    }
    if (h.type == DCE_REQUEST && !(h.flags & DCE_FIRST_FRAG)) {
        fragment_take(io, r, &h, c);
        return;
    }
    struct smb_tx *t = call_make(io, r, &h);
    if (!t)
        return;
    t->request = h.type;
    t->requested = true;
    if (h.type == DCE_REQUEST) {
        request_take(io, t, &h, c);
        return;
    }
    h.flags |= DCE_FIRST_FRAG; /* fragments do not matter to dcerpc.iface here */
    if ((h.type == DCE_BIND && !dce_bind_read(io->ctx, &s->ifaces, &h, c, true)) ||
        h.type > DCE_TYPE_LAST)
        smb_event(io, t, SMB_MALFORMED_DATA);
    smb_tx_done(t, SIG_DIR_TOSERVER);
}

/* ---- answers ------------------------------------------------------------------------------- */

static void bind_ack_take(struct app_io *io, const struct smb_record *r, const struct dce_header *h,
                          struct cursor c)
{
    struct smb_state *s = io->af->state;
    struct smb_tx *t = call_find(io, r, h->call_id);
    if (!t)
        return;
    if (!dce_bind_ack_read(&s->ifaces, c)) {
        smb_event(io, NULL, SMB_MALFORMED_DATA);
        return;
    }
    t->answered = true;
    t->response = h->type;
    smb_tx_answered(t, r);
    smb_tx_done(t, SIG_DIR_TOCLIENT);
}

static void response_take(struct app_io *io, struct smb_tx *t, const struct smb_record *r,
                          const struct dce_header *h, struct cursor c)
{
    cursor_skip(&c, DCE_RESPONSE_LEN);
    const uint8_t *stub =
        h->frag_len >= REQUEST_MIN ? cursor_take(&c, h->frag_len - REQUEST_MIN) : NULL;
    if (!stub) {
        smb_event(io, t, SMB_MALFORMED_DATA);
        return;
    }
    t->answered = true;
    t->response = h->type;
    t->has_status = true;
    t->status = r->status;
    stub_take(io, t, SIG_DIR_TOCLIENT, stub, h->frag_len - REQUEST_MIN);
    if (h->flags & DCE_LAST_FRAG)
        smb_tx_done(t, SIG_DIR_TOCLIENT);
}

static void answer_take(struct app_io *io, const struct smb_record *r, const struct dce_header *h,
                        struct cursor c)
{
    if (h->type == DCE_BIND_ACK) {
        bind_ack_take(io, r, h, c);
        return;
    }
    struct smb_tx *t = call_find(io, r, h->call_id);
    if (!t && !(t = call_make(io, r, h)))
        return;
    if (h->type == DCE_RESPONSE) {
        response_take(io, t, r, h, c);
        return;
    }
    t->answered = true;
    t->response = h->type;
    smb_tx_answered(t, r);
    smb_tx_done(t, SIG_DIR_TOCLIENT);
    if (h->type > DCE_TYPE_LAST)
        smb_event(io, t, SMB_MALFORMED_DATA);
}

/** An answer whose status says that it failed. */
static void failed_take(struct app_io *io, const struct smb_record *r)
{
    struct smb_tx *t = smb_tx_of_command(io, r, SMB_KEY_COMMAND);
    if (!t)
        return;
    smb_tx_answered(t, r);
    smb_tx_done(t, SIG_DIR_TOCLIENT);
}

/** An answer as far as it has come; what is not whole yet is kept. */
static void whole_take(struct app_io *io, const struct smb_record *r, const struct smb_id *id,
                       const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    struct dce_header h;
    if (len == 0)
        return;
    (void)dce_header_read(&c, &h);
    if (c.bad)
        smb_event(io, NULL, SMB_MALFORMED_DATA);
    else if (r->status == SMB_STATUS_BUFFER_OVERFLOW && len < h.frag_len)
        (void)smb_entry_put(io->ctx, io->af->state, SMB_ENTRY_PART, id, data, len);
    else
        answer_take(io, r, &h, c);
}

void smb_pipe_read(struct app_io *io, const struct smb_record *r, const struct smb_handle *handle,
                   const uint8_t *data, uint32_t len)
{
    struct smb_state *s = io->af->state;
    struct smb_id id = smb_id_tree(r);
    id.handle = *handle;
    if (r->status != SMB_STATUS_SUCCESS && r->status != SMB_STATUS_BUFFER_OVERFLOW) {
        failed_take(io, r);
        return;
    }
    struct smb_entry *part = smb_entry_find(s, SMB_ENTRY_PART, &id);
    if (!part) {
        whole_take(io, r, &id, data, len);
        return;
    }
    struct app_bytes both = part->text;
    part->text = (struct app_bytes){ NULL, 0, 0 };
    smb_entry_drop(io->ctx, s, SMB_ENTRY_PART, part);
    if (both.len + len > SMB_PART_MAX)
        app_count(io->ctx, APP_COUNT_SMB_LIMIT);
    else if (len > 0 && !app_bytes_add(io->ctx->slab, &both, data, len))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
    else
        whole_take(io, r, &id, both.data, both.len);
    app_bytes_free(io->ctx->slab, &both);
}
