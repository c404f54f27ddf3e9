/* SPDX-License-Identifier: Apache-2.0 */
/* The signals that end a process, taken by one thread. */
#include "config.h"
#include "common/stop.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

static sigset_t ending(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

void stop_block(void)
{
    sigset_t set = ending();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int stop_wait(void)
{
    sigset_t set = ending();
    int number = 0;
    while (sigwait(&set, &number) != 0)
        continue;
    return number;
}

bool stop_nap(unsigned ms)
{
    struct timespec wait = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    sigset_t set = ending();
    return sigtimedwait(&set, NULL, &wait) > 0;
}
