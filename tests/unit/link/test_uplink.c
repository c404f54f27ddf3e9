/* SPDX-License-Identifier: Apache-2.0 */
/* The uplink process against the collector process, which is killed again and again: nothing lost,
 * nothing doubled. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/auth/ca.h"
#include "collector/ingest/record.h"
#include "collector/ingest/sensors.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/counter.h"
#include "common/err.h"
#include "common/log.h"
#include "common/sign.h"
#include "sensor/spool/spool.h"
#include "sensor/uplink/enrol.h"
#include "sensor/uplink/uplink.h"
#include "tests/unit/link/bench.h"

#define ROUNDS    4
#define PER_ROUND 3000u
#define PATIENCE  (60 * NS_PER_S)

struct stage {
    char dir[64];
    char data[96], state[96], spool[96];
    char listen[32], sensor_listen[32], address[32];
    pid_t collector, uplink;
    struct spool_files *files;
    struct spool_writer *writer;
    uint64_t slots[32];
    struct counter_block counters;
    uint64_t raised[2];
};

static unsigned free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    close(fd);
    return ntohs(a.sin_port);
}

static void start_collector(struct stage *s)
{
    const char *build = getenv("ABENG_BUILDDIR"), *source = getenv("ABENG_SRCDIR");
    char program[512], classify[512];

    snprintf(classify, sizeof(classify), "%s/collector/correlate/classify.tsv",
             source ? source : ".");

    snprintf(program, sizeof(program), "%s/collector/abeng-collector", build ? build : ".");
    s->collector = fork();
    if (s->collector == 0) {
        execl(program, "abeng-collector", "--data-dir", s->data, "--listen", s->listen,
              "--sensor-listen", s->sensor_listen, "--name", "localhost", "--memory-mib", "256",
              "--log-level", "warn", "--classify", classify, (char *)NULL);
        _exit(127);
    }
}

static bool connects(const struct stage *s)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port =
                                 htons((uint16_t)atoi(strrchr(s->sensor_listen, ':') + 1)) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

    close(fd);
    return ok;
}

static void wait_collector(const struct stage *s)
{
    uint64_t until = clock_mono_ns() + PATIENCE;
    while (!connects(s) && clock_mono_ns() < until)
        usleep(20 * 1000);
    assert_true(connects(s));
}

static void end(pid_t pid, int how)
{
    int status;
    assert_true(pid > 0);
    kill(pid, how);
    waitpid(pid, &status, 0);
}

static struct store *open_store(const struct stage *s)
{
    char address[128];
    snprintf(address, sizeof(address), "unix:%s/redis/redis.sock", s->data);
    return store_open(&(struct store_conf){ .address = address }, 10000);
}

static void enrol(struct stage *s)
{
    static const char *const names[] = { "localhost" };
    const char *addresses[] = { s->address };
    char ca_dir[128], why[256];
    int created;
    struct buf token;
    uint64_t expires;

    snprintf(ca_dir, sizeof(ca_dir), "%s/ca", s->data);
    struct ca *ca = ca_open(ca_dir, names, 1, &created);
    assert_false(created);
    struct store *store = open_store(s);
    struct sensors *sensors = sensors_create(&(struct sensors_conf){
        .store = store, .ca = ca, .addresses = addresses, .address_count = 1 });
    struct sensors_invitation in = { .name = "edge-1", .states = "jm" };
    buf_init(&token, 4096);
    assert_int_equal(sensors_invite(sensors, &in, &token, &expires, why, sizeof(why)), 0);
    char *argv[] = { (char *)"enrol", (char *)"--token", (char *)(uintptr_t)buf_str(&token),
                     (char *)"--dir", s->state,          NULL };
    assert_int_equal(enrol_main(5, argv), 0);
    buf_free(&token);
    sensors_free(sensors);
    store_close(store);
    ca_close(ca);
}

static void open_spool(struct stage *s)
{
    struct spool_conf conf = { .segment_bytes = 256u << 10 };
    char reason[256];

    s->counters.slots = s->slots;
    s->files = spool_files_folder(s->spool);
    s->writer = spool_writer_open(&conf, s->files, &s->counters, reason, sizeof(reason));
    assert_non_null(s->writer);
}

static void raise_alerts(struct stage *s, unsigned count)
{
    static const char *const lanes[] = { "jm.bulk", "jm.urgent" };
    struct buf line;

    buf_init(&line, 65536);
    for (unsigned i = 0; i < count; i++) {
        unsigned lane = i % 8 == 0;
        buf_clear(&line);
        bench_alerts(&line, spool_writer_epoch(s->writer), lanes[lane],
                     spool_writer_next(s->writer, lanes[lane]), 1);
        int64_t n =
            spool_writer_append(s->writer, lanes[lane], SPOOL_KIND_ALERT, line.data, line.len - 1);
        assert_true(n > 0);
        s->raised[lane] = (uint64_t)n;
    }
    spool_writer_sync(s->writer, true);
    buf_free(&line);
}

static void start_uplink(struct stage *s)
{
    s->uplink = fork();
    if (s->uplink == 0) {
        struct uplink_conf conf = { .state_dir = s->state, .spool_dir = s->spool, .channel = -1 };
        _exit(uplink_run(&conf));
    }
}

static int setup(void **state)
{
    struct stage *s = calloc(1, sizeof(*s));
    unsigned port = free_port();

    log_open("test", LOG_LEVEL_WARN);
    signal(SIGPIPE, SIG_IGN);
    if (!s || sign_init())
        return -1;
    snprintf(s->dir, sizeof(s->dir), "/tmp/abeng-uplink-XXXXXX");
    if (!mkdtemp(s->dir))
        return -1;
    snprintf(s->data, sizeof(s->data), "%s/collector", s->dir);
    snprintf(s->state, sizeof(s->state), "%s/sensor", s->dir);
    snprintf(s->spool, sizeof(s->spool), "%s/spool", s->dir);
    snprintf(s->sensor_listen, sizeof(s->sensor_listen), "127.0.0.1:%u", port);
    snprintf(s->address, sizeof(s->address), "localhost:%u", port);
    snprintf(s->listen, sizeof(s->listen), "127.0.0.1:0");
    if (mkdir(s->spool, 0700))
        return -1;
    *state = s;
    return 0;
}

/* The collector may have been killed: what it left behind is stopped by the next one's clean
 * stop. */
static int teardown(void **state)
{
    struct stage *s = *state;

    if (s->uplink > 0)
        end(s->uplink, SIGTERM);
    if (s->collector > 0)
        end(s->collector, SIGTERM);
    if (s->writer)
        spool_writer_close(s->writer);
    spool_files_free(s->files);
    fixture_remove(s->dir);
    free(s);
    return 0;
}

static void wait_sent(const struct stage *s)
{
    uint64_t until = clock_mono_ns() + PATIENCE;
    while (uplink_waiting(s->spool) && clock_mono_ns() < until)
        usleep(50 * 1000);
    assert_int_equal(uplink_waiting(s->spool), 0);
}

/* Every number of every lane once, in order. */
static void check_stream(const struct stage *s)
{
    struct store *store = open_store(s);
    struct store_reply *r;
    uint64_t next[2] = { 1, 1 };

    store_command(store_conn(store, NULL), &r, "XRANGE {jm}:ing - +");
    for (size_t i = 0; i < store_reply_count(r); i++) {
        struct record_batch b;
        assert_int_equal(record_batch_read(store_reply_at(r, i), &b), 0);
        unsigned lane = strcmp(b.lane, "jm.urgent") == 0;
        assert_int_equal(b.first, next[lane]);
        assert_string_equal(b.sensor, "edge-1");
        next[lane] += b.count;
    }
    assert_int_equal(next[0] - 1, s->raised[0]);
    assert_int_equal(next[1] - 1, s->raised[1]);
    store_reply_free(r);
    store_close(store);
}

static void killed_collector_loses_and_doubles_nothing(void **state)
{
    struct stage *s = *state;

    start_collector(s);
    wait_collector(s);
    enrol(s);
    open_spool(s);
    start_uplink(s);
    for (int i = 0; i < ROUNDS; i++) {
        raise_alerts(s, PER_ROUND);
        usleep(60 * 1000 + 35 * 1000 * (useconds_t)i);
        end(s->collector, SIGKILL);
        raise_alerts(s, PER_ROUND / 4);
        start_collector(s);
        wait_collector(s);
    }
    wait_sent(s);
    check_stream(s);
}

/* Killed and started again, the uplink goes on where it was. */
static void killed_uplink_goes_on(void **state)
{
    struct stage *s = *state;

    for (int i = 0; i < 3; i++) {
        raise_alerts(s, PER_ROUND);
        usleep(30 * 1000);
        end(s->uplink, SIGKILL);
        start_uplink(s);
    }
    wait_sent(s);
    check_stream(s);
}

static void new_epoch_follows_the_old(void **state)
{
    struct stage *s = *state;
    uint64_t before[2] = { s->raised[0], s->raised[1] };

    raise_alerts(s, 10);
    spool_writer_close(s->writer);
    spool_files_free(s->files);
    open_spool(s);
    raise_alerts(s, 100);
    wait_sent(s);
    struct store *store = open_store(s);
    struct store_reply *r;
    store_command(store_conn(store, NULL), &r, "HMGET {jm}:ledger:edge-1 received lost");
    /* epoch records count as received; nothing was lost between the two */
    assert_int_equal(store_reply_int(store_reply_at(r, 1)), 0);
    assert_true(store_reply_int(store_reply_at(r, 0)) >= (int64_t)(before[0] + before[1] + 110));
    store_reply_free(r);
    store_close(store);
}

static void clean_stop_ends_all(void **state)
{
    struct stage *s = *state;
    int status;
    uint64_t begin = clock_mono_ns();

    assert_true(s->uplink > 0 && s->collector > 0);
    kill(s->uplink, SIGTERM);
    assert_int_equal(waitpid(s->uplink, &status, 0), s->uplink);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    kill(s->collector, SIGTERM);
    assert_int_equal(waitpid(s->collector, &status, 0), s->collector);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(clock_mono_ns() - begin < 15 * NS_PER_S);
    s->uplink = s->collector = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_collector_loses_and_doubles_nothing),
        cmocka_unit_test(killed_uplink_goes_on),
        cmocka_unit_test(new_epoch_follows_the_old),
        cmocka_unit_test(clean_stop_ends_all),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
