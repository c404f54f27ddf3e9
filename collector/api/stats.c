/* SPDX-License-Identifier: Apache-2.0 */
/* /states, /stats, /healthz and /metrics. */
#include "config.h"
#include "collector/api/internal.h"

#include "collector/archive/archive.h"
#include "collector/correlate/worker.h"
#include "collector/ingest/alarms.h"
#include "collector/ingest/ingest.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "common/buf.h"
#include "common/json.h"
#include "common/state.h"

static enum http_done states(struct http_request *req, void *app)
{
    const struct session *s = api_session(req);
    unsigned total = 0;
    struct json j;
    (void)app;
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "items");
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        if (!(s->scope & 1u << i))
            continue;
        json_open(&j, NULL);
        json_str(&j, "code", state_at(i)->code);
        json_str(&j, "name", state_at(i)->name);
        json_close(&j);
        total++;
    }
    json_close_array(&j);
    json_nil(&j, "next");
    json_u64(&j, "total", total);
    json_close(&j);
    return http_reply(req, 200, NULL);
}

static enum http_done stats(struct http_request *req, void *app)
{
    struct api *a = app;
    struct worker_stats w = { .alerts = 0 };
    struct json j;
    worker_stats(a->conf.worker, &w);
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    model_write_stats(a->conf.model, api_session(req)->scope, &j);
    json_u64(&j, "lag_ms", w.lag_ms);
    json_close(&j);
    return http_reply(req, 200, NULL);
}

static enum http_done healthz(struct http_request *req, void *app)
{
    struct api *a = app;
    if (store_health(a->conf.store))
        return api_away(req);
    if (!model_ready(a->conf.model)) {
        http_reply_header(req, "Retry-After", "1");
        return http_problem(req, 503, "loading", "the read model is still being loaded");
    }
    buf_text(http_out(req), "{\"status\":\"ok\"}");
    return http_reply(req, 200, NULL);
}

struct metric {
    const char *name, *type, *help;
    uint64_t value;
};

static enum http_done metrics(struct http_request *req, void *app)
{
    struct api *a = app;
    struct worker_stats w = { .alerts = 0 };
    struct archive_stats ar = { .batches = 0 };
    struct http_stats h = { .requests = 0 };
    const struct ingest *in = a->conf.ingest;
    worker_stats(a->conf.worker, &w);
    if (a->conf.archive)
        archive_stats(a->conf.archive, &ar);
    if (a->server)
        http_server_stats(a->server, &h);
    uint64_t batches = in ? __atomic_load_n(&in->batches, __ATOMIC_RELAXED) : 0;
    uint64_t records = in ? __atomic_load_n(&in->records, __ATOMIC_RELAXED) : 0;
    uint64_t refused = in ? __atomic_load_n(&in->refused, __ATOMIC_RELAXED) : 0;
    uint64_t tests = in ? __atomic_load_n(&in->self_tests, __ATOMIC_RELAXED) : 0;
    uint64_t alarms = a->conf.alarms ? alarms_active(a->conf.alarms) : 0;
    uint64_t memory = store_memory_permille(a->conf.store);
    /* clang-format off */
    const struct metric all[] = {
        { "ingest_batches_total", "counter", "Batches accepted.", batches },
        { "ingest_records_total", "counter", "Records accepted.", records },
        { "ingest_refused_total", "counter", "Batches refused.", refused },
        { "ingest_self_tests_total", "counter", "Batches with a sensor's self-test.", tests },
        { "correlate_alerts_total", "counter", "Alerts folded since start.", w.alerts },
        { "correlate_commits_total", "counter", "Commits since start.", w.commits },
        { "correlate_refused_total", "counter", "Stored records that can't be read.", w.refused },
        { "correlate_signals", "gauge", "Signals in memory.", w.signals },
        { "correlate_incidents", "gauge", "Incidents in memory.", w.incidents },
        { "correlate_states", "gauge", "Member states owned.", w.states },
        { "correlate_lag_milliseconds", "gauge", "From arrival to folded.", w.lag_ms },
        { "alarms_active", "gauge", "Alarms now.", alarms },
        { "archive_records_total", "counter", "Records written since start.", ar.records },
        { "archive_bytes_total", "counter", "Bytes written since start.", ar.bytes },
        { "archive_doubles_total", "counter", "Records left out: were there.", ar.doubles },
        { "archive_refused_total", "counter", "Entries that can't be read.", ar.refused },
        { "archive_failures_total", "counter", "Writes that failed.", ar.failures },
        { "archive_lag_milliseconds", "gauge", "From arrival to archived.", ar.lag_ms },
        { "store_memory_permille", "gauge", "Store memory in use.", memory },
        { "http_requests_total", "counter", "Requests.", h.requests },
        { "http_refused_busy_total", "counter", "Refused: queue full.", h.refused_busy },
        { "http_refused_large_total", "counter", "Refused: body too large.", h.refused_large },
        { "http_connections", "gauge", "Connections now.", h.connections },
        { "http_streams", "gauge", "Event streams now.", h.streams },
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_printf(http_out(req), "# HELP abeng_%s %s\n# TYPE abeng_%s %s\nabeng_%s %llu\n",
                   all[i].name, all[i].help, all[i].name, all[i].type, all[i].name,
                   (unsigned long long)all[i].value);
    return http_reply(req, 200, "text/plain; version=0.0.4; charset=utf-8");
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/states", ROLE_VIEWERS | SCOPE_LIST, 0, states },
    { HTTP_GET, "/api/v1/stats", ROLE_VIEWERS | SCOPE_LIST, 0, stats },
    { HTTP_GET, "/healthz", SCOPE_NONE, 0, healthz },
    { HTTP_GET, "/metrics", ROLE_ADMIN | ROLE_AUDITOR | SCOPE_REGION, 0, metrics },
};

const struct routes api_stat_routes = { routes, sizeof routes / sizeof *routes };
