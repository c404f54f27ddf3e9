/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SSH (RFC 4253): the two version lines, the key exchange offers and HASSH. After both sides'
 * NEWKEYS all is ciphertext. One transaction a flow.
 */
#include "config.h"
#include "sensor/app/parsers.h"

#include "common/buf.h"
#include "common/cursor.h"
#include "common/json.h"
#include "sensor/app/digest.h"

/** RFC 4253 4.2: longest version line; a side that sends more without one is not followed. */
#define BANNER_MAX 255
/** Lines a server may send before its version line. */
#define BANNER_LINES_MAX 20
/** Longest packet that is read (RFC 4253 6.1 asks for 35,000). */
#define SSH_PACKET_MAX 35000
#define HASSH_MAX      8192

#define MSG_KEXINIT    20
#define MSG_NEWKEYS    21

enum ssh_event { SSH_INVALID_BANNER, SSH_LONG_BANNER, SSH_INVALID_RECORD, SSH_LONG_KEX };

static const char *const ssh_events[] = { "invalid_banner", "long_banner", "invalid_record",
                                          "long_kex_record", NULL };

struct ssh_side {
    struct app_bytes proto, software, hassh;
    char hassh_hash[33];
};

struct ssh_tx {
    struct app_tx tx;
    struct ssh_side side[2];
};

struct ssh_reader {
    bool greeted, finished;
    uint8_t lines;
};

struct ssh_state {
    struct ssh_reader reader[2];
    struct ssh_tx *tx;
};

static void ssh_finished(struct app_io *io, struct ssh_state *s)
{
    s->reader[io->dir].finished = true;
    app_tx_progress(&s->tx->tx, io->dir, SIG_PROGRESS_DONE);
    if (!s->reader[!io->dir].finished)
        return;
    io->out->encrypted = true;
    io->out->flush = true;
    for (unsigned d = 0; d < 2; d++) {
        io->af->stopped[d] = true;
        io->out->stop[d] = true;
    }
}

/** "SSH-2.0-software comments". */
static bool banner_read(struct app_io *io, struct ssh_state *s, const uint8_t *line, uint32_t len)
{
    struct ssh_side *side = &s->tx->side[io->dir];
    len = app_line_chomp(line, len);
    const uint8_t *dash = len > 4 ? memchr(line + 4, '-', len - 4) : NULL;
    if (!dash) {
        app_tx_event(&s->tx->tx, io->dir, SSH_INVALID_BANNER);
        return false;
    }
    const uint8_t *software = dash + 1;
    uint32_t left = (uint32_t)(line + len - software);
    const uint8_t *space = left > 0 ? memchr(software, ' ', left) : NULL;
    uint32_t n = space ? (uint32_t)(space - software) : left;
    (void)app_bytes_add(io->ctx->slab, &side->proto, line + 4, (uint32_t)(dash - line - 4));
    (void)app_bytes_add(io->ctx->slab, &side->software, software, n);
    s->reader[io->dir].greeted = true;
    app_tx_progress(&s->tx->tx, io->dir, SIG_PROGRESS_LINE);
    return true;
}

/**
 * Which of KEXINIT's lists make the string: key exchange, then cipher, MAC and compression of the
 * side's direction.
 */
static void hassh_make(struct app_io *io, struct ssh_side *side, const uint8_t *payload,
                       uint32_t len)
{
    char text[HASSH_MAX];
    struct buf b;
    struct cursor c = cursor_make(payload, len);
    buf_init_fixed(&b, text, sizeof(text));
    cursor_skip(&c, 16);
    for (unsigned i = 0; i < 8; i++) {
        uint32_t n = cursor_be32(&c);
        const uint8_t *list = cursor_take(&c, n);
        bool wanted = i == 0 || (i >= 2 && i % 2 == io->dir);
        if (!list)
            return;
        if (!wanted)
            continue;
        if (i > 0)
            buf_byte(&b, ';');
        buf_add(&b, list, n);
    }
    if (b.bad || side->hassh.len > 0 ||
        !app_bytes_add(io->ctx->slab, &side->hassh, text, (uint32_t)b.len))
        return;
    app_md5_hex(text, b.len, side->hassh_hash);
}

/** One binary packet: length, padding length, payload (RFC 4253 6). */
static void packet_read(struct app_io *io, struct ssh_state *s, const uint8_t *packet, uint32_t len)
{
    struct cursor c = cursor_make(packet, len);
    cursor_skip(&c, 5);
    switch (cursor_u8(&c)) {
    case MSG_KEXINIT:
        hassh_make(io, &s->tx->side[io->dir], c.at, (uint32_t)cursor_left(&c));
        app_tx_progress(&s->tx->tx, io->dir, SIG_PROGRESS_HEADERS);
        break;
    case MSG_NEWKEYS:
        ssh_finished(io, s);
        break;
    default:
        break;
    }
}

static uint32_t banner_take(struct app_io *io, struct ssh_state *s, const uint8_t *data,
                            uint32_t len, uint32_t old)
{
    struct ssh_reader *r = &s->reader[io->dir];
    uint32_t line = app_line_end(data, len, old);
    if (line == 0 && len <= BANNER_MAX)
        return 0;
    if (line == 0 || r->lines++ >= BANNER_LINES_MAX) {
        app_tx_event(&s->tx->tx, io->dir, SSH_LONG_BANNER);
        return APP_GIVE_UP;
    }
    if (line < 4 || memcmp(data, "SSH-", 4) != 0)
        return line;
    return banner_read(io, s, data, line) ? line : APP_GIVE_UP;
}

static uint32_t packet_take(struct app_io *io, struct ssh_state *s, const uint8_t *data,
                            uint32_t len)
{
    if (len < 6)
        return 0;
    uint32_t size =
        (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
    if (size < 2 || size > SSH_PACKET_MAX) {
        app_tx_event(&s->tx->tx, io->dir, size < 2 ? SSH_INVALID_RECORD : SSH_LONG_KEX);
        return APP_GIVE_UP;
    }
    if (len - 4 < size) {
        io->want = size + 4;
        return 0;
    }
    packet_read(io, s, data, size + 4);
    return size + 4;
}

static uint32_t ssh_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    struct ssh_state *s = io->af->state;
    if (!s->tx && !(s->tx = (struct ssh_tx *)app_tx_new(io)))
        return APP_GIVE_UP;
    uint32_t used = 0;
    while (used < len) {
        struct ssh_reader *r = &s->reader[io->dir];
        if (r->finished)
            return len;
        uint32_t n = r->greeted
                         ? packet_take(io, s, data + used, len - used)
                         : banner_take(io, s, data + used, len - used, old > used ? old - used : 0);
        if (n == APP_GIVE_UP)
            return n;
        if (n == 0)
            break;
        used += n;
    }
    return used;
}

/** After NEWKEYS nothing is read, so nothing can be missed. */
static bool ssh_gap(struct app_io *io, uint32_t len)
{
    struct ssh_state *s = io->af->state;
    (void)len;
    return s->reader[io->dir].finished;
}

static bool ssh_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                       enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    (void)af;
    const struct ssh_side *side = &((struct ssh_tx *)tx)->side[dir];
    bool client = dir == SIG_DIR_TOSERVER;
    const struct app_bytes *b = NULL;
    if (index > 0)
        return false;
    if (buffer == SIG_BUF_SSH_PROTO)
        b = &side->proto;
    else if (buffer == SIG_BUF_SSH_SOFTWARE)
        b = &side->software;
    else if (buffer == (client ? SIG_BUF_SSH_HASSH_STRING : SIG_BUF_SSH_HASSH_SERVER_STRING))
        b = &side->hassh;
    else if (buffer == (client ? SIG_BUF_SSH_HASSH : SIG_BUF_SSH_HASSH_SERVER))
        return side->hassh.len > 0 && app_view_set(out, side->hassh_hash, 32);
    return b && b->len > 0 && app_view_set(out, b->data, b->len);
}

/** "ssh.protoversion": 2 when the side speaks version 2, by itself or as 1.99 (RFC 4253 5.1). */
static bool ssh_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                       uint64_t *out)
{
    (void)af;
    const struct app_bytes *proto = &((struct ssh_tx *)tx)->side[dir].proto;
    if (strcmp(name, "ssh.protoversion") != 0 || proto->len == 0)
        return false;
    bool both = proto->len == 4 && memcmp(proto->data, "1.99", 4) == 0;
    *out = proto->data[0] == '2' || both ? 2 : 1;
    return true;
}

static void ssh_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct ssh_tx *t = (struct ssh_tx *)tx;
    for (unsigned d = 0; d < 2; d++) {
        app_bytes_free(ctx->slab, &t->side[d].proto);
        app_bytes_free(ctx->slab, &t->side[d].software);
        app_bytes_free(ctx->slab, &t->side[d].hassh);
    }
}

static void describe_side(const struct ssh_side *side, const char *key, struct json *out)
{
    if (side->proto.len == 0)
        return;
    json_open(out, key);
    json_strn(out, "proto_version", side->proto.data, side->proto.len);
    if (side->software.len > 0)
        json_strn(out, "software_version", side->software.data, side->software.len);
    if (side->hassh.len > 0) {
        json_open(out, "hassh");
        json_str(out, "hash", side->hassh_hash);
        json_strn(out, "string", side->hassh.data, side->hassh.len);
        json_close(out);
    }
    json_close(out);
}

static void ssh_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct ssh_tx *t = (const struct ssh_tx *)tx;
    json_open(out, "ssh");
    describe_side(&t->side[SIG_DIR_TOSERVER], "client", out);
    describe_side(&t->side[SIG_DIR_TOCLIENT], "server", out);
    json_close(out);
}

const struct app_parser app_parser_ssh = {
    .app = SIG_APP_SSH,
    .state_size = sizeof(struct ssh_state),
    .stream = ssh_stream,
    .gap = ssh_gap,
    .buffer = ssh_buffer,
    .number = ssh_number,
    .tx_clear = ssh_clear,
    .describe = ssh_describe,
    .tx_size = sizeof(struct ssh_tx),
    .events = ssh_events,
};
