/* SPDX-License-Identifier: Apache-2.0 */
/* /sensors: the register, invitations, approval, revocation. */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ingest/alarms.h"
#include "collector/ingest/ledger.h"
#include "collector/ingest/sensors.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"

/** Longest token, and text of all sensors. */
#define TOKEN_MAX   4096
#define DAY_MS      86400000ull
#define SENSORS_MAX (16u << 20)

/* A host sees its own sensors, all of them; anybody else what speaks for the session's states. */
static int write_mine(const struct api *a, const struct http_request *req, struct json *out)
{
    const struct session *s = api_session(req);
    bool host = s->role == ROLE_HOST;
    return sensors_write_json(a->conf.sensors, host ? "*" : s->states, host ? s->subject : NULL,
                              out);
}

static enum http_done list(struct http_request *req, void *app)
{
    struct api *a = app;
    struct buf items;
    struct json j;
    buf_init(&items, SENSORS_MAX);
    json_begin(&j, &items);
    json_open_array(&j, NULL);
    int err = write_mine(a, req, &j);
    json_close_array(&j);
    enum http_done done = err ? api_away(req) : api_reply_items(req, &items);
    buf_free(&items);
    return done;
}

/* Answer with one sensor as it is now. */
static enum http_done reply_one(struct api *a, struct http_request *req, const char *id)
{
    struct buf items;
    struct json j;
    enum http_done done = HTTP_DONE;
    buf_init(&items, SENSORS_MAX);
    json_begin(&j, &items);
    json_open_array(&j, NULL);
    int err = write_mine(a, req, &j);
    json_close_array(&j);
    json_t *array = err ? NULL : json_loadb((const char *)items.data, items.len, 0, NULL);
    buf_free(&items);
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *one = json_string_value(json_object_get(json_array_get(array, i), "id"));
        if (one && !strcmp(one, id))
            found = json_array_get(array, i);
    }
    char *text = found ? json_dumps(found, JSON_COMPACT) : NULL;
    if (text) {
        buf_text(http_out(req), text);
        done = http_reply(req, 200, NULL);
    } else {
        done = err ? api_away(req) : api_not_found(req);
    }
    free(text);
    json_decref(array);
    return done;
}

static enum http_done show(struct http_request *req, void *app)
{
    return reply_one(app, req, http_param(req, "id"));
}

static void write_invitation(struct http_request *req, const char *name, const char *token,
                             uint64_t expires_ns)
{
    char time[CLOCK_TEXT_MAX], command[TOKEN_MAX + 64];
    struct json j;
    clock_format_rfc3339(expires_ns, time);
    snprintf(command, sizeof command, "abeng-sensor enrol --token %s", token);
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_str(&j, "id", name);
    json_str(&j, "token", token);
    json_str(&j, "expires", time);
    json_str(&j, "command", command);
    json_close(&j);
}

static enum http_done invite(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *bad = NULL;
    char states[AUTH_STATES_MAX], why[256] = "";
    uint64_t expires = 0;
    struct buf token;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    buf_init(&token, TOKEN_MAX);
    struct sensors_invitation in = { .name = api_text(body, "name", &bad),
                                     .site = api_text(body, "site", &bad) };
    in.hold = json_is_true(json_object_get(body, "hold"));
    in.states = states;
    if (!bad && !in.name)
        bad = "name";
    if (!bad && (api_states(body, states) || strchr(states, '*')))
        bad = "states";
    enum http_done done;
    int err = bad ? 0 : sensors_invite(a->conf.sensors, &in, &token, &expires, why, sizeof why);
    if (bad) {
        done = api_bad(req, bad);
    } else if (err) {
        done = api_refuse(req, err, "sensor.invite", why);
    } else {
        auth_audit(a->conf.auth, api_session(req)->user, "sensor.invite", in.name, states);
        write_invitation(req, in.name, buf_str(&token), expires);
        done = http_reply(req, 201, NULL);
    }
    buf_free(&token);
    json_decref(body);
    return done;
}

static enum http_done approve(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *bad = NULL, *id = http_param(req, "id");
    char why[256] = "";
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *fingerprint = api_text(body, "fingerprint", &bad);
    int err = fingerprint ? sensors_approve(a->conf.sensors, id, fingerprint, why, sizeof why) : 0;
    enum http_done done;
    if (!fingerprint)
        done = api_bad(req, "fingerprint");
    else if (err)
        done = api_refuse(req, err, "sensor.approve", why);
    else
        done = reply_one(a, req, id);
    if (fingerprint && !err)
        auth_audit(a->conf.auth, api_session(req)->user, "sensor.approve", id, fingerprint);
    json_decref(body);
    return done;
}

static enum http_done revoke(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *bad = NULL, *id = http_param(req, "id");
    char why[256] = "";
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *reason = api_text(body, "reason", &bad);
    enum http_done done;
    if (bad || !reason || !*reason) {
        done = http_problem(req, 422, "reason", "a reason is needed, as a text");
    } else {
        int err = sensors_revoke(a->conf.sensors, id, reason, why, sizeof why);
        done = err ? api_refuse(req, err, "sensor.revoke", why) : reply_one(a, req, id);
        if (!err)
            auth_audit(a->conf.auth, api_session(req)->user, "sensor.revoke", id, reason);
    }
    json_decref(body);
    return done;
}

/* ---- the account, and alarms ----------------------------------------------------------------- */

/* A time of the query in ms; false when it is none. */
static bool time_of(const struct http_request *req, const char *name, uint64_t *ms)
{
    const char *text = http_query(req, name);
    uint64_t ns;
    if (!text)
        return true;
    if (clock_parse(text, strlen(text), &ns) != ABENG_OK)
        return false;
    *ms = ns / NS_PER_MS;
    return true;
}

static void write_sum(struct json *j, const struct ledger_sum *sum)
{
    json_open(j, "sum");
    json_u64(j, "raised", sum->raised);
    json_u64(j, "received", sum->received);
    json_u64(j, "late", sum->late);
    json_u64(j, "lost", sum->lost);
    json_u64(j, "shed", sum->shed);
    json_u64(j, "gaps", sum->gaps);
    json_close(j);
}

static enum http_done ledger(struct http_request *req, void *app)
{
    struct api *a = app;
    const struct session *s = api_session(req);
    const char *id = http_param(req, "id");
    uint64_t to = api_now(a), from = to - DAY_MS;
    char states[CA_STATES_MAX];
    struct ledger_sum sum;
    int64_t offset;
    size_t count;
    struct json j;
    if (!time_of(req, "from", &from) || !time_of(req, "to", &to) || to < from)
        return http_problem(req, 400, "query", "from and to are times (RFC 3339), in this order");
    bool host = s->role == ROLE_HOST;
    if (host && !ca_states_have(s->subject, id))
        return api_not_found(req);
    int err = sensors_states(a->conf.sensors, id, host ? "*" : s->states, states, &offset);
    if (err)
        return err == ABENG_ENOENT ? api_not_found(req) : api_away(req);
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_str(&j, "sensor", id);
    json_i64(&j, "clock_offset_ms", offset);
    json_open_array(&j, "items");
    err = ledger_write_hours(a->conf.store, id, states, from, to, &j, &sum, &count);
    if (err)
        return api_away(req);
    json_close_array(&j);
    json_nil(&j, "next");
    json_u64(&j, "total", count);
    write_sum(&j, &sum);
    json_close(&j);
    return http_reply(req, 200, NULL);
}

static enum http_done alarms(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *active = http_query(req, "active");
    struct alarms_query q = { .states = api_session(req)->states };
    size_t count;
    struct json j;
    bool any = active && !strcmp(active, "any");
    q.on = any || !active || !strcmp(active, "true");
    q.over = any || (active && !strcmp(active, "false"));
    if (!q.on && !q.over)
        return http_problem(req, 400, "query", "active is true, false or any");
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "items");
    if (alarms_write(a->conf.store, &q, &j, &count))
        return api_away(req);
    json_close_array(&j);
    json_nil(&j, "next");
    json_u64(&j, "total", count);
    json_close(&j);
    return http_reply(req, 200, NULL);
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/alarms", ROLE_READERS | SCOPE_LIST, 0, alarms },
    { HTTP_GET, "/api/v1/sensors/{id}/ledger", ROLE_READERS | ROLE_HOST | SCOPE_LIST, 0, ledger },
    { HTTP_GET, "/api/v1/sensors", ROLE_READERS | ROLE_HOST | SCOPE_LIST, 0, list },
    { HTTP_POST, "/api/v1/sensors", ROLE_ADMIN | SCOPE_REGION | ROUTE_SECRET, API_BODY_MAX,
      invite },
    { HTTP_GET, "/api/v1/sensors/{id}", ROLE_READERS | ROLE_HOST | SCOPE_LIST, 0, show },
    { HTTP_POST, "/api/v1/sensors/{id}:approve", ROLE_ADMIN | SCOPE_REGION, API_BODY_MAX, approve },
    { HTTP_POST, "/api/v1/sensors/{id}:revoke", ROLE_ADMIN | SCOPE_REGION, API_BODY_MAX, revoke },
};

const struct routes api_sensor_routes = { routes, sizeof routes / sizeof *routes };
