/* SPDX-License-Identifier: Apache-2.0 */
/* restore: a data folder made whole from a backup, while its collector is stopped. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"
#include "common/file.h"
#include "common/xalloc.h"

/** Copied in pieces of this size, and folders in folders, the backup's own counted. */
#define PIECE     (1u << 20)
#define DEPTH_MAX 16

/** The store's files, below a data folder. */
#define STORE_FILES "redis/appendonlydir"

/* What is taken from the backup only where it is missing: what is there is at least as new. */
static const char *const others[] = { "ca", "archive", "feeds", "evidence" };

struct restore {
    const char *from, *to;
    uid_t uid; /* of the data folder: whose all shall be, where we may give it away */
    gid_t gid;
    uint64_t files, bytes; /* copied */
    char failed[512];      /* the path that could not be copied; errno says why */
};

static int fail_at(struct restore *r, const char *path)
{
    if (!*r->failed)
        snprintf(r->failed, sizeof r->failed, "%s", path);
    return ABENG_EIO;
}

static int give(const struct restore *r, int fd)
{
    return geteuid() != 0 || fchown(fd, r->uid, r->gid) == 0 ? ABENG_OK : ABENG_EIO;
}

/* ---- copying --------------------------------------------------------------------------------- */

static int copy_bytes(struct restore *r, int in, int out)
{
    char *piece = xmalloc(PIECE);
    ssize_t n;
    int err = ABENG_OK;
    while (!err && (n = read(in, piece, PIECE)) != 0) {
        err = n < 0 ? ABENG_EIO : file_write_all(out, piece, (size_t)n);
        r->bytes += n > 0 ? (uint64_t)n : 0;
    }
    free(piece);
    return err || fsync(out) ? ABENG_EIO : ABENG_OK;
}

static int copy_file(struct restore *r, const char *from, const char *to, mode_t mode)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);
    int err = in < 0 || out < 0 || give(r, out) ? ABENG_EIO : copy_bytes(r, in, out);
    int saved = errno;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    errno = saved;
    r->files += !err;
    return err ? fail_at(r, in < 0 ? from : to) : ABENG_OK;
}

static int copy_tree(struct restore *r, const char *from, const char *to, unsigned depth);

/* One entry; sockets, links and what else is no file of ours stay behind. */
static int copy_entry(struct restore *r, const char *from, const char *to, unsigned depth)
{
    struct stat st;
    if (lstat(from, &st))
        return fail_at(r, from);
    if (S_ISDIR(st.st_mode))
        return copy_tree(r, from, to, depth);
    return S_ISREG(st.st_mode) ? copy_file(r, from, to, st.st_mode) : ABENG_OK;
}

static int finish_folder(const struct restore *r, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd >= 0 && give(r, fd) == ABENG_OK && fsync(fd) == 0 ? ABENG_OK : ABENG_EIO;
    if (fd >= 0)
        close(fd);
    return err;
}

static int copy_tree(struct restore *r, const char *from, const char *to, unsigned depth)
{
    DIR *d = depth < DEPTH_MAX ? opendir(from) : NULL;
    int err = d && mkdir(to, 0700) == 0 ? ABENG_OK : ABENG_EIO;
    if (err)
        fail_at(r, d ? to : from);
    for (const struct dirent *e; !err && (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        char *one = xasprintf("%s/%s", from, e->d_name);
        char *other = xasprintf("%s/%s", to, e->d_name);
        err = copy_entry(r, one, other, depth + 1);
        free(one);
        free(other);
    }
    if (d)
        closedir(d);
    if (!err && finish_folder(r, to))
        err = fail_at(r, to);
    return err;
}

/* ---- the parts ------------------------------------------------------------------------------- */

static bool there(const char *dir, const char *name)
{
    struct stat st;
    char *path = xasprintf("%s/%s", dir, name);
    bool is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    free(path);
    return is;
}

/* Copied beside, then put in place at once: a kill leaves the old or the new. */
static int place(struct restore *r, const char *name)
{
    char *from = xasprintf("%s/%s", r->from, name);
    char *to = xasprintf("%s/%s", r->to, name);
    char *beside = xasprintf("%s.restoring-%ld", to, (long)getpid());
    int err = copy_tree(r, from, beside, 0);
    if (!err && rename(beside, to))
        err = fail_at(r, to);
    free(from);
    free(to);
    free(beside);
    return err;
}

/* The store as it is now goes aside: it may be wanted. `*aside` is where; the caller frees. */
static int put_aside(struct restore *r, char **aside)
{
    char *now = xasprintf("%s/" STORE_FILES, r->to);
    int err = ABENG_OK;
    *aside = NULL;
    if (there(r->to, STORE_FILES)) {
        *aside = xasprintf("%s.before-%lld", now, (long long)time(NULL));
        if (rename(now, *aside))
            err = fail_at(r, now);
    }
    free(now);
    return err;
}

/* The store's locks, as the collector and its redis-server hold them (store/embed.c). */
static int lock(const struct restore *r, const char *name)
{
    char *path = xasprintf("%s/redis/%s", r->to, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && give(r, fd) == ABENG_OK)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int bring_back(struct restore *r, char **aside)
{
    int err = put_aside(r, aside);
    if (!err)
        err = place(r, STORE_FILES);
    for (size_t i = 0; i < sizeof others / sizeof *others && !err; i++)
        if (there(r->from, others[i]) && !there(r->to, others[i]))
            err = place(r, others[i]);
    return err;
}

static enum ctl_exit report(const struct ctl *c, const struct restore *r, const char *aside)
{
    if (c->json) {
        json_t *out = json_pack("{s:I, s:I, s:s?}", "files", (json_int_t)r->files, "bytes",
                                (json_int_t)r->bytes, "aside", aside);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(out);
        return CTL_OK;
    }
    printf("%llu files, %llu bytes are back in %s\n", (unsigned long long)r->files,
           (unsigned long long)r->bytes, r->to);
    if (aside)
        printf("the store as it was is in %s; remove it when all is well\n", aside);
    printf("start abeng-collector now: it puts back what the archive has beyond the store, then "
           "sensors send again what they keep\n");
    return CTL_OK;
}

/* The folder is there, whoever owns it is known, and its redis/ can be made where it is missing. */
static int open_target(struct restore *r)
{
    char *redis = xasprintf("%s/redis", r->to);
    struct stat st = { .st_uid = 0 };
    int err = file_make_dirs(r->to, 0700);
    if (!err && (stat(r->to, &st) || (mkdir(redis, 0700) && errno != EEXIST)))
        err = ABENG_EIO;
    r->uid = st.st_uid;
    r->gid = st.st_gid;
    if (!err)
        err = finish_folder(r, redis);
    free(redis);
    return err ? fail_at(r, r->to) : ABENG_OK;
}

static enum ctl_exit restore_locked(const struct ctl *c, struct restore *r)
{
    char *aside = NULL;
    enum ctl_exit done = CTL_OK;
    if (bring_back(r, &aside))
        done = ctl_fail("%s: %s%s%s", r->failed, strerror(errno),
                        aside ? "; the store as it was is in " : "", aside ? aside : "");
    else
        done = report(c, r, aside);
    free(aside);
    return done;
}

static enum ctl_exit restore(struct ctl *c)
{
    const char *dir = ctl_option(c, "data-dir"), *usual = getenv("ABENG_DATA_DIR");
    struct restore r = { .from = ctl_word(c, 0), .to = dir ? dir : usual };
    enum ctl_exit done = CTL_FAILED;
    if (!r.to)
        r.to = ABENG_STATEDIR "/collector"; /* as the collector itself */
    if (!there(r.from, STORE_FILES))
        return ctl_fail("%s/" STORE_FILES " is not there: a backup is a copy of a data folder",
                        r.from);
    if (open_target(&r))
        return ctl_fail("%s: %s", r.failed, strerror(errno));
    int owner = lock(&r, "owner"), child = lock(&r, "lock");
    if (owner < 0 || child < 0)
        ctl_fail("%s belongs to a running abeng-collector, or to another user: stop it first, and "
                 "be its user or root",
                 r.to);
    else
        done = restore_locked(c, &r);
    if (owner >= 0)
        close(owner);
    if (child >= 0)
        close(child);
    return done;
}

static const struct ctl_command commands[] = {
    { "restore", "BACKUP", "", 1, 1,
      "put a copy of a data folder back into --data-dir, while the collector is stopped",
      restore },
};

const struct ctl_commands ctl_restore_commands = { commands, sizeof commands / sizeof *commands };
