/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What one application parser is: the contract inside this stage. A parser takes bytes as they
 * come, in order, and keeps transactions on the flow; the framework (app.c) carries what a parser
 * left of its input to the next call, so that a parser sees whole lines and records however the
 * stream was cut.
 *
 * To add one: write a file with one const `struct app_parser`, list it in parsers.c, and give
 * probe.c its first bytes.
 */
#ifndef SENSOR_APP_PARSER_H
#define SENSOR_APP_PARSER_H

#include "sensor/app/app.h"
#include "sensor/app/bytes.h"
#include "sensor/flow/flow.h"

/**
 * Most bytes of an unfinished line or record that are carried to the next call; more ends the
 * parser.
 */
#define APP_CARRY_MAX (66u * 1024)

/** First bytes of the second side that are kept to see whether it speaks the same protocol. */
#define APP_HEAD_MAX 24

/** What `stream` returns to give up: the flow is marked FAILED. */
#define APP_GIVE_UP UINT32_MAX

enum app_counter {
    APP_COUNT_TX,
    APP_COUNT_TX_LIMIT,
    APP_COUNT_NO_MEMORY,
    APP_COUNT_GAVE_UP,
    APP_COUNT_GAP,
    APP_COUNT_CARRY_LIMIT,
    APP_COUNT_UNKNOWN,
    APP_COUNT_HEADER_LIMIT,
    APP_COUNT_BODY_LIMIT,
    APP_COUNT_DECOMPRESS_LIMIT,
    APP_COUNT_DECOMPRESS_ERROR,
    APP_COUNT_HANDSHAKE_LIMIT,
    APP_COUNT_EXPECT_LIMIT,
    APP_COUNT_FRAME_LIMIT,
    APP_COUNT_DCE_LIMIT,
    APP_COUNT_SMB_LIMIT,
    APP_COUNT_NFS_LIMIT,
    APP_COUNT_TRANSFER_LIMIT,
    APP_COUNT_FLOWS, /* flows by protocol: APP_COUNT_FLOWS + enum sig_app */
};

struct app_parser;

/** Application state of a flow, in its slot. */
struct app_flow {
    const struct app_parser *parser; /* NULL until known */
    void *state;                     /* the parser's own */
    struct app_tx *first, *last;
    uint64_t tx_count;
    uint32_t tx_live;
    uint8_t app; /* enum sig_app of the flow */
    /* what each direction said by itself; UNKNOWN while open, FAILED when it said nothing */
    uint8_t side[2];
    uint64_t settled[2]; /* packet whose bytes settled that, until a rule was asked; 0: none */
    bool stopped[2], ended[2];
    bool closed[2];     /* the stream's end came before the protocol was known */
    int8_t first_dir;   /* direction of the first bytes, -1 before */
    uint32_t probed[2]; /* bytes that detection has seen */
    /* first bytes of the side that did not tell the protocol */
    uint8_t head[APP_HEAD_MAX], head_len;
    struct app_bytes carry[2];
    uint32_t want[2];       /* not called again before so many bytes are there */
    uint64_t change_packet; /* packet that asked for a change of protocol; 0: none */
    uint8_t from_app;       /* protocol before the change (STARTTLS, CONNECT) */
    uint8_t expected;       /* protocol that another flow said would come here (FTP data) */
    uint64_t expect_tag;
    /* what the protocol before leaves to the next (HTTP/1 to HTTP/2; FTP: the file's name); the
     * next one's to free */
    struct app_bytes handover;
    uint64_t taken[2];        /* bytes of each direction that the parser has consumed */
    struct app_frames *frames; /* frames not yet looked at, see frames.h; NULL: none */
};

/** One call's surroundings. */
struct app_io {
    struct app_ctx *ctx;
    struct flow *flow;
    struct app_flow *af;
    struct app_result *out;
    uint64_t now_ns;
    uint64_t packet;
    unsigned dir;
    /* set by `stream`: least bytes that make another call worth while, counted from what it left */
    uint32_t want;
    /* the bytes at hand and their place in the direction's stream, for frames.h */
    const uint8_t *data;
    uint32_t len;
    uint64_t at;
};

struct app_parser {
    enum sig_app app;
    uint8_t first_dirs; /* SIG_DIRS_* that may speak first; 0: any */
    bool endless;       /* wants bytes beyond the stream depth too */
    size_t state_size;  /* cleared state made for each flow */
    /**
     * TCP bytes: all that is unconsumed, of which the first `old` were there at the last call.
     * Returns how many were taken; the rest is carried. NULL: detection only.
     */
    uint32_t (*stream)(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old);
    /** `len` bytes are missing here; false: give up. NULL: give up. What was carried is gone. */
    bool (*gap)(struct app_io *io, uint32_t len);
    /** No byte will follow in io->dir; `data` is what was carried. May be NULL. */
    void (*end)(struct app_io *io, const uint8_t *data, uint32_t len);
    /** A UDP datagram. NULL: not over UDP. */
    void (*datagram)(struct app_io *io, const uint8_t *data, uint32_t len);
    /** As app_tx_buffer. */
    bool (*buffer)(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                   enum sig_buffer buffer, uint32_t index, struct app_view *out);
    /** As app_tx_body_advance; NULL without bodies. */
    void (*body_advance)(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir);
    /** As app_tx_number; may be NULL. */
    bool (*number)(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                   uint64_t *out);
    /** As app_file_get; NULL without files. */
    bool (*file)(struct app_ctx *ctx, struct app_tx *tx, unsigned dir, uint32_t index,
                 struct app_file_view *out);
    /** Free what a transaction points to, not itself. */
    void (*tx_clear)(struct app_ctx *ctx, struct app_tx *tx);
    /** Free what the flow's state points to, not itself. */
    void (*state_clear)(struct app_ctx *ctx, void *state);
    /** As app_describe. */
    void (*describe)(struct app_flow *af, struct app_tx *tx, struct json *out);
    /** Transactions that are not DONE when the flow ends stay so: their buffers are not whole. */
    bool stay_open;
    size_t tx_size;
    uint32_t tx_max;           /* live transactions a flow; 0: app_conf.tx_max */
    const char *const *events; /* names, ended by NULL; the index is the bit */
};

/** Context of one worker. */
struct app_ctx {
    struct app_conf conf;
    struct slab *slab;
    struct counter_block *counters;
    struct app_probes *probes; /* see probe.h */
    struct app_expect *expect; /* data channels to come, see expect.h */
    struct unbrotli_slots *unbrotli; /* see unbrotli.h */
    struct inflate_state *inflate;   /* one to be used again, or NULL; see http_layer.h */
    uint64_t frames;           /* those that rules ask for, bits 1 << enum sig_frame */
    uint8_t sums; /* digests of files that rules ask for, bits 1 << enum app_digest_kind */
};

/** The parser of a protocol, NULL when it is only detected. */
const struct app_parser *app_parser_of(enum sig_app app);

/** Make a transaction at the end of the flow's list; NULL at a limit (counted). */
struct app_tx *app_tx_new(struct app_io *io);

/** Move a direction's progress up (never down) and mark it updated. */
void app_tx_progress(struct app_tx *tx, unsigned dir, enum sig_progress progress);

/** The other direction of `tx` has nothing: it counts as done and inspected. */
void app_tx_one_way(struct app_tx *tx, unsigned dir);

/** Raise event `bit` on `tx` (NULL: nowhere). */
void app_tx_event(struct app_tx *tx, unsigned dir, unsigned bit) __attribute__((cold));

/**
 * The flow's protocol ends here and is detected anew from the next packet's bytes on (STARTTLS,
 * CONNECT, Upgrade).
 */
void app_change_protocol(struct app_io *io);

/** Count one. */
static inline void app_count(struct app_ctx *ctx, unsigned id)
{
    counter_add(ctx->counters, id, 1);
}

/** End of the first line at or after `from`: offset behind its LF, or 0 when there is none yet. */
uint32_t app_line_end(const uint8_t *data, uint32_t len, uint32_t from);

/** Length of a line of `len` bytes without its CR and LF. */
uint32_t app_line_chomp(const uint8_t *data, uint32_t len);

/** Fill a view that is whole. */
static inline bool app_view_set(struct app_view *out, const void *data, uint32_t len)
{
    *out = (struct app_view){ data, len, 0, true };
    return true;
}

#endif
