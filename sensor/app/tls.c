/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS (RFC 8446 5.1, RFC 5246 6.2): records and handshake messages up to the first application
 * data. There the flow is ciphertext: the framework is told so, and nothing more is read. One
 * transaction a flow.
 */
#include "config.h"
#include "sensor/app/tls.h"

#include <stdio.h>

#include "common/cursor.h"
#include "common/json.h"
#include "sensor/app/digest.h"
#include "sensor/app/frames.h"
#include "sensor/app/parsers.h"
#include "sensor/app/x509.h"

#define RECORD_HEADER 5
/** Longest record: 2^14 and what encryption adds (RFC 5246 6.2.3). */
#define RECORD_MAX (16384 + 2048)
/** Longest handshake message that is put together. */
#define HANDSHAKE_MAX 65536u

/** Frames that are records, or of them. */
#define TLS_FRAMES                                                                                 \
    ((UINT64_C(2) << SIG_FRAME_TLS_SSL2_PDU) - (UINT64_C(1) << SIG_FRAME_TLS_PDU))

enum record_type { RECORD_CCS = 20, RECORD_ALERT, RECORD_HANDSHAKE, RECORD_DATA, RECORD_HEARTBEAT };

enum handshake_type {
    HANDSHAKE_CLIENT_HELLO = 1,
    HANDSHAKE_SERVER_HELLO = 2,
    HANDSHAKE_CERTIFICATE = 11,
    HANDSHAKE_SERVER_KEYX = 12,
    HANDSHAKE_SERVER_DONE = 14,
    HANDSHAKE_CLIENT_KEYX = 16,
};

static const char *const tls_events[] = { "invalid_record_type",
                                          "invalid_record_version",
                                          "invalid_record_length",
                                          "invalid_handshake_message",
                                          "multiple_sni_extensions",
                                          "error_message_encountered",
                                          "heartbeat_message",
                                          "invalid_heartbeat_message",
                                          "overflow_heartbeat_message",
                                          "dataleak_heartbeat_mismatch",
                                          "invalid_sni_type",
                                          "invalid_sni_length",
                                          "invalid_certificate",
                                          "certificate_invalid_length",
                                          "certificate_invalid_der",
                                          "certificate_invalid_version",
                                          "certificate_invalid_serial",
                                          "certificate_invalid_algorithmidentifier",
                                          "certificate_invalid_x509name",
                                          "certificate_invalid_date",
                                          "certificate_invalid_subject",
                                          "certificate_invalid_issuer",
                                          "certificate_invalid_validity",
                                          "handshake_invalid_length",
                                          "invalid_sslv2_header",
                                          "invalid_ssl_record",
                                          "invalid_tls_header",
                                          NULL };

/** Reading state of one direction. */
struct tls_reader {
    uint8_t record; /* type of the record being read */
    uint32_t left;  /* bytes of it still to come */
    bool sealed;    /* change of cipher seen: handshake records are ciphertext */
    bool started;
    struct app_bytes handshake; /* message in progress */
    uint32_t skip;              /* bytes of a message that is too long */
};

struct tls_state {
    struct tls_reader reader[2];
    struct tls_tx *tx; /* may be pruned only after it is done, when nothing is read any more */
    bool through;      /* it is done, and only the headers of records are read, for frames */
    /* 1 + the direction of a heartbeat (RFC 6520) that is not answered; its length when sealed */
    uint8_t asked;
    uint32_t asked_len;
};

static struct tls_tx *tls_tx_get(struct app_io *io, struct tls_state *s)
{
    if (!s->tx && !s->through)
        s->tx = (struct tls_tx *)app_tx_new(io);
    return s->tx;
}

static void tls_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct tls_tx *t = (struct tls_tx *)tx;
    for (unsigned d = 0; d < 2; d++) {
        app_bytes_free(ctx->slab, &t->side[d].certs);
        app_bytes_free(ctx->slab, &t->side[d].ja3);
        for (unsigned i = 0; i < TLS_TEXTS; i++)
            app_bytes_free(ctx->slab, &t->side[d].text[i]);
    }
    app_bytes_free(ctx->slab, &t->sni);
}

static void tls_state_clear(struct app_ctx *ctx, void *state)
{
    struct tls_state *s = state;
    app_bytes_free(ctx->slab, &s->reader[0].handshake);
    app_bytes_free(ctx->slab, &s->reader[1].handshake);
}

/* ---- handshake ----------------------------------------------------------------------------- */

/** The first certificate of a side. */
static bool first_cert(const struct tls_side *side, const uint8_t **der, uint32_t *len)
{
    struct cursor c = cursor_make(side->certs.data, side->certs.len);
    *len = cursor_be24(&c);
    *der = cursor_take(&c, *len);
    return *der != NULL && *len > 0;
}

/** What is wrong with a certificate, an event or -1, and how many of its texts stand before that. A
 * NUL within a name is an attempt to hide what follows it, as Suricata has it. */
static int certificate_fault(const uint8_t *der, uint32_t len, uint8_t *readable)
{
    struct x509 x;
    char text[X509_TEXT_MAX];
    int64_t seconds;
    enum x509_fault fault = x509_read(der, len, &x);
    *readable = 0;
    if (fault != X509_SOUND)
        return TLS_CERTIFICATE_DER + (int)fault - X509_BAD_DER;
    if (memchr(text, 0, x509_name_text(x.subject, text)))
        return TLS_CERTIFICATE_SUBJECT;
    *readable = TLS_TEXT_ISSUER;
    if (memchr(text, 0, x509_name_text(x.issuer, text)))
        return TLS_CERTIFICATE_ISSUER;
    *readable = TLS_TEXT_FINGERPRINT;
    if (!x509_time_seconds(x.not_before, x.before_long, &seconds) ||
        !x509_time_seconds(x.not_after, x.after_long, &seconds))
        return TLS_CERTIFICATE_VALIDITY;
    return -1;
}

/** Raise what is wrong with a side's first certificate; the rest of the chain is not judged. */
static void judge_certificate(struct app_io *io, struct tls_tx *t, struct tls_side *side)
{
    const uint8_t *der;
    uint32_t len;
    if (!first_cert(side, &der, &len))
        return;
    int event = certificate_fault(der, len, &side->readable);
    side->sound = event < 0;
    if (event >= 0)
        app_tx_event(&t->tx, io->dir, (unsigned)event);
}

/** RFC 5246 7.4.2; TLS 1.3 sends certificates encrypted. */
static void read_certificates(struct app_io *io, struct tls_tx *t, const uint8_t *body,
                              uint32_t len)
{
    struct tls_side *side = &t->side[io->dir];
    struct cursor c = cursor_make(body, len);
    uint32_t n = cursor_be24(&c);
    const uint8_t *list = cursor_take(&c, n);
    if (!list) {
        app_tx_event(&t->tx, io->dir, TLS_INVALID_CERTIFICATE);
        return;
    }
    if (side->certs.len > 0 || n == 0)
        return;
    side->certified = app_bytes_add(io->ctx->slab, &side->certs, list, n);
    side->read_s = (int64_t)(io->now_ns / 1000000000u);
    judge_certificate(io, t, side);
}

/** What ssl_state calls a handshake message, 0 for those it has no word for. */
static uint8_t state_bit(uint8_t type)
{
    switch (type) {
    case HANDSHAKE_CLIENT_HELLO:
        return TLS_STATE_CLIENT_HELLO;
    case HANDSHAKE_SERVER_HELLO:
        return TLS_STATE_SERVER_HELLO;
    case HANDSHAKE_CLIENT_KEYX:
        return TLS_STATE_CLIENT_KEYX;
    case HANDSHAKE_SERVER_KEYX:
        return TLS_STATE_SERVER_KEYX;
    default:
        return 0;
    }
}

/** Whether the reference knows the kind of message (RFC 5246 7.4, 6066, 8446 4). */
static bool is_known(uint8_t type)
{
    static const uint32_t known = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 4 | 0x3fu << 11 | 7u << 20;
    return type < 32 && known >> type & 1;
}

static void handshake_message(struct app_io *io, struct tls_state *s, const uint8_t *message,
                              uint32_t len)
{
    struct tls_tx *t = tls_tx_get(io, s);
    if (!t)
        return;
    const uint8_t *body = message + 4;
    uint8_t state = state_bit(message[0]);
    t->state = state ? state : t->state;
    if (!is_known(message[0]))
        app_tx_event(&t->tx, io->dir, TLS_INVALID_HANDSHAKE);
    bool to_server = io->dir == SIG_DIR_TOSERVER;
    switch (message[0]) {
    case HANDSHAKE_CLIENT_HELLO:
    case HANDSHAKE_SERVER_HELLO:
        if (to_server != (message[0] == HANDSHAKE_CLIENT_HELLO))
            app_tx_event(&t->tx, io->dir, TLS_INVALID_HANDSHAKE);
        else if (!tls_hello_read(io, t, body, len - 4))
            app_tx_event(&t->tx, io->dir, TLS_HANDSHAKE_LENGTH);
        app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_LINE);
        break;
    case HANDSHAKE_CERTIFICATE:
        read_certificates(io, t, body, len - 4);
        app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_HEADERS);
        break;
    case HANDSHAKE_SERVER_DONE:
        app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_HEADERS);
        break;
    default:
        break;
    }
}

/** Take a piece of handshake bytes; messages may span records and records hold several messages. */
static void handshake_bytes(struct app_io *io, struct tls_state *s, const uint8_t *data,
                            uint32_t len)
{
    struct tls_reader *r = &s->reader[io->dir];
    while (len > 0) {
        if (r->skip > 0) {
            uint32_t n = r->skip < len ? r->skip : len;
            r->skip -= n;
            data += n;
            len -= n;
            continue;
        }
        const uint8_t *head = r->handshake.len > 0 ? r->handshake.data : data;
        uint32_t have = r->handshake.len > 0 ? r->handshake.len : len;
        uint32_t whole =
            have < 4 ? 4 : 4 + ((uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3]);
        if (whole > HANDSHAKE_MAX) {
            app_count(io->ctx, APP_COUNT_HANDSHAKE_LIMIT);
            r->skip = whole - r->handshake.len;
            r->handshake.len = 0;
            continue;
        }
        if (r->handshake.len == 0 && len >= whole && have >= 4) {
            handshake_message(io, s, data, whole);
            data += whole;
            len -= whole;
            continue;
        }
        uint32_t n = whole - r->handshake.len < len ? whole - r->handshake.len : len;
        if (!app_bytes_add(io->ctx->slab, &r->handshake, data, n)) {
            app_count(io->ctx, APP_COUNT_NO_MEMORY);
            r->sealed = true;
            return;
        }
        data += n;
        len -= n;
        if (have >= 4 && r->handshake.len == whole) {
            handshake_message(io, s, r->handshake.data, whole);
            app_bytes_free(io->ctx->slab, &r->handshake);
        }
    }
}

/* ---- records ------------------------------------------------------------------------------- */

/** Application data: from here on both directions are ciphertext. */
static void tls_encrypted(struct app_io *io, struct tls_state *s)
{
    struct tls_tx *t = s->tx;
    if (t && t->early_data && io->dir == SIG_DIR_TOSERVER && t->side[SIG_DIR_TOCLIENT].version == 0)
        return;
    if (t)
        for (unsigned d = 0; d < 2; d++)
            app_tx_progress(&t->tx, d, SIG_PROGRESS_DONE);
    io->out->encrypted = true;
    s->tx = NULL;
    s->through = true;
    if (io->ctx->frames & TLS_FRAMES)
        return; /* rules ask for records: their headers are still read */
    for (unsigned d = 0; d < 2; d++) {
        io->af->stopped[d] = true;
        io->out->stop[d] = true;
    }
}

static void record_bytes(struct app_io *io, struct tls_state *s, const uint8_t *data, uint32_t len)
{
    struct tls_reader *r = &s->reader[io->dir];
    if (s->through)
        return;
    switch (r->record) {
    case RECORD_HANDSHAKE:
        if (!r->sealed)
            handshake_bytes(io, s, data, len);
        break;
    case RECORD_CCS:
        r->sealed = true;
        if (s->tx)
            app_tx_progress(&s->tx->tx, io->dir, SIG_PROGRESS_HEADERS);
        break;
    case RECORD_DATA:
        tls_encrypted(io, s);
        break;
    default:
        break;
    }
}

static void record_frames(struct app_io *io, const uint8_t *head, uint32_t len)
{
    app_frame_open(io, SIG_FRAME_TLS_HDR, head, RECORD_HEADER);
    app_frame_open(io, SIG_FRAME_TLS_DATA, head + RECORD_HEADER, len);
    app_frame_open(io, SIG_FRAME_TLS_PDU, head, RECORD_HEADER + len);
    if (head[0] == RECORD_ALERT)
        app_frame_open(io, SIG_FRAME_TLS_ALERT, head + RECORD_HEADER, len);
    if (head[0] == RECORD_HEARTBEAT)
        app_frame_open(io, SIG_FRAME_TLS_HEARTBEAT, head + RECORD_HEADER, len);
}

/** Length of a record of SSL 2, whose header has two bytes, or three with padding. */
static uint32_t record_length_v2(const uint8_t *head)
{
    return (uint32_t)(head[0] & (head[0] & 0x80 ? 0x7f : 0x3f)) << 8 | head[1];
}

/** SSLv2 hello (RFC 5246 E.2): only its version and length are of use. */
static bool record_begin_v2(struct app_io *io, struct tls_reader *r, const uint8_t *head)
{
    uint32_t len = record_length_v2(head);
    if (r->started || !(head[0] & 0x80) || head[2] != 1 || len == 0)
        return false;
    r->record = 0;
    app_frame_open(io, SIG_FRAME_TLS_SSL2_HDR, head, 2);
    app_frame_open(io, SIG_FRAME_TLS_SSL2_PDU, head, len + 2);
    r->left = len + 2 > RECORD_HEADER ? len + 2 - RECORD_HEADER : 0;
    r->started = true;
    return true;
}

#define HEARTBEAT_HEADER  3 /* type and length of the payload (RFC 6520 4) */
#define HEARTBEAT_PADDING 16

/**
 * A heartbeat whose first bytes are at hand. One that says more payload than it has asks for bytes
 * of the peer's memory; when it is sealed, an answer that is longer than the question tells.
 */
static void heartbeat(struct app_io *io, struct tls_state *s, const uint8_t *body, uint32_t len)
{
    struct tls_tx *t = tls_tx_get(io, s);
    bool sealed = s->reader[0].sealed || s->reader[1].sealed;
    if (!t || len < HEARTBEAT_HEADER)
        return;
    uint32_t payload = (uint32_t)body[1] << 8 | body[2];
    if (!sealed && body[0] != 1 && body[0] != 2) {
        app_tx_event(&t->tx, io->dir, TLS_INVALID_HEARTBEAT);
        return;
    }
    if (s->asked == 0) {
        s->asked = (uint8_t)(1 + io->dir);
        s->asked_len = sealed ? len : 0;
        app_tx_event(&t->tx, io->dir, TLS_HEARTBEAT);
        if (!sealed && payload > len)
            app_tx_event(&t->tx, io->dir, TLS_OVERFLOW_HEARTBEAT);
        else if (!sealed && payload + HEARTBEAT_HEADER + HEARTBEAT_PADDING > len)
            app_tx_event(&t->tx, io->dir, TLS_INVALID_HEARTBEAT);
    } else if (s->asked == 1 + !io->dir) {
        if (s->asked_len > 0 && s->asked_len < len)
            app_tx_event(&t->tx, io->dir, TLS_DATALEAK_HEARTBEAT);
        s->asked = 0;
    }
}

/** Bytes that must be there before a record is begun: its header, of a heartbeat more. */
static uint32_t record_need(const uint8_t *data, uint32_t len)
{
    if (len < RECORD_HEADER || data[0] != RECORD_HEARTBEAT)
        return RECORD_HEADER;
    uint32_t body = (uint32_t)data[3] << 8 | data[4];
    return RECORD_HEADER + (body < HEARTBEAT_HEADER ? body : HEARTBEAT_HEADER);
}

static bool record_begin(struct app_io *io, struct tls_state *s, const uint8_t *head)
{
    struct tls_reader *r = &s->reader[io->dir];
    if (record_begin_v2(io, r, head))
        return true;
    uint32_t len = (uint32_t)head[3] << 8 | head[4];
    struct tls_tx *t;
    int event = -1;
    if (head[0] & 0xc0) { /* SSL 2, of which nothing else is said, as in the reference */
        if (record_length_v2(head) == 0 && (t = tls_tx_get(io, s))) {
            app_tx_event(&t->tx, io->dir, TLS_INVALID_SSL2_HEADER);
            app_tx_event(&t->tx, io->dir, TLS_INVALID_SSL_RECORD);
        }
        return false;
    }
    if (head[0] < RECORD_CCS || head[0] > RECORD_HEARTBEAT)
        event = TLS_INVALID_RECORD_TYPE;
    else if (head[1] != 3)
        event = TLS_INVALID_RECORD_VERSION;
    else if (len > RECORD_MAX)
        event = TLS_INVALID_RECORD_LENGTH;
    if (event >= 0) {
        if ((t = tls_tx_get(io, s)))
            app_tx_event(&t->tx, io->dir, (unsigned)event);
        return false;
    }
    record_frames(io, head, len);
    if (head[0] == RECORD_HANDSHAKE && !r->started && (t = tls_tx_get(io, s))) {
        t->side[io->dir].record_version = (uint16_t)(head[1] << 8 | head[2]);
        app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_START);
    }
    if (head[0] == RECORD_HEARTBEAT)
        heartbeat(io, s, head + RECORD_HEADER, len);
    r->record = head[0];
    r->left = len;
    r->started = true;
    return true;
}

static uint32_t tls_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    (void)old;
    struct tls_state *s = io->af->state;
    struct tls_reader *r = &s->reader[io->dir];
    uint32_t used = 0;
    while (used < len && !io->af->stopped[io->dir]) {
        if (r->left == 0) {
            if (len - used < record_need(data + used, len - used))
                break;
            if (!record_begin(io, s, data + used))
                return APP_GIVE_UP;
            used += RECORD_HEADER;
            continue;
        }
        uint32_t n = r->left < len - used ? r->left : len - used;
        record_bytes(io, s, data + used, n);
        r->left -= n;
        used += n;
        if (r->left == 0 && r->record) /* a whole record is not left to wait for more */
            io->out->raw_trigger[io->dir] = true;
    }
    return used;
}

/**
 * A gap inside a record that is skipped anyway does no harm; elsewhere the record boundary is lost.
 */
static bool tls_gap(struct app_io *io, uint32_t len)
{
    struct tls_state *s = io->af->state;
    struct tls_reader *r = &s->reader[io->dir];
    if (len > r->left || (r->record == RECORD_HANDSHAKE && !r->sealed))
        return false;
    r->left -= len;
    return true;
}

/* ---- what rules and records see ------------------------------------------------------------- */

static uint32_t cert_text(const struct tls_side *side, enum tls_text which,
                          char out[X509_TEXT_MAX])
{
    const uint8_t *der;
    uint32_t len;
    struct x509 x;
    if (!first_cert(side, &der, &len))
        return 0;
    if (which == TLS_TEXT_FINGERPRINT) {
        uint8_t sum[20];
        app_sha1(der, len, sum);
        return x509_hex_text(sum, sizeof(sum), true, out);
    }
    if (which >= side->readable || x509_read(der, len, &x) != X509_SOUND)
        return 0;
    if (which == TLS_TEXT_SERIAL)
        return x509_hex_text(x.serial.at, (uint32_t)cursor_left(&x.serial), false, out);
    return x509_name_text(which == TLS_TEXT_SUBJECT ? x.subject : x.issuer, out);
}

static bool cert_buffer(struct app_ctx *ctx, struct tls_side *side, enum tls_text which,
                        struct app_view *out)
{
    struct app_bytes *text = &side->text[which];
    if (text->len == 0) {
        char made[X509_TEXT_MAX];
        uint32_t n = cert_text(side, which, made);
        if (n == 0 || !app_bytes_add(ctx->slab, text, made, n))
            return false;
    }
    return app_view_set(out, text->data, text->len);
}

static bool certs_buffer(const struct tls_side *side, uint32_t index, struct app_view *out)
{
    struct cursor c = cursor_make(side->certs.data, side->certs.len);
    for (;;) {
        uint32_t n = cursor_be24(&c);
        const uint8_t *der = cursor_take(&c, n);
        if (!der)
            return false;
        if (index-- == 0)
            return app_view_set(out, der, n);
    }
}

static bool version_buffer(struct tls_tx *t, const struct tls_side *side, struct app_view *out)
{
    if (side->version >> 8 == 3 && (side->version & 0xff) >= 1)
        snprintf(t->version_text, sizeof(t->version_text), "1.%u", (side->version & 0xffu) - 1);
    else
        return false;
    return app_view_set(out, t->version_text, (uint32_t)strlen(t->version_text));
}

static bool hash_buffer(const struct tls_side *side, bool hash, struct app_view *out)
{
    if (side->ja3.len == 0)
        return false;
    return hash ? app_view_set(out, side->ja3_hash, 32)
                : app_view_set(out, side->ja3.data, side->ja3.len);
}

static bool tls_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                       enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)af;
    struct tls_tx *t = (struct tls_tx *)tx;
    struct tls_side *side = &t->side[dir];
    if (buffer == SIG_BUF_TLS_CERTS)
        return certs_buffer(side, index, out);
    if (index > 0)
        return false;
    switch (buffer) {
    case SIG_BUF_TLS_SNI:
        return t->sni.len > 0 && dir == SIG_DIR_TOSERVER &&
               app_view_set(out, t->sni.data, t->sni.len);
    case SIG_BUF_TLS_CERT_SUBJECT:
        return cert_buffer(ctx, side, TLS_TEXT_SUBJECT, out);
    case SIG_BUF_TLS_CERT_ISSUER:
        return cert_buffer(ctx, side, TLS_TEXT_ISSUER, out);
    case SIG_BUF_TLS_CERT_SERIAL:
        return cert_buffer(ctx, side, TLS_TEXT_SERIAL, out);
    case SIG_BUF_TLS_CERT_FINGERPRINT:
        return cert_buffer(ctx, side, TLS_TEXT_FINGERPRINT, out);
    case SIG_BUF_TLS_VERSION:
        return side->version && version_buffer(t, side, out);
    case SIG_BUF_TLS_RANDOM:
        return side->version && app_view_set(out, side->random, TLS_RANDOM_LEN);
    case SIG_BUF_TLS_RANDOM_TIME:
        return side->version && app_view_set(out, side->random, 4);
    case SIG_BUF_TLS_RANDOM_BYTES:
        return side->version && app_view_set(out, side->random + 4, TLS_RANDOM_LEN - 4);
    case SIG_BUF_JA3_HASH:
    case SIG_BUF_JA3_STRING:
        return dir == SIG_DIR_TOSERVER && hash_buffer(side, buffer == SIG_BUF_JA3_HASH, out);
    case SIG_BUF_JA4_HASH:
        return dir == SIG_DIR_TOSERVER && side->ja4[0] && app_view_set(out, side->ja4, JA4_LEN);
    case SIG_BUF_JA3S_HASH:
    case SIG_BUF_JA3S_STRING:
        return dir == SIG_DIR_TOCLIENT && hash_buffer(side, buffer == SIG_BUF_JA3S_HASH, out);
    default:
        return false;
    }
}

/** The times of a side's certificate, and whether it was over when it came. */
static bool cert_number(const struct tls_side *side, const char *name, uint64_t *out)
{
    const uint8_t *der;
    uint32_t len;
    struct x509 x;
    int64_t before, after;
    if (!side->sound || !first_cert(side, &der, &len) || x509_read(der, len, &x) != X509_SOUND ||
        !x509_time_seconds(x.not_before, x.before_long, &before) ||
        !x509_time_seconds(x.not_after, x.after_long, &after))
        return false;
    if (strcmp(name, "tls_cert_expired") == 0) {
        *out = after < side->read_s;
        return true;
    }
    int64_t time = strcmp(name, "tls_cert_notbefore") == 0 ? before : after;
    *out = time > 0 ? (uint64_t)time : 0;
    return true;
}

static bool tls_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                       uint64_t *out)
{
    (void)af;
    const struct tls_tx *t = (const struct tls_tx *)tx;
    if (strncmp(name, "tls_cert_", 9) == 0)
        return cert_number(&t->side[dir], name, out);
    if (strcmp(name, "tls.version") == 0 || strcmp(name, "ssl_version") == 0) {
        const struct tls_side *side = &t->side[dir];
        *out = side->version ? side->version : side->record_version;
        return *out != 0;
    }
    if (strcmp(name, "ssl_state") == 0) {
        *out = t->state;
        return true;
    }
    if (strcmp(name, "tls.cert_chain_len") == 0 && t->side[dir].certified) {
        struct app_view view;
        for (*out = 0; certs_buffer(&t->side[dir], (uint32_t)*out, &view); ++*out)
            ;
        return true;
    }
    return false;
}

static void describe_cert(const struct tls_side *side, struct json *out)
{
    static const char *const keys[TLS_TEXTS] = { "subject", "issuerdn", "serial", "fingerprint" };
    const uint8_t *der;
    uint32_t len;
    struct x509 x;
    if (!first_cert(side, &der, &len) || x509_read(der, len, &x) != X509_SOUND)
        return;
    char text[X509_TEXT_MAX];
    for (unsigned i = 0; i < TLS_TEXTS; i++) {
        uint32_t n = cert_text(side, i, text);
        if (n > 0)
            json_strn(out, keys[i], text, n);
    }
    if (x509_time_text(x.not_before, x.before_long, text))
        json_str(out, "notbefore", text);
    if (x509_time_text(x.not_after, x.after_long, text))
        json_str(out, "notafter", text);
}

static void describe_ja3(const char *key, const struct tls_side *side, struct json *out)
{
    if (side->ja3.len == 0)
        return;
    json_open(out, key);
    json_str(out, "hash", side->ja3_hash);
    json_strn(out, "string", side->ja3.data, side->ja3.len);
    json_close(out);
}

static void tls_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    const struct tls_tx *t = (const struct tls_tx *)tx;
    char scratch[TLS_VERSION_TEXT_MAX];
    json_open(out, "tls");
    describe_cert(&t->side[SIG_DIR_TOCLIENT], out);
    if (t->sni.len > 0)
        json_strn(out, "sni", t->sni.data, t->sni.len);
    json_str(out, "version", tls_version_name(t->side[SIG_DIR_TOCLIENT].version, scratch));
    if (af->from_app != SIG_APP_UNKNOWN)
        json_str(out, "from_proto", sig_app_name((enum sig_app)af->from_app));
    describe_ja3("ja3", &t->side[SIG_DIR_TOSERVER], out);
    describe_ja3("ja3s", &t->side[SIG_DIR_TOCLIENT], out);
    if (t->side[SIG_DIR_TOSERVER].ja4[0])
        json_str(out, "ja4", t->side[SIG_DIR_TOSERVER].ja4);
    json_close(out);
}

const struct app_parser app_parser_tls = {
    .app = SIG_APP_TLS,
    .first_dirs = SIG_DIRS_TOSERVER,
    .state_size = sizeof(struct tls_state),
    .stream = tls_stream,
    .gap = tls_gap,
    .buffer = tls_buffer,
    .number = tls_number,
    .tx_clear = tls_clear,
    .state_clear = tls_state_clear,
    .describe = tls_describe,
    .tx_size = sizeof(struct tls_tx),
    .events = tls_events,
};
