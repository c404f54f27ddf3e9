/* SPDX-License-Identifier: Apache-2.0 */
/* Size-class allocator over one reserved range. */
#include "config.h"
#include "common/slab.h"

#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/log.h"
#include "common/xalloc.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

#define CLASS_MIN_SHIFT 5
#define CLASS_MAX_SHIFT 20
#define CLASS_COUNT (CLASS_MAX_SHIFT - CLASS_MIN_SHIFT + 1)
#define CHUNK_BYTES (1u << CLASS_MAX_SHIFT)

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
    size_t taken; /* bytes of the reserve cut into chunks */
    struct slab_stats stats;
};

static unsigned class_of(size_t size)
{
    unsigned shift = CLASS_MIN_SHIFT;
    if (size > (1u << CLASS_MIN_SHIFT))
        shift = 64 - (unsigned)__builtin_clzll((unsigned long long)size - 1);
    return shift - CLASS_MIN_SHIFT;
}

size_t slab_round(size_t size)
{
    return (size_t)1 << (class_of(size) + CLASS_MIN_SHIFT);
}

struct slab *slab_create(size_t cap)
{
    struct slab *s = xcalloc(1, sizeof(*s));
    /* Blocks of one class are not reused by another, so the range is wider than the cap: pages
     * never touched cost nothing, and the cap counts what is handed out. */
    s->reserved = (cap + (size_t)CLASS_COUNT * CHUNK_BYTES) * 2;
    s->base = mmap(NULL, s->reserved, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->base == MAP_FAILED) {
        log_error("memory", "cannot reserve %zu bytes of address space: %m", s->reserved);
        abort();
    }
    s->stats.cap = cap;
    return s;
}

void slab_free_all(struct slab *s)
{
    if (!s)
        return;
    ASAN_UNPOISON_MEMORY_REGION(s->base, s->reserved);
    munmap(s->base, s->reserved);
    free(s);
}

static void *take_fresh(struct slab *s, struct size_class *c, size_t bytes)
{
    if (c->fresh == c->fresh_end) {
        if (s->reserved - s->taken < CHUNK_BYTES)
            return NULL;
        c->fresh = s->base + s->taken;
        c->fresh_end = c->fresh + CHUNK_BYTES;
        s->taken += CHUNK_BYTES;
        ASAN_POISON_MEMORY_REGION(c->fresh, CHUNK_BYTES);
    }
    void *p = c->fresh;
    c->fresh += bytes;
    return p;
}

void *slab_try_alloc(struct slab *s, size_t size)
{
    unsigned n = class_of(size);
    size_t bytes = (size_t)1 << (n + CLASS_MIN_SHIFT);
    if (size > SLAB_BLOCK_MAX || bytes > s->stats.cap - s->stats.used) {
        s->stats.failed++;
        return NULL;
    }
    struct size_class *c = &s->classes[n];
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
    if (block && size <= SLAB_BLOCK_MAX && class_of(size) == class_of(old_size)) {
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
    unsigned n = class_of(size);
    struct free_block *f = block;
    ASAN_UNPOISON_MEMORY_REGION(f, sizeof(*f));
    f->next = s->classes[n].free;
    s->classes[n].free = f;
    s->stats.used -= (size_t)1 << (n + CLASS_MIN_SHIFT);
    ASAN_POISON_MEMORY_REGION(block, (size_t)1 << (n + CLASS_MIN_SHIFT));
}

void slab_stats(const struct slab *s, struct slab_stats *out)
{
    *out = s->stats;
}
