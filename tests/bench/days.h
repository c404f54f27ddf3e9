/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Days of a region, made up from a seed: what happened (the truth) and the alerts that sensors
 * raised of it. Nothing here knows how the collector folds; an incident of the truth is one thing
 * that somebody did: one attacker's scan, one server under guessing, one attack from the first
 * attempt to the data that leaves, one phishing site as it hit one state. What several states
 * suffered from one doer is a campaign. Noise belongs to nobody's incident.
 */
#ifndef TESTS_BENCH_DAYS_H
#define TESTS_BENCH_DAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/** Member states that take part. */
#define DAYS_STATES 15

enum days_kind {
    DAYS_NOISE,
    DAYS_SCAN,
    DAYS_GUESSING,
    DAYS_ATTEMPT, /* attempts that failed */
    DAYS_ATTACK,  /* attempts that led to a talk with a command server, or that talk alone */
    DAYS_PHISHING,
    DAYS_FLOOD,
};

/** One thing that happened in one state. */
struct days_truth {
    enum days_kind kind;
    unsigned state;
    int campaign; /* number, or -1 */
    bool tier1;   /* a command server's victim of the highest asset classes */
};

struct days_alert {
    uint64_t time_ms;
    uint32_t truth; /* index */
    uint16_t state;
    uint16_t rule; /* of the made-up feed */
    uint16_t src_port, dest_port;
    bool to_client;
    uint64_t src, dest; /* opaque; days_line writes them */
    uint32_t name;      /* 0: none */
};

struct days {
    struct days_truth *truths;
    size_t truth_count;
    struct days_alert *alerts; /* by time */
    size_t alert_count;
    int campaign_count;
    uint64_t start_ms;
    unsigned days;
};

/** Make `days` days from `seed`; `scale` 1 is some 60,000 alerts a day for the region. */
struct days *days_make(uint64_t seed, unsigned days, double scale);

/** Free. */
void days_free(struct days *d);

/** Append the alert as a line of EVE. */
void days_line(const struct days_alert *a, struct buf *out);

/** Append the operator's table of assets (correlate/score.h): networks are known to their owners. */
void days_assets(struct buf *out);

/** Append the operator's lists of what is likely harmless (correlate/damping.h): popular names. */
void days_damping(struct buf *out);

/** Whether `text` names a host of state `state`. */
bool days_names_host(const char *text, unsigned state);

#endif
