/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMTP (RFC 5321): commands, envelopes and the mail itself, whose attachments are files (mime.h). A
 * transaction is one envelope with its mail. STARTTLS hands the flow on.
 */
#include "config.h"
#include "sensor/app/parsers.h"

#include <strings.h>

#include "common/json.h"
#include "sensor/app/mime.h"

/** Longest command line (RFC 5321 4.5.3.1.4 says 512). */
#define COMMAND_MAX 16384u
/** Pieces in which very long lines of a mail are taken. */
#define PIECE_MAX            8192u
#define ADDRESS_MAX          1024u
#define RECIPIENTS_BYTES_MAX 65536u

#define REPLY_READY          220
#define REPLY_START_DATA     354

enum smtp_event {
    SMTP_COMMAND_TOO_LONG,
    SMTP_DATA_REJECTED,
    SMTP_TLS_REJECTED,
    SMTP_LONG_BOUNDARY,
    SMTP_INVALID_REPLY,
    SMTP_NO_WELCOME,
    SMTP_DUPLICATE_FIELDS,
    SMTP_LONG_FILENAME,
    SMTP_PIPELINED,
    SMTP_CHUNK_EXCEEDED,
    SMTP_UNPARSABLE,
    /* Suricata 7.0.10 has names for those that follow and raises none of them */
    SMTP_NEVER,
};

static const char *const smtp_events[] = { "max_command_line_len_exceeded",
                                           "data_command_rejected",
                                           "tls_rejected",
                                           "mime_long_boundary",
                                           "invalid_reply",
                                           "no_server_welcome_message",
                                           "duplicate_fields",
                                           "mime_long_filename",
                                           "invalid_pipelined_sequence",
                                           "bdat_chunk_len_exceeded",
                                           "unparsable_content",
                                           "unable_to_match_reply_with_request",
                                           "max_reply_line_len_exceeded",
                                           NULL };

_Static_assert(sizeof(smtp_events) / sizeof(smtp_events[0]) == SMTP_NEVER + 3, "a name for each");

struct smtp_tx {
    struct app_tx tx;
    struct app_bytes helo, from;
    struct app_bytes recipients; /* two bytes of length, then the address, of each */
    struct app_files files;
    struct mime mime;
    bool mailed, dated; /* dated: DATA has been said */
};

enum smtp_mode { SMTP_COMMANDS, SMTP_DATA, SMTP_BDAT };

struct smtp_state {
    struct smtp_tx *tx; /* the one in progress, or NULL */
    struct app_bytes helo;
    uint64_t bdat_left;
    uint32_t outstanding;     /* commands without a final reply */
    uint8_t mode;             /* enum smtp_mode */
    bool bdat_last, starttls; /* starttls: the last command */
    bool welcomed;            /* a reply has been seen */
    bool data_seen, piece;    /* piece: the line in progress was taken in part */
    bool pipelining;          /* the server offers it (RFC 2920) */
    bool data_waits;          /* DATA is not answered */
};

static struct smtp_tx *tx_get(struct app_io *io, struct smtp_state *s)
{
    if (s->tx)
        return s->tx;
    struct smtp_tx *t = (struct smtp_tx *)app_tx_new(io);
    if (t)
        (void)app_bytes_add(io->ctx->slab, &t->helo, s->helo.data, s->helo.len);
    s->tx = t;
    return t;
}

static void tx_done(struct app_io *io, struct smtp_state *s)
{
    if (!s->tx)
        return;
    mime_end(io->ctx, &s->tx->mime);
    for (unsigned d = 0; d < 2; d++)
        app_tx_progress(&s->tx->tx, d, SIG_PROGRESS_DONE);
    s->tx = NULL;
}

/* ---- commands ------------------------------------------------------------------------------ */

static bool command_is(const uint8_t *line, uint32_t len, const char *name)
{
    size_t n = strlen(name);
    return len >= n && strncasecmp((const char *)line, name, n) == 0 &&
           (len == n || line[n] == ' ' || line[n] == '\t' || line[n] == ':');
}

/** The text behind a command, without white space around it; empty where the line ends first. */
static const uint8_t *argument(const uint8_t *line, uint32_t *len, uint32_t skip)
{
    if (skip > *len)
        skip = *len;
    while (skip < *len && (line[skip] == ' ' || line[skip] == '\t' || line[skip] == ':'))
        skip++;
    *len -= skip;
    while (*len > 0 && (line[skip + *len - 1] == ' ' || line[skip + *len - 1] == '\t'))
        --*len;
    return line + skip;
}

/** An address argument, with its angle brackets and without parameters, as Suricata keeps it. */
static const uint8_t *address(const uint8_t *line, uint32_t *len, uint32_t skip)
{
    const uint8_t *a = argument(line, len, skip);
    const uint8_t *end = *len > 0 && a[0] == '<' ? memchr(a, '>', *len) : NULL;
    if (end)
        *len = (uint32_t)(end - a) + 1;
    if (*len > ADDRESS_MAX)
        *len = ADDRESS_MAX;
    return a;
}

static void recipient_add(struct app_io *io, struct smtp_tx *t, const uint8_t *line, uint32_t len)
{
    const uint8_t *a = address(line, &len, 8);
    uint8_t size[2] = { (uint8_t)(len >> 8), (uint8_t)len };
    if (t->recipients.len + 2 + len > RECIPIENTS_BYTES_MAX ||
        !app_bytes_reserve(io->ctx->slab, &t->recipients, 2 + len))
        return;
    (void)app_bytes_add(io->ctx->slab, &t->recipients, size, 2);
    (void)app_bytes_add(io->ctx->slab, &t->recipients, a, len);
}

static void bdat_begin(struct smtp_state *s, const uint8_t *line, uint32_t len)
{
    uint32_t n = len, at = 0;
    const uint8_t *a = argument(line, &n, 4);
    s->bdat_left = 0;
    for (; at < n && at < 9 && a[at] >= '0' && a[at] <= '9'; at++)
        s->bdat_left = s->bdat_left * 10 + (a[at] - '0');
    a = argument(a, &n, at);
    s->bdat_last = command_is(a, n, "LAST");
    s->mode = s->bdat_left > 0 ? SMTP_BDAT : SMTP_COMMANDS;
}

static void helo_take(struct app_io *io, struct smtp_state *s, struct smtp_tx *t,
                      const uint8_t *line, uint32_t len)
{
    const uint8_t *a = argument(line, &len, 4);
    s->helo.len = t->helo.len = 0;
    (void)app_bytes_add(io->ctx->slab, &s->helo, a, len < ADDRESS_MAX ? len : ADDRESS_MAX);
    (void)app_bytes_add(io->ctx->slab, &t->helo, a, len < ADDRESS_MAX ? len : ADDRESS_MAX);
}

/** DATA, once in a mail: a second one tells that the reader lost the first one's end. */
static struct smtp_tx *data_begin(struct app_io *io, struct smtp_state *s, struct smtp_tx *t)
{
    if (t->dated) {
        app_tx_event(&t->tx, io->dir, SMTP_UNPARSABLE);
        tx_done(io, s);
        t = tx_get(io, s);
        if (!t)
            return NULL;
    }
    s->mode = SMTP_DATA;
    s->data_seen = false;
    s->data_waits = true;
    t->mailed = t->dated = true;
    return t;
}

/** STARTTLS and DATA are the last of those sent at once (RFC 2920 3.1). */
static void pipeline_check(struct app_io *io, const struct smtp_state *s)
{
    if (s->starttls || s->data_waits)
        app_tx_event(s->tx ? &s->tx->tx : io->af->last, io->dir, SMTP_PIPELINED);
}

static bool command_take(struct app_io *io, struct smtp_state *s, const uint8_t *line, uint32_t len)
{
    pipeline_check(io, s);
    s->outstanding++;
    s->starttls = false;
    bool none = command_is(line, len, "RSET") || command_is(line, len, "QUIT");
    if (none) {
        tx_done(io, s);
        return true;
    }
    struct smtp_tx *t = tx_get(io, s);
    if (!t)
        return false;
    if (command_is(line, len, "EHLO") || command_is(line, len, "HELO")) {
        if (s->helo.len)
            app_tx_event(&t->tx, io->dir, SMTP_DUPLICATE_FIELDS);
        else
            helo_take(io, s, t, line, len);
    } else if (command_is(line, len, "MAIL FROM")) {
        const uint8_t *a = address(line, &len, 9);
        if (t->from.len)
            app_tx_event(&t->tx, io->dir, SMTP_DUPLICATE_FIELDS);
        else
            (void)app_bytes_add(io->ctx->slab, &t->from, a, len);
    } else if (command_is(line, len, "RCPT TO")) {
        recipient_add(io, t, line, len);
    } else if (command_is(line, len, "DATA")) {
        if (!(t = data_begin(io, s, t)))
            return false;
    } else if (command_is(line, len, "BDAT")) {
        bdat_begin(s, line, len);
        t->mailed = true;
    } else if (command_is(line, len, "STARTTLS")) {
        s->starttls = true;
    }
    app_tx_progress(&t->tx, SIG_DIR_TOSERVER, SIG_PROGRESS_START);
    return true;
}

/* ---- mail ---------------------------------------------------------------------------------- */

static void mail_line(struct app_io *io, struct smtp_state *s, const uint8_t *line, uint32_t len)
{
    struct smtp_tx *t = tx_get(io, s);
    if (!t)
        return;
    mime_line(io->ctx, &t->mime, &t->files, line, len);
    t->tx.files[SIG_DIR_TOSERVER] = (uint8_t)t->files.count;
    if (t->mime.long_boundary)
        app_tx_event(&t->tx, io->dir, SMTP_LONG_BOUNDARY);
    if (t->mime.long_name)
        app_tx_event(&t->tx, io->dir, SMTP_LONG_FILENAME);
    app_tx_progress(&t->tx, SIG_DIR_TOSERVER, SIG_PROGRESS_BODY);
}

/** A line after DATA: a single dot ends the mail, a leading dot is doubled (RFC 5321 4.5.2). */
static void data_line(struct app_io *io, struct smtp_state *s, const uint8_t *line, uint32_t len)
{
    bool begins = !s->piece;
    s->piece = len == 0 || line[len - 1] != '\n';
    bool last = begins && !s->piece && line[0] == '.' && app_line_chomp(line, len) == 1;
    if (s->pipelining ? last : !s->data_seen)
        pipeline_check(io, s);
    s->data_seen = true;
    if (begins && line[0] == '.') {
        if (last) {
            s->mode = SMTP_COMMANDS;
            tx_done(io, s);
            return;
        }
        line++;
        len--;
    }
    mail_line(io, s, line, len);
}

/** Bytes of a BDAT chunk (RFC 3030), by lines as far as they are whole. */
static uint32_t bdat_take(struct app_io *io, struct smtp_state *s, const uint8_t *data,
                          uint32_t len, uint32_t old)
{
    uint32_t have = s->bdat_left < len ? (uint32_t)s->bdat_left : len;
    uint32_t n = app_line_end(data, have, old < have ? old : 0);
    if (n == 0 && have < s->bdat_left && have < PIECE_MAX)
        return 0;
    n = n > 0 ? n : have;
    mail_line(io, s, data, n);
    if (n == s->bdat_left && len > n && data[n - 1] != '\n')
        app_tx_event(io->af->last, io->dir, SMTP_CHUNK_EXCEEDED); /* it ends within a line */
    s->bdat_left -= n;
    if (s->bdat_left > 0)
        return n;
    s->mode = SMTP_COMMANDS;
    if (s->bdat_last)
        tx_done(io, s);
    return n;
}

/* ---- driving ------------------------------------------------------------------------------- */

static uint32_t client_take(struct app_io *io, struct smtp_state *s, const uint8_t *data,
                            uint32_t len, uint32_t old)
{
    if (s->mode == SMTP_BDAT)
        return bdat_take(io, s, data, len, old);
    uint32_t line = app_line_end(data, len, old);
    if (s->mode == SMTP_DATA) {
        if (line == 0 && len < PIECE_MAX)
            return 0;
        line = line > 0 ? line : len;
        data_line(io, s, data, line);
        return line;
    }
    if (line == 0) {
        if (len <= COMMAND_MAX)
            return 0;
        app_tx_event(io->af->last, io->dir, SMTP_COMMAND_TOO_LONG);
        return APP_GIVE_UP;
    }
    return command_take(io, s, data, app_line_chomp(data, line)) ? line : APP_GIVE_UP;
}

/** The code that a reply begins with; 0: it is none that the reference knows. */
static unsigned reply_code(const uint8_t *line, uint32_t len)
{
    static const char known[] =
        "211 214 220 221 235 250 251 252 334 354 401 402 421 435 450 451 452 "
        "454 455 500 501 502 503 504 521 525 530 534 535 538 550 551 552 553 "
        "554 555 ";
    unsigned code = 0;
    if (len < 3)
        return 0;
    for (unsigned i = 0; i < sizeof(known) - 1; i += 4) {
        if (memcmp(known + i, line, 3) == 0)
            code = (unsigned)(line[0] - '0') * 100 + (unsigned)(line[1] - '0') * 10 +
                   (unsigned)(line[2] - '0');
    }
    return code;
}

static void reply_take(struct app_io *io, struct smtp_state *s, const uint8_t *line, uint32_t len)
{
    unsigned code = reply_code(line, len);
    if (!code)
        app_tx_event(io->af->last, io->dir, SMTP_INVALID_REPLY);
    else if (!s->welcomed && code != REPLY_READY)
        app_tx_event(io->af->last, io->dir, SMTP_NO_WELCOME);
    s->welcomed |= code != 0;
    s->pipelining |= len == 14 && strncasecmp((const char *)line, "250-PIPELINING", 14) == 0;
    if (len < 3 || (len > 3 && line[3] == '-') || s->outstanding == 0)
        return;
    s->outstanding--;
    if (s->outstanding > 0)
        return;
    s->data_waits = false;
    if (s->starttls && code == REPLY_READY) {
        app_change_protocol(io);
    } else if (s->starttls) {
        app_tx_event(io->af->last, io->dir, SMTP_TLS_REJECTED);
    } else if (s->mode == SMTP_DATA && code != REPLY_START_DATA && !s->data_seen) {
        app_tx_event(io->af->last, io->dir, SMTP_DATA_REJECTED);
        s->mode = SMTP_COMMANDS;
    }
    s->starttls = false;
}

static uint32_t server_take(struct app_io *io, struct smtp_state *s, const uint8_t *data,
                            uint32_t len, uint32_t old)
{
    uint32_t line = app_line_end(data, len, old);
    if (line == 0)
        return len <= COMMAND_MAX ? 0 : APP_GIVE_UP;
    reply_take(io, s, data, app_line_chomp(data, line));
    return line;
}

static uint32_t smtp_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    struct smtp_state *s = io->af->state;
    uint32_t used = 0;
    while (used < len && io->af->change_packet == 0) {
        uint32_t seen = old > used ? old - used : 0;
        uint32_t n = io->dir == SIG_DIR_TOSERVER
                         ? client_take(io, s, data + used, len - used, seen)
                         : server_take(io, s, data + used, len - used, seen);
        if (n == APP_GIVE_UP)
            return n;
        if (n == 0)
            break;
        used += n;
    }
    return used;
}

/** Mail may have holes; commands and replies go on at the next line. */
static bool smtp_gap(struct app_io *io, uint32_t len)
{
    struct smtp_state *s = io->af->state;
    if (io->dir == SIG_DIR_TOSERVER && s->mode == SMTP_BDAT)
        s->bdat_left = s->bdat_left > len ? s->bdat_left - len : 1;
    s->piece = true;
    return true;
}

static void smtp_end(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct smtp_state *s = io->af->state;
    if (io->dir != SIG_DIR_TOSERVER)
        return;
    if (len > 0 && s->mode == SMTP_DATA)
        data_line(io, s, data, len);
    tx_done(io, s);
}

/* ---- what rules and records see ------------------------------------------------------------- */

/** Address `index` of the list, NULL beyond. */
static const uint8_t *recipient_at(const struct app_bytes *list, uint32_t index, uint32_t *len)
{
    for (uint32_t at = 0; at + 2 <= list->len; at += 2 + *len) {
        *len = (uint32_t)list->data[at] << 8 | list->data[at + 1];
        if (index-- == 0)
            return list->data + at + 2;
    }
    return NULL;
}

static bool smtp_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                        enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)af;
    struct smtp_tx *t = (struct smtp_tx *)tx;
    if (dir != SIG_DIR_TOSERVER)
        return false;
    if (buffer == SIG_BUF_SMTP_RCPT_TO) {
        uint32_t len;
        const uint8_t *a = recipient_at(&t->recipients, index, &len);
        return a && app_view_set(out, a, len);
    }
    if (sig_buffer_def(buffer)->flags & SIG_BUFFER_FILE)
        return app_files_buffer(ctx, &t->files, buffer, index, out);
    if (index > 0)
        return false;
    const struct app_bytes *b = buffer == SIG_BUF_SMTP_HELO        ? &t->helo
                                : buffer == SIG_BUF_SMTP_MAIL_FROM ? &t->from
                                                                   : NULL;
    return b && b->len > 0 && app_view_set(out, b->data, b->len);
}

static void smtp_advance(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir)
{
    (void)ctx;
    (void)af;
    if (dir == SIG_DIR_TOSERVER)
        app_files_advance(&((struct smtp_tx *)tx)->files);
}

static bool smtp_file(struct app_ctx *ctx, struct app_tx *tx, unsigned dir, uint32_t index,
                      struct app_file_view *out)
{
    return dir == SIG_DIR_TOSERVER &&
           app_files_get(ctx, &((struct smtp_tx *)tx)->files, index, out);
}

static void smtp_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct smtp_tx *t = (struct smtp_tx *)tx;
    app_bytes_free(ctx->slab, &t->helo);
    app_bytes_free(ctx->slab, &t->from);
    app_bytes_free(ctx->slab, &t->recipients);
    app_files_free(ctx, &t->files);
    mime_free(ctx, &t->mime);
}

static void smtp_state_clear(struct app_ctx *ctx, void *state)
{
    app_bytes_free(ctx->slab, &((struct smtp_state *)state)->helo);
}

static void member(const char *key, const struct app_bytes *b, struct json *out)
{
    if (b->len > 0)
        json_strn(out, key, b->data, b->len);
}

static void describe_mail(const struct smtp_tx *t, struct json *out)
{
    json_open(out, "email");
    json_str(out, "status",
             t->tx.progress[SIG_DIR_TOSERVER] == SIG_PROGRESS_DONE ? "PARSE_DONE" : "BODY_STARTED");
    member("from", &t->mime.from, out);
    if (t->mime.to.len > 0) {
        json_open_array(out, "to");
        json_strn(out, NULL, t->mime.to.data, t->mime.to.len);
        json_close_array(out);
    }
    member("subject", &t->mime.subject, out);
    if (t->files.first) {
        json_open_array(out, "attachment");
        for (const struct app_file *f = t->files.first; f; f = f->next)
            json_strn(out, NULL, f->name.data, f->name.len);
        json_close_array(out);
    }
    json_close(out);
}

static void smtp_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct smtp_tx *t = (const struct smtp_tx *)tx;
    uint32_t len;
    json_open(out, "smtp");
    member("helo", &t->helo, out);
    member("mail_from", &t->from, out);
    if (t->recipients.len > 0) {
        json_open_array(out, "rcpt_to");
        const uint8_t *a;
        for (uint32_t i = 0; (a = recipient_at(&t->recipients, i, &len)); i++)
            json_strn(out, NULL, a, len);
        json_close_array(out);
    }
    json_close(out);
    if (t->mailed)
        describe_mail(t, out);
}

const struct app_parser app_parser_smtp = {
    .app = SIG_APP_SMTP,
    .state_size = sizeof(struct smtp_state),
    .stream = smtp_stream,
    .gap = smtp_gap,
    .end = smtp_end,
    .buffer = smtp_buffer,
    .body_advance = smtp_advance,
    .file = smtp_file,
    .tx_clear = smtp_clear,
    .state_clear = smtp_state_clear,
    .describe = smtp_describe,
    .tx_size = sizeof(struct smtp_tx),
    .events = smtp_events,
};
