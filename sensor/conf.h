/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The sensor's configuration: one YAML file, read into this struct by one schema table (conf.c),
 * checked once. Command line options are laid over it by main.c. docs/man/abeng-sensor.yaml.5
 * describes each setting.
 */
#ifndef SENSOR_CONF_H
#define SENSOR_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensor/decode/target.h"

/** A variable of the rule language. */
struct conf_variable {
    char *name, *value;
};

/** A live interface. */
struct conf_interface {
    char *name;
    char *bpf;         /* capture filter, or NULL */
    bool libpcap;      /* listen through libpcap instead of AF_PACKET: one worker alone */
    bool xdp;          /* listen through AF_XDP: one receive queue a worker */
    uint32_t ring_mib; /* ring memory a worker; 0: 64 */
};

/** A prefix and the member state it belongs to. */
struct conf_prefix {
    char *prefix, *state;
};

/** A channel of signed bundles and the partner's minisign public key. */
struct conf_feed {
    char *channel, *key;
    bool policy; /* the CERT's own: its files of local policy count */
};

/** Networks whose hosts run one system. */
struct conf_hosts {
    char **networks;
    uint32_t networks_count;
};

struct sensor_conf {
    char *site;        /* name of the place, for sites.conf of the local policy; NULL: none */
    char *reputation_categories_file;
    char **reputation_files;
    uint32_t reputation_files_count;
    char **list_files; /* lists that rules of files name (dataset, datarep) */
    uint32_t list_files_count;
    char **policy_files; /* files of the local policy, known by their names */
    uint32_t policy_files_count;
    char *user;       /* whom the processes become; NULL: abeng */
    char *profile;    /* suricata7 or abeng; NULL: suricata7 */
    uint32_t workers; /* 0: one a core when live, 1 for files */
    char **rule_files;
    uint32_t rule_files_count;
    char *classification_file;
    struct conf_interface *interfaces;
    uint32_t interfaces_count;
    struct conf_variable *address_groups;
    uint32_t address_groups_count;
    struct conf_variable *port_groups;
    uint32_t port_groups_count;
    struct {
        bool midstream, async_oneside;
        uint32_t depth_kib; /* 0: 1,024 */
    } stream;
    struct conf_hosts host_os[TARGET_OS_COUNT];
    struct {
        uint32_t worker_memory_mib; /* memory of the packet path a worker; 0: 1,024 */
        uint32_t flows;             /* flows a worker; 0: 262,144 */
    } limits;
    struct {
        bool off, every_flow;
        uint32_t packets_tcp, packets_udp; /* 0: 10 and 6 */
    } ndpi;
    struct {
        bool off;
    } flow_records;  /* of ended flows, in eve.json */
    char *log_dir;   /* eve.json, stats.json; NULL: . */
    char *state_dir; /* identity, spool, bundles; NULL: /var/lib/abeng */
    char *cache_dir; /* compiled rule sets; NULL: /var/cache/abeng */
    struct {
        uint32_t max_mib; /* 0: 4,096 */
        bool off;
    } spool;
    struct {
        bool off, captures; /* captures: keep evidence of -r, too */
        uint32_t ring_mib;  /* of recent packets, a worker; 0: 32 */
        uint32_t max_mib;   /* on disk; 0: 1,024 */
        uint32_t max_days;  /* 0: 14 */
    } evidence;
    struct {
        bool enabled;
        uint32_t max_mib;  /* 0: 1,024 */
        uint32_t max_days; /* 0: 30 */
    } file_store;
    struct {
        char **collectors; /* https://host:port, first one that answers */
        uint32_t collectors_count;
        char *proxy;
        bool off;
    } uplink;
    struct conf_feed *feeds;
    uint32_t feeds_count;
    char *
        home_state; /* state of victims that no prefix names; NULL: from the certificate, else rg */
    struct conf_prefix *states;
    uint32_t states_count;
};

/**
 * Read `path`, or an empty configuration when `path` is NULL. NULL when it can't be read, is no
 * YAML, names an unknown setting or holds a value that is not allowed: one log line with path, line
 * and reason has been written. Free with conf_free.
 */
struct sensor_conf *conf_load(const char *path);

/** As conf_load from `len` bytes; `name` stands for the path in messages. */
struct sensor_conf *conf_parse(const char *text, size_t len, const char *name);

/** Free. NULL is allowed. */
void conf_free(struct sensor_conf *c);

#endif
