/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Engine time: the newest packet time seen, and a nanosecond more for each packet that is not
 * newer, so that no two packets share one and order by time is order by packet.
 */
#ifndef SENSOR_STAMP_H
#define SENSOR_STAMP_H

#include <stdint.h>

#include "sensor/capture/capture.h"

/** How far a source of packets has come; zero at its start. */
struct stamp {
    uint64_t now_ns; /* of the last packet */
    uint64_t number; /* its place, counted from 1 */
};

/** Give each of `count` frames its place and its time. */
static inline void stamp_frames(struct stamp *s, const struct frame *frames, uint64_t *numbers,
                                uint64_t *nows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        s->now_ns = frames[i].ts_ns > s->now_ns ? frames[i].ts_ns : s->now_ns + 1;
        nows[i] = s->now_ns;
        numbers[i] = ++s->number;
    }
}

#endif
