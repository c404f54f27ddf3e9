/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What has ended long ago leaves the store, which holds what is open and the last months: each
 * incident goes, whole and with its timeline, as one line of JSON into DIR/STATE/YYYY-MM.ndjson
 * (the month it ended in), and only then its keys and its signals' are deleted. Killed in between,
 * the same incident is written a second time and nothing is lost.
 */
#ifndef TRIAGE_RETIRE_H
#define TRIAGE_RETIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct store;

/**
 * Fewest days that are kept: what ended may be opened again for 14, and the worker forgets it a day
 * later; and how many when nothing is said, so that a year's reports are whole.
 */
#define RETIRE_DAYS_MIN 31u
#define RETIRE_DAYS     400u

/** Most that one pass takes from one state. */
#define RETIRE_MAX 500

struct retire_conf {
    const char *dir; /* NULL: nothing is retired */
    unsigned days;   /* 0: RETIRE_DAYS */
};

/** Retire what ended before that; how many. Blocks for the disk and the store: work threads. */
unsigned retire_ended(const struct retire_conf *conf, struct store *store, struct model *m,
                      uint64_t now_ms);

/** Called with one incident's line, without its line feed; returns whether to go on. */
typedef bool retire_each_fn(void *arg, const char *line, size_t len);

/** All that was retired of a state, oldest month first. 0 or ABENG_EIO. */
int retire_each(const char *dir, const char *state, retire_each_fn *each, void *arg);

#endif
