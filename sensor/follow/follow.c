/* SPDX-License-Identifier: Apache-2.0 */
/* The follower: lines in, spool records out. */
#include "config.h"
#include "sensor/follow/follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/counter.h"
#include "common/err.h"
#include "common/event.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/selftest.h"
#include "common/sign.h"
#include "common/stop.h"
#include "common/xalloc.h"
#include "sensor/alert/lane.h"
#include "sensor/follow/progress.h"
#include "sensor/follow/tail.h"
#include "sensor/monitor/channel.h"
#include "sensor/spool/spool.h"

#define IDLE_MS        20
#define CROWDED_MS     500
#define LINES_A_TURN   512
#define STORE_EVERY_NS (500 * NS_PER_MS)
#define STATS_EVERY_NS (5 * NS_PER_S)
#define COMPLAIN_EVERY 1000 /* of lines that are no events, one in so many is logged */
#define STATS_MAX      8192

enum follow_counter {
    FOLLOW_LINES,
    FOLLOW_ALERTS,
    FOLLOW_HAD,
    FOLLOW_BAD,
    FOLLOW_NUMBERED,
    FOLLOW_TOO_LONG,
    FOLLOW_GONE,
    FOLLOW_COUNTERS,
};

/* clang-format off */
static const struct counter_def follow_counters[] = {
    [FOLLOW_LINES] = { "follow.lines", "lines read" },
    [FOLLOW_ALERTS] = { "follow.alerts", "alerts put into the spool" },
    [FOLLOW_HAD] = { "follow.had", "alerts that the spool had before a restart" },
    [FOLLOW_BAD] = { "follow.bad", "lines that are no events; alerts among them are lost" },
    [FOLLOW_NUMBERED] = { "follow.numbered", "alerts left out: a sensor of ours raised them" },
    [FOLLOW_TOO_LONG] = { "follow.too_long", "alerts too long for a record, told as lost" },
    [FOLLOW_GONE] = { "follow.gone", "files gone before they were read to their end" },
    [FOLLOW_COUNTERS] = { NULL, NULL },
};
/* clang-format on */

struct follow {
    const struct follow_conf *conf;
    struct spool_files *files;
    struct spool_writer *spool;
    struct progress *progress;
    struct tail *tail;
    struct counter_block counters, spool_counters;
    struct buf line;
    uint64_t stored_ns, stats_ns;
    struct self_test self_test;
    bool failing; /* logged once */
};

static const char *const system_calls[] = {
    "brk",          "clock_gettime",  "clock_nanosleep", "close",           "exit",
    "exit_group",   "fallocate",      "fchmod",          "fcntl",           "fdatasync",
    "fstat",        "fsync",          "ftruncate",       "futex",           "getdents64",
    "getpid",       "getrandom",      "gettid",          "lseek",           "madvise",
    "mmap",         "mprotect",       "mremap",          "munmap",          "nanosleep",
    "newfstatat",   "openat",         "pread64",         "pwrite64",        "read",
    "recvmsg",      "rename",         "renameat",        "renameat2",       "restart_syscall",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",    "rt_sigtimedwait", "sendmsg",
    "sendto",       "stat",           "statx",           "sysinfo",         "tgkill",
    "unlink",       "unlinkat",       "write",           "writev",          NULL,
};

/* ---- lines ----------------------------------------------------------------------------------- */

static void lose(struct follow *f, enum follow_counter counter, const char *lane, const char *why)
{
    counter_add(&f->counters, counter, 1);
    spool_writer_lost(f->spool, lane, 1, why);
}

/* The lane of what could not be read: nobody knows whose it is. */
static void home_lane(const struct follow *f, struct lane *out)
{
    lane_of(f->conf->lanes, NULL, NULL, 0, false, out);
}

static void complain(struct follow *f, const struct tail_line *line, const char *reason)
{
    if (counter_read(&f->counters, FOLLOW_BAD) % COMPLAIN_EVERY == 0)
        log_warn("follow", "%s, byte %llu: %s", f->conf->path, (unsigned long long)line->offset,
                 reason);
}

/* A line that is no event. What says of itself that it is an alert is told as lost. */
static void take_bad(struct follow *f, const struct tail_line *line, const char *reason)
{
    static const char mark[] = "\"event_type\":\"alert\"";
    struct lane lane;
    complain(f, line, reason);
    home_lane(f, &lane);
    if (memmem(line->bytes, line->len, mark, sizeof(mark) - 1) &&
        !progress_had(f->progress, line, lane.name))
        lose(f, FOLLOW_BAD, lane.name, "bad_line");
    else
        counter_add(&f->counters, FOLLOW_BAD, 1);
}

static void append(struct follow *f, const struct lane *lane)
{
    int64_t number =
        spool_writer_append(f->spool, lane->name, SPOOL_KIND_ALERT, f->line.data, f->line.len);
    if (number >= 0) {
        counter_add(&f->counters, FOLLOW_ALERTS, 1);
        f->failing = false;
    } else if (!f->failing) {
        log_error("follow", "an alert could not be kept (%s); it is counted as lost",
                  err_text((int)number));
        f->failing = true;
    }
}

static void take_alert(struct follow *f, const struct tail_line *line, const struct event *e)
{
    struct lane lane;
    lane_of(f->conf->lanes, e->has_src ? &e->src : NULL, e->has_dst ? &e->dst : NULL, e->target,
            e->severity == 1, &lane);
    if (progress_had(f->progress, line, lane.name)) {
        counter_add(&f->counters, FOLLOW_HAD, 1);
        return;
    }
    struct event_abeng abeng = { .epoch = spool_writer_epoch(f->spool),
                                 .lane = lane.name,
                                 .seq = spool_writer_next(f->spool, lane.name),
                                 .feed = f->conf->feed,
                                 .home = lane.state,
                                 .source = line->file,
                                 .source_offset = line->offset };
    buf_clear(&f->line);
    event_foreign_write(&f->line, line->bytes, line->len, &abeng);
    if (f->line.bad)
        lose(f, FOLLOW_TOO_LONG, lane.name, "too_long");
    else
        append(f, &lane);
}

static void take_line(struct follow *f, const struct tail_line *line)
{
    char reason[160];
    struct event e;
    counter_add(&f->counters, FOLLOW_LINES, 1);
    if (line->len == 0 && !line->too_long)
        return;
    if (line->too_long)
        take_bad(f, line, "the line is longer than an event may be");
    else if (event_scan(line->bytes, line->len, &e, reason, sizeof(reason)) < 0)
        take_bad(f, line, reason);
    else if (e.type == EVENT_ALERT &&
             (e.text[EVENT_TEXT_EPOCH].there || e.text[EVENT_TEXT_HOME].there))
        counter_add(&f->counters, FOLLOW_NUMBERED, 1);
    else if (e.type == EVENT_ALERT)
        take_alert(f, line, &e);
}

/* At most LINES_A_TURN lines; how many there were. */
static unsigned take_lines(struct follow *f)
{
    struct tail_line line;
    unsigned n = 0;
    while (n < LINES_A_TURN) {
        int got = tail_next(f->tail, &line);
        if (got == 1) {
            take_line(f, &line);
            n++;
            if (f->failing)
                break; /* the disk is full: one line at a time finds out when there is room */
        } else if (got == ABENG_ENOENT) {
            counter_add(&f->counters, FOLLOW_GONE, 1);
            log_warn("follow",
                     "%s was truncated or deleted before it was read to its end; lines "
                     "may be missing (logrotate: use delaycompress, or no copytruncate)",
                     f->conf->path);
        } else {
            if (got < 0 && !f->failing)
                log_error("follow", "%s: %s", f->conf->path, strerror(errno));
            f->failing |= got < 0;
            break;
        }
    }
    return n;
}

/* ---- turns ----------------------------------------------------------------------------------- */

/* fsync, then store the place; in this order, or a power cut would lose what lies between. False:
 * the stored place is an older one. */
static bool store(struct follow *f, uint64_t now)
{
    struct tail_place place;
    f->stored_ns = now;
    tail_place(f->tail, &place);
    if (spool_writer_sync(f->spool, true) < 0)
        return false; /* counted there; the place stays */
    if (progress_store(f->progress, &place) == ABENG_OK)
        return true;
    log_error("follow", "%s: cannot store the place: %s", f->conf->state_dir, strerror(errno));
    return false;
}

static void write_counters(struct json *j, const struct counter_block *b,
                           const struct counter_def *defs)
{
    for (unsigned i = 0; defs[i].name; i++) {
        const char *dot = strchr(defs[i].name, '.');
        json_u64(j, dot ? dot + 1 : defs[i].name, counter_read(b, i));
    }
}

static void write_stats(struct follow *f, uint64_t now)
{
    struct channel_message m = { .verb = CHANNEL_OPEN_OUTPUT, .arg = 1, .name = "stats.json" };
    struct tail_place place;
    struct buf out;
    struct json j;
    int fd = -1;
    f->stats_ns = now;
    tail_place(f->tail, &place);
    buf_init(&out, STATS_MAX);
    json_begin(&j, &out);
    json_open(&j, NULL);
    json_u64(&j, "alerts", counter_read(&f->counters, FOLLOW_ALERTS));
    json_open(&j, "follow");
    json_str(&j, "path", f->conf->path);
    json_u64(&j, "offset", place.offset);
    write_counters(&j, &f->counters, follow_counters);
    json_close(&j);
    json_open(&j, "spool");
    write_counters(&j, &f->spool_counters, spool_counters);
    json_close(&j);
    json_close(&j);
    buf_add(&out, "\n", 1);
    if (channel_ask(f->conf->channel, &m, &fd) < 0 || fd < 0 ||
        file_write_all(fd, out.data, out.len) < 0)
        log_warn("follow", "cannot write stats.json");
    if (fd >= 0)
        close(fd);
    buf_free(&out);
}

/* Once an hour an alert of our own, which tells the collector that the way is whole. It comes from
 * no line: as the newest record of its lane it would hide how far that lane is (progress.h), so the
 * place is stored before it. */
static void test_self(struct follow *f)
{
    uint64_t now = clock_now(clock_system());
    struct lane lane;
    if (!self_test_due(&f->self_test, now) || !store(f, clock_mono_ns()))
        return;
    lane_of(f->conf->lanes, NULL, NULL, 0, true, &lane);
    const struct event_abeng abeng = { .epoch = spool_writer_epoch(f->spool),
                                       .lane = lane.name,
                                       .seq = spool_writer_next(f->spool, lane.name),
                                       .home = lane.state };
    buf_clear(&f->line);
    self_test_write(&f->line, now, &abeng);
    if (spool_writer_append(f->spool, lane.name, SPOOL_KIND_ALERT, f->line.data, f->line.len) < 0)
        log_warn("follow", "the self-test could not be kept; it is counted as lost");
}

static void loop(struct follow *f)
{
    bool crowded = false, stop = false;
    self_test_begin(&f->self_test, clock_now(clock_system()));
    while (!stop) {
        test_self(f);
        unsigned n = crowded ? 0 : take_lines(f);
        uint64_t now = clock_mono_ns();
        if (now - f->stored_ns >= STORE_EVERY_NS) {
            store(f, now);
            bool was = crowded;
            crowded = spool_writer_crowded(f->spool);
            if (crowded && !was)
                log_notice("follow", "the spool is three quarters full: %s waits", f->conf->path);
        }
        if (now - f->stats_ns >= STATS_EVERY_NS)
            write_stats(f, now);
        stop = stop_nap(n == LINES_A_TURN ? 0 : crowded || f->failing ? CROWDED_MS : IDLE_MS);
    }
    store(f, clock_mono_ns());
    write_stats(f, clock_mono_ns());
}

/* ---- life ------------------------------------------------------------------------------------ */

static int confine(const struct follow_conf *conf)
{
    const char *slash = strrchr(conf->path, '/');
    char *folder =
        slash ? xasprintf("%.*s", (int)(slash - conf->path) + 1, conf->path) : xstrdup(".");
    struct sandbox_path paths[] = {
        { folder, false },           { conf->spool_dir, true }, { conf->state_dir, true },
        { "/etc/localtime", false }, { "/dev/urandom", false },
    };
    int err = sandbox_become_user(conf->user);
    if (err == ABENG_OK && access(folder, R_OK | X_OK) < 0) {
        log_error("follow", "%s: %s; let user %s read it (setfacl -m u:%s:rx, package acl)", folder,
                  strerror(errno), conf->user, conf->user);
        err = ABENG_EIO;
    }
    if (err == ABENG_OK)
        err = sandbox_drop_privileges();
    if (err == ABENG_OK)
        err = sandbox_paths(paths, sizeof(paths) / sizeof(paths[0]));
    free(folder);
    return err == ABENG_OK ? sandbox_system_calls(system_calls) : err;
}

static int open_all(struct follow *f)
{
    const struct spool_conf spool = { .bytes_max = f->conf->spool_bytes };
    char reason[256];
    char *place = xasprintf("%s/follow.place", f->conf->state_dir);
    f->files = spool_files_folder(f->conf->spool_dir);
    f->progress = progress_open(place, f->files);
    free(place);
    if (!f->progress)
        return ABENG_ERR;
    f->spool = spool_writer_open(&spool, f->files, &f->spool_counters, reason, sizeof(reason));
    if (!f->spool) {
        log_error("spool", "%s", reason);
        return ABENG_ERR;
    }
    f->tail = tail_create(f->conf->path);
    if (tail_resume(f->tail, progress_place(f->progress)) == ABENG_ENOENT) {
        counter_add(&f->counters, FOLLOW_GONE, 1);
        log_warn("follow", "the file that was read last is gone, with what was not read of it; "
                           "going on with the next (logrotate: use delaycompress)");
    }
    progress_settle(f->progress, f->tail);
    return ABENG_OK;
}

int follow_run(const struct follow_conf *conf)
{
    struct follow f = { .conf = conf };
    int status = 1;
    stop_block();
    f.counters = counter_block_create(follow_counters);
    f.spool_counters = counter_block_create(spool_counters);
    buf_init(&f.line, EVENT_LINE_MAX);
    if (sign_init() == ABENG_OK && confine(conf) == ABENG_OK && open_all(&f) == ABENG_OK) {
        log_notice("follow", "following %s from byte %llu", conf->path,
                   (unsigned long long)progress_place(f.progress)->offset);
        loop(&f);
        status = 0;
    }
    spool_writer_close(f.spool);
    spool_files_free(f.files);
    progress_close(f.progress);
    tail_free(f.tail);
    counter_block_free(&f.counters);
    counter_block_free(&f.spool_counters);
    buf_free(&f.line);
    return status;
}
