/* SPDX-License-Identifier: Apache-2.0 */
/* The correlation keys as texts. */
#ifndef CORRELATE_KEY_H
#define CORRELATE_KEY_H

#include <stdint.h>

struct addr;
struct observation;
struct rsit;
struct signal;
struct verdict;

/** Longest key, NUL included; names in it are cut to fit. */
#define KEY_MAX 384

/** Longest host, NUL included: "ADDRESS" or, of IPv6, "NETWORK/64". */
#define KEY_HOST_MAX 56

/** A host as keys name it. */
void key_host(const struct addr *a, char out[KEY_HOST_MAX]);

/** K1: what folds alerts into a signal, by the table of the alert's RSIT type. */
void key_signal(const struct verdict *v, const struct observation *o, char out[KEY_MAX]);

/** K1 of a scan by `attacker` on the day of `time_ms`. */
void key_scan(const struct addr *attacker, uint64_t time_ms, char out[KEY_MAX]);

/** K1 of all alerts of one rule on one day, when it made too many incidents. */
void key_storm(const struct verdict *v, const struct observation *o, char out[KEY_MAX]);

/**
 * K2: what groups signals into an incident: class and host; the attacker of tries on whole
 * networks; the rule of a storm.
 */
void key_incident(const struct signal *s, char out[KEY_MAX]);

#endif
