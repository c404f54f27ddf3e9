/* SPDX-License-Identifier: Apache-2.0 */
/* From the ring to the line: order, what flows share, lanes, and what the line says. */
#include "config.h"
#include "sensor/alert/alert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/event.h"
#include "common/log.h"
#include "sensor/alert/encode.h"
#include "sensor/alert/lane.h"
#include "sensor/alert/output.h"
#include "sensor/alert/ring.h"
#include "sensor/alert/sequencer.h"
#include "sensor/alert/track.h"
#include "sensor/detect/detect.h"

/* A rule set of our own stands in for detection's: the stage sees it through three functions
 * only. */
struct detect_ruleset {
    const char *name;
    struct detect_rule rules[8];
    bool suppressed[8];
    unsigned dropped; /* how often the sequencer let it go */
};

const char *detect_ruleset_name(const struct detect_ruleset *set, uint32_t *rules)
{
    if (rules)
        *rules = 8;
    return set->name;
}

void detect_ruleset_drop(struct detect_ruleset *set)
{
    set->dropped++;
}

void detect_rule_get(const struct detect_ruleset *set, uint32_t index, struct detect_rule *out)
{
    *out = set->rules[index];
}

bool detect_rule_suppressed(const struct detect_ruleset *set, uint32_t index,
                            const struct addr *src, const struct addr *dst)
{
    (void)src;
    (void)dst;
    return set->suppressed[index];
}

struct bench {
    struct detect_ruleset set;
    struct alert_ring *ring;
    struct sequencer *seq;
    uint64_t slots[16];
    struct counter_block counters;
    char sids[4096]; /* one letter for each record that came out */
    unsigned out;
};

static struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static void collect(void *arg, const struct alert_record *r, const struct detect_rule *rule,
                    const void *extra, bool dropped)
{
    struct bench *b = arg;
    (void)extra;
    (void)dropped;
    assert_true(b->out < sizeof(b->sids) - 1);
    b->sids[b->out++] = r->kind == ALERT_KIND_FLOW     ? 'f'
                        : r->kind == ALERT_KIND_PACKET ? 'p'
                                                       : (char)('0' + rule->sid);
    b->sids[b->out] = 0;
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct sequencer_conf conf = { .track_entries_max = 4 };
    b->counters.slots = b->slots;
    b->set.name = "test-1";
    for (uint32_t i = 0; i < 8; i++)
        b->set.rules[i] = (struct detect_rule){ .sid = i,
                                                .gid = 1,
                                                .rev = 2,
                                                .action = SIG_ACTION_ALERT,
                                                .priority = 2,
                                                .msg = "EXAMPLE signature",
                                                .category = "Example" };
    b->ring = alert_ring_create(64 << 10);
    b->seq = sequencer_create(&conf, &b->ring, 1, collect, b, &b->counters);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    sequencer_free(b->seq);
    alert_ring_free(b->ring);
    free(b);
    return 0;
}

static struct alert_record hit(struct bench *b, uint32_t rule, uint64_t at_ns, uint64_t packet)
{
    return (struct alert_record){
        .key = {at_ns, packet, 5},
        .ruleset = &b->set,
        .rule = rule,
        .ip_version = 4,
        .proto = 6,
        .ts_ns = at_ns,
        .src = address("192.0.2.1"),
        .dst = address("198.51.100.2"),
    };
}

static void put(struct bench *b, const struct alert_record *r)
{
    assert_true(alert_ring_put(b->ring, r, NULL));
    alert_ring_passed(b->ring, UINT64_MAX - 1);
    assert_int_equal(sequencer_run(b->seq), 1);
}

/* Suricata 7.0.10's counting: events at these seconds, which of them alert. */
static void thresholds_count_as_the_reference(void **state)
{
    struct bench *b = *state;
    static const struct {
        uint8_t type;
        uint32_t count, seconds;
        unsigned at[10];
        const char *want;
    } cases[] = {
        {SIG_THRESHOLD_LIMIT,             1, 60, { 0, 1, 60, 61, 62, 121, 122 }, "1001001"},
        { SIG_THRESHOLD_LIMIT,            2, 10, { 0, 1, 2, 10, 11, 12, 13 },    "1100110"},
        { SIG_THRESHOLD_THRESHOLD,        3, 60, { 0, 1, 2, 3, 4, 5, 61 },       "0010010"},
        { SIG_THRESHOLD_THRESHOLD,        3, 10, { 0, 1, 11, 12, 13, 30, 31 },   "0000100"},
        { SIG_THRESHOLD_THRESHOLD,        1, 60, { 0, 1, 2, 3, 4, 5, 6 },        "1111111"},
        { SIG_THRESHOLD_BOTH,             3, 60, { 0, 1, 2, 3, 4, 5, 61 },       "0010000"},
        { SIG_THRESHOLD_BOTH,             1, 10, { 0, 1, 11, 12, 30, 31, 32 },   "1010100"},
        { SIG_THRESHOLD_DETECTION_FILTER, 2, 10, { 0, 1, 2, 3, 14, 15, 16 },     "0011001"},
        { SIG_THRESHOLD_DETECTION_FILTER, 1, 10, { 0, 1, 2, 11, 12, 13, 14 },    "0110111"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sig_threshold th = { .type = cases[i].type,
                                    .track = SIG_TRACK_SRC,
                                    .count = cases[i].count,
                                    .seconds = cases[i].seconds };
        bool filter = cases[i].type == SIG_THRESHOLD_DETECTION_FILTER;
        b->set.rules[1].sid = 100 + i; /* a rule of its own each time */
        b->set.rules[1].threshold = filter ? (struct sig_threshold){ 0 } : th;
        b->set.rules[1].filter = filter ? th : (struct sig_threshold){ 0 };
        for (unsigned k = 0; cases[i].want[k]; k++) {
            unsigned before = b->out;
            struct alert_record r = hit(b, 1, (1000 + cases[i].at[k]) * NS_PER_S, k + 1);
            put(b, &r);
            if (b->out - before != (unsigned)(cases[i].want[k] - '0'))
                fail_msg("case %u, event %u", i, k);
        }
    }
}

/* A capture merged from two: engine time has gone on, the packet's own time lies in the window. */
static void windows_are_of_packet_time(void **state)
{
    struct bench *b = *state;
    b->set.rules[1].threshold =
        (struct sig_threshold){ .type = SIG_THRESHOLD_LIMIT,
                                .track = SIG_TRACK_SRC,
                                .count = 1,
                                .seconds = 360 };
    struct alert_record r = hit(b, 1, 1000 * NS_PER_S, 1);
    put(b, &r);
    r = hit(b, 1, 1400 * NS_PER_S, 2);
    r.ts_ns = 1037 * NS_PER_S;
    put(b, &r);
    r.ts_ns = 1361 * NS_PER_S;
    put(b, &r);
    assert_string_equal(b->sids, "11");
}

static void tracking_by_address(void **state)
{
    struct bench *b = *state;
    /* clang-format off */
    static const struct {
        uint8_t track;
        const char *want; /* same, other source, other destination, turned round */
    } cases[] = {
        { SIG_TRACK_SRC, "0101" },
        { SIG_TRACK_DST, "0011" },
        { SIG_TRACK_PAIR, "0110" },
        { SIG_TRACK_RULE, "0000" },
    };
    /* clang-format on */
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        b->set.rules[1].sid = 200 + i;
        b->set.rules[1].threshold =
            (struct sig_threshold){ .type = SIG_THRESHOLD_LIMIT,
                                .track = cases[i].track,
                                .count = 1,
                                .seconds = 60 };
        struct alert_record r[5];
        for (unsigned k = 0; k < 5; k++)
            r[k] = hit(b, 1, 1000 * NS_PER_S, k + 1);
        r[2].src = address("2001:db8::1");
        r[3].dst = address("203.0.113.9");
        r[4].src = r[0].dst;
        r[4].dst = r[0].src;
        put(b, &r[0]);
        for (unsigned k = 1; k < 5; k++) {
            unsigned before = b->out;
            put(b, &r[k]);
            if (b->out - before != (unsigned)(cases[i].want[k - 1] - '0'))
                fail_msg("case %u, event %u", i, k);
        }
    }
}

static void xbits(void **state)
{
    struct bench *b = *state;
    struct sig_op set = {
        .kind = SIG_OP_XBIT,
        .u.bit = {.id = { 7 },
                  .count = 1,
                  .command = SIG_BIT_SET,
                  .track = SIG_TRACK_SRC,
                  .expire_s = 10}
    };
    struct sig_op isset = set, two[2];
    isset.u.bit.command = SIG_BIT_ISSET;
    two[0] = set; /* sets another bit, but only if the first is there */
    two[0].u.bit.id[0] = 8;
    two[1] = isset;
    struct sig_op isset_two = isset;
    isset_two.u.bit.id[0] = 8;
    b->set.rules[1].shared_ops = &set;
    b->set.rules[2].shared_ops = &isset;
    b->set.rules[3].shared_ops = two;
    b->set.rules[4].shared_ops = &isset_two;
    for (unsigned i = 1; i < 5; i++)
        b->set.rules[i].shared_count = i == 3 ? 2 : 1;
    b->set.rules[1].noalert = true;
    static const struct {
        uint32_t rule;
        unsigned at;
    } events[] = {
        {2,  0 },
        { 3, 0 },
        { 4, 0 },
        { 1, 1 },
        { 2, 11},
        { 3, 11},
        { 4, 12},
        { 2, 12}
    };
    for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct alert_record r = hit(b, events[i].rule, (1000 + events[i].at) * NS_PER_S, i + 1);
        put(b, &r);
    }
    assert_string_equal(b->sids, "234");
}

static void a_packet_raises_fifteen(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 20; i++) {
        struct alert_record r = hit(b, 1, NS_PER_S, 1);
        put(b, &r);
    }
    assert_int_equal(b->out, 15);
    struct alert_record r = hit(b, 2, NS_PER_S, 1);
    r.dir = 1; /* a flow's end has a pseudo packet each way */
    put(b, &r);
    r = hit(b, 3, NS_PER_S, 2);
    put(b, &r);
    assert_string_equal(b->sids, "11111111111111123");
}

static void suppress_and_actions(void **state)
{
    struct bench *b = *state;
    b->set.suppressed[2] = b->set.suppressed[4] = true;
    b->set.rules[5].action = SIG_ACTION_PASS;
    b->set.rules[5].noalert = true;
    b->set.rules[1].action = SIG_ACTION_PASS; /* with the keyword `alert` */
    b->set.rules[6].action = SIG_ACTION_DROP;
    for (unsigned i = 1; i < 8; i++) {
        struct alert_record r = hit(b, i, NS_PER_S, i);
        r.kind = i == 7 ? ALERT_KIND_FLOW : ALERT_KIND_ALERT;
        put(b, &r);
    }
    assert_string_equal(b->sids, "136f");
}

/* The second of each event, and whether a rate of more than 2 in 5 seconds, for 3, has then changed
 * `alert` to pass. */
static void rates_count_as_the_reference(void **state)
{
    struct bench *b = *state;
    static const unsigned passed[] = { 2, 3, 4, 5, 9, 10, 11, 12 };
    b->set.rules[1].threshold = (struct sig_threshold){ .type = SIG_THRESHOLD_RATE,
                                                        .track = SIG_TRACK_SRC,
                                                        .action = SIG_ACTION_PASS,
                                                        .count = 2,
                                                        .seconds = 5,
                                                        .timeout = 3 };
    for (unsigned at = 0, p = 0; at < 13; at++) {
        unsigned before = b->out;
        struct alert_record r = hit(b, 1, (at + 1) * NS_PER_S, at + 1);
        put(b, &r);
        r = hit(b, 3, (at + 1) * NS_PER_S, at + 1); /* behind it, on the same packet */
        put(b, &r);
        bool pass = p < sizeof(passed) / sizeof(passed[0]) && passed[p] == at;
        p += pass;
        assert_int_equal(b->out - before, pass ? 0 : 2);
    }
}

/* A packet of flow 99 that may belong to `tags`. */
static void put_packet(struct bench *b, uint64_t at_ns, uint64_t packet, uint32_t len,
                       const struct detect_tag *tags, uint16_t count)
{
    struct alert_record r = hit(b, 0, at_ns, packet);
    r.kind = ALERT_KIND_PACKET;
    r.ruleset = NULL;
    r.has_flow = true;
    r.flow_id = 99;
    r.packet_len = len;
    r.tag_count = count;
    r.extra_len = count * (uint32_t)sizeof(*tags);
    assert_true(alert_ring_put(b->ring, &r, tags));
    alert_ring_passed(b->ring, UINT64_MAX - 1);
    assert_int_equal(sequencer_run(b->seq), 1);
}

static void tagged_alert(struct bench *b, uint32_t rule, uint64_t at_ns, uint64_t packet)
{
    struct alert_record r = hit(b, rule, at_ns, packet);
    r.has_flow = true;
    r.flow_id = 99;
    put(b, &r);
}

/* An alert's own packet counts and is not written; what a threshold holds back begins no tag. */
static void tags_count_as_the_reference(void **state)
{
    struct bench *b = *state;
    const struct sig_op packets = { .kind = SIG_OP_TAG,
                                    .u.tag = { 3, SIG_TAG_SESSION, SIG_TAG_PACKETS } };
    const struct detect_tag tag = { 1, 1, 3, SIG_TAG_SESSION, SIG_TAG_PACKETS };
    b->set.rules[1].post_ops = &packets;
    b->set.rules[1].post_count = 1;
    put_packet(b, NS_PER_S, 1, 60, &tag, 1);
    tagged_alert(b, 1, NS_PER_S, 2);
    for (uint64_t n = 2; n < 8; n++)
        put_packet(b, NS_PER_S, n, 60, &tag, 1);
    assert_string_equal(b->sids, "1pp");
    b->set.rules[1].threshold =
        (struct sig_threshold){ .type = SIG_THRESHOLD_THRESHOLD,
                                .track = SIG_TRACK_SRC,
                                .count = 2,
                                .seconds = 60 };
    tagged_alert(b, 1, NS_PER_S, 9);
    put_packet(b, NS_PER_S, 9, 60, &tag, 1);
    put_packet(b, NS_PER_S, 10, 60, &tag, 1);
    assert_string_equal(b->sids, "1pp");
    b->set.rules[1].threshold = (struct sig_threshold){ 0 };
    b->set.suppressed[1] = true; /* an alert that is not told is one */
    tagged_alert(b, 1, NS_PER_S, 11);
    for (uint64_t n = 11; n < 15; n++)
        put_packet(b, NS_PER_S, n, 60, &tag, 1);
    assert_string_equal(b->sids, "1pppp");
}

/* Bytes of a session and seconds of a host: a packet that belongs to both is written once. */
static void tags_of_two_kinds(void **state)
{
    struct bench *b = *state;
    const struct sig_op ops[] = {
        { .kind = SIG_OP_TAG, .u.tag = { 200, SIG_TAG_SESSION, SIG_TAG_BYTES } },
        { .kind = SIG_OP_TAG, .u.tag = { 5, SIG_TAG_SRC, SIG_TAG_SECONDS } },
    };
    const struct detect_tag tags[] = { { 1, 2, 200, SIG_TAG_SESSION, SIG_TAG_BYTES },
                                       { 1, 2, 5, SIG_TAG_SRC, SIG_TAG_SECONDS } };
    b->set.rules[2].post_ops = ops;
    b->set.rules[2].post_count = 2;
    tagged_alert(b, 2, NS_PER_S, 1);
    put_packet(b, NS_PER_S, 1, 100, tags, 2);
    put_packet(b, NS_PER_S, 2, 100, tags, 2); /* 200 bytes */
    put_packet(b, 6 * NS_PER_S, 3, 100, tags, 2);
    put_packet(b, 7 * NS_PER_S, 4, 100, tags, 2);
    assert_string_equal(b->sids, "2pp");
    /* of a match alone, which the reference would not see, nothing begins */
    struct alert_record r = hit(b, 2, 8 * NS_PER_S, 5);
    r.beyond = true;
    put(b, &r);
    put_packet(b, 8 * NS_PER_S, 5, 1, tags, 2);
    put_packet(b, 8 * NS_PER_S, 6, 1, tags, 2);
    assert_string_equal(b->sids, "2pp2");
}

static void the_table_is_bounded(void **state)
{
    (void)state;
    struct track_table *t = track_create(3);
    struct track_key key = { .kind = TRACK_BIT };
    bool evicted;
    for (uint64_t i = 0; i < 100; i++) {
        key.id = i;
        assert_null(track_find(t, &key));
        track_add(t, &key, 1, &evicted)->expires_us = i < 50 ? UINT64_MAX : 0;
        assert_int_equal(evicted, i >= 3 && i < 53);
        key.id = 0;
        if (i < 50)
            assert_non_null(track_find(t, &key)); /* what is touched stays */
    }
    assert_int_equal(track_count(t), 3);
    for (uint64_t i = 97; i < 100; i++) {
        key.id = i;
        track_remove(t, track_find(t, &key));
        assert_null(track_find(t, &key));
    }
    assert_int_equal(track_count(t), 0);
    track_free(t);
}

/* ---- merge ---- */

#define MERGE_RECORDS 20000
#define MERGE_WORKERS 3

struct merge {
    struct alert_ring *rings[MERGE_WORKERS];
    struct detect_ruleset *set;
    uint64_t last_ns, last_packet;
    unsigned out;
};

struct merge_worker {
    struct merge *m;
    unsigned index;
};

/* A worker puts every MERGE_WORKERSth record of a common order, with fragments of any length. */
static void *merge_worker(void *arg)
{
    struct merge_worker *w = arg;
    struct alert_ring *ring = w->m->rings[w->index];
    static const char extra[900];
    for (uint64_t n = w->index; n < MERGE_RECORDS; n += MERGE_WORKERS) {
        struct alert_record r = {
            .key = {n / 7, n, 0},
            .kind = ALERT_KIND_FLOW,
            .extra_len = (uint32_t)(n * 31 % sizeof(extra))
        };
        alert_ring_passed(ring, n / 7);
        while (!alert_ring_put(ring, &r, extra))
            sched_yield();
    }
    alert_ring_finish(ring);
    return NULL;
}

static void merge_sink(void *arg, const struct alert_record *r, const struct detect_rule *rule,
                       const void *extra, bool dropped)
{
    struct merge *m = arg;
    const char *bytes = extra;
    (void)rule;
    (void)dropped;
    assert_int_equal(r->key.packet, m->out);
    assert_true(r->key.now_ns >= m->last_ns);
    assert_true(!r->extra_len || bytes[r->extra_len - 1] == 0);
    m->last_ns = r->key.now_ns;
    m->out++;
}

static void rings_merge_in_order(void **state)
{
    (void)state;
    struct merge m = { 0 };
    struct merge_worker workers[MERGE_WORKERS];
    pthread_t threads[MERGE_WORKERS];
    uint64_t slots[16] = { 0 };
    struct counter_block counters = { slots };
    struct sequencer_conf conf = { 0 };
    for (unsigned i = 0; i < MERGE_WORKERS; i++) {
        m.rings[i] = alert_ring_create(64 << 10);
        workers[i] = (struct merge_worker){ &m, i };
        pthread_create(&threads[i], NULL, merge_worker, &workers[i]);
    }
    struct sequencer *s =
        sequencer_create(&conf, m.rings, MERGE_WORKERS, merge_sink, &m, &counters);
    for (int got = 0; got != ABENG_EOF; got = sequencer_run(s)) {
        if (!got)
            sched_yield();
    }
    assert_int_equal(m.out, MERGE_RECORDS);
    for (unsigned i = 0; i < MERGE_WORKERS; i++) {
        pthread_join(threads[i], NULL);
        alert_ring_free(m.rings[i]);
    }
    sequencer_free(s);
}

/* Put records numbered from `from` on until one does not fit or there are `most`; how many. */
static unsigned ring_fill(struct alert_ring *ring, unsigned from, unsigned most)
{
    static const uint8_t extra[1000];
    struct alert_record r = { .extra_len = sizeof(extra) };
    unsigned n = 0;
    for (; n < most; n++) {
        r.ts_ns = from + n;
        if (!alert_ring_put(ring, &r, extra))
            break;
    }
    return n;
}

/* As long as each record is taken before the next comes, the ring's nearer part is all that is
 * used; when none is taken, all of it, and nothing is lost or out of order. */
static void a_ring_stays_near(void **state)
{
    (void)state;
    struct alert_ring *ring = alert_ring_create(8u << 20);
    const struct alert_record *r, *first = NULL;
    const void *extra;
    uint64_t furthest = 0;
    unsigned all = 20000, put = 0;
    for (unsigned i = 0; i < all; i++, put++) {
        assert_int_equal(ring_fill(ring, put, 1), 1);
        r = alert_ring_peek(ring, &extra);
        assert_int_equal(r->ts_ns, i);
        first = first ? first : r;
        uint64_t at = (uint64_t)((const uint8_t *)r - (const uint8_t *)first);
        furthest = at > furthest ? at : furthest;
        alert_ring_take(ring);
    }
    assert_in_range(furthest, (1u << 20) - 4096, 1u << 20);
    unsigned held = ring_fill(ring, put, UINT32_MAX);
    assert_in_range(held, (7u << 20) / 1300, (8u << 20) / 1000);
    for (unsigned i = 0; i < held; i++, put++) {
        assert_int_equal(alert_ring_peek(ring, &extra)->ts_ns, put);
        alert_ring_take(ring);
    }
    assert_null(alert_ring_peek(ring, &extra));
    alert_ring_free(ring);
}

static void nothing_goes_before_its_time(void **state)
{
    struct bench *b = *state;
    struct alert_ring *rings[2] = { b->ring, alert_ring_create(64 << 10) };
    struct sequencer_conf conf = { 0 };
    struct sequencer *s = sequencer_create(&conf, rings, 2, collect, b, &b->counters);
    struct alert_record r = hit(b, 1, 100, 1), early = hit(b, 2, 99, 9);
    alert_ring_put(rings[0], &r, NULL);
    assert_int_equal(sequencer_run(s), 0);
    alert_ring_passed(rings[1], 100); /* another record at 100 may still come */
    assert_int_equal(sequencer_run(s), 0);
    alert_ring_passed(rings[1], 99);
    alert_ring_put(rings[1], &early, NULL);
    assert_int_equal(sequencer_run(s), 1);
    alert_ring_passed(rings[1], 101);
    assert_int_equal(sequencer_run(s), 1);
    assert_string_equal(b->sids, "21");
    alert_ring_finish(rings[0]);
    assert_int_equal(sequencer_run(s), 0);
    alert_ring_finish(rings[1]);
    assert_int_equal(sequencer_run(s), ABENG_EOF);
    sequencer_free(s);
    alert_ring_free(rings[1]);
}

/* ---- lanes, lines, files ---- */

static void lanes(void **state)
{
    struct bench *b = *state;
    struct lane_table *t = lane_table_create("rg");
    assert_null(lane_table_create("xx"));
    assert_int_equal(lane_table_add(t, "198.51.100.0/24", "jm"), 0);
    assert_int_equal(lane_table_add(t, "198.51.100.128/25", "bb"), 0);
    assert_int_equal(lane_table_add(t, "2001:db8::/32", "tt"), 0);
    assert_int_equal(lane_table_add(t, "192.0.2.7", "gd"), 0);
    assert_int_equal(lane_table_add(t, "192.0.2.7/33", "gd"), ABENG_EFORMAT);
    assert_int_equal(lane_table_add(t, "192.0.2.7", "zz"), ABENG_ENOENT);
    /* clang-format off */
    static const struct {
        const char *src, *dst;
        uint8_t target, priority;
        const char *want;
    } cases[] = {
        { "192.0.2.1", "198.51.100.2", 0, 1, "jm.urgent" },
        { "192.0.2.1", "198.51.100.200", 0, 2, "bb.bulk" },
        { "198.51.100.2", "192.0.2.1", 0, 3, "jm.bulk" },
        { "198.51.100.2", "198.51.100.200", 0, 1, "bb.urgent" },
        { "198.51.100.2", "198.51.100.200", SIG_TARGET_SRC, 1, "jm.urgent" },
        { "192.0.2.7", "2001:db8:1::1", SIG_TARGET_DEST, 1, "tt.urgent" },
        { "192.0.2.8", "192.0.2.9", SIG_TARGET_DEST, 1, "rg.urgent" },
        { "2001:db9::1", "192.0.2.7", SIG_TARGET_SRC, 1, "gd.urgent" },
    };
    /* clang-format on */
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct alert_record r = hit(b, 1, 1, 1);
        struct lane lane;
        r.src = address(cases[i].src);
        r.dst = address(cases[i].dst);
        b->set.rules[1].target = cases[i].target;
        b->set.rules[1].priority = cases[i].priority;
        lane_choose(t, &r, &b->set.rules[1], &lane);
        assert_string_equal(lane.name, cases[i].want);
        assert_memory_equal(lane.state, cases[i].want, 2);
    }
    lane_table_free(t);
}

static void a_record_becomes_a_line(void **state)
{
    struct bench *b = *state;
    static const char extra[] = "\"tls\":{\"sni\":\"www.example.org\"}";
    struct alert_record r = hit(b, 1, 1700000000 * NS_PER_S, 77);
    struct event_abeng abeng = { .epoch = "ab", .lane = "jm.urgent", .seq = 4, .home = "jm" };
    struct encode_conf conf = { 0 };
    struct buf line;
    struct event e;
    char reason[200] = "";
    r.has_flow = true;
    r.flow_id = 99;
    r.app = SIG_APP_TLS;
    r.sport = 443;
    r.dir = 1;
    r.packets[1] = 6;
    r.flow_start_ns = r.ts_ns - NS_PER_S;
    r.flow_src = r.dst;
    r.flow_dst = r.src;
    r.extra_len = sizeof(extra) - 1;
    buf_init(&line, EVENT_LINE_MAX);
    encode_alert(&conf, &r, &b->set.rules[1], extra, true, &abeng, &line);
    event_scan((char *)line.data, line.len, &e, reason, sizeof(reason));
    assert_string_equal(reason, "");
    assert_int_equal(e.sid, 1);
    assert_int_equal(e.pcap_cnt, 77);
    assert_int_equal(e.flow_id, 99);
    assert_int_equal(e.sport, 443);
    assert_int_equal(e.packets[1], 6);
    assert_int_equal(e.seq, 4);
    const char *text = buf_str(&line);
    assert_non_null(strstr(text, "\"app_proto\":\"tls\",\"direction\":\"to_client\",\"flow\":"));
    assert_non_null(strstr(text, "\"ruleset\":\"test-1\",\"home\":\"jm\""));
    assert_non_null(strstr(text, "\"action\":\"blocked\""));
    assert_non_null(strstr(text, "\"pkt_src\":\"wire/pcap\""));
    buf_clear(&line);
    r.kind = ALERT_KIND_FLOW;
    r.flow_end_ns = r.ts_ns;
    r.flow_alerted = true;
    encode_flow(&conf, &r, extra, &line);
    assert_int_equal(event_scan((char *)line.data, line.len, &e, reason, sizeof(reason)), 0);
    assert_int_equal(e.type, EVENT_FLOW);
    assert_true(e.alerted);
    buf_clear(&line);
    struct packed {
        struct detect_tag tag;
        uint8_t bytes[3];
    } packed = { .bytes = "abc" };
    r.kind = ALERT_KIND_PACKET;
    r.tag_count = 1;
    r.packet_link = 1;
    r.extra_len = sizeof(packed.tag) + 3;
    encode_packet(&conf, &r, &packed, &line);
    assert_int_equal(event_scan((char *)line.data, line.len, &e, reason, sizeof(reason)), 0);
    assert_int_equal(e.type, EVENT_OTHER);
    assert_non_null(strstr(buf_str(&line), "\"packet\":\"YWJj\",\"packet_info\":{\"linktype\":1}}"));
    buf_free(&line);
}

static void files_of_lines(void **state)
{
    (void)state;
    char path[] = "/tmp/abeng-output-XXXXXX", text[64];
    uint64_t slots[8] = { 0 };
    struct counter_block counters = { slots };
    int fd = mkstemp(path), read_fd = open(path, O_RDONLY);
    struct output *o = output_create(fd, "eve.json", &counters);
    output_line(o, "one", 3);
    assert_int_equal(read(read_fd, text, sizeof(text)), 0);
    output_line(o, "two", 3);
    assert_int_equal(output_flush(o, false), 0);
    assert_int_equal(output_flush(o, true), 0);
    assert_int_equal(read(read_fd, text, sizeof(text)), 8);
    assert_memory_equal(text, "one\ntwo\n", 8);
    output_reopen(o, open("/dev/full", O_WRONLY));
    output_line(o, "three", 5);
    assert_int_equal(output_flush(o, true), ABENG_EIO);
    assert_int_equal(slots[0], 2);
    assert_int_equal(slots[2], 1);
    output_reopen(o, open(path, O_WRONLY | O_APPEND));
    output_line(o, "four", 4);
    output_close(o);
    assert_int_equal(read(read_fd, text, sizeof(text)), 5);
    assert_memory_equal(text, "four\n", 5);
    close(read_fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(thresholds_count_as_the_reference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(windows_are_of_packet_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tracking_by_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(xbits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_packet_raises_fifteen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(suppress_and_actions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rates_count_as_the_reference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tags_count_as_the_reference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tags_of_two_kinds, set_up, tear_down),
        cmocka_unit_test(the_table_is_bounded),
        cmocka_unit_test(rings_merge_in_order),
        cmocka_unit_test(a_ring_stays_near),
        cmocka_unit_test_setup_teardown(nothing_goes_before_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lanes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_becomes_a_line, set_up, tear_down),
        cmocka_unit_test(files_of_lines),
    };
    log_open("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
