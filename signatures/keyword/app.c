/* SPDX-License-Identifier: Apache-2.0 */
/* The application protocol itself, and events. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <string.h>

#include "common/err.h"
#include "signatures/parser.h"

static int parse_app_layer_protocol(struct draft *d, struct text value)
{
    enum sig_app app = sig_app_find(value.at, value.len);
    bool none = text_is(value, "unknown"), failed = text_is(value, "failed");
    if ((app == SIG_APP_UNKNOWN && !none && !failed) || !sig_app_offered(app))
        return draft_refuse(d, "app-layer-protocol: unknown protocol '%.*s'", (int)value.len,
                            value.at);
    if (d->rule.app != SIG_APP_UNKNOWN)
        return draft_refuse(d, "app-layer-protocol: the rule is about %s already",
                            sig_app_name((enum sig_app)d->rule.app));
    bool only = !d->negated || failed;
    if (draft_has_op(d, DRAFT_PACKET, SIG_OP_APP_PROTO) && (only || d->said & DRAFT_APP_PROTO))
        return draft_refuse(d, "app-layer-protocol: only negated ones can stand together");
    d->said |= only ? DRAFT_APP_PROTO : 0;
    struct sig_op *op = draft_op_add(d, DRAFT_PACKET, SIG_OP_APP_PROTO);
    if (!op)
        return ABENG_EFORMAT;
    op->flags = d->negated ? SIG_F_NEGATED : 0;
    op->u.name.id = failed ? SIG_APP_FAILED : app;
    return 0;
}

static int event(struct draft *d, struct text name, enum sig_event_domain domain, enum sig_app app)
{
    struct sig_bytes text = draft_blob_add(d, name.at, name.len);
    struct sig_op *op = text.len ? draft_op_add(d, DRAFT_PACKET, SIG_OP_EVENT) : NULL;
    if (!op)
        return draft_refuse(d, "an event needs a name");
    op->u.name.text = text;
    op->u.name.command = (uint8_t)domain;
    op->u.name.id = app;
    return 0;
}

static int parse_decode_event(struct draft *d, struct text value)
{
    return event(d, value, SIG_EVENT_DECODE, SIG_APP_UNKNOWN);
}

static int parse_stream_event(struct draft *d, struct text value)
{
    return event(d, value, SIG_EVENT_STREAM, SIG_APP_UNKNOWN);
}

/* Events of our own; Suricata 7.0.10 refuses the rule. */
static bool is_beyond(enum sig_app app, struct text name)
{
    return app == SIG_APP_ANY_HTTP && text_is(name, "brotli_decompression_failed");
}

/* "http.missing_host_header", or "applayer_…" for events of protocol detection. */
static int parse_app_layer_event(struct draft *d, struct text value)
{
    const char *dot = memchr(value.at, '.', value.len);
    if (!dot)
        return event(d, value, SIG_EVENT_APP, SIG_APP_UNKNOWN);
    struct text proto = { value.at, (size_t)(dot - value.at) };
    struct text name = { dot + 1, value.len - proto.len - 1 };
    enum sig_app app =
        text_is(proto, "ikev2") ? SIG_APP_IKE : sig_app_find(proto.at, proto.len);
    if (app == SIG_APP_UNKNOWN)
        return draft_refuse(d, "app-layer-event: unknown protocol '%.*s'", (int)proto.len,
                            proto.at);
    if (!sig_app_parsed(app))
        return draft_refuse(d, "app-layer-event: the sensor has no parser for %s yet",
                            sig_app_name(app));
    if (is_beyond(app, name) && !d->parser->beyond)
        return draft_refuse(d, "app-layer-event: '%.*s' is of the profile abeng", (int)value.len,
                            value.at);
    if (draft_app_claim(d, app))
        return ABENG_EFORMAT;
    d->said |= DRAFT_APP_OPS;
    return event(d, name, SIG_EVENT_APP, app == SIG_APP_ANY_HTTP ? SIG_APP_HTTP1 : app);
}

static int parse_dns_opcode(struct draft *d, struct text value)
{
    if (draft_app_claim(d, SIG_APP_DNS))
        return ABENG_EFORMAT;
    return keyword_app_number(d, "dns.opcode", value, UINT8_MAX);
}

static int parse_chain_len(struct draft *d, struct text value)
{
    if (draft_app_claim(d, SIG_APP_TLS))
        return ABENG_EFORMAT;
    return keyword_app_number(d, "tls.cert_chain_len", value, UINT32_MAX);
}

/* A PORT command whose address is not the client's (RFC 2577 section 3). */
static int parse_ftpbounce(struct draft *d, struct text value)
{
    (void)value;
    if (draft_app_claim(d, SIG_APP_FTP))
        return ABENG_EFORMAT;
    return keyword_app_number(d, "ftpbounce", (struct text){ "1", 1 }, 1);
}

/* What an FTP data connection is for. */
static int parse_ftpdata_command(struct draft *d, struct text value)
{
    /* also by number, as rules are printed */
    const char *number = text_is_nocase(value, "retr") || text_is(value, "1")   ? "1"
                         : text_is_nocase(value, "stor") || text_is(value, "2") ? "2"
                                                                                : NULL;
    if (!number)
        return draft_refuse(d, "ftpdata_command: retr or stor");
    if (draft_app_claim(d, SIG_APP_FTP_DATA))
        return ABENG_EFORMAT;
    return keyword_app_number(d, "ftpdata_command", text_of(number), UINT8_MAX);
}

const struct sig_keyword keywords_app[] = {
    { "ftpdata_command", parse_ftpdata_command, 0, NULL },
    { "dns.opcode", parse_dns_opcode, 0, NULL },
    { "tls.cert_chain_len", parse_chain_len, 0, NULL },
    { "app-layer-protocol", parse_app_layer_protocol,
      KEYWORD_NEGATABLE | KEYWORD_MAY_QUOTE | KEYWORD_PREFILTER, NULL },
    { "app-layer-event", parse_app_layer_event, 0, NULL },
    { "decode-event", parse_decode_event, 0, NULL },
    { "engine-event", parse_decode_event, 0, NULL },
    { "ftpbounce", parse_ftpbounce, KEYWORD_NO_VALUE, NULL },
    { "stream-event", parse_stream_event, 0, NULL },
    { NULL, NULL, 0, NULL },
};
