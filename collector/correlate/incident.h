/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An incident as correlation sees it: signals about one host (K2), joined by the stages of an
 * attack (K3), and the score. These are its *evidence*; who claimed it, what was decided and when
 * belongs to triage and is never written from here.
 */
#ifndef CORRELATE_INCIDENT_H
#define CORRELATE_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/correlate/indicator.h"
#include "collector/correlate/score.h"
#include "collector/correlate/signal.h"

/** Campaigns that an incident names. */
#define INCIDENT_CAMPAIGNS 8

struct incident {
    uint64_t number;
    uint64_t follows;       /* the ended incident of the same key before it, or 0 */
    struct signal *signals; /* by number: the same order after a restart */
    struct signal *last_signal;
    unsigned signal_count; /* its own, without those of its parts */
    struct incident *into; /* an analyst merged it into this one; NULL: it stands for itself */
    struct incident *parts, *sibling; /* merged into it, by number; the next of the same */
    uint64_t into_number;             /* while restoring */
    struct {
        uint32_t gid, sid;
        uint64_t day; /* of the event */
    } born;           /* by which rule: too many of one rule and day make a storm */
    bool storm;       /* the row of such a storm */
    char campaigns[INCIDENT_CAMPAIGNS][INDICATOR_ID_MAX];
    unsigned campaign_count;
    unsigned damped; /* set of 1 << enum damping_list that held when it was scored */
    unsigned other_states; /* that saw one of its indicators */
    const struct signal *lead; /* furthest stage, then likeliest, then first */
    unsigned stages;           /* mask of 1 << enum stage */
    bool probed;               /* a scan by the same peer came before */
    uint64_t count;
    uint64_t first_ms, last_ms;
    struct names sensors, feeds;
    struct strip strip;
    struct score score;
    uint64_t ended_ms; /* visible time of resolved, closed, rejected; 0: open */
    bool dirty;
};

/** An empty incident. */
struct incident *incident_create(uint64_t number, uint64_t follows);

/** Join a signal, which becomes the incident's (freed with it). */
void incident_join(struct incident *in, struct signal *s);

/** Take a signal out again. */
void incident_leave(struct incident *in, struct signal *s);

/**
 * Merge into another, or let it stand for itself again (NULL). Signals stay where they are, so
 * nothing is lost either way. False when that would make a circle.
 */
bool incident_merge(struct incident *in, struct incident *into);

/** The incident that stands for it: itself, or what it was merged into at last. */
struct incident *incident_root(struct incident *in);

/** A walk over its signals and those of its parts: start with { in, in, NULL }. */
struct incident_walk {
    const struct incident *root, *at;
    const struct signal *signal;
};

/** The next signal, NULL at the end. */
const struct signal *incident_next(struct incident_walk *w);

/** Sum up from its signals and its parts': counts, stages, leading signal. */
void incident_sum(struct incident *in);

/** The furthest stage seen. */
enum stage incident_stage(const struct incident *in);

/**
 * The host that incidents of this signal are about: the victim, the attacker of a scan, or
 * ours when ours attacks.
 */
const struct addr *incident_subject(const struct signal *s);

/** Free with its signals. NULL is allowed. */
void incident_free(struct incident *in);

/** Write its evidence as an object; `state` is its code. */
void incident_write(const struct incident *in, const char *state, struct json *out);

/**
 * Read number, follows and what its signals do not say. NULL when it is not one. Signals are
 * joined by the caller.
 */
struct incident *incident_read(const char *json, size_t len);

#endif
