/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the engine process and what they share. */
#include "config.h"
#include "sensor/engine.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/event.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/ticks.h"
#include "common/xalloc.h"
#include "sensor/alert/alert.h"
#include "sensor/blackbox.h"
#include "sensor/capture/capture.h"
#include "sensor/conf.h"
#include "sensor/datasets.h"
#include "sensor/decode/decode.h"
#include "sensor/detect/detect.h"
#include "sensor/feed.h"
#include "sensor/filestore.h"
#include "sensor/live.h"
#include "sensor/metrics.h"
#include "sensor/monitor/channel.h"
#include "sensor/ruleprofile.h"
#include "sensor/stamp.h"
#include "sensor/statsfile.h"
#include "sensor/tap.h"
#include "sensor/worker.h"
#include "sensor/writer.h"

#define RING_BYTES        (8u << 20)
#define CONTROL_WAIT_MS   200
#define LIVE_WAIT_MS      50
/* Told to stop, a live worker reads what its rings hold: an empty one shows within this, and it
 * goes on for no longer than that. */
#define LIVE_LAST_WAIT_MS 40
#define LIVE_LAST_NS      (500 * NS_PER_MS)
#define STATS_EVERY_NS    (10 * NS_PER_S)
#define SAVE_EVERY_NS     (60 * NS_PER_S) /* datasets that rules change */
#define PUBLISH_EVERY_NS  (200 * NS_PER_MS)
#define PROGRESS_AFTER_NS (2 * NS_PER_S)
#define PROGRESS_EVERY_NS (500 * NS_PER_MS)

struct engine {
    const struct engine_conf *conf;
    struct worker *workers[ENGINE_WORKERS_MAX];
    struct feed *feed; /* NULL: live */
    struct alert_ring *rings[ENGINE_WORKERS_MAX];
    struct alert_ring *files[ENGINE_WORKERS_MAX]; /* to be stored; NULL: none are */
    const struct evidence_ring *evidence[ENGINE_WORKERS_MAX];
    pthread_t threads[ENGINE_WORKERS_MAX];
    struct writer *writer;
    struct live_board *live;  /* NULL: files */
    struct targets *targets; /* of the configuration */
    pthread_mutex_t asking;  /* one question to the monitor at a time */
    struct detect_ruleset *_Atomic rules;
    _Atomic uint32_t generation;               /* of `rules` */
    _Atomic uint32_t seen[ENGINE_WORKERS_MAX]; /* generation a worker has gone over to */
    _Atomic bool stop;
    _Atomic unsigned running;       /* workers that have not finished */
    int finished;                   /* an eventfd that the last of them writes to */
    uint64_t started_ns, started_ticks;
};

struct worker_thread {
    struct engine *engine;
    unsigned index;
};

/* ---- asking the monitor ---------------------------------------------------------------------- */

static int engine_ask(void *arg, struct channel_message *m, int *fd)
{
    struct engine *e = arg;
    pthread_mutex_lock(&e->asking);
    int err = channel_ask(e->conf->request, m, fd);
    pthread_mutex_unlock(&e->asking);
    return err;
}

/* ---- a worker's thread ----------------------------------------------------------------------- */

static void follow_rules(struct engine *e, unsigned index)
{
    uint32_t wanted = atomic_load_explicit(&e->generation, memory_order_acquire);
    if (atomic_load_explicit(&e->seen[index], memory_order_relaxed) == wanted)
        return;
    worker_swap_rules(e->workers[index], atomic_load(&e->rules));
    atomic_store_explicit(&e->seen[index], wanted, memory_order_release);
}

/* Files, one after the other, together with the other workers. */
static void run_files(struct engine *e, unsigned index)
{
    struct worker *w = e->workers[index];
    struct feed_burst b;
    while (!atomic_load_explicit(&e->stop, memory_order_relaxed) &&
           feed_next(e->feed, index, &b)) {
        follow_rules(e, index);
        worker_burst(w, b.frames, b.numbers, b.nows, b.count);
        worker_tick(w, b.now_ns);
    }
    feed_leave(e->feed, index);
}

/* What comes next of a live worker's interfaces, or nothing for a moment. A quiet line must not
 * stop packet time, which is else the clock. */
static bool take_live(struct engine *e, unsigned index, struct tap *tap, struct stamp *time,
                      unsigned wait_ms)
{
    struct worker *w = e->workers[index];
    struct blackbox_slot *box = &e->conf->box->slots[index];
    struct frame frames[CAPTURE_BURST_MAX];
    uint64_t numbers[CAPTURE_BURST_MAX], nows[CAPTURE_BURST_MAX];
    int n = tap_next(tap, frames, wait_ms);
    if (n > 0) {
        worker_source(w, tap_interface(tap), tap_fill(tap));
        stamp_frames(time, frames, numbers, nows, (unsigned)n);
        worker_burst(w, frames, numbers, nows, (unsigned)n);
        tap_done(tap);
        box->sums.shed = worker_shed(w);
    } else {
        uint64_t wall = clock_now(clock_system()) - NS_PER_S;
        if (wall > time->now_ns)
            time->now_ns = wall;
    }
    worker_tick(w, time->now_ns);
    box->flows = worker_flows(w);
    return n > 0;
}

/* Live: the worker's own sockets, one an interface. */
static void run_live(struct engine *e, unsigned index)
{
    struct stamp time = { 0 };
    struct tap *tap = tap_open(e->conf, index);
    uint64_t published = 0;
    while (!atomic_load_explicit(&e->stop, memory_order_relaxed)) {
        follow_rules(e, index);
        take_live(e, index, tap, &time, LIVE_WAIT_MS);
        if (time.now_ns >= published + PUBLISH_EVERY_NS) {
            tap_publish(tap, e->live);
            worker_note_cpu(e->workers[index]);
            published = time.now_ns;
        }
    }
    for (uint64_t until = clock_mono_ns() + LIVE_LAST_NS; clock_mono_ns() < until;) {
        if (!take_live(e, index, tap, &time, LIVE_LAST_WAIT_MS))
            break;
    }
    tap_publish(tap, e->live);
    tap_close(tap);
}

static void *worker_main(void *arg)
{
    struct worker_thread t = *(struct worker_thread *)arg;
    struct engine *e = t.engine;
    free(arg);
    if (!blackbox_watch(&e->conf->box->slots[t.index]))
        log_warn("engine", "no memory for a crash handler; a frame that kills is not kept");
    if (e->conf->live)
        run_live(e, t.index);
    else
        run_files(e, t.index);
    worker_finish(e->workers[t.index]);
    worker_note_cpu(e->workers[t.index]);
    blackbox_unwatch();
    if (atomic_fetch_sub(&e->running, 1) == 1)
        (void)eventfd_write(e->finished, 1); /* cannot fail: nobody else adds to it */
    return NULL;
}

/* ---- control --------------------------------------------------------------------------------- */

/* A new set: publish it, wait until no worker can still be taking hold of the old one, let that go.
 * Records in the rings hold the set that made them themselves. */
static void take_ruleset(struct engine *e, int fd)
{
    char reason[256];
    struct detect_ruleset *set = detect_ruleset_map(fd, reason, sizeof(reason));
    if (!set) {
        log_error("engine", "the new rule set cannot be used, the old one stays: %s", reason);
        return;
    }
    detect_ruleset_keep_datasets(set, atomic_load(&e->rules));
    if (e->conf->keeps)
        datasets_load(set, engine_ask, e);
    struct detect_ruleset *old = atomic_exchange(&e->rules, set);
    uint32_t generation = atomic_fetch_add(&e->generation, 1) + 1;
    for (unsigned w = 0; w < e->conf->workers; w++) {
        while (atomic_load_explicit(&e->seen[w], memory_order_acquire) != generation &&
               atomic_load(&e->running))
            poll(NULL, 0, 5);
    }
    uint32_t rules;
    log_notice("engine", "rule set %s is in force", detect_ruleset_name(set, &rules));
    detect_ruleset_drop(old);
}

static void fill_stats(struct engine *e, struct statsfile *s)
{
    *s = (struct statsfile){ .workers = e->workers,
                             .worker_count = e->conf->workers,
                             .writer = e->writer,
                             .rules_loaded = e->conf->rules_loaded,
                             .rules_refused = e->conf->rules_refused,
                             .load_ns = e->conf->load_ns,
                             .run_ns = clock_mono_ns() - e->started_ns,
                             .peak_kib = e->conf->load_peak_kib };
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if ((uint64_t)usage.ru_maxrss > s->peak_kib)
        s->peak_kib = (uint64_t)usage.ru_maxrss;
    s->live = e->live;
    s->before = &e->conf->box->before;
    if (e->live)
        live_totals(e->live, &s->captured);
    else
        feed_counts(e->feed, &s->captured);
    s->ruleset = detect_ruleset_name(atomic_load(&e->rules), NULL);
}

/* A file of the log folder, opened anew through the monitor; -1 after a log line. */
static int output_file(struct engine *e, const char *name)
{
    struct channel_message m = { .verb = CHANNEL_OPEN_OUTPUT, .arg = 1 };
    int fd;
    snprintf(m.name, sizeof(m.name), "%s", name);
    if (engine_ask(e, &m, &fd) >= 0 && fd >= 0)
        return fd;
    log_error("engine", "cannot write %s", name);
    return -1;
}

static void write_file(struct engine *e, const char *name, const struct statsfile *s,
                       int write(const struct statsfile *, int))
{
    int fd = output_file(e, name);
    if (fd >= 0 && write(s, fd) < 0)
        log_error("engine", "%s could not be written whole: %m", name);
    if (fd >= 0)
        close(fd);
}

static uint64_t packets_taken(const struct engine *e)
{
    uint64_t packets = 0;
    for (unsigned w = 0; w < e->conf->workers; w++)
        packets += worker_packets(e->workers[w]);
    return packets;
}

/* The rule set is let go by this thread alone, so it need not be held once more. */
static void write_profile(struct engine *e)
{
    uint64_t ticks = ticks_now() - e->started_ticks;
    double ns_per_tick = (double)(clock_mono_ns() - e->started_ns) / (double)(ticks ? ticks : 1);
    int fd = output_file(e, "rule-profile.json");
    if (fd < 0)
        return;
    if (ruleprofile_write(atomic_load(&e->rules), packets_taken(e), ns_per_tick, fd) < 0)
        log_error("engine", "rule-profile.json could not be written whole: %m");
    close(fd);
}

static void write_stats(struct engine *e)
{
    struct statsfile s;
    fill_stats(e, &s);
    write_file(e, "stats.json", &s, statsfile_write);
    if (!e->live)
        return;
    write_file(e, "stats.prom", &s, metrics_write);
}

/* The same as a record of eve.json, for whoever reads only that. */
static void tell_stats(struct engine *e)
{
    struct statsfile s;
    struct buf line;
    fill_stats(e, &s);
    buf_init(&line, EVENT_LINE_MAX);
    statsfile_event(&s, &line);
    writer_line(e->writer, &line);
    buf_free(&line);
}

/* A person watches a long run: one line that rewrites itself, nothing in a pipe. */
static void show_progress(struct engine *e, bool last)
{
    fprintf(stderr, "\r%12llu packets %10llu alerts %8.1f s%s",
            (unsigned long long)packets_taken(e), writer_alerts(e->writer),
            (double)(clock_mono_ns() - e->started_ns) / 1e9, last ? "\n" : "");
}

static void obey(struct engine *e)
{
    struct channel_message m;
    int fd;
    int err = channel_receive(e->conf->control, &m, &fd);
    if (err < 0 || m.verb == CHANNEL_STOP)
        atomic_store(&e->stop, true);
    else if (m.verb == CHANNEL_SET_RULESET && fd >= 0)
        take_ruleset(e, fd);
    else if (m.verb == CHANNEL_REOPEN)
        writer_reopen(e->writer);
    else if (m.verb == CHANNEL_PROFILE)
        write_profile(e);
    if (fd >= 0)
        close(fd);
}

/* A huge page that a live worker touches first has to be cleared then: milliseconds, in which its
 * ring fills. */
static void warm_ahead(struct engine *e)
{
    for (unsigned w = 0; e->live && w < e->conf->workers; w++)
        worker_warm_ahead(e->workers[w]);
}

static void sample_live(struct engine *e)
{
    struct statsfile s = { .workers = e->workers, .worker_count = e->conf->workers };
    struct live_flows flows;
    statsfile_flows(&s, &flows);
    live_sample(e->live, clock_mono_ns() / NS_PER_S, &flows);
}

/* Wait for an order, for the last worker, or for something that is due by the clock. */
static void control_wait(struct engine *e)
{
    struct pollfd p[] = { { e->conf->control, POLLIN, 0 }, { e->finished, POLLIN, 0 } };
    if (poll(p, 2, CONTROL_WAIT_MS) > 0 && p[0].revents)
        obey(e);
}

static void control_loop(struct engine *e)
{
    uint64_t next_stats = clock_mono_ns() + STATS_EVERY_NS;
    uint64_t next_progress = clock_mono_ns() + PROGRESS_AFTER_NS;
    uint64_t next_sample = clock_mono_ns();
    uint64_t next_save = clock_mono_ns() + SAVE_EVERY_NS;
    bool shown = false;
    while (atomic_load(&e->running)) {
        control_wait(e);
        warm_ahead(e);
        if (e->live && clock_mono_ns() >= next_sample) {
            sample_live(e);
            next_sample += NS_PER_S;
        }
        if (e->conf->live && clock_mono_ns() >= next_stats) {
            write_stats(e);
            tell_stats(e);
            if (e->conf->rule_profile)
                write_profile(e);
            next_stats += STATS_EVERY_NS;
        }
        if (e->conf->keeps && clock_mono_ns() >= next_save) {
            datasets_save(atomic_load(&e->rules), engine_ask, e);
            next_save = clock_mono_ns() + SAVE_EVERY_NS;
        }
        if (e->conf->progress && clock_mono_ns() >= next_progress) {
            show_progress(e, false);
            shown = true;
            next_progress += PROGRESS_EVERY_NS;
        }
    }
    if (shown)
        show_progress(e, true);
}

/* ---- start and end --------------------------------------------------------------------------- */

/* The ring's size is a power of two: what is set is rounded down to one. */
static size_t evidence_bytes(const struct sensor_conf *s)
{
    uint32_t mib = s->evidence.ring_mib ? s->evidence.ring_mib : EVIDENCE_RING_MIB;
    size_t bytes = (size_t)1 << 20;
    while (bytes * 2 <= (size_t)mib << 20)
        bytes *= 2;
    return bytes;
}

static void worker_settings(const struct engine_conf *c, struct live_board *live,
                            struct worker_conf *out)
{
    const struct sensor_conf *s = c->conf;
    uint32_t mib = s->limits.worker_memory_mib ? s->limits.worker_memory_mib : WORKER_MEMORY_MIB;
    struct hash_key key;
    hash_key_random(&key);
    *out = (struct worker_conf){ .profile_abeng = c->profile_abeng,
                                 .check_checksums = c->check_checksums,
                                 .midstream = s->stream.midstream,
                                 .async_oneside = s->stream.async_oneside,
                                 .ndpi = !s->ndpi.off,
                                 .flow_records = !s->flow_records.off,
                                 .block_when_full = !c->live,
                                 .stream_depth = s->stream.depth_kib << 10,
                                 .flows_max = s->limits.flows,
                                 .memory = (size_t)mib << 20,
                                 .evidence = c->evidence ? evidence_bytes(s) : 0,
                                 .live = live,
                                 .classify = { .packets_tcp = s->ndpi.packets_tcp,
                                               .packets_udp = s->ndpi.packets_udp,
                                               .every_flow = s->ndpi.every_flow } };
    memcpy(&out->hash_seed, key.bytes, sizeof(out->hash_seed));
}

/* The prefixes were checked as the configuration was read. */
static struct targets *make_targets(const struct sensor_conf *c)
{
    struct targets *t = targets_create();
    for (unsigned os = TARGET_UNKNOWN + 1; os < TARGET_OS_COUNT; os++) {
        const struct conf_hosts *hosts = &c->host_os[os];
        for (uint32_t i = 0; i < hosts->networks_count; i++) {
            if (targets_add(t, hosts->networks[i], (enum target_os)os) < 0)
                log_warn("engine", "host-os-policy: %s: %s is one network too many",
                         target_os_name((enum target_os)os), hosts->networks[i]);
        }
    }
    return t;
}

static bool make_workers(struct engine *e)
{
    struct worker_conf settings;
    e->targets = make_targets(e->conf->conf);
    worker_settings(e->conf, e->live, &settings);
    settings.targets = e->targets;
    for (unsigned w = 0; w < e->conf->workers; w++) {
        e->rings[w] = alert_ring_create(RING_BYTES);
        settings.number = (uint16_t)w;
        settings.mark = &e->conf->box->slots[w].mark;
        e->files[w] = e->conf->files ? alert_ring_create(FILESTORE_RING_BYTES) : NULL;
        settings.files = e->files[w];
        e->workers[w] = worker_create(&settings, atomic_load(&e->rules), e->rings[w]);
        if (!e->workers[w])
            return false;
        e->evidence[w] = worker_evidence(e->workers[w]);
    }
    return true;
}

/* The engine's list: memory, threads, its descriptors and its clock. No open, no socket, no
 * exec. */
static const char *const engine_calls[] = {
    "read",
    "write",
    "writev",
    "pread64",
    "pwrite64",
    "lseek",
    "close",
    "fstat",
    "newfstatat",
    "ftruncate",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "fallocate",
    "fcntl",
    "dup",
    "mmap",
    "munmap",
    "mprotect",
    "mremap",
    "madvise",
    "brk",
    "membarrier",
    "futex",
    "sched_yield",
    "sched_getaffinity",
    "set_robust_list",
    "rseq",
    "gettid",
    "getpid",
    "tgkill",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "clock_gettime",
    "clock_getres",
    "clock_nanosleep",
    "nanosleep",
    "gettimeofday",
    "restart_syscall",
    "poll",
    "ppoll",
    "recvmsg",
    "sendmsg",
    "sendto",
    "recvfrom",
    "getsockopt",
    "getsockname",
    "setsockopt",
    "getrandom",
    "getrusage",
    "sysinfo",
    "uname",
    "exit",
    "exit_group",
    NULL,
};

static int confine(void)
{
    if (sandbox_drop_privileges() < 0 || sandbox_paths(NULL, 0) < 0)
        return ABENG_ERR;
    return sandbox_system_calls(engine_calls);
}

static bool start_threads(struct engine *e)
{
    atomic_store(&e->running, e->conf->workers);
    if (!writer_start(e->writer))
        return false;
    for (unsigned w = 0; w < e->conf->workers; w++) {
        struct worker_thread *t = xmalloc(sizeof(*t));
        *t = (struct worker_thread){ e, w };
        if (pthread_create(&e->threads[w], NULL, worker_main, t) != 0)
            return false;
    }
    return true;
}

static bool join_threads(struct engine *e)
{
    for (unsigned w = 0; w < e->conf->workers; w++)
        pthread_join(e->threads[w], NULL);
    if (e->live) {
        sample_live(e);
        tell_stats(e);
    }
    return writer_join(e->writer) && !(e->feed && feed_failed(e->feed));
}

static void free_all(struct engine *e)
{
    writer_free(e->writer);
    live_free(e->live);
    for (unsigned w = 0; w < e->conf->workers; w++) {
        worker_free(e->workers[w]);
        alert_ring_free(e->rings[w]);
        alert_ring_free(e->files[w]);
    }
    feed_free(e->feed);
    targets_free(e->targets);
    detect_ruleset_drop(atomic_load(&e->rules));
    if (e->finished >= 0)
        close(e->finished);
    pthread_mutex_destroy(&e->asking);
    free(e);
}

int engine_run(const struct engine_conf *conf)
{
    struct engine *e = xcalloc(1, sizeof(*e));
    char reason[256];
    int status = 1;
    e->conf = conf;
    pthread_mutex_init(&e->asking, NULL);
    e->finished = eventfd(0, EFD_CLOEXEC);
    blackbox_arm();
    e->started_ns = clock_mono_ns();
    e->started_ticks = ticks_now();
    struct detect_ruleset *rules = detect_ruleset_map(conf->ruleset, reason, sizeof(reason));
    atomic_init(&e->rules, rules);
    if (!rules) {
        log_error("engine", "cannot use the rule set: %s", reason);
        goto out;
    }
    if (e->finished < 0) {
        log_error("engine", "cannot make a descriptor for its threads: %m");
        goto out;
    }
    if (conf->live)
        e->live = live_create(conf->ring_names, conf->ring_count, conf->workers);
    else
        e->feed = feed_create(conf->workers, engine_ask, e);
    if (!make_workers(e) || confine() < 0)
        goto out;
    if (conf->keeps)
        datasets_load(rules, engine_ask, e);
    e->writer = writer_create(conf, e->rings, e->files, e->evidence, engine_ask, e);
    if (!e->writer || !start_threads(e))
        goto out;
    control_loop(e);
    status = join_threads(e) ? 0 : 1;
    if (conf->keeps)
        datasets_save(atomic_load(&e->rules), engine_ask, e);
    write_stats(e);
    if (conf->rule_profile)
        write_profile(e);
out:
    free_all(e);
    return status;
}
