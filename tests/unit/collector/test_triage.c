/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triage: the state machine by table, search words, and worker, verbs and read model on a real
 * redis-server.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/correlate/worker.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "collector/triage/retire.h"
#include "collector/triage/search.h"
#include "collector/triage/verbs.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/state.h"
#include "tests/unit/collector/alerts.h"
#include "tests/unit/link/fixture.h"

#define T0_MS 1790000000000ull
#define MIN   60000ull

/* sha256 of 64 zeros, 1, ana, login, "", "" with 0x1f between, as coreutils have it. */
#define FIRST_HASH "2e216c7ddad2ced409aa54b3096486483774c73169da34158354474e3475ad10"

/* ---- the machine ----------------------------------------------------------------------------- */

static struct head head_of(enum status status, const char *claimed_by)
{
    struct head h = { .status = status, .version = 4, .dver = 3, .tier = 1, .opened_ms = T0_MS };
    snprintf(h.claimed_by, sizeof h.claimed_by, "%s", claimed_by);
    return h;
}

static int decide(struct head *h, struct wish w, struct refusal *why)
{
    char said[256];
    struct head next;
    w.who = w.who ? w.who : "ana";
    int err = machine_decide(h, &w, T0_MS, &next, said, sizeof said, why);
    if (!err)
        *h = next;
    return err;
}

static void only_the_tables_transitions_happen(void **state)
{
    /* What each status may become by hand; new acts as triage, since the first action claims. */
    static const unsigned may[STATUS_COUNT] = {
        [STATUS_NEW] = 1u << STATUS_TRIAGE | 1u << STATUS_CONFIRMED | 1u << STATUS_REJECTED,
        [STATUS_TRIAGE] = 1u << STATUS_CONFIRMED | 1u << STATUS_REJECTED,
        [STATUS_CONFIRMED] = 1u << STATUS_RESOLVED | 1u << STATUS_REJECTED,
        [STATUS_HANDLING] = 1u << STATUS_RESOLVED | 1u << STATUS_REJECTED,
        [STATUS_RESOLVED] = 1u << STATUS_CLOSED,
    };
    (void)state;
    for (int from = 0; from < STATUS_COUNT; from++)
        for (int to = 0; to < STATUS_COUNT; to++) {
            struct head h = head_of((enum status)from, from == STATUS_NEW ? "" : "ana");
            struct refusal why = { 0 };
            struct wish w = { .verb = VERB_TRANSITION,
                              .to = (enum status)to,
                              .tlp = "green",
                              .reason = "r",
                              .note = "n" };
            w.outcome = to == STATUS_REJECTED   ? "false-positive"
                        : to == STATUS_RESOLVED ? "tp-impact"
                                                : NULL;
            int err = decide(&h, w, &why);
            if (may[from] & 1u << to) {
                assert_int_equal(err, 0);
                assert_int_equal(h.status, to);
                assert_string_equal(h.claimed_by, "ana");
                assert_int_equal(h.ended_ms != 0, !status_open(h.status));
            } else {
                assert_int_equal(err, ABENG_ECONFLICT);
                assert_int_equal(why.status, 409);
                assert_string_equal(why.rule, "transition");
            }
        }
}

static void guards_say_what_is_missing(void **state)
{
    static char long_text[TRIAGE_NOTE_MAX + 1];
    memset(long_text, 'x', TRIAGE_NOTE_MAX);
    const struct {
        enum status from;
        struct wish wish;
        const char *rule;
    } cases[] = {
        {STATUS_TRIAGE,     { .to = STATUS_CONFIRMED },                                    "tlp"       },
        { STATUS_TRIAGE,    { .to = STATUS_CONFIRMED, .tlp = "purple" },                   "tlp"       },
        { STATUS_TRIAGE,
         { .to = STATUS_CONFIRMED, .tlp = "red", .rsit = "malicious-code/nothing" },
         "rsit"                                                                                        },
        { STATUS_TRIAGE,    { .to = STATUS_CONFIRMED, .tlp = "red", .victim = " " },       "victim"    },
        { STATUS_TRIAGE,    { .to = STATUS_REJECTED, .reason = "r" },                      "outcome"   },
        { STATUS_TRIAGE,
         { .to = STATUS_REJECTED, .reason = "r", .outcome = "tp-impact" },
         "outcome"                                                                                     },
        { STATUS_TRIAGE,    { .to = STATUS_REJECTED, .reason = "r", .outcome = "bored" },  "outcome"   },
        { STATUS_TRIAGE,    { .to = STATUS_REJECTED, .outcome = "test", .reason = " \n" }, "reason"    },
        { STATUS_TRIAGE,
         { .to = STATUS_REJECTED, .outcome = "test", .reason = long_text },
         "reason"                                                                                      },
        { STATUS_CONFIRMED, { .to = STATUS_RESOLVED, .outcome = "tp-impact" },             "reason"    },
        { STATUS_HANDLING,
         { .to = STATUS_RESOLVED, .outcome = "tp-impact", .reason = "r" },
         "note"                                                                                        },
        { STATUS_TRIAGE,    { .verb = VERB_NOTE, .note = "" },                             "note"      },
        { STATUS_TRIAGE,    { .verb = VERB_NOTE, .note = long_text },                      "note"      },
        { STATUS_TRIAGE,    { .verb = VERB_WAIT, .until_ms = T0_MS - 1 },                  "wait.until"},
        { STATUS_TRIAGE,
         { .verb = VERB_WAIT, .until_ms = T0_MS + TRIAGE_WAIT_MAX_MS + 1 },
         "wait.until"                                                                                  },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct head h = head_of(cases[i].from, "ana");
        struct refusal why = { 0 };
        struct wish w = cases[i].wish;
        if (w.to)
            w.verb = VERB_TRANSITION;
        assert_int_equal(decide(&h, w, &why), ABENG_EINVAL);
        assert_int_equal(why.status, 422);
        assert_string_equal(why.rule, cases[i].rule);
    }
}

static void clocks_follow_the_tier(void **state)
{
    struct head h = head_of(STATUS_NEW, "");
    struct refusal why;
    (void)state;
    assert_int_equal(decide(&h, (struct wish){ .verb = VERB_CLAIM }, &why), 0);
    assert_int_equal(h.clock, SLA_DECIDE);
    assert_int_equal(h.deadline_ms, T0_MS + 10 * MIN);
    assert_int_equal(
        decide(&h, (struct wish){ .verb = VERB_WAIT, .until_ms = T0_MS + 60 * MIN }, &why), 0);
    assert_int_equal(h.deadline_ms, T0_MS + 70 * MIN);
    assert_int_equal(decide(&h, (struct wish){ .verb = VERB_WAIT }, &why), 0);
    assert_int_equal(h.deadline_ms, T0_MS + 10 * MIN);
    assert_int_equal(
        decide(&h, (struct wish){ .verb = VERB_TRANSITION, .to = STATUS_CONFIRMED, .tlp = "amber" },
               &why),
        0);
    assert_int_equal(h.clock, SLA_NOTIFY);
    assert_int_equal(h.deadline_ms, T0_MS + 5 * MIN);
    struct wish sent = {
        .verb = VERB_TRANSITION, .to = STATUS_HANDLING, .who = "abeng", .system = true
    };
    assert_int_equal(decide(&h, sent, &why), 0);
    assert_int_equal(h.clock, SLA_ACK);
}

static void one_holds_the_pen(void **state)
{
    struct head h = head_of(STATUS_TRIAGE, "ben");
    struct refusal why = { 0 };
    const char *words[TRIAGE_WORDS];
    (void)state;
    assert_int_equal(decide(&h, (struct wish){ .verb = VERB_CLAIM }, &why), ABENG_ECONFLICT);
    assert_string_equal(why.rule, "claim.other");
    assert_int_equal(decide(&h, (struct wish){ .verb = VERB_RELEASE }, &why), ABENG_ECONFLICT);
    assert_int_equal(decide(&h, (struct wish){ .verb = VERB_NOTE, .note = "hello" }, &why), 0);
    assert_int_equal(machine_allowed(&h, "ana", words), 2);
    assert_string_equal(words[0], "steal");
    assert_int_equal(decide(&h, (struct wish){ .verb = VERB_CLAIM, .steal = true }, &why), 0);
    assert_string_equal(h.claimed_by, "ana");
    assert_int_equal(decide(&h, (struct wish){ .verb = VERB_RELEASE }, &why), 0);
    assert_string_equal(h.claimed_by, "");
}

/* ---- search ---------------------------------------------------------------------------------- */

static void search_words(void **state)
{
    struct head h = head_of(STATUS_TRIAGE, "ana");
    h.opened_ms = 1800000; /* asked at ten hours: nine and a half old */
    struct search_subject of = { &h,
                                 "jm",
                                 " et malware cnc checkin 10.1.1.5 isp-1 jm-12 ",
                                 " et malware cnc checkin ",
                                 " 1:2000015 1:7 ",
                                 " 10.1.1.5 203.0.113.9 ",
                                 " isp-1 " };
    static const struct {
        const char *q;
        bool holds;
    } cases[] = {
        {"",                           true },
        { "CnC",                       true },
        { "-cnc",                      false},
        { "\"malware cnc\"",           true },
        { "is:triage is:mine",         true },
        { "is:new",                    false},
        { "-is:waiting",               true },
        { "state:jm tier:1",           true },
        { "state:bb",                  false},
        { "sid:2000015",               true },
        { "sid:200001",                false},
        { "sid:1:7",                   true },
        { "ip:10.1.1.5",               true },
        { "ip:10.1.1.",                true },
        { "ip:10.1.1",                 false},
        { "ip:0.1.1.5",                false},
        { "rule:checkin sensor:isp-1", true },
        { "sensor:isp",                false},
        { "jm-12",                     true },
        { "age:9h",                    true },
        { "age:>10h",                  false},
        { "age:<10h age:>540m",        true },
        { "-age:<1d",                  false},
        { "is:unclaimed",              false},
    };
    char why[128];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct search *s = search_read(cases[i].q, "ana", 10 * 3600000, why, sizeof why);
        assert_non_null(s);
        if (search_holds(s, &of) != cases[i].holds)
            fail_msg("%s", cases[i].q);
        search_free(s);
    }
    static const char *const wrong[] = { "is:sideways", "tier:5", "sid:",
                                         "age:9", "age:h", "age:9y", "age:<-1m",
                                         "age:99999999999999999999d", "a b c d e f g h i j k l m n o p q" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_null(search_read(wrong[i], "ana", 0, why, sizeof why));
}

/* ---- with a store ---------------------------------------------------------------------------- */

static struct worker *start_worker(const struct fixture *f, const char *owner)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/collector/correlate/classify.tsv", getenv("ABENG_SRCDIR"));
    struct worker *w = worker_start(
        &(struct worker_conf){ .store = f->store, .classify_path = path, .owner = owner });
    assert_non_null(w);
    return w;
}

static uint64_t asked(const struct fixture *f, const char *command)
{
    struct store_reply *r;
    assert_int_equal(store_command(store_conn(f->store, NULL), &r, command), 0);
    uint64_t n = (uint64_t)store_reply_int(r);
    store_reply_free(r);
    return n;
}

/* Wait until a command's number is what we want; fails after ten seconds. */
static void until(const struct fixture *f, const char *command, uint64_t wanted)
{
    for (int i = 0; i < 1000 && asked(f, command) != wanted; i++)
        usleep(10000);
    assert_int_equal(asked(f, command), wanted);
}

static void settle(const struct fixture *f, struct model *m, const char *id, unsigned status)
{
    struct head h = { 0 };
    (void)f;
    for (int i = 0; i < 1000; i++) {
        if (!model_head(m, ~0u, id, &h) && h.status == status)
            return;
        usleep(10000);
    }
    fail_msg("%s is %s", id, status_word(h.status));
}

static void alerts_become_incidents_once(void **state)
{
    struct fixture *f = *state;
    fixture_flush(f);
    struct worker *w = start_worker(f, "one");
    alerts_put_beacons(f->store, 3, 10);
    until(f, "HGET {jm}:fold alerts", 30);
    worker_stop(w);
    alerts_put_beacons(f->store, 4, 10);
    w = start_worker(f, "one");
    until(f, "HGET {jm}:fold alerts", 70);
    assert_int_equal(asked(f, "ZCARD {jm}:q"), 4);
    assert_int_equal(asked(f, "HGET {jm}:fold incident"), 4);
    assert_int_equal(asked(f, "HGET {jm}:fold signal"), 4);
    /* all of one minute: the first four */
    assert_int_equal(asked(f, "HLEN {jm}:smp:1"), 4);
    worker_stop(w);
}

static void a_large_burst_is_committed_in_parts(void **state)
{
    struct fixture *f = *state;
    struct buf b;
    fixture_flush(f);
    buf_init(&b, 8 << 20);
    for (unsigned i = 0; i < 3000; i++) {
        char victim[32];
        snprintf(victim, sizeof victim, "10.2.%u.%u", i / 250, i % 250);
        alerts_line(&b, "2026-11-20T10:00:00.000000+0000", victim, "203.0.113.9", 2000001 + i / 40,
                    "ET MALWARE Example CnC Checkin");
    }
    alerts_put(f->store, &b, 3000);
    buf_free(&b);
    struct worker *w = start_worker(f, "one");
    until(f, "HGET {jm}:fold alerts", 3000);
    until(f, "ZCARD {jm}:q", 3000);
    worker_stop(w);
}

static void a_second_worker_keeps_off_and_an_old_one_is_fenced(void **state)
{
    struct fixture *f = *state;
    fixture_flush(f);
    struct worker *one = start_worker(f, "one");
    alerts_put_beacons(f->store, 1, 5);
    until(f, "HGET {jm}:fold alerts", 5);
    struct worker_stats stats = { .states = 0 };
    for (int i = 0; i < 1000 && stats.states < STATE_COUNT; i++) {
        usleep(10000);
        worker_stats(one, &stats);
    }
    struct worker *two = start_worker(f, "two");
    usleep(300000);
    worker_stats(two, &stats);
    assert_int_equal(stats.states, 0);
    worker_stop(two);
    /*
     * Somebody takes the lease by force, as after a long pause of ours: our commit is
     * refused, nothing is written twice.
     */
    asked(f, "HSET {jm}:fold fence 1000 owner two until 99999999999999");
    alerts_put_beacons(f->store, 1, 5);
    usleep(300000);
    assert_int_equal(asked(f, "HGET {jm}:fold alerts"), 5);
    asked(f, "HSET {jm}:fold until 0");
    until(f, "HGET {jm}:fold alerts", 10);
    assert_int_equal(asked(f, "HGET {jm}:fold incident"), 1);
    worker_stop(one);
}

struct live {
    struct worker *worker;
    struct model *model;
};

static struct live live_start(struct fixture *f)
{
    fixture_flush(f);
    struct live l = { start_worker(f, "one"), model_start(f->store, NULL) };
    alerts_put_beacons(f->store, 1, 5);
    settle(f, l.model, "jm-1", STATUS_NEW);
    return l;
}

static void live_stop(struct live *l)
{
    model_stop(l->model);
    worker_stop(l->worker);
}

static int say(struct fixture *f, struct live *l, struct wish w, uint64_t if_match,
               struct refusal *why)
{
    w.who = w.who ? w.who : "ana";
    return verbs_apply(f->store, l->model, ~0u, "jm-1", &w, if_match,
                       clock_now(clock_system()) / NS_PER_MS, why);
}

static void decisions_are_one_step_with_their_trail(void **state)
{
    struct fixture *f = *state;
    struct live l = live_start(f);
    struct refusal why;
    struct head h;
    model_head(l.model, ~0u, "jm-1", &h);
    assert_int_equal(say(f, &l, (struct wish){ .verb = VERB_CLAIM }, h.version, &why), 0);
    /* The second analyst saw the version before the claim. */
    assert_int_equal(say(f, &l, (struct wish){ .verb = VERB_CLAIM, .who = "ben", .steal = true },
                         h.version, &why),
                     ABENG_ECONFLICT);
    assert_int_equal(why.status, 412);
    assert_int_equal(say(f, &l, (struct wish){ .verb = VERB_CLAIM, .who = "ben" }, 0, &why),
                     ABENG_ECONFLICT);
    assert_int_equal(why.status, 409);
    struct wish reject = { .verb = VERB_TRANSITION,
                           .to = STATUS_REJECTED,
                           .outcome = "false-positive",
                           .reason = "own scanner" };
    assert_int_equal(say(f, &l, reject, 0, &why), 0);
    assert_int_equal(asked(f, "ZCARD {jm}:q"), 0);
    assert_int_equal(asked(f, "HGET {jm}:prec 1:2000001:false"), 1);
    assert_int_equal(asked(f, "XLEN {jm}:ev:1"), 3);
    assert_int_equal(asked(f, "XLEN {jm}:aud"), 3);
    assert_int_equal(model_head(l.model, 1u << 0, "jm-1", &h), ABENG_ENOENT);
    assert_int_equal(verbs_apply(f->store, l.model, 1u << 0, "jm-1", &reject, 0, 1, &why),
                     ABENG_ENOENT);
    live_stop(&l);
}

static void a_decision_is_taken_back_whole(void **state)
{
    struct fixture *f = *state;
    struct live l = live_start(f);
    struct refusal why;
    struct head was, h;
    struct wish undo = { .verb = VERB_UNDO };
    struct wish reject = { .verb = VERB_TRANSITION,
                           .to = STATUS_REJECTED,
                           .outcome = "false-positive",
                           .victim = "a|b host",
                           .reason = "too quick" };
    assert_int_equal(say(f, &l, undo, 0, &why), ABENG_ECONFLICT);
    assert_string_equal(why.rule, "undo");
    assert_int_equal(say(f, &l, (struct wish){ .verb = VERB_CLAIM }, 0, &why), 0);
    model_head(l.model, ~0u, "jm-1", &was);
    assert_int_equal(say(f, &l, reject, 0, &why), 0);
    assert_int_equal(asked(f, "HGET {jm}:prec 1:2000001:false"), 1);
    assert_int_equal(say(f, &l, undo, 0, &why), 0);
    model_head(l.model, ~0u, "jm-1", &h);
    assert_int_equal(h.status, STATUS_TRIAGE);
    assert_int_equal(h.clock, was.clock);
    assert_int_equal(h.deadline_ms, was.deadline_ms);
    assert_string_equal(h.claimed_by, was.claimed_by);
    assert_string_equal(h.outcome, "");
    assert_string_equal(h.victim, was.victim);
    assert_int_equal(h.ended_ms, 0);
    assert_int_equal(asked(f, "ZCARD {jm}:q"), 1);
    assert_int_equal(asked(f, "HGET {jm}:prec 1:2000001:false"), 0);
    assert_int_equal(say(f, &l, undo, 0, &why), ABENG_ECONFLICT);
    live_stop(&l);
}

static void evidence_does_not_make_a_decision_stale_but_opens_what_ended(void **state)
{
    struct fixture *f = *state;
    struct live l = live_start(f);
    struct refusal why;
    struct head h;
    assert_int_equal(say(f, &l, (struct wish){ .verb = VERB_CLAIM }, 0, &why), 0);
    model_head(l.model, ~0u, "jm-1", &h);
    alerts_put_beacons(f->store, 1, 5);
    until(f, "HGET {jm}:fold alerts", 10);
    struct wish reject = {
        .verb = VERB_TRANSITION, .to = STATUS_REJECTED, .outcome = "false-positive", .reason = "r"
    };
    assert_int_equal(say(f, &l, reject, h.version, &why), 0);
    alerts_put_beacons(f->store, 1, 5);
    until(f, "HGET {jm}:fold alerts", 15);
    settle(f, l.model, "jm-1", STATUS_REJECTED);
    alerts_put_beacons(f->store, 1, 30);
    settle(f, l.model, "jm-1", STATUS_NEW);
    assert_int_equal(asked(f, "ZCARD {jm}:q"), 1);
    assert_int_equal(asked(f, "HGET {jm}:fold incident"), 1);
    live_stop(&l);
}

static void timers_wake_and_close(void **state)
{
    struct fixture *f = *state;
    struct live l = live_start(f);
    struct refusal why;
    struct head h;
    uint64_t now = clock_now(clock_system()) / NS_PER_MS;
    assert_int_equal(say(f, &l, (struct wish){ .verb = VERB_CLAIM }, 0, &why), 0);
    assert_int_equal(
        say(f, &l, (struct wish){ .verb = VERB_WAIT, .until_ms = now + 60 * MIN }, 0, &why), 0);
    assert_int_equal(verbs_due(f->store, l.model, now + 59 * MIN), 0);
    assert_int_equal(verbs_due(f->store, l.model, now + 61 * MIN), 1);
    model_head(l.model, ~0u, "jm-1", &h);
    assert_int_equal(h.waiting_ms, 0);
    assert_int_equal(
        say(f, &l, (struct wish){ .verb = VERB_TRANSITION, .to = STATUS_CONFIRMED, .tlp = "green" },
            0, &why),
        0);
    struct wish resolve = { .verb = VERB_TRANSITION,
                            .to = STATUS_RESOLVED,
                            .outcome = "tp-impact",
                            .reason = "no notice needed" };
    assert_int_equal(say(f, &l, resolve, 0, &why), 0);
    assert_int_equal(verbs_due(f->store, l.model, now + 6 * 1440 * MIN), 0);
    assert_int_equal(verbs_due(f->store, l.model, now + 8 * 1440 * MIN), 1);
    settle(f, l.model, "jm-1", STATUS_CLOSED);
    live_stop(&l);
}

static void new_alerts_end_a_wait_for_them(void **state)
{
    struct fixture *f = *state;
    struct live l = live_start(f);
    struct refusal why;
    struct head h;
    uint64_t now = clock_now(clock_system()) / NS_PER_MS;
    assert_int_equal(say(f, &l, (struct wish){ .verb = VERB_CLAIM }, 0, &why), 0);
    assert_int_equal(
        say(f, &l, (struct wish){ .verb = VERB_WAIT, .on_evidence = true }, 0, &why), 0);
    model_head(l.model, ~0u, "jm-1", &h);
    assert_true(h.on_evidence);
    assert_true(h.waiting_ms > now + TRIAGE_WAIT_MAX_MS - MIN);
    assert_int_equal(asked(f, "ZCARD {jm}:tmr"), 1);
    assert_int_equal(asked(f, "HGET {jm}:inc:1 wait_count"), 5);
    uint64_t left = h.left_ms;
    alerts_put_beacons(f->store, 1, 5);
    until(f, "HGET {jm}:fold alerts", 10);
    model_refresh(l.model, "jm-1");
    model_head(l.model, ~0u, "jm-1", &h);
    assert_false(h.on_evidence);
    assert_int_equal(h.waiting_ms, 0);
    assert_int_equal(h.status, STATUS_TRIAGE);
    assert_true(h.deadline_ms >= now + left && h.deadline_ms < now + left + MIN);
    assert_int_equal(h.dver, h.version);
    assert_int_equal(asked(f, "ZCARD {jm}:tmr"), 0);
    assert_int_equal(asked(f, "HEXISTS {jm}:inc:1 wait_count"), 0);
    live_stop(&l);
}

static bool take_line(void *arg, const char *line, size_t len)
{
    char **out = arg;
    free(*out);
    *out = strndup(line, len);
    return true;
}

static void what_ended_long_ago_leaves_the_store(void **state)
{
    struct fixture *f = *state;
    struct live l = live_start(f);
    struct refusal why;
    struct head h;
    char dir[1024], *line = NULL;
    uint64_t now = clock_now(clock_system()) / NS_PER_MS;
    struct wish reject = {
        .verb = VERB_TRANSITION, .to = STATUS_REJECTED, .outcome = "false-positive", .reason = "r"
    };
    snprintf(dir, sizeof dir, "%s/incidents", f->dir);
    struct retire_conf conf = { dir, 100 };
    assert_int_equal(say(f, &l, reject, 0, &why), 0);
    assert_int_equal(asked(f, "HGET {jm}:prec 1:2000001:false"), 1);
    assert_int_equal(verbs_daily(f->store, l.model, &conf, now + 89 * 1440 * MIN), 0);
    assert_int_equal(asked(f, "HGET {jm}:prec 1:2000001:false"), 1);
    /* Decisions count for 90 days; the incident stays for the operator's 100. */
    assert_int_equal(verbs_daily(f->store, l.model, &conf, now + 92 * 1440 * MIN), 0);
    assert_int_equal(asked(f, "HGET {jm}:prec 1:2000001:false"), 0);
    assert_int_equal(asked(f, "ZCARD {jm}:incs"), 1);
    assert_int_equal(verbs_daily(f->store, l.model, &conf, now + 101 * 1440 * MIN), 1);
    assert_int_equal(asked(f, "ZCARD {jm}:incs"), 0);
    assert_int_equal(asked(f, "ZCARD {jm}:sigs"), 0);
    assert_int_equal(asked(f, "EXISTS {jm}:inc:1"), 0);
    assert_int_equal(asked(f, "EXISTS {jm}:sig:1"), 0);
    for (int i = 0; i < 1000 && !model_head(l.model, ~0u, "jm-1", &h); i++)
        usleep(10000);
    assert_int_equal(model_head(l.model, ~0u, "jm-1", &h), ABENG_ENOENT);
    assert_int_equal(retire_each(dir, "jm", take_line, &line), 0);
    assert_non_null(line);
    assert_non_null(strstr(line, "\"id\":\"jm-1\""));
    assert_non_null(strstr(line, "\"verb\":\"rejected\""));
    free(line);
    live_stop(&l);
}

static void lists_page_and_filter(void **state)
{
    struct fixture *f = *state;
    struct buf b;
    struct json j;
    char why[128];
    fixture_flush(f);
    struct live l = { start_worker(f, "one"), model_start(f->store, NULL) };
    alerts_put_beacons(f->store, 7, 2);
    settle(f, l.model, "jm-7", STATUS_NEW);
    buf_init(&b, 1 << 20);
    json_begin(&j, &b);
    struct model_query q = { .scope = ~0u, .who = "ana", .limit = 3 };
    assert_int_equal(model_list(l.model, &q, &j, why, sizeof why), 0);
    assert_non_null(strstr(buf_str(&b), "\"total\":7"));
    char *next = strstr(buf_str(&b), "\"next\":\"");
    assert_non_null(next);
    char cursor[96] = "";
    sscanf(next, "\"next\":\"%95[^\"]", cursor);
    q.after = cursor;
    q.limit = 10;
    buf_clear(&b);
    json_begin(&j, &b);
    assert_int_equal(model_list(l.model, &q, &j, why, sizeof why), 0);
    assert_null(strstr(buf_str(&b), "\"jm-3\""));
    assert_non_null(strstr(buf_str(&b), "\"jm-4\""));
    assert_non_null(strstr(buf_str(&b), "\"next\":null"));
    q.after = "rubbish";
    assert_int_equal(model_list(l.model, &q, &j, why, sizeof why), ABENG_EFORMAT);
    q = (struct model_query){ .scope = 1u << 0, .who = "ana", .limit = 3 };
    buf_clear(&b);
    json_begin(&j, &b);
    assert_int_equal(model_list(l.model, &q, &j, why, sizeof why), 0);
    assert_non_null(strstr(buf_str(&b), "\"total\":0"));
    buf_free(&b);
    live_stop(&l);
}

static void the_audit_is_a_chain_of_sha256(void **state)
{
    struct fixture *f = *state;
    struct store_reply *r;
    fixture_flush(f);
    struct store_conn *c = store_conn(f->store, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            store_call(c, "abeng_audit", &STORE_TEXT("{rg}:aud"), 1,
                       (struct store_arg[]){ STORE_TEXT("1"), STORE_TEXT("ana"),
                                             STORE_TEXT("login"), STORE_TEXT(""), STORE_TEXT("") },
                       5, &r),
            0);
        store_reply_free(r);
    }
    assert_int_equal(store_command(c, &r, "XRANGE {rg}:aud - +"), 0);
    const struct store_reply *one = store_reply_at(store_reply_at(r, 0), 1),
                             *two = store_reply_at(store_reply_at(r, 1), 1);
    assert_string_equal(store_reply_text(store_reply_field(one, "hash"), NULL), FIRST_HASH);
    assert_string_equal(store_reply_text(store_reply_field(two, "prev"), NULL), FIRST_HASH);
    assert_string_not_equal(store_reply_text(store_reply_field(two, "hash"), NULL), FIRST_HASH);
    store_reply_free(r);
}

static void ids_are_read_strictly(void **state)
{
    static const char *const wrong[] = { "",
                                         "jm",
                                         "jm-",
                                         "jm-0",
                                         "jm-01",
                                         "jm-1x",
                                         "xx-1",
                                         "JM-1",
                                         "jm-s1",
                                         "jm--1",
                                         "jm-9999999999999999999" };
    unsigned index;
    uint64_t number;
    (void)state;
    assert_int_equal(model_parse_id("rg-42", &index, &number), 0);
    assert_int_equal(number, 42);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(model_parse_id(wrong[i], &index, &number), ABENG_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_tables_transitions_happen),
        cmocka_unit_test(guards_say_what_is_missing),
        cmocka_unit_test(clocks_follow_the_tier),
        cmocka_unit_test(one_holds_the_pen),
        cmocka_unit_test(search_words),
        cmocka_unit_test(ids_are_read_strictly),
        cmocka_unit_test(alerts_become_incidents_once),
        cmocka_unit_test(a_decision_is_taken_back_whole),
        cmocka_unit_test(a_large_burst_is_committed_in_parts),
        cmocka_unit_test(a_second_worker_keeps_off_and_an_old_one_is_fenced),
        cmocka_unit_test(decisions_are_one_step_with_their_trail),
        cmocka_unit_test(evidence_does_not_make_a_decision_stale_but_opens_what_ended),
        cmocka_unit_test(timers_wake_and_close),
        cmocka_unit_test(new_alerts_end_a_wait_for_them),
        cmocka_unit_test(what_ended_long_ago_leaves_the_store),
        cmocka_unit_test(lists_page_and_filter),
        cmocka_unit_test(the_audit_is_a_chain_of_sha256),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
