/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The capture files that -r names, in order: files as they stand, folders by their names' order.
 */
#ifndef SENSOR_CAPTURES_H
#define SENSOR_CAPTURES_H

#include <stdbool.h>

struct captures;

/** Look at each of `count` paths. NULL after a log line when one is not there. */
struct captures *captures_list(const char *const *paths, unsigned count);

/**
 * Open the next one: its descriptor, its path in `*name` (valid until captures_free) and whether it
 * was named itself. -1 after the last; one that can't be opened is reported and passed over.
 */
int captures_next(struct captures *c, const char **name, bool *named);

/** How many could not be opened so far. */
unsigned captures_failed(const struct captures *c);

/** Free. NULL is allowed. */
void captures_free(struct captures *c);

#endif
