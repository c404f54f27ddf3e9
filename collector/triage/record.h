/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a state keeps beside its incidents: contacts, constituents, notices, countermeasures,
 * suppressions. A
 * record is a JSON document under a version, numbered within its kind and state ("jm-12" again);
 * members whose names begin with '_' are never shown. A change is made on the version that was
 * read and applied in one function of the store together with index, timer, timeline of the
 * incident, audit and change stream. Functions wait (bounded) for the store: work threads only.
 */
#ifndef TRIAGE_RECORD_H
#define TRIAGE_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/triage/model.h"

struct json;
struct store;
struct store_conn;

/** Most records of a kind and state, and the longest document. */
#define RECORD_COUNT_MAX 100000u
#define RECORD_DOC_MAX   (256u << 10)

enum record_kind_of {
    RECORDS_CONTACT,
    RECORDS_CONSTITUENT,
    RECORDS_NOTICE,
    RECORDS_COUNTERMEASURE,
    RECORDS_SUPPRESSION,
    RECORDS_KINDS,
};

/** One record; `doc` is owned: record_clear. */
struct record_doc {
    unsigned state;
    uint64_t number;
    uint64_t version; /* 0: not stored yet */
    json_t *doc;
};

/** A change, and what it does besides. Texts NULL: none. */
struct record_change {
    const char *who, *verb, *said;
    uint64_t now_ms;
    uint64_t due_ms;     /* of its timer; 0: none */
    uint64_t incident;   /* whose timeline tells of it; 0: none */
    const char *outcome; /* "real" or "false": counts for or against the incident's rules */
    bool remove;
};

/** The kind's word in keys, timers and the change stream: "contact", "notice", … */
const char *record_word(enum record_kind_of kind);

/** "jm-12" of a record. */
void record_id(const struct record_doc *r, char out[MODEL_ID_MAX]);

/** Read one: 0, ABENG_ENOENT, ABENG_EAGAIN, ABENG_EFORMAT (what is stored is no document). */
int record_load(struct store_conn *c, enum record_kind_of kind, unsigned state, uint64_t number,
                struct record_doc *out);

/** Free the document. */
void record_clear(struct record_doc *r);

/**
 * Make `change` of `r`, whose doc is as it shall be; a record of version 0 gets the next number.
 * 0 and number and version are set; ABENG_ECONFLICT (changed since), ABENG_ENOENT, ABENG_ELIMIT
 * (too many, too long), ABENG_EAGAIN, with one line in `why`.
 */
int record_save(struct store_conn *c, enum record_kind_of kind, struct record_doc *r,
                const struct record_change *change, char *why, size_t why_len);

/** Called for each record; returns whether to go on. */
typedef bool record_each_fn(void *arg, const struct record_doc *r);

/**
 * All records of a kind and state with numbers below `below` (0: all), the newest first, until
 * `each` has enough. 0 or ABENG_EAGAIN.
 */
int record_walk(struct store_conn *c, enum record_kind_of kind, unsigned state, uint64_t below,
                record_each_fn *each, void *arg);

/**
 * Records whose timer is due: calls `each` with kind and number, at most `max`. 0 or ABENG_EAGAIN.
 */
int record_due(struct store_conn *c, unsigned state, uint64_t now_ms, unsigned max,
               void (*each)(void *arg, enum record_kind_of kind, uint64_t number), void *arg);

/** A text member; "" when it is not there. */
const char *record_text(const struct record_doc *r, const char *key);

/** A member that is a time in RFC 3339, as ms since 1970; 0 when there is none. */
uint64_t record_time(const struct record_doc *r, const char *key);

/** Set a time member; 0: null. */
void record_set_time(struct record_doc *r, const char *key, uint64_t ms);

/** Write id, version, state and the document's shown members into the open object. */
void record_write(const struct record_doc *r, struct json *out);

#endif
