/* SPDX-License-Identifier: Apache-2.0 */
/* Folders held open, and the verbs that give out their files. */
#include "config.h"
#include "sensor/monitor/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/monitor/cache.h"
#include "sensor/monitor/channel.h"
#include "sensor/monitor/keep.h"

struct files {
    int log_dir, spool_dir, cache_dir, evidence_dir, dataset_dir; /* -1: there is none */
    struct keep *kept;                                            /* stored files, NULL: none */
    uint64_t evidence_bytes, evidence_ns;                         /* bounds */
    uid_t owner; /* of spool segments; (uid_t)-1: ours */
    gid_t group;
};

static int open_folder(const char *path, mode_t mode)
{
    if (file_make_dirs(path, mode) < 0)
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct files *files_open(const char *log_dir, const char *spool_dir, const char *cache_dir)
{
    struct files *f = xcalloc(1, sizeof(*f));
    f->owner = (uid_t)-1;
    f->group = (gid_t)-1;
    f->spool_dir = f->cache_dir = f->evidence_dir = f->dataset_dir = -1;
    const char *failed = NULL;
    if ((f->log_dir = open_folder(log_dir, 0750)) < 0)
        failed = log_dir;
    else if (spool_dir && (f->spool_dir = open_folder(spool_dir, 0750)) < 0)
        failed = spool_dir;
    if (failed) {
        log_error("monitor", "cannot use folder %s: %m", failed);
        files_close(f);
        return NULL;
    }
    if (cache_dir && (f->cache_dir = open_folder(cache_dir, 0700)) < 0)
        log_info("monitor", "no cache of compiled rules: folder %s: %m", cache_dir);
    return f;
}

int files_log_folder(const struct files *f)
{
    return f->log_dir;
}

void files_set_owner(struct files *f, const char *user)
{
    const struct passwd *pw = geteuid() == 0 ? getpwnam(user) : NULL;
    if (!pw && geteuid() == 0)
        pw = getpwnam("nobody");
    if (pw) {
        f->owner = pw->pw_uid;
        f->group = pw->pw_gid;
    }
}

static int open_output(struct files *f, struct channel_message *m)
{
    static const char *const names[] = { "eve.json", "stats.json", "stats.prom",
                                         "rule-profile.json" };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(m->name, names[i]) == 0)
            return openat(f->log_dir, names[i],
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
                              (m->arg ? O_TRUNC : 0),
                          0640);
    }
    errno = EPERM;
    return -1;
}

int files_share_stats(struct files *f)
{
    struct channel_message m = { .name = "stats.json" };
    int fd = open_output(f, &m);
    int err = fd < 0 ? ABENG_EIO : ABENG_OK;
    if (!err && f->owner != (uid_t)-1 && fchown(fd, f->owner, (gid_t)-1) < 0)
        err = ABENG_EIO;
    if (err)
        log_warn("monitor", "stats.json can't be shared with the uplink: %m");
    if (fd >= 0)
        close(fd);
    return err;
}

static int open_segment(struct files *f, const struct channel_message *m, int flags)
{
    if (f->spool_dir < 0 || !channel_name_ok(m->name)) {
        errno = EPERM;
        return -1;
    }
    int fd = openat(f->spool_dir, m->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
    if (fd >= 0 && (flags & O_CREAT) && f->owner != (uid_t)-1)
        (void)!fchown(fd, f->owner, f->group);
    return fd;
}

static int create_segment(struct files *f, struct channel_message *m)
{
    int fd = open_segment(f, m, O_CREAT | O_EXCL);
    if (fd >= 0)
        fsync(f->spool_dir);
    return fd;
}

static int reopen_segment(struct files *f, struct channel_message *m)
{
    return open_segment(f, m, 0);
}

static int remove_segment(struct files *f, struct channel_message *m)
{
    if (f->spool_dir < 0 || !channel_name_ok(m->name) || unlinkat(f->spool_dir, m->name, 0) < 0)
        m->status = errno == ENOENT ? ABENG_ENOENT : ABENG_EIO;
    else
        fsync(f->spool_dir);
    return -1;
}

/* The oldest evidence file, by its name, and what all of them take. False when there is none. */
static bool oldest_evidence(const struct files *f, char name[CHANNEL_NAME_MAX], struct stat *oldest,
                            uint64_t *total)
{
    int folder = openat(f->evidence_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = folder < 0 ? NULL : fdopendir(folder);
    struct stat st;
    name[0] = 0;
    *total = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (!channel_name_ok(e->d_name) || strlen(e->d_name) >= CHANNEL_NAME_MAX ||
            fstatat(f->evidence_dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        *total += (uint64_t)st.st_size;
        if (!name[0] || strcmp(e->d_name, name) < 0) {
            snprintf(name, CHANNEL_NAME_MAX, "%s", e->d_name);
            *oldest = st;
        }
    }
    if (dir)
        closedir(dir);
    return name[0];
}

/*
 * Names begin with the time of their making, so the first in their order is the oldest. Returns
 * since when, at the latest, what is there reaches back, in ms: all younger files are there, too.
 */
static uint64_t bound_evidence(struct files *f)
{
    char name[CHANNEL_NAME_MAX];
    struct stat st = { 0 };
    uint64_t total, now = clock_now(clock_system());
    while (oldest_evidence(f, name, &st, &total)) {
        uint64_t written = (uint64_t)st.st_mtim.tv_sec * NS_PER_S;
        bool old = now > written && now - written > f->evidence_ns;
        if ((total <= f->evidence_bytes && !old) || unlinkat(f->evidence_dir, name, 0) < 0)
            return written / NS_PER_MS;
    }
    return now / NS_PER_MS;
}

static int create_evidence(struct files *f, struct channel_message *m)
{
    if (f->evidence_dir < 0 || !channel_name_ok(m->name)) {
        errno = EPERM;
        return -1;
    }
    m->arg = bound_evidence(f);
    return openat(f->evidence_dir, m->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                  0600);
}

int files_set_evidence(struct files *f, const char *dir, uint64_t bytes, uint64_t age_ns)
{
    f->evidence_bytes = bytes;
    f->evidence_ns = age_ns;
    f->evidence_dir = open_folder(dir, 0700);
    if (f->evidence_dir >= 0)
        return ABENG_OK;
    log_error("monitor", "cannot use folder %s: %m", dir);
    return ABENG_EIO;
}

int files_evidence(const struct files *f, const char *name)
{
    if (f->evidence_dir < 0 || !channel_name_ok(name))
        return ABENG_ENOENT;
    int fd = openat(f->evidence_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : errno == ENOENT ? ABENG_ENOENT : ABENG_EIO;
}

int files_set_store(struct files *f, const char *dir, uint64_t bytes, uint64_t age_ns)
{
    f->kept = keep_open(dir, bytes, age_ns);
    return f->kept ? ABENG_OK : ABENG_EIO;
}

static int store_file(struct files *f, struct channel_message *m)
{
    if (f->kept)
        return keep_answer(f->kept, m);
    m->status = ABENG_EUNSUPPORTED;
    return -1;
}

int files_set_datasets(struct files *f, const char *dir)
{
    f->dataset_dir = open_folder(dir, 0700);
    if (f->dataset_dir >= 0)
        return ABENG_OK;
    log_error("monitor", "cannot use folder %s: %m", dir);
    return ABENG_EIO;
}

/* A dataset's file: the one there is, a new one beside it, or the new one in its place. */
static int open_dataset(struct files *f, struct channel_message *m)
{
    char fresh[CHANNEL_NAME_MAX + 8];
    int fd = -1;
    if (f->dataset_dir < 0 || !channel_name_ok(m->name)) {
        m->status = ABENG_ENOENT;
        return -1;
    }
    snprintf(fresh, sizeof(fresh), ".new-%s", m->name);
    if (m->arg == CHANNEL_DATASET_READ)
        fd = openat(f->dataset_dir, m->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    else if (m->arg == CHANNEL_DATASET_WRITE)
        fd = openat(f->dataset_dir, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                    0600);
    else if (renameat(f->dataset_dir, fresh, f->dataset_dir, m->name) == 0 &&
             fsync(f->dataset_dir) == 0)
        return -1;
    if (fd < 0)
        m->status = errno == ENOENT ? ABENG_ENOENT : ABENG_EIO;
    return fd;
}

static int list_segments(struct files *f, struct channel_message *m)
{
    int folder =
        f->spool_dir < 0 ? -1 : openat(f->spool_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = folder < 0 ? NULL : fdopendir(folder);
    int out = memfd_create("spool-list", MFD_CLOEXEC);
    bool whole = dir && out >= 0;
    for (struct dirent *e; whole && (e = readdir(dir));) {
        if (channel_name_ok(e->d_name))
            whole = file_write_all(out, e->d_name, strlen(e->d_name) + 1) == 0;
    }
    if (dir)
        closedir(dir);
    if (whole && lseek(out, 0, SEEK_SET) == 0)
        return out;
    if (out >= 0)
        close(out);
    m->status = ABENG_EIO;
    return -1;
}

bool files_answer(struct files *f, struct channel_message *m, int *fd)
{
    static const struct {
        uint32_t verb;
        bool gives; /* an answer without descriptor is a failure */
        int (*answer)(struct files *f, struct channel_message *m);
    } verbs[] = {
        { CHANNEL_OPEN_OUTPUT, true, open_output },
        { CHANNEL_SPOOL_CREATE, true, create_segment },
        { CHANNEL_SPOOL_OPEN, true, reopen_segment },
        { CHANNEL_SPOOL_REMOVE, false, remove_segment },
        { CHANNEL_SPOOL_LIST, true, list_segments },
        { CHANNEL_EVIDENCE_CREATE, true, create_evidence },
        { CHANNEL_DATASET, false, open_dataset },
        { CHANNEL_FILE, false, store_file },
    };
    *fd = -1;
    for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (verbs[i].verb != m->verb)
            continue;
        m->status = ABENG_OK;
        *fd = verbs[i].answer(f, m);
        if (*fd < 0 && verbs[i].gives && m->status == ABENG_OK) {
            m->status = errno == ENOENT ? ABENG_ENOENT : ABENG_EIO;
            log_warn("monitor", "cannot open %s for the engine: %m", m->name);
        }
        return true;
    }
    return false;
}

int files_cache_get(struct files *f, const char *key, int *image, int *report, uint64_t counts[2])
{
    return f->cache_dir < 0 ? ABENG_ENOENT : cache_get(f->cache_dir, key, image, report, counts);
}

void files_cache_put(struct files *f, const char *key, int image, int report,
                     const uint64_t counts[2])
{
    if (f->cache_dir >= 0)
        cache_put(f->cache_dir, key, image, report, counts);
}

void files_close(struct files *f)
{
    if (!f)
        return;
    keep_close(f->kept);
    int fds[] = { f->log_dir, f->spool_dir, f->cache_dir, f->evidence_dir, f->dataset_dir };
    for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    free(f);
}
