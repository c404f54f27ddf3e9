/* SPDX-License-Identifier: Apache-2.0 */
/* The rig of the application tests. */
#include "config.h"
#include "tests/unit/app/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/decode/packet.h"
#include "sensor/stream/stream.h"

#define SLAB_BYTES (64u << 20)

void rig_open(struct rig *r, unsigned proto, uint16_t port)
{
    const struct app_conf conf = { .ja3 = true, .beyond = true };
    memset(r, 0, sizeof(*r));
    r->slab = slab_create(SLAB_BYTES);
    r->counters.slots = r->slots;
    r->app = app_create(&conf, r->slab, &r->counters);
    r->flow.proto = (uint8_t)proto;
    r->flow.server_port = port;
    r->flow.client_port = 40000;
    r->flow.client = addr_from_v4((const uint8_t[]){ 192, 0, 2, 1 });
    r->flow.server = addr_from_v4((const uint8_t[]){ 198, 51, 100, 2 });
    buf_init(&r->json, 1 << 20);
    buf_init(&r->pending[0], 64u << 20);
    buf_init(&r->pending[1], 64u << 20);
}

static uint32_t give(struct rig *r, unsigned dir, const struct stream_span *span)
{
    struct packet p = { .number = r->packet };
    uint32_t taken = app_stream(r->app, &r->flow, dir, span, &p, &r->last);
    r->encrypted |= r->last.encrypted;
    for (unsigned d = 0; d < 2; d++) {
        r->trigger[d] |= r->last.raw_trigger[d];
        r->stop[d] |= r->last.stop[d];
    }
    assert_true(taken <= span->len);
    r->offset[dir] += taken;
    return taken;
}

/*
 * The parser must not read beyond a segment, nor after the call: each lives in memory of its own
 * for so long.
 */
static bool offer(struct rig *r, unsigned dir, bool end)
{
    struct buf *b = &r->pending[dir];
    if (b->len == 0 && !end)
        return false;
    uint8_t *copy = xmemdup(b->data, b->len);
    const struct stream_span span = { copy,  (uint32_t)b->len,    r->offset[dir],
                                      false, r->offset[dir] == 0, end };
    uint32_t taken = give(r, dir, &span);
    free(copy);
    memmove(b->data, b->data + taken, b->len - taken);
    b->len -= taken;
    return taken > 0 || r->last.detected;
}

/** As the worker: both directions in turn until neither moves. */
static void offer_both(struct rig *r, unsigned dir)
{
    r->packet++;
    bool moved;
    do {
        moved = offer(r, dir, false);
        moved |= offer(r, !dir, false);
    } while (moved);
}

void rig_feed(struct rig *r, unsigned dir, const void *bytes, size_t len, size_t step)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        size_t n = step == 0 || step > len ? len : step;
        buf_add(&r->pending[dir], at, n);
        offer_both(r, dir);
        at += n;
        len -= n;
    }
}

void rig_text(struct rig *r, unsigned dir, const char *text, size_t step)
{
    rig_feed(r, dir, text, strlen(text), step);
}

void rig_gap(struct rig *r, unsigned dir, uint32_t len)
{
    const struct stream_span span = { NULL, len, r->offset[dir], true, false, false };
    r->packet++;
    (void)give(r, dir, &span);
}

void rig_end(struct rig *r, unsigned dir)
{
    r->packet++;
    (void)offer(r, dir, true);
}

void rig_datagram(struct rig *r, unsigned dir, const void *bytes, size_t len)
{
    uint8_t *copy = xmemdup(bytes, len);
    struct packet p = { .number = ++r->packet, .payload = copy, .payload_len = (uint32_t)len };
    app_datagram(r->app, &r->flow, dir, &p, &r->last);
    r->encrypted |= r->last.encrypted;
    free(copy);
}

struct app_tx *rig_tx(struct rig *r, unsigned i)
{
    struct app_tx *tx = app_tx_first(&r->flow);
    while (tx && i-- > 0)
        tx = tx->next;
    assert_non_null(tx);
    return tx;
}

void rig_expect(struct rig *r, unsigned i, unsigned dir, enum sig_buffer buffer, uint32_t index,
                const char *want)
{
    struct app_view view;
    bool there = app_tx_buffer(r->app, &r->flow, rig_tx(r, i), dir, buffer, index, &view);
    if (!want) {
        assert_false(there);
        return;
    }
    assert_true(there);
    char *text = xstrndup((const char *)view.data, view.len);
    assert_string_equal(text, want);
    assert_int_equal(view.len, strlen(want));
    free(text);
}

const char *rig_eve(struct rig *r, unsigned i)
{
    struct json j;
    buf_clear(&r->json);
    json_begin(&j, &r->json);
    json_open(&j, NULL);
    app_describe(&r->flow, rig_tx(r, i), &j);
    json_close(&j);
    buf_byte(&r->json, 0);
    return (const char *)r->json.data;
}

void rig_close(struct rig *r)
{
    struct slab_stats stats;
    app_finish(r->app, &r->flow);
    app_flow_free(r->app, &r->flow);
    app_free(r->app);
    slab_stats(r->slab, &stats);
    assert_int_equal(stats.used, 0);
    slab_free_all(r->slab);
    buf_free(&r->json);
    buf_free(&r->pending[0]);
    buf_free(&r->pending[1]);
}
