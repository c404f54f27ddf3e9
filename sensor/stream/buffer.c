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
    if (used && cap < 2 * (size_t)b->cap) /* what grows once grows again */
        cap = 2 * (size_t)b->cap;
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

enum stream_add stream_buffer_add(struct stream_buffer *b, struct slab *slab, int64_t start,
                                  const uint8_t *data, uint32_t len)
{
    if (start + (int64_t)len <= (int64_t)b->base)
        return STREAM_ADD_OLD;
    uint64_t from = start < 0 ? 0 : (uint64_t)start, end = (uint64_t)(start + (int64_t)len);
    uint64_t write = from < b->base ? b->base : from;
    enum stream_add r = reserve_segment(b, slab);
    if (r == STREAM_ADD_DONE)
        r = reserve_bytes(b, slab, end);
    if (r != STREAM_ADD_DONE)
        return r;
    uint32_t at = segment_behind(b, from);
    bool overlap = at < b->count && segment_at(b, at)->start < end;
    for (uint32_t i = at; i > 0; i--) {
        const struct stream_segment *before = segment_at(b, i - 1);
        if (segment_end(before) <= b->base)
            continue;
        if (segment_end(before) <= from)
            break;
        overlap = true;
        if (segment_end(before) > write)
            write = segment_end(before);
        if (before->start == from && before->len == end - from)
            return STREAM_ADD_OVERLAP; /* the same segment once more */
    }
    if (write < end)
        memcpy(b->block + b->head + (write - b->base), data + ((int64_t)write - start),
               end - write);
    segment_insert(b, at, from, (uint32_t)(end - from));
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
