/* SPDX-License-Identifier: Apache-2.0 */
/* /evidence: the packets of an alert's flow, asked from the sensor that kept them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "collector/api/internal.h"
#include "collector/api/samples.h"
#include "collector/auth/ca.h"
#include "collector/ingest/packets.h"
#include "collector/ingest/sensors.h"
#include "common/err.h"
#include "common/event.h"
#include "common/json.h"

/* Which alert: its number at the sensor is its name. */
struct alert_name {
    const char *epoch, *lane;
    uint64_t seq;
};

static bool span_is(const char *line, const struct event_span *span, const char *text)
{
    return span->there && span->len == strlen(text) && !memcmp(line + span->at, text, span->len);
}

static bool is_alert(const struct sample *s, const struct alert_name *want)
{
    struct event e;
    char reason[64];
    return event_scan(s->text, s->len, &e, reason, sizeof reason) == ABENG_OK &&
           e.seq == want->seq && span_is(s->text, &e.text[EVENT_TEXT_EPOCH], want->epoch) &&
           span_is(s->text, &e.text[EVENT_TEXT_LANE], want->lane);
}

/* The sample of that name as JSON, or NULL. */
static json_t *find_alert(const struct samples *all, const struct alert_name *want)
{
    for (size_t i = 0; i < all->count; i++)
        if (is_alert(&all->list[i], want))
            return json_loadb(all->list[i].text, all->list[i].len, 0, NULL);
    return NULL;
}

static const char *text_at(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static uint64_t number_at(const json_t *o, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(o, key));
    return n > 0 ? (uint64_t)n : 0;
}

static enum http_done refuse_ask(struct http_request *req, int err)
{
    if (err == ABENG_EINVAL)
        return http_problem(req, 422, "evidence.place",
                            "the alert names a place that is none, or the reason is too long");
    if (err == ABENG_EIO)
        return http_problem(req, 500, "evidence.disk", "the request could not be kept");
    return api_away(req);
}

/* Send the request; `alert` is the record as the sensor sent it. */
static enum http_done ask(struct api *a, struct http_request *req, const struct alert_name *name,
                          const json_t *alert, const char *reason)
{
    const struct session *who = api_session(req);
    const json_t *place = json_object_get(json_object_get(alert, "abeng"), "evidence");
    char sensor[CA_ID_MAX], id[32], state[3] = { name->lane[0], name->lane[1], 0 };
    struct json j;
    if (!place)
        return http_problem(req, 409, "evidence.none", "the sensor kept no packets for this alert");
    int err = sensors_of_epoch(a->conf.sensors, state, name->epoch, name->lane, sensor);
    if (err == ABENG_ENOENT)
        return http_problem(req, 409, "evidence.sensor",
                            "it is not known any more which sensor sent this alert");
    if (err)
        return api_away(req);
    struct packets_wanted wanted = { .state = state,
                                     .incident = http_param(req, "id"),
                                     .sensor = sensor,
                                     .epoch = name->epoch,
                                     .lane = name->lane,
                                     .seq = name->seq,
                                     .file = text_at(place, "file"),
                                     .hash = text_at(place, "hash"),
                                     .offset = number_at(place, "offset"),
                                     .length = number_at(place, "length"),
                                     .packets = number_at(place, "packets"),
                                     .reason = reason,
                                     .by = who->user };
    err = packets_ask(a->conf.packets, &wanted, id);
    if (err)
        return refuse_ask(req, err);
    auth_audit(a->conf.auth, who->user, "evidence.request", id, reason);
    json_begin(&j, http_out(req));
    packets_write(a->conf.packets, id, &j);
    return http_reply(req, 202, NULL);
}

/* A foreign state's incident is answered by the gate; here the lane must be the incident's own. */
static const char *read_ask(const struct http_request *req, const json_t *body,
                            struct alert_name *name, const char **reason)
{
    const char *bad = NULL, *id = http_param(req, "id");
    json_int_t seq = json_integer_value(json_object_get(body, "seq"));
    name->epoch = api_text(body, "epoch", &bad);
    name->lane = api_text(body, "lane", &bad);
    *reason = api_text(body, "reason", &bad);
    name->seq = seq > 0 ? (uint64_t)seq : 0;
    return bad                                              ? bad
           : !name->epoch                                   ? "epoch"
           : !name->lane || strncmp(name->lane, id, 2) != 0 ? "lane"
           : !name->seq                                     ? "seq"
           : !*reason || !**reason                          ? "reason"
                                                            : NULL;
}

static enum http_done request(struct http_request *req, void *app)
{
    struct api *a = app;
    struct alert_name name;
    struct samples all;
    const char *reason;
    json_t *body = api_body(req);
    if (!body)
        return HTTP_DONE;
    const char *bad = read_ask(req, body, &name, &reason);
    enum http_done done = HTTP_DONE;
    if (bad) {
        done = api_bad(req, bad);
    } else {
        int err = samples_read(a, req, &all);
        json_t *alert = err ? NULL : find_alert(&all, &name);
        samples_free(&all);
        if (alert)
            done = ask(a, req, &name, alert, reason);
        else
            done = err && err != ABENG_ENOENT
                       ? api_away(req)
                       : http_problem(req, 404, "evidence.alert",
                                      "this incident has no such alert among its samples");
        json_decref(alert);
    }
    json_decref(body);
    return done;
}

static enum http_done list(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *states = http_query(req, "state");
    unsigned scope = api_session(req)->scope;
    struct json j;
    if (states && *states && !auth_scope(states))
        return http_problem(req, 400, "query", "state is no list of member states' codes");
    if (states && *states)
        scope &= auth_scope(states);
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "items");
    size_t n = packets_write_all(a->conf.packets, scope, http_query(req, "incident"), &j);
    json_close_array(&j);
    json_nil(&j, "next");
    json_u64(&j, "total", n);
    json_close(&j);
    return http_reply(req, 200, NULL);
}

static enum http_done show(struct http_request *req, void *app)
{
    struct api *a = app;
    struct json j;
    json_begin(&j, http_out(req));
    if (packets_write(a->conf.packets, http_param(req, "id"), &j))
        return api_not_found(req);
    return http_reply(req, 200, NULL);
}

static enum http_done download(struct http_request *req, void *app)
{
    struct api *a = app;
    const char *id = http_param(req, "id");
    char *path = packets_path(a->conf.packets, id);
    if (!path)
        return api_not_found(req);
    auth_audit(a->conf.auth, api_session(req)->user, "evidence.read", id, "");
    http_reply_header(req, "Content-Disposition", "attachment; filename=\"evidence.pcap\"");
    enum http_done done = http_reply_file(req, path, "application/vnd.tcpdump.pcap");
    free(path);
    return done;
}

static const struct http_route routes[] = {
    { HTTP_POST, "/api/v1/incidents/{id}:evidence", ROLE_DECIDERS | SCOPE_ID, API_BODY_MAX,
      request },
    { HTTP_GET, "/api/v1/evidence", ROLE_READERS | SCOPE_LIST, 0, list },
    { HTTP_GET, "/api/v1/evidence/{id}", ROLE_READERS | SCOPE_ID, 0, show },
    { HTTP_GET, "/api/v1/evidence/{id}/pcap", ROLE_DECIDERS | SCOPE_ID, 0, download },
};

const struct routes api_evidence_routes = { routes, sizeof routes / sizeof *routes };
