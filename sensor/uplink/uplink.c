/* SPDX-License-Identifier: Apache-2.0 */
/* The sender: takes the spool's lanes to the collector, one batch at a time. */
#include "config.h"
#include "sensor/uplink/uplink.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/sign.h"
#include "common/stop.h"
#include "common/xalloc.h"
#include "sensor/spool/spool.h"
#include "sensor/uplink/batch.h"
#include "sensor/uplink/grant.h"
#include "sensor/uplink/internal.h"

#define BATCH_MS   30000u
#define HEALTH_MS  10000u
#define HEALTH_NS  (10 * NS_PER_S)
#define REPLY_MAX  (64u << 10)
#define HEALTH_MAX (64u << 10)
/* How soon a record leaves that was synced while nothing was under way. */
#define IDLE_MS 50u
/*
 * Waits after a failure double from the first to the last, each shortened at random by up to half.
 */
#define BACKOFF_FIRST_MS 250u
#define BACKOFF_LAST_MS  30000u
#define REFUSED_MS       30000u
#define RETRY_AFTER_MAX  300u
#define NUMBER_TEXT      24
#define WHY_MAX          320

struct sender {
    struct uplink *u;
    struct client *client;
    struct spool_reader *spool;
    struct batch batch;
    unsigned limit;   /* records per batch; smaller while a bad one is looked for */
    uint64_t skipped; /* a bad record of skipped_lane that was left out: the next can't join on */
    char skipped_lane[SPOOL_LANE_MAX];
    uint64_t refused_first; /* of the last batch that did not join on */
    unsigned backoff_ms;
    bool away; /* said so already */
    uint64_t health_at;
    struct uplink_lane lanes[UPLINK_LANES_MAX];
    unsigned lane_count;
};

/* ---- waiting ------------------------------------------------------------------------------ */

/*
 * Signals are blocked in all threads; asking for them is how this thread sleeps. The monitor's end
 * counts as one.
 */
static void nap(struct uplink *u, unsigned ms)
{
    struct pollfd monitor = { .fd = u->conf->channel, .events = 0 };
    bool ended = stop_nap(ms);

    if (u->conf->channel >= 0 && poll(&monitor, 1, 0) == 1 &&
        (monitor.revents & (POLLHUP | POLLERR)))
        ended = true;
    if (ended)
        __atomic_store_n(&u->stop, 1, __ATOMIC_RELEASE);
}

static bool stopping(const struct uplink *u)
{
    return __atomic_load_n(&u->stop, __ATOMIC_ACQUIRE) != 0;
}

void uplink_sleep(struct uplink *u, unsigned ms)
{
    for (unsigned done = 0; done < ms && !stopping(u); done += IDLE_MS)
        usleep(IDLE_MS * 1000);
}

static void sender_sleep(struct sender *s, unsigned ms)
{
    for (unsigned done = 0; done < ms && !stopping(s->u); done += IDLE_MS)
        nap(s->u, IDLE_MS);
}

static void back_off(struct sender *s, unsigned retry_after_s)
{
    unsigned ms = s->backoff_ms ? s->backoff_ms : BACKOFF_FIRST_MS;

    s->backoff_ms = ms * 2 < BACKOFF_LAST_MS ? ms * 2 : BACKOFF_LAST_MS;
    if (retry_after_s > RETRY_AFTER_MAX)
        retry_after_s = RETRY_AFTER_MAX;
    if (retry_after_s)
        ms = retry_after_s * 1000;
    sender_sleep(s, ms - randombytes_uniform(ms / 2 + 1));
}

/* ---- health ------------------------------------------------------------------------------- */

static void note_raised(struct sender *s, const struct batch *b)
{
    unsigned i = 0;

    while (i < s->lane_count && strcmp(s->lanes[i].name, b->lane) != 0)
        i++;
    if (i == UPLINK_LANES_MAX)
        return;
    if (i == s->lane_count)
        s->lane_count++;
    memcpy(s->lanes[i].name, b->lane, sizeof(s->lanes[i].name));
    memcpy(s->lanes[i].epoch, b->epoch, sizeof(s->lanes[i].epoch));
    s->lanes[i].raised = batch_last(b);
}

static void report_health(struct sender *s)
{
    struct buf body;
    char why[WHY_MAX];
    struct client_reply reply;

    if (clock_mono_ns() < s->health_at)
        return;
    s->health_at = clock_mono_ns() + HEALTH_NS;
    buf_init(&body, HEALTH_MAX);
    uplink_write_health(s->u, s->lanes, s->lane_count, &body);
    struct client_request req = { .path = "/v1/health",
                                  .body = body.data,
                                  .body_len = body.len,
                                  .timeout_ms = HEALTH_MS,
                                  .reply_max = REPLY_MAX };
    client_call(s->client, &req, &reply, why, sizeof(why));
    buf_free(&body);
}

/* ---- batches ------------------------------------------------------------------------------ */

/* Whether nothing older than this batch can come: the collector then counts the hole as lost. */
static bool is_oldest(const struct sender *s)
{
    const struct batch *b = &s->batch;
    return b->after_hole ||
           (s->skipped && s->skipped + 1 == b->first && strcmp(s->skipped_lane, b->lane) == 0);
}

static int post(struct sender *s, struct client_reply *reply, char *why, size_t why_len)
{
    const struct batch *b = &s->batch;
    char first[NUMBER_TEXT], count[NUMBER_TEXT];
    struct client_header headers[] = {
        {"Content-Type",      "application/x-ndjson"},
        { "Content-Encoding", "zstd"                },
        { "Abeng-Epoch",      b->epoch              },
        { "Abeng-Lane",       b->lane               },
        { "Abeng-First-Seq",  first                 },
        { "Abeng-Count",      count                 },
        { "Abeng-Oldest",     first                 },
    };
    size_t n = sizeof(headers) / sizeof(headers[0]);

    snprintf(first, sizeof(first), "%llu", (unsigned long long)b->first);
    snprintf(count, sizeof(count), "%llu", (unsigned long long)b->count);
    struct client_request req = { .path = "/v1/batches",
                                  .headers = headers,
                                  .header_count = is_oldest(s) ? n : n - 1,
                                  .body = b->frame.data,
                                  .body_len = b->frame.len,
                                  .timeout_ms = BATCH_MS,
                                  .reply_max = REPLY_MAX };
    return client_call(s->client, &req, reply, why, why_len);
}

static void rewind_to(struct sender *s, uint64_t number)
{
    int err = spool_reader_rewind(s->spool, s->batch.lane, s->batch.epoch, number);
    if (err)
        log_error("uplink", "lane %s can't be rewound: %s", s->batch.lane, err_text(err));
}

static void rewind_batch(struct sender *s)
{
    rewind_to(s, s->batch.first - 1);
}

static void committed(struct sender *s)
{
    int err =
        spool_reader_committed(s->spool, s->batch.lane, s->batch.epoch, batch_last(&s->batch));

    if (err)
        log_error("uplink", "can't mark lane %s as committed: %s", s->batch.lane, err_text(err));
    note_raised(s, &s->batch);
    ledger_batch(s->u->ledger, &s->batch);
    s->backoff_ms = 0;
    s->refused_first = 0;
    if (strcmp(s->skipped_lane, s->batch.lane) == 0)
        s->skipped = 0;
    s->limit = BATCH_COUNT_MAX;
}

/* The collector stands at `number`, we sent from later on: go back, slowly when it happens
 * again. */
static void go_back(struct sender *s, uint64_t number)
{
    log_notice("uplink", "collector has lane %s up to %llu, we sent from %llu: sending again",
               s->batch.lane, (unsigned long long)number, (unsigned long long)s->batch.first);
    rewind_to(s, number);
    if (s->refused_first == s->batch.first)
        back_off(s, 0);
    s->refused_first = s->batch.first;
}

/*
 * Halve the batch until the bad record is alone, then leave it out; the collector counts it as
 * lost.
 */
static void isolate(struct sender *s, long status, const struct buf *body)
{
    char why[WHY_MAX];

    if (s->batch.count > 1) {
        s->limit = (unsigned)s->batch.count / 2;
        rewind_batch(s);
        return;
    }
    grant_problem(status, body, why, sizeof(why));
    log_error("uplink", "record %llu of lane %s is left out: %s",
              (unsigned long long)s->batch.first, s->batch.lane, why);
    committed(s);
    s->skipped = s->batch.first;
    memcpy(s->skipped_lane, s->batch.lane, sizeof(s->skipped_lane));
}

static void refused(struct sender *s, long status, const struct buf *body)
{
    char why[WHY_MAX];

    grant_problem(status, body, why, sizeof(why));
    log_error("uplink", "%s; trying again in %u s", why, REFUSED_MS / 1000);
    rewind_batch(s);
    sender_sleep(s, REFUSED_MS);
}

static void obey_answer(struct sender *s, const struct client_reply *reply)
{
    uint64_t number = 0;

    switch (batch_judge(&s->batch, reply->status, reply->body, &number)) {
    case BATCH_COMMITTED:
        committed(s);
        break;
    case BATCH_REWIND:
        go_back(s, number);
        break;
    case BATCH_BAD:
        isolate(s, reply->status, reply->body);
        break;
    case BATCH_REFUSED:
        refused(s, reply->status, reply->body);
        break;
    case BATCH_WAIT:
        log_info("uplink", "the collector answers %ld; waiting", reply->status);
        rewind_batch(s);
        back_off(s, reply->retry_after_s);
        break;
    }
}

static void send_batch(struct sender *s)
{
    struct client_reply reply;
    char why[WHY_MAX];

    if (post(s, &reply, why, sizeof(why)) == ABENG_OK) {
        if (s->away)
            log_notice("uplink", "the collector answers again");
        s->away = false;
        obey_answer(s, &reply);
        return;
    }
    if (!s->away)
        log_warn("uplink", "no collector answers (%s); records wait in the spool", why);
    s->away = true;
    rewind_batch(s);
    back_off(s, 0);
}

/*
 * One batch of the first lane that has something: urgent lanes come first. Whether there was one.
 */
static bool send_next(struct sender *s)
{
    char lanes[UPLINK_LANES_MAX][SPOOL_LANE_MAX];
    int count = spool_reader_lanes(s->spool, lanes, UPLINK_LANES_MAX);

    for (int i = 0; i < count; i++) {
        int got = batch_take(&s->batch, s->spool, lanes[i], s->limit);
        if (got < 0)
            log_error("uplink", "lane %s can't be read: %s", lanes[i], err_text(got));
        if (got <= 0)
            continue;
        send_batch(s);
        return true;
    }
    return false;
}

static void send_all(struct sender *s)
{
    while (!stopping(s->u)) {
        if (__atomic_exchange_n(&s->u->renewed, 0, __ATOMIC_ACQ_REL))
            client_renew(s->client);
        report_health(s);
        bool sent = send_next(s);
        ledger_flush(s->u->ledger, false);
        nap(s->u, sent ? 0 : IDLE_MS);
    }
    /* A run over files may be shorter than the time between two reports: its figures go at last. */
    s->health_at = 0;
    report_health(s);
}

/* ---- the process -------------------------------------------------------------------------- */

static void note_call(void *arg, const char *path, const struct client_traffic *t)
{
    ledger_call(arg, path, t);
}

struct client *uplink_client(struct uplink *u)
{
    struct client_conf conf = {
        .addresses = u->addresses,
        .address_count = u->address_count,
        .ca_path = u->identity.ca_path,
        .cert_path = u->identity.cert_path,
        .key_path = u->identity.key_path,
        .proxy = u->conf->proxy,
        .stop = NULL,
        .seen = note_call,
        .seen_arg = u->ledger,
    };
    return client_create(&conf);
}

/* What libcurl, GnuTLS, the resolver and files need. */
static const char *const system_calls[] = {
    "accept",
    "access",
    "arch_prctl",
    "bind",
    "brk",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "clone",
    "clone3",
    "close",
    "connect",
    "dup",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "eventfd2",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fallocate",
    "fchmod",
    "fcntl",
    "fdatasync",
    "flock",
    "fstat",
    "fsync",
    "ftruncate",
    "futex",
    "getcwd",
    "getdents64",
    "getegid",
    "geteuid",
    "getgid",
    "getpeername",
    "getpid",
    "getppid",
    "getrandom",
    "getrlimit",
    "getrusage",
    "getsockname",
    "getsockopt",
    "gettid",
    "gettimeofday",
    "getuid",
    "ioctl",
    "lseek",
    "madvise",
    "membarrier",
    "mkdir",
    "mkdirat",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "open",
    "openat",
    "pipe2",
    "poll",
    "ppoll",
    "pread64",
    "prlimit64",
    "pwrite64",
    "read",
    "readlink",
    "readlinkat",
    "readv",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "rename",
    "renameat",
    "renameat2",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sched_getaffinity",
    "sched_yield",
    "select",
    "pselect6",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "set_robust_list",
    "set_tid_address",
    "setsockopt",
    "shutdown",
    "sigaltstack",
    "socket",
    "socketpair",
    "stat",
    "statfs",
    "statx",
    "sysinfo",
    "tgkill",
    "uname",
    "unlink",
    "unlinkat",
    "umask",
    "write",
    "writev",
    NULL,
};

static int confine(const struct uplink_conf *conf)
{
    struct sandbox_path paths[] = {
        {conf->state_dir,         true },
        { conf->spool_dir,        true },
        { conf->stats_path,       false},
 /* the resolver's and the crypto library's */
        { "/etc/resolv.conf",     false},
        { "/etc/hosts",           false},
        { "/etc/nsswitch.conf",   false},
        { "/etc/host.conf",       false},
        { "/etc/gai.conf",        false},
        { "/etc/services",        false},
        { "/etc/localtime",       false},
        { "/etc/gnutls",          false},
        { "/run/systemd/resolve", false},
        { "/run/nscd",            false},
        { "/lib",                 false},
        { "/usr/lib",             false},
        { "/etc/ld.so.cache",     false},
        { "/usr/share/zoneinfo",  false},
        { "/dev/urandom",         false},
        { "/dev/null",            true },
    };

    if (conf->user) {
        int err = sandbox_give_folder(conf->state_dir, conf->user);
        if (!err)
            err = sandbox_give_folder(conf->spool_dir, conf->user);
        if (!err)
            err = sandbox_become_user(conf->user);
        if (err)
            return err;
    }
    int err = sandbox_drop_privileges();
    if (!err)
        err = sandbox_paths(paths, sizeof(paths) / sizeof(paths[0]));
    return err ? err : sandbox_system_calls(system_calls);
}

static void fill(struct uplink *u, const struct uplink_conf *conf)
{
    u->conf = conf;
    pthread_mutex_init(&u->lock, NULL);
    for (unsigned i = 0; i < conf->collector_count && i < IDENTITY_COLLECTORS_MAX; i++)
        u->addresses[u->address_count++] = conf->collectors[i];
    for (size_t i = 0; i < u->identity.collector_count && !conf->collector_count; i++)
        u->addresses[u->address_count++] = u->identity.collectors[i];
    for (unsigned i = 0; i < conf->channel_count && i < UPLINK_CHANNELS_MAX; i++)
        u->channels[u->channel_count++].name = conf->channels[i];
}

static int run(struct uplink *u)
{
    struct sender s = { .u = u, .limit = BATCH_COUNT_MAX };
    char reason[WHY_MAX];
    pthread_t listener;

    u->ledger = ledger_open(u->conf->state_dir, u->identity.id, NULL);
    s.spool = spool_reader_open(u->conf->spool_dir, reason, sizeof(reason));
    if (!s.spool) {
        log_error("uplink", "%s: %s", u->conf->spool_dir, reason);
        return 1;
    }
    if (pthread_create(&listener, NULL, uplink_listen, u) != 0) {
        log_error("uplink", "can't start a thread: %s", strerror(errno));
        spool_reader_close(s.spool);
        return 1;
    }
    log_notice("uplink", "sensor %s (%s) to %s", u->identity.id, u->identity.states,
               u->addresses[0]);
    s.client = uplink_client(u);
    batch_init(&s.batch);
    send_all(&s);
    batch_free(&s.batch);
    client_free(s.client);
    spool_reader_close(s.spool);
    ledger_flush(u->ledger, true);
    /* The listener may be in a long poll: the process ends without it. */
    pthread_detach(listener);
    return 0;
}

int uplink_run(const struct uplink_conf *conf)
{
    struct uplink *u = xcalloc(1, sizeof(*u));
    char why[WHY_MAX];

    stop_block();
    if (sign_init() != ABENG_OK || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return 1;
    if (identity_load(conf->state_dir, &u->identity, why, sizeof(why)) != ABENG_OK) {
        log_error("uplink", "%s", why);
        return 1;
    }
    fill(u, conf);
    return confine(conf) == ABENG_OK ? run(u) : 1;
}

bool uplink_enrolled(const char *state_dir)
{
    struct identity id;
    char why[WHY_MAX];

    if (identity_load(state_dir, &id, why, sizeof(why)) != ABENG_OK)
        return false;
    identity_free(&id);
    return true;
}

uint64_t uplink_waiting(const char *spool_dir)
{
    char reason[WHY_MAX];
    struct spool_reader *spool = spool_reader_open(spool_dir, reason, sizeof(reason));
    uint64_t waiting = spool ? spool_reader_waiting(spool) : 0;

    spool_reader_close(spool);
    return waiting;
}
