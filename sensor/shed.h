/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Shedding: what a live worker leaves out when its ring fills faster than it reads, so that the
 * kernel need not drop at random.
 *
 * In this order, each step taken and left again by how full the ring is, with a gap between the two
 * so that it does not flutter:
 *
 * 1. elephants past their depth: payload of flows that brought more than the reassembly depth in
 *    this direction, where nothing is put together any more (or the bytes are ciphertext);
 * 2. unidentified bulk: payload of flows whose protocol is not known by SHED_BULK_BYTES of this
 *    direction. Their reassembly ends there for good.
 *
 * What is shed skips applications, nDPI and detection. It still counts for its flow, renews its
 * timeout and moves its TCP session. Never shed: packets without payload, with SYN, FIN or RST,
 * DNS, and whatever has no flow. The flow is marked (flow.shed, `abeng.shed` of its record), the
 * packet counted: received = processed + shed + dropped.
 */
#ifndef SENSOR_SHED_H
#define SENSOR_SHED_H

#include <stdbool.h>
#include <stdint.h>

struct flow;
struct packet;

/** Fill of the ring in thousandths at which a step begins and ends. */
#define SHED_ELEPHANTS_FROM 750u
#define SHED_ELEPHANTS_TO   500u
#define SHED_BULK_FROM      875u
#define SHED_BULK_TO        750u

/** A flow of unknown protocol is bulk above so many bytes of a direction. */
#define SHED_BULK_BYTES 65536u

/** The steps; each has those before it in it. SHED_BULK doubles as the kind of a packet. */
enum shed_step { SHED_NOTHING, SHED_ELEPHANTS, SHED_BULK };

/** The step to take when the ring is `permille` full and the last step was `now`. */
enum shed_step shed_step_next(enum shed_step now, unsigned permille);

/**
 * As what the packet of `f` in direction `dir` is to be shed in `step`: SHED_NOTHING when it is to
 * be inspected. `depth`: bytes of a direction that are put together. The flow's counters have the
 * packet in them already.
 */
enum shed_step shed_packet_kind(enum shed_step step, const struct packet *p, const struct flow *f,
                                unsigned dir, uint64_t depth);

#endif
