/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DCE/RPC over TCP and UDP (C706 chapter 12). A call is a transaction: request and response are
 * matched by the call's id, and their fragments' stub data are put together. As in Suricata a
 * direction counts as done with its first fragment.
 */
#include "config.h"
#include "sensor/app/parsers.h"

#include <stdio.h>

#include "common/json.h"
#include "sensor/app/dce.h"

/** Least length of a fragment: its header. */
#define FRAG_MIN DCE_HEADER_LEN
/** Header of a datagram (C706 12.5.2), and the flags in it. */
#define DATAGRAM_HEADER 80
#define DATAGRAM_LAST   0x02u
#define DATAGRAM_FRAG   0x04u
#define ACTIVITY_LEN    16

struct dcerpc_tx {
    struct app_tx tx;
    struct dce_stub stub[2];
    uint32_t call_id; /* datagrams: the sequence number */
    uint16_t opnum, context;
    uint8_t command[2];     /* enum dce_type by direction */
    bool little, requested; /* requested: operation and context are known */
    bool datagram;
    uint8_t activity[ACTIVITY_LEN]; /* datagrams */
};

struct dcerpc_state {
    struct dce_ifaces ifaces;
    bool lost[2]; /* after a gap: search for a header */
};

static uint8_t answer_to(uint8_t type)
{
    switch (type) {
    case DCE_REQUEST:
        return DCE_RESPONSE;
    case DCE_BIND:
        return DCE_BIND_ACK;
    case DCE_ALTER_CONTEXT:
        return DCE_ALTER_CONTEXT_RESPONSE;
    default:
        return DCE_TYPE_UNKNOWN;
    }
}

/** The open call that a message of `type` belongs to, NULL when there is none. */
static struct dcerpc_tx *call_find(const struct app_io *io, uint32_t call_id, uint8_t type)
{
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct dcerpc_tx *t = (struct dcerpc_tx *)tx;
        bool same = io->dir == SIG_DIR_TOSERVER ? t->command[1] == answer_to(type)
                                                : type == answer_to(t->command[0]);
        if (t->call_id == call_id && same)
            return t;
    }
    return NULL;
}

static struct dcerpc_tx *call_make(struct app_io *io, const struct dce_header *h)
{
    struct dcerpc_tx *t = (struct dcerpc_tx *)app_tx_new(io);
    if (!t)
        return NULL;
    t->call_id = h->call_id;
    t->little = h->little;
    t->command[0] = DCE_REQUEST;
    t->command[1] = DCE_RESPONSE;
    return t;
}

static struct dcerpc_tx *call_get(struct app_io *io, const struct dce_header *h)
{
    struct dcerpc_tx *t = call_find(io, h->call_id, h->type);
    return t ? t : call_make(io, h);
}

static void call_done(struct app_io *io, struct dcerpc_tx *t)
{
    io->out->raw_trigger[io->dir] = true;
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_DONE);
}

/* ---- messages ------------------------------------------------------------------------------ */

static bool bind_take(struct app_io *io, const struct dce_header *h, struct cursor c)
{
    struct dcerpc_state *s = io->af->state;
    if (!dce_bind_read(io->ctx, &s->ifaces, h, c, false))
        return false;
    struct dcerpc_tx *t = call_make(io, h);
    if (!t)
        return true;
    t->command[0] = h->type;
    t->stub[0].frags = 1;
    call_done(io, t);
    return true;
}

static bool bind_ack_take(struct app_io *io, const struct dce_header *h, struct cursor c)
{
    struct dcerpc_state *s = io->af->state;
    if (!dce_bind_ack_read(&s->ifaces, c))
        return false;
    struct dcerpc_tx *t = call_get(io, h);
    if (!t)
        return true;
    t->command[1] = h->type;
    t->stub[1].frags = 1;
    call_done(io, t);
    return true;
}

/** Stub data of a message; one without any does not end its direction. */
static void stub_take(struct app_io *io, struct dcerpc_tx *t, struct cursor c)
{
    uint32_t len = (uint32_t)cursor_left(&c);
    if (len == 0)
        return;
    dce_stub_add(io->ctx, &t->stub[io->dir], c.at, len);
    t->stub[io->dir].frags++;
    call_done(io, t);
}

static bool request_take(struct app_io *io, const struct dce_header *h, struct cursor c)
{
    cursor_skip(&c, 4);
    uint16_t context = dce_u16(&c, h->little), opnum = dce_u16(&c, h->little);
    if (c.bad)
        return false;
    struct dcerpc_tx *t = call_get(io, h);
    if (!t)
        return true;
    t->command[0] = h->type;
    t->context = context;
    t->opnum = opnum;
    t->requested = true;
    stub_take(io, t, c);
    return true;
}

static bool response_take(struct app_io *io, const struct dce_header *h, struct cursor c)
{
    struct dcerpc_tx *t = call_get(io, h);
    if (!t)
        return true;
    t->command[1] = h->type;
    stub_take(io, t, c);
    return true;
}

/** One whole fragment behind its header; false for what ends the parser, as in Suricata. */
static bool message_take(struct app_io *io, const struct dce_header *h, struct cursor c)
{
    switch (h->type) {
    case DCE_BIND:
    case DCE_ALTER_CONTEXT:
        return bind_take(io, h, c);
    case DCE_BIND_ACK:
    case DCE_ALTER_CONTEXT_RESPONSE:
        return bind_ack_take(io, h, c);
    case DCE_REQUEST:
        return request_take(io, h, c);
    case DCE_RESPONSE:
        return response_take(io, h, c);
    default:
        return false;
    }
}

/* ---- the stream ---------------------------------------------------------------------------- */

/** After a gap: bytes up to what looks like a header's version. */
static uint32_t header_search(struct dcerpc_state *s, unsigned dir, const uint8_t *data,
                              uint32_t len)
{
    for (uint32_t at = 0; at + 2 <= len; at++)
        if (data[at] == 5 && data[at + 1] == 0) {
            s->lost[dir] = false;
            return at;
        }
    return len > 0 ? len - 1 : 0;
}

static uint32_t dcerpc_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    (void)old;
    struct dcerpc_state *s = io->af->state;
    uint32_t used = 0;
    if (s->lost[io->dir])
        used = header_search(s, io->dir, data, len);
    while (!s->lost[io->dir] && len - used >= DCE_HEADER_LEN) {
        struct cursor c = cursor_make(data + used, len - used);
        struct dce_header h;
        if (!dce_header_read(&c, &h) || h.frag_len < FRAG_MIN)
            return APP_GIVE_UP;
        if (len - used < h.frag_len) {
            io->want = h.frag_len;
            break;
        }
        if (!message_take(io, &h, cursor_sub(&c, h.frag_len - DCE_HEADER_LEN)))
            return APP_GIVE_UP;
        used += h.frag_len;
    }
    return used;
}

static bool dcerpc_gap(struct app_io *io, uint32_t len)
{
    struct dcerpc_state *s = io->af->state;
    (void)len;
    s->lost[io->dir] = true;
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        app_tx_progress(tx, SIG_DIR_TOSERVER, SIG_PROGRESS_DONE);
        if (io->dir == SIG_DIR_TOCLIENT)
            app_tx_progress(tx, SIG_DIR_TOCLIENT, SIG_PROGRESS_DONE);
    }
    return true;
}

/* ---- datagrams ----------------------------------------------------------------------------- */

/** A datagram's header, as far as it is needed. */
struct datagram {
    uint8_t type;
    bool little, last;
    uint32_t number;
    const uint8_t *activity;
};

/** The call that still waits for this direction's data, or a new one. */
static struct dcerpc_tx *activity_get(struct app_io *io, const struct datagram *d, unsigned dir)
{
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next) {
        struct dcerpc_tx *t = (struct dcerpc_tx *)tx;
        if (t->call_id == d->number && tx->progress[dir] != SIG_PROGRESS_DONE &&
            memcmp(t->activity, d->activity, ACTIVITY_LEN) == 0)
            return t;
    }
    struct dcerpc_tx *t = (struct dcerpc_tx *)app_tx_new(io);
    if (!t)
        return NULL;
    t->call_id = d->number;
    t->little = d->little;
    t->datagram = true;
    t->command[0] = DCE_REQUEST;
    t->command[1] = DCE_RESPONSE;
    memcpy(t->activity, d->activity, ACTIVITY_LEN);
    return t;
}

/** C706 12.5.2: header, and stub data of a request or response. */
static void dcerpc_datagram(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    struct datagram d;
    uint8_t version = cursor_u8(&c);
    d.type = cursor_u8(&c);
    uint8_t flags = cursor_u8(&c);
    d.last = !(flags & DATAGRAM_FRAG) || flags & DATAGRAM_LAST;
    cursor_skip(&c, 1);
    d.little = cursor_u8(&c) & DCE_FLAG_LITTLE;
    cursor_skip(&c, 3 + 2 * ACTIVITY_LEN); /* rest of the representation, object, interface */
    d.activity = cursor_take(&c, ACTIVITY_LEN);
    cursor_skip(&c, 8); /* server's boot time, interface version */
    d.number = dce_u32(&c, d.little);
    cursor_skip(&c, 6); /* operation, hints */
    uint16_t body = dce_u16(&c, d.little);
    cursor_skip(&c, DATAGRAM_HEADER - 76);
    const uint8_t *stub = cursor_take(&c, body);
    if (!stub || version != 4 || (d.type != DCE_REQUEST && d.type != DCE_RESPONSE))
        return;
    unsigned dir = d.type == DCE_REQUEST ? SIG_DIR_TOSERVER : SIG_DIR_TOCLIENT;
    struct dcerpc_tx *t = activity_get(io, &d, dir);
    if (!t)
        return;
    dce_stub_add(io->ctx, &t->stub[dir], stub, body);
    t->stub[dir].frags++;
    t->tx.updated[0] = t->tx.updated[1] = true;
    if (d.last)
        app_tx_progress(&t->tx, dir, SIG_PROGRESS_DONE);
}

/* ---- what rules see ------------------------------------------------------------------------ */

/** Whether the transaction is a call, of which rules on interface and operation speak. */
static bool is_call(const struct dcerpc_tx *t)
{
    return t->requested && (t->command[0] == DCE_REQUEST || t->command[1] == DCE_RESPONSE);
}

static bool dcerpc_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                          enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    const struct dcerpc_state *s = af->state;
    const struct dcerpc_tx *t = (const struct dcerpc_tx *)tx;
    if (buffer == SIG_BUF_DCE_IFACE)
        return is_call(t) && dce_iface_view(&s->ifaces, t->context, index, out);
    return buffer == SIG_BUF_DCE_STUB_DATA && index == 0 && dce_stub_view(&t->stub[dir], out);
}

static bool dcerpc_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                          uint64_t *out)
{
    (void)af;
    (void)dir;
    const struct dcerpc_tx *t = (const struct dcerpc_tx *)tx;
    if (strcmp(name, APP_NUMBER_LITTLE_ENDIAN) == 0)
        *out = t->little;
    else if (strcmp(name, "dcerpc.opnum") == 0 && t->requested)
        *out = t->opnum;
    else
        return false;
    return true;
}

static void dcerpc_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct dcerpc_tx *t = (struct dcerpc_tx *)tx;
    app_bytes_free(ctx->slab, &t->stub[0].data);
    app_bytes_free(ctx->slab, &t->stub[1].data);
}

static void dcerpc_state_clear(struct app_ctx *ctx, void *state)
{
    dce_ifaces_free(ctx, &((struct dcerpc_state *)state)->ifaces);
}

/* ---- EVE ----------------------------------------------------------------------------------- */

static void describe_stub(const struct dcerpc_tx *t, unsigned dir, struct json *out)
{
    json_open(out, dir == SIG_DIR_TOSERVER ? "req" : "res");
    if (dir == SIG_DIR_TOSERVER && !t->datagram)
        json_u64(out, "opnum", t->opnum);
    json_u64(out, "frag_cnt", t->stub[dir].frags);
    json_u64(out, "stub_data_size", t->stub[dir].size);
    json_close(out);
}

static bool is_bind(const struct dcerpc_tx *t)
{
    return t->command[0] == DCE_BIND || t->command[0] == DCE_ALTER_CONTEXT;
}

static void describe_side(const struct dcerpc_tx *t, unsigned dir, struct json *out)
{
    const char *key = dir == SIG_DIR_TOSERVER ? "request" : "response";
    if (t->tx.progress[dir] != SIG_PROGRESS_DONE && t->stub[dir].frags == 0) {
        json_str(out, key, dir == SIG_DIR_TOSERVER ? "REQUEST_LOST" : "UNREPLIED");
        return;
    }
    json_str(out, key, dce_type_name(t->command[dir]));
    if (!is_bind(t))
        describe_stub(t, dir, out);
}

static void dcerpc_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    const struct dcerpc_state *s = af->state;
    const struct dcerpc_tx *t = (const struct dcerpc_tx *)tx;
    json_open(out, "dcerpc");
    describe_side(t, SIG_DIR_TOSERVER, out);
    describe_side(t, SIG_DIR_TOCLIENT, out);
    if (is_bind(t))
        dce_ifaces_describe(&s->ifaces, false, out);
    json_u64(out, t->datagram ? "seqnum" : "call_id", t->call_id);
    json_str(out, "rpc_version", t->datagram ? "4.0" : "5.0");
    json_close(out);
}

const struct app_parser app_parser_dcerpc = {
    .app = SIG_APP_DCERPC,
    .state_size = sizeof(struct dcerpc_state),
    .stream = dcerpc_stream,
    .gap = dcerpc_gap,
    .datagram = dcerpc_datagram,
    .buffer = dcerpc_buffer,
    .number = dcerpc_number,
    .tx_clear = dcerpc_clear,
    .state_clear = dcerpc_state_clear,
    .describe = dcerpc_describe,
    .tx_size = sizeof(struct dcerpc_tx),
};
