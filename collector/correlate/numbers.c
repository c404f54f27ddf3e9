/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of a signal: what nearly every alert changes, in a few hundred bytes, so that the
 * rest need not be written again for it. As the store has them:
 *
 *     {"n":[COUNT,LATE,SAMPLED,SUPPRESSED,FIRST_MS,LAST_MS],"r":[COUNT of each rule],
 *      "h":[HOUR, COUNT of each hour up to it],"p":[PORT,MS, …]}
 */
#include "config.h"
#include "collector/correlate/signal.h"

#include <string.h>

#include "collector/correlate/evidence.h"
#include "common/clock.h"
#include "common/json.h"

void signal_write_numbers(const struct signal *s, struct json *out)
{
    const uint64_t n[] = { s->count, s->late, s->sampled, s->suppressed, s->first_ms, s->last_ms };
    json_open(out, NULL);
    json_open_array(out, "n");
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        json_u64(out, NULL, n[i]);
    json_close_array(out);
    json_open_array(out, "r");
    for (unsigned i = 0; i < s->rule_count; i++)
        json_u64(out, NULL, s->rules[i].count);
    json_close_array(out);
    json_open_array(out, "h");
    json_u64(out, NULL, s->strip.last);
    for (unsigned i = 0; i < SIGNAL_HOURS; i++)
        json_u64(out, NULL, s->strip.count[i]);
    json_close_array(out);
    json_open_array(out, "p");
    for (unsigned i = 0; i < s->port_count; i++) {
        json_u64(out, NULL, s->ports[i].port);
        json_u64(out, NULL, s->ports[i].last_ms);
    }
    json_close_array(out);
    json_close(out);
}

/* Element `i` of an array of numbers; 0 when it is none. */
static uint64_t at(const json_t *array, size_t i)
{
    json_int_t n = json_integer_value(json_array_get(array, i));
    return n < 0 ? 0 : (uint64_t)n;
}

static json_t *number_of(const json_t *array, size_t i)
{
    return json_integer((json_int_t)at(array, i));
}

static json_t *time_of(uint64_t ms)
{
    char text[CLOCK_TEXT_MAX];
    clock_format_rfc3339(ms * NS_PER_MS, text);
    return ms ? json_string(text) : json_null();
}

static void lay_counts(json_t *root, const json_t *n)
{
    static const char *const names[] = { "count", "late", "sampled", "suppressed_hits" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set_new(root, names[i], number_of(n, i));
    json_object_set_new(root, "first_seen", time_of(at(n, 4)));
    json_object_set_new(root, "last_seen", time_of(at(n, 5)));
}

static void lay_rules(const json_t *root, const json_t *counts)
{
    const json_t *rules = json_object_get(root, "rules");
    for (size_t i = 0; i < json_array_size(rules) && i < json_array_size(counts); i++)
        json_object_set_new(json_array_get(rules, i), "count", number_of(counts, i));
}

static void lay_strip(json_t *root, const json_t *hours)
{
    json_t *spark = json_array();
    for (size_t i = 1; i <= SIGNAL_HOURS; i++)
        json_array_append_new(spark, number_of(hours, i));
    json_object_set_new(root, "spark", spark);
    json_object_set_new(root, "spark_hour", number_of(hours, 0));
}

static void lay_ports(json_t *root, const json_t *ports)
{
    json_t *list = json_array();
    for (size_t i = 0; i + 1 < json_array_size(ports) && i < (size_t)2 * SIGNAL_PORTS; i += 2)
        json_array_append_new(list, json_pack("{s:o, s:o}", "port", number_of(ports, i), "at",
                                              time_of(at(ports, i + 1))));
    json_object_set_new(root, "victim_ports", list);
}

json_t *signal_open(const char *json, size_t len, const char *numbers, size_t numbers_len)
{
    json_t *root = json_loadb(json, len, 0, NULL);
    json_t *now = numbers_len ? json_loadb(numbers, numbers_len, 0, NULL) : NULL;
    if (root && json_is_array(json_object_get(now, "n"))) {
        lay_counts(root, json_object_get(now, "n"));
        lay_rules(root, json_object_get(now, "r"));
        lay_strip(root, json_object_get(now, "h"));
        lay_ports(root, json_object_get(now, "p"));
    }
    json_decref(now);
    return root;
}
