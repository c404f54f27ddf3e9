/* SPDX-License-Identifier: Apache-2.0 */
/** threshold and detection_filter, as Suricata 7.0.10 counts (detect-engine-threshold.c). */
#ifndef SENSOR_ALERT_THRESHOLD_H
#define SENSOR_ALERT_THRESHOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "sensor/alert/track.h"

struct alert_record;
struct sig_threshold;

/** A key over the addresses that `track` (enum sig_track) names of a packet from `src` to `dst`. */
struct track_key threshold_key(enum track_kind kind, uint32_t gid, uint64_t id, uint8_t track,
                               const struct addr *src, const struct addr *dst);

/**
 * Count one hit of a rule with a rate_filter: true while its action is in force, which is for
 * `timeout` seconds after more than `count` hits in `seconds`. `*evicted` as track_add.
 */
bool rate_reached(struct track_table *t, const struct sig_threshold *rate,
                  const struct track_key *key, uint64_t now_us, bool *evicted);

enum threshold_word {
    THRESHOLD_NO,     /* no alert */
    THRESHOLD_SILENT, /* one too many: an alert that is not told */
    THRESHOLD_YES,
};

/**
 * Count one hit of rule `gid`/`sid` at `now_us`; whether it may alert. `*evicted` as track_add.
 */
enum threshold_word threshold_pass(struct track_table *t, const struct sig_threshold *threshold,
                                   const struct track_key *key, uint64_t now_us, bool *evicted);

#endif
