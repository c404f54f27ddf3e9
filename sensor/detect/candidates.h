/* SPDX-License-Identifier: Apache-2.0 */
/** A set of rules that are taken out again in their order: two levels of bits, marked by scans. */
#ifndef SENSOR_DETECT_CANDIDATES_H
#define SENSOR_DETECT_CANDIDATES_H

#include <stdbool.h>
#include <stdint.h>

struct candidates {
    uint64_t *words;   /* a bit a rule */
    uint64_t *summary; /* a bit a word that is not 0 */
    uint32_t summary_count;
};

/** Add a rule; once is as often as twice. */
static inline void candidates_add(struct candidates *c, uint32_t rule)
{
    c->words[rule / 64] |= 1ull << rule % 64;
    c->summary[rule / 4096] |= 1ull << rule / 64 % 64;
}

/** Take the first rule out; false when there is none. Callers start with `*hint` 0. */
static inline bool candidates_take(struct candidates *c, uint32_t *hint, uint32_t *rule)
{
    for (; *hint < c->summary_count; ++*hint) {
        if (!c->summary[*hint])
            continue;
        uint32_t word = *hint * 64 + (uint32_t)__builtin_ctzll(c->summary[*hint]);
        *rule = word * 64 + (uint32_t)__builtin_ctzll(c->words[word]);
        c->words[word] &= c->words[word] - 1;
        if (!c->words[word])
            c->summary[*hint] &= c->summary[*hint] - 1;
        return true;
    }
    return false;
}

#endif
