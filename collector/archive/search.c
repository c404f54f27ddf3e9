/* SPDX-License-Identifier: Apache-2.0 */
/* Looking through the archive. */
#include "config.h"
#include "collector/archive/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collector/archive/block.h"
#include "collector/archive/filter.h"
#include "collector/archive/list.h"
#include "collector/ingest/ingest.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/cursor.h"
#include "common/err.h"
#include "common/event.h"
#include "common/json.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/state.h"
#include "common/xalloc.h"

/* Where a look stands: state, file, block within it, record within that. */
struct place {
    unsigned state;
    unsigned serial; /* UINT32_MAX: before the newest file */
    uint64_t offset;
    uint64_t index;
};

struct look {
    const char *dir;
    const struct search_query *q;
    struct json *out;
    struct search_result *res;
    struct place from; /* where to go on; used up by the first file */
    struct filter *filter;
    struct buf raw, plain;
    bool verify;
    unsigned found;
    bool full; /* limit or deadline */
};

/* ---- cursors --------------------------------------------------------------------------------- */

static int read_cursor(const char *text, struct place *out)
{
    char code[3];
    unsigned long long offset, index;
    int end = 0;

    *out = (struct place){ 0, UINT32_MAX, 0, 0 };
    if (!text)
        return ABENG_OK;
    if (sscanf(text, "%2[a-z].%9u.%19llu.%19llu%n", code, &out->serial, &offset, &index, &end) !=
            4 ||
        text[end])
        return ABENG_EFORMAT;
    int state = state_find(code, strlen(code));
    if (state < 0)
        return ABENG_EFORMAT;
    out->state = (unsigned)state;
    out->offset = offset;
    out->index = index;
    return ABENG_OK;
}

static void stop_at(struct look *l, const struct place *p)
{
    snprintf(l->res->next, sizeof(l->res->next), "%s.%u.%llu.%llu", state_at(p->state)->code,
             p->serial, (unsigned long long)p->offset, (unsigned long long)p->index);
    l->full = true;
    l->res->complete = l->found >= l->q->limit;
}

static bool out_of_time(const struct look *l)
{
    return clock_mono_ns() > l->q->deadline_ns;
}

/* ---- one record ------------------------------------------------------------------------------ */

static bool is_text(struct look *l, const char *line, const struct event_span *s, const char *want)
{
    if (!s->there)
        return false;
    buf_clear(&l->plain);
    return event_unescape(&l->plain, line + s->at, s->len) == 0 &&
           strcasecmp(buf_str(&l->plain), want) == 0;
}

static bool one_of(struct look *l, const char *line, const struct event *e, const char *want,
                   const enum event_text *which, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_text(l, line, &e->text[which[i]], want))
            return true;
    }
    return false;
}

static bool matches(struct look *l, const char *line, const struct event *e)
{
    static const enum event_text names[] = { EVENT_TEXT_TLS_SNI, EVENT_TEXT_HTTP_HOSTNAME,
                                             EVENT_TEXT_DNS_RRNAME };
    static const enum event_text hashes[] = { EVENT_TEXT_TLS_JA3, EVENT_TEXT_NDPI_JA3 };
    const struct search_query *q = l->q;
    uint64_t ms = e->time_ns / NS_PER_MS;

    if (ms < q->from_ms || (q->to_ms && ms > q->to_ms) || (q->has_sid && e->sid != q->sid))
        return false;
    if (q->has_address && !(e->has_src && addr_compare(&e->src, &q->address) == 0) &&
        !(e->has_dst && addr_compare(&e->dst, &q->address) == 0))
        return false;
    return (!q->name || one_of(l, line, e, q->name, names, 3)) &&
           (!q->hash || one_of(l, line, e, q->hash, hashes, 2));
}

static void write_found(struct look *l, const struct place *p, const struct block_head *h,
                        const char *line, size_t len)
{
    struct json *j = l->out;

    json_open(j, NULL);
    json_str(j, "state", state_at(p->state)->code);
    json_str(j, "sensor", h->sensor);
    json_str(j, "site", h->site);
    json_time_ms(j, "received", h->recv_ns / NS_PER_MS);
    json_str(j, "epoch", h->epoch);
    json_str(j, "lane", h->lane);
    json_u64(j, "seq", h->first + p->index);
    json_raw(j, "record", line, len);
    json_close(j);
    l->found++;
}

/* ---- one block, one file --------------------------------------------------------------------- */

/* Each line of a block from p->index on; p->index is where it ended. */
static void look_at_block(struct look *l, const struct block *b, struct place *p)
{
    const char *text = (const char *)l->raw.data;
    size_t at = 0, len = l->raw.len;

    for (uint64_t i = 0; at < len && i < b->head.count; i++) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - (text + at)) : len - at;
        struct event e;
        char why[160];
        if (i >= p->index) {
            if (l->found == l->q->limit) {
                p->index = i;
                stop_at(l, p);
                return;
            }
            p->index = i;
            l->res->records++;
            if (event_scan(text + at, n, &e, why, sizeof(why)) == ABENG_OK &&
                matches(l, text + at, &e))
                write_found(l, p, &b->head, text + at, n);
        }
        at += n + 1;
    }
    p->index = 0;
}

static void look_at_blocks(struct look *l, const struct list_map *map, struct place *p)
{
    struct cursor c = cursor_make(map->bytes, map->len);
    struct block b;

    cursor_skip(&c, p->offset);
    while (!l->full && (block_read(&c, &b) > 0 || block_find(&c, &b))) {
        uint64_t at = map->len - cursor_left(&c) - b.size;
        if (at != p->offset)
            p->index = 0;
        p->offset = at;
        if (out_of_time(l)) {
            stop_at(l, p);
        } else if (block_open(&b, &l->raw) == ABENG_OK) {
            look_at_block(l, &b, p);
            p->offset += b.size;
        }
    }
}

/* What can't be there need not be looked for. */
static bool may_hold(struct look *l, const char *state, const struct list_file *f)
{
    const struct search_query *q = l->q;
    struct list_about about;
    bool may = true;

    if (!f->closed)
        return true;
    char *path = list_path(l->dir, state, f, LIST_ABOUT);
    if (list_read_about(path, &about, NULL) == ABENG_OK)
        may = about.to_ms >= q->from_ms && (!q->to_ms || about.from_ms <= q->to_ms);
    free(path);
    path = list_path(l->dir, state, f, LIST_FILTER);
    if (may && list_read_filter(path, l->filter) == ABENG_OK) {
        if (q->has_address)
            may = filter_may_have(l->filter, FILTER_ADDRESS, q->address.bytes, 16);
        if (may && q->has_sid)
            may = filter_may_have(l->filter, FILTER_SID, &q->sid, sizeof(q->sid));
        if (may && q->name)
            may = filter_may_have(l->filter, FILTER_NAME, q->name, strlen(q->name));
        if (may && q->hash)
            may = filter_may_have(l->filter, FILTER_HASH, q->hash, strlen(q->hash));
    }
    free(path);
    return may;
}

static int look_into(struct look *l, struct place *p, const struct list_file *f)
{
    const char *state = state_at(p->state)->code;
    struct list_map map;

    if (out_of_time(l)) {
        stop_at(l, p);
        return ABENG_OK;
    }
    if (!may_hold(l, state, f)) {
        l->res->skipped++;
        return ABENG_OK;
    }
    char *path = list_path(l->dir, state, f, LIST_DATA);
    int err = list_map(path, &map);
    if (!err) {
        l->res->files++;
        look_at_blocks(l, &map, p);
        list_unmap(&map);
    }
    free(path);
    return err;
}

/* ---- files as such --------------------------------------------------------------------------- */

/* NULL, or what is wrong with the bytes of a file. */
static const char *check(const struct list_map *map, const struct list_file *f,
                         const struct list_about *about)
{
    char hash[SIGN_DIGEST_TEXT];
    struct cursor c = cursor_make(map->bytes, map->len);
    struct block b;

    if (f->closed) {
        sign_digest_text(map->bytes, map->len, hash);
        return strcmp(hash, about->blake2b) == 0 ? NULL : "its bytes do not have its hash";
    }
    while (block_read(&c, &b) > 0)
        continue;
    return cursor_left(&c) ? "a batch in it is damaged, or is being written" : NULL;
}

static void write_file(struct look *l, const char *state, const struct list_file *f,
                       const struct list_map *map, const struct list_about *about)
{
    char name[64];
    struct json *j = l->out;

    snprintf(name, sizeof(name), "%s.%06u" LIST_DATA, f->day, f->serial);
    json_open(j, NULL);
    json_str(j, "state", state);
    json_str(j, "day", f->day);
    json_str(j, "file", name);
    json_u64(j, "bytes", map->len);
    json_bool(j, "closed", f->closed);
    if (f->closed) {
        json_u64(j, "records", about->records);
        json_str(j, "blake2b", about->blake2b);
    } else {
        json_nil(j, "records");
        json_nil(j, "blake2b");
    }
    if (l->verify) {
        const char *wrong = check(map, f, about);
        json_bool(j, "ok", !wrong);
        json_str(j, "why", wrong);
    }
    json_close(j);
    l->found++;
}

static int describe(struct look *l, struct place *p, const struct list_file *f)
{
    const char *state = state_at(p->state)->code;
    struct list_about about = { .records = 0 };
    struct list_map map;

    if (l->found == l->q->limit || out_of_time(l)) {
        stop_at(l, p);
        return ABENG_OK;
    }
    char *data = list_path(l->dir, state, f, LIST_DATA);
    char *path = list_path(l->dir, state, f, LIST_ABOUT);
    int err = list_map(data, &map);
    if (!err && f->closed && list_read_about(path, &about, NULL) != ABENG_OK)
        log_error("archive", "%s can't be read", path);
    if (!err) {
        l->res->files++;
        write_file(l, state, f, &map, &about);
        list_unmap(&map);
    }
    free(data);
    free(path);
    return err;
}

/* ---- all files ------------------------------------------------------------------------------- */

static int walk_state(struct look *l, unsigned state,
                      int (*visit)(struct look *l, struct place *p, const struct list_file *f))
{
    struct list_file *files;
    size_t count;
    int err = list_files(l->dir, state_at(state)->code, &files, &count);

    for (size_t i = count; i-- > 0 && !err && !l->full;) {
        struct place p = { state, files[i].serial, 0, 0 };
        if (state == l->from.state && files[i].serial > l->from.serial)
            continue;
        if (state == l->from.state && files[i].serial == l->from.serial)
            p = l->from;
        err = visit(l, &p, &files[i]);
    }
    free(files);
    return err;
}

static int walk(const char *dir, const struct search_query *q, bool verify, struct json *out,
                struct search_result *res,
                int (*visit)(struct look *l, struct place *p, const struct list_file *f))
{
    struct look l = { .dir = dir, .q = q, .out = out, .res = res, .verify = verify };

    *res = (struct search_result){ .complete = true };
    int err = read_cursor(q->after, &l.from);
    if (err)
        return err;
    l.filter = xmalloc(sizeof(*l.filter));
    buf_init(&l.raw, INGEST_RAW_MAX);
    buf_init(&l.plain, EVENT_LINE_MAX);
    for (unsigned i = l.from.state; i < STATE_COUNT && !err && !l.full; i++) {
        if (q->scope & 1u << i)
            err = walk_state(&l, i, visit);
    }
    buf_free(&l.raw);
    buf_free(&l.plain);
    free(l.filter);
    return err;
}

int search_records(const char *dir, const struct search_query *q, struct json *out,
                   struct search_result *res)
{
    return walk(dir, q, false, out, res, look_into);
}

int search_files(const char *dir, const struct search_query *q, bool verify, struct json *out,
                 struct search_result *res)
{
    return walk(dir, q, verify, out, res, describe);
}
