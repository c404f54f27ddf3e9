/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The interpreter: runs a list of instructions (signatures/program.h) over one buffer, with
 * Suricata 7.0.10's meaning of each keyword (detect-engine-content-inspection.c), packets unseen.
 * What it returns is final for the bytes given.
 *
 * A content that matched may be tried again further on when what follows hangs on where it was;
 * everything else runs straight through. Work is bounded by a step count, as the reference bounds
 * its recursion.
 */
#ifndef SENSOR_DETECT_CONFIRM_H
#define SENSOR_DETECT_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

#include "sensor/app/app.h"
#include "signatures/program.h"

struct counter_block;
struct dataset;
struct regex_scratch;

/** Byte variables a rule may have. */
#define CONFIRM_VARS_MAX 64
/** Steps a list may take (Suricata's inspection-recursion-limit). */
#define CONFIRM_STEPS_MAX 3000
/** Most instructions in one list; longer ones are refused when the image is built. */
#define CONFIRM_OPS_MAX 256
/** Most bytes that base64_decode gives. */
#define CONFIRM_DECODED_MAX 65536

enum confirm_verdict {
    CONFIRM_NO, /* not in these bytes; a later window may */
    CONFIRM_YES,
    CONFIRM_NEVER, /* no later window of this buffer can match either */
};

/** Variables that the regexes of one rule may set, of a packet all rules together. */
#define CONFIRM_CAPTURES_MAX 8

/** What a regex captured for a variable; longer values are cut. */
struct confirm_capture {
    uint32_t name;
    uint8_t len;
    bool packet; /* of the packet, not of the flow */
    uint8_t bytes[SIG_VAR_BYTES];
};

/** What one worker runs programs with. */
struct confirm {
    const uint8_t *blob;           /* the rule set's bytes */
    struct regex_scratch *regexes; /* NULL when no regex is there */
    struct dataset *const *datasets; /* those that rules change, by number */
    struct counter_block *counters;  /* detect_counters */
    /* live from list to list of one rule; the caller clears them between rules */
    uint64_t vars[CONFIRM_VARS_MAX];
    uint8_t *decoded;   /* CONFIRM_DECODED_MAX bytes for base64_decode */
    uint32_t steps;     /* of the list being run */
    bool little_endian; /* of DCERPC's header, for the dce option */
    uint32_t capture_count;
    struct confirm_capture captures[CONFIRM_CAPTURES_MAX]; /* of the rule being run */
};

/**
 * Make a list ready: mark (SIG_F_RELATIVE_NEXT) each content and pcre that is worth a second try
 * because of what follows. Done once when the image is built.
 */
void confirm_prepare(struct sig_op *ops, uint32_t count);

/** Run `count` instructions over `view`. An empty list matches. */
enum confirm_verdict confirm_run(struct confirm *c, const struct sig_op *ops, uint32_t count,
                                 const struct app_view *view);

/** Whether `value` fulfils a number instruction (compare, a, b, SIG_F_NEGATED). */
bool confirm_number(const struct sig_op *op, uint64_t value);

#endif
