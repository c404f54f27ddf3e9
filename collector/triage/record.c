/* SPDX-License-Identifier: Apache-2.0 */
/* Records in the store. */
#include "config.h"
#include "collector/triage/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/state.h"

/** Records read in one pipeline; keys and arguments of abeng_record_put. */
#define WALK_BURST 128
#define PUT_KEYS   10
#define PUT_ARGS   11

static const char *const words[RECORDS_KINDS] = { "contact", "constituent", "notice",
                                                  "countermeasure", "suppression" };

const char *record_word(enum record_kind_of kind)
{
    return words[kind];
}

void record_id(const struct record_doc *r, char out[MODEL_ID_MAX])
{
    snprintf(out, MODEL_ID_MAX, "%s-%llu", state_at(r->state)->code, (unsigned long long)r->number);
}

static struct store_key key_of(enum record_kind_of kind, unsigned state, uint64_t number)
{
    return store_key(state_at(state)->code, "%s:%llu", words[kind], (unsigned long long)number);
}

/* Take over what HMGET version doc gave. */
static int read_fields(const struct store_reply *fields, struct record_doc *out)
{
    size_t len;
    if (store_reply_nil(store_reply_at(fields, 0)))
        return ABENG_ENOENT;
    const char *text = store_reply_text(store_reply_at(fields, 1), &len);
    out->version = (uint64_t)store_reply_int(store_reply_at(fields, 0));
    out->doc = json_loadb(text, len, 0, NULL);
    if (json_is_object(out->doc))
        return 0;
    record_clear(out);
    return ABENG_EFORMAT;
}

int record_load(struct store_conn *c, enum record_kind_of kind, unsigned state, uint64_t number,
                struct record_doc *out)
{
    struct store_key key = key_of(kind, state, number);
    struct store_reply *r;
    *out = (struct record_doc){ .state = state, .number = number };
    int err = store_command(c, &r, "HMGET %s version doc", key.text);
    if (!err)
        err = read_fields(r, out);
    store_reply_free(r);
    return err;
}

void record_clear(struct record_doc *r)
{
    json_decref(r->doc);
    r->doc = NULL;
}

/* ---- changes --------------------------------------------------------------------------------- */

static int next_number(struct store_conn *c, enum record_kind_of kind, unsigned state,
                       uint64_t *number)
{
    struct store_key key = store_key(state_at(state)->code, "%s:last", words[kind]);
    struct store_reply *r;
    int err = store_command(c, &r, "INCR %s", key.text);
    *number = (uint64_t)store_reply_int(r);
    store_reply_free(r);
    return err ? err : *number > RECORD_COUNT_MAX ? ABENG_ELIMIT : 0;
}

static struct store_arg number_arg(char out[24], uint64_t n, bool empty_when_0)
{
    snprintf(out, 24, "%llu", (unsigned long long)n);
    return STORE_TEXT(n || !empty_when_0 ? out : "");
}

static struct store_arg text_arg(const char *text)
{
    return STORE_TEXT(text ? text : "");
}

static int put(struct store_conn *c, enum record_kind_of kind, const struct record_doc *r,
               const struct record_change *change, const char *doc, struct store_reply **reply)
{
    const char *state = state_at(r->state)->code;
    unsigned long long incident = change->incident;
    char number[24], version[24], now[24], due[24], of[24];
    struct store_key keys[PUT_KEYS] = {
        key_of(kind, r->state, r->number),
        store_key(state, "%s:all", words[kind]),
        store_key(state, "%s:last", words[kind]),
        store_key(state, "rtm"),
        store_key(state, "aud"),
        store_key(state, "chg"),
        store_key(state, "prec"),
        store_key(state, "inc:%llu", incident),
        store_key(state, "ev:%llu", incident),
        store_key(state, "precd"),
    };
    struct store_arg names[PUT_KEYS];
    for (size_t i = 0; i < PUT_KEYS; i++)
        names[i] = STORE_KEY(keys[i]);
    struct store_arg args[PUT_ARGS] = {
        STORE_TEXT(words[kind]),
        number_arg(number, r->number, false),
        number_arg(version, r->version, false),
        number_arg(now, change->now_ms, false),
        text_arg(change->who),
        text_arg(change->verb),
        text_arg(change->said),
        STORE_TEXT(doc),
        number_arg(due, change->due_ms, true),
        number_arg(of, change->incident, true),
        text_arg(change->outcome),
    };
    return store_call(c, "abeng_record_put", names, PUT_KEYS, args, PUT_ARGS, reply);
}

static int say(char *why, size_t why_len, int err, const char *text)
{
    snprintf(why, why_len, "%s", text);
    return err;
}

int record_save(struct store_conn *c, enum record_kind_of kind, struct record_doc *r,
                const struct record_change *change, char *why, size_t why_len)
{
    struct store_reply *reply = NULL;
    char *doc = change->remove ? NULL : json_dumps(r->doc, JSON_COMPACT | JSON_SORT_KEYS);
    int err = 0;
    say(why, why_len, 0, "");
    if (!change->remove && (!doc || strlen(doc) > RECORD_DOC_MAX))
        err = say(why, why_len, ABENG_ELIMIT, "it is longer than 256 KiB");
    if (!err && !r->number)
        err = next_number(c, kind, r->state, &r->number);
    if (!err)
        err = put(c, kind, r, change, doc ? doc : "", &reply);
    if (err == ABENG_ELIMIT && !*why)
        say(why, why_len, err, "there are too many of them");
    else if (err && !*why)
        say(why, why_len, err, store_reply_text(reply, NULL));
    if (!err)
        r->version = (uint64_t)store_reply_int(store_reply_at(reply, 1));
    store_reply_free(reply);
    free(doc);
    return err;
}

/* ---- many ------------------------------------------------------------------------------------ */

/* Read records ids[at..end) in one pipeline and hand them out; *more when `each` wants to go on. */
static int walk_burst(struct store_conn *c, enum record_kind_of kind, unsigned state,
                      const struct store_reply *ids, size_t at, size_t end, record_each_fn *each,
                      void *arg, bool *more)
{
    int err = 0;
    for (size_t i = at; i < end && !err; i++) {
        struct store_key key = store_key(state_at(state)->code, "%s:%s", words[kind],
                                         store_reply_text(store_reply_at(ids, i), NULL));
        err = store_command_later(c, "HMGET %s version doc", key.text);
    }
    for (size_t i = at; i < end && !err; i++) {
        struct record_doc r = { .state = state,
                                .number = (uint64_t)store_reply_int(store_reply_at(ids, i)) };
        struct store_reply *reply;
        err = store_collect(c, &reply);
        if (!err && *more && !read_fields(reply, &r))
            *more = each(arg, &r);
        record_clear(&r);
        store_reply_free(reply);
    }
    return err;
}

int record_walk(struct store_conn *c, enum record_kind_of kind, unsigned state, uint64_t below,
                record_each_fn *each, void *arg)
{
    struct store_key all = store_key(state_at(state)->code, "%s:all", words[kind]);
    struct store_reply *ids;
    bool more = true;
    int err = below ? store_command(c, &ids, "ZREVRANGEBYSCORE %s (%llu -inf", all.text,
                                    (unsigned long long)below)
                    : store_command(c, &ids, "ZREVRANGEBYSCORE %s +inf -inf", all.text);
    size_t count = store_reply_count(ids);
    for (size_t at = 0; at < count && !err && more; at += WALK_BURST)
        err = walk_burst(c, kind, state, ids, at, count - at < WALK_BURST ? count : at + WALK_BURST,
                         each, arg, &more);
    store_reply_free(ids);
    return err;
}

int record_due(struct store_conn *c, unsigned state, uint64_t now_ms, unsigned max,
               void (*each)(void *arg, enum record_kind_of kind, uint64_t number), void *arg)
{
    struct store_key key = store_key(state_at(state)->code, "rtm");
    struct store_reply *due;
    int err = store_command(c, &due, "ZRANGEBYSCORE %s -inf %llu LIMIT 0 %d", key.text,
                            (unsigned long long)now_ms, (int)max);
    for (size_t i = 0; i < store_reply_count(due) && !err; i++) {
        const char *member = store_reply_text(store_reply_at(due, i), NULL);
        size_t n = strcspn(member, ":");
        for (int kind = 0; kind < RECORDS_KINDS; kind++)
            if (strlen(words[kind]) == n && !strncmp(words[kind], member, n))
                each(arg, (enum record_kind_of)kind, strtoull(member + n + 1, NULL, 10));
    }
    store_reply_free(due);
    return err;
}

/* ---- members --------------------------------------------------------------------------------- */

const char *record_text(const struct record_doc *r, const char *key)
{
    const char *text = json_string_value(json_object_get(r->doc, key));
    return text ? text : "";
}

uint64_t record_time(const struct record_doc *r, const char *key)
{
    const char *text = record_text(r, key);
    uint64_t ns;
    return *text && !clock_parse(text, strlen(text), &ns) ? ns / NS_PER_MS : 0;
}

void record_set_time(struct record_doc *r, const char *key, uint64_t ms)
{
    char text[CLOCK_TEXT_MAX];
    clock_format_rfc3339(ms * NS_PER_MS, text);
    json_object_set_new(r->doc, key, ms ? json_string(text) : json_null());
}

void record_write(const struct record_doc *r, struct json *out)
{
    char id[MODEL_ID_MAX];
    const char *key;
    json_t *value;
    record_id(r, id);
    json_str(out, "id", id);
    json_u64(out, "version", r->version);
    json_str(out, "state", state_at(r->state)->code);
    json_object_foreach(r->doc, key, value)
    {
        char *text = *key == '_' ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text)
            json_raw(out, key, text, strlen(text));
        free(text);
    }
}
