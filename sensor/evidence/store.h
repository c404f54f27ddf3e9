/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Evidence on disk: the frames of flows that alerted, for a request that may come days later.
 *
 * For an alert the writer thread gathers its flow's frames from the worker's ring (ring.h) into an
 * extent, a whole pcap file of its own, appends it to the current evidence file, and writes file,
 * offset, length and hash into the alert. Files are made by the monitor, which keeps them below a
 * bound of bytes and of age; nobody reads one but the short-lived process of extract.h. What the
 * disk or the budget of bytes per second does not take is counted, and the alert goes without.
 */
#ifndef SENSOR_EVIDENCE_STORE_H
#define SENSOR_EVIDENCE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"
#include "common/event.h"
#include "common/sign.h"

struct evidence_ring;
struct evidence_store;

/** A file's name with its NUL: 16 digits of the epoch, 8 of a count. */
#define EVIDENCE_NAME_MAX 40

/** An extent's most bytes: a flow's, with a header for each frame. */
#define EVIDENCE_EXTENT_MAX (160u << 10)

/** Where an alert's evidence lies. */
struct evidence_place {
    char file[EVIDENCE_NAME_MAX];
    uint64_t offset;
    uint32_t length, packets;
    char hash[SIGN_DIGEST_TEXT]; /* BLAKE2b-256 of the extent */
};

/** Counter names of this stage, ended by a NULL name. */
extern const struct counter_def evidence_counters[];

/** How a new file comes: its descriptor, or an error; the monitor stands behind it. */
typedef int evidence_create(void *arg, const char *name);

/** A store that makes files through `create`. Never NULL. One thread uses it. */
struct evidence_store *evidence_store_create(evidence_create *create, void *arg,
                                             struct counter_block *counters);

/**
 * Keep what the ring still has of the flow whose last frame stands at `place`. False when there is
 * nothing of it, or no room; then `out` is not set. The same place again gives the same answer
 * without writing.
 */
bool evidence_store_keep(struct evidence_store *s, const struct evidence_ring *r, uint64_t flow_id,
                         uint64_t place, struct evidence_place *out);

/** fsync once a second; call between records. */
void evidence_store_sync(struct evidence_store *s);

/** Close after a last fsync. NULL is allowed. */
void evidence_store_free(struct evidence_store *s);

#endif
