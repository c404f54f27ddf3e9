/* SPDX-License-Identifier: Apache-2.0 */
/* The stored place, and each lane's last line. */
#include "config.h"
#include "sensor/follow/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/event.h"
#include "common/file.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/spool/spool.h"

#define FILE_MAX_BYTES 256
#define LANES_MAX      64

/* The last line of a lane that stands in the spool. */
struct lane_last {
    char lane[SPOOL_LANE_MAX];
    char file[TAIL_FILE_LEN];
    uint64_t offset;
    bool reached; /* its file is being read, or was */
    bool past;    /* nothing of this lane is there twice any more */
};

struct progress {
    char *path;
    struct tail_place place;
    char at[TAIL_FILE_LEN]; /* the file of the last line seen */
    struct lane_last lanes[LANES_MAX];
    unsigned lane_count;
};

static struct lane_last *lane_find(struct progress *p, const char *lane)
{
    for (unsigned i = 0; i < p->lane_count; i++) {
        if (strcmp(p->lanes[i].lane, lane) == 0)
            return &p->lanes[i];
    }
    return NULL;
}

static struct lane_last *lane_get(struct progress *p, const char *lane)
{
    struct lane_last *l = lane_find(p, lane);
    if (l || p->lane_count == LANES_MAX)
        return l;
    l = &p->lanes[p->lane_count++];
    snprintf(l->lane, sizeof(l->lane), "%s", lane);
    return l;
}

static void take_record(void *arg, const char *lane, const uint8_t *bytes, uint32_t len)
{
    struct progress *p = arg;
    char reason[128];
    struct event e;
    if (event_scan((const char *)bytes, len, &e, reason, sizeof(reason)) < 0)
        return; /* we wrote it: what is not ours has no source either */
    const struct event_span *file = &e.text[EVENT_TEXT_SOURCE];
    struct lane_last *l = file->len == TAIL_FILE_LEN - 1 ? lane_get(p, lane) : NULL;
    if (!l)
        return;
    memcpy(l->file, bytes + file->at, file->len);
    l->file[file->len] = 0;
    l->offset = e.source_offset;
}

static int load(struct progress *p)
{
    struct buf text;
    struct tail_place *at = &p->place;
    int end = 0, err;
    buf_init(&text, FILE_MAX_BYTES);
    err = file_read(p->path, &text);
    if (err == ABENG_OK) {
        buf_add(&text, "", 1);
        int n = text.bad
                    ? 0
                    : sscanf((const char *)text.data, "%32[0-9a-f] %" SCNu64 " %" SCNu64 "\n%n",
                             at->file, &at->offset, &at->changed_ns, &end);
        if (n != 3 || end == 0)
            err = ABENG_EFORMAT;
    } else if (err == ABENG_EIO && errno == ENOENT) {
        err = ABENG_OK;
    }
    buf_free(&text);
    if (err == ABENG_EFORMAT)
        log_error("follow", "%s is damaged; remove it to begin with the file's first line again",
                  p->path);
    else if (err < 0)
        log_error("follow", "%s: %s", p->path, strerror(errno));
    return err;
}

struct progress *progress_open(const char *path, const struct spool_files *files)
{
    struct progress *p = xcalloc(1, sizeof(*p));
    p->path = xstrdup(path);
    int err = load(p);
    if (err == ABENG_OK && (err = spool_last_each(files, take_record, p)) < 0)
        log_error("follow", "cannot read the spool's newest records: %s", strerror(errno));
    if (err == ABENG_OK)
        return p;
    progress_close(p);
    return NULL;
}

const struct tail_place *progress_place(const struct progress *p)
{
    return &p->place;
}

void progress_settle(struct progress *p, const struct tail *t)
{
    for (unsigned i = 0; i < p->lane_count; i++) {
        struct lane_last *l = &p->lanes[i];
        bool same = strcmp(l->file, p->place.file) == 0;
        l->past = same ? l->offset < p->place.offset : !tail_is_after(t, &p->place, l->file);
    }
}

/* Another file: lanes whose last line stands in it are reached, those reached before are past. */
static void enter_file(struct progress *p, const char *file)
{
    memcpy(p->at, file, sizeof(p->at));
    for (unsigned i = 0; i < p->lane_count; i++) {
        struct lane_last *l = &p->lanes[i];
        bool here = strcmp(l->file, file) == 0;
        l->past |= l->reached && !here;
        l->reached |= here;
    }
}

bool progress_had(struct progress *p, const struct tail_line *line, const char *lane)
{
    if (strcmp(p->at, line->file) != 0)
        enter_file(p, line->file);
    struct lane_last *l = lane_find(p, lane);
    if (!l || l->past)
        return false;
    if (l->reached && line->offset > l->offset)
        l->past = true;
    return !l->past;
}

int progress_store(struct progress *p, const struct tail_place *place)
{
    struct buf text;
    if (!place->file[0] ||
        (place->offset == p->place.offset && strcmp(place->file, p->place.file) == 0))
        return ABENG_OK;
    buf_init(&text, FILE_MAX_BYTES);
    buf_printf(&text, "%s %" PRIu64 " %" PRIu64 "\n", place->file, place->offset,
               place->changed_ns);
    int err = file_replace(p->path, text.data, text.len, 0640);
    buf_free(&text);
    if (err == ABENG_OK)
        p->place = *place;
    return err;
}

void progress_close(struct progress *p)
{
    if (!p)
        return;
    free(p->path);
    free(p);
}
