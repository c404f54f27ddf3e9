/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: two bytes of link type and two of length before each, so that fragments of one input can
 * meet. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"
#include "sensor/decode/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every view must lie within something that can be read. */
static uint8_t touch(const struct packet *p)
{
    uint8_t sum = 0;
    if (p->l3_len)
        sum = (uint8_t)(p->l3[0] + p->l3[p->l3_len - 1]);
    if (p->l4_len)
        sum = (uint8_t)(sum + p->l4[0] + p->l4[p->l4_len - 1]);
    if (p->payload_len)
        sum = (uint8_t)(sum + p->payload[0] + p->payload[p->payload_len - 1]);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t slots[DECODE_COUNTERS] = { 0 };
    struct counter_block counters = { slots };
    struct slab *slab = slab_create(4u << 20);
    struct decode_conf conf = { .check_checksums = true,
                                .tunnels_more = true,
                                .defrag_trackers_max = 16 };
    struct decoder *d = decode_create(&conf, slab, &counters);
    struct cursor c = cursor_make(data, size);
    struct packet out[DECODE_PACKETS_MAX];
    volatile uint8_t sum = 0;
    for (uint64_t number = 1; cursor_left(&c) > 4; number++) {
        struct frame f = { .link = cursor_be16(&c), .ts_ns = number };
        uint32_t len = cursor_be16(&c);
        f.len = f.wire_len = len < cursor_left(&c) ? len : (uint32_t)cursor_left(&c);
        f.data = xmemdup(cursor_take(&c, f.len), f.len);
        int n = decode_frame(d, &f, number, number, out);
        for (int i = 0; i < n; i++)
            sum = (uint8_t)(sum + touch(&out[i]));
        sum = (uint8_t)(sum + decode_steer(&f, 5));
        free((void *)(uintptr_t)f.data);
    }
    decode_free(d);
    slab_free_all(slab);
    return 0;
}
