/* SPDX-License-Identifier: Apache-2.0 */
/* /feeds: channels of signatures and their versions. */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <string.h>

#include "collector/feeds/feeds.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/secret.h"
#include "common/sign.h"

/** Text of all channels. */
#define FEEDS_MAX (4u << 20)

static enum http_done list(struct http_request *req, void *app)
{
    struct api *a = app;
    struct buf items;
    struct json j;
    buf_init(&items, FEEDS_MAX);
    json_begin(&j, &items);
    json_open_array(&j, NULL);
    const struct session *s = api_session(req);
    int err = feeds_write_json(a->conf.feeds, s->role == ROLE_PARTNER ? s->subject : NULL, &j);
    json_close_array(&j);
    enum http_done done = err ? api_away(req) : api_reply_items(req, &items);
    buf_free(&items);
    return done;
}

static enum http_done add(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *bad = NULL;
    char why[256] = "";
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *name = api_text(body, "name", &bad), *partner = api_text(body, "partner", &bad);
    const char *key = api_text(body, "key", &bad);
    enum http_done done;
    if (bad || !name || !key) {
        done = api_bad(req, bad ? bad : !name ? "name" : "key");
    } else {
        int err = feeds_add(a->conf.feeds, name, partner ? partner : name, key, why, sizeof why);
        if (err) {
            done = api_refuse(req, err, "feed.add", why);
        } else {
            auth_audit(a->conf.auth, api_session(req)->user, "feed.add", name, key);
            done = http_reply_empty(req, 201);
        }
    }
    json_decref(body);
    return done;
}

/* The signature travels as base64 of the .minisig text, since a header has one line. */
static char *signature_of(struct http_request *req)
{
    const char *header = http_header(req, "Abeng-Signature");
    char *text = arena_alloc(http_arena(req), SIGN_FILE_MAX + 1);
    size_t len = 0;
    if (!header || secret_unbase64(header, text, SIGN_FILE_MAX, &len) || !len)
        return NULL;
    text[len] = '\0';
    return text;
}

static enum http_done publish(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *channel = http_param(req, "channel");
    const char *signature = signature_of(req);
    char why[256] = "", text[24];
    uint64_t version = 0;
    size_t len;
    struct json j;
    const char *bundle = http_body(req, &len);
    const struct session *s = api_session(req);
    int mine = s->role == ROLE_PARTNER ? feeds_belongs(a->conf.feeds, channel, s->subject) : 1;
    if (mine <= 0)
        return mine < 0 ? api_away(req) : api_not_found(req);
    if (!signature)
        return http_problem(
            req, 400, "signature",
            "the header Abeng-Signature must be the base64 of the .minisig file's text");
    int err =
        feeds_publish(a->conf.feeds, channel, bundle, len, signature, &version, why, sizeof why);
    if (err)
        return api_refuse(req, err, "feed.publish", why);
    snprintf(text, sizeof text, "%llu", (unsigned long long)version);
    auth_audit(a->conf.auth, api_session(req)->user, "feed.publish", channel, text);
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_str(&j, "channel", channel);
    json_u64(&j, "version", version);
    json_close(&j);
    return http_reply(req, 201, NULL);
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/feeds", ROLE_READERS | ROLE_PARTNER | SCOPE_REGION, 0, list },
    { HTTP_POST, "/api/v1/feeds", ROLE_ADMIN | SCOPE_REGION, API_BODY_MAX, add },
    { HTTP_POST, "/api/v1/feeds/{channel}/versions", ROLE_ADMIN | ROLE_PARTNER | SCOPE_REGION,
      FEEDS_BUNDLE_MAX, publish },
};

const struct routes api_feed_routes = { routes, sizeof routes / sizeof *routes };
