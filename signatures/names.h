/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Names made numbers: flowbits, address expressions, file names. Ids count from 0 in the order of
 * first use.
 */
#ifndef SIGNATURES_NAMES_H
#define SIGNATURES_NAMES_H

#include <stdint.h>

#include "signatures/text.h"

struct arena;
struct names;

/** A table that copies its names into `arena` (borrowed). */
struct names *names_create(struct arena *arena);

/** The id of a name, a new one when it is not known yet. */
uint32_t names_id(struct names *n, struct text name);

/** The id of a known name, or UINT32_MAX. */
uint32_t names_find(const struct names *n, struct text name);

/**
 * All names by id, NUL-ended, in the arena; `count` receives how many. Valid until the table
 * grows or is freed.
 */
const char *const *names_list(const struct names *n, uint32_t *count);

/** Free the table; the names live on in the arena. NULL is allowed. */
void names_free(struct names *n);

#endif
