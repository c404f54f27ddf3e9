/* SPDX-License-Identifier: Apache-2.0 */
/* The store against a real redis-server: calls, errors, scopes, and a server that dies. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/store/embed.h"
#include "collector/store/internal.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/err.h"
#include "tests/unit/link/fixture.h"

static int64_t number(struct store *s, const char *scope, const char *command, const char *key)
{
    struct store_reply *r;
    int err = store_command(store_conn(s, scope), &r, command, key);
    int64_t n = err ? err : store_reply_int(r);
    store_reply_free(r);
    return n;
}

static void library_has_the_version_c_says(void **state)
{
    struct fixture *f = *state;
    struct store_reply *r;
    int err = store_call(store_conn(f->store, NULL), "abeng_version", NULL, 0, NULL, 0, &r);
    assert_int_equal(err, 0);
    assert_int_equal(store_reply_int(r), STORE_LIBRARY_VERSION);
    store_reply_free(r);
}

static void refusals_become_errors(void **state)
{
    struct fixture *f = *state;
    struct store_reply *r;
    struct store_key key = store_key(STORE_REGION, "sensor:none");
    struct store_arg keys[] = { STORE_KEY(key) };
    struct store_arg args[] = { STORE_TEXT("ab"), STORE_TEXT("1") };
    int err = store_call(store_conn(f->store, NULL), "abeng_sensor_approve", keys, 1, args, 2, &r);
    assert_int_equal(err, ABENG_ENOENT);
    assert_string_equal(store_reply_text(r, NULL), "no such sensor");
    store_reply_free(r);
}

static void scope_sees_its_state_only(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(number(f->store, NULL, "SET %s 7", "{jm}:x"), 0);
    assert_int_equal(number(f->store, "jm", "GET %s", "{jm}:x"), 7);
    assert_int_equal(number(f->store, "bb", "GET %s", "{jm}:x"), ABENG_EDENIED);
    assert_int_equal(number(f->store, "jm", "GET %s", "{rg}:user:x"), ABENG_EDENIED);
    assert_int_equal(number(f->store, "jm", "KEYS %s", "*"), ABENG_EDENIED);
    assert_int_equal(number(f->store, "jm", "CONFIG GET %s", "dir"), ABENG_EDENIED);
}

static void pipeline_keeps_order(void **state)
{
    struct fixture *f = *state;
    struct store_conn *c = store_conn(f->store, NULL);
    struct store_reply *r;
    for (int i = 0; i < 100; i++)
        assert_int_equal(store_command_later(c, "ECHO %d", i), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(store_collect(c, &r), 0);
        assert_int_equal(store_reply_int(r), i);
        store_reply_free(r);
    }
}

/* What a caller leaves after an error answers nobody else's command. */
static void error_ends_a_pipeline(void **state)
{
    struct fixture *f = *state;
    struct store_conn *c = store_conn(f->store, NULL);
    struct store_reply *r;
    assert_int_equal(store_command_later(c, "ECHO 1"), 0);
    assert_int_equal(store_command_later(c, "GET {jm}:list wrong"), 0);
    assert_int_equal(store_command_later(c, "ECHO 3"), 0);
    assert_int_equal(store_collect(c, &r), 0);
    assert_int_equal(store_reply_int(r), 1);
    store_reply_free(r);
    assert_true(store_collect(c, &r) < 0);
    store_reply_free(r);
    assert_int_equal(store_collect(c, &r), ABENG_EAGAIN);
    assert_null(r);
    assert_int_equal(store_command(c, &r, "ECHO 4"), 0);
    assert_int_equal(store_reply_int(r), 4);
    store_reply_free(r);
}

/* A server that dies in the middle of a pipeline never answers the second half as the first. */
static void pipeline_does_not_outlive_its_server(void **state)
{
    struct fixture *f = *state;
    struct store_conn *c = store_conn(f->store, NULL);
    struct store_reply *r;
    int pid = store_embed_pid(f->embed), tries = 0;

    assert_int_equal(number(f->store, NULL, "ECHO %s", "5"), 5);
    assert_int_equal(store_command_later(c, "ECHO 1"), 0);
    kill(pid, SIGKILL);
    while ((!store_embed_pid(f->embed) || store_embed_pid(f->embed) == pid) && tries++ < 600)
        usleep(100 * 1000);
    usleep(300 * 1000);
    store_command_later(c, "ECHO 2");
    assert_int_equal(store_collect(c, &r), ABENG_EAGAIN);
    assert_null(r);
    for (tries = 0; number(f->store, NULL, "ECHO %s", "6") != 6 && tries < 600; tries++)
        usleep(100 * 1000);
    assert_int_equal(number(f->store, NULL, "ECHO %s", "7"), 7);
}

static void killed_server_comes_back_with_all(void **state)
{
    struct fixture *f = *state;
    int pid = store_embed_pid(f->embed), tries = 0;

    assert_int_equal(number(f->store, "jm", "INCR %s", "{jm}:kept"), 1);
    assert_true(pid > 0);
    kill(pid, SIGKILL);
    while (number(f->store, "jm", "GET %s", "{jm}:kept") != 1 && tries++ < 100)
        usleep(100 * 1000);
    assert_int_equal(number(f->store, "jm", "GET %s", "{jm}:kept"), 1);
    assert_int_equal(number(f->store, "bb", "GET %s", "{jm}:kept"), ABENG_EDENIED);
    assert_int_not_equal(store_embed_pid(f->embed), pid);
}

static void second_owner_is_refused(void **state)
{
    struct fixture *f = *state;
    char dir[80];
    snprintf(dir, sizeof(dir), "%s/redis", f->dir);
    assert_null(store_embed_start(&(struct store_embed_conf){ .dir = dir }));
}

static void newer_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store_conf conf = { .address = store_embed_address(f->embed) };
    number(f->store, NULL, "SET %s 999", "{rg}:schema");
    assert_null(store_open(&conf, 1000));
    number(f->store, NULL, "DEL %s", "{rg}:schema");
}

static void keys_are_tagged(void **state)
{
    (void)state;
    assert_string_equal(store_key("jm", "pos:%s", "s1").text, "{jm}:pos:s1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_tagged),
        cmocka_unit_test(library_has_the_version_c_says),
        cmocka_unit_test(refusals_become_errors),
        cmocka_unit_test(scope_sees_its_state_only),
        cmocka_unit_test(pipeline_keeps_order),
        cmocka_unit_test(error_ends_a_pipeline),
        cmocka_unit_test(pipeline_does_not_outlive_its_server),
        cmocka_unit_test(killed_server_comes_back_with_all),
        cmocka_unit_test(second_owner_is_refused),
        cmocka_unit_test(newer_schema_is_refused),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
