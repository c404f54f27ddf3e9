/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which protocol the first bytes of one direction speak (anchors 2.6): patterns at fixed places on
 * any port, then checks that hold for the protocol's own ports only.
 */
#ifndef SENSOR_APP_PROBE_H
#define SENSOR_APP_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "signatures/buffer.h"

/** The patterns and checks, found by what they begin with and by port. Read-only once made. */
struct app_probes;

/** Make them; lack of memory ends the process. Free with app_probes_free. */
struct app_probes *app_probes_create(void);

/** NULL is allowed. */
void app_probes_free(struct app_probes *probes);

/**
 * The protocol of `len` bytes from a direction's start. `ip_proto` is 6 or 17; `port` the server's.
 * SIG_APP_UNKNOWN with `*over` false when more bytes could tell, with true when none will.
 */
enum sig_app app_probe(const struct app_probes *probes, unsigned ip_proto, unsigned dir,
                       uint16_t port, const uint8_t *data, uint32_t len, bool *over);

/** Bytes of a direction, at most APP_HEAD_MAX, behind which no pattern of TCP begins any more. */
uint32_t app_probe_enough(const struct app_probes *probes, unsigned dir);

#endif
