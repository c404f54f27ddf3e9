/* SPDX-License-Identifier: Apache-2.0 */
/* One load, seen from the monitor. */
#include "config.h"
#include "sensor/loading.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/xalloc.h"
#include "sensor/conf.h"
#include "sensor/headroom.h"
#include "sensor/loader.h"
#include "sensor/monitor/channel.h"
#include "sensor/monitor/files.h"
#include "sensor/options.h"

/*
 * Far beyond any cold start (60,000 rules on one slow, busy core); a loader that takes longer
 * hangs. The engine goes on with its old rules meanwhile.
 */
#define LOAD_TIMEOUT_NS (300 * NS_PER_S)
#define SEALS           (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define LOADER_NICE     10 /* of a load while an engine runs */
#define MIB             (1u << 20)

struct load {
    const struct options *o;
    struct files *files;
    struct loader_source *sources;
    char **names; /* of bundles */
    unsigned count;
    int classification;
    char key[CHANNEL_NAME_MAX];
    bool cached, failed;
    const struct loading_again *again; /* NULL: the first load */
    int asks;                          /* where the engine does; -1: it does not */
};

static void add_source(struct load *l, struct loader_source s)
{
    l->sources = xreallocarray(l->sources, l->count + 1, sizeof(*l->sources));
    l->names = xreallocarray(l->names, l->count + 1, sizeof(*l->names));
    l->names[l->count] = NULL;
    l->sources[l->count++] = s;
}

/* Files that a setting names: lists and local policy. */
static int open_named(struct load *l, char **paths, uint32_t count, const char *setting,
                      enum loader_role role)
{
    for (uint32_t i = 0; i < count; i++) {
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            log_error("rules", "%s: %s: %m", setting, paths[i]);
            return ABENG_ERR;
        }
        add_source(l, (struct loader_source){ fd, paths[i], -1, NULL, NULL, role });
    }
    return ABENG_OK;
}

static int open_rules(struct load *l)
{
    for (unsigned i = 0; i < l->o->rule_count; i++) {
        int fd = open(l->o->rules[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            log_error("rules", "%s: %m", l->o->rules[i]);
            return ABENG_ERR;
        }
        add_source(l, (struct loader_source){ fd, l->o->rules[i], -1, NULL, NULL, LOADER_RULES });
    }
    const struct sensor_conf *c = l->o->conf;
    char *categories = c->reputation_categories_file;
    if (open_named(l, c->list_files, c->list_files_count, "list-files", LOADER_LIST) < 0 ||
        open_named(l, c->policy_files, c->policy_files_count, "policy-files", LOADER_POLICY) < 0 ||
        open_named(l, &categories, categories != NULL, "reputation-categories-file",
                   LOADER_CATEGORIES) < 0 ||
        open_named(l, c->reputation_files, c->reputation_files_count, "reputation-files",
                   LOADER_REPUTATION) < 0)
        return ABENG_ERR;
    if (l->o->conf->classification_file) {
        l->classification = open(l->o->conf->classification_file, O_RDONLY | O_CLOEXEC);
        if (l->classification < 0) {
            log_error("rules", "%s: %m", l->o->conf->classification_file);
            return ABENG_ERR;
        }
    }
    return ABENG_OK;
}

/* Bundles that the uplink has pulled; a channel that has none yet is normal. */
static void open_bundles(struct load *l)
{
    const struct sensor_conf *c = l->o->conf;
    for (uint32_t i = 0; i < c->feeds_count; i++) {
        char *path = xasprintf("%s/bundles/%s.tar.zst", c->state_dir, c->feeds[i].channel);
        char *signature = xasprintf("%s.minisig", path);
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        int sig = open(signature, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0 && sig >= 0) {
            add_source(l,
                       (struct loader_source){ fd, path, sig, c->feeds[i].channel, c->feeds[i].key,
                                               c->feeds[i].policy ? LOADER_POLICY : LOADER_RULES });
            l->names[l->count - 1] = path;
            path = NULL;
        } else {
            if (fd >= 0)
                close(fd);
            if (sig >= 0)
                close(sig);
            log_info("rules", "no bundle of channel %s yet", c->feeds[i].channel);
        }
        free(path);
        free(signature);
    }
}

static pid_t start(struct load *l, int channel)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct loader_conf c = { .conf = l->o->conf,
                             .sources = l->sources,
                             .source_count = l->count,
                             .classification_fd = l->classification,
                             .channel = channel };
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_NAME, "abeng-loader"); /* what ps and pgrep call it */
    if (l->again) /* packets go first */
        (void)!setpriority(PRIO_PROCESS, 0, LOADER_NICE);
    if (sandbox_become_user(l->o->conf->user) < 0 || sandbox_drop_privileges() < 0 ||
        sandbox_paths(NULL, 0) < 0)
        _exit(1);
    _exit(loader_run(&c));
}

static bool sealed(int fd)
{
    return fd >= 0 && (fcntl(fd, F_GET_SEALS) & SEALS) == SEALS;
}

/* A list that stands in the folder of the rules file that names it. */
static void answer_list(struct load *l, int channel, struct channel_message *m)
{
    const struct loader_source *s = m->arg < l->count ? &l->sources[m->arg] : NULL;
    int fd = -1;
    if (s && !s->channel && s->role == LOADER_RULES && channel_name_ok(m->name)) {
        const char *slash = strrchr(s->name, '/');
        char *path = xasprintf("%.*s%s", slash ? (int)(slash + 1 - s->name) : 0, s->name, m->name);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        free(path);
    }
    m->status = fd < 0 ? ABENG_ENOENT : ABENG_OK;
    channel_send(channel, m, fd);
    if (fd >= 0)
        close(fd);
}

/* One message of the loader; descriptors are kept in `out` or closed. */
static void hear(struct load *l, int channel, struct channel_message *m, int fd, struct loaded *out)
{
    switch (m->verb) {
    case CHANNEL_CACHE_GET:
        snprintf(l->key, sizeof(l->key), "%s", m->name);
        m->status = files_cache_get(l->files, m->name, &out->image, &out->report, out->counts);
        l->cached = m->status == ABENG_OK;
        channel_send(channel, m, -1);
        break;
    case CHANNEL_LIST_OPEN:
        answer_list(l, channel, m);
        break;
    case CHANNEL_RULESET_DONE:
        if (!sealed(fd) || out->image >= 0)
            break;
        out->image = fd;
        out->counts[0] = m->arg;
        out->counts[1] = m->arg2;
        return;
    case CHANNEL_REPORT_DONE:
        if (out->report >= 0)
            break;
        out->report = fd;
        return;
    case CHANNEL_FAILED:
        log_error("rules", "%s", m->text);
        l->failed = true;
        break;
    default:
        log_warn("monitor", "the loader said something it may not (%u)", m->verb);
        break;
    }
    if (fd >= 0)
        close(fd);
}

/* Wait for the loader, answering the engine meanwhile. False when time is over. */
static bool wait_message(struct load *l, int channel, uint64_t deadline)
{
    for (;;) {
        struct pollfd p[2] = { { channel, POLLIN, 0 }, { l->asks, POLLIN, 0 } };
        uint64_t now = clock_mono_ns();
        if (now >= deadline || poll(p, 2, (int)((deadline - now) / NS_PER_MS) + 1) == 0)
            return false;
        if (p[0].revents)
            return true;
        if (p[1].revents & POLLIN)
            l->again->answer(l->again->arg);
        else if (p[1].revents) /* it died: that is seen to after the load */
            l->asks = -1;
    }
}

static void listen_to(struct load *l, int channel, pid_t pid, struct loaded *out)
{
    uint64_t deadline = clock_mono_ns() + LOAD_TIMEOUT_NS;
    for (;;) {
        struct channel_message m;
        int fd;
        if (!wait_message(l, channel, deadline)) {
            log_error("rules", "loading took longer than %llu s and was ended",
                      (unsigned long long)(LOAD_TIMEOUT_NS / NS_PER_S));
            kill(pid, SIGKILL);
            return;
        }
        if (channel_receive(channel, &m, &fd) < 0)
            return;
        hear(l, channel, &m, fd, out);
    }
}

static bool wait_for(pid_t pid, struct loaded *out)
{
    struct rusage usage = { 0 };
    int status;
    while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    out->peak_kib = (uint64_t)usage.ru_maxrss;
    if (WIFSIGNALED(status))
        log_error("rules", "the loader ended by signal %d", WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void close_sources(struct load *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        close(l->sources[i].fd);
        if (l->sources[i].signature_fd >= 0)
            close(l->sources[i].signature_fd);
        free(l->names[i]);
    }
    free(l->sources);
    free(l->names);
    if (l->classification >= 0)
        close(l->classification);
}

static void drop(struct loaded *out)
{
    if (out->image >= 0)
        close(out->image);
    if (out->report >= 0)
        close(out->report);
    out->image = out->report = -1;
}

/* Say what is coming; false when it is more than there is, and there is a set to go on with. */
static bool memory_suffices(const struct load *l)
{
    struct headroom_sources sources = { 0 };
    uint64_t left;
    for (unsigned i = 0; i < l->count; i++)
        headroom_weigh(&sources, l->sources[i].fd, l->sources[i].signature_fd >= 0);
    struct headroom_need need = headroom_need(&sources);
    uint64_t all = need.loader + need.set;
    if (!headroom_free("", &left))
        return true;
    if (l->again)
        log_notice("rules",
                   "a load takes at most %" PRIu64 " MiB (%" PRIu64 " to compile, then %" PRIu64
                   " for a second set, until the one in force is let go); %" PRIu64 " MiB are free",
                   all / MIB, need.loader / MIB, need.set / MIB, left / MIB);
    if (all <= left)
        return true;
    if (l->again)
        log_error("rules", "not enough memory to load; end something, or load fewer rules");
    else
        log_warn("rules", "a load may take %" PRIu64 " MiB, and %" PRIu64 " MiB are free",
                 all / MIB, left / MIB);
    return !l->again;
}

int loading_run(const struct options *o, struct files *files, const struct loading_again *again,
                struct loaded *out)
{
    struct load l = {
        .o = o, .files = files, .classification = -1, .again = again, .asks = again ? again->fd : -1
    };
    uint64_t began = clock_mono_ns();
    int pair[2], err = ABENG_ERR;
    *out = (struct loaded){ .image = -1, .report = -1 };
    if (open_rules(&l) < 0)
        goto out;
    open_bundles(&l);
    if (!memory_suffices(&l))
        goto out;
    if (channel_pair(pair) < 0)
        goto out;
    pid_t pid = start(&l, pair[1]);
    close(pair[1]);
    if (pid > 0) {
        listen_to(&l, pair[0], pid, out);
        bool ended_well = wait_for(pid, out);
        if (ended_well && !l.failed && out->image >= 0 && out->report >= 0)
            err = ABENG_OK;
        else if (!l.failed)
            log_error("rules", "the loader gave no rule set");
    }
    close(pair[0]);
    if (err == ABENG_OK && !l.cached && l.key[0])
        files_cache_put(files, l.key, out->image, out->report, out->counts);
    out->took_ns = clock_mono_ns() - began;
out:
    if (err < 0)
        drop(out);
    close_sources(&l);
    return err;
}
