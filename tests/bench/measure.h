/* SPDX-License-Identifier: Apache-2.0 */
/** What the days' truth says of what triage made of them. */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct days;

struct measure_result {
    size_t alerts, incidents;
    double folded; /* share of alerts that are no row of the queue */
    double ari;
    size_t tier1, tier1_missed;
    double campaign_precision, campaign_recall;
    double alerts_per_s, queue_ms_p99, bytes_per_signal;
    size_t leaks;
};

/**
 * Compare incidents with things of the truth: the adjusted Rand index over all alerts that belong
 * to something or that triage took for something. `signal_of`: each alert's signal, `incident_of`:
 * per state, each signal's incident or 0.
 */
void measure_incidents(struct measure_result *r, const struct days *d, const uint64_t *signal_of,
                       const uint64_t *const *incident_of);

/**
 * Count the tier-1 things that began on `day` and the ones of them that no tier-1 row of `page`
 * (items of the queue's first page) shows.
 */
void measure_page(struct measure_result *r, const struct days *d, const uint64_t *signal_of,
                  const uint64_t *const *incident_of, unsigned day, const json_t *page);

/**
 * Compare campaigns (as the region stores them) with the truth's: over all pairs of incidents of
 * different states, whether both are of one campaign. An incident is of the thing that most of its
 * alerts belong to.
 */
void measure_campaigns(struct measure_result *r, const struct days *d, const uint64_t *signal_of,
                       const uint64_t *const *incident_of, const json_t *campaigns);

/**
 * Whether the projection that `state` sees names a host or an incident of another state; the
 * indicator, which the state saw itself, aside.
 */
bool measure_leaks(json_t *projection, unsigned state);

/** The last line. */
void measure_print(const struct measure_result *r);

#endif
