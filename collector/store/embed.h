/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The collector's own redis-server: a child on a unix socket in its own folder, append-only file
 * synced at each write.
 *
 * Two locks keep it single. DATA/redis/owner is held by the collector, so a second collector on the
 * same folder is refused. DATA/redis/lock is inherited by the child and dies with it: who can take
 * it knows that no redis-server writes here, who can't adopts the live one (left by a killed
 * collector). A child that ends is started again.
 */
#ifndef COLLECTOR_STORE_EMBED_H
#define COLLECTOR_STORE_EMBED_H

#include <stdint.h>

struct store_embed;

struct store_embed_conf {
    const char *dir;     /* its folder; made when missing, 0700 */
    const char *program; /* NULL: redis-server on PATH */
    uint64_t memory_max; /* bytes; 0: half of the machine's */
};

/**
 * Start or adopt. NULL and a log line when neither works. Makes one thread that watches the child.
 */
struct store_embed *store_embed_start(const struct store_embed_conf *conf);

/** The address for store_open, owned by it. */
const char *store_embed_address(const struct store_embed *e);

/** Process id now (0 while there is none); for tests and the log. */
int store_embed_pid(const struct store_embed *e);

/** End the child (it syncs and leaves) and wait for it, then free. NULL is allowed. */
void store_embed_stop(struct store_embed *e);

#endif
