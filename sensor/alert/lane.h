/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Whose alert it is and how urgent: the lane by which it travels. The state is its victim's: whose
 * prefix the victim's address lies in, by the longest match. The class is the rule's severity.
 */
#ifndef SENSOR_ALERT_LANE_H
#define SENSOR_ALERT_LANE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/addr.h"

struct alert_record;
struct detect_rule;
struct lane_table;

/** Bytes of a lane's name with its NUL. */
#define LANE_NAME_MAX 24

struct lane {
    const char *state;        /* code, static */
    char name[LANE_NAME_MAX]; /* "jm.urgent" */
};

/** A table; addresses without a prefix belong to `home` (a state's code). NULL: no such state. */
struct lane_table *lane_table_create(const char *home);

/** Say that a prefix belongs to `state`; the last word on the same prefix counts. 0, ABENG_EFORMAT
 * for what is no prefix, ABENG_ENOENT for what is no state. Before the first look-up. */
int lane_table_add(struct lane_table *t, const char *prefix, const char *state);

/** Code of the state of an address, NULL when no prefix holds it. Static. */
const char *lane_table_find(const struct lane_table *t, const struct addr *a);

/**
 * The lane of an alert with these addresses (NULL: it has none). `target` is SIG_TARGET_SRC when
 * the source is the victim, SIG_TARGET_DEST when the destination is, 0 when nobody said.
 */
void lane_of(const struct lane_table *t, const struct addr *src, const struct addr *dst, int target,
             bool urgent, struct lane *out);

/** The lane of one of our own alerts. */
void lane_choose(const struct lane_table *t, const struct alert_record *r,
                 const struct detect_rule *rule, struct lane *out);

/** Free. NULL is allowed. */
void lane_table_free(struct lane_table *t);

#endif
