/* SPDX-License-Identifier: Apache-2.0 */
/* abeng-sensor ledger: shows a day, checks all of them. Reads only. */
#include "config.h"
#include "sensor/uplink/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "sensor/uplink/identity.h"

#define FILE_MAX_ (1u << 20)
#define DAY_LEN   10
#define WHY_MAX   256

struct show {
    const char *state_dir, *day;
    char *dir;
    bool json, verify;
};

static void print_help(void)
{
    puts("usage: abeng-sensor ledger [--day YYYY-MM-DD] [--json] [--dir DIR]\n"
         "       abeng-sensor ledger verify [--day YYYY-MM-DD] [--json] [--dir DIR]\n"
         "\n"
         "What left this network: calls and bytes by purpose and by collector, records by lane, "
         "the\n"
         "last records as they were sent, commands received. A day (UTC) is signed with this\n"
         "sensor's key once it is over; verify checks signatures and that no day was changed.\n"
         "\n"
         "  --day DAY   this day, not the latest (verify: not all)\n"
         "  --json      as JSON\n"
         "  --dir DIR   where the identity is kept (" ABENG_STATEDIR ")");
}

/* ---- reading --------------------------------------------------------------------------------- */

static int is_day(const struct dirent *e)
{
    return strlen(e->d_name) == DAY_LEN + 5 && e->d_name[4] == '-' && e->d_name[7] == '-' &&
           !strcmp(e->d_name + DAY_LEN, ".json");
}

/* Days that there are, oldest first; how many, or below 0 after a log line. Free each and all. */
static int list_days(const struct show *s, struct dirent ***days)
{
    int n = scandir(s->dir, days, is_day, alphasort);
    if (n > 0)
        return n;
    if (n == 0)
        free(*days);
    log_error("ledger", "%s: %s", s->dir,
              n < 0 && errno != ENOENT ? strerror(errno)
                                       : "there is no ledger; nothing was sent yet, or --dir is "
                                         "another one");
    return ABENG_ENOENT;
}

static void free_days(struct dirent **days, int n)
{
    for (int i = 0; i < n; i++)
        free(days[i]);
    free(days);
}

static int read_file(const struct show *s, const char *name, const char *suffix, struct buf *out)
{
    char *path = xasprintf("%s/%s%s", s->dir, name, suffix);
    buf_clear(out);
    int err = file_read(path, out);
    if (err && (errno != ENOENT || !strcmp(suffix, ".json")))
        log_error("ledger", "%s: %s", path, err == ABENG_EIO ? strerror(errno) : err_text(err));
    free(path);
    return err;
}

static json_int_t number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

/* What came over the network is shown without its control characters. */
static void print_text(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void print_member(const json_t *o, const char *name, int width)
{
    const char *text = json_string_value(json_object_get(o, name));
    text = text ? text : "";
    print_text(text);
    printf("%*s", (int)strlen(text) < width ? width - (int)strlen(text) : 1, "");
}

/* ---- showing --------------------------------------------------------------------------------- */

static void print_sums(const json_t *list, const char *title, const char *name, const char *more)
{
    size_t i;
    const json_t *one;
    printf("\n%-34s%10s%10s%16s%16s\n", title, "CALLS", "FAILED", "BYTES OUT", "BYTES IN");
    json_array_foreach(list, i, one)
    {
        const char *text = json_string_value(json_object_get(one, name));
        const char *rest = more ? json_string_value(json_object_get(one, more)) : NULL;
        char *both =
            xasprintf("%s%s%s", text ? text : "", rest && *rest ? " " : "", rest ? rest : "");
        print_text(both);
        printf("%*s%10lld%10lld%16lld%16lld\n", (int)strlen(both) < 34 ? 34 - (int)strlen(both) : 1,
               "", (long long)number(one, "calls"), (long long)number(one, "failed"),
               (long long)number(one, "bytes_out"), (long long)number(one, "bytes_in"));
        free(both);
    }
}

static void print_records(const json_t *list)
{
    size_t i;
    const json_t *one;
    printf("\n%-34s%10s%26s%16s\n", "LANE", "RECORDS", "BYTES", "PACKED");
    json_array_foreach(list, i, one)
    {
        print_member(one, "lane", 34);
        printf("%10lld%26lld%16lld\n", (long long)number(one, "records"),
               (long long)number(one, "bytes"), (long long)number(one, "packed"));
    }
}

static void print_commands(const json_t *root)
{
    size_t i;
    const json_t *one;
    printf("\n%lld commands received\n", (long long)number(root, "commands_received"));
    json_array_foreach(json_object_get(root, "commands"), i, one)
    {
        print_member(one, "at", 26);
        print_member(one, "verb", 14);
        print_member(one, "argument", 0);
        putchar('\n');
    }
}

static void print_last(const struct show *s)
{
    struct buf text;
    buf_init(&text, FILE_MAX_);
    if (!read_file(s, "last", ".ndjson", &text) && text.len)
        printf("\nThe last records, as they were sent:\n%s", buf_str(&text));
    buf_free(&text);
}

static void print_day(const struct show *s, const json_t *root, bool is_signed)
{
    print_member(root, "sensor", 0);
    print_member(root, "day", 0);
    printf("%s\n", is_signed ? "(over, signed)" : "(not signed yet)");
    print_sums(json_object_get(root, "calls"), "WHAT FOR", "what", NULL);
    print_sums(json_object_get(root, "destinations"), "TO", "address", "ip");
    print_records(json_object_get(root, "records"));
    print_commands(root);
    print_last(s);
}

/* The last records as an array of texts: what they say is not ours to change. */
static json_t *last_of(const struct show *s)
{
    json_t *list = json_array();
    struct buf text;
    buf_init(&text, FILE_MAX_);
    if (!read_file(s, "last", ".ndjson", &text))
        for (char *save, *line = strtok_r((char *)(uintptr_t)buf_str(&text), "\n", &save); line;
             line = strtok_r(NULL, "\n", &save))
            json_array_append_new(list, json_string(line));
    buf_free(&text);
    return list;
}

static int show_day(const struct show *s, const char *day)
{
    struct buf text, sig;
    buf_init(&text, FILE_MAX_);
    buf_init(&sig, FILE_MAX_);
    int err = read_file(s, day, ".json", &text);
    json_t *root =
        err ? NULL : json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    bool is_signed = !err && read_file(s, day, ".sig", &sig) == ABENG_OK;
    if (!err && !root) {
        log_error("ledger", "%s/%s.json is damaged", s->dir, day);
        err = ABENG_EFORMAT;
    }
    if (!err && s->json) {
        json_object_set_new(root, "signed", json_boolean(is_signed));
        json_object_set_new(root, "last_records", last_of(s));
        json_dumpf(root, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (!err) {
        print_day(s, root, is_signed);
    }
    json_decref(root);
    buf_free(&text);
    buf_free(&sig);
    return err;
}

/* ---- checking -------------------------------------------------------------------------------- */

struct check {
    const struct show *show;
    char before[DAY_LEN + 1], hash[SIGN_DIGEST_TEXT]; /* the day before, "" none */
    json_t *items;
    bool bad;
};

/* What is wrong with a day, "" nothing. The latest need not be signed. */
static void check_day(struct check *c, const char *day, bool latest, char why[WHY_MAX],
                      bool *is_signed)
{
    struct buf text, sig;
    buf_init(&text, FILE_MAX_);
    buf_init(&sig, FILE_MAX_);
    why[0] = '\0';
    json_t *root = NULL;
    if (read_file(c->show, day, ".json", &text))
        snprintf(why, WHY_MAX, "it can't be read");
    else if (!(root = json_loadb((const char *)text.data, text.len, 0, NULL)))
        snprintf(why, WHY_MAX, "it is damaged");
    *is_signed = root && read_file(c->show, day, ".sig", &sig) == ABENG_OK;
    if (*is_signed)
        identity_check(c->show->state_dir, text.data, text.len, &sig, why, WHY_MAX);
    else if (root && !latest)
        snprintf(why, WHY_MAX, "it is over and not signed");
    const json_t *previous = json_object_get(root, "previous");
    const char *of = json_string_value(json_object_get(previous, "day"));
    const char *hash = json_string_value(json_object_get(previous, "blake2b_256"));
    if (root && !*why && *c->before && (!of || strcmp(of, c->before) != 0))
        snprintf(why, WHY_MAX, "it says that %s came before, and that is not here",
                 of ? of : "none");
    else if (root && !*why && *c->before && (!hash || strcmp(hash, c->hash) != 0))
        snprintf(why, WHY_MAX, "%s was changed after this day had begun", c->before);
    snprintf(c->before, sizeof(c->before), "%s", day);
    sign_digest_text(text.data, text.len, c->hash);
    json_decref(root);
    buf_free(&text);
    buf_free(&sig);
}

static void take_day(struct check *c, const char *day, bool latest)
{
    char why[WHY_MAX];
    bool is_signed;
    check_day(c, day, latest, why, &is_signed);
    if (c->show->day && strcmp(c->show->day, day) != 0)
        return;
    c->bad |= *why != '\0';
    json_array_append_new(c->items, json_pack("{s:s, s:b, s:b, s:s}", "day", day, "signed",
                                              is_signed, "ok", !*why, "why", why));
    if (!c->show->json)
        printf("%s  %s%s%s\n", day, *why ? "WRONG: " : "ok", why,
               *why || is_signed ? "" : ", not signed yet");
}

static int verify(const struct show *s)
{
    struct dirent **days;
    struct check c = { .show = s, .items = json_array() };
    int n = list_days(s, &days);
    for (int i = 0; i < n; i++) {
        char day[DAY_LEN + 1];
        snprintf(day, sizeof(day), "%.10s", days[i]->d_name);
        take_day(&c, day, i == n - 1);
    }
    if (n > 0)
        free_days(days, n);
    if (n > 0 && !json_array_size(c.items)) {
        log_error("ledger", "there is no ledger of %s", s->day);
        c.bad = true;
    }
    if (n > 0 && s->json) {
        json_t *out = json_pack("{s:O, s:b}", "items", c.items, "ok", !c.bad);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(out);
    }
    json_decref(c.items);
    return n > 0 && !c.bad ? ABENG_OK : ABENG_ERR;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* 0 to go on, 1 done, below 0 wrong. */
static int read_arguments(int argc, char **argv, struct show *s)
{
    static const struct option options[] = {
        { "day", required_argument, NULL, 'd' },
        { "json", no_argument, NULL, 'j' },
        { "dir", required_argument, NULL, 'D' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            print_help();
            return 1;
        }
        if (option == '?')
            return ABENG_EINVAL;
        s->day = option == 'd' ? optarg : s->day;
        s->state_dir = option == 'D' ? optarg : s->state_dir;
        s->json |= option == 'j';
    }
    s->verify = optind < argc && !strcmp(argv[optind], "verify");
    if (optind + s->verify == argc && (!s->day || strlen(s->day) == DAY_LEN))
        return ABENG_OK;
    log_error("ledger", "%s",
              optind + s->verify < argc ? "only verify and options are expected; try --help"
                                        : "a day is YYYY-MM-DD");
    return ABENG_EINVAL;
}

int ledger_main(int argc, char **argv)
{
    struct show s = { .state_dir = ABENG_STATEDIR };
    struct dirent **days;
    int err = read_arguments(argc, argv, &s);
    if (err)
        return err > 0 ? 0 : 1;
    if (sign_init() != ABENG_OK)
        return 1;
    s.dir = xasprintf("%s/ledger", s.state_dir);
    if (s.verify) {
        err = verify(&s);
    } else if (s.day) {
        err = show_day(&s, s.day);
    } else {
        int n = list_days(&s, &days);
        err = n < 0 ? n : 0;
        char day[DAY_LEN + 1] = "";
        if (n > 0) {
            snprintf(day, sizeof(day), "%.10s", days[n - 1]->d_name);
            free_days(days, n);
            err = show_day(&s, day);
        }
    }
    free(s.dir);
    return err ? 1 : 0;
}
