/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents from outside the sensors: by hand, and from files of other organisations. */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/rsit.h"
#include "collector/ingest/outside.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/csv.h"
#include "common/err.h"
#include "common/secret.h"
#include "common/state.h"

/** Largest file, and what its records come to; longest title. */
#define FILE_MAX_  (4u << 20)
#define LINES_MAX_ (15u << 20)
#define TITLE_MAX  200

/* "R-" and eight letters, to find it by: what a report becomes has its number a moment later. */
static void reference(char out[16])
{
    char token[SECRET_TOKEN_TEXT];
    secret_token(token);
    snprintf(out, 16, "R-");
    size_t n = 2;
    for (const char *c = token; *c && n < 10; c++)
        if (*c != '-' && *c != '_')
            out[n++] = *c;
    out[n] = '\0';
}

static enum http_done answer(struct http_request *req, const char *ref, unsigned accepted,
                             json_t *refused)
{
    json_t *reply = json_pack("{s:s, s:i, s:O}", "reference", ref, "accepted", (int)accepted,
                              "refused", refused);
    enum http_done done = api_reply_json(req, 202, reply);
    json_decref(reply);
    return done;
}

/* Put the records into the state's stream and answer. */
static enum http_done put(struct api *a, struct http_request *req, const char *state,
                          const struct buf *lines, unsigned count, const char *ref, json_t *refused)
{
    char why[256] = "", said[64];
    const struct session *s = api_session(req);
    int err = count ? outside_put(auth_conn(a->conf.auth, s, state), state, lines, count,
                                  api_now(a) * NS_PER_MS, why, sizeof why)
                    : 0;
    if (err)
        return err == ABENG_EFORMAT ? http_problem(req, 422, "report", "%s", why) : api_away(req);
    snprintf(said, sizeof said, "%u records for %s", count, state);
    auth_audit(a->conf.auth, s->user, "report", ref, said);
    return answer(req, ref, count, refused);
}

/* ---- by hand --------------------------------------------------------------------------------- */

/* Read the body; the name of a wrong member, or NULL. */
static const char *read_report(const json_t *body, struct outside_report *r, char rsit[128])
{
    const char *bad = NULL;
    const json_t *type = json_object_get(body, "rsit");
    const char *class = api_text(type, "class", &bad), *name = api_text(type, "type", &bad);
    const char *seen = api_text(body, "seen_at", &bad);
    snprintf(rsit, 128, "%s/%s", class ? class : "", name ? name : "");
    r->rsit = rsit;
    r->title = api_text(body, "title", &bad);
    r->victim = api_text(body, "victim", &bad);
    r->peer = api_text(body, "peer", &bad);
    r->source = api_text(body, "source", &bad);
    if (bad)
        return bad;
    if (!rsit_find(rsit))
        return "rsit";
    if (!r->title || !*r->title || strlen(r->title) > TITLE_MAX)
        return "title";
    if (!r->victim)
        return "victim";
    if (r->source && strlen(r->source) > 60)
        return "source";
    return seen && clock_parse(seen, strlen(seen), &r->seen_ns) ? "seen_at" : NULL;
}

static enum http_done by_hand(struct http_request *req, void *app)
{
    struct api *a = app;
    char rsit[128], ref[16], title[TITLE_MAX + 32], why[256] = "";
    struct outside_report r = { .seen_ns = api_now(a) * NS_PER_MS };
    struct buf lines;
    json_t *body = api_body(req), *refused = json_array();
    enum http_done done = HTTP_DONE;
    buf_init(&lines, LINES_MAX_);
    if (!body)
        goto out;
    const char *code = json_string_value(json_object_get(body, "state"));
    const char *bad = read_report(body, &r, rsit);
    int state = code ? state_find(code, strlen(code)) : ABENG_ENOENT;
    if (state < 0 || !(api_session(req)->scope & 1u << state)) {
        done = http_problem(req, 422, "state", "state must be one of the session's states");
    } else if (bad) {
        done = api_bad(req, bad);
    } else {
        reference(ref);
        snprintf(title, sizeof title, "%s (%s)", r.title, ref);
        r.title = title;
        if (outside_add(&lines, &r, why, sizeof why))
            done = http_problem(req, 422, "report", "%s; names go into the title", why);
        else
            done = put(a, req, code, &lines, 1, ref, refused);
    }
out:
    json_decref(refused);
    json_decref(body);
    buf_free(&lines);
    return done;
}

/* ---- files ----------------------------------------------------------------------------------- */

struct import {
    struct buf lines;
    struct outside_report r;
    json_t *refused;
    unsigned count;
    uint64_t now_ns;
};

/* A field by one of the names that reports give it; "" when there is none. */
static const char *field(const struct csv_fields *head, const struct csv_fields *f,
                         const char *const *names)
{
    for (; *names; names++)
        for (size_t i = 0; i < head->count && i < f->count; i++)
            if (!strcmp(head->text[i], *names))
                return f->text[i];
    return "";
}

/* "2026-11-20 10:00:00" of Shadowserver is UTC. */
static uint64_t time_of(const char *text, uint64_t fallback)
{
    char whole[40];
    uint64_t ns;
    snprintf(whole, sizeof whole, "%.30s%s", text, strchr(text, 'Z') ? "" : "Z");
    if (strlen(text) > 10 && whole[10] == ' ')
        whole[10] = 'T';
    return *text && !clock_parse(whole, strlen(whole), &ns) ? ns : fallback;
}

static bool import_line(void *arg, size_t line, const struct csv_fields *head,
                        const struct csv_fields *f)
{
    static const char *const victims[] = { "ip", "src_ip", "victim", NULL };
    static const char *const peers[] = { "dst_ip", "cc_ip", "peer", NULL };
    static const char *const ports[] = { "port", "src_port", NULL };
    static const char *const times[] = { "timestamp", "seen_at", NULL };
    struct import *im = arg;
    struct outside_report r = im->r;
    char why[128] = "";
    r.victim = field(head, f, victims);
    r.peer = field(head, f, peers);
    r.peer = *r.peer ? r.peer : NULL;
    r.port = (unsigned)strtoul(field(head, f, ports), NULL, 10) & 0xffff;
    r.seen_ns = time_of(field(head, f, times), im->now_ns);
    if (outside_add(&im->lines, &r, why, sizeof why))
        json_array_append_new(im->refused,
                              json_pack("{s:i, s:s}", "line", (int)line, "detail", why));
    else
        im->count++;
    return true;
}

static enum http_done import(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *state = http_query(req, "state"), *rsit = http_query(req, "rsit");
    const char *type = http_query(req, "type");
    char ref[16], title[TITLE_MAX + 32], why[256] = "";
    struct import im = { .now_ns = api_now(a) * NS_PER_MS, .refused = json_array() };
    enum http_done done;
    size_t len;
    const char *text = http_body(req, &len);
    reference(ref);
    snprintf(title, sizeof title, "%.120s (%s)", type && *type ? type : "Report", ref);
    im.r =
        (struct outside_report){ .rsit = rsit, .title = title, .source = type ? type : "report" };
    buf_init(&im.lines, LINES_MAX_);
    if (!rsit || !rsit_find(rsit) || (type && strlen(type) > 60)) {
        done = http_problem(req, 400, "query",
                            "rsit must be a class/type of the taxonomy, type a short name");
    } else {
        int err = csv_read(text, len, OUTSIDE_COUNT_MAX, import_line, &im, why, sizeof why);
        done = err ? http_problem(req, 422, "csv", "%s", why)
                   : put(a, req, state, &im.lines, im.count, ref, im.refused);
    }
    json_decref(im.refused);
    buf_free(&im.lines);
    return done;
}

/* clang-format off */
static const struct http_route routes[] = {
    { HTTP_POST, "/api/v1/incidents", ROLE_DECIDERS | SCOPE_LIST, API_BODY_MAX, by_hand },
    { HTTP_POST, "/api/v1/incidents:import", ROLE_DECIDERS | SCOPE_STATE, FILE_MAX_, import },
};
/* clang-format on */

const struct routes api_report_routes = { routes, sizeof routes / sizeof *routes };
