/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One flow's packets out of an evidence file, by a process that lives for this alone: it holds the
 * file and the result, no network, no file system, and dies with the answer. The monitor that
 * starts it never looks at a byte of it, and the uplink only ever gets the result.
 */
#ifndef SENSOR_EVIDENCE_EXTRACT_H
#define SENSOR_EVIDENCE_EXTRACT_H

#include <stdint.h>

/**
 * Start the process, wait for it at most two seconds. `file` (borrowed) is an evidence file, the
 * rest what an alert says of its place. A sealed memfd with the extent, which is a pcap file; or
 * ABENG_ELIMIT for a length beyond EVIDENCE_EXTENT_MAX, ABENG_EOF when the file ends before it,
 * ABENG_EAUTH when its hash is not `hash`, ABENG_EIO. Single-threaded callers only: it forks.
 */
int evidence_extract(int file, uint64_t offset, uint32_t length, const char *hash,
                     const char *user);

#endif
