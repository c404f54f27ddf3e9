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
#include "collector/correlate/damping.h"
#include "collector/correlate/fold.h"
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
#include "common/state.h"
#include "common/xalloc.h"

/** Entries read at once, and the pause when nothing came. */
#define ENTRIES_MAX 16
#define PAUSE_MS    50

/**
 * A commit is followed by a pause of so many times what it took, and this at most; one of fewer
 * words by once what it took, so that the queue is never far behind few alerts.
 */
#define COMMIT_PAUSES   8
#define COMMIT_PAUSE_NS (10 * NS_PER_S)
#define COMMIT_SMALL    2000

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
    struct commit_place place;      /* as committed */
    struct commit_place reached;    /* as folded */
    uint64_t uncommitted;           /* alerts between the two */
    bool unsure;                    /* the last commit's answer was lost: it may be done */
    char seen[COMMIT_POSITION_MAX]; /* last change looked at */
    uint64_t due_ns;                /* monotonic: the next commit, and the next look at the */
    uint64_t poll_ns;               /* stream and at what analysts did */
    uint64_t renew_ms, ask_ms, expire_ms;
};

struct worker {
    struct store *store;
    struct store_conn *conn; /* of the thread */
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

static void let_go(struct worker *w, struct owned *o)
{
    if (o == &w->owned[STATE_REGION]) {
        regional_free(w->regional);
        w->regional = NULL;
    }
    if (o->fold)
        fresh_follow(w->fresh, FRESH_FOLD, (unsigned)(o - w->owned), false);
    fold_free(o->fold);
    assets_close(o->assets);
    o->assets = NULL;
    o->constituents = true;
    w->held -= o->fold != NULL;
    o->fold = NULL;
    o->uncommitted = 0;
    o->unsure = false;
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
    fresh_follow(w->fresh, FRESH_FOLD, (unsigned)(o - w->owned), true);
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

/* ---- folding --------------------------------------------------------------------------------- */

/*
 * 0: committed, or nothing to do. Otherwise the memory may be gone (the state is another's),
 * or it is tried again.
 */
static int commit(struct worker *w, struct owned *o)
{
    uint64_t now = now_ms(w);
    size_t signals, incidents;
    fold_pending(o->fold, &signals, &incidents);
    if (o->place.done == o->reached.done && !strcmp(o->place.entry, o->reached.entry) &&
        !fold_gone(o->fold) && !signals && !incidents)
        return 0;
    int err = commit_write(w->conn, o->fold, &o->place, &o->reached, now, o->uncommitted);
    o->unsure = err == ABENG_EAGAIN;
    if (!err) {
        count(&w->stats.commits, 1);
        count(&w->stats.alerts, o->uncommitted);
        o->place = o->reached;
        o->uncommitted = 0;
    } else if (err != ABENG_EAGAIN) {
        let_go(w, o);
    }
    return err;
}

static void fold_record(struct owned *o, const struct record_batch *b, const struct record *r)
{
    struct observation seen;
    if (r->kind != RECORD_ALERT)
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
        if (commit_words(o->fold) > COMMIT_WORDS_MAX) {
            int err = commit(w, o);
            if (err)
                return err;
        }
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
    unsigned state = (unsigned)(o - w->owned);
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

/* Read and fold up to ENTRIES_MAX entries of the stream; how many there were, or below 0. */
static int read_stream(struct worker *w, struct owned *o)
{
    struct store_key key = store_key(o->state, "ing");
    struct store_reply *r = NULL;
    int err =
        store_command(w->conn, &r, "XRANGE %s %s%s + COUNT %d", key.text,
                      o->reached.done == UINT64_MAX ? "(" : "", o->reached.entry, ENTRIES_MAX);
    size_t entries = store_reply_count(r);
    for (size_t i = 0; i < entries && !err; i++)
        err = fold_entry(w, o, store_reply_at(r, i));
    store_reply_free(r);
    return err ? err : (int)entries;
}

/*
 * An entry begun is ended from the stream: only whole batches are handed on. Where nothing is
 * handed on the stream is looked at now and then: others may add to it.
 */
static int read_some(struct worker *w, struct owned *o, bool look)
{
    enum fresh_next next = FRESH_STREAM;
    int taken = o->reached.done == UINT64_MAX ? take_fresh(w, o, &next) : 0;
    if (taken || next == FRESH_SOON || (next == FRESH_NONE && !look))
        return taken;
    taken = read_stream(w, o);
    if (taken == ENTRIES_MAX)
        o->poll_ns = 0;
    return taken;
}

/* What analysts decided and changed. */
static int learn(struct worker *w, struct owned *o)
{
    int err = commit_decisions(w->conn, o->fold, o->seen, &o->constituents);
    return err ? err : refresh_assets(w, o);
}

/* Under load one commit serves many entries: a signal is written once, however often it changed. */
static int commit_when_due(struct worker *w, struct owned *o)
{
    uint64_t begun = clock_mono_ns();
    if (begun < o->due_ns)
        return 0;
    bool small = commit_words(o->fold) < COMMIT_SMALL;
    int err = commit(w, o);
    uint64_t now = clock_mono_ns(), pause = (small ? 1 : COMMIT_PAUSES) * (now - begun);
    if (err)
        pause = PAUSE_MS * NS_PER_MS;
    o->due_ns = now + (pause < COMMIT_PAUSE_NS ? pause : COMMIT_PAUSE_NS);
    return err;
}

/*
 * Read, fold and commit what came to one state; how many entries, or below 0. A commit whose answer
 * was lost is repeated as it was before anything is folded on top: only then can the store tell a
 * repeat from another worker's commit.
 */
static int serve(struct worker *w, struct owned *o)
{
    uint64_t now = clock_mono_ns();
    bool look = now >= o->poll_ns;
    int entries = 0, err = o->unsure ? commit_when_due(w, o) : 0;
    if (err || o->unsure || !o->fold)
        return err;
    if (look) {
        o->poll_ns = now + PAUSE_MS * NS_PER_MS;
        err = learn(w, o);
    }
    classify_homes(w->classify, o->assets);
    if (!err)
        entries = read_some(w, o, look);
    if (!err && entries >= 0 && o->fold)
        err = commit_when_due(w, o);
    return err ? err : entries;
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
    if (!o->fold || commit(w, o) || !o->fold)
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
            fresh_wait(w->fresh, FRESH_FOLD, PAUSE_MS);
    for (int i = 0; i < STATE_COUNT; i++)
        give_back(w, &w->owned[i]);
    commit_leave(w->conn, w->owner);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void worker_free(struct worker *w)
{
    for (int i = 0; i < STATE_COUNT; i++)
        let_go(w, &w->owned[i]);
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
    if (pthread_create(&w->thread, NULL, work, w)) {
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
