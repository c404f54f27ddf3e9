/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The account of a sensor's records by state and hour: raised (the sensor says), received, late,
 * lost and shed. Received, late and what is missing are counted in the step that accepts a batch
 * (abeng_accept), so they are as exact as the store; hours are those of arrival.
 */
#ifndef COLLECTOR_INGEST_LEDGER_H
#define COLLECTOR_INGEST_LEDGER_H

#include <jansson.h>
#include <stdint.h>

struct ca_identity;
struct json;
struct store;

/** Hours of one question. */
#define LEDGER_HOURS_MAX (92u * 24u)

/**
 * Note what a health report says was raised: an array of {"lane","epoch","raised"}; lanes of states
 * that are not the sensor's are passed over. 0 or ABENG_EAGAIN.
 */
int ledger_raised(struct store *s, const struct ca_identity *who, const json_t *lanes,
                  uint64_t now_ms);

/** What an account comes to. */
struct ledger_sum {
    uint64_t raised, received, late, lost, shed, gaps;
};

/**
 * Write hours [from_ms, to_ms) of `id` in the states of `states` ("jm,bb") as elements of the open
 * array, oldest first, and their sum. 0 or ABENG_EAGAIN.
 */
int ledger_write_hours(struct store *s, const char *id, const char *states, uint64_t from_ms,
                       uint64_t to_ms, struct json *out, struct ledger_sum *sum, size_t *count);

#endif
