/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering and writing a commit. */
#include "config.h"
#include "collector/correlate/frozen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/commit.h"
#include "collector/correlate/damping.h"
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

/** JSON of all signals, incidents and sightings of one commit. */
#define TEXTS_MAX (1u << 30)

/* An argument that stands in the buffer of all JSON. */
struct written {
    size_t arg, at, len;
};

/* Keys and arguments of the call; short texts live in the arena. */
struct frozen {
    const char *state;
    struct arena *arena;
    struct buf text;
    struct written *texts;
    size_t text_count;
    struct store_arg *keys, *args;
    size_t key_count, arg_count;
    char **samples; /* owned: the fold's before */
    size_t sample_count;
};

static struct frozen *make_room(const char *state, unsigned most, size_t samples)
{
    struct frozen *w = xcalloc(1, sizeof *w);
    w->state = state;
    w->arena = arena_create(0);
    w->keys = arena_alloc(w->arena, most * sizeof *w->keys);
    w->args = arena_alloc(w->arena, most * sizeof *w->args);
    w->texts = arena_alloc(w->arena, most * sizeof *w->texts);
    w->samples = xcalloc(samples + 1, sizeof *w->samples);
    buf_init(&w->text, TEXTS_MAX);
    return w;
}

void frozen_free(struct frozen *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < k->sample_count; i++)
        free(k->samples[i]);
    free(k->samples);
    arena_free(k->arena);
    buf_free(&k->text);
    free(k);
}

static void add_key(struct frozen *w, const struct store_key key)
{
    w->keys[w->key_count++] = STORE_TEXT(arena_strdup(w->arena, key.text));
}

static void add_text(struct frozen *w, const char *text)
{
    w->args[w->arg_count++] = STORE_TEXT(arena_strdup(w->arena, text));
}

static void add_number(struct frozen *w, uint64_t n)
{
    uint8_t text[24];
    struct buf b;
    buf_init_fixed(&b, text, sizeof text);
    buf_decimal(&b, n);
    w->args[w->arg_count++] = STORE_BYTES(arena_memdup(w->arena, text, b.len), b.len);
}

unsigned frozen_words(const struct fold *f)
{
    size_t signals, incidents;
    fold_pending(f, &signals, &incidents);
    return (unsigned)(signals * (8 + INDICATOR_MAX) + 2 * fold_samples(f) + incidents * 11);
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

static void add_pair(struct frozen *w, const char *state, const char *one, const char *other,
                     uint64_t number)
{
    add_key(w, store_key_number(state, one, number));
    add_key(w, store_key_number(state, other, number));
}

/* Written to the end of `text`, which may move until all is written: see settle_texts. */
static void begin_text(struct frozen *w, struct json *j)
{
    w->texts[w->text_count].arg = w->arg_count++;
    w->texts[w->text_count].at = w->text.len;
    json_begin(j, &w->text);
}

static void end_text(struct frozen *w)
{
    struct written *t = &w->texts[w->text_count++];
    t->len = w->text.len - t->at;
}

static void settle_texts(struct frozen *w)
{
    for (size_t i = 0; i < w->text_count; i++)
        w->args[w->texts[i].arg] =
            STORE_BYTES((const char *)w->text.data + w->texts[i].at, w->texts[i].len);
}

/* Its place among those that wait off the queue: since when, "-" no longer, "" as it was. */
static void add_waiting(struct frozen *w, const struct signal *s)
{
    if (!s->incident)
        add_number(w, s->last_ms);
    else
        w->args[w->arg_count++] = s->waited ? STORE_TEXT("-") : STORE_TEXT("");
}

/* All but the numbers, when the store has it otherwise. */
static void add_description(struct frozen *w, const struct signal *s)
{
    struct json j;
    if (s->described) {
        w->args[w->arg_count++] = STORE_TEXT("");
        return;
    }
    begin_text(w, &j);
    signal_write(s, w->state, &j);
    end_text(w);
}

static void add_samples(struct frozen *w, struct signal *s)
{
    size_t count = w->arg_count++, before = w->sample_count;
    for (unsigned i = 0; i < SIGNAL_SAMPLES; i++)
        if (s->samples[i]) {
            add_number(w, i);
            w->args[w->arg_count++] = STORE_TEXT(s->samples[i]);
            w->samples[w->sample_count++] = s->samples[i];
            s->samples[i] = NULL;
        }
    size_t added = w->sample_count - before;
    w->args[count] = added ? STORE_TEXT(arena_printf(w->arena, "%zu", 2 * added)) : STORE_TEXT("0");
}

static void add_signal(struct frozen *w, struct signal *s)
{
    struct json j;
    add_pair(w, w->state, "sig", "smp", s->number);
    add_number(w, s->number);
    add_description(w, s);
    begin_text(w, &j);
    signal_write_numbers(s, &j);
    end_text(w);
    w->args[w->arg_count++] = s->stored ? STORE_TEXT("0") : STORE_TEXT("1");
    add_waiting(w, s);
    add_samples(w, s);
}

static void add_incident(struct frozen *w, const struct incident *in)
{
    struct json j;
    const struct limits *limits = score_limits(in->score.tier);
    add_pair(w, w->state, "inc", "ev", in->number);
    add_number(w, in->number);
    begin_text(w, &j);
    incident_write(in, w->state, &j);
    end_text(w);
    add_number(w, in->score.tier);
    add_number(w, limits->claim);
    add_number(w, limits->decide);
    add_number(w, limits->notify);
    add_number(w, limits->ack);
    add_number(w, in->count);
    add_number(w, in->stages);
}

static void add_hits(struct frozen *w, const struct fold *f, const struct signal *s,
                     unsigned *count)
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
        begin_text(w, &j);
        hit_write(&h, &j);
        end_text(w);
        ++*count;
    }
}

/* What the region hears: how many, then each. */
static void add_outbox(struct frozen *w, const struct fold *f, const struct fold_changes *ch)
{
    unsigned count = 0;
    size_t at = w->arg_count++;
    for (size_t i = 0; i < ch->signal_count; i++)
        add_hits(w, f, ch->signals[i], &count);
    w->args[at] = STORE_TEXT(arena_printf(w->arena, "%u", count));
}

/* What suppressions held back: how many, then each. */
static void add_held(struct frozen *w, const struct suppressions *held)
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

static void add_changes(struct frozen *w, const struct fold_changes *ch)
{
    for (size_t i = 0; i < ch->signal_count; i++)
        add_signal(w, ch->signals[i]);
    for (size_t i = 0; i < ch->gone_count; i++) {
        add_pair(w, w->state, "sig", "smp", ch->gone[i]);
        add_number(w, ch->gone[i]);
    }
    for (size_t i = 0; i < ch->incident_count; i++)
        add_incident(w, ch->incidents[i]);
}

/* What stands before signals and incidents: see the function in store/lua/fold.lua. */
static void add_head(struct frozen *w, const struct fold_changes *ch,
                     const struct commit_place *before, const struct commit_place *after,
                     uint64_t now_ms, uint64_t alerts)
{
    static const char *const keys[] = { "fold", "chg", "q",   "tmr",  "sigs",     "incs",
                                        "min",  "aud", "out", "wait", "supphits", "nums" };
    char from[COMMIT_POSITION_MAX + 24], to[COMMIT_POSITION_MAX + 24];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        add_key(w, store_key(w->state, "%s", keys[i]));
    place_text(before, from);
    place_text(after, to);
    add_number(w, before->fence);
    add_text(w, from);
    add_text(w, to);
    add_number(w, now_ms);
    add_number(w, ch->mark.signal_number);
    add_number(w, ch->mark.incident_number);
    add_number(w, ch->mark.time_ms);
    add_number(w, alerts);
    add_number(w, ch->signal_count);
    add_number(w, ch->gone_count);
    add_number(w, ch->incident_count);
}

struct frozen *frozen_make(struct fold *f, const struct commit_place *before,
                           const struct commit_place *after, uint64_t now_ms, uint64_t alerts)
{
    struct fold_changes ch;
    fold_changes(f, &ch);
    unsigned most = frozen_words(f) + 3 * (unsigned)ch.gone_count + 3 * SUPPRESSIONS_MAX + 32;
    struct frozen *w = make_room(fold_state(f), most, fold_samples(f));
    add_head(w, &ch, before, after, now_ms, alerts);
    add_changes(w, &ch);
    add_outbox(w, f, &ch);
    add_held(w, ch.held);
    settle_texts(w);
    fold_committed(f);
    if (!w->text.bad)
        return w;
    log_error("correlate", "%s: a commit of more than %u bytes", w->state, TEXTS_MAX);
    frozen_free(w);
    return NULL;
}

int frozen_write(struct store_conn *c, const struct frozen *k)
{
    struct store_reply *r;
    int err = store_call(c, "abeng_fold_commit", k->keys, k->key_count, k->args, k->arg_count, &r);
    if (err && err != ABENG_EAGAIN)
        log_error("correlate", "%s: commit refused: %s", k->state, store_reply_text(r, NULL));
    store_reply_free(r);
    return err;
}
