/* SPDX-License-Identifier: Apache-2.0 */
/* Calling the functions of links.lua. */
#include "config.h"
#include "collector/triage/links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "common/err.h"
#include "common/state.h"

/** Most keys of one call, and room for a line of a timeline. */
#define KEYS_MAX 8
#define SAID_MAX (TRIAGE_REASON_MAX + 128)

struct number {
    char text[24];
};

static struct number text_of(uint64_t n)
{
    struct number out;
    snprintf(out.text, sizeof out.text, "%llu", (unsigned long long)n);
    return out;
}

static int refuse(struct refusal *why, unsigned status, const char *rule, const char *text)
{
    *why = (struct refusal){ .status = status, .rule = rule };
    snprintf(why->text, sizeof why->text, "%s", text);
    return status == 422 ? ABENG_EINVAL : ABENG_ECONFLICT;
}

/* Call, and say why not in the function's own words. */
static int call(struct store *store, const char *name, const struct store_key *keys, size_t count,
                const struct store_arg *args, size_t arg_count, const char *rule,
                struct refusal *why)
{
    struct store_arg names[KEYS_MAX];
    struct store_reply *r;
    for (size_t i = 0; i < count; i++)
        names[i] = STORE_KEY(keys[i]);
    int err = store_call(store_conn(store, NULL), name, names, count, args, arg_count, &r);
    if (err == ABENG_ECONFLICT) /* STALE */
        err = refuse(why, 412, "version", store_reply_text(r, NULL));
    if (err == ABENG_EDENIED)
        err = refuse(why, 409, rule, store_reply_text(r, NULL));
    store_reply_free(r);
    return err;
}

static int check_reason(const struct links_word *by, bool needed, struct refusal *why)
{
    if (by->reason && strlen(by->reason) >= TRIAGE_REASON_MAX)
        return refuse(why, 422, "reason", "the reason is longer than 1023 bytes");
    if (needed && (!by->reason || !by->reason[strspn(by->reason, " \t\r\n")]))
        return refuse(why, 422, "reason", "a reason is needed");
    return 0;
}

static const char *reason_of(const struct links_word *by)
{
    return by->reason ? by->reason : "";
}

/* ---- incidents ------------------------------------------------------------------------------- */

/* An incident as the model knows it. */
struct known {
    const char *id;
    unsigned state;
    uint64_t number;
    struct head head;
};

static int know(struct model *m, unsigned scope, const char *id, struct known *out)
{
    out->id = id;
    if (model_parse_id(id, &out->state, &out->number))
        return ABENG_ENOENT;
    return model_head(m, scope, id, &out->head);
}

static int check_pen(const struct head *h, const struct links_word *by, struct refusal *why)
{
    char text[160];
    if (!*h->claimed_by || !strcmp(h->claimed_by, by->who))
        return 0;
    snprintf(text, sizeof text, "claimed by %s; take it over first (claim with steal)",
             h->claimed_by);
    return refuse(why, 409, "claim.other", text);
}

static int call_pair(struct store *store, const char *name, const struct known *part,
                     const struct known *whole, const char *third, uint64_t if_match,
                     const struct links_word *by, const char *said[2], struct refusal *why)
{
    const char *state = state_at(part->state)->code;
    struct number dver = text_of(part->head.dver), seen = text_of(if_match);
    struct number now = text_of(by->now_ms), a = text_of(part->number), b = text_of(whole->number);
    struct store_key keys[KEYS_MAX] = {
        store_key(state, "inc:%s", a.text),
        store_key(state, "ev:%s", a.text),
        store_key(state, "inc:%s", b.text),
        store_key(state, "ev:%s", b.text),
        store_key(state, "q"),
        store_key(state, "tmr"),
        store_key(state, "aud"),
        store_key(state, "chg"),
    };
    const struct store_arg args[] = {
        STORE_TEXT(dver.text), STORE_TEXT(if_match ? seen.text : ""),
        STORE_TEXT(third),     STORE_TEXT(now.text),
        STORE_TEXT(by->who),   STORE_TEXT(a.text),
        STORE_TEXT(b.text),    STORE_TEXT(said[0]),
        STORE_TEXT(said[1]),
    };
    return call(store, name, keys, KEYS_MAX, args, sizeof args / sizeof *args, "merge.status", why);
}

/* Both lines of the trail; `join` is "into" or "out of". */
static void say(char out[2][SAID_MAX], const struct known *part, const struct known *whole,
                const char *join, const char *took, const struct links_word *by)
{
    const char *colon = *reason_of(by) ? ": " : "";
    snprintf(out[0], SAID_MAX, "%s %s%s%s", join, whole->id, colon, reason_of(by));
    snprintf(out[1], SAID_MAX, "%s %s%s%s", took, part->id, colon, reason_of(by));
}

int links_merge(struct store *store, struct model *m, unsigned scope, const char *id,
                const char *into, uint64_t if_match, const struct links_word *by,
                struct refusal *why)
{
    char said[2][SAID_MAX];
    struct known part, whole;
    int err = know(m, scope, id, &part);
    if (!err)
        err = check_reason(by, false, why);
    if (!err && know(m, scope, into, &whole))
        err = refuse(why, 422, "merge.into", "there is no such incident to merge into");
    if (!err && part.state != whole.state)
        err = refuse(why, 409, "merge.state",
                     "incidents of two states are never merged; a "
                     "campaign joins them");
    if (!err && part.number == whole.number)
        err = refuse(why, 409, "merge.status", "an incident can't be merged into itself");
    if (!err && !status_open(whole.head.status))
        err = refuse(why, 409, "merge.status", "the other one is not open");
    if (!err)
        err = check_pen(&part.head, by, why);
    if (err)
        return err;
    struct number dver = text_of(whole.head.dver);
    say(said, &part, &whole, "into", "took in", by);
    err = call_pair(store, "abeng_merge", &part, &whole, dver.text, if_match, by,
                    (const char *[]){ said[0], said[1] }, why);
    model_refresh(m, id);
    model_refresh(m, into);
    return err;
}

int links_unmerge(struct store *store, struct model *m, unsigned scope, const char *id,
                  uint64_t if_match, const struct links_word *by, struct refusal *why)
{
    char said[2][SAID_MAX], into[MODEL_ID_MAX];
    struct known part, whole;
    int err = know(m, scope, id, &part);
    if (!err)
        err = check_reason(by, false, why);
    if (!err && part.head.status != STATUS_MERGED)
        err = refuse(why, 409, "merge.status", "it is not merged into another");
    if (err)
        return err;
    snprintf(into, sizeof into, "%s-%llu", state_at(part.state)->code,
             (unsigned long long)part.head.merged_into);
    err = know(m, scope, into, &whole);
    if (err)
        return err;
    struct number close = text_of(TRIAGE_CLOSE_MS);
    say(said, &part, &whole, "out of", "let go", by);
    err = call_pair(store, "abeng_unmerge", &part, &whole, close.text, if_match, by,
                    (const char *[]){ said[0], said[1] }, why);
    model_refresh(m, id);
    model_refresh(m, into);
    return err;
}

/* ---- signals --------------------------------------------------------------------------------- */

int links_attach(struct store *store, struct model *m, unsigned scope, const struct links_signal *s,
                 const char *to, const struct links_word *by, struct refusal *why)
{
    char said[SAID_MAX];
    struct known target = { .number = 0 }, from = { .number = 0 };
    int err = check_reason(by, false, why);
    if (!err && *to && know(m, scope, to, &target))
        err = refuse(why, 422, "attach.incident", "there is no such incident");
    if (!err && *to && strcmp(state_at(target.state)->code, s->state) != 0)
        err = refuse(why, 409, "attach.state", "the incident is of another state");
    if (!err && *s->incident)
        err = know(m, scope, s->incident, &from);
    if (!err && target.number == from.number)
        err = refuse(why, 409, "signal.state",
                     *to ? "it belongs to that incident already" : "it belongs to no incident");
    if (err)
        return err;
    struct number n = text_of(s->number), a = text_of(target.number), b = text_of(from.number);
    struct number now = text_of(by->now_ms);
    struct store_key keys[KEYS_MAX] = {
        store_key(s->state, "sig:%s", n.text),
        store_key(s->state, "pins"),
        store_key(s->state, "inc:%s", a.text),
        store_key(s->state, "ev:%s", a.text),
        store_key(s->state, "inc:%s", b.text),
        store_key(s->state, "ev:%s", b.text),
        store_key(s->state, "aud"),
        store_key(s->state, "chg"),
    };
    snprintf(said, sizeof said, "signal %s-s%s to %s%s%s", s->state, n.text,
             *to ? to : "no incident", *reason_of(by) ? ": " : "", reason_of(by));
    const struct store_arg args[] = { STORE_TEXT(n.text),      STORE_TEXT(a.text),
                                      STORE_TEXT(s->incident), STORE_TEXT(b.text),
                                      STORE_TEXT(now.text),    STORE_TEXT(by->who),
                                      STORE_TEXT(said) };
    return call(store, "abeng_pin", keys, KEYS_MAX, args, sizeof args / sizeof *args,
                "signal.state", why);
}

int links_mute(struct store *store, const struct links_signal *s, uint64_t until_ms,
               const struct links_word *by, struct refusal *why)
{
    int err = check_reason(by, true, why);
    if (!err && until_ms && (until_ms <= by->now_ms || until_ms > by->now_ms + LINKS_SUPPRESS_MS))
        err = refuse(why, 422, "until", "until must be in the future, at most 90 days ahead");
    if (err)
        return err;
    struct number n = text_of(s->number), now = text_of(by->now_ms);
    struct number until = text_of(until_ms ? until_ms : by->now_ms + LINKS_DISMISS_MS);
    struct store_key keys[] = { store_key(s->state, "sig:%s", n.text),
                                store_key(s->state, "mute"),
                                store_key(s->state, "muteby"),
                                store_key(s->state, "aud"),
                                store_key(s->state, "chg"),
                                store_key(s->state, "nums") };
    const struct store_arg args[] = {
        STORE_TEXT(n.text),     STORE_TEXT(until_ms ? "suppress" : "dismiss"),
        STORE_TEXT(until.text), STORE_TEXT(now.text),
        STORE_TEXT(by->who),    STORE_TEXT(by->reason)
    };
    return call(store, "abeng_mute", keys, sizeof keys / sizeof *keys, args,
                sizeof args / sizeof *args, "signal.state", why);
}

int links_claim(struct store *store, const struct links_signal *s, bool steal,
                const struct links_word *by, struct refusal *why)
{
    struct number n = text_of(s->number), now = text_of(by->now_ms);
    struct store_key keys[] = { store_key(s->state, "sig:%s", n.text),
                                store_key(s->state, "sigclaim"), store_key(s->state, "aud") };
    const struct store_arg args[] = { STORE_TEXT(n.text), STORE_TEXT(by->who), STORE_TEXT(now.text),
                                      STORE_TEXT(steal ? "1" : "0") };
    return call(store, "abeng_signal_claim", keys, sizeof keys / sizeof *keys, args,
                sizeof args / sizeof *args, "claim.other", why);
}
