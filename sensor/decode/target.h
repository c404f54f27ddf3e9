/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a packet's target makes of bytes that come twice. Systems differ in whether the first or the
 * last word counts where fragments or segments overlap; a sensor that decides otherwise than the
 * target reads another text than the target does. Names and choices are those of Suricata's
 * host-os-policy.
 */
#ifndef SENSOR_DECODE_TARGET_H
#define SENSOR_DECODE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"

enum target_os {
    TARGET_UNKNOWN,
    TARGET_BSD,
    TARGET_BSD_RIGHT,
    TARGET_OLD_LINUX,
    TARGET_LINUX,
    TARGET_OLD_SOLARIS,
    TARGET_SOLARIS,
    TARGET_HPUX10,
    TARGET_HPUX11,
    TARGET_IRIX,
    TARGET_MACOS,
    TARGET_WINDOWS,
    TARGET_VISTA,
    TARGET_WINDOWS2K3,
    TARGET_OS_COUNT
};

/** Bytes [start, end) of a datagram or a stream. */
struct target_range {
    uint64_t start, end;
};

/** Which networks run what. Filled, then read by any thread. */
struct targets;

/** The name of a system in a configuration; NULL for TARGET_UNKNOWN. */
const char *target_os_name(enum target_os os);

/** An empty table. */
struct targets *targets_create(void);

/** The hosts of a network, ADDRESS/BITS, run `os`: 0, ABENG_EFORMAT, or ABENG_ELIMIT beyond 4,096
 * networks. The longest prefix counts, of equal ones the last. */
int targets_add(struct targets *t, const char *prefix, enum target_os os);

/** What a host runs. Of one that no network holds, or without a table (NULL): Windows for IPv4, BSD
 * for IPv6, as in Suricata's shipped configuration. Never TARGET_UNKNOWN. */
enum target_os targets_find(const struct targets *t, const struct addr *host);

/** Whether bytes of the fragment `old` stay where `fresh` overlaps it. */
bool target_fragment_stays(enum target_os os, struct target_range old, struct target_range fresh);

/** Whether bytes of the segment `old` stay where `fresh` overlaps it. */
bool target_segment_stays(enum target_os os, struct target_range old, struct target_range fresh);

/** Free. NULL is allowed. */
void targets_free(struct targets *t);

#endif
