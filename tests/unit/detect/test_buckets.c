/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets: what is said to pass is what the buckets let through, and less than by dealing out. */
#include "config.h"
#include "sensor/detect/buckets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ITEMS   120
#define BUCKETS 8
#define KEYS    4
#define VALUES  16

static uint32_t state = 3;

static uint32_t dice(uint32_t sides)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % sides;
}

/* Half of the weight on four values, as traffic has it. */
static struct buckets_model model(void)
{
    struct buckets_model m = { .keys = KEYS, .values = VALUES };
    for (unsigned k = 0; k < KEYS; k++) {
        for (unsigned v = 0; v < VALUES; v++)
            m.weights[k][v] = v < 4 ? BUCKETS_WHOLE / 8 : BUCKETS_WHOLE / 24;
    }
    return m;
}

/* Values that are near each other come together; the first `any` items have keys that all will do
 * for. */
static void make_items(struct buckets_item *items, unsigned any)
{
    for (unsigned i = 0; i < ITEMS; i++) {
        uint32_t base = dice(VALUES);
        for (unsigned k = 0; k < KEYS; k++)
            items[i].value[k] = (uint8_t)((base + dice(3)) % VALUES);
        if (i < any)
            items[i].value[KEYS - 1] = BUCKETS_ANY;
    }
}

/* The share that buckets let through, from nothing but where the items are. */
static double share_of(const struct buckets_model *m, const struct buckets_item *items,
                       const uint8_t *bucket)
{
    double all = 0;
    for (unsigned b = 0; b < BUCKETS; b++) {
        double share = 1;
        for (unsigned k = 0; k < KEYS; k++) {
            uint32_t weight = 0, seen = 0;
            for (unsigned i = 0; i < ITEMS; i++) {
                uint8_t v = items[i].value[k];
                if (bucket[i] != b)
                    continue;
                seen |= v == BUCKETS_ANY ? UINT32_MAX : 1u << v;
            }
            for (unsigned v = 0; v < VALUES; v++)
                weight += seen >> v & 1 ? m->weights[k][v] : 0;
            share *= seen == UINT32_MAX ? 1 : (double)weight / BUCKETS_WHOLE;
        }
        all += share;
    }
    return all;
}

static void check(unsigned any)
{
    struct buckets_model m = model();
    struct buckets_item items[ITEMS];
    uint8_t got[ITEMS], again[ITEMS], dealt[ITEMS];
    make_items(items, any);
    double share = buckets_spread(&m, items, ITEMS, BUCKETS, got);
    for (unsigned i = 0; i < ITEMS; i++) {
        assert_in_range(got[i], 0, BUCKETS - 1);
        dealt[i] = (uint8_t)(i % BUCKETS);
    }
    assert_true(share - share_of(&m, items, got) < 1e-9);
    assert_true(share_of(&m, items, got) - share < 1e-9);
    assert_true(share < share_of(&m, items, dealt) / 4);
    buckets_spread(&m, items, ITEMS, BUCKETS, again);
    assert_memory_equal(got, again, sizeof(got));
}

static void test_shares(void **unused)
{
    (void)unused;
    check(0);
    check(5);
}

/* To one item that lets most through come only those for whom it lets no more through. */
static void test_any_stays_alone(void **unused)
{
    struct buckets_model m = model();
    struct buckets_item items[ITEMS];
    uint8_t got[ITEMS];
    (void)unused;
    make_items(items, 0);
    memset(items[0].value, BUCKETS_ANY, KEYS - 1);
    buckets_spread(&m, items, ITEMS, BUCKETS, got);
    for (unsigned i = 1; i < ITEMS; i++)
        assert_true(got[i] != got[0] ||
                    items[i].value[KEYS - 1] == items[0].value[KEYS - 1]);
}

static void test_few(void **unused)
{
    struct buckets_model m = model();
    struct buckets_item items[ITEMS];
    uint8_t got[2];
    (void)unused;
    make_items(items, 0);
    assert_true(buckets_spread(&m, items, 0, BUCKETS, got) == 0);
    assert_true(buckets_spread(&m, items, 2, BUCKETS, got) < 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_any_stays_alone),
        cmocka_unit_test(test_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
