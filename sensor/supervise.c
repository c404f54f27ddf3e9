/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor process. */
#include "config.h"
#include "sensor/supervise.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "sensor/blackbox.h"
#include "sensor/captures.h"
#include "sensor/capture/capture.h"
#include "sensor/alert/lane.h"
#include "sensor/conf.h"
#include "sensor/engine.h"
#include "sensor/evidence/extract.h"
#include "sensor/follow/follow.h"
#include "sensor/lanes.h"
#include "sensor/loading.h"
#include "sensor/monitor/channel.h"
#include "sensor/monitor/files.h"
#include "sensor/options.h"
#include "sensor/uplink/uplink.h"

#define RESTART_FIRST_NS   (50 * NS_PER_MS)
#define RESTART_MOST_NS    (30 * NS_PER_S)
#define LIFE_LONG_NS       (60 * NS_PER_S) /* after it a death is the first one again */
#define STOP_PATIENCE_NS   (20 * NS_PER_S)
#define BUNDLE_PATIENCE_NS (15 * NS_PER_S)
/* An uplink that was left alone may wait so long for its last answer. */
#define LOCK_WAIT_NS  (45 * NS_PER_S)
#define LOCK_PAUSE_US 50000
#define REPORT_MAX    (256u << 20)
#define EVIDENCE_DAYS 14
#define FILES_DAYS    30
#define NS_PER_DAY    (86400 * NS_PER_S)

/* A child process and how it is talked to. */
struct child {
    const char *name, *process;
    pid_t pid;   /* 0: not running */
    int request; /* it asks here; -1: closed */
    int control; /* it is told here (engine); -1: none */
    uint64_t began_ns, restart_ns, backoff_ns;
    int status; /* exit status of its last life */
};

struct monitor {
    const struct options *o;
    struct files *files;
    struct captures *captures;
    struct loaded rules;
    struct child engine, uplink;
    struct blackbox *box;
    int signals;
    int rings[ENGINE_WORKERS_MAX * ENGINE_INTERFACES_MAX];
    struct capture *ready[ENGINE_WORKERS_MAX * ENGINE_INTERFACES_MAX]; /* AF_XDP; else NULL */
    unsigned ring_count;
    const char *ring_names[ENGINE_INTERFACES_MAX];
    struct lane_table *lanes; /* --follow */
    char *spool_dir, *stats_path;
    bool spool, evidence, linked, stopping;
    uint64_t stop_ns;
};

/* ---- children -------------------------------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Fork with a pair for requests and one for control; in the child the other ends are closed. */
static pid_t spawn(struct monitor *m, struct child *c, int ends[2])
{
    int request[2], control[2];
    if (channel_pair(request) < 0 || channel_pair(control) < 0)
        return -1;
    c->pid = fork();
    if (c->pid == 0) {
        sigset_t none;
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        prctl(PR_SET_NAME, c->process); /* what ps and pgrep call it */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGINT,
               SIG_IGN); /* a terminal's ^C goes to all; the monitor ends the others in order */
        close(request[0]);
        close(control[0]);
        close(m->signals);
        ends[0] = request[1];
        ends[1] = control[1];
        return 0;
    }
    close(request[1]);
    close(control[1]);
    c->began_ns = clock_mono_ns();
    c->request = request[0];
    c->control = control[0];
    return c->pid;
}

/* libpcap opens by itself, so this comes before the engine gives its privileges away. */
static int open_fallbacks(struct monitor *m)
{
    char reason[256];
    for (unsigned i = 0; i < m->ring_count; i++) {
        const struct conf_interface *f = &m->o->conf->interfaces[i];
        if (!f->libpcap)
            continue;
        m->ready[i] = capture_open_pcap(f->name, reason, sizeof(reason));
        if (!m->ready[i]) {
            log_error("capture", "%s: %s", f->name, reason);
            return ABENG_ERR;
        }
    }
    return ABENG_OK;
}

static void engine_child(struct monitor *m, const int ends[2])
{
    const struct options *o = m->o;
    struct engine_conf c = { .conf = o->conf,
                             .workers = o->workers,
                             .live = o->live,
                             .box = m->box,
                             .rule_profile = o->rule_profile,
                             .check_checksums = o->check_checksums,
                             .profile_abeng = o->profile_abeng,
                             .keeps = o->keeps,
                             .files = o->conf->file_store.enabled,
                             .spool = m->spool,
                             .evidence = m->evidence,
                             .progress = !o->live && isatty(STDERR_FILENO),
                             .request = ends[0],
                             .control = ends[1],
                             .ruleset = m->rules.image,
                             .rules_loaded = m->rules.counts[0],
                             .rules_refused = m->rules.counts[1],
                             .load_ns = m->rules.took_ns,
                             .load_peak_kib = m->rules.peak_kib,
                             .rings = m->rings,
                             .ready = m->ready,
                             .ring_count = m->ring_count,
                             .ring_names = m->ring_names };
    /* It is told to stop; when the monitor is gone its control socket says so. */
    signal(SIGTERM, SIG_IGN);
    if (open_fallbacks(m) < 0)
        _exit(1);
    _exit(sandbox_become_user(o->conf->user) < 0 ? 1 : engine_run(&c));
}

static void follow_child(struct monitor *m, const int ends[2])
{
    const struct sensor_conf *c = m->o->conf;
    struct follow_conf f = { .path = m->o->follow,
                             .spool_dir = m->spool_dir,
                             .state_dir = c->state_dir,
                             .channel = ends[0],
                             .user = c->user,
                             .feed = "follow",
                             .spool_bytes = (uint64_t)c->spool.max_mib << 20,
                             .lanes = m->lanes };
    _exit(follow_run(&f));
}

/* The engine, or what stands in its place. */
static int start_engine(struct monitor *m)
{
    int ends[2];
    pid_t pid = spawn(m, &m->engine, ends);
    if (pid == 0 && m->o->follow)
        follow_child(m, ends);
    if (pid == 0)
        engine_child(m, ends);
    return pid < 0 ? ABENG_EIO : ABENG_OK;
}

static int start_uplink(struct monitor *m)
{
    const struct sensor_conf *c = m->o->conf;
    int ends[2];
    files_share_stats(m->files); /* without it health has no figures of the engine */
    pid_t pid = spawn(m, &m->uplink, ends);
    if (pid == 0) {
        const char **channels = xcalloc(c->feeds_count, sizeof(*channels));
        for (uint32_t i = 0; i < c->feeds_count; i++)
            channels[i] = c->feeds[i].channel;
        struct uplink_conf u = { .state_dir = c->state_dir,
                                 .spool_dir = m->spool_dir,
                                 .user = c->user,
                                 .collectors = (const char *const *)c->uplink.collectors,
                                 .collector_count = c->uplink.collectors_count,
                                 .proxy = c->uplink.proxy,
                                 .stats_path = m->stats_path,
                                 .channels = channels,
                                 .channel_count = c->feeds_count,
                                 .channel = ends[0] };
        _exit(uplink_run(&u));
    }
    return pid < 0 ? ABENG_EIO : ABENG_OK;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void next_capture(struct monitor *m, struct channel_message *msg, int *fd)
{
    const char *name = "";
    bool named = false;
    *fd = m->captures && !m->stopping ? captures_next(m->captures, &name, &named) : -1;
    msg->status = *fd < 0 ? ABENG_EOF : ABENG_OK;
    msg->arg = named;
    snprintf(msg->text, sizeof(msg->text), "%s", name);
}

static void answer_engine(void *arg)
{
    struct monitor *m = arg;
    struct channel_message msg;
    int fd, out = -1;
    if (channel_receive(m->engine.request, &msg, &fd) < 0) {
        close_fd(&m->engine.request);
        return;
    }
    close_fd(&fd);
    if (msg.verb == CHANNEL_NEXT_CAPTURE)
        next_capture(m, &msg, &out);
    else if (!files_answer(m->files, &msg, &out))
        msg.status = ABENG_EUNSUPPORTED;
    channel_send(m->engine.request, &msg, out);
    close_fd(&out);
}

static void reload(struct monitor *m)
{
    struct loaded next;
    if (m->o->follow)
        return;
    struct loading_again again = { m->engine.request, answer_engine, m };
    if (loading_run(m->o, m->files, &again, &next) < 0) {
        log_error("rules", "the rule set in force stays");
        return;
    }
    struct channel_message msg = { .verb = CHANNEL_SET_RULESET };
    if (m->engine.pid > 0 && m->engine.control >= 0)
        channel_send(m->engine.control, &msg, next.image);
    close_fd(&m->rules.image);
    close_fd(&m->rules.report);
    m->rules = next;
}

/* The packets of a flow, for a request of the collector's that the uplink has logged. */
static void fetch_evidence(struct monitor *m, struct channel_message *msg)
{
    msg->text[sizeof(msg->text) - 1] = 0;
    int file = files_evidence(m->files, msg->name);
    int out = file < 0 ? file
                       : evidence_extract(file, msg->arg,
                                          msg->arg2 > UINT32_MAX ? 0 : (uint32_t)msg->arg2,
                                          msg->text, m->o->conf->user);
    close_fd(&file);
    msg->status = out < 0 ? out : ABENG_OK;
    channel_send(m->uplink.request, msg, out);
    close_fd(&out);
}

static void answer_uplink(struct monitor *m, struct channel_message *msg)
{
    if (msg->verb == CHANNEL_BUNDLE_READY) {
        log_notice("rules", "channel %s has a new bundle", msg->name);
        if (m->rules.image >= 0)
            reload(m);
    } else if (msg->verb == CHANNEL_EVIDENCE_FETCH) {
        fetch_evidence(m, msg);
    }
}

static void answer_uplink_request(struct monitor *m)
{
    struct channel_message msg;
    int fd;
    if (channel_receive(m->uplink.request, &msg, &fd) < 0) {
        close_fd(&m->uplink.request);
        return;
    }
    close_fd(&fd);
    answer_uplink(m, &msg);
}

/* ---- life and death -------------------------------------------------------------------------- */

static void ask_to_stop(struct monitor *m)
{
    struct channel_message msg = { .verb = CHANNEL_STOP };
    if (m->stopping)
        return;
    m->stopping = true;
    m->stop_ns = clock_mono_ns() + STOP_PATIENCE_NS;
    if (m->engine.pid > 0 && m->o->follow)
        kill(m->engine.pid, SIGTERM); /* it asks nothing and listens to nobody */
    else if (m->engine.pid > 0 && m->engine.control >= 0)
        channel_send(m->engine.control, &msg, -1);
}

static void ended(struct monitor *m, struct child *c, int status)
{
    bool ours = m->stopping || (c == &m->engine && !m->o->live && WIFEXITED(status));
    uint64_t lived_ns = clock_mono_ns() - c->began_ns;
    c->pid = 0;
    c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    close_fd(&c->request);
    close_fd(&c->control);
    if (c == &m->engine && WIFSIGNALED(status))
        blackbox_close_life(m->box, files_log_folder(m->files));
    if (ours)
        return;
    if (WIFSIGNALED(status))
        log_error("monitor", "%s ended by signal %d", c->name, WTERMSIG(status));
    else
        log_error("monitor", "%s ended with status %d", c->name, c->status);
    if (lived_ns > LIFE_LONG_NS)
        c->backoff_ns = 0;
    c->backoff_ns = c->backoff_ns ? c->backoff_ns * 2 : RESTART_FIRST_NS;
    if (c->backoff_ns > RESTART_MOST_NS)
        c->backoff_ns = RESTART_MOST_NS;
    c->restart_ns = clock_mono_ns() + c->backoff_ns;
}

static void reap(struct monitor *m)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == m->engine.pid)
            ended(m, &m->engine, status);
        else if (pid == m->uplink.pid)
            ended(m, &m->uplink, status);
    }
}

static void take_signal(struct monitor *m)
{
    struct signalfd_siginfo info;
    struct channel_message reopen = { .verb = CHANNEL_REOPEN };
    struct channel_message profile = { .verb = CHANNEL_PROFILE };
    if (read(m->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (info.ssi_signo == SIGCHLD)
        reap(m);
    else if (info.ssi_signo == SIGUSR1 && m->engine.control >= 0)
        channel_send(m->engine.control, &reopen, -1); /* logrotate */
    else if (info.ssi_signo == SIGUSR2 && m->engine.control >= 0)
        channel_send(m->engine.control, &profile, -1);
    else if (info.ssi_signo == SIGHUP)
        reload(m);
    else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
        ask_to_stop(m);
}

static void restart_due(struct monitor *m)
{
    uint64_t now = clock_mono_ns();
    if (m->stopping)
        return;
    if (!m->engine.pid && m->o->live && m->engine.restart_ns && now >= m->engine.restart_ns)
        start_engine(m);
    if (!m->uplink.pid && m->linked && now >= m->uplink.restart_ns)
        start_uplink(m);
}

/* Without an answer in time a child is ended by force: the engine's records up to its last fsync
 * are safe. */
static void end_by_force(struct monitor *m)
{
    if (!m->stopping || clock_mono_ns() < m->stop_ns)
        return;
    if (m->engine.pid > 0)
        kill(m->engine.pid, SIGKILL);
    if (m->uplink.pid > 0)
        kill(m->uplink.pid, SIGKILL);
}

static bool engine_over(const struct monitor *m)
{
    return !m->engine.pid && (m->stopping || !m->o->live);
}

static void watch_once(struct monitor *m)
{
    struct pollfd p[3] = { { m->signals, POLLIN, 0 },
                           { m->engine.request, POLLIN, 0 },
                           { m->uplink.request, POLLIN, 0 } };
    if (poll(p, 3, 100) > 0) {
        if (p[1].revents)
            answer_engine(m);
        if (p[2].revents)
            answer_uplink_request(m);
        if (p[0].revents)
            take_signal(m);
    }
    restart_due(m);
    end_by_force(m);
}

static void end_uplink(struct monitor *m)
{
    m->stopping = true;
    m->stop_ns = clock_mono_ns() + STOP_PATIENCE_NS;
    if (m->uplink.pid > 0)
        kill(m->uplink.pid, SIGTERM);
    while (m->uplink.pid > 0)
        watch_once(m);
}

/* The captures are read: the uplink goes on until the collector has everything, or patience is
 * over. */
static void drain(struct monitor *m)
{
    uint64_t until = clock_mono_ns() + m->o->drain_s * NS_PER_S;
    uint64_t waiting = 0;
    while (m->linked && !m->stopping && clock_mono_ns() < until) {
        waiting = uplink_waiting(m->spool_dir);
        if (!waiting)
            break;
        watch_once(m);
    }
    if (waiting)
        log_warn("uplink", "%llu records still wait in the spool; they are sent by the next run",
                 (unsigned long long)waiting);
    end_uplink(m);
}

/* ---- start ----------------------------------------------------------------------------------- */

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A queue without a socket would go past us. */
static bool queues_fit(const char *interface, unsigned workers)
{
    char *path = xasprintf("/sys/class/net/%s/queues", interface);
    unsigned queues = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        queues += strncmp(e->d_name, "rx-", 3) == 0;
    if (dir)
        closedir(dir);
    free(path);
    if (queues == workers)
        return true;
    log_error("capture",
              "%s: xdp gives each worker one receive queue; there are %u queues and %u workers: "
              "ethtool -L %s combined %u, or workers: %u",
              interface, queues, workers, interface, workers, queues);
    return false;
}

/* The ring of one worker on one interface. */
static int open_ring(struct monitor *m, unsigned worker, unsigned i)
{
    const struct conf_interface *f = &m->o->conf->interfaces[i];
    unsigned at = worker * m->ring_count + i;
    char reason[256];
    struct capture_live_conf live = { .interface = f->name,
                                      .bpf = f->bpf,
                                      .ring_bytes = (f->ring_mib ? f->ring_mib : RING_MIB) << 20,
                                      .fanout_group = (uint16_t)((unsigned)getpid() + i),
                                      .fanout_members = (uint16_t)m->o->workers };
    m->ring_names[i] = f->name;
    m->rings[at] = -1;
    if (f->libpcap)
        return ABENG_OK;
    if (f->xdp && worker == 0 && !queues_fit(f->name, m->o->workers))
        return ABENG_ERR;
    if (f->xdp)
        m->ready[at] = capture_open_xdp(&live, worker, reason, sizeof(reason));
    else
        m->rings[at] = capture_live_socket(&live, reason, sizeof(reason));
    if (m->ready[at] || m->rings[at] >= 0)
        return ABENG_OK;
    log_error("capture", "%s", reason);
    return ABENG_ERR;
}

static int open_rings(struct monitor *m)
{
    const struct sensor_conf *c = m->o->conf;
    if (c->interfaces_count > ENGINE_INTERFACES_MAX) {
        log_error("capture", "%u interfaces; at most %u", c->interfaces_count,
                  ENGINE_INTERFACES_MAX);
        return ABENG_ERR;
    }
    m->ring_count = c->interfaces_count;
    for (unsigned w = 0; w < m->o->workers; w++) {
        for (unsigned i = 0; i < m->ring_count; i++) {
            if (open_ring(m, w, i) < 0)
                return ABENG_ERR;
        }
    }
    return ABENG_OK;
}

static void close_rings(struct monitor *m)
{
    for (unsigned i = 0; i < m->o->workers * m->ring_count; i++)
        capture_xdp_end(m->ready[i]);
}

static int write_report(const struct monitor *m)
{
    struct buf text;
    int err = ABENG_OK;
    if (!m->o->rule_report)
        return ABENG_OK;
    buf_init(&text, REPORT_MAX);
    lseek(m->rules.report, 0, SEEK_SET);
    err = file_read_fd(m->rules.report, &text);
    if (err == ABENG_OK && strcmp(m->o->rule_report, "-") == 0)
        err = file_write_all(STDOUT_FILENO, text.data, text.len);
    else if (err == ABENG_OK)
        err = file_replace(m->o->rule_report, text.data, text.len, 0644);
    if (err < 0)
        log_error("rules", "%s: %m", m->o->rule_report);
    buf_free(&text);
    return err;
}

static void say_rules(const struct monitor *m)
{
    if (m->o->test && m->o->json)
        printf("{\"rules_loaded\":%llu,\"rules_refused\":%llu,\"seconds\":%.3f,"
               "\"peak_memory_kib\":%llu}\n",
               (unsigned long long)m->rules.counts[0], (unsigned long long)m->rules.counts[1],
               (double)m->rules.took_ns / 1e9, (unsigned long long)m->rules.peak_kib);
    else if (m->o->test)
        printf("configuration is good; %llu rules loaded, %llu refused%s\n",
               (unsigned long long)m->rules.counts[0], (unsigned long long)m->rules.counts[1],
               m->rules.counts[1] ? " (--rule-report says which and why)" : "");
    if (m->rules.counts[1])
        log_notice("rules", "%llu rules loaded, %llu refused; --rule-report says which and why",
                   (unsigned long long)m->rules.counts[0], (unsigned long long)m->rules.counts[1]);
    else
        log_info("rules", "%llu rules loaded", (unsigned long long)m->rules.counts[0]);
}

static bool bundles_there(const struct sensor_conf *c)
{
    for (uint32_t i = 0; i < c->feeds_count; i++) {
        char *path = xasprintf("%s/bundles/%s.tar.zst", c->state_dir, c->feeds[i].channel);
        bool there = access(path, R_OK) == 0;
        free(path);
        if (!there)
            return false;
    }
    return true;
}

/* A sensor's first start: what it is to match comes with its bundles, so they are waited for a
 * little. */
static void wait_for_bundles(struct monitor *m)
{
    uint64_t until = clock_mono_ns() + BUNDLE_PATIENCE_NS;
    while (m->linked && !m->o->test && !m->stopping && !bundles_there(m->o->conf)) {
        if (clock_mono_ns() >= until) {
            log_warn("rules", "not all bundles are here yet; starting with the rules there are");
            return;
        }
        watch_once(m);
    }
}

static int open_store(struct monitor *m)
{
    const struct sensor_conf *c = m->o->conf;
    uint32_t mib = c->file_store.max_mib ? c->file_store.max_mib : FILES_DISK_MIB;
    uint32_t days = c->file_store.max_days ? c->file_store.max_days : FILES_DAYS;
    char *dir = xasprintf("%s/files", c->state_dir);
    int err = files_set_store(m->files, dir, (uint64_t)mib << 20, days * NS_PER_DAY);
    free(dir);
    return err;
}

static int open_datasets(struct monitor *m)
{
    char *dir = xasprintf("%s/datasets", m->o->conf->state_dir);
    int err = files_set_datasets(m->files, dir);
    free(dir);
    return err;
}

static int open_evidence(struct monitor *m)
{
    const struct sensor_conf *c = m->o->conf;
    uint32_t mib = c->evidence.max_mib ? c->evidence.max_mib : EVIDENCE_DISK_MIB;
    uint32_t days = c->evidence.max_days ? c->evidence.max_days : EVIDENCE_DAYS;
    char *dir = xasprintf("%s/evidence", c->state_dir);
    int err = files_set_evidence(m->files, dir, (uint64_t)mib << 20, days * NS_PER_DAY);
    m->evidence = !m->o->follow && (m->o->live || c->evidence.captures);
    if (err == ABENG_OK && m->evidence) {
        uint32_t ring = c->evidence.ring_mib ? c->evidence.ring_mib : EVIDENCE_RING_MIB;
        log_notice("evidence",
                   "last %u MiB of packets a worker (at least %.1f s at 100 Mbit/s); of alerts at "
                   "most %u MiB, %u days on disk",
                   ring, ring * 8.388608 / 100, mib, days);
    }
    free(dir);
    return err;
}

/*
 * One sensor at a time writes a state folder. The lock is the children's too: after a monitor was
 * killed it is free when the last of them has ended, which they do within a moment; two writers on
 * one spool would number records twice.
 */
static int lock_state(const struct monitor *m)
{
    char *path = xasprintf("%s/lock", m->o->conf->state_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), err = ABENG_EIO;
    uint64_t until = clock_mono_ns() + LOCK_WAIT_NS;

    while (fd >= 0 && err && (err = flock(fd, LOCK_EX | LOCK_NB)) != 0 && errno == EWOULDBLOCK &&
           clock_mono_ns() < until)
        usleep(LOCK_PAUSE_US);
    if (fd < 0 || (err && errno != EWOULDBLOCK))
        log_error("monitor", "%s: %m", path);
    else if (err)
        log_error("monitor",
                  "another abeng-sensor uses state-dir %s; end it, or use another folder",
                  m->o->conf->state_dir);
    free(path);
    return err ? ABENG_ERR : ABENG_OK;
}

static int prepare(struct monitor *m)
{
    const struct options *o = m->o;
    const struct sensor_conf *c = o->conf;
    m->spool = o->has_conf && !o->test && (o->follow || !c->spool.off);
    m->spool_dir = xasprintf("%s/spool", c->state_dir);
    m->stats_path = xasprintf("%s/stats.json", o->log_dir);
    if (!(m->files = files_open(o->log_dir, m->spool ? m->spool_dir : NULL, c->cache_dir)))
        return ABENG_ERR;
    files_set_owner(m->files, c->user);
    if (m->spool && lock_state(m) < 0)
        return ABENG_ERR;
    if (m->spool && !c->evidence.off && open_evidence(m) < 0)
        return ABENG_ERR;
    if (o->keeps && !o->test && !o->follow && open_datasets(m) < 0)
        return ABENG_ERR;
    if (c->file_store.enabled && !o->test && !o->follow && open_store(m) < 0)
        return ABENG_ERR;
    if (m->spool && sandbox_give_folder(c->state_dir, c->user) < 0)
        return ABENG_ERR;
    m->linked = m->spool && !c->uplink.off && uplink_enrolled(c->state_dir);
    if (o->capture_count && !o->test &&
        !(m->captures = captures_list(o->captures, o->capture_count)))
        return ABENG_ERR;
    if ((m->signals = open_signals()) < 0)
        return ABENG_ERR;
    if (m->linked && !o->test && start_uplink(m) < 0) {
        log_error("monitor", "cannot start the uplink: %m");
        return ABENG_ERR;
    }
    if (o->follow) /* the rules are the other engine's */
        return (m->lanes = lanes_create(c)) ? ABENG_OK : ABENG_ERR;
    wait_for_bundles(m);
    if (loading_run(o, m->files, NULL, &m->rules) < 0)
        return ABENG_ERR;
    say_rules(m);
    return write_report(m);
}

static int run(struct monitor *m)
{
    if (m->o->live && !m->o->follow && open_rings(m) < 0)
        return 1;
    if (start_engine(m) < 0) {
        log_error("monitor", "cannot start the engine: %m");
        return 1;
    }
    sd_notify(0, "READY=1");
    while (!engine_over(m))
        watch_once(m);
    drain(m);
    if (m->captures && captures_failed(m->captures))
        return 1;
    return m->engine.status;
}

int supervise(const struct options *o)
{
    struct monitor m = {
        .o = o,
        .box = blackbox_create(o->workers),
        .signals = -1,
        .rules = { .image = -1, .report = -1 },
        .engine = { .name = o->follow ? "follower" : "engine",
                    .process = o->follow ? "abeng-follow" : "abeng-engine",
                    .request = -1,
                    .control = -1 },
        .uplink = { .name = "uplink", .process = "abeng-uplink", .request = -1, .control = -1 }
    };
    int status = 1;
    if (!m.box)
        log_error("monitor", "no memory");
    if (m.box && sign_init() == ABENG_OK && prepare(&m) == ABENG_OK)
        status = o->test ? 0 : run(&m);
    else
        end_uplink(&m);
    close_rings(&m);
    captures_free(m.captures);
    lane_table_free(m.lanes);
    files_close(m.files);
    close_fd(&m.rules.image);
    close_fd(&m.rules.report);
    close_fd(&m.signals);
    free(m.spool_dir);
    free(m.stats_path);
    return status;
}
