/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Counters: every stage exports a const table of names; each thread has its own block of slots and
 * adds without atomics; readers sum the blocks. A slot is one naturally aligned uint64_t, so a
 * reader on another thread sees an old or a new value, never a torn one. Names are `stage.what`; a
 * drop's counter is named after its reason.
 */
#ifndef COMMON_COUNTER_H
#define COMMON_COUNTER_H

#include <stdint.h>

struct counter_def {
    const char *name; /* "decode.truncated" */
    const char *help; /* one line, for Prometheus */
};

struct counter_block {
    uint64_t *slots; /* one per definition of the stage's table, owner: who made the block */
};

/**
 * A block with a cleared slot for each row of `defs` (ended by a NULL name), to be given back with
 * counter_block_free. Dies when memory is out.
 */
struct counter_block counter_block_create(const struct counter_def *defs);

/** Free the slots. */
void counter_block_free(struct counter_block *b);

/** Add `n` to slot `id` of the calling thread's block. */
static inline void counter_add(struct counter_block *b, unsigned id, uint64_t n)
{
    __atomic_store_n(&b->slots[id], b->slots[id] + n, __ATOMIC_RELAXED);
}

/** Read slot `id` from any thread. */
static inline uint64_t counter_read(const struct counter_block *b, unsigned id)
{
    return __atomic_load_n(&b->slots[id], __ATOMIC_RELAXED);
}

#endif
