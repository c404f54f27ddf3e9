/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The uplink: the process with the network and without packets.
 *
 * The way of a record: it stands fsynced in the spool (sensor/spool); the uplink takes each lane's
 * records in order, the urgent ones first, packs them into zstd batches and posts them over TLS
 * with its client certificate; what the collector has committed is marked in the spool. Between
 * batches it reports health, and asks for commands: fixed verbs, each logged, none of which runs
 * anything. A new bundle is written to STATE_DIR/bundles and the monitor is told.
 */
#ifndef SENSOR_UPLINK_H
#define SENSOR_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uplink_conf {
    const char *state_dir; /* identity (key, certificate, CA) and bundles/ */
    const char *spool_dir;
    const char *user;              /* to become */
    const char *const *collectors; /* https://host:port; none: the one of the identity */
    unsigned collector_count;
    const char *proxy;           /* or NULL */
    const char *stats_path;      /* stats.json of the engine, read for health; or NULL */
    const char *const *channels; /* of bundles to follow */
    unsigned channel_count;
    /* to the monitor (sensor/monitor/channel.h): CHANNEL_BUNDLE_READY, its name field the bundle's
     * channel; sent, not answered */
    int channel;
};

/**
 * Run until SIGTERM: then finish the batch in flight and return. Confines itself (user, privileges,
 * Landlock, system calls). Returns the process's exit status.
 */
int uplink_run(const struct uplink_conf *conf);

/** Whether `state_dir` holds an identity. */
bool uplink_enrolled(const char *state_dir);

/**
 * How many records of the spool the collector has not committed yet; for the end of a run over
 * files.
 */
uint64_t uplink_waiting(const char *spool_dir);

#endif
