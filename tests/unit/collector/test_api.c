/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API over HTTP on a real redis-server: logins, the gate, every route by role and state,
 * verbs, streams.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/api/api.h"
#include "collector/auth/auth.h"
#include "collector/auth/ca.h"
#include "collector/auth/totp.h"
#include "collector/correlate/worker.h"
#include "collector/ctl/print.h"
#include "collector/feeds/feeds.h"
#include "collector/http/http.h"
#include "collector/ingest/sensors.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "tests/unit/collector/alerts.h"
#include "tests/unit/link/fixture.h"

#define PASSWORD "correct horse battery"

struct rig {
    struct fixture *f;
    struct ca *ca;
    struct sensors *sensors;
    struct feeds *feeds;
    struct worker *worker;
    struct model *model;
    struct auth *auth;
    struct api *api;
    struct http_server *http;
    struct http_table tables[API_TABLES];
    struct http_listener listener;
    CURL *curl;
    char base[64];
    struct buf body; /* of the last reply */
    char headers[4096];
    char *admin, *jm, *bb, *contact, *auditor, *partner, *host, *client; /* tokens */
};

/* ---- asking ---------------------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *b = arg;
    buf_add(b, bytes, size * count);
    return size * count;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct rig *r = arg;
    size_t have = strlen(r->headers);
    snprintf(r->headers + have, sizeof r->headers - have, "%.*s", (int)(size * count), bytes);
    return size * count;
}

/* Ask with up to two header lines (NULL: none); the status. */
static long ask(struct rig *r, const char *method, const char *path, const char *body,
                const char *one, const char *two)
{
    struct curl_slist *headers = NULL;
    char url[512];
    long status = 0;
    snprintf(url, sizeof url, "%s%s", r->base, path);
    headers = curl_slist_append(headers, one ? one : "X-None: 1");
    headers = curl_slist_append(headers, two ? two : "X-None: 2");
    buf_clear(&r->body);
    r->headers[0] = '\0';
    curl_easy_reset(r->curl);
    curl_easy_setopt(r->curl, CURLOPT_URL, url);
    curl_easy_setopt(r->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, &r->body);
    curl_easy_setopt(r->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(r->curl, CURLOPT_HEADERDATA, r);
    if (body)
        curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(r->curl, CURLOPT_TIMEOUT_MS, 5000L);
    if (curl_easy_perform(r->curl))
        fail_msg("%s %s: no answer", method, path);
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    return status;
}

static long as(struct rig *r, const char *token, const char *method, const char *path,
               const char *body)
{
    char bearer[128];
    snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", token);
    return ask(r, method, path, body, bearer, NULL);
}

static bool says(struct rig *r, const char *text)
{
    return strstr(buf_str(&r->body), text) != NULL;
}

static char *login(struct rig *r, const char *user)
{
    char body[256];
    snprintf(body, sizeof body, "{\"user\":\"%s\",\"password\":\"%s\"}", user, PASSWORD);
    assert_int_equal(ask(r, "POST", "/api/v1/session", body, NULL, NULL), 200);
    json_t *root = json_loads(buf_str(&r->body), 0, NULL);
    char *token = strdup(json_string_value(json_object_get(root, "token")));
    json_decref(root);
    return token;
}

static char *make_user_of(struct rig *r, const char *user, const char *role, const char *states,
                          const char *subject)
{
    char why[128];
    struct auth_user u = { user, user, role, states, PASSWORD, subject };
    if (auth_user_add(r->auth, &u, why, sizeof why))
        fail_msg("%s", why);
    return login(r, user);
}

static char *make_user(struct rig *r, const char *user, const char *role, const char *states)
{
    return make_user_of(r, user, role, states, NULL);
}

/* ---- the rig --------------------------------------------------------------------------------- */

static void serve(struct rig *r)
{
    r->listener = (struct http_listener){
        .name = "test",
        .address = "127.0.0.1:0",
        .tables = r->tables,
        .table_count = api_tables(r->api, r->tables),
        .admit = auth_admit,
        .admit_arg = r->auth,
        .around = api_once,
        .around_arg = r->api,
    };
    r->http = http_server_start(&(struct http_conf){ 0 }, &r->listener, 1);
    assert_non_null(r->http);
    api_attach(r->api, r->http);
    snprintf(r->base, sizeof r->base, "http://127.0.0.1:%u", http_server_port(r->http, 0));
}

static void wait_for(struct rig *r, const char *id)
{
    struct head h;
    for (int i = 0; i < 1000 && model_head(r->model, ~0u, id, &h); i++)
        usleep(10000);
    assert_int_equal(model_head(r->model, ~0u, id, &h), 0);
}

static int setup(void **state)
{
    static const char *const addresses[] = { "localhost:1" };
    struct rig *r = calloc(1, sizeof *r);
    char path[1024];
    int created;
    if (fixture_setup((void **)&r->f))
        return -1;
    fixture_flush(r->f);
    snprintf(path, sizeof path, "%s/ca", r->f->dir);
    r->ca = ca_open(path, addresses, 1, &created);
    r->sensors = sensors_create(&(struct sensors_conf){
        .store = r->f->store, .ca = r->ca, .addresses = addresses, .address_count = 1 });
    snprintf(path, sizeof path, "%s/feeds", r->f->dir);
    r->feeds = feeds_open(path, r->f->store, r->sensors);
    snprintf(path, sizeof path, "%s/collector/correlate/classify.tsv", getenv("ABENG_SRCDIR"));
    r->worker = worker_start(
        &(struct worker_conf){ .store = r->f->store, .classify_path = path, .owner = "one" });
    r->model = model_start(r->f->store, NULL);
    r->auth = auth_create(r->f->store, NULL);
    r->api = api_create(&(struct api_conf){ .store = r->f->store,
                                            .model = r->model,
                                            .auth = r->auth,
                                            .sensors = r->sensors,
                                            .feeds = r->feeds,
                                            .worker = r->worker });
    r->curl = curl_easy_init();
    buf_init(&r->body, 1 << 22);
    serve(r);
    r->admin = make_user(r, "ada", "admin", "*");
    r->jm = make_user(r, "jan", "national", "jm");
    r->bb = make_user(r, "bob", "national", "bb");
    r->contact = make_user(r, "con", "contact", "jm");
    r->auditor = make_user(r, "aud", "auditor", "*");
    r->partner = make_user_of(r, "par", "partner", NULL, "partner one");
    r->host = make_user_of(r, "hos", "host", NULL, "one");
    r->client = make_user(r, "cli", "client", "jm");
    alerts_put_beacons(r->f->store, 3, 4);
    wait_for(r, "jm-3");
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    http_server_stop(r->http);
    model_stop(r->model);
    api_free(r->api);
    worker_stop(r->worker);
    auth_free(r->auth);
    feeds_close(r->feeds);
    sensors_free(r->sensors);
    ca_close(r->ca);
    curl_easy_cleanup(r->curl);
    buf_free(&r->body);
    free(r->admin);
    free(r->jm);
    free(r->bb);
    free(r->contact);
    free(r->auditor);
    free(r->partner);
    free(r->host);
    free(r->client);
    fixture_teardown((void **)&r->f);
    free(r);
    return 0;
}

/* ---- the gate -------------------------------------------------------------------------------- */

/*
 * Every route by every role: who gets in. 1 << n of admin, jm, bb, contact, auditor,
 * partner, host, client (of jm). */
static void each_route_by_each_role(void **state)
{
    enum { A = 1, J = 2, B = 4, C = 8, U = 16, P = 32, H = 64, L = 128 };
    enum { R = 31, V = R | L, ALL = 255 };
    static const struct {
        const char *method, *path, *body;
        unsigned may;   /* not 401 or 403 */
        unsigned finds; /* of those: not 404 */
    } cases[] = {
        { "GET", "/api/v1/me", NULL, ALL, ALL },
        { "GET", "/api/v1/states", NULL, V, V },
        { "GET", "/api/v1/stats", NULL, V, V },
        { "GET", "/api/v1/incidents", NULL, V, V },
        { "GET", "/api/v1/incidents/jm-1", NULL, V, V & ~B },
        { "GET", "/api/v1/incidents/jm-1/alerts", NULL, R, R & ~B },
        { "GET", "/api/v1/incidents/jm-999", NULL, V, 0 },
        { "GET", "/api/v1/incidents/xx-1", NULL, V, 0 },
        { "POST", "/api/v1/incidents/jm-1:note", "{\"text\":\"\"}", A | J | B | C, A | J | C },
        { "POST", "/api/v1/incidents/jm-1:claim", "[]", A | J | B, A | J },
        { "POST", "/api/v1/incidents/jm-1:release", "{}", A | J | B, A | J },
        { "POST", "/api/v1/incidents/jm-1:wait", "{}", A | J | B, A | J },
        { "POST", "/api/v1/incidents/jm-1:transition", "{\"to\":\"closed\"}", A | J | B, A | J },
        { "POST", "/api/v1/incidents:bulk", "{}", A | J | B, A | J | B },
        { "GET", "/api/v1/sensors", NULL, R | H, R | H },
        { "GET", "/api/v1/sensors/none", NULL, R | H, 0 },
        { "POST", "/api/v1/sensors", "{}", A, A },
        { "POST", "/api/v1/sensors/none:approve", "{\"fingerprint\":\"00\"}", A, 0 },
        { "POST", "/api/v1/sensors/none:revoke", "{\"reason\":\"r\"}", A, 0 },
        { "GET", "/api/v1/feeds", NULL, R | P, R | P },
        { "POST", "/api/v1/feeds", "{}", A, A },
        { "POST", "/api/v1/feeds/none/versions", "x", A | P, A },
        { "GET", "/api/v1/users", NULL, A, A },
        { "POST", "/api/v1/users", "{}", A, A },
        { "PATCH", "/api/v1/users/none", "{\"name\":\"n\"}", A, 0 },
        { "DELETE", "/api/v1/users/none", NULL, A, 0 },
        { "GET", "/metrics", NULL, A | U, A | U },
    };
    struct rig *r = *state;
    const char *tokens[] = { r->admin,   r->jm,      r->bb,   r->contact,
                             r->auditor, r->partner, r->host, r->client };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ask(r, cases[i].method, cases[i].path, cases[i].body, NULL, NULL), 401);
        for (unsigned who = 0; who < sizeof tokens / sizeof *tokens; who++) {
            long status = as(r, tokens[who], cases[i].method, cases[i].path, cases[i].body);
            bool in = status != 401 && status != 403, found = in && status != 404;
            if (in != !!(cases[i].may & 1u << who) || found != !!(cases[i].finds & 1u << who))
                fail_msg("%s %s as %u: %ld", cases[i].method, cases[i].path, who, status);
            if (status >= 500)
                fail_msg("%s %s as %u: %ld %s", cases[i].method, cases[i].path, who, status,
                         buf_str(&r->body));
        }
    }
}

/* A session is told what it may read, and nothing that it may not. */
static void a_session_knows_its_resources(void **state)
{
    struct rig *r = *state;
    assert_int_equal(as(r, r->admin, "GET", "/api/v1/me", NULL), 200);
    assert_true(says(r, "\"incidents\"") && says(r, "\"sensors\"") && says(r, "\"users\""));
    assert_int_equal(as(r, r->jm, "GET", "/api/v1/me", NULL), 200);
    assert_true(says(r, "\"incidents\"") && says(r, "\"sensors\"") && !says(r, "\"users\""));
}

/* Appendix B of RFC 6238, its last six digits; base32 of "12345678901234567890". */
static void codes_are_those_of_the_rfc(void **state)
{
    static const char secret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    char fresh[TOTP_SECRET_TEXT];
    (void)state;
    assert_int_equal(totp_code(secret, 59 / 30), 287082);
    assert_int_equal(totp_code(secret, 1111111109 / 30), 81804);
    assert_int_equal(totp_code(secret, 20000000000 / 30), 353130);
    assert_int_equal(totp_step(secret, "287082", 59), 1);
    assert_int_equal(totp_step(secret, "287082", 89), 1);
    assert_int_equal(totp_step(secret, "287082", 120), 0);
    assert_int_equal(totp_step(secret, "28708", 59), 0);
    assert_int_equal(totp_code("short", 1), -1);
    assert_int_equal(totp_code("1EZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 1), -1);
    totp_secret(fresh);
    assert_int_equal(strlen(fresh), 32);
    assert_true(totp_code(fresh, 1) >= 0);
}

/* The gate refuses a route without a rule; no route shall need that. */
static void every_route_has_one_scope_rule(void **state)
{
    struct rig *r = *state;
    struct session own = { .scope = 1, .role = ROLE_NATIONAL };
    for (size_t t = 0; t < r->listener.table_count; t++)
        for (size_t i = 0; i < r->tables[t].count; i++) {
            const struct http_route *route = &r->tables[t].routes[i];
            uint32_t rule = route->roles & SCOPE_RULES;
            bool open = rule == SCOPE_NONE;
            if (!rule || rule & (rule - 1) || open == !!(route->roles & ROLE_ALL))
                fail_msg("%s: roles %x", route->pattern, route->roles);
            if (rule == SCOPE_ID && !strstr(route->pattern, "{id}"))
                fail_msg("%s has no {id}", route->pattern);
        }
    assert_int_equal(auth_in_scope(&own, ROLE_NATIONAL, NULL, NULL), ABENG_EINVAL);
    assert_int_equal(auth_in_scope(&own, SCOPE_ID, "ag-1", NULL), 1);
    assert_int_equal(auth_in_scope(&own, SCOPE_ID, "jm-1", NULL), 0);
    assert_int_equal(auth_in_scope(&own, SCOPE_ID, "", NULL), 0);
    assert_int_equal(auth_in_scope(&own, SCOPE_STATE, NULL, "ag"), 1);
    assert_int_equal(auth_in_scope(&own, SCOPE_STATE, NULL, "ag-1"), 0);
    assert_int_equal(auth_in_scope(&own, SCOPE_STATE, NULL, NULL), 0);
}

/* What the store itself refuses: another state's keys, and changing what all share. */
static void a_state_s_connection_reaches_its_keys_only(void **state)
{
    struct rig *r = *state;
    struct session jan = { .states = "jm" };
    struct store_reply *reply;
    jan.scope = auth_scope("jm");
    struct store_conn *c = auth_conn(r->auth, &jan, "jm");
    assert_int_equal(store_command(c, &reply, "HGET {jm}:inc:1 status"), 0);
    assert_false(store_reply_nil(reply));
    store_reply_free(reply);
    static const char *const refused[] = { "HGET {bb}:inc:1 status",
                                           "GET {rg}:schema",
                                           "FUNCTION FLUSH",
                                           "EVAL return 0",
                                           "KEYS *",
                                           "RANDOMKEY",
                                           "SCAN 0",
                                           "FLUSHALL",
                                           "CONFIG GET *",
                                           "ACL LIST" };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int err = store_command(c, &reply, refused[i]);
        if (!err || !strstr(store_reply_text(reply, NULL), "no permissions"))
            fail_msg("%s: %d %s", refused[i], err, store_reply_text(reply, NULL));
        store_reply_free(reply);
    }
    /* A handler that would ask for another state gets this session's own user all the same. */
    c = auth_conn(r->auth, &jan, "bb");
    assert_int_not_equal(store_command(c, &reply, "HGET {bb}:inc:1 status"), 0);
    store_reply_free(reply);
}

static void foreign_and_unknown_answer_alike(void **state)
{
    struct rig *r = *state;
    assert_int_equal(as(r, r->bb, "GET", "/api/v1/incidents/jm-1", NULL), 404);
    char *foreign = strdup(buf_str(&r->body));
    assert_int_equal(as(r, r->bb, "GET", "/api/v1/incidents/jm-999999", NULL), 404);
    assert_string_equal(foreign, buf_str(&r->body));
    free(foreign);
    assert_int_equal(as(r, r->bb, "GET", "/api/v1/incidents?state=jm", NULL), 200);
    assert_true(says(r, "\"total\":0"));
    assert_int_equal(as(r, r->bb, "GET", "/api/v1/incidents?q=state:jm", NULL), 200);
    assert_true(says(r, "\"total\":0"));
    assert_int_equal(as(r, r->bb, "GET", "/api/v1/stats", NULL), 200);
    assert_true(says(r, "\"alerts_total\":0"));
    assert_false(says(r, "\"jm\""));
    assert_int_equal(
        as(r, r->bb, "POST", "/api/v1/incidents:bulk", "{\"ids\":[\"jm-1\"],\"verb\":\"claim\"}"),
        200);
    assert_true(says(r, "\"status\":404"));
    assert_int_equal(as(r, r->jm, "GET", "/api/v1/incidents", NULL), 200);
    assert_true(says(r, "\"total\":3"));
}

static void cookies_need_the_csrf_token(void **state)
{
    struct rig *r = *state;
    char cookie[128], csrf[128] = "X-Abeng-CSRF: ";
    char *token = login(r, "jan");
    assert_non_null(strstr(r->headers, "HttpOnly; Secure; SameSite=Strict"));
    snprintf(cookie, sizeof cookie, "Cookie: abeng_session=%s", token);
    assert_int_equal(ask(r, "GET", "/api/v1/me", NULL, cookie, NULL), 200);
    json_t *me = json_loads(buf_str(&r->body), 0, NULL);
    strcat(csrf, json_string_value(json_object_get(me, "csrf")));
    json_decref(me);
    assert_int_equal(
        ask(r, "POST", "/api/v1/incidents/jm-2:note", "{\"text\":\"x\"}", cookie, NULL), 403);
    assert_true(says(r, "\"rule\":\"csrf\""));
    assert_int_equal(ask(r, "POST", "/api/v1/incidents/jm-2:note", "{\"text\":\"x\"}", cookie,
                         "X-Abeng-CSRF: no"),
                     403);
    assert_int_equal(
        ask(r, "POST", "/api/v1/incidents/jm-2:note", "{\"text\":\"x\"}", cookie, csrf), 200);
    assert_int_equal(ask(r, "DELETE", "/api/v1/session", NULL, cookie, csrf), 204);
    assert_int_equal(ask(r, "GET", "/api/v1/me", NULL, cookie, NULL), 401);
    free(token);
}

static void bad_logins_have_to_wait(void **state)
{
    struct rig *r = *state;
    static const char wrong[] = "{\"user\":\"mallory\",\"password\":\"guess guess\"}";
    for (int i = 0; i < AUTH_TRIES; i++)
        assert_int_equal(ask(r, "POST", "/api/v1/session", wrong, NULL, NULL), 401);
    assert_int_equal(ask(r, "POST", "/api/v1/session", wrong, NULL, NULL), 429);
    assert_non_null(strstr(r->headers, "Retry-After: "));
    free(login(r, "jan"));
    assert_int_equal(ask(r, "POST", "/api/v1/session", "{\"user\":1}", NULL, NULL), 400);
    assert_int_equal(ask(r, "POST", "/api/v1/session", "{", NULL, NULL), 400);
    assert_int_equal(ask(r, "POST", "/api/v1/session",
                         "{\"user\":\"{rg}:user:ada\",\"password\":\"x\"}", NULL, NULL),
                     401);
}

static void a_changed_user_is_logged_out(void **state)
{
    struct rig *r = *state;
    char *token = make_user(r, "tmp", "regional", "*");
    assert_int_equal(as(r, token, "GET", "/api/v1/me", NULL), 200);
    assert_int_equal(as(r, r->admin, "PATCH", "/api/v1/users/tmp",
                        "{\"role\":\"national\",\"states\":[\"bb\"]}"),
                     200);
    assert_int_equal(as(r, token, "GET", "/api/v1/me", NULL), 401);
    assert_int_equal(as(r, r->admin, "PATCH", "/api/v1/users/tmp", "{\"states\":[\"zz\"]}"), 400);
    assert_int_equal(as(r, r->admin, "PATCH", "/api/v1/users/tmp", "{\"password\":\"short\"}"),
                     422);
    assert_int_equal(as(r, r->admin, "DELETE", "/api/v1/users/ada", NULL), 409);
    assert_int_equal(as(r, r->admin, "DELETE", "/api/v1/users/tmp", NULL), 204);
    free(token);
}

/* ---- incidents ------------------------------------------------------------------------------- */

static void an_incident_shows_all_it_has(void **state)
{
    static const char *const members[] = {
        "id",         "version",       "state",     "status",      "tier",        "likelihood",
        "impact",     "rsit",          "title",     "victim",      "victim_role", "peer",
        "direction",  "stages",        "count",     "signals",     "sensors",     "feeds",
        "first_seen", "last_seen",     "opened_at", "deadline",    "clock",       "claimed_by",
        "claimed_at", "waiting_until", "reasons",   "states_seen", "last_note",   "spark",
        "factors",    "formula",       "outcome",   "reason",      "tlp",         "signal_list",
        "timeline",   "notes",         "allowed"
    };
    struct rig *r = *state;
    assert_int_equal(as(r, r->jm, "GET", "/api/v1/incidents/jm-1", NULL), 200);
    assert_non_null(strstr(r->headers, "ETag: \""));
    json_t *in = json_loads(buf_str(&r->body), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(in);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!json_object_get(in, members[i]))
            fail_msg("no %s", members[i]);
    assert_int_equal(json_integer_value(json_object_get(in, "count")), 4);
    assert_int_equal(json_array_size(json_object_get(in, "signal_list")), 1);
    assert_int_equal(json_array_size(json_object_get(in, "spark")), 24);
    json_decref(in);
    assert_int_equal(as(r, r->jm, "GET", "/api/v1/incidents/jm-1/alerts?limit=3", NULL), 200);
    json_t *alerts = json_loads(buf_str(&r->body), 0, NULL);
    assert_int_equal(json_array_size(json_object_get(alerts, "items")), 3);
    json_decref(alerts);
}

static void decisions_over_http(void **state)
{
    struct rig *r = *state;
    char bearer[128], match[64];
    snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", r->jm);
    assert_int_equal(as(r, r->jm, "GET", "/api/v1/incidents/jm-3", NULL), 200);
    json_t *in = json_loads(buf_str(&r->body), 0, NULL);
    snprintf(match, sizeof match, "If-Match: \"%lld\"",
             (long long)json_integer_value(json_object_get(in, "version")));
    json_decref(in);
    assert_int_equal(ask(r, "POST", "/api/v1/incidents/jm-3:claim", "{}", bearer, match), 200);
    assert_true(says(r, "\"claimed_by\":\"jan\""));
    assert_int_equal(
        ask(r, "POST", "/api/v1/incidents/jm-3:note", "{\"text\":\"late\"}", bearer, match), 412);
    assert_int_equal(
        ask(r, "POST", "/api/v1/incidents/jm-3:note", "{\"text\":\"x\"}", bearer, "If-Match: 7"),
        400);
    assert_int_equal(as(r, r->admin, "POST", "/api/v1/incidents/jm-3:claim", "{}"), 409);
    assert_int_equal(
        as(r, r->jm, "POST", "/api/v1/incidents/jm-3:transition", "{\"to\":\"closed\"}"), 409);
    assert_true(says(r, "\"rule\":\"transition\""));
    assert_int_equal(
        as(r, r->jm, "POST", "/api/v1/incidents/jm-3:transition", "{\"to\":\"confirmed\"}"), 422);
    assert_int_equal(
        as(r, r->jm, "POST", "/api/v1/incidents/jm-3:transition", "{\"to\":\"sideways\"}"), 400);
    assert_int_equal(
        as(r, r->jm, "POST", "/api/v1/incidents/jm-3:transition",
           "{\"to\":\"confirmed\",\"tlp\":\"amber\",\"rsit\":{\"class\":\"intrusions\",\"type\":"
           "\"system-compromise\"},\"victim\":\"mail.example.org\"}"),
        200);
    assert_true(says(r, "\"type\":\"system-compromise\"") &&
                says(r, "\"victim\":\"mail.example.org\""));
    char *big = malloc(70000);
    memset(big, 'x', 69999);
    memcpy(big, "{\"text\":\"", 9);
    memcpy(big + 9000, "\"}", 3);
    assert_int_equal(as(r, r->jm, "POST", "/api/v1/incidents/jm-3:note", big), 422);
    memset(big + 9000, 'x', 60999);
    big[69999] = '\0';
    assert_int_equal(as(r, r->jm, "POST", "/api/v1/incidents/jm-3:note", big), 413);
    free(big);
    assert_int_equal(as(r, r->jm, "POST", "/api/v1/incidents/jm-3:note",
                        "{\"text\":\"<script>\\u001b[31m\\u202e\"}"),
                     200);
    assert_int_equal(as(r, r->jm, "GET", "/api/v1/incidents/jm-3", NULL), 200);
    assert_true(says(r, "\\u001b[31m"));
    assert_int_equal(
        as(r, r->jm, "POST", "/api/v1/incidents/jm-3:note", "{\"text\":\"a\\u0000b\"}"), 400);
}

static void sent_twice_is_done_once(void **state)
{
    struct rig *r = *state;
    static const char note[] = "{\"text\":\"only once\"}";
    char bearer[128];
    snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", r->jm);
    const char *path = "/api/v1/incidents/jm-2:note", *key = "Idempotency-Key: k-1";
    assert_int_equal(ask(r, "POST", path, note, bearer, key), 200);
    char *first = strdup(buf_str(&r->body));
    assert_null(strstr(r->headers, "Idempotency-Replayed"));
    assert_int_equal(ask(r, "POST", path, note, bearer, key), 200);
    assert_string_equal(buf_str(&r->body), first);
    assert_non_null(strstr(r->headers, "Idempotency-Replayed: true"));
    assert_non_null(strstr(r->headers, "ETag: \""));
    free(first);
    assert_int_equal(as(r, r->jm, "GET", "/api/v1/incidents/jm-2", NULL), 200);
    const char *once = strstr(buf_str(&r->body), "\"notes\":[");
    assert_non_null(once = strstr(once, "only once"));
    assert_null(strstr(once + 1, "only once"));
    /* Another request under the key is none of this; another user's key is another key. */
    assert_int_equal(ask(r, "POST", path, "{\"text\":\"other\"}", bearer, key), 422);
    assert_true(says(r, "idempotency.reuse"));
    snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", r->admin);
    assert_int_equal(ask(r, "POST", path, "{\"text\":\"other\"}", bearer, key), 200);
    assert_null(strstr(r->headers, "Idempotency-Replayed"));
    /* What was refused may be tried again under the same key. */
    key = "Idempotency-Key: k-2";
    assert_int_equal(ask(r, "POST", path, "{\"text\":\"\"}", bearer, key), 422);
    assert_int_equal(ask(r, "POST", path, note, bearer, key), 200);
    assert_int_equal(ask(r, "POST", path, note, bearer, "Idempotency-Key: a b"), 400);
    /* A secret is in no store. */
    key = "Idempotency-Key: k-3";
    path = "/api/v1/users/cli:token";
    assert_int_equal(ask(r, "POST", path, "{}", bearer, key), 200);
    assert_int_equal(ask(r, "POST", path, "{}", bearer, key), 409);
    assert_true(says(r, "idempotency.kept"));
}

static void wrong_queries_are_named(void **state)
{
    static const char *const wrong[] = { "limit=0", "limit=501",  "limit=x",  "after=zz",
                                         "tier=7",  "status=odd", "q=tier:9", "state=zz" };
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char path[128];
        snprintf(path, sizeof path, "/api/v1/incidents?%s", wrong[i]);
        assert_int_equal(as(r, r->jm, "GET", path, NULL), 400);
        assert_non_null(strstr(r->headers, "application/problem+json"));
    }
}

/* ---- streams --------------------------------------------------------------------------------- */

struct listener {
    struct rig *r;
    struct buf got;
    bool asked;
};

/* On the first bytes nothing has happened yet: do something that the stream must tell. */
static size_t listen_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct listener *l = arg;
    buf_add(&l->got, bytes, size * count);
    return strstr(buf_str(&l->got), "event: incident") ? 0 : size * count;
}

static int tick(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct listener *l = arg;
    (void)a, (void)b, (void)c, (void)d;
    if (!l->asked)
        alerts_put_beacons(l->r->f->store, 3, 1);
    l->asked = true;
    return 0;
}

static void listen_as(struct rig *r, const char *token, struct listener *l)
{
    char url[128], bearer[128];
    CURL *c = curl_easy_init();
    struct curl_slist *headers = NULL;
    snprintf(url, sizeof url, "%s/api/v1/stream", r->base);
    snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", token);
    headers = curl_slist_append(headers, bearer);
    headers = curl_slist_append(headers, "Last-Event-ID: of-another-life");
    buf_init(&l->got, 1 << 20);
    l->r = r;
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, listen_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, l);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, tick);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, l);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 3000L);
    curl_easy_perform(c);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
}

static void a_stream_tells_own_states_only(void **state)
{
    struct rig *r = *state;
    struct listener mine = { .asked = false }, other = { .asked = false };
    listen_as(r, r->jm, &mine);
    assert_non_null(strstr(buf_str(&mine.got), "event: reset"));
    assert_non_null(strstr(buf_str(&mine.got), "event: incident"));
    assert_non_null(strstr(buf_str(&mine.got), "\"state\":\"jm\""));
    listen_as(r, r->bb, &other);
    assert_null(strstr(buf_str(&other.got), "event: incident"));
    buf_free(&mine.got);
    buf_free(&other.got);
}

/* ---- the host's administrator, and terminals ------------------------------------------------- */

static void the_host_has_a_token_of_its_own(void **state)
{
    struct rig *r = *state;
    char path[128], password[24];
    struct buf first, second;
    buf_init(&first, 256);
    buf_init(&second, 256);
    assert_int_equal(auth_first_admin(r->auth, password), 0);
    snprintf(path, sizeof path, "%s/admin.token", r->f->dir);
    assert_int_equal(auth_local_token(r->auth, path), 0);
    assert_int_equal(file_read(path, &first), 0);
    first.data[first.len - 1] = '\0';
    assert_int_equal(as(r, (const char *)first.data, "GET", "/api/v1/users", NULL), 200);
    assert_int_equal(auth_local_token(r->auth, path), 0);
    assert_int_equal(as(r, (const char *)first.data, "GET", "/api/v1/users", NULL), 401);
    buf_free(&first);
    buf_free(&second);
}

static void terminals_are_safe_from_texts(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "plain", "plain" },
        { "\x1b[31mred\r\n", "\\x1b[31mred\\x0d\\x0a" },
        { "a\xff\xc3\xa9", "a\\xff\xc3\xa9" },
        { "evil\xe2\x80\xaetxt", "evil\\u202etxt" },
        { "\xc2\x9b", "\\x9b" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 256);
        print_safe(&b, cases[i].in, 0);
        assert_string_equal(buf_str(&b), cases[i].out);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_route_by_each_role),
        cmocka_unit_test(a_session_knows_its_resources),
        cmocka_unit_test(codes_are_those_of_the_rfc),
        cmocka_unit_test(every_route_has_one_scope_rule),
        cmocka_unit_test(a_state_s_connection_reaches_its_keys_only),
        cmocka_unit_test(foreign_and_unknown_answer_alike),
        cmocka_unit_test(cookies_need_the_csrf_token),
        cmocka_unit_test(bad_logins_have_to_wait),
        cmocka_unit_test(a_changed_user_is_logged_out),
        cmocka_unit_test(an_incident_shows_all_it_has),
        cmocka_unit_test(decisions_over_http),
        cmocka_unit_test(sent_twice_is_done_once),
        cmocka_unit_test(wrong_queries_are_named),
        cmocka_unit_test(a_stream_tells_own_states_only),
        cmocka_unit_test(the_host_has_a_token_of_its_own),
        cmocka_unit_test(terminals_are_safe_from_texts),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, setup, teardown);
    curl_global_cleanup();
    return failed;
}
