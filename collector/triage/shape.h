/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a record's document may hold: a const table of members, by which a request's body is checked
 * and taken over, and a line of a CSV file as well. Pure.
 */
#ifndef TRIAGE_SHAPE_H
#define TRIAGE_SHAPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum shape_type {
    SHAPE_TEXT,   /* at most `max` bytes, no control bytes but line feed and tab */
    SHAPE_WORD,   /* one of `words` */
    SHAPE_NUMBER, /* from `min` to `max` */
    SHAPE_FLAG,
    SHAPE_TIME,     /* RFC 3339 */
    SHAPE_HOUR,     /* "22:00" */
    SHAPE_DAYS,     /* array of "2026-12-25" */
    SHAPE_TEXTS,    /* array of texts of at most 255 bytes, `max` of them */
    SHAPE_PREFIXES, /* array of addresses and prefixes, `max` of them */
    SHAPE_NUMBERS,  /* array of numbers from 0 to 4294967295, `max` of them */
};

struct shape {
    const char *name;
    enum shape_type type;
    long min, max;
    const char *words; /* blank-separated */
    bool needed;
};

/**
 * Take the members of `body` over into `doc` after checking each; null removes one. A member that
 * the shape does not know is refused. 0, or ABENG_EINVAL with one line in `why`.
 */
int shape_take(const struct shape *shape, size_t count, const json_t *body, json_t *doc, char *why,
               size_t why_len);

/** Set members of `doc` that are missing to null, and check that the needed ones are there. */
int shape_finish(const struct shape *shape, size_t count, json_t *doc, char *why, size_t why_len);

/**
 * Set member `name` of `body` from a field of a CSV file, as the shape's type asks (lists are
 * separated by blanks or semicolons); an empty field is nothing. ABENG_EINVAL when there is no such
 * member, or it can't be read.
 */
int shape_from_text(const struct shape *shape, size_t count, const char *name, const char *field,
                    json_t *body);

#endif
