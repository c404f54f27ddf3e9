/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The loader: a process that lives for one load. It gets descriptors of rule files and bundles,
 * verifies what is signed, parses, compiles and hands back a sealed image with a report; the cache
 * is asked first, by a key over everything that goes in. What comes from partners is read here and
 * nowhere else on the sensor, without network and without files.
 */
#ifndef SENSOR_LOADER_H
#define SENSOR_LOADER_H

#include <stdbool.h>

struct sensor_conf;

/** What a source is. */
enum loader_role {
    LOADER_RULES,      /* rules, or a bundle of them */
    LOADER_LIST,       /* a list that rules name */
    LOADER_POLICY,     /* a file of local policy, or a bundle whose policy counts */
    LOADER_CATEGORIES, /* of reputation */
    LOADER_REPUTATION, /* a list of it */
};

/** A file of rules, or a signed bundle with the partner's key. */
struct loader_source {
    int fd;
    const char *name;
    int signature_fd;    /* bundles: the .minisig; else -1 */
    const char *channel; /* bundles; else NULL */
    const char *key;     /* bundles: minisign public key */
    enum loader_role role;
};

struct loader_conf {
    const struct sensor_conf *conf;
    const struct loader_source *sources;
    unsigned source_count;
    int classification_fd; /* -1: built in */
    int channel;           /* to the monitor */
};

/**
 * The loader's whole life. Answers by CHANNEL_CACHE_GET, CHANNEL_RULESET_DONE and
 * CHANNEL_REPORT_DONE, or CHANNEL_FAILED. Returns the process's exit status.
 */
int loader_run(const struct loader_conf *conf);

#endif
