/* SPDX-License-Identifier: Apache-2.0 */
/* /session and /me. */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>

#include "common/err.h"
#include "common/json.h"

static void write_session(struct http_request *req, const struct session *s, const char *token)
{
    struct json j;
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_str(&j, "user", s->user);
    json_str(&j, "name", s->name);
    json_str(&j, "role", role_word(s->role));
    auth_write_states(&j, s->states);
    json_str(&j, "subject", *s->subject ? s->subject : NULL);
    json_str(&j, "csrf", s->csrf);
    api_write_resources(&j, s->role);
    if (token)
        json_str(&j, "token", token);
    json_close(&j);
}

static void set_cookie(struct http_request *req, const char *token, const char *age)
{
    char text[256];
    snprintf(text, sizeof text, "abeng_session=%s; Path=/; HttpOnly; Secure; SameSite=Strict%s",
             token, age);
    http_reply_header(req, "Set-Cookie", text);
    http_reply_header(req, "Cache-Control", "no-store");
}

static enum http_done refuse_login(struct http_request *req, int err, uint64_t wait_ms)
{
    char wait[24];
    if (err == ABENG_EDENIED)
        return http_problem(req, 401, "login.code", "the code of your second factor is needed");
    if (err == ABENG_EAUTH)
        return http_problem(req, 401, "login", "the user, the password or the code is wrong");
    snprintf(wait, sizeof wait, "%llu", (unsigned long long)(wait_ms / 1000 + 1));
    http_reply_header(req, "Retry-After", wait);
    if (err == ABENG_ELIMIT)
        return http_problem(req, 429, "login.throttle",
                            "too many failed logins; try again in %s seconds", wait);
    return http_problem(req, 503, "login.busy",
                        "too many logins at once, or the store is away; try again");
}

static enum http_done login(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *bad = NULL;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *user = api_text(body, "user", &bad), *password = api_text(body, "password", &bad);
    const char *code = api_text(body, "code", &bad);
    char token[48];
    uint64_t wait_ms = 0;
    struct session s = { .user = "" };
    enum http_done done;
    if (!user || !password) {
        done = http_problem(req, 400, "body", "user and password are needed, as texts");
    } else {
        int err =
            auth_login(a->conf.auth, user, password, code, http_client(req), token, &s, &wait_ms);
        if (err) {
            done = refuse_login(req, err, wait_ms);
        } else {
            set_cookie(req, token, "");
            write_session(req, &s, token);
            done = http_reply(req, 200, NULL);
        }
    }
    json_decref(body);
    return done;
}

static enum http_done me(struct http_request *req, void *app)
{
    (void)app;
    http_reply_header(req, "Cache-Control", "no-store");
    write_session(req, api_session(req), NULL);
    return http_reply(req, 200, NULL);
}

static enum http_done logout(struct http_request *req, void *app)
{
    struct api *a = app;
    if (auth_logout(a->conf.auth, api_session(req)))
        return api_away(req);
    set_cookie(req, "", "; Max-Age=0");
    return http_reply_empty(req, 204);
}

static const struct http_route routes[] = {
    { HTTP_POST, "/api/v1/session", SCOPE_NONE, 4096, login },
    { HTTP_DELETE, "/api/v1/session", ROLE_ALL | SCOPE_SELF, 4096, logout },
    { HTTP_GET, "/api/v1/me", ROLE_ALL | SCOPE_SELF, 0, me },
};

const struct routes api_session_routes = { routes, sizeof routes / sizeof *routes };
