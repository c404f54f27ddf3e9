/* SPDX-License-Identifier: Apache-2.0 */
/* The validating scan: one pass over a line, and the tables that say which fields are taken. */
#include "config.h"
#include "common/event.h"

#include <stddef.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/json_scan.h"

enum kind {
    KIND_TEXT,   /* string: its span */
    KIND_NUMBER, /* whole number of `width` bytes */
    KIND_BOOL,
    KIND_ADDR,   /* string: an IP address */
    KIND_TIME,   /* string: its span and the time */
    KIND_PROTO,  /* string: name or number of an IP protocol */
    KIND_OBJECT, /* its span, and its fields by the child table; of an array, the first element */
    KIND_ARRAY,  /* its span */
};

struct field {
    const char *name;
    const char *member;     /* "name": as it stands in a line without blanks */
    uint8_t length;         /* of the name */
    uint8_t kind;           /* enum kind */
    uint8_t width;          /* of a number */
    int16_t text;           /* enum event_text, -1: none */
    uint16_t at;            /* in struct event */
    uint16_t flag;          /* in struct event: a bool that says it was there; 0: none */
    const struct table *in; /* of an object */
};

struct table {
    const char *path; /* what stands before the name in a refusal */
    bool lenient;     /* a field of another type than ours is passed over, not refused */
    uint8_t count;
    const struct field *fields;
};

/* clang-format off */
#define SLOT(m) .at = offsetof(struct event, m)
#define FIELD(n, k, slot, ...) \
    { .name = (n), .member = "\"" n "\":", .length = sizeof(n) - 1, .kind = (k), .text = (slot), \
      __VA_ARGS__ }
#define TEXT(n, slot) FIELD(n, KIND_TEXT, slot, .in = NULL)
#define NUMBER(n, m) FIELD(n, KIND_NUMBER, -1, SLOT(m), .width = sizeof(((struct event *)0)->m))
#define TABLE(p, soft, list) { (p), (soft), sizeof(list) / sizeof((list)[0]), (list) }

static const struct field target_fields[] = {
    TEXT("ip", EVENT_TEXT_TARGET_IP),
};
static const struct table target_table = TABLE("alert.target.", false, target_fields);

static const struct field alert_fields[] = {
    TEXT("action", EVENT_TEXT_ACTION),
    NUMBER("gid", gid),
    NUMBER("signature_id", sid),
    NUMBER("rev", rev),
    TEXT("signature", EVENT_TEXT_SIGNATURE),
    TEXT("category", EVENT_TEXT_CATEGORY),
    NUMBER("severity", severity),
    FIELD("metadata", KIND_OBJECT, EVENT_TEXT_METADATA, .in = NULL),
    FIELD("target", KIND_OBJECT, -1, .in = &target_table),
};
static const struct table alert_table = TABLE("alert.", false, alert_fields);

static const struct field flow_fields[] = {
    NUMBER("pkts_toserver", packets[0]),
    NUMBER("pkts_toclient", packets[1]),
    NUMBER("bytes_toserver", bytes[0]),
    NUMBER("bytes_toclient", bytes[1]),
    FIELD("start", KIND_TIME, EVENT_TEXT_FLOW_START, SLOT(flow_start_ns)),
    FIELD("alerted", KIND_BOOL, -1, SLOT(alerted)),
};
static const struct table flow_table = TABLE("flow.", false, flow_fields);

static const struct field http_fields[] = {
    TEXT("hostname", EVENT_TEXT_HTTP_HOSTNAME),
    TEXT("url", EVENT_TEXT_HTTP_URL),
    TEXT("http_user_agent", EVENT_TEXT_HTTP_USER_AGENT),
    TEXT("http_method", EVENT_TEXT_HTTP_METHOD),
};
static const struct table http_table = TABLE("http.", true, http_fields);

static const struct field ja3_fields[] = { TEXT("hash", EVENT_TEXT_TLS_JA3) };
static const struct table ja3_table = TABLE("tls.ja3.", true, ja3_fields);

static const struct field tls_fields[] = {
    TEXT("sni", EVENT_TEXT_TLS_SNI),
    TEXT("subject", EVENT_TEXT_TLS_SUBJECT),
    FIELD("ja3", KIND_OBJECT, -1, .in = &ja3_table),
};
static const struct table tls_table = TABLE("tls.", true, tls_fields);

static const struct field dns_name_fields[] = { TEXT("rrname", EVENT_TEXT_DNS_RRNAME) };
static const struct table dns_name_table = TABLE("dns.query.", true, dns_name_fields);

static const struct field dns_fields[] = {
    TEXT("rrname", EVENT_TEXT_DNS_RRNAME),
    FIELD("query", KIND_OBJECT, -1, .in = &dns_name_table),
    FIELD("queries", KIND_OBJECT, -1, .in = &dns_name_table),
    FIELD("answer", KIND_OBJECT, -1, .in = &dns_name_table),
};
static const struct table dns_table = TABLE("dns.", true, dns_fields);

static const struct field ndpi_fields[] = {
    TEXT("proto", EVENT_TEXT_NDPI_PROTO),
    TEXT("category", EVENT_TEXT_NDPI_CATEGORY),
    FIELD("risk", KIND_ARRAY, EVENT_TEXT_NDPI_RISK, .in = NULL),
    TEXT("ja3", EVENT_TEXT_NDPI_JA3),
};
static const struct table ndpi_table = TABLE("ndpi.", true, ndpi_fields);

static const struct field gap_fields[] = {
    NUMBER("first", gap_first),
    NUMBER("last", gap_last),
    NUMBER("lost", gap_lost),
    TEXT("why", EVENT_TEXT_WHY),
};
static const struct table gap_table = TABLE("abeng.gap.", false, gap_fields);

static const struct field previous_fields[] = {
    TEXT("epoch", EVENT_TEXT_PREVIOUS_EPOCH),
    NUMBER("last", previous_last),
};
static const struct table previous_table = TABLE("abeng.previous.", false, previous_fields);

static const struct field source_fields[] = {
    TEXT("file", EVENT_TEXT_SOURCE),
    NUMBER("offset", source_offset),
};
static const struct table source_table = TABLE("abeng.source.", false, source_fields);

static const struct field abeng_fields[] = {
    TEXT("epoch", EVENT_TEXT_EPOCH),
    TEXT("lane", EVENT_TEXT_LANE),
    NUMBER("seq", seq),
    TEXT("ruleset", EVENT_TEXT_RULESET),
    TEXT("feed", EVENT_TEXT_FEED),
    TEXT("home", EVENT_TEXT_HOME),
    FIELD("beyond", KIND_BOOL, -1, SLOT(beyond)),
    FIELD("gap", KIND_OBJECT, -1, .in = &gap_table),
    FIELD("previous", KIND_OBJECT, -1, .in = &previous_table),
    FIELD("source", KIND_OBJECT, -1, .in = &source_table),
};
static const struct table abeng_table = TABLE("abeng.", false, abeng_fields);

static const struct field root_fields[] = {
    FIELD("timestamp", KIND_TIME, EVENT_TEXT_TIMESTAMP, SLOT(time_ns)),
    NUMBER("flow_id", flow_id),
    TEXT("in_iface", EVENT_TEXT_IN_IFACE),
    NUMBER("pcap_cnt", pcap_cnt),
    TEXT("event_type", EVENT_TEXT_TYPE),
    FIELD("src_ip", KIND_ADDR, -1, SLOT(src), .flag = offsetof(struct event, has_src)),
    NUMBER("src_port", sport),
    FIELD("dest_ip", KIND_ADDR, -1, SLOT(dst), .flag = offsetof(struct event, has_dst)),
    NUMBER("dest_port", dport),
    FIELD("proto", KIND_PROTO, -1, .in = NULL),
    NUMBER("tx_id", tx_id),
    FIELD("alert", KIND_OBJECT, -1, .in = &alert_table),
    FIELD("http", KIND_OBJECT, -1, .in = &http_table),
    FIELD("tls", KIND_OBJECT, -1, .in = &tls_table),
    FIELD("dns", KIND_OBJECT, -1, .in = &dns_table),
    TEXT("app_proto", EVENT_TEXT_APP_PROTO),
    TEXT("direction", EVENT_TEXT_DIRECTION),
    FIELD("flow", KIND_OBJECT, -1, .in = &flow_table),
    FIELD("ndpi", KIND_OBJECT, EVENT_TEXT_NDPI, .in = &ndpi_table),
    FIELD("abeng", KIND_OBJECT, -1, .in = &abeng_table),
};
static const struct table root_table = TABLE("", false, root_fields);
/* clang-format on */

/* A scan under way. */
struct scan {
    struct json_scan json;
    struct event *event;
    bool has_sid;
};

static bool scan_object(struct scan *s, const struct table *t, unsigned depth);

static bool refuse_type(struct scan *s, const struct table *t, const struct field *f,
                        const char *want)
{
    return json_scan_refuse(&s->json, ABENG_EFORMAT, "%s%s: not %s", t->path, f->name, want);
}

static int text_to_addr(const char *text, size_t len, struct addr *out)
{
    char copy[ADDR_TEXT_MAX];
    if (len >= sizeof(copy))
        return ABENG_EFORMAT;
    memcpy(copy, text, len);
    copy[len] = 0;
    return addr_parse(copy, out);
}

/* Keep a string's span, and what it means when it is an address, a time or a protocol. */
static bool take_string(struct scan *s, const struct table *t, const struct field *f)
{
    char *base = (char *)s->event;
    struct json_scan_span span;
    if (!json_scan_string(&s->json, &span))
        return false;
    const char *text = s->json.start + span.at;
    if (f->text >= 0 && !s->event->text[f->text].there)
        s->event->text[f->text] = (struct event_span){ span.at, span.len, true };
    if (f->kind == KIND_ADDR) {
        if (text_to_addr(text, span.len, (struct addr *)(void *)(base + f->at)) < 0)
            return refuse_type(s, t, f, "an IP address");
        *(bool *)(base + f->flag) = true;
    } else if (f->kind == KIND_TIME) {
        if (clock_parse(text, span.len, (uint64_t *)(void *)(base + f->at)) < 0)
            return refuse_type(s, t, f, "a time");
    } else if (f->kind == KIND_PROTO) {
        int proto = event_proto_find(text, span.len);
        s->event->proto = proto < 0 ? -1 : proto;
    }
    return true;
}

static void store_number(void *to, unsigned width, uint64_t value)
{
    switch (width) {
    case 8:
        *(uint64_t *)to = value;
        break;
    case 4:
        *(uint32_t *)to = (uint32_t)value;
        break;
    case 2:
        *(uint16_t *)to = (uint16_t)value;
        break;
    default:
        *(uint8_t *)to = (uint8_t)value;
        break;
    }
}

static bool take_number(struct scan *s, const struct table *t, const struct field *f)
{
    uint64_t value, most = f->width == 8 ? (uint64_t)INT64_MAX : (1ull << 8 * f->width) - 1;
    bool whole;
    if (!json_scan_number(&s->json, &whole, &value))
        return false;
    if (!whole || value > most)
        return json_scan_refuse(&s->json, ABENG_EFORMAT, "%s%s: not a whole number from 0 to %llu",
                                t->path, f->name, (unsigned long long)most);
    store_number((char *)s->event + f->at, f->width, value);
    s->has_sid |= f->at == offsetof(struct event, sid);
    return true;
}

/* An array of objects: the first is taken, the others are passed over. */
static bool take_first(struct scan *s, const struct table *first, unsigned depth)
{
    struct json_scan *j = &s->json;
    bool empty, more;
    if (!json_scan_enter(j, ']', depth, &empty))
        return false;
    for (more = !empty; more; first = NULL) {
        bool ok = first && json_scan_peek(j) == '{' ? scan_object(s, first, depth + 1)
                                                    : json_scan_value(j, depth + 1);
        if (!ok || !json_scan_next(j, ']', &more))
            return false;
    }
    return true;
}

static bool take_nested(struct scan *s, const struct field *f, unsigned depth)
{
    const char *from = s->json.at;
    bool ok = !f->in         ? json_scan_value(&s->json, depth)
              : *from == '{' ? scan_object(s, f->in, depth)
                             : take_first(s, f->in, depth);
    if (ok && f->text >= 0) {
        uint32_t at = (uint32_t)(from - s->json.start);
        uint32_t len = (uint32_t)(s->json.at - from);
        s->event->text[f->text] = (struct event_span){ at, len, true };
    }
    return ok;
}

/* Whether the value at hand has the type that `f` wants. */
static bool type_fits(const struct scan *s, const struct field *f)
{
    char c = json_scan_peek(&s->json);
    switch (f->kind) {
    case KIND_NUMBER:
        return c == '-' || (c >= '0' && c <= '9');
    case KIND_BOOL:
        return c == 't' || c == 'f';
    case KIND_OBJECT:
        return c == '{' || (c == '[' && f->in);
    case KIND_ARRAY:
        return c == '[';
    default:
        return c == '"';
    }
}

static bool take_field(struct scan *s, const struct table *t, const struct field *f, unsigned depth)
{
    static const char *const wanted[] = {
        [KIND_TEXT] = "a string",    [KIND_NUMBER] = "a number", [KIND_BOOL] = "true or false",
        [KIND_ADDR] = "a string",    [KIND_TIME] = "a string",   [KIND_PROTO] = "a string",
        [KIND_OBJECT] = "an object", [KIND_ARRAY] = "an array",
    };
    if (!type_fits(s, f)) {
        if (t->lenient)
            return json_scan_value(&s->json, depth);
        return refuse_type(s, t, f, wanted[f->kind]);
    }
    switch (f->kind) {
    case KIND_NUMBER:
        return take_number(s, t, f);
    case KIND_BOOL:
        *(bool *)((char *)s->event + f->at) = json_scan_peek(&s->json) == 't';
        return json_scan_value(&s->json, depth);
    case KIND_OBJECT:
    case KIND_ARRAY:
        return take_nested(s, f, depth);
    default:
        return take_string(s, t, f);
    }
}

/*
 * The member at hand as one of ours, its name and colon taken. Producers write fields in one order,
 * which is our tables' own, so the one after the last is looked at first.
 */
static const struct field *member_find(struct json_scan *j, const struct table *t, unsigned from)
{
    size_t left = (size_t)(j->end - j->at);
    for (unsigned n = 0, i = from; n < t->count; n++, i++) {
        const struct field *f = &t->fields[i < t->count ? i : i - t->count];
        size_t len = f->length + 3u;
        if (left <= len || j->at[1] != f->name[0] || memcmp(j->at, f->member, len) != 0)
            continue;
        j->at += len;
        json_scan_space(j);
        return f;
    }
    return NULL;
}

static const struct field *field_find(const struct table *t, const char *name, size_t len)
{
    for (unsigned i = 0; i < t->count; i++) {
        const struct field *f = &t->fields[i];
        if (f->length == len && f->name[0] == name[0] && memcmp(f->name, name, len) == 0)
            return f;
    }
    return NULL;
}

/* The name of the member at hand, which may be none of ours. */
static bool scan_name(struct json_scan *j, const struct table *t, const struct field **f)
{
    struct json_scan_span key;
    if (!json_scan_key(j, &key))
        return false;
    /* An escaped name could be one of ours to the next reader and none to us. */
    if (key.escaped)
        return json_scan_refuse(j, ABENG_EFORMAT, "%.*s: an escape in a field's name",
                                (int)strlen(t->path) - 1, t->path);
    *f = field_find(t, j->start + key.at, key.len);
    return true;
}

/* One member of an object of ours. `seen` has a bit for each field of `t`; `*next`: see above. */
static bool scan_member(struct scan *s, const struct table *t, uint64_t *seen, unsigned *next,
                        unsigned depth)
{
    struct json_scan *j = &s->json;
    const struct field *f = member_find(j, t, *next);
    if (!f && !scan_name(j, t, &f))
        return false;
    if (!f)
        return json_scan_value(j, depth);
    *next = (unsigned)(f - t->fields) + 1;
    uint64_t bit = 1ull << (f - t->fields);
    if (*seen & bit)
        return json_scan_refuse(j, ABENG_EFORMAT, "%s%s: there twice", t->path, f->name);
    *seen |= bit;
    return take_field(s, t, f, depth);
}

static bool scan_object(struct scan *s, const struct table *t, unsigned depth)
{
    uint64_t seen = 0;
    unsigned next = 0;
    bool empty, more;
    if (!json_scan_enter(&s->json, '}', depth, &empty))
        return false;
    for (more = !empty; more;) {
        if (!scan_member(s, t, &seen, &next, depth + 1) || !json_scan_next(&s->json, '}', &more))
            return false;
    }
    return true;
}

static enum event_type type_of(const char *text, size_t len)
{
    static const char *const names[] = {
        [EVENT_ALERT] = "alert", [EVENT_FLOW] = "flow",           [EVENT_GAP] = "gap",
        [EVENT_EPOCH] = "epoch", [EVENT_HEARTBEAT] = "heartbeat",
    };
    if (len == 5 && memcmp(text, "alert", 5) == 0)
        return EVENT_ALERT;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
            return (enum event_type)i;
    }
    return EVENT_OTHER;
}

static bool require(struct scan *s, bool there, const char *field)
{
    return there || json_scan_refuse(&s->json, ABENG_EFORMAT, "%s: missing", field);
}

static void settle_target(const struct scan *s, struct event *e)
{
    const struct event_span *span = &e->text[EVENT_TEXT_TARGET_IP];
    struct addr target;
    if (!span->there || text_to_addr(s->json.start + span->at, span->len, &target) < 0)
        return;
    if (e->has_src && addr_compare(&target, &e->src) == 0)
        e->target = 1;
    else if (e->has_dst && addr_compare(&target, &e->dst) == 0)
        e->target = 2;
}

/* What the record as a whole must have. */
static bool settle(struct scan *s)
{
    struct event *e = s->event;
    const struct event_span *type = &e->text[EVENT_TEXT_TYPE];
    if (!require(s, e->text[EVENT_TEXT_TIMESTAMP].there, "timestamp") ||
        !require(s, type->there, "event_type"))
        return false;
    e->type = type_of(s->json.start + type->at, type->len);
    if (e->type == EVENT_ALERT && !require(s, s->has_sid, "alert.signature_id"))
        return false;
    bool own = e->type == EVENT_GAP || e->type == EVENT_EPOCH;
    if (own && !require(s, e->text[EVENT_TEXT_LANE].there, "abeng.lane"))
        return false;
    settle_target(s, e);
    return true;
}

int event_scan(const char *line, size_t len, struct event *out, char *reason, size_t reason_len)
{
    struct scan s = { .event = out };
    struct json_scan *j = &s.json;
    json_scan_begin(j, line, len, EVENT_DEPTH_MAX, reason, reason_len);
    memset(out, 0, sizeof(*out));
    out->proto = -1;
    if (len > EVENT_LINE_MAX) {
        json_scan_refuse(j, ABENG_ELIMIT, "longer than %u bytes", EVENT_LINE_MAX);
        return j->err;
    }
    json_scan_space(j);
    if (json_scan_peek(j) != '{')
        json_scan_expect(j, '{');
    else if (scan_object(&s, &root_table, 0)) {
        json_scan_space(j);
        if (j->at != j->end)
            json_scan_refuse(j, ABENG_EFORMAT, "not JSON: bytes after the record");
        else
            settle(&s);
    }
    return j->err;
}

int event_unescape(struct buf *out, const char *text, size_t len)
{
    return json_scan_unescape(out, text, len);
}
