/* SPDX-License-Identifier: Apache-2.0 */
/* The table of transitions, its guards and clocks. */
#include "config.h"
#include "collector/triage/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/rsit.h"
#include "collector/correlate/score.h"
#include "common/err.h"

enum guard {
    GUARD_OUTCOME_FALSE = 1 << 0, /* false-positive, not-ours or test */
    GUARD_OUTCOME_TRUE = 1 << 1,  /* tp-impact or tp-no-impact */
    GUARD_REASON = 1 << 2,
    GUARD_NOTE = 1 << 3, /* what was done against it */
    GUARD_TLP = 1 << 4,
};

static const struct transition {
    enum status from, to;
    bool system; /* only the platform */
    unsigned guards;
    enum sla clock; /* that starts */
} transitions[] = {
    { STATUS_NEW, STATUS_TRIAGE, false, 0, SLA_DECIDE },
    { STATUS_TRIAGE, STATUS_CONFIRMED, false, GUARD_TLP, SLA_NOTIFY },
    { STATUS_TRIAGE, STATUS_REJECTED, false, GUARD_OUTCOME_FALSE | GUARD_REASON, SLA_NONE },
    { STATUS_CONFIRMED, STATUS_HANDLING, true, 0, SLA_ACK },
    { STATUS_HANDLING, STATUS_RESOLVED, false, GUARD_OUTCOME_TRUE | GUARD_NOTE, SLA_NONE },
    { STATUS_RESOLVED, STATUS_CLOSED, false, 0, SLA_NONE },
    { STATUS_CONFIRMED, STATUS_RESOLVED, false, GUARD_OUTCOME_TRUE | GUARD_REASON, SLA_NONE },
    { STATUS_CONFIRMED, STATUS_REJECTED, false, GUARD_OUTCOME_FALSE | GUARD_REASON, SLA_NONE },
    { STATUS_HANDLING, STATUS_REJECTED, false, GUARD_OUTCOME_FALSE | GUARD_REASON, SLA_NONE },
};

static const char *const status_words[STATUS_COUNT] = { "new",      "triage",   "confirmed",
                                                        "handling", "resolved", "closed",
                                                        "rejected", "merged" };

static const char *const sla_words[SLA_COUNT] = { NULL,     "claim", "decide",
                                                  "notify", "ack",   "contain" };

static const struct {
    const char *word;
    int sign;
    unsigned guard;
} outcomes[] = {
    { "false-positive", -1, GUARD_OUTCOME_FALSE },
    { "not-ours", 0, GUARD_OUTCOME_FALSE },
    { "test", 0, GUARD_OUTCOME_FALSE },
    { "tp-impact", 1, GUARD_OUTCOME_TRUE },
    { "tp-no-impact", 1, GUARD_OUTCOME_TRUE },
};

const char *status_word(enum status status)
{
    return status_words[status];
}

int status_find(const char *word)
{
    for (int i = 0; i < STATUS_COUNT; i++)
        if (!strcmp(status_words[i], word))
            return i;
    return ABENG_ENOENT;
}

const char *sla_word(enum sla clock)
{
    return sla_words[clock];
}

enum sla sla_find(const char *word)
{
    for (int i = 1; i < SLA_COUNT; i++)
        if (!strcmp(sla_words[i], word))
            return (enum sla)i;
    return SLA_NONE;
}

bool status_open(enum status status)
{
    return status <= STATUS_HANDLING;
}

int outcome_sign(const char *outcome)
{
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (!strcmp(outcomes[i].word, outcome))
            return outcomes[i].sign;
    return 0;
}

static unsigned outcome_guard(const char *outcome)
{
    for (size_t i = 0; outcome && i < sizeof outcomes / sizeof *outcomes; i++)
        if (!strcmp(outcomes[i].word, outcome))
            return outcomes[i].guard;
    return 0;
}

static int refuse(struct refusal *why, unsigned status, const char *rule, const char *text)
{
    *why = (struct refusal){ .status = status, .rule = rule };
    snprintf(why->text, sizeof why->text, "%s", text);
    return status == 409 ? ABENG_ECONFLICT : ABENG_EINVAL;
}

static void start_clock(struct head *h, enum sla clock, uint64_t now_ms)
{
    const struct limits *l = score_limits(h->tier);
    unsigned seconds = clock == SLA_CLAIM    ? l->claim
                       : clock == SLA_DECIDE ? l->decide
                       : clock == SLA_NOTIFY ? l->notify
                       : clock == SLA_ACK    ? l->ack
                                             : 0;
    h->clock = clock;
    h->deadline_ms = seconds ? now_ms + seconds * 1000ull : 0;
    h->waiting_ms = h->left_ms = 0;
    h->on_evidence = false;
}

static void set_claim(struct head *h, const char *who, uint64_t now_ms)
{
    snprintf(h->claimed_by, sizeof h->claimed_by, "%s", who);
    h->claimed_ms = *who ? now_ms : 0;
}

static bool filled(const char *text)
{
    return text && text[strspn(text, " \t\r\n")];
}

static bool known_tlp(const char *tlp)
{
    static const char *const words[] = { "clear", "green", "amber", "amber+strict", "red" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i], tlp))
            return true;
    return false;
}

/* ---- guards ---------------------------------------------------------------------------------- */

/* Texts that are given must be right wherever they are given. */
static int check_texts(const struct head *h, const struct wish *w, struct refusal *why)
{
    if (w->reason && strlen(w->reason) >= TRIAGE_REASON_MAX)
        return refuse(why, 422, "reason",
                      "the reason is longer than 1023 bytes; put the rest into a note");
    if (w->note && strlen(w->note) >= TRIAGE_NOTE_MAX)
        return refuse(why, 422, "note", "the note is longer than 8191 bytes");
    if (w->tlp && !known_tlp(w->tlp))
        return refuse(why, 422, "tlp", "tlp must be clear, green, amber, amber+strict or red");
    if (w->victim && (!filled(w->victim) || strlen(w->victim) >= sizeof h->victim))
        return refuse(why, 422, "victim", "the victim is empty or longer than 63 bytes");
    if (w->rsit && !rsit_find(w->rsit))
        return refuse(why, 422, "rsit", "rsit is not a class and type of the taxonomy");
    return 0;
}

static int check_guards(const struct head *h, unsigned guards, const struct wish *w,
                        struct refusal *why)
{
    unsigned outcome = outcome_guard(w->outcome);
    if (w->outcome && !outcome)
        return refuse(why, 422, "outcome",
                      "outcome must be false-positive, not-ours, test, tp-impact or tp-no-impact");
    if (guards & GUARD_OUTCOME_FALSE && outcome != GUARD_OUTCOME_FALSE)
        return refuse(why, 422, "outcome",
                      "a rejection needs the outcome false-positive, not-ours or test");
    if (guards & GUARD_OUTCOME_TRUE && outcome != GUARD_OUTCOME_TRUE)
        return refuse(why, 422, "outcome",
                      "a resolution needs the outcome tp-impact or tp-no-impact");
    if (guards & GUARD_REASON && !filled(w->reason))
        return refuse(why, 422, "reason", "a reason is needed");
    if (guards & GUARD_NOTE && !filled(w->note))
        return refuse(why, 422, "note", "a note is needed: what was done against it");
    if (guards & GUARD_TLP && !w->tlp && !*h->tlp)
        return refuse(why, 422, "tlp", "tlp is needed: clear, green, amber, amber+strict or red");
    return 0;
}

static int check_holder(const struct head *h, const struct wish *w, struct refusal *why)
{
    char text[160];
    if (w->system || !*h->claimed_by || !strcmp(h->claimed_by, w->who))
        return 0;
    snprintf(text, sizeof text, "claimed by %s; take it over first (claim with steal)",
             h->claimed_by);
    return refuse(why, 409, "claim.other", text);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static const struct transition *find(enum status from, enum status to, bool system)
{
    for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++)
        if (transitions[i].from == from && transitions[i].to == to &&
            (system || !transitions[i].system))
            return &transitions[i];
    return NULL;
}

/*
 * The first action claims: what can be done in triage can be done with what is new, in one
 * gesture.
 */
static enum status acts_from(const struct head *h)
{
    return h->status == STATUS_NEW ? STATUS_TRIAGE : h->status;
}

static int claim(const struct wish *w, uint64_t now_ms, struct head *h, struct refusal *why)
{
    if (!status_open(h->status))
        return refuse(why, 409, "transition", "only an open incident can be claimed");
    if (*h->claimed_by && strcmp(h->claimed_by, w->who) != 0 && !w->steal)
        return check_holder(h, w, why);
    if (h->status == STATUS_NEW) {
        h->status = STATUS_TRIAGE;
        start_clock(h, SLA_DECIDE, now_ms);
    }
    set_claim(h, w->who, now_ms);
    return 0;
}

static int release(const struct wish *w, struct head *h, struct refusal *why)
{
    if (!*h->claimed_by)
        return refuse(why, 409, "claim.none", "nobody has claimed it");
    int err = check_holder(h, w, why);
    if (!err)
        set_claim(h, "", 0);
    return err;
}

static int wait(const struct wish *w, uint64_t now_ms, struct head *h, struct refusal *why)
{
    int err = check_holder(h, w, why);
    uint64_t until = w->on_evidence && !w->until_ms ? now_ms + TRIAGE_WAIT_MAX_MS : w->until_ms;
    if (err)
        return err;
    if (!status_open(h->status) || h->status == STATUS_NEW)
        return refuse(why, 409, "wait", "only a claimed, open incident can wait");
    if (until && (until <= now_ms || until > now_ms + TRIAGE_WAIT_MAX_MS))
        return refuse(why, 422, "wait.until", "until must be in the future, at most 30 days ahead");
    if (!until && !h->waiting_ms)
        return refuse(why, 409, "wait", "it is not waiting");
    if (until && !h->waiting_ms) {
        h->left_ms = !h->deadline_ms ? 0 : h->deadline_ms > now_ms ? h->deadline_ms - now_ms : 1;
        h->deadline_ms = h->left_ms ? until + h->left_ms : 0;
    } else {
        uint64_t from = until ? until : now_ms;
        h->deadline_ms = h->left_ms ? from + h->left_ms : 0;
    }
    h->waiting_ms = until;
    h->on_evidence = until && w->on_evidence;
    if (!h->waiting_ms)
        h->left_ms = 0;
    return 0;
}

/* The first answer stops the clock of the acknowledgement; what remains is to contain it. */
static int acknowledge(uint64_t now_ms, struct head *h, struct refusal *why)
{
    if (h->status != STATUS_HANDLING || h->clock != SLA_ACK)
        return refuse(why, 409, "ack", "no acknowledgement is waited for");
    start_clock(h, SLA_CONTAIN, now_ms);
    return 0;
}

/* What a decision changes, kept so that it can be taken back: when, what it led to, what was. */
static void keep_undo(const struct head *was, const struct head *h, uint64_t now_ms, char *out)
{
    char rsit[96] = "";
    if (was->rsit)
        snprintf(rsit, sizeof rsit, "%s/%s", was->rsit->class, was->rsit->type);
    snprintf(out, TRIAGE_UNDO_MAX, "%llu %d %d %d %llu %llu %llu|%s|%s|%s|%s|%s",
             (unsigned long long)now_ms, h->status, was->status, was->clock,
             (unsigned long long)was->deadline_ms, (unsigned long long)was->claimed_ms,
             (unsigned long long)was->ended_ms, was->claimed_by, was->outcome, was->tlp, rsit,
             was->victim);
}

/* The next part of a text up to '|', or up to its end for the last. */
static const char *part(const char *at, bool last, char *out, size_t size)
{
    size_t n = last ? strlen(at) : strcspn(at, "|");
    snprintf(out, size, "%.*s", (int)n, at);
    return at + n + (at[n] == '|');
}

static int undo(const struct wish *w, uint64_t now_ms, struct head *h, struct refusal *why)
{
    unsigned long long at, deadline, claimed, ended;
    int to, status, clock, end = 0;
    char rsit[96];
    if (sscanf(h->undo, "%llu %d %d %d %llu %llu %llu|%n", &at, &to, &status, &clock, &deadline,
               &claimed, &ended, &end) != 7 ||
        !end || status < 0 || status >= STATUS_COUNT || clock < 0 || clock >= SLA_COUNT)
        return refuse(why, 409, "undo", "there is no decision to take back");
    if (to != (int)h->status || now_ms > at + TRIAGE_UNDO_MS)
        return refuse(why, 409, "undo", "it went on since, or a day has passed: decide anew");
    int err = status_open(h->status) ? check_holder(h, w, why) : 0;
    if (err)
        return err;
    const char *rest = part(h->undo + end, false, h->claimed_by, sizeof h->claimed_by);
    rest = part(rest, false, h->outcome, sizeof h->outcome);
    rest = part(rest, false, h->tlp, sizeof h->tlp);
    rest = part(rest, false, rsit, sizeof rsit);
    part(rest, true, h->victim, sizeof h->victim);
    h->rsit = rsit_find(rsit);
    h->status = (enum status)status;
    h->clock = (enum sla)clock;
    h->deadline_ms = deadline;
    h->claimed_ms = claimed;
    h->ended_ms = ended;
    h->waiting_ms = h->left_ms = 0;
    h->on_evidence = false;
    h->undo[0] = '\0';
    return 0;
}

static void keep_texts(const struct wish *w, struct head *h)
{
    if (w->outcome)
        snprintf(h->outcome, sizeof h->outcome, "%s", w->outcome);
    if (w->tlp)
        snprintf(h->tlp, sizeof h->tlp, "%s", w->tlp);
    if (w->victim)
        snprintf(h->victim, sizeof h->victim, "%s", w->victim);
    if (w->rsit)
        h->rsit = rsit_find(w->rsit);
}

static int transit(const struct wish *w, uint64_t now_ms, struct head *h, struct refusal *why)
{
    enum status from = acts_from(h);
    const struct transition *t = find(from, w->to, w->system);
    if (!t) {
        char text[128];
        snprintf(text, sizeof text, "an incident does not go from %s to %s%s",
                 status_word(h->status), status_word(w->to),
                 find(from, w->to, true) ? " by hand" : "");
        return refuse(why, 409, "transition", text);
    }
    int err = check_holder(h, w, why);
    if (!err)
        err = check_guards(h, t->guards, w, why);
    if (err)
        return err;
    keep_texts(w, h);
    if (!w->system && !*h->claimed_by)
        set_claim(h, w->who, now_ms);
    h->status = w->to;
    start_clock(h, t->clock, now_ms);
    if (!status_open(h->status) && !h->ended_ms)
        h->ended_ms = now_ms;
    return 0;
}

static void say(const struct wish *w, const struct head *before, const struct head *h, char *said,
                size_t len)
{
    switch (w->verb) {
    case VERB_CLAIM:
        snprintf(said, len, "%s%s",
                 *before->claimed_by && strcmp(before->claimed_by, w->who) ? "taken over from "
                                                                           : "",
                 strcmp(before->claimed_by, w->who) ? before->claimed_by : "");
        break;
    case VERB_NOTE:
        snprintf(said, len, "%s", w->note);
        break;
    case VERB_WAIT:
        snprintf(said, len, "%s",
                 !h->waiting_ms   ? "clock runs again"
                 : h->on_evidence ? "clock paused until new alerts come"
                                  : "clock paused");
        break;
    case VERB_TRANSITION:
        snprintf(said, len, "%s to %s%s%s%s%s%s%s", status_word(before->status),
                 status_word(h->status), w->outcome ? ", " : "", w->outcome ? w->outcome : "",
                 filled(w->reason) ? ": " : "", filled(w->reason) ? w->reason : "",
                 filled(w->note) ? " | " : "", filled(w->note) ? w->note : "");
        break;
    case VERB_ACK:
        snprintf(said, len, "the recipient has answered");
        break;
    case VERB_UNDO:
        snprintf(said, len, "%s taken back to %s", status_word(before->status),
                 status_word(h->status));
        break;
    case VERB_RELEASE:
        *said = '\0';
        break;
    }
}

int machine_decide(const struct head *now, const struct wish *wish, uint64_t now_ms,
                   struct head *next, char *said, size_t said_len, struct refusal *why)
{
    int err = check_texts(now, wish, why);
    *next = *now;
    if (err)
        return err;
    switch (wish->verb) {
    case VERB_CLAIM:
        err = claim(wish, now_ms, next, why);
        break;
    case VERB_RELEASE:
        err = release(wish, next, why);
        break;
    case VERB_NOTE:
        err = filled(wish->note) ? 0 : refuse(why, 422, "note", "the note is empty");
        break;
    case VERB_WAIT:
        err = wait(wish, now_ms, next, why);
        break;
    case VERB_ACK:
        err = acknowledge(now_ms, next, why);
        break;
    case VERB_UNDO:
        err = undo(wish, now_ms, next, why);
        break;
    case VERB_TRANSITION:
        err = wish->to == STATUS_TRIAGE ? claim(wish, now_ms, next, why)
                                        : transit(wish, now_ms, next, why);
        if (wish->to == STATUS_TRIAGE && !err && now->status != STATUS_NEW)
            err = refuse(why, 409, "transition", "only a new incident goes to triage");
        break;
    }
    if (!err && wish->verb == VERB_TRANSITION && now->status != next->status) {
        char kept[TRIAGE_UNDO_MAX];
        keep_undo(now, next, now_ms, kept);
        snprintf(next->undo, sizeof next->undo, "%s", wish->system ? "" : kept);
    }
    if (!err)
        say(wish, now, next, said, said_len);
    return err;
}

size_t machine_allowed(const struct head *now, const char *who, const char *words[TRIAGE_WORDS])
{
    static const struct {
        const char *word;
        enum status to;
    } decisions[] = { { "confirm", STATUS_CONFIRMED },
                      { "reject", STATUS_REJECTED },
                      { "resolve", STATUS_RESOLVED },
                      { "close", STATUS_CLOSED } };
    bool mine = !strcmp(now->claimed_by, who), free = !*now->claimed_by;
    size_t n = 0;
    if (status_open(now->status) && !mine)
        words[n++] = free ? "claim" : "steal";
    for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++)
        if ((mine || free) && find(acts_from(now), decisions[i].to, false))
            words[n++] = decisions[i].word;
    if (mine)
        words[n++] = "release";
    if ((mine || free) && status_open(now->status) && now->status != STATUS_NEW)
        words[n++] = "wait";
    if (*now->undo && atoi(strchr(now->undo, ' ') + 1) == (int)now->status)
        words[n++] = "undo";
    words[n++] = "note";
    return n;
}
