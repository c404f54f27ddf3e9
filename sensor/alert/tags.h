/* SPDX-License-Identifier: Apache-2.0 */
/**
 * `tag`, the sequencer's part, as Suricata 7.0.10 counts (detect-engine-tag.c): an alert begins a
 * tag; the packets behind it, the alert's own counted but not written, are written until the tag's
 * packets, bytes or seconds are over; a further alert begins it anew, ten times at most.
 */
#ifndef SENSOR_ALERT_TAGS_H
#define SENSOR_ALERT_TAGS_H

#include <stdbool.h>

#include "sensor/alert/track.h"

struct alert_record;
struct detect_rule;
struct detect_tag;
struct sig_op;

/** The rule has alerted: begin the tag `op`, or begin it anew. `*evicted` as track_add. */
void tags_begin(struct track_table *t, const struct alert_record *r, const struct detect_rule *rule,
                const struct sig_op *op, bool *evicted);

/** Whether a packet record that may belong to `tag` does; counts it. */
bool tags_take(struct track_table *t, const struct alert_record *r, const struct detect_tag *tag);

#endif
