/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Flows: which packets belong together.
 *
 * Each worker has a table of its own, without locks. A packet's addresses, ports, protocol and VLAN
 * ids are sorted into a canonical key; the flow it belongs to is found or made, and the packet's
 * direction follows from who was first. A flow carries one slot for each later stage: an opaque
 * pointer and nothing of its type. Time is packet time: a flow whose timeout has passed before a
 * packet's own time is ended first, then a new one begins. Ended flows are handed to the caller
 * (flow_table_expire, flow_table_flush), who runs the stages' last work on them and gives them
 * back.
 */
#ifndef SENSOR_FLOW_H
#define SENSOR_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/counter.h"

struct packet;
struct slab;
struct flow_table;

enum flow_slot {
    FLOW_SLOT_STREAM,
    FLOW_SLOT_APP,
    FLOW_SLOT_DETECT,
    FLOW_SLOT_CLASSIFY, /* the last, for FLOW_F_CLASSIFIED */
    FLOW_SLOTS
};

enum flow_state { FLOW_STATE_NEW, FLOW_STATE_ESTABLISHED, FLOW_STATE_CLOSED };

#define FLOW_F_TOSERVER_SEEN         (1u << 0)
#define FLOW_F_TOCLIENT_SEEN         (1u << 1)
#define FLOW_F_NO_PAYLOAD_INSPECTION (1u << 2) /* encrypted from here on */
#define FLOW_F_PASS                  (1u << 3) /* a pass rule matched: nothing more alerts */
#define FLOW_F_REVERSED              (1u << 4) /* midstream: who opened was guessed again */
/* of a tunnel that the reference does not look into (profile abeng) */
#define FLOW_F_BEYOND (1u << 5)
/* its packets are no news to FLOW_SLOT_CLASSIFY, which is not asked for ahead any more */
#define FLOW_F_CLASSIFIED (1u << 6)
/* the highest bits: number of the interface of its first packet */
#define FLOW_INTERFACE_SHIFT 28

/** One flow. Directions index arrays: 0 to the server (from who opened), 1 to the client. */
struct flow {
    struct addr client, server;
    uint16_t client_port, server_port; /* ICMP: type and code of the first packet */
    uint16_t vlan[3];
    uint8_t proto, ip_version;
    uint8_t state; /* enum flow_state, set by the transport stage */
    uint8_t tunnel_depth;
    uint32_t flags; /* FLOW_F_* */
    uint64_t id;    /* for EVE: from tuple and first packet, the same at any number of workers */
    uint64_t first_ns, last_ns; /* engine time */
    uint64_t first_ts_ns;       /* as captured */
    uint64_t packets[2], bytes[2];
    uint64_t evidence_at;    /* place of its last frame in the evidence ring; 0: none */
    uint32_t evidence_bytes; /* kept there so far */
    uint32_t shed;           /* packets that were left out under pressure */
    void *slot[FLOW_SLOTS];
    uint64_t private_[6]; /* the table's own: key hash, links, deadline */
};

struct flow_conf {
    uint32_t flows_max; /* 0: 262,144 a worker; at the cap the oldest idle flow is ended */
    /* Timeouts in ns by protocol, 0: Suricata's defaults (tcp 60/600/60, udp 30/300/0, icmp 30/300,
     * other 30/300). */
    uint64_t tcp_new_ns, tcp_established_ns, tcp_closed_ns;
    uint64_t udp_new_ns, udp_established_ns, other_new_ns, other_established_ns;
};

/** Counter names of this stage, ended by a NULL name. */
extern const struct counter_def flow_counters[];

/** A table for one worker; flows come from `slab`. `seed` keys the hash of the table (not the flow
 * ids). */
struct flow_table *flow_table_create(const struct flow_conf *conf, struct slab *slab, uint64_t seed,
                                     struct counter_block *counters);

/**
 * A packet that will be looked up soon: its place in the table is asked for, so that it need not be
 * waited for then. Returns the hash of its tuple for the calls below, 0 for a packet without a
 * flow.
 */
uint64_t flow_table_ahead(const struct flow_table *t, const struct packet *p);

/** As flow_table_ahead for the flow itself, whose place is known by now. */
void flow_table_near(const struct flow_table *t, uint64_t ahead);

/** As flow_table_near for what hangs on the flow, which is there by now. */
void flow_table_nearer(const struct flow_table *t, uint64_t ahead);

/**
 * The flow of `p`, found or made, with `*dir` (0 to server, 1 to client) and `*fresh` (made by this
 * packet). NULL for a packet that has no flow (no IP, fragment, bad header) or when the cap holds.
 * Counts packet and bytes, renews the timeout. When the key's flow had timed out before p->now_ns,
 * or an ended TCP session's tuple is used again by a new SYN (the caller said so with
 * flow_table_end), it is moved to the ended list first. `ahead` is what flow_table_ahead said of
 * `p`; 0: it was not asked.
 */
struct flow *flow_table_lookup(struct flow_table *t, const struct packet *p, uint64_t ahead,
                               unsigned *dir, bool *fresh);

/** Change what `state` means for the timeout: call after setting flow->state. */
void flow_table_touch(struct flow_table *t, struct flow *f);

/** Take `f` out of the table at once and put it on the ended list (TCP port reuse). */
void flow_table_end(struct flow_table *t, struct flow *f);

/** Whether flow_table_expire has nothing to give at `now_ns`: told at once, for most packets. */
bool flow_table_is_quiet(const struct flow_table *t, uint64_t now_ns);

/**
 * Next flow whose deadline (last + timeout) is at or before `now_ns`, or that was ended otherwise,
 * in the order of the deadlines; NULL when there is none. It is out of the table and belongs to the
 * caller until flow_table_release.
 * `*ended_ns` is the time at which its end counts.
 */
struct flow *flow_table_expire(struct flow_table *t, uint64_t now_ns, uint64_t *ended_ns);

/** As flow_table_expire for all flows, at the end of a capture. */
struct flow *flow_table_flush(struct flow_table *t, uint64_t *ended_ns);

/** Give back an ended flow; the caller has emptied its slots. */
void flow_table_release(struct flow_table *t, struct flow *f);

/** Flows in the table now. */
uint32_t flow_table_count(const struct flow_table *t);

/** Free the table; flows still in it are forgotten, so flush first. NULL is allowed. */
void flow_table_free(struct flow_table *t);

#endif
