/* SPDX-License-Identifier: Apache-2.0 */
/* /notifications, and the page that a recipient's link opens. */
#include "config.h"
#include "collector/api/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/notify/contact.h"
#include "collector/notify/notice.h"
#include "collector/notify/notify.h"
#include "collector/store/store.h"
#include "collector/triage/verbs.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/sign.h"
#include "common/state.h"
#include "common/utf8.h"

/** Largest form of the recipient's page. */
#define FORM_MAX 8192

static void more(const struct record_doc *r, const struct session *s, struct json *out)
{
    const char *words[NOTICE_VERBS];
    size_t n = s->role & ROLE_NOTERS ? notice_allowed(r, s->user, words) : 0;
    bool decides = s->role & ROLE_DECIDERS;
    json_open_array(out, "allowed");
    for (size_t i = 0; i < n; i++)
        if (decides || !strcmp(words[i], "ack") || !strcmp(words[i], "feedback"))
            json_str(out, NULL, words[i]);
    json_close_array(out);
}

static enum http_done list(struct http_request *req, void *app)
{
    static const char *const filters[] = { "status", "incident", "contact", NULL };
    return records_list(app, req, RECORDS_NOTICE, filters, more);
}

static enum http_done show(struct http_request *req, void *app)
{
    struct record_doc r;
    if (records_find(app, req, RECORDS_NOTICE, &r))
        return HTTP_DONE;
    enum http_done done = records_reply(req, &r, 200, more);
    record_clear(&r);
    return done;
}

/* ---- drafting -------------------------------------------------------------------------------- */

struct pick {
    long best;
    struct record_doc found;
};

static bool lowest_rung(void *arg, const struct record_doc *r)
{
    struct pick *p = arg;
    long rung = (long)json_integer_value(json_object_get(r->doc, "rung"));
    if (!p->best || rung < p->best) {
        record_clear(&p->found);
        p->found = *r;
        p->found.doc = json_incref(r->doc);
        p->best = rung;
    }
    return true;
}

/* The contact that is named, else the first rung of the incident's state. */
static int find_contact(const struct api *a, const struct http_request *req, const char *id,
                        unsigned state, struct record_doc *out)
{
    struct store_conn *c = records_conn(a, req, state);
    struct pick p = { .best = 0 };
    unsigned of;
    uint64_t number;
    if (id && (model_parse_id(id, &of, &number) || of != state))
        return ABENG_ENOENT;
    if (id)
        return record_load(c, RECORDS_CONTACT, state, number, out);
    int err = record_walk(c, RECORDS_CONTACT, state, 0, lowest_rung, &p);
    *out = p.found;
    return err ? err : p.best ? 0 : ABENG_ENOENT;
}

static json_t *incident_row(const struct api *a, const struct http_request *req, const char *id)
{
    struct buf text;
    struct json j;
    buf_init(&text, 1u << 20);
    json_begin(&j, &text);
    json_open(&j, NULL);
    int err = model_write_row(a->conf.model, api_session(req)->scope, id, true, &j);
    json_close(&j);
    json_t *row = err ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
    buf_free(&text);
    return row;
}

/* Take subject, text and tlp over from a body: 0, or below 0 after a problem. */
static int take_texts(struct http_request *req, const json_t *body, struct record_doc *n)
{
    const char *bad = NULL;
    const char *subject = api_text(body, "subject", &bad), *text = api_text(body, "text", &bad);
    const char *tlp = api_text(body, "tlp", &bad);
    if (!bad && subject && (strlen(subject) > NOTICE_SUBJECT_MAX || strpbrk(subject, "\r\n")))
        bad = "subject";
    if (!bad && text && strlen(text) > NOTICE_TEXT_MAX)
        bad = "text";
    if (!bad && tlp && tlp_rank(tlp) < 0)
        bad = "tlp";
    if (bad) {
        api_bad(req, bad);
        return ABENG_EINVAL;
    }
    if (subject)
        json_object_set_new(n->doc, "subject", json_string(subject));
    if (text)
        json_object_set_new(n->doc, "text", json_string(text));
    if (tlp)
        json_object_set_new(n->doc, "tlp", json_string(tlp));
    return 0;
}

static enum http_done draft(struct api *a, struct http_request *req, const json_t *body,
                            const char *id, const char *contact_id)
{
    struct record_change change = { .verb = "notice.draft" };
    struct record_doc n = { .doc = json_object() }, contact = { .doc = NULL };
    json_t *row = incident_row(a, req, id);
    enum http_done done = HTTP_DONE;
    if (!row || model_parse_id(id, &n.state, &change.incident)) {
        done = http_problem(req, 422, "incident", "incident is none, or it is not yours to see");
    } else if (find_contact(a, req, contact_id, n.state, &contact)) {
        done = http_problem(req, 422, "contact",
                            "there is no such contact in the incident's state; add one first");
    } else {
        notice_draft(&n, row, &contact, api_session(req)->user, api_now(a));
        change.said = record_text(&contact, "name");
        if (!take_texts(req, body, &n))
            done = records_save(a, req, RECORDS_NOTICE, &n, &change, 201, more);
    }
    record_clear(&contact);
    record_clear(&n);
    json_decref(row);
    return done;
}

static enum http_done add(struct http_request *req, void *app)
{
    const char *bad = NULL;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *id = api_text(body, "incident", &bad), *to = api_text(body, "contact", &bad);
    enum http_done done =
        bad || !id ? api_bad(req, bad ? bad : "incident") : draft(app, req, body, id, to);
    json_decref(body);
    return done;
}

/* ---- verbs ----------------------------------------------------------------------------------- */

/* What an acknowledgement or feedback means to the incident: its clock stops. */
static void tell_incident(const struct api *a, const struct record_doc *n, const char *who)
{
    struct wish wish = { .verb = VERB_ACK, .who = who, .system = true };
    struct refusal why;
    verbs_apply(a->conf.store, a->conf.model, ~0u, record_text(n, "incident"), &wish, 0, api_now(a),
                &why);
}

static uint64_t due_of(const struct record_doc *n)
{
    return record_time(n, "next_at");
}

/* Decide, and fill the change that is to be saved: 0, or below 0 with `why`. */
static int decide(const struct api *a, struct record_doc *n, const struct notice_wish *wish,
                  struct record_change *change, char *said, size_t said_len, char *why, size_t len)
{
    unsigned state;
    int err = notice_decide(n, wish, api_now(a), said, said_len, why, len);
    if (err)
        return err;
    model_parse_id(record_text(n, "incident"), &state, &change->incident);
    change->verb = "notice";
    change->said = said;
    change->due_ms = due_of(n);
    change->outcome = wish->outcome ? notice_outcome_sign(wish->outcome) : NULL;
    return 0;
}

static enum http_done apply(struct http_request *req, struct api *a, enum notice_verb verb)
{
    struct record_doc n = { .doc = NULL };
    struct record_change change = { .verb = NULL };
    struct notice_wish wish = { .verb = verb, .who = api_session(req)->user };
    char said[768], why[256] = "";
    const char *bad = NULL;
    enum http_done done = HTTP_DONE;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    wish.note = api_text(body, verb == NOTICE_WITHDRAW ? "reason" : "note", &bad);
    wish.outcome = api_text(body, "outcome", &bad);
    if (bad) {
        done = api_bad(req, bad);
    } else if (!records_find(a, req, RECORDS_NOTICE, &n) && !records_match(req, &n)) {
        int err = decide(a, &n, &wish, &change, said, sizeof said, why, sizeof why);
        if (err)
            done = http_problem(req, err == ABENG_EINVAL ? 422 : 409, "notice", "%s", why);
        else if (verb != NOTICE_EDIT || !take_texts(req, body, &n))
            done = records_save(a, req, RECORDS_NOTICE, &n, &change, 200, more);
        if (!err && (verb == NOTICE_ACK || verb == NOTICE_FEEDBACK))
            tell_incident(a, &n, wish.who);
    }
    record_clear(&n);
    json_decref(body);
    return done;
}

static enum http_done edit(struct http_request *req, void *app)
{
    return apply(req, app, NOTICE_EDIT);
}

static enum http_done send(struct http_request *req, void *app)
{
    return apply(req, app, NOTICE_SEND);
}

static enum http_done approve(struct http_request *req, void *app)
{
    return apply(req, app, NOTICE_APPROVE);
}

static enum http_done withdraw(struct http_request *req, void *app)
{
    return apply(req, app, NOTICE_WITHDRAW);
}

static enum http_done ack(struct http_request *req, void *app)
{
    return apply(req, app, NOTICE_ACK);
}

static enum http_done feedback(struct http_request *req, void *app)
{
    return apply(req, app, NOTICE_FEEDBACK);
}

/* ---- the recipient's page -------------------------------------------------------------------- */

static void html(struct buf *out, const char *text)
{
    utf8_markup(out, text, true);
}

static void begin_page(struct buf *out)
{
    buf_text(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width\">"
                  "<meta name=\"robots\" content=\"noindex\"><title>Notice</title></head><body>");
}

static enum http_done reply_page(struct http_request *req, unsigned status)
{
    buf_text(http_out(req), "</body></html>\n");
    http_reply_header(req, "Content-Security-Policy",
                      "default-src 'none'; form-action 'self'; frame-ancestors 'none'; "
                      "base-uri 'none'");
    return http_reply(req, status, "text/html; charset=utf-8");
}

static enum http_done gone(struct http_request *req)
{
    buf_clear(http_out(req));
    begin_page(http_out(req));
    buf_text(http_out(req), "<h1>This link is no longer good</h1><p>It was used, withdrawn, or is "
                            "older than 30 days. Write to the regional CERT.</p>");
    return reply_page(req, 404);
}

static void write_buttons(struct buf *out, bool acked)
{
    static const char *const outcomes[][2] = {
        { "useful", "Useful: we did not know" },
        { "known", "We knew already" },
        { "fixed", "It is fixed" },
        { "not_ours", "Not ours" },
        { "false_positive", "False alarm" },
    };
    buf_text(out, "<form method=\"post\">");
    if (!acked)
        buf_text(out, "<p><button name=\"say\" value=\"ack\">Acknowledge: we have got it"
                      "</button></p>");
    buf_text(out, "<p><label>A word to the analysts (may stay empty)<br>"
                  "<textarea name=\"note\" rows=\"4\" cols=\"60\" maxlength=\"1000\"></textarea>"
                  "</label></p><p>Was it useful? One answer closes this page.</p><p>");
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        buf_printf(out, "<button name=\"say\" value=\"%s\">%s</button> ", outcomes[i][0],
                   outcomes[i][1]);
    buf_text(out, "</p></form>");
}

static enum http_done show_page(struct http_request *req, const struct record_doc *n)
{
    struct buf *out = http_out(req);
    bool acked = !strcmp(record_text(n, "status"), "acked");
    begin_page(out);
    buf_text(out, "<h1>Notice about incident ");
    html(out, record_text(n, "incident"));
    buf_text(out, "</h1><p><strong>TLP:");
    html(out, record_text(n, "tlp"));
    buf_text(out, "</strong></p>");
    if (tlp_rank(record_text(n, "tlp")) >= tlp_rank("red")) {
        buf_text(out, "<p>Log in to read it.</p>");
    } else {
        buf_text(out, "<h2>");
        html(out, record_text(n, "subject"));
        buf_text(out, "</h2><pre>");
        html(out, record_text(n, "text"));
        buf_text(out, "</pre>");
    }
    if (acked)
        buf_text(out, "<p>Acknowledged. Thank you.</p>");
    write_buttons(out, acked);
    return reply_page(req, 200);
}

/* The notice of the link, while it can still be answered: 0, or below 0 after a page. */
static int open_link(struct api *a, struct http_request *req, struct record_doc *n)
{
    int err = notify_open(a->conf.store, http_param(req, "token"), n);
    const char *status = err ? "" : record_text(n, "status");
    if (err == ABENG_EAGAIN)
        api_away(req);
    else if (err || (strcmp(status, "sent") && strcmp(status, "acked") && strcmp(status, "queued")))
        gone(req);
    else
        return 0;
    record_clear(n);
    return ABENG_ENOENT;
}

static enum http_done page(struct http_request *req, void *app)
{
    struct record_doc n = { .doc = NULL };
    if (open_link(app, req, &n))
        return HTTP_DONE;
    enum http_done done = show_page(req, &n);
    record_clear(&n);
    return done;
}

/* One field of a form (application/x-www-form-urlencoded), decoded and made harmless. */
static void form_field(const char *form, const char *name, char *out, size_t size)
{
    size_t n = strlen(name), at = 0;
    struct buf safe;
    *out = '\0';
    for (const char *c = form; *c; c += strcspn(c, "&"), c += *c == '&') {
        if (strncmp(c, name, n) != 0 || c[n] != '=')
            continue;
        for (c += n + 1; *c && *c != '&' && at + 1 < size; c++) {
            unsigned byte = (unsigned char)(*c == '+' ? ' ' : *c);
            if (*c == '%' && sscanf(c + 1, "%2x", &byte) == 1 && c[1] && c[2])
                c += 2;
            if (byte)
                out[at++] = (char)byte;
        }
        break;
    }
    out[at] = '\0';
    buf_init(&safe, 8 * size);
    utf8_safe(&safe, out, size / 8, true);
    snprintf(out, size, "%s", buf_str(&safe));
    buf_free(&safe);
}

static enum http_done answer(struct http_request *req, void *app)
{
    struct api *a = app;
    struct record_doc n = { .doc = NULL };
    struct record_change change = { .verb = NULL, .who = "recipient", .now_ms = api_now(a) };
    struct notice_wish wish = { .verb = NOTICE_ACK, .who = "recipient" };
    char said[768], why[256] = "", say[64], note[8192];
    size_t len;
    const char *form = http_body(req, &len);
    if (open_link(a, req, &n))
        return HTTP_DONE;
    form_field(form, "say", say, sizeof say);
    form_field(form, "note", note, sizeof note);
    wish.note = note;
    if (strcmp(say, "ack") != 0) {
        wish.verb = NOTICE_FEEDBACK;
        wish.outcome = say;
    }
    /* A link that went out before the ladder climbed is as good as the newest one. */
    if (!strcmp(record_text(&n, "status"), "queued"))
        json_object_set_new(n.doc, "status", json_string("sent"));
    int err = decide(a, &n, &wish, &change, said, sizeof said, why, sizeof why);
    if (!err)
        err = record_save(store_conn(a->conf.store, state_at(n.state)->code), RECORDS_NOTICE, &n,
                          &change, why, sizeof why);
    if (!err)
        tell_incident(a, &n, "recipient");
    begin_page(http_out(req));
    buf_text(http_out(req), err ? "<h1>That did not work</h1><p>" : "<h1>Thank you</h1><p>");
    html(http_out(req), err                       ? why
                        : wish.verb == NOTICE_ACK ? "Acknowledged."
                                                  : "Your answer is "
                                                    "kept.");
    buf_text(http_out(req), "</p>");
    if (!err && wish.verb == NOTICE_ACK)
        write_buttons(http_out(req), true);
    record_clear(&n);
    return reply_page(req, err == ABENG_EINVAL      ? 422
                           : err == ABENG_ECONFLICT ? 409
                           : err                    ? 503
                                                    : 200);
}

/* What receivers of webhooks verify with. */
static enum http_done key(struct http_request *req, void *app)
{
    struct api *a = app;
    const struct sign_public *k = a->conf.notify ? notify_key(a->conf.notify) : NULL;
    char pem[SIGN_PEM_TEXT];
    struct json j;
    if (!k)
        return api_not_found(req);
    sign_public_pem(k, pem);
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_str(&j, "algorithm", "Ed25519");
    json_str(&j, "pem", pem);
    json_close(&j);
    return http_reply(req, 200, NULL);
}

#define DECIDE (ROLE_DECIDERS | SCOPE_ID)
#define NOTE   (ROLE_NOTERS | SCOPE_ID)

/* clang-format off */
static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/notifications", ROLE_READERS | SCOPE_LIST, 0, list },
    { HTTP_POST, "/api/v1/notifications", ROLE_DECIDERS | SCOPE_LIST, API_BODY_MAX, add },
    { HTTP_GET, "/api/v1/notifications/{id}", ROLE_READERS | SCOPE_ID, 0, show },
    { HTTP_PATCH, "/api/v1/notifications/{id}", DECIDE, API_BODY_MAX, edit },
    { HTTP_POST, "/api/v1/notifications/{id}:send", DECIDE, API_BODY_MAX, send },
    { HTTP_POST, "/api/v1/notifications/{id}:approve", DECIDE, API_BODY_MAX, approve },
    { HTTP_POST, "/api/v1/notifications/{id}:withdraw", DECIDE, API_BODY_MAX, withdraw },
    { HTTP_POST, "/api/v1/notifications/{id}:ack", NOTE, API_BODY_MAX, ack },
    { HTTP_POST, "/api/v1/notifications/{id}:feedback", NOTE, API_BODY_MAX, feedback },
    { HTTP_GET, "/api/v1/notification-key", ROLE_ALL | SCOPE_REGION, 0, key },
    { HTTP_GET, "/r/{token}", SCOPE_NONE, 0, page },
    { HTTP_POST, "/r/{token}", SCOPE_NONE, FORM_MAX, answer },
};
/* clang-format on */

const struct routes api_notice_routes = { routes, sizeof routes / sizeof *routes };
