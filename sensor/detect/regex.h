/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The regexes of an image, compiled once with JIT and shared by the workers; each worker matches
 * with its own scratch.
 */
#ifndef SENSOR_DETECT_REGEX_H
#define SENSOR_DETECT_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct regex_set;
struct regex_scratch;

/** Suricata's defaults of pcre.match-limit and pcre.match-limit-recursion. */
#define REGEX_MATCH_LIMIT 3500
#define REGEX_DEPTH_LIMIT 1500

/** What to compile. */
struct regex_source {
    const char *pattern; /* `len` bytes */
    uint32_t len;
    uint32_t options; /* PCRE2_* */
};

/** What a match gave. */
enum regex_verdict { REGEX_NONE, REGEX_MATCH, REGEX_ERROR };

/**
 * Whether PCRE2 takes it; otherwise `reason` says what it dislikes and where. `groups` (may be
 * NULL) receives how many capturing groups it has.
 */
bool regex_check(const struct regex_source *source, uint32_t *groups, char *reason,
                 size_t reason_len);

/**
 * Compile `count` of them, on all processors when there are many. One that PCRE2 refuses never
 * matches and is counted in regex_set_refused. Start-up only.
 */
struct regex_set *regex_set_create(const struct regex_source *sources, uint32_t count);

/** How many were refused. */
uint32_t regex_set_refused(const struct regex_set *set);

/** Free. NULL is allowed. */
void regex_set_free(struct regex_set *set);

/** Match data, limits and JIT stack of one worker, large enough for every regex of the set. */
struct regex_scratch *regex_scratch_create(const struct regex_set *set);

/**
 * Search regex `index` in `len` bytes at `data` from `start` on. `*from` and `*to` are where the
 * match is. A limit that was hit is REGEX_ERROR. `unlimited`: letter O.
 */
enum regex_verdict regex_search(struct regex_scratch *s, uint32_t index, const uint8_t *data,
                                uint32_t len, uint32_t start, bool unlimited, uint32_t *from,
                                uint32_t *to);

/**
 * Where group `group` of the last match is; false when the regex has no such group or it took no
 * part.
 */
bool regex_group(const struct regex_scratch *s, uint32_t group, uint32_t *from, uint32_t *to);

/** Free. NULL is allowed. */
void regex_scratch_free(struct regex_scratch *s);

#endif
