/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How well triage folds, correlates and ranks made-up days whose truth is known (days.h), and how
 * fast. The days go two ways: through the store with the real worker, under a virtual clock, for
 * queue, campaigns and projections; and through folding alone, batch by batch from pre-scanned
 * records, for the rate on one core and for which alert went where. Both must end with the same
 * incidents. Use tests/bench/triage, which builds this.
 */
#include "config.h"

#include <getopt.h>
#include <jansson.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/correlate/classify.h"
#include "collector/correlate/damping.h"
#include "collector/correlate/fold.h"
#include "collector/correlate/incident.h"
#include "collector/correlate/intake.h"
#include "collector/correlate/observation.h"
#include "collector/correlate/score.h"
#include "collector/correlate/signal.h"
#include "collector/correlate/worker.h"
#include "collector/ingest/ingest.h"
#include "collector/ingest/record.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"
#include "common/state.h"
#include "common/xalloc.h"
#include "common/zst.h"
#include "tests/bench/days.h"
#include "tests/bench/measure.h"
#include "tests/unit/link/fixture.h"

/** Alerts of one batch at most. */
#define BATCH_MAX 500

/** What the queue is measured under. */
#define FILL_SIGNALS   100000
#define FILL_INCIDENTS 10000
#define PAGES          200

struct batch {
    unsigned state;
    uint64_t received_ms;
    struct buf raw;
    struct record *list;
    size_t first; /* place in `members` */
    unsigned count;
};

struct bench {
    uint64_t seed;
    unsigned days_count;
    double scale;
    uint64_t gather_ms; /* how long a sensor gathers a batch */
    bool json, fill;
    struct days *days;
    struct batch *batches;
    size_t batch_count, batch_room;
    uint32_t *members; /* of all batches: indices of alerts */
    char dir[64];
    char *classify, *assets, *damping;
    struct fixture *store;
    struct clock clock;
    uint64_t *signal_of;                /* of each alert: number of the signal it went to */
    uint64_t *incident_of[DAYS_STATES]; /* of each signal; 0: waits */
    size_t incident_room[DAYS_STATES];
    struct measure_result result;
};

static void die(const char *what)
{
    fprintf(stderr, "triage: %s\n", what);
    exit(1);
}

static void say(const struct bench *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct bench *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(b->json ? stderr : stdout, fmt, ap);
    va_end(ap);
}

static double seconds(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- batches --------------------------------------------------------------------------------- */

static struct batch *batch_new(struct bench *b, unsigned state, uint64_t received_ms)
{
    if (b->batch_count == b->batch_room) {
        b->batch_room = b->batch_room ? 2 * b->batch_room : 1024;
        b->batches = xreallocarray(b->batches, b->batch_room, sizeof *b->batches);
    }
    struct batch *batch = &b->batches[b->batch_count++];
    *batch = (struct batch){ .state = state, .received_ms = received_ms };
    buf_init(&batch->raw, INGEST_RAW_MAX);
    return batch;
}

static void batch_close(struct batch *batch)
{
    char reason[256];
    batch->list = xcalloc(batch->count, sizeof *batch->list);
    if (ingest_scan(batch->raw.data, batch->raw.len, batch->count, batch->list, reason,
                    sizeof reason))
        die(reason);
}

/* Alerts of one state travel together until the batch is full or a quarter of an hour is over. */
static void make_batches(struct bench *b)
{
    size_t at = 0;
    b->members = xcalloc(b->days->alert_count, sizeof *b->members);
    for (uint64_t from = b->days->start_ms; at < b->days->alert_count; from += b->gather_ms) {
        size_t end = at;
        while (end < b->days->alert_count && b->days->alerts[end].time_ms < from + b->gather_ms)
            end++;
        size_t place = at;
        for (unsigned s = 0; s < DAYS_STATES; s++) {
            struct batch *batch = NULL;
            for (size_t i = at; i < end; i++) {
                if (b->days->alerts[i].state != s)
                    continue;
                if (!batch || batch->count == BATCH_MAX) {
                    if (batch)
                        batch_close(batch);
                    batch = batch_new(b, s, from + b->gather_ms);
                    batch->first = place;
                }
                days_line(&b->days->alerts[i], &batch->raw);
                b->members[place++] = (uint32_t)i;
                batch->count++;
            }
            if (batch)
                batch_close(batch);
        }
        at = end;
    }
}

static struct record_batch record_batch_of(const struct batch *batch)
{
    return (struct record_batch){ .id = "1-1",
                                  .sensor = "isp-1",
                                  .site = "isp",
                                  .epoch = "00aa",
                                  .lane = "",
                                  .first = 1,
                                  .count = batch->count,
                                  .received_ns = batch->received_ms * NS_PER_MS,
                                  .text = (const char *)batch->raw.data,
                                  .text_len = batch->raw.len,
                                  .list = batch->list };
}

/* ---- folding alone --------------------------------------------------------------------------- */

static void note_incidents(struct bench *b, unsigned state, const struct fold_changes *c)
{
    for (size_t i = 0; i < c->signal_count; i++) {
        uint64_t n = c->signals[i]->number;
        if (n >= b->incident_room[state]) {
            size_t room = 2 * n + 1024;
            b->incident_of[state] =
                xreallocarray(b->incident_of[state], room, sizeof *b->incident_of[state]);
            memset(b->incident_of[state] + b->incident_room[state], 0,
                   (room - b->incident_room[state]) * sizeof *b->incident_of[state]);
            b->incident_room[state] = room;
        }
        b->incident_of[state][n] = c->signals[i]->incident ? c->signals[i]->incident->number : 0;
    }
}

static double fold_batch(struct bench *b, struct fold *f, const struct batch *batch,
                         struct fold_changes *changes)
{
    struct record_batch rb = record_batch_of(batch);
    struct observation seen;
    double began = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < batch->count; i++) {
        intake_observe(&rb, &batch->list[i], &seen);
        b->signal_of[b->members[batch->first + i]] = fold_alert(f, &seen);
    }
    fold_changes(f, changes);
    return seconds(CLOCK_THREAD_CPUTIME_ID) - began;
}

/* The rate on one core, and where each alert went. */
static void fold_days(struct bench *b, struct fold *folds[DAYS_STATES])
{
    double cpu = 0;
    b->signal_of = xcalloc(b->days->alert_count, sizeof *b->signal_of);
    for (size_t i = 0; i < b->batch_count; i++) {
        const struct batch *batch = &b->batches[i];
        struct fold_changes changes;
        cpu += fold_batch(b, folds[batch->state], batch, &changes);
        note_incidents(b, batch->state, &changes);
        fold_committed(folds[batch->state]);
    }
    b->result.alerts_per_s = (double)b->days->alert_count / cpu;
    say(b, "folding and correlation: %.0f alerts/s on one core (%.2f s for %zu)\n",
        b->result.alerts_per_s, cpu, b->days->alert_count);
}

/* What one more open signal costs: a state's memory of hints that wait, all of different hosts. */
static void weigh_signals(struct bench *b, struct classify *classify, const struct assets *assets)
{
    struct fold *f = fold_create("jm", classify, assets);
    struct buf line;
    size_t before = mallinfo2().uordblks, signals, incidents;
    buf_init(&line, 1 << 16);
    for (unsigned i = 0; i < 20000; i++) {
        struct batch batch = { .count = 1, .received_ms = b->days->start_ms };
        struct days_alert a = b->days->alerts[0];
        struct fold_changes changes;
        struct record_batch rb;
        struct observation seen;
        struct record r;
        char reason[128];
        a.src = 1ull << 40 | i;
        a.rule = 3;
        a.dest = i;
        batch.list = &r;
        buf_clear(&line);
        days_line(&a, &line);
        if (ingest_scan(line.data, line.len, 1, &r, reason, sizeof reason))
            die(reason);
        rb = record_batch_of(&batch);
        rb.text = (const char *)line.data;
        rb.text_len = line.len;
        intake_observe(&rb, &r, &seen);
        /* Different hosts: the generator knows 2048 a state, memory shall know more. */
        seen.src.bytes[13] = (uint8_t)(i >> 16);
        seen.src.bytes[14] = (uint8_t)(i >> 8);
        seen.src.bytes[15] = (uint8_t)i;
        fold_alert(f, &seen);
        fold_changes(f, &changes);
        fold_committed(f);
    }
    fold_size(f, &signals, &incidents);
    b->result.bytes_per_signal = (double)(mallinfo2().uordblks - before) / (double)signals;
    say(b, "memory: %.0f bytes per open signal (%zu signals)\n", b->result.bytes_per_signal,
        signals);
    buf_free(&line);
    fold_free(f);
}

/* ---- through the store ----------------------------------------------------------------------- */

static void put(struct bench *b, const struct batch *batch, unsigned number)
{
    struct buf frame;
    struct store_reply *r;
    char n[4][24], lane[16];
    struct store_key key = store_key(state_at(batch->state)->code, "ing");
    buf_init(&frame, INGEST_FRAME_MAX);
    if (zst_compress(batch->raw.data, batch->raw.len, 1, &frame))
        die("a batch can't be compressed");
    snprintf(n[0], 24, "%u", number);
    snprintf(n[1], 24, "%u", batch->count);
    snprintf(n[2], 24, "%llu", (unsigned long long)(batch->received_ms * NS_PER_MS));
    snprintf(n[3], 24, "%zu", batch->raw.len);
    snprintf(lane, sizeof lane, "%s.urgent", state_at(batch->state)->code);
    struct store_arg a[] = {
        STORE_TEXT("XADD"),   STORE_TEXT(key.text), STORE_TEXT("*"),
        STORE_TEXT("sensor"), STORE_TEXT("isp-1"),  STORE_TEXT("site"),
        STORE_TEXT("isp"),    STORE_TEXT("epoch"),  STORE_TEXT("00aa"),
        STORE_TEXT("lane"),   STORE_TEXT(lane),     STORE_TEXT("first"),
        STORE_TEXT(n[0]),     STORE_TEXT("count"),  STORE_TEXT(n[1]),
        STORE_TEXT("recv"),   STORE_TEXT(n[2]),     STORE_TEXT("raw"),
        STORE_TEXT(n[3]),     STORE_TEXT("frame"),  STORE_BYTES(frame.data, frame.len),
        STORE_TEXT("skip"),   STORE_TEXT("0"),
    };
    if (store_commandv(store_conn(b->store->store, NULL), a, sizeof a / sizeof *a, &r))
        die("the store refused a batch");
    store_reply_free(r);
    buf_free(&frame);
}

/* Whether the worker has committed the newest entry of a state. */
static bool drained(struct store_conn *c, const char *state)
{
    struct store_key ing = store_key(state, "ing"), fold = store_key(state, "fold");
    struct store_reply *last = NULL, *pos = NULL;
    char want[80] = "";
    if (store_command(c, &last, "XREVRANGE %s + - COUNT 1", ing.text) ||
        store_command(c, &pos, "HGET %s pos", fold.text))
        die("the store is away");
    if (store_reply_count(last))
        snprintf(want, sizeof want, "%s:all",
                 store_reply_text(store_reply_at(store_reply_at(last, 0), 0), NULL));
    bool done = !*want || !strcmp(want, store_reply_text(pos, NULL));
    store_reply_free(last);
    store_reply_free(pos);
    return done;
}

static void drain(struct bench *b)
{
    static const struct timespec pause = { 0, 5000000 };
    double end = seconds(CLOCK_MONOTONIC) + 600;
    for (unsigned s = 0; s < DAYS_STATES; s++)
        while (!drained(store_conn(b->store->store, NULL), state_at(s)->code)) {
            if (seconds(CLOCK_MONOTONIC) > end)
                die("the worker did not fold what was put within ten minutes");
            nanosleep(&pause, NULL);
        }
}

/* The first page as an analyst of the region gets it. */
static json_t *first_page(struct model *m, unsigned limit)
{
    struct buf out;
    struct json j;
    char why[128];
    struct model_query q = { .scope = ~0u, .limit = limit };
    buf_init(&out, 64 << 20);
    json_begin(&j, &out);
    if (model_list(m, &q, &j, why, sizeof why))
        die(why);
    json_t *page = json_loadb((const char *)out.data, out.len, 0, NULL);
    buf_free(&out);
    if (!page)
        die("the queue's page is not JSON");
    return page;
}

static void wait_ready(struct model *m, struct bench *b, size_t incidents)
{
    static const struct timespec pause = { 0, 20000000 };
    for (int i = 0; i < 3000; i++) {
        if (model_ready(m)) {
            json_t *page = first_page(m, 1);
            size_t total = (size_t)json_integer_value(json_object_get(page, "total"));
            json_decref(page);
            if (total >= incidents)
                return;
        }
        nanosleep(&pause, NULL);
    }
    say(b, "the read model has not all incidents\n");
    exit(1);
}

static size_t count_incidents(struct bench *b, unsigned state)
{
    struct store_key key = store_key(state_at(state)->code, "incs");
    struct store_reply *r;
    if (store_command(store_conn(b->store->store, NULL), &r, "ZCARD %s", key.text))
        die("the store is away");
    size_t n = (size_t)store_reply_int(r);
    store_reply_free(r);
    return n;
}

/* At a day's end: is each tier-1 truth of that day on the first page, as tier 1? */
static void check_day(struct bench *b, struct model *m, unsigned day)
{
    size_t all = 0;
    for (unsigned s = 0; s < DAYS_STATES; s++)
        all += count_incidents(b, s);
    wait_ready(m, b, all);
    json_t *page = first_page(m, 100);
    measure_page(&b->result, b->days, b->signal_of, (const uint64_t *const *)b->incident_of, day,
                 json_object_get(page, "items"));
    json_decref(page);
}

/* Until the region has read every outbox and owes no projection. */
static void settle_region(struct bench *b)
{
    static const struct timespec pause = { 0, 20000000 };
    struct store_conn *c = store_conn(b->store->store, NULL);
    for (int tries = 0; tries < 6000; tries++) {
        struct store_reply *r;
        int64_t waiting = 0;
        for (unsigned s = 0; s < DAYS_STATES; s++) {
            struct store_key out = store_key(state_at(s)->code, "out");
            if (store_command(c, &r, "XLEN %s", out.text))
                die("the store is away");
            waiting += store_reply_int(r) > 1; /* the last one read stays */
            store_reply_free(r);
        }
        if (store_command(c, &r, "SCARD {rg}:owed"))
            die("the store is away");
        waiting += store_reply_int(r);
        store_reply_free(r);
        if (!waiting)
            return;
        nanosleep(&pause, NULL);
    }
    die("the region did not read its outboxes within two minutes");
}

static void replay(struct bench *b)
{
    struct worker *w = worker_start(&(struct worker_conf){ .store = b->store->store,
                                                           .classify_path = b->classify,
                                                           .assets_path = b->assets,
                                                           .damping_path = b->damping,
                                                           .owner = "bench",
                                                           .clock = &b->clock });
    struct model *m = model_start(b->store->store, &b->clock);
    double began = seconds(CLOCK_MONOTONIC);
    unsigned day = 0;
    if (!w || !m)
        die("worker or model do not start");
    for (size_t i = 0; i < b->batch_count; i++) {
        uint64_t at = b->batches[i].received_ms;
        if (at * NS_PER_MS > b->clock.virtual_ns + 3600 * NS_PER_S) {
            drain(b);
            __atomic_store_n(&b->clock.virtual_ns, at * NS_PER_MS, __ATOMIC_RELAXED);
        }
        if (at > b->days->start_ms + (day + 1) * 86400000ull + b->gather_ms) {
            drain(b);
            check_day(b, m, day++);
        }
        put(b, &b->batches[i], (unsigned)i + 1);
    }
    drain(b);
    settle_region(b);
    check_day(b, m, day);
    double took = seconds(CLOCK_MONOTONIC) - began;
    say(b, "through the store: %.1f s for %u days, %.0f alerts/s\n", took, b->days_count,
        (double)b->days->alert_count / took);
    model_stop(m);
    worker_stop(w);
}

/* Both ways must end with the same incidents. */
static void compare(struct bench *b, struct fold *folds[DAYS_STATES])
{
    size_t incidents = 0;
    for (unsigned s = 0; s < DAYS_STATES; s++) {
        size_t signals, here;
        fold_size(folds[s], &signals, &here);
        if (count_incidents(b, s) != here)
            die("the worker and folding alone made different incidents");
        incidents += here;
    }
    b->result.incidents = incidents;
}

/* ---- campaigns ------------------------------------------------------------------------------- */

/* JSON of all things named in an index, each read by `command` with its key. */
static json_t *read_all(struct bench *b, const char *tag, const char *index, const char *kind,
                        const char *command)
{
    struct store_conn *c = store_conn(b->store->store, NULL);
    struct store_key key = store_key(tag, "%s", index);
    struct store_reply *ids, *one;
    json_t *all = json_array();
    if (store_command(c, &ids, "ZRANGE %s 0 -1", key.text))
        die("the store is away");
    for (size_t i = 0; i < store_reply_count(ids); i++) {
        size_t len;
        key = store_key(tag, "%s:%s", kind, store_reply_text(store_reply_at(ids, i), NULL));
        if (store_command(c, &one, command, key.text))
            die("the store is away");
        const char *text = store_reply_text(one, &len);
        json_array_append_new(all, json_loadb(text, len, 0, NULL));
        store_reply_free(one);
    }
    store_reply_free(ids);
    return all;
}

static void check_campaigns(struct bench *b)
{
    json_t *campaigns = read_all(b, "rg", "camps", "ind", "GET %s");
    size_t projections = 0;
    measure_campaigns(&b->result, b->days, b->signal_of, (const uint64_t *const *)b->incident_of,
                      campaigns);
    for (unsigned s = 0; s < DAYS_STATES; s++) {
        json_t *seen = read_all(b, state_at(s)->code, "projs", "proj", "HGET %s ev");
        for (size_t i = 0; i < json_array_size(seen); i++)
            b->result.leaks += measure_leaks(json_array_get(seen, i), s);
        projections += json_array_size(seen);
        json_decref(seen);
    }
    say(b, "campaigns: %zu found of %d, %zu projections, %zu leaks\n", json_array_size(campaigns),
        b->days->campaign_count, projections, b->result.leaks);
    json_decref(campaigns);
}

/* ---- the queue under load -------------------------------------------------------------------- */

static void fill(struct bench *b)
{
    struct batch *batch = NULL;
    uint64_t at = b->days->start_ms + b->days->days * 86400000ull;
    size_t from = b->batch_count;
    b->members = NULL;
    for (unsigned i = 0; i < FILL_SIGNALS + FILL_INCIDENTS; i++) {
        char ours[48], theirs[48], time[CLOCK_TEXT_MAX];
        bool waits = i < FILL_SIGNALS;
        if (!batch || batch->count == BATCH_MAX) {
            if (batch)
                batch_close(batch);
            batch = batch_new(b, i / BATCH_MAX % DAYS_STATES, at);
        }
        clock_format_eve(at * NS_PER_MS, time);
        snprintf(ours, sizeof ours, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
        snprintf(theirs, sizeof theirs, "240.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
        buf_printf(&batch->raw,
                   "{\"timestamp\":\"%s\",\"event_type\":\"alert\",\"src_ip\":\"%s\",\"src_port\":"
                   "1024,\"dest_ip\":\"%s\",\"dest_port\":80,\"proto\":\"TCP\",\"alert\":{\"gid\":1"
                   ",\"signature_id\":%u,\"rev\":1,\"signature\":\"%s\",\"category\":\"Misc "
                   "activity\",\"severity\":3}}\n",
                   time, waits ? ours : theirs, waits ? theirs : ours,
                   waits ? 9000001u : 9000002u + i / 40, /* below a storm */
                   waits ? "ET INFO Something of interest" : "ET SCAN Something that knocks");
        batch->count++;
    }
    batch_close(batch);
    b->clock.virtual_ns = at * NS_PER_MS;
    for (size_t i = from; i < b->batch_count; i++)
        put(b, &b->batches[i], 1);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void time_pages(struct bench *b)
{
    double took[PAGES];
    struct worker *w;
    struct model *m;
    size_t incidents = 0;
    fill(b);
    w = worker_start(&(struct worker_conf){ .store = b->store->store,
                                            .classify_path = b->classify,
                                            .assets_path = b->assets,
                                            .damping_path = b->damping,
                                            .owner = "bench",
                                            .clock = &b->clock });
    m = model_start(b->store->store, &b->clock);
    if (!w || !m)
        die("worker or model do not start");
    drain(b);
    for (unsigned s = 0; s < DAYS_STATES; s++)
        incidents += count_incidents(b, s);
    wait_ready(m, b, incidents);
    for (int i = 0; i < PAGES; i++) {
        double began = seconds(CLOCK_MONOTONIC);
        json_decref(first_page(m, 100));
        took[i] = (seconds(CLOCK_MONOTONIC) - began) * 1000;
    }
    qsort(took, PAGES, sizeof *took, by_size);
    b->result.queue_ms_p99 = took[PAGES * 99 / 100 - 1];
    say(b,
        "queue: a page of 100 of %zu open incidents, over %d waiting signals: p50 %.1f ms, p99 "
        "%.1f ms\n",
        incidents, FILL_SIGNALS, took[PAGES / 2], b->result.queue_ms_p99);
    model_stop(m);
    worker_stop(w);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static char *write_table(struct bench *b, const char *name, void (*write)(struct buf *out))
{
    struct buf text;
    buf_init(&text, 1 << 20);
    write(&text);
    char *path = xasprintf("%s/%s", b->store->dir, name);
    if (file_replace(path, text.data, text.len, 0600))
        die("can't write a table");
    buf_free(&text);
    return path;
}

static void run(struct bench *b)
{
    void *state = NULL;
    char why[256];
    struct fold *folds[DAYS_STATES];
    if (fixture_setup(&state))
        die("no redis-server (Debian package redis-server)");
    b->store = state;
    b->assets = write_table(b, "assets.tsv", days_assets);
    b->damping = write_table(b, "damping.tsv", days_damping);
    b->days = days_make(b->seed, b->days_count, b->scale);
    b->clock = clock_virtual(b->days->start_ms * NS_PER_MS);
    make_batches(b);
    say(b, "seed %llu: %zu alerts of %zu things in %u days, %d campaigns, %zu batches\n",
        (unsigned long long)b->seed, b->days->alert_count, b->days->truth_count, b->days_count,
        b->days->campaign_count, b->batch_count);
    struct classify *classify = classify_open(b->classify, why, sizeof why);
    struct assets *assets = assets_open(b->assets, why, sizeof why);
    if (!classify || !assets)
        die(why);
    classify_homes(classify, assets);
    struct damping *damping = damping_create();
    if (damping_read(damping, b->damping, why, sizeof why))
        die(why);
    for (unsigned s = 0; s < DAYS_STATES; s++) {
        folds[s] = fold_create(state_at(s)->code, classify, assets);
        fold_damping(folds[s], damping);
    }
    fold_days(b, folds);
    weigh_signals(b, classify, assets);
    replay(b);
    compare(b, folds);
    check_campaigns(b);
    measure_incidents(&b->result, b->days, b->signal_of, (const uint64_t *const *)b->incident_of);
    if (b->fill)
        time_pages(b);
    for (unsigned s = 0; s < DAYS_STATES; s++) {
        fold_free(folds[s]);
        free(b->incident_of[s]);
    }
    classify_close(classify);
    assets_close(assets);
    damping_free(damping);
    fixture_teardown(&state);
}

static void usage(void)
{
    puts("usage: tests/bench/triage [--seed N] [--days N] [--scale X] [--gather N] [--no-fill] "
         "[--json]\n"
         "\n"
         "  --seed N    which days (1)\n"
         "  --days N    how many (3)\n"
         "  --scale X   how noisy (1)\n"
         "  --gather N  minutes of alerts in one batch (15)\n"
         "  --no-fill   leave out the queue under 100,000 signals and 10,000 incidents\n"
         "  --json      only the last line on stdout");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "seed", required_argument, NULL, 's' },  { "days", required_argument, NULL, 'd' },
        { "scale", required_argument, NULL, 'x' }, { "gather", required_argument, NULL, 'g' },
        { "no-fill", no_argument, NULL, 'n' },     { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },        { NULL, 0, NULL, 0 },
    };
    struct bench b = { .seed = 1, .days_count = 3, .scale = 1, .gather_ms = 900000, .fill = true };
    for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (o == 's')
            b.seed = strtoull(optarg, NULL, 10);
        else if (o == 'd')
            b.days_count = (unsigned)strtoul(optarg, NULL, 10);
        else if (o == 'x')
            b.scale = strtod(optarg, NULL);
        else if (o == 'g')
            b.gather_ms = strtoull(optarg, NULL, 10) * 60000;
        else if (o == 'n')
            b.fill = false;
        else if (o == 'j')
            b.json = true;
        else {
            usage();
            return o == 'h' ? 0 : 2;
        }
    }
    if (!b.days_count || b.scale <= 0 || !b.gather_ms || !getenv("ABENG_SRCDIR")) {
        usage();
        return 2;
    }
    b.classify = xasprintf("%s/collector/correlate/classify.tsv", getenv("ABENG_SRCDIR"));
    run(&b);
    measure_print(&b.result);
    return b.result.leaks ? 1 : 0;
}
