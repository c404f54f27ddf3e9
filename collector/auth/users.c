/* SPDX-License-Identifier: Apache-2.0 */
/* Users: roles, states, and their records. */
#include "config.h"
#include "collector/auth/internal.h"

#include <stdio.h>
#include <string.h>

#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/secret.h"
#include "common/state.h"

static const struct {
    const char *word;
    enum role role;
} roles[] = {
    { "regional", ROLE_REGIONAL }, { "national", ROLE_NATIONAL }, { "contact", ROLE_CONTACT },
    { "admin", ROLE_ADMIN },       { "auditor", ROLE_AUDITOR },   { "partner", ROLE_PARTNER },
    { "host", ROLE_HOST },         { "client", ROLE_CLIENT },
};

int role_find(const char *word)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (!strcmp(roles[i].word, word))
            return roles[i].role;
    return ABENG_ENOENT;
}

const char *role_word(enum role role)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (roles[i].role == role)
            return roles[i].word;
    return "nobody";
}

unsigned auth_scope(const char *states)
{
    unsigned scope = 0;
    if (!strcmp(states, "*"))
        return (1u << STATE_COUNT) - 1;
    while (*states) {
        size_t n = strcspn(states, ",");
        int index = state_find(states, n);
        if (index < 0)
            return 0;
        scope |= 1u << index;
        states += n + (states[n] == ',');
    }
    return scope;
}

void auth_write_states(struct json *out, const char *states)
{
    json_open_array(out, "states");
    while (*states) {
        size_t n = strcspn(states, ",");
        json_strn(out, NULL, states, n);
        states += n + (states[n] == ',');
    }
    json_close_array(out);
}

/* ---- checks ---------------------------------------------------------------------------------- */

static int refuse(char *why, size_t why_len, const char *text)
{
    snprintf(why, why_len, "%s", text);
    return ABENG_EINVAL;
}

bool auth_name_ok(const char *user)
{
    size_t n = strspn(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-");
    return n && n < AUTH_USER_MAX && !user[n];
}

static int check(const struct auth_user *u, char *why, size_t why_len)
{
    if (!auth_name_ok(u->user))
        return refuse(why, why_len, "user: letters, digits and . _ @ - only, at most 63");
    if (u->name && strlen(u->name) >= AUTH_NAME_MAX)
        return refuse(why, why_len, "name: at most 127 bytes");
    if (u->role && role_find(u->role) < 0)
        return refuse(why, why_len,
                      "role: one of regional, national, contact, admin, auditor, partner, host, "
                      "client");
    if (u->subject && strlen(u->subject) >= AUTH_SUBJECT_MAX)
        return refuse(why, why_len, "subject: at most 255 bytes");
    if (u->states && *u->states && (strlen(u->states) >= AUTH_STATES_MAX || !auth_scope(u->states)))
        return refuse(why, why_len, "states: codes of member states, or *");
    if (u->password &&
        (strlen(u->password) < AUTH_PASSWORD_MIN || strlen(u->password) > AUTH_PASSWORD_MAX))
        return refuse(why, why_len, "password: from 10 to 256 bytes");
    return 0;
}

/* Partners and hosts see what their subject names, all others what their states hold. */
static int check_new(const struct auth_user *u, char *why, size_t why_len)
{
    int role = u->role ? role_find(u->role) : ABENG_ENOENT;
    bool by_subject = role == ROLE_PARTNER || role == ROLE_HOST;
    if (role < 0)
        return refuse(why, why_len, "role and states are needed");
    if (by_subject && (!u->subject || !*u->subject))
        return refuse(why, why_len, "subject is needed: a partner's name, or a host's sensors");
    if (by_subject && u->states && *u->states)
        return refuse(why, why_len, "states: a partner or host has none");
    if (!by_subject && (!u->states || !*u->states))
        return refuse(why, why_len, "role and states are needed");
    return 0;
}

/* ---- records --------------------------------------------------------------------------------- */

int auth_user_add(struct auth *a, const struct auth_user *u, char *why, size_t why_len)
{
    char hash[SECRET_HASH_TEXT] = "!", now[24];
    struct store_key keys[] = { store_key(STORE_REGION, "user:%s",
                                          auth_name_ok(u->user) ? u->user : "-"),
                                store_key(STORE_REGION, "users") };
    struct store_reply *r = NULL;
    int err = check(u, why, why_len);
    if (!err)
        err = check_new(u, why, why_len);
    if (!err && u->password)
        err = hasher_hash(a->hasher, u->password, hash);
    if (err)
        return err;
    snprintf(now, sizeof now, "%llu", (unsigned long long)(clock_now(a->clock) / NS_PER_MS));
    err = store_call(
        store_conn(a->store, NULL), "abeng_user_add",
        (struct store_arg[]){ STORE_KEY(keys[0]), STORE_KEY(keys[1]) }, 2,
        (struct store_arg[]){ STORE_TEXT(u->user), STORE_TEXT(u->name ? u->name : u->user),
                              STORE_TEXT(u->role), STORE_TEXT(u->states ? u->states : ""),
                              STORE_TEXT(hash), STORE_TEXT(now),
                              STORE_TEXT(u->subject ? u->subject : "") },
        7, &r);
    if (err == ABENG_EEXIST)
        snprintf(why, why_len, "user %s is there already", u->user);
    store_reply_free(r);
    return err;
}

int auth_user_change(struct auth *a, const struct auth_user *u, char *why, size_t why_len)
{
    char hash[SECRET_HASH_TEXT];
    struct store_arg args[11] = { STORE_TEXT(u->user) };
    size_t n = 1;
    int err = auth_name_ok(u->user) ? check(u, why, why_len) : ABENG_ENOENT;
    if (!err && u->password)
        err = hasher_hash(a->hasher, u->password, hash);
    if (err)
        return err;
    const char *fields[][2] = { { "name", u->name },
                                { "role", u->role },
                                { "states", u->states },
                                { "password", u->password ? hash : NULL },
                                { "subject", u->subject } };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i][1]) {
            args[n++] = STORE_TEXT(fields[i][0]);
            args[n++] = STORE_TEXT(fields[i][1]);
        }
    struct store_key keys[] = { store_key(STORE_REGION, "user:%s", u->user),
                                store_key(STORE_REGION, "users") };
    struct store_reply *r;
    err =
        store_call(store_conn(a->store, NULL), "abeng_user_change",
                   (struct store_arg[]){ STORE_KEY(keys[0]), STORE_KEY(keys[1]) }, 2, args, n, &r);
    store_reply_free(r);
    return err;
}

int auth_user_remove(struct auth *a, const char *user)
{
    if (!auth_name_ok(user))
        return ABENG_ENOENT;
    struct store_key keys[] = { store_key(STORE_REGION, "user:%s", user),
                                store_key(STORE_REGION, "users") };
    struct store_reply *r;
    int err = store_call(store_conn(a->store, NULL), "abeng_user_remove",
                         (struct store_arg[]){ STORE_KEY(keys[0]), STORE_KEY(keys[1]) }, 2,
                         &STORE_TEXT(user), 1, &r);
    store_reply_free(r);
    return err;
}

int auth_user_write(struct auth *a, const char *user, struct json *out)
{
    if (!auth_name_ok(user))
        return ABENG_ENOENT;
    struct store_key key = store_key(STORE_REGION, "user:%s", user);
    struct store_reply *r;
    char text[CLOCK_TEXT_MAX];
    int err = store_command(store_conn(a->store, NULL), &r,
                            "HMGET %s user name role states created_ms subject totp", key.text);
    if (!err && store_reply_nil(store_reply_at(r, 0)))
        err = ABENG_ENOENT;
    if (!err) {
        clock_format_rfc3339((uint64_t)store_reply_int(store_reply_at(r, 4)) * NS_PER_MS, text);
        json_open(out, NULL);
        json_str(out, "user", store_reply_text(store_reply_at(r, 0), NULL));
        json_str(out, "name", store_reply_text(store_reply_at(r, 1), NULL));
        json_str(out, "role", store_reply_text(store_reply_at(r, 2), NULL));
        auth_write_states(out, store_reply_text(store_reply_at(r, 3), NULL));
        json_str(out, "created_at", text);
        const char *subject = store_reply_text(store_reply_at(r, 5), NULL);
        json_str(out, "subject", *subject ? subject : NULL);
        json_bool(out, "totp", *store_reply_text(store_reply_at(r, 6), NULL));
        json_close(out);
    }
    store_reply_free(r);
    return err;
}

int auth_users_write(struct auth *a, struct json *out, size_t *count)
{
    struct store_key key = store_key(STORE_REGION, "users");
    struct store_reply *r;
    *count = 0;
    int err = store_command(store_conn(a->store, NULL), &r, "SORT %s ALPHA", key.text);
    for (size_t i = 0; i < store_reply_count(r) && !err; i++) {
        err = auth_user_write(a, store_reply_text(store_reply_at(r, i), NULL), out);
        *count += !err;
        err = err == ABENG_ENOENT ? 0 : err;
    }
    store_reply_free(r);
    return err;
}
