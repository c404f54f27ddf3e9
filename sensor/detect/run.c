/* SPDX-License-Identifier: Apache-2.0 */
/* One packet: candidates from scans and groups, packet and stream rules in their order,
 * transactions, then the verdict. */
#include "config.h"

#include <string.h>

#include "sensor/detect/scan.h"
#include "sensor/detect/state.h"
#include "sensor/detect/tag.h"
#include "sensor/detect/vars.h"

/* Chunks that one packet can release; what is left comes with the next. */
#define CHUNKS_MAX 64

/* ---- hits ------------------------------------------------------------------------------------ */

/* By rule; on one rule the newest transaction first, a hit without one last. */
static bool hit_before(const struct detect_hit *a, const struct detect_hit *b)
{
    if (a->rule != b->rule)
        return a->rule < b->rule;
    if ((a->tx != NULL) != (b->tx != NULL))
        return a->tx != NULL;
    return a->tx_id > b->tx_id;
}

/* Put in its place; of too many the last falls off. */
static void hit_insert(struct detect_job *job, const struct detect_hit *hit)
{
    struct detect_output *out = job->out;
    if (out->count == DETECT_HITS_MAX) {
        counter_add(job->t->counters, DETECT_COUNT_HITS_DROPPED, 1);
        if (!hit_before(hit, &out->hits[out->count - 1]))
            return;
        out->count--;
    }
    uint32_t at = out->count++;
    for (; at > 0 && hit_before(hit, &out->hits[at - 1]); at--)
        out->hits[at] = out->hits[at - 1];
    out->hits[at] = *hit;
}

static bool hit_known(const struct detect_job *job, uint32_t rule)
{
    for (uint32_t i = 0; i < job->out->count; i++) {
        if (job->out->hits[i].rule == rule && !job->out->hits[i].tx && !job->out->hits[i].beyond)
            return true;
    }
    return false;
}

/* Kinds whose pass, drop or reject speaks of the whole flow, as one on stream or application
 * does. */
static bool is_flow_kind(const struct image_rule *r)
{
    return r->kind == SIG_KIND_IP_ONLY || r->kind == SIG_KIND_LIKE_IP_ONLY ||
           r->kind == SIG_KIND_PD_ONLY || r->kind == SIG_KIND_APPLAYER;
}

/* Whether the later stages want to know of a hit though it does not alert. */
static bool has_tag(const struct detect_ruleset *set, const struct image_rule *r)
{
    for (uint32_t i = 0; i < r->post.count; i++)
        if (set->ops[r->post.first + i].kind == SIG_OP_TAG)
            return true;
    return false;
}

void detect_hit_add(struct detect_job *job, uint32_t rule, struct app_tx *tx, bool stream)
{
    const struct image_rule *r = &job->set->rules[rule];
    for (uint32_t i = 0; i < r->post.count; i++) {
        const struct sig_op *op = &job->set->ops[r->post.first + i];
        if (op->kind == SIG_OP_FLOWBIT || op->kind == SIG_OP_FLOWINT)
            detect_bit_change(job, op);
        if (op->kind == SIG_OP_TAG)
            detect_tag_begin(job, rule, op);
    }
    counter_add(job->t->counters, DETECT_COUNT_HITS, 1);
    __atomic_store_n(&job->t->profile.costs[rule].matches, job->t->profile.costs[rule].matches + 1,
                     __ATOMIC_RELAXED);
    if (job->t->confirm.capture_count)
        detect_vars_keep(job);
    if (r->flags & IMAGE_RULE_BYPASS && job->in->flow)
        job->in->flow->flags |= FLOW_F_PASS; /* from the next packet on */
    bool silent =
        r->flags & IMAGE_RULE_NOALERT && r->shared.count == 0 && r->action != SIG_ACTION_PASS;
    if (silent && !has_tag(job->set, r))
        return; /* it has changed its bits, and nobody else wants to know */
    struct detect_hit hit = { rule, tx, tx ? tx->id : 0, stream, false };
    hit_insert(job, &hit);
}

void detect_hit_beyond(struct detect_job *job, uint32_t rule, struct app_tx *tx)
{
    const struct image_rule *r = &job->set->rules[rule];
    struct detect_hit hit = { rule, tx, tx ? tx->id : 0, !tx, true };
    if (hit_known(job, rule) || r->flags & IMAGE_RULE_NOALERT || r->action == SIG_ACTION_PASS)
        return;
    counter_add(job->t->counters, DETECT_COUNT_HITS, 1);
    hit_insert(job, &hit);
}

/* A pass rule drops all behind it, and itself unless it says `alert`. A verdict on the flow ends
 * its inspection. */
static void verdict(struct detect_job *job)
{
    struct detect_output *out = job->out;
    bool of_flow = false;
    for (uint32_t i = 0; i < out->count; i++) {
        const struct detect_hit *hit = &out->hits[i];
        const struct image_rule *r = &job->set->rules[hit->rule];
        if (hit->beyond)
            continue; /* it takes nothing from what the reference sees */
        if (r->action != SIG_ACTION_ALERT && (hit->stream || hit->tx || is_flow_kind(r)))
            of_flow = true;
        if (r->action != SIG_ACTION_PASS)
            continue;
        out->passed = true;
        if (r->threshold.type == SIG_THRESHOLD_RATE)
            continue; /* it may yet become another action: the sequencer's word */
        bool silent = r->flags & IMAGE_RULE_NOALERT && !has_tag(job->set, r);
        out->count = silent ? i : i + 1;
    }
    if (of_flow && job->in->flow)
        job->in->flow->flags |= FLOW_F_PASS;
}

/* ---- one packet or stream rule --------------------------------------------------------------- */

static bool payload_lists_match(struct detect_job *job, const struct image_rule *rule,
                                const struct app_view *view)
{
    const struct sig_list *list = job->set->lists + rule->lists.first;
    for (uint32_t i = 0; i < rule->lists.count; i++, list++) {
        if (job->set->specs[list->spec].buffer != SIG_BUF_PAYLOAD)
            continue;
        if (confirm_run(&job->t->confirm, job->set->ops + list->first, list->count, view) !=
            CONFIRM_YES)
            return false;
    }
    return true;
}

static bool header_lists_match(struct detect_job *job, const struct image_rule *rule)
{
    const struct sig_list *list = job->set->lists + rule->lists.first;
    for (uint32_t i = 0; i < rule->lists.count; i++, list++) {
        enum sig_buffer buffer = job->set->specs[list->spec].buffer;
        struct app_view view;
        if (buffer == SIG_BUF_PAYLOAD)
            continue;
        if (!detect_packet_buffer(job->in->packet, buffer, &view) ||
            confirm_run(&job->t->confirm, job->set->ops + list->first, list->count, &view) !=
                CONFIRM_YES)
            return false;
    }
    return true;
}

/* Whether rules may look at the packet's payload: a hidden one, where no pattern is looked for, is
 * open to them as long as bytes of the stream are due. */
static bool has_payload(const struct detect_job *job)
{
    const struct packet *p = job->in->packet;
    return job->payload ||
           (job->stream_ready && p->payload_len > 0 && !(p->flags & PACKET_F_PSEUDO));
}

/* The stream first, then the packet when the rule wants packets, or the packet never became part of
 * a stream. */
static bool payload_match(struct detect_job *job, const struct image_rule *rule, bool *stream)
{
    bool wants_stream = job->cls == IMAGE_CLASS_TCP && rule->flags & IMAGE_RULE_STREAM;
    bool added = job->in->tcp && job->in->tcp->added;
    *stream = wants_stream && job->chunk.len && !(rule->flow & SIG_FLOW_NO_STREAM) &&
              payload_lists_match(job, rule, &job->chunk);
    if (*stream)
        return true;
    if (!has_payload(job) || rule->flow & SIG_FLOW_ONLY_STREAM)
        return false;
    if (wants_stream && !(rule->flags & IMAGE_RULE_PACKET) && added)
        return false;
    const struct packet *p = job->in->packet;
    struct app_view view = { .data = p->payload, .len = p->payload_len, .end = true };
    return payload_lists_match(job, rule, &view);
}

static bool is_flow_end(const struct packet *p)
{
    return (p->flags & (PACKET_F_PSEUDO | PACKET_F_FLUSH)) == PACKET_F_PSEUDO;
}

static void rule_run(struct detect_job *job, uint32_t index)
{
    const struct image_rule *rule = &job->set->rules[index];
    bool payload = rule->flags & IMAGE_RULE_PAYLOAD, stream = false;
    if (rule->kind == SIG_KIND_PKT && is_flow_end(job->in->packet))
        return; /* it wants a packet that was sent */
    if (payload && !has_payload(job) && !job->chunk.len)
        return;
    if (!detect_header_match(job, rule) || !detect_packet_ops_match(job, rule))
        return;
    memset(job->t->confirm.vars, 0, rule->vars * sizeof(job->t->confirm.vars[0]));
    job->t->confirm.capture_count = 0;
    if (rule->lists.count && !header_lists_match(job, rule))
        return;
    if (payload && !payload_match(job, rule, &stream))
        return;
    if (!hit_known(job, index))
        detect_hit_add(job, index, NULL, stream);
}

/* ---- candidates ------------------------------------------------------------------------------ */

static void ip_map_look(struct detect_job *job, const struct image_ipmap *map, const struct addr *a)
{
    const struct image_ip_edge *edges = job->set->ip_edges + map->edges.first;
    uint32_t low = 0, high = map->edges.count;
    if (addr_is_v4(a)) {
        const uint32_t *halves = job->set->members + map->halves.first;
        const uint32_t *some = job->set->sieve_bits + map->some.first;
        uint32_t half = (uint32_t)a->bytes[12] << 8 | a->bytes[13];
        if (!(some[half / 32] >> half % 32 & 1))
            return;
        low = halves[half];
        high = halves[half + 1];
    }
    while (low < high) { /* the first edge above a */
        uint32_t middle = low + (high - low) / 2;
        if (addr_compare(&edges[middle].low, a) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0)
        detect_candidates_add(job->t, edges[low - 1].rules);
}

static void ip_only_add(struct detect_job *job)
{
    const struct image_header *h = job->set->image.header;
    const struct packet *p = job->in->packet;
    ip_map_look(job, &job->set->ipmaps[0], &p->src);
    ip_map_look(job, &job->set->ipmaps[1], &p->dst);
    detect_candidates_add(job->t, (struct image_span){ h->ip_first, h->ip_count });
}

static void always_add(struct detect_job *job)
{
    const struct image_portmap *map = &job->set->portmaps[job->cls * 2u + job->in->dir];
    const struct detect_flow *d = job->flow;
    if (!job->grouped) {
        detect_candidates_add(job->t, map->always);
        detect_candidates_add(job->t, job->edge->always);
        return;
    }
    unsigned dir = job->in->dir;
    uint32_t count = d->always_count[dir];
    const uint32_t *rules = count > DETECT_ALWAYS_FEW ? d->always[dir].many : d->always[dir].few;
    for (uint32_t i = 0; i < count; i++)
        candidates_add(&job->t->candidates, rules[i]);
}

/* app-layer-protocol rules run once a direction, with its first packet behind the one that ended
 * detection, and with the datagram that did. */
static void detection_end_add(struct detect_job *job)
{
    const struct image_header *h = job->set->image.header;
    unsigned dir = job->in->dir;
    struct flow *f = job->in->flow;
    if (!f || job->in->packet->flags & PACKET_F_PSEUDO)
        return;
    if (!app_side_news(f, dir, job->in->packet->number))
        return;
    detect_candidates_add(job->t, (struct image_span){ h->pd_first, h->pd_count });
}

/* The engines of rules for any port, for this port and for the flow's protocol. */
static void scan_engines(struct detect_job *job, enum image_payload payload,
                         const struct app_view *view)
{
    const struct image_portmap *map = &job->set->portmaps[job->cls * 2u + job->in->dir];
    uint32_t any = map->engines[payload], port = job->edge->engines[payload];
    uint32_t app = map->apps[payload][job->app];
    const struct image_engine *engines = job->set->engines;
    bool whole = port != IMAGE_NONE && engines[port].whole;
    if (any != IMAGE_NONE && whole)
        detect_scan_heads(job->t, any, view);
    else if (any != IMAGE_NONE)
        detect_scan(job->t, any, view);
    if (port != IMAGE_NONE)
        detect_scan(job->t, port, view);
    if (app != IMAGE_NONE && port != IMAGE_NONE && engines[port].taken >> job->app & 1)
        detect_scan_heads(job->t, app, view);
    else if (app != IMAGE_NONE)
        detect_scan(job->t, app, view);
}

void detect_scan_stream(struct detect_job *job, const struct app_view *view)
{
    scan_engines(job, IMAGE_PAYLOAD_STREAM, view);
}

/* Once a flow's payload is hidden, patterns are not looked for in the rest of its stream either. */
static bool chunk_is_scanned(const struct detect_job *job)
{
    return job->chunk.len && (!job->hidden || job->t->beyond);
}

/* Whether a rule of the packet's group looks at the stream. */
static bool wants_stream(const struct detect_job *job)
{
    return job->cls == IMAGE_CLASS_TCP && job->edge->flags & IMAGE_PORT_STREAM;
}

static void scan_payloads(struct detect_job *job)
{
    const struct packet *p = job->in->packet;
    struct app_view view = { .data = p->payload, .len = p->payload_len, .end = true };
    bool stream = wants_stream(job);
    bool added = job->in->tcp && job->in->tcp->added;
    if (stream && chunk_is_scanned(job))
        detect_scan_stream(job, &job->chunk);
    if (!job->payload)
        return;
    if (job->edge->flags & IMAGE_PORT_PACKET)
        scan_engines(job, IMAGE_PAYLOAD_PACKET, &view);
    if (stream && !added)
        detect_scan_stream(job, &view);
}

/* The next run of bytes that is not a gap. */
static bool chunk_next(struct detect_job *job, bool want)
{
    struct stream_span span;
    job->chunk = (struct app_view){ 0 };
    if (job->cls != IMAGE_CLASS_TCP || !job->in->flow || !job->in->tcp ||
        !job->in->tcp->has_session)
        return false;
    for (unsigned i = 0; i < CHUNKS_MAX; i++) {
        if (!stream_raw_next(job->in->streams, job->in->flow, job->in->dir, want, &span))
            return false;
        if (!want || span.gap || span.len == 0)
            continue;
        job->chunk = (struct app_view){ .data = span.data, .len = span.len, .end = true };
        job->chunk_at = span.offset;
        return true;
    }
    return false;
}

/* Chunks behind the first: the stream's rules alone. */
static void chunks_rest(struct detect_job *job)
{
    bool want = wants_stream(job);
    job->payload = job->stream_ready = false;
    for (unsigned i = 0; i < CHUNKS_MAX && chunk_next(job, want); i++) {
        if (chunk_is_scanned(job))
            detect_scan_stream(job, &job->chunk);
        detect_candidates_run(job, rule_run);
        if (job->t->seam_room)
            detect_seam_run(job);
    }
}

/* ---- the run --------------------------------------------------------------------------------- */

static enum image_class class_of(const struct packet *p)
{
    switch (p->proto) {
    case PACKET_PROTO_TCP:
        return IMAGE_CLASS_TCP;
    case PACKET_PROTO_UDP:
        return IMAGE_CLASS_UDP;
    case PACKET_PROTO_ICMP:
    case PACKET_PROTO_ICMPV6:
        return IMAGE_CLASS_ICMP;
    default:
        return IMAGE_CLASS_OTHER;
    }
}

static bool is_established(const struct detect_input *in)
{
    uint32_t both = FLOW_F_TOSERVER_SEEN | FLOW_F_TOCLIENT_SEEN;
    if (!in->flow)
        return false;
    if (in->packet->proto == PACKET_PROTO_TCP)
        return in->tcp && in->tcp->established;
    return (in->flow->flags & both) == both;
}

/* A TCP packet that its session did not take says nothing of the application. */
static bool is_refused(const struct detect_input *in)
{
    return in->packet->proto == PACKET_PROTO_TCP && in->tcp && in->tcp->has_session &&
           !in->tcp->valid;
}

static void job_open(struct detect_job *job, struct detect_thread *t, const struct detect_input *in,
                     struct detect_output *out)
{
    const struct packet *p = in->packet;
    bool hidden = in->flow && in->flow->flags & FLOW_F_NO_PAYLOAD_INSPECTION;
    job->t = t;
    job->set = t->set;
    job->in = in;
    job->out = out;
    job->flow = in->flow ? detect_flow_get(in->flow) : NULL;
    job->cls = class_of(p);
    job->app = in->flow && !is_refused(in) ? app_protocol(in->flow) : SIG_APP_UNKNOWN;
    job->established = is_established(in);
    job->hidden = hidden;
    job->payload = !hidden && p->payload_len > 0 && !(p->flags & PACKET_F_PSEUDO);
    job->stream_ready = job->body_open = false;
    job->chunk = (struct app_view){ 0 };
    job->chunk_at = 0;
    job->seam_tail = job->seam_head = 0;
    job->tx = NULL;
    /* An ICMP error belongs to the flow it speaks of, but not to its group. */
    job->grouped = job->flow && p->proto == in->flow->proto;
    if (job->grouped)
        job->grouped = detect_flow_resolve(job, in->dir);
    job->edge = job->grouped ? job->flow->edge[in->dir] : detect_edge_find(job);
}

/* At a flow's end a direction is looked at when its session was not closed, or when something of it
 * was not. */
static bool pseudo_needed(const struct detect_job *job)
{
    unsigned dir = job->in->dir;
    if (!is_flow_end(job->in->packet) || (job->in->flow && stream_session_open(job->in->flow)))
        return true;
    if (job->chunk.len || (job->in->flow && app_frames_waiting(job->in->flow, dir)))
        return true;
    const struct app_tx *tx = job->in->flow ? app_tx_first(job->in->flow) : NULL;
    for (; tx; tx = tx->next) {
        if (!tx->inspected[dir])
            return true;
    }
    return false;
}

static bool has_events(const struct packet *p)
{
    return !(p->flags & PACKET_F_PSEUDO) &&
           (p->events[0] | p->events[1] | p->events[2] | p->events[3]);
}

/* A packet whose headers can't be read to their end, and the decoder said so. */
static bool is_broken(const struct packet *p)
{
    if (!has_events(p))
        return false;
    return !p->l3 || !p->ip_version || p->flags & PACKET_F_L4_BAD;
}

/* Without a transport header to be read, an IPv4 packet still has the protocol that its IP header
 * names, and ports 0: the rules of that protocol run too. Others have none but the decoder's. */
static bool is_without_protocol(const struct packet *p)
{
    return is_broken(p) && p->ip_version != 4;
}

/* The decoder's own rules look at every packet of which it said something. */
static void events_run(struct detect_job *job)
{
    const struct image_header *h = job->set->image.header;
    detect_candidates_add(job->t, (struct image_span){ h->de_first, h->de_count });
    detect_candidates_run(job, rule_run);
}

static void packet_run(struct detect_job *job)
{
    const struct detect_input *in = job->in;
    bool pseudo = in->packet->flags & PACKET_F_PSEUDO;
    bool stream = wants_stream(job);
    job->stream_ready = stream && in->tcp && in->tcp->valid &&
                        stream_raw_ready(in->streams, in->flow, in->dir);
    chunk_next(job, stream);
    if (pseudo && !pseudo_needed(job))
        return;
    if (!pseudo && (in->fresh_direction || !in->flow))
        ip_only_add(job);
    detection_end_add(job);
    always_add(job);
    scan_payloads(job);
    detect_candidates_run(job, rule_run);
    if (job->t->seam_room && job->chunk.len)
        detect_seam_run(job);
    if (in->flow && !is_refused(in)) {
        detect_frames_run(job);
        detect_tx_run(job);
    }
    if (job->chunk.len)
        chunks_rest(job);
}

/* A passed flow: positions move on so that its memory is freed, nothing is looked at. */
static void passed_run(struct detect_job *job)
{
    chunk_next(job, false);
    detect_tx_skip(job);
    job->out->passed = true;
}

/* Neither a rule without pattern nor a tag is kept on the flow for this direction, as is known. */
static bool is_bare(const struct detect_thread *t, const struct flow *f, unsigned dir)
{
    const struct detect_flow *d = detect_flow_get(f);
    return detect_flow_is_resolved(t, d, dir) && d->always_count[dir] == 0 && d->tag_count == 0;
}

/* Amid a flow whose payload is hidden, as behind the handshake of TLS, no stage waits for anything
 * and no rule of the packet's group goes by headers alone: nothing is to be looked at. That is most
 * of what a provider carries. */
static bool is_idle(const struct detect_thread *t, const struct detect_input *in)
{
    const struct packet *p = in->packet;
    const struct flow *f = in->flow;
    uint32_t flags = f ? f->flags & (FLOW_F_NO_PAYLOAD_INSPECTION | FLOW_F_PASS) : 0;
    if (flags != FLOW_F_NO_PAYLOAD_INSPECTION || p->flags & PACKET_F_PSEUDO ||
        p->proto != f->proto || in->fresh_direction || has_events(p))
        return false;
    return is_bare(t, f, in->dir) && app_is_idle(f, in->dir) &&
           stream_raw_is_over(f, in->dir) && !detect_hosts_tagged(t);
}

void detect_run(struct detect_thread *t, const struct detect_input *in, struct detect_output *out)
{
    struct detect_job job;
    out->count = out->tag_count = 0;
    out->passed = false;
    if (is_idle(t, in))
        return;
    job_open(&job, t, in, out);
    t->packet_vars = 0;
    if (in->flow && in->flow->flags & FLOW_F_PASS) {
        passed_run(&job);
        return;
    }
    if (has_events(in->packet))
        events_run(&job);
    if (!is_without_protocol(in->packet))
        packet_run(&job);
    verdict(&job);
    detect_tags_run(&job);
}
