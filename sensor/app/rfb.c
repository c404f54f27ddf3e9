/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFB, the protocol of VNC (RFC 6143), up to the server's first message: versions, security,
 * names. One transaction a flow, which rules see when the handshake is over, well or ill.
 */
#include "config.h"
#include "sensor/app/frames.h"
#include "sensor/app/parsers.h"

#include <stdio.h>

#include "common/cursor.h"
#include "common/json.h"

#define VERSION_LEN   12u /* "RFB 003.008\n" */
#define CHALLENGE_LEN 16u
/** ServerInit before its name (RFC 6143 7.3.2). */
#define INIT_LEN 24u
/** Longest desktop name and reason that are read. */
#define TEXT_MAX      65000u

#define SECURITY_NONE 1
#define SECURITY_VNC  2

enum rfb_step {
    STEP_SERVER_VERSION,
    STEP_CLIENT_VERSION,
    STEP_SECURITY_TYPES,
    STEP_SECURITY_TYPE, /* version 3.3: the server decides */
    STEP_SELECTION,
    STEP_CHALLENGE,
    STEP_RESPONSE,
    STEP_RESULT,
    STEP_REASON,
    STEP_CLIENT_INIT,
    STEP_SERVER_INIT,
    STEP_DONE,
};

enum rfb_event { RFB_MALFORMED, RFB_UNIMPLEMENTED, RFB_UNKNOWN_RESULT, RFB_CONFUSED };

static const char *const rfb_events[] = { "malformed_message", "unimplemented_security_type",
                                          "unknown_security_result", "confused_state", NULL };

struct rfb_tx {
    struct app_tx tx;
    char version[2][VERSION_LEN];
    bool has_version[2], has_type, has_result, has_init, shared, has_shared;
    uint32_t type, result;
    uint16_t width, height;
    struct app_bytes name;
};

struct rfb_state {
    uint8_t step;
    struct rfb_tx *tx;
};

/** Who speaks at a step. */
static unsigned step_dir(uint8_t step)
{
    return step == STEP_CLIENT_VERSION || step == STEP_SELECTION || step == STEP_RESPONSE ||
                   step == STEP_CLIENT_INIT
               ? SIG_DIR_TOSERVER
               : SIG_DIR_TOCLIENT;
}

static void handshake_over(struct rfb_state *s)
{
    s->step = STEP_DONE;
    for (unsigned d = 0; d < 2; d++)
        app_tx_progress(&s->tx->tx, d, SIG_PROGRESS_DONE);
}

static bool minor_is(const struct rfb_tx *t, char digit)
{
    return t->version[SIG_DIR_TOSERVER][10] == digit;
}

/** What follows once the security type is agreed. */
static bool security_chosen(struct app_io *io, struct rfb_state *s, uint32_t type)
{
    s->tx->type = type;
    s->tx->has_type = true;
    if (type == SECURITY_VNC) {
        s->step = STEP_CHALLENGE;
        return true;
    }
    if (type == SECURITY_NONE) {
        s->step = minor_is(s->tx, '8') ? STEP_RESULT : STEP_CLIENT_INIT;
        return true;
    }
    app_tx_event(&s->tx->tx, io->dir, RFB_UNIMPLEMENTED);
    return false;
}

static bool version_take(struct app_io *io, struct rfb_state *s, const uint8_t *data)
{
    struct rfb_tx *t = s->tx;
    if (memcmp(data, "RFB ", 4) != 0 || data[7] != '.' || data[11] != '\n') {
        app_tx_event(&t->tx, io->dir, RFB_MALFORMED);
        return false;
    }
    memcpy(t->version[io->dir], data, VERSION_LEN);
    t->has_version[io->dir] = true;
    if (s->step == STEP_SERVER_VERSION)
        s->step = STEP_CLIENT_VERSION;
    else
        s->step = minor_is(t, '3') ? STEP_SECURITY_TYPE : STEP_SECURITY_TYPES;
    return true;
}

static bool result_take(struct app_io *io, struct rfb_state *s, uint32_t result)
{
    s->tx->result = result;
    s->tx->has_result = true;
    if (result > 2) {
        app_tx_event(&s->tx->tx, io->dir, RFB_UNKNOWN_RESULT);
        return false;
    }
    s->step = result == 0 ? STEP_CLIENT_INIT : STEP_REASON;
    if (result > 0 && !minor_is(s->tx, '8')) /* before 3.8 no reason is given */
        handshake_over(s);
    return true;
}

static void init_take(struct app_io *io, struct rfb_state *s, struct cursor c)
{
    struct rfb_tx *t = s->tx;
    t->width = cursor_be16(&c);
    t->height = cursor_be16(&c);
    cursor_skip(&c, 16);
    uint32_t n = cursor_be32(&c);
    const uint8_t *name = cursor_take(&c, n);
    if (name && !app_bytes_add(io->ctx->slab, &t->name, name, n))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
    t->has_init = true;
    handshake_over(s);
}

/** Length of the message at hand, 0 while it is not known. */
static uint64_t message_len(uint8_t step, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    switch (step) {
    case STEP_SERVER_VERSION:
    case STEP_CLIENT_VERSION:
        return VERSION_LEN;
    case STEP_SECURITY_TYPES:
        return 1u + data[0];
    case STEP_SELECTION:
    case STEP_CLIENT_INIT:
        return 1;
    case STEP_CHALLENGE:
    case STEP_RESPONSE:
        return CHALLENGE_LEN;
    case STEP_REASON:
        return len < 4 ? 0 : 4 + (uint64_t)cursor_be32(&c);
    case STEP_SERVER_INIT:
        cursor_skip(&c, INIT_LEN - 4);
        return len < INIT_LEN ? 0 : INIT_LEN + (uint64_t)cursor_be32(&c);
    default:
        return 4;
    }
}

static bool message_take(struct app_io *io, struct rfb_state *s, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    switch (s->step) {
    case STEP_SERVER_VERSION:
    case STEP_CLIENT_VERSION:
        return version_take(io, s, data);
    case STEP_SECURITY_TYPES:
        s->step = data[0] > 0 ? STEP_SELECTION : STEP_REASON;
        return true;
    case STEP_SECURITY_TYPE:
        return security_chosen(io, s, cursor_be32(&c));
    case STEP_SELECTION:
        return security_chosen(io, s, data[0]);
    case STEP_CHALLENGE:
        s->step = STEP_RESPONSE;
        return true;
    case STEP_RESPONSE:
        s->step = STEP_RESULT;
        return true;
    case STEP_RESULT:
        return result_take(io, s, cursor_be32(&c));
    case STEP_CLIENT_INIT:
        s->tx->has_shared = true;
        s->tx->shared = data[0] != 0;
        s->step = STEP_SERVER_INIT;
        return true;
    case STEP_SERVER_INIT:
        init_take(io, s, c);
        return true;
    default:
        handshake_over(s);
        return true;
    }
}

static uint32_t rfb_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    (void)old;
    struct rfb_state *s = io->af->state;
    if (!s->tx && !(s->tx = (struct rfb_tx *)app_tx_new(io)))
        return APP_GIVE_UP;
    uint32_t used = 0;
    while (used < len && s->step != STEP_DONE) {
        if (step_dir(s->step) != io->dir) {
            app_tx_event(&s->tx->tx, io->dir, RFB_CONFUSED);
            return APP_GIVE_UP;
        }
        uint64_t size = message_len(s->step, data + used, len - used);
        uint32_t n = (uint32_t)size;
        if (size > TEXT_MAX) {
            app_tx_event(&s->tx->tx, io->dir, RFB_MALFORMED);
            return APP_GIVE_UP;
        }
        if (n == 0 || n > len - used)
            return used;
        app_frame_open(io, SIG_FRAME_RFB_PDU, data + used, n);
        if (!message_take(io, s, data + used, n))
            return APP_GIVE_UP;
        used += n;
    }
    return len; /* behind the handshake nothing is read */
}

/** Behind the handshake nothing is read, so nothing can be missed. */
static bool rfb_gap(struct app_io *io, uint32_t len)
{
    const struct rfb_state *s = io->af->state;
    (void)len;
    return s->step == STEP_DONE;
}

static bool rfb_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                       enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    (void)af;
    const struct rfb_tx *t = (const struct rfb_tx *)tx;
    return buffer == SIG_BUF_RFB_NAME && dir == SIG_DIR_TOCLIENT && index == 0 && t->name.len > 0 &&
           app_view_set(out, t->name.data, t->name.len);
}

static bool rfb_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                       uint64_t *out)
{
    (void)af;
    const struct rfb_tx *t = (const struct rfb_tx *)tx;
    bool over = tx->progress[dir] == SIG_PROGRESS_DONE;
    if (strcmp(name, "rfb.sectype") == 0) {
        *out = t->type;
        return over && dir == SIG_DIR_TOSERVER && t->has_type;
    }
    *out = t->result;
    return strcmp(name, "rfb.secresult") == 0 && over && dir == SIG_DIR_TOCLIENT && t->has_result;
}

static void rfb_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    app_bytes_free(ctx->slab, &((struct rfb_tx *)tx)->name);
}

static void describe_version(const struct rfb_tx *t, unsigned dir, const char *key,
                             struct json *out)
{
    if (!t->has_version[dir])
        return;
    json_open(out, key);
    json_strn(out, "major", t->version[dir] + 4, 3);
    json_strn(out, "minor", t->version[dir] + 8, 3);
    json_close(out);
}

static void rfb_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    static const char *const results[] = { "OK", "FAIL", "TOOMANY" };
    (void)af;
    const struct rfb_tx *t = (const struct rfb_tx *)tx;
    json_open(out, "rfb");
    describe_version(t, SIG_DIR_TOCLIENT, "server_protocol_version", out);
    describe_version(t, SIG_DIR_TOSERVER, "client_protocol_version", out);
    json_open(out, "authentication");
    if (t->has_type)
        json_u64(out, "security_type", t->type);
    if (t->has_result)
        json_str(out, "security_result", t->result < 3 ? results[t->result] : "UNKNOWN");
    json_close(out);
    if (t->has_shared)
        json_bool(out, "screen_shared", t->shared);
    if (t->has_init) {
        json_open(out, "framebuffer");
        json_u64(out, "width", t->width);
        json_u64(out, "height", t->height);
        json_strn(out, "name", t->name.data ? t->name.data : (const uint8_t *)"", t->name.len);
        json_close(out);
    }
    json_close(out);
}

const struct app_parser app_parser_rfb = {
    .app = SIG_APP_RFB,
    .state_size = sizeof(struct rfb_state),
    .stream = rfb_stream,
    .gap = rfb_gap,
    .buffer = rfb_buffer,
    .number = rfb_number,
    .tx_clear = rfb_clear,
    .describe = rfb_describe,
    .stay_open = true,
    .tx_size = sizeof(struct rfb_tx),
    .events = rfb_events,
};
