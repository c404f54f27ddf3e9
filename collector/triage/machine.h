/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The life of an incident, as pure functions: which status may follow which, by whom, on what
 * conditions, and what it does to the clocks. An alert's way ends here: what correlation put into
 * an incident waits as `new` until an analyst claims it (triage), is confirmed or rejected,
 * handled, resolved and closed; new evidence opens what ended again (store/lua/fold.lua).
 *
 *   new --claim--> triage --> confirmed --(first notice sent: system)--> handling --> resolved -->
 * closed
 *                     \-> rejected <--/---------------------------------/
 *
 * A decision is made here on the state that was read, and applied in the store in one step if that
 * is still the state.
 */
#ifndef TRIAGE_MACHINE_H
#define TRIAGE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rsit;

/** Longest user name, reason or note in bytes, NUL included. */
#define TRIAGE_USER_MAX   64
#define TRIAGE_REASON_MAX 1024
#define TRIAGE_NOTE_MAX   8192

/** Most words of machine_allowed. */
#define TRIAGE_WORDS 10

/** Text that keeps what a decision changed; how long it can be undone. */
#define TRIAGE_UNDO_MAX 384
#define TRIAGE_UNDO_MS  86400000ull

/** How far ahead "waiting" may reach. */
#define TRIAGE_WAIT_MAX_MS (30ull * 86400000)

/** Quiet time after which the system closes what is resolved. */
#define TRIAGE_CLOSE_MS (7ull * 86400000)

enum status {
    STATUS_NEW,
    STATUS_TRIAGE,
    STATUS_CONFIRMED,
    STATUS_HANDLING,
    STATUS_RESOLVED,
    STATUS_CLOSED,
    STATUS_REJECTED,
    STATUS_MERGED, /* stands for nothing of its own: head.merged_into does (links.h) */
    STATUS_COUNT,
};

/** The clock that runs: what the deadline is for. */
enum sla {
    SLA_NONE,
    SLA_CLAIM,
    SLA_DECIDE,
    SLA_NOTIFY,
    SLA_ACK,
    SLA_CONTAIN, /* shown, without a limit of its own */
    SLA_COUNT,
};

/** What triage knows of an incident. */
struct head {
    enum status status;
    uint64_t version; /* rises with evidence and decisions */
    uint64_t dver;    /* version of the last decision */
    unsigned tier;
    enum sla clock;
    uint64_t deadline_ms; /* 0: none */
    uint64_t opened_ms;
    char claimed_by[TRIAGE_USER_MAX]; /* "" nobody */
    uint64_t claimed_ms;
    uint64_t waiting_ms;  /* 0: not waiting */
    bool on_evidence;     /* waiting, and new alerts end it sooner (store/lua/fold.lua) */
    uint64_t left_ms;     /* of the deadline, while waiting */
    uint64_t ended_ms;    /* when resolved, closed or rejected; 0: open */
    uint64_t merged_into; /* number of the incident that stands for it; 0: itself */
    char outcome[24];
    char tlp[16];
    char victim[64];            /* as the analyst put it right; "" as evidence says */
    const struct rsit *rsit;    /* as the analyst put it right; NULL as evidence says */
    char undo[TRIAGE_UNDO_MAX]; /* what the last decision changed; "" none can be undone */
};

enum verb {
    VERB_CLAIM,
    VERB_RELEASE,
    VERB_NOTE,
    VERB_WAIT,
    VERB_TRANSITION,
    VERB_ACK,  /* the platform: the recipient of a notice has answered */
    VERB_UNDO, /* takes the last decision back */
};

/** What somebody wants; texts NULL where not given. */
struct wish {
    enum verb verb;
    const char *who;
    bool system; /* the platform itself, not a person */
    bool steal;  /* claim what another has claimed */
    enum status to;
    const char *outcome, *reason, *tlp, *victim, *note;
    const char *rsit;  /* "class/type" */
    uint64_t until_ms; /* wait; 0: wait no longer, or with on_evidence as long as one may */
    bool on_evidence;  /* wait: until new alerts come, at the latest until then */
};

/** Why not. */
struct refusal {
    unsigned status;  /* of HTTP: 409 not from here, 422 something is missing or wrong */
    const char *rule; /* static: "transition", "claim.other", … */
    char text[256];
};

/**
 * Decide: fill `next` (a changed copy of `now`, version aside) and `said`, the line of the
 * timeline. 0, ABENG_ECONFLICT (409) or ABENG_EINVAL (422) with `why`.
 */
int machine_decide(const struct head *now, const struct wish *wish, uint64_t now_ms,
                   struct head *next, char *said, size_t said_len, struct refusal *why);

/**
 * Words ("claim", "steal", "confirm", "reject", "resolve", "close", "release", "note", "wait")
 * that `who` may say now; returns how many.
 */
size_t machine_allowed(const struct head *now, const char *who, const char *words[TRIAGE_WORDS]);

/** "new", "triage", …; static. */
const char *status_word(enum status status);
/** Status of a word, or ABENG_ENOENT. */
int status_find(const char *word);
/** "claim", "decide", …; NULL for none. */
const char *sla_word(enum sla clock);
/** Clock of a word; SLA_NONE for any other. */
enum sla sla_find(const char *word);
/** Whether it stands in the queue. */
bool status_open(enum status status);

/**
 * Whether an outcome counts for (1) or against (-1) the rules that fired, or says nothing of
 * them (0).
 */
int outcome_sign(const char *outcome);

#endif
