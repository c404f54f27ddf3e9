/* SPDX-License-Identifier: Apache-2.0 */
/* The stage's face: a packet's way through its session, and what the consumers are handed. */
#include "config.h"

#include "sensor/stream/stream.h"

#include <stdlib.h>
#include <string.h>

#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"
#include "sensor/stream/internal.h"

#define RAW_CHUNK  2560
#define MEMORY_MAX (4u << 20)

struct stream_ctx *stream_create(const struct stream_conf *conf, struct slab *slab,
                                 struct counter_block *counters)
{
    struct stream_ctx *ctx = xcalloc(1, sizeof(*ctx));
    ctx->conf = *conf;
    if (!ctx->conf.depth)
        ctx->conf.depth = STREAM_DEPTH;
    for (int i = 0; i < 2; i++) {
        if (!ctx->conf.raw_chunk[i])
            ctx->conf.raw_chunk[i] = RAW_CHUNK;
    }
    if (!ctx->conf.memory_max)
        ctx->conf.memory_max = MEMORY_MAX;
    ctx->slab = slab;
    ctx->counters = counters;
    return ctx;
}

void stream_free(struct stream_ctx *ctx)
{
    free(ctx);
}

void stream_count(struct stream_ctx *ctx, enum stream_count what, uint64_t n)
{
    counter_add(ctx->counters, what, n);
}

void stream_event_set(struct stream_step *s, enum stream_event e)
{
    stream_result_note(s->out, e);
    counter_add(s->ctx->counters, STREAM_COUNT_EVENTS + e, 1);
}

static struct stream_session *session_of(const struct flow *f)
{
    return f->slot[FLOW_SLOT_STREAM];
}

enum stream_state stream_session_state(const struct flow *f)
{
    const struct stream_session *session = session_of(f);
    return session ? (enum stream_state)session->state : STREAM_STATE_NONE;
}

bool stream_session_open(const struct flow *f)
{
    enum stream_state state = stream_session_state(f);
    return state >= STREAM_STATE_ESTABLISHED && state != STREAM_STATE_CLOSED;
}

uint32_t stream_size(const struct flow *f, unsigned dir)
{
    const struct stream_session *session = session_of(f);
    return session ? session->sides[dir].next_seq - session->sides[dir].isn : 0;
}

bool stream_one_sided(const struct flow *f)
{
    return !(f->flags & FLOW_F_TOSERVER_SEEN) || !(f->flags & FLOW_F_TOCLIENT_SEEN);
}

void stream_flow_free(struct stream_ctx *ctx, struct flow *f)
{
    struct stream_session *session = session_of(f);
    if (!session)
        return;
    stream_buffer_clear(&session->sides[0].buffer, ctx->slab);
    stream_buffer_clear(&session->sides[1].buffer, ctx->slab);
    slab_free(ctx->slab, session, sizeof(*session));
    f->slot[FLOW_SLOT_STREAM] = NULL;
}

/* ---- what may be handed out ---- */

static uint64_t acked(const struct stream_side *side)
{
    int64_t offset = side_offset(side, side->last_ack);
    return offset < 0 ? 0 : (uint64_t)offset;
}

static bool on_arrival(const struct stream_ctx *ctx, const struct stream_session *session)
{
    return ctx->conf.commit == STREAM_COMMIT_ON_ARRIVAL || session->flags & SESSION_ASYNC;
}

/* Up to where the application may read. A session closed by FINs keeps what was never acknowledged
 * to itself. */
static uint64_t app_limit(const struct stream_ctx *ctx, const struct stream_session *session,
                          const struct stream_side *side)
{
    if (on_arrival(ctx, session))
        return UINT64_MAX;
    bool orderly = session->state == STREAM_STATE_CLOSED && !(session->flags & SESSION_RST);
    if (session->flags & SESSION_FINISHING && !orderly)
        return UINT64_MAX;
    return acked(side);
}

static uint64_t raw_limit(const struct stream_ctx *ctx, const struct stream_session *session,
                          const struct stream_side *side)
{
    if (on_arrival(ctx, session) || session->flags & SESSION_FINISHING)
        return UINT64_MAX;
    return acked(side);
}

/* Whether no byte will follow behind `offset`. */
static bool ended(const struct stream_session *session, const struct stream_side *side,
                  uint64_t offset)
{
    if (session->flags & SESSION_FINISHING)
        return true;
    /* A reset may turn out to be somebody else's; the flow's end tells. */
    bool closed = session->state == STREAM_STATE_CLOSED && !(session->flags & SESSION_RST);
    bool over = closed || side->flags & SIDE_DEPTH;
    return over && offset >= side->buffer.right;
}

static bool app_wants(const struct stream_side *side)
{
    return !(side->flags & (SIDE_APP_STOPPED | SIDE_APP_END | SIDE_CLOSED));
}

/* Forget what all consumers have passed. */
static void side_prune(struct stream_ctx *ctx, struct stream_side *side)
{
    if (side->flags & SIDE_CLOSED)
        return;
    bool app = !(side->flags & SIDE_APP_STOPPED), raw = !(side->flags & SIDE_RAW_DISABLED);
    bool done = side->flags & SIDE_DEPTH && side->app >= side->buffer.right &&
                side->raw >= side->buffer.right;
    if ((!app && !raw) || done) {
        stream_buffer_clear(&side->buffer, ctx->slab);
        side->flags |= SIDE_CLOSED;
        return;
    }
    uint64_t keep = UINT64_MAX;
    if (app)
        keep = side->app;
    if (raw && side->raw < keep)
        keep = side->raw;
    stream_buffer_prune(&side->buffer, ctx->slab, keep);
}

/* ---- packets ---- */

/* A new SYN on a tuple whose session has come to its end. */
static bool is_reuse(const struct stream_step *s)
{
    uint8_t flags = s->packet->tcp.flags;
    return (flags & (PACKET_TCP_SYN | PACKET_TCP_ACK | PACKET_TCP_RST)) == PACKET_TCP_SYN &&
           s->session->state >= STREAM_STATE_LAST_ACK;
}

/* A keep-alive repeats the last byte, or the number before the next, and changes nothing. */
static bool is_keepalive(const struct stream_step *s)
{
    const struct packet *p = s->packet;
    const struct packet_tcp *t = &p->tcp;
    if (t->flags & (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST) ||
        !(t->flags & PACKET_TCP_ACK))
        return false;
    return s->session->state == STREAM_STATE_ESTABLISHED && p->payload_len <= 1 && t->window &&
           t->seq == s->from->next_seq - 1 && t->ack == s->to->last_ack;
}

/* A pure ACK behind what was acknowledged before: it came late. */
static bool is_outdated_ack(const struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    const uint8_t looked = PACKET_TCP_ACK | PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST;
    return !s->packet->payload_len && (t->flags & looked) == PACKET_TCP_ACK && !t->has_sack &&
           t->seq == s->from->next_seq && seq_diff(t->ack, s->to->last_ack) < 0;
}

/* The last ACK of an orderly end stands one behind both sides. */
static bool is_shutdown_ack(const struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    unsigned state = s->session->state;
    return (state == STREAM_STATE_TIME_WAIT || state == STREAM_STATE_CLOSE_WAIT ||
            state == STREAM_STATE_LAST_ACK) &&
           t->flags == PACKET_TCP_ACK && !s->packet->payload_len &&
           t->seq == s->from->next_seq + 1 && t->ack == s->to->next_seq + 1;
}

/* A window under this may shrink by no more than what is newly acknowledged. */
#define WINDOW_SMALL 1024
/* Above it, so much more is not unusual. */
#define WINDOW_SLACK 32

/* Out of place, and shrinks the window so that the packets that are in place would be refused:
 * an evasion. Packets behind a loss look much the same, hence the slack. */
static bool is_bad_window(const struct stream_step *s)
{
    const struct packet_tcp *t = &s->packet->tcp;
    const struct stream_side *to = s->to;
    uint32_t window = (uint32_t)t->window << to->wscale;
    if (s->session->state == STREAM_STATE_CLOSED || window >= to->window ||
        t->flags & (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST) || is_shutdown_ack(s))
        return false;
    uint32_t shrinks = to->window - window, acks = t->ack - to->last_ack;
    return shrinks > s->packet->payload_len && seq_diff(t->ack, to->next_seq) > 0 &&
           seq_diff(t->seq, s->from->next_seq) > 0 &&
           shrinks > acks + (window > WINDOW_SMALL ? WINDOW_SLACK : 0);
}

/* Notes data that was acknowledged before; whether all of it was consumed, so that it changes
 * nothing. */
static bool is_spurious(struct stream_step *s)
{
    const struct packet *p = s->packet;
    const struct stream_side *from = s->from;
    uint32_t end = p->tcp.seq + p->payload_len;
    bool old = !(from->flags & SIDE_CLOSED) && side_offset(from, end) <= (int64_t)from->buffer.base;
    /* Before an answer there is no number to compare with, and Suricata compares with 0. */
    uint32_t acked = s->session->state == STREAM_STATE_SYN_SENT ? 0 : from->last_ack;
    if (!p->payload_len || (!old && seq_diff(end, acked) > 0))
        return false;
    stream_event_set(s, STREAM_EVENT_PKT_SPURIOUS_RETRANSMISSION);
    return old;
}

/* Whether the session takes the packet without being changed by it. */
static bool passes_by(struct stream_step *s)
{
    bool established = s->session->state >= STREAM_STATE_ESTABLISHED;
    if (established && is_bad_window(s)) {
        stream_event_set(s, STREAM_EVENT_PKT_BAD_WINDOW_UPDATE);
        return true;
    }
    return (established && is_outdated_ack(s)) || is_spurious(s);
}

/* Who sent a reset and then goes on probably did not send it: somebody else did. */
static void judge_reset(struct stream_step *s)
{
    if (s->packet->tcp.flags & PACKET_TCP_RST || !(s->to->flags & SIDE_RST_RECEIVED))
        return;
    s->to->flags &= ~SIDE_RST_RECEIVED;
    s->session->flags &= ~SESSION_RST;
    stream_event_set(s, STREAM_EVENT_SUSPECTED_RST_INJECT);
}

/* A packet moves its own direction only when nothing will answer it; else the answer does. */
static bool moves(const struct stream_step *s, unsigned dir)
{
    uint8_t flags = s->packet->tcp.flags;
    return dir != s->dir || on_arrival(s->ctx, s->session) || flags & PACKET_TCP_RST ||
           (flags & PACKET_TCP_FIN && s->session->state > STREAM_STATE_TIME_WAIT) ||
           s->session->sides[dir].flags & SIDE_DEPTH;
}

static void result_set(struct stream_step *s)
{
    struct stream_session *session = s->session;
    s->out->has_session = true;
    /* flow:established does not hold yet for the bare ACK that completes the handshake. */
    s->out->established = session->state >= STREAM_STATE_ESTABLISHED &&
                          (s->was_established || s->packet->payload_len > 0);
    for (unsigned d = 0; d < 2; d++) {
        const struct stream_side *side = &session->sides[d];
        if (!app_wants(side) || !moves(s, d))
            continue;
        uint64_t limit = app_limit(s->ctx, session, side);
        s->out->committed[d] = (limit > side->app && side->buffer.right > side->app) ||
                               ended(session, side, side->app);
    }
}

void stream_packet(struct stream_ctx *ctx, struct flow *f, unsigned dir, const struct packet *p,
                   struct stream_result *out)
{
    struct stream_session *session = session_of(f);
    struct stream_step s = { .ctx = ctx,
                             .flow = f,
                             .session = session,
                             .packet = p,
                             .out = out,
                             .dir = dir,
                             .was_established =
                                 session && session->state >= STREAM_STATE_ESTABLISHED };
    memset(out, 0, sizeof(*out));
    if (ctx->conf.check_checksums && p->flags & PACKET_F_BAD_CHECKSUM) {
        stream_count(ctx, STREAM_COUNT_BAD_CHECKSUM, 1);
        out->has_session = session != NULL;
        return;
    }
    if (!(p->tcp.flags & PACKET_TCP_ACK) && p->tcp.ack)
        stream_event_set(&s, STREAM_EVENT_PKT_BROKEN_ACK);
    if (!session) {
        out->valid = stream_session_begin(&s);
        if (out->valid)
            result_set(&s);
        else
            stream_count(ctx, STREAM_COUNT_NO_SESSION, 1);
        return;
    }
    s.from = &session->sides[dir];
    s.to = &session->sides[!dir];
    if (is_reuse(&s)) {
        out->reuse = true;
        return;
    }
    if (is_keepalive(&s) || passes_by(&s))
        out->valid = true;
    else if (session->state < STREAM_STATE_ESTABLISHED)
        out->valid = stream_handshake_packet(&s);
    else
        out->valid = stream_session_packet(&s);
    if (out->valid)
        judge_reset(&s);
    else
        stream_count(ctx, STREAM_COUNT_INVALID, 1);
    result_set(&s);
}

void stream_prune(struct stream_ctx *ctx, struct flow *f)
{
    struct stream_session *session = session_of(f);
    if (!session)
        return;
    side_prune(ctx, &session->sides[0]);
    side_prune(ctx, &session->sides[1]);
}

void stream_result_note(struct stream_result *out, enum stream_event e)
{
    out->events[e / 64] |= 1ull << e % 64;
}

void stream_finish(struct stream_ctx *ctx, struct flow *f)
{
    (void)ctx;
    struct stream_session *session = session_of(f);
    if (session)
        session->flags |= SESSION_FINISHING;
}

/* ---- the application's view ---- */

/* A hole that the peer has acknowledged past, with bytes behind it: they will not come any more. */
static bool is_gap(const struct stream_session *session, const struct stream_side *side,
                   uint64_t behind)
{
    uint64_t closing = session->state >= STREAM_STATE_FIN_WAIT1 ? 1 : 0;
    return behind != UINT64_MAX && acked(side) > side->app + closing;
}

static bool span_end(struct stream_session *session, struct stream_side *side,
                     struct stream_span *out)
{
    if (!ended(session, side, side->app))
        return false;
    side->flags |= SIDE_APP_END;
    *out = (struct stream_span){ .offset = side->app, .start = side->app == 0, .end = true };
    return true;
}

bool stream_app_next(struct stream_ctx *ctx, struct flow *f, unsigned dir, struct stream_span *out)
{
    struct stream_session *session = session_of(f);
    if (!session || !app_wants(&session->sides[dir]))
        return false;
    struct stream_side *side = &session->sides[dir];
    uint64_t limit = app_limit(ctx, session, side);
    uint64_t next = stream_buffer_next(&side->buffer, side->app);
    if (next != side->app) {
        if (!is_gap(session, side, next))
            return span_end(session, side, out);
        if (next - side->app > UINT32_MAX)
            next = side->app + UINT32_MAX;
        *out = (struct stream_span){ .len = (uint32_t)(next - side->app),
                                     .offset = side->app,
                                     .gap = true,
                                     .start = side->app == 0 };
        return true;
    }
    uint64_t end = stream_buffer_extent(&side->buffer, side->app);
    if (end > limit)
        end = limit;
    if (end <= side->app)
        return span_end(session, side, out);
    *out = (struct stream_span){
        .data = stream_buffer_at(&side->buffer, side->app),
        .len = (uint32_t)(end - side->app),
        .offset = side->app,
        .start = side->app == 0,
        .end = ended(session, side, end) && stream_buffer_next(&side->buffer, end) == UINT64_MAX,
    };
    return true;
}

static void gap_count(struct stream_ctx *ctx, struct stream_side *side, uint32_t len)
{
    side->flags |= SIDE_GAP;
    stream_count(ctx, STREAM_COUNT_GAPS, 1);
    stream_count(ctx, STREAM_COUNT_GAP_BYTES, len);
}

void stream_app_consume(struct stream_ctx *ctx, struct flow *f, unsigned dir, uint32_t len)
{
    struct stream_session *session = session_of(f);
    if (!session)
        return;
    struct stream_side *side = &session->sides[dir];
    uint64_t next = stream_buffer_next(&side->buffer, side->app);
    if (next != side->app && len)
        gap_count(ctx, side, len);
    side->app += len;
    if (len && ended(session, side, side->app) &&
        stream_buffer_next(&side->buffer, side->app) == UINT64_MAX)
        side->flags |= SIDE_APP_END;
}

void stream_app_stop(struct stream_ctx *ctx, struct flow *f, unsigned dir)
{
    (void)ctx;
    struct stream_session *session = session_of(f);
    if (session)
        session->sides[dir].flags |= SIDE_APP_STOPPED;
}

/* ---- raw chunks ---- */

void stream_raw_trigger(struct stream_ctx *ctx, struct flow *f, unsigned dir)
{
    (void)ctx;
    struct stream_session *session = session_of(f);
    if (session)
        session->sides[dir].flags |= SIDE_RAW_TRIGGER;
}

void stream_raw_disable(struct stream_ctx *ctx, struct flow *f)
{
    (void)ctx;
    struct stream_session *session = session_of(f);
    if (!session)
        return;
    session->sides[0].flags |= SIDE_RAW_DISABLING;
    session->sides[1].flags |= SIDE_RAW_DISABLING;
}

bool stream_depth_reached(const struct flow *f, unsigned dir)
{
    const struct stream_session *session = session_of(f);
    return !session || session->sides[dir].flags & (SIDE_DEPTH | SIDE_CLOSED);
}

void stream_depth_end(struct flow *f, unsigned dir)
{
    struct stream_session *session = session_of(f);
    if (session)
        session->sides[dir].flags |= SIDE_DEPTH;
}

void stream_depth_lift(struct stream_ctx *ctx, struct flow *f)
{
    (void)ctx;
    struct stream_session *session = session_of(f);
    if (session)
        session->flags |= SESSION_NO_DEPTH;
}

/* Whether a series of chunks may begin: enough bytes, or a reason not to wait for more. */
static bool raw_ready(const struct stream_ctx *ctx, const struct stream_session *session,
                      const struct stream_side *side, unsigned dir)
{
    if (side->raw >= side->buffer.right)
        return false;
    if (side->flags & (SIDE_DEPTH | SIDE_RAW_TRIGGER | SIDE_RAW_DISABLING) ||
        session->state > STREAM_STATE_TIME_WAIT || session->flags & SESSION_FINISHING)
        return true;
    uint64_t limit = raw_limit(ctx, session, side);
    if (limit > side->buffer.right)
        limit = side->buffer.right;
    return limit > side->raw && limit - side->raw >= ctx->conf.raw_chunk[dir];
}

/* The series is over, or there was none. */
static bool raw_over(struct stream_side *side, bool moved)
{
    if (moved)
        side->flags &= ~SIDE_RAW_TRIGGER;
    side->flags &= ~SIDE_RAW_RUNNING;
    if (side->flags & SIDE_RAW_DISABLING)
        side->flags |= SIDE_RAW_DISABLED;
    return false;
}

/* Nobody looks at raw bytes: follow the application, so that nothing is kept for it. */
static bool raw_follow(struct stream_side *side)
{
    uint64_t to = side->flags & SIDE_APP_STOPPED ? acked(side) : side->app;
    if (to > side->raw)
        side->raw = to;
    return raw_over(side, true);
}

/* The side whose raw bytes are looked at; NULL when it has none for that, or will have no more. */
static struct stream_side *raw_side(struct stream_session *session, unsigned dir)
{
    struct stream_side *side = session ? &session->sides[dir] : NULL;
    return side && !(side->flags & (SIDE_CLOSED | SIDE_RAW_DISABLED)) ? side : NULL;
}

bool stream_raw_is_over(const struct flow *f, unsigned dir)
{
    return !raw_side(session_of(f), dir);
}

bool stream_raw_waits(const struct flow *f, unsigned dir)
{
    const struct stream_side *side = raw_side(session_of(f), dir);
    return side && side->raw < side->buffer.right;
}

bool stream_raw_ready(const struct stream_ctx *ctx, const struct flow *f, unsigned dir)
{
    const struct stream_session *session = session_of(f);
    return stream_raw_waits(f, dir) && raw_ready(ctx, session, &session->sides[dir], dir);
}

bool stream_raw_next(struct stream_ctx *ctx, struct flow *f, unsigned dir, bool want,
                     struct stream_span *out)
{
    struct stream_session *session = session_of(f);
    struct stream_side *side = raw_side(session, dir);
    if (!side)
        return false;
    if (!want)
        return raw_follow(side);
    bool running = side->flags & SIDE_RAW_RUNNING;
    if (!running && !raw_ready(ctx, session, side, dir))
        return false;
    uint64_t limit = raw_limit(ctx, session, side);
    uint64_t from = stream_buffer_next(&side->buffer, side->raw);
    if (from == UINT64_MAX || from >= limit)
        return raw_over(side, running);
    uint64_t end = stream_buffer_extent(&side->buffer, from);
    if (end > limit)
        end = limit;
    *out = (struct stream_span){
        .data = stream_buffer_at(&side->buffer, from),
        .len = (uint32_t)(end - from),
        .offset = from,
        .start = from == 0,
        .end = session->flags & SESSION_FINISHING && end >= side->buffer.right,
    };
    side->raw = end;
    side->flags |= SIDE_RAW_RUNNING;
    return true;
}
