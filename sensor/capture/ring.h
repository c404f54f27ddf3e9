/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of capture/: what the maker of a ring and its reader share. */
#ifndef SENSOR_CAPTURE_RING_H
#define SENSOR_CAPTURE_RING_H

#include <linux/filter.h>

/**
 * Blocks are all of this size: what a frame of 64 KiB fits in. A block is handed over part-filled
 * after some milliseconds, so a quiet line fills a ring of few large blocks in no time while an
 * engine is being restarted; many small ones keep seconds of it.
 */
#define RING_BLOCK_BYTES (128u << 10)
#define RING_BLOCKS_MIN  16
#define RING_BLOCKS_MAX  32768

/** Most instructions of the fanout program. */
#define FANOUT_PROGRAM_MAX 256

/** Write the classic BPF program that steers by IP pair (steer.h) into `out`; returns its length.
 */
unsigned fanout_program(struct sock_filter out[FANOUT_PROGRAM_MAX]);

#endif
