/* SPDX-License-Identifier: Apache-2.0 */
/** A set of rules that are taken out again in their order: bits in three levels, set by scans. */
#ifndef SENSOR_DETECT_CANDIDATES_H
#define SENSOR_DETECT_CANDIDATES_H

#include <stdbool.h>
#include <stdint.h>

/** Rules that the three levels hold. */
#define CANDIDATES_MAX (64u * 64u * 64u)

struct candidates {
    uint64_t *words;   /* a bit a rule */
    uint64_t *summary; /* a bit a word that is not 0 */
    uint64_t top;      /* a bit a word of the summary that is not 0: mostly there is none */
};

/** Add a rule; once is as often as twice. */
static inline void candidates_add(struct candidates *c, uint32_t rule)
{
    c->words[rule / 64] |= 1ull << rule % 64;
    c->summary[rule / 4096] |= 1ull << rule / 64 % 64;
    c->top |= 1ull << rule / 4096;
}

/** Take the first rule out; false when there is none. */
static inline bool candidates_take(struct candidates *c, uint32_t *rule)
{
    if (!c->top)
        return false;
    uint32_t high = (uint32_t)__builtin_ctzll(c->top);
    uint32_t word = high * 64 + (uint32_t)__builtin_ctzll(c->summary[high]);
    *rule = word * 64 + (uint32_t)__builtin_ctzll(c->words[word]);
    c->words[word] &= c->words[word] - 1;
    if (c->words[word])
        return true;
    c->summary[high] &= c->summary[high] - 1;
    if (!c->summary[high])
        c->top &= c->top - 1;
    return true;
}

#endif
