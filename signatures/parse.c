/* SPDX-License-Identifier: Apache-2.0 */
/* Reading rules: from files to a rule set. */
#include "config.h"
#include "signatures/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/xalloc.h"
#include "signatures/classification.h"
#include "signatures/keywords.h"
#include "signatures/lex.h"
#include "signatures/parser.h"
#include "signatures/policy.h"
#include "signatures/reputation.h"
#include "signatures/ranges.h"

/* Largest metadata or references of one rule. */
#define JSON_MAX (64u << 10)

/* Blocks of the set's arena: ET fills some thirty of them. */
#define SET_BLOCK (1u << 20)

/* Suricata's default variables; every address is `any` until the configuration says otherwise. */
static const char *const default_addresses[] = { "HOME_NET",       "EXTERNAL_NET", "HTTP_SERVERS",
                                                 "SMTP_SERVERS",   "SQL_SERVERS",  "DNS_SERVERS",
                                                 "TELNET_SERVERS", "AIM_SERVERS",  "DC_SERVERS",
                                                 "DNP3_SERVER",    "DNP3_CLIENT",  "MODBUS_CLIENT",
                                                 "MODBUS_SERVER",  "ENIP_CLIENT",  "ENIP_SERVER" };

static const struct {
    const char *name, *value;
} default_ports[] = {
    {"HTTP_PORTS",       "80"                   },
    { "SHELLCODE_PORTS", "!80"                  },
    { "ORACLE_PORTS",    "1521"                 },
    { "SSH_PORTS",       "22"                   },
    { "DNP3_PORTS",      "20000"                },
    { "MODBUS_PORTS",    "502"                  },
    { "FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"},
    { "FTP_PORTS",       "21"                   },
    { "GENEVE_PORTS",    "6081"                 },
    { "VXLAN_PORTS",     "4789"                 },
    { "TEREDO_PORTS",    "3544"                 },
};

static void set_variable(struct sig_parser *p, struct names *names, const char ***values,
                         const char *name, const char *value)
{
    uint32_t before, after;
    names_list(names, &before);
    uint32_t id = names_id(names, text_of(name));
    names_list(names, &after);
    if (after != before)
        *values = xreallocarray(*values, after, sizeof(**values));
    (*values)[id] = arena_strdup(p->scratch, value);
}

static struct buf *new_buf(void)
{
    struct buf *b = xcalloc(1, sizeof(*b));
    buf_init(b, JSON_MAX);
    return b;
}

static void draft_create(struct sig_parser *p)
{
    p->draft.parser = p;
    p->draft.set = p->set;
    p->draft.references = new_buf();
    p->draft.metadata = new_buf();
    p->modified = new_buf();
}

struct sig_parser *sig_parser_create(void)
{
    struct sig_parser *p = xcalloc(1, sizeof(*p));
    p->set = xcalloc(1, sizeof(*p->set));
    p->set->arena = arena_create(SET_BLOCK);
    p->scratch = arena_create(0);
    p->classes = classifications_create();
    p->keywords = keyword_index_create();
    p->address_vars = names_create(p->scratch);
    p->port_vars = names_create(p->scratch);
    p->addresses = names_create(p->scratch);
    p->ports = names_create(p->scratch);
    p->flowbits = names_create(p->set->arena);
    p->flowints = names_create(p->set->arena);
    p->xbits = names_create(p->set->arena);
    for (size_t i = 0; i < sizeof(default_addresses) / sizeof(default_addresses[0]); i++)
        set_variable(p, p->address_vars, &p->address_values, default_addresses[i], "any");
    for (size_t i = 0; i < sizeof(default_ports) / sizeof(default_ports[0]); i++)
        set_variable(p, p->port_vars, &p->port_values, default_ports[i].name,
                     default_ports[i].value);
    p->categories = xcalloc(REPUTATION_CATEGORIES, sizeof(*p->categories));
    p->reputation_tables = xcalloc(REPUTATION_CATEGORIES, sizeof(*p->reputation_tables));
    draft_create(p);
    /* Spec 0 is the payload. */
    parser_spec_intern(p, &(struct draft_list){ .buffer = SIG_BUF_PAYLOAD });
    return p;
}

void sig_parser_go_beyond(struct sig_parser *p)
{
    p->beyond = true;
}

static void forget_lowered(struct sig_parser *p)
{
    names_free(p->addresses);
    names_free(p->ports);
    p->addresses = names_create(p->scratch);
    p->ports = names_create(p->scratch);
}

static bool no_variable(void *arg, struct text name, struct text *value)
{
    (void)arg;
    (void)name;
    *value = text_of("any");
    return true;
}

int sig_parser_set_address(struct sig_parser *p, const char *name, const char *value,
                           const char **reason)
{
    struct range_vars vars = { no_variable, NULL, true };
    struct sig_addrs out;
    bool is_negated_variable = value[0] == '!' && value[1] == '$';
    *reason = p->reason;
    if (!is_negated_variable &&
        ranges_addresses(p->scratch, &vars, text_of(value), &out, p->reason, sizeof(p->reason)))
        return ABENG_EFORMAT;
    set_variable(p, p->address_vars, &p->address_values, name, value);
    forget_lowered(p);
    return 0;
}

int sig_parser_set_ports(struct sig_parser *p, const char *name, const char *value,
                         const char **reason)
{
    struct range_vars vars = { no_variable, NULL, true };
    struct sig_ports out;
    bool is_negated_variable = value[0] == '!' && value[1] == '$';
    *reason = p->reason;
    if (!is_negated_variable &&
        ranges_ports(p->scratch, &vars, text_of(value), &out, p->reason, sizeof(p->reason)))
        return ABENG_EFORMAT;
    set_variable(p, p->port_vars, &p->port_values, name, value);
    forget_lowered(p);
    return 0;
}

int sig_parser_read_classification(struct sig_parser *p, const char *text, size_t len,
                                   const char *file)
{
    return classifications_read(p->classes, (struct text){ text, len }, file) ? ABENG_EFORMAT : 0;
}

void parser_verdict_add(struct sig_parser *p, const char *file, uint32_t line, uint32_t sid,
                        const char *reason)
{
    struct sig_ruleset *set = p->set;
    PARSER_ROOM(set->verdicts, set->verdict_count, p->verdict_cap);
    set->verdicts[set->verdict_count++] = (struct sig_verdict){
        .file = file,
        .line = line,
        .sid = sid,
        .loaded = !reason,
        .reason = reason ? arena_strdup(set->arena, reason) : "",
    };
}

static int read_options(struct draft *d, struct text options)
{
    struct text name, value;
    for (;;) {
        int rc = lex_option(&options, &name, &value);
        if (rc == 0)
            return 0;
        if (rc < 0)
            return draft_refuse(d, "the last option has no ';': '%.*s'",
                                (int)(options.len < 60 ? options.len : 60), options.at);
        rc = keyword_index_run(d->parser->keywords, d, name, value);
        if (rc)
            return rc;
    }
}

static int read_rule(struct draft *d, struct text line)
{
    struct text header, options;
    if (line.len > LEX_LINE_MAX)
        return draft_refuse(d, "longer than %u KiB", LEX_LINE_MAX >> 10);
    if (memchr(line.at, 0, line.len))
        return draft_refuse(d, "a NUL byte in the text");
    if (!lex_rule(line, &header, &options))
        return draft_refuse(d, "no options in parentheses, or something behind them");
    int rc = parser_header_read(d, header);
    if (!rc)
        rc = read_options(d, options);
    return rc ? rc : draft_finish(d);
}

/* The sid of a rule that was refused before its sid was read, for the report. */
static uint32_t find_sid(struct text line)
{
    struct text header, rest, name, value;
    uint64_t sid;
    if (!lex_rule(line, &header, &rest))
        return 0;
    while (lex_option(&rest, &name, &value) > 0) {
        if (text_is(name, "sid") && value.at && text_u64(value, UINT32_MAX, &sid) == 0)
            return (uint32_t)sid;
    }
    return 0;
}

int sig_parser_use_policy(struct sig_parser *p, struct sig_policy *policy, const char **reason)
{
    struct sig_addrs addrs;
    uint32_t count;
    *reason = p->reason;
    int rc = policy_variables_set(policy, p, p->reason, sizeof(p->reason));
    const struct policy_threshold *t = policy_thresholds(policy, &count);
    for (uint32_t i = 0; !rc && i < count; i++) {
        char why[DRAFT_REASON_MAX / 2];
        if (!*t[i].addresses)
            continue;
        rc = parser_addresses(p, text_of(t[i].addresses), &addrs, why, sizeof(why));
        if (rc)
            snprintf(p->reason, sizeof(p->reason), "threshold.config: ip %s", why);
    }
    if (rc)
        return rc;
    p->policy = policy;
    const char *passes = policy_exclusions(policy);
    sig_parser_read_rules(p, passes, strlen(passes), "sites.conf");
    return 0;
}

/* One line of a file: read, or left out by the policy. */
static void line_read(struct sig_parser *p, struct text line, const char *file, uint32_t number)
{
    struct draft *d = &p->draft;
    uint32_t blob_len = p->set->blob_len;
    bool comment = line.len && line.at[0] == '#';
    while (line.len && line.at[0] == '#')
        line = text_trim((struct text){ line.at + 1, line.len - 1 });
    enum policy_line judged = policy_line_judge(p->policy, file, comment, &line, p->modified);
    if (judged == POLICY_COMMENT)
        return;
    draft_reset(d);
    d->rule.file = file;
    d->rule.line = number;
    int rc = judged == POLICY_DISABLED ? draft_refuse(d, "%s", buf_str(p->modified))
                                       : read_rule(d, line);
    if (rc == 0)
        p->set->rules[p->set->rule_count - 1].text =
            arena_strndup(p->set->arena, line.at, line.len);
    else
        p->set->blob_len = blob_len > p->blob_kept ? blob_len : p->blob_kept;
    uint32_t sid = d->rule.sid ? d->rule.sid : find_sid(line);
    parser_verdict_add(p, file, number, sid, rc ? d->reason : NULL);
}

void sig_parser_read_rules(struct sig_parser *p, const char *text, size_t len, const char *file)
{
    const char *name = arena_strdup(p->set->arena, file);
    struct lex lex;
    struct text line;
    uint32_t number;
    lex_begin(&lex, text, len);
    lex.comments = p->policy != NULL;
    while (lex_line(&lex, &line, &number))
        line_read(p, line, name, number);
    lex_end(&lex);
}

static const char **take_names(struct sig_parser *p, const struct names *names, uint32_t *count)
{
    const char *const *list = names_list(names, count);
    return arena_memdup(p->set->arena, list, *count * sizeof(*list));
}

struct sig_ruleset *sig_parser_finish(struct sig_parser *p)
{
    struct sig_ruleset *set = p->set;
    parser_rules_order(p);
    parser_thresholds_apply(p);
    set->flowbits = take_names(p, p->flowbits, &set->flowbit_count);
    set->flowints = take_names(p, p->flowints, &set->flowint_count);
    set->xbits = take_names(p, p->xbits, &set->xbit_count);
    p->set = NULL;
    return set;
}

void sig_parser_free(struct sig_parser *p)
{
    if (!p)
        return;
    sig_ruleset_free(p->set);
    names_free(p->address_vars);
    names_free(p->port_vars);
    names_free(p->addresses);
    names_free(p->ports);
    names_free(p->flowbits);
    names_free(p->flowints);
    names_free(p->xbits);
    buf_free(p->draft.references);
    buf_free(p->draft.metadata);
    free(p->draft.references);
    free(p->draft.metadata);
    buf_free(p->modified);
    free(p->modified);
    free(p->draft.ops);
    free(p->lists);
    free(p->tables);
    free(p->categories);
    free(p->reputation_tables);
    free(p->reputations);
    free(p->address_values);
    free(p->port_values);
    free(p->address_cache);
    free(p->port_cache);
    classifications_free(p->classes);
    keyword_index_free(p->keywords);
    arena_free(p->scratch);
    free(p);
}

void sig_ruleset_free(struct sig_ruleset *set)
{
    if (!set)
        return;
    free(set->rules);
    free(set->verdicts);
    free(set->ops);
    free(set->specs);
    free(set->blob);
    free(set->datasets);
    arena_free(set->arena);
    free(set);
}
