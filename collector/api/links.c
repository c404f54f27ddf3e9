/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why an incident is what it is, and what belongs to it: /incidents/{id}/explain and /links, :merge
 * and :unmerge.
 */
#include "config.h"
#include "collector/api/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/stored.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/links.h"
#include "collector/triage/model.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/state.h"

/** Signals whose lineage is shown. */
#define SIGNALS_MAX 500

/** Longest row of an incident. */
#define ROW_MAX (2u << 20)

struct target {
    const char *id, *state;
    uint64_t number;
};

static int find(struct api *a, struct http_request *req, struct target *t)
{
    unsigned state;
    struct head head;
    t->id = http_param(req, "id");
    if (model_parse_id(t->id, &state, &t->number))
        return ABENG_ENOENT;
    t->state = state_at(state)->code;
    return model_head(a->conf.model, api_session(req)->scope, t->id, &head);
}

/* The incident as the API shows it, to take from. */
static json_t *row_of(struct api *a, struct http_request *req, const char *id)
{
    struct buf text;
    struct json j;
    buf_init(&text, ROW_MAX);
    json_begin(&j, &text);
    json_open(&j, NULL);
    int err = model_write_row(a->conf.model, api_session(req)->scope, id, true, &j);
    json_close(&j);
    json_t *row = err ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
    buf_free(&text);
    return row;
}

/* ---- explain --------------------------------------------------------------------------------- */

static const char *tier_rule(json_int_t likelihood, json_int_t impact)
{
    static const char *const rules[3][3] = {
        { "likelihood < 30 and impact < 40", "likelihood < 30 and impact 40 to 69",
          "likelihood < 30 and impact >= 70" },
        { "likelihood 30 to 59 and impact < 40", "likelihood 30 to 59 and impact 40 to 69",
          "likelihood 30 to 59 and impact >= 70" },
        { "likelihood >= 60 and impact < 40", "likelihood >= 60 and impact 40 to 69",
          "likelihood >= 60 and impact >= 70" },
    };
    return rules[likelihood >= 60 ? 2 : likelihood >= 30][impact >= 70 ? 2 : impact >= 40];
}

static double sum_of(const json_t *factors, const char *side)
{
    double sum = 0;
    for (size_t i = 0; i < json_array_size(factors); i++) {
        const json_t *f = json_array_get(factors, i);
        const char *of = json_string_value(json_object_get(f, "side"));
        if (of && !strcmp(of, side))
            sum += json_number_value(json_object_get(f, "weight"));
    }
    return round(sum * 100) / 100;
}

/* What decisions of the state said of each rule. */
static json_t *precision_of(struct api *a, const struct target *t, const json_t *rules, int *err)
{
    struct store_key key = store_key(t->state, "prec");
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(rules) && !*err; i++) {
        const char *rule = json_string_value(json_array_get(rules, i));
        struct store_reply *r;
        *err = store_command(store_conn(a->conf.store, t->state), &r, "HMGET %s %s:real %s:false",
                             key.text, rule, rule);
        json_int_t real = store_reply_int(store_reply_at(r, 0));
        json_int_t wrong = store_reply_int(store_reply_at(r, 1));
        store_reply_free(r);
        json_t *one = json_pack("{s:s,s:I,s:I}", "rule", rule, "real", real, "false", wrong);
        json_object_set_new(one, "precision",
                            real + wrong
                                ? json_real(((double)real + 1) / (double)(real + wrong + 2))
                                : json_null());
        json_array_append_new(out, one);
    }
    return out;
}

static enum http_done explain(struct http_request *req, void *app)
{
    static const char *const copied[] = { "id",      "tier",    "likelihood",  "impact",
                                          "formula", "factors", "states_seen", "campaigns" };
    struct api *a = app;
    struct target t;
    int err = 0;
    json_t *row = find(a, req, &t) ? NULL : row_of(a, req, t.id);
    if (!row)
        return api_not_found(req);
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        json_object_set(out, copied[i], json_object_get(row, copied[i]));
    const json_t *factors = json_object_get(row, "factors");
    json_object_set_new(out, "sum_log_odds", json_real(sum_of(factors, "L")));
    json_object_set_new(out, "sum_points", json_real(sum_of(factors, "I")));
    json_object_set_new(
        out, "tier_rule",
        json_string(tier_rule(json_integer_value(json_object_get(row, "likelihood")),
                              json_integer_value(json_object_get(row, "impact")))));
    json_object_set_new(out, "rules", precision_of(a, &t, json_object_get(row, "rules"), &err));
    json_decref(row);
    if (err) {
        json_decref(out);
        return api_away(req);
    }
    return api_give_json(req, out);
}

/* ---- links ----------------------------------------------------------------------------------- */

static void add_link(json_t *items, const char *type, const char *key, const char *from,
                     const char *to, const char *value, const json_t *at)
{
    json_t *one = json_pack("{s:s,s:s,s:s,s:s,s:s?}", "type", type, "key", key, "from", from, "to",
                            to, "value", value);
    json_object_set_new(one, "at", at ? json_deep_copy(at) : json_null());
    if (one)
        json_array_append_new(items, one);
}

/* Alerts made the signal (K1); what put it into the incident. */
static void link_signal(json_t *items, const char *incident, const json_t *signal)
{
    const char *id = json_string_value(json_object_get(signal, "id"));
    const char *key = json_string_value(json_object_get(signal, "key"));
    const char *link = json_string_value(json_object_get(signal, "link"));
    const char *own = json_string_value(json_object_get(signal, "incident"));
    if (!id || !key)
        return;
    add_link(items, "aggr", "K1", "alerts", id, key, json_object_get(signal, "first_seen"));
    if (!link || !*link)
        return;
    const char *type = !strcmp(link, "K3") ? "pred" : !strcmp(link, "attach") ? "rel" : "aggr";
    add_link(items, type, link, id, own ? own : incident, NULL, json_object_get(signal, "link_at"));
}

static int link_signals(struct api *a, struct http_request *req, const struct target *t,
                        json_t *items)
{
    uint64_t numbers[SIGNALS_MAX];
    struct store_conn *c = store_conn(a->conf.store, t->state);
    int n = model_signals(a->conf.model, api_session(req)->scope, t->id, numbers, SIGNALS_MAX);
    int err = n < 0 ? n : 0;
    for (int i = 0; i < n && !err; i++) {
        char id[24];
        snprintf(id, sizeof id, "%llu", (unsigned long long)numbers[i]);
        err = stored_ask(c, t->state, id);
    }
    for (int i = 0; i < n && !err; i++) {
        json_t *signal;
        err = stored_take(c, &signal);
        if (signal)
            link_signal(items, t->id, signal);
        json_decref(signal);
    }
    return err;
}

static void link_incidents(json_t *items, const char *id, const json_t *row)
{
    const char *follows = json_string_value(json_object_get(row, "follows"));
    const char *into = json_string_value(json_object_get(row, "merged_into"));
    const json_t *merged = json_object_get(row, "merged");
    const json_t *campaigns = json_object_get(row, "campaigns");
    if (follows)
        add_link(items, "pred", "follows", follows, id, NULL, json_object_get(row, "opened_at"));
    if (into)
        add_link(items, "rel", "merge", id, into, NULL, NULL);
    for (size_t i = 0; i < json_array_size(merged); i++)
        add_link(items, "rel", "merge", json_string_value(json_array_get(merged, i)), id, NULL,
                 NULL);
    for (size_t i = 0; i < json_array_size(campaigns); i++)
        add_link(items, "correl", "K4", id, json_string_value(json_array_get(campaigns, i)), NULL,
                 NULL);
}

static enum http_done links(struct http_request *req, void *app)
{
    struct api *a = app;
    struct target t;
    json_t *row = find(a, req, &t) ? NULL : row_of(a, req, t.id);
    if (!row)
        return api_not_found(req);
    json_t *items = json_array();
    link_incidents(items, t.id, row);
    int err = link_signals(a, req, &t, items);
    json_decref(row);
    if (err) {
        json_decref(items);
        return api_away(req);
    }
    return api_give_json(req, json_pack("{s:o,s:n,s:I}", "items", items, "next", "total",
                                        (json_int_t)json_array_size(items)));
}

/* ---- merge ----------------------------------------------------------------------------------- */

static enum http_done answer(struct api *a, struct http_request *req, int err,
                             const struct refusal *why)
{
    char etag[24];
    struct head head;
    if (err == ABENG_ECONFLICT || err == ABENG_EINVAL)
        return http_problem(req, why->status, why->rule, "%s", why->text);
    if (err)
        return err == ABENG_ENOENT ? api_not_found(req) : api_away(req);
    const char *id = http_param(req, "id");
    json_t *row = row_of(a, req, id);
    if (!row || model_head(a->conf.model, api_session(req)->scope, id, &head)) {
        json_decref(row);
        return api_not_found(req);
    }
    snprintf(etag, sizeof etag, "%llu", (unsigned long long)head.version);
    http_reply_etag(req, etag);
    return api_give_json(req, row);
}

static enum http_done join(struct http_request *req, struct api *a, bool merge)
{
    struct refusal why;
    const char *bad = NULL;
    int64_t version = api_if_match(req);
    if (version < 0)
        return HTTP_DONE;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *into = api_text(body, "into", &bad);
    struct links_word by = { .who = api_session(req)->user,
                             .reason = api_text(body, "reason", &bad),
                             .now_ms = api_now(a) };
    enum http_done done;
    if (bad || (merge && !into)) {
        done = api_bad(req, bad ? bad : "into");
    } else {
        unsigned scope = api_session(req)->scope;
        const char *id = http_param(req, "id");
        int err = merge ? links_merge(a->conf.store, a->conf.model, scope, id, into,
                                      (uint64_t)version, &by, &why)
                        : links_unmerge(a->conf.store, a->conf.model, scope, id, (uint64_t)version,
                                        &by, &why);
        done = answer(a, req, err, &why);
    }
    json_decref(body);
    return done;
}

static enum http_done merge(struct http_request *req, void *app)
{
    return join(req, app, true);
}

static enum http_done unmerge(struct http_request *req, void *app)
{
    return join(req, app, false);
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/incidents/{id}/explain", ROLE_VIEWERS | SCOPE_ID, 0, explain },
    { HTTP_GET, "/api/v1/incidents/{id}/links", ROLE_VIEWERS | SCOPE_ID, 0, links },
    { HTTP_POST, "/api/v1/incidents/{id}:merge", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX, merge },
    { HTTP_POST, "/api/v1/incidents/{id}:unmerge", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX,
      unmerge },
};

const struct routes api_link_routes = { routes, sizeof routes / sizeof *routes };
