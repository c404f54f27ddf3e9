/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One worker: the packet's way through all stages, from frame to alert record, run to completion on
 * one thread.
 *
 * Stages return, they never call onward: this file is where the data's way is written down. For a
 * packet: flow → stream → app (both directions that have new bytes) → classify → detect → record.
 * Flows that end take the same way once more in each direction with what was not acknowledged, as a
 * pseudo packet. Nothing here allocates after worker_create, locks, or asks the system for
 * anything.
 */
#ifndef SENSOR_WORKER_H
#define SENSOR_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"
#include "sensor/app/classify.h"

struct alert_ring;
struct blackbox_mark;
struct detect_ruleset;
struct evidence_ring;
struct frame;
struct live_board;
struct targets;
struct worker;

/** What all workers share and none changes. */
struct worker_conf {
    bool profile_abeng, check_checksums, midstream, async_oneside, ndpi, block_when_full;
    bool flow_records; /* a record for each flow that ends, too */
    const struct targets *targets; /* who runs what; outlives the workers */
    uint32_t stream_depth; /* bytes; 0: default */
    uint32_t flows_max;    /* 0: default */
    size_t memory;         /* bytes of the packet path */
    struct classify_conf classify;
    uint64_t hash_seed;
    uint16_t number;         /* of this worker */
    struct live_board *live; /* told of VLANs; NULL: files */
    struct blackbox_mark *mark; /* what is being done is noted there; NULL: nowhere */
    struct alert_ring *files; /* for files to be stored; NULL: none are */
    size_t evidence;         /* bytes of the evidence ring, a power of two; 0: none */
};

/** Stages that count, in the order in which stats.json lists them. */
enum worker_stage {
    WORKER_STAGE_DECODE,
    WORKER_STAGE_FLOW,
    WORKER_STAGE_STREAM,
    WORKER_STAGE_APP,
    WORKER_STAGE_CLASSIFY,
    WORKER_STAGE_DETECT,
    WORKER_STAGE_WORKER,
    WORKER_STAGES
};

/** The counter names of a stage, ended by a NULL name. Static. */
const struct counter_def *worker_stage_counters(enum worker_stage stage);

/**
 * Make a worker that puts its records into `ring` (borrowed) and detects with `rules` (held). NULL
 * when a stage can't be made; a log line says why.
 */
struct worker *worker_create(const struct worker_conf *conf, struct detect_ruleset *rules,
                             struct alert_ring *ring);

/**
 * Process `count` frames; `numbers` are their places in the whole capture, `nows` the engine time
 * of each (never running backwards).
 */
void worker_burst(struct worker *w, const struct frame *frames, const uint64_t *numbers,
                  const uint64_t *nows, unsigned count);

/**
 * Before each burst of a live worker: the interface it comes from, and how full that one's ring is,
 * in thousandths. It sheds by that (shed.h).
 */
void worker_source(struct worker *w, unsigned interface, unsigned permille);

/**
 * Engine time has come to `now_ns`: end flows that are due, and let the sequencer pass. Between
 * bursts.
 */
void worker_tick(struct worker *w, uint64_t now_ns);

/** Go over to another rule set (held); between bursts. */
void worker_swap_rules(struct worker *w, struct detect_ruleset *rules);

/** End all flows, put their records, finish the ring. */
void worker_finish(struct worker *w);

/** Its ring of recent packets, NULL when there is none; the worker's own. */
const struct evidence_ring *worker_evidence(const struct worker *w);

/** Counters of a stage; any thread may read them. */
const struct counter_block *worker_counters(const struct worker *w, enum worker_stage stage);

/** Frames shed so far; any thread. */
uint64_t worker_shed(const struct worker *w);

/** Flows in the table; the worker's own thread. */
uint64_t worker_flows(const struct worker *w);

/** Note the processor time that the calling thread, the worker's own, has taken so far. */
void worker_note_cpu(struct worker *w);

/** What was noted last, ns; any thread. */
uint64_t worker_cpu_ns(const struct worker *w);

/** Frames taken so far; any thread. */
uint64_t worker_packets(const struct worker *w);

/**
 * Take memory that the worker will need next, so that its packets need not wait for the system. For
 * one other thread, now and then.
 */
void worker_warm_ahead(struct worker *w);

/** Bytes of packet-path memory at the most so far. */
uint64_t worker_memory_peak(const struct worker *w);

/** Free. NULL is allowed. */
void worker_free(struct worker *w);

#endif
