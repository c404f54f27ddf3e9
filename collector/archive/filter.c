/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of a file. */
#include "config.h"
#include "collector/archive/filter.h"

#include <string.h>

#include "collector/ingest/record.h"
#include "common/buf.h"
#include "common/event.h"
#include "common/hash.h"

#define BITS   (FILTER_BYTES * 8ull)
#define PROBES 4u

/* Capital letters of ASCII count as small ones. */
static uint8_t small(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Not keyed: who aims at it gains a needless look into a file. */
static uint64_t token(enum filter_kind kind, const uint8_t *p, size_t len)
{
    uint64_t h = hash_mix(0x6162656e67ull + kind, len);
    bool text = kind == FILTER_NAME || kind == FILTER_HASH;

    while (len) {
        uint64_t word = 0;
        size_t n = len < 8 ? len : 8;
        for (size_t i = 0; i < n; i++)
            word = word << 8 | (text ? small(p[i]) : p[i]);
        h = hash_mix(h, word);
        p += n;
        len -= n;
    }
    return hash_mix(h, h >> 29);
}

/* Two halves of one hash give all probes (Kirsch and Mitzenmacher, 2006). */
static uint64_t probe(uint64_t h, unsigned i)
{
    return ((h >> 32) + i * (h & 0xffffffffu) + i * i) % BITS;
}

void filter_add(struct filter *f, enum filter_kind kind, const void *bytes, size_t len)
{
    uint64_t h = token(kind, bytes, len);
    for (unsigned i = 0; i < PROBES; i++) {
        uint64_t bit = probe(h, i);
        f->words[bit / 64] |= 1ull << bit % 64;
    }
}

bool filter_may_have(const struct filter *f, enum filter_kind kind, const void *bytes, size_t len)
{
    uint64_t h = token(kind, bytes, len);
    for (unsigned i = 0; i < PROBES; i++) {
        uint64_t bit = probe(h, i);
        if (!(f->words[bit / 64] & 1ull << bit % 64))
            return false;
    }
    return true;
}

static void add_span(struct filter *f, enum filter_kind kind, const struct record *r,
                     enum record_span which, const void *text, size_t len)
{
    const char *at = (const char *)text + r->spans[which].at;
    size_t n = r->spans[which].len;
    struct buf plain;

    if (!record_has(r, which, len))
        return;
    if (!memchr(at, '\\', n)) {
        filter_add(f, kind, at, n);
        return;
    }
    buf_init(&plain, EVENT_LINE_MAX);
    if (event_unescape(&plain, at, n) == 0)
        filter_add(f, kind, plain.data, plain.len);
    buf_free(&plain);
}

void filter_add_record(struct filter *f, const struct record *r, const void *text, size_t len)
{
    if (r->kind != RECORD_ALERT && r->kind != RECORD_OTHER)
        return;
    filter_add(f, FILTER_ADDRESS, r->src.bytes, sizeof(r->src.bytes));
    filter_add(f, FILTER_ADDRESS, r->dst.bytes, sizeof(r->dst.bytes));
    filter_add(f, FILTER_SID, &r->sid, sizeof(r->sid));
    add_span(f, FILTER_NAME, r, RECORD_NAME, text, len);
    add_span(f, FILTER_HASH, r, RECORD_JA3, text, len);
}
