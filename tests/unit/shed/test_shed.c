/* SPDX-License-Identifier: Apache-2.0 */
/* Shedding: its steps begin and end where they should, and what may never be shed is not. */
#include "config.h"
#include "sensor/shed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"

#define DEPTH 1000000u

static void test_steps_have_a_gap(void **state)
{
    static const struct {
        enum shed_step now;
        unsigned permille;
        enum shed_step next;
    } rows[] = {
        { SHED_NOTHING, 0, SHED_NOTHING },
        { SHED_NOTHING, SHED_ELEPHANTS_FROM - 1, SHED_NOTHING },
        { SHED_NOTHING, SHED_ELEPHANTS_FROM, SHED_ELEPHANTS },
        { SHED_NOTHING, 1000, SHED_BULK },
        { SHED_ELEPHANTS, SHED_ELEPHANTS_TO + 1, SHED_ELEPHANTS },
        { SHED_ELEPHANTS, SHED_ELEPHANTS_TO, SHED_NOTHING },
        { SHED_ELEPHANTS, SHED_BULK_FROM - 1, SHED_ELEPHANTS },
        { SHED_ELEPHANTS, SHED_BULK_FROM, SHED_BULK },
        { SHED_BULK, SHED_BULK_TO + 1, SHED_BULK },
        { SHED_BULK, SHED_BULK_TO, SHED_ELEPHANTS },
        { SHED_BULK, SHED_ELEPHANTS_TO + 1, SHED_ELEPHANTS },
        { SHED_BULK, 0, SHED_NOTHING },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(shed_step_next(rows[i].now, rows[i].permille), rows[i].next);
}

/* A packet with payload of a flow that has brought `bytes` this way; nothing is known of it. */
static enum shed_step kind(enum shed_step step, uint64_t bytes, struct packet *p)
{
    struct flow f = { .bytes = { bytes, 0 } };
    return shed_packet_kind(step, p, &f, 0, DEPTH);
}

static struct packet with_payload(uint8_t proto)
{
    return (struct packet){ .proto = proto,
                            .payload_len = 100,
                            .sport = 4000,
                            .dport = 4001,
                            .tcp = { .flags = PACKET_TCP_ACK } };
}

static void test_order(void **state)
{
    struct packet udp = with_payload(PACKET_PROTO_UDP), tcp = with_payload(PACKET_PROTO_TCP);
    (void)state;
    assert_int_equal(kind(SHED_NOTHING, 2 * DEPTH, &udp), SHED_NOTHING);
    assert_int_equal(kind(SHED_ELEPHANTS, 2 * DEPTH, &udp), SHED_ELEPHANTS);
    assert_int_equal(kind(SHED_ELEPHANTS, 2 * DEPTH, &tcp), SHED_ELEPHANTS);
    assert_int_equal(kind(SHED_ELEPHANTS, DEPTH, &udp), SHED_NOTHING);
    assert_int_equal(kind(SHED_BULK, 2 * DEPTH, &udp), SHED_ELEPHANTS);
    assert_int_equal(kind(SHED_BULK, SHED_BULK_BYTES + 1, &udp), SHED_BULK);
    assert_int_equal(kind(SHED_BULK, SHED_BULK_BYTES, &udp), SHED_NOTHING);
}

static void test_never(void **state)
{
    static const uint8_t ends[] = { PACKET_TCP_SYN, PACKET_TCP_FIN, PACKET_TCP_RST };
    struct packet p = with_payload(PACKET_PROTO_TCP);
    (void)state;
    for (unsigned i = 0; i < sizeof(ends); i++) {
        p.tcp.flags = PACKET_TCP_ACK | ends[i];
        assert_int_equal(kind(SHED_BULK, 2 * DEPTH, &p), SHED_NOTHING);
    }
    p = with_payload(PACKET_PROTO_TCP);
    p.payload_len = 0; /* a bare ACK */
    assert_int_equal(kind(SHED_BULK, 2 * DEPTH, &p), SHED_NOTHING);
    p = with_payload(PACKET_PROTO_ICMP);
    assert_int_equal(kind(SHED_BULK, 2 * DEPTH, &p), SHED_NOTHING);
    p = with_payload(PACKET_PROTO_UDP);
    p.dport = 53;
    assert_int_equal(kind(SHED_BULK, 2 * DEPTH, &p), SHED_NOTHING);
    p = with_payload(PACKET_PROTO_TCP);
    p.sport = 53;
    assert_int_equal(kind(SHED_BULK, 2 * DEPTH, &p), SHED_NOTHING);
    p = with_payload(PACKET_PROTO_UDP);
    p.flags = PACKET_F_OUTER; /* its inner packet decides */
    assert_int_equal(kind(SHED_BULK, 2 * DEPTH, &p), SHED_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_have_a_gap),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_never),
    };
    return cmocka_run_group_tests_name("shed", tests, NULL, NULL);
}
