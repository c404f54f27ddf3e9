/* SPDX-License-Identifier: Apache-2.0 */
/* The line protocols: SMTP with its mail, FTP with its data channels, SSH. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sensor/app/parser.h"
#include "tests/unit/app/rig.h"

#define TS             SIG_DIR_TOSERVER
#define TC             SIG_DIR_TOCLIENT
#define BYTES(literal) literal, sizeof(literal) - 1

static const size_t steps[] = { 0, 1, 7 };
#define EACH_STEP(i) for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)

static const char mail[] =
    "From: Some One <one@example.org>\r\nTo: two@example.net\r\nSubject: a test\r\n"
    "Content-Type: multipart/mixed;\r\n boundary=\"=_frontier\"\r\n\r\n"
    "not for us\r\n--=_frontier\r\nContent-Type: text/plain\r\n\r\nbody text\r\n"
    "..a line with a dot\r\n"
    "--=_frontier\r\nContent-Type: application/octet-stream; name=\"a b.bin\"\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nVGhpcyBpcyBhIGZpbGUg\r\nZm9yIHRl\r\nc3Rz\r\n"
    "--=_frontier\r\nContent-Disposition: attachment; filename=q.txt\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n1=3D1 and =\r\nmore\r\nlast\r\n"
    "--=_frontier--\r\nepilogue\r\n.\r\n";

static void test_smtp(void **state)
{
    (void)state;
    EACH_STEP(i)
    {
        struct rig r;
        rig_open(&r, 6, 2525);
        rig_text(&r, TC, "220 mx.example.org ESMTP\r\n", steps[i]);
        rig_text(&r, TS, "EHLO client.example.net\r\n", steps[i]);
        rig_text(&r, TC, "250-mx\r\n250 8BITMIME\r\n", steps[i]);
        rig_text(&r, TS,
                 "MAIL FROM:<one@example.org> SIZE=9\r\nRCPT TO:<two@example.net>\r\nRCPT TO: "
                 "<3@example.net>\r\n",
                 steps[i]);
        rig_text(&r, TC, "250 ok\r\n250 ok\r\n250 ok\r\n", steps[i]);
        rig_text(&r, TS, "DATA\r\n", steps[i]);
        rig_text(&r, TC, "354 go\r\n", steps[i]);
        assert_int_equal(app_protocol(&r.flow), SIG_APP_SMTP);
        rig_text(&r, TS, mail, steps[i]);
        rig_text(&r, TC, "250 taken\r\n", steps[i]);
        rig_expect(&r, 0, TS, SIG_BUF_SMTP_HELO, 0, "client.example.net");
        rig_expect(&r, 0, TS, SIG_BUF_SMTP_MAIL_FROM, 0, "<one@example.org>");
        rig_expect(&r, 0, TS, SIG_BUF_SMTP_RCPT_TO, 1, "<3@example.net>");
        rig_expect(&r, 0, TS, SIG_BUF_SMTP_RCPT_TO, 2, NULL);
        rig_expect(&r, 0, TS, SIG_BUF_FILE_NAME, 0, "a b.bin");
        rig_expect(&r, 0, TS, SIG_BUF_FILE_DATA, 0, "This is a file for tests");
        rig_expect(&r, 0, TS, SIG_BUF_FILE_DATA, 1, "1=1 and more\r\nlast\r\n");
        rig_expect(&r, 0, TS, SIG_BUF_FILE_DATA, 2, NULL);
        struct app_view size;
        uint64_t bytes = 0;
        assert_true(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 0), TS, SIG_BUF_FILE_SIZE, 1, &size));
        assert_true(size.len == sizeof(struct app_file_size) && size.end);
        memcpy(&bytes, size.data, sizeof(bytes));
        assert_int_equal(bytes, 20);
        app_tx_body_advance(r.app, &r.flow, rig_tx(&r, 0), TS);
        rig_expect(&r, 0, TS, SIG_BUF_FILE_DATA, 0, NULL);
        assert_int_equal(rig_tx(&r, 0)->progress[TS], SIG_PROGRESS_DONE);
        assert_string_equal(
            rig_eve(&r, 0),
            "{\"smtp\":{\"helo\":\"client.example.net\",\"mail_from\":\"<one@example.org>\",\"rcpt_"
            "to\":"
            "[\"<two@example.net>\",\"<3@example.net>\"]},\"email\":{\"status\":\"PARSE_DONE\","
            "\"from\":"
            "\"Some One <one@example.org>\",\"to\":[\"two@example.net\"],\"subject\":\"a "
            "test\",\"attachment\":"
            "[\"a b.bin\",\"q.txt\"]}}");
        rig_text(&r, TS, "MAIL FROM:<x>\r\nQUIT\r\n", steps[i]);
        assert_int_equal(app_tx_count(&r.flow), 2);
        rig_close(&r);
    }
}

static void test_smtp_bdat_and_rejected(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 25);
    rig_text(&r, TC, "220 mx\r\n", 0);
    assert_int_equal(app_protocol(&r.flow), SIG_APP_SMTP);
    rig_text(&r, TS, "EHLO a\r\nDATA\r\n", 0);
    rig_text(&r, TC, "250 a\r\n503 no\r\n", 0);
    rig_text(&r, TS, "BDAT 30\r\nContent-Disposition: x; filenaBDAT 15 LAST\r\nme=f\r\n\r\nhello!!",
             0);
    rig_expect(&r, 0, TS, SIG_BUF_FILE_DATA, 0, "hello!!");
    assert_int_not_equal(rig_tx(&r, 0)->events[TC], 0);
    rig_close(&r);
}

static void test_smtp_starttls(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 25);
    rig_text(&r, TC, "220 mx\r\n", 0);
    rig_text(&r, TS, "EHLO a\r\n", 0);
    rig_text(&r, TC, "250-a\r\n250 STARTTLS\r\n", 0);
    rig_text(&r, TS, "STARTTLS\r\n", 0);
    rig_text(&r, TC, "220 go\r\n", 0);
    rig_feed(&r, TS, BYTES("\x16\x03\x01\0\x04\x01\0\0\0"), 0);
    assert_int_equal(app_protocol(&r.flow), SIG_APP_TLS);
    assert_non_null(strstr(rig_eve(&r, 0), "\"from_proto\":\"smtp\""));
    rig_close(&r);
}

static void test_ftp(void **state)
{
    (void)state;
    EACH_STEP(i)
    {
        struct rig r;
        rig_open(&r, 6, 21);
        rig_text(&r, TC, "220 Welcome\r\n", steps[i]);
        rig_text(&r, TS, "USER anonymous\r\n", steps[i]);
        rig_text(&r, TC, "331-please\r\n331 pass\r\n", steps[i]);
        rig_text(&r, TS, "PASV\r\n", steps[i]);
        rig_text(&r, TC, "227 Entering (198,51,100,2,195,80)\r\n", steps[i]);
        rig_text(&r, TS, "RETR a.bin\r\n", steps[i]);
        assert_int_equal(app_protocol(&r.flow), SIG_APP_FTP);
        assert_int_equal(app_tx_count(&r.flow), 4);
        rig_expect(&r, 1, TS, SIG_BUF_FTP_COMMAND, 0, "USER");
        assert_string_equal(rig_eve(&r, 1), "{\"ftp\":{\"command\":\"USER\",\"command_data\":"
                                            "\"anonymous\",\"completion_code\":[\"331\"],"
                                            "\"reply_received\":\"yes\"}}");
        /* The announced connection, on the same worker. */
        app_finish(r.app, &r.flow);
        app_flow_free(r.app, &r.flow);
        r.flow.server_port = 195 << 8 | 80;
        r.offset[0] = r.offset[1] = 0;
        rig_text(&r, TC, "file content", steps[i]);
        assert_int_equal(app_protocol(&r.flow), SIG_APP_FTP_DATA);
        rig_end(&r, TC);
        rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, 0, "file content");
        rig_close(&r);
    }
}

static void test_ssh(void **state)
{
    (void)state;
    static const char kex[] = "\0\0\0\x46\x04\x14"
                              "0123456789abcdef"
                              "\0\0\0\1k\0\0\0\1h\0\0\0\1a\0\0\0\1b\0\0\0\1c\0\0\0\1d\0\0\0\1e\0\0"
                              "\0\1f\0\0\0\0\0\0\0\0____";
    static const char keys[] = "\0\0\0\x06\x04\x15____";
    EACH_STEP(i)
    {
        struct rig r;
        rig_open(&r, 6, 2222);
        rig_text(&r, TC, "SSH-2.0-OpenThing_9.2 Extra\r\n", steps[i]);
        rig_text(&r, TS, "SSH-2.0-client\n", steps[i]);
        rig_feed(&r, TS, BYTES(kex), steps[i]);
        rig_feed(&r, TC, BYTES(kex), steps[i]);
        rig_expect(&r, 0, TC, SIG_BUF_SSH_PROTO, 0, "2.0");
        rig_expect(&r, 0, TC, SIG_BUF_SSH_SOFTWARE, 0, "OpenThing_9.2");
        rig_expect(&r, 0, TS, SIG_BUF_SSH_SOFTWARE, 0, "client");
        rig_expect(&r, 0, TS, SIG_BUF_SSH_HASSH_STRING, 0, "k;a;c;e");
        rig_expect(&r, 0, TC, SIG_BUF_SSH_HASSH_SERVER_STRING, 0, "k;b;d;f");
        rig_expect(&r, 0, TC, SIG_BUF_SSH_HASSH, 0, NULL);
        assert_false(r.encrypted);
        rig_feed(&r, TS, BYTES(keys), steps[i]);
        rig_feed(&r, TC, BYTES(keys), steps[i]);
        assert_true(r.encrypted);
        rig_close(&r);
    }
}

/* What a mail server and its client do that they should not, as the reference names it. */
static void test_smtp_events(void **state)
{
    (void)state;
    static const struct {
        const char *welcome, *to_server, *to_client, *event;
    } cases[] = {
        { "220 mx\r\n", "EHLO a\r\n", "250 ok\r\n", NULL },
        { "250 mx\r\n", "EHLO a\r\n", "250 ok\r\n", "no_server_welcome_message" },
        { "220 mx\r\n", "EHLO a\r\n", "999 no\r\n", "invalid_reply" },
        { "220 mx\r\n", "EHLO a\r\n", "25x no\r\n", "invalid_reply" },
        { "220 mx\r\n", "EHLO a\r\nHELO b\r\n", "250 ok\r\n250 ok\r\n", "duplicate_fields" },
        { "220 mx\r\n", "EHLO a\r\nMAIL FROM:<a>\r\nMAIL FROM:<b>\r\n",
          "250 ok\r\n250 ok\r\n250 ok\r\n", "duplicate_fields" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig r;
        int bit = cases[i].event ? app_event_find(SIG_APP_SMTP, cases[i].event) : 0;
        uint64_t want = cases[i].event ? UINT64_C(1) << bit : 0;
        assert_true(bit >= 0);
        rig_open(&r, 6, 25);
        rig_text(&r, TS, cases[i].to_server, 0);
        rig_text(&r, TC, cases[i].welcome, 0);
        rig_text(&r, TC, cases[i].to_client, 0);
        const struct app_tx *tx = rig_tx(&r, 0);
        if ((tx->events[0] | tx->events[1]) != want)
            fail_msg("case %zu: events %llx", i,
                     (unsigned long long)(tx->events[0] | tx->events[1]));
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smtp),          cmocka_unit_test(test_smtp_bdat_and_rejected),
        cmocka_unit_test(test_smtp_starttls), cmocka_unit_test(test_ftp),
        cmocka_unit_test(test_ssh),           cmocka_unit_test(test_smtp_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
