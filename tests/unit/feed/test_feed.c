/* SPDX-License-Identifier: Apache-2.0 */
/* The feed: every worker gets the frames that are its own, of every capture, in one order, whoever
 * reads; nobody waits for a worker that has left. */
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
#include "sensor/decode/decode.h"
#include "sensor/monitor/channel.h"

#define FILES       10
#define READERS_MAX 3
/* Frames of a file, several pieces: of two hosts among 64, 34 to 1,433 bytes. */
#define FRAMES      4000
#define LEN_MIN     34

/* Gives FILES captures; every fifth is none. */
struct monitor {
    unsigned given;
    bool named; /* as if each had been named by itself */
};

static uint32_t length_of(uint32_t number)
{
    return LEN_MIN + number * 7919 % 1400;
}

/* Frame `number` of all, counted from 0: IPv4 in Ethernet, its number behind the header. */
static void make_frame(uint32_t number, uint8_t *out)
{
    memset(out, 0, length_of(number));
    out[12] = 8;
    out[14] = 0x45;
    out[14 + 9] = 253;
    out[14 + 15] = (uint8_t)(number * 31 % 64);
    out[14 + 19] = (uint8_t)(number * 17 % 64);
    if (length_of(number) >= LEN_MIN + 4)
        memcpy(out + LEN_MIN, &number, sizeof(number));
}

static void write_all(int fd, const void *bytes, size_t len)
{
    assert_int_equal(write(fd, bytes, len), len);
}

/* A file with FRAMES frames from the `first` on, a second each hundred of them. */
static int make_file(bool capture, uint32_t first)
{
    static uint8_t frame[LEN_MIN + 1400];
    uint32_t head[6] = { capture ? 0xa1b2c3d4 : 0, 0x40002, 0, 0, 262144, 1 };
    int fd = memfd_create("capture", MFD_CLOEXEC);
    write_all(fd, head, sizeof(head));
    for (uint32_t i = first; i < first + FRAMES; i++) {
        uint32_t record[4] = { 1 + i / 100, 0, length_of(i), length_of(i) };
        make_frame(i, frame);
        write_all(fd, record, sizeof(record));
        write_all(fd, frame, length_of(i));
    }
    return fd;
}

/* Files that are none are not counted by the frames' numbers. */
static int give(void *arg, struct channel_message *m, int *fd)
{
    struct monitor *monitor = arg;
    unsigned file = monitor->given;
    assert_int_equal(m->verb, CHANNEL_NEXT_CAPTURE);
    if (file == FILES)
        return ABENG_EOF;
    snprintf(m->text, sizeof(m->text), "file %u", file);
    m->arg = monitor->named;
    *fd = make_file(file % 5 != 4, (file - file / 5) * FRAMES);
    monitor->given++;
    return 0;
}

#define CAPTURES (FILES - FILES / 5)

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

struct reader {
    struct feed *feed;
    unsigned index, readers;
    uint64_t stop_after; /* frames */
    _Atomic uint64_t frames;
    uint64_t next; /* number of the first frame that was not seen to be another's or this one's */
    uint64_t now_ns;
    bool wrong;
};

static bool is_own(const struct reader *r, uint32_t number)
{
    uint8_t bytes[LEN_MIN + 1400];
    make_frame(number, bytes);
    struct frame f = { .data = bytes, .len = length_of(number), .link = 1 };
    return decode_steer(&f, r->readers) == r->index;
}

/* Whether the frame is the next of those that are this reader's, as it stands in the file. */
static bool is_next(struct reader *r, const struct frame *f, uint64_t number, uint64_t now_ns)
{
    uint8_t bytes[LEN_MIN + 1400];
    while (r->next < number - 1 && !is_own(r, (uint32_t)r->next))
        r->next++;
    if (r->next++ != number - 1 || !is_own(r, (uint32_t)(number - 1)) || now_ns <= r->now_ns)
        return false;
    r->now_ns = now_ns;
    make_frame((uint32_t)(number - 1), bytes);
    return f->len == length_of((uint32_t)(number - 1)) && memcmp(f->data, bytes, f->len) == 0;
}

static void *read_all(void *arg)
{
    struct reader *r = arg;
    struct feed_burst b;
    while (r->frames < r->stop_after && feed_next(r->feed, r->index, &b)) {
        for (unsigned i = 0; i < b.count; i++)
            r->wrong |= !is_next(r, &b.frames[i], b.numbers[i], b.nows[i]);
        r->wrong |= b.count > CAPTURE_BURST_MAX || b.now_ns < r->now_ns;
        r->frames += b.count;
    }
    feed_leave(r->feed, r->index);
    return NULL;
}

/* All `count` read, the first one `stop_after` frames at least; how many frames each got. */
static void run(unsigned count, uint64_t stop_after, bool named, uint64_t *frames, bool *failed)
{
    struct monitor monitor = { .named = named };
    struct feed *f = feed_create(count, give, &monitor);
    struct reader readers[READERS_MAX];
    pthread_t threads[READERS_MAX];
    for (unsigned i = 0; i < count; i++) {
        readers[i] = (struct reader){
            .feed = f, .index = i, .readers = count, .stop_after = i ? UINT64_MAX : stop_after
        };
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        assert_false(readers[i].wrong);
        frames[i] = readers[i].frames;
    }
    *failed = feed_failed(f);
    feed_free(f);
}

static void test_all_get_all(void **state)
{
    uint64_t frames[READERS_MAX];
    unsigned before = open_descriptors();
    bool failed;
    (void)state;
    for (unsigned count = 1; count <= READERS_MAX; count++) {
        uint64_t sum = 0;
        run(count, UINT64_MAX, false, frames, &failed);
        for (unsigned i = 0; i < count; i++) {
            assert_true(frames[i] > CAPTURES * FRAMES / count / 2);
            sum += frames[i];
        }
        assert_int_equal(sum, CAPTURES * FRAMES);
        assert_false(failed);
        assert_int_equal(open_descriptors(), before);
    }
}

static void test_named_must_be_captures(void **state)
{
    uint64_t frames[READERS_MAX];
    bool failed;
    (void)state;
    run(1, UINT64_MAX, true, frames, &failed);
    assert_int_equal(frames[0], CAPTURES * FRAMES);
    assert_true(failed);
}

/* One that stops early is not waited for, and what it did not take is closed. */
static void test_leaving(void **state)
{
    uint64_t all[READERS_MAX], frames[READERS_MAX];
    unsigned before = open_descriptors();
    bool failed;
    (void)state;
    run(READERS_MAX, UINT64_MAX, false, all, &failed);
    for (unsigned after = 0; after < 2; after++) {
        run(READERS_MAX, after, false, frames, &failed);
        assert_true(frames[0] >= after && frames[0] <= after * CAPTURE_BURST_MAX);
        for (unsigned i = 1; i < READERS_MAX; i++)
            assert_int_equal(frames[i], all[i]);
        assert_int_equal(open_descriptors(), before);
    }
}

/* The frames that a reader has seen when it has come to rest. */
static uint64_t frames_at_rest(struct reader *r)
{
    uint64_t seen = 0;
    unsigned same = 0;
    for (unsigned i = 0; i < 2000 && same < 30; i++) {
        usleep(1000);
        same = seen && atomic_load(&r->frames) == seen ? same + 1 : 0;
        seen = atomic_load(&r->frames);
    }
    return seen;
}

/* One that is ahead waits when it has every piece but the one that the slowest is at; it goes on
 * when half of them are free, and all the way when the other leaves. */
static void test_no_further_than(void **state)
{
    struct monitor monitor = { 0 };
    struct feed *f = feed_create(2, give, &monitor);
    struct reader ahead = { .feed = f, .index = 0, .readers = 2, .stop_after = UINT64_MAX };
    struct reader slow = { .feed = f, .index = 1, .readers = 2, .stop_after = 1 };
    struct feed_burst b;
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, read_all, &ahead), 0);
    uint64_t first = frames_at_rest(&ahead);
    assert_in_range(first, 1, CAPTURES * FRAMES / 8);
    do
        assert_true(feed_next(f, 1, &b));
    while (!b.count || b.numbers[b.count - 1] < first * 3 / 2); /* of some first * 2 that were read */
    assert_in_range(frames_at_rest(&ahead), first + 1, CAPTURES * FRAMES / 4);
    feed_leave(f, 1);
    pthread_join(thread, NULL);
    assert_false(ahead.wrong);
    for (uint32_t i = 0; i < CAPTURES * FRAMES; i++)
        slow.frames += is_own(&slow, i);
    assert_int_equal(atomic_load(&ahead.frames) + slow.frames, CAPTURES * FRAMES);
    feed_free(f);
}

/* What all files held, and of one that nobody read to its end what was. */
static void test_counts(void **state)
{
    struct capture_counts counts;
    struct feed_burst b;
    (void)state;
    for (unsigned early = 0; early < 2; early++) {
        struct monitor monitor = { 0 };
        struct feed *f = feed_create(1, give, &monitor);
        uint64_t packets = 0;
        while ((!early || !packets) && feed_next(f, 0, &b))
            packets += b.count;
        feed_leave(f, 0);
        feed_counts(f, &counts);
        assert_int_equal(counts.packets, packets);
        assert_int_equal(packets, early ? CAPTURE_BURST_MAX : CAPTURES * FRAMES);
        assert_int_equal(counts.truncated_files, 0);
        feed_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_get_all),
        cmocka_unit_test(test_named_must_be_captures),
        cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_no_further_than),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
