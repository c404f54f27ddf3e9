/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files stand in a short ring from when the first worker asked for them until the last one has
 * taken its copy. Everything is behind one lock: it is taken once a file and worker.
 */
#include "config.h"
#include "sensor/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/capture/capture.h"
#include "sensor/monitor/channel.h"

/** A file, while workers are still to take it. */
struct feed_file {
    int fd;
    struct capture *opened; /* for the worker that asked for it, which takes it first; else NULL */
    unsigned left;          /* workers that have not taken it */
    char name[CHANNEL_TEXT_MAX];
};

/** How far a worker is. */
struct feed_reader {
    uint64_t next; /* number of the file that it takes next */
    char name[CHANNEL_TEXT_MAX]; /* of the file it took last */
};

struct feed {
    pthread_mutex_t lock;
    pthread_cond_t room; /* the oldest file went */
    feed_ask *ask;
    void *arg;
    unsigned staying; /* workers that have not left */
    uint64_t asked; /* files got from the monitor so far */
    bool ended;     /* there are no more */
    bool failed;
    struct feed_file files[FEED_AHEAD_MAX];
    struct feed_reader readers[];
};

struct feed *feed_create(unsigned readers, feed_ask *ask, void *arg)
{
    struct feed *f = xcalloc(1, sizeof(*f) + readers * sizeof(f->readers[0]));
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->room, NULL);
    f->ask = ask;
    f->arg = arg;
    f->staying = readers;
    return f;
}

static struct feed_file *file_at(struct feed *f, uint64_t number)
{
    return &f->files[number % FEED_AHEAD_MAX];
}

/* A worker has taken `file`, or never will. */
static void file_taken(struct feed *f, struct feed_file *file)
{
    if (--file->left)
        return;
    close(file->fd);
    pthread_cond_broadcast(&f->room);
}

/* Not a capture: said once, by whoever comes first. */
static void pass_over(struct feed *f, const struct channel_message *m, const char *reason)
{
    if (m->arg) {
        log_error("capture", "%s: %s", m->text, reason);
        f->failed = true;
    } else { /* a folder may hold other things beside captures */
        log_notice("capture", "%s: passed over: %s", m->text, reason);
    }
}

/* Open a copy of the descriptor, which stays open; NULL with `reason`. */
static struct capture *copy_open(int fd, const char *name, char *reason, size_t reason_len)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0)
        return capture_open_file(copy, name, reason, reason_len);
    snprintf(reason, reason_len, "%s", strerror(errno));
    return NULL;
}

/* Get the next capture from the monitor into its place, or note that there is none. */
static void file_ask(struct feed *f)
{
    char reason[256];
    while (!f->ended) {
        struct channel_message m = { .verb = CHANNEL_NEXT_CAPTURE };
        int fd = -1;
        if (f->ask(f->arg, &m, &fd) < 0 || fd < 0) {
            f->ended = true;
            return;
        }
        struct capture *c = copy_open(fd, m.text, reason, sizeof(reason));
        if (c) {
            struct feed_file *file = file_at(f, f->asked++);
            *file = (struct feed_file){ .fd = fd, .opened = c, .left = f->staying };
            memcpy(file->name, m.text, sizeof(file->name));
            return;
        }
        pass_over(f, &m, reason);
        close(fd);
    }
}

/* The file that is this worker's next, once there is one. Locked. */
static struct feed_file *file_wait(struct feed *f, struct feed_reader *r)
{
    while (r->next == f->asked && !f->ended) {
        if (file_at(f, f->asked)->left)
            pthread_cond_wait(&f->room, &f->lock);
        else
            file_ask(f);
    }
    return r->next < f->asked ? file_at(f, r->next) : NULL;
}

/* This worker's copy of `file`. NULL when it has changed since it was opened first. */
static struct capture *file_open(struct feed *f, struct feed_file *file)
{
    char reason[256];
    struct capture *c = file->opened;
    file->opened = NULL;
    if (!c)
        c = copy_open(file->fd, file->name, reason, sizeof(reason));
    if (!c) {
        log_error("capture", "%s: %s, and could be read a moment ago", file->name, reason);
        f->failed = true;
    }
    return c;
}

struct capture *feed_next(struct feed *f, unsigned reader, const char **name)
{
    struct feed_reader *r = &f->readers[reader];
    struct capture *c = NULL;
    struct feed_file *file;
    pthread_mutex_lock(&f->lock);
    while (!c && (file = file_wait(f, r))) {
        c = file_open(f, file);
        memcpy(r->name, file->name, sizeof(r->name));
        r->next++;
        file_taken(f, file);
    }
    pthread_mutex_unlock(&f->lock);
    *name = r->name;
    return c;
}

void feed_leave(struct feed *f, unsigned reader)
{
    struct feed_reader *r = &f->readers[reader];
    pthread_mutex_lock(&f->lock);
    f->staying--;
    for (; r->next < f->asked; r->next++)
        file_taken(f, file_at(f, r->next));
    pthread_mutex_unlock(&f->lock);
}

bool feed_failed(const struct feed *f)
{
    return f->failed;
}

void feed_free(struct feed *f)
{
    if (!f)
        return;
    pthread_cond_destroy(&f->room);
    pthread_mutex_destroy(&f->lock);
    free(f);
}
