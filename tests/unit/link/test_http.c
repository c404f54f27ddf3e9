/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server: routes, bodies, parked requests, streams, files; over plain HTTP and a raw
 * socket. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/http/http.h"
#include "collector/http/internal.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "tests/unit/link/fixture.h"

struct app {
    pthread_mutex_t lock;
    struct http_stream *stream;
    unsigned closed;
    bool flag; /* what the parked handler waits for */
};

struct stage {
    struct http_server *server;
    struct app app;
    struct http_table table;
    struct http_listener listener;
    char dir[64];
};

static enum http_done echo(struct http_request *req, void *app)
{
    size_t len;
    const char *body = http_body(req, &len);
    const char *id = http_param(req, "id"), *word = http_query(req, "q");
    (void)app;

    buf_printf(http_out(req), "id=%s q=%s body=%zu:%.*s", id ? id : "", word ? word : "", len,
               (int)len, body);
    return http_reply(req, 200, "text/plain");
}

static enum http_done number(struct http_request *req, void *app)
{
    long n = http_query_number(req, "limit", 1, 500, 100);
    (void)app;

    if (n < 0)
        return HTTP_DONE;
    buf_printf(http_out(req), "%ld", n);
    http_reply_header(req, "X-Evil", "a\r\nSet-Cookie: b");
    http_reply_etag(req, "3");
    return http_reply(req, 200, NULL);
}

static enum http_done wait_flag(struct http_request *req, void *arg)
{
    struct app *app = arg;

    pthread_mutex_lock(&app->lock);
    bool flag = app->flag;
    pthread_mutex_unlock(&app->lock);
    if (!flag && !http_timed_out(req))
        return http_park(req, "flag", 700);
    buf_text(http_out(req), flag ? "woken" : "late");
    return http_reply(req, 200, NULL);
}

static void stream_closed(void *arg)
{
    struct app *app = arg;
    pthread_mutex_lock(&app->lock);
    app->stream = NULL;
    app->closed++;
    pthread_mutex_unlock(&app->lock);
}

static enum http_done stream(struct http_request *req, void *arg)
{
    struct app *app = arg;
    struct http_stream *st;

    enum http_done done = http_reply_stream(req, &st, stream_closed, app);
    pthread_mutex_lock(&app->lock);
    app->stream = st;
    pthread_mutex_unlock(&app->lock);
    return done;
}

static int admit(void *arg, struct http_request *req, const struct http_route *route)
{
    const char *cookie = http_cookie(req, "who");
    (void)arg;

    if (!route->roles || (cookie && strcmp(cookie, "me") == 0))
        return 0;
    http_problem(req, 401, "login", "log in \"first\"");
    return ABENG_EDENIED;
}

static const struct http_route routes[] = {
    {HTTP_POST,  "/echo/{id}",    0, 64, echo     },
    { HTTP_POST, "/echo/{id}:do", 0, 64, echo     },
    { HTTP_GET,  "/echo/{id}",    0, 0,  echo     },
    { HTTP_GET,  "/number",       0, 0,  number   },
    { HTTP_GET,  "/secret",       1, 0,  echo     },
    { HTTP_GET,  "/wait",         0, 0,  wait_flag},
    { HTTP_GET,  "/stream",       0, 0,  stream   },
};

static int setup(void **state)
{
    struct stage *s = calloc(1, sizeof(*s));
    char path[100];

    signal(SIGPIPE, SIG_IGN);
    log_open("test", LOG_LEVEL_ERROR);
    snprintf(s->dir, sizeof(s->dir), "/tmp/abeng-http-XXXXXX");
    if (!mkdtemp(s->dir))
        return -1;
    snprintf(path, sizeof(path), "%s/index.html", s->dir);
    file_replace(path, "<p>hi", 5, 0644);
    snprintf(path, sizeof(path), "%s/.hidden.js", s->dir);
    file_replace(path, "secret", 6, 0644);
    pthread_mutex_init(&s->app.lock, NULL);
    s->table = (struct http_table){ routes, sizeof(routes) / sizeof(routes[0]), &s->app };
    s->listener = (struct http_listener){ .name = "test",
                                          .address = "127.0.0.1:0",
                                          .tables = &s->table,
                                          .table_count = 1,
                                          .admit = admit,
                                          .static_dir = s->dir };
    s->server = http_server_start(&(struct http_conf){ 0 }, &s->listener, 1);
    *state = s;
    return s->server ? 0 : -1;
}

static int teardown(void **state)
{
    struct stage *s = *state;
    http_server_stop(s->server);
    fixture_remove(s->dir);
    free(s);
    return 0;
}

static int dial(const struct stage *s)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)http_server_port(s->server, 0)) };
    struct timeval wait = { .tv_sec = 5 };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Read until `want` came, the end, or five seconds. */
static bool hear(int fd, char *out, size_t cap, const char *want)
{
    size_t n = 0;
    ssize_t got;

    while (n < cap - 1 && (got = recv(fd, out + n, cap - 1 - n, 0)) > 0) {
        n += (size_t)got;
        out[n] = '\0';
        if (strstr(out, want))
            return true;
    }
    out[n] = '\0';
    return false;
}

static void requests_are_answered(void **state)
{
    static const struct {
        const char *request;
        const char *line;
        const char *says;
    } cases[] = {
        {"GET /echo/7?q=a%20b HTTP/1.1\r\nHost: x\r\n\r\n",                              "200", "id=7 q=a b body=0:"},
        { "POST /echo/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",            "200", "body=3:abc"        },
        { "POST /echo/7:do HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",            "200",
         "id=7 q= body"                                                                                             },
        { "POST /echo/7:other HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",         "404", "problem"           },
        { "POST /echo/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 65\r\n\r\n"
          "0123456789012345678901234567890123456789012345678901234567890123\n", "413", "at most 64"        },
        { "POST /echo/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",     "413",
         "at most 64"                                                                                               },
        { "DELETE /echo/7 HTTP/1.1\r\nHost: x\r\n\r\n",                                  "405", "problem"           },
        { "BREW /echo/7 HTTP/1.1\r\nHost: x\r\n\r\n",                                    "405", "problem"           },
        { "GET /echo/ HTTP/1.1\r\nHost: x\r\n\r\n",                                      "200", "<p>hi"             },
        { "GET / HTTP/1.1\r\nHost: x\r\n\r\n",                                           "200", "script-src 'self'" },
        { "GET /api/v1/none HTTP/1.1\r\nHost: x\r\n\r\n",                                "404", "problem"           },
        { "GET /.hidden.js HTTP/1.1\r\nHost: x\r\n\r\n",                                 "404", "problem"           },
        { "GET /../../etc/passwd.txt HTTP/1.1\r\nHost: x\r\n\r\n",                       "404", "problem"           },
        { "GET /%2e%2e/x.js HTTP/1.1\r\nHost: x\r\n\r\n",                                "404", "problem"           },
        { "GET /number HTTP/1.1\r\nHost: x\r\n\r\n",                                     "200", "ETag: \"3\""       },
        { "GET /number?limit=501 HTTP/1.1\r\nHost: x\r\n\r\n",                           "400", "from 1 to 500"     },
        { "GET /number?limit=1x HTTP/1.1\r\nHost: x\r\n\r\n",                            "400", "from 1 to 500"     },
        { "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n",                                     "401", "\\\"first\\\""     },
        { "GET /secret HTTP/1.1\r\nHost: x\r\nCookie: who=me\r\n\r\n",                   "200", "id="               },
    };
    struct stage *s = *state;
    char reply[8192];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = dial(s);
        say(fd, cases[i].request);
        if (!hear(fd, reply, sizeof(reply), cases[i].says))
            fail_msg("%s: %s", cases[i].request, reply);
        assert_memory_equal(reply + 9, cases[i].line, 3);
        assert_non_null(strstr(reply, "nosniff"));
        assert_null(strstr(reply, "Set-Cookie"));
        close(fd);
    }
}

static void connection_is_kept(void **state)
{
    struct stage *s = *state;
    char reply[8192];
    int fd = dial(s);

    for (int i = 0; i < 5; i++) {
        say(fd, i % 2 ? "GET /nothing.x HTTP/1.1\r\nHost: x\r\n\r\n"
                      : "GET /echo/9 HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(hear(fd, reply, sizeof(reply), i % 2 ? "no GET here" : "body=0:"));
    }
    close(fd);
}

static void chunked_body_is_bounded(void **state)
{
    struct stage *s = *state;
    char reply[8192];
    int fd = dial(s);

    say(fd, "POST /echo/7 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "28\r\n0123456789012345678901234567890123456789\r\n"
            "28\r\n0123456789012345678901234567890123456789\r\n0\r\n\r\n");
    assert_false(hear(fd, reply, sizeof(reply), "200 OK"));
    close(fd);
}

static void *set_flag(void *arg)
{
    struct stage *s = arg;

    usleep(200 * 1000);
    pthread_mutex_lock(&s->app.lock);
    s->app.flag = true;
    pthread_mutex_unlock(&s->app.lock);
    http_server_wake(s->server, "other");
    http_server_wake(s->server, "flag");
    return NULL;
}

static void parked_request_is_woken_or_late(void **state)
{
    struct stage *s = *state;
    char reply[8192];
    pthread_t other;
    uint64_t begin = clock_mono_ns();
    int fd = dial(s);

    say(fd, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(fd, reply, sizeof(reply), "late"));
    assert_true(clock_mono_ns() - begin >= 690 * NS_PER_MS);
    begin = clock_mono_ns();
    pthread_create(&other, NULL, set_flag, s);
    say(fd, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(fd, reply, sizeof(reply), "woken"));
    pthread_join(other, NULL);
    close(fd);
}

static void send_event(struct stage *s, const char *id, const char *data)
{
    pthread_mutex_lock(&s->app.lock);
    if (s->app.stream)
        http_stream_send(s->app.stream, id, "incident", data, strlen(data));
    pthread_mutex_unlock(&s->app.lock);
}

static void stream_carries_events(void **state)
{
    struct stage *s = *state;
    char reply[8192];
    int fd = dial(s);

    say(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(fd, reply, sizeof(reply), "retry:"));
    assert_non_null(strstr(reply, "text/event-stream"));
    usleep(50 * 1000);
    send_event(s, "5\nevil: x", "line1\nline2");
    assert_true(hear(fd, reply, sizeof(reply), "data: line2\n\n"));
    assert_non_null(strstr(reply, "id: 5evil: x\nevent: incident\ndata: line1\n"));
    close(fd);
}

/* Until the handler has opened the stream: a busy host takes its time. */
static void await_stream(struct stage *s)
{
    bool open = false;
    for (int i = 0; i < 500 && !open; i++) {
        usleep(10 * 1000);
        pthread_mutex_lock(&s->app.lock);
        open = s->app.stream;
        pthread_mutex_unlock(&s->app.lock);
    }
    assert_true(open);
}

/* A client that does not read gets a reset, and no sender ever waits. */
static void slow_reader_gets_a_reset(void **state)
{
    struct stage *s = *state;
    char *block = calloc(1, 60001), *reply = malloc(1u << 24);
    int fd, small = 4096;
    size_t n = 0;
    ssize_t got;
    uint64_t begin = clock_mono_ns();

    memset(block, 'x', 60000);
    fd = dial(s);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    say(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    await_stream(s);
    for (int i = 0; i < 400; i++)
        send_event(s, NULL, block);
    assert_true(clock_mono_ns() - begin < 4 * NS_PER_S);
    shutdown(fd, SHUT_WR);
    reply[0] = '\0';
    while (!strstr(reply + (n > 100000 ? n - 100000 : 0), "event: reset") &&
           n < (1u << 24) - 65537 && (got = recv(fd, reply + n, 65536, 0)) > 0) {
        n += (size_t)got;
        reply[n] = '\0';
    }
    assert_non_null(strstr(reply, "event: reset"));
    close(fd);
    free(block);
    free(reply);
}

static unsigned closed_streams(struct stage *s)
{
    pthread_mutex_lock(&s->app.lock);
    unsigned n = s->app.closed;
    pthread_mutex_unlock(&s->app.lock);
    return n;
}

static void closed_stream_is_told_once(void **state)
{
    struct stage *s = *state;
    unsigned before = closed_streams(s);
    char reply[4096];
    int fd = dial(s);

    say(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(fd, reply, sizeof(reply), "retry:"));
    usleep(50 * 1000);
    close(fd);
    for (int i = 0; i < 100 && closed_streams(s) == before; i++) {
        send_event(s, NULL, "x");
        usleep(10 * 1000);
    }
    assert_true(closed_streams(s) > before);
}

static void routes_match_whole_paths(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool fits;
        size_t params;
    } cases[] = {
        {"/a",         "/a",      true,  0},
        { "/a",        "/a/",     false, 0},
        { "/a/{x}",    "/a/b",    true,  1},
        { "/a/{x}",    "/a/",     false, 0},
        { "/a/{x}",    "/a/b/c",  false, 0},
        { "/a/{x}:do", "/a/b:do", true,  1},
        { "/a/{x}:do", "/a/b",    false, 0},
        { "/a/{x}",    "/a/b:do", false, 0},
        { "/{x}/{y}",  "/1/2",    true,  2},
        { "/a:bulk",   "/a:bulk", true,  0},
    };
    struct http_params p;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(http_route_match(cases[i].pattern, cases[i].path, &p), cases[i].fits);
        if (cases[i].fits)
            assert_int_equal(p.count, cases[i].params);
    }
}

/* With a stream open and a request parked, as in life. */
static void stop_ends_what_waits(void **state)
{
    struct stage *s = *state;
    char reply[8192];
    int parked = dial(s), open = dial(s);
    uint64_t begin = clock_mono_ns();

    s->app.flag = false;
    say(parked, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    say(open, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(open, reply, sizeof(reply), "retry:"));
    usleep(50 * 1000);
    http_server_stop(s->server);
    s->server = NULL;
    assert_true(clock_mono_ns() - begin < 3 * NS_PER_S);
    assert_null(s->app.stream);
    close(parked);
    close(open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_match_whole_paths),
        cmocka_unit_test(requests_are_answered),
        cmocka_unit_test(connection_is_kept),
        cmocka_unit_test(chunked_body_is_bounded),
        cmocka_unit_test(parked_request_is_woken_or_late),
        cmocka_unit_test(stream_carries_events),
        cmocka_unit_test(slow_reader_gets_a_reset),
        cmocka_unit_test(closed_stream_is_told_once),
        cmocka_unit_test(stop_ends_what_waits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
