/* SPDX-License-Identifier: Apache-2.0 */
/* Size-class allocator over one reserved range. */
#include "config.h"
#include "common/slab.h"

#include <stdatomic.h>
#include <string.h>
#include <stdlib.h>

#include "common/pages.h"
#include "common/xalloc.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

/* Classes: steps of 16 bytes up to FINE_MAX, then four to each doubling up to SLAB_BLOCK_MAX. */
#define FINE_STEP   16u
#define FINE_SHIFT  7
#define FINE_MAX    (1u << FINE_SHIFT)
#define FINE_COUNT  (FINE_MAX / FINE_STEP)
#define MAX_SHIFT   20
#define CLASS_COUNT (FINE_COUNT + (MAX_SHIFT - FINE_SHIFT) * 4)

/* A class takes this much of the reserve at a time, more for larger blocks; the largest are taken
 * one by one, so that none is cut that nobody needs. */
#define CHUNK_BYTES  (64u << 10)
#define CHUNK_BLOCKS 16
#define ALONE_BYTES  (16u << 10)
#define CHUNK_MAX    (ALONE_BYTES * CHUNK_BLOCKS)

struct free_block {
    struct free_block *next;
};

struct size_class {
    struct free_block *free;
    uint8_t *fresh;     /* part of the newest chunk never handed out */
    uint8_t *fresh_end;
};

struct slab {
    struct size_class classes[CLASS_COUNT];
    uint8_t *base;
    size_t reserved;
    _Atomic size_t taken; /* bytes of the reserve cut into chunks; the owner writes it */
    size_t warm;          /* the system was asked for so many bytes of the reserve */
    struct slab_stats stats;
};

/* The class of a size and what a block of it holds. */
struct fit {
    unsigned n;
    size_t bytes;
};

static inline struct fit fit_of(size_t size)
{
    if (size <= FINE_MAX) {
        unsigned n = size ? (unsigned)(size - 1) / FINE_STEP : 0;
        return (struct fit){ n, (n + 1) * FINE_STEP };
    }
    unsigned shift = 63 - (unsigned)__builtin_clzll((unsigned long long)size - 1);
    unsigned quarter = (unsigned)((size - 1) >> (shift - 2)) & 3;
    return (struct fit){ FINE_COUNT + (shift - FINE_SHIFT) * 4 + quarter,
                         ((size_t)5 + quarter) << (shift - 2) };
}

size_t slab_round(size_t size)
{
    return fit_of(size).bytes;
}

static size_t chunk_of(size_t bytes)
{
    if (bytes >= ALONE_BYTES)
        return bytes;
    size_t chunk = bytes * CHUNK_BLOCKS;
    return (chunk + CHUNK_BYTES - 1) & ~(size_t)(CHUNK_BYTES - 1);
}

struct slab *slab_create(size_t cap)
{
    struct slab *s = xcalloc(1, sizeof(*s));
    /* Blocks of one class are not reused by another, so the range is wider than the cap: pages
     * never touched cost nothing, and the cap counts what is handed out. */
    s->reserved = (cap + (size_t)CLASS_COUNT * CHUNK_MAX) * 2;
    s->base = pages_alloc(s->reserved, "a worker");
    s->stats.cap = cap;
    return s;
}

size_t slab_warm_ahead(struct slab *s, size_t bytes)
{
    size_t taken = atomic_load_explicit(&s->taken, memory_order_relaxed), asked = 0;
    size_t end = s->reserved - taken < bytes ? s->reserved : taken + bytes;
    if (s->warm < taken)
        s->warm = taken;
    s->warm &= ~(PAGES_HUGE - 1);
    /* One page at a time: while it is cleared, nobody else can change the address space. */
    for (; s->warm < end; s->warm += PAGES_HUGE, asked += PAGES_HUGE)
        pages_warm(s->base + s->warm, PAGES_HUGE);
    return asked;
}

void slab_free_all(struct slab *s)
{
    if (!s)
        return;
    ASAN_UNPOISON_MEMORY_REGION(s->base, s->reserved);
    pages_free(s->base, s->reserved);
    free(s);
}

static void *take_fresh(struct slab *s, struct size_class *c, size_t bytes)
{
    if ((size_t)(c->fresh_end - c->fresh) < bytes) {
        size_t chunk = chunk_of(bytes);
        size_t taken = atomic_load_explicit(&s->taken, memory_order_relaxed);
        if (s->reserved - taken < chunk)
            return NULL;
        c->fresh = s->base + taken;
        c->fresh_end = c->fresh + chunk;
        atomic_store_explicit(&s->taken, taken + chunk, memory_order_relaxed);
        ASAN_POISON_MEMORY_REGION(c->fresh, chunk);
    }
    void *p = c->fresh;
    c->fresh += bytes;
    return p;
}

void *slab_try_alloc(struct slab *s, size_t size)
{
    struct fit fit = fit_of(size);
    size_t bytes = fit.bytes;
    if (size > SLAB_BLOCK_MAX || bytes > s->stats.cap - s->stats.used) {
        s->stats.failed++;
        return NULL;
    }
    struct size_class *c = &s->classes[fit.n];
    void *p = c->free;
    if (p) {
        ASAN_UNPOISON_MEMORY_REGION(p, sizeof(struct free_block));
        c->free = c->free->next;
    } else if (!(p = take_fresh(s, c, bytes))) {
        s->stats.failed++;
        return NULL;
    }
    ASAN_UNPOISON_MEMORY_REGION(p, size);
    s->stats.used += bytes;
    if (s->stats.used > s->stats.peak)
        s->stats.peak = s->stats.used;
    return p;
}

void *slab_try_zalloc(struct slab *s, size_t size)
{
    void *p = slab_try_alloc(s, size);
    return p ? memset(p, 0, size) : NULL;
}

void *slab_try_realloc(struct slab *s, void *block, size_t old_size, size_t size)
{
    if (block && size <= SLAB_BLOCK_MAX && fit_of(size).n == fit_of(old_size).n) {
        ASAN_UNPOISON_MEMORY_REGION(block, size);
        return block;
    }
    void *p = slab_try_alloc(s, size);
    if (p && block) {
        memcpy(p, block, old_size < size ? old_size : size);
        slab_free(s, block, old_size);
    }
    return p;
}

void slab_free(struct slab *s, void *block, size_t size)
{
    if (!block)
        return;
    struct fit fit = fit_of(size);
    struct free_block *f = block;
    ASAN_UNPOISON_MEMORY_REGION(f, sizeof(*f));
    f->next = s->classes[fit.n].free;
    s->classes[fit.n].free = f;
    s->stats.used -= fit.bytes;
    ASAN_POISON_MEMORY_REGION(block, fit.bytes);
}

/* In front of a block that remembers its size, which stays aligned behind it. */
struct sized_head {
    _Alignas(16) size_t size; /* with the head */
};

_Static_assert(sizeof(struct sized_head) == SLAB_BLOCK_MAX - SLAB_SIZED_MAX, "what a head takes");

void *slab_try_sized(struct slab *s, size_t size)
{
    size_t bytes = size <= SLAB_SIZED_MAX ? size + sizeof(struct sized_head) : SLAB_BLOCK_MAX + 1;
    struct sized_head *head = slab_try_alloc(s, bytes);
    if (!head)
        return NULL;
    head->size = bytes;
    return head + 1;
}

void slab_free_sized(struct slab *s, void *block)
{
    if (!block)
        return;
    struct sized_head *head = (struct sized_head *)block - 1;
    slab_free(s, head, head->size);
}

void slab_stats(const struct slab *s, struct slab_stats *out)
{
    *out = s->stats;
}
