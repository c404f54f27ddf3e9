/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What became of each rule, one JSON object a line:
 * {"file","line","sid","verdict":"loaded"|"refused","reason"?}.
 */
#ifndef SIGNATURES_REPORT_H
#define SIGNATURES_REPORT_H

struct buf;
struct sig_ruleset;

/**
 * Append a line for every verdict of `set`, in the order of the files. What does not fit `out`'s
 * max is left out and marks it bad.
 */
void sig_report_write(const struct sig_ruleset *set, struct buf *out);

#endif
