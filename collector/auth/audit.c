/* SPDX-License-Identifier: Apache-2.0 */
/* Entries and roots of the audit. */
#include "config.h"
#include "collector/auth/audit.h"

#include <stdio.h>
#include <string.h>

#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/err.h"
#include "common/json.h"
#include "common/state.h"

#define HOUR_MS 3600000ull

static bool id_ok(const char *id)
{
    size_t n = strspn(id, "0123456789"), m = id[n] == '-' ? strspn(id + n + 1, "0123456789") : 0;
    return n && n < 21 && m && m < 21 && !id[n + 1 + m];
}

static const char *text_of(const struct store_reply *fields, const char *name)
{
    return store_reply_text(store_reply_field(fields, name), NULL);
}

static void write_entry(const struct store_reply *entry, struct json *out)
{
    static const char *const texts[] = { "who", "verb", "what", "text", "prev", "hash" };
    const struct store_reply *f = store_reply_at(entry, 1);
    json_open(out, NULL);
    json_str(out, "id", store_reply_text(store_reply_at(entry, 0), NULL));
    json_time_ms(out, "at", (uint64_t)store_reply_int(store_reply_field(f, "at")));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        json_str(out, texts[i], text_of(f, texts[i]));
    json_close(out);
}

int audit_write(struct store_conn *c, const char *state, bool oldest, const char *after,
                unsigned limit, struct json *out, char next[AUDIT_ID_MAX], size_t *count)
{
    struct store_key key = store_key(state, "aud");
    struct store_reply *r;
    char from[AUDIT_ID_MAX + 1];
    *next = '\0';
    *count = 0;
    if (after && !id_ok(after))
        return ABENG_EFORMAT;
    snprintf(from, sizeof from, "%s%s", after ? "(" : oldest ? "-" : "+", after ? after : "");
    int err = oldest
                  ? store_command(c, &r, "XRANGE %s %s + COUNT %d", key.text, from, (int)limit)
                  : store_command(c, &r, "XREVRANGE %s %s - COUNT %d", key.text, from, (int)limit);
    size_t n = store_reply_count(r);
    for (size_t i = 0; i < n && !err; i++)
        write_entry(store_reply_at(r, i), out);
    if (n == limit)
        snprintf(next, AUDIT_ID_MAX, "%s",
                 store_reply_text(store_reply_at(store_reply_at(r, n - 1), 0), NULL));
    *count = n;
    store_reply_free(r);
    return err;
}

int audit_add(struct store_conn *c, const char *state, uint64_t now_ms, const char *who,
              const char *verb, const char *what, const char *text)
{
    char now[24];
    struct store_key key = store_key(state, "aud");
    struct store_reply *r;
    snprintf(now, sizeof now, "%llu", (unsigned long long)now_ms);
    int err = store_call(c, "abeng_audit", &STORE_KEY(key), 1,
                         (struct store_arg[]){ STORE_TEXT(now), STORE_TEXT(who), STORE_TEXT(verb),
                                               STORE_TEXT(what), STORE_TEXT(text) },
                         5, &r);
    store_reply_free(r);
    return err;
}

/* ---- roots ----------------------------------------------------------------------------------- */

static void add_root(struct store_conn *c, const char *state, uint64_t hour,
                     const struct store_reply *entry, int64_t count)
{
    char at[24], n[24];
    struct store_key keys[] = { store_key(STORE_REGION, "roots"),
                                store_key(STORE_REGION, "rooted") };
    struct store_reply *r;
    const struct store_reply *f = store_reply_at(entry, 1);
    snprintf(at, sizeof at, "%llu", (unsigned long long)(hour * HOUR_MS));
    snprintf(n, sizeof n, "%lld", (long long)count);
    store_call(c, "abeng_audit_root",
               (struct store_arg[]){ STORE_KEY(keys[0]), STORE_KEY(keys[1]) }, 2,
               (struct store_arg[]){ STORE_TEXT(at), STORE_TEXT(state),
                                     STORE_TEXT(store_reply_text(store_reply_at(entry, 0), NULL)),
                                     STORE_TEXT(n), STORE_TEXT(text_of(f, "hash")) },
               5, &r);
    store_reply_free(r);
}

/* Name the root of one chain, if it has entries. */
static int root_chain(struct store_conn *c, unsigned s, uint64_t hour)
{
    struct store_key key = store_key(state_at(s)->code, "aud");
    struct store_reply *last, *length = NULL;
    int err = store_command(c, &last, "XREVRANGE %s + - COUNT 1", key.text);
    if (!err && store_reply_count(last))
        err = store_command(c, &length, "XLEN %s", key.text);
    if (!err && store_reply_count(last))
        add_root(c, state_at(s)->code, hour, store_reply_at(last, 0), store_reply_int(length));
    store_reply_free(length);
    store_reply_free(last);
    return err;
}

/* A chain that began in this hour gets its first root now; one chain is looked at in each call. */
static void root_new(struct store_conn *c, const struct store_key *done, uint64_t now_ms)
{
    unsigned s = (unsigned)(now_ms / 1000 % STATE_COUNT);
    struct store_reply *r;
    int err = store_command(c, &r, "HEXISTS %s %s", done->text, state_at(s)->code);
    if (!err && !store_reply_int(r))
        root_chain(c, s, now_ms / HOUR_MS);
    store_reply_free(r);
}

void audit_roots(struct store *store, uint64_t now_ms)
{
    struct store_conn *c = store_conn(store, NULL);
    struct store_key done = store_key(STORE_REGION, "rooted");
    struct store_reply *r;
    uint64_t hour = now_ms / HOUR_MS;
    int err = store_command(c, &r, "HGET %s hour", done.text);
    bool due = !err && (uint64_t)store_reply_int(r) < hour;
    store_reply_free(r);
    if (!err && !due)
        root_new(c, &done, now_ms);
    for (unsigned s = 0; s < STATE_COUNT && due; s++)
        if (root_chain(c, s, hour))
            return;
    if (due && !store_command(c, &r, "HSET %s hour %llu", done.text, (unsigned long long)hour))
        store_reply_free(r);
}

int audit_roots_write(struct store *store, unsigned scope, unsigned limit, struct json *out,
                      size_t *count)
{
    struct store_key key = store_key(STORE_REGION, "roots");
    struct store_reply *r;
    int err = store_command(store_conn(store, NULL), &r, "XREVRANGE %s + - COUNT %d", key.text,
                            (int)limit * STATE_COUNT);
    *count = 0;
    for (size_t i = 0; i < store_reply_count(r) && *count < limit && !err; i++) {
        const struct store_reply *f = store_reply_at(store_reply_at(r, i), 1);
        const char *state = text_of(f, "state");
        int index = state_find(state, strlen(state));
        if (index < 0 || !(scope & 1u << index))
            continue;
        json_open(out, NULL);
        json_time_ms(out, "at", (uint64_t)store_reply_int(store_reply_field(f, "at")));
        json_str(out, "state", state);
        json_str(out, "id", text_of(f, "id"));
        json_i64(out, "count", store_reply_int(store_reply_field(f, "count")));
        json_str(out, "root", text_of(f, "root"));
        json_close(out);
        *count += 1;
    }
    store_reply_free(r);
    return err;
}
