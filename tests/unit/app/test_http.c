/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1: the same buffers from any segmentation. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "sensor/app/digest.h"
#include "sensor/app/http.h"
#include "tests/unit/app/rig.h"

#define TS SIG_DIR_TOSERVER
#define TC SIG_DIR_TOCLIENT

static const size_t steps[] = { 0, 1, 7, 100 };
#define EACH_STEP(i) for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)

struct buffer_case {
    unsigned tx, dir;
    enum sig_buffer buffer;
    uint32_t index;
    const char *want;
};

/** Feed request and response in every segmentation and check all cases. */
static void check(const char *request, const char *response, const struct buffer_case *cases,
                  unsigned count)
{
    EACH_STEP(i)
    {
        struct rig r;
        rig_open(&r, 6, 80);
        rig_text(&r, TS, request, steps[i]);
        rig_text(&r, TC, response, steps[i]);
        assert_int_equal(app_protocol(&r.flow), SIG_APP_HTTP1);
        for (unsigned c = 0; c < count; c++)
            rig_expect(&r, cases[c].tx, cases[c].dir, cases[c].buffer, cases[c].index,
                       cases[c].want);
        rig_close(&r);
    }
}
#define CHECK(request, response, cases)                                                            \
    check(request, response, cases, sizeof(cases) / sizeof((cases)[0]))

static void test_simple(void **state)
{
    (void)state;
    static const struct buffer_case cases[] = {
        {0,  TS, SIG_BUF_HTTP_METHOD,         0, "GET"                                  },
        { 0, TS, SIG_BUF_HTTP_URI,            0, "/a b/c?x=1 2"                         },
        { 0, TS, SIG_BUF_HTTP_URI_RAW,        0, "/a%20b//./d/../c?x=1%202"             },
        { 0, TS, SIG_BUF_HTTP_PROTOCOL,       0, "HTTP/1.1"                             },
        { 0, TS, SIG_BUF_HTTP_HOST,           0, "www.example.org"                      },
        { 0, TS, SIG_BUF_HTTP_HOST_RAW,       0, "WWW.Example.org:8080"                 },
        { 0, TS, SIG_BUF_HTTP_USER_AGENT,     0, "probe/1.0"                            },
        { 0, TS, SIG_BUF_HTTP_COOKIE,         0, "a=b"                                  },
        { 0, TS, SIG_BUF_HTTP_REFERER,        0, NULL                                   },
        { 0, TS, SIG_BUF_HTTP_HEADER,         0,
         "Host: WWW.Example.org:8080\r\nUser-Agent: probe/1.0\r\nX-Two: one, two\r\n"   },
        { 0, TS, SIG_BUF_HTTP_HEADER_NAMES,   0,
         "\r\nHost\r\nUser-Agent\r\nCookie\r\nX-Two\r\n\r\n"                            },
        { 0, TS, SIG_BUF_HTTP_REQUEST_LINE,   0, "GET /a%20b//./d/../c?x=1%202 HTTP/1.1"},
        { 0, TS, SIG_BUF_HTTP_START,          0,
         "GET /a%20b//./d/../c?x=1%202 HTTP/1.1\r\nHost: WWW.Example.org:8080\r\nUser-Agent: "
          "probe/1.0\r\n"
          "Cookie: a=b\r\nX-Two: one, two\r\n\r\n"                                      },
        { 0, TS, SIG_BUF_HTTP_REQUEST_HEADER, 1, "User-Agent: probe/1.0"                },
        { 0, TS, SIG_BUF_HTTP_REQUEST_HEADER, 4, NULL                                   },
        { 0, TS, SIG_BUF_HTTP_STAT_CODE,      0, NULL                                   },
        { 0, TC, SIG_BUF_HTTP_STAT_CODE,      0, "200"                                  },
        { 0, TC, SIG_BUF_HTTP_STAT_MSG,       0, "All right"                            },
        { 0, TC, SIG_BUF_HTTP_SERVER,         0, "thing one"                            },
        { 0, TC, SIG_BUF_HTTP_CONTENT_TYPE,   0, "text/plain; charset=x"                },
        { 0, TC, SIG_BUF_FILE_DATA,           0, "hello"                                },
        { 0, TC, SIG_BUF_HTTP_RESPONSE_BODY,  0, "hello"                                },
        { 0, TC, SIG_BUF_HTTP_RESPONSE_LINE,  0, "HTTP/1.1 200 All right"               },
    };
    CHECK(
        "GET /a%20b//./d/../c?x=1%202 HTTP/1.1\r\nHost: WWW.Example.org:8080\r\nUser-Agent:  "
        "probe/1.0 \r\n"
        "Cookie: a=b\r\nX-Two: one\r\nX-Two: two\r\n\r\n",
        "HTTP/1.1 200 All right\r\nServer: thing\r\n one\r\nContent-Type: text/plain; charset=x\r\n"
        "Content-Length: 5\r\n\r\nhello",
        cases);
}

static void test_chunked_pipelined(void **state)
{
    (void)state;
    static const struct buffer_case cases[] = {
        {0,  TS, SIG_BUF_HTTP_REQUEST_BODY,  0, "abcdefgh"                                    },
        { 1, TS, SIG_BUF_HTTP_METHOD,        0, "HEAD"                                        },
        { 2, TS, SIG_BUF_HTTP_URI,           0, "/third"                                      },
        { 2, TS, SIG_BUF_HTTP_HOST,          0, "other.example.org"                           },
        { 0, TC, SIG_BUF_FILE_DATA,          0, "one two"                                     },
        { 0, TC, SIG_BUF_HTTP_HEADER,        0, "Transfer-Encoding: chunked\r\nX-End: yes\r\n"},
        { 1, TC, SIG_BUF_FILE_DATA,          0, NULL                                          },
        { 1, TC, SIG_BUF_HTTP_CONTENT_LEN,   0, "700"                                         },
        { 2, TC, SIG_BUF_HTTP_STAT_CODE,     0, "404"                                         },
        { 2, TC, SIG_BUF_HTTP_RESPONSE_BODY, 0, "not here"                                    },
    };
    CHECK("POST /first HTTP/1.1\r\nTransfer-Encoding: "
          "chunked\r\n\r\n3\r\nabc\r\n05;x=y\r\ndefgh\r\n0\r\n\r\n"
          "HEAD /second HTTP/1.1\r\n\r\nGET http://Other.example.org:81/third HTTP/1.0\r\nHost: "
          "not.this\r\n\r\n",
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
          "chunked\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n"
          "X-End: yes\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n"
          "HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\nnot here",
          cases);
}

static void test_uri(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *want;
    } cases[] = {
        {"/index.html",                        "/index.html"     },
        { "/%2e%2e/%2E/x",                     "/x"              },
        { "/a/../../b",                        "/b"              },
        { "/a\\b\\..\\c",                      "/a/c"            },
        { "/%2fa%2Fb",                         "/a/b"            },
        { "/%zz%4",                            "/%zz%4"          },
        { "/%u0041%uff0f%U0062",               "/A/b"            },
        { "/%c0%afetc",                        "//etc"           },
        { "/x%E2%81%84y",                      "/x/y"            },
        { "/%2541",                            "/%41"            },
        { "/a+b?c+d%2Fe%u0041",                "/a+b?c+d/e%u0041"},
        { "/?q=../..",                         "/?q=../.."       },
        { "/p#frag%20",                        "/p#frag%20"      },
        { "http://h.example.org/p?q",          "/p?q"            },
        { "http://user:pw@h.example.org:80?q", "?q"              },
        { "*",                                 "*"               },
        { "/dir/.",                            "/dir/"           },
        { "/dir/..",                           "/"               },
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig r;
        char request[256];
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n\r\n", cases[i].raw);
        rig_open(&r, 6, 80);
        rig_text(&r, TS, request, 0);
        rig_expect(&r, 0, TS, SIG_BUF_HTTP_URI, 0, cases[i].want);
        rig_close(&r);
    }
}

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line, *method, *uri, *protocol;
    } cases[] = {
        {"GET /a b c HTTP/1.1",  "GET",     "/a b c", "HTTP/1.1"},
        { "GET\t/tab\tHTTP/1.1", "GET",     "/tab",   "HTTP/1.1"},
        { "GET /nine",           "GET",     "/nine",  NULL      },
        { "OPTIONS * HTTP/1.0",  "OPTIONS", "*",      "HTTP/1.0"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig r;
        rig_open(&r, 6, 8000);
        rig_text(&r, TS, cases[i].line, 3);
        rig_text(&r, TS, "\r\n\r\n", 0);
        rig_expect(&r, 0, TS, SIG_BUF_HTTP_METHOD, 0, cases[i].method);
        rig_expect(&r, 0, TS, SIG_BUF_HTTP_URI_RAW, 0, cases[i].uri);
        rig_expect(&r, 0, TS, SIG_BUF_HTTP_PROTOCOL, 0, cases[i].protocol);
        rig_close(&r);
    }
}

/** Compress with gzip (`bits` 31), zlib (15) or raw deflate (-15); `end`: as a whole stream. */
static size_t deflate_some(const void *in, size_t len, int bits, bool end, uint8_t *out, size_t cap)
{
    z_stream z = { 0 };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, end ? Z_FINISH : Z_SYNC_FLUSH), end ? Z_STREAM_END : Z_OK);
    size_t n = z.total_out;
    assert_int_equal(deflateEnd(&z), end ? Z_OK : Z_DATA_ERROR); /* it was left before its end */
    return n;
}

static size_t deflate_all(const void *in, size_t len, int bits, uint8_t *out, size_t cap)
{
    return deflate_some(in, len, bits, true, out, cap);
}

/** A request and its response, on a connection that may have had others. */
static void exchange_compressed(struct rig *r, const char *encoding, const uint8_t *body,
                                size_t len, size_t step)
{
    char head[200];
    snprintf(head, sizeof(head),
             "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n", encoding,
             len);
    rig_text(r, TS, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0);
    rig_text(r, TC, head, step);
    rig_feed(r, TC, body, len, step);
}

static void response_compressed(struct rig *r, const char *encoding, const uint8_t *body,
                                size_t len, size_t step)
{
    rig_open(r, 6, 80);
    exchange_compressed(r, encoding, body, len, step);
}

static void test_compressed(void **state)
{
    (void)state;
    static const char text[] =
        "the quick brown fox jumps over the lazy dog, the lazy dog, the lazy dog";
    static const struct {
        const char *encoding;
        int bits, second;
    } cases[] = {
        {"gzip",           31,  0 },
        { "x-gzip",        31,  0 },
        { "deflate",       15,  0 },
        { "deflate",       -15, 0 },
        { "gzip, deflate", 31,  15},
        { "gzip,gzip",     31,  31}
    };
    for (unsigned c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
        EACH_STEP(i)
        {
            uint8_t one[512], two[512];
            size_t n = deflate_all(text, strlen(text), cases[c].bits, one, sizeof(one));
            if (cases[c].second) {
                n = deflate_all(one, n, cases[c].second, two, sizeof(two));
                memcpy(one, two, n);
            }
            struct rig r;
            response_compressed(&r, cases[c].encoding, one, n, steps[i]);
            rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, 0, text);
            rig_close(&r);
        }
}

/** What stands before an error is seen, however short, and with pieces of any length. */
static void test_broken_end(void **state)
{
    (void)state;
    static const char text[] = "what stands before the error";
    /* A copy from 32,768 bytes back (RFC 1951 3.2.5): the bits of a last block with fixed codes,
     * length 257, distance 29 and its extra bits. */
    static const uint8_t far[] = { 0x03, 0xde, 0xff, 0xff };
    EACH_STEP(i)
    {
        uint8_t body[128];
        struct rig r;
        struct app_view view;
        size_t n = deflate_some(text, sizeof(text) - 1, -15, false, body,
                                sizeof(body) - sizeof(far));
        memcpy(body + n, far, sizeof(far));
        response_compressed(&r, "deflate", body, n + sizeof(far), steps[i]);
        assert_true(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 0), TC, SIG_BUF_FILE_DATA, 0, &view));
        assert_in_range(view.len, sizeof(text) - 1, sizeof(text) - 1 + 258);
        assert_memory_equal(view.data, text, sizeof(text) - 1);
        assert_int_equal(r.slots[APP_COUNT_DECOMPRESS_ERROR], 1);
        rig_close(&r);
    }
}

/** What an earlier body left behind shows in none that comes after it. */
static void test_nothing_of_another_body(void **state)
{
    (void)state;
    /* As above, of length 258 (285), so that it goes beyond what is written with what came. */
    static const uint8_t far[] = { 0x1b, 0xbd, 0xff, 0x1f };
    static const size_t earlier[] = { 1, 300, 5000, 65000, 70000, 100000 };
    size_t cap = 1u << 17;
    uint8_t *secret = malloc(cap), *packed = malloc(cap);
    memset(secret, 'S', cap);
    for (size_t i = 0; i < sizeof(earlier) / sizeof(earlier[0]); i++) {
        uint8_t body[128] = { 0 }; /* with bytes behind the copy, without which it is not made */
        struct rig r;
        struct app_view view;
        size_t n = deflate_all(secret, earlier[i], 31, packed, cap);
        response_compressed(&r, "gzip", packed, n, 0);
        n = deflate_some("ok", 2, -15, false, body, 32);
        memcpy(body + n, far, sizeof(far));
        exchange_compressed(&r, "deflate", body, sizeof(body), 0);
        assert_true(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 1), TC, SIG_BUF_FILE_DATA, 0, &view));
        assert_memory_equal(view.data, "ok", 2);
        assert_null(memchr(view.data, 'S', view.len));
        rig_close(&r);
    }
    free(packed);
    free(secret);
}

static void test_bomb_and_garbage(void **state)
{
    (void)state;
    size_t size = 20u << 20, cap = 1u << 20;
    uint8_t *zeros = calloc(1, size), *packed = malloc(cap);
    size_t n = deflate_all(zeros, size, 31, packed, cap);
    struct rig r;
    struct app_view view;
    response_compressed(&r, "gzip", packed, n, 0);
    assert_true(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 0), TC, SIG_BUF_FILE_DATA, 0, &view));
    assert_int_equal(view.len, 102400);
    rig_close(&r);
    free(zeros);
    free(packed);
    response_compressed(&r, "gzip", (const uint8_t *)"no gzip at all", 14, 0);
    rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, 0, "no gzip at all");
    assert_int_equal(r.slots[APP_COUNT_DECOMPRESS_ERROR], 1);
    rig_close(&r);
}

/** Brotli stays as it is for what the reference reads, and is undone in the other reading. */
static void test_brotli(void **state)
{
    (void)state;
    static const uint8_t packed[] = { 0x1b, 0x22, 0x00, 0xf8, 0x1d, 0x07, 0x6e, 0x2c, 0x3d, 0x8b,
                                      0xcf, 0x4e, 0x41, 0x51, 0x29, 0xe6, 0x26, 0x97, 0x69, 0x6c,
                                      0x6f, 0x09, 0xc2, 0x42, 0x97, 0x82, 0x8c, 0x12, 0x4f, 0x26,
                                      0xf0, 0x03, 0x3a, 0xef, 0x0f, 0x45, 0xb7, 0x04 };
    static const char text[] = "brotli brotli brotli, in plain text";
    EACH_STEP(i)
    {
        uint8_t zipped[128];
        struct app_view view;
        struct rig r;
        size_t n = deflate_all(packed, sizeof(packed), 31, zipped, sizeof(zipped));
        response_compressed(&r, "BR , gzip", zipped, n, steps[i]);
        assert_true(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 0), TC, SIG_BUF_FILE_DATA, 0, &view));
        assert_int_equal(view.len, sizeof(packed));
        assert_memory_equal(view.data, packed, sizeof(packed));
        rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, APP_INDEX_BEYOND, text);
        rig_expect(&r, 0, TC, SIG_BUF_HTTP_RESPONSE_BODY, APP_INDEX_BEYOND, text);
        rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, 1, NULL);
        rig_expect(&r, 0, TC, SIG_BUF_HTTP_HEADER, APP_INDEX_BEYOND, NULL);
        rig_close(&r);
    }
    struct rig r;
    response_compressed(&r, "br", (const uint8_t *)"no brotli at all", 16, 0);
    rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, 0, "no brotli at all");
    rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, APP_INDEX_BEYOND, NULL);
    assert_int_equal(r.slots[APP_COUNT_DECOMPRESS_ERROR], 1);
    assert_int_equal(rig_tx(&r, 0)->events[TC],
                     UINT64_C(1) << HTTP_BROTLI_FAILED | UINT64_C(1) << HTTP_ABNORMAL_ENCODING);
    rig_close(&r);
    response_compressed(&r, "gzip", (const uint8_t *)"none", 4, 0);
    rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, APP_INDEX_BEYOND, NULL);
    rig_close(&r);
}

/** Anchors 2.8: first look at 40 kB, later windows reach 16 kB back, nothing beyond the limit. */
static void test_windows(void **state)
{
    (void)state;
    struct rig r;
    struct app_view view;
    uint8_t block[10000];
    memset(block, 'x', sizeof(block));
    rig_open(&r, 6, 80);
    rig_text(&r, TS, "GET / HTTP/1.1\r\n\r\n", 0);
    rig_text(&r, TC, "HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n", 0);
    struct app_tx *tx = rig_tx(&r, 0);
    for (unsigned i = 0; i < 4; i++) {
        rig_feed(&r, TC, block, sizeof(block), 0);
        assert_false(app_tx_buffer(r.app, &r.flow, tx, TC, SIG_BUF_FILE_DATA, 0, &view));
    }
    rig_feed(&r, TC, block, sizeof(block), 0);
    assert_true(app_tx_buffer(r.app, &r.flow, tx, TC, SIG_BUF_FILE_DATA, 0, &view));
    assert_int_equal(view.len, 50000);
    assert_int_equal(view.offset, 0);
    app_tx_body_advance(r.app, &r.flow, tx, TC);
    assert_false(app_tx_buffer(r.app, &r.flow, tx, TC, SIG_BUF_FILE_DATA, 0, &view));
    rig_feed(&r, TC, block, sizeof(block), 0);
    assert_true(app_tx_buffer(r.app, &r.flow, tx, TC, SIG_BUF_FILE_DATA, 0, &view));
    assert_int_equal(view.offset + view.len, 60000);
    assert_int_equal(view.len, 16384);
    app_tx_body_advance(r.app, &r.flow, tx, TC);
    for (unsigned i = 0; i < 9; i++)
        rig_feed(&r, TC, block, sizeof(block), 0);
    assert_true(app_tx_buffer(r.app, &r.flow, tx, TC, SIG_BUF_FILE_DATA, 0, &view));
    assert_int_equal(view.offset + view.len, 102400);
    assert_int_equal(tx->progress[TC], SIG_PROGRESS_DONE);
    assert_true(r.trigger[TC]);
    rig_close(&r);
}

static void test_gap_and_close(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 80);
    rig_text(&r, TS, "GET /one HTTP/1.1\r\n\r\nGET /two HTTP/1.1\r\n\r\n", 0);
    rig_text(&r, TC, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 0);
    rig_gap(&r, TC, 4);
    rig_text(&r, TC, "hijHTTP/1.0 200 OK\r\n\r\nuntil the end", 0);
    rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, 0, "abchij");
    rig_expect(&r, 1, TC, SIG_BUF_FILE_DATA, 0, NULL);
    rig_end(&r, TC);
    rig_expect(&r, 1, TC, SIG_BUF_FILE_DATA, 0, "until the end");
    rig_text(&r, TS, "GET /cut HTTP/1.1\r\nHost: half", 0);
    rig_end(&r, TS);
    rig_expect(&r, 2, TS, SIG_BUF_HTTP_HOST, 0, "half");
    rig_close(&r);
}

/** What stands behind a response in its segment: more body, or the next response. */
static void test_tails(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 80);
    rig_text(&r, TS, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n", 0);
    rig_text(&r, TC,
             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokJUNK\r\nHTTP/1.1 204 No\r\n\r\nmore\n"
             "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno half",
             0);
    rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, 0, "okJUNK\r\n");
    rig_expect(&r, 1, TC, SIG_BUF_HTTP_STAT_CODE, 0, "204");
    rig_expect(&r, 1, TC, SIG_BUF_FILE_DATA, 0, "more\n");
    rig_expect(&r, 2, TC, SIG_BUF_HTTP_STAT_CODE, 0, "404");
    assert_int_not_equal(rig_tx(&r, 2)->progress[TC], SIG_PROGRESS_DONE);
    rig_end(&r, TC);
    rig_expect(&r, 2, TC, SIG_BUF_FILE_DATA, 0, "no half");
    rig_close(&r);

    rig_open(&r, 6, 80); /* lines alone are a response of their own */
    rig_text(&r, TS, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", 0);
    rig_text(&r, TC, "some junk\r\nmore\r\n", 0);
    rig_text(&r, TC, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 0);
    rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, 0, "some junk\r\nmore\r\n");
    rig_expect(&r, 1, TC, SIG_BUF_HTTP_STAT_CODE, 0, "404");
    rig_close(&r);
}

/** A response without a request: one that was not seen, over with the client's next bytes. */
static void test_unseen(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 80);
    rig_text(&r, TS, "GET /a HTTP/1.1\r\n\r\n", 0);
    rig_text(&r, TC,
             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
             0);
    rig_expect(&r, 1, TC, SIG_BUF_HTTP_STAT_CODE, 0, "404");
    rig_expect(&r, 1, TS, SIG_BUF_HTTP_URI, 0, NULL);
    rig_expect(&r, 1, TS, SIG_BUF_HTTP_URI_RAW, 0, HTTP_UNSEEN_URI);
    assert_int_not_equal(rig_tx(&r, 1)->progress[TS], SIG_PROGRESS_DONE);
    rig_text(&r, TS, "GET /b HTTP/1.1\r\n\r\n", 0);
    assert_int_equal(rig_tx(&r, 1)->progress[TS], SIG_PROGRESS_DONE);
    rig_expect(&r, 2, TS, SIG_BUF_HTTP_URI, 0, "/b");
    rig_text(&r, TC, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", 0);
    rig_expect(&r, 2, TC, SIG_BUF_HTTP_STAT_CODE, 0, "403");
    rig_close(&r);
}

static void test_connect(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 3128);
    rig_text(&r, TS, "CONNECT mail.example.org:25 HTTP/1.1\r\nHost: mail.example.org\r\n\r\n", 0);
    rig_text(&r, TC, "HTTP/1.1 200 go\r\n\r\n", 0);
    assert_int_equal(app_protocol(&r.flow), SIG_APP_HTTP1);
    rig_text(&r, TS, "SSH-2.0-thing_1\r\n", 0);
    assert_int_equal(app_protocol(&r.flow), SIG_APP_SSH);
    rig_close(&r);
}

/**
 * Broken responses that browsers read all the same: the body must be found. What follows a line
 * within a segment decides some (`whole`), as in libhtp.
 */
static void test_lenient(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct {
        bool whole;
        const char *response;
    } cases[] = {
        { false, "HTTP/1.0 200 ok\r\nTransfer-Encoding: chunked\r\n\r\nwanted" },
        { false, "HTTP/1.1 200 ok\r\nTransfer-Encoding: x chunked\r\n\r\n3\r\nwan\r\n3\r\nted\r\n0\r\n\r\n" },
        { false, "HTTP/1.1 200 ok\rTransfer-Encoding: chunked\r\n\r\n6\r\nwanted\r\n0\r\n\r\n" },
        { false, "HTTP/1.1 200 ok\r\nA: b\r\n Transfer-Encoding: chunked\r\n\r\n6\r\nwanted\r\n0\r\n\r\n" },
        { false, "HTTP/1.1 200 ok\r\nTransfer-Encoding\n :chunked\r\n\r\n6\r\nwanted\r\n0\r\n\r\n" },
        { false, "HTTP/1.1 200 ok\r\n\r\r\nTransfer-Encoding\v:chunked\r\n\r\n6\r\nwanted\r\n0\r\n\r\n" },
        { true, "HTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\n \n6\r\nwanted\r\n0\r\n\r\n" },
        { true, "HTTP/1.1 200 ok\r\nContent-Length: 6\n\r\r\n\r\nwanted" },
        { true, "HTTP/1.1 200 ok\r\nContent-Length: 6\n\r\r\n\rwanted" },
        { true, "HTTP/1.1 204 ok\r\nContent-Length: 6\r\n\r\nwanted" },
        { true, "HTTP/1.1 100 ok\r\nContent-Length: 6\r\n\r\nwanted" },
        { true, "SIP/2.0 200 ok\r\nHTTP/1.1 200 ok\r\nContent-Length: 6\r\n\r\nwanted" },
        { false, "HTTP/1.1 200 ok\r\nContent-Encoding: gzip, deflate\r\nContent-Length: 6\r\n\r\nwanted" },
        { false, "wanted" },
    };
    /* clang-format on */
    for (unsigned c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
        EACH_STEP(i)
        {
            struct rig r;
            rig_open(&r, 6, 80);
            rig_text(&r, TS, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0);
            rig_text(&r, TC, cases[c].response, cases[c].whole ? 0 : steps[i]);
            rig_end(&r, TC);
            rig_expect(&r, 0, TC, SIG_BUF_FILE_DATA, 0, "wanted");
            rig_close(&r);
        }
}

static void test_eve(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 80);
    rig_text(&r, TS,
             "GET http://A.example.org:81/x HTTP/1.1\r\nUser-Agent: u\r\nReferer: r\r\n\r\n", 0);
    rig_text(&r, TC,
             "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Type: text/html; "
             "c=d\r\nContent-Length: 2\r\n\r\nok",
             0);
    assert_string_equal(
        rig_eve(&r, 0),
        "{\"http\":{\"hostname\":\"a.example.org\",\"url\":\"http://A.example.org:81/"
        "x\",\"http_user_agent\":\"u\","
        "\"http_content_type\":\"text/"
        "html\",\"http_refer\":\"r\",\"http_method\":\"GET\",\"protocol\":\"HTTP/1.1\","
        "\"status\":302,\"redirect\":\"/y\",\"length\":2}}");
    rig_close(&r);
}

/** Done and inspected transactions go; a flood of pipelined requests ends at the limit. */
static void test_prune_and_limit(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, 80);
    rig_text(&r, TS, "GET /1 HTTP/1.1\r\n\r\n", 0);
    rig_text(&r, TC, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0);
    struct app_tx *tx = rig_tx(&r, 0);
    app_tx_prune(r.app, &r.flow);
    assert_ptr_equal(app_tx_first(&r.flow), tx);
    tx->inspected[0] = tx->inspected[1] = true;
    app_tx_prune(r.app, &r.flow);
    assert_null(app_tx_first(&r.flow));
    for (unsigned i = 0; i < 600; i++)
        rig_text(&r, TS, "GET /2 HTTP/1.1\r\n\r\n", 0);
    assert_int_equal(app_tx_count(&r.flow), 513);
    assert_true(r.stop[TS]);
    rig_close(&r);
}

#define HOST "Host: a.example\r\n"
#define GET  "GET / HTTP/1.1\r\n" HOST "\r\n"

/* A request (and its response) and the one event that it raises; NULL: none at all. */
#define FORM(len)                                                                                  \
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: x; boundary=XbX\r\nContent-Length: " len "\r\n\r" \
                                                                                          "\n"

static const struct {
    const char *request, *response, *event;
} odd_heads[] = {
    { GET, "HTTP/1.1 200 ok\r\nContent-Length: 0\r\n\r\n", NULL },
    { "GET / HTTP/1.1\r\n\r\n", "", "missing_host_header" },
    { "GET / HTTP/1.0\r\n\r\n", "", NULL },
    { "GET\t/ HTTP/1.1\r\n" HOST "\r\n", "", "method_delim_non_compliant" },
    { "GET  / HTTP/1.1\r\n" HOST "\r\n", "", NULL },
    { "GET http://a.example:0x/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "",
      "request_uri_host_invalid" },
    { "GET http://a.example:65535?x HTTP/1.1\r\nHost: a.example\r\n\r\n", "", NULL },
    { "GET http://a.example:65536/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "",
      "request_uri_host_invalid" },
    { FORM("62") "--XbX\r\nContent-Disposition: x; filename=\"a\"\r\n\r\n--XbX--\r\n", "",
      "multipart_no_filedata" },
    { FORM("37") "--XbX\r\nno field\r\n\r\nx\r\n--XbX--\r\nxx", "", "multipart_invalid_header" },
    { FORM("37") "--XbX\r\na field: b\r\n\r\nx\r\n--XbX--\r\n", "", NULL },
    { "GET http://b.example/ HTTP/1.1\r\n" HOST "\r\n", "", "host_header_ambiguous" },
    { "GET / HTTP/1.1\r\nHost: a$b\r\n\r\n", "", "request_header_host_invalid" },
    { "GET / HTTP/1.1\r\n" HOST "Authorization: odd x\r\n\r\n", "", "request_auth_unrecognized" },
    { "GET / HTTP/1.1\r\n" HOST "Authorization: Basic eA==\r\n\r\n", "", NULL },
    { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: odd\r\nContent-Length: 0\r\n\r\n", "",
      "invalid_transfer_encoding_value_in_request" },
    { "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 1\r\n\r\n", "",
      "duplicate_content_length_field_in_request" },
    { "GET / HTTP/1.1\r\n" HOST "od d: x\r\n\r\n", "", "request_header_invalid" },
    { "POST / HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n", "",
      "invalid_content_length_field_in_request" },
    { GET, "HTTP/1.1 99 ok\r\nContent-Length: 0\r\n\r\n", "response_invalid_status" },
    { GET, "HTTP/1.7 200 ok\r\nContent-Length: 0\r\n\r\n", "response_invalid_protocol" },
    { GET, "HTTP/1.1 200 ok\r\nTransfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n",
      "response_abnormal_transfer_encoding" },
    { GET, "HTTP/1.0 200 ok\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "response_chunked_old_proto" },
    { GET, "HTTP/1.1 200 ok\r\nContent-Encoding: agzip\r\nContent-Length: 0\r\n\r\n",
      "abnormal_ce_header" },
    { GET, "HTTP/1.1 200 ok\r\nContent-Encoding: gzip, gzip, gzip\r\nContent-Length: 0\r\n\r\n",
      "too_many_encoding_layers" },
    { GET, "HTTP/1.1 100 go\r\n\r\nHTTP/1.1 100 go\r\n\r\n", "100_continue_already_seen" },
};

static void test_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(odd_heads) / sizeof(odd_heads[0]); i++) {
        struct rig r;
        int bit = odd_heads[i].event ? app_event_find(SIG_APP_HTTP1, odd_heads[i].event) : -1;
        rig_open(&r, 6, 80);
        rig_text(&r, TS, odd_heads[i].request, 0);
        rig_text(&r, TC, odd_heads[i].response, 0);
        const struct app_tx *tx = rig_tx(&r, 0);
        uint64_t want = odd_heads[i].event ? UINT64_C(1) << bit : 0;
        if ((tx->events[0] | tx->events[1]) != want)
            fail_msg("%s%s: events %llx", odd_heads[i].request, odd_heads[i].response,
                     (unsigned long long)(tx->events[0] | tx->events[1]));
        rig_close(&r);
    }
}

#define POST(type, len)                                                                            \
    "POST /up/load.php?x=1 HTTP/1.1\r\nHost: a\r\nContent-Type: " type "\r\nContent-Length: " len  \
    "\r\n\r\n"
#define OK "HTTP/1.1 204 No Content\r\n\r\n"

/* Files of a form, whatever pieces it comes in: fields are none, and what a boundary is begun by
 * and never comes to is held back. */
static void test_forms(void **state)
{
    (void)state;
    static const char request[] = POST(
        "multipart/form-data; boundary=\"XbX\"; charset=x",
        "373") "preamble\r\n--XbX\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nfield\r\n"
               "--XbX\r\nContent-Type: a/b\r\ncontent-disposition: form-data; filename=\"a;.txt\"; "
               "n=1\r\n"
               "\r\nAA\r\n--Xb\rAA\r\n"
               "--XbX\r\nContent-Disposition: attachment; filename=b.txt\r\n\r\n\r\n"
               "--XbX\r\nContent-Disposition: form-data; filename=\"\"\r\n\r\nno name, but a "
               "file\r\n--XbX--\r\n"
               "epilogue with --XbX\r\nContent-Disposition: x; filename=\"c\"\r\n\r\nx\r\n";
    static const struct buffer_case cases[] = {
        { 0, TS, SIG_BUF_FILE_NAME, 0, "a;.txt" },
        { 0, TS, SIG_BUF_FILE_DATA, 0, "AA\r\n--Xb\rAA" },
        { 0, TS, SIG_BUF_FILE_NAME, 1, "b.txt" },
        { 0, TS, SIG_BUF_FILE_DATA, 1, NULL },
        { 0, TS, SIG_BUF_FILE_NAME, 2, NULL },
        { 0, TS, SIG_BUF_FILE_DATA, 2, "no name, but a file" },
        { 0, TS, SIG_BUF_FILE_NAME, 3, NULL },
        { 0, TS, SIG_BUF_FILE_SIZE, 3, NULL },
    };
    assert_int_equal(strlen(strstr(request, "preamble")), 373);
    check(request, OK, cases, sizeof(cases) / sizeof(cases[0]));
}

/* What is a file, and its name. */
static void test_names(void **state)
{
    (void)state;
    static const struct buffer_case post[] = {
        { 0, TS, SIG_BUF_FILE_NAME, 0, "/up/load.php" },
        { 0, TS, SIG_BUF_FILE_DATA, 0, "a=b" },
        { 0, TC, SIG_BUF_FILE_NAME, 0, "b;.exe" },
    };
    check(POST("text/plain", "3") "a=b",
          "HTTP/1.1 200 OK\r\nContent-Disposition: inline; x=\"1;filename=2\"; "
          "FileName=\"b;.exe\"\r\n"
          "Content-Length: 2\r\n\r\nMZ",
          post, sizeof(post) / sizeof(post[0]));
    static const struct buffer_case patch[] = {
        { 0, TS, SIG_BUF_FILE_NAME, 0, NULL },
        { 0, TS, SIG_BUF_FILE_DATA, 0, NULL },
        { 0, TS, SIG_BUF_HTTP_REQUEST_BODY, 0, "abc" },
        { 0, TC, SIG_BUF_FILE_NAME, 0, "/z" },
    };
    check("PATCH /x/../z#y?u HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
          "HTTP/1.1 200 OK\r\nContent-Disposition: inline\r\nContent-Length: 2\r\n\r\nMZ", patch,
          sizeof(patch) / sizeof(patch[0]));
}

/* Digests are those of the bytes; a body beyond its limit has none, and is said to be cut. */
static void test_digests(void **state)
{
    (void)state;
    struct rig r;
    struct app_view sum, size;
    struct app_file_size told;
    uint8_t want[32];
    rig_open(&r, 6, 80);
    rig_text(&r, TS, "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    rig_text(&r, TC, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", 0);
    assert_false(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 0), TC, SIG_BUF_FILE_SHA256, 0, &sum));
    rig_text(&r, TC, "cHTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n", 0);
    assert_true(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 0), TC, SIG_BUF_FILE_SHA256, 0, &sum));
    app_sha256("abc", 3, want);
    assert_int_equal(sum.len, 32);
    assert_memory_equal(sum.data, want, 32);
    static uint8_t body[200000];
    rig_feed(&r, TC, body, sizeof(body), 0);
    assert_false(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 1), TC, SIG_BUF_FILE_SHA256, 0, &sum));
    assert_true(app_tx_buffer(r.app, &r.flow, rig_tx(&r, 1), TC, SIG_BUF_FILE_SIZE, 0, &size));
    memcpy(&told, size.data, sizeof(told));
    assert_true(size.end && told.truncated == 1 && told.size == 102400);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple),
        cmocka_unit_test(test_chunked_pipelined),
        cmocka_unit_test(test_uri),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_broken_end),
        cmocka_unit_test(test_nothing_of_another_body),
        cmocka_unit_test(test_bomb_and_garbage),
        cmocka_unit_test(test_brotli),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_gap_and_close),
        cmocka_unit_test(test_tails),
        cmocka_unit_test(test_unseen),
        cmocka_unit_test(test_connect),
        cmocka_unit_test(test_lenient),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_eve),
        cmocka_unit_test(test_prune_and_limit),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
