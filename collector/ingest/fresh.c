/* SPDX-License-Identifier: Apache-2.0 */
/* Batches between ingest and its readers. */
#include "config.h"
#include "collector/ingest/fresh.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/ingest/ingest.h"
#include "collector/ingest/record.h"
#include "collector/store/entry.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/state.h"
#include "common/xalloc.h"

/* So long a batch whose predecessor is not here is waited with: an answer may be on its way. */
#define GAP_NS (50 * NS_PER_MS)

struct fresh_batch {
    struct record_room room;
    struct buf frame, names; /* `names`: the view's texts */
    struct record_batch view;
    struct store_entry_id previous, id;
    uint64_t put_ns;
    unsigned holds;   /* readers at work, and the list */
    unsigned readers; /* mask of those that have not passed it */
    struct fresh_batch *next;
};

/* One state: batches by rising id. */
struct row {
    struct fresh_batch *first, *last;
    unsigned expected;    /* entries being made */
    struct store_entry_id skipped; /* newest entry that found no room here */
    unsigned readers;     /* mask of who wants it */
};

struct fresh {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct row rows[STATE_COUNT];
    struct fresh_batch *spare;
    size_t spare_bytes, waiting_bytes;
    uint64_t puts, told[FRESH_READERS];
};

struct fresh *fresh_create(void)
{
    struct fresh *f = xcalloc(1, sizeof(*f));
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->more, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

static void batch_free(struct fresh_batch *b)
{
    record_room_free(&b->room);
    buf_free(&b->frame);
    buf_free(&b->names);
    free(b);
}

static void batches_free(struct fresh_batch *b)
{
    while (b) {
        struct fresh_batch *next = b->next;
        batch_free(b);
        b = next;
    }
}

void fresh_free(struct fresh *f)
{
    if (!f)
        return;
    for (unsigned i = 0; i < STATE_COUNT; i++)
        batches_free(f->rows[i].first);
    batches_free(f->spare);
    pthread_cond_destroy(&f->more);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static size_t size_of(const struct fresh_batch *b)
{
    return b->room.text.cap + b->room.count * sizeof(*b->room.list) + b->frame.cap + b->names.cap;
}

/* ---- ingest's side --------------------------------------------------------------------------- */

bool fresh_behind(struct fresh *f)
{
    if (!f)
        return false;
    pthread_mutex_lock(&f->lock);
    bool behind = f->waiting_bytes > FRESH_BYTES_MAX / 2;
    pthread_mutex_unlock(&f->lock);
    return behind;
}

struct fresh_batch *fresh_begin(struct fresh *f)
{
    struct fresh_batch *b = NULL;

    if (f) {
        pthread_mutex_lock(&f->lock);
        b = f->spare;
        if (b) {
            f->spare = b->next;
            f->spare_bytes -= size_of(b);
        }
        pthread_mutex_unlock(&f->lock);
    }
    if (!b) {
        b = xcalloc(1, sizeof(*b));
        record_room_init(&b->room, INGEST_RAW_MAX);
        buf_init(&b->frame, INGEST_FRAME_MAX);
        buf_init(&b->names, 4096);
    }
    buf_clear(&b->room.text);
    buf_clear(&b->frame);
    buf_clear(&b->names);
    b->next = NULL;
    b->holds = 1;
    return b;
}

struct record_room *fresh_room(struct fresh_batch *b)
{
    return &b->room;
}

void fresh_expect(struct fresh *f, unsigned state, bool more)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->rows[state].expected += more ? 1 : -1u;
    if (!more) {
        f->puts++; /* who waited for it looks again */
        pthread_cond_broadcast(&f->more);
    }
    pthread_mutex_unlock(&f->lock);
}

static bool same(struct store_entry_id a, struct store_entry_id b)
{
    return a.ms == b.ms && a.seq == b.seq;
}

/* The view with texts and frame in the batch's own memory. */
static void fill_view(struct fresh_batch *b, const struct record_batch *what)
{
    const char **texts[] = { &b->view.id, &b->view.sensor, &b->view.site, &b->view.epoch,
                             &b->view.lane };
    size_t total = 0;

    b->view = *what;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        total += strlen(*texts[i]) + 1;
    uint8_t *to = buf_room(&b->names, total);
    for (size_t i = 0; to && i < sizeof(texts) / sizeof(*texts); i++) {
        size_t n = strlen(*texts[i]) + 1;
        *texts[i] = memcpy(to, *texts[i], n);
        to += n;
    }
    buf_add(&b->frame, what->frame, what->frame_len);
    b->view.frame = b->frame.data;
    b->names.bad |= b->frame.bad;
}

/* Answers may overtake each other; entries keep their order. */
static void insert(struct row *row, struct fresh_batch *b)
{
    struct fresh_batch **at = &row->first;

    if (row->last && store_entry_after(b->id, row->last->id))
        at = &row->last->next;
    while (*at && store_entry_after(b->id, (*at)->id))
        at = &(*at)->next;
    b->next = *at;
    *at = b;
    if (!b->next)
        row->last = b;
}

/* The memory serves again, or goes when there is enough. */
static void put_back(struct fresh *f, struct fresh_batch *b)
{
    size_t size = size_of(b);

    if (f->spare_bytes + size > FRESH_SPARE_MAX) {
        batch_free(b);
        return;
    }
    b->next = f->spare;
    f->spare = b;
    f->spare_bytes += size;
}

static void let_go(struct fresh *f, struct fresh_batch *b)
{
    if (--b->holds == 0)
        put_back(f, b);
}

void fresh_put(struct fresh *f, unsigned state, struct fresh_batch *b,
               const struct record_batch *what, const char *previous)
{
    if (!f) {
        batch_free(b);
        return;
    }
    fill_view(b, what);
    b->previous = store_entry_parse(previous);
    b->id = store_entry_parse(what->id);
    b->put_ns = clock_mono_ns();
    pthread_mutex_lock(&f->lock);
    struct row *row = &f->rows[state];
    b->readers = row->readers;
    if (!b->readers || b->names.bad || f->waiting_bytes + size_of(b) > FRESH_BYTES_MAX) {
        row->skipped = store_entry_after(b->id, row->skipped) ? b->id : row->skipped;
        let_go(f, b);
    } else {
        f->waiting_bytes += size_of(b);
        insert(row, b);
    }
    f->puts++;
    pthread_cond_broadcast(&f->more);
    pthread_mutex_unlock(&f->lock);
}

void fresh_drop(struct fresh *f, struct fresh_batch *b)
{
    if (!f) {
        batch_free(b);
        return;
    }
    pthread_mutex_lock(&f->lock);
    let_go(f, b);
    pthread_mutex_unlock(&f->lock);
}

/* ---- the readers' side ----------------------------------------------------------------------- */

/* Reader `r` has passed all up to `upto`; what all have passed goes. */
static void pass(struct fresh *f, struct row *row, enum fresh_reader r, struct store_entry_id upto)
{
    struct fresh_batch **at = &row->first, *last = NULL;

    while (*at) {
        struct fresh_batch *b = *at;
        if (!store_entry_after(b->id, upto))
            b->readers &= ~(1u << r);
        if (b->readers) {
            last = b;
            at = &b->next;
            continue;
        }
        *at = b->next;
        f->waiting_bytes -= size_of(b);
        let_go(f, b);
    }
    row->last = last;
}

void fresh_follow(struct fresh *f, enum fresh_reader r, unsigned state, bool wants)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    struct row *row = &f->rows[state];
    if (wants)
        row->readers |= 1u << r;
    else
        row->readers &= ~(1u << r);
    if (!wants)
        pass(f, row, r, (struct store_entry_id){ UINT64_MAX, UINT64_MAX });
    pthread_mutex_unlock(&f->lock);
}

static enum fresh_next look(const struct row *row, struct store_entry_id at,
                            struct fresh_batch **out)
{
    struct fresh_batch *b = row->first;

    while (b && !store_entry_after(b->id, at))
        b = b->next;
    if (b && same(b->previous, at)) {
        *out = b;
        return FRESH_TAKEN;
    }
    bool gone = store_entry_after(row->skipped, at);
    if (row->expected && !gone && (!b || clock_mono_ns() - b->put_ns < GAP_NS))
        return FRESH_SOON;
    return b || gone ? FRESH_STREAM : FRESH_NONE;
}

enum fresh_next fresh_next(struct fresh *f, enum fresh_reader r, unsigned state, const char *from,
                           struct fresh_batch **out)
{
    struct store_entry_id at = store_entry_parse(from);

    if (!f)
        return FRESH_NONE;
    pthread_mutex_lock(&f->lock);
    struct row *row = &f->rows[state];
    pass(f, row, r, at);
    enum fresh_next n = look(row, at, out);
    if (n == FRESH_TAKEN)
        (*out)->holds++;
    pthread_mutex_unlock(&f->lock);
    return n;
}

const struct record_batch *fresh_view(const struct fresh_batch *b)
{
    return &b->view;
}

void fresh_wait(struct fresh *f, enum fresh_reader r, unsigned ms)
{
    struct timespec until;

    if (!f) {
        until = (struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 };
        nanosleep(&until, NULL);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t end = (uint64_t)until.tv_sec * NS_PER_S + (uint64_t)until.tv_nsec + ms * NS_PER_MS;
    until = (struct timespec){ (time_t)(end / NS_PER_S), (long)(end % NS_PER_S) };
    pthread_mutex_lock(&f->lock);
    while (f->told[r] == f->puts && pthread_cond_timedwait(&f->more, &f->lock, &until) == 0)
        continue;
    f->told[r] = f->puts;
    pthread_mutex_unlock(&f->lock);
}
