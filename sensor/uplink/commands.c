/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener: pulls bundles, renews the certificate, waits for commands. Fixed verbs, each
 * logged; none runs anything.
 */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "sensor/monitor/channel.h"
#include "sensor/uplink/grant.h"
#include "sensor/uplink/internal.h"

#define CALL_MS    30000u
#define BUNDLE_MS  600000u
#define BUNDLE_MAX (64u << 20)
/* The collector holds a poll for 45 seconds. */
#define POLL_MS   60000u
#define REPLY_MAX (64u << 10)
#define RETRY_MS  5000u
/* Bundles are asked for without being told, too. */
#define PULL_NS      (900 * NS_PER_S)
#define WHY_MAX      320
#define EVIDENCE_MAX (256u << 10)

/* ---- bundles ------------------------------------------------------------------------------ */

static int keep_bundle(struct uplink *u, const struct uplink_channel *ch, const struct buf *bundle,
                       const char *signature)
{
    uint8_t text[SIGN_FILE_MAX];
    size_t len = 0;
    char *dir = xasprintf("%s/bundles", u->conf->state_dir);
    char *path = xasprintf("%s/%s.tar.zst", dir, ch->name);
    char *sig_path = xasprintf("%s.minisig", path);
    int err = ABENG_EFORMAT;

    if (sodium_base642bin(text, sizeof(text), signature, strlen(signature), NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) == 0 &&
        len)
        err = file_make_dirs(dir, 0700);
    /*
     * The loader checks one against the other, so whatever a crash leaves is either whole or
     * refused.
     */
    if (!err)
        err = file_replace(sig_path, text, len, 0600);
    if (!err)
        err = file_replace(path, bundle->data, bundle->len, 0600);
    free(sig_path);
    free(path);
    free(dir);
    return err;
}

static void tell_monitor(const struct uplink *u, const char *name)
{
    struct channel_message m = { .verb = CHANNEL_BUNDLE_READY };

    if (u->conf->channel < 0)
        return;
    snprintf(m.name, sizeof(m.name), "%s", name);
    channel_send(u->conf->channel, &m, -1);
}

/* The ETag is the version; the number is for the health report only. */
static void note_version(struct uplink *u, struct uplink_channel *ch, const char *etag)
{
    pthread_mutex_lock(&u->lock);
    snprintf(ch->etag, sizeof(ch->etag), "%s", etag);
    ch->version = strtoull(etag + strspn(etag, "\""), NULL, 10);
    pthread_mutex_unlock(&u->lock);
}

static int pull(struct uplink *u, struct client *c, struct uplink_channel *ch)
{
    char why[WHY_MAX], *path = xasprintf("/v1/bundles/%s", ch->name);
    struct client_header have = { "If-None-Match", ch->etag };
    struct client_request req = { .path = path,
                                  .headers = &have,
                                  .header_count = ch->etag[0] ? 1 : 0,
                                  .timeout_ms = BUNDLE_MS,
                                  .reply_max = BUNDLE_MAX };
    struct client_reply reply = { 0 };

    int err = client_call(c, &req, &reply, why, sizeof(why));
    free(path);
    if (err || reply.status != 200)
        return err;
    err = keep_bundle(u, ch, reply.body, reply.signature);
    if (err) {
        log_error("uplink", "bundle of channel %s can't be kept: %s", ch->name, err_text(err));
        return ABENG_OK;
    }
    note_version(u, ch, reply.etag);
    log_notice("uplink", "pulled bundle of channel %s, version %s", ch->name, reply.etag);
    tell_monitor(u, ch->name);
    return ABENG_OK;
}

static int pull_all(struct uplink *u, struct client *c)
{
    int err = ABENG_OK;
    for (unsigned i = 0; i < u->channel_count && !err; i++)
        err = pull(u, c, &u->channels[i]);
    return err;
}

/* ---- renewal ------------------------------------------------------------------------------ */

static void take_identity(struct uplink *u, struct client *c, struct identity *next)
{
    pthread_mutex_lock(&u->lock);
    u->identity.begins_s = next->begins_s;
    u->identity.ends_s = next->ends_s;
    pthread_mutex_unlock(&u->lock);
    client_renew(c);
    __atomic_store_n(&u->renewed, 1, __ATOMIC_RELEASE);
    log_notice("uplink", "certificate of sensor %s renewed", next->id);
}

static int post_request(struct client *c, const struct buf *request, struct client_reply *reply,
                        char *why, size_t why_len)
{
    struct buf body;
    struct json j;

    buf_init(&body, REPLY_MAX);
    json_begin(&j, &body);
    json_open(&j, NULL);
    json_strn(&j, "request", request->data, request->len);
    json_close(&j);
    struct client_request req = { .path = "/v1/renew",
                                  .body = body.data,
                                  .body_len = body.len,
                                  .timeout_ms = CALL_MS,
                                  .reply_max = REPLY_MAX };
    int err = client_call(c, &req, reply, why, why_len);
    buf_free(&body);
    return err;
}

static void renew(struct uplink *u, struct client *c)
{
    char why[WHY_MAX] = "";
    struct buf request;
    struct client_reply reply;
    struct identity next = { .collector_count = u->identity.collector_count };

    for (size_t i = 0; i < next.collector_count; i++)
        next.collectors[i] = xstrdup(u->identity.collectors[i]);
    buf_init(&request, REPLY_MAX);
    int err = identity_request(u->conf->state_dir, 1, &request, why, sizeof(why));
    if (!err)
        err = post_request(c, &request, &reply, why, sizeof(why));
    if (!err)
        err = grant_keep(u->conf->state_dir, reply.status, reply.body, 1, &next, why, sizeof(why));
    if (err)
        log_warn("uplink", "can't renew the certificate: %s", why);
    else
        take_identity(u, c, &next);
    buf_free(&request);
    identity_free(&next);
}

/* At two thirds of its life. */
static bool renewal_due(const struct uplink *u)
{
    uint64_t begins = u->identity.begins_s, ends = u->identity.ends_s;
    return ends > begins && (uint64_t)time(NULL) >= begins + (ends - begins) / 3 * 2;
}

/* ---- evidence ----------------------------------------------------------------------------- */

/* What a request names: its own number, and the place that the alert said. */
struct wanted {
    char request[64], file[64], hash[SIGN_DIGEST_TEXT];
    uint64_t offset;
    uint32_t length;
};

static bool parse_wanted(const char *text, struct wanted *w)
{
    int end = 0;
    int n = sscanf(text, "%63[a-z0-9-] %63[a-z0-9.-] %" SCNu64 " %" SCNu32 " %64[0-9a-f]%n",
                   w->request, w->file, &w->offset, &w->length, w->hash, &end);
    return n == 5 && text[end] == 0 && strlen(w->hash) == SIGN_DIGEST_TEXT - 1;
}

/* The descriptor of the packets, from the monitor; or an error. */
static int ask_monitor(const struct uplink *u, const struct wanted *w)
{
    struct channel_message m = { .verb = CHANNEL_EVIDENCE_FETCH,
                                 .arg = w->offset,
                                 .arg2 = w->length };
    int fd = -1;
    snprintf(m.name, sizeof(m.name), "%s", w->file);
    snprintf(m.text, sizeof(m.text), "%s", w->hash);
    int err = u->conf->channel < 0 ? ABENG_EUNSUPPORTED : channel_ask(u->conf->channel, &m, &fd);
    return err < 0 ? err : fd < 0 ? ABENG_EIO : fd;
}

static const char *refusal(int err)
{
    return err == ABENG_ENOENT   ? "gone: the evidence was removed to make room"
           : err == ABENG_EOF    ? "the evidence file ends before it"
           : err == ABENG_EAUTH  ? "what is there has another hash"
           : err == ABENG_ELIMIT ? "longer than a flow's evidence may be"
                                 : "the sensor could not read it";
}

static void send_evidence(struct uplink *u, struct client *c, const char *argument)
{
    char why[WHY_MAX];
    struct client_reply reply;
    struct wanted w = { 0 };
    struct buf packets;
    if (!parse_wanted(argument, &w)) {
        log_warn("uplink", "a request for evidence that is none; nothing sent");
        return;
    }
    buf_init(&packets, EVIDENCE_MAX);
    int fd = ask_monitor(u, &w);
    int err = fd < 0 ? fd : file_read_fd(fd, &packets);
    if (fd >= 0)
        close(fd);
    char *path = xasprintf("/v1/evidence/%s", w.request);
    const struct client_header headers[] = {
        { "Content-Type", "application/vnd.tcpdump.pcap" },
        { "Abeng-Refused", refusal(err) },
    };
    struct client_request req = { .path = path,
                                  .headers = headers,
                                  .header_count = err < 0 ? 2 : 1,
                                  .body = err < 0 ? (const void *)"" : packets.data,
                                  .body_len = err < 0 ? 0 : packets.len,
                                  .timeout_ms = CALL_MS,
                                  .reply_max = REPLY_MAX };
    int sent = client_call(c, &req, &reply, why, sizeof(why));
    log_notice("uplink", "evidence %s: %s (%zu bytes)", w.request,
               sent      ? why
               : err < 0 ? refusal(err)
                         : "sent",
               req.body_len);
    free(path);
    buf_free(&packets);
}

/* ---- commands ----------------------------------------------------------------------------- */

static void obey(struct uplink *u, struct client *c, const json_t *command)
{
    const char *verb = json_string_value(json_object_get(command, "verb"));
    const char *argument = json_string_value(json_object_get(command, "argument"));

    log_notice("uplink", "the collector asks: %s %s", verb ? verb : "(nothing)",
               argument ? argument : "");
    if (!verb)
        return;
    ledger_command(u->ledger, verb, argument);
    if (strcmp(verb, "renew") == 0) {
        renew(u, c);
        return;
    }
    if (strcmp(verb, "evidence") == 0) {
        send_evidence(u, c, argument ? argument : "");
        return;
    }
    if (strcmp(verb, "pull_bundle") != 0) {
        log_warn("uplink", "command %s is not known here; nothing done", verb);
        return;
    }
    for (unsigned i = 0; i < u->channel_count; i++) {
        if (!argument || strcmp(argument, u->channels[i].name) == 0)
            pull(u, c, &u->channels[i]);
    }
}

static int poll_commands(struct uplink *u, struct client *c)
{
    char why[WHY_MAX];
    struct client_request req = { .path = "/v1/commands",
                                  .timeout_ms = POLL_MS,
                                  .reply_max = REPLY_MAX };
    struct client_reply reply;
    size_t i;
    json_t *item;

    int err = client_call(c, &req, &reply, why, sizeof(why));
    if (err || reply.status != 200)
        return ABENG_EAGAIN;
    json_t *o = json_loadb((const char *)reply.body->data, reply.body->len, 0, NULL);
    json_array_foreach(json_object_get(o, "commands"), i, item) obey(u, c, item);
    json_decref(o);
    return ABENG_OK;
}

void *uplink_listen(void *arg)
{
    struct uplink *u = arg;
    struct client *c = uplink_client(u);
    uint64_t pulled = 0;

    while (!__atomic_load_n(&u->stop, __ATOMIC_ACQUIRE)) {
        int err = ABENG_OK;
        if (renewal_due(u))
            renew(u, c);
        if (!pulled || clock_mono_ns() - pulled >= PULL_NS) {
            err = pull_all(u, c);
            pulled = err ? 0 : clock_mono_ns();
        }
        if (!err)
            err = poll_commands(u, c);
        if (err)
            uplink_sleep(u, RETRY_MS);
    }
    client_free(c);
    return NULL;
}
