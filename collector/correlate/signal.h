/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A signal: all alerts of one thing (K1), folded. It has an identity that survives restarts, a
 * count, the first and the last time, what was seen, and up to eight of the alerts themselves.
 * Written to the store as one JSON object, which is also what the API shows, when anything but a
 * number of it changes; its numbers by themselves, as the store has them, each time (stored.h).
 */
#ifndef CORRELATE_SIGNAL_H
#define CORRELATE_SIGNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/correlate/classify.h"

struct incident;
struct json;
struct observation;

/** Limits of what one signal remembers by name; beyond them it counts only. */
#define SIGNAL_RULES   8
#define SIGNAL_HOSTS   256
#define SIGNAL_NAMES   8
#define SIGNAL_PORTS   16
#define SIGNAL_SAMPLES 8

/** The first samples stay; the others are the latest, one of each minute of event time. */
#define SIGNAL_SAMPLES_FIRST 4
#define SIGNAL_SAMPLE_MS     60000

/** Hours of the activity strip. */
#define SIGNAL_HOURS 24

/** Longest name of a sensor or feed, or name asked for, kept. */
#define SIGNAL_NAME_MAX 159

/** Longest sample kept; a longer record is left out of the samples. */
#define SIGNAL_SAMPLE_MAX (64u << 10)

/**
 * A small set of names in order of appearance; owned. Their hashes stand together, so that an alert
 * touches one name's memory and not all.
 */
struct names {
    uint32_t hash[SIGNAL_NAMES];
    unsigned count;
    char *name[SIGNAL_NAMES];
};

/** Alerts per hour; `last` is the newest hour since 1970, at the end of `count`. */
struct strip {
    uint64_t last;
    uint32_t count[SIGNAL_HOURS];
};

/**
 * A port that the victim spoke from, and when last: behind a carrier's address translation stand
 * many, and their provider tells them apart by port and time.
 */
struct signal_port {
    uint64_t last_ms;
    uint16_t port;
};

/** What put a signal into its incident. */
enum link { LINK_NONE, LINK_K2, LINK_K3, LINK_STORM, LINK_HAND };

/** A rule of the signal and how often it fired. */
struct signal_rule {
    uint32_t gid, sid, rev;
    uint64_t count;
};

struct signal {
    uint64_t number;
    char *key; /* K1 */
    const struct rsit *rsit;
    enum stage stage; /* the furthest */
    unsigned stages;  /* all seen, mask of 1 << enum stage */
    enum direction direction;
    bool storm; /* stands for what was too much to be told apart */
    unsigned prior;
    unsigned alerts; /* that make an incident; 0: never alone */
    int confidence;
    unsigned severity;
    uint32_t gid, sid, rev; /* of the leading rule: worst severity, then first */
    char *signature, *category, *metadata, *app_proto, *ruleset, *feed;
    char family[CLASSIFY_WORD_MAX];
    char cve[CLASSIFY_WORD_MAX];
    bool victim_is_client;
    unsigned proto;
    struct addr victim, peer;
    unsigned victim_port, peer_port;
    struct addr *hosts; /* the victims, in order of appearance */
    unsigned host_count;
    struct signal_port *ports; /* of a victim that began the flows; the latest SIGNAL_PORTS */
    unsigned port_count;
    struct signal_rule rules[SIGNAL_RULES];
    unsigned rule_count;
    struct names sensors, feeds;
    struct names called; /* names that were asked for */
    uint64_t count, late;
    uint64_t sampled; /* alerts that became samples */
    uint64_t first_ms, last_ms;
    struct strip strip;
    struct {
        uint64_t count, last_ms, incident;
        unsigned stages;
    } told;                        /* what the region heard of it */
    struct incident *incident;     /* NULL: waits off the queue */
    enum link link;                /* what put it there */
    uint64_t link_ms;              /* when: the event's time, an analyst's for LINK_HAND */
    bool pinned;                   /* an analyst said where it belongs */
    uint64_t suppressed;           /* alerts that came while its key was suppressed */
    struct signal *next;           /* of the incident */
    char *samples[SIGNAL_SAMPLES]; /* those that came since the last commit */
    bool dirty;
    bool stored, waited; /* the store has it; and has it among those that wait off the queue */
    bool described;      /* all but the numbers stands in the store as it is here */
};

/** "K2", "K3", "storm", "attach"; "" for none. Static. */
const char *link_word(enum link link);

/** Make a signal from its first alert (which signal_add then counts). */
struct signal *signal_create(uint64_t number, const char *key, const struct verdict *v,
                             const struct observation *o);

/** Count one alert in. */
void signal_add(struct signal *s, const struct verdict *v, const struct observation *o, bool late);

/**
 * Whether the region should hear of it: it joined an incident, got further, doubled, or was seen an
 * hour after what the region knows.
 */
bool signal_untold(const struct signal *s);

/** Free. NULL is allowed. */
void signal_free(struct signal *s);

/** Write it as an object; `state` is its code. */
void signal_write(const struct signal *s, const char *state, struct json *out);

/** Write what changes with nearly every alert: counts, times, ports (numbers.c). */
void signal_write_numbers(const struct signal *s, struct json *out);

/**
 * What signal_write wrote, with newer numbers laid over it (`numbers_len` 0: none); the caller's
 * reference, NULL when it is no JSON.
 */
json_t *signal_open(const char *json, size_t len, const char *numbers, size_t numbers_len);

/**
 * Read what signal_open gave; `*incident` gets the number of its incident or 0. NULL when it is
 * not one.
 */
struct signal *signal_read(const json_t *root, uint64_t *incident);

/** Add a name unless it is there; whether it was added (there was room, and it is new). */
bool names_add(struct names *n, const char *name, size_t len);

/** Free the names. */
void names_clear(struct names *n);

/** Count `n` alerts of hour `hour` in; hours older than the strip are left out. */
void strip_add(struct strip *s, uint64_t hour, uint32_t n);

#endif
