/* SPDX-License-Identifier: Apache-2.0 */
/**
 * "Has anyone seen X": looking through the files of the archive, the newest of each state first.
 * Filters and times of closed files say which need not be opened. A look ends at its limit or
 * deadline with a cursor from which the next one goes on. Work threads; read only.
 */
#ifndef COLLECTOR_ARCHIVE_SEARCH_H
#define COLLECTOR_ARCHIVE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"

struct json;

/** Longest name or hash asked for, cursor; NUL included. */
#define SEARCH_TEXT_MAX   256
#define SEARCH_CURSOR_MAX 64

/** What all of the records must have; NULL and false: not asked. */
struct search_query {
    bool has_address, has_sid;
    struct addr address; /* source or destination */
    uint32_t sid;
    const char *name; /* tls.sni, http.hostname or dns rrname; letters' case does not count */
    const char *hash; /* JA3 */
    uint64_t from_ms, to_ms; /* of the records' own times; `to_ms` 0: no end */
    unsigned scope;          /* set of 1 << state index */
    unsigned limit;          /* records */
    const char *after;       /* cursor, or NULL */
    uint64_t deadline_ns;    /* monotonic */
};

struct search_result {
    uint64_t files, skipped, records; /* looked into; passed over by filter or time; looked at */
    char next[SEARCH_CURSOR_MAX];     /* "" at the end */
    bool complete;                    /* false: the time was over before the limit */
};

/** Write the records found as elements of the open array. 0, ABENG_EFORMAT (cursor), ABENG_EIO. */
int search_records(const char *dir, const struct search_query *q, struct json *out,
                   struct search_result *res);

/**
 * Write the files as elements of the open array; with `verify`, read each and say whether it is
 * whole: a closed one has its hash, of an open one each batch is unharmed. Errors as above.
 */
int search_files(const char *dir, const struct search_query *q, bool verify, struct json *out,
                 struct search_result *res);

#endif
