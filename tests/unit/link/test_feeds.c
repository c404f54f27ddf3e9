/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: what is published, what is refused, and what a sensor gets. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "collector/feeds/feeds.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/sign.h"
#include "signatures/bundle.h"
#include "tests/unit/link/bench.h"

struct stage {
    struct bench *bench;
    struct feeds *feeds;
    struct http_table tables[2];
    struct sign_secret partner, other;
    char key[200];
};

static int setup(void **state)
{
    struct stage *s = calloc(1, sizeof(*s));
    char dir[100];

    if (!s || bench_setup((void **)&s->bench))
        return -1;
    snprintf(dir, sizeof(dir), "%s/feeds", s->bench->redis->dir);
    s->feeds = feeds_open(dir, s->bench->redis->store, s->bench->sensors);
    sign_key_create(&s->partner);
    sign_key_create(&s->other);
    sign_public_format(&s->partner.public_key, s->key, sizeof(s->key));
    /* the same listener again, with the channels' routes */
    http_server_stop(s->bench->http);
    s->tables[0] = ingest_table(&s->bench->ingest);
    s->tables[1] = feeds_table(s->feeds);
    s->bench->listener.tables = s->tables;
    s->bench->listener.table_count = 2;
    s->bench->http = http_server_start(&(struct http_conf){ 0 }, &s->bench->listener, 1);
    sensors_attach(s->bench->sensors, s->bench->http);
    snprintf(s->bench->address, sizeof(s->bench->address), "localhost:%u",
             http_server_port(s->bench->http, 0));
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct stage *s = *state;
    void *bench = s->bench;
    struct feeds *feeds = s->feeds;

    free(s);
    int err = bench_teardown(&bench);
    feeds_close(feeds);
    return err;
}

static void pack(const char *channel, uint64_t version, uint64_t expires_ns, struct buf *out)
{
    struct bundle_manifest m = { .version = version, .expires_ns = expires_ns };
    struct bundle_file file = { "rules/test.rules", (const uint8_t *)"# none\n", 7 };
    char reason[256];

    snprintf(m.partner, sizeof(m.partner), "partner");
    snprintf(m.channel, sizeof(m.channel), "%s", channel);
    m.created_ns = expires_ns - 7 * 86400 * NS_PER_S;
    buf_init(out, FEEDS_BUNDLE_MAX);
    assert_int_equal(bundle_pack(&m, &file, 1, out, reason, sizeof(reason)), 0);
}

static int publish(struct stage *s, const struct sign_secret *key, const char *inside,
                   uint64_t version, int64_t life_s, char why[256])
{
    struct buf b;
    char sig[SIGN_FILE_MAX];
    uint64_t got = 0, now = clock_now(clock_system());

    pack(inside, version, now + (uint64_t)(life_s * (int64_t)NS_PER_S), &b);
    assert_int_equal(sign_make(key, b.data, b.len, "test", sig, sizeof(sig)), 0);
    int err = feeds_publish(s->feeds, "national", b.data, b.len, sig, &got, why, 256);
    buf_free(&b);
    return err;
}

static void channels_are_checked(void **state)
{
    struct stage *s = *state;
    char why[256], other[200];

    sign_public_format(&s->other.public_key, other, sizeof(other));
    assert_int_equal(feeds_add(s->feeds, "../x", "p", s->key, why, sizeof(why)), ABENG_EINVAL);
    assert_int_equal(feeds_add(s->feeds, "", "p", s->key, why, sizeof(why)), ABENG_EINVAL);
    assert_int_equal(feeds_add(s->feeds, "national", "p", "nonsense", why, sizeof(why)),
                     ABENG_EINVAL);
    assert_int_equal(feeds_add(s->feeds, "national", "p", s->key, why, sizeof(why)), 0);
    assert_int_equal(feeds_add(s->feeds, "national", "p", s->key, why, sizeof(why)), 0);
    assert_int_equal(feeds_add(s->feeds, "national", "p", other, why, sizeof(why)), ABENG_EEXIST);
}

static void only_what_is_signed_and_newer_is_published(void **state)
{
    struct stage *s = *state;
    char why[256];

    assert_int_equal(publish(s, &s->other, "national", 5, 86400, why), ABENG_EAUTH);
    assert_int_equal(publish(s, &s->partner, "elsewhere", 5, 86400, why), ABENG_EFORMAT);
    assert_non_null(strstr(why, "elsewhere"));
    assert_int_equal(publish(s, &s->partner, "national", 5, -86400, why), ABENG_EFORMAT);
    assert_int_equal(publish(s, &s->partner, "national", 5, 86400, why), 0);
    assert_int_equal(publish(s, &s->partner, "national", 5, 86400, why), ABENG_ECONFLICT);
    assert_int_equal(publish(s, &s->partner, "national", 4, 86400, why), ABENG_ECONFLICT);
    assert_int_equal(publish(s, &s->partner, "national", 7, 86400, why), 0);
    uint64_t version;
    assert_int_equal(feeds_publish(s->feeds, "unknown", "", 0, "", &version, why, sizeof(why)),
                     ABENG_ENOENT);
    assert_int_equal(
        feeds_publish(s->feeds, "national", "junk", 4, "junk", &version, why, sizeof(why)),
        ABENG_EAUTH);
}

static void sensor_pulls_once(void **state)
{
    struct stage *s = *state;
    struct client_request req = { .path = "/v1/bundles/national",
                                  .timeout_ms = 10000,
                                  .reply_max = 1u << 20 };
    struct client_reply reply;
    char dir[128], why[256], etag[128];

    snprintf(dir, sizeof(dir), "%s/s1", s->bench->redis->dir);
    assert_int_equal(bench_enrol(s->bench, "s1", "jm", dir), 0);
    struct client *c = bench_client(s->bench, dir);
    assert_int_equal(client_call(c, &req, &reply, why, sizeof(why)), 0);
    assert_int_equal(reply.status, 200);
    assert_memory_equal(reply.body->data, "\x28\xb5\x2f\xfd", 4);
    assert_true(strlen(reply.signature) > 100);
    assert_memory_equal(reply.etag, "\"7-", 3);
    snprintf(etag, sizeof(etag), "%s", reply.etag);
    struct client_header have = { "If-None-Match", etag };
    req.headers = &have;
    req.header_count = 1;
    assert_int_equal(client_call(c, &req, &reply, why, sizeof(why)), 0);
    assert_int_equal(reply.status, 304);
    req.path = "/v1/bundles/unknown";
    assert_int_equal(client_call(c, &req, &reply, why, sizeof(why)), 0);
    assert_int_equal(reply.status, 404);
    client_free(c);
}

static void publishing_tells_sensors(void **state)
{
    struct stage *s = *state;
    struct client_request req = { .path = "/v1/commands",
                                  .timeout_ms = 10000,
                                  .reply_max = 1u << 16 };
    struct client_reply reply;
    char dir[128], why[256];

    assert_int_equal(publish(s, &s->partner, "national", 8, 86400, why), 0);
    snprintf(dir, sizeof(dir), "%s/s1", s->bench->redis->dir);
    struct client *c = bench_client(s->bench, dir);
    assert_int_equal(client_call(c, &req, &reply, why, sizeof(why)), 0);
    assert_non_null(strstr(buf_str(reply.body), "pull_bundle"));
    client_free(c);
}

static void register_shows_the_current_version(void **state)
{
    struct stage *s = *state;
    struct buf out;
    struct json j;

    buf_init(&out, 65536);
    json_begin(&j, &out);
    json_open_array(&j, NULL);
    assert_int_equal(feeds_write_json(s->feeds, NULL, &j), 0);
    json_close_array(&j);
    assert_non_null(strstr(buf_str(&out), "\"name\":\"national\""));
    assert_non_null(strstr(buf_str(&out), "\"version\":8"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_are_checked),
        cmocka_unit_test(only_what_is_signed_and_newer_is_published),
        cmocka_unit_test(sensor_pulls_once),
        cmocka_unit_test(publishing_tells_sensors),
        cmocka_unit_test(register_shows_the_current_version),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
