/* SPDX-License-Identifier: Apache-2.0 */
/* What rules cost: from the rule set's slots into a file, from the file to a terminal. */
#include "config.h"
#include "sensor/ruleprofile.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/detect/detect.h"

#define FILE_MAX   (4u << 20)
#define PATH_BYTES 4096

struct row {
    uint32_t rule;
    struct detect_rule_cost cost;
};

/* Dearest first; what was never timed by its matches. */
static int dearer(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->cost.ticks != y->cost.ticks)
        return x->cost.ticks < y->cost.ticks ? 1 : -1;
    if (x->cost.matches != y->cost.matches)
        return x->cost.matches < y->cost.matches ? 1 : -1;
    return x->rule < y->rule ? -1 : 1;
}

/* The rules that cost something, sorted; `*ticks`: of all. The caller frees. */
static struct row *rows_gather(const struct detect_ruleset *set, uint32_t *count, uint64_t *ticks)
{
    uint32_t rules;
    detect_ruleset_name(set, &rules);
    struct row *rows = xcalloc(rules + 1u, sizeof(*rows));
    *count = 0;
    *ticks = 0;
    for (uint32_t i = 0; i < rules; i++) {
        struct row *r = &rows[*count];
        *r = (struct row){ .rule = i };
        detect_rule_cost(set, i, &r->cost);
        *ticks += r->cost.ticks;
        *count += r->cost.checks || r->cost.matches;
    }
    qsort(rows, *count, sizeof(*rows), dearer);
    return rows;
}

static void write_row(const struct detect_ruleset *set, const struct row *r, uint64_t all,
                      double ns_per_tick, struct json *j)
{
    struct detect_rule rule;
    detect_rule_get(set, r->rule, &rule);
    double ns = (double)r->cost.ticks * ns_per_tick;
    json_open(j, NULL);
    json_u64(j, "gid", rule.gid);
    json_u64(j, "sid", rule.sid);
    json_u64(j, "rev", rule.rev);
    json_str(j, "msg", rule.msg);
    json_u64(j, "checks", r->cost.checks);
    json_u64(j, "matches", r->cost.matches);
    json_u64(j, "ns", (uint64_t)ns);
    json_u64(j, "ns_per_check", r->cost.checks ? (uint64_t)(ns / (double)r->cost.checks) : 0);
    json_double(j, "percent", all ? 100.0 * (double)r->cost.ticks / (double)all : 0);
    json_close(j);
}

int ruleprofile_write(const struct detect_ruleset *set, uint64_t packets, double ns_per_tick,
                      int fd)
{
    char now[CLOCK_TEXT_MAX];
    uint32_t count;
    uint64_t ticks;
    struct buf out;
    struct json j;
    struct row *rows = rows_gather(set, &count, &ticks);
    clock_format_rfc3339(clock_now(clock_system()), now);
    buf_init(&out, FILE_MAX);
    json_begin(&j, &out);
    json_open(&j, NULL);
    json_str(&j, "timestamp", now);
    json_str(&j, "ruleset", detect_ruleset_name(set, NULL));
    json_u64(&j, "packets", packets);
    json_u64(&j, "sampled_one_in", DETECT_PROFILE_EVERY);
    json_u64(&j, "rules_checked", count);
    json_u64(&j, "ns", (uint64_t)((double)ticks * ns_per_tick));
    json_open_array(&j, "rules");
    for (uint32_t i = 0; i < count && i < RULEPROFILE_MAX; i++)
        write_row(set, &rows[i], ticks, ns_per_tick, &j);
    json_close_array(&j);
    json_close(&j);
    buf_byte(&out, '\n');
    int err = out.bad ? ABENG_EIO : file_write_all(fd, out.data, out.len);
    buf_free(&out);
    free(rows);
    return err;
}

/* ---- the verb -------------------------------------------------------------------------------- */

static unsigned long long number(const json_t *of, const char *key)
{
    return (unsigned long long)json_integer_value(json_object_get(of, key));
}

static void print_table(const json_t *profile, unsigned top)
{
    const json_t *rules = json_object_get(profile, "rules"), *r;
    size_t i;
    printf("%s: rule set %s, %llu packets, %llu rules looked at, about %.3f s in all\n"
           "%10s %5s %12s %9s %9s %7s  %s\n",
           json_string_value(json_object_get(profile, "timestamp")),
           json_string_value(json_object_get(profile, "ruleset")), number(profile, "packets"),
           number(profile, "rules_checked"), (double)number(profile, "ns") / 1e9, "sid", "rev",
           "checks", "matches", "ns/check", "share", "rule");
    json_array_foreach(rules, i, r)
    {
        if (i == top)
            break;
        const char *msg = json_string_value(json_object_get(r, "msg"));
        printf("%10llu %5llu %12llu %9llu %9llu %6.2f%%  %s\n", number(r, "sid"), number(r, "rev"),
               number(r, "checks"), number(r, "matches"), number(r, "ns_per_check"),
               json_number_value(json_object_get(r, "percent")), msg ? msg : "");
    }
}

static void print_json(json_t *profile, unsigned top)
{
    json_t *rules = json_object_get(profile, "rules");
    while (json_array_size(rules) > top)
        json_array_remove(rules, json_array_size(rules) - 1);
    json_dumpf(profile, stdout, JSON_COMPACT);
    putchar('\n');
}

int ruleprofile_show(const char *dir, unsigned top, bool json)
{
    char path[PATH_BYTES];
    json_error_t error;
    snprintf(path, sizeof(path), "%s/rule-profile.json", dir);
    json_t *profile = json_load_file(path, 0, &error);
    if (!json_is_array(json_object_get(profile, "rules"))) {
        log_error("profile",
                  "%s: %s; a sensor writes it with --rule-profile, or when it gets SIGUSR2", path,
                  profile ? "is no rule profile" : error.text);
        json_decref(profile);
        return 1;
    }
    if (json)
        print_json(profile, top);
    else
        print_table(profile, top);
    json_decref(profile);
    return 0;
}
