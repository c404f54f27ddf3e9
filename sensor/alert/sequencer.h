/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The sequencer: one thread that merges the workers' rings in engine order and decides what flows
 * share.
 */
#ifndef SENSOR_SEQUENCER_H
#define SENSOR_SEQUENCER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counter.h"

struct alert_record;
struct alert_ring;
struct detect_rule;
struct sequencer;

/**
 * Where finished records go. Called on the writer thread, in order; `rule` is NULL for a flow
 * record, `extra` the record's fragments; `dropped_action`: EVE says "blocked".
 */
typedef void sequencer_sink(void *arg, const struct alert_record *record,
                            const struct detect_rule *rule, const void *extra, bool dropped_action);

struct sequencer_conf {
    uint32_t alerts_per_packet; /* 0: 15 */
    /* Threshold and bit entries kept; 0: 262,144. The one untouched for longest goes first. */
    uint32_t track_entries_max;
};

/** Counter names of this stage, ended by a NULL name. */
extern const struct counter_def alert_counters[];

/** Over `count` rings, which stay the caller's. */
struct sequencer *sequencer_create(const struct sequencer_conf *conf, struct alert_ring **rings,
                                   unsigned count, sequencer_sink *sink, void *sink_arg,
                                   struct counter_block *counters);

/**
 * Merge what is ready. Returns how many records went on or were held back, 0 when none was ready,
 * ABENG_EOF when all rings are finished and empty.
 */
int sequencer_run(struct sequencer *s);

/** Free. NULL is allowed. */
void sequencer_free(struct sequencer *s);

#endif
