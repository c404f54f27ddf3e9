/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed record, and reading a batch back from the stream. */
#include "config.h"
#include "collector/ingest/record.h"

#include <string.h>

#include "collector/store/store.h"
#include "common/buf.h"
#include "common/cursor.h"
#include "common/err.h"
#include "common/zst.h"

_Static_assert(RECORD_SPANS == 11, "a new span changes RECORD_SIZE and so the stream's format");

static uint8_t *put_le32(uint8_t *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> 8 * i);
    return to + 4;
}

static uint8_t *put_le64(uint8_t *to, uint64_t v)
{
    return put_le32(put_le32(to, (uint32_t)v), (uint32_t)(v >> 32));
}

static uint8_t *put_addr(uint8_t *to, const struct addr *a)
{
    memcpy(to, a->bytes, sizeof(a->bytes));
    return to + sizeof(a->bytes);
}

/* One piece for all fields: this runs for every alert there is. */
void record_encode(struct buf *out, const struct record *r)
{
    uint8_t *at = buf_room(out, RECORD_SIZE);

    if (!at)
        return;
    *at++ = (uint8_t)r->kind;
    *at++ = r->proto;
    *at++ = r->severity;
    *at++ = r->target;
    at = put_le64(at, r->time_ns);
    at = put_le64(at, r->flow_id);
    at = put_le64(at, r->lost);
    at = put_addr(at, &r->src);
    at = put_addr(at, &r->dst);
    at = put_le32(at, (uint32_t)r->src_port | (uint32_t)r->dst_port << 16);
    at = put_le32(at, r->gid);
    at = put_le32(at, r->sid);
    at = put_le32(at, r->rev);
    for (int i = 0; i < RECORD_SPANS; i++)
        at = put_le32(put_le32(at, r->spans[i].at), r->spans[i].len);
    out->len += RECORD_SIZE;
}

static void read_addr(struct cursor *in, struct addr *a)
{
    const uint8_t *bytes = cursor_take(in, sizeof(a->bytes));
    if (bytes)
        memcpy(a->bytes, bytes, sizeof(a->bytes));
}

int record_decode(struct cursor *in, struct record *r)
{
    memset(r, 0, sizeof(*r));
    uint8_t kind = cursor_u8(in);
    r->proto = cursor_u8(in);
    r->severity = cursor_u8(in);
    r->target = cursor_u8(in);
    r->time_ns = cursor_le64(in);
    r->flow_id = cursor_le64(in);
    r->lost = cursor_le64(in);
    read_addr(in, &r->src);
    read_addr(in, &r->dst);
    r->src_port = cursor_le16(in);
    r->dst_port = cursor_le16(in);
    r->gid = cursor_le32(in);
    r->sid = cursor_le32(in);
    r->rev = cursor_le32(in);
    for (int i = 0; i < RECORD_SPANS; i++) {
        r->spans[i].at = cursor_le32(in);
        r->spans[i].len = cursor_le32(in);
    }
    r->kind = kind;
    return in->bad || kind > RECORD_OTHER ? ABENG_EFORMAT : ABENG_OK;
}

bool record_has(const struct record *r, enum record_span which, size_t len)
{
    const struct span *s = &r->spans[which];
    return s->len > 0 && s->at <= len && s->len <= len - s->at;
}

static uint64_t number_field(const struct store_reply *fields, const char *name)
{
    int64_t n = store_reply_int(store_reply_field(fields, name));
    return n < 0 ? 0 : (uint64_t)n;
}

int record_batch_read(const struct store_reply *entry, struct record_batch *out)
{
    const struct store_reply *fields = store_reply_at(entry, 1);

    memset(out, 0, sizeof(*out));
    out->id = store_reply_text(store_reply_at(entry, 0), NULL);
    out->sensor = store_reply_text(store_reply_field(fields, "sensor"), NULL);
    out->site = store_reply_text(store_reply_field(fields, "site"), NULL);
    out->epoch = store_reply_text(store_reply_field(fields, "epoch"), NULL);
    out->lane = store_reply_text(store_reply_field(fields, "lane"), NULL);
    out->first = number_field(fields, "first");
    out->count = number_field(fields, "count");
    out->received_ns = number_field(fields, "recv");
    out->raw_len = number_field(fields, "raw");
    out->frame =
        (const uint8_t *)store_reply_text(store_reply_field(fields, "frame"), &out->frame_len);
    out->records =
        (const uint8_t *)store_reply_text(store_reply_field(fields, "recs"), &out->records_len);
    if (!out->count || out->records_len / RECORD_SIZE != out->count || !*out->sensor || !*out->lane)
        return ABENG_EFORMAT;
    return ABENG_OK;
}

int record_batch_at(const struct record_batch *b, size_t i, struct record *out)
{
    if (i >= b->count)
        return ABENG_EFORMAT;
    struct cursor c = cursor_make(b->records + i * RECORD_SIZE, RECORD_SIZE);
    return record_decode(&c, out);
}

int record_batch_open(const struct record_batch *b, struct buf *out)
{
    buf_clear(out);
    int err = zst_decompress(b->frame, b->frame_len, out);
    return err || out->len != b->raw_len ? ABENG_EFORMAT : ABENG_OK;
}
