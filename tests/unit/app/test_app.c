/* SPDX-License-Identifier: Apache-2.0 */
/* The framework, detection, DNS, TLS and digests. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/slab.h"
#include "sensor/app/digest.h"
#include "sensor/app/parser.h"
#include "sensor/app/probe.h"
#include "sensor/app/x509.h"
#include "sensor/decode/packet.h"
#include "tests/unit/app/rig.h"

#define TS             SIG_DIR_TOSERVER
#define TC             SIG_DIR_TOCLIENT
#define BYTES(literal) literal, sizeof(literal) - 1

/* A self-signed certificate made for this test. */
static const uint8_t certificate[] = {
    0x30, 0x82, 0x01, 0xfa, 0x30, 0x82, 0x01, 0xa1, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x04, 0x00,
    0xf1, 0xe2, 0xd3, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x30,
    0x5b, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, 0x4a, 0x4d, 0x31, 0x14,
    0x30, 0x12, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x0b, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65,
    0x20, 0x4f, 0x72, 0x67, 0x31, 0x18, 0x30, 0x16, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0f, 0x77,
    0x77, 0x77, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x31, 0x1c,
    0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01, 0x16, 0x0d, 0x61,
    0x40, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x30, 0x1e, 0x17, 0x0d,
    0x32, 0x36, 0x31, 0x31, 0x32, 0x30, 0x32, 0x30, 0x32, 0x36, 0x34, 0x37, 0x5a, 0x17, 0x0d, 0x33,
    0x36, 0x31, 0x31, 0x31, 0x37, 0x32, 0x30, 0x32, 0x36, 0x34, 0x37, 0x5a, 0x30, 0x5b, 0x31, 0x0b,
    0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, 0x4a, 0x4d, 0x31, 0x14, 0x30, 0x12, 0x06,
    0x03, 0x55, 0x04, 0x0a, 0x0c, 0x0b, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x20, 0x4f, 0x72,
    0x67, 0x31, 0x18, 0x30, 0x16, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0f, 0x77, 0x77, 0x77, 0x2e,
    0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x31, 0x1c, 0x30, 0x1a, 0x06,
    0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01, 0x16, 0x0d, 0x61, 0x40, 0x65, 0x78,
    0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
    0x03, 0x42, 0x00, 0x04, 0x43, 0xa1, 0xa2, 0xf8, 0x21, 0x4a, 0x51, 0xbf, 0x24, 0x03, 0xf7, 0x24,
    0x67, 0x56, 0x34, 0xe5, 0xb6, 0x06, 0x12, 0x8d, 0x84, 0xb4, 0x70, 0xee, 0xa6, 0x5a, 0x6f, 0x88,
    0xc0, 0x94, 0xfc, 0x4c, 0x85, 0xeb, 0x28, 0xd7, 0x86, 0x2b, 0x1b, 0xfb, 0xa8, 0x20, 0xba, 0xb5,
    0x10, 0xf7, 0x9c, 0x0e, 0xbe, 0x66, 0x98, 0xee, 0x27, 0xde, 0x42, 0xf8, 0xda, 0xea, 0xb6, 0xb6,
    0xff, 0xa0, 0x1c, 0xb7, 0xa3, 0x53, 0x30, 0x51, 0x30, 0x1d, 0x06, 0x03, 0x55, 0x1d, 0x0e, 0x04,
    0x16, 0x04, 0x14, 0x7b, 0xec, 0xe3, 0x03, 0xa1, 0x51, 0x69, 0x41, 0xf3, 0x7c, 0x66, 0x93, 0x02,
    0x3b, 0xee, 0xbc, 0xbf, 0xef, 0xb3, 0xf1, 0x30, 0x1f, 0x06, 0x03, 0x55, 0x1d, 0x23, 0x04, 0x18,
    0x30, 0x16, 0x80, 0x14, 0x7b, 0xec, 0xe3, 0x03, 0xa1, 0x51, 0x69, 0x41, 0xf3, 0x7c, 0x66, 0x93,
    0x02, 0x3b, 0xee, 0xbc, 0xbf, 0xef, 0xb3, 0xf1, 0x30, 0x0f, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01,
    0x01, 0xff, 0x04, 0x05, 0x30, 0x03, 0x01, 0x01, 0xff, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x04, 0x03, 0x02, 0x03, 0x47, 0x00, 0x30, 0x44, 0x02, 0x20, 0x4e, 0xd2, 0xc3, 0xeb,
    0x3a, 0x41, 0xca, 0x81, 0xf4, 0x87, 0x17, 0xbc, 0xd4, 0xc3, 0x65, 0xbd, 0x3b, 0x0b, 0x40, 0xf6,
    0x51, 0x03, 0xe3, 0x64, 0x08, 0x5c, 0xc8, 0x41, 0x63, 0x59, 0x5a, 0x47, 0x02, 0x20, 0x13, 0x65,
    0x4c, 0x58, 0x61, 0x14, 0x2f, 0x85, 0x05, 0x84, 0x6b, 0x3e, 0x57, 0x54, 0xde, 0xb4, 0xe0, 0xaf,
    0x5d, 0x70, 0x8b, 0x3a, 0x63, 0xe3, 0xc8, 0x35, 0x3d, 0x73, 0x69, 0xbf, 0xd5, 0x25,
};
#define CERT_SHA1   "9d:24:55:24:ce:7d:6a:39:ef:54:ce:58:c3:c7:66:b1:ea:30:d2:c9"
#define CERT_BEFORE "2026-11-20T20:26:47"
#define CERT_AFTER  "2036-11-17T20:26:47"

static void test_digest(void **state)
{
    (void)state;
    char hex[33];
    uint8_t sha[20];
    app_md5_hex("", 0, hex);
    assert_string_equal(hex, "d41d8cd98f00b204e9800998ecf8427e");
    app_md5_hex("message digest", 14, hex);
    assert_string_equal(hex, "f96b697d7cb7938d525a2f31aaf161d0");
    app_md5_hex(
        BYTES("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
        hex);
    assert_string_equal(hex, "57edf4a22be3c955ac49da2e2107b67a");
    app_sha1("abc", 3, sha);
    assert_memory_equal(
        sha, "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d",
        20);
    app_sha1(BYTES("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), sha);
    assert_memory_equal(
        sha, "\x84\x98\x3e\x44\x1c\x3b\xd2\x6e\xba\xae\x4a\xa1\xf9\x51\x29\xe5\xe5\x46\x70\xf1",
        20);
}

/* However the bytes were cut, and around the block's size, a digest is that of the whole. */
static void test_digest_in_pieces(void **state)
{
    (void)state;
    uint8_t bytes[200], whole[APP_DIGEST_MAX], pieces[APP_DIGEST_MAX];
    char hex[2 * APP_DIGEST_MAX + 1];
    app_sha256("abc", 3, whole);
    app_hex(whole, 32, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    for (unsigned kind = 0; kind < APP_DIGEST_KINDS; kind++) {
        for (size_t len = 0; len <= sizeof(bytes); len++) {
            struct app_digest one, many;
            app_digest_begin(&one, kind);
            app_digest_add(&one, bytes, len);
            app_digest_begin(&many, kind);
            for (size_t at = 0; at < len; at += 13)
                app_digest_add(&many, bytes + at, len - at < 13 ? len - at : 13);
            uint32_t n = app_digest_end(&one, whole);
            assert_int_equal(app_digest_end(&many, pieces), n);
            assert_memory_equal(whole, pieces, n);
        }
    }
}

static void test_probe(void **state)
{
    (void)state;
    static const struct {
        unsigned proto, dir;
        uint16_t port;
        const char *bytes;
        unsigned len;
        enum sig_app want;
    } cases[] = {
        {6,   TS, 1234, BYTES("GET /"),                                   SIG_APP_HTTP1         },
        { 6,  TS, 1234, BYTES("get\t/"),                                  SIG_APP_HTTP1         },
        { 6,  TS, 80,   BYTES("GETX /"),                                  SIG_APP_UNKNOWN       },
        { 6,  TC, 1234, BYTES("HTTP/1.1 200"),                            SIG_APP_HTTP1         },
        { 6,  TC, 1234, BYTES("HTTP/3.1 200"),                            SIG_APP_UNKNOWN       },
        { 6,  TS, 9,    BYTES("PRI * HTTP/2.0\r\n\r\n"),                  SIG_APP_HTTP2         },
        { 6,  TS, 9,    BYTES("\x16\x03\x01\x02\x00\x01"),                SIG_APP_TLS           },
        { 6,  TS, 443,  BYTES("\x16\x03\x04\x02\x00\x01"),                SIG_APP_TLS           },
        { 6,  TS, 444,  BYTES("\x16\x03\x04\x02\x00\x01"),                SIG_APP_UNKNOWN       },
        { 6,  TS, 2222, BYTES("SSH-2.0-x"),                               SIG_APP_SSH           },
        { 6,  TC, 25,   BYTES("220 mx ESMTP"),                            SIG_APP_SMTP          },
        { 6,  TC, 26,   BYTES("220 mx ESMTP"),                            SIG_APP_UNKNOWN       },
        { 6,  TC, 26,   BYTES("220 (vsFTPd)"),                            SIG_APP_FTP           },
        { 6,  TS, 26,   BYTES("user x"),                                  SIG_APP_FTP           },
        { 6,  TS, 26,   BYTES("ehlo x"),                                  SIG_APP_SMTP          },
        { 6,  TS, 9,    BYTES("\0\0\0\x40\xfeSMB\x40\0"),                 SIG_APP_SMB           },
        { 17, TS, 53,   BYTES("\0\1\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"),   SIG_APP_DNS           },
        { 17, TS, 54,   BYTES("\0\1\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"),   SIG_APP_UNKNOWN       },
        { 17, TS, 53,   BYTES("\0\1\1\0\xff\1\0\0\0\0\0\0\1a\0\0\1\0\1"), SIG_APP_UNKNOWN       },
        { 17, TS, 9,    BYTES("d1:ad2:id20:xxxx"),                        SIG_APP_BITTORRENT_DHT},
        { 17, TS, 1900, BYTES("NOTIFY * HTTP/1.1"),                       SIG_APP_UNKNOWN       },
        { 17, TS, 9,    BYTES("INVITE sip:a@b SIP/2.0"),                  SIG_APP_SIP           },
        { 17, TS, 161,  BYTES("\x30\x26\x02\x01\x01\x04\x06public"),      SIG_APP_SNMP          },
        { 6,  TC, 9,    BYTES("RFB 003.008\n"),                           SIG_APP_RFB           },
        { 6,  TC, 143,  BYTES("* OK ready"),                              SIG_APP_UNKNOWN       },
    };
    struct app_probes *probes = app_probes_create();
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool over;
        enum sig_app got = app_probe(probes, cases[i].proto, cases[i].dir, cases[i].port,
                                     (const uint8_t *)cases[i].bytes, cases[i].len, &over);
        if (got != cases[i].want)
            fail_msg("case %u (%s): %s", i, cases[i].bytes, sig_app_name(got));
    }
    app_probes_free(probes);
}

static void test_unknown(void **state)
{
    (void)state;
    struct rig r;
    char noise[100];
    memset(noise, 'z', sizeof(noise));
    rig_open(&r, 6, 9999);
    rig_feed(&r, TS, noise, sizeof(noise), 0);
    assert_int_equal(app_protocol(&r.flow), SIG_APP_UNKNOWN);
    assert_int_equal(app_side(&r.flow, TS), SIG_APP_UNKNOWN); /* the other side may yet tell */
    assert_false(app_side_news(&r.flow, TS, r.packet + 1));
    rig_feed(&r, TC, noise, sizeof(noise), 0);
    assert_int_equal(app_protocol(&r.flow), SIG_APP_FAILED);
    assert_int_equal(app_side(&r.flow, TS), SIG_APP_FAILED);
    for (unsigned d = 0; d < 2; d++) {
        assert_false(app_side_news(&r.flow, d, r.packet)); /* the packet that settled it */
        assert_true(app_side_news(&r.flow, d, r.packet + 1));
        assert_false(app_side_news(&r.flow, d, r.packet + 2));
    }
    assert_true(r.stop[TS] && r.stop[TC]);
    rig_close(&r);
}

/* Each side is settled by its own bytes, and only by as many as its patterns may want. */
static void test_sides(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 9999);
    rig_text(&r, TS, "GET / HTTP/1.1\r\n\r\n", 0);
    assert_int_equal(app_side(&r.flow, TS), SIG_APP_HTTP1);
    assert_true(app_side_news(&r.flow, TS, r.packet + 1));
    assert_int_equal(app_side(&r.flow, TC), SIG_APP_UNKNOWN);
    rig_text(&r, TC, "HTTP/1.", 0);
    assert_int_equal(app_side(&r.flow, TC), SIG_APP_UNKNOWN);
    assert_false(app_side_news(&r.flow, TC, r.packet + 1));
    rig_text(&r, TC, "1 200 OK\r\n\r\n", 0);
    assert_int_equal(app_side(&r.flow, TC), SIG_APP_HTTP1);
    assert_true(app_side_news(&r.flow, TC, r.packet + 1));
    rig_close(&r);

    rig_open(&r, 6, 9999);
    rig_text(&r, TS, "GET / HTTP/1.1\r\n\r\n", 0);
    rig_text(&r, TC, "nay or yes", 0);
    assert_int_equal(app_side(&r.flow, TC), SIG_APP_FAILED);
    rig_close(&r);

    rig_open(&r, 6, 9999);
    rig_text(&r, TS, "short", 0); /* a longer pattern might begin so for all that is counted */
    rig_text(&r, TC, "short", 0);
    assert_int_equal(app_protocol(&r.flow), SIG_APP_UNKNOWN);
    rig_close(&r);
}

/* A direction's first datagram asks for both: rules run with it, and with the next of each. */
static void test_datagram_sides(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 17, 9999);
    rig_datagram(&r, TS, "nothing", 7);
    assert_int_equal(app_side(&r.flow, TS), SIG_APP_FAILED);
    assert_int_equal(app_side(&r.flow, TC), SIG_APP_UNKNOWN);
    assert_true(app_side_news(&r.flow, TS, r.packet));
    rig_datagram(&r, TS, "nothing", 7);
    assert_true(app_side_news(&r.flow, TS, r.packet));
    rig_datagram(&r, TS, "nothing", 7);
    assert_false(app_side_news(&r.flow, TS, r.packet));
    rig_datagram(&r, TC, "SIP/2.0 200 OK\r\n\r\n", 18);
    assert_int_equal(app_side(&r.flow, TS), SIG_APP_FAILED); /* its own said nothing */
    assert_int_equal(app_side(&r.flow, TC), SIG_APP_SIP);
    for (unsigned i = 0; i < 2; i++)
        assert_true(app_side_news(&r.flow, TC, r.packet + i));
    assert_false(app_side_news(&r.flow, TC, r.packet + 2));
    assert_true(app_side_news(&r.flow, TS, r.packet + 3));
    rig_close(&r);
}

/** Whether the last bytes made detection say `name`. */
static bool says(const struct rig *r, const char *name)
{
    int bit = app_event_find(SIG_APP_UNKNOWN, name);
    return bit >= 0 && r->last.events >> bit & 1;
}

static void test_detection_events(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 9999);
    rig_text(&r, TS, "GET / HTTP/1.1\r\n\r\n", 0);
    assert_int_equal(r.last.events, 0);
    rig_text(&r, TC, "nay", 0); /* too little to say */
    assert_int_equal(r.last.events, 0);
    rig_text(&r, TC, " or yes", 0);
    assert_true(says(&r, "applayer_detect_protocol_only_one_direction"));
    rig_text(&r, TC, " once only", 0);
    assert_int_equal(r.last.events, 0);
    rig_close(&r);

    rig_open(&r, 6, 9999);
    rig_text(&r, TS, "GET / HTTP/1.1\r\n\r\n", 0);
    rig_text(&r, TC, "SSH-2.0-x\r\n", 0);
    assert_true(says(&r, "applayer_mismatch_protocol_both_directions"));
    rig_close(&r);

    rig_open(&r, 6, 9999);
    rig_text(&r, TS, "something else altogether", 0);
    rig_text(&r, TC, "HTTP/1.1 200 OK\r\n\r\n", 0);
    assert_true(says(&r, "applayer_detect_protocol_only_one_direction"));
    rig_close(&r);
    assert_int_equal(app_event_find(SIG_APP_HTTP1, "applayer_unexpected_protocol"), -1);
}

/* ---- DNS ----------------------------------------------------------------------------------- */

#define QUERY                                                                                      \
    "\x12\x34\x01\x00\0\2\0\0\0\0\0\0\3www\7Example\3org\0\0\1\0\1\4mail\xc0\x10\0\x1c\0\1"
#define ANSWER "\x12\x34\x81\x83\0\1\0\0\0\0\0\0\3www\7Example\3org\0\0\1\0\1"

static void test_dns_udp(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 17, 53);
    rig_datagram(&r, TS, BYTES(QUERY));
    rig_datagram(&r, TC, BYTES(ANSWER));
    assert_int_equal(app_protocol(&r.flow), SIG_APP_DNS);
    assert_int_equal(app_tx_count(&r.flow), 2);
    rig_expect(&r, 0, TS, SIG_BUF_DNS_QUERY, 0, "www.Example.org");
    rig_expect(&r, 0, TS, SIG_BUF_DNS_QUERY, 1, "mail.Example.org");
    rig_expect(&r, 0, TS, SIG_BUF_DNS_QUERY, 2, NULL);
    rig_expect(&r, 1, TC, SIG_BUF_DNS_QUERY, 0, NULL);
    assert_true(rig_tx(&r, 0)->one_way);
    assert_string_equal(rig_eve(&r, 0),
                        "{\"dns\":{\"query\":[{\"type\":\"query\",\"id\":4660,\"rrname\":\"www."
                        "Example.org\",\"rrtype\":\"A\",\"tx_id\":0,"
                        "\"opcode\":0},{\"type\":\"query\",\"id\":4660,\"rrname\":\"mail.Example."
                        "org\",\"rrtype\":\"AAAA\",\"tx_id\":0,"
                        "\"opcode\":0}]}}");
    assert_string_equal(rig_eve(&r, 1), "{\"dns\":{\"answer\":{\"version\":2,\"type\":\"answer\","
                                        "\"id\":4660,\"flags\":\"8183\",\"qr\":true,\"rd\":true,"
                                        "\"ra\":true,\"opcode\":0,\"rrname\":\"www.Example.org\","
                                        "\"rrtype\":\"A\",\"rcode\":\"NXDOMAIN\"}}}");
    rig_close(&r);
}

/** Names that go round, have too many labels, or are too long are read and noted. */
static void test_dns_odd_names(void **state)
{
    (void)state;
    struct rig r;
    char query[600] = "\0\1\1\0\0\1\0\0\0\0\0\0";
    size_t n = 12;
    rig_open(&r, 17, 53);
    rig_datagram(&r, TS, BYTES("\0\1\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1")); /* the root */
    rig_expect(&r, 0, TS, SIG_BUF_DNS_QUERY, 0, NULL);
    rig_close(&r);

    rig_open(&r, 17, 53);
    rig_datagram(&r, TS, BYTES("\0\1\1\0\0\1\0\0\0\0\0\0\1a\xc0\x14\0\1\0\1\xc0\x14"));
    assert_true(rig_tx(&r, 0)->events[TS] >> app_event_find(SIG_APP_DNS, "infinite_loop") & 1);
    rig_expect(&r, 0, TS, SIG_BUF_DNS_QUERY, 0, "a");
    rig_close(&r);

    rig_open(&r, 17, 53);
    rig_datagram(&r, TS, BYTES("\0\1\1\0\0\1\0\0\0\0\0\0\1a\xc0\x0c\0\1\0\1"));
    assert_true(rig_tx(&r, 0)->events[TS] >> app_event_find(SIG_APP_DNS, "too_many_labels") & 1);
    rig_close(&r);

    for (; n < 12 + 2 * 250; n += 2)
        memcpy(query + n, "\1b", 2);
    memcpy(query + n, "\0\0\1\0\1", 5);
    rig_open(&r, 17, 53);
    rig_datagram(&r, TS, BYTES(QUERY));
    rig_datagram(&r, TS, query, n + 5);
    assert_int_equal(rig_tx(&r, 1)->events[TS], 0);
    rig_close(&r);
}

static void test_ntp(void **state)
{
    (void)state;
    struct rig r;
    char ask[48] = { 0x23 }, answer[48] = { 0x24 };
    rig_open(&r, 17, 123);
    rig_datagram(&r, TS, ask, sizeof(ask));
    rig_datagram(&r, TC, answer, sizeof(answer));
    assert_int_equal(app_protocol(&r.flow), SIG_APP_NTP);
    assert_int_equal(app_tx_count(&r.flow), 1);
    assert_true(rig_tx(&r, 0)->one_way);
    rig_datagram(&r, TC, answer, 20);
    assert_true(rig_tx(&r, 0)->events[TC] >> app_event_find(SIG_APP_NTP, "malformed_data") & 1);
    rig_close(&r);
}

static void test_dns_tcp(void **state)
{
    (void)state;
    for (size_t step = 0; step < 9; step += 4) {
        struct rig r;
        char stream[2 * (sizeof(QUERY) + 1)];
        size_t n = sizeof(QUERY) - 1;
        for (unsigned i = 0; i < 2; i++) {
            stream[i * (n + 2)] = 0;
            stream[i * (n + 2) + 1] = (char)n;
            memcpy(stream + i * (n + 2) + 2, QUERY, n);
        }
        rig_open(&r, 6, 53);
        rig_feed(&r, TS, stream, 2 * (n + 2), step);
        rig_expect(&r, 1, TS, SIG_BUF_DNS_QUERY, 1, "mail.Example.org");
        assert_int_equal(app_tx_count(&r.flow), 2);
        rig_close(&r);
    }
}

#define EMPTY_RECORD                                                                               \
    "\x12\x34\xa8\x05\0\1\0\0\0\1\0\0\7example\3org\0\0\6\0\1\xc0\x0c\0\xff\0\xff\0\0\0\0\0\0"

/** A response whose record has no data counts against the query before, in that query's direction. */
static void test_dns_record_without_data(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 17, 53);
    rig_datagram(&r, TS, BYTES(QUERY));
    rig_datagram(&r, TC, BYTES(EMPTY_RECORD));
    assert_int_equal(app_tx_count(&r.flow), 1);
    assert_int_not_equal(rig_tx(&r, 0)->events[TS], 0);
    assert_int_equal(rig_tx(&r, 0)->events[TC], 0);
    rig_close(&r);
}

/** Loops, cut names and wild counts make no transaction and no harm. */
static void test_dns_hostile(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 17, 53);
    rig_datagram(&r, TS, BYTES(QUERY));
    rig_datagram(&r, TS, BYTES("\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"));
    rig_datagram(&r, TS, BYTES("\0\1\1\0\0\1\0\0\0\0\0\0\x3fshort"));
    rig_datagram(&r, TS, BYTES("\0\1\1\0"));
    rig_datagram(&r, TS, BYTES(ANSWER));
    assert_int_equal(app_tx_count(&r.flow), 1);
    assert_int_not_equal(rig_tx(&r, 0)->events[TS], 0);
    assert_int_equal(app_event_find(SIG_APP_DNS, "malformed_data"), 0);
    assert_int_equal(app_event_find(SIG_APP_DNS, "no such"), -1);
    rig_close(&r);
}

/* ---- TLS ----------------------------------------------------------------------------------- */

/** A handshake message in one record, or split over two. */
static void record(struct buf *out, uint8_t type, const void *body, size_t len)
{
    buf_byte(out, type);
    buf_be16(out, 0x0301);
    buf_be16(out, (uint16_t)len);
    buf_add(out, body, len);
}

static void client_hello(struct buf *out)
{
    static const char body[] = "\x01\0\0\x71"
                               "\x03\x03"
                               "0123456789abcdef0123456789abcdef\0"
                               "\0\x08\x0a\x0a\x13\x01\xc0\x2b\0\x2f"
                               "\x01\0"
                               "\0\x40"
                               "\x1a\x1a\0\0"
                               "\0\0\0\x14\0\x12\0\0\x0fwww.example.org"
                               "\0\x0a\0\x08\0\x06\x2a\x2a\0\x1d\0\x17"
                               "\0\x0b\0\x02\x01\0"
                               "\0\x17\0\0"
                               "\0\x2b\0\x05\x04\x3a\x3a\x03\x03"
                               "\xff\x01\0\x01\0";
    record(out, 22, body, 50);
    record(out, 22, body + 50, sizeof(body) - 1 - 50);
}

static void server_flight(struct buf *out)
{
    static const char hello[] = "\x02\0\0\x2d\x03\x03"
                                "FEDCBA9876543210FEDCBA9876543210\0"
                                "\xc0\x2b\0\0\x05\xff\x01\0\x01\0";
    struct buf cert;
    buf_init(&cert, 65536);
    buf_add(&cert, hello, sizeof(hello) - 1);
    size_t n = sizeof(certificate);
    buf_byte(&cert, 11);
    buf_byte(&cert, 0);
    buf_be16(&cert, (uint16_t)(n + 6));
    buf_byte(&cert, 0);
    buf_be16(&cert, (uint16_t)(n + 3));
    buf_byte(&cert, 0);
    buf_be16(&cert, (uint16_t)n);
    buf_add(&cert, certificate, n);
    buf_add(&cert, "\x0e\0\0\0", 4);
    record(out, 22, cert.data, cert.len);
    buf_free(&cert);
}

static void test_tls(void **state)
{
    (void)state;
    static const size_t steps[] = { 0, 1, 7 };
    for (unsigned i = 0; i < 3; i++) {
        struct rig r;
        struct buf client, server;
        buf_init(&client, 65536);
        buf_init(&server, 65536);
        client_hello(&client);
        server_flight(&server);
        rig_open(&r, 6, 8443);
        rig_feed(&r, TS, client.data, 54, steps[i]);
        assert_false(r.trigger[TS]); /* not before the first record is whole */
        rig_feed(&r, TS, client.data + 54, client.len - 54, steps[i]);
        assert_true(r.trigger[TS]);
        assert_int_equal(rig_tx(&r, 0)->events[TS], 0);
        rig_feed(&r, TC, server.data, server.len, steps[i]);
        rig_expect(&r, 0, TS, SIG_BUF_TLS_SNI, 0, "www.example.org");
        rig_expect(&r, 0, TS, SIG_BUF_JA3_STRING, 0,
                   "771,4865-49195-47,0-10-11-23-43-65281,29-23,0");
        rig_expect(&r, 0, TS, SIG_BUF_JA4_HASH, 0, "t12d030600_58a34ed92d94_0d9483a76cb3");
        rig_expect(&r, 0, TC, SIG_BUF_JA3S_STRING, 0, "771,49195,65281");
        rig_expect(&r, 0, TC, SIG_BUF_TLS_CERT_SUBJECT, 0,
                   "C=JM, O=Example Org, CN=www.example.org, Email=a@example.org");
        rig_expect(&r, 0, TC, SIG_BUF_TLS_CERT_SERIAL, 0, "00:F1:E2:D3");
        rig_expect(&r, 0, TC, SIG_BUF_TLS_CERT_FINGERPRINT, 0, CERT_SHA1);
        rig_expect(&r, 0, TC, SIG_BUF_TLS_VERSION, 0, "1.2");
        rig_expect(&r, 0, TS, SIG_BUF_TLS_RANDOM_TIME, 0, "0123");
        struct app_view view;
        assert_true(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 0), TC, SIG_BUF_TLS_CERTS, 0, &view));
        assert_memory_equal(view.data, certificate, sizeof(certificate));
        assert_false(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 0), TC, SIG_BUF_TLS_CERTS, 1, &view));
        assert_false(r.encrypted);
        assert_int_equal(rig_tx(&r, 0)->progress[TC], SIG_PROGRESS_HEADERS);
        assert_non_null(strstr(rig_eve(&r, 0),
                               "\"notbefore\":\"" CERT_BEFORE "\",\"notafter\":\"" CERT_AFTER
                               "\",\"sni\":\"www.example.org\",\"version\":\"TLS 1.2\""));
        rig_feed(&r, TC, BYTES("\x17\x03\x03\0\1x"), steps[i]);
        assert_true(r.encrypted);
        assert_int_equal(rig_tx(&r, 0)->progress[TS], SIG_PROGRESS_DONE);
        rig_close(&r);
        buf_free(&client);
        buf_free(&server);
    }
}

/** A NUL in the issuer hides nothing: issuer and what comes behind it have no text, the subject has. */
static void test_tls_issuer_with_nul(void **state)
{
    (void)state;
    struct rig r;
    struct buf client, server;
    buf_init(&client, 65536);
    buf_init(&server, 65536);
    client_hello(&client);
    server_flight(&server);
    /* The issuer comes first in the bytes; "Example" of both names is spelt the same. */
    uint8_t *at = memmem(server.data, server.len, "Example", 7);
    assert_non_null(at);
    at[3] = 0;
    rig_open(&r, 6, 8443);
    rig_feed(&r, TS, client.data, client.len, 0);
    rig_feed(&r, TC, server.data, server.len, 0);
    rig_expect(&r, 0, TC, SIG_BUF_TLS_CERT_SUBJECT, 0,
               "C=JM, O=Example Org, CN=www.example.org, Email=a@example.org");
    rig_expect(&r, 0, TC, SIG_BUF_TLS_CERT_ISSUER, 0, NULL);
    rig_expect(&r, 0, TC, SIG_BUF_TLS_CERT_SERIAL, 0, NULL);
    rig_close(&r);
    buf_free(&client);
    buf_free(&server);
}

/** Times of certificates (RFC 5280 4.1.2.5), as text and in seconds; NULL: none. */
static void test_x509_times(void **state)
{
    (void)state;
    static const struct {
        const char *digits;
        bool four;
        const char *text;
        int64_t seconds;
    } cases[] = {
        { "700101000000Z", false, "1970-01-01T00:00:00", 0 },
        { "491231235959Z", false, "2049-12-31T23:59:59", INT64_C(2524607999) },
        { "500101000000Z", false, "1950-01-01T00:00:00", INT64_C(-631152000) },
        { "20000229120102Z", true, "2000-02-29T12:01:02", INT64_C(951825662) },
        { "21000301000000Z", true, "2100-03-01T00:00:00", INT64_C(4107542400) },
        { "201302000000Z", false, "2020-13-02T00:00:00", -1 }, /* no month: text alone */
        { "2a0101000000Z", false, NULL, -1 },
        { "20010100000Z", false, NULL, -1 },
        { "200101000000Z", true, NULL, -1 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cursor c = cursor_make(cases[i].digits, strlen(cases[i].digits));
        char text[20] = "";
        int64_t seconds = -1;
        assert_int_equal(x509_time_text(c, cases[i].four, text), cases[i].text != NULL);
        assert_string_equal(text, cases[i].text ? cases[i].text : "");
        assert_int_equal(x509_time_seconds(c, cases[i].four, &seconds), cases[i].seconds != -1);
        assert_true(seconds == cases[i].seconds);
    }
}

/* What is odd about records and hellos, as the reference names it. */
static void test_tls_events(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *event;
    } cases[] = {
        { "\x16\x03\x01\0\x06\x01\0\0\x02\x03\x03", 11, "handshake_invalid_length" },
        { "\x16\x03\x01\0\x04\x02\0\0\0", 9, "invalid_handshake_message" },
        { "\x16\x03\x01\0\x04\x10\0\0\0\x20\x03\x01\0\x01z", 15, "invalid_record_type" },
        { "\x16\x03\x01\0\x04\x10\0\0\0\x99\x03\x01\0\x01z", 15, NULL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig r;
        int bit = cases[i].event ? app_event_find(SIG_APP_TLS, cases[i].event) : 0;
        uint64_t want = cases[i].event ? UINT64_C(1) << bit : 0;
        assert_true(bit >= 0);
        rig_open(&r, 6, 443);
        rig_feed(&r, TS, cases[i].bytes, cases[i].len, 0);
        if (rig_tx(&r, 0)->events[TS] != want)
            fail_msg("case %zu: events %llx", i, (unsigned long long)rig_tx(&r, 0)->events[TS]);
        rig_close(&r);
    }
}

static void test_tls_hostile(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 443);
    rig_feed(&r, TS, BYTES("\x16\x03\x01\0\x04\x01\xff\xff\xff\x16\x03\x01\0\x02zz"), 0);
    assert_int_equal(r.slots[APP_COUNT_HANDSHAKE_LIMIT], 1);
    rig_feed(&r, TS, BYTES("\x99\x03\x01\0\x04zzzz"), 0);
    assert_true(r.stop[TS]);
    assert_int_equal(r.slots[APP_COUNT_GAVE_UP], 1);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_digest_in_pieces),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_sides),
        cmocka_unit_test(test_datagram_sides),
        cmocka_unit_test(test_detection_events),
        cmocka_unit_test(test_dns_udp),
        cmocka_unit_test(test_dns_odd_names),
        cmocka_unit_test(test_ntp),
        cmocka_unit_test(test_dns_tcp),
        cmocka_unit_test(test_dns_hostile),
        cmocka_unit_test(test_dns_record_without_data),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_tls_issuer_with_nul),
        cmocka_unit_test(test_x509_times),
        cmocka_unit_test(test_tls_events),
        cmocka_unit_test(test_tls_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
