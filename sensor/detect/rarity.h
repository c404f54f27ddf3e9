/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How rarely four neighbouring bytes come in traffic, judged by what rules look for.
 *
 * What rules search for is text and code of the kinds that traffic is made of, so its pairs of
 * neighbouring bytes tell which letters follow each other: a model of one byte's memory, learned
 * anew with each rule set. Grams of the words that most traffic has (headers, the start of a page)
 * are counted as common whatever the pairs say. Letters of both cases are one.
 */
#ifndef SENSOR_DETECT_RARITY_H
#define SENSOR_DETECT_RARITY_H

#include <stddef.h>
#include <stdint.h>

struct rarity;

/** A model that knows what most traffic says and nothing else. */
struct rarity *rarity_create(void);

/** Learn from a pattern. */
void rarity_learn(struct rarity *r, const uint8_t *bytes, size_t len);

/** All is learned: rarity_of may be asked. */
void rarity_settle(struct rarity *r);

/** How rare four bytes are: the more, the rarer; 1 is the least. */
unsigned rarity_of(const struct rarity *r, const uint8_t gram[4]);

/**
 * How often two neighbouring bytes come, of all pairs of folded bytes: half of the traffic is as
 * the rules say, half has all pairs alike. After rarity_settle.
 */
double rarity_share(const struct rarity *r, uint8_t a, uint8_t b);

/** NULL is allowed. */
void rarity_free(struct rarity *r);

#endif
