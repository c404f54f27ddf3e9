/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Folding: the memory of one member state, and the way of an alert through correlation.
 *
 * The state's worker (worker.h) reads {jm}:ing in order and shows each alert to fold_alert. The
 * alert is classified (classify.h), its key K1 is written after the table of its RSIT type
 * (rsit.c), and the signal under that key counts it, or a new signal begins, when the last alert
 * was more than a day of event time ago. A signal with as many alerts as its type asks for joins an
 * incident: the open one (or one that ended less than 14 days ago) of the same host and class (K2),
 * else one of the same victim when its stage comes after what was seen there within 48 hours (K3),
 * else a new one. After a batch the changed signals and incidents are summed up, scored, and
 * written with the stream position in one function call, as absolute values: nothing here looks at
 * a clock or at chance, so the same stream gives the same ids and counts however often it is cut.
 */
#ifndef CORRELATE_FOLD_H
#define CORRELATE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct assets;
struct classify;
struct damping;
struct fold;
struct incident;
struct indicator;
struct observation;
struct signal;
struct suppressions;

/** Signals a state keeps in memory; beyond it new ones fold by type alone ("storm"). */
#define FOLD_SIGNALS_MAX 200000

/** Incidents that one rule makes on one day; what comes then is one row ("storm"). */
#define FOLD_FAN_OUT 50

/** Signals that one fold_expire lets go. */
#define FOLD_EXPIRE_MAX 256

/** What a restart must find again, beside signals and incidents. */
struct fold_mark {
    uint64_t signal_number;   /* last given */
    uint64_t incident_number; /* last given */
    uint64_t time_ms;         /* the latest event time seen */
};

/** What changed since the last fold_committed; arrays belong to the fold. */
struct fold_changes {
    struct signal **signals;
    size_t signal_count;
    struct incident **incidents;
    size_t incident_count;
    const uint64_t *gone; /* numbers of signals that expired without an incident */
    size_t gone_count;
    const struct suppressions *held; /* whose hits rose: suppressions_next_dirty */
    struct fold_mark mark;
};

/** An empty memory for `state` (a static code). What it is given is borrowed. */
struct fold *fold_create(const char *state, struct classify *classify, const struct assets *assets);

/**
 * These lists hold from now on (borrowed; NULL: none); incidents that they damp otherwise than
 * before change.
 */
void fold_damping(struct fold *f, const struct damping *damping);

/**
 * What stands behind addresses, from now on (borrowed; NULL: nothing is known); incidents whose
 * subject counts otherwise change.
 */
void fold_assets(struct fold *f, const struct assets *assets);

/** The lists in force. */
const struct damping *fold_damping_now(const struct fold *f);

/** Free it all. NULL is allowed. */
void fold_free(struct fold *f);

/** Its state's code. */
const char *fold_state(const struct fold *f);

/** Count one alert in; returns the number of the signal it went to. */
uint64_t fold_alert(struct fold *f, const struct observation *o);

/** Sum up, score and list what changed. */
void fold_changes(struct fold *f, struct fold_changes *out);

/** The changes are in the store, or will be before any that come after them (frozen.h). */
void fold_committed(struct fold *f);

/** Restore an incident (all of them before any signal); takes it over. */
void fold_restore_incident(struct fold *f, struct incident *in);

/**
 * Restore a signal of incident number `incident` (0: none), in rising order of numbers; takes
 * it over.
 */
void fold_restore_signal(struct fold *f, struct signal *s, uint64_t incident);

/** Restored incident `part` had been merged into `whole`. */
void fold_restore_merged(struct fold *f, uint64_t part, uint64_t whole);

/** End of restoring. */
void fold_restore_mark(struct fold *f, const struct fold_mark *mark);

/**
 * An incident ended at `ended_ms` of visible time (0: it is open again). Unknown numbers are
 * ignored.
 */
void fold_decided(struct fold *f, uint64_t incident, uint64_t ended_ms);

/** An analyst merged incident `part` into `whole` (0: took it out again). */
void fold_merged(struct fold *f, uint64_t part, uint64_t whole);

/** An analyst put a signal into an incident at `at_ms` (0: out of any, where it stays). */
void fold_pinned(struct fold *f, uint64_t signal, uint64_t incident, uint64_t at_ms);

/** What an analyst said of a key: it makes no incident until then. */
struct mute {
    uint64_t until_ms; /* visible time */
    bool suppress;     /* whatever comes; else dismissed: until it is four times as much, … */
    uint64_t count;    /* alerts at the dismissal */
    unsigned stages;   /* … or gets further than this */
};

/** Dismiss or suppress signals of K1 `key`; until_ms 0: no longer. */
void fold_mute(struct fold *f, const char *key, const struct mute *mute);

/** What is kept out of the queue by rule, victim and peer; the caller changes it between alerts. */
struct suppressions *fold_suppressions(struct fold *f);

/**
 * The region says (in this state's projection) that `others` more states saw an indicator; 0: no
 * longer. Incidents with it change.
 */
void fold_campaign(struct fold *f, const struct indicator *i, unsigned others);

/** What decisions say of rule `gid`:`sid` (absolute numbers). */
void fold_precision(struct fold *f, uint32_t gid, uint32_t sid, unsigned real, unsigned false_);

/**
 * Let expire what is past its window; `now_ms` is visible time. Call now and then; at most
 * FOLD_EXPIRE_MAX signals a call.
 */
void fold_expire(struct fold *f, uint64_t now_ms);

/** Signals and incidents that changed since the last fold_committed. */
void fold_pending(const struct fold *f, size_t *signals, size_t *incidents);

/** Samples that came since the last fold_committed. */
size_t fold_samples(const struct fold *f);

/** Signals that expired since the last fold_committed. */
size_t fold_gone(const struct fold *f);

/** Signals and incidents in memory now. */
void fold_size(const struct fold *f, size_t *signals, size_t *incidents);

#endif
