/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs together, with a real store: merging and taking apart loses nothing, signals go where
 * analysts put them, campaigns reach each state as its own projection, and one worker or four give
 * the same, killed or not.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "collector/correlate/commit.h"
#include "collector/correlate/stored.h"
#include "collector/correlate/suppress.h"
#include "collector/correlate/worker.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/links.h"
#include "collector/triage/model.h"
#include "collector/triage/record.h"
#include "collector/triage/verbs.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/state.h"
#include "common/xalloc.h"
#include "tests/unit/collector/alerts.h"
#include "tests/unit/link/fixture.h"

#define BEACON "ET MALWARE Win32/Example CnC Checkin"
#define SCAN   "ET SCAN Nmap Scripting Engine User-Agent Detected"
#define INFO   "ET INFO Observed DNS Query to .biz TLD"

struct live {
    const struct fixture *f;
    struct worker *worker;
    struct model *model;
};

static struct worker *start_worker(const struct fixture *f, const char *owner)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/collector/correlate/classify.tsv", getenv("ABENG_SRCDIR"));
    struct worker *w = worker_start(
        &(struct worker_conf){ .store = f->store, .classify_path = path, .owner = owner });
    assert_non_null(w);
    return w;
}

static struct live live_start(void **state)
{
    struct live l = { .f = *state };
    fixture_flush(l.f);
    l.worker = start_worker(l.f, "one");
    l.model = model_start(l.f->store, NULL);
    return l;
}

static void live_stop(struct live *l)
{
    model_stop(l->model);
    worker_stop(l->worker);
}

static void nap(void)
{
    static const struct timespec pause = { 0, 20000000 };
    nanosleep(&pause, NULL);
}

/* A command's reply as text, freed by the caller. */
static char *asked(const struct fixture *f, const char *command)
{
    struct store_reply *r;
    size_t len;
    assert_int_equal(store_command(store_conn(f->store, NULL), &r, command), 0);
    const char *text = store_reply_text(r, &len);
    char *out = len ? xstrndup(text, len) : xasprintf("%lld", (long long)store_reply_int(r));
    store_reply_free(r);
    return out;
}

/* Wait until a command's reply holds (or, `absent`, does not hold) a text. */
static void until(const struct fixture *f, const char *command, const char *text, bool absent)
{
    for (int i = 0; i < 3000; i++) {
        char *have = asked(f, command);
        bool there = strstr(have, text) != NULL;
        free(have);
        if (there != absent)
            return;
        nap();
    }
    char *have = asked(f, command);
    fail_msg("%s: %s %s: %s", command, absent ? "still" : "never", text, have);
}

static void until_status(const struct live *l, const char *id, enum status status)
{
    struct head h;
    for (int i = 0; i < 3000; i++) {
        if (!model_head(l->model, ~0u, id, &h) && h.status == status)
            return;
        nap();
    }
    fail_msg("%s does not become %s", id, status_word(status));
}

static void put(const struct fixture *f, const char *src, const char *dest, unsigned sid,
                const char *signature, unsigned count)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < count; i++)
        alerts_line(&b, "2026-11-20T10:00:00.000000+0000", src, dest, sid, signature);
    alerts_put(f->store, &b, count);
    buf_free(&b);
}

static struct links_word by(const char *who, const char *reason)
{
    return (struct links_word){ who, reason, clock_now(clock_system()) / NS_PER_MS };
}

/* Evidence aside from what names the incident's own versions. */
static char *evidence(const struct fixture *f, const char *number)
{
    char *command = xasprintf("HGET {jm}:inc:%s ev", number);
    char *out = asked(f, command);
    free(command);
    return out;
}

/* ---- merging --------------------------------------------------------------------------------- */

static void merging_and_taking_apart_loses_nothing(void **state)
{
    struct live l = live_start(state);
    struct refusal why;
    struct links_word word = by("ana", "same malware");
    struct head before, after;
    put(l.f, "10.1.1.1", "203.0.113.9", 2000001, BEACON, 4);
    put(l.f, "10.1.1.2", "203.0.113.9", 2000002, BEACON, 3);
    until_status(&l, "jm-1", STATUS_NEW);
    until_status(&l, "jm-2", STATUS_NEW);
    char *one = evidence(l.f, "1"), *two = evidence(l.f, "2");
    struct wish claim = { .verb = VERB_CLAIM, .who = "ana" };
    assert_int_equal(verbs_apply(l.f->store, l.model, ~0u, "jm-2", &claim, 0, word.now_ms, &why),
                     0);
    assert_int_equal(model_head(l.model, ~0u, "jm-2", &before), 0);
    assert_int_equal(links_merge(l.f->store, l.model, ~0u, "jm-2", "jm-1", 0, &word, &why), 0);
    until(l.f, "HGET {jm}:inc:1 ev", "\"count\":7", false);
    until(l.f, "HGET {jm}:inc:1 ev", "\"merged\":[\"jm-2\"]", false);
    until(l.f, "ZCARD {jm}:q", "1", false);
    assert_int_equal(model_head(l.model, ~0u, "jm-2", &after), 0);
    assert_int_equal(after.status, STATUS_MERGED);
    assert_int_equal(after.merged_into, 1);
    /* New evidence of the part counts for the whole. */
    put(l.f, "10.1.1.2", "203.0.113.9", 2000002, BEACON, 1);
    until(l.f, "HGET {jm}:inc:1 ev", "\"count\":8", false);
    until(l.f, "ZCARD {jm}:q", "1", false);
    word.reason = NULL;
    assert_int_equal(links_unmerge(l.f->store, l.model, ~0u, "jm-2", 0, &word, &why), 0);
    assert_int_equal(model_head(l.model, ~0u, "jm-2", &after), 0);
    assert_int_equal(after.status, before.status);
    assert_int_equal(after.clock, before.clock);
    assert_int_equal(after.deadline_ms, before.deadline_ms);
    assert_string_equal(after.claimed_by, "ana");
    until(l.f, "HGET {jm}:inc:1 ev", "\"count\":4", false);
    char *again = evidence(l.f, "1");
    assert_string_equal(again, one);
    until(l.f, "HGET {jm}:inc:2 ev", "\"count\":4", false);
    until(l.f, "ZCARD {jm}:q", "2", false);
    free(one);
    free(two);
    free(again);
    live_stop(&l);
}

static void a_merge_survives_a_restart(void **state)
{
    struct live l = live_start(state);
    struct refusal why;
    struct links_word word = by("ana", NULL);
    put(l.f, "10.1.1.1", "203.0.113.9", 2000001, BEACON, 2);
    put(l.f, "10.1.1.2", "203.0.113.9", 2000002, BEACON, 2);
    put(l.f, "10.1.1.3", "203.0.113.9", 2000003, BEACON, 2);
    until_status(&l, "jm-3", STATUS_NEW);
    assert_int_equal(links_merge(l.f->store, l.model, ~0u, "jm-1", "jm-2", 0, &word, &why), 0);
    assert_int_equal(links_merge(l.f->store, l.model, ~0u, "jm-2", "jm-3", 0, &word, &why), 0);
    until(l.f, "HGET {jm}:inc:3 ev", "\"count\":6", false);
    worker_stop(l.worker);
    l.worker = start_worker(l.f, "one");
    put(l.f, "10.1.1.1", "203.0.113.9", 2000001, BEACON, 1);
    until(l.f, "HGET {jm}:inc:3 ev", "\"count\":7", false);
    until(l.f, "HGET {jm}:inc:2 ev", "\"count\":5", false);
    live_stop(&l);
}

static void what_can_not_be_merged_says_why(void **state)
{
    struct live l = live_start(state);
    struct refusal why;
    struct links_word word = by("ana", NULL), ben = by("ben", NULL);
    struct head h;
    put(l.f, "10.1.1.1", "203.0.113.9", 2000001, BEACON, 1);
    put(l.f, "10.1.1.2", "203.0.113.9", 2000002, BEACON, 1);
    until_status(&l, "jm-2", STATUS_NEW);
    struct store *s = l.f->store;
    assert_int_equal(links_merge(s, l.model, ~0u, "jm-1", "jm-1", 0, &word, &why), ABENG_ECONFLICT);
    assert_int_equal(links_merge(s, l.model, ~0u, "jm-1", "jm-9", 0, &word, &why), ABENG_EINVAL);
    assert_string_equal(why.rule, "merge.into");
    assert_int_equal(links_merge(s, l.model, 1u, "jm-1", "jm-2", 0, &word, &why), ABENG_ENOENT);
    assert_int_equal(links_unmerge(s, l.model, ~0u, "jm-1", 0, &word, &why), ABENG_ECONFLICT);
    model_head(l.model, ~0u, "jm-1", &h);
    struct wish claim = { .verb = VERB_CLAIM, .who = "ana" };
    assert_int_equal(verbs_apply(s, l.model, ~0u, "jm-1", &claim, 0, word.now_ms, &why), 0);
    assert_int_equal(links_merge(s, l.model, ~0u, "jm-1", "jm-2", h.version, &word, &why),
                     ABENG_ECONFLICT);
    if (why.status != 412)
        fail_msg("%s", why.text);
    assert_int_equal(links_merge(s, l.model, ~0u, "jm-1", "jm-2", 0, &ben, &why), ABENG_ECONFLICT);
    assert_string_equal(why.rule, "claim.other");
    assert_int_equal(links_merge(s, l.model, ~0u, "jm-1", "jm-2", 0, &word, &why), 0);
    assert_int_equal(links_merge(s, l.model, ~0u, "jm-2", "jm-1", 0, &word, &why), ABENG_ECONFLICT);
    live_stop(&l);
}

/* ---- signals --------------------------------------------------------------------------------- */

static void a_signal_goes_where_an_analyst_puts_it(void **state)
{
    struct live l = live_start(state);
    struct refusal why;
    struct links_word word = by("ana", "belongs to it");
    put(l.f, "10.1.1.1", "203.0.113.9", 2000001, BEACON, 2);
    put(l.f, "10.1.1.9", "203.0.113.77", 2000009, INFO, 5);
    until_status(&l, "jm-1", STATUS_NEW);
    until(l.f, "ZCARD {jm}:wait", "1", false);
    struct links_signal hint = { "jm", 2, "" }, lone = { "jm", 1, "jm-1" };
    assert_int_equal(links_attach(l.f->store, l.model, ~0u, &hint, "jm-1", &word, &why), 0);
    until(l.f, "HGET {jm}:inc:1 ev", "\"count\":7", false);
    until(l.f, "ZCARD {jm}:wait", "0", false);
    until(l.f, "GET {jm}:sig:2", "\"link\":\"attach\"", false);
    hint.incident = "jm-1";
    assert_int_equal(links_attach(l.f->store, l.model, ~0u, &hint, "", &word, &why), 0);
    until(l.f, "HGET {jm}:inc:1 ev", "\"count\":2", false);
    assert_int_equal(links_attach(l.f->store, l.model, ~0u, &lone, "", &word, &why),
                     ABENG_ECONFLICT);
    /* It stays out, also after a restart. */
    until(l.f, "ZCARD {jm}:wait", "1", false);
    worker_stop(l.worker);
    l.worker = start_worker(l.f, "one");
    put(l.f, "10.1.1.9", "203.0.113.77", 2000009, INFO, 1);
    until(l.f, "HGET {jm}:nums 2", "\"n\":[6,", false);
    until(l.f, "HGET {jm}:inc:1 ev", "\"count\":2", false);
    live_stop(&l);
}

static void a_dismissal_holds_until_there_is_four_times_as_much(void **state)
{
    struct live l = live_start(state);
    struct refusal why;
    struct links_word word = by("ana", "own monitoring");
    struct links_signal s = { "jm", 1, "" };
    /* A guess of passwords makes an incident from five on. */
    put(l.f, "203.0.113.9", "10.1.1.1", 2001219, "ET SCAN SSH Brute Force", 3);
    until(l.f, "ZCARD {jm}:wait", "1", false);
    assert_int_equal(links_mute(l.f->store, &s, 0, &word, &why), 0);
    put(l.f, "203.0.113.9", "10.1.1.1", 2001219, "ET SCAN SSH Brute Force", 8);
    until(l.f, "HGET {jm}:nums 1", "\"n\":[11,", false);
    until(l.f, "ZCARD {jm}:q", "0", false);
    put(l.f, "203.0.113.9", "10.1.1.1", 2001219, "ET SCAN SSH Brute Force", 1);
    until_status(&l, "jm-1", STATUS_NEW);
    word.reason = " ";
    assert_int_equal(links_mute(l.f->store, &s, 0, &word, &why), ABENG_EINVAL);
    live_stop(&l);
}

static void what_comes_while_suppressed_is_counted(void **state)
{
    struct live l = live_start(state);
    struct refusal why;
    struct links_word word = by("ana", "maintenance");
    struct links_signal s = { "jm", 1, "" };
    put(l.f, "203.0.113.9", "10.1.1.1", 2001219, "ET SCAN SSH Brute Force", 3);
    until(l.f, "ZCARD {jm}:wait", "1", false);
    assert_int_equal(links_mute(l.f->store, &s, word.now_ms - 1, &word, &why), ABENG_EINVAL);
    assert_int_equal(links_mute(l.f->store, &s, word.now_ms + 3600000, &word, &why), 0);
    put(l.f, "203.0.113.9", "10.1.1.1", 2001219, "ET SCAN SSH Brute Force", 60);
    until(l.f, "HGET {jm}:nums 1", "\"n\":[63,0,4,60,", false);
    until(l.f, "ZCARD {jm}:q", "0", false);
    live_stop(&l);
}

static void suppress(struct live *l, struct record_doc *r, const char *verb, bool remove)
{
    char why[256];
    struct record_change change = { .who = "ana",
                                    .verb = verb,
                                    .said = "",
                                    .now_ms = clock_now(clock_system()) / NS_PER_MS,
                                    .remove = remove };
    assert_int_equal(record_save(store_conn(l->f->store, NULL), RECORDS_SUPPRESSION, r, &change,
                                 why, sizeof why),
                     0);
}

static void a_suppression_holds_back_what_it_names(void **state)
{
    struct live l = live_start(state);
    uint64_t now = clock_now(clock_system()) / NS_PER_MS;
    struct record_doc r = { .state = (unsigned)state_find("jm", 2) };
    r.doc = json_pack("{s:i,s:s}", "sid", 2000001, "victim", "10.1.1.0/24");
    record_set_time(&r, "created_at", now - 1000);
    record_set_time(&r, "expires_at", now + 3600000);
    suppress(&l, &r, "suppression.add", false);
    put(l.f, "10.2.2.2", "203.0.113.9", 2000001, BEACON, 4); /* tells that the worker has read it */
    until(l.f, "ZCARD {jm}:q", "1", false);
    /* Another victim is not meant; what is meant makes no incident and is counted. */
    put(l.f, "10.1.1.1", "203.0.113.9", 2000001, BEACON, 40);
    until(l.f, "HGET {jm}:supphits 1", "40 ", false);
    until(l.f, "HGET {jm}:nums 2", "\"n\":[40,0,4,40,", false);
    until(l.f, "ZCARD {jm}:q", "1", false);
    /* A restart knows the hits, and goes on counting. */
    worker_stop(l.worker);
    l.worker = start_worker(l.f, "two");
    put(l.f, "10.1.1.1", "203.0.113.9", 2000001, BEACON, 2);
    until(l.f, "HGET {jm}:supphits 1", "42 ", false);
    /* Ended, the next alerts make what they would have made. */
    suppress(&l, &r, "suppression.end", true);
    until(l.f, "HEXISTS {jm}:supphits 1", "0", false);
    put(l.f, "10.1.1.1", "203.0.113.9", 2000001, BEACON, 4);
    until(l.f, "ZCARD {jm}:q", "2", false);
    record_clear(&r);
    live_stop(&l);
}

/* A name that an attacker chose can't make a key that looks held. */
static void no_name_makes_a_held_key(void **state)
{
    char key[SUPPRESS_KEY_MAX];
    (void)state;
    suppress_key("malicious-code/c2-server|x", 7, key);
    assert_int_equal(suppress_of_key(key), 7);
    assert_int_equal(suppress_of_key("malicious-code/c2-server|held:7|x"), 0);
}

/* ---- campaigns ------------------------------------------------------------------------------- */

static void two_states_get_a_projection_each(void **state)
{
    struct live l = live_start(state);
    put(l.f, "10.1.1.1", "203.0.113.9", 2000001, BEACON, 4);
    until(l.f, "ZCARD {rg}:inds", "1", false);
    until(l.f, "ZCARD {rg}:camps", "0", false);
    alerts_put_to(l.f->store, "bb", "10.9.9.9", "203.0.113.9", 2000001, BEACON, 3);
    until(l.f, "ZCARD {rg}:camps", "1", false);
    until(l.f, "ZCARD {jm}:projs", "1", false);
    until(l.f, "ZCARD {bb}:projs", "1", false);
    until(l.f, "HGET {jm}:inc:1 ev", "\"states_seen\":2", false);
    until(l.f, "HGET {bb}:inc:1 ev", "\"states_seen\":2", false);
    until(l.f, "SCARD {rg}:owed", "0", false);
    struct store_reply *ids;
    assert_int_equal(store_command(store_conn(l.f->store, NULL), &ids, "ZRANGE {jm}:projs 0 -1"),
                     0);
    char *command =
        xasprintf("HGET {jm}:proj:%s ev", store_reply_text(store_reply_at(ids, 0), NULL));
    char *seen = asked(l.f, command);
    assert_null(strstr(seen, "10.9.9.9"));
    assert_null(strstr(seen, "bb"));
    assert_non_null(strstr(seen, "\"other_states\":1"));
    free(seen);
    free(command);
    store_reply_free(ids);
    live_stop(&l);
}

/* ---- constituents ---------------------------------------------------------------------------- */

/* Show the worker beacons of ever new masters until it says that their victim is of ours. */
static void until_network(const struct live *l)
{
    for (int i = 1; i < 100; i++) {
        char master[32], *command = xasprintf("HGET {jm}:inc:%d ev", i + 1), *ev = NULL;
        snprintf(master, sizeof master, "203.0.113.%d", 100 + i);
        put(l->f, master, "198.51.100.7", 2000001, BEACON, 1);
        for (int k = 0; k < 3000 && (!ev || !strstr(ev, "\"victim\"")); k++) {
            free(ev);
            nap();
            ev = asked(l->f, command);
        }
        bool ours = ev && strstr(ev, "\"victim\":\"198.51.100.7\"");
        if (ours)
            assert_non_null(strstr(ev, "critical infrastructure: utility"));
        free(ev);
        free(command);
        if (ours)
            return;
    }
    fail_msg("the constituent's network never becomes ours");
}

static void a_constituents_network_is_ours_and_counts(void **state)
{
    struct live l = live_start(state);
    struct store_conn *c = store_conn(l.f->store, NULL);
    struct store_reply *r;
    /* Seen from the master's side, with HOME_NET any: nobody could say who the victim is. */
    put(l.f, "203.0.113.9", "198.51.100.7", 2000001, BEACON, 2);
    until(l.f, "HGET {jm}:inc:1 ev", "\"victim\":\"203.0.113.9\"", false);
    assert_int_equal(
        store_command(c, &r, "HSET {jm}:constituent:1 version 1 doc %s",
                      "{\"name\":\"utility\",\"class\":\"critical\",\"prefixes\":[\"198.51.100.0/"
                      "24\"]}"),
        0);
    store_reply_free(r);
    assert_int_equal(store_command(c, &r, "ZADD {jm}:constituent:all 1 1"), 0);
    store_reply_free(r);
    assert_int_equal(store_command(c, &r, "XADD {jm}:chg * k constituent id 1 v 1"), 0);
    store_reply_free(r);
    /* The worker has read it when it has read what comes after it in the same stream. */
    until_network(&l);
    live_stop(&l);
}

/* ---- workers --------------------------------------------------------------------------------- */

#define STATES 6
#define ROUNDS 8

static void add_incident(struct store_conn *c, const char *state, const char *id, struct buf *out)
{
    struct store_key key = store_key(state, "inc:%s", id);
    struct store_reply *r;
    assert_int_equal(store_command(c, &r, "HGET %s ev", key.text), 0);
    buf_printf(out, "%s\n", store_reply_text(r, NULL));
    store_reply_free(r);
}

static void add_signal(struct store_conn *c, const char *state, const char *id, struct buf *out)
{
    json_t *signal;
    assert_int_equal(stored_signal(c, state, id, &signal), 0);
    char *text = json_dumps(signal, JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(text);
    buf_printf(out, "%s\n", text);
    free(text);
    json_decref(signal);
}

/* What all states hold in the end. */
static char *whole(const struct fixture *f)
{
    struct buf out;
    buf_init(&out, 16 << 20);
    for (unsigned s = 0; s < STATES; s++)
        for (int kind = 0; kind < 2; kind++) {
            struct store_key index = store_key(state_at(s)->code, kind ? "incs" : "sigs");
            struct store_reply *ids;
            struct store_conn *c = store_conn(f->store, NULL);
            assert_int_equal(store_command(c, &ids, "ZRANGE %s 0 -1", index.text), 0);
            for (size_t i = 0; i < store_reply_count(ids); i++) {
                const char *id = store_reply_text(store_reply_at(ids, i), NULL);
                if (kind)
                    add_incident(c, state_at(s)->code, id, &out);
                else
                    add_signal(c, state_at(s)->code, id, &out);
            }
            store_reply_free(ids);
        }
    char *text = xstrdup(buf_str(&out));
    buf_free(&out);
    return text;
}

static void until_folded(const struct fixture *f, unsigned alerts)
{
    for (unsigned s = 0; s < STATES; s++) {
        char *command = xasprintf("HGET {%s}:fold alerts", state_at(s)->code);
        char *want = xasprintf("%u", alerts);
        until(f, command, want, false);
        free(command);
        free(want);
    }
}

static void put_round(const struct fixture *f, unsigned round)
{
    for (unsigned s = 0; s < STATES; s++) {
        char victim[32];
        snprintf(victim, sizeof victim, "10.%u.1.%u", s, round % 3 + 1);
        alerts_put_to(f->store, state_at(s)->code, "203.0.113.7", victim, 2024364, SCAN, 2);
        alerts_put_to(f->store, state_at(s)->code, victim, "203.0.113.9", 2000001, BEACON, 3);
    }
}

/*
 * Fold the same rounds with `count` workers; after each round one of them is ended, as a process
 * that dies would leave its states (its leases stand until they lapse), and another comes.
 */
static char *folded_by(const struct fixture *f, unsigned count, bool kills)
{
    struct worker *w[4] = { NULL };
    fixture_flush(f);
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "worker-%u", i);
        w[i] = start_worker(f, name);
    }
    for (unsigned r = 0; r < ROUNDS; r++) {
        put_round(f, r);
        if (kills && r % 2) {
            char name[24];
            snprintf(name, sizeof name, "worker-%u-%u", r % count, r);
            worker_stop(w[r % count]);
            w[r % count] = start_worker(f, name);
        }
    }
    until_folded(f, ROUNDS * 5);
    /* Campaigns settle: each state's incidents know of all the others. */
    for (unsigned s = 0; s < STATES; s++) {
        char *command = xasprintf("HGET {%s}:inc:2 ev", state_at(s)->code);
        until(f, command, "\"states_seen\":6", false);
        free(command);
    }
    for (unsigned i = 0; i < count; i++)
        worker_stop(w[i]);
    return whole(f);
}

static void one_worker_or_four_killed_or_not_give_the_same(void **state)
{
    const struct fixture *f = *state;
    char *one = folded_by(f, 1, false), *four = folded_by(f, 4, false);
    assert_string_equal(one, four);
    free(four);
    four = folded_by(f, 4, true);
    assert_string_equal(one, four);
    free(one);
    free(four);
}

static unsigned held(const struct worker *w)
{
    struct worker_stats stats;
    worker_stats(w, &stats);
    return stats.states;
}

/* Until both hold `n` states at the same time. */
static void until_held(const struct worker *a, const struct worker *b, unsigned n)
{
    for (int i = 0; i < 6000; i++) {
        if (held(a) == n && (!b || held(b) == n))
            return;
        nap();
    }
    fail_msg("workers never hold %u states each: %u, %u", n, held(a), b ? held(b) : 0);
}

static void states_are_shared_and_a_dead_owners_are_taken_over(void **state)
{
    const struct fixture *f = *state;
    fixture_flush(f);
    struct worker *a = start_worker(f, "a"), *b = start_worker(f, "b");
    until_held(a, b, STATE_COUNT / 2);
    worker_stop(a);
    until_held(b, NULL, STATE_COUNT);
    worker_stop(b);
    /* One that is gone without a word: its lease lapses. */
    uint64_t fence;
    fixture_flush(f);
    assert_int_equal(commit_lease(store_conn(f->store, NULL), "jm", "dead",
                                  clock_now(clock_system()) / NS_PER_MS, &fence),
                     0);
    a = start_worker(f, "a");
    until_held(a, NULL, STATE_COUNT);
    worker_stop(a);
    /* A lease holds for less than the five seconds in which another must have the state. */
    assert_true(COMMIT_LEASE_MS + 500 < 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merging_and_taking_apart_loses_nothing),
        cmocka_unit_test(a_merge_survives_a_restart),
        cmocka_unit_test(what_can_not_be_merged_says_why),
        cmocka_unit_test(a_signal_goes_where_an_analyst_puts_it),
        cmocka_unit_test(a_dismissal_holds_until_there_is_four_times_as_much),
        cmocka_unit_test(what_comes_while_suppressed_is_counted),
        cmocka_unit_test(a_suppression_holds_back_what_it_names),
        cmocka_unit_test(no_name_makes_a_held_key),
        cmocka_unit_test(two_states_get_a_projection_each),
        cmocka_unit_test(a_constituents_network_is_ours_and_counts),
        cmocka_unit_test(one_worker_or_four_killed_or_not_give_the_same),
        cmocka_unit_test(states_are_shared_and_a_dead_owners_are_taken_over),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
