/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Keywords: one table entry each, in the file that implements it; keywords.c lists the tables. A
 * keyword checks its value and appends instructions to the draft, or refuses the rule with
 * draft_refuse.
 */
#ifndef SIGNATURES_KEYWORD_KEYWORD_H
#define SIGNATURES_KEYWORD_KEYWORD_H

#include "signatures/draft.h"

#define KEYWORD_NO_VALUE (1u << 0) /* a value is an error */
/* may stand without a value; without either, a value is demanded */
#define KEYWORD_OPTIONAL  (1u << 1)
#define KEYWORD_QUOTED    (1u << 2) /* quotes are demanded */
#define KEYWORD_MAY_QUOTE (1u << 3) /* quotes are allowed and taken off */
#define KEYWORD_NEGATABLE (1u << 4) /* a leading ! is taken off and set in the draft */
#define KEYWORD_PREFILTER (1u << 6) /* `prefilter` may stand behind it */
#define KEYWORD_BEYOND    (1u << 7) /* Suricata 7.0.10 has it not: for the profile abeng alone */
#define KEYWORD_PACKET    (1u << 5) /* looks at single packets: makes the rule packet-only */

/** A keyword. */
struct sig_keyword {
    const char *name;
    int (*parse)(struct draft *d, struct text value); /* NULL: refused, `why` says the reason */
    uint32_t flags;
    const char *why;
};

/** Tables of all keywords, each ended by a NULL name; the list is ended by NULL. */
extern const struct sig_keyword *const sig_keyword_tables[];

extern const struct sig_keyword keywords_app[], keywords_asn1[], keywords_base64[], keywords_bits[],
    keywords_bytes[], keywords_csum[], keywords_dataset[], keywords_requires[];
extern const struct sig_keyword keywords_content[], keywords_dcerpc[], keywords_file[],
    keywords_flow[];
extern const struct sig_keyword keywords_dhcp[], keywords_directory[], keywords_ike[],
    keywords_iprep[];
extern const struct sig_keyword keywords_frame[], keywords_http2[], keywords_mqtt[];
extern const struct sig_keyword keywords_rfb[], keywords_rpc[], keywords_ssh[];
extern const struct sig_keyword keywords_header[], keywords_meta[], keywords_pcre[],
    keywords_refused[];
extern const struct sig_keyword keywords_size[], keywords_threshold[], keywords_tls[],
    keywords_transform[], keywords_var[];

/**
 * Read a number with its comparison ("5", "<5", ">=16", "3<>9", "!7", "2kb") into `op`'s number;
 * values up to `max`. What always or never holds is refused: below 0, up to `max`, between
 * neighbours. 0, or refused in the words "`keyword`: …".
 */
int keyword_number(struct draft *d, const char *keyword, struct text value, uint64_t max,
                   struct sig_op *op);

/** A number without comparison, appended to the packet list as `kind`. 0, or refused. */
int keyword_plain_op(struct draft *d, const char *keyword, struct text value, uint64_t max,
                     enum sig_op_kind kind);

/** What a sign before a number means ("<=", "!", …); false when it is none. */
bool keyword_sign(struct text sign, uint8_t *compare);

/** The common case: a comparison of one number, appended to `list` as `kind`. */
int keyword_number_op(struct draft *d, const char *keyword, struct text value, uint64_t max,
                      uint32_t list, enum sig_op_kind kind);

/** A comparison of a number of the transaction called `field` (app_tx_number). */
int keyword_app_number(struct draft *d, const char *field, struct text value, uint64_t max);

/** A number of `nbytes` big-endian bytes at `offset` of a buffer's instances. */
struct keyword_field {
    uint32_t list;
    uint8_t offset, nbytes;
};

/**
 * A new list over `buffer`, which no sticky name reaches, for tests of one and the same instance.
 * Claims the buffer's protocol. 0, or refused.
 */
int keyword_field_open(struct draft *d, enum sig_buffer buffer, uint32_t *list);

/**
 * Append the test of a field against a number (enum sig_compare, no range). NULL when refused.
 */
struct sig_op *keyword_field_test(struct draft *d, struct keyword_field field, uint8_t compare,
                                  uint64_t value);

/** Append the comparison of a field that `value` writes, ranges too. 0, or refused. */
int keyword_field_compare(struct draft *d, const char *keyword, struct keyword_field field,
                          struct text value, uint64_t max);

/** The common case: some instance of `buffer`, `nbytes` long, compares so. 0, or refused. */
int keyword_field_number(struct draft *d, const char *keyword, enum sig_buffer buffer,
                         struct text value, uint64_t max, uint8_t nbytes);

/**
 * The list for an instruction that may be relative: the sticky buffer's; without one, the list of
 * what it counts from.
 */
uint32_t keyword_list_for(const struct draft *d, bool relative);

/** A variable's name (flowvar, pktvar, pcre's captures) as instructions have it. */
uint32_t keyword_var_name(struct text name);

/** Append a content with these bytes to the current list; `flags` SIG_F_*. NULL when refused. */
struct sig_op *keyword_content_add(struct draft *d, const void *bytes, size_t len, uint32_t flags);

/**
 * Unescape a content's or message's text (`|hex|`, backslash) into `out` (value.len bytes are
 * enough). Returns the length, or -1 when refused.
 */
long keyword_unescape(struct draft *d, struct text value, uint8_t *out);

#endif
