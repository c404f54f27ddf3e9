/* SPDX-License-Identifier: Apache-2.0 */
/* From the archive back into a store that is older. */
#include "config.h"
#include "collector/archive/replay.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/archive/block.h"
#include "collector/archive/file.h"
#include "collector/archive/list.h"
#include "collector/ingest/ingest.h"
#include "collector/store/entry.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/cursor.h"
#include "common/err.h"
#include "common/log.h"
#include "common/state.h"

#define DAY_NS (86400 * NS_PER_S)

struct replay {
    const char *dir, *state;
    struct ingest *in;
    struct store_entry_id last; /* the stream's newest, ever */
    char oldest[LIST_DAY_TEXT];
    struct buf raw;
    uint64_t records;
};

/* The newest id the stream ever had; trimming does not change it. No stream: 0-0. */
static int ask_last(struct replay *r)
{
    struct store_key key = store_key(r->state, "ing");
    struct store_reply *reply;
    int err = store_command(store_conn(r->in->store, NULL), &reply, "EXISTS %s", key.text);
    bool there = store_reply_int(reply) == 1;

    store_reply_free(reply);
    r->last = (struct store_entry_id){ 0, 0 };
    if (err || !there)
        return err;
    err = store_command(store_conn(r->in->store, NULL), &reply, "XINFO STREAM %s", key.text);
    r->last =
        store_entry_parse(store_reply_text(store_reply_field(reply, "last-generated-id"), NULL));
    store_reply_free(reply);
    return err;
}

static int put_back(struct replay *r, const struct block *b)
{
    const struct block_head *h = &b->head;
    struct ingest_past p = { h->sensor, h->site,    h->epoch, h->lane, h->first,
                             h->count,  h->recv_ns, b->frame, h->frame };
    uint64_t stored;
    int err = block_open(b, &r->raw);

    if (!err)
        err = ingest_again(r->in, &p, r->raw.data, r->raw.len, &stored);
    if (err == ABENG_EFORMAT) {
        log_error("archive", "%s: a batch of sensor %s can't be read and is left out", r->state,
                  h->sensor);
        return ABENG_OK;
    }
    r->records += err ? 0 : stored;
    return err;
}

/* One file: put back what is younger than the stream, or only tell whether there is any. */
static int walk_file(struct replay *r, const struct list_file *f, bool put, bool *any)
{
    char *path = list_path(r->dir, r->state, f, LIST_DATA);
    struct list_map map;
    struct block b;
    int err = list_map(path, &map);

    if (err)
        log_error("archive", "%s: %s", path, strerror(errno));
    struct cursor c = cursor_make(map.bytes, map.len);
    while (!err && (block_read(&c, &b) > 0 || block_find(&c, &b))) {
        if (!store_entry_after(store_entry_parse(b.head.entry), r->last))
            continue;
        *any = true;
        if (put)
            err = put_back(r, &b);
    }
    list_unmap(&map);
    free(path);
    return err;
}

/* From the newest file back to where nothing is younger than the stream; then forward again. */
static int replay_state(struct replay *r)
{
    struct list_file *files;
    size_t count, from;
    bool any = true;
    int err = list_files(r->dir, r->state, &files, &count);

    if (!err && count)
        err = ask_last(r);
    for (from = count; from > 0 && any && !err; from--) {
        any = false;
        if (strcmp(files[from - 1].day, r->oldest) >= 0)
            err = walk_file(r, &files[from - 1], false, &any);
        if (!any)
            break;
    }
    for (size_t i = from; i < count && !err; i++)
        err = walk_file(r, &files[i], true, &any);
    free(files);
    return err;
}

int archive_replay(const char *dir, struct ingest *in, uint64_t now_ns, uint64_t *records)
{
    char text[CLOCK_TEXT_MAX];
    struct replay r = { .dir = dir, .in = in };
    uint64_t days = ARCHIVE_DEDUP_DAYS * DAY_NS;
    int err = ABENG_OK;

    clock_format_rfc3339(now_ns > days ? now_ns - days : 0, text);
    snprintf(r.oldest, sizeof(r.oldest), "%.10s", text);
    buf_init(&r.raw, INGEST_RAW_MAX);
    for (unsigned i = 0; i < STATE_COUNT && !err; i++) {
        r.state = state_at(i)->code;
        err = replay_state(&r);
    }
    buf_free(&r.raw);
    *records = r.records;
    if (err)
        log_error("archive", "what is younger than the store can't be put back: %s", err_text(err));
    else if (r.records)
        log_notice("archive", "the store is older than the archive: %llu records were put back",
                   (unsigned long long)r.records);
    return err;
}
