/* SPDX-License-Identifier: Apache-2.0 */
/** A rig for application parsers: one flow, fed as a worker would, in segments of any size. */
#ifndef TESTS_APP_RIG_H
#define TESTS_APP_RIG_H

#include "common/buf.h"
#include "sensor/app/app.h"
#include "sensor/flow/flow.h"

struct rig {
    struct slab *slab;
    uint64_t slots[96];
    struct counter_block counters;
    struct app_ctx *app;
    struct flow flow;
    struct app_result last;              /* of the last call */
    bool encrypted, trigger[2], stop[2]; /* seen at any time */
    uint64_t packet, offset[2];
    struct buf pending[2]; /* committed and not taken */
    struct buf json;
};

/** Set up a flow over `proto` (6 or 17) to `port`. */
void rig_open(struct rig *r, unsigned proto, uint16_t port);

/** Feed TCP bytes of one direction in pieces of `step` bytes (0: whole). */
void rig_feed(struct rig *r, unsigned dir, const void *bytes, size_t len, size_t step);

/** Feed a text. */
void rig_text(struct rig *r, unsigned dir, const char *text, size_t step);

/** A gap of `len` bytes. */
void rig_gap(struct rig *r, unsigned dir, uint32_t len);

/** A FIN of one direction. */
void rig_end(struct rig *r, unsigned dir);

/** A UDP datagram. */
void rig_datagram(struct rig *r, unsigned dir, const void *bytes, size_t len);

/** Transaction number `i` of those alive; fails the test when it is not there. */
struct app_tx *rig_tx(struct rig *r, unsigned i);

/** Assert what a buffer of transaction `i` holds; `want` NULL: it is not there. */
void rig_expect(struct rig *r, unsigned i, unsigned dir, enum sig_buffer buffer, uint32_t index,
                const char *want);

/** EVE's part of transaction `i`, valid until the next call. */
const char *rig_eve(struct rig *r, unsigned i);

/** End the flow and free all; asserts that every byte of the slab was given back. */
void rig_close(struct rig *r);

#endif
