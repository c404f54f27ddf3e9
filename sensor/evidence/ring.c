/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring that is overwritten without asking. Order: the worker claims the room (claim, then a
 * release fence), writes it word by word, then moves `head` with release. A reader copies word by
 * word, then (acquire fence) looks at the claim: what lies less than a ring's length behind it was
 * not touched. Words are atomic and relaxed, so that a race that is found out is no undefined one.
 */
#include "config.h"
#include "sensor/evidence/ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/pages.h"
#include "sensor/capture/capture.h"
#include "sensor/flow/flow.h"

#define LINE          64
#define RING_MIN      (1u << 20)
#define WORD          8
#define CLOSED        UINT32_MAX /* in flow.evidence_bytes */

#define LINK_ETHERNET 1
#define MACS          12
#define TAG           4

/* Words before a frame's bytes. */
enum { HEAD_SELF, HEAD_BEFORE, HEAD_TIME, HEAD_SIZES, HEAD_LINK, HEAD_WORDS };

struct evidence_ring {
    _Alignas(LINE) _Atomic uint64_t claim;
    _Atomic uint64_t head;
    _Alignas(LINE) uint64_t size;
    _Atomic uint64_t *words;
};

struct evidence_ring *evidence_ring_create(size_t bytes)
{
    struct evidence_ring *r = aligned_alloc(LINE, sizeof(*r));
    assert((bytes & (bytes - 1)) == 0 && bytes >= RING_MIN);
    if (!r)
        return NULL;
    memset(r, 0, sizeof(*r));
    r->size = bytes;
    r->words = pages_try_alloc(bytes);
    if (!r->words) {
        free(r);
        return NULL;
    }
    /* Place 0 means none. */
    atomic_store(&r->claim, WORD);
    atomic_store(&r->head, WORD);
    return r;
}

static void put_word(struct evidence_ring *r, uint64_t at, uint64_t word)
{
    atomic_store_explicit(&r->words[(at & (r->size - 1)) / WORD], word, memory_order_relaxed);
}

static uint64_t get_word(const struct evidence_ring *r, uint64_t at)
{
    return atomic_load_explicit(&r->words[(at & (r->size - 1)) / WORD], memory_order_relaxed);
}

static uint64_t put_bytes(struct evidence_ring *r, uint64_t at, const uint8_t *bytes, size_t len)
{
    uint64_t word;
    for (; len >= WORD; len -= WORD, bytes += WORD, at += WORD) {
        memcpy(&word, bytes, WORD);
        put_word(r, at, word);
    }
    if (len) {
        word = 0;
        memcpy(&word, bytes, len);
        put_word(r, at, word);
        at += WORD;
    }
    return at;
}

/* The tag that the kernel took out of the frame is put back, so that tools see what was sent. */
static void put_frame(struct evidence_ring *r, uint64_t at, const struct frame *f, uint32_t len,
                      bool tag)
{
    uint8_t front[MACS + TAG];
    if (!tag) {
        put_bytes(r, at, f->data, len);
        return;
    }
    memcpy(front, f->data, MACS);
    front[MACS] = 0x81;
    front[MACS + 1] = 0x00;
    front[MACS + 2] = (uint8_t)(f->vlan_tci >> 8);
    front[MACS + 3] = (uint8_t)f->vlan_tci;
    at = put_bytes(r, at, front, sizeof(front));
    put_bytes(r, at, f->data + MACS, len - sizeof(front));
}

static uint64_t round_up(uint64_t n)
{
    return (n + WORD - 1) & ~(uint64_t)(WORD - 1);
}

/* Room for `size` bytes in one piece: where it begins. */
static uint64_t claim_room(struct evidence_ring *r, uint64_t size)
{
    uint64_t at = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint64_t to_end = r->size - (at & (r->size - 1));
    if (to_end < size)
        at += to_end;
    atomic_store_explicit(&r->claim, at + size, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    return at;
}

void evidence_ring_put(struct evidence_ring *r, struct flow *f, const struct frame *frame)
{
    bool tag = frame->vlan_present && frame->link == LINK_ETHERNET && frame->len >= MACS;
    uint32_t len = frame->len + (tag ? TAG : 0);
    if (len > EVIDENCE_FRAME_MAX)
        len = EVIDENCE_FRAME_MAX;
    if (f->evidence_bytes == CLOSED || f->evidence_bytes + len > EVIDENCE_FLOW_MAX)
        return;
    uint64_t size = HEAD_WORDS * WORD + round_up(len);
    uint64_t at = claim_room(r, size);
    const uint64_t head[HEAD_WORDS] = {
        [HEAD_SELF] = at,
        [HEAD_BEFORE] = f->evidence_at,
        [HEAD_TIME] = frame->ts_ns,
        [HEAD_SIZES] = (uint64_t)(frame->wire_len + (tag ? TAG : 0)) << 32 | len,
        [HEAD_LINK] = frame->link,
    };
    for (unsigned i = 0; i < HEAD_WORDS; i++)
        put_word(r, at + i * WORD, head[i]);
    put_frame(r, at + HEAD_WORDS * WORD, frame, len, tag);
    atomic_store_explicit(&r->head, at + size, memory_order_release);
    f->evidence_at = at;
    f->evidence_bytes += len;
}

void evidence_ring_close(struct flow *f)
{
    f->evidence_bytes = CLOSED;
}

/* Whether `size` bytes at `place` have not been claimed again. */
static bool whole(const struct evidence_ring *r, uint64_t place)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&r->claim, memory_order_relaxed) - place <= r->size;
}

static bool get_head(const struct evidence_ring *r, uint64_t place, struct evidence_frame *out)
{
    uint64_t head[HEAD_WORDS];
    uint64_t end = atomic_load_explicit(&r->head, memory_order_acquire);
    if (place == 0 || place % WORD || place >= end || end - place > r->size)
        return false;
    for (unsigned i = 0; i < HEAD_WORDS; i++)
        head[i] = get_word(r, place + i * WORD);
    *out = (struct evidence_frame){ .before = head[HEAD_BEFORE],
                                    .ts_ns = head[HEAD_TIME],
                                    .len = (uint32_t)head[HEAD_SIZES],
                                    .wire_len = (uint32_t)(head[HEAD_SIZES] >> 32),
                                    .link = (uint32_t)head[HEAD_LINK] };
    return whole(r, place) && head[HEAD_SELF] == place && out->len <= EVIDENCE_FRAME_MAX;
}

bool evidence_ring_get(const struct evidence_ring *r, uint64_t place, struct evidence_frame *out,
                       uint8_t *bytes)
{
    if (!get_head(r, place, out))
        return false;
    uint64_t at = place + HEAD_WORDS * WORD;
    for (uint32_t done = 0; done < out->len; done += WORD, at += WORD) {
        uint64_t word = get_word(r, at);
        memcpy(bytes + done, &word, out->len - done < WORD ? out->len - done : WORD);
    }
    return whole(r, place);
}

void evidence_ring_free(struct evidence_ring *r)
{
    if (!r)
        return;
    pages_free(r->words, r->size);
    free(r);
}
