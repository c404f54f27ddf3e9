/* SPDX-License-Identifier: Apache-2.0 */
/** From a record of the ring to a line of EVE (common/event). Writer thread. */
#ifndef SENSOR_ALERT_ENCODE_H
#define SENSOR_ALERT_ENCODE_H

#include <stdbool.h>

struct alert_record;
struct buf;
struct detect_rule;
struct event_abeng;

struct encode_conf {
    const char *const *interfaces; /* names, by alert_record.interface; NULL: captures from files */
    unsigned interface_count;
};

/**
 * Append an alert as one line without newline. `abeng` says where it stands (epoch, lane, seq),
 * whose it is and what feed it came by; the rule set's name is put in. `blocked`: the sink's
 * dropped_action.
 */
void encode_alert(const struct encode_conf *conf, const struct alert_record *r,
                  const struct detect_rule *rule, const void *extra, bool blocked,
                  const struct event_abeng *abeng, struct buf *out);

/** Append a flow record likewise. */
void encode_flow(const struct encode_conf *conf, const struct alert_record *r, const void *extra,
                 struct buf *out);

/** A tagged packet, whose bytes stand in `extra` behind its tags. */
void encode_packet(const struct encode_conf *conf, const struct alert_record *r, const void *extra,
                   struct buf *out);

#endif
