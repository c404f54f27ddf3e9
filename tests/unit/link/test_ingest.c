/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment and batches over real TLS into a real store. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <pthread.h>
#include <cmocka.h>

#include "collector/auth/auth.h"
#include "collector/ingest/record.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/event.h"
#include "common/file.h"
#include "common/json.h"
#include "common/sign.h"
#include "common/token.h"
#include "sensor/uplink/batch.h"
#include "sensor/uplink/identity.h"
#include "tests/unit/link/bench.h"

#define E1 "0123456789abcdef0123456789abcdef"
#define E2 "fedcba9876543210fedcba9876543210"

static int64_t ask(struct bench *b, const char *command, const char *key, const char *field)
{
    struct store_reply *r;
    store_command(store_conn(b->redis->store, NULL), &r, command, key, field);
    int64_t n = store_reply_int(r);
    store_reply_free(r);
    return n;
}

static int64_t entries(struct bench *b, const char *key)
{
    return ask(b, "XLEN %s%s", key, "");
}

static char *dir_of(struct bench *b, const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", b->redis->dir, name);
    return out;
}

static long post(struct client *c, const char *epoch, const char *lane, unsigned first,
                 unsigned count, const char *oldest, uint64_t *committed)
{
    struct buf raw, body;
    char f[16], n[16];

    buf_init(&raw, 1u << 24);
    buf_init(&body, 65536);
    snprintf(f, sizeof(f), "%u", first);
    snprintf(n, sizeof(n), "%u", count);
    bench_alerts(&raw, epoch, lane, first, count);
    struct bench_batch h = { epoch, lane, f, n, oldest, NULL };
    long status = bench_post(c, &h, raw.data, raw.len, committed, &body);
    buf_free(&raw);
    buf_free(&body);
    return status;
}

static void token_round_trip_and_refusals(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        { "", "begins with" },
        { "hello", "begins with" },
        { "abeng1.", "copy the whole line" },
        { "abeng1.!!!", "copy the whole line" },
        { "abeng1.e30", "id" },
        { "abeng1.W10", "copy the whole line" },
    };
    struct token t = { .id = "s1", .address_count = 1 }, back;
    struct buf b;
    char why[256];
    (void)state;

    buf_init(&b, TOKEN_MAX);
    token_make_secret(t.secret);
    memset(t.ca, 'a', TOKEN_CA_TEXT - 1);
    strcpy(t.addresses[0], "collector.example.org:8444");
    token_write(&b, &t);
    buf_text(&b, "\n");
    assert_int_equal(token_read((char *)b.data, b.len, &back, why, sizeof(why)), 0);
    assert_string_equal(back.secret, t.secret);
    assert_string_equal(back.addresses[0], t.addresses[0]);
    assert_int_equal(token_read((char *)b.data, b.len - 9, &back, why, sizeof(why)), ABENG_EFORMAT);
    buf_free(&b);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(token_read(bad[i].text, strlen(bad[i].text), &back, why, sizeof(why)),
                         ABENG_EFORMAT);
        assert_non_null(strstr(why, bad[i].says));
    }
}

static void enrolment_gives_an_identity(void **state)
{
    struct bench *b = *state;
    struct identity id;
    struct stat st;
    char dir[128], path[160], why[256];

    assert_int_equal(bench_enrol(b, "s1", "jm,bb", dir_of(b, "s1", dir)), 0);
    assert_int_equal(identity_load(dir, &id, why, sizeof(why)), 0);
    assert_string_equal(id.id, "s1");
    assert_string_equal(id.states, "jm,bb");
    assert_true(id.ends_s > id.begins_s + 80 * 86400);
    snprintf(path, sizeof(path), "%s/sensor.key", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    identity_free(&id);
    /* active: not invited twice; enrolled: not replaced by accident */
    assert_int_equal(bench_enrol(b, "s1", "jm", dir), ABENG_EEXIST);
    assert_int_equal(bench_enrol(b, "s1b", "jm", dir), 1);
}

static void invitations_are_checked(void **state)
{
    static const struct {
        const char *name, *states, *site;
    } bad[] = {
        { "", "jm", NULL },  { "../x", "jm", NULL }, { "a b", "jm", NULL }, { "x", "", NULL },
        { "x", "JM", NULL }, { "x", "us", NULL },    { "x", "jm,", NULL },  { "x", "jm;bb", NULL },
        { "x", "rg", NULL }, { "x", "jm", "a/b" },
    };
    struct bench *b = *state;
    char why[256];
    struct buf token;
    uint64_t expires;

    buf_init(&token, 4096);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sensors_invitation in = { .name = bad[i].name,
                                         .states = bad[i].states,
                                         .site = bad[i].site };
        int err = sensors_invite(b->sensors, &in, &token, &expires, why, sizeof(why));
        assert_int_equal(err, ABENG_EINVAL);
    }
    buf_free(&token);
}

/* An invitation as the sensor's end holds it. */
struct held {
    char secret[TOKEN_SECRET_TEXT];
    struct buf request;
};

static void hold(struct bench *b, const char *name, unsigned minutes, bool approve, struct held *h)
{
    struct sensors_invitation in = {
        .name = name, .states = "jm", .hold = approve, .minutes = minutes
    };
    struct token t;
    struct buf token;
    char why[256], dir[128];
    uint64_t expires;

    buf_init(&token, 4096);
    buf_init(&h->request, 65536);
    assert_int_equal(sensors_invite(b->sensors, &in, &token, &expires, why, sizeof(why)), 0);
    assert_int_equal(token_read((char *)token.data, token.len, &t, why, sizeof(why)), 0);
    memcpy(h->secret, t.secret, sizeof(h->secret));
    assert_int_equal(identity_request(dir_of(b, name, dir), 0, &h->request, why, sizeof(why)), 0);
    buf_free(&token);
}

static int claim(struct bench *b, const struct held *h, struct sensors_grant *g, char why[256])
{
    return sensors_enrol(b->sensors, h->secret, (char *)h->request.data, h->request.len, g, why,
                         256);
}

static void held_invitation_waits_for_a_person(void **state)
{
    struct bench *b = *state;
    struct sensors_grant g;
    struct held h;
    char why[256], print[CA_FINGERPRINT_TEXT];

    hold(b, "held", 0, true, &h);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(claim(b, &h, &g, why), 0);
        assert_true(g.pending);
        buf_free(&g.certificate);
    }
    ca_fingerprint_text(g.key, print);
    assert_int_equal(sensors_approve(b->sensors, "nobody", print, why, 256), ABENG_ENOENT);
    assert_int_equal(sensors_approve(b->sensors, "held", "00ff", why, 256), ABENG_EDENIED);
    assert_int_equal(sensors_approve(b->sensors, "held", print, why, 256), 0);
    assert_int_equal(claim(b, &h, &g, why), 0);
    assert_false(g.pending);
    assert_string_equal(g.who.id, "held");
    buf_free(&g.certificate);
    assert_int_equal(sensors_approve(b->sensors, "held", print, why, 256), ABENG_ECONFLICT);
    buf_free(&h.request);
}

static void token_is_for_one_key(void **state)
{
    struct bench *b = *state;
    struct sensors_grant g;
    struct held h, other;
    char why[256];

    hold(b, "once", 0, false, &h);
    assert_int_equal(claim(b, &h, &g, why), 0);
    buf_free(&g.certificate);
    /* the answer was lost: the same key may ask again */
    assert_int_equal(claim(b, &h, &g, why), 0);
    buf_free(&g.certificate);
    hold(b, "thief", 0, false, &other);
    memcpy(other.secret, h.secret, sizeof(h.secret));
    assert_int_equal(claim(b, &other, &g, why), ABENG_EDENIED);
    assert_non_null(strstr(why, "another key"));
    buf_free(&g.certificate);
    memset(other.secret, 'x', sizeof(other.secret) - 1);
    assert_int_equal(claim(b, &other, &g, why), ABENG_EDENIED);
    buf_free(&g.certificate);
    buf_free(&h.request);
    buf_free(&other.request);
}

static void batch_is_stored_once(void **state)
{
    struct bench *b = *state;
    char dir[128];
    uint64_t at;
    struct client *c = bench_client(b, dir_of(b, "s1", dir));

    assert_int_equal(post(c, E1, "jm.bulk", 1, 100, NULL, &at), 200);
    assert_int_equal(at, 100);
    assert_int_equal(entries(b, "{jm}:ing"), 1);
    /* the whole again: the answer was lost */
    assert_int_equal(post(c, E1, "jm.bulk", 1, 100, NULL, &at), 200);
    assert_int_equal(at, 100);
    assert_int_equal(entries(b, "{jm}:ing"), 1);
    /* half of it known */
    assert_int_equal(post(c, E1, "jm.bulk", 51, 100, NULL, &at), 200);
    assert_int_equal(at, 150);
    assert_int_equal(entries(b, "{jm}:ing"), 2);
    /* a hole */
    assert_int_equal(post(c, E1, "jm.bulk", 200, 10, NULL, &at), 409);
    assert_int_equal(at, 150);
    assert_int_equal(entries(b, "{jm}:ing"), 2);
    /* a hole that nobody can fill any more */
    assert_int_equal(post(c, E1, "jm.bulk", 200, 10, "200", &at), 200);
    assert_int_equal(at, 209);
    assert_int_equal(ask(b, "HGET %s %s", "{jm}:ledger:s1", "lost"), 49);
    assert_int_equal(ask(b, "HGET %s %s", "{jm}:ledger:s1", "received"), 160);
    /* other lanes stand for themselves */
    assert_int_equal(post(c, E1, "jm.urgent", 2, 1, NULL, &at), 409);
    assert_int_equal(at, 0);
    assert_int_equal(post(c, E1, "bb.bulk", 1, 5, NULL, &at), 200);
    assert_int_equal(entries(b, "{bb}:ing"), 1);
    client_free(c);
}

static void entry_reads_back(void **state)
{
    struct bench *b = *state;
    struct store_reply *r;
    struct record_batch batch;
    struct record_room room;

    record_room_init(&room, INGEST_RAW_MAX);
    store_command(store_conn(b->redis->store, "jm"), &r, "XRANGE {jm}:ing - +");
    assert_int_equal(record_batch_read(store_reply_at(r, 1), &batch), 0);
    assert_string_equal(batch.sensor, "s1");
    assert_string_equal(batch.lane, "jm.bulk");
    assert_int_equal(batch.first, 101);
    assert_int_equal(batch.count, 50);
    assert_int_equal(record_batch_open(&batch, &room), 0);
    const struct record *rec = &batch.list[0];
    assert_int_equal(batch.list[49].kind, RECORD_ALERT);
    assert_int_equal(rec->kind, RECORD_ALERT);
    assert_int_equal(rec->sid, 3000001);
    assert_int_equal(rec->src_port, 40000);
    assert_int_equal(rec->proto, 6);
    assert_true(record_has(rec, RECORD_SIGNATURE, batch.text_len));
    assert_memory_equal(batch.text + rec->spans[RECORD_SIGNATURE].at, "ABENG TEST", 10);
    const struct span *line = &rec->spans[RECORD_LINE];
    assert_int_equal(batch.text[line->at], '{');
    assert_int_equal(batch.text[line->at + line->len], '\n');
    /* the record is number 101, not the first line of the frame */
    room.text.data[line->at + line->len] = '\0';
    assert_non_null(strstr(batch.text + line->at, "\"seq\":101"));
    /* a text of another length is none */
    batch.text_len--;
    assert_int_equal(record_batch_open(&batch, &room), ABENG_EFORMAT);
    store_reply_free(r);
    record_room_free(&room);
}

static void new_epoch_accounts_for_the_one_before(void **state)
{
    struct bench *b = *state;
    char dir[128];
    uint64_t at;
    struct buf raw, body;
    struct client *c = bench_client(b, dir_of(b, "s1", dir));
    int64_t lost = ask(b, "HGET %s %s", "{jm}:ledger:s1", "lost");
    struct event_epoch e = { .time_ns = clock_now(clock_system()),
                             .previous = E1,
                             .last = 220,
                             .abeng = { .epoch = E2, .lane = "jm.bulk", .seq = 1 } };
    struct event_gap g = { .time_ns = e.time_ns,
                           .lost = 7,
                           .why = "disk_full",
                           .abeng = { .epoch = E2, .lane = "jm.bulk", .seq = 2 } };
    struct bench_batch h = { E2, "jm.bulk", "1", "2", NULL, NULL };

    buf_init(&raw, 65536);
    buf_init(&body, 65536);
    event_epoch_write(&raw, &e);
    buf_byte(&raw, '\n');
    event_gap_write(&raw, &g);
    buf_byte(&raw, '\n');
    assert_int_equal(bench_post(c, &h, raw.data, raw.len, &at, &body), 200);
    /* 210..220 of the old epoch never came, and seven had no number */
    assert_int_equal(ask(b, "HGET %s %s", "{jm}:ledger:s1", "lost"), lost + 11 + 7);
    buf_free(&raw);
    buf_free(&body);
    client_free(c);
}

static void bad_batches_store_nothing(void **state)
{
    static const struct {
        const char *epoch, *lane, *first, *count, *type, *raw;
        long status;
        const char *says;
    } cases[] = {
        { E2, "jm.bulk", "3", "1", NULL, "{\"timestamp\":\n", 400, "line 1" },
        { E2, "jm.bulk", "3", "1", NULL, "\xff\xfe\n", 400, "line 1" },
        { E2, "jm.bulk", "3", "2", NULL,
          "{\"timestamp\":\"2026-11-20T10:00:00.000000+0000\",\"event_type\":\"x\"}\n", 400,
          "fewer" },
        { E2, "jm.bulk", "3", "1", NULL,
          "{\"timestamp\":\"2026-11-20T10:00:00.000000+0000\",\"event_type\":\"x\"}\n"
          "{\"timestamp\":\"2026-11-20T10:00:00.000000+0000\",\"event_type\":\"x\"}\n",
          400, "more" },
        { E2, "jm.bulk", "3", "1", NULL,
          "{\"timestamp\":\"2026-11-20T10:00:00.000000+0000\",\"event_type\":\"alert\"}\n", 400,
          "line 1" },
        { E2, "jm.bulk", "0", "1", NULL, "{}", 400, "Abeng-First-Seq" },
        { E2, "jm.bulk", "-1", "1", NULL, "{}", 400, "Abeng-First-Seq" },
        { E2, "jm.bulk", "3", "99999999", NULL, "{}", 400, "at most" },
        { E2, "jm.bulk", "3", "0", NULL, "{}", 400, "Abeng-Count" },
        { "short", "jm.bulk", "3", "1", NULL, "{}", 400, "Abeng-Epoch" },
        { E2, "jm.other", "3", "1", NULL, "{}", 400, "Abeng-Lane" },
        { E2, "zz.bulk", "3", "1", NULL, "{}", 400, "Abeng-Lane" },
        { E2, "tt.bulk", "3", "1", NULL, "{}", 403, "does not speak for" },
        { E2, "jm.bulk", "3", "1", "text/plain", "{}", 415, "application/x-ndjson" },
    };
    struct bench *b = *state;
    char dir[128];
    uint64_t at;
    struct buf body;
    struct client *c = bench_client(b, dir_of(b, "s1", dir));
    int64_t before = entries(b, "{jm}:ing");

    buf_init(&body, 65536);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench_batch h = { cases[i].epoch, cases[i].lane, cases[i].first,
                                 cases[i].count, NULL,          cases[i].type };
        long status = bench_post(c, &h, cases[i].raw, strlen(cases[i].raw), &at, &body);
        assert_int_equal(status, cases[i].status);
        assert_non_null(strstr(buf_str(&body), cases[i].says));
    }
    assert_int_equal(entries(b, "{jm}:ing"), before);
    buf_free(&body);
    client_free(c);
}

static void bombs_and_broken_frames_are_refused(void **state)
{
    struct bench *b = *state;
    char dir[128], why[256];
    uint64_t at;
    struct buf body;
    struct client *c = bench_client(b, dir_of(b, "s1", dir));
    struct bench_batch h = { E2, "jm.bulk", "3", "1", NULL, NULL };
    size_t size = INGEST_RAW_MAX + 1;
    char *zeros = calloc(1, size);
    struct client_reply reply;
    struct client_header headers[] = { { "Content-Type", "application/x-ndjson" },
                                       { "Content-Encoding", "zstd" },
                                       { "Abeng-Epoch", E2 },
                                       { "Abeng-Lane", "jm.bulk" },
                                       { "Abeng-First-Seq", "3" },
                                       { "Abeng-Count", "1" } };
    struct client_request req = { .path = "/v1/batches",
                                  .headers = headers,
                                  .header_count = 6,
                                  .body = zeros,
                                  .body_len = 1000,
                                  .timeout_ms = 20000,
                                  .reply_max = 65536 };

    buf_init(&body, 65536);
    assert_int_equal(bench_post(c, &h, zeros, size, &at, &body), 413);
    assert_int_equal(client_call(c, &req, &reply, why, sizeof(why)), 0);
    assert_int_equal(reply.status, 400);
    req.body_len = INGEST_FRAME_MAX + 1;
    assert_int_equal(client_call(c, &req, &reply, why, sizeof(why)), 0);
    assert_int_equal(reply.status, 413);
    free(zeros);
    buf_free(&body);
    client_free(c);
}

static void strangers_are_refused(void **state)
{
    struct bench *b = *state;
    char dir[128], path[160], why[256];
    uint64_t at;
    struct client *c = bench_client(b, NULL);

    assert_int_equal(post(c, E1, "jm.bulk", 1, 1, NULL, &at), 401);
    client_free(c);
    /* the same name from another CA */
    const char *const names[] = { "localhost" };
    int created;
    snprintf(path, sizeof(path), "%s/otherca", b->redis->dir);
    struct ca *other = ca_open(path, names, 1, &created);
    struct ca_identity who = { .id = "s1", .site = "s1", .states = "jm" };
    struct buf request, cert;
    buf_init(&request, 65536);
    buf_init(&cert, 65536);
    identity_request(dir_of(b, "foreign", dir), 0, &request, why, sizeof(why));
    assert_int_equal(ca_sign_request(other, (char *)request.data, request.len, &who, 90, &cert, why,
                                     sizeof(why)),
                     0);
    snprintf(path, sizeof(path), "%s/sensor.crt", dir);
    file_replace(path, cert.data, cert.len, 0644);
    c = bench_client(b, dir);
    assert_int_equal(post(c, E1, "jm.bulk", 1, 1, NULL, &at), 403);
    client_free(c);
    ca_close(other);
    buf_free(&request);
    buf_free(&cert);
}

static void expired_certificate_is_refused(void **state)
{
    struct bench *b = *state;
    struct held h;
    struct sensors_grant g;
    char why[256];
    struct ca_identity who;

    hold(b, "old", 0, false, &h);
    assert_int_equal(claim(b, &h, &g, why), 0);
    size_t len;
    uint8_t *der = bench_der(&g.certificate, &len);
    uint64_t now = clock_now(clock_system());
    if (ca_verify_client(b->ca, der, len, now, &who, why, sizeof(why)))
        fail_msg("%s", why);
    assert_int_equal(
        ca_verify_client(b->ca, der, len, g.who.not_after_ns + NS_PER_S, &who, why, sizeof(why)),
        ABENG_EAUTH);
    assert_non_null(strstr(why, "expired"));
    assert_int_equal(
        ca_verify_client(b->ca, der, len, now - 7200 * NS_PER_S, &who, why, sizeof(why)),
        ABENG_EAUTH);
    assert_int_equal(ca_verify_client(b->ca, der, len - 1, now, &who, why, sizeof(why)),
                     ABENG_EFORMAT);
    free(der);
    buf_free(&g.certificate);
    buf_free(&h.request);
}

static void requests_of_other_kinds_are_refused(void **state)
{
    uint8_t print[CA_FINGERPRINT];
    char why[256];
    (void)state;

    assert_int_equal(ca_check_request("", 0, print, why, sizeof(why)), ABENG_EFORMAT);
    assert_int_equal(ca_check_request("-----BEGIN", 10, print, why, sizeof(why)), ABENG_EFORMAT);
    char *large = calloc(1, 20000);
    assert_int_equal(ca_check_request(large, 20000, print, why, sizeof(why)), ABENG_ELIMIT);
    free(large);
}

static void health_and_account_are_shown(void **state)
{
    static const char report[] =
        "{\"time_ms\":1,\"version\":\"0.1\",\"packets\":12,\"lanes\":[{\"lane\":\"jm.bulk\","
        "\"raised\":12}],\"drops\":{\"capture.kernel\":3,\"evil\":\"<x>\"},\"unknown\":[1]}";
    struct bench *b = *state;
    struct buf out;
    struct json j;

    buf_init(&out, 1u << 20);
    assert_int_equal(sensors_health(b->sensors, "s1", report, strlen(report), 5 * NS_PER_S, -40),
                     0);
    assert_int_equal(sensors_health(b->sensors, "nobody", report, strlen(report), 5 * NS_PER_S, 0),
                     ABENG_ENOENT);
    json_begin(&j, &out);
    json_open_array(&j, NULL);
    assert_int_equal(sensors_write_json(b->sensors, "jm", NULL, &j), 0);
    json_close_array(&j);
    const char *text = buf_str(&out);
    assert_non_null(strstr(text, "\"states\":[\"jm\"]"));
    assert_non_null(strstr(text, "\"received\":162"));
    buf_clear(&out);
    json_begin(&j, &out);
    json_open_array(&j, NULL);
    assert_int_equal(sensors_write_json(b->sensors, "*", NULL, &j), 0);
    json_close_array(&j);
    text = buf_str(&out);
    assert_non_null(strstr(text, "\"id\":\"s1\""));
    assert_non_null(strstr(text, "\"states\":[\"jm\",\"bb\"]"));
    assert_non_null(strstr(text, "\"drops\":{\"capture.kernel\":3}"));
    assert_non_null(strstr(text, "\"clock_offset_ms\":-40"));
    assert_null(strstr(text, "<x>"));
    /* 160 + 2 in Jamaica's ledger, 5 in Barbados's; ten raised and not here yet */
    assert_non_null(strstr(text, "\"received\":167"));
    assert_non_null(strstr(text, "\"lane\":\"jm.bulk\",\"committed\":2,\"raised\":12"));
    buf_clear(&out);
    json_begin(&j, &out);
    json_open_array(&j, NULL);
    assert_int_equal(sensors_write_json(b->sensors, "tt", NULL, &j), 0);
    json_close_array(&j);
    assert_string_equal(buf_str(&out), "[]");
    buf_free(&out);
}

static void command_wakes_a_waiting_sensor(void **state)
{
    struct bench *b = *state;
    char dir[128], why[256];
    struct client *c = bench_client(b, dir_of(b, "s1", dir));
    struct client_request req = { .path = "/v1/commands", .timeout_ms = 20000, .reply_max = 65536 };
    struct client_reply reply;
    uint64_t begin = clock_mono_ns();

    assert_int_equal(sensors_command(b->sensors, "s1", "pull_bundle", "national"), 0);
    assert_int_equal(sensors_command(b->sensors, "s1", "pull_bundle", "national"), 0);
    assert_int_equal(client_call(c, &req, &reply, why, sizeof(why)), 0);
    assert_string_equal(buf_str(reply.body),
                        "{\"commands\":[{\"verb\":\"pull_bundle\",\"argument\":\"national\"}]}");
    assert_true(clock_mono_ns() - begin < 5 * NS_PER_S);
    client_free(c);
}

/* ---- packets on request ------------------------------------------------------------------------ */

static int ask_packets(struct bench *b, const char *sensor, const void *bytes, size_t len,
                       char id[32])
{
    char hash[SIGN_DIGEST_TEXT];
    sign_digest_text(bytes, len, hash);
    struct packets_wanted wanted = { .state = "jm",
                                     .incident = "jm-3",
                                     .sensor = sensor,
                                     .epoch = "00112233445566778899aabbccddeeff",
                                     .lane = "jm.bulk",
                                     .seq = 7,
                                     .file = "0123456789abcdef-00000000.pcaps",
                                     .hash = hash,
                                     .length = len,
                                     .packets = 2,
                                     .reason = "what was sent?",
                                     .by = "anybody" };
    return packets_ask(b->packets, &wanted, id);
}

static bool status_is(struct bench *b, const char *id, const char *status)
{
    struct buf out;
    struct json j;
    char want[64];
    buf_init(&out, 8192);
    json_begin(&j, &out);
    assert_int_equal(packets_write(b->packets, id, &j), ABENG_OK);
    snprintf(want, sizeof(want), "\"status\":\"%s\"", status);
    bool is = strstr(buf_str(&out), want);
    buf_free(&out);
    return is;
}

static size_t verbs_for(struct bench *b, const char *sensor)
{
    struct buf out;
    struct json j;
    size_t count = 0;
    buf_init(&out, 8192);
    json_begin(&j, &out);
    packets_take(b->packets, sensor, &j, &count);
    buf_free(&out);
    return count;
}

static void packets_come_from_the_asked_sensor_alone(void **state)
{
    struct bench *b = *state;
    static const char bytes[] = "the packets";
    char id[32], refused[32];
    assert_int_equal(ask_packets(b, "s1", bytes, sizeof(bytes), id), ABENG_OK);
    assert_int_equal(verbs_for(b, "s2"), 0);
    assert_int_equal(verbs_for(b, "s1"), 1);
    assert_int_equal(verbs_for(b, "s1"), 0); /* told just now */
    assert_int_equal(packets_answer(b->packets, "s2", id, bytes, sizeof(bytes), NULL),
                     ABENG_ENOENT);
    assert_int_equal(packets_answer(b->packets, "s1", id, "others", 6, NULL), ABENG_EFORMAT);
    assert_null(packets_path(b->packets, id));
    assert_int_equal(packets_answer(b->packets, "s1", id, bytes, sizeof(bytes), NULL), ABENG_OK);
    assert_true(status_is(b, id, "received"));
    assert_int_equal(packets_answer(b->packets, "s1", id, bytes, sizeof(bytes), NULL),
                     ABENG_ENOENT);
    assert_int_equal(ask_packets(b, "s1", bytes, sizeof(bytes), refused), ABENG_OK);
    assert_int_equal(packets_answer(b->packets, "s1", refused, NULL, 0, "gone <script>"), ABENG_OK);
    assert_true(status_is(b, refused, "refused"));
}

static void requests_outlive_the_process(void **state)
{
    struct bench *b = *state;
    static const char bytes[] = "more packets";
    char id[32], dir[128];
    assert_int_equal(ask_packets(b, "s1", bytes, sizeof(bytes), id), ABENG_OK);
    snprintf(dir, sizeof(dir), "%s/evidence", b->redis->dir);
    struct packets *again = packets_open(dir, b->sensors, clock_system());
    assert_non_null(again);
    struct buf out;
    struct json j;
    buf_init(&out, 65536);
    json_begin(&j, &out);
    assert_int_equal(packets_write(again, id, &j), ABENG_OK);
    buf_clear(&out);
    json_begin(&j, &out);
    assert_int_equal(packets_write_all(again, auth_scope("bb"), NULL, &j), 0);
    assert_int_equal(packets_write_all(again, auth_scope("jm"), "jm-4", &j), 0);
    assert_true(packets_write_all(again, auth_scope("jm"), "jm-3", &j) > 0);
    buf_free(&out);
    packets_close(again);
    assert_int_equal(packets_answer(b->packets, "s1", id, bytes, sizeof(bytes), NULL), ABENG_OK);
}

static void a_place_that_is_none_is_not_asked_for(void **state)
{
    struct bench *b = *state;
    char id[32];
    struct packets_wanted wanted = { .state = "jm",
                                     .incident = "jm-3",
                                     .sensor = "s1",
                                     .epoch = "e",
                                     .lane = "jm.bulk",
                                     .file = "../../etc/passwd",
                                     .hash = "00",
                                     .length = 10,
                                     .reason = "r",
                                     .by = "anybody" };
    assert_int_equal(packets_ask(b->packets, &wanted, id), ABENG_EINVAL);
    wanted.file = "a.pcaps";
    assert_int_equal(packets_ask(b->packets, &wanted, id), ABENG_EINVAL);
}

static void *revoke_soon(void *arg)
{
    struct bench *b = arg;
    char why[256];

    usleep(300 * 1000);
    sensors_revoke(b->sensors, "s1", "lost in the post", why, sizeof(why));
    return NULL;
}

/* The long poll of a revoked sensor ends at once; nothing of it is taken any more. */
static void revocation_ends_the_session(void **state)
{
    struct bench *b = *state;
    char dir[128], why[256];
    uint64_t at;
    pthread_t other;
    struct client *c = bench_client(b, dir_of(b, "s1", dir));
    struct client_request req = { .path = "/v1/commands", .timeout_ms = 20000, .reply_max = 65536 };
    struct client_reply reply = { 0 };
    uint64_t begin = clock_mono_ns();

    pthread_create(&other, NULL, revoke_soon, b);
    int err = client_call(c, &req, &reply, why, sizeof(why));
    assert_true(err == ABENG_EAGAIN || reply.status == 403);
    assert_true(clock_mono_ns() - begin < 1300 * NS_PER_MS);
    pthread_join(other, NULL);
    int64_t before = entries(b, "{jm}:ing");
    assert_int_equal(post(c, E2, "jm.bulk", 3, 1, NULL, &at), 403);
    assert_int_equal(entries(b, "{jm}:ing"), before);
    client_free(c);
    /* and may be invited again */
    assert_int_equal(bench_enrol(b, "s1", "jm", dir_of(b, "s1again", dir)), 0);
}

static void answers_are_read(void **state)
{
    static const struct {
        long status;
        const char *body;
        enum batch_next next;
    } cases[] = {
        { 200, "{\"committed\":109}", BATCH_COMMITTED },
        { 200, "{\"committed\":104}", BATCH_REWIND },
        { 200, "{\"committed\":-1}", BATCH_WAIT },
        { 200, "<html>", BATCH_WAIT },
        { 409, "{\"committed\":5}", BATCH_REWIND },
        { 409, "", BATCH_WAIT },
        { 400, "{\"rule\":\"batch.record\"}", BATCH_BAD },
        { 400, "{\"rule\":\"batch.header\"}", BATCH_WAIT },
        { 400, "Bad Request", BATCH_WAIT },
        { 413, "{\"rule\":\"batch.raw\"}", BATCH_BAD },
        { 413, "proxy says no", BATCH_WAIT },
        { 403, "{}", BATCH_REFUSED },
        { 401, "{}", BATCH_REFUSED },
        { 429, "{}", BATCH_WAIT },
        { 502, "", BATCH_WAIT },
    };
    struct batch b = { .first = 100, .count = 10 };
    uint64_t committed;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf body;
        buf_init(&body, 1000);
        buf_text(&body, cases[i].body);
        assert_int_equal(batch_judge(&b, cases[i].status, &body, &committed), cases[i].next);
        buf_free(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(token_round_trip_and_refusals),
        cmocka_unit_test(enrolment_gives_an_identity),
        cmocka_unit_test(invitations_are_checked),
        cmocka_unit_test(held_invitation_waits_for_a_person),
        cmocka_unit_test(token_is_for_one_key),
        cmocka_unit_test(batch_is_stored_once),
        cmocka_unit_test(entry_reads_back),
        cmocka_unit_test(new_epoch_accounts_for_the_one_before),
        cmocka_unit_test(bad_batches_store_nothing),
        cmocka_unit_test(bombs_and_broken_frames_are_refused),
        cmocka_unit_test(strangers_are_refused),
        cmocka_unit_test(expired_certificate_is_refused),
        cmocka_unit_test(requests_of_other_kinds_are_refused),
        cmocka_unit_test(health_and_account_are_shown),
        cmocka_unit_test(packets_come_from_the_asked_sensor_alone),
        cmocka_unit_test(requests_outlive_the_process),
        cmocka_unit_test(a_place_that_is_none_is_not_asked_for),
        cmocka_unit_test(command_wakes_a_waiting_sensor),
        cmocka_unit_test(revocation_ends_the_session),
    };
    return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
