/* SPDX-License-Identifier: Apache-2.0 */
/* /sessions, /me/totp and /audit. */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/auth/audit.h"
#include "collector/auth/totp.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"

/* ---- sessions -------------------------------------------------------------------------------- */

static enum http_done sessions(struct http_request *req, void *app)
{
    struct api *a = app;
    struct json j;
    size_t count;
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "items");
    int err = auth_sessions_write(a->conf.auth, api_session(req), &j, &count);
    json_close_array(&j);
    json_nil(&j, "next");
    json_u64(&j, "total", count);
    json_close(&j);
    return err ? api_away(req) : http_reply(req, 200, NULL);
}

static enum http_done end_session(struct http_request *req, void *app)
{
    struct api *a = app;
    int err = auth_session_end(a->conf.auth, api_session(req), http_param(req, "key"));
    if (err)
        return err == ABENG_ENOENT ? api_not_found(req) : api_away(req);
    return http_reply_empty(req, 204);
}

/* ---- second factor --------------------------------------------------------------------------- */

static enum http_done totp_begin(struct http_request *req, void *app)
{
    struct api *a = app;
    const struct session *s = api_session(req);
    char secret[TOTP_SECRET_TEXT], uri[256];
    struct json j;
    int err = auth_totp_begin(a->conf.auth, s->user, secret);
    if (err == ABENG_EEXIST)
        return http_problem(req, 409, "totp", "there is a second factor already; end it first");
    if (err)
        return api_away(req);
    snprintf(uri, sizeof uri, "otpauth://totp/Abeng:%s?secret=%s&issuer=Abeng", s->user, secret);
    http_reply_header(req, "Cache-Control", "no-store");
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_str(&j, "secret", secret);
    json_str(&j, "uri", uri);
    json_close(&j);
    return http_reply(req, 200, NULL);
}

static enum http_done take_code(struct http_request *req, struct api *a, bool confirm)
{
    const struct session *s = api_session(req);
    const char *bad = NULL;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *code = api_text(body, "code", &bad);
    enum http_done done;
    int err = bad || !code ? ABENG_EINVAL
              : confirm    ? auth_totp_confirm(a->conf.auth, s->user, code)
                           : auth_totp_end(a->conf.auth, s->user, code);
    if (err == ABENG_EINVAL) {
        done = api_bad(req, "code");
    } else if (err == ABENG_EAUTH || err == ABENG_EDENIED) {
        done = http_problem(req, 422, "totp", "the code is wrong, or was used before");
    } else if (err == ABENG_ENOENT) {
        done = http_problem(req, 409, "totp", "begin first: POST /me/totp");
    } else if (err) {
        done = api_away(req);
    } else {
        auth_audit(a->conf.auth, s->user, confirm ? "totp.begin" : "totp.end", s->user, "");
        done = http_reply_empty(req, 204);
    }
    json_decref(body);
    return done;
}

static enum http_done totp_confirm(struct http_request *req, void *app)
{
    return take_code(req, app, true);
}

static enum http_done totp_end(struct http_request *req, void *app)
{
    return take_code(req, app, false);
}

/* For who has lost the phone: an administrator ends another's second factor. */
static enum http_done totp_reset(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *user = http_param(req, "user");
    int err = auth_totp_end(a->conf.auth, user, NULL);
    if (err)
        return err == ABENG_ENOENT ? api_not_found(req) : api_away(req);
    auth_audit(a->conf.auth, api_session(req)->user, "totp.reset", user, "");
    return http_reply_empty(req, 204);
}

/* ---- audit ----------------------------------------------------------------------------------- */

static enum http_done audit(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *state = http_query(req, "state"), *after = http_query(req, "after");
    const char *order = http_query(req, "order");
    char next[AUDIT_ID_MAX];
    struct json j;
    size_t count;
    long limit = http_query_number(req, "limit", 1, API_LIST_MAX, API_LIST_SIZE);
    if (limit < 0)
        return HTTP_DONE;
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "items");
    int err = audit_write(auth_conn(a->conf.auth, api_session(req), state), state,
                          order && !strcmp(order, "oldest"), after && *after ? after : NULL,
                          (unsigned)limit, &j, next, &count);
    json_close_array(&j);
    json_str(&j, "next", *next ? next : NULL);
    json_u64(&j, "total", count);
    json_close(&j);
    if (err == ABENG_EFORMAT)
        return http_problem(req, 400, "query", "after is no cursor of ours");
    return err ? api_away(req) : http_reply(req, 200, NULL);
}

static enum http_done roots(struct http_request *req, void *app)
{
    struct api *a = app;
    struct json j;
    size_t count;
    long limit = http_query_number(req, "limit", 1, API_LIST_MAX, API_LIST_SIZE);
    if (limit < 0)
        return HTTP_DONE;
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "items");
    int err =
        audit_roots_write(a->conf.store, api_session(req)->scope, (unsigned)limit, &j, &count);
    json_close_array(&j);
    json_nil(&j, "next");
    json_u64(&j, "total", count);
    json_close(&j);
    return err ? api_away(req) : http_reply(req, 200, NULL);
}

#define AUDITORS (ROLE_REGIONAL | ROLE_NATIONAL | ROLE_ADMIN | ROLE_AUDITOR)

/* clang-format off */
static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/sessions", ROLE_ALL | SCOPE_SELF, 0, sessions },
    { HTTP_DELETE, "/api/v1/sessions/{key}", ROLE_ALL | SCOPE_SELF, 4096, end_session },
    { HTTP_POST, "/api/v1/me/totp", ROLE_ALL | SCOPE_SELF | ROUTE_SECRET, 4096, totp_begin },
    { HTTP_POST, "/api/v1/me/totp:confirm", ROLE_ALL | SCOPE_SELF, 4096, totp_confirm },
    { HTTP_DELETE, "/api/v1/me/totp", ROLE_ALL | SCOPE_SELF, 4096, totp_end },
    { HTTP_DELETE, "/api/v1/users/{user}/totp", ROLE_ADMIN | SCOPE_REGION, 4096, totp_reset },
    { HTTP_GET, "/api/v1/audit", AUDITORS | SCOPE_STATE, 0, audit },
    { HTTP_GET, "/api/v1/audit/roots", AUDITORS | SCOPE_LIST, 0, roots },
};
/* clang-format on */

const struct routes api_account_routes = { routes, sizeof routes / sizeof *routes };
