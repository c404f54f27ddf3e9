/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the command line, and what commands share. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "collector/ctl/client.h"
#include "collector/ctl/print.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/xalloc.h"

/** Longest reply. */
#define REPLY_MAX (64u << 20)

static const struct ctl_commands *const tables[] = {
    &ctl_session_commands,  &ctl_triage_commands,   &ctl_admin_commands,      &ctl_archive_commands,
    &ctl_account_commands,  &ctl_evidence_commands, &ctl_notice_commands,     &ctl_export_commands,
    &ctl_security_commands, &ctl_link_commands,     &ctl_completion_commands, &ctl_restore_commands,
};

static void say(const char *fmt, va_list ap)
{
    struct buf safe;
    char text[1024];
    vsnprintf(text, sizeof text, fmt, ap);
    buf_init(&safe, 4 * sizeof text);
    print_safe(&safe, text, 0);
    fprintf(stderr, "abengctl: %s\n", buf_str(&safe));
    buf_free(&safe);
}

enum ctl_exit ctl_usage(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    return CTL_USAGE;
}

enum ctl_exit ctl_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    return CTL_FAILED;
}

/* ---- words and options ----------------------------------------------------------------------- */

const char *ctl_word(const struct ctl *c, size_t i)
{
    return i < c->args.count ? c->args.words[i] : NULL;
}

const char *ctl_option(const struct ctl *c, const char *name)
{
    for (size_t i = c->args.option_count; i-- > 0;)
        if (!strcmp(c->args.names[i], name))
            return c->args.values[i];
    return NULL;
}

void ctl_put(const struct ctl *c, json_t *body, const char *key, const char *option)
{
    const char *value = ctl_option(c, option);
    if (value)
        json_object_set_new(body, key, json_string(value));
}

/* Whether `name` stands in a list of options: 0 no, 1 without, 2 with a value. */
static int listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += n)
        if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ' ' || at[n] == '='))
            return at[n] == '=' ? 2 : 1;
    return 0;
}

/* Any command may have the option; which one it is is not known yet. */
static int listed_anywhere(const char *name)
{
    int kind = listed(CTL_GLOBAL_OPTIONS, name);
    for (size_t t = 0; t < sizeof tables / sizeof *tables && !kind; t++)
        for (size_t i = 0; i < tables[t]->count && !kind; i++)
            kind = listed(tables[t]->commands[i].options, name);
    return kind;
}

static enum ctl_exit read_option(struct ctl_args *a, int argc, char **argv, int *i)
{
    char *name = argv[*i] + 2, *equals = strchr(name, '=');
    if (equals)
        *equals = '\0';
    int kind = *name ? listed_anywhere(name) : 0;
    if (!kind)
        return ctl_usage("there is no option --%s; see abengctl help", name);
    if (equals && kind == 1)
        return ctl_usage("--%s takes no value", name);
    if (kind == 2 && !equals && *i + 1 == argc)
        return ctl_usage("--%s needs a value", name);
    a->names[a->option_count] = name;
    a->values[a->option_count++] = equals ? equals + 1 : kind == 2 ? argv[++*i] : "";
    return CTL_OK;
}

static enum ctl_exit read_args(struct ctl_args *a, int argc, char **argv)
{
    bool plain = false;
    for (int i = 1; i < argc; i++) {
        if (a->count == CTL_WORDS_MAX || a->option_count == CTL_WORDS_MAX)
            return ctl_usage("too many words");
        if (!plain && !strcmp(argv[i], "--")) {
            plain = true;
        } else if (!plain && !strncmp(argv[i], "--", 2)) {
            if (read_option(a, argc, argv, &i))
                return CTL_USAGE;
        } else {
            a->words[a->count++] = argv[i];
        }
    }
    return CTL_OK;
}

/* ---- help ------------------------------------------------------------------------------------ */

static enum ctl_exit help(void)
{
    puts("abengctl: the queue, incidents, sensors, feeds and users of an Abeng collector\n");
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct ctl_command *k = &tables[t]->commands[i];
            printf("  abengctl %s %s\n      %s\n", k->name, k->usage, k->help);
        }
    puts("\nEvery command: [--url URL] [--ca FILE] [--token TOKEN] [--data-dir DIR | --local] "
         "[--once KEY] [--json]\n"
         "Without them: ABENG_URL, ABENG_CA, ABENG_TOKEN; then what login has kept; then the "
         "collector on this host.");
    return CTL_OK;
}

void ctl_commands_each(void (*fn)(void *arg, const struct ctl_command *k), void *arg)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            fn(arg, &tables[t]->commands[i]);
}

/* ---- finding the command --------------------------------------------------------------------- */

/* How many words of the line a command's name is; 0 when it is not this one. */
static size_t named(const struct ctl_command *k, const struct ctl_args *a)
{
    char name[64];
    snprintf(name, sizeof name, "%s %s", a->words[0], a->count > 1 ? a->words[1] : "");
    if (!strcmp(k->name, name))
        return 2;
    return !strcmp(k->name, a->words[0]);
}

static const struct ctl_command *find(struct ctl_args *a)
{
    const struct ctl_command *best = NULL;
    size_t words = 0;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            size_t n = named(&tables[t]->commands[i], a);
            if (n > words) {
                words = n;
                best = &tables[t]->commands[i];
            }
        }
    memmove(a->words, a->words + words, (a->count - words) * sizeof *a->words);
    a->count -= words;
    return best;
}

static enum ctl_exit check(const struct ctl_command *k, const struct ctl *c)
{
    for (size_t i = 0; i < c->args.option_count; i++)
        if (!listed(k->options, c->args.names[i]) && !listed(CTL_GLOBAL_OPTIONS, c->args.names[i]))
            return ctl_usage("abengctl %s takes no --%s", k->name, c->args.names[i]);
    if (c->args.count < k->words_min || c->args.count > k->words_max)
        return ctl_usage("usage: abengctl %s %s", k->name, k->usage);
    return CTL_OK;
}

int ctl_main(int argc, char **argv)
{
    struct ctl c = { .json = false };
    if (read_args(&c.args, argc, argv))
        return CTL_USAGE;
    if (!c.args.count || !strcmp(c.args.words[0], "help") || ctl_option(&c, "help"))
        return help();
    const char *asked = c.args.words[0];
    const struct ctl_command *k = find(&c.args);
    if (!k)
        return ctl_usage("there is no command %s; see abengctl help", asked);
    if (check(k, &c))
        return CTL_USAGE;
    const char *once = ctl_option(&c, "once");
    if (once && strpbrk(once, "\r\n"))
        return ctl_usage("--once is one word");
    c.json = ctl_option(&c, "json") != NULL;
    c.client = client_open(&(struct client_conf){
        .url = ctl_option(&c, "url"),
        .ca = ctl_option(&c, "ca"),
        .token = ctl_option(&c, "token"),
        .data_dir = ctl_option(&c, "data-dir"),
        .once = once,
        .local = ctl_option(&c, "local") != NULL,
    });
    int status = k->run(&c);
    client_close(c.client);
    return status;
}

/* ---- requests -------------------------------------------------------------------------------- */

static enum ctl_exit say_problem(long status, const json_t *problem)
{
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const char *rule = json_string_value(json_object_get(problem, "rule"));
    return ctl_fail("%ld: %s%s%s%s", status, detail ? detail : "the collector refused",
                    rule ? " (" : "", rule ? rule : "", rule ? ")" : "");
}

static enum ctl_exit ask(struct ctl *c, const char *method, const char *path, const char *header,
                         const void *body, size_t len, json_t **reply)
{
    struct buf text;
    char why[512];
    struct client_reply r = { 0, &text };
    enum ctl_exit done = CTL_OK;
    buf_init(&text, REPLY_MAX);
    *reply = NULL;
    int err = client_ask(c->client, method, path, body, len, header, &r, why, sizeof why);
    if (!err && text.len)
        *reply = json_loadb((const char *)text.data, text.len, 0, NULL);
    if (err)
        done = ctl_fail("%s", why);
    else if (r.status < 200 || r.status > 299)
        done = say_problem(r.status, *reply);
    else if (text.len && !*reply)
        done = ctl_fail("the collector's reply is not JSON; is this an Abeng collector?");
    buf_free(&text);
    return done;
}

enum ctl_exit ctl_call(struct ctl *c, const char *method, const char *path, json_t *body,
                       json_t **reply)
{
    char *sent = body ? json_dumps(body, JSON_COMPACT) : NULL;
    enum ctl_exit done = ask(c, method, path, NULL, sent, sent ? strlen(sent) : 0, reply);
    free(sent);
    json_decref(body);
    return done;
}

enum ctl_exit ctl_send(struct ctl *c, const char *path, const char *header, const void *body,
                       size_t len, json_t **reply)
{
    return ask(c, "POST", path, header, body, len, reply);
}

char *ctl_path(const struct ctl *c, const char *start, const char *tail)
{
    char *part = client_escape(c->client, ctl_word(c, 0));
    char *path = xasprintf("%s%s%s", start, part, tail);
    free(part);
    return path;
}

enum ctl_exit ctl_raw(struct ctl *c, const char *path, struct buf *out)
{
    char why[512];
    struct client_reply r = { 0, out };
    if (client_ask(c->client, "GET", path, NULL, 0, NULL, &r, why, sizeof why))
        return ctl_fail("%s", why);
    if (r.status == 200)
        return CTL_OK;
    json_t *problem = json_loadb((const char *)out->data, out->len, 0, NULL);
    enum ctl_exit done = say_problem(r.status, problem);
    json_decref(problem);
    return done;
}

enum ctl_exit ctl_list(struct ctl *c, const char *path, const struct print_column *columns,
                       size_t count)
{
    json_t *reply;
    enum ctl_exit done = ctl_call(c, "GET", path, NULL, &reply);
    if (!done && c->json)
        print_json(reply);
    else if (!done)
        print_table(json_object_get(reply, "items"), columns, count);
    json_decref(reply);
    return done;
}

int ctl_read_password(const char *prompt, char *out, size_t size)
{
    struct termios before, quiet;
    bool terminal = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &before);
    if (terminal) {
        fputs(prompt, stderr);
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    char *line = fgets(out, (int)size, stdin);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (!line)
        return ABENG_EOF;
    out[strcspn(out, "\r\n")] = '\0';
    return 0;
}
