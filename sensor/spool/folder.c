/* SPDX-License-Identifier: Apache-2.0 */
/* The spool's files in a folder, for processes that may open them. */
#include "config.h"
#include "sensor/spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/xalloc.h"

struct folder {
    struct spool_files files;
    char *path;
};

static int folder_fd(const struct folder *f)
{
    return open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_in(const struct folder *f, const char *name, int flags)
{
    int dir = folder_fd(f);
    if (dir < 0)
        return ABENG_EIO;
    int fd = openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0640);
    int saved = errno;
    /* A file that is not in its folder after a power cut is as lost as one that was not written. */
    if (fd >= 0 && flags & O_CREAT)
        fsync(dir);
    close(dir);
    errno = saved;
    return fd >= 0 ? fd : errno == ENOENT ? ABENG_ENOENT : ABENG_EIO;
}

static int folder_create(void *arg, const char *name)
{
    return open_in(arg, name, O_RDWR | O_CREAT | O_EXCL);
}

static int folder_open(void *arg, const char *name)
{
    return open_in(arg, name, O_RDWR);
}

static int folder_remove(void *arg, const char *name)
{
    int dir = folder_fd(arg);
    if (dir < 0)
        return ABENG_EIO;
    int done = unlinkat(dir, name, 0);
    int err = done == 0 ? ABENG_OK : errno == ENOENT ? ABENG_ENOENT : ABENG_EIO;
    close(dir);
    return err;
}

static int folder_list(void *arg, struct buf *names)
{
    const struct folder *f = arg;
    DIR *d = opendir(f->path);
    if (!d)
        return ABENG_EIO;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (e->d_name[0] != '.')
            buf_add(names, e->d_name, strlen(e->d_name) + 1);
    }
    closedir(d);
    return names->bad ? ABENG_ELIMIT : ABENG_OK;
}

struct spool_files *spool_files_folder(const char *dir)
{
    struct folder *f = xcalloc(1, sizeof(*f));
    f->path = xstrdup(dir);
    f->files = (struct spool_files){
        .create = folder_create,
        .remove = folder_remove,
        .list = folder_list,
        .open = folder_open,
        .arg = f,
    };
    return &f->files;
}

void spool_files_free(struct spool_files *files)
{
    if (!files)
        return;
    struct folder *f = files->arg;
    free(f->path);
    free(f);
}
