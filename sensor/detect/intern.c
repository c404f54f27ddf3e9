/* SPDX-License-Identifier: Apache-2.0 */
/* An open hash table over runs of a buffer. */
#include "config.h"

#include "sensor/detect/intern.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/hash.h"
#include "common/xalloc.h"

static uint64_t run_hash(const uint8_t *bytes, size_t len)
{
    uint64_t h = len, word;
    for (; len >= sizeof(word); bytes += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        h = hash_mix(h, word);
    }
    word = 0;
    if (len)
        memcpy(&word, bytes, len);
    return hash_mix(hash_mix(h, word), 0x51);
}

static void slot_put(struct intern *in, uint32_t entry)
{
    uint32_t mask = in->slot_count - 1, slot = (uint32_t)in->entries[entry].hash & mask;
    while (in->slots[slot])
        slot = (slot + 1) & mask;
    in->slots[slot] = entry + 1;
}

static void intern_grow(struct intern *in)
{
    if (in->count < in->cap)
        return;
    in->cap = in->cap ? in->cap * 2 : 32;
    in->entries = xreallocarray(in->entries, in->cap, sizeof(*in->entries));
    free(in->slots);
    in->slot_count = in->cap * 2;
    in->slots = xcalloc(in->slot_count, sizeof(*in->slots));
    for (uint32_t i = 0; i < in->count; i++)
        slot_put(in, i);
}

uint32_t intern_add(struct intern *in, struct buf *store, const void *bytes, size_t len)
{
    intern_grow(in);
    uint64_t hash = run_hash(bytes, len);
    uint32_t mask = in->slot_count - 1;
    for (uint32_t slot = (uint32_t)hash & mask; in->slots[slot]; slot = (slot + 1) & mask) {
        const struct intern_entry *e = &in->entries[in->slots[slot] - 1];
        if (e->hash == hash && e->len == len &&
            (len == 0 || memcmp(store->data + e->at, bytes, len) == 0))
            return in->slots[slot] - 1;
    }
    in->entries[in->count] = (struct intern_entry){ hash, (uint32_t)store->len, (uint32_t)len };
    if (len)
        buf_add(store, bytes, len);
    slot_put(in, in->count);
    return in->count++;
}

void intern_free(struct intern *in)
{
    free(in->entries);
    free(in->slots);
    *in = (struct intern){ 0 };
}
