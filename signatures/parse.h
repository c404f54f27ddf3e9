/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reading rules: variables, classification, files and lines into a rule set.
 */
#ifndef SIGNATURES_PARSE_H
#define SIGNATURES_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sig_ruleset;
struct sig_parser;
struct sig_policy;

/**
 * A parser with the built-in address variables (all `any`), Suricata's default port variables and
 * classification table.
 */
struct sig_parser *sig_parser_create(void);

/** Read also what Suricata 7.0.10 does not know (profile abeng): see docs/RULES.md. */
void sig_parser_go_beyond(struct sig_parser *p);

/**
 * Free the parser and the set it has made, unless sig_parser_finish took the set. NULL is
 * allowed.
 */
void sig_parser_free(struct sig_parser *p);

/**
 * Set an address variable ("HOME_NET", "[192.0.2.0/24,!192.0.2.9]"); 0, or ABENG_EFORMAT with
 * `reason` (static or owned by the parser) saying what is wrong.
 */
int sig_parser_set_address(struct sig_parser *p, const char *name, const char *value,
                           const char **reason);

/** Set a port variable likewise ("HTTP_PORTS", "[80,8080:8090]"). */
int sig_parser_set_ports(struct sig_parser *p, const char *name, const char *value,
                         const char **reason);

/**
 * Read a classification.config (text of `len` bytes) in place of the built-in table; lines that
 * are wrong are reported through log and skipped.
 */
int sig_parser_read_classification(struct sig_parser *p, const char *text, size_t len,
                                   const char *file);

/**
 * Rules read from now on are read as the policy (borrowed until sig_parser_finish) wants them, and
 * its variables are set. 0, or ABENG_EFORMAT with `reason` (as sig_parser_set_address).
 */
int sig_parser_use_policy(struct sig_parser *p, struct sig_policy *policy, const char **reason);

/**
 * Give rules that are read from now on a list (dataset, datarep) under its name; it is copied. A
 * rule names it by its name, or by what stands behind the last slash.
 */
void sig_parser_add_list(struct sig_parser *p, const char *name, const char *text, size_t len);

/**
 * Read categories of reputation, or a list, for the rules that are read from now on (see
 * signatures/reputation.h). Returns how many lines could not be read and were passed over.
 */
unsigned sig_parser_read_categories(struct sig_parser *p, const char *text, size_t len);
/** A list. */
unsigned sig_parser_read_reputation(struct sig_parser *p, const char *text, size_t len);

/**
 * Rules of another source follow, `channel`: all lists are forgotten, and datasets are its own, so
 * that no partner's rules change what another's ask.
 */
void sig_parser_begin_source(struct sig_parser *p, const char *channel);

/**
 * Read all rules of one file (its bytes: `len` at `text`; may hold anything). `file` is copied
 * and names it in verdicts. A rule that can't be loaded leaves a verdict and stops nothing.
 * Backslash-newline continues a line, # starts a comment.
 */
void sig_parser_read_rules(struct sig_parser *p, const char *text, size_t len, const char *file);

/**
 * End reading: rules with the same sid and gid keep the highest rev (an equal one: the first, as
 * Suricata, with a verdict), the load-time order is set. The set belongs to the caller, who frees
 * it with sig_ruleset_free.
 */
struct sig_ruleset *sig_parser_finish(struct sig_parser *p);

/** Free a set. NULL is allowed. */
void sig_ruleset_free(struct sig_ruleset *set);

#endif
