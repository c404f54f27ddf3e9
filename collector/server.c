/* SPDX-License-Identifier: Apache-2.0 */
/* The composition root. */
#include "config.h"
#include "collector/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/api/api.h"
#include "collector/archive/archive.h"
#include "collector/archive/replay.h"
#include "collector/auth/auth.h"
#include "collector/auth/ca.h"
#include "collector/correlate/worker.h"
#include "collector/feeds/feeds.h"
#include "collector/http/http.h"
#include "collector/ingest/alarms.h"
#include "collector/ingest/fresh.h"
#include "collector/ingest/ingest.h"
#include "collector/ingest/packets.h"
#include "collector/ingest/sensors.h"
#include "collector/notify/notify.h"
#include "collector/options.h"
#include "collector/store/embed.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "collector/triage/retire.h"
#include "collector/triage/verbs.h"
#include "common/addr.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/xalloc.h"

/* A large append-only file takes a while to read. */
#define STORE_WAIT_MS 600000u
#define SECRET_MAX    4096u
#define LOOPBACKS     2
#define LINK_TABLES   2
/* Archive and fold may be so far behind before it is an alarm. */
#define BEHIND_MS 60000u
/* So long after the start nobody expects the workers to have their states. */
#define STARTING_NS (30 * NS_PER_S)

enum { SITE_ANALYSTS, SITE_SENSORS, SITES };

struct collector {
    const struct collector_options *o;
    struct ca *ca;
    struct store_embed *embed;
    struct store *store;
    struct sensors *sensors;
    struct packets *packets;
    struct feeds *feeds;
    struct fresh *fresh;
    struct ingest ingest;
    struct worker *worker;
    struct archive *archive;
    struct alarms *alarms;
    uint64_t started_ns;
    uint64_t folded; /* alerts at the alarms' last look */
    struct model *model;
    struct verbs_clock *timers;
    struct retire_conf retire;
    char *retired_dir;
    struct notify *notify;
    char *public_url;
    struct buf smtp_password;
    struct sign_secret notice_key;
    struct auth *auth;
    struct api *api;
    struct http_server *http;
    struct http_table api_tables[API_TABLES];
    struct http_table link_tables[LINK_TABLES];
    struct http_listener listeners[SITES];
    char **addresses; /* of the sensors' listener, for tokens */
};

static char *below(const struct collector *c, const char *name)
{
    return xasprintf("%s/%s", c->o->data_dir, name);
}

static int open_ca(struct collector *c)
{
    static const char *const always[LOOPBACKS] = { "localhost", "127.0.0.1" };
    const struct collector_options *o = c->o;
    size_t count = o->names_count + LOOPBACKS;
    const char **names = xcalloc(count, sizeof(*names));
    char *dir = below(c, "ca"), print[CA_FINGERPRINT_TEXT];
    int created = 0;

    for (unsigned i = 0; i < o->names_count; i++)
        names[i] = o->names[i];
    memcpy(names + o->names_count, always, sizeof(always));
    c->ca = ca_open(dir, names, count, &created);
    free(names);
    free(dir);
    if (!c->ca)
        return ABENG_ERR;
    ca_fingerprint_text(ca_fingerprint(c->ca), print);
    log_notice("server", "%s CA, SHA-256 %s", created ? "made the" : "opened the", print);
    return ABENG_OK;
}

/* A password's file, without the line's end; `path` NULL: there is none. */
static int read_password(const char *option, const char *path, struct buf *out)
{
    if (!path)
        return ABENG_OK;
    if (file_read(path, out) != ABENG_OK) {
        log_error("server", "%s %s: %s", option, path, strerror(errno));
        return ABENG_EIO;
    }
    while (out->len && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        out->len--;
    return ABENG_OK;
}

static int start_embedded(struct collector *c)
{
    char *dir = below(c, "redis");
    struct store_embed_conf conf = { .dir = dir,
                                     .program = c->o->redis_program,
                                     .memory_max = (uint64_t)c->o->memory_mib << 20 };

    c->embed = store_embed_start(&conf);
    free(dir);
    return c->embed ? ABENG_OK : ABENG_ERR;
}

static int open_store(struct collector *c)
{
    struct buf password;

    buf_init(&password, SECRET_MAX);
    int err = c->o->redis
                  ? read_password("redis-password-file", c->o->redis_password_file, &password)
                  : start_embedded(c);
    if (!err) {
        struct store_conf conf = {
            .address = c->embed ? store_embed_address(c->embed) : c->o->redis,
            .password = password.len ? buf_str(&password) : NULL,
            .scoped_users = true,
        };
        c->store = store_open(&conf, STORE_WAIT_MS);
    }
    buf_free(&password);
    return c->store ? ABENG_OK : ABENG_ERR;
}

/* Tokens name the sensors' listener by each of our names; its port may be known only now. */
static void fill_addresses(struct collector *c, unsigned port)
{
    for (unsigned i = 0; i < c->o->names_count; i++) {
        const char *name = c->o->names[i];
        free(c->addresses[i]);
        c->addresses[i] = xasprintf(strchr(name, ':') ? "[%s]:%u" : "%s:%u", name, port);
    }
}

static int open_packets(struct collector *c)
{
    char *dir = below(c, "evidence");

    c->packets = packets_open(dir, c->sensors, clock_system());
    c->ingest.packets = c->packets;
    free(dir);
    return c->packets ? ABENG_OK : ABENG_ERR;
}

static int open_register(struct collector *c)
{
    char *dir = below(c, "feeds");

    c->addresses = xcalloc(c->o->names_count, sizeof(*c->addresses));
    fill_addresses(c, 0);
    c->sensors = sensors_create(&(struct sensors_conf){
        .store = c->store,
        .ca = c->ca,
        .addresses = (const char *const *)c->addresses,
        .address_count = c->o->names_count,
    });
    c->ingest.store = c->store;
    c->ingest.sensors = c->sensors;
    c->ingest.fresh = c->fresh = fresh_create();
    c->ingest.clock = clock_system();
    if (open_packets(c) < 0) {
        free(dir);
        return ABENG_ERR;
    }
    c->feeds = feeds_open(dir, c->store, c->sensors);
    free(dir);
    return c->feeds ? ABENG_OK : ABENG_ERR;
}

/* The file named by an option, else the host's own, else the installed one (NULL: none). */
static const char *table_path(const char *option, const char *host, const char *installed)
{
    if (option)
        return option;
    return access(host, R_OK) == 0 ? host : installed;
}

static int start_archive(struct collector *c)
{
    char *dir = below(c, "archive");
    uint64_t records;

    int err = archive_replay(dir, &c->ingest, clock_now(clock_system()), &records);
    if (!err)
        c->archive = archive_start(
            &(struct archive_conf){ .store = c->store, .fresh = c->fresh, .dir = dir });
    free(dir);
    return c->archive ? ABENG_OK : ABENG_ERR;
}

/* A table that need not be there. */
static const char *readable(const char *path)
{
    return access(path, R_OK) == 0 ? path : NULL;
}

static int start_worker(struct collector *c)
{
    char host[256] = "collector";

    gethostname(host, sizeof(host) - 1);
    char *owner = xasprintf("%s:%s", host, c->o->data_dir);
    c->worker = worker_start(&(struct worker_conf){
        .store = c->store,
        .fresh = c->fresh,
        .classify_path = table_path(c->o->classify, ABENG_SYSCONFDIR "/classify.tsv",
                                    ABENG_DATADIR "/classify.tsv"),
        .assets_path = table_path(c->o->assets, ABENG_SYSCONFDIR "/assets.tsv", NULL),
        .damping_path = readable(table_path(c->o->damping, ABENG_SYSCONFDIR "/damping.tsv",
                                            ABENG_DATADIR "/damping.tsv")),
        .owner = owner,
    });
    free(owner);
    return c->worker ? ABENG_OK : ABENG_ERR;
}

/* The first administrator's password is shown once, to whoever starts the collector. */
static int open_logins(struct collector *c)
{
    char password[24], *path = below(c, "admin.token");

    c->auth = auth_create(c->store, NULL);
    int made = auth_first_admin(c->auth, password);
    int err = made < 0 ? made : auth_local_token(c->auth, path);
    if (err)
        log_error("server", "%s: can't make the local administrator's token", path);
    else if (made)
        printf("first login: user admin, password %s (shown this once)\n", password);
    fflush(stdout);
    free(path);
    return err;
}

/* What the collector knows of itself, as alarms. */
static void check_self(void *arg, struct alarms *alarms)
{
    struct collector *c = arg;
    struct archive_stats archive;
    struct worker_stats worker;

    archive_stats(c->archive, &archive);
    worker_stats(c->worker, &worker);
    if (archive.failing)
        alarms_hold(alarms, &(struct alarm){ "archive-behind", 1, NULL, "", 0, 1,
                                             "the archive can't be written: is its disk full?" });
    else if (archive.lag_ms > BEHIND_MS)
        alarms_hold(alarms, &(struct alarm){ "archive-behind", 2, NULL, "", 0, 1,
                                             "the archive is more than a minute behind" });
    /* The lag is that of the last batch folded: it says something while batches are folded. */
    if (worker.lag_ms > BEHIND_MS && worker.alerts != c->folded)
        alarms_hold(alarms, &(struct alarm){ "worker-behind", 1, NULL, "", 0, 1,
                                             "alerts reach the queue more than a minute late" });
    if (!worker.states && clock_mono_ns() > c->started_ns + STARTING_NS)
        alarms_hold(alarms, &(struct alarm){ "worker-behind", 1, NULL, "", 0, 1,
                                             "no state's alerts are being folded" });
    c->folded = worker.alerts;
}

static int start_alarms(struct collector *c)
{
    c->alarms = alarms_start(
        &(struct alarms_conf){ .store = c->store, .check = check_self, .check_arg = c });
    return c->alarms ? ABENG_OK : ABENG_ERR;
}

/* The key that signs webhooks: made once, its public half beside it for receivers. */
static int open_notice_key(struct collector *c)
{
    char *path = below(c, "notices.key"), *public = below(c, "notices.pem");
    char secret[SIGN_FILE_MAX], pem[SIGN_PEM_TEXT];
    struct buf text;
    buf_init(&text, SIGN_FILE_MAX);
    int err = file_read(path, &text);
    if (err == ABENG_EIO && errno == ENOENT) {
        sign_key_create(&c->notice_key);
        err = sign_secret_format(&c->notice_key, secret, sizeof secret);
        if (!err)
            err = file_replace(path, secret, strlen(secret), 0600);
        explicit_bzero(secret, sizeof secret);
    } else if (!err) {
        err = sign_secret_parse((const char *)text.data, text.len, NULL, &c->notice_key);
    }
    if (!err) {
        sign_public_pem(&c->notice_key.public_key, pem);
        err = file_replace(public, pem, strlen(pem), 0644);
    }
    if (err)
        log_error("server", "%s: can't be read or made: %s", path, err_text(err));
    buf_free(&text);
    free(path);
    free(public);
    return err;
}

/* Notices; links in them begin with what the operator says, or with our first name and port. */
static int start_notify(struct collector *c)
{
    const struct collector_options *o = c->o;
    const char *port = strrchr(o->listen, ':');
    c->public_url = o->public_url ? xstrdup(o->public_url)
                                  : xasprintf("https://%s%s", o->names[0], port ? port : "");
    int err = read_password("smtp-password-file", o->smtp_password_file, &c->smtp_password);
    if (!err)
        err = open_notice_key(c);
    if (err)
        return err;
    c->notify = notify_start(&(struct notify_conf){
        .store = c->store,
        .model = c->model,
        .public_url = c->public_url,
        .send = {
            .smtp_url = o->smtp_url,
            .smtp_user = o->smtp_user,
            .smtp_password = c->smtp_password.len ? buf_str(&c->smtp_password) : NULL,
            .mail_from = o->mail_from,
            .key = &c->notice_key,
            .ca_file = o->notify_ca,
        },
    });
    return c->notify ? ABENG_OK : ABENG_ERR;
}

static int open_triage(struct collector *c)
{
    int err = start_worker(c);

    if (!err)
        err = start_alarms(c);
    if (!err)
        err = open_logins(c);
    if (!err) {
        c->model = model_start(c->store, NULL);
        c->retire =
            (struct retire_conf){ c->retired_dir = below(c, "incidents"), c->o->incident_days };
        c->timers = c->model ? verbs_clock_start(c->store, c->model, NULL, &c->retire) : NULL;
        err = c->timers ? ABENG_OK : ABENG_ERR;
    }
    if (!err)
        err = start_notify(c);
    if (!err)
        c->api = api_create(&(struct api_conf){
            .store = c->store,
            .model = c->model,
            .auth = c->auth,
            .sensors = c->sensors,
            .feeds = c->feeds,
            .worker = c->worker,
            .packets = c->packets,
            .archive = c->archive,
            .alarms = c->alarms,
            .ingest = &c->ingest,
            .notify = c->notify,
            .retired_dir = c->retired_dir,
        });
    return err;
}

static void fill_listeners(struct collector *c)
{
    c->link_tables[0] = ingest_table(&c->ingest);
    c->link_tables[1] = feeds_table(c->feeds);
    c->listeners[SITE_ANALYSTS] = (struct http_listener){
        .name = "analysts",
        .address = c->o->listen,
        .cert_pem = ca_server_cert_pem(c->ca),
        .key_pem = ca_server_key_pem(c->ca),
        .tables = c->api_tables,
        .table_count = api_tables(c->api, c->api_tables),
        .admit = auth_admit,
        .admit_arg = c->auth,
        .around = api_once,
        .around_arg = c->api,
        .static_dir = c->o->console_dir,
    };
    c->listeners[SITE_SENSORS] = (struct http_listener){
        .name = "sensors",
        .address = c->o->sensor_listen,
        .cert_pem = ca_server_cert_pem(c->ca),
        .key_pem = ca_server_key_pem(c->ca),
        .client_ca_pem = ca_cert_pem(c->ca),
        .tables = c->link_tables,
        .table_count = LINK_TABLES,
        .admit = sensors_admit,
        .admit_arg = c->sensors,
    };
}

/* Where we listen, for tools on this host. */
static void write_endpoints(const struct collector *c)
{
    struct buf b;
    char *path = below(c, "endpoints");

    buf_init(&b, 1024);
    buf_printf(&b, "analysts https://localhost:%u\nsensors https://localhost:%u\n",
               collector_port(c, 0), collector_port(c, 1));
    if (file_replace(path, b.data, b.len, 0644) != ABENG_OK)
        log_warn("server", "can't write %s: %s", path, strerror(errno));
    buf_free(&b);
    free(path);
}

static int serve(struct collector *c)
{
    fill_listeners(c);
    c->http = http_server_start(&(struct http_conf){ 0 }, c->listeners, SITES);
    if (!c->http)
        return ABENG_ERR;
    fill_addresses(c, collector_port(c, 1));
    sensors_attach(c->sensors, c->http);
    api_attach(c->api, c->http);
    write_endpoints(c);
    log_notice("server", "analysts at https://%s:%u, sensors at %s:%u", c->o->names[0],
               collector_port(c, 0), c->o->names[0], collector_port(c, 1));
    return ABENG_OK;
}

struct collector *collector_start(const struct collector_options *o)
{
    struct collector *c = xcalloc(1, sizeof(*c));
    int err = sign_init();

    buf_init(&c->smtp_password, SECRET_MAX);
    c->o = o;
    c->started_ns = clock_mono_ns();
    if (!err && file_make_dirs(o->data_dir, 0700) != ABENG_OK) {
        log_error("server", "data-dir %s: %s", o->data_dir, strerror(errno));
        err = ABENG_EIO;
    }
    if (!err)
        err = open_ca(c);
    if (!err)
        err = open_store(c);
    if (!err)
        err = open_register(c);
    if (!err)
        err = start_archive(c);
    if (!err)
        err = open_triage(c);
    if (!err)
        err = serve(c);
    if (!err)
        return c;
    collector_stop(c);
    return NULL;
}

unsigned collector_port(const struct collector *c, int sensors)
{
    return http_server_port(c->http, sensors ? SITE_SENSORS : SITE_ANALYSTS);
}

void collector_stop(struct collector *c)
{
    if (!c)
        return;
    http_server_stop(c->http);
    notify_stop(c->notify);
    verbs_clock_stop(c->timers);
    model_stop(c->model);
    api_free(c->api);
    alarms_stop(c->alarms);
    worker_stop(c->worker);
    archive_stop(c->archive);
    fresh_free(c->fresh);
    auth_free(c->auth);
    feeds_close(c->feeds);
    packets_close(c->packets);
    sensors_free(c->sensors);
    store_close(c->store);
    store_embed_stop(c->embed);
    ca_close(c->ca);
    for (unsigned i = 0; c->addresses && i < c->o->names_count; i++)
        free(c->addresses[i]);
    free(c->addresses);
    free(c->retired_dir);
    free(c->public_url);
    buf_free(&c->smtp_password);
    free(c);
}
