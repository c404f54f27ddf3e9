/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small words that signals and incidents share in their JSON: how each is written and read
 * back.
 */
#ifndef CORRELATE_EVIDENCE_H
#define CORRELATE_EVIDENCE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct addr;
struct json;
struct names;
struct rsit;
struct strip;
struct text;

/** Milliseconds of an hour and a day. */
#define EVIDENCE_HOUR_MS 3600000ull
#define EVIDENCE_DAY_MS  (24 * EVIDENCE_HOUR_MS)

/** Longest id ("jm-s18446744073709551615"), NUL included. */
#define EVIDENCE_ID_MAX 32

/**
 * The text of a JSON string that is still escaped; the caller frees. What can't be read gives
 * it as it is.
 */
char *evidence_unescape(struct text t);

/** Copy a text into `size` bytes, cut where it is longer. */
void evidence_copy(char *out, size_t size, const char *text);

/** "TCP", "UDP", …, or the number. Static. */
const char *evidence_proto(unsigned proto);

/** An id: state, dash, letters of its kind, number. */
void evidence_write_id(struct json *out, const char *key, const char *state, const char *kind,
                       uint64_t number);
/** An address as text. */
void evidence_write_addr(struct json *out, const char *key, const struct addr *a);
/** `"rsit":{"class":…,"type":…}`. */
void evidence_write_rsit(struct json *out, const struct rsit *rsit);
/** An array of names. */
void evidence_write_names(struct json *out, const char *key, const struct names *n);
/** An array of counts, oldest first, and its newest hour beside it ("KEY_hour"). */
void evidence_write_strip(struct json *out, const char *key, const struct strip *s);

/** A member as text, "" when it is not one. Lives as long as `root`. */
const char *evidence_read_text(const json_t *root, const char *key);
/** A member as a number, 0 when it is not one. */
uint64_t evidence_read_u64(const json_t *root, const char *key);
/** The number of an id member, 0 when it is not there. */
uint64_t evidence_read_number(const json_t *root, const char *key);
/** A time member in milliseconds, 0 when it is not one. */
uint64_t evidence_read_time(const json_t *root, const char *key);
/** An address member; all zero when it is not one. */
void evidence_read_addr(const json_t *root, const char *key, struct addr *out);
/** The member "rsit", NULL when it is not there or not of the taxonomy. */
const struct rsit *evidence_read_rsit(const json_t *root);
/** The member "direction" as enum direction, or ABENG_ENOENT. */
int evidence_read_direction(const json_t *root);
/** A set of names, added to `out`. */
void evidence_read_names(const json_t *root, const char *key, struct names *out);
/** A strip. */
void evidence_read_strip(const json_t *root, const char *key, struct strip *out);

#endif
