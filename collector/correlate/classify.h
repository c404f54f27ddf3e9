/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What an alert means: RSIT type, stage of an attack, who the victim is, how often such alerts
 * matter, and how many make an incident. Decided by a table that analysts edit (classify.tsv says
 * how), first line that holds. What depends on the rule alone is kept per rule, so an alert of a
 * known rule costs a look-up.
 */
#ifndef CORRELATE_CLASSIFY_H
#define CORRELATE_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/addr.h"

struct assets;
struct classify;
struct observation;
struct rsit;

/** Stages of an attack in rising order; a set of them is a mask of 1 << stage. */
enum stage {
    STAGE_NONE,
    STAGE_PROBE,
    STAGE_EXPLOIT,
    STAGE_ANSWER,
    STAGE_C2,
    STAGE_OUT,
    STAGE_COUNT,
};

/** A way between two hosts, as seen from the state's own networks. */
enum direction {
    DIRECTION_IN,
    DIRECTION_OUT,
    DIRECTION_LATERAL,
};

/** Longest family, CVE and name kept. */
#define CLASSIFY_WORD_MAX 80

struct verdict {
    const struct rsit *rsit;
    enum stage stage;
    enum direction direction;
    unsigned prior;  /* percent */
    unsigned alerts; /* that make an incident; 0: never alone */
    int confidence;  /* of the rule, by its own metadata: -1 low, 0 not said or medium, 1 high */
    bool victim_is_client;
    struct addr victim, peer;
    unsigned victim_port, peer_port;
    char family[CLASSIFY_WORD_MAX]; /* "" when the rule names none */
    char cve[CLASSIFY_WORD_MAX];
};

/** Read the table at `path`. NULL on failure, with one line in `why` (path, line, reason). */
struct classify *classify_open(const char *path, char *why, size_t why_len);

/** Free. NULL is allowed. */
void classify_close(struct classify *c);

/**
 * Besides addresses that only exist inside, the networks of `homes` are ours (borrowed; NULL:
 * none), so that victims are known where the sensor's HOME_NET is any.
 */
void classify_homes(struct classify *c, const struct assets *homes);

/**
 * Decide about one alert; never fails (an alert that no line takes is other/undetermined). One
 * thread.
 */
void classify_alert(struct classify *c, const struct observation *o, struct verdict *out);

/** The stage's word in the API: "probe", "exploit", "answer", "c2", "out"; "none". */
const char *stage_word(enum stage stage);

/** Stage of a word, or ABENG_ENOENT. */
int stage_find(const char *word);

/** "in", "out", "lateral". */
const char *direction_word(enum direction direction);

/**
 * Whether `a` is an address that only exists inside networks (RFC 1918, RFC 4193, RFC 6598,
 * link-local).
 */
bool classify_private(const struct addr *a);

/** Case-insensitive match of `len` bytes with a pattern of * and ?. */
bool classify_glob(const char *pattern, const char *text, size_t len);

#endif
