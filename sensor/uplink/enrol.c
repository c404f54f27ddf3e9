/* SPDX-License-Identifier: Apache-2.0 */
/* abeng-sensor enrol. */
#include "config.h"
#include "sensor/uplink/enrol.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/token.h"
#include "common/xalloc.h"
#include "sensor/uplink/client.h"
#include "sensor/uplink/grant.h"
#include "sensor/uplink/identity.h"

#define STATE_DIR ABENG_STATEDIR
#define CALL_MS   20000u
#define CA_MAX    (64u << 10)
#define WHY_MAX   320
/* How long a person may take to approve, and how often we ask. */
#define APPROVAL_S  3600
#define ASK_AGAIN_S 5u

struct enrolment {
    const char *dir;
    const char *proxy;
    struct token token;
    const char *addresses[TOKEN_ADDRESSES];
    struct buf request;
};

static void print_help(void)
{
    puts(
        "usage: abeng-sensor enrol --token TOKEN [options]\n"
        "\n"
        "Make this host a sensor of the collector that gave TOKEN (abengctl sensor add).\n"
        "\n"
        "  --token TOKEN      the one-time token\n"
        "  --token-file FILE  the same from a file (- is standard input), so that it is not in ps\n"
        "  --dir DIR          where key and certificate are kept (" STATE_DIR ")\n"
        "  --proxy URL        HTTP proxy to the collector\n"
        "  --force            replace an identity that is there already");
}

/* ---- the CA ------------------------------------------------------------------------------- */

/*
 * The first look: the server is not verified and hears nothing secret; it gives its CA's
 * certificate, which must be the one whose fingerprint stands in the token.
 */
static int pin_ca(const struct enrolment *e, char *why, size_t why_len)
{
    struct client_conf conf = { .addresses = e->addresses,
                                .address_count = e->token.address_count,
                                .proxy = e->proxy };
    struct client *c = client_create(&conf);
    struct client_request req = { .path = "/v1/ca", .timeout_ms = CALL_MS, .reply_max = CA_MAX };
    struct client_reply reply;
    char print[TOKEN_CA_TEXT];

    int err = client_call(c, &req, &reply, why, why_len);
    if (!err && reply.status != 200) {
        snprintf(why, why_len, "%s answers %ld; is this the collector's port for sensors?",
                 e->addresses[0], reply.status);
        err = ABENG_EFORMAT;
    }
    if (!err && identity_cert_print((const char *)reply.body->data, reply.body->len, print)) {
        snprintf(why, why_len, "the collector's CA certificate can't be read");
        err = ABENG_EFORMAT;
    }
    if (!err && strcmp(print, e->token.ca) != 0) {
        snprintf(why, why_len,
                 "%s is not the collector that gave this token (its CA is %.16s, the "
                 "token's %.16s)",
                 e->addresses[0], print, e->token.ca);
        err = ABENG_EAUTH;
    }
    if (!err)
        err = identity_keep_ca(e->dir, buf_str(reply.body), why, why_len);
    client_free(c);
    return err;
}

/* ---- the certificate ---------------------------------------------------------------------- */

static void write_body(const struct enrolment *e, struct buf *out)
{
    struct json j;

    json_begin(&j, out);
    json_open(&j, NULL);
    json_str(&j, "secret", e->token.secret);
    json_strn(&j, "request", e->request.data, e->request.len);
    json_str(&j, "version", PACKAGE_VERSION);
    json_close(&j);
}

/* 1 while a person has to approve, 0 when the certificate is kept. */
static int ask(const struct enrolment *e, struct client *c, const struct buf *body, bool first,
               char *why, size_t why_len)
{
    struct client_request req = { .path = "/v1/enrol",
                                  .body = body->data,
                                  .body_len = body->len,
                                  .timeout_ms = CALL_MS,
                                  .reply_max = CA_MAX };
    struct client_reply reply;

    int err = client_call(c, &req, &reply, why, why_len);
    if (err)
        return err;
    if (reply.status == 202) {
        if (first)
            grant_print_pending(reply.body);
        return 1;
    }
    struct identity id = { .collector_count = e->token.address_count };
    for (size_t i = 0; i < id.collector_count; i++)
        id.collectors[i] = xstrdup(e->token.addresses[i]);
    err = grant_keep(e->dir, reply.status, reply.body, 0, &id, why, why_len);
    if (!err)
        printf("enrolled as %s for %s; start abeng-sensor now\n", id.id, id.states);
    identity_free(&id);
    return err;
}

static int get_certificate(const struct enrolment *e, char *why, size_t why_len)
{
    char *ca = xasprintf("%s/ca.crt", e->dir);
    struct client_conf conf = { .addresses = e->addresses,
                                .address_count = e->token.address_count,
                                .ca_path = ca,
                                .proxy = e->proxy };
    struct client *c = client_create(&conf);
    struct buf body;
    time_t until = time(NULL) + APPROVAL_S;

    buf_init(&body, CA_MAX);
    write_body(e, &body);
    int err = ask(e, c, &body, true, why, why_len);
    while (err == 1 && time(NULL) < until) {
        sleep(ASK_AGAIN_S);
        err = ask(e, c, &body, false, why, why_len);
    }
    if (err == 1) {
        snprintf(why, why_len, "nobody approved within an hour; run the same command again");
        err = ABENG_ETIME;
    }
    explicit_bzero(body.data, body.len);
    buf_free(&body);
    client_free(c);
    free(ca);
    return err;
}

/* ---- the command -------------------------------------------------------------------------- */

static int enrol(struct enrolment *e, char *why, size_t why_len)
{
    for (size_t i = 0; i < e->token.address_count; i++)
        e->addresses[i] = e->token.addresses[i];
    int err = identity_request(e->dir, 0, &e->request, why, why_len);
    if (!err)
        err = pin_ca(e, why, why_len);
    return err ? err : get_certificate(e, why, why_len);
}

static int read_token(const char *text, const char *path, struct token *out, char *why,
                      size_t why_len)
{
    struct buf b;

    if (text)
        return token_read(text, strlen(text), out, why, why_len);
    buf_init(&b, TOKEN_MAX);
    int err = strcmp(path, "-") == 0 ? file_read_fd(0, &b) : file_read(path, &b);
    if (err)
        snprintf(why, why_len, "%s: %s", path, err == ABENG_EIO ? strerror(errno) : err_text(err));
    else
        err = token_read((const char *)b.data, b.len, out, why, why_len);
    buf_free(&b);
    return err;
}

struct arguments {
    const char *token;
    const char *token_file;
    bool force;
};

/* 0 to go on, 1 done, below 0 wrong. */
static int read_arguments(int argc, char **argv, struct enrolment *e, struct arguments *a)
{
    static const struct option options[] = {
        {"token",       required_argument, NULL, 't'},
        { "token-file", required_argument, NULL, 'f'},
        { "dir",        required_argument, NULL, 'd'},
        { "proxy",      required_argument, NULL, 'p'},
        { "force",      no_argument,       NULL, 'F'},
        { "help",       no_argument,       NULL, 'h'},
        { NULL,         0,                 NULL, 0  },
    };
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 't':
            a->token = optarg;
            break;
        case 'f':
            a->token_file = optarg;
            break;
        case 'd':
            e->dir = optarg;
            break;
        case 'p':
            e->proxy = optarg;
            break;
        case 'F':
            a->force = true;
            break;
        case 'h':
            print_help();
            return 1;
        default:
            return ABENG_EINVAL;
        }
    }
    if (optind == argc && (a->token || a->token_file))
        return ABENG_OK;
    log_error("enrol", "%s",
              optind < argc ? "only options are expected; try --help"
                            : "--token or --token-file is needed; try --help");
    return ABENG_EINVAL;
}

static int prepare(const struct arguments *a, struct enrolment *e, char *why, size_t why_len)
{
    struct identity have;

    int err = read_token(a->token, a->token_file, &e->token, why, why_len);
    if (err || a->force)
        return err;
    if (identity_load(e->dir, &have, why, why_len) != ABENG_OK)
        return ABENG_OK;
    snprintf(why, why_len, "%s holds the identity of sensor %s already; --force replaces it",
             e->dir, have.id);
    identity_free(&have);
    return ABENG_EEXIST;
}

int enrol_main(int argc, char **argv)
{
    struct enrolment e = { .dir = STATE_DIR };
    struct arguments a = { NULL, NULL, false };
    char why[WHY_MAX] = "";

    int err = read_arguments(argc, argv, &e, &a);
    if (err)
        return err > 0 ? 0 : 1;
    if (sign_init() != ABENG_OK || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return 1;
    buf_init(&e.request, CA_MAX);
    err = prepare(&a, &e, why, sizeof(why));
    if (!err)
        err = enrol(&e, why, sizeof(why));
    if (err)
        log_error("enrol", "%s", why);
    buf_free(&e.request);
    explicit_bzero(&e.token, sizeof(e.token));
    curl_global_cleanup();
    return err ? 1 : 0;
}
