/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder's life, and a frame's way into its link layer. */
#include "config.h"

#include "sensor/decode/decode.h"

#include <stdlib.h>
#include <string.h>

#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/internal.h"

#define DEFRAG_TIMEOUT_NS   60000000000ull
#define DEFRAG_TRACKERS_MAX 65536

struct decoder *decode_create(const struct decode_conf *conf, struct slab *slab,
                              struct counter_block *counters)
{
    struct decoder *d = xcalloc(1, sizeof(*d));
    d->conf = *conf;
    if (!d->conf.defrag_timeout_ns)
        d->conf.defrag_timeout_ns = DEFRAG_TIMEOUT_NS;
    if (!d->conf.defrag_trackers_max)
        d->conf.defrag_trackers_max = DEFRAG_TRACKERS_MAX;
    d->slab = slab;
    d->counters = counters;
    d->defrag = defrag_create(d);
    for (int i = 0; i < DECODE_AHEAD * DECODE_REBUILT_MAX; i++)
        d->rebuilt[i / DECODE_REBUILT_MAX][i % DECODE_REBUILT_MAX] = xmalloc(DECODE_REBUILT_LEN);
    return d;
}

void decode_free(struct decoder *d)
{
    if (!d)
        return;
    defrag_free(d->defrag);
    for (int i = 0; i < DECODE_AHEAD * DECODE_REBUILT_MAX; i++)
        free(d->rebuilt[i / DECODE_REBUILT_MAX][i % DECODE_REBUILT_MAX]);
    free(d);
}

void decode_event_set(struct decoder *d, struct packet *p, enum decode_event e)
{
    p->events[e / 64] |= 1ull << e % 64;
    counter_add(d->counters, DECODE_COUNT_EVENTS + e, 1);
}

bool decode_layer_enter(struct decoder *d, struct packet *p)
{
    if (++d->layers <= DECODE_LAYERS_MAX)
        return true;
    decode_event_set(d, p, DECODE_EVENT_TOO_MANY_LAYERS);
    return false;
}

int decode_frame(struct decoder *d, const struct frame *f, uint64_t number, uint64_t now_ns,
                 struct packet out[DECODE_PACKETS_MAX])
{
    struct packet *p = &out[0];
    d->out = out;
    d->count = 1;
    d->layers = 0;
    d->turn = (d->turn + 1) % DECODE_AHEAD;
    d->rebuilt_used = 0;
    memset(p, 0, sizeof(*p));
    p->ts_ns = f->ts_ns;
    p->now_ns = now_ns;
    p->number = number;
    p->data = f->data;
    p->len = f->len;
    p->wire_len = f->wire_len;
    p->flags = PACKET_F_NO_PORTS;
    if (f->vlan_present)
        p->vlan[p->vlan_count++] = f->vlan_tci & 0xfff;
    decode_count(d, DECODE_COUNT_FRAMES);
    counter_add(d->counters, DECODE_COUNT_BYTES, f->len);
    decode_link(d, p, f->link, cursor_make(f->data, f->len));
    if (d->count == 1 && !p->ip_version)
        decode_count(d, DECODE_COUNT_NOT_IP);
    counter_add(d->counters, DECODE_COUNT_PACKETS, d->count);
    return (int)d->count;
}
