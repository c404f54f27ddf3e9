/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from texts to pointers; keyed hashing, since outsiders choose the texts. Not
 * thread-safe.
 */
#ifndef CORRELATE_TABLE_H
#define CORRELATE_TABLE_H

#include <stddef.h>

struct table;

/** An empty table. Keys are copied; values stay the caller's. */
struct table *table_create(void);

/** Free the table and its keys, not its values. NULL is allowed. */
void table_free(struct table *t);

/** The value under `key`, or NULL. */
void *table_find(const struct table *t, const char *key);

/** Put `value` (not NULL) under `key`; returns what was there before, or NULL. */
void *table_put(struct table *t, const char *key, void *value);

/** Take `key` out; returns its value, or NULL when it was not there. */
void *table_remove(struct table *t, const char *key);

/** How many keys it holds. */
size_t table_count(const struct table *t);

/**
 * Walk in no particular order: start with `*at` 0; returns the next value or NULL at the end.
 * Entries may be removed only after the walk.
 */
void *table_next(const struct table *t, size_t *at);

#endif
