/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /damping: entries of analysts in the lists of what is likely harmless (correlate/damping.h). An
 * entry of one state is that state's affair; one for all needs a session of all states.
 */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/damping.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/state.h"

#define EVERY_STATE ((1u << STATE_COUNT) - 1)

/* Whether the session may change an entry of `state` (NULL: of all). */
static bool may_change(const struct session *s, const char *state)
{
    int index = state ? state_find(state, strlen(state)) : ABENG_ENOENT;
    return state ? index >= 0 && s->scope & 1u << index : (s->scope & EVERY_STATE) == EVERY_STATE;
}

/* Entries for all concern everybody. */
static bool may_see(const struct session *s, const char *state)
{
    return !state || may_change(s, state);
}

static int read_all(struct api *a, const struct session *s, const char *list, json_t *items)
{
    struct store_key key = store_key(STORE_REGION, "damp");
    struct store_reply *all;
    int err = store_command(store_conn(a->conf.store, NULL), &all, "HGETALL %s", key.text);
    for (size_t i = 0; i + 1 < store_reply_count(all); i += 2) {
        json_t *one = json_loads(store_reply_text(store_reply_at(all, i + 1), NULL), 0, NULL);
        const char *of = json_string_value(json_object_get(one, "list"));
        if (!one || !may_see(s, json_string_value(json_object_get(one, "state"))) ||
            (list && *list && (!of || strcmp(of, list) != 0))) {
            json_decref(one);
            continue;
        }
        json_object_set_new(one, "id", json_string(store_reply_text(store_reply_at(all, i), NULL)));
        json_array_append_new(items, one);
    }
    store_reply_free(all);
    return err;
}

static enum http_done list(struct http_request *req, void *app)
{
    json_t *items = json_array();
    int err = read_all(app, api_session(req), http_query(req, "list"), items);
    if (err) {
        json_decref(items);
        return api_away(req);
    }
    return api_give_json(req, json_pack("{s:o,s:n,s:I}", "items", items, "next", "total",
                                        (json_int_t)json_array_size(items)));
}

/* ---- adding ---------------------------------------------------------------------------------- */

struct entry {
    const char *list, *match, *state, *until, *note;
};

/* What is wrong with it, or NULL. */
static const char *check(const struct entry *e, uint64_t now_ms)
{
    uint64_t ns = 0;
    if (!e->list || damping_list_find(e->list) < 0)
        return "list must be scanner, maintenance, honeypot or warninglist";
    if (!e->match || !damping_match_valid(e->match))
        return "match must be an address, ADDRESS/BITS, or a name in which * stands for anything";
    if (e->until && (clock_parse(e->until, strlen(e->until), &ns) || ns / NS_PER_MS <= now_ms))
        return "until must be a time in the future, or null";
    if (!strcmp(e->list, "maintenance") && !e->until)
        return "maintenance needs an end: until";
    if (!e->note || !*e->note || strlen(e->note) >= DAMPING_NOTE_MAX)
        return "a note of 1 to 255 bytes is needed: why";
    return NULL;
}

static int store(struct api *a, const char *name, const char *who, const char *what,
                 struct store_reply **r)
{
    char now[24], most[16];
    struct store_key keys[3] = { store_key(STORE_REGION, "damp"),
                                 store_key(STORE_REGION, "dampver"),
                                 store_key(STORE_REGION, "aud") };
    snprintf(now, sizeof now, "%llu", (unsigned long long)api_now(a));
    snprintf(most, sizeof most, "%d", DAMPING_MAX / 2);
    return store_call(
        store_conn(a->conf.store, NULL), name,
        (struct store_arg[]){ STORE_KEY(keys[0]), STORE_KEY(keys[1]), STORE_KEY(keys[2]) }, 3,
        (struct store_arg[]){ STORE_TEXT(now), STORE_TEXT(who), STORE_TEXT(what),
                              STORE_TEXT(most) },
        4, r);
}

static enum http_done add_entry(struct http_request *req, struct api *a, const struct entry *e)
{
    char at[CLOCK_TEXT_MAX];
    const struct session *s = api_session(req);
    struct store_reply *r = NULL;
    const char *wrong = check(e, api_now(a));
    if (wrong)
        return http_problem(req, 422, "damping", "%s", wrong);
    if (!may_change(s, e->state))
        return http_problem(req, 422, "damping.state", "%s",
                            e->state ? "state is not one of yours"
                                     : "an entry for all states needs a session of all states");
    clock_format_rfc3339(api_now(a) * NS_PER_MS, at);
    json_t *one =
        json_pack("{s:s,s:s,s:s?,s:s?,s:s,s:s,s:s}", "list", e->list, "match", e->match, "state",
                  e->state, "until", e->until, "note", e->note, "by", s->user, "at", at);
    char *text = json_dumps(one, JSON_COMPACT);
    int err = text ? store(a, "abeng_damping_add", s->user, text, &r) : ABENG_EINVAL;
    free(text);
    if (!err)
        json_object_set_new(one, "id", json_string(store_reply_text(r, NULL)));
    enum http_done done = err ? api_refuse(req, err, "damping.limit", store_reply_text(r, NULL))
                              : api_reply_json(req, 201, one);
    store_reply_free(r);
    json_decref(one);
    return done;
}

static enum http_done add(struct http_request *req, void *app)
{
    const char *bad = NULL;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    struct entry e = { api_text(body, "list", &bad), api_text(body, "match", &bad),
                       api_text(body, "state", &bad), api_text(body, "until", &bad),
                       api_text(body, "note", &bad) };
    enum http_done done = bad ? api_bad(req, bad) : add_entry(req, app, &e);
    json_decref(body);
    return done;
}

static enum http_done drop(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *id = http_param(req, "id");
    struct store_key key = store_key(STORE_REGION, "damp");
    struct store_reply *r = NULL;
    int err = store_commandv(
        store_conn(a->conf.store, NULL),
        (struct store_arg[]){ STORE_TEXT("HGET"), STORE_KEY(key), STORE_TEXT(id) }, 3, &r);
    json_t *one = json_loads(store_reply_text(r, NULL), 0, NULL);
    bool mine =
        one && may_change(api_session(req), json_string_value(json_object_get(one, "state")));
    json_decref(one);
    store_reply_free(r);
    r = NULL;
    if (!err)
        err =
            mine ? store(a, "abeng_damping_remove", api_session(req)->user, id, &r) : ABENG_ENOENT;
    store_reply_free(r);
    if (err)
        return err == ABENG_ENOENT ? api_not_found(req) : api_away(req);
    return http_reply(req, 204, NULL);
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/damping", ROLE_VIEWERS | SCOPE_LIST, 0, list },
    { HTTP_POST, "/api/v1/damping", ROLE_DECIDERS | SCOPE_LIST, API_BODY_MAX, add },
    { HTTP_DELETE, "/api/v1/damping/{id}", ROLE_DECIDERS | SCOPE_LIST, API_BODY_MAX, drop },
};

const struct routes api_damping_routes = { routes, sizeof routes / sizeof *routes };
