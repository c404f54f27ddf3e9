/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Datasets on disk: those with `state` or `save` have a file in the state folder, which the monitor
 * opens. Its lines are those of a list (signatures/lists.h), so that it can be loaded as one.
 */
#ifndef SENSOR_DATASETS_H
#define SENSOR_DATASETS_H

struct channel_message;
struct detect_ruleset;

/** Ask the monitor, as writer_ask. */
typedef int datasets_ask(void *arg, struct channel_message *m, int *fd);

/** Fill those sets with a state that have not been filled. What can't be read is said and left. */
void datasets_load(const struct detect_ruleset *set, datasets_ask *ask, void *arg);

/** Save those that have changed since. Failures are said. */
void datasets_save(const struct detect_ruleset *set, datasets_ask *ask, void *arg);

#endif
