/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which content of a rule is looked for first. Any choice gives the same alerts; a good one gives
 * few candidates.
 */
#ifndef SENSOR_DETECT_FASTPATTERN_H
#define SENSOR_DETECT_FASTPATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "signatures/ruleset.h"

/** What was chosen. */
struct fastpattern {
    uint16_t spec;        /* index of the buffer */
    const uint8_t *bytes; /* lower case when nocase */
    uint32_t len;
    bool nocase;
    /* The buffer's bytes that the pattern has to lie in, when the rule says so; 0 and UINT32_MAX
     * otherwise. */
    uint32_t from, to;
    bool suffix; /* the bytes end the buffer, or are all of it: a name table can hold them */
};

/**
 * Choose for direction `dir`: among the positive contents of the payload, or for APP_TX rules of
 * the transaction's buffers. The writer's fast_pattern wins. False when there is none.
 */
bool fastpattern_choose(const struct sig_ruleset *set, const struct sig *sig, unsigned dir,
                        struct fastpattern *out);

/** How rare a byte is in traffic: 1 (everywhere) to 5. */
unsigned fastpattern_byte_weight(uint8_t c);

/** Whether a buffer's engines keep a table of names. */
bool fastpattern_named(enum sig_buffer buffer);

#endif
