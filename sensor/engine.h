/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The engine process: workers, the writer and the control of both.
 *
 * ```
 *   files:  all of them ────► worker 0..N ──ring──► writer ──► eve.json
 *   live:   ring of its own ► worker 0..N ──ring──►   │   └──► spool segments
 *                                                     └ sequencer: what flows share
 * ```
 * It holds descriptors and no file system, no network and no privilege; what it needs opened it
 * asks the monitor for. Workers read files together (feed.h).
 * A new rule set comes as a sealed memfd; workers go over at a burst's edge, and the old set is
 * dropped when the writer, too, is past its last record.
 */
#ifndef SENSOR_ENGINE_H
#define SENSOR_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

struct blackbox;
struct capture;
struct sensor_conf;

#define ENGINE_WORKERS_MAX    64
#define ENGINE_INTERFACES_MAX 16

/** What the configuration need not say: a worker's memory, its ring on an interface, its evidence
 * ring; disk for evidence and the spool. */
#define WORKER_MEMORY_MIB 1024
#define RING_MIB          64
#define EVIDENCE_RING_MIB 32
#define EVIDENCE_DISK_MIB 1024
#define FILES_DISK_MIB    1024
#define SPOOL_DISK_MIB    4096

/** What the monitor hands to the engine when it starts it. */
struct engine_conf {
    const struct sensor_conf *conf;
    unsigned workers;
    bool rule_profile; /* write rule-profile.json at the end, live each ten seconds too */
    bool live, check_checksums, profile_abeng, spool, evidence, progress;
    bool keeps;  /* datasets outlive the run */
    bool files;  /* those that rules want are stored */
    int request; /* channel: the engine asks, the monitor answers */
    int control; /* channel: the monitor tells */
    int ruleset; /* sealed image */
    uint64_t rules_loaded, rules_refused;
    uint64_t load_ns;       /* what loading took */
    uint64_t load_peak_kib; /* memory of the loader at its peak */
    struct blackbox *box;   /* shared with the monitor */
    const int *rings;       /* live: interfaces × workers AF_PACKET sockets, worker-major */
    unsigned ring_count;    /* interfaces */
    const char *const *ring_names;
    struct capture *const *ready; /* interfaces × workers likewise: what is read without such a
                                   * socket (libpcap, by the first worker; AF_XDP), else NULL */
};

/** Run to the end of the captures, or until told to stop. Returns the process's exit status. */
int engine_run(const struct engine_conf *conf);

#endif
