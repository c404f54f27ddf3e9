/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which grams share a bucket of a filter (lanes.h).
 *
 * Such a filter looks up a few keys of a place, each in a table of its own that says which buckets
 * have that value, and lets the place pass when some bucket has all of them. So a bucket lets
 * through not only what was put into it but all that is made of its values: alike items belong
 * together, and how much a value weighs is how often traffic has it.
 */
#ifndef SENSOR_DETECT_BUCKETS_H
#define SENSOR_DETECT_BUCKETS_H

#include <stdint.h>

#define BUCKETS_KEYS_MAX   8
#define BUCKETS_VALUES_MAX 128
/** As a key's value: all values will do. */
#define BUCKETS_ANY UINT8_MAX
/** The weights of a key's values add up to this. */
#define BUCKETS_WHOLE (1u << 20)

/** The keys of a place and what is known of traffic. */
struct buckets_model {
    unsigned keys;   /* of each place */
    unsigned values; /* of each key */
    uint32_t weights[BUCKETS_KEYS_MAX][BUCKETS_VALUES_MAX];
};

/** An item's values. */
struct buckets_item {
    uint8_t value[BUCKETS_KEYS_MAX];
};

/**
 * Put each of `count` items into one of `buckets` buckets, its number into `out`. Those that let
 * most through stand best first: they then get buckets of their own. Returns which share of
 * traffic's places passes, were the keys independent of each other. The same items in the same
 * order give the same buckets.
 */
double buckets_spread(const struct buckets_model *m, const struct buckets_item *items,
                      uint32_t count, unsigned buckets, uint8_t *out);

#endif
