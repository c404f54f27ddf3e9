/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Windows of a body that grows.
 *
 * With each packet rules look at a window of the body that has most of the last one's bytes again:
 * 16 KiB for some 1,400 new ones. Which patterns stand in those was found when they were new, so
 * that is kept, and a new window is searched from its new bytes on, less what a pattern may reach
 * back. What is made candidates is the same as if all of the window were searched.
 */
#ifndef SENSOR_DETECT_WINDOW_H
#define SENSOR_DETECT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct app_view;
struct detect_thread;
struct slab;
struct window;

/** The window of `engine` in the list, made when there is none; NULL without memory. */
struct window *window_get(struct window **list, uint32_t engine, struct slab *slab);

/**
 * As detect_scan of the engine's buffer, whose window `view` is now. The body's bytes do not change
 * from call to call.
 */
void window_scan(struct detect_thread *t, struct window *w, const struct app_view *view);

/**
 * The pattern stands at `at` of the body; false when it is known to. Else it is kept, with too many
 * none is, and the next window is searched whole.
 */
bool window_take(struct window *w, uint32_t pattern, uint64_t at, uint32_t len);

/** Free the list and empty it. */
void window_free_all(struct window **list, struct slab *slab);

#endif
