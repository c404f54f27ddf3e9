/* SPDX-License-Identifier: Apache-2.0 */
/* From rules as text to hits: images are built, mapped and run on packets, chunks and transactions
 * that the test makes. The stages to the left are played by this file: it defines what detection
 * calls of stream and app. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/slab.h"
#include "sensor/app/app.h"
#include "sensor/decode/event.h"
#include "sensor/decode/packet.h"
#include "sensor/detect/build.h"
#include "sensor/detect/counters.h"
#include "sensor/detect/detect.h"
#include "sensor/detect/image.h"
#include "sensor/flow/flow.h"
#include "sensor/stream/stream.h"
#include "signatures/parse.h"

#define BUFFERS_MAX 16

/* One buffer, or instance of one, that a transaction has. */
struct fake_buffer {
    enum sig_buffer buffer;
    const char *text; /* NULL: none */
    uint64_t offset;
    bool open;
};

/* What the stages to the left would say. */
struct fake {
    enum sig_app app;
    enum sig_app side; /* what app-layer-protocol asks for, and whether that is new */
    bool side_news;
    struct app_tx *first;
    struct fake_buffer buffers[BUFFERS_MAX];
    const char *chunk; /* handed out once */
    bool advanced;
};

static struct fake *fake_now(void)
{
    static struct fake fake;
    return &fake;
}

enum sig_app app_protocol(const struct flow *f)
{
    (void)f;
    return fake_now()->app;
}

enum sig_app app_side(const struct flow *f, unsigned dir)
{
    (void)f;
    (void)dir;
    return fake_now()->side;
}

bool app_side_news(struct flow *f, unsigned dir, uint64_t packet)
{
    bool news = fake_now()->side_news;
    (void)f;
    (void)dir;
    (void)packet;
    fake_now()->side_news = false;
    return news;
}

bool app_is_idle(const struct flow *f, unsigned dir)
{
    (void)f;
    (void)dir;
    return !fake_now()->first && !fake_now()->side_news;
}

struct app_tx *app_tx_first(const struct flow *f)
{
    (void)f;
    return fake_now()->first;
}

bool app_tx_buffer(struct app_ctx *ctx, struct flow *f, struct app_tx *tx, unsigned dir,
                   enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    (void)f;
    (void)tx;
    if (!(sig_buffer_def(buffer)->dirs & 1u << dir))
        return false;
    for (unsigned i = 0; i < BUFFERS_MAX; i++) {
        const struct fake_buffer *b = &fake_now()->buffers[i];
        if (!b->text || b->buffer != buffer || index-- > 0)
            continue;
        *out = (struct app_view){ (const uint8_t *)b->text, (uint32_t)strlen(b->text), b->offset,
                                  !b->open };
        return true;
    }
    return false;
}

/* The window is over: bodies are gone until the test lays in the next. */
void app_tx_body_advance(struct app_ctx *ctx, struct flow *f, struct app_tx *tx, unsigned dir)
{
    (void)ctx;
    (void)f;
    (void)tx;
    (void)dir;
    for (unsigned i = 0; i < BUFFERS_MAX; i++) {
        struct fake_buffer *b = &fake_now()->buffers[i];
        if (b->text && sig_buffer_def(b->buffer)->flags & SIG_BUFFER_BODY)
            b->text = NULL;
    }
}

bool app_tx_number(struct flow *f, struct app_tx *tx, unsigned dir, const char *name, uint64_t *out)
{
    (void)f;
    (void)tx;
    (void)dir;
    (void)name;
    (void)out;
    return false;
}

int app_event_find(enum sig_app app, const char *name)
{
    (void)app;
    return strcmp(name, "missing_host_header") == 0 ? 3 : -1;
}

int stream_event_find(const char *name)
{
    (void)name;
    return -1;
}

bool stream_raw_ready(const struct stream_ctx *ctx, const struct flow *f, unsigned dir)
{
    (void)ctx;
    (void)f;
    (void)dir;
    return fake_now()->chunk != NULL;
}

bool stream_raw_is_over(const struct flow *f, unsigned dir)
{
    (void)f;
    (void)dir;
    return !fake_now()->chunk;
}

bool stream_raw_next(struct stream_ctx *ctx, struct flow *f, unsigned dir, bool want,
                     struct stream_span *out)
{
    const char *chunk = fake_now()->chunk;
    (void)ctx;
    (void)f;
    (void)dir;
    fake_now()->chunk = NULL;
    if (!chunk || !want)
        return false;
    *out = (struct stream_span){ .data = (const uint8_t *)chunk, .len = (uint32_t)strlen(chunk) };
    return true;
}

uint32_t stream_size(const struct flow *f, unsigned dir)
{
    (void)f;
    return dir == SIG_DIR_TOSERVER ? 100 : 50;
}

enum stream_state stream_session_state(const struct flow *f)
{
    (void)f;
    return STREAM_STATE_ESTABLISHED;
}

bool stream_session_open(const struct flow *f)
{
    (void)f;
    return true;
}

/* ---- the bench ------------------------------------------------------------------------------- */

struct bench {
    struct detect_ruleset *set;
    struct detect_thread *thread;
    struct slab *slab;
    uint64_t counts[32];
    struct counter_block counters;
    struct flow flow;
    struct packet packet;
    struct stream_result tcp;
    bool without_flow, fresh;
    struct detect_output out;
    char sids[256];
};

static struct detect_ruleset *set_make(const char *rules)
{
    char reason[256] = "";
    struct sig_parser *p = sig_parser_create();
    sig_parser_read_rules(p, rules, strlen(rules), "test.rules");
    struct sig_ruleset *set = sig_parser_finish(p);
    for (uint32_t i = 0; i < set->verdict_count; i++) {
        if (!set->verdicts[i].loaded)
            fail_msg("sid %u: %s", set->verdicts[i].sid, set->verdicts[i].reason);
    }
    int fd = memfd_create("test", MFD_ALLOW_SEALING);
    if (detect_image_build(set, "test", fd, reason, sizeof(reason)) < 0)
        fail_msg("build: %s", reason);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
    struct detect_ruleset *mapped = detect_ruleset_map(fd, reason, sizeof(reason));
    if (!mapped)
        fail_msg("map: %s", reason);
    close(fd);
    sig_parser_free(p);
    sig_ruleset_free(set);
    return mapped;
}

static void bench_open(struct bench *b, uint8_t proto, const char *rules)
{
    memset(b, 0, sizeof(*b));
    *fake_now() = (struct fake){ 0 };
    b->set = set_make(rules);
    b->slab = slab_create((size_t)8 << 20);
    b->counters.slots = b->counts;
    b->thread = detect_thread_create(b->set, b->slab, &b->counters);
    assert_non_null(b->thread);
    addr_parse("192.0.2.1", &b->flow.client);
    addr_parse("198.51.100.2", &b->flow.server);
    b->flow.client_port = 40000;
    b->flow.server_port = 8080;
    b->flow.proto = proto;
    b->flow.flags = FLOW_F_TOSERVER_SEEN | FLOW_F_TOCLIENT_SEEN;
    b->tcp = (struct stream_result){
        .has_session = true, .valid = true, .added = true, .established = true
    };
}

static void bench_close(struct bench *b)
{
    struct slab_stats stats;
    if (fake_now()->first)
        detect_tx_free(b->thread, fake_now()->first);
    detect_flow_free(b->thread, &b->flow);
    slab_stats(b->slab, &stats);
    assert_int_equal(stats.used, 0);
    detect_thread_free(b->thread);
    detect_ruleset_drop(b->set);
    slab_free_all(b->slab);
}

/* Run one packet; the sids of its hits, as text. */
static const char *bench_run(struct bench *b, unsigned dir, const char *payload)
{
    static const uint8_t headers[40];
    struct flow *f = &b->flow;
    struct packet p = b->packet;
    p.l3 = headers;
    p.l3_len = sizeof(headers);
    p.l4 = headers + 20;
    p.l4_len = 20;
    p.ip_version = p.ip_version ? p.ip_version : 4;
    p.proto = f->proto;
    p.src = dir ? f->server : f->client;
    p.dst = dir ? f->client : f->server;
    p.sport = dir ? f->server_port : f->client_port;
    p.dport = dir ? f->client_port : f->server_port;
    p.payload = (const uint8_t *)payload;
    p.payload_len = payload ? (uint32_t)strlen(payload) : 0;
    struct detect_input in = { .packet = &p,
                               .flow = b->without_flow ? NULL : f,
                               .dir = dir,
                               .fresh_direction = b->fresh,
                               .tcp = f->proto == PACKET_PROTO_TCP && !b->without_flow ? &b->tcp
                                                                                       : NULL };
    f->packets[dir] += !b->without_flow;
    detect_run(b->thread, &in, &b->out);
    b->sids[0] = 0;
    for (uint32_t i = 0; i < b->out.count; i++) {
        struct detect_rule rule;
        size_t at = strlen(b->sids);
        detect_rule_get(b->set, b->out.hits[i].rule, &rule);
        snprintf(b->sids + at, sizeof(b->sids) - at, "%s%u", i ? " " : "", rule.sid);
    }
    return b->sids;
}

#define UDP PACKET_PROTO_UDP
#define TCP PACKET_PROTO_TCP

/* ---- packets --------------------------------------------------------------------------------- */

/* Of a flow nothing is kept before the second packet of a direction, and nothing is missed by that. */
static void test_first_packet(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b, UDP,
               "alert udp any any -> any any (msg:\"a\"; dsize:1; flowbits:isnotset,x; sid:1;)\n"
               "alert udp any any -> any 53 (msg:\"a\"; dsize:1; sid:2;)\n"
               "alert udp any any -> any 54 (msg:\"a\"; dsize:1; sid:3;)\n"
               "alert udp any any -> any any (msg:\"a\"; dsize:2; flowbits:set,x; sid:4;)\n");
    b.flow.server_port = 53;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(b.flow.slot[FLOW_SLOT_DETECT] != NULL, i > 1);
        assert_string_equal(bench_run(&b, 0, "q"), "1 2");
    }
    detect_flow_free(b.thread, &b.flow);
    b.flow.packets[0] = 0;
    assert_string_equal(bench_run(&b, 0, "qq"), "4");
    assert_non_null(b.flow.slot[FLOW_SLOT_DETECT]); /* a rule had something to keep */
    assert_string_equal(bench_run(&b, 0, "q"), "2");
    bench_close(&b);
}

static void test_payload(void **state)
{
    struct bench b;
    (void)state;
    bench_open(
        &b, UDP,
        "alert udp any any -> any any (msg:\"a\"; content:\"hello\"; sid:1;)\n"
        "alert udp any any -> any any (msg:\"a\"; content:\"HELLO\"; nocase; sid:2;)\n"
        "alert udp any any -> any 53 (msg:\"a\"; content:\"hello\"; sid:3;)\n"
        "alert udp any any -> any [8000:8100,!8081] (msg:\"a\"; content:\"hello\"; sid:4;)\n"
        "alert udp 192.0.2.0/24 any -> !192.0.2.0/24 any (msg:\"a\"; content:\"hello\"; sid:5;)\n"
        "alert udp 203.0.113.0/24 any -> any any (msg:\"a\"; content:\"hello\"; sid:6;)\n"
        "alert udp any any -> any any (msg:\"a\"; content:!\"hello\"; dsize:<4; sid:7;)\n"
        "alert tcp any any -> any any (msg:\"a\"; content:\"hello\"; sid:8;)\n"
        "alert ip any any -> any any (msg:\"a\"; content:\"lo\"; offset:3; depth:2; sid:9;)\n");
    assert_string_equal(bench_run(&b, 0, "hello"), "1 2 4 5 9");
    assert_string_equal(bench_run(&b, 0, "hELLo"), "2");
    assert_string_equal(bench_run(&b, 0, "x"), "7");
    assert_string_equal(bench_run(&b, 1, "hello"), "1 2 9");
    assert_string_equal(bench_run(&b, 0, NULL), "");
    b.without_flow = true;
    assert_string_equal(bench_run(&b, 0, "hello"), "1 2 4 5 9");
    bench_close(&b);
}

/* A rule for a protocol of TCP and UDP wants the stream where there is one: datagrams are looked at
 * for it all the same, though no other rule wants them. */
static void test_datagram_alone(void **state)
{
    const char *const rules[] = {
        "alert dns any any -> any any (msg:\"a\"; content:\"hello\"; sid:1;)\n",
        "alert dns any any -> any 8080 (msg:\"a\"; content:\"hello\"; sid:1;)\n",
        "alert ip any any -> any any (msg:\"a\"; content:\"hello\"; sid:1;)\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct bench b;
        bench_open(&b, UDP, rules[i]);
        fake_now()->app = SIG_APP_DNS;
        assert_string_equal(bench_run(&b, 0, "hello"), "1");
        bench_close(&b);
    }
}

static void test_flow_keyword(void **state)
{
    struct bench b;
    (void)state;
    bench_open(
        &b, UDP,
        "alert udp any any -> any any (msg:\"a\"; flow:to_server; content:\"x\"; sid:1;)\n"
        "alert udp any any -> any any (msg:\"a\"; flow:to_client; content:\"x\"; sid:2;)\n"
        "alert udp any any -> any any (msg:\"a\"; flow:established; content:\"x\"; sid:3;)\n"
        "alert udp any any -> any any (msg:\"a\"; flow:not_established; content:\"x\"; sid:4;)\n");
    assert_string_equal(bench_run(&b, 0, "x"), "1 3");
    assert_string_equal(bench_run(&b, 1, "x"), "2 3");
    b.flow.flags = FLOW_F_TOSERVER_SEEN;
    assert_string_equal(bench_run(&b, 0, "x"), "1 4");
    bench_close(&b);
}

static void test_stream_or_packet(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b, TCP,
               "alert tcp any any -> any any (msg:\"a\"; content:\"abc\"; sid:1;)\n"
               "alert tcp any any -> any any (msg:\"a\"; content:\"abc\"; depth:3; sid:2;)\n"
               "alert tcp-pkt any any -> any any (msg:\"a\"; content:\"abc\"; sid:3;)\n"
               "alert tcp-stream any any -> any any (msg:\"a\"; content:\"abc\"; sid:4;)\n"
               "alert tcp any any -> any any (msg:\"a\"; content:\"abc\"; dsize:3; sid:5;)\n");
    assert_string_equal(bench_run(&b, 0, "abc"), "2 3 5");
    fake_now()->chunk = "xxabcxx";
    assert_string_equal(bench_run(&b, 0, "q"), "1 4");
    assert_true(b.out.hits[0].stream);
    fake_now()->chunk = "abc";
    assert_string_equal(bench_run(&b, 0, "q"), "1 2 4");
    b.tcp.added = false;
    assert_string_equal(bench_run(&b, 0, "abc"), "1 2 3 4 5");
    b.flow.flags |= FLOW_F_NO_PAYLOAD_INSPECTION;
    assert_string_equal(bench_run(&b, 0, "abc"), "");
    bench_close(&b);
}

/* Behind the start of ciphertext what the stream still holds counts as a payload, unread. */
static void test_hidden_payload(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b, TCP,
               "alert tcp any any -> any any (msg:\"a\"; content:\"abc\"; sid:1;)\n"
               "alert tcp any any -> any any (msg:\"a\"; dsize:>2; sid:2;)\n");
    b.flow.flags |= FLOW_F_NO_PAYLOAD_INSPECTION;
    assert_string_equal(bench_run(&b, 0, "abcd"), "");
    fake_now()->chunk = "abc";
    assert_string_equal(bench_run(&b, 0, "abcd"), "2");
    detect_thread_go_beyond(b.thread);
    fake_now()->chunk = "abc";
    assert_string_equal(bench_run(&b, 0, "abcd"), "1 2");
    bench_close(&b);
}

/* Which packets are looked at by flags, as Suricata 7.0.10 does it: worked out with it on the same
 * flags. */
static void test_flag_kinds(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b, TCP,
               "alert tcp any any -> any any (msg:\"a\"; flags:!S; sid:1;)\n"
               "alert tcp any any -> any any (msg:\"a\"; flags:*SA; sid:2;)\n"
               "alert tcp any any -> any any (msg:\"a\"; flags:*SA; prefilter; sid:3;)\n"
               "alert tcp any any -> any any (msg:\"a\"; flags:*F; sid:4;)\n"
               "alert tcp any any -> any any (msg:\"a\"; flags:!0; sid:5;)\n"
               "alert tcp any any -> any any (msg:\"a\"; dsize:!5; sid:6;)\n"
               "alert tcp any any -> any any (msg:\"a\"; dsize:<5; sid:7;)\n");
    b.packet.tcp.flags = PACKET_TCP_SYN;
    assert_string_equal(bench_run(&b, 0, NULL), "2 3 5 7");
    b.packet.tcp.flags = PACKET_TCP_ACK;
    assert_string_equal(bench_run(&b, 0, NULL), "5 7");
    b.packet.tcp.flags = PACKET_TCP_FIN | PACKET_TCP_ACK;
    assert_string_equal(bench_run(&b, 0, NULL), "1 3 4 5 7");
    bench_close(&b);
}

/* Bytes of the stream that are due count as a payload, also on a packet without one. */
static void test_size_beside_a_stream(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b, TCP,
               "alert tcp any any -> any any (msg:\"a\"; dsize:0; sid:1;)\n"
               "alert tcp any any -> any any (msg:\"a\"; dsize:!5; sid:2;)\n"
               "alert tcp-stream any any -> any any (msg:\"a\"; content:\"abc\"; sid:3;)\n"
               "alert tcp any any -> any any (msg:\"a\"; pcre:!\"/abc/\"; dsize:6; sid:4;)\n");
    b.packet.tcp.flags = PACKET_TCP_ACK;
    assert_string_equal(bench_run(&b, 0, NULL), "1");
    fake_now()->chunk = "xabcx";
    assert_string_equal(bench_run(&b, 0, NULL), "2 3");
    b.flow.flags |= FLOW_F_NO_PAYLOAD_INSPECTION;
    fake_now()->chunk = NULL;
    assert_string_equal(bench_run(&b, 0, "hidden"), "");
    fake_now()->chunk = "x"; /* opens it to rules without a pattern */
    assert_string_equal(bench_run(&b, 0, "hidden"), "2 4");
    bench_close(&b);
}

static void test_header_rules(void **state)
{
    struct bench b;
    (void)state;
    bench_open(
        &b, TCP,
        "alert ip 192.0.2.1 any -> any any (msg:\"a\"; sid:1;)\n"
        "alert ip any any -> 198.51.100.0/25 any (msg:\"a\"; sid:2;)\n"
        "alert tcp any any -> any any (msg:\"a\"; flags:S,CE; sid:3;)\n"
        "alert tcp any any -> any any (msg:\"a\"; ttl:<10; flags:S; sid:4;)\n"
        "alert tcp any any -> any any (msg:\"a\"; stream_size:client,=,100; flags:S; sid:5;)\n"
        "alert ip any any -> any any (msg:\"a\"; sameip; sid:6;)\n");
    b.packet.tcp.flags = PACKET_TCP_SYN;
    b.packet.ttl = 64;
    b.fresh = true;
    assert_string_equal(bench_run(&b, 0, NULL), "1 2 3 5");
    b.fresh = false;
    b.packet.ttl = 5;
    assert_string_equal(bench_run(&b, 0, NULL), "3 4 5");
    b.packet.tcp.flags = PACKET_TCP_SYN | PACKET_TCP_ECE;
    assert_string_equal(bench_run(&b, 0, NULL), "3");
    b.packet.tcp.flags = PACKET_TCP_ACK;
    assert_string_equal(bench_run(&b, 0, NULL), "");
    bench_close(&b);
}

static void test_both_ways(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b, UDP,
               "alert udp 192.0.2.1 any <> 198.51.100.2 8080 (msg:\"a\"; content:\"x\"; sid:1;)\n");
    assert_string_equal(bench_run(&b, 0, "x"), "1");
    assert_string_equal(bench_run(&b, 1, "x"), "1");
    b.flow.server_port = 9;
    assert_string_equal(bench_run(&b, 0, "x"), "");
    bench_close(&b);
}

static void test_bits(void **state)
{
    struct bench b;
    (void)state;
    const char *rules =
        "alert udp any any -> any any (msg:\"a\"; content:\"set\"; flowbits:set,one; "
        "flowbits:noalert; sid:1;)\n"
        "alert udp any any -> any any (msg:\"a\"; content:\"get\"; flowbits:isset,one; sid:2;)\n"
        "alert udp any any -> any any (msg:\"a\"; content:\"get\"; flowbits:isnotset,one; sid:3;)\n"
        "alert udp any any -> any any (msg:\"a\"; content:\"off\"; flowbits:unset,one; sid:4;)\n"
        "alert udp any any -> any any (msg:\"a\"; content:\"inc\"; flowint:nn,+,1; sid:5;)\n"
        "alert udp any any -> any any (msg:\"a\"; content:\"num\"; flowint:nn,>,1; sid:6;)\n";
    bench_open(&b, UDP, rules);
    assert_string_equal(bench_run(&b, 0, "get"), "3");
    assert_string_equal(bench_run(&b, 0, "set"), "");
    assert_string_equal(bench_run(&b, 0, "get"), "2");
    assert_string_equal(bench_run(&b, 0, "inc num"), "5");
    assert_string_equal(bench_run(&b, 0, "inc"), "5");
    assert_string_equal(bench_run(&b, 0, "num"), "6");
    struct detect_ruleset *next = set_make(rules);
    assert_int_equal(detect_thread_swap(b.thread, next), 0);
    detect_ruleset_drop(b.set);
    b.set = next;
    assert_string_equal(bench_run(&b, 0, "get"), "2"); /* bits survive by name */
    assert_string_equal(bench_run(&b, 0, "off"), "4");
    assert_string_equal(bench_run(&b, 0, "get"), "3");
    bench_close(&b);
}

static void test_pass(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b, UDP,
               "alert udp any any -> any any (msg:\"a\"; content:\"x\"; sid:1;)\n"
               "pass udp any any -> any any (msg:\"a\"; content:\"ok\"; sid:2;)\n");
    assert_string_equal(bench_run(&b, 0, "x"), "1");
    assert_string_equal(bench_run(&b, 0, "x ok"), "");
    assert_true(b.out.passed);
    assert_string_equal(bench_run(&b, 0, "x"), "1");
    bench_close(&b);
}

/* ---- transactions ---------------------------------------------------------------------------- */

static void buffer_put(unsigned slot, enum sig_buffer buffer, const char *text)
{
    fake_now()->buffers[slot] = (struct fake_buffer){ .buffer = buffer, .text = text };
}

static void tx_step(struct app_tx *tx, unsigned dir, enum sig_progress progress)
{
    tx->progress[dir] = (uint8_t)progress;
    tx->updated[dir] = true;
}

static void test_tx(void **state)
{
    struct bench b;
    struct app_tx tx = { .id = 7 };
    (void)state;
    bench_open(&b, TCP,
               "alert http any any -> any any (msg:\"a\"; http.uri; content:\"/evil\"; sid:1;)\n"
               "alert http any any -> any any (msg:\"a\"; http.uri; content:\"/evil\"; "
               "http.user_agent; content:\"bot\"; sid:2;)\n"
               "alert http any any -> any any (msg:\"a\"; http.method; content:\"POST\"; "
               "http.referer; content:!\"x\"; sid:3;)\n"
               "alert http any any -> any any (msg:\"a\"; http.header_names; content:!\"Referer\"; "
               "sid:4;)\n"
               "alert http any any -> any any (msg:\"a\"; http.uri; content:\"/evil\"; "
               "http.request_body; content:\"abc\"; sid:5;)\n"
               "alert http any any -> any any (msg:\"a\"; urilen:5; sid:6;)\n");
    fake_now()->app = SIG_APP_HTTP1;
    fake_now()->first = &tx;
    buffer_put(0, SIG_BUF_HTTP_METHOD, "POST");
    buffer_put(1, SIG_BUF_HTTP_URI, "/evil");
    tx_step(&tx, 0, SIG_PROGRESS_HEADERS - 1);
    assert_string_equal(bench_run(&b, 0, "x"), "1 6");
    assert_ptr_equal(b.out.hits[0].tx, &tx);
    assert_int_equal(b.out.hits[0].tx_id, 7);
    assert_string_equal(bench_run(&b, 0, "x"), ""); /* nothing is new */
    tx.updated[0] = true;
    assert_string_equal(bench_run(&b, 0, "x"), ""); /* once a transaction */
    buffer_put(2, SIG_BUF_HTTP_USER_AGENT, "a bot");
    buffer_put(3, SIG_BUF_HTTP_HEADER_NAMES, "\r\nHost\r\n\r\n");
    tx_step(&tx, 0, SIG_PROGRESS_BODY);
    assert_string_equal(bench_run(&b, 0, "x"), "2 4");
    fake_now()->buffers[4] = (struct fake_buffer){ SIG_BUF_HTTP_REQUEST_BODY, "xxxx", 0, true };
    tx.updated[0] = true;
    assert_string_equal(bench_run(&b, 0, "x"), "4"); /* negated alone: until it is over */
    fake_now()->buffers[4] = (struct fake_buffer){ SIG_BUF_HTTP_REQUEST_BODY, "yabcy", 4, true };
    tx.updated[0] = true;
    assert_string_equal(bench_run(&b, 0, "x"), "4 5");
    tx_step(&tx, 0, SIG_PROGRESS_DONE);
    assert_string_equal(bench_run(&b, 0, "x"), "4");
    assert_true(tx.inspected[0]);
    assert_false(tx.inspected[1]);
    bench_close(&b);
}

/* With its payload hidden a packet is passed over, but not what is due with it. */
static void test_idle(void **state)
{
    struct bench b;
    struct app_tx tx = { 0 };
    (void)state;
    bench_open(&b, TCP,
               "alert tcp any any -> any any (msg:\"a\"; content:\"abc\"; "
               "tag:session,2,packets; sid:1;)\n"
               "alert tcp any any -> any any (msg:\"a\"; app-layer-protocol:http; sid:2;)\n"
               "alert pkthdr any any -> any any (msg:\"a\"; decode-event:ipv4.opt_invalid; "
               "sid:3;)\n"
               "alert http any any -> any any (msg:\"a\"; http.method; content:\"POST\"; "
               "sid:4;)\n");
    fake_now()->chunk = "abc";
    assert_string_equal(bench_run(&b, 0, "abc"), "1");
    b.flow.flags |= FLOW_F_NO_PAYLOAD_INSPECTION;
    assert_string_equal(bench_run(&b, 0, "abc"), "");
    assert_int_equal(b.out.tag_count, 1);
    while (b.out.tag_count)
        bench_run(&b, 0, "abc");
    b.packet.events[DECODE_EVENT_IPV4_OPT_INVALID / 64] = UINT64_C(1) << DECODE_EVENT_IPV4_OPT_INVALID % 64;
    assert_string_equal(bench_run(&b, 0, "abc"), "3");
    memset(b.packet.events, 0, sizeof(b.packet.events));
    fake_now()->side = fake_now()->app = SIG_APP_HTTP1;
    fake_now()->side_news = true;
    assert_string_equal(bench_run(&b, 0, "abc"), "2");
    fake_now()->first = &tx;
    buffer_put(0, SIG_BUF_HTTP_METHOD, "POST");
    tx_step(&tx, 0, SIG_PROGRESS_HEADERS);
    assert_string_equal(bench_run(&b, 0, "abc"), "4");
    bench_close(&b);
}

static void test_tx_swap(void **state)
{
    struct bench b;
    struct app_tx tx = { 0 };
    (void)state;
    const char *rules = "alert http any any -> any any (msg:\"a\"; http.uri; content:\"/evil\"; "
                        "http.user_agent; content:\"bot\"; sid:2;)\n";
    bench_open(&b, TCP, rules);
    fake_now()->app = SIG_APP_HTTP1;
    fake_now()->first = &tx;
    buffer_put(1, SIG_BUF_HTTP_URI, "/evil");
    tx_step(&tx, 0, SIG_PROGRESS_LINE);
    assert_string_equal(bench_run(&b, 0, "x"), "");
    struct detect_ruleset *next = set_make(rules);
    assert_int_equal(detect_thread_swap(b.thread, next), 0);
    detect_ruleset_drop(b.set);
    b.set = next;
    buffer_put(2, SIG_BUF_HTTP_USER_AGENT, "a bot");
    tx_step(&tx, 0, SIG_PROGRESS_BODY);
    assert_string_equal(bench_run(&b, 0, "x"), "2");
    bench_close(&b);
}

/* ---- engines that have others' patterns ------------------------------------------------------ */

/* A response whose body is `body`, and its file `file` (NULL: it has none); the sids, and how many
 * scans were needed. */
static void response_check(struct bench *b, const char *body, const char *file, const char *sids,
                           uint64_t scans)
{
    struct app_tx tx = { 0 };
    uint64_t before = b->counts[DETECT_COUNT_SCANS];
    fake_now()->app = SIG_APP_HTTP1;
    fake_now()->first = &tx;
    buffer_put(0, SIG_BUF_HTTP_RESPONSE_BODY, body);
    buffer_put(1, SIG_BUF_FILE_DATA, file);
    tx_step(&tx, 1, SIG_PROGRESS_DONE);
    assert_string_equal(bench_run(b, 1, NULL), sids);
    assert_int_equal(b->counts[DETECT_COUNT_SCANS] - before, scans);
    detect_tx_free(b->thread, &tx);
    fake_now()->first = NULL;
}

static void test_body_is_file(void **state)
{
    static const char both[] = "head of it, and a needle, and a thread";
    struct bench b;
    (void)state;
    bench_open(&b, TCP,
               "alert http any any -> any any (msg:\"a\"; http.response_body; "
               "content:\"a needle\"; sid:1;)\n"
               "alert smtp any any -> any any (msg:\"a\"; file.data; content:\"thread\"; sid:3;)\n");
    response_check(&b, both, both, "1", 1);
    bench_close(&b);
    bench_open(&b, TCP,
               "alert http any any -> any any (msg:\"a\"; http.response_body; "
               "content:\"a needle\"; sid:1;)\n"
               "alert http any any -> any any (msg:\"a\"; http.response_body; "
               "content:\"head\"; startswith; sid:2;)\n"
               "alert http any any -> any any (msg:\"a\"; file.data; content:\"a needle\"; "
               "content:\"thread\"; sid:4;)\n"
               "alert http any any -> any any (msg:\"a\"; file.data; content:\"a pin\"; sid:5;)\n");
    response_check(&b, both, both, "1 2 4", 1);
    response_check(&b, both, "another one", "1 2", 2);
    response_check(&b, both, NULL, "1 2", 1);
    response_check(&b, "another one", both, "4", 2);
    bench_close(&b);
}

/* The patterns of HTTP are looked for with those of its usual port; on another, and in another
 * protocol, nothing else comes of it. */
static void test_usual_port(void **state)
{
    static const struct {
        uint16_t port;
        enum sig_app app;
        const char *sids;
        uint64_t scans;
    } cases[] = { { 80, SIG_APP_HTTP1, "1 10", 1 },
                  { 4444, SIG_APP_HTTP1, "1 10", 2 },
                  { 80, SIG_APP_SSH, "1", 1 },
                  { 81, SIG_APP_HTTP1, "10", 1 } };
    struct buf rules;
    struct bench b;
    (void)state;
    buf_init(&rules, 1 << 16);
    buf_printf(&rules, "alert tcp any any -> any [80,4444] (msg:\"a\"; "
                       "content:\"of the port\"; sid:1;)\n");
    for (unsigned i = 10; i < 30; i++)
        buf_printf(&rules,
                   "alert http any any -> any any (msg:\"a\"; content:\"web %u\"; sid:%u;)\n", i,
                   i);
    buf_add(&rules, "", 1);
    bench_open(&b, TCP, (const char *)rules.data);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t before = b.counts[DETECT_COUNT_SCANS];
        b.flow.server_port = cases[i].port;
        b.flow.flags = FLOW_F_TOSERVER_SEEN | FLOW_F_TOCLIENT_SEEN;
        detect_flow_free(b.thread, &b.flow);
        fake_now()->app = cases[i].app;
        fake_now()->chunk = "what of the port there is, and web 10";
        assert_string_equal(bench_run(&b, 0, NULL), cases[i].sids);
        assert_int_equal(b.counts[DETECT_COUNT_SCANS] - before, cases[i].scans);
    }
    bench_close(&b);
    buf_free(&rules);
}

static void test_names(void **state)
{
    struct bench b;
    (void)state;
    bench_open(
        &b, UDP,
        "alert dns any any -> any any (msg:\"a\"; dns.query; content:\"bad.example\"; nocase; "
        "endswith; sid:1;)\n"
        "alert dns any any -> any any (msg:\"a\"; dns.query; dotprefix; content:\".bad.example\"; "
        "nocase; endswith; sid:2;)\n"
        "alert dns any any -> any any (msg:\"a\"; dns.query; bsize:11; content:\"bad.example\"; "
        "nocase; sid:3;)\n"
        "alert dns any any -> any any (msg:\"a\"; dns.query; content:\"bad\"; startswith; sid:4;)\n"
        "alert dns any any -> any any (msg:\"a\"; dns.query; content:\"one\"; dns.query; "
        "content:\"two\"; sid:5;)\n");
    struct {
        const char *query, *second, *sids;
    } cases[] = { { "bad.example", NULL, "1 2 3 4" },
                  { "very.BAD.example", NULL, "1 2" },
                  { "notbad.example", NULL, "1" },
                  { "bad.example.org", NULL, "4" },
                  { "org", "bad.example", "1 2 3 4" },
                  { "one", "two", "5" },
                  { "one", NULL, "" } };
    fake_now()->app = SIG_APP_DNS;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct app_tx tx = { .one_way = true };
        fake_now()->first = &tx;
        buffer_put(0, SIG_BUF_DNS_QUERY, cases[i].query);
        buffer_put(1, SIG_BUF_DNS_QUERY, cases[i].second);
        tx_step(&tx, 0, SIG_PROGRESS_DONE);
        assert_string_equal(bench_run(&b, 0, "x"), cases[i].sids);
        assert_true(tx.inspected[0]);
    }
    fake_now()->first = NULL;
    bench_close(&b);
}

static void test_app_rules(void **state)
{
    struct bench b;
    struct app_tx tx = { 0 };
    (void)state;
    bench_open(
        &b, TCP,
        "alert tcp any any -> any any (msg:\"a\"; app-layer-protocol:http; sid:1;)\n"
        "alert tcp any any -> any any (msg:\"a\"; app-layer-protocol:!http; sid:2;)\n"
        "alert http any any -> any any (msg:\"a\"; flow:to_server; flowbits:isnotset,x; sid:3;)\n"
        "alert http any any -> any any (msg:\"a\"; app-layer-event:http.missing_host_header; "
        "sid:4;)\n");
    assert_string_equal(bench_run(&b, 0, "x"), "");
    fake_now()->app = SIG_APP_HTTP1;
    fake_now()->first = &tx;
    assert_string_equal(bench_run(&b, 0, "x"), "3"); /* this direction said nothing yet */
    fake_now()->side = SIG_APP_HTTP1;
    fake_now()->side_news = true;
    assert_string_equal(bench_run(&b, 0, "x"), "3 1"); /* readers of flowbits run before others */
    assert_string_equal(bench_run(&b, 0, "x"), "3");
    fake_now()->side = SIG_APP_FAILED; /* its own bytes did not tell: not http to the reference */
    fake_now()->side_news = true;
    assert_string_equal(bench_run(&b, 0, "x"), "3 2");
    fake_now()->side = SIG_APP_HTTP1;
    tx.events[0] = 1u << 3;
    tx_step(&tx, 0, SIG_PROGRESS_LINE);
    assert_string_equal(bench_run(&b, 0, "x"), "3 4");
    tx.updated[0] = true;
    assert_string_equal(bench_run(&b, 0, "x"), "3");
    bench_close(&b);
}

/* ---- images ---------------------------------------------------------------------------------- */

/* An image with any one byte of its tables changed is refused, or can be used. */
static void test_image_damage(void **state)
{
    static const char rules[] = "alert udp any 1:5 -> 192.0.2.0/24 any (msg:\"a\"; "
                                "content:\"hello\"; pcre:\"/x/\"; sid:1;)\n"
                                "alert dns any any -> any any (msg:\"a\"; dns.query; "
                                "content:\"bad.example\"; endswith; sid:2;)\n";
    char reason[256];
    struct image image;
    struct sig_parser *p = sig_parser_create();
    (void)state;
    sig_parser_read_rules(p, rules, strlen(rules), "test.rules");
    struct sig_ruleset *set = sig_parser_finish(p);
    int fd = memfd_create("test", MFD_ALLOW_SEALING);
    assert_int_equal(detect_image_build(set, "test", fd, reason, sizeof(reason)), 0);
    size_t len = (size_t)lseek(fd, 0, SEEK_END);
    uint8_t *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    assert_int_equal(image_check(bytes, len, &image, reason, sizeof(reason)), 0);
    assert_null(detect_ruleset_map(fd, reason, sizeof(reason)));
    assert_non_null(strstr(reason, "sealed"));
    assert_true(image_check(bytes, len - 1, &image, reason, sizeof(reason)) < 0);
    assert_true(image_check(bytes, 16, &image, reason, sizeof(reason)) < 0);
    uint32_t refused = 0;
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= 0x80;
        refused += image_check(bytes, len, &image, reason, sizeof(reason)) < 0;
        bytes[i] ^= 0x80;
    }
    assert_true(refused > 200);
    assert_int_equal(image_check(bytes, len, &image, reason, sizeof(reason)), 0);
    munmap(bytes, len);
    close(fd);
    sig_parser_free(p);
    sig_ruleset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_datagram_alone),
        cmocka_unit_test(test_flow_keyword),
        cmocka_unit_test(test_stream_or_packet),
        cmocka_unit_test(test_hidden_payload),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_header_rules),
        cmocka_unit_test(test_flag_kinds),
        cmocka_unit_test(test_size_beside_a_stream),
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_first_packet),
        cmocka_unit_test(test_pass),
        cmocka_unit_test(test_tx),
        cmocka_unit_test(test_tx_swap),
        cmocka_unit_test(test_body_is_file),
        cmocka_unit_test(test_usual_port),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_app_rules),
        cmocka_unit_test(test_image_damage),
    };
    return cmocka_run_group_tests_name("detect/run", tests, NULL, NULL);
}
