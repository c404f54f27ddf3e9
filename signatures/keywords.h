/* SPDX-License-Identifier: Apache-2.0 */
/**
 * All keywords, sticky buffers and legacy modifiers by name: what the parser needs to know of
 * keyword/, where each is implemented.
 */
#ifndef SIGNATURES_KEYWORDS_H
#define SIGNATURES_KEYWORDS_H

#include "signatures/text.h"

struct draft;
struct keyword_index;

/** A table of names to keywords, sticky buffers and legacy modifiers. */
struct keyword_index *keyword_index_create(void);

/**
 * Run one option of a rule on its draft: `name` and `value` (at NULL: none) as written. 0, or
 * ABENG_EFORMAT with the draft's reason.
 */
int keyword_index_run(const struct keyword_index *index, struct draft *d, struct text name,
                      struct text value);

/** Free. NULL is allowed. */
void keyword_index_free(struct keyword_index *index);

#endif
