/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The files that the sandboxed processes may ask for, and nothing else: outputs by two names, spool
 * segments by plain names in one folder, compiled rule sets by key. The monitor opens them; the
 * others hold descriptors. Every request is one channel message; each verb's answer is one row of a
 * const table.
 */
#ifndef SENSOR_FILES_H
#define SENSOR_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel_message;
struct files;

/**
 * Open the folders (made when they are not there; 0750, the cache 0700): `log_dir` for outputs,
 * `spool_dir` (NULL: no spool), `cache_dir` (NULL: no cache). NULL after a log line when one can't
 * be had; a cache that can't is done without.
 */
struct files *files_open(const char *log_dir, const char *spool_dir, const char *cache_dir);

/**
 * Answer a request of a child: `m` becomes the answer (its status tells), `*fd` the descriptor to
 * send with it, or -1; the caller closes it. False when the verb is none of these (the caller's own
 * verbs).
 */
bool files_answer(struct files *f, struct channel_message *m, int *fd);

/**
 * See that stats.json is there and that the owner may read it: what a confined process may open is
 * settled before the engine writes the first one. 0 or ABENG_EIO.
 */
int files_share_stats(struct files *f);

/**
 * Keep evidence files in `dir` (made when it is not there, 0700): the oldest go when a new one is
 * made and they take more than `bytes`, or are older than `age_ns`. 0, or ABENG_EIO after a log
 * line.
 */
int files_set_evidence(struct files *f, const char *dir, uint64_t bytes, uint64_t age_ns);

/**
 * Keep stored files in `dir` (made when it is not there, 0700), at most `bytes` and `age_ns`. 0, or
 * ABENG_EIO after a log line.
 */
int files_set_store(struct files *f, const char *dir, uint64_t bytes, uint64_t age_ns);

/** Keep datasets in `dir` (made when it is not there, 0700). 0, or ABENG_EIO after a log line. */
int files_set_datasets(struct files *f, const char *dir);

/** An evidence file for reading: its descriptor, ABENG_ENOENT or ABENG_EIO. */
int files_evidence(const struct files *f, const char *name);

/** Descriptor of the folder of eve.json and stats.json; stays ours. */
int files_log_folder(const struct files *f);

/** Give spool files to `user` as they are made (the uplink reads them). */
void files_set_owner(struct files *f, const char *user);

/**
 * A compiled rule set from the cache: checked by the cache's keyed hash, copied into a sealed
 * memfd. `*image` and `*report` become the caller's. 0; ABENG_ENOENT when there is none, or one
 * that does not check (removed, with a warning).
 */
int files_cache_get(struct files *f, const char *key, int *image, int *report, uint64_t counts[2]);

/**
 * Put one in; failures are logged and otherwise without effect. The oldest beyond 16 sets are
 * removed.
 */
void files_cache_put(struct files *f, const char *key, int image, int report,
                     const uint64_t counts[2]);

/** Close. NULL is allowed. */
void files_close(struct files *f);

#endif
