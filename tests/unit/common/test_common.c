/* SPDX-License-Identifier: Apache-2.0 */
/* The leaves: cursor, buffer, JSON writer, slab, addresses, time. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/addr.h"
#include "common/arena.h"
#include "common/base64.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/cursor.h"
#include "common/err.h"
#include "common/json.h"
#include "common/pages.h"
#include "common/slab.h"
#include "common/stop.h"

static void cursor_error_is_sticky(void **state)
{
    struct cursor c = cursor_make("\x01\x02\x03", 3);
    (void)state;
    assert_int_equal(cursor_be16(&c), 0x0102);
    assert_int_equal(cursor_be16(&c), 0);
    assert_true(c.bad);
    assert_int_equal(cursor_u8(&c), 0);
    assert_int_equal(cursor_left(&c), 0);
}

static void cursor_over_nothing_gives_nothing(void **state)
{
    struct cursor c = cursor_make(NULL, 0);
    (void)state;
    assert_non_null(cursor_take(&c, 0));
    assert_false(cursor_sub(&c, 0).bad);
    assert_false(c.bad);
    assert_null(cursor_take(&c, 1));
    assert_true(c.bad);
}

static void cursor_sub_is_bounded(void **state)
{
    struct cursor c = cursor_make("\x01\x02\x03\x04", 4);
    struct cursor s = cursor_sub(&c, 2);
    (void)state;
    assert_int_equal(cursor_be16(&s), 0x0102);
    cursor_u8(&s);
    assert_true(s.bad);
    assert_false(c.bad);
    assert_int_equal(cursor_le16(&c), 0x0403);
    s = cursor_sub(&c, 1);
    assert_true(s.bad && c.bad);
}

static void buf_never_passes_its_limit(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 10);
    buf_text(&b, "12345678");
    buf_text(&b, "abc");
    assert_true(b.bad);
    assert_int_equal(b.len, 8);
    buf_clear(&b);
    for (unsigned i = 0; i < 20; i++)
        buf_byte(&b, 'x');
    assert_true(b.bad);
    assert_int_equal(b.len, 10);
    buf_clear(&b);
    buf_printf(&b, "%d", 42);
    assert_string_equal(buf_str(&b), "42");
    buf_free(&b);
}

static void json_makes_hostile_bytes_harmless(void **state)
{
    struct buf b;
    struct json j;
    (void)state;
    buf_init(&b, 4096);
    json_begin(&j, &b);
    json_open(&j, NULL);
    json_strn(&j, "s", "a\"\\\x01\x7f\xff\xc3\xa9\xed\xa0\x80\n", 12);
    json_open_array(&j, "n");
    json_u64(&j, NULL, 1);
    json_i64(&j, NULL, -2);
    json_close_array(&j);
    json_base64(&j, "b", "Abeng", 5);
    json_close(&j);
    assert_string_equal(buf_str(&b),
        "{\"s\":\"a\\\"\\\\\\u0001\\u007f\\ufffd\xc3\xa9\\ufffd\\ufffd\\ufffd\\n\",\"n\":[1,-2],\"b\":\"QWJlbmc=\"}");
    buf_free(&b);
}

/* Eight bytes at a time or one by one: each byte value is written the same wherever it stands. */
static void json_escapes_a_byte_wherever_it_stands(void **state)
{
    char text[19], alone[16], want[64];
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        struct buf b;
        struct json j;
        buf_init(&b, 4096);
        json_begin(&j, &b);
        json_strn(&j, NULL, &(char){ (char)c }, 1);
        snprintf(alone, sizeof(alone), "%.*s", (int)b.len - 2, b.data + 1);
        bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
        assert_int_equal(plain, b.len == 3 && b.data[1] == c);
        for (size_t at = 0; at < sizeof(text); at++) {
            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            buf_clear(&b);
            json_begin(&j, &b);
            json_strn(&j, NULL, text, sizeof(text));
            snprintf(want, sizeof(want), "\"%.*s%s%.*s\"", (int)at, "xxxxxxxxxxxxxxxxxxx", alone,
                     (int)(sizeof(text) - 1 - at), "xxxxxxxxxxxxxxxxxxx");
            assert_string_equal(buf_str(&b), want);
        }
        buf_free(&b);
    }
}

static void json_writes_times(void **state)
{
    struct buf b;
    struct json j;
    (void)state;
    buf_init(&b, 4096);
    json_begin(&j, &b);
    json_open(&j, NULL);
    json_time_ms(&j, "at", 1795183387123);
    json_time_ms(&j, "never", 0);
    json_close(&j);
    assert_string_equal(buf_str(&b), "{\"at\":\"2026-11-20T14:03:07.123Z\",\"never\":null}");
    buf_free(&b);
}

static void base64_digits_are_the_alphabets(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char *at = c ? strchr(alphabet, c) : NULL;
        assert_int_equal(base64_digit((uint8_t)c), at ? at - alphabet : -1);
    }
}

static void a_stop_is_seen_by_who_asks(void **state)
{
    (void)state;
    stop_block();
    assert_false(stop_nap(1));
    raise(SIGTERM);
    assert_true(stop_nap(60000));
    raise(SIGINT);
    assert_int_equal(stop_wait(), SIGINT);
    assert_false(stop_nap(1));
}

static void pages_are_aligned_and_clear(void **state)
{
    (void)state;
    const size_t size = PAGES_HUGE + 1;
    for (unsigned n = 0; n < 3; n++) { /* what was given back comes clear again */
        uint8_t *p = pages_try_alloc(size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % PAGES_HUGE, 0);
        for (size_t i = 0; i < size; i += 4096)
            assert_int_equal(p[i], 0);
        memset(p, 1, size);
        pages_free(p, size);
    }
    assert_null(pages_try_alloc(SIZE_MAX));
    pages_free(NULL, size);
}

/* The block is aligned, goes back without its size, and comes again; the longest there is and no
 * longer one is given. */
static void slab_blocks_remember_their_size(void **state)
{
    struct slab *s = slab_create(4u << 20);
    struct slab_stats st;
    (void)state;
    uint8_t *a = slab_try_sized(s, 1000), *longest = slab_try_sized(s, SLAB_SIZED_MAX);
    assert_non_null(a);
    assert_non_null(longest);
    assert_int_equal((uintptr_t)a % 16, 0);
    memset(a, 0xff, 1000);
    memset(longest, 0xff, SLAB_SIZED_MAX);
    assert_null(slab_try_sized(s, SLAB_SIZED_MAX + 1));
    assert_null(slab_try_sized(s, SIZE_MAX));
    slab_free_sized(s, a);
    assert_ptr_equal(slab_try_sized(s, 1000), a);
    slab_free_sized(s, a);
    slab_free_sized(s, longest);
    slab_free_sized(s, NULL);
    slab_stats(s, &st);
    assert_int_equal(st.used, 0);
    assert_int_equal(st.failed, 2);
    slab_free_all(s);
}

/* Whether the kernel takes memory on being asked: since Linux 5.14. */
static bool can_populate(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    bool can = madvise(page, size, MADV_POPULATE_WRITE) == 0;
    munmap(page, size);
    return can;
}

static void slab_is_warm_ahead(void **state)
{
    enum { BLOCK = 1 << 20, PAGES_MAX = BLOCK / 4096 };
    struct slab *s = slab_create(16u << 20);
    unsigned char there[PAGES_MAX];
    (void)state;
    assert_int_equal(slab_warm_ahead(s, 4u << 20), 4u << 20);
    assert_int_equal(slab_warm_ahead(s, 4u << 20), 0);
    void *block = slab_try_alloc(s, BLOCK);
    assert_non_null(block);
    assert_int_equal(mincore(block, BLOCK, there), 0);
    for (size_t i = 0; can_populate() && i < BLOCK / (size_t)sysconf(_SC_PAGESIZE); i++)
        assert_int_equal(there[i] & 1, 1);
    /* What was cut into blocks counts no more. */
    assert_int_equal(slab_warm_ahead(s, 4u << 20), PAGES_HUGE);
    slab_free_all(s);
}

static void slab_counts_and_refuses_at_the_cap(void **state)
{
    struct slab *s = slab_create(4096);
    struct slab_stats st;
    (void)state;
    void *a = slab_try_alloc(s, 2048), *b = slab_try_alloc(s, 2000), *c = slab_try_alloc(s, 1);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(c);
    slab_free(s, a, 2048);
    assert_ptr_equal(slab_try_alloc(s, 1793), a);
    slab_stats(s, &st);
    assert_int_equal(st.failed, 1);
    assert_int_equal(st.peak, 4096);
    slab_free_all(s);
}

/* Every size fits its block, blocks are aligned, and little of them is waste. */
static void slab_classes_fit(void **state)
{
    (void)state;
    struct slab *s = slab_create(4u << 20);
    size_t last = 0;
    for (size_t size = 1; size <= SLAB_BLOCK_MAX; size += 1 + size / 37) {
        size_t bytes = slab_round(size);
        assert_true(bytes >= size && bytes >= last && bytes % 16 == 0);
        assert_true(size < 64 || bytes - size <= bytes / 5);
        assert_int_equal(slab_round(bytes), bytes);
        last = bytes;
        uint8_t *p = slab_try_alloc(s, size), *q = slab_try_alloc(s, size);
        assert_non_null(p);
        assert_non_null(q);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_true((size_t)(q - p) >= bytes || (size_t)(p - q) >= bytes);
        memset(p, 1, size);
        slab_free(s, p, size);
        slab_free(s, q, size);
    }
    assert_int_equal(last, SLAB_BLOCK_MAX);
    slab_free_all(s);
}

static void slab_realloc_keeps_content(void **state)
{
    struct slab *s = slab_create(1 << 20);
    (void)state;
    char *p = slab_try_alloc(s, 40);
    assert_non_null(p);
    strcpy(p, "kept");
    p = slab_try_realloc(s, p, 40, 4000);
    assert_non_null(p);
    assert_string_equal(p, "kept");
    assert_null(slab_try_realloc(s, p, 4000, SLAB_BLOCK_MAX + 1));
    slab_free_all(s);
}

static void arena_strings_survive_growth(void **state)
{
    struct arena *a = arena_create(32);
    (void)state;
    char *first = arena_strdup(a, "first");
    for (int i = 0; i < 100; i++)
        assert_string_equal(arena_printf(a, "%d-%s", 7, "x"), "7-x");
    assert_string_equal(first, "first");
    arena_free(a);
}

static void addresses_round_trip(void **state)
{
    struct addr a, net;
    unsigned bits;
    char text[ADDR_TEXT_MAX];
    (void)state;
    assert_int_equal(addr_parse("192.0.2.7", &a), 0);
    assert_int_equal(addr_parse_prefix("192.0.2.0/24", &net, &bits), 0);
    assert_int_equal(bits, 120);
    assert_true(addr_in_prefix(&a, &net, bits));
    addr_parse("192.0.3.7", &a);
    assert_false(addr_in_prefix(&a, &net, bits));
    addr_parse("2001:db8::1", &a);
    addr_format_eve(&a, 6, text);
    assert_string_equal(text, "2001:0db8:0000:0000:0000:0000:0000:0001");
    addr_parse("192.0.2.7", &a);
    addr_format_eve(&a, 4, text);
    assert_string_equal(text, "192.0.2.7");
    addr_format_eve(&a, 6, text);
    assert_string_equal(text, "0000:0000:0000:0000:0000:ffff:c000:0207");
    assert_int_equal(addr_parse_prefix("10.0.0.0/33", &net, &bits), ABENG_EFORMAT);
    assert_int_equal(addr_parse("10.0.0", &a), ABENG_EFORMAT);
}

static void times_round_trip(void **state)
{
    uint64_t ns;
    char text[CLOCK_TEXT_MAX];
    (void)state;
    assert_int_equal(clock_parse("2026-11-20T14:03:07.123456+0000", 31, &ns), 0);
    clock_format_eve(ns, text);
    assert_string_equal(text, "2026-11-20T14:03:07.123456+0000");
    assert_int_equal(clock_parse("2026-11-20T10:03:07.123-04:00", 29, &ns), 0);
    clock_format_rfc3339(ns, text);
    assert_string_equal(text, "2026-11-20T14:03:07.123Z");
    assert_int_equal(clock_parse("2026-13-20T10:03:07Z", 20, &ns), ABENG_EFORMAT);
    assert_int_equal(clock_parse("2026-11-20", 10, &ns), ABENG_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursor_error_is_sticky),
        cmocka_unit_test(cursor_over_nothing_gives_nothing),
        cmocka_unit_test(cursor_sub_is_bounded),
        cmocka_unit_test(buf_never_passes_its_limit),
        cmocka_unit_test(json_makes_hostile_bytes_harmless),
        cmocka_unit_test(json_escapes_a_byte_wherever_it_stands),
        cmocka_unit_test(json_writes_times),
        cmocka_unit_test(base64_digits_are_the_alphabets),
        cmocka_unit_test(a_stop_is_seen_by_who_asks),
        cmocka_unit_test(pages_are_aligned_and_clear),
        cmocka_unit_test(slab_counts_and_refuses_at_the_cap),
        cmocka_unit_test(slab_is_warm_ahead),
        cmocka_unit_test(slab_blocks_remember_their_size),
        cmocka_unit_test(slab_classes_fit),
        cmocka_unit_test(slab_realloc_keeps_content),
        cmocka_unit_test(arena_strings_survive_growth),
        cmocka_unit_test(addresses_round_trip),
        cmocka_unit_test(times_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
