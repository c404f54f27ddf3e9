/* SPDX-License-Identifier: Apache-2.0 */
/* The feed: every worker gets every capture, in one order, whoever comes first; nobody waits for a
 * worker that has left. */
#include "config.h"
#include "sensor/feed.h"

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"
#include "sensor/capture/capture.h"
#include "sensor/monitor/channel.h"

#define FILES   40
#define READERS 3

/* Gives FILES captures, file n with one frame of n + 1 bytes; every fifth is no capture. */
struct monitor {
    unsigned given;
    bool named; /* as if each had been named by itself */
};

static void put32(uint8_t *to, uint32_t v)
{
    memcpy(to, &v, sizeof(v));
}

static int make_file(unsigned number)
{
    uint8_t bytes[24 + 16 + FILES] = { 0 };
    int fd = memfd_create("capture", MFD_CLOEXEC);
    put32(bytes, number % 5 == 4 ? 0 : 0xa1b2c3d4);
    bytes[4] = 2;
    bytes[6] = 4;
    put32(bytes + 16, 262144);
    put32(bytes + 20, 1);
    put32(bytes + 32, number + 1);
    put32(bytes + 36, number + 1);
    assert_int_equal(write(fd, bytes, 24 + 16 + number + 1), 24 + 16 + number + 1);
    return fd;
}

static int give(void *arg, struct channel_message *m, int *fd)
{
    struct monitor *monitor = arg;
    assert_int_equal(m->verb, CHANNEL_NEXT_CAPTURE);
    if (monitor->given == FILES)
        return ABENG_EOF;
    snprintf(m->text, sizeof(m->text), "file %u", monitor->given);
    m->arg = monitor->named;
    *fd = make_file(monitor->given++);
    return 0;
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Whether `c`, called `name`, is the capture that comes after those that were seen. */
static bool is_next(struct capture *c, const char *name, unsigned *number)
{
    struct frame frames[CAPTURE_BURST_MAX];
    char wanted[32];
    *number += *number % 5 == 4;
    snprintf(wanted, sizeof(wanted), "file %u", *number);
    bool same = capture_next(c, frames, CAPTURE_BURST_MAX, 0) == 1 &&
                frames[0].len == *number + 1 && strcmp(name, wanted) == 0;
    ++*number;
    return same;
}

struct reader {
    struct feed *feed;
    unsigned index, stop_after;
    _Atomic unsigned files;
    bool wrong;
};

static void *read_all(void *arg)
{
    struct reader *r = arg;
    unsigned number = 0;
    const char *name;
    struct capture *c;
    while (r->files < r->stop_after && (c = feed_next(r->feed, r->index, &name))) {
        r->wrong |= !is_next(c, name, &number);
        r->files++;
        capture_close(c);
    }
    feed_leave(r->feed, r->index);
    return NULL;
}

static void run(unsigned stop_after, bool named, unsigned files[READERS], bool *failed)
{
    struct monitor monitor = { .named = named };
    struct feed *f = feed_create(READERS, give, &monitor);
    struct reader readers[READERS];
    pthread_t threads[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){ .feed = f, .index = i, .stop_after = i ? FILES : stop_after };
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
    }
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(readers[i].wrong);
        files[i] = readers[i].files;
    }
    *failed = feed_failed(f);
    feed_free(f);
}

static void test_all_get_all(void **state)
{
    unsigned files[READERS], before = open_descriptors();
    bool failed;
    (void)state;
    run(FILES, false, files, &failed);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(files[i], FILES - FILES / 5);
    assert_false(failed);
    assert_int_equal(open_descriptors(), before);
}

static void test_named_must_be_captures(void **state)
{
    unsigned files[READERS];
    bool failed;
    (void)state;
    run(FILES, true, files, &failed);
    assert_int_equal(files[0], FILES - FILES / 5);
    assert_true(failed);
}

/* One that stops early is not waited for, and what it did not take is closed. */
static void test_leaving(void **state)
{
    unsigned files[READERS], before = open_descriptors();
    bool failed;
    (void)state;
    for (unsigned after = 0; after < 2; after++) {
        run(after, false, files, &failed);
        assert_int_equal(files[0], after);
        for (unsigned i = 1; i < READERS; i++)
            assert_int_equal(files[i], FILES - FILES / 5);
        assert_int_equal(open_descriptors(), before);
    }
}

/* One that is ahead waits when it has FEED_AHEAD_MAX files more than the slowest. */
static void *run_ahead(void *arg)
{
    struct reader *r = arg;
    const char *name;
    for (struct capture *c; (c = feed_next(r->feed, r->index, &name));) {
        atomic_fetch_add(&r->files, 1);
        capture_close(c);
    }
    return NULL;
}

static void test_no_further_than(void **state)
{
    struct monitor monitor = { 0 };
    struct feed *f = feed_create(2, give, &monitor);
    struct reader ahead = { .feed = f, .index = 0 };
    pthread_t thread;
    const char *name;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, run_ahead, &ahead), 0);
    for (unsigned i = 0; i < 1000 && atomic_load(&ahead.files) < FEED_AHEAD_MAX; i++)
        usleep(1000);
    usleep(20000); /* time to go wrong in */
    assert_int_equal(atomic_load(&ahead.files), FEED_AHEAD_MAX);
    capture_close(feed_next(f, 1, &name));
    for (unsigned i = 0; i < 1000 && atomic_load(&ahead.files) < FEED_AHEAD_MAX + 1; i++)
        usleep(1000);
    usleep(20000);
    assert_int_equal(atomic_load(&ahead.files), FEED_AHEAD_MAX + 1);
    feed_leave(f, 1);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&ahead.files), FILES - FILES / 5);
    feed_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_get_all),
        cmocka_unit_test(test_named_must_be_captures),
        cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_no_further_than),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
