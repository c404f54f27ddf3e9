/* SPDX-License-Identifier: Apache-2.0 */
/* The spool: what was fsynced comes out again, once, in order, whatever befalls writer and disk. */
#include "config.h"
#include "sensor/spool/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/crc32c.h"
#include "common/err.h"
#include "common/event.h"
#include "common/log.h"
#include "sensor/spool/segment.h"
#include "sensor/spool/writer.h"

struct bench {
    char dir[64];
    struct spool_files *files;
    uint64_t slots[SPOOL_COUNTERS];
    struct counter_block counters;
    struct spool_conf conf;
};

/* The folder's names, NUL-ended, an empty one at the end; free `names`. */
static const char *folder_names(const struct bench *b, struct buf *names)
{
    buf_init(names, SPOOL_LIST_MAX);
    assert_int_equal(b->files->list(b->files->arg, names), 0);
    return buf_str(names);
}

static void clear_folder(struct bench *b)
{
    struct buf names;
    for (const char *n = folder_names(b, &names); *n; n += strlen(n) + 1)
        b->files->remove(b->files->arg, n);
    buf_free(&names);
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    /* Thousands of fsyncs: in memory if there is such a folder; a kill loses no page of either. */
    bool memory = access("/dev/shm", W_OK) == 0;
    snprintf(b->dir, sizeof(b->dir), "%s/abeng-spool-XXXXXX", memory ? "/dev/shm" : "/tmp");
    if (!mkdtemp(b->dir))
        return -1;
    b->files = spool_files_folder(b->dir);
    b->counters.slots = b->slots;
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    clear_folder(b);
    rmdir(b->dir);
    spool_files_free(b->files);
    free(b);
    return 0;
}

static struct spool_writer *open_writer(struct bench *b)
{
    char reason[200] = "";
    struct spool_writer *w =
        spool_writer_open(&b->conf, b->files, &b->counters, reason, sizeof(reason));
    assert_string_equal(reason, "");
    assert_non_null(w);
    return w;
}

static struct spool_reader *open_reader(struct bench *b)
{
    char reason[200] = "";
    struct spool_reader *r = spool_reader_open(b->dir, reason, sizeof(reason));
    assert_string_equal(reason, "");
    return r;
}

/* A record says its own number, as real ones do in abeng.seq. */
static void put(struct spool_writer *w, const char *lane, size_t pad)
{
    char text[4096];
    uint64_t number = spool_writer_next(w, lane);
    int n = snprintf(text, sizeof(text), "%llu %*s", (unsigned long long)number, (int)pad, "x");
    assert_int_equal(spool_writer_append(w, lane, SPOOL_KIND_ALERT, text, (size_t)n), number);
}

static uint64_t said(const struct spool_record *r)
{
    return strtoull((const char *)r->bytes, NULL, 10);
}

static struct event scan(const struct spool_record *r)
{
    struct event e;
    char reason[200] = "";
    event_scan((const char *)r->bytes, r->len, &e, reason, sizeof(reason));
    assert_string_equal(reason, "");
    return e;
}

static void expect_epoch(struct spool_reader *r, const char *lane, uint64_t previous_last)
{
    struct spool_record record;
    assert_int_equal(spool_reader_next(r, lane, &record), 1);
    assert_int_equal(record.kind, SPOOL_KIND_EPOCH);
    assert_int_equal(record.number, 1);
    struct event e = scan(&record);
    assert_int_equal(e.type, EVENT_EPOCH);
    assert_int_equal(e.seq, 1);
    assert_int_equal(e.previous_last, previous_last);
}

static void expect_alerts(struct spool_reader *r, const char *lane, uint64_t first, uint64_t last)
{
    struct spool_record record;
    for (uint64_t n = first; n <= last; n++) {
        assert_int_equal(spool_reader_next(r, lane, &record), 1);
        assert_int_equal(record.number, n);
        assert_int_equal(record.kind, SPOOL_KIND_ALERT);
        assert_int_equal(said(&record), n);
        assert_false(record.after_hole);
        assert_string_equal(record.lane, lane);
    }
}

static void expect_none(struct spool_reader *r, const char *lane)
{
    struct spool_record record;
    assert_int_equal(spool_reader_next(r, lane, &record), 0);
}

static void only_what_is_synced_is_read(void **state)
{
    struct bench *b = *state;
    struct spool_writer *w = open_writer(b);
    struct spool_reader *r = open_reader(b);
    char lanes[8][SPOOL_LANE_MAX];
    put(w, "jm.bulk", 10);
    put(w, "jm.urgent", 10);
    put(w, "jm.bulk", 10);
    put(w, "bb.urgent", 10);
    assert_int_equal(spool_reader_lanes(r, lanes, 8), 0);
    assert_int_equal(spool_writer_sync(w, true), 0);
    assert_int_equal(spool_reader_lanes(r, lanes, 8), 3);
    assert_string_equal(lanes[0], "jm.urgent");
    assert_string_equal(lanes[1], "bb.urgent");
    assert_string_equal(lanes[2], "jm.bulk");
    assert_int_equal(spool_reader_waiting(r), 7);
    expect_epoch(r, "jm.bulk", 0);
    expect_alerts(r, "jm.bulk", 2, 3);
    expect_none(r, "jm.bulk");
    expect_epoch(r, "bb.urgent", 0);
    expect_alerts(r, "bb.urgent", 2, 2);
    assert_int_equal(spool_reader_lanes(r, lanes, 8), 1);
    put(w, "jm.bulk", 10);
    expect_none(r, "jm.bulk");
    spool_writer_sync(w, true);
    expect_alerts(r, "jm.bulk", 4, 4);
    spool_reader_close(r);
    spool_writer_close(w);
}

/* A sensor that was started ten thousand times while nobody fetched its alerts. */
static void any_number_of_segments(void **state)
{
    struct bench *b = *state;
    struct segment_header h = { .lane_count = 1, .lanes = { { "jm.urgent", 7 } } };
    char name[SEGMENT_NAME_MAX];
    for (h.serial = 1; h.serial <= 11000; h.serial++) {
        memcpy(h.epoch, &h.serial, sizeof(h.serial));
        segment_name(SEGMENT_URGENT, h.serial, name);
        int fd = b->files->create(b->files->arg, name);
        assert_int_equal(segment_header_write(fd, &h), 0);
        close(fd);
    }
    struct spool_writer *w = open_writer(b);
    put(w, "jm.bulk", 10);
    assert_int_equal(spool_writer_sync(w, true), 0);
    struct spool_reader *r = open_reader(b);
    expect_epoch(r, "jm.bulk", 0);
    expect_alerts(r, "jm.bulk", 2, 2);
    spool_reader_close(r);
    spool_writer_close(w);
}

static void an_epoch_names_the_one_before(void **state)
{
    struct bench *b = *state;
    struct spool_record record;
    struct spool_writer *w = open_writer(b);
    char first[40];
    snprintf(first, sizeof(first), "%s", spool_writer_epoch(w));
    for (int i = 0; i < 5; i++)
        put(w, "jm.urgent", 10);
    spool_writer_close(w);
    w = open_writer(b);
    assert_string_not_equal(first, spool_writer_epoch(w));
    put(w, "jm.urgent", 10);
    spool_writer_sync(w, true);
    struct spool_reader *r = open_reader(b);
    assert_int_equal(spool_reader_waiting(r), 8);
    expect_epoch(r, "jm.urgent", 0);
    expect_alerts(r, "jm.urgent", 2, 6);
    expect_none(r, "jm.urgent"); /* a batch ends here */
    assert_int_equal(spool_reader_next(r, "jm.urgent", &record), 1);
    struct event e = scan(&record);
    assert_int_equal(e.previous_last, 6);
    const struct event_span *s = &e.text[EVENT_TEXT_PREVIOUS_EPOCH];
    assert_memory_equal(record.bytes + s->at, first, s->len);
    assert_string_equal(record.epoch, spool_writer_epoch(w));
    assert_false(record.after_hole);
    expect_alerts(r, "jm.urgent", 2, 2);
    spool_reader_close(r);
    spool_writer_close(w);
}

static void commits_last_and_rewinds_work(void **state)
{
    struct bench *b = *state;
    struct spool_writer *w = open_writer(b);
    for (int i = 0; i < 20; i++)
        put(w, "jm.urgent", 10);
    spool_writer_sync(w, true);
    const char *epoch = spool_writer_epoch(w);
    struct spool_reader *r = open_reader(b);
    expect_epoch(r, "jm.urgent", 0);
    expect_alerts(r, "jm.urgent", 2, 15);
    assert_int_equal(spool_reader_committed(r, "jm.urgent", epoch, 10), 0);
    assert_int_equal(spool_reader_waiting(r), 11);
    spool_reader_close(r);
    r = open_reader(b); /* a new process starts behind what is committed */
    expect_alerts(r, "jm.urgent", 11, 21);
    assert_int_equal(spool_reader_rewind(r, "jm.urgent", epoch, 4), 0);
    expect_alerts(r, "jm.urgent", 5, 21);
    assert_int_equal(spool_reader_rewind(r, "jm.urgent", epoch, 20), 0); /* the last one again */
    expect_alerts(r, "jm.urgent", 21, 21);
    expect_none(r, "jm.urgent");
    assert_int_equal(spool_reader_committed(r, "jm.urgent", epoch, 3), 0); /* an old answer */
    assert_int_equal(spool_reader_waiting(r), 11);
    assert_int_equal(spool_reader_committed(r, "jm.urgent", epoch, 21), 0);
    assert_int_equal(spool_reader_waiting(r), 0);
    assert_int_equal(spool_reader_rewind(r, "jm.urgent", "00", 4), ABENG_ENOENT);
    spool_reader_close(r);
    spool_writer_close(w);
}

static void newest_segment(struct bench *b, char name[SEGMENT_NAME_MAX])
{
    struct buf names;
    uint64_t best = 0, serial;
    enum segment_class class;
    for (const char *n = folder_names(b, &names); *n; n += strlen(n) + 1) {
        if (segment_name_parse(n, &class, &serial) && serial >= best) {
            best = serial;
            segment_name(class, serial, name);
        }
    }
    buf_free(&names);
}

static size_t read_segment(struct bench *b, const char *name, uint8_t *bytes, size_t size)
{
    int fd = b->files->open(b->files->arg, name);
    ssize_t n = pread(fd, bytes, size, 0);
    close(fd);
    assert_true(n > 0);
    return (size_t)n;
}

static void write_segment(struct bench *b, const char *name, const uint8_t *bytes, size_t len)
{
    int fd = b->files->create(b->files->arg, name);
    assert_int_equal(pwrite(fd, bytes, len, 0), len);
    close(fd);
}

/* A small spool: the epoch record and five alerts of one lane; its segment's bytes. */
static size_t small_spool(struct bench *b, char name[SEGMENT_NAME_MAX], uint8_t *bytes, size_t size)
{
    struct spool_writer *w = open_writer(b);
    for (int i = 0; i < 5; i++)
        put(w, "jm.urgent", 3);
    spool_writer_close(w);
    newest_segment(b, name);
    return read_segment(b, name, bytes, size);
}

/* However the file is cut: what is whole comes out, and the next epoch says how much that was. */
static void cut_at_every_byte(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[8192];
    char name[SEGMENT_NAME_MAX];
    size_t len = small_spool(b, name, bytes, sizeof(bytes));
    for (size_t cut = 0; cut <= len; cut += cut < SEGMENT_HEADER ? 64 : 1) {
        struct spool_record record;
        uint64_t last = 0;
        clear_folder(b);
        write_segment(b, name, bytes, cut);
        struct spool_writer *w = open_writer(b);
        put(w, "jm.urgent", 3);
        spool_writer_sync(w, true);
        struct spool_reader *r = open_reader(b);
        int got = spool_reader_next(r, "jm.urgent", &record);
        while (got == 1 && strcmp(record.epoch, spool_writer_epoch(w)) != 0) {
            assert_int_equal(record.number, ++last);
            got = spool_reader_next(r, "jm.urgent", &record);
        }
        if (last) {
            assert_int_equal(got, 0);
            assert_int_equal(spool_reader_next(r, "jm.urgent", &record), 1);
        }
        struct event e = scan(&record);
        assert_int_equal(e.type, EVENT_EPOCH);
        assert_int_equal(e.previous_last, last);
        assert_true(cut < len || last == 6);
        spool_reader_close(r);
        spool_writer_close(w);
    }
}

/* One rotten byte costs the record that holds it; what follows says that something is missing. */
static void rot_at_every_byte(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[8192];
    char name[SEGMENT_NAME_MAX];
    size_t len = small_spool(b, name, bytes, sizeof(bytes));
    for (size_t at = SEGMENT_HEADER; at < len; at++) {
        struct spool_record record;
        unsigned count = 0, holes = 0;
        clear_folder(b);
        bytes[at] ^= 0x41;
        write_segment(b, name, bytes, len);
        bytes[at] ^= 0x41;
        struct spool_reader *r = open_reader(b);
        for (unsigned zeros = 0; zeros < 2;) {
            int got = spool_reader_next(r, "jm.urgent", &record);
            zeros = got ? 0 : zeros + 1;
            count += got == 1;
            holes += got == 1 && record.after_hole;
        }
        assert_int_equal(count, 5);
        assert_int_equal(holes, record.number == 6); /* the last one leaves none */
        spool_reader_close(r);
    }
}

static uint64_t drain_all(struct bench *b, uint64_t *epochs)
{
    struct spool_reader *r = open_reader(b);
    struct spool_record record;
    char epoch[40] = "";
    uint64_t count = 0, expect = 0;
    for (unsigned zeros = 0; zeros < 2;) {
        int got = spool_reader_next(r, "jm.urgent", &record);
        zeros = got ? 0 : zeros + 1;
        if (got != 1)
            continue;
        if (strcmp(epoch, record.epoch) != 0) {
            memcpy(epoch, record.epoch, sizeof(record.epoch));
            assert_int_equal(scan(&record).previous_last, expect);
            expect = 0;
            ++*epochs;
        }
        assert_int_equal(record.number, ++expect);
        assert_false(record.after_hole);
        count += record.kind == SPOOL_KIND_ALERT;
    }
    spool_reader_close(r);
    return count;
}

static void write_until_killed(struct bench *b, int out)
{
    struct spool_writer *w = open_writer(b);
    for (uint64_t i = 1;; i++) {
        put(w, "jm.urgent", 50 + i % 700);
        if (i % 7 == 0) {
            spool_writer_sync(w, true);
            if (write(out, &i, sizeof(i)) != sizeof(i))
                _exit(1);
        }
    }
}

/* The writer dies at any instant: no number twice, none missing, all it called safe is there. */
static void killed_writers(void **state)
{
    struct bench *b = *state;
    uint64_t promised = 0, seed = 99;
    b->conf.segment_bytes = 64 << 10;
    for (int round = 0; round < 15; round++) {
        int pipes[2];
        uint64_t last = 0, i;
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(b, pipes[1]);
        close(pipes[1]);
        seed = seed * 6364136223846793005ull + 1;
        for (unsigned k = (seed >> 40) % 5; k; k--) /* some after it has called a few safe */
            assert_int_equal(read(pipes[0], &last, sizeof(last)), sizeof(last));
        usleep((useconds_t)((seed >> 33) % 3000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &i, sizeof(i)) == sizeof(i))
            last = i;
        close(pipes[0]);
        promised += last;
    }
    struct spool_writer *w = open_writer(b);
    spool_writer_close(w);
    uint64_t epochs = 0;
    assert_true(drain_all(b, &epochs) >= promised);
    assert_true(promised > 0);
}

/* Both ends at work, in two processes. */
static void writer_and_reader_at_once(void **state)
{
    struct bench *b = *state;
    enum { COUNT = 6000 };
    b->conf.segment_bytes = 256 << 10;
    b->conf.sync_ns = 10000000;
    pid_t child = fork();
    if (child == 0) {
        struct spool_writer *w = open_writer(b);
        for (int i = 0; i < COUNT; i++) {
            put(w, i % 3 ? "jm.urgent" : "jm.bulk", 200);
            if (i % 100 == 0)
                spool_writer_sync(w, false);
        }
        spool_writer_close(w);
        _exit(0);
    }
    struct spool_reader *r = open_reader(b);
    uint64_t expect = 0;
    time_t give_up = time(NULL) + 300;
    const uint64_t want = COUNT - (COUNT + 2) / 3 + 1;
    while (expect < want && time(NULL) < give_up) {
        char lanes[4][SPOOL_LANE_MAX];
        struct spool_record record;
        if (!spool_reader_lanes(r, lanes, 4))
            usleep(1000);
        while (spool_reader_next(r, "jm.urgent", &record) == 1) {
            assert_int_equal(record.number, ++expect);
            assert_true(record.kind == SPOOL_KIND_EPOCH || said(&record) == expect);
            if (expect % 1000 == 0)
                assert_int_equal(spool_reader_committed(r, "jm.urgent", record.epoch, expect), 0);
        }
    }
    assert_int_equal(expect, want);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    spool_reader_close(r);
}

/* At the bound: bulk goes first, its hole is told, urgent records are all there. */
static void the_bound_sheds_bulk_first(void **state)
{
    struct bench *b = *state;
    struct spool_record record;
    uint64_t last = 0, told = 0, missing = 0, expect = 0;
    b->conf = (struct spool_conf){ .bytes_max = 1 << 20, .segment_bytes = 128 << 10 };
    struct spool_writer *w = open_writer(b);
    for (int i = 0; i < 4000; i++)
        put(w, i % 10 ? "jm.bulk" : "jm.urgent", 500);
    spool_writer_sync(w, true);
    assert_true(w->total <= 1 << 20);
    struct spool_reader *r = open_reader(b);
    expect_epoch(r, "jm.urgent", 0);
    expect_alerts(r, "jm.urgent", 2, 401);
    for (unsigned zeros = 0; zeros < 2;) {
        int got = spool_reader_next(r, "jm.bulk", &record);
        zeros = got ? 0 : zeros + 1;
        if (got != 1)
            continue;
        missing += record.number - expect - 1;
        assert_int_equal(record.after_hole, record.number != expect + 1);
        expect = last = record.number;
        if (record.kind == SPOOL_KIND_GAP) {
            struct event e = scan(&record);
            told += e.gap_last - e.gap_first + 1;
            assert_int_equal(e.seq, record.number);
        }
    }
    assert_true(last >= 3601);
    assert_true(missing > 1000);
    assert_true(told > 0 && told <= missing);
    assert_int_equal(counter_read(&b->counters, SPOOL_SHED_RECORDS), missing);
    spool_reader_close(r);
    spool_writer_close(w);
}

/* A full disk: the records are counted, the lane goes on without a hole when it has room again. */
static void a_full_disk(void **state)
{
    struct bench *b = *state;
    struct spool_record record;
    struct rlimit old, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    struct spool_writer *w = open_writer(b);
    for (int i = 0; i < 3; i++)
        put(w, "jm.urgent", 100);
    small = old;
    small.rlim_cur = w->open[SEGMENT_URGENT].size + 50;
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 7; i++) {
        char text[100] = "lost";
        assert_int_equal(spool_writer_append(w, "jm.urgent", SPOOL_KIND_ALERT, text, sizeof(text)),
                         ABENG_EIO);
    }
    setrlimit(RLIMIT_FSIZE, &old);
    put(w, "jm.urgent", 100);
    spool_writer_lost(w, "jm.urgent", 5, "ring_full");
    spool_writer_sync(w, true);
    struct spool_reader *r = open_reader(b);
    expect_epoch(r, "jm.urgent", 0);
    expect_alerts(r, "jm.urgent", 2, 4);
    assert_int_equal(spool_reader_next(r, "jm.urgent", &record), 1);
    assert_int_equal(record.kind, SPOOL_KIND_GAP);
    assert_int_equal(scan(&record).gap_lost, 7);
    expect_alerts(r, "jm.urgent", 6, 6);
    assert_int_equal(spool_reader_next(r, "jm.urgent", &record), 1);
    assert_int_equal(scan(&record).gap_lost, 5);
    spool_reader_close(r);
    spool_writer_close(w);
}

static unsigned count_segments(struct bench *b, bool age)
{
    struct buf names;
    unsigned count = 0;
    enum segment_class class;
    uint64_t serial;
    for (const char *n = folder_names(b, &names); *n; n += strlen(n) + 1) {
        if (!segment_name_parse(n, &class, &serial))
            continue;
        count++;
        if (!age)
            continue;
        struct timespec old[2] = { { time(NULL) - 700, 0 }, { time(NULL) - 700, 0 } };
        int fd = b->files->open(b->files->arg, n);
        futimens(fd, old);
        close(fd);
    }
    buf_free(&names);
    return count;
}

static void committed_segments_go_when_old(void **state)
{
    struct bench *b = *state;
    b->conf.segment_bytes = 64 << 10;
    struct spool_writer *w = open_writer(b);
    for (int i = 0; i < 1000; i++)
        put(w, "jm.urgent", 500);
    spool_writer_sync(w, true);
    struct spool_reader *r = open_reader(b);
    const char *epoch = spool_writer_epoch(w);
    unsigned before = count_segments(b, false);
    assert_true(before >= 8);
    assert_int_equal(spool_reader_committed(r, "jm.urgent", epoch, 900), 0);
    assert_int_equal(count_segments(b, true), before);
    assert_int_equal(spool_reader_committed(r, "jm.urgent", epoch, 901), 0);
    unsigned after = count_segments(b, false);
    assert_true(after <= 2 && after >= 1);
    expect_none(r, "bb.urgent");
    spool_reader_close(r);
    r = open_reader(b);
    expect_alerts(r, "jm.urgent", 902, 1001);
    spool_reader_close(r);
    spool_writer_close(w);
}

static void limits(void **state)
{
    struct bench *b = *state;
    struct spool_writer *w = open_writer(b);
    char *big = calloc(1, SPOOL_RECORD_MAX + 1);
    assert_int_equal(spool_writer_append(w, "jm.bulk", SPOOL_KIND_ALERT, big, SPOOL_RECORD_MAX + 1),
                     ABENG_ELIMIT);
    assert_int_equal(spool_writer_append(w, "a.lane.with.a.name.too.long", SPOOL_KIND_ALERT, "", 0),
                     ABENG_ELIMIT);
    assert_true(spool_writer_append(w, "jm.bulk", SPOOL_KIND_ALERT, big, SPOOL_RECORD_MAX) > 0);
    free(big);
    spool_writer_close(w);
    struct spool_conf bad = { .bytes_max = 1000, .segment_bytes = 1000 };
    char reason[200];
    assert_null(spool_writer_open(&bad, b->files, &b->counters, reason, sizeof(reason)));
    assert_non_null(strstr(reason, "bound"));
    assert_null(spool_reader_open("/nonexistent/spool", reason, sizeof(reason)));
    assert_non_null(strstr(reason, "/nonexistent/spool"));
}

/* RFC 3720 B.4. */
static void checksums(void **state)
{
    (void)state;
    uint8_t bytes[48] = { 0 };
    assert_int_equal(crc32c(bytes, 32), 0x8a9136aa);
    for (unsigned i = 0; i < 48; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(crc32c(bytes, 32), 0x46dd794e);
    for (unsigned i = 0; i <= 48; i++)
        assert_int_equal(crc32c(bytes, i), crc32c_portable(bytes, i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_is_synced_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_epoch_names_the_one_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(commits_last_and_rewinds_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cut_at_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rot_at_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(killed_writers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writer_and_reader_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_bound_sheds_bulk_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(committed_segments_go_when_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_number_of_segments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits, set_up, tear_down),
        cmocka_unit_test(checksums),
    };
    log_open("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
