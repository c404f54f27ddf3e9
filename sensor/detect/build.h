/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From a parsed rule set to an image. Runs in the loader, never in the engine: it may allocate, and
 * it may take a second.
 */
#ifndef SENSOR_DETECT_BUILD_H
#define SENSOR_DETECT_BUILD_H

#include <stddef.h>
#include <stdint.h>

struct sig_ruleset;

/**
 * Changes whenever the image's layout or what is compiled into it changes; part of the cache key.
 */
const char *detect_image_version(void);

/**
 * Build the image of `set` into `fd` (a fresh memfd; written, not sealed). `name` (≤ 63 bytes) is
 * what alerts call the set. Rules that turn out not to be compilable (a regex PCRE2 refuses) get a
 * verdict of their own in the set and are left out. 0, or an `enum abeng_err` with `reason`.
 */
int detect_image_build(struct sig_ruleset *set, const char *name, int fd, char *reason,
                       size_t reason_len);

#endif
