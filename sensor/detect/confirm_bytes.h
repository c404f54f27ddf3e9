/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the interpreter share: the state of one list's run, and the instructions that
 * read numbers.
 */
#ifndef SENSOR_DETECT_CONFIRM_BYTES_H
#define SENSOR_DETECT_CONFIRM_BYTES_H

#include "sensor/detect/confirm.h"

/** One list over one buffer. */
struct confirm_run_state {
    struct confirm *c;
    const uint8_t *data;
    uint32_t len;
    uint64_t start;   /* of data within the whole buffer */
    bool end;         /* data reaches to the buffer's end */
    bool stop;        /* no other try can help (Suricata's discontinue_matching) */
    bool never;       /* nor can a later window */
    uint32_t at;      /* where the last match ended */
    uint32_t decoded; /* bytes of base64_decode in c->decoded */
};

/** byte_test on the state's buffer. */
bool confirm_byte_test(const struct confirm_run_state *r, const struct sig_op *op);

/** byte_jump: moves `at`. */
bool confirm_byte_jump(struct confirm_run_state *r, const struct sig_op *op);

/** byte_extract: sets a variable, moves `at`. */
bool confirm_byte_extract(struct confirm_run_state *r, const struct sig_op *op);

/** byte_math: sets a variable, moves `at`. */
bool confirm_byte_math(struct confirm_run_state *r, const struct sig_op *op);

/** base64_decode: fills c->decoded, returns how many bytes (0: none, no match). */
uint32_t confirm_base64_decode(const struct confirm_run_state *r, const struct sig_op *op);

/** asn1: whether one of its overflows is in the BER that stands at its offset. */
bool confirm_asn1(const struct confirm_run_state *r, const struct sig_op *op);

/** dataset, datarep: whether all of the buffer is in the table, or not. */
bool confirm_dataset(const struct confirm_run_state *r, const struct sig_op *op);

#endif
