/* SPDX-License-Identifier: Apache-2.0 */
/* /users: for administrators. */
#include "config.h"
#include "collector/api/internal.h"

#include <string.h>

#include "common/err.h"
#include "common/json.h"

static enum http_done list(struct http_request *req, void *app)
{
    struct api *a = app;
    struct json j;
    size_t count;
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "items");
    int err = auth_users_write(a->conf.auth, &j, &count);
    json_close_array(&j);
    json_nil(&j, "next");
    json_u64(&j, "total", count);
    json_close(&j);
    return err ? api_away(req) : http_reply(req, 200, NULL);
}

static enum http_done reply_user(struct api *a, struct http_request *req, const char *user,
                                 unsigned status)
{
    struct json j;
    json_begin(&j, http_out(req));
    int err = auth_user_write(a->conf.auth, user, &j);
    return err ? api_refuse(req, err, NULL, "") : http_reply(req, status, NULL);
}

/* Fill what the body says of a user; the name of a wrong member, or NULL. */
static const char *read_user(const json_t *body, struct auth_user *u, char states[AUTH_STATES_MAX])
{
    const char *bad = NULL;
    u->name = api_text(body, "name", &bad);
    u->role = api_text(body, "role", &bad);
    u->password = api_text(body, "password", &bad);
    u->subject = api_text(body, "subject", &bad);
    if (json_object_get(body, "states")) {
        if (api_states(body, states))
            return "states";
        u->states = states;
    }
    return bad;
}

static enum http_done add(struct http_request *req, void *app)
{
    struct api *a = app;
    char states[AUTH_STATES_MAX], why[256] = "";
    struct auth_user u = { .user = NULL };
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *bad = read_user(body, &u, states);
    if (!bad)
        u.user = api_text(body, "user", &bad);
    bool program = u.role && !strcmp(u.role, role_word(ROLE_CLIENT));
    if (!bad && (!u.user || (!u.password && !program)))
        bad = u.user ? "password" : "user";
    enum http_done done;
    int err = bad ? 0 : auth_user_add(a->conf.auth, &u, why, sizeof why);
    if (bad) {
        done = api_bad(req, bad);
    } else if (err) {
        done = api_refuse(req, err, "user", why);
    } else {
        auth_audit(a->conf.auth, api_session(req)->user, "user.add", u.user, u.role);
        done = reply_user(a, req, u.user, 201);
    }
    json_decref(body);
    return done;
}

static enum http_done token(struct http_request *req, void *app)
{
    struct api *a = app;
    char text[48], why[256] = "";
    const char *user = http_param(req, "user");
    struct json j;
    int err = auth_client_token(a->conf.auth, user, text, why, sizeof why);
    if (err)
        return api_refuse(req, err, "user.token", why);
    auth_audit(a->conf.auth, api_session(req)->user, "user.token", user, "");
    http_reply_header(req, "Cache-Control", "no-store");
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_str(&j, "token", text);
    json_close(&j);
    return http_reply(req, 200, NULL);
}

/* Nobody takes the last key out of the door: not one's own, not the host's. */
static bool untouchable(const struct http_request *req, const char *user)
{
    return !strcmp(user, api_session(req)->user) || !strcmp(user, AUTH_LOCAL);
}

static enum http_done change(struct http_request *req, void *app)
{
    struct api *a = app;
    char states[AUTH_STATES_MAX], why[256] = "";
    struct auth_user u = { .user = http_param(req, "user") };
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *bad = read_user(body, &u, states);
    enum http_done done;
    if (bad) {
        done = api_bad(req, bad);
    } else if (untouchable(req, u.user) && (u.role || u.states)) {
        done = http_problem(req, 409, "user.self",
                            "your own role, and that of %s, can't be changed", AUTH_LOCAL);
    } else {
        int err = auth_user_change(a->conf.auth, &u, why, sizeof why);
        done = err ? api_refuse(req, err, "user", why) : reply_user(a, req, u.user, 200);
        if (!err)
            auth_audit(a->conf.auth, api_session(req)->user, "user.change", u.user,
                       u.role ? u.role : "");
    }
    json_decref(body);
    return done;
}

static enum http_done remove_user(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *user = http_param(req, "user");
    if (untouchable(req, user))
        return http_problem(req, 409, "user.self", "you can remove neither yourself nor %s",
                            AUTH_LOCAL);
    int err = auth_user_remove(a->conf.auth, user);
    if (err)
        return api_refuse(req, err, NULL, "");
    auth_audit(a->conf.auth, api_session(req)->user, "user.remove", user, "");
    return http_reply_empty(req, 204);
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/users", ROLE_ADMIN | SCOPE_REGION, 0, list },
    { HTTP_POST, "/api/v1/users", ROLE_ADMIN | SCOPE_REGION, API_BODY_MAX, add },
    { HTTP_PATCH, "/api/v1/users/{user}", ROLE_ADMIN | SCOPE_REGION, API_BODY_MAX, change },
    { HTTP_POST, "/api/v1/users/{user}:token", ROLE_ADMIN | SCOPE_REGION | ROUTE_SECRET, 4096,
      token },
    { HTTP_DELETE, "/api/v1/users/{user}", ROLE_ADMIN | SCOPE_REGION, 4096, remove_user },
};

const struct routes api_user_routes = { routes, sizeof routes / sizeof *routes };
