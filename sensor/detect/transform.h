/* SPDX-License-Identifier: Apache-2.0 */
/** Transforms of buffers: each makes new bytes of what it is given. */
#ifndef SENSOR_DETECT_TRANSFORM_H
#define SENSOR_DETECT_TRANSFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "sensor/app/app.h"
#include "signatures/ruleset.h"

struct regex_scratch;

/** Where the results go; they stay until the caller sets `used` back. */
struct transform_room {
    uint8_t *bytes;
    uint32_t used, cap;
};

/** Whether this build can do it. */
bool transform_known(uint8_t kind);

/**
 * Apply all of a spec's transforms to `view`, in place. In an image the argument of pcrexform is
 * `at`, the number of its regex, without bytes. False when there is no room.
 */
bool transform_apply(struct transform_room *room, const struct sig_bufspec *spec,
                     const uint8_t *blob, struct regex_scratch *regexes, struct app_view *view);

#endif
