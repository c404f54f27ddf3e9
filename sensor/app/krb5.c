/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kerberos 5 (RFC 4120 5.4) over UDP and TCP. As in Suricata 7 each message of the AS and TGS
 * exchanges, and each error, is a transaction of its own with one direction.
 */
#include "config.h"
#include "sensor/app/parsers.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "sensor/app/der.h"

/** Longest message over TCP that is followed (Suricata's limit). */
#define KRB5_RECORD_MAX 16384u
/** Parts of a principal's name that rules see, and their bytes together. */
#define KRB5_NAMES_MAX 16
#define KRB5_NAME_MAX  4096u

enum krb5_event { KRB5_MALFORMED_DATA, KRB5_WEAK_ENCRYPTION };

static const char *const krb5_events[] = { "malformed_data", "weak_encryption", NULL };

enum krb5_message {
    KRB5_AS_REQ = 10,
    KRB5_AS_REP = 11,
    KRB5_TGS_REQ = 12,
    KRB5_TGS_REP = 13,
    KRB5_AP_REQ = 14,
    KRB5_AP_REP = 15,
    KRB5_ERROR = 30,
};

/** A principal's name: its parts behind one another. */
struct krb5_name {
    struct app_bytes text;
    uint16_t ends[KRB5_NAMES_MAX];
    unsigned count;
};

struct krb5_tx {
    struct app_tx tx;
    struct krb5_name client, server;
    struct app_bytes realm;
    uint8_t type, failed; /* enum krb5_message; failed: the request that an error answers */
    bool has_error, has_encryption;
    int32_t error, encryption, ticket;
};

struct krb5_state {
    uint8_t request; /* enum krb5_message; 0: none is open */
};

/** Ciphers that are not weak (RFC 3962, 8009, 6803), as Suricata sees it. */
static bool is_weak(int32_t type)
{
    return !(type >= 17 && type <= 20) && type != 25 && type != 26;
}

/* ---- messages ------------------------------------------------------------------------------ */

static void text_add(struct app_ctx *ctx, struct app_bytes *out, struct cursor text)
{
    size_t len = cursor_left(&text);
    if (len > 0 && len <= KRB5_NAME_MAX && !app_bytes_add(ctx->slab, out, text.at, (uint32_t)len))
        app_count(ctx, APP_COUNT_NO_MEMORY);
}

/** PrincipalName: a type, and a sequence of parts (5.2.2). False when it is malformed. */
static bool name_read(struct app_ctx *ctx, struct cursor field, struct krb5_name *out)
{
    uint8_t tag;
    struct cursor name = der_want(&field, DER_SEQUENCE);
    struct cursor type = der_want(&name, DER_CONTEXT(0));
    struct cursor strings = der_want(&name, DER_CONTEXT(1));
    struct cursor parts = der_want(&strings, DER_SEQUENCE);
    (void)type;
    while (!parts.bad && cursor_left(&parts) > 0) {
        struct cursor part = der_next(&parts, &tag);
        if (part.bad)
            return false;
        if (out->count == KRB5_NAMES_MAX || out->text.len + cursor_left(&part) > KRB5_NAME_MAX)
            break;
        text_add(ctx, &out->text, part);
        out->ends[out->count++] = (uint16_t)out->text.len;
    }
    return !parts.bad;
}

/** A realm: one string. */
static void realm_read(struct app_ctx *ctx, struct cursor field, struct krb5_tx *t)
{
    uint8_t tag;
    text_add(ctx, &t->realm, der_next(&field, &tag));
}

/** EncryptedData's cipher. */
static int32_t cipher_read(struct cursor field, bool *ok)
{
    struct cursor data = der_want(&field, DER_SEQUENCE);
    struct cursor type = der_want(&data, DER_CONTEXT(0));
    int32_t value = (int32_t)der_integer(&type);
    *ok = *ok && !type.bad;
    return value;
}

/** KDC-REQ (5.4.1): who asks for a ticket to what. */
static bool request_read(struct app_ctx *ctx, struct cursor c, struct krb5_tx *t)
{
    struct cursor message = der_want(&c, DER_SEQUENCE);
    (void)der_want(&message, DER_CONTEXT(1));
    (void)der_want(&message, DER_CONTEXT(2));
    (void)der_optional(&message, DER_CONTEXT(3));
    struct cursor body = der_want(&message, DER_CONTEXT(4));
    struct cursor fields = der_want(&body, DER_SEQUENCE);
    (void)der_want(&fields, DER_CONTEXT(0));
    struct cursor client = der_optional(&fields, DER_CONTEXT(1));
    struct cursor realm = der_want(&fields, DER_CONTEXT(2));
    struct cursor server = der_optional(&fields, DER_CONTEXT(3));
    if (fields.bad)
        return false;
    realm_read(ctx, realm, t);
    return (client.bad || name_read(ctx, client, &t->client)) &&
           (server.bad || name_read(ctx, server, &t->server));
}

/** KDC-REP (5.4.2): the ticket that was given. */
static bool reply_read(struct app_ctx *ctx, struct cursor c, struct krb5_tx *t)
{
    bool ok = true;
    struct cursor message = der_want(&c, DER_SEQUENCE);
    (void)der_want(&message, DER_CONTEXT(0));
    (void)der_want(&message, DER_CONTEXT(1));
    (void)der_optional(&message, DER_CONTEXT(2));
    struct cursor realm = der_want(&message, DER_CONTEXT(3));
    struct cursor client = der_want(&message, DER_CONTEXT(4));
    struct cursor outer = der_want(&message, DER_CONTEXT(5));
    struct cursor sealed = der_want(&message, DER_CONTEXT(6));
    struct cursor application = der_want(&outer, DER_APPLICATION(1));
    struct cursor ticket = der_want(&application, DER_SEQUENCE);
    (void)der_want(&ticket, DER_CONTEXT(0));
    (void)der_want(&ticket, DER_CONTEXT(1));
    struct cursor server = der_want(&ticket, DER_CONTEXT(2));
    struct cursor ticket_sealed = der_want(&ticket, DER_CONTEXT(3));
    if (message.bad || ticket.bad)
        return false;
    realm_read(ctx, realm, t);
    t->encryption = cipher_read(sealed, &ok);
    t->ticket = cipher_read(ticket_sealed, &ok);
    t->has_encryption = true;
    return ok && name_read(ctx, client, &t->client) && name_read(ctx, server, &t->server);
}

/** KRB-ERROR (5.9.1). */
static bool error_read(struct app_ctx *ctx, struct cursor c, struct krb5_tx *t)
{
    struct cursor message = der_want(&c, DER_SEQUENCE);
    (void)der_want(&message, DER_CONTEXT(0));
    (void)der_want(&message, DER_CONTEXT(1));
    (void)der_optional(&message, DER_CONTEXT(2));
    (void)der_optional(&message, DER_CONTEXT(3));
    (void)der_want(&message, DER_CONTEXT(4));
    (void)der_want(&message, DER_CONTEXT(5));
    struct cursor code = der_want(&message, DER_CONTEXT(6));
    struct cursor realm = der_optional(&message, DER_CONTEXT(7));
    struct cursor client = der_optional(&message, DER_CONTEXT(8));
    (void)der_want(&message, DER_CONTEXT(9));
    struct cursor server = der_want(&message, DER_CONTEXT(10));
    t->error = (int32_t)der_integer(&code);
    t->has_error = true;
    if (message.bad || code.bad)
        return false;
    if (!realm.bad)
        realm_read(ctx, realm, t);
    return (client.bad || name_read(ctx, client, &t->client)) && name_read(ctx, server, &t->server);
}

static bool body_read(struct app_ctx *ctx, struct cursor c, struct krb5_tx *t)
{
    switch (t->type) {
    case KRB5_AS_REQ:
    case KRB5_TGS_REQ:
        return request_read(ctx, c, t);
    case KRB5_AS_REP:
    case KRB5_TGS_REP:
        return reply_read(ctx, c, t);
    default:
        return error_read(ctx, c, t);
    }
}

static void tx_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct krb5_tx *t = (struct krb5_tx *)tx;
    app_bytes_free(ctx->slab, &t->client.text);
    app_bytes_free(ctx->slab, &t->server.text);
    app_bytes_free(ctx->slab, &t->realm);
}

/** Keep what was read as a transaction. */
static void tx_keep(struct app_io *io, const struct krb5_tx *read)
{
    struct krb5_tx *t = (struct krb5_tx *)app_tx_new(io);
    if (!t) {
        struct krb5_tx lost = *read;
        tx_clear(io->ctx, &lost.tx);
        return;
    }
    struct app_tx tx = t->tx;
    *t = *read;
    t->tx = tx;
    app_tx_one_way(&t->tx, io->dir);
    if (t->has_encryption && (is_weak(t->encryption) || is_weak(t->ticket)))
        app_tx_event(&t->tx, io->dir, KRB5_WEAK_ENCRYPTION);
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_DONE);
}

/** One message; false when it is none. */
static bool message_take(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct krb5_state *s = io->af->state;
    struct cursor c = cursor_make(data, len);
    uint8_t tag;
    struct cursor body = der_next(&c, &tag);
    if (body.bad) {
        app_tx_event(io->af->last, io->dir, KRB5_MALFORMED_DATA);
        return false;
    }
    struct krb5_tx read = { .type = tag & 0x1f };
    bool known =
        (tag & 0xe0) == DER_APPLICATION(0) &&
        ((read.type >= KRB5_AS_REQ && read.type <= KRB5_TGS_REP) || read.type == KRB5_ERROR);
    bool request = read.type == KRB5_AS_REQ || read.type == KRB5_TGS_REQ;
    if (!known)
        return true;
    if (read.type == KRB5_ERROR)
        read.failed = s->request;
    s->request = request ? read.type : 0;
    if (body_read(io->ctx, body, &read))
        tx_keep(io, &read);
    else
        tx_clear(io->ctx, &read.tx);
    return true;
}

static void krb5_datagram(struct app_io *io, const uint8_t *data, uint32_t len)
{
    (void)message_take(io, data, len);
}

/** RFC 4120 7.2.2: messages behind four bytes of length. */
static uint32_t krb5_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    (void)old;
    uint32_t used = 0;
    while (len - used >= 4) {
        struct cursor c = cursor_make(data + used, 4);
        uint32_t size = cursor_be32(&c);
        if (size > KRB5_RECORD_MAX)
            return APP_GIVE_UP;
        if (len - used - 4 < size) {
            io->want = size + 4;
            break;
        }
        if (size > 0 && !message_take(io, data + used + 4, size))
            return APP_GIVE_UP;
        used += 4 + size;
    }
    return used;
}

/* ---- what rules see ------------------------------------------------------------------------ */

static bool name_view(const struct krb5_name *name, uint32_t index, struct app_view *out)
{
    if (index >= name->count)
        return false;
    uint32_t from = index > 0 ? name->ends[index - 1] : 0;
    const uint8_t *text = name->text.data ? name->text.data : (const uint8_t *)"";
    return app_view_set(out, text + from, name->ends[index] - from);
}

static bool krb5_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                        enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    (void)af;
    const struct krb5_tx *t = (const struct krb5_tx *)tx;
    if (dir != SIG_DIR_TOCLIENT)
        return false;
    if (buffer == SIG_BUF_KRB5_CNAME)
        return name_view(&t->client, index, out);
    return buffer == SIG_BUF_KRB5_SNAME && name_view(&t->server, index, out);
}

static bool krb5_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                        uint64_t *out)
{
    (void)af;
    (void)dir;
    const struct krb5_tx *t = (const struct krb5_tx *)tx;
    if (strcmp(name, "krb5_msg_type") == 0)
        *out = t->type;
    else if (strcmp(name, "krb5_err_code") == 0 && t->has_error)
        *out = (uint32_t)t->error;
    else if (strcmp(name, "krb5.ticket_encryption") == 0 && t->has_encryption)
        *out = (uint32_t)t->ticket;
    else if (strcmp(name, "krb5.ticket_weak") == 0 && t->has_encryption)
        *out = is_weak(t->ticket);
    else
        return false;
    return true;
}

/* ---- EVE ----------------------------------------------------------------------------------- */

static const char *message_name(uint8_t type)
{
    switch (type) {
    case KRB5_AS_REQ:
        return "KRB_AS_REQ";
    case KRB5_AS_REP:
        return "KRB_AS_REP";
    case KRB5_TGS_REQ:
        return "KRB_TGS_REQ";
    case KRB5_TGS_REP:
        return "KRB_TGS_REP";
    case KRB5_AP_REQ:
        return "KRB_AP_REQ";
    case KRB5_AP_REP:
        return "KRB_AP_REP";
    default:
        return "UNKNOWN";
    }
}

static void describe_name(const struct krb5_name *name, const char *key, struct json *out)
{
    char text[KRB5_NAME_MAX + KRB5_NAMES_MAX];
    size_t n = 0;
    uint32_t from = 0;
    for (unsigned i = 0; i < name->count; i++) {
        if (i > 0)
            text[n++] = '/';
        memcpy(text + n, name->text.data + from, name->ends[i] - from);
        n += name->ends[i] - from;
        from = name->ends[i];
    }
    json_strn(out, key, name->count > 0 ? text : "<empty>", name->count > 0 ? n : 7);
}

static void describe_cipher(const char *key, int32_t type, struct json *out)
{
    static const char *const names[] = { [1] = "des-cbc-crc",
                                         [2] = "des-cbc-md4",
                                         [3] = "des-cbc-md5",
                                         [16] = "des3-cbc-sha1-kd",
                                         [17] = "aes128-cts-hmac-sha1-96",
                                         [18] = "aes256-cts-hmac-sha1-96",
                                         [19] = "aes128-cts-hmac-sha256-128",
                                         [20] = "aes256-cts-hmac-sha384-192",
                                         [23] = "rc4-hmac",
                                         [24] = "rc4-hmac-exp" };
    char number[16];
    bool known = type > 0 && type < (int32_t)(sizeof(names) / sizeof(names[0])) && names[type];
    snprintf(number, sizeof(number), "%d", type);
    json_str(out, key, known ? names[type] : number);
}

static void krb5_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct krb5_tx *t = (const struct krb5_tx *)tx;
    char code[16];
    json_open(out, "krb5");
    json_str(out, "msg_type", t->has_error ? "KRB_ERROR" : message_name(t->type));
    if (t->has_error) {
        json_str(out, "failed_request", message_name(t->failed));
        snprintf(code, sizeof(code), "%d", t->error);
        json_str(out, "error_code", code);
    }
    describe_name(&t->client, "cname", out);
    json_strn(out, "realm", t->realm.len > 0 ? (const char *)t->realm.data : "<empty>",
              t->realm.len > 0 ? t->realm.len : 7);
    describe_name(&t->server, "sname", out);
    if (t->has_encryption) {
        describe_cipher("encryption", t->encryption, out);
        json_bool(out, "weak_encryption", is_weak(t->encryption));
        describe_cipher("ticket_encryption", t->ticket, out);
        json_bool(out, "ticket_weak_encryption", is_weak(t->ticket));
    }
    json_close(out);
}

const struct app_parser app_parser_krb5 = {
    .app = SIG_APP_KRB5,
    .state_size = sizeof(struct krb5_state),
    .stream = krb5_stream,
    .datagram = krb5_datagram,
    .buffer = krb5_buffer,
    .number = krb5_number,
    .tx_clear = tx_clear,
    .describe = krb5_describe,
    .tx_size = sizeof(struct krb5_tx),
    .events = krb5_events,
};
