/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. */
#include "config.h"
#include "sensor/options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/conf.h"
#include "sensor/engine.h"
#include "sensor/ruleprofile.h"

#define DRAIN_DEFAULT_S 30
#define TOP_DEFAULT     25

static const char usage[] =
    "Usage: abeng-sensor -r CAPTURE|FOLDER… | -i INTERFACE… [-S RULES]… [-c CONFIG] [-l DIR]\n"
    "       abeng-sensor enrol --token TOKEN --dir DIR      join a collector\n"
    "       abeng-sensor doctor [-c CONFIG] [-i INTERFACE…]  what of this host stands in the way\n"
    "       abeng-sensor profile [-c CONFIG | -l DIR] [--top N] [--json]  what rules cost\n"
    "\n"
    "Read or listen\n"
    "  -r PATH              a capture (pcap, pcapng) or a folder of them; may be repeated\n"
    "  -i INTERFACE         listen on an interface (AF_PACKET); may be repeated\n"
    "  --follow EVE.JSON    send the alerts of another engine (a plain Suricata); with -c\n"
    "  -k none|all          check checksums of packets (default: all)\n"
    "Rules\n"
    "  -S FILE              load rules from FILE; may be repeated\n"
    "  -T                   check configuration and rules, then exit\n"
    "  --rule-report FILE   one JSON line for each rule: loaded or refused, and why (- for "
    "stdout)\n"
    "  --rule-profile       write rule-profile.json: what rules cost (see abeng-sensor profile)\n"
    "  --profile NAME       suricata7 (the same alerts as Suricata 7.0.10; default) or abeng\n"
    "Output and state\n"
    "  -l DIR               eve.json and stats.json go here (default: .)\n"
    "  -c FILE              configuration; see abeng-sensor.yaml(5)\n"
    "  --state-dir DIR      identity, spool and bundles\n"
    "  --cache-dir DIR      compiled rule sets\n"
    "  --drain SECONDS      with -r: wait so long for the collector to have everything (default: "
    "30)\n"
    "Other\n"
    "  --workers N          packet threads (1 to 64)\n"
    "  --no-ndpi            leave nDPI out\n"
    "  --no-flow-records    eve.json has alerts alone, not the flows that ended\n"
    "  --json               with -T, doctor and profile: the result as one JSON object on stdout\n"
    "  --log-level LEVEL    error, warn, notice (default), info, debug\n"
    "  --version, --help\n";

enum {
    OPT_WORKERS = 256,
    OPT_PROFILE,
    OPT_REPORT,
    OPT_RULE_PROFILE,
    OPT_TOP,
    OPT_FOLLOW,
    OPT_STATE,
    OPT_CACHE,
    OPT_DRAIN,
    OPT_NO_NDPI,
    OPT_NO_FLOW_RECORDS,
    OPT_JSON,
    OPT_LEVEL,
    OPT_VERSION
};

static const struct option long_options[] = {
    { "workers", required_argument, NULL, OPT_WORKERS },
    { "profile", required_argument, NULL, OPT_PROFILE },
    { "rule-report", required_argument, NULL, OPT_REPORT },
    { "rule-profile", no_argument, NULL, OPT_RULE_PROFILE },
    { "top", required_argument, NULL, OPT_TOP },
    { "follow", required_argument, NULL, OPT_FOLLOW },
    { "state-dir", required_argument, NULL, OPT_STATE },
    { "cache-dir", required_argument, NULL, OPT_CACHE },
    { "drain", required_argument, NULL, OPT_DRAIN },
    { "no-ndpi", no_argument, NULL, OPT_NO_NDPI },
    { "no-flow-records", no_argument, NULL, OPT_NO_FLOW_RECORDS },
    { "json", no_argument, NULL, OPT_JSON },
    { "log-level", required_argument, NULL, OPT_LEVEL },
    { "version", no_argument, NULL, OPT_VERSION },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* What the command line says, before it is laid over the configuration. */
struct raw {
    const char *config, *profile, *log_dir, *state_dir, *cache_dir, *checksums;
    const char **interfaces;
    unsigned interface_count, workers;
    bool no_ndpi, no_flow_records;
};

static void append(const char ***list, unsigned *n, const char *value)
{
    *list = xreallocarray(*list, *n + 1, sizeof(**list));
    (*list)[(*n)++] = value;
}

static int number(const char *option, const char *text, unsigned low, unsigned high, unsigned *out)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || n < low || n > high) {
        log_error("options", "%s %s: write a number from %u to %u", option, text, low, high);
        return ABENG_EINVAL;
    }
    *out = (unsigned)n;
    return ABENG_OK;
}

static int set_level(const char *word)
{
    enum log_level level;
    if (!log_level_parse(word, &level)) {
        log_error("options", "--log-level %s: use error, warn, notice, info or debug", word);
        return ABENG_EINVAL;
    }
    log_open("abeng-sensor", level);
    return ABENG_OK;
}

static int one_option(struct options *o, struct raw *raw, int c)
{
    switch (c) {
    case 'r':
        append(&o->captures, &o->capture_count, optarg);
        return ABENG_OK;
    case 'i':
        append(&raw->interfaces, &raw->interface_count, optarg);
        return ABENG_OK;
    case 'S':
        append(&o->rules, &o->rule_count, optarg);
        return ABENG_OK;
    case 'c':
        raw->config = optarg;
        return ABENG_OK;
    case 'l':
        raw->log_dir = optarg;
        return ABENG_OK;
    case 'k':
        raw->checksums = optarg;
        return ABENG_OK;
    case 'T':
        o->test = true;
        return ABENG_OK;
    case OPT_WORKERS:
        return number("--workers", optarg, 1, ENGINE_WORKERS_MAX, &raw->workers);
    case OPT_DRAIN:
        return number("--drain", optarg, 0, 86400, &o->drain_s);
    case OPT_PROFILE:
        raw->profile = optarg;
        return ABENG_OK;
    case OPT_REPORT:
        o->rule_report = optarg;
        return ABENG_OK;
    case OPT_RULE_PROFILE:
        o->rule_profile = true;
        return ABENG_OK;
    case OPT_TOP:
        return number("--top", optarg, 1, RULEPROFILE_MAX, &o->top);
    case OPT_FOLLOW:
        o->follow = optarg;
        return ABENG_OK;
    case OPT_STATE:
        raw->state_dir = optarg;
        return ABENG_OK;
    case OPT_CACHE:
        raw->cache_dir = optarg;
        return ABENG_OK;
    case OPT_NO_NDPI:
        raw->no_ndpi = true;
        return ABENG_OK;
    case OPT_NO_FLOW_RECORDS:
        raw->no_flow_records = true;
        return ABENG_OK;
    case OPT_JSON:
        o->json = true;
        return ABENG_OK;
    case OPT_LEVEL:
        return set_level(optarg);
    default:
        return ABENG_EINVAL;
    }
}

static void replace(char **setting, const char *value)
{
    if (value) {
        free(*setting);
        *setting = xstrdup(value);
    }
}

static void lay_interfaces(struct sensor_conf *c, const struct raw *raw)
{
    if (!raw->interface_count)
        return;
    for (uint32_t i = 0; i < c->interfaces_count; i++) {
        free(c->interfaces[i].name);
        free(c->interfaces[i].bpf);
    }
    c->interfaces = xreallocarray(c->interfaces, raw->interface_count, sizeof(*c->interfaces));
    c->interfaces_count = raw->interface_count;
    for (uint32_t i = 0; i < c->interfaces_count; i++)
        c->interfaces[i] = (struct conf_interface){ .name = xstrdup(raw->interfaces[i]) };
}

/* Without a system-wide folder to write to, a person's own cache serves (XDG base directories). */
static char *default_cache(void)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (geteuid() == 0)
        return xstrdup(ABENG_CACHEDIR);
    if (xdg && *xdg == '/')
        return xasprintf("%s/abeng", xdg);
    return home && *home == '/' ? xasprintf("%s/.cache/abeng", home) : NULL;
}

static int lay_over(struct options *o, const struct raw *raw)
{
    struct sensor_conf *c = o->conf;
    replace(&c->profile, raw->profile);
    replace(&c->state_dir, raw->state_dir);
    replace(&c->cache_dir, raw->cache_dir);
    replace(&c->log_dir, raw->log_dir);
    replace(&c->user, c->user ? NULL : "abeng");
    replace(&c->state_dir, c->state_dir ? NULL : ABENG_STATEDIR);
    if (!c->cache_dir)
        c->cache_dir = default_cache();
    lay_interfaces(c, raw);
    if (raw->workers)
        c->workers = raw->workers;
    c->ndpi.off |= raw->no_ndpi;
    c->flow_records.off |= raw->no_flow_records;
    for (uint32_t i = 0; i < c->rule_files_count; i++)
        append(&o->rules, &o->rule_count, c->rule_files[i]);
    o->log_dir = c->log_dir ? c->log_dir : ".";
    o->keeps = o->has_conf || raw->state_dir;
    o->profile_abeng = c->profile && strcmp(c->profile, "abeng") == 0;
    o->check_checksums = !raw->checksums || strcmp(raw->checksums, "all") == 0;
    o->live = !o->capture_count && (o->follow || c->interfaces_count > 0);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    o->workers = c->workers                   ? c->workers
                 : !o->live                   ? 1
                 : cores < 1                  ? 1
                 : cores > ENGINE_WORKERS_MAX ? ENGINE_WORKERS_MAX
                                              : (unsigned)cores;
    return ABENG_OK;
}

static int check(const struct options *o, const struct raw *raw, int argc, char **argv)
{
    if (optind < argc) {
        log_error("options", "%s: unexpected argument; see abeng-sensor --help", argv[optind]);
        return ABENG_EINVAL;
    }
    if (raw->checksums && strcmp(raw->checksums, "none") != 0 &&
        strcmp(raw->checksums, "all") != 0) {
        log_error("options", "-k %s: use none or all", raw->checksums);
        return ABENG_EINVAL;
    }
    if (raw->profile && strcmp(raw->profile, "suricata7") != 0 &&
        strcmp(raw->profile, "abeng") != 0) {
        log_error("options", "--profile %s: use suricata7 or abeng", raw->profile);
        return ABENG_EINVAL;
    }
    if (o->follow && (o->capture_count || raw->interface_count)) {
        log_error("options", "--follow goes without -r and -i: it reads alerts, not packets");
        return ABENG_EINVAL;
    }
    if (o->follow && !raw->config) {
        log_error("options", "--follow needs -c CONFIG: its state-dir holds identity and spool");
        return ABENG_EINVAL;
    }
    if (o->capture_count && raw->interface_count) {
        log_error("options", "-r and -i do not go together; give captures or interfaces");
        return ABENG_EINVAL;
    }
    return ABENG_OK;
}

int options_read(struct options *o, int argc, char **argv)
{
    struct raw raw = { 0 };
    int c, err = ABENG_OK;
    *o = (struct options){ .drain_s = DRAIN_DEFAULT_S, .top = TOP_DEFAULT };
    o->doctor = argc > 1 && strcmp(argv[1], "doctor") == 0;
    o->show_profile = argc > 1 && strcmp(argv[1], "profile") == 0;
    if (o->doctor || o->show_profile) {
        argc--;
        argv++;
    }
    while (err == ABENG_OK &&
           (c = getopt_long(argc, argv, "r:i:S:c:l:k:Th", long_options, NULL)) != -1) {
        if (c == 'h' || c == OPT_VERSION) {
            fputs(c == 'h' ? usage : "abeng-sensor " PACKAGE_VERSION "\n", stdout);
            free(raw.interfaces);
            return 1;
        }
        err = one_option(o, &raw, c);
    }
    if (err == ABENG_OK)
        err = check(o, &raw, argc, argv);
    if (err == ABENG_OK && !(o->conf = conf_load(raw.config)))
        err = ABENG_EINVAL;
    if (err == ABENG_OK)
        err = lay_over(o, &raw);
    o->has_conf = raw.config != NULL;
    if (err == ABENG_OK && !o->test && !o->doctor && !o->show_profile && !o->live &&
        !o->capture_count) {
        log_error("options",
                  "nothing to read: give -r CAPTURE, -i INTERFACE or --follow EVE.JSON (see "
                  "--help)");
        err = ABENG_EINVAL;
    }
    free(raw.interfaces);
    return err;
}

void options_free(struct options *o)
{
    free(o->captures);
    free(o->rules);
    conf_free(o->conf);
}
