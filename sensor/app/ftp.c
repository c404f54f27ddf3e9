/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FTP (RFC 959, 2428): commands and their replies, one transaction each, and the data channels they
 * announce, whose bytes are files named by the command. AUTH TLS hands the flow on.
 */
#include "config.h"
#include "sensor/app/parsers.h"

#include <stdio.h>
#include <strings.h>

#include "common/json.h"
#include "sensor/app/expect.h"
#include "sensor/app/files.h"

/** Longest line that is kept (Suricata: 4,096); of longer ones the rest is skipped. */
#define LINE_MAX_BYTES 4096u

enum ftp_event { FTP_REQUEST_TOO_LONG, FTP_RESPONSE_TOO_LONG };

static const char *const ftp_events[] = { "request_command_too_long", "response_command_too_long",
                                          NULL };

struct ftp_tx {
    struct app_tx tx;
    struct app_bytes command; /* the whole line */
    struct app_bytes reply;   /* first line of the reply */
    uint32_t verb;            /* bytes of the command's first word */
    uint16_t code;
    bool done;
    bool bounce; /* a PORT command with another address than the client's */
};

/** What a data connection is for: the numbers of ftpdata_command. */
enum { TRANSFER_RETR = 1, TRANSFER_STOR = 2 };

struct ftp_state {
    uint16_t data_port; /* announced for the next transfer; 0: none */
    bool active;        /* by the client */
    bool skip[2]; /* rest of a line that was too long */
};

static void tx_finish(struct ftp_tx *t)
{
    for (unsigned d = 0; d < 2; d++)
        app_tx_progress(&t->tx, d, SIG_PROGRESS_DONE);
}

static bool verb_is(const struct ftp_tx *t, const char *name)
{
    return t->verb == strlen(name) &&
           strncasecmp((const char *)t->command.data, name, t->verb) == 0;
}

/* ---- data channels ------------------------------------------------------------------------- */

/** Six numbers with commas (PORT, 227); the last two are the port. 0 when they are not there. */
static uint16_t six_numbers(const uint8_t *d, uint32_t len)
{
    uint32_t v[6] = { 0 };
    unsigned n = 0;
    uint32_t at = 0;
    while (at < len && n < 6) {
        uint32_t digits = 0;
        for (; at < len && d[at] >= '0' && d[at] <= '9' && digits < 3; at++, digits++)
            v[n] = v[n] * 10 + (d[at] - '0');
        if (digits == 0 || v[n] > 255)
            return 0;
        n++;
        if (n < 6 && (at >= len || d[at++] != ','))
            return 0;
    }
    return n == 6 ? (uint16_t)(v[4] << 8 | v[5]) : 0;
}

/**
 * Whether a PORT command names another address than the client's; read as loosely as Suricata reads
 * it: four numbers up to 256 with commas and white space, whatever else the line holds before them.
 */
static bool is_bounce(const struct flow *f, const uint8_t *d, uint32_t len)
{
    uint32_t at = 0, address = 0;
    while (at < len && (d[at] < '0' || d[at] > '9'))
        at++;
    for (unsigned n = 0; n < 4; n++) {
        uint32_t value = 0, digits = 0;
        for (; at < len && d[at] >= '0' && d[at] <= '9' && digits < 4; at++, digits++)
            value = value * 10 + (d[at] - '0');
        while (at < len && (d[at] == ' ' || (d[at] >= '\t' && d[at] <= '\r')))
            at++;
        if (digits > 3 || value > 256 || at >= len || d[at++] != ',')
            return false;
        address = (address << 8) + value;
    }
    const uint8_t *client = f->client.bytes + 12;
    return address != ((uint32_t)client[0] << 24 | (uint32_t)client[1] << 16 |
                       (uint32_t)client[2] << 8 | client[3]);
}

/**
 * The port of |proto|address|port| (EPRT) or (|||port|) (229): the last number before the last
 * delimiter.
 */
static uint16_t last_number(const uint8_t *d, uint32_t len)
{
    uint32_t end = len, v = 0;
    while (end > 0 && (d[end - 1] < '0' || d[end - 1] > '9'))
        end--;
    uint32_t at = end;
    while (at > 0 && d[at - 1] >= '0' && d[at - 1] <= '9' && end - at < 5)
        at--;
    for (; at < end; at++)
        v = v * 10 + (d[at] - '0');
    return v <= UINT16_MAX ? (uint16_t)v : 0;
}

/** The client says where the server shall connect to (`active`), or the server where it waits. */
static void data_announced(struct app_io *io, bool active, uint16_t port)
{
    struct ftp_state *s = io->af->state;
    s->data_port = port;
    s->active = active;
}

/** A transfer begins: its connection is expected, and knows by the tag what it is for. */
static void transfer_begin(struct app_io *io, uint64_t command, const uint8_t *name, uint32_t len)
{
    struct ftp_state *s = io->af->state;
    const struct flow *f = io->flow;
    const struct addr *from = s->active ? &f->server : &f->client;
    const struct addr *to = s->active ? &f->client : &f->server;
    if (s->data_port != 0) {
        struct app_expect_note note = { .tag = command };
        note.len = (uint8_t)(len < APP_EXPECT_NAME_MAX ? len : APP_EXPECT_NAME_MAX);
        if (note.len)
            memcpy(note.name, name, note.len);
        app_expect_add(io->ctx->expect, from, to, s->data_port, SIG_APP_FTP_DATA, &note);
    }
    s->data_port = 0;
}

/* ---- lines --------------------------------------------------------------------------------- */

/** `cut`: the line was longer than is kept. */
static bool command_take(struct app_io *io, const uint8_t *line, uint32_t len, bool cut)
{
    struct ftp_tx *t = (struct ftp_tx *)app_tx_new(io);
    if (!t || !app_bytes_add(io->ctx->slab, &t->command, line, len))
        return false;
    if (cut)
        app_tx_event(&t->tx, io->dir, FTP_REQUEST_TOO_LONG);
    while (t->verb < len && line[t->verb] != ' ' && line[t->verb] != '\t')
        t->verb++;
    const uint8_t *argument = line + t->verb + (t->verb < len);
    uint32_t rest = len - t->verb - (t->verb < len);
    if (verb_is(t, "PORT")) {
        t->bounce = is_bounce(io->flow, argument, rest);
        data_announced(io, true, six_numbers(argument, rest));
    } else if (verb_is(t, "EPRT")) {
        data_announced(io, true, last_number(argument, rest));
    } else if (verb_is(t, "RETR")) {
        transfer_begin(io, TRANSFER_RETR, argument, rest);
    } else if (verb_is(t, "STOR")) {
        transfer_begin(io, TRANSFER_STOR, argument, rest);
    }
    app_tx_progress(&t->tx, SIG_DIR_TOSERVER, SIG_PROGRESS_START);
    return true;
}

/** The oldest command without a final reply: replies come in order. */
static struct ftp_tx *reply_tx(struct app_io *io)
{
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next)
        if (!((struct ftp_tx *)tx)->done)
            return (struct ftp_tx *)tx;
    return (struct ftp_tx *)app_tx_new(io);
}

static bool reply_take(struct app_io *io, const uint8_t *line, uint32_t len, bool cut)
{
    struct ftp_tx *t = reply_tx(io);
    if (!t)
        return false;
    if (cut)
        app_tx_event(&t->tx, io->dir, FTP_RESPONSE_TOO_LONG);
    unsigned code = 0;
    bool final = len >= 3;
    for (unsigned i = 0; i < 3 && final; i++) {
        final = line[i] >= '0' && line[i] <= '9';
        code = code * 10 + (unsigned)(line[i] - '0');
    }
    final = final && (len == 3 || line[3] != '-');
    if (t->reply.len == 0)
        (void)app_bytes_add(io->ctx->slab, &t->reply, line, len);
    app_tx_progress(&t->tx, SIG_DIR_TOCLIENT, SIG_PROGRESS_START);
    if (!final)
        return true;
    t->code = (uint16_t)code;
    const uint8_t *open = memchr(line, '(', len);
    uint32_t rest = open ? len - (uint32_t)(open + 1 - line) : 0;
    if (code == 227 && open)
        data_announced(io, false, six_numbers(open + 1, rest));
    else if (code == 229 && open)
        data_announced(io, false, last_number(open + 1, rest));
    if (code / 100 == 1)
        return true;
    t->done = true;
    tx_finish(t);
    if (code == 234 && verb_is(t, "AUTH"))
        app_change_protocol(io);
    return true;
}

static uint32_t ftp_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    struct ftp_state *s = io->af->state;
    uint32_t used = 0;
    while (used < len && io->af->change_packet == 0) {
        uint32_t left = len - used;
        uint32_t line = app_line_end(data + used, left, old > used ? old - used : 0);
        if (line == 0 && left < LINE_MAX_BYTES)
            break;
        uint32_t n = line > 0 ? line : left;
        uint32_t text = app_line_chomp(data + used, n);
        text = text < LINE_MAX_BYTES ? text : LINE_MAX_BYTES;
        bool skip = s->skip[io->dir], cut = n >= LINE_MAX_BYTES;
        s->skip[io->dir] = line == 0;
        if (!skip && text > 0 &&
            !(io->dir == SIG_DIR_TOSERVER ? command_take(io, data + used, text, cut)
                                          : reply_take(io, data + used, text, cut)))
            return APP_GIVE_UP;
        used += n;
    }
    return used;
}

static bool ftp_gap(struct app_io *io, uint32_t len)
{
    struct ftp_state *s = io->af->state;
    (void)len;
    s->skip[io->dir] = true;
    return true;
}

static bool ftp_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                       enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    (void)af;
    const struct ftp_tx *t = (const struct ftp_tx *)tx;
    if (buffer != SIG_BUF_FTP_COMMAND || dir != SIG_DIR_TOSERVER || index > 0 || t->verb == 0)
        return false;
    return app_view_set(out, t->command.data, t->verb);
}

static bool ftp_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                       uint64_t *out)
{
    (void)af;
    const struct ftp_tx *t = (const struct ftp_tx *)tx;
    if (dir != SIG_DIR_TOSERVER || strcmp(name, "ftpbounce") != 0)
        return false;
    *out = t->bounce;
    return true;
}

static void ftp_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct ftp_tx *t = (struct ftp_tx *)tx;
    app_bytes_free(ctx->slab, &t->command);
    app_bytes_free(ctx->slab, &t->reply);
}

static void ftp_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct ftp_tx *t = (const struct ftp_tx *)tx;
    json_open(out, "ftp");
    if (t->verb > 0) {
        json_strn(out, "command", t->command.data, t->verb);
        if (t->command.len > t->verb + 1)
            json_strn(out, "command_data", t->command.data + t->verb + 1,
                      t->command.len - t->verb - 1);
    }
    if (t->code > 0) {
        char code[8];
        snprintf(code, sizeof(code), "%03u", t->code);
        json_open_array(out, "completion_code");
        json_str(out, NULL, code);
        json_close_array(out);
    }
    json_str(out, "reply_received", t->done ? "yes" : "no");
    json_close(out);
}

const struct app_parser app_parser_ftp = {
    .app = SIG_APP_FTP,
    .state_size = sizeof(struct ftp_state),
    .stream = ftp_stream,
    .gap = ftp_gap,
    .buffer = ftp_buffer,
    .number = ftp_number,
    .tx_clear = ftp_clear,
    .describe = ftp_describe,
    .tx_size = sizeof(struct ftp_tx),
    .events = ftp_events,
};

/* ---- the data channel ---------------------------------------------------------------------- */

/** One file, in whichever direction it comes. */
struct data_tx {
    struct app_tx tx;
    struct app_files files[2];
};

static struct data_tx *data_tx_get(struct app_io *io)
{
    return (struct data_tx *)(io->af->first ? io->af->first : app_tx_new(io));
}

static uint32_t data_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    (void)old;
    struct data_tx *t = data_tx_get(io);
    if (!t)
        return APP_GIVE_UP;
    struct app_files *files = &t->files[io->dir];
    if (!files->first &&
        !app_file_open(io->ctx, files, io->af->handover.data, io->af->handover.len))
        return APP_GIVE_UP;
    app_file_add(io->ctx, files->first, data, len);
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_BODY);
    return len;
}

static bool data_gap(struct app_io *io, uint32_t len)
{
    struct data_tx *t = (struct data_tx *)io->af->first;
    (void)len;
    if (t && t->files[io->dir].first)
        t->files[io->dir].first->gaps = true;
    return true;
}

static void data_end(struct app_io *io, const uint8_t *data, uint32_t len)
{
    (void)data;
    (void)len;
    struct data_tx *t = (struct data_tx *)io->af->first;
    if (!t)
        return;
    if (t->files[io->dir].first)
        t->files[io->dir].first->done = true;
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_DONE);
}

static bool data_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                        enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    (void)af;
    return app_files_buffer(ctx, &((struct data_tx *)tx)->files[dir], buffer, index, out);
}

static void data_advance(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir)
{
    (void)ctx;
    (void)af;
    app_files_advance(&((struct data_tx *)tx)->files[dir]);
}

static bool data_file(struct app_ctx *ctx, struct app_tx *tx, unsigned dir, uint32_t index,
                      struct app_file_view *out)
{
    return app_files_get(ctx, &((struct data_tx *)tx)->files[dir], index, out);
}

static void data_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct data_tx *t = (struct data_tx *)tx;
    app_files_free(ctx, &t->files[0]);
    app_files_free(ctx, &t->files[1]);
}

static bool data_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                        uint64_t *out)
{
    (void)tx;
    (void)dir;
    *out = af->expect_tag;
    return strcmp(name, "ftpdata_command") == 0 && *out != 0;
}

const struct app_parser app_parser_ftp_data = {
    .app = SIG_APP_FTP_DATA,
    .stream = data_stream,
    .gap = data_gap,
    .end = data_end,
    .buffer = data_buffer,
    .body_advance = data_advance,
    .number = data_number,
    .file = data_file,
    .tx_clear = data_clear,
    .tx_size = sizeof(struct data_tx),
};
