/* SPDX-License-Identifier: Apache-2.0 */
/* The newest records on disk, read before a writer opens: for a source that must know how far it
 * came. */
#include "config.h"
#include "sensor/spool/spool.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "sensor/spool/segment.h"

static int walk(int fd, spool_last_fn *fn, void *arg)
{
    struct stat st;
    struct segment_walk w;
    struct segment_record r;
    int got;
    if (fstat(fd, &st) < 0)
        return ABENG_EIO;
    segment_walk_begin(&w, fd, 0, (uint64_t)st.st_size);
    while ((got = segment_walk_next(&w, &r)) == 1) {
        if (r.kind == SPOOL_KIND_ALERT)
            fn(arg, r.lane, r.bytes, r.len);
    }
    segment_walk_free(&w);
    return got;
}

/* The highest serial of the class below `below`; 0: none. */
static uint64_t newest(const char *names, enum segment_class class, uint64_t below)
{
    uint64_t best = 0, serial;
    enum segment_class of;
    for (const char *n = names; *n; n += strlen(n) + 1) {
        if (segment_name_parse(n, &of, &serial) && of == class && serial < below && serial > best)
            best = serial;
    }
    return best;
}

/* Older first, so that the last word on a lane is the newest. */
static int walk_class(const struct spool_files *files, const char *names, enum segment_class class,
                      uint64_t below, unsigned depth, spool_last_fn *fn, void *arg)
{
    char name[SEGMENT_NAME_MAX];
    uint64_t serial = newest(names, class, below);
    if (!serial || !depth)
        return ABENG_OK;
    int err = walk_class(files, names, class, serial, depth - 1, fn, arg);
    segment_name(class, serial, name);
    int fd = err < 0 ? err : files->open(files->arg, name);
    if (fd < 0)
        return fd == ABENG_ENOENT ? ABENG_OK : fd; /* just deleted: all of it is committed */
    err = walk(fd, fn, arg);
    close(fd);
    return err;
}

int spool_last_each(const struct spool_files *files, spool_last_fn *fn, void *arg)
{
    struct buf names;
    buf_init(&names, SPOOL_LIST_MAX);
    int err = files->list(files->arg, &names);
    for (int class = 0; err >= 0 && class < SEGMENT_CLASSES; class ++)
        err = walk_class(files, buf_str(&names), (enum segment_class) class, UINT64_MAX,
                         SPOOL_LAST_SEGMENTS, fn, arg);
    buf_free(&names);
    return err < 0 ? err : ABENG_OK;
}
