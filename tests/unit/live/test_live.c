/* SPDX-License-Identifier: Apache-2.0 */
/* The signs of a blind sensor: each begins when it should, and ends. */
#include "config.h"
#include "sensor/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/json.h"
#include "sensor/capture/capture.h"

struct bench {
    struct live_board *board;
    struct live_flows flows;
    uint64_t now;
    uint64_t packets[2], drops[2]; /* of worker 0, by interface */
    struct buf text;
};

static const char *const names[] = { "eth1", "eth2" };

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    b->board = live_create(names, 2, 2);
    b->now = 1000;
    buf_init(&b->text, 65536);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    live_free(b->board);
    buf_free(&b->text);
    free(b);
    return 0;
}

static void seconds(struct bench *b, unsigned n, uint64_t a, uint64_t c)
{
    while (n--) {
        b->packets[0] += a;
        b->packets[1] += c;
        for (unsigned i = 0; i < 2; i++) {
            struct capture_counts counts = { .packets = b->packets[i],
                                             .bytes = 100 * b->packets[i],
                                             .kernel_drops = b->drops[i] };
            live_publish(b->board, 0, i, &counts);
        }
        live_sample(b->board, b->now++, &b->flows);
    }
}

static bool says(struct bench *b, const char *what)
{
    struct json j;
    buf_clear(&b->text);
    json_begin(&j, &b->text);
    json_open(&j, NULL);
    live_write(b->board, &j);
    json_close(&j);
    return strstr(buf_str(&b->text), what);
}

static void a_silent_interface_is_named(void **state)
{
    struct bench *b = *state;
    seconds(b, 100, 10, 10);
    assert_false(says(b, "silent"));
    seconds(b, LIVE_SILENT_S - 5, 10, 0);
    assert_false(says(b, "silent"));
    seconds(b, 10, 10, 0);
    assert_true(says(b, "{\"what\":\"silent\",\"where\":\"eth2\"}"));
    assert_false(says(b, "{\"what\":\"silent\",\"where\":\"eth1\"}"));
    seconds(b, 2, 10, 1);
    assert_false(says(b, "silent"));
}

static void workers_add_up_and_peaks_stay(void **state)
{
    struct bench *b = *state;
    struct capture_counts other = { .packets = 5, .bytes = 500, .kernel_drops = 1 }, sum;
    seconds(b, 3, 10, 0);
    b->drops[0] += 40;
    live_publish(b->board, 1, 0, &other);
    seconds(b, 1, 100, 0);
    seconds(b, 5, 1, 0);
    live_totals(b->board, &sum);
    assert_int_equal(sum.packets, 30 + 5 + 100 + 5);
    assert_int_equal(sum.kernel_drops, 41);
    assert_true(says(b, "\"peak_packets_per_second\":105,\"peak_drops_per_second\":41"));
}

static void peaks_of_what_was_left_out_stay(void **state)
{
    struct bench *b = *state;
    b->flows.shed = 1000; /* what was there at the first look is no second's */
    seconds(b, 3, 1, 1);
    assert_true(says(b, "\"peaks_per_second\":{\"shed\":0,\"records_lost\":0,\"stage_drops\":0}"));
    b->flows.shed += 70;
    b->flows.records_lost += 3;
    seconds(b, 1, 1, 1);
    b->flows.shed += 20;
    b->flows.stage_drops += 9;
    seconds(b, 4, 1, 1);
    assert_true(says(b, "\"peaks_per_second\":{\"shed\":70,\"records_lost\":3,\"stage_drops\":9}"));
}

static void one_direction_and_duplicates_are_seen(void **state)
{
    struct bench *b = *state;
    for (unsigned minute = 0; minute < 6; minute++) {
        seconds(b, 60, 10, 10);
        b->flows.flows += 100;
        b->flows.one_sided += 5;
        b->flows.tcp += 6000;
        b->flows.overlaps += 60;
    }
    assert_false(says(b, "one_direction"));
    assert_false(says(b, "duplicates"));
    for (unsigned minute = 0; minute < 7; minute++) {
        seconds(b, 60, 10, 10);
        b->flows.flows += 100;
        b->flows.one_sided += 95;
        b->flows.tcp += 6000;
        b->flows.overlaps += 2400;
    }
    assert_true(says(b, "\"what\":\"one_direction\""));
    assert_true(says(b, "\"what\":\"duplicates\""));
}

static void a_vlan_that_was_always_there_is_missed(void **state)
{
    struct bench *b = *state;
    for (unsigned minute = 0; minute < LIVE_VLAN_KNOWN_MIN + 2; minute++) {
        live_see_vlan(b->board, 12);
        if (minute == 3)
            live_see_vlan(b->board, 13); /* once is no habit */
        seconds(b, 60, 1, 1);
    }
    assert_false(says(b, "vlan_missing"));
    seconds(b, 60 * (LIVE_VLAN_MISSING_MIN + 1), 1, 1);
    assert_true(says(b, "{\"what\":\"vlan_missing\",\"where\":\"12\"}"));
    assert_false(says(b, "\"where\":\"13\""));
    live_see_vlan(b->board, 12);
    seconds(b, 61, 1, 1);
    assert_false(says(b, "vlan_missing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_silent_interface_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers_add_up_and_peaks_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(peaks_of_what_was_left_out_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_direction_and_duplicates_are_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_vlan_that_was_always_there_is_missed, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
