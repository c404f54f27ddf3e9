/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces are a list from the oldest that a worker still has to the newest. Each worker stands on
 * one, first on an empty one before the file's beginning; going on takes it off that and, when it
 * was the last, frees it. Free ones are used last in, first out: their memory is warm.
 */
#include "config.h"
#include "sensor/feed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"
#include "sensor/monitor/channel.h"
#include "sensor/stamp.h"

/* A worker that is ahead of all others by every piece sleeps until so many are free: waking it for
 * each one would cost the slowest a system call a piece. */
#define WAKE_FREE (FEED_PIECES / 2)

/** Frames with their numbers and times. */
struct frames {
    struct frame *frames;
    uint64_t *numbers, *nows;
};

struct piece {
    struct piece *next; /* the one read after it; of a free one, the next free one */
    unsigned left;      /* workers that are not through with it */
    struct frames all;  /* by worker, those of each in order */
    unsigned *begins;   /* where each worker's begin, and where the last one's end */
    uint64_t now_ns;    /* of the last one of all */
    uint8_t *memory;    /* the frames' bytes; NULL with one worker */
};

/** Where a worker is. */
struct reader {
    struct piece *piece;
    unsigned at; /* its next frame there */
    bool through;
};

struct feed {
    unsigned readers;
    feed_ask *ask;
    void *arg;

    /* Of whoever reads. */
    struct capture *capture; /* the file at hand, or NULL */
    char name[CHANNEL_TEXT_MAX];
    struct stamp stamp;
    struct frames read; /* of the piece at hand, as they stand in the file; for many workers */
    uint8_t owners[FEED_FRAMES_MAX];
    struct capture_counts counts; /* of files that are closed */
    bool failed;

    /* Behind the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* there is a piece more, or room for one, or the end was seen */
    unsigned staying;       /* workers that have not left */
    bool reading;           /* one of them is at it */
    bool ended;             /* there are no more files */
    struct piece *last, *free;
    unsigned free_count;
    struct piece pieces[FEED_PIECES];

    struct reader of[];
};

/* ---- files: the one that reads --------------------------------------------------------------- */

/* Have a file at hand: the next capture that the monitor has and that is one. */
static bool file_open(struct feed *f)
{
    char reason[256];
    while (!f->capture) {
        struct channel_message m = { .verb = CHANNEL_NEXT_CAPTURE };
        int fd = -1;
        if (f->ask(f->arg, &m, &fd) < 0 || fd < 0)
            return false;
        f->capture = capture_open_file(fd, m.text, reason, sizeof(reason));
        if (f->capture) {
            memcpy(f->name, m.text, sizeof(f->name));
        } else if (m.arg) {
            log_error("capture", "%s: %s", m.text, reason);
            f->failed = true;
        } else { /* a folder may hold other things beside captures */
            log_notice("capture", "%s: passed over: %s", m.text, reason);
        }
    }
    return true;
}

static void counts_add(struct capture_counts *sum, struct capture *c)
{
    struct capture_counts n;
    capture_counts(c, &n);
    sum->packets += n.packets;
    sum->bytes += n.bytes;
    sum->truncated_files += n.truncated_files;
    sum->bad_blocks += n.bad_blocks;
}

static void file_close(struct feed *f)
{
    uint64_t cut = f->counts.truncated_files;
    counts_add(&f->counts, f->capture);
    if (f->counts.truncated_files > cut)
        log_warn("capture", "%s: cut in mid-record; read to its last whole packet", f->name);
    capture_close(f->capture);
    f->capture = NULL;
}

/* ---- pieces: the one that reads -------------------------------------------------------------- */

/* What comes next of the file at hand, a window or, with one worker, a burst: `*count` frames; the
 * file is closed when it ends with them. */
static void piece_read(struct feed *f, struct piece *p, struct frame *frames, unsigned *count)
{
    unsigned most = p->memory ? FEED_FRAMES_MAX : CAPTURE_BURST_MAX;
    int n;
    *count = 0;
    if (p->memory)
        capture_window(f->capture, p->memory);
    do {
        n = capture_next(f->capture, frames + *count, CAPTURE_BURST_MAX, 0);
        *count += n > 0 ? (unsigned)n : 0;
    } while (n > 0 && *count + CAPTURE_BURST_MAX <= most);
    if (n < 0)
        file_close(f);
}

/* Put each of `count` frames that were read to those of its worker. */
static void piece_share(struct feed *f, struct piece *p, unsigned count)
{
    unsigned *at = p->begins + 1; /* where each one's next goes: in the end, where they end */
    memset(p->begins, 0, (f->readers + 1) * sizeof(*p->begins));
    for (unsigned i = 0; i < count; i++) {
        f->owners[i] = (uint8_t)decode_steer(&f->read.frames[i], f->readers);
        if (f->owners[i] + 1u < f->readers)
            at[f->owners[i] + 1]++;
    }
    for (unsigned w = 1; w < f->readers; w++)
        at[w] += at[w - 1];
    for (unsigned i = 0; i < count; i++) {
        unsigned to = at[f->owners[i]]++;
        p->all.frames[to] = f->read.frames[i];
        p->all.numbers[to] = f->read.numbers[i];
        p->all.nows[to] = f->read.nows[i];
    }
}

/* The next piece that holds a frame, ready to be taken. False when there is none. */
static bool piece_fill(struct feed *f, struct piece *p)
{
    struct frames *read = p->memory ? &f->read : &p->all;
    unsigned count;
    do {
        if (!file_open(f))
            return false;
        piece_read(f, p, read->frames, &count);
    } while (!count);
    stamp_frames(&f->stamp, read->frames, read->numbers, read->nows, count);
    p->now_ns = f->stamp.now_ns;
    if (p->memory)
        piece_share(f, p, count);
    else
        p->begins[1] = count;
    return true;
}

/* ---- pieces: all workers, locked ------------------------------------------------------------- */

static void piece_free(struct feed *f, struct piece *p)
{
    p->next = f->free;
    f->free = p;
    if (++f->free_count >= WAKE_FREE)
        pthread_cond_broadcast(&f->changed);
}

/* One worker less has it. */
static void piece_leave(struct feed *f, struct piece *p)
{
    if (--p->left == 0)
        piece_free(f, p);
}

static bool can_read(const struct feed *f)
{
    return f->free && !f->reading && !f->ended;
}

/* Take a free piece, fill it with the lock let go, and put it behind the last. */
static void piece_add(struct feed *f)
{
    struct piece *p = f->free;
    f->free = p->next;
    f->free_count--;
    f->reading = true;
    pthread_mutex_unlock(&f->lock);
    bool filled = piece_fill(f, p);
    pthread_mutex_lock(&f->lock);
    f->reading = false;
    if (filled) {
        p->next = NULL;
        p->left = f->staying;
        f->last->next = p;
        f->last = p;
    } else {
        f->ended = true;
        piece_free(f, p);
    }
    pthread_cond_broadcast(&f->changed);
}

/* Go on to the worker's next piece; false when there is none. */
static bool reader_advance(struct feed *f, struct reader *r)
{
    pthread_mutex_lock(&f->lock);
    while (!r->piece->next && !f->ended) {
        if (can_read(f))
            piece_add(f);
        else
            pthread_cond_wait(&f->changed, &f->lock);
    }
    struct piece *next = r->piece->next;
    if (next) {
        piece_leave(f, r->piece);
        r->piece = next;
        if (!next->next && next->memory && can_read(f))
            piece_add(f);
    }
    pthread_mutex_unlock(&f->lock);
    return next;
}

/* ---- a worker -------------------------------------------------------------------------------- */

bool feed_next(struct feed *f, unsigned reader, struct feed_burst *out)
{
    struct reader *r = &f->of[reader];
    if (r->through) {
        if (!reader_advance(f, r))
            return false;
        r->at = r->piece->begins[reader];
    }
    const struct piece *p = r->piece;
    unsigned at = r->at, left = p->begins[reader + 1] - at;
    unsigned count = left < CAPTURE_BURST_MAX ? left : CAPTURE_BURST_MAX;
    r->at += count;
    r->through = count == left;
    *out = (struct feed_burst){ p->all.frames + at, p->all.numbers + at, p->all.nows + at, count,
                                r->through ? p->now_ns : p->all.nows[r->at - 1] };
    return true;
}

void feed_leave(struct feed *f, unsigned reader)
{
    struct piece *next;
    pthread_mutex_lock(&f->lock);
    f->staying--;
    for (struct piece *p = f->of[reader].piece; p; p = next) {
        next = p->next;
        piece_leave(f, p);
    }
    pthread_mutex_unlock(&f->lock);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void frames_create(struct frames *s, unsigned count)
{
    s->frames = xcalloc(count, sizeof(*s->frames));
    s->numbers = xcalloc(count, sizeof(*s->numbers));
    s->nows = xcalloc(count, sizeof(*s->nows));
}

static void frames_free(struct frames *s)
{
    free(s->frames);
    free(s->numbers);
    free(s->nows);
}

static void piece_create(struct piece *p, unsigned readers)
{
    bool shared = readers > 1;
    frames_create(&p->all, shared ? FEED_FRAMES_MAX : CAPTURE_BURST_MAX);
    p->begins = xcalloc(readers + 1, sizeof(*p->begins));
    p->memory = shared ? xmalloc(CAPTURE_WINDOW_BYTES) : NULL;
}

struct feed *feed_create(unsigned readers, feed_ask *ask, void *arg)
{
    struct feed *f = xcalloc(1, sizeof(*f) + readers * sizeof(f->of[0]));
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->readers = f->staying = readers;
    f->ask = ask;
    f->arg = arg;
    if (readers > 1)
        frames_create(&f->read, FEED_FRAMES_MAX);
    for (unsigned i = 0; i < FEED_PIECES; i++) {
        piece_create(&f->pieces[i], readers);
        if (i)
            piece_free(f, &f->pieces[i]);
    }
    f->last = &f->pieces[0];
    f->last->left = readers;
    for (unsigned i = 0; i < readers; i++)
        f->of[i] = (struct reader){ .piece = f->last, .through = true };
    return f;
}

void feed_counts(const struct feed *f, struct capture_counts *out)
{
    *out = f->counts;
    if (f->capture)
        counts_add(out, f->capture);
}

bool feed_failed(const struct feed *f)
{
    return f->failed;
}

void feed_free(struct feed *f)
{
    if (!f)
        return;
    capture_close(f->capture);
    for (unsigned i = 0; i < FEED_PIECES; i++) {
        frames_free(&f->pieces[i].all);
        free(f->pieces[i].begins);
        free(f->pieces[i].memory);
    }
    frames_free(&f->read);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    free(f);
}
