/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a flow is called, in nDPI's words: the only user of ndpi_api.h.
 *
 * A flow whose first packet tells by itself what it is and whom it asks for (a ClientHello, a DNS
 * query, a browser's request, QUIC's Initial as our parser has read it) gets its name from nDPI's
 * tables of hosts and addresses without its dissectors: the same name, at a tenth of the time. Its
 * first packets are held for a moment; when an alert is raised on it, nDPI is given them and says
 * all it knows: risks, JA3, category. Every other flow is given to nDPI within a budget, of packets
 * without payload the server's ACK of an HTTP request alone; after that, when nothing more is to
 * learn or the session is closed, nDPI's memory of the flow is freed and only the result is kept.
 * Where it had no name for the last flows of a server, most of the next are not given to it
 * (servers.h). `every_flow` gives nDPI all flows.
 */
#ifndef SENSOR_CLASSIFY_H
#define SENSOR_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"

struct app_ctx;
struct flow;
struct json;
struct packet;
struct slab;
struct classify_ctx;

struct classify_conf {
    unsigned packets_tcp, packets_udp; /* budget of a flow; 0: 10 and 6 */
    bool every_flow;
};

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
 * One per worker thread: nDPI's module holds packet state. `apps`: whose flows these are. NULL when
 * nDPI can't be initialised (logged).
 */
struct classify_ctx *classify_create(const struct classify_conf *conf, struct app_ctx *apps,
                                     struct slab *slab, struct counter_block *counters);

/**
 * Give a packet, after the application's parser had it; does nothing once the flow's result is
 * final. Of packets without payload one is kept at most.
 */
void classify_packet(struct classify_ctx *c, struct flow *f, unsigned dir, const struct packet *p);

/** An alert is raised on the flow: what was named without nDPI is given to it now. */
void classify_ask(struct classify_ctx *c, struct flow *f);

/** The flow's session is closed: what nDPI can't tell it may guess now, its memory is freed. */
void classify_close(struct classify_ctx *c, struct flow *f);

/** The flow ends: what nDPI can't tell it may guess, when the result is asked for. */
void classify_finish(struct flow *f);

/** The result so far; false when the flow was never classified. */
bool classify_get(struct classify_ctx *c, struct flow *f, struct classify_result *out);

/** Write `"ndpi":{proto,category,breed,confidence,risk[…],ja3…}` as a member of the open object. */
void classify_describe(struct classify_ctx *c, struct flow *f, struct json *out);

/** Free a flow's slot. */
void classify_flow_free(struct classify_ctx *c, struct flow *f);

/** Free. NULL is allowed. */
void classify_free(struct classify_ctx *c);

#endif
