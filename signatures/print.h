/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Writing a rule from what was understood of it: variables worked out, legacy modifiers as sticky
 * buffers. Reading the text again gives the same instructions, which is how the parser is tested.
 * References and metadata are left out.
 */
#ifndef SIGNATURES_PRINT_H
#define SIGNATURES_PRINT_H

struct buf;
struct sig;
struct sig_ruleset;

/**
 * Append the rule's text, one line without its end: as the instructions say it, or as it was read
 * when some of them look into a buffer without a name. `rule` belongs to `set`.
 */
void sig_print(const struct sig_ruleset *set, const struct sig *rule, struct buf *out);

#endif
