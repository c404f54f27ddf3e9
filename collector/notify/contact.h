/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who is told of a state's incidents, by which way and when: what a contact's record holds, and the
 * pure questions about it. Rungs order the ladder: 1 the point of contact's mailbox, 2 its duty
 * phone, 3 the deputy, 4 the regional duty officer.
 */
#ifndef NOTIFY_CONTACT_H
#define NOTIFY_CONTACT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shape;

/** Highest rung; hour of the day, in the contact's own time, at which digests go out. */
#define CONTACT_RUNG_MAX    4
#define CONTACT_DIGEST_HOUR 7

/** What a contact's document may hold. */
const struct shape *contact_shape(size_t *count);

/** Whether address and kind fit each other: 0, or ABENG_EINVAL with one line in `why`. */
int contact_check(const json_t *doc, char *why, size_t why_len);

/**
 * When a notice of `tier` that is ready at `now_ms` may reach the contact: at once for tier 1, else
 * outside its quiet hours, days off and holidays, and for a digest at the next digest hour.
 */
uint64_t contact_when(const json_t *doc, unsigned tier, uint64_t now_ms);

/** Whether notices of `tier` to it are collected into one mail a day. */
bool contact_digest(const json_t *doc, unsigned tier);

/** Whether it is away now and names a delegate. */
bool contact_away(const json_t *doc, uint64_t now_ms);

/** clear 0, green 1, amber 2, amber+strict 3, red 4; -1 for anything else. */
int tlp_rank(const char *tlp);

#endif
