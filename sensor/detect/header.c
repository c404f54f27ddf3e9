/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule asks of packet, flow and state, before any byte of a buffer is looked at. */
#include "config.h"

#include "common/cursor.h"
#include "sensor/decode/decode.h"
#include "sensor/detect/state.h"
#include "sensor/detect/vars.h"
#include "signatures/reputation.h"

#define NS_PER_S 1000000000ull
/* SIG_OP_FLOW_COUNT and SIG_OP_STREAM_SIZE number their sides from the server. */
#define SIDE_SERVER 0
#define SIDE_CLIENT 1
#define SIDE_BOTH   2

/* ---- protocol, addresses, ports -------------------------------------------------------------- */

static bool proto_match(const struct packet *p, uint8_t proto)
{
    switch (proto) {
    case SIG_PROTO_TCP:
    case SIG_PROTO_TCP_PKT:
    case SIG_PROTO_TCP_STREAM:
        return p->proto == PACKET_PROTO_TCP;
    case SIG_PROTO_UDP:
        return p->proto == PACKET_PROTO_UDP;
    case SIG_PROTO_ICMP:
        return p->proto == PACKET_PROTO_ICMP || p->proto == PACKET_PROTO_ICMPV6;
    case SIG_PROTO_ICMPV4:
        return p->proto == PACKET_PROTO_ICMP;
    case SIG_PROTO_ICMPV6:
        return p->proto == PACKET_PROTO_ICMPV6;
    case SIG_PROTO_SCTP:
        return p->proto == PACKET_PROTO_SCTP;
    case SIG_PROTO_IPV4:
        return p->ip_version == 4;
    case SIG_PROTO_IPV6:
        return p->ip_version == 6;
    case SIG_PROTO_PKTHDR:
        return true;
    default:
        return p->ip_version != 0;
    }
}

static bool addr_in_set(const struct detect_ruleset *set, uint32_t index, const struct addr *a)
{
    const struct sig_addr_range *all = set->ranges + set->sets[index].first;
    uint32_t low = 0, high = set->sets[index].count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (addr_compare(&all[middle].high, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->sets[index].count && addr_compare(&all[low].low, a) <= 0;
}

/* Set 0 is any address. */
static bool addr_is_meant(const struct detect_ruleset *set, uint32_t index, const struct addr *a)
{
    return index == 0 || addr_in_set(set, index, a);
}

bool detect_rule_suppressed(const struct detect_ruleset *set, uint32_t index,
                            const struct addr *src, const struct addr *dst)
{
    const struct image_span *all = &set->rules[index].suppress;
    for (uint32_t i = 0; i < all->count; i++) {
        const struct image_suppress *s = &set->suppress[all->first + i];
        if ((s->track != SIG_TRACK_DST && addr_is_meant(set, s->addrs, src)) ||
            (s->track != SIG_TRACK_SRC && addr_is_meant(set, s->addrs, dst)))
            return true;
    }
    return false;
}

static bool port_in_set(const struct detect_ruleset *set, uint32_t index, uint16_t port)
{
    const struct sig_port_range *all = set->ports + set->sets[index].first;
    for (uint32_t i = 0; i < set->sets[index].count; i++) {
        if (port >= all[i].low && port <= all[i].high)
            return true;
    }
    return false;
}

static bool ports_match(const struct detect_job *job, const struct image_rule *rule)
{
    const struct packet *p = job->in->packet;
    bool has_ports = p->proto == PACKET_PROTO_TCP || p->proto == PACKET_PROTO_UDP ||
                     p->proto == PACKET_PROTO_SCTP;
    if (rule->sports == 0 && rule->dports == 0)
        return true;
    if (!has_ports || p->flags & PACKET_F_FRAGMENT) /* a broken transport header: ports are 0 */
        return false;
    return (rule->sports == 0 || port_in_set(job->set, rule->sports, p->sport)) &&
           (rule->dports == 0 || port_in_set(job->set, rule->dports, p->dport));
}

bool detect_header_match_static(const struct detect_job *job, const struct image_rule *rule)
{
    const struct packet *p = job->in->packet;
    if (!proto_match(p, rule->proto))
        return false;
    if (job->in->flow && !(rule->dirs & 1u << job->in->dir))
        return false;
    return ports_match(job, rule) &&
           (rule->src == 0 || addr_in_set(job->set, rule->src, &p->src)) &&
           (rule->dst == 0 || addr_in_set(job->set, rule->dst, &p->dst));
}

/* ---- flow keyword, application --------------------------------------------------------------- */

static bool flow_match(const struct detect_job *job, uint32_t flow)
{
    bool whole = job->in->packet->flags & PACKET_F_REASSEMBLED;
    if (flow == 0)
        return true;
    if (!job->in->flow && flow & ~(SIG_FLOW_ONLY_FRAG | SIG_FLOW_NO_FRAG))
        return false;
    if (flow & SIG_FLOW_ESTABLISHED && !job->established)
        return false;
    if (flow & SIG_FLOW_NOT_ESTABLISHED && job->established)
        return false;
    return !(flow & SIG_FLOW_ONLY_FRAG && !whole) && !(flow & SIG_FLOW_NO_FRAG && whole);
}

static bool app_match(enum sig_app rule, enum sig_app flow)
{
    if (rule == SIG_APP_UNKNOWN || rule == flow)
        return true;
    if (rule == SIG_APP_ANY_HTTP)
        return flow == SIG_APP_HTTP1 || flow == SIG_APP_HTTP2;
    return rule == SIG_APP_DCERPC && flow == SIG_APP_SMB;
}

bool detect_header_match(const struct detect_job *job, const struct image_rule *rule)
{
    return app_match(rule->app, job->app) && flow_match(job, rule->flow) &&
           detect_header_match_static(job, rule);
}

/* ---- instructions ---------------------------------------------------------------------------- */

#define TCP_BEGIN_OR_END 0x07 /* FIN, SYN, RST */
#define TCP_UNUSUAL      0xe0 /* URG, ECE, CWR */
#define TCP_SYN          0x02

/* The reference looks at a packet by a rule on such flags only when it has one of their kind,
 * whatever the rule says of them. */
static bool tcp_flags_kind(uint8_t flags, const struct sig_op *op)
{
    uint8_t set = op->u.bits.set;
    return !(set & TCP_BEGIN_OR_END && !(flags & TCP_BEGIN_OR_END)) &&
           !(set & TCP_UNUSUAL && !(flags & TCP_UNUSUAL)) &&
           !(op->u.bits.syn && !(flags & TCP_SYN));
}

static bool tcp_flags_match(const struct packet *p, const struct sig_op *op)
{
    uint8_t flags = p->tcp.flags & (uint8_t)~op->u.bits.mask, set = op->u.bits.set;
    if (!set && p->tcp.flags)
        return op->u.bits.mode == '!';
    if (!tcp_flags_kind(p->tcp.flags, op))
        return false;
    switch (op->u.bits.mode) {
    case '+':
        return (flags & set) == set;
    case '*':
        return (flags & set) != 0;
    case '!':
        return (flags & set) != set;
    default:
        return flags == set;
    }
}

static bool frag_bits_match(const struct packet *p, const struct sig_op *op)
{
    uint8_t bits = (uint8_t)((p->more_fragments ? 1 : 0) | (p->dont_fragment ? 2 : 0) |
                             (p->reserved_bit ? 4 : 0));
    uint8_t set = op->u.bits.set;
    switch (op->u.bits.mode) {
    case '+':
        return (bits & set) == set;
    case '*':
        return (bits & set) != 0;
    case '!':
        return (bits & set) != set;
    default:
        return bits == set;
    }
}

static bool is_icmp(const struct packet *p)
{
    return !(p->flags & PACKET_F_FRAGMENT) &&
           (p->proto == PACKET_PROTO_ICMP || p->proto == PACKET_PROTO_ICMPV6);
}

/* Echo and its kin carry an identifier and a sequence number. RFC 792; RFC 4443 section 4. */
static bool icmp_has_id(const struct packet *p)
{
    uint8_t type = p->icmp_type;
    if (p->proto == PACKET_PROTO_ICMPV6)
        return type == 128 || type == 129;
    return p->proto == PACKET_PROTO_ICMP && (type == 0 || type == 8 || (type >= 13 && type <= 18));
}

/* RFC 4443 section 3.2: packet too big. */
static bool icmpv6_mtu(const struct packet *p, uint64_t *out)
{
    if (p->proto != PACKET_PROTO_ICMPV6 || p->icmp_type != 2 || p->l4_len < 8)
        return false;
    *out = (uint64_t)p->l4[4] << 24 | (uint64_t)p->l4[5] << 16 | (uint64_t)p->l4[6] << 8 | p->l4[7];
    return true;
}

/* The number of the packet that an instruction compares; false when it has none. */
static bool packet_number(const struct packet *p, uint16_t kind, uint64_t *out)
{
    bool tcp = p->proto == PACKET_PROTO_TCP && p->l4;
    switch (kind) {
    case SIG_OP_DSIZE:
        *out = p->payload_len;
        return true;
    case SIG_OP_TCP_SEQ:
        *out = p->tcp.seq;
        return tcp;
    case SIG_OP_TCP_ACK:
        *out = p->tcp.ack;
        return tcp;
    case SIG_OP_TCP_WINDOW:
        *out = p->tcp.window;
        return tcp;
    case SIG_OP_TCP_MSS:
        *out = p->tcp.mss;
        return tcp && p->tcp.mss;
    case SIG_OP_TTL:
        *out = p->ttl;
        return p->l3 != NULL;
    case SIG_OP_TOS:
        *out = p->tos;
        return p->ip_version == 4 && p->l3;
    case SIG_OP_IP_ID:
        *out = p->ip_id;
        return p->ip_version == 4 && p->l3;
    case SIG_OP_FRAG_OFFSET:
        *out = p->frag_offset / 8;
        return p->l3 && (p->ip_version == 4 || p->flags & PACKET_F_FRAGMENT);
    default:
        return false;
    }
}

static bool icmp_number(const struct packet *p, uint16_t kind, uint64_t *out)
{
    switch (kind) {
    case SIG_OP_ITYPE:
        *out = p->icmp_type;
        return is_icmp(p);
    case SIG_OP_ICODE:
        *out = p->icmp_code;
        return is_icmp(p);
    case SIG_OP_ICMP_ID:
        *out = p->icmp_id;
        return icmp_has_id(p);
    case SIG_OP_ICMP_SEQ:
        *out = p->icmp_seq;
        return icmp_has_id(p);
    default:
        return icmpv6_mtu(p, out);
    }
}

static bool stream_size_match(const struct detect_job *job, const struct sig_op *op)
{
    const struct flow *f = job->in->flow;
    if (!f || !job->in->tcp || stream_session_state(f) == STREAM_STATE_NONE)
        return false;
    bool server = confirm_number(op, stream_size(f, SIG_DIR_TOCLIENT));
    bool client = confirm_number(op, stream_size(f, SIG_DIR_TOSERVER));
    switch (op->u.number.field) {
    case SIDE_SERVER:
        return server;
    case SIDE_CLIENT:
        return client;
    case SIDE_BOTH:
        return server && client;
    default:
        return server || client;
    }
}

static bool flow_count_match(const struct flow *f, const struct sig_op *op)
{
    unsigned dir = op->u.number.field & 1 ? SIG_DIR_TOSERVER : SIG_DIR_TOCLIENT;
    return f && confirm_number(op, op->u.number.field & 2 ? f->bytes[dir] : f->packets[dir]);
}

/* app-layer-protocol: while detection is not through there is no answer, negated or not. */
static bool app_proto_match(const struct detect_job *job, const struct sig_op *op)
{
    enum sig_app side =
        job->in->flow ? app_side(job->in->flow, job->in->dir) : SIG_APP_UNKNOWN;
    if (side == SIG_APP_UNKNOWN || op->u.name.id == SIG_APP_UNKNOWN)
        return false; /* `unknown`: asked when it is known, never true, nor its negation */
    return app_match((enum sig_app)op->u.name.id, side) != ((op->flags & SIG_F_NEGATED) != 0);
}

static bool event_match(const struct detect_job *job, const struct sig_op *op)
{
    const struct detect_input *in = job->in;
    unsigned number = op->resolved;
    switch (op->u.name.command) {
    case SIG_EVENT_DECODE:
        return number < 256 && in->packet->events[number / 64] >> number % 64 & 1;
    case SIG_EVENT_STREAM:
        return in->tcp && number < 128 && in->tcp->events[number / 64] >> number % 64 & 1;
    default:
        if (op->u.name.id == SIG_APP_UNKNOWN)
            return number < 32 && in->app_events >> number & 1;
        return job->tx && number < 64 && (job->tx->events[0] | job->tx->events[1]) >> number & 1;
    }
}

static bool app_uint_match(const struct detect_job *job, const struct sig_op *op)
{
    uint64_t value;
    const char *name = job->set->strings + op->u.number.text.at;
    return job->tx && app_tx_number(job->in->flow, job->tx, job->in->dir, name, &value) &&
           confirm_number(op, value);
}

static bool flow_age_match(const struct flow *f, const struct sig_op *op)
{
    return f && confirm_number(op, f->last_ns / NS_PER_S - f->first_ns / NS_PER_S);
}

/* A pseudo packet has no header that could be wrong. */
static bool csum_match(const struct packet *p, const struct sig_op *op)
{
    bool invalid = op->flags & SIG_F_NEGATED;
    if (p->flags & PACKET_F_PSEUDO)
        return !invalid;
    int right = decode_checksum_check(p, (enum sig_csum)op->u.number.field);
    return right >= 0 && right == !invalid;
}

static bool score_match(const struct sig_op *op, int score)
{
    struct sig_op number = { .u.number = { .a = op->u.rep.value, .compare = op->u.rep.compare } };
    return score < 0 ? op->u.rep.notset : confirm_number(&number, (uint64_t)score);
}

/* isnotset asks of either or both sides that nothing is known; of one side a score of 0 is nothing
 * too: so the reference. */
static bool iprep_match(const struct detect_job *job, const struct sig_op *op)
{
    const struct packet *p = job->in->packet;
    const uint8_t *table = job->set->blob + op->u.rep.table.at;
    if (!p->ip_version)
        return false;
    int src = op->u.rep.side == SIG_REP_DST ? -1 : reputation_score(table, &p->src);
    int dst = op->u.rep.side == SIG_REP_SRC ? -1 : reputation_score(table, &p->dst);
    bool notset = op->u.rep.notset;
    switch (op->u.rep.side) {
    case SIG_REP_SRC:
        return score_match(op, src);
    case SIG_REP_DST:
        return score_match(op, dst);
    case SIG_REP_ANY:
        return notset ? src < 0 || dst < 0 : score_match(op, src) || score_match(op, dst);
    default:
        return notset ? src < 0 && dst < 0 : score_match(op, src) && score_match(op, dst);
    }
}

/* Conditions on flow and state hold for pseudo packets too; the others want a packet. */
static bool state_op_match(const struct detect_job *job, const struct sig_op *op, bool *known)
{
    *known = true;
    switch (op->kind) {
    case SIG_OP_FLOWBIT:
    case SIG_OP_FLOWINT:
        return detect_bit_test(job, op);
    case SIG_OP_APP_PROTO:
        return app_proto_match(job, op);
    case SIG_OP_EVENT:
        return event_match(job, op);
    case SIG_OP_APP_UINT:
        return app_uint_match(job, op);
    case SIG_OP_STREAM_SIZE:
        return stream_size_match(job, op);
    case SIG_OP_FLOW_AGE:
        return flow_age_match(job->in->flow, op);
    case SIG_OP_FLOW_COUNT:
        return flow_count_match(job->in->flow, op);
    case SIG_OP_CSUM:
        return csum_match(job->in->packet, op);
    case SIG_OP_VAR:
        return detect_var_test(job, op);
    case SIG_OP_IPREP:
        return iprep_match(job, op);
    default:
        *known = false;
        return false;
    }
}

/* A call (RFC 5531 9) at the payload's start, over TCP behind its record mark. */
static bool rpc_match(const struct packet *p, const struct sig_op *op)
{
    struct cursor c = cursor_make(p->payload, p->payload_len);
    cursor_skip(&c, p->proto == PACKET_PROTO_TCP ? 8 : 4);
    uint32_t type = cursor_be32(&c);
    cursor_skip(&c, 4);
    uint32_t program = cursor_be32(&c), version = cursor_be32(&c), procedure = cursor_be32(&c);
    if (p->proto != PACKET_PROTO_TCP && p->proto != PACKET_PROTO_UDP)
        return false;
    return !c.bad && type == 0 && program == op->u.number.a &&
           (!(op->u.number.field & SIG_RPC_VERSION) || version == op->u.number.b >> 32) &&
           (!(op->u.number.field & SIG_RPC_PROCEDURE) ||
            procedure == (op->u.number.b & UINT32_MAX));
}

static bool packet_op_match(const struct packet *p, const struct sig_op *op)
{
    uint64_t value = 0;
    if (p->flags & PACKET_F_PSEUDO)
        return false;
    switch (op->kind) {
    case SIG_OP_TCP_FLAGS:
        return p->proto == PACKET_PROTO_TCP && p->l4 && tcp_flags_match(p, op);
    case SIG_OP_FRAG_BITS:
        return p->ip_version == 4 && frag_bits_match(p, op);
    case SIG_OP_IP_VERSION:
        return p->ip_version == op->u.number.a;
    case SIG_OP_RPC:
        return rpc_match(p, op);
    case SIG_OP_IP_PROTO:
        return p->ip_version && confirm_number(op, p->proto);
    case SIG_OP_IP_OPTS:
        return p->ip_version == 4 &&
               ((p->ip_options & op->resolved) == op->resolved) !=
                   ((op->flags & SIG_F_NEGATED) != 0);
    case SIG_OP_SAME_IP:
        return p->ip_version && addr_compare(&p->src, &p->dst) == 0;
    case SIG_OP_ITYPE:
    case SIG_OP_ICODE:
    case SIG_OP_ICMP_ID:
    case SIG_OP_ICMP_SEQ:
    case SIG_OP_ICMPV6_MTU:
        return icmp_number(p, op->kind, &value) && confirm_number(op, value);
    default:
        return packet_number(p, op->kind, &value) && confirm_number(op, value);
    }
}

/* Whether a test of the payload's size is not for this packet: one of its absence where bytes are
 * looked at, the packet's own or the stream's, and one of its presence where none are. */
static bool dsize_is_hidden(const struct detect_job *job, const struct sig_op *op)
{
    uint8_t compare = op->u.number.compare;
    if (op->kind != SIG_OP_DSIZE || compare == SIG_CMP_LT || compare == SIG_CMP_LE)
        return false;
    bool none = compare == SIG_CMP_EQ && op->u.number.a == 0;
    bool bytes = (job->in->packet->payload_len > 0 && !job->hidden) || job->stream_ready;
    return none == bytes;
}

bool detect_packet_ops_match(struct detect_job *job, const struct image_rule *rule)
{
    const struct sig_op *op = job->set->ops + rule->packet.first;
    for (uint32_t i = 0; i < rule->packet.count; i++, op++) {
        bool known, ok = state_op_match(job, op, &known);
        bool or_next = op->flags & SIG_F_OR_NEXT;
        if (!known)
            ok = !dsize_is_hidden(job, op) && packet_op_match(job->in->packet, op);
        if (!ok && !or_next)
            return false;
        for (; ok && op->flags & SIG_F_OR_NEXT && i + 1 < rule->packet.count; i++)
            op++; /* the other alternatives */
    }
    return true;
}

static bool address_view(const struct packet *p, const struct addr *a, struct app_view *out)
{
    uint32_t len = p->ip_version == 4 ? 4 : sizeof(a->bytes);
    *out = (struct app_view){ .data = a->bytes + sizeof(a->bytes) - len, .len = len, .end = true };
    return p->ip_version != 0;
}

/* The IP header with its options or, of IPv6, with what extends it; of a fragment of IPv6 the fixed
 * part alone. */
static bool ip_header_view(const struct packet *p, uint8_t version, struct app_view *out)
{
    if (!p->l3 || p->ip_version != version)
        return false;
    bool fragment = p->flags & PACKET_F_FRAGMENT;
    uint32_t fixed = version == 4 ? (p->l3[0] & 15u) * 4 : 40;
    uint32_t len = p->l4 && p->l4 >= p->l3 && !fragment ? (uint32_t)(p->l4 - p->l3) : fixed;
    *out = (struct app_view){ .data = p->l3, .len = len, .end = true };
    return len <= p->l3_len;
}

bool detect_packet_buffer(const struct packet *p, enum sig_buffer buffer, struct app_view *out)
{
    bool l4 = p->l4 && p->l4_len >= p->payload_len;
    uint8_t proto = 0;
    switch (buffer) {
    case SIG_BUF_IPV4_HDR:
        return ip_header_view(p, 4, out);
    case SIG_BUF_IPV6_HDR:
        return ip_header_view(p, 6, out);
    case SIG_BUF_TCP_HDR:
        proto = PACKET_PROTO_TCP;
        break;
    case SIG_BUF_UDP_HDR:
        proto = PACKET_PROTO_UDP;
        break;
    case SIG_BUF_ICMPV4_HDR:
        proto = PACKET_PROTO_ICMP;
        break;
    case SIG_BUF_ICMPV6_HDR:
        proto = PACKET_PROTO_ICMPV6;
        break;
    case SIG_BUF_IP_SRC:
    case SIG_BUF_IP_DST:
        return address_view(p, buffer == SIG_BUF_IP_SRC ? &p->src : &p->dst, out);
    default:
        return false;
    }
    *out =
        (struct app_view){ .data = p->l4, .len = l4 ? p->l4_len - p->payload_len : 0, .end = true };
    return l4 && p->proto == proto;
}
