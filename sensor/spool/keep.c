/* SPDX-License-Identifier: Apache-2.0 */
/* What stands on disk: taken up and repaired at open, shed at the bound. */
#include "config.h"
#include "sensor/spool/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/spool/position.h"

/* What of one lane stands in a segment that is about to be shed. */
struct shed_lane {
    char name[SPOOL_LANE_MAX];
    uint64_t first, last;
};

struct shed {
    struct shed_lane lanes[SEGMENT_LANES_MAX];
    uint32_t lane_count;
    char epoch[2 * SPOOL_EPOCH_BYTES + 1];
    struct position done[POSITION_MAX];
    unsigned done_count;
};

void writer_keep_add(struct spool_writer *w, enum segment_class class, uint64_t serial,
                     uint64_t bytes)
{
    if (w->segment_count == w->segment_cap) {
        w->segment_cap = w->segment_cap ? 2 * w->segment_cap : 64;
        w->segments = xreallocarray(w->segments, w->segment_cap, sizeof(*w->segments));
    }
    w->segments[w->segment_count++] = (struct writer_segment){ class, serial, bytes };
    w->total += bytes;
}

static void forget(struct spool_writer *w, uint32_t at)
{
    w->total -= w->segments[at].bytes;
    memmove(&w->segments[at], &w->segments[at + 1],
            (w->segment_count - at - 1) * sizeof(*w->segments));
    w->segment_count--;
}

static int by_serial(const void *a, const void *b)
{
    const struct writer_segment *x = a, *y = b;
    return x->serial < y->serial ? -1 : x->serial > y->serial;
}

static int open_named(const struct spool_writer *w, const struct writer_segment *s)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(s->class, s->serial, name);
    return w->files->open(w->files->arg, name);
}

static int remove_named(const struct spool_writer *w, const struct writer_segment *s)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(s->class, s->serial, name);
    return w->files->remove(w->files->arg, name);
}

static void note_previous(struct spool_writer *w, enum segment_class class,
                          const struct segment_header *h, const char *name, uint64_t last)
{
    struct writer_lane *lane = segment_class_of(name) == class ? writer_lane_get(w, name) : NULL;
    if (!lane)
        return;
    segment_epoch_text(h->epoch, lane->previous);
    lane->previous_last = last;
}

/*
 * Cut off what is torn, take up the lanes' last numbers, and vouch for the rest by an fsync. How
 * many records there are, or an error.
 */
static int repair(struct spool_writer *w, struct writer_segment *s, int fd,
                  const struct segment_header *h)
{
    int records = 0;
    struct segment_walk walk;
    struct segment_record r;
    segment_walk_begin(&walk, fd, 0, s->bytes);
    while (segment_walk_next(&walk, &r) == 1) {
        note_previous(w, s->class, h, r.lane, r.number);
        records++;
    }
    uint64_t good = walk.good_end;
    segment_walk_free(&walk);
    if (good < s->bytes) {
        log_notice("spool", "segment %" PRIu64 ": %" PRIu64 " torn bytes cut off its end",
                   s->serial, s->bytes - good);
        counter_add(w->counters, SPOOL_REPAIRED, s->bytes - good);
        if (ftruncate(fd, (off_t)good) < 0)
            return ABENG_EIO;
        w->total -= s->bytes - good;
        s->bytes = good;
    }
    if (segment_mark_read(fd) == good)
        return records;
    int err = fdatasync(fd) < 0 ? ABENG_EIO : segment_mark_write(fd, good);
    return err < 0 ? err : records;
}

/* Lanes that had numbers when the segment was begun. */
static unsigned take_header(struct spool_writer *w, enum segment_class class,
                            const struct segment_header *h)
{
    unsigned begun = 0;
    for (uint32_t k = 0; k < h->lane_count; k++) {
        if (h->lanes[k].next <= 1)
            continue;
        note_previous(w, class, h, h->lanes[k].name, h->lanes[k].next - 1);
        begun++;
    }
    return begun;
}

/*
 * The newest segment of a class. One without a good header never held anything that was sent, nor
 * did one of an epoch that ended before its first record: the epoch before that is the one whose
 * last numbers count.
 */
static int load_newest(struct spool_writer *w, enum segment_class class)
{
    for (uint32_t i = w->segment_count; i-- > 0;) {
        struct writer_segment *s = &w->segments[i];
        struct segment_header h;
        if (s->class != class)
            continue;
        int fd = open_named(w, s);
        if (fd < 0)
            return fd;
        int err = segment_header_read(fd, &h);
        if (err >= 0) {
            unsigned begun = take_header(w, class, &h);
            err = repair(w, s, fd, &h);
            if (err < 0 || err > 0 || begun) {
                close(fd);
                return err < 0 ? err : ABENG_OK;
            }
        } else {
            log_warn("spool", "segment %" PRIu64 " has no good header and is removed", s->serial);
        }
        close(fd);
        remove_named(w, s);
        forget(w, i);
    }
    return ABENG_OK;
}

static int load_segment(struct spool_writer *w, const char *name)
{
    enum segment_class class;
    uint64_t serial;
    struct stat st;
    if (!segment_name_parse(name, &class, &serial))
        return ABENG_OK;
    int fd = w->files->open(w->files->arg, name);
    if (fd == ABENG_ENOENT)
        return ABENG_OK;
    if (fd < 0)
        return fd;
    int got = fstat(fd, &st);
    close(fd);
    if (got < 0)
        return ABENG_EIO;
    writer_keep_add(w, class, serial, (uint64_t)st.st_size);
    w->serial = serial >= w->serial ? serial + 1 : w->serial;
    return ABENG_OK;
}

int writer_keep_load(struct spool_writer *w, char *reason, size_t reason_len)
{
    struct buf names;
    const char *what = "cannot list the folder";
    w->serial = 1;
    buf_init(&names, SPOOL_LIST_MAX);
    int err = w->files->list(w->files->arg, &names);
    for (const char *n = buf_str(&names); err >= 0 && *n; n += strlen(n) + 1) {
        what = "cannot open a segment";
        err = load_segment(w, n);
    }
    if (err >= 0) {
        if (w->segment_count)
            qsort(w->segments, w->segment_count, sizeof(*w->segments), by_serial);
        what = "cannot repair the newest segment";
        err = load_newest(w, SEGMENT_URGENT);
        err = err < 0 ? err : load_newest(w, SEGMENT_BULK);
    }
    if (err < 0)
        snprintf(reason, reason_len, "spool: %s: %s", what,
                 err == ABENG_EIO ? strerror(errno) : err_text(err));
    buf_free(&names);
    return err < 0 ? err : ABENG_OK;
}

/* The reader deletes what is committed and old; it is no longer ours to count. */
static void forget_missing(struct spool_writer *w)
{
    for (uint32_t i = w->segment_count; i-- > 0;) {
        int fd = open_named(w, &w->segments[i]);
        if (fd == ABENG_ENOENT)
            forget(w, i);
        else if (fd >= 0)
            close(fd);
    }
}

static bool is_open(const struct spool_writer *w, const struct writer_segment *s)
{
    return w->open[s->class].fd >= 0 && w->open[s->class].serial == s->serial;
}

/* Oldest bulk segment, else oldest urgent one; -1 when only the open ones are left. */
static int64_t victim(const struct spool_writer *w)
{
    static const enum segment_class order[] = { SEGMENT_BULK, SEGMENT_URGENT };
    for (unsigned k = 0; k < SEGMENT_CLASSES; k++) {
        for (uint32_t i = 0; i < w->segment_count; i++) {
            if (w->segments[i].class == order[k] && !is_open(w, &w->segments[i]))
                return i;
        }
    }
    return -1;
}

static void load_positions(const struct spool_writer *w, struct shed *shed)
{
    char text[POSITION_FILE_MAX + 1];
    int fd = w->files->open(w->files->arg, POSITION_FILE);
    shed->done_count = 0;
    if (fd < 0)
        return;
    ssize_t n = pread(fd, text, POSITION_FILE_MAX, 0);
    close(fd);
    text[n < 0 ? 0 : n] = 0;
    shed->done_count = position_parse(text, shed->done);
}

/* A record of the segment that is shed; committed ones are no loss. */
static void note_shed(struct shed *shed, const struct segment_record *r)
{
    for (unsigned i = 0; i < shed->done_count; i++) {
        const struct position *p = &shed->done[i];
        if (strcmp(p->lane, r->lane) == 0 && strcmp(p->epoch, shed->epoch) == 0 &&
            r->number <= p->number)
            return;
    }
    for (uint32_t i = 0; i < shed->lane_count; i++) {
        if (strcmp(shed->lanes[i].name, r->lane) == 0) {
            shed->lanes[i].last = r->number;
            return;
        }
    }
    if (shed->lane_count == SEGMENT_LANES_MAX)
        return;
    struct shed_lane *l = &shed->lanes[shed->lane_count++];
    memcpy(l->name, r->lane, sizeof(l->name));
    l->first = l->last = r->number;
}

/* What the segment holds that the collector has not. */
static void inspect(const struct spool_writer *w, const struct writer_segment *s, struct shed *shed)
{
    struct segment_header h;
    struct segment_walk walk;
    struct segment_record r;
    shed->lane_count = 0;
    int fd = open_named(w, s);
    if (fd < 0)
        return;
    if (segment_header_read(fd, &h) >= 0) {
        segment_epoch_text(h.epoch, shed->epoch);
        segment_walk_begin(&walk, fd, 0, s->bytes);
        while (segment_walk_next(&walk, &r) == 1)
            note_shed(shed, &r);
        segment_walk_free(&walk);
    }
    close(fd);
}

static void tell(struct spool_writer *w, const struct shed *shed)
{
    bool same = strcmp(shed->epoch, w->epoch_text) == 0;
    for (uint32_t i = 0; i < shed->lane_count; i++) {
        const struct shed_lane *l = &shed->lanes[i];
        struct writer_lane *lane = writer_lane_get(w, l->name);
        counter_add(w->counters, SPOOL_SHED_RECORDS, l->last - l->first + 1);
        if (lane)
            writer_gap(w, lane, same ? NULL : shed->epoch, l->first, l->last, "shed");
    }
}

static bool too_full(const struct spool_writer *w)
{
    return w->total > w->conf.bytes_max - 2 * w->conf.segment_bytes;
}

bool spool_writer_crowded(struct spool_writer *w)
{
    const uint64_t most = w->conf.bytes_max / 4 * 3;
    if (w->total <= most)
        return false;
    forget_missing(w);
    return w->total > most;
}

void writer_keep_room(struct spool_writer *w)
{
    if (!too_full(w))
        return;
    forget_missing(w);
    struct shed *shed = xcalloc(1, sizeof(*shed));
    load_positions(w, shed);
    while (too_full(w)) {
        int64_t at = victim(w);
        if (at < 0)
            break;
        struct writer_segment s = w->segments[at];
        inspect(w, &s, shed);
        if (remove_named(w, &s) == ABENG_EIO)
            break;
        forget(w, (uint32_t)at);
        counter_add(w->counters, SPOOL_SHED_SEGMENTS, 1);
        log_warn("spool", "full: segment %" PRIu64 " of %s lanes is shed", s.serial,
                 s.class == SEGMENT_URGENT ? "urgent" : "bulk");
        tell(w, shed);
    }
    free(shed);
}
