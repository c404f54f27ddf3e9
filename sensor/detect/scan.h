/* SPDX-License-Identifier: Apache-2.0 */
/** Looking for an engine's patterns: their rules become candidates. */
#ifndef SENSOR_DETECT_SCAN_H
#define SENSOR_DETECT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "sensor/detect/image_engine.h"

struct app_view;
struct detect_thread;
struct window;

/** Add the members of a list to the candidates. */
void detect_candidates_add(struct detect_thread *t, struct image_span members);

/** Scan `view` with an engine. */
void detect_scan(struct detect_thread *t, uint32_t engine, const struct app_view *view);

/** The same for patterns with fixed places alone. */
void detect_scan_heads(struct detect_thread *t, uint32_t engine, const struct app_view *view);

/**
 * The same for those that may stand anywhere; `view` is not empty and the window is told where they
 * stand. False when Hyperscan was asked, which tells of one place of a pattern alone.
 */
bool detect_scan_window(struct detect_thread *t, uint32_t engine, const struct app_view *view,
                        struct window *window);

#endif
