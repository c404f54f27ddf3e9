/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /suppressions: what is kept out of the queue by rule, victim and peer, each with its owner, its
 * reason, its end, and what it has held back so far (correlate/suppress.h). Records of the state;
 * the worker writes the hits.
 */
#include "config.h"
#include "collector/api/records.h"

#include <stdio.h>
#include <string.h>

#include "collector/correlate/suppress.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/links.h"
#include "collector/triage/shape.h"
#include "common/addr.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/state.h"

/** Longest list. */
#define LIST_MAX (4u << 20)

static const struct shape whole[] = {
    { .name = "sid", .type = SHAPE_NUMBER, .min = 1, .max = 4294967295 },
    { .name = "victim", .type = SHAPE_TEXT, .max = 63 },
    { .name = "peer", .type = SHAPE_TEXT, .max = 63 },
    { .name = "reason", .type = SHAPE_TEXT, .max = 500, .needed = true },
    { .name = "expires_at", .type = SHAPE_TIME, .needed = true },
};

/* What may be changed: another thing to suppress is another suppression. */
static const struct shape extension[] = {
    { .name = "reason", .type = SHAPE_TEXT, .max = 500 },
    { .name = "expires_at", .type = SHAPE_TIME },
};

#define COUNT(shape) (sizeof(shape) / sizeof *(shape))

/* ---- showing --------------------------------------------------------------------------------- */

static int write_one(struct store_conn *c, const struct record_doc *r, struct json *out)
{
    struct store_key key = store_key(state_at(r->state)->code, "supphits");
    struct store_reply *reply;
    unsigned long long hits = 0, last_ms = 0;
    int err = store_command(c, &reply, "HGET %s %llu", key.text, (unsigned long long)r->number);
    if (!err && sscanf(store_reply_text(reply, NULL), "%llu %llu", &hits, &last_ms) != 2)
        hits = last_ms = 0;
    store_reply_free(reply);
    json_open(out, NULL);
    record_write(r, out);
    json_u64(out, "hits", hits);
    json_time_ms(out, "last_hit_at", last_ms);
    json_close(out);
    return err;
}

static enum http_done reply(const struct api *a, struct http_request *req,
                            const struct record_doc *r, unsigned status)
{
    char text[24];
    struct json j;
    json_begin(&j, http_out(req));
    if (write_one(records_conn(a, req, r->state), r, &j))
        return api_away(req);
    snprintf(text, sizeof text, "%llu", (unsigned long long)r->version);
    http_reply_etag(req, text);
    return http_reply(req, status, NULL);
}

struct listing {
    struct store_conn *c;
    struct json out;
    int err;
};

static bool list_one(void *arg, const struct record_doc *r)
{
    struct listing *l = arg;
    l->err = write_one(l->c, r, &l->out);
    return !l->err;
}

/* All of them: there are few (SUPPRESSIONS_MAX a state). */
static enum http_done list(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *states = http_query(req, "state");
    unsigned scope = api_session(req)->scope;
    struct listing l = { .err = 0 };
    struct buf items;
    if (states && *states && !auth_scope(states))
        return http_problem(req, 400, "query", "state is not what docs/API.md says it may be");
    if (states && *states)
        scope &= auth_scope(states);
    buf_init(&items, LIST_MAX);
    json_begin(&l.out, &items);
    json_open_array(&l.out, NULL);
    for (unsigned s = 0; s < STATE_COUNT && !l.err; s++) {
        if (!(scope & 1u << s))
            continue;
        l.c = records_conn(a, req, s);
        int err = record_walk(l.c, RECORDS_SUPPRESSION, s, 0, list_one, &l);
        l.err = l.err ? l.err : err;
    }
    json_close_array(&l.out);
    enum http_done done = l.err ? api_away(req) : api_reply_items(req, &items);
    buf_free(&items);
    return done;
}

static enum http_done show(struct http_request *req, void *app)
{
    struct record_doc r;
    if (records_find(app, req, RECORDS_SUPPRESSION, &r))
        return HTTP_DONE;
    enum http_done done = reply(app, req, &r, 200);
    record_clear(&r);
    return done;
}

/* ---- making, extending, ending --------------------------------------------------------------- */

static bool network_ok(const struct record_doc *r, const char *key)
{
    struct addr net;
    unsigned bits;
    return !*record_text(r, key) || !addr_parse_prefix(record_text(r, key), &net, &bits);
}

/* What is wrong with it, or NULL. */
static const char *check(const struct record_doc *r, uint64_t now_ms)
{
    uint64_t until = record_time(r, "expires_at");
    if (!network_ok(r, "victim") || !network_ok(r, "peer"))
        return "victim and peer are addresses or ADDRESS/BITS";
    if (!json_is_integer(json_object_get(r->doc, "sid")) && !*record_text(r, "victim") &&
        !*record_text(r, "peer"))
        return "say what: sid, victim, peer, or some of them";
    if (until <= now_ms || until > now_ms + LINKS_SUPPRESS_MS)
        return "expires_at must be in the future, at most 90 days ahead";
    return NULL;
}

static void say_scope(const struct record_doc *r, const char *verb, char *out, size_t size)
{
    long long sid = json_integer_value(json_object_get(r->doc, "sid"));
    snprintf(out, size, "%s sid %lld victim %s peer %s until %s: %.200s", verb, sid,
             *record_text(r, "victim") ? record_text(r, "victim") : "any",
             *record_text(r, "peer") ? record_text(r, "peer") : "any", record_text(r, "expires_at"),
             record_text(r, "reason"));
}

static enum http_done save(struct api *a, struct http_request *req, struct record_doc *r,
                           const char *verb, unsigned status)
{
    char why[256], said[512];
    const char *wrong = check(r, api_now(a));
    if (wrong)
        return http_problem(req, 422, "suppression", "%s", wrong);
    say_scope(r, verb, said, sizeof said);
    struct record_change change = { .who = api_session(req)->user,
                                    .verb = verb,
                                    .said = said,
                                    .now_ms = api_now(a),
                                    .due_ms = record_time(r, "expires_at") };
    int err = record_save(records_conn(a, req, r->state), RECORDS_SUPPRESSION, r, &change, why,
                          sizeof why);
    if (err == ABENG_ECONFLICT)
        return http_problem(req, 412, "version", "%s", why);
    return err ? api_refuse(req, err, "suppression", why) : reply(a, req, r, status);
}

static bool count_one(void *arg, const struct record_doc *r)
{
    unsigned *count = arg;
    (void)r;
    return ++*count < SUPPRESSIONS_MAX;
}

static enum http_done add_to(struct api *a, struct http_request *req, struct record_doc *r)
{
    unsigned count = 0;
    struct store_conn *c = records_conn(a, req, r->state);
    if (record_walk(c, RECORDS_SUPPRESSION, r->state, 0, count_one, &count))
        return api_away(req);
    if (count >= SUPPRESSIONS_MAX)
        return http_problem(req, 409, "suppression.limit",
                            "the state has %d suppressions; end some first", SUPPRESSIONS_MAX);
    json_object_set_new(r->doc, "owner", json_string(api_session(req)->user));
    record_set_time(r, "created_at", api_now(a));
    return save(a, req, r, "suppression.add", 201);
}

static enum http_done add(struct http_request *req, void *app)
{
    struct record_doc r = { .doc = json_object() };
    char why[256] = "";
    enum http_done done = HTTP_DONE;
    json_t *body = api_body(req);
    int state = body ? records_state(req, body) : 0;
    json_object_del(body, "state");
    if (body && state < 0)
        done = http_problem(req, 422, "suppression.state", "state is not one of yours");
    else if (body && (shape_take(whole, COUNT(whole), body, r.doc, why, sizeof why) ||
                      shape_finish(whole, COUNT(whole), r.doc, why, sizeof why)))
        done = http_problem(req, 422, "suppression", "%s", why);
    else if (body) {
        r.state = (unsigned)state;
        done = add_to(app, req, &r);
    }
    record_clear(&r);
    json_decref(body);
    return done;
}

static enum http_done edit(struct http_request *req, void *app)
{
    struct record_doc r;
    char why[256] = "";
    enum http_done done = HTTP_DONE;
    json_t *body = api_body(req);
    if (!body || records_find(app, req, RECORDS_SUPPRESSION, &r)) {
        json_decref(body);
        return HTTP_DONE;
    }
    if (shape_take(extension, COUNT(extension), body, r.doc, why, sizeof why) ||
        shape_finish(whole, COUNT(whole), r.doc, why, sizeof why))
        done = http_problem(req, 422, "suppression", "%s", why);
    else if (!records_match(req, &r))
        done = save(app, req, &r, "suppression.change", 200);
    record_clear(&r);
    json_decref(body);
    return done;
}

static enum http_done drop(struct http_request *req, void *app)
{
    struct record_doc r;
    char said[512];
    if (records_find(app, req, RECORDS_SUPPRESSION, &r))
        return HTTP_DONE;
    enum http_done done = HTTP_DONE;
    if (!records_match(req, &r)) {
        say_scope(&r, "suppression.end", said, sizeof said);
        struct record_change change = { .verb = "suppression.end", .said = said, .remove = true };
        done = records_save(app, req, RECORDS_SUPPRESSION, &r, &change, 204, NULL);
    }
    record_clear(&r);
    return done;
}

/* clang-format off */
static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/suppressions", ROLE_READERS | SCOPE_LIST, 0, list },
    { HTTP_POST, "/api/v1/suppressions", ROLE_DECIDERS | SCOPE_LIST, API_BODY_MAX, add },
    { HTTP_GET, "/api/v1/suppressions/{id}", ROLE_READERS | SCOPE_ID, 0, show },
    { HTTP_PATCH, "/api/v1/suppressions/{id}", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX, edit },
    { HTTP_DELETE, "/api/v1/suppressions/{id}", ROLE_DECIDERS | SCOPE_ID, 4096, drop },
};
/* clang-format on */

const struct routes api_suppression_routes = { routes, sizeof routes / sizeof *routes };
