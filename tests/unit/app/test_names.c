/* SPDX-License-Identifier: Apache-2.0 */
/* Names of flows: told by the first packet the same as by nDPI, and what is held in case of an
 * alert. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/slab.h"
#include "sensor/app/classify.h"
#include "sensor/app/held.h"
#include "sensor/app/hosts.h"
#include "sensor/app/named.h"
#include "sensor/app/servers.h"
#include "sensor/decode/packet.h"
#include "tests/unit/app/rig.h"

#define TS             SIG_DIR_TOSERVER
#define TC             SIG_DIR_TOCLIENT
#define BYTES(literal) literal, sizeof(literal) - 1
#define MESSAGE_MAX    1024

/* ---- messages ------------------------------------------------------------------------------ */

struct message {
    uint8_t at[MESSAGE_MAX];
    uint32_t len;
};

static void put(struct message *m, const void *bytes, size_t len)
{
    assert_true(m->len + len <= sizeof(m->at));
    memcpy(m->at + m->len, bytes, len);
    m->len += (uint32_t)len;
}

static void put_number(struct message *m, unsigned width, size_t value)
{
    for (unsigned i = width; i-- > 0;) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        put(m, &byte, 1);
    }
}

static void put_sni(struct message *m, const char *host)
{
    size_t n = strlen(host);
    put_number(m, 2, 0);
    put_number(m, 2, n + 5);
    put_number(m, 2, n + 3);
    put_number(m, 1, 0);
    put_number(m, 2, n);
    put(m, host, n);
}

/* A hello of `type` with `extensions` behind its fixed part. */
static void hello(struct message *m, uint8_t type, const struct message *extensions)
{
    struct message body = { .len = 0 };
    put(&body, "\x03\x03", 2);
    for (unsigned i = 0; i < 32; i++)
        put_number(&body, 1, i);
    put_number(&body, 1, 0);
    if (type == 1)
        put(&body, BYTES("\0\4\x13\x01\xc0\x2f\1\0"));
    else
        put(&body, BYTES("\xc0\x2f\0"));
    if (extensions) {
        put_number(&body, 2, extensions->len);
        put(&body, extensions->at, extensions->len);
    }
    m->len = 0;
    put(m, BYTES("\x16\x03\x01"));
    put_number(m, 2, body.len + 4);
    put_number(m, 1, type);
    put_number(m, 3, body.len);
    put(m, body.at, body.len);
}

static void client_hello(struct message *m, const char *host)
{
    struct message extensions = { .len = 0 };
    put(&extensions, BYTES("\0\x0a\0\4\0\2\0\x1d"));
    put_sni(&extensions, host);
    put(&extensions, BYTES("\0\x2b\0\3\2\3\4"));
    hello(m, 1, &extensions);
}

static void server_hello(struct message *m, bool newest)
{
    struct message extensions = { .len = 0 };
    put(&extensions, BYTES("\0\x2b\0\2\3\4"));
    hello(m, 2, newest ? &extensions : NULL);
}

static void dns_query(struct message *m, const char *host)
{
    m->len = 0;
    put(m, BYTES("\x12\x34\x01\x00\0\1\0\0\0\0\0\0"));
    for (const char *dot; *host; host += dot - host + (*dot == '.')) {
        dot = strchrnul(host, '.');
        put_number(m, 1, (size_t)(dot - host));
        put(m, host, (size_t)(dot - host));
    }
    put(m, BYTES("\0\0\1\0\1"));
}

/* ---- what a message says ------------------------------------------------------------------- */

static void test_client_hello(void **state)
{
    (void)state;
    struct message m;
    char host[NAMED_HOST_MAX];
    client_hello(&m, "WWW.Example.org");
    assert_true(named_client_hello(m.at, m.len, host));
    assert_string_equal(host, "www.example.org");
    for (uint32_t n = 0; n < m.len; n++)
        assert_false(named_client_hello(m.at, n, host));
    put_number(&m, 1, 0); /* something behind it */
    assert_false(named_client_hello(m.at, m.len, host));
    client_hello(&m, "www example org");
    assert_false(named_client_hello(m.at, m.len, host));
    client_hello(&m, "");
    assert_false(named_client_hello(m.at, m.len, host));
    server_hello(&m, true);
    assert_false(named_client_hello(m.at, m.len, host));
    struct message twice = { .len = 0 };
    put_sni(&twice, "a.example");
    put_sni(&twice, "b.example");
    hello(&m, 1, &twice);
    assert_false(named_client_hello(m.at, m.len, host));
}

/* Of a long name the end is what tables of domains are asked for. */
static void test_long_host(void **state)
{
    (void)state;
    struct message m;
    char host[NAMED_HOST_MAX], name[200];
    memset(name, 'a', sizeof(name));
    memcpy(name + sizeof(name) - 12, ".example.org", 12);
    assert_true(named_host((const uint8_t *)name, sizeof(name), host));
    assert_int_equal(strlen(host), NAMED_HOST_MAX - 1);
    assert_string_equal(host + NAMED_HOST_MAX - 13, ".example.org");
    memset(name, 'b', sizeof(name));
    name[199] = '\0';
    for (unsigned i = 60; i < 199; i += 60)
        name[i] = '.';
    dns_query(&m, name);
    assert_true(named_dns_query(m.at, m.len, host));
    assert_string_equal(host, name + 199 - (NAMED_HOST_MAX - 1));
}

static void test_server_hello(void **state)
{
    (void)state;
    struct message m;
    server_hello(&m, true);
    assert_int_equal(named_server_hello(m.at, m.len), NAMED_TLS_13);
    for (uint32_t n = 0; n < m.len; n++)
        assert_int_equal(named_server_hello(m.at, n), NAMED_TLS_OTHER);
    server_hello(&m, false);
    assert_int_equal(named_server_hello(m.at, m.len), NAMED_TLS_12);
    client_hello(&m, "www.example.org");
    assert_int_equal(named_server_hello(m.at, m.len), NAMED_TLS_OTHER);
}

static void test_dns_query(void **state)
{
    (void)state;
    struct message m;
    char host[NAMED_HOST_MAX];
    dns_query(&m, "www.Example.org");
    assert_true(named_dns_query(m.at, m.len, host));
    assert_string_equal(host, "www.example.org");
    for (uint32_t n = 0; n < m.len; n++)
        assert_false(named_dns_query(m.at, n, host));
    m.at[2] |= 0x80; /* an answer */
    assert_false(named_dns_query(m.at, m.len, host));
    dns_query(&m, "");
    assert_false(named_dns_query(m.at, m.len, host));
    dns_query(&m, "a b.example");
    assert_false(named_dns_query(m.at, m.len, host));
    dns_query(&m, "a.example");
    m.at[12] = 0xc0; /* compressed */
    assert_false(named_dns_query(m.at, m.len, host));
}

/* A request of a browser; `extra` are lines more, each with its end. */
static void request(struct message *m, const char *path, const char *host, const char *agent,
                    const char *extra)
{
    m->len = (uint32_t)snprintf((char *)m->at, sizeof(m->at),
                                "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n%s\r\n", path,
                                host, agent, extra);
}

#define BROWSER "Mozilla/5.0 (X11; Linux x86_64)"

static void test_http_request(void **state)
{
    (void)state;
    static const struct {
        const char *path, *host, *agent, *extra;
        bool want;
    } cases[] = {
        { "/", "WWW.example.org:8080", BROWSER, "Accept: */*\r\n", true },
        { "/a?b=c", "192.0.2.7", BROWSER, "", true },
        { "/", "www.example.org", "curl/8", "", false },
        { "/", "www.example.org", BROWSER, "Host: www.example.com\r\n", false },
        { "/", "www.example.org", BROWSER, "Referer: http://www.speedtest.net/\r\n", false },
        { "/", "www.example.org", BROWSER, "Content-Type: application/ocsp-request\r\n", false },
        { "/", "www.example.org", BROWSER, "Accept: application/x-rtsp-tunnelled\r\n", false },
        { "/", "www.fileserve.example", BROWSER, "", false },
        { "/?info_hash=a", "www.example.org", BROWSER, "", false },
        { "/uri-res/N2R", "www.example.org", BROWSER, "", false },
        { "http://www.example.org/", "www.example.org", BROWSER, "", false },
        { "/", "a b", BROWSER, "", false },
    };
    struct message m;
    char host[NAMED_HOST_MAX];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        request(&m, cases[i].path, cases[i].host, cases[i].agent, cases[i].extra);
        assert_int_equal(named_http_request(m.at, m.len, host), cases[i].want);
        for (uint32_t n = 0; n < m.len; n++)
            assert_false(named_http_request(m.at, n, host));
    }
    request(&m, "/", "WWW.example.org:8080", BROWSER, "");
    assert_true(named_http_request(m.at, m.len, host));
    assert_string_equal(host, "www.example.org");
}

static void test_http_answer(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        { "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\nx", true },
        { "HTTP/1.0 304 Not Modified\r\n\r\n", true },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n", false },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", true },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/java-vm\r\n\r\n", false },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n", false },
        { "HTTP/1.1 200 OK\r\nContent-Disposition: attachment\r\n\r\n", false },
        { "HTTP/1.1 200 OK\r\nServer: ntopng 5\r\n\r\n", false },
        { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", false },
        { "SSH-2.0-x\r\n\r\n", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(
            named_http_answer((const uint8_t *)cases[i].text, (uint32_t)strlen(cases[i].text)),
            cases[i].want);
}

/* ---- what is held -------------------------------------------------------------------------- */

static void test_held(void **state)
{
    (void)state;
    uint8_t bytes[100];
    struct held *h = held_create(1024);
    struct held_packet p;
    memset(bytes, 7, sizeof(bytes));
    assert_false(held_get(h, 0, &p));
    uint64_t first = held_put(h, bytes, 100, 5, 0), second = held_put(h, bytes, 50, 6, first);
    assert_true(held_get(h, second, &p));
    assert_int_equal(p.len, 50);
    assert_int_equal(p.now_ns, 6);
    assert_true(held_get(h, p.before, &p));
    assert_int_equal(p.len, 100);
    assert_memory_equal(p.l3, bytes, 100);
    assert_int_equal(p.before, 0);
    assert_int_equal(held_put(h, bytes, 100, 7, 0) > second, 1);
    /* Those that came last are there, whole; those from before are not. */
    uint64_t places[64];
    for (unsigned i = 0; i < 64; i++) {
        memset(bytes, (int)i, sizeof(bytes));
        places[i] = held_put(h, bytes, 90, i, 0);
    }
    unsigned there = 0;
    for (unsigned i = 0; i < 64; i++) {
        if (!held_get(h, places[i], &p))
            continue;
        there++;
        assert_int_equal(p.now_ns, i);
        for (unsigned k = 0; k < p.len; k++)
            assert_int_equal(p.l3[k], i);
    }
    assert_in_range(there, 6, 9);
    assert_true(held_get(h, places[63], &p));
    assert_false(held_get(h, first, &p));
    assert_false(held_get(h, places[63] + 4096, &p));
    assert_int_equal(held_put(h, bytes, 300, 0, 0), 0); /* too large for this ring */
    held_free(h);
}

/* An answer is that of its own host, however many fall on one place. */
static void test_hosts(void **state)
{
    (void)state;
    struct hosts *h = hosts_create();
    unsigned again = 0;
    char long_host[61] = "";
    memset(long_host, 'a', sizeof(long_host) - 1);
    for (uint16_t round = 0; round < 2; round++) {
        for (uint16_t i = 1; i <= 4000; i++) {
            char host[NAMED_HOST_MAX];
            bool known;
            snprintf(host, sizeof(host), "%.*s%u.example", i % 60, long_host, i);
            struct hosts_answer *a = hosts_look(h, host, &known);
            assert_int_equal(a->app, known ? i : 0);
            assert_int_equal(a->is_special, known);
            *a = (struct hosts_answer){ .app = i, .is_special = true };
            assert_int_equal(hosts_look(h, host, &known)->app, i);
            assert_true(known);
            a = hosts_look(h, "www.example", &known);
            again += known;
            assert_int_equal(a->app, known ? 9999 : 0);
            a->app = 9999;
        }
    }
    assert_in_range(again, 7900, 7999); /* a few took its place */
    hosts_free(h);
}

/* ---- the same as nDPI ---------------------------------------------------------------------- */

/* A packet of a flow from 192.0.2.1 to `server`. */
struct frame {
    uint8_t bytes[MESSAGE_MAX + 40];
    struct packet p;
};

static void frame_make(struct frame *f, uint8_t proto, unsigned dir, const uint8_t server[4],
                       uint16_t port, const struct message *m)
{
    uint32_t head = 20 + (proto == PACKET_PROTO_TCP ? 20 : 8), len = head + m->len;
    uint16_t ports[2] = { 40000, port };
    memset(f, 0, sizeof(*f));
    f->bytes[0] = 0x45;
    f->bytes[2] = (uint8_t)(len >> 8);
    f->bytes[3] = (uint8_t)len;
    f->bytes[8] = 64;
    f->bytes[9] = proto;
    memcpy(f->bytes + (dir ? 16 : 12), "\xc0\0\2\1", 4);
    memcpy(f->bytes + (dir ? 12 : 16), server, 4);
    for (unsigned i = 0; i < 2; i++) {
        f->bytes[20 + 2 * i] = (uint8_t)(ports[i ^ dir] >> 8);
        f->bytes[21 + 2 * i] = (uint8_t)ports[i ^ dir];
    }
    if (proto == PACKET_PROTO_TCP) {
        f->bytes[27] = (uint8_t)(1 + dir); /* sequence */
        f->bytes[32] = 0x50;
        f->bytes[33] = PACKET_TCP_ACK | PACKET_TCP_PSH;
    } else {
        f->bytes[24] = (uint8_t)((m->len + 8) >> 8);
        f->bytes[25] = (uint8_t)(m->len + 8);
    }
    memcpy(f->bytes + head, m->at, m->len);
    f->p = (struct packet){ .l3 = f->bytes,
                            .l3_len = len,
                            .payload = f->bytes + head,
                            .payload_len = m->len,
                            .ip_version = 4,
                            .proto = proto,
                            .sport = ports[dir],
                            .dport = ports[!dir],
                            .now_ns = 1000000000 };
}

/* One flow's packets, through a context of its own. */
struct told {
    struct classify_result result;
    char eve[512];
    uint64_t counts[16];
};

static void tell(const struct frame *frames, unsigned count, bool every_flow, bool alert,
                 struct told *out)
{
    struct rig r;
    struct json j;
    struct slab_stats stats;
    const struct classify_conf conf = { .every_flow = every_flow };
    rig_open(&r, frames[0].p.proto, frames[0].p.dport);
    memset(r.slots, 0, sizeof(r.slots));
    struct classify_ctx *c = classify_create(&conf, r.app, r.slab, &r.counters);
    assert_non_null(c);
    for (unsigned i = 0; i < count; i++)
        classify_packet(c, &r.flow, frames[i].p.sport == 40000 ? TS : TC, &frames[i].p);
    if (alert)
        classify_ask(c, &r.flow);
    classify_finish(&r.flow);
    json_begin(&j, &r.json);
    classify_describe(c, &r.flow, &j);
    buf_byte(&r.json, 0);
    assert_in_range(r.json.len, 1, sizeof(out->eve));
    memcpy(out->eve, r.json.data, r.json.len);
    assert_true(classify_get(c, &r.flow, &out->result));
    memcpy(out->counts, r.slots, sizeof(out->counts));
    classify_flow_free(c, &r.flow);
    classify_free(c);
    slab_stats(r.slab, &stats);
    assert_int_equal(stats.used, 0);
    rig_close(&r);
}

/* The counter of that name among those of a context. */
static uint64_t counted(const uint64_t *counts, const char *name)
{
    for (unsigned i = 0; classify_counters[i].name; i++)
        if (strcmp(classify_counters[i].name, name) == 0)
            return counts[i];
    fail_msg("no counter %s", name);
    return 0;
}

/* A flow is named as by nDPI, without it if `named`; once an alert is raised, nDPI has said all. */
static void expect_same(const struct frame *frames, unsigned count, bool named,
                        const char *proto_name)
{
    struct told all, own, asked;
    tell(frames, count, true, false, &all);
    tell(frames, count, false, false, &own);
    tell(frames, count, false, true, &asked);
    assert_int_equal(own.result.master, all.result.master);
    assert_int_equal(own.result.app, all.result.app);
    assert_int_equal(own.result.category, all.result.category);
    assert_int_equal(counted(own.counts, "classify.named"), named);
    assert_int_equal(counted(own.counts, "classify.packets") == 0, named);
    assert_string_equal(asked.eve, all.eve);
    assert_int_equal(asked.result.risk, all.result.risk);
    char want[64] = "";
    if (proto_name)
        snprintf(want, sizeof(want), "\"proto\":\"%s\"", proto_name);
    assert_non_null(strstr(own.eve, want));
}

static const uint8_t nowhere[4] = { 198, 51, 100, 2 }, resolver[4] = { 8, 8, 8, 8 };

static void test_same_names(void **state)
{
    (void)state;
    static const struct {
        uint8_t proto;
        uint16_t port;
        const uint8_t *server;
        const char *host;
        bool newest; /* TLS 1.3 */
        const char *proto_name;
        bool named; /* without nDPI */
    } cases[] = {
        { PACKET_PROTO_UDP, 53, nowhere, "www.example.org", false, "DNS", true },
        { PACKET_PROTO_UDP, 53, nowhere, "www.youtube.com", false, "DNS.YouTube", true },
        { PACKET_PROTO_UDP, 53, resolver, "www.example.org", false, "DNS.Google", true },
        { PACKET_PROTO_UDP, 53, nowhere, "connectivitycheck.gstatic.com", false, NULL, false },
        { PACKET_PROTO_UDP, 53, nowhere, "ab cd.example.org", false, "DNS", false },
        { PACKET_PROTO_TCP, 443, nowhere, "www.youtube.com", false, "TLS.YouTube", true },
        { PACKET_PROTO_TCP, 443, nowhere, "www.example.org", true, "TLS", true },
        { PACKET_PROTO_TCP, 443, nowhere, "www.example.org", false, "TLS", false },
        { PACKET_PROTO_TCP, 443, resolver, "www.example.org", true, "TLS.Google", true },
        { PACKET_PROTO_TCP, 993, nowhere, "mail.example.org", true, "IMAPS", false },
        { PACKET_PROTO_TCP, 443, nowhere, "teams.microsoft.com", true, "TLS.Teams", false },
        { PACKET_PROTO_TCP, 9001, nowhere, "www.kq7xv2zpwt4hgd.com", true, NULL, false },
        { PACKET_PROTO_TCP, 8443, nowhere, "www.youtube.com", true, "TLS.YouTube", true },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct frame frames[2];
        struct message m;
        bool tcp = cases[i].proto == PACKET_PROTO_TCP;
        if (tcp)
            client_hello(&m, cases[i].host);
        else
            dns_query(&m, cases[i].host);
        frame_make(&frames[0], cases[i].proto, TS, cases[i].server, cases[i].port, &m);
        server_hello(&m, cases[i].newest);
        frame_make(&frames[1], cases[i].proto, TC, cases[i].server, cases[i].port, &m);
        expect_same(frames, tcp ? 2 : 1, cases[i].named, cases[i].proto_name);
    }
}

static void test_same_http(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *server;
        const char *host, *type, *proto_name;
        bool named;
    } cases[] = {
        { nowhere, "www.example.org", "text/html", "HTTP", true },
        { nowhere, "www.youtube.com", "text/html", "HTTP.YouTube", true },
        { resolver, "www.example.org", "image/png", "HTTP.Google", true },
        { nowhere, "198.51.100.2", "text/html", "HTTP", true },
        { nowhere, "www.example.org", "application/json", "HTTP", true },
        { nowhere, "www.youtube.com", "application/json; charset=utf-8", "HTTP.YouTube", true },
        { nowhere, "www.example.org", "application/javascript", "HTTP", true },
        { nowhere, "www.example.org", "application/x-javascript", "HTTP", true },
        { resolver, "www.example.org", "application/xml", "HTTP.Google", true },
        { nowhere, "www.example.org", "application/octet-stream", "HTTP", false },
        { nowhere, "www.example.org", "application/ocsp-response", "HTTP", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct frame frames[2];
        struct message m;
        request(&m, "/", cases[i].host, BROWSER, "");
        frame_make(&frames[0], PACKET_PROTO_TCP, TS, cases[i].server, 80, &m);
        m.len = (uint32_t)snprintf((char *)m.at, sizeof(m.at),
                                   "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n", cases[i].type);
        frame_make(&frames[1], PACKET_PROTO_TCP, TC, cases[i].server, 80, &m);
        expect_same(frames, 2, cases[i].named, cases[i].proto_name);
    }
}

/* nDPI reads the fields of an HTTP answer behind a bare ACK of the server alone: it is given that
 * ACK, whether the flow waited for the answer or was nDPI's from its first packet on. */
static void test_server_ack(void **state)
{
    (void)state;
    static const char *const agents[] = { BROWSER, "curl/7.88" };
    for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++) {
        static struct frame frames[3];
        struct message m;
        struct told told;
        request(&m, "/", "www.example.org", agents[i], "");
        frame_make(&frames[0], PACKET_PROTO_TCP, TS, nowhere, 80, &m);
        m.len = 0;
        frame_make(&frames[1], PACKET_PROTO_TCP, TC, nowhere, 80, &m);
        put(&m, BYTES("HTTP/1.1 200 OK\r\nServer: ntopng 6\r\nContent-Type: text/html\r\n\r\n"));
        frame_make(&frames[2], PACKET_PROTO_TCP, TC, nowhere, 80, &m);
        tell(frames, 3, false, false, &told);
        assert_non_null(strstr(told.eve, "\"proto\":\"HTTP.ntop\""));
        tell(frames, 3, true, false, &told);
        assert_non_null(strstr(told.eve, "\"proto\":\"HTTP.ntop\""));
    }
}

/* A flow named by its host is through when what nDPI may need of it is held; asked for an alert's
 * sake, nDPI gets that, and the flow is through again when it has said what it is. */
static void test_through(void **state)
{
    (void)state;
    static struct frame frames[3];
    struct message m;
    struct rig r;
    const struct classify_conf conf = { 0 };
    request(&m, "/", "www.example.org", BROWSER, "");
    frame_make(&frames[0], PACKET_PROTO_TCP, TS, nowhere, 80, &m);
    m.len = 0;
    frame_make(&frames[1], PACKET_PROTO_TCP, TC, nowhere, 80, &m);
    put(&m, BYTES("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"));
    frame_make(&frames[2], PACKET_PROTO_TCP, TC, nowhere, 80, &m);
    rig_open(&r, PACKET_PROTO_TCP, 80);
    memset(r.slots, 0, sizeof(r.slots));
    struct classify_ctx *c = classify_create(&conf, r.app, r.slab, &r.counters);
    for (unsigned i = 0; i < 3; i++) {
        assert_false(r.flow.flags & FLOW_F_CLASSIFIED);
        classify_packet(c, &r.flow, i ? TC : TS, &frames[i].p);
    }
    assert_true(r.flow.flags & FLOW_F_CLASSIFIED);
    assert_int_equal(counted(r.slots, "classify.packets"), 0);
    classify_ask(c, &r.flow);
    assert_false(r.flow.flags & FLOW_F_CLASSIFIED);
    assert_int_equal(counted(r.slots, "classify.packets"), 3);
    for (unsigned i = 0; i < 20; i++)
        classify_packet(c, &r.flow, TC, &frames[2].p);
    assert_in_range(counted(r.slots, "classify.packets"), 3, 10);
    assert_true(r.flow.flags & FLOW_F_CLASSIFIED);
    classify_flow_free(c, &r.flow);
    assert_false(r.flow.flags & FLOW_F_CLASSIFIED);
    classify_free(c);
    rig_close(&r);
}

/* What nobody knows is given to nDPI a few times, and less where the settings say so. */
static void test_budget(void **state)
{
    (void)state;
    static const struct {
        unsigned conf, want;
    } cases[] = { { 0, 6 }, { 3, 3 }, { 20, 6 } };
    struct message m = { .len = 0 };
    struct frame f;
    put(&m, BYTES("\xe1\x7c\x90\x02zq7\xff\x81\x13\xc5\x99\x20vb\x8f"));
    frame_make(&f, PACKET_PROTO_TCP, TS, nowhere, 40123, &m);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig r;
        const struct classify_conf conf = { .packets_tcp = cases[i].conf };
        rig_open(&r, PACKET_PROTO_TCP, 40123);
        memset(r.slots, 0, sizeof(r.slots));
        struct classify_ctx *c = classify_create(&conf, r.app, r.slab, &r.counters);
        for (unsigned n = 0; n < 30; n++)
            classify_packet(c, &r.flow, TS, &f.p);
        assert_int_equal(counted(r.slots, "classify.packets"), cases[i].want);
        assert_int_equal(counted(r.slots, "classify.budget"), 1);
        classify_flow_free(c, &r.flow);
        classify_free(c);
        rig_close(&r);
    }
}

/* Packets that are gone when an alert comes leave the name as it was. */
static void test_forgotten(void **state)
{
    (void)state;
    struct rig r;
    struct message m;
    struct frame f;
    struct classify_result result;
    const struct classify_conf conf = { .every_flow = false };
    rig_open(&r, PACKET_PROTO_TCP, 443);
    memset(r.slots, 0, sizeof(r.slots));
    struct classify_ctx *c = classify_create(&conf, r.app, r.slab, &r.counters);
    client_hello(&m, "www.youtube.com");
    frame_make(&f, PACKET_PROTO_TCP, TS, nowhere, 443, &m);
    classify_packet(c, &r.flow, TS, &f.p);
    assert_true(classify_get(c, &r.flow, &result));
    uint16_t app = result.app;
    static struct flow others[20000];
    for (unsigned i = 0; i < 20000; i++) {
        others[i] = (struct flow){ .proto = PACKET_PROTO_TCP };
        classify_packet(c, &others[i], TS, &f.p);
    }
    classify_ask(c, &r.flow);
    assert_true(classify_get(c, &r.flow, &result));
    assert_int_equal(result.app, app);
    assert_true(result.final);
    assert_int_equal(counted(r.slots, "classify.forgotten"), 1);
    for (unsigned i = 0; i < 20000; i++)
        classify_flow_free(c, &others[i]);
    classify_flow_free(c, &r.flow);
    classify_free(c);
    rig_close(&r);
}

/* Three flows without a name make a server hopeless, one with a name makes it hopeful; of many
 * some are asked again. */
static void test_servers(void **state)
{
    (void)state;
    struct servers *s = servers_create();
    const struct servers_guess guess = { .app = 7, .category = 3, .confidence = 1 };
    struct servers_guess got;
    struct flow f = { .server_port = 4444, .proto = PACKET_PROTO_TCP }, other;
    addr_parse("198.51.100.2", &f.server);
    other = f;
    other.server_port++;
    for (unsigned i = 1; i <= SERVERS_FAILED; i++) {
        assert_false(servers_hopeless(s, &f, &got));
        assert_int_equal(servers_failed(s, &f), i == SERVERS_FAILED);
    }
    assert_false(servers_hopeless(s, &f, &got)); /* nothing is guessed yet */
    servers_guessed(s, &f, &guess);
    servers_guessed(s, &other, &guess); /* who never failed */
    unsigned skipped = 0;
    for (unsigned i = 0; i < 10 * SERVERS_AGAIN; i++) {
        if (!servers_hopeless(s, &f, &got))
            continue;
        skipped++;
        assert_memory_equal(&got, &guess, sizeof(got));
    }
    assert_int_equal(skipped, 10 * (SERVERS_AGAIN - 1));
    assert_false(servers_hopeless(s, &other, &got));
    servers_named(s, &f);
    servers_named(s, &other);
    assert_false(servers_hopeless(s, &f, &got));
    assert_false(servers_failed(s, &f));
    for (unsigned i = 0; i < 100000; i++) { /* many others take its place at last */
        other.server_port = (uint16_t)(i + 5000);
        other.server.bytes[10] = (uint8_t)(i >> 16);
        assert_false(servers_failed(s, &other));
    }
    assert_false(servers_failed(s, &f));
    servers_free(s);
}

/* Flows to a server of which nDPI had no name are told as the last of them, without it. */
static void test_hopeless(void **state)
{
    (void)state;
    struct message m = { .len = 0 };
    struct frame f;
    struct rig r;
    const struct classify_conf conf = { 0 };
    struct classify_result first = { 0 }, result;
    put(&m, BYTES("\xe1\x7c\x90\x02zq7\xff\x81\x13\xc5\x99\x20vb\x8f"));
    frame_make(&f, PACKET_PROTO_TCP, TS, nowhere, 40123, &m);
    rig_open(&r, PACKET_PROTO_TCP, 40123);
    memset(r.slots, 0, sizeof(r.slots));
    struct classify_ctx *c = classify_create(&conf, r.app, r.slab, &r.counters);
    for (unsigned n = 0; n < 8; n++) {
        for (unsigned i = 0; i < 10; i++)
            classify_packet(c, &r.flow, TS, &f.p);
        classify_finish(&r.flow);
        assert_true(classify_get(c, &r.flow, &result));
        if (n == 0)
            first = result;
        assert_memory_equal(&result, &first, sizeof(result));
        classify_flow_free(c, &r.flow);
    }
    assert_int_equal(counted(r.slots, "classify.hopeless"), 8 - SERVERS_FAILED);
    assert_int_equal(counted(r.slots, "classify.flows"), SERVERS_FAILED);
    assert_int_equal(counted(r.slots, "classify.packets"), 6 + 6 + 2);
    classify_free(c);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_hello), cmocka_unit_test(test_long_host),
        cmocka_unit_test(test_server_hello), cmocka_unit_test(test_dns_query),
        cmocka_unit_test(test_held),         cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_servers),      cmocka_unit_test(test_hopeless),
        cmocka_unit_test(test_same_names),   cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_same_http),    cmocka_unit_test(test_budget),
        cmocka_unit_test(test_server_ack),   cmocka_unit_test(test_through),
        cmocka_unit_test(test_http_request), cmocka_unit_test(test_http_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
