/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Damping: lists of what is likely harmless, kept by analysts. Each list that holds something of an
 * incident's leading signal takes likelihood away, as a factor with the entry's name; nothing is
 * hidden.
 *
 *   scanner      the peer scans the whole internet, for research or for hire
 *   maintenance  somebody works on the victim until the entry's end
 *   honeypot     the victim is there to be attacked
 *   warninglist  the name or the peer serves everybody (resolvers, clouds): joins no campaign
 *
 * The installed table (damping.tsv) comes first; entries of analysts stand in {rg}:damp.
 */
#ifndef CORRELATE_DAMPING_H
#define CORRELATE_DAMPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct damping;
struct indicator;
struct signal;

/** Entries in all, and the longest pattern and note, NULs included. */
#define DAMPING_MAX       2000
#define DAMPING_MATCH_MAX 160
#define DAMPING_NOTE_MAX  256

enum damping_list {
    DAMPING_SCANNER,
    DAMPING_MAINTENANCE,
    DAMPING_HONEYPOT,
    DAMPING_WARNING,
    DAMPING_LISTS,
};

/** "scanner", …; static. */
const char *damping_word(enum damping_list list);

/** List of a word, or ABENG_ENOENT. */
int damping_list_find(const char *word);

/** What the likelihood's odds are multiplied by: .2, .3, .5, .3. */
double damping_share(enum damping_list list);

/** Whether a pattern is an address, ADDRESS/BITS, or a name in which * stands for anything. */
bool damping_match_valid(const char *match);

/** An empty set of lists. */
struct damping *damping_create(void);

/** Free. NULL is allowed. */
void damping_free(struct damping *d);

/**
 * Add the table at `path`: list, match, state or -, end (RFC 3339) or -, note, separated by tabs.
 * 0, or ABENG_EFORMAT with one line in `why` (path, line, reason).
 */
int damping_read(struct damping *d, const char *path, char *why, size_t why_len);

/**
 * Add one entry: `state` NULL for all, `until_ms` 0 for ever. 0, ABENG_EINVAL, or ABENG_ELIMIT when
 * there are too many.
 */
int damping_add(struct damping *d, const char *list, const char *match, const char *state,
                uint64_t until_ms);

/**
 * The entry of `list` that holds for a signal of `state` at its last alert, NULL when there is
 * none; lives as long as `d`. `d` may be NULL.
 */
const char *damping_find(const struct damping *d, enum damping_list list, const char *state,
                         const struct signal *s);

/** Whether an indicator serves everybody, so that it joins nothing. `d` may be NULL. */
bool damping_warns(const struct damping *d, const char *state, const struct indicator *i,
                   uint64_t now_ms);

#endif
