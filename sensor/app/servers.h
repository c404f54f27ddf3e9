/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Servers whose flows have no name. Of a port of an address for which nDPI found nothing in three
 * flows in a row it will hardly tell the fourth, and such flows cost it most, since each of its
 * dissectors looks at each of their packets. What was guessed of the third is taken for those that
 * follow; one in so many is asked again. A table of fixed size, one per worker, in which a server
 * takes the place of one that falls on the same and came before: that one is asked again, no more.
 */
#ifndef SENSOR_SERVERS_H
#define SENSOR_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

struct flow;
struct servers;

/** Flows without a name after which a server is not asked. */
#define SERVERS_FAILED 3u
/** Of the flows of such a server one in so many is asked all the same. */
#define SERVERS_AGAIN 32u

/** What is guessed of a flow by its ports and addresses, in nDPI's numbers. */
struct servers_guess {
    uint16_t master, app, category;
    uint8_t confidence;
};

/** An empty table. Ends the process when memory is out. */
struct servers *servers_create(void);

/** Whether a new flow need not be asked: then what is guessed of it. Counts the flow. */
bool servers_hopeless(struct servers *s, const struct flow *f, struct servers_guess *out);

/** nDPI has no name for the flow so far: once a flow. Whether these are enough. */
bool servers_failed(struct servers *s, const struct flow *f);

/** It had none and guesses. */
void servers_guessed(struct servers *s, const struct flow *f, const struct servers_guess *guess);

/** It has one. */
void servers_named(struct servers *s, const struct flow *f);

/** Free. NULL is allowed. */
void servers_free(struct servers *s);

#endif
