/* SPDX-License-Identifier: Apache-2.0 */
/* Brotli in the packet path's memory: streams in pieces, windows beyond a slab's block, what ends. */
#include "config.h"
#include "sensor/app/unbrotli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/slab.h"

#define SLAB_BYTES (4u << 20)
#define OUT_MAX    8192u

/** A page of 3,802 bytes, compressed at quality 11. */
static const uint8_t page[] = {
    0x1b, 0xd9, 0x0e, 0x30, 0x8c, 0xd3, 0x1d, 0x35, 0xf1, 0x11, 0x74, 0x66, 0x17, 0xeb, 0x4a,
    0x75, 0xdb, 0xe1, 0xb5, 0xe0, 0x7c, 0x4b, 0x80, 0xb3, 0x47, 0xc1, 0x8e, 0x87, 0x6f, 0x27,
    0x00, 0x3e, 0xeb, 0x9b, 0xd7, 0x15, 0xd4, 0x79, 0x5e, 0x80, 0xe1, 0x6c, 0x36, 0xa0, 0x11,
    0x0f, 0x74, 0x90, 0x8b, 0xa3, 0x91, 0xa5, 0xe3, 0x6e, 0x40, 0xf9, 0x07, 0x9c, 0x54, 0x9f,
    0x34, 0x2d, 0xe0, 0xe7, 0xd9, 0x1d, 0x66, 0x9a, 0xf9, 0xfd, 0xf2, 0x3c, 0xee, 0x46, 0x8e,
    0x7d, 0x5c, 0x35, 0xd3, 0xd4, 0x9c, 0x71, 0x5d, 0xdd, 0x09, 0x40, 0xf3, 0xdc, 0xde, 0x8a,
    0xca, 0x50, 0xd7, 0xfa, 0xf2, 0x85, 0x06, 0xf3, 0x01, 0xc6, 0xcf, 0xe3, 0xec, 0xff, 0x83,
    0xe5, 0x65, 0x53, 0x62, 0xcc, 0x84, 0x29, 0x33, 0xe6, 0x2c, 0x58, 0xb2, 0x7a, 0x8f, 0x50,
    0x8e, 0x1c, 0x3b, 0x71, 0xea, 0xcc, 0xb9, 0x0b, 0x97, 0xac, 0xe2, 0x18, 0x1d, 0x39, 0x76,
    0xe2, 0xd4, 0x99, 0x73, 0x17, 0x2e, 0x59, 0xc5, 0x09, 0x3a, 0x72, 0xec, 0xc4, 0xa9, 0x33,
    0xe7, 0x2e, 0x5c, 0xb2, 0x8a, 0x53, 0x74, 0xe4, 0xd8, 0x89, 0x53, 0x67, 0xce, 0x5d, 0xb8,
    0x64, 0x15, 0x67, 0xe8, 0xc8, 0xb1, 0x13, 0xa7, 0xce, 0x9c, 0xbb, 0x70, 0xc9, 0x2a, 0xad,
    0xe3, 0x2d, 0xb4, 0xc7, 0xec, 0x79, 0x99, 0xb7, 0x0d, 0xf2, 0x8d, 0xd5, 0x47, 0xb7, 0xca,
    0x63, 0xc2, 0x6d, 0x0f,
};

/** "early-needle", then twelve million letters in one meta-block: a window of 16 MiB. */
static const uint8_t large[] = {
    0x9f, 0x0f, 0x1b, 0xb7, 0x00, 0x04, 0x6a, 0x72, 0x48, 0x2f, 0x10, 0xe1, 0x6f, 0x9d, 0xfd,
    0x82, 0x96, 0x54, 0xa2, 0x1c, 0x18, 0xc8, 0x73, 0x25, 0x6e, 0xf1, 0xe6, 0x35, 0xd0, 0xa1,
    0xc4, 0x07,
};

struct rig {
    struct slab *slab;
    struct unbrotli_slots *slots;
    uint8_t out[OUT_MAX];
    size_t len;
};

static int rig_open(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    r->slab = slab_create(SLAB_BYTES);
    r->slots = unbrotli_slots_create();
    *state = r;
    return 0;
}

static int rig_close(void **state)
{
    struct rig *r = *state;
    struct slab_stats stats;
    slab_stats(r->slab, &stats);
    assert_int_equal(stats.used, 0);
    unbrotli_slots_free(r->slots);
    slab_free_all(r->slab);
    free(r);
    return 0;
}

/** Decode in pieces of `step` bytes until something ends it, or the output is full. */
static enum unbrotli_status decode(struct rig *r, struct unbrotli *u, const uint8_t *data,
                                   size_t len, size_t step)
{
    enum unbrotli_status status = UNBROTLI_MORE;
    r->len = 0;
    for (size_t at = 0; at < len && status == UNBROTLI_MORE; at += step) {
        size_t n = step < len - at ? step : len - at;
        uint8_t *copy = malloc(n); /* of exactly this size, so that a sanitizer sees more */
        memcpy(copy, data + at, n);
        struct unbrotli_io io = { copy, n, r->out + r->len, OUT_MAX - r->len };
        status = unbrotli_next(u, &io);
        r->len = OUT_MAX - io.out_left;
        free(copy);
    }
    return status;
}

static void test_pieces(void **state)
{
    struct rig *r = *state;
    static const size_t steps[] = { 1, 7, 64, sizeof(page) };
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct unbrotli *u = unbrotli_open(r->slab, r->slots);
        assert_non_null(u);
        assert_int_equal(decode(r, u, page, sizeof(page), steps[i]), UNBROTLI_END);
        assert_int_equal(r->len, 3802);
        assert_memory_equal(r->out, "<html><script>var a='brotli-needle';", 36);
        assert_memory_equal(r->out + r->len - 25, "needle'));</script></html>\n" + 2, 25);
        unbrotli_free(u);
    }
}

/** What a cut stream gives is there at once; what comes no more is not asked for. */
static void test_cut(void **state)
{
    struct rig *r = *state;
    struct unbrotli *u = unbrotli_open(r->slab, r->slots);
    assert_int_equal(decode(r, u, page, 90, 90), UNBROTLI_MORE);
    assert_true(r->len >= 35 && r->len < 3802);
    assert_memory_equal(r->out, "<html>", 6);
    unbrotli_free(u);
}

static void test_broken(void **state)
{
    struct rig *r = *state;
    struct unbrotli *u = unbrotli_open(r->slab, r->slots);
    assert_int_equal(decode(r, u, (const uint8_t *)"no brotli at all", 16, 16), UNBROTLI_BROKEN);
    unbrotli_free(u);
}

/** Long windows come from the slots; beyond them a stream is not decoded, and others go on. */
static void test_slots(void **state)
{
    struct rig *r = *state;
    struct unbrotli *all[UNBROTLI_SLOTS + 1];
    for (unsigned i = 0; i < UNBROTLI_SLOTS; i++) {
        all[i] = unbrotli_open(r->slab, r->slots);
        assert_int_equal(decode(r, all[i], large, sizeof(large), sizeof(large)), UNBROTLI_FULL);
        assert_int_equal(r->len, OUT_MAX);
        assert_memory_equal(r->out, "early-needleAAAA", 16);
    }
    all[UNBROTLI_SLOTS] = unbrotli_open(r->slab, r->slots);
    assert_int_equal(decode(r, all[UNBROTLI_SLOTS], large, sizeof(large), 3), UNBROTLI_NO_ROOM);
    unbrotli_free(all[UNBROTLI_SLOTS]);
    unbrotli_free(all[3]);
    all[3] = unbrotli_open(r->slab, r->slots);
    assert_int_equal(decode(r, all[3], large, sizeof(large), sizeof(large)), UNBROTLI_FULL);
    for (unsigned i = 0; i < UNBROTLI_SLOTS; i++)
        unbrotli_free(all[i]);
}

static void test_memory(void **state)
{
    struct rig *r = *state;
    struct slab *little = slab_create(16384);
    struct unbrotli *u = unbrotli_open(little, r->slots);
    assert_non_null(u);
    assert_int_equal(decode(r, u, page, sizeof(page), sizeof(page)), UNBROTLI_NO_ROOM);
    unbrotli_free(u);
    slab_free_all(little);
    little = slab_create(64);
    assert_null(unbrotli_open(little, r->slots));
    slab_free_all(little);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pieces, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_cut, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_broken, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_slots, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_memory, rig_open, rig_close),
    };
    return cmocka_run_group_tests_name("unbrotli", tests, NULL, NULL);
}
