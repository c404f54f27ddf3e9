/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A state's month: incidents by RSIT class and type, tier, outcome, and how long each step took, as
 * percentiles. Pure: incidents are added one by one, then it is written as JSON, HTML or CSV.
 */
#ifndef EXPORT_REPORT_H
#define EXPORT_REPORT_H

#include <jansson.h>
#include <stdint.h>

struct buf;
struct report;

/** The steps that are timed. */
enum report_clock {
    REPORT_CLAIM,   /* opened to claimed */
    REPORT_DECIDE,  /* opened to confirmed or rejected */
    REPORT_NOTIFY,  /* confirmed to first notice sent */
    REPORT_ACK,     /* sent to answered */
    REPORT_CONTAIN, /* sent to resolved */
    REPORT_CLOCKS,
};

/** Make one for a state's name and a month ("2026-11"). */
struct report *report_create(const char *state, const char *month);

/** Free. NULL is allowed. */
void report_free(struct report *r);

/** Add an incident's row (with detail) and its durations in ms; 0: that step did not happen. */
void report_add(struct report *r, const json_t *row, const uint64_t ms[REPORT_CLOCKS]);

/** Append it as JSON. */
void report_json(struct report *r, struct buf *out);
/** Append it as a page without scripts, readable on paper. */
void report_html(struct report *r, struct buf *out);
/** Append it as CSV: table, name, value. */
void report_csv(struct report *r, struct buf *out);

#endif
