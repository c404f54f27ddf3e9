/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The last seconds of a worker's packets, in memory: what stood on the wire before an alert.
 *
 * The worker puts each frame of a flow behind the one before and keeps the place in the flow; so
 * the frames of a flow form a chain through the ring, backwards. When a flow alerts, the writer
 * thread follows its chain and copies what has not been overwritten yet. Nobody waits: the worker
 * never asks whether somebody reads, and the reader learns afterwards whether what it copied was
 * still whole. A frame beyond EVIDENCE_FLOW_MAX bytes of its flow, or after the flow's keys were
 * agreed on, is not kept.
 */
#ifndef SENSOR_EVIDENCE_RING_H
#define SENSOR_EVIDENCE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evidence_ring;
struct flow;
struct frame;

/** Bytes kept of a flow, and of one frame. */
#define EVIDENCE_FLOW_MAX  (64u << 10)
#define EVIDENCE_FRAME_MAX (16u << 10)

/** A frame as it was kept. */
struct evidence_frame {
    uint64_t before; /* place of the flow's frame before it; 0: it is the first */
    uint64_t ts_ns;
    uint32_t len; /* bytes kept */
    uint32_t wire_len;
    uint32_t link; /* LINKTYPE_* */
};

/** A ring of `bytes` (power of two, at least 1 MiB); NULL when there is no memory. */
struct evidence_ring *evidence_ring_create(size_t bytes);

/** Keep a frame of `f`; f->evidence_at becomes its place. Worker only; no call, no wait. */
void evidence_ring_put(struct evidence_ring *r, struct flow *f, const struct frame *frame);

/** Keep nothing more of `f`: what follows is ciphertext. */
void evidence_ring_close(struct flow *f);

/**
 * Copy the frame at `place` into `bytes` (EVIDENCE_FRAME_MAX). False when it has been overwritten.
 * Any thread.
 */
bool evidence_ring_get(const struct evidence_ring *r, uint64_t place, struct evidence_frame *out,
                       uint8_t *bytes);

/** Free. NULL is allowed. */
void evidence_ring_free(struct evidence_ring *r);

#endif
