/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers write is what docs/event.schema.json says, and, where ABENG_EVE_SCHEMA names
 * Suricata's own schema, what that says too (`ndpi`, `abeng` and our own event types aside). */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <regex.h>

#include "common/buf.h"
#include "common/event.h"

#define T0 1700000000123456000ull

static const json_t *resolve(const json_t *root, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (!ref)
        return schema;
    assert_memory_equal(ref, "#/$defs/", 8);
    return json_object_get(json_object_get(root, "$defs"), ref + 8);
}

static bool type_is(const json_t *v, const char *type)
{
    if (strcmp(type, "number") == 0)
        return json_is_number(v);
    static const char *const names[] = {
        [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",   [JSON_NULL] = "null",
    };
    return strcmp(names[json_typeof(v)], type) == 0;
}

/* POSIX has no \d. */
static bool pattern_fits(const char *pattern, const char *text)
{
    char posix[256];
    size_t n = 0;
    regex_t re;
    for (const char *p = pattern; *p && n + 6 < sizeof(posix); p++) {
        if (p[0] == '\\' && p[1] == 'd') {
            n += (size_t)snprintf(posix + n, sizeof(posix) - n, "[0-9]");
            p++;
        } else {
            posix[n++] = *p;
        }
    }
    posix[n] = 0;
    assert_int_equal(regcomp(&re, posix, REG_EXTENDED | REG_NOSUB), 0);
    bool fits = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return fits;
}

static bool in_enum(const json_t *list, const json_t *v)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), v))
            return true;
    }
    return !list;
}

static void check(const json_t *root, const json_t *schema, json_t *v, const char *path);

static void check_object(const json_t *root, const json_t *schema, json_t *v, const char *path)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *required = json_object_get(schema, "required");
    const char *key;
    json_t *member;
    for (size_t i = 0; i < json_array_size(required); i++) {
        key = json_string_value(json_array_get(required, i));
        if (!json_object_get(v, key))
            fail_msg("%s: %s is missing", path, key);
    }
    json_object_foreach(v, key, member)
    {
        char below[256];
        const json_t *sub = json_object_get(properties, key);
        snprintf(below, sizeof(below), "%s.%s", path, key);
        if (sub)
            check(root, sub, member, below);
        else if (json_is_false(json_object_get(schema, "additionalProperties")))
            fail_msg("%s: not in the schema", below);
    }
}

static void check(const json_t *root, const json_t *schema, json_t *v, const char *path)
{
    schema = resolve(root, schema);
    const char *type = json_string_value(json_object_get(schema, "type"));
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const json_t *items = json_object_get(schema, "items");
    const json_t *least = json_object_get(schema, "minimum");
    const json_t *most = json_object_get(schema, "maximum");
    if (type && !type_is(v, type))
        fail_msg("%s: not of type %s", path, type);
    if (pattern && !pattern_fits(pattern, json_string_value(v)))
        fail_msg("%s: does not fit %s", path, pattern);
    if (!in_enum(json_object_get(schema, "enum"), v))
        fail_msg("%s: not one of the allowed values", path);
    if ((least && json_integer_value(v) < json_integer_value(least)) ||
        (most && json_integer_value(v) > json_integer_value(most)))
        fail_msg("%s: out of range", path);
    for (size_t i = 0; items && i < json_array_size(v); i++)
        check(root, items, json_array_get(v, i), path);
    if (json_is_object(v))
        check_object(root, schema, v, path);
}

static struct event_base base(uint8_t proto)
{
    static const uint16_t vlan[] = { 3 };
    static const char members[] =
        "\"tls\":{\"sni\":\"www.example.org\"},\"ndpi\":{\"proto\":\"TLS\","
        "\"category\":\"Web\",\"risk\":[\"Obsolete TLS\"]}";
    struct event_base b = { .time_ns = T0,
                            .flow_id = 7,
                            .in_iface = "eth0",
                            .pcap_cnt = 9,
                            .vlan = vlan,
                            .vlan_count = 1,
                            .ip_version = 4,
                            .proto = proto,
                            .sport = 1,
                            .dport = 2,
                            .app_proto = "tls",
                            .members = members,
                            .members_len = sizeof(members) - 1 };
    assert_int_equal(addr_parse("192.0.2.1", &b.src), 0);
    assert_int_equal(addr_parse("2001:db8::1", &b.dst), 0);
    return b;
}

static struct event_abeng place(void)
{
    return (struct event_abeng){ .epoch = "00112233445566778899aabbccddeeff",
                                 .lane = "jm.bulk",
                                 .seq = 5,
                                 .ruleset = "et-1",
                                 .feed = "et",
                                 .home = "jm",
                                 .beyond = true };
}

static void write_alert(struct buf *out, unsigned kind)
{
    static const uint8_t protos[] = { 6, 17, 1, 58, 132, 47, 253 };
    struct event_alert a = { .base = base(protos[kind]),
                             .pkt_src = "gre tunnel",
                             .direction = "to_server",
                             .has_tx = true,
                             .has_flow = true,
                             .stream = true,
                             .tunnel_depth = 1,
                             .severity = 255,
                             .target = kind % 3,
                             .gid = 1,
                             .sid = 2,
                             .rev = 3,
                             .signature = "EXAMPLE",
                             .category = "c",
                             .metadata = "{\"tag\":[\"x\"]}",
                             .flow = { .start_ns = T0 },
                             .abeng = place() };
    a.flow_src = a.base.src;
    a.flow_dst = a.base.dst;
    event_alert_write(out, &a);
}

/* A packet that is no IP, and an alert that was given no number. */
static void write_bare(struct buf *out, unsigned kind)
{
    (void)kind;
    struct event_alert a = { .base = { .time_ns = T0 }, .severity = 3, .gid = 1, .sid = 2 };
    event_alert_write(out, &a);
}

static void write_flow(struct buf *out, unsigned kind)
{
    struct event_flow f = { .base = base(kind ? 17 : 6),
                            .flow = { .start_ns = T0 },
                            .end_ns = T0 + 5,
                            .state = "new",
                            .reason = "timeout" };
    event_flow_write(out, &f);
}

static void write_packet(struct buf *out, unsigned kind)
{
    struct event_packet p = { .base = base(kind ? 17 : 6), .data = "abc", .len = 3, .linktype = 1 };
    event_packet_write(out, &p);
}

static void write_own(struct buf *out, unsigned kind)
{
    struct event_abeng a = { .epoch = place().epoch, .lane = "rg.urgent", .seq = 1 };
    struct event_gap gap = {
        .time_ns = T0, .first = 1, .last = 2, .lost = 3, .why = "shed", .abeng = a
    };
    struct event_epoch epoch = { .time_ns = T0, .previous = kind == 2 ? "ab" : NULL, .abeng = a };
    gap.first = kind ? 1 : 0;
    gap.epoch = kind ? "ab" : NULL;
    if (kind < 2)
        event_gap_write(out, &gap);
    else if (kind < 4)
        event_epoch_write(out, &epoch);
    else
        event_heartbeat_write(out, T0, &a);
}

static const struct {
    void (*write)(struct buf *out, unsigned kind);
    unsigned kinds;
    bool own; /* not of Suricata's */
} writers[] = {
    {write_alert, 7, false},
    { write_bare, 1, false},
    { write_flow, 2, false},
    { write_packet, 2, false},
    { write_own,  5, true },
};

static void check_all(const char *path, bool foreign)
{
    json_t *schema = json_load_file(path, 0, NULL);
    struct buf line;
    assert_non_null(schema);
    buf_init(&line, EVENT_LINE_MAX);
    for (unsigned i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        for (unsigned kind = 0; kind < writers[i].kinds && !(foreign && writers[i].own); kind++) {
            buf_clear(&line);
            writers[i].write(&line, kind);
            json_t *v = json_loadb((char *)line.data, line.len, 0, NULL);
            assert_non_null(v);
            if (foreign) {
                json_object_del(v, "ndpi");
                json_object_del(v, "abeng");
            }
            check(schema, schema, v, "record");
            json_decref(v);
        }
    }
    buf_free(&line);
    json_decref(schema);
}

static void our_schema(void **state)
{
    (void)state;
    char path[4096];
    const char *top = getenv("ABENG_SRCDIR");
    snprintf(path, sizeof(path), "%s/docs/event.schema.json", top ? top : ".");
    check_all(path, false);
}

static void suricatas_schema(void **state)
{
    (void)state;
    const char *path = getenv("ABENG_EVE_SCHEMA");
    if (!path)
        skip();
    check_all(path, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_schema),
        cmocka_unit_test(suricatas_schema),
    };
    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
