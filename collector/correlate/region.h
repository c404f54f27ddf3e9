/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Campaigns (K4): the region's memory of what states have in common.
 *
 * Sightings of one indicator come from the states' outboxes. Two states that saw it within 72 hours
 * of each other make a campaign, when the indicator is good enough: a name that a rule about
 * attackers' names matched (prior 25 percent and more), an address of a rule that is right every
 * second time, or either in two stages of an attack. A campaign proposes; it merges nothing.
 *
 * The region sees all of it. A state sees a projection, written for it: the indicator (which it saw
 * itself), in how many other states, since when, its own part, and of the others only those that
 * released theirs. Values are absolute and the same whatever the order of sightings.
 */
#ifndef CORRELATE_REGION_H
#define CORRELATE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/correlate/indicator.h"
#include "common/state.h"

struct json;
struct region;

/** Two states belong together within this. */
#define REGION_WINDOW_MS (72 * 3600000ull)

/** A sighting that stayed alone is forgotten after this: others' may have waited out a cut. */
#define REGION_WAIT_MS (7 * 86400000ull)

/** A campaign is forgotten this long after its last sighting. */
#define REGION_KEEP_MS (30 * 86400000ull)

/** Signals that one state's part names; beyond it they are not counted ("more" says so). */
#define REGION_SIGNALS 512

/** One indicator in the region; opaque but for these. */
struct campaign {
    struct indicator indicator;
    char id[INDICATOR_ID_MAX];
    uint64_t version; /* rises with each change that was committed */
    bool joined;      /* a campaign; else a sighting that waits for another state's */
    uint64_t first_ms, last_ms;
    unsigned states; /* set of 1 << state index */
    struct part *parts[STATE_COUNT];
    bool dirty;
};

/** An empty memory. */
struct region *region_create(void);

/** Free. NULL is allowed. */
void region_free(struct region *r);

/** A state saw something. */
void region_hit(struct region *r, unsigned state, const struct hit *h);

/** A state lets others see its part of campaign `id`, or no longer. Unknown ids are ignored. */
void region_release(struct region *r, unsigned state, const char *id, bool released);

/** What changed since the last region_committed: versions have risen. The array is the region's. */
size_t region_changes(struct region *r, struct campaign ***out);

/** The changes are in the store. */
void region_committed(struct region *r);

/** The campaign of an id, or NULL. */
struct campaign *region_find(const struct region *r, const char *id);

/**
 * Forget what is past its window by `now_ms`, at most `max`; ids go to `out`. Returns how many.
 */
size_t region_expire(struct region *r, uint64_t now_ms, char (*out)[INDICATOR_ID_MAX], size_t max);

/** How many campaigns there are (sightings that wait are not). */
size_t region_count(const struct region *r);

/** Write it whole, as the region sees it and as region_restore reads it. */
void campaign_write(const struct campaign *c, struct json *out);

/** Take in what campaign_write wrote; 0 or ABENG_EFORMAT. */
int region_restore(struct region *r, const char *json, size_t len);

/** Write what `state` may see. */
void campaign_project(const struct campaign *c, unsigned state, struct json *out);

#endif
