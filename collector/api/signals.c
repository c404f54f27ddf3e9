/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /signals: folded alerts, above all those that wait off the queue. Read from the state's index by
 * a connection that can read nothing else; the worker keeps the index, analysts' words stand beside
 * it.
 */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/stored.h"
#include "collector/correlate/suppress.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/links.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/state.h"

/** Waiting signals looked at to fill a page of muted ones. */
#define LOOK_MAX 2000

/* "jm-s12": state and number. */
static int parse_id(const char *id, unsigned *state, uint64_t *number)
{
    int index = strlen(id) > 4 && id[2] == '-' && id[3] == 's' ? state_find(id, 2) : ABENG_ENOENT;
    size_t digits = index < 0 ? 0 : strspn(id + 4, "0123456789");
    if (!digits || digits > 18 || id[4 + digits] || id[4] == '0')
        return ABENG_EFORMAT;
    *state = (unsigned)index;
    *number = strtoull(id + 4, NULL, 10);
    return 0;
}

/* ---- one ------------------------------------------------------------------------------------- */

static void add_time(json_t *item, const char *key, uint64_t ms)
{
    char text[CLOCK_TEXT_MAX];
    clock_format_rfc3339(ms * NS_PER_MS, text);
    json_object_set_new(item, key, json_string(text));
}

/* What an analyst said of its key, while that holds. */
static const char *add_mute(json_t *item, const char *mute, const char *by, uint64_t now_ms)
{
    unsigned long long until;
    char kind[16];
    if (sscanf(mute, "%llu %15s", &until, kind) != 2 || until <= now_ms)
        return NULL;
    json_t *said = json_loads(by, 0, NULL);
    add_time(item, "until", until);
    json_object_set(item, "by", json_object_get(said, "by"));
    json_object_set(item, "reason", json_object_get(said, "reason"));
    json_decref(said);
    return strcmp(kind, "suppress") ? "dismissed" : "suppressed";
}

static const char *add_claim(json_t *item, const char *claim)
{
    const char *who = strchr(claim, ' ');
    json_object_set_new(item, "claimed_by", who ? json_string(who + 1) : json_null());
    return who ? "claimed" : NULL;
}

/* Read one whole; NULL when it is not there. */
static json_t *read_one(struct api *a, const char *state, uint64_t number, int *err)
{
    struct store_conn *c = store_conn(a->conf.store, state);
    struct store_key claims = store_key(state, "sigclaim"), mute = store_key(state, "mute");
    struct store_key by = store_key(state, "muteby");
    struct store_reply *claim = NULL, *m = NULL, *said = NULL;
    char id[24];
    json_t *item;
    snprintf(id, sizeof id, "%llu", (unsigned long long)number);
    *err = stored_signal(c, state, id, &item);
    const char *key = json_string_value(json_object_get(item, "key"));
    if (item && key) {
        *err = store_command(c, &claim, "HGET %s %llu", claims.text, (unsigned long long)number);
        if (!*err)
            *err = store_commandv(
                c, (struct store_arg[]){ STORE_TEXT("HGET"), STORE_KEY(mute), STORE_TEXT(key) }, 3,
                &m);
        if (!*err)
            *err = store_commandv(
                c, (struct store_arg[]){ STORE_TEXT("HGET"), STORE_KEY(by), STORE_TEXT(key) }, 3,
                &said);
        const char *claimed = add_claim(item, store_reply_text(claim, NULL));
        const char *muted =
            add_mute(item, store_reply_text(m, NULL), store_reply_text(said, NULL), api_now(a));
        const char *status = json_object_get(item, "incident") ? "attached"
                             : muted                           ? muted
                             : suppress_of_key(key)            ? "suppressed"
                             : claimed                         ? claimed
                                                               : "waiting";
        json_object_set_new(item, "status", json_string(status));
        json_object_set_new(item, "state", json_string(state));
    }
    store_reply_free(claim);
    store_reply_free(m);
    store_reply_free(said);
    return item;
}

static enum http_done show(struct http_request *req, void *app)
{
    struct api *a = app;
    unsigned state;
    uint64_t number;
    int err = 0;
    json_t *item =
        parse_id(http_param(req, "id"), &state, &number) || !(api_session(req)->scope & 1u << state)
            ? NULL
            : read_one(a, state_at(state)->code, number, &err);
    if (item && !err)
        return api_give_json(req, item);
    json_decref(item);
    return err ? api_away(req) : api_not_found(req);
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* A row before it is read. */
struct row {
    uint64_t score, number;
    unsigned state;
};

static int newest_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->state != y->state)
        return x->state < y->state ? -1 : 1;
    return x->number > y->number ? -1 : x->number < y->number;
}

struct page {
    const char *status;
    unsigned scope;
    size_t limit;
    bool has_after;
    struct row after;
};

/* The newest rows of a state that may come behind the cursor, at most `room`. */
static int add_rows(struct api *a, const struct page *p, unsigned state, struct row *rows,
                    size_t *count, size_t room)
{
    bool all = !strcmp(p->status, "any") || !strcmp(p->status, "attached");
    struct store_key index = store_key(state_at(state)->code, all ? "sigs" : "wait");
    char top[24] = "+inf";
    struct store_reply *r;
    if (p->has_after)
        snprintf(top, sizeof top, "%llu", (unsigned long long)p->after.score);
    int err = store_command(store_conn(a->conf.store, state_at(state)->code), &r,
                            "ZREVRANGEBYSCORE %s %s -inf WITHSCORES LIMIT 0 %d", index.text, top,
                            (int)room);
    for (size_t i = 0; i + 1 < store_reply_count(r); i += 2) {
        struct row row = { .number = (uint64_t)store_reply_int(store_reply_at(r, i)),
                           .score = (uint64_t)store_reply_int(store_reply_at(r, i + 1)),
                           .state = state };
        if (!p->has_after || newest_first(&row, &p->after) > 0)
            rows[(*count)++] = row;
    }
    store_reply_free(r);
    return err;
}

static int count_all(struct api *a, const struct page *p, json_int_t *total)
{
    bool all = !strcmp(p->status, "any") || !strcmp(p->status, "attached");
    int err = 0;
    for (unsigned s = 0; s < STATE_COUNT && !err; s++) {
        struct store_key index = store_key(state_at(s)->code, all ? "sigs" : "wait");
        struct store_reply *r;
        if (!(p->scope & 1u << s))
            continue;
        err =
            store_command(store_conn(a->conf.store, state_at(s)->code), &r, "ZCARD %s", index.text);
        *total += store_reply_int(r);
        store_reply_free(r);
    }
    return err;
}

static bool wanted(const struct page *p, const json_t *item)
{
    const char *status = json_string_value(json_object_get(item, "status"));
    if (!item || !status)
        return false;
    if (!strcmp(p->status, "waiting"))
        return !strcmp(status, "waiting") || !strcmp(status, "claimed");
    return !strcmp(p->status, "any") || !strcmp(p->status, status);
}

static enum http_done write_page(struct http_request *req, struct api *a, const struct page *p,
                                 struct row *rows, size_t count)
{
    json_t *items = json_array(), *next = json_null();
    json_int_t total = 0;
    size_t i = 0, looked = 0;
    int err = count_all(a, p, &total);
    if (count)
        qsort(rows, count, sizeof *rows, newest_first);
    for (; i < count && json_array_size(items) < p->limit && looked < LOOK_MAX && !err; i++) {
        json_t *item = read_one(a, state_at(rows[i].state)->code, rows[i].number, &err);
        looked++;
        if (wanted(p, item))
            json_array_append(items, item);
        json_decref(item);
    }
    if (i && (i < count || count >= LOOK_MAX)) {
        char cursor[64];
        snprintf(cursor, sizeof cursor, "%llu.%u.%llu", (unsigned long long)rows[i - 1].score,
                 rows[i - 1].state, (unsigned long long)rows[i - 1].number);
        next = json_string(cursor);
    }
    json_t *out = json_pack("{s:o,s:o,s:I}", "items", items, "next", next, "total", total);
    if (!err)
        return api_give_json(req, out);
    json_decref(out);
    return api_away(req);
}

static const char *read_page(const struct http_request *req, struct page *p)
{
    static const char *const words[] = { "waiting", "dismissed", "suppressed", "attached", "any" };
    const char *states = http_query(req, "state"), *after = http_query(req, "after");
    const char *status = http_query(req, "status");
    unsigned long long score, number;
    char end;
    p->status = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i], status && *status ? status : "waiting"))
            p->status = words[i];
    if (!p->status)
        return "status";
    if (states && *states && !auth_scope(states))
        return "state";
    if (states && *states)
        p->scope &= auth_scope(states);
    p->has_after = after != NULL;
    if (after && sscanf(after, "%llu.%u.%llu%c", &score, &p->after.state, &number, &end) != 3)
        return "after";
    if (after) {
        p->after.score = score;
        p->after.number = number;
    }
    return NULL;
}

static enum http_done list(struct http_request *req, void *app)
{
    struct api *a = app;
    struct page p = { .scope = api_session(req)->scope };
    long limit = http_query_number(req, "limit", 1, API_LIST_MAX, API_LIST_SIZE);
    const char *wrong = read_page(req, &p);
    size_t count = 0;
    int err = 0;
    if (limit < 0)
        return HTTP_DONE;
    if (wrong)
        return http_problem(req, 400, "query", "%s is not what docs/API.md says it may be", wrong);
    p.limit = (size_t)limit;
    struct row *rows = calloc((size_t)STATE_COUNT * LOOK_MAX, sizeof *rows);
    for (unsigned s = 0; rows && s < STATE_COUNT && !err; s++)
        if (p.scope & 1u << s)
            err = add_rows(a, &p, s, rows, &count, LOOK_MAX);
    enum http_done done = err || !rows ? api_away(req) : write_page(req, a, &p, rows, count);
    free(rows);
    return done;
}

/* ---- words ----------------------------------------------------------------------------------- */

enum word { WORD_CLAIM, WORD_DISMISS, WORD_SUPPRESS, WORD_ATTACH };

/* What the signal is known by, and where it is now. */
struct known {
    struct links_signal signal;
    char incident[32];
};

static int know(struct api *a, struct http_request *req, struct known *out)
{
    unsigned state;
    uint64_t number;
    int err = 0;
    if (parse_id(http_param(req, "id"), &state, &number) ||
        !(api_session(req)->scope & 1u << state))
        return ABENG_ENOENT;
    json_t *item = read_one(a, state_at(state)->code, number, &err);
    const char *incident = json_string_value(json_object_get(item, "incident"));
    snprintf(out->incident, sizeof out->incident, "%s", incident ? incident : "");
    out->signal = (struct links_signal){ state_at(state)->code, number, out->incident };
    bool there = item != NULL;
    json_decref(item);
    return err ? err : there ? 0 : ABENG_ENOENT;
}

static int read_until(const json_t *body, const char **bad, uint64_t *out)
{
    const char *until = api_text(body, "until", bad);
    uint64_t ns = 0;
    if (!*bad && (!until || clock_parse(until, strlen(until), &ns) || !ns))
        *bad = "until";
    *out = ns / NS_PER_MS;
    return *bad ? ABENG_EFORMAT : 0;
}

static int do_word(struct api *a, struct http_request *req, enum word word, const json_t *body,
                   const struct known *k, const char **bad, struct refusal *why)
{
    struct links_word by = { api_session(req)->user, api_text(body, "reason", bad), api_now(a) };
    const char *to = word == WORD_ATTACH ? api_text(body, "incident", bad) : NULL;
    uint64_t until = 0;
    if (word == WORD_SUPPRESS)
        read_until(body, bad, &until);
    if (*bad)
        return ABENG_EFORMAT;
    switch (word) {
    case WORD_CLAIM:
        return links_claim(a->conf.store, &k->signal, json_is_true(json_object_get(body, "steal")),
                           &by, why);
    case WORD_ATTACH:
        return links_attach(a->conf.store, a->conf.model, api_session(req)->scope, &k->signal,
                            to ? to : "", &by, why);
    case WORD_DISMISS:
    case WORD_SUPPRESS:
        return links_mute(a->conf.store, &k->signal, until, &by, why);
    }
    return ABENG_EINVAL;
}

static enum http_done say(struct http_request *req, struct api *a, enum word word)
{
    struct known k;
    struct refusal why;
    const char *bad = NULL;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    int err = know(a, req, &k);
    if (!err)
        err = do_word(a, req, word, body, &k, &bad, &why);
    json_decref(body);
    if (bad)
        return api_bad(req, bad);
    if (err == ABENG_ECONFLICT || err == ABENG_EINVAL)
        return http_problem(req, why.status, why.rule, "%s", why.text);
    if (err)
        return err == ABENG_ENOENT ? api_not_found(req) : api_away(req);
    return show(req, a);
}

static enum http_done claim(struct http_request *req, void *app)
{
    return say(req, app, WORD_CLAIM);
}

static enum http_done dismiss(struct http_request *req, void *app)
{
    return say(req, app, WORD_DISMISS);
}

static enum http_done suppress(struct http_request *req, void *app)
{
    return say(req, app, WORD_SUPPRESS);
}

static enum http_done attach(struct http_request *req, void *app)
{
    return say(req, app, WORD_ATTACH);
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/signals", ROLE_VIEWERS | SCOPE_LIST, 0, list },
    { HTTP_GET, "/api/v1/signals/{id}", ROLE_VIEWERS | SCOPE_ID, 0, show },
    { HTTP_POST, "/api/v1/signals/{id}:claim", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX, claim },
    { HTTP_POST, "/api/v1/signals/{id}:dismiss", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX, dismiss },
    { HTTP_POST, "/api/v1/signals/{id}:suppress", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX,
      suppress },
    { HTTP_POST, "/api/v1/signals/{id}:attach", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX, attach },
};

const struct routes api_signal_routes = { routes, sizeof routes / sizeof *routes };
