/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a live sensor sees of its interfaces, and whether it is going blind: a mirror that was
 * unplugged, one that shows one direction, shows everything twice, or has lost a VLAN, raises no
 * alert, and that is the trouble.
 *
 * Workers publish their captures' counters; the control thread samples them each second, keeps the
 * peaks, logs what begins and ends, and writes it into stats.json, from where it travels with the
 * health report and becomes an alarm at the collector.
 */
#ifndef SENSOR_LIVE_H
#define SENSOR_LIVE_H

#include <stdint.h>

struct capture_counts;
struct json;
struct live_board;

/** VLAN ids. */
#define LIVE_VLANS 4096

/** An interface without a packet for so long is silent. */
#define LIVE_SILENT_S 60u

/** Directions and duplicates are judged over so many seconds. */
#define LIVE_WINDOW_S 300u

/** A VLAN that was there in this many minutes, and then for so many not, is missing. */
#define LIVE_VLAN_KNOWN_MIN   30u
#define LIVE_VLAN_MISSING_MIN 10u

/** Sums over all workers, ever rising. */
struct live_flows {
    uint64_t flows, one_sided; /* TCP sessions begun; those that ended seen from one side */
    uint64_t tcp, overlaps;    /* segments; those over bytes that were there already */
    uint64_t shed;             /* packets left out under pressure */
    uint64_t records_lost;     /* records for which the ring to the writer had no room */
    uint64_t stage_drops;      /* what stages left out because memory or a limit was reached */
};

/** A board for `workers` workers; `names` of the interfaces stay the caller's. Never NULL. */
struct live_board *live_create(const char *const *names, unsigned interfaces, unsigned workers);

/** A worker's counters of an interface. That worker's thread. */
void live_publish(struct live_board *b, unsigned worker, unsigned interface,
                  const struct capture_counts *counts);

/** Note that `vlan` was seen now. Any worker; one store. */
void live_see_vlan(struct live_board *b, uint16_t vlan);

/** Once a second, `now_s` by any clock that does not jump: judge. The control thread. */
void live_sample(struct live_board *b, uint64_t now_s, const struct live_flows *flows);

/** Sums over interfaces and workers as published. The control thread. */
void live_totals(const struct live_board *b, struct capture_counts *out);

/** Write `"interfaces":[…]` and `"blind":[…]`. The control thread. */
void live_write(const struct live_board *b, struct json *out);

/** Free. NULL is allowed. */
void live_free(struct live_board *b);

#endif
