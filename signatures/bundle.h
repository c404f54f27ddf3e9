/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Signature bundles: how rules and indicators come from a partner to the sensors.
 *
 * A bundle is a zstd-compressed ustar archive with a detached minisign signature over the
 * compressed bytes. Its first file is manifest.json:
 * {"format":1,"partner","channel","version","created","expires",
 * "files":[{"name","size","blake2b"}]},
 * times in RFC 3339; it names every other file with its BLAKE2b-256. The signature is checked
 * before anything is unpacked; unpacking is in memory and bounded. Sensors check the partner's
 * key themselves, so that whoever carries a bundle can hold it back but not forge it; versions
 * only rise, so that nobody can bring an old one back.
 *
 * The same files and manifest give the same bytes. Slow paths only (loader, collector, tool); any
 * thread.
 */
#ifndef SIGNATURES_BUNDLE_H
#define SIGNATURES_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/sign.h"

struct buf;
struct bundle;

/**
 * Largest compressed and unpacked bundle, most files, largest manifest, longest partner and
 * channel name.
 */
#define BUNDLE_PACKED_MAX   (64u << 20)
#define BUNDLE_UNPACKED_MAX (256u << 20)
#define BUNDLE_FILES_MAX    1024
#define BUNDLE_MANIFEST_MAX (1u << 20)
#define BUNDLE_NAME_MAX     63

/** What the manifest says. */
struct bundle_manifest {
    char partner[BUNDLE_NAME_MAX + 1];
    char channel[BUNDLE_NAME_MAX + 1]; /* letters, digits, - and _ */
    uint64_t version;                  /* from 1, only rises within a channel */
    uint64_t created_ns, expires_ns;   /* since 1970 */
    size_t file_count;                 /* without the manifest */
};

/** A file in it. */
struct bundle_file {
    const char *name; /* "rules/exploit.rules" */
    const uint8_t *bytes;
    size_t len;
};

/**
 * Pack `count` files, sorted by name, behind a manifest, appending to `out` (its max bounds the
 * bundle; ≤ BUNDLE_PACKED_MAX). 0, or ABENG_EINVAL, ABENG_ELIMIT with `reason`.
 */
int bundle_pack(const struct bundle_manifest *manifest, const struct bundle_file *files,
                size_t count, struct buf *out, char *reason, size_t cap);

/**
 * Verify and unpack: `bytes` of the bundle, the text of its .minisig, and the partner's public
 * key (text, as sign_public_parse reads it). NULL with `reason` otherwise. Expiry and version are
 * asked for by bundle_check_fresh.
 */
struct bundle *bundle_open(const void *bytes, size_t len, const char *signature,
                           size_t signature_len, const char *key, char *reason, size_t cap);

/** What its manifest says; valid as long as the bundle. */
const struct bundle_manifest *bundle_manifest(const struct bundle *b);

/** File `index` (below file_count); valid as long as the bundle. */
const struct bundle_file *bundle_file(const struct bundle *b, size_t index);

/**
 * Whether it may take the place of version `current` (0: none) of its channel at time `now_ns`.
 * 0; ABENG_ETIME when it has expired; ABENG_ECONFLICT when its version is not higher; with
 * `reason`.
 */
int bundle_check_fresh(const struct bundle_manifest *m, uint64_t current, uint64_t now_ns,
                       char *reason, size_t cap);

/** Free. NULL is allowed. */
void bundle_free(struct bundle *b);

#endif
