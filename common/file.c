/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files. */
#include "config.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/xalloc.h"

#define READ_STEP (64u << 10)

int file_read_fd(int fd, struct buf *out)
{
    for (;;) {
        size_t want = out->max - out->len < READ_STEP ? out->max - out->len : READ_STEP;
        uint8_t probe, *to = want ? buf_room(out, want) : &probe;
        ssize_t n = read(fd, to, want ? want : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ABENG_EIO;
        if (n == 0)
            return ABENG_OK;
        if (!want)
            return ABENG_ELIMIT;
        out->len += (size_t)n;
    }
}

int file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ABENG_EIO;
    int err = file_read_fd(fd, out);
    int saved = errno;
    close(fd);
    errno = saved;
    return err;
}

int file_write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ABENG_EIO;
        p += n;
        len -= (size_t)n;
    }
    return ABENG_OK;
}

static int sync_folder_of(const char *path)
{
    char *copy = xstrdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    free(copy);
    return ok ? ABENG_OK : ABENG_EIO;
}

int file_replace(const char *path, const void *bytes, size_t len, mode_t mode)
{
    char *temp = xasprintf("%s.new", path);
    int err = ABENG_EIO;
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        goto out;
    if (fchmod(fd, mode) < 0 || file_write_all(fd, bytes, len) < 0 || fsync(fd) < 0)
        goto out;
    if (rename(temp, path) == 0)
        err = sync_folder_of(path);
out:
    if (fd >= 0) {
        int saved = errno;
        close(fd);
        if (err < 0)
            unlink(temp);
        errno = saved;
    }
    free(temp);
    return err;
}

int file_make_dirs(const char *path, mode_t mode)
{
    char *copy = xstrdup(path);
    int err = ABENG_OK;
    for (char *at = copy + 1; err == ABENG_OK; at++) {
        if (*at && *at != '/')
            continue;
        char kept = *at;
        *at = 0;
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            err = ABENG_EIO;
        *at = kept;
        if (!kept)
            break;
    }
    free(copy);
    return err;
}
