/* SPDX-License-Identifier: Apache-2.0 */
/* Records as events. */
#include "config.h"
#include "sensor/alert/encode.h"

#include <string.h>

#include "common/event.h"
#include "sensor/alert/alert.h"
#include "sensor/decode/decode.h"
#include "sensor/detect/detect.h"
#include "sensor/flow/flow.h"

/* As Suricata 7.0.10 says where a packet was taken from (PktSrcToString); what it has no word for,
 * and tunnels of both IP versions, in its manner. */
static const char *const tunnel_names[] = {
    [DECODE_TUNNEL_NONE] = "wire/pcap",
    [DECODE_TUNNEL_IP] = "ipv4 tunnel",
    [DECODE_TUNNEL_GRE] = "gre tunnel",
    [DECODE_TUNNEL_ERSPAN] = "erspan tunnel",
    [DECODE_TUNNEL_VXLAN] = "vxlan encapsulation",
    [DECODE_TUNNEL_GENEVE] = "geneve encapsulation",
    [DECODE_TUNNEL_TEREDO] = "teredo tunnel",
    [DECODE_TUNNEL_GTPU] = "gtp-u tunnel",
};

static const char *packet_source(const struct alert_record *r)
{
    if (r->pseudo)
        return "stream (flow timeout)";
    if (r->reassembled)
        return "defrag";
    return r->tunnel < sizeof(tunnel_names) / sizeof(tunnel_names[0]) ? tunnel_names[r->tunnel]
                                                                      : NULL;
}

/* Suricata leaves app_proto out as long as nothing was looked at, and writes "failed". */
static const char *app_name(const struct alert_record *r)
{
    if (!r->has_flow || r->app == SIG_APP_UNKNOWN)
        return NULL;
    /* Rules say http1 and http2, and http for both; EVE calls the first one http. */
    return sig_app_name(r->app == SIG_APP_HTTP1 ? SIG_APP_ANY_HTTP : (enum sig_app)r->app);
}

static void fill_base(const struct encode_conf *conf, const struct alert_record *r,
                      const void *extra, struct event_base *out)
{
    *out = (struct event_base){
        .time_ns = r->ts_ns,
        .flow_id = r->has_flow ? r->flow_id : 0,
        .vlan = r->vlan,
        .vlan_count = r->vlan_count,
        .ip_version = r->ip_version,
        .proto = r->proto,
        .icmp_type = r->icmp_type,
        .icmp_code = r->icmp_code,
        .src = r->src,
        .dst = r->dst,
        .sport = r->sport,
        .dport = r->dport,
        .app_proto = app_name(r),
        .members = extra,
        .members_len = r->extra_len,
    };
    if (!conf->interfaces)
        out->pcap_cnt = r->pseudo || r->kind == ALERT_KIND_FLOW ? 0 : r->key.packet;
    else if (r->interface < conf->interface_count)
        out->in_iface = conf->interfaces[r->interface];
}

static struct event_flow_counts flow_counts(const struct alert_record *r)
{
    struct event_flow_counts c = { .start_ns = r->flow_start_ns };
    memcpy(c.packets, r->packets, sizeof(c.packets));
    memcpy(c.bytes, r->bytes, sizeof(c.bytes));
    return c;
}

static void fill_rule(const struct detect_rule *rule, struct event_alert *out)
{
    /* EVE's readers know 1 to 255 */
    out->severity = (uint8_t)(rule->priority < 1 ? 1 : rule->priority > 255 ? 255 : rule->priority);
    out->target = rule->target;
    out->gid = rule->gid;
    out->sid = rule->sid;
    out->rev = rule->rev;
    out->signature = rule->msg;
    out->category = rule->category;
    out->metadata = rule->metadata;
}

static void fill_flow(const struct alert_record *r, struct event_alert *out)
{
    out->has_flow = true;
    out->direction = r->dir == SIG_DIR_TOSERVER ? "to_server" : "to_client";
    out->flow = flow_counts(r);
    out->flow_src = r->flow_src;
    out->flow_dst = r->flow_dst;
    out->flow_sport = r->flow_sport;
    out->flow_dport = r->flow_dport;
}

void encode_alert(const struct encode_conf *conf, const struct alert_record *r,
                  const struct detect_rule *rule, const void *extra, bool blocked,
                  const struct event_abeng *abeng, struct buf *out)
{
    struct event_alert a = {
        .pkt_src = packet_source(r),
        .has_tx = r->has_tx,
        .tx_id = r->tx_id,
        .blocked = blocked,
        .stream = r->stream,
        .tunnel_depth = r->tunnel_depth,
        .abeng = *abeng,
    };
    fill_base(conf, r, extra, &a.base);
    fill_rule(rule, &a);
    if (r->has_flow)
        fill_flow(r, &a);
    a.abeng.beyond = r->beyond;
    a.abeng.shed = r->shed;
    a.abeng.ruleset = detect_ruleset_name(r->ruleset, NULL);
    event_alert_write(out, &a);
}

static const char *state_name(uint8_t state)
{
    static const char *const names[] = {
        [FLOW_STATE_NEW] = "new",
        [FLOW_STATE_ESTABLISHED] = "established",
        [FLOW_STATE_CLOSED] = "closed",
    };
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "new";
}

static const char *reason_name(uint8_t reason)
{
    static const char *const names[] = {
        [ALERT_FLOW_TIMEOUT] = "timeout",
        [ALERT_FLOW_SHUTDOWN] = "shutdown",
        [ALERT_FLOW_FORCED] = "forced",
    };
    return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "forced";
}

void encode_flow(const struct encode_conf *conf, const struct alert_record *r, const void *extra,
                 struct buf *out)
{
    struct event_flow f = {
        .flow = flow_counts(r),
        .end_ns = r->flow_end_ns,
        .state = state_name(r->flow_state),
        .reason = reason_name(r->flow_reason),
        .alerted = r->flow_alerted,
        .abeng = { .shed = r->shed },
    };
    fill_base(conf, r, extra, &f.base);
    event_flow_write(out, &f);
}

void encode_packet(const struct encode_conf *conf, const struct alert_record *r, const void *extra,
                   struct buf *out)
{
    uint32_t tags = r->tag_count * (uint32_t)sizeof(struct detect_tag);
    struct event_packet p = { .pkt_src = packet_source(r),
                              .data = (const uint8_t *)extra + tags,
                              .len = r->extra_len - tags,
                              .linktype = r->packet_link };
    fill_base(conf, r, NULL, &p.base);
    p.base.members_len = 0;
    event_packet_write(out, &p);
}
