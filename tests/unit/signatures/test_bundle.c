/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles, signatures and compression: what is made is read again, what was changed is not. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/sign.h"
#include "common/zst.h"
#include "signatures/bundle.h"
#include "signatures/tar.h"

#define DAY     (86400ull * NS_PER_S)
#define CREATED (20000 * DAY)

static const struct bundle_file files[] = {
    {"rules/b.rules", (const uint8_t *)"alert", 5},
    { "list.txt",     (const uint8_t *)"",      0},
};

struct fixture {
    struct sign_secret secret;
    char key[256], signature[SIGN_FILE_MAX], reason[256];
    struct buf packed;
    struct bundle_manifest manifest;
};

static void sign(struct fixture *f)
{
    assert_int_equal(sign_make(&f->secret, f->packed.data, f->packed.len, "made for a test",
                               f->signature, sizeof(f->signature)),
                     0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_int_equal(sign_init(), 0);
    sign_key_create(&f->secret);
    assert_int_equal(sign_public_format(&f->secret.public_key, f->key, sizeof(f->key)), 0);
    strcpy(f->manifest.partner, "Example Partner");
    strcpy(f->manifest.channel, "test");
    f->manifest.version = 7;
    f->manifest.created_ns = CREATED;
    f->manifest.expires_ns = CREATED + 30 * DAY;
    buf_init(&f->packed, BUNDLE_PACKED_MAX);
    assert_int_equal(bundle_pack(&f->manifest, files, 2, &f->packed, f->reason, sizeof(f->reason)),
                     0);
    sign(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_free(&f->packed);
    free(f);
    return 0;
}

static struct bundle *open_it(struct fixture *f)
{
    f->reason[0] = 0;
    return bundle_open(f->packed.data, f->packed.len, f->signature, strlen(f->signature), f->key,
                       f->reason, sizeof(f->reason));
}

static void test_open(void **state)
{
    struct fixture *f = *state;
    struct bundle *b = open_it(f);
    assert_non_null(b);
    const struct bundle_manifest *m = bundle_manifest(b);
    assert_string_equal(m->partner, "Example Partner");
    assert_string_equal(m->channel, "test");
    assert_int_equal(m->version, 7);
    assert_int_equal(m->created_ns, CREATED);
    assert_int_equal(m->file_count, 2);
    assert_string_equal(bundle_file(b, 0)->name, "list.txt"); /* sorted */
    assert_int_equal(bundle_file(b, 1)->len, 5);
    assert_memory_equal(bundle_file(b, 1)->bytes, "alert", 5);
    bundle_free(b);
}

static void test_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct bundle_file turned[2] = { files[1], files[0] };
    struct buf again;
    buf_init(&again, BUNDLE_PACKED_MAX);
    assert_int_equal(bundle_pack(&f->manifest, turned, 2, &again, f->reason, sizeof(f->reason)), 0);
    assert_int_equal(again.len, f->packed.len);
    assert_memory_equal(again.data, f->packed.data, again.len);
    buf_free(&again);
}

static void test_tampering(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < f->packed.len; i += 7) {
        f->packed.data[i] ^= 0x20;
        assert_null(open_it(f));
        assert_non_null(strstr(f->reason, "changed"));
        f->packed.data[i] ^= 0x20;
    }
    char *comment = strstr(f->signature, "made for");
    comment[0] = 'M';
    assert_null(open_it(f)); /* the comment is signed too */
    comment[0] = 'm';
    f->packed.len--;
    assert_null(open_it(f));
    f->packed.len++;
    struct bundle *b = open_it(f);
    assert_non_null(b);
    bundle_free(b);
}

static void test_keys(void **state)
{
    struct fixture *f = *state;
    struct sign_secret other, read;
    char text[512];
    sign_key_create(&other);
    assert_int_equal(sign_public_format(&other.public_key, f->key, sizeof(f->key)), 0);
    assert_null(open_it(f));
    assert_non_null(strstr(f->reason, "another key"));
    strcpy(f->key, "nonsense");
    assert_null(open_it(f));
    assert_non_null(strstr(f->reason, "no minisign public key"));
    assert_int_equal(sign_secret_format(&other, text, sizeof(text)), 0);
    assert_int_equal(sign_secret_parse(text, strlen(text), NULL, &read), 0);
    assert_memory_equal(&read, &other, sizeof(read));
    assert_int_equal(sign_secret_parse(text, strlen(text) / 2, NULL, &read), ABENG_EFORMAT);
    strcpy(f->signature, "untrusted comment: x\nAAAA\n");
    assert_int_equal(sign_public_format(&f->secret.public_key, f->key, sizeof(f->key)), 0);
    assert_null(open_it(f));
    assert_non_null(strstr(f->reason, "no minisign signature"));
}

/* Made with minisign 0.11 over the bytes "Abeng\n": we read what others write. */
static void test_minisign(void **state)
{
    (void)state;
    static const char key[] = "untrusted comment: minisign public key 71E638BF3CB4FAEC\n"
                              "RWTs+rQ8vzjmcZmyvEc+ghPNUvYpZb5OO5BD3umTISrHtY8tJrLjBcxz\n";
    static const char signature[] = "untrusted comment: signature from minisign secret key\n"
                                    "RUTs+rQ8vzjmcdUhv7HXc+yju1r+WRt2bRRZSThpIC9jPBohPDU/"
                                    "f1YyeeON9kQ+49GVmdMkw+OK+PI/TT2+vq1dYYuIWsJrEAE=\n"
                                    "trusted comment: from minisign\n"
                                    "PLPjFcCyppIJ29LucYrS555jGTUlnc+"
                                    "ZEUkatXnmTjG21RPQQLxaGwlNhZyqMOkRM+dtPSAKaRwPz15N5/jABg==\n";
    struct sign_public public;
    char comment[SIGN_COMMENT_MAX + 1];
    assert_int_equal(sign_public_parse(key, strlen(key), &public), 0);
    assert_int_equal(sign_check(&public, signature, strlen(signature), "Abeng\n", 6, comment), 0);
    assert_string_equal(comment, "from minisign");
    assert_int_equal(sign_check(&public, signature, strlen(signature), "abeng\n", 6, NULL),
                     ABENG_EAUTH);
}

/* Pack an archive of our own making, sign it, and say why it is not opened. */
static void refuse_archive(struct fixture *f, const struct buf *tar, const char *reason)
{
    buf_clear(&f->packed);
    assert_int_equal(zst_compress(tar->data, tar->len, 3, &f->packed), 0);
    sign(f);
    assert_null(open_it(f));
    if (!strstr(f->reason, reason))
        fail_msg("'%s' instead of '%s'", f->reason, reason);
}

#define MANIFEST(files)                                                                            \
    "{\"format\":1,\"partner\":\"p\",\"channel\":\"c\",\"version\":1,"                             \
    "\"created\":\"2026-01-01T00:00:00Z\",\"expires\":\"2026-02-01T00:00:00Z\",\"files\":" files   \
    "}"

static void test_archives(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *manifest, *file, *reason;
    } cases[] = {
  /* clang-format off */
        { NULL, "a.rules", "first file" },
        { "{", NULL, "manifest.json:1" },
        { "{\"format\":2}", NULL, "format" },
        { "{\"format\":1,\"version\":0}", NULL, "missing" },
        { MANIFEST("[]"), "a.rules", "more than manifest.json says" },
        { MANIFEST("[{\"name\":\"a.rules\" }]"), NULL, "is not 'a.rules'" },
        { MANIFEST("[{\"name\":\"b.rules\" }]"), "a.rules", "is not 'b.rules'" },
        { MANIFEST("[{\"name\":\"a.rules\",\"blake2b\":\"00\" }]"), "a.rules", "BLAKE2b" },
        { MANIFEST("7"), NULL, "no list" },
  /* clang-format on */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf tar;
        buf_init(&tar, 1u << 20);
        if (cases[i].manifest)
            assert_int_equal(
                tar_add(&tar, "manifest.json", cases[i].manifest, strlen(cases[i].manifest)), 0);
        if (cases[i].file)
            assert_int_equal(tar_add(&tar, cases[i].file, "x", 1), 0);
        tar_end(&tar);
        refuse_archive(f, &tar, cases[i].reason);
        buf_free(&tar);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = { "a", "a.b", "a/b-c_d/e", "..a", "a..b" };
    static const char *const bad[] = { "",       "/a",   "a/",  "a//b", ".",    "..",
                                       "a/../b", "../a", "a/.", "a b",  "a\\b", "a\n" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(tar_name_ok(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(tar_name_ok(bad[i]));
}

static void test_fresh(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint64_t current, now;
        int rc;
    } cases[] = {
        {0,  CREATED,            0              },
        { 6, CREATED + 29 * DAY, 0              },
        { 7, CREATED,            ABENG_ECONFLICT},
        { 8, CREATED,            ABENG_ECONFLICT},
        { 0, CREATED + 30 * DAY, ABENG_ETIME    },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(bundle_check_fresh(&f->manifest, cases[i].current, cases[i].now, f->reason,
                                            sizeof(f->reason)),
                         cases[i].rc);
    f->manifest.version = 0;
    struct buf out;
    buf_init(&out, BUNDLE_PACKED_MAX);
    assert_int_equal(bundle_pack(&f->manifest, files, 2, &out, f->reason, sizeof(f->reason)),
                     ABENG_EINVAL);
    strcpy(f->manifest.channel, "../x");
    f->manifest.version = 1;
    assert_int_equal(bundle_pack(&f->manifest, files, 2, &out, f->reason, sizeof(f->reason)),
                     ABENG_EINVAL);
    buf_free(&out);
}

static void test_zst(void **state)
{
    (void)state;
    static const uint8_t zeros[300000];
    struct buf packed, out;
    buf_init(&packed, 1u << 20);
    assert_int_equal(zst_compress(zeros, sizeof(zeros), 3, &packed), 0);
    buf_init(&out, sizeof(zeros));
    assert_int_equal(zst_decompress(packed.data, packed.len, &out), 0);
    assert_int_equal(out.len, sizeof(zeros));
    buf_free(&out);
    buf_init(&out, sizeof(zeros) - 1); /* a bomb stops at the limit */
    assert_int_equal(zst_decompress(packed.data, packed.len, &out), ABENG_ELIMIT);
    assert_true(out.len <= sizeof(zeros) - 1);
    buf_free(&out);
    buf_init(&out, sizeof(zeros));
    assert_int_equal(zst_decompress(packed.data, packed.len - 1, &out), ABENG_EFORMAT);
    buf_clear(&out);
    assert_int_equal(zst_decompress("nonsense", 8, &out), ABENG_EFORMAT);
    buf_free(&out);
    buf_free(&packed);
}

/* Any cut of the stream gives the same bytes, frame after frame. */
static void test_zst_stream(void **state)
{
    (void)state;
    struct buf packed, out;
    buf_init(&packed, 1u << 20);
    buf_init(&out, 1u << 20);
    struct zst_writer *w = zst_writer_create(ZST_LEVEL_DEFAULT);
    for (int frame = 0; frame < 3; frame++) {
        for (int i = 0; i < 100; i++)
            assert_int_equal(zst_writer_add(w, "line of text\n", 13, &packed), 0);
        assert_int_equal(zst_writer_flush(w, &packed), 0);
        assert_int_equal(zst_writer_end(w, &packed), 0);
    }
    zst_writer_free(w);
    struct zst_reader *r = zst_reader_create(1u << 20);
    for (size_t i = 0; i < packed.len; i++)
        assert_int_equal(zst_reader_add(r, packed.data + i, 1, &out), 0);
    assert_true(zst_reader_whole(r));
    assert_int_equal(out.len, 3 * 100 * 13);
    zst_reader_free(r);
    assert_null(zst_writer_create(99));
    buf_free(&packed);
    buf_free(&out);
}

/* RFC 8032, 7.1, TEST 2; and the PEM that openssl makes of that public key. */
static void test_raw(void **state)
{
    static const uint8_t seed[32] = { 0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3,
                                      0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab,
                                      0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb };
    static const uint8_t public[32] = { 0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a,
                                        0xa7, 0x4d, 0x1b, 0x7e, 0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4,
                                        0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c };
    static const uint8_t want[SIGN_RAW_LEN] = { 0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82,
        0x0b, 0x5f, 0x64, 0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50,
        0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08,
        0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13,
        0xd0, 0xf1, 0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a,
        0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00 };
    struct sign_secret key;
    uint8_t out[SIGN_RAW_LEN];
    char pem[SIGN_PEM_TEXT];
    (void)state;
    memcpy(key.secret, seed, 32);
    memcpy(key.secret + 32, public, 32);
    memcpy(key.public_key.key, public, 32);
    sign_raw(&key, "\x72", 1, out);
    assert_memory_equal(out, want, sizeof want);
    sign_public_pem(&key.public_key, pem);
    assert_string_equal(pem, "-----BEGIN PUBLIC KEY-----\n"
                             "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n"
                             "-----END PUBLIC KEY-----\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tampering, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_minisign),
        cmocka_unit_test_setup_teardown(test_archives, setup, teardown),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_fresh, setup, teardown),
        cmocka_unit_test(test_zst),
        cmocka_unit_test(test_zst_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
