/* SPDX-License-Identifier: Apache-2.0 */
/* The framework: detection, carrying of unfinished input, transactions and their life. */
#include "config.h"
#include "sensor/app/app.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/xalloc.h"
#include "sensor/app/expect.h"
#include "sensor/app/frames.h"
#include "sensor/app/http_layer.h"
#include "sensor/app/parser.h"
#include "sensor/app/probe.h"
#include "sensor/app/unbrotli.h"
#include "sensor/decode/packet.h"
#include "sensor/stream/stream.h"

#define TX_MAX_DEFAULT 512
#define BODY_DEFAULT   102400
/** Bytes of both sides together after which detection gives up. */
#define PROBE_BYTES_MAX 100000
/**
 * Carried input grows by at most so much a step, so that a long span is not copied behind a short
 * rest.
 */
#define FEED_STEP 16384u

static struct app_flow *flow_of(const struct flow *f)
{
    return f->slot[FLOW_SLOT_APP];
}

struct app_ctx *app_create(const struct app_conf *conf, struct slab *slab,
                           struct counter_block *counters)
{
    struct app_ctx *ctx = xcalloc(1, sizeof(*ctx));
    ctx->conf = *conf;
    if (ctx->conf.tx_max == 0)
        ctx->conf.tx_max = TX_MAX_DEFAULT;
    if (ctx->conf.http_body_request == 0)
        ctx->conf.http_body_request = BODY_DEFAULT;
    if (ctx->conf.http_body_response == 0)
        ctx->conf.http_body_response = BODY_DEFAULT;
    ctx->slab = slab;
    ctx->counters = counters;
    ctx->probes = app_probes_create();
    ctx->expect = app_expect_create();
    ctx->unbrotli = unbrotli_slots_create();
    return ctx;
}

void app_free(struct app_ctx *ctx)
{
    if (!ctx)
        return;
    app_probes_free(ctx->probes);
    app_expect_free(ctx->expect);
    unbrotli_slots_free(ctx->unbrotli);
    http_layer_forget(ctx);
    free(ctx);
}

/* ---- transactions ------------------------------------------------------------------------ */

struct app_tx *app_tx_new(struct app_io *io)
{
    struct app_flow *af = io->af;
    uint32_t most = af->parser->tx_max ? af->parser->tx_max : io->ctx->conf.tx_max;
    if (af->tx_live >= most) {
        app_count(io->ctx, APP_COUNT_TX_LIMIT);
        return NULL;
    }
    struct app_tx *tx = slab_try_zalloc(io->ctx->slab, af->parser->tx_size);
    if (!tx) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return NULL;
    }
    tx->id = af->tx_count++;
    af->tx_live++;
    if (af->last)
        af->last->next = tx;
    else
        af->first = tx;
    af->last = tx;
    app_count(io->ctx, APP_COUNT_TX);
    return tx;
}

void app_tx_progress(struct app_tx *tx, unsigned dir, enum sig_progress progress)
{
    if (tx->progress[dir] < progress)
        tx->progress[dir] = (uint8_t)progress;
    tx->updated[dir] = true;
}

void app_tx_one_way(struct app_tx *tx, unsigned dir)
{
    tx->one_way = true;
    tx->progress[!dir] = SIG_PROGRESS_DONE;
    tx->inspected[!dir] = true;
}

void app_tx_event(struct app_tx *tx, unsigned dir, unsigned bit)
{
    if (!tx)
        return;
    tx->events[dir] |= UINT64_C(1) << bit;
    tx->updated[dir] = true;
}

static void tx_store(struct app_ctx *ctx, const struct app_parser *parser, struct app_tx *tx)
{
    struct app_file_view file;
    for (unsigned dir = 0; dir < 2; dir++) {
        for (uint32_t i = 0; tx->store >> dir & 1 && parser->file(ctx, tx, dir, i, &file); i++)
            ctx->conf.file_store(ctx->conf.tx_free_arg, &file);
    }
}

static void tx_free(struct app_ctx *ctx, const struct app_parser *parser, struct app_tx *tx)
{
    if (tx->store && ctx->conf.file_store && parser->file)
        tx_store(ctx, parser, tx);
    if (ctx->conf.tx_free)
        ctx->conf.tx_free(ctx->conf.tx_free_arg, tx);
    if (parser->tx_clear)
        parser->tx_clear(ctx, tx);
    slab_free(ctx->slab, tx, parser->tx_size);
}

void app_tx_prune(struct app_ctx *ctx, struct flow *f)
{
    struct app_flow *af = flow_of(f);
    if (!af)
        return;
    struct app_tx *last = NULL;
    for (struct app_tx **at = &af->first; *at;) {
        struct app_tx *tx = *at;
        bool done = tx->progress[0] == SIG_PROGRESS_DONE && tx->progress[1] == SIG_PROGRESS_DONE &&
                    tx->inspected[0] && tx->inspected[1];
        if (done) {
            *at = tx->next;
            af->tx_live--;
            tx_free(ctx, af->parser, tx);
        } else {
            last = tx;
            at = &tx->next;
        }
    }
    af->last = last;
}

struct app_tx *app_tx_first(const struct flow *f)
{
    const struct app_flow *af = flow_of(f);
    return af ? af->first : NULL;
}

bool app_is_idle(const struct flow *f, unsigned dir)
{
    const struct app_flow *af = flow_of(f);
    return !af || (!af->first && af->settled[dir] == 0 && !app_frames_waiting(f, dir));
}

bool app_waits(const struct flow *f, unsigned dir)
{
    for (const struct app_tx *tx = app_tx_first(f); tx; tx = tx->next) {
        if (!tx->inspected[dir])
            return true;
    }
    return app_frames_waiting(f, dir);
}

uint64_t app_tx_count(const struct flow *f)
{
    const struct app_flow *af = flow_of(f);
    return af ? af->tx_count : 0;
}

bool app_tx_buffer(struct app_ctx *ctx, struct flow *f, struct app_tx *tx, unsigned dir,
                   enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    struct app_flow *af = flow_of(f);
    if (!af || !af->parser || !af->parser->buffer)
        return false;
    return af->parser->buffer(ctx, af, tx, dir, buffer, index, out);
}

void app_tx_body_advance(struct app_ctx *ctx, struct flow *f, struct app_tx *tx, unsigned dir)
{
    struct app_flow *af = flow_of(f);
    if (af && af->parser && af->parser->body_advance)
        af->parser->body_advance(ctx, af, tx, dir);
}

bool app_tx_number(struct flow *f, struct app_tx *tx, unsigned dir, const char *name, uint64_t *out)
{
    struct app_flow *af = flow_of(f);
    return af && af->parser && af->parser->number && af->parser->number(af, tx, dir, name, out);
}

void app_describe(struct flow *f, struct app_tx *tx, struct json *out)
{
    struct app_flow *af = flow_of(f);
    if (!af || !af->parser || !af->parser->describe)
        return;
    if (!tx)
        tx = af->last;
    if (tx)
        af->parser->describe(af, tx, out);
}

void app_sums_want(struct app_ctx *ctx, uint8_t sums)
{
    ctx->sums = sums;
}

bool app_file_get(struct app_ctx *ctx, const struct flow *f, struct app_tx *tx, unsigned dir,
                  uint32_t index, struct app_file_view *out)
{
    struct app_flow *af = flow_of(f);
    return af && af->parser && af->parser->file && af->parser->file(ctx, tx, dir, index, out);
}

static const char *const detection_events[] = {
    [APP_DETECTION_MISMATCH] = "applayer_mismatch_protocol_both_directions",
    [APP_DETECTION_WRONG_DIRECTION] = "applayer_wrong_direction_first_data",
    [APP_DETECTION_ONE_DIRECTION] = "applayer_detect_protocol_only_one_direction",
    [APP_DETECTION_SKIPPED] = "applayer_proto_detection_skipped",
    [APP_DETECTION_NO_TLS] = "applayer_no_tls_after_starttls",
    [APP_DETECTION_UNEXPECTED] = "applayer_unexpected_protocol",
    NULL,
};

const char *app_event_name(enum sig_app app, unsigned number)
{
    const struct app_parser *parser = app_parser_of(app);
    const char *const *names = parser ? parser->events : NULL;
    if (app == SIG_APP_UNKNOWN)
        names = detection_events;
    for (unsigned i = 0; names && i < number; i++)
        if (!names[i])
            return NULL;
    return names ? names[number] : NULL;
}

int app_event_find(enum sig_app app, const char *name)
{
    const char *other;
    for (unsigned i = 0; (other = app_event_name(app, i)); i++)
        if (strcmp(other, name) == 0)
            return (int)i;
    return -1;
}

/* ---- the flow's state ---------------------------------------------------------------------- */

static struct app_flow *flow_make(struct app_ctx *ctx, struct flow *f)
{
    struct app_flow *af = flow_of(f);
    if (af)
        return af;
    af = slab_try_zalloc(ctx->slab, sizeof(*af));
    if (!af) {
        app_count(ctx, APP_COUNT_NO_MEMORY);
        return NULL;
    }
    af->first_dir = -1;
    const struct app_expect_note *note = NULL;
    af->expected = (uint8_t)app_expect_take(ctx->expect, f, &note);
    if (note) {
        af->expect_tag = note->tag;
        if (note->len && !app_bytes_add(ctx->slab, &af->handover, note->name, note->len))
            app_count(ctx, APP_COUNT_NO_MEMORY);
    }
    f->slot[FLOW_SLOT_APP] = af;
    return af;
}

/** Free parser state, transactions and carried input; the protocol stays as it is. */
static void flow_clear(struct app_ctx *ctx, struct app_flow *af)
{
    while (af->first) {
        struct app_tx *tx = af->first;
        af->first = tx->next;
        tx_free(ctx, af->parser, tx);
    }
    af->last = NULL;
    af->tx_live = 0;
    app_frames_free(ctx, af);
    if (af->state) {
        if (af->parser->state_clear)
            af->parser->state_clear(ctx, af->state);
        slab_free(ctx->slab, af->state, af->parser->state_size);
        af->state = NULL;
    }
    app_bytes_free(ctx->slab, &af->carry[0]);
    app_bytes_free(ctx->slab, &af->carry[1]);
}

void app_flow_free(struct app_ctx *ctx, struct flow *f)
{
    struct app_flow *af = flow_of(f);
    if (!af)
        return;
    flow_clear(ctx, af);
    app_bytes_free(ctx->slab, &af->handover);
    slab_free(ctx->slab, af, sizeof(*af));
    f->slot[FLOW_SLOT_APP] = NULL;
}

enum sig_app app_protocol(const struct flow *f)
{
    const struct app_flow *af = flow_of(f);
    return af ? (enum sig_app)af->app : SIG_APP_UNKNOWN;
}

enum sig_app app_side(const struct flow *f, unsigned dir)
{
    const struct app_flow *af = flow_of(f);
    if (!af)
        return SIG_APP_UNKNOWN;
    bool found = af->app != SIG_APP_UNKNOWN && af->app != SIG_APP_FAILED;
    bool own = found || f->proto == PACKET_PROTO_UDP;
    return (enum sig_app)(own ? af->side[dir] : af->app);
}

bool app_side_news(struct flow *f, unsigned dir, uint64_t packet)
{
    struct app_flow *af = flow_of(f);
    if (!af || af->settled[dir] == 0)
        return false;
    if (af->settled[dir] == packet)
        return f->proto == PACKET_PROTO_UDP;
    af->settled[dir] = 0;
    return true;
}

/** The parser gives up, or there is none: nothing more is wanted. */
static void flow_stop(struct app_flow *af, struct app_result *out)
{
    for (unsigned d = 0; d < 2; d++) {
        af->stopped[d] = true;
        out->stop[d] = true;
    }
}

static void tx_finish_all(struct app_flow *af)
{
    for (struct app_tx *tx = af->first; tx; tx = tx->next)
        for (unsigned d = 0; d < 2; d++)
            if (tx->progress[d] != SIG_PROGRESS_DONE)
                app_tx_progress(tx, d, SIG_PROGRESS_DONE);
}

static void flow_give_up(struct app_io *io)
{
    app_count(io->ctx, APP_COUNT_GAVE_UP);
    tx_finish_all(io->af);
    app_bytes_free(io->ctx->slab, &io->af->carry[0]);
    app_bytes_free(io->ctx->slab, &io->af->carry[1]);
    flow_stop(io->af, io->out);
}

void app_change_protocol(struct app_io *io)
{
    io->out->flush = true;
    if (io->af->change_packet == 0)
        io->af->change_packet = io->packet ? io->packet : UINT64_MAX;
}

/** Carry out a change that an earlier packet asked for. */
static void flow_change_now(struct app_ctx *ctx, struct app_flow *af)
{
    af->from_app = af->app;
    flow_clear(ctx, af);
    af->parser = NULL;
    af->app = SIG_APP_UNKNOWN;
    af->change_packet = 0;
    af->first_dir = -1;
    for (unsigned d = 0; d < 2; d++) {
        af->side[d] = SIG_APP_UNKNOWN;
        af->settled[d] = 0;
        af->head_len = 0;
        af->probed[d] = 0;
        af->want[d] = 0;
        af->taken[d] = 0;
        af->stopped[d] = false;
        af->closed[d] = false;
    }
}

/* ---- detection ----------------------------------------------------------------------------- */

static void note(struct app_io *io, enum app_detection_event e)
{
    io->out->events |= 1u << e;
}

/** What a change of protocol was to lead to, and did not. */
static void change_judge(struct app_io *io, enum sig_app app)
{
    if (io->af->from_app != SIG_APP_SMTP || app == SIG_APP_TLS)
        return;
    note(io, APP_DETECTION_NO_TLS);
    if (app != SIG_APP_UNKNOWN)
        note(io, APP_DETECTION_UNEXPECTED);
}

static void side_settle(struct app_io *io, unsigned dir, enum sig_app app)
{
    io->af->side[dir] = (uint8_t)app;
    io->af->settled[dir] = io->packet;
}

/** What the bytes of io->dir say that it is. `over`: no more of them could tell more. */
static enum sig_app side_probe(const struct app_io *io, const uint8_t *data, uint32_t len,
                               bool *over)
{
    return app_probe(io->ctx->probes, io->flow->proto, io->dir, io->flow->server_port, data, len,
                     over);
}

/**
 * The protocol is known from the other side's bytes: what this side says by itself. Its first bytes
 * are kept until they are enough to tell.
 */
static void other_side(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct app_flow *af = io->af;
    unsigned d = io->dir;
    bool over = true;
    if (af->side[d] != SIG_APP_UNKNOWN || io->flow->proto == PACKET_PROTO_UDP)
        return;
    if (af->expected != SIG_APP_UNKNOWN) {
        side_settle(io, d, (enum sig_app)af->expected);
        return;
    }
    uint32_t room = APP_HEAD_MAX - af->head_len, n = len < room ? len : room;
    bool whole = af->head_len == 0;
    memcpy(af->head + af->head_len, data, n);
    af->head_len = (uint8_t)(af->head_len + n);
    enum sig_app app = side_probe(io, whole ? data : af->head, whole ? len : af->head_len, &over);
    if (app == SIG_APP_UNKNOWN && af->head_len < app_probe_enough(io->ctx->probes, d))
        return;
    if (app != SIG_APP_UNKNOWN && app != af->app)
        note(io, APP_DETECTION_MISMATCH);
    else if (app == SIG_APP_UNKNOWN ? over : app == SIG_APP_SMTP && d == SIG_DIR_TOSERVER)
        note(io, APP_DETECTION_ONE_DIRECTION); /* to Suricata a greeting alone is not SMTP */
    side_settle(io, d, app == SIG_APP_UNKNOWN ? SIG_APP_FAILED : app);
}

/** The protocol is known: make its parser ready. */
static void flow_known(struct app_io *io, enum sig_app app)
{
    struct app_flow *af = io->af;
    const struct app_parser *parser = app_parser_of(app);
    bool stream = io->flow->proto != PACKET_PROTO_UDP;
    af->app = (uint8_t)app;
    io->out->detected = true;
    change_judge(io, app);
    if (af->side[!io->dir] == SIG_APP_FAILED && af->probed[!io->dir] && stream) {
        note(io, APP_DETECTION_ONE_DIRECTION);
        side_settle(io, !io->dir, SIG_APP_FAILED);
    }
    app_count(io->ctx, APP_COUNT_FLOWS + app);
    if (!parser || (stream ? !parser->stream : !parser->datagram)) {
        flow_stop(af, io->out);
        return;
    }
    if (parser->state_size > 0) {
        af->state = slab_try_zalloc(io->ctx->slab, parser->state_size);
        if (!af->state) {
            app_count(io->ctx, APP_COUNT_NO_MEMORY);
            flow_stop(af, io->out);
            return;
        }
    }
    af->parser = parser;
    io->out->endless = parser->endless;
    if (parser->first_dirs && !(parser->first_dirs & 1u << af->first_dir)) {
        note(io, APP_DETECTION_WRONG_DIRECTION);
        flow_give_up(io);
    }
}

static void flow_unknown(struct app_io *io)
{
    io->af->app = SIG_APP_FAILED;
    for (unsigned d = 0; d < 2; d++)
        side_settle(io, d, SIG_APP_FAILED);
    io->out->detected = true;
    app_count(io->ctx, APP_COUNT_UNKNOWN);
    app_bytes_free(io->ctx->slab, &io->af->carry[0]);
    app_bytes_free(io->ctx->slab, &io->af->carry[1]);
    flow_stop(io->af, io->out);
}

/** Look at the first bytes of io->dir. True once the flow's protocol is settled. */
static bool flow_detect(struct app_io *io, const uint8_t *data, uint32_t len, bool end)
{
    struct app_flow *af = io->af;
    unsigned d = io->dir;
    bool over = false;
    enum sig_app app = af->expected != SIG_APP_UNKNOWN ? (enum sig_app)af->expected
                                                       : side_probe(io, data, len, &over);
    af->probed[d] = len;
    if (app != SIG_APP_UNKNOWN) {
        side_settle(io, d, app);
        flow_known(io, app);
        return true;
    }
    /* A TCP side that ends too early to tell stays open, but for a change that was asked for. */
    if (over || (end && (io->flow->proto == PACKET_PROTO_UDP || af->from_app != SIG_APP_UNKNOWN)))
        af->side[d] = SIG_APP_FAILED;
    bool both = af->side[0] == SIG_APP_FAILED && af->side[1] == SIG_APP_FAILED;
    if (both)
        change_judge(io, SIG_APP_UNKNOWN);
    else if (af->probed[0] + af->probed[1] > PROBE_BYTES_MAX)
        note(io, APP_DETECTION_SKIPPED);
    if (both || af->probed[0] + af->probed[1] > PROBE_BYTES_MAX) {
        flow_unknown(io);
        return true;
    }
    return false;
}

/* ---- bytes --------------------------------------------------------------------------------- */

/** Give the parser `len` bytes, of which `old` were there at its last call; frames take theirs. */
static uint32_t parse(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    struct app_flow *af = io->af;
    io->want = 0;
    io->data = data;
    io->len = len;
    io->at = af->taken[io->dir];
    if (io->at == 0 && old == 0)
        app_frame_open(io, SIG_FRAME_STREAM, data, APP_FRAME_OPEN);
    uint32_t used = af->parser->stream(io, data, len, old);
    app_frames_feed(io);
    if (used == APP_GIVE_UP)
        return used;
    af->want[io->dir] = io->want;
    af->taken[io->dir] += used;
    return used;
}

/** Give a parser `len` bytes that stand alone; carry what it leaves. */
static bool feed_direct(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct app_flow *af = io->af;
    uint32_t used = parse(io, data, len, 0);
    if (used == APP_GIVE_UP)
        return false;
    if (used >= len || af->stopped[io->dir])
        return true;
    if (len - used > APP_CARRY_MAX) {
        app_count(io->ctx, APP_COUNT_CARRY_LIMIT);
        return false;
    }
    if (!app_bytes_add(io->ctx->slab, &af->carry[io->dir], data + used, len - used)) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return false;
    }
    return true;
}

/** Append one step to what is carried and give the parser all of it. */
static bool feed_carried(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct app_flow *af = io->af;
    struct app_bytes *carry = &af->carry[io->dir];
    uint32_t old = carry->len;
    if (!app_bytes_add(io->ctx->slab, carry, data, len)) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return false;
    }
    if (carry->len < af->want[io->dir])
        return true;
    uint32_t used = parse(io, carry->data, carry->len, old);
    if (used == APP_GIVE_UP)
        return false;
    app_bytes_shift(carry, used);
    if (carry->len == 0)
        app_bytes_free(io->ctx->slab, carry);
    if (carry->len > APP_CARRY_MAX) {
        app_count(io->ctx, APP_COUNT_CARRY_LIMIT);
        return false;
    }
    return true;
}

static void feed(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct app_flow *af = io->af;
    while (len > 0 && !af->stopped[io->dir]) {
        bool alone = af->carry[io->dir].len == 0;
        uint32_t step = alone || len < FEED_STEP ? len : FEED_STEP;
        bool ok = alone ? feed_direct(io, data, step) : feed_carried(io, data, step);
        if (!ok) {
            flow_give_up(io);
            return;
        }
        data += step;
        len -= step;
    }
}

static void feed_gap(struct app_io *io, uint32_t len)
{
    struct app_flow *af = io->af;
    app_count(io->ctx, APP_COUNT_GAP);
    af->taken[io->dir] += af->carry[io->dir].len + len;
    app_frames_gap(io, len);
    app_bytes_free(io->ctx->slab, &af->carry[io->dir]);
    af->want[io->dir] = 0;
    if (!af->parser->gap || !af->parser->gap(io, len))
        flow_give_up(io);
}

static void feed_end(struct app_io *io)
{
    struct app_flow *af = io->af;
    if (af->ended[io->dir] || af->stopped[io->dir])
        return;
    af->ended[io->dir] = true;
    struct app_bytes *carry = &af->carry[io->dir];
    io->data = carry->data;
    io->len = carry->len;
    io->at = af->taken[io->dir];
    if (af->parser->end)
        af->parser->end(io, carry->data, carry->len);
    app_frames_end(af, io->dir);
    app_bytes_free(io->ctx->slab, carry);
}

/** Give a direction's parser what was kept while the protocol was unknown. */
static void feed_kept(struct app_io *io, unsigned dir)
{
    struct app_bytes kept = io->af->carry[dir];
    unsigned asked = io->dir;
    io->af->carry[dir] = (struct app_bytes){ NULL, 0, 0 };
    io->dir = dir;
    feed(io, kept.data, kept.len);
    io->dir = asked;
    app_bytes_free(io->ctx->slab, &kept);
}

static void feed_end_of(struct app_io *io, unsigned dir)
{
    unsigned asked = io->dir;
    io->dir = dir;
    feed_end(io);
    io->dir = asked;
}

/** Keep a span's bytes until the protocol is known. */
static bool stream_keep(struct app_io *io, const struct stream_span *span)
{
    if (app_bytes_add(io->ctx->slab, &io->af->carry[io->dir], span->data, span->len))
        return true;
    app_count(io->ctx, APP_COUNT_NO_MEMORY);
    flow_unknown(io);
    return false;
}

/**
 * Detection on a TCP span. Bytes are kept until the protocol is known; then whoever spoke first is
 * parsed first. Spans that settle it at once are not copied.
 */
static void stream_detect(struct app_io *io, const struct stream_span *span)
{
    struct app_flow *af = io->af;
    struct app_bytes *kept = &af->carry[io->dir];
    af->closed[io->dir] |= span->end;
    if (span->gap) {
        flow_unknown(io);
        return;
    }
    if (span->len > 0 && af->first_dir < 0)
        af->first_dir = (int8_t)io->dir;
    bool alone = kept->len == 0;
    if (!alone && !stream_keep(io, span))
        return;
    const uint8_t *data = alone ? span->data : kept->data;
    uint32_t len = alone ? span->len : kept->len;
    if (len == 0 && !span->end)
        return;
    if (!flow_detect(io, data, len, span->end)) {
        if (alone)
            (void)stream_keep(io, span);
        return;
    }
    if (!af->parser || af->first_dir < 0) {
        app_bytes_free(io->ctx->slab, &af->carry[0]);
        app_bytes_free(io->ctx->slab, &af->carry[1]);
        return;
    }
    unsigned first = (unsigned)af->first_dir;
    for (unsigned n = 0; n < 2 && af->change_packet == 0; n++) {
        unsigned dir = n == 0 ? first : !first;
        if (alone && dir == io->dir)
            feed(io, span->data, span->len);
        else
            feed_kept(io, dir);
        if (af->closed[dir])
            feed_end_of(io, dir);
    }
}

/** What a parser is called with for bytes that came in `dir` with `p`. */
static struct app_io io_of(struct app_ctx *ctx, struct flow *f, struct app_flow *af, unsigned dir,
                           const struct packet *p, struct app_result *out)
{
    return (struct app_io){ .ctx = ctx,
                            .flow = f,
                            .af = af,
                            .out = out,
                            .now_ns = p->now_ns,
                            .packet = p->number,
                            .dir = dir };
}

uint32_t app_stream(struct app_ctx *ctx, struct flow *f, unsigned dir,
                    const struct stream_span *span, const struct packet *p, struct app_result *out)
{
    *out = (struct app_result){ 0 };
    if (!span->len && !flow_of(f))
        return 0; /* a stream that ends without a byte tells nothing of its protocol */
    struct app_flow *af = flow_make(ctx, f);
    if (!af)
        return span->len;
    if (af->change_packet) {
        if (af->change_packet == p->number)
            return 0;
        flow_change_now(ctx, af);
    }
    struct app_io io = io_of(ctx, f, af, dir, p, out);
    if (af->app == SIG_APP_UNKNOWN) {
        stream_detect(&io, span);
        return span->len;
    }
    if (!span->gap && span->len)
        other_side(&io, span->data, span->len);
    if (!af->parser || af->stopped[dir]) {
        out->stop[dir] = true;
        return span->len;
    }
    if (span->gap)
        feed_gap(&io, span->len);
    else
        feed(&io, span->data, span->len);
    if (span->end && af->change_packet == 0)
        feed_end(&io);
    return span->len;
}

void app_datagram(struct app_ctx *ctx, struct flow *f, unsigned dir, const struct packet *p,
                  struct app_result *out)
{
    *out = (struct app_result){ 0 };
    struct app_flow *af = flow_make(ctx, f);
    if (!af || p->payload_len == 0)
        return;
    struct app_io io = io_of(ctx, f, af, dir, p, out);
    if (af->first_dir < 0)
        af->first_dir = (int8_t)dir;
    bool first = af->side[dir] == SIG_APP_UNKNOWN;
    if (af->app == SIG_APP_UNKNOWN)
        (void)flow_detect(&io, p->payload, p->payload_len, true);
    else if (first)
        af->side[dir] = af->app;
    if (first)
        af->settled[0] = af->settled[1] = p->number;
    if (!af->parser || !af->parser->datagram || af->stopped[dir])
        return;
    io.data = p->payload;
    io.len = p->payload_len;
    io.at = af->taken[dir];
    af->parser->datagram(&io, p->payload, p->payload_len);
    app_frames_feed(&io);
    af->taken[dir] += p->payload_len;
}

void app_finish(struct app_ctx *ctx, struct flow *f)
{
    struct app_flow *af = flow_of(f);
    if (!af)
        return;
    if (af->parser && af->change_packet == 0) {
        struct app_result out = { 0 };
        struct app_io io = { .ctx = ctx, .flow = f, .af = af, .out = &out, .now_ns = f->last_ns };
        for (io.dir = 0; io.dir < 2; io.dir++)
            feed_end(&io);
    }
    if (af->app == SIG_APP_UNKNOWN && (af->probed[0] || af->probed[1]))
        af->app = SIG_APP_FAILED;
    if (!af->parser || !af->parser->stay_open)
        tx_finish_all(af);
}

/* ---- lines --------------------------------------------------------------------------------- */

uint32_t app_line_end(const uint8_t *data, uint32_t len, uint32_t from)
{
    if (from >= len)
        return 0;
    const uint8_t *lf = memchr(data + from, '\n', len - from);
    return lf ? (uint32_t)(lf - data) + 1 : 0;
}

uint32_t app_line_chomp(const uint8_t *data, uint32_t len)
{
    while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r'))
        len--;
    return len;
}
