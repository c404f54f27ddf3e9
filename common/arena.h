/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An arena: many small things that die together (a rule set being read, an HTTP request). Dies when
 * memory is out, so it belongs to slow paths. Not thread-safe.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stddef.h>

struct arena;

/** An empty arena that grows by blocks of `block` bytes (0: 64 KiB). */
struct arena *arena_create(size_t block);

/** Free everything in it and itself. NULL is allowed. */
void arena_free(struct arena *a);

/** `size` bytes, 16-byte aligned, cleared. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));

/** A copy of `len` bytes. */
void *arena_memdup(struct arena *a, const void *bytes, size_t len) __attribute__((returns_nonnull));

/** A copy of `len` bytes of text, ended with NUL. */
char *arena_strndup(struct arena *a, const char *text, size_t len) __attribute__((returns_nonnull));

/** A copy of a string. */
char *arena_strdup(struct arena *a, const char *text) __attribute__((returns_nonnull));

/** printf into the arena. */
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

/** Bytes handed out so far. */
size_t arena_used(const struct arena *a);

#endif
