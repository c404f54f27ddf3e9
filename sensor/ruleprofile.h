/* SPDX-License-Identifier: Apache-2.0 */
/**
 * rule-profile.json: what each rule costs, dearest first, and the verb `abeng-sensor profile` that
 * prints it as a table.
 */
#ifndef SENSOR_RULEPROFILE_H
#define SENSOR_RULEPROFILE_H

#include <stdbool.h>
#include <stdint.h>

struct detect_ruleset;

/** Rules in the file at most, the dearest. */
#define RULEPROFILE_MAX 1000u

/**
 * Write the costs that `set` (held by the caller) has gathered to `fd`, one JSON object. `packets`
 * that were processed; `ns_per_tick` of common/ticks.h. 0 or ABENG_EIO.
 */
int ruleprofile_write(const struct detect_ruleset *set, uint64_t packets, double ns_per_tick,
                      int fd);

/** Print the `top` dearest of the file in folder `dir` as a table, or as JSON. Exit status. */
int ruleprofile_show(const char *dir, unsigned top, bool json);

#endif
