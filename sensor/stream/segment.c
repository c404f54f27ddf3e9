/* SPDX-License-Identifier: Apache-2.0 */
/* What a packet brings: payload for its sender's side, ACK and window for the other one. */
#include "config.h"

#include "sensor/decode/packet.h"
#include "sensor/stream/internal.h"

/* How much of [start, end) lies within the depth. The first byte beyond it ends the direction's
 * reassembly. */
static uint32_t within_depth(struct stream_step *s, int64_t start, uint32_t len)
{
    uint64_t depth = s->ctx->conf.depth;
    if (s->session->flags & SESSION_NO_DEPTH || start + (int64_t)len <= (int64_t)depth)
        return len;
    if (!(s->from->flags & SIDE_DEPTH)) {
        s->from->flags |= SIDE_DEPTH;
        stream_count(s->ctx, STREAM_COUNT_DEPTH, 1);
        stream_event_set(s, STREAM_EVENT_REASSEMBLY_DEPTH_REACHED);
    }
    return start < (int64_t)depth ? (uint32_t)((int64_t)depth - start) : 0;
}

static void dropped(struct stream_step *s, enum stream_count why, enum stream_event e)
{
    stream_count(s->ctx, why, 1);
    stream_event_set(s, e);
}

void stream_segment_add(struct stream_step *s)
{
    const struct packet *p = s->packet;
    struct stream_side *side = s->from;
    if (!p->payload_len || side->flags & (SIDE_CLOSED | SIDE_DEPTH))
        return;
    if (p->tcp.flags & PACKET_TCP_RST)
        return; /* what a reset carries is no part of the stream */
    /* A SYN takes a number of its own. */
    uint32_t seq = p->tcp.seq + (p->tcp.flags & PACKET_TCP_SYN ? 1 : 0);
    int64_t start = side_offset(side, seq);
    uint32_t len = within_depth(s, start, p->payload_len);
    s->out->added = true;
    if (!len)
        return;
    if (!side->receiver)
        side->receiver = (uint8_t)targets_find(s->ctx->conf.targets, &p->dst);
    enum stream_add added =
        stream_buffer_add(&side->buffer, s->ctx->slab, side->receiver, start, p->payload, len);
    switch (added) {
    case STREAM_ADD_OVERLAP:
        stream_count(s->ctx, STREAM_COUNT_OVERLAPS, 1);
        stream_count(s->ctx, STREAM_COUNT_BYTES, len);
        break;
    case STREAM_ADD_DONE:
        stream_count(s->ctx, STREAM_COUNT_BYTES, len);
        break;
    case STREAM_ADD_OLD:
        stream_event_set(s, STREAM_EVENT_REASSEMBLY_SEGMENT_BEFORE_BASE_SEQ);
        break;
    case STREAM_ADD_WINDOW:
        dropped(s, STREAM_COUNT_WINDOW, STREAM_EVENT_REASSEMBLY_INSERT_LIMIT);
        break;
    case STREAM_ADD_SEGMENTS:
        dropped(s, STREAM_COUNT_SEGMENTS, STREAM_EVENT_REASSEMBLY_NO_SEGMENT);
        break;
    case STREAM_ADD_NO_MEMORY:
        dropped(s, STREAM_COUNT_NO_MEMORY, STREAM_EVENT_REASSEMBLY_INSERT_MEMCAP);
        break;
    }
}

void stream_ack_take(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    struct stream_side *to = s->to;
    to->window = (uint32_t)t->window << to->wscale;
    if (t->flags & PACKET_TCP_ACK && seq_diff(t->ack, to->last_ack) > 0)
        to->last_ack = t->ack;
    if (seq_diff(to->last_ack + to->window, to->next_win) > 0)
        to->next_win = to->last_ack + to->window;
}

bool stream_ack_valid(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    const struct stream_side *to = s->to;
    if (!(t->flags & PACKET_TCP_ACK) || t->ack == to->last_ack)
        return true;
    bool good;
    if (seq_diff(t->ack, to->last_ack) < 0)
        good = !to->window || seq_diff(t->ack, to->last_ack - to->window) >= 0;
    else
        good = s->session->flags & (SESSION_ASYNC | SESSION_MIDSTREAM) ||
               seq_diff(t->ack, to->next_win) <= 0;
    if (!good)
        stream_event_set(s, STREAM_EVENT_PKT_INVALID_ACK);
    return good;
}

/* Days after which a timestamp may have gone round (RFC 7323, section 5.5). */
#define PAWS_NS (24ull * 24 * 3600 * 1000000000ull)

bool stream_timestamp_take(struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    struct stream_side *from = s->from;
    if (!(s->session->flags & SESSION_TIMESTAMPS) || !t->has_timestamp)
        return true;
    bool old = from->last_ts_ns && s->packet->now_ns > from->last_ts_ns + PAWS_NS;
    /* Windows and Linux take a timestamp that is one less than the last. */
    if (from->last_ts && seq_diff(t->ts_value + 1, from->last_ts) < 0 &&
        !(old && t->seq == from->next_seq)) {
        stream_event_set(s, STREAM_EVENT_PKT_INVALID_TIMESTAMP);
        return false;
    }
    if (t->seq == from->next_seq) {
        from->last_ts = t->ts_value;
        from->last_ts_ns = s->packet->now_ns;
    }
    return true;
}
