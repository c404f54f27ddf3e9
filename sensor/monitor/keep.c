/* SPDX-License-Identifier: Apache-2.0 */
/* Stored files. */
#include "config.h"
#include "sensor/monitor/keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/monitor/channel.h"

/* The file that is being written; no SHA-256 is called so. */
#define PART ".part"
/* Files between two looks at what is too old. */
#define LOOK_EVERY 256
/* What is left of the room when it was exceeded, in per cent: not each file is to cost a look. */
#define ROOM_AFTER 90

struct keep {
    int dir;
    uint64_t bytes, age_ns;
    uint64_t total; /* bytes of all files */
    unsigned since; /* files since the last look */
};

struct kept {
    char name[CHANNEL_NAME_MAX];
    uint64_t size, written_ns;
};

static int by_age(const void *left, const void *right)
{
    const struct kept *a = left, *b = right;
    return (a->written_ns > b->written_ns) - (a->written_ns < b->written_ns);
}

/* All files, the oldest first. */
static struct kept *list(const struct keep *k, size_t *count)
{
    struct kept *all = NULL;
    size_t cap = 0;
    struct stat st;
    int folder = openat(k->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = folder < 0 ? NULL : fdopendir(folder);
    *count = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (!channel_name_ok(e->d_name) || strlen(e->d_name) >= CHANNEL_NAME_MAX ||
            fstatat(k->dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (*count == cap)
            all = xreallocarray(all, cap = cap ? cap * 2 : 64, sizeof(*all));
        struct kept *one = &all[(*count)++];
        snprintf(one->name, sizeof(one->name), "%s", e->d_name);
        one->size = (uint64_t)st.st_size;
        one->written_ns = (uint64_t)st.st_mtim.tv_sec * NS_PER_S;
    }
    if (dir)
        closedir(dir);
    if (*count)
        qsort(all, *count, sizeof(*all), by_age);
    return all;
}

/* Count what is there, and let go what is too old or too much. */
static void look(struct keep *k)
{
    size_t count;
    struct kept *all = list(k, &count);
    uint64_t now = clock_now(clock_system()), room = k->bytes;
    k->total = 0;
    k->since = 0;
    for (size_t i = 0; i < count; i++)
        k->total += all[i].size;
    if (k->total > room)
        room = room / 100 * ROOM_AFTER;
    for (size_t i = 0; i < count; i++) {
        bool old = now > all[i].written_ns && now - all[i].written_ns > k->age_ns;
        if (!old && k->total <= room)
            break;
        if (unlinkat(k->dir, all[i].name, 0) == 0)
            k->total -= all[i].size;
    }
    free(all);
}

struct keep *keep_open(const char *dir, uint64_t bytes, uint64_t age_ns)
{
    struct keep *k = xcalloc(1, sizeof(*k));
    k->bytes = bytes;
    k->age_ns = age_ns;
    k->dir = file_make_dirs(dir, 0700) < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (k->dir < 0) {
        log_error("monitor", "cannot use folder %s: %m", dir);
        free(k);
        return NULL;
    }
    look(k);
    return k;
}

static bool is_there(const struct keep *k, const char *name)
{
    struct stat st;
    return fstatat(k->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int begin(struct keep *k, const char *name)
{
    if (k->total > k->bytes || k->since >= LOOK_EVERY)
        look(k);
    if (is_there(k, name))
        return -1;
    return openat(k->dir, PART, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool finish(struct keep *k, const char *name)
{
    struct stat st;
    if (fstatat(k->dir, PART, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        renameat(k->dir, PART, k->dir, name) < 0)
        return false;
    k->total += (uint64_t)st.st_size;
    k->since++;
    return true;
}

int keep_answer(struct keep *k, struct channel_message *m)
{
    if (!channel_name_ok(m->name)) {
        m->status = ABENG_EINVAL;
        return -1;
    }
    if (m->arg == CHANNEL_FILE_FINISH) {
        m->status = finish(k, m->name) ? ABENG_OK : ABENG_EIO;
        return -1;
    }
    int fd = begin(k, m->name);
    m->status = fd >= 0 || is_there(k, m->name) ? ABENG_OK : ABENG_EIO;
    return fd;
}

void keep_close(struct keep *k)
{
    if (!k)
        return;
    close(k->dir);
    free(k);
}
