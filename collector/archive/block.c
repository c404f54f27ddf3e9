/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of archive files. */
#include "config.h"
#include "collector/archive/block.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/crc32c.h"
#include "common/cursor.h"
#include "common/err.h"
#include "common/json.h"
#include "common/zst.h"

#define MAGIC    0x184D2A5Au
#define HEAD_MAX 2048u
#define CRC_SIZE 4u

static uint32_t checksum(const void *head, size_t head_len, const void *frame, size_t frame_len)
{
    return crc32c(head, head_len) ^ crc32c(frame, frame_len) * 3u;
}

void block_write(struct buf *out, const struct block_head *h, const void *frame)
{
    char memory[HEAD_MAX];
    struct buf b;
    struct json j;

    buf_init_fixed(&b, memory, sizeof(memory));
    json_begin(&j, &b);
    json_open(&j, NULL);
    json_str(&j, "entry", h->entry);
    json_str(&j, "sensor", h->sensor);
    json_str(&j, "site", h->site);
    json_str(&j, "epoch", h->epoch);
    json_str(&j, "lane", h->lane);
    json_u64(&j, "first", h->first);
    json_u64(&j, "count", h->count);
    json_u64(&j, "recv", h->recv_ns);
    json_u64(&j, "raw", h->raw);
    json_u64(&j, "frame", h->frame);
    json_close(&j);
    out->bad |= b.bad;
    buf_le32(out, MAGIC);
    buf_le32(out, (uint32_t)b.len + CRC_SIZE);
    buf_le32(out, checksum(b.data, b.len, frame, h->frame));
    buf_add(out, b.data, b.len);
    buf_add(out, frame, h->frame);
}

static int take_text(const json_t *o, const char *name, char out[BLOCK_TEXT_MAX])
{
    const char *text = json_string_value(json_object_get(o, name));
    if (!text || strlen(text) >= BLOCK_TEXT_MAX)
        return ABENG_EFORMAT;
    snprintf(out, BLOCK_TEXT_MAX, "%s", text);
    return ABENG_OK;
}

static int take_number(const json_t *o, const char *name, uint64_t *out)
{
    const json_t *n = json_object_get(o, name);
    if (!json_is_integer(n) || json_integer_value(n) < 0)
        return ABENG_EFORMAT;
    *out = (uint64_t)json_integer_value(n);
    return ABENG_OK;
}

static int read_head(const void *bytes, size_t len, struct block_head *h)
{
    json_t *o = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
    int err = json_is_object(o) ? ABENG_OK : ABENG_EFORMAT;

    if (err || take_text(o, "entry", h->entry) || take_text(o, "sensor", h->sensor) ||
        take_text(o, "site", h->site) || take_text(o, "epoch", h->epoch) ||
        take_text(o, "lane", h->lane) || take_number(o, "first", &h->first) ||
        take_number(o, "count", &h->count) || take_number(o, "recv", &h->recv_ns) ||
        take_number(o, "raw", &h->raw) || take_number(o, "frame", &h->frame) || !h->count ||
        h->count > INT64_MAX - h->first)
        err = ABENG_EFORMAT;
    json_decref(o);
    return err;
}

int block_read(struct cursor *in, struct block *out)
{
    struct cursor c = *in;

    if (!cursor_left(&c))
        return 0;
    uint32_t magic = cursor_le32(&c), size = cursor_le32(&c), crc = cursor_le32(&c);
    if (c.bad || magic != MAGIC || size < CRC_SIZE || size - CRC_SIZE > HEAD_MAX)
        return ABENG_EFORMAT;
    const uint8_t *head = cursor_take(&c, size - CRC_SIZE);
    if (!head || read_head(head, size - CRC_SIZE, &out->head) != ABENG_OK)
        return ABENG_EFORMAT;
    out->frame = cursor_take(&c, out->head.frame);
    if (!out->frame || checksum(head, size - CRC_SIZE, out->frame, out->head.frame) != crc)
        return ABENG_EFORMAT;
    out->size = (size_t)(c.at - in->at);
    *in = c;
    return 1;
}

bool block_find(struct cursor *in, struct block *out)
{
    static const uint8_t magic[4] = { MAGIC & 0xff, MAGIC >> 8 & 0xff, MAGIC >> 16 & 0xff,
                                      MAGIC >> 24 };

    while (cursor_left(in)) {
        const uint8_t *hit = memmem(in->at, cursor_left(in), magic, sizeof(magic));
        cursor_skip(in, hit ? (size_t)(hit - in->at) : cursor_left(in));
        if (hit && block_read(in, out) > 0)
            return true;
        if (hit)
            cursor_skip(in, 1);
    }
    return false;
}

int block_open(const struct block *b, struct buf *out)
{
    buf_clear(out);
    int err = zst_decompress(b->frame, b->head.frame, out);
    return err || out->len != b->head.raw ? ABENG_EFORMAT : ABENG_OK;
}
