/* SPDX-License-Identifier: Apache-2.0 */
/* /exports, an incident's export, all of a state, and reports by month. */
#include "config.h"
#include "collector/api/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/api/rows.h"
#include "collector/correlate/stored.h"
#include "collector/export/export.h"
#include "collector/export/report.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/retire.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/state.h"

/** Incidents of one report at most; entries of one timeline looked at. */
#define REPORT_ROWS_MAX 20000u
#define TRAIL_MAX       200

/* ---- exports --------------------------------------------------------------------------------- */

static bool is_red(const json_t *row)
{
    const char *tlp = json_string_value(json_object_get(row, "tlp"));
    return tlp && !strcmp(tlp, "red");
}

/* What leaves the platform is audited, and is never red. */
static enum http_done send(struct api *a, struct http_request *req, const struct export_form *form,
                           const json_t *rows, const char *what)
{
    struct buf out;
    char said[64];
    buf_init(&out, EXPORT_TEXT_MAX);
    form->write(rows, api_now(a), &out);
    snprintf(said, sizeof said, "%s, %zu incidents", form->word, json_array_size(rows));
    auth_audit(a->conf.auth, api_session(req)->user, "export", what, said);
    bool bad = out.bad;
    buf_add(http_out(req), out.data, out.len);
    bad |= http_out(req)->bad;
    buf_free(&out);
    if (bad)
        return http_problem(req, 413, "export", "the export is too large; ask for less at once");
    http_reply_header(req, "Content-Disposition", "attachment");
    return http_reply(req, 200, form->type);
}

static const struct export_form *form_of(struct http_request *req)
{
    const char *word = http_query(req, "format");
    const struct export_form *form = word ? export_find(word) : NULL;
    if (!form)
        http_problem(req, 400, "query", "format must be stix, misp, iodef, idea, csv or jsonl");
    return form;
}

static enum http_done one(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *id = http_param(req, "id");
    const struct export_form *form = form_of(req);
    if (!form)
        return HTTP_DONE;
    json_t *row = rows_one(a, api_session(req)->scope, id);
    enum http_done done;
    if (!row) {
        done = api_not_found(req);
    } else if (is_red(row)) {
        done = http_problem(req, 409, "tlp", "%s is TLP red: it does not leave the platform", id);
    } else {
        json_t *rows = json_pack("[O]", row);
        done = send(a, req, form, rows, id);
        json_decref(rows);
    }
    json_decref(row);
    return done;
}

struct pick {
    uint64_t from_ms, to_ms;
    json_t *rows;
    unsigned red;
};

static bool pick_one(void *arg, const char *id, const json_t *row)
{
    struct pick *p = arg;
    uint64_t at = rows_time(row, "opened_at");
    (void)id;
    if (at < p->from_ms || at >= p->to_ms)
        return true;
    if (is_red(row))
        p->red++;
    else
        json_array_append(p->rows, (json_t *)row);
    return json_array_size(p->rows) < EXPORT_COUNT_MAX;
}

/* A time of the query; 0 when it is absent, and a problem when it is none. */
static int read_time(struct http_request *req, const char *name, uint64_t fallback, uint64_t *out)
{
    const char *text = http_query(req, name);
    uint64_t ns;
    *out = fallback;
    if (!text || !*text)
        return 0;
    if (clock_parse(text, strlen(text), &ns)) {
        http_problem(req, 400, "query", "%s must be a time in RFC 3339", name);
        return ABENG_EINVAL;
    }
    *out = ns / NS_PER_MS;
    return 0;
}

static enum http_done many(struct http_request *req, void *app)
{
    struct api *a = app;
    const struct session *s = api_session(req);
    const char *states = http_query(req, "state");
    const struct export_form *form = form_of(req);
    struct pick p = { .rows = NULL };
    unsigned scope = s->scope;
    char left[16];
    if (!form || read_time(req, "from", 0, &p.from_ms) ||
        read_time(req, "to", UINT64_MAX, &p.to_ms))
        return HTTP_DONE;
    if (states && *states && !auth_scope(states))
        return http_problem(req, 400, "query", "state is not what docs/API.md says it may be");
    if (states && *states)
        scope &= auth_scope(states);
    p.rows = json_array();
    int err = rows_each(a, scope, http_query(req, "q"), pick_one, &p);
    enum http_done done = err == ABENG_EFORMAT
                              ? http_problem(req, 400, "query", "q can't be understood")
                          : err ? api_away(req)
                                : send(a, req, form, p.rows, states ? states : s->states);
    snprintf(left, sizeof left, "%u", p.red);
    http_reply_header(req, "Abeng-Left-Out-Red", left);
    json_decref(p.rows);
    return done;
}

/* ---- all that is held on a state ------------------------------------------------------------- */

static void add_line(struct buf *out, const char *kind, json_t *value)
{
    json_t *line = json_pack("{s:s, s:o}", "kind", kind, "value", value);
    char *text = json_dumps(line, JSON_COMPACT);
    if (text)
        buf_printf(out, "%s\n", text);
    free(text);
    json_decref(line);
}

static bool held_incident(void *arg, const char *id, const json_t *row)
{
    (void)id;
    add_line(arg, "incident", json_deep_copy(row));
    return true;
}

struct held {
    struct buf *out;
    const char *kind;
};

static bool held_record(void *arg, const struct record_doc *r)
{
    struct held *h = arg;
    struct buf text;
    struct json j;
    buf_init(&text, 2 * RECORD_DOC_MAX);
    json_begin(&j, &text);
    json_open(&j, NULL);
    record_write(r, &j);
    json_close(&j);
    json_t *value = json_loadb((const char *)text.data, text.len, 0, NULL);
    buf_free(&text);
    if (value)
        add_line(h->out, h->kind, value);
    return true;
}

static bool held_line(void *arg, const char *line, size_t len)
{
    struct buf *out = arg;
    buf_text(out, "{\"kind\":\"retired\",\"value\":");
    buf_add(out, line, len);
    buf_text(out, "}\n");
    return !out->bad;
}

/* One key's whole value by `command`, as lines of `kind`: an array of JSON texts. */
static int held_texts(struct store_conn *c, const char *kind, const char *command,
                      const struct store_key *key, struct buf *out)
{
    struct store_reply *r;
    int err = store_command(c, &r, command, key->text);
    for (size_t i = 0; i < store_reply_count(r); i++) {
        size_t len;
        const char *text = store_reply_text(store_reply_at(r, i), &len);
        json_t *value = json_loadb(text, len, JSON_DECODE_ANY, NULL);
        if (value)
            add_line(out, kind, value);
    }
    store_reply_free(r);
    return err;
}

/* Signals, attached and waiting. */
static int held_signals(struct store_conn *c, const char *state, struct buf *out)
{
    struct store_key all = store_key(state, "sigs");
    struct store_reply *ids;
    int err = store_command(c, &ids, "ZRANGE %s 0 -1", all.text);
    for (size_t i = 0; i < store_reply_count(ids) && !err && !out->bad; i++) {
        json_t *signal;
        err = stored_signal(c, state, store_reply_text(store_reply_at(ids, i), NULL), &signal);
        if (signal)
            add_line(out, "signal", signal);
    }
    store_reply_free(ids);
    return err;
}

/* What the state may see of campaigns. */
static int held_indexed(struct store_conn *c, const char *state, const char *index, const char *one,
                        const char *command, const char *kind, struct buf *out)
{
    struct store_key all = store_key(state, "%s", index);
    struct store_reply *ids;
    int err = store_command(c, &ids, "ZRANGE %s 0 -1", all.text);
    for (size_t i = 0; i < store_reply_count(ids) && !err && !out->bad; i++) {
        struct store_key key =
            store_key(state, "%s:%s", one, store_reply_text(store_reply_at(ids, i), NULL));
        err = held_texts(c, kind, command, &key, out);
    }
    store_reply_free(ids);
    return err;
}

/* A stream, entry by entry: the state's audit, or an incident's (`of`) timeline. */
static int held_stream(struct store_conn *c, const struct store_key *key, const char *kind,
                       const char *of, struct buf *out)
{
    struct store_reply *r;
    int err = store_command(c, &r, "XRANGE %s - +", key->text);
    for (size_t i = 0; i < store_reply_count(r); i++) {
        const struct store_reply *f = store_reply_at(store_reply_at(r, i), 1);
        json_t *value = json_object();
        if (of)
            json_object_set_new(value, "incident", json_string(of));
        for (size_t k = 0; k + 1 < store_reply_count(f); k += 2)
            json_object_set_new(value, store_reply_text(store_reply_at(f, k), NULL),
                                json_string(store_reply_text(store_reply_at(f, k + 1), NULL)));
        add_line(out, kind, value);
    }
    store_reply_free(r);
    return err;
}

static int held_timelines(struct store_conn *c, const char *state, struct buf *out)
{
    struct store_key all = store_key(state, "incs");
    struct store_reply *ids;
    char id[MODEL_ID_MAX];
    int err = store_command(c, &ids, "ZRANGE %s 0 -1", all.text);
    for (size_t i = 0; i < store_reply_count(ids) && !err && !out->bad; i++) {
        const char *number = store_reply_text(store_reply_at(ids, i), NULL);
        struct store_key key = store_key(state, "ev:%s", number);
        snprintf(id, sizeof id, "%s-%.20s", state, number);
        err = held_stream(c, &key, "timeline", id, out);
    }
    store_reply_free(ids);
    return err;
}

static enum http_done held(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *code = http_param(req, "state");
    unsigned state = (unsigned)state_find(code, strlen(code));
    int err = rows_each(a, 1u << state, "is:any", held_incident, http_out(req));
    for (int kind = 0; kind < RECORDS_KINDS && !err; kind++) {
        struct held h = { http_out(req), record_word((enum record_kind_of)kind) };
        err = record_walk(records_conn(a, req, state), (enum record_kind_of)kind, state, 0,
                          held_record, &h);
    }
    struct store_conn *c = records_conn(a, req, state);
    if (!err)
        err = held_signals(c, code, http_out(req));
    if (!err)
        err = held_indexed(c, code, "projs", "proj", "HMGET %s ev", "campaign", http_out(req));
    struct store_key audit = store_key(code, "aud");
    if (!err)
        err = held_timelines(c, code, http_out(req));
    if (!err)
        err = held_stream(c, &audit, "audit", NULL, http_out(req));
    if (!err && a->conf.retired_dir)
        err = retire_each(a->conf.retired_dir, code, held_line, http_out(req));
    if (err)
        return api_away(req);
    if (http_out(req)->bad)
        return http_problem(req, 413, "export", "the state holds more than one reply can carry");
    auth_audit(a->conf.auth, api_session(req)->user, "export.state", code, "all that is held");
    http_reply_header(req, "Content-Disposition", "attachment");
    return http_reply(req, 200, "application/x-ndjson");
}

/* ---- reports --------------------------------------------------------------------------------- */

struct month {
    struct api *a;
    struct http_request *req;
    unsigned state;
    uint64_t from_ms, to_ms;
    struct report *report;
    json_t *counted; /* ids: one may stand in the store and in the files, or there twice */
    unsigned left;
    int err;
};

/* First times of an incident's steps, from its timeline. */
struct steps {
    uint64_t claim, confirm, reject, handle, ack, resolve;
};

static void take_step(struct steps *s, const char *verb, uint64_t at)
{
    const struct {
        const char *verb;
        uint64_t *first;
    } all[] = { { "claim", &s->claim },     { "confirmed", &s->confirm },
                { "rejected", &s->reject }, { "handling", &s->handle },
                { "ack", &s->ack },         { "resolved", &s->resolve } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].verb, verb) && !*all[i].first)
            *all[i].first = at;
}

static int read_steps(struct month *m, const char *id, struct steps *s)
{
    struct store_key key = store_key(state_at(m->state)->code, "ev:%s", id + 3);
    struct store_reply *r;
    int err = store_command(records_conn(m->a, m->req, m->state), &r, "XRANGE %s - + COUNT %d",
                            key.text, TRAIL_MAX);
    for (size_t i = 0; i < store_reply_count(r); i++) {
        const struct store_reply *f = store_reply_at(store_reply_at(r, i), 1);
        take_step(s, store_reply_text(store_reply_field(f, "verb"), NULL),
                  (uint64_t)store_reply_int(store_reply_field(f, "at")));
    }
    store_reply_free(r);
    return err;
}

static uint64_t between(uint64_t from, uint64_t to)
{
    return from && to > from ? to - from : 0;
}

/* Whether it was opened in the month and is not counted yet. */
static bool month_wants(struct month *m, const char *id, const json_t *row)
{
    uint64_t opened = rows_time(row, "opened_at");
    return opened >= m->from_ms && opened < m->to_ms && !json_object_get(m->counted, id);
}

static bool month_add(struct month *m, const char *id, const json_t *row, const struct steps *s)
{
    uint64_t opened = rows_time(row, "opened_at");
    uint64_t decided =
        s->confirm && (!s->reject || s->confirm < s->reject) ? s->confirm : s->reject;
    uint64_t claimed = s->claim && (!decided || s->claim < decided) ? s->claim : decided;
    const uint64_t ms[REPORT_CLOCKS] = {
        [REPORT_CLAIM] = between(opened, claimed),
        [REPORT_DECIDE] = between(opened, decided),
        [REPORT_NOTIFY] = between(s->confirm, s->handle),
        [REPORT_ACK] = between(s->handle, s->ack),
        [REPORT_CONTAIN] = between(s->handle, s->resolve),
    };
    report_add(m->report, row, ms);
    json_object_set_new(m->counted, id, json_true());
    return --m->left;
}

static bool month_one(void *arg, const char *id, const json_t *row)
{
    struct month *m = arg;
    struct steps s = { .claim = 0 };
    if (!month_wants(m, id, row))
        return true;
    m->err = read_steps(m, id, &s);
    return !m->err && month_add(m, id, row, &s);
}

/* One that left the store long ago: its line has its timeline, too. */
static bool month_retired(void *arg, const char *line, size_t len)
{
    struct month *m = arg;
    struct steps s = { .claim = 0 };
    json_t *row = json_loadb(line, len, 0, NULL);
    const char *id = json_string_value(json_object_get(row, "id"));
    size_t i;
    const json_t *entry;
    bool more = true;
    if (id && month_wants(m, id, row)) {
        json_array_foreach(json_object_get(row, "timeline"), i, entry)
        {
            const char *verb = json_string_value(json_object_get(entry, "verb"));
            take_step(&s, verb ? verb : "", rows_time(entry, "at"));
        }
        more = month_add(m, id, row, &s);
    }
    json_decref(row);
    return more;
}

/* First and last moment of "2026-11". */
static int read_month(const char *text, uint64_t *from, uint64_t *to)
{
    unsigned year, month;
    char first[40], next[40];
    uint64_t a, b;
    if (strlen(text) != 7 || sscanf(text, "%4u-%2u", &year, &month) != 2 || month < 1 || month > 12)
        return ABENG_EINVAL;
    snprintf(first, sizeof first, "%04u-%02u-01T00:00:00Z", year, month);
    snprintf(next, sizeof next, "%04u-%02u-01T00:00:00Z", year + month / 12, month % 12 + 1);
    if (clock_parse(first, strlen(first), &a) || clock_parse(next, strlen(next), &b))
        return ABENG_EINVAL;
    *from = a / NS_PER_MS;
    *to = b / NS_PER_MS;
    return 0;
}

static enum http_done write_report(struct http_request *req, struct report *r, const char *format)
{
    if (!strcmp(format, "html")) {
        report_html(r, http_out(req));
        return http_reply(req, 200, "text/html; charset=utf-8");
    }
    if (!strcmp(format, "csv")) {
        report_csv(r, http_out(req));
        return http_reply(req, 200, "text/csv; charset=utf-8");
    }
    report_json(r, http_out(req));
    return http_reply(req, 200, NULL);
}

static enum http_done report(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *code = http_param(req, "state"), *month = http_param(req, "month");
    const char *format = http_query(req, "format");
    struct month m = { .a = a, .req = req, .left = REPORT_ROWS_MAX };
    m.state = (unsigned)state_find(code, strlen(code));
    format = format && *format ? format : "json";
    if (read_month(month, &m.from_ms, &m.to_ms))
        return http_problem(req, 400, "query", "the month must be as 2026-11");
    if (strcmp(format, "json") && strcmp(format, "html") && strcmp(format, "csv"))
        return http_problem(req, 400, "query", "format must be json, html or csv");
    m.report = report_create(state_at(m.state)->name, month);
    m.counted = json_object();
    int err = rows_each(a, 1u << m.state, "is:any", month_one, &m);
    if (!err && !m.err && m.left && a->conf.retired_dir)
        err = retire_each(a->conf.retired_dir, code, month_retired, &m);
    json_decref(m.counted);
    enum http_done done = err || m.err ? api_away(req) : write_report(req, m.report, format);
    report_free(m.report);
    return done;
}

#define EXPORTERS (ROLE_REGIONAL | ROLE_NATIONAL | ROLE_CONTACT | ROLE_ADMIN | ROLE_CLIENT)

/* clang-format off */
static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/incidents/{id}/export", EXPORTERS | SCOPE_ID, 0, one },
    { HTTP_GET, "/api/v1/exports", EXPORTERS | SCOPE_LIST, 0, many },
    { HTTP_GET, "/api/v1/states/{state}/export", ROLE_DECIDERS | SCOPE_STATE, 0, held },
    { HTTP_GET, "/api/v1/reports/{state}/{month}", ROLE_VIEWERS | SCOPE_STATE, 0, report },
};
/* clang-format on */

const struct routes api_export_routes = { routes, sizeof routes / sizeof *routes };
