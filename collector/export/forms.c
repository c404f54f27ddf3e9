/* SPDX-License-Identifier: Apache-2.0 */
/* MISP events, IDEA messages and IODEF documents. */
#include "config.h"
#include "collector/export/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/utf8.h"

static void add_dump(struct buf *out, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    buf_text(out, text ? text : "null");
    free(text);
    json_decref(value);
}

/* What has no label yet is amber. */
static const char *tlp_of(const json_t *row)
{
    const char *tlp = export_text(row, "tlp");
    return *tlp ? tlp : "amber";
}

static long long number_of(const json_t *row, const char *key)
{
    return (long long)json_integer_value(json_object_get(row, key));
}

/* ---- MISP ------------------------------------------------------------------------------------ */

static json_t *attribute(const json_t *row, const char *value, const char *comment, bool theirs)
{
    char uuid[EXPORT_UUID], name[512];
    const char *type = export_family(value)                           ? theirs ? "ip-dst" : "ip-src"
                       : strchr(value, '.') && !strpbrk(value, " ,/") ? "hostname"
                                                                      : NULL;
    if (!*value || !type)
        return NULL;
    snprintf(name, sizeof name, "%s|%s", export_text(row, "id"), value);
    export_uuid("attribute", name, uuid);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "uuid", uuid, "type", type, "category",
                     "Network activity", "value", value, "comment", comment, "to_ids", theirs);
}

static json_t *misp_event(const json_t *row)
{
    const json_t *rsit = json_object_get(row, "rsit");
    char uuid[EXPORT_UUID];
    json_t *attributes = json_array();
    json_t *theirs = attribute(row, export_text(row, "peer"), "other side", true);
    json_t *ours = attribute(row, export_text(row, "victim"), "victim", false);
    export_uuid("event", export_text(row, "id"), uuid);
    if (theirs)
        json_array_append_new(attributes, theirs);
    if (ours)
        json_array_append_new(attributes, ours);
    long long tier = number_of(row, "tier");
    json_t *event =
        json_pack("{s:s, s:o, s:s#, s:s, s:s, s:s, s:b, s:o}", "uuid", uuid, "info",
                  json_sprintf("%s: %s", export_text(row, "id"), export_text(row, "title")), "date",
                  export_text(row, "first_seen"), (int)strnlen(export_text(row, "first_seen"), 10),
                  "threat_level_id",
                  tier == 1   ? "1"
                  : tier == 2 ? "2"
                              : "3",
                  "analysis", *export_text(row, "outcome") ? "2" : "1", "distribution", "0",
                  "published", 0, "Attribute", attributes);
    json_object_set_new(event, "Tag",
                        json_pack("[{s:o}, {s:o}]", "name", json_sprintf("tlp:%s", tlp_of(row)),
                                  "name",
                                  json_sprintf("rsit:%s=\"%s\"", export_text(rsit, "class"),
                                               export_text(rsit, "type"))));
    return event;
}

void export_misp(const json_t *rows, uint64_t now_ms, struct buf *out)
{
    json_t *events = json_array(), *row;
    size_t i;
    (void)now_ms;
    json_array_foreach((json_t *)rows, i, row)
        json_array_append_new(events, json_pack("{s:o}", "Event", misp_event(row)));
    add_dump(out, json_pack("{s:o}", "response", events));
}

/* ---- IDEA ------------------------------------------------------------------------------------ */

static const char *idea_category(const json_t *rsit)
{
    static const struct {
        const char *class, *type, *category;
    } all[] = {
        { "malicious-code", "c2-server", "Intrusion.Botnet" },
        { "malicious-code", "infected-system", "Intrusion.Botnet" },
        { "malicious-code", NULL, "Malware" },
        { "intrusions", NULL, "Intrusion" },
        { "intrusion-attempts", "brute-force", "Attempt.Login" },
        { "intrusion-attempts", NULL, "Attempt.Exploit" },
        { "information-gathering", NULL, "Recon.Scanning" },
        { "availability", "ddos", "Availability.DDoS" },
        { "availability", NULL, "Availability.DoS" },
        { "information-content-security", NULL, "Information" },
        { "fraud", "phishing", "Fraud.Phishing" },
        { "fraud", NULL, "Fraud" },
        { "vulnerable", NULL, "Vulnerable" },
        { "abusive-content", NULL, "Abusive" },
        { "test", NULL, "Test" },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].class, export_text(rsit, "class")) &&
            (!all[i].type || !strcmp(all[i].type, export_text(rsit, "type"))))
            return all[i].category;
    return "Other";
}

static json_t *idea_end(const char *value)
{
    int family = export_family(value);
    const char *key = family == 4 ? "IP4" : family == 6 ? "IP6" : "Hostname";
    return *value ? json_pack("[{s:[s]}]", key, value) : json_array();
}

static json_t *idea_message(const json_t *row, const char *now)
{
    char uuid[EXPORT_UUID];
    export_uuid("idea", export_text(row, "id"), uuid);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:s, s:I, s:o, s:o, s:[{s:s, s:[s]}]}", "Format",
        "IDEA0", "ID", uuid, "CreateTime", now, "DetectTime", export_text(row, "opened_at"),
        "EventTime", export_text(row, "first_seen"), "CeaseTime", export_text(row, "last_seen"),
        "Category", idea_category(json_object_get(row, "rsit")), "Description",
        export_text(row, "title"), "ConnCount", (json_int_t)number_of(row, "count"), "Source",
        idea_end(export_text(row, "peer")), "Target", idea_end(export_text(row, "victim")), "Node",
        "Name", "abeng.collector", "Type", "Correlation");
}

void export_idea(const json_t *rows, uint64_t now_ms, struct buf *out)
{
    json_t *all = json_array(), *row;
    char now[CLOCK_TEXT_MAX];
    size_t i;
    clock_format_rfc3339(now_ms * NS_PER_MS, now);
    json_array_foreach((json_t *)rows, i, row) json_array_append_new(all, idea_message(row, now));
    add_dump(out, all);
}

/* ---- IODEF ----------------------------------------------------------------------------------- */

/* Text for XML: what XML 1.0 has no character for comes as \xNN. */
static void xml(struct buf *out, const char *text)
{
    utf8_markup(out, text, false);
}

static void element(struct buf *out, const char *name, const char *text)
{
    if (!*text)
        return;
    buf_printf(out, "<%s>", name);
    xml(out, text);
    buf_printf(out, "</%s>", name);
}

static void iodef_system(struct buf *out, const char *category, const char *value)
{
    int family = export_family(value);
    if (!*value)
        return;
    buf_printf(out, "<System category=\"%s\"><Node>", category);
    if (family) {
        buf_printf(out, "<Address category=\"ipv%d-addr\">", family);
        xml(out, value);
        buf_text(out, "</Address>");
    } else {
        buf_text(out, "<DomainData system-status=\"unknown\" domain-status=\"unknown\"><Name>");
        xml(out, value);
        buf_text(out, "</Name></DomainData>");
    }
    buf_text(out, "</Node></System>");
}

/* RFC 7970 knows TLP 1 (white for clear); strict has no word there and is the nearest above. */
static const char *restriction(const json_t *row)
{
    const char *tlp = tlp_of(row);
    if (!strcmp(tlp, "clear"))
        return "white";
    if (!strcmp(tlp, "amber+strict"))
        return "amber";
    return tlp;
}

static void iodef_incident(struct buf *out, const json_t *row, const char *now)
{
    const json_t *rsit = json_object_get(row, "rsit");
    static const char *const severity[] = { "high", "high", "medium", "medium", "low" };
    long long tier = number_of(row, "tier");
    buf_printf(out, "<Incident purpose=\"reporting\" restriction=\"%s\">", restriction(row));
    buf_text(out, "<IncidentID name=\"abeng\">");
    xml(out, export_text(row, "id"));
    buf_text(out, "</IncidentID>");
    element(out, "StartTime", export_text(row, "first_seen"));
    element(out, "EndTime", export_text(row, "last_seen"));
    element(out, "GenerationTime", now);
    element(out, "Description", export_text(row, "title"));
    buf_printf(out,
               "<Assessment occurrence=\"actual\"><SystemImpact severity=\"%s\" type=\"unknown\">"
               "<Description>",
               severity[tier >= 1 && tier <= 4 ? tier : 4]);
    xml(out, export_text(rsit, "class"));
    buf_byte(out, '/');
    xml(out, export_text(rsit, "type"));
    buf_text(out, "</Description></SystemImpact></Assessment>"
                  "<Contact role=\"creator\" type=\"organization\"><ContactName>Regional CERT"
                  "</ContactName></Contact><EventData><Flow>");
    iodef_system(out, "source", export_text(row, "peer"));
    iodef_system(out, "target", export_text(row, "victim"));
    buf_text(out, "</Flow></EventData></Incident>");
}

void export_iodef(const json_t *rows, uint64_t now_ms, struct buf *out)
{
    char now[CLOCK_TEXT_MAX];
    json_t *row;
    size_t i;
    clock_format_rfc3339(now_ms * NS_PER_MS, now);
    buf_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<IODEF-Document version=\"2.00\" "
                  "xml:lang=\"en\" xmlns=\"urn:ietf:params:xml:ns:iodef-2.0\">");
    json_array_foreach((json_t *)rows, i, row) iodef_incident(out, row, now);
    buf_text(out, "</IODEF-Document>\n");
}
