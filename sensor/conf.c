/* SPDX-License-Identifier: Apache-2.0 */
/* The schema table and the checks that a schema can't say. */
#include "config.h"
#include "sensor/conf.h"

#include <string.h>

#include <cyaml/cyaml.h>

#include "common/addr.h"
#include "common/err.h"
#include "common/log.h"
#include "common/settings.h"
#include "common/state.h"

/* A configuration is written by hand; one longer than this is something else. */
#define CONF_BYTES_MAX (1u << 20)

#define OPTIONAL       (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, type, member)                                                                    \
    CYAML_FIELD_STRING_PTR(key, OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define NUMBER(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)
#define FLAG(key, type, member)   CYAML_FIELD_BOOL(key, CYAML_FLAG_OPTIONAL, type, member)
#define LIST(key, type, member, entry)                                                             \
    CYAML_FIELD_SEQUENCE(key, OPTIONAL, type, member, entry, 0, 4096)
#define ENTRY(type, fields)                                                                        \
    {                                                                                              \
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, type, fields)                                      \
    }

static const cyaml_schema_value_t text_entry = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1,
                                                                    CYAML_UNLIMITED) };

static const cyaml_schema_field_t variable_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct conf_variable, name, 1, 64),
    CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_POINTER, struct conf_variable, value, 1,
                           CYAML_UNLIMITED),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t variable_entry = ENTRY(struct conf_variable, variable_fields);

static const cyaml_schema_field_t interface_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct conf_interface, name, 1, 15),
    TEXT("bpf", struct conf_interface, bpf),
    FLAG("libpcap", struct conf_interface, libpcap),
    FLAG("xdp", struct conf_interface, xdp),
    NUMBER("ring-mib", struct conf_interface, ring_mib),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t interface_entry = ENTRY(struct conf_interface, interface_fields);

static const cyaml_schema_field_t prefix_fields[] = {
    CYAML_FIELD_STRING_PTR("prefix", CYAML_FLAG_POINTER, struct conf_prefix, prefix, 1, 64),
    CYAML_FIELD_STRING_PTR("state", CYAML_FLAG_POINTER, struct conf_prefix, state, 2, 2),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t prefix_entry = ENTRY(struct conf_prefix, prefix_fields);

static const cyaml_schema_field_t feed_fields[] = {
    CYAML_FIELD_STRING_PTR("channel", CYAML_FLAG_POINTER, struct conf_feed, channel, 1, 63),
    CYAML_FIELD_STRING_PTR("key", CYAML_FLAG_POINTER, struct conf_feed, key, 1, 128),
    FLAG("policy", struct conf_feed, policy),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t feed_entry = ENTRY(struct conf_feed, feed_fields);

static const cyaml_schema_field_t stream_fields[] = {
    FLAG("midstream", struct sensor_conf, stream.midstream),
    FLAG("async-oneside", struct sensor_conf, stream.async_oneside),
    NUMBER("depth-kib", struct sensor_conf, stream.depth_kib),
    CYAML_FIELD_END,
};
#define HOSTS(key, os) LIST(key, struct sensor_conf, host_os[os].networks, &text_entry)
static const cyaml_schema_field_t host_os_fields[] = {
    HOSTS("bsd", TARGET_BSD),
    HOSTS("bsd-right", TARGET_BSD_RIGHT),
    HOSTS("old-linux", TARGET_OLD_LINUX),
    HOSTS("linux", TARGET_LINUX),
    HOSTS("old-solaris", TARGET_OLD_SOLARIS),
    HOSTS("solaris", TARGET_SOLARIS),
    HOSTS("hpux10", TARGET_HPUX10),
    HOSTS("hpux11", TARGET_HPUX11),
    HOSTS("irix", TARGET_IRIX),
    HOSTS("macos", TARGET_MACOS),
    HOSTS("windows", TARGET_WINDOWS),
    HOSTS("vista", TARGET_VISTA),
    HOSTS("windows2k3", TARGET_WINDOWS2K3),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t limits_fields[] = {
    NUMBER("worker-memory-mib", struct sensor_conf, limits.worker_memory_mib),
    NUMBER("flows", struct sensor_conf, limits.flows),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t ndpi_fields[] = {
    FLAG("off", struct sensor_conf, ndpi.off),
    FLAG("every-flow", struct sensor_conf, ndpi.every_flow),
    NUMBER("packets-tcp", struct sensor_conf, ndpi.packets_tcp),
    NUMBER("packets-udp", struct sensor_conf, ndpi.packets_udp),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t flow_records_fields[] = {
    FLAG("off", struct sensor_conf, flow_records.off),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t spool_fields[] = {
    NUMBER("max-mib", struct sensor_conf, spool.max_mib),
    FLAG("off", struct sensor_conf, spool.off),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t file_store_fields[] = {
    FLAG("enabled", struct sensor_conf, file_store.enabled),
    NUMBER("max-mib", struct sensor_conf, file_store.max_mib),
    NUMBER("max-days", struct sensor_conf, file_store.max_days),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t evidence_fields[] = {
    FLAG("off", struct sensor_conf, evidence.off),
    FLAG("captures", struct sensor_conf, evidence.captures),
    NUMBER("ring-mib", struct sensor_conf, evidence.ring_mib),
    NUMBER("max-mib", struct sensor_conf, evidence.max_mib),
    NUMBER("max-days", struct sensor_conf, evidence.max_days),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t uplink_fields[] = {
    LIST("collectors", struct sensor_conf, uplink.collectors, &text_entry),
    TEXT("proxy", struct sensor_conf, uplink.proxy),
    FLAG("off", struct sensor_conf, uplink.off),
    CYAML_FIELD_END,
};

/* The groups' members are named from the start of the whole struct, so a group's own offset is
 * 0. */
#define GROUP(key_, fields_)                                                                       \
    {                                                                                              \
        .key = key_, .data_offset = 0,                                                             \
        .value = {                                                                                 \
            .type = CYAML_MAPPING,                                                                 \
            .flags = CYAML_FLAG_OPTIONAL,                                                          \
            .data_size = sizeof(struct sensor_conf),                                               \
            .mapping = { .fields = fields_ },                                                      \
        },                                                                                         \
    }

static const cyaml_schema_field_t conf_fields[] = {
    TEXT("site", struct sensor_conf, site),
    LIST("list-files", struct sensor_conf, list_files, &text_entry),
    TEXT("reputation-categories-file", struct sensor_conf, reputation_categories_file),
    LIST("reputation-files", struct sensor_conf, reputation_files, &text_entry),
    LIST("policy-files", struct sensor_conf, policy_files, &text_entry),
    TEXT("user", struct sensor_conf, user),
    TEXT("profile", struct sensor_conf, profile),
    NUMBER("workers", struct sensor_conf, workers),
    LIST("rule-files", struct sensor_conf, rule_files, &text_entry),
    TEXT("classification-file", struct sensor_conf, classification_file),
    LIST("interfaces", struct sensor_conf, interfaces, &interface_entry),
    LIST("address-groups", struct sensor_conf, address_groups, &variable_entry),
    LIST("port-groups", struct sensor_conf, port_groups, &variable_entry),
    GROUP("stream", stream_fields),
    GROUP("host-os-policy", host_os_fields),
    GROUP("limits", limits_fields),
    GROUP("ndpi", ndpi_fields),
    GROUP("flow-records", flow_records_fields),
    TEXT("log-dir", struct sensor_conf, log_dir),
    TEXT("state-dir", struct sensor_conf, state_dir),
    TEXT("cache-dir", struct sensor_conf, cache_dir),
    GROUP("spool", spool_fields),
    GROUP("evidence", evidence_fields),
    GROUP("file-store", file_store_fields),
    GROUP("uplink", uplink_fields),
    LIST("feeds", struct sensor_conf, feeds, &feed_entry),
    TEXT("home-state", struct sensor_conf, home_state),
    LIST("states", struct sensor_conf, states, &prefix_entry),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t conf_schema = { CYAML_VALUE_MAPPING(
    CYAML_FLAG_POINTER, struct sensor_conf, conf_fields) };

static int complain(const char *name, const char *setting, const char *value, const char *help)
{
    log_error("conf", "%s: %s: \"%s\" is not allowed; %s", name, setting, value, help);
    return ABENG_EINVAL;
}

static int check_states(const struct sensor_conf *c, const char *name)
{
    struct addr net;
    unsigned bits;
    if (c->home_state && state_find(c->home_state, strlen(c->home_state)) < 0)
        return complain(name, "home-state", c->home_state,
                        "use a member state's two letters, or rg");
    for (uint32_t i = 0; i < c->states_count; i++) {
        if (state_find(c->states[i].state, strlen(c->states[i].state)) < 0)
            return complain(name, "states: state", c->states[i].state,
                            "use a member state's two letters");
        if (addr_parse_prefix(c->states[i].prefix, &net, &bits) < 0)
            return complain(name, "states: prefix", c->states[i].prefix, "write ADDRESS/BITS");
    }
    return ABENG_OK;
}

static int check_hosts(const struct sensor_conf *c, const char *name)
{
    struct addr net;
    unsigned bits;
    for (unsigned os = 0; os < TARGET_OS_COUNT; os++)
        for (uint32_t i = 0; i < c->host_os[os].networks_count; i++)
            if (addr_parse_prefix(c->host_os[os].networks[i], &net, &bits) < 0)
                return complain(name, "host-os-policy", c->host_os[os].networks[i],
                                "write ADDRESS/BITS");
    return ABENG_OK;
}

static int check(const struct sensor_conf *c, const char *name)
{
    if (c->profile && strcmp(c->profile, "suricata7") != 0 && strcmp(c->profile, "abeng") != 0)
        return complain(name, "profile", c->profile, "use suricata7 or abeng");
    if (c->workers > 64)
        return complain(name, "workers", "more than 64", "use 1 to 64");
    for (uint32_t i = 0; i < c->interfaces_count; i++) {
        if (c->interfaces[i].libpcap && c->interfaces[i].bpf)
            return complain(name, "interfaces: bpf", c->interfaces[i].bpf,
                            "libpcap listens without a filter; leave out one of the two");
        if (c->interfaces[i].xdp && (c->interfaces[i].bpf || c->interfaces[i].libpcap))
            return complain(name, "interfaces: xdp", c->interfaces[i].name,
                            "AF_XDP goes without bpf and without libpcap; leave out one");
    }
    for (uint32_t i = 0; i < c->uplink.collectors_count; i++) {
        if (strncmp(c->uplink.collectors[i], "https://", 8) != 0)
            return complain(name, "uplink: collectors", c->uplink.collectors[i],
                            "write https://HOST:PORT");
    }
    int err = check_hosts(c, name);
    return err ? err : check_states(c, name);
}

/* What the schema can't say; takes over `c`, which may be NULL. */
static struct sensor_conf *checked(struct sensor_conf *c, const char *name)
{
    if (c && check(c, name) < 0) {
        conf_free(c);
        return NULL;
    }
    return c;
}

struct sensor_conf *conf_parse(const char *text, size_t len, const char *name)
{
    return checked(settings_parse("conf", name, text, len, &conf_schema), name);
}

struct sensor_conf *conf_load(const char *path)
{
    if (!path)
        return conf_parse("", 0, "built-in configuration");
    return checked(settings_load("conf", path, CONF_BYTES_MAX, &conf_schema), path);
}

void conf_free(struct sensor_conf *c)
{
    settings_free(&conf_schema, c);
}
