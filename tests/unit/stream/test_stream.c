/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and reassembly: what a consumer is handed, and when, for scripted segments. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"
#include "sensor/stream/event.h"
#include "sensor/stream/internal.h"
#include "sensor/stream/stream.h"

#define FIN PACKET_TCP_FIN
#define SYN PACKET_TCP_SYN
#define RST PACKET_TCP_RST
#define ACK PACKET_TCP_ACK

/* First numbers of client and server: data of both begins at 1. */
#define CLIENT_ISN 0xfffffff0u
#define SERVER_ISN 5000u

struct rig {
    struct slab *slab;
    struct stream_ctx *ctx;
    uint64_t slots[STREAM_COUNTERS];
    struct counter_block counters;
    struct flow flow;
    struct stream_result last;
    char app[2][8192]; /* what the application was handed; "<N>" for a gap, "|" for the end */
    char raw[2][8192]; /* chunks, each with "/" behind it */
};

static struct rig *rig_make(const struct stream_conf *conf)
{
    struct rig *r = xcalloc(1, sizeof(*r));
    r->slab = slab_create(64u << 20);
    r->counters.slots = r->slots;
    r->ctx = stream_create(conf, r->slab, &r->counters);
    r->flow.proto = PACKET_PROTO_TCP;
    r->flow.ip_version = 4;
    return r;
}

static int setup(void **state)
{
    *state = rig_make(&(struct stream_conf){ .check_checksums = true });
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    struct slab_stats stats;
    stream_flow_free(r->ctx, &r->flow);
    stream_free(r->ctx);
    slab_stats(r->slab, &stats);
    slab_free_all(r->slab);
    free(r);
    return stats.used == 0 ? 0 : -1;
}

/* Let another configuration take the rig's place. */
static struct rig *rig_with(void **state, const struct stream_conf *conf)
{
    assert_int_equal(teardown(state), 0);
    *state = rig_make(conf);
    return *state;
}

static void take_app(struct rig *r, unsigned dir)
{
    struct stream_span span;
    while (stream_app_next(r->ctx, &r->flow, dir, &span)) {
        size_t at = strlen(r->app[dir]);
        if (span.gap)
            snprintf(r->app[dir] + at, 32, "<%u>", span.len);
        else
            memcpy(r->app[dir] + at, span.data ? (const char *)span.data : "", span.len);
        if (span.end)
            strcat(r->app[dir], "|");
        stream_app_consume(r->ctx, &r->flow, dir, span.len);
    }
}

static void take_raw(struct rig *r, unsigned dir)
{
    struct stream_span span;
    while (stream_raw_next(r->ctx, &r->flow, dir, true, &span)) {
        strncat(r->raw[dir], (const char *)span.data, span.len);
        strcat(r->raw[dir], "/");
    }
}

static void take_all(struct rig *r)
{
    for (unsigned dir = 0; dir < 2; dir++) {
        take_app(r, dir);
        take_raw(r, dir);
    }
}

/* A packet as it stands; `seq` and `ack` count from the first numbers. */
static void give(struct rig *r, unsigned dir, struct packet *p, uint32_t seq, uint32_t ack,
                 const char *data)
{
    p->ip_version = 4;
    p->proto = PACKET_PROTO_TCP;
    p->payload = (const uint8_t *)data;
    p->payload_len = (uint32_t)strlen(data);
    p->tcp.seq = (dir ? SERVER_ISN : CLIENT_ISN) + seq;
    p->tcp.ack = p->tcp.flags & ACK ? (dir ? CLIENT_ISN : SERVER_ISN) + ack : 0;
    p->tcp.window = p->tcp.window ? p->tcp.window : 32768;
    r->flow.flags |= dir ? FLOW_F_TOCLIENT_SEEN : FLOW_F_TOSERVER_SEEN;
    stream_packet(r->ctx, &r->flow, dir, p, &r->last);
    take_all(r);
    stream_prune(r->ctx, &r->flow);
}

static void tcp(struct rig *r, unsigned dir, uint8_t flags, uint32_t seq, uint32_t ack,
                const char *data)
{
    struct packet p = { 0 };
    p.tcp.flags = flags;
    give(r, dir, &p, seq, ack, data);
}

static void shake(struct rig *r)
{
    tcp(r, 0, SYN, 0, 0, "");
    tcp(r, 1, SYN | ACK, 0, 1, "");
    assert_false(stream_session_open(&r->flow));
    tcp(r, 0, ACK, 1, 1, "");
    assert_int_equal(stream_session_state(&r->flow), STREAM_STATE_ESTABLISHED);
    assert_true(stream_session_open(&r->flow));
    assert_int_equal(r->flow.state, FLOW_STATE_ESTABLISHED);
}

static bool event(const struct rig *r, enum stream_event e)
{
    return r->last.events[e / 64] >> e % 64 & 1;
}

/* ---- commit ---- */

static void test_bytes_wait_for_their_ack(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 0, ACK, 1, 1, "hello");
    assert_true(r->last.added && r->last.valid);
    assert_string_equal(r->app[0], "");
    tcp(r, 1, ACK, 1, 3, "");
    assert_true(r->last.committed[0]);
    assert_string_equal(r->app[0], "he");
    tcp(r, 1, ACK, 1, 6, "");
    assert_string_equal(r->app[0], "hello");
    assert_int_equal(stream_size(&r->flow, 0), 6);
}

static void test_on_arrival(void **state)
{
    struct rig *r = rig_with(state, &(struct stream_conf){ .commit = STREAM_COMMIT_ON_ARRIVAL });
    shake(r);
    tcp(r, 0, ACK, 1, 1, "hello");
    assert_string_equal(r->app[0], "hello");
}

static void test_out_of_order(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 0, ACK, 7, 1, "world");
    tcp(r, 0, ACK, 1, 1, "hello ");
    tcp(r, 1, ACK, 1, 12, "");
    assert_string_equal(r->app[0], "hello world");
}

static void test_gap_only_when_acknowledged(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 0, ACK, 1, 1, "ab");
    tcp(r, 0, ACK, 6, 1, "fg");
    tcp(r, 1, ACK, 1, 3, "");
    assert_string_equal(r->app[0], "ab");
    tcp(r, 1, ACK, 1, 8, "");
    assert_string_equal(r->app[0], "ab<3>fg");
    assert_int_equal(r->slots[STREAM_COUNT_GAPS], 1);
    assert_int_equal(r->slots[STREAM_COUNT_GAP_BYTES], 3);
}

static void test_end_of_flow_hands_out_the_rest(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 0, ACK, 1, 1, "never acknowledged");
    stream_finish(r->ctx, &r->flow);
    take_all(r);
    assert_string_equal(r->app[0], "never acknowledged|");
    assert_string_equal(r->app[1], "|");
    assert_string_equal(r->raw[0], "never acknowledged/");
}

/* ---- overlaps ---- */

static void test_overlaps(void **state)
{
    static const struct {
        const char *name;
        struct {
            uint32_t seq;
            const char *data;
        } parts[4];
        const char *whole;
    } cases[] = {
        { "the same again, other bytes", { { 1, "aaaa" }, { 1, "bbbb" } }, "aaaa" },
        { "longer, same start", { { 1, "aaaa" }, { 1, "bbbbbb" } }, "aaaabb" },
        { "starts inside", { { 1, "aaaa" }, { 3, "bbbb" } }, "aaaabb" },
        { "starts before", { { 3, "aa" }, { 1, "bbbbbb" } }, "bbbbbb" },
        { "starts before, ends inside", { { 3, "aaaa" }, { 1, "bbb" } }, "bbbaaa" },
        { "before one, inside another",
          { { 1, "aaaa" }, { 5, "cccc" }, { 3, "bbbb" } },
          "aaaabbcc" },
        { "fills a hole", { { 1, "aa" }, { 5, "cc" }, { 2, "bbbb" } }, "aabbbc" },
        { "within", { { 1, "aaaaaa" }, { 2, "bb" } }, "aaaaaa" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig *r = rig_with(state, &(struct stream_conf){ 0 });
        shake(r);
        for (unsigned n = 0; n < 4 && cases[i].parts[n].data; n++)
            tcp(r, 0, ACK, cases[i].parts[n].seq, 1, cases[i].parts[n].data);
        tcp(r, 1, ACK, 1, 1 + (uint32_t)strlen(cases[i].whole), "");
        if (strcmp(r->app[0], cases[i].whole) != 0)
            fail_msg("%s: %s", cases[i].name, r->app[0]);
    }
}

/* However a text is cut, mixed and repeated, it comes out whole and in order, and no memory stays.
 */
static void test_any_order_gives_the_same(void **state)
{
    static const char text[] =
        "The abeng is the cow horn the Maroons sounded across the hills to warn of danger.";
    uint64_t seed = 42;
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct rig *r = rig_with(state, &(struct stream_conf){ 0 });
        char piece[sizeof(text)];
        bool sent[sizeof(text)] = { false };
        unsigned left = sizeof(text) - 1;
        shake(r);
        while (left) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            unsigned at = (unsigned)(seed >> 33) % (sizeof(text) - 1),
                     len = 1 + (unsigned)(seed >> 20) % 9;
            if (at + len > sizeof(text) - 1)
                len = (unsigned)sizeof(text) - 1 - at;
            memcpy(piece, text + at, len);
            piece[len] = 0;
            for (unsigned i = at; i < at + len; i++) {
                left -= !sent[i];
                sent[i] = true;
            }
            tcp(r, 0, ACK, 1 + at, 1, piece);
        }
        tcp(r, 1, ACK, 1, sizeof(text), "");
        assert_string_equal(r->app[0], text);
    }
}

/* ---- depth and chunks ---- */

static void test_depth(void **state)
{
    struct rig *r = rig_with(state, &(struct stream_conf){ .depth = 8 });
    shake(r);
    tcp(r, 0, ACK, 1, 1, "12345");
    tcp(r, 0, ACK, 6, 1, "67890");
    assert_true(r->last.added);
    assert_true(event(r, STREAM_EVENT_REASSEMBLY_DEPTH_REACHED));
    tcp(r, 1, ACK, 1, 11, "");
    assert_string_equal(r->app[0], "12345678|");
    tcp(r, 0, ACK, 11, 1, "more");
    assert_false(r->last.added);
    assert_string_equal(r->raw[0], "12345678/");
}

static void test_raw_chunks(void **state)
{
    struct rig *r = rig_with(state, &(struct stream_conf){ .raw_chunk = { 4, 4 } });
    shake(r);
    tcp(r, 0, ACK, 1, 1, "ab");
    tcp(r, 1, ACK, 1, 3, "");
    assert_string_equal(r->raw[0], ""); /* too little */
    tcp(r, 0, ACK, 3, 1, "cdef");
    tcp(r, 1, ACK, 1, 7, "");
    assert_string_equal(r->raw[0], "abcdef/"); /* all that there is, not the size of a chunk */
    tcp(r, 0, ACK, 7, 1, "g");
    tcp(r, 1, ACK, 1, 8, "");
    stream_raw_trigger(r->ctx, &r->flow, 0);
    take_raw(r, 0);
    assert_string_equal(r->raw[0], "abcdef/g/");
    tcp(r, 0, ACK, 10, 1, "jklm");
    tcp(r, 0, ACK, 8, 1, "h");
    tcp(r, 1, ACK, 1, 14, "");
    assert_string_equal(r->raw[0], "abcdef/g/h/jklm/"); /* a gap parts chunks */
    stream_raw_disable(r->ctx, &r->flow);
    assert_false(stream_raw_ready(r->ctx, &r->flow, 0)); /* there is nothing */
    tcp(r, 0, ACK, 14, 1, "secret");
    tcp(r, 1, ACK, 1, 20, "");
    assert_string_equal(r->raw[0], "abcdef/g/h/jklm/");
}

static void test_nobody_wants_raw(void **state)
{
    struct rig *r = *state;
    struct stream_span span;
    tcp(r, 0, SYN, 0, 0, "");
    tcp(r, 1, SYN | ACK, 0, 1, "");
    tcp(r, 0, ACK, 1, 1, "abc");
    tcp(r, 1, ACK, 1, 4, "");
    assert_false(stream_raw_next(r->ctx, &r->flow, 0, false, &span));
    tcp(r, 0, ACK, 4, 1, "de");
    stream_finish(r->ctx, &r->flow);
    take_all(r);
    assert_string_equal(r->raw[0], "de/");
}

/* ---- the state machine ---- */

static void test_states(void **state)
{
    static const struct {
        uint8_t dir, flags;
        uint32_t seq, ack;
        enum stream_state after;
    } server_closes[] = {
        { 1, FIN | ACK, 1, 1, STREAM_STATE_FIN_WAIT1 },
        { 0, ACK, 1, 2, STREAM_STATE_FIN_WAIT2 },
        { 0, FIN | ACK, 1, 2, STREAM_STATE_TIME_WAIT },
        { 1, ACK, 2, 2, STREAM_STATE_CLOSED },
    }, client_closes[] = {
        { 0, FIN | ACK, 1, 1, STREAM_STATE_CLOSE_WAIT },
        { 1, ACK, 1, 2, STREAM_STATE_CLOSE_WAIT },
        { 1, FIN | ACK, 1, 2, STREAM_STATE_LAST_ACK },
        { 0, ACK, 2, 2, STREAM_STATE_CLOSED },
    };
    struct rig *r = *state;
    shake(r);
    for (unsigned i = 0; i < 4; i++) {
        tcp(r, server_closes[i].dir, server_closes[i].flags, server_closes[i].seq,
            server_closes[i].ack, "");
        assert_int_equal(stream_session_state(&r->flow), server_closes[i].after);
    }
    r = rig_with(state, &(struct stream_conf){ 0 });
    shake(r);
    for (unsigned i = 0; i < 4; i++) {
        tcp(r, client_closes[i].dir, client_closes[i].flags, client_closes[i].seq,
            client_closes[i].ack, "");
        assert_int_equal(stream_session_state(&r->flow), client_closes[i].after);
    }
    assert_int_equal(r->flow.state, FLOW_STATE_CLOSED);
    assert_string_equal(r->app[0], "|");
    tcp(r, 0, SYN, 100, 0, "");
    assert_true(r->last.reuse);
}

static void test_data_with_fin(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 1, FIN | ACK, 1, 1, "bye");
    tcp(r, 0, FIN | ACK, 1, 5, "");
    assert_string_equal(r->app[1], "bye");
    tcp(r, 1, ACK, 5, 2, "");
    assert_string_equal(r->app[1], "bye|");
    assert_string_equal(r->app[0], "|");
}

static void test_reset_must_fit(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 1, RST, 50, 0, "");
    assert_false(r->last.valid);
    assert_int_equal(stream_session_state(&r->flow), STREAM_STATE_ESTABLISHED);
    tcp(r, 1, RST, 1, 0, "why");
    assert_true(r->last.valid && !r->last.added);
    assert_int_equal(stream_session_state(&r->flow), STREAM_STATE_CLOSED);
    assert_false(stream_session_open(&r->flow));
}

static void test_injected_reset(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 0, RST, 1, 0, "");
    tcp(r, 0, ACK, 1, 1, "still here");
    assert_true(event(r, STREAM_EVENT_SUSPECTED_RST_INJECT));
    assert_int_equal(stream_session_state(&r->flow), STREAM_STATE_ESTABLISHED);
    tcp(r, 1, ACK, 1, 11, "");
    assert_string_equal(r->app[0], "still here");
}

static void test_four_way_handshake(void **state)
{
    struct rig *r = *state;
    tcp(r, 0, SYN, 0, 0, "");
    tcp(r, 1, SYN, 0, 0, "");
    tcp(r, 0, SYN | ACK, 0, 1, "");
    assert_int_equal(stream_session_state(&r->flow), STREAM_STATE_SYN_RECV);
    tcp(r, 1, ACK, 1, 1, "");
    assert_int_equal(stream_session_state(&r->flow), STREAM_STATE_ESTABLISHED);
    tcp(r, 0, ACK, 1, 1, "hi");
    tcp(r, 1, ACK, 1, 3, "");
    assert_string_equal(r->app[0], "hi");
}

static void test_fast_open(void **state)
{
    struct rig *r = *state;
    struct packet p = { .tcp = { .flags = SYN, .has_fastopen = true } };
    give(r, 0, &p, 0, 0, "early");
    tcp(r, 1, SYN | ACK, 0, 6, "");
    tcp(r, 0, ACK, 6, 1, "");
    assert_int_equal(stream_session_state(&r->flow), STREAM_STATE_ESTABLISHED);
    assert_string_equal(r->app[0], "early");
}

static void test_lost_handshake_ack(void **state)
{
    struct rig *r = *state;
    tcp(r, 0, SYN, 0, 0, "");
    tcp(r, 1, SYN | ACK, 0, 1, "");
    tcp(r, 1, ACK, 1, 1, "220 ready");
    assert_true(r->last.valid);
    tcp(r, 0, ACK, 1, 10, "");
    assert_string_equal(r->app[1], "220 ready");
}

static void test_refusals(void **state)
{
    struct rig *r = *state;
    tcp(r, 0, SYN, 0, 0, "");
    tcp(r, 1, SYN | ACK, 0, 77, "");
    assert_true(event(r, STREAM_EVENT_3WHS_SYNACK_WITH_WRONG_ACK));
    tcp(r, 1, SYN | ACK, 0, 1, "");
    tcp(r, 0, ACK, 1, 1, "");
    tcp(r, 0, ACK, 1000000, 1, "far");
    assert_false(r->last.valid || r->last.added);
    assert_true(r->last.established);
    assert_true(event(r, STREAM_EVENT_EST_PACKET_OUT_OF_WINDOW));
    tcp(r, 1, ACK, 1, 1000000, "");
    assert_true(event(r, STREAM_EVENT_EST_INVALID_ACK));
    tcp(r, 0, SYN, 0, 0, "");
    assert_true(event(r, STREAM_EVENT_EST_SYN_RESEND));
}

static void test_keepalive_adds_nothing(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 0, ACK, 1, 1, "abc");
    tcp(r, 1, ACK, 1, 4, "");
    tcp(r, 0, ACK, 3, 1, "X");
    assert_false(r->last.added);
    tcp(r, 0, ACK, 4, 1, "d");
    tcp(r, 1, ACK, 1, 5, "");
    assert_string_equal(r->app[0], "abcd");
}

static void test_bad_checksum_is_not_taken(void **state)
{
    struct rig *r = *state;
    struct packet p = { .flags = PACKET_F_BAD_CHECKSUM, .tcp = { .flags = ACK } };
    shake(r);
    give(r, 0, &p, 1, 1, "evil");
    assert_false(r->last.valid || r->last.added);
    tcp(r, 0, ACK, 1, 1, "good");
    tcp(r, 1, ACK, 1, 5, "");
    assert_string_equal(r->app[0], "good");
}

/* ---- mid-stream ---- */

static void test_midstream_off(void **state)
{
    struct rig *r = *state;
    tcp(r, 0, ACK, 1, 1, "abc");
    assert_false(r->last.has_session || r->last.added);
    tcp(r, 0, FIN | ACK, 4, 1, "");
    assert_true(event(r, STREAM_EVENT_FIN_BUT_NO_SESSION));
    assert_int_equal(stream_size(&r->flow, 0), 0);
}

static void test_midstream_on(void **state)
{
    struct rig *r = rig_with(state, &(struct stream_conf){ .midstream = true });
    tcp(r, 0, ACK, 1, 1, "abc");
    assert_true(r->last.established && r->last.added);
    tcp(r, 1, ACK, 1, 4, "xyz");
    assert_string_equal(r->app[0], "abc");
    tcp(r, 0, ACK, 4, 4, "");
    assert_string_equal(r->app[1], "xyz");
}

static void test_midstream_from_the_answer(void **state)
{
    struct rig *r = rig_with(state, &(struct stream_conf){ .midstream = true });
    r->flow.client_port = 80;
    r->flow.server_port = 1024;
    struct packet p = { .tcp = { .flags = SYN | ACK } };
    p.ip_version = 4;
    p.tcp.seq = SERVER_ISN;
    p.tcp.ack = CLIENT_ISN + 1;
    stream_packet(r->ctx, &r->flow, 0, &p, &r->last);
    assert_true(r->last.reversed);
    assert_int_equal(r->flow.server_port, 80);
    tcp(r, 0, ACK, 1, 1, "GET");
    tcp(r, 1, ACK, 1, 4, "");
    assert_string_equal(r->app[0], "GET");
}

static void test_one_sided(void **state)
{
    struct rig *r = rig_with(state, &(struct stream_conf){ .async_oneside = true });
    tcp(r, 0, SYN, 0, 0, "");
    tcp(r, 0, ACK, 1, 1, "GET");
    assert_true(r->last.established);
    assert_string_equal(r->app[0], "GET");
    assert_true(stream_one_sided(&r->flow));
}

/* ---- what comes again ---- */

static void test_spurious_retransmission(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 0, ACK, 1, 1, "hello");
    tcp(r, 1, ACK, 1, 6, "");
    tcp(r, 0, ACK, 1, 1, "hello");
    assert_true(event(r, STREAM_EVENT_PKT_SPURIOUS_RETRANSMISSION));
    assert_true(r->last.valid);
    assert_string_equal(r->app[0], "hello");
    tcp(r, 0, ACK, 6, 1, "again");
    assert_false(event(r, STREAM_EVENT_PKT_SPURIOUS_RETRANSMISSION));
    assert_true(r->last.added);
}

static void test_retransmission_while_closing(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 1, ACK, 1, 1, "data");
    tcp(r, 1, ACK, 1, 1, "data");
    assert_false(event(r, STREAM_EVENT_PKT_RETRANSMISSION));
    tcp(r, 1, FIN | ACK, 5, 1, "");
    tcp(r, 1, FIN | ACK, 1, 1, "data");
    assert_true(event(r, STREAM_EVENT_PKT_RETRANSMISSION));
    assert_false(event(r, STREAM_EVENT_FIN1_FIN_WRONG_SEQ));
}

static void test_bad_window_update(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 1, ACK, 1, 1, "data");
    struct packet p = { .tcp = { .flags = ACK, .window = 1 } };
    give(r, 0, &p, 9, 9, "");
    assert_true(event(r, STREAM_EVENT_PKT_BAD_WINDOW_UPDATE));
    tcp(r, 1, ACK, 5, 1, "more");
    assert_true(r->last.added); /* the window is as it was */
}

static void test_outdated_ack(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 1, ACK, 1, 1, "data");
    tcp(r, 0, ACK, 1, 5, "");
    tcp(r, 0, ACK, 1, 1u - 70000, "");
    assert_true(r->last.valid);
    assert_false(event(r, STREAM_EVENT_PKT_INVALID_ACK));
}

static void test_synack_resend(void **state)
{
    struct rig *r = *state;
    shake(r);
    tcp(r, 1, SYN | ACK, 0, 1, "");
    assert_false(event(r, STREAM_EVENT_EST_SYNACK_RESEND));
    tcp(r, 1, ACK, 1, 1, "data");
    tcp(r, 1, SYN | ACK, 0, 1, "");
    assert_true(event(r, STREAM_EVENT_EST_SYNACK_RESEND));
    assert_false(r->last.valid);
}

static void test_event_names(void **state)
{
    (void)state;
    assert_int_equal(stream_event_find("PKT_broken_ack"), STREAM_EVENT_PKT_BROKEN_ACK);
    assert_int_equal(stream_event_find("est_synack_resend_with_different_ack"),
                     STREAM_EVENT_EST_SYNACK_RESEND_WITH_DIFF_ACK);
    assert_int_equal(stream_event_find("stream.pkt_broken_ack"), -1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_bytes_wait_for_their_ack),
        CASE(test_on_arrival),
        CASE(test_out_of_order),
        CASE(test_gap_only_when_acknowledged),
        CASE(test_end_of_flow_hands_out_the_rest),
        CASE(test_overlaps),
        CASE(test_any_order_gives_the_same),
        CASE(test_depth),
        CASE(test_raw_chunks),
        CASE(test_nobody_wants_raw),
        CASE(test_states),
        CASE(test_data_with_fin),
        CASE(test_reset_must_fit),
        CASE(test_injected_reset),
        CASE(test_four_way_handshake),
        CASE(test_fast_open),
        CASE(test_lost_handshake_ack),
        CASE(test_refusals),
        CASE(test_keepalive_adds_nothing),
        CASE(test_bad_checksum_is_not_taken),
        CASE(test_midstream_off),
        CASE(test_midstream_on),
        CASE(test_midstream_from_the_answer),
        CASE(test_one_sided),
        CASE(test_spurious_retransmission),
        CASE(test_retransmission_while_closing),
        CASE(test_bad_window_update),
        CASE(test_outdated_ack),
        CASE(test_synack_resend),
        CASE(test_event_names),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
