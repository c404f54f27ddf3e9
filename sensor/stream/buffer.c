/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one direction. In order, a segment costs one memcpy and one entry at the end of the
 * segment list; when all is consumed the block goes back to the slab. The segments are kept, not
 * merged, because the overlap policy asks where each began.
 */
#include "config.h"

#include <string.h>

#include "common/slab.h"
#include "sensor/stream/internal.h"

#define SEGMENTS_FIRST 8

static struct stream_segment *segment_at(const struct stream_buffer *b, uint32_t i)
{
    return &b->segments[b->first + i];
}

static uint64_t segment_end(const struct stream_segment *s)
{
    return s->start + s->len;
}

/* Room for one more segment. */
static enum stream_add reserve_segment(struct stream_buffer *b, struct slab *slab)
{
    if (b->first + b->count < b->segment_cap)
        return STREAM_ADD_DONE;
    if (b->first > b->segment_cap / 2 || (b->first && b->count == STREAM_SEGMENTS_MAX)) {
        memmove(b->segments, segment_at(b, 0), b->count * sizeof(*b->segments));
        b->first = 0;
        return STREAM_ADD_DONE;
    }
    if (b->count >= STREAM_SEGMENTS_MAX)
        return STREAM_ADD_SEGMENTS;
    uint32_t cap = b->segment_cap ? b->segment_cap * 2 : SEGMENTS_FIRST;
    struct stream_segment *more = slab_try_alloc(slab, cap * sizeof(*more));
    if (!more)
        return STREAM_ADD_NO_MEMORY;
    if (b->count)
        memcpy(more, segment_at(b, 0), b->count * sizeof(*more));
    slab_free(slab, b->segments, b->segment_cap * sizeof(*more));
    b->segments = more;
    b->segment_cap = cap;
    b->first = 0;
    return STREAM_ADD_DONE;
}

/* Room for bytes up to stream offset `end`. What is in use is [base, right). */
static enum stream_add reserve_bytes(struct stream_buffer *b, struct slab *slab, uint64_t end)
{
    uint64_t need = end - b->base, used = b->right > b->base ? b->right - b->base : 0;
    if (b->head + need <= b->cap)
        return STREAM_ADD_DONE;
    if (need > SLAB_BLOCK_MAX)
        return STREAM_ADD_WINDOW;
    if (need <= b->cap && (used <= b->head || b->cap == SLAB_BLOCK_MAX)) {
        memmove(b->block, b->block + b->head, used);
        b->head = 0;
        return STREAM_ADD_DONE;
    }
    size_t cap = need;
    if (used && cap < b->cap + b->cap / 2) /* what grows once grows again */
        cap = b->cap + b->cap / 2;
    cap = slab_round(cap < SLAB_BLOCK_MAX ? cap : SLAB_BLOCK_MAX);
    uint8_t *block = slab_try_alloc(slab, cap);
    if (!block)
        return STREAM_ADD_NO_MEMORY;
    if (used)
        memcpy(block, b->block + b->head, used);
    slab_free(slab, b->block, b->cap);
    b->block = block;
    b->cap = (uint32_t)cap;
    b->head = 0;
    return STREAM_ADD_DONE;
}

/* Index of the first segment that starts behind `start`. */
static uint32_t segment_behind(const struct stream_buffer *b, uint64_t start)
{
    uint32_t low = 0, high = b->count;
    if (high && segment_at(b, high - 1)->start <= start)
        return high; /* in order */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (segment_at(b, middle)->start <= start)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void segment_insert(struct stream_buffer *b, uint32_t at, uint64_t start, uint32_t len)
{
    struct stream_segment *s = segment_at(b, at);
    memmove(s + 1, s, (b->count - at) * sizeof(*s));
    *s = (struct stream_segment){ start, len };
    b->count++;
    if (start + len > b->right)
        b->right = start + len;
}

/* A segment at hand: its place, and its bytes, the first of which is at `start`. */
struct fresh {
    struct target_range at;
    int64_t start;
    const uint8_t *data;
};

static void lay(struct stream_buffer *b, const struct fresh *f, uint64_t from, uint64_t to)
{
    if (from < to)
        memcpy(b->block + b->head + (from - b->base), f->data + ((int64_t)from - f->start),
               to - from);
}

/* Lay the bytes where none of the segments from `first` on keeps its own; whether there are any. */
static bool lay_around(struct stream_buffer *b, enum target_os os, uint32_t first,
                       const struct fresh *f)
{
    uint64_t from = f->at.start < b->base ? b->base : f->at.start;
    bool overlap = false;
    for (uint32_t i = first; i < b->count && segment_at(b, i)->start < f->at.end; i++) {
        struct target_range old = { segment_at(b, i)->start, segment_end(segment_at(b, i)) };
        if (old.end <= f->at.start || old.end <= b->base)
            continue;
        overlap = true;
        if (!target_segment_stays(os, old, f->at))
            continue;
        lay(b, f, from, old.start);
        if (old.end > from)
            from = old.end;
    }
    lay(b, f, from, f->at.end);
    return overlap;
}

enum stream_add stream_buffer_add(struct stream_buffer *b, struct slab *slab, enum target_os os,
                                  int64_t start, const uint8_t *data, uint32_t len)
{
    if (start + (int64_t)len <= (int64_t)b->base)
        return STREAM_ADD_OLD;
    struct fresh f = { { start < 0 ? 0 : (uint64_t)start, (uint64_t)(start + (int64_t)len) },
                       start,
                       data };
    enum stream_add r = reserve_segment(b, slab);
    if (r == STREAM_ADD_DONE)
        r = reserve_bytes(b, slab, f.at.end);
    if (r != STREAM_ADD_DONE)
        return r;
    uint32_t at = segment_behind(b, f.at.start), first = at;
    bool again = false; /* the same segment once more */
    for (; first > 0; first--) {
        const struct stream_segment *before = segment_at(b, first - 1);
        if (segment_end(before) > b->base && segment_end(before) <= f.at.start)
            break;
        again = again || (before->start == f.at.start && segment_end(before) == f.at.end);
    }
    bool overlap = lay_around(b, os, first, &f);
    if (!again)
        segment_insert(b, at, f.at.start, (uint32_t)(f.at.end - f.at.start));
    return overlap ? STREAM_ADD_OVERLAP : STREAM_ADD_DONE;
}

uint64_t stream_buffer_extent(const struct stream_buffer *b, uint64_t from)
{
    uint64_t end = from;
    for (uint32_t i = 0; i < b->count && segment_at(b, i)->start <= end; i++) {
        if (segment_end(segment_at(b, i)) > end)
            end = segment_end(segment_at(b, i));
    }
    return end;
}

uint64_t stream_buffer_next(const struct stream_buffer *b, uint64_t from)
{
    if (from >= b->right)
        return UINT64_MAX; /* mostly: all was taken */
    for (uint32_t i = 0; i < b->count; i++) {
        if (segment_end(segment_at(b, i)) > from)
            return segment_at(b, i)->start > from ? segment_at(b, i)->start : from;
    }
    return UINT64_MAX;
}

const uint8_t *stream_buffer_at(const struct stream_buffer *b, uint64_t offset)
{
    return b->block + b->head + (offset - b->base);
}

void stream_buffer_clear(struct stream_buffer *b, struct slab *slab)
{
    slab_free(slab, b->block, b->cap);
    slab_free(slab, b->segments, b->segment_cap * sizeof(*b->segments));
    b->block = NULL;
    b->segments = NULL;
    b->cap = b->head = b->first = b->count = b->segment_cap = 0;
    if (b->right > b->base)
        b->right = b->base;
}

void stream_buffer_prune(struct stream_buffer *b, struct slab *slab, uint64_t offset)
{
    if (offset <= b->base)
        return;
    if (offset >= b->right) {
        stream_buffer_clear(b, slab);
        b->base = offset;
        return;
    }
    b->head += (uint32_t)(offset - b->base);
    b->base = offset;
    while (b->count && segment_end(segment_at(b, 0)) <= offset) {
        b->first++;
        b->count--;
    }
}
