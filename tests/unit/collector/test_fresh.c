/* SPDX-License-Identifier: Apache-2.0 */
/* The short way of batches: order, gaps, who has passed what. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/ingest/fresh.h"
#include "collector/ingest/record.h"
#include "common/clock.h"

#define ROW 3

static int setup(void **state)
{
    struct fresh *f = fresh_create();
    fresh_follow(f, FRESH_FOLD, ROW, true);
    fresh_follow(f, FRESH_ARCHIVE, ROW, true);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fresh_free(*state);
    return 0;
}

/* Put a batch of one record under `id`; its texts are gone when this returns. */
static void put(struct fresh *f, const char *previous, const char *id)
{
    char own[32], frame[16];
    struct fresh_batch *b = fresh_begin(f);
    struct record_room *room = fresh_room(b);
    snprintf(own, sizeof(own), "%s", id);
    snprintf(frame, sizeof(frame), "f%s", id);
    buf_text(&room->text, "line of ");
    buf_text(&room->text, id);
    record_room_for(room, 1)->sid = (uint32_t)strlen(id);
    const struct record_batch what = { .id = own,
                                       .sensor = "s1",
                                       .site = "kgn",
                                       .epoch = "e",
                                       .lane = "jm.bulk",
                                       .count = 1,
                                       .frame = (const uint8_t *)frame,
                                       .frame_len = strlen(frame),
                                       .text = (const char *)room->text.data,
                                       .text_len = room->text.len,
                                       .list = room->list };
    fresh_put(f, ROW, b, &what, previous);
    memset(own, 'x', sizeof(own));
    memset(frame, 'x', sizeof(frame));
}

/* The reader at `at` gets `want` next. */
static void takes(struct fresh *f, enum fresh_reader r, const char *at, const char *want)
{
    struct fresh_batch *b = NULL;
    char text[64];
    assert_int_equal(fresh_next(f, r, ROW, at, &b), FRESH_TAKEN);
    const struct record_batch *v = fresh_view(b);
    assert_string_equal(v->id, want);
    assert_string_equal(v->lane, "jm.bulk");
    assert_int_equal(v->list[0].sid, strlen(want));
    snprintf(text, sizeof(text), "line of %s", want);
    assert_int_equal(v->text_len, strlen(text));
    assert_memory_equal(v->text, text, v->text_len);
    assert_int_equal(v->frame[0], 'f');
    assert_memory_equal(v->frame + 1, want, v->frame_len - 1);
    fresh_drop(f, b);
}

static enum fresh_next next(struct fresh *f, const char *at)
{
    struct fresh_batch *b;
    return fresh_next(f, FRESH_FOLD, ROW, at, &b);
}

static void each_reader_gets_each_batch_in_order(void **state)
{
    struct fresh *f = *state;
    put(f, "0-0", "5-0");
    put(f, "5-1", "7-0"); /* its answer came before that of the one before it */
    put(f, "5-0", "5-1");
    takes(f, FRESH_FOLD, "0-0", "5-0");
    takes(f, FRESH_FOLD, "5-0", "5-1");
    takes(f, FRESH_FOLD, "5-1", "7-0");
    assert_int_equal(next(f, "7-0"), FRESH_NONE);
    takes(f, FRESH_ARCHIVE, "0-0", "5-0");
    takes(f, FRESH_ARCHIVE, "5-0", "5-1");
    /* a batch that is not passed comes again */
    takes(f, FRESH_ARCHIVE, "5-0", "5-1");
    takes(f, FRESH_ARCHIVE, "5-1", "7-0");
}

static void a_gap_is_read_from_the_stream(void **state)
{
    struct fresh *f = *state;
    put(f, "0-0", "5-0");
    put(f, "6-0", "7-0"); /* 6-0 was another collector's */
    takes(f, FRESH_FOLD, "0-0", "5-0");
    assert_int_equal(next(f, "5-0"), FRESH_STREAM);
    takes(f, FRESH_FOLD, "6-0", "7-0");
    put(f, "", "8-0"); /* what stood before it is not known */
    assert_int_equal(next(f, "7-0"), FRESH_STREAM);
    assert_int_equal(next(f, "8-0"), FRESH_NONE);
}

static void what_may_be_on_its_way_is_waited_for_a_moment(void **state)
{
    struct fresh *f = *state;
    fresh_expect(f, ROW, true);
    assert_int_equal(next(f, "0-0"), FRESH_SOON);
    put(f, "5-0", "7-0");
    assert_int_equal(next(f, "0-0"), FRESH_SOON);
    usleep(80 * 1000);
    assert_int_equal(next(f, "0-0"), FRESH_STREAM);
    fresh_expect(f, ROW, false);
    assert_int_equal(next(f, "0-0"), FRESH_STREAM);
}

static void nothing_waits_for_a_reader_that_left(void **state)
{
    struct fresh *f = *state;
    put(f, "0-0", "5-0");
    fresh_follow(f, FRESH_ARCHIVE, ROW, false);
    takes(f, FRESH_FOLD, "0-0", "5-0");
    assert_int_equal(next(f, "5-0"), FRESH_NONE);
    fresh_follow(f, FRESH_FOLD, ROW, false);
    put(f, "5-0", "6-0"); /* nobody wants it: who comes later reads the stream */
    fresh_follow(f, FRESH_FOLD, ROW, true);
    assert_int_equal(next(f, "5-0"), FRESH_STREAM);
    assert_int_equal(next(f, "6-0"), FRESH_NONE);
}

static void without_one_all_is_in_the_stream(void **state)
{
    struct fresh_batch *b = fresh_begin(NULL);
    (void)state;
    fresh_expect(NULL, ROW, true);
    fresh_follow(NULL, FRESH_FOLD, ROW, true);
    assert_int_equal(next(NULL, "0-0"), FRESH_NONE);
    fresh_wait(NULL, FRESH_FOLD, 1);
    fresh_drop(NULL, b);
}

static void a_wait_ends_with_what_came_before_it(void **state)
{
    struct fresh *f = *state;
    put(f, "0-0", "5-0");
    uint64_t begun = clock_mono_ns();
    fresh_wait(f, FRESH_FOLD, 60000);
    assert_true(clock_mono_ns() - begun < 30 * NS_PER_S);
}

int main(void)
{
#define WITH_ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_ONE(each_reader_gets_each_batch_in_order),
        WITH_ONE(a_gap_is_read_from_the_stream),
        WITH_ONE(what_may_be_on_its_way_is_waited_for_a_moment),
        WITH_ONE(nothing_waits_for_a_reader_that_left),
        WITH_ONE(a_wait_ends_with_what_came_before_it),
        cmocka_unit_test(without_one_all_is_in_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
