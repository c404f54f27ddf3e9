/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Local policy: what the CERT itself says about rules that others wrote. Plain files, each known by
 * its name, in the syntax that operators have already:
 * - disable.conf, enable.conf, modify.conf as suricata-update reads them: a line names rules by
 *   `sid`, `gid:sid`, several with commas, `re:regex` over the rule's text, `group:file` or
 *   `filename:file` (with wildcards), `metadata: key value`, or `*`; modify.conf adds a regex and
 *   its replacement in double quotes. First disable, then enable, then modify. Rules that stand
 *   behind a # can be enabled.
 * - threshold.config as Suricata 7.0.10 reads it: suppress, threshold (event_filter), rate_filter.
 * - sites.conf: `SITE NAME VALUE` sets a variable of the rule language on one site's sensors (`*`:
 *   on all), and `SITE exclude PREFIX` takes addresses out of all inspection.
 *
 * A line that can't be read refuses the policy, with file, line and reason. Slow path; one thread.
 */
#ifndef SIGNATURES_POLICY_H
#define SIGNATURES_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signatures/text.h"

struct buf;
struct sig_parser;
struct sig_policy;

/** An empty policy for the sensors of `site` (NULL: of none). */
struct sig_policy *sig_policy_create(const char *site);

/** Whether a file of this name (with or without folders) belongs to a policy. */
bool sig_policy_has(const char *name);

/**
 * Read one of its files: `len` bytes at `text`. 0, or ABENG_EFORMAT with `reason` ("disable.conf:3:
 * …").
 */
int sig_policy_read(struct sig_policy *p, const char *name, const char *text, size_t len,
                    char *reason, size_t cap);

/** Free. NULL is allowed. */
void sig_policy_free(struct sig_policy *p);

/** What becomes of a line of a rules file. */
enum policy_line { POLICY_READ, POLICY_DISABLED, POLICY_COMMENT };

/**
 * Judge `line` of rules file `file`; `comment`: it stands behind a #. POLICY_READ leaves in `*line`
 * what is to be read, in `room` when it was modified. POLICY_DISABLED leaves why in `room`. `p` may
 * be NULL: comments are comments and nothing is changed.
 */
enum policy_line policy_line_judge(const struct sig_policy *p, const char *file, bool comment,
                                   struct text *line, struct buf *room);

/** Set the policy's variables in the parser. 0, or ABENG_EFORMAT with `reason`. */
int policy_variables_set(const struct sig_policy *p, struct sig_parser *parser, char *reason,
                         size_t cap);

/** Rules that pass what is excluded, as text; "" without any. */
const char *policy_exclusions(struct sig_policy *p);

/** A line of threshold.config. */
struct policy_threshold {
    uint32_t gid, sid; /* 0: all */
    uint8_t type;      /* enum sig_threshold_type */
    uint8_t track;     /* enum sig_track; of suppress NONE: whatever the addresses */
    uint8_t action;    /* rate_filter: enum sig_action */
    uint32_t count, seconds, timeout;
    const char *addresses; /* suppress: an address expression */
};

/** All of them, in their order; `*count` receives how many. */
const struct policy_threshold *policy_thresholds(const struct sig_policy *p, uint32_t *count);

/**
 * Read one line of threshold.config into `out`; `addresses` is copied by the caller and points into
 * the line. 0 with type NONE: nothing to keep (a rate_filter without effect). Otherwise
 * ABENG_EFORMAT with `why` (static). (threshold_line.c)
 */
int policy_threshold_read(struct text line, struct policy_threshold *out, struct text *addresses,
                          const char **why);

#endif
