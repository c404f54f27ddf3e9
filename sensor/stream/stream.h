/* SPDX-License-Identifier: Apache-2.0 */
/**
 * TCP: sessions and reassembly.
 *
 * The way of a segment: the session's state machine takes it (or says why not), its bytes are laid
 * into the sending side's reassembly by the overlap policy, and its ACK moves the *other* side's
 * commit cursor. Downstream sees only committed bytes: with policy on ACK (profile suricata7) those
 * that the peer has acknowledged; at a flow's end all that there are. Consumers keep their own
 * positions: the application takes bytes with stream_app_next, raw inspection takes chunks with
 * stream_raw_next (anchors 2.4: tumbling chunks, their size, what triggers them early). What both
 * have passed is freed. The stage returns what became new and calls nobody.
 */
#ifndef SENSOR_STREAM_H
#define SENSOR_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counter.h"
#include "sensor/stream/event.h"

struct flow;
struct packet;
struct slab;
struct stream_ctx;

enum stream_commit { STREAM_COMMIT_ON_ACK, STREAM_COMMIT_ON_ARRIVAL };

/** Bytes a side that are put together, where nobody says how many. */
#define STREAM_DEPTH (1u << 20)

struct stream_conf {
    enum stream_commit commit;
    bool midstream, async_oneside; /* both off in Suricata's default */
    uint32_t depth;        /* bytes a side for application and raw inspection; 0: STREAM_DEPTH */
    uint32_t raw_chunk[2]; /* by direction; 0: 2,560 */
    uint32_t memory_max;   /* bytes of reassembly a flow; 0: 4 MiB */
    bool check_checksums;
    const struct targets *targets; /* who runs what; NULL: Windows over IPv4, BSD over IPv6 */
};

/** Counter names of this stage, ended by a NULL name. */
extern const struct counter_def stream_counters[];

enum stream_state {
    STREAM_STATE_NONE,
    STREAM_STATE_SYN_SENT,
    STREAM_STATE_SYN_RECV,
    STREAM_STATE_ESTABLISHED,
    STREAM_STATE_FIN_WAIT1,
    STREAM_STATE_FIN_WAIT2,
    STREAM_STATE_TIME_WAIT,
    STREAM_STATE_LAST_ACK,
    STREAM_STATE_CLOSE_WAIT,
    STREAM_STATE_CLOSING,
    STREAM_STATE_CLOSED,
};

/** What one packet changed. */
struct stream_result {
    bool has_session; /* the packet belongs to a session that is followed */
    bool valid;       /* the session took it; else it is out of window or state: inspected as a bare
                         packet */
    bool added;       /* its payload went into the reassembly (Suricata's PKT_STREAM_ADD) */
    bool established; /* flow:established holds for this packet */
    bool reuse; /* a new SYN on an ended session's tuple: end the flow, look it up again, come again
                 */
    bool committed[2];  /* direction has new committed bytes or its end */
    bool reversed;      /* midstream: the flow's ends have changed places, and so has this packet's
                           direction */
    uint64_t events[2]; /* bits of enum stream_event seen on it */
};

/** A run of bytes of one direction; `offset` counts from the stream's first byte (after the SYN).
 */
struct stream_span {
    const uint8_t *data;
    uint32_t len;
    uint64_t offset;
    bool gap;   /* `len` bytes are missing here (data is NULL) */
    bool start; /* this is the stream's first span */
    bool end;   /* no byte will follow: FINs of both, depth or the flow's end */
};

/** Context of one worker; memory from `slab`. */
struct stream_ctx *stream_create(const struct stream_conf *conf, struct slab *slab,
                                 struct counter_block *counters);

/** Take a TCP packet of flow `f` in direction `dir`. Makes the session in the flow's slot; sets
 * f->state. */
void stream_packet(struct stream_ctx *ctx, struct flow *f, unsigned dir, const struct packet *p,
                   struct stream_result *out);

/** A packet is through: forget the bytes of `f` that all consumers have passed. */
void stream_prune(struct stream_ctx *ctx, struct flow *f);

/** Note an event on a packet that is through: what came of its bytes only showed later. */
void stream_result_note(struct stream_result *out, enum stream_event e);

/** At a flow's end: commit all there is, both directions; the spans that follow have `end` set at
 * last. */
void stream_finish(struct stream_ctx *ctx, struct flow *f);

/**
 * Next committed bytes of `dir` for the application, from where stream_app_consume left off: false
 * when there are none. The span is as long as the contiguous committed bytes; valid until the next
 * call of this stage for this flow.
 */
bool stream_app_next(struct stream_ctx *ctx, struct flow *f, unsigned dir, struct stream_span *out);

/** The application took `len` bytes (or the gap) of `dir`. */
void stream_app_consume(struct stream_ctx *ctx, struct flow *f, unsigned dir, uint32_t len);

/** The application wants nothing more of `dir`; raw inspection goes on. */
void stream_app_stop(struct stream_ctx *ctx, struct flow *f, unsigned dir);

/** Whether no byte of `dir` is put together any more: past the depth, or nobody wants them. */
bool stream_depth_reached(const struct flow *f, unsigned dir);

/** End reassembly of `dir` as if the depth were here: what follows only moves the session. */
void stream_depth_end(struct flow *f, unsigned dir);

/** From now on the flow's bytes are put together beyond the depth (SMB, as in Suricata). */
void stream_depth_lift(struct stream_ctx *ctx, struct flow *f);

/** Ask that the next stream_raw_next hand out what there is, though less than a chunk (a request is
 * complete …). */
void stream_raw_trigger(struct stream_ctx *ctx, struct flow *f, unsigned dir);

/** No raw inspection from the current commit cursor on, both directions (encrypted). What is
 * committed is handed out once. */
void stream_raw_disable(struct stream_ctx *ctx, struct flow *f);

/**
 * Next chunk of `dir` for raw inspection, or false: anchors 2.4 points 3 and 4. `want` false: no
 * rule of the group looks at raw streams, so the position follows the application's instead. A
 * handed-out chunk is consumed (chunks tumble).
 */
bool stream_raw_next(struct stream_ctx *ctx, struct flow *f, unsigned dir, bool want,
                     struct stream_span *out);

/** Whether stream_raw_next begins a series of chunks now, if of bytes not acknowledged yet. */
bool stream_raw_ready(const struct stream_ctx *ctx, const struct flow *f, unsigned dir);

/** Whether `f` has no bytes for stream_raw_next, and will have none: no session, or its end. */
bool stream_raw_is_over(const struct flow *f, unsigned dir);

/** Whether bytes of `dir` have not been handed out for raw inspection, nor passed over. */
bool stream_raw_waits(const struct flow *f, unsigned dir);

/** next_seq - isn of `dir` for stream_size (the SYN counts 1), 0 without a session. */
uint32_t stream_size(const struct flow *f, unsigned dir);

/** State of the session, STREAM_STATE_NONE without one. */
enum stream_state stream_session_state(const struct flow *f);

/** Whether a session was established and is not closed. */
bool stream_session_open(const struct flow *f);

/** Whether the flow was seen from one side only so far. */
bool stream_one_sided(const struct flow *f);

/** Forget a flow's session and empty its slot. */
void stream_flow_free(struct stream_ctx *ctx, struct flow *f);

/** Free. NULL is allowed. */
void stream_free(struct stream_ctx *ctx);

/** Number of the stream event that rules call `name`, or -1. */
int stream_event_find(const char *name);

#endif
