/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of records, one record, and changes on the version that was seen. */
#include "config.h"
#include "collector/api/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/store.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/state.h"

/** Filters of one list. */
#define FILTERS_MAX 4

struct store_conn *records_conn(const struct api *a, const struct http_request *req, unsigned state)
{
    return auth_conn(a->conf.auth, api_session(req), state_at(state)->code);
}

int records_find(const struct api *a, struct http_request *req, enum record_kind_of kind,
                 struct record_doc *out)
{
    unsigned state;
    uint64_t number;
    int err = model_parse_id(http_param(req, "id"), &state, &number) ? ABENG_ENOENT : 0;
    *out = (struct record_doc){ .doc = NULL };
    if (!err)
        err = record_load(records_conn(a, req, state), kind, state, number, out);
    if (err == ABENG_ENOENT)
        api_not_found(req);
    else if (err)
        api_away(req);
    return err;
}

static void write_one(const struct record_doc *r, const struct session *s, records_more_fn *more,
                      struct json *out)
{
    json_open(out, NULL);
    record_write(r, out);
    if (more)
        more(r, s, out);
    json_close(out);
}

enum http_done records_reply(struct http_request *req, const struct record_doc *r, unsigned status,
                             records_more_fn *more)
{
    char text[24];
    struct json j;
    json_begin(&j, http_out(req));
    write_one(r, api_session(req), more, &j);
    snprintf(text, sizeof text, "%llu", (unsigned long long)r->version);
    http_reply_etag(req, text);
    return http_reply(req, status, NULL);
}

int records_match(struct http_request *req, const struct record_doc *r)
{
    const char *text = http_header(req, "If-Match");
    char want[32];
    if (!text || !strcmp(text, "*"))
        return 0;
    snprintf(want, sizeof want, "\"%llu\"", (unsigned long long)r->version);
    if (!strcmp(text, want))
        return 0;
    http_problem(req, 412, "version", "somebody changed it since: version is %llu",
                 (unsigned long long)r->version);
    return ABENG_ECONFLICT;
}

enum http_done records_save(const struct api *a, struct http_request *req, enum record_kind_of kind,
                            struct record_doc *r, struct record_change *change, unsigned status,
                            records_more_fn *more)
{
    char why[256];
    change->now_ms = api_now(a);
    change->who = api_session(req)->user;
    int err = record_save(records_conn(a, req, r->state), kind, r, change, why, sizeof why);
    if (err == ABENG_ECONFLICT)
        return http_problem(req, 412, "version", "%s", why);
    if (err)
        return api_refuse(req, err, "record", why);
    return change->remove ? http_reply_empty(req, 204) : records_reply(req, r, status, more);
}

int records_state(const struct http_request *req, const json_t *body)
{
    const char *code = json_string_value(json_object_get(body, "state"));
    int state = code ? state_find(code, strlen(code)) : ABENG_EINVAL;
    return state >= 0 && api_session(req)->scope & 1u << state ? state : ABENG_EINVAL;
}

/* ---- lists ----------------------------------------------------------------------------------- */

struct listing {
    struct http_request *req;
    const struct session *session;
    records_more_fn *more;
    const char *names[FILTERS_MAX], *values[FILTERS_MAX];
    size_t filters;
    unsigned left;
    char next[MODEL_ID_MAX];
    bool full;
    struct json out;
    uint64_t total;
};

static bool list_one(void *arg, const struct record_doc *r)
{
    struct listing *l = arg;
    for (size_t i = 0; i < l->filters; i++)
        if (strcmp(record_text(r, l->names[i]), l->values[i]) != 0)
            return true;
    if (!l->left) {
        l->full = true;
        return false;
    }
    write_one(r, l->session, l->more, &l->out);
    record_id(r, l->next);
    l->left--;
    l->total++;
    return true;
}

static void read_filters(struct http_request *req, const char *const *filters, struct listing *l)
{
    for (; filters && *filters && l->filters < FILTERS_MAX; filters++) {
        const char *value = http_query(req, *filters);
        if (value && *value) {
            l->names[l->filters] = *filters;
            l->values[l->filters++] = value;
        }
    }
}

/* State after state, each from its newest on; `after` is the id that the page before ended with. */
static int list_states(const struct api *a, struct listing *l, enum record_kind_of kind,
                       unsigned scope, const char *after)
{
    unsigned first = 0;
    uint64_t below = 0;
    int err = after && model_parse_id(after, &first, &below) ? ABENG_EFORMAT : 0;
    for (unsigned s = first; s < STATE_COUNT && !l->full && !err; s++)
        if (scope & 1u << s)
            err = record_walk(records_conn(a, l->req, s), kind, s, s == first ? below : 0, list_one,
                              l);
    return err;
}

enum http_done records_list(const struct api *a, struct http_request *req, enum record_kind_of kind,
                            const char *const *filters, records_more_fn *more)
{
    struct listing l = { .req = req, .session = api_session(req), .more = more };
    const char *states = http_query(req, "state"), *after = http_query(req, "after");
    long limit = http_query_number(req, "limit", 1, API_LIST_MAX, API_LIST_SIZE);
    unsigned scope = l.session->scope;
    if (limit < 0)
        return HTTP_DONE;
    if (states && *states && !auth_scope(states))
        return http_problem(req, 400, "query", "state is not what docs/API.md says it may be");
    if (states && *states)
        scope &= auth_scope(states);
    l.left = (unsigned)limit;
    read_filters(req, filters, &l);
    json_begin(&l.out, http_out(req));
    json_open(&l.out, NULL);
    json_open_array(&l.out, "items");
    int err = list_states(a, &l, kind, scope, after && *after ? after : NULL);
    json_close_array(&l.out);
    json_str(&l.out, "next", l.full ? l.next : NULL);
    json_u64(&l.out, "total", l.total);
    json_close(&l.out);
    if (err == ABENG_EFORMAT)
        return http_problem(req, 400, "query", "after is no cursor of ours");
    return err ? api_away(req) : http_reply(req, 200, NULL);
}
