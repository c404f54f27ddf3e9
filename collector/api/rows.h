/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents as rows with detail, for exports, reports and TAXII. */
#ifndef API_ROWS_H
#define API_ROWS_H

#include "collector/api/internal.h"

/** Called for each row; borrowed. Returns whether to go on. */
typedef bool rows_each_fn(void *arg, const char *id, const json_t *row);

/** One incident's row, a new reference; NULL when the scope may not see it. */
json_t *rows_one(const struct api *a, unsigned scope, const char *id);

/**
 * All incidents of a scope that a search finds (NULL: the open ones), in the queue's order. 0,
 * ABENG_EFORMAT (the search can't be understood), ABENG_EAGAIN (still loading).
 */
int rows_each(const struct api *a, unsigned scope, const char *search, rows_each_fn *each,
              void *arg);

/** A member that is a time, as ms since 1970; 0 when there is none. */
uint64_t rows_time(const json_t *row, const char *key);

#endif
