/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts for tests: lines as a sensor writes them, put into a state's stream as ingest would. */
#ifndef TESTS_UNIT_COLLECTOR_ALERTS_H
#define TESTS_UNIT_COLLECTOR_ALERTS_H

struct buf;
struct store;

/** Append one alert's line. */
void alerts_line(struct buf *b, const char *time, const char *src, const char *dest, unsigned sid,
                 const char *signature);

/** Put `count` lines into {jm}:ing as one batch. */
void alerts_put(struct store *store, struct buf *lines, unsigned count);

/** Put one batch of `count` equal alerts into a state's stream. */
void alerts_put_to(struct store *store, const char *state, const char *src, const char *dest,
                   unsigned sid, const char *signature, unsigned count);

/** Put a batch in which each of `victims` hosts calls its master `each` times. */
void alerts_put_beacons(struct store *store, unsigned victims, unsigned each);

#endif
