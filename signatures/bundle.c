/* SPDX-License-Identifier: Apache-2.0 */
/* Packing and opening bundles. */
#include "config.h"
#include "signatures/bundle.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/cursor.h"
#include "common/err.h"
#include "common/json.h"
#include "common/xalloc.h"
#include "common/zst.h"
#include "signatures/tar.h"

#define MANIFEST "manifest.json"
#define FORMAT   1

/* Bundles are packed once and carried often. */
#define LEVEL 12

struct bundle {
    struct bundle_manifest manifest;
    struct bundle_file *files; /* names owned by `names` */
    char (*names)[TAR_NAME_MAX + 1];
    struct buf tar;
};

/* Letters, digits, - and _; partners may have blanks and dots too. */
static bool name_ok(const char *name, bool partner)
{
    size_t n = strlen(name);
    if (!n || n > BUNDLE_NAME_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        if (!isalnum((unsigned char)c) && c != '-' && c != '_' &&
            !(partner && (c == ' ' || c == '.')))
            return false;
    }
    return true;
}

static int check_names(const struct bundle_manifest *m, char *reason, size_t cap)
{
    if (!name_ok(m->partner, true)) {
        snprintf(reason, cap, "partner: 1 to %d letters, digits, blanks, . - _", BUNDLE_NAME_MAX);
        return ABENG_EINVAL;
    }
    if (!name_ok(m->channel, false)) {
        snprintf(reason, cap, "channel: 1 to %d letters, digits, - _", BUNDLE_NAME_MAX);
        return ABENG_EINVAL;
    }
    if (!m->version || m->version > INT64_MAX || m->expires_ns <= m->created_ns) {
        snprintf(reason, cap, "version is a number from 1, and it expires after it was created");
        return ABENG_EINVAL;
    }
    return 0;
}

static int compare_files(const void *a, const void *b)
{
    const struct bundle_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void write_manifest(const struct bundle_manifest *m, const struct bundle_file *files,
                           size_t count, struct buf *out)
{
    char time[CLOCK_TEXT_MAX], digest[SIGN_DIGEST_TEXT];
    struct json j;
    json_begin(&j, out);
    json_open(&j, NULL);
    json_u64(&j, "format", FORMAT);
    json_str(&j, "partner", m->partner);
    json_str(&j, "channel", m->channel);
    json_u64(&j, "version", m->version);
    clock_format_rfc3339(m->created_ns, time);
    json_str(&j, "created", time);
    clock_format_rfc3339(m->expires_ns, time);
    json_str(&j, "expires", time);
    json_open_array(&j, "files");
    for (size_t i = 0; i < count; i++) {
        json_open(&j, NULL);
        json_str(&j, "name", files[i].name);
        json_u64(&j, "size", files[i].len);
        sign_digest_text(files[i].bytes, files[i].len, digest);
        json_str(&j, "blake2b", digest);
        json_close(&j);
    }
    json_close_array(&j);
    json_close(&j);
    buf_byte(out, '\n');
}

static int check_files(const struct bundle_file *files, size_t count, char *reason, size_t cap)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = files[i].name;
        if (!tar_name_ok(name) || strcmp(name, MANIFEST) == 0) {
            snprintf(reason, cap,
                     "'%.120s' is no name for a file in a bundle (up to %d letters, digits, . _ - "
                     "and /, "
                     "no ..)",
                     name, TAR_NAME_MAX);
            return ABENG_EINVAL;
        }
        if (i && strcmp(files[i - 1].name, name) == 0) {
            snprintf(reason, cap, "two files are called '%s'", name);
            return ABENG_EINVAL;
        }
    }
    return 0;
}

int bundle_pack(const struct bundle_manifest *m, const struct bundle_file *files, size_t count,
                struct buf *out, char *reason, size_t cap)
{
    struct buf manifest, tar;
    struct bundle_file *sorted = xcalloc(count + 1, sizeof(*sorted));
    buf_init(&manifest, BUNDLE_MANIFEST_MAX);
    buf_init(&tar, BUNDLE_UNPACKED_MAX);
    if (count)
        memcpy(sorted, files, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_files);
    int rc = check_names(m, reason, cap);
    if (!rc)
        rc = check_files(sorted, count, reason, cap);
    if (rc)
        goto out;
    write_manifest(m, sorted, count, &manifest);
    rc = manifest.bad || count > BUNDLE_FILES_MAX ? ABENG_ELIMIT : 0;
    if (!rc)
        rc = tar_add(&tar, MANIFEST, manifest.data, manifest.len);
    for (size_t i = 0; i < count && !rc; i++)
        rc = tar_add(&tar, sorted[i].name, sorted[i].bytes, sorted[i].len);
    if (!rc)
        rc = tar_end(&tar);
    if (!rc)
        rc = zst_compress(tar.data, tar.len, LEVEL, out);
    if (rc)
        snprintf(reason, cap, "larger than a bundle may be (%u MiB unpacked, %d files)",
                 BUNDLE_UNPACKED_MAX >> 20, BUNDLE_FILES_MAX);
out:
    buf_free(&manifest);
    buf_free(&tar);
    free(sorted);
    return rc;
}

static bool copy_text(const json_t *o, const char *key, char *out, size_t cap)
{
    const char *s = json_string_value(json_object_get(o, key));
    if (!s || strlen(s) >= cap)
        return false;
    memcpy(out, s, strlen(s) + 1);
    return true;
}

static bool read_time(const json_t *o, const char *key, uint64_t *out)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s && clock_parse(s, strlen(s), out) == 0;
}

/* The fields of the manifest but its files. */
static int read_manifest(struct bundle_manifest *m, const json_t *o, char *reason, size_t cap)
{
    json_int_t version = json_integer_value(json_object_get(o, "version"));
    if (json_integer_value(json_object_get(o, "format")) != FORMAT) {
        snprintf(reason, cap, "manifest.json: its format is not %d (made by a newer tool?)",
                 FORMAT);
        return ABENG_EFORMAT;
    }
    if (!copy_text(o, "partner", m->partner, sizeof(m->partner)) ||
        !copy_text(o, "channel", m->channel, sizeof(m->channel)) || version < 1 ||
        !read_time(o, "created", &m->created_ns) || !read_time(o, "expires", &m->expires_ns)) {
        snprintf(reason, cap,
                 "manifest.json: partner, channel, version, created or expires is "
                 "missing or not what it should be");
        return ABENG_EFORMAT;
    }
    m->version = (uint64_t)version;
    return check_names(m, reason, cap) ? ABENG_EFORMAT : 0;
}

/* Each file of the archive is named once by the manifest, in the same order, with its digest. */
static int read_file(struct bundle *b, size_t i, const json_t *entry, struct cursor *c,
                     char *reason, size_t cap)
{
    char digest[SIGN_DIGEST_TEXT];
    struct bundle_file *f = &b->files[i];
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *want = json_string_value(json_object_get(entry, "blake2b"));
    if (tar_next(c, b->names[i], &f->bytes, &f->len) != 1 || !name ||
        strcmp(name, b->names[i]) != 0) {
        snprintf(reason, cap, "file %zu of the archive is not '%.99s' as manifest.json says", i + 1,
                 name ? name : "?");
        return ABENG_EFORMAT;
    }
    f->name = b->names[i];
    sign_digest_text(f->bytes, f->len, digest);
    if (!want || strcmp(want, digest) != 0) {
        snprintf(reason, cap, "'%s' is not the file that manifest.json means (BLAKE2b differs)",
                 name);
        return ABENG_EFORMAT;
    }
    return 0;
}

static int read_archive(struct bundle *b, const json_t *o, struct cursor *c, char *reason,
                        size_t cap)
{
    const json_t *list = json_object_get(o, "files");
    size_t count = json_array_size(list), extra;
    const uint8_t *bytes;
    char name[TAR_NAME_MAX + 1];
    if (!json_is_array(list) || count > BUNDLE_FILES_MAX) {
        snprintf(reason, cap, "manifest.json: files is no list of up to %d", BUNDLE_FILES_MAX);
        return ABENG_EFORMAT;
    }
    b->files = xcalloc(count + 1, sizeof(*b->files));
    b->names = xcalloc(count + 1, sizeof(*b->names));
    for (size_t i = 0; i < count; i++) {
        int rc = read_file(b, i, json_array_get(list, i), c, reason, cap);
        if (rc)
            return rc;
    }
    b->manifest.file_count = count;
    if (tar_next(c, name, &bytes, &extra) != 0) {
        snprintf(reason, cap, "the archive holds more than manifest.json says, or is cut");
        return ABENG_EFORMAT;
    }
    return 0;
}

static int unpack(struct bundle *b, const void *bytes, size_t len, char *reason, size_t cap)
{
    char name[TAR_NAME_MAX + 1];
    const uint8_t *manifest;
    size_t manifest_len;
    json_error_t err;
    int rc = zst_decompress(bytes, len, &b->tar);
    if (rc) {
        snprintf(reason, cap,
                 rc == ABENG_ELIMIT ? "unpacks to more than %u MiB" : "is no zstd archive",
                 BUNDLE_UNPACKED_MAX >> 20);
        return rc;
    }
    struct cursor c = cursor_make(b->tar.data, b->tar.len);
    if (tar_next(&c, name, &manifest, &manifest_len) != 1 || strcmp(name, MANIFEST) != 0 ||
        manifest_len > BUNDLE_MANIFEST_MAX) {
        snprintf(reason, cap, "its first file is not " MANIFEST);
        return ABENG_EFORMAT;
    }
    json_t *o = json_loadb((const char *)manifest, manifest_len, JSON_REJECT_DUPLICATES, &err);
    if (!o) {
        snprintf(reason, cap, "manifest.json:%d: %s", err.line, err.text);
        return ABENG_EFORMAT;
    }
    rc = read_manifest(&b->manifest, o, reason, cap);
    if (!rc)
        rc = read_archive(b, o, &c, reason, cap);
    json_decref(o);
    return rc;
}

static int verify(const void *bytes, size_t len, const char *signature, size_t signature_len,
                  const char *key_text, char *reason, size_t cap)
{
    struct sign_public key;
    if (len > BUNDLE_PACKED_MAX) {
        snprintf(reason, cap, "larger than %u MiB", BUNDLE_PACKED_MAX >> 20);
        return ABENG_ELIMIT;
    }
    if (sign_public_parse(key_text, strlen(key_text), &key)) {
        snprintf(reason, cap, "the partner's key is no minisign public key");
        return ABENG_EFORMAT;
    }
    int rc = sign_check(&key, signature, signature_len, bytes, len, NULL);
    if (rc == ABENG_EFORMAT)
        snprintf(reason, cap, "the signature is no minisign signature");
    else if (rc == ABENG_ENOENT)
        snprintf(reason, cap, "it is signed with another key than the partner's");
    else if (rc)
        snprintf(reason, cap, "the signature does not fit: it was changed on the way");
    return rc;
}

struct bundle *bundle_open(const void *bytes, size_t len, const char *signature,
                           size_t signature_len, const char *key, char *reason, size_t cap)
{
    if (verify(bytes, len, signature, signature_len, key, reason, cap))
        return NULL;
    struct bundle *b = xcalloc(1, sizeof(*b));
    buf_init(&b->tar, BUNDLE_UNPACKED_MAX);
    if (unpack(b, bytes, len, reason, cap) == 0)
        return b;
    bundle_free(b);
    return NULL;
}

const struct bundle_manifest *bundle_manifest(const struct bundle *b)
{
    return &b->manifest;
}

const struct bundle_file *bundle_file(const struct bundle *b, size_t index)
{
    return &b->files[index];
}

int bundle_check_fresh(const struct bundle_manifest *m, uint64_t current, uint64_t now_ns,
                       char *reason, size_t cap)
{
    char time[CLOCK_TEXT_MAX];
    if (m->expires_ns <= now_ns) {
        clock_format_rfc3339(m->expires_ns, time);
        snprintf(reason, cap, "it expired on %s", time);
        return ABENG_ETIME;
    }
    if (m->version <= current) {
        snprintf(reason, cap, "its version %llu is not higher than %llu, which is in use",
                 (unsigned long long)m->version, (unsigned long long)current);
        return ABENG_ECONFLICT;
    }
    return 0;
}

void bundle_free(struct bundle *b)
{
    if (!b)
        return;
    free(b->files);
    free(b->names);
    buf_free(&b->tar);
    free(b);
}
