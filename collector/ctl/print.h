/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies for people: tables and lists, in which a hostile text can't move the cursor, colour,
 * or turn the line around.
 */
#ifndef CTL_PRINT_H
#define CTL_PRINT_H

#include <jansson.h>
#include <stddef.h>

struct buf;

/** A column of a table, or a line of a list. */
struct print_column {
    const char *title;
    const char *path; /* of the value: "rsit.type" */
    size_t width;     /* longest text shown; 0: as long as it is */
};

/**
 * Append a text made harmless: control, format and invalid bytes as \xNN or \uNNNN; cut with …
 * beyond `width` characters.
 */
void print_safe(struct buf *out, const char *text, size_t width);

/** Print an array of objects as a table on stdout. */
void print_table(const json_t *items, const struct print_column *columns, size_t count);

/** Print one object's values, a line each. */
void print_list(const json_t *item, const struct print_column *lines, size_t count);

/** Print a reply as JSON. */
void print_json(const json_t *reply);

#endif
