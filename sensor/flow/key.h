/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of flow/: the tuple of a packet, as it came and sorted, and its hash. */
#ifndef SENSOR_FLOW_KEY_H
#define SENSOR_FLOW_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"

struct packet;
struct flow;

/** A tuple in the direction of a packet. */
struct flow_key {
    struct addr src, dst;
    uint16_t sport, dport; /* ICMP: type, and the type that answers it */
    uint16_t vlan[3];
    uint8_t proto, ip_version, depth;
};

/** Secrets of one table's hash. */
struct flow_key_secret {
    uint64_t words[4];
};

/** Spread `seed` over the secrets. */
void flow_key_secret_init(struct flow_key_secret *s, uint64_t seed);

/** The tuple of `p`; false for a packet that has no flow. */
bool flow_key_of(const struct packet *p, struct flow_key *out);

/** The tuple of the packet that `p`, an ICMP "destination unreachable", quotes; false when it
 * quotes none. */
bool flow_key_quoted(const struct packet *p, struct flow_key *out);

/** Whether `p` is an ICMP error, which begins no flow. */
bool flow_key_is_error(const struct packet *p);

/** Hash, the same for both directions. */
uint64_t flow_key_hash(const struct flow_key_secret *s, const struct flow_key *k);

/** 0: `k` goes to the server of `f`, 1: to its client, -1: it is not of this flow. */
int flow_key_direction(const struct flow_key *k, const struct flow *f);

/** Bits of a flow's number, as Suricata's. */
#define FLOW_KEY_ID_BITS 51

/** Number of a flow for EVE, from tuple and first time only; positive. */
uint64_t flow_key_id(const struct flow_key *k, uint64_t first_ts_ns);

#endif
