/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The score of an incident: two numbers that are never averaged, each with the reasons that made
 * it.
 *
 * L, how likely it is real, is added up in log-odds: a poor rule outweighs a frightening stage, and
 * each factor is a signed term. I, how much it would hurt, is the asset's points and the type's.
 * Both give the tier, and the tier the clocks.
 */
#ifndef CORRELATE_SCORE_H
#define CORRELATE_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr;
struct assets;
struct damping;
struct incident;
struct json;

/** Version of the formula, stored with each score. */
#define SCORE_FORMULA "v1"

/** Most factors of one score. */
#define SCORE_FACTORS 16

struct factor {
    const char *key; /* static: "stage", "prior", … */
    char text[160];  /* for people: what was seen, and where it comes from */
    double weight;   /* L: log-odds; I: points */
    char side;       /* 'L' or 'I' */
};

struct score {
    unsigned likelihood; /* 0-100 */
    unsigned impact;     /* 0-100 */
    unsigned tier;       /* 1 worst .. 4 */
    struct factor factors[SCORE_FACTORS];
    unsigned count;
};

/** What past decisions say of a rule. */
struct precision {
    unsigned real;   /* incidents resolved as real */
    unsigned false_; /* incidents rejected as false */
};

/** What else a score is made of; each may be NULL. */
struct score_ground {
    const char *state; /* whose incident; never NULL */
    const struct assets *assets;
    const struct damping *damping;
    const struct precision *past; /* of the leading rule */
};

/** Score an incident: fills `in->score` and notes which damping lists held. */
void score_incident(struct incident *in, const struct score_ground *on);

/** The tier of the two numbers. */
unsigned score_tier(unsigned likelihood, unsigned impact);

/** Write "factors" and "formula". */
void score_write(const struct score *s, struct json *out);

/** Time limits of a tier in seconds; 0: none. */
struct limits {
    unsigned claim, decide, notify, ack;
};

/** Limits of tier 1 to 4. */
const struct limits *score_limits(unsigned tier);

/**
 * Read a table of assets: address or prefix, class, label, tab-separated. Classes: critical,
 * government-core, network, government, business, residential. NULL on failure with one line in
 * `why`.
 */
struct assets *assets_open(const char *path, char *why, size_t why_len);

/** A copy to add to, ready to be asked; of NULL, an empty one. */
struct assets *assets_copy(const struct assets *a);

/**
 * Add one network, which holds over the same prefix added before. 0 or ABENG_EINVAL. Call
 * assets_ready before asking again.
 */
int assets_add(struct assets *a, const char *prefix, const char *class, const char *label);

/** What was added can be found from now on. */
void assets_ready(struct assets *a);

/** Free. NULL is allowed. */
void assets_close(struct assets *a);

/** Whether `host` lies in a network of the table: the owner's word that it is one of ours. */
bool assets_know(const struct assets *a, const struct addr *host);

/** Points and words of the longest prefix that holds `host`; business when none does. */
unsigned assets_points(const struct assets *a, const struct addr *host, const char **class_,
                       const char **label);

#endif
