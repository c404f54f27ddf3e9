/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 and its header compression. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/slab.h"
#include "sensor/app/hpack.h"
#include "sensor/app/parser.h"
#include "sensor/decode/packet.h"
#include "tests/unit/app/rig.h"

#define TS             SIG_DIR_TOSERVER
#define TC             SIG_DIR_TOCLIENT
#define BYTES(literal) literal, sizeof(literal) - 1
#define MAGIC          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* A frame in front of `len` bytes. */
static size_t frame(uint8_t *to, unsigned type, unsigned flags, uint32_t stream, const void *data,
                    size_t len)
{
    const uint8_t head[9] = {
        (uint8_t)(len >> 16),    (uint8_t)(len >> 8),    (uint8_t)len,
        (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream
    };
    memcpy(to, head, sizeof(head));
    memcpy(to + sizeof(head), data, len);
    return sizeof(head) + len;
}

static void field_is(struct hpack *h, struct slab *slab, struct cursor *c, const char *name,
                     const char *value)
{
    struct hpack_field f;
    assert_int_equal(hpack_next(h, slab, c, &f), HPACK_FIELD);
    assert_int_equal(f.name_len, strlen(name));
    assert_memory_equal(f.name, name, f.name_len);
    assert_int_equal(f.value_len, strlen(value));
    assert_memory_equal(f.value, value, f.value_len);
}

/* RFC 7541 C.4: three requests with Huffman codes, over one table. */
static void test_hpack_requests(void **state)
{
    (void)state;
    struct slab *slab = slab_create(1u << 20);
    struct hpack h = { .max = HPACK_TABLE_DEFAULT };
    struct cursor c =
        cursor_make(BYTES("\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"));
    field_is(&h, slab, &c, ":method", "GET");
    field_is(&h, slab, &c, ":scheme", "http");
    field_is(&h, slab, &c, ":path", "/");
    field_is(&h, slab, &c, ":authority", "www.example.com");
    assert_int_equal(h.size, 57);
    c = cursor_make(BYTES("\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf"));
    cursor_skip(&c, 3);
    field_is(&h, slab, &c, ":authority", "www.example.com");
    field_is(&h, slab, &c, "cache-control", "no-cache");
    assert_int_equal(h.size, 110);
    c = cursor_make(BYTES("\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25"
                          "\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf"));
    cursor_skip(&c, 2);
    field_is(&h, slab, &c, ":path", "/index.html");
    field_is(&h, slab, &c, ":authority", "www.example.com");
    field_is(&h, slab, &c, "custom-key", "custom-value");
    assert_int_equal(h.size, 164);
    hpack_free(&h, slab);
    slab_free_all(slab);
}

/* RFC 7541 C.6: a table of 256 bytes evicts. */
static void test_hpack_evicts(void **state)
{
    (void)state;
    struct slab *slab = slab_create(1u << 20);
    struct hpack h = { .max = 256 };
    struct cursor c = cursor_make(
        BYTES("\x48\x82\x64\x02\x58\x85\xae\xc3\x77\x1a\x4b\x61\x96\xd0\x7a\xbe\x94\x10\x54\xd4\x44"
              "\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff\x6e\x91\x9d\x29\xad\x17\x18"
              "\x63\xc7\x8f\x0b\x97\xc8\xe9\xae\x82\xae\x43\xd3"));
    field_is(&h, slab, &c, ":status", "302");
    field_is(&h, slab, &c, "cache-control", "private");
    field_is(&h, slab, &c, "date", "Mon, 21 Oct 2013 20:13:21 GMT");
    field_is(&h, slab, &c, "location", "https://www.example.com");
    assert_int_equal(h.size, 222);
    c = cursor_make(BYTES("\x48\x83\x64\x0e\xff\xc1\xc0\xbf"));
    field_is(&h, slab, &c, ":status", "307");
    assert_int_equal(h.size, 222);
    field_is(&h, slab, &c, "cache-control", "private");
    field_is(&h, slab, &c, "date", "Mon, 21 Oct 2013 20:13:21 GMT");
    field_is(&h, slab, &c, "location", "https://www.example.com");
    hpack_limit(&h, 0);
    assert_int_equal(h.size, 0);
    hpack_free(&h, slab);
    slab_free_all(slab);
}

static void test_hpack_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        enum hpack_status status;
    } cases[] = {
        { BYTES("\x80"), HPACK_BAD_INDEX },
        { BYTES("\xbe"), HPACK_BAD_INDEX },
        { BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), HPACK_OVERFLOW },
        { BYTES("\xff"), HPACK_SHORT },
        { BYTES("\x40\x05name"), HPACK_SHORT },
        { BYTES("\x3f\xe1\x1f"), HPACK_SIZE_UPDATE },
    };
    struct slab *slab = slab_create(1u << 20);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hpack h = { .max = HPACK_TABLE_DEFAULT };
        struct hpack_field f;
        struct cursor c = cursor_make(cases[i].bytes, cases[i].len);
        assert_int_equal(hpack_next(&h, slab, &c, &f), cases[i].status);
        hpack_free(&h, slab);
    }
    slab_free_all(slab);
}

/* A request and its answer, in segments of any size. */
static void exchange(size_t step)
{
    struct rig r;
    uint8_t out[512];
    rig_open(&r, PACKET_PROTO_TCP, 80);
    memcpy(out, MAGIC, 24);
    size_t n = 24 + frame(out + 24, 4, 0, 0, BYTES("\0\3\0\0\0\x64"));
    n += frame(out + n, 1, 5, 1,
               BYTES("\x82\x86\x04\x06/a?b=c\x41\x0bHost.eu:123\x40\x03one\x01x\x00\x03one\x01y"));
    rig_feed(&r, TS, out, n, step);
    n = frame(out, 1, 4, 1, BYTES("\x88\x5f\x09text/html"));
    n += frame(out + n, 0, 9, 1, BYTES("\x02hello!pp"));
    rig_feed(&r, TC, out, n, step);
    assert_int_equal(app_protocol(&r.flow), SIG_APP_HTTP2);
    rig_expect(&r, 0, TS, SIG_BUF_HTTP2_FRAMETYPE, 0, "\4");
    assert_int_equal(rig_tx(&r, 0)->progress[TS], SIG_PROGRESS_DONE);
    rig_expect(&r, 1, TS, SIG_BUF_HTTP_METHOD, 0, "GET");
    rig_expect(&r, 1, TS, SIG_BUF_HTTP_URI, 0, "/a?b=c");
    rig_expect(&r, 1, TS, SIG_BUF_HTTP_HOST, 0, "host.eu");
    rig_expect(&r, 1, TS, SIG_BUF_HTTP_HOST_RAW, 0, "Host.eu:123");
    rig_expect(&r, 1, TS, SIG_BUF_HTTP_REQUEST_LINE, 0, "GET /a?b=c HTTP/2\r\n");
    rig_expect(&r, 1, TS, SIG_BUF_HTTP_REQUEST_HEADER, 4, "one: x");
    rig_expect(&r, 1, TS, SIG_BUF_HTTP_HEADER_NAMES, 0,
               "\r\n:method\r\n:scheme\r\n:path\r\n:authority\r\none\r\none\r\n\r\n");
    rig_expect(&r, 1, TC, SIG_BUF_HTTP_STAT_CODE, 0, "200");
    rig_expect(&r, 1, TC, SIG_BUF_HTTP_CONTENT_TYPE, 0, "text/html");
    rig_expect(&r, 1, TC, SIG_BUF_HTTP_RESPONSE_LINE, 0, "HTTP/2 200\r\n");
    rig_expect(&r, 1, TC, SIG_BUF_FILE_DATA, 0, "hello!");
    assert_int_equal(rig_tx(&r, 1)->progress[TC], SIG_PROGRESS_DONE);
    assert_non_null(strstr(rig_eve(&r, 1), "\"url\":\"/a?b=c\""));
    assert_non_null(strstr(rig_eve(&r, 1), "\"stream_id\":1"));
    rig_close(&r);
}

static void test_exchange(void **state)
{
    (void)state;
    const size_t steps[] = { 0, 1, 7, 30 };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        exchange(steps[i]);
}

/* A header block in two frames is read as one; the limit and the mismatch are events. */
static void test_continuation(void **state)
{
    (void)state;
    struct rig r;
    uint8_t out[512];
    rig_open(&r, PACKET_PROTO_TCP, 80);
    memcpy(out, MAGIC, 24);
    size_t n = 24 + frame(out + 24, 1, 1, 3, BYTES("\x82\x41\x03"));
    n += frame(out + n, 9, 4, 3,
               BYTES("a@b\x66\x01"
                     "c\x84"));
    rig_feed(&r, TS, out, n, 0);
    rig_expect(&r, 0, TS, SIG_BUF_HTTP_HOST_RAW, 0, "a@b");
    rig_expect(&r, 0, TS, SIG_BUF_HTTP_URI, 0, "/");
    uint64_t events = rig_tx(&r, 0)->events[TS];
    int mismatch = app_event_find(SIG_APP_HTTP2, "authority_host_mismatch");
    int userinfo = app_event_find(SIG_APP_HTTP2, "userinfo_in_uri");
    assert_true(events >> mismatch & 1);
    assert_true(events >> userinfo & 1);
    rig_close(&r);
}

/* "Upgrade: h2c": the request of HTTP/1 is stream 1. */
static void test_upgrade(void **state)
{
    (void)state;
    struct rig r;
    uint8_t out[128];
    rig_open(&r, PACKET_PROTO_TCP, 8080);
    rig_text(&r, TS,
             "GET /up HTTP/1.1\r\nHost: a.example\r\nUpgrade: h2c\r\n"
             "HTTP2-Settings: AAMAAABk\r\n\r\n",
             0);
    rig_text(&r, TC, "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", 0);
    rig_text(&r, TS, MAGIC, 0);
    size_t n = frame(out, 1, 5, 1, BYTES("\x88"));
    rig_feed(&r, TC, out, n, 0);
    assert_int_equal(app_protocol(&r.flow), SIG_APP_HTTP2);
    rig_expect(&r, 0, TS, SIG_BUF_HTTP_URI, 0, "/up");
    rig_expect(&r, 0, TS, SIG_BUF_HTTP_HOST, 0, "a.example");
    rig_expect(&r, 0, TC, SIG_BUF_HTTP_STAT_CODE, 0, "200");
    rig_expect(&r, 1, TS, SIG_BUF_HTTP2_FRAMETYPE, 0, "\4");
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hpack_requests), cmocka_unit_test(test_hpack_evicts),
        cmocka_unit_test(test_hpack_hostile),  cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_continuation),   cmocka_unit_test(test_upgrade),
    };
    return cmocka_run_group_tests_name("http2", tests, NULL, NULL);
}
