/* SPDX-License-Identifier: Apache-2.0 */
/* /contacts, /constituents and /countermeasures. */
#include "config.h"
#include "collector/api/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/notify/contact.h"
#include "collector/notify/notify.h"
#include "collector/triage/shape.h"
#include "common/csv.h"
#include "common/err.h"
#include "common/json.h"
#include "common/secret.h"
#include "common/state.h"

/** Longest CSV file, and lines in it. */
#define CSV_MAX   (4u << 20)
#define LINES_MAX 10000

#define CLASSES   "critical government-core network government business residential"

static const struct shape constituent_shape[] = {
    { .name = "name", .type = SHAPE_TEXT, .max = 127, .needed = true },
    { .name = "class", .type = SHAPE_WORD, .words = CLASSES, .needed = true },
    { .name = "prefixes", .type = SHAPE_PREFIXES, .max = 500 },
    { .name = "asns", .type = SHAPE_NUMBERS, .max = 100 },
    { .name = "names", .type = SHAPE_TEXTS, .max = 500 },
    { .name = "contacts", .type = SHAPE_TEXTS, .max = 20 },
    { .name = "note", .type = SHAPE_TEXT, .max = 2000 },
};

static const struct shape countermeasure_shape[] = {
    { .name = "incident", .type = SHAPE_TEXT, .max = 31, .needed = true },
    { .name = "text", .type = SHAPE_TEXT, .max = 2000, .needed = true },
    { .name = "target", .type = SHAPE_TEXT, .max = 255 },
    { .name = "expires_at", .type = SHAPE_TIME },
};

struct book {
    enum record_kind_of kind;
    const struct shape *shape;
    size_t count;
    const char *const *filters;
};

static struct book book_of(enum record_kind_of kind)
{
    static const char *const incident[] = { "incident", "status", NULL };
    struct book b = { .kind = kind };
    if (kind == RECORDS_CONTACT) {
        b.shape = contact_shape(&b.count);
    } else if (kind == RECORDS_CONSTITUENT) {
        b.shape = constituent_shape;
        b.count = sizeof constituent_shape / sizeof *constituent_shape;
    } else {
        b.shape = countermeasure_shape;
        b.count = sizeof countermeasure_shape / sizeof *countermeasure_shape;
        b.filters = incident;
    }
    return b;
}

static void contact_more(const struct record_doc *r, const struct session *s, struct json *out)
{
    (void)s;
    json_bool(out, "has_secret", *record_text(r, "_secret") != 0);
}

/* A webhook makes the collector itself ask an address: that is the administrator's to allow. */
static int check(const struct session *s, const struct book *b, json_t *doc, char *why, size_t len)
{
    int err = shape_finish(b->shape, b->count, doc, why, len);
    if (err || b->kind != RECORDS_CONTACT)
        return err;
    const char *kind = json_string_value(json_object_get(doc, "kind"));
    if (!strcmp(kind, "webhook") && s->role != ROLE_ADMIN) {
        snprintf(why, len, "kind webhook is for an administrator to set up");
        return ABENG_EDENIED;
    }
    if (json_is_null(json_object_get(doc, "rung")))
        json_object_set_new(doc, "rung", json_integer(1));
    return contact_check(doc, why, len);
}

/* The secret of a webhook is given, or made; it is shown to nobody again. */
static void take_secret(json_t *body, json_t *doc)
{
    char made[SECRET_TOKEN_TEXT];
    const char *kind = json_string_value(json_object_get(doc, "kind"));
    json_t *secret = json_object_get(body, "secret");
    if (json_is_string(secret) && json_string_length(secret) < 256)
        json_object_set(doc, "_secret", secret);
    if (kind && !strcmp(kind, "webhook") && !json_object_get(doc, "_secret")) {
        secret_token(made);
        json_object_set_new(doc, "_secret", json_string(made));
    }
}

/* Take a body over into a record: 0, or below 0 after a problem. */
static int take(struct http_request *req, const struct book *b, json_t *body, struct record_doc *r)
{
    char why[256] = "";
    json_t *secret = json_incref(json_object_get(body, "secret"));
    if (b->kind == RECORDS_CONTACT)
        json_object_del(body, "secret");
    json_object_del(body, "state");
    int err = shape_take(b->shape, b->count, body, r->doc, why, sizeof why);
    if (!err)
        err = check(api_session(req), b, r->doc, why, sizeof why);
    if (!err && b->kind == RECORDS_CONTACT) {
        json_t *with = json_pack("{s:O?}", "secret", secret);
        take_secret(with, r->doc);
        json_decref(with);
    }
    json_decref(secret);
    if (err)
        http_problem(req, 422, b->kind == RECORDS_CONTACT ? "contact" : "record", "%s", why);
    return err;
}

static records_more_fn *more_of(enum record_kind_of kind);

static enum http_done list(struct http_request *req, void *app, enum record_kind_of kind)
{
    struct book b = book_of(kind);
    return records_list(app, req, kind, b.filters, more_of(kind));
}

static enum http_done show(struct http_request *req, void *app, enum record_kind_of kind)
{
    struct record_doc r;
    if (records_find(app, req, kind, &r))
        return HTTP_DONE;
    enum http_done done = records_reply(req, &r, 200, more_of(kind));
    record_clear(&r);
    return done;
}

static enum http_done add(struct http_request *req, void *app, enum record_kind_of kind,
                          const char *verb)
{
    struct book b = book_of(kind);
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    int state = records_state(req, body);
    struct record_doc r = { .state = state < 0 ? 0 : (unsigned)state, .doc = json_object() };
    struct record_change change = { .verb = verb };
    enum http_done done = HTTP_DONE;
    if (state < 0)
        done = http_problem(req, 422, "state", "state must be one of the session's states");
    else if (!take(req, &b, body, &r)) {
        change.said = record_text(&r, "name");
        done = records_save(app, req, kind, &r, &change, 201, more_of(kind));
    }
    record_clear(&r);
    json_decref(body);
    return done;
}

static enum http_done edit(struct http_request *req, void *app, enum record_kind_of kind,
                           const char *verb)
{
    struct book b = book_of(kind);
    struct record_doc r;
    struct record_change change = { .verb = verb };
    enum http_done done = HTTP_DONE;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    if (!records_find(app, req, kind, &r) && !records_match(req, &r) && !take(req, &b, body, &r)) {
        change.said = record_text(&r, "name");
        done = records_save(app, req, kind, &r, &change, 200, more_of(kind));
    }
    record_clear(&r);
    json_decref(body);
    return done;
}

static enum http_done drop(struct http_request *req, void *app, enum record_kind_of kind,
                           const char *verb)
{
    struct record_doc r;
    struct record_change change = { .verb = verb, .remove = true };
    enum http_done done = HTTP_DONE;
    if (!records_find(app, req, kind, &r) && !records_match(req, &r)) {
        change.said = record_text(&r, "name");
        done = records_save(app, req, kind, &r, &change, 204, NULL);
    }
    record_clear(&r);
    return done;
}

/* ---- CSV ------------------------------------------------------------------------------------- */

struct import {
    struct api *a;
    struct http_request *req;
    struct book book;
    unsigned state;
    json_t *refused;
    unsigned added, changed;
    int err;
};

struct by_name {
    const char *name;
    struct record_doc found;
};

static bool same_name(void *arg, const struct record_doc *r)
{
    struct by_name *b = arg;
    if (strcmp(record_text(r, "name"), b->name) != 0)
        return true;
    b->found = *r;
    b->found.doc = json_deep_copy(r->doc);
    return false;
}

static void refuse_line(struct import *im, size_t line, const char *why)
{
    json_array_append_new(im->refused, json_pack("{s:i, s:s}", "line", (int)line, "detail", why));
}

/* A record of that name is changed, else one is made. */
static int import_record(struct import *im, const json_t *body, char *why, size_t len)
{
    struct store_conn *c = records_conn(im->a, im->req, im->state);
    const char *name = json_string_value(json_object_get(body, "name"));
    struct by_name b = { .name = name ? name : "" };
    struct record_change change = { .who = api_session(im->req)->user,
                                    .verb = "import",
                                    .said = b.name,
                                    .now_ms = api_now(im->a) };
    int err = record_walk(c, im->book.kind, im->state, 0, same_name, &b);
    struct record_doc *r = &b.found;
    if (!r->doc)
        *r = (struct record_doc){ .state = im->state, .doc = json_object() };
    if (!err)
        err = shape_take(im->book.shape, im->book.count, body, r->doc, why, len);
    if (!err)
        err = check(api_session(im->req), &im->book, r->doc, why, len);
    bool fresh = !r->version;
    if (!err)
        err = record_save(c, im->book.kind, r, &change, why, len);
    if (!err)
        *(fresh ? &im->added : &im->changed) += 1;
    record_clear(r);
    return err;
}

static bool import_line(void *arg, size_t line, const struct csv_fields *head,
                        const struct csv_fields *fields)
{
    struct import *im = arg;
    char why[256] = "";
    json_t *body = json_object();
    int err = fields->count > head->count ? ABENG_EINVAL : 0;
    if (err)
        snprintf(why, sizeof why, "more fields than the head has");
    for (size_t i = 0; i < fields->count && !err; i++) {
        err = shape_from_text(im->book.shape, im->book.count, head->text[i], fields->text[i], body);
        if (err)
            snprintf(why, sizeof why, "%.64s can't be read, or is no member", head->text[i]);
    }
    if (!err)
        err = import_record(im, body, why, sizeof why);
    json_decref(body);
    if (err == ABENG_EAGAIN) {
        im->err = err;
        return false;
    }
    if (err)
        refuse_line(im, line, why);
    return true;
}

static enum http_done import(struct http_request *req, void *app, enum record_kind_of kind)
{
    struct import im = { .a = app, .req = req, .book = book_of(kind), .refused = json_array() };
    const char *code = http_query(req, "state");
    char why[128] = "";
    size_t len;
    const char *text = http_body(req, &len);
    im.state = (unsigned)state_find(code, strlen(code)); /* the gate has checked it */
    int err = csv_read(text, len, LINES_MAX, import_line, &im, why, sizeof why);
    enum http_done done;
    if (im.err) {
        done = api_away(req);
    } else if (err) {
        done = http_problem(req, 422, "csv", "%s", why);
    } else {
        json_t *reply = json_pack("{s:i, s:i, s:O}", "added", (int)im.added, "changed",
                                  (int)im.changed, "refused", im.refused);
        done = api_reply_json(req, 200, reply);
        json_decref(reply);
    }
    json_decref(im.refused);
    return done;
}

/* ---- contacts -------------------------------------------------------------------------------- */

static enum http_done contacts(struct http_request *req, void *app)
{
    return list(req, app, RECORDS_CONTACT);
}

static enum http_done contact(struct http_request *req, void *app)
{
    return show(req, app, RECORDS_CONTACT);
}

static enum http_done contact_add(struct http_request *req, void *app)
{
    return add(req, app, RECORDS_CONTACT, "contact.add");
}

static enum http_done contact_edit(struct http_request *req, void *app)
{
    return edit(req, app, RECORDS_CONTACT, "contact.change");
}

static enum http_done contact_drop(struct http_request *req, void *app)
{
    return drop(req, app, RECORDS_CONTACT, "contact.remove");
}

static enum http_done contact_import(struct http_request *req, void *app)
{
    return import(req, app, RECORDS_CONTACT);
}

static enum http_done contact_test(struct http_request *req, void *app)
{
    struct api *a = app;
    struct record_doc r;
    struct record_change change = { .verb = "contact.test" };
    char why[512] = "";
    if (records_find(a, req, RECORDS_CONTACT, &r))
        return HTTP_DONE;
    enum http_done done;
    if (!a->conf.notify) {
        done = http_problem(req, 409, "contact.test", "this collector sends no notices");
    } else if (notify_test(a->conf.notify, &r, api_now(a), why, sizeof why)) {
        done = http_problem(req, 409, "contact.test", "%s", why);
    } else {
        record_set_time(&r, "tested_at", api_now(a));
        change.said = record_text(&r, "name");
        done = records_save(a, req, RECORDS_CONTACT, &r, &change, 200, contact_more);
    }
    record_clear(&r);
    return done;
}

/* ---- constituents ---------------------------------------------------------------------------- */

static enum http_done constituents(struct http_request *req, void *app)
{
    return list(req, app, RECORDS_CONSTITUENT);
}

static enum http_done constituent(struct http_request *req, void *app)
{
    return show(req, app, RECORDS_CONSTITUENT);
}

static enum http_done constituent_add(struct http_request *req, void *app)
{
    return add(req, app, RECORDS_CONSTITUENT, "constituent.add");
}

static enum http_done constituent_edit(struct http_request *req, void *app)
{
    return edit(req, app, RECORDS_CONSTITUENT, "constituent.change");
}

static enum http_done constituent_drop(struct http_request *req, void *app)
{
    return drop(req, app, RECORDS_CONSTITUENT, "constituent.remove");
}

static enum http_done constituent_import(struct http_request *req, void *app)
{
    return import(req, app, RECORDS_CONSTITUENT);
}

/* ---- countermeasures ------------------------------------------------------------------------- */

static const struct {
    const char *from, *to;
} moves[] = {
    { "proposed", "active" }, { "proposed", "removed" },        { "active", "pending_removal" },
    { "active", "removed" },  { "pending_removal", "removed" }, { "pending_removal", "active" },
};

static bool may_move(const char *from, const char *to)
{
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (!strcmp(moves[i].from, from) && !strcmp(moves[i].to, to))
            return true;
    return false;
}

static void countermeasure_more(const struct record_doc *r, const struct session *s,
                                struct json *out)
{
    json_open_array(out, "allowed");
    for (size_t i = 0; s->role & ROLE_NOTERS && i < sizeof moves / sizeof *moves; i++)
        if (!strcmp(moves[i].from, record_text(r, "status")))
            json_str(out, NULL, moves[i].to);
    json_close_array(out);
}

static enum http_done countermeasures(struct http_request *req, void *app)
{
    return list(req, app, RECORDS_COUNTERMEASURE);
}

static enum http_done countermeasure(struct http_request *req, void *app)
{
    return show(req, app, RECORDS_COUNTERMEASURE);
}

/* When it ends by itself: its timer asks for it to be taken back. */
static uint64_t due_of(const struct record_doc *r)
{
    return strcmp(record_text(r, "status"), "active") ? 0 : record_time(r, "expires_at");
}

static enum http_done countermeasure_add(struct http_request *req, void *app)
{
    struct api *a = app;
    struct book b = book_of(RECORDS_COUNTERMEASURE);
    struct record_change change = { .verb = "countermeasure.propose" };
    struct record_doc r = { .doc = json_object() };
    struct head head;
    enum http_done done = HTTP_DONE;
    json_t *body = api_body(req);
    if (body && !take(req, &b, body, &r)) {
        const char *id = record_text(&r, "incident");
        if (model_parse_id(id, &r.state, &change.incident) ||
            model_head(a->conf.model, api_session(req)->scope, id, &head)) {
            done =
                http_problem(req, 422, "incident", "incident is none, or it is not yours to see");
        } else {
            json_object_set_new(r.doc, "status", json_string("proposed"));
            json_object_set_new(r.doc, "by", json_string(api_session(req)->user));
            record_set_time(&r, "created_at", api_now(a));
            record_set_time(&r, "changed_at", api_now(a));
            change.said = record_text(&r, "text");
            done =
                records_save(a, req, RECORDS_COUNTERMEASURE, &r, &change, 201, countermeasure_more);
        }
    }
    record_clear(&r);
    json_decref(body);
    return done;
}

static enum http_done countermeasure_move(struct http_request *req, void *app)
{
    struct api *a = app;
    struct record_change change = { .verb = "countermeasure" };
    struct record_doc r;
    const char *bad = NULL;
    unsigned state;
    char said[256];
    enum http_done done = HTTP_DONE;
    json_t *body = api_body(req);
    if (!body || records_find(a, req, RECORDS_COUNTERMEASURE, &r)) {
        json_decref(body);
        return HTTP_DONE;
    }
    const char *to = api_text(body, "to", &bad), *reason = api_text(body, "reason", &bad);
    const char *from = record_text(&r, "status");
    if (bad || !to) {
        done = api_bad(req, bad ? bad : "to");
    } else if (!may_move(from, to)) {
        done = http_problem(req, 409, "transition", "a countermeasure does not go from %s to %.32s",
                            from, to);
    } else if (!records_match(req, &r)) {
        snprintf(said, sizeof said, "%.60s: %s to %s%s%.120s", record_text(&r, "text"), from, to,
                 reason ? ": " : "", reason ? reason : "");
        json_object_set_new(r.doc, "status", json_string(to));
        record_set_time(&r, "changed_at", api_now(a));
        change.said = said;
        change.due_ms = due_of(&r);
        model_parse_id(record_text(&r, "incident"), &state, &change.incident);
        done = records_save(a, req, RECORDS_COUNTERMEASURE, &r, &change, 200, countermeasure_more);
    }
    record_clear(&r);
    json_decref(body);
    return done;
}

static records_more_fn *more_of(enum record_kind_of kind)
{
    return kind == RECORDS_CONTACT          ? contact_more
           : kind == RECORDS_COUNTERMEASURE ? countermeasure_more
                                            : NULL;
}

#define LISTED (ROLE_READERS | SCOPE_LIST)
#define READ   (ROLE_READERS | SCOPE_ID)
#define ADD    (ROLE_DECIDERS | SCOPE_LIST)
#define WRITE  (ROLE_DECIDERS | SCOPE_ID)
#define IMPORT (ROLE_DECIDERS | SCOPE_STATE)

/* clang-format off */
static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/contacts", LISTED, 0, contacts },
    { HTTP_POST, "/api/v1/contacts", ADD, API_BODY_MAX, contact_add },
    { HTTP_POST, "/api/v1/contacts:import", IMPORT, CSV_MAX, contact_import },
    { HTTP_GET, "/api/v1/contacts/{id}", READ, 0, contact },
    { HTTP_PATCH, "/api/v1/contacts/{id}", WRITE, API_BODY_MAX, contact_edit },
    { HTTP_DELETE, "/api/v1/contacts/{id}", WRITE, 4096, contact_drop },
    { HTTP_POST, "/api/v1/contacts/{id}:test", WRITE, 4096, contact_test },
    { HTTP_GET, "/api/v1/constituents", LISTED, 0, constituents },
    { HTTP_POST, "/api/v1/constituents", ADD, API_BODY_MAX, constituent_add },
    { HTTP_POST, "/api/v1/constituents:import", IMPORT, CSV_MAX, constituent_import },
    { HTTP_GET, "/api/v1/constituents/{id}", READ, 0, constituent },
    { HTTP_PATCH, "/api/v1/constituents/{id}", WRITE, API_BODY_MAX, constituent_edit },
    { HTTP_DELETE, "/api/v1/constituents/{id}", WRITE, 4096, constituent_drop },
    { HTTP_GET, "/api/v1/countermeasures", LISTED, 0, countermeasures },
    { HTTP_POST, "/api/v1/countermeasures", ROLE_NOTERS | SCOPE_LIST, API_BODY_MAX,
      countermeasure_add },
    { HTTP_GET, "/api/v1/countermeasures/{id}", READ, 0, countermeasure },
    { HTTP_POST, "/api/v1/countermeasures/{id}:transition", ROLE_NOTERS | SCOPE_ID, API_BODY_MAX,
      countermeasure_move },
};
/* clang-format on */

const struct routes api_book_routes = { routes, sizeof routes / sizeof *routes };
