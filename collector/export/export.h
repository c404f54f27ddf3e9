/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Incidents in the forms that others read: STIX 2.1, MISP, IODEF v2 (RFC 7970), IDEA, CSV and JSON
 * lines. Pure: from rows of the API (with detail) to text. Ids are made from the incident's id, so
 * that the same incident has the same ids each time. Texts of attackers are escaped as the format
 * has it, and what XML or a spreadsheet can't bear is made harmless.
 */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/** Most incidents of one export; longest text of one. */
#define EXPORT_COUNT_MAX 500
#define EXPORT_TEXT_MAX  (64u << 20)

/** Bytes of a UUID's text, NUL included. */
#define EXPORT_UUID 37

struct export_form {
    const char *word; /* "stix", … */
    const char *type; /* of the reply */
    /** Append all of `rows` (array of incidents) as of `now_ms`. */
    void (*write)(const json_t *rows, uint64_t now_ms, struct buf *out);
};

/** The form of a word, or NULL. */
const struct export_form *export_find(const char *word);

/** STIX objects of one incident, its marking and the maker's identity included, as a new array. */
json_t *export_stix_objects(const json_t *row);

/**
 * A UUID from `kind` and `name`, always the same for the same: 122 bits of BLAKE2b under the marks
 * of version 4, as STIX takes versions 1 to 5 and we have no SHA-1 here.
 */
void export_uuid(const char *kind, const char *name, char out[EXPORT_UUID]);

/** A STIX bundle. */
void export_stix(const json_t *rows, uint64_t now_ms, struct buf *out);
/** MISP events: {"response":[{"Event":…}]}. */
void export_misp(const json_t *rows, uint64_t now_ms, struct buf *out);
/** An IODEF document. */
void export_iodef(const json_t *rows, uint64_t now_ms, struct buf *out);
/** An array of IDEA messages. */
void export_idea(const json_t *rows, uint64_t now_ms, struct buf *out);
/** CSV with a head; what looks like a formula is defused. */
void export_csv(const json_t *rows, uint64_t now_ms, struct buf *out);
/** One incident a line. */
void export_jsonl(const json_t *rows, uint64_t now_ms, struct buf *out);

/** A text member of an object; "" when it is not there. */
const char *export_text(const json_t *o, const char *key);

/** Whether a text is an address: 4, 6, or 0; else it may be a name. */
int export_family(const char *text);

#endif
