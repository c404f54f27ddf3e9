/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A set of values that rules ask and change (dataset:set, unset, or one that outlives a run). All
 * workers share it: a hash table of fixed size, whose address space is reserved when it is made and
 * whose memory is taken as it is touched. Nothing here allocates, locks or waits after
 * dataset_create.
 *
 * Order between workers is that of time, as in Suricata: what a packet of one flow puts in, a
 * packet of another flow may see or not see when both are being looked at in the same moment.
 */
#ifndef SENSOR_DETECT_DATASET_H
#define SENSOR_DETECT_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of a set's values by default, and at the most; the table of places comes on top. */
#define DATASET_MEMORY     (100u << 20)
#define DATASET_MEMORY_MAX (1u << 30)
/** Longest value. */
#define DATASET_VALUE_MAX 65535u

struct dataset;

enum dataset_added { DATASET_NEW, DATASET_KNOWN, DATASET_FULL };

/** An empty set for `memory` bytes of values (0: the default). Ends the process without memory. */
struct dataset *dataset_create(const char *name, uint8_t kind, uint64_t memory);

/** Its name. */
const char *dataset_name(const struct dataset *d);

/** What its values are (enum list_kind). */
uint8_t dataset_kind(const struct dataset *d);

/** Hold it once more; atomic. */
struct dataset *dataset_hold(struct dataset *d);

/** Put a value in. Any thread. */
enum dataset_added dataset_add(struct dataset *d, const void *value, uint32_t len);

/** Take it out; false when it is not there. Its room is kept for it. Any thread. */
bool dataset_remove(struct dataset *d, const void *value, uint32_t len);

/** Whether it is there. Any thread. */
bool dataset_has(const struct dataset *d, const void *value, uint32_t len);

/** True the first time it is asked: the set is to be filled from its file. One thread. */
bool dataset_first(struct dataset *d);

/** True when it has changed since this was last asked: it is to be saved. One thread. */
bool dataset_changed(struct dataset *d);

/**
 * Call `each` with every value, in the order in which they came first. Any thread; what is put in
 * meanwhile may be left out.
 */
void dataset_each(const struct dataset *d, void (*each)(void *arg, const void *value, uint32_t len),
                  void *arg);

/** Let go; the last one frees. NULL is allowed. */
void dataset_drop(struct dataset *d);

#endif
