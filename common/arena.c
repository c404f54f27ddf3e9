/* SPDX-License-Identifier: Apache-2.0 */
/* Bump allocation over a list of blocks. */
#include "config.h"
#include "common/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define DEFAULT_BLOCK (64u << 10)
#define ALIGNMENT 16u

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(16) uint8_t bytes[];
};

struct arena {
    struct block *head;
    size_t block, used;
};

struct arena *arena_create(size_t block)
{
    struct arena *a = xcalloc(1, sizeof(*a));
    a->block = block ? block : DEFAULT_BLOCK;
    return a;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct block *b = a->head, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

static struct block *new_block(struct arena *a, size_t least)
{
    size_t size = least > a->block ? least : a->block;
    struct block *b = xmalloc(sizeof(*b) + size);
    b->size = size;
    b->used = 0;
    b->next = a->head;
    a->head = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t need = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct block *b = a->head;
    if (!b || b->size - b->used < need)
        b = new_block(a, need);
    void *p = b->bytes + b->used;
    b->used += need;
    a->used += need;
    return memset(p, 0, size);
}

void *arena_memdup(struct arena *a, const void *bytes, size_t len)
{
    void *p = arena_alloc(a, len);
    if (len)
        memcpy(p, bytes, len);
    return p;
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
    char *p = arena_alloc(a, len + 1);
    memcpy(p, text, len);
    return p;
}

char *arena_strdup(struct arena *a, const char *text)
{
    return arena_strndup(a, text, strlen(text));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
    vsnprintf(p, (size_t)(n < 0 ? 0 : n) + 1, fmt, again);
    va_end(again);
    return p;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
