/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges aligned to huge pages. */
#include "config.h"
#include "common/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/log.h"

static size_t rounded(size_t size)
{
    return (size + PAGES_HUGE - 1) & ~(PAGES_HUGE - 1);
}

void *pages_try_alloc(size_t size)
{
    if (size > SIZE_MAX - 2 * PAGES_HUGE)
        return NULL;
    size_t want = rounded(size);
    uint8_t *all = mmap(NULL, want + PAGES_HUGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    /* What lies before the edge and behind the range goes back. */
    size_t before = (PAGES_HUGE - (uintptr_t)all % PAGES_HUGE) % PAGES_HUGE;
    if (before)
        munmap(all, before);
    munmap(all + before + want, PAGES_HUGE - before);
    (void)madvise(all + before, want, MADV_HUGEPAGE); /* without them it works, slower */
    return all + before;
}

void *pages_alloc(size_t size, const char *what)
{
    void *at = pages_try_alloc(size);
    if (!at) {
        log_error("memory", "cannot reserve %zu bytes of address space for %s: %m", size, what);
        abort();
    }
    return at;
}

void pages_warm(void *at, size_t size)
{
    (void)madvise(at, rounded(size), MADV_POPULATE_WRITE); /* since Linux 5.14 */
}

void pages_free(void *at, size_t size)
{
    if (at)
        munmap(at, rounded(size));
}
