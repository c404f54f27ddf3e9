/* SPDX-License-Identifier: Apache-2.0 */
/* The read model: two sorted arrays, one table by id, one thread that feeds them. */
#include "config.h"
#include "collector/triage/model.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/correlate/table.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/item.h"
#include "collector/triage/order.h"
#include "collector/triage/search.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/state.h"
#include "common/xalloc.h"

/**
 * The pause between looks at the change streams, changes read at once, incidents loaded in one
 * pipeline.
 */
#define PAUSE_MS    50
#define CHANGES_MAX 1000
#define LOAD_BURST  512

/** Merged incidents that one may be merged through. */
#define MERGE_DEPTH 64

/** Counts of signals are asked for this often. */
#define COUNT_MS 5000

struct state_feed {
    char seen[64];   /* last change looked at; "" not loaded yet */
    uint64_t alerts; /* ever */
    uint64_t signals;
    uint64_t minute[MODEL_MINUTES]; /* which minute since 1970 the slot counts */
    uint64_t count[MODEL_MINUTES];
};

struct model {
    struct store *store;
    const struct clock *clock;
    pthread_rwlock_t lock; /* guards all below */
    struct table *by_id;
    struct order open, ended;
    uint64_t ever[STATE_COUNT]; /* incidents of a state, open or ended */
    struct state_feed feeds[STATE_COUNT];
    model_watch_fn *watch;
    void *watch_arg;
    uint64_t sequence;
    uint64_t counted_ms;
    pthread_t thread;
    int stop, ready;
};

int model_parse_id(const char *id, unsigned *state, uint64_t *number)
{
    int index = strlen(id) > 3 && id[2] == '-' ? state_find(id, 2) : ABENG_ENOENT;
    uint64_t n = 0;
    if (index < 0 || id[3] == '0' || strlen(id + 3) > 18)
        return ABENG_EFORMAT;
    for (const char *c = id + 3; *c; c++) {
        if (*c < '0' || *c > '9')
            return ABENG_EFORMAT;
        n = n * 10 + (uint64_t)(*c - '0');
    }
    *state = (unsigned)index;
    *number = n;
    return 0;
}

static void id_text(unsigned state, uint64_t number, char out[MODEL_ID_MAX])
{
    snprintf(out, MODEL_ID_MAX, "%s-%llu", state_at(state)->code, (unsigned long long)number);
}

/* ---- order ----------------------------------------------------------------------------------- */

static struct order *order_of(struct model *m, const struct item *it)
{
    return status_open(it->head.status) ? &m->open : &m->ended;
}

/* Count an incident in (1) or out (-1). */
static void count_item(struct model *m, const struct item *it, int step)
{
    m->ever[it->state] += (uint64_t)(int64_t)step;
}

/*
 * Put an incident as it was just read; an older one than ours is dropped. Tells the watcher
 * when it is new to us.
 */
static void replace(struct model *m, struct item *it)
{
    char id[MODEL_ID_MAX];
    id_text(it->state, it->number, id);
    pthread_rwlock_wrlock(&m->lock);
    struct item *old = table_find(m->by_id, id);
    bool news = !old || old->head.version < it->head.version;
    if (news) {
        if (old)
            order_take(order_of(m, old), old);
        else
            count_item(m, it, 1);
        table_put(m->by_id, id, it);
        order_put(order_of(m, it), it);
        m->sequence++;
    }
    struct model_event e = {
        id, state_at(it->state)->code, it->head.version, it->head.status, it->head.tier, m->sequence
    };
    item_free(news ? old : it);
    model_watch_fn *watch = news ? m->watch : NULL;
    pthread_rwlock_unlock(&m->lock);
    if (watch)
        watch(m->watch_arg, &e);
}

/* Put many that were just read, and sort once; nobody is told (load_all). */
static void adopt(struct model *m, const struct order *read)
{
    char id[MODEL_ID_MAX];
    pthread_rwlock_wrlock(&m->lock);
    for (size_t i = 0; i < read->count; i++) {
        struct item *it = read->items[i];
        id_text(it->state, it->number, id);
        if (table_find(m->by_id, id)) { /* somebody's decision brought it in meanwhile */
            item_free(it);
            continue;
        }
        table_put(m->by_id, id, it);
        order_add(order_of(m, it), it);
        count_item(m, it, 1);
    }
    order_sort(&m->open);
    order_sort(&m->ended);
    pthread_rwlock_unlock(&m->lock);
}

/* Who watched while all was loaded reads it anew. */
static void tell_reset(struct model *m)
{
    pthread_rwlock_wrlock(&m->lock);
    struct model_event e = { .sequence = ++m->sequence };
    model_watch_fn *watch = m->watch;
    pthread_rwlock_unlock(&m->lock);
    if (watch)
        watch(m->watch_arg, &e);
}

/* It was taken out of the store: its time is over. */
static void drop(struct model *m, unsigned state, uint64_t number)
{
    char id[MODEL_ID_MAX];
    id_text(state, number, id);
    pthread_rwlock_wrlock(&m->lock);
    struct item *old = table_remove(m->by_id, id);
    if (old) {
        order_take(order_of(m, old), old);
        count_item(m, old, -1);
    }
    pthread_rwlock_unlock(&m->lock);
    item_free(old);
}

/* ---- feeding --------------------------------------------------------------------------------- */

static int read_incident(struct model *m, struct store_conn *c, unsigned state, uint64_t number)
{
    struct store_key key = store_key(state_at(state)->code, "inc:%llu", (unsigned long long)number);
    struct store_reply *r;
    int err = store_command(c, &r, "HGETALL %s", key.text);
    struct item *it = err ? NULL : item_read(state, number, r);
    store_reply_free(r);
    if (it)
        replace(m, it);
    return err ? err : it ? 0 : ABENG_ENOENT;
}

static int load_burst(struct store_conn *c, unsigned state, const struct store_reply *ids,
                      size_t at, size_t end, struct order *read)
{
    int err = 0;
    for (size_t i = at; i < end && !err; i++) {
        struct store_key key = store_key(state_at(state)->code, "inc:%s",
                                         store_reply_text(store_reply_at(ids, i), NULL));
        err = store_command_later(c, "HGETALL %s", key.text);
    }
    for (size_t i = at; i < end && !err; i++) {
        struct store_reply *r;
        err = store_collect(c, &r);
        struct item *it =
            err ? NULL : item_read(state, (uint64_t)store_reply_int(store_reply_at(ids, i)), r);
        store_reply_free(r);
        if (it)
            order_add(read, it);
    }
    return err;
}

static void count_minute(struct model *m, unsigned state, uint64_t minute, uint64_t n)
{
    struct state_feed *f = &m->feeds[state];
    size_t slot = minute % MODEL_MINUTES;
    if (f->minute[slot] > minute)
        return;
    if (f->minute[slot] < minute)
        f->count[slot] = 0;
    f->minute[slot] = minute;
    f->count[slot] += n;
}

static int load_counts(struct model *m, struct store_conn *c, unsigned state)
{
    struct store_key fold = store_key(state_at(state)->code, "fold"),
                     min = store_key(state_at(state)->code, "min");
    struct store_reply *alerts = NULL, *minutes = NULL;
    int err = store_command(c, &alerts, "HGET %s alerts", fold.text);
    if (!err)
        err = store_command(c, &minutes, "HGETALL %s", min.text);
    pthread_rwlock_wrlock(&m->lock);
    memset(m->feeds[state].minute, 0, sizeof m->feeds[state].minute);
    m->feeds[state].alerts = (uint64_t)store_reply_int(alerts);
    for (size_t i = 0; i + 1 < store_reply_count(minutes); i += 2)
        count_minute(m, state, (uint64_t)store_reply_int(store_reply_at(minutes, i)),
                     (uint64_t)store_reply_int(store_reply_at(minutes, i + 1)));
    pthread_rwlock_unlock(&m->lock);
    store_reply_free(alerts);
    store_reply_free(minutes);
    return err;
}

/*
 * Load a state whole; changes after the mark that is taken first are seen again, which does no
 * harm but to minutes.
 */
static int load(struct model *m, struct store_conn *c, unsigned state)
{
    struct store_key chg = store_key(state_at(state)->code, "chg"),
                     index = store_key(state_at(state)->code, "incs");
    struct store_reply *last = NULL, *ids = NULL;
    struct order read = { NULL, 0, 0 };
    int err = load_counts(m, c, state);
    if (!err)
        err = store_command(c, &last, "XREVRANGE %s + - COUNT 1", chg.text);
    if (!err)
        err = store_command(c, &ids, "ZRANGE %s 0 -1", index.text);
    size_t count = store_reply_count(ids);
    for (size_t at = 0; at < count && !err; at += LOAD_BURST)
        err =
            load_burst(c, state, ids, at, count - at < LOAD_BURST ? count : at + LOAD_BURST, &read);
    adopt(m, &read); /* what was read before an error stays */
    order_free(&read);
    if (!err)
        snprintf(m->feeds[state].seen, sizeof m->feeds[state].seen, "%s",
                 store_reply_count(last)
                     ? store_reply_text(store_reply_at(store_reply_at(last, 0), 0), NULL)
                     : "0-0");
    store_reply_free(last);
    store_reply_free(ids);
    return err;
}

static int take_change(struct model *m, struct store_conn *c, unsigned state,
                       const struct store_reply *entry)
{
    const struct store_reply *f = store_reply_at(entry, 1);
    const char *kind = store_reply_text(store_reply_field(f, "k"), NULL);
    int err = 0;
    if (!strcmp(kind, "inc"))
        err = read_incident(m, c, state, (uint64_t)store_reply_int(store_reply_field(f, "id")));
    if (!strcmp(kind, "gone"))
        drop(m, state, (uint64_t)store_reply_int(store_reply_field(f, "id")));
    if (!strcmp(kind, "alerts")) {
        uint64_t n = (uint64_t)store_reply_int(store_reply_field(f, "n"));
        pthread_rwlock_wrlock(&m->lock);
        count_minute(m, state, (uint64_t)store_reply_int(store_reply_field(f, "minute")), n);
        m->feeds[state].alerts += n;
        pthread_rwlock_unlock(&m->lock);
    }
    return err == ABENG_ENOENT ? 0 : err;
}

static int follow(struct model *m, struct store_conn *c, unsigned state,
                  const struct store_reply *entries)
{
    int err = 0;
    for (size_t i = 0; i < store_reply_count(entries) && !err; i++) {
        const struct store_reply *entry = store_reply_at(entries, i);
        err = take_change(m, c, state, entry);
        if (!err)
            snprintf(m->feeds[state].seen, sizeof m->feeds[state].seen, "%s",
                     store_reply_text(store_reply_at(entry, 0), NULL));
    }
    return err;
}

/* Look at all states' changes in one pipeline; how many there were. */
static size_t follow_all(struct model *m, struct store_conn *c)
{
    struct store_reply *r[STATE_COUNT] = { NULL };
    size_t seen = 0;
    int err = 0;
    for (unsigned s = 0; s < STATE_COUNT && !err; s++) {
        struct store_key key = store_key(state_at(s)->code, "chg");
        err = store_command_later(c, "XRANGE %s (%s + COUNT %d", key.text, m->feeds[s].seen,
                                  CHANGES_MAX);
    }
    for (unsigned s = 0; s < STATE_COUNT && !err; s++)
        err = store_collect(c, &r[s]);
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        if (!err)
            err = follow(m, c, s, r[s]);
        seen += store_reply_count(r[s]);
        store_reply_free(r[s]);
    }
    return err ? 0 : seen;
}

static void count_signals(struct model *m, struct store_conn *c)
{
    uint64_t now = clock_mono_ns() / NS_PER_MS;
    if (now - m->counted_ms < COUNT_MS && m->counted_ms)
        return;
    m->counted_ms = now;
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        struct store_key key = store_key(state_at(s)->code, "sigs");
        struct store_reply *r;
        if (!store_command(c, &r, "ZCARD %s", key.text)) {
            pthread_rwlock_wrlock(&m->lock);
            m->feeds[s].signals = (uint64_t)store_reply_int(r);
            pthread_rwlock_unlock(&m->lock);
        }
        store_reply_free(r);
    }
}

static int load_all(struct model *m, struct store_conn *c)
{
    for (unsigned s = 0; s < STATE_COUNT; s++)
        if (!*m->feeds[s].seen && load(m, c, s))
            return ABENG_EAGAIN;
    __atomic_store_n(&m->ready, 1, __ATOMIC_RELEASE);
    tell_reset(m);
    return 0;
}

static void *work(void *arg)
{
    struct model *m = arg;
    struct store_conn *c = store_conn(m->store, NULL);
    static const struct timespec pause = { 0, PAUSE_MS * 1000000L };
    while (!__atomic_load_n(&m->stop, __ATOMIC_ACQUIRE)) {
        size_t seen = 0;
        if (m->ready || !load_all(m, c)) {
            seen = follow_all(m, c);
            count_signals(m, c);
        }
        if (!seen)
            nanosleep(&pause, NULL);
    }
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

struct model *model_start(struct store *store, const struct clock *clock)
{
    struct model *m = xcalloc(1, sizeof *m);
    m->store = store;
    m->clock = clock ? clock : clock_system();
    m->by_id = table_create();
    pthread_rwlock_init(&m->lock, NULL);
    if (pthread_create(&m->thread, NULL, work, m)) {
        log_error("triage", "can't start a thread");
        table_free(m->by_id);
        free(m);
        return NULL;
    }
    return m;
}

void model_watch(struct model *m, model_watch_fn *fn, void *arg)
{
    pthread_rwlock_wrlock(&m->lock);
    m->watch_arg = arg;
    m->watch = fn;
    pthread_rwlock_unlock(&m->lock);
}

bool model_ready(const struct model *m)
{
    return __atomic_load_n(&m->ready, __ATOMIC_ACQUIRE);
}

void model_stop(struct model *m)
{
    if (!m)
        return;
    __atomic_store_n(&m->stop, 1, __ATOMIC_RELEASE);
    pthread_join(m->thread, NULL);
    struct order_walk all = { .one = &m->open, .other = &m->ended };
    for (const struct item *it; (it = order_next(&all));)
        item_free((struct item *)it);
    order_free(&m->open);
    order_free(&m->ended);
    table_free(m->by_id);
    pthread_rwlock_destroy(&m->lock);
    free(m);
}

/* ---- lists ----------------------------------------------------------------------------------- */

/** The statuses of m->open. */
#define OPEN_STATUSES                                                                              \
    (1u << STATUS_NEW | 1u << STATUS_TRIAGE | 1u << STATUS_CONFIRMED | 1u << STATUS_HANDLING)

struct filter {
    const struct model_query *q;
    struct search *search;
    unsigned statuses, tiers;
};

static bool passes(const struct filter *f, const struct item *it)
{
    struct search_subject subject = item_subject(it);
    return f->q->scope & 1u << it->state && f->statuses & 1u << it->head.status &&
           f->tiers & 1u << it->head.tier && (!f->search || search_holds(f->search, &subject));
}

/* The cursor is the last row's place in the order. */
static int read_cursor(const char *text, struct item *out)
{
    char end;
    unsigned long long deadline, number;
    if (sscanf(text, "%u-%llu-%u-%llu%c", &out->head.tier, &deadline, &out->state, &number, &end) !=
        4)
        return ABENG_EFORMAT;
    out->head.deadline_ms = deadline;
    out->number = number;
    return 0;
}

static void write_item(const struct item *it, bool detail, struct json *out)
{
    json_open(out, NULL);
    item_write(it, detail, out);
    json_close(out);
}

static void write_next(const struct item *last, bool more, struct json *out)
{
    char cursor[96];
    if (!more || !last) {
        json_nil(out, "next");
        return;
    }
    snprintf(cursor, sizeof cursor, "%u-%llu-%u-%llu", last->head.tier,
             (unsigned long long)last->head.deadline_ms, last->state,
             (unsigned long long)last->number);
    json_str(out, "next", cursor);
}

static void write_list(struct model *m, const struct filter *f, const struct item *after,
                       struct json *out)
{
    const struct item *last = NULL;
    size_t total = 0, written = 0;
    bool more = false;
    pthread_rwlock_rdlock(&m->lock);
    json_open_array(out, "items");
    struct order_walk walk = { .one = f->statuses & OPEN_STATUSES ? &m->open : NULL,
                               .other = f->statuses & ~OPEN_STATUSES ? &m->ended : NULL };
    for (const struct item *it; (it = order_next(&walk));) {
        if (!passes(f, it))
            continue;
        total++;
        if (after && item_compare(it, after) <= 0)
            continue;
        more = written == f->q->limit;
        if (written < f->q->limit) {
            write_item(last = it, false, out);
            written++;
        }
    }
    json_close_array(out);
    write_next(last, more, out);
    pthread_rwlock_unlock(&m->lock);
    json_u64(out, "total", total);
}

int model_list(struct model *m, const struct model_query *q, struct json *out, char *why,
               size_t why_len)
{
    struct filter f = { .q = q, .tiers = q->tiers ? q->tiers : ~0u };
    struct item after = { .state = 0 };
    if (q->after && read_cursor(q->after, &after)) {
        snprintf(why, why_len, "after: not a cursor that a list gave");
        return ABENG_EFORMAT;
    }
    uint64_t now_ms = clock_now(m->clock) / NS_PER_MS;
    if (q->text && !(f.search = search_read(q->text, q->who, now_ms, why, why_len)))
        return ABENG_EFORMAT;
    f.statuses = q->statuses                                 ? q->statuses
                 : f.search && search_names_status(f.search) ? ~0u
                                                             : OPEN_STATUSES;
    json_open(out, NULL);
    write_list(m, &f, q->after ? &after : NULL, out);
    json_close(out);
    search_free(f.search);
    return 0;
}

/* ---- one incident ---------------------------------------------------------------------------- */

/* The item of `id` within `scope`; the lock is held. */
static const struct item *find(const struct model *m, unsigned scope, const char *id)
{
    const struct item *it = table_find(m->by_id, id);
    return it && scope & 1u << it->state ? it : NULL;
}

int model_head(struct model *m, unsigned scope, const char *id, struct head *out)
{
    pthread_rwlock_rdlock(&m->lock);
    const struct item *it = find(m, scope, id);
    if (it)
        *out = it->head;
    pthread_rwlock_unlock(&m->lock);
    return it ? 0 : ABENG_ENOENT;
}

int model_write_row(struct model *m, unsigned scope, const char *id, bool detail, struct json *out)
{
    pthread_rwlock_rdlock(&m->lock);
    const struct item *it = find(m, scope, id);
    if (it)
        item_write(it, detail, out);
    pthread_rwlock_unlock(&m->lock);
    return it ? 0 : ABENG_ENOENT;
}

int model_signals(struct model *m, unsigned scope, const char *id, uint64_t *out, size_t max)
{
    pthread_rwlock_rdlock(&m->lock);
    const struct item *it = find(m, scope, id);
    json_t *root = it ? json_loads(it->evidence, 0, NULL) : NULL;
    pthread_rwlock_unlock(&m->lock);
    const json_t *list = json_object_get(root, "signals");
    size_t n = 0;
    for (; n < json_array_size(list) && n < max; n++) {
        const char *signal = json_string_value(json_array_get(list, n));
        out[n] = signal && strlen(signal) > 4 ? strtoull(signal + 4, NULL, 10) : 0;
    }
    json_decref(root);
    return root ? (int)n : ABENG_ENOENT;
}

/* What stands for a merged incident in the end; NULL when that is gone. The lock is held. */
static const struct item *root_of(const struct model *m, const struct item *it)
{
    char id[MODEL_ID_MAX];
    for (int depth = 0; it && it->head.status == STATUS_MERGED && depth < MERGE_DEPTH; depth++) {
        id_text(it->state, it->head.merged_into, id);
        it = table_find(m->by_id, id);
    }
    return it;
}

size_t model_ended(struct model *m, unsigned state, uint64_t bound_ms, uint64_t *out, size_t max)
{
    size_t n = 0;
    pthread_rwlock_rdlock(&m->lock);
    for (int merged = 1; merged >= 0; merged--)
        for (size_t i = 0; i < m->ended.count && n < max; i++) {
            const struct item *it = m->ended.items[i];
            if (it->state != state || (it->head.status == STATUS_MERGED) != merged)
                continue;
            const struct item *root = root_of(m, it);
            if (!root || (root->head.ended_ms && root->head.ended_ms < bound_ms))
                out[n++] = it->number;
        }
    pthread_rwlock_unlock(&m->lock);
    return n;
}

int model_refresh(struct model *m, const char *id)
{
    unsigned state;
    uint64_t number;
    int err = model_parse_id(id, &state, &number);
    return err ? err : read_incident(m, store_conn(m->store, NULL), state, number);
}

/* ---- numbers --------------------------------------------------------------------------------- */

struct sums {
    uint64_t open, ever, alerts, signals, tier[5], state[STATE_COUNT], minute[MODEL_MINUTES];
};

static void sum_up(struct model *m, unsigned scope, uint64_t minute, struct sums *s)
{
    pthread_rwlock_rdlock(&m->lock);
    for (size_t i = 0; i < m->open.count; i++) {
        const struct item *it = m->open.items[i];
        if (!(scope & 1u << it->state))
            continue;
        s->open++;
        s->tier[it->head.tier < 5 ? it->head.tier : 4]++;
        s->state[it->state]++;
    }
    for (unsigned st = 0; st < STATE_COUNT; st++) {
        const struct state_feed *f = &m->feeds[st];
        if (!(scope & 1u << st))
            continue;
        s->ever += m->ever[st];
        s->alerts += f->alerts;
        s->signals += f->signals;
        for (unsigned i = 0; i < MODEL_MINUTES; i++)
            if (f->minute[i] <= minute && f->minute[i] + MODEL_MINUTES > minute)
                s->minute[MODEL_MINUTES - 1 - (minute - f->minute[i])] += f->count[i];
    }
    pthread_rwlock_unlock(&m->lock);
}

static void write_minutes(const struct sums *s, uint64_t minute, struct json *out)
{
    json_open_array(out, "minutes");
    for (unsigned i = 0; i < MODEL_MINUTES; i++) {
        char text[CLOCK_TEXT_MAX];
        clock_format_rfc3339((minute - (MODEL_MINUTES - 1 - i)) * 60 * NS_PER_S, text);
        json_open(out, NULL);
        json_str(out, "t", text);
        json_u64(out, "alerts", s->minute[i]);
        json_close(out);
    }
    json_close_array(out);
}

void model_write_stats(struct model *m, unsigned scope, struct json *out)
{
    static const char *const tiers[] = { NULL, "1", "2", "3", "4" };
    uint64_t minute = clock_now(m->clock) / NS_PER_S / 60;
    struct sums s = { .open = 0 };
    sum_up(m, scope, minute, &s);
    json_u64(out, "alerts_total", s.alerts);
    json_u64(out, "alerts_last_minute",
             s.minute[MODEL_MINUTES - 2] > s.minute[MODEL_MINUTES - 1]
                 ? s.minute[MODEL_MINUTES - 2]
                 : s.minute[MODEL_MINUTES - 1]);
    json_u64(out, "signals_open", s.signals);
    json_u64(out, "incidents_open", s.open);
    json_open(out, "by_tier");
    for (int t = 1; t <= 4; t++)
        json_u64(out, tiers[t], s.tier[t]);
    json_close(out);
    json_open(out, "by_state");
    for (unsigned st = 0; st < STATE_COUNT; st++)
        if (scope & 1u << st)
            json_u64(out, state_at(st)->code, s.state[st]);
    json_close(out);
    json_double(out, "folded_share", s.alerts > s.ever ? 1 - (double)s.ever / (double)s.alerts : 0);
    write_minutes(&s, minute, out);
}
