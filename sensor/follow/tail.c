/* SPDX-License-Identifier: Apache-2.0 */
/* The open file and its window; siblings, and which of them is next. */
#include "config.h"
#include "sensor/follow/tail.h"

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
#include "common/sign.h"
#include "common/xalloc.h"

#define WINDOW   (2u * TAIL_LINE_MAX)
#define HEAD_MAX 4096 /* of a first line so much is looked at */

struct tail {
    char *path, *folder, *base;
    int fd; /* -1: none is open */
    char file[TAIL_FILE_LEN];
    char head[HEAD_MAX]; /* what the file began with when it got its name */
    size_t head_len;
    uint64_t from; /* offset of the window's first byte */
    size_t at, have;
    uint64_t skipped; /* bytes of a line that is too long, already dropped */
    bool lost;        /* to be told: something was not read to its end */
    char window[WINDOW];
};

struct sibling {
    char name[256], file[TAIL_FILE_LEN];
    uint64_t changed_ns;
    bool current; /* stands at the path */
};

struct siblings {
    struct sibling list[TAIL_SIBLINGS_MAX];
    unsigned count;
};

/* ---- names ----------------------------------------------------------------------------------- */

/* A file's name from its first line; 0 bytes of head when it has no whole one yet. */
static size_t read_head(int fd, char head[HEAD_MAX], char file[TAIL_FILE_LEN])
{
    char digest[SIGN_DIGEST_TEXT];
    ssize_t n = pread(fd, head, HEAD_MAX, 0);
    const char *end = n > 0 ? memchr(head, '\n', (size_t)n) : NULL;
    size_t len = end ? (size_t)(end - head) + 1 : 0;
    file[0] = 0;
    if (n == HEAD_MAX && !end)
        len = HEAD_MAX;
    if (!len)
        return 0;
    sign_digest_text(head, len, digest);
    snprintf(file, TAIL_FILE_LEN, "%.*s", TAIL_FILE_LEN - 1, digest);
    return len;
}

static uint64_t changed_ns(const struct stat *st)
{
    return (uint64_t)st->st_mtim.tv_sec * NS_PER_S + (uint64_t)st->st_mtim.tv_nsec;
}

static bool is_packed(const char *name)
{
    static const char *const ends[] = { ".gz", ".bz2", ".xz", ".zst", ".lz4" };
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t n = strlen(ends[i]);
        if (len > n && strcmp(name + len - n, ends[i]) == 0)
            return true;
    }
    return false;
}

/* Opens without waiting: a fifo of that name must not hold us up. */
static int open_at(const struct tail *t, const char *name, struct stat *st)
{
    int folder = open(t->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int saved = errno;
    if (folder >= 0)
        close(folder);
    if (fd >= 0 && (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))) {
        close(fd);
        fd = -1;
        saved = EINVAL;
    }
    errno = saved;
    return fd;
}

static int older_first(const void *a, const void *b)
{
    const struct sibling *x = a, *y = b;
    if (x->current != y->current)
        return x->current ? 1 : -1;
    if (x->changed_ns != y->changed_ns)
        return x->changed_ns < y->changed_ns ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void add_sibling(const struct tail *t, struct siblings *all, const char *name)
{
    char head[HEAD_MAX];
    struct sibling s = { .current = strcmp(name, t->base) == 0 };
    struct stat st;
    int fd = open_at(t, name, &st);
    if (fd < 0)
        return;
    read_head(fd, head, s.file);
    close(fd);
    if (!s.file[0] && !s.current)
        return;
    snprintf(s.name, sizeof(s.name), "%s", name);
    s.changed_ns = changed_ns(&st);
    if (all->count == TAIL_SIBLINGS_MAX) { /* the oldest makes room */
        qsort(all->list, all->count, sizeof(all->list[0]), older_first);
        all->list[0] = s;
        return;
    }
    all->list[all->count++] = s;
}

/* All siblings, oldest first, the one at the path last. To be freed. */
static struct siblings *list_siblings(const struct tail *t)
{
    struct siblings *all = xcalloc(1, sizeof(*all));
    size_t len = strlen(t->base);
    DIR *d = opendir(t->folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strncmp(e->d_name, t->base, len) == 0 && !is_packed(e->d_name) &&
            strlen(e->d_name) < sizeof(all->list[0].name))
            add_sibling(t, all, e->d_name);
    }
    if (d)
        closedir(d);
    qsort(all->list, all->count, sizeof(all->list[0]), older_first);
    return all;
}

/* The youngest of that name: while a copy is being made there are two. */
static const struct sibling *find(const struct siblings *all, const char *file)
{
    for (unsigned i = all->count; *file && i-- > 0;) {
        if (strcmp(all->list[i].file, file) == 0)
            return &all->list[i];
    }
    return NULL;
}

/* ---- the open file --------------------------------------------------------------------------- */

static void shut(struct tail *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
    t->file[0] = 0;
    t->head_len = 0;
    t->at = t->have = 0;
    t->from = 0;
    t->skipped = 0;
}

/*
 * Only a file with a name is entered: one that is still empty may be rotated away twice before we
 * look again, and from the file before it the way to the first of them is known.
 */
static int enter(struct tail *t, const char *name, uint64_t offset)
{
    char head[HEAD_MAX], file[TAIL_FILE_LEN];
    struct stat st;
    int fd = open_at(t, name, &st);
    if (fd < 0)
        return errno == ENOENT ? ABENG_ENOENT : ABENG_EIO;
    size_t len = read_head(fd, head, file);
    if (!len) {
        close(fd);
        return ABENG_ENOENT;
    }
    shut(t);
    t->fd = fd;
    t->from = offset;
    t->head_len = len;
    memcpy(t->head, head, len);
    memcpy(t->file, file, sizeof(file));
    return ABENG_OK;
}

/* The sibling that comes after `here`, or, when that one is gone, the first not older than
 * `changed`. */
static const struct sibling *younger(const struct siblings *all, const struct sibling *here,
                                     uint64_t changed)
{
    unsigned first = here ? (unsigned)(here - all->list) + 1 : 0;
    for (unsigned i = first; i < all->count; i++) {
        if (here || all->list[i].current || all->list[i].changed_ns >= changed)
            return &all->list[i];
    }
    return NULL;
}

/* After the file named at `place`: its next younger sibling; or itself, when a copy of it was read
 * and the original still stands at the path. */
static int enter_next(struct tail *t, const struct tail_place *place)
{
    struct siblings *all = list_siblings(t);
    const struct sibling *here = find(all, place->file);
    const struct sibling *next = younger(all, here, place->changed_ns);
    int err = ABENG_ENOENT;
    if (here && here->current)
        err = enter(t, here->name, place->offset);
    else if (next)
        err = enter(t, next->name, 0);
    free(all);
    return err;
}

/* Whether the open file still begins as it did. */
static bool same_head(const struct tail *t)
{
    char head[HEAD_MAX];
    return pread(t->fd, head, t->head_len, 0) == (ssize_t)t->head_len &&
           memcmp(head, t->head, t->head_len) == 0;
}

/* Cut off under us. Where a copy was made first, the rest of it comes before what is new. */
static int take_copy(struct tail *t)
{
    struct siblings *all = list_siblings(t);
    const struct sibling *copy = find(all, t->file);
    uint64_t offset = t->from + t->at;
    int err = copy ? enter(t, copy->name, offset) : enter(t, t->base, 0);
    t->lost |= !copy && err == ABENG_OK;
    free(all);
    return err;
}

static void make_room(struct tail *t)
{
    if (t->at) {
        memmove(t->window, t->window + t->at, t->have - t->at);
        t->from += t->at;
        t->have -= t->at;
        t->at = 0;
    }
    if (t->have == WINDOW) { /* a line without end: keep its beginning, drop the middle */
        t->skipped += WINDOW - TAIL_LINE_MAX;
        t->have = TAIL_LINE_MAX;
    }
}

/*
 * Fill the window from the file; bytes got, 0 at its end, or ABENG_EIO. What was read counts only
 * if the file still begins as it did: one that was cut off and has grown past our place again holds
 * other lines there.
 */
static int fill(struct tail *t)
{
    make_room(t);
    ssize_t n = pread(t->fd, t->window + t->have, WINDOW - t->have,
                      (off_t)(t->from + t->skipped + t->have));
    if (n <= 0)
        return n < 0 ? ABENG_EIO : 0;
    if (!same_head(t))
        return 0;
    t->have += (size_t)n;
    return 1;
}

static void hand_out(struct tail *t, size_t len, size_t newline, struct tail_line *out)
{
    *out = (struct tail_line){ .bytes = t->window + t->at,
                               .len = len < TAIL_LINE_MAX ? len : TAIL_LINE_MAX,
                               .file = t->file,
                               .offset = t->from + t->at,
                               .too_long = len > TAIL_LINE_MAX || t->skipped };
    t->at += len + newline;
    t->from += t->skipped;
    t->skipped = 0;
}

static bool whole_line(struct tail *t, struct tail_line *out)
{
    const char *start = t->window + t->at;
    const char *end = memchr(start, '\n', t->have - t->at);
    if (!end)
        return false;
    hand_out(t, (size_t)(end - start), 1, out);
    return true;
}

/* At the file's end: wait, the last line of one that was moved away, or another file is open. */
enum turn { TURN_WAIT, TURN_LINE, TURN_AGAIN };

static int turn(struct tail *t, struct tail_line *out)
{
    struct stat mine, there;
    if (fstat(t->fd, &mine) < 0)
        return ABENG_EIO;
    if ((uint64_t)mine.st_size < t->from + t->skipped + t->have || !same_head(t)) {
        int err = take_copy(t);
        return err < 0 ? err : TURN_AGAIN;
    }
    if (stat(t->path, &there) < 0 || there.st_size == 0 ||
        (there.st_dev == mine.st_dev && there.st_ino == mine.st_ino))
        return TURN_WAIT;
    int more = fill(t); /* what came between our last look and the move */
    if (more != 0)
        return more < 0 ? more : TURN_AGAIN;
    if (t->have > t->at) {
        hand_out(t, t->have - t->at, 0, out);
        return TURN_LINE;
    }
    struct tail_place place;
    tail_place(t, &place);
    int err = enter_next(t, &place);
    return err < 0 ? err : TURN_AGAIN;
}

static int open_first(struct tail *t)
{
    int err = enter(t, t->base, 0);
    return err == ABENG_ENOENT ? 0 : err < 0 ? err : 1;
}

int tail_next(struct tail *t, struct tail_line *out)
{
    for (;;) {
        if (t->lost) {
            t->lost = false;
            return ABENG_ENOENT;
        }
        if (t->fd < 0) {
            int opened = open_first(t);
            if (opened <= 0)
                return opened;
        }
        if (whole_line(t, out))
            return 1;
        int got = fill(t);
        if (got < 0)
            return got;
        if (got > 0)
            continue;
        got = turn(t, out);
        if (got == TURN_WAIT || got == ABENG_ENOENT)
            return 0;
        if (got != TURN_AGAIN)
            return got < 0 ? got : 1;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

struct tail *tail_create(const char *path)
{
    struct tail *t = xcalloc(1, sizeof(*t));
    const char *slash = strrchr(path, '/');
    t->path = xstrdup(path);
    t->folder = !slash ? xstrdup(".") : xasprintf("%.*s", (int)(slash - path) + 1, path);
    t->base = xstrdup(slash ? slash + 1 : path);
    t->fd = -1;
    return t;
}

int tail_resume(struct tail *t, const struct tail_place *place)
{
    if (!place->file[0])
        return ABENG_OK;
    struct siblings *all = list_siblings(t);
    const struct sibling *here = find(all, place->file);
    int err = here ? enter(t, here->name, place->offset) : ABENG_ENOENT;
    free(all);
    if (err == ABENG_ENOENT)
        enter_next(t, place);
    return err;
}

bool tail_is_after(const struct tail *t, const struct tail_place *place, const char *file)
{
    struct siblings *all = list_siblings(t);
    const struct sibling *here = find(all, place->file), *that = find(all, file);
    bool after = that && (here ? that > here : that->changed_ns >= place->changed_ns);
    free(all);
    return after;
}

void tail_place(const struct tail *t, struct tail_place *out)
{
    struct stat st;
    *out = (struct tail_place){ .offset = t->from + t->at };
    memcpy(out->file, t->file, sizeof(out->file));
    if (t->fd >= 0 && fstat(t->fd, &st) == 0)
        out->changed_ns = changed_ns(&st);
    if (!out->file[0])
        out->offset = 0;
}

void tail_free(struct tail *t)
{
    if (!t)
        return;
    shut(t);
    free(t->path);
    free(t->folder);
    free(t->base);
    free(t);
}
