/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Large memory straight from the system: tables, rings and the reserve of a slab. It begins at a
 * huge page's edge and asks for huge pages, since the packet path walks it at random: a fault costs
 * micro-seconds, and a small page's translation a walk of its own.
 */
#ifndef COMMON_PAGES_H
#define COMMON_PAGES_H

#include <stddef.h>

/** What huge pages are multiples of; sizes are rounded up to it. */
#define PAGES_HUGE ((size_t)2 << 20)

/**
 * `size` bytes of address space, cleared; memory is taken when it is first touched. NULL when the
 * system refuses.
 */
void *pages_try_alloc(size_t size) __attribute__((warn_unused_result));

/** As pages_try_alloc at start-up: ends the process with a line that names `what` it was for. */
void *pages_alloc(size_t size, const char *what) __attribute__((returns_nonnull));

/**
 * Take memory for `size` bytes at `at` now, so that the packet path need not ask for it. Where
 * there is none to be had, or the kernel cannot, it is taken as it is touched.
 */
void pages_warm(void *at, size_t size);

/** Give back what pages_try_alloc gave for `size`. NULL is allowed. */
void pages_free(void *at, size_t size);

#endif
