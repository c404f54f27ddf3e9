/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's loop: the only place, with engine.c, that names every stage of the packet path. */
#include "config.h"
#include "sensor/worker.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/prefetch.h"
#include "common/rate.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/alert/alert.h"
#include "sensor/app/app.h"
#include "sensor/app/classify.h"
#include "sensor/blackbox.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"
#include "sensor/detect/detect.h"
#include "sensor/evidence/ring.h"
#include "sensor/flow/flow.h"
#include "sensor/live.h"
#include "sensor/shed.h"
#include "sensor/stream/stream.h"

/* Of a live worker's memory so much is taken at its start, the rest as it is needed: a line does
 * not wait while memory is being found. */
#define WARM_SHARE 16
/* And what stays taken beyond what it uses, from the start on. */
#define WARM_AHEAD ((size_t)32 << 20)
/* What is asked for of a frame, which another core may have read, and how many frames before it is
 * decoded: of more at once some would be left out. */
#define HEADERS_BYTES 128
#define HEADERS_AHEAD 8
/** IP without a frame around it: in captures, and as libpcap and so Suricata number it. */
#define LINKTYPE_RAW 101u
#define DLT_RAW      12u

/* A direction gives a session's bytes to its parser in this many spans at most before the next
 * packet's turn; what is left comes then. */
#define SPANS_PER_PACKET 64

/* Records of flows of a single packet that nobody answered: so many a second of packet time, and at
 * once. A flood's would fill the disk and take the writer's time; those above are counted. */
#define LONE_FLOWS_PER_S 2000
#define LONE_FLOWS_BURST 20000

enum worker_counter {
    COUNTER_PACKETS,
    COUNTER_BYTES,
    COUNTER_PROCESSED,
    COUNTER_SHED_ELEPHANTS,
    COUNTER_SHED_BULK,
    COUNTER_SHED_BYTES,
    COUNTER_SHED_FLOWS,
    COUNTER_SHED_TIMES,
    COUNTER_INVALID,
    COUNTER_FLOWS_ENDED,
    COUNTER_ONE_SIDED,
    COUNTER_RECORDS,
    COUNTER_RING_FULL,
    COUNTER_HITS_DROPPED,
    COUNTER_LONE_FLOWS,
    COUNTER_FILES_LOST,
    COUNTER_PACKETS_CUT,
    COUNTERS
};

static const struct counter_def worker_counter_defs[] = {
    [COUNTER_PACKETS] = { "worker.packets", "frames taken from the capture" },
    [COUNTER_BYTES] = { "worker.bytes", "bytes of those frames on the wire" },
    [COUNTER_PROCESSED] = { "worker.processed", "of those, frames that went through all stages" },
    [COUNTER_SHED_ELEPHANTS] = { "worker.shed_elephants",
                                 "frames of flows past their depth left out under pressure" },
    [COUNTER_SHED_BULK] = { "worker.shed_bulk",
                            "frames of unidentified bulk left out under pressure" },
    [COUNTER_SHED_BYTES] = { "worker.shed_bytes", "bytes of both on the wire" },
    [COUNTER_SHED_FLOWS] = { "worker.shed_flows", "flows of which something was left out" },
    [COUNTER_SHED_TIMES] = { "worker.shed_times", "times that a step of shedding began" },
    [COUNTER_INVALID] = { "worker.undecoded", "frames that gave no packet to inspect" },
    [COUNTER_FLOWS_ENDED] = { "worker.flows_ended", "flows that came to their end" },
    [COUNTER_ONE_SIDED] = { "worker.flows_one_sided", "ended TCP flows seen from one side only" },
    [COUNTER_RECORDS] = { "worker.records", "records put for the writer" },
    [COUNTER_RING_FULL] = { "worker.ring_full", "records lost because the writer was behind" },
    [COUNTER_HITS_DROPPED] = { "worker.extra_too_long", "records whose fragments were cut to fit" },
    [COUNTER_LONE_FLOWS] = { "worker.lone_flows",
                             "flows of one unanswered packet, in a flood, without a record" },
    [COUNTER_FILES_LOST] = { "worker.files_lost", "files not stored: the writer was behind" },
    [COUNTER_PACKETS_CUT] = { "worker.packets_cut",
                              "tagged packets whose end a record has no room for" },
    [COUNTERS] = { NULL, NULL },
};

/* A frame's packets, before their turn. */
struct decoded {
    struct packet packets[DECODE_PACKETS_MAX];
    int count;
    uint64_t ahead; /* flow_table_ahead of the innermost */
};

struct worker {
    struct worker_conf conf;
    struct slab *slab;
    struct decoder *decoder;
    struct flow_table *flows;
    struct stream_ctx *streams;
    struct app_ctx *apps;
    struct classify_ctx *classify; /* NULL: off */
    struct detect_thread *detect;
    struct detect_ruleset *rules;
    struct alert_ring *ring;
    struct evidence_ring *evidence; /* NULL: off */
    struct counter_block counters[WORKER_STAGES];
    struct blackbox_mark no_mark;
    struct rate lone_flows;
    struct decoded decoded[DECODE_AHEAD];
    struct detect_output hits;
    struct alert_record record;
    uint32_t app_events; /* of detection, seen on the packet at hand */
    enum shed_step shed;
    uint8_t interface; /* of the frames at hand */
    bool sealed; /* the packet at hand began ciphertext: payloads behind it are not looked at */
    bool flush;  /* what came before the packet at hand is to be inspected before it is */
    uint8_t extra[ALERT_EXTRA_MAX];
    uint32_t link; /* of the frame at hand */
    _Atomic uint64_t cpu_ns; /* of the thread; worker_note_cpu */
};

const struct counter_def *worker_stage_counters(enum worker_stage stage)
{
    static const struct counter_def *const tables[WORKER_STAGES] = {
        [WORKER_STAGE_DECODE] = decode_counters,     [WORKER_STAGE_FLOW] = flow_counters,
        [WORKER_STAGE_STREAM] = stream_counters,     [WORKER_STAGE_APP] = app_counters,
        [WORKER_STAGE_CLASSIFY] = classify_counters, [WORKER_STAGE_DETECT] = detect_counters,
        [WORKER_STAGE_WORKER] = worker_counter_defs,
    };
    return tables[stage];
}

static void make_counters(struct worker *w)
{
    for (unsigned s = 0; s < WORKER_STAGES; s++)
        w->counters[s] = counter_block_create(worker_stage_counters(s));
}

static void count(struct worker *w, enum worker_counter id, uint64_t n)
{
    counter_add(&w->counters[WORKER_STAGE_WORKER], id, n);
}

/* detect's thread is made after app's context, which calls it: so by way of the worker. */
static void free_tx_state(void *arg, struct app_tx *tx)
{
    struct worker *w = arg;
    detect_tx_free(w->detect, tx);
}

/* Into a ring that the writer empties; false when it is full and nothing waits for it: live. */
static bool ring_put(struct worker *w, struct alert_ring *ring, const struct alert_record *r,
                     const void *extra)
{
    while (!alert_ring_put(ring, r, extra)) {
        if (!w->conf.block_when_full)
            return false;
        sched_yield();
    }
    return true;
}

/* A file that a rule wants kept, as far as it was kept here. */
static void store_file(void *arg, const struct app_file_view *file)
{
    struct worker *w = arg;
    struct alert_record r = { .kind = ALERT_KIND_FILE, .extra_len = file->data.len };
    if (!file->data.len)
        return;
    if (!ring_put(w, w->conf.files, &r, file->data.data))
        count(w, COUNTER_FILES_LOST, 1);
}

/* The files of the hit's transaction, by what its rule says: whether it speaks of them. */
static bool mark_files(const struct worker *w, const struct detect_hit *hit, unsigned dir)
{
    uint8_t store = w->conf.files && hit->tx ? detect_rule_store(w->rules, hit->rule) : 0;
    if (store & SIG_STORE_MATCH)
        hit->tx->store |= (uint8_t)(1u << dir);
    if (store & SIG_STORE_TOSERVER)
        hit->tx->store |= 1u << SIG_DIR_TOSERVER;
    if (store & SIG_STORE_TOCLIENT)
        hit->tx->store |= 1u << SIG_DIR_TOCLIENT;
    return store != 0;
}

static bool make_stages(struct worker *w)
{
    const struct worker_conf *c = &w->conf;
    struct counter_block *k = w->counters;
    struct decode_conf decode = { .check_checksums = c->check_checksums,
                                  .tunnels_more = c->profile_abeng,
                                  .targets = c->targets };
    struct flow_conf flow = { .flows_max = c->flows_max };
    struct stream_conf stream = { .commit = STREAM_COMMIT_ON_ACK,
                                  .midstream = c->midstream,
                                  .async_oneside = c->async_oneside,
                                  .depth = c->stream_depth,
                                  .targets = c->targets,
                                  .check_checksums = c->check_checksums };
    struct app_conf app = { .ja3 = true,
                            .beyond = c->profile_abeng,
                            .tx_free = free_tx_state,
                            .tx_free_arg = w,
                            .file_store = c->files ? store_file : NULL };
    w->decoder = decode_create(&decode, w->slab, &k[WORKER_STAGE_DECODE]);
    w->flows = flow_table_create(&flow, w->slab, c->hash_seed, &k[WORKER_STAGE_FLOW]);
    w->streams = stream_create(&stream, w->slab, &k[WORKER_STAGE_STREAM]);
    w->apps = app_create(&app, w->slab, &k[WORKER_STAGE_APP]);
    if (c->ndpi)
        w->classify =
            classify_create(&c->classify, w->apps, w->slab, &k[WORKER_STAGE_CLASSIFY]);
    app_frames_want(w->apps, detect_ruleset_frames(w->rules));
    app_sums_want(w->apps, detect_ruleset_sums(w->rules));
    w->detect = detect_thread_create(w->rules, w->slab, &k[WORKER_STAGE_DETECT]);
    if (w->detect && c->profile_abeng)
        detect_thread_go_beyond(w->detect);
    return w->decoder && w->flows && w->streams && w->apps && w->detect &&
           (w->classify || !c->ndpi);
}

struct worker *worker_create(const struct worker_conf *conf, struct detect_ruleset *rules,
                             struct alert_ring *ring)
{
    struct worker *w = xcalloc(1, sizeof(*w));
    w->conf = *conf;
    if (!w->conf.mark)
        w->conf.mark = &w->no_mark;
    w->ring = ring;
    w->rules = detect_ruleset_hold(rules);
    w->slab = slab_create(conf->memory);
    if (conf->live)
        (void)slab_warm_ahead(w->slab, conf->memory / WARM_SHARE + WARM_AHEAD);
    make_counters(w);
    rate_init(&w->lone_flows, LONE_FLOWS_PER_S, LONE_FLOWS_BURST);
    if (conf->evidence && !(w->evidence = evidence_ring_create(conf->evidence)))
        log_warn("worker", "no memory for recent packets; alerts go without evidence");
    if (!make_stages(w)) {
        log_error("worker", "a stage could not be made; limits: worker-memory-mib is %zu",
                  conf->memory >> 20);
        worker_free(w);
        return NULL;
    }
    return w;
}

/* ---- records --------------------------------------------------------------------------------- */

static void put_record(struct worker *w)
{
    if (ring_put(w, w->ring, &w->record, w->extra)) {
        count(w, COUNTER_RECORDS, 1);
        return;
    }
    count(w, COUNTER_RING_FULL, 1);
    detect_ruleset_drop(w->record.ruleset);
}

static void fill_flow(struct alert_record *r, const struct flow *f)
{
    r->has_flow = true;
    r->flow_id = f->id;
    r->flow_start_ns = f->first_ts_ns;
    r->flow_end_ns = f->last_ns;
    r->flow_src = f->client;
    r->flow_dst = f->server;
    r->flow_sport = f->client_port;
    r->flow_dport = f->server_port;
    r->flow_state = f->state;
    r->evidence_at = f->evidence_at;
    r->shed = f->shed;
    r->app = (uint8_t)app_protocol(f);
    r->interface = (uint16_t)(f->flags >> FLOW_INTERFACE_SHIFT);
    for (unsigned d = 0; d < 2; d++) {
        r->packets[d] = f->packets[d];
        r->bytes[d] = f->bytes[d];
    }
}

static void fill_packet(struct alert_record *r, const struct packet *p)
{
    r->ts_ns = p->ts_ns;
    r->src = p->src;
    r->dst = p->dst;
    r->sport = p->sport;
    r->dport = p->dport;
    r->proto = p->proto;
    r->ip_version = p->ip_version;
    r->vlan_count = p->vlan_count;
    memcpy(r->vlan, p->vlan, sizeof(r->vlan));
    r->tunnel_depth = p->tunnel_depth;
    r->tunnel = p->tunnel;
    r->icmp_type = p->icmp_type;
    r->icmp_code = p->icmp_code;
    r->pseudo = p->flags & PACKET_F_PSEUDO;
    r->reassembled = p->flags & PACKET_F_REASSEMBLED;
}

/* The application's and nDPI's JSON members, written once, here, where they are known. Whether they
 * had to be cut. */
static bool fill_extra(struct worker *w, struct flow *f, struct app_tx *tx, unsigned dir)
{
    struct buf out;
    struct json j;
    buf_init_fixed(&out, w->extra, sizeof(w->extra));
    json_begin(&j, &out);
    if (f)
        app_describe(f, tx, &j);
    size_t whole = out.len;
    if (f && tx && !out.bad) {
        app_describe_files(w->apps, f, tx, dir, &j);
        if (!out.bad)
            whole = out.len;
    }
    if (f && w->classify && !out.bad) {
        classify_describe(w->classify, f, &j);
        if (!out.bad)
            whole = out.len;
    }
    if (out.bad) /* half a member is no JSON: keep the members that fit */
        whole = whole == out.len ? 0 : whole;
    w->record.extra_len = (uint32_t)whole;
    return out.bad;
}

static void put_hits(struct worker *w, const struct packet *p, struct flow *f, unsigned dir)
{
    bool cut = false;
    if (f && w->classify && w->hits.count > 0)
        classify_ask(w->classify, f);
    for (uint32_t i = 0; i < w->hits.count; i++) {
        const struct detect_hit *hit = &w->hits.hits[i];
        struct alert_record *r = &w->record;
        uint32_t told = r->extra_len; /* of the hit before */
        memset(r, 0, sizeof(*r));
        r->kind = ALERT_KIND_ALERT;
        r->worker = w->conf.number;
        r->key = (struct alert_key){ p->now_ns, p->number, f ? f->id : 0 };
        r->ruleset = detect_ruleset_hold(w->rules);
        r->rule = hit->rule;
        r->dir = (uint8_t)dir;
        r->stream = hit->stream;
        r->beyond = hit->beyond || p->flags & PACKET_F_BEYOND || (f && f->flags & FLOW_F_BEYOND);
        r->has_tx = hit->tx != NULL;
        r->tx_id = hit->tx_id;
        fill_packet(r, p);
        if (f)
            fill_flow(r, f);
        if (!(p->flags & PACKET_F_PSEUDO))
            r->interface = w->interface;
        if (mark_files(w, hit, dir) || i == 0 || hit->tx != hit[-1].tx)
            cut = fill_extra(w, f, hit->tx, dir);
        else /* what was told of flow and transaction is still true */
            r->extra_len = told;
        count(w, COUNTER_HITS_DROPPED, cut);
        put_record(w);
    }
}

/* The frame, or, of what was found inside it or made of fragments, from the IP header on. */
static uint32_t packet_bytes(const struct worker *w, const struct packet *p, const uint8_t **out,
                             uint16_t *link)
{
    bool inner = p->l3 && (p->tunnel_depth || p->flags & PACKET_F_REASSEMBLED);
    *out = inner ? p->l3 : p->data;
    *link = (uint16_t)(inner || w->link == LINKTYPE_RAW ? DLT_RAW : w->link);
    return inner ? p->l3_len : p->len;
}

/* A packet that may be tagged, with as many of its bytes as a record takes. */
static void put_tagged(struct worker *w, const struct packet *p, const struct flow *f)
{
    struct alert_record *r = &w->record;
    size_t tags = w->hits.tag_count * sizeof(w->hits.tags[0]);
    const uint8_t *bytes;
    memset(r, 0, sizeof(*r));
    r->kind = ALERT_KIND_PACKET;
    r->key = (struct alert_key){ p->now_ns, p->number, f ? f->id : 0 };
    fill_packet(r, p);
    if (f)
        fill_flow(r, f);
    r->interface = w->interface;
    r->packet_len = packet_bytes(w, p, &bytes, &r->packet_link);
    r->tag_count = (uint16_t)w->hits.tag_count;
    size_t len = r->packet_len;
    if (len > sizeof(w->extra) - tags) {
        len = sizeof(w->extra) - tags;
        count(w, COUNTER_PACKETS_CUT, 1);
    }
    memcpy(w->extra, w->hits.tags, tags);
    memcpy(w->extra + tags, bytes, len);
    r->extra_len = (uint32_t)(tags + len);
    put_record(w);
}

static void put_flow_record(struct worker *w, struct flow *f, uint64_t ended_ns, uint64_t packet,
                            uint8_t reason)
{
    struct alert_record *r = &w->record;
    if (f->packets[0] + f->packets[1] == 1 && !rate_take(&w->lone_flows, ended_ns)) {
        count(w, COUNTER_LONE_FLOWS, 1);
        return;
    }
    memset(r, 0, sizeof(*r));
    r->kind = ALERT_KIND_FLOW;
    r->key = (struct alert_key){ ended_ns, packet, f->id };
    r->ts_ns = ended_ns;
    r->proto = f->proto;
    r->ip_version = f->ip_version;
    r->src = f->client;
    r->dst = f->server;
    r->sport = f->client_port;
    r->dport = f->server_port;
    memcpy(r->vlan, f->vlan, sizeof(r->vlan));
    while (r->vlan_count < 3 && f->vlan[r->vlan_count])
        r->vlan_count++;
    r->flow_reason = reason;
    fill_flow(r, f);
    count(w, COUNTER_HITS_DROPPED, fill_extra(w, f, NULL, 0));
    put_record(w);
}

/* ---- a flow's bytes -------------------------------------------------------------------------- */

/* From here on the flow is ciphertext. */
static void seal(struct worker *w, struct flow *f)
{
    evidence_ring_close(f);
    w->sealed = true;
}

/* Returns false when the parser has to see more before it takes anything. */
static bool feed_span(struct worker *w, struct flow *f, unsigned dir, const struct packet *p,
                      const struct stream_span *span)
{
    struct app_result r = { 0 };
    uint32_t taken = app_stream(w->apps, f, dir, span, p, &r);
    w->flush |= r.flush;
    w->app_events |= r.events;
    if (r.encrypted) {
        stream_raw_disable(w->streams, f);
        seal(w, f);
    }
    if (r.endless)
        stream_depth_lift(w->streams, f);
    for (unsigned d = 0; d < 2; d++) {
        if (r.raw_trigger[d])
            stream_raw_trigger(w->streams, f, d);
    }
    stream_app_consume(w->streams, f, dir, taken);
    for (unsigned d = 0; d < 2; d++) {
        if (r.stop[d])
            stream_app_stop(w->streams, f, d);
    }
    return taken > 0 || span->gap;
}

static void feed_stream(struct worker *w, struct flow *f, unsigned dir, const struct packet *p,
                        struct stream_result *tcp)
{
    struct stream_span span;
    for (unsigned n = 0; n < SPANS_PER_PACKET && stream_app_next(w->streams, f, dir, &span); n++) {
        if (span.gap)
            stream_result_note(tcp, STREAM_EVENT_REASSEMBLY_SEQ_GAP);
        if (!feed_span(w, f, dir, p, &span))
            break;
    }
}

static void detect(struct worker *w, const struct packet *p, struct flow *f, unsigned dir,
                   bool first_of_direction, const struct stream_result *tcp)
{
    struct detect_input in = { .packet = p,
                               .flow = f,
                               .dir = dir,
                               .fresh_direction = first_of_direction,
                               .tcp = tcp,
                               .streams = w->streams,
                               .apps = w->apps,
                               .app_events = w->app_events };
    w->app_events = 0;
    detect_run(w->detect, &in, &w->hits);
    if (w->hits.count)
        put_hits(w, p, f, dir);
    if (w->hits.tag_count)
        put_tagged(w, p, f);
}

/* ---- a flow's end ---------------------------------------------------------------------------- */

static void make_pseudo(struct packet *p, const struct flow *f, unsigned dir, uint64_t ended_ns,
                        uint64_t number)
{
    memset(p, 0, sizeof(*p));
    p->flags = PACKET_F_PSEUDO;
    p->ts_ns = f->last_ns;
    p->now_ns = ended_ns;
    p->number = number;
    p->proto = f->proto;
    p->ip_version = f->ip_version;
    p->src = dir ? f->server : f->client;
    p->dst = dir ? f->client : f->server;
    p->sport = dir ? f->server_port : f->client_port;
    p->dport = dir ? f->client_port : f->server_port;
    memcpy(p->vlan, f->vlan, sizeof(p->vlan));
    while (p->vlan_count < 3 && f->vlan[p->vlan_count])
        p->vlan_count++;
}

static void free_slots(struct worker *w, struct flow *f)
{
    app_flow_free(w->apps, f);
    stream_flow_free(w->streams, f);
    if (w->classify)
        classify_flow_free(w->classify, f);
    detect_flow_free(w->detect, f);
}

/* What was not acknowledged is inspected now, in both directions, as Suricata does when a flow
 * times out. */
static void end_flow(struct worker *w, struct flow *f, uint64_t ended_ns, uint64_t packet,
                     uint8_t reason)
{
    struct packet pseudo[2];
    struct stream_result tcp = { .has_session = true,
                                 .valid = true,
                                 .established = f->state != FLOW_STATE_NEW,
                                 .committed = { true, true } };
    bool session = f->proto == PACKET_PROTO_TCP && stream_session_state(f) != STREAM_STATE_NONE;
    bool open = session && stream_session_open(f);
    if (session) {
        stream_finish(w->streams, f);
        for (unsigned d = 0; d < 2; d++) {
            make_pseudo(&pseudo[d], f, d, ended_ns, packet);
            feed_stream(w, f, d, &pseudo[d], &tcp);
        }
        if (stream_one_sided(f))
            count(w, COUNTER_ONE_SIDED, 1);
    }
    app_finish(w->apps, f);
    if (w->classify)
        classify_finish(f);
    for (unsigned d = 0; session && d < 2; d++) {
        if (open || stream_raw_waits(f, d) || app_waits(f, d))
            detect(w, &pseudo[d], f, d, false, &tcp);
    }
    w->sealed = w->flush = false; /* these were its, not the next packet's */
    if (w->conf.flow_records)
        put_flow_record(w, f, ended_ns, packet, reason);
    count(w, COUNTER_FLOWS_ENDED, 1);
    free_slots(w, f);
    flow_table_release(w->flows, f);
}

enum end_reason { END_TIMEOUT, END_SHUTDOWN, END_FORCED };

static void end_flows(struct worker *w, uint64_t now_ns, uint64_t packet)
{
    uint64_t ended_ns;
    for (struct flow *f; (f = flow_table_expire(w->flows, now_ns, &ended_ns));)
        end_flow(w, f, ended_ns, packet, END_TIMEOUT);
}

static inline void end_due_flows(struct worker *w, uint64_t now_ns, uint64_t packet)
{
    if (!flow_table_is_quiet(w->flows, now_ns))
        end_flows(w, now_ns, packet);
}

/* Where a protocol ends or goes dark, both directions are inspected before the packet that brought
 * it is, as Suricata does. */
static void flush_flow(struct worker *w, const struct packet *p, struct flow *f, unsigned dir,
                       const struct stream_result *tcp)
{
    struct stream_result flushed = { .has_session = true,
                                     .valid = true,
                                     .established = tcp->established,
                                     .committed = { true, true } };
    for (unsigned d = 0; d < 2; d++)
        stream_raw_trigger(w->streams, f, d);
    for (unsigned n = 0; n < 2; n++) {
        struct packet pseudo;
        unsigned d = n ? !dir : dir;
        make_pseudo(&pseudo, f, d, p->now_ns, p->number);
        pseudo.ts_ns = p->ts_ns;
        pseudo.flags |= PACKET_F_FLUSH;
        detect(w, &pseudo, f, d, false, &flushed);
    }
}

/* ---- a packet -------------------------------------------------------------------------------- */

/* Take a TCP packet; a new SYN on an ended session's tuple ends the old flow and comes again with
 * the new one. */
static struct flow *tcp_packet(struct worker *w, const struct packet *p, struct flow *f,
                               unsigned *dir, bool *fresh, struct stream_result *tcp)
{
    stream_packet(w->streams, f, *dir, p, tcp);
    if (tcp->reuse) {
        flow_table_end(w->flows, f);
        end_due_flows(w, p->now_ns, p->number);
        f = flow_table_lookup(w->flows, p, 0, dir, fresh);
        if (!f)
            return NULL;
        stream_packet(w->streams, f, *dir, p, tcp);
    }
    if (tcp->reversed) /* midstream: it was the other side that opened */
        *dir = !*dir;
    flow_table_touch(w->flows, f);
    /* The acknowledged side first: its bytes came before the segment that acknowledges them. */
    for (unsigned n = 0; n < 2; n++) {
        unsigned d = n ? *dir : !*dir;
        if (tcp->committed[d])
            feed_stream(w, f, d, p, tcp);
    }
    return f;
}

static void udp_packet(struct worker *w, const struct packet *p, struct flow *f, unsigned dir)
{
    struct app_result r = { 0 };
    /* The outer datagram of a tunnel carries packets, no protocol of its own. */
    if (p->payload_len && !(p->flags & PACKET_F_OUTER))
        app_datagram(w->apps, f, dir, p, &r);
    if (r.encrypted)
        seal(w, f);
}

/* Whether the packet is left out now. Unidentified bulk is not put together from here on: behind a
 * hole of ours its bytes would only wait. */
static enum shed_step shed_kind(struct worker *w, const struct packet *p, struct flow *f,
                                unsigned dir)
{
    uint64_t depth = w->conf.stream_depth ? w->conf.stream_depth : STREAM_DEPTH;
    enum shed_step kind = shed_packet_kind(w->shed, p, f, dir, depth);
    if (kind == SHED_BULK && p->proto == PACKET_PROTO_TCP)
        stream_depth_end(f, dir);
    return kind;
}

/* A packet is through: what all that look at the flow have passed is forgotten. */
static void flow_prune(struct worker *w, struct flow *f)
{
    app_tx_prune(w->apps, f);
    stream_prune(w->streams, f);
}

static void shed_mark(struct worker *w, struct flow *f)
{
    if (!f->shed)
        count(w, COUNTER_SHED_FLOWS, 1);
    f->shed += f->shed < UINT32_MAX;
    flow_prune(w, f);
}

/* `ahead`: what flow_table_ahead said of it, or 0. Returns as what the packet was left out,
 * SHED_NOTHING when it went through all stages. */
static enum shed_step one_packet(struct worker *w, const struct packet *p, uint64_t ahead,
                                 const struct frame *frame)
{
    enum shed_step shed = SHED_NOTHING;
    struct stream_result tcp = { 0 };
    unsigned dir = 0;
    bool fresh = false;
    end_due_flows(w, p->now_ns, 0);
    w->sealed = w->flush = false;
    struct flow *f = flow_table_lookup(w->flows, p, ahead, &dir, &fresh);
    end_due_flows(w, p->now_ns, p->number);
    if (f && w->shed)
        shed = shed_kind(w, p, f, dir);
    if (f && w->evidence && !shed && !(p->flags & PACKET_F_OUTER))
        evidence_ring_put(w->evidence, f, frame);
    if (f && p->proto == PACKET_PROTO_TCP)
        f = tcp_packet(w, p, f, &dir, &fresh, &tcp);
    else if (f && p->proto == PACKET_PROTO_UDP && !shed)
        udp_packet(w, p, f, dir);
    if (fresh && f)
        f->flags |= (uint32_t)w->interface << FLOW_INTERFACE_SHIFT;
    if (shed && f && !w->flush) { /* its session has moved; nobody looks at its bytes */
        shed_mark(w, f);
        return shed;
    }
    if (f && w->classify)
        classify_packet(w->classify, f, dir, p);
    if (f && p->flags & PACKET_F_BEYOND)
        f->flags |= FLOW_F_BEYOND;
    bool first = f && f->packets[dir] == 1;
    if (f && w->flush)
        flush_flow(w, p, f, dir, &tcp);
    detect(w, p, f, dir, first, f && p->proto == PACKET_PROTO_TCP ? &tcp : NULL);
    if (!f)
        return SHED_NOTHING;
    if (w->sealed)
        f->flags |= FLOW_F_NO_PAYLOAD_INSPECTION;
    if (w->classify && f->state == FLOW_STATE_CLOSED)
        classify_close(w->classify, f);
    flow_prune(w, f);
    return SHED_NOTHING;
}

/* All packets of a frame; one that was left out makes the frame count as left out. */
static void one_frame(struct worker *w, const struct decoded *d, const struct frame *frame)
{
    enum shed_step shed = SHED_NOTHING;
    for (int k = 0; k < d->count; k++) {
        uint64_t ahead = k == d->count - 1 ? d->ahead : 0;
        enum shed_step kind = one_packet(w, &d->packets[k], ahead, frame);
        shed = kind > shed ? kind : shed;
    }
    if (shed == SHED_NOTHING) {
        count(w, COUNTER_PROCESSED, 1);
        return;
    }
    count(w, shed == SHED_BULK ? COUNTER_SHED_BULK : COUNTER_SHED_ELEPHANTS, 1);
    count(w, COUNTER_SHED_BYTES, frame->wire_len);
}

void worker_source(struct worker *w, unsigned interface, unsigned permille)
{
    w->interface = (uint8_t)interface;
    enum shed_step next = shed_step_next(w->shed, permille);
    if (next > w->shed)
        count(w, COUNTER_SHED_TIMES, 1);
    w->shed = next;
}

static void decode(struct worker *w, struct decoded *d, const struct frame *frame, uint64_t number,
                   uint64_t now_ns)
{
    d->count = decode_frame(w->decoder, frame, number, now_ns, d->packets);
    d->ahead = 0;
    count(w, COUNTER_PACKETS, 1);
    count(w, COUNTER_BYTES, frame->wire_len);
    if (d->count <= 0) {
        count(w, COUNTER_INVALID, 1);
        return;
    }
    if (w->conf.live && d->packets[0].vlan_count)
        live_see_vlan(w->conf.live, d->packets[0].vlan[0]);
    d->ahead = flow_table_ahead(w->flows, &d->packets[d->count - 1]);
}

/* Four frames are on their way: one is decoded and its place in the table asked for, the flow of
 * the one before is asked for, what hangs on the flow of the one before that, and the packets of
 * the last go through the stages. */
void worker_burst(struct worker *w, const struct frame *frames, const uint64_t *numbers,
                  const uint64_t *nows, unsigned n)
{
    struct blackbox_mark *mark = w->conf.mark;
    for (unsigned i = 0; i < n && i < HEADERS_AHEAD; i++)
        prefetch(frames[i].data, HEADERS_BYTES);
    for (unsigned i = 0; i < n + 3; i++) {
        if (i + HEADERS_AHEAD < n)
            prefetch(frames[i + HEADERS_AHEAD].data, HEADERS_BYTES);
        if (i < n) {
            mark->at = &frames[i];
            decode(w, &w->decoded[i % DECODE_AHEAD], &frames[i], numbers[i], nows[i]);
        }
        if (i >= 1 && i - 1 < n)
            flow_table_near(w->flows, w->decoded[(i - 1) % DECODE_AHEAD].ahead);
        if (i >= 2 && i - 2 < n)
            flow_table_nearer(w->flows, w->decoded[(i - 2) % DECODE_AHEAD].ahead);
        if (i < 3)
            continue;
        mark->at = &frames[i - 3];
        w->link = frames[i - 3].link;
        one_frame(w, &w->decoded[(i - 3) % DECODE_AHEAD], &frames[i - 3]);
        mark->through = i - 2;
    }
    mark->at = NULL;
}

void worker_tick(struct worker *w, uint64_t now_ns)
{
    end_due_flows(w, now_ns, 0);
    alert_ring_passed(w->ring,
                      now_ns + 1); /* what comes is of a later time than any packet so far */
}

void worker_swap_rules(struct worker *w, struct detect_ruleset *rules)
{
    if (detect_thread_swap(w->detect, rules) < 0) {
        log_warn("worker", "no memory for the new rule set; the old one stays");
        return;
    }
    detect_ruleset_drop(w->rules);
    w->rules = detect_ruleset_hold(rules);
    app_frames_want(w->apps, detect_ruleset_frames(rules));
    app_sums_want(w->apps, detect_ruleset_sums(rules));
}

void worker_finish(struct worker *w)
{
    uint64_t ended_ns;
    for (struct flow *f; (f = flow_table_flush(w->flows, &ended_ns));)
        end_flow(w, f, ended_ns, 0, END_SHUTDOWN);
    alert_ring_finish(w->ring);
}

const struct evidence_ring *worker_evidence(const struct worker *w)
{
    return w->evidence;
}

const struct counter_block *worker_counters(const struct worker *w, enum worker_stage stage)
{
    return &w->counters[stage];
}

uint64_t worker_shed(const struct worker *w)
{
    const struct counter_block *c = &w->counters[WORKER_STAGE_WORKER];
    return counter_read(c, COUNTER_SHED_ELEPHANTS) + counter_read(c, COUNTER_SHED_BULK);
}

uint64_t worker_flows(const struct worker *w)
{
    return flow_table_count(w->flows);
}

void worker_note_cpu(struct worker *w)
{
    atomic_store_explicit(&w->cpu_ns, clock_thread_ns(), memory_order_relaxed);
}

uint64_t worker_cpu_ns(const struct worker *w)
{
    return atomic_load_explicit(&w->cpu_ns, memory_order_relaxed);
}

uint64_t worker_packets(const struct worker *w)
{
    return counter_read(&w->counters[WORKER_STAGE_WORKER], COUNTER_PACKETS);
}

void worker_warm_ahead(struct worker *w)
{
    (void)slab_warm_ahead(w->slab, WARM_AHEAD);
}

uint64_t worker_memory_peak(const struct worker *w)
{
    struct slab_stats s;
    slab_stats(w->slab, &s);
    return s.peak;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    detect_thread_free(w->detect);
    classify_free(w->classify);
    app_free(w->apps);
    stream_free(w->streams);
    flow_table_free(w->flows);
    decode_free(w->decoder);
    detect_ruleset_drop(w->rules);
    slab_free_all(w->slab);
    evidence_ring_free(w->evidence);
    for (unsigned s = 0; s < WORKER_STAGES; s++)
        counter_block_free(&w->counters[s]);
    free(w);
}
