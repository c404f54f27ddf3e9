/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Runs of bytes, each kept once: texts, address sets, lists of rules. For the loader: it allocates.
 */
#ifndef SENSOR_DETECT_INTERN_H
#define SENSOR_DETECT_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct buf;

struct intern_entry {
    uint64_t hash;
    uint32_t at, len; /* in the store */
};

/** Which runs of a store are known. Zeroed: empty. */
struct intern {
    struct intern_entry *entries; /* in the order they came */
    uint32_t count, cap;
    uint32_t *slots; /* entry + 1 */
    uint32_t slot_count;
};

/**
 * Number of the run `bytes` of `len`, appended to `store` when it is new. Numbers count from 0 as
 * runs come.
 */
uint32_t intern_add(struct intern *in, struct buf *store, const void *bytes, size_t len);

/** Free. The store stays the caller's. */
void intern_free(struct intern *in);

#endif
