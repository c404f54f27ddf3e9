/* SPDX-License-Identifier: Apache-2.0 */
/**
 * CSV as RFC 4180 has it, read and written. Files come from other organisations, and what is
 * written is opened in spreadsheets: a field that one would take for a formula gets an apostrophe.
 */
#ifndef COMMON_CSV_H
#define COMMON_CSV_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/** Most fields of a line; longest field in bytes. */
#define CSV_FIELDS_MAX 256
#define CSV_FIELD_MAX  8192

/** The fields of one line, NUL-ended; they live until the next line is read. */
struct csv_fields {
    size_t count;
    const char *text[CSV_FIELDS_MAX];
};

/** Called for each line after the head; `line` is counted from 1. Returns whether to go on. */
typedef bool csv_line_fn(void *arg, size_t line, const struct csv_fields *head,
                         const struct csv_fields *fields);

/**
 * Read `len` bytes of CSV whose first line is its head: quotes, doubled quotes, line feeds within
 * them, CR LF or LF; a byte order mark is skipped, empty lines too. 0; ABENG_EFORMAT (a quote that
 * does not end, bytes that are no UTF-8 or NUL, no head) or ABENG_ELIMIT (more than `lines_max`
 * lines, too many or too long fields), with one line in `why`; lines before the fault have been
 * handed out.
 */
int csv_read(const char *text, size_t len, size_t lines_max, csv_line_fn *fn, void *arg, char *why,
             size_t why_len);

/**
 * Append a field, quoted when it must be; control bytes are made harmless, and one that begins with
 * = + - @ or a tab gets an apostrophe before it. `first`: no comma before it.
 */
void csv_add(struct buf *out, const char *text, bool first);

/** End a line (CR LF). */
void csv_end(struct buf *out);

#endif
