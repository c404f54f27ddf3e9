/* SPDX-License-Identifier: Apache-2.0 */
/* NFS over TCP and UDP: calls, names, files in pieces. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "sensor/app/parser.h"
#include "tests/unit/app/rig.h"

#define TS             SIG_DIR_TOSERVER
#define TC             SIG_DIR_TOCLIENT
#define BYTES(literal) literal, sizeof(literal) - 1
#define HANDLE         "\0\0\0\x08handle-1"

static void be32(struct buf *b, uint32_t v)
{
    const uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                               (uint8_t)v };
    buf_add(b, bytes, 4);
}

/* One message: over UDP as it is, over TCP in pieces of `step` bytes behind its record mark. */
static void send(struct rig *r, unsigned dir, struct buf *m, size_t step)
{
    struct buf marked;
    if (r->flow.proto == 17) {
        rig_datagram(r, dir, m->data, m->len);
        buf_free(m);
        return;
    }
    buf_init(&marked, 1u << 20);
    be32(&marked, 0x80000000 | (uint32_t)m->len);
    buf_add(&marked, m->data, m->len);
    rig_feed(r, dir, marked.data, marked.len, step);
    buf_free(&marked);
    buf_free(m);
}

static void call(struct rig *r, uint32_t xid, uint32_t version, uint32_t procedure,
                 const void *arguments, size_t len, size_t step)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    const uint32_t head[] = { xid, 0, 2, 100003, version, procedure, 0, 0, 0, 0 };
    for (unsigned i = 0; i < 10; i++)
        be32(&b, head[i]);
    buf_add(&b, arguments, len);
    send(r, TS, &b, step);
}

static void reply(struct rig *r, uint32_t xid, const void *results, size_t len, size_t step)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    const uint32_t head[] = { xid, 1, 0, 0, 0, 0 };
    for (unsigned i = 0; i < 6; i++)
        be32(&b, head[i]);
    buf_add(&b, results, len);
    send(r, TC, &b, step);
}

static uint64_t number(struct rig *r, unsigned i, const char *name)
{
    uint64_t value = UINT64_MAX;
    return app_tx_number(&r->flow, rig_tx(r, i), TS, name, &value) ? value : UINT64_MAX;
}

static void write3(struct rig *r, uint32_t xid, uint32_t offset, uint32_t stable, const char *data,
                   size_t len, size_t step)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_add(&b, HANDLE, 12);
    be32(&b, 0);
    be32(&b, offset);
    be32(&b, (uint32_t)len);
    be32(&b, stable);
    be32(&b, (uint32_t)len);
    buf_add(&b, data, len);
    buf_add(&b, "\0\0\0", (4 - len % 4) % 4);
    call(r, xid, 3, 7, b.data, b.len, step);
    buf_free(&b);
}

/* A name is looked up, the file written in two pieces, the first large, and committed. */
static void written(unsigned proto, size_t step)
{
    char big[1501];
    struct rig r;
    memset(big, 'b', sizeof(big));
    rig_open(&r, proto, 2049);
    call(&r, 1, 3, 3,
         BYTES("\0\0\0\x04root\0\0\0\x05"
               "a.exe\0\0\0"),
         step);
    reply(&r, 1, BYTES("\0\0\0\0" HANDLE), step);
    assert_int_equal(app_protocol(&r.flow), SIG_APP_NFS);
    assert_int_equal(number(&r, 0, "nfs_procedure"), 3);
    assert_int_equal(number(&r, 0, "nfs.version"), 3);
    assert_int_equal(rig_tx(&r, 0)->progress[TC], SIG_PROGRESS_DONE);
    write3(&r, 2, 0, 0, big, sizeof(big), step);
    write3(&r, 3, sizeof(big), 0, "end", 3, step);
    assert_int_equal(number(&r, 1, "nfs_procedure"), 7);
    rig_expect(&r, 1, TS, SIG_BUF_FILE_NAME, 0, "a.exe");
    call(&r, 4, 3, 21, BYTES(HANDLE "\0\0\0\0\0\0\0\0\0\0\0\0"), step);
    assert_int_equal(number(&r, 1, "nfs_procedure"), 21);
    assert_int_equal(rig_tx(&r, 1)->progress[TS], SIG_PROGRESS_DONE);
    struct app_view view;
    assert_true(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 1), TS, SIG_BUF_FILE_DATA, 0, &view));
    assert_int_equal(view.len, 1504);
    assert_memory_equal(view.data + 1500, "bend", 4);
    assert_non_null(strstr(rig_eve(&r, 1), "\"filename\":\"a.exe\",\"id\":2,\"file_tx\":true"));
    rig_close(&r);
}

static void test_write(void **state)
{
    (void)state;
    written(17, 0);
    written(6, 0);
    written(6, 1);
    written(6, 700);
}

static void test_read(void **state)
{
    (void)state;
    struct rig r;
    char results[96 + 8] = "\0\0\0\0\0\0\0\x01";
    memcpy(results + 92, "\0\0\0\x05\0\0\0\x01", 8);
    memcpy(results + 100, "\0\0\0\x05", 4);
    for (unsigned proto = 6; proto <= 17; proto += 11) {
        struct buf b;
        buf_init(&b, 4096);
        rig_open(&r, proto, 2049);
        call(&r, 1, 3, 6, BYTES(HANDLE "\0\0\0\0\0\0\0\0\0\0\x10\0"), 3);
        buf_add(&b, results, sizeof(results));
        buf_add(&b, "hello\0\0\0", 8);
        reply(&r, 1, b.data, b.len, 3);
        rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, 0, "hello");
        rig_expect(&r, 0, TS, SIG_BUF_FILE_DATA, 0, NULL);
        assert_int_equal(rig_tx(&r, 0)->progress[TC], SIG_PROGRESS_DONE);
        assert_int_equal(number(&r, 0, "nfs_procedure"), 6);
        buf_free(&b);
        rig_close(&r);
    }
}

static void test_broken(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 2049);
    call(&r, 1, 3, 0, BYTES("\0\0\0\0"), 0);
    call(&r, 2, 3, 1, BYTES("\0\0\xff\xff"), 0); /* a handle that is not there */
    assert_int_equal(rig_tx(&r, 0)->events[TS], 1);
    rig_gap(&r, TS, 50);
    rig_text(&r, TS, "what was behind the gap", 0);
    call(&r, 3, 3, 19, BYTES(HANDLE), 0);
    assert_int_equal(number(&r, 2, "nfs_procedure"), 19);
    rig_feed(&r, TS, "\x80\0\0\x01", 4, 0); /* shorter than any record */
    assert_true(r.stop[TS]);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
