/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: counting alerts in, and their JSON. */
#include "config.h"
#include "collector/correlate/signal.h"

#include <stdlib.h>
#include <string.h>

#include "collector/correlate/evidence.h"
#include "collector/correlate/incident.h"
#include "collector/correlate/observation.h"
#include "collector/correlate/rsit.h"
#include "common/hash.h"
#include "common/json.h"
#include "common/xalloc.h"

/** Milliseconds of an hour. */
#define HOUR_MS 3600000ull

static uint32_t name_hash(const char *name, size_t len)
{
    uint64_t h = len;
    for (size_t i = 0; i < len; i++)
        h = hash_mix(h, (uint8_t)name[i]);
    return (uint32_t)h;
}

bool names_add(struct names *n, const char *name, size_t len)
{
    if (!len)
        return false;
    if (len > SIGNAL_NAME_MAX)
        len = SIGNAL_NAME_MAX;
    uint32_t hash = name_hash(name, len);
    for (unsigned i = 0; i < n->count; i++)
        if (n->hash[i] == hash && !strncmp(n->name[i], name, len) && !n->name[i][len])
            return false;
    if (n->count == SIGNAL_NAMES)
        return false;
    n->hash[n->count] = hash;
    n->name[n->count++] = xstrndup(name, len);
    return true;
}

void names_clear(struct names *n)
{
    for (unsigned i = 0; i < n->count; i++)
        free(n->name[i]);
    n->count = 0;
}

void strip_add(struct strip *s, uint64_t hour, uint32_t n)
{
    if (hour > s->last) {
        uint64_t shift = hour - s->last;
        if (shift < SIGNAL_HOURS)
            memmove(s->count, s->count + shift, (SIGNAL_HOURS - shift) * sizeof *s->count);
        else
            shift = SIGNAL_HOURS;
        memset(s->count + SIGNAL_HOURS - shift, 0, shift * sizeof *s->count);
        s->last = hour;
    }
    uint64_t age = s->last - hour;
    if (age < SIGNAL_HOURS)
        s->count[SIGNAL_HOURS - 1 - age] += n;
}

static void replace(char **old, struct text t)
{
    free(*old);
    *old = evidence_unescape(t);
}

/* The alert's rule becomes the one the signal is named after. */
static void lead(struct signal *s, const struct verdict *v, const struct observation *o)
{
    s->gid = o->gid;
    s->sid = o->sid;
    s->rev = o->rev;
    s->severity = o->severity ? o->severity : 255;
    s->prior = v->prior;
    s->confidence = v->confidence;
    s->described = false;
    replace(&s->signature, o->signature);
    replace(&s->category, o->category);
    replace(&s->ruleset, o->ruleset);
    replace(&s->feed, o->feed);
    free(s->metadata);
    s->metadata = o->metadata.len ? xstrndup(o->metadata.at, o->metadata.len) : NULL;
    memcpy(s->cve, v->cve, sizeof s->cve);
    if (*v->family)
        memcpy(s->family, v->family, sizeof s->family);
}

struct signal *signal_create(uint64_t number, const char *key, const struct verdict *v,
                             const struct observation *o)
{
    struct signal *s = xcalloc(1, sizeof *s);
    s->number = number;
    s->key = xstrdup(key);
    s->rsit = v->rsit;
    s->stage = v->stage;
    s->direction = v->direction;
    s->alerts = v->alerts;
    s->victim_is_client = v->victim_is_client;
    s->victim = v->victim;
    s->peer = v->peer;
    s->victim_port = v->victim_port;
    s->peer_port = v->peer_port;
    s->proto = o->proto;
    s->app_proto = evidence_unescape(o->app_proto);
    s->first_ms = s->last_ms = o->time_ms;
    s->strip.last = o->time_ms / HOUR_MS;
    lead(s, v, o);
    return s;
}

static void count_rule(struct signal *s, const struct observation *o)
{
    for (unsigned i = 0; i < s->rule_count; i++)
        if (s->rules[i].sid == o->sid && s->rules[i].gid == o->gid) {
            s->described &= s->rules[i].rev == o->rev;
            s->rules[i].rev = o->rev;
            s->rules[i].count++;
            return;
        }
    s->described &= s->rule_count == SIGNAL_RULES;
    if (s->rule_count < SIGNAL_RULES)
        s->rules[s->rule_count++] = (struct signal_rule){ o->gid, o->sid, o->rev, 1 };
}

/* Room grows by doubling: 1, 2, 4 … things. */
static void *room_for_one(void *items, unsigned count, size_t size)
{
    return count & (count - 1) ? items : xreallocarray(items, count ? 2 * count : 1, size);
}

static void add_host(struct signal *s, const struct addr *host)
{
    s->hosts = room_for_one(s->hosts, s->host_count, sizeof *s->hosts);
    s->hosts[s->host_count++] = *host;
    s->described = false;
}

static void count_host(struct signal *s, const struct addr *victim)
{
    for (unsigned i = s->host_count; i-- > 0;)
        if (!addr_compare(&s->hosts[i], victim))
            return;
    if (s->host_count < SIGNAL_HOSTS)
        add_host(s, victim);
}

static void add_port(struct signal *s, struct signal_port port)
{
    s->ports = room_for_one(s->ports, s->port_count, sizeof *s->ports);
    s->ports[s->port_count++] = port;
}

/* Keep the ports that were used last. */
static void count_port(struct signal *s, unsigned port, uint64_t time_ms)
{
    unsigned oldest = 0;
    for (unsigned i = 0; i < s->port_count; i++) {
        if (s->ports[i].port == port) {
            s->ports[i].last_ms = time_ms > s->ports[i].last_ms ? time_ms : s->ports[i].last_ms;
            return;
        }
        oldest = s->ports[i].last_ms < s->ports[oldest].last_ms ? i : oldest;
    }
    if (s->port_count < SIGNAL_PORTS)
        add_port(s, (struct signal_port){ time_ms, (uint16_t)port });
    else if (time_ms > s->ports[oldest].last_ms)
        s->ports[oldest] = (struct signal_port){ time_ms, (uint16_t)port };
}

/* A name longer than what is kept is not kept at all: its beginning would be another name. */
static void count_name(struct signal *s, struct text name)
{
    if (name.len > SIGNAL_NAME_MAX)
        return;
    if (!memchr(name.at, '\\', name.len)) {
        s->described &= !names_add(&s->called, name.at, name.len);
        return;
    }
    char *text = evidence_unescape(name);
    s->described &= !names_add(&s->called, text, strlen(text));
    free(text);
}

/* A burst fills the first places; the rest tells how it went on. `last_ms`: of the alert before. */
static void keep_sample(struct signal *s, const struct observation *o, uint64_t last_ms)
{
    uint64_t n = s->sampled, latest = SIGNAL_SAMPLES - SIGNAL_SAMPLES_FIRST;
    bool first = n < SIGNAL_SAMPLES_FIRST;
    if (!o->line.len || o->line.len > SIGNAL_SAMPLE_MAX ||
        (!first && o->time_ms / SIGNAL_SAMPLE_MS <= last_ms / SIGNAL_SAMPLE_MS))
        return;
    uint64_t slot = first ? n : SIGNAL_SAMPLES_FIRST + (n - SIGNAL_SAMPLES_FIRST) % latest;
    free(s->samples[slot]);
    s->samples[slot] = xstrndup(o->line.at, o->line.len);
    s->sampled++;
}

void signal_add(struct signal *s, const struct verdict *v, const struct observation *o, bool late)
{
    uint64_t last_ms = s->last_ms;
    s->count++;
    s->late += late;
    if (o->time_ms < s->first_ms)
        s->first_ms = o->time_ms;
    if (o->time_ms > s->last_ms)
        s->last_ms = o->time_ms;
    s->described &= v->stage <= s->stage && s->stages & 1u << v->stage;
    if (v->stage > s->stage)
        s->stage = v->stage;
    s->stages |= 1u << v->stage;
    if (v->alerts && (!s->alerts || v->alerts < s->alerts)) {
        s->described = false;
        s->alerts = v->alerts;
    }
    if (o->severity && o->severity < s->severity)
        lead(s, v, o);
    strip_add(&s->strip, o->time_ms / HOUR_MS, 1);
    count_rule(s, o);
    count_host(s, &v->victim);
    if (s->victim_is_client && v->victim_is_client)
        count_port(s, v->victim_port, o->time_ms);
    if (o->name.len)
        count_name(s, o->name);
    s->described &= !names_add(&s->sensors, o->sensor.at, o->sensor.len);
    s->described &= !names_add(&s->feeds, o->feed.at, o->feed.len);
    keep_sample(s, o, last_ms);
    s->dirty = true;
}

const char *link_word(enum link link)
{
    static const char *const words[] = { "", "K2", "K3", "storm", "attach" };
    return words[link];
}

static enum link link_find(const char *word)
{
    for (int i = LINK_K2; i <= LINK_HAND; i++)
        if (!strcmp(link_word((enum link)i), word))
            return (enum link)i;
    return LINK_NONE;
}

bool signal_untold(const struct signal *s)
{
    return s->incident &&
           (s->told.incident != s->incident->number || s->told.stages != s->stages ||
            s->count >= 2 * s->told.count || s->last_ms >= s->told.last_ms + HOUR_MS);
}

void signal_free(struct signal *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < SIGNAL_SAMPLES; i++)
        free(s->samples[i]);
    free(s->signature);
    free(s->category);
    free(s->metadata);
    free(s->app_proto);
    free(s->ruleset);
    free(s->feed);
    free(s->key);
    free(s->hosts);
    free(s->ports);
    names_clear(&s->sensors);
    names_clear(&s->feeds);
    names_clear(&s->called);
    free(s);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void write_rules(const struct signal *s, struct json *out)
{
    json_open_array(out, "rules");
    for (unsigned i = 0; i < s->rule_count; i++) {
        json_open(out, NULL);
        json_u64(out, "gid", s->rules[i].gid);
        json_u64(out, "sid", s->rules[i].sid);
        json_u64(out, "rev", s->rules[i].rev);
        json_u64(out, "count", s->rules[i].count);
        json_close(out);
    }
    json_close_array(out);
}

static void write_ways(const struct signal *s, struct json *out)
{
    evidence_write_addr(out, "victim", &s->victim);
    evidence_write_addr(out, "peer", &s->peer);
    json_u64(out, "victim_port", s->victim_port);
    json_u64(out, "peer_port", s->peer_port);
    json_str(out, "victim_role", s->victim_is_client ? "client" : "server");
    /* As the flow was begun: for readers of alerts. */
    evidence_write_addr(out, "src", s->victim_is_client ? &s->victim : &s->peer);
    evidence_write_addr(out, "dest", s->victim_is_client ? &s->peer : &s->victim);
    json_open_array(out, "ports");
    json_u64(out, NULL, s->victim_is_client ? s->victim_port : s->peer_port);
    json_u64(out, NULL, s->victim_is_client ? s->peer_port : s->victim_port);
    json_close_array(out);
    json_open_array(out, "hosts");
    for (unsigned i = 0; i < s->host_count; i++)
        evidence_write_addr(out, NULL, &s->hosts[i]);
    json_close_array(out);
    json_open_array(out, "victim_ports");
    for (unsigned i = 0; i < s->port_count; i++) {
        json_open(out, NULL);
        json_u64(out, "port", s->ports[i].port);
        json_time_ms(out, "at", s->ports[i].last_ms);
        json_close(out);
    }
    json_close_array(out);
}

void signal_write(const struct signal *s, const char *state, struct json *out)
{
    json_open(out, NULL);
    evidence_write_id(out, "id", state, "s", s->number);
    if (s->incident)
        evidence_write_id(out, "incident", state, "", s->incident->number);
    if (s->incident) {
        json_str(out, "link", link_word(s->link));
        json_time_ms(out, "link_at", s->link_ms);
    }
    json_bool(out, "pinned", s->pinned);
    json_u64(out, "suppressed_hits", s->suppressed);
    json_str(out, "key", s->key);
    evidence_write_rsit(out, s->rsit);
    json_str(out, "stage", s->stage ? stage_word(s->stage) : NULL);
    json_u64(out, "stage_set", s->stages);
    json_bool(out, "storm", s->storm);
    json_str(out, "direction", direction_word(s->direction));
    json_u64(out, "prior", s->prior);
    json_u64(out, "alerts", s->alerts);
    json_i64(out, "confidence", s->confidence);
    json_u64(out, "severity", s->severity);
    json_u64(out, "gid", s->gid);
    json_u64(out, "sid", s->sid);
    json_u64(out, "rev", s->rev);
    json_str(out, "signature", s->signature);
    json_str(out, "category", s->category);
    json_str(out, "app_proto", s->app_proto);
    json_str(out, "ruleset", s->ruleset);
    json_str(out, "feed", s->feed);
    json_str(out, "family", s->family);
    json_str(out, "cve", s->cve);
    json_str(out, "proto", evidence_proto(s->proto));
    json_u64(out, "ip_proto", s->proto);
    write_ways(s, out);
    write_rules(s, out);
    evidence_write_names(out, "sensors", &s->sensors);
    evidence_write_names(out, "feeds", &s->feeds);
    evidence_write_names(out, "names", &s->called);
    json_u64(out, "count", s->count);
    json_u64(out, "late", s->late);
    json_u64(out, "sampled", s->sampled);
    json_time_ms(out, "first_seen", s->first_ms);
    json_time_ms(out, "last_seen", s->last_ms);
    evidence_write_strip(out, "spark", &s->strip);
    if (s->metadata)
        json_raw(out, "metadata", s->metadata, strlen(s->metadata));
    json_close(out);
}

static void read_rules(struct signal *s, const json_t *rules)
{
    for (size_t i = 0; i < json_array_size(rules) && i < SIGNAL_RULES; i++) {
        const json_t *r = json_array_get(rules, i);
        s->rules[s->rule_count++] = (struct signal_rule){
            (uint32_t)evidence_read_u64(r, "gid"),
            (uint32_t)evidence_read_u64(r, "sid"),
            (uint32_t)evidence_read_u64(r, "rev"),
            evidence_read_u64(r, "count"),
        };
    }
}

static void read_ways(struct signal *s, const json_t *root)
{
    const json_t *hosts = json_object_get(root, "hosts");
    evidence_read_addr(root, "victim", &s->victim);
    evidence_read_addr(root, "peer", &s->peer);
    s->victim_port = (unsigned)evidence_read_u64(root, "victim_port");
    s->peer_port = (unsigned)evidence_read_u64(root, "peer_port");
    s->victim_is_client = !strcmp(evidence_read_text(root, "victim_role"), "client");
    for (size_t i = 0; i < json_array_size(hosts) && i < SIGNAL_HOSTS; i++) {
        const char *text = json_string_value(json_array_get(hosts, i));
        struct addr host;
        if (text && !addr_parse(text, &host))
            add_host(s, &host);
    }
    const json_t *ports = json_object_get(root, "victim_ports");
    for (size_t i = 0; i < json_array_size(ports) && i < SIGNAL_PORTS; i++) {
        const json_t *port = json_array_get(ports, i);
        add_port(s, (struct signal_port){ evidence_read_time(port, "at"),
                                          (uint16_t)evidence_read_u64(port, "port") });
    }
}

static void read_rule_texts(struct signal *s, const json_t *root)
{
    s->signature = xstrdup(evidence_read_text(root, "signature"));
    s->category = xstrdup(evidence_read_text(root, "category"));
    s->app_proto = xstrdup(evidence_read_text(root, "app_proto"));
    s->ruleset = xstrdup(evidence_read_text(root, "ruleset"));
    s->feed = xstrdup(evidence_read_text(root, "feed"));
    evidence_copy(s->family, sizeof s->family, evidence_read_text(root, "family"));
    evidence_copy(s->cve, sizeof s->cve, evidence_read_text(root, "cve"));
    const json_t *metadata = json_object_get(root, "metadata");
    s->metadata = metadata ? json_dumps(metadata, JSON_COMPACT) : NULL;
}

struct signal *signal_read(const json_t *root, uint64_t *incident)
{
    const struct rsit *rsit = evidence_read_rsit(root);
    const char *word = evidence_read_text(root, "stage");
    int stage = *word ? stage_find(word) : STAGE_NONE;
    int direction = evidence_read_direction(root);
    if (!rsit || stage < 0 || direction < 0)
        return NULL;
    struct signal *s = xcalloc(1, sizeof *s);
    s->number = evidence_read_number(root, "id");
    *incident = evidence_read_number(root, "incident");
    s->key = xstrdup(evidence_read_text(root, "key"));
    s->rsit = rsit;
    s->stage = (enum stage)stage;
    s->stages = (unsigned)evidence_read_u64(root, "stage_set") | 1u << s->stage;
    s->link = link_find(evidence_read_text(root, "link"));
    s->link_ms = evidence_read_time(root, "link_at");
    s->pinned = json_is_true(json_object_get(root, "pinned"));
    s->suppressed = evidence_read_u64(root, "suppressed_hits");
    s->storm = json_is_true(json_object_get(root, "storm"));
    s->direction = (enum direction)direction;
    s->prior = (unsigned)evidence_read_u64(root, "prior");
    s->alerts = (unsigned)evidence_read_u64(root, "alerts");
    s->confidence = (int)json_integer_value(json_object_get(root, "confidence"));
    s->severity = (unsigned)evidence_read_u64(root, "severity");
    s->gid = (uint32_t)evidence_read_u64(root, "gid");
    s->sid = (uint32_t)evidence_read_u64(root, "sid");
    s->rev = (uint32_t)evidence_read_u64(root, "rev");
    s->proto = (unsigned)evidence_read_u64(root, "ip_proto");
    s->count = evidence_read_u64(root, "count");
    s->late = evidence_read_u64(root, "late");
    s->sampled = evidence_read_u64(root, "sampled");
    s->first_ms = evidence_read_time(root, "first_seen");
    s->last_ms = evidence_read_time(root, "last_seen");
    read_rule_texts(s, root);
    read_ways(s, root);
    read_rules(s, json_object_get(root, "rules"));
    evidence_read_names(root, "sensors", &s->sensors);
    evidence_read_names(root, "feeds", &s->feeds);
    evidence_read_names(root, "names", &s->called);
    evidence_read_strip(root, "spark", &s->strip);
    return s;
}
