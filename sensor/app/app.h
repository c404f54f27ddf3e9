/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Application protocols: what the bytes mean.
 *
 * The way of a stream's bytes: the protocol is detected from the first bytes of either side, on any
 * port (anchors 2.6); then its parser takes committed bytes in order, makes transactions and moves
 * their progress. Rules look at a transaction through named buffers (signatures/buffer.h), which
 * are built when first asked for and kept. A parser is one file (or folder) with one const `struct
 * app_parser`; parsers.c lists them, and nothing else knows them by name. Beside it each flow gets
 * its name from nDPI (classify.h).
 *
 * Memory: transactions and their bytes come from the worker's slab. A transaction is freed by
 * app_tx_prune once both directions are done and inspected. Limits (transactions a flow, header
 * bytes, body windows, decompression) are named in the parser's file, counted when reached, and
 * listed in docs.
 */
#ifndef SENSOR_APP_H
#define SENSOR_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"
#include "signatures/buffer.h"

struct buf;
struct flow;
struct json;
struct packet;
struct slab;
struct stream_span;
struct app_ctx;
struct app_frame;

/** One transaction as the later stages see it; parsers embed it first in their own. */
struct app_tx {
    struct app_tx *next; /* newer one of the same flow */
    uint64_t id;         /* from 0 within the flow */
    uint8_t progress[2]; /* enum sig_progress by direction; DONE: nothing will be added */
    bool inspected[2];   /* sensor/detect has seen it DONE in this direction */
    bool updated[2];     /* changed since sensor/detect last looked; detect clears */
    /* has one direction only (a DNS query has its answer in another transaction): anchors 2.9 */
    bool one_way;
    uint64_t events[2]; /* app-layer events */
    uint8_t store;      /* directions whose files are to be stored, bits 1 << direction */
    uint8_t files[2];   /* files begun, where there can be several: a new one is looked at anew */
    /* sensor/detect's state for it, by direction; freed through app_conf.tx_free */
    void *detect[2];
};

/** Bytes of a buffer, or of one instance. */
struct app_view {
    const uint8_t *data;
    uint32_t len;
    uint64_t offset; /* of data within the whole (bodies in windows; else 0) */
    bool end;        /* nothing will follow */
};

struct app_file_view;

struct app_conf {
    uint32_t tx_max;                                /* live transactions a flow; 0: 512 */
    uint32_t http_body_request, http_body_response; /* bytes inspected; 0: 102,400 */
    bool ja3;                                       /* compute JA3/JA3S */
    bool beyond; /* read also what the reference engine does not (profile abeng) */
    void (*tx_free)(
        void *arg,
        struct app_tx *tx); /* called before a transaction's memory goes; frees tx->detect */
    void *tx_free_arg;
    /* each file of a transaction with `store`, before its memory goes; NULL: none are stored */
    void (*file_store)(void *arg, const struct app_file_view *file);
};

/** Counter names of this stage, ended by a NULL name. */
extern const struct counter_def app_counters[];

/**
 * What detection has to say of a TCP packet, bits in app_result; rules name them without a
 * protocol ("applayer_unexpected_protocol").
 */
enum app_detection_event {
    APP_DETECTION_MISMATCH,        /* the two sides speak different protocols */
    APP_DETECTION_WRONG_DIRECTION, /* the side spoke first that should have waited */
    APP_DETECTION_ONE_DIRECTION,   /* one side speaks it, the other something unknown */
    APP_DETECTION_SKIPPED,         /* given up: too many bytes */
    APP_DETECTION_NO_TLS,          /* STARTTLS was agreed, and something else came */
    APP_DETECTION_UNEXPECTED,      /* likewise, and it is known what */
};

/** What taking bytes led to. */
struct app_result {
    uint32_t events;     /* bits of enum app_detection_event */
    bool detected;       /* the protocol became known (or FAILED) with these bytes */
    bool raw_trigger[2]; /* a message is complete: inspect raw bytes now (stream_raw_trigger) */
    bool flush;          /* what came so far is to be inspected before this packet is */
    bool encrypted;      /* from here on ciphertext: stream_raw_disable, no payload inspection */
    bool endless;        /* its bytes are wanted beyond the depth too: stream_depth_lift */
    bool stop[2];        /* the parser wants no more bytes of this direction */
};

/** Context of one worker. */
struct app_ctx *app_create(const struct app_conf *conf, struct slab *slab,
                           struct counter_block *counters);

/**
 * Give the next span of a TCP direction (gaps and ends too). Returns how many bytes were taken:
 * all, for what is unfinished is kept here; only when a message has changed the protocol (STARTTLS,
 * CONNECT) 0, and the rest is offered again with a later packet. Never fails: a parser that gives
 * up stops both directions and is counted.
 */
uint32_t app_stream(struct app_ctx *ctx, struct flow *f, unsigned dir,
                    const struct stream_span *span, const struct packet *p, struct app_result *out);

/** Give a UDP datagram (payload of `p`). */
void app_datagram(struct app_ctx *ctx, struct flow *f, unsigned dir, const struct packet *p,
                  struct app_result *out);

/** The flow ends: unfinished transactions become DONE as they are. */
void app_finish(struct app_ctx *ctx, struct flow *f);

/** Protocol of the flow now: for both directions, or as far as one direction knows. */
enum sig_app app_protocol(const struct flow *f);

/** As app_protocol, FAILED where this side's own bytes did not tell, whatever the other's did. */
enum sig_app app_side(const struct flow *f, unsigned dir);

/** Whether a packet before `packet`, or a datagram itself, settled app_side: once a detection. */
bool app_side_news(struct flow *f, unsigned dir, uint64_t packet);

/** Oldest live transaction of a flow, NULL when there is none; follow `next`. */
struct app_tx *app_tx_first(const struct flow *f);

/** Most transactions that were made on this flow so far. */
uint64_t app_tx_count(const struct flow *f);

/**
 * As an instance: what the reference engine does not read (a body with its brotli undone). Bodies
 * and files alone have it, in the profile abeng (app_conf.beyond).
 */
#define APP_INDEX_BEYOND UINT32_MAX

/**
 * Bytes of `buffer` in direction `dir`: instance `index` (0 for all but multi-instance and file
 * buffers). False when the transaction has no such buffer (or instance). The view is valid until
 * the flow's next bytes. Bodies: the window that is new since `app_tx_body_advance`, as anchors 2.8
 * say when and how much.
 */
bool app_tx_buffer(struct app_ctx *ctx, struct flow *f, struct app_tx *tx, unsigned dir,
                   enum sig_buffer buffer, uint32_t index, struct app_view *out);

/**
 * Inspection of this direction's body window is over: the next one starts where the parser's rules
 * say.
 */
void app_tx_body_advance(struct app_ctx *ctx, struct flow *f, struct app_tx *tx, unsigned dir);

/** No keywords, but numbers too; the first: whether DCE/RPC stub data is little-endian. */
#define APP_NUMBER_LITTLE_ENDIAN "dcerpc.little_endian"
#define APP_NUMBER_HELLO_MIXED   "quic.hello_mixed" /* 1: its frames were not in its bytes' order */

/**
 * A number of the transaction that rules compare (http status …) by the name of its keyword; false
 * when not there.
 */
bool app_tx_number(struct flow *f, struct app_tx *tx, unsigned dir, const char *name,
                   uint64_t *out);

/** SIG_BUF_FILE_SIZE: its end is the file's, whole or not. */
struct app_file_size {
    uint64_t size;
    uint64_t truncated; /* 1: the file goes on, or has gaps */
};

/** A file of a transaction, as EVE tells it and the file store takes it. */
struct app_file_view {
    struct app_view name;      /* len 0: it has none */
    struct app_view data;      /* what is kept of its beginning */
    struct app_view type;      /* its kind, when a rule has asked for it; else len 0 */
    struct app_view md5, sha1; /* when a rule has asked for them; else len 0 */
    struct app_view sha256;    /* of a whole file; len 0 when that is not known */
    uint64_t size;             /* bytes so far */
    bool closed, truncated, gaps;
};

/**
 * File `index` of the transaction in direction `dir`; false behind the last. Views are valid until
 * the flow's next bytes.
 */
bool app_file_get(struct app_ctx *ctx, const struct flow *f, struct app_tx *tx, unsigned dir,
                  uint32_t index, struct app_file_view *out);

/** Write EVE's "files" array as a member of the open object; nothing without files. */
void app_describe_files(struct app_ctx *ctx, const struct flow *f, struct app_tx *tx, unsigned dir,
                        struct json *out);

/** Digests that rules ask for (SIG_BUF_FILE_MD5 and its like), bits 1 << enum app_digest_kind. */
void app_sums_want(struct app_ctx *ctx, uint8_t sums);

/** Follow the frames of this set, bits 1 << enum sig_frame: rules ask for them. */
void app_frames_want(struct app_ctx *ctx, uint64_t frames);

/**
 * The frame behind `after` (NULL: the first) that is to be looked at now, NULL when there is none;
 * `kind`: its enum sig_frame. Valid until the flow's next bytes.
 */
const struct app_frame *app_frame_next(const struct flow *f, unsigned dir,
                                       const struct app_frame *after, unsigned *kind);

/** Its new bytes: piece `i` of those that gaps divide, false behind them; with the last `end`. */
bool app_frame_piece(const struct app_frame *frame, unsigned i, struct app_view *out);

/** Whether app_frame_next has something. */
bool app_frames_waiting(const struct flow *f, unsigned dir);

/** Whether there is nothing of `dir` that app_side_news, app_tx_first or app_frame_next tells. */
bool app_is_idle(const struct flow *f, unsigned dir);

/** Whether something of `dir` has not been inspected: a frame, or a transaction. */
bool app_waits(const struct flow *f, unsigned dir);

/** Rules have looked at what app_frame_next gives. */
void app_frames_advance(struct app_ctx *ctx, struct flow *f, unsigned dir);

/** Free transactions that both directions are done with (progress DONE and inspected). */
void app_tx_prune(struct app_ctx *ctx, struct flow *f);

/**
 * Write EVE's part of a transaction ("http":{…}, "tls":{…}, "dns":{…}) as members of the open
 * object; `tx` NULL: what the flow itself knows.
 */
void app_describe(struct flow *f, struct app_tx *tx, struct json *out);

/** Name of event `number` of `app`, NULL behind the last. Static. */
const char *app_event_name(enum sig_app app, unsigned number);

/**
 * Number of the app-layer event of `app` that rules call `name`, or -1; SIG_APP_UNKNOWN: of
 * detection itself.
 */
int app_event_find(enum sig_app app, const char *name);

/** Forget a flow's application state and empty its slot. */
void app_flow_free(struct app_ctx *ctx, struct flow *f);

/** Free. NULL is allowed. */
void app_free(struct app_ctx *ctx);

#endif
