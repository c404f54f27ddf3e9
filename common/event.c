/* SPDX-License-Identifier: Apache-2.0 */
/* Records as EVE lines: the writers. Names and order as Suricata 7.0.10 has them. */
#include "config.h"
#include "common/event.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"

#define PROTO_ICMP   1
#define PROTO_TCP    6
#define PROTO_UDP    17
#define PROTO_ICMPV6 58
#define PROTO_SCTP   132

static bool proto_has_ports(uint8_t proto)
{
    return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP;
}

static void write_time(struct json *j, const char *key, uint64_t ns)
{
    char text[CLOCK_TEXT_MAX];
    clock_format_eve(ns, text);
    json_str(j, key, text);
}

static void write_addr(struct json *j, const char *key, const struct event_base *b,
                       const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    addr_format_eve(a, b->ip_version, text);
    json_str(j, key, text);
}

static void write_proto(struct json *j, uint8_t proto)
{
    char number[8];
    const char *name = event_proto_name(proto);
    snprintf(number, sizeof(number), "%03u", proto);
    json_str(j, "proto", name ? name : number);
}

static void write_tuple(struct json *j, const struct event_base *b)
{
    bool ports = proto_has_ports(b->proto);
    write_addr(j, "src_ip", b, &b->src);
    if (ports)
        json_u64(j, "src_port", b->sport);
    write_addr(j, "dest_ip", b, &b->dst);
    if (ports)
        json_u64(j, "dest_port", b->dport);
    write_proto(j, b->proto);
    if (b->proto == PROTO_ICMP || b->proto == PROTO_ICMPV6) {
        json_u64(j, "icmp_type", b->icmp_type);
        json_u64(j, "icmp_code", b->icmp_code);
    }
}

static void write_base(struct json *j, const struct event_base *b, const char *type)
{
    write_time(j, "timestamp", b->time_ns);
    if (b->flow_id)
        json_u64(j, "flow_id", b->flow_id);
    if (b->in_iface)
        json_str(j, "in_iface", b->in_iface);
    if (b->pcap_cnt)
        json_u64(j, "pcap_cnt", b->pcap_cnt);
    json_str(j, "event_type", type);
    if (b->vlan_count) {
        json_open_array(j, "vlan");
        for (unsigned i = 0; i < b->vlan_count; i++)
            json_u64(j, NULL, b->vlan[i]);
        json_close_array(j);
    }
    if (b->ip_version)
        write_tuple(j, b);
}

static void write_members(struct json *j, const struct event_base *b)
{
    if (!b->members_len)
        return;
    if (j->comma)
        buf_byte(j->out, ',');
    buf_add(j->out, b->members, b->members_len);
    j->comma = true;
}

static void write_counts(struct json *j, const struct event_flow_counts *f)
{
    json_u64(j, "pkts_toserver", f->packets[0]);
    json_u64(j, "pkts_toclient", f->packets[1]);
    json_u64(j, "bytes_toserver", f->bytes[0]);
    json_u64(j, "bytes_toclient", f->bytes[1]);
    write_time(j, "start", f->start_ns);
}

static void write_place(struct json *j, const struct event_abeng *a)
{
    if (a->epoch) {
        json_str(j, "epoch", a->epoch);
        json_str(j, "lane", a->lane);
        json_u64(j, "seq", a->seq);
    }
}

static void write_evidence(struct json *j, const struct event_evidence *e)
{
    json_open(j, "evidence");
    json_str(j, "file", e->file);
    json_u64(j, "offset", e->offset);
    json_u64(j, "length", e->length);
    json_u64(j, "packets", e->packets);
    json_str(j, "hash", e->hash);
    json_close(j);
}

static void write_abeng(struct json *j, const struct event_abeng *a)
{
    if (!a->epoch && !a->ruleset && !a->feed && !a->home && !a->beyond && !a->shed)
        return;
    json_open(j, "abeng");
    write_place(j, a);
    if (a->ruleset)
        json_str(j, "ruleset", a->ruleset);
    if (a->feed)
        json_str(j, "feed", a->feed);
    if (a->home)
        json_str(j, "home", a->home);
    if (a->beyond)
        json_bool(j, "beyond", true);
    if (a->shed)
        json_u64(j, "shed", a->shed);
    if (a->evidence)
        write_evidence(j, a->evidence);
    if (a->source) {
        json_open(j, "source");
        json_str(j, "file", a->source);
        json_u64(j, "offset", a->source_offset);
        json_close(j);
    }
    json_close(j);
}

static void write_end(struct json *j, const char *key, const struct event_base *b, bool source)
{
    json_open(j, key);
    write_addr(j, "ip", b, source ? &b->src : &b->dst);
    if (proto_has_ports(b->proto))
        json_u64(j, "port", source ? b->sport : b->dport);
    json_close(j);
}

static void write_rule(struct json *j, const struct event_alert *a)
{
    json_open(j, "alert");
    json_str(j, "action", a->blocked ? "blocked" : "allowed");
    json_u64(j, "gid", a->gid);
    json_u64(j, "signature_id", a->sid);
    json_u64(j, "rev", a->rev);
    json_str(j, "signature", a->signature ? a->signature : "");
    json_str(j, "category", a->category ? a->category : "");
    json_u64(j, "severity", a->severity);
    if (a->target && a->base.ip_version) {
        write_end(j, "source", &a->base, a->target != 1);
        write_end(j, "target", &a->base, a->target == 1);
    }
    if (a->metadata)
        json_raw(j, "metadata", a->metadata, strlen(a->metadata));
    json_close(j);
}

static void write_alert_flow(struct json *j, const struct event_alert *a)
{
    json_open(j, "flow");
    write_counts(j, &a->flow);
    write_addr(j, "src_ip", &a->base, &a->flow_src);
    write_addr(j, "dest_ip", &a->base, &a->flow_dst);
    if (proto_has_ports(a->base.proto)) {
        json_u64(j, "src_port", a->flow_sport);
        json_u64(j, "dest_port", a->flow_dport);
    }
    json_close(j);
}

/* Suricata says `stream` only beside a payload; here it tells how a rule matched without one. */
static void write_alert_tail(struct json *j, const struct event_alert *a)
{
    if (a->has_flow) {
        if (a->base.app_proto)
            json_str(j, "app_proto", a->base.app_proto);
        if (a->direction)
            json_str(j, "direction", a->direction);
        write_alert_flow(j, a);
    }
    if (a->base.proto == PROTO_TCP)
        json_u64(j, "stream", a->stream);
    write_abeng(j, &a->abeng);
}

void event_alert_write(struct buf *out, const struct event_alert *a)
{
    struct json j;
    json_begin(&j, out);
    json_open(&j, NULL);
    write_base(&j, &a->base, "alert");
    if (a->base.ip_version)
        json_str(&j, "pkt_src", a->pkt_src ? a->pkt_src : "wire/pcap");
    if (a->has_tx)
        json_u64(&j, "tx_id", a->tx_id);
    write_rule(&j, a);
    if (a->tunnel_depth) {
        json_open(&j, "tunnel");
        json_u64(&j, "depth", a->tunnel_depth);
        json_close(&j);
    }
    write_members(&j, &a->base);
    write_alert_tail(&j, a);
    json_close(&j);
}

void event_flow_write(struct buf *out, const struct event_flow *f)
{
    uint64_t start_s = f->flow.start_ns / NS_PER_S, end_s = f->end_ns / NS_PER_S;
    struct json j;
    json_begin(&j, out);
    json_open(&j, NULL);
    write_base(&j, &f->base, "flow");
    if (f->base.app_proto)
        json_str(&j, "app_proto", f->base.app_proto);
    json_open(&j, "flow");
    write_counts(&j, &f->flow);
    write_time(&j, "end", f->end_ns);
    json_u64(&j, "age", end_s > start_s ? end_s - start_s : 0);
    json_str(&j, "state", f->state);
    json_str(&j, "reason", f->reason);
    json_bool(&j, "alerted", f->alerted);
    json_close(&j);
    write_members(&j, &f->base);
    write_abeng(&j, &f->abeng);
    json_close(&j);
}

void event_packet_write(struct buf *out, const struct event_packet *p)
{
    struct json j;
    json_begin(&j, out);
    json_open(&j, NULL);
    write_base(&j, &p->base, "packet");
    json_str(&j, "pkt_src", p->pkt_src ? p->pkt_src : "wire/pcap");
    json_base64(&j, "packet", p->data, p->len);
    json_open(&j, "packet_info");
    json_u64(&j, "linktype", p->linktype);
    json_close(&j);
    json_close(&j);
}

/* Open a record of ours and its `abeng`; the caller closes both. */
static void open_own(struct json *j, struct buf *out, uint64_t time_ns, const char *type,
                     const struct event_abeng *a)
{
    json_begin(j, out);
    json_open(j, NULL);
    write_time(j, "timestamp", time_ns);
    json_str(j, "event_type", type);
    json_open(j, "abeng");
    write_place(j, a);
}

static void close_own(struct json *j)
{
    json_close(j);
    json_close(j);
}

void event_gap_write(struct buf *out, const struct event_gap *g)
{
    struct json j;
    open_own(&j, out, g->time_ns, "gap", &g->abeng);
    json_open(&j, "gap");
    if (g->epoch)
        json_str(&j, "epoch", g->epoch);
    if (g->first) {
        json_u64(&j, "first", g->first);
        json_u64(&j, "last", g->last);
    } else {
        json_u64(&j, "lost", g->lost);
    }
    json_str(&j, "why", g->why);
    json_close(&j);
    close_own(&j);
}

void event_epoch_write(struct buf *out, const struct event_epoch *e)
{
    struct json j;
    open_own(&j, out, e->time_ns, "epoch", &e->abeng);
    if (e->previous) {
        json_open(&j, "previous");
        json_str(&j, "epoch", e->previous);
        json_u64(&j, "last", e->last);
        json_close(&j);
    }
    close_own(&j);
}

void event_foreign_write(struct buf *out, const char *line, size_t len,
                         const struct event_abeng *abeng)
{
    struct json j;
    while (len && line[len - 1] != '}')
        len--;
    buf_add(out, line, len ? len - 1 : 0);
    json_begin(&j, out);
    j.comma = true; /* an event has members before ours */
    write_abeng(&j, abeng);
    json_close(&j);
}

void event_heartbeat_write(struct buf *out, uint64_t time_ns, const struct event_abeng *abeng)
{
    struct json j;
    open_own(&j, out, time_ns, "heartbeat", abeng);
    close_own(&j);
}
