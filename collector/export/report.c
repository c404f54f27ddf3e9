/* SPDX-License-Identifier: Apache-2.0 */
/* Counting a month, and writing it. */
#include "config.h"
#include "collector/export/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/export/export.h"
#include "common/buf.h"
#include "common/csv.h"
#include "common/xalloc.h"

struct report {
    char *state, *month;
    unsigned incidents;
    uint64_t alerts;
    json_t *by_class, *by_type, *by_tier, *by_outcome, *by_status;
    uint64_t *ms[REPORT_CLOCKS];
    size_t count[REPORT_CLOCKS], room[REPORT_CLOCKS];
};

static const char *const clock_words[REPORT_CLOCKS] = { "claim", "decide", "notify", "ack",
                                                        "contain" };
static const unsigned percents[] = { 50, 90, 95 };
#define PERCENTS (sizeof percents / sizeof *percents)

struct report *report_create(const char *state, const char *month)
{
    struct report *r = xcalloc(1, sizeof *r);
    r->state = xstrdup(state);
    r->month = xstrdup(month);
    r->by_class = json_object();
    r->by_type = json_object();
    r->by_tier = json_object();
    r->by_outcome = json_object();
    r->by_status = json_object();
    return r;
}

void report_free(struct report *r)
{
    if (!r)
        return;
    for (int c = 0; c < REPORT_CLOCKS; c++)
        free(r->ms[c]);
    json_decref(r->by_class);
    json_decref(r->by_type);
    json_decref(r->by_tier);
    json_decref(r->by_outcome);
    json_decref(r->by_status);
    free(r->state);
    free(r->month);
    free(r);
}

static void count(json_t *table, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(table, name));
    json_object_set_new(table, *name ? name : "none", json_integer(n + 1));
}

void report_add(struct report *r, const json_t *row, const uint64_t ms[REPORT_CLOCKS])
{
    const json_t *rsit = json_object_get(row, "rsit");
    char text[160];
    json_int_t alerts = json_integer_value(json_object_get(row, "count"));
    r->incidents++;
    r->alerts += alerts > 0 ? (uint64_t)alerts : 0;
    count(r->by_class, export_text(rsit, "class"));
    snprintf(text, sizeof text, "%s/%s", export_text(rsit, "class"), export_text(rsit, "type"));
    count(r->by_type, text);
    snprintf(text, sizeof text, "%lld",
             (long long)json_integer_value(json_object_get(row, "tier")));
    count(r->by_tier, text);
    count(r->by_outcome, export_text(row, "outcome"));
    count(r->by_status, export_text(row, "status"));
    for (int c = 0; c < REPORT_CLOCKS; c++) {
        if (!ms[c])
            continue;
        if (r->count[c] == r->room[c]) {
            r->room[c] = r->room[c] ? 2 * r->room[c] : 64;
            r->ms[c] = xreallocarray(r->ms[c], r->room[c], sizeof *r->ms[c]);
        }
        r->ms[c][r->count[c]++] = ms[c];
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The smallest value that `percent` of them do not pass, in seconds; -1: there is none. */
static double percentile(struct report *r, int c, unsigned percent)
{
    size_t n = r->count[c];
    if (!n)
        return -1;
    qsort(r->ms[c], n, sizeof *r->ms[c], compare);
    size_t rank = (n * percent + 99) / 100;
    return (double)r->ms[c][rank ? rank - 1 : 0] / 1000;
}

static json_t *clocks(struct report *r)
{
    json_t *all = json_object();
    for (int c = 0; c < REPORT_CLOCKS; c++) {
        json_t *one = json_pack("{s:I}", "count", (json_int_t)r->count[c]);
        for (size_t p = 0; p < PERCENTS; p++) {
            char name[8];
            double s = percentile(r, c, percents[p]);
            snprintf(name, sizeof name, "p%u", percents[p]);
            json_object_set_new(one, name, s < 0 ? json_null() : json_real(s));
        }
        json_object_set_new(all, clock_words[c], one);
    }
    return all;
}

void report_json(struct report *r, struct buf *out)
{
    json_t *all =
        json_pack("{s:s, s:s, s:I, s:I, s:O, s:O, s:O, s:O, s:O, s:o}", "state", r->state, "month",
                  r->month, "incidents", (json_int_t)r->incidents, "alerts", (json_int_t)r->alerts,
                  "by_class", r->by_class, "by_type", r->by_type, "by_tier", r->by_tier,
                  "by_outcome", r->by_outcome, "by_status", r->by_status, "clocks", clocks(r));
    char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
    buf_text(out, text ? text : "{}");
    free(text);
    json_decref(all);
}

/* ---- tables ---------------------------------------------------------------------------------- */

struct table {
    const char *title;
    const json_t *rows;
};

static size_t tables_of(const struct report *r, struct table out[5])
{
    const struct table all[] = { { "RSIT class", r->by_class },
                                 { "RSIT type", r->by_type },
                                 { "Tier", r->by_tier },
                                 { "Status", r->by_status },
                                 { "Outcome", r->by_outcome } };
    memcpy(out, all, sizeof all);
    return sizeof all / sizeof *all;
}

static void html(struct buf *out, const char *text)
{
    for (; *text; text++)
        if (*text == '<' || *text == '>' || *text == '&' || *text == '"')
            buf_printf(out, "&#%d;", *text);
        else
            buf_byte(out, (uint8_t)*text);
}

static void html_table(const struct table *t, struct buf *out)
{
    const char *name;
    json_t *value;
    buf_printf(out, "<table><caption>%s</caption><tr><th>Name</th><th>Incidents</th></tr>",
               t->title);
    json_object_foreach((json_t *)t->rows, name, value)
    {
        buf_text(out, "<tr><td>");
        html(out, name);
        buf_printf(out, "</td><td>%lld</td></tr>", (long long)json_integer_value(value));
    }
    buf_text(out, "</table>");
}

static void html_clocks(struct report *r, struct buf *out)
{
    buf_text(out, "<table><caption>How long it took, in minutes</caption><tr><th>Step</th>"
                  "<th>Incidents</th><th>50 %</th><th>90 %</th><th>95 %</th></tr>");
    for (int c = 0; c < REPORT_CLOCKS; c++) {
        buf_printf(out, "<tr><td>%s</td><td>%zu</td>", clock_words[c], r->count[c]);
        for (size_t p = 0; p < PERCENTS; p++) {
            double s = percentile(r, c, percents[p]);
            if (s < 0)
                buf_text(out, "<td>–</td>");
            else
                buf_printf(out, "<td>%.1f</td>", s / 60);
        }
        buf_text(out, "</tr>");
    }
    buf_text(out, "</table>");
}

void report_html(struct report *r, struct buf *out)
{
    struct table tables[5];
    size_t n = tables_of(r, tables);
    buf_text(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    html(out, r->state);
    buf_printf(out, " %s</title></head><body><h1>", r->month);
    html(out, r->state);
    buf_printf(out, ", %s</h1><p>%u incidents opened, made of %llu alerts.</p>", r->month,
               r->incidents, (unsigned long long)r->alerts);
    for (size_t i = 0; i < n; i++)
        html_table(&tables[i], out);
    html_clocks(r, out);
    buf_text(out, "</body></html>\n");
}

static void csv_row(struct buf *out, const char *table, const char *name, const char *value)
{
    csv_add(out, table, true);
    csv_add(out, name, false);
    csv_add(out, value, false);
    csv_end(out);
}

void report_csv(struct report *r, struct buf *out)
{
    struct table tables[5];
    size_t n = tables_of(r, tables);
    char text[64], name[32];
    csv_row(out, "table", "name", "value");
    for (size_t i = 0; i < n; i++) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)tables[i].rows, key, value)
        {
            snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
            csv_row(out, tables[i].title, key, text);
        }
    }
    for (int c = 0; c < REPORT_CLOCKS; c++)
        for (size_t p = 0; p < PERCENTS; p++) {
            double s = percentile(r, c, percents[p]);
            snprintf(name, sizeof name, "%s p%u seconds", clock_words[c], percents[p]);
            snprintf(text, sizeof text, "%.1f", s);
            csv_row(out, "Clock", name, s < 0 ? "" : text);
        }
}
