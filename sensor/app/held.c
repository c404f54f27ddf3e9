/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of a moment ago, in a ring of bytes. */
#include "config.h"
#include "sensor/app/held.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define ALIGN 8u

struct head {
    uint64_t now_ns, before;
    uint64_t len;
};

struct held {
    size_t bytes;
    uint64_t end; /* of all that was ever put in; a place in the ring is the rest by `bytes` */
    uint8_t ring[];
};

struct held *held_create(size_t bytes)
{
    struct held *h = xcalloc(1, sizeof(*h) + bytes);
    h->bytes = bytes;
    h->end = ALIGN; /* so that no place is 0 */
    return h;
}

uint64_t held_put(struct held *h, const uint8_t *l3, uint16_t len, uint64_t now_ns, uint64_t before)
{
    size_t need = (sizeof(struct head) + len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (need > h->bytes / 4)
        return 0;
    size_t at = h->end & (h->bytes - 1);
    if (at + need > h->bytes) { /* a packet lies in one piece */
        h->end += h->bytes - at;
        at = 0;
    }
    struct head head = { now_ns, before, len };
    memcpy(h->ring + at, &head, sizeof(head));
    memcpy(h->ring + at + sizeof(head), l3, len);
    uint64_t place = h->end;
    h->end += need;
    return place;
}

bool held_get(const struct held *h, uint64_t place, struct held_packet *out)
{
    if (place == 0 || place >= h->end || h->end - place > h->bytes)
        return false;
    const uint8_t *at = h->ring + (place & (h->bytes - 1));
    struct head head;
    memcpy(&head, at, sizeof(head));
    *out = (struct held_packet){ at + sizeof(head), (uint16_t)head.len, head.now_ns, head.before };
    return true;
}

void held_free(struct held *h)
{
    free(h);
}
