/* SPDX-License-Identifier: Apache-2.0 */
/* Shared JSON of signals and incidents. */
#include "config.h"
#include "collector/correlate/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/observation.h"
#include "collector/correlate/rsit.h"
#include "collector/correlate/signal.h"
#include "common/addr.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/xalloc.h"

char *evidence_unescape(struct text t)
{
    if (!t.len || !memchr(t.at, '\\', t.len))
        return xstrndup(t.len ? t.at : "", t.len);
    char *quoted = xasprintf("\"%.*s\"", (int)t.len, t.at);
    json_t *value = json_loads(quoted, JSON_DECODE_ANY, NULL);
    const char *text = json_string_value(value);
    char *out = text ? xstrdup(text) : xstrndup(t.at, t.len);
    json_decref(value);
    free(quoted);
    return out;
}

void evidence_copy(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

const char *evidence_proto(unsigned proto)
{
    switch (proto) {
    case 1:
        return "ICMP";
    case 6:
        return "TCP";
    case 17:
        return "UDP";
    case 58:
        return "IPv6-ICMP";
    case 132:
        return "SCTP";
    default:
        return "other";
    }
}

void evidence_write_id(struct json *out, const char *key, const char *state, const char *kind,
                       uint64_t number)
{
    char id[EVIDENCE_ID_MAX];
    snprintf(id, sizeof id, "%s-%s%llu", state, kind, (unsigned long long)number);
    json_str(out, key, id);
}

void evidence_write_addr(struct json *out, const char *key, const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    addr_format(a, text);
    json_str(out, key, text);
}

void evidence_write_rsit(struct json *out, const struct rsit *rsit)
{
    json_open(out, "rsit");
    json_str(out, "class", rsit->class);
    json_str(out, "type", rsit->type);
    json_close(out);
}

void evidence_write_names(struct json *out, const char *key, const struct names *n)
{
    json_open_array(out, key);
    for (unsigned i = 0; i < n->count; i++)
        json_str(out, NULL, n->name[i]);
    json_close_array(out);
}

void evidence_write_strip(struct json *out, const char *key, const struct strip *s)
{
    char hour[SIGNAL_NAME_MAX];
    json_open_array(out, key);
    for (unsigned i = 0; i < SIGNAL_HOURS; i++)
        json_u64(out, NULL, s->count[i]);
    json_close_array(out);
    snprintf(hour, sizeof hour, "%s_hour", key);
    json_u64(out, hour, s->last);
}

const char *evidence_read_text(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    return text ? text : "";
}

uint64_t evidence_read_u64(const json_t *root, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(root, key));
    return n < 0 ? 0 : (uint64_t)n;
}

uint64_t evidence_read_number(const json_t *root, const char *key)
{
    const char *dash = strchr(evidence_read_text(root, key), '-');
    if (!dash)
        return 0;
    dash++;
    if (*dash == 's')
        dash++;
    return strtoull(dash, NULL, 10);
}

uint64_t evidence_read_time(const json_t *root, const char *key)
{
    const char *text = evidence_read_text(root, key);
    uint64_t ns;
    return clock_parse(text, strlen(text), &ns) ? 0 : ns / NS_PER_MS;
}

void evidence_read_addr(const json_t *root, const char *key, struct addr *out)
{
    if (addr_parse(evidence_read_text(root, key), out))
        memset(out, 0, sizeof *out);
}

const struct rsit *evidence_read_rsit(const json_t *root)
{
    char text[128];
    const json_t *rsit = json_object_get(root, "rsit");
    snprintf(text, sizeof text, "%s/%s", evidence_read_text(rsit, "class"),
             evidence_read_text(rsit, "type"));
    return rsit_find(text);
}

int evidence_read_direction(const json_t *root)
{
    for (int d = DIRECTION_IN; d <= DIRECTION_LATERAL; d++)
        if (!strcmp(direction_word((enum direction)d), evidence_read_text(root, "direction")))
            return d;
    return ABENG_ENOENT;
}

void evidence_read_names(const json_t *root, const char *key, struct names *out)
{
    const json_t *array = json_object_get(root, key);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));
        if (name)
            names_add(out, name, strlen(name));
    }
}

void evidence_read_strip(const json_t *root, const char *key, struct strip *out)
{
    char hour[SIGNAL_NAME_MAX];
    const json_t *array = json_object_get(root, key);
    for (size_t i = 0; i < json_array_size(array) && i < SIGNAL_HOURS; i++)
        out->count[i] = (uint32_t)json_integer_value(json_array_get(array, i));
    snprintf(hour, sizeof hour, "%s_hour", key);
    out->last = evidence_read_u64(root, hour);
}
