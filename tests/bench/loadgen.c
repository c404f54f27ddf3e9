/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sensors by the dozen: enrols, makes alerts, and sends them as the uplink does (TLS with a client
 * certificate, zstd, epochs, lanes, numbers), one connection and thread each. Frames are made
 * before the clock starts: a sensor's packing is not the collector's work.
 *
 *     loadgen enrol DIR < TOKENS             one sensor a line: DIR/0, DIR/1, …
 *     loadgen send DIR HOST:PORT [options]   one last line of JSON
 *     loadgen raw FILE --alerts N            the same alerts as plain lines, for other receivers
 *     loadgen stream HOST:PORT FILE --seconds N    send those lines over TCP, again and again
 */
#include "config.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/event.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/json.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "common/zst.h"
#include "sensor/uplink/client.h"
#include "sensor/uplink/enrol.h"
#include "sensor/uplink/identity.h"

#define LINE_WANT  700u
#define EPOCH_TEXT 33
#define LANES      2
#define WHY_MAX    256

struct options {
    unsigned sensors, batch, seconds, zst_level;
    uint64_t alerts; /* of all sensors */
    double rate;     /* alerts a second of all sensors, 0: as fast as it goes */
    bool json;
};

/* A frame that is ready to be sent. */
struct frame {
    size_t at, len;
    uint64_t first;
    unsigned count;
    unsigned lane;
};

struct sender {
    const struct options *o;
    unsigned number;
    char *dir;
    const char *address;
    char ca[512], cert[512], key[512];
    char epoch[EPOCH_TEXT];
    char lanes[LANES][16];
    struct buf bytes; /* of all frames */
    struct frame *frames;
    size_t frame_count;
    uint64_t raw_bytes, committed, waits, again, failures;
    uint64_t *latency_us;
    size_t latency_count;
    const uint64_t *start_ns, *end_ns;
    pthread_t thread;
};

/* ---- alerts ---------------------------------------------------------------------------------- */

struct maker {
    uint64_t state; /* splitmix64 */
    struct buf members;
};

static uint64_t draw(struct maker *m, uint64_t below)
{
    uint64_t z = m->state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (z ^ z >> 31) % below;
}

/* Small numbers come often, as rules and hosts do. */
static uint64_t draw_skewed(struct maker *m, uint64_t below)
{
    uint64_t a = draw(m, below), b = draw(m, below);
    return a * b / below;
}

static void make_addr(struct addr *out, unsigned net, uint64_t host)
{
    uint8_t four[4] = { (uint8_t)net, (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host };
    *out = addr_from_v4(four);
}

/* One alert of about LINE_WANT bytes, different from every other by time, flow and ports. */
static void make_alert(struct maker *m, const char *epoch, const char *lane, uint64_t seq,
                       uint64_t time_ns, struct buf *out)
{
    static const char *const classes[] = { "A Network Trojan was detected",
                                           "Attempted Information Leak", "Misc activity" };
    uint64_t rule = draw_skewed(m, 400), host = draw_skewed(m, 250), peer = draw(m, 200);
    char name[96];
    struct event_alert a = {
        .base = { .time_ns = time_ns,
                  .flow_id = draw(m, 1ull << 50),
                  .in_iface = "eth0",
                  .ip_version = 4,
                  .proto = 6,
                  .sport = (uint16_t)(1024 + draw(m, 60000)),
                  .dport = 80,
                  .app_proto = "http" },
        .direction = "to_server",
        .has_tx = true,
        .has_flow = true,
        .severity = (uint8_t)(1 + rule % 3),
        .gid = 1,
        .sid = (uint32_t)(2000000 + rule),
        .rev = 3,
        .signature = name,
        .category = classes[rule % 3],
        .flow = { .packets = { 4 + draw(m, 40), 3 + draw(m, 40) },
                  .bytes = { 400 + draw(m, 9000), 300 + draw(m, 90000) },
                  .start_ns = time_ns - draw(m, NS_PER_S) },
        .flow_sport = 0,
        .flow_dport = 80,
        .abeng = { .epoch = epoch, .lane = lane, .seq = seq, .ruleset = "bench-1", .home = "jm" },
    };
    snprintf(name, sizeof(name), "ET MALWARE Bench family %llu checkin", (unsigned long long)rule);
    make_addr(&a.base.src, 10, host);
    make_addr(&a.base.dst, 203, peer);
    a.flow_src = a.base.src;
    a.flow_dst = a.base.dst;
    a.flow_sport = a.base.sport;
    buf_clear(&m->members);
    buf_printf(&m->members,
               "\"http\":{\"hostname\":\"h%llu.example.org\",\"url\":\"/%016llx\",\"http_method\":"
               "\"GET\",\"protocol\":\"HTTP/1.1\",\"length\":%llu}",
               (unsigned long long)draw_skewed(m, 20), (unsigned long long)draw(m, UINT64_MAX),
               (unsigned long long)draw(m, 5000));
    a.base.members = buf_str(&m->members);
    a.base.members_len = m->members.len;
    event_alert_write(out, &a);
    buf_byte(out, '\n');
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void add_frame(struct sender *s, const struct buf *raw, uint64_t first, unsigned count,
                      unsigned lane)
{
    struct frame *f;

    if (s->frame_count % 1024 == 0)
        s->frames = xreallocarray(s->frames, s->frame_count + 1024, sizeof(*s->frames));
    f = &s->frames[s->frame_count++];
    *f = (struct frame){ .at = s->bytes.len, .first = first, .count = count, .lane = lane };
    zst_compress(raw->data, raw->len, (int)s->o->zst_level, &s->bytes);
    f->len = s->bytes.len - f->at;
    s->raw_bytes += raw->len;
}

static void make_frames(struct sender *s)
{
    struct maker m = { .state = 77 + s->number };
    uint64_t left = s->o->alerts / s->o->sensors, next[LANES] = { 1, 1 };
    uint64_t time_ns = clock_now(clock_system());
    struct buf raw;

    buf_init(&m.members, 1024);
    buf_init(&raw, 64u << 20);
    while (left) {
        unsigned lane = draw(&m, 8) == 0 ? 0 : 1;
        unsigned count = left < s->o->batch ? (unsigned)left : s->o->batch;
        buf_clear(&raw);
        for (unsigned i = 0; i < count; i++)
            make_alert(&m, s->epoch, s->lanes[lane], next[lane] + i, time_ns += 3000, &raw);
        add_frame(s, &raw, next[lane], count, lane);
        next[lane] += count;
        left -= count;
    }
    buf_free(&raw);
    buf_free(&m.members);
}

/* ---- sending --------------------------------------------------------------------------------- */

static long post(struct client *c, const struct sender *s, const struct frame *f, uint64_t *at)
{
    char first[24], count[24], why[WHY_MAX];
    struct client_header headers[] = {
        { "Content-Type", "application/x-ndjson" },
        { "Content-Encoding", "zstd" },
        { "Abeng-Epoch", s->epoch },
        { "Abeng-Lane", s->lanes[f->lane] },
        { "Abeng-First-Seq", first },
        { "Abeng-Count", count },
    };
    struct client_request req = { .path = "/v1/batches",
                                  .headers = headers,
                                  .header_count = sizeof(headers) / sizeof(headers[0]),
                                  .body = s->bytes.data + f->at,
                                  .body_len = f->len,
                                  .timeout_ms = 30000,
                                  .reply_max = 65536 };
    struct client_reply reply;

    snprintf(first, sizeof(first), "%llu", (unsigned long long)f->first);
    snprintf(count, sizeof(count), "%u", f->count);
    if (client_call(c, &req, &reply, why, sizeof(why)) != ABENG_OK)
        return 0;
    const char *text = strstr(buf_str(reply.body), "\"committed\":");
    *at = text ? strtoull(text + strlen("\"committed\":"), NULL, 10) : 0;
    return reply.status;
}

/* One frame until it is committed, or the time is over. Whether it is. */
static bool deliver(struct sender *s, struct client *c, const struct frame *f)
{
    uint64_t begun = clock_mono_ns(), at;

    while (clock_mono_ns() < *s->end_ns) {
        long status = post(c, s, f, &at);
        if (status == 200 && at >= f->first + f->count - 1) {
            s->latency_us[s->latency_count++] = (clock_mono_ns() - begun) / 1000;
            __atomic_fetch_add(&s->committed, f->count, __ATOMIC_RELAXED);
            return true;
        }
        if (status == 429 || status == 503 || status == 0)
            s->waits++;
        else
            s->failures++;
        s->again++;
        usleep(200 * 1000);
    }
    return false;
}

static void keep_pace(const struct sender *s, uint64_t sent)
{
    double each = s->o->rate / s->o->sensors;
    uint64_t due = *s->start_ns + (uint64_t)((double)sent / each * 1e9);
    uint64_t now = clock_mono_ns();

    if (due > now)
        usleep((useconds_t)((due - now) / 1000));
}

static void *send_all(void *arg)
{
    struct sender *s = arg;
    struct client_conf conf = { .addresses = &s->address,
                                .address_count = 1,
                                .ca_path = s->ca,
                                .cert_path = s->cert,
                                .key_path = s->key };
    struct client *c = client_create(&conf);
    uint64_t sent = 0;

    for (size_t i = 0; i < s->frame_count; i++) {
        if (s->o->rate > 0)
            keep_pace(s, sent);
        if (!deliver(s, c, &s->frames[i]))
            break;
        sent += s->frames[i].count;
    }
    client_free(c);
    return NULL;
}

static int prepare(struct sender *s, const char *dir, const char *address, const struct options *o,
                   unsigned number)
{
    struct identity id;
    char why[WHY_MAX];
    uint8_t random[16];

    s->o = o;
    s->number = number;
    s->dir = xasprintf("%s/%u", dir, number);
    s->address = address;
    if (identity_load(s->dir, &id, why, sizeof(why)) != ABENG_OK) {
        fprintf(stderr, "loadgen: %s: %s\n", s->dir, why);
        return ABENG_ERR;
    }
    snprintf(s->ca, sizeof(s->ca), "%s", id.ca_path);
    snprintf(s->cert, sizeof(s->cert), "%s", id.cert_path);
    snprintf(s->key, sizeof(s->key), "%s", id.key_path);
    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(s->epoch, sizeof(s->epoch), random, sizeof(random));
    snprintf(s->lanes[0], sizeof(s->lanes[0]), "%.2s.urgent", id.states);
    snprintf(s->lanes[1], sizeof(s->lanes[1]), "%.2s.bulk", id.states);
    buf_init(&s->bytes, 1ull << 36);
    make_frames(s);
    s->latency_us = xcalloc(s->frame_count + 1, sizeof(*s->latency_us));
    return ABENG_OK;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void report(struct sender *all, unsigned n, uint64_t least, uint64_t most, double seconds)
{
    uint64_t alerts = 0, raw = 0, packed = 0, waits = 0, failures = 0, planned = 0;
    size_t count = 0, total = 0;
    struct buf out;
    struct json j;

    for (unsigned i = 0; i < n; i++)
        total += all[i].latency_count;
    uint64_t *us = xcalloc(total + 1, sizeof(*us));
    for (unsigned i = 0; i < n; i++) {
        memcpy(us + count, all[i].latency_us, all[i].latency_count * sizeof(*us));
        count += all[i].latency_count;
        alerts += all[i].committed;
        raw += all[i].raw_bytes;
        packed += all[i].bytes.len;
        waits += all[i].waits;
        failures += all[i].failures;
        planned += all[i].o->alerts / n;
    }
    qsort(us, count, sizeof(*us), by_size);
    buf_init(&out, 4096);
    json_begin(&j, &out);
    json_open(&j, NULL);
    json_u64(&j, "alerts", alerts);
    json_u64(&j, "planned", planned);
    json_double(&j, "seconds", seconds);
    json_double(&j, "alerts_per_s", (double)alerts / seconds);
    json_double(&j, "p50_ms", count ? (double)us[count / 2] / 1000 : 0);
    json_double(&j, "p99_ms", count ? (double)us[count * 99 / 100] / 1000 : 0);
    json_double(&j, "line_bytes", planned ? (double)raw / (double)planned : 0);
    json_double(&j, "compression", packed ? (double)raw / (double)packed : 0);
    json_u64(&j, "waits", waits);
    json_u64(&j, "failures", failures);
    json_u64(&j, "sensor_least", least);
    json_u64(&j, "sensor_most", most);
    json_close(&j);
    puts(buf_str(&out));
    buf_free(&out);
    free(us);
}

/*
 * Wait for the end; `least` and `most` are what the slowest and the fastest had when half of all
 * was there.
 */
static void watch(struct sender *all, unsigned n, const struct options *o, uint64_t end,
                  uint64_t *least, uint64_t *most)
{
    uint64_t sum = 0;

    *least = *most = 0;
    while (sum < o->alerts / 2 && clock_mono_ns() < end) {
        usleep(20 * 1000);
        sum = *most = 0;
        *least = UINT64_MAX;
        for (unsigned i = 0; i < n; i++) {
            uint64_t have = __atomic_load_n(&all[i].committed, __ATOMIC_RELAXED);
            sum += have;
            *least = have < *least ? have : *least;
            *most = have > *most ? have : *most;
        }
    }
}

static int send_main(const char *dir, const char *address, const struct options *o)
{
    struct sender *all = xcalloc(o->sensors, sizeof(*all));
    uint64_t start, end, least, most;

    for (unsigned i = 0; i < o->sensors; i++) {
        if (prepare(&all[i], dir, address, o, i) != ABENG_OK)
            return 1;
    }
    fprintf(stderr, "ready\n");
    start = clock_mono_ns();
    end = start + o->seconds * NS_PER_S;
    for (unsigned i = 0; i < o->sensors; i++) {
        all[i].start_ns = &start;
        all[i].end_ns = &end;
        if (pthread_create(&all[i].thread, NULL, send_all, &all[i]) != 0)
            return 1;
    }
    watch(all, o->sensors, o, end, &least, &most);
    for (unsigned i = 0; i < o->sensors; i++)
        pthread_join(all[i].thread, NULL);
    report(all, o->sensors, least, most, (double)(clock_mono_ns() - start) / 1e9);
    return 0;
}

/* ---- the other receivers --------------------------------------------------------------------- */

static int raw_main(const char *path, const struct options *o)
{
    struct maker m = { .state = 77 };
    struct buf line;
    FILE *f = fopen(path, "w");

    if (!f)
        return perror(path), 1;
    buf_init(&line, 1u << 20);
    buf_init(&m.members, 1024);
    for (uint64_t i = 0; i < o->alerts; i++) {
        buf_clear(&line);
        make_alert(&m, "00000000000000000000000000000000", "jm.bulk", i + 1,
                   clock_now(clock_system()), &line);
        fwrite(line.data, 1, line.len, f);
    }
    buf_free(&line);
    buf_free(&m.members);
    return fclose(f) ? 1 : 0;
}

static int connect_to(const char *address)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    const char *colon = strrchr(address, ':');
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons((uint16_t)atoi(colon ? colon + 1 : address));
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return fd;
    perror(address);
    return -1;
}

static int stream_main(const char *address, const char *path, const struct options *o)
{
    uint64_t end = clock_mono_ns() + o->seconds * NS_PER_S;
    struct buf lines;
    int fd = connect_to(address);

    buf_init(&lines, 4ull << 30);
    if (fd < 0 || file_read(path, &lines) != ABENG_OK)
        return 1;
    while (clock_mono_ns() < end) {
        for (size_t at = 0; at < lines.len && clock_mono_ns() < end;) {
            size_t n = lines.len - at < (256u << 10) ? lines.len - at : 256u << 10;
            if (file_write_all(fd, lines.data + at, n) != ABENG_OK)
                return perror(address), 1;
            at += n;
        }
    }
    close(fd);
    buf_free(&lines);
    return 0;
}

static int enrol_all(const char *dir)
{
    char token[8192];

    for (unsigned i = 0; fgets(token, sizeof(token), stdin); i++) {
        char *to = xasprintf("%s/%u", dir, i);
        token[strcspn(token, "\r\n")] = '\0';
        char *argv[] = { (char *)"enrol", (char *)"--token", token, (char *)"--dir", to, NULL };
        file_make_dirs(to, 0700);
        optind = 1;
        if (enrol_main(5, argv) != 0)
            return 1;
        free(to);
    }
    return 0;
}

/* ---- the command line ------------------------------------------------------------------------ */

static int read_options(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        { "sensors", required_argument, NULL, 's' }, { "alerts", required_argument, NULL, 'a' },
        { "batch", required_argument, NULL, 'b' },   { "seconds", required_argument, NULL, 't' },
        { "rate", required_argument, NULL, 'r' },    { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == 's')
            o->sensors = (unsigned)atoi(optarg);
        else if (c == 'a')
            o->alerts = strtoull(optarg, NULL, 10);
        else if (c == 'b')
            o->batch = (unsigned)atoi(optarg);
        else if (c == 't')
            o->seconds = (unsigned)atoi(optarg);
        else if (c == 'r')
            o->rate = atof(optarg);
        else
            return ABENG_EINVAL;
    }
    return o->sensors && o->batch ? ABENG_OK : ABENG_EINVAL;
}

int main(int argc, char **argv)
{
    struct options o = {
        .sensors = 4, .batch = 4096, .seconds = 600, .zst_level = 3, .alerts = 100000
    };

    log_open("loadgen", LOG_LEVEL_WARN);
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (sign_init() != ABENG_OK || read_options(&o, argc, argv) != ABENG_OK)
        return 2;
    const char *verb = argv[optind], *one = verb ? argv[optind + 1] : NULL;
    const char *two = one ? argv[optind + 2] : NULL;
    if (one && !strcmp(verb, "enrol"))
        return enrol_all(one);
    if (two && !strcmp(verb, "send"))
        return send_main(one, two, &o);
    if (one && !strcmp(verb, "raw"))
        return raw_main(one, &o);
    if (two && !strcmp(verb, "stream"))
        return stream_main(one, two, &o);
    fprintf(stderr, "loadgen: enrol DIR | send DIR HOST:PORT | raw FILE | stream HOST:PORT FILE\n");
    return 2;
}
