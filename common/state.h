/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The fifteen member states of CARICOM and the region itself: the code is the hash tag of the
 * state's keys, part of its lanes' names and of its incidents' numbers.
 */
#ifndef COMMON_STATE_H
#define COMMON_STATE_H

#include <stddef.h>

/** Rows of the table: fifteen members, then the region. */
#define STATE_COUNT 16

/** Index of the region ("rg"), the last row. */
#define STATE_REGION (STATE_COUNT - 1)

struct state {
    const char code[4]; /* ISO 3166-1 alpha-2 in lower case, or "rg" */
    const char *name;   /* as the Community writes it */
};

/** Row `index` (below STATE_COUNT); static. */
const struct state *state_at(unsigned index);

/** Index of a code of `len` bytes (lower case), or ABENG_ENOENT. */
int state_find(const char *code, size_t len);

#endif
