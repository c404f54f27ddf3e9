/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: where parsers say that the pieces of their protocol stand. */
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

static void open_for(struct rig *r, uint16_t port, uint64_t frames)
{
    rig_open(r, PACKET_PROTO_TCP, port);
    app_frames_want(r->app, frames);
}

/* The due frames of a direction as "kind(piece|piece)…"; then they count as looked at. */
static void expect(struct rig *r, unsigned dir, const char *want)
{
    char text[512];
    size_t n = 0;
    const struct app_frame *f = NULL;
    unsigned kind;
    struct app_view v;
    text[0] = 0;
    while ((f = app_frame_next(&r->flow, dir, f, &kind))) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%u(", kind);
        for (unsigned i = 0; app_frame_piece(f, i, &v); i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? "|" : "", (int)v.len,
                                  (const char *)v.data);
        n += (size_t)snprintf(text + n, sizeof(text) - n, ")");
    }
    app_frames_advance(r->app, &r->flow, dir);
    assert_string_equal(text, want);
}

/* A request is one frame, head and body, however it was cut. */
static void test_http(void **state)
{
    (void)state;
    const size_t steps[] = { 0, 1, 5 };
    for (size_t i = 0; i < 3; i++) {
        struct rig r;
        char want[128];
        open_for(&r, 80, UINT64_C(1) << SIG_FRAME_HTTP1_REQUEST);
        rig_text(&r, TS, "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", steps[i]);
        rig_text(&r, TS, "GET /b HTTP/1.1\r\n", steps[i]);
        snprintf(want, sizeof(want), "%u(POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc)",
                 SIG_FRAME_HTTP1_REQUEST);
        expect(&r, TS, want);
        rig_text(&r, TS, "\r\n", 0);
        snprintf(want, sizeof(want), "%u(GET /b HTTP/1.1\r\n\r\n)", SIG_FRAME_HTTP1_REQUEST);
        expect(&r, TS, want);
        expect(&r, TS, "");
        rig_close(&r);
    }
}

/* A gap divides a frame; it is looked at once, when it is whole. */
static void test_gap(void **state)
{
    (void)state;
    struct rig r;
    char want[128];
    open_for(&r, 80, UINT64_C(1) << SIG_FRAME_HTTP1_RESPONSE);
    rig_text(&r, TS, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    rig_text(&r, TC, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 0);
    rig_gap(&r, TC, 3);
    expect(&r, TC, "");
    rig_text(&r, TC, "xyz", 0);
    snprintf(want, sizeof(want), "%u(HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc|xyz)",
             SIG_FRAME_HTTP1_RESPONSE);
    expect(&r, TC, want);
    rig_close(&r);
}

/* What is not whole is looked at in steps, and at the end. */
static void test_steps(void **state)
{
    (void)state;
    struct rig r;
    char line[4000], want[64];
    const struct app_frame *f;
    unsigned kind;
    struct app_view v;
    open_for(&r, 80, UINT64_C(1) << SIG_FRAME_STREAM);
    memset(line, 'a', sizeof(line));
    rig_text(&r, TS, "GET / HTTP/1.1\r\nX: ", 0);
    expect(&r, TS, "");
    rig_feed(&r, TS, line, sizeof(line), 0);
    f = app_frame_next(&r.flow, TS, NULL, &kind);
    assert_non_null(f);
    assert_true(app_frame_piece(f, 0, &v));
    assert_int_equal(v.len, 4019);
    assert_false(v.end);
    app_frames_advance(r.app, &r.flow, TS);
    rig_text(&r, TS, "end", 0);
    expect(&r, TS, "");
    rig_end(&r, TS);
    snprintf(want, sizeof(want), "%u(end)", SIG_FRAME_STREAM);
    expect(&r, TS, want);
    rig_close(&r);
}

static void test_telnet(void **state)
{
    (void)state;
    struct rig r;
    char want[128];
    open_for(&r, 23, UINT64_C(3) << SIG_FRAME_TELNET_CTL);
    rig_feed(&r, TC, BYTES("\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0hello\r\nlogin: "), 1);
    snprintf(
        want, sizeof(want), "%u(\xff\xfd\x18)%u(\xff\xfa\x18\x01\xff\xf0)%u(hello\r\n)%u(login: )",
        SIG_FRAME_TELNET_CTL, SIG_FRAME_TELNET_CTL, SIG_FRAME_TELNET_DATA, SIG_FRAME_TELNET_DATA);
    expect(&r, TC, want);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_http), cmocka_unit_test(test_gap),
                                        cmocka_unit_test(test_steps),
                                        cmocka_unit_test(test_telnet) };
    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
