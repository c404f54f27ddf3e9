/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions, logins and the gate. */
#include "config.h"
#include "collector/auth/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/http/http.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/arena.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/secret.h"
#include "common/sign.h"
#include "common/state.h"
#include "common/xalloc.h"

/**
 * How long the local administrator's token may lie unused: ten years; each start makes a new
 * one.
 */
#define LOCAL_IDLE_MS (3650ull * 86400000)

/**
 * A hash of nothing anybody knows: what a wrong user name is checked against, so that it takes
 * as long as a wrong password.
 */
#define DUMMY_HASH                                                                                 \
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"                                       \
    "aGVsbG9oZWxsb2hlbGxvaGVsbG9oZWxsb2hlbGxvMDE"

struct auth *auth_create(struct store *store, const struct clock *clock)
{
    struct auth *a = xcalloc(1, sizeof *a);
    a->store = store;
    a->clock = clock ? clock : clock_system();
    a->hasher = hasher_create();
    return a;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    hasher_free(a->hasher);
    free(a);
}

static uint64_t now_ms(const struct auth *a)
{
    return clock_now(a->clock) / NS_PER_MS;
}

static void number(char out[24], uint64_t n)
{
    snprintf(out, 24, "%llu", (unsigned long long)n);
}

static struct store_key session_key(const char *token)
{
    char digest[SIGN_DIGEST_TEXT];
    sign_digest_text(token, strlen(token), digest);
    return store_key(STORE_REGION, "session:%s", digest);
}

/* ---- sessions -------------------------------------------------------------------------------- */

static int start(struct auth *a, const char *user, const char *address, uint64_t idle_ms,
                 uint64_t longest_ms, char token[48])
{
    char digest[SIGN_DIGEST_TEXT], csrf[SECRET_TOKEN_TEXT], now[24], idle[24], longest[24];
    secret_token(token);
    secret_token(csrf);
    number(now, now_ms(a));
    number(idle, idle_ms);
    number(longest, longest_ms);
    sign_digest_text(token, strlen(token), digest);
    struct store_key keys[] = { session_key(token), store_key(STORE_REGION, "user:%s", user),
                                store_key(STORE_REGION, "sessions") };
    struct store_reply *r;
    int err = store_call(
        store_conn(a->store, NULL), "abeng_session_start",
        (struct store_arg[]){ STORE_KEY(keys[0]), STORE_KEY(keys[1]), STORE_KEY(keys[2]) }, 3,
        (struct store_arg[]){ STORE_TEXT(user), STORE_TEXT(csrf), STORE_TEXT(now), STORE_TEXT(idle),
                              STORE_TEXT(longest), STORE_TEXT(digest), STORE_TEXT(address) },
        7, &r);
    store_reply_free(r);
    return err;
}

static int fill(struct session *s, const struct store_reply *r, const char *key)
{
    int role = role_find(store_reply_text(store_reply_at(r, 2), NULL));
    snprintf(s->user, sizeof s->user, "%s", store_reply_text(store_reply_at(r, 0), NULL));
    snprintf(s->name, sizeof s->name, "%s", store_reply_text(store_reply_at(r, 1), NULL));
    snprintf(s->states, sizeof s->states, "%s", store_reply_text(store_reply_at(r, 3), NULL));
    snprintf(s->csrf, sizeof s->csrf, "%s", store_reply_text(store_reply_at(r, 4), NULL));
    snprintf(s->subject, sizeof s->subject, "%s", store_reply_text(store_reply_at(r, 5), NULL));
    snprintf(s->key, sizeof s->key, "%s", key);
    s->scope = auth_scope(s->states);
    s->role = role < 0 ? 0 : (enum role)role;
    bool by_subject = s->role & (ROLE_PARTNER | ROLE_HOST);
    return role < 0 || !(by_subject ? *s->subject != 0 : s->scope != 0) ? ABENG_ENOENT : 0;
}

/* Who holds `token`: 0, ABENG_ENOENT nobody, ABENG_EAGAIN. */
static int use(struct auth *a, const char *token, struct session *out)
{
    char now[24], user[AUTH_USER_MAX];
    struct store_key key = session_key(token);
    struct store_conn *c = store_conn(a->store, NULL);
    struct store_reply *r;
    int err = store_command(c, &r, "HGET %s user", key.text);
    if (!err && store_reply_nil(r))
        err = ABENG_ENOENT;
    snprintf(user, sizeof user, "%s", store_reply_text(r, NULL));
    store_reply_free(r);
    if (err)
        return err;
    struct store_key of = store_key(STORE_REGION, "user:%s", user);
    number(now, now_ms(a));
    err = store_call(c, "abeng_session_use", (struct store_arg[]){ STORE_KEY(key), STORE_KEY(of) },
                     2, &STORE_TEXT(now), 1, &r);
    if (!err)
        err = fill(out, r, key.text);
    store_reply_free(r);
    return err;
}

int auth_logout(struct auth *a, const struct session *s)
{
    struct store_reply *r;
    int err = store_command(store_conn(a->store, NULL), &r, "DEL %s", s->key);
    store_reply_free(r);
    return err;
}

/* ---- logins ---------------------------------------------------------------------------------- */

static int throttle(struct auth *a, const char *what, const char *user, const char *address,
                    uint64_t *wait_ms)
{
    char digest[SIGN_DIGEST_TEXT], tries[24], window[24], text[512];
    snprintf(text, sizeof text, "%.200s|%.200s", user, address);
    sign_digest_text(text, strlen(text), digest);
    struct store_key key = store_key(STORE_REGION, "try:%s", digest);
    struct store_reply *r;
    number(tries, AUTH_TRIES);
    number(window, AUTH_WINDOW_MS);
    int err = store_call(
        store_conn(a->store, NULL), "abeng_throttle", &STORE_KEY(key), 1,
        (struct store_arg[]){ STORE_TEXT(what), STORE_TEXT(tries), STORE_TEXT(window) }, 3, &r);
    *wait_ms = (uint64_t)store_reply_int(r);
    store_reply_free(r);
    return err;
}

/* 1 when the password is the user's, 0 when not, below 0 when that could not be found out. */
static int check(struct auth *a, const char *user, const char *password)
{
    char hash[SECRET_HASH_TEXT];
    struct store_key key = store_key(STORE_REGION, "user:%s", auth_name_ok(user) ? user : "-");
    struct store_reply *r;
    int err = store_command(store_conn(a->store, NULL), &r, "HGET %s password", key.text);
    bool known = !err && *store_reply_text(r, NULL) == '$';
    snprintf(hash, sizeof hash, "%s", known ? store_reply_text(r, NULL) : DUMMY_HASH);
    store_reply_free(r);
    if (err)
        return err;
    int ok = hasher_verify(a->hasher, hash, password);
    return known ? ok : ok < 0 ? ok : 0;
}

int auth_login(struct auth *a, const char *user, const char *password, const char *code,
               const char *address, char token[48], struct session *who, uint64_t *wait_ms)
{
    uint64_t unused;
    int err = throttle(a, "ask", user, address, wait_ms);
    if (err || *wait_ms)
        return err ? err : ABENG_ELIMIT;
    int ok = check(a, user, password);
    if (ok < 0)
        return ABENG_EAGAIN;
    /* A missing code is asked for; a wrong one counts as a wrong password does. */
    err = ok ? auth_second(a, user, code) : 0;
    if (err == ABENG_EDENIED || err == ABENG_EAGAIN)
        return err;
    ok = ok && !err;
    err = throttle(a, ok ? "good" : "fail", user, address, &unused);
    if (!ok) {
        log_notice("auth", "login refused for %.63s from %s", user, address);
        return err ? err : ABENG_EAUTH;
    }
    if (!err)
        err = start(a, user, address, AUTH_IDLE_MS, AUTH_LONGEST_MS, token);
    if (!err)
        err = use(a, token, who);
    if (!err)
        auth_audit(a, user, "login", user, address);
    return err == ABENG_ENOENT ? ABENG_EAUTH : err;
}

int auth_first_admin(struct auth *a, char password[24])
{
    char why[128];
    struct store_key key = store_key(STORE_REGION, "users");
    struct store_reply *r, *local;
    struct store_conn *c = store_conn(a->store, NULL);
    int err = store_command(c, &r, "SCARD %s", key.text);
    int64_t users = store_reply_int(r);
    store_reply_free(r);
    if (!err)
        err = store_command(c, &local, "SISMEMBER %s " AUTH_LOCAL, key.text);
    if (err)
        return ABENG_EAGAIN;
    users -= store_reply_int(local);
    store_reply_free(local);
    if (users > 0)
        return 0;
    secret_password(password);
    err = auth_user_add(
        a, &(struct auth_user){ "admin", "Administrator", "admin", "*", password, NULL }, why,
        sizeof why);
    return err ? ABENG_EAGAIN : 1;
}

int auth_local_token(struct auth *a, const char *path)
{
    char token[48], why[128];
    struct auth_user u = { AUTH_LOCAL, "Administrator on this host", "admin", "*", NULL, NULL };
    int err = auth_user_add(a, &u, why, sizeof why);
    if (err == ABENG_EEXIST)
        err = auth_user_change(a, &u, why, sizeof why);
    if (!err)
        err = start(a, AUTH_LOCAL, "", LOCAL_IDLE_MS, 0, token);
    if (err)
        return ABENG_EAGAIN;
    size_t n = strlen(token);
    token[n] = '\n';
    return file_replace(path, token, n + 1, 0600);
}

int auth_client_token(struct auth *a, const char *user, char token[48], char *why, size_t why_len)
{
    struct store_key key = store_key(STORE_REGION, "user:%s", auth_name_ok(user) ? user : "-");
    struct store_reply *r;
    int err = store_command(store_conn(a->store, NULL), &r, "HGET %s role", key.text);
    if (!err && store_reply_nil(r))
        err = ABENG_ENOENT;
    if (!err && strcmp(store_reply_text(r, NULL), role_word(ROLE_CLIENT)) != 0) {
        snprintf(why, why_len, "only a user of role client has a token; others log in");
        err = ABENG_ECONFLICT;
    }
    store_reply_free(r);
    return err ? err : start(a, user, "", AUTH_CLIENT_MS, 0, token);
}

void auth_audit(struct auth *a, const char *who, const char *verb, const char *what,
                const char *text)
{
    char now[24];
    struct store_key key = store_key(STORE_REGION, "aud");
    struct store_reply *r;
    number(now, now_ms(a));
    if (store_call(store_conn(a->store, NULL), "abeng_audit", &STORE_KEY(key), 1,
                   (struct store_arg[]){ STORE_TEXT(now), STORE_TEXT(who), STORE_TEXT(verb),
                                         STORE_TEXT(what), STORE_TEXT(text) },
                   5, &r))
        log_warn("auth", "audit entry lost: %s %s %s", who, verb, what);
    store_reply_free(r);
}

/* ---- the gate -------------------------------------------------------------------------------- */

/* TAXII clients know Basic only: the password is the token, whoever the user is said to be. */
static const char *basic_token(struct http_request *req, const char *text)
{
    char *pair = arena_alloc(http_arena(req), AUTH_USER_MAX + 128);
    size_t len = 0;
    if (secret_unbase64(text, pair, AUTH_USER_MAX + 127, &len))
        return NULL;
    pair[len] = '\0';
    const char *colon = strchr(pair, ':');
    return colon ? colon + 1 : NULL;
}

/* The token a request carries; `*cookie` tells whether a browser sent it by itself. */
static const char *token_of(struct http_request *req, bool *cookie)
{
    const char *header = http_header(req, "Authorization");
    *cookie = false;
    if (header && !strncmp(header, "Bearer ", 7))
        return header + 7;
    if (header && !strncmp(header, "Basic ", 6))
        return basic_token(req, header + 6);
    *cookie = true;
    return http_cookie(req, "abeng_session");
}

static int refuse(struct http_request *req, unsigned status, const char *rule, const char *text)
{
    if (status == 401)
        http_reply_header(req, "WWW-Authenticate", "Bearer");
    if (status == 503)
        http_reply_header(req, "Retry-After", "1");
    http_problem(req, status, rule, "%s", text);
    return ABENG_EDENIED;
}

static bool csrf_ok(const struct http_request *req, const struct http_route *route,
                    const struct session *s)
{
    const char *sent = http_header(req, "X-Abeng-CSRF");
    return route->method == HTTP_GET || (sent && secret_equal(sent, s->csrf));
}

/* State index of "jm-12" or "jm"; below 0 when it begins with none. */
static int state_of(const char *text, bool whole)
{
    size_t n = strcspn(text, "-");
    return whole && text[n] ? ABENG_ENOENT : state_find(text, n);
}

int auth_in_scope(const struct session *s, uint32_t roles, const char *id, const char *state)
{
    const char *code = NULL;
    switch (roles & SCOPE_RULES) {
    case SCOPE_NONE:
    case SCOPE_SELF:
    case SCOPE_LIST:
    case SCOPE_REGION:
        return 1;
    case SCOPE_ID:
        code = id;
        break;
    case SCOPE_STATE:
        code = state;
        break;
    default:
        return ABENG_EINVAL;
    }
    int index = code ? state_of(code, code == state) : ABENG_ENOENT;
    return index >= 0 && s->scope & 1u << index;
}

struct store_conn *auth_conn(struct auth *a, const struct session *s, const char *code)
{
    int index = state_find(code, strlen(code));
    if (!strcmp(s->states, "*") || (index >= 0 && s->scope & 1u << index))
        return store_conn(a->store, code);
    for (unsigned i = 0; i < STATE_COUNT; i++)
        if (s->scope & 1u << i)
            return store_conn(a->store, state_at(i)->code);
    return store_conn(a->store, code);
}

/* 0, or what the scope rule refuses with. Foreign and unknown answer alike, byte for byte. */
static int check_scope(struct http_request *req, const struct http_route *route,
                       const struct session *s)
{
    const char *state = http_param(req, "state");
    int in = auth_in_scope(s, route->roles, http_param(req, "id"),
                           state ? state : http_query(req, "state"));
    if (in < 0)
        return refuse(req, 500, "route.rule",
                      "this route has no scope rule; report it as a defect of the collector");
    return in ? 0 : refuse(req, 404, NULL, "there is no such thing, or it is not yours to see");
}

int auth_admit(void *arg, struct http_request *req, const struct http_route *route)
{
    struct auth *a = arg;
    bool cookie;
    const char *token = token_of(req, &cookie);
    struct session *s = arena_alloc(http_arena(req), sizeof *s);
    int err = token ? use(a, token, s) : ABENG_ENOENT;
    if (err && err != ABENG_ENOENT && route->roles != SCOPE_NONE)
        return refuse(req, 503, "store", "the store is away; try again in a second");
    if (route->roles == SCOPE_NONE) {
        if (!err)
            http_set_session(req, s);
        return 0;
    }
    if (err)
        return refuse(req, 401, "session", "log in first: POST /api/v1/session");
    if (!(route->roles & s->role))
        return refuse(req, 403, "role", "your role may not do this");
    if (cookie && !csrf_ok(req, route, s))
        return refuse(req, 403, "csrf", "the X-Abeng-CSRF header is missing or not this session's");
    err = check_scope(req, route, s);
    if (!err)
        http_set_session(req, s);
    return err;
}
