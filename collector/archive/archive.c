/* SPDX-License-Identifier: Apache-2.0 */
/* The archive's thread: read streams, write files, let the store forget. */
#include "config.h"
#include "collector/archive/archive.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/archive/file.h"
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

/* Entries read at once; bytes written before they are synced; the pause when little came. */
#define ENTRIES_MAX 16
#define SYNC_BYTES  (16u << 20)
#define PAUSE_MS    200
#define ID_MAX      64
/* Wait so long after a write that failed. */
#define FAILED_MS 2000
/* How often a quiet state's stream is trimmed, and when the store is short. */
#define TRIM_MS       60000
#define TRIM_SHORT_MS 1000

struct shelf {
    const char *state;
    struct archive_file *file;
    char done[ID_MAX];    /* last entry that is safe, as the store knows it; "" not asked yet */
    char reached[ID_MAX]; /* last entry appended */
    uint64_t waiting;     /* bytes appended and not synced */
    uint64_t newest_ns;   /* arrival of the last entry appended */
    uint64_t trim_ms;     /* when the store was last asked to forget */
    uint64_t sync_ns;     /* when it was last synced, and when the stream is looked at again: */
    uint64_t poll_ns;     /* monotonic */
};

struct archive {
    struct store *store;
    struct store_conn *conn; /* of the thread */
    const struct clock *clock;
    char *dir;
    struct shelf shelves[STATE_COUNT];
    struct fresh *fresh; /* NULL: the stream alone */
    struct record_room room;
    struct archive_stats stats; /* written by the thread, read by any: one word at a time */
    uint64_t retry_ms;          /* after a failure */
    pthread_t thread;
    int stop;
    int looking; /* atomic */
};

static void count(uint64_t *slot, uint64_t n)
{
    __atomic_store_n(slot, *slot + n, __ATOMIC_RELAXED);
}

static uint64_t now_ms(const struct archive *a)
{
    return clock_now(a->clock) / NS_PER_MS;
}

/* ---- the store's side ------------------------------------------------------------------------ */

static int ask_position(struct archive *a, struct shelf *s)
{
    struct store_key key = store_key(s->state, "arc");
    struct store_reply *r;

    if (*s->done)
        return ABENG_OK;
    int err = store_command(a->conn, &r, "HGET %s pos", key.text);
    if (!err)
        snprintf(s->done, sizeof(s->done), "%s",
                 store_reply_nil(r) ? "0-0" : store_reply_text(r, NULL));
    snprintf(s->reached, sizeof(s->reached), "%s", s->done);
    store_reply_free(r);
    return err;
}

/* Entries older than this may go, when all have passed them. */
static uint64_t keep_from(struct archive *a)
{
    uint64_t now = now_ms(a);

    if (store_memory_permille(a->store) > ARCHIVE_MEMORY_PERMILLE)
        return now;
    return now > ARCHIVE_STREAM_KEEP_MS ? now - ARCHIVE_STREAM_KEEP_MS : 0;
}

static uint64_t trim_pause(struct archive *a)
{
    return store_memory_permille(a->store) > ARCHIVE_MEMORY_PERMILLE ? TRIM_SHORT_MS : TRIM_MS;
}

/* Tell the store how far the archive is; it forgets what fold and archive have passed. */
static int commit(struct archive *a, struct shelf *s)
{
    struct store_key arc = store_key(s->state, "arc"), fold = store_key(s->state, "fold"),
                     stream = store_key(s->state, "ing");
    struct store_arg keys[] = { STORE_KEY(arc), STORE_KEY(fold), STORE_KEY(stream) };
    struct store_reply *r;
    char keep[ID_MAX];

    snprintf(keep, sizeof(keep), "%llu", (unsigned long long)keep_from(a));
    struct store_arg args[] = { STORE_TEXT(s->reached), STORE_TEXT(keep) };
    int err = store_call(a->conn, "abeng_archive_commit", keys, 3, args, 2, &r);
    store_reply_free(r);
    if (err)
        return err;
    snprintf(s->done, sizeof(s->done), "%s", s->reached);
    s->trim_ms = now_ms(a);
    return ABENG_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void refuse(struct archive *a, const struct shelf *s, const char *id)
{
    log_error("archive", "%s: entry %s can't be read and is left out", s->state, id);
    count(&a->stats.refused, 1);
}

static void append(struct archive *a, struct shelf *s, const struct record_batch *b)
{
    int64_t fresh = archive_file_append(s->file, b);

    if (fresh < 0) {
        refuse(a, s, b->id);
        return;
    }
    count(&a->stats.batches, fresh > 0);
    count(&a->stats.records, (uint64_t)fresh);
    count(&a->stats.doubles, b->count - (uint64_t)fresh);
    s->waiting += b->frame_len;
    s->newest_ns = b->received_ns;
}

static int sync_shelf(struct archive *a, struct shelf *s)
{
    uint64_t before = archive_file_written(s->file);
    int err = archive_file_sync(s->file);

    s->sync_ns = clock_mono_ns();
    s->waiting = 0;
    __atomic_store_n(&a->stats.failing, err != 0, __ATOMIC_RELAXED);
    if (err) {
        /* What was appended is dropped: read it again from where the archive is safe. */
        snprintf(s->reached, sizeof(s->reached), "%s", s->done);
        count(&a->stats.failures, 1);
        a->retry_ms = now_ms(a) + FAILED_MS;
        return err;
    }
    count(&a->stats.bytes, archive_file_written(s->file) - before);
    uint64_t now = clock_now(a->clock);
    uint64_t lag = now > s->newest_ns ? (now - s->newest_ns) / NS_PER_MS : 0;
    __atomic_store_n(&a->stats.lag_ms, lag, __ATOMIC_RELAXED);
    return commit(a, s);
}

/* Append what ingest hands on, up to ENTRIES_MAX batches; how many. */
static int take_fresh(struct archive *a, struct shelf *s, enum fresh_next *next)
{
    struct fresh_batch *b;
    int taken = 0;

    for (; taken < ENTRIES_MAX; taken++) {
        *next = fresh_next(a->fresh, FRESH_ARCHIVE, (unsigned)(s - a->shelves), s->reached, &b);
        if (*next != FRESH_TAKEN)
            break;
        append(a, s, fresh_view(b));
        snprintf(s->reached, sizeof(s->reached), "%s", fresh_view(b)->id);
        fresh_drop(a->fresh, b);
    }
    return taken;
}

/* Append up to ENTRIES_MAX entries of the stream; how many, or below 0. */
static int take_stream(struct archive *a, struct shelf *s)
{
    struct store_key key = store_key(s->state, "ing");
    struct store_reply *r = NULL;
    struct record_batch b;

    int err = store_command(a->conn, &r, "XRANGE %s (%s + COUNT %d", key.text, s->reached,
                            ENTRIES_MAX);
    size_t entries = err ? 0 : store_reply_count(r);
    for (size_t i = 0; i < entries; i++) {
        const struct store_reply *entry = store_reply_at(r, i);
        const char *id = store_reply_text(store_reply_at(entry, 0), NULL);
        if (record_batch_read(entry, &b) || record_batch_open(&b, &a->room))
            refuse(a, s, id);
        else
            append(a, s, &b);
        snprintf(s->reached, sizeof(s->reached), "%s", id);
    }
    store_reply_free(r);
    return err ? err : (int)entries;
}

/* Where nothing is handed on the stream is looked at now and then: others may add to it. */
static int take_some(struct archive *a, struct shelf *s)
{
    enum fresh_next next = FRESH_NONE;
    int taken = take_fresh(a, s, &next);
    uint64_t now = clock_mono_ns();

    if (taken || next == FRESH_SOON || (next == FRESH_NONE && now < s->poll_ns))
        return taken;
    taken = take_stream(a, s);
    s->poll_ns = taken == ENTRIES_MAX ? 0 : now + PAUSE_MS * NS_PER_MS;
    return taken;
}

/* What was appended waits so long that one sync serves many batches. */
static bool sync_is_due(const struct archive *a, const struct shelf *s)
{
    return s->waiting >= SYNC_BYTES || clock_mono_ns() - s->sync_ns >= PAUSE_MS * NS_PER_MS ||
           __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE);
}

/* Read and append what came; the number of entries, or below 0. */
static int serve(struct archive *a, struct shelf *s)
{
    int taken = 0, total = 0, err = ask_position(a, s);

    while (!err) {
        taken = take_some(a, s);
        err = taken < 0 ? taken : ABENG_OK;
        total += taken > 0 ? taken : 0;
        if (taken < ENTRIES_MAX || s->waiting >= SYNC_BYTES)
            break;
    }
    if (!err && strcmp(s->reached, s->done) != 0)
        err = sync_is_due(a, s) ? sync_shelf(a, s) : ABENG_OK;
    else if (!err && now_ms(a) > s->trim_ms + trim_pause(a))
        err = archive_file_sync(s->file) ? ABENG_EIO : commit(a, s);
    return err ? err : total;
}

static bool turn(struct archive *a)
{
    bool busy = false, idle = true;

    if (now_ms(a) < a->retry_ms && !__atomic_load_n(&a->stop, __ATOMIC_ACQUIRE))
        return false;
    for (int i = 0; i < STATE_COUNT; i++) {
        int entries = serve(a, &a->shelves[i]);
        busy |= entries > 0;
        idle &= entries == 0;
    }
    if (idle)
        __atomic_store_n(&a->stats.lag_ms, 0, __ATOMIC_RELAXED);
    return busy;
}

static void *work(void *arg)
{
    struct archive *a = arg;

    pthread_setname_np(pthread_self(), "archive");
    a->conn = store_conn(a->store, NULL);
    while (!__atomic_load_n(&a->stop, __ATOMIC_ACQUIRE)) {
        if (!turn(a))
            fresh_wait(a->fresh, FRESH_ARCHIVE, PAUSE_MS);
    }
    turn(a);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void release(struct archive *a)
{
    for (int i = 0; i < STATE_COUNT; i++)
        archive_file_close(a->shelves[i].file);
    record_room_free(&a->room);
    free(a->dir);
    free(a);
}

struct archive *archive_start(const struct archive_conf *conf)
{
    struct archive *a = xcalloc(1, sizeof(*a));
    bool ok = true;

    a->store = conf->store;
    a->clock = conf->clock ? conf->clock : clock_system();
    a->dir = xstrdup(conf->dir);
    a->fresh = conf->fresh;
    record_room_init(&a->room, INGEST_RAW_MAX);
    for (unsigned i = 0; i < STATE_COUNT && ok; i++) {
        a->shelves[i].state = state_at(i)->code;
        a->shelves[i].file =
            archive_file_open(a->dir, state_at(i)->code, clock_now(a->clock), conf->file_bytes);
        ok = a->shelves[i].file != NULL;
        fresh_follow(a->fresh, FRESH_ARCHIVE, i, true);
    }
    if (ok && pthread_create(&a->thread, NULL, work, a) == 0)
        return a;
    if (ok)
        log_error("archive", "can't start a thread");
    release(a);
    return NULL;
}

const char *archive_dir(const struct archive *a)
{
    return a->dir;
}

void archive_stats(const struct archive *a, struct archive_stats *out)
{
    out->batches = __atomic_load_n(&a->stats.batches, __ATOMIC_RELAXED);
    out->records = __atomic_load_n(&a->stats.records, __ATOMIC_RELAXED);
    out->doubles = __atomic_load_n(&a->stats.doubles, __ATOMIC_RELAXED);
    out->refused = __atomic_load_n(&a->stats.refused, __ATOMIC_RELAXED);
    out->bytes = __atomic_load_n(&a->stats.bytes, __ATOMIC_RELAXED);
    out->failures = __atomic_load_n(&a->stats.failures, __ATOMIC_RELAXED);
    out->failing = __atomic_load_n(&a->stats.failing, __ATOMIC_RELAXED);
    out->lag_ms = __atomic_load_n(&a->stats.lag_ms, __ATOMIC_RELAXED);
}

bool archive_look_begin(struct archive *a)
{
    int free_now = 0;
    return __atomic_compare_exchange_n(&a->looking, &free_now, 1, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

void archive_look_end(struct archive *a)
{
    __atomic_store_n(&a->looking, 0, __ATOMIC_RELEASE);
}

void archive_stop(struct archive *a)
{
    if (!a)
        return;
    __atomic_store_n(&a->stop, 1, __ATOMIC_RELEASE);
    pthread_join(a->thread, NULL);
    release(a);
}
