/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files of every kind, whole and cut. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"
#include "sensor/capture/capture.h"

/** A file in the making, in either byte order. */
struct file {
    uint8_t bytes[4096];
    size_t len;
    bool big;
};

static void put(struct file *f, uint64_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        f->bytes[f->len++] = (uint8_t)(v >> 8 * (f->big ? size - 1 - i : i));
}

static void put_bytes(struct file *f, const void *bytes, size_t len)
{
    memcpy(f->bytes + f->len, bytes, len);
    f->len += len;
}

static struct capture *open_bytes(const void *bytes, size_t len, char reason[128])
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    reason[0] = 0;
    return capture_open_file(fd, "test", reason, 128);
}

static void put_pcap(struct file *f, uint32_t magic, uint32_t link)
{
    put(f, magic, 4);
    put(f, 2, 2);
    put(f, 4, 2);
    put(f, 0, 8);
    put(f, 65535, 4);
    put(f, link, 4);
}

static void put_record(struct file *f, uint32_t seconds, uint32_t fraction, const char *data,
                       uint32_t wire_len)
{
    put(f, seconds, 4);
    put(f, fraction, 4);
    put(f, strlen(data), 4);
    put(f, wire_len, 4);
    put_bytes(f, data, strlen(data));
}

static void test_pcap(void **state)
{
    char reason[128];
    struct frame frames[4];
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        struct file f = { .big = kind & 1 };
        bool nano = kind & 2;
        put_pcap(&f, nano ? 0xa1b23c4d : 0xa1b2c3d4, 113);
        put_record(&f, 7, 8, "abc", 100);
        put_record(&f, 9, 10, "", 0);
        struct capture *c = open_bytes(f.bytes, f.len, reason);
        assert_non_null(c);
        assert_int_equal(capture_next(c, frames, 4, 0), 2);
        assert_int_equal(frames[0].len, 3);
        assert_int_equal(frames[0].wire_len, 100);
        assert_int_equal(frames[0].link, 113);
        assert_int_equal(frames[0].ts_ns, 7000000000ull + (nano ? 8 : 8000));
        assert_memory_equal(frames[0].data, "abc", 3);
        assert_int_equal(frames[1].len, 0);
        assert_int_equal(capture_next(c, frames, 4, 0), ABENG_EOF);
        struct capture_counts counts;
        capture_counts(c, &counts);
        assert_int_equal(counts.packets, 2);
        assert_int_equal(counts.bytes, 3);
        assert_int_equal(counts.truncated_files, 0);
        uint64_t done, all;
        capture_progress(c, &done, &all);
        assert_int_equal(done, all);
        capture_close(c);
    }
}

/* Cut anywhere behind its header, a file gives its whole packets and says that it was cut. */
static void test_cut_pcap(void **state)
{
    char reason[128];
    struct frame frames[4];
    struct file f = { 0 };
    (void)state;
    put_pcap(&f, 0xa1b2c3d4, 1);
    put_record(&f, 1, 0, "abcd", 4);
    put_record(&f, 2, 0, "efgh", 4);
    for (size_t cut = 24; cut < f.len; cut++) {
        struct capture_counts counts;
        struct capture *c = open_bytes(f.bytes, cut, reason);
        assert_non_null(c);
        int got = capture_next(c, frames, 4, 0), whole = (int)((cut - 24) / 20);
        assert_int_equal(got, whole ? whole : ABENG_EOF);
        assert_int_equal(capture_next(c, frames, 4, 0), ABENG_EOF);
        capture_counts(c, &counts);
        assert_int_equal(counts.truncated_files, (cut - 24) % 20 != 0);
        capture_close(c);
    }
}

static void test_record_too_long(void **state)
{
    char reason[128];
    struct frame frames[4];
    struct capture_counts counts;
    struct file f = { 0 };
    (void)state;
    put_pcap(&f, 0xa1b2c3d4, 1);
    put_record(&f, 1, 0, "abcd", 4);
    put(&f, 0, 8);
    put(&f, 0x7fffffff, 4);
    put(&f, 4, 4);
    struct capture *c = open_bytes(f.bytes, f.len, reason);
    assert_int_equal(capture_next(c, frames, 4, 0), 1);
    assert_int_equal(capture_next(c, frames, 4, 0), ABENG_EOF);
    capture_counts(c, &counts);
    assert_int_equal(counts.bad_blocks, 1);
    capture_close(c);
}

static void put_block(struct file *f, uint32_t type, const struct file *body)
{
    uint32_t padded = (uint32_t)(body->len + 3) / 4 * 4;
    put(f, type, 4);
    put(f, padded + 12, 4);
    put_bytes(f, body->bytes, body->len);
    put(f, 0, padded - (uint32_t)body->len);
    put(f, padded + 12, 4);
}

static void put_section(struct file *f)
{
    struct file body = { .big = f->big };
    put(&body, 0x1a2b3c4d, 4);
    put(&body, 1, 2);
    put(&body, 0, 2);
    put(&body, UINT64_MAX, 8);
    put_block(f, 0x0a0d0d0a, &body);
}

/* `resolution` 0: no option, so microseconds. */
static void put_interface(struct file *f, uint16_t link, uint32_t snaplen, uint8_t resolution,
                          int64_t offset)
{
    struct file body = { .big = f->big };
    put(&body, link, 2);
    put(&body, 0, 2);
    put(&body, snaplen, 4);
    if (resolution) {
        put(&body, 9, 2);
        put(&body, 1, 2);
        put(&body, resolution, 1);
        put(&body, 0, 3);
    }
    if (offset) {
        put(&body, 14, 2);
        put(&body, 8, 2);
        put(&body, (uint64_t)offset, 8);
    }
    put(&body, 0, 4);
    put_block(f, 1, &body);
}

static void put_enhanced(struct file *f, uint32_t interface, uint64_t ticks, const char *data)
{
    struct file body = { .big = f->big };
    put(&body, interface, 4);
    put(&body, ticks >> 32, 4);
    put(&body, ticks & 0xffffffff, 4);
    put(&body, strlen(data), 4);
    put(&body, strlen(data) + 1, 4);
    put_bytes(&body, data, strlen(data));
    put_block(f, 6, &body);
}

static void put_simple(struct file *f, uint32_t wire_len, const char *data)
{
    struct file body = { .big = f->big };
    put(&body, wire_len, 4);
    put_bytes(&body, data, strlen(data));
    put_block(f, 3, &body);
}

static void test_pcapng(void **state)
{
    char reason[128];
    struct frame frames[8];
    struct capture_counts counts;
    struct file f = { 0 }, unknown = { 0 };
    (void)state;
    put_section(&f);
    put_interface(&f, 1, 3, 0, 0);
    put_interface(&f, 101, 0, 9, 100);       /* nanoseconds, a hundred seconds later */
    put_interface(&f, 113, 0, 0x80 | 10, 0); /* 1/1024 s */
    put_enhanced(&f, 0, 5000001, "one");
    put_enhanced(&f, 1, 7, "two.");
    put(&unknown, 0, 4);
    put_block(&f, 0xbad, &unknown);
    put_enhanced(&f, 2, 2048 + 512, "three");
    put_enhanced(&f, 9, 0, "no such interface");
    put_simple(&f, 5, "abc");
    f.big = true;
    put_section(&f);
    put_interface(&f, 228, 0, 0, 0);
    put_enhanced(&f, 0, 1, "four");
    struct capture *c = open_bytes(f.bytes, f.len, reason);
    assert_non_null(c);
    assert_int_equal(capture_next(c, frames, 8, 0), 5);
    assert_int_equal(frames[0].ts_ns, 5000001000ull);
    assert_int_equal(frames[0].link, 1);
    assert_int_equal(frames[0].wire_len, 4);
    assert_int_equal(frames[1].ts_ns, 100000000007ull);
    assert_int_equal(frames[1].link, 101);
    assert_int_equal(frames[2].ts_ns, 2500000000ull);
    assert_int_equal(frames[2].link, 113);
    assert_int_equal(frames[3].len, 3);
    assert_int_equal(frames[3].wire_len, 5);
    assert_int_equal(frames[4].link, 228);
    assert_memory_equal(frames[4].data, "four", 4);
    capture_counts(c, &counts);
    assert_int_equal(counts.bad_blocks, 1);
    assert_int_equal(counts.truncated_files, 0);
    capture_close(c);
    for (size_t cut = 28; cut < f.len; cut++) {
        c = open_bytes(f.bytes, cut, reason);
        assert_non_null(c);
        assert_in_range(capture_next(c, frames, 8, 0) + 100, 90, 105);
        assert_int_equal(capture_next(c, frames, 8, 0), ABENG_EOF);
        capture_close(c);
    }
}

/* ---- files longer than what is read of them at once ---- */

/* A file that is written as it is made. */
static void append(int fd, const struct file *f)
{
    assert_int_equal(write(fd, f->bytes, f->len), (ssize_t)f->len);
}

/* Write `len` bytes that tell where in their record they stand. */
static void append_pattern(int fd, uint32_t record, uint32_t len)
{
    uint8_t *bytes = malloc(len + 1);
    assert_non_null(bytes);
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(record + i * 7);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    free(bytes);
}

static bool has_pattern(const struct frame *f, uint32_t record)
{
    for (uint32_t i = 0; i < f->len; i++) {
        if (f->data[i] != (uint8_t)(record + i * 7))
            return false;
    }
    return true;
}

/* Lengths from none to the most there can be, so that records reach over every edge. */
static uint32_t length_of(uint32_t record)
{
    return record % 97 == 96 ? 262144 : record * 2654435761u % 3001;
}

#define LONG_RECORDS 2000

static int long_pcap(void)
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    struct file f = { 0 };
    assert_true(fd >= 0);
    put_pcap(&f, 0xa1b2c3d4, 1);
    append(fd, &f);
    for (uint32_t i = 0; i < LONG_RECORDS; i++) {
        f.len = 0;
        put(&f, i, 4);
        put(&f, 0, 4);
        put(&f, length_of(i), 4);
        put(&f, length_of(i), 4);
        append(fd, &f);
        append_pattern(fd, i, length_of(i));
    }
    return fd;
}

static void test_long_file(void **state)
{
    char reason[128];
    struct frame frames[CAPTURE_BURST_MAX];
    uint32_t seen = 0;
    int n;
    (void)state;
    struct capture *c = capture_open_file(long_pcap(), "long", reason, sizeof(reason));
    assert_non_null(c);
    while ((n = capture_next(c, frames, CAPTURE_BURST_MAX, 0)) >= 0) {
        for (int i = 0; i < n; i++, seen++) {
            assert_int_equal(frames[i].len, length_of(seen));
            assert_true(has_pattern(&frames[i], seen));
        }
    }
    assert_int_equal(seen, LONG_RECORDS);
    capture_close(c);
}

/* Read into windows that are lent in turn, a piece's frames outlive the next piece; with one
 * window alone what is left of it moves to its front. */
static void test_lent_windows(void **state)
{
    char reason[128];
    (void)state;
    for (unsigned windows = 1; windows <= 2; windows++) {
        static struct frame frames[2][2 * LONG_RECORDS];
        unsigned count[2] = { 0 }, piece = 0;
        uint8_t *memory[2] = { malloc(CAPTURE_WINDOW_BYTES), malloc(CAPTURE_WINDOW_BYTES) };
        uint32_t seen = 0;
        struct capture *c = capture_open_file(long_pcap(), "long", reason, sizeof(reason));
        assert_non_null(c);
        for (int n = 0; n >= 0; piece++) {
            unsigned at = piece % windows;
            capture_window(c, memory[at]);
            for (count[at] = 0; (n = capture_next(c, frames[at] + count[at], 64, 0)) > 0;)
                count[at] += (unsigned)n;
            unsigned older = windows > 1 ? !at : at;
            for (unsigned i = 0; (piece || windows == 1) && i < count[older]; i++, seen++)
                assert_true(has_pattern(&frames[older][i], seen));
        }
        for (unsigned i = 0; windows > 1 && i < count[(piece - 1) % 2]; i++, seen++)
            assert_true(has_pattern(&frames[(piece - 1) % 2][i], seen));
        assert_int_equal(seen, LONG_RECORDS);
        assert_true(piece > 3);
        capture_close(c);
        free(memory[0]);
        free(memory[1]);
    }
}

/* A block that carries no packet may have any length; one that does has the limit of a frame. */
static void test_long_blocks(void **state)
{
    char reason[128];
    struct frame frames[8];
    struct capture_counts counts;
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        uint32_t body = 3u << 20, got = 0;
        struct file f = { 0 };
        int fd = memfd_create("capture", MFD_CLOEXEC), n;
        put_section(&f);
        put_interface(&f, 1, 0, 0, 0);
        put_enhanced(&f, 0, 1, "before");
        put(&f, kind ? 6 : 0xbad, 4);
        put(&f, body + 12, 4);
        append(fd, &f);
        append_pattern(fd, 1, body);
        f.len = 0;
        put(&f, body + 12, 4);
        put_enhanced(&f, 0, 1, "behind");
        append(fd, &f);
        struct capture *c = capture_open_file(fd, "long", reason, sizeof(reason));
        assert_non_null(c);
        while ((n = capture_next(c, frames, 8, 0)) >= 0) {
            for (int i = 0; i < n; i++, got++)
                assert_memory_equal(frames[i].data, got ? "behind" : "before", 6);
        }
        capture_counts(c, &counts);
        assert_int_equal(got, 2);
        assert_int_equal(counts.bad_blocks, kind);
        assert_int_equal(counts.truncated_files, 0);
        capture_close(c);
    }
}

static void test_no_capture(void **state)
{
    char reason[128];
    (void)state;
    assert_null(open_bytes("this is only some text, no capture", 34, reason));
    assert_non_null(strstr(reason, "neither pcap nor pcapng"));
    assert_null(open_bytes("", 0, reason));
    assert_non_null(strstr(reason, "too few"));
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_null(capture_open_file(ends[0], "pipe", reason, sizeof(reason)));
    assert_non_null(strstr(reason, "not a regular file"));
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcap),
        cmocka_unit_test(test_cut_pcap),
        cmocka_unit_test(test_record_too_long),
        cmocka_unit_test(test_pcapng),
        cmocka_unit_test(test_long_file),
        cmocka_unit_test(test_lent_windows),
        cmocka_unit_test(test_long_blocks),
        cmocka_unit_test(test_no_capture),
    };
    return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
