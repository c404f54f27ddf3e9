/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: eight bytes each tell direction, flags, sequence, acknowledgement, window and length.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"
#include "common/slab.h"
#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"
#include "sensor/stream/internal.h"
#include "sensor/stream/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reader {
    struct stream_ctx *ctx;
    struct flow flow;
    uint64_t position[2];
    uint8_t sum;
};

/* The application's bytes must follow on each other without a hole that is not told. */
static void read_all(struct reader *r)
{
    struct stream_span s;
    for (unsigned dir = 0; dir < 2; dir++) {
        while (stream_app_next(r->ctx, &r->flow, dir, &s)) {
            if (s.offset != r->position[dir])
                abort();
            if (s.data)
                r->sum = (uint8_t)(r->sum + s.data[0] + s.data[s.len - 1]);
            r->position[dir] += s.len;
            stream_app_consume(r->ctx, &r->flow, dir, s.len);
        }
        while (stream_raw_next(r->ctx, &r->flow, dir, true, &s))
            r->sum = (uint8_t)(r->sum + s.data[0] + s.data[s.len - 1]);
    }
}

static void segment(struct reader *r, struct cursor *c)
{
    static const uint8_t payload[256] = "bytes of a segment";
    struct packet p = { .ip_version = 4, .proto = PACKET_PROTO_TCP, .payload = payload };
    struct stream_result result;
    uint8_t how = cursor_u8(c);
    p.tcp.flags = cursor_u8(c) & 0x3f;
    p.tcp.seq = 0xffffff00u + cursor_be16(c);
    p.tcp.ack = 0xffffff00u + cursor_be16(c);
    p.tcp.window = (uint16_t)(cursor_u8(c) << 8);
    p.tcp.has_fastopen = how & 2;
    p.tcp.has_wscale = how & 4;
    p.tcp.wscale = 4;
    p.payload_len = cursor_u8(c);
    if (how & 8)
        stream_app_stop(r->ctx, &r->flow, how & 1);
    if (how & 16)
        stream_raw_disable(r->ctx, &r->flow);
    if (how & 32)
        stream_raw_trigger(r->ctx, &r->flow, how & 1);
    stream_packet(r->ctx, &r->flow, how & 1, &p, &result);
    if (!(how & 64))
        read_all(r);
    stream_prune(r->ctx, &r->flow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t slots[STREAM_COUNTERS] = { 0 };
    struct counter_block counters = { slots };
    struct slab *slab = slab_create(4u << 20);
    struct cursor c = cursor_make(data, size);
    uint8_t how = cursor_u8(&c);
    struct stream_conf conf = { .midstream = how & 1,
                                .async_oneside = how & 2,
                                .depth = how & 4 ? 300 : 0 };
    struct reader r = { .ctx = stream_create(&conf, slab, &counters) };
    r.flow.proto = PACKET_PROTO_TCP;
    while (cursor_left(&c) >= 8)
        segment(&r, &c);
    stream_finish(r.ctx, &r.flow);
    read_all(&r);
    stream_flow_free(r.ctx, &r.flow);
    struct slab_stats stats;
    slab_stats(slab, &stats);
    if (stats.used)
        abort();
    stream_free(r.ctx);
    slab_free_all(slab);
    return 0;
}
