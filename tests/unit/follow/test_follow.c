/* SPDX-License-Identifier: Apache-2.0 */
/* The tail: every line once and in order, however the file is rotated and the reader restarted. */
#include "config.h"
#include "sensor/follow/progress.h"
#include "sensor/follow/tail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/event.h"
#include "common/buf.h"
#include "common/sign.h"
#include "sensor/spool/spool.h"

struct bench {
    char dir[64], path[80];
    unsigned written, rotated; /* lines, files */
    unsigned seed;
    struct tail *tail;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    snprintf(b->dir, sizeof(b->dir), "/tmp/abeng-follow-XXXXXX");
    if (sign_init() != ABENG_OK || !mkdtemp(b->dir))
        return -1;
    snprintf(b->path, sizeof(b->path), "%s/eve.json", b->dir);
    b->tail = tail_create(b->path);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    char name[400];
    DIR *d = opendir(b->dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(name, sizeof(name), "%s/%s", b->dir, e->d_name);
        unlink(name);
    }
    if (d)
        closedir(d);
    rmdir(b->dir);
    tail_free(b->tail);
    free(b);
    return 0;
}

static unsigned draw(struct bench *b, unsigned below)
{
    b->seed = b->seed * 1103515245u + 12345u;
    return (b->seed >> 16) % below;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void put_lines(struct bench *b, unsigned n)
{
    char line[64];
    while (n--) {
        snprintf(line, sizeof(line), "line %06u of the file\n", b->written++);
        put(b->path, line);
    }
}

static void rotated_name(struct bench *b, char *out, size_t size)
{
    snprintf(out, size, "%s-%04u", b->path, b->rotated++);
}

static void rotate_by_rename(struct bench *b)
{
    char to[128];
    rotated_name(b, to, sizeof(to));
    rename(b->path, to);
}

static void rotate_by_copy(struct bench *b)
{
    char to[128], bytes[65536];
    struct stat st;
    if (stat(b->path, &st) < 0 || st.st_size == 0)
        return;
    rotated_name(b, to, sizeof(to));
    int in = open(b->path, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0644);
    ssize_t n = read(in, bytes, sizeof(bytes));
    assert_int_equal(n, st.st_size);
    assert_int_equal(write(out, bytes, (size_t)n), n);
    close(in);
    close(out);
    assert_int_equal(truncate(b->path, 0), 0);
}

static void restart(struct bench *b)
{
    struct tail_place place;
    tail_place(b->tail, &place);
    tail_free(b->tail);
    b->tail = tail_create(b->path);
    assert_int_equal(tail_resume(b->tail, &place), ABENG_OK);
}

/* Read at most `n` lines, each the next one in number. */
static void expect_lines(struct bench *b, unsigned *next, unsigned n)
{
    struct tail_line line;
    char want[64];
    while (n-- && tail_next(b->tail, &line) == 1) {
        snprintf(want, sizeof(want), "line %06u of the file", (*next)++);
        assert_int_equal(line.len, strlen(want));
        assert_memory_equal(line.bytes, want, line.len);
    }
}

static void reads_on_through_rotation_and_restart(void **state)
{
    struct bench *b = *state;
    for (unsigned round = 0; round < 40; round++) {
        unsigned next = b->written;
        b->seed = round + 1;
        for (unsigned step = 0; step < 60; step++) {
            unsigned what = draw(b, 10);
            if (what < 5)
                put_lines(b, 1 + draw(b, 4));
            else if (what < 8)
                expect_lines(b, &next, 1 + draw(b, 6));
            else if (what == 8)
                rotate_by_rename(b);
            else if (next > 0)
                restart(b);
        }
        put_lines(b, 1);
        expect_lines(b, &next, UINT32_MAX);
        assert_int_equal(next, b->written);
    }
}

static void a_copy_that_was_made_before_truncation_is_read_to_its_end(void **state)
{
    struct bench *b = *state;
    unsigned next = 0;
    for (unsigned round = 0; round < 20; round++) {
        put_lines(b, 6);
        expect_lines(b, &next, 3 + round % 4);
        rotate_by_copy(b);
        put_lines(b, round % 3);
        if (round % 5 == 4)
            restart(b);
    }
    put_lines(b, 1);
    expect_lines(b, &next, UINT32_MAX);
    assert_int_equal(next, b->written);
}

static void truncation_without_a_copy_is_told(void **state)
{
    struct bench *b = *state;
    struct tail_line line;
    unsigned next = 0;
    put_lines(b, 4);
    expect_lines(b, &next, 4);
    assert_int_equal(truncate(b->path, 0), 0);
    put_lines(b, 1);
    assert_int_equal(tail_next(b->tail, &line), ABENG_ENOENT);
    assert_int_equal(tail_next(b->tail, &line), 1);
    assert_memory_equal(line.bytes, "line 000004", 11);
}

static void a_half_line_waits(void **state)
{
    struct bench *b = *state;
    struct tail_line line;
    assert_int_equal(tail_next(b->tail, &line), 0);
    put(b->path, "whole\nhalf");
    assert_int_equal(tail_next(b->tail, &line), 1);
    assert_int_equal(tail_next(b->tail, &line), 0);
    put(b->path, " and half\n");
    assert_int_equal(tail_next(b->tail, &line), 1);
    assert_int_equal(line.len, strlen("half and half"));
    assert_int_equal(line.offset, 6);
    put(b->path, "the end"); /* moved away as it is: nobody will write the rest */
    rotate_by_rename(b);
    assert_int_equal(tail_next(b->tail, &line), 0);
    put(b->path, "new\n");
    assert_int_equal(tail_next(b->tail, &line), 1);
    assert_memory_equal(line.bytes, "the end", 7);
    assert_int_equal(tail_next(b->tail, &line), 1);
    assert_memory_equal(line.bytes, "new", 3);
}

static void a_line_without_end_is_stepped_over(void **state)
{
    struct bench *b = *state;
    struct tail_line line;
    size_t size = 5u * TAIL_LINE_MAX + 77;
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    text[size] = 0;
    put(b->path, "before\n");
    put(b->path, text);
    put(b->path, "\nafter\n");
    assert_int_equal(tail_next(b->tail, &line), 1);
    assert_int_equal(tail_next(b->tail, &line), 1);
    assert_true(line.too_long);
    assert_int_equal(line.len, TAIL_LINE_MAX);
    assert_int_equal(line.offset, 7);
    assert_int_equal(tail_next(b->tail, &line), 1);
    assert_false(line.too_long);
    assert_memory_equal(line.bytes, "after", 5);
    assert_int_equal(line.offset, 7 + size + 1);
    free(text);
}

static void a_file_that_is_gone_is_told(void **state)
{
    struct bench *b = *state;
    struct tail_place place;
    struct tail_line line;
    unsigned next = 0;
    put_lines(b, 2);
    expect_lines(b, &next, 2);
    tail_place(b->tail, &place);
    unlink(b->path);
    put_lines(b, 1);
    tail_free(b->tail);
    b->tail = tail_create(b->path);
    assert_int_equal(tail_resume(b->tail, &place), ABENG_ENOENT);
    assert_int_equal(tail_next(b->tail, &line), 1);
    assert_memory_equal(line.bytes, "line 000002", 11);
}

/* ---- progress -------------------------------------------------------------------------------- */

static void append(struct spool_writer *w, const char *lane, const char *file, uint64_t offset)
{
    static const char line[] =
        "{\"timestamp\":\"2026-11-21T00:00:00.000000+0000\",\"event_type\":\"alert\","
        "\"alert\":{\"signature_id\":1}}";
    struct event_abeng abeng = { .epoch = spool_writer_epoch(w),
                                 .lane = lane,
                                 .seq = spool_writer_next(w, lane),
                                 .source = file,
                                 .source_offset = offset };
    struct buf out;
    buf_init(&out, EVENT_LINE_MAX);
    event_foreign_write(&out, line, sizeof(line) - 1, &abeng);
    assert_true(spool_writer_append(w, lane, SPOOL_KIND_ALERT, out.data, out.len) > 0);
    buf_free(&out);
}

static bool had(struct progress *p, const char *file, uint64_t offset, const char *lane)
{
    struct tail_line line = { .file = file, .offset = offset };
    return progress_had(p, &line, lane);
}

/* Two lanes, of which one lost its last record: each goes on where its own ends. */
static void each_lane_is_taken_up_where_it_ends(void **state)
{
    struct bench *b = *state;
    struct counter_block counters = counter_block_create(spool_counters);
    char dir[96], place_path[96], reason[128];
    struct tail_place place;
    struct tail_line line;
    snprintf(dir, sizeof(dir), "%s-spool", b->dir);
    snprintf(place_path, sizeof(place_path), "%s/place", b->dir);
    assert_int_equal(mkdir(dir, 0755), 0);
    struct spool_files *files = spool_files_folder(dir);
    put_lines(b, 5);
    assert_int_equal(tail_next(b->tail, &line), 1);
    tail_place(b->tail, &place);

    struct progress *p = progress_open(place_path, files);
    assert_non_null(p);
    assert_int_equal(progress_store(p, &place), ABENG_OK);
    progress_close(p);
    struct spool_writer *w =
        spool_writer_open(&(struct spool_conf){ 0 }, files, &counters, reason, sizeof(reason));
    append(w, "bb.bulk", "00112233445566778899aabbccddeeff", 9000); /* of a file long gone */
    append(w, "jm.bulk", place.file, 100);
    append(w, "jm.urgent", place.file, 60);
    spool_writer_close(w);

    p = progress_open(place_path, files);
    assert_non_null(p);
    assert_int_equal(progress_place(p)->offset, place.offset);
    progress_settle(p, b->tail);
    assert_true(had(p, place.file, 60, "jm.bulk"));
    assert_true(had(p, place.file, 60, "jm.urgent"));
    assert_false(had(p, place.file, 70, "bb.bulk"));
    assert_false(had(p, place.file, 80, "jm.urgent"));
    assert_false(had(p, place.file, 90, "tt.bulk"));
    assert_true(had(p, place.file, 100, "jm.bulk"));
    assert_false(had(p, place.file, 120, "jm.bulk"));
    progress_close(p);

    struct buf names;
    buf_init(&names, SPOOL_LIST_MAX);
    assert_int_equal(files->list(files->arg, &names), 0);
    for (const char *n = buf_str(&names); *n; n += strlen(n) + 1)
        files->remove(files->arg, n);
    buf_free(&names);
    rmdir(dir);
    spool_files_free(files);
    counter_block_free(&counters);
}

static void a_damaged_place_is_refused(void **state)
{
    struct bench *b = *state;
    char path[96];
    struct spool_files *files = spool_files_folder(b->dir);
    snprintf(path, sizeof(path), "%s/place", b->dir);
    put(path, "nonsense\n");
    assert_null(progress_open(path, files));
    spool_files_free(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_on_through_rotation_and_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_copy_that_was_made_before_truncation_is_read_to_its_end,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(truncation_without_a_copy_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_half_line_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_without_end_is_stepped_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_gone_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_lane_is_taken_up_where_it_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_place_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
