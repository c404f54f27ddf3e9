/* SPDX-License-Identifier: Apache-2.0 */
/* The link's small requests: enrolment, renewal, health, commands. */
#include "config.h"
#include "collector/ingest/ingest.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "collector/auth/ca.h"
#include "collector/ingest/ledger.h"
#include "collector/ingest/packets.h"
#include "collector/ingest/routes.h"
#include "collector/ingest/sensors.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"

#define ENROL_BODY_MAX  (24u << 10)
#define HEALTH_BODY_MAX (64u << 10)
/* Below the idle limits of most middle boxes. */
#define COMMAND_WAIT_MS 45000u
#define ROLE_SENSOR     1u
#define RETRY_PENDING   "5"

static const struct http_route routes[] = {
    { HTTP_POST, "/v1/batches", ROLE_SENSOR, INGEST_FRAME_MAX, ingest_batch },
    { HTTP_POST, "/v1/health", ROLE_SENSOR, HEALTH_BODY_MAX, ingest_health },
    { HTTP_GET, "/v1/commands", ROLE_SENSOR, 0, ingest_commands },
    { HTTP_POST, "/v1/evidence/{id}", ROLE_SENSOR, PACKETS_MAX, ingest_evidence },
    { HTTP_POST, "/v1/renew", ROLE_SENSOR, ENROL_BODY_MAX, ingest_renew },
    { HTTP_POST, "/v1/enrol", 0, ENROL_BODY_MAX, ingest_enrol },
    { HTTP_GET, "/v1/ca", 0, 0, ingest_ca },
};

struct http_table ingest_table(struct ingest *in)
{
    return (struct http_table){ routes, sizeof(routes) / sizeof(routes[0]), in };
}

/* The body as a JSON object, or NULL and a 400. */
static json_t *read_object(struct http_request *req)
{
    json_error_t e;
    size_t len;
    const char *body = http_body(req, &len);
    json_t *o = json_loadb(body, len, JSON_REJECT_DUPLICATES, &e);

    if (json_is_object(o))
        return o;
    http_problem(req, 400, "body.json", "the body must be a JSON object%s%s", o ? "" : ": ",
                 o ? "" : e.text);
    json_decref(o);
    return NULL;
}

static const char *text_member(struct http_request *req, const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    if (!text)
        http_problem(req, 400, "body.json", "\"%s\" must be a string", name);
    return text;
}

static unsigned status_of(int err)
{
    switch (err) {
    case ABENG_EDENIED:
    case ABENG_EAUTH:
        return 403;
    case ABENG_EAGAIN:
        return 503;
    case ABENG_ENOENT:
        return 404;
    case ABENG_ECONFLICT:
        return 409;
    default:
        return 400;
    }
}

static enum http_done give_certificate(struct http_request *req, const struct sensors_grant *g)
{
    struct json j;
    char key[CA_FINGERPRINT_TEXT];

    ca_fingerprint_text(g->key, key);
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_str(&j, "status", g->pending ? "pending" : "active");
    json_str(&j, "id", g->who.id);
    json_str(&j, "fingerprint", key);
    if (!g->pending) {
        json_str(&j, "site", g->who.site);
        json_str(&j, "states", g->who.states);
        json_strn(&j, "certificate", g->certificate.data, g->certificate.len);
        json_u64(&j, "not_after", g->who.not_after_ns / NS_PER_S);
    } else {
        http_reply_header(req, "Retry-After", RETRY_PENDING);
    }
    json_close(&j);
    return http_reply(req, g->pending ? 202 : 200, NULL);
}

static enum http_done grant(struct http_request *req, struct sensors_grant *g, int err,
                            const char *why)
{
    enum http_done done;

    if (err) {
        log_warn("ingest", "enrolment from %s refused: %s", http_client(req), why);
        done = http_problem(req, status_of(err), "enrol", "%s", why);
    } else {
        done = give_certificate(req, g);
    }
    buf_free(&g->certificate);
    return done;
}

enum http_done ingest_ca(struct http_request *req, void *app)
{
    struct ingest *in = app;

    buf_text(http_out(req), sensors_ca_pem(in->sensors));
    return http_reply(req, 200, "application/pem-certificate-chain");
}

enum http_done ingest_enrol(struct http_request *req, void *app)
{
    struct ingest *in = app;
    struct sensors_grant g;
    char why[256] = "the store does not answer";
    json_t *o = read_object(req);
    const char *secret = o ? text_member(req, o, "secret") : NULL;
    const char *csr = secret ? text_member(req, o, "request") : NULL;
    enum http_done done = HTTP_DONE;

    if (csr) {
        int err = sensors_enrol(in->sensors, secret, csr, strlen(csr), &g, why, sizeof(why));
        done = grant(req, &g, err, why);
    }
    json_decref(o);
    return done;
}

enum http_done ingest_renew(struct http_request *req, void *app)
{
    struct ingest *in = app;
    struct sensors_grant g;
    char why[256] = "the store does not answer";
    json_t *o = read_object(req);
    const char *csr = o ? text_member(req, o, "request") : NULL;
    enum http_done done = HTTP_DONE;

    if (csr) {
        int err =
            sensors_renew(in->sensors, http_session(req), csr, strlen(csr), &g, why, sizeof(why));
        done = grant(req, &g, err, why);
    }
    json_decref(o);
    return done;
}

enum http_done ingest_health(struct http_request *req, void *app)
{
    struct ingest *in = app;
    const struct ca_identity *who = http_session(req);
    json_t *o = read_object(req);
    size_t len;

    if (!o)
        return HTTP_DONE;
    uint64_t now = clock_now(in->clock);
    int64_t said = json_integer_value(json_object_get(o, "time_ms"));
    int64_t offset = said ? said - (int64_t)(now / NS_PER_MS) : 0;
    const char *body = http_body(req, &len);
    int err = sensors_health(in->sensors, who->id, body, len, now, offset);
    if (!err)
        err = ledger_raised(in->store, who, json_object_get(o, "lanes"), now / NS_PER_MS);
    json_decref(o);
    if (err)
        return http_problem(req, status_of(err), "health", "%s",
                            err == ABENG_EAGAIN ? "the store does not answer" : "unknown sensor");
    return http_reply_empty(req, 204);
}

enum http_done ingest_commands(struct http_request *req, void *app)
{
    struct ingest *in = app;
    const struct ca_identity *who = http_session(req);
    size_t count = 0;
    struct json j;

    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "commands");
    int err = sensors_take_commands(in->sensors, who->id, &j, &count);
    bool open = packets_take(in->packets, who->id, &j, &count);
    json_close_array(&j);
    json_close(&j);
    if (err)
        return http_problem(req, 503, "store.away", "the store does not answer");
    if (count || http_timed_out(req))
        return http_reply(req, 200, NULL);
    buf_clear(http_out(req));
    return http_park(req, arena_printf(http_arena(req), SENSORS_TOPIC "%s", who->id),
                     open ? PACKETS_AGAIN_MS : COMMAND_WAIT_MS);
}

enum http_done ingest_evidence(struct http_request *req, void *app)
{
    struct ingest *in = app;
    const struct ca_identity *who = http_session(req);
    size_t len;
    const char *body = http_body(req, &len), *refused = http_header(req, "Abeng-Refused");
    const char *id = http_param(req, "id");

    int err = packets_answer(in->packets, who->id, id, body, len, refused);
    if (err == ABENG_ENOENT)
        return http_problem(req, 404, "evidence.request", "no such request is open for you");
    if (err == ABENG_EFORMAT)
        return http_problem(req, 400, "evidence.hash", "length or hash are not what was asked for");
    if (err)
        return http_problem(req, 500, "evidence.disk", "the packets could not be kept");
    log_notice("evidence", "%s: sensor %s %s, %zu bytes", id, who->id,
               refused ? "refused" : "answered", len);
    return http_reply_empty(req, 204);
}
