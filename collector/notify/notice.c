/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts, and the table of a notice's verbs. */
#include "config.h"
#include "collector/notify/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/notify/contact.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/sign.h"
#include "common/utf8.h"

/** Lines of the log kept. */
#define LOG_MAX 200

enum {
    IN_DRAFT = 1 << 0,
    IN_APPROVAL = 1 << 1,
    IN_QUEUED = 1 << 2,
    IN_SENT = 1 << 3,
    IN_ACKED = 1 << 4,
    IN_FEEDBACK = 1 << 5,
    IN_FAILED = 1 << 6,
};

static const struct {
    const char *word;
    unsigned bit;
} statuses[] = {
    { "draft", IN_DRAFT },   { "approval", IN_APPROVAL }, { "queued", IN_QUEUED },
    { "sent", IN_SENT },     { "acked", IN_ACKED },       { "feedback", IN_FEEDBACK },
    { "failed", IN_FAILED },
};

/* From which statuses each verb is possible. */
static const struct {
    const char *word;
    unsigned from;
} verbs[NOTICE_VERBS] = {
    [NOTICE_EDIT] = { "edit", IN_DRAFT },
    [NOTICE_SEND] = { "send", IN_DRAFT | IN_FAILED },
    [NOTICE_APPROVE] = { "approve", IN_APPROVAL },
    [NOTICE_WITHDRAW] = { "withdraw", IN_DRAFT | IN_APPROVAL | IN_QUEUED | IN_SENT | IN_FAILED },
    [NOTICE_ACK] = { "ack", IN_SENT },
    [NOTICE_FEEDBACK] = { "feedback", IN_SENT | IN_ACKED },
};

const char *notice_verb_word(enum notice_verb verb)
{
    return verbs[verb].word;
}

static unsigned status_bit(const struct record_doc *n)
{
    const char *word = record_text(n, "status");
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (!strcmp(statuses[i].word, word))
            return statuses[i].bit;
    return 0;
}

static void set(struct record_doc *n, const char *key, const char *text)
{
    json_object_set_new(n->doc, key, text ? json_string(text) : json_null());
}

void notice_log(struct record_doc *n, uint64_t now_ms, const char *fmt, ...)
{
    char text[512], at[CLOCK_TEXT_MAX];
    struct buf safe;
    json_t *log = json_object_get(n->doc, "log");
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!json_is_array(log)) {
        log = json_array();
        json_object_set_new(n->doc, "log", log);
    }
    clock_format_rfc3339(now_ms * NS_PER_MS, at);
    json_t *line = json_object();
    json_object_set_new(line, "at", json_string(at));
    buf_init(&safe, 8 * sizeof text);
    utf8_safe(&safe, text, 0, false);
    json_object_set_new(line, "text", json_string(buf_str(&safe)));
    buf_free(&safe);
    json_array_append_new(log, line);
    if (json_array_size(log) > LOG_MAX)
        json_array_remove(log, 0);
}

/* ---- drafts ---------------------------------------------------------------------------------- */

static const char *member(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static void line(struct buf *b, const char *name, const char *value)
{
    if (!*value)
        return;
    buf_printf(b, "%-14s ", name);
    utf8_safe(b, value, 0, false);
    buf_byte(b, '\n');
}

/* Names of sensors or feeds; for who shall not know them, the same mask each time. */
static void names(struct buf *b, const char *name, const json_t *array, bool mask)
{
    struct buf text;
    buf_init(&text, 4096);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *word = json_string_value(json_array_get(array, i));
        char digest[SIGN_DIGEST_TEXT];
        if (!word)
            continue;
        sign_digest_text(word, strlen(word), digest);
        buf_printf(&text, "%s%s%.*s", i ? ", " : "", mask ? "hidden." : "",
                   mask ? 6 : (int)strlen(word), mask ? digest : word);
    }
    line(b, name, buf_str(&text));
    buf_free(&text);
}

/* What a victim can do, by RSIT class. */
static const char *advice(const char *class)
{
    static const struct {
        const char *class, *text;
    } all[] = {
        { "malicious-code",
          "Take the host off the network, keep its disk and memory, look for what "
          "it fetched and whom it called, change the passwords used on it." },
        { "intrusions", "Keep the logs and the disk before cleaning; change all credentials that "
                        "the host knew; look for new accounts, tasks and keys." },
        { "intrusion-attempts", "Check whether the service is patched and whether it answered; if "
                                "it did, treat the host as compromised." },
        { "availability", "Ask your provider to filter; note times and volumes." },
        { "information-content-security", "Stop the transfer, find out what left, keep the logs." },
        { "vulnerable", "Patch or close the service, then tell us, so that we can look again." },
        { "fraud", "Warn those who may have been reached; ask the host to take the page down." },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].class, class))
            return all[i].text;
    return "Please check the host named above and tell us what you find.";
}

static void write_text(struct buf *b, const json_t *in, const struct record_doc *contact)
{
    const json_t *rsit = json_object_get(in, "rsit");
    bool mask = !json_is_false(json_object_get(contact->doc, "mask_sources"));
    char count[32];
    snprintf(count, sizeof count, "%lld",
             (long long)json_integer_value(json_object_get(in, "count")));
    buf_text(b, "The regional CERT has seen the following in your area of responsibility.\n\n");
    line(b, "Incident:", member(in, "id"));
    line(b, "What:", member(in, "title"));
    line(b, "Class:", member(rsit, "class"));
    line(b, "Type:", member(rsit, "type"));
    line(b, "Your host:", member(in, "victim"));
    line(b, "Other side:", member(in, "peer"));
    line(b, "First seen:", member(in, "first_seen"));
    line(b, "Last seen:", member(in, "last_seen"));
    line(b, "Alerts:", count);
    names(b, "Seen by:", json_object_get(in, "sensors"), mask);
    names(b, "By rules of:", json_object_get(in, "feeds"), mask);
    buf_printf(b, "\nWhat to do: %s\n", advice(member(rsit, "class")));
}

void notice_draft(struct record_doc *n, const json_t *incident, const struct record_doc *contact,
                  const char *by, uint64_t now_ms)
{
    struct buf text, subject;
    char id[MODEL_ID_MAX];
    const char *tlp = member(incident, "tlp");
    buf_init(&text, NOTICE_TEXT_MAX);
    buf_init(&subject, 8 * NOTICE_SUBJECT_MAX);
    write_text(&text, incident, contact);
    utf8_safe(&subject, member(incident, "title"), 120, false);
    record_id(contact, id);
    set(n, "incident", member(incident, "id"));
    set(n, "status", "draft");
    set(n, "tlp", *tlp ? tlp : "amber");
    set(n, "subject", buf_str(&subject));
    set(n, "text", buf_str(&text));
    set(n, "contact", id);
    set(n, "contact_name", record_text(contact, "name"));
    set(n, "channel", record_text(contact, "kind"));
    json_object_set_new(n->doc, "abroad",
                        json_boolean(json_is_true(json_object_get(contact->doc, "abroad"))));
    json_object_set(n->doc, "rung", json_object_get(contact->doc, "rung"));
    json_object_set(n->doc, "tier", json_object_get(incident, "tier"));
    json_object_set_new(n->doc, "tries", json_integer(0));
    set(n, "by", by);
    record_set_time(n, "created_at", now_ms);
    static const char *const later[] = { "approved_by", "error",   "sent_at",  "delivered_at",
                                         "acked_at",    "next_at", "feedback", "feedback_note" };
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        set(n, later[i], NULL);
    notice_log(n, now_ms, "drafted by %s for %s", by, record_text(contact, "name"));
    buf_free(&text);
    buf_free(&subject);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static const struct {
    const char *word, *sign;
} outcomes[] = {
    { "useful", "real" },          { "known", "real" },  { "fixed", "real" },
    { "false_positive", "false" }, { "not_ours", NULL },
};

const char *notice_outcome_sign(const char *outcome)
{
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (!strcmp(outcomes[i].word, outcome))
            return outcomes[i].sign;
    return NULL;
}

static bool known_outcome(const char *outcome)
{
    for (size_t i = 0; outcome && i < sizeof outcomes / sizeof *outcomes; i++)
        if (!strcmp(outcomes[i].word, outcome))
            return true;
    return false;
}

static bool needs_second(const struct record_doc *n)
{
    return tlp_rank(record_text(n, "tlp")) >= tlp_rank("amber+strict") ||
           json_is_true(json_object_get(n->doc, "abroad"));
}

static int refuse(char *why, size_t why_len, int err, const char *text)
{
    snprintf(why, why_len, "%s", text);
    return err;
}

static void queue(struct record_doc *n, uint64_t now_ms)
{
    set(n, "status", "queued");
    set(n, "error", NULL);
    json_object_set_new(n->doc, "tries", json_integer(0));
    record_set_time(n, "next_at", now_ms);
}

static int approve(struct record_doc *n, const struct notice_wish *w, uint64_t now_ms, char *why,
                   size_t why_len)
{
    if (!strcmp(record_text(n, "_sent_by"), w->who) || !strcmp(record_text(n, "by"), w->who))
        return refuse(why, why_len, ABENG_ECONFLICT,
                      "a second person approves: not who drafted it or wants it sent");
    set(n, "approved_by", w->who);
    queue(n, now_ms);
    return 0;
}

static int feedback(struct record_doc *n, const struct notice_wish *w, uint64_t now_ms, char *why,
                    size_t why_len)
{
    if (!known_outcome(w->outcome))
        return refuse(why, why_len, ABENG_EINVAL,
                      "outcome must be useful, known, not_ours, false_positive or fixed");
    set(n, "feedback", w->outcome);
    set(n, "feedback_note", w->note && *w->note ? w->note : NULL);
    set(n, "status", "feedback");
    if (!record_time(n, "acked_at"))
        record_set_time(n, "acked_at", now_ms);
    set(n, "next_at", NULL);
    return 0;
}

static int change(struct record_doc *n, const struct notice_wish *w, uint64_t now_ms, char *why,
                  size_t why_len)
{
    switch (w->verb) {
    case NOTICE_SEND:
        set(n, "_sent_by", w->who);
        if (needs_second(n))
            set(n, "status", "approval");
        else
            queue(n, now_ms);
        return 0;
    case NOTICE_APPROVE:
        return approve(n, w, now_ms, why, why_len);
    case NOTICE_WITHDRAW:
        if (!w->note || !*w->note)
            return refuse(why, why_len, ABENG_EINVAL, "a reason is needed");
        set(n, "status", "withdrawn");
        set(n, "next_at", NULL);
        return 0;
    case NOTICE_ACK:
        set(n, "status", "acked");
        record_set_time(n, "acked_at", now_ms);
        set(n, "next_at", NULL);
        return 0;
    case NOTICE_FEEDBACK:
        return feedback(n, w, now_ms, why, why_len);
    default:
        return 0;
    }
}

int notice_decide(struct record_doc *n, const struct notice_wish *w, uint64_t now_ms, char *said,
                  size_t said_len, char *why, size_t why_len)
{
    char text[160];
    if (!(status_bit(n) & verbs[w->verb].from)) {
        snprintf(text, sizeof text, "a notice that is %.24s can't be changed by %s",
                 record_text(n, "status"), verbs[w->verb].word);
        return refuse(why, why_len, ABENG_ECONFLICT, text);
    }
    if (w->note && strlen(w->note) > 2000)
        return refuse(why, why_len, ABENG_EINVAL, "the note is longer than 2000 bytes");
    int err = change(n, w, now_ms, why, why_len);
    if (err)
        return err;
    snprintf(said, said_len, "notice to %.127s: %s%s%s%s%.200s", record_text(n, "contact_name"),
             verbs[w->verb].word, w->outcome ? ", " : "", w->outcome ? w->outcome : "",
             w->note && *w->note ? ": " : "", w->note ? w->note : "");
    notice_log(n, now_ms, "%s by %s%s%s", verbs[w->verb].word, w->who,
               w->note && *w->note ? ": " : "", w->note ? w->note : "");
    return 0;
}

size_t notice_allowed(const struct record_doc *n, const char *who, const char *words[NOTICE_VERBS])
{
    unsigned bit = status_bit(n);
    size_t count = 0;
    for (int v = 0; v < NOTICE_VERBS; v++) {
        bool mine = !strcmp(record_text(n, "_sent_by"), who) || !strcmp(record_text(n, "by"), who);
        if (bit & verbs[v].from && !(v == NOTICE_APPROVE && mine))
            words[count++] = verbs[v].word;
    }
    return count;
}
