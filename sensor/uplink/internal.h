/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the uplink's two threads share: the sender (uplink.c) and the listener for commands
 * (commands.c).
 */
#ifndef SENSOR_UPLINK_INTERNAL_H
#define SENSOR_UPLINK_INTERNAL_H

#include <pthread.h>

#include "sensor/uplink/client.h"
#include "sensor/uplink/identity.h"
#include "sensor/uplink/ledger.h"
#include "sensor/uplink/uplink.h"

#define UPLINK_CHANNELS_MAX 16
#define UPLINK_LANES_MAX    64

struct uplink_channel {
    const char *name;
    char etag[128];   /* of the bundle we have */
    uint64_t version; /* 0: not known */
};

struct uplink {
    const struct uplink_conf *conf;
    struct identity identity;
    const char *addresses[IDENTITY_COLLECTORS_MAX];
    size_t address_count;
    int stop;             /* atomic */
    int renewed;          /* atomic; the sender takes up the new files */
    pthread_mutex_t lock; /* of channels' versions */
    struct uplink_channel channels[UPLINK_CHANNELS_MAX];
    unsigned channel_count;
    struct ledger *ledger; /* what left; any thread's */
};

/** The listener's thread: bundles, renewal, long poll; `arg` is the uplink. */
void *uplink_listen(void *arg);

/** A client with this sensor's certificate. */
struct client *uplink_client(struct uplink *u);

/** Sleep up to `ms`, less when the uplink stops. */
void uplink_sleep(struct uplink *u, unsigned ms);

/* A lane as the health report shows it. */
struct uplink_lane {
    char name[24];
    char epoch[33];
    uint64_t raised;
};

/**
 * Append health as a JSON object: what was raised in each of `count` lanes, versions, the engine's
 * statistics.
 */
void uplink_write_health(struct uplink *u, const struct uplink_lane *lanes, unsigned count,
                         struct buf *out);

#endif
