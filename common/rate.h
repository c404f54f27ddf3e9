/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A rate: so many a second of the caller's time, so many at once. Time that runs backwards gives
 * nothing. One thread uses one.
 */
#ifndef COMMON_RATE_H
#define COMMON_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
    uint64_t step_ns; /* of one */
    uint64_t span_ns; /* of all at once */
    uint64_t free_ns; /* when nothing would be taken any more */
};

/** `per_s` (not 0) a second and `burst` at once. */
static inline void rate_init(struct rate *r, uint32_t per_s, uint32_t burst)
{
    *r = (struct rate){ .step_ns = 1000000000u / per_s };
    r->span_ns = r->step_ns * burst;
}

/** Take one at `now_ns`; false when the rate is used up. */
static inline bool rate_take(struct rate *r, uint64_t now_ns)
{
    if (r->free_ns < now_ns)
        r->free_ns = now_ns;
    if (r->free_ns - now_ns >= r->span_ns)
        return false;
    r->free_ns += r->step_ns;
    return true;
}

#endif
