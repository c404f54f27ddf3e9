/* SPDX-License-Identifier: Apache-2.0 */
/* /incidents: lists, one incident with all that belongs to it, and the verbs. */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/stored.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "collector/triage/verbs.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/state.h"

/** Parts of one incident shown: signals, timeline entries; incidents of one bulk call. */
#define SIGNALS_MAX  200
#define TIMELINE_MAX 1000
#define BULK_MAX     500

/* ---- lists ----------------------------------------------------------------------------------- */

/* A comma-separated list of words as a set; 0 when one is not known. */
static unsigned read_set(const char *text, int (*find)(const char *word))
{
    unsigned set = 0;
    char word[16];
    while (*text) {
        size_t n = strcspn(text, ",");
        if (!n || n >= sizeof word)
            return 0;
        snprintf(word, sizeof word, "%.*s", (int)n, text);
        int bit = find(word);
        if (bit < 0)
            return 0;
        set |= 1u << bit;
        text += n + (text[n] == ',');
    }
    return set;
}

static int find_tier(const char *word)
{
    return word[0] >= '1' && word[0] <= '4' && !word[1] ? word[0] - '0' : ABENG_ENOENT;
}

/* Read the query's arguments; NULL, or the name of the one that is wrong. */
static const char *read_query(const struct http_request *req, struct model_query *q)
{
    const char *states = http_query(req, "state"), *statuses = http_query(req, "status");
    const char *tiers = http_query(req, "tier");
    q->text = http_query(req, "q");
    q->after = http_query(req, "after");
    if (q->text && strlen(q->text) >= MODEL_QUERY_MAX)
        return "q";
    if (states && *states && !auth_scope(states))
        return "state";
    if (states && *states)
        q->scope &= auth_scope(states);
    if (statuses && *statuses && !(q->statuses = read_set(statuses, status_find)))
        return "status";
    if (tiers && *tiers && !(q->tiers = read_set(tiers, find_tier)))
        return "tier";
    return NULL;
}

static enum http_done list(struct http_request *req, void *app)
{
    struct api *a = app;
    const struct session *s = api_session(req);
    struct model_query q = { .scope = s->scope, .who = s->user };
    char why[128];
    struct json j;
    long limit = http_query_number(req, "limit", 1, API_LIST_MAX, API_LIST_SIZE);
    const char *wrong = read_query(req, &q);
    if (limit < 0)
        return HTTP_DONE;
    if (wrong)
        return http_problem(req, 400, "query", "%s is not what docs/API.md says it may be", wrong);
    if (!model_ready(a->conf.model))
        return api_away(req);
    q.limit = (unsigned)limit;
    json_begin(&j, http_out(req));
    if (model_list(a->conf.model, &q, &j, why, sizeof why))
        return http_problem(req, 400, "query", "%s", why);
    return http_reply(req, 200, NULL);
}

/* ---- one incident ---------------------------------------------------------------------------- */

struct target {
    const char *id;
    const char *state;
    uint64_t number;
    struct head head;
};

/* The incident of the path, when the session may see it. */
static int find(const struct api *a, struct http_request *req, struct target *t)
{
    unsigned state;
    t->id = http_param(req, "id");
    if (model_parse_id(t->id, &state, &t->number))
        return ABENG_ENOENT;
    t->state = state_at(state)->code;
    return model_head(a->conf.model, api_session(req)->scope, t->id, &t->head);
}

static int write_signals(const struct api *a, const struct session *s, const struct target *t,
                         struct json *out)
{
    uint64_t numbers[SIGNALS_MAX];
    struct store_conn *c = auth_conn(a->conf.auth, s, t->state);
    int count = model_signals(a->conf.model, s->scope, t->id, numbers, SIGNALS_MAX),
        err = count < 0 ? count : 0;
    for (int i = 0; i < count && !err; i++) {
        char id[24];
        snprintf(id, sizeof id, "%llu", (unsigned long long)numbers[i]);
        err = stored_ask(c, t->state, id);
    }
    json_open_array(out, "signal_list");
    for (int i = 0; i < count && !err; i++) {
        json_t *signal;
        err = stored_take(c, &signal);
        char *text = signal ? json_dumps(signal, JSON_COMPACT) : NULL;
        if (text)
            json_raw(out, NULL, text, strlen(text));
        free(text);
        json_decref(signal);
    }
    json_close_array(out);
    return err;
}

static void write_entry(const struct store_reply *fields, bool note, struct json *out)
{
    char at[CLOCK_TEXT_MAX];
    clock_format_rfc3339((uint64_t)store_reply_int(store_reply_field(fields, "at")) * NS_PER_MS,
                         at);
    json_open(out, NULL);
    json_str(out, "at", at);
    json_str(out, "who", store_reply_text(store_reply_field(fields, "who"), NULL));
    if (!note)
        json_str(out, "verb", store_reply_text(store_reply_field(fields, "verb"), NULL));
    json_str(out, "text", store_reply_text(store_reply_field(fields, "text"), NULL));
    json_close(out);
}

static void write_entries(const struct store_reply *entries, const char *key, bool notes,
                          struct json *out)
{
    json_open_array(out, key);
    for (size_t i = 0; i < store_reply_count(entries); i++) {
        const struct store_reply *fields = store_reply_at(store_reply_at(entries, i), 1);
        if (!notes || !strcmp(store_reply_text(store_reply_field(fields, "verb"), NULL), "note"))
            write_entry(fields, notes, out);
    }
    json_close_array(out);
}

static int write_trail(const struct api *a, const struct session *s, const struct target *t,
                       struct json *out)
{
    struct store_key key = store_key(t->state, "ev:%llu", (unsigned long long)t->number);
    struct store_reply *r;
    int err = store_command(auth_conn(a->conf.auth, s, t->state), &r, "XRANGE %s - + COUNT %d",
                            key.text, TIMELINE_MAX);
    write_entries(r, "timeline", false, out);
    write_entries(r, "notes", true, out);
    store_reply_free(r);
    return err;
}

static void write_allowed(const struct session *s, const struct head *h, struct json *out)
{
    const char *words[TRIAGE_WORDS];
    size_t n = s->role & ROLE_NOTERS ? machine_allowed(h, s->user, words) : 0;
    bool mine = !*h->claimed_by || !strcmp(h->claimed_by, s->user);
    json_open_array(out, "allowed");
    if (s->role & ROLE_DECIDERS && mine)
        json_str(out, NULL, h->status == STATUS_MERGED ? "unmerge" : "merge");
    for (size_t i = 0; i < n; i++)
        if (s->role & ROLE_DECIDERS || !strcmp(words[i], "note"))
            json_str(out, NULL, words[i]);
    json_close_array(out);
}

static void set_etag(struct http_request *req, uint64_t version)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)version);
    http_reply_etag(req, text);
}

static enum http_done show(struct http_request *req, void *app)
{
    struct api *a = app;
    const struct session *s = api_session(req);
    struct target t;
    struct json j;
    if (find(a, req, &t))
        return api_not_found(req);
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    model_write_row(a->conf.model, s->scope, t.id, true, &j);
    int err = write_signals(a, s, &t, &j);
    if (!err)
        err = write_trail(a, s, &t, &j);
    write_allowed(s, &t.head, &j);
    json_close(&j);
    if (err)
        return api_away(req);
    set_etag(req, t.head.version);
    return http_reply(req, 200, NULL);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

/* Do it and answer with the row. */
static enum http_done apply(struct api *a, struct http_request *req, const struct wish *wish)
{
    const struct session *s = api_session(req);
    struct refusal why;
    struct target t;
    struct json j;
    int64_t version = api_if_match(req);
    if (version < 0)
        return HTTP_DONE;
    if (find(a, req, &t))
        return api_not_found(req);
    int err = verbs_apply(a->conf.store, a->conf.model, s->scope, t.id, wish, (uint64_t)version,
                          api_now(a), &why);
    if (err == ABENG_ECONFLICT || err == ABENG_EINVAL)
        return http_problem(req, why.status, why.rule, "%s", why.text);
    if (err)
        return err == ABENG_ENOENT ? api_not_found(req) : api_away(req);
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    model_write_row(a->conf.model, s->scope, t.id, false, &j);
    json_close(&j);
    model_head(a->conf.model, s->scope, t.id, &t.head);
    set_etag(req, t.head.version);
    return http_reply(req, 200, NULL);
}

static enum http_done claim(struct http_request *req, void *app)
{
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    struct wish wish = { .verb = VERB_CLAIM, .who = api_session(req)->user };
    wish.steal = json_is_true(json_object_get(body, "steal"));
    json_decref(body);
    return apply(app, req, &wish);
}

static enum http_done release(struct http_request *req, void *app)
{
    return apply(app, req, &(struct wish){ .verb = VERB_RELEASE, .who = api_session(req)->user });
}

static enum http_done undo(struct http_request *req, void *app)
{
    return apply(app, req, &(struct wish){ .verb = VERB_UNDO, .who = api_session(req)->user });
}

static enum http_done note(struct http_request *req, void *app)
{
    const char *bad = NULL;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    struct wish wish = { .verb = VERB_NOTE, .who = api_session(req)->user };
    wish.note = api_text(body, "text", &bad);
    enum http_done done = bad ? api_bad(req, bad) : apply(app, req, &wish);
    json_decref(body);
    return done;
}

static enum http_done wait(struct http_request *req, void *app)
{
    const char *bad = NULL;
    uint64_t ns = 0;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *until = api_text(body, "until", &bad), *on = api_text(body, "on", &bad);
    if (!bad && until && clock_parse(until, strlen(until), &ns))
        bad = "until";
    if (!bad && on && strcmp(on, "evidence") != 0)
        bad = "on";
    struct wish wish = { .verb = VERB_WAIT,
                         .who = api_session(req)->user,
                         .until_ms = ns / NS_PER_MS,
                         .on_evidence = on != NULL };
    enum http_done done = bad ? api_bad(req, bad) : apply(app, req, &wish);
    json_decref(body);
    return done;
}

/*
 * Fill what a transition says; `rsit` is room for "class/type". Returns the name of a wrong
 * member, or NULL.
 */
static const char *read_transition(const json_t *body, struct wish *w, char rsit[128])
{
    const char *bad = NULL;
    const char *to = api_text(body, "to", &bad);
    const json_t *type = json_object_get(body, "rsit");
    int status = to ? status_find(to) : ABENG_ENOENT;
    w->verb = VERB_TRANSITION;
    w->to = status < 0 ? STATUS_NEW : (enum status)status;
    w->outcome = api_text(body, "outcome", &bad);
    w->reason = api_text(body, "reason", &bad);
    w->tlp = api_text(body, "tlp", &bad);
    w->victim = api_text(body, "victim", &bad);
    w->note = api_text(body, "note", &bad);
    if (json_is_object(type)) {
        const char *class = api_text(type, "class", &bad), *name = api_text(type, "type", &bad);
        snprintf(rsit, 128, "%s/%s", class ? class : "", name ? name : "");
        w->rsit = rsit;
    } else if (type) {
        w->rsit = api_text(body, "rsit", &bad);
    }
    return bad ? bad : status < 0 ? "to" : NULL;
}

static enum http_done transition(struct http_request *req, void *app)
{
    char rsit[128];
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    struct wish wish = { .who = api_session(req)->user };
    const char *bad = read_transition(body, &wish, rsit);
    enum http_done done = bad ? api_bad(req, bad) : apply(app, req, &wish);
    json_decref(body);
    return done;
}

/* ---- many at once ---------------------------------------------------------------------------- */

static const struct bulk_verb {
    const char *word;
    enum verb verb;
} bulk_verbs[] = { { "claim", VERB_CLAIM }, { "release", VERB_RELEASE }, { "note", VERB_NOTE } };

static const char *read_bulk(const json_t *body, struct wish *w, char rsit[128])
{
    const char *bad = NULL;
    const char *verb = api_text(body, "verb", &bad);
    if (bad || !verb)
        return "verb";
    if (!strcmp(verb, "transition"))
        return read_transition(body, w, rsit);
    for (size_t i = 0; i < sizeof bulk_verbs / sizeof *bulk_verbs; i++)
        if (!strcmp(bulk_verbs[i].word, verb)) {
            w->verb = bulk_verbs[i].verb;
            w->steal = json_is_true(json_object_get(body, "steal"));
            w->note = api_text(body, "note", &bad);
            return bad;
        }
    return "verb";
}

static unsigned do_one(struct api *a, const struct session *s, const char *id,
                       const struct wish *wish, struct refusal *why)
{
    struct head head;
    unsigned state;
    uint64_t number;
    snprintf(why->text, sizeof why->text, "done");
    int err =
        model_parse_id(id, &state, &number) || model_head(a->conf.model, s->scope, id, &head)
            ? ABENG_ENOENT
            : verbs_apply(a->conf.store, a->conf.model, s->scope, id, wish, 0, api_now(a), why);
    if (!err)
        return 200;
    if (err == ABENG_ECONFLICT || err == ABENG_EINVAL)
        return why->status;
    snprintf(why->text, sizeof why->text, "%s",
             err == ABENG_ENOENT ? "there is no such thing, or it is not yours to see"
                                 : "the store is away");
    return err == ABENG_ENOENT ? 404 : 503;
}

static void do_all(struct api *a, struct http_request *req, const json_t *ids,
                   const struct wish *wish)
{
    struct json j;
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "results");
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        struct refusal why;
        json_open(&j, NULL);
        json_str(&j, "id", id ? id : "");
        json_u64(&j, "status", do_one(a, api_session(req), id ? id : "", wish, &why));
        json_str(&j, "detail", why.text);
        json_close(&j);
    }
    json_close_array(&j);
    json_close(&j);
}

static enum http_done bulk(struct http_request *req, void *app)
{
    char rsit[128];
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    struct wish wish = { .who = api_session(req)->user };
    const json_t *ids = json_object_get(body, "ids");
    const char *bad = read_bulk(body, &wish, rsit);
    if (!json_is_array(ids) || !json_array_size(ids) || json_array_size(ids) > BULK_MAX)
        bad = "ids";
    enum http_done done = HTTP_DONE;
    if (bad) {
        done = api_bad(req, bad);
    } else {
        do_all(app, req, ids, &wish);
        done = http_reply(req, 200, NULL);
    }
    json_decref(body);
    return done;
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/incidents", ROLE_VIEWERS | SCOPE_LIST, 0, list },
    { HTTP_POST, "/api/v1/incidents:bulk", ROLE_DECIDERS | SCOPE_LIST, API_BODY_MAX, bulk },
    { HTTP_GET, "/api/v1/incidents/{id}", ROLE_VIEWERS | SCOPE_ID, 0, show },
    { HTTP_POST, "/api/v1/incidents/{id}:claim", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX, claim },
    { HTTP_POST, "/api/v1/incidents/{id}:release", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX,
      release },
    { HTTP_POST, "/api/v1/incidents/{id}:undo", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX, undo },
    { HTTP_POST, "/api/v1/incidents/{id}:note", ROLE_NOTERS | SCOPE_ID, API_BODY_MAX, note },
    { HTTP_POST, "/api/v1/incidents/{id}:wait", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX, wait },
    { HTTP_POST, "/api/v1/incidents/{id}:transition", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX,
      transition },
};

const struct routes api_incident_routes = { routes, sizeof routes / sizeof *routes };
