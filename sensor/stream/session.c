/* SPDX-License-Identifier: Apache-2.0 */
/* From ESTABLISHED to CLOSED: which packets a session takes, and what they change (RFC 9293,
 * section 3.10.7). */
#include "config.h"

#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"
#include "sensor/stream/internal.h"

#define NO_EVENT STREAM_EVENTS

/* What is said of a packet that does not fit, by the state it did not fit. */
static const struct {
    enum stream_event invalid_ack, wrong_seq, before_last_ack;
} refusals[] = {
    [STREAM_STATE_ESTABLISHED] = { STREAM_EVENT_EST_INVALID_ACK,
                                   STREAM_EVENT_EST_PACKET_OUT_OF_WINDOW,
                                   STREAM_EVENT_EST_PKT_BEFORE_LAST_ACK },
    [STREAM_STATE_FIN_WAIT1] = { STREAM_EVENT_FIN1_INVALID_ACK, STREAM_EVENT_FIN1_ACK_WRONG_SEQ,
                                 NO_EVENT },
    [STREAM_STATE_FIN_WAIT2] = { STREAM_EVENT_FIN2_INVALID_ACK, STREAM_EVENT_FIN2_ACK_WRONG_SEQ,
                                 NO_EVENT },
    [STREAM_STATE_TIME_WAIT] = { STREAM_EVENT_TIMEWAIT_INVALID_ACK,
                                 STREAM_EVENT_TIMEWAIT_ACK_WRONG_SEQ, NO_EVENT },
    [STREAM_STATE_LAST_ACK] = { STREAM_EVENT_LASTACK_INVALID_ACK,
                                STREAM_EVENT_LASTACK_ACK_WRONG_SEQ, NO_EVENT },
    [STREAM_STATE_CLOSE_WAIT] = { STREAM_EVENT_CLOSEWAIT_INVALID_ACK,
                                  STREAM_EVENT_CLOSEWAIT_ACK_OUT_OF_WINDOW,
                                  STREAM_EVENT_CLOSEWAIT_PKT_BEFORE_LAST_ACK },
    [STREAM_STATE_CLOSING] = { STREAM_EVENT_CLOSING_INVALID_ACK, STREAM_EVENT_CLOSING_ACK_WRONG_SEQ,
                               NO_EVENT },
};

static bool refuse(struct stream_step *s, enum stream_event e)
{
    if (e != NO_EVENT)
        stream_event_set(s, e);
    return false;
}

void stream_state_set(struct stream_step *s, enum stream_state state)
{
    s->session->before = s->session->state;
    s->session->state = (uint8_t)state;
    switch (state) {
    case STREAM_STATE_ESTABLISHED:
    case STREAM_STATE_FIN_WAIT1:
    case STREAM_STATE_FIN_WAIT2:
    case STREAM_STATE_CLOSING:
    case STREAM_STATE_CLOSE_WAIT:
        s->flow->state = FLOW_STATE_ESTABLISHED;
        break;
    case STREAM_STATE_LAST_ACK:
    case STREAM_STATE_TIME_WAIT:
    case STREAM_STATE_CLOSED:
        s->flow->state = FLOW_STATE_CLOSED;
        break;
    default:
        break;
    }
}

static bool window_unknown(const struct stream_step *s)
{
    return s->session->flags & (SESSION_MIDSTREAM | SESSION_ASYNC);
}

/* ---- resets ---- */

bool stream_reset_valid(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (!stream_timestamp_take(s))
        return false;
    if (t->flags & PACKET_TCP_ACK && t->ack && !stream_ack_valid(s))
        return refuse(s, STREAM_EVENT_RST_INVALID_ACK);
    if (s->session->flags & SESSION_ASYNC)
        return seq_diff(t->seq, s->from->next_seq) >= 0;
    return t->seq == s->from->next_seq;
}

void stream_reset_take(struct stream_step *s)
{
    const struct packet *p = s->packet;
    s->session->flags |= SESSION_RST;
    s->to->flags |= SIDE_RST_RECEIVED;
    s->from->next_seq = p->tcp.seq + p->payload_len;
    if (p->payload_len)
        stream_event_set(s, STREAM_EVENT_RST_WITH_DATA);
    if (p->tcp.flags & PACKET_TCP_ACK)
        stream_ack_take(s);
    stream_state_set(s, STREAM_STATE_CLOSED);
    stream_segment_add(s);
}

/* ---- what every accepted packet does ---- */

static void next_seq_take(struct stream_step *s)
{
    const struct packet *p = s->packet;
    struct stream_side *from = s->from;
    uint32_t end = p->tcp.seq + p->payload_len;
    bool grows = seq_diff(p->tcp.seq, from->next_seq) <= 0 && seq_diff(end, from->next_seq) > 0;
    /* Behind what the peer has acknowledged: segments were lost on their way to us. */
    bool behind = seq_diff(from->next_seq, from->last_ack) < 0;
    if (grows || behind)
        from->next_seq = end;
}

/* Data that ends before what the peer acknowledged brings nothing, but for holes we have. */
static bool before_last_ack(const struct stream_step *s)
{
    const struct packet *p = s->packet;
    const struct stream_side *from = s->from;
    uint32_t end = p->tcp.seq + p->payload_len;
    if (seq_diff(end, from->last_ack) >= 0 || s->session->flags & SESSION_ASYNC)
        return false;
    if (p->payload_len <= 1 && p->tcp.seq == from->next_seq - 1)
        return false; /* keep-alive */
    return !(seq_diff(from->last_ack, from->next_seq) > 0 && seq_diff(end, from->next_seq) > 0);
}

/* The checks and changes that all synchronised states share. */
static bool take(struct stream_step *s)
{
    const struct packet *p = s->packet;
    unsigned state = s->session->state;
    if (!stream_timestamp_take(s))
        return false;
    if (!stream_ack_valid(s))
        return refuse(s, refusals[state].invalid_ack);
    if (refusals[state].before_last_ack != NO_EVENT && before_last_ack(s))
        return refuse(s, refusals[state].before_last_ack);
    uint32_t end = p->tcp.seq + p->payload_len;
    if (seq_diff(end, s->from->next_win) > 0 && !window_unknown(s) &&
        seq_diff(end, s->from->next_seq + 1) > 0)
        return refuse(s, refusals[state].wrong_seq);
    if (s->dir == 1)
        s->session->flags |= SESSION_CONFIRMED;
    next_seq_take(s);
    stream_ack_take(s);
    if (seq_diff(s->to->last_ack, s->to->next_seq) > 0 && state > STREAM_STATE_ESTABLISHED)
        s->to->next_seq = s->to->last_ack;
    stream_segment_add(s);
    return true;
}

/* ---- closing ---- */

bool stream_fin_take(struct stream_step *s)
{
    const struct packet *p = s->packet;
    const struct stream_side *from = s->from;
    if (!stream_timestamp_take(s))
        return false;
    if (!stream_ack_valid(s))
        return refuse(s, STREAM_EVENT_FIN_INVALID_ACK);
    bool early = seq_diff(p->tcp.seq, from->next_seq) < 0;
    bool late = seq_diff(p->tcp.seq, from->last_ack + from->window) > 0;
    if ((early || late) && !window_unknown(s))
        return refuse(s, STREAM_EVENT_FIN_OUT_OF_WINDOW);
    if (p->tcp.seq == from->next_seq || window_unknown(s))
        s->from->next_seq = p->tcp.seq + p->payload_len;
    stream_ack_take(s);
    if (seq_diff(p->tcp.ack, s->to->next_seq) > 0 && p->tcp.flags & PACKET_TCP_ACK)
        s->to->next_seq = p->tcp.ack;
    stream_state_set(s, s->dir == 0 ? STREAM_STATE_CLOSE_WAIT : STREAM_STATE_FIN_WAIT1);
    stream_segment_add(s);
    return true;
}

/* Where a FIN leads from each closing state; with ACK where both matter. */
static enum stream_state after_fin(unsigned state, bool acks)
{
    switch (state) {
    case STREAM_STATE_FIN_WAIT1:
        return acks ? STREAM_STATE_TIME_WAIT : STREAM_STATE_CLOSING;
    case STREAM_STATE_FIN_WAIT2:
        return STREAM_STATE_TIME_WAIT;
    case STREAM_STATE_CLOSE_WAIT:
        return STREAM_STATE_LAST_ACK;
    default:
        return (enum stream_state)state;
    }
}

/* Where an ACK without FIN leads, given that it stands at the number that is expected. */
static enum stream_state after_ack(unsigned state)
{
    switch (state) {
    case STREAM_STATE_FIN_WAIT1:
        return STREAM_STATE_FIN_WAIT2;
    case STREAM_STATE_CLOSING:
        return STREAM_STATE_TIME_WAIT;
    case STREAM_STATE_LAST_ACK:
    case STREAM_STATE_TIME_WAIT:
        return STREAM_STATE_CLOSED;
    default:
        return (enum stream_state)state;
    }
}

static enum stream_event wrong_fin(unsigned state)
{
    if (state == STREAM_STATE_FIN_WAIT1)
        return STREAM_EVENT_FIN1_FIN_WRONG_SEQ;
    return state == STREAM_STATE_FIN_WAIT2 ? STREAM_EVENT_FIN2_FIN_WRONG_SEQ
                                           : STREAM_EVENT_CLOSEWAIT_FIN_OUT_OF_WINDOW;
}

/* Notes data that was sent before, in part or in whole, acknowledged or still under way; while the
 * session is open that is nothing to speak of. */
static bool is_retransmission(struct stream_step *s)
{
    const struct packet *p = s->packet;
    const struct stream_side *from = s->from;
    uint32_t end = p->tcp.seq + p->payload_len;
    bool over = seq_diff(p->tcp.seq, from->last_ack) < 0 && seq_diff(end, from->last_ack) > 0;
    if (!p->payload_len || (!over && seq_diff(end, from->last_ack) > 0 &&
                            seq_diff(end, from->next_seq) > 0))
        return false;
    stream_event_set(s, STREAM_EVENT_PKT_RETRANSMISSION);
    return true;
}

static bool closing_fin(struct stream_step *s)
{
    const struct packet *p = s->packet;
    const struct stream_side *from = s->from;
    unsigned state = s->session->state;
    uint32_t end = p->tcp.seq + p->payload_len;
    bool again = is_retransmission(s) || seq_diff(end, from->last_ack) < 0;
    bool early = seq_diff(p->tcp.seq, from->next_seq) < 0;
    bool late = seq_diff(p->tcp.seq, from->last_ack + from->window + 1) > 0;
    if ((early || late) && !again && !window_unknown(s))
        return refuse(s, wrong_fin(state));
    if (!take(s))
        return false;
    if (!again)
        stream_state_set(s, after_fin(state, p->tcp.flags & PACKET_TCP_ACK));
    return true;
}

static bool closing_ack(struct stream_step *s)
{
    const struct packet *p = s->packet;
    unsigned state = s->session->state;
    uint32_t expected = s->from->next_seq;
    bool again = is_retransmission(s);
    if (!take(s))
        return false;
    bool stands = !again && (p->tcp.seq == expected || p->tcp.seq == expected + 1);
    if (stands && after_ack(state) != (enum stream_state)state)
        stream_state_set(s, after_ack(state));
    return true;
}

/* ---- SYNs that come too late ---- */

static bool late_syn(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    if (s->session->state != STREAM_STATE_ESTABLISHED)
        return refuse(s, STREAM_EVENT_SHUTDOWN_SYN_RESEND);
    if (t->flags & PACKET_TCP_ACK) {
        if (s->dir == 0)
            return refuse(s, STREAM_EVENT_EST_SYNACK_TOSERVER);
        if (seq_diff(t->ack, s->to->isn + 1) < 0 || seq_diff(t->ack, s->to->last_ack) > 0)
            return refuse(s, STREAM_EVENT_EST_SYNACK_RESEND_WITH_DIFF_ACK);
        if (t->seq != s->from->isn)
            return refuse(s, STREAM_EVENT_EST_SYNACK_RESEND_WITH_DIFF_SEQ);
        /* Until it sent something else, the server may not have seen the handshake's last ACK. */
        if (s->session->flags & SESSION_CONFIRMED)
            return refuse(s, STREAM_EVENT_EST_SYNACK_RESEND);
        return true;
    }
    if (s->dir == 1)
        return refuse(s, STREAM_EVENT_EST_SYN_TOCLIENT);
    if (t->seq != s->from->isn)
        return refuse(s, STREAM_EVENT_EST_SYN_RESEND_DIFF_SEQ);
    stream_event_set(s, STREAM_EVENT_EST_SYN_RESEND);
    return true;
}

/* ---- CLOSED ---- */

/* Who reset a session and then goes on has the session back, as far as his packet fits. */
static bool closed_packet(struct stream_step *s)
{
    if (s->packet->tcp.flags & PACKET_TCP_RST || !(s->to->flags & SIDE_RST_RECEIVED) ||
        s->from->flags & SIDE_RST_RECEIVED)
        return true; /* stream_packet says what it thinks of it */
    s->session->state = s->session->before;
    bool taken =
        s->session->state >= STREAM_STATE_ESTABLISHED && s->session->state != STREAM_STATE_CLOSED
            ? stream_session_packet(s)
            : true;
    if (!taken)
        s->session->state = STREAM_STATE_CLOSED;
    return taken;
}

bool stream_session_packet(struct stream_step *s)
{
    uint8_t flags = s->packet->tcp.flags;
    if (s->session->state == STREAM_STATE_CLOSED)
        return closed_packet(s);
    if (flags & PACKET_TCP_RST) {
        if (!stream_reset_valid(s))
            return false;
        stream_reset_take(s);
        return true;
    }
    if (flags & PACKET_TCP_FIN && s->session->state == STREAM_STATE_ESTABLISHED)
        return stream_fin_take(s);
    if (flags & PACKET_TCP_FIN)
        return closing_fin(s);
    if (flags & PACKET_TCP_SYN)
        return late_syn(s);
    if (!(flags & PACKET_TCP_ACK))
        return false;
    return s->session->state == STREAM_STATE_ESTABLISHED ? take(s) : closing_ack(s);
}
