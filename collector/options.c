/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the collector. */
#include "config.h"
#include "collector/options.h"

#include <cyaml/cyaml.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/triage/retire.h"
#include "common/err.h"
#include "common/log.h"
#include "common/settings.h"
#include "common/xalloc.h"

#define CONF_MAX       (256u << 10)
#define NAMES_MAX      64
#define HOST_MAX       256
#define DATA_DIR       ABENG_STATEDIR "/collector"
#define LISTEN         "0.0.0.0:8443"
#define LISTEN_SENSORS "0.0.0.0:8444"

#define TEXT(key, member)                                                                          \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,                          \
                           struct collector_options, member, 1, 4096)

static const cyaml_schema_value_t name_entry = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1,
                                                                    HOST_MAX) };
static const cyaml_schema_field_t fields[] = {
    TEXT("data-dir", data_dir),
    TEXT("listen", listen),
    TEXT("sensor-listen", sensor_listen),
    TEXT("redis", redis),
    TEXT("redis-password-file", redis_password_file),
    TEXT("redis-program", redis_program),
    TEXT("console-dir", console_dir),
    TEXT("classify", classify),
    TEXT("assets", assets),
    TEXT("damping", damping),
    TEXT("smtp-url", smtp_url),
    TEXT("smtp-user", smtp_user),
    TEXT("smtp-password-file", smtp_password_file),
    TEXT("mail-from", mail_from),
    TEXT("notify-ca", notify_ca),
    TEXT("public-url", public_url),
    CYAML_FIELD_SEQUENCE("names", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct collector_options, names, &name_entry, 0, NAMES_MAX),
    CYAML_FIELD_UINT("incident-days", CYAML_FLAG_OPTIONAL, struct collector_options, incident_days),
    CYAML_FIELD_UINT("memory-mib", CYAML_FLAG_OPTIONAL, struct collector_options, memory_mib),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = { CYAML_VALUE_MAPPING(
    CYAML_FLAG_POINTER, struct collector_options, fields) };

/* Take over the file's settings; the shell that libcyaml made around them goes. */
static int read_file(struct collector_options *o, const char *path)
{
    struct collector_options *read = settings_load("options", path, CONF_MAX, &schema);
    if (!read)
        return ABENG_EINVAL;
    *o = *read;
    free(read);
    return ABENG_OK;
}

enum {
    OPT_DATA_DIR = 256,
    OPT_LISTEN,
    OPT_SENSOR_LISTEN,
    OPT_REDIS,
    OPT_REDIS_PASSWORD,
    OPT_REDIS_PROGRAM,
    OPT_CONSOLE,
    OPT_CLASSIFY,
    OPT_ASSETS,
    OPT_DAMPING,
    OPT_SMTP_URL,
    OPT_SMTP_USER,
    OPT_SMTP_PASSWORD,
    OPT_MAIL_FROM,
    OPT_NOTIFY_CA,
    OPT_PUBLIC_URL,
    OPT_NAME,
    OPT_INCIDENT_DAYS,
    OPT_MEMORY,
    OPT_LOG,
    OPT_VERSION,
};

static const struct option long_options[] = {
    { "data-dir", required_argument, NULL, OPT_DATA_DIR },
    { "listen", required_argument, NULL, OPT_LISTEN },
    { "sensor-listen", required_argument, NULL, OPT_SENSOR_LISTEN },
    { "redis", required_argument, NULL, OPT_REDIS },
    { "redis-password-file", required_argument, NULL, OPT_REDIS_PASSWORD },
    { "redis-program", required_argument, NULL, OPT_REDIS_PROGRAM },
    { "console-dir", required_argument, NULL, OPT_CONSOLE },
    { "classify", required_argument, NULL, OPT_CLASSIFY },
    { "assets", required_argument, NULL, OPT_ASSETS },
    { "damping", required_argument, NULL, OPT_DAMPING },
    { "smtp-url", required_argument, NULL, OPT_SMTP_URL },
    { "smtp-user", required_argument, NULL, OPT_SMTP_USER },
    { "smtp-password-file", required_argument, NULL, OPT_SMTP_PASSWORD },
    { "mail-from", required_argument, NULL, OPT_MAIL_FROM },
    { "notify-ca", required_argument, NULL, OPT_NOTIFY_CA },
    { "public-url", required_argument, NULL, OPT_PUBLIC_URL },
    { "name", required_argument, NULL, OPT_NAME },
    { "incident-days", required_argument, NULL, OPT_INCIDENT_DAYS },
    { "memory-mib", required_argument, NULL, OPT_MEMORY },
    { "log-level", required_argument, NULL, OPT_LOG },
    { "version", no_argument, NULL, OPT_VERSION },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void print_help(void)
{
    puts(
        "abeng-collector: takes sensors' alerts, makes incidents of them, serves analysts.\n"
        "\n"
        "usage: abeng-collector [options]\n"
        "\n"
        "  -c FILE                     configuration (YAML; keys are the long options' names)\n"
        "  --data-dir DIR              everything that is kept (" DATA_DIR ")\n"
        "  --listen ADDRESS:PORT       console and API (" LISTEN ")\n"
        "  --sensor-listen ADDRESS:PORT  sensors (" LISTEN_SENSORS ")\n"
        "  --name HOST                 name or address that sensors and browsers reach this host "
        "by;\n"
        "                              may be given more than once (the host's own name)\n"
        "  --redis ADDRESS             HOST:PORT or unix:/PATH of a Redis; without it the "
        "collector\n"
        "                              runs its own redis-server in DIR/redis\n"
        "  --redis-password-file FILE  its password\n"
        "  --redis-program FILE        the redis-server to run\n"
        "  --memory-mib N              limit of our own redis-server (half of the machine's)\n"
        "  --console-dir DIR           files of the console (" ABENG_DATADIR "/console)\n"
        "  --classify FILE             what alerts mean (" ABENG_SYSCONFDIR "/classify.tsv, else\n"
        "                              " ABENG_DATADIR "/classify.tsv)\n"
        "  --assets FILE               what stands behind addresses (" ABENG_SYSCONFDIR
        "/assets.tsv)\n"
        "  --damping FILE              what is likely harmless (" ABENG_SYSCONFDIR
        "/damping.tsv, else\n"
        "                              " ABENG_DATADIR "/damping.tsv)\n"
        "  --smtp-url URL              mail server for notices: smtp://HOST:PORT or smtps://HOST\n"
        "  --smtp-user NAME            account there\n"
        "  --smtp-password-file FILE   its password\n"
        "  --mail-from ADDRESS         sender of notices\n"
        "  --notify-ca FILE            CA certificates of mail server and webhooks (the system's)\n"
        "  --public-url URL            what recipients' links begin with (https://NAME:PORT)\n"
        "  --incident-days N           days that what ended stays in the store (400, 31 at least)\n"
        "  --log-level LEVEL           error, warn, notice, info or debug\n"
        "  -T                          check the settings and leave\n"
        "  --version, --help");
}

static void set(char **to, const char *value)
{
    free(*to);
    *to = xstrdup(value);
}

/* Names on the command line replace those of the file. */
static int add_name(struct collector_options *o, const char *name, bool *given)
{
    if (!*given) {
        for (unsigned i = 0; i < o->names_count; i++)
            free(o->names[i]);
        o->names_count = 0;
        *given = true;
    }
    if (o->names_count == NAMES_MAX || !*name || strlen(name) >= HOST_MAX) {
        log_error("options", "--name \"%.64s\": at most %d names of 1 to %d characters", name,
                  NAMES_MAX, HOST_MAX - 1);
        return ABENG_EINVAL;
    }
    o->names = xreallocarray(o->names, o->names_count + 1, sizeof(*o->names));
    o->names[o->names_count++] = xstrdup(name);
    return ABENG_OK;
}

static int set_memory(struct collector_options *o, const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (end == text || *end || n > 1u << 24) {
        log_error("options", "--memory-mib \"%s\" is not a number of MiB", text);
        return ABENG_EINVAL;
    }
    o->memory_mib = (unsigned)n;
    return ABENG_OK;
}

static int set_days(struct collector_options *o, const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (end == text || *end || n > 36500) {
        log_error("options", "--incident-days \"%s\" is not a number of days", text);
        return ABENG_EINVAL;
    }
    o->incident_days = (unsigned)n;
    return ABENG_OK;
}

static int set_log_level(const char *text)
{
    enum log_level level;

    if (!log_level_parse(text, &level)) {
        log_error("options", "--log-level \"%s\" is none of error, warn, notice, info, debug",
                  text);
        return ABENG_EINVAL;
    }
    log_open("abeng-collector", level);
    return ABENG_OK;
}

/* The field a plain text option goes to, or NULL. */
static char **text_of(struct collector_options *o, int option)
{
    switch (option) {
    case OPT_DATA_DIR:
        return &o->data_dir;
    case OPT_LISTEN:
        return &o->listen;
    case OPT_SENSOR_LISTEN:
        return &o->sensor_listen;
    case OPT_REDIS:
        return &o->redis;
    case OPT_REDIS_PASSWORD:
        return &o->redis_password_file;
    case OPT_REDIS_PROGRAM:
        return &o->redis_program;
    case OPT_CONSOLE:
        return &o->console_dir;
    case OPT_CLASSIFY:
        return &o->classify;
    case OPT_ASSETS:
        return &o->assets;
    case OPT_DAMPING:
        return &o->damping;
    case OPT_SMTP_URL:
        return &o->smtp_url;
    case OPT_SMTP_USER:
        return &o->smtp_user;
    case OPT_SMTP_PASSWORD:
        return &o->smtp_password_file;
    case OPT_MAIL_FROM:
        return &o->mail_from;
    case OPT_NOTIFY_CA:
        return &o->notify_ca;
    case OPT_PUBLIC_URL:
        return &o->public_url;
    default:
        return NULL;
    }
}

static int take_option(struct collector_options *o, int option, bool *named)
{
    char **text = text_of(o, option);

    if (text) {
        set(text, optarg);
        return ABENG_OK;
    }
    switch (option) {
    case 'c':
        return ABENG_OK; /* read before the others */
    case 'T':
        o->test = true;
        return ABENG_OK;
    case OPT_NAME:
        return add_name(o, optarg, named);
    case OPT_INCIDENT_DAYS:
        return set_days(o, optarg);
    case OPT_MEMORY:
        return set_memory(o, optarg);
    case OPT_LOG:
        return set_log_level(optarg);
    case OPT_VERSION:
        puts("abeng-collector " PACKAGE_VERSION);
        return 1;
    case 'h':
        print_help();
        return 1;
    default:
        return ABENG_EINVAL;
    }
}

/* The file first, wherever -c stands, so that the rest of the line lies over it. */
static int take_file(struct collector_options *o, int argc, char **argv)
{
    int option, err = ABENG_OK;

    optind = 1;
    opterr = 0;
    while (!err && (option = getopt_long(argc, argv, "c:Th", long_options, NULL)) != -1) {
        if (option == 'c')
            err = read_file(o, optarg);
    }
    optind = 1;
    opterr = 1;
    return err;
}

static void fill_defaults(struct collector_options *o)
{
    char host[HOST_MAX] = "localhost";

    if (!o->data_dir)
        o->data_dir = xstrdup(DATA_DIR);
    if (!o->listen)
        o->listen = xstrdup(LISTEN);
    if (!o->sensor_listen)
        o->sensor_listen = xstrdup(LISTEN_SENSORS);
    if (!o->console_dir)
        o->console_dir = xstrdup(ABENG_DATADIR "/console");
    if (o->names_count)
        return;
    gethostname(host, sizeof(host) - 1);
    bool given = true;
    add_name(o, host, &given);
}

int collector_options_read(struct collector_options *o, int argc, char **argv)
{
    bool named = false;
    int option;

    memset(o, 0, sizeof(*o));
    int err = take_file(o, argc, argv);
    while (!err && (option = getopt_long(argc, argv, "c:Th", long_options, NULL)) != -1)
        err = take_option(o, option, &named);
    if (!err && o->incident_days && o->incident_days < RETIRE_DAYS_MIN) {
        log_error("options", "incident-days: at least %u, since what ended may be opened again",
                  RETIRE_DAYS_MIN);
        err = ABENG_EINVAL;
    }
    if (!err && optind < argc) {
        log_error("options", "\"%s\" is not an option; try --help", argv[optind]);
        err = ABENG_EINVAL;
    }
    if (!err)
        fill_defaults(o);
    return err;
}

void collector_options_free(struct collector_options *o)
{
    for (unsigned i = 0; i < o->names_count; i++)
        free(o->names[i]);
    free(o->names);
    free(o->data_dir);
    free(o->listen);
    free(o->sensor_listen);
    free(o->redis);
    free(o->redis_password_file);
    free(o->redis_program);
    free(o->console_dir);
    free(o->classify);
    free(o->assets);
    free(o->damping);
    free(o->smtp_url);
    free(o->smtp_user);
    free(o->smtp_password_file);
    free(o->mail_from);
    free(o->notify_ca);
    free(o->public_url);
}
