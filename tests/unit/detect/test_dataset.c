/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets that rules change: values, their memory, and several workers at once. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/sign.h"
#include "sensor/detect/dataset.h"

#define THREADS 4u
#define VALUES  20000u

static void test_values(void **state)
{
    (void)state;
    struct dataset *d = dataset_create("names", 3, 0);
    assert_string_equal(dataset_name(d), "names");
    assert_int_equal(dataset_kind(d), 3);
    assert_false(dataset_has(d, "one", 3));
    assert_int_equal(dataset_add(d, "one", 3), DATASET_NEW);
    assert_int_equal(dataset_add(d, "one", 3), DATASET_KNOWN);
    assert_int_equal(dataset_add(d, "on", 2), DATASET_NEW);
    assert_int_equal(dataset_add(d, "", 0), DATASET_FULL);
    assert_true(dataset_has(d, "one", 3));
    assert_true(dataset_remove(d, "one", 3));
    assert_false(dataset_remove(d, "one", 3));
    assert_false(dataset_remove(d, "two", 3));
    assert_false(dataset_has(d, "one", 3));
    assert_true(dataset_has(d, "on", 2));
    assert_int_equal(dataset_add(d, "one", 3), DATASET_NEW);
    assert_true(dataset_first(d));
    assert_false(dataset_first(d));
    assert_true(dataset_changed(d));
    assert_false(dataset_changed(d));
    dataset_drop(dataset_hold(d));
    assert_true(dataset_has(d, "on", 2));
    dataset_drop(d);
}

/* What does not fit is refused, and what is there stays. */
static void test_full(void **state)
{
    (void)state;
    struct dataset *d = dataset_create("small", 0, 4096);
    unsigned added = 0;
    char value[32];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(value, sizeof(value), "value %u", i);
        added += dataset_add(d, value, (uint32_t)strlen(value)) == DATASET_NEW;
    }
    assert_true(added >= 4096 / 32 && added < 1000);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(value, sizeof(value), "value %u", i);
        assert_int_equal(dataset_has(d, value, (uint32_t)strlen(value)), i < added);
    }
    dataset_drop(d);
}

struct work {
    struct dataset *d;
    unsigned from, added;
};

/* Every thread puts in the same values, each from another place on. */
static void *put_all(void *arg)
{
    struct work *w = arg;
    for (unsigned i = 0; i < VALUES; i++) {
        uint32_t value = (w->from + i) % VALUES;
        w->added += dataset_add(w->d, &value, sizeof(value)) == DATASET_NEW;
    }
    return NULL;
}

static void count(void *arg, const void *value, uint32_t len)
{
    (void)value;
    assert_int_equal(len, 4);
    ++*(unsigned *)arg;
}

static void test_threads(void **state)
{
    (void)state;
    struct dataset *d = dataset_create("shared", 0, 0);
    struct work work[THREADS];
    pthread_t threads[THREADS];
    unsigned added = 0, there = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        work[i] = (struct work){ d, i * (VALUES / THREADS / 2), 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, put_all, &work[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        added += work[i].added;
    }
    dataset_each(d, count, &there);
    assert_int_equal(added, VALUES); /* each value was new to one of them */
    assert_int_equal(there, VALUES);
    dataset_drop(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_threads),
    };
    if (sign_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
