/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reading the audit: one chain per member state and one of the region ({st}:aud), each entry with
 * the SHA-256 over its fields and the hash of the one before; and roots, which name once an hour
 * how far each chain has come, so that a chain made anew does not fit what was seen before.
 */
#ifndef AUTH_AUDIT_H
#define AUTH_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;
struct store;
struct store_conn;

/** Longest id of an entry, NUL included. */
#define AUDIT_ID_MAX 48

/**
 * Write entries of `state`'s chain as array elements: from the newest back, or from the oldest on
 * when `oldest`; beyond `after` (an id, NULL: from the end). `next` becomes the last one's id, or
 * "" when there are no more. 0, ABENG_EFORMAT (`after` is no id), ABENG_EAGAIN.
 */
int audit_write(struct store_conn *c, const char *state, bool oldest, const char *after,
                unsigned limit, struct json *out, char next[AUDIT_ID_MAX], size_t *count);

/** Add what was done to `state`'s own chain (auth_audit: the region's). 0 or ABENG_EAGAIN. */
int audit_add(struct store_conn *c, const char *state, uint64_t now_ms, const char *who,
              const char *verb, const char *what, const char *text);

/** Name the root of each chain that grew, when a new hour has begun; may be called at any time. */
void audit_roots(struct store *store, uint64_t now_ms);

/** Write the roots of the scope's chains as array elements, the newest first. 0 or ABENG_EAGAIN. */
int audit_roots_write(struct store *store, unsigned scope, unsigned limit, struct json *out,
                      size_t *count);

#endif
