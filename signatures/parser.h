/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The parser's own state, shared by the files that make it up (parse.c, header.c, check.c,
 * order.c, keyword/…).
 */
#ifndef SIGNATURES_PARSER_H
#define SIGNATURES_PARSER_H

#include "signatures/draft.h"

struct arena;
struct parser_reputation;
struct classifications;
struct keyword_index;
struct sig_policy;
struct ranges_cache;

/** Bytes that all contents and regexes of a set may have together. */
#define PARSER_BLOB_MAX (256u << 20)

/** A list under its name. */
struct parser_list {
    const char *name, *text;
    size_t len;
};

/** A table made of one. */
struct parser_table {
    uint32_t list; /* index */
    unsigned kind; /* enum list_kind */
    unsigned lines; /* enum list_lines */
    struct sig_bytes table;
};

struct sig_parser {
    struct sig_ruleset *set;
    struct draft draft;
    struct classifications *classes;
    struct keyword_index *keywords;
    struct arena *scratch; /* variables, names: dies with the parser */
    struct names *address_vars, *port_vars;
    const char **address_values, **port_values; /* by id */
    struct names *addresses, *ports;            /* expressions already lowered, by id: */
    struct sig_addrs *address_cache;
    struct sig_ports *port_cache;
    struct names *flowbits, *flowints, *xbits;
    uint32_t plain_specs[SIG_BUF_COUNT]; /* index + 1 of the spec without transforms */
    uint32_t rule_cap, verdict_cap, op_cap, spec_cap, blob_cap, dataset_cap;
    struct parser_list *lists;
    struct parser_table *tables;
    uint32_t list_count, list_cap, table_count, table_cap;
    const char **categories;             /* of reputation, by number */
    struct sig_bytes *reputation_tables; /* by number; len 0: not made yet */
    struct parser_reputation *reputations;
    uint32_t reputation_count, reputation_cap;
    uint32_t blob_kept;              /* the blob is not cut back below this */
    const struct sig_policy *policy; /* NULL: none */
    const char *source;              /* channel whose rules are read, NULL: files */
    bool beyond;                     /* keywords that Suricata 7.0.10 has not are read too */
    struct buf *modified;            /* a line as the policy wants it */
    char reason[DRAFT_REASON_MAX];
};

/** Read the seven words before the options into the draft's rule. 0, or refused. (header.c) */
int parser_header_read(struct draft *d, struct text header);

/**
 * Work out an address expression with the parser's variables into the set's arena. 0, or
 * ABENG_EFORMAT with `reason`. (header.c)
 */
int parser_addresses(struct sig_parser *p, struct text expression, struct sig_addrs *out,
                     char *reason, size_t cap);

/** Give the set's rules the policy's thresholds and suppressions. (suppress.c) */
void parser_thresholds_apply(struct sig_parser *p);

/**
 * Drop all but the highest revision of each (gid, sid), with verdicts, and set the load-time
 * order. (order.c)
 */
void parser_rules_order(struct sig_parser *p);

/** Append a verdict; `reason` is copied. */
void parser_verdict_add(struct sig_parser *p, const char *file, uint32_t line, uint32_t sid,
                        const char *reason);

/** Index of a spec, a new one when no rule had it. (check.c) */
uint16_t parser_spec_intern(struct sig_parser *p, const struct draft_list *list);

/** Make room for one more element in an array of the set; `cap` is its capacity. */
#define PARSER_ROOM(array, count, cap)                                                             \
    do {                                                                                           \
        if ((count) == (cap)) {                                                                    \
            (cap) = (cap) ? (cap)*2 : 256;                                                         \
            (array) = xreallocarray((array), (cap), sizeof(*(array)));                             \
        }                                                                                          \
    } while (0)

#endif
