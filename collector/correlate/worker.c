/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's thread: take leases, read streams, fold, commit. */
#include "config.h"
#include "collector/correlate/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/classify.h"
#include "collector/correlate/commit.h"
#include "collector/correlate/committer.h"
#include "collector/correlate/damping.h"
#include "collector/correlate/fold.h"
#include "collector/correlate/frozen.h"
#include "collector/correlate/intake.h"
#include "collector/correlate/observation.h"
#include "collector/correlate/regional.h"
#include "collector/correlate/score.h"
#include "collector/ingest/fresh.h"
#include "collector/ingest/ingest.h"
#include "collector/ingest/record.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/selftest.h"
#include "common/state.h"
#include "common/xalloc.h"

/** Entries read at once, and the pause when nothing came; while a commit is under way. */
#define ENTRIES_MAX 16
#define PAUSE_MS    50
#define COMMIT_MS   5

/**
 * A commit is followed by a pause of so many times what it took, the longer the larger it was (in
 * words), and this at most: the queue is never far behind few alerts, and of a flood each signal is
 * written once for many. When nothing more comes it is COMMIT_PAUSES_IDLE times at most.
 */
#define COMMIT_SMALL        2000
#define COMMIT_LARGE        40000
#define COMMIT_PAUSES       8
#define COMMIT_PAUSES_LARGE 24
#define COMMIT_PAUSES_IDLE  3
#define COMMIT_PAUSE_NS     (10 * NS_PER_S)

/**
 * Renew a lease this often; ask for a state that another holds this often; let expire this
 * often.
 */
#define RENEW_MS  (COMMIT_LEASE_MS / 3)
#define ASK_MS    400
#define EXPIRE_MS 60000

struct owned {
    const char *state;
    struct fold *fold;              /* NULL: not held */
    struct assets *assets;          /* the table, and the state's constituents */
    bool constituents;              /* they changed */
    struct commit_place place;      /* as of the last commit that was made */
    struct commit_place reached;    /* as folded */
    uint64_t uncommitted;           /* alerts between the two */
    uint64_t writing;               /* alerts of the commit under way */
    bool under_way;                 /* a commit is with the committer */
    bool unsure;                    /* its answer was lost: it may be done */
    char seen[COMMIT_POSITION_MAX]; /* last change looked at */
    uint64_t begun_ns;              /* monotonic: the commit under way */
    uint64_t due_ns, idle_ns;       /* monotonic: the next one; when nothing more comes */
    unsigned pauses;                /* after the commit under way */
    uint64_t renew_ms, ask_ms, expire_ms;
};

struct worker {
    struct store *store;
    struct store_conn *conn; /* of the thread */
    struct committer *committer;
    unsigned under_way; /* commits that the committer has */
    uint64_t poll_ns; /* monotonic: the next look at streams and at what analysts did */
    char *owner;
    const struct clock *clock;
    struct classify *classify;
    struct assets *assets;
    char *damping_path;
    struct damping *damping;
    int64_t damping_version;
    struct owned owned[STATE_COUNT];
    struct regional *regional; /* held with the region's own state */
    uint64_t region_ns;        /* monotonic: when it is served again */
    unsigned share, held;      /* states that are ours by right; that we have */
    uint64_t share_ms;
    struct fresh *fresh; /* NULL: the stream alone */
    struct record_room room;
    struct worker_stats stats; /* written by the thread, read by any: one word at a time */
    pthread_t thread;
    int stop;
};

static uint64_t now_ms(const struct worker *w)
{
    return clock_now(w->clock) / NS_PER_MS;
}

static void count(uint64_t *slot, uint64_t n)
{
    __atomic_store_n(slot, *slot + n, __ATOMIC_RELAXED);
}

/* ---- holding states -------------------------------------------------------------------------- */

static unsigned row_of(const struct worker *w, const struct owned *o)
{
    return (unsigned)(o - w->owned);
}

static void let_go(struct worker *w, struct owned *o)
{
    if (o == &w->owned[STATE_REGION]) {
        regional_free(w->regional);
        w->regional = NULL;
    }
    if (o->fold)
        fresh_follow(w->fresh, FRESH_FOLD, row_of(w, o), false);
    committer_drop(w->committer, row_of(w, o));
    fold_free(o->fold);
    assets_close(o->assets);
    o->assets = NULL;
    o->constituents = true;
    w->held -= o->fold != NULL;
    o->fold = NULL;
    o->uncommitted = 0;
    w->under_way -= o->under_way;
    o->under_way = o->unsure = false;
}

static void take(struct worker *w, struct owned *o)
{
    uint64_t now = now_ms(w);
    if (now < o->ask_ms || w->held >= w->share)
        return;
    o->ask_ms = now + ASK_MS;
    struct commit_place place = { "0-0", UINT64_MAX, 0 };
    if (commit_lease(w->conn, o->state, w->owner, now, &place.fence))
        return;
    o->fold = fold_create(o->state, w->classify, w->assets);
    w->held++;
    snprintf(o->seen, sizeof o->seen, "0");
    bool region = o == &w->owned[STATE_REGION];
    if (commit_load(w->conn, o->fold, &place) ||
        (region && !(w->regional = regional_load(w->conn, place.fence)))) {
        let_go(w, o);
        return;
    }
    fold_damping(o->fold, w->damping);
    fresh_follow(w->fresh, FRESH_FOLD, row_of(w, o), true);
    o->place = o->reached = place;
    o->renew_ms = now + RENEW_MS;
}

static void renew(struct worker *w, struct owned *o)
{
    uint64_t now = now_ms(w);
    if (now < o->renew_ms)
        return;
    int err = commit_renew(w->conn, o->state, o->place.fence, now);
    if (err == ABENG_EDENIED) {
        log_warn("correlate", "%s: another worker has taken the state", o->state);
        let_go(w, o);
    } else if (!err) {
        o->renew_ms = now + RENEW_MS;
    }
}

/* What is known of the state's networks, when that has changed. */
static int refresh_assets(struct worker *w, struct owned *o)
{
    if (!o->constituents)
        return 0;
    struct assets *fresh = assets_copy(w->assets);
    int err = commit_constituents(w->conn, o->state, fresh);
    if (err) {
        assets_close(fresh);
        return err;
    }
    fold_assets(o->fold, fresh);
    assets_close(o->assets);
    o->assets = fresh;
    o->constituents = false;
    return 0;
}

/* ---- committing ------------------------------------------------------------------------------ */

static unsigned pauses_after(unsigned words)
{
    return words < COMMIT_SMALL ? 1 : words < COMMIT_LARGE ? COMMIT_PAUSES : COMMIT_PAUSES_LARGE;
}

/* Hand what changed to the committer, which has none of this state. 0, or the memory is gone. */
static int commit(struct worker *w, struct owned *o)
{
    size_t signals, incidents;
    unsigned words = frozen_words(o->fold);
    fold_pending(o->fold, &signals, &incidents);
    if (o->place.done == o->reached.done && !strcmp(o->place.entry, o->reached.entry) &&
        !fold_gone(o->fold) && !signals && !incidents)
        return 0;
    struct frozen *k = frozen_make(o->fold, &o->place, &o->reached, now_ms(w), o->uncommitted);
    if (!k) {
        let_go(w, o);
        return ABENG_ELIMIT;
    }
    o->begun_ns = clock_mono_ns();
    o->pauses = pauses_after(words);
    o->writing = o->uncommitted;
    o->uncommitted = 0;
    o->place = o->reached;
    o->under_way = true;
    w->under_way++;
    committer_give(w->committer, row_of(w, o), k);
    return 0;
}

/*
 * Learn how the commit under way ended, if it did (`wait`: once it did). Otherwise than by 0 the
 * memory may be gone (the state is another's), or the same is written again before anything else:
 * only then can the store tell a repeat from another worker's commit.
 */
static int settle(struct worker *w, struct owned *o, bool wait)
{
    uint64_t now = 0;
    int err = o->under_way ? committer_ended(w->committer, row_of(w, o), wait, &now) : ABENG_ENOENT;
    uint64_t took = now - o->begun_ns, pause = o->pauses * took;
    if (err == ABENG_ENOENT || err == ABENG_EEXIST)
        return 0;
    o->under_way = false;
    w->under_way--;
    if (!err) {
        count(&w->stats.commits, 1);
        count(&w->stats.alerts, o->writing);
        o->due_ns = now + (pause < COMMIT_PAUSE_NS ? pause : COMMIT_PAUSE_NS);
        o->idle_ns = now + COMMIT_PAUSES_IDLE * took;
        return 0;
    }
    o->unsure = err == ABENG_EAGAIN;
    o->due_ns = o->idle_ns = now + PAUSE_MS * NS_PER_MS;
    if (!o->unsure)
        let_go(w, o);
    return err;
}

/* Write again what may not have arrived. */
static void repeat(struct worker *w, struct owned *o)
{
    o->unsure = false;
    o->under_way = true;
    w->under_way++;
    o->begun_ns = clock_mono_ns();
    committer_again(w->committer, row_of(w, o));
}

/* Under load one commit serves many entries: a signal is written once, however often it changed. */
static int commit_when_due(struct worker *w, struct owned *o, bool idle)
{
    uint64_t due = idle && o->idle_ns < o->due_ns ? o->idle_ns : o->due_ns;
    return o->under_way || clock_mono_ns() < due ? 0 : commit(w, o);
}

/* Commit now, as soon as the one under way has ended. */
static int commit_now(struct worker *w, struct owned *o)
{
    int err = settle(w, o, true);
    return err ? err : commit(w, o);
}

/* ---- folding --------------------------------------------------------------------------------- */

static void fold_record(struct owned *o, const struct record_batch *b, const struct record *r)
{
    struct observation seen;
    if (r->kind != RECORD_ALERT || self_test_is(r->gid, r->sid, &r->src, &r->dst))
        return;
    intake_observe(b, r, &seen);
    fold_alert(o->fold, &seen);
    o->uncommitted++;
}

/* Stand in entry `id`; false: it is done already. */
static bool reach(struct owned *o, const char *id)
{
    bool again = !strcmp(id, o->reached.entry);
    if (again && o->reached.done == UINT64_MAX)
        return false;
    if (!again) {
        snprintf(o->reached.entry, sizeof o->reached.entry, "%s", id);
        o->reached.done = 0;
    }
    return true;
}

/* Fold a batch from where we stand in it; 0, or why to stop for now. */
static int fold_batch(struct worker *w, struct owned *o, const struct record_batch *b)
{
    for (uint64_t i = o->reached.done; i < b->count; i++) {
        fold_record(o, b, &b->list[i]);
        o->reached.done = i + 1;
        int err = frozen_words(o->fold) > FROZEN_WORDS_MAX ? commit_now(w, o) : 0;
        if (err)
            return err;
    }
    o->reached.done = UINT64_MAX;
    __atomic_store_n(&w->stats.lag_ms, now_ms(w) - b->received_ns / NS_PER_MS, __ATOMIC_RELAXED);
    return 0;
}

/* Fold one entry of the stream. */
static int fold_entry(struct worker *w, struct owned *o, const struct store_reply *entry)
{
    struct record_batch b;
    const char *id = store_reply_text(store_reply_at(entry, 0), NULL);
    if (!reach(o, id))
        return 0;
    if (!record_batch_read(entry, &b) && !record_batch_open(&b, &w->room))
        return fold_batch(w, o, &b);
    log_error("correlate", "%s: entry %s can't be read and is passed over", o->state, id);
    count(&w->stats.refused, 1);
    o->reached.done = UINT64_MAX;
    return 0;
}

/* Fold what ingest hands on, up to ENTRIES_MAX batches; how many, or below 0. */
static int take_fresh(struct worker *w, struct owned *o, enum fresh_next *next)
{
    unsigned state = row_of(w, o);
    struct fresh_batch *b;
    int taken = 0, err = 0;
    for (; taken < ENTRIES_MAX && !err; taken++) {
        *next = fresh_next(w->fresh, FRESH_FOLD, state, o->reached.entry, &b);
        if (*next != FRESH_TAKEN)
            break;
        if (reach(o, fresh_view(b)->id))
            err = fold_batch(w, o, fresh_view(b));
        fresh_drop(w->fresh, b);
    }
    return err ? err : taken;
}

static int ask_stream(struct worker *w, const struct owned *o)
{
    struct store_key key = store_key(o->state, "ing");
    return store_command_later(w->conn, "XRANGE %s %s%s + COUNT %d", key.text,
                               o->reached.done == UINT64_MAX ? "(" : "", o->reached.entry,
                               ENTRIES_MAX);
}

/* Fold what the stream has; how many entries, or below 0. */
static int take_stream(struct worker *w, struct owned *o, const struct store_reply *entries)
{
    size_t n = store_reply_count(entries);
    int err = 0;
    for (size_t i = 0; i < n && !err; i++)
        err = fold_entry(w, o, store_reply_at(entries, i));
    return err ? err : (int)n;
}

static int read_stream(struct worker *w, struct owned *o)
{
    struct store_reply *r = NULL;
    int err = ask_stream(w, o);
    if (!err)
        err = store_collect(w->conn, &r);
    int taken = err ? err : take_stream(w, o, r);
    store_reply_free(r);
    return taken;
}

/*
 * Read, fold and commit what came to one state; how many entries, or below 0. An entry begun is
 * ended from the stream: only whole batches are handed on. Where nothing is handed on the stream is
 * looked at now and then (look_all): others may add to it. Nothing is folded on top of a commit
 * whose answer was lost until it is known to be done.
 */
static int serve(struct worker *w, struct owned *o)
{
    enum fresh_next next = FRESH_STREAM;
    int taken = 0, err = settle(w, o, false);
    if (!err && o->unsure && clock_mono_ns() >= o->due_ns)
        repeat(w, o);
    if (err || o->unsure || !o->fold)
        return err;
    classify_homes(w->classify, o->assets);
    if (o->reached.done == UINT64_MAX)
        taken = take_fresh(w, o, &next);
    if (!taken && next == FRESH_STREAM)
        taken = read_stream(w, o);
    if (taken >= 0 && o->fold && !o->unsure)
        err = commit_when_due(w, o, !taken);
    return err ? err : taken;
}

/* ---- looking around -------------------------------------------------------------------------- */

/* What was asked of the store for one state. */
struct look {
    struct store_reply *changes, *entries;
    bool asked, stream;
};

static int ask_all(struct worker *w, struct look looks[STATE_COUNT])
{
    int err = 0;
    for (unsigned i = 0; i < STATE_COUNT && !err; i++) {
        struct owned *o = &w->owned[i];
        struct fresh_batch *b = NULL;
        if (!o->fold || o->unsure)
            continue;
        looks[i].asked = true;
        err = commit_decisions_ask(w->conn, o->fold, o->seen);
        enum fresh_next next = fresh_next(w->fresh, FRESH_FOLD, i, o->reached.entry, &b);
        if (next == FRESH_TAKEN)
            fresh_drop(w->fresh, b);
        looks[i].stream = next == FRESH_NONE;
        if (!err && looks[i].stream)
            err = ask_stream(w, o);
    }
    for (unsigned i = 0; i < STATE_COUNT && !err; i++) {
        if (looks[i].asked)
            err = store_collect(w->conn, &looks[i].changes);
        if (looks[i].stream && !err)
            err = store_collect(w->conn, &looks[i].entries);
    }
    return err;
}

/* What analysts decided and changed, then what others put into the stream; entries, or below 0. */
static int take_look(struct worker *w, struct owned *o, const struct look *l)
{
    int err = commit_decisions_take(w->conn, o->fold, l->changes, o->seen, &o->constituents);
    if (!err)
        err = refresh_assets(w, o);
    if (err || !l->stream)
        return err;
    classify_homes(w->classify, o->assets);
    return take_stream(w, o, l->entries);
}

/* One question for all states now and then: an answer each would be waited for each. */
static int look_all(struct worker *w)
{
    struct look looks[STATE_COUNT] = { { .asked = false } };
    uint64_t now = clock_mono_ns();
    int busy = 0;
    if (now < w->poll_ns)
        return 0;
    w->poll_ns = now + PAUSE_MS * NS_PER_MS;
    int err = ask_all(w, looks);
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        struct owned *o = &w->owned[i];
        int n = !err && looks[i].asked ? take_look(w, o, &looks[i]) : 0;
        busy += n > 0;
        if (n == ENTRIES_MAX)
            w->poll_ns = 0;
        store_reply_free(looks[i].changes);
        store_reply_free(looks[i].entries);
    }
    return busy;
}

/* Campaigns, by whoever holds the region's state; the number of sightings, or below 0. */
static int serve_region(struct worker *w)
{
    uint64_t begun = clock_mono_ns();
    if (begun < w->region_ns)
        return 0;
    int n = regional_serve(w->regional, w->conn);
    uint64_t now = clock_mono_ns(), pause = COMMIT_PAUSES * (now - begun);
    w->region_ns = now + (pause < COMMIT_PAUSE_NS ? pause : COMMIT_PAUSE_NS);
    if (n == ABENG_EDENIED || n == ABENG_ECONFLICT)
        let_go(w, &w->owned[STATE_REGION]);
    return n;
}

static void expire(struct worker *w, struct owned *o)
{
    uint64_t now = now_ms(w);
    if (now < o->expire_ms)
        return;
    o->expire_ms = now + EXPIRE_MS;
    fold_expire(o->fold, now);
    if (o == &w->owned[STATE_REGION])
        regional_expire(w->regional, now);
}

/* Give a state back, with all that was folded committed. */
static void give_back(struct worker *w, struct owned *o)
{
    if (o->unsure)
        repeat(w, o);
    if (!o->fold || commit_now(w, o) || settle(w, o, true) || !o->fold)
        return;
    commit_release(w->conn, o->state, o->place.fence); /* unanswered, it lapses by itself */
    let_go(w, o);
    o->ask_ms = now_ms(w) + COMMIT_LEASE_MS;
}

/* The installed lists and what analysts added, when that has changed. */
static void refresh_damping(struct worker *w)
{
    char why[256];
    struct damping *fresh = damping_create();
    if (commit_damping(w->conn, fresh, &w->damping_version)) {
        damping_free(fresh);
        return;
    }
    if (w->damping_path && damping_read(fresh, w->damping_path, why, sizeof why))
        log_error("correlate", "%s", why);
    for (int i = 0; i < STATE_COUNT; i++)
        if (w->owned[i].fold)
            fold_damping(w->owned[i].fold, fresh);
    damping_free(w->damping);
    w->damping = fresh;
}

/* Several workers share the states evenly; who has too many gives back. */
static void share(struct worker *w)
{
    uint64_t now = now_ms(w);
    if (now < w->share_ms)
        return;
    w->share_ms = now + RENEW_MS;
    refresh_damping(w);
    if (commit_share(w->conn, w->owner, now, STATE_COUNT, &w->share))
        return;
    for (int i = 0; i < STATE_COUNT && w->held > w->share; i++)
        give_back(w, &w->owned[i]);
}

static void measure(struct worker *w)
{
    uint64_t signals = 0, incidents = 0;
    unsigned states = 0;
    for (int i = 0; i < STATE_COUNT; i++) {
        size_t s, n;
        if (!w->owned[i].fold)
            continue;
        fold_size(w->owned[i].fold, &s, &n);
        signals += s;
        incidents += n;
        states++;
    }
    __atomic_store_n(&w->stats.signals, signals, __ATOMIC_RELAXED);
    __atomic_store_n(&w->stats.incidents, incidents, __ATOMIC_RELAXED);
    __atomic_store_n(&w->stats.states, states, __ATOMIC_RELAXED);
}

static int turn(struct worker *w)
{
    int busy = 0;
    share(w);
    busy += look_all(w);
    for (int i = 0; i < STATE_COUNT; i++) {
        struct owned *o = &w->owned[i];
        if (!o->fold)
            take(w, o);
        if (o->fold)
            renew(w, o);
        int n = o->fold ? serve(w, o) : 0;
        if (o->fold && n >= 0 && !o->unsure)
            expire(w, o);
        busy += n > 0;
    }
    if (w->regional)
        busy += serve_region(w) > 0;
    measure(w);
    return busy;
}

static void *work(void *arg)
{
    struct worker *w = arg;

    pthread_setname_np(pthread_self(), "fold");
    w->conn = store_conn(w->store, NULL);
    while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE))
        if (!turn(w))
            fresh_wait(w->fresh, FRESH_FOLD, w->under_way ? COMMIT_MS : PAUSE_MS);
    for (int i = 0; i < STATE_COUNT; i++)
        give_back(w, &w->owned[i]);
    commit_leave(w->conn, w->owner);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void worker_free(struct worker *w)
{
    for (int i = 0; i < STATE_COUNT && w->committer; i++)
        let_go(w, &w->owned[i]);
    committer_stop(w->committer);
    record_room_free(&w->room);
    classify_close(w->classify);
    assets_close(w->assets);
    damping_free(w->damping);
    free(w->damping_path);
    free(w->owner);
    free(w);
}

struct worker *worker_start(const struct worker_conf *conf)
{
    char why[256];
    struct worker *w = xcalloc(1, sizeof *w);
    w->store = conf->store;
    w->owner = xstrdup(conf->owner);
    w->share = STATE_COUNT;
    w->damping_version = -1;
    w->damping_path = conf->damping_path ? xstrdup(conf->damping_path) : NULL;
    w->clock = conf->clock ? conf->clock : clock_system();
    record_room_init(&w->room, INGEST_RAW_MAX);
    w->fresh = conf->fresh;
    for (unsigned i = 0; i < STATE_COUNT; i++)
        w->owned[i] = (struct owned){ .state = state_at(i)->code, .constituents = true };
    w->classify = classify_open(conf->classify_path, why, sizeof why);
    if (w->classify && conf->assets_path)
        w->assets = assets_open(conf->assets_path, why, sizeof why);
    if (!w->classify || (conf->assets_path && !w->assets)) {
        log_error("correlate", "%s", why);
        worker_free(w);
        return NULL;
    }
    w->committer = committer_start(w->store);
    if (!w->committer || pthread_create(&w->thread, NULL, work, w)) {
        log_error("correlate", "can't start a thread");
        worker_free(w);
        return NULL;
    }
    return w;
}

void worker_stats(const struct worker *w, struct worker_stats *out)
{
    out->alerts = __atomic_load_n(&w->stats.alerts, __ATOMIC_RELAXED);
    out->commits = __atomic_load_n(&w->stats.commits, __ATOMIC_RELAXED);
    out->refused = __atomic_load_n(&w->stats.refused, __ATOMIC_RELAXED);
    out->signals = __atomic_load_n(&w->stats.signals, __ATOMIC_RELAXED);
    out->incidents = __atomic_load_n(&w->stats.incidents, __ATOMIC_RELAXED);
    out->lag_ms = __atomic_load_n(&w->stats.lag_ms, __ATOMIC_RELAXED);
    out->states = __atomic_load_n(&w->stats.states, __ATOMIC_RELAXED);
}

void worker_stop(struct worker *w)
{
    if (!w)
        return;
    __atomic_store_n(&w->stop, 1, __ATOMIC_RELEASE);
    pthread_join(w->thread, NULL);
    worker_free(w);
}
