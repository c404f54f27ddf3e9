/* SPDX-License-Identifier: Apache-2.0 */
/* The hashing thread and its short queue. */
#include "config.h"
#include "collector/auth/hasher.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/log.h"
#include "common/secret.h"
#include "common/xalloc.h"

/* One password to hash; lives on its caller's stack. */
struct job {
    const char *hash; /* NULL: make one */
    const char *password;
    char *out;
    int result;
    bool done;
    struct job *next;
};

struct hasher {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct job *first;
    unsigned waiting;
    bool stop;
    pthread_t thread;
};

static void do_job(struct job *j)
{
    j->result = j->hash ? secret_verify(j->hash, j->password) : secret_hash(j->password, j->out);
}

static void *work(void *arg)
{
    struct hasher *h = arg;
    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        struct job *j = h->first;
        if (!j) {
            pthread_cond_wait(&h->work, &h->lock);
            continue;
        }
        h->first = j->next;
        pthread_mutex_unlock(&h->lock);
        do_job(j);
        pthread_mutex_lock(&h->lock);
        j->done = true;
        pthread_cond_broadcast(&h->done);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

struct hasher *hasher_create(void)
{
    struct hasher *h = xcalloc(1, sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->work, NULL);
    pthread_cond_init(&h->done, NULL);
    if (pthread_create(&h->thread, NULL, work, h)) {
        log_error("auth", "can't start a thread");
        abort();
    }
    return h;
}

void hasher_free(struct hasher *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_broadcast(&h->work);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    pthread_cond_destroy(&h->work);
    pthread_cond_destroy(&h->done);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static int run(struct hasher *h, struct job *j)
{
    pthread_mutex_lock(&h->lock);
    if (h->waiting == HASHER_WAITING_MAX) {
        pthread_mutex_unlock(&h->lock);
        return ABENG_EAGAIN;
    }
    h->waiting++;
    struct job **end = &h->first;
    while (*end)
        end = &(*end)->next;
    *end = j;
    pthread_cond_signal(&h->work);
    while (!j->done)
        pthread_cond_wait(&h->done, &h->lock);
    h->waiting--;
    pthread_mutex_unlock(&h->lock);
    return j->result;
}

int hasher_verify(struct hasher *h, const char *hash, const char *password)
{
    return run(h, &(struct job){ .hash = hash, .password = password });
}

int hasher_hash(struct hasher *h, const char *password, char *out)
{
    return run(h, &(struct job){ .password = password, .out = out });
}
