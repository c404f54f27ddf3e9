/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the read model page by page. */
#include "config.h"
#include "collector/api/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/triage/model.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"

/** Rows of a page, and its text. */
#define PAGE     200u
#define PAGE_MAX (16u << 20)
#define ROW_MAX  (1u << 20)

json_t *rows_one(const struct api *a, unsigned scope, const char *id)
{
    struct buf text;
    struct json j;
    buf_init(&text, ROW_MAX);
    json_begin(&j, &text);
    json_open(&j, NULL);
    int err = model_write_row(a->conf.model, scope, id, true, &j);
    json_close(&j);
    json_t *row = err ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
    buf_free(&text);
    return row;
}

static int read_page(const struct api *a, const struct model_query *q, json_t **page)
{
    struct buf text;
    struct json j;
    char why[128];
    buf_init(&text, PAGE_MAX);
    json_begin(&j, &text);
    int err = model_list(a->conf.model, q, &j, why, sizeof why);
    *page = err ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
    buf_free(&text);
    return err ? err : *page ? 0 : ABENG_EAGAIN;
}

static bool hand_out(const struct api *a, unsigned scope, const json_t *items, rows_each_fn *each,
                     void *arg)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *id = json_string_value(json_object_get(json_array_get(items, i), "id"));
        json_t *row = id ? rows_one(a, scope, id) : NULL;
        bool more = !row || each(arg, id, row);
        json_decref(row);
        if (!more)
            return false;
    }
    return true;
}

int rows_each(const struct api *a, unsigned scope, const char *search, rows_each_fn *each,
              void *arg)
{
    struct model_query q = { .scope = scope, .text = search, .limit = PAGE };
    char after[256] = "";
    if (!model_ready(a->conf.model))
        return ABENG_EAGAIN;
    for (;;) {
        json_t *page;
        q.after = *after ? after : NULL;
        int err = read_page(a, &q, &page);
        if (err)
            return err;
        const char *next = json_string_value(json_object_get(page, "next"));
        snprintf(after, sizeof after, "%s", next ? next : "");
        bool more = hand_out(a, scope, json_object_get(page, "items"), each, arg) && *after;
        json_decref(page);
        if (!more)
            return 0;
    }
}

uint64_t rows_time(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    uint64_t ns;
    return text && !clock_parse(text, strlen(text), &ns) ? ns / NS_PER_MS : 0;
}
