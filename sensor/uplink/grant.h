/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The collector's answer to an enrolment or a renewal.
 */
#ifndef SENSOR_UPLINK_GRANT_H
#define SENSOR_UPLINK_GRANT_H

#include <stddef.h>

struct buf;
struct identity;

/**
 * Read the answer; on 200 fill `id` (whose collectors are set already) and keep certificate and
 * identity in `state_dir` (`fresh`: with the key of a fresh request). Otherwise an error with the
 * collector's reason in `why`.
 */
int grant_keep(const char *state_dir, long status, const struct buf *body, int fresh,
               struct identity *id, char *why, size_t why_len);

/** Print the key's fingerprint of a 202, for the person who reads it out. */
void grant_print_pending(const struct buf *body);

/** The detail of a problem body, or "status N", into `why`. */
void grant_problem(long status, const struct buf *body, char *why, size_t why_len);

#endif
