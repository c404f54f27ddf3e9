/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Memory at start and in slow paths: these end the process with one line when memory is out, so
 * callers need no check. The packet path uses pools and slabs (`*_try_*`) that return NULL, are
 * counted, and shed load.
 */
#ifndef COMMON_XALLOC_H
#define COMMON_XALLOC_H

#include <stddef.h>

/** malloc that ends the process when memory is out. `size` 0 gives a valid pointer. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));

/** calloc likewise; a product that overflows ends the process too. */
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/** Resize an array to `count` elements of `size`; dies on overflow or want of memory. */
void *xreallocarray(void *old, size_t count, size_t size) __attribute__((returns_nonnull));

/** Copy a string; the caller frees. */
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));

/** Copy `len` bytes and end them with NUL; the caller frees. */
char *xstrndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull));

/** Copy `len` bytes; the caller frees. */
void *xmemdup(const void *bytes, size_t len) __attribute__((malloc, returns_nonnull));

/** printf into new memory; the caller frees. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#endif
