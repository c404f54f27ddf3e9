/* SPDX-License-Identifier: Apache-2.0 */
/* A user's own things: the second factor, and the sessions that are open. */
#include "config.h"
#include "collector/auth/internal.h"

#include <stdio.h>
#include <string.h>

#include "collector/auth/totp.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/sign.h"

/** Sessions looked at in one list. */
#define SESSIONS_MAX 1000

static uint64_t now_ms(const struct auth *a)
{
    return clock_now(a->clock) / NS_PER_MS;
}

/* ---- second factor --------------------------------------------------------------------------- */

static int read_secret(struct auth *a, const char *user, const char *field,
                       char out[TOTP_SECRET_TEXT])
{
    struct store_key key = store_key(STORE_REGION, "user:%s", auth_name_ok(user) ? user : "-");
    struct store_reply *r;
    int err = store_command(store_conn(a->store, NULL), &r, "HGET %s %s", key.text, field);
    snprintf(out, TOTP_SECRET_TEXT, "%s", store_reply_text(r, NULL));
    store_reply_free(r);
    return err;
}

static int set_secret(struct auth *a, const char *user, const char *field, const char *secret)
{
    struct store_key key = store_key(STORE_REGION, "user:%s", user);
    struct store_reply *r;
    int err = store_call(store_conn(a->store, NULL), "abeng_totp_set", &STORE_KEY(key), 1,
                         (struct store_arg[]){ STORE_TEXT(field), STORE_TEXT(secret) }, 2, &r);
    store_reply_free(r);
    return err;
}

/* Whether `code` is good now and was not used before: 0, ABENG_EAUTH, ABENG_EAGAIN. */
static int use_code(struct auth *a, const char *user, const char *secret, const char *code)
{
    char number[24];
    struct store_key key = store_key(STORE_REGION, "user:%s", user);
    struct store_reply *r;
    uint64_t step = totp_step(secret, code, now_ms(a) / 1000);
    if (!step)
        return ABENG_EAUTH;
    snprintf(number, sizeof number, "%llu", (unsigned long long)step);
    int err = store_call(store_conn(a->store, NULL), "abeng_totp_use", &STORE_KEY(key), 1,
                         &STORE_TEXT(number), 1, &r);
    store_reply_free(r);
    return err == ABENG_EDENIED ? ABENG_EAUTH : err;
}

int auth_second(struct auth *a, const char *user, const char *code)
{
    char secret[TOTP_SECRET_TEXT];
    int err = read_secret(a, user, "totp", secret);
    if (err || !*secret)
        return err;
    return code && *code ? use_code(a, user, secret, code) : ABENG_EDENIED;
}

int auth_totp_begin(struct auth *a, const char *user, char *secret)
{
    char old[TOTP_SECRET_TEXT];
    int err = read_secret(a, user, "totp", old);
    if (!err && *old)
        return ABENG_EEXIST;
    totp_secret(secret);
    return err ? err : set_secret(a, user, "totp_new", secret);
}

int auth_totp_confirm(struct auth *a, const char *user, const char *code)
{
    char secret[TOTP_SECRET_TEXT];
    int err = read_secret(a, user, "totp_new", secret);
    if (!err && !*secret)
        return ABENG_ENOENT;
    if (!err && !totp_step(secret, code, now_ms(a) / 1000))
        return ABENG_EAUTH;
    if (!err)
        err = set_secret(a, user, "totp", secret);
    return err ? err : use_code(a, user, secret, code);
}

int auth_totp_end(struct auth *a, const char *user, const char *code)
{
    int err = code ? auth_second(a, user, code) : 0;
    return err ? err : set_secret(a, user, "totp", "");
}

/* ---- sessions -------------------------------------------------------------------------------- */

static uint64_t number(const struct store_reply *r, const char *name)
{
    return (uint64_t)store_reply_int(store_reply_field(r, name));
}

static void write_session(struct json *out, const char *digest, const struct store_reply *r,
                          const struct session *s)
{
    struct store_key key = store_key(STORE_REGION, "session:%s", digest);
    json_open(out, NULL);
    json_str(out, "id", digest);
    json_str(out, "user", store_reply_text(store_reply_field(r, "user"), NULL));
    json_time_ms(out, "created_at", number(r, "created_ms"));
    json_time_ms(out, "last_used_at", number(r, "used_ms"));
    json_str(out, "address", store_reply_text(store_reply_field(r, "address"), NULL));
    json_bool(out, "current", !strcmp(key.text, s->key));
    json_close(out);
}

/* One of the list: written when it is alive and the asker's to see; forgotten when it has ended. */
static int list_one(struct auth *a, const char *digest, const struct session *s, struct json *out,
                    size_t *count)
{
    struct store_conn *c = store_conn(a->store, NULL);
    struct store_key key = store_key(STORE_REGION, "session:%s", digest),
                     all = store_key(STORE_REGION, "sessions");
    struct store_reply *r, *gone = NULL;
    int err = store_command(c, &r, "HGETALL %s", key.text);
    const char *user = store_reply_text(store_reply_field(r, "user"), NULL);
    if (!err && !*user) {
        err = store_command(c, &gone, "ZREM %s %s", all.text, digest);
    } else if (!err && (s->role == ROLE_ADMIN || !strcmp(user, s->user))) {
        write_session(out, digest, r, s);
        *count += 1;
    }
    store_reply_free(gone);
    store_reply_free(r);
    return err;
}

int auth_sessions_write(struct auth *a, const struct session *s, struct json *out, size_t *count)
{
    struct store_key all = store_key(STORE_REGION, "sessions");
    struct store_reply *r;
    *count = 0;
    int err = store_command(store_conn(a->store, NULL), &r, "ZREVRANGE %s 0 %d", all.text,
                            SESSIONS_MAX - 1);
    for (size_t i = 0; i < store_reply_count(r) && !err; i++)
        err = list_one(a, store_reply_text(store_reply_at(r, i), NULL), s, out, count);
    store_reply_free(r);
    return err;
}

int auth_session_end(struct auth *a, const struct session *s, const char *digest)
{
    struct store_conn *c = store_conn(a->store, NULL);
    struct store_reply *r = NULL;
    if (strlen(digest) != SIGN_DIGEST_TEXT - 1 || digest[strspn(digest, "0123456789abcdef")])
        return ABENG_ENOENT;
    struct store_key key = store_key(STORE_REGION, "session:%s", digest);
    int err = store_command(c, &r, "HGET %s user", key.text);
    const char *user = store_reply_text(r, NULL);
    if (!err && (!*user || (s->role != ROLE_ADMIN && strcmp(user, s->user) != 0)))
        err = ABENG_ENOENT;
    if (!err)
        auth_audit(a, s->user, "session.end", user, "");
    store_reply_free(r);
    if (err)
        return err;
    err = store_command(c, &r, "DEL %s", key.text);
    store_reply_free(r);
    return err;
}
