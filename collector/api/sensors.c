/* SPDX-License-Identifier: Apache-2.0 */
/* /sensors: the register, invitations, approval, revocation. */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ingest/sensors.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"

/** Longest token, and text of all sensors. */
#define TOKEN_MAX   4096
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

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/sensors", ROLE_READERS | ROLE_HOST | SCOPE_LIST, 0, list },
    { HTTP_POST, "/api/v1/sensors", ROLE_ADMIN | SCOPE_REGION, API_BODY_MAX, invite },
    { HTTP_GET, "/api/v1/sensors/{id}", ROLE_READERS | ROLE_HOST | SCOPE_LIST, 0, show },
    { HTTP_POST, "/api/v1/sensors/{id}:approve", ROLE_ADMIN | SCOPE_REGION, API_BODY_MAX, approve },
    { HTTP_POST, "/api/v1/sensors/{id}:revoke", ROLE_ADMIN | SCOPE_REGION, API_BODY_MAX, revoke },
};

const struct routes api_sensor_routes = { routes, sizeof routes / sizeof *routes };
