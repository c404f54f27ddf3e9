/* SPDX-License-Identifier: Apache-2.0 */
/* From the first SYN to ESTABLISHED (RFC 9293, section 3.5; fast open: RFC 7413), as
 * Suricata 7.0.10 reads them. */
#include "config.h"

#include <string.h>

#include "common/slab.h"
#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"
#include "sensor/stream/internal.h"

/* Window scale assumed where the SYN was not seen: the largest, so that nothing is refused. */
#define MIDSTREAM_WSCALE 14

static struct stream_session *session_make(struct stream_step *s)
{
    struct stream_session *n = slab_try_zalloc(s->ctx->slab, sizeof(*n));
    if (!n) {
        stream_count(s->ctx, STREAM_COUNT_NO_MEMORY, 1);
        return NULL;
    }
    stream_count(s->ctx, STREAM_COUNT_SESSIONS, 1);
    s->flow->slot[FLOW_SLOT_STREAM] = n;
    s->session = n;
    s->from = &n->sides[s->dir];
    s->to = &n->sides[!s->dir];
    return n;
}

/* What a SYN tells of its sender. */
static void syn_take(struct stream_step *s, struct stream_side *side)
{
    const struct packet_tcp *t = &s->packet->tcp;
    side->isn = t->seq;
    side->next_seq = t->seq + 1;
    side->last_ack = t->seq + 1;
    side->flags &= ~(SIDE_TIMESTAMPS | SIDE_SACK);
    if (t->has_timestamp) {
        side->flags |= SIDE_TIMESTAMPS;
        side->last_ts = t->ts_value;
        side->last_ts_ns = s->packet->now_ns;
    }
    if (t->sack_permitted)
        side->flags |= SIDE_SACK;
}

static void begin_syn(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (!session_make(s))
        return;
    if (t->flags & PACKET_TCP_FIN)
        stream_event_set(s, STREAM_EVENT_FIN_SYN);
    syn_take(s, s->from);
    s->to->wscale = t->wscale;
    s->to->window = t->window;
    s->session->wscale_offered = t->has_wscale;
    s->session->first_ts = t->ts_value;
    stream_state_set(s, STREAM_STATE_SYN_SENT);
    if (t->has_fastopen) {
        s->session->flags |= SESSION_FASTOPEN;
        s->from->next_seq += s->packet->payload_len;
        stream_segment_add(s);
    }
}

/* The sender was the server: what the flow took for client and server changes places. */
static void flow_reverse(struct stream_step *s)
{
    struct flow *f = s->flow;
    struct addr a = f->client;
    uint16_t port = f->client_port;
    uint64_t packets = f->packets[0], bytes = f->bytes[0];
    f->client = f->server;
    f->server = a;
    f->client_port = f->server_port;
    f->server_port = port;
    f->packets[0] = f->packets[1];
    f->packets[1] = packets;
    f->bytes[0] = f->bytes[1];
    f->bytes[1] = bytes;
    uint32_t seen = f->flags & (FLOW_F_TOSERVER_SEEN | FLOW_F_TOCLIENT_SEEN);
    if (seen == FLOW_F_TOSERVER_SEEN || seen == FLOW_F_TOCLIENT_SEEN)
        f->flags ^= FLOW_F_TOSERVER_SEEN | FLOW_F_TOCLIENT_SEEN;
    f->flags ^= FLOW_F_REVERSED;
    s->dir = !s->dir;
    s->out->reversed = true;
}

static void begin_middle(struct stream_step *s, uint32_t syn)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (!session_make(s))
        return;
    stream_count(s->ctx, STREAM_COUNT_MIDSTREAM, 1);
    s->session->flags |= SESSION_MIDSTREAM;
    if (s->ctx->conf.async_oneside)
        s->session->flags |= SESSION_ASYNC;
    s->from->wscale = s->to->wscale = MIDSTREAM_WSCALE;
    s->from->isn = t->seq - 1 + syn;
    s->from->next_seq = t->seq + syn;
    s->from->last_ack = t->seq + syn;
    s->to->isn = t->ack - 1;
    s->to->next_seq = s->to->last_ack = t->ack;
    s->to->window = (uint32_t)t->window << s->to->wscale;
    s->to->next_win = s->to->last_ack + s->to->window;
    s->from->window = s->to->window;
    s->from->next_win = s->from->last_ack + s->from->window;
    s->from->next_seq += s->packet->payload_len;
    stream_state_set(s, syn ? STREAM_STATE_SYN_RECV : STREAM_STATE_ESTABLISHED);
    stream_segment_add(s);
}

bool stream_session_begin(struct stream_step *s)
{
    uint8_t flags = s->packet->tcp.flags;
    bool middle = s->ctx->conf.midstream || s->ctx->conf.async_oneside;
    if (flags & PACKET_TCP_RST) {
        stream_event_set(s, STREAM_EVENT_RST_BUT_NO_SESSION);
    } else if ((flags & (PACKET_TCP_FIN | PACKET_TCP_SYN)) == PACKET_TCP_FIN) {
        stream_event_set(s, STREAM_EVENT_FIN_BUT_NO_SESSION);
    } else if (flags & PACKET_TCP_SYN && flags & PACKET_TCP_ACK) {
        if (middle) {
            if (s->dir == 0)
                flow_reverse(s);
            begin_middle(s, 1);
        }
    } else if (flags & PACKET_TCP_SYN) {
        if (s->dir == 0)
            begin_syn(s);
    } else if (flags & PACKET_TCP_ACK && s->ctx->conf.midstream) {
        begin_middle(s, 0);
    }
    return s->session != NULL;
}

static bool refuse(struct stream_step *s, enum stream_event e)
{
    stream_event_set(s, e);
    return false;
}

/* ---- SYN_SENT ---- */

/* Scaling and timestamps hold when both sides offered them. */
static void options_agree(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (t->has_wscale && s->session->wscale_offered)
        s->to->wscale = t->wscale;
    else
        s->from->wscale = s->to->wscale = 0;
    if (s->from->flags & SIDE_TIMESTAMPS && s->to->flags & SIDE_TIMESTAMPS)
        s->session->flags |= SESSION_TIMESTAMPS;
}

/* What a SYN/ACK settles, also one of a four-way handshake. */
static void synack_agree(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    s->to->last_ack = t->ack;
    s->to->window = t->window;
    options_agree(s);
    s->to->next_win = s->to->last_ack + s->to->window;
    s->from->next_win = s->from->last_ack + s->from->window;
    stream_state_set(s, STREAM_STATE_SYN_RECV);
}

/* A SYN/ACK from `from`; its ACK has been checked. */
static bool synack_take(struct stream_step *s)
{
    syn_take(s, s->from);
    synack_agree(s);
    if (s->session->flags & SESSION_FASTOPEN && s->packet->payload_len) {
        s->from->next_seq += s->packet->payload_len;
        stream_segment_add(s);
    }
    return true;
}

/* Fast open data that the SYN/ACK did not acknowledge is sent again, so it is not part of the
 * stream yet. */
static bool synack_acks(struct stream_step *s)
{
    uint32_t ack = s->packet->tcp.ack;
    struct stream_side *to = s->to;
    if (ack == to->next_seq || ack == to->isn + 1) {
        if (ack != to->next_seq)
            stream_event_set(s, STREAM_EVENT_3WHS_SYNACK_TFO_DATA_IGNORED);
        to->next_seq = ack;
        return true;
    }
    if (s->session->flags & SESSION_OTHER_SYN && ack == s->session->other_isn + 1) {
        to->isn = s->session->other_isn;
        to->next_seq = to->last_ack = ack;
        stream_buffer_clear(&to->buffer, s->ctx->slab);
        return true;
    }
    return false;
}

static bool sent_synack(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    struct stream_session *session = s->session;
    if (s->dir == 0 && session->flags & SESSION_4WHS) {
        if (t->ack != s->to->isn + 1)
            return refuse(s, STREAM_EVENT_4WHS_SYNACK_WITH_WRONG_ACK);
        if (t->seq != s->from->isn)
            return refuse(s, STREAM_EVENT_4WHS_SYNACK_WITH_WRONG_SYN);
        synack_agree(s);
        return true;
    }
    if (s->dir == 0)
        return refuse(s, STREAM_EVENT_3WHS_SYNACK_IN_WRONG_DIRECTION);
    if (!synack_acks(s))
        return refuse(s, STREAM_EVENT_3WHS_SYNACK_WITH_WRONG_ACK);
    session->flags &= ~SESSION_4WHS;
    return synack_take(s);
}

static bool sent_syn(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (s->dir == 1) {
        s->session->flags |= SESSION_4WHS;
        syn_take(s, s->from);
        s->to->wscale = t->wscale;
        s->to->window = t->window;
        return true;
    }
    if (t->seq != s->from->isn) {
        s->session->flags |= SESSION_OTHER_SYN;
        s->session->other_isn = t->seq;
    }
    if (t->has_timestamp && s->from->flags & SIDE_TIMESTAMPS &&
        seq_diff(t->ts_value, s->from->last_ts) > 0)
        s->from->last_ts = t->ts_value;
    return true;
}

/* Data behind a SYN whose answer we never see. */
static bool sent_one_sided(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (!s->ctx->conf.async_oneside || s->dir != 0)
        return false;
    if (t->seq != s->from->next_seq)
        return refuse(s, STREAM_EVENT_3WHS_ASYNC_WRONG_SEQ);
    s->session->flags |= SESSION_ASYNC;
    s->from->wscale = MIDSTREAM_WSCALE;
    s->to->isn = t->ack - 1;
    s->to->next_seq = s->to->last_ack = t->ack;
    s->from->next_win = s->from->next_seq + ((uint32_t)t->window << MIDSTREAM_WSCALE);
    stream_ack_take(s);
    s->from->next_seq += s->packet->payload_len;
    stream_state_set(s, STREAM_STATE_ESTABLISHED);
    stream_segment_add(s);
    return true;
}

/* Both answers echo a timestamp that the client never sent: somebody guesses (an evasion, not a
 * server). */
static bool echo_wrong(const struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (s->dir == 0 || !t->has_timestamp || !t->ts_echo)
        return false;
    if (!(s->to->flags & SIDE_TIMESTAMPS))
        return true;
    /* The SYN may have been sent again, with a newer timestamp each time. */
    return seq_diff(t->ts_echo, s->session->first_ts) < 0 ||
           seq_diff(t->ts_echo, s->to->last_ts) > 0;
}

/* A reset before anything was answered: the server's must answer our SYN, the client's must take it
 * back. */
static bool sent_reset(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (s->dir == 0) {
        if (t->seq != s->from->isn || t->window || t->ack != s->from->isn + 1)
            return true;
    } else {
        if (t->flags & PACKET_TCP_ACK && t->ack && t->ack != s->to->next_seq &&
            t->ack != s->to->isn + 1)
            return refuse(s, STREAM_EVENT_RST_INVALID_ACK);
        if (t->seq != s->from->next_seq)
            return false;
    }
    s->to->flags |= SIDE_RST_RECEIVED;
    s->session->flags |= SESSION_RST;
    stream_state_set(s, STREAM_STATE_CLOSED);
    return true;
}

static bool sent_packet(struct stream_step *s)
{
    uint8_t flags = s->packet->tcp.flags;
    if (echo_wrong(s))
        return refuse(s, STREAM_EVENT_PKT_INVALID_TIMESTAMP);
    if (flags & PACKET_TCP_RST)
        return sent_reset(s);
    if (flags & PACKET_TCP_FIN && !(flags & PACKET_TCP_SYN))
        return false;
    if (flags & PACKET_TCP_SYN)
        return flags & PACKET_TCP_ACK ? sent_synack(s) : sent_syn(s);
    return flags & PACKET_TCP_ACK ? sent_one_sided(s) : false;
}

/* ---- SYN_RECV ---- */

static bool recv_syn(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (t->flags & PACKET_TCP_ACK) {
        if (s->dir == 0)
            return refuse(s, STREAM_EVENT_3WHS_SYNACK_TOSERVER_ON_SYN_RECV);
        if (t->ack != s->to->last_ack)
            return refuse(s, STREAM_EVENT_3WHS_SYNACK_RESEND_WITH_DIFF_ACK);
        if (t->seq != s->from->isn)
            return refuse(s, STREAM_EVENT_3WHS_SYNACK_RESEND_WITH_DIFF_SEQ);
        return true;
    }
    if (s->dir == 1)
        return refuse(s, STREAM_EVENT_3WHS_SYN_TOCLIENT_ON_SYN_RECV);
    if (t->seq != s->from->isn)
        return refuse(s, STREAM_EVENT_3WHS_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV);
    return true;
}

/* The handshake is complete; the packet may bring data already. */
static bool recv_established(struct stream_step *s)
{
    const struct packet *p = s->packet;
    stream_ack_take(s);
    if (seq_diff(p->tcp.seq + p->payload_len, s->from->next_seq) > 0)
        s->from->next_seq = p->tcp.seq + p->payload_len;
    if (seq_diff(s->to->last_ack, s->to->next_seq) > 0)
        s->to->next_seq = s->to->last_ack;
    stream_state_set(s, STREAM_STATE_ESTABLISHED);
    stream_segment_add(s);
    return true;
}

static bool recv_ack(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (!stream_timestamp_take(s))
        return false;
    bool next = t->seq == s->from->next_seq;
    if (s->session->flags & SESSION_4WHS && s->dir == 1) {
        if (!next)
            return refuse(s, STREAM_EVENT_4WHS_WRONG_SEQ);
        if (!stream_ack_valid(s))
            return refuse(s, STREAM_EVENT_4WHS_INVALID_ACK);
        return recv_established(s);
    }
    if (s->dir == 1) {
        /* The client's ACK was lost on its way to us: the server goes on, so it had it. */
        bool ahead = seq_diff(t->seq, s->from->next_seq) >= 0;
        if (ahead && seq_diff(t->ack, s->to->last_ack) >= 0)
            return recv_established(s);
        return refuse(s, STREAM_EVENT_3WHS_ACK_IN_WRONG_DIR);
    }
    bool answers = t->ack == s->to->next_seq ||
                   (s->session->flags & SESSION_FASTOPEN && seq_diff(t->ack, s->to->isn + 1) >= 0 &&
                    seq_diff(t->ack, s->to->next_seq) <= 0);
    if (next && answers)
        return recv_established(s);
    if (next) {
        stream_event_set(s, STREAM_EVENT_3WHS_RIGHT_SEQ_WRONG_ACK_EVASION);
        return true;
    }
    if (answers && seq_diff(t->seq, s->from->next_seq) > 0 &&
        seq_diff(t->seq, s->from->next_win) <= 0)
        return recv_established(s);
    return refuse(s, STREAM_EVENT_3WHS_WRONG_SEQ_WRONG_ACK);
}

static bool recv_packet(struct stream_step *s)
{
    uint8_t flags = s->packet->tcp.flags;
    if (flags & PACKET_TCP_RST) {
        if (!stream_reset_valid(s))
            return false;
        stream_reset_take(s);
        return true;
    }
    if (flags & PACKET_TCP_FIN)
        return stream_fin_take(s);
    if (flags & PACKET_TCP_SYN)
        return recv_syn(s);
    return flags & PACKET_TCP_ACK ? recv_ack(s) : false;
}

bool stream_handshake_packet(struct stream_step *s)
{
    return s->session->state == STREAM_STATE_SYN_SENT ? sent_packet(s) : recv_packet(s);
}
