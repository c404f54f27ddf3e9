/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the archive of one state. */
#include "config.h"
#include "collector/archive/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/archive/block.h"
#include "collector/archive/filter.h"
#include "collector/archive/list.h"
#include "collector/archive/marks.h"
#include "collector/ingest/ingest.h"
#include "collector/ingest/record.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/cursor.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "common/zst.h"

/* What waits for the next sync, at most; a batch always fits. */
#define PENDING_MAX (256u << 20)
#define ZST_LEVEL   3
#define HASHES_MAX  (64u << 20)
#define DAY_NS      (86400 * NS_PER_S)

struct archive_file {
    char *dir;
    const char *state;
    uint64_t file_bytes, written;
    struct list_file name;
    int fd;               /* -1: none is open */
    uint64_t size;        /* safe bytes of it */
    struct buf pending;   /* blocks that are not written yet */
    struct buf packed;    /* a frame that had to be made anew */
    struct marks here;    /* lanes of the open file */
    struct marks known;   /* lanes of all files of the last days */
    struct marks waiting; /* lanes of `pending` */
    struct filter filter;
    struct list_about about; /* of the open file, `pending` included */
    bool failing;            /* said so already */
};

static void day_of(uint64_t ns, char out[LIST_DAY_TEXT])
{
    char text[CLOCK_TEXT_MAX];
    clock_format_rfc3339(ns, text);
    memcpy(out, text, LIST_DAY_TEXT - 1);
    out[LIST_DAY_TEXT - 1] = '\0';
}

/* ---- what the side files will say ---------------------------------------------------------- */

static void note_record(struct archive_file *f, const struct record *r, const void *raw, size_t len)
{
    uint64_t ms = r->time_ns / NS_PER_MS;

    filter_add_record(&f->filter, r, raw, len);
    if (!ms)
        return;
    if (!f->about.from_ms || ms < f->about.from_ms)
        f->about.from_ms = ms;
    if (ms > f->about.to_ms)
        f->about.to_ms = ms;
}

/* Records of a block that an earlier process wrote: read from its lines. */
static int note_block(struct archive_file *f, const struct block *b, struct record_room *room)
{
    bool fits = b->head.count <= INGEST_COUNT_MAX;
    const struct record *list = record_room_for(room, fits ? b->head.count : 0);
    char why[320];

    int err = fits ? block_open(b, &room->text) : ABENG_EFORMAT;
    if (!err)
        err = ingest_scan(room->text.data, room->text.len, b->head.count, room->list, why,
                          sizeof(why));
    for (uint64_t i = 0; i < b->head.count && !err; i++)
        note_record(f, &list[i], room->text.data, room->text.len);
    marks_note(&f->here, &b->head);
    marks_note(&f->known, &b->head);
    f->about.records += b->head.count;
    return err;
}

/* ---- opening ------------------------------------------------------------------------------- */

/* Learn what an open file holds; how much of it is whole. What is damaged in its middle stays. */
static uint64_t read_open(struct archive_file *f, const struct list_map *map)
{
    struct cursor c = cursor_make(map->bytes, map->len);
    struct record_room room;
    struct block b;
    uint64_t whole = 0;

    record_room_init(&room, INGEST_RAW_MAX);
    while (block_read(&c, &b) > 0 || block_find(&c, &b)) {
        uint64_t from = map->len - cursor_left(&c) - b.size;
        if (from > whole)
            log_error("archive", "%s: %llu bytes of an open file are damaged", f->state,
                      (unsigned long long)(from - whole));
        whole = from + b.size;
        if (note_block(f, &b, &room) != ABENG_OK)
            log_error("archive", "%s: a batch of sensor %s can't be read", f->state, b.head.sensor);
    }
    record_room_free(&room);
    return whole;
}

static int take_up(struct archive_file *f, const struct list_file *name)
{
    char *path = list_path(f->dir, f->state, name, LIST_DATA);
    struct list_map map;
    int err = list_map(path, &map);

    f->name = *name;
    f->size = err ? 0 : read_open(f, &map);
    if (!err)
        f->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (f->fd >= 0 && f->size < map.len) {
        log_warn("archive", "%s: %llu bytes of a torn end are cut off", path,
                 (unsigned long long)(map.len - f->size));
        err = ftruncate(f->fd, (off_t)f->size) == 0 && fsync(f->fd) == 0 ? ABENG_OK : ABENG_EIO;
    }
    if (f->fd < 0)
        err = ABENG_EIO;
    if (err)
        log_error("archive", "%s: %s", path, strerror(errno));
    list_unmap(&map);
    free(path);
    return err;
}

/* Lanes of closed files that sensors may send again. */
static int read_closed(struct archive_file *f, const struct list_file *file, uint64_t now_ns)
{
    char oldest[LIST_DAY_TEXT];
    struct list_about about;

    day_of(now_ns > ARCHIVE_DEDUP_DAYS * DAY_NS ? now_ns - ARCHIVE_DEDUP_DAYS * DAY_NS : 0, oldest);
    if (strcmp(file->day, oldest) < 0)
        return ABENG_OK;
    char *path = list_path(f->dir, f->state, file, LIST_ABOUT);
    int err = list_read_about(path, &about, &f->known);
    if (err)
        log_error("archive", "%s: %s", path,
                  err == ABENG_EIO ? strerror(errno) : "not what we wrote");
    free(path);
    return err;
}

static void begin_about(struct archive_file *f)
{
    memset(&f->filter, 0, sizeof(f->filter));
    memset(&f->about, 0, sizeof(f->about));
    marks_free(&f->here);
}

static int close_file(struct archive_file *f);
static int write_hash(const struct archive_file *f, const char *blake2b);

/* A kill between the .json of a file and its line in the list: the line is added now. */
static int complete_hashes(struct archive_file *f, const struct list_file *last)
{
    struct list_about about;
    struct buf b;
    char *list = xasprintf("%s/%s/" LIST_HASHES, f->dir, f->state);
    char *path = list_path(f->dir, f->state, last, LIST_ABOUT);
    int err = list_read_about(path, &about, NULL);

    buf_init(&b, HASHES_MAX);
    f->name = *last;
    if (!err && (file_read(list, &b) != ABENG_OK || !strstr(buf_str(&b), about.blake2b)))
        err = write_hash(f, about.blake2b);
    buf_free(&b);
    free(path);
    free(list);
    return err;
}

/* All files of the state: closed ones are read for their lanes, an open one is taken up; of several
 * open ones (a kill while a new one was begun) all but the last are closed. */
static int load(struct archive_file *f, uint64_t now_ns)
{
    struct list_file *files;
    size_t count;
    int err = list_files(f->dir, f->state, &files, &count);

    for (size_t i = 0; i < count && !err; i++) {
        if (files[i].closed) {
            err = read_closed(f, &files[i], now_ns);
            if (!err && (i + 1 == count || !files[i + 1].closed))
                err = complete_hashes(f, &files[i]);
            continue;
        }
        if (f->fd >= 0)
            err = close_file(f);
        begin_about(f);
        if (!err)
            err = take_up(f, &files[i]);
    }
    free(files);
    return err;
}

struct archive_file *archive_file_open(const char *dir, const char *state, uint64_t now_ns,
                                       uint64_t file_bytes)
{
    struct archive_file *f = xcalloc(1, sizeof(*f));
    char *folder = xasprintf("%s/%s", dir, state);

    f->dir = xstrdup(dir);
    f->state = state;
    f->file_bytes = file_bytes ? file_bytes : ARCHIVE_FILE_BYTES;
    f->fd = -1;
    buf_init(&f->pending, PENDING_MAX);
    buf_init(&f->packed, INGEST_RAW_MAX + (1u << 20));
    int err = file_make_dirs(folder, 0700);
    if (err)
        log_error("archive", "%s: %s", folder, strerror(errno));
    free(folder);
    if (!err)
        err = load(f, now_ns);
    if (!err)
        return f;
    archive_file_close(f);
    return NULL;
}

void archive_file_close(struct archive_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    marks_free(&f->here);
    marks_free(&f->known);
    marks_free(&f->waiting);
    buf_free(&f->pending);
    buf_free(&f->packed);
    free(f->dir);
    free(f);
}

/* ---- closing ------------------------------------------------------------------------------- */

static int write_hash(const struct archive_file *f, const char *blake2b)
{
    char *path = xasprintf("%s/%s/" LIST_HASHES, f->dir, f->state), *line;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    line = xasprintf("%s  %s.%06u" LIST_DATA "\n", blake2b, f->name.day, f->name.serial);
    int err = fd >= 0 ? file_write_all(fd, line, strlen(line)) : ABENG_EIO;
    if (!err && fsync(fd) != 0)
        err = ABENG_EIO;
    if (fd >= 0)
        close(fd);
    free(line);
    free(path);
    return err;
}

/* The .json is what makes a file a closed one; the list of hashes may be behind it (load). */
static int write_sides(struct archive_file *f)
{
    char *data = list_path(f->dir, f->state, &f->name, LIST_DATA);
    char *filter = list_path(f->dir, f->state, &f->name, LIST_FILTER);
    char *about = list_path(f->dir, f->state, &f->name, LIST_ABOUT);
    struct list_map map;
    int err = list_map(data, &map);

    if (!err) {
        sign_digest_text(map.bytes, map.len, f->about.blake2b);
        f->about.bytes = map.len;
        err = file_replace(filter, f->filter.words, FILTER_BYTES, 0600);
    }
    if (!err)
        err = list_write_about(about, f->state, f->name.day, &f->about, &f->here);
    if (!err)
        err = write_hash(f, f->about.blake2b);
    list_unmap(&map);
    free(data);
    free(filter);
    free(about);
    return err;
}

static int close_file(struct archive_file *f)
{
    int err = write_sides(f);

    if (err)
        return err;
    close(f->fd);
    f->fd = -1;
    f->size = 0;
    begin_about(f);
    return ABENG_OK;
}

static int begin_file(struct archive_file *f, uint64_t recv_ns)
{
    day_of(recv_ns, f->name.day);
    f->name.serial++;
    f->name.closed = false;
    char *path = list_path(f->dir, f->state, &f->name, LIST_DATA);
    f->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->fd < 0)
        f->name.serial--;
    f->size = 0;
    free(path);
    return f->fd < 0 ? ABENG_EIO : ABENG_OK;
}

static int sync_folder(const struct archive_file *f)
{
    char *path = xasprintf("%s/%s", f->dir, f->state);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd >= 0 && fsync(fd) == 0 ? ABENG_OK : ABENG_EIO;

    if (fd >= 0)
        close(fd);
    free(path);
    return err;
}

/* ---- appending ----------------------------------------------------------------------------- */

/* How many records at the batch's beginning are there already. */
static uint64_t known_part(const struct archive_file *f, const struct record_batch *b)
{
    const struct mark *k = marks_find(&f->waiting, b->sensor, b->epoch, b->lane);

    if (!k)
        k = marks_find(&f->known, b->sensor, b->epoch, b->lane);
    if (!k || k->last < b->first)
        return 0;
    return k->last - b->first + 1 < b->count ? k->last - b->first + 1 : b->count;
}

static int copy_text(char out[BLOCK_TEXT_MAX], const char *text)
{
    return (size_t)snprintf(out, BLOCK_TEXT_MAX, "%s", text) < BLOCK_TEXT_MAX ? ABENG_OK
                                                                              : ABENG_EFORMAT;
}

static int fill_head(struct block_head *h, const struct record_batch *b, uint64_t skip)
{
    h->first = b->first + skip;
    h->count = b->count - skip;
    h->recv_ns = b->received_ns;
    h->raw = b->text_len;
    h->frame = b->frame_len;
    if (copy_text(h->entry, b->id) || copy_text(h->sensor, b->sensor) ||
        copy_text(h->site, b->site) || copy_text(h->epoch, b->epoch) || copy_text(h->lane, b->lane))
        return ABENG_EFORMAT;
    return ABENG_OK;
}

/* The sensor's own frame serves where it begins with our first record and ends with a newline. */
static int pack(struct archive_file *f, struct block_head *h, const void **frame,
                const struct record *first, const char *raw, size_t len)
{
    size_t from = first->spans[RECORD_LINE].at;
    bool whole = from == 0 && raw[len - 1] == '\n';

    if (whole)
        return ABENG_OK;
    struct buf lines;
    buf_init(&lines, len - from + 1);
    buf_add(&lines, raw + from, len - from);
    if (raw[len - 1] != '\n')
        buf_byte(&lines, '\n');
    buf_clear(&f->packed);
    int err = zst_compress(lines.data, lines.len, ZST_LEVEL, &f->packed);
    h->raw = lines.len;
    h->frame = f->packed.len;
    *frame = f->packed.data;
    buf_free(&lines);
    return err ? ABENG_EFORMAT : ABENG_OK;
}

int64_t archive_file_append(struct archive_file *f, const struct record_batch *b)
{
    uint64_t skip = known_part(f, b);
    const void *frame = b->frame;
    struct block_head h;

    if (skip == b->count)
        return 0;
    const struct record *first = &b->list[skip];
    if (!b->text_len || !record_has(first, RECORD_LINE, b->text_len) || fill_head(&h, b, skip) ||
        pack(f, &h, &frame, first, b->text, b->text_len))
        return ABENG_EFORMAT;
    block_write(&f->pending, &h, frame);
    marks_note(&f->waiting, &h);
    f->about.records += h.count;
    for (uint64_t i = skip; i < b->count; i++)
        note_record(f, &b->list[i], b->text, b->text_len);
    return (int64_t)h.count;
}

/* ---- syncing ------------------------------------------------------------------------------- */

static int write_pending(struct archive_file *f)
{
    struct cursor c = cursor_make(f->pending.data, f->pending.len);
    struct block b;
    int err = ABENG_OK;
    bool fresh = f->size == 0;

    if (block_read(&c, &b) <= 0)
        return ABENG_EIO;
    if (f->fd < 0)
        err = begin_file(f, b.head.recv_ns);
    if (!err)
        err = file_write_all(f->fd, f->pending.data, f->pending.len);
    if (!err && fdatasync(f->fd) != 0)
        err = ABENG_EIO;
    if (!err && fresh)
        err = sync_folder(f);
    if (err && f->fd >= 0) {
        int saved = errno;
        if (ftruncate(f->fd, (off_t)f->size) != 0)
            log_error("archive", "%s: a torn end can't be cut off: %s", f->state, strerror(errno));
        errno = saved;
    }
    return err;
}

/* After a failure the lanes go back to what is safe; the filter may say yes too often. */
static void drop_pending(struct archive_file *f)
{
    struct cursor c = cursor_make(f->pending.data, f->pending.len);
    struct block b;

    while (block_read(&c, &b) > 0)
        f->about.records -= b.head.count;
    buf_clear(&f->pending);
    marks_free(&f->waiting);
}

static void keep_pending(struct archive_file *f)
{
    struct cursor c = cursor_make(f->pending.data, f->pending.len);
    struct block b;

    while (block_read(&c, &b) > 0) {
        marks_note(&f->here, &b.head);
        marks_note(&f->known, &b.head);
    }
    f->size += f->pending.len;
    f->written += f->pending.len;
    buf_clear(&f->pending);
    marks_free(&f->waiting);
}

static bool day_is_over(const struct archive_file *f)
{
    char today[LIST_DAY_TEXT];

    day_of(clock_now(clock_system()), today);
    return strcmp(today, f->name.day) > 0;
}

int archive_file_sync(struct archive_file *f)
{
    int err = f->pending.bad ? ABENG_EIO : ABENG_OK;

    if (!err && f->pending.len)
        err = write_pending(f);
    if (err)
        drop_pending(f);
    else
        keep_pending(f);
    if (!err && f->fd >= 0 && (f->size >= f->file_bytes || day_is_over(f)))
        err = close_file(f);
    if (err && !f->failing)
        log_error("archive", "%s: can't be written: %s; batches wait in the store", f->state,
                  strerror(errno));
    else if (!err && f->failing)
        log_notice("archive", "%s: is written again", f->state);
    f->failing = err != 0;
    return err;
}

uint64_t archive_file_written(const struct archive_file *f)
{
    return f->written;
}

uint64_t archive_file_last(const struct archive_file *f, const char *sensor, const char *epoch,
                           const char *lane)
{
    const struct mark *k = marks_find(&f->known, sensor, epoch, lane);
    return k ? k->last : 0;
}
