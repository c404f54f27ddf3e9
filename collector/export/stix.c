/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STIX 2.1: for each incident an incident, the observed data with its addresses and names, an
 * indicator for the other side where it attacks, and how they belong together, under TLP 2.0.
 */
#include "config.h"
#include "collector/export/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"

/** When the maker's identity and the TLP markings were made: fixed, so that they stay the same. */
#define MAKER_TIME "2026-01-01T00:00:00.000Z"
#define TLP_TIME   "2022-10-01T00:00:00.000Z"
#define TLP_EXT    "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

static const struct marking {
    const char *word, *id;
} markings[] = {
    { "clear", "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487" },
    { "green", "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb" },
    { "amber", "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421" },
    { "amber+strict", "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003" },
    { "red", "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1" },
};

/* What has no label yet is treated as amber. */
static const struct marking *marking_of(const json_t *row)
{
    const char *tlp = export_text(row, "tlp");
    for (size_t i = 0; i < sizeof markings / sizeof *markings; i++)
        if (!strcmp(markings[i].word, tlp))
            return &markings[i];
    return &markings[2];
}

static json_t *id_of(const char *type, const char *name)
{
    char uuid[EXPORT_UUID];
    export_uuid(type, name, uuid);
    return json_sprintf("%s--%s", type, uuid);
}

static json_t *marking(const struct marking *m)
{
    char upper[32];
    size_t i = 0;
    for (; m->word[i] && i + 1 < sizeof upper; i++)
        upper[i] = (char)(m->word[i] >= 'a' && m->word[i] <= 'z' ? m->word[i] - 32 : m->word[i]);
    upper[i] = '\0';
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:{s:s, s:s}}}", "type", "marking-definition",
                     "spec_version", "2.1", "id", m->id, "created", TLP_TIME, "name",
                     json_sprintf("TLP:%s", upper), "extensions", TLP_EXT, "extension_type",
                     "property-extension", "tlp_2_0", m->word);
}

static json_t *maker(void)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "type", "identity", "spec_version",
                     "2.1", "id", id_of("identity", "maker"), "created", MAKER_TIME, "modified",
                     MAKER_TIME, "name", "Regional CERT", "identity_class", "organization");
}

/* The common members of an object that we make. */
static json_t *object(const char *type, const char *name, const json_t *row)
{
    const char *made = export_text(row, "opened_at"), *changed = export_text(row, "last_seen");
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:s, s:[s]}", "type", type, "spec_version", "2.1",
                     "id", id_of(type, name), "created_by_ref", id_of("identity", "maker"),
                     "created", made, "modified", strcmp(changed, made) < 0 ? made : changed,
                     "object_marking_refs", marking_of(row)->id);
}

/* An address or a name as an observable; NULL when it is neither. */
static json_t *observable(const char *value)
{
    int family = export_family(value);
    const char *type = family == 4 ? "ipv4-addr" : family == 6 ? "ipv6-addr" : "domain-name";
    if (!*value || (!family && (!strchr(value, '.') || strpbrk(value, " ,/"))))
        return NULL;
    return json_pack("{s:s, s:s, s:o, s:s}", "type", type, "spec_version", "2.1", "id",
                     id_of(type, value), "value", value);
}

static void relate(json_t *out, const json_t *row, const char *from, const char *to)
{
    char name[256];
    snprintf(name, sizeof name, "%s|%s", from, to);
    json_t *r = object("relationship", name, row);
    json_object_set_new(r, "relationship_type", json_string("related-to"));
    json_object_set_new(r, "source_ref", json_string(from));
    json_object_set_new(r, "target_ref", json_string(to));
    json_array_append_new(out, r);
}

static void add_observed(json_t *out, const json_t *row, const char *incident)
{
    const char *const values[] = { export_text(row, "victim"), export_text(row, "peer") };
    const char *first = export_text(row, "first_seen"), *last = export_text(row, "last_seen");
    json_t *refs = json_array();
    for (size_t i = 0; i < 2; i++) {
        json_t *o = observable(values[i]);
        if (!o)
            continue;
        if (i == 0 || strcmp(values[0], values[1]) != 0) {
            json_array_append(refs, json_object_get(o, "id"));
            json_array_append(out, o);
        }
        json_decref(o);
    }
    if (!json_array_size(refs)) {
        json_decref(refs);
        return;
    }
    json_t *seen = object("observed-data", export_text(row, "id"), row);
    json_int_t count = json_integer_value(json_object_get(row, "count"));
    json_object_set_new(seen, "first_observed", json_string(first));
    json_object_set_new(seen, "last_observed", json_string(strcmp(last, first) < 0 ? first : last));
    json_object_set_new(seen, "number_observed", json_integer(count < 1 ? 1 : count));
    json_object_set_new(seen, "object_refs", refs);
    relate(out, row, incident, export_text(seen, "id"));
    json_array_append_new(out, seen);
}

/* Whether the other side attacks: then it is worth looking for elsewhere. */
static bool attacks(const json_t *row)
{
    const json_t *stages = json_object_get(row, "stages");
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const char *stage = json_string_value(json_array_get(stages, i));
        if (stage && strcmp(stage, "probe") != 0)
            return true;
    }
    return false;
}

static void add_indicator(json_t *out, const json_t *row, const char *incident)
{
    const char *peer = export_text(row, "peer");
    json_t *o = attacks(row) ? observable(peer) : NULL;
    if (!o || strpbrk(peer, "'\\")) {
        json_decref(o);
        return;
    }
    json_t *i = object("indicator", export_text(row, "id"), row);
    json_object_set_new(i, "name", json_sprintf("Other side of %s", export_text(row, "id")));
    json_object_set_new(i, "pattern",
                        json_sprintf("[%s:value = '%s']", export_text(o, "type"), peer));
    json_object_set_new(i, "pattern_type", json_string("stix"));
    json_object_set_new(i, "valid_from", json_string(export_text(row, "first_seen")));
    json_object_set_new(i, "indicator_types", json_pack("[s]", "malicious-activity"));
    relate(out, row, export_text(i, "id"), incident);
    json_array_append_new(out, i);
    json_decref(o);
}

json_t *export_stix_objects(const json_t *row)
{
    json_t *out = json_array(), *rsit = json_object_get(row, "rsit");
    json_t *incident = object("incident", export_text(row, "id"), row);
    json_array_append_new(out, marking(marking_of(row)));
    json_array_append_new(out, maker());
    json_object_set_new(incident, "name",
                        json_sprintf("%s: %s", export_text(row, "id"), export_text(row, "title")));
    json_object_set_new(incident, "description",
                        json_sprintf("%s/%s, tier %lld, %lld alerts", export_text(rsit, "class"),
                                     export_text(rsit, "type"),
                                     (long long)json_integer_value(json_object_get(row, "tier")),
                                     (long long)json_integer_value(json_object_get(row, "count"))));
    json_object_set_new(incident, "labels",
                        json_pack("[o]", json_sprintf("rsit:%s=\"%s\"", export_text(rsit, "class"),
                                                      export_text(rsit, "type"))));
    json_object_set_new(
        incident, "external_references",
        json_pack("[{s:s, s:s}]", "source_name", "abeng", "external_id", export_text(row, "id")));
    add_observed(out, row, export_text(incident, "id"));
    add_indicator(out, row, export_text(incident, "id"));
    json_array_append_new(out, incident);
    return out;
}

/* Add what is not in the bundle yet: markings, maker and addresses are shared. */
static void merge(json_t *all, json_t *seen, const json_t *objects)
{
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)objects, i, o)
    {
        const char *id = export_text(o, "id");
        if (json_object_get(seen, id))
            continue;
        json_object_set_new(seen, id, json_true());
        json_array_append(all, o);
    }
}

void export_stix(const json_t *rows, uint64_t now_ms, struct buf *out)
{
    json_t *all = json_array(), *seen = json_object(), *row;
    char name[64];
    size_t i;
    json_array_foreach((json_t *)rows, i, row)
    {
        json_t *objects = export_stix_objects(row);
        merge(all, seen, objects);
        json_decref(objects);
    }
    snprintf(name, sizeof name, "%llu", (unsigned long long)now_ms);
    json_t *bundle = json_pack("{s:s, s:o}", "type", "bundle", "id", id_of("bundle", name));
    if (json_array_size(all))
        json_object_set(bundle, "objects", all);
    char *text = json_dumps(bundle, JSON_COMPACT);
    buf_text(out, text ? text : "{}");
    free(text);
    json_decref(bundle);
    json_decref(all);
    json_decref(seen);
}
