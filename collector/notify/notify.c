/* SPDX-License-Identifier: Apache-2.0 */
/* Sending what is due, and the next rung for what nobody acknowledged. */
#include "config.h"
#include "collector/notify/notify.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/correlate/score.h"
#include "collector/notify/contact.h"
#include "collector/notify/notice.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "collector/triage/verbs.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/secret.h"
#include "common/sign.h"
#include "common/state.h"
#include "common/xalloc.h"

/** Notices looked at in one go and state; how long a sending may take before it is tried anew. */
#define DUE_MAX    50
#define SENDING_MS 120000u

/** Longest message, and parts of one digest. */
#define TEXT_MAX   (512u << 10)
#define DIGEST_MAX 50

struct notify {
    struct notify_conf conf;
    pthread_t thread;
    bool running;
    int stop;
};

/* One notice on its way. */
struct job {
    struct notify *n;
    struct store_conn *c;
    struct record_doc notice, contact;
    uint64_t now_ms, incident;
    unsigned tier;
    char link[160];
};

static void set(struct record_doc *r, const char *key, const char *text)
{
    json_object_set_new(r->doc, key, text ? json_string(text) : json_null());
}

static int save(struct job *j, const char *verb, const char *said, uint64_t due_ms)
{
    char why[256];
    struct record_change change = { .who = "abeng",
                                    .verb = verb,
                                    .said = said,
                                    .now_ms = j->now_ms,
                                    .due_ms = due_ms,
                                    .incident = said && *said ? j->incident : 0 };
    record_set_time(&j->notice, "next_at", due_ms);
    int err = record_save(j->c, RECORDS_NOTICE, &j->notice, &change, why, sizeof why);
    if (err && err != ABENG_ECONFLICT)
        log_warn("notify", "%s-%llu: %s: %s", state_at(j->notice.state)->code,
                 (unsigned long long)j->notice.number, verb, why);
    return err;
}

/* ---- contacts -------------------------------------------------------------------------------- */

static int load_contact(struct job *j, const char *id, struct record_doc *out)
{
    unsigned state;
    uint64_t number;
    if (model_parse_id(id, &state, &number) || state != j->notice.state)
        return ABENG_ENOENT;
    return record_load(j->c, RECORDS_CONTACT, state, number, out);
}

/* The contact, or who stands in for it while it is away (a delegate's delegate is not asked). */
static int find_contact(struct job *j)
{
    struct record_doc other;
    int err = load_contact(j, record_text(&j->notice, "contact"), &j->contact);
    if (err || !contact_away(j->contact.doc, j->now_ms))
        return err;
    if (load_contact(j, record_text(&j->contact, "delegate"), &other))
        return 0;
    notice_log(&j->notice, j->now_ms, "%s is away: to %s instead", record_text(&j->contact, "name"),
               record_text(&other, "name"));
    record_clear(&j->contact);
    j->contact = other;
    return 0;
}

struct climb {
    long above, best;
    struct record_doc found;
};

static bool higher(void *arg, const struct record_doc *r)
{
    struct climb *c = arg;
    long rung = (long)json_integer_value(json_object_get(r->doc, "rung"));
    if (rung > c->above && (!c->best || rung < c->best)) {
        record_clear(&c->found);
        c->best = rung;
        c->found = *r;
        c->found.doc = json_incref(r->doc);
    }
    return true;
}

/* ---- links ----------------------------------------------------------------------------------- */

static struct store_key page_key(const char *state, const char *token)
{
    char digest[SIGN_DIGEST_TEXT];
    sign_digest_text(token, strlen(token), digest);
    return store_key(state, "page:%s", digest);
}

/* A fresh link to the recipient's page; the store has the hash of its token. */
static int make_link(struct job *j)
{
    char secret[SECRET_TOKEN_TEXT], token[SECRET_TOKEN_TEXT + 4];
    const char *state = state_at(j->notice.state)->code;
    struct store_reply *r;
    secret_token(secret);
    snprintf(token, sizeof token, "%s.%s", state, secret);
    struct store_key key = page_key(state, token);
    int err = store_command(j->c, &r, "SET %s %llu EX %d", key.text,
                            (unsigned long long)j->notice.number, NOTIFY_LINK_DAYS * 86400);
    store_reply_free(r);
    snprintf(j->link, sizeof j->link, "%.90s/r/%s", j->n->conf.public_url, token);
    return err;
}

int notify_open(struct store *store, const char *token, struct record_doc *out)
{
    int state = strlen(token) > 3 && token[2] == '.' ? state_find(token, 2) : ABENG_ENOENT;
    struct store_reply *r;
    if (state < 0 || strlen(token) > SECRET_TOKEN_TEXT + 4)
        return ABENG_ENOENT;
    const char *code = state_at((unsigned)state)->code;
    struct store_conn *c = store_conn(store, code);
    struct store_key key = page_key(code, token);
    int err = store_command(c, &r, "GET %s", key.text);
    uint64_t number = (uint64_t)store_reply_int(r);
    store_reply_free(r);
    if (err)
        return err;
    return number ? record_load(c, RECORDS_NOTICE, (unsigned)state, number, out) : ABENG_ENOENT;
}

/* ---- what is sent ---------------------------------------------------------------------------- */

/* RED is never mailed: the message says that something waits, and where. */
static void write_part(const struct job *j, struct buf *out)
{
    const char *tlp = record_text(&j->notice, "tlp");
    bool red = tlp_rank(tlp) >= tlp_rank("red");
    buf_printf(out, "TLP:%s\n\n", tlp);
    if (red)
        buf_printf(out,
                   "A notice about incident %s waits for you. It may not be sent by mail: log in "
                   "at %s to read it.\n",
                   record_text(&j->notice, "incident"), j->n->conf.public_url);
    else
        buf_text(out, record_text(&j->notice, "text"));
    if (!red)
        buf_printf(out,
                   "\nPlease acknowledge and tell us whether this was useful (opening the page "
                   "changes nothing, its buttons do):\n%s\n",
                   j->link);
}

static void write_subject(const struct job *j, unsigned parts, struct buf *out)
{
    const char *tlp = record_text(&j->notice, "tlp");
    buf_printf(out, "[TLP:%s] ", tlp);
    if (parts > 1)
        buf_printf(out, "%u notices of the day", parts);
    else if (tlp_rank(tlp) >= tlp_rank("red"))
        buf_printf(out, "%s: a notice waits for you", record_text(&j->notice, "incident"));
    else
        buf_printf(out, "%s tier %u: %s", record_text(&j->notice, "incident"), j->tier,
                   record_text(&j->notice, "subject"));
}

static int mail_it(struct job *j, const struct buf *text, unsigned parts, char *why, size_t len)
{
    struct buf subject;
    char id[64];
    buf_init(&subject, 4096);
    write_subject(j, parts, &subject);
    snprintf(id, sizeof id, "notice-%s-%llu-%lld", state_at(j->notice.state)->code,
             (unsigned long long)j->notice.number,
             (long long)json_integer_value(json_object_get(j->notice.doc, "rung")));
    struct send_mail mail = { .to = record_text(&j->contact, "address"),
                              .subject = buf_str(&subject),
                              .text = (const char *)text->data,
                              .message_id = id,
                              .tlp = record_text(&j->notice, "tlp"),
                              .now_ms = j->now_ms };
    int err = send_mail(&j->n->conf.send, &mail, why, len);
    buf_free(&subject);
    return err;
}

static int hook_it(struct job *j, char *why, size_t len)
{
    static const char *const members[] = { "incident", "tlp", "subject", "text" };
    bool red = tlp_rank(record_text(&j->notice, "tlp")) >= tlp_rank("red");
    char id[MODEL_ID_MAX];
    struct buf body;
    struct json out;
    record_id(&j->notice, id);
    buf_init(&body, TEXT_MAX);
    json_begin(&out, &body);
    json_open(&out, NULL);
    json_str(&out, "notice", id);
    for (size_t i = 0; i < (red ? 2 : sizeof members / sizeof *members); i++)
        json_str(&out, members[i], record_text(&j->notice, members[i]));
    json_u64(&out, "tier", j->tier);
    json_str(&out, "link", red ? j->n->conf.public_url : j->link);
    json_close(&out);
    int err =
        send_webhook(&j->n->conf.send, record_text(&j->contact, "address"),
                     record_text(&j->contact, "_secret"), buf_str(&body), j->now_ms, why, len);
    buf_free(&body);
    return err;
}

static int send_one(struct job *j, char *why, size_t len)
{
    const char *kind = record_text(&j->contact, "kind");
    struct buf text;
    if (!strcmp(kind, "phone"))
        return 0; /* a task: the notice stands as sent until somebody has called */
    int err = make_link(j);
    if (err) {
        snprintf(why, len, "the store is away");
        return err;
    }
    if (!strcmp(kind, "webhook"))
        return hook_it(j, why, len);
    buf_init(&text, TEXT_MAX);
    write_part(j, &text);
    buf_byte(&text, '\0');
    err = mail_it(j, &text, 1, why, len);
    buf_free(&text);
    return err;
}

/* ---- the ladder ------------------------------------------------------------------------------ */

static uint64_t backoff(long tries)
{
    static const unsigned seconds[NOTIFY_TRIES] = { 5, 15, 60, 300, 900, 900 };
    return seconds[tries > NOTIFY_TRIES ? NOTIFY_TRIES - 1 : tries - 1] * 1000ull;
}

/* The incident is being handled from the first notice on; what is not confirmed stays as it is. */
static int tell_incident(struct job *j)
{
    struct head h;
    struct refusal why;
    const char *id = record_text(&j->notice, "incident");
    if (model_head(j->n->conf.model, ~0u, id, &h) || h.status != STATUS_CONFIRMED)
        return 0;
    struct wish wish = {
        .verb = VERB_TRANSITION, .who = "abeng", .system = true, .to = STATUS_HANDLING
    };
    int err = verbs_apply(j->n->conf.store, j->n->conf.model, ~0u, id, &wish, 0, j->now_ms, &why);
    return err == ABENG_EAGAIN ? err : 0;
}

static void sent(struct job *j)
{
    char said[256];
    const struct limits *l = score_limits(j->tier);
    bool phone = !strcmp(record_text(&j->contact, "kind"), "phone");
    if (tell_incident(j))
        return; /* the store is away: the timer of the sending asks again */
    snprintf(said, sizeof said,
             phone ? "notice to %.100s: to be called, %.60s" : "notice to %.100s: sent by %.60s",
             record_text(&j->contact, "name"),
             record_text(&j->contact, phone ? "address" : "kind"));
    notice_log(&j->notice, j->now_ms, "%s", said);
    set(&j->notice, "status", "sent");
    set(&j->notice, "error", NULL);
    record_set_time(&j->notice, "sent_at", j->now_ms);
    if (!phone)
        record_set_time(&j->notice, "delivered_at", j->now_ms);
    save(j, "notice.sent", said, l->ack ? j->now_ms + l->ack * 1000ull : 0);
}

/* To the next rung, when there is one. */
static void climb(struct job *j, const char *reason)
{
    struct climb c = { .above = (long)json_integer_value(json_object_get(j->notice.doc, "rung")) };
    char said[256], id[MODEL_ID_MAX];
    bool was_sent = !strcmp(record_text(&j->notice, "status"), "sent");
    if (record_walk(j->c, RECORDS_CONTACT, j->notice.state, 0, higher, &c)) {
        record_clear(&c.found);
        return;
    }
    if (!c.best) {
        snprintf(said, sizeof said, "notice to %.100s: %.60s, and there is no further rung",
                 record_text(&j->notice, "contact_name"), reason);
        set(&j->notice, "status", was_sent ? "sent" : "failed");
        notice_log(&j->notice, j->now_ms, "%s", said);
        save(j, "notice.end", said, 0);
        return;
    }
    snprintf(said, sizeof said, "notice to %.100s: %.60s; now to %.60s",
             record_text(&j->notice, "contact_name"), reason, record_text(&c.found, "name"));
    record_id(&c.found, id);
    set(&j->notice, "contact", id);
    set(&j->notice, "contact_name", record_text(&c.found, "name"));
    set(&j->notice, "channel", record_text(&c.found, "kind"));
    set(&j->notice, "status", "queued");
    json_object_set_new(j->notice.doc, "rung", json_integer(c.best));
    json_object_set_new(j->notice.doc, "tries", json_integer(0));
    notice_log(&j->notice, j->now_ms, "%s", said);
    save(j, "notice.rung", said, j->now_ms);
    record_clear(&c.found);
}

static void failed(struct job *j, const char *why)
{
    long tries = (long)json_integer_value(json_object_get(j->notice.doc, "tries"));
    log_warn("notify", "notice %s-%llu to %s: %s", state_at(j->notice.state)->code,
             (unsigned long long)j->notice.number, record_text(&j->contact, "name"), why);
    set(&j->notice, "error", why);
    notice_log(&j->notice, j->now_ms, "try %ld failed: %s", tries, why);
    if (tries >= NOTIFY_TRIES)
        climb(j, "could not be delivered");
    else
        save(j, "notice.retry", "", j->now_ms + backoff(tries));
}

/* Ended incidents need no notice; a contact gets nothing above its TLP. */
static const char *obstacle(const struct job *j)
{
    struct head h;
    const char *most = record_text(&j->contact, "tlp_max");
    if (!model_head(j->n->conf.model, ~0u, record_text(&j->notice, "incident"), &h) &&
        h.status == STATUS_REJECTED)
        return "the incident was rejected meanwhile";
    if (*most && tlp_rank(record_text(&j->notice, "tlp")) > tlp_rank(most))
        return "its TLP is above what the contact may get";
    return NULL;
}

static void refuse(struct job *j, const char *why)
{
    char said[256];
    snprintf(said, sizeof said, "notice to %.100s not sent: %.100s",
             record_text(&j->notice, "contact_name"), why);
    set(&j->notice, "status", "failed");
    set(&j->notice, "error", why);
    notice_log(&j->notice, j->now_ms, "%s", said);
    save(j, "notice.refused", said, 0);
}

/* ---- digests --------------------------------------------------------------------------------- */

struct gather {
    struct job *first;
    struct job parts[DIGEST_MAX];
    size_t count;
};

static bool gather_one(void *arg, const struct record_doc *r)
{
    struct gather *g = arg;
    bool same = r->number != g->first->notice.number &&
                !strcmp(record_text(r, "status"), "queued") &&
                !strcmp(record_text(r, "contact"), record_text(&g->first->notice, "contact")) &&
                json_integer_value(json_object_get(r->doc, "tier")) > 2 &&
                tlp_rank(record_text(r, "tlp")) <= tlp_rank(record_text(&g->first->notice, "tlp"));
    if (same) {
        struct job *j = &g->parts[g->count++];
        *j = *g->first;
        j->notice = *r;
        j->notice.doc = json_deep_copy(r->doc);
        j->tier = (unsigned)json_integer_value(json_object_get(r->doc, "tier"));
        j->contact.doc = json_incref(g->first->contact.doc);
        unsigned state;
        model_parse_id(record_text(r, "incident"), &state, &j->incident);
    }
    return g->count < DIGEST_MAX;
}

/* One mail with all that waits for this contact. */
static int send_digest(struct job *j, struct gather *g, char *why, size_t len)
{
    struct buf text;
    int err = record_walk(j->c, RECORDS_NOTICE, j->notice.state, 0, gather_one, g);
    buf_init(&text, TEXT_MAX);
    if (!err)
        err = make_link(j);
    write_part(j, &text);
    for (size_t i = 0; i < g->count && !err; i++) {
        err = make_link(&g->parts[i]);
        buf_text(&text, "\n----------------------------------------\n\n");
        write_part(&g->parts[i], &text);
    }
    buf_byte(&text, '\0');
    if (err)
        snprintf(why, len, "the store is away");
    else
        err = mail_it(j, &text, 1 + (unsigned)g->count, why, len);
    buf_free(&text);
    return err;
}

static void deliver_digest(struct job *j)
{
    struct gather *g = xcalloc(1, sizeof *g);
    char why[256] = "";
    g->first = j;
    int err = send_digest(j, g, why, sizeof why);
    if (err)
        failed(j, why);
    else
        sent(j);
    for (size_t i = 0; i < g->count; i++) {
        if (!err)
            sent(&g->parts[i]);
        record_clear(&g->parts[i].notice);
        record_clear(&g->parts[i].contact);
    }
    free(g);
}

/* ---- one notice ------------------------------------------------------------------------------ */

static void deliver(struct job *j)
{
    char why[256] = "";
    long tries = (long)json_integer_value(json_object_get(j->notice.doc, "tries"));
    const char *bar = obstacle(j);
    uint64_t when = contact_when(j->contact.doc, j->tier, j->now_ms);
    bool digest = contact_digest(j->contact.doc, j->tier) &&
                  !strcmp(record_text(&j->contact, "kind"), "mail");
    if (bar) {
        refuse(j, bar);
        return;
    }
    /* A digest's own time has come once it was put off to it. */
    bool put_off = json_is_true(json_object_get(j->notice.doc, "_put_off"));
    if (when > j->now_ms && !(digest && put_off)) {
        json_object_set_new(j->notice.doc, "_put_off", json_true());
        notice_log(&j->notice, j->now_ms, "waits: quiet hours, day off or digest");
        save(j, "notice.wait", "", when);
        return;
    }
    /* Say that it will be sent before it is: whoever loses this race does not send. */
    json_object_set_new(j->notice.doc, "tries", json_integer(tries + 1));
    if (save(j, "notice.sending", "", j->now_ms + SENDING_MS))
        return;
    if (digest) {
        deliver_digest(j);
        return;
    }
    if (send_one(j, why, sizeof why))
        failed(j, why);
    else
        sent(j);
}

/* A countermeasure whose time is over is to be taken back; its timer has done its work. */
static void expire(const struct job *j, uint64_t number)
{
    struct record_doc r;
    struct record_change change = { .who = "abeng", .verb = "countermeasure", .now_ms = j->now_ms };
    unsigned state = j->notice.state;
    char said[256], why[256];
    if (record_load(j->c, RECORDS_COUNTERMEASURE, state, number, &r))
        return;
    if (!strcmp(record_text(&r, "status"), "active")) {
        snprintf(said, sizeof said, "%.120s: its time is over, to be taken back",
                 record_text(&r, "text"));
        change.said = said;
        model_parse_id(record_text(&r, "incident"), &state, &change.incident);
        set(&r, "status", "pending_removal");
        record_set_time(&r, "changed_at", j->now_ms);
    }
    if (record_save(j->c, RECORDS_COUNTERMEASURE, &r, &change, why, sizeof why))
        log_warn("notify", "countermeasure %s-%llu: %s", state_at(r.state)->code,
                 (unsigned long long)number, why);
    record_clear(&r);
}

/* A suppression whose time is over goes; the audit says how much it held back. */
static void end_suppression(const struct job *j, uint64_t number)
{
    struct record_doc r;
    struct store_reply *reply;
    char said[256], why[256];
    unsigned state = j->notice.state;
    struct store_key key = store_key(state_at(state)->code, "supphits");
    if (record_load(j->c, RECORDS_SUPPRESSION, state, number, &r))
        return;
    int err = store_command(j->c, &reply, "HGET %s %llu", key.text, (unsigned long long)number);
    snprintf(said, sizeof said, "its time is over; held back %llu: %.120s",
             strtoull(store_reply_text(reply, NULL), NULL, 10), record_text(&r, "reason"));
    store_reply_free(reply);
    struct record_change change = {
        .who = "abeng", .verb = "suppression.end", .said = said, .now_ms = j->now_ms, .remove = true
    };
    if (!err)
        err = record_save(j->c, RECORDS_SUPPRESSION, &r, &change, why, sizeof why);
    if (err && err != ABENG_EAGAIN)
        log_warn("notify", "suppression %s-%llu: %s", state_at(state)->code,
                 (unsigned long long)number, why);
    record_clear(&r);
}

static void take(void *arg, enum record_kind_of kind, uint64_t number)
{
    struct job *j = arg;
    unsigned state = j->notice.state;
    if (kind == RECORDS_COUNTERMEASURE)
        expire(j, number);
    if (kind == RECORDS_SUPPRESSION)
        end_suppression(j, number);
    if (kind != RECORDS_NOTICE || record_load(j->c, kind, state, number, &j->notice))
        return;
    j->tier = (unsigned)json_integer_value(json_object_get(j->notice.doc, "tier"));
    if (model_parse_id(record_text(&j->notice, "incident"), &state, &j->incident))
        j->incident = 0;
    const char *status = record_text(&j->notice, "status");
    bool is_queued = !strcmp(status, "queued"), is_sent = !strcmp(status, "sent");
    if (is_sent)
        climb(j, "not acknowledged in time");
    else if (is_queued && find_contact(j))
        climb(j, "the contact is gone");
    else if (is_queued)
        deliver(j);
    else
        save(j, "notice.timer", "", 0);
    record_clear(&j->contact);
    record_clear(&j->notice);
}

struct due {
    struct {
        enum record_kind_of kind;
        uint64_t number;
    } all[DUE_MAX];
    size_t count;
};

static void collect(void *arg, enum record_kind_of kind, uint64_t number)
{
    struct due *d = arg;
    if (d->count < DUE_MAX) {
        d->all[d->count].kind = kind;
        d->all[d->count++].number = number;
    }
}

unsigned notify_run(struct notify *n, uint64_t now_ms)
{
    unsigned done = 0;
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        struct due d = { .count = 0 };
        struct store_conn *c = store_conn(n->conf.store, state_at(s)->code);
        if (record_due(c, s, now_ms, DUE_MAX, collect, &d))
            return done;
        for (size_t i = 0; i < d.count; i++) {
            struct job j = { .n = n, .c = c, .now_ms = now_ms, .notice = { .state = s } };
            take(&j, d.all[i].kind, d.all[i].number);
            done++;
        }
    }
    return done;
}

const struct sign_public *notify_key(const struct notify *n)
{
    return n->conf.send.key ? &n->conf.send.key->public_key : NULL;
}

int notify_test(struct notify *n, const struct record_doc *contact, uint64_t now_ms, char *why,
                size_t why_len)
{
    struct job j = { .n = n, .now_ms = now_ms, .contact = *contact };
    const char *kind = record_text(contact, "kind");
    static const char text[] = "This is a test of the regional CERT's contact book: nothing has "
                               "happened. If it reached the wrong place, please tell us.\n";
    if (!strcmp(kind, "phone")) {
        snprintf(why, why_len, "a telephone number is tested by calling it");
        return ABENG_EINVAL;
    }
    if (!strcmp(kind, "webhook"))
        return send_webhook(&n->conf.send, record_text(contact, "address"),
                            record_text(contact, "_secret"), "{\"test\":true}", now_ms, why,
                            why_len);
    struct send_mail mail = { .to = record_text(&j.contact, "address"),
                              .subject = "Test of the contact book",
                              .text = text,
                              .message_id = "test",
                              .tlp = "clear",
                              .now_ms = now_ms };
    return send_mail(&n->conf.send, &mail, why, why_len);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void *work(void *arg)
{
    struct notify *n = arg;
    static const struct timespec second = { 1, 0 };
    while (!__atomic_load_n(&n->stop, __ATOMIC_ACQUIRE)) {
        if (model_ready(n->conf.model))
            notify_run(n, clock_now(n->conf.clock) / NS_PER_MS);
        nanosleep(&second, NULL);
    }
    return NULL;
}

struct notify *notify_create(const struct notify_conf *conf)
{
    struct notify *n = xcalloc(1, sizeof *n);
    n->conf = *conf;
    if (!n->conf.clock)
        n->conf.clock = clock_system();
    return n;
}

struct notify *notify_start(const struct notify_conf *conf)
{
    struct notify *n = notify_create(conf);
    if (pthread_create(&n->thread, NULL, work, n)) {
        log_error("notify", "can't start a thread");
        free(n);
        return NULL;
    }
    n->running = true;
    return n;
}

void notify_stop(struct notify *n)
{
    if (!n)
        return;
    __atomic_store_n(&n->stop, 1, __ATOMIC_RELEASE);
    if (n->running)
        pthread_join(n->thread, NULL);
    free(n);
}
