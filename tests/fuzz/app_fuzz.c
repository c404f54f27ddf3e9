/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation from fuzz input. */
#include "config.h"
#include "tests/fuzz/app_fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/app/app.h"
#include "sensor/app/expect.h"
#include "sensor/app/parser.h"
#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"
#include "sensor/stream/stream.h"

#define SLAB_BYTES (8u << 20)
#define INSTANCES  4u

struct talk {
    struct app_ctx *app;
    struct flow flow;
    struct buf json;
    uint64_t packet, offset[2];
    unsigned proto;
};

/** Instance `i` of every buffer. */
static uint8_t read_all(struct talk *t, struct app_tx *tx, unsigned dir, uint32_t i)
{
    uint8_t sink = 0;
    struct app_view view;
    for (unsigned b = 0; b < SIG_BUF_COUNT; b++)
        if (app_tx_buffer(t->app, &t->flow, tx, dir, (enum sig_buffer)b, i, &view) && view.len > 0)
            sink ^= view.data[0] ^ view.data[view.len - 1];
    return sink;
}

/** Read every buffer as detection would. */
static void look(struct talk *t)
{
    volatile uint8_t sink = 0;
    struct app_view view;
    for (struct app_tx *tx = app_tx_first(&t->flow); tx; tx = tx->next)
        for (unsigned dir = 0; dir < 2; dir++) {
            for (uint32_t i = 0; i < INSTANCES; i++)
                sink ^= read_all(t, tx, dir, i);
            sink ^= read_all(t, tx, dir, APP_INDEX_BEYOND);
            app_tx_body_advance(t->app, &t->flow, tx, dir);
            tx->inspected[dir] = tx->progress[dir] == SIG_PROGRESS_DONE;
        }
    for (unsigned dir = 0, kind; dir < 2; dir++) {
        const struct app_frame *f = NULL;
        while ((f = app_frame_next(&t->flow, dir, f, &kind)))
            for (unsigned i = 0; app_frame_piece(f, i, &view); i++)
                if (view.len > 0)
                    sink ^= view.data[0] ^ view.data[view.len - 1];
        app_frames_advance(t->app, &t->flow, dir);
    }
    (void)sink;
    struct json j;
    buf_clear(&t->json);
    json_begin(&j, &t->json);
    for (struct app_tx *tx = app_tx_first(&t->flow); tx; tx = tx->next)
        app_describe(&t->flow, tx, &j);
    app_tx_prune(t->app, &t->flow);
}

static void piece(struct talk *t, char kind, const uint8_t *data, size_t len)
{
    unsigned dir = kind == 'S' || kind == 'H' || kind == 'F';
    bool gap = kind == 'G' || kind == 'H';
    bool end = kind == 'E' || kind == 'F';
    uint8_t *copy = xmemdup(data, len);
    struct app_result out;
    const struct packet p = { .number = ++t->packet,
                              .payload = copy,
                              .payload_len = (uint32_t)len };
    const struct stream_span span = { gap ? NULL : copy,   (uint32_t)len,
                                      t->offset[dir],      gap,
                                      t->offset[dir] == 0, end };
    if (t->proto == PACKET_PROTO_UDP)
        app_datagram(t->app, &t->flow, dir, &p, &out);
    else
        t->offset[dir] += app_stream(t->app, &t->flow, dir, &span, &p, &out);
    free(copy);
    look(t);
}

/** Where the next mark stands at or after `at`, `size` when there is none. */
static size_t mark_find(const uint8_t *data, size_t size, size_t at)
{
    for (; at + 3 <= size; at++)
        if (data[at] == '@' && data[at + 1] == '@' && strchr("CSGHEF", data[at + 2]) &&
            data[at + 2])
            return at;
    return size;
}

int app_fuzz_run(enum sig_app app, unsigned ip_proto, const uint8_t *data, size_t size)
{
    const struct app_conf conf = { .ja3 = true, .beyond = true, .tx_max = 64 };
    uint64_t slots[APP_COUNT_FLOWS + SIG_APP_COUNT] = { 0 };
    struct counter_block counters = { slots };
    struct slab *slab = slab_create(SLAB_BYTES);
    struct talk t = { .proto = ip_proto };
    t.app = app_create(&conf, slab, &counters);
    app_frames_want(t.app, UINT64_MAX);
    t.flow.proto = (uint8_t)ip_proto;
    t.flow.server_port = 9;
    buf_init(&t.json, 1u << 20);
    app_expect_add(t.app->expect, &t.flow.client, &t.flow.server, 9, app,
                   &(struct app_expect_note){ 0 });
    for (size_t at = mark_find(data, size, 0); at < size;) {
        size_t next = mark_find(data, size, at + 3);
        piece(&t, (char)data[at + 2], data + at + 3, next - at - 3);
        at = next;
    }
    app_finish(t.app, &t.flow);
    look(&t);
    app_flow_free(t.app, &t.flow);
    app_free(t.app);
    struct slab_stats stats;
    slab_stats(slab, &stats);
    if (stats.used != 0)
        abort();
    slab_free_all(slab);
    buf_free(&t.json);
    return 0;
}
