/* SPDX-License-Identifier: Apache-2.0 */
/* The register of sensors. */
#include "config.h"
#include "collector/ingest/sensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ingest/register.h"
#include "collector/store/keys.h"
#include "common/arena.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/state.h"
#include "common/token.h"
#include "common/xalloc.h"

#define CERT_DAYS   90u
#define NUMBER_TEXT 24

struct sensors *sensors_create(const struct sensors_conf *conf)
{
    struct sensors *s = xcalloc(1, sizeof(*s));
    s->conf = *conf;
    if (!s->conf.cert_days)
        s->conf.cert_days = CERT_DAYS;
    return s;
}

void sensors_free(struct sensors *s)
{
    free(s);
}

void sensors_attach(struct sensors *s, struct http_server *server)
{
    s->server = server;
}

const char *sensors_ca_pem(const struct sensors *s)
{
    return ca_cert_pem(s->conf.ca);
}

static uint64_t now_ms(void)
{
    return clock_now(clock_system()) / NS_PER_MS;
}

static struct store_arg number(char text[NUMBER_TEXT], uint64_t n)
{
    return STORE_BYTES(text, (size_t)snprintf(text, NUMBER_TEXT, "%llu", (unsigned long long)n));
}

static struct store_conn *conn_of(struct sensors *s)
{
    return store_conn(s->conf.store, NULL);
}

/* A call whose reply is only success or a reason. */
static int call(struct sensors *s, const char *name, const struct store_arg *keys, size_t key_count,
                const struct store_arg *args, size_t arg_count, char *why, size_t why_len)
{
    struct store_reply *r;
    int err = store_call(conn_of(s), name, keys, key_count, args, arg_count, &r);

    if (err)
        snprintf(why, why_len, "%s",
                 err == ABENG_EAGAIN ? "the store does not answer" : store_reply_text(r, NULL));
    store_reply_free(r);
    return err;
}

/* ---- who asks ----------------------------------------------------------------------------- */

static int is_revoked(struct sensors *s, const struct ca_identity *who)
{
    char text[CA_FINGERPRINT_TEXT];
    struct store_key key = store_key(STORE_REGION, "revoked");
    struct store_reply *r;

    ca_fingerprint_text(who->fingerprint, text);
    int err = store_command(conn_of(s), &r, "ZSCORE %s %s", key.text, text);
    if (!err && !store_reply_nil(r))
        err = ABENG_EDENIED;
    store_reply_free(r);
    return err;
}

static int refuse(struct http_request *req, unsigned status, const char *rule, const char *why)
{
    log_warn("ingest", "%s %s refused: %s", http_client(req), http_path(req), why);
    http_problem(req, status, rule, "%s", why);
    return ABENG_EDENIED;
}

int sensors_admit(void *arg, struct http_request *req, const struct http_route *route)
{
    struct sensors *s = arg;
    size_t len;
    const uint8_t *der = http_client_cert(req, &len);
    char why[256];

    if (!route->roles)
        return ABENG_OK;
    if (!der)
        return refuse(req, 401, "certificate.missing",
                      "a client certificate is needed; enrol this sensor first");
    struct ca_identity *who = arena_alloc(http_arena(req), sizeof(*who));
    if (ca_verify_client(s->conf.ca, der, len, clock_now(clock_system()), who, why, sizeof(why)))
        return refuse(req, 403, "certificate.invalid", why);
    int err = is_revoked(s, who);
    if (err == ABENG_EDENIED) {
        snprintf(why, sizeof(why), "the certificate of sensor %s is revoked", who->id);
        return refuse(req, 403, "certificate.revoked", why);
    }
    if (err)
        return refuse(req, 503, "store.away", "the store does not answer");
    http_set_session(req, who);
    return ABENG_OK;
}

/* ---- invitations -------------------------------------------------------------------------- */

static bool word_ok(const char *text, size_t max)
{
    size_t len = strlen(text);
    return len > 0 && len < max && text[0] != '.' && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static bool states_ok(const char *states)
{
    if (strlen(states) >= CA_STATES_MAX)
        return false;
    for (const char *p = states;; p += 3) {
        if (strnlen(p, 2) < 2 || state_find(p, 2) < 0 || state_find(p, 2) == STATE_REGION)
            return false;
        if (!p[2])
            return true;
        if (p[2] != ',')
            return false;
    }
}

static int check_invitation(const struct sensors_invitation *in, char *why, size_t why_len)
{
    const char *bad = NULL;

    if (!in->name || !word_ok(in->name, CA_ID_MAX))
        bad =
            "name: letters, digits, '.', '_' and '-', at most 63, beginning with a letter or digit";
    else if (!in->states || !states_ok(in->states))
        bad =
            "states: codes of member states, lower case, with commas between (\"jm\" or \"jm,bb\")";
    else if (in->site && !word_ok(in->site, CA_SITE_MAX))
        bad = "site: letters, digits, '.', '_' and '-', at most 63";
    if (!bad)
        return ABENG_OK;
    snprintf(why, why_len, "%s", bad);
    return ABENG_EINVAL;
}

static void fill_token(const struct sensors *s, const char *id, struct token *t)
{
    memset(t, 0, sizeof(*t));
    snprintf(t->id, sizeof(t->id), "%s", id);
    token_make_secret(t->secret);
    ca_fingerprint_text(ca_fingerprint(s->conf.ca), t->ca);
    for (size_t i = 0; i < s->conf.address_count && i < TOKEN_ADDRESSES; i++)
        snprintf(t->addresses[t->address_count++], TOKEN_ADDRESS_MAX, "%s", s->conf.addresses[i]);
}

static struct store_key token_key(const char *secret)
{
    char digest[SIGN_DIGEST_TEXT];
    sign_digest_text(secret, strlen(secret), digest);
    return store_key(STORE_REGION, "token:%s", digest);
}

int sensors_invite(struct sensors *s, const struct sensors_invitation *in, struct buf *token,
                   uint64_t *expires_ns, char *why, size_t why_len)
{
    int err = check_invitation(in, why, why_len);
    if (err)
        return err;
    struct token t;
    fill_token(s, in->name, &t);
    uint64_t now = now_ms();
    uint64_t ends = now + (in->minutes ? in->minutes : SENSORS_TOKEN_MINUTES) * 60000ull;
    char n[2][NUMBER_TEXT];
    struct store_key sensor = store_key(STORE_REGION, "sensor:%s", in->name);
    struct store_key all = store_key(STORE_REGION, "sensors"), tk = token_key(t.secret);
    struct store_arg keys[] = { STORE_KEY(sensor), STORE_KEY(all), STORE_KEY(tk) };
    struct store_arg args[] = { STORE_TEXT(in->name),
                                STORE_TEXT(in->name),
                                STORE_TEXT(in->states),
                                STORE_TEXT(in->site ? in->site : in->name),
                                STORE_TEXT(in->hold ? "1" : "0"),
                                number(n[0], now),
                                number(n[1], ends) };
    err = call(s, "abeng_sensor_invite", keys, 3, args, 7, why, why_len);
    if (!err) {
        token_write(token, &t);
        *expires_ns = ends * NS_PER_MS;
        log_notice("ingest", "sensor %s invited for %s%s", in->name, in->states,
                   in->hold ? ", to be approved" : "");
    }
    explicit_bzero(&t, sizeof(t));
    return err;
}

/* ---- certificates ------------------------------------------------------------------------- */

static void copy(char *to, size_t cap, const struct store_reply *from)
{
    snprintf(to, cap, "%s", store_reply_text(from, NULL));
}

static int sign_and_record(struct sensors *s, const char *request, size_t len, bool renewed,
                           struct sensors_grant *out, char *why, size_t why_len)
{
    char print[CA_FINGERPRINT_TEXT], n[2][NUMBER_TEXT];
    struct store_key sensor = store_key(STORE_REGION, "sensor:%s", out->who.id);

    int err = ca_sign_request(s->conf.ca, request, len, &out->who, s->conf.cert_days,
                              &out->certificate, why, why_len);
    if (err)
        return err;
    ca_fingerprint_text(out->who.fingerprint, print);
    struct store_arg keys[] = { STORE_KEY(sensor) };
    struct store_arg args[] = { STORE_TEXT(print), number(n[0], out->who.not_after_ns / NS_PER_MS),
                                number(n[1], now_ms()), STORE_TEXT(renewed ? "1" : "0") };
    err = call(s, "abeng_sensor_enrolled", keys, 1, args, 4, why, why_len);
    if (!err)
        log_notice("ingest", "sensor %s %s, certificate %.16s", out->who.id,
                   renewed ? "renewed" : "enrolled", print);
    return err;
}

/* The sensor an invitation is for; functions need it before they run. */
static int token_sensor(struct sensors *s, const struct store_key *tk, char id[CA_ID_MAX],
                        char *why, size_t why_len)
{
    struct store_reply *r;
    int err = store_command(conn_of(s), &r, "HGET %s id", tk->text);

    copy(id, CA_ID_MAX, r);
    if (!err && !*id) {
        snprintf(why, why_len, "this invitation is not known, or was used or replaced");
        err = ABENG_EDENIED;
    }
    store_reply_free(r);
    return err;
}

int sensors_enrol(struct sensors *s, const char *secret, const char *request, size_t len,
                  struct sensors_grant *out, char *why, size_t why_len)
{
    char print[CA_FINGERPRINT_TEXT], id[CA_ID_MAX], n[NUMBER_TEXT];
    struct store_reply *r;
    struct store_key tk = token_key(secret);

    memset(out, 0, sizeof(*out));
    buf_init(&out->certificate, 64u << 10);
    int err = ca_check_request(request, len, out->key, why, why_len);
    if (!err)
        err = token_sensor(s, &tk, id, why, why_len);
    if (err)
        return err;
    ca_fingerprint_text(out->key, print);
    struct store_key sensor = store_key(STORE_REGION, "sensor:%s", id);
    struct store_arg keys[] = { STORE_KEY(tk), STORE_KEY(sensor) };
    struct store_arg args[] = { STORE_TEXT(print), STORE_BYTES(request, len), number(n, now_ms()) };
    err = store_call(conn_of(s), "abeng_sensor_claim", keys, 2, args, 3, &r);
    if (err && err != ABENG_EAGAIN)
        snprintf(why, why_len, "%s", store_reply_text(r, NULL));
    out->pending = strcmp(store_reply_text(store_reply_at(r, 0), NULL), "pending") == 0;
    copy(out->who.id, sizeof(out->who.id), store_reply_at(r, 1));
    copy(out->who.states, sizeof(out->who.states), store_reply_at(r, 2));
    copy(out->who.site, sizeof(out->who.site), store_reply_at(r, 3));
    store_reply_free(r);
    if (err || out->pending)
        return err;
    return sign_and_record(s, request, len, false, out, why, why_len);
}

int sensors_renew(struct sensors *s, const struct ca_identity *who, const char *request, size_t len,
                  struct sensors_grant *out, char *why, size_t why_len)
{
    struct store_reply *r;
    struct store_key sensor = store_key(STORE_REGION, "sensor:%s", who->id);

    memset(out, 0, sizeof(*out));
    buf_init(&out->certificate, 64u << 10);
    int err = ca_check_request(request, len, out->key, why, why_len);
    if (err)
        return err;
    err = store_command(conn_of(s), &r, "HMGET %s id states site", sensor.text);
    copy(out->who.id, sizeof(out->who.id), store_reply_at(r, 0));
    copy(out->who.states, sizeof(out->who.states), store_reply_at(r, 1));
    copy(out->who.site, sizeof(out->who.site), store_reply_at(r, 2));
    store_reply_free(r);
    if (!err && !*out->who.id) {
        snprintf(why, why_len, "sensor %s is not on the register", who->id);
        err = ABENG_EDENIED;
    }
    return err ? err : sign_and_record(s, request, len, true, out, why, why_len);
}

/* Fingerprints are read out loud: upper case, colons and blanks are fine. */
static void plain_hex(const char *text, char out[CA_FINGERPRINT_TEXT])
{
    size_t n = 0;

    for (; *text && n + 1 < CA_FINGERPRINT_TEXT; text++) {
        if (*text == ':' || *text == ' ')
            continue;
        out[n++] = *text >= 'A' && *text <= 'F' ? (char)(*text - 'A' + 'a') : *text;
    }
    out[n] = '\0';
}

int sensors_approve(struct sensors *s, const char *id, const char *fingerprint, char *why,
                    size_t why_len)
{
    char n[NUMBER_TEXT], hex[CA_FINGERPRINT_TEXT];

    if (!word_ok(id, CA_ID_MAX))
        return snprintf(why, why_len, "no such sensor"), ABENG_ENOENT;
    plain_hex(fingerprint, hex);
    struct store_key sensor = store_key(STORE_REGION, "sensor:%s", id);
    struct store_arg keys[] = { STORE_KEY(sensor) };
    struct store_arg args[] = { STORE_TEXT(hex), number(n, now_ms()) };
    int err = call(s, "abeng_sensor_approve", keys, 1, args, 2, why, why_len);
    if (!err)
        log_notice("ingest", "sensor %s approved, key %.16s", id, hex);
    return err;
}

static void drop_peer(const struct sensors *s, const char *hex)
{
    uint8_t print[CA_FINGERPRINT];
    unsigned byte;

    for (size_t i = 0; i < sizeof(print); i++) {
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return;
        print[i] = (uint8_t)byte;
    }
    if (s->server)
        http_server_drop_peer(s->server, print);
}

int sensors_revoke(struct sensors *s, const char *id, const char *reason, char *why, size_t why_len)
{
    char n[NUMBER_TEXT];
    struct store_reply *r;

    if (!word_ok(id, CA_ID_MAX))
        return snprintf(why, why_len, "no such sensor"), ABENG_ENOENT;
    struct store_key sensor = store_key(STORE_REGION, "sensor:%s", id);
    struct store_key revoked = store_key(STORE_REGION, "revoked");
    struct store_arg keys[] = { STORE_KEY(sensor), STORE_KEY(revoked) };
    struct store_arg args[] = { STORE_TEXT(reason), number(n, now_ms()) };
    int err = store_call(conn_of(s), "abeng_sensor_revoke", keys, 2, args, 2, &r);
    if (err)
        snprintf(why, why_len, "%s",
                 err == ABENG_EAGAIN ? "the store does not answer" : store_reply_text(r, NULL));
    else
        log_notice("ingest", "sensor %s revoked: %s", id, reason);
    for (size_t i = 0; i < store_reply_count(r); i++) {
        size_t len;
        const char *hex = store_reply_text(store_reply_at(r, i), &len);
        if (len == CA_FINGERPRINT_TEXT - 1)
            drop_peer(s, hex);
    }
    store_reply_free(r);
    return err;
}

/* ---- health and commands ------------------------------------------------------------------ */

int sensors_health(struct sensors *s, const char *id, const char *report, size_t len,
                   uint64_t now_ns, int64_t clock_offset_ms)
{
    char n[NUMBER_TEXT], offset[NUMBER_TEXT], why[128];
    struct store_key sensor = store_key(STORE_REGION, "sensor:%s", id);
    struct store_arg keys[] = { STORE_KEY(sensor) };

    snprintf(offset, sizeof(offset), "%lld", (long long)clock_offset_ms);
    struct store_arg args[] = { number(n, now_ns / NS_PER_MS), STORE_BYTES(report, len),
                                STORE_TEXT(offset) };
    return call(s, "abeng_sensor_health", keys, 1, args, 3, why, sizeof(why));
}

void sensors_wake(struct sensors *s, const char *id)
{
    char topic[sizeof(SENSORS_TOPIC) + CA_ID_MAX];
    snprintf(topic, sizeof(topic), SENSORS_TOPIC "%s", id);
    if (s->server)
        http_server_wake(s->server, topic);
}

static int command_one(struct sensors *s, const char *id, const char *verb, const char *argument)
{
    struct buf b;
    struct json j;
    char why[128];
    struct store_key list = store_key(STORE_REGION, "commands:%s", id);

    buf_init(&b, 1024);
    json_begin(&j, &b);
    json_open(&j, NULL);
    json_str(&j, "verb", verb);
    if (argument)
        json_str(&j, "argument", argument);
    json_close(&j);
    struct store_arg keys[] = { STORE_KEY(list) }, args[] = { STORE_BYTES(b.data, b.len) };
    int err = call(s, "abeng_command_add", keys, 1, args, 1, why, sizeof(why));
    buf_free(&b);
    if (!err)
        sensors_wake(s, id);
    return err;
}

int sensors_command(struct sensors *s, const char *id, const char *verb, const char *argument)
{
    struct store_key all = store_key(STORE_REGION, "sensors");
    struct store_reply *r;

    if (id)
        return command_one(s, id, verb, argument);
    int err = store_command(conn_of(s), &r, "SMEMBERS %s", all.text);
    for (size_t i = 0; i < store_reply_count(r) && !err; i++)
        err = command_one(s, store_reply_text(store_reply_at(r, i), NULL), verb, argument);
    store_reply_free(r);
    return err;
}

int sensors_of_epoch(struct sensors *s, const char *state, const char *epoch, const char *lane,
                     char *out)
{
    struct store_key all = store_key(STORE_REGION, "sensors");
    struct store_reply *r;
    bool there = false;
    int err = store_command(conn_of(s), &r, "SMEMBERS %s", all.text);
    for (size_t i = 0; i < store_reply_count(r) && !err && !there; i++) {
        const char *id = store_reply_text(store_reply_at(r, i), NULL);
        struct store_key positions = store_key(state, "pos:%s", id);
        struct store_reply *known;
        char *field = xasprintf("%s %s", epoch, lane);
        err = store_command(conn_of(s), &known, "HEXISTS %s %b", positions.text, field,
                            strlen(field));
        there = !err && store_reply_int(known) == 1;
        if (there)
            snprintf(out, CA_ID_MAX, "%s", id);
        store_reply_free(known);
        free(field);
    }
    store_reply_free(r);
    return err ? err : there ? ABENG_OK : ABENG_ENOENT;
}

int sensors_take_commands(struct sensors *s, const char *id, struct json *out, size_t *count)
{
    struct store_reply *r;
    struct store_key list = store_key(STORE_REGION, "commands:%s", id);
    struct store_arg keys[] = { STORE_KEY(list) };

    int err = store_call(conn_of(s), "abeng_command_take", keys, 1, NULL, 0, &r);
    *count = err ? 0 : store_reply_count(r);
    for (size_t i = 0; i < *count; i++) {
        size_t len;
        const char *text = store_reply_text(store_reply_at(r, i), &len);
        json_raw(out, NULL, text, len);
    }
    store_reply_free(r);
    return err;
}
