/* SPDX-License-Identifier: Apache-2.0 */
/* The alert record: what is written is what is read, and what outsiders write is judged rightly. */
#include "config.h"
#include "common/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/selftest.h"

#define T0   1700000000123456000ull
#define HEAD "{\"timestamp\":\"2023-11-14T22:13:20.123456+0000\",\"event_type\":\"alert\","

static struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static struct event_alert sample(void)
{
    static const uint16_t vlan[] = { 100, 7 };
    static const char members[] =
        "\"http\":{\"hostname\":\"www.example.org\",\"url\":\"/a\\u0000b\","
        "\"http_user_agent\":\"x\"},\"ndpi\":{\"proto\":\"HTTP\","
        "\"risk\":[\"Known Proto on Non Std Port\"]}";
    /* clang-format off */
    return (struct event_alert) {
        .base = { .time_ns = T0, .flow_id = 1234567890123, .pcap_cnt = 17, .vlan = vlan,
            .vlan_count = 2, .ip_version = 4, .proto = 6, .src = address("192.0.2.1"),
            .dst = address("198.51.100.2"), .sport = 40000, .dport = 8080, .app_proto = "http",
            .members = members, .members_len = sizeof(members) - 1 },
        .direction = "to_server", .has_tx = true, .has_flow = true, .stream = true, .tx_id = 3,
        .severity = 1, .target = 2, .gid = 1, .sid = 2019401, .rev = 5,
        .signature = "EXAMPLE \"quoted\" \xff signature",
        .category = "Attempted Administrator Privilege Gain",
        .metadata = "{\"attack_target\":[\"Server\"]}",
        .flow = { { 3, 2 }, { 300, 200 }, T0 - NS_PER_S },
        .flow_src = address("192.0.2.1"), .flow_dst = address("198.51.100.2"),
        .flow_sport = 40000, .flow_dport = 8080,
        .abeng = { .epoch = "00112233445566778899aabbccddeeff", .lane = "jm.urgent", .seq = 42,
            .ruleset = "et-1", .feed = "et", .home = "jm", .beyond = true },
    };
    /* clang-format on */
}

static void assert_text(const struct buf *line, const struct event *e, enum event_text which,
                        const char *want)
{
    const struct event_span *s = &e->text[which];
    assert_true(s->there);
    assert_int_equal(s->len, strlen(want));
    assert_memory_equal(line->data + s->at, want, s->len);
}

static void check_numbers(const struct event *e)
{
    assert_int_equal(e->type, EVENT_ALERT);
    assert_int_equal(e->time_ns, T0);
    assert_int_equal(e->flow_id, 1234567890123);
    assert_int_equal(e->tx_id, 3);
    assert_int_equal(e->pcap_cnt, 17);
    assert_int_equal(e->proto, 6);
    assert_int_equal(e->sport, 40000);
    assert_int_equal(e->dport, 8080);
    assert_int_equal(e->sid, 2019401);
    assert_int_equal(e->rev, 5);
    assert_int_equal(e->gid, 1);
    assert_int_equal(e->severity, 1);
    assert_int_equal(e->target, 2);
    assert_int_equal(e->seq, 42);
    assert_int_equal(e->packets[1], 2);
    assert_int_equal(e->bytes[0], 300);
    assert_int_equal(e->flow_start_ns, T0 - NS_PER_S);
    assert_true(e->has_src && e->has_dst && e->beyond);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct event_alert a = sample();
    struct addr src = a.base.src;
    struct buf line, text;
    struct event e;
    char reason[200] = "";
    buf_init(&line, EVENT_LINE_MAX);
    buf_init(&text, EVENT_LINE_MAX);
    event_alert_write(&line, &a);
    assert_int_equal(event_scan((char *)line.data, line.len, &e, reason, sizeof(reason)), 0);
    check_numbers(&e);
    assert_memory_equal(&e.src, &src, sizeof(src));
    assert_text(&line, &e, EVENT_TEXT_METADATA, a.metadata);
    assert_text(&line, &e, EVENT_TEXT_HTTP_HOSTNAME, "www.example.org");
    assert_text(&line, &e, EVENT_TEXT_NDPI_RISK, "[\"Known Proto on Non Std Port\"]");
    assert_text(&line, &e, EVENT_TEXT_LANE, "jm.urgent");
    assert_text(&line, &e, EVENT_TEXT_DIRECTION, "to_server");
    assert_text(&line, &e, EVENT_TEXT_HOME, "jm");
    const struct event_span *s = &e.text[EVENT_TEXT_SIGNATURE];
    assert_int_equal(event_unescape(&text, (char *)line.data + s->at, s->len), 0);
    assert_string_equal(buf_str(&text), "EXAMPLE \"quoted\" \xef\xbf\xbd signature");
    buf_free(&line);
    buf_free(&text);
}

/* The order in which Suricata 7.0.10 has the fields: what reads by eye or by diff relies on it. */
static void order_is_suricatas(void **state)
{
    (void)state;
    static const char *const order[] = { "timestamp", "flow_id", "pcap_cnt", "event_type",
                                         "vlan",      "src_ip",  "src_port", "dest_ip",
                                         "dest_port", "proto",   "pkt_src",  "tx_id",
                                         "alert",     "http",    "ndpi",     "app_proto",
                                         "direction", "flow",    "stream",   "abeng" };
    struct event_alert a = sample();
    struct buf line;
    unsigned i = 0;
    const char *key;
    json_t *value;
    buf_init(&line, EVENT_LINE_MAX);
    event_alert_write(&line, &a);
    json_t *root = json_loadb((char *)line.data, line.len, JSON_ALLOW_NUL, NULL);
    assert_non_null(root);
    json_object_foreach(root, key, value) assert_string_equal(key, order[i++]);
    assert_int_equal(i, sizeof(order) / sizeof(order[0]));
    json_decref(root);
    buf_free(&line);
}

static void own_records(void **state)
{
    (void)state;
    struct event_abeng place = { .epoch = "ab", .lane = "jm.bulk", .seq = 9 };
    struct event e;
    struct buf line;
    char reason[200];
    buf_init(&line, EVENT_LINE_MAX);
    event_gap_write(&line, &(struct event_gap){ T0, 5, 8, 0, NULL, "shed", place });
    assert_int_equal(event_scan((char *)line.data, line.len, &e, reason, sizeof(reason)), 0);
    assert_int_equal(e.type, EVENT_GAP);
    assert_int_equal(e.gap_first, 5);
    assert_int_equal(e.gap_last, 8);
    assert_int_equal(e.gap_lost, 0);
    assert_text(&line, &e, EVENT_TEXT_WHY, "shed");
    buf_clear(&line);
    event_epoch_write(&line, &(struct event_epoch){ T0, "cd", 77, place });
    assert_int_equal(event_scan((char *)line.data, line.len, &e, reason, sizeof(reason)), 0);
    assert_int_equal(e.type, EVENT_EPOCH);
    assert_int_equal(e.previous_last, 77);
    assert_text(&line, &e, EVENT_TEXT_PREVIOUS_EPOCH, "cd");
    assert_text(&line, &e, EVENT_TEXT_EPOCH, "ab");
    buf_clear(&line);
    event_heartbeat_write(&line, T0, &place);
    assert_int_equal(event_scan((char *)line.data, line.len, &e, reason, sizeof(reason)), 0);
    assert_int_equal(e.type, EVENT_HEARTBEAT);
    buf_free(&line);
}

static void flow_records(void **state)
{
    (void)state;
    struct event_alert a = sample();
    struct event_flow f = { .base = a.base,
                            .flow = a.flow,
                            .end_ns = T0,
                            .state = "closed",
                            .reason = "timeout",
                            .alerted = true };
    f.base.proto = 58;
    f.base.icmp_type = 128;
    struct event e;
    struct buf line;
    char reason[200];
    buf_init(&line, EVENT_LINE_MAX);
    event_flow_write(&line, &f);
    assert_int_equal(event_scan((char *)line.data, line.len, &e, reason, sizeof(reason)), 0);
    assert_int_equal(e.type, EVENT_FLOW);
    assert_int_equal(e.proto, 58);
    assert_int_equal(e.sport, 0);
    assert_true(e.alerted);
    assert_non_null(strstr(buf_str(&line), "\"icmp_type\":128"));
    assert_non_null(strstr(buf_str(&line), "\"age\":1,"));
    buf_free(&line);
}

/* Lines of other producers, taken as they are. */
static void foreign_lines(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct {
        const char *line;
        enum event_text text;
        const char *want;
    } cases[] = {
        { HEAD "\"alert\":{\"signature_id\":1},\"dns\":{\"query\":[{\"rrname\":\"a.example\"},"
            "{\"rrname\":\"b.example\"}]}}",
            EVENT_TEXT_DNS_RRNAME, "a.example" },
        { HEAD "\"alert\":{\"signature_id\":1},\"dns\":{\"answer\":{\"rrname\":\"c.example\"}}}",
            EVENT_TEXT_DNS_RRNAME, "c.example" },
        { HEAD "\"alert\":{\"signature_id\":1},\"tls\":{\"sni\":\"d.example\",\"ja3\":{\"hash\":"
            "\"00\",\"string\":\"1\"}}}",
            EVENT_TEXT_TLS_JA3, "00" },
        { HEAD "\"alert\":{\"signature_id\":1},\"tls\":{\"sni\":null,\"subject\":\"CN=x\"}}",
            EVENT_TEXT_TLS_SUBJECT, "CN=x" },
        { " { \"x\" : [ 1 , -2.5e-3 , { } , [ ] ] , \"event_type\" : \"stats\" , \"timestamp\" : "
          "\"2023-11-14T22:13:20.1Z\" } ",
            EVENT_TEXT_TYPE, "stats" },
        { HEAD "\"alert\":{\"signature_id\":1},\"proto\":\"GRE\",\"http\":{\"url\":\"\"}}",
            EVENT_TEXT_HTTP_URL, "" },
    };
    /* clang-format on */
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct event e;
        char reason[200] = "";
        size_t len = strlen(cases[i].line);
        event_scan(cases[i].line, len, &e, reason, sizeof(reason));
        assert_string_equal(reason, "");
        struct buf view = { .data = (uint8_t *)(uintptr_t)cases[i].line, .len = len };
        assert_text(&view, &e, cases[i].text, cases[i].want);
    }
}

/* Each is refused, and the reason says so much. */
static void refusals_name_the_field(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct {
        const char *line, *reason;
    } cases[] = {
        { "", "'{' expected" },
        { "[]", "'{' expected" },
        { "{}", "timestamp: missing" },
        { "{\"timestamp\":\"2023-11-14T22:13:20Z\"}", "event_type: missing" },
        { "{\"timestamp\":\"yesterday\",\"event_type\":\"alert\"}", "timestamp: not a time" },
        { "{\"timestamp\":5}", "timestamp: not a string" },
        { HEAD "\"alert\":{}}", "alert.signature_id: missing" },
        { HEAD "\"alert\":{\"signature_id\":4294967296}}", "alert.signature_id: not a whole" },
        { HEAD "\"alert\":{\"signature_id\":-1}}", "alert.signature_id: not a whole" },
        { HEAD "\"alert\":{\"signature_id\":1.0}}", "alert.signature_id: not a whole" },
        { HEAD "\"alert\":{\"signature_id\":\"1\"}}", "alert.signature_id: not a number" },
        { HEAD "\"alert\":{\"signature_id\":1,\"signature_id\":1}}",
            "alert.signature_id: there twice" },
        { HEAD "\"alert\":{\"signature_id\":1},\"alert\":{}}", "alert: there twice" },
        { HEAD "\"\\u0061lert\":{\"signature_id\":1}}", "an escape in a field's name" },
        { HEAD "\"alert\":[]}", "alert.signature_id: missing" },
        { HEAD "\"alert\":7}", "alert: not an object" },
        { HEAD "\"src_port\":65536}", "src_port: not a whole number from 0 to 65535" },
        { HEAD "\"src_ip\":\"300.0.0.1\"}", "src_ip: not an IP address" },
        { HEAD "\"src_ip\":\"2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000\"}",
            "src_ip: not an IP address" },
        { HEAD "\"flow_id\":9223372036854775808}", "beyond 63 bits" },
        { HEAD "\"x\":\"\xc0\x80\"}", "not UTF-8" },
        { HEAD "\"x\":\"\xed\xa0\x80\"}", "not UTF-8" },
        { HEAD "\"x\":\"\\ud800\"}", "a broken escape" },
        { HEAD "\"x\":\"\\x\"}", "a broken escape" },
        { HEAD "\"x\":\"a\tb\"}", "a control character" },
        { HEAD "\"x\":01}", "a value expected" },
        { HEAD "\"x\":1e999}", "a value expected" },
        { HEAD "\"x\":nul}", "a value expected" },
        { HEAD "\"x\":}", "a value expected" },
        { HEAD "\"x\":1,}", "'\"' expected" },
        { HEAD "\"x\":[1,]}", "a value expected" },
        { HEAD "\"x\":[[[[[[[[1]]]]]]]]}", "deeper than 8 levels" },
        { HEAD "\"x\":1}x", "bytes after the record" },
        { HEAD "\"x\":1\n}", "'}' expected" },
        { "{\"timestamp\":\"2023-11-14T22:13:20Z\",\"event_type\":\"gap\"}",
            "abeng.lane: missing" },
    };
    /* clang-format on */
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct event e;
        char reason[200] = "";
        int got = event_scan(cases[i].line, strlen(cases[i].line), &e, reason, sizeof(reason));
        if (got >= 0 || !strstr(reason, cases[i].reason))
            fail_msg("%s: got %d \"%s\"", cases[i].line, got, reason);
    }
}

static void long_lines_are_refused(void **state)
{
    (void)state;
    struct event e;
    char reason[200], *line = malloc(EVENT_LINE_MAX + 1);
    memset(line, ' ', EVENT_LINE_MAX + 1);
    assert_int_equal(event_scan(line, EVENT_LINE_MAX + 1, &e, reason, sizeof(reason)),
                     ABENG_ELIMIT);
    free(line);
}

static uint32_t next_random(uint64_t *x)
{
    *x = *x * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*x >> 33);
}

/* Whatever becomes of a record under way: no read beyond it, and what we take jansson takes too. */
static void damaged_lines_and_the_oracle(void **state)
{
    (void)state;
    static const char palette[] = "\"\\{}[]:,0123456789-+.eEtrufalsn \t\n\x80\xc3\xa9\xff";
    struct event_alert a = sample();
    struct buf line;
    uint64_t seed = 7;
    unsigned taken = 0;
    buf_init(&line, EVENT_LINE_MAX);
    event_alert_write(&line, &a);
    for (unsigned i = 0; i < 60000; i++) {
        size_t len = i % 3 ? line.len : next_random(&seed) % (line.len + 1);
        char *copy = malloc(len ? len : 1), reason[200];
        struct event e;
        memcpy(copy, line.data, len);
        for (unsigned k = next_random(&seed) % 3 + (i % 3 != 0); k && len; k--)
            copy[next_random(&seed) % len] = palette[next_random(&seed) % (sizeof(palette) - 1)];
        if (event_scan(copy, len, &e, reason, sizeof(reason)) == 0) {
            json_t *root = json_loadb(copy, len, JSON_ALLOW_NUL, NULL);
            assert_non_null(root);
            json_decref(root);
            taken++;
        }
        free(copy);
    }
    assert_true(taken > 1000);
    buf_free(&line);
}

static void protocols(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        const char *name = event_proto_name((uint8_t)i);
        if (name)
            assert_int_equal(event_proto_find(name, strlen(name)), i);
    }
    assert_int_equal(event_proto_find("254", 3), 254);
    assert_int_equal(event_proto_find("256", 3), ABENG_ENOENT);
    assert_int_equal(event_proto_find("tcpx", 4), ABENG_ENOENT);
}

static void self_tests_come_by_the_hour(void **state)
{
    const uint64_t start = 1700000000 * NS_PER_S, hour = SELF_TEST_PERIOD_S * NS_PER_S;
    const struct event_abeng abeng = { .epoch = "00aa", .lane = "jm.urgent", .seq = 7 };
    struct self_test t;
    struct buf line;
    struct event e;
    char reason[160] = "";
    (void)state;
    self_test_begin(&t, start);
    assert_false(self_test_due(&t, start));
    assert_false(self_test_due(&t, start + 59 * NS_PER_S));
    assert_true(self_test_due(&t, start + 60 * NS_PER_S));
    assert_false(self_test_due(&t, start + 59 * NS_PER_S + hour));
    assert_true(self_test_due(&t, start + 60 * NS_PER_S + hour));
    /* a clock that was set back */
    assert_true(self_test_due(&t, start));
    assert_false(self_test_due(&t, start + 1));
    buf_init(&line, EVENT_LINE_MAX);
    self_test_write(&line, start, &abeng);
    assert_int_equal(event_scan(buf_str(&line), line.len, &e, reason, sizeof(reason)), 0);
    assert_int_equal(e.type, EVENT_ALERT);
    assert_int_equal(e.seq, 7);
    assert_true(self_test_is(e.gid, e.sid, &e.src, &e.dst));
    assert_false(self_test_is(e.gid, e.sid, &e.dst, &e.src)); /* a rule's, on real packets */
    buf_free(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(order_is_suricatas),
        cmocka_unit_test(own_records),
        cmocka_unit_test(flow_records),
        cmocka_unit_test(foreign_lines),
        cmocka_unit_test(refusals_name_the_field),
        cmocka_unit_test(long_lines_are_refused),
        cmocka_unit_test(damaged_lines_and_the_oracle),
        cmocka_unit_test(protocols),
        cmocka_unit_test(self_tests_come_by_the_hour),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
