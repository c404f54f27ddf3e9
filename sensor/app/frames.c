/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of a stream as rules look at them. */
#include "config.h"
#include "sensor/app/frames.h"

/** New bytes of a frame that is not whole which make a look worth while (Suricata's). */
#define FRAME_STEP 2500u

/** Bytes without a gap. */
struct piece {
    uint64_t at; /* from the frame's start */
    struct app_bytes data;
};

struct app_frame {
    struct app_frame *next;
    uint8_t kind; /* enum sig_frame */
    uint8_t piece_count;
    bool ended;
    uint64_t offset; /* in the stream */
    uint64_t len;    /* APP_FRAME_OPEN: not known yet */
    uint64_t have;   /* bytes that came or are missing, from its start */
    uint64_t seen;   /* of these, those that rules had */
    struct piece pieces[APP_FRAME_PIECES];
};

struct app_frames {
    struct app_frame *first[2], *last[2];
    uint32_t count[2];
};

static struct app_frame *frames_of(const struct app_flow *af, unsigned dir)
{
    return af->frames ? af->frames->first[dir] : NULL;
}

static struct app_frames *frames_make(struct app_io *io)
{
    if (!io->af->frames)
        io->af->frames = slab_try_zalloc(io->ctx->slab, sizeof(*io->af->frames));
    if (!io->af->frames)
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
    return io->af->frames;
}

void app_frame_open(struct app_io *io, enum sig_frame frame, const uint8_t *at, uint64_t len)
{
    if (!(io->ctx->frames >> frame & 1) || len == 0)
        return;
    struct app_frames *all = frames_make(io);
    if (all && all->count[io->dir] >= APP_FRAMES_MAX)
        app_count(io->ctx, APP_COUNT_FRAME_LIMIT);
    if (!all || all->count[io->dir] >= APP_FRAMES_MAX)
        return;
    struct app_frame *f = slab_try_zalloc(io->ctx->slab, sizeof(*f));
    if (!f) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return;
    }
    f->kind = (uint8_t)frame;
    f->offset = io->at + (uint64_t)(at - io->data);
    f->len = len;
    if (all->last[io->dir])
        all->last[io->dir]->next = f;
    else
        all->first[io->dir] = f;
    all->last[io->dir] = f;
    all->count[io->dir]++;
}

/** Bytes beyond the frame's end, which came before the end was known. */
static void frame_cut(struct app_frame *f)
{
    while (f->have > f->len && f->piece_count > 0) {
        struct piece *p = &f->pieces[f->piece_count - 1];
        uint64_t over = p->at + p->data.len > f->len ? p->at + p->data.len - f->len : 0;
        if (over < p->data.len) {
            p->data.len -= (uint32_t)over;
            break;
        }
        p->data.len = 0;
        if (f->piece_count == 1)
            break;
        f->piece_count--;
    }
    if (f->have > f->len)
        f->have = f->len;
}

void app_frame_close(struct app_io *io, enum sig_frame frame, const uint8_t *end)
{
    struct app_frame *open = NULL;
    for (struct app_frame *f = frames_of(io->af, io->dir); f; f = f->next)
        if (f->kind == frame && f->len == APP_FRAME_OPEN)
            open = f;
    uint64_t at = io->at + (uint64_t)(end - io->data);
    if (!open || at < open->offset)
        return;
    open->len = at - open->offset;
    frame_cut(open);
}

void app_frame_lose(struct app_io *io, enum sig_frame frame)
{
    struct app_frame *open = NULL;
    for (struct app_frame *f = frames_of(io->af, io->dir); f; f = f->next)
        if (f->kind == frame && f->len == APP_FRAME_OPEN)
            open = f;
    if (!open)
        return;
    for (unsigned i = 0; i < open->piece_count; i++)
        open->pieces[i].data.len = 0; /* its memory goes with the frame */
    open->len = open->have;
}

/** The piece that the next bytes belong to; NULL when there are too many. */
static struct piece *frame_piece(struct app_frame *f)
{
    struct piece *p = f->piece_count > 0 ? &f->pieces[f->piece_count - 1] : NULL;
    if (p && (p->data.len == 0 || p->at + p->data.len == f->have)) {
        if (p->data.len == 0)
            p->at = f->have;
        return p;
    }
    if (f->piece_count == APP_FRAME_PIECES)
        return NULL;
    p = &f->pieces[f->piece_count++];
    p->at = f->have;
    return p;
}

void app_frames_feed(struct app_io *io)
{
    uint64_t end = io->at + io->len;
    for (struct app_frame *f = frames_of(io->af, io->dir); f; f = f->next) {
        uint64_t from = f->offset + f->have;
        uint64_t to = f->len > end || f->offset + f->len > end ? end : f->offset + f->len;
        if (from < io->at || from >= to)
            continue;
        struct piece *p = frame_piece(f);
        uint32_t n = (uint32_t)(to - from);
        if (!p)
            app_count(io->ctx, APP_COUNT_FRAME_LIMIT);
        else if (!app_bytes_add(io->ctx->slab, &p->data, io->data + (from - io->at), n))
            app_count(io->ctx, APP_COUNT_NO_MEMORY);
        f->have += n;
    }
}

void app_frames_gap(struct app_io *io, uint64_t len)
{
    for (struct app_frame *f = frames_of(io->af, io->dir); f; f = f->next) {
        uint64_t left = f->len == APP_FRAME_OPEN ? len : f->len - f->have;
        f->have += left < len ? left : len;
    }
}

void app_frames_end(struct app_flow *af, unsigned dir)
{
    for (struct app_frame *f = frames_of(af, dir); f; f = f->next)
        f->ended = true;
}

static bool frame_whole(const struct app_frame *f)
{
    return f->ended || f->have == f->len;
}

static bool frame_due(const struct app_frame *f)
{
    return frame_whole(f) || f->have - f->seen >= FRAME_STEP;
}

const struct app_frame *app_frame_next(const struct flow *flow, unsigned dir,
                                       const struct app_frame *after, unsigned *kind)
{
    const struct app_flow *af = flow->slot[FLOW_SLOT_APP];
    const struct app_frame *f = after ? after->next : af ? frames_of(af, dir) : NULL;
    while (f && !frame_due(f))
        f = f->next;
    if (f)
        *kind = f->kind;
    return f;
}

bool app_frame_piece(const struct app_frame *frame, unsigned i, struct app_view *out)
{
    if (i >= frame->piece_count)
        return false;
    const struct piece *p = &frame->pieces[i];
    bool end = i + 1u == frame->piece_count && frame_whole(frame);
    *out = (struct app_view){ p->data.data, p->data.len, p->at, end };
    return true;
}

bool app_frames_waiting(const struct flow *flow, unsigned dir)
{
    const struct app_flow *af = flow->slot[FLOW_SLOT_APP];
    for (const struct app_frame *f = af ? frames_of(af, dir) : NULL; f; f = f->next)
        if (frame_due(f))
            return true;
    return false;
}

static void frame_empty(struct app_ctx *ctx, struct app_frame *f)
{
    for (unsigned i = 0; i < f->piece_count; i++)
        app_bytes_free(ctx->slab, &f->pieces[i].data);
    f->piece_count = 0;
}

void app_frames_advance(struct app_ctx *ctx, struct flow *flow, unsigned dir)
{
    struct app_flow *af = flow->slot[FLOW_SLOT_APP];
    if (!af || !af->frames)
        return;
    struct app_frame *last = NULL;
    for (struct app_frame **at = &af->frames->first[dir]; *at;) {
        struct app_frame *f = *at;
        bool due = frame_due(f);
        if (due)
            frame_empty(ctx, f);
        if (due && frame_whole(f)) {
            *at = f->next;
            af->frames->count[dir]--;
            slab_free(ctx->slab, f, sizeof(*f));
            continue;
        }
        if (due)
            f->seen = f->have;
        last = f;
        at = &f->next;
    }
    af->frames->last[dir] = last;
}

void app_frames_free(struct app_ctx *ctx, struct app_flow *af)
{
    for (unsigned dir = 0; af->frames && dir < 2; dir++)
        while (af->frames->first[dir]) {
            struct app_frame *f = af->frames->first[dir];
            af->frames->first[dir] = f->next;
            frame_empty(ctx, f);
            slab_free(ctx->slab, f, sizeof(*f));
        }
    if (af->frames)
        slab_free(ctx->slab, af->frames, sizeof(*af->frames));
    af->frames = NULL;
}

void app_frames_want(struct app_ctx *ctx, uint64_t frames)
{
    ctx->frames = frames;
}
