/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of one member state. */
#include "config.h"
#include "collector/correlate/fold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/classify.h"
#include "collector/correlate/damping.h"
#include "collector/correlate/evidence.h"
#include "collector/correlate/incident.h"
#include "collector/correlate/indicator.h"
#include "collector/correlate/key.h"
#include "collector/correlate/observation.h"
#include "collector/correlate/rsit.h"
#include "collector/correlate/signal.h"
#include "collector/correlate/suppress.h"
#include "collector/correlate/table.h"
#include "common/xalloc.h"

/**
 * Windows: a signal's silence, a chain's reach, how long an ended incident takes new evidence,
 * and how late alerts may be.
 */
#define FOLD_IDLE_MS     EVIDENCE_DAY_MS
#define FOLD_CHAIN_MS    (2 * EVIDENCE_DAY_MS)
#define FOLD_CHAIN_HOSTS 8
#define FOLD_REOPEN_MS   (14 * EVIDENCE_DAY_MS)
#define FOLD_LATE_MS     (3 * EVIDENCE_DAY_MS)

/** An alert this far behind the newest one is counted as late. */
#define FOLD_ON_TIME_MS EVIDENCE_HOUR_MS

/** A growing list of pointers. */
struct list {
    void **items;
    size_t count, room;
};

struct fold {
    const char *state;
    struct classify *classify;
    const struct assets *assets;
    const struct damping *damping;
    struct fold_mark mark;
    struct table *signals;   /* all, by number */
    struct table *incidents; /* all, by number */
    struct table *k1, *k2;
    struct table *victims; /* address -> the latest incident about it */
    struct table *past;    /* rule -> struct precision */
    struct table *fan_out; /* rule and day -> struct fan_out */
    struct table *shared;  /* indicator -> struct shared */
    struct table *muted;   /* K1 -> struct mute */
    struct suppressions *held;
    struct list dirty_signals, dirty_incidents;
    uint64_t *gone;
    size_t gone_count;
    size_t sample_count; /* since the last commit */
};

/* Incidents that a rule made on one day. */
struct fan_out {
    uint32_t gid, sid;
    uint64_t day;
    unsigned count;
};

/* An indicator that other states saw, too. */
struct shared {
    char id[INDICATOR_ID_MAX];
    unsigned others;
};

static void list_add(struct list *l, void *item)
{
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->items = xreallocarray(l->items, l->room, sizeof *l->items);
    }
    l->items[l->count++] = item;
}

struct fold *fold_create(const char *state, struct classify *classify, const struct assets *assets)
{
    struct fold *f = xcalloc(1, sizeof *f);
    f->state = state;
    f->classify = classify;
    f->assets = assets;
    f->signals = table_create();
    f->incidents = table_create();
    f->k1 = table_create();
    f->k2 = table_create();
    f->victims = table_create();
    f->past = table_create();
    f->fan_out = table_create();
    f->shared = table_create();
    f->muted = table_create();
    f->held = suppressions_create();
    return f;
}

/* Free a table whose values are plain memory. */
static void free_values(struct table *t)
{
    size_t at = 0;
    for (void *value; (value = table_next(t, &at));)
        free(value);
    table_free(t);
}

static void free_tables(struct fold *f)
{
    free_values(f->past);
    free_values(f->fan_out);
    free_values(f->shared);
    free_values(f->muted);
    table_free(f->signals);
    table_free(f->incidents);
    table_free(f->k1);
    table_free(f->k2);
    table_free(f->victims);
}

void fold_free(struct fold *f)
{
    if (!f)
        return;
    size_t at = 0;
    for (struct signal *s; (s = table_next(f->signals, &at));)
        if (!s->incident)
            signal_free(s);
    at = 0;
    for (struct incident *in; (in = table_next(f->incidents, &at));)
        incident_free(in);
    free_tables(f);
    suppressions_free(f->held);
    free(f->dirty_signals.items);
    free(f->dirty_incidents.items);
    free(f->gone);
    free(f);
}

const char *fold_state(const struct fold *f)
{
    return f->state;
}

static void number_text(uint64_t number, char out[24])
{
    snprintf(out, 24, "%llu", (unsigned long long)number);
}

static void remember(struct table *t, uint64_t number, void *thing)
{
    char text[24];
    number_text(number, text);
    table_put(t, text, thing);
}

static void *recall(const struct table *t, uint64_t number)
{
    char text[24];
    number_text(number, text);
    return table_find(t, text);
}

static void forget(struct table *t, uint64_t number)
{
    char text[24];
    number_text(number, text);
    table_remove(t, text);
}

static void touch_incident(struct fold *f, struct incident *in)
{
    for (; in; in = in->into) {
        if (!in->dirty)
            list_add(&f->dirty_incidents, in);
        in->dirty = true;
    }
}

static void touch_signal(struct fold *f, struct signal *s)
{
    if (!s->dirty)
        list_add(&f->dirty_signals, s);
    s->dirty = true;
}

/* ---- signals --------------------------------------------------------------------------------- */

/* Ended so long ago (visible time) that new evidence makes a new incident. */
static bool past_reopening(struct incident *in, const struct observation *o)
{
    uint64_t ended_ms = incident_root(in)->ended_ms;
    return ended_ms && o->received_ms > ended_ms + FOLD_REOPEN_MS;
}

static void fan_out_key(uint32_t gid, uint32_t sid, uint64_t day, char out[64])
{
    snprintf(out, 64, "%u:%u|%llu", gid, sid, (unsigned long long)day);
}

static bool storms(const struct fold *f, const struct observation *o)
{
    char key[64];
    fan_out_key(o->gid, o->sid, o->time_ms / EVIDENCE_DAY_MS, key);
    const struct fan_out *n = table_find(f->fan_out, key);
    return n && n->count >= FOLD_FAN_OUT;
}

/* `held`: the suppression that keeps the alert back, or NULL. */
static struct signal *signal_for(struct fold *f, const struct verdict *v,
                                 const struct observation *o, const struct suppression *held)
{
    char plain[KEY_MAX], back[SUPPRESS_KEY_MAX];
    char *key = plain;
    bool storm = false;
    key_signal(v, o, plain);
    if (held)
        suppress_key(plain, held->number, key = back);
    struct signal *s = table_find(f->k1, key);
    if (!s && !held && (table_count(f->signals) >= FOLD_SIGNALS_MAX || storms(f, o))) {
        key_storm(v, o, key);
        s = table_find(f->k1, key);
        storm = true;
    }
    if (s && o->time_ms <= s->last_ms + FOLD_IDLE_MS &&
        !(s->incident && past_reopening(s->incident, o)))
        return s;
    s = signal_create(++f->mark.signal_number, key, v, o);
    s->storm = storm;
    remember(f->signals, s->number, s);
    table_put(f->k1, key, s);
    return s;
}

/* ---- incidents ------------------------------------------------------------------------------- */

static bool about_victim(const struct signal *s)
{
    return incident_subject(s) == &s->victim;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/*
 * How long after tries on many hosts something on one of them carries them on. The more hosts, the
 * likelier is chance: hosts times time stays what it is for FOLD_CHAIN_HOSTS of them.
 */
static uint64_t chain_reach(const struct incident *in)
{
    uint64_t hosts = 0;
    for (const struct signal *s = in->signals; s; s = s->next)
        hosts += s->host_count;
    if (hosts <= FOLD_CHAIN_HOSTS)
        return FOLD_CHAIN_MS;
    uint64_t reach = FOLD_CHAIN_MS * FOLD_CHAIN_HOSTS / hosts;
    return reach > EVIDENCE_HOUR_MS ? reach : EVIDENCE_HOUR_MS;
}

/* K3: an incident of the same victim that this signal carries on. */
static struct incident *chain_for(struct fold *f, const struct signal *s,
                                  const struct observation *o)
{
    char victim[KEY_HOST_MAX];
    key_host(&s->victim, victim);
    struct incident *in = about_victim(s) && s->stage ? table_find(f->victims, victim) : NULL;
    if (!in || past_reopening(in, o) || distance(in->last_ms, o->time_ms) > chain_reach(in))
        return NULL;
    unsigned seen = 0;
    for (const struct signal *of = in->signals; of; of = of->next)
        seen |= of->stages;
    bool rises = seen >> 1 && s->stage > (enum stage)(31 - __builtin_clz(seen));
    return rises ? in : NULL;
}

/* A scan by the signal's peer within the chain's reach before it. */
static bool was_probed(const struct fold *f, const struct signal *s)
{
    for (uint64_t back = 0; back <= FOLD_CHAIN_MS && back <= s->last_ms; back += EVIDENCE_DAY_MS) {
        char key[KEY_MAX];
        key_scan(&s->peer, s->last_ms - back, key);
        const struct signal *scan = table_find(f->k1, key);
        if (scan && scan != s && distance(scan->last_ms, s->last_ms) <= FOLD_CHAIN_MS)
            return true;
    }
    return false;
}

/* Victims are found again under each host that the signal names. */
static void place_hosts(struct fold *f, struct incident *in, const struct signal *s)
{
    for (unsigned i = 0; about_victim(s) && i < s->host_count; i++) {
        char host[KEY_HOST_MAX];
        key_host(&s->hosts[i], host);
        const struct incident *old = table_find(f->victims, host);
        if (!old || old->number < in->number)
            table_put(f->victims, host, in);
    }
}

static void place(struct fold *f, struct incident *in, const struct signal *s)
{
    char key[KEY_MAX];
    key_incident(s, key);
    const struct incident *old = table_find(f->k2, key);
    if (!old || old->number < in->number || old->ended_ms)
        table_put(f->k2, key, in);
    place_hosts(f, in, s);
}

static void count_born(struct fold *f, const struct incident *in)
{
    char key[64];
    if (in->storm)
        return;
    fan_out_key(in->born.gid, in->born.sid, in->born.day, key);
    struct fan_out *n = table_find(f->fan_out, key);
    if (!n) {
        n = xcalloc(1, sizeof *n);
        n->gid = in->born.gid;
        n->sid = in->born.sid;
        n->day = in->born.day;
        table_put(f->fan_out, key, n);
    }
    n->count++;
}

static struct incident *incident_for(struct fold *f, const struct signal *s,
                                     const struct observation *o, uint64_t follows)
{
    struct incident *in = incident_create(++f->mark.incident_number, follows);
    in->born.gid = o->gid;
    in->born.sid = o->sid;
    in->born.day = o->time_ms / EVIDENCE_DAY_MS;
    in->storm = s->storm;
    count_born(f, in);
    remember(f->incidents, in->number, in);
    return in;
}

static bool seen_elsewhere(const struct fold *f, const struct signal *s);

/* An analyst has said that this is nothing, and it is not more than it was then. */
static bool muted(const struct fold *f, const struct signal *s, const struct observation *o)
{
    const struct mute *m = table_find(f->muted, s->key);
    if (!m || o->received_ms >= m->until_ms)
        return false;
    return m->suppress ||
           (s->count < 4 * m->count && !(s->stages & ~m->stages) && !seen_elsewhere(f, s));
}

static void link_signal(struct incident *in, struct signal *s, enum link link, uint64_t at_ms)
{
    incident_join(in, s);
    s->link = link;
    s->link_ms = at_ms;
}

static void attach(struct fold *f, struct signal *s, const struct observation *o)
{
    char key[KEY_MAX];
    uint64_t follows = 0;
    if (s->pinned || muted(f, s, o) || suppress_of_key(s->key))
        return;
    key_incident(s, key);
    struct incident *in = table_find(f->k2, key);
    if (in && past_reopening(in, o)) {
        follows = in->number;
        in = NULL;
    }
    bool enough = s->alerts && s->count >= s->alerts;
    enum link link = s->storm ? LINK_STORM : LINK_K2;
    if (in && !enough)
        return;
    if (!in && (in = chain_for(f, s, o)))
        link = LINK_K3;
    if (!in && !enough)
        return;
    if (!in)
        in = incident_for(f, s, o, follows);
    link_signal(in, s, link, o->time_ms);
    in->probed |= s->stage > STAGE_PROBE && was_probed(f, s);
    place(f, in, s);
}

static void count_suppressed(const struct fold *f, struct signal *s, const struct observation *o,
                             struct suppression *held)
{
    const struct mute *m = table_count(f->muted) ? table_find(f->muted, s->key) : NULL;
    s->suppressed += held || (m && m->suppress && o->received_ms < m->until_ms);
    if (!held)
        return;
    held->hits++;
    held->last_ms = o->time_ms > held->last_ms ? o->time_ms : held->last_ms;
    held->dirty = true;
}

uint64_t fold_alert(struct fold *f, const struct observation *o)
{
    struct verdict v;
    struct observation at = *o;
    if (at.time_ms > at.received_ms)
        at.time_ms = at.received_ms;
    bool late = at.time_ms + FOLD_ON_TIME_MS < f->mark.time_ms;
    classify_alert(f->classify, &at, &v);
    struct suppression *held =
        suppressions_find(f->held, at.sid, &v.victim, &v.peer, at.received_ms);
    struct signal *s = signal_for(f, &v, &at, held);
    unsigned hosts = s->host_count;
    uint64_t sampled = s->sampled;
    touch_signal(f, s);
    signal_add(s, &v, &at, late);
    f->sample_count += s->sampled - sampled;
    count_suppressed(f, s, &at, held);
    if (at.time_ms > f->mark.time_ms)
        f->mark.time_ms = at.time_ms;
    if (!s->incident)
        attach(f, s, &at);
    else if (s->host_count > hosts)
        place_hosts(f, s->incident, s);
    if (s->incident) {
        s->incident->last_ms =
            at.time_ms > s->incident->last_ms ? at.time_ms : s->incident->last_ms;
        touch_incident(f, s->incident);
    }
    return s->number;
}

/* ---- changes --------------------------------------------------------------------------------- */

static const struct precision *past_of(const struct fold *f, const struct signal *s)
{
    char key[32];
    snprintf(key, sizeof key, "%u:%u", s->gid, s->sid);
    return table_find(f->past, key);
}

static void indicator_key(const struct indicator *i, char out[KEY_MAX])
{
    snprintf(out, KEY_MAX, "%s|%s", indicator_word(i->type), i->value);
}

static void name_campaign(struct incident *in, const struct shared *with)
{
    in->other_states = with->others > in->other_states ? with->others : in->other_states;
    for (unsigned i = 0; i < in->campaign_count; i++)
        if (!strcmp(in->campaigns[i], with->id))
            return;
    if (in->campaign_count < INCIDENT_CAMPAIGNS)
        memcpy(in->campaigns[in->campaign_count++], with->id, INDICATOR_ID_MAX);
}

/* What other states saw of it. */
static void sum_campaigns(const struct fold *f, struct incident *in)
{
    struct incident_walk w = { in, in, NULL };
    in->campaign_count = in->other_states = 0;
    for (const struct signal *s; table_count(f->shared) && (s = incident_next(&w));) {
        struct indicator of[INDICATOR_MAX];
        unsigned n = indicator_of(s, of);
        for (unsigned i = 0; i < n; i++) {
            char key[KEY_MAX];
            indicator_key(&of[i], key);
            const struct shared *with = table_find(f->shared, key);
            if (with && with->others)
                name_campaign(in, with);
        }
    }
}

static bool seen_elsewhere(const struct fold *f, const struct signal *s)
{
    struct indicator of[INDICATOR_MAX];
    unsigned n = table_count(f->shared) ? indicator_of(s, of) : 0;
    for (unsigned i = 0; i < n; i++) {
        char key[KEY_MAX];
        indicator_key(&of[i], key);
        const struct shared *with = table_find(f->shared, key);
        if (with && with->others)
            return true;
    }
    return false;
}

static unsigned damped_by(const struct damping *d, const char *state, const struct signal *lead)
{
    unsigned set = 0;
    for (int l = 0; l < DAMPING_LISTS; l++)
        if (damping_find(d, (enum damping_list)l, state, lead))
            set |= 1u << l;
    return set;
}

void fold_damping(struct fold *f, const struct damping *damping)
{
    size_t at = 0;
    f->damping = damping;
    for (struct incident *in; (in = table_next(f->incidents, &at));)
        if (!in->ended_ms && in->lead && in->damped != damped_by(damping, f->state, in->lead))
            touch_incident(f, in);
}

static unsigned points_of(const struct assets *a, const struct incident *in)
{
    const char *class, *label;
    return assets_points(a, incident_subject(in->lead), &class, &label);
}

void fold_assets(struct fold *f, const struct assets *assets)
{
    const struct assets *old = f->assets;
    size_t at = 0;
    f->assets = assets;
    for (struct incident *in; (in = table_next(f->incidents, &at));)
        if (!in->ended_ms && in->lead && points_of(old, in) != points_of(assets, in))
            touch_incident(f, in);
}

const struct damping *fold_damping_now(const struct fold *f)
{
    return f->damping;
}

void fold_campaign(struct fold *f, const struct indicator *i, unsigned others)
{
    char key[KEY_MAX];
    size_t at = 0;
    indicator_key(i, key);
    struct shared *with = table_find(f->shared, key);
    if (with && with->others == others)
        return;
    if (!with) {
        with = xcalloc(1, sizeof *with);
        indicator_id(i, with->id);
        table_put(f->shared, key, with);
    }
    with->others = others;
    for (const struct signal *s; (s = table_next(f->signals, &at));) {
        struct indicator of[INDICATOR_MAX];
        unsigned n = s->incident && !s->incident->dirty ? indicator_of(s, of) : 0;
        for (unsigned k = 0; k < n; k++)
            if (of[k].type == i->type && !strcmp(of[k].value, i->value))
                touch_incident(f, s->incident);
    }
}

void fold_changes(struct fold *f, struct fold_changes *out)
{
    for (size_t i = 0; i < f->dirty_incidents.count; i++) {
        struct incident *in = f->dirty_incidents.items[i];
        incident_sum(in);
        sum_campaigns(f, in);
        score_incident(
            in, &(struct score_ground){ f->state, f->assets, f->damping, past_of(f, in->lead) });
    }
    *out = (struct fold_changes){
        (struct signal **)f->dirty_signals.items,
        f->dirty_signals.count,
        (struct incident **)f->dirty_incidents.items,
        f->dirty_incidents.count,
        f->gone,
        f->gone_count,
        f->held,
        f->mark,
    };
}

void fold_committed(struct fold *f)
{
    for (size_t i = 0; i < f->dirty_signals.count; i++) {
        struct signal *s = f->dirty_signals.items[i];
        if (signal_untold(s)) {
            s->told.count = s->count;
            s->told.last_ms = s->last_ms;
            s->told.stages = s->stages;
            s->told.incident = s->incident->number;
        }
        s->dirty = false;
        s->stored = s->described = true;
        s->waited = !s->incident;
        for (unsigned k = 0; k < SIGNAL_SAMPLES; k++) {
            free(s->samples[k]);
            s->samples[k] = NULL;
        }
    }
    for (size_t i = 0; i < f->dirty_incidents.count; i++)
        ((struct incident *)f->dirty_incidents.items[i])->dirty = false;
    f->dirty_signals.count = f->dirty_incidents.count = f->gone_count = f->sample_count = 0;
    suppressions_committed(f->held);
}

/* ---- restoring ------------------------------------------------------------------------------- */

void fold_restore_incident(struct fold *f, struct incident *in)
{
    remember(f->incidents, in->number, in);
}

void fold_restore_signal(struct fold *f, struct signal *s, uint64_t incident)
{
    struct incident *in = incident ? recall(f->incidents, incident) : NULL;
    remember(f->signals, s->number, s);
    table_put(f->k1, s->key, s);
    s->stored = true;
    s->waited = !in;
    if (in)
        incident_join(in, s);
    if (in && s->link != LINK_HAND)
        place(f, in, s);
    s->described = true;
}

void fold_restore_mark(struct fold *f, const struct fold_mark *mark)
{
    size_t at = 0;
    f->mark = *mark;
    for (struct incident *in; (in = table_next(f->incidents, &at));) {
        struct incident *into = in->into_number ? recall(f->incidents, in->into_number) : NULL;
        if (into)
            incident_merge(in, into);
        count_born(f, in);
    }
    at = 0;
    for (struct incident *in; (in = table_next(f->incidents, &at));)
        incident_sum(in);
}

void fold_restore_merged(struct fold *f, uint64_t part, uint64_t whole)
{
    struct incident *in = recall(f->incidents, part);
    if (in)
        in->into_number = whole;
}

/* Take `thing` out from under `key`, unless something newer stands there. */
static void unplace(struct table *t, const char *key, const void *thing)
{
    if (table_find(t, key) == thing)
        table_remove(t, key);
}

/* The incident is not found by this signal's key and hosts any more. */
static void unplace_signal(struct fold *f, const struct incident *in, const struct signal *s)
{
    char key[KEY_MAX];
    key_incident(s, key);
    unplace(f->k2, key, in);
    for (unsigned i = 0; i < s->host_count; i++) {
        char host[KEY_HOST_MAX];
        key_host(&s->hosts[i], host);
        unplace(f->victims, host, in);
    }
}

/* ---- analysts' words ------------------------------------------------------------------------- */

void fold_merged(struct fold *f, uint64_t part, uint64_t whole)
{
    struct incident *in = recall(f->incidents, part), *old = in ? in->into : NULL;
    struct incident *into = whole ? recall(f->incidents, whole) : NULL;
    if (!in || old == into || (whole && !into) || !incident_merge(in, into))
        return;
    touch_incident(f, in);
    if (old)
        touch_incident(f, old);
}

void fold_pinned(struct fold *f, uint64_t signal, uint64_t incident, uint64_t at_ms)
{
    struct signal *s = recall(f->signals, signal);
    struct incident *to = incident ? recall(f->incidents, incident) : NULL;
    struct incident *from = s ? s->incident : NULL;
    if (!s || (incident && !to) || (s->pinned && from == to))
        return;
    if (from && from != to && from->signal_count == 1)
        return; /* its last one: the API merges instead */
    s->pinned = true;
    s->described = false;
    touch_signal(f, s);
    if (from == to)
        return;
    if (from) {
        incident_leave(from, s);
        unplace_signal(f, from, s);
        for (struct signal *left = from->signals; left; left = left->next)
            if (left->link != LINK_HAND)
                place(f, from, left);
        touch_incident(f, from);
    }
    if (to) {
        link_signal(to, s, LINK_HAND, at_ms);
        touch_incident(f, to);
    }
}

void fold_mute(struct fold *f, const char *key, const struct mute *mute)
{
    if (!mute->until_ms) {
        free(table_remove(f->muted, key));
        return;
    }
    struct mute *m = xmalloc(sizeof *m);
    *m = *mute;
    free(table_put(f->muted, key, m));
}

struct suppressions *fold_suppressions(struct fold *f)
{
    return f->held;
}

void fold_decided(struct fold *f, uint64_t incident, uint64_t ended_ms)
{
    struct incident *in = recall(f->incidents, incident);
    if (in)
        in->ended_ms = ended_ms;
}

void fold_precision(struct fold *f, uint32_t gid, uint32_t sid, unsigned real, unsigned false_)
{
    char key[32];
    snprintf(key, sizeof key, "%u:%u", gid, sid);
    struct precision *p = xcalloc(1, sizeof *p);
    *p = (struct precision){ real, false_ };
    free(table_put(f->past, key, p));
}

/* ---- expiry ---------------------------------------------------------------------------------- */

static void expire_signal(struct fold *f, struct signal *s)
{
    f->gone = xreallocarray(f->gone, f->gone_count + 1, sizeof *f->gone);
    f->gone[f->gone_count++] = s->number;
    unplace(f->k1, s->key, s);
    forget(f->signals, s->number);
    signal_free(s);
}

static void expire_incident(struct fold *f, struct incident *in)
{
    for (struct signal *s = in->signals; s; s = s->next) {
        unplace(f->k1, s->key, s);
        unplace_signal(f, in, s);
        forget(f->signals, s->number);
    }
    forget(f->incidents, in->number);
    incident_free(in);
}

/* An incident goes with those that were merged into it. */
static void expire_tree(struct fold *f, struct incident *root)
{
    struct incident *in = root;
    while (in->parts)
        in = in->parts;
    while (in != root) {
        struct incident *next = in->into;
        incident_merge(in, NULL);
        expire_incident(f, in);
        while (next->parts)
            next = next->parts;
        in = next;
    }
    expire_incident(f, root);
}

/* A day that no alert can be of any more. */
static void expire_fan_out(struct fold *f)
{
    struct list old = { NULL, 0, 0 };
    size_t at = 0;
    for (struct fan_out *n; (n = table_next(f->fan_out, &at));)
        if ((n->day + 1) * EVIDENCE_DAY_MS + FOLD_LATE_MS < f->mark.time_ms)
            list_add(&old, n);
    for (size_t i = 0; i < old.count; i++) {
        char key[64];
        const struct fan_out *n = old.items[i];
        fan_out_key(n->gid, n->sid, n->day, key);
        free(table_remove(f->fan_out, key));
    }
    free(old.items);
}

void fold_expire(struct fold *f, uint64_t now_ms)
{
    struct list old = { NULL, 0, 0 };
    size_t at = 0;
    expire_fan_out(f);
    for (struct signal *s; old.count < FOLD_EXPIRE_MAX && (s = table_next(f->signals, &at));)
        if (!s->incident && !s->dirty && s->last_ms + FOLD_IDLE_MS + FOLD_LATE_MS < f->mark.time_ms)
            list_add(&old, s);
    for (size_t i = 0; i < old.count; i++)
        expire_signal(f, old.items[i]);
    old.count = at = 0;
    /*
     * A day after its last chance to be opened again, so that the answer can't depend on
     * when we look.
     */
    for (struct incident *in; (in = table_next(f->incidents, &at));)
        if (in->ended_ms && !in->into && !in->dirty &&
            in->ended_ms + FOLD_REOPEN_MS + EVIDENCE_DAY_MS < now_ms)
            list_add(&old, in);
    for (size_t i = 0; i < old.count; i++)
        expire_tree(f, old.items[i]);
    free(old.items);
}

void fold_pending(const struct fold *f, size_t *signals, size_t *incidents)
{
    *signals = f->dirty_signals.count;
    *incidents = f->dirty_incidents.count;
}

size_t fold_samples(const struct fold *f)
{
    return f->sample_count;
}

size_t fold_gone(const struct fold *f)
{
    return f->gone_count;
}

void fold_size(const struct fold *f, size_t *signals, size_t *incidents)
{
    *signals = table_count(f->signals);
    *incidents = table_count(f->incidents);
}
