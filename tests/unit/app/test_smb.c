/* SPDX-License-Identifier: Apache-2.0 */
/* SMB: shares, files in pieces, pipes with DCE/RPC, sessions. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "sensor/app/smb.h"
#include "tests/unit/app/rig.h"

#define TS             SIG_DIR_TOSERVER
#define TC             SIG_DIR_TOCLIENT
#define BYTES(literal) literal, sizeof(literal) - 1
#define GUID           "handle-of-a-file"

static const size_t steps[] = { 0, 1, 700 };
#define EACH_STEP(i) for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)

static void frame_begin(struct buf *b, size_t len)
{
    buf_clear(b);
    buf_byte(b, 0);
    buf_byte(b, (uint8_t)(len >> 16));
    buf_byte(b, (uint8_t)(len >> 8));
    buf_byte(b, (uint8_t)len);
}

/* One record of version 2 in session 7, tree 3. */
static void send2(struct rig *r, unsigned dir, uint16_t command, uint8_t message, const void *body,
                  size_t len, size_t step)
{
    uint8_t header[SMB2_HEADER] = { 0xfe, 'S', 'M', 'B', 64, 0 };
    struct buf b;
    buf_init(&b, 1u << 20);
    header[12] = (uint8_t)command;
    header[16] = dir == TC;
    header[24] = message;
    header[36] = 3;
    header[40] = 7;
    frame_begin(&b, sizeof(header) + len);
    buf_add(&b, header, sizeof(header));
    buf_add(&b, body, len);
    rig_feed(r, dir, b.data, b.len, step);
    buf_free(&b);
}

/* One record of version 1 of user 7, tree 3, names in one byte a character. */
static void send1(struct rig *r, unsigned dir, uint8_t command, uint8_t message, const void *body,
                  size_t len, size_t step)
{
    uint8_t header[SMB1_HEADER] = { 0xff, 'S', 'M', 'B', command };
    struct buf b;
    buf_init(&b, 1u << 20);
    header[9] = dir == TC ? 0x80 : 0;
    header[11] = 0x40;
    header[24] = 3;
    header[28] = 7;
    header[30] = message;
    frame_begin(&b, sizeof(header) + len);
    buf_add(&b, header, sizeof(header));
    buf_add(&b, body, len);
    rig_feed(r, dir, b.data, b.len, step);
    buf_free(&b);
}

static struct smb_tx *tx_of(struct rig *r, enum smb_kind kind)
{
    for (struct app_tx *tx = app_tx_first(&r->flow); tx; tx = tx->next)
        if (((struct smb_tx *)tx)->kind == kind)
            return (struct smb_tx *)tx;
    fail_msg("no transaction of kind %d", kind);
    return NULL;
}

static void expect(struct rig *r, struct smb_tx *t, unsigned dir, enum sig_buffer buffer,
                   const char *want)
{
    struct app_view view;
    bool there = app_tx_buffer(r->app, &r->flow, &t->tx, dir, buffer, 0, &view);
    assert_int_equal(there, want != NULL);
    if (!want)
        return;
    assert_int_equal(view.len, strlen(want));
    assert_memory_equal(view.data, want, view.len);
}

static void connect2(struct rig *r, char type, size_t step)
{
    char answer[17] = "\x10\0?\0\0\0\0\0\0\0\0\0\0\0\0";
    answer[2] = type;
    send2(r, TS, SMB2_TREE_CONNECT, 1, BYTES("\x09\0\0\0\x48\0\x0c\0\\\0\\\0s\0\\\0c\0$\0"), step);
    send2(r, TC, SMB2_TREE_CONNECT, 1, answer, 16, step);
}

static void open2(struct rig *r, const char *name, size_t step)
{
    struct buf b;
    buf_init(&b, 4096);
    for (unsigned i = 0; i < 44; i++)
        buf_byte(&b, 0);
    buf_add(&b, "\x78\0", 2);
    buf_byte(&b, (uint8_t)(2 * strlen(name)));
    buf_add(&b, "\0\0\0\0\0\0\0\0\0", 9);
    for (const char *c = name; *c; c++) {
        buf_byte(&b, (uint8_t)*c);
        buf_byte(&b, 0);
    }
    send2(r, TS, SMB2_CREATE, 2, b.data, b.len, step);
    buf_clear(&b);
    for (unsigned i = 0; i < 64; i++)
        buf_byte(&b, 0);
    buf_add(&b, GUID "\0\0\0\0\0\0\0\0", 24);
    send2(r, TC, SMB2_CREATE, 2, b.data, b.len, step);
    buf_free(&b);
}

static void write2(struct rig *r, uint8_t message, uint32_t offset, const void *data, size_t len,
                   size_t step)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_add(&b, "\x31\0\x70\0", 4);
    buf_le32(&b, (uint32_t)len);
    buf_le32(&b, offset);
    buf_le32(&b, 0);
    buf_add(&b, GUID "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32);
    buf_add(&b, data, len);
    send2(r, TS, SMB2_WRITE, message, b.data, b.len, step);
    buf_free(&b);
}

static void close2(struct rig *r, size_t step)
{
    send2(r, TS, SMB2_CLOSE, 9, BYTES("\x18\0\0\0\0\0\0\0" GUID), step);
}

/* A file written in pieces: the later one waits for the one before it. */
static void test_file(void **state)
{
    (void)state;
    char big[3000];
    memset(big, 'b', sizeof(big));
    EACH_STEP(i)
    {
        struct rig r;
        rig_open(&r, 6, 445);
        connect2(&r, 1, steps[i]);
        assert_int_equal(app_protocol(&r.flow), SIG_APP_SMB);
        expect(&r, tx_of(&r, SMB_TX_TREE), TS, SIG_BUF_SMB_SHARE, "\\\\s\\c$");
        expect(&r, tx_of(&r, SMB_TX_TREE), TS, SIG_BUF_SMB_NAMED_PIPE, NULL);
        open2(&r, "a.exe", steps[i]);
        write2(&r, 3, 3000, BYTES("end"), steps[i]);
        write2(&r, 4, 0, big, sizeof(big), steps[i]);
        struct smb_tx *t = tx_of(&r, SMB_TX_FILE);
        assert_int_equal(t->transfer.file->size, 3003);
        assert_int_equal(t->transfer.waiting_count, 0);
        expect(&r, t, TS, SIG_BUF_FILE_NAME, "a.exe");
        close2(&r, steps[i]);
        struct app_view view;
        assert_true(app_tx_buffer(r.app, &r.flow, &t->tx, TS, SIG_BUF_FILE_DATA, 0, &view));
        assert_int_equal(view.len, 3003);
        assert_memory_equal(view.data + 2998, "bbend", 5);
        assert_int_equal(t->tx.progress[TC], SIG_PROGRESS_DONE);
        assert_non_null(
            strstr(rig_eve(&r, 2), "\"filename\":\"a.exe\",\"share\":\"\\\\\\\\s\\\\c$\""));
        rig_close(&r);
    }
}

/* Bytes that come twice are an event, and not part of the file. */
static void test_overlap(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 445);
    connect2(&r, 1, 0);
    write2(&r, 3, 0, BYTES("first"), 0);
    write2(&r, 4, 2, BYTES("again"), 0);
    struct smb_tx *t = tx_of(&r, SMB_TX_FILE);
    assert_int_equal(t->transfer.file->size, 5);
    assert_true(t->tx.events[TS] >> SMB_FILE_OVERLAP & 1);
    assert_true(t->tx.events[TC] >> SMB_FILE_OVERLAP & 1);
    rig_close(&r);
}

/* A gap within a piece ends the file for rules; what follows it is found again. */
static void test_gap(void **state)
{
    (void)state;
    struct rig r;
    char half[600];
    memset(half, 'x', sizeof(half));
    rig_open(&r, 6, 445);
    connect2(&r, 1, 0);
    uint8_t header[4 + SMB2_HEADER + 48] = { 0, 0, 0x05, 0x70, 0xfe, 'S', 'M', 'B', 64 };
    header[16] = SMB2_WRITE;
    header[44] = 7;
    header[68] = 0x31;
    header[73] = 0x05; /* 1,280 bytes */
    memcpy(header + 84, GUID, 16);
    rig_feed(&r, TS, header, sizeof(header), 0);
    rig_feed(&r, TS, half, sizeof(half), 0);
    rig_gap(&r, TS, 1280 - 600);
    struct smb_tx *t = tx_of(&r, SMB_TX_FILE);
    assert_true(t->transfer.cut);
    close2(&r, 0);
    assert_int_equal(t->tx.progress[TS], SIG_PROGRESS_DONE);
    rig_close(&r);
}

#define DCE(type, flags, length) "\x05\0" type flags "\x10\0\0\0" length "\0\0\0\x05\0\0\0"
#define BIND                                                                                       \
    DCE("\x0b", "\x03", "\x48")                                                                    \
    "\xb8\x10\xb8\x10\0\0\0\0\x01\0\0\0\0\0\x01\0\x78\x56\x34\x12\x34\x12\xcd\xab\xef\0\x01\x23"   \
    "\x45\x67\x89\xac\x01\0\0\0\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\0\x2b\x10\x48\x60\x02" \
    "\0\0\0"

/* A call through a pipe: a bind that is written, a request in one IOCTL. */
static void test_pipe(void **state)
{
    (void)state;
    static const uint8_t ack[] =
        DCE("\x0c", "\x03",
            "\x38") "\xb8\x10\xb8\x10\x01\0\0\0\x02\0"
                    "1\0\x01\0\0\0\0\0\0\0"
                    "\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\0\x2b\x10\x48\x60\x02\0\0\0";
    EACH_STEP(i)
    {
        struct rig r;
        struct buf b;
        buf_init(&b, 4096);
        rig_open(&r, 6, 445);
        connect2(&r, 2, steps[i]);
        expect(&r, tx_of(&r, SMB_TX_TREE), TS, SIG_BUF_SMB_NAMED_PIPE, "\\\\s\\c$");
        open2(&r, "samr", steps[i]);
        write2(&r, 3, 0, BYTES(BIND), steps[i]);
        send2(&r, TS, SMB2_READ, 4,
              BYTES("\x31\0\0\0\0\x04\0\0\0\0\0\0\0\0\0\0" GUID "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
              steps[i]);
        buf_add(&b, "\x11\0\x50\0", 4);
        buf_le32(&b, sizeof(ack) - 1);
        buf_add(&b, "\0\0\0\0\0\0\0\0", 8);
        buf_add(&b, ack, sizeof(ack) - 1);
        send2(&r, TC, SMB2_READ, 4, b.data, b.len, steps[i]);
        send2(&r, TS, SMB2_IOCTL, 5,
              BYTES("\x39\0\0\0\x17\xc0\x11\0" GUID "\x78\0\0\0\x1c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                    "\0\x04\0\0\x01\0\0\0\0\0\0\0" DCE("\0", "\x03",
                                                       "\x1c") "\x04\0\0\0\0\0\x07\0stub"),
              steps[i]);
        struct smb_tx *t = (struct smb_tx *)rig_tx(&r, 3);
        uint64_t value = 0;
        assert_int_equal(t->kind, SMB_TX_CALL);
        assert_true(app_tx_number(&r.flow, &t->tx, TS, "dcerpc.opnum", &value));
        assert_int_equal(value, 7);
        assert_true(app_tx_number(&r.flow, &t->tx, TS, APP_NUMBER_LITTLE_ENDIAN, &value));
        assert_int_equal(value, 1);
        expect(&r, t, TS, SIG_BUF_DCE_STUB_DATA, "stub");
        struct app_view view;
        assert_true(app_tx_buffer(r.app, &r.flow, &t->tx, TS, SIG_BUF_DCE_IFACE, 0, &view));
        assert_memory_equal(view.data,
                            "\x12\x34\x56\x78\x12\x34\xab\xcd\xef\0\x01\x23\x45\x67\x89\xac", 16);
        assert_non_null(strstr(rig_eve(&r, 3), "\"dcerpc\":{\"request\":\"REQUEST\","
                                               "\"response\":\"UNREPLIED\",\"opnum\":7"));
        buf_free(&b);
        rig_close(&r);
    }
}

#define FIELD(len, at) len "\0" len "\0" at "\0\0\0"

static void test_session(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 445);
    send2(&r, TS, SMB2_SESSION_SETUP, 1,
          BYTES("\x19\0\0\x01\0\0\0\0\0\0\0\0\x58\0\x54\0\0\0\0\0\0\0\0\0NTLMSSP\0\x03\0\0\0" FIELD(
              "\0", "\x40") FIELD("\0", "\x40") FIELD("\x06", "\x40") FIELD("\x04", "\x46")
                    FIELD("\x04", "\x4a") FIELD("\0", "\x4e") "\x05\x02\x88\xa2"
                                                              "D\0O\0M\0m\0e\0p\0c\0\0\0\0\0\0\0"),
          0);
    struct smb_tx *t = tx_of(&r, SMB_TX_SESSION);
    expect(&r, t, TS, SIG_BUF_SMB_NTLMSSP_USER, "me");
    expect(&r, t, TS, SIG_BUF_SMB_NTLMSSP_DOMAIN, "DOM");
    assert_non_null(
        strstr(rig_eve(&r, 0), "\"ntlmssp\":{\"domain\":\"DOM\",\"user\":\"me\",\"host\":\"pc\"}"));
    rig_close(&r);
}

/* Version 1: commands in a chain, a file read, one written with its data at an offset. */
static void test_version1(void **state)
{
    (void)state;
    EACH_STEP(i)
    {
        struct rig r;
        rig_open(&r, 6, 139);
        send1(&r, TS, SMB1_TREE_CONNECT_ANDX, 1,
              BYTES("\x04\xff\0\0\0\0\0\x01\0\x0d\0\0\\\\s\\c\0?????\0"), steps[i]);
        send1(&r, TC, SMB1_TREE_CONNECT_ANDX, 1, BYTES("\x03\xff\0\0\0\0\0\x04\0A:\0N\0"),
              steps[i]);
        expect(&r, tx_of(&r, SMB_TX_TREE), TS, SIG_BUF_SMB_SHARE, "\\s\\c");
        send1(&r, TS, SMB1_READ_ANDX, 2,
              BYTES("\x0c\xff\0\0\0\x09\x08\0\0\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), steps[i]);
        send1(&r, TC, SMB1_READ_ANDX, 2,
              BYTES("\x0c\xff\0\0\0\0\0\0\0\0\0\x04\0\x3b\0\0\0\0\0\0\0\0\0\0\0\x04\0read"),
              steps[i]);
        struct smb_tx *t = tx_of(&r, SMB_TX_FILE);
        assert_int_equal(t->transfer.file->size, 4);
        expect(&r, t, TC, SIG_BUF_FILE_NAME, NULL);
        send1(&r, TS, SMB1_WRITE_ANDX, 3,
              BYTES("\x0e\xff\0\0\0\x09\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\x41\0\0\0\0\0\x07\0"
                    "..wrote"),
              steps[i]);
        struct smb_tx *w = (struct smb_tx *)rig_tx(&r, 2);
        assert_int_equal(w->kind, SMB_TX_FILE);
        expect(&r, w, TS, SIG_BUF_FILE_NAME, "<unknown>");
        send1(&r, TS, SMB1_CLOSE, 4, BYTES("\x03\x09\x08\0\0\0\0\0\0"), steps[i]);
        expect(&r, w, TS, SIG_BUF_FILE_DATA, "wrote");
        send1(&r, TC, SMB1_CLOSE, 4, BYTES("\0\0\0"), steps[i]);
        expect(&r, t, TC, SIG_BUF_FILE_DATA, "read");
        rig_close(&r);
    }
}

static void test_broken(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 445);
    connect2(&r, 1, 0);
    send2(&r, TS, SMB2_TREE_CONNECT, 2, BYTES("\x09\0"), 0); /* cut short */
    assert_true(rig_tx(&r, 1)->events[TS] >> SMB_MALFORMED_DATA & 1);
    send2(&r, TC, SMB2_CLOSE, 2, BYTES(""), 0);
    rig_text(&r, TS, "this is no frame at all", 0);
    assert_true(r.stop[TS]);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),    cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_gap),     cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_session), cmocka_unit_test(test_version1),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
