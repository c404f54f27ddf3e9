/* SPDX-License-Identifier: Apache-2.0 */
/* Checking documents by a table. */
#include "config.h"
#include "collector/triage/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/err.h"

/** Longest text in an array; most days off. */
#define ITEM_MAX 255
#define DAYS_MAX 100

static const struct shape *find(const struct shape *shape, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(shape[i].name, name))
            return &shape[i];
    return NULL;
}

/* Printable text: line feeds and tabs are the only control bytes, since mails are made of it. */
static bool text_ok(const json_t *value, size_t max, bool lines)
{
    const char *text = json_string_value(value);
    if (!text || json_string_length(value) > max || strlen(text) != json_string_length(value))
        return false;
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 && !(lines && (*text == '\n' || *text == '\t')))
            return false;
    return true;
}

static bool word_ok(const char *words, const char *word)
{
    size_t n = word ? strlen(word) : 0;
    for (const char *at = words; n && *at; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == n && !strncmp(at, word, n))
            return true;
    return false;
}

static bool hour_ok(const char *text)
{
    unsigned h, m;
    char end;
    return text && strlen(text) == 5 && sscanf(text, "%2u:%2u%c", &h, &m, &end) == 2 && h < 24 &&
           m < 60;
}

static bool time_ok(const char *text)
{
    uint64_t ns;
    return text && !clock_parse(text, strlen(text), &ns);
}

static bool day_ok(const char *text)
{
    char whole[32];
    if (!text || strlen(text) != 10)
        return false;
    snprintf(whole, sizeof whole, "%sT00:00:00Z", text);
    return time_ok(whole);
}

static bool number_ok(const json_t *value, long min, long max)
{
    json_int_t n = json_integer_value(value);
    return json_is_integer(value) && n >= min && n <= max;
}

static bool item_ok(enum shape_type type, const json_t *item)
{
    struct addr a;
    unsigned bits;
    const char *text = json_string_value(item);
    switch (type) {
    case SHAPE_DAYS:
        return day_ok(text);
    case SHAPE_TEXTS:
        return text_ok(item, ITEM_MAX, false) && *text;
    case SHAPE_PREFIXES:
        return text && !addr_parse_prefix(text, &a, &bits);
    case SHAPE_NUMBERS:
        return number_ok(item, 0, 4294967295l);
    default:
        return false;
    }
}

static bool array_ok(const struct shape *s, const json_t *value)
{
    size_t max = s->type == SHAPE_DAYS ? DAYS_MAX : (size_t)s->max;
    if (!json_is_array(value) || json_array_size(value) > max)
        return false;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!item_ok(s->type, json_array_get(value, i)))
            return false;
    return true;
}

static bool value_ok(const struct shape *s, const json_t *value)
{
    switch (s->type) {
    case SHAPE_TEXT:
        return text_ok(value, (size_t)s->max, true);
    case SHAPE_WORD:
        return word_ok(s->words, json_string_value(value));
    case SHAPE_NUMBER:
        return number_ok(value, s->min, s->max);
    case SHAPE_FLAG:
        return json_is_boolean(value);
    case SHAPE_TIME:
        return time_ok(json_string_value(value));
    case SHAPE_HOUR:
        return hour_ok(json_string_value(value));
    default:
        return array_ok(s, value);
    }
}

static int refuse(char *why, size_t why_len, const struct shape *s)
{
    char text[160];
    static const char *const types[] = {
        "a text of at most %ld bytes without control bytes",
        NULL,
        NULL,
        "true or false",
        "a time in RFC 3339",
        "an hour as 22:00",
        "an array of days as 2026-12-25",
        "an array of at most %ld texts of at most 255 bytes",
        "an array of at most %ld addresses or prefixes",
        "an array of at most %ld numbers",
    };
    if (s->type == SHAPE_WORD)
        snprintf(text, sizeof text, "one of %s", s->words);
    else if (s->type == SHAPE_NUMBER)
        snprintf(text, sizeof text, "a number from %ld to %ld", s->min, s->max);
    else
        snprintf(text, sizeof text, types[s->type], s->max);
    snprintf(why, why_len, "%s must be %s", s->name, text);
    return ABENG_EINVAL;
}

int shape_take(const struct shape *shape, size_t count, const json_t *body, json_t *doc, char *why,
               size_t why_len)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)body, key, value)
    {
        const struct shape *s = find(shape, count, key);
        if (!s) {
            snprintf(why, why_len, "there is no member %.64s", key);
            return ABENG_EINVAL;
        }
        if (!json_is_null(value) && !value_ok(s, value))
            return refuse(why, why_len, s);
        json_object_set(doc, key, value);
    }
    return 0;
}

int shape_finish(const struct shape *shape, size_t count, json_t *doc, char *why, size_t why_len)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(doc, shape[i].name);
        const char *text = json_string_value(value);
        bool empty = !value || json_is_null(value) || (text && !text[strspn(text, " \t\n")]);
        if (shape[i].needed && empty) {
            snprintf(why, why_len, "%s is needed", shape[i].name);
            return ABENG_EINVAL;
        }
        if (!value)
            json_object_set_new(doc, shape[i].name, json_null());
    }
    return 0;
}

/* ---- from CSV -------------------------------------------------------------------------------- */

static json_t *number_of(const char *text)
{
    char *end;
    long long n = strtoll(text, &end, 10);
    return end != text && !*end ? json_integer(n) : NULL;
}

static json_t *list_of(const struct shape *s, const char *field)
{
    json_t *array = json_array();
    while (*(field += strspn(field, " ;"))) {
        size_t n = strcspn(field, " ;");
        char item[ITEM_MAX + 1];
        snprintf(item, sizeof item, "%.*s", (int)n, field);
        json_array_append_new(array,
                              s->type == SHAPE_NUMBERS ? number_of(item) : json_string(item));
        field += n;
    }
    return array;
}

static json_t *flag_of(const char *field)
{
    if (!strcmp(field, "yes") || !strcmp(field, "true") || !strcmp(field, "1"))
        return json_true();
    if (!strcmp(field, "no") || !strcmp(field, "false") || !strcmp(field, "0"))
        return json_false();
    return NULL;
}

int shape_from_text(const struct shape *shape, size_t count, const char *name, const char *field,
                    json_t *body)
{
    const struct shape *s = find(shape, count, name);
    json_t *value;
    if (!s)
        return ABENG_EINVAL;
    if (!*field)
        return 0;
    switch (s->type) {
    case SHAPE_NUMBER:
        value = number_of(field);
        break;
    case SHAPE_FLAG:
        value = flag_of(field);
        break;
    case SHAPE_DAYS:
    case SHAPE_TEXTS:
    case SHAPE_PREFIXES:
    case SHAPE_NUMBERS:
        value = list_of(s, field);
        break;
    default:
        value = json_string(field);
        break;
    }
    return value && !json_object_set_new(body, name, value) ? 0 : ABENG_EINVAL;
}
