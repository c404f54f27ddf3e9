/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Alerts on their way out.
 *
 * The way of a hit: the worker lays a binary record (alert_record) of packet, flow, rule and the
 * application's and nDPI's JSON fragments into its ring; nothing is formatted twice and nothing
 * waits. The writer thread merges the workers' rings in engine order (sequencer.h): a record goes
 * on when every worker has said that it is past its key. There, what flows share is applied: xbits
 * and hostbits, suppress, threshold and detection_filter, then the cap of 15 alerts a packet. What
 * remains becomes one EVE line (encode.h, common/event), for eve.json (output.h) and, numbered per
 * epoch and lane (lane.h), for the spool.
 */
#ifndef SENSOR_ALERT_H
#define SENSOR_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

struct detect_ruleset;
struct alert_ring;

/** JSON fragments and payload excerpt of a record, together. */
#define ALERT_EXTRA_MAX 8192

/** Place in engine order: time (of the packet, or a flow's end), the packet's number, the flow. */
struct alert_key {
    uint64_t now_ns;
    uint64_t packet; /* 0 at a flow's end */
    uint64_t flow;   /* flow id */
};

enum alert_kind {
    ALERT_KIND_ALERT,
    ALERT_KIND_FLOW,
    ALERT_KIND_FILE,   /* bytes to be stored, in a ring of their own */
    ALERT_KIND_PACKET, /* that may be tagged */
};

/** Why a flow ended. */
enum alert_flow_reason { ALERT_FLOW_TIMEOUT, ALERT_FLOW_SHUTDOWN, ALERT_FLOW_FORCED };

/** One record; `extra_len` bytes of fragments follow it in the ring. */
struct alert_record {
    struct alert_key key;
    struct detect_ruleset
        *ruleset;  /* held by the worker for this record, let go by the sequencer; NULL: flow */
    uint32_t rule; /* index in the rule set */
    uint8_t kind;  /* enum alert_kind; a flow record has no rule */
    uint8_t ip_version, proto, app; /* app: enum sig_app */
    uint8_t dir;
    bool stream, pseudo, has_tx, reassembled;
    uint64_t tx_id;
    uint64_t ts_ns; /* timestamp of the event */
    uint64_t flow_id, flow_start_ns, flow_end_ns, packets[2], bytes[2];
    struct addr src, dst;           /* of the packet */
    struct addr flow_src, flow_dst; /* client and server */
    uint16_t sport, dport, flow_sport, flow_dport;
    uint16_t vlan[3];
    uint8_t vlan_count, tunnel_depth, icmp_type, icmp_code;
    uint16_t interface;
    uint8_t flow_reason; /* flow record: enum alert_flow_reason */
    uint8_t flow_state;
    uint8_t tunnel; /* enum decode_tunnel of the packet */
    bool has_flow, flow_alerted;
    bool beyond;          /* the reference engine would not raise it */
    uint16_t worker;      /* whose evidence ring */
    uint64_t evidence_at; /* the flow's last frame there; 0: none was kept */
    uint32_t shed;        /* packets of the flow that were left out under pressure */
    /* JSON members: application's, then ndpi's, comma separated, no braces; of a packet `tag_count`
     * struct detect_tag, then its bytes */
    uint32_t extra_len;
    uint32_t packet_len;  /* packet: its length as captured */
    uint16_t packet_link; /* packet: link type of its bytes */
    uint16_t tag_count;
};

/** A ring of `bytes` (power of two) from one worker to the writer. */
struct alert_ring *alert_ring_create(size_t bytes);

/**
 * Put a record; false when full: a live worker counts it as lost, a file worker waits and comes
 * again. Worker only.
 */
bool alert_ring_put(struct alert_ring *r, const struct alert_record *record, const void *extra);

/** Say that every record with a key time below `now_ns` has been put. Worker only. */
void alert_ring_passed(struct alert_ring *r, uint64_t now_ns);

/** Say that nothing will come any more. Worker only. */
void alert_ring_finish(struct alert_ring *r);

/** Free. NULL is allowed. */
void alert_ring_free(struct alert_ring *r);

#endif
