/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: numbers, appends, fsync by policy, gap records. */
#include "config.h"
#include "sensor/spool/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/event.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/xalloc.h"

#define BYTES_MAX_DEFAULT     (4ull << 30)
#define SEGMENT_BYTES_DEFAULT (16ull << 20)
#define SYNC_BYTES_DEFAULT    (1ull << 20)
#define SYNC_NS_DEFAULT       (200 * NS_PER_MS)
#define SEGMENTS_MIN          6 /* two open ones, room for two more, and something to shed */

/* clang-format off */
const struct counter_def spool_counters[] = {
    [SPOOL_APPENDED] = { "spool.appended", "records written" },
    [SPOOL_BYTES] = { "spool.bytes", "bytes written" },
    [SPOOL_SYNCS] = { "spool.syncs", "fsyncs" },
    [SPOOL_SYNC_FAILED] = { "spool.sync_failed", "fsyncs the system refused" },
    [SPOOL_WRITE_FAILED] = { "spool.write_failed", "records lost: the disk is full or broken" },
    [SPOOL_REFUSED] = { "spool.refused", "records lost: too long, or of too many lanes" },
    [SPOOL_LOST] = { "spool.lost", "records without a number, told by gap records" },
    [SPOOL_SHED_SEGMENTS] = { "spool.shed_segments", "segments shed at the bound" },
    [SPOOL_SHED_RECORDS] = { "spool.shed_records", "uncommitted records in shed segments" },
    [SPOOL_REPAIRED] = { "spool.repaired_bytes", "bytes of torn tails cut off at open" },
    [SPOOL_COUNTERS] = { NULL, NULL },
};
/* clang-format on */

static int append(struct spool_writer *w, struct writer_lane *lane, enum spool_kind kind,
                  const void *bytes, size_t len);
static int segment_for(struct spool_writer *w, const struct writer_lane *lane);

static struct event_abeng place(const struct spool_writer *w, const struct writer_lane *lane)
{
    return (struct event_abeng){ .epoch = w->epoch_text, .lane = lane->name, .seq = lane->next };
}

/* The lane's first record in this epoch. */
static int lane_begin(struct spool_writer *w, struct writer_lane *lane)
{
    if (lane->begun)
        return ABENG_OK;
    struct event_epoch e = {
        .time_ns = clock_now(clock_system()),
        .previous = lane->previous[0] ? lane->previous : NULL,
        .last = lane->previous_last,
        .abeng = place(w, lane),
    };
    buf_clear(&w->line);
    event_epoch_write(&w->line, &e);
    int err = append(w, lane, SPOOL_KIND_EPOCH, w->line.data, w->line.len);
    lane->begun = err >= 0;
    return err;
}

static int write_gap(struct spool_writer *w, struct writer_lane *lane, struct event_gap *g)
{
    g->time_ns = clock_now(clock_system());
    g->abeng = place(w, lane);
    buf_clear(&w->line);
    event_gap_write(&w->line, g);
    return append(w, lane, SPOOL_KIND_GAP, w->line.data, w->line.len);
}

/* Tell what was lost without a number, if that can be written now. */
static void lane_settle(struct spool_writer *w, struct writer_lane *lane)
{
    if (lane_begin(w, lane) < 0 || !lane->lost)
        return;
    struct event_gap g = { .lost = lane->lost, .why = lane->why };
    if (write_gap(w, lane, &g) >= 0)
        lane->lost = 0;
}

void writer_gap(struct spool_writer *w, struct writer_lane *lane, const char *epoch, uint64_t first,
                uint64_t last, const char *why)
{
    struct event_gap g = { .epoch = epoch, .first = first, .last = last, .why = why };
    if (lane_begin(w, lane) >= 0)
        write_gap(w, lane, &g);
}

static void lane_lost(struct spool_writer *w, struct writer_lane *lane, uint64_t n, const char *why)
{
    counter_add(w->counters, SPOOL_LOST, n);
    lane->lost += n;
    lane->why = why;
}

struct writer_lane *writer_lane_find(struct spool_writer *w, const char *name)
{
    for (uint32_t i = 0; i < w->lane_count; i++) {
        if (strcmp(w->lanes[i].name, name) == 0)
            return &w->lanes[i];
    }
    return NULL;
}

struct writer_lane *writer_lane_get(struct spool_writer *w, const char *name)
{
    struct writer_lane *lane = writer_lane_find(w, name);
    size_t len = strlen(name);
    if (lane)
        return lane;
    if (!len || len >= SPOOL_LANE_MAX || w->lane_count == SEGMENT_LANES_MAX)
        return NULL;
    lane = &w->lanes[w->lane_count++];
    *lane = (struct writer_lane){ .next = 1 };
    memcpy(lane->name, name, len + 1);
    return lane;
}

/*
 * The lane, ready for its next record, or NULL. Whatever writes gap records of its own, so moving
 * the lane's number, happens here: between spool_writer_next and spool_writer_append nothing does.
 */
static struct writer_lane *lane_ready(struct spool_writer *w, const char *name)
{
    struct writer_lane *lane = writer_lane_get(w, name);
    if (!lane)
        return NULL;
    writer_keep_room(w);
    segment_for(w, lane);
    if (!lane->begun || lane->lost)
        lane_settle(w, lane);
    return lane;
}

static void close_open(struct spool_writer *w, enum segment_class class)
{
    struct writer_open *o = &w->open[class];
    if (o->fd >= 0)
        close(o->fd);
    o->fd = -1;
    o->dirty_since = 0;
}

/* An fsync that failed leaves pages of unknown fate: none is sent, the segment is left. */
static void sync_failed(struct spool_writer *w, enum segment_class class)
{
    counter_add(w->counters, SPOOL_SYNC_FAILED, 1);
    log_error("spool", "fsync failed: %s; records not yet safe are given up", strerror(errno));
    close_open(w, class);
    for (uint32_t i = 0; i < w->lane_count; i++) {
        struct writer_lane *lane = &w->lanes[i];
        uint64_t first = lane->synced + 1, last = lane->next - 1;
        if (segment_class_of(lane->name) != class || first > last)
            continue;
        lane->synced = last;
        writer_gap(w, lane, NULL, first, last, "disk_error");
    }
}

static int sync_class(struct spool_writer *w, enum segment_class class)
{
    struct writer_open *o = &w->open[class];
    if (o->fd < 0 || !o->dirty_since)
        return ABENG_OK;
    if (fdatasync(o->fd) < 0) {
        sync_failed(w, class);
        return ABENG_EIO;
    }
    counter_add(w->counters, SPOOL_SYNCS, 1);
    o->dirty_since = 0;
    o->synced = o->size;
    for (uint32_t i = 0; i < w->lane_count; i++) {
        if (segment_class_of(w->lanes[i].name) == class)
            w->lanes[i].synced = w->lanes[i].next - 1;
    }
    return segment_mark_write(o->fd, o->size);
}

static void header_fill(const struct spool_writer *w, struct segment_header *h)
{
    memset(h, 0, sizeof(*h));
    memcpy(h->epoch, w->epoch, sizeof(h->epoch));
    h->serial = w->serial;
    h->created_ns = clock_now(clock_system());
    h->lane_count = w->lane_count;
    for (uint32_t i = 0; i < w->lane_count; i++) {
        memcpy(h->lanes[i].name, w->lanes[i].name, SPOOL_LANE_MAX);
        h->lanes[i].next = w->lanes[i].next;
    }
}

static int open_segment(struct spool_writer *w, enum segment_class class)
{
    char name[SEGMENT_NAME_MAX];
    struct segment_header h;
    header_fill(w, &h);
    segment_name(class, w->serial, name);
    int fd = w->files->create(w->files->arg, name);
    if (fd < 0)
        return ABENG_EIO;
    if (segment_header_write(fd, &h) < 0) {
        close(fd);
        w->files->remove(w->files->arg, name);
        return ABENG_EIO;
    }
    w->open[class] = (struct writer_open){ .fd = fd, .serial = w->serial, .size = SEGMENT_HEADER };
    writer_keep_add(w, class, w->serial++, SEGMENT_HEADER);
    return ABENG_OK;
}

/* A segment that takes the lane's next record; a full one is left. */
static int segment_for(struct spool_writer *w, const struct writer_lane *lane)
{
    enum segment_class class = segment_class_of(lane->name);
    struct writer_open *o = &w->open[class];
    if (o->fd >= 0 && o->size >= w->conf.segment_bytes) {
        sync_class(w, class);
        close_open(w, class);
    }
    return o->fd >= 0 ? ABENG_OK : open_segment(w, class);
}

static int write_out(struct spool_writer *w, struct writer_open *o)
{
    size_t done = 0;
    while (done < w->out.len) {
        ssize_t n = pwrite(o->fd, w->out.data + done, w->out.len - done, (off_t)(o->size + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ABENG_EIO;
        done += (size_t)n;
    }
    return ABENG_OK;
}

static int write_failed(struct spool_writer *w, struct writer_open *o)
{
    if (!w->failing)
        log_error("spool", "cannot write: %s; records are counted as lost until it works again",
                  strerror(errno));
    w->failing = true;
    if (o->fd >= 0 && ftruncate(o->fd, (off_t)o->size) < 0)
        log_warn("spool", "cannot cut off a torn record: %s", strerror(errno));
    return ABENG_EIO;
}

static void note_written(struct spool_writer *w, struct writer_open *o, struct writer_lane *lane)
{
    if (w->failing)
        log_notice("spool", "writing works again");
    w->failing = false;
    o->size += w->out.len;
    w->total += w->out.len;
    for (uint32_t i = w->segment_count; i-- > 0;) {
        if (w->segments[i].serial == o->serial) {
            w->segments[i].bytes = o->size;
            break;
        }
    }
    if (!o->dirty_since)
        o->dirty_since = clock_mono_ns();
    lane->next++;
    counter_add(w->counters, SPOOL_APPENDED, 1);
    counter_add(w->counters, SPOOL_BYTES, w->out.len);
}

static int append(struct spool_writer *w, struct writer_lane *lane, enum spool_kind kind,
                  const void *bytes, size_t len)
{
    struct writer_open *o = &w->open[segment_class_of(lane->name)];
    struct segment_record r = {
        .kind = kind, .number = lane->next, .bytes = bytes, .len = (uint32_t)len
    };
    memcpy(r.lane, lane->name, sizeof(r.lane));
    if (segment_for(w, lane) < 0)
        return write_failed(w, o);
    buf_clear(&w->out);
    segment_record_encode(&w->out, &r);
    if (write_out(w, o) < 0)
        return write_failed(w, o);
    note_written(w, o, lane);
    return ABENG_OK;
}

static int set_defaults(struct spool_conf *c)
{
    c->bytes_max = c->bytes_max ? c->bytes_max : BYTES_MAX_DEFAULT;
    c->segment_bytes = c->segment_bytes ? c->segment_bytes : SEGMENT_BYTES_DEFAULT;
    c->sync_bytes = c->sync_bytes ? c->sync_bytes : SYNC_BYTES_DEFAULT;
    c->sync_ns = c->sync_ns ? c->sync_ns : SYNC_NS_DEFAULT;
    return c->bytes_max / SEGMENTS_MIN >= c->segment_bytes ? ABENG_OK : ABENG_EINVAL;
}

struct spool_writer *spool_writer_open(const struct spool_conf *conf,
                                       const struct spool_files *files,
                                       struct counter_block *counters, char *reason,
                                       size_t reason_len)
{
    struct spool_writer *w = xcalloc(1, sizeof(*w));
    w->conf = *conf;
    w->files = files;
    w->counters = counters;
    w->open[SEGMENT_URGENT].fd = w->open[SEGMENT_BULK].fd = -1;
    buf_init(&w->out, SEGMENT_RECORD_HEADER + SPOOL_LANE_MAX + SPOOL_RECORD_MAX);
    buf_init(&w->line, SPOOL_RECORD_MAX);
    hash_key_random((struct hash_key *)(void *)w->epoch);
    segment_epoch_text(w->epoch, w->epoch_text);
    if (set_defaults(&w->conf) < 0) {
        snprintf(reason, reason_len, "spool: the bound must hold %d segments", SEGMENTS_MIN);
        goto out;
    }
    if (writer_keep_load(w, reason, reason_len) < 0)
        goto out;
    for (uint32_t i = 0; i < w->lane_count; i++)
        lane_settle(w, &w->lanes[i]);
    spool_writer_sync(w, true);
    return w;
out:
    spool_writer_close(w);
    return NULL;
}

const char *spool_writer_epoch(const struct spool_writer *w)
{
    return w->epoch_text;
}

uint64_t spool_writer_next(struct spool_writer *w, const char *lane)
{
    struct writer_lane *l = lane_ready(w, lane);
    return l ? l->next : 0;
}

int64_t spool_writer_append(struct spool_writer *w, const char *lane, enum spool_kind kind,
                            const void *bytes, size_t len)
{
    struct writer_lane *l = lane_ready(w, lane);
    if (!l || !l->begun || len > SPOOL_RECORD_MAX) {
        counter_add(w->counters, SPOOL_REFUSED, 1);
        if (l)
            lane_lost(w, l, 1, len > SPOOL_RECORD_MAX ? "too_long" : "disk_full");
        return !l || len > SPOOL_RECORD_MAX ? ABENG_ELIMIT : ABENG_EIO;
    }
    int err = append(w, l, kind, bytes, len);
    if (err < 0) {
        counter_add(w->counters, SPOOL_WRITE_FAILED, 1);
        lane_lost(w, l, 1, "disk_full");
        return err;
    }
    return (int64_t)(l->next - 1);
}

void spool_writer_lost(struct spool_writer *w, const char *lane, uint64_t n, const char *why)
{
    struct writer_lane *l = writer_lane_get(w, lane);
    if (!l || !n)
        return;
    lane_lost(w, l, n, why);
    lane_settle(w, l);
}

int spool_writer_sync(struct spool_writer *w, bool now)
{
    uint64_t mono = clock_mono_ns();
    int err = ABENG_OK;
    for (uint32_t i = 0; i < w->lane_count; i++) {
        if (w->lanes[i].lost)
            lane_settle(w, &w->lanes[i]);
    }
    for (unsigned class = 0; class < SEGMENT_CLASSES; class ++) {
        const struct writer_open *o = &w->open[class];
        if (!o->dirty_since)
            continue;
        if (now || o->size - o->synced >= w->conf.sync_bytes ||
            mono - o->dirty_since >= w->conf.sync_ns) {
            int got = sync_class(w, (enum segment_class) class);
            err = got < 0 ? got : err;
        }
    }
    return err;
}

void spool_writer_close(struct spool_writer *w)
{
    if (!w)
        return;
    spool_writer_sync(w, true);
    for (unsigned class = 0; class < SEGMENT_CLASSES; class ++)
        close_open(w, (enum segment_class) class);
    free(w->segments);
    buf_free(&w->out);
    buf_free(&w->line);
    free(w);
}
