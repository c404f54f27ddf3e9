/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register as the API shows it: what we know, what the sensor says, and the account of its
 * records.
 */
#include "config.h"
#include "collector/ingest/sensors.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ingest/register.h"
#include "collector/store/keys.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"

struct account {
    uint64_t received;
    uint64_t lost; /* missing, what was shed with it */
    uint64_t shed;
    uint64_t late;
    uint64_t last_ms, test_ms;
    char epoch[33];
};

static const char *field(const struct store_reply *hash, const char *name)
{
    return store_reply_text(store_reply_field(hash, name), NULL);
}

static uint64_t field_number(const struct store_reply *hash, const char *name)
{
    int64_t n = store_reply_int(store_reply_field(hash, name));
    return n < 0 ? 0 : (uint64_t)n;
}

/* Numbers and texts of the report that pass through; anything else of it stays out. */
static void write_report(struct json *out, const json_t *report)
{
    static const char *const numbers[] = { "packets", "bytes" };
    static const char *const texts[] = { "ruleset", "version" };
    static const char *const objects[] = { "drops", "channel_versions" };

    for (size_t i = 0; i < 2; i++) {
        json_int_t n = json_integer_value(json_object_get(report, numbers[i]));
        json_u64(out, numbers[i], n > 0 ? (uint64_t)n : 0);
    }
    for (size_t i = 0; i < 2; i++) {
        const char *text = json_string_value(json_object_get(report, texts[i]));
        json_str(out, texts[i], text);
    }
    for (size_t i = 0; i < 2; i++) {
        const char *key;
        json_t *value;
        json_open(out, objects[i]);
        json_object_foreach(json_object_get(report, objects[i]), key, value)
        {
            if (json_is_integer(value) && json_integer_value(value) >= 0)
                json_u64(out, key, (uint64_t)json_integer_value(value));
        }
        json_close(out);
    }
}

/* Since when the sensor has packets of alerts; null when it keeps none, or says what can't be. */
static void write_evidence_since(struct json *out, const json_t *report)
{
    json_int_t ms = json_integer_value(json_object_get(report, "evidence_since_ms"));
    bool can_be = ms > 0 && (uint64_t)ms <= clock_now(clock_system()) / NS_PER_MS;
    json_time_ms(out, "evidence_since", can_be ? (uint64_t)ms : 0);
}

static uint64_t raised_of(const json_t *report, const char *lane)
{
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(report, "lanes"), i, item)
    {
        const char *name = json_string_value(json_object_get(item, "lane"));
        if (name && strcmp(name, lane) == 0) {
            json_int_t n = json_integer_value(json_object_get(item, "raised"));
            return n > 0 ? (uint64_t)n : 0;
        }
    }
    return 0;
}

/* Lanes of the epoch that wrote last; returns the sum of numbers raised. */
static uint64_t write_lanes(struct json *out, const struct store_reply *positions,
                            const char *epoch, const json_t *report)
{
    uint64_t sum = 0;

    for (size_t i = 0; i + 1 < store_reply_count(positions); i += 2) {
        const char *name = store_reply_text(store_reply_at(positions, i), NULL);
        const char *lane = strchr(name, ' ');
        if (!lane || strncmp(name, epoch, (size_t)(lane - name)) != 0)
            continue;
        uint64_t committed = (uint64_t)store_reply_int(store_reply_at(positions, i + 1));
        uint64_t raised = raised_of(report, ++lane);
        raised = raised > committed ? raised : committed;
        sum += raised - committed;
        json_open(out, NULL);
        json_str(out, "lane", lane);
        json_u64(out, "committed", committed);
        json_u64(out, "raised", raised);
        json_close(out);
    }
    return sum;
}

static int add_state(struct sensors *s, const char *state, const char *id, struct json *out,
                     const json_t *report, struct account *a, uint64_t *waiting)
{
    struct store_conn *c = store_conn(s->conf.store, NULL);
    struct store_key ledger = store_key(state, "ledger:%s", id),
                     pos = store_key(state, "pos:%s", id);
    struct store_reply *l = NULL, *p = NULL;

    int err = store_command(c, &l, "HGETALL %s", ledger.text);
    if (!err)
        err = store_command(c, &p, "HGETALL %s", pos.text);
    if (!err) {
        a->received += field_number(l, "received");
        a->lost += field_number(l, "lost");
        a->shed += field_number(l, "shed");
        a->late += field_number(l, "late");
        uint64_t test = field_number(l, "self_test_ms");
        a->test_ms = test > a->test_ms ? test : a->test_ms;
        if (field_number(l, "last_alert_ms") >= a->last_ms) {
            a->last_ms = field_number(l, "last_alert_ms");
            snprintf(a->epoch, sizeof(a->epoch), "%s", field(l, "epoch"));
        }
        *waiting += write_lanes(out, p, field(l, "epoch"), report);
    }
    store_reply_free(l);
    store_reply_free(p);
    return err;
}

static bool sees(const char *scope, const char *state)
{
    return strcmp(scope, "*") == 0 || ca_states_have(scope, state);
}

/* Of a sensor's states, those that the scope may know of. */
static void write_states(struct json *out, const char *scope, const char *states)
{
    char copy[CA_STATES_MAX];

    snprintf(copy, sizeof(copy), "%s", states);
    json_open_array(out, "states");
    for (char *save, *state = strtok_r(copy, ",", &save); state;
         state = strtok_r(NULL, ",", &save)) {
        if (sees(scope, state))
            json_str(out, NULL, state);
    }
    json_close_array(out);
}

static void write_head(struct json *out, const char *scope, const struct store_reply *hash)
{
    json_str(out, "id", field(hash, "id"));
    json_str(out, "name", field(hash, "name"));
    json_str(out, "site", field(hash, "site"));
    write_states(out, scope, field(hash, "states"));
    json_str(out, "status", field(hash, "status"));
    /* Until there is a certificate, what a person compares is the key. */
    const char *print = field(hash, "fingerprint");
    json_str(out, "fingerprint", *print ? print : field(hash, "key"));
    json_time_ms(out, "last_seen", field_number(hash, "seen_ms"));
    json_time_ms(out, "cert_expires", field_number(hash, "cert_expires_ms"));
    json_i64(out, "clock_offset_ms", store_reply_int(store_reply_field(hash, "clock_offset_ms")));
}

static int write_one(struct sensors *s, const char *scope, const char *id,
                     const struct store_reply *hash, struct json *out)
{
    struct account a = { 0 };
    uint64_t waiting = 0;
    size_t len;
    const char *text = store_reply_text(store_reply_field(hash, "health"), &len);
    json_t *report = json_loadb(text, len, 0, NULL);
    char states[CA_STATES_MAX];
    int err = ABENG_OK;

    snprintf(states, sizeof(states), "%s", field(hash, "states"));
    json_open(out, NULL);
    write_head(out, scope, hash);
    write_report(out, report);
    write_evidence_since(out, report);
    json_open_array(out, "lanes");
    for (char *save, *state = strtok_r(states, ",", &save); state && !err;
         state = strtok_r(NULL, ",", &save))
        if (sees(scope, state))
            err = add_state(s, state, id, out, report, &a, &waiting);
    json_close_array(out);
    json_str(out, "epoch", *a.epoch ? a.epoch : NULL);
    json_time_ms(out, "last_alert", a.last_ms);
    json_time_ms(out, "last_self_test", a.test_ms);
    json_u64(out, "received", a.received);
    json_u64(out, "raised", a.received + a.lost + waiting);
    json_u64(out, "lost", a.lost > a.shed ? a.lost - a.shed : 0);
    json_u64(out, "shed", a.shed);
    json_u64(out, "late", a.late);
    json_close(out);
    json_decref(report);
    return err;
}

bool sensors_in_scope(const char *scope, const char *states)
{
    char copy[CA_STATES_MAX];

    if (strcmp(scope, "*") == 0)
        return true;
    snprintf(copy, sizeof(copy), "%s", states);
    for (char *save, *state = strtok_r(copy, ",", &save); state;
         state = strtok_r(NULL, ",", &save)) {
        if (ca_states_have(scope, state))
            return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct store_reply *const *x = a, *const *y = b;
    return strcmp(store_reply_text(*x, NULL), store_reply_text(*y, NULL));
}

int sensors_write_json(struct sensors *s, const char *scope, const char *only, struct json *out)
{
    struct store_conn *c = store_conn(s->conf.store, NULL);
    struct store_key all = store_key(STORE_REGION, "sensors");
    struct store_reply *ids, *hash;

    int err = store_command(c, &ids, "SMEMBERS %s", all.text);
    size_t count = store_reply_count(ids);
    const struct store_reply **sorted = calloc(count + 1, sizeof(const struct store_reply *));
    if (!sorted)
        err = ABENG_ENOMEM;
    for (size_t i = 0; i < count && !err; i++)
        sorted[i] = store_reply_at(ids, i);
    if (!err)
        qsort(sorted, count, sizeof(const struct store_reply *), by_name);
    for (size_t i = 0; i < count && !err; i++) {
        const char *id = store_reply_text(sorted[i], NULL);
        struct store_key key = store_key(STORE_REGION, "sensor:%s", id);
        err = store_command(c, &hash, "HGETALL %s", key.text);
        if (!err && sensors_in_scope(scope, field(hash, "states")) &&
            (!only || ca_states_have(only, id)))
            err = write_one(s, scope, id, hash, out);
        store_reply_free(hash);
    }
    free(sorted);
    store_reply_free(ids);
    return err;
}

/* Those of `states` that `scope` has. */
static void meet(const char *scope, const char *states, char out[CA_STATES_MAX])
{
    char copy[CA_STATES_MAX];
    size_t len = 0;

    snprintf(copy, sizeof(copy), "%s", states);
    out[0] = '\0';
    for (char *save, *state = strtok_r(copy, ",", &save); state;
         state = strtok_r(NULL, ",", &save)) {
        if (sensors_in_scope(scope, state))
            len += (size_t)snprintf(out + len, CA_STATES_MAX - len, "%s%s", len ? "," : "", state);
    }
}

int sensors_states(struct sensors *s, const char *id, const char *scope, char out[CA_STATES_MAX],
                   int64_t *offset_ms)
{
    struct store_reply *r;

    *out = '\0';
    if (strlen(id) >= CA_ID_MAX)
        return ABENG_ENOENT;
    struct store_key key = store_key(STORE_REGION, "sensor:%s", id);
    int err = store_command(store_conn(s->conf.store, NULL), &r, "HMGET %s states clock_offset_ms",
                            key.text);
    if (!err)
        meet(scope, store_reply_text(store_reply_at(r, 0), NULL), out);
    *offset_ms = store_reply_int(store_reply_at(r, 1));
    store_reply_free(r);
    if (err)
        return err;
    return *out ? ABENG_OK : ABENG_ENOENT;
}
