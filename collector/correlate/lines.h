/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The tables that people edit (classify.tsv, assets.tsv, damping.tsv): a text, one entry a line,
 * lines that are empty or begin with # left out; the first wrong one is named by path and number.
 */
#ifndef CORRELATE_LINES_H
#define CORRELATE_LINES_H

#include <stddef.h>

/** Takes one line, which it may change; what is wrong with it (static), or NULL. */
typedef const char *lines_take_fn(void *arg, char *line);

/**
 * Read the table at `path`, of at most `max` bytes. 0; ABENG_EIO, ABENG_ELIMIT or ABENG_EFORMAT
 * with one line in `why`.
 */
int lines_read(const char *path, size_t max, lines_take_fn *take, void *arg, char *why,
               size_t why_len);

#endif
