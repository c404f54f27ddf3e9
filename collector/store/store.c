/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, calls and the function library. */
#include "config.h"
#include "collector/store/store.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "collector/store/internal.h"
#include "collector/store/keys.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/state.h"
#include "common/xalloc.h"

#define CONNECT_MS 1000u
#define COMMAND_MS 5000u
/* After a failed connect, commands of that connection fail at once for this long. */
#define RETRY_MS   250u
#define MEMORY_AGE (2 * NS_PER_S)
/* Words of one call: keys and arguments; more is a programmer's error. Most calls have few. */
#define CALL_WORDS_MAX 262144u
#define CALL_WORDS_FEW 64u
#define SECRET_TEXT    65

struct store {
    struct store_conf conf;
    char *address;
    char *password;
    char secret[SECRET_TEXT]; /* of the state users, new in each process */
    pthread_key_t thread_key;
    pthread_mutex_t users_lock;
    int health;               /* atomic: enum abeng_err of the last answer */
    uint64_t memory_at;       /* atomic: mono ns */
    unsigned memory_permille; /* atomic */
};

struct store_conn {
    struct store *store;
    char scope[4]; /* "" is the collector's own user */
    redisContext *redis;
    unsigned pending;  /* commands queued whose replies were not taken */
    uint64_t retry_at; /* mono ns */
    unsigned extra_ms;
    bool renewed;
    struct store_conn *next; /* of the same thread */
};

/* A thread's connections. */
struct store_thread {
    struct store_conn *conns;
};

/* ---- errors ------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    int err;
} error_words[] = {
    { "NOTFOUND", ABENG_ENOENT }, { "CONFLICT", ABENG_ECONFLICT }, { "STALE", ABENG_ECONFLICT },
    { "EXISTS", ABENG_EEXIST },   { "DENIED", ABENG_EDENIED },     { "INVALID", ABENG_EINVAL },
    { "LIMIT", ABENG_ELIMIT },    { "OOM", ABENG_ENOMEM },         { "NOPERM", ABENG_EDENIED },
    { "LOADING", ABENG_EAGAIN },  { "BUSY", ABENG_EAGAIN },        { "MASTERDOWN", ABENG_EAGAIN },
    { "READONLY", ABENG_EAGAIN }, { "WRONGPASS", ABENG_EAUTH },    { "NOAUTH", ABENG_EAUTH },
    { "MISCONF", ABENG_EAGAIN },  { "WRONGTYPE", ABENG_EFORMAT },
};

static int error_of(const redisReply *r)
{
    if (r->type != REDIS_REPLY_ERROR)
        return ABENG_OK;
    size_t word = strcspn(r->str, " ");
    for (size_t i = 0; i < sizeof(error_words) / sizeof(error_words[0]); i++) {
        if (strlen(error_words[i].word) == word && memcmp(r->str, error_words[i].word, word) == 0)
            return error_words[i].err;
    }
    log_error("store", "redis refused: %s", r->str);
    return ABENG_ERR;
}

static void set_health(struct store *s, int err)
{
    __atomic_store_n(&s->health, err == ABENG_EAGAIN ? err : ABENG_OK, __ATOMIC_RELAXED);
}

int store_health(const struct store *s)
{
    return __atomic_load_n(&s->health, __ATOMIC_RELAXED);
}

/* ---- connecting --------------------------------------------------------------------------- */

static struct timeval timeval_ms(unsigned ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = (long)(ms % 1000) * 1000 };
}

static redisContext *dial(const struct store *s)
{
    struct timeval wait = timeval_ms(s->conf.connect_ms);

    if (strncmp(s->address, "unix:", 5) == 0)
        return redisConnectUnixWithTimeout(s->address + 5, wait);
    char host[256];
    const char *colon = strrchr(s->address, ':');
    snprintf(host, sizeof(host), "%.*s", (int)(colon - s->address), s->address);
    return redisConnectWithTimeout(host, atoi(colon + 1), wait);
}

static void hang_up(struct store_conn *c)
{
    if (c->redis)
        redisFree(c->redis);
    c->redis = NULL;
    c->pending = 0;
}

static int command(struct store_conn *c, redisReply **out, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    *out = redisvCommand(c->redis, fmt, args);
    va_end(args);
    if (!*out) {
        hang_up(c);
        return ABENG_EAGAIN;
    }
    return error_of(*out);
}

/* One user per state: its own keys, no way to list others' or to change the server. */
static int make_users(struct store_conn *admin)
{
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        const char *state = state_at(i)->code;
        redisReply *r = NULL;
        int err = command(admin, &r,
                          "ACL SETUSER abeng-%s reset on >%s ~{%s}:* +@read +@write +@connection "
                          "+@transaction -scan -keys -randomkey -@dangerous -@scripting +fcall "
                          "+fcall_ro",
                          state, admin->store->secret, state);
        if (r)
            freeReplyObject(r);
        if (err)
            return err;
    }
    return ABENG_OK;
}

static int log_in(struct store_conn *c)
{
    redisReply *r = NULL;
    int err = ABENG_OK;

    if (*c->scope)
        err = command(c, &r, "AUTH abeng-%s %s", c->scope, c->store->secret);
    else if (c->store->password)
        err = command(c, &r, "AUTH %s", c->store->password);
    if (r)
        freeReplyObject(r);
    return err;
}

/* A respawned redis-server has forgotten the users: make them again, once at a time. */
static int renew_users(struct store *s)
{
    struct store_conn *admin = store_conn(s, NULL);
    struct store_reply *r = NULL;

    int err = store_command(admin, &r, "PING");
    store_reply_free(r);
    if (err)
        return err;
    pthread_mutex_lock(&s->users_lock);
    err = make_users(admin);
    pthread_mutex_unlock(&s->users_lock);
    return err;
}

/* A server that was restarted has closed its end: better seen before a command is lost in it. */
static bool closed_by_peer(const struct store_conn *c)
{
    char byte;
    return recv(c->redis->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static int connect_now(struct store_conn *c)
{
    uint64_t now = clock_mono_ns();

    /* In the middle of a pipeline a new connection would answer only what is queued from now on. */
    if (c->redis && !c->pending && closed_by_peer(c))
        hang_up(c);
    if (c->redis)
        return ABENG_OK;
    if (now < c->retry_at)
        return ABENG_EAGAIN;
    c->retry_at = now + RETRY_MS * NS_PER_MS;
    c->redis = dial(c->store);
    if (!c->redis || c->redis->err) {
        hang_up(c);
        set_health(c->store, ABENG_EAGAIN);
        return ABENG_EAGAIN;
    }
    redisSetTimeout(c->redis, timeval_ms(c->store->conf.command_ms));
    int err = log_in(c);
    if (err == ABENG_EAUTH && *c->scope && renew_users(c->store) == ABENG_OK)
        err = log_in(c);
    if (err) {
        hang_up(c);
        return err == ABENG_EAUTH ? ABENG_EAUTH : ABENG_EAGAIN;
    }
    c->retry_at = 0;
    c->renewed = true;
    return ABENG_OK;
}

static void thread_close(void *arg)
{
    struct store_thread *t = arg;
    while (t->conns) {
        struct store_conn *c = t->conns;
        t->conns = c->next;
        hang_up(c);
        free(c);
    }
    free(t);
}

struct store_conn *store_conn(struct store *s, const char *scope)
{
    struct store_thread *t = pthread_getspecific(s->thread_key);
    const char *want = scope && s->conf.scoped_users ? scope : "";

    if (!t) {
        t = xcalloc(1, sizeof(*t));
        pthread_setspecific(s->thread_key, t);
    }
    for (struct store_conn *c = t->conns; c; c = c->next) {
        if (strcmp(c->scope, want) == 0)
            return c;
    }
    struct store_conn *c = xcalloc(1, sizeof(*c));
    c->store = s;
    snprintf(c->scope, sizeof(c->scope), "%s", want);
    c->next = t->conns;
    t->conns = c;
    return c;
}

bool store_conn_renewed(struct store_conn *c)
{
    bool renewed = c->renewed;
    c->renewed = false;
    return renewed;
}

void store_allow_ms(struct store_conn *c, unsigned ms)
{
    c->extra_ms = ms;
}

/* ---- commands ----------------------------------------------------------------------------- */

static int take_reply(struct store_conn *c, struct store_reply **out)
{
    void *r = NULL;

    if (redisGetReply(c->redis, &r) != REDIS_OK || !r) {
        log_warn("store", "connection lost: %s", c->redis->errstr);
        hang_up(c);
        set_health(c->store, ABENG_EAGAIN);
        return ABENG_EAGAIN;
    }
    c->pending--;
    *out = r;
    int err = error_of(r);
    set_health(c->store, err);
    return err;
}

/* Callers stop at the first error: what they leave must not answer somebody's next command. */
static void drop_pending(struct store_conn *c)
{
    while (c->pending) {
        void *r = NULL;
        if (redisGetReply(c->redis, &r) != REDIS_OK || !r) {
            hang_up(c);
            return;
        }
        freeReplyObject(r);
        c->pending--;
    }
}

int store_collect(struct store_conn *c, struct store_reply **out)
{
    *out = NULL;
    if (!c->redis || !c->pending)
        return ABENG_EAGAIN;
    unsigned extra = c->extra_ms, usual = c->store->conf.command_ms;
    c->extra_ms = 0;
    if (extra)
        redisSetTimeout(c->redis, timeval_ms(usual + extra));
    int err = take_reply(c, out);
    if (extra && c->redis)
        redisSetTimeout(c->redis, timeval_ms(usual));
    if (err)
        drop_pending(c);
    return err;
}

static int queued(struct store_conn *c, int status)
{
    if (status == REDIS_OK) {
        c->pending++;
        return ABENG_OK;
    }
    hang_up(c);
    return ABENG_EAGAIN;
}

/* The words of a command, on the stack while they are few. */
struct call_words {
    const char *few[CALL_WORDS_FEW];
    size_t few_lens[CALL_WORDS_FEW];
    const char **words;
    size_t *lens;
    size_t count;
};

static void words_begin(struct call_words *w, size_t most)
{
    bool few = most <= CALL_WORDS_FEW;
    w->words = few ? w->few : xcalloc(most, sizeof(*w->words));
    w->lens = few ? w->few_lens : xcalloc(most, sizeof(*w->lens));
    w->count = 0;
}

static void words_add(struct call_words *w, const struct store_arg *args, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        w->words[w->count] = args[i].bytes;
        w->lens[w->count++] = args[i].len;
    }
}

/* Queue them and let them go. */
static int words_send(struct call_words *w, struct store_conn *c)
{
    int err = queued(c, redisAppendCommandArgv(c->redis, (int)w->count, w->words, w->lens));

    if (w->words != w->few) {
        free(w->words);
        free(w->lens);
    }
    return err;
}

int store_call_later(struct store_conn *c, const char *name, const struct store_arg *keys,
                     size_t key_count, const struct store_arg *args, size_t arg_count)
{
    struct call_words w;
    char number[24];

    if (key_count + arg_count + 3 > CALL_WORDS_MAX)
        return ABENG_EINVAL;
    int err = connect_now(c);
    if (err)
        return err;
    struct store_arg head[3] = { STORE_TEXT("FCALL"), STORE_TEXT(name) };
    head[2] = STORE_BYTES(number, (size_t)snprintf(number, sizeof(number), "%zu", key_count));
    words_begin(&w, key_count + arg_count + 3);
    words_add(&w, head, 3);
    words_add(&w, keys, key_count);
    words_add(&w, args, arg_count);
    return words_send(&w, c);
}

int store_call(struct store_conn *c, const char *name, const struct store_arg *keys,
               size_t key_count, const struct store_arg *args, size_t arg_count,
               struct store_reply **out)
{
    *out = NULL;
    int err = store_call_later(c, name, keys, key_count, args, arg_count);
    return err ? err : store_collect(c, out);
}

int store_commandv(struct store_conn *c, const struct store_arg *args, size_t count,
                   struct store_reply **out)
{
    struct call_words w;

    *out = NULL;
    if (count > CALL_WORDS_MAX)
        return ABENG_EINVAL;
    int err = connect_now(c);
    if (err)
        return err;
    words_begin(&w, count);
    words_add(&w, args, count);
    err = words_send(&w, c);
    return err ? err : store_collect(c, out);
}

static int command_later(struct store_conn *c, const char *fmt, va_list args)
{
    int err = connect_now(c);
    return err ? err : queued(c, redisvAppendCommand(c->redis, fmt, args));
}

int store_command_later(struct store_conn *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int err = command_later(c, fmt, args);
    va_end(args);
    return err;
}

int store_command(struct store_conn *c, struct store_reply **out, const char *fmt, ...)
{
    va_list args;
    *out = NULL;
    va_start(args, fmt);
    int err = command_later(c, fmt, args);
    va_end(args);
    return err ? err : store_collect(c, out);
}

/* ---- memory ------------------------------------------------------------------------------- */

static uint64_t info_number(const char *info, const char *name)
{
    const char *at = strstr(info, name);
    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

unsigned store_memory_permille(struct store *s)
{
    uint64_t now = clock_mono_ns(), at = __atomic_load_n(&s->memory_at, __ATOMIC_RELAXED);
    struct store_reply *r = NULL;

    if (at && now - at < MEMORY_AGE)
        return __atomic_load_n(&s->memory_permille, __ATOMIC_RELAXED);
    if (store_command(store_conn(s, NULL), &r, "INFO memory") == ABENG_OK) {
        const char *info = store_reply_text(r, NULL);
        uint64_t used = info_number(info, "used_memory:"), max = info_number(info, "maxmemory:");
        unsigned share = max ? (unsigned)(used * 1000 / max) : 0;
        __atomic_store_n(&s->memory_permille, share, __ATOMIC_RELAXED);
        __atomic_store_n(&s->memory_at, now, __ATOMIC_RELAXED);
    }
    store_reply_free(r);
    return __atomic_load_n(&s->memory_permille, __ATOMIC_RELAXED);
}

/* ---- opening ------------------------------------------------------------------------------ */

static int wait_ready(struct store *s, unsigned wait_ms)
{
    uint64_t until = clock_mono_ns() + wait_ms * NS_PER_MS;

    for (;;) {
        struct store_reply *r = NULL;
        int err = store_command(store_conn(s, NULL), &r, "PING");
        store_reply_free(r);
        if (err != ABENG_EAGAIN || clock_mono_ns() > until)
            return err;
        usleep(50 * 1000);
    }
}

/* What a setting must be for `committed` to mean on disk, and why. */
static const struct {
    const char *name;
    const char *value;
    const char *why;
} required[] = {
    { "maxmemory-policy", "noeviction", "or it would delete incidents when memory is short" },
    { "appendonly", "yes", "or a power cut would lose what sensors were told is kept" },
    { "appendfsync", "always", "or a power cut would lose what sensors were told is kept" },
};

static int check_settings(struct store *s)
{
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        struct store_reply *r = NULL;
        int err = store_command(store_conn(s, NULL), &r, "CONFIG GET %s", required[i].name);
        const char *value = store_reply_text(store_reply_at(r, 1), NULL);
        if (err)
            log_warn("store", "redis does not tell its %s; it must be %s, %s", required[i].name,
                     required[i].value, required[i].why);
        else if (strcmp(value, required[i].value) != 0) {
            log_error("store", "redis at %s has %s %s; set it to %s, %s", s->address,
                      required[i].name, value, required[i].value, required[i].why);
            err = ABENG_EINVAL;
        }
        store_reply_free(r);
        if (err == ABENG_EINVAL || err == ABENG_EAGAIN)
            return err;
    }
    return ABENG_OK;
}

static int check_server(struct store *s)
{
    struct store_reply *r = NULL;
    int err = store_command(store_conn(s, NULL), &r, "INFO server");
    uint64_t major = err ? 0 : info_number(store_reply_text(r, NULL), "redis_version:");

    store_reply_free(r);
    if (!err && major < 7) {
        log_error("store", "redis at %s is version %llu; Abeng needs 7 or newer", s->address,
                  (unsigned long long)major);
        return ABENG_EUNSUPPORTED;
    }
    return err;
}

/*
 * The version of the library that wrote this store; kept as a key, for the library may be missing.
 */
static int load_library(struct store *s)
{
    struct store_conn *c = store_conn(s, NULL);
    struct store_key key = store_key(STORE_REGION, "schema");
    struct store_reply *r = NULL;

    int err = store_command(c, &r, "GET %s", key.text);
    int64_t have = store_reply_int(r);
    store_reply_free(r);
    if (err)
        return err;
    if (have > STORE_LIBRARY_VERSION) {
        log_error("store",
                  "this store was written by a newer Abeng (schema %lld, this one knows %d)",
                  (long long)have, STORE_LIBRARY_VERSION);
        return ABENG_EUNSUPPORTED;
    }
    err = store_command(c, &r, "FUNCTION LOAD REPLACE %s", store_library);
    if (err)
        log_error("store", "the function library does not load: %s", store_reply_text(r, NULL));
    store_reply_free(r);
    if (!err) {
        err = store_command(c, &r, "SET %s %d", key.text, STORE_LIBRARY_VERSION);
        store_reply_free(r);
    }
    return err;
}

static int prepare(struct store *s, unsigned wait_ms)
{
    int err = wait_ready(s, wait_ms);
    if (err) {
        log_error("store", "no answer from redis at %s: %s", s->address, err_text(err));
        return err;
    }
    err = check_server(s);
    if (!err)
        err = check_settings(s);
    if (!err)
        err = load_library(s);
    if (!err && s->conf.scoped_users)
        err = make_users(store_conn(s, NULL));
    return err;
}

struct store *store_open(const struct store_conf *conf, unsigned wait_ms)
{
    uint8_t secret[32];
    const char *colon = strrchr(conf->address, ':');

    if (!colon || !colon[1]) {
        log_error("store", "redis address \"%s\" is neither unix:/PATH nor HOST:PORT",
                  conf->address);
        return NULL;
    }
    struct store *s = xcalloc(1, sizeof(*s));
    s->conf = *conf;
    s->conf.connect_ms = conf->connect_ms ? conf->connect_ms : CONNECT_MS;
    s->conf.command_ms = conf->command_ms ? conf->command_ms : COMMAND_MS;
    s->address = xstrdup(conf->address);
    s->password = conf->password ? xstrdup(conf->password) : NULL;
    randombytes_buf(secret, sizeof(secret));
    sodium_bin2hex(s->secret, sizeof(s->secret), secret, sizeof(secret));
    pthread_key_create(&s->thread_key, thread_close);
    pthread_mutex_init(&s->users_lock, NULL);
    if (prepare(s, wait_ms) == ABENG_OK)
        return s;
    store_close(s);
    return NULL;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    void *mine = pthread_getspecific(s->thread_key);
    if (mine)
        thread_close(mine);
    pthread_key_delete(s->thread_key);
    pthread_mutex_destroy(&s->users_lock);
    free(s->address);
    free(s->password);
    sodium_memzero(s->secret, sizeof(s->secret));
    free(s);
}
