/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's header: action, protocol, addresses, ports, direction. */
#include "config.h"

#include <string.h>

#include "common/err.h"
#include "common/xalloc.h"
#include "signatures/lex.h"
#include "signatures/parser.h"
#include "signatures/ranges.h"

static const struct {
    const char *name;
    enum sig_action action;
} actions[] = {
    { "alert", SIG_ACTION_ALERT },       { "pass", SIG_ACTION_PASS },
    { "drop", SIG_ACTION_DROP },         { "reject", SIG_ACTION_REJECT },
    { "rejectsrc", SIG_ACTION_REJECT },  { "rejectdst", SIG_ACTION_REJECT },
    { "rejectboth", SIG_ACTION_REJECT }, { "config", SIG_ACTION_ALERT },
};

static const struct {
    const char *name;
    enum sig_proto proto;
} protos[] = {
    { "tcp", SIG_PROTO_TCP },
    { "tcp-pkt", SIG_PROTO_TCP_PKT },
    { "tcp-stream", SIG_PROTO_TCP_STREAM },
    { "udp", SIG_PROTO_UDP },
    { "ip", SIG_PROTO_IP },
    { "icmp", SIG_PROTO_ICMP },
    { "icmpv4", SIG_PROTO_ICMPV4 },
    { "icmpv6", SIG_PROTO_ICMPV6 },
    { "sctp", SIG_PROTO_SCTP },
    { "ipv4", SIG_PROTO_IPV4 },
    { "ip4", SIG_PROTO_IPV4 },
    { "ipv6", SIG_PROTO_IPV6 },
    { "ip6", SIG_PROTO_IPV6 },
    { "pkthdr", SIG_PROTO_PKTHDR },
};

/* What carries an application protocol, where it is not TCP alone. */
static enum sig_proto app_carrier(enum sig_app app)
{
    switch (app) {
    case SIG_APP_DNS:
    case SIG_APP_KRB5:
    case SIG_APP_SIP:
    case SIG_APP_NFS:
    case SIG_APP_DCERPC:
    case SIG_APP_ENIP:
        return SIG_PROTO_IP;
    case SIG_APP_QUIC:
    case SIG_APP_NTP:
    case SIG_APP_TFTP:
    case SIG_APP_IKE:
    case SIG_APP_DHCP:
    case SIG_APP_SNMP:
    case SIG_APP_BITTORRENT_DHT:
        return SIG_PROTO_UDP;
    default:
        return SIG_PROTO_TCP;
    }
}

static int read_action(struct draft *d, struct text t)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (text_is_nocase(t, actions[i].name)) {
            d->rule.action = (uint8_t)actions[i].action;
            /* passing and configuring are done in silence */
            d->rule.noalert = actions[i].action == SIG_ACTION_PASS || text_is_nocase(t, "config");
            return 0;
        }
    }
    return draft_refuse(d, "unknown action '%.*s' (alert, pass, drop, reject)", (int)t.len, t.at);
}

static int read_proto(struct draft *d, struct text t)
{
    for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
        if (text_is_nocase(t, protos[i].name)) {
            d->rule.proto = (uint8_t)protos[i].proto;
            if (d->rule.proto == SIG_PROTO_TCP_PKT)
                d->said |= DRAFT_PACKET_ONLY;
            if (d->rule.proto == SIG_PROTO_TCP_STREAM)
                d->said |= DRAFT_STREAM_ONLY;
            return 0;
        }
    }
    enum sig_app app = text_is(t, "ikev2") ? SIG_APP_IKE : sig_app_find(t.at, t.len);
    if (app == SIG_APP_UNKNOWN)
        return draft_refuse(d, "unknown protocol '%.*s'", (int)t.len, t.at);
    if (!sig_app_offered(app))
        return draft_refuse(d, "%s is not detected, as in Suricata's own configuration",
                            sig_app_name(app));
    d->rule.app = (uint8_t)app;
    d->rule.proto = (uint8_t)app_carrier(app);
    return 0;
}

static bool get_address(void *arg, struct text name, struct text *value)
{
    struct sig_parser *p = arg;
    uint32_t id = names_find(p->address_vars, name);
    if (id != UINT32_MAX)
        *value = text_of(p->address_values[id]);
    return id != UINT32_MAX;
}

static bool get_port(void *arg, struct text name, struct text *value)
{
    struct sig_parser *p = arg;
    uint32_t id = names_find(p->port_vars, name);
    if (id != UINT32_MAX)
        *value = text_of(p->port_values[id]);
    return id != UINT32_MAX;
}

int parser_addresses(struct sig_parser *p, struct text expression, struct sig_addrs *out,
                     char *reason, size_t cap)
{
    struct range_vars vars = { get_address, p, true };
    return ranges_addresses(p->set->arena, &vars, expression, out, reason, cap) ? ABENG_EFORMAT : 0;
}

/* Expressions repeat in thousands of rules; each is worked out once. */
static int read_addresses(struct draft *d, struct text t, const char *side, struct sig_addrs *out)
{
    struct sig_parser *p = d->parser;
    uint32_t id = names_find(p->addresses, t);
    if (id != UINT32_MAX) {
        *out = p->address_cache[id];
        return 0;
    }
    char reason[DRAFT_REASON_MAX / 2];
    if (parser_addresses(p, t, out, reason, sizeof(reason)))
        return draft_refuse(d, "%s address: %s", side, reason);
    id = names_id(p->addresses, t);
    p->address_cache = xreallocarray(p->address_cache, id + 1, sizeof(*out));
    p->address_cache[id] = *out;
    return 0;
}

static int read_ports(struct draft *d, struct text t, const char *side, struct sig_ports *out)
{
    struct sig_parser *p = d->parser;
    uint32_t id = names_find(p->ports, t);
    if (id != UINT32_MAX) {
        *out = p->port_cache[id];
        return 0;
    }
    char reason[DRAFT_REASON_MAX / 2];
    struct range_vars vars = { get_port, p, p->beyond };
    if (ranges_ports(p->set->arena, &vars, t, out, reason, sizeof(reason)))
        return draft_refuse(d, "%s port: %s", side, reason);
    id = names_id(p->ports, t);
    p->port_cache = xreallocarray(p->port_cache, id + 1, sizeof(*out));
    p->port_cache[id] = *out;
    return 0;
}

static bool same_addresses(const struct sig_addrs *a, const struct sig_addrs *b)
{
    return a->any == b->any && a->count == b->count &&
           (!a->count || memcmp(a->ranges, b->ranges, a->count * sizeof(*a->ranges)) == 0);
}

static bool same_ports(const struct sig_ports *a, const struct sig_ports *b)
{
    return a->any == b->any && a->count == b->count &&
           (!a->count || memcmp(a->ranges, b->ranges, a->count * sizeof(*a->ranges)) == 0);
}

int parser_header_read(struct draft *d, struct text header)
{
    struct text words[7], extra;
    struct sig *r = &d->rule;
    for (int i = 0; i < 7; i++) {
        if (!lex_word(&header, &words[i]))
            return draft_refuse(
                d,
                "a rule begins with: action protocol source port -> destination port (the header "
                "has %d words)",
                i);
    }
    if (lex_word(&header, &extra))
        return draft_refuse(d, "'%.*s' stands behind the destination port", (int)extra.len,
                            extra.at);
    int rc = read_action(d, words[0]);
    if (!rc)
        rc = read_proto(d, words[1]);
    if (!rc)
        rc = read_addresses(d, words[2], "source", &r->src);
    if (!rc)
        rc = read_ports(d, words[3], "source", &r->sports);
    if (!rc)
        rc = read_addresses(d, words[5], "destination", &r->dst);
    if (!rc)
        rc = read_ports(d, words[6], "destination", &r->dports);
    if (rc)
        return rc;
    if (!text_is(words[4], "->") && !text_is(words[4], "<>"))
        return draft_refuse(d, "the direction is -> or <>, not '%.*s'", (int)words[4].len,
                            words[4].at);
    /* Both ways round the same: one signature does. */
    r->bidirectional = text_is(words[4], "<>") &&
                       !(same_addresses(&r->src, &r->dst) && same_ports(&r->sports, &r->dports));
    return 0;
}
