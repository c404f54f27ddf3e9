/* SPDX-License-Identifier: Apache-2.0 */
/* Loading and committing. */
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
#include "collector/correlate/suppress.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/xalloc.h"

/** Things asked for in one pipeline, and changes read at once. */
#define LOAD_BURST  512
#define CHANGES_MAX 1000

/** JSON of all signals, incidents and sightings of one commit. */
#define TEXTS_MAX (1u << 30)

/* An argument that stands in the buffer of all JSON. */
struct written {
    size_t arg, at, len;
};

/* Keys and arguments of a call while they are gathered; short texts live in the arena. */
struct words {
    struct arena *arena;
    struct written *texts;
    size_t text_count;
    struct store_arg *keys, *args;
    size_t key_count, arg_count;
};

static struct words words_begin(unsigned most)
{
    struct words w = { .arena = arena_create(0) };
    w.keys = arena_alloc(w.arena, most * sizeof *w.keys);
    w.args = arena_alloc(w.arena, most * sizeof *w.args);
    w.texts = arena_alloc(w.arena, most * sizeof *w.texts);
    return w;
}

static void add_key(struct words *w, const struct store_key key)
{
    w->keys[w->key_count++] = STORE_TEXT(arena_strdup(w->arena, key.text));
}

static void add_text(struct words *w, const char *text)
{
    w->args[w->arg_count++] = STORE_TEXT(arena_strdup(w->arena, text));
}

static void add_number(struct words *w, uint64_t n)
{
    uint8_t text[24];
    struct buf b;
    buf_init_fixed(&b, text, sizeof text);
    buf_decimal(&b, n);
    w->args[w->arg_count++] = STORE_BYTES(arena_memdup(w->arena, text, b.len), b.len);
}

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

static int load_incident(struct fold *f, const struct store_reply *fields)
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

static int load_signal(struct fold *f, const struct store_reply *r)
{
    size_t len;
    uint64_t incident;
    const char *json = store_reply_text(r, &len);
    struct signal *s = signal_read(json, len, &incident);
    if (!s)
        return ABENG_EFORMAT;
    fold_restore_signal(f, s, incident);
    return 0;
}

struct kind {
    const char *index, *thing, *command;
    int (*load)(struct fold *f, const struct store_reply *r);
};

/* Ask for `n` things named in `ids` from `at` on, then take them in. */
static int load_burst(struct store_conn *c, struct fold *f, const struct kind *kind,
                      const struct store_reply *ids, size_t at, size_t n)
{
    int err = 0;
    for (size_t i = at; i < at + n && !err; i++) {
        struct store_key key = store_key(fold_state(f), "%s:%s", kind->thing,
                                         store_reply_text(store_reply_at(ids, i), NULL));
        err = store_command_later(c, kind->command, key.text);
    }
    for (size_t i = at; i < at + n && !err; i++) {
        struct store_reply *r;
        err = store_collect(c, &r);
        if (!err && kind->load(f, r))
            log_warn("correlate", "{%s}:%s:%s can't be read and is left out", fold_state(f),
                     kind->thing, store_reply_text(store_reply_at(ids, i), NULL));
        store_reply_free(r);
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
    static const struct kind incidents = { "incs", "inc", "HMGET %s ev ended_ms merged_into",
                                           load_incident };
    static const struct kind signals = { "sigs", "sig", "GET %s", load_signal };
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

/* ---- committing ------------------------------------------------------------------------------ */

unsigned commit_words(const struct fold *f)
{
    size_t signals, incidents;
    fold_pending(f, &signals, &incidents);
    return (unsigned)(signals * (7 + INDICATOR_MAX) + 2 * fold_samples(f) + incidents * 11);
}

static void place_text(const struct commit_place *p, char out[COMMIT_POSITION_MAX + 24])
{
    if (p->done == UINT64_MAX && !strcmp(p->entry, "0-0"))
        snprintf(out, COMMIT_POSITION_MAX + 24, "0-0");
    else if (p->done == UINT64_MAX)
        snprintf(out, COMMIT_POSITION_MAX + 24, "%s:all", p->entry);
    else
        snprintf(out, COMMIT_POSITION_MAX + 24, "%s:%llu", p->entry, (unsigned long long)p->done);
}

static void add_pair(struct words *w, const char *state, const char *one, const char *other,
                     uint64_t number)
{
    add_key(w, store_key(state, "%s:%llu", one, (unsigned long long)number));
    add_key(w, store_key(state, "%s:%llu", other, (unsigned long long)number));
}

/* Written to the end of `text`, which may move until all is written: see settle_texts. */
static void begin_text(struct words *w, struct buf *text, struct json *j)
{
    w->texts[w->text_count].arg = w->arg_count++;
    w->texts[w->text_count].at = text->len;
    json_begin(j, text);
}

static void end_text(struct words *w, const struct buf *text)
{
    struct written *t = &w->texts[w->text_count++];
    t->len = text->len - t->at;
}

static void settle_texts(struct words *w, const struct buf *text)
{
    for (size_t i = 0; i < w->text_count; i++)
        w->args[w->texts[i].arg] = STORE_BYTES((const char *)text->data + w->texts[i].at,
                                               w->texts[i].len);
}

/* Its place among those that wait off the queue: since when, "-" no longer, "" as it was. */
static void add_waiting(struct words *w, const struct signal *s)
{
    if (!s->incident)
        add_number(w, s->last_ms);
    else
        w->args[w->arg_count++] = s->waited ? STORE_TEXT("-") : STORE_TEXT("");
}

static void add_signal(struct words *w, const char *state, const struct signal *s, struct buf *text)
{
    struct json j;
    unsigned samples = 0;
    add_pair(w, state, "sig", "smp", s->number);
    add_number(w, s->number);
    begin_text(w, text, &j);
    signal_write(s, state, &j);
    end_text(w, text);
    w->args[w->arg_count++] = s->stored ? STORE_TEXT("0") : STORE_TEXT("1");
    add_waiting(w, s);
    for (unsigned i = 0; i < SIGNAL_SAMPLES; i++)
        samples += s->samples[i] != NULL;
    add_number(w, 2 * samples);
    for (unsigned i = 0; i < SIGNAL_SAMPLES; i++)
        if (s->samples[i]) {
            add_number(w, i);
            w->args[w->arg_count++] = STORE_TEXT(s->samples[i]);
        }
}

static void add_incident(struct words *w, const char *state, const struct incident *in,
                         struct buf *text)
{
    struct json j;
    const struct limits *limits = score_limits(in->score.tier);
    add_pair(w, state, "inc", "ev", in->number);
    add_number(w, in->number);
    begin_text(w, text, &j);
    incident_write(in, state, &j);
    end_text(w, text);
    add_number(w, in->score.tier);
    add_number(w, limits->claim);
    add_number(w, limits->decide);
    add_number(w, limits->notify);
    add_number(w, limits->ack);
    add_number(w, in->count);
    add_number(w, in->stages);
}

static void add_hits(struct words *w, const struct fold *f, const struct signal *s,
                     struct buf *text, unsigned *count)
{
    struct indicator of[INDICATOR_MAX];
    unsigned n = signal_untold(s) ? indicator_of(s, of) : 0;
    for (unsigned i = 0; i < n; i++) {
        struct json j;
        if (damping_warns(fold_damping_now(f), fold_state(f), &of[i], s->last_ms))
            continue;
        struct hit h = { of[i],     s->number,   s->incident->number,
                         s->count,  s->first_ms, s->last_ms,
                         s->stages, s->prior,    s->rsit };
        begin_text(w, text, &j);
        hit_write(&h, &j);
        end_text(w, text);
        ++*count;
    }
}

/* What the region hears: how many, then each. */
static void add_outbox(struct words *w, const struct fold *f, const struct fold_changes *ch,
                       struct buf *text)
{
    unsigned count = 0;
    size_t at = w->arg_count++;
    for (size_t i = 0; i < ch->signal_count; i++)
        add_hits(w, f, ch->signals[i], text, &count);
    w->args[at] = STORE_TEXT(arena_printf(w->arena, "%u", count));
}

/* What suppressions held back: how many, then each. */
static void add_held(struct words *w, const struct suppressions *held)
{
    unsigned count = 0;
    size_t at = w->arg_count++, walk = 0;
    for (const struct suppression *s; (s = suppressions_next_dirty(held, &walk)); count++) {
        add_number(w, s->number);
        add_text(w, arena_printf(w->arena, "%llu %llu", (unsigned long long)s->hits,
                                 (unsigned long long)s->last_ms));
    }
    w->args[at] = STORE_TEXT(arena_printf(w->arena, "%u", count));
}

static void add_changes(struct words *w, const char *state, const struct fold_changes *ch,
                        struct buf *text)
{
    for (size_t i = 0; i < ch->signal_count; i++)
        add_signal(w, state, ch->signals[i], text);
    for (size_t i = 0; i < ch->gone_count; i++) {
        add_pair(w, state, "sig", "smp", ch->gone[i]);
        add_number(w, ch->gone[i]);
    }
    for (size_t i = 0; i < ch->incident_count; i++)
        add_incident(w, state, ch->incidents[i], text);
}

int commit_write(struct store_conn *c, struct fold *f, const struct commit_place *before,
                 const struct commit_place *after, uint64_t now_ms, uint64_t alerts)
{
    static const char *const keys[] = { "fold", "chg", "q",   "tmr",  "sigs",    "incs",
                                        "min",  "aud", "out", "wait", "supphits" };
    char from[COMMIT_POSITION_MAX + 24], to[COMMIT_POSITION_MAX + 24];
    struct fold_changes ch;
    struct store_reply *r = NULL;
    struct buf text;
    fold_changes(f, &ch);
    unsigned most = commit_words(f) + 3 * (unsigned)ch.gone_count + 3 * SUPPRESSIONS_MAX + 32;
    struct words w = words_begin(most);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        add_key(&w, store_key(fold_state(f), "%s", keys[i]));
    place_text(before, from);
    place_text(after, to);
    add_number(&w, before->fence);
    add_text(&w, from);
    add_text(&w, to);
    add_number(&w, now_ms);
    add_number(&w, ch.mark.signal_number);
    add_number(&w, ch.mark.incident_number);
    add_number(&w, ch.mark.time_ms);
    add_number(&w, alerts);
    add_number(&w, ch.signal_count);
    add_number(&w, ch.gone_count);
    add_number(&w, ch.incident_count);
    buf_init(&text, TEXTS_MAX);
    add_changes(&w, fold_state(f), &ch, &text);
    add_outbox(&w, f, &ch, &text);
    add_held(&w, ch.held);
    settle_texts(&w, &text);
    int err = text.bad ? ABENG_ELIMIT : ABENG_OK;
    if (!err)
        err = store_call(c, "abeng_fold_commit", w.keys, w.key_count, w.args, w.arg_count, &r);
    if (err && err != ABENG_EAGAIN)
        log_error("correlate", "%s: commit refused: %s", fold_state(f), store_reply_text(r, NULL));
    store_reply_free(r);
    arena_free(w.arena);
    buf_free(&text);
    if (!err)
        fold_committed(f);
    return err;
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

int commit_decisions(struct store_conn *c, struct fold *f, char seen[COMMIT_POSITION_MAX],
                     bool *constituents)
{
    struct store_key key = store_key(fold_state(f), "chg");
    struct store_reply *r;
    bool rules = false;
    int err = store_command(c, &r, "XRANGE %s (%s + COUNT %d", key.text, seen, CHANGES_MAX);
    for (size_t i = 0; i < store_reply_count(r) && !err; i++) {
        const struct store_reply *entry = store_reply_at(r, i), *fields = store_reply_at(entry, 1);
        const char *kind = store_reply_text(store_reply_field(fields, "k"), NULL);
        if (!strcmp(kind, "inc"))
            err = learn_incident(c, f, store_reply_text(store_reply_field(fields, "id"), NULL));
        rules |= !strcmp(kind, "rule");
        *constituents |= !strcmp(kind, "constituent");
        if (!err)
            err = learn_other(c, f, kind, store_reply_text(store_reply_field(fields, "id"), NULL));
        if (!err)
            snprintf(seen, COMMIT_POSITION_MAX, "%s",
                     store_reply_text(store_reply_at(entry, 0), NULL));
    }
    store_reply_free(r);
    if (rules && !err)
        err = load_precision(c, f);
    return err;
}
