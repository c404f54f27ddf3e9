/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What survives an engine that dies: memory that monitor and engine share, one slot a worker.
 *
 * While it lives the worker notes how far it is: the place in each ring up to which frames are
 * through, and sums. When a signal kills it, a handler on a stack of its own copies the frame at
 * hand and where the processor stood. The monitor then keeps frame and signature as files, adds the
 * sums to those of earlier lives, counts the flows that are lost, and the next engine goes on
 * behind the last frame that was through, without the one that killed.
 *
 * Noting is plain stores by the slot's own worker; nobody reads before the engine is dead. What the
 * engine left is data of a process that may have been taken over: the monitor bounds every number.
 */
#ifndef SENSOR_BLACKBOX_H
#define SENSOR_BLACKBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "sensor/engine.h"

struct frame;

/** Bytes of a frame that are kept. */
#define BLACKBOX_FRAME_MAX 65536u

/** A place in a ring: block by the kernel's number, frames of it that are through, and which one is
 * to be left out (UINT32_MAX: none). */
struct blackbox_place {
    uint64_t block;
    uint32_t through, skip;
};

/** Sums of one life, or of all before this one. */
struct blackbox_sums {
    uint64_t received, dropped; /* by the kernel's count, as of the last look */
    uint64_t taken, shed;       /* frames through all stages or shed; those shed */
    uint64_t killed;            /* frames that were left out because they killed */
    uint64_t flows_lost;        /* flows that an engine's death ended without a record */
    uint64_t lives;             /* engines that died */
};

/** What is being done. */
struct blackbox_mark {
    const struct frame *volatile at; /* decoded or inspected now; NULL: none */
    volatile uint32_t through;       /* frames of the burst that are through */
};

struct blackbox_slot {
    struct blackbox_mark mark;
    const struct frame *burst; /* first frame of the burst at hand */
    uint32_t interface;        /* it came from */
    struct blackbox_place places[ENGINE_INTERFACES_MAX];
    struct blackbox_sums sums; /* of this life */
    uint64_t flows;            /* in the table, as of the last tick */
    /* by the handler */
    uint32_t signal; /* 0: none came */
    uint32_t link, len, wire_len;
    uint64_t ts_ns, code; /* code: address of the instruction */
    uint8_t frame[BLACKBOX_FRAME_MAX];
};

struct blackbox {
    unsigned workers;
    struct blackbox_sums before; /* of all lives that are over; the monitor's */
    struct blackbox_slot slots[];
};

/** Shared memory for `workers`; before the engine is forked. NULL when there is none. */
struct blackbox *blackbox_create(unsigned workers);

/** Catch what kills this process. Once, in the engine. */
void blackbox_arm(void);

/** Give the calling thread a stack for the handler, and `slot` to note into. False: no memory. */
bool blackbox_watch(struct blackbox_slot *slot);

/** Free what blackbox_watch made; in the same thread. */
void blackbox_unwatch(void);

/**
 * The engine is dead: keep frames and signatures as files in the folder `dir_fd` (crash-….pcap,
 * crash-….json; those of an equal signature are replaced, at most BLACKBOX_KEPT signatures), close
 * the sums of its life, make the slots ready for the next one. The monitor.
 */
void blackbox_close_life(struct blackbox *b, int dir_fd);

/** Signatures kept at most; more are told in the log alone. */
#define BLACKBOX_KEPT 32u

#endif
