/* SPDX-License-Identifier: Apache-2.0 */
/**
 * abengctl: the API on the command line. A command's way: main reads global options, finds the
 * command in the const tables of the cmd_*.c files, checks its options, and calls it with a client
 * (client.h) that knows where the collector is and who asks. The command makes one or two requests
 * and prints the reply: a table for people, with hostile texts made harmless, or with --json the
 * reply as it came.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct client;
struct print_column;

/** Options that every command takes; "name=" has a value. */
#define CTL_GLOBAL_OPTIONS "url= ca= token= data-dir= once= local json help"

/** Most words and options of one command line. */
#define CTL_WORDS_MAX 64

/** Exit statuses. */
enum ctl_exit {
    CTL_OK = 0,
    CTL_FAILED = 1, /* refused, not there, not reachable; a line on stderr has said why */
    CTL_USAGE = 2,  /* the command line is wrong */
};

/** A command line behind the command's name. */
struct ctl_args {
    const char *words[CTL_WORDS_MAX];
    size_t count;
    const char *names[CTL_WORDS_MAX]; /* of options, without dashes */
    const char *values[CTL_WORDS_MAX];
    size_t option_count;
};

/** What every command gets. */
struct ctl {
    struct client *client;
    struct ctl_args args;
    bool json;
};

struct ctl_command {
    const char *name;    /* "queue", "incident claim" */
    const char *usage;   /* what follows the name */
    const char *options; /* allowed, blank-separated; a name that ends in = takes a value */
    size_t words_min, words_max;
    const char *help;
    enum ctl_exit (*run)(struct ctl *c);
};

/** The commands, in the order of the help. */
struct ctl_commands {
    const struct ctl_command *commands;
    size_t count;
};
extern const struct ctl_commands ctl_session_commands, ctl_triage_commands, ctl_admin_commands,
    ctl_archive_commands, ctl_account_commands, ctl_evidence_commands, ctl_notice_commands,
    ctl_export_commands, ctl_security_commands, ctl_completion_commands,
    ctl_link_commands, ctl_restore_commands;

/** Hand out each command of the tables. */
void ctl_commands_each(void (*fn)(void *arg, const struct ctl_command *k), void *arg);

/** Run a command line; what main returns. */
int ctl_main(int argc, char **argv);

/** Word `i`, or NULL. */
const char *ctl_word(const struct ctl *c, size_t i);

/** Value of an option ("" for one that takes none), or NULL when it was not given. */
const char *ctl_option(const struct ctl *c, const char *name);

/** Set `key` of `body` to an option's value when it was given. */
void ctl_put(const struct ctl *c, json_t *body, const char *key, const char *option);

/** One line on stderr, and the exit status for a wrong command line. */
enum ctl_exit ctl_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** One line on stderr, and the exit status for what failed. */
enum ctl_exit ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * Make a request and take the reply, which may be NULL for an empty one: CTL_OK, or CTL_FAILED
 * after a line that says what the collector refused. `body` is freed.
 */
enum ctl_exit ctl_call(struct ctl *c, const char *method, const char *path, json_t *body,
                       json_t **reply);

/** The same with a body of any kind; `header` names it ("Content-Type: text/csv"), NULL: JSON. */
enum ctl_exit ctl_send(struct ctl *c, const char *path, const char *header, const void *body,
                       size_t len, json_t **reply);

/** GET a reply that is no JSON into `out`: CTL_OK, or CTL_FAILED after a line that says why. */
enum ctl_exit ctl_raw(struct ctl *c, const char *path, struct buf *out);

/** The path of what the first word names, escaped, between `start` and `tail`; free it. */
char *ctl_path(const struct ctl *c, const char *start, const char *tail);

/** GET a list and print its items as a table of `count` columns, or the reply as JSON. */
enum ctl_exit ctl_list(struct ctl *c, const char *path, const struct print_column *columns,
                       size_t count);

/**
 * Read a password from the terminal without echo, or one line of stdin when it is none: 0 or
 * ABENG_EOF.
 */
int ctl_read_password(const char *prompt, char *out, size_t size);

#endif
