/* SPDX-License-Identifier: Apache-2.0 */
/* SIP and RFB. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sensor/app/parser.h"
#include "sensor/decode/packet.h"
#include "signatures/frame.h"
#include "tests/unit/app/rig.h"

#define TS             SIG_DIR_TOSERVER
#define TC             SIG_DIR_TOCLIENT
#define BYTES(literal) literal, sizeof(literal) - 1

static const char invite[] = "INVITE sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP c\r\n"
                             "Subject: one\r\n two\r\n\r\nv=0\r\n";
static const char answer[] = "SIP/2.0 200 OK\r\nVia: x\r\n\r\n";

static void test_sip(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, PACKET_PROTO_UDP, 5060);
    rig_datagram(&r, TS, BYTES(invite));
    rig_datagram(&r, TC, BYTES(answer));
    assert_int_equal(app_protocol(&r.flow), SIG_APP_SIP);
    rig_expect(&r, 0, TS, SIG_BUF_SIP_METHOD, 0, "INVITE");
    rig_expect(&r, 0, TS, SIG_BUF_SIP_URI, 0, "sip:a@b.example");
    rig_expect(&r, 0, TS, SIG_BUF_SIP_PROTOCOL, 0, "SIP/2.0");
    rig_expect(&r, 0, TS, SIG_BUF_SIP_REQUEST_LINE, 0, "INVITE sip:a@b.example SIP/2.0");
    rig_expect(&r, 1, TC, SIG_BUF_SIP_STAT_CODE, 0, "200");
    rig_expect(&r, 1, TC, SIG_BUF_SIP_STAT_MSG, 0, "OK");
    rig_expect(&r, 1, TC, SIG_BUF_SIP_RESPONSE_LINE, 0, "SIP/2.0 200 OK");
    rig_expect(&r, 1, TC, SIG_BUF_SIP_METHOD, 0, NULL);
    assert_non_null(strstr(rig_eve(&r, 0), "\"method\":\"INVITE\""));
    rig_close(&r);
}

static void test_sip_frames(void **state)
{
    (void)state;
    struct rig r;
    const struct app_frame *f = NULL;
    unsigned kind, seen = 0;
    struct app_view v;
    rig_open(&r, PACKET_PROTO_UDP, 5060);
    app_frames_want(r.app, UINT64_MAX);
    rig_datagram(&r, TS, BYTES(invite));
    while ((f = app_frame_next(&r.flow, TS, f, &kind))) {
        assert_true(app_frame_piece(f, 0, &v));
        assert_true(v.end);
        seen++;
        if (kind == SIG_FRAME_SIP_REQUEST_LINE)
            assert_int_equal(v.len, 32);
        if (kind == SIG_FRAME_SIP_REQUEST_HEADERS)
            assert_memory_equal(v.data + v.len - 5, "two\r\n", 5);
        if (kind == SIG_FRAME_SIP_REQUEST_BODY)
            assert_int_equal(v.len, 5);
    }
    assert_int_equal(seen, 4);
    rig_close(&r);
}

static void test_sip_broken(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, PACKET_PROTO_UDP, 5060);
    rig_datagram(&r, TS, BYTES(invite));
    rig_datagram(&r, TS, BYTES("INVITE sip:a SIP/2.0\r\nVia: x\r\n"));
    rig_datagram(&r, TS, BYTES("INVITE  sip:a"));
    uint64_t events = rig_tx(&r, 0)->events[TS];
    assert_true(events >> app_event_find(SIG_APP_SIP, "incomplete_data") & 1);
    assert_true(events >> app_event_find(SIG_APP_SIP, "invalid_data") & 1);
    assert_int_equal(app_tx_count(&r.flow), 1);
    rig_close(&r);
}

/* A handshake with VNC's security, in pieces. */
static void vnc(size_t step)
{
    struct rig r;
    uint64_t number;
    rig_open(&r, PACKET_PROTO_TCP, 5900);
    rig_text(&r, TC, "RFB 003.008\n", step);
    rig_text(&r, TS, "RFB 003.008\n", step);
    rig_feed(&r, TC, BYTES("\2\1\2"), step);
    rig_feed(&r, TS, BYTES("\2"), step);
    rig_text(&r, TC, "0123456789abcdef", step);
    rig_text(&r, TS, "fedcba9876543210", step);
    rig_feed(&r, TC, BYTES("\0\0\0\0"), step);
    rig_feed(&r, TS, BYTES("\1"), step);
    assert_int_equal(rig_tx(&r, 0)->progress[TS], SIG_PROGRESS_START);
    rig_feed(&r, TC, BYTES("\4\0\3\0aaaaaaaaaaaaaaaa\0\0\0\4desk\0\0\0\0more"), step);
    assert_int_equal(rig_tx(&r, 0)->progress[TS], SIG_PROGRESS_DONE);
    rig_expect(&r, 0, TC, SIG_BUF_RFB_NAME, 0, "desk");
    assert_true(app_tx_number(&r.flow, rig_tx(&r, 0), TS, "rfb.sectype", &number));
    assert_int_equal(number, 2);
    assert_true(app_tx_number(&r.flow, rig_tx(&r, 0), TC, "rfb.secresult", &number));
    assert_int_equal(number, 0);
    assert_non_null(strstr(rig_eve(&r, 0), "\"width\":1024"));
    rig_close(&r);
}

static void test_rfb(void **state)
{
    (void)state;
    vnc(0);
    vnc(1);
    vnc(5);
}

static void test_rfb_ill(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, PACKET_PROTO_TCP, 5900);
    rig_text(&r, TC, "RFB 003.003\n", 0);
    rig_text(&r, TS, "RFB 003.003\n", 0);
    rig_feed(&r, TC, BYTES("\0\0\0\x23"), 0);
    uint64_t events = rig_tx(&r, 0)->events[TC];
    assert_true(events >> app_event_find(SIG_APP_RFB, "unimplemented_security_type") & 1);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sip),        cmocka_unit_test(test_sip_frames),
        cmocka_unit_test(test_sip_broken), cmocka_unit_test(test_rfb),
        cmocka_unit_test(test_rfb_ill),
    };
    return cmocka_run_group_tests_name("sip and rfb", tests, NULL, NULL);
}
