/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TAXII 2.1 root that is read: one collection per member state, of the STIX objects of its
 * incidents that were confirmed and are not TLP red.
 */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/api/rows.h"
#include "collector/export/export.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/state.h"

#define MEDIA   "application/taxii+json;version=2.1"
#define STIX    "application/stix+json;version=2.1"
#define ROOT    "/taxii2/api/"
#define CONTENT (10 << 20)

/** Objects of a page when nothing is said, and at most. */
#define PAGE_SIZE 100
#define PAGE_MAX  1000

static enum http_done reply(struct http_request *req, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    if (!text)
        return api_away(req);
    buf_text(http_out(req), text);
    free(text);
    return http_reply(req, 200, MEDIA);
}

/* The client must be able to read what is sent (5.1 of the specification: 406 otherwise). */
static bool acceptable(struct http_request *req)
{
    const char *accept = http_header(req, "Accept");
    if (!accept || strstr(accept, "*/*") || strstr(accept, "application/*") ||
        (strstr(accept, "application/taxii+json") &&
         (!strstr(accept, "version=") || strstr(accept, "version=2.1"))))
        return true;
    http_problem(req, 406, "accept", "this root speaks " MEDIA);
    return false;
}

static enum http_done discovery(struct http_request *req, void *app)
{
    (void)app;
    if (!acceptable(req))
        return HTTP_DONE;
    return reply(req, json_pack("{s:s, s:s, s:s, s:[s]}", "title", "Abeng", "description",
                                "Confirmed incidents of the session's member states", "default",
                                ROOT, "api_roots", ROOT));
}

static enum http_done root(struct http_request *req, void *app)
{
    (void)app;
    if (!acceptable(req))
        return HTTP_DONE;
    return reply(req, json_pack("{s:s, s:[s], s:i}", "title", "Abeng", "versions", MEDIA,
                                "max_content_length", CONTENT));
}

static json_t *collection(unsigned state)
{
    char uuid[EXPORT_UUID];
    export_uuid("collection", state_at(state)->code, uuid);
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:[s]}", "id", uuid, "title", state_at(state)->name,
                     "alias", state_at(state)->code, "can_read", 1, "can_write", 0, "media_types",
                     STIX);
}

static enum http_done collections(struct http_request *req, void *app)
{
    json_t *all = json_array();
    (void)app;
    for (unsigned s = 0; s < STATE_COUNT; s++)
        if (api_session(req)->scope & 1u << s)
            json_array_append_new(all, collection(s));
    if (acceptable(req))
        return reply(req, json_pack("{s:o}", "collections", all));
    json_decref(all);
    return HTTP_DONE;
}

/* The state of a collection's id or alias, when it is the session's; else a 404 problem. */
static int find(struct http_request *req)
{
    const char *name = http_param(req, "collection");
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        char uuid[EXPORT_UUID];
        export_uuid("collection", state_at(s)->code, uuid);
        if (api_session(req)->scope & 1u << s &&
            (!strcmp(name, uuid) || !strcmp(name, state_at(s)->code)))
            return acceptable(req) ? (int)s : ABENG_EINVAL;
    }
    api_not_found(req);
    return ABENG_ENOENT;
}

static enum http_done one_collection(struct http_request *req, void *app)
{
    int state = find(req);
    (void)app;
    return state < 0 ? HTTP_DONE : reply(req, collection((unsigned)state));
}

/* ---- objects --------------------------------------------------------------------------------- */

struct shared {
    json_t *row;
    uint64_t at;
};

struct gather {
    struct shared *all;
    size_t count, room;
    uint64_t after;
};

static bool gather_one(void *arg, const char *id, const json_t *row)
{
    struct gather *g = arg;
    const char *status = json_string_value(json_object_get(row, "status"));
    const char *tlp = json_string_value(json_object_get(row, "tlp"));
    uint64_t at = rows_time(row, "opened_at");
    static const char *const shown[] = { "confirmed", "handling", "resolved", "closed" };
    bool ok = false;
    (void)id;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        ok |= status && !strcmp(status, shown[i]);
    if (!ok || (tlp && !strcmp(tlp, "red")) || at <= g->after)
        return true;
    if (g->count == g->room) {
        size_t room = g->room ? 2 * g->room : 64;
        struct shared *all = reallocarray(g->all, room, sizeof *all);
        if (!all)
            return false;
        g->all = all;
        g->room = room;
    }
    g->all[g->count++] = (struct shared){ json_incref((json_t *)row), at };
    return true;
}

static int oldest_first(const void *a, const void *b)
{
    const struct shared *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Whether a filter match[…] of the query lets a value through; a list is separated by commas. */
static bool matches(const struct http_request *req, const char *name, const char *value)
{
    const char *list = http_query(req, name);
    size_t n = strlen(value);
    if (!list || !*list)
        return true;
    for (; *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == n && !strncmp(list, value, n))
            return true;
    return false;
}

struct page {
    struct http_request *req;
    json_t *objects, *seen;
    const char *only; /* one object's id; NULL: all */
    bool manifest;
    long limit;
    uint64_t skip; /* objects before the page */
    bool more;
    uint64_t first, last;
};

static json_t *manifest_of(const json_t *o, uint64_t at)
{
    char added[CLOCK_TEXT_MAX];
    const char *version = json_string_value(json_object_get(o, "modified"));
    const char *made = json_string_value(json_object_get(o, "created"));
    clock_format_rfc3339(at * NS_PER_MS, added);
    return json_pack("{s:O, s:s, s:s, s:s}", "id", json_object_get(o, "id"), "date_added", added,
                     "version",
                     version ? version
                     : made  ? made
                             : added,
                     "media_type", STIX);
}

static void add_object(struct page *p, json_t *o, uint64_t at)
{
    const char *id = json_string_value(json_object_get(o, "id"));
    const char *type = json_string_value(json_object_get(o, "type"));
    if (json_object_get(p->seen, id) || !matches(p->req, "match[type]", type) ||
        !matches(p->req, "match[id]", id) || (p->only && strcmp(p->only, id) != 0))
        return;
    json_object_set_new(p->seen, id, json_true());
    if (p->skip) {
        p->skip--;
        return;
    }
    if ((long)json_array_size(p->objects) == p->limit) {
        p->more = true;
        return;
    }
    p->first = p->first ? p->first : at;
    p->last = at;
    json_array_append_new(p->objects, p->manifest ? manifest_of(o, at) : json_incref(o));
}

static void fill_page(struct page *p, const struct gather *g)
{
    for (size_t i = 0; i < g->count && !p->more; i++) {
        json_t *objects = export_stix_objects(g->all[i].row), *o;
        size_t k;
        json_array_foreach(objects, k, o) add_object(p, o, g->all[i].at);
        json_decref(objects);
    }
}

static void add_dates(struct http_request *req, const struct page *p)
{
    char text[CLOCK_TEXT_MAX];
    if (!p->first)
        return;
    clock_format_rfc3339(p->first * NS_PER_MS, text);
    http_reply_header(req, "X-TAXII-Date-Added-First", text);
    clock_format_rfc3339(p->last * NS_PER_MS, text);
    http_reply_header(req, "X-TAXII-Date-Added-Last", text);
}

static enum http_done write_page(struct page *p, uint64_t skipped)
{
    size_t n = json_array_size(p->objects);
    json_t *envelope = json_object();
    json_object_set_new(envelope, "more", json_boolean(p->more));
    if (p->more)
        json_object_set_new(envelope, "next",
                            json_sprintf("%llu", (unsigned long long)(skipped + n)));
    if (n)
        json_object_set(envelope, "objects", p->objects);
    add_dates(p->req, p);
    return reply(p->req, envelope);
}

static int read_page(struct http_request *req, struct page *p, struct gather *g)
{
    const char *after = http_query(req, "added_after"), *next = http_query(req, "next");
    uint64_t ns = 0;
    char *end = NULL;
    p->limit = http_query_number(req, "limit", 1, 1000000, PAGE_SIZE);
    if (p->limit < 0)
        return ABENG_EINVAL;
    if (p->limit > PAGE_MAX)
        p->limit = PAGE_MAX;
    if (next)
        p->skip = strtoull(next, &end, 10);
    if ((after && clock_parse(after, strlen(after), &ns)) || (end && (end == next || *end))) {
        http_problem(req, 400, "query", "added_after must be a time, next what a page gave");
        return ABENG_EINVAL;
    }
    g->after = ns / NS_PER_MS;
    return 0;
}

static enum http_done show(struct http_request *req, void *app, bool manifest, const char *only)
{
    struct api *a = app;
    struct gather g = { .all = NULL };
    struct page p = { .req = req, .manifest = manifest, .only = only };
    int state = find(req);
    if (state < 0 || read_page(req, &p, &g))
        return HTTP_DONE;
    uint64_t skipped = p.skip;
    p.objects = json_array();
    p.seen = json_object();
    int err = rows_each(a, 1u << state, "is:any", gather_one, &g);
    qsort(g.all, g.count, sizeof *g.all, oldest_first);
    if (!err)
        fill_page(&p, &g);
    enum http_done done = err                                   ? api_away(req)
                          : only && !json_array_size(p.objects) ? api_not_found(req)
                                                                : write_page(&p, skipped);
    for (size_t i = 0; i < g.count; i++)
        json_decref(g.all[i].row);
    free(g.all);
    json_decref(p.objects);
    json_decref(p.seen);
    return done;
}

static enum http_done objects(struct http_request *req, void *app)
{
    return show(req, app, false, NULL);
}

static enum http_done object(struct http_request *req, void *app)
{
    return show(req, app, false, http_param(req, "object"));
}

static enum http_done manifest(struct http_request *req, void *app)
{
    return show(req, app, true, NULL);
}

#define READ (ROLE_VIEWERS | SCOPE_LIST)

/* clang-format off */
static const struct http_route routes[] = {
    { HTTP_GET, "/taxii2/", ROLE_VIEWERS | SCOPE_SELF, 0, discovery },
    { HTTP_GET, "/taxii2/api/", ROLE_VIEWERS | SCOPE_SELF, 0, root },
    { HTTP_GET, "/taxii2/api/collections/", READ, 0, collections },
    { HTTP_GET, "/taxii2/api/collections/{collection}/", READ, 0, one_collection },
    { HTTP_GET, "/taxii2/api/collections/{collection}/objects/", READ, 0, objects },
    { HTTP_GET, "/taxii2/api/collections/{collection}/objects/{object}/", READ, 0, object },
    { HTTP_GET, "/taxii2/api/collections/{collection}/manifest/", READ, 0, manifest },
};
/* clang-format on */

const struct routes api_taxii_routes = { routes, sizeof routes / sizeof *routes };
