/* SPDX-License-Identifier: Apache-2.0 */
/* The link's two ends for tests. */
#include "config.h"
#include "tests/unit/link/bench.h"

#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/event.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "common/zst.h"
#include "sensor/uplink/enrol.h"

int bench_setup(void **state)
{
    static const char *const names[] = { "localhost", "127.0.0.1" };
    struct bench *b = xcalloc(1, sizeof(*b));
    char dir[80];
    int created;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (fixture_setup((void **)&b->redis) || sign_init())
        return -1;
    snprintf(dir, sizeof(dir), "%s/ca", b->redis->dir);
    b->ca = ca_open(dir, names, 2, &created);
    b->addresses[0] = b->address;
    b->sensors = sensors_create(&(struct sensors_conf){
        .store = b->redis->store, .ca = b->ca, .addresses = b->addresses, .address_count = 1 });
    snprintf(dir, sizeof(dir), "%s/evidence", b->redis->dir);
    b->packets = packets_open(dir, b->sensors, clock_system());
    b->ingest = (struct ingest){ .store = b->redis->store,
                                 .sensors = b->sensors,
                                 .packets = b->packets,
                                 .clock = clock_system() };
    b->table = ingest_table(&b->ingest);
    b->listener = (struct http_listener){
        .name = "sensors",
        .address = "127.0.0.1:0",
        .cert_pem = ca_server_cert_pem(b->ca),
        .key_pem = ca_server_key_pem(b->ca),
        .client_ca_pem = ca_cert_pem(b->ca),
        .tables = &b->table,
        .table_count = 1,
        .admit = sensors_admit,
        .admit_arg = b->sensors,
    };
    b->http = http_server_start(&(struct http_conf){ 0 }, &b->listener, 1);
    if (!b->http)
        return -1;
    sensors_attach(b->sensors, b->http);
    snprintf(b->address, sizeof(b->address), "localhost:%u", http_server_port(b->http, 0));
    *state = b;
    return 0;
}

int bench_teardown(void **state)
{
    struct bench *b = *state;
    void *redis = b->redis;

    http_server_stop(b->http);
    packets_close(b->packets);
    sensors_free(b->sensors);
    ca_close(b->ca);
    fixture_teardown(&redis);
    for (size_t i = 0; i < b->path_count; i++)
        free(b->paths[i]);
    free(b);
    return 0;
}

static int run_enrol(const char *token, const char *dir)
{
    char *argv[] = { (char *)"enrol", (char *)"--token",      (char *)(uintptr_t)token,
                     (char *)"--dir", (char *)(uintptr_t)dir, NULL };
    return enrol_main(5, argv);
}

int bench_enrol(struct bench *b, const char *name, const char *states, const char *dir)
{
    struct sensors_invitation in = { .name = name, .states = states };
    struct buf token;
    char why[256];
    uint64_t expires;

    buf_init(&token, 4096);
    int err = sensors_invite(b->sensors, &in, &token, &expires, why, sizeof(why));
    if (!err)
        err = run_enrol(buf_str(&token), dir);
    buf_free(&token);
    return err;
}

static const char *keep_path(struct bench *b, const char *dir, const char *name)
{
    if (b->path_count == sizeof(b->paths) / sizeof(b->paths[0]))
        abort();
    return b->paths[b->path_count++] = xasprintf("%s/%s", dir, name);
}

struct client *bench_client(struct bench *b, const char *dir)
{
    struct client_conf conf = { .addresses = b->addresses, .address_count = 1 };

    conf.ca_path = keep_path(b, b->redis->dir, "ca/ca.crt");
    if (dir) {
        conf.cert_path = keep_path(b, dir, "sensor.crt");
        conf.key_path = keep_path(b, dir, "sensor.key");
    }
    return client_create(&conf);
}

long bench_post(struct client *c, const struct bench_batch *h, const void *raw, size_t len,
                uint64_t *committed, struct buf *body)
{
    struct client_header headers[] = {
        { "Content-Type", h->type ? h->type : "application/x-ndjson" },
        { "Content-Encoding", "zstd" },
        { "Abeng-Epoch", h->epoch },
        { "Abeng-Lane", h->lane },
        { "Abeng-First-Seq", h->first },
        { "Abeng-Count", h->count },
        { "Abeng-Oldest", h->oldest },
    };
    struct buf frame;
    struct client_reply reply = { 0 };
    char why[256];

    buf_init(&frame, 64u << 20);
    zst_compress(raw, len, 3, &frame);
    struct client_request req = { .path = "/v1/batches",
                                  .headers = headers,
                                  .header_count = h->oldest ? 7 : 6,
                                  .body = frame.data,
                                  .body_len = frame.len,
                                  .timeout_ms = 20000,
                                  .reply_max = 65536 };
    int err = client_call(c, &req, &reply, why, sizeof(why));
    buf_free(&frame);
    buf_clear(body);
    if (err) {
        buf_text(body, why);
        return err;
    }
    buf_add(body, reply.body->data, reply.body->len);
    const char *at = strstr(buf_str(body), "\"committed\":");
    *committed = at ? strtoull(at + strlen("\"committed\":"), NULL, 10) : 0;
    return reply.status;
}

void bench_alerts(struct buf *out, const char *epoch, const char *lane, uint64_t first,
                  unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct event_alert a = {
            .base = { .time_ns = clock_now(clock_system()),
                      .flow_id = 7 + i,
                      .ip_version = 4,
                      .proto = 6,
                      .sport = 40000,
                      .dport = 80,
                      .app_proto = "http" },
            .severity = 1,
            .gid = 1,
            .sid = 3000001,
            .rev = 2,
            .signature = "ABENG TEST \"quoted\"",
            .category = "Misc",
            .abeng = { .epoch = epoch, .lane = lane, .seq = first + i, .ruleset = "r1" },
        };
        addr_parse("192.0.2.1", &a.base.src);
        addr_parse("198.51.100.7", &a.base.dst);
        event_alert_write(out, &a);
        buf_byte(out, '\n');
    }
}

uint8_t *bench_der(const struct buf *pem, size_t *len)
{
    gnutls_datum_t in = { pem->data, (unsigned)pem->len }, out;

    if (gnutls_pem_base64_decode2("CERTIFICATE", &in, &out) < 0)
        return NULL;
    uint8_t *der = xmemdup(out.data, out.size);
    *len = out.size;
    gnutls_free(out.data);
    return der;
}
