/* SPDX-License-Identifier: Apache-2.0 */
/* stats.json: totals first, then every counter by stage. */
#include "config.h"
#include "sensor/statsfile.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"
#include "sensor/blackbox.h"
#include "sensor/live.h"
#include "sensor/worker.h"
#include "sensor/writer.h"

#define STATS_MAX (1u << 20)

static uint64_t sum(const struct statsfile *s, enum worker_stage stage, unsigned id)
{
    uint64_t n = 0;
    for (unsigned w = 0; w < s->worker_count; w++)
        n += counter_read(worker_counters(s->workers[w], stage), id);
    return n;
}

/* A counter of all workers by its name, 0 when the stage has none of that name. */
static uint64_t total(const struct statsfile *s, enum worker_stage stage, const char *name)
{
    const struct counter_def *defs = worker_stage_counters(stage);
    for (unsigned i = 0; defs[i].name; i++) {
        if (strcmp(defs[i].name, name) == 0)
            return sum(s, stage, i);
    }
    return 0;
}

static const char *after_dot(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot ? dot + 1 : name;
}

/* Every stage is an object under its own name, which is what stands before the dot. */
static void open_stage(struct json *j, const struct counter_def *defs)
{
    char stage[32];
    size_t n = defs[0].name ? strcspn(defs[0].name, ".") : 0;
    n = n < sizeof(stage) - 1 ? n : sizeof(stage) - 1;
    memcpy(stage, defs[0].name ? defs[0].name : "", n);
    stage[n] = 0;
    json_open(j, stage);
}

static void write_workers(const struct statsfile *s, struct json *j)
{
    for (unsigned stage = 0; stage < WORKER_STAGES; stage++) {
        const struct counter_def *defs = worker_stage_counters(stage);
        open_stage(j, defs);
        for (unsigned i = 0; defs[i].name; i++)
            json_u64(j, after_dot(defs[i].name), sum(s, stage, i));
        json_close(j);
    }
}

static void write_writer(const struct statsfile *s, struct json *j)
{
    for (unsigned stage = 0; s->writer && stage < WRITER_STAGES; stage++) {
        const struct counter_def *defs = writer_stage_counters(stage);
        open_stage(j, defs);
        for (unsigned i = 0; defs[i].name; i++)
            json_u64(j, after_dot(defs[i].name),
                     counter_read(writer_counters(s->writer, stage), i));
        json_close(j);
    }
}

void statsfile_ledger(const struct statsfile *s, struct statsfile_ledger *out)
{
    const struct capture_counts *c = &s->captured;
    const struct blackbox_sums *b = s->before;
    *out = (struct statsfile_ledger){
        .received = b->received + (s->live ? c->received : c->packets),
        .processed = b->taken - b->shed + total(s, WORKER_STAGE_WORKER, "worker.processed"),
        .shed_elephants = total(s, WORKER_STAGE_WORKER, "worker.shed_elephants"),
        .shed_bulk = total(s, WORKER_STAGE_WORKER, "worker.shed_bulk"),
        .dropped = b->dropped + c->kernel_drops,
        .killed = b->killed,
    };
    out->shed = b->shed + out->shed_elephants + out->shed_bulk;
    uint64_t gone = b->taken + b->killed + c->packets + out->dropped;
    out->waiting = out->received > gone ? out->received - gone : 0;
}

static void write_ledger(const struct statsfile *s, struct json *j)
{
    struct statsfile_ledger l;
    statsfile_ledger(s, &l);
    json_u64(j, "received", l.received);
    json_u64(j, "processed", l.processed);
    json_u64(j, "shed", l.shed);
    json_u64(j, "dropped", l.dropped);
    json_u64(j, "killed", l.killed);
    json_u64(j, "waiting", l.waiting);
}

/* What was not inspected, by stage and reason: this travels with the health report. */
static void write_drops(const struct statsfile *s, struct json *j)
{
    struct statsfile_ledger l;
    statsfile_ledger(s, &l);
    json_open(j, "drops");
    json_open(j, "capture");
    json_u64(j, "kernel", l.dropped);
    json_close(j);
    json_open(j, "engine");
    json_u64(j, "killed", l.killed);
    json_u64(j, "flows_lost", s->before->flows_lost);
    json_close(j);
    json_open(j, "shed");
    json_u64(j, "elephants", l.shed_elephants);
    json_u64(j, "bulk", l.shed_bulk);
    json_close(j);
    json_close(j);
}

static void write_capture(const struct statsfile *s, struct json *j)
{
    json_open(j, "capture");
    json_u64(j, "packets", s->captured.packets);
    json_u64(j, "bytes", s->captured.bytes);
    json_u64(j, "received", s->live ? s->captured.received : s->captured.packets);
    json_u64(j, "kernel_drops", s->captured.kernel_drops);
    json_u64(j, "truncated_files", s->captured.truncated_files);
    json_u64(j, "bad_blocks", s->captured.bad_blocks);
    json_close(j);
}

/* Of all packets, what the busiest worker took: 1 means that steering gave it everything. */
static double largest_share(const struct statsfile *s)
{
    uint64_t most = 0, all = 0;
    for (unsigned w = 0; w < s->worker_count; w++) {
        uint64_t packets = worker_packets(s->workers[w]);
        most = packets > most ? packets : most;
        all += packets;
    }
    return all ? (double)most / (double)all : 0;
}

/* Of each worker's thread. */
static void write_cpu(const struct statsfile *s, struct json *j)
{
    json_open_array(j, "worker_cpu_seconds");
    for (unsigned w = 0; w < s->worker_count; w++)
        json_double(j, NULL, (double)worker_cpu_ns(s->workers[w]) / 1e9);
    json_close_array(j);
}

static void write_totals(const struct statsfile *s, struct json *j)
{
    char now[CLOCK_TEXT_MAX];
    uint64_t peak = 0;
    clock_format_rfc3339(clock_now(clock_system()), now);
    json_str(j, "timestamp", now);
    json_u64(j, "packets", total(s, WORKER_STAGE_WORKER, "worker.packets"));
    json_u64(j, "bytes", total(s, WORKER_STAGE_WORKER, "worker.bytes"));
    write_ledger(s, j);
    json_u64(j, "alerts", s->writer ? writer_alerts(s->writer) : 0);
    json_u64(j, "evidence_since_ms", s->writer ? writer_evidence_since(s->writer) : 0);
    json_u64(j, "flows", total(s, WORKER_STAGE_WORKER, "worker.flows_ended"));
    json_u64(j, "one_sided_flows", total(s, WORKER_STAGE_WORKER, "worker.flows_one_sided"));
    json_u64(j, "truncated_captures", s->captured.truncated_files);
    json_u64(j, "rules_loaded", s->rules_loaded);
    json_u64(j, "rules_refused", s->rules_refused);
    json_str(j, "ruleset", s->ruleset);
    json_str(j, "epoch", s->writer ? writer_epoch(s->writer) : NULL);
    json_double(j, "load_seconds", (double)s->load_ns / 1e9);
    json_double(j, "run_seconds", (double)s->run_ns / 1e9);
    json_u64(j, "peak_memory_kib", s->peak_kib);
    for (unsigned w = 0; w < s->worker_count; w++)
        peak += worker_memory_peak(s->workers[w]);
    json_u64(j, "packet_path_peak_bytes", peak);
    json_u64(j, "workers", s->worker_count);
    json_double(j, "largest_worker_share", largest_share(s));
    write_cpu(s, j);
    json_u64(j, "engines_died", s->before->lives);
}

/* What stages leave out when memory or a table is full (docs/LIMITS.md). */
static uint64_t stage_drops(const struct statsfile *s)
{
    static const struct {
        enum worker_stage stage;
        const char *name;
    } drops[] = {
        { WORKER_STAGE_DECODE, "decode.defrag_full" },
        { WORKER_STAGE_DECODE, "decode.defrag_no_memory" },
        { WORKER_STAGE_FLOW, "flow.no_memory" },
        { WORKER_STAGE_FLOW, "flow.evicted" },
        { WORKER_STAGE_STREAM, "stream.no_memory" },
        { WORKER_STAGE_STREAM, "stream.segments" },
        { WORKER_STAGE_STREAM, "stream.window" },
        { WORKER_STAGE_APP, "app.no_memory" },
        { WORKER_STAGE_CLASSIFY, "classify.no_memory" },
        { WORKER_STAGE_DETECT, "detect.no_memory" },
    };
    uint64_t n = 0;
    for (unsigned i = 0; i < sizeof(drops) / sizeof(drops[0]); i++)
        n += total(s, drops[i].stage, drops[i].name);
    return n;
}

void statsfile_flows(const struct statsfile *s, struct live_flows *out)
{
    *out = (struct live_flows){
        .flows = total(s, WORKER_STAGE_STREAM, "stream.sessions"),
        .one_sided = total(s, WORKER_STAGE_WORKER, "worker.flows_one_sided"),
        .tcp = total(s, WORKER_STAGE_DECODE, "decode.tcp"),
        .overlaps = total(s, WORKER_STAGE_STREAM, "stream.overlaps"),
        .shed = total(s, WORKER_STAGE_WORKER, "worker.shed_elephants") +
                total(s, WORKER_STAGE_WORKER, "worker.shed_bulk"),
        .records_lost = total(s, WORKER_STAGE_WORKER, "worker.ring_full"),
        .stage_drops = stage_drops(s),
    };
}

int statsfile_write(const struct statsfile *s, int fd)
{
    struct buf out;
    struct json j;
    buf_init(&out, STATS_MAX);
    json_begin(&j, &out);
    json_open(&j, NULL);
    write_totals(s, &j);
    json_open(&j, "stages");
    write_capture(s, &j);
    write_workers(s, &j);
    write_writer(s, &j);
    json_close(&j);
    write_drops(s, &j);
    if (s->live)
        live_write(s->live, &j);
    json_close(&j);
    buf_byte(&out, '\n');
    int err = file_write_all(fd, out.data, out.len);
    buf_free(&out);
    return err;
}

/* ---- EVE's record of it ---------------------------------------------------------------------- */

void statsfile_event(const struct statsfile *s, struct buf *out)
{
    char now[CLOCK_TEXT_MAX];
    struct statsfile_ledger l;
    struct json j;
    statsfile_ledger(s, &l);
    clock_format_eve(clock_now(clock_system()), now);
    json_begin(&j, out);
    json_open(&j, NULL);
    json_str(&j, "timestamp", now);
    json_str(&j, "event_type", "stats");
    json_open(&j, "stats");
    json_u64(&j, "uptime", s->run_ns / NS_PER_S);
    json_open(&j, "capture");
    json_u64(&j, "kernel_packets", l.received);
    json_u64(&j, "kernel_drops", l.dropped);
    json_close(&j);
    json_open(&j, "decoder");
    json_u64(&j, "pkts", total(s, WORKER_STAGE_WORKER, "worker.packets"));
    json_u64(&j, "bytes", total(s, WORKER_STAGE_WORKER, "worker.bytes"));
    json_close(&j);
    json_open(&j, "detect");
    json_u64(&j, "alert", s->writer ? writer_alerts(s->writer) : 0);
    json_close(&j);
    json_close(&j);
    json_open(&j, "abeng");
    write_ledger(s, &j);
    json_u64(&j, "shed_flows", total(s, WORKER_STAGE_WORKER, "worker.shed_flows"));
    json_close(&j);
    json_close(&j);
}
