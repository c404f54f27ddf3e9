/* SPDX-License-Identifier: Apache-2.0 */
/* Counting what leaves, day by day. */
#include "config.h"
#include "sensor/uplink/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "sensor/uplink/batch.h"
#include "sensor/uplink/client.h"
#include "sensor/uplink/identity.h"

#define DAY_TEXT     11
#define FLUSH_NS     NS_PER_S
#define AGAIN_NS     (60 * NS_PER_S) /* after a day could not be signed */
#define FILE_MAX_    (1u << 20)
#define LAST_MAX     (1u << 20)
#define VERB_MAX     32
#define ARGUMENT_MAX 256
#define WHY_MAX      256

enum kind { BATCHES, HEALTH, COMMANDS, BUNDLES, EVIDENCE, RENEWAL, OTHER, KINDS };

static const struct {
    const char *word, *path;
} kinds[KINDS] = {
    [BATCHES] = { "batches", "/v1/batches" },
    [HEALTH] = { "health", "/v1/health" },
    [COMMANDS] = { "commands", "/v1/commands" },
    [BUNDLES] = { "bundles", "/v1/bundles/" },
    [EVIDENCE] = { "evidence", "/v1/evidence/" },
    [RENEWAL] = { "renewal", "/v1/renew" },
    [OTHER] = { "other", "" },
};

struct sum {
    uint64_t calls, failed, out, in;
};

struct place {
    char address[128], ip[64];
    struct sum sum;
};

struct lane {
    char name[SPOOL_LANE_MAX];
    uint64_t records, bytes, packed;
};

struct command {
    uint64_t at_ms;
    char verb[VERB_MAX], argument[ARGUMENT_MAX];
};

struct ledger {
    pthread_mutex_t lock;
    const struct clock *clock;
    char *state_dir, *dir, *sensor;
    char day[DAY_TEXT], previous[DAY_TEXT], previous_hash[SIGN_DIGEST_TEXT];
    uint64_t first_ms, last_ms;
    struct sum kinds[KINDS];
    struct place places[LEDGER_PLACES_MAX];
    unsigned place_count;
    struct lane lanes[LEDGER_LANES_MAX];
    unsigned lane_count;
    struct command commands[LEDGER_COMMANDS_MAX];
    uint64_t command_count;        /* named or not */
    struct buf last;               /* records as sent */
    bool dirty, last_dirty, owing; /* owing: a day that is over is not signed */
    uint64_t flushed_ns, settled_ns;
};

static char *path_of(const struct ledger *l, const char *day, const char *suffix)
{
    return xasprintf("%s/%s%s", l->dir, day, suffix);
}

static void day_of(uint64_t ms, char out[DAY_TEXT])
{
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &tm);
    strftime(out, DAY_TEXT, "%Y-%m-%d", &tm);
}

static uint64_t now_ms(const struct ledger *l)
{
    return clock_now(l->clock) / NS_PER_MS;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_sum(struct json *j, const struct sum *s)
{
    json_u64(j, "calls", s->calls);
    json_u64(j, "failed", s->failed);
    json_u64(j, "bytes_out", s->out);
    json_u64(j, "bytes_in", s->in);
}

static void write_traffic(const struct ledger *l, struct json *j)
{
    json_open_array(j, "calls");
    for (int k = 0; k < KINDS; k++) {
        if (!l->kinds[k].calls)
            continue;
        json_open(j, NULL);
        json_str(j, "what", kinds[k].word);
        write_sum(j, &l->kinds[k]);
        json_close(j);
    }
    json_close_array(j);
    json_open_array(j, "destinations");
    for (unsigned i = 0; i < l->place_count; i++) {
        json_open(j, NULL);
        json_str(j, "address", l->places[i].address);
        json_str(j, "ip", l->places[i].ip);
        write_sum(j, &l->places[i].sum);
        json_close(j);
    }
    json_close_array(j);
}

static void write_records(const struct ledger *l, struct json *j)
{
    json_open_array(j, "records");
    for (unsigned i = 0; i < l->lane_count; i++) {
        json_open(j, NULL);
        json_str(j, "lane", l->lanes[i].name);
        json_u64(j, "records", l->lanes[i].records);
        json_u64(j, "bytes", l->lanes[i].bytes);
        json_u64(j, "packed", l->lanes[i].packed);
        json_close(j);
    }
    json_close_array(j);
}

static void write_commands(const struct ledger *l, struct json *j)
{
    json_u64(j, "commands_received", l->command_count);
    json_open_array(j, "commands");
    for (uint64_t i = 0; i < l->command_count && i < LEDGER_COMMANDS_MAX; i++) {
        json_open(j, NULL);
        json_time_ms(j, "at", l->commands[i].at_ms);
        json_str(j, "verb", l->commands[i].verb);
        json_str(j, "argument", l->commands[i].argument);
        json_close(j);
    }
    json_close_array(j);
}

static int write_day(const struct ledger *l)
{
    struct buf out;
    struct json j;
    buf_init(&out, FILE_MAX_);
    json_begin(&j, &out);
    json_open(&j, NULL);
    json_str(&j, "sensor", l->sensor);
    json_str(&j, "day", l->day);
    json_time_ms(&j, "first", l->first_ms);
    json_time_ms(&j, "last", l->last_ms);
    write_traffic(l, &j);
    write_records(l, &j);
    write_commands(l, &j);
    if (*l->previous) {
        json_open(&j, "previous");
        json_str(&j, "day", l->previous);
        json_str(&j, "blake2b_256", l->previous_hash);
        json_close(&j);
    }
    json_close(&j);
    buf_byte(&out, '\n');
    char *path = path_of(l, l->day, ".json");
    int err = out.bad ? ABENG_ELIMIT : file_replace(path, out.data, out.len, 0640);
    if (err)
        log_error("ledger", "%s can't be written: %s", path, strerror(errno));
    free(path);
    buf_free(&out);
    return err;
}

static void write_last(struct ledger *l)
{
    char *path = xasprintf("%s/last.ndjson", l->dir);
    if (file_replace(path, l->last.data, l->last.len, 0640))
        log_error("ledger", "%s can't be written: %s", path, strerror(errno));
    free(path);
    l->last_dirty = false;
}

/* ---- days that are over ---------------------------------------------------------------------- */

static int is_day(const struct dirent *e)
{
    unsigned y, m, d;
    int end = 0;
    return sscanf(e->d_name, "%4u-%2u-%2u.json%n", &y, &m, &d, &end) == 3 &&
           end == DAY_TEXT - 1 + 5 && !e->d_name[end];
}

/* Sign a day that is over. 0, or why not. */
static int sign_day(const struct ledger *l, const char *day)
{
    struct buf text, out;
    char why[WHY_MAX] = "";
    char *path = path_of(l, day, ".json"), *sig = path_of(l, day, ".sig");
    buf_init(&text, FILE_MAX_);
    buf_init(&out, FILE_MAX_);
    int err = access(sig, F_OK) == 0 ? ABENG_EEXIST : file_read(path, &text);
    if (!err)
        err = identity_sign(l->state_dir, text.data, text.len, &out, why, sizeof(why));
    if (!err)
        err = file_replace(sig, out.data, out.len, 0640);
    if (err && err != ABENG_EEXIST)
        log_error("ledger", "%s can't be signed: %s", path, *why ? why : err_text(err));
    buf_free(&text);
    buf_free(&out);
    free(path);
    free(sig);
    return err == ABENG_EEXIST ? 0 : err;
}

static void forget_day(const struct ledger *l, const char *day)
{
    char *path = path_of(l, day, ".json"), *sig = path_of(l, day, ".sig");
    unlink(path);
    unlink(sig);
    free(path);
    free(sig);
}

/* Sign each day before this one; those beyond LEDGER_DAYS go. */
static void settle_days(struct ledger *l)
{
    struct dirent **days;
    char oldest[DAY_TEXT];
    day_of(now_ms(l) - LEDGER_DAYS * 86400000ull, oldest);
    int n = scandir(l->dir, &days, is_day, alphasort);
    l->owing = false;
    l->settled_ns = clock_mono_ns();
    for (int i = 0; i < n; i++) {
        char day[DAY_TEXT];
        snprintf(day, sizeof(day), "%.10s", days[i]->d_name);
        if (strcmp(day, oldest) < 0)
            forget_day(l, day);
        else if (strcmp(day, l->day) < 0 && sign_day(l, day))
            l->owing = true;
        free(days[i]);
    }
    if (n >= 0)
        free(days);
}

/* The newest day before this one, and what its file hashes to. */
static void find_previous(struct ledger *l)
{
    struct dirent **days;
    struct buf text;
    int n = scandir(l->dir, &days, is_day, alphasort);
    l->previous[0] = '\0';
    for (int i = 0; i < n; i++) {
        if (strncmp(days[i]->d_name, l->day, DAY_TEXT - 1) < 0)
            snprintf(l->previous, sizeof(l->previous), "%.10s", days[i]->d_name);
        free(days[i]);
    }
    if (n >= 0)
        free(days);
    if (!*l->previous)
        return;
    buf_init(&text, FILE_MAX_);
    char *path = path_of(l, l->previous, ".json");
    if (file_read(path, &text))
        l->previous[0] = '\0';
    else
        sign_digest_text(text.data, text.len, l->previous_hash);
    free(path);
    buf_free(&text);
}

static void begin_day(struct ledger *l, const char *day)
{
    snprintf(l->day, sizeof(l->day), "%s", day);
    l->first_ms = l->last_ms = 0;
    memset(l->kinds, 0, sizeof(l->kinds));
    l->place_count = l->lane_count = 0;
    l->command_count = 0;
    l->dirty = false;
    find_previous(l);
}

/* A day never comes back: a clock that is set back counts on in the latest one. */
static void turn_day(struct ledger *l)
{
    char day[DAY_TEXT];
    day_of(now_ms(l), day);
    if (strcmp(day, l->day) <= 0)
        return;
    if (l->dirty)
        write_day(l);
    begin_day(l, day);
    settle_days(l);
}

/* Called with the lock held, before anything is counted. */
static void touch(struct ledger *l)
{
    turn_day(l);
    l->last_ms = now_ms(l);
    l->first_ms = l->first_ms ? l->first_ms : l->last_ms;
    l->dirty = true;
}

/* ---- reading back ---------------------------------------------------------------------------- */

static uint64_t number(const json_t *o, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(o, name));
    return n > 0 ? (uint64_t)n : 0;
}

static const char *text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text ? text : "";
}

static uint64_t time_of(const json_t *o, const char *name)
{
    const char *text = text_of(o, name);
    uint64_t ns = 0;
    return *text && !clock_parse(text, strlen(text), &ns) ? ns / NS_PER_MS : 0;
}

static struct sum read_sum(const json_t *o)
{
    return (struct sum){ number(o, "calls"), number(o, "failed"), number(o, "bytes_out"),
                         number(o, "bytes_in") };
}

static void read_traffic(struct ledger *l, const json_t *root)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(root, "calls"), i, one)
    {
        for (int k = 0; k < KINDS; k++)
            if (!strcmp(kinds[k].word, text_of(one, "what")))
                l->kinds[k] = read_sum(one);
    }
    json_array_foreach(json_object_get(root, "destinations"), i, one)
    {
        if (l->place_count == LEDGER_PLACES_MAX)
            break;
        struct place *p = &l->places[l->place_count++];
        snprintf(p->address, sizeof(p->address), "%s", text_of(one, "address"));
        snprintf(p->ip, sizeof(p->ip), "%s", text_of(one, "ip"));
        p->sum = read_sum(one);
    }
}

static void read_rest(struct ledger *l, const json_t *root)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(root, "records"), i, one)
    {
        if (l->lane_count == LEDGER_LANES_MAX)
            break;
        struct lane *lane = &l->lanes[l->lane_count++];
        snprintf(lane->name, sizeof(lane->name), "%s", text_of(one, "lane"));
        lane->records = number(one, "records");
        lane->bytes = number(one, "bytes");
        lane->packed = number(one, "packed");
    }
    json_array_foreach(json_object_get(root, "commands"), i, one)
    {
        if (i == LEDGER_COMMANDS_MAX)
            break;
        struct command *c = &l->commands[i];
        c->at_ms = time_of(one, "at");
        snprintf(c->verb, sizeof(c->verb), "%s", text_of(one, "verb"));
        snprintf(c->argument, sizeof(c->argument), "%s", text_of(one, "argument"));
    }
    l->command_count = number(root, "commands_received");
    l->first_ms = time_of(root, "first");
    l->last_ms = time_of(root, "last");
}

/* Take up the day's file, if there is one. */
static void read_day(struct ledger *l)
{
    struct buf text;
    char *path = path_of(l, l->day, ".json");
    buf_init(&text, FILE_MAX_);
    json_t *root = NULL;
    int err = file_read(path, &text);
    if (!err)
        root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (root) {
        read_traffic(l, root);
        read_rest(l, root);
    } else if (!err) {
        char *aside = xasprintf("%s.damaged", path);
        log_error("ledger", "%s is damaged; it is kept as %s and a new one begun", path, aside);
        if (rename(path, aside))
            log_error("ledger", "%s: %s", aside, strerror(errno));
        free(aside);
    }
    json_decref(root);
    buf_free(&text);
    free(path);
}

/* ---- counting -------------------------------------------------------------------------------- */

static enum kind kind_of(const char *path)
{
    int k = 0;
    while (k < OTHER && strncmp(path, kinds[k].path, strlen(kinds[k].path)) != 0)
        k++;
    return (enum kind)k;
}

/* The last place stands for all that have no room of their own. */
static struct place *place_of(struct ledger *l, const struct client_traffic *t)
{
    for (unsigned i = 0; i < l->place_count; i++)
        if (!strcmp(l->places[i].address, t->address) && !strcmp(l->places[i].ip, t->ip))
            return &l->places[i];
    if (l->place_count == LEDGER_PLACES_MAX) {
        struct place *last = &l->places[LEDGER_PLACES_MAX - 1];
        snprintf(last->address, sizeof(last->address), "(others)");
        last->ip[0] = '\0';
        return last;
    }
    struct place *p = &l->places[l->place_count++];
    *p = (struct place){ .sum = { 0 } };
    snprintf(p->address, sizeof(p->address), "%s", t->address);
    snprintf(p->ip, sizeof(p->ip), "%s", t->ip);
    return p;
}

static void add(struct sum *s, const struct client_traffic *t)
{
    s->calls++;
    s->failed += t->failed;
    s->out += t->out;
    s->in += t->in;
}

void ledger_call(struct ledger *l, const char *path, const struct client_traffic *t)
{
    pthread_mutex_lock(&l->lock);
    touch(l);
    add(&l->kinds[kind_of(path)], t);
    add(&place_of(l, t)->sum, t);
    pthread_mutex_unlock(&l->lock);
}

static struct lane *lane_of_name(struct ledger *l, const char *name)
{
    for (unsigned i = 0; i < l->lane_count; i++)
        if (!strcmp(l->lanes[i].name, name))
            return &l->lanes[i];
    if (l->lane_count == LEDGER_LANES_MAX)
        return NULL; /* the collector knows no more lanes than that */
    struct lane *lane = &l->lanes[l->lane_count++];
    *lane = (struct lane){ .records = 0 };
    snprintf(lane->name, sizeof(lane->name), "%s", name);
    return lane;
}

/* The last lines of what was sent. */
static void keep_last(struct ledger *l, const struct buf *raw)
{
    size_t from = raw->len, lines = 0;
    while (from > 0) {
        const uint8_t *line = from > 1 ? memrchr(raw->data, '\n', from - 1) : NULL;
        size_t at = line ? (size_t)(line - raw->data) + 1 : 0;
        if (lines++ == LEDGER_LAST_MAX)
            break;
        from = at;
    }
    buf_clear(&l->last);
    buf_add(&l->last, raw->data + from, raw->len - from);
    l->last_dirty = true;
}

void ledger_batch(struct ledger *l, const struct batch *b)
{
    pthread_mutex_lock(&l->lock);
    touch(l);
    struct lane *lane = lane_of_name(l, b->lane);
    if (lane) {
        lane->records += b->count;
        lane->bytes += b->raw.len;
        lane->packed += b->frame.len;
    }
    keep_last(l, &b->raw);
    pthread_mutex_unlock(&l->lock);
}

void ledger_command(struct ledger *l, const char *verb, const char *argument)
{
    pthread_mutex_lock(&l->lock);
    touch(l);
    if (l->command_count < LEDGER_COMMANDS_MAX) {
        struct command *c = &l->commands[l->command_count];
        c->at_ms = l->last_ms;
        snprintf(c->verb, sizeof(c->verb), "%s", verb);
        snprintf(c->argument, sizeof(c->argument), "%s", argument ? argument : "");
    }
    l->command_count++;
    pthread_mutex_unlock(&l->lock);
}

void ledger_flush(struct ledger *l, bool now)
{
    uint64_t mono = clock_mono_ns();
    pthread_mutex_lock(&l->lock);
    if (now || mono - l->flushed_ns >= FLUSH_NS) {
        l->flushed_ns = mono;
        turn_day(l);
        if (l->dirty && !write_day(l))
            l->dirty = false;
        if (l->last_dirty)
            write_last(l);
        if (l->owing && mono - l->settled_ns >= AGAIN_NS)
            settle_days(l);
    }
    pthread_mutex_unlock(&l->lock);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct ledger *ledger_open(const char *state_dir, const char *sensor, const struct clock *clock)
{
    struct ledger *l = xcalloc(1, sizeof(*l));
    struct dirent **days;
    char day[DAY_TEXT];
    pthread_mutex_init(&l->lock, NULL);
    l->clock = clock ? clock : clock_system();
    l->state_dir = xstrdup(state_dir);
    l->dir = xasprintf("%s/ledger", state_dir);
    l->sensor = xstrdup(sensor);
    buf_init(&l->last, LAST_MAX);
    if (file_make_dirs(l->dir, 0750))
        log_error("ledger", "%s: %s", l->dir, strerror(errno));
    day_of(now_ms(l), day);
    int n = scandir(l->dir, &days, is_day, alphasort);
    for (int i = 0; i < n; i++) {
        if (strncmp(days[i]->d_name, day, DAY_TEXT - 1) > 0)
            snprintf(day, sizeof(day), "%.10s", days[i]->d_name);
        free(days[i]);
    }
    if (n >= 0)
        free(days);
    begin_day(l, day);
    read_day(l);
    settle_days(l);
    return l;
}

void ledger_close(struct ledger *l)
{
    if (!l)
        return;
    ledger_flush(l, true);
    buf_free(&l->last);
    pthread_mutex_destroy(&l->lock);
    free(l->state_dir);
    free(l->dir);
    free(l->sensor);
    free(l);
}
