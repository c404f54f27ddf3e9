/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Compiled rule sets on disk. The folder is the monitor's alone (0700); each set stands in one file
 * named by its key, under a BLAKE2b hash keyed with a secret of the folder, since Hyperscan itself
 * checks only a CRC when it reads a database back.
 */
#ifndef SENSOR_CACHE_H
#define SENSOR_CACHE_H

#include <stdint.h>

/** Sets kept; the least recently used go first. */
#define CACHE_SETS_MAX 16

/** Largest file taken from or put into the cache. */
#define CACHE_FILE_MAX (1ull << 30)

/** As files_cache_get, in the open folder `dir`. */
int cache_get(int dir, const char *key, int *image, int *report, uint64_t counts[2]);

/** As files_cache_put, in the open folder `dir`. */
void cache_put(int dir, const char *key, int image, int report, const uint64_t counts[2]);

#endif
