/* SPDX-License-Identifier: Apache-2.0 */
/* Signature channels. */
#include "config.h"
#include "collector/feeds/feeds.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ingest/sensors.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "signatures/bundle.h"

#define NUMBER_TEXT 24
#define ROLE_SENSOR 1u
/* So much of the digest tells two bundles of one version apart. */
#define DIGEST_SHORT 16

_Static_assert(FEEDS_BUNDLE_MAX >= BUNDLE_PACKED_MAX, "what may be packed may be published");

struct feeds {
    char *dir;
    struct store *store;
    struct sensors *sensors;
};

struct feeds *feeds_open(const char *dir, struct store *store, struct sensors *sensors)
{
    if (file_make_dirs(dir, 0700) != ABENG_OK) {
        log_error("feeds", "%s: %s", dir, strerror(errno));
        return NULL;
    }
    struct feeds *f = xcalloc(1, sizeof(*f));
    f->dir = xstrdup(dir);
    f->store = store;
    f->sensors = sensors;
    return f;
}

void feeds_close(struct feeds *f)
{
    if (!f)
        return;
    free(f->dir);
    free(f);
}

static bool name_ok(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= BUNDLE_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

static uint64_t now_ms(void)
{
    return clock_now(clock_system()) / NS_PER_MS;
}

static struct store_arg number(char text[NUMBER_TEXT], uint64_t n)
{
    return STORE_BYTES(text, (size_t)snprintf(text, NUMBER_TEXT, "%llu", (unsigned long long)n));
}

static int call(struct feeds *f, const char *function, const struct store_arg *keys,
                size_t key_count, const struct store_arg *args, size_t arg_count, char *why,
                size_t why_len)
{
    struct store_reply *r;
    int err =
        store_call(store_conn(f->store, NULL), function, keys, key_count, args, arg_count, &r);

    if (err)
        snprintf(why, why_len, "%s",
                 err == ABENG_EAGAIN ? "the store does not answer" : store_reply_text(r, NULL));
    store_reply_free(r);
    return err;
}

int feeds_add(struct feeds *f, const char *name, const char *partner, const char *key, char *why,
              size_t why_len)
{
    struct sign_public parsed;
    char n[NUMBER_TEXT];

    if (!name_ok(name)) {
        snprintf(why, why_len, "a channel's name has 1 to %d letters, digits, - and _",
                 BUNDLE_NAME_MAX);
        return ABENG_EINVAL;
    }
    if (strlen(key) > SIGN_FILE_MAX || sign_public_parse(key, strlen(key), &parsed) != ABENG_OK) {
        snprintf(why, why_len, "the key is not a minisign public key");
        return ABENG_EINVAL;
    }
    struct store_key channel = store_key(STORE_REGION, "feed:%s", name);
    struct store_key all = store_key(STORE_REGION, "feeds");
    struct store_arg keys[] = { STORE_KEY(channel), STORE_KEY(all) };
    struct store_arg args[] = { STORE_TEXT(name), STORE_TEXT(partner), STORE_TEXT(key),
                                number(n, now_ms()) };
    int err = call(f, "abeng_feed_add", keys, 2, args, 4, why, why_len);
    if (!err)
        log_notice("feeds", "channel %s of %s", name, partner);
    return err;
}

/* ---- publishing --------------------------------------------------------------------------- */

struct channel {
    char key[512];
    char digest[SIGN_DIGEST_TEXT];
    uint64_t version;
};

static void copy_field(char *to, size_t cap, const struct store_reply *r, size_t i)
{
    snprintf(to, cap, "%s", store_reply_text(store_reply_at(r, i), NULL));
}

static int read_channel(struct feeds *f, const char *name, struct channel *out, char *why,
                        size_t why_len)
{
    struct store_reply *r = NULL;
    int err = ABENG_ENOENT;

    memset(out, 0, sizeof(*out));
    if (name_ok(name)) {
        struct store_key k = store_key(STORE_REGION, "feed:%s", name);
        err = store_command(store_conn(f->store, NULL), &r, "HMGET %s key version blake2b", k.text);
    }
    if (!err) {
        copy_field(out->key, sizeof(out->key), r, 0);
        copy_field(out->digest, sizeof(out->digest), r, 2);
        out->version = (uint64_t)store_reply_int(store_reply_at(r, 1));
        err = *out->key ? ABENG_OK : ABENG_ENOENT;
    }
    store_reply_free(r);
    if (err)
        snprintf(why, why_len, "%s",
                 err == ABENG_ENOENT ? "no such channel" : "the store does not answer");
    return err;
}

static char *bundle_path(const struct feeds *f, const char *name, uint64_t version,
                         const char *digest)
{
    return xasprintf("%s/%s/%llu-%.*s.tar.zst", f->dir, name, (unsigned long long)version,
                     DIGEST_SHORT, digest);
}

static int keep_files(const struct feeds *f, const char *name, uint64_t version, const char *digest,
                      const void *bundle, size_t len, const char *signature, char *why,
                      size_t why_len)
{
    char *dir = xasprintf("%s/%s", f->dir, name);
    char *path = bundle_path(f, name, version, digest);
    char *sig = xasprintf("%s.minisig", path);

    int err = file_make_dirs(dir, 0700);
    if (!err)
        err = file_replace(sig, signature, strlen(signature), 0600);
    if (!err)
        err = file_replace(path, bundle, len, 0600);
    if (err)
        snprintf(why, why_len, "%s: %s", path, strerror(errno));
    free(sig);
    free(path);
    free(dir);
    return err;
}

static int record(struct feeds *f, const char *name, const struct bundle_manifest *m,
                  const char *digest, size_t len, char *why, size_t why_len)
{
    char n[4][NUMBER_TEXT];
    struct store_key channel = store_key(STORE_REGION, "feed:%s", name);
    struct store_arg keys[] = { STORE_KEY(channel) };
    struct store_arg args[] = { number(n[0], m->version), STORE_TEXT(digest), number(n[1], len),
                                number(n[2], now_ms()), number(n[3], m->expires_ns / NS_PER_MS) };

    return call(f, "abeng_feed_publish", keys, 1, args, 5, why, why_len);
}

/* The bundle says of itself what the channel wants to hear. */
static int judge(const struct bundle_manifest *m, const char *name, uint64_t current, char *why,
                 size_t why_len)
{
    if (strcmp(m->channel, name) != 0) {
        snprintf(why, why_len, "the bundle is for channel %s", m->channel);
        return ABENG_EFORMAT;
    }
    int err = bundle_check_fresh(m, current, clock_now(clock_system()), why, why_len);
    return err == ABENG_ETIME ? ABENG_EFORMAT : err;
}

/**
 * bundle_open tells a bad signature and a bad bundle apart in words only; the first has its own
 * error here.
 */
static int check_signature(const struct channel *ch, const void *bundle, size_t len,
                           const char *signature, char *why, size_t why_len)
{
    struct sign_public key;

    int err = sign_public_parse(ch->key, strlen(ch->key), &key);
    if (!err)
        err = sign_check(&key, signature, strlen(signature), bundle, len, NULL);
    if (!err)
        return ABENG_OK;
    snprintf(why, why_len, "%s",
             err == ABENG_ENOENT ? "signed with another key than the channel's"
                                 : "the signature does not fit the bundle");
    return ABENG_EAUTH;
}

int feeds_publish(struct feeds *f, const char *name, const void *bytes, size_t len,
                  const char *signature, uint64_t *version, char *why, size_t why_len)
{
    struct channel ch;
    char digest[SIGN_DIGEST_TEXT];

    int err = read_channel(f, name, &ch, why, why_len);
    if (!err)
        err = check_signature(&ch, bytes, len, signature, why, why_len);
    if (err)
        return err;
    struct bundle *b = bundle_open(bytes, len, signature, strlen(signature), ch.key, why, why_len);
    if (!b)
        return ABENG_EFORMAT;
    const struct bundle_manifest *m = bundle_manifest(b);
    *version = m->version;
    sign_digest_text(bytes, len, digest);
    err = judge(m, name, ch.version, why, why_len);
    if (!err)
        err = keep_files(f, name, m->version, digest, bytes, len, signature, why, why_len);
    if (!err)
        err = record(f, name, m, digest, len, why, why_len);
    bundle_free(b);
    if (err)
        return err;
    log_notice("feeds", "channel %s: version %llu published", name, (unsigned long long)*version);
    /* Sensors ask by themselves, too: not being able to tell them is no failure. */
    if (f->sensors)
        sensors_command(f->sensors, NULL, "pull_bundle", name);
    return ABENG_OK;
}

/* ---- showing ------------------------------------------------------------------------------ */

static void write_one(struct json *out, const struct store_reply *hash)
{
    static const char *const texts[] = { "name", "partner", "key" };
    uint64_t version = (uint64_t)store_reply_int(store_reply_field(hash, "version"));

    json_open(out, NULL);
    for (size_t i = 0; i < 3; i++)
        json_str(out, texts[i], store_reply_text(store_reply_field(hash, texts[i]), NULL));
    json_u64(out, "version", version);
    json_time_ms(out, "published_at",
                 (uint64_t)store_reply_int(store_reply_field(hash, "published_ms")));
    json_time_ms(out, "expires", (uint64_t)store_reply_int(store_reply_field(hash, "expires_ms")));
    json_str(out, "blake2b",
             version ? store_reply_text(store_reply_field(hash, "blake2b"), NULL) : NULL);
    json_u64(out, "size", (uint64_t)store_reply_int(store_reply_field(hash, "size")));
    json_close(out);
}

int feeds_belongs(struct feeds *f, const char *name, const char *partner)
{
    struct store_reply *r;

    if (!name_ok(name))
        return 0;
    struct store_key k = store_key(STORE_REGION, "feed:%s", name);
    int err = store_command(store_conn(f->store, NULL), &r, "HGET %s partner", k.text);
    int mine = !err && !store_reply_nil(r) && strcmp(store_reply_text(r, NULL), partner) == 0;
    store_reply_free(r);
    return err ? ABENG_EAGAIN : mine;
}

static bool of_partner(const struct store_reply *hash, const char *partner)
{
    return !partner ||
           strcmp(store_reply_text(store_reply_field(hash, "partner"), NULL), partner) == 0;
}

int feeds_write_json(struct feeds *f, const char *partner, struct json *out)
{
    struct store_conn *c = store_conn(f->store, NULL);
    struct store_key all = store_key(STORE_REGION, "feeds");
    struct store_reply *names, *hash;

    int err = store_command(c, &names, "SORT %s ALPHA", all.text);
    for (size_t i = 0; i < store_reply_count(names) && !err; i++) {
        const char *name = store_reply_text(store_reply_at(names, i), NULL);
        struct store_key k = store_key(STORE_REGION, "feed:%s", name);
        err = store_command(c, &hash, "HGETALL %s", k.text);
        if (!err && of_partner(hash, partner))
            write_one(out, hash);
        store_reply_free(hash);
    }
    store_reply_free(names);
    return err;
}

/* ---- sensors ------------------------------------------------------------------------------ */

static enum http_done send_bundle(const struct feeds *f, struct http_request *req, const char *name,
                                  const struct channel *ch)
{
    struct buf sig;
    char *path = bundle_path(f, name, ch->version, ch->digest);
    char *sig_path = xasprintf("%s.minisig", path);
    enum http_done done;

    buf_init(&sig, SIGN_FILE_MAX);
    if (file_read(sig_path, &sig) != ABENG_OK) {
        log_error("feeds", "%s: %s", sig_path, strerror(errno));
        done = http_problem(req, 404, NULL, "the bundle is missing at the collector");
    } else {
        size_t cap = sodium_base64_ENCODED_LEN(sig.len, sodium_base64_VARIANT_ORIGINAL);
        char *text = arena_alloc(http_arena(req), cap);
        sodium_bin2base64(text, cap, sig.data, sig.len, sodium_base64_VARIANT_ORIGINAL);
        http_reply_header(req, "Abeng-Signature", text);
        done = http_reply_file(req, path, "application/zstd");
    }
    buf_free(&sig);
    free(sig_path);
    free(path);
    return done;
}

static enum http_done get_bundle(struct http_request *req, void *app)
{
    struct feeds *f = app;
    const char *name = http_param(req, "channel"), *have = http_header(req, "If-None-Match");
    struct channel ch;
    char why[128];

    int err = read_channel(f, name, &ch, why, sizeof(why));
    if (err == ABENG_EAGAIN)
        return http_problem(req, 503, "store.away", "%s", why);
    if (err || !ch.version)
        return http_problem(req, 404, NULL, "%s", err ? why : "nothing is published yet");
    const char *tag = arena_printf(http_arena(req), "%llu-%.*s", (unsigned long long)ch.version,
                                   DIGEST_SHORT, ch.digest);
    http_reply_etag(req, tag);
    if (have && strlen(have) == strlen(tag) + 2 && strncmp(have + 1, tag, strlen(tag)) == 0)
        return http_reply_empty(req, 304);
    return send_bundle(f, req, name, &ch);
}

static const struct http_route routes[] = {
    { HTTP_GET, "/v1/bundles/{channel}", ROLE_SENSOR, 0, get_bundle },
};

struct http_table feeds_table(struct feeds *f)
{
    return (struct http_table){ routes, sizeof(routes) / sizeof(routes[0]), f };
}
