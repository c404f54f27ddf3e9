/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table: directions, pairing, timeouts in order, the cap, and ids that depend on the
 * traffic alone. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"
#include "sensor/flow/wheel.h"

#define SECOND 1000000000ull

struct rig {
    struct slab *slab;
    struct flow_table *t;
    uint64_t slots[32];
    struct counter_block counters;
};

static struct rig *rig_make(uint32_t flows_max, uint64_t seed)
{
    struct rig *r = xcalloc(1, sizeof(*r));
    r->slab = slab_create(64u << 20);
    r->counters.slots = r->slots;
    r->t = flow_table_create(&(struct flow_conf){ .flows_max = flows_max }, r->slab, seed,
                             &r->counters);
    return r;
}

static void rig_free(struct rig *r)
{
    struct slab_stats stats;
    struct flow *f;
    uint64_t when, last = 0;
    while ((f = flow_table_flush(r->t, &when))) {
        assert_true(when >= last);
        last = when;
        flow_table_release(r->t, f);
    }
    flow_table_free(r->t);
    slab_stats(r->slab, &stats);
    assert_int_equal(stats.used, 0);
    slab_free_all(r->slab);
    free(r);
}

static struct packet packet(uint8_t proto, uint8_t from, uint16_t sport, uint8_t to, uint16_t dport,
                            uint64_t now)
{
    static const uint8_t header[20];
    struct packet p = { .now_ns = now,
                        .ts_ns = now,
                        .wire_len = 100,
                        .ip_version = 4,
                        .proto = proto,
                        .l4 = header,
                        .l4_len = sizeof(header),
                        .sport = sport,
                        .dport = dport };
    p.src = addr_from_v4((const uint8_t[]){ 192, 0, 2, from });
    p.dst = addr_from_v4((const uint8_t[]){ 192, 0, 2, to });
    return p;
}

static struct packet icmp(uint8_t from, uint8_t to, uint8_t type, uint64_t now)
{
    struct packet p = packet(1, from, type, to, 0, now);
    p.icmp_type = type;
    p.flags = PACKET_F_NO_PORTS;
    return p;
}

static struct flow *look(struct rig *r, const struct packet *p, unsigned *dir, bool *fresh)
{
    return flow_table_lookup(r->t, p, 0, dir, fresh);
}

static void test_directions(void **state)
{
    struct rig *r = rig_make(0, 1);
    struct packet a = packet(17, 1, 1000, 2, 53, 1), b = packet(17, 2, 53, 1, 1000, 2);
    struct packet other = packet(17, 1, 1001, 2, 53, 3), tagged = a;
    unsigned dir;
    bool fresh;
    (void)state;
    tagged.vlan[0] = 5;
    struct flow *f = look(r, &a, &dir, &fresh);
    assert_true(fresh && dir == 0 && f->state == FLOW_STATE_NEW);
    assert_ptr_equal(look(r, &b, &dir, &fresh), f);
    assert_true(!fresh && dir == 1 && f->state == FLOW_STATE_ESTABLISHED);
    assert_int_equal(f->packets[0], 1);
    assert_int_equal(f->bytes[1], 100);
    assert_ptr_not_equal(look(r, &other, &dir, &fresh), f);
    assert_ptr_not_equal(look(r, &tagged, &dir, &fresh), f);
    assert_int_equal(flow_table_count(r->t), 3);
    rig_free(r);
}

static void test_icmp_pairs(void **state)
{
    struct rig *r = rig_make(0, 1);
    struct packet echo = icmp(1, 2, 8, 1), reply = icmp(2, 1, 0, 2),
                  dns = packet(17, 1, 1000, 2, 53, 3);
    struct packet error = icmp(9, 1, 3, 4);
    unsigned dir;
    bool fresh;
    (void)state;
    struct flow *f = look(r, &echo, &dir, &fresh);
    assert_ptr_equal(look(r, &reply, &dir, &fresh), f);
    assert_int_equal(dir, 1);
    assert_int_equal(f->client_port, 8);
    error.quoted.ip_version = 4;
    error.quoted.proto = 17;
    error.quoted.src = dns.src;
    error.quoted.dst = dns.dst;
    error.quoted.sport = 1000;
    error.quoted.dport = 53;
    assert_null(look(r, &error, &dir, &fresh)); /* an error begins no flow */
    f = look(r, &dns, &dir, &fresh);
    assert_ptr_equal(look(r, &error, &dir, &fresh), f);
    assert_int_equal(dir, 0); /* a router's word is not the server's */
    struct packet refusal = icmp(2, 1, 3, 3);
    refusal.quoted = error.quoted;
    assert_ptr_equal(look(r, &refusal, &dir, &fresh), f);
    assert_int_equal(dir, 1);
    assert_int_equal(f->state, FLOW_STATE_NEW); /* and that is no answer either */
    rig_free(r);
}

static void test_no_flow(void **state)
{
    struct rig *r = rig_make(0, 1);
    struct packet p = packet(17, 1, 1, 2, 2, 1);
    unsigned dir;
    bool fresh;
    (void)state;
    p.flags = PACKET_F_FRAGMENT;
    assert_null(look(r, &p, &dir, &fresh));
    p.flags = PACKET_F_L4_BAD;
    assert_null(look(r, &p, &dir, &fresh));
    p = packet(47, 1, 0, 2, 0, 1);
    assert_null(look(r, &p, &dir, &fresh));
    rig_free(r);
}

/* In whole seconds, and only when more than the timeout has gone by. */
static void test_timeouts_in_order(void **state)
{
    struct rig *r = rig_make(0, 1);
    unsigned dir;
    bool fresh;
    uint64_t when;
    (void)state;
    struct packet tcp = packet(6, 1, 1, 2, 80, 1 * SECOND),
                  udp = packet(17, 1, 1, 2, 53, 2 * SECOND);
    struct packet closing = packet(6, 3, 1, 2, 80, 3 * SECOND),
                  late = packet(17, 4, 1, 2, 53, 9 * SECOND);
    struct flow *ft = look(r, &tcp, &dir, &fresh), *fu = look(r, &udp, &dir, &fresh);
    struct flow *fc = look(r, &closing, &dir, &fresh);
    ft->state = FLOW_STATE_ESTABLISHED;
    flow_table_touch(r->t, ft);
    fc->state = FLOW_STATE_CLOSED;
    flow_table_touch(r->t, fc);
    struct flow *fl = look(r, &late, &dir, &fresh);
    assert_null(flow_table_expire(r->t, 31 * SECOND, &when));
    assert_ptr_equal(flow_table_expire(r->t, 1000 * SECOND, &when), fu);
    assert_int_equal(when, 33 * SECOND);
    flow_table_release(r->t, fu);
    assert_ptr_equal(flow_table_expire(r->t, 1000 * SECOND, &when), fl);
    assert_int_equal(when, 40 * SECOND);
    flow_table_release(r->t, fl);
    assert_ptr_equal(flow_table_expire(r->t, 1000 * SECOND, &when), fc);
    assert_int_equal(when, 64 * SECOND);
    flow_table_release(r->t, fc);
    assert_ptr_equal(flow_table_expire(r->t, 1000 * SECOND, &when), ft);
    assert_int_equal(when, 602 * SECOND);
    flow_table_release(r->t, ft);
    rig_free(r);
}

/* The table judges by the packet's own time, though nobody has asked for what expired. */
static void test_old_flow_is_not_continued(void **state)
{
    struct rig *r = rig_make(0, 1);
    struct packet a = packet(17, 1, 1, 2, 53, 1 * SECOND),
                  b = packet(17, 1, 1, 2, 53, 100 * SECOND);
    unsigned dir;
    bool fresh;
    uint64_t when;
    (void)state;
    struct flow *f = look(r, &a, &dir, &fresh);
    struct flow *g = look(r, &b, &dir, &fresh);
    assert_true(fresh);
    assert_ptr_not_equal(f, g);
    assert_ptr_equal(flow_table_expire(r->t, 100 * SECOND, &when), f);
    assert_int_equal(when, 32 * SECOND);
    flow_table_release(r->t, f);
    flow_table_end(r->t, g);
    assert_ptr_equal(flow_table_expire(r->t, 100 * SECOND, &when), g);
    flow_table_release(r->t, g);
    assert_int_equal(flow_table_count(r->t), 0);
    rig_free(r);
}

static void test_the_cap_ends_the_nearest_to_its_timeout(void **state)
{
    struct rig *r = rig_make(64, 1);
    unsigned dir;
    bool fresh;
    uint64_t when;
    struct flow *f, *first = NULL;
    (void)state;
    for (uint16_t i = 0; i < 200; i++) {
        struct packet p = packet(17, 1, i, 2, 53, i ? SECOND + i : 1);
        assert_non_null(f = look(r, &p, &dir, &fresh));
        if (!first)
            first = f;
    }
    assert_int_equal(flow_table_count(r->t), 64);
    assert_ptr_equal(flow_table_expire(r->t, 200, &when), first);
    flow_table_release(r->t, first);
    unsigned more = 0;
    while ((f = flow_table_expire(r->t, 200, &when))) {
        flow_table_release(r->t, f);
        more++;
    }
    assert_int_equal(more, 200 - 64 - 1);
    rig_free(r);
}

static void test_many_flows_are_all_found_again(void **state)
{
    enum { MANY = 20000 };
    struct rig *r = rig_make(MANY, 99);
    struct flow **made = xcalloc(MANY, sizeof(*made));
    unsigned dir;
    bool fresh;
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        struct packet p = packet(6, (uint8_t)(i >> 12), (uint16_t)i, 200, 80, 1);
        made[i] = look(r, &p, &dir, &fresh);
        assert_true(fresh);
    }
    for (unsigned i = 0; i < MANY; i++) {
        struct packet p = packet(6, 200, 80, (uint8_t)(i >> 12), (uint16_t)i, 2);
        assert_ptr_equal(look(r, &p, &dir, &fresh), made[i]);
        assert_int_equal(dir, 1);
    }
    free(made);
    rig_free(r);
}

static void test_ids_do_not_depend_on_the_table(void **state)
{
    struct rig *a = rig_make(0, 1), *b = rig_make(100, 2);
    struct packet p = packet(6, 1, 1, 2, 80, 5), q = packet(6, 1, 2, 2, 80, 5);
    unsigned dir;
    bool fresh;
    (void)state;
    uint64_t id = look(a, &p, &dir, &fresh)->id;
    assert_int_equal(look(b, &p, &dir, &fresh)->id, id);
    assert_int_not_equal(look(b, &q, &dir, &fresh)->id, id);
    assert_in_range(id, 1, (1ull << 51) - 1);
    rig_free(a);
    rig_free(b);
}

/* ---- the wheel against a search through all ---- */

#define WHEEL_FLOWS 500

static uint64_t wheel_deadline(const void *arg, const struct flow *f)
{
    (void)arg;
    return f->first_ts_ns;
}

/* A small generator of our own, so that a failure comes again. */
static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (*state >> 33) % below;
}

static bool comes_before(const struct flow *a, const struct flow *b)
{
    return a->first_ts_ns != b->first_ts_ns ? a->first_ts_ns < b->first_ts_ns : a->id < b->id;
}

static struct flow *search_first(struct flow *flows, const bool *in)
{
    struct flow *first = NULL;
    for (unsigned i = 0; i < WHEEL_FLOWS; i++) {
        if (in[i] && (!first || comes_before(&flows[i], first)))
            first = &flows[i];
    }
    return first;
}

/* Now and then a deadline of its own, mostly one shared by many, sometimes out of the wheel's reach. */
static uint64_t draw_deadline(uint64_t *state, uint64_t now)
{
    uint64_t ahead = (1 + draw(state, draw(state, 20) ? 90 : 5000)) * SECOND;
    return (now / SECOND) * SECOND + ahead + (draw(state, 3) ? 0 : draw(state, SECOND));
}

static void drain(struct flow_wheel *w, struct flow *flows, bool *in, uint64_t now)
{
    uint64_t deadline;
    for (struct flow *f; (f = flow_wheel_first(w, now, &deadline));) {
        assert_ptr_equal(f, search_first(flows, in));
        assert_int_equal(deadline, f->first_ts_ns);
        flow_wheel_remove(w, f);
        in[f - flows] = false;
    }
    struct flow *first = search_first(flows, in);
    assert_true(!first || first->first_ts_ns > now || now == UINT64_MAX);
    assert_true(now != UINT64_MAX || !first);
}

static void one_change(struct flow_wheel *w, struct flow *f, bool *in, uint64_t *state,
                       uint64_t now)
{
    uint64_t kind = draw(state, 4);
    if (!*in) {
        f->last_ns = now;
        f->first_ts_ns = draw_deadline(state, now);
        assert_true(flow_wheel_add(w, f));
        *in = true;
    } else if (kind == 0) {
        flow_wheel_remove(w, f);
        *in = false;
    } else if (kind == 1) { /* nearer: the wheel is told */
        uint64_t deadline = draw_deadline(state, now);
        if (deadline < f->first_ts_ns) {
            f->first_ts_ns = deadline;
            flow_wheel_move(w, f);
        }
    } else { /* further: it finds out by itself */
        f->first_ts_ns += draw(state, 40) * SECOND;
    }
}

/* Flows that have one deadline leave by their ids, however these lie. */
static void crowds_leave_in_order(void **state)
{
    enum { CROWD = 3000 };
    struct flow *flows = xcalloc(CROWD, sizeof(*flows));
    struct flow_wheel w;
    uint64_t seed = 11, deadline;
    (void)state;
    for (unsigned bits = 8; bits <= 64; bits += 8) {
        flow_wheel_init(&w, CROWD, wheel_deadline, NULL);
        for (unsigned i = 0; i < CROWD; i++) {
            uint64_t id = draw(&seed, 1u << 31) << 33 ^ draw(&seed, 1u << 31) << 11;
            flows[i] = (struct flow){ .id = (id ^ draw(&seed, 1u << 11)) >> (64 - bits),
                                      .first_ts_ns = 9 * SECOND };
            assert_true(flow_wheel_add(&w, &flows[i]));
        }
        const struct flow *before = NULL;
        for (unsigned i = 0; i < CROWD; i++) {
            struct flow *f = flow_wheel_first(&w, UINT64_MAX, &deadline);
            assert_non_null(f);
            assert_true(!before || before->id <= f->id);
            flow_wheel_remove(&w, f);
            before = f;
        }
        assert_null(flow_wheel_first(&w, UINT64_MAX, &deadline));
        flow_wheel_clear(&w);
    }
    free(flows);
}

static void wheel_keeps_exact_order(void **state)
{
    static struct flow flows[WHEEL_FLOWS];
    static bool in[WHEEL_FLOWS];
    struct flow_wheel w;
    uint64_t seed = 7, now = 1700000000ull * SECOND;
    (void)state;
    flow_wheel_init(&w, WHEEL_FLOWS, wheel_deadline, NULL);
    for (unsigned i = 0; i < WHEEL_FLOWS; i++)
        flows[i].id = 1 + draw(&seed, 1u << 30);
    for (unsigned round = 0; round < 4000; round++) {
        for (unsigned n = 0; n < 20; n++) {
            uint64_t i = draw(&seed, WHEEL_FLOWS);
            one_change(&w, &flows[i], &in[i], &seed, now);
        }
        if (draw(&seed, 20) == 0) { /* the first goes though it is not due, or one of its second */
            uint64_t deadline;
            bool any = draw(&seed, 2);
            struct flow *first = search_first(flows, in);
            struct flow *f = any ? flow_wheel_oldest(&w)
                                 : flow_wheel_first(&w, UINT64_MAX, &deadline);
            assert_true(any || f == first);
            if (f) {
                assert_int_equal(f->first_ts_ns / SECOND, first->first_ts_ns / SECOND);
                flow_wheel_remove(&w, f);
                in[f - flows] = false;
            }
        }
        now += draw(&seed, 100) ? draw(&seed, 3 * SECOND) : draw(&seed, 4000 * SECOND);
        drain(&w, flows, in, now);
    }
    drain(&w, flows, in, UINT64_MAX);
    assert_int_equal(w.count, 0);
    flow_wheel_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_icmp_pairs),
        cmocka_unit_test(test_no_flow),
        cmocka_unit_test(test_timeouts_in_order),
        cmocka_unit_test(test_old_flow_is_not_continued),
        cmocka_unit_test(test_the_cap_ends_the_nearest_to_its_timeout),
        cmocka_unit_test(test_many_flows_are_all_found_again),
        cmocka_unit_test(test_ids_do_not_depend_on_the_table),
        cmocka_unit_test(crowds_leave_in_order),
        cmocka_unit_test(wheel_keeps_exact_order),
    };
    return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
