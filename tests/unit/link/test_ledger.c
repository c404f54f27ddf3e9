/* SPDX-License-Identifier: Apache-2.0 */
/* The account of a sensor's records by hour, and alarms, over real TLS and a real store. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/ingest/alarms.h"
#include "collector/ingest/ledger.h"
#include "collector/ingest/sensors.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/event.h"
#include "common/json.h"
#include "common/selftest.h"
#include "tests/unit/link/bench.h"

#define E1       "0123456789abcdef0123456789abcdef"
#define PATIENCE (60 * NS_PER_S)

static struct client *sensor(struct bench *b, const char *name, const char *states)
{
    char dir[128];
    snprintf(dir, sizeof(dir), "%s/%s", b->redis->dir, name);
    assert_int_equal(bench_enrol(b, name, states, dir), 0);
    return bench_client(b, dir);
}

static void post_raw(struct client *c, const char *lane, unsigned first, unsigned count,
                     const char *oldest, const struct buf *raw)
{
    struct buf body;
    char f[16], n[16];
    uint64_t at;

    buf_init(&body, 65536);
    snprintf(f, sizeof(f), "%u", first);
    snprintf(n, sizeof(n), "%u", count);
    struct bench_batch h = { E1, lane, f, n, oldest, NULL };
    assert_int_equal(bench_post(c, &h, raw->data, raw->len, &at, &body), 200);
    assert_int_equal(at, first + count - 1);
    buf_free(&body);
}

static void post(struct client *c, const char *lane, unsigned first, unsigned count,
                 const char *oldest)
{
    struct buf raw;
    buf_init(&raw, 1u << 22);
    bench_alerts(&raw, E1, lane, first, count);
    post_raw(c, lane, first, count, oldest, &raw);
    buf_free(&raw);
}

static struct ledger_sum account(struct bench *b, const char *id, const char *states, size_t *hours)
{
    struct ledger_sum sum;
    struct buf out;
    struct json j;
    uint64_t now = clock_now(clock_system()) / NS_PER_MS;

    buf_init(&out, 1u << 20);
    json_begin(&j, &out);
    json_open_array(&j, NULL);
    assert_int_equal(
        ledger_write_hours(b->redis->store, id, states, now - 7200000, now + 1, &j, &sum, hours),
        0);
    json_close_array(&j);
    json_t *array = json_loads(buf_str(&out), 0, NULL);
    assert_int_equal(json_array_size(array), *hours);
    json_decref(array);
    buf_free(&out);
    return sum;
}

/* What is missing is lost until a gap record says that it was shed. */
static void shed_is_told_from_lost(void **state)
{
    struct bench *b = *state;
    struct client *c = sensor(b, "one", "jm,bb");
    size_t hours;

    post(c, "jm.bulk", 1, 100, NULL);
    post(c, "jm.bulk", 151, 50, "151"); /* 101..150 never come */
    struct ledger_sum sum = account(b, "one", "jm", &hours);
    assert_int_equal(sum.received, 150);
    assert_int_equal(sum.lost, 50);
    assert_int_equal(sum.shed, 0);
    struct event_gap g = { .time_ns = clock_now(clock_system()),
                           .first = 101,
                           .last = 140,
                           .why = "shed",
                           .abeng = { .epoch = E1, .lane = "jm.bulk", .seq = 201 } };
    struct buf raw;
    buf_init(&raw, 65536);
    event_gap_write(&raw, &g);
    buf_byte(&raw, '\n');
    post_raw(c, "jm.bulk", 201, 1, NULL, &raw);
    sum = account(b, "one", "jm,bb", &hours);
    assert_int_equal(sum.received, 151);
    assert_int_equal(sum.lost, 10);
    assert_int_equal(sum.shed, 40);
    assert_int_equal(sum.gaps, 1);
    /* nobody else's account, no other state's */
    sum = account(b, "one", "bb", &hours);
    assert_int_equal(hours, 0);
    assert_int_equal(sum.received, 0);
    buf_free(&raw);
    client_free(c);
}

static int report(struct bench *b, const char *lanes)
{
    struct ca_identity who = { .id = "one", .states = "jm,bb" };
    json_t *array = json_loads(lanes, 0, NULL);
    int err = ledger_raised(b->redis->store, &who, array, clock_now(clock_system()) / NS_PER_MS);
    json_decref(array);
    return err;
}

/* A report says how far a lane is; what is new since the last one belongs to this hour. */
static void raised_is_counted_by_what_is_new(void **state)
{
    struct bench *b = *state;
    size_t hours;

    assert_int_equal(report(b, "[{\"lane\":\"jm.bulk\",\"epoch\":\"" E1 "\",\"raised\":200}]"), 0);
    assert_int_equal(report(b, "[{\"lane\":\"jm.bulk\",\"epoch\":\"" E1 "\",\"raised\":220}]"), 0);
    assert_int_equal(report(b, "[{\"lane\":\"jm.bulk\",\"epoch\":\"" E1 "\",\"raised\":210}]"), 0);
    /* a new epoch begins at 1; what is not the sensor's, or no report, counts for nothing */
    assert_int_equal(
        report(b, "[{\"lane\":\"jm.bulk\",\"epoch\":\"00000000000000000000000000000000\","
                  "\"raised\":5},{\"lane\":\"tt.bulk\",\"epoch\":\"" E1 "\",\"raised\":9},"
                  "{\"lane\":\"jm.bulk\",\"epoch\":\"x\",\"raised\":9},7,{}]"),
        0);
    assert_int_equal(account(b, "one", "jm", &hours).raised, 225);
}

/* ---- alarms ---------------------------------------------------------------------------------- */

/* The list as seen with `states`, as text. */
static char *list(struct bench *b, const char *states, bool on, bool over)
{
    struct alarms_query q = { states, on, over };
    struct buf out;
    struct json j;
    size_t count;

    buf_init(&out, 1u << 20);
    json_begin(&j, &out);
    json_open_array(&j, NULL);
    assert_int_equal(alarms_write(b->redis->store, &q, &j, &count), 0);
    json_close_array(&j);
    char *text = strdup(buf_str(&out));
    buf_free(&out);
    return text;
}

static bool listed(struct bench *b, const char *states, bool on, const char *what)
{
    char *text = list(b, states, on, !on);
    bool there = strstr(text, what) != NULL;
    free(text);
    return there;
}

static void wait_listed(struct bench *b, bool on, const char *what, bool want)
{
    uint64_t until = clock_mono_ns() + PATIENCE;
    while (listed(b, "*", on, what) != want && clock_mono_ns() < until)
        usleep(20 * 1000);
    assert_true(listed(b, "*", on, what) == want);
}

static void heard(struct bench *b, const struct clock *clock, int64_t offset_ms)
{
    assert_int_equal(sensors_health(b->sensors, "one", "{}", 2, clock_now(clock), offset_ms), 0);
}

static void full_disk(void *arg, struct alarms *a)
{
    const int *full = arg;
    if (__atomic_load_n(full, __ATOMIC_ACQUIRE))
        alarms_hold(a, &(struct alarm){ "archive-behind", 1, NULL, "", 0, 1, "disk full" });
}

static void alarms_begin_and_end(void **state)
{
    struct bench *b = *state;
    struct clock clock = clock_virtual(clock_now(clock_system()));
    int full = 0;
    struct alarms_conf conf = { .store = b->redis->store,
                                .clock = &clock,
                                .look_ms = 10,
                                .check = full_disk,
                                .check_arg = &full };

    heard(b, &clock, 0);
    struct alarms *a = alarms_start(&conf);
    assert_non_null(a);
    wait_listed(b, true, "sensor-gap", true); /* of the test above */
    assert_false(listed(b, "*", true, "sensor-silent"));
    __atomic_fetch_add(&clock.virtual_ns, 80 * NS_PER_S, __ATOMIC_RELEASE);
    wait_listed(b, true, "sensor-silent", true);
    assert_true(listed(b, "bb", true, "sensor-silent"));
    assert_false(listed(b, "tt", true, "sensor-silent"));
    assert_false(listed(b, "tt", true, "sensor-gap"));
    /* a restart keeps it, and its beginning */
    char *before = list(b, "*", true, false);
    alarms_stop(a);
    a = alarms_start(&conf);
    usleep(100 * 1000);
    char *after = list(b, "*", true, false);
    assert_string_equal(before, after);
    free(before);
    free(after);
    static const char blind[] =
        "{\"blind\":[{\"what\":\"silent\",\"where\":\"eth1\"},{\"what\":7}]}";
    assert_int_equal(sensors_health(b->sensors, "one", blind, strlen(blind), clock_now(&clock), 0),
                     0);
    wait_listed(b, true, "may be blind: silent (eth1), ? (?)", true);
    heard(b, &clock, -9000);
    wait_listed(b, true, "sensor-blind", false);
    wait_listed(b, true, "sensor-silent", false);
    wait_listed(b, false, "sensor-silent", true);
    wait_listed(b, true, "behind by 9 s", true);
    __atomic_store_n(&full, 1, __ATOMIC_RELEASE);
    wait_listed(b, true, "disk full", true);
    assert_true(listed(b, "tt", true, "disk full")); /* everybody's */
    __atomic_store_n(&full, 0, __ATOMIC_RELEASE);
    wait_listed(b, true, "disk full", false);
    /* a day and more later, what was over has gone, and the gap is over */
    __atomic_fetch_add(&clock.virtual_ns, 25 * 3600 * NS_PER_S, __ATOMIC_RELEASE);
    wait_listed(b, false, "disk full", false);
    wait_listed(b, true, "sensor-gap", false);
    alarms_stop(a);
}

static void missing_self_test_is_an_alarm(void **state)
{
    struct bench *b = *state;
    struct clock clock = clock_virtual(clock_now(clock_system()));
    struct client *c = sensor(b, "two", "gd");
    struct alarms_conf conf = { .store = b->redis->store, .clock = &clock, .look_ms = 10 };
    const struct event_abeng abeng = { .epoch = E1, .lane = "gd.bulk", .seq = 1 };
    struct buf raw;

    buf_init(&raw, 65536);
    self_test_write(&raw, clock_now(clock_system()), &abeng);
    buf_byte(&raw, '\n');
    post_raw(c, "gd.bulk", 1, 1, NULL, &raw);
    struct alarms *a = alarms_start(&conf);
    __atomic_fetch_add(&clock.virtual_ns, 64 * 60 * NS_PER_S, __ATOMIC_RELEASE);
    usleep(100 * 1000);
    assert_false(listed(b, "*", true, "self-test-missing"));
    __atomic_fetch_add(&clock.virtual_ns, 2 * 60 * NS_PER_S, __ATOMIC_RELEASE);
    wait_listed(b, true, "self-test-missing", true);
    alarms_stop(a);
    buf_free(&raw);
    client_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shed_is_told_from_lost),
        cmocka_unit_test(raised_is_counted_by_what_is_new),
        cmocka_unit_test(alarms_begin_and_end),
        cmocka_unit_test(missing_self_test_is_an_alarm),
    };
    return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
