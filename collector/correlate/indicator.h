/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What two states may have in common (K4): the name or the address that an attacker uses. A state's
 * worker tells the region of each sighting through its outbox, minimised: the indicator, which
 * signal and incident, when and how often; never a host of the state.
 *
 * A signal that knows a name is told by its names alone: an address behind a name may serve
 * thousands of others, and behind a DNS question stands a resolver. Families are not indicators:
 * common malware is in every state at any time and joins nothing.
 */
#ifndef CORRELATE_INDICATOR_H
#define CORRELATE_INDICATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;
struct rsit;
struct signal;

/** Longest value, NUL included, and most indicators of one signal. */
#define INDICATOR_VALUE_MAX 160
#define INDICATOR_MAX       4

/** Longest id ("c-0123456789"), NUL included. */
#define INDICATOR_ID_MAX 16

enum indicator_type { INDICATOR_DOMAIN, INDICATOR_IP };

struct indicator {
    enum indicator_type type;
    char value[INDICATOR_VALUE_MAX];
};

/** "domain", "ip". */
const char *indicator_word(enum indicator_type type);

/** The campaign's id, from type and value alone: the same in every run. */
void indicator_id(const struct indicator *i, char out[INDICATOR_ID_MAX]);

/** What a signal is told by; returns how many (0: nothing that another state could see). */
unsigned indicator_of(const struct signal *s, struct indicator out[INDICATOR_MAX]);

/** One sighting, as absolute values of one signal. */
struct hit {
    struct indicator indicator;
    uint64_t signal, incident; /* numbers */
    uint64_t count;
    uint64_t first_ms, last_ms;
    unsigned stages; /* mask of 1 << enum stage */
    unsigned prior;  /* percent */
    const struct rsit *rsit;
};

/** Write it as an object. */
void hit_write(const struct hit *h, struct json *out);

/** Read it; 0 or ABENG_EFORMAT. */
int hit_read(const char *json, size_t len, struct hit *out);

#endif
