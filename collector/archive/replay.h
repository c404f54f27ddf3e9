/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A store that was put back from a backup is older than the archive. What the archive has beyond
 * it goes back into the streams, in its order, before anybody is served; the workers fold it again,
 * and the sensors go on where the lanes then stand.
 */
#ifndef COLLECTOR_ARCHIVE_REPLAY_H
#define COLLECTOR_ARCHIVE_REPLAY_H

#include <stdint.h>

struct ingest;

/**
 * Replay what is younger than each state's stream from the files of the last ARCHIVE_DEDUP_DAYS.
 * `*records` is how many went back. 0, or an error after a log line; to be tried again then, for
 * what went back is known by position. At start only, before archive_start.
 */
int archive_replay(const char *dir, struct ingest *in, uint64_t now_ns, uint64_t *records);

#endif
