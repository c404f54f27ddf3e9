/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker in this process, without monitor, sandbox or writer: what a profiler can look at, and
 * the raw limits beside it. Prints one JSON object.
 *
 *     tests/bench/engine [--no-ndpi] [--no-flow-records] [--only read|decode|scan] [-S RULES]… CAPTURE
 *
 * `--only read` takes the frames from the file and adds up their lengths; `decode` takes their
 * layers off besides; `scan` scans each payload once with the rules' patterns for its protocol and
 * does nothing with what it finds but count. Without it, frames go all the way to records, which
 * are taken from the ring and dropped. For instructions per packet, run it under
 * `valgrind --tool=callgrind --toggle-collect=bench_frames --toggle-collect=bench_finish`.
 */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/slab.h"
#include "sensor/alert/alert.h"
#include "sensor/alert/ring.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"
#include "sensor/detect/build.h"
#include "sensor/detect/scan.h"
#include "sensor/detect/state.h"
#include "sensor/worker.h"
#include "signatures/parse.h"

#define RING_BYTES  (64u << 20)
#define MEMORY      ((size_t)1 << 30)
#define RULES_MAX   (512u << 20)
#define SOURCES_MAX 16

enum bench_mode { MODE_ALL, MODE_READ, MODE_DECODE, MODE_SCAN };

struct bench {
    enum bench_mode mode;
    bool ndpi, flow_records;
    const char *sources[SOURCES_MAX];
    unsigned source_count;
    struct detect_ruleset *set;
    struct alert_ring *ring;
    struct worker *worker;
    struct decoder *decoder;
    struct detect_thread *detect;
    struct slab *slab;
    struct counter_block decode_counts, detect_counts;
    struct packet packets[DECODE_PACKETS_MAX];
    uint64_t frames, bytes, payload, records, sum, number, now_ns;
};

/* What is counted: callgrind switches on and off at these functions, so that optimising across
 * files must leave them standing under their names. */
#define BENCH_COUNTED __attribute__((noinline, noclone, externally_visible))
void bench_frames(struct bench *b, const struct frame *frames, unsigned n) BENCH_COUNTED;
void bench_finish(struct bench *b) BENCH_COUNTED;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "engine: %s: %s\n", what, why);
    exit(1);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void read_source(struct sig_parser *parser, const char *path)
{
    struct buf text;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    buf_init(&text, RULES_MAX);
    if (fd < 0 || file_read_fd(fd, &text) < 0)
        die(path, "cannot be read");
    sig_parser_read_rules(parser, (const char *)text.data, text.len, path);
    buf_free(&text);
    close(fd);
}

static void load_rules(struct bench *b)
{
    char reason[256] = "";
    struct sig_parser *parser = sig_parser_create();
    for (unsigned i = 0; i < b->source_count; i++)
        read_source(parser, b->sources[i]);
    struct sig_ruleset *set = sig_parser_finish(parser);
    int fd = memfd_create("rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || detect_image_build(set, "bench", fd, reason, sizeof(reason)) < 0)
        die("rules", reason);
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        die("rules", "cannot be sealed");
    b->set = detect_ruleset_map(fd, reason, sizeof(reason));
    if (!b->set)
        die("rules", reason);
    sig_ruleset_free(set);
    sig_parser_free(parser);
    close(fd);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void take_records(struct bench *b)
{
    const void *extra;
    const struct alert_record *r;
    while ((r = alert_ring_peek(b->ring, &extra))) {
        b->records++;
        detect_ruleset_drop(r->ruleset);
        alert_ring_take(b->ring);
    }
}

static void scan_packet(struct bench *b, const struct packet *p)
{
    bool tcp = p->proto == PACKET_PROTO_TCP;
    if (!p->payload_len || (!tcp && p->proto != PACKET_PROTO_UDP))
        return;
    unsigned dir = p->sport < p->dport;
    const struct image_portmap *map =
        &b->set->portmaps[(tcp ? IMAGE_CLASS_TCP : IMAGE_CLASS_UDP) * 2u + dir];
    struct app_view view = { .data = p->payload, .len = p->payload_len, .end = true };
    uint32_t engine = map->engines[tcp ? IMAGE_PAYLOAD_STREAM : IMAGE_PAYLOAD_PACKET];
    b->payload += p->payload_len;
    if (engine != IMAGE_NONE)
        detect_scan(b->detect, engine, &view);
    uint32_t rule;
    while (candidates_take(&b->detect->candidates, &rule))
        b->records++;
}

static void take_frame(struct bench *b, const struct frame *f, uint64_t number)
{
    if (b->mode == MODE_READ)
        return;
    int n = decode_frame(b->decoder, f, number, b->now_ns, b->packets);
    for (int i = 0; i < n && b->mode == MODE_SCAN; i++)
        scan_packet(b, &b->packets[i]);
}

void bench_frames(struct bench *b, const struct frame *frames, unsigned n)
{
    uint64_t numbers[CAPTURE_BURST_MAX], nows[CAPTURE_BURST_MAX];
    for (unsigned i = 0; i < n; i++) {
        b->now_ns = frames[i].ts_ns > b->now_ns ? frames[i].ts_ns : b->now_ns + 1;
        nows[i] = b->now_ns;
        numbers[i] = ++b->number;
        b->bytes += frames[i].len;
        b->sum += frames[i].data[frames[i].len / 2];
        if (b->mode != MODE_ALL)
            take_frame(b, &frames[i], numbers[i]);
    }
    if (b->mode != MODE_ALL)
        return;
    worker_burst(b->worker, frames, numbers, nows, n);
    worker_tick(b->worker, b->now_ns);
}

/* The ends of all flows. */
void bench_finish(struct bench *b)
{
    worker_finish(b->worker);
}

static void run(struct bench *b, const char *path)
{
    struct frame frames[CAPTURE_BURST_MAX];
    char reason[256];
    int n, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die(path, "cannot be opened");
    struct capture *c = capture_open_file(fd, path, reason, sizeof(reason));
    if (!c)
        die(path, reason);
    while ((n = capture_next(c, frames, CAPTURE_BURST_MAX, 0)) >= 0) {
        bench_frames(b, frames, (unsigned)n);
        b->frames += (unsigned)n;
        if (b->mode == MODE_ALL)
            take_records(b);
    }
    capture_close(c);
}

/* ---- the program ----------------------------------------------------------------------------- */

static void make(struct bench *b)
{
    struct worker_conf conf = {
        .ndpi = b->ndpi, .flow_records = b->flow_records, .memory = MEMORY, .hash_seed = 1
    };
    b->ring = alert_ring_create(RING_BYTES);
    b->slab = slab_create(MEMORY);
    b->decode_counts = counter_block_create(decode_counters);
    b->detect_counts = counter_block_create(detect_counters);
    load_rules(b);
    if (b->mode == MODE_ALL) {
        b->worker = worker_create(&conf, b->set, b->ring);
    } else {
        struct decode_conf decode = { .check_checksums = false };
        b->decoder = decode_create(&decode, b->slab, &b->decode_counts);
        b->detect = detect_thread_create(b->set, b->slab, &b->detect_counts);
    }
    if (b->mode == MODE_ALL ? !b->worker : !b->decoder || !b->detect)
        die("start", "no memory");
}

static void unmake(struct bench *b)
{
    worker_free(b->worker);
    detect_thread_free(b->detect);
    decode_free(b->decoder);
    alert_ring_free(b->ring);
    detect_ruleset_drop(b->set);
    counter_block_free(&b->decode_counts);
    counter_block_free(&b->detect_counts);
    slab_free_all(b->slab);
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void set_mode(struct bench *b, const char *word)
{
    static const char *const words[] = { "all", "read", "decode", "scan" };
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            b->mode = (enum bench_mode)i;
            return;
        }
    }
    die(word, "use --only read, decode or scan");
}

static void options(struct bench *b, int argc, char **argv)
{
    static const struct option longs[] = { { "only", required_argument, NULL, 'o' },
                                           { "no-ndpi", no_argument, NULL, 'n' },
                                           { "no-flow-records", no_argument, NULL, 'f' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "S:", longs, NULL)) != -1;) {
        if (c == 'S' && b->source_count < SOURCES_MAX)
            b->sources[b->source_count++] = optarg;
        else if (c == 'o')
            set_mode(b, optarg);
        else if (c == 'n')
            b->ndpi = false;
        else if (c == 'f')
            b->flow_records = false;
        else
            die("options", "engine [--no-ndpi] [--no-flow-records] [--only MODE] [-S RULES]… CAPTURE");
    }
    if (optind + 1 != argc)
        die("options", "name one capture");
}

int main(int argc, char **argv)
{
    struct bench b = { .ndpi = true, .flow_records = true };
    log_open("engine", LOG_LEVEL_WARN);
    options(&b, argc, argv);
    make(&b);
    uint64_t began = cpu_ns();
    run(&b, argv[optind]);
    uint64_t streamed = cpu_ns();
    if (b.worker)
        bench_finish(&b);
    take_records(&b);
    uint64_t ended = cpu_ns();
    printf("{\"packets\":%llu,\"bytes\":%llu,\"payload\":%llu,\"records\":%llu,\"seconds\":%.6f,"
           "\"end_seconds\":%.6f,\"memory\":%llu}\n",
           (unsigned long long)b.frames, (unsigned long long)b.bytes, (unsigned long long)b.payload,
           (unsigned long long)b.records, (double)(streamed - began) / 1e9,
           (double)(ended - streamed) / 1e9,
           (unsigned long long)(b.worker ? worker_memory_peak(b.worker) : 0));
    unmake(&b);
    return 0;
}
