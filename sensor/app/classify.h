/* SPDX-License-Identifier: Apache-2.0 */
/**
 * nDPI on each flow, within a budget: the only user of ndpi_api.h. Protocol, category, breed, risks
 * and JA3 for the alert and flow records. nDPI gets the IP packet of the innermost layer; packets
 * without payload are not given; after the budget, or when nothing more is to learn, its per-flow
 * memory is freed and only the result is kept.
 */
#ifndef SENSOR_CLASSIFY_H
#define SENSOR_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"

struct flow;
struct json;
struct packet;
struct slab;
struct classify_ctx;

/** What is known of a flow. */
struct classify_result {
    uint16_t master, app; /* nDPI protocol ids */
    uint16_t category;
    uint64_t risk;                                       /* bit mask */
    char ja3[33], ja3s[33], hassh[33], hassh_server[33]; /* "" when there is none */
    bool final;
};

/** Counter names of this stage, ended by a NULL name. */
extern const struct counter_def classify_counters[];

/**
 * One per worker thread: nDPI's module holds packet state. `packets_tcp`/`packets_udp`: budget, 0:
 * 10 and 6. NULL when nDPI can't be initialised (logged).
 */
struct classify_ctx *classify_create(unsigned packets_tcp, unsigned packets_udp, struct slab *slab,
                                     struct counter_block *counters);

/** Give a packet with payload; does nothing once the flow's result is final. */
void classify_packet(struct classify_ctx *c, struct flow *f, unsigned dir, const struct packet *p);

/** The flow ends: what nDPI can't tell it may guess, when the result is asked for. */
void classify_finish(struct classify_ctx *c, struct flow *f);

/** The result so far; false when the flow was never classified. */
bool classify_get(struct classify_ctx *c, struct flow *f, struct classify_result *out);

/** Write `"ndpi":{proto,category,breed,confidence,risk[…],ja3…}` as a member of the open object. */
void classify_describe(struct classify_ctx *c, struct flow *f, struct json *out);

/** Free a flow's slot. */
void classify_flow_free(struct classify_ctx *c, struct flow *f);

/** Free. NULL is allowed. */
void classify_free(struct classify_ctx *c);

#endif
