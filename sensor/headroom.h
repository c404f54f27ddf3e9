/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Whether a rule set can be loaded beside the one in force: what it will take, and what there is.
 * Asked before the load, so that a reload never ends the engine for want of memory.
 */
#ifndef SENSOR_HEADROOM_H
#define SENSOR_HEADROOM_H

#include <stdbool.h>
#include <stdint.h>

/** Bytes at the most, from measured sets, with a margin of a fifth. */
struct headroom_need {
    uint64_t loader; /* while it parses and compiles; gone afterwards */
    uint64_t set;    /* the new set beside the old one, until no worker holds that */
};

/** What is to be loaded: rule files by bytes and lines, bundles by their packed bytes. */
struct headroom_sources {
    uint64_t text, lines, packed;
};

/** What they will need. */
struct headroom_need headroom_need(const struct headroom_sources *s);

/** Add the open file `fd` to the sources; its place is kept. What can't be read counts nothing. */
void headroom_weigh(struct headroom_sources *s, int fd, bool packed);

/**
 * Bytes that may still be taken: of the machine (MemAvailable), or less where a control group
 * limits us. `root` is "" but in tests. False when the system does not say.
 */
bool headroom_free(const char *root, uint64_t *out);

#endif
