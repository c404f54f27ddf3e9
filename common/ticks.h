/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The processor's own clock, for spans too short to ask the system about: a few nanoseconds to
 * read. Its unit is unknown: compare with clock_mono_ns over a long span. One core's readings never
 * run backwards; where there is no such clock it is nanoseconds.
 */
#ifndef COMMON_TICKS_H
#define COMMON_TICKS_H

#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include "common/clock.h"
#endif

/** Now. */
static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return clock_mono_ns();
#endif
}

#endif
