/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Signature channels: a partner's minisign key, and the bundles it published. A bundle is checked
 * when it comes in and again by every sensor: the collector can hold one back but not forge one.
 * Files live in DATA/feeds/CHANNEL; the register in {rg}:feed:CHANNEL. Functions wait for the store
 * (bounded): work threads only.
 */
#ifndef COLLECTOR_FEEDS_FEEDS_H
#define COLLECTOR_FEEDS_FEEDS_H

#include <stddef.h>
#include <stdint.h>

#include "collector/http/http.h"

struct feeds;
struct json;
struct store;
struct sensors;

/** Largest bundle. */
#define FEEDS_BUNDLE_MAX (64u << 20)

/**
 * Open the folder `dir` (made when missing). `sensors` (may be NULL) are told of each new version.
 * NULL and a log line when that fails.
 */
struct feeds *feeds_open(const char *dir, struct store *store, struct sensors *sensors);

/** Free. NULL is allowed. */
void feeds_close(struct feeds *f);

/** What sensors may ask: GET /v1/bundles/{channel}, with an ETag; for their listener. */
struct http_table feeds_table(struct feeds *f);

/**
 * Add a channel: `name` of letters, digits, - and _; `key` one line of a minisign public key
 * (base64). 0, ABENG_EEXIST (with another key: one can't be changed silently), ABENG_EINVAL,
 * ABENG_EAGAIN, with `why`.
 */
int feeds_add(struct feeds *f, const char *name, const char *partner, const char *key, char *why,
              size_t why_len);

/**
 * Publish: verify `signature` (minisign, whole text) by the channel's key, read the manifest,
 * require its channel, a higher version than the current and an end in the future, store both
 * files, make it current. 0, ABENG_ENOENT (no such channel), ABENG_EAUTH (signature),
 * ABENG_EFORMAT, ABENG_ECONFLICT (version), ABENG_EAGAIN, with `why`. `*version` gets the number.
 */
int feeds_publish(struct feeds *f, const char *name, const void *bundle, size_t len,
                  const char *signature, uint64_t *version, char *why, size_t why_len);

/**
 * Write channels as a JSON array value (docs/API: GET /api/v1/feeds items): all, or those of
 * `partner` when it is not NULL. 0 or ABENG_EAGAIN.
 */
int feeds_write_json(struct feeds *f, const char *partner, struct json *out);

/** Whether channel `name` is `partner`'s: 1, 0 (or no such channel), ABENG_EAGAIN. */
int feeds_belongs(struct feeds *f, const char *name, const char *partner);

#endif
