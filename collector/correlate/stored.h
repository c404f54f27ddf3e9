/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A signal as the store has it: {jm}:sig:ID, a JSON object written when anything but a number
 * changes, and its numbers in the hash {jm}:nums (numbers.c). Whoever reads one reads both.
 */
#ifndef CORRELATE_STORED_H
#define CORRELATE_STORED_H

#include <jansson.h>

struct store_conn;

/** Ask for signal `number` (decimal) of `state`, one after the other. 0 or ABENG_EAGAIN. */
int stored_ask(struct store_conn *c, const char *state, const char *number);

/**
 * What was asked for first: `*out` is the whole of it (the caller's reference), NULL when it is not
 * there or no JSON. 0, or ABENG_EAGAIN and what store_collect returns.
 */
int stored_take(struct store_conn *c, json_t **out);

/** Both at once. */
int stored_signal(struct store_conn *c, const char *state, const char *number, json_t **out);

#endif
