/* SPDX-License-Identifier: Apache-2.0 */
/* abeng-signatures: check rules; make, sign and verify bundles. Exits 0 done, 1 wrong, 2 usage. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "signatures/bundle.h"
#include "signatures/parse.h"
#include "signatures/print.h"
#include "signatures/report.h"
#include "signatures/ruleset.h"
#include "signatures/tar.h"

#define RULES_MAX            (512u << 20)
#define EXIT_USAGE           2
#define SECONDS_PER_DAY      86400ull
#define EXPIRES_DAYS_DEFAULT 30
#define EXPIRES_DAYS_MAX     3650

static const char usage[] =
    "usage: abeng-signatures COMMAND …\n"
    "  check [-v NAME=VALUE]… [-C CLASSIFICATION] [-L LIST]… [--profile NAME] [--json] FILE…\n"
    "                      read rules and say what becomes of each one that is refused\n"
    "                      (--json: a line for every rule); exit 1 when any is refused;\n"
    "                      -L: a list that rules name (dataset, filemd5 …); --profile: suricata7\n"
    "                      (default) or abeng, which knows more keywords\n"
    "  print [-v NAME=VALUE]… FILE…\n"
    "                      write the rules that load as they were understood\n"
    "  keygen -s SECRET -p PUBLIC\n"
    "                      make a key pair (minisign's format, secret key not encrypted)\n"
    "  pack --partner NAME --channel NAME --version N [--expires DAYS] -o BUNDLE FILE|DIR…\n"
    "                      put files into a bundle; a folder's files keep their names under it\n"
    "  sign -s SECRET BUNDLE\n"
    "                      write BUNDLE.minisig; a password, where the key has one, is taken\n"
    "                      from ABENG_KEY_PASSWORD\n"
    "  verify -p PUBLIC [--list] BUNDLE\n"
    "                      check signature and content, print what the manifest says\n"
    "  --help, --version\n"
    "Variables: HOME_NET=[192.0.2.0/24] sets an address variable, HTTP_PORTS=[80,8080] (a name\n"
    "that ends in PORTS) one of ports.\n";

static int say(const char *what, const char *why)
{
    fprintf(stderr, "abeng-signatures: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

static int misuse(const char *why)
{
    fprintf(stderr, "abeng-signatures: %s (abeng-signatures --help)\n", why);
    return EXIT_USAGE;
}

static bool slurp(const char *path, size_t max, struct buf *out)
{
    buf_init(out, max);
    int rc = file_read(path, out);
    if (rc)
        say(path, rc == ABENG_ELIMIT ? "too large" : strerror(errno));
    return rc == 0;
}

/* ---- rules ------------------------------------------------------------------------------ */

static int set_variable(struct sig_parser *p, const char *text)
{
    char *name = xstrdup(text), *equals = strchr(name, '=');
    const char *reason = "NAME=VALUE";
    int rc = ABENG_EFORMAT;
    if (equals) {
        *equals = 0;
        size_t n = strlen(name);
        bool ports = n >= 5 && strcmp(name + n - 5, "PORTS") == 0;
        rc = (ports ? sig_parser_set_ports : sig_parser_set_address)(p, name, equals + 1, &reason);
    }
    if (rc)
        say(text, reason);
    free(name);
    return rc;
}

static int read_classification(struct sig_parser *p, const char *path)
{
    struct buf text;
    int rc = slurp(path, RULES_MAX, &text) ? 0 : ABENG_EIO;
    if (!rc)
        rc = sig_parser_read_classification(p, (const char *)text.data, text.len, path);
    buf_free(&text);
    return rc;
}

/* A list is known by its path, and by what stands behind the last slash of it. */
static int read_list(struct sig_parser *p, const char *path)
{
    struct buf text;
    int rc = slurp(path, RULES_MAX, &text) ? 0 : ABENG_EIO;
    if (!rc)
        sig_parser_add_list(p, path, (const char *)text.data, text.len);
    buf_free(&text);
    return rc;
}

static int set_profile(struct sig_parser *p, const char *name)
{
    if (strcmp(name, "abeng") == 0)
        sig_parser_go_beyond(p);
    else if (strcmp(name, "suricata7") != 0)
        return misuse("--profile: use suricata7 or abeng");
    return 0;
}

/* Read options and all files; NULL with a message, and the exit status. */
static struct sig_ruleset *read_rules(int argc, char **argv, bool *json, int *status)
{
    static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                             { "profile", required_argument, NULL, 'p' },
                                             { NULL, 0, NULL, 0 } };
    struct sig_parser *p = sig_parser_create();
    struct sig_ruleset *set = NULL;
    int rc = 0, c;
    while (!rc && (c = getopt_long(argc, argv, "v:C:L:", options, NULL)) != -1) {
        if (c == 'v')
            rc = set_variable(p, optarg);
        else if (c == 'C')
            rc = read_classification(p, optarg);
        else if (c == 'L')
            rc = read_list(p, optarg);
        else if (c == 'p')
            rc = set_profile(p, optarg);
        else if (c == 'j')
            *json = true;
        else
            rc = misuse("unknown option");
    }
    if (!rc && optind == argc)
        rc = misuse("no rules file is named");
    for (int i = optind; !rc && i < argc; i++) {
        struct buf text;
        if (slurp(argv[i], RULES_MAX, &text))
            sig_parser_read_rules(p, (const char *)text.data, text.len, argv[i]);
        else
            rc = ABENG_EIO;
        buf_free(&text);
    }
    if (!rc)
        set = sig_parser_finish(p);
    *status = rc == EXIT_USAGE ? EXIT_USAGE : EXIT_FAILURE;
    sig_parser_free(p);
    return set;
}

static void print_refused(const struct sig_ruleset *set)
{
    for (uint32_t i = 0; i < set->verdict_count; i++) {
        const struct sig_verdict *v = &set->verdicts[i];
        if (!v->loaded)
            printf("%s:%u: sid %u: %s\n", v->file, v->line, v->sid, v->reason);
    }
}

static int run_check(int argc, char **argv)
{
    bool json = false;
    int status;
    struct sig_ruleset *set = read_rules(argc, argv, &json, &status);
    if (!set)
        return status;
    if (json) {
        struct buf out;
        buf_init(&out, RULES_MAX);
        sig_report_write(set, &out);
        fwrite(out.data, 1, out.len, stdout);
        buf_free(&out);
    } else {
        print_refused(set);
        printf("%u rules: %u loaded, %u refused\n", set->verdict_count, set->rule_count,
               set->verdict_count - set->rule_count);
    }
    int rc = set->rule_count == set->verdict_count ? EXIT_SUCCESS : EXIT_FAILURE;
    sig_ruleset_free(set);
    return rc;
}

static int run_print(int argc, char **argv)
{
    bool json = false;
    int status;
    struct sig_ruleset *set = read_rules(argc, argv, &json, &status);
    if (!set)
        return status;
    for (uint32_t i = 0; i < set->rule_count; i++) {
        struct buf out;
        buf_init(&out, RULES_MAX);
        sig_print(set, &set->rules[i], &out);
        puts(buf_str(&out));
        buf_free(&out);
    }
    sig_ruleset_free(set);
    return EXIT_SUCCESS;
}

/* ---- keys ------------------------------------------------------------------------------- */

static int run_keygen(int argc, char **argv)
{
    const char *secret = NULL, *public = NULL;
    struct sign_secret key;
    char text[512];
    int c;
    while ((c = getopt(argc, argv, "s:p:")) != -1) {
        if (c == 's')
            secret = optarg;
        else if (c == 'p')
        public = optarg;
        else return misuse("unknown option");
    }
    if (!secret || !public || optind != argc)
        return misuse("keygen wants -s SECRET and -p PUBLIC");
    if (access(secret, F_OK) == 0)
        return say(secret, "is there already; a key is never overwritten");
    sign_key_create(&key);
    int rc = sign_secret_format(&key, text, sizeof(text));
    if (!rc)
        rc = file_replace(secret, text, strlen(text), 0600);
    if (rc)
        return say(secret, strerror(errno));
    rc = sign_public_format(&key.public_key, text, sizeof(text));
    sign_secret_wipe(&key);
    if (!rc)
        rc = file_replace(public, text, strlen(text), 0644);
    return rc ? say(public, strerror(errno)) : EXIT_SUCCESS;
}

static int run_sign(int argc, char **argv)
{
    const char *secret = NULL;
    struct buf key_text, bundle;
    struct sign_secret key;
    char signature[SIGN_FILE_MAX], time[CLOCK_TEXT_MAX];
    int c, rc = EXIT_FAILURE;
    while ((c = getopt(argc, argv, "s:")) != -1) {
        if (c != 's')
            return misuse("unknown option");
        secret = optarg;
    }
    if (!secret || optind + 1 != argc)
        return misuse("sign wants -s SECRET and one BUNDLE");
    if (!slurp(secret, SIGN_FILE_MAX, &key_text))
        return EXIT_FAILURE;
    int err = sign_secret_parse((const char *)key_text.data, key_text.len,
                                getenv("ABENG_KEY_PASSWORD"), &key);
    buf_free(&key_text);
    if (err)
        return say(secret, err == ABENG_EAUTH
                               ? "its password (ABENG_KEY_PASSWORD) is wrong or missing"
                               : "is no minisign secret key");
    char *out = xasprintf("%s.minisig", argv[optind]);
    clock_format_rfc3339(clock_now(clock_system()), time);
    char *comment = xasprintf("signed %s", time);
    if (!slurp(argv[optind], BUNDLE_PACKED_MAX, &bundle))
        goto out;
    if (sign_make(&key, bundle.data, bundle.len, comment, signature, sizeof(signature)) ||
        file_replace(out, signature, strlen(signature), 0644))
        say(out, strerror(errno));
    else
        rc = EXIT_SUCCESS;
out:
    sign_secret_wipe(&key);
    buf_free(&bundle);
    free(comment);
    free(out);
    return rc;
}

/* ---- bundles ---------------------------------------------------------------------------- */

struct pack {
    struct bundle_manifest manifest;
    struct bundle_file files[BUNDLE_FILES_MAX];
    struct buf contents[BUNDLE_FILES_MAX];
    char *names[BUNDLE_FILES_MAX];
    size_t count;
};

static int pack_file(struct pack *p, const char *path, const char *name)
{
    if (p->count == BUNDLE_FILES_MAX)
        return say(path, "more files than a bundle may have");
    if (!tar_name_ok(name))
        return say(path, "letters, digits, . _ - and / make a file's name in a bundle");
    struct buf *content = &p->contents[p->count];
    if (!slurp(path, TAR_SIZE_MAX, content)) {
        buf_free(content);
        return EXIT_FAILURE;
    }
    p->names[p->count] = xstrdup(name);
    p->files[p->count] = (struct bundle_file){ p->names[p->count], content->data, content->len };
    p->count++;
    return 0;
}

static int pack_path(struct pack *p, const char *path, const char *name);

static int pack_dir(struct pack *p, const char *path, const char *name)
{
    DIR *dir = opendir(path);
    const struct dirent *e;
    int rc = 0;
    if (!dir)
        return say(path, strerror(errno));
    while (!rc && (e = readdir(dir))) {
        if (e->d_name[0] == '.')
            continue;
        char *below = xasprintf("%s/%s", path, e->d_name);
        char *inner = *name ? xasprintf("%s/%s", name, e->d_name) : xstrdup(e->d_name);
        rc = pack_path(p, below, inner);
        free(below);
        free(inner);
    }
    closedir(dir);
    return rc;
}

static int pack_path(struct pack *p, const char *path, const char *name)
{
    struct stat st;
    if (stat(path, &st))
        return say(path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return pack_dir(p, path, name);
    return S_ISREG(st.st_mode) ? pack_file(p, path, name) : say(path, "is neither file nor folder");
}

static int number(const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno || end == text || *end || *out == 0 || *out > most || text[0] == '-';
}

static int pack_options(int argc, char **argv, struct pack *p, const char **out)
{
    static const struct option options[] = {
        {"partner",  required_argument, NULL, 'P'},
        { "channel", required_argument, NULL, 'c'},
        { "version", required_argument, NULL, 'n'},
        { "expires", required_argument, NULL, 'e'},
        { "output",  required_argument, NULL, 'o'},
        { NULL,      0,                 NULL, 0  },
    };
    uint64_t days = EXPIRES_DAYS_DEFAULT;
    int c;
    while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        if (c == 'P')
            snprintf(p->manifest.partner, sizeof(p->manifest.partner), "%s", optarg);
        else if (c == 'c')
            snprintf(p->manifest.channel, sizeof(p->manifest.channel), "%s", optarg);
        else if (c == 'o')
            *out = optarg;
        else if (c == 'n' && number(optarg, INT64_MAX, &p->manifest.version))
            return misuse("--version: a whole number from 1");
        else if (c == 'e' && number(optarg, EXPIRES_DAYS_MAX, &days))
            return misuse("--expires: days, 1 to 3650");
        else if (c == '?')
            return misuse("unknown option");
    }
    if (!*out || optind == argc)
        return misuse("pack wants -o BUNDLE and at least one FILE or DIR");
    p->manifest.created_ns = clock_now(clock_system());
    p->manifest.expires_ns = p->manifest.created_ns + days * SECONDS_PER_DAY * NS_PER_S;
    return 0;
}

static int run_pack(int argc, char **argv)
{
    struct pack *p = xcalloc(1, sizeof(*p));
    const char *path = NULL;
    char reason[256];
    struct buf out;
    buf_init(&out, BUNDLE_PACKED_MAX);
    int rc = pack_options(argc, argv, p, &path);
    for (int i = optind; !rc && i < argc; i++) {
        const char *slash = strrchr(argv[i], '/');
        struct stat st;
        bool dir = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        rc = pack_path(p, argv[i], dir ? "" : slash ? slash + 1 : argv[i]);
    }
    if (!rc && bundle_pack(&p->manifest, p->files, p->count, &out, reason, sizeof(reason)))
        rc = say("pack", reason);
    if (!rc && file_replace(path, out.data, out.len, 0644))
        rc = say(path, strerror(errno));
    for (size_t i = 0; i < p->count; i++) {
        buf_free(&p->contents[i]);
        free(p->names[i]);
    }
    buf_free(&out);
    free(p);
    return rc;
}

static void print_manifest(const struct bundle *b, bool list)
{
    const struct bundle_manifest *m = bundle_manifest(b);
    char created[CLOCK_TEXT_MAX], expires[CLOCK_TEXT_MAX];
    clock_format_rfc3339(m->created_ns, created);
    clock_format_rfc3339(m->expires_ns, expires);
    printf("partner %s, channel %s, version %llu, created %s, expires %s, %zu files\n", m->partner,
           m->channel, (unsigned long long)m->version, created, expires, m->file_count);
    for (size_t i = 0; list && i < m->file_count; i++)
        printf("%10zu %s\n", bundle_file(b, i)->len, bundle_file(b, i)->name);
}

static int verify_files(const char *key_path, const char *path, bool list)
{
    struct buf key, bundle, signature;
    struct bundle *b = NULL;
    char reason[256];
    char *sig_path = xasprintf("%s.minisig", path);
    bool read = slurp(key_path, SIGN_FILE_MAX, &key);
    read &= slurp(path, BUNDLE_PACKED_MAX, &bundle);
    read &= slurp(sig_path, SIGN_FILE_MAX, &signature);
    if (read) {
        b = bundle_open(bundle.data, bundle.len, (const char *)signature.data, signature.len,
                        buf_str(&key), reason, sizeof(reason));
        if (!b)
            say(path, reason);
    }
    int rc = b ? EXIT_SUCCESS : EXIT_FAILURE;
    uint64_t now = clock_now(clock_system());
    if (b)
        print_manifest(b, list);
    if (b && bundle_check_fresh(bundle_manifest(b), 0, now, reason, sizeof(reason)))
        rc = say(path, reason);
    bundle_free(b);
    buf_free(&key);
    buf_free(&bundle);
    buf_free(&signature);
    free(sig_path);
    return rc;
}

static int run_verify(int argc, char **argv)
{
    static const struct option options[] = {
        {"list", no_argument, NULL, 'l'},
        { NULL,  0,           NULL, 0  }
    };
    const char *key = NULL;
    bool list = false;
    int c;
    while ((c = getopt_long(argc, argv, "p:", options, NULL)) != -1) {
        if (c == 'p')
            key = optarg;
        else if (c == 'l')
            list = true;
        else
            return misuse("unknown option");
    }
    if (!key || optind + 1 != argc)
        return misuse("verify wants -p PUBLIC and one BUNDLE");
    return verify_files(key, argv[optind], list);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"check",   run_check },
    { "print",  run_print },
    { "keygen", run_keygen},
    { "pack",   run_pack  },
    { "sign",   run_sign  },
    { "verify", run_verify},
};

int main(int argc, char **argv)
{
    log_open("abeng-signatures", LOG_LEVEL_WARN);
    if (argc < 2)
        return misuse("no command");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("abeng-signatures " PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }
    if (sign_init())
        return say("libsodium", "can't be started");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    return misuse("unknown command");
}
