/* SPDX-License-Identifier: Apache-2.0 */
/* The tables together, and what all resources need. */
#include "config.h"
#include "collector/api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/xalloc.h"

struct api *api_create(const struct api_conf *conf)
{
    struct api *a = xcalloc(1, sizeof *a);
    a->conf = *conf;
    if (!a->conf.clock)
        a->conf.clock = clock_system();
    a->stream = stream_create(conf->model);
    return a;
}

static const struct routes *const resources[] = {
    &api_session_routes,  &api_incident_routes, &api_sensor_routes, &api_feed_routes,
    &api_user_routes,     &api_stat_routes,     &api_stream_routes, &api_archive_routes,
    &api_book_routes,     &api_notice_routes,   &api_sample_routes, &api_evidence_routes,
    &api_campaign_routes, &api_damping_routes,
    &api_link_routes,     &api_signal_routes, &api_export_routes,
    &api_taxii_routes,
    &api_account_routes,  &api_report_routes, &api_suppression_routes,
};
#define RESOURCES (sizeof resources / sizeof *resources)
_Static_assert(RESOURCES <= API_TABLES, "each resource has its table");

size_t api_tables(struct api *a, struct http_table out[API_TABLES])
{
    for (size_t i = 0; i < RESOURCES; i++)
        out[i] = (struct http_table){ resources[i]->routes, resources[i]->count, a };
    return RESOURCES;
}

/* Take the first part of a route's path below /api/v1/, when `role` may read there. */
static bool readable_part(const struct http_route *r, uint32_t role, char *out, size_t size)
{
    static const char root[] = "/api/v1/";
    if (r->method != HTTP_GET || !(r->roles & role) || strncmp(r->pattern, root, sizeof root - 1))
        return false;
    const char *part = r->pattern + sizeof root - 1;
    snprintf(out, size, "%.*s", (int)strcspn(part, "/:{"), part);
    return true;
}

void api_write_resources(struct json *out, uint32_t role)
{
    char part[64], last[64] = "";
    json_open_array(out, "resources");
    for (size_t i = 0; i < RESOURCES; i++)
        for (size_t k = 0; k < resources[i]->count; k++) {
            if (!readable_part(&resources[i]->routes[k], role, part, sizeof part) ||
                !strcmp(part, last))
                continue;
            json_str(out, NULL, part);
            snprintf(last, sizeof last, "%s", part);
        }
    json_close_array(out);
}

void api_attach(struct api *a, struct http_server *server)
{
    a->server = server;
}

void api_free(struct api *a)
{
    if (!a)
        return;
    stream_free(a->stream);
    free(a);
}

const struct session *api_session(const struct http_request *req)
{
    return http_session(req);
}

uint64_t api_now(const struct api *a)
{
    return clock_now(a->conf.clock) / NS_PER_MS;
}

json_t *api_body(struct http_request *req)
{
    size_t len;
    json_error_t error;
    const char *text = http_body(req, &len);
    json_t *body = len ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &error) : json_object();
    if (json_is_object(body))
        return body;
    if (body)
        http_problem(req, 400, "body", "the body must be a JSON object");
    else
        http_problem(req, 400, "body", "the body is not JSON: line %d: %s", error.line, error.text);
    json_decref(body);
    return NULL;
}

const char *api_text(const json_t *body, const char *key, const char **bad)
{
    const json_t *value = json_object_get(body, key);
    if (!value || json_is_null(value))
        return NULL;
    const char *text = json_string_value(value);
    if (!text || strlen(text) != json_string_length(value)) {
        *bad = key;
        return NULL;
    }
    return text;
}

enum http_done api_bad(struct http_request *req, const char *key)
{
    return http_problem(req, 400, "body", "%s is not of the type that docs/openapi.yaml gives",
                        key);
}

int64_t api_if_match(struct http_request *req)
{
    const char *text = http_header(req, "If-Match");
    unsigned long long version;
    int end = 0;
    if (!text || !strcmp(text, "*"))
        return 0;
    if (sscanf(text, "\"%18llu\"%n", &version, &end) == 1 && end && !text[end])
        return (int64_t)version;
    http_problem(req, 400, "version", "If-Match must be the version in quotes, as ETag gave it");
    return -1;
}

enum http_done api_give_json(struct http_request *req, json_t *value)
{
    enum http_done done = api_reply_json(req, 200, value);
    json_decref(value);
    return done;
}

enum http_done api_not_found(struct http_request *req)
{
    return http_problem(req, 404, NULL, "there is no such thing, or it is not yours to see");
}

enum http_done api_away(struct http_request *req)
{
    http_reply_header(req, "Retry-After", "1");
    return http_problem(req, 503, "store", "the store is away; try again in a second");
}

enum http_done api_reply_items(struct http_request *req, const struct buf *items)
{
    json_t *array = json_loadb((const char *)items->data, items->len, 0, NULL);
    struct json out;
    if (!array)
        return api_away(req);
    json_begin(&out, http_out(req));
    json_open(&out, NULL);
    json_raw(&out, "items", items->data, items->len);
    json_nil(&out, "next");
    json_u64(&out, "total", json_array_size(array));
    json_close(&out);
    json_decref(array);
    return http_reply(req, 200, NULL);
}

enum http_done api_reply_json(struct http_request *req, unsigned status, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (!text)
        return api_away(req);
    buf_text(http_out(req), text);
    free(text);
    return http_reply(req, status, NULL);
}

enum http_done api_refuse(struct http_request *req, int err, const char *rule, const char *why)
{
    switch (err) {
    case ABENG_ENOENT:
        return api_not_found(req);
    case ABENG_EEXIST:
    case ABENG_ECONFLICT:
        return http_problem(req, 409, rule, "%s", why);
    case ABENG_EINVAL:
    case ABENG_EFORMAT:
    case ABENG_EAUTH:
    case ABENG_EDENIED:
        return http_problem(req, 422, rule, "%s", why);
    case ABENG_ELIMIT:
        return http_problem(req, 413, rule, "%s", why);
    default:
        return api_away(req);
    }
}

int api_states(const json_t *body, char out[AUTH_STATES_MAX])
{
    const json_t *states = json_object_get(body, "states");
    size_t at = 0;
    *out = '\0';
    if (!json_is_array(states) || !json_array_size(states))
        return ABENG_EINVAL;
    for (size_t i = 0; i < json_array_size(states); i++) {
        const char *code = json_string_value(json_array_get(states, i));
        if (!code || !auth_scope(code) || strchr(code, ',') ||
            at + strlen(code) + 2 > AUTH_STATES_MAX)
            return ABENG_EINVAL;
        at += (size_t)snprintf(out + at, AUTH_STATES_MAX - at, "%s%s", i ? "," : "", code);
    }
    return auth_scope(out) ? 0 : ABENG_EINVAL;
}
