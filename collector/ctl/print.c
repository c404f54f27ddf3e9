/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that hostile texts can't break. */
#include "config.h"
#include "collector/ctl/print.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/utf8.h"
#include "common/xalloc.h"

/** Longest text of one value, and most columns. */
#define VALUE_MAX   65536
#define COLUMNS_MAX 16

/* Length of the valid UTF-8 sequence at `s`, and its character; 0 when there is none. */
static size_t character(const unsigned char *s, uint32_t *out)
{
    unsigned n = *s < 0x80 ? 1 : utf8_length(s, strlen((const char *)s));
    *out = n > 1 ? *s & (0xffu >> (n + 1)) : *s;
    for (unsigned i = 1; i < n; i++)
        *out = *out << 6 | (s[i] & 0x3f);
    return n;
}

/* Controls, and characters that are not seen or turn what is around them. */
static bool harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

void print_safe(struct buf *out, const char *text, size_t width)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t shown = 0; *s; shown++) {
        uint32_t c = 0;
        size_t n = character(s, &c);
        if (width && shown + 1 == width && s[n ? n : 1]) {
            buf_text(out, "…");
            return;
        }
        if (!n)
            buf_printf(out, "\\x%02x", *s);
        else if (harmful(c))
            buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
        else
            buf_add(out, s, n);
        s += n ? n : 1;
    }
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
