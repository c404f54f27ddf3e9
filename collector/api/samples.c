/* SPDX-License-Identifier: Apache-2.0 */
/* /incidents/{id}/alerts, and what else asks for an incident's samples. */
#include "config.h"
#include "collector/api/samples.h"

#include <stdlib.h>
#include <string.h>

#include "collector/api/internal.h"
#include "collector/auth/audit.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/state.h"

/** Samples of one signal. */
#define OF_SIGNAL_MAX 8

static int newest_first(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return x->at > y->at ? -1 : x->at < y->at;
}

static uint64_t time_of(const char *text, size_t len)
{
    static const char key[] = "\"timestamp\":\"";
    const char *at = memmem(text, len, key, sizeof key - 1);
    const char *value = at ? at + sizeof key - 1 : NULL;
    const char *end = value ? memchr(value, '"', len - (size_t)(value - text)) : NULL;
    uint64_t ns;
    return end && !clock_parse(value, (size_t)(end - value), &ns) ? ns : 0;
}

/* Take in one signal's samples: slots and lines, flat. */
static void add_samples(const struct store_reply *r, struct samples *out)
{
    size_t room = SAMPLES_SIGNALS_MAX * OF_SIGNAL_MAX;
    for (size_t i = 1; i < store_reply_count(r) && out->count < room; i += 2) {
        struct sample *s = &out->list[out->count++];
        s->text = store_reply_text(store_reply_at(r, i), &s->len);
        s->at = time_of(s->text, s->len);
    }
}

static int ask(struct api *a, struct http_request *req, unsigned state, const char *id,
               struct samples *out)
{
    uint64_t numbers[SAMPLES_SIGNALS_MAX];
    const struct session *who = api_session(req);
    const char *code = state_at(state)->code;
    struct store_conn *c = auth_conn(a->conf.auth, who, code);
    out->signals = model_signals(a->conf.model, who->scope, id, numbers, SAMPLES_SIGNALS_MAX);
    int err = out->signals < 0 ? ABENG_ENOENT : ABENG_OK;
    for (int i = 0; i < out->signals && !err; i++) {
        struct store_key key = store_key(code, "smp:%llu", (unsigned long long)numbers[i]);
        err = store_command_later(c, "HGETALL %s", key.text);
    }
    for (int i = 0; i < out->signals && !err; i++) {
        err = store_collect(c, &out->replies[i]);
        add_samples(out->replies[i], out);
    }
    return err;
}

int samples_read(struct api *a, struct http_request *req, struct samples *out)
{
    const char *id = http_param(req, "id");
    unsigned state;
    uint64_t number;
    struct head head;
    memset(out, 0, sizeof *out);
    if (model_parse_id(id, &state, &number) ||
        model_head(a->conf.model, api_session(req)->scope, id, &head))
        return ABENG_ENOENT;
    out->list = calloc(SAMPLES_SIGNALS_MAX * OF_SIGNAL_MAX, sizeof *out->list);
    int err = out->list ? ask(a, req, state, id, out) : ABENG_EAGAIN;
    if (!err && out->count)
        qsort(out->list, out->count, sizeof *out->list, newest_first);
    return err;
}

void samples_free(struct samples *s)
{
    for (int i = 0; i < s->signals; i++)
        store_reply_free(s->replies[i]);
    free(s->list);
}

static void write_samples(const struct samples *s, size_t limit, struct http_request *req)
{
    struct json j;
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "items");
    for (size_t i = 0; i < s->count && i < limit; i++)
        json_raw(&j, NULL, s->list[i].text, s->list[i].len);
    json_close_array(&j);
    json_nil(&j, "next");
    json_u64(&j, "total", s->count);
    json_close(&j);
}

/* Records hold what went over the wire: who looks at them is in the state's own audit. */
static int audit_read(const struct api *a, struct http_request *req)
{
    const struct session *s = api_session(req);
    const char *id = http_param(req, "id");
    char state[3];
    snprintf(state, sizeof state, "%.2s", id);
    return audit_add(auth_conn(a->conf.auth, s, state), state, api_now(a), s->user, "alerts.read",
                     id, role_word(s->role));
}

static enum http_done alerts(struct http_request *req, void *app)
{
    struct samples s;
    long limit = http_query_number(req, "limit", 1, API_LIST_MAX, API_LIST_SIZE);
    if (limit < 0)
        return HTTP_DONE;
    int err = samples_read(app, req, &s);
    if (!err)
        err = audit_read(app, req);
    if (!err)
        write_samples(&s, (size_t)limit, req);
    samples_free(&s);
    return err == ABENG_ENOENT ? api_not_found(req)
           : err               ? api_away(req)
                               : http_reply(req, 200, NULL);
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/incidents/{id}/alerts", ROLE_READERS | SCOPE_ID, 0, alerts },
};

const struct routes api_sample_routes = { routes, sizeof routes / sizeof *routes };
