/* SPDX-License-Identifier: Apache-2.0 */
/* Leases, loading, and what others decided. */
#include "config.h"
#include "collector/correlate/commit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/damping.h"
#include "collector/correlate/evidence.h"
#include "collector/correlate/fold.h"
#include "collector/correlate/incident.h"
#include "collector/correlate/indicator.h"
#include "collector/correlate/signal.h"
#include "collector/correlate/stored.h"
#include "collector/correlate/suppress.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/err.h"
#include "common/log.h"

/** Things asked for in one pipeline, and changes read at once. */
#define LOAD_BURST  512
#define CHANGES_MAX 1000

/* ---- leases ---------------------------------------------------------------------------------- */

static int call_small(struct store_conn *c, const char *name, const char *state, const char *first,
                      uint64_t now_ms, struct store_reply **r)
{
    char now[24], hold[24];
    struct store_key key = store_key(state, "fold");
    snprintf(now, sizeof now, "%llu", (unsigned long long)now_ms);
    snprintf(hold, sizeof hold, "%d", COMMIT_LEASE_MS);
    return store_call(c, name, &STORE_KEY(key), 1,
                      (struct store_arg[]){ STORE_TEXT(first), STORE_TEXT(now), STORE_TEXT(hold) },
                      3, r);
}

int commit_lease(struct store_conn *c, const char *state, const char *owner, uint64_t now_ms,
                 uint64_t *fence)
{
    struct store_reply *r;
    int err = call_small(c, "abeng_fold_lease", state, owner, now_ms, &r);
    *fence = (uint64_t)store_reply_int(r);
    store_reply_free(r);
    return err;
}

int commit_renew(struct store_conn *c, const char *state, uint64_t fence, uint64_t now_ms)
{
    struct store_reply *r;
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)fence);
    int err = call_small(c, "abeng_fold_renew", state, text, now_ms, &r);
    store_reply_free(r);
    return err;
}

int commit_release(struct store_conn *c, const char *state, uint64_t fence)
{
    struct store_reply *r;
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)fence);
    int err = call_small(c, "abeng_fold_release", state, text, 0, &r);
    store_reply_free(r);
    return err;
}

int commit_share(struct store_conn *c, const char *owner, uint64_t now_ms, unsigned states,
                 unsigned *share)
{
    struct store_key key = store_key(STORE_REGION, "workers");
    struct store_reply *r = NULL;
    char now[24], old[24];
    snprintf(now, sizeof now, "%llu", (unsigned long long)now_ms);
    snprintf(old, sizeof old, "(%llu",
             (unsigned long long)(now_ms > COMMIT_LEASE_MS ? now_ms - COMMIT_LEASE_MS : 0));
    const struct store_arg add[] = { STORE_TEXT("ZADD"), STORE_KEY(key), STORE_TEXT(now),
                                     STORE_TEXT(owner) };
    int err = store_commandv(c, add, 4, &r);
    store_reply_free(r);
    if (err)
        return err;
    err = store_command(c, &r, "ZCOUNT %s %s +inf", key.text, old);
    int64_t workers = store_reply_int(r);
    store_reply_free(r);
    *share = workers > 1 ? (states + (unsigned)workers - 1) / (unsigned)workers : states;
    return err;
}

void commit_leave(struct store_conn *c, const char *owner)
{
    struct store_key key = store_key(STORE_REGION, "workers");
    const struct store_arg rem[] = { STORE_TEXT("ZREM"), STORE_KEY(key), STORE_TEXT(owner) };
    struct store_reply *r;
    store_commandv(c, rem, 3, &r); /* unanswered, it lapses by itself */
    store_reply_free(r);
}

/* ---- loading --------------------------------------------------------------------------------- */

static int ask_incident(struct store_conn *c, const char *state, const char *number)
{
    struct store_key key = store_key(state, "inc:%s", number);
    return store_command_later(c, "HMGET %s ev ended_ms merged_into", key.text);
}

static int take_incident(struct fold *f, const struct store_reply *fields)
{
    size_t len;
    const char *ev = store_reply_text(store_reply_at(fields, 0), &len);
    struct incident *in = incident_read(ev, len);
    if (!in)
        return ABENG_EFORMAT;
    uint64_t number = in->number;
    fold_restore_incident(f, in);
    fold_decided(f, number, (uint64_t)store_reply_int(store_reply_at(fields, 1)));
    fold_restore_merged(f, number, (uint64_t)store_reply_int(store_reply_at(fields, 2)));
    return 0;
}

/* 0, ABENG_EFORMAT when there is something that is none, ABENG_EAGAIN. */
static int load_incident(struct store_conn *c, struct fold *f)
{
    struct store_reply *r;
    int err = store_collect(c, &r);
    if (!err)
        err = take_incident(f, r);
    store_reply_free(r);
    return err;
}

static int load_signal(struct store_conn *c, struct fold *f)
{
    uint64_t incident;
    json_t *root;
    int err = stored_take(c, &root);
    struct signal *s = err ? NULL : signal_read(root, &incident);
    json_decref(root);
    if (s)
        fold_restore_signal(f, s, incident);
    return err ? err : s ? 0 : ABENG_EFORMAT;
}

struct kind {
    const char *index, *thing;
    int (*ask)(struct store_conn *c, const char *state, const char *number);
    int (*load)(struct store_conn *c, struct fold *f);
};

/* Ask for `n` things named in `ids` from `at` on, then take them in. */
static int load_burst(struct store_conn *c, struct fold *f, const struct kind *kind,
                      const struct store_reply *ids, size_t at, size_t n)
{
    int err = 0;
    for (size_t i = at; i < at + n && !err; i++)
        err = kind->ask(c, fold_state(f), store_reply_text(store_reply_at(ids, i), NULL));
    for (size_t i = at; i < at + n && !err; i++) {
        err = kind->load(c, f);
        if (err != ABENG_EFORMAT)
            continue;
        log_warn("correlate", "{%s}:%s:%s can't be read and is left out", fold_state(f),
                 kind->thing, store_reply_text(store_reply_at(ids, i), NULL));
        err = 0;
    }
    return err;
}

static int load_all(struct store_conn *c, struct fold *f, const struct kind *kind)
{
    struct store_key index = store_key(fold_state(f), "%s", kind->index);
    struct store_reply *ids;
    int err = store_command(c, &ids, "ZRANGE %s 0 -1", index.text);
    size_t count = store_reply_count(ids);
    for (size_t at = 0; at < count && !err; at += LOAD_BURST)
        err = load_burst(c, f, kind, ids, at, count - at < LOAD_BURST ? count - at : LOAD_BURST);
    store_reply_free(ids);
    return err;
}

static void count_outcome(struct fold *f, const struct store_reply *all, size_t i)
{
    char other[64];
    unsigned gid, sid;
    char word[8];
    const char *field = store_reply_text(store_reply_at(all, i), NULL);
    if (sscanf(field, "%u:%u:%7s", &gid, &sid, word) != 3)
        return;
    bool real = !strcmp(word, "real");
    snprintf(other, sizeof other, "%u:%u:%s", gid, sid, real ? "false" : "real");
    unsigned n = (unsigned)store_reply_int(store_reply_at(all, i + 1));
    unsigned m = (unsigned)store_reply_int(store_reply_field(all, other));
    fold_precision(f, gid, sid, real ? n : m, real ? m : n);
}

static int load_precision(struct store_conn *c, struct fold *f)
{
    struct store_key key = store_key(fold_state(f), "prec");
    struct store_reply *all;
    int err = store_command(c, &all, "HGETALL %s", key.text);
    for (size_t i = 0; i + 1 < store_reply_count(all); i += 2)
        count_outcome(f, all, i);
    store_reply_free(all);
    return err;
}

/* A projection's "id others" is all that scoring needs of it. */
static int load_campaign(struct store_conn *c, struct fold *f, const char *id)
{
    struct store_key key = store_key(fold_state(f), "proj:%s", id);
    struct store_reply *r;
    struct indicator i;
    int err = store_command(c, &r, "HMGET %s type value others", key.text);
    if (!err) {
        i.type = strcmp(store_reply_text(store_reply_at(r, 0), NULL), "ip") ? INDICATOR_DOMAIN
                                                                            : INDICATOR_IP;
        snprintf(i.value, sizeof i.value, "%s", store_reply_text(store_reply_at(r, 1), NULL));
        fold_campaign(f, &i, (unsigned)store_reply_int(store_reply_at(r, 2)));
    }
    store_reply_free(r);
    return err;
}

static int load_campaigns(struct store_conn *c, struct fold *f)
{
    struct store_key index = store_key(fold_state(f), "projs");
    struct store_reply *ids;
    int err = store_command(c, &ids, "ZRANGE %s 0 -1", index.text);
    for (size_t i = 0; i < store_reply_count(ids) && !err; i++)
        err = load_campaign(c, f, store_reply_text(store_reply_at(ids, i), NULL));
    store_reply_free(ids);
    return err;
}

/* ---- suppressions ---------------------------------------------------------------------------- */

static bool read_network(const json_t *root, const char *key, struct addr *net, unsigned *bits)
{
    const char *text = evidence_read_text(root, key);
    return *text && !addr_parse_prefix(text, net, bits);
}

/* A document as triage keeps it: sid, victim, peer, created_at, expires_at. */
static void take_suppression(struct suppressions *set, uint64_t number, const char *json,
                             size_t len)
{
    json_t *root = json_loadb(json, len, 0, NULL);
    struct suppression s = { .number = number };
    s.sid = (uint32_t)evidence_read_u64(root, "sid");
    s.has_victim = read_network(root, "victim", &s.victim, &s.victim_bits);
    s.has_peer = read_network(root, "peer", &s.peer, &s.peer_bits);
    s.from_ms = evidence_read_time(root, "created_at");
    s.until_ms = evidence_read_time(root, "expires_at");
    if (s.sid || s.has_victim || s.has_peer)
        suppressions_put(set, &s);
    json_decref(root);
}

/* One as it is now; what is there no longer holds nothing, and its hits are forgotten. */
static int load_suppression(struct store_conn *c, struct fold *f, const char *id)
{
    struct store_key key = store_key(fold_state(f), "suppression:%s", id);
    struct store_key hits = store_key(fold_state(f), "supphits");
    struct store_reply *r, *gone = NULL;
    size_t len;
    uint64_t number = strtoull(id, NULL, 10);
    int err = store_command(c, &r, "HGET %s doc", key.text);
    const char *doc = store_reply_text(r, &len);
    if (!err && len) {
        take_suppression(fold_suppressions(f), number, doc, len);
    } else if (!err) {
        suppressions_remove(fold_suppressions(f), number);
        err = store_command(c, &gone, "HDEL %s %s", hits.text, id);
    }
    store_reply_free(gone);
    store_reply_free(r);
    return err;
}

static void restore_hits(struct fold *f, const char *id, const char *text)
{
    unsigned long long hits = 0, last = 0;
    if (sscanf(text, "%llu %llu", &hits, &last) == 2)
        suppressions_restore(fold_suppressions(f), strtoull(id, NULL, 10), hits, last);
}

static int load_suppressions(struct store_conn *c, struct fold *f)
{
    struct store_key index = store_key(fold_state(f), "suppression:all");
    struct store_reply *ids;
    int err = store_command(c, &ids, "ZRANGE %s 0 -1", index.text);
    for (size_t i = 0; i < store_reply_count(ids) && !err; i++)
        err = load_suppression(c, f, store_reply_text(store_reply_at(ids, i), NULL));
    store_reply_free(ids);
    return err;
}

/* ---- analysts' words ------------------------------------------------------------------------- */

/* An analyst's word about a key: "UNTIL_MS KIND COUNT STAGES", or "" when it was taken back. */
static void take_mute(struct fold *f, const char *key, const char *text)
{
    unsigned long long until = 0, count = 0;
    char kind[16] = "";
    struct mute m = { .until_ms = 0 };
    if (sscanf(text, "%llu %15s %llu %u", &until, kind, &count, &m.stages) == 4) {
        m.until_ms = until;
        m.count = count;
        m.suppress = !strcmp(kind, "suppress");
    }
    fold_mute(f, key, &m);
}

/* About a signal: "INCIDENT AT_MS"; incident 0 is out of any. */
static void take_pin(struct fold *f, const char *signal, const char *text)
{
    unsigned long long incident, at;
    if (sscanf(text, "%llu %llu", &incident, &at) == 2)
        fold_pinned(f, strtoull(signal, NULL, 10), incident, at);
}

typedef void take_word(struct fold *f, const char *name, const char *text);

static int load_words(struct store_conn *c, struct fold *f, const char *hash, take_word *take)
{
    struct store_key key = store_key(fold_state(f), "%s", hash);
    struct store_reply *all;
    int err = store_command(c, &all, "HGETALL %s", key.text);
    for (size_t i = 0; i + 1 < store_reply_count(all); i += 2)
        take(f, store_reply_text(store_reply_at(all, i), NULL),
             store_reply_text(store_reply_at(all, i + 1), NULL));
    store_reply_free(all);
    return err;
}

static int learn_word(struct store_conn *c, struct fold *f, const char *hash, const char *field,
                      take_word *take)
{
    struct store_key key = store_key(fold_state(f), "%s", hash);
    struct store_reply *r;
    int err = store_commandv(
        c, (struct store_arg[]){ STORE_TEXT("HGET"), STORE_KEY(key), STORE_TEXT(field) }, 3, &r);
    if (!err)
        take(f, field, store_reply_text(r, NULL));
    store_reply_free(r);
    return err;
}

static void read_place(const char *text, struct commit_place *place)
{
    const char *colon = strchr(text, ':');
    snprintf(place->entry, sizeof place->entry, "%.*s", (int)(colon ? colon - text : 3),
             colon ? text : "0-0");
    place->done = !colon || !strcmp(colon, ":all") ? UINT64_MAX : strtoull(colon + 1, NULL, 10);
}

int commit_load(struct store_conn *c, struct fold *f, struct commit_place *place)
{
    static const struct kind incidents = { "incs", "inc", ask_incident, load_incident };
    static const struct kind signals = { "sigs", "sig", stored_ask, load_signal };
    struct store_key key = store_key(fold_state(f), "fold");
    struct store_reply *r;
    int err = store_command(c, &r, "HMGET %s pos signal incident time", key.text);
    if (!err)
        err = load_all(c, f, &incidents);
    if (!err)
        err = load_all(c, f, &signals);
    if (!err)
        err = load_precision(c, f);
    if (!err)
        err = load_campaigns(c, f);
    if (!err)
        err = load_words(c, f, "mute", take_mute);
    if (!err)
        err = load_suppressions(c, f);
    if (!err)
        err = load_words(c, f, "supphits", restore_hits);
    if (!err) {
        read_place(store_reply_text(store_reply_at(r, 0), NULL), place);
        fold_restore_mark(f,
                          &(struct fold_mark){ (uint64_t)store_reply_int(store_reply_at(r, 1)),
                                               (uint64_t)store_reply_int(store_reply_at(r, 2)),
                                               (uint64_t)store_reply_int(store_reply_at(r, 3)) });
    }
    store_reply_free(r);
    return err ? err : load_words(c, f, "pins", take_pin);
}

/* ---- damping --------------------------------------------------------------------------------- */

static void take_damping(struct damping *d, const char *json)
{
    json_t *root = json_loads(json, 0, NULL);
    const char *state = json_string_value(json_object_get(root, "state"));
    if (damping_add(d, evidence_read_text(root, "list"), evidence_read_text(root, "match"), state,
                    evidence_read_time(root, "until")))
        log_warn("correlate", "{rg}:damp: an entry can't be used and is left out");
    json_decref(root);
}

int commit_damping(struct store_conn *c, struct damping *into, int64_t *version)
{
    struct store_key key = store_key(STORE_REGION, "damp");
    struct store_key counter = store_key(STORE_REGION, "dampver");
    struct store_reply *r, *all = NULL;
    int err = store_command(c, &r, "GET %s", counter.text);
    int64_t have = store_reply_int(r);
    store_reply_free(r);
    if (err || have == *version)
        return err ? err : ABENG_ENOENT;
    err = store_command(c, &all, "HVALS %s", key.text);
    for (size_t i = 0; i < store_reply_count(all) && !err; i++)
        take_damping(into, store_reply_text(store_reply_at(all, i), NULL));
    store_reply_free(all);
    if (!err)
        *version = have;
    return err;
}

/* ---- constituents ---------------------------------------------------------------------------- */

/* A constituent's document as triage keeps it (triage/record.h): name, class, prefixes. */
static void take_constituent(struct assets *into, const char *json, size_t len)
{
    json_t *root = json_loadb(json, len, 0, NULL);
    const json_t *prefixes = json_object_get(root, "prefixes");
    for (size_t i = 0; i < json_array_size(prefixes); i++) {
        const char *prefix = json_string_value(json_array_get(prefixes, i));
        if (prefix && assets_add(into, prefix, evidence_read_text(root, "class"),
                                 evidence_read_text(root, "name")))
            log_warn("correlate", "constituent's network %.64s can't be used", prefix);
    }
    json_decref(root);
}

int commit_constituents(struct store_conn *c, const char *state, struct assets *into)
{
    struct store_key index = store_key(state, "constituent:all");
    struct store_reply *ids;
    int err = store_command(c, &ids, "ZRANGE %s 0 -1", index.text);
    for (size_t i = 0; i < store_reply_count(ids) && !err; i++) {
        struct store_key key =
            store_key(state, "constituent:%s", store_reply_text(store_reply_at(ids, i), NULL));
        struct store_reply *r;
        size_t len;
        err = store_command(c, &r, "HGET %s doc", key.text);
        const char *doc = store_reply_text(r, &len);
        if (!err && len)
            take_constituent(into, doc, len);
        store_reply_free(r);
    }
    store_reply_free(ids);
    if (!err)
        assets_ready(into);
    return err;
}

/* ---- decisions ------------------------------------------------------------------------------- */

static int learn_incident(struct store_conn *c, struct fold *f, const char *number)
{
    struct store_key key = store_key(fold_state(f), "inc:%s", number);
    struct store_reply *r;
    uint64_t n = strtoull(number, NULL, 10);
    int err = store_command(c, &r, "HMGET %s ended_ms merged_into", key.text);
    if (!err) {
        fold_decided(f, n, (uint64_t)store_reply_int(store_reply_at(r, 0)));
        fold_merged(f, n, (uint64_t)store_reply_int(store_reply_at(r, 1)));
    }
    store_reply_free(r);
    return err;
}

static int learn_other(struct store_conn *c, struct fold *f, const char *kind, const char *id)
{
    if (!strcmp(kind, "camp"))
        return load_campaign(c, f, id);
    if (!strcmp(kind, "mute"))
        return learn_word(c, f, "mute", id, take_mute);
    if (!strcmp(kind, "suppression"))
        return load_suppression(c, f, id);
    if (!strcmp(kind, "pin"))
        return learn_word(c, f, "pins", id, take_pin);
    return 0;
}

int commit_decisions_ask(struct store_conn *c, const struct fold *f, const char *seen)
{
    struct store_key key = store_key(fold_state(f), "chg");
    return store_command_later(c, "XRANGE %s (%s + COUNT %d", key.text, seen, CHANGES_MAX);
}

/* A change of an incident that the fold made itself says nothing new to it. */
static int learn_change(struct store_conn *c, struct fold *f, const struct store_reply *fields)
{
    const char *kind = store_reply_text(store_reply_field(fields, "k"), NULL);
    const char *id = store_reply_text(store_reply_field(fields, "id"), NULL);
    if (strcmp(kind, "inc"))
        return learn_other(c, f, kind, id);
    return store_reply_field(fields, "own") ? 0 : learn_incident(c, f, id);
}

int commit_decisions_take(struct store_conn *c, struct fold *f, const struct store_reply *changes,
                          char seen[COMMIT_POSITION_MAX], bool *constituents)
{
    bool rules = false;
    int err = 0;
    for (size_t i = 0; i < store_reply_count(changes) && !err; i++) {
        const struct store_reply *entry = store_reply_at(changes, i);
        const struct store_reply *fields = store_reply_at(entry, 1);
        const char *kind = store_reply_text(store_reply_field(fields, "k"), NULL);
        rules |= !strcmp(kind, "rule");
        *constituents |= !strcmp(kind, "constituent");
        err = learn_change(c, f, fields);
        if (!err)
            snprintf(seen, COMMIT_POSITION_MAX, "%s",
                     store_reply_text(store_reply_at(entry, 0), NULL));
    }
    return rules && !err ? load_precision(c, f) : err;
}
