/* SPDX-License-Identifier: Apache-2.0 */
/* DCE/RPC over TCP and UDP. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sensor/app/dce.h"
#include "tests/unit/app/rig.h"

#define TS             SIG_DIR_TOSERVER
#define TC             SIG_DIR_TOCLIENT
#define BYTES(literal) literal, sizeof(literal) - 1

static const size_t steps[] = { 0, 1, 7 };
#define EACH_STEP(i) for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)

/* A bind for two interfaces, little-endian, and the answer that grants the second alone. */
#define BIND_BODY                                                                                  \
    "\xb8\x10\xb8\x10\0\0\0\0\x02\0\0\0"                                                           \
    "\0\0\x01\0\x78\x56\x34\x12\x34\x12\xcd\xab\xef\0\x01\x23\x45\x67\xcf\xfb\x01\0\0\0"           \
    "\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\0\x2b\x10\x48\x60\x02\0\0\0"                     \
    "\x01\0\x01\0\x08\x83\xaf\xe1\x1f\x5d\xc9\x11\x91\xa4\x08\0\x2b\x14\xa0\xfa\x03\0\x02\0"       \
    "\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\0\x2b\x10\x48\x60\x02\0\0\0"
#define ACK_SYNTAX "\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\0\x2b\x10\x48\x60\x02\0\0\0"
#define ACK_BODY                                                                                   \
    "\xb8\x10\xb8\x10\x01\0\0\0\x04\0"                                                             \
    "123\0\0\0\x02\0\0\0"                                                                          \
    "\x02\0\x01\0" ACK_SYNTAX "\0\0\0\0" ACK_SYNTAX
/* What dcerpc.iface sees of the second: its UUID as text has it, version 3, first fragment. */
#define SECOND_KEY "\xe1\xaf\x83\x08\x5d\x1f\x11\xc9\x91\xa4\x08\0\x2b\x14\xa0\xfa\0\x03\x01"

static void send_pdu(struct rig *r, unsigned dir, uint8_t type, uint8_t flags, const void *body,
                     size_t len, size_t step)
{
    uint8_t pdu[512] = {
        5, 0, type, flags, 0x10, 0, 0, 0, (uint8_t)(len + 16), (uint8_t)((len + 16) >> 8), 0, 0, 9
    };
    memcpy(pdu + 16, body, len);
    rig_feed(r, dir, pdu, len + 16, step);
}

static void expect_bytes(struct rig *r, unsigned i, unsigned dir, enum sig_buffer buffer,
                         uint32_t index, const void *want, size_t len)
{
    struct app_view view;
    assert_true(app_tx_buffer(r->app, &r->flow, rig_tx(r, i), dir, buffer, index, &view));
    assert_int_equal(view.len, len);
    assert_memory_equal(view.data, want, len);
}

static uint64_t number(struct rig *r, unsigned i, const char *name)
{
    uint64_t value = UINT64_MAX;
    return app_tx_number(&r->flow, rig_tx(r, i), TS, name, &value) ? value : UINT64_MAX;
}

static void bind(struct rig *r, size_t step)
{
    send_pdu(r, TS, DCE_BIND, 3, BYTES(BIND_BODY), step);
    send_pdu(r, TC, DCE_BIND_ACK, 3, BYTES(ACK_BODY), step);
}

static void test_call(void **state)
{
    (void)state;
    EACH_STEP(i)
    {
        struct rig r;
        rig_open(&r, 6, 49152);
        bind(&r, steps[i]);
        assert_int_equal(app_protocol(&r.flow), SIG_APP_DCERPC);
        send_pdu(&r, TS, DCE_REQUEST, 1, BYTES("\x08\0\0\0\x01\0\x1a\0first "), steps[i]);
        send_pdu(&r, TS, DCE_REQUEST, 2, BYTES("\x08\0\0\0\x01\0\x1a\0second"), steps[i]);
        send_pdu(&r, TC, DCE_RESPONSE, 3, BYTES("\x04\0\0\0\x01\0\0\0back"), steps[i]);
        expect_bytes(&r, 1, TS, SIG_BUF_DCE_IFACE, 0, BYTES(SECOND_KEY));
        rig_expect(&r, 1, TS, SIG_BUF_DCE_IFACE, 1, NULL);
        rig_expect(&r, 1, TS, SIG_BUF_DCE_STUB_DATA, 0, "first second");
        expect_bytes(&r, 1, TC, SIG_BUF_DCE_STUB_DATA, 0, BYTES("\x04\0\0\0\x01\0\0\0back"));
        assert_int_equal(number(&r, 1, "dcerpc.opnum"), 26);
        assert_int_equal(number(&r, 1, APP_NUMBER_LITTLE_ENDIAN), 1);
        /* a bind is no call */
        assert_true(number(&r, 0, "dcerpc.opnum") == UINT64_MAX);
        rig_expect(&r, 0, TS, SIG_BUF_DCE_IFACE, 0, NULL);
        assert_string_equal(
            rig_eve(&r, 1),
            "{\"dcerpc\":{\"request\":\"REQUEST\",\"req\":{\"opnum\":26,\"frag_cnt\":2,"
            "\"stub_data_size\":12},\"response\":\"RESPONSE\",\"res\":{\"frag_cnt\":1,"
            "\"stub_data_size\":12},\"call_id\":9,\"rpc_version\":\"5.0\"}}");
        assert_non_null(strstr(rig_eve(&r, 0), "\"uuid\":\"e1af8308-5d1f-11c9-91a4-08002b14a0fa\","
                                               "\"version\":\"3.2\",\"ack_result\":0"));
        rig_close(&r);
    }
}

/* Contexts of the first interface are not granted: its calls have no interface. */
static void test_refused_context(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 49152);
    bind(&r, 0);
    send_pdu(&r, TS, DCE_REQUEST, 3, BYTES("\x04\0\0\0\0\0\x02\0stub"), 0);
    rig_expect(&r, 1, TS, SIG_BUF_DCE_IFACE, 0, NULL);
    assert_int_equal(number(&r, 1, "dcerpc.opnum"), 2);
    rig_close(&r);
}

static void test_broken(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 49152);
    bind(&r, 0);
    send_pdu(&r, TS, DCE_REQUEST, 3, BYTES("\x04\0\0\0\0\0"), 0); /* no room for the operation */
    assert_true(r.stop[TS]);
    rig_close(&r);
    rig_open(&r, 6, 49152);
    bind(&r, 0);
    rig_gap(&r, TS, 100); /* found again behind it */
    rig_feed(&r, TS, BYTES("lost "), 0);
    send_pdu(&r, TS, DCE_REQUEST, 3, BYTES("\x04\0\0\0\x01\0\x03\0stub"), 0);
    assert_int_equal(number(&r, 1, "dcerpc.opnum"), 3);
    rig_close(&r);
}

#define DATAGRAM(type, flags, len)                                                                 \
    "\x04" type flags "\0\x10\0\0\0oooooooooooooooo"                                               \
    "iiiiiiiiiiiiiiiiaaaaaaaaaaaaaaaa\0\0\0\0\x01\0\0\0\x07\0\0\0\x02\0\xff\xff\xff\xff" len       \
    "\0\0\0\0\0"

static void test_datagram(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 17, 135);
    rig_datagram(&r, TS, BYTES(DATAGRAM("\0", "\x04", "\x04") "left"));
    assert_int_equal(app_protocol(&r.flow), SIG_APP_DCERPC);
    rig_datagram(&r, TS, BYTES(DATAGRAM("\0", "\x06", "\x05") "right and more"));
    rig_datagram(&r, TC, BYTES(DATAGRAM("\x02", "\0", "\x04") "back"));
    rig_expect(&r, 0, TS, SIG_BUF_DCE_STUB_DATA, 0, "leftright");
    rig_expect(&r, 0, TC, SIG_BUF_DCE_STUB_DATA, 0, "back");
    assert_int_equal(rig_tx(&r, 0)->progress[TC], SIG_PROGRESS_DONE);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call),
        cmocka_unit_test(test_refused_context),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
