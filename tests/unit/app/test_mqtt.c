/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sensor/app/parser.h"
#include "sensor/decode/packet.h"
#include "tests/unit/app/rig.h"

#define TS             SIG_DIR_TOSERVER
#define TC             SIG_DIR_TOCLIENT
#define BYTES(literal) literal, sizeof(literal) - 1

/* Version 3.1.1: client "c1", a will, user and password. */
#define CONNECT "\x10\x20\0\4MQTT\4\xc6\0\x3c\0\2c1\0\2wt\0\2wm\0\4user\0\2pw"
#define CONNACK "\x20\2\1\0"

static bool has_event(struct rig *r, unsigned tx, unsigned dir, const char *name)
{
    return rig_tx(r, tx)->events[dir] >> app_event_find(SIG_APP_MQTT, name) & 1;
}

/* A request is looked at once its answer has come. */
static void test_connect(void **state)
{
    (void)state;
    const size_t steps[] = { 0, 1, 7 };
    for (size_t i = 0; i < 3; i++) {
        struct rig r;
        rig_open(&r, PACKET_PROTO_TCP, 1883);
        rig_feed(&r, TS, BYTES(CONNECT), steps[i]);
        assert_int_equal(rig_tx(&r, 0)->progress[TS], SIG_PROGRESS_START);
        rig_feed(&r, TC, BYTES(CONNACK), steps[i]);
        assert_int_equal(rig_tx(&r, 0)->progress[TS], SIG_PROGRESS_DONE);
        rig_expect(&r, 0, TS, SIG_BUF_MQTT_CONNECT_CLIENTID, 0, "c1");
        rig_expect(&r, 0, TS, SIG_BUF_MQTT_CONNECT_WILLTOPIC, 0, "wt");
        rig_expect(&r, 0, TS, SIG_BUF_MQTT_CONNECT_WILLMESSAGE, 0, "wm");
        rig_expect(&r, 0, TS, SIG_BUF_MQTT_CONNECT_USERNAME, 0, "user");
        rig_expect(&r, 0, TS, SIG_BUF_MQTT_CONNECT_PASSWORD, 0, "pw");
        assert_non_null(strstr(rig_eve(&r, 0), "\"client_id\":\"c1\""));
        assert_non_null(strstr(rig_eve(&r, 0), "\"connack\""));
        rig_close(&r);
    }
}

static void test_publish(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, PACKET_PROTO_TCP, 1883);
    rig_feed(&r, TS, BYTES(CONNECT), 0);
    rig_feed(&r, TC, BYTES(CONNACK), 0);
    rig_feed(&r, TS, BYTES("\x32\x0a\0\3top\0\7msg"), 0);
    assert_int_equal(rig_tx(&r, 1)->progress[TS], SIG_PROGRESS_START);
    rig_feed(&r, TC, BYTES("\x40\2\0\7"), 0);
    assert_int_equal(rig_tx(&r, 1)->progress[TS], SIG_PROGRESS_DONE);
    rig_expect(&r, 1, TS, SIG_BUF_MQTT_PUBLISH_TOPIC, 0, "top");
    rig_expect(&r, 1, TS, SIG_BUF_MQTT_PUBLISH_MESSAGE, 0, "msg");
    rig_feed(&r, TS, BYTES("\x82\x0d\0\2\0\2t1\0\0\3t22\1"), 0);
    rig_feed(&r, TC, BYTES("\x90\4\0\2\0\1"), 0);
    rig_expect(&r, 2, TS, SIG_BUF_MQTT_SUBSCRIBE_TOPIC, 1, "t22");
    rig_expect(&r, 2, TS, SIG_BUF_MQTT_SUBSCRIBE_TOPIC, 2, NULL);
    rig_expect(&r, 2, TS, SIG_BUF_MQTT_REASON_CODE, 1, "\1");
    rig_close(&r);
}

static void test_events(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, PACKET_PROTO_TCP, 1883);
    rig_feed(&r, TC, BYTES(CONNACK), 0);
    assert_true(has_event(&r, 0, TC, "missing_connect"));
    rig_feed(&r, TS, BYTES("\x30\5\0\1xab"), 0);
    assert_true(has_event(&r, 1, TS, "unintroduced_message"));
    rig_feed(&r, TS, BYTES("\xe0\x80\x80\x80\x80\1"), 0);
    assert_true(has_event(&r, 2, TS, "malformed_traffic"));
    rig_close(&r);
}

/* Version 5: a property that there is not makes the message malformed, and rules see none of it. */
static void test_properties(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, PACKET_PROTO_TCP, 1883);
    rig_feed(&r, TS, BYTES("\x10\x0f\0\4MQTT\5\2\0\x3c\2\x7f\0\0\0"), 0);
    rig_expect(&r, 0, TS, SIG_BUF_MQTT_MESSAGE, 0, NULL);
    assert_true(has_event(&r, 1, TS, "malformed_traffic"));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_connect),
                                        cmocka_unit_test(test_publish),
                                        cmocka_unit_test(test_events),
                                        cmocka_unit_test(test_properties) };
    return cmocka_run_group_tests_name("mqtt", tests, NULL, NULL);
}
