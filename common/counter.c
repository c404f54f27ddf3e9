/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of counters. */
#include "config.h"
#include "common/counter.h"

#include <stdlib.h>

#include "common/xalloc.h"

struct counter_block counter_block_create(const struct counter_def *defs)
{
    size_t n = 0;
    while (defs[n].name)
        n++;
    return (struct counter_block){ .slots = xcalloc(n + 1, sizeof(uint64_t)) };
}

void counter_block_free(struct counter_block *b)
{
    free(b->slots);
    b->slots = NULL;
}
