/* SPDX-License-Identifier: Apache-2.0 */
/* sensor, feed and user. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/client.h"
#include "collector/ctl/print.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "common/xalloc.h"

/** Largest bundle and signature read. */
#define BUNDLE_MAX    (64u << 20)
#define SIGNATURE_MAX 4096
/** A minisign public key file has two short lines. */
#define KEY_FILE_MAX 512

/* "JM,BB" as ["jm","bb"]. */
static json_t *states_of(const char *text)
{
    json_t *array = json_array();
    while (*text) {
        char code[16] = "";
        size_t n = strcspn(text, ",");
        for (size_t i = 0; i < n && i + 1 < sizeof code; i++)
            code[i] = (char)tolower((unsigned char)text[i]);
        json_array_append_new(array, json_string(code));
        text += n + (text[n] == ',');
    }
    return array;
}

/* Ask, and print the reply as JSON or the one line of text. */
static enum ctl_exit act(struct ctl *c, const char *method, const char *path, json_t *body,
                         const char *said)
{
    json_t *reply;
    enum ctl_exit done = ctl_call(c, method, path, body, &reply);
    if (!done && c->json)
        print_json(reply ? reply : json_object());
    else if (!done)
        puts(said);
    json_decref(reply);
    return done;
}

/* ---- sensors --------------------------------------------------------------------------------- */

static enum ctl_exit sensor_list(struct ctl *c)
{
    static const struct print_column columns[] = {
        { "ID", "id", 0 },
        { "STATUS", "status", 0 },
        { "STATES", "states", 0 },
        { "SITE", "site", 24 },
        { "LAST SEEN", "last_seen", 0 },
        { "RECEIVED", "received", 0 },
        { "LOST", "lost", 0 },
        { "LATE", "late", 0 },
        { "RULESET", "ruleset", 32 },
        { "CERT ENDS", "cert_expires", 0 },
    };
    return ctl_list(c, "/api/v1/sensors", columns, sizeof columns / sizeof *columns);
}

/* The token alone goes to stdout, so that a script can take it. */
static enum ctl_exit sensor_add(struct ctl *c)
{
    const char *states = ctl_option(c, "state");
    json_t *reply;
    if (!states)
        return ctl_usage("--state is needed: the member state the sensor speaks for");
    json_t *body = json_pack("{s:s, s:o, s:b}", "name", ctl_word(c, 0), "states", states_of(states),
                             "hold", ctl_option(c, "hold") != NULL);
    ctl_put(c, body, "site", "site");
    enum ctl_exit done = ctl_call(c, "POST", "/api/v1/sensors", body, &reply);
    if (!done && c->json) {
        print_json(reply);
    } else if (!done) {
        const char *token = json_string_value(json_object_get(reply, "token"));
        const char *expires = json_string_value(json_object_get(reply, "expires"));
        puts(token ? token : "");
        fprintf(stderr, "good once, until %s; on the sensor: abeng-sensor enrol --token TOKEN\n",
                expires ? expires : "-");
    }
    json_decref(reply);
    return done;
}

static enum ctl_exit sensor_approve(struct ctl *c)
{
    char *path = ctl_path(c, "/api/v1/sensors/", ":approve");
    enum ctl_exit done =
        act(c, "POST", path, json_pack("{s:s}", "fingerprint", ctl_word(c, 1)), "approved");
    free(path);
    return done;
}

static enum ctl_exit sensor_revoke(struct ctl *c)
{
    const char *reason = ctl_option(c, "reason");
    if (!reason)
        return ctl_usage("--reason is needed");
    char *path = ctl_path(c, "/api/v1/sensors/", ":revoke");
    enum ctl_exit done = act(c, "POST", path, json_pack("{s:s}", "reason", reason), "revoked");
    free(path);
    return done;
}

/* ---- feeds ----------------------------------------------------------------------------------- */

static enum ctl_exit feed_list(struct ctl *c)
{
    static const struct print_column columns[] = {
        { "CHANNEL", "name", 0 },     { "PARTNER", "partner", 32 },
        { "VERSION", "version", 0 },  { "PUBLISHED", "published_at", 0 },
        { "BLAKE2B", "blake2b", 16 },
    };
    return ctl_list(c, "/api/v1/feeds", columns, sizeof columns / sizeof *columns);
}

/* A key as it was given: minisign's .pub file, whose last line it is, or the line itself. */
static json_t *public_key(const char *given)
{
    struct buf text;
    buf_init(&text, KEY_FILE_MAX);
    json_t *key = NULL;
    if (access(given, R_OK) == 0 && file_read(given, &text) == ABENG_OK) {
        const char *at = buf_str(&text), *line = strchr(at, '\n');
        at = line && line[1] ? line + 1 : at;
        key = json_stringn(at, strcspn(at, "\r\n"));
    }
    buf_free(&text);
    return key ? key : json_string(given);
}

static enum ctl_exit feed_add(struct ctl *c)
{
    const char *key = ctl_option(c, "key");
    if (!key)
        return ctl_usage(
            "--key is needed: the partner's minisign public key, its file or its line");
    json_t *body = json_pack("{s:s, s:o}", "name", ctl_word(c, 0), "key", public_key(key));
    ctl_put(c, body, "partner", "partner");
    return act(c, "POST", "/api/v1/feeds", body, "added");
}

static int read_file(const char *path, struct buf *out)
{
    int err = file_read(path, out);
    if (err)
        ctl_fail("%s: %s", path, err == ABENG_EIO ? strerror(errno) : err_text(err));
    return err;
}

/* The signature's text as one header line. */
static char *signature_header(struct buf *signature)
{
    struct buf b;
    struct json j;
    buf_init(&b, 4 * SIGNATURE_MAX);
    json_begin(&j, &b);
    json_base64(&j, NULL, signature->data, signature->len);
    char *text = xasprintf("Abeng-Signature: %.*s", (int)b.len - 2, buf_str(&b) + 1);
    buf_free(&b);
    return text;
}

static enum ctl_exit send_bundle(struct ctl *c, const struct buf *bundle, const char *header)
{
    struct buf text;
    char why[512], *path = ctl_path(c, "/api/v1/feeds/", "/versions");
    struct client_reply r = { 0, &text };
    enum ctl_exit done = CTL_OK;
    buf_init(&text, SIGNATURE_MAX * 16);
    int err =
        client_ask(c->client, "POST", path, bundle->data, bundle->len, header, &r, why, sizeof why);
    json_t *reply = err ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
    const char *detail = json_string_value(json_object_get(reply, "detail"));
    if (err)
        done = ctl_fail("%s", why);
    else if (r.status != 201)
        done = ctl_fail("%ld: %s", r.status, detail ? detail : "the collector refused");
    else if (c->json)
        print_json(reply);
    else
        printf("published version %lld\n",
               (long long)json_integer_value(json_object_get(reply, "version")));
    json_decref(reply);
    buf_free(&text);
    free(path);
    return done;
}

static enum ctl_exit feed_publish(struct ctl *c)
{
    const char *file = ctl_word(c, 1), *given = ctl_option(c, "signature");
    char *path = given ? xstrdup(given) : xasprintf("%s.minisig", file);
    struct buf bundle, signature;
    enum ctl_exit done = CTL_FAILED;
    buf_init(&bundle, BUNDLE_MAX);
    buf_init(&signature, SIGNATURE_MAX);
    if (!read_file(file, &bundle) && !read_file(path, &signature)) {
        char *header = signature_header(&signature);
        done = send_bundle(c, &bundle, header);
        free(header);
    }
    buf_free(&bundle);
    buf_free(&signature);
    free(path);
    return done;
}

/* ---- users ----------------------------------------------------------------------------------- */

static enum ctl_exit user_list(struct ctl *c)
{
    static const struct print_column columns[] = {
        { "USER", "user", 0 },     { "NAME", "name", 40 },         { "ROLE", "role", 0 },
        { "STATES", "states", 0 }, { "CREATED", "created_at", 0 },
    };
    return ctl_list(c, "/api/v1/users", columns, sizeof columns / sizeof *columns);
}

static enum ctl_exit user_add(struct ctl *c)
{
    char password[512];
    const char *role = ctl_option(c, "role"), *states = ctl_option(c, "state");
    if (!role || (!states && !ctl_option(c, "subject")))
        return ctl_usage("--role and --state are needed (partner, host: --subject)");
    json_t *body = json_pack("{s:s, s:s}", "user", ctl_word(c, 0), "role", role);
    if (states)
        json_object_set_new(body, "states", states_of(states));
    if (strcmp(role, "client") != 0) {
        if (ctl_read_password("password for the new user: ", password, sizeof password)) {
            json_decref(body);
            return ctl_fail("no password given");
        }
        json_object_set_new(body, "password", json_string(password));
    }
    ctl_put(c, body, "name", "name");
    ctl_put(c, body, "subject", "subject");
    return act(c, "POST", "/api/v1/users", body, "added");
}

/* The token alone goes to stdout, so that a script can take it. */
static enum ctl_exit user_token(struct ctl *c)
{
    json_t *reply;
    char *path = ctl_path(c, "/api/v1/users/", ":token");
    enum ctl_exit done = ctl_call(c, "POST", path, json_object(), &reply);
    const char *token = json_string_value(json_object_get(reply, "token"));
    if (!done && c->json)
        print_json(reply);
    else if (!done)
        puts(token ? token : "");
    json_decref(reply);
    free(path);
    return done;
}

static enum ctl_exit user_del(struct ctl *c)
{
    char *path = ctl_path(c, "/api/v1/users/", "");
    enum ctl_exit done = act(c, "DELETE", path, NULL, "removed");
    free(path);
    return done;
}

/* clang-format off */
static const struct ctl_command commands[] = {
    { "sensor list", "", "", 0, 0, "sensors: status, last seen, received, lost", sensor_list },
    { "sensor add", "NAME --state JM[,BB] [--site SITE] [--hold]", "state= site= hold", 1, 1,
      "invite a sensor; prints its one-time token", sensor_add },
    { "sensor approve", "ID FINGERPRINT", "", 2, 2, "let a held sensor in", sensor_approve },
    { "sensor revoke", "ID --reason TEXT", "reason=", 1, 1, "refuse a sensor from now on",
      sensor_revoke },
    { "feed list", "", "", 0, 0, "channels of signatures", feed_list },
    { "feed add", "CHANNEL --key KEY [--partner NAME]", "key= partner=", 1, 1,
      "add a partner's channel", feed_add },
    { "feed publish", "CHANNEL FILE [--signature FILE]", "signature=", 2, 2,
      "publish a signed bundle", feed_publish },
    { "user list", "", "", 0, 0, "users and their roles", user_list },
    { "user add", "USER --role ROLE [--state JM[,BB]|*] [--name NAME] [--subject NAME]",
      "role= state= name= subject=", 1, 1,
      "ROLE is regional, national, contact, admin, auditor, client, partner or host; the password "
      "is asked for",
      user_add },
    { "user token", "USER", "", 1, 1, "a token for a program (role client), shown once",
      user_token },
    { "user del", "USER", "", 1, 1, "remove a user and end its sessions", user_del },
};
/* clang-format on */

const struct ctl_commands ctl_admin_commands = { commands, sizeof commands / sizeof *commands };
