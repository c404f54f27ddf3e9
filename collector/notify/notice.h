/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A notice: what one contact is told of one incident, and its way as pure functions on its
 * document.
 *
 *   draft --send--> queued --> sent --ack--> acked --feedback--> feedback
 *      \--send, second person needed--> approval --approve--> queued
 *   any before feedback --withdraw--> withdrawn;  queued --gave up--> failed
 *
 * A second person is needed for TLP red and amber+strict, and for a contact abroad. Not
 * acknowledged in time, the same notice goes to the contact of the next rung (notify.h).
 */
#ifndef NOTIFY_NOTICE_H
#define NOTIFY_NOTICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/triage/record.h"

/** Longest subject and text. */
#define NOTICE_SUBJECT_MAX 200
#define NOTICE_TEXT_MAX    20000

enum notice_verb {
    NOTICE_EDIT,
    NOTICE_SEND,
    NOTICE_APPROVE,
    NOTICE_WITHDRAW,
    NOTICE_ACK,
    NOTICE_FEEDBACK,
    NOTICE_VERBS,
};

/** What somebody wants; texts NULL where not given. */
struct notice_wish {
    enum notice_verb verb;
    const char *who;
    const char *note;    /* reason of a withdrawal, word with an acknowledgement or feedback */
    const char *outcome; /* useful, known, not_ours, false_positive, fixed */
};

/** "edit", "send", …; static. */
const char *notice_verb_word(enum notice_verb verb);

/**
 * Make a draft from the incident's row (API members) to a contact; `by` drafts. Attackers' texts
 * are made harmless; sensors and feeds are masked when the contact says so.
 */
void notice_draft(struct record_doc *n, const json_t *incident, const struct record_doc *contact,
                  const char *by, uint64_t now_ms);

/**
 * Do what `wish` says: changes the document, writes one line to `said`. 0, ABENG_ECONFLICT (not
 * from here; the same person twice) or ABENG_EINVAL (something is missing) with `why`.
 */
int notice_decide(struct record_doc *n, const struct notice_wish *wish, uint64_t now_ms, char *said,
                  size_t said_len, char *why, size_t why_len);

/** Words of the verbs that are possible now, for `who`; returns how many. */
size_t notice_allowed(const struct record_doc *n, const char *who, const char *words[NOTICE_VERBS]);

/** "real", "false" or NULL: what an outcome says of the rules that fired. */
const char *notice_outcome_sign(const char *outcome);

/** Add a line to the notice's log. */
void notice_log(struct record_doc *n, uint64_t now_ms, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
