/* SPDX-License-Identifier: Apache-2.0 */
/* Outboxes, campaigns, projections. */
#include "config.h"
#include "collector/correlate/regional.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/region.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/state.h"
#include "common/xalloc.h"

/** Outbox entries read of one state at once, things loaded in one pipeline, forgotten at once. */
#define ENTRIES_MAX 500
#define LOAD_BURST  256
#define GONE_MAX    256

/** Longest entry id, and longest JSON of a campaign. */
#define ENTRY_MAX 48
#define JSON_MAX  (4u << 20)

struct regional {
    struct region *region;
    uint64_t fence;
    char pos[STATE_COUNT][ENTRY_MAX]; /* of each outbox, as committed */
    char reached[STATE_COUNT][ENTRY_MAX];
    char gone[GONE_MAX][INDICATOR_ID_MAX];
    size_t gone_count;
    bool owing; /* projections may be missing */
};

void regional_free(struct regional *r)
{
    if (!r)
        return;
    region_free(r->region);
    free(r);
}

size_t regional_count(const struct regional *r)
{
    return region_count(r->region);
}

/* ---- loading --------------------------------------------------------------------------------- */

static int load_burst(struct regional *r, struct store_conn *c, const struct store_reply *ids,
                      size_t at, size_t end)
{
    int err = 0;
    for (size_t i = at; i < end && !err; i++) {
        struct store_key key =
            store_key(STORE_REGION, "ind:%s", store_reply_text(store_reply_at(ids, i), NULL));
        err = store_command_later(c, "GET %s", key.text);
    }
    for (size_t i = at; i < end && !err; i++) {
        struct store_reply *one;
        size_t len;
        err = store_collect(c, &one);
        const char *json = store_reply_text(one, &len);
        if (!err && region_restore(r->region, json, len))
            log_warn("correlate", "{rg}:ind:%s can't be read and is left out",
                     store_reply_text(store_reply_at(ids, i), NULL));
        store_reply_free(one);
    }
    return err;
}

static int load_positions(struct regional *r, struct store_conn *c)
{
    struct store_key fold = store_key(STORE_REGION, "fold");
    struct store_reply *all;
    int err = store_command(c, &all, "HGETALL %s", fold.text);
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        char field[16];
        snprintf(field, sizeof field, "pos:%s", state_at(s)->code);
        const struct store_reply *pos = store_reply_field(all, field);
        snprintf(r->pos[s], ENTRY_MAX, "%s",
                 store_reply_nil(pos) ? "0-0" : store_reply_text(pos, NULL));
    }
    memcpy(r->reached, r->pos, sizeof r->reached);
    store_reply_free(all);
    return err;
}

struct regional *regional_load(struct store_conn *c, uint64_t fence)
{
    struct regional *r = xcalloc(1, sizeof *r);
    struct store_key index = store_key(STORE_REGION, "inds");
    struct store_reply *ids = NULL;
    r->region = region_create();
    r->fence = fence;
    r->owing = true;
    int err = load_positions(r, c);
    if (!err)
        err = store_command(c, &ids, "ZRANGE %s 0 -1", index.text);
    size_t count = store_reply_count(ids);
    for (size_t at = 0; at < count && !err; at += LOAD_BURST)
        err = load_burst(r, c, ids, at, count - at < LOAD_BURST ? count : at + LOAD_BURST);
    store_reply_free(ids);
    if (!err)
        return r;
    regional_free(r);
    return NULL;
}

/* ---- outboxes -------------------------------------------------------------------------------- */

static void take(struct regional *r, unsigned state, const struct store_reply *fields)
{
    size_t len;
    struct hit h;
    const char *kind = store_reply_text(store_reply_field(fields, "k"), NULL);
    const char *value = store_reply_text(store_reply_field(fields, "v"), &len);
    if (!strcmp(kind, "hit") && !hit_read(value, len, &h))
        region_hit(r->region, state, &h);
    else if (!strcmp(kind, "release"))
        region_release(r->region, state, store_reply_text(store_reply_field(fields, "id"), NULL),
                       !strcmp(value, "1"));
    else
        log_warn("correlate", "{%s}:out: an entry can't be read and is passed over",
                 state_at(state)->code);
}

static int read_outboxes(struct regional *r, struct store_conn *c, size_t *seen)
{
    struct store_reply *replies[STATE_COUNT] = { NULL };
    int err = 0;
    for (unsigned s = 0; s < STATE_COUNT && !err; s++) {
        struct store_key key = store_key(state_at(s)->code, "out");
        err = store_command_later(c, "XRANGE %s (%s + COUNT %d", key.text, r->reached[s],
                                  ENTRIES_MAX);
    }
    for (unsigned s = 0; s < STATE_COUNT && !err; s++)
        err = store_collect(c, &replies[s]);
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        for (size_t i = 0; i < store_reply_count(replies[s]) && !err; i++) {
            const struct store_reply *entry = store_reply_at(replies[s], i);
            take(r, s, store_reply_at(entry, 1));
            snprintf(r->reached[s], ENTRY_MAX, "%s",
                     store_reply_text(store_reply_at(entry, 0), NULL));
            ++*seen;
        }
        store_reply_free(replies[s]);
    }
    return err;
}

/* What was committed is needed no more. */
static int trim_outboxes(struct regional *r, struct store_conn *c)
{
    unsigned asked = 0;
    int err = 0;
    for (unsigned s = 0; s < STATE_COUNT && !err; s++) {
        if (!strcmp(r->pos[s], r->reached[s]))
            continue;
        struct store_key key = store_key(state_at(s)->code, "out");
        err = store_command_later(c, "XTRIM %s MINID %s", key.text, r->reached[s]);
        asked += !err;
    }
    for (; asked; asked--) {
        struct store_reply *reply;
        int failed = store_collect(c, &reply);
        err = err ? err : failed;
        store_reply_free(reply);
    }
    return err;
}

/* ---- writing --------------------------------------------------------------------------------- */

struct call {
    struct arena *arena;
    struct store_arg *keys, *args;
    size_t key_count, arg_count;
};

static void add_key(struct call *w, struct store_key key)
{
    w->keys[w->key_count++] = STORE_TEXT(arena_strdup(w->arena, key.text));
}

static void add_text(struct call *w, const char *text)
{
    w->args[w->arg_count++] = STORE_TEXT(arena_strdup(w->arena, text));
}

static void add_number(struct call *w, uint64_t n)
{
    w->args[w->arg_count++] = STORE_TEXT(arena_printf(w->arena, "%llu", (unsigned long long)n));
}

static void add_campaign(struct call *w, const struct campaign *c, struct buf *text)
{
    struct json j;
    buf_clear(text);
    json_begin(&j, text);
    campaign_write(c, &j);
    add_text(w, c->id);
    w->args[w->arg_count++] = STORE_BYTES(arena_memdup(w->arena, text->data, text->len), text->len);
    add_number(w, c->last_ms);
    add_text(w, c->joined ? "1" : "0");
}

static void add_positions(struct regional *r, struct call *w)
{
    add_number(w, STATE_COUNT);
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        add_text(w, state_at(s)->code);
        add_text(w, r->reached[s]);
    }
}

static void fill(struct regional *r, struct call *w, struct campaign **changed, size_t count)
{
    static const char *const keys[] = { "fold", "inds", "camps", "owed", "chg" };
    struct buf text;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        add_key(w, store_key(STORE_REGION, "%s", keys[i]));
    for (size_t i = 0; i < count; i++)
        add_key(w, store_key(STORE_REGION, "ind:%s", changed[i]->id));
    for (size_t i = 0; i < r->gone_count; i++)
        add_key(w, store_key(STORE_REGION, "ind:%s", r->gone[i]));
    add_number(w, r->fence);
    add_number(w, count);
    add_number(w, r->gone_count);
    add_positions(r, w);
    buf_init(&text, JSON_MAX);
    for (size_t i = 0; i < count; i++)
        add_campaign(w, changed[i], &text);
    for (size_t i = 0; i < r->gone_count; i++)
        add_text(w, r->gone[i]);
    buf_free(&text);
}

static int commit(struct regional *r, struct store_conn *c)
{
    struct campaign **changed;
    size_t count = region_changes(r->region, &changed);
    if (!count && !r->gone_count && !memcmp(r->pos, r->reached, sizeof r->pos))
        return 0;
    struct call w = { .arena = arena_create(0) };
    w.keys = arena_alloc(w.arena, (count + r->gone_count + 8) * sizeof *w.keys);
    w.args =
        arena_alloc(w.arena, (4 * count + r->gone_count + 2 * STATE_COUNT + 8) * sizeof *w.args);
    fill(r, &w, changed, count);
    struct store_reply *reply;
    int err =
        store_call(c, "abeng_region_commit", w.keys, w.key_count, w.args, w.arg_count, &reply);
    if (err && err != ABENG_EAGAIN)
        log_error("correlate", "region: commit refused: %s", store_reply_text(reply, NULL));
    store_reply_free(reply);
    arena_free(w.arena);
    if (err)
        return err;
    region_committed(r->region);
    err = trim_outboxes(r, c);
    memcpy(r->pos, r->reached, sizeof r->pos);
    r->gone_count = 0;
    r->owing = true;
    return err;
}

static int project_one(struct store_conn *c, const struct campaign *k, unsigned state)
{
    char version[24], last[24], others[12];
    struct store_key keys[3] = { store_key(state_at(state)->code, "proj:%s", k->id),
                                 store_key(state_at(state)->code, "projs"),
                                 store_key(state_at(state)->code, "chg") };
    struct store_reply *reply;
    struct buf text;
    struct json j;
    buf_init(&text, JSON_MAX);
    json_begin(&j, &text);
    campaign_project(k, state, &j);
    snprintf(version, sizeof version, "%llu", (unsigned long long)k->version);
    snprintf(last, sizeof last, "%llu", (unsigned long long)k->last_ms);
    snprintf(others, sizeof others, "%d", __builtin_popcount(k->states) - 1);
    int err = store_call(
        c, "abeng_project",
        (struct store_arg[]){ STORE_KEY(keys[0]), STORE_KEY(keys[1]), STORE_KEY(keys[2]) }, 3,
        (struct store_arg[]){ STORE_TEXT(k->id), STORE_TEXT(version),
                              STORE_BYTES(text.data, text.len), STORE_TEXT(last),
                              STORE_TEXT(indicator_word(k->indicator.type)),
                              STORE_TEXT(k->indicator.value), STORE_TEXT(others) },
        7, &reply);
    store_reply_free(reply);
    buf_free(&text);
    return err;
}

static int pay(struct regional *r, struct store_conn *c, const char *id)
{
    const struct campaign *k = region_find(r->region, id);
    struct store_key owed = store_key(STORE_REGION, "owed");
    struct store_reply *reply;
    int err = 0;
    for (unsigned s = 0; s < STATE_COUNT && k && !err; s++)
        if (k->parts[s])
            err = project_one(c, k, s);
    if (err)
        return err;
    err = store_command(c, &reply, "SREM %s %s", owed.text, id);
    store_reply_free(reply);
    return err;
}

/* Write what each state may see of what changed; the list survives a kill. */
static int project(struct regional *r, struct store_conn *c)
{
    struct store_key owed = store_key(STORE_REGION, "owed");
    struct store_reply *ids;
    if (!r->owing)
        return 0;
    int err = store_command(c, &ids, "SMEMBERS %s", owed.text);
    for (size_t i = 0; i < store_reply_count(ids) && !err; i++)
        err = pay(r, c, store_reply_text(store_reply_at(ids, i), NULL));
    store_reply_free(ids);
    r->owing = err != 0;
    return err;
}

int regional_serve(struct regional *r, struct store_conn *c)
{
    size_t seen = 0;
    int err = commit(r, c); /* one that could not be done before */
    if (!err)
        err = project(r, c);
    if (!err)
        err = read_outboxes(r, c, &seen);
    if (!err)
        err = commit(r, c);
    if (!err)
        err = project(r, c);
    return err ? err : (int)seen;
}

void regional_expire(struct regional *r, uint64_t now_ms)
{
    if (!r->gone_count)
        r->gone_count = region_expire(r->region, now_ms, r->gone, GONE_MAX);
}
