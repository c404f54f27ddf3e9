/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: a cursor for each lane over segments that another process writes and sheds. */
#include "config.h"
#include "sensor/spool/spool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/spool/position.h"
#include "sensor/spool/segment.h"

/* What the collector has is kept so long, for a store that is restored or fails over. */
#define KEEP_S 600

struct reader_segment {
    enum segment_class class;
    struct segment_header header;
    char epoch[2 * SPOOL_EPOCH_BYTES + 1];
    uint64_t scouted; /* all before this is known to the lanes */
    bool closed;      /* nothing will be added, and all of it is known */
    bool seen;        /* in the last listing */
};

/* The last number of a lane in an epoch, as far as it is fsynced. */
struct lane_epoch {
    char epoch[2 * SPOOL_EPOCH_BYTES + 1];
    uint64_t last;
};

struct reader_lane {
    char name[SPOOL_LANE_MAX];
    enum segment_class class;
    struct lane_epoch *epochs; /* oldest first */
    unsigned epoch_count;
    struct position done; /* committed; epoch "" when nothing is */
    /* the cursor */
    int fd; /* -1: no segment is open */
    uint64_t serial;
    char at_epoch[2 * SPOOL_EPOCH_BYTES + 1]; /* of that segment */
    struct segment_walk walk;
    char epoch[2 * SPOOL_EPOCH_BYTES + 1]; /* of the last record handed out; "" none */
    uint64_t expect;                       /* the number that would join on to it */
    bool handed;                           /* something was, since the last 0 */
    bool held;                             /* `record` waits for the next call */
    struct segment_record record;
};

struct spool_reader {
    char *dir;
    struct spool_files *files;
    struct reader_segment *segments; /* by serial */
    unsigned segment_count, segment_cap;
    struct reader_lane *lanes[POSITION_MAX];
    unsigned lane_count;
    struct position positions[POSITION_MAX]; /* as stored at open */
    unsigned position_count;
};

static int by_serial(const void *a, const void *b)
{
    const struct reader_segment *x = a, *y = b;
    return x->header.serial < y->header.serial ? -1 : x->header.serial > y->header.serial;
}

static int segment_open(const struct spool_reader *r, enum segment_class class, uint64_t serial)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(class, serial, name);
    return r->files->open(r->files->arg, name);
}

/* One of the first `known`, which are in order. */
static struct reader_segment *segment_find(const struct spool_reader *r, unsigned known,
                                           uint64_t serial)
{
    struct reader_segment key = { .header.serial = serial };
    return known ? bsearch(&key, r->segments, known, sizeof(key), by_serial) : NULL;
}

/* The next segment of the class after `serial`, or NULL. */
static struct reader_segment *segment_after(const struct spool_reader *r, enum segment_class class,
                                            uint64_t serial)
{
    for (unsigned i = 0; i < r->segment_count; i++) {
        if (r->segments[i].class == class && r->segments[i].header.serial > serial)
            return &r->segments[i];
    }
    return NULL;
}

/* Look at a file of the folder; the first `old` segments were known before. */
static void segment_take(struct spool_reader *r, unsigned old, const char *name)
{
    struct reader_segment s = { .seen = true, .scouted = SEGMENT_HEADER };
    uint64_t serial;
    if (!segment_name_parse(name, &s.class, &serial))
        return;
    struct reader_segment *known = segment_find(r, old, serial);
    if (known) {
        known->seen = true;
        return;
    }
    int fd = segment_open(r, s.class, serial);
    /* One that is just being made has no header yet: the next look will find it. */
    if (fd >= 0 && segment_header_read(fd, &s.header) >= 0 && s.header.serial == serial) {
        segment_epoch_text(s.header.epoch, s.epoch);
        if (r->segment_count == r->segment_cap) {
            r->segment_cap = r->segment_cap ? 2 * r->segment_cap : 16;
            r->segments = xreallocarray(r->segments, r->segment_cap, sizeof(s));
        }
        r->segments[r->segment_count++] = s;
    }
    if (fd >= 0)
        close(fd);
}

/* Look what segments there are now. */
static int refresh(struct spool_reader *r)
{
    struct buf names;
    unsigned old = r->segment_count;
    buf_init(&names, SPOOL_LIST_MAX);
    int err = r->files->list(r->files->arg, &names);
    for (unsigned i = 0; i < old; i++)
        r->segments[i].seen = err < 0;
    for (const char *n = buf_str(&names); err >= 0 && *n; n += strlen(n) + 1)
        segment_take(r, old, n);
    buf_free(&names);
    unsigned kept = 0;
    for (unsigned i = 0; i < r->segment_count; i++) {
        if (r->segments[i].seen)
            r->segments[kept++] = r->segments[i];
    }
    r->segment_count = kept;
    if (kept)
        qsort(r->segments, kept, sizeof(*r->segments), by_serial);
    return err < 0 ? err : ABENG_OK;
}

static struct reader_lane *lane_find(const struct spool_reader *r, const char *name)
{
    for (unsigned i = 0; i < r->lane_count; i++) {
        if (strcmp(r->lanes[i]->name, name) == 0)
            return r->lanes[i];
    }
    return NULL;
}

static void cursor_close(struct reader_lane *l)
{
    if (l->fd < 0)
        return;
    if (l->walk.damaged)
        log_warn("spool", "segment %" PRIu64 ": %" PRIu64 " damaged bytes stepped over", l->serial,
                 l->walk.damaged);
    segment_walk_free(&l->walk);
    close(l->fd);
    l->fd = -1;
    l->held = false;
}

/*
 * The segment in which the lane's record `number` is, or would be: the last of the epoch whose
 * header does not say that it came before. NULL when nothing of the epoch is there.
 */
static const struct reader_segment *segment_of(const struct spool_reader *r,
                                               const struct reader_lane *l, const char *epoch,
                                               uint64_t number)
{
    const struct reader_segment *best = NULL;
    for (unsigned i = 0; i < r->segment_count; i++) {
        const struct reader_segment *s = &r->segments[i];
        if (s->class != l->class || strcmp(s->epoch, epoch) != 0)
            continue;
        if (!best || segment_lane_next(&s->header, l->name) <= number)
            best = s;
    }
    return best;
}

/* Put the cursor behind `number` of `epoch`. */
static int cursor_seek(const struct spool_reader *r, struct reader_lane *l, const char *epoch,
                       uint64_t number)
{
    const struct reader_segment *s = segment_of(r, l, epoch, number + 1);
    if (!s)
        return ABENG_ENOENT;
    cursor_close(l);
    l->serial = s->header.serial - 1;
    memcpy(l->epoch, s->epoch, sizeof(l->epoch));
    l->expect = number + 1;
    return ABENG_OK;
}

/* A cursor's place is the serial before its segment's as long as that is not open. */
static void cursor_start(const struct spool_reader *r, struct reader_lane *l)
{
    for (unsigned i = 0; i < r->position_count; i++) {
        if (strcmp(r->positions[i].lane, l->name) == 0)
            l->done = r->positions[i];
    }
    if (!l->done.epoch[0] || cursor_seek(r, l, l->done.epoch, l->done.number) >= 0)
        return;
    l->serial = l->done.serial ? l->done.serial - 1 : 0;
}

static struct reader_lane *lane_get(struct spool_reader *r, const char *name)
{
    struct reader_lane *l = lane_find(r, name);
    if (l || r->lane_count == POSITION_MAX)
        return l;
    l = xcalloc(1, sizeof(*l));
    memcpy(l->name, name, strlen(name) + 1);
    l->class = segment_class_of(name);
    l->fd = -1;
    r->lanes[r->lane_count++] = l;
    cursor_start(r, l);
    return l;
}

static void note_known(struct spool_reader *r, const char *lane, const char *epoch, uint64_t last)
{
    struct reader_lane *l = lane_get(r, lane);
    if (!l)
        return;
    struct lane_epoch *e = l->epoch_count ? &l->epochs[l->epoch_count - 1] : NULL;
    if (!e || strcmp(e->epoch, epoch) != 0) {
        l->epochs = xreallocarray(l->epochs, l->epoch_count + 1, sizeof(*e));
        e = &l->epochs[l->epoch_count++];
        memcpy(e->epoch, epoch, sizeof(e->epoch));
        e->last = 0;
    }
    e->last = last > e->last ? last : e->last;
}

/* The header of the next segment of the epoch says what this one holds. */
static void scout_by_header(struct spool_reader *r, struct reader_segment *s,
                            const struct reader_segment *next)
{
    for (uint32_t i = 0; i < next->header.lane_count; i++) {
        const struct segment_lane *lane = &next->header.lanes[i];
        if (segment_class_of(lane->name) == s->class &&
            lane->next > segment_lane_next(&s->header, lane->name))
            note_known(r, lane->name, s->epoch, lane->next - 1);
    }
    s->closed = true;
}

static void scout_by_records(struct spool_reader *r, struct reader_segment *s, bool last)
{
    struct segment_walk walk;
    struct segment_record record;
    int fd = segment_open(r, s->class, s->header.serial);
    if (fd < 0)
        return;
    uint64_t end = segment_mark_read(fd);
    if (end > s->scouted) {
        segment_walk_begin(&walk, fd, s->scouted, end);
        while (segment_walk_next(&walk, &record) == 1)
            note_known(r, record.lane, s->epoch, record.number);
        segment_walk_free(&walk);
        s->scouted = end;
    }
    s->closed = !last;
    close(fd);
}

/* Bring the lanes' knowledge of what is there up to date. */
static void scout(struct spool_reader *r)
{
    refresh(r);
    for (unsigned i = 0; i < r->segment_count; i++) {
        struct reader_segment *s = &r->segments[i];
        if (s->closed)
            continue;
        const struct reader_segment *next = segment_after(r, s->class, s->header.serial);
        if (next && strcmp(next->epoch, s->epoch) == 0)
            scout_by_header(r, s, next);
        else
            scout_by_records(r, s, !next);
    }
}

static int load_positions(struct spool_reader *r, const char *path)
{
    struct buf text;
    buf_init(&text, POSITION_FILE_MAX);
    int err = file_read(path, &text);
    if (err >= 0)
        r->position_count = position_parse(buf_str(&text), r->positions);
    else if (errno == ENOENT)
        err = file_replace(path, "", 0, 0640);
    buf_free(&text);
    return err;
}

struct spool_reader *spool_reader_open(const char *dir, char *reason, size_t reason_len)
{
    struct spool_reader *r = xcalloc(1, sizeof(*r));
    char path[4096];
    r->dir = xstrdup(dir);
    r->files = spool_files_folder(dir);
    snprintf(path, sizeof(path), "%s/" POSITION_FILE, dir);
    if (load_positions(r, path) < 0) {
        snprintf(reason, reason_len, "spool: %s: %s", path, strerror(errno));
        goto out;
    }
    if (refresh(r) < 0) {
        snprintf(reason, reason_len, "spool: cannot list %s: %s", dir, strerror(errno));
        goto out;
    }
    scout(r);
    return r;
out:
    spool_reader_close(r);
    return NULL;
}

static bool lane_waits(const struct reader_lane *l)
{
    if (!l->epoch_count)
        return false;
    const struct lane_epoch *e = &l->epochs[l->epoch_count - 1];
    return l->held || strcmp(l->epoch, e->epoch) != 0 || l->expect <= e->last;
}

int spool_reader_lanes(struct spool_reader *r, char lanes[][SPOOL_LANE_MAX], int max)
{
    int count = 0;
    scout(r);
    for (unsigned class = 0; class < SEGMENT_CLASSES; class ++) {
        for (unsigned i = 0; i < r->lane_count && count < max; i++) {
            const struct reader_lane *l = r->lanes[i];
            if (l->class == class && lane_waits(l))
                memcpy(lanes[count++], l->name, SPOOL_LANE_MAX);
        }
    }
    return count;
}

/* Go on to the next segment of the class; false when there is none. */
static bool cursor_advance(const struct spool_reader *r, struct reader_lane *l)
{
    const struct reader_segment *next = segment_after(r, l->class, l->serial);
    while (next) {
        uint64_t serial = next->header.serial;
        int fd = segment_open(r, l->class, serial);
        if (fd >= 0) {
            cursor_close(l);
            l->fd = fd;
            l->serial = serial;
            memcpy(l->at_epoch, next->epoch, sizeof(l->at_epoch));
            segment_walk_begin(&l->walk, fd, 0, segment_mark_read(fd));
            return true;
        }
        next = segment_after(r, l->class, serial); /* shed meanwhile */
    }
    return false;
}

/*
 * Next record of the lane, or 0. A segment is left only when a newer one was seen before its mark
 * was read for the last time: the mark is final then.
 */
static int cursor_next(struct spool_reader *r, struct reader_lane *l)
{
    bool looked = false;
    for (;;) {
        int got = l->fd >= 0 ? segment_walk_next(&l->walk, &l->record) : 0;
        if (got < 0)
            return got;
        if (got && strcmp(l->record.lane, l->name) == 0)
            return 1;
        if (got)
            continue;
        if (!looked) {
            looked = true;
            refresh(r);
            if (l->fd >= 0)
                l->walk.end = segment_mark_read(l->fd);
        } else if (cursor_advance(r, l)) {
            looked = false;
        } else {
            return 0;
        }
    }
}

static void hand_out(struct reader_lane *l, struct spool_record *out)
{
    const struct segment_record *record = &l->record;
    bool same = strcmp(l->at_epoch, l->epoch) == 0;
    *out = (struct spool_record){
        .kind = record->kind,
        .after_hole = record->number != (same ? l->expect : 1),
        .number = record->number,
        .bytes = record->bytes,
        .len = record->len,
    };
    memcpy(out->epoch, l->at_epoch, sizeof(out->epoch));
    memcpy(out->lane, l->name, sizeof(out->lane));
    memcpy(l->epoch, l->at_epoch, sizeof(l->epoch));
    l->expect = record->number + 1;
    l->handed = true;
    l->held = false;
}

int spool_reader_next(struct spool_reader *r, const char *lane, struct spool_record *out)
{
    struct reader_lane *l = lane_find(r, lane);
    if (!l)
        return 0;
    for (;;) {
        int got = l->held ? 1 : cursor_next(r, l);
        if (got <= 0) {
            l->handed = false;
            return got;
        }
        bool same = strcmp(l->at_epoch, l->epoch) == 0;
        if (same && l->record.number < l->expect)
            continue; /* before a rewind's number, or handed out already */
        if (l->handed && (!same || l->record.number != l->expect)) {
            l->held = true;
            l->handed = false;
            return 0;
        }
        hand_out(l, out);
        return 1;
    }
}

static int epoch_index(const struct reader_lane *l, const char *epoch)
{
    for (unsigned i = 0; i < l->epoch_count; i++) {
        if (strcmp(l->epochs[i].epoch, epoch) == 0)
            return (int)i;
    }
    return -1;
}

static int store_positions(struct spool_reader *r)
{
    char path[4096];
    struct buf text;
    buf_init(&text, POSITION_FILE_MAX);
    for (unsigned i = 0; i < r->lane_count; i++) {
        if (r->lanes[i]->done.epoch[0])
            position_print(&text, &r->lanes[i]->done);
    }
    /* Lanes of which nothing is left keep their line. */
    for (unsigned i = 0; i < r->position_count; i++) {
        if (!lane_find(r, r->positions[i].lane))
            position_print(&text, &r->positions[i]);
    }
    snprintf(path, sizeof(path), "%s/" POSITION_FILE, r->dir);
    int err = file_replace(path, text.data, text.len, 0640);
    buf_free(&text);
    return err;
}

/* The serial below which the collector has all of the class. */
static uint64_t committed_below(const struct spool_reader *r, enum segment_class class)
{
    uint64_t below = UINT64_MAX;
    for (unsigned i = 0; i < r->lane_count; i++) {
        const struct reader_lane *l = r->lanes[i];
        const struct lane_epoch *e = l->epoch_count ? &l->epochs[l->epoch_count - 1] : NULL;
        if (l->class != class || !e)
            continue;
        if (strcmp(l->done.epoch, e->epoch) == 0 && l->done.number >= e->last)
            continue;
        uint64_t floor = l->done.epoch[0] ? l->done.serial : 0;
        below = floor < below ? floor : below;
    }
    return below;
}

static void delete_committed(struct spool_reader *r)
{
    for (unsigned i = 0; i < r->segment_count; i++) {
        const struct reader_segment *s = &r->segments[i];
        char name[SEGMENT_NAME_MAX];
        struct stat st;
        if (!s->closed || s->header.serial >= committed_below(r, s->class))
            continue;
        int fd = segment_open(r, s->class, s->header.serial);
        bool old = fd >= 0 && fstat(fd, &st) == 0 && st.st_mtime + KEEP_S < time(NULL);
        if (fd >= 0)
            close(fd);
        segment_name(s->class, s->header.serial, name);
        if (old)
            r->files->remove(r->files->arg, name);
    }
}

int spool_reader_committed(struct spool_reader *r, const char *lane, const char *epoch,
                           uint64_t number)
{
    struct reader_lane *l = lane_find(r, lane);
    if (!l)
        return ABENG_ENOENT;
    int now = epoch_index(l, epoch), before = epoch_index(l, l->done.epoch);
    if (now < 0)
        return ABENG_ENOENT;
    if (now < before || (now == before && number <= l->done.number))
        return ABENG_OK;
    const struct reader_segment *s = segment_of(r, l, epoch, number);
    memcpy(l->done.epoch, l->epochs[now].epoch, sizeof(l->done.epoch));
    memcpy(l->done.lane, l->name, sizeof(l->done.lane));
    l->done.number = number;
    l->done.serial = s ? s->header.serial : l->done.serial;
    int err = store_positions(r);
    if (err >= 0)
        delete_committed(r);
    return err;
}

/* Whether the last record handed out is the one just after `number`: then it need not be sought. */
static bool is_last(const struct reader_lane *l, const char *epoch, uint64_t number)
{
    return l->handed && strcmp(l->at_epoch, epoch) == 0 && l->record.number == number + 1 &&
           l->expect == number + 2;
}

int spool_reader_rewind(struct spool_reader *r, const char *lane, const char *epoch,
                        uint64_t number)
{
    struct reader_lane *l = lane_find(r, lane);
    if (!l)
        return ABENG_ENOENT;
    if (is_last(l, epoch, number)) {
        l->held = true;
        l->handed = false;
        l->expect = number + 1;
        return ABENG_OK;
    }
    l->handed = false;
    return cursor_seek(r, l, epoch, number);
}

uint64_t spool_reader_waiting(struct spool_reader *r)
{
    uint64_t sum = 0;
    scout(r);
    for (unsigned i = 0; i < r->lane_count; i++) {
        const struct reader_lane *l = r->lanes[i];
        int done = epoch_index(l, l->done.epoch);
        for (int k = done < 0 ? 0 : done; k < (int)l->epoch_count; k++) {
            uint64_t from = k == done ? l->done.number : 0;
            sum += l->epochs[k].last > from ? l->epochs[k].last - from : 0;
        }
    }
    return sum;
}

void spool_reader_close(struct spool_reader *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < r->lane_count; i++) {
        cursor_close(r->lanes[i]);
        free(r->lanes[i]->epochs);
        free(r->lanes[i]);
    }
    spool_files_free(r->files);
    free(r->segments);
    free(r->dir);
    free(r);
}
