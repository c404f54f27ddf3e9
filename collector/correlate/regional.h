/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The region's memory (region.h) to and from the store: outboxes in, campaigns and projections out.
 * A sighting is read again after a kill, which changes nothing; a projection that is owed is
 * written before anything new is read.
 */
#ifndef CORRELATE_REGIONAL_H
#define CORRELATE_REGIONAL_H

#include <stddef.h>
#include <stdint.h>

struct regional;
struct store_conn;

/** Load what the store has, as the owner of the region with number `fence`. NULL: try again. */
struct regional *regional_load(struct store_conn *c, uint64_t fence);

/** Free. NULL is allowed. */
void regional_free(struct regional *r);

/**
 * Read what states put into their outboxes, commit, project. The number of sightings, 0 when there
 * were none; ABENG_EDENIED when the region is another's now, ABENG_EAGAIN.
 */
int regional_serve(struct regional *r, struct store_conn *c);

/** Forget what is past its window at `now_ms`. */
void regional_expire(struct regional *r, uint64_t now_ms);

/** Campaigns now. */
size_t regional_count(const struct regional *r);

#endif
