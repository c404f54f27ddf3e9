/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNMP versions 1, 2c (RFC 1157, 1901) and 3 (RFC 3412, 3414) over UDP. As in Suricata 7 each
 * message is a transaction of its own with one direction; what is encrypted stays closed.
 */
#include "config.h"
#include "sensor/app/parsers.h"

#include <string.h>

#include "common/json.h"
#include "sensor/app/der.h"

/** Longest community or user that is kept. */
#define SNMP_NAME_MAX 1024u
/** Security model of users (RFC 3414). */
#define MODEL_USM 3
/** Tags of the operations: context 0 to 8. */
#define PDU_LAST 8
#define PDU_NONE 0xff

enum snmp_event { SNMP_MALFORMED_DATA, SNMP_UNKNOWN_SECURITY_MODEL, SNMP_VERSION_MISMATCH };

static const char *const snmp_events[] = { "malformed_data", "unknown_security_model",
                                           "version_mismatch", NULL };

struct snmp_tx {
    struct app_tx tx;
    struct app_bytes name; /* community (versions 1 and 2), user (version 3) */
    bool has_name;
    uint8_t version, pdu; /* pdu: PDU_NONE when it is not known */
};

struct snmp_state {
    uint8_t version; /* of the flow's first message */
};

/** What one message says. */
struct snmp_message {
    uint8_t version, pdu;
    bool has_name, other_model;
    struct cursor name;
};

/** An operation's tag, and whether its contents are there. */
static bool pdu_read(struct cursor *c, struct snmp_message *out)
{
    uint8_t tag;
    struct cursor pdu = der_next(c, &tag);
    if (pdu.bad || tag < DER_CONTEXT(0) || tag > DER_CONTEXT(PDU_LAST))
        return false;
    out->pdu = tag & 0x1f;
    return true;
}

/** RFC 3412 6: header, security parameters, and the operation when it is open. */
static bool version3_read(struct cursor *c, struct snmp_message *out)
{
    struct cursor header = der_want(c, DER_SEQUENCE);
    (void)der_integer(&header);
    (void)der_integer(&header);
    (void)der_want(&header, DER_OCTET_STRING);
    out->other_model = der_integer(&header) != MODEL_USM;
    struct cursor security = der_want(c, DER_OCTET_STRING);
    if (header.bad || security.bad)
        return false;
    if (!out->other_model) {
        struct cursor usm = der_want(&security, DER_SEQUENCE);
        (void)der_want(&usm, DER_OCTET_STRING);
        (void)der_integer(&usm);
        (void)der_integer(&usm);
        out->name = der_want(&usm, DER_OCTET_STRING);
        if (usm.bad)
            return false;
        out->has_name = true;
    }
    uint8_t tag;
    struct cursor scoped = der_next(c, &tag);
    if (scoped.bad || (tag != DER_SEQUENCE && tag != DER_OCTET_STRING))
        return false;
    if (tag == DER_OCTET_STRING)
        return true; /* encrypted */
    (void)der_want(&scoped, DER_OCTET_STRING);
    (void)der_want(&scoped, DER_OCTET_STRING);
    return pdu_read(&scoped, out);
}

static bool message_read(const uint8_t *data, uint32_t len, struct snmp_message *out)
{
    struct cursor c = cursor_make(data, len);
    struct cursor message = der_want(&c, DER_SEQUENCE);
    int64_t version = der_integer(&message);
    *out = (struct snmp_message){ .pdu = PDU_NONE };
    if (message.bad || version < 0 || version > 3 || version == 2)
        return false;
    out->version = (uint8_t)(version == 3 ? 3 : version + 1);
    if (version == 3)
        return version3_read(&message, out);
    out->name = der_want(&message, DER_OCTET_STRING);
    out->has_name = !out->name.bad;
    return out->has_name && pdu_read(&message, out);
}

static void snmp_datagram(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct snmp_state *s = io->af->state;
    struct snmp_message m;
    if (!message_read(data, len, &m)) {
        app_tx_event(io->af->last, io->dir, SNMP_MALFORMED_DATA);
        return;
    }
    struct snmp_tx *t = (struct snmp_tx *)app_tx_new(io);
    if (!t)
        return;
    if (s->version == 0)
        s->version = m.version;
    app_tx_one_way(&t->tx, io->dir);
    t->version = m.version;
    t->pdu = m.pdu;
    t->has_name = m.has_name;
    size_t name = m.has_name ? cursor_left(&m.name) : 0;
    if (name > 0 && name <= SNMP_NAME_MAX &&
        !app_bytes_add(io->ctx->slab, &t->name, m.name.at, (uint32_t)name))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
    if (s->version != m.version)
        app_tx_event(&t->tx, io->dir, SNMP_VERSION_MISMATCH);
    if (m.other_model)
        app_tx_event(&t->tx, io->dir, SNMP_UNKNOWN_SECURITY_MODEL);
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_DONE);
}

static bool snmp_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                        enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    (void)af;
    (void)dir;
    const struct snmp_tx *t = (const struct snmp_tx *)tx;
    enum sig_buffer has = t->version == 3 ? SIG_BUF_SNMP_USM : SIG_BUF_SNMP_COMMUNITY;
    return buffer == has && index == 0 && t->has_name &&
           app_view_set(out, t->name.data ? t->name.data : (const uint8_t *)"", t->name.len);
}

static bool snmp_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                        uint64_t *out)
{
    (void)af;
    (void)dir;
    const struct snmp_tx *t = (const struct snmp_tx *)tx;
    if (strcmp(name, "snmp.version") == 0)
        *out = t->version;
    else if (strcmp(name, "snmp.pdu_type") == 0 && t->pdu != PDU_NONE)
        *out = t->pdu;
    else
        return false;
    return true;
}

static void snmp_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    app_bytes_free(ctx->slab, &((struct snmp_tx *)tx)->name);
}

static void snmp_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    static const char *const pdus[] = { "get_request",    "get_next_request", "response",
                                        "set_request",    "trap_v1",          "get_bulk_request",
                                        "inform_request", "trap_v2",          "report" };
    (void)af;
    const struct snmp_tx *t = (const struct snmp_tx *)tx;
    json_open(out, "snmp");
    json_u64(out, "version", t->version);
    if (t->pdu <= PDU_LAST)
        json_str(out, "pdu_type", pdus[t->pdu]);
    if (t->has_name)
        json_strn(out, t->version == 3 ? "usm" : "community",
                  t->name.data ? (const char *)t->name.data : "", t->name.len);
    json_close(out);
}

const struct app_parser app_parser_snmp = {
    .app = SIG_APP_SNMP,
    .state_size = sizeof(struct snmp_state),
    .datagram = snmp_datagram,
    .buffer = snmp_buffer,
    .number = snmp_number,
    .tx_clear = snmp_clear,
    .describe = snmp_describe,
    .tx_size = sizeof(struct snmp_tx),
    .events = snmp_events,
};
