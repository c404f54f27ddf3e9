/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A streaming JSON writer over a `struct buf`. Commas and nesting are its business; strings may
 * hold any bytes: what is not UTF-8 becomes U+FFFD, control characters are escaped, so hostile
 * packet bytes never break a record. Reading JSON at the edges is jansson's work; the ingest path
 * has a validating scan of its own (common/event).
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct json {
    struct buf *out;
    bool comma;  /* the next value needs a comma before it */
};

/**
 * How many of the first `len` bytes stand in a JSON string as they are: ASCII, no control
 * character, no quote, no backslash.
 */
size_t json_plain(const void *bytes, size_t len);

/** Start writing at the end of `out`, which is borrowed until the last call. */
void json_begin(struct json *j, struct buf *out);

/** Open an object; `key` NULL inside arrays and at the top. */
void json_open(struct json *j, const char *key);
/** Close an object. */
void json_close(struct json *j);
/** Open an array. */
void json_open_array(struct json *j, const char *key);
/** Close an array. */
void json_close_array(struct json *j);

/** A NUL-ended string; NULL writes null. */
void json_str(struct json *j, const char *key, const char *value);
/** A string of `len` bytes of any kind. */
void json_strn(struct json *j, const char *key, const void *value, size_t len);
/** An unsigned number. */
void json_u64(struct json *j, const char *key, uint64_t value);
/** A signed number. */
void json_i64(struct json *j, const char *key, int64_t value);
/** A number with up to six decimals. */
void json_double(struct json *j, const char *key, double value);
/** true or false. */
void json_bool(struct json *j, const char *key, bool value);
/** null. */
void json_nil(struct json *j, const char *key);
/** A time as RFC 3339 from milliseconds since 1970; 0, never, writes null. */
void json_time_ms(struct json *j, const char *key, uint64_t ms);
/** A value that is JSON already. */
void json_raw(struct json *j, const char *key, const void *value, size_t len);
/** Base64 of `len` bytes as a string. */
void json_base64(struct json *j, const char *key, const void *value, size_t len);

#endif
