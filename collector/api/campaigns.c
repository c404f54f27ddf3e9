/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /campaigns: what states have in common. Who may see all states gets the region's view; everybody
 * else gets what was written for their states (correlate/region.h), read by a connection that can
 * read nothing else.
 */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/state.h"

/** A campaign that was not seen for this long is quiet. */
#define QUIET_MS (72 * 3600000ull)

/** Longest reason of a release. */
#define REASON_MAX 1024

/** Set of all states. */
#define EVERY_STATE ((1u << STATE_COUNT) - 1)

static bool sees_all(const struct session *s)
{
    return (s->scope & EVERY_STATE) == EVERY_STATE;
}

/* "c-" and ten hex digits. */
static bool is_id(const char *id)
{
    return strlen(id) == 12 && id[0] == 'c' && id[1] == '-' &&
           strspn(id + 2, "0123456789abcdef") == 10;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The region's object without what only its worker needs; NULL when it is not there. */
static json_t *region_item(struct api *a, const char *id, int *err)
{
    static const char *const inner[] = { "shares", "stages", "prior", "more", "rsit" };
    struct store_key key = store_key(STORE_REGION, "ind:%s", id);
    struct store_reply *r;
    size_t len, i;
    json_t *one;
    *err = store_command(store_conn(a->conf.store, NULL), &r, "GET %s", key.text);
    const char *text = store_reply_text(r, &len);
    json_t *item = json_loadb(text, len, 0, NULL);
    store_reply_free(r);
    if (!json_is_true(json_object_get(item, "joined"))) {
        json_decref(item);
        return NULL;
    }
    json_object_del(item, "joined");
    json_array_foreach(json_object_get(item, "states"), i,
                       one) for (size_t k = 0; k < sizeof inner / sizeof *inner; k++)
        json_object_del(one, inner[k]);
    return item;
}

/* What `state` may see of it, as it was written. */
static json_t *state_item(struct api *a, unsigned state, const char *id, int *err)
{
    struct store_key key = store_key(state_at(state)->code, "proj:%s", id);
    struct store_reply *r;
    size_t len;
    *err = store_command(store_conn(a->conf.store, state_at(state)->code), &r,
                         "HMGET %s ev released", key.text);
    const char *text = store_reply_text(store_reply_at(r, 0), &len);
    json_t *item = json_loadb(text, len, 0, NULL);
    if (item)
        json_object_set_new(item, "released",
                            json_boolean(store_reply_int(store_reply_at(r, 1)) == 1));
    store_reply_free(r);
    return item;
}

static void add_status(const struct api *a, json_t *item)
{
    const char *last = json_string_value(json_object_get(item, "last_seen"));
    uint64_t ns = 0;
    bool quiet =
        !last || clock_parse(last, strlen(last), &ns) || ns / NS_PER_MS + QUIET_MS < api_now(a);
    json_object_set_new(item, "status", json_string(quiet ? "quiet" : "open"));
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* One row before it is read: newest first. */
struct row {
    uint64_t last_ms;
    unsigned state; /* STATE_COUNT: the region's */
    char id[16];
};

static int newest_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->last_ms != y->last_ms)
        return x->last_ms > y->last_ms ? -1 : 1;
    int d = strcmp(x->id, y->id);
    return d ? d : x->state > y->state ? 1 : x->state < y->state ? -1 : 0;
}

static int add_rows(struct store_conn *c, const char *index, unsigned state, struct row **rows,
                    size_t *count)
{
    struct store_reply *r;
    int err = store_command(c, &r, "ZRANGE %s 0 -1 WITHSCORES", index);
    size_t n = store_reply_count(r) / 2;
    struct row *more = realloc(*rows, (*count + n + 1) * sizeof *more);
    if (!more)
        err = ABENG_ENOMEM;
    else
        *rows = more;
    for (size_t i = 0; i < n && !err; i++) {
        struct row *row = &(*rows)[(*count)++];
        row->last_ms = (uint64_t)store_reply_int(store_reply_at(r, 2 * i + 1));
        row->state = state;
        snprintf(row->id, sizeof row->id, "%s", store_reply_text(store_reply_at(r, 2 * i), NULL));
    }
    store_reply_free(r);
    return err;
}

static int find_rows(struct api *a, const struct session *s, struct row **rows, size_t *count)
{
    struct store_key key = store_key(STORE_REGION, "camps");
    int err = 0;
    if (sees_all(s))
        return add_rows(store_conn(a->conf.store, NULL), key.text, STATE_COUNT, rows, count);
    for (unsigned st = 0; st < STATE_COUNT && !err; st++)
        if (s->scope & 1u << st) {
            key = store_key(state_at(st)->code, "projs");
            err =
                add_rows(store_conn(a->conf.store, state_at(st)->code), key.text, st, rows, count);
        }
    return err;
}

/* A cursor is the last row: "MS-STATE-ID". */
static int read_cursor(const char *text, struct row *out)
{
    unsigned long long ms;
    char end;
    if (sscanf(text, "%llu.%u.%15[c0-9a-f-]%c", &ms, &out->state, out->id, &end) != 3)
        return ABENG_EFORMAT;
    out->last_ms = ms;
    return 0;
}

static json_t *item_of(struct api *a, const struct row *row, int *err)
{
    json_t *item = row->state == STATE_COUNT ? region_item(a, row->id, err)
                                             : state_item(a, row->state, row->id, err);
    if (item)
        add_status(a, item);
    return item;
}

static int write_rows(struct api *a, const struct row *rows, size_t count, const struct row *after,
                      size_t limit, json_t *out)
{
    json_t *items = json_array();
    size_t i = 0;
    int err = 0;
    while (after && i < count && newest_first(&rows[i], after) <= 0)
        i++;
    for (; i < count && json_array_size(items) < limit && !err; i++) {
        json_t *item = item_of(a, &rows[i], &err);
        if (item)
            json_array_append_new(items, item);
    }
    json_object_set_new(out, "items", items);
    json_object_set_new(out, "next", json_null());
    if (i < count && i) {
        char cursor[64];
        snprintf(cursor, sizeof cursor, "%llu.%u.%s", (unsigned long long)rows[i - 1].last_ms,
                 rows[i - 1].state, rows[i - 1].id);
        json_object_set_new(out, "next", json_string(cursor));
    }
    json_object_set_new(out, "total", json_integer((json_int_t)count));
    return err;
}

static enum http_done list(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *text = http_query(req, "after");
    struct row after, *rows = NULL;
    size_t count = 0;
    long limit = http_query_number(req, "limit", 1, API_LIST_MAX, API_LIST_SIZE);
    if (limit < 0)
        return HTTP_DONE;
    if (text && read_cursor(text, &after))
        return http_problem(req, 400, "query", "after: not a cursor that a list gave");
    int err = find_rows(a, api_session(req), &rows, &count);
    json_t *out = json_object();
    if (count)
        qsort(rows, count, sizeof *rows, newest_first);
    if (!err)
        err = write_rows(a, rows, count, text ? &after : NULL, (size_t)limit, out);
    free(rows);
    return err ? (json_decref(out), api_away(req)) : api_give_json(req, out);
}

/* ---- one ------------------------------------------------------------------------------------- */

/* What the session sees of `id`: the region's view, or the first of its states' projections. */
static json_t *seen_by(struct api *a, const struct session *s, const char *id, int *err)
{
    json_t *item = NULL;
    *err = 0;
    if (sees_all(s))
        return region_item(a, id, err);
    for (unsigned st = 0; st < STATE_COUNT && !item && !*err; st++)
        if (s->scope & 1u << st)
            item = state_item(a, st, id, err);
    return item;
}

static enum http_done show(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *id = http_param(req, "id");
    int err = 0;
    json_t *item = is_id(id) ? seen_by(a, api_session(req), id, &err) : NULL;
    if (err)
        return json_decref(item), api_away(req);
    if (!item)
        return api_not_found(req);
    add_status(a, item);
    return api_give_json(req, item);
}

static enum http_done projections(struct http_request *req, void *app)
{
    struct api *a = app;
    const struct session *s = api_session(req);
    const char *id = http_param(req, "id");
    json_t *items = json_array();
    int err = 0;
    for (unsigned st = 0; st < STATE_COUNT && is_id(id) && !err; st++) {
        json_t *item = s->scope & 1u << st ? state_item(a, st, id, &err) : NULL;
        if (item)
            json_array_append_new(items, item);
    }
    size_t n = json_array_size(items);
    if (err || !n) {
        json_decref(items);
        return err ? api_away(req) : api_not_found(req);
    }
    return api_give_json(
        req, json_pack("{s:o,s:n,s:I}", "items", items, "next", "total", (json_int_t)n));
}

/* ---- release --------------------------------------------------------------------------------- */

static int do_release(struct api *a, const char *id, unsigned state, bool release, const char *who,
                      const char *reason)
{
    char now[24];
    const char *code = state_at(state)->code;
    struct store_key keys[4] = { store_key(code, "proj:%s", id), store_key(code, "out"),
                                 store_key(code, "aud"), store_key(code, "chg") };
    struct store_reply *r;
    snprintf(now, sizeof now, "%llu", (unsigned long long)api_now(a));
    int err = store_call(store_conn(a->conf.store, NULL), "abeng_campaign_release",
                         (struct store_arg[]){ STORE_KEY(keys[0]), STORE_KEY(keys[1]),
                                               STORE_KEY(keys[2]), STORE_KEY(keys[3]) },
                         4,
                         (struct store_arg[]){ STORE_TEXT(id), STORE_TEXT(release ? "1" : "0"),
                                               STORE_TEXT(now), STORE_TEXT(who),
                                               STORE_TEXT(reason ? reason : "") },
                         5, &r);
    store_reply_free(r);
    return err;
}

static enum http_done release(struct http_request *req, void *app)
{
    struct api *a = app;
    const struct session *s = api_session(req);
    const char *id = http_param(req, "id"), *bad = NULL;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *code = api_text(body, "state", &bad), *reason = api_text(body, "reason", &bad);
    const json_t *flag = json_object_get(body, "release");
    int state = code ? state_find(code, strlen(code)) : ABENG_ENOENT, err = 0;
    enum http_done done = HTTP_DONE;
    json_t *item = NULL;
    if (bad || !code || !json_is_boolean(flag)) {
        done = api_bad(req, bad ? bad : code ? "release" : "state");
        goto out;
    }
    if (reason && strlen(reason) >= REASON_MAX) {
        done = http_problem(req, 422, "reason", "the reason is longer than 1023 bytes");
        goto out;
    }
    err = state < 0 || !(s->scope & 1u << state) || !is_id(id)
              ? ABENG_ENOENT
              : do_release(a, id, (unsigned)state, json_is_true(flag), s->user, reason);
    if (!err)
        item = state_item(a, (unsigned)state, id, &err);
    done = err == ABENG_ENOENT ? api_not_found(req)
           : !item             ? api_away(req)
                               : api_give_json(req, json_incref(item));
out:
    json_decref(item);
    json_decref(body);
    return done;
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/campaigns", ROLE_VIEWERS | SCOPE_LIST, 0, list },
    { HTTP_GET, "/api/v1/campaigns/{id}", ROLE_VIEWERS | SCOPE_LIST, 0, show },
    { HTTP_GET, "/api/v1/campaigns/{id}/projections", ROLE_VIEWERS | SCOPE_LIST, 0, projections },
    { HTTP_POST, "/api/v1/campaigns/{id}:release", ROLE_DECIDERS | SCOPE_LIST, API_BODY_MAX,
      release },
};

const struct routes api_campaign_routes = { routes, sizeof routes / sizeof *routes };
