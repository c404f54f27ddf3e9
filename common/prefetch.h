/* SPDX-License-Identifier: Apache-2.0 */
/** Asking for memory before it is looked at. */
#ifndef COMMON_PREFETCH_H
#define COMMON_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64

/** Ask for the cache lines from `at` on, one in each CACHE_LINE of `bytes`; any address will do. */
static inline void prefetch(const void *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += CACHE_LINE)
        __builtin_prefetch((const uint8_t *)at + i);
}

#endif
