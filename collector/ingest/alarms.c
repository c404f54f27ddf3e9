/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms: looking, and keeping what was seen. */
#include "config.h"
#include "collector/ingest/alarms.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/auth/ca.h"
#include "collector/ingest/register.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/xalloc.h"

#define ID_MAX   160
#define TEXT_MAX 256
#define ROW_MAX  2048
#define NAP_MS   50
#define PERMILLE 700u /* as INGEST_MEMORY_PERMILLE: from here on sensors are asked to wait */

struct row {
    char id[ID_MAX];
    char kind[32], sensor[CA_ID_MAX], states[CA_STATES_MAX], text[TEXT_MAX];
    uint64_t since_ms, until_ms, last_ms, count;
    unsigned severity;
    bool held, changed;
    struct row *next;
};

struct alarms {
    struct alarms_conf conf;
    struct store_conn *conn; /* of the thread */
    struct row *rows;
    bool loaded;
    uint64_t now_ms; /* of the look under way */
    uint64_t active; /* atomic */
    pthread_t thread;
    int stop;
};

/* ---- rows ------------------------------------------------------------------------------------ */

static void set_text(char *to, size_t cap, const char *text)
{
    snprintf(to, cap, "%s", text ? text : "");
}

static struct row *find_row(struct alarms *a, const char *id)
{
    struct row *r = a->rows;
    while (r && strcmp(r->id, id) != 0)
        r = r->next;
    return r;
}

static struct row *add_row(struct alarms *a, const char *id)
{
    struct row *r = xcalloc(1, sizeof(*r));
    set_text(r->id, sizeof(r->id), id);
    r->next = a->rows;
    a->rows = r;
    return r;
}

static void free_rows(struct alarms *a)
{
    while (a->rows) {
        struct row *r = a->rows;
        a->rows = r->next;
        free(r);
    }
}

static uint64_t number(const json_t *o, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(o, name));
    return n > 0 ? (uint64_t)n : 0;
}

static const char *text(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static void read_row(struct row *r, const json_t *o)
{
    set_text(r->kind, sizeof(r->kind), text(o, "kind"));
    set_text(r->sensor, sizeof(r->sensor), text(o, "sensor"));
    set_text(r->states, sizeof(r->states), text(o, "states"));
    set_text(r->text, sizeof(r->text), text(o, "text"));
    r->severity = (unsigned)number(o, "severity");
    r->since_ms = number(o, "since_ms");
    r->until_ms = number(o, "until_ms");
    r->last_ms = number(o, "last_ms");
    r->count = number(o, "count");
}

static int load(struct alarms *a)
{
    struct store_key key = store_key(STORE_REGION, "alarms");
    struct store_reply *all;
    int err = store_command(a->conn, &all, "HGETALL %s", key.text);

    for (size_t i = 0; i + 1 < store_reply_count(all); i += 2) {
        size_t len;
        const char *value = store_reply_text(store_reply_at(all, i + 1), &len);
        json_t *o = json_loadb(value, len, 0, NULL);
        if (o)
            read_row(add_row(a, store_reply_text(store_reply_at(all, i), NULL)), o);
        json_decref(o);
    }
    store_reply_free(all);
    a->loaded = !err;
    return err;
}

static int save_row(struct alarms *a, const struct row *r)
{
    struct store_key key = store_key(STORE_REGION, "alarms");
    struct store_reply *reply;
    struct buf b;
    struct json j;

    buf_init(&b, ROW_MAX);
    json_begin(&j, &b);
    json_open(&j, NULL);
    json_str(&j, "kind", r->kind);
    json_str(&j, "sensor", r->sensor);
    json_str(&j, "states", r->states);
    json_str(&j, "text", r->text);
    json_u64(&j, "severity", r->severity);
    json_u64(&j, "since_ms", r->since_ms);
    json_u64(&j, "until_ms", r->until_ms);
    json_u64(&j, "last_ms", r->last_ms);
    json_u64(&j, "count", r->count);
    json_close(&j);
    int err = store_command(a->conn, &reply, "HSET %s %s %b", key.text, r->id, b.data, b.len);
    store_reply_free(reply);
    buf_free(&b);
    return err;
}

static int forget_row(struct alarms *a, const struct row *r)
{
    struct store_key key = store_key(STORE_REGION, "alarms");
    struct store_reply *reply;
    int err = store_command(a->conn, &reply, "HDEL %s %s", key.text, r->id);

    store_reply_free(reply);
    return err;
}

/* ---- holding --------------------------------------------------------------------------------- */

void alarms_hold(struct alarms *a, const struct alarm *x)
{
    char id[ID_MAX];

    snprintf(id, sizeof(id), "%s:%s:%.48s", x->kind, x->sensor ? x->sensor : "", x->states);
    struct row *r = find_row(a, id);
    bool begins = !r || r->until_ms;
    if (!r)
        r = add_row(a, id);
    r->held = true;
    if (begins) {
        r->since_ms = x->since_ms ? x->since_ms : a->now_ms;
        r->until_ms = 0;
        log_warn("alarms", "%s: %s", x->kind, x->text);
    }
    if (!begins && r->count == x->count && strcmp(r->text, x->text) == 0)
        return;
    set_text(r->kind, sizeof(r->kind), x->kind);
    set_text(r->sensor, sizeof(r->sensor), x->sensor);
    set_text(r->states, sizeof(r->states), x->states);
    set_text(r->text, sizeof(r->text), x->text);
    r->severity = x->severity;
    r->count = x->count;
    r->last_ms = a->now_ms;
    r->changed = true;
}

/* After a look: what no longer holds is over, what was over for long goes, changes are kept. */
static void settle(struct alarms *a)
{
    uint64_t active = 0;

    for (struct row **at = &a->rows; *at;) {
        struct row *r = *at;
        if (!r->held && !r->until_ms) {
            r->until_ms = r->last_ms = a->now_ms;
            r->changed = true;
            log_notice("alarms", "over: %s: %s", r->kind, r->text);
        }
        if (r->until_ms && r->until_ms + ALARMS_KEPT_MS < a->now_ms && forget_row(a, r) == 0) {
            *at = r->next;
            free(r);
            continue;
        }
        if (r->changed && save_row(a, r) == 0)
            r->changed = false;
        active += !r->until_ms;
        at = &r->next;
    }
    __atomic_store_n(&a->active, active, __ATOMIC_RELAXED);
}

/* ---- sensors --------------------------------------------------------------------------------- */

static uint64_t field(const struct store_reply *r, size_t i)
{
    int64_t n = store_reply_int(store_reply_at(r, i));
    return n > 0 ? (uint64_t)n : 0;
}

/* What one sensor's account in one state says. */
static int look_at_account(struct alarms *a, const char *id, const char *state)
{
    struct store_key key = store_key(state, "ledger:%s", id);
    char words[TEXT_MAX], when[CLOCK_TEXT_MAX];
    struct store_reply *r;
    int err = store_command(a->conn, &r, "HMGET %s lost shed gap_ms self_test_ms", key.text);
    uint64_t lost = field(r, 0), shed = field(r, 1), gap = field(r, 2), test = field(r, 3);

    if (!err && gap && gap + ALARMS_GAP_MS > a->now_ms) {
        snprintf(words, sizeof(words), "%s: %llu records missing in all, %llu of them shed", id,
                 (unsigned long long)lost, (unsigned long long)shed);
        alarms_hold(a, &(struct alarm){ "sensor-gap", 2, id, state, gap, lost, words });
    }
    if (!err && test && test + ALARMS_SELF_TEST_MS < a->now_ms) {
        clock_format_rfc3339(test * NS_PER_MS, when);
        snprintf(words, sizeof(words), "%s: the last self-test alert came %s", id, when);
        alarms_hold(a, &(struct alarm){ "self-test-missing", 2, id, state, 0, 1, words });
    }
    store_reply_free(r);
    return err;
}

static void look_at_link(struct alarms *a, const char *id, const char *states, uint64_t seen_ms,
                         int64_t offset_ms)
{
    char words[TEXT_MAX], when[CLOCK_TEXT_MAX];

    if (seen_ms && seen_ms + ALARMS_SILENT_MS < a->now_ms) {
        clock_format_rfc3339(seen_ms * NS_PER_MS, when);
        snprintf(words, sizeof(words), "%s: nothing heard since %s", id, when);
        alarms_hold(a, &(struct alarm){ "sensor-silent", 1, id, states, seen_ms, 1, words });
    }
    if (llabs(offset_ms) > ALARMS_OFFSET_MS) {
        snprintf(words, sizeof(words), "%s: its clock is %s by %lld s", id,
                 offset_ms > 0 ? "ahead" : "behind", llabs(offset_ms) / 1000);
        alarms_hold(a, &(struct alarm){ "clock-offset", 3, id, states, 0, 1, words });
    }
}

/* What the sensor says it cannot see any more, as one line. */
static void look_at_sight(struct alarms *a, const char *id, const char *states,
                          const struct store_reply *health)
{
    size_t len, i;
    const char *text = store_reply_text(health, &len);
    json_t *report = len ? json_loadb(text, len, 0, NULL) : NULL;
    const json_t *sign, *signs = json_object_get(report, "blind");
    char words[TEXT_MAX];
    struct buf line;

    buf_init_fixed(&line, words, sizeof(words) - 1);
    buf_printf(&line, "%s may be blind:", id);
    json_array_foreach(signs, i, sign)
    {
        const char *what = json_string_value(json_object_get(sign, "what"));
        const char *where = json_string_value(json_object_get(sign, "where"));
        buf_printf(&line, "%s %s (%s)", i ? "," : "", what ? what : "?", where ? where : "?");
    }
    words[line.len] = 0;
    if (json_array_size(signs))
        alarms_hold(
            a, &(struct alarm){ "sensor-blind", 1, id, states, 0, json_array_size(signs), words });
    json_decref(report);
}

static int look_at_sensor(struct alarms *a, const char *id)
{
    struct store_key key = store_key(STORE_REGION, "sensor:%s", id);
    char states[CA_STATES_MAX];
    struct store_reply *r;
    int err = store_command(a->conn, &r, "HMGET %s status seen_ms clock_offset_ms states health",
                            key.text);

    if (!err && strcmp(store_reply_text(store_reply_at(r, 0), NULL), "active") == 0) {
        set_text(states, sizeof(states), store_reply_text(store_reply_at(r, 3), NULL));
        look_at_link(a, id, states, field(r, 1), store_reply_int(store_reply_at(r, 2)));
        look_at_sight(a, id, states, store_reply_at(r, 4));
        for (char *save, *state = strtok_r(states, ",", &save); state && !err;
             state = strtok_r(NULL, ",", &save))
            err = look_at_account(a, id, state);
    }
    store_reply_free(r);
    return err;
}

static void look_at_store(struct alarms *a)
{
    unsigned share = store_memory_permille(a->conf.store);
    char words[TEXT_MAX];

    if (share < PERMILLE)
        return;
    snprintf(words, sizeof(words), "the store's memory is %u %% full: sensors are asked to wait",
             share / 100 * 10);
    alarms_hold(a, &(struct alarm){ "store-memory", 1, NULL, "", 0, 1, words });
}

/* One look at everything; nothing is concluded from half of it. */
static void look(struct alarms *a)
{
    struct store_key all = store_key(STORE_REGION, "sensors");
    struct store_reply *ids = NULL;
    int err = a->loaded ? ABENG_OK : load(a);

    a->now_ms = clock_now(a->conf.clock) / NS_PER_MS;
    for (struct row *r = a->rows; r; r = r->next)
        r->held = false;
    if (!err)
        err = store_command(a->conn, &ids, "SMEMBERS %s", all.text);
    for (size_t i = 0; i < store_reply_count(ids) && !err; i++)
        err = look_at_sensor(a, store_reply_text(store_reply_at(ids, i), NULL));
    store_reply_free(ids);
    if (err)
        return;
    look_at_store(a);
    if (a->conf.check)
        a->conf.check(a->conf.check_arg, a);
    settle(a);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void *work(void *arg)
{
    struct alarms *a = arg;
    uint64_t next = 0;

    a->conn = store_conn(a->conf.store, NULL);
    while (!__atomic_load_n(&a->stop, __ATOMIC_ACQUIRE)) {
        if (clock_mono_ns() >= next) {
            look(a);
            next = clock_mono_ns() + a->conf.look_ms * NS_PER_MS;
        }
        usleep(NAP_MS * 1000);
    }
    return NULL;
}

struct alarms *alarms_start(const struct alarms_conf *conf)
{
    struct alarms *a = xcalloc(1, sizeof(*a));

    a->conf = *conf;
    if (!a->conf.clock)
        a->conf.clock = clock_system();
    if (!a->conf.look_ms)
        a->conf.look_ms = ALARMS_LOOK_MS;
    if (pthread_create(&a->thread, NULL, work, a) == 0)
        return a;
    log_error("alarms", "can't start a thread");
    free(a);
    return NULL;
}

uint64_t alarms_active(const struct alarms *a)
{
    return __atomic_load_n(&a->active, __ATOMIC_RELAXED);
}

void alarms_stop(struct alarms *a)
{
    if (!a)
        return;
    __atomic_store_n(&a->stop, 1, __ATOMIC_RELEASE);
    pthread_join(a->thread, NULL);
    free_rows(a);
    free(a);
}

/* ---- showing --------------------------------------------------------------------------------- */

static void write_states(struct json *out, const char *states)
{
    json_open_array(out, "states");
    while (*states) {
        size_t n = strcspn(states, ",");
        json_strn(out, NULL, states, n);
        states += n + (states[n] ? 1 : 0);
    }
    json_close_array(out);
}

static void write_row(struct json *out, const struct row *r)
{
    json_open(out, NULL);
    json_str(out, "id", r->id);
    json_str(out, "kind", r->kind);
    json_u64(out, "severity", r->severity);
    json_str(out, "sensor", *r->sensor ? r->sensor : NULL);
    write_states(out, r->states);
    json_time_ms(out, "since", r->since_ms);
    json_time_ms(out, "until", r->until_ms);
    json_time_ms(out, "last", r->last_ms);
    json_u64(out, "count", r->count);
    json_str(out, "text", r->text);
    json_close(out);
}

static int newest_first(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    return x->since_ms > y->since_ms ? -1 : x->since_ms < y->since_ms;
}

static bool wanted(const struct alarms_query *q, const struct row *r)
{
    return (r->until_ms ? q->over : q->on) &&
           (!*r->states || sensors_in_scope(q->states, r->states));
}

int alarms_write(struct store *s, const struct alarms_query *q, struct json *out, size_t *count)
{
    struct alarms all = { .conn = store_conn(s, NULL) };
    int err = load(&all);
    size_t rows = 0, n = 0;

    for (struct row *r = all.rows; r; r = r->next)
        rows++;
    struct row **sorted = xcalloc(rows + 1, sizeof(struct row *));
    for (struct row *r = all.rows; r; r = r->next) {
        if (wanted(q, r))
            sorted[n++] = r;
    }
    qsort(sorted, n, sizeof(struct row *), newest_first);
    for (size_t i = 0; i < n && !err; i++)
        write_row(out, sorted[i]);
    *count = n;
    free(sorted);
    free_rows(&all);
    return err;
}
