/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that writes commits. */
#include "config.h"
#include "collector/correlate/committer.h"

#include <pthread.h>
#include <stdlib.h>

#include "collector/correlate/frozen.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/state.h"
#include "common/xalloc.h"

enum phase { NONE, WAITS, UNDER_WAY, ENDED };

struct slot {
    struct frozen *frozen;
    enum phase phase;
    uint64_t turn; /* of those that wait, the least is next */
    int err;
    uint64_t ended_ns; /* monotonic */
};

struct committer {
    struct store *store;
    pthread_mutex_t lock;
    pthread_cond_t given, ended;
    struct slot slots[STATE_COUNT];
    uint64_t turns;
    bool stop;
    pthread_t thread;
};

static struct slot *next_slot(struct committer *c)
{
    struct slot *best = NULL;
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        struct slot *s = &c->slots[i];
        if (s->phase == WAITS && (!best || s->turn < best->turn))
            best = s;
    }
    return best;
}

static void *work(void *arg)
{
    struct committer *c = arg;
    pthread_setname_np(pthread_self(), "commit");
    pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        struct slot *s = next_slot(c);
        if (!s) {
            pthread_cond_wait(&c->given, &c->lock);
            continue;
        }
        s->phase = UNDER_WAY;
        pthread_mutex_unlock(&c->lock);
        int err = frozen_write(store_conn(c->store, NULL), s->frozen);
        pthread_mutex_lock(&c->lock);
        s->err = err;
        s->ended_ns = clock_mono_ns();
        s->phase = ENDED;
        pthread_cond_broadcast(&c->ended);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

struct committer *committer_start(struct store *store)
{
    struct committer *c = xcalloc(1, sizeof *c);
    c->store = store;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->given, NULL);
    pthread_cond_init(&c->ended, NULL);
    if (!pthread_create(&c->thread, NULL, work, c))
        return c;
    log_error("correlate", "can't start a thread");
    free(c);
    return NULL;
}

static void queue(struct committer *c, struct slot *s)
{
    s->phase = WAITS;
    s->turn = c->turns++;
    pthread_cond_signal(&c->given);
}

void committer_give(struct committer *c, unsigned state, struct frozen *k)
{
    pthread_mutex_lock(&c->lock);
    c->slots[state].frozen = k;
    queue(c, &c->slots[state]);
    pthread_mutex_unlock(&c->lock);
}

void committer_again(struct committer *c, unsigned state)
{
    pthread_mutex_lock(&c->lock);
    if (c->slots[state].phase == NONE && c->slots[state].frozen)
        queue(c, &c->slots[state]);
    pthread_mutex_unlock(&c->lock);
}

static void forget(struct slot *s)
{
    frozen_free(s->frozen);
    s->frozen = NULL;
    s->phase = NONE;
}

int committer_ended(struct committer *c, unsigned state, bool wait, uint64_t *at_ns)
{
    struct slot *s = &c->slots[state];
    int err;
    pthread_mutex_lock(&c->lock);
    while (wait && (s->phase == WAITS || s->phase == UNDER_WAY))
        pthread_cond_wait(&c->ended, &c->lock);
    if (s->phase == ENDED) {
        err = s->err;
        *at_ns = s->ended_ns;
        s->phase = NONE;
        if (err != ABENG_EAGAIN)
            forget(s);
    } else {
        err = s->phase == NONE ? ABENG_ENOENT : ABENG_EEXIST;
    }
    pthread_mutex_unlock(&c->lock);
    return err;
}

void committer_drop(struct committer *c, unsigned state)
{
    struct slot *s = &c->slots[state];
    pthread_mutex_lock(&c->lock);
    while (s->phase == UNDER_WAY)
        pthread_cond_wait(&c->ended, &c->lock);
    forget(s);
    pthread_mutex_unlock(&c->lock);
}

void committer_stop(struct committer *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->given);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    for (unsigned i = 0; i < STATE_COUNT; i++)
        frozen_free(c->slots[i].frozen);
    pthread_cond_destroy(&c->given);
    pthread_cond_destroy(&c->ended);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
