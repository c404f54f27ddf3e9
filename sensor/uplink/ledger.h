/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What left this network: the host's own account of all that the uplink sent and was told.
 *
 * STATE_DIR/ledger holds a file for each day (UTC), YYYY-MM-DD.json: calls and bytes by what they
 * were for and by collector, records by lane, commands received, and the BLAKE2b-256 of the day
 * before, so that no day can be changed or left out behind the others' back. It is written at most
 * once a second, so a kill loses at most the last second of it. When a day is over it is signed
 * with the sensor's own key: YYYY-MM-DD.sig, JSON with signature (ECDSA, SHA-256, base64) and the
 * certificate it belongs to. last.ndjson has the last records as they were sent.
 *
 * Bytes are those of HTTP, heads included, before TLS. Any thread of the uplink may call.
 */
#ifndef SENSOR_UPLINK_LEDGER_H
#define SENSOR_UPLINK_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

struct batch;
struct client_traffic;
struct clock;
struct ledger;

/** What one day names at most; more is counted and not named. */
#define LEDGER_PLACES_MAX   32
#define LEDGER_LANES_MAX    64
#define LEDGER_COMMANDS_MAX 500

/** Days that are kept. */
#define LEDGER_DAYS 400

/** Records of the last batch that are kept as they were sent. */
#define LEDGER_LAST_MAX 10

/**
 * Go on with today's ledger of `state_dir`, and sign what earlier days left unsigned. `clock` NULL:
 * the system's. Never NULL.
 */
struct ledger *ledger_open(const char *state_dir, const char *sensor, const struct clock *clock);

/** One attempt of a call to `path`. */
void ledger_call(struct ledger *l, const char *path, const struct client_traffic *t);

/** A batch that the collector has taken. */
void ledger_batch(struct ledger *l, const struct batch *b);

/** A command as it came; `argument` may be NULL. */
void ledger_command(struct ledger *l, const char *verb, const char *argument);

/** Write what is new, when the last time is a second ago or `now`; close days that are over. */
void ledger_flush(struct ledger *l, bool now);

/** Flush, free. NULL is allowed. */
void ledger_close(struct ledger *l);

/** `abeng-sensor ledger …`; the exit status. */
int ledger_main(int argc, char **argv);

#endif
