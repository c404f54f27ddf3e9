/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What does not come from a sensor: reports of people and of other organisations. Each becomes an
 * alert record (the category says its RSIT type) in the state's own stream, so that it is folded,
 * scored, kept and replayed as a sensor's are.
 */
#ifndef COLLECTOR_INGEST_OUTSIDE_H
#define COLLECTOR_INGEST_OUTSIDE_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct store_conn;

/** Sensor id under which reports stand. */
#define OUTSIDE_SENSOR "report"

/** Most records of one report. */
#define OUTSIDE_COUNT_MAX 10000u

/** One report; texts NULL where not known. */
struct outside_report {
    const char *rsit;   /* "class/type" */
    const char *title;  /* becomes the signature */
    const char *victim; /* an address */
    const char *peer;   /* an address */
    const char *source; /* "phone", "mail", the name of a file's kind, … */
    unsigned port;      /* of the victim; 0: none */
    uint64_t seen_ns;
};

/**
 * Append the record of one report to `lines`: 0, or ABENG_EINVAL with one line in `why` (an address
 * that is none).
 */
int outside_add(struct buf *lines, const struct outside_report *r, char *why, size_t why_len);

/**
 * Put `count` records into the stream of `state`, all or none. 0, ABENG_EFORMAT with `why`,
 * ABENG_EAGAIN, ABENG_ENOMEM.
 */
int outside_put(struct store_conn *c, const char *state, const struct buf *lines, unsigned count,
                uint64_t now_ns, char *why, size_t why_len);

#endif
