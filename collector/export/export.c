/* SPDX-License-Identifier: Apache-2.0 */
/* The table of forms, and those that are short: CSV and JSON lines. */
#include "config.h"
#include "collector/export/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/buf.h"
#include "common/csv.h"
#include "common/sign.h"

static const struct export_form forms[] = {
    { "stix", "application/stix+json;version=2.1", export_stix },
    { "misp", "application/json", export_misp },
    { "iodef", "application/xml; charset=utf-8", export_iodef },
    { "idea", "application/json", export_idea },
    { "csv", "text/csv; charset=utf-8", export_csv },
    { "jsonl", "application/x-ndjson", export_jsonl },
};

const struct export_form *export_find(const char *word)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (!strcmp(forms[i].word, word))
            return &forms[i];
    return NULL;
}

const char *export_text(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

int export_family(const char *text)
{
    struct addr a;
    if (addr_parse(text, &a))
        return 0;
    return strchr(text, ':') ? 6 : 4;
}

void export_uuid(const char *kind, const char *name, char out[EXPORT_UUID])
{
    char hex[SIGN_DIGEST_TEXT], whole[1024];
    int n = snprintf(whole, sizeof whole, "abeng|%s|%s", kind, name);
    sign_digest_text(whole, n < (int)sizeof whole ? (size_t)n : sizeof whole - 1, hex);
    snprintf(out, EXPORT_UUID, "%.8s-%.4s-4%.3s-%c%.3s-%.12s", hex, hex + 8, hex + 13,
             "89ab"[hex[16] & 3], hex + 17, hex + 20);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static const char *const columns[] = {
    "id",      "state",      "status",    "tier",      "likelihood", "impact",  "class",
    "type",    "title",      "victim",    "peer",      "direction",  "stages",  "count",
    "sensors", "first_seen", "last_seen", "opened_at", "ended_at",   "outcome", "tlp",
};

static const json_t *value_of(const json_t *row, const char *column)
{
    if (!strcmp(column, "class") || !strcmp(column, "type"))
        row = json_object_get(row, "rsit");
    return json_object_get(row, column);
}

static void add_cell(struct buf *out, const json_t *value, bool first)
{
    struct buf text;
    buf_init(&text, 1u << 16);
    if (json_is_integer(value))
        buf_printf(&text, "%lld", (long long)json_integer_value(value));
    else if (json_is_string(value))
        buf_text(&text, json_string_value(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *item = json_string_value(json_array_get(value, i));
        buf_printf(&text, "%s%s", i ? " " : "", item ? item : "");
    }
    csv_add(out, buf_str(&text), first);
    buf_free(&text);
}

void export_csv(const json_t *rows, uint64_t now_ms, struct buf *out)
{
    size_t i;
    json_t *row;
    (void)now_ms;
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
        csv_add(out, columns[k], k == 0);
    csv_end(out);
    json_array_foreach((json_t *)rows, i, row)
    {
        for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
            add_cell(out, value_of(row, columns[k]), k == 0);
        csv_end(out);
    }
}

void export_jsonl(const json_t *rows, uint64_t now_ms, struct buf *out)
{
    size_t i;
    json_t *row;
    (void)now_ms;
    json_array_foreach((json_t *)rows, i, row)
    {
        char *text = json_dumps(row, JSON_COMPACT);
        if (text)
            buf_printf(out, "%s\n", text);
        free(text);
    }
}
