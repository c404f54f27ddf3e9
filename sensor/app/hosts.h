/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What nDPI's tables say of the hosts that were asked for last: a table of fixed size, one per
 * worker, in which a host takes the place of one that falls on the same and came before. Whoever
 * asks for many hosts makes others be looked up again, no more.
 */
#ifndef SENSOR_HOSTS_H
#define SENSOR_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

struct hosts;

/** In nDPI's numbers. */
struct hosts_answer {
    uint16_t app, category; /* of the service that the host belongs to; 0: of none */
    uint16_t special;       /* what it is known for, whoever's it is; meant if `is_special` */
    bool is_special;
};

/** An empty table. Ends the process when memory is out. */
struct hosts *hosts_create(void);

/**
 * The answer for a host of named_host's shape. `known`: it is the one that was put there, else the
 * caller is to fill it. The table's, valid until the next call.
 */
struct hosts_answer *hosts_look(struct hosts *h, const char *host, bool *known);

/** Free. NULL is allowed. */
void hosts_free(struct hosts *h);

#endif
