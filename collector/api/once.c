/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency-Key: a POST that was sent twice, because its answer was lost on the way, is done
 * once, and the second one is given the first one's answer. What was refused may be tried again
 * under the same key; what was begun and never answered (the collector died in between) is not
 * done a second time.
 */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/sign.h"

/**
 * Longest key, longest answer kept, most that stands before a body; how long an answer is kept, and
 * how long the first request may still be under way.
 */
#define ONCE_KEY_MAX  128
#define ONCE_BODY_MAX (16u << 10)
#define ONCE_HEAD_MAX (64u << 10)
#define ONCE_KEEP_MS  86400000u
#define ONCE_BUSY_MS  60000u

/** What names a request: the key it is kept under, and the digest of all that is asked. */
struct once {
    struct store_key key;
    char asked[SIGN_DIGEST_TEXT];
};

static bool key_ok(const char *key)
{
    size_t n = strlen(key);
    for (const char *c = key; *c; c++)
        if (*c < '!' || *c > '~')
            return false;
    return n && n <= ONCE_KEY_MAX;
}

/* A user's key is that user's: what another sends under the same words is another request. */
static struct once name_request(struct http_request *req, const char *key)
{
    struct once o;
    struct buf text;
    char digest[SIGN_DIGEST_TEXT];
    size_t len;
    const char *body = http_body(req, &len), *match = http_header(req, "If-Match");
    const struct session *s = api_session(req);
    buf_init(&text, len + ONCE_HEAD_MAX);
    buf_printf(&text, "%s\n%s\n%s", s->user, s->states, key);
    sign_digest_text(text.data, text.len, digest);
    o.key = store_key(STORE_REGION, "once:%s", digest);
    buf_clear(&text);
    buf_printf(&text, "%s\n%s\n", http_path(req), match ? match : "");
    http_query_all(req, &text);
    buf_byte(&text, '\n');
    buf_add(&text, body, len);
    sign_digest_text(text.data, text.len, o.asked);
    buf_free(&text);
    return o;
}

static enum http_done give_again(struct http_request *req, const struct store_reply *r)
{
    size_t len;
    const struct store_reply *kept = store_reply_at(r, 4);
    const char *etag = store_reply_text(store_reply_at(r, 3), NULL);
    const char *type = store_reply_text(store_reply_at(r, 2), NULL);
    const char *body = store_reply_text(kept, &len);
    unsigned status = (unsigned)store_reply_int(store_reply_at(r, 1));
    if (store_reply_nil(kept))
        return http_problem(req, 409, "idempotency.kept",
                            "it was done (%u); its answer was too long or too secret to keep",
                            status);
    http_reply_header(req, "Idempotency-Replayed", "true");
    if (*etag)
        http_reply_header(req, "ETag", etag);
    if (!*type)
        return http_reply_empty(req, status);
    buf_add(http_out(req), body, len);
    return http_reply(req, status, NULL);
}

/* What to say when the key is known already. */
static enum http_done answer(const struct api *a, struct http_request *req,
                             const struct store_reply *r)
{
    const char *word = store_reply_text(store_reply_at(r, 0), NULL);
    if (!strcmp(word, "done"))
        return give_again(req, r);
    if (!strcmp(word, "other"))
        return http_problem(req, 422, "idempotency.reuse",
                            "this Idempotency-Key stands for another request; take a new one");
    if (api_now(a) > (uint64_t)store_reply_int(store_reply_at(r, 1)) + ONCE_BUSY_MS)
        return http_problem(req, 409, "idempotency.unknown",
                            "the same request was begun and not answered: look whether it was "
                            "done, then take a new key");
    http_reply_header(req, "Retry-After", "1");
    return http_problem(req, 409, "idempotency.busy", "the same request is being done right now");
}

/* What was done is kept; what was refused or could not be done leaves no trace. */
static void remember(struct store_conn *c, struct http_request *req, const struct once *o,
                     bool secret)
{
    char status[8];
    unsigned code = http_replied_status(req);
    const char *type = http_replied_type(req), *etag = http_replied_header(req, "ETag");
    const struct buf *body = http_out(req);
    bool json = !type || !strcmp(type, "application/json");
    bool keep = json && !secret && body->len <= ONCE_BODY_MAX;
    struct store_reply *r = NULL;
    if (code < 200 || code > 299) {
        store_command(c, &r, "DEL %s", o->key.text);
    } else {
        snprintf(status, sizeof status, "%u", code);
        struct store_arg args[] = { STORE_TEXT(status),
                                    STORE_TEXT(type ? type : ""),
                                    STORE_TEXT(etag ? etag : ""),
                                    STORE_TEXT(keep ? "1" : "0"),
                                    { body->data, keep && type ? body->len : 0 } };
        store_call(c, "abeng_once_done", &STORE_KEY(o->key), 1, args, 5, &r);
    }
    store_reply_free(r);
}

enum http_done api_once(void *arg, struct http_request *req, const struct http_route *route,
                        void *app)
{
    struct api *a = arg;
    const char *key = http_header(req, "Idempotency-Key");
    if (!key || route->method != HTTP_POST || !api_session(req))
        return route->handle(req, app);
    if (!key_ok(key))
        return http_problem(req, 400, "idempotency.key",
                            "Idempotency-Key is 1 to %d visible ASCII characters", ONCE_KEY_MAX);
    struct once o = name_request(req, key);
    struct store_conn *c = store_conn(a->conf.store, NULL);
    struct store_reply *r;
    char now[24], ms[16];
    snprintf(now, sizeof now, "%llu", (unsigned long long)api_now(a));
    snprintf(ms, sizeof ms, "%u", ONCE_KEEP_MS);
    struct store_arg args[] = { STORE_TEXT(o.asked), STORE_TEXT(now), STORE_TEXT(ms) };
    int err = store_call(c, "abeng_once_begin", &STORE_KEY(o.key), 1, args, 3, &r);
    bool fresh = !err && !strcmp(store_reply_text(store_reply_at(r, 0), NULL), "new");
    enum http_done done = err ? api_away(req) : fresh ? HTTP_DONE : answer(a, req, r);
    store_reply_free(r);
    if (!fresh)
        return done;
    done = route->handle(req, app);
    remember(c, req, &o, route->roles & ROUTE_SECRET);
    return done;
}
