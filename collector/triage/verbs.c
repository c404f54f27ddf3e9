/* SPDX-License-Identifier: Apache-2.0 */
/* Applying decisions. */
#include "config.h"
#include "collector/triage/verbs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/auth/audit.h"
#include "collector/correlate/rsit.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "collector/triage/retire.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/state.h"
#include "common/xalloc.h"

/** Fixed arguments of abeng_triage, and the most it gets. */
#define ARGS_FIXED 10
#define ARGS_MAX   64

/** Longest line of the timeline. */
#define SAID_MAX (TRIAGE_NOTE_MAX + TRIAGE_REASON_MAX + 256)

/** A decision is tried again this often when evidence or another decision came between. */
#define TRIES 3

/** Timers looked at in one go. */
#define DUE_MAX 100

/** Decisions count for rules and feeds this long (docs/API.md). */
#define PRECISION_DAYS 90
#define DAY_MS         86400000ull

/** How often what is done once a day is looked at. */
#define DAILY_PAUSE_MS 3600000ull

/* Arguments while they are gathered; numbers live in `numbers`. */
struct args {
    struct store_arg args[ARGS_MAX];
    size_t count;
    char numbers[16][24];
    size_t number_count;
};

static void add(struct args *a, const char *text)
{
    a->args[a->count++] = STORE_TEXT(text);
}

static void add_number(struct args *a, uint64_t n, bool empty_when_0)
{
    char *text = a->numbers[a->number_count++];
    snprintf(text, sizeof a->numbers[0], "%llu", (unsigned long long)n);
    add(a, n || !empty_when_0 ? text : "");
}

static void set_number(struct args *a, const char *field, uint64_t n)
{
    add(a, field);
    add_number(a, n, true);
}

static void set_text(struct args *a, const char *field, const char *text)
{
    add(a, field);
    add(a, text);
}

static const char *outcome_word(const struct head *before, const struct head *after)
{
    bool back = *before->outcome && !*after->outcome;
    const char *outcome = back ? before->outcome : after->outcome;
    int sign = strcmp(before->outcome, after->outcome) ? outcome_sign(outcome) : 0;
    if (back)
        return sign > 0 ? "-real" : sign < 0 ? "-false" : "";
    return sign > 0 ? "real" : sign < 0 ? "false" : "";
}

static const char *verb_word(const struct wish *w, const struct head *next)
{
    static const char *const words[] = { "claim", "release", "note", "wait", NULL, "ack", "undo" };
    return w->verb == VERB_TRANSITION ? status_word(next->status) : words[w->verb];
}

static uint64_t timer_of(const struct head *h)
{
    if (h->waiting_ms)
        return h->waiting_ms;
    return h->status == STATUS_RESOLVED ? h->ended_ms + TRIAGE_CLOSE_MS : 0;
}

/* The decision fields, all of them: absolute, so that nothing depends on what was there. */
static void set_fields(struct args *a, const struct wish *w, const struct head *h, char rsit[96])
{
    set_text(a, "status", status_word(h->status));
    set_text(a, "clock", h->clock ? sla_word(h->clock) : "");
    set_number(a, "deadline_ms", h->deadline_ms);
    set_text(a, "claimed_by", h->claimed_by);
    set_number(a, "claimed_ms", h->claimed_ms);
    set_number(a, "waiting_ms", h->waiting_ms);
    set_text(a, "waiting_on", h->on_evidence ? "evidence" : "");
    set_number(a, "left_ms", h->left_ms);
    set_number(a, "ended_ms", h->ended_ms);
    set_text(a, "outcome", h->outcome);
    set_text(a, "tlp", h->tlp);
    set_text(a, "victim", h->victim);
    set_text(a, "undo", h->undo);
    if (h->rsit) {
        snprintf(rsit, 96, "%s/%s", h->rsit->class, h->rsit->type);
        set_text(a, "rsit", rsit);
    } else if (w->verb == VERB_UNDO) {
        set_text(a, "rsit", "");
    }
    if (w->verb == VERB_TRANSITION && w->reason)
        set_text(a, "reason", w->reason);
    if (w->verb == VERB_UNDO)
        set_text(a, "reason", "");
    if (w->note && *w->note)
        set_text(a, "last_note", w->note);
}

static int call(struct store_conn *c, const char *state, uint64_t number, struct args *a,
                struct refusal *why)
{
    struct store_key keys[8] = {
        store_key(state, "inc:%llu", (unsigned long long)number),
        store_key(state, "ev:%llu", (unsigned long long)number),
        store_key(state, "q"),
        store_key(state, "tmr"),
        store_key(state, "aud"),
        store_key(state, "chg"),
        store_key(state, "prec"),
        store_key(state, "precd"),
    };
    struct store_arg names[8];
    struct store_reply *r;
    for (int i = 0; i < 8; i++)
        names[i] = STORE_KEY(keys[i]);
    int err = store_call(c, "abeng_triage", names, 8, a->args, a->count, &r);
    if (err == ABENG_ECONFLICT) {
        *why = (struct refusal){ .status = 412, .rule = "version" };
        const char *text = store_reply_text(r, NULL);
        snprintf(why->text, sizeof why->text, "%s", strncmp(text, "STALE ", 6) ? text : text + 6);
    }
    store_reply_free(r);
    return err;
}

/* One try on what the model knows. */
static int try(struct store_conn *c, struct model *m, unsigned scope, const char *id,
               const struct wish *wish, uint64_t if_match, uint64_t now_ms, struct refusal *why)
{
    unsigned state;
    uint64_t number;
    struct head now, next;
    char rsit[96], seen[24] = "", *said = xmalloc(SAID_MAX);
    int err = model_parse_id(id, &state, &number) ? ABENG_ENOENT : model_head(m, scope, id, &now);
    if (!err)
        err = machine_decide(&now, wish, now_ms, &next, said, SAID_MAX, why);
    if (!err) {
        struct args a = { .count = 0 };
        add_number(&a, now.dver, false);
        if (if_match)
            snprintf(seen, sizeof seen, "%llu", (unsigned long long)if_match);
        add(&a, seen);
        add_number(&a, now_ms, false);
        add(&a, wish->who);
        add(&a, verb_word(wish, &next));
        add(&a, said);
        add_number(&a, number, false);
        add(&a, status_open(next.status) ? "1" : "0");
        add_number(&a, timer_of(&next), true);
        add(&a, outcome_word(&now, &next));
        set_fields(&a, wish, &next, rsit);
        err = call(c, state_at(state)->code, number, &a, why);
    }
    free(said);
    return err;
}

int verbs_apply(struct store *store, struct model *m, unsigned scope, const char *id,
                const struct wish *wish, uint64_t if_match, uint64_t now_ms, struct refusal *why)
{
    struct head before;
    unsigned state;
    uint64_t number;
    int err = model_parse_id(id, &state, &number);
    if (err)
        return ABENG_ENOENT;
    struct store_conn *c = store_conn(store, state_at(state)->code);
    for (int i = 0; i < TRIES; i++) {
        bool seen = !model_head(m, scope, id, &before);
        uint64_t dver = seen ? before.dver : 0;
        if (if_match && seen && if_match < dver) {
            *why = (struct refusal){ .status = 412, .rule = "version" };
            snprintf(why->text, sizeof why->text, "somebody decided since: version is %llu",
                     (unsigned long long)before.version);
            return ABENG_ECONFLICT;
        }
        err = try(c, m, scope, id, wish, if_match, now_ms, why);
        if (err && err != ABENG_ECONFLICT && err != ABENG_EINVAL)
            return err;
        model_refresh(m, id);
        /* A refusal on what turns out to be an old state is not the answer yet. */
        if (!err || !seen || (!model_head(m, scope, id, &before) && before.dver == dver))
            return err;
    }
    return err;
}

/* ---- timers ---------------------------------------------------------------------------------- */

struct verbs_clock {
    struct store *store;
    struct model *model;
    const struct clock *clock;
    struct retire_conf retire;
    pthread_t thread;
    int stop;
};

static int ring(struct store *store, struct model *m, unsigned state, const char *number,
                uint64_t now_ms)
{
    char id[MODEL_ID_MAX];
    struct head h;
    struct refusal why;
    snprintf(id, sizeof id, "%s-%.20s", state_at(state)->code, number);
    if (model_head(m, ~0u, id, &h))
        return ABENG_ENOENT;
    struct wish wish = { .verb = VERB_WAIT, .who = "abeng", .system = true };
    if (!h.waiting_ms) {
        wish.verb = VERB_TRANSITION;
        wish.to = STATUS_CLOSED;
        wish.reason = "quiet for 7 days";
    }
    return verbs_apply(store, m, ~0u, id, &wish, 0, now_ms, &why);
}

/* What decisions of more than 90 days ago said of rules and feeds counts no longer. */
static void forget_precision(struct store_conn *c, const char *state, uint64_t now_ms)
{
    struct store_key keys[] = { store_key(state, "prec"), store_key(state, "precd"),
                                store_key(state, "chg") };
    const struct store_arg names[] = { STORE_KEY(keys[0]), STORE_KEY(keys[1]), STORE_KEY(keys[2]) };
    struct store_reply *r;
    char day[24];
    uint64_t today = now_ms / DAY_MS;
    snprintf(day, sizeof day, "%llu",
             (unsigned long long)(today > PRECISION_DAYS ? today - PRECISION_DAYS : 0));
    store_call(c, "abeng_precision_forget", names, 3, &STORE_TEXT(day), 1, &r);
    store_reply_free(r);
}

unsigned verbs_daily(struct store *store, struct model *m, const struct retire_conf *retire,
                     uint64_t now_ms)
{
    struct store_conn *c = store_conn(store, NULL);
    for (unsigned s = 0; s < STATE_COUNT; s++)
        forget_precision(c, state_at(s)->code, now_ms);
    return retire_ended(retire, store, m, now_ms);
}

unsigned verbs_due(struct store *store, struct model *m, uint64_t now_ms)
{
    struct store_conn *c = store_conn(store, NULL);
    unsigned done = 0;
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        struct store_key key = store_key(state_at(s)->code, "tmr");
        struct store_reply *due;
        store_command(c, &due, "ZRANGEBYSCORE %s -inf %llu LIMIT 0 %d", key.text,
                      (unsigned long long)now_ms, DUE_MAX);
        for (size_t i = 0; i < store_reply_count(due); i++)
            done += !ring(store, m, s, store_reply_text(store_reply_at(due, i), NULL), now_ms);
        store_reply_free(due);
    }
    return done;
}

static void *work(void *arg)
{
    struct verbs_clock *c = arg;
    static const struct timespec second = { 1, 0 };
    uint64_t daily_ms = 0;
    while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
        uint64_t now_ms = clock_now(c->clock) / NS_PER_MS;
        if (model_ready(c->model))
            verbs_due(c->store, c->model, now_ms);
        if (model_ready(c->model) && now_ms >= daily_ms + DAILY_PAUSE_MS) {
            verbs_daily(c->store, c->model, &c->retire, now_ms);
            daily_ms = now_ms;
        }
        audit_roots(c->store, clock_now(c->clock) / NS_PER_MS);
        nanosleep(&second, NULL);
    }
    return NULL;
}

struct verbs_clock *verbs_clock_start(struct store *store, struct model *m,
                                      const struct clock *clock, const struct retire_conf *retire)
{
    struct verbs_clock *c = xcalloc(1, sizeof *c);
    c->store = store;
    c->model = m;
    c->clock = clock ? clock : clock_system();
    if (retire)
        c->retire = *retire;
    if (pthread_create(&c->thread, NULL, work, c)) {
        log_error("triage", "can't start a thread");
        free(c);
        return NULL;
    }
    return c;
}

void verbs_clock_stop(struct verbs_clock *c)
{
    if (!c)
        return;
    __atomic_store_n(&c->stop, 1, __ATOMIC_RELEASE);
    pthread_join(c->thread, NULL);
    free(c);
}
