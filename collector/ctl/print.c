/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that hostile texts can't break. */
#include "config.h"
#include "collector/ctl/print.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/utf8.h"
#include "common/xalloc.h"

/** Longest text of one value, and most columns. */
#define VALUE_MAX   65536
#define COLUMNS_MAX 16

void print_safe(struct buf *out, const char *text, size_t width)
{
    utf8_safe(out, text, width, false);
}

static const json_t *value_at(const json_t *item, const char *path)
{
    char key[64];
    while (*path && item) {
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        item = json_object_get(item, key);
        path += n + (path[n] == '.');
    }
    return item;
}

static void add_value(struct buf *out, const json_t *value, size_t width)
{
    char number[32];
    if (json_is_string(value)) {
        print_safe(out, json_string_value(value), width);
    } else if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        buf_text(out, number);
    } else if (json_is_real(value)) {
        snprintf(number, sizeof number, "%.2f", json_real_value(value));
        buf_text(out, number);
    } else if (json_is_boolean(value)) {
        buf_text(out, json_is_true(value) ? "yes" : "no");
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i)
                buf_byte(out, ',');
            add_value(out, json_array_get(value, i), width);
        }
    } else if (json_is_object(value)) {
        char *text = json_dumps(value, JSON_COMPACT);
        print_safe(out, text ? text : "", width);
        free(text);
    } else {
        buf_byte(out, '-');
    }
    if (!out->len)
        buf_byte(out, '-');
}

static char *value_text(const json_t *item, const struct print_column *c)
{
    struct buf b;
    buf_init(&b, VALUE_MAX);
    add_value(&b, value_at(item, c->path), c->width);
    char *text = xstrdup(buf_str(&b));
    buf_free(&b);
    return text;
}

/* Characters, which stand for columns of the terminal here. */
static size_t length(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void print_cell(const char *text, size_t width, bool last)
{
    fputs(text, stdout);
    for (size_t n = length(text); !last && n < width + 2; n++)
        putchar(' ');
    if (last)
        putchar('\n');
}

void print_table(const json_t *items, const struct print_column *columns, size_t count)
{
    size_t width[COLUMNS_MAX] = { 0 }, rows = json_array_size(items);
    char **cells = xcalloc(rows * count + 1, sizeof *cells);
    for (size_t c = 0; c < count; c++)
        width[c] = strlen(columns[c].title);
    for (size_t i = 0; i < rows * count; i++) {
        cells[i] = value_text(json_array_get(items, i / count), &columns[i % count]);
        size_t n = length(cells[i]);
        width[i % count] = n > width[i % count] ? n : width[i % count];
    }
    for (size_t c = 0; c < count; c++)
        print_cell(columns[c].title, width[c], c + 1 == count);
    for (size_t i = 0; i < rows * count; i++) {
        print_cell(cells[i], width[i % count], i % count + 1 == count);
        free(cells[i]);
    }
    free(cells);
}

void print_list(const json_t *item, const struct print_column *lines, size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++)
        width = strlen(lines[i].title) > width ? strlen(lines[i].title) : width;
    for (size_t i = 0; i < count; i++) {
        char *text = value_text(item, &lines[i]);
        print_cell(lines[i].title, width, false);
        print_cell(text, 0, true);
        free(text);
    }
}

void print_json(const json_t *reply)
{
    json_dumpf(reply, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    putchar('\n');
}
