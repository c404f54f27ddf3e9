/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of detect/: what rules cost. Of the rules that become candidates one in
 * DETECT_PROFILE_EVERY on average is timed, at random distances, so that no rhythm of the traffic
 * falls together with them. Always on: the rest pays one count down. Each worker has slots of its
 * own, which hang on the rule set, so that a reader that holds the set may read them any time.
 */
#ifndef SENSOR_DETECT_PROFILE_H
#define SENSOR_DETECT_PROFILE_H

#include <stdint.h>

#include "sensor/detect/detect.h"

struct detect_job;

/** One worker's slots for one rule. */
struct detect_cost {
    uint64_t ticks; /* of the samples */
    uint32_t samples;
    uint32_t matches; /* all of them */
};

/** Samples of a worker, and when the next one is due. */
struct detect_profile {
    struct detect_cost *costs; /* by rule; the rule set's */
    uint32_t left, seed;
};

/** Slots of a new worker on `set`; the set frees them. When it has had DETECT_PROFILE_WORKERS the
 * last ones are shared. */
void detect_profile_begin(struct detect_profile *p, struct detect_ruleset *set);

/** Time one candidate. */
void detect_profile_sample(struct detect_job *job, uint32_t rule,
                           void (*run)(struct detect_job *job, uint32_t rule));

/** Free what hangs on `set`. */
void detect_profile_free(struct detect_ruleset *set);

#endif
