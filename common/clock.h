/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Time. Packet time and wall time are nanoseconds since 1970 UTC in uint64_t; monotonic time counts
 * from boot. Code under test takes a `struct clock` and never asks the system itself, so a month
 * replays in seconds.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull
#define US_PER_S (NS_PER_S / NS_PER_US)

/** Bytes that clock_format_* need, NUL included. */
#define CLOCK_TEXT_MAX 40

struct clock {
    uint64_t (*now)(const struct clock *c); /* wall time, ns */
    uint64_t virtual_ns;                    /* what a virtual clock says; its owner moves it */
};

/** The system's wall clock; static. */
const struct clock *clock_system(void);

/** A clock that says `start_ns` until its owner changes `virtual_ns`. */
struct clock clock_virtual(uint64_t start_ns);

/** What `c` says, ns since 1970. */
uint64_t clock_now(const struct clock *c);

/** Monotonic nanoseconds, for durations and deadlines of this process. */
uint64_t clock_mono_ns(void);

/** Processor time that the calling thread has taken, ns. */
uint64_t clock_thread_ns(void);

/** RFC 3339 in UTC with milliseconds and Z: 2026-11-20T14:03:07.123Z. */
void clock_format_rfc3339(uint64_t ns, char out[CLOCK_TEXT_MAX]);

/** As EVE writes it, UTC with microseconds: 2026-11-20T14:03:07.123456+0000. */
void clock_format_eve(uint64_t ns, char out[CLOCK_TEXT_MAX]);

/** Parse RFC 3339 or EVE form (Z or an offset, 0 to 9 fraction digits); 0 or ABENG_EFORMAT. */
int clock_parse(const char *text, size_t len, uint64_t *out_ns);

#endif
