/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in memory and on disk, packets on disk. */
#include "config.h"
#include "collector/ingest/packets.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/auth/auth.h"
#include "collector/ingest/sensors.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/state.h"
#include "common/xalloc.h"

#define COMMAND_MAX 512

/* One request: `o` holds the members of its file. */
struct request {
    uint64_t number;
    uint64_t told_ms; /* when the sensor last got the verb; 0: never by us */
    char id[32];
    json_t *o;
};

struct packets {
    char *dir;
    struct sensors *sensors;
    const struct clock *clock;
    pthread_mutex_t lock;
    struct request *list; /* by number, rising */
    size_t count, cap;
    uint64_t next; /* number of the next request */
};

/* ---- members --------------------------------------------------------------------------------- */

static const char *text_of(const struct request *r, const char *name)
{
    return json_string_value(json_object_get(r->o, name));
}

static uint64_t number_of(const struct request *r, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(r->o, name));
    return n > 0 ? (uint64_t)n : 0;
}

static bool is_status(const struct request *r, const char *status)
{
    return strcmp(text_of(r, "status"), status) == 0;
}

static uint64_t now_ms(const struct packets *p)
{
    return clock_now(p->clock) / NS_PER_MS;
}

static bool expired(const struct packets *p, const struct request *r)
{
    return is_status(r, "asked") && now_ms(p) > number_of(r, "asked_ms") + PACKETS_EXPIRE_MS;
}

/* ---- files ----------------------------------------------------------------------------------- */

static char *path_of(const struct packets *p, const char *id, const char *ending)
{
    return xasprintf("%s/%s.%s", p->dir, id, ending);
}

static int save(const struct packets *p, const struct request *r)
{
    char *path = path_of(p, r->id, "json"), *text = json_dumps(r->o, JSON_COMPACT);
    int err = text ? file_replace(path, text, strlen(text), 0600) : ABENG_EIO;
    if (err)
        log_error("evidence", "%s: %s", path, strerror(errno));
    free(text);
    free(path);
    return err;
}

static void forget_oldest(struct packets *p)
{
    struct request *r = &p->list[0];
    static const char *const endings[] = { "pcap", "json" };
    for (unsigned i = 0; i < 2; i++) {
        char *path = path_of(p, r->id, endings[i]);
        unlink(path);
        free(path);
    }
    json_decref(r->o);
    p->count--;
    memmove(p->list, p->list + 1, p->count * sizeof(*p->list));
}

static struct request *add(struct packets *p, uint64_t number, const char *id, json_t *o)
{
    if (p->count == PACKETS_REQUESTS_MAX)
        forget_oldest(p);
    if (p->count == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->list = xreallocarray(p->list, p->cap, sizeof(*p->list));
    }
    struct request *r = &p->list[p->count++];
    *r = (struct request){ .number = number, .o = o };
    snprintf(r->id, sizeof(r->id), "%s", id);
    p->next = number >= p->next ? number + 1 : p->next;
    return r;
}

/* "jm-5.json"; other files are none of ours. */
static bool name_parse(const char *name, char id[32], uint64_t *number)
{
    char state[3];
    int end = 0;
    if (sscanf(name, "%2[a-z]-%" SCNu64 ".json%n", state, number, &end) != 2 || !end || name[end] ||
        state_find(state, strlen(state)) < 0)
        return false;
    snprintf(id, 32, "%s-%" PRIu64, state, *number);
    return true;
}

/* What the rest of this file takes for granted. */
static bool has_texts(const json_t *o)
{
    static const char *const names[] = { "state", "incident", "sensor", "file", "hash", "status" };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!json_is_string(json_object_get(o, names[i])))
            return false;
    }
    return true;
}

static void load_one(struct packets *p, const char *name)
{
    char id[32];
    uint64_t number;
    json_error_t e;
    if (!name_parse(name, id, &number))
        return;
    char *path = path_of(p, id, "json");
    json_t *o = json_load_file(path, 0, &e);
    if (has_texts(o)) {
        add(p, number, id, o);
    } else {
        log_warn("evidence", "%s: %s; left out", path, o ? "members are missing" : e.text);
        json_decref(o);
    }
    free(path);
}

static int by_number(const void *a, const void *b)
{
    const struct request *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

struct packets *packets_open(const char *dir, struct sensors *sensors, const struct clock *clock)
{
    DIR *d = file_make_dirs(dir, 0700) == ABENG_OK ? opendir(dir) : NULL;
    if (!d) {
        log_error("evidence", "%s: %s", dir, strerror(errno));
        return NULL;
    }
    struct packets *p = xcalloc(1, sizeof(*p));
    p->dir = xstrdup(dir);
    p->sensors = sensors;
    p->clock = clock;
    p->next = 1;
    pthread_mutex_init(&p->lock, NULL);
    for (struct dirent *e; (e = readdir(d));)
        load_one(p, e->d_name);
    closedir(d);
    if (p->count)
        qsort(p->list, p->count, sizeof(*p->list), by_number);
    return p;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* These go into a command of words, and to a sensor: plain characters alone. */
static bool plain(const char *text, const char *allowed, size_t least, size_t most)
{
    size_t len = text ? strlen(text) : 0;
    return len >= least && len <= most && strspn(text, allowed) == len;
}

static bool wanted_ok(const struct packets_wanted *w)
{
    static const char hex[] = "0123456789abcdef", names[] = "0123456789abcdef-.pcs";
    return plain(w->file, names, 1, 40) &&
           plain(w->hash, hex, SIGN_DIGEST_TEXT - 1, SIGN_DIGEST_TEXT - 1) && w->length > 0 &&
           w->length <= PACKETS_MAX && w->offset <= INT64_MAX && w->seq <= INT64_MAX &&
           strlen(w->reason) <= PACKETS_TEXT_MAX;
}

static json_t *make_object(const struct packets_wanted *w, const char *id, uint64_t now)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:I,s:I,s:I,s:s,s:s,s:s,s:I,s:s}", "id", id,
                     "state", w->state, "incident", w->incident, "sensor", w->sensor, "epoch",
                     w->epoch, "lane", w->lane, "seq", (json_int_t)w->seq, "file", w->file,
                     "offset", (json_int_t)w->offset, "length", (json_int_t)w->length, "packets",
                     (json_int_t)w->packets, "hash", w->hash, "reason", w->reason, "by", w->by,
                     "asked_ms", (json_int_t)now, "status", "asked");
}

int packets_ask(struct packets *p, const struct packets_wanted *w, char id[32])
{
    if (!wanted_ok(w))
        return ABENG_EINVAL;
    pthread_mutex_lock(&p->lock);
    uint64_t number = p->next;
    snprintf(id, 32, "%s-%" PRIu64, w->state, number);
    json_t *o = make_object(w, id, now_ms(p));
    int err = o ? save(p, add(p, number, id, o)) : ABENG_EINVAL;
    pthread_mutex_unlock(&p->lock);
    if (!err)
        sensors_wake(p->sensors, w->sensor);
    return err;
}

/* ---- telling --------------------------------------------------------------------------------- */

static void write_verb(const struct request *r, struct json *out)
{
    char text[COMMAND_MAX];
    snprintf(text, sizeof(text), "%s %s %" PRIu64 " %" PRIu64 " %s", r->id, text_of(r, "file"),
             number_of(r, "offset"), number_of(r, "length"), text_of(r, "hash"));
    json_open(out, NULL);
    json_str(out, "verb", "evidence");
    json_str(out, "argument", text);
    json_close(out);
}

bool packets_take(struct packets *p, const char *sensor, struct json *out, size_t *count)
{
    bool open = false;
    pthread_mutex_lock(&p->lock);
    uint64_t now = now_ms(p);
    for (size_t i = 0; i < p->count; i++) {
        struct request *r = &p->list[i];
        if (!is_status(r, "asked") || expired(p, r) || strcmp(text_of(r, "sensor"), sensor) != 0)
            continue;
        open = true;
        if (r->told_ms && now < r->told_ms + PACKETS_AGAIN_MS)
            continue;
        r->told_ms = now;
        write_verb(r, out);
        (*count)++;
    }
    pthread_mutex_unlock(&p->lock);
    return open;
}

/* ---- answers --------------------------------------------------------------------------------- */

static struct request *find(struct packets *p, const char *id)
{
    for (size_t i = p->count; i-- > 0;) {
        if (strcmp(p->list[i].id, id) == 0)
            return &p->list[i];
    }
    return NULL;
}

static bool matches(const struct request *r, const void *bytes, size_t len)
{
    char digest[SIGN_DIGEST_TEXT];
    sign_digest_text(bytes, len, digest);
    return len == number_of(r, "length") && strcmp(digest, text_of(r, "hash")) == 0;
}

static int settle(struct packets *p, struct request *r, const char *status, const char *detail)
{
    json_object_set_new(r->o, "status", json_string(status));
    json_object_set_new(r->o, "answered_ms", json_integer((json_int_t)now_ms(p)));
    if (detail)
        json_object_set_new(r->o, "detail", json_stringn_nocheck(detail, strlen(detail)));
    return save(p, r);
}

/* The packets first: a request that says received has them. */
static int take(struct packets *p, struct request *r, const void *bytes, size_t len)
{
    if (!matches(r, bytes, len))
        return ABENG_EFORMAT;
    char *path = path_of(p, r->id, "pcap");
    int err = file_replace(path, bytes, len, 0600);
    if (err)
        log_error("evidence", "%s: %s", path, strerror(errno));
    free(path);
    return err ? err : settle(p, r, "received", NULL);
}

int packets_answer(struct packets *p, const char *sensor, const char *id, const void *bytes,
                   size_t len, const char *refused)
{
    pthread_mutex_lock(&p->lock);
    struct request *r = find(p, id);
    int err = ABENG_ENOENT;
    if (r && strcmp(text_of(r, "sensor"), sensor) == 0 && is_status(r, "asked")) {
        /* A sensor's words are shown to people: plain ones, and few. */
        bool fits = refused && plain(refused,
                                     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789 .,:'()-",
                                     1, 120);
        err = refused ? settle(p, r, "refused", fits ? refused : "the sensor refused")
                      : take(p, r, bytes, len);
    }
    pthread_mutex_unlock(&p->lock);
    return err;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void write_one(const struct packets *p, const struct request *r, struct json *out)
{
    static const char *const texts[] = { "id",   "state", "incident", "sensor", "epoch",
                                         "lane", "hash",  "reason",   "by",     "detail" };
    static const char *const numbers[] = { "seq", "packets", "length" };
    json_open(out, NULL);
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        json_str(out, texts[i], text_of(r, texts[i]));
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        json_u64(out, numbers[i], number_of(r, numbers[i]));
    json_str(out, "status", expired(p, r) ? "expired" : text_of(r, "status"));
    json_time_ms(out, "asked_at", number_of(r, "asked_ms"));
    json_time_ms(out, "answered_at", number_of(r, "answered_ms"));
    json_close(out);
}

int packets_write(struct packets *p, const char *id, struct json *out)
{
    pthread_mutex_lock(&p->lock);
    const struct request *r = find(p, id);
    if (r)
        write_one(p, r, out);
    pthread_mutex_unlock(&p->lock);
    return r ? ABENG_OK : ABENG_ENOENT;
}

static bool shown(const struct request *r, unsigned scope, const char *incident)
{
    return auth_scope(text_of(r, "state")) & scope &&
           (!incident || strcmp(text_of(r, "incident"), incident) == 0);
}

size_t packets_write_all(struct packets *p, unsigned scope, const char *incident, struct json *out)
{
    size_t n = 0;
    pthread_mutex_lock(&p->lock);
    for (size_t i = p->count; i-- > 0;) {
        if (!shown(&p->list[i], scope, incident))
            continue;
        write_one(p, &p->list[i], out);
        n++;
    }
    pthread_mutex_unlock(&p->lock);
    return n;
}

char *packets_path(struct packets *p, const char *id)
{
    pthread_mutex_lock(&p->lock);
    const struct request *r = find(p, id);
    char *path = r && is_status(r, "received") ? path_of(p, id, "pcap") : NULL;
    pthread_mutex_unlock(&p->lock);
    return path;
}

void packets_close(struct packets *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++)
        json_decref(p->list[i].o);
    pthread_mutex_destroy(&p->lock);
    free(p->list);
    free(p->dir);
    free(p);
}
