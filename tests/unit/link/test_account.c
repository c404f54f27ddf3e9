/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own ledger: counts survive, days end, commands are named. */
#include "config.h"
#include "sensor/uplink/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "sensor/uplink/batch.h"
#include "sensor/uplink/client.h"

#define NOON 1764331200000000000ull /* 2025-11-28T12:00:00Z */
#define DAY  (86400 * NS_PER_S)

static char *state_dir(void)
{
    char *dir = xstrdup("/tmp/abeng-account-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return dir;
}

static void remove_dir(char *dir)
{
    char *command = xasprintf("rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
    free(command);
    free(dir);
}

static json_t *day_of(const char *dir, const char *day)
{
    char *path = xasprintf("%s/ledger/%s.json", dir, day);
    json_t *root = json_load_file(path, 0, NULL);
    free(path);
    return root;
}

static json_int_t at(const json_t *root, const char *list, size_t i, const char *name)
{
    const json_t *one = json_array_get(json_object_get(root, list), i);
    return json_integer_value(json_object_get(one, name));
}

static void call(struct ledger *l, const char *path, const char *ip, uint64_t out)
{
    struct client_traffic t = { .address = "cert.example:8444", .out = out, .in = 100 };
    snprintf(t.ip, sizeof(t.ip), "%s", ip);
    t.failed = !*ip;
    ledger_call(l, path, &t);
}

static void send_lines(struct ledger *l, unsigned lines)
{
    struct batch b;
    batch_init(&b);
    snprintf(b.lane, sizeof(b.lane), "jm.urgent");
    b.count = lines;
    for (unsigned i = 1; i <= lines; i++)
        buf_printf(&b.raw, "{\"n\":%u}\n", i);
    buf_text(&b.frame, "packed");
    ledger_batch(l, &b);
    batch_free(&b);
}

static void counts_go_on_after_a_restart(void **state)
{
    struct clock clock = clock_virtual(NOON);
    char *dir = state_dir();
    (void)state;
    struct ledger *l = ledger_open(dir, "jm-isp1", &clock);
    call(l, "/v1/batches", "192.0.2.7:8444", 1000);
    call(l, "/v1/batches", "", 0);
    call(l, "/v1/bundles/policy", "192.0.2.7:8444", 10);
    send_lines(l, 12);
    ledger_close(l);
    l = ledger_open(dir, "jm-isp1", &clock);
    call(l, "/v1/batches", "192.0.2.7:8444", 1000);
    send_lines(l, 3);
    ledger_close(l);
    json_t *day = day_of(dir, "2025-11-28");
    assert_int_equal(at(day, "calls", 0, "calls"), 3);
    assert_int_equal(at(day, "calls", 0, "failed"), 1);
    assert_int_equal(at(day, "calls", 0, "bytes_out"), 2000);
    assert_int_equal(at(day, "destinations", 0, "calls"), 3);
    assert_int_equal(at(day, "destinations", 1, "failed"), 1);
    assert_int_equal(at(day, "records", 0, "records"), 15);
    assert_int_equal(at(day, "records", 0, "packed"), 12);
    assert_null(json_object_get(day, "previous"));
    json_decref(day);
    remove_dir(dir);
}

static void the_last_records_stand_as_they_were_sent(void **state)
{
    struct clock clock = clock_virtual(NOON);
    char *dir = state_dir(), text[256] = "";
    (void)state;
    struct ledger *l = ledger_open(dir, "jm-isp1", &clock);
    send_lines(l, 12);
    ledger_close(l);
    char *path = xasprintf("%s/ledger/last.ndjson", dir);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    assert_string_equal(text, "{\"n\":3}\n{\"n\":4}\n{\"n\":5}\n{\"n\":6}\n{\"n\":7}\n{\"n\":8}\n"
                              "{\"n\":9}\n{\"n\":10}\n{\"n\":11}\n{\"n\":12}\n");
    free(path);
    remove_dir(dir);
}

static void commands_are_named_as_far_as_there_is_room(void **state)
{
    struct clock clock = clock_virtual(NOON);
    char *dir = state_dir();
    (void)state;
    struct ledger *l = ledger_open(dir, "jm-isp1", &clock);
    ledger_command(l, "pull_bundle", "policy");
    for (int i = 0; i < LEDGER_COMMANDS_MAX + 5; i++)
        ledger_command(l, "renew", NULL);
    ledger_close(l);
    ledger_close(ledger_open(dir, "jm-isp1", &clock));
    json_t *day = day_of(dir, "2025-11-28"), *commands = json_object_get(day, "commands");
    assert_int_equal(json_integer_value(json_object_get(day, "commands_received")),
                     LEDGER_COMMANDS_MAX + 6);
    assert_int_equal(json_array_size(commands), LEDGER_COMMANDS_MAX);
    const json_t *first = json_array_get(commands, 0);
    assert_string_equal(json_string_value(json_object_get(first, "verb")), "pull_bundle");
    assert_string_equal(json_string_value(json_object_get(first, "argument")), "policy");
    assert_string_equal(json_string_value(json_object_get(first, "at")),
                        "2025-11-28T12:00:00.000Z");
    json_decref(day);
    remove_dir(dir);
}

static void a_day_names_the_one_before_and_never_comes_back(void **state)
{
    struct clock clock = clock_virtual(NOON);
    char *dir = state_dir();
    (void)state;
    struct ledger *l = ledger_open(dir, "jm-isp1", &clock);
    call(l, "/v1/health", "192.0.2.7:8444", 5);
    __atomic_fetch_add(&clock.virtual_ns, DAY, __ATOMIC_RELEASE);
    call(l, "/v1/health", "192.0.2.7:8444", 6);
    __atomic_fetch_sub(&clock.virtual_ns, DAY, __ATOMIC_RELEASE); /* a clock that is set back */
    call(l, "/v1/health", "192.0.2.7:8444", 7);
    ledger_close(l);
    json_t *first = day_of(dir, "2025-11-28"), *second = day_of(dir, "2025-11-29");
    assert_int_equal(at(first, "calls", 0, "bytes_out"), 5);
    assert_int_equal(at(second, "calls", 0, "bytes_out"), 13);
    const json_t *previous = json_object_get(second, "previous");
    assert_string_equal(json_string_value(json_object_get(previous, "day")), "2025-11-28");
    json_decref(first);
    json_decref(second);
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_go_on_after_a_restart),
        cmocka_unit_test(the_last_records_stand_as_they_were_sent),
        cmocka_unit_test(commands_are_named_as_far_as_there_is_room),
        cmocka_unit_test(a_day_names_the_one_before_and_never_comes_back),
    };
    log_open("test", LOG_LEVEL_NOTICE);
    if (sign_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
