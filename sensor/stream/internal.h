/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of stream/: sessions, their two sides, and the buffer that a side's bytes are laid into.
 */
#ifndef SENSOR_STREAM_INTERNAL_H
#define SENSOR_STREAM_INTERNAL_H

#include "sensor/decode/target.h"
#include "sensor/stream/event.h"
#include "sensor/stream/stream.h"

/** Most segments that wait in one direction; then new ones are dropped and counted. */
#define STREAM_SEGMENTS_MAX 8192

enum stream_count {
    STREAM_COUNT_SESSIONS,
    STREAM_COUNT_MIDSTREAM,
    STREAM_COUNT_NO_SESSION,
    STREAM_COUNT_INVALID,
    STREAM_COUNT_BAD_CHECKSUM,
    STREAM_COUNT_BYTES,
    STREAM_COUNT_OVERLAPS,
    STREAM_COUNT_GAPS,
    STREAM_COUNT_GAP_BYTES,
    STREAM_COUNT_DEPTH,
    STREAM_COUNT_WINDOW,
    STREAM_COUNT_SEGMENTS,
    STREAM_COUNT_NO_MEMORY,
    STREAM_COUNT_EVENTS,
    STREAM_COUNTERS = STREAM_COUNT_EVENTS + STREAM_EVENTS
};

/** A segment as it came, in stream offsets. Segments may overlap; their bytes stand in the buffer
 * once. */
struct stream_segment {
    uint64_t start;
    uint32_t len;
};

/** Bytes [base, base + room) of a direction, with the segments they came in, by start. */
struct stream_buffer {
    uint64_t base;  /* offset of the first byte that is kept */
    uint64_t right; /* end of the segment that reaches furthest */
    uint8_t *block; /* `cap` bytes; base stands at `head` */
    uint32_t cap, head;
    struct stream_segment *segments; /* [first, first + count) of `segment_cap` */
    uint32_t first, count, segment_cap;
};

enum side_flag {
    SIDE_TIMESTAMPS = 1u << 0, /* its SYN had the option */
    SIDE_SACK = 1u << 1,
    SIDE_DEPTH = 1u << 2,  /* reached the reassembly depth */
    SIDE_CLOSED = 1u << 3, /* no reassembly any more */
    SIDE_APP_STOPPED = 1u << 4,
    SIDE_APP_END = 1u << 5, /* the end was handed to the application */
    SIDE_RAW_TRIGGER = 1u << 6,
    SIDE_RAW_DISABLING = 1u << 7, /* hand out once more, then never */
    SIDE_RAW_DISABLED = 1u << 8,
    SIDE_RAW_RUNNING = 1u << 9,   /* a series of chunks is being handed out */
    SIDE_RST_RECEIVED = 1u << 10, /* its peer reset the session */
    SIDE_GAP = 1u << 11,
};

/** One direction: what its sender sent, and how far the peer acknowledged. */
struct stream_side {
    uint32_t isn, next_seq, last_ack;
    uint32_t window;   /* what the peer lets this side send, scaled */
    uint32_t next_win; /* last_ack + window, the furthest it was */
    uint8_t wscale;
    uint8_t receiver; /* enum target_os of the host that its bytes go to, once some came */
    uint32_t flags;   /* enum side_flag */
    uint32_t last_ts;
    uint64_t last_ts_ns; /* when last_ts came */
    uint64_t app, raw;   /* positions of the consumers */
    struct stream_buffer buffer;
};

enum session_flag {
    SESSION_TIMESTAMPS = 1u << 0,
    SESSION_4WHS = 1u << 1,
    SESSION_FASTOPEN = 1u << 2,
    SESSION_MIDSTREAM = 1u << 3,
    SESSION_ASYNC = 1u << 4,
    SESSION_RST = 1u << 5, /* closed by a reset */
    SESSION_FINISHING = 1u << 6,
    SESSION_OTHER_SYN = 1u << 7,
    SESSION_NO_DEPTH = 1u << 8,  /* both sides are put together to their ends */
    SESSION_CONFIRMED = 1u << 9, /* the server sent something behind the handshake */
};

struct stream_session {
    uint8_t state, before; /* enum stream_state; the one before a reset */
    bool wscale_offered;
    uint32_t flags; /* enum session_flag */
    struct stream_side sides[2];
    /* A later SYN with another number, in case the SYN/ACK answers that one. */
    uint32_t other_isn;
    uint32_t first_ts; /* of the first SYN */
};

struct stream_ctx {
    struct stream_conf conf;
    struct slab *slab;
    struct counter_block *counters;
};

/** One packet on its way through the session. */
struct stream_step {
    struct stream_ctx *ctx;
    struct flow *flow;
    struct stream_session *session;
    struct stream_side *from, *to; /* sender's side, peer's side */
    const struct packet *packet;
    struct stream_result *out;
    unsigned dir;
    bool was_established; /* before this packet */
};

/** Count. */
void stream_count(struct stream_ctx *ctx, enum stream_count what, uint64_t n);

/** Note an event on the packet and count it. */
void stream_event_set(struct stream_step *s, enum stream_event e) __attribute__((cold));

/* Sequence numbers compare modulo 2^32. */
static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

/** The stream offset that `seq` stands for: the first byte behind the SYN is 0; before it,
 * negative. */
static inline int64_t side_offset(const struct stream_side *s, uint32_t seq)
{
    uint32_t base_seq = s->isn + 1 + (uint32_t)s->buffer.base;
    return (int64_t)s->buffer.base + seq_diff(seq, base_seq);
}

/* ---- buffer.c ---- */

enum stream_add {
    STREAM_ADD_DONE,
    STREAM_ADD_OVERLAP,  /* laid where there were bytes already */
    STREAM_ADD_OLD,      /* wholly before what is kept */
    STREAM_ADD_WINDOW,   /* more than a slab block ahead of what is kept */
    STREAM_ADD_SEGMENTS, /* STREAM_SEGMENTS_MAX are waiting */
    STREAM_ADD_NO_MEMORY,
};

/**
 * Lay `len` bytes at stream offset `start` (may be negative in part). Where segments overlap the
 * bytes count that the receiver, which runs `os`, takes (target_segment_stays).
 */
enum stream_add stream_buffer_add(struct stream_buffer *b, struct slab *slab, enum target_os os,
                                  int64_t start, const uint8_t *data, uint32_t len);

/** End of the bytes that follow `from` without a hole; `from` itself when there is none at `from`.
 */
uint64_t stream_buffer_extent(const struct stream_buffer *b, uint64_t from);

/** First offset at or behind `from` that has bytes; UINT64_MAX when there is none. */
uint64_t stream_buffer_next(const struct stream_buffer *b, uint64_t from);

/** Where the byte at `offset` is; it must be there. */
const uint8_t *stream_buffer_at(const struct stream_buffer *b, uint64_t offset);

/** Forget the bytes before `offset`. */
void stream_buffer_prune(struct stream_buffer *b, struct slab *slab, uint64_t offset);

/** Forget all; `base` stays. */
void stream_buffer_clear(struct stream_buffer *b, struct slab *slab);

/* ---- segment.c ---- */

/** Lay the packet's payload into its sender's side, as far as depth allows. */
void stream_segment_add(struct stream_step *s);

/** The peer's ACK and window of the packet move the other side. */
void stream_ack_take(struct stream_step *s);

/* ---- session.c, handshake.c ---- */

/** A packet without a session: begin one, or not. Whether there is one now. */
bool stream_session_begin(struct stream_step *s);

/** Before the session is established. Whether the packet was taken. */
bool stream_handshake_packet(struct stream_step *s);

/** From then on. Whether the packet was taken. */
bool stream_session_packet(struct stream_step *s);

/** Whether a reset is to be believed: it must carry the next number exactly. */
bool stream_reset_valid(struct stream_step *s);

/** The session is reset by the packet. */
void stream_reset_take(struct stream_step *s);

/** A FIN from either side closes its half. */
bool stream_fin_take(struct stream_step *s);

/** Whether the ACK lies in what the other side may have sent. */
bool stream_ack_valid(struct stream_step *s);

/** PAWS (RFC 7323, section 5), and the sender's newest timestamp is kept. */
bool stream_timestamp_take(struct stream_step *s);

/** Go to `state` and tell the flow. */
void stream_state_set(struct stream_step *s, enum stream_state state);

#endif
